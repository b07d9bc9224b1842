/** IPv6 addresses as text and as eight groups of sixteen bits (RFC 4291 §2.2). Pure. */

const groupCount = 8

/** The eight groups of an address; undefined when the text is none. An IPv4 tail is read, a zone (`%eth0`) is not. */
export function ipv6Groups(text: string): readonly number[] | undefined {
  const tail = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (tail) {
    const [a = 0, b = 0, c = 0, d = 0] = tail.slice(2).map(Number)
    if (Math.max(a, b, c, d) > 255) return undefined
    return ipv6Groups(`${tail[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2 || !text.includes(':')) return undefined
  const [head = [], rest] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const words = [...head, ...(rest ?? [])]
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined
  const missing = groupCount - words.length
  // `::` stands for one group at least.
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined
  const zeros = Array.from({ length: missing }, () => '0')
  return [...head, ...zeros, ...(rest ?? [])].map((word) => Number.parseInt(word, 16))
}

/** Canonical text of eight groups (RFC 5952): lower case, the longest run of zeros as `::`. */
export function ipv6Text(groups: readonly number[]): string {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < groupCount; at++) {
    let length = 0
    while (groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

/** Whether an address, known to be one, is of IPv6. */
export const isSix = (address: string): boolean => address.includes(':')

/** Addresses that no service can have: unspecified, loopback, link-local, multicast (RFC 4291 §2.4). */
export function isUnusable6(groups: readonly number[]): boolean {
  const [first = 0] = groups
  const isLow = groups.slice(0, -1).every((group) => group === 0) && (groups.at(-1) ?? 0) <= 1
  return isLow || (first & 0xffc0) === 0xfe80 || (first & 0xff00) === 0xff00
}
