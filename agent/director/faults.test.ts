/**
 * Any schedule of faults: once the directors hear each other exactly one is active within the bound; while one can serve somebody
 * does, within the bound; and when everything is whole again the kernel is as it should be. Schedules are drawn by fast-check; a
 * failing one is shrunk and printed with its seed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWorld, hostNames, type HostName, type World } from '../../test/simulator/world.ts'
import { pair, pairWithPrivatePath } from '../../test/simulator/clusters.ts'
import { compareService } from './ipvs.ts'
import { floating } from './state.ts'

const schedules = Number(process.env.SHOAL_SCHEDULES ?? 300)
const { deadtimeMs, keepaliveMs } = pair.heartbeat

/** Both may be active this long while they hear each other: a beat must arrive, and a hand-over has its own moment. */
const bothBoundMs = 2 * keepaliveMs + 100
/** Nobody may be active this long while one could: three deadtimes of caution, a hand-over given up, and the start of a loop. */
const nobodyBoundMs = 6 * deadtimeMs + 2_000
const settleMs = 30_000

type Fault =
  | {
      kind: 'crash' | 'boot' | 'kill' | 'cut' | 'heal' | 'wipe' | 'delete' | 'hand-over' | 'lose-apply' | 'stop'
      host: HostName
    }
  | { kind: 'stall'; host: HostName; ms: number }
  | { kind: 'cut-path'; from: HostName | null }
  | { kind: 'heal-paths' }
  | { kind: 'server'; down: boolean; n: number }
  | { kind: 'clock'; ms: number }

const host = fc.constantFrom(...hostNames)
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'crash',
      'boot',
      'boot',
      'kill',
      'cut',
      'heal',
      'heal',
      'wipe',
      'delete',
      'hand-over',
      'lose-apply',
      'stop',
    ),
    host,
  }),
  fc.record({ kind: fc.constant('stall' as const), host, ms: fc.integer({ min: 50, max: 4_000 }) }),
  fc.record({ kind: fc.constant('cut-path' as const), from: fc.option(host) }),
  fc.constant({ kind: 'heal-paths' as const }),
  fc.record({ kind: fc.constant('server' as const), down: fc.boolean(), n: fc.integer({ min: 0, max: 1 }) }),
  fc.record({ kind: fc.constant('clock' as const), ms: fc.integer({ min: -1e9, max: 1e9 }) }),
)

const schedule = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  lossRatio: fc.constantFrom(0, 0, 0.05, 0.2),
  jitterMs: fc.constantFrom(0, 5, 60),
  duplicateRatio: fc.constantFrom(0, 0.1),
  privatePath: fc.boolean(),
  failback: fc.boolean(),
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

function strike(world: World, f: Fault): void {
  const servers = ['192.168.2.243:80', '192.168.2.111:80']
  switch (f.kind) {
    case 'crash':
      return world.crash(f.host)
    case 'boot':
      return world.boot(f.host)
    case 'kill':
      return world.kill(f.host)
    case 'cut':
      return world.cut(f.host)
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
    case 'stall':
      return world.stall(f.host, f.ms)
    case 'cut-path':
      return void world.cutPath('public', f.from ?? undefined)
    case 'heal-paths':
      return world.healPaths()
    case 'server':
      return f.down ? world.serverDown(servers[f.n] ?? '') : world.serverUp(servers[f.n] ?? '')
    case 'clock':
      return world.clockStep(f.ms)
  }
}

const alert = (world: World, name: HostName): boolean =>
  world.hosts[name].processUp && world.nowMs() >= world.hosts[name].stalledUntil

/** Both run, neither stands still, and beats pass in both directions. */
function hearEachOther(world: World, cuts: boolean, lossy: boolean): boolean {
  return hostNames.every((n) => alert(world, n) && !world.hosts[n].everythingCut) && !cuts && !lossy
}

