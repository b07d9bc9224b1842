/**
 * Schedules of faults and what must hold under any of them: two directors (and, as third parties, neighbours that answer ARP) under
 * a virtual clock. Schedules are drawn by fast-check; a failing one is shrunk and printed with its transcript. Held at every step:
 * who hears the other never serves beside it for long; while one can serve, somebody does; who is cut off does not claim; no result
 * of a check is taken as health for longer than its limit. Held at rest: exactly one serves, its kernel is as wanted, the client
 * reaches it, and it stays so.
 */
import fc from 'fast-check'
import type { Config } from '../../domain/config.ts'
import { compareService } from '../../domain/ipvs/table.ts'
import { wanted } from '../../agent/director/ipvs.ts'
import { pair, pairWithPrivatePath, vip6, withWeb } from './clusters.ts'
import { createWorld, hostNames, type HostName, type World } from './world.ts'

/** Both may be active this long while they hear each other: a beat must arrive, and a hand-over has its own moment. */
const bothBeats = 2
const bothGraceMs = 100
/** Nobody may be active this long while one could: three deadtimes of caution, a hand-over given up, and the start of a loop. */
const nobodyDeadtimes = 6
const nobodyGraceMs = 2_000
/** What is whole must have come to rest after this, and stay so for a while. */
const settleMs = 35_000
const restMs = 2_000
const lookMs = 500
/** The network of the simulated world takes at most this long besides its jitter. */
const slackMs = 50
/** So many announcements in a row may be lost where nobody can see it: fewer than a takeover makes. */
const lostUnseen = 2

type OnHost =
  | 'crash'
  | 'boot'
  | 'kill'
  | 'heal'
  | 'wipe'
  | 'delete'
  | 'hand-over'
  | 'lose-apply'
  | 'stop'
  | 'config'
  | 'link-down'
  | 'link-up'
  | 'replay'

export type Fault =
  | { readonly kind: OnHost; readonly host: HostName }
  | { readonly kind: 'cut'; readonly host: HostName; readonly way: 'both' | 'deaf' | 'mute' }
  | { readonly kind: 'stall'; readonly host: HostName; readonly ms: number; readonly paused: boolean }
  | { readonly kind: 'starve'; readonly host: HostName; readonly ms: number }
  | { readonly kind: 'cut-path'; readonly path: 'public' | 'private'; readonly from: HostName | null }
  | { readonly kind: 'heal-paths' }
  | { readonly kind: 'lose-announcements'; readonly times: number }
  | { readonly kind: 'server'; readonly change: 'down' | 'hangs' | 'up'; readonly n: number }
  | { readonly kind: 'clock'; readonly ms: number }

export interface Schedule {
  readonly seed: number
  readonly lossRatio: number
  readonly jitterMs: number
  readonly duplicateRatio: number
  readonly privatePath: boolean
  readonly witnesses: boolean
  readonly failback: boolean
  readonly monitorLinks: boolean
  readonly syncDaemon: boolean
  readonly keepaliveMs: number
  /** The virtual IP is an IPv6 one. */
  readonly six: boolean
  readonly steps: readonly { readonly waitMs: number; readonly fault: Fault }[]
}

const host = fc.constantFrom(...hostNames)

const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom<OnHost>(
        'crash',
        'boot',
        'boot',
        'kill',
        'heal',
        'heal',
        'wipe',
        'delete',
        'hand-over',
        'lose-apply',
        'stop',
        'config',
        'link-down',
        'link-up',
        'replay',
      ),
      host,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      host,
      way: fc.constantFrom('both' as const, 'deaf' as const, 'mute' as const),
    }),
  },
  fc.record({
    kind: fc.constant('stall' as const),
    host,
    ms: fc.integer({ min: 50, max: 4_000 }),
    paused: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('starve' as const), host, ms: fc.integer({ min: 50, max: 4_000 }) }),
  fc.record({
    kind: fc.constant('cut-path' as const),
    path: fc.constantFrom('public' as const, 'private' as const),
    from: fc.option(host),
  }),
  fc.constant({ kind: 'heal-paths' as const }),
  fc.record({ kind: fc.constant('lose-announcements' as const), times: fc.integer({ min: 1, max: 12 }) }),
  fc.record({
    kind: fc.constant('server' as const),
    change: fc.constantFrom('down' as const, 'hangs' as const, 'up' as const),
    n: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ kind: fc.constant('clock' as const), ms: fc.integer({ min: -1e9, max: 1e9 }) }),
)

