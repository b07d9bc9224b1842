/**
 * Internet packets made and read as bytes: echo requests, and the packets by which a virtual IP is asked for through one real server
 * (a SYN, an echo request) in an Ethernet frame addressed to its hardware address.
 */

const ethernetBytes = 14
const minFrameBytes = 60
const ip4Bytes = 20
const icmpBytes = 8
/** The offered window and segment size of the SYN: what Linux offers on Ethernet. */
const synWindow = 64_240
const segmentBytes = 1_460
const hopLimit = 64

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const
const protocols = { icmp: 1, tcp: 6 } as const

/** RFC 1071. */
export function internetChecksum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts)
  let sum = 0
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  if (bytes.length % 2 === 1) sum += (bytes.at(-1) ?? 0) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

const ip4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

function ipPacket(protocol: number, source: string, destination: string, content: Buffer): Buffer {
  const header = Buffer.alloc(ip4Bytes)
  header[0] = 0x45
  header.writeUInt16BE(ip4Bytes + content.length, 2)
  header.writeUInt16BE(0x4000, 6) // do not fragment
  header[8] = hopLimit
  header[9] = protocol
  ip4(source).copy(header, 12)
  ip4(destination).copy(header, 16)
  header.writeUInt16BE(internetChecksum(header), 10)
  return Buffer.concat([header, content])
}

export interface Segment {
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly port: number
  /** Sequence number. */
  readonly number: number
}

/** A TCP segment without data in an IPv4 packet: the SYN that asks, or the RST that takes it back. */
export function tcpPacket(segment: Segment, flags: number): Buffer {
  const isSyn = (flags & tcpFlags.syn) !== 0
  const tcp = Buffer.alloc(isSyn ? 24 : 20)
  tcp.writeUInt16BE(segment.sourcePort, 0)
  tcp.writeUInt16BE(segment.port, 2)
  tcp.writeUInt32BE(segment.number >>> 0, 4)
  tcp[12] = (tcp.length / 4) << 4
  tcp[13] = flags
  if (isSyn) {
    tcp.writeUInt16BE(synWindow, 14)
    tcp[20] = 2 // maximum segment size
    tcp[21] = 4
    tcp.writeUInt16BE(segmentBytes, 22)
  }
  const pseudo = Buffer.concat([
    ip4(segment.source),
    ip4(segment.destination),
    Buffer.from([0, protocols.tcp, 0, tcp.length]),
  ])
  tcp.writeUInt16BE(internetChecksum(pseudo, tcp), 16)
  return ipPacket(protocols.tcp, segment.source, segment.destination, tcp)
}

/** An echo request without an IP header; for ICMPv6 the kernel puts the checksum in. */
export function echoRequest(family: 'inet' | 'inet6', id: number, sequence: number): Buffer {
  const message = Buffer.alloc(icmpBytes + 16)
  message[0] = family === 'inet' ? 8 : 128
  message.writeUInt16BE(id, 4)
  message.writeUInt16BE(sequence, 6)
  message.write('shoal', icmpBytes, 'latin1')
  if (family === 'inet') message.writeUInt16BE(internetChecksum(message), 2)
  return message
}

/** An echo request in an IPv4 packet. */
export function echoPacket(source: string, destination: string, id: number, sequence: number): Buffer {
  return ipPacket(protocols.icmp, source, destination, echoRequest('inet', id, sequence))
}

/** The reply to an echo request; for IPv4 `packet` begins with the IP header, for IPv6 with the message (raw(7)). */
export function echoReplyOf(
  packet: Buffer,
  family: 'inet' | 'inet6',
): { readonly id: number; readonly sequence: number } | undefined {
  const at = family === 'inet' ? ((packet[0] ?? 0) & 0x0f) * 4 : 0
  if (packet.length < at + icmpBytes || packet[at] !== (family === 'inet' ? 0 : 129)) return undefined
  return { id: packet.readUInt16BE(at + 4), sequence: packet.readUInt16BE(at + 6) }
}

