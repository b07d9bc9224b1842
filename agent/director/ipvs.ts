/**
 * The IPVS table: what it should be, what the kernel says it is, and the fewest ipvsadm lines from one to the other. Services that
 * are neither in the config nor made by us are foreign and never touched. A server whose health is not known yet is left as the
 * kernel has it, so a restarted agent takes no running server out.
 */
import type { Config, VirtualServer } from '../../domain/config.ts'
import { endpoint, type ServiceState } from './health.ts'
import type { Counters, KernelDestination, KernelService, KernelTable } from './words.ts'

/** Ticks per second that Linux is built with; the text table gives persistence in ticks. */
const tickRates = [100, 250, 300, 1000]

interface WantedDestination {
  readonly key: string
  readonly weight: number
  /** Not known yet: neither added nor removed. */
  readonly asFound: boolean
}

interface WantedService {
  readonly scheduler: string
  readonly persistentS: number
  readonly persistentPrefix: number
  readonly destinations: readonly WantedDestination[]
  readonly sorry: boolean
}

const wholeAddressPrefix = (spec: VirtualServer): number => (spec.vip.address.includes(':') ? 128 : 32)

/** What one virtual server should be in the kernel, given the health of its real servers. */
export function wanted(service: ServiceState): WantedService {
  const { spec } = service
  const destinations: WantedDestination[] = []
  let usable = 0
  for (const server of service.servers) {
    if (!server.spec.active) continue
    if (server.health === 'unknown') {
      usable++
      destinations.push({ key: server.key, weight: server.spec.weight, asFound: true })
    } else if (server.health === 'up') {
      usable++
      destinations.push({ key: server.key, weight: server.spec.weight, asFound: false })
    } else if (spec.quiesce) {
      destinations.push({ key: server.key, weight: 0, asFound: false })
    }
  }
  const sorry = usable === 0 && spec.sorryServer !== undefined
  if (sorry && spec.sorryServer) {
    const key = endpoint(spec.sorryServer, spec.port)
    if (!destinations.some((d) => d.key === key)) destinations.push({ key, weight: 1, asFound: false })
  }
  return {
    scheduler: spec.scheduler,
    persistentS: spec.persistentS ?? 0,
    persistentPrefix: spec.persistentPrefix ?? wholeAddressPrefix(spec),
    destinations,
    sorry,
  }
}

function maskOf(prefix: number): string {
  return [0, 8, 16, 24].map((from) => (256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - from)))) & 255).join('.')
}

function samePersistence(want: WantedService, have: KernelService): boolean {
  if (want.persistentS === 0) return !have.persistence
  if (!have.persistence || have.persistence.prefix !== want.persistentPrefix) return false
  const { value, unit } = have.persistence
  return unit === 's' ? value === want.persistentS : tickRates.some((rate) => value === want.persistentS * rate)
}

/** The option that names a service to ipvsadm: `-t 192.168.2.27:80`, `-f 80`. */
export function serviceOption(key: string): string {
  const [kind, what] = key.split(' ') as [string, string]
  return kind === 'fwmark' ? `-f ${what}` : `-${kind === 'udp' ? 'u' : 't'} ${what}`
}

const methodOption = { nat: '-m', direct: '-g', tunnel: '-i' } as const

/** One difference between wanted and observed: the ipvsadm line that removes it, and how it is said. */
export interface Difference {
  readonly command: string
  readonly says: string
}

