/**
 * Bytes on the wire that announce who has an address, or ask for it: gratuitous ARP (RFC 5227, both forms, since switches and hosts
 * differ in which they believe), an ARP request, for IPv6 the unsolicited neighbour advertisement (RFC 4861 §7.2.6) and the neighbour
 * solicitation (§4.3); and addresses as bytes and text.
 */
import { ipv6Groups, ipv6Text } from '../../domain/ipv6.ts'
import { internetChecksum, type FilterStep } from './ip-packets.ts'

const broadcastMac = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
/** Ethernet frames are padded to this length (without the checksum). */
const minFrameBytes = 60
const ethernetBytes = 14
/** What a frame carries (IEEE 802 numbers). */
export const ethernet = { ip4: 0x0800, arp: 0x0806, ip6: 0x86dd } as const
const ip6Bytes = 40
const icmp6 = 58
/** Neighbour discovery is believed only when no router can have passed it on (RFC 4861 §7.1). */
const fromThisLink = 255
const solicitation = { type: 135, bytes: 24, option: 1 } as const
const advertisement = { type: 136, bytes: 24, option: 2, solicited: 0x40, override: 0x20 } as const
/** An option with an Ethernet address: its type, its length in units of eight bytes, the address. */
const linkOptionBytes = 8

/** An ARP frame: `operation` 1 = request, 2 = reply. */
function arpFrame(operation: 1 | 2, sender: Buffer, senderIp: string, targetMac: Buffer, targetIp: string): Buffer {
  const frame = Buffer.alloc(minFrameBytes)
  broadcastMac.copy(frame, 0)
  sender.copy(frame, 6)
  frame.writeUInt16BE(ethernet.arp, 12)
  frame.writeUInt16BE(1, 14) // Ethernet
  frame.writeUInt16BE(ethernet.ip4, 16)
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

/** What a frame tells of who has an address. */
export interface Told {
  /** It answers a question. */
  readonly reply: boolean
  readonly address: string
  readonly mac: string
  /** Whom it is told. */
  readonly to: { readonly address: string; readonly mac: string }
}

/** What an ARP frame tells: its sender, and for a reply whom it answers. Null when it is no ARP frame of IPv4. */
export function readArp(frame: Buffer): Told | null {
  if (frame.length < 42 || frame.readUInt16BE(12) !== ethernet.arp || frame.readUInt16BE(16) !== ethernet.ip4)
    return null
  return {
    reply: frame.readUInt16BE(20) === 2,
    address: parseAddress(frame.subarray(28, 32)),
    mac: macText(frame.subarray(22, 28)),
    to: { address: parseAddress(frame.subarray(38, 42)), mac: macText(frame.subarray(32, 38)) },
  }
}

/** Who has `target`? Tell `source`: a frame to the few hosts that listen for such an address (RFC 4291 §2.7.1, RFC 2464 §7). */
export function neighbourSolicitation(mac: Buffer, source: string, target: string): Buffer {
  const wanted = packAddress6(target)
  const group = Buffer.concat([packAddress6('ff02::1:ff00:0').subarray(0, 13), wanted.subarray(13)])
  const message = Buffer.concat([Buffer.alloc(8), wanted, linkOption(solicitation.option, mac)])
  message[0] = solicitation.type
  const addresses = Buffer.concat([packAddress6(source), group])
  const pseudo = Buffer.concat([addresses, Buffer.from([0, 0, 0, message.length, 0, 0, 0, icmp6])])
  message.writeUInt16BE(internetChecksum(pseudo, message), 2)
  const head = Buffer.alloc(ethernetBytes + 8)
  Buffer.from([0x33, 0x33]).copy(head, 0)
  group.copy(head, 2, 12)
  mac.copy(head, 6)
  head.writeUInt16BE(ethernet.ip6, 12)
  head[ethernetBytes] = 0x60
  head.writeUInt16BE(message.length, ethernetBytes + 4)
  head[ethernetBytes + 6] = icmp6
  head[ethernetBytes + 7] = fromThisLink
  return Buffer.concat([head, addresses, message])
}

function linkOption(type: number, mac: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 1]), mac])
}

/** The Ethernet address in the option of a neighbour discovery message; undefined = it has none. */
function optionOf(options: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + linkOptionBytes <= options.length;) {
    const bytes = (options[at + 1] ?? 0) * 8
    if (bytes === 0) return undefined
    if (options[at] === type && bytes === linkOptionBytes) return options.subarray(at + 2, at + linkOptionBytes)
    at += bytes
  }
  return undefined
}

/**
 * What a frame of neighbour discovery tells: an advertisement who has the address, a solicitation who asks. Null for every other frame,
 * also for a question of one that has no address yet (duplicate address detection).
 */
export function readNeighbour(frame: Buffer): Told | null {
  const at = ethernetBytes + ip6Bytes
  if (frame.length < at + advertisement.bytes || frame.readUInt16BE(12) !== ethernet.ip6) return null
  if (frame[ethernetBytes + 6] !== icmp6 || frame[ethernetBytes + 7] !== fromThisLink || frame[at + 1] !== 0)
    return null
  const end = Math.min(frame.length, at + frame.readUInt16BE(ethernetBytes + 4))
  const options = frame.subarray(at + advertisement.bytes, end)
  const to = {
    address: parseAddress(frame.subarray(ethernetBytes + 24, at)),
    mac: macText(frame.subarray(0, 6)),
  }
  const sender = frame.subarray(6, 12)
  if (frame[at] === advertisement.type) {
    return {
      reply: ((frame[at + 4] ?? 0) & advertisement.solicited) !== 0,
      address: parseAddress(frame.subarray(at + 8, at + 24)),
      mac: macText(optionOf(options, advertisement.option) ?? sender),
      to,
    }
  }
  const address = parseAddress(frame.subarray(ethernetBytes + 8, ethernetBytes + 24))
  if (frame[at] !== solicitation.type || address === '::') return null
  return { reply: false, address, mac: macText(optionOf(options, solicitation.option) ?? sender), to }
}

/** Lets only frames of neighbour discovery through (the offsets count from the Ethernet header). */
export const neighbourFilter: readonly FilterStep[] = [
  [0x30, 0, 0, ethernetBytes + 6],
  [0x15, 0, 4, icmp6],
  [0x30, 0, 0, ethernetBytes + ip6Bytes],
  [0x15, 1, 0, advertisement.type],
  [0x15, 0, 1, solicitation.type],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
]

/** `02:00:00:00:00:01`. */
export function macText(mac: Buffer): string {
  return [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** ICMPv6: this address is at this hardware address, override what you know. The kernel fills in the checksum. */
export function neighbourAdvertisement(mac: Buffer, address: string): Buffer {
  const message = Buffer.concat([Buffer.alloc(8), packAddress6(address), linkOption(advertisement.option, mac)])
  message[0] = advertisement.type
  message[4] = advertisement.override
  return message
}

/** The sixteen bytes of an IPv6 address in text. */
export function packAddress6(address: string): Buffer {
  const bytes = Buffer.alloc(16)
  for (const [at, group] of (ipv6Groups(address) ?? []).entries()) bytes.writeUInt16BE(group, at * 2)
  return bytes
}

/** Address bytes (4 or 16) as canonical text. */
export function parseAddress(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  return ipv6Text(Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2)))
}
