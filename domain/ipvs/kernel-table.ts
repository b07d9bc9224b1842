/**
 * The kernel's IPVS table as it tells it: /proc/net/ip_vs (addresses and ports in hexadecimal) and the listings of ipvsadm. Lines that
 * are not known are passed over.
 */
import type { Forwarding } from '../config.ts'
import { ipv6Text } from '../ipv6.ts'
import { endpoint } from './keys.ts'

export interface KernelDestination {
  readonly forwarding: Forwarding | 'local'
  readonly weight: number
  readonly activeConnections: number
  readonly inactiveConnections: number
}

export interface KernelService {
  readonly scheduler: string
  /** Session persistence. The kernel's text table gives it in ticks of an unknown rate, hence the unit. */
  readonly persistence?: { readonly value: number; readonly unit: 'ticks' | 's'; readonly prefix: number }
  /** By `address:port`. */
  readonly destinations: ReadonlyMap<string, KernelDestination>
}

/** The kernel's IPVS table by service key (`tcp 192.168.2.27:80`, `fwmark 80`). */
export type KernelTable = ReadonlyMap<string, KernelService>

/** Totals of one destination since its entry was made. */
export interface Counters {
  readonly connections: number
  readonly packetsIn: number
  readonly bytesIn: number
}

function hexAddress(text: string): string {
  const value = Number.parseInt(text, 16)
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

function hexEndpoint(text: string): string {
  const colon = text.lastIndexOf(':')
  const port = Number.parseInt(text.slice(colon + 1), 16)
  const address = text.slice(0, colon)
  if (!address.startsWith('[')) return endpoint(hexAddress(address), port)
  return endpoint(
    ipv6Text(
      address
        .slice(1, -1)
        .split(':')
        .map((g) => Number.parseInt(g, 16)),
    ),
    port,
  )
}

function prefixOfMask(mask: number): number {
  let prefix = 0
  while (prefix < 32 && (mask >>> (31 - prefix)) & 1) prefix++
  return prefix
}

const forwardingOf: Readonly<Record<string, KernelDestination['forwarding']>> = {
  Masq: 'nat',
  Route: 'direct',
  Tunnel: 'tunnel',
  Local: 'local',
}

/** Reads /proc/net/ip_vs (addresses and ports in hexadecimal, persistence in ticks). Lines it does not know are passed over. */
export function parseKernelTable(text: string): KernelTable {
  const table = new Map<string, KernelService>()
  let destinations = new Map<string, KernelDestination>()
  let mark: number | null = null
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const [first, second] = words
    if (first === '->' && second && /:[0-9A-Fa-f]{4}$/.test(second)) {
      const forwarding = forwardingOf[words[2] ?? '']
      if (!forwarding) continue
      // A line of a mark does not say its family; the real servers do.
      if (mark !== null && second.startsWith('[')) {
        const service = table.get(`fwmark ${mark}`)
        if (service?.destinations === destinations) {
          table.delete(`fwmark ${mark}`)
          table.set(`fwmark6 ${mark}`, service)
        }
      }
      destinations.set(hexEndpoint(second), {
        forwarding,
        weight: Number(words[3]),
        activeConnections: Number(words[4]),
        inactiveConnections: Number(words[5]),
      })
      continue
    }
    const isMark = first === 'FWM'
    if (
      (!isMark && first !== 'TCP' && first !== 'UDP') ||
      !second ||
      !/^(\[[0-9a-f:]+\]:|[0-9A-F]{8}:)?[0-9A-F]{4,8}$/.test(second)
    )
      continue
    mark = isMark ? Number.parseInt(second, 16) : null
    const at = words.indexOf('persistent')
    // A line of a mark does not say its family: persistence does, else its real servers do, else it is taken for the first one.
    const isMark6 = table.has(`fwmark ${mark}`) || (at > 0 && isPrefix6(Number.parseInt(words[at + 2] ?? '', 16)))
    const key = isMark ? `${isMark6 ? 'fwmark6' : 'fwmark'} ${mark}` : `${first.toLowerCase()} ${hexEndpoint(second)}`
    destinations = new Map()
    table.set(key, {
      scheduler: words[2] ?? '',
      ...(at > 0
        ? {
            persistence: {
              value: Number(words[at + 1]),
              unit: 'ticks' as const,
              prefix: prefixIn(words[at + 2] ?? ''),
            },
          }
        : {}),
      destinations,
    })
  }
  return table
}

/**
 * IPv4 prints the mask in hexadecimal, IPv6 its prefix length through the same change of byte order (ip_vs_ctl.c): 128 is 80000000 on
 * a little-endian host and 00000080 on others. No IPv4 mask looks so but 128.0.0.0, by which nobody persists.
 */
const isPrefix6 = (value: number): boolean =>
  (value > 0 && value <= 128) || (value % 0x1_00_00_00 === 0 && value >= 0x1_00_00_00 && value <= 0x80_00_00_00)

function prefixIn(word: string): number {
  const value = Number.parseInt(word, 16)
  if (!isPrefix6(value)) return prefixOfMask(value)
  return value <= 128 ? value : value / 0x1_00_00_00
}

/**
 * The service of an IPv6 mark that has neither persistence nor real servers: the kernel tells it like one of IPv4, so it is not in the
 * table under its key. Undefined where it is not there, or where the same mark is wanted for IPv4 too (`ours`).
 */
export function bareMark6(
  table: KernelTable,
  key: string,
  ours: { readonly has: (key: string) => boolean },
): KernelService | undefined {
  if (!key.startsWith('fwmark6 ')) return undefined
  const four = key.replace('fwmark6', 'fwmark')
  const told = ours.has(four) ? undefined : table.get(four)
  return told?.destinations.size === 0 && !told.persistence ? told : undefined
}

/** Reads `ipvsadm -L -n --stats --exact`; keys are `service key destination key`. */
export function parseCounters(text: string): ReadonlyMap<string, Counters> {
  const out = new Map<string, Counters>()
  let service = ''
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const [first, second] = words
    if (!first || !second) continue
    if (first === 'TCP' || first === 'UDP') service = `${first.toLowerCase()} ${second}`
    else if (first === 'FWM') service = `${words.includes('IPv6') ? 'fwmark6' : 'fwmark'} ${second}`
    else if (first === '->' && service && words.length >= 7) {
      const [connections, packetsIn, , bytesIn] = words.slice(2).map(Number)
      if (connections === undefined || packetsIn === undefined || bytesIn === undefined) continue
      if (![connections, packetsIn, bytesIn].every(Number.isFinite)) continue
      out.set(`${service} ${second}`, { connections, packetsIn, bytesIn })
    }
  }
  return out
}

/** Reads `ipvsadm -L -n --persistent-conn`: clients bound to a destination by persistence, by `service key destination key`. */
export function parsePersistent(text: string): ReadonlyMap<string, number> {
  const out = new Map<string, number>()
  let service = ''
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const [first, second] = words
    if (!first || !second) continue
    if (first === 'TCP' || first === 'UDP') service = `${first.toLowerCase()} ${second}`
    else if (first === 'FWM') service = `${words.includes('IPv6') ? 'fwmark6' : 'fwmark'} ${second}`
    else if (first === '->' && service) {
      // -> RemoteAddress:Port  Weight  PersistConn  ActiveConn  InActConn
      const bound = Number(words[3])
      if (words.length >= 6 && Number.isFinite(bound)) out.set(`${service} ${second}`, bound)
    }
  }
  return out
}