/** The differences of one service of ours; `have` absent = the kernel does not have it. */
export function compareService(
  config: Config,
  service: ServiceState,
  have: KernelService | undefined,
): readonly Difference[] {
  const want = wanted(service)
  const { key } = service
  const option = serviceOption(key)
  const method = methodOption[config.forwarding]
  const family6 = service.spec.fwmark && service.spec.vip.address.includes(':') ? ' -6' : ''
  const manner = [
    `-s ${want.scheduler}`,
    ...(want.persistentS > 0 ? [`-p ${want.persistentS}`] : []),
    ...(want.persistentS > 0 && want.persistentPrefix !== wholeAddressPrefix(service.spec)
      ? [`-M ${service.spec.vip.address.includes(':') ? want.persistentPrefix : maskOf(want.persistentPrefix)}`]
      : []),
  ].join(' ')
  const out: Difference[] = []
  if (!have) {
    out.push({ command: `-A ${option}${family6} ${manner}`, says: `${key} is missing` })
  } else if (have.scheduler !== want.scheduler || !samePersistence(want, have)) {
    const has =
      have.scheduler === want.scheduler
        ? 'another persistence'
        : `the scheduler ${have.scheduler} instead of ${want.scheduler}`
    out.push({ command: `-E ${option}${family6} ${manner}`, says: `${key} has ${has}` })
  }
  const kept = new Set<string>()
  for (const destination of want.destinations) {
    kept.add(destination.key)
    const there = have?.destinations.get(destination.key)
    if (!there) {
      if (destination.asFound) continue
      out.push({
        command: `-a ${option} -r ${destination.key} ${method} -w ${destination.weight}`,
        says: `${destination.key} is missing in ${key}`,
      })
    } else if (!destination.asFound) {
      const sameMethod = there.forwarding === 'local' || there.forwarding === config.forwarding
      if (there.weight !== destination.weight || !sameMethod) {
        out.push({
          command: `-e ${option} -r ${destination.key} ${method} -w ${destination.weight}`,
          says: sameMethod
            ? `${destination.key} in ${key} has weight ${there.weight} instead of ${destination.weight}`
            : `${destination.key} in ${key} is forwarded by ${there.forwarding} instead of ${config.forwarding}`,
        })
      }
    }
  }
  for (const found of have?.destinations.keys() ?? []) {
    if (!kept.has(found))
      out.push({ command: `-d ${option} -r ${found}`, says: `${found} is in ${key} and should not be` })
  }
  return out
}

/** A service that was ours and is no longer wanted. */
export function dropService(key: string): Difference {
  return { command: `-D ${serviceOption(key)}`, says: `${key} is there and should not be` }
}

/** Additions first, removals last: no moment in a batch has fewer servers than the worse of both ends. */
export function inOrder(differences: readonly Difference[]): readonly string[] {
  const rank = (command: string): number => ['-A', '-E', '-a', '-e', '-d', '-D'].indexOf(command.slice(0, 2))
  return differences.map((d) => d.command).sort((a, b) => rank(a) - rank(b))
}

/** Canonical text of an IPv6 address given as eight groups (RFC 5952: the longest run of zeros becomes `::`). */
function compress6(groups: readonly number[]): string {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((g) => g.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
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
    compress6(
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
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const [first, second] = words
    if (first === '->' && second && /:[0-9A-Fa-f]{4}$/.test(second)) {
      const forwarding = forwardingOf[words[2] ?? '']
      if (!forwarding) continue
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
    const key = isMark ? `fwmark ${Number.parseInt(second, 16)}` : `${first.toLowerCase()} ${hexEndpoint(second)}`
    const at = words.indexOf('persistent')
    destinations = new Map()
    table.set(key, {
      scheduler: words[2] ?? '',
      ...(at > 0
        ? {
            persistence: {
              value: Number(words[at + 1]),
              unit: 'ticks' as const,
              prefix: prefixIn(words[at + 2] ?? '', second),
            },
          }
        : {}),
      destinations,
    })
  }
  return table
}

/** IPv4 prints the mask, IPv6 the prefix length, both in hexadecimal. */
function prefixIn(word: string, address: string): number {
  const value = Number.parseInt(word, 16)
  return address.startsWith('[') ? value : prefixOfMask(value)
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
    else if (first === 'FWM') service = `fwmark ${second}`
    else if (first === '->' && service && words.length >= 7) {
      const [connections, packetsIn, , bytesIn] = words.slice(2).map(Number)
      if (connections === undefined || packetsIn === undefined || bytesIn === undefined) continue
      if (![connections, packetsIn, bytesIn].every(Number.isFinite)) continue
      out.set(`${service} ${second}`, { connections, packetsIn, bytesIn })
    }
  }
  return out
}