export const schedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  lossRatio: fc.constantFrom(0, 0, 0, 0.05, 0.2),
  jitterMs: fc.constantFrom(0, 0, 5, 60),
  duplicateRatio: fc.constantFrom(0, 0, 0.1),
  privatePath: fc.boolean(),
  witnesses: fc.constantFrom(true, true, false),
  failback: fc.boolean(),
  monitorLinks: fc.boolean(),
  syncDaemon: fc.constantFrom(false, false, true),
  keepaliveMs: fc.constantFrom(200, 200, 400),
  six: fc.constantFrom(false, false, true),
  steps: fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 3_000 }), fault }), { minLength: 1, maxLength: 12 }),
})

/** A small seeded source of chance (mulberry32). */
function chanceOf(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function configOf(s: Schedule): Config {
  const base = s.privatePath ? pairWithPrivatePath : pair
  const check = {
    ...pair.virtualServers[0]?.check,
    intervalMs: 3_000,
    timeoutMs: 3_000,
  } as Config['virtualServers'][0]['check']
  return withWeb(
    {
      ...base,
      failback: { auto: s.failback, delayMs: 2_000 },
      heartbeat: { ...base.heartbeat, keepaliveMs: s.keepaliveMs, deadtimeMs: 4 * s.keepaliveMs },
      monitorLinks: s.monitorLinks,
      ...(s.syncDaemon ? { syncDaemon: { device: 'eth0', id: 1 } } : {}),
    },
    { check, ...(s.six ? { vip: vip6 } : {}) },
  )
}

const servers = ['192.168.2.243:80', '192.168.2.111:80']

function strike(world: World, f: Fault, config: Config, chance: () => number, neighbours: boolean): void {
  switch (f.kind) {
    case 'crash':
      return world.crash(f.host)
    case 'boot':
      return world.boot(f.host)
    case 'kill':
      return world.kill(f.host)
    case 'cut':
      return world.cut(f.host, f.way)
    case 'heal':
      return world.heal(f.host)
    case 'wipe':
      return world.wipeTable(f.host)
    case 'delete':
      return world.deleteVip(f.host)
    case 'hand-over':
      return world.order(f.host, 'hand-over')
    case 'stop':
      return world.order(f.host, 'stop')
    case 'lose-apply':
      world.hosts[f.host].loseApplies = 2
      return
    case 'config':
      return world.configure({ ...config, serialNo: 1 + Math.floor(chance() * 3) }, f.host)
    case 'link-down':
      return world.link(f.host, false)
    case 'link-up':
      return world.link(f.host, true)
    case 'replay': {
      // What has been heard once must not be heard again. (One that never arrived is only late.)
      const path = world.hosts[f.host].state?.hearing.paths.find((p) => p.name === 'public')
      const heard = world.beats.filter(
        ({ host: from, beat: b }) =>
          from !== f.host && path && (b.boot < path.boot || (b.boot === path.boot && b.seq <= path.seq)),
      )
      const old = heard[Math.floor(chance() * heard.length)]
      if (old) world.give(f.host, { kind: 'heard', path: 'public', beat: old.beat })
      return
    }
    case 'stall':
      return world.stall(f.host, f.ms, f.paused)
    case 'starve':
      return world.starve(f.host, f.ms)
    case 'cut-path':
      return void world.cutPath(f.path, f.from ?? undefined)
    case 'heal-paths':
      return world.healPaths()
    case 'lose-announcements':
      // Without neighbours that answer nobody can see that they were lost; some of the repeats must then arrive.
      return world.loseAnnouncements(neighbours ? f.times : Math.min(f.times, lostUnseen))
    case 'server': {
      const key = servers[f.n] ?? ''
      return f.change === 'down'
        ? world.serverDown(key)
        : f.change === 'hangs'
          ? world.serverHangs(key)
          : world.serverUp(key)
    }
    case 'clock':
      return world.clockStep(f.ms)
  }
}

const alert = (world: World, name: HostName): boolean => {
  const { processUp, stalledUntil, starvedUntil } = world.hosts[name]
  return processUp && world.nowMs() >= Math.max(stalledUntil, starvedUntil)
}

/** What serves the client or could: on, running, connected, with a link. */
const whole = (world: World, name: HostName): boolean => {
  const { deaf, mute, linkUp } = world.hosts[name]
  return alert(world, name) && !deaf && !mute && linkUp
}

/** Watches a world at every step. Throws at the first thing that must not be. */
function watchOver(world: World, s: Schedule, config: Config): () => void {
  const { keepaliveMs, deadtimeMs } = config.heartbeat
  const bothBoundMs = bothBeats * keepaliveMs + bothGraceMs + 2 * s.jitterMs
  const nobodyBoundMs = nobodyDeadtimes * deadtimeMs + nobodyGraceMs
  const deafBoundMs = deadtimeMs + 2 * keepaliveMs + slackMs + s.jitterMs
  let bothSince: number | null = null
  let hearingSince: number | null = null
  let nobodySince: number | null = null
  let lookedMs = 0
  const deafSince: Record<HostName, number | null> = { lvs1: null, lvs2: null }
  const stoodStill: Record<HostName, number> = { lvs1: -Infinity, lvs2: -Infinity }
  const roles: Record<HostName, string | undefined> = { lvs1: undefined, lvs2: undefined }

  return () => {
    const nowMs = world.nowMs()
    const active = world.active()

    const hearing =
      s.lossRatio === 0 &&
      alert(world, 'lvs1') &&
      alert(world, 'lvs2') &&
      world.reaches('lvs1', 'lvs2') &&
      world.reaches('lvs2', 'lvs1')
    hearingSince = hearing ? (hearingSince ?? nowMs) : null
    const both = active.length === 2 && world.holders().length === 2
    bothSince = both && hearing ? (bothSince ?? nowMs) : null
    if (bothSince !== null && hearingSince !== null && nowMs - Math.max(bothSince, hearingSince) > bothBoundMs)
      throw new Error(`both hold the virtual IP for ${nowMs - bothSince} ms though they hear each other`)

    const able = active.length === 0 && hostNames.some((n) => whole(world, n) && !world.hosts[n].state?.stopping)
    nobodySince = able ? (nobodySince ?? nowMs) : null
    if (nobodySince !== null && nowMs - nobodySince > nobodyBoundMs)
      throw new Error(`nobody is active for ${nowMs - nobodySince} ms`)

    for (const name of hostNames) {
      const { deaf, machineUp, stalledUntil, starvedUntil } = world.hosts[name]
      // What lay in its kernel is heard after the cut.
      const isDeaf = deaf && machineUp && nowMs >= starvedUntil
      deafSince[name] = isDeaf ? (deafSince[name] ?? nowMs) : null
      const stillUntil = Math.max(stalledUntil, starvedUntil)
      if (nowMs < stillUntil) stoodStill[name] = stillUntil
      const role = world.role(name)
      const since = deafSince[name]
      if (s.witnesses && role === 'active' && roles[name] !== 'active' && since !== null && nowMs - since > deafBoundMs)
        throw new Error(`${name} claims though it has heard nobody for ${nowMs - since} ms`)
      roles[name] = role
    }

    if (nowMs - lookedMs < lookMs) return
    lookedMs = nowMs
    for (const name of hostNames) {
      const { state } = world.hosts[name]
      if (!state || !alert(world, name)) continue
      for (const { servers: all, spec } of state.health.services)
        for (const server of all) {
          const limitMs = 2 * spec.check.intervalMs + spec.check.timeoutMs + 2_500
          const ageMs = nowMs - (server.lastCheckMs ?? -Infinity)
          if (server.health === 'up' && ageMs > limitMs && nowMs - stoodStill[name] > limitMs)
            throw new Error(`${name} takes ${server.key} as up on a result ${ageMs} ms old`)
        }
    }
  }
}

/** What is not as it should be when everything has been made whole. */
function problemsAtRest(world: World): string[] {
  const problems: string[] = []
  const active = world.active()
  if (active.length !== 1) problems.push(`active: ${active.join(' and ') || 'nobody'}`)
  if (world.holders().join() !== active.join())
    problems.push(`holders ${world.holders().join()} but active ${active.join()}`)
  if (active.length === 1 && world.mac() !== active[0])
    problems.push(`the client asks ${world.mac()}, active is ${active[0]}`)
  if (!world.served()) problems.push('the client is not served')
  for (const name of hostNames) {
    const { state, processUp, table } = world.hosts[name]
    if (!processUp || !state?.config) {
      problems.push(`${name} does not run`)
      continue
    }
    if (state.role !== 'active' && state.role !== 'standby') problems.push(`${name} is ${state.role}`)
    if (!state.kernel.lastTable) problems.push(`${name} does not know its table`)
    for (const service of state.health.services) {
      const real = table.get(service.key)
      const as = real && {
        scheduler: real.scheduler,
        destinations: new Map(
          [...real.destinations].map(([k, v]) => [k, { ...v, activeConnections: 0, inactiveConnections: 0 }]),
        ),
      }
      const want = wanted(state.config.forwarding, service, state.steering.steered.get(service.key))
      problems.push(...compareService(want, as).map((d) => `${name}: ${d.says}`))
      for (const server of service.servers)
        if (server.health !== 'up') problems.push(`${name}: ${server.key} is ${server.health}`)
    }
  }
  return problems
}

/** Follows a schedule and then makes everything whole. Throws, with the transcript, when something that must hold does not. */
export function follow(s: Schedule): void {
  const config = configOf(s)
  const chance = chanceOf(s.seed)
  const { lossRatio, jitterMs, duplicateRatio, witnesses } = s
  const world = createWorld({ config, chance, lossRatio, jitterMs, duplicateRatio, witnesses })
  const watch = watchOver(world, s, config)
  world.onStep(watch)
  try {
    world.boot('lvs1')
    world.boot('lvs2')
    for (const { waitMs, fault: f } of s.steps) {
      world.run(waitMs)
      strike(world, f, config, chance, witnesses)
      watch()
    }
    world.healPaths()
    for (const name of hostNames) {
      world.heal(name)
      world.link(name, true)
      world.boot(name)
    }
    for (const key of servers) world.serverUp(key)
    world.run(1_000)
    for (const name of hostNames) world.start(name)
    world.configure({ ...config, serialNo: 9 }, ...hostNames)
    comeToRest(world)
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    throw new Error(`${says}\n${world.transcript().slice(-80).join('\n')}`, { cause: error })
  }
}

function comeToRest(world: World): void {
  const fromMs = world.nowMs()
  let restSince: number | null = null
  for (;;) {
    world.run(lookMs)
    const problems = problemsAtRest(world)
    const nowMs = world.nowMs()
    // A director that stopped on an order that was still under way is started as its unit would.
    for (const name of hostNames) world.start(name)
    restSince = problems.length === 0 ? (restSince ?? nowMs) : null
    if (restSince !== null && nowMs - restSince >= restMs) return
    if (nowMs - fromMs > settleMs) throw new Error(`no rest after ${nowMs - fromMs} ms: ${problems.join('; ')}`)
  }
}
