/**
 * Weights that are not those of lvs.cf: a real server an operator drains or weighs, one that comes back and starts slowly, one whose
 * load says how much it can take. The table (ipvs.ts) is made from the result, `steered`, which is replaced only when it changes.
 *
 *   drain: weight 0 → no connection left (persistent clients included), seen by the active director → out of the table → undrain
 */
import type { VirtualServer } from '../../domain/config.ts'
import type { ServerReport } from '../../domain/contract/agent.ts'
import type { ServerState, ServiceState } from './health.ts'
import { loadEveryMs, loadStaleMs, weightByLoad } from './load.ts'
import { merged, noOverrides, ordered, overrideFrom, overrideOf, type Override, type Overrides } from './overrides.ts'
import { hasPeer, type State, type Work } from './state.ts'
import type { Beat, LoadAt, Ordered } from './words.ts'

/** A slow start has at most so many steps, and none shorter than this: each is a change in the kernel. */
const slowSteps = 20
const slowStepMs = 1_000
/** Real servers are asked for their load so many at a time, and more than that a tick later. */
const loadsTogether = 50
const loadTickMs = 1_000
/** Clients bound by persistence are counted this often while a server with such clients is drained. */
const boundEveryMs = 2_000

/** A server whose weight is not that of lvs.cf. */
export interface Steer {
  readonly weight?: number
  readonly drain?: 'draining' | 'out'
}

/** By `address:port`. */
export type Steered = ReadonlyMap<string, Steer>

interface Load {
  readonly askedMs: number
  readonly load: number | null
  readonly atMs: number
}

export interface Steering {
  readonly overrides: Overrides
  /** Found down since the start: their return is a recovery. By `service server`, as below. */
  readonly fallen: ReadonlySet<string>
  /** Since when a server that came back is starting slowly. */
  readonly slow: ReadonlyMap<string, number>
  /** What was last told of its load, by `address:port` of the load. */
  readonly loads: ReadonlyMap<string, Load>
  /** Clients bound to drained servers by persistence, and when they were counted. */
  readonly bound: { readonly atMs: number; readonly counts: ReadonlyMap<string, number> } | null
  readonly boundAskedMs: number
  /** Number of the newest count asked for; an older answer may be from before the last order. */
  readonly boundLook: number
  /** By service. */
  readonly steered: ReadonlyMap<string, Steered>
  /** What `steered` was last made from; null = make it again. */
  readonly madeOf: { readonly config: State['config']; readonly index: State['health']['index'] } | null
  readonly dueMs: number
}

export function newSteering(overrides: readonly Override[]): Steering {
  return {
    overrides: merged(noOverrides, overrides),
    fallen: new Set(),
    slow: new Map(),
    loads: new Map(),
    bound: null,
    boundAskedMs: -Infinity,
    boundLook: 0,
    steered: new Map(),
    madeOf: null,
    dueMs: Infinity,
  }
}

function set(w: Work, change: Partial<Steering>): void {
  w.s.steering = { ...w.s.steering, ...change }
}

function withOverrides(w: Work, overrides: Overrides): void {
  if (overrides === w.s.steering.overrides) return
  const boundLook = w.s.steering.boundLook + 1
  set(w, { overrides, bound: null, boundAskedMs: -Infinity, boundLook, madeOf: null })
  w.out.push({ kind: 'keep', overrides: [...overrides.entries.values()] }, { kind: 'report' })
}

/** The real server an order is about, by key or, where only one has it, by name; or why there is none. */
function resolve(
  s: State,
  about: { readonly service: string; readonly server: string },
): { readonly service: ServiceState; readonly server: ServerState } | string {
  const only = <T>(all: readonly T[], key: (one: T) => string, name: (one: T) => string, is: string): T | number => {
    const exact = all.find((one) => key(one) === is)
    if (exact) return exact
    const named = all.filter((one) => name(one) === is)
    return named.length === 1 && named[0] !== undefined ? named[0] : named.length
  }
  const service = only(
    s.health.services,
    (one) => one.key,
    (one) => one.spec.name,
    about.service,
  )
  if (typeof service === 'number')
    return `${service === 0 ? 'No' : 'More than one'} active virtual server is called ${about.service}.`
  const server = only(
    service.servers,
    (one) => one.key,
    (one) => one.spec.name,
    about.server,
  )
  if (typeof server === 'number')
    return `${server === 0 ? 'No' : 'More than one'} real server of ${service.spec.name} is called ${about.server}.`
  return { service, server }
}

