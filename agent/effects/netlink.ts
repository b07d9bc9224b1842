/**
 * Links, addresses and routes of this host by netlink: asked for, changed, and heard of when they change. By generic netlink also the
 * sync daemon of IPVS.
 */
import { isSix } from '../../domain/ipv6.ts'
import type { AddressChange, KernelAddress, KernelAddresses } from '../director/words.ts'
import { AF, errorText, MSG_DONTWAIT, SOCK, type Libc } from './libc.ts'
import { macText, packAddress6, parseAddress } from './packets.ts'

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
const ENOBUFS = 105
const nlmsgHeaderBytes = 16
const receiveBytes = 256 * 1024
/** Netlink answers are made in the sender's own call; more reads than this for one question mean that something is wrong. */
const maxReads = 4_096

export interface Link {
  readonly device: string
  readonly up: boolean
  readonly index: number
  readonly mac: Buffer | null
}

export interface Netlink {
  /** Addresses and links of this host. Throws with the reason when netlink does not answer. */
  readonly addresses: () => KernelAddresses
  /** Adds or removes one address; undefined = done. Adding what is there and removing what is not are successes. */
  readonly change: (change: AddressChange) => string | undefined
  /** Opens an ear for changes of links and addresses: `next` tells whether there was one since the last call. */
  readonly listenChanges: () => { readonly next: () => boolean; readonly close: () => void } | null
  /** Where the kernel would send a packet for an address; undefined = nowhere. `here`: it would take it in itself. */
  readonly route: (
    to: string,
  ) => { readonly device: string; readonly here: boolean; readonly gateway?: string } | undefined
  /** Makes the kernel take in the connections that another one tells of on a device, by a sync id; undefined = it does. */
  readonly startSyncBackup: (device: string, id: number) => string | undefined
  readonly link: (device: string) => Link | undefined
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

function attribute(type: number, content: Buffer): Buffer {
  const padded = Buffer.alloc((4 + content.length + 3) & ~3)
  padded.writeUInt16LE(4 + content.length, 0)
  padded.writeUInt16LE(type, 2)
  content.copy(padded, 4)
  return padded
}

export function openNetlink(libc: Libc): Netlink {
  const { socket, close, send, recv, bind, errno } = libc
  const inbox = Buffer.alloc(receiveBytes)
  let sequence = 1
  /** One socket per netlink protocol. */
  const netlink = new Map<number, number>()
  let links = new Map<string, Link>()

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

  function linkOf(device: string): Link | undefined {
    if (!links.has(device)) readLinks()
    return links.get(device)
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
  }
}
