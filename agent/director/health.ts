/**
 * The nannies' bookkeeping: when each real server is checked next and what the results mean. One failure or success is not a
 * verdict: `fall` failures in a row take a server out, `rise` successes bring it back; the first success after a start adds it at
 * once (as Piranha's nanny did). Every check has its own time, so a hanging one delays no other, and a check whose answer never
 * comes back is counted as failed: no result is not health.
 */
import type { Config, RealServer, VirtualServer } from '../../domain/config.ts'
import type { Now, Probe } from './words.ts'

/** Results kept per server for the screen. */
const recentResults = 60
/** The hands end a check at its timeout; this much later the centre gives up on the hands. */
const stuckGraceMs = 2_000
/** First checks of a new config are spread over at most this long, so that a thousand do not start in one tick. */
const firstSpreadMs = 1_000

type Health = 'up' | 'down' | 'unknown'

export interface ServerState {
  readonly spec: RealServer
  /** `address:port`, as in the kernel's table. */
  readonly key: string
  readonly health: Health
  readonly sinceMs: number
  readonly successes: number
  readonly failures: number
  /** The check that is running; `limitMs`: when its answer is given up. */
  readonly probe: { readonly id: number; readonly startedMs: number; readonly limitMs: number } | null
  readonly nextMs: number
  /**
   * Its share of the interval (0 to 1), when it was checked together with all others: the check after that one comes so much of an
   * interval later, which spreads them again. Null = in its place.
   */
  readonly stagger: number | null
  readonly lastCheckMs: number | null
  readonly lastTookMs: number | null
  readonly lastError: string | null
  readonly recent: string
}

export interface ServiceState {
  /** `tcp 192.168.2.27:80`, `fwmark 80`. */
  readonly key: string
  readonly spec: VirtualServer
  readonly servers: readonly ServerState[]
  /** The soonest instant at which one of the servers needs attention. */
  readonly dueMs: number
}

export interface HealthState {
  readonly services: readonly ServiceState[]
  readonly index: ReadonlyMap<string, number>
  readonly dueMs: number
  readonly nextProbe: number
}

/** A server that changed sides, for the journal. */
export interface Turn {
  readonly service: string
  readonly server: string
  readonly to: 'up' | 'down'
  readonly reason?: string
}

export const noHealth: HealthState = { services: [], index: new Map(), dueMs: Infinity, nextProbe: 1 }

/** `address:port`, with brackets around IPv6. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** What the kernel knows a virtual server by. */
function serviceKey(spec: VirtualServer): string {
  return spec.fwmark ? `fwmark ${spec.fwmark}` : `${spec.protocol} ${endpoint(spec.vip.address, spec.port)}`
}

/**
 * The port of a real server in the kernel's table. Only NAT changes ports; for DR and TUN the kernel wants the virtual port
 * (ipvsadm(8)). With a mark the original gave the real server's port whatever the method, and so do we.
 */
function kernelPort(config: Config, spec: VirtualServer, server: RealServer): number {
  return config.forwarding === 'nat' || spec.fwmark ? server.port : spec.port
}

function serviceDue(servers: readonly ServerState[]): number {
  return servers.reduce((due, s) => (s.spec.active ? Math.min(due, serverDue(s)) : due), Infinity)
}

function serverDue(server: ServerState): number {
  return server.probe ? server.probe.limitMs : server.nextMs
}

function healthOf(
  services: readonly ServiceState[],
  nextProbe: number,
  index?: ReadonlyMap<string, number>,
): HealthState {
  return {
    services,
    index: index ?? new Map(services.map((s, i) => [s.key, i])),
    dueMs: services.reduce((due, s) => Math.min(due, s.dueMs), Infinity),
    nextProbe,
  }
}

/** Takes a new config over. What is known of servers that stay (same service, same address and port) is kept. */
export function withConfig(health: HealthState, config: Config, now: Now): HealthState {
  const services: ServiceState[] = []
  const seen = new Set<string>()
  const specs = config.virtualServers.filter((v) => v.active)
  const total = Math.max(
    1,
    specs.reduce((sum, v) => sum + v.realServers.length, 0),
  )
  let nth = 0
  for (const spec of specs) {
    const key = serviceKey(spec)
    // The kernel has one service per key: the first in the file wins, as in Piranha.
    if (seen.has(key)) continue
    seen.add(key)
    const old = health.services[health.index.get(key) ?? -1]
    const sameCheck = old !== undefined && JSON.stringify(old.spec.check) === JSON.stringify(spec.check)
    const servers: ServerState[] = []
    for (const real of spec.realServers) {
      nth++
      const serverKey = endpoint(real.address, kernelPort(config, spec, real))
      if (servers.some((s) => s.key === serverKey)) continue
      const known = old?.servers.find((s) => s.key === serverKey && s.spec.port === real.port)
      const spreadMs = Math.floor((nth / total) * Math.min(firstSpreadMs, spec.check.intervalMs))
      if (known && real.active && known.spec.active) {
        servers.push(
          sameCheck
            ? { ...known, spec: real }
            : {
                ...known,
                spec: real,
                probe: null,
                successes: 0,
                failures: 0,
                nextMs: now.ms + spreadMs,
                stagger: nth / total,
              },
        )
      } else {
        servers.push({
          spec: real,
          key: serverKey,
          health: 'unknown',
          sinceMs: now.ms,
          successes: 0,
          failures: 0,
          probe: null,
          nextMs: now.ms + spreadMs,
          stagger: nth / total,
          lastCheckMs: null,
          lastTookMs: null,
          lastError: null,
          recent: '',
        })
      }
    }
    services.push({ key, spec, servers, dueMs: serviceDue(servers) })
  }
  return healthOf(services, health.nextProbe)
}

