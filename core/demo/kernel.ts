/**
 * A kernel with IPVS that exists in this program only: understands the lines a director orders for `ipvsadm --restore`, schedules
 * connections over what is in its table, and counts them. Pure but for the table it is given.
 */
import type { Counters, KernelDestination, KernelService, KernelTable } from '../../domain/ipvs/kernel-table.ts'

export interface VirtualDestination {
  forwarding: KernelDestination['forwarding']
  weight: number
  active: number
  inactive: number
  connections: number
  packetsIn: number
  bytesIn: number
  /** Weighted round robin: what it has in hand. */
  credit: number
}

export interface VirtualService {
  scheduler: string
  persistence?: KernelService['persistence']
  destinations: Map<string, VirtualDestination>
}

export type VirtualTable = Map<string, VirtualService>

function prefixOfMask(mask: string | undefined): number {
  if (!mask) return 32
  return mask.split('.').reduce((bits, octet) => bits + Number(octet).toString(2).replaceAll('0', '').length, 0)
}

/** Carries out one line as the kernel would; answers why not, or nothing. */
export function ipvsadm(table: VirtualTable, line: string): string | undefined {
  const words = line.split(' ')
  const value = (option: string): string | undefined => {
    const at = words.indexOf(option)
    return at < 0 ? undefined : words[at + 1]
  }
  const key = words.includes('-f')
    ? `fwmark ${value('-f')}`
    : words.includes('-u')
      ? `udp ${value('-u')}`
      : `tcp ${value('-t')}`
  const service = table.get(key)
  const refuse = (why: string): string => `${line}: ${why}`
  const persistence =
    value('-p') === undefined
      ? {}
      : { persistence: { value: Number(value('-p')), unit: 's' as const, prefix: prefixOfMask(value('-M')) } }
  const forwarding = words.includes('-m') ? 'nat' : words.includes('-i') ? 'tunnel' : 'direct'
  const server = value('-r') ?? ''
  switch (words[0]) {
    case '-A':
      if (service) return refuse('Service already exists')
      table.set(key, { scheduler: value('-s') ?? 'wlc', ...persistence, destinations: new Map() })
      return undefined
    case '-E':
      if (!service) return refuse('No such service')
      table.set(key, { scheduler: value('-s') ?? 'wlc', ...persistence, destinations: service.destinations })
      return undefined
    case '-D':
      return table.delete(key) ? undefined : refuse('No such service')
    case '-a':
    case '-e': {
      if (!service) return refuse('Service not defined')
      const there = service.destinations.get(server)
      if ((there !== undefined) === (words[0] === '-a'))
        return refuse(there ? 'Destination already exists' : 'No such destination')
      const weight = Number(value('-w') ?? 1)
      if (there) Object.assign(there, { forwarding, weight })
      else {
        const counted = { active: 0, inactive: 0, connections: 0, packetsIn: 0, bytesIn: 0, credit: 0 }
        service.destinations.set(server, { ...counted, forwarding, weight })
      }
      return undefined
    }
    case '-d':
      return service?.destinations.delete(server) ? undefined : refuse('No such destination')
    default:
      return refuse('not understood')
  }
}

/** The table as a look finds it. */
export function tableOf(table: VirtualTable): KernelTable {
  return new Map(
    [...table].map(([key, service]) => [
      key,
      {
        scheduler: service.scheduler,
        ...(service.persistence ? { persistence: service.persistence } : {}),
        destinations: new Map(
          [...service.destinations].map(([server, { forwarding, weight, active, inactive }]) => [
            server,
            { forwarding, weight, activeConnections: active, inactiveConnections: inactive },
          ]),
        ),
      },
    ]),
  )
}

/** The totals by service and server. */
export function countersOf(table: VirtualTable): ReadonlyMap<string, Counters> {
  return new Map(
    [...table].flatMap(([key, service]) =>
      [...service.destinations].map(([server, { connections, packetsIn, bytesIn }]) => [
        `${key} ${server}`,
        { connections, packetsIn, bytesIn },
      ]),
    ),
  )
}

/** An inactive connection weighs this much against an active one, as in the kernel's wlc. */
const activeOverInactive = 256

/** Where the next connection goes: by weight alone (rr, wrr), else to the least loaded for its weight. Undefined: nobody takes it. */
export function schedule(service: VirtualService): readonly [string, VirtualDestination] | undefined {
  const open = [...service.destinations].filter(([, { weight }]) => weight > 0)
  if (open.length === 0) return undefined
  if (service.scheduler === 'rr' || service.scheduler === 'wrr') {
    const sum = open.reduce((all, [, { weight }]) => all + weight, 0)
    for (const [, destination] of open) destination.credit += destination.weight
    const chosen = open.reduce((best, one) => (one[1].credit > best[1].credit ? one : best))
    chosen[1].credit -= sum
    return chosen
  }
  const load = ({ active, inactive, weight }: VirtualDestination): number =>
    (active * activeOverInactive + inactive) / weight
  return open.reduce((best, one) => (load(one[1]) < load(best[1]) ? one : best))
}