/** Takes the order to drain, undrain or weigh a server; answers its ticket. */
export function orderWeight(
  w: Work,
  order: Extract<Ordered, { kind: 'drain' | 'undrain' | 'weight' }>,
  ticket: number,
): void {
  const { s, now } = w
  const found = resolve(s, order)
  const refuse = (refused: string): void => void w.out.push({ kind: 'answer', ticket, refused })
  if (typeof found === 'string') return refuse(found)
  if (!s.side) return refuse('This director does not know which of the two it is.')
  const about = { service: found.service.key, server: found.server.key }
  const before = overrideOf(s.steering.overrides, about.service, about.server)
  if (order.kind === 'undrain' && before?.drainedAtMs === undefined)
    return refuse(`${about.server} of ${about.service} is not drained.`)
  w.out.push({
    kind: 'journal',
    event: {
      kind: 'order',
      order: order.kind,
      by: order.by,
      ...about,
      ...(order.kind === 'weight' && order.weight !== null ? { weight: order.weight } : {}),
    },
  })
  const weight = order.kind === 'weight' ? (order.weight ?? undefined) : before?.weight
  const drainedAtMs =
    order.kind === 'drain'
      ? (before?.drainedAtMs ?? Math.round(now.wallMs))
      : order.kind === 'undrain'
        ? undefined
        : before?.drainedAtMs
  // A drain that is already under way, or done, stays what it is.
  if (order.kind !== 'drain' || before?.drainedAtMs === undefined)
    withOverrides(
      w,
      ordered(s.steering.overrides, s.side, about, {
        ...(weight === undefined ? {} : { weight }),
        ...(drainedAtMs === undefined ? {} : { drainedAtMs, ...(before?.out ? { out: true } : {}) }),
      }),
    )
  if (order.kind === 'undrain') beginSlowly(w, about.service, about.server)
  w.beatNow = true
  w.out.push({ kind: 'answer', ticket })
}

/** What the peer knows of operators' orders. */
export function heardOverrides(w: Work, beat: Beat): void {
  const some = beat.steers?.some
  if (!some) return
  const { steering } = w.s
  const before = steering.overrides
  const after = merged(before, some.map(overrideFrom))
  if (after === before) return
  for (const o of after.entries.values()) {
    const old = overrideOf(before, o.service, o.server)
    if (old?.drainedAtMs !== undefined && o.drainedAtMs === undefined) beginSlowly(w, o.service, o.server)
  }
  withOverrides(w, after)
}

function specOf(s: State, service: string): VirtualServer | undefined {
  return s.health.services[s.health.index.get(service) ?? -1]?.spec
}

function beginSlowly(w: Work, service: string, server: string): void {
  if (specOf(w.s, service)?.slowStartMs === undefined) return
  set(w, { slow: new Map(w.s.steering.slow).set(`${service} ${server}`, w.now.ms), madeOf: null })
}

/** A server changed sides: a return after a fall is slow where the virtual server asks for it. */
export function turned(
  w: Work,
  turn: { readonly service: string; readonly server: string; readonly to: string },
): void {
  if (specOf(w.s, turn.service)?.slowStartMs === undefined) return
  const key = `${turn.service} ${turn.server}`
  const { fallen, slow } = w.s.steering
  if (turn.to === 'down') {
    const kept = new Map(slow)
    kept.delete(key)
    set(w, { fallen: new Set(fallen).add(key), slow: kept, madeOf: null })
  } else if (fallen.has(key)) {
    const left = new Set(fallen)
    left.delete(key)
    set(w, { fallen: left })
    beginSlowly(w, turn.service, turn.server)
  }
}

/** Real servers told their loads; those that could not be asked are not among them. */
export function loaded(w: Work, told: ReadonlyMap<string, number>): void {
  const loads = new Map(w.s.steering.loads)
  for (const [at, load] of told) {
    const before = loads.get(at)
    if (before) loads.set(at, { ...before, load, atMs: w.now.ms })
  }
  set(w, { loads, madeOf: null })
}

/** Clients bound by persistence were counted. */
export function bound(w: Work, look: number, counts: ReadonlyMap<string, number>): void {
  if (look !== w.s.steering.boundLook) return
  set(w, { bound: { atMs: w.now.ms, counts } })
}

const loadKey = (spec: VirtualServer, server: ServerState): string => `${server.spec.address} ${spec.loadPort ?? 0}`

