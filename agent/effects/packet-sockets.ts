/**
 * Sockets below TCP and UDP: frames and ICMPv6 messages sent out of a device, ears for what comes in (a filter in the kernel lets
 * through only what is asked for), raw sockets of a protocol. What is in the packets is made and read elsewhere (packets.ts,
 * ip-packets.ts).
 */
import type { FilterStep } from './ip-packets.ts'
import { AF, errorText, MSG_DONTWAIT, SOCK, type Libc } from './libc.ts'
import type { Netlink } from './netlink.ts'
import { ethernet, neighbourFilter, packAddress6 } from './packets.ts'

const IPPROTO = { icmp: 1, ipip: 4, icmp6: 58 } as const
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** Of a packet so much is taken: what is looked at stands at its beginning. */
const packetBytes = 2_048

/** A socket below TCP and UDP. Nothing waits on it: `next` gives the next packet that came, or null. */
export interface RawSocket {
  /** Sends to an address, without an IP header (raw(7)); undefined = sent. */
  readonly send: (address: string, packet: Buffer) => string | undefined
  readonly next: () => Buffer | null
  readonly close: () => void
}

export interface PacketSockets {
  /** Sends a raw frame out of a device; undefined = sent. */
  readonly sendFrame: (device: string, frame: Buffer) => string | undefined
  /** Opens an ear for the frames of a device that tell who has an address: ARP, or neighbour discovery. A text says why not. */
  readonly listenNeighbours: (device: string, family: 'inet' | 'inet6') => Pick<RawSocket, 'next' | 'close'> | string
  /** Sends an ICMPv6 message from an address of this host to all nodes on a link; undefined = sent. */
  readonly sendIcmp6: (device: string, source: string, message: Buffer) => string | undefined
  /** Opens a raw socket of a protocol; a text says why not. */
  readonly raw: (family: 'inet' | 'inet6', protocol: 'icmp' | 'icmp6' | 'ipip') => RawSocket | string
  /** Opens an ear for the IPv4 packets that come in on any device and that a filter lets through, from their IP header on. */
  readonly listenIp: (filter: readonly FilterStep[]) => Pick<RawSocket, 'next' | 'close'> | string
}

