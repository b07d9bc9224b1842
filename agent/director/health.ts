/**
 * The nannies' bookkeeping: when each real server is checked next and what the results mean. One failure or success is not a
 * verdict: `fall` failures in a row take a server out, `rise` successes bring it back; the first success after a start adds it at
 * once (as Piranha's nanny did). Every check has its own time, so a hanging one delays no other, and a check whose answer never
 * comes back is counted as failed: no result is not health.
 */
import type { Config, Forwarding, RealServer, VirtualServer } from '../../domain/config.ts'
import { endpoint, kernelPort, serviceKey } from '../../domain/ipvs/keys.ts'
import { batchAt, restLeastMs, restLeft, startsAtOnce, type Batch } from './pacing.ts'
import type { Now, Probe } from './words.ts'

/** Results kept per server for the screen. */
const recentResults = 60
/** The hands end a check at its timeout; this much later the centre gives up on the hands. */
const stuckGraceMs = 2_000
/** The director itself stood still when it is later than this. */
const pauseMs = 1_000
/** First checks of a new config are spread over so long for each real server, so that a thousand do not start in one tick. */
const firstSpreadMs = { each: 10, most: 1_000 }

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
  /** When its next check is wanted; while one runs, when that one was. */
  readonly nextMs: number
  /** When the check after the next one is wanted, where that is not an interval later: so that all do not stay together that were. */
  readonly thenMs: number | null
  readonly lastCheckMs: number | null
  readonly lastTookMs: number | null
  readonly lastError: string | null
  /** What the last check that passed warned of. */
  readonly warning: string | null
  readonly recent: string
}

export interface ServiceState {
  /** `tcp 192.168.2.27:80`, `fwmark 80`. */
  readonly key: string
  readonly spec: VirtualServer
  readonly servers: readonly ServerState[]
  /** How many servers of services before this one there are: the place of its first one among all. */
  readonly firstAt: number
  readonly forwarding: Forwarding
  /** The soonest instant at which one of the servers needs attention. */
  readonly dueMs: number
}

export interface HealthState {
  readonly services: readonly ServiceState[]
  readonly index: ReadonlyMap<string, number>
  readonly dueMs: number
  readonly nextProbe: number
  /** When the last checks were started, if they were as many as may start at once. */
  readonly batch: Batch | null
  /** No check is started before this. */
  readonly pacedUntilMs: number
  /** The virtual server whose turn it is then, so that none waits for those before it. */
  readonly turnAt: number
}

/** A server that changed sides, for the journal. */
export interface Turn {
  readonly service: string
  readonly server: string
  readonly to: 'up' | 'down'
  readonly reason?: string
}

/** A check that passed began or ceased to warn. */
export interface Warning {
  readonly service: string
  readonly server: string
  readonly says: string
}

export const noHealth: HealthState = {
  services: [],
  index: new Map(),
  dueMs: Infinity,
  nextProbe: 1,
  batch: null,
  pacedUntilMs: -Infinity,
  turnAt: 0,
}

/** How long the first checks of so many real servers are spread over. */
function spreadOf(servers: number, intervalMs: number): number {
  return Math.min(firstSpreadMs.each * servers, firstSpreadMs.most, intervalMs)
}

function serviceDue(servers: readonly ServerState[]): number {
  return servers.reduce((due, s) => (s.spec.active ? Math.min(due, serverDue(s)) : due), Infinity)
}

function serverDue(server: ServerState): number {
  return server.probe ? server.probe.limitMs : server.nextMs
}

function healthOf(
  { nextProbe, batch, pacedUntilMs, turnAt }: Pick<HealthState, 'nextProbe' | 'batch' | 'pacedUntilMs' | 'turnAt'>,
  services: readonly ServiceState[],
  index?: ReadonlyMap<string, number>,
): HealthState {
  // A loop, not a reduce: this runs for every check of a thousand virtual servers.
  let dueMs = Infinity
  for (const service of services) if (service.dueMs < dueMs) ({ dueMs } = service)
  return {
    services,
    index: index ?? new Map(services.map((s, i) => [s.key, i])),
    dueMs: Math.max(dueMs, pacedUntilMs),
    nextProbe,
    batch,
    pacedUntilMs,
    turnAt,
  }
}