/** Asks for the loads that are due and forgets those nobody wants any more; answers when the next one is due. */
function askLoads(w: Work): number {
  const { s, now } = w
  if (!s.config?.virtualServers.some((v) => v.active && v.loadPort !== undefined)) {
    if (s.steering.loads.size > 0) set(w, { loads: new Map() })
    return Infinity
  }
  const loads = new Map<string, Load>()
  const due: LoadAt[] = []
  const total = s.health.services.reduce((sum, { spec, servers }) => sum + (spec.loadPort ? servers.length : 0), 0)
  const together = Math.max(loadsTogether, Math.ceil((total * loadTickMs) / loadEveryMs))
  let dueMs = Infinity
  for (const { spec, servers } of s.health.services) {
    if (spec.loadPort === undefined) continue
    for (const server of servers) {
      const key = loadKey(spec, server)
      if (!server.spec.active || loads.has(key)) continue
      const known = s.steering.loads.get(key)
      const firstMs = now.ms + Math.floor(loads.size / together) * loadTickMs - loadEveryMs
      let askedMs = known?.askedMs ?? firstMs
      if (now.ms >= askedMs + loadEveryMs) {
        due.push({ at: key, address: server.spec.address, port: spec.loadPort })
        askedMs = now.ms
      }
      loads.set(key, { load: known?.load ?? null, atMs: known?.atMs ?? -Infinity, askedMs })
      dueMs = Math.min(dueMs, askedMs + loadEveryMs)
    }
  }
  if (due.length > 0) w.out.push({ kind: 'loads', of: due })
  set(w, { loads })
  return dueMs
}

/** What steers one server now; undefined = nothing does. Also when this will be another answer. */
function steerOf(
  s: State,
  nowMs: number,
  service: ServiceState,
  server: ServerState,
): { readonly steer?: Steer; readonly dueMs: number } {
  const { steering } = s
  const { spec } = service
  const override = overrideOf(steering.overrides, service.key, server.key)
  if (override?.drainedAtMs !== undefined)
    return { steer: { drain: override.out ? 'out' : 'draining' }, dueMs: Infinity }
  if (override?.weight !== undefined) return { steer: { weight: override.weight }, dueMs: Infinity }
  let dueMs = Infinity
  const own = server.spec.weight
  let weight = own
  const told = spec.loadPort === undefined ? undefined : steering.loads.get(loadKey(spec, server))
  if (told?.load !== null && told !== undefined && nowMs - told.atMs < loadStaleMs) {
    weight = weightByLoad(own, told.load, steering.steered.get(service.key)?.get(server.key)?.weight ?? own)
    dueMs = told.atMs + loadStaleMs
  }
  const since = steering.slow.get(`${service.key} ${server.key}`)
  if (since !== undefined && spec.slowStartMs !== undefined && nowMs - since < spec.slowStartMs) {
    const share = Math.max(slowStepMs, spec.slowStartMs / slowSteps)
    const steps = Math.floor((nowMs - since) / share)
    weight = weight === 0 ? 0 : Math.max(1, Math.floor((weight * steps * share) / spec.slowStartMs))
    dueMs = Math.min(dueMs, since + (steps + 1) * share, since + spec.slowStartMs)
  }
  return { ...(weight === own ? {} : { steer: { weight } }), dueMs }
}

/** Only these are looked at one by one: there may be thousands that nothing steers. */
function concerned(s: State): ReadonlySet<string> {
  const services = new Set<string>()
  for (const o of s.steering.overrides.entries.values()) services.add(o.service)
  for (const key of s.steering.slow.keys()) services.add(key.slice(0, key.lastIndexOf(' ')))
  for (const { key, spec } of s.health.services) if (spec.loadPort !== undefined) services.add(key)
  return services
}

function sameSteered(a: Steered, b: Steered | undefined): boolean {
  if (a.size !== b?.size) return false
  return [...a].every(([key, steer]) => b.get(key)?.weight === steer.weight && b.get(key)?.drain === steer.drain)
}

