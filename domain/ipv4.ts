/**
 * IPv4 addresses as numbers: strict reading (four decimal parts, no leading zeros, unlike inet_aton, whose `010.1` surprises),
 * networks and masks. Pure, for draft checks, preflight and plan.
 */

/** The address as an unsigned 32-bit number; undefined when the text is not four decimal parts of 0 to 255. */
export function ipv4Number(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let number = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    number = number * 256 + Number(part)
  }
  return number
}

export function isIpv4(text: string): boolean {
  return ipv4Number(text) !== undefined
}

/** Whether both addresses lie in one network of this prefix length (0 to 32). */
export function inSameNetwork(one: string, other: string, prefix: number): boolean {
  const a = ipv4Number(one)
  const b = ipv4Number(other)
  if (a === undefined || b === undefined) return false
  const size = 2 ** (32 - prefix)
  return Math.floor(a / size) === Math.floor(b / size)
}

/** Addresses no host can have as its own on a segment: 0/8, 127/8, multicast and above (RFC 6890). */
export function isUnusable(address: string): boolean {
  const number = ipv4Number(address)
  if (number === undefined) return true
  const first = Math.floor(number / 2 ** 24)
  return first === 0 || first === 127 || first >= 224
}

/** `24` as `255.255.255.0`. */
export function prefixToMask(prefix: number): string {
  const mask = prefix === 0 ? 0 : 2 ** 32 - 2 ** (32 - prefix)
  return [24, 16, 8, 0].map((shift) => Math.floor(mask / 2 ** shift) % 256).join('.')
}

/** The address after this one; undefined at the end of all or for text that is no address. */
export function nextIpv4(address: string): string | undefined {
  const number = ipv4Number(address)
  if (number === undefined || number >= 2 ** 32 - 1) return undefined
  return [24, 16, 8, 0].map((shift) => Math.floor((number + 1) / 2 ** shift) % 256).join('.')
}