function problemsAtRest(world: World): string[] {
  const problems: string[] = []
  const active = world.active()
  if (active.length !== 1) problems.push(`active: ${active.join(' and ') || 'nobody'}`)
  if (world.holders().join() !== active.join())
    problems.push(`holders ${world.holders().join()} but active ${active.join()}`)
  if (active.length === 1 && world.mac() !== active[0])
    problems.push(`the client asks ${world.mac()}, active is ${active[0]}`)
  for (const name of hostNames) {
    const { state, processUp } = world.hosts[name]
    if (!processUp || !state?.config) continue
    const table = state.kernel.table
    if (!table) problems.push(`${name} does not know its table`)
    for (const service of state.health.services) {
      const real = world.hosts[name].table.get(service.key)
      const as = real && {
        scheduler: real.scheduler,
        destinations: new Map(
          [...real.destinations].map(([k, v]) => [k, { ...v, activeConnections: 0, inactiveConnections: 0 }]),
        ),
      }
      problems.push(...compareService(state.config, service, as).map((d) => `${name}: ${d.says}`))
      for (const server of service.servers) {
        const ageMs = world.nowMs() - (server.lastCheckMs ?? -Infinity)
        if (server.health === 'up' && ageMs > service.spec.check.intervalMs + service.spec.check.timeoutMs + 2_500)
          problems.push(`${name}: ${server.key} is taken as up on a result ${ageMs} ms old`)
      }
    }
  }
  return problems
}

describe('any schedule of faults', () => {
  it(`holds for ${schedules} schedules`, { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(schedule, (s) => {
        const base = s.privatePath ? pairWithPrivatePath : pair
        const config = { ...base, failback: { auto: s.failback, delayMs: 2_000 } }
        const world = createWorld({
          config,
          chance: chanceOf(s.seed),
          lossRatio: s.lossRatio,
          jitterMs: s.jitterMs,
          duplicateRatio: s.duplicateRatio,
        })
        let cuts = false
        let bothSince: number | null = null
        let nobodySince: number | null = null
        let hearingSince: number | null = null
        const watch = (): void => {
          const now = world.nowMs()
          const hearing = hearEachOther(world, cuts, s.lossRatio > 0)
          hearingSince = hearing ? (hearingSince ?? now) : null
          const both = world.holders().length === 2 && world.active().length === 2
          bothSince = both && hearing ? (bothSince ?? now) : null
          if (bothSince !== null && hearingSince !== null && now - Math.max(bothSince, hearingSince) > bothBoundMs)
            throw new Error(`both hold the virtual IP for ${now - bothSince} ms though they hear each other`)
          const able = hostNames.some(
            (n) => alert(world, n) && !world.hosts[n].everythingCut && !world.hosts[n].state?.stopping,
          )
          nobodySince = able && world.active().length === 0 ? (nobodySince ?? now) : null
          if (nobodySince !== null && now - nobodySince > nobodyBoundMs)
            throw new Error(`nobody is active for ${now - nobodySince} ms`)
        }
        world.onStep(watch)
        world.boot('lvs1')
        world.boot('lvs2')
        try {
          for (const { waitMs, fault: f } of s.steps) {
            world.run(waitMs)
            if (f.kind === 'cut-path') cuts = true
            if (f.kind === 'heal-paths') cuts = false
            strike(world, f)
            watch()
          }
          // Everything is made whole; what is left must settle.
          world.healPaths()
          cuts = false
          for (const name of hostNames) {
            world.heal(name)
            world.boot(name)
          }
          world.serverUp('192.168.2.243:80')
          world.serverUp('192.168.2.111:80')
          world.run(5_000)
          for (const name of hostNames) world.start(name)
          world.run(settleMs)
          expect(problemsAtRest(world)).toEqual([])
          expect(world.served()).toBe(true)
          expect(floating(config)).toHaveLength(1)
        } catch (error) {
          throw new Error(
            `${error instanceof Error ? error.message : String(error)}\n${world.transcript().slice(-60).join('\n')}`,
            { cause: error },
          )
        }
      }),
      { numRuns: schedules, ...(process.env.SHOAL_SEED ? { seed: Number(process.env.SHOAL_SEED) } : {}) },
    )
  })
})