function settle(
  service: ServiceState,
  server: ServerState,
  passed: boolean,
  tookMs: number | null,
  says: string | undefined,
  now: Now,
): { readonly server: ServerState; readonly turn: Turn | null } {
  const { rise, fall, intervalMs } = service.spec.check
  const successes = passed ? server.successes + 1 : 0
  const failures = passed ? 0 : server.failures + 1
  let health = server.health
  if (passed && (health === 'unknown' || (health === 'down' && successes >= rise))) health = 'up'
  if (!passed && health !== 'down' && failures >= fall) health = 'down'
  const startedMs = server.probe?.startedMs ?? now.ms
  const next: ServerState = {
    ...server,
    health,
    sinceMs: health === server.health ? server.sinceMs : now.ms,
    successes,
    failures,
    probe: null,
    nextMs: Math.max(now.ms, startedMs + intervalMs * (server.stagger ?? 1)),
    stagger: null,
    lastCheckMs: now.ms,
    lastTookMs: tookMs ?? server.lastTookMs,
    lastError: passed ? server.lastError : (says ?? 'The check failed.'),
    recent: (server.recent + (passed ? '1' : '0')).slice(-recentResults),
  }
  const turn: Turn | null =
    health === server.health || health === 'unknown'
      ? null
      : { service: service.key, server: server.key, to: health, ...(passed || !says ? {} : { reason: says }) }
  return { server: next, turn }
}

function replace(
  health: HealthState,
  at: number,
  service: ServiceState,
  serverAt: number,
  server: ServerState,
): HealthState {
  const servers = service.servers.with(serverAt, server)
  const services = health.services.with(at, { ...service, servers, dueMs: serviceDue(servers) })
  return healthOf(services, health.nextProbe, health.index)
}

/** Takes in the result of a check; results of checks that were given up are ignored. */
export function probed(
  health: HealthState,
  result: {
    readonly id: number
    readonly service: string
    readonly server: string
    readonly passed: boolean
    readonly tookMs: number
    readonly says?: string
  },
  now: Now,
): { readonly health: HealthState; readonly turn: Turn | null } {
  const at = health.index.get(result.service) ?? -1
  const service = health.services[at]
  const serverAt = service?.servers.findIndex((s) => s.key === result.server) ?? -1
  const server = service?.servers[serverAt]
  if (!service || !server || server.probe?.id !== result.id) return { health, turn: null }
  const settled = settle(service, server, result.passed, result.tookMs, result.says, now)
  return { health: replace(health, at, service, serverAt, settled.server), turn: settled.turn }
}

/** Starts what is due and gives up on checks whose answer never came. */
export function runDue(
  health: HealthState,
  now: Now,
): { readonly health: HealthState; readonly probes: readonly Probe[]; readonly turns: readonly Turn[] } {
  if (now.ms < health.dueMs) return { health, probes: [], turns: [] }
  const probes: Probe[] = []
  const turns: Turn[] = []
  let nextProbe = health.nextProbe
  const services = health.services.map((service) => {
    if (now.ms < service.dueMs) return service
    const servers = service.servers.map((before) => {
      let server = before
      if (!server.spec.active || now.ms < serverDue(server)) return server
      if (server.probe) {
        const lateMs = now.ms - server.probe.startedMs
        const given = settle(service, server, false, null, `No result of the check after ${lateMs} ms.`, now)
        server = given.server
        if (given.turn) turns.push(given.turn)
        if (now.ms < server.nextMs) return server
      }
      const id = nextProbe++
      probes.push({
        id,
        service: service.key,
        server: server.key,
        address: server.spec.address,
        port: server.spec.port,
        protocol: service.spec.protocol,
        check: service.spec.check,
      })
      const limitMs = now.ms + service.spec.check.timeoutMs + stuckGraceMs
      return { ...server, probe: { id, startedMs: now.ms, limitMs } }
    })
    return { ...service, servers, dueMs: serviceDue(servers) }
  })
  return { health: healthOf(services, nextProbe, health.index), probes, turns }
}

/** Every active server of every service has had a verdict. */
export function settledHealth(health: HealthState): boolean {
  return health.services.every((s) => s.servers.every((r) => !r.spec.active || r.health !== 'unknown'))
}

/** Servers found up, over all services. */
export function usableServers(health: HealthState): number {
  return health.services.reduce((sum, s) => sum + s.servers.filter((r) => r.health === 'up').length, 0)
}

/** Makes every check due within the next second, giving up those that run: what they meet may no longer hold. */
export function recheck(health: HealthState, now: Now): HealthState {
  const total = Math.max(
    1,
    health.services.reduce((sum, s) => sum + s.servers.length, 0),
  )
  let nth = 0
  const services = health.services.map((service) => {
    const servers = service.servers.map((server) => {
      const soonMs = now.ms + Math.floor((nth++ / total) * firstSpreadMs)
      return {
        ...server,
        probe: null,
        nextMs: server.probe ? soonMs : Math.min(server.nextMs, soonMs),
        stagger: nth / total,
      }
    })
    return { ...service, servers, dueMs: serviceDue(servers) }
  })
  return healthOf(services, health.nextProbe, health.index)
}
