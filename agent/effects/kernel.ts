/**
 * System calls that Node has no door to, made through koffi without a process: addresses by netlink, gratuitous ARP and neighbour
 * advertisements, sd_notify, real-time scheduling. Every call is non-blocking and its result checked. The native part lies beside
 * the bundle and is loaded by its path; where it cannot be loaded, `openKernel` returns null and the callers fall back to tools.
 */
import path from 'node:path'
import { isSix } from '../../domain/ipv6.ts'
import type { AddressChange, KernelAddress, KernelAddresses } from '../director/words.ts'
import type { FilterStep } from './ip-packets.ts'
import { ethernet, macText, neighbourFilter, packAddress6, parseAddress } from './packets.ts'

type Argument = number | bigint | Buffer | string
type Call = (...args: (Argument | Readonly<Record<string, Argument>>)[]) => number

/** Linux numbers, the same on x64 and arm64. */
const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const
const SOCK = { stream: 1, dgram: 2, raw: 3, nonblock: 0o4000, cloexec: 0o2000000 } as const
const RTM = {
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  getLink: 18,
  newLink: 16,
  newRoute: 24,
  getRoute: 26,
} as const
const NLM = { request: 1, ack: 4, replace: 0x100, dump: 0x300, create: 0x400 } as const
const NLMSG = { error: 2, done: 3 } as const
/** Generic netlink (linux/genetlink.h), and of it what IPVS calls its commands (linux/ip_vs.h). */
const genericProtocol = 16
const GENL = { control: 0x10, getFamily: 3, familyId: 1, familyName: 2 } as const
const IPVS = { newDaemon: 9, version: 1, daemon: 3, state: 1, device: 2, id: 3, backup: 2 } as const
const nested = 0x8000
const IFA = { address: 1, local: 2, label: 3, broadcast: 4, cacheInfo: 6, flags: 8 } as const
const IFLA = { address: 1, name: 3 } as const
const RTN_LOCAL = 2
const RTA = { destination: 1, device: 4, gateway: 5 } as const
/** Groups of netlink messages: links, IPv4 and IPv6 addresses (RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR). */
const changeGroups = 0x1 | 0x10 | 0x100
/** No duplicate address detection, no prefix route for an address that comes and goes. */
const IFA_F_NODAD = 0x02
/**
 * struct ifa_cacheinfo: preferred for 0 s, valid for ever, two stamps of the kernel's. An address that is not preferred answers, and is
 * not chosen for what this host sends by itself (RFC 6724 rule 3): a check that came from the virtual IP would never be answered by a
 * real server, which has it, too.
 */
const neverPreferred = Buffer.from([0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0])
const MSG_DONTWAIT = 0x40
const O_CLOEXEC = 0o2000000
/** The kernel gives no more than a page of such a text at once. */
const partBytes = 16 * 1024
const ENOBUFS = 105
const IPPROTO = { icmp: 1, ipip: 4, icmp6: 58 } as const
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** Of a packet so much is taken: what is looked at stands at its beginning. */
const packetBytes = 2_048
const nlmsgHeaderBytes = 16
const receiveBytes = 256 * 1024
/** Netlink answers are made in the sender's own call; more reads than this for one question mean that something is wrong. */
const maxReads = 4_096

const errorNames: Readonly<Record<number, string>> = {
  1: 'operation not permitted',
  2: 'no such entry',
  13: 'permission denied',
  17: 'file exists',
  19: 'no such device',
  22: 'invalid argument',
  95: 'operation not supported',
  97: 'address family not supported',
  99: 'cannot assign requested address',
  100: 'network is down',
  101: 'no route to the network',
  105: 'no buffer space',
  111: 'connection refused',
  113: 'no route to the host',
}

function errorText(code: number): string {
  return errorNames[code] ?? `error ${code}`
}

interface Link {
  readonly device: string
  readonly up: boolean
  readonly index: number
  readonly mac: Buffer | null
}