export function openPacketSockets(libc: Libc, linkOf: Netlink['link']): PacketSockets {
  const { socket, close, sendto, recv, bind, setsockopt, attachFilter, errno } = libc
  const frameSockets = new Map<string, number>()

  function frameSocket(device: string, index: number): number {
    const key = `${device} ${index}`
    const known = frameSockets.get(key)
    if (known !== undefined) return known
    // Protocol 0: nothing is received on it.
    const fd = socket(AF.packet, SOCK.raw | SOCK.nonblock | SOCK.cloexec, 0)
    if (fd >= 0) frameSockets.set(key, fd)
    return fd
  }

  /** The packets that came on a socket, one by one. */
  function received(fd: number): Pick<RawSocket, 'next' | 'close'> {
    const packet = Buffer.alloc(packetBytes)
    let isOpen = true
    return {
      next: () => {
        const length = isOpen ? recv(fd, packet, packet.length, MSG_DONTWAIT) : -1
        return length > 0 ? Buffer.from(packet.subarray(0, length)) : null
      },
      close: () => {
        if (isOpen) close(fd)
        isOpen = false
      },
    }
  }

  /** A packet socket for what a filter lets through (none: everything), on one device or (0) on all. */
  function listening(
    type: number,
    protocol: number,
    filter: readonly FilterStep[],
    index = 0,
  ): Pick<RawSocket, 'next' | 'close'> | string {
    // Nothing is received before the filter is in place: the protocol comes with bind.
    const fd = socket(AF.packet, type | SOCK.nonblock | SOCK.cloexec, 0)
    if (fd < 0) return errorText(errno())
    const program = Buffer.alloc(filter.length * 8)
    for (const [at, [code, whenTrue, whenFalse, operand]] of filter.entries()) {
      program.writeUInt16LE(code, at * 8)
      program[at * 8 + 2] = whenTrue
      program[at * 8 + 3] = whenFalse
      program.writeUInt32LE(operand, at * 8 + 4)
    }
    const at = Buffer.alloc(20)
    at.writeUInt16LE(AF.packet, 0)
    at.writeUInt16BE(protocol, 2)
    at.writeInt32LE(index, 4)
    const length = filter.length
    if (
      (length > 0 && attachFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: length, filter: program }, 16) < 0) ||
      bind(fd, at, at.length) < 0
    ) {
      const says = errorText(errno())
      close(fd)
      return says
    }
    return received(fd)
  }

  return {
    sendFrame(device, frame) {
      const link = linkOf(device)
      if (!link) return `there is no interface ${device}`
      const fd = frameSocket(device, link.index)
      if (fd < 0) return `packet socket: ${errorText(errno())}`
      // struct sockaddr_ll
      const to = Buffer.alloc(20)
      to.writeUInt16LE(AF.packet, 0)
      frame.copy(to, 2, 12, 14)
      to.writeInt32LE(link.index, 4)
      to[11] = 6
      frame.copy(to, 12, 0, 6)
      return sendto(fd, frame, frame.length, MSG_DONTWAIT, to, to.length) < 0 ? errorText(errno()) : undefined
    },
    listenNeighbours(device, family) {
      const link = linkOf(device)
      if (!link) return `there is no interface ${device}`
      return family === 'inet'
        ? listening(SOCK.raw, ethernet.arp, [], link.index)
        : listening(SOCK.raw, ethernet.ip6, neighbourFilter, link.index)
    },
    sendIcmp6(device, source, message) {
      const link = linkOf(device)
      if (!link) return `there is no interface ${device}`
      const fd = socket(AF.inet6, SOCK.raw | SOCK.nonblock | SOCK.cloexec, 58)
      if (fd < 0) return `raw socket: ${errorText(errno())}`
      try {
        const number = Buffer.alloc(4)
        number.writeInt32LE(255, 0)
        setsockopt(fd, 41, 18, number, 4) // IPV6_MULTICAST_HOPS
        setsockopt(fd, 41, 16, number, 4) // IPV6_UNICAST_HOPS
        const at = (address: string): Buffer => {
          const to = Buffer.alloc(28)
          to.writeUInt16LE(AF.inet6, 0)
          packAddress6(address).copy(to, 8)
          to.writeUInt32LE(link.index, 24)
          return to
        }
        if (bind(fd, at(source), 28) < 0) return `bind: ${errorText(errno())}`
        return sendto(fd, message, message.length, MSG_DONTWAIT, at('ff02::1'), 28) < 0 ? errorText(errno()) : undefined
      } finally {
        close(fd)
      }
    },
    raw(family, protocol) {
      const six = family === 'inet6'
      const fd = socket(AF[family], SOCK.raw | SOCK.nonblock | SOCK.cloexec, IPPROTO[protocol])
      if (fd < 0) return errorText(errno())
      if (protocol !== 'ipip') {
        // Only echo replies are of interest; the rest is not even queued. ICMP_FILTER and ICMP6_FILTER: a set bit keeps a type out.
        const filter = Buffer.alloc(six ? 32 : 4, 0xff)
        const type = six ? 129 : 0
        filter.writeUInt32LE((0xffff_ffff & ~(1 << (type % 32))) >>> 0, Math.floor(type / 32) * 4)
        setsockopt(fd, six ? 58 : 255, 1, filter, filter.length)
      }
      return {
        ...received(fd),
        send: (address, packet) => {
          const to = Buffer.alloc(six ? 28 : 16)
          to.writeUInt16LE(AF[family], 0)
          if (six) packAddress6(address).copy(to, 8)
          else Buffer.from(address.split('.').map(Number)).copy(to, 4)
          return sendto(fd, packet, packet.length, MSG_DONTWAIT, to, to.length) < 0 ? errorText(errno()) : undefined
        },
      }
    },
    listenIp: (filter) => listening(SOCK.dgram, ethernet.ip4, filter),
  }
}