/** Whether a virtual server is the same in a new config, so that all that is known of it can stay as it is. */
function isSame(old: ServiceState | undefined, spec: VirtualServer, config: Config, firstAt: number): boolean {
  // With a mark the ports in the kernel's table depend on other virtual servers of the same mark.
  return old?.spec === spec && !spec.fwmark && old.forwarding === config.forwarding && old.firstAt === firstAt
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
  let serversSoFar = 0
  for (const spec of specs) {
    const key = serviceKey(spec)
    // The kernel has one service per key: the first in the file wins, as in Piranha.
    if (seen.has(key)) continue
    seen.add(key)
    const old = health.services[health.index.get(key) ?? -1]
    if (old && isSame(old, spec, config, serversSoFar)) {
      services.push(old)
      nth += spec.realServers.length
      serversSoFar += old.servers.length
      continue
    }
    const sameCheck = old !== undefined && JSON.stringify(old.spec.check) === JSON.stringify(spec.check)
    const servers: ServerState[] = []
    for (const real of spec.realServers) {
      nth++
      const serverKey = endpoint(real.address, kernelPort(config, spec, real))
      if (servers.some((s) => s.key === serverKey)) continue
      const known = old?.servers.find((s) => s.key === serverKey && s.spec.port === real.port)
      const spreadMs = spreadOf(total, spec.check.intervalMs)
      const nextMs = now.ms + Math.floor((nth / total) * spreadMs)
      const thenMs = now.ms + spreadMs + Math.floor((nth / total) * spec.check.intervalMs)
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
                nextMs,
                thenMs,
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
          nextMs,
          thenMs,
          lastCheckMs: null,
          lastTookMs: null,
          lastError: null,
          warning: null,
          recent: '',
        })
      }
    }
    services.push({
      key,
      spec,
      servers,
      dueMs: serviceDue(servers),
      firstAt: serversSoFar,
      forwarding: config.forwarding,
    })
    serversSoFar += servers.length
  }
  return healthOf(health, services)
}

/**
 * An interval after the check was wanted, not after it was begun: checks that were late together do not stay together. After a longer
 * pause of this host some intervals are left out, so that not every check is made twice at once.
 */
function placeAfter(server: ServerState, intervalMs: number, now: Now): number {
  const restedMs = (server.probe?.startedMs ?? now.ms) + intervalMs / 2
  const left = Math.max(1, Math.ceil((restedMs - server.nextMs) / intervalMs))
  return server.nextMs + left * intervalMs
}

function settle(
  service: ServiceState,
  server: ServerState,
  passed: boolean,
  tookMs: number | null,
  says: string | undefined,
  warns: string | undefined,
  now: Now,
): { readonly server: ServerState; readonly turn: Turn | null } {
  const { rise, fall, intervalMs } = service.spec.check
  const successes = passed ? server.successes + 1 : 0
  const failures = passed ? 0 : server.failures + 1
  let health = server.health
  if (passed && (health === 'unknown' || (health === 'down' && successes >= rise))) health = 'up'
  if (!passed && health !== 'down' && failures >= fall) health = 'down'
  const nextMs = Math.max(now.ms, server.thenMs ?? placeAfter(server, intervalMs, now))
  const next: ServerState = {
    ...server,
    health,
    sinceMs: health === server.health ? server.sinceMs : now.ms,
    successes,
    failures,
    probe: null,
    nextMs,
    thenMs: null,
    lastCheckMs: now.ms,
    lastTookMs: tookMs ?? server.lastTookMs,
    lastError: passed ? server.lastError : (says ?? 'The check failed.'),
    warning: passed ? (warns ?? null) : server.warning,
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
  return healthOf(health, services, health.index)
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
    readonly warns?: string
  },
  now: Now,
): { readonly health: HealthState; readonly turn: Turn | null; readonly warning: Warning | null } {
  const at = health.index.get(result.service) ?? -1
  const service = health.services[at]
  const serverAt = service?.servers.findIndex((s) => s.key === result.server) ?? -1
  const server = service?.servers[serverAt]
  if (!service || !server || server.probe?.id !== result.id) return { health, turn: null, warning: null }
  const settled = settle(service, server, result.passed, result.tookMs, result.says, result.warns, now)
  // The text changes from day to day; that there is one is the news.
  const isNews = server.warning === null && settled.server.warning !== null
  const warning = isNews ? { service: service.key, server: server.key, says: settled.server.warning ?? '' } : null
  return { health: replace(health, at, service, serverAt, settled.server), turn: settled.turn, warning }
}