/** A socket below TCP and UDP. Nothing waits on it: `next` gives the next packet that came, or null. */
export interface RawSocket {
  /** Sends to an address, without an IP header (raw(7)); undefined = sent. */
  readonly send: (address: string, packet: Buffer) => string | undefined
  readonly next: () => Buffer | null
  readonly close: () => void
}

export interface Kernel {
  /** Addresses and links of this host. Throws with the reason when netlink does not answer. */
  readonly addresses: () => KernelAddresses
  /** Adds or removes one address; undefined = done. Adding what is there and removing what is not are successes. */
  readonly change: (change: AddressChange) => string | undefined
  /** Sends a raw frame out of a device; undefined = sent. */
  readonly sendFrame: (device: string, frame: Buffer) => string | undefined
  /** Opens an ear for the frames of a device that tell who has an address: ARP, or neighbour discovery. A text says why not. */
  readonly listenNeighbours: (device: string, family: 'inet' | 'inet6') => Pick<RawSocket, 'next' | 'close'> | string
  /** Opens an ear for changes of links and addresses: `next` tells whether there was one since the last call. */
  readonly listenChanges: () => { readonly next: () => boolean; readonly close: () => void } | null
  /** Where the kernel would send a packet for an address; undefined = nowhere. `here`: it would take it in itself. */
  readonly route: (
    to: string,
  ) => { readonly device: string; readonly here: boolean; readonly gateway?: string } | undefined
  /** Sends an ICMPv6 message from an address of this host to all nodes on a link; undefined = sent. */
  readonly sendIcmp6: (device: string, source: string, message: Buffer) => string | undefined
  /** Opens a raw socket of a protocol; a text says why not. */
  readonly raw: (family: 'inet' | 'inet6', protocol: 'icmp' | 'icmp6' | 'ipip') => RawSocket | string
  /** Opens an ear for the IPv4 packets that come in on any device and that a filter lets through, from their IP header on. */
  readonly listenIp: (filter: readonly FilterStep[]) => Pick<RawSocket, 'next' | 'close'> | string
  /** Opens a text the kernel makes (of /proc): `next` gives its next few kilobytes at once, null at its end. A text says why not. */
  readonly openText: (file: string) => { readonly next: () => Buffer | null; readonly close: () => void } | string
  /** Makes the kernel take in the connections that another one tells of on a device, by a sync id; undefined = it does. */
  readonly startSyncBackup: (device: string, id: number) => string | undefined
  readonly link: (device: string) => Link | undefined
  /** Tells systemd (NOTIFY_SOCKET); false = nobody listens. */
  readonly notify: (socketPath: string, text: string) => boolean
  /** SCHED_RR of this priority for the main thread, 0: SCHED_OTHER, where its nice value counts; undefined = granted (sched(7)). */
  readonly schedule: (priority: number) => string | undefined
}

/** The name of the native part for this machine: `koffi-linux-x64.node`. */
function koffiName(): string {
  return `koffi-${process.platform}-${process.arch}.node`
}

interface Koffi {
  load: (name: string) => { func: (signature: string) => Call }
  struct: (name: string, members: Readonly<Record<string, string>>) => unknown
  errno: () => number
}