/** Brings `steered` up to date. Runs at every step, and does something only when something has changed or is due. */
export function steer(w: Work): void {
  const { s, now } = w
  const { config } = s
  if (!config) return
  drain(w)
  const { madeOf } = w.s.steering
  if (madeOf?.config === config && madeOf.index === s.health.index && now.ms < w.s.steering.dueMs) return
  let dueMs = askLoads(w)
  const { steering } = w.s
  const steered = new Map<string, Steered>()
  let changed = false
  for (const key of concerned(w.s)) {
    const service = s.health.services[s.health.index.get(key) ?? -1]
    if (!service) continue
    const servers = new Map<string, Steer>()
    for (const server of service.servers) {
      const found = steerOf(w.s, now.ms, service, server)
      if (found.steer) servers.set(server.key, found.steer)
      dueMs = Math.min(dueMs, found.dueMs)
    }
    const before = steering.steered.get(key)
    if (servers.size === 0) continue
    const same = sameSteered(servers, before)
    if (!same) changed = true
    steered.set(key, same && before ? before : servers)
  }
  if (steered.size !== steering.steered.size) changed = true
  const slow = [...steering.slow].filter(([key, since]) => {
    const slowStartMs = specOf(s, key.slice(0, key.lastIndexOf(' ')))?.slowStartMs
    return slowStartMs !== undefined && now.ms - since < slowStartMs
  })
  set(w, {
    ...(changed ? { steered } : {}),
    ...(slow.length === steering.slow.size ? {} : { slow: new Map(slow) }),
    madeOf: { config, index: s.health.index },
    dueMs,
  })
  if (changed) w.out.push({ kind: 'report' })
}

/** The connections a drained server has left as this director last saw them; null = not known. */
function connectionsLeft(s: State, override: Override): number | null {
  const table = s.kernel.lastTable
  if (!table) return null
  const there = table.get(override.service)?.destinations.get(override.server)
  if (!there) return 0
  const key = `${override.service} ${override.server}`
  return there.activeConnections + there.inactiveConnections + (s.steering.bound?.counts.get(key) ?? 0)
}

/** Counts what drained servers have left; the active director (or the only one) says when one is done. */
function drain(w: Work): void {
  const { s, now } = w
  const draining = [...s.steering.overrides.entries.values()].filter(
    (o) => o.drainedAtMs !== undefined && !o.out && s.health.index.has(o.service),
  )
  if (draining.length === 0) return
  const { table } = s.kernel
  const isPersistent = (o: Override): boolean => specOf(s, o.service)?.persistentS !== undefined
  if (draining.some(isPersistent) && now.ms - s.steering.boundAskedMs >= boundEveryMs) {
    const boundLook = s.steering.boundLook + 1
    w.out.push({ kind: 'bound', look: boundLook })
    set(w, { boundAskedMs: now.ms, boundLook })
  }
  if (!table || (s.role !== 'active' && hasPeer(s))) return
  const done: Override[] = []
  for (const o of draining) {
    const there = table.get(o.service)?.destinations.get(o.server)
    if (there && there.weight !== 0) continue
    // Persistent clients can come back as long as they are bound: they must have been counted, after the last order.
    if (there && isPersistent(o) && s.steering.bound === null) continue
    if (connectionsLeft(s, o) === 0) done.push(o)
  }
  if (done.length === 0) return
  withOverrides(
    w,
    merged(
      s.steering.overrides,
      done.map((o) => ({ ...o, out: true })),
    ),
  )
  for (const o of done)
    w.out.push({
      kind: 'journal',
      event: {
        kind: 'drained',
        service: o.service,
        server: o.server,
        afterMs: Math.max(0, Math.round(now.wallMs - (o.drainedAtMs ?? now.wallMs))),
      },
    })
  w.beatNow = true
}

/** The soonest instant at which a weight wants attention. */
export function steeringDue(s: State): number {
  return s.config ? s.steering.dueMs : Infinity
}

/** What a report says of the weight of one server beside what lvs.cf says. */
export function steeringReport(
  s: State,
  service: ServiceState,
  server: ServerState,
  toWall: (ms: number) => number,
): Pick<ServerReport, 'drain' | 'slowStart' | 'operatorWeight' | 'load'> {
  const override = overrideOf(s.steering.overrides, service.key, server.key)
  const since = s.steering.slow.get(`${service.key} ${server.key}`)
  const { slowStartMs, loadPort } = service.spec
  const told = loadPort === undefined ? undefined : s.steering.loads.get(loadKey(service.spec, server))
  return {
    ...(override?.drainedAtMs === undefined
      ? {}
      : {
          drain: {
            sinceAtMs: override.drainedAtMs,
            connections: connectionsLeft(s, override) ?? 0,
            out: override.out === true,
          },
        }),
    ...(since === undefined || slowStartMs === undefined
      ? {}
      : { slowStart: { untilAtMs: toWall(since + slowStartMs) } }),
    ...(override?.weight === undefined ? {} : { operatorWeight: override.weight }),
    ...(told === undefined || told.load === null ? {} : { load: told.load }),
  }
}
