/**
 * A step's cost does not grow with the cluster: what a check result makes a director do for two hundred virtual servers is no more
 * than a few times what it does for ten. Counted in what is looked at, not in milliseconds, so that a busy machine fails nothing.
 */
import { describe, expect, it } from 'vitest'
import type { Config, RealServer, VirtualServer } from '../../domain/config.ts'
import { step, wakeAt } from './director.ts'
import { noHealth, probed, recheck, runDue, withConfig } from './health.ts'
import { initial, type State } from './state.ts'
import type { KernelDestination, KernelService } from '../../domain/ipvs/kernel-table.ts'
import type { Effect, Input, KernelAddresses } from './words.ts'
import { pair } from '../../test/simulator/clusters.ts'

const template = pair.virtualServers[0] as VirtualServer

/** How often the real servers, virtual IPs and kernel addresses of a cluster were touched. */
interface Count {
  touched: number
}

/** The same objects, each property read of which is counted. */
function counted<T extends object>(value: T, count: Count): T {
  return new Proxy(value, {
    get(target, key, receiver): unknown {
      count.touched++
      return Reflect.get(target, key, receiver)
    },
  })
}

function clusterOf(services: number, count: Count): Config {
  const virtualServers = Array.from({ length: services }, (_, n): VirtualServer => {
    const octets = `${Math.floor(n / 250)}.${(n % 250) + 1}`
    const real = (name: string, net: number): RealServer =>
      counted({ name, active: true, address: `10.${net}.${octets}`, port: 80, weight: 1 }, count)
    return {
      ...template,
      name: `web${n}`,
      vip: counted({ address: `10.2.${octets}`, device: 'eth0:1', prefix: 32 }, count),
      realServers: [real('rs1', 3), real('rs2', 4)],
    }
  })
  return { ...pair, virtualServers }
}

/** Runs a director alone until it is active and everything is as it should be; then counts what one check result touches. */
function touchedByOneResult(services: number): number {
  const count: Count = { touched: 0 }
  const config = clusterOf(services, count)
  let ms = 1_000
  let state: State = initial(
    { name: 'lvs1', version: 'test', boot: 1, term: 0, peerBoot: 0, owned: [], held: [] },
    { ms, wallMs: ms },
  )
  const table = new Map<string, KernelService>()
  const there = new Set<string>()
  const looked = (): KernelAddresses => ({
    addresses: [pair.primary?.public ?? '', ...there].map((address) =>
      counted({ address, prefix: there.has(address) ? 32 : 24, device: 'eth0', label: 'eth0' }, count),
    ),
    links: [{ device: 'eth0', up: true, mac: '02:00:00:00:00:01' }],
  })
  let waiting: Input[] = [{ kind: 'configured', config, digest: 'x', hasKey: true }]
  const give = (input: Input): void => {
    const [after, effects] = step(state, input, { ms, wallMs: ms })
    state = after
    for (const effect of effects) carryOut(effect)
  }
  const carryOut = (effect: Effect): void => {
    if (effect.kind === 'probe') {
      const { id, service, server } = effect.probe
      waiting.push({ kind: 'probed', id, service, server, passed: true, tookMs: 1 })
    } else if (effect.kind === 'observe') {
      const { look } = effect
      waiting.push(
        effect.what === 'table'
          ? { kind: 'observed', what: 'table', look, table: new Map(table) }
          : { kind: 'observed', what: 'addresses', look, addresses: looked() },
      )
    } else if (effect.kind === 'address') {
      for (const change of effect.changes) there.add(change.address)
      waiting.push({ kind: 'addressed', results: effect.changes.map((change) => ({ change })) })
    } else if (effect.kind === 'announce') waiting.push({ kind: 'announced', failures: [] })
    else if (effect.kind === 'apply') {
      for (const line of effect.commands) {
        const [verb, , service = '', , to = ''] = line.split(' ')
        const key = `tcp ${service}`
        const destinations = new Map<string, KernelDestination>(table.get(key)?.destinations)
        if (verb === '-a')
          destinations.set(to, { forwarding: 'direct', weight: 1, activeConnections: 0, inactiveConnections: 0 })
        table.set(key, { scheduler: template.scheduler, destinations })
      }
      waiting.push({ kind: 'applied', failures: [] })
    }
  }
  for (const until = ms + 5_000; ms < until; ms = Math.max(ms + 1, Math.min(wakeAt(state), ms + 100))) {
    give({ kind: 'woke' })
    for (const input of waiting.splice(0)) give(input)
  }
  expect(state.role).toBe('active')
  expect(there.size).toBe(services)
  expect([...table.values()].every((s) => s.destinations.size === 2)).toBe(true)

  for (; waiting.length === 0 || waiting[0]?.kind !== 'probed'; ms = Math.max(ms + 1, wakeAt(state))) {
    for (const input of waiting.splice(0)) give(input)
    give({ kind: 'woke' })
  }
  const [result] = waiting.splice(0, 1)
  waiting = []
  count.touched = 0
  give(result as Input)
  return count.touched
}

it('a check result touches no more of two hundred virtual servers than of ten', () => {
  const few = touchedByOneResult(10)
  expect(touchedByOneResult(200)).toBeLessThanOrEqual(3 * few + 30)
})