/**
 * Starts what is due and gives up on checks whose answer never came. `lateMs`: how much later than it wanted this director runs; after
 * a pause of its own the answers are still to be read, so that a check is not given up for it.
 */
export function runDue(
  health: HealthState,
  now: Now,
  lateMs = 0,
): { readonly health: HealthState; readonly probes: readonly Probe[]; readonly turns: readonly Turn[] } {
  if (now.ms < health.dueMs) return { health, probes: [], turns: [] }
  const leftMs = restLeft(health.batch, now)
  if (leftMs > 0) {
    const dueMs = now.ms + Math.max(leftMs, restLeastMs)
    return { health: { ...health, dueMs, pacedUntilMs: dueMs }, probes: [], turns: [] }
  }
  const probes: Probe[] = []
  const turns: Turn[] = []
  let nextProbe = health.nextProbe
  const services = [...health.services]
  let { turnAt } = health
  for (let looked = 0; looked < services.length; looked++) {
    const at = (health.turnAt + looked) % services.length
    const service = services[at]
    if (!service || now.ms < service.dueMs) continue
    if (probes.length >= startsAtOnce) {
      turnAt = at
      break
    }
    const servers = service.servers.map((before) => {
      let server = before
      if (!server.spec.active || now.ms < serverDue(server)) return server
      if (server.probe) {
        if (lateMs >= pauseMs) return { ...server, probe: { ...server.probe, limitMs: now.ms + stuckGraceMs } }
        const ageMs = Math.round(now.ms - server.probe.startedMs)
        const says = `No result of the check after ${ageMs} ms.`
        const given = settle(service, server, false, null, says, undefined, now)
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
        ...(service.spec.check.viaVip && service.forwarding !== 'nat'
          ? {
              via: {
                address: service.spec.vip.address,
                port: server.spec.port,
                forwarding: service.forwarding,
              },
            }
          : {}),
      })
      const limitMs = now.ms + service.spec.check.timeoutMs + stuckGraceMs
      return { ...server, probe: { id, startedMs: now.ms, limitMs } }
    })
    services[at] = { ...service, servers, dueMs: serviceDue(servers) }
  }
  const paced =
    probes.length >= startsAtOnce
      ? { batch: batchAt(now), pacedUntilMs: now.ms + restLeastMs }
      : { batch: null, pacedUntilMs: health.pacedUntilMs }
  return { health: healthOf({ nextProbe, turnAt, ...paced }, services, health.index), probes, turns }
}

/** Every active server of every service has had a verdict. */
export function settledHealth(health: HealthState): boolean {
  return health.services.every((s) => s.servers.every((r) => !r.spec.active || r.health !== 'unknown'))
}

/** Servers found up, over all services. */
export function usableServers(health: HealthState): number {
  return health.services.reduce((sum, s) => sum + s.servers.filter((r) => r.health === 'up').length, 0)
}

/** One server at least is found up. */
export function anyUsable(health: HealthState): boolean {
  return health.services.some((s) => s.servers.some((r) => r.health === 'up'))
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
      // Not again and again: a server without a verdict for so long gets one from the check that runs.
      const { intervalMs, timeoutMs } = service.spec.check
      const soonMs = now.ms + Math.floor((nth++ / total) * spreadOf(total, intervalMs))
      if (server.probe && now.ms - (server.lastCheckMs ?? server.sinceMs) >= intervalMs + timeoutMs) return server
      return {
        ...server,
        probe: null,
        // After it, where it would have been, so that all do not stay together.
        ...(server.probe
          ? { nextMs: soonMs, thenMs: server.thenMs ?? server.nextMs + intervalMs }
          : server.nextMs > soonMs
            ? { nextMs: soonMs, thenMs: server.nextMs }
            : {}),
      }
    })
    return { ...service, servers, dueMs: serviceDue(servers) }
  })
  return healthOf(health, services, health.index)
}