/** Loads the native part from a folder; null with the reason when it cannot be had. */
export function openKernel(folder: string, file = koffiName()): { kernel: Kernel } | { missing: string } {
  try {
    const holder: { exports: unknown } = { exports: {} }
    process.dlopen(holder as NodeJS.Module, path.resolve(folder, file))
    return { kernel: kernelOf(holder.exports as Koffi) }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

function kernelOf(koffi: Koffi): Kernel {
  const libc = koffi.load('libc.so.6')
  const socket = libc.func('int socket(int, int, int)')
  const close = libc.func('int close(int)')
  const open = libc.func('int open(const char *, int)')
  const read = libc.func('int64_t read(int, void *, size_t)')
  const send = libc.func('int64_t send(int, const void *, size_t, int)')
  const sendto = libc.func('int64_t sendto(int, const void *, size_t, int, const void *, uint32_t)')
  const recv = libc.func('int64_t recv(int, void *, size_t, int)')
  const bind = libc.func('int bind(int, const void *, uint32_t)')
  const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)')
  koffi.struct('shoal_sock_fprog', { len: 'uint16_t', filter: 'const void *' })
  const attachFilter = libc.func('int setsockopt(int, int, int, const shoal_sock_fprog *, uint32_t)')
  const sched = libc.func('int sched_setscheduler(int, int, const void *)')
  const { errno } = koffi
  const inbox = Buffer.alloc(receiveBytes)
  let sequence = 1
  /** One socket per netlink protocol. */
  const netlink = new Map<number, number>()
  let links = new Map<string, Link>()
  const frameSockets = new Map<string, number>()

  function netlinkSocket(protocol: number): number {
    const known = netlink.get(protocol)
    if (known !== undefined) return known
    const fd = socket(AF.netlink, SOCK.raw | SOCK.nonblock | SOCK.cloexec, protocol)
    if (fd < 0) throw new Error(`netlink socket: ${errorText(errno())}`)
    netlink.set(protocol, fd)
    return fd
  }

  /** Sends one request and gives every message of the answer to `each`; returns the error code of the acknowledgement. */
  function ask(
    type: number,
    flags: number,
    body: Buffer,
    each: (type: number, body: Buffer) => void,
    protocol = 0,
  ): number {
    const fd = netlinkSocket(protocol)
    const mine = sequence++ >>> 0
    const header = Buffer.alloc(nlmsgHeaderBytes)
    header.writeUInt32LE(nlmsgHeaderBytes + body.length, 0)
    header.writeUInt16LE(type, 4)
    header.writeUInt16LE(flags | NLM.request, 6)
    header.writeUInt32LE(mine, 8)
    const message = Buffer.concat([header, body])
    if (send(fd, message, message.length, MSG_DONTWAIT) < 0) throw new Error(`netlink send: ${errorText(errno())}`)
    for (let reads = 0; reads < maxReads; reads++) {
      const length = recv(fd, inbox, inbox.length, MSG_DONTWAIT)
      if (length < 0) {
        close(fd)
        netlink.delete(protocol)
        throw new Error(`netlink gave no answer: ${errorText(errno())}`)
      }
      for (let at = 0; at + nlmsgHeaderBytes <= length;) {
        const size = inbox.readUInt32LE(at)
        const kind = inbox.readUInt16LE(at + 4)
        if (size < nlmsgHeaderBytes || at + size > length) break
        const content = inbox.subarray(at + nlmsgHeaderBytes, at + size)
        if (inbox.readUInt32LE(at + 8) === mine) {
          if (kind === NLMSG.done) return 0
          if (kind === NLMSG.error) return -content.readInt32LE(0)
          each(kind, content)
        }
        at += (size + 3) & ~3
      }
    }
    throw new Error('netlink did not come to an end')
  }

  function attributes(body: Buffer, from: number): Map<number, Buffer> {
    const out = new Map<number, Buffer>()
    for (let at = from; at + 4 <= body.length;) {
      const size = body.readUInt16LE(at)
      if (size < 4 || at + size > body.length) break
      out.set(body.readUInt16LE(at + 2) & 0x3fff, Buffer.from(body.subarray(at + 4, at + size)))
      at += (size + 3) & ~3
    }
    return out
  }

  const text = (bytes: Buffer | undefined): string => (bytes ? bytes.toString('utf8').replace(/\0.*$/s, '') : '')

  function readLinks(): void {
    const found = new Map<string, Link>()
    const body = Buffer.alloc(16)
    ask(RTM.getLink, NLM.dump, body, (kind, message) => {
      if (kind !== RTM.newLink) return
      const index = message.readInt32LE(4)
      const flags = message.readUInt32LE(8)
      const attrs = attributes(message, 16)
      const device = text(attrs.get(IFLA.name))
      const mac = attrs.get(IFLA.address)
      // IFF_UP and IFF_LOWER_UP (carrier).
      const up = (flags & 1) !== 0 && (flags & 0x10000) !== 0
      found.set(device, { device, index, up, mac: mac?.length === 6 ? mac : null })
    })
    links = found
  }

  function attribute(type: number, content: Buffer): Buffer {
    const padded = Buffer.alloc((4 + content.length + 3) & ~3)
    padded.writeUInt16LE(4 + content.length, 0)
    padded.writeUInt16LE(type, 2)
    content.copy(padded, 4)
    return padded
  }

  function linkOf(device: string): Link | undefined {
    if (!links.has(device)) readLinks()
    return links.get(device)
  }

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
    addresses() {
      readLinks()
      const names = new Map([...links.values()].map((l) => [l.index, l.device]))
      const addresses: KernelAddress[] = []
      ask(RTM.getAddress, NLM.dump, Buffer.alloc(8), (kind, message) => {
        if (kind !== RTM.newAddress) return
        const family = message[0]
        if (family !== AF.inet && family !== AF.inet6) return
        const attrs = attributes(message, 8)
        const bytes = attrs.get(IFA.local) ?? attrs.get(IFA.address)
        if (!bytes) return
        const device = names.get(message.readUInt32LE(4)) ?? ''
        addresses.push({
          address: parseAddress(bytes),
          prefix: message[1] ?? 0,
          device,
          label: text(attrs.get(IFA.label)) || device,
        })
      })
      return {
        addresses,
        links: [...links.values()].map(({ device, up, mac }) => ({
          device,
          up,
          ...(mac ? { mac: macText(mac) } : {}),
        })),
      }
    },
    change(change) {
      try {
        readLinks()
        const link = links.get(change.device)
        if (!link) return `there is no interface ${change.device}`
        const six = isSix(change.address)
        const bytes = six ? packAddress6(change.address) : Buffer.from(change.address.split('.').map(Number))
        const header = Buffer.alloc(8)
        header[0] = six ? AF.inet6 : AF.inet
        header[1] = change.prefix
        header[2] = six ? IFA_F_NODAD : 0
        header.writeUInt32LE(link.index, 4)
        const parts = [header, attribute(IFA.local, bytes), attribute(IFA.address, bytes)]
        if (!six && change.label !== change.device) parts.push(attribute(IFA.label, Buffer.from(`${change.label}\0`)))
        if (!six && change.prefix < 31 && change.do === 'add') {
          const value = bytes.readUInt32BE(0)
          const broadcast = Buffer.alloc(4)
          broadcast.writeUInt32BE((value | (2 ** (32 - change.prefix) - 1)) >>> 0, 0)
          parts.push(attribute(IFA.broadcast, broadcast))
        }
        const add = change.do === 'add'
        if (six && add) parts.push(attribute(IFA.cacheInfo, neverPreferred))
        const code = ask(
          add ? RTM.newAddress : RTM.deleteAddress,
          NLM.ack | (add ? NLM.create | NLM.replace : 0),
          Buffer.concat(parts),
          () => undefined,
        )
        const harmless = add ? code === 17 : code === 99
        return code === 0 || harmless ? undefined : errorText(code)
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
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
    listenChanges() {
      const fd = socket(AF.netlink, SOCK.raw | SOCK.nonblock | SOCK.cloexec, 0)
      if (fd < 0) return null
      const at = Buffer.alloc(12)
      at.writeUInt16LE(AF.netlink, 0)
      at.writeUInt32LE(changeGroups, 8)
      if (bind(fd, at, at.length) < 0) {
        close(fd)
        return null
      }
      const message = Buffer.alloc(32 * 1024)
      return {
        next: () => {
          let some = false
          for (let reads = 0; reads < maxReads; reads++) {
            const length = recv(fd, message, message.length, MSG_DONTWAIT)
            // An overflow (ENOBUFS) means changes, too; the next read goes on behind it.
            if (length < 0 && errno() !== ENOBUFS) break
            some = true
          }
          return some
        },
        close: () => void close(fd),
      }
    },
    route(to) {
      const six = isSix(to)
      const address = six ? packAddress6(to) : Buffer.from(to.split('.').map(Number))
      const body = Buffer.alloc(12)
      body[0] = six ? AF.inet6 : AF.inet
      body[1] = address.length * 8
      const destination = attribute(RTA.destination, address)
      let found: { readonly index: number; readonly here: boolean; readonly gateway?: string } | undefined
      try {
        ask(RTM.getRoute, NLM.ack, Buffer.concat([body, destination]), (kind, message) => {
          if (kind !== RTM.newRoute) return
          const attrs = attributes(message, 12)
          const index = attrs.get(RTA.device)?.readInt32LE(0)
          const gateway = attrs.get(RTA.gateway)
          if (index !== undefined)
            found = {
              index,
              here: message[7] === RTN_LOCAL,
              ...(gateway?.length === address.length ? { gateway: parseAddress(gateway) } : {}),
            }
        })
      } catch {
        return undefined
      }
      if (!found) return undefined
      const { index, here, gateway } = found
      if (![...links.values()].some((l) => l.index === index)) readLinks()
      const link = [...links.values()].find((l) => l.index === index)
      return link ? { device: link.device, here, ...(gateway === undefined ? {} : { gateway }) } : undefined
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
    openText(file) {
      const fd = open(file, O_CLOEXEC)
      if (fd < 0) return errorText(errno())
      const part = Buffer.alloc(partBytes)
      return {
        next: () => {
          const length = read(fd, part, part.length)
          return length > 0 ? part.subarray(0, length) : null
        },
        close: () => void close(fd),
      }
    },
    startSyncBackup(device, id) {
      try {
        const number = (value: number): Buffer => {
          const bytes = Buffer.alloc(4)
          bytes.writeUInt32LE(value, 0)
          return bytes
        }
        const name = attribute(GENL.familyName, Buffer.from('IPVS\0'))
        let family = 0
        const found = ask(
          GENL.control,
          NLM.ack,
          Buffer.concat([Buffer.from([GENL.getFamily, 1, 0, 0]), name]),
          (_, message) => (family = attributes(message, 4).get(GENL.familyId)?.readUInt16LE(0) ?? family),
          genericProtocol,
        )
        if (found !== 0 || family === 0) return `IPVS is not known to generic netlink: ${errorText(found)}`
        const daemon = Buffer.concat([
          attribute(IPVS.state, number(IPVS.backup)),
          attribute(IPVS.device, Buffer.from(`${device}\0`)),
          attribute(IPVS.id, number(id)),
        ])
        const code = ask(
          family,
          NLM.ack,
          Buffer.concat([Buffer.from([IPVS.newDaemon, IPVS.version, 0, 0]), attribute(IPVS.daemon | nested, daemon)]),
          () => undefined,
          genericProtocol,
        )
        return code === 0 ? undefined : errorText(code)
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
    link: linkOf,
    notify(socketPath, message) {
      const fd = socket(AF.unix, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, 0)
      if (fd < 0) return false
      const name = Buffer.from(socketPath)
      if (name[0] === 0x40) name[0] = 0 // `@` stands for an abstract socket
      const to = Buffer.alloc(2 + name.length + 1)
      to.writeUInt16LE(AF.unix, 0)
      name.copy(to, 2)
      const body = Buffer.from(message)
      const sent = sendto(fd, body, body.length, MSG_DONTWAIT, to, name[0] === 0 ? 2 + name.length : to.length)
      close(fd)
      return sent === body.length
    },
    schedule(priority) {
      const param = Buffer.alloc(4)
      param.writeInt32LE(priority, 0)
      // With SCHED_RESET_ON_FORK: check programs and ipvsadm run with ordinary priority.
      return sched(0, (priority > 0 ? 2 : 0) | 0x40000000, param) < 0 ? errorText(errno()) : undefined
    },
  }
}
