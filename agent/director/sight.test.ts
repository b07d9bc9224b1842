/** Each director tells the other what it sees of the real servers; what they see differently for long is a fault of a path. */
import { describe, expect, it } from 'vitest'
import type { Check } from '../../domain/checks.ts'
import type { Config, VirtualServer } from '../../domain/config.ts'
import { pair, web, withWeb } from '../../test/simulator/clusters.ts'
import { running } from '../../test/simulator/running.ts'
import type { World } from '../../test/simulator/world.ts'
import { noHealth, probed, runDue, withConfig, type HealthState } from './health.ts'
import { serviceReports } from './report.ts'
import { noSight, peerSees, sightPage, withPage } from './sight.ts'

const rs1 = '192.168.2.243:80'
const quick: Check = { ...web.check, intervalMs: 1_000, timeoutMs: 1_000 }

function disagreements(world: World, host: 'lvs1' | 'lvs2'): string[] {
  return world.journal.flatMap(({ host: by, event }) =>
    by === host && event.kind === 'disagreement'
      ? [event.servers.map((s) => `${s.server} ${s.here}/${s.there}`).join() || 'agreed']
      : [],
  )
}

const seen = (world: World, host: 'lvs1' | 'lvs2'): string[] => {
  const { state } = world.hosts[host]
  if (!state) return []
  return serviceReports(state, { ms: state.lastStepMs, wallMs: 0 }).flatMap((s) =>
    s.realServers.map((r) => `${r.health}/${r.peerSees ?? '?'}`),
  )
}

describe('two directors', () => {
  it('know what the other one sees', () => {
    const world = running(withWeb(pair, { check: quick }))
    expect(seen(world, 'lvs1')).toEqual(['up/up', 'up/up'])
    world.serverDown(rs1)
    world.run(3_000)
    expect(seen(world, 'lvs1')).toEqual(['down/down', 'up/up'])
    expect(seen(world, 'lvs2')).toEqual(['down/down', 'up/up'])
    world.run(60_000)
    expect(disagreements(world, 'lvs1')).toEqual([])
  })

  it('that see a server differently for longer than their checks take write down a fault of a path, once, and its end', () => {
    const world = running(withWeb(pair, { check: quick }))
    world.pathDown('lvs1', rs1)
    world.run(3_000)
    expect(disagreements(world, 'lvs1')).toEqual([])
    world.run(60_000)
    expect(disagreements(world, 'lvs1')).toEqual([`${rs1} down/up`])
    expect(disagreements(world, 'lvs2')).toEqual([`${rs1} up/down`])
    world.pathUp('lvs1', rs1)
    world.run(10_000)
    expect(disagreements(world, 'lvs1')).toEqual([`${rs1} down/up`, 'agreed'])
    expect(disagreements(world, 'lvs2')).toEqual([`${rs1} up/down`, 'agreed'])
  })

  it('do not agree because one of them is not heard any more', () => {
    const world = running(withWeb(pair, { check: quick }))
    world.pathDown('lvs1', rs1)
    world.run(30_000)
    world.crash('lvs1')
    world.run(30_000)
    expect(disagreements(world, 'lvs2')).toEqual([`${rs1} up/down`])
    expect(seen(world, 'lvs2')).toEqual(['up/?', 'up/?'])
  })
})

describe('ten thousand servers', () => {
  const config: Config = {
    ...pair,
    virtualServers: Array.from({ length: 1_000 }, (_, n): VirtualServer => ({
      ...web,
      vip: { ...web.vip, address: `10.1.${Math.floor(n / 250)}.${(n % 250) + 1}` },
      realServers: Array.from({ length: 10 }, (__, at) => ({
        name: `rs${at}`,
        active: true,
        address: `10.2.${at}.${(n % 250) + 1}`,
        port: 80,
        weight: 1,
      })),
    })),
  }
  const now = { ms: 1_000, wallMs: 1_000 }

  /** All checked once; every seventh server is down. */
  function checked(): HealthState {
    let health = withConfig(noHealth, config, now)
    const places = new Map(
      health.services.flatMap((s) => s.servers.map((r) => `${s.key} ${r.key}`)).map((key, at) => [key, at]),
    )
    // Not all are started at once.
    for (let ms = 3_000; ms < 6_000; ms += 2) {
      const due = runDue(health, { ms, wallMs: ms })
      ;({ health } = due)
      for (const { id, service, server } of due.probes) {
        const passed = (places.get(`${service} ${server}`) ?? 0) % 7 !== 0
        ;({ health } = probed(health, { id, service, server, passed, tookMs: 1 }, { ms, wallMs: ms }))
      }
    }
    return health
  }

  it('are told in pages of a hundred characters, and every one is known when all pages have come', () => {
    const health = checked()
    let sight = noSight
    let beats = 0
    for (; peerSees(sight, 9_999, now) === undefined && beats < 100; beats++) {
      const page = sightPage(health, 9_999 - beats)
      expect(page?.states.length).toBeLessThanOrEqual(100)
      sight = withPage(sight, { boot: 1, digest: 'd', ...(page ? { sight: page } : {}) }, true, now)
    }
    for (; beats < 40; beats++) {
      const page = sightPage(health, 9_999 - beats)
      sight = withPage(sight, { boot: 1, digest: 'd', ...(page ? { sight: page } : {}) }, true, now)
    }
    const wrong = Array.from({ length: 10_000 }, (_, at) => at).filter(
      (at) => peerSees(sight, at, now) !== (at % 7 === 0 ? 'down' : 'up'),
    )
    expect(wrong).toEqual([])
  })

  it('of another config are not taken for ours, nor is what was said long ago', () => {
    const page = sightPage(checked(), 0)
    const beat = { boot: 1, digest: 'd', ...(page ? { sight: page } : {}) }
    expect(peerSees(withPage(noSight, beat, false, now), 1, now)).toBeUndefined()
    const sight = withPage(noSight, beat, true, now)
    expect(peerSees(sight, 1, now)).toBe('up')
    expect(peerSees(sight, 1, { ms: now.ms + 20_000, wallMs: 0 })).toBeUndefined()
    expect(peerSees(withPage(sight, { boot: 1, digest: 'e' }, false, now), 1, now)).toBeUndefined()
  })
})
