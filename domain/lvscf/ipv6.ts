/**
 * IPv6 beside IPv4: lvs.cf has IPv4 addresses only, so the IPv6 ones stand in directives of Shoal's own. A virtual server with an
 * `address6` is served there, too, as a virtual server of its own (the kernel has one service per address) by those of its real servers
 * that have an `address6`. Its scheduler, port, mark, persistence and check are the same.
 */
import type { FloatingAddress, RealServer, VirtualServer } from '../config.ts'
import { endpoint } from '../ipvs/keys.ts'
import { ipv6Groups, ipv6Text, isUnusable6 } from '../ipv6.ts'
import type { Reader } from './reader.ts'
import { deviceNameMax } from './reader.ts'

const wholeAddress = 128

/** An IPv6 address as canonical text; undefined when absent or unusable (then reported). */
export function readAddress6(reader: Reader, key: string, text = reader.raw(key)): string | undefined {
  if (text === undefined) return undefined
  const groups = ipv6Groups(text)
  if (groups && !isUnusable6(groups)) return ipv6Text(groups)
  reader.report('lvscf-not-ipv6', key, 'block', { name: key.slice(1), value: text })
  return undefined
}

/** `2001:db8::27/64 eth1`: address, prefix length (a whole address where none is given) and interface. */
export function readPlaced6(reader: Reader, key: string, usualDevice: string | undefined): FloatingAddress | undefined {
  const text = reader.raw(key)
  if (text === undefined) return undefined
  const [where = '', device = usualDevice?.split(':')[0] ?? '', ...more] = text.trim().split(/[ \t]+/)
  const [, host = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(where) ?? []
  const address = readAddress6(reader, key, host || where)
  if (address === undefined) return undefined
  const prefix = length === undefined ? undefined : Number(length)
  if (more.length > 0 || prefix === 0 || (prefix ?? 0) > wholeAddress) {
    reader.report('lvscf-not-ipv6', key, 'block', { name: key.slice(1), value: text })
    return undefined
  }
  if (device === '') {
    reader.report('lvscf-device-missing', key, 'block', { name: key.slice(1) })
    return undefined
  }
  // IPv6 addresses have no alias labels.
  if (device.length > deviceNameMax || /[/:]/.test(device)) {
    reader.report('lvscf-device-name', key, 'block', { value: device, max: deviceNameMax })
    return undefined
  }
  return { address, device, ...(prefix === undefined ? {} : { prefix }) }
}

/** A real server as it is reached over IPv6, with the reader of its block. */
export interface Placed6 {
  readonly server: RealServer
  readonly reader: Reader
}

/** What a virtual server of this name is called over IPv6. */
export const nameOver6 = (name: string): string => `${name} (IPv6)`

/** The virtual server over IPv6; undefined where the file does not ask for one. `other`: the same over IPv4, or what it would be. */
export function readVirtual6(
  reader: Reader,
  other: Omit<VirtualServer, 'vip'>,
  vip: FloatingAddress | undefined,
  servers: readonly Placed6[],
  without: readonly Reader[],
): VirtualServer | undefined {
  const sorryServer = readAddress6(reader, '#sorry_server6')
  if (!vip) {
    if (sorryServer !== undefined && !reader.has('#address6')) {
      reader.report('lvscf-address6-unused', '#sorry_server6', 'note', { name: 'sorry_server6' })
    }
    for (const { reader: inner } of reader.has('#address6') ? [] : servers) {
      inner.report('lvscf-address6-unused', '#address6', 'note', { name: 'address6' })
    }
    return undefined
  }
  const seen = new Set<string>()
  for (const { server, reader: inner } of servers.filter(({ server: { active } }) => active)) {
    const address = endpoint(server.address, server.port)
    if (seen.has(address)) inner.report('lvscf-server-twice', '#address6', 'block', { address })
    seen.add(address)
  }
  if (other.active && seen.size === 0) {
    reader.report('lvscf-address6-no-servers', '#address6', 'warning', { name: other.name })
  } else if (other.active) {
    for (const inner of without) inner.report('lvscf-address6-missing', '', 'note', { address: vip.address })
  }
  const { persistentPrefix: _, sorryServer: __, ...rest } = other
  return {
    ...rest,
    name: nameOver6(other.name),
    vip,
    ...(sorryServer === undefined ? {} : { sorryServer }),
    realServers: servers.map(({ server }) => server),
  }
}
