/**
 * Bytes on the wire that announce who has an address: gratuitous ARP (RFC 5227, both forms, since switches and hosts differ in which
 * they believe), an ARP request, the unsolicited neighbour advertisement (RFC 4861 §7.2.6), and addresses as bytes and text.
 */

const broadcastMac = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
/** Ethernet frames are padded to this length (without the checksum). */
const minFrameBytes = 60

/** An ARP frame: `operation` 1 = request, 2 = reply. */
function arpFrame(operation: 1 | 2, sender: Buffer, senderIp: string, targetMac: Buffer, targetIp: string): Buffer {
  const frame = Buffer.alloc(minFrameBytes)
  broadcastMac.copy(frame, 0)
  sender.copy(frame, 6)
  frame.writeUInt16BE(0x0806, 12)
  frame.writeUInt16BE(1, 14) // Ethernet
  frame.writeUInt16BE(0x0800, 16) // IPv4
  frame[18] = 6
  frame[19] = 4
  frame.writeUInt16BE(operation, 20)
  sender.copy(frame, 22)
  ip4(senderIp).copy(frame, 28)
  targetMac.copy(frame, 32)
  ip4(targetIp).copy(frame, 38)
  return frame
}

const ip4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** `address is at mac`, as request and as reply. */
export function gratuitousArp(mac: Buffer, address: string): readonly Buffer[] {
  return [arpFrame(1, mac, address, Buffer.alloc(6), address), arpFrame(2, mac, address, mac, address)]
}

/** Who has `target`? Tell `source`. */
export function arpRequest(mac: Buffer, source: string, target: string): Buffer {
  return arpFrame(1, mac, source, Buffer.alloc(6), target)
}

/** What an ARP frame tells: its sender, and for a reply whom it answers. Null when it is no ARP frame of IPv4. */
export function readArp(frame: Buffer): {
  readonly reply: boolean
  readonly address: string
  readonly mac: string
  readonly to: { readonly address: string; readonly mac: string }
} | null {
  if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0806 || frame.readUInt16BE(16) !== 0x0800) return null
  return {
    reply: frame.readUInt16BE(20) === 2,
    address: parseAddress(frame.subarray(28, 32)),
    mac: macText(frame.subarray(22, 28)),
    to: { address: parseAddress(frame.subarray(38, 42)), mac: macText(frame.subarray(32, 38)) },
  }
}

/** `02:00:00:00:00:01`. */
export function macText(mac: Buffer): string {
  return [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** ICMPv6: this address is at this hardware address, override what you know. The kernel fills in the checksum. */
export function neighbourAdvertisement(mac: Buffer, address: string): Buffer {
  const message = Buffer.alloc(32)
  message[0] = 136
  message[4] = 0x20 // override
  packAddress6(address).copy(message, 8)
  message[24] = 2 // target link-layer address
  message[25] = 1
  mac.copy(message, 26)
  return message
}

/** The sixteen bytes of an IPv6 address in text. */
export function packAddress6(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((g) => Number.parseInt(g, 16)))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back]
  const bytes = Buffer.alloc(16)
  all.slice(0, 8).forEach((g, i) => bytes.writeUInt16BE(g & 0xffff, i * 2))
  return bytes
}

/** Address bytes (4 or 16) as canonical text (RFC 5952). */
export function parseAddress(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((g) => g.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}