/** What came back: an echo reply, or a TCP segment that acknowledges `acknowledged`. */
export type Returned =
  | { readonly kind: 'echo'; readonly source: string; readonly id: number; readonly sequence: number }
  | {
      readonly kind: 'tcp'
      readonly source: string
      readonly sourcePort: number
      readonly port: number
      readonly flags: number
      readonly acknowledged: number
    }

/** Reads an IPv4 packet, from its header on; undefined for anything else. */
export function returnedOf(packet: Buffer): Returned | undefined {
  const at = ((packet[0] ?? 0) & 0x0f) * 4
  if ((packet[0] ?? 0) >> 4 !== 4 || at < ip4Bytes || packet.length < at + icmpBytes) return undefined
  const source = [...packet.subarray(12, 16)].join('.')
  if (packet[9] === protocols.icmp) {
    const reply = echoReplyOf(packet, 'inet')
    return reply && { kind: 'echo', source, ...reply }
  }
  if (packet[9] !== protocols.tcp || packet.length < at + 20) return undefined
  return {
    kind: 'tcp',
    source,
    sourcePort: packet.readUInt16BE(at),
    port: packet.readUInt16BE(at + 2),
    flags: packet.readUInt8(at + 13) & 0x17,
    acknowledged: packet.readUInt32BE(at + 8),
  }
}

/** An IPv4 packet in a frame. */
export function ipFrame(from: Buffer, to: Buffer, packet: Buffer): Buffer {
  const frame = Buffer.alloc(Math.max(minFrameBytes, ethernetBytes + packet.length))
  to.copy(frame, 0)
  from.copy(frame, 6)
  frame.writeUInt16BE(0x0800, 12)
  packet.copy(frame, ethernetBytes)
  return frame
}

/** One instruction of a socket filter (classic BPF). */
export type FilterStep = readonly [code: number, whenTrue: number, whenFalse: number, operand: number]

/** Ports `first` … `first | ~mask` are ours for asking; answers to other ports are none of our business. */
export const askingPorts = { first: 0xf000, mask: 0xf800, count: 0x0800 } as const

/**
 * Lets through, of all the packets of this host, only SYN+ACK and RST+ACK to our asking ports and echo replies with our id. On a
 * director that carries traffic this decides in the kernel what is not looked at.
 */
export function askingFilter(echoId: number): readonly FilterStep[] {
  const load = { byte: 0x30, headerLength: 0xb1, byteAfter: 0x50, halfAfter: 0x48 }
  const and = 0x54
  const equal = 0x15
  const give = 0x06
  const all = 0xffff
  const deny = 16
  const allow = 17
  /** Jumps count from the next instruction. */
  const step = (at: number, operand: number, whenTrue: number, whenFalse: number): FilterStep => [
    equal,
    whenTrue - at - 1,
    whenFalse - at - 1,
    operand,
  ]
  return [
    [load.byte, 0, 0, 9],
    step(1, protocols.tcp, 2, 10),
    [load.headerLength, 0, 0, 0],
    [load.byteAfter, 0, 0, 13],
    [and, 0, 0, 0x17],
    step(5, tcpFlags.syn | tcpFlags.ack, 7, 6),
    step(6, tcpFlags.rst | tcpFlags.ack, 7, deny),
    [load.halfAfter, 0, 0, 2],
    [and, 0, 0, askingPorts.mask],
    step(9, askingPorts.first, allow, deny),
    step(10, protocols.icmp, 11, deny),
    [load.headerLength, 0, 0, 0],
    [load.byteAfter, 0, 0, 0],
    step(13, 0, 14, deny),
    [load.halfAfter, 0, 0, 4],
    step(15, echoId, allow, deny),
    [give, 0, 0, 0],
    [give, 0, 0, all],
  ]
}