it('the checks are spread over their interval after the first round, after all were made at once, and after a pause of the host', () => {
  const spec: VirtualServer = {
    ...template,
    check: { ...template.check, intervalMs: 6_000 },
    realServers: Array.from({ length: 600 }, (_, n) => ({
      name: `rs${n}`,
      active: true,
      address: `10.3.${Math.floor(n / 250)}.${(n % 250) + 1}`,
      port: 80,
      weight: 1,
    })),
  }
  const started: number[] = []
  let health = withConfig(noHealth, { ...pair, virtualServers: [spec] }, { ms: 0, wallMs: 0 })
  const run = (fromMs: number, toMs: number): number => {
    started.length = 0
    for (let ms = fromMs; ms < toMs; ms += 10) {
      const due = runDue(health, { ms, wallMs: ms })
      health = due.health
      for (const { id, service, server } of due.probes) {
        started.push(ms)
        health = probed(health, { id, service, server, passed: true, tookMs: 0 }, { ms, wallMs: ms }).health
      }
    }
    const perTenth = new Map<number, number>()
    for (const ms of started) perTenth.set(Math.floor(ms / 100), (perTenth.get(Math.floor(ms / 100)) ?? 0) + 1)
    return Math.max(...perTenth.values())
  }
  // 600 in 6 s are 10 per tenth of a second.
  const expectSpread = (fromMs: number): void => {
    expect(run(fromMs, fromMs + 12_000)).toBeLessThanOrEqual(12)
    expect(Math.abs(started.length - 1_200)).toBeLessThanOrEqual(12)
  }
  run(0, 12_000)
  expectSpread(12_000)
  health = recheck(health, { ms: 24_000, wallMs: 24_000 })
  run(24_000, 36_000)
  expectSpread(36_000)
  // Nothing runs for half a second, and for more than an interval: what was late starts together, once.
  run(48_500, 60_000)
  expectSpread(60_000)
  run(80_000, 92_000)
  expectSpread(92_000)
})

it('starts a thousand checks that are due at once a few at a time, each in its turn, and none twice', () => {
  const config = clusterOf(500, { touched: 0 })
  const check = { ...template.check, intervalMs: 50 }
  const virtualServers = config.virtualServers.map((spec) => ({ ...spec, check }))
  let health = withConfig(noHealth, { ...config, virtualServers }, { ms: 0, wallMs: 0 })
  const total = health.services.reduce((sum, s) => sum + s.servers.length, 0)
  const started = new Map<string, number>()
  let most = 0
  for (let ms = 5_000; ms < 6_000 && started.size < total; ms += 2) {
    const due = runDue(health, { ms, wallMs: ms })
    ;({ health } = due)
    most = Math.max(most, due.probes.length)
    for (const { id, service, server } of due.probes) {
      const key = `${service} ${server}`
      started.set(key, (started.get(key) ?? 0) + 1)
      // A result at once, so that the first ones are due again before the last ones have begun.
      ;({ health } = probed(health, { id, service, server, passed: true, tookMs: 0 }, { ms, wallMs: ms }))
    }
  }
  expect(most).toBeLessThan(100)
  expect(started.size).toBe(total)
})

describe('a slow host, where a check takes 5 ms of the processor', () => {
  const checkMs = 5
  const config = clusterOf(500, { touched: 0 })

  /** The share of the time that is worked until all are started; `idle`: whether the loop waits when it has nothing to do. */
  function firstRound(idle: boolean): {
    readonly tookMs: number
    readonly workedMs: number
    readonly longestMs: number
  } {
    let longestMs = 0
    let health = withConfig(noHealth, config, { ms: 0, wallMs: 0 })
    const total = health.services.reduce((sum, s) => sum + s.servers.length, 0)
    let ms = 5_000
    let idleMs = 0
    const started = new Set<string>()
    while (started.size < total && ms < 60_000) {
      const due = runDue(health, { ms, wallMs: ms, idleMs })
      ;({ health } = due)
      longestMs = Math.max(longestMs, due.probes.length * checkMs)
      for (const { id, service, server } of due.probes) {
        started.add(`${service} ${server}`)
        ms += checkMs
        ;({ health } = probed(health, { id, service, server, passed: true, tookMs: 0 }, { ms, wallMs: ms, idleMs }))
      }
      const waitMs = Math.max(1, health.dueMs - ms)
      ms += waitMs
      if (idle) idleMs += waitMs
    }
    expect(started.size).toBe(total)
    return { tookMs: ms - 5_000, workedMs: total * checkMs, longestMs }
  }

  it('has a quarter of the time for everything else while a thousand checks are due, and never works for long', () => {
    const { tookMs, workedMs, longestMs } = firstRound(true)
    expect(workedMs / tookMs).toBeLessThan(0.8)
    expect(workedMs / tookMs).toBeGreaterThan(0.6)
    expect(longestMs).toBeLessThan(200)
  })

  it('goes on slowly where the loop never rests for other work', () => {
    expect(firstRound(false).tookMs).toBeLessThan(30_000)
  })
})
