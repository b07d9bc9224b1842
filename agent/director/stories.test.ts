/** What happens between two directors, as transcripts and figures under a virtual clock. */
import { describe, expect, it } from 'vitest'
import { createWorld, pace, type World } from '../../test/simulator/world.ts'
import {
  pair,
  pairWithFourPaths,
  pairWithPrivatePath,
  pairWithSix,
  web,
  withWeb,
} from '../../test/simulator/clusters.ts'
import type { Config, VirtualServer } from '../../domain/config.ts'

/** Both on, settled, primary active. */
function running(config: Config = pair): World {
  const world = createWorld({ config })
  world.boot('lvs1')
  world.boot('lvs2')
  world.run(10_000)
  expect(world.active()).toEqual(['lvs1'])
  expect(world.role('lvs2')).toBe('standby')
  expect(world.served()).toBe(true)
  return world
}

function lastOutageMs(world: World): number {
  const last = world.outages.at(-1)
  return last?.toMs === null || last === undefined ? Infinity : last.toMs - last.fromMs
}

describe('starting', () => {
  it('two directors started together settle on the primary without both claiming', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs1')
    world.boot('lvs2')
    const took = world.until(() => world.active().length > 0, 5_000)
    expect(took).toBeLessThanOrEqual(400)
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.bothHeld).toEqual([])
    expect(world.journal.filter((j) => j.event.kind === 'role' && j.event.to === 'active')).toHaveLength(1)
  })

  it('a director that is alone becomes active after deadtime', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs2')
    const took = world.until(() => world.active().length > 0, 5_000)
    expect(took).toBeGreaterThanOrEqual(800)
    expect(took).toBeLessThanOrEqual(850)
  })

  it('a director that hears an active peer becomes standby and disturbs nothing', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs2')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    const { length } = world.outages
    world.boot('lvs1')
    world.run(10_000)
    expect(world.role('lvs1')).toBe('standby')
    expect(world.active()).toEqual(['lvs2'])
    expect(world.outages).toHaveLength(length)
    expect(world.bothHeld).toEqual([])
  })

  it('without a second director the only one is active at once', () => {
    const { backup: _, ...alone } = pair
    const world = createWorld({ config: { ...alone, backupActive: false } })
    world.boot('lvs1')
    expect(world.until(() => world.active().length > 0, 1_000)).toBeLessThan(50)
  })
})

describe('the active director crashes', () => {
  it('the standby serves within deadtime and a beat', () => {
    const world = running()
    world.crash('lvs1')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(lastOutageMs(world)).toBeLessThanOrEqual(810)
    const record = world.journal.find((j) => j.event.kind === 'failover' && j.event.record.to === 'lvs2')?.event
    expect(record).toMatchObject({
      kind: 'failover',
      record: { cause: 'peer-silent', from: 'lvs1', to: 'lvs2', decidedBy: 'lvs2' },
    })
  })

  it('it tells what it does: table already equal, address, announcement', () => {
    const world = running()
    const from = world.nowMs()
    world.crash('lvs1')
    world.run(900)
    expect(world.transcript(from).map((l) => l.replace(/^ *\d+ /, ''))).toEqual([
      'lvs1 -- crashes',
      'lvs2 the peer is silent on path public',
      expect.stringMatching(/^lvs2 standby → active \(term 2\): nothing heard from lvs1 on any path for 80\d ms$/),
      'lvs2 add 192.168.2.27/24 on eth0:1',
      'lvs2 announce 192.168.2.27',
      expect.stringMatching(
        /^lvs2 lvs2 took over \(the peer fell silent, term 2\): address up after 0 ms, announced after 0 ms, outage at most 80\d ms$/,
      ),
    ])
  })

  it('after its reboot it is standby and the service is not disturbed', () => {
    const world = running()
    world.crash('lvs1')
    world.run(5_000)
    const { length } = world.outages
    world.boot('lvs1')
    world.run(20_000)
    expect(world.role('lvs1')).toBe('standby')
    expect(world.active()).toEqual(['lvs2'])
    expect(world.outages).toHaveLength(length)
    expect([...(world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.keys() ?? [])]).toHaveLength(2)
  })

  it('a reboot faster than deadtime is noticed by the new boot and taken over at once', () => {
    const world = running()
    world.crash('lvs1')
    world.run(100)
    world.boot('lvs1')
    world.run(3_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(lastOutageMs(world)).toBeLessThan(500)
    expect(world.bothHeld).toEqual([])
  })
})

describe('paths', () => {
  it('one silent path of two is reported and changes nothing', () => {
    const world = running(pairWithPrivatePath)
    world.cutPath('public')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.tellJournal('lvs2').filter((l) => l.includes('Nothing is heard'))).toEqual([])
    expect(
      world.journal.some((j) => j.event.kind === 'path' && j.event.path === 'public' && j.event.to === 'silent'),
    ).toBe(true)
  })

  it('of any number: the peer is dead only when the last one is silent, and is heard again on the first that comes back', () => {
    const names = ['public', 'private', 'path3', 'path4']
    for (const last of names) {
      const world = running(pairWithFourPaths)
      expect(world.hosts.lvs2.state?.hearing.paths.map((p) => `${p.name} ${p.silent}`)).toEqual(
        names.map((name) => `${name} false`),
      )
      for (const name of names.filter((name) => name !== last)) world.cutPath(name)
      world.run(10_000)
      expect(world.active(), `only ${last} is heard`).toEqual(['lvs1'])
      world.crash('lvs1')
      expect(world.until(() => world.active().includes('lvs2'), 3_000)).toBeLessThanOrEqual(
        pair.heartbeat.deadtimeMs + 10,
      )
      world.boot('lvs1')
      world.run(5_000)
      expect([world.active(), world.role('lvs1')], `again over ${last}`).toEqual([['lvs2'], 'standby'])
    }
  })

  it.each([
    ['IPv4', pair],
    ['IPv6', pairWithSix],
  ])(
    'beats that a firewall swallows are no reason to take over while the peer answers for the virtual IP: %s',
    (_, config) => {
      const world = running(config)
      const { length } = world.outages
      world.cutPath('public')
      world.run(60_000)
      expect(world.active()).toEqual(['lvs1'])
      expect(world.outages).toHaveLength(length)
      expect(world.tellJournal('lvs2').filter((l) => l.includes('nothing is taken over'))).toHaveLength(1)
      world.crash('lvs1')
      expect(world.until(() => world.served(), 3_000)).toBeLessThanOrEqual(310)
      const record = world.journal.find((j) => j.host === 'lvs2' && j.event.kind === 'failover')?.event
      expect(record).toMatchObject({ record: { witnesses: [{ address: config.virtualServers[0]?.vip.address }] } })
    },
  )

  it('a real server that wrongly answers for the virtual IP keeps nobody from taking over', () => {
    const world = running()
    world.crash('lvs1')
    const took = world.until(() => {
      world.give('lvs2', { kind: 'answered', device: 'eth0', address: '192.168.2.27', mac: 'mac-rs1' })
      return world.served()
    }, 3_000)
    expect(took).toBeLessThanOrEqual(810)
  })

  it('beats heard in one direction only end with exactly one active', () => {
    const world = running()
    world.cutPath('public', 'lvs1')
    world.run(5_000)
    expect(world.active()).toHaveLength(1)
    expect(world.holders()).toEqual(world.active())
    world.healPaths()
    world.run(2_000)
    expect(world.active()).toHaveLength(1)
    expect(world.served()).toBe(true)
  })
})

describe('a partition heals', () => {
  it('both serve while it lasts; within one beat of the heal exactly one does, and the client is served', () => {
    const world = running()
    world.cut('lvs1')
    world.run(5_000)
    expect(world.active().sort()).toEqual(['lvs1', 'lvs2'])
    expect(world.served()).toBe(true)
    world.heal('lvs1')
    const took = world.until(() => world.holders().length === 1, 2_000)
    expect(took).toBeLessThanOrEqual(205)
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.served()).toBe(true)
    expect(world.mac()).toBe('lvs2')
    const record = world.journal.find((j) => j.event.kind === 'failover' && j.event.record.cause === 'both-served')
    expect(record?.host).toBe('lvs2')
  })

  it('the winner announces again after the loser has let go, several times over two seconds', () => {
    const world = running()
    world.cut('lvs1')
    world.run(20_000)
    const from = world.nowMs()
    world.heal('lvs1')
    world.run(4_000)
    const lines = world.transcript(from)
    const letGo = lines.findIndex((l) => l.includes('lvs1 remove 192.168.2.27'))
    const after = lines.slice(letGo).filter((l) => l.includes('lvs2 announce'))
    expect(letGo).toBeGreaterThan(0)
    expect(after.length).toBeGreaterThanOrEqual(5)
    expect(lines.slice(letGo).some((l) => l.includes('lvs1 announce'))).toBe(false)
  })

  it('with equal terms the backup yields', () => {
    const world = createWorld({ config: pair })
    world.cutPath('public')
    world.boot('lvs1')
    world.boot('lvs2')
    world.run(2_000)
    expect(world.active().sort()).toEqual(['lvs1', 'lvs2'])
    world.healPaths()
    world.run(400)
    expect(world.active()).toEqual(['lvs1'])
    expect(
      world.journal.filter((j) => j.host === 'lvs1' && j.event.kind === 'role' && j.event.from === 'active'),
    ).toEqual([])
    expect(world.holders()).toEqual(['lvs1'])
    world.run(2_000)
    expect(world.served()).toBe(true)
  })

  it('the one that reaches no real server yields, though its term is higher', () => {
    const world = running()
    world.cut('lvs2')
    world.run(20_000)
    expect(world.active().sort()).toEqual(['lvs1', 'lvs2'])
    expect(world.hosts.lvs2.state?.term).toBeGreaterThan(world.hosts.lvs1.state?.term ?? 0)
    const { length } = world.outages
    world.heal('lvs2')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.outages).toHaveLength(length)
  })
})

describe('hand-over', () => {
  it('an order moves the service without a gap: address up on the taker before it goes from the giver', () => {
    const world = running()
    const { length } = world.outages
    world.order('lvs1', 'hand-over', 7)
    world.run(3_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.role('lvs1')).toBe('standby')
    expect(world.answers).toEqual([{ ticket: 7 }])
    expect(world.outages).toHaveLength(length)
    const both = world.bothHeld.at(-1)
    expect((both?.toMs ?? Infinity) - (both?.fromMs ?? 0)).toBeLessThan(20)
    expect(world.mac()).toBe('lvs2')
  })

  it('SIGTERM hands over and ends', () => {
    const world = running()
    const { length } = world.outages
    world.order('lvs1', 'stop')
    expect(world.until(() => !world.hosts.lvs1.processUp, 3_000)).toBeLessThan(300)
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.outages).toHaveLength(length)
  })

  it('without a ready peer a stop lets go at once, and an order is refused with the reason', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs1')
    world.run(3_000)
    world.order('lvs1', 'hand-over', 3)
    world.run(100)
    expect(world.answers).toEqual([{ ticket: 3, refused: 'The other director is not heard.' }])
    expect(world.active()).toEqual(['lvs1'])
    world.order('lvs1', 'stop')
    expect(world.until(() => !world.hosts.lvs1.processUp, 3_000)).toBeLessThan(100)
    expect(world.holders()).toEqual([])
  })

  it('a taker that cannot add the address leaves the giver active, and the order is refused', () => {
    const world = running()
    world.hosts.lvs2.failAddresses = true
    world.order('lvs1', 'hand-over', 4)
    world.run(8_000)
    expect(world.served()).toBe(true)
    expect(world.holders()).toEqual(['lvs1'])
    expect(world.answers[0]?.refused).toBeTruthy()
  })

  it('failback is off unless told, and waits its delay when it is on', () => {
    const off = running()
    off.crash('lvs1')
    off.run(3_000)
    off.boot('lvs1')
    off.run(60_000)
    expect(off.active()).toEqual(['lvs2'])

    const on = running({ ...pair, failback: { auto: true, delayMs: 5_000 } })
    on.crash('lvs1')
    on.run(3_000)
    on.boot('lvs1')
    const { length } = on.outages
    const took = on.until(() => on.active().includes('lvs1'), 60_000)
    expect(took).toBeGreaterThanOrEqual(5_000)
    on.run(2_000)
    expect(on.active()).toEqual(['lvs1'])
    expect(on.outages).toHaveLength(length)
  })
})

describe('the kernel changes behind the back', () => {
  it('a wiped table is repaired at the next look and written down', () => {
    const world = running()
    world.wipeTable('lvs1')
    const took = world.until(() => world.served(), 5_000)
    expect(took).toBeLessThanOrEqual(600)
    world.run(1_000)
    const drift = world.journal.find((j) => j.event.kind === 'drift')
    expect(drift?.event).toMatchObject({ repaired: true })
    expect(JSON.stringify(drift?.event)).toContain('tcp 192.168.2.27:80 is missing')
  })

  it('a deleted virtual IP is put back and announced at the next look', () => {
    const world = running()
    world.deleteVip('lvs1')
    expect(world.until(() => world.served(), 5_000)).toBeLessThanOrEqual(550)
    world.run(100)
    expect(world.journal.some((j) => j.event.kind === 'drift' && j.event.repaired)).toBe(true)
  })

  it('foreign services are never touched', () => {
    const world = running()
    world.hosts.lvs1.table.set('tcp 10.9.9.9:8080', { scheduler: 'rr', destinations: new Map() })
    world.run(10_000)
    world.configure({ ...pair, serialNo: 2 }, 'lvs1', 'lvs2')
    world.run(10_000)
    expect(world.hosts.lvs1.table.has('tcp 10.9.9.9:8080')).toBe(true)
    expect(world.journal.some((j) => j.event.kind === 'drift')).toBe(false)
  })

  it('an answer that an order has overtaken is not believed', () => {
    const world = running()
    pace.tableLookMs = 20
    let armed = true
    world.onStep((name, _input, effects) => {
      if (!armed || name !== 'lvs1' || !effects.some((e) => e.kind === 'observe' && e.what === 'table')) return
      armed = false
      // The order takes longer than the rest that such an answer, taken for its own, would bring.
      world.later(18, () => world.configure(withWeb({ ...pair, serialNo: 2 }, { scheduler: 'rr' }), 'lvs1'))
    })
    const before = world.hosts.lvs1.applied.length
    world.run(5_000)
    pace.tableLookMs = 2
    expect(world.hosts.lvs1.applied.slice(before)).toEqual(['-E -t 192.168.2.27:80 -s rr'])
  })

  it('a change is ordered at once, and those that follow it together', () => {
    const addresses = Array.from({ length: 40 }, (_, n) => `192.168.2.${n + 150}`)
    const realServers = addresses.map((address, n) => ({ name: `rs${n}`, active: true, address, port: 80, weight: 1 }))
    const check = { ...(pair.virtualServers[0] as VirtualServer).check, intervalMs: 1_000 }
    const world = running(withWeb(pair, { realServers, check }))
    const orderedMs: number[] = []
    world.onStep((name, _input, effects) => {
      if (name === 'lvs1' && effects.some((e) => e.kind === 'apply')) orderedMs.push(world.nowMs())
    })
    for (const address of addresses) world.serverDown(`${address}:80`)
    const gone = (): boolean => world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.size === 0
    let firstMs = Infinity
    world.until(() => {
      if (world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.size !== 40)
        firstMs = Math.min(firstMs, world.nowMs())
      return gone()
    }, 20_000)
    expect(gone()).toBe(true)
    expect(firstMs - (orderedMs[0] ?? NaN)).toBeLessThanOrEqual(pace.applyMs + 1)
    // Forty checks are spread over a second: an order, three times as long a rest.
    const gaps = orderedMs.slice(1).map((ms, n) => ms - (orderedMs[n] ?? NaN))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3 * pace.applyMs)
  })

  it('a lost apply is noticed and ordered again', () => {
    const world = running()
    world.hosts.lvs1.loseApplies = 3
    world.wipeTable('lvs1')
    world.run(8_000)
    expect(world.served()).toBe(true)
  })
})

describe('real servers', () => {
  it('one that refuses connections leaves the table within its interval and comes back after re-entry', () => {
    const world = running()
    world.serverDown('192.168.2.243:80')
    const dests = (): number => world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.size ?? -1
    expect(world.until(() => dests() === 1, 20_000)).toBeLessThanOrEqual(6_100)
    world.serverUp('192.168.2.243:80')
    const back = world.until(() => dests() === 2, 30_000)
    expect(back).toBeGreaterThan(6_000)
    expect(back).toBeLessThanOrEqual(12_200)
  })

  it('one that hangs is out after its timeout', () => {
    const world = running()
    world.serverHangs('192.168.2.111:80')
    const dests = (): number => world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.size ?? -1
    expect(world.until(() => dests() === 1, 30_000)).toBeLessThanOrEqual(12_200)
  })

  it('a check whose answer never comes back counts as failed', () => {
    const world = running()
    world.hosts.lvs1.loseProbes = true
    const dests = (): number => world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.size ?? -1
    expect(world.until(() => dests() === 0, 30_000)).toBeLessThanOrEqual(14_200)
  })

  it('quiesce gives weight 0 instead of removing', () => {
    const world = running(withWeb(pair, { quiesce: true }))
    world.serverDown('192.168.2.243:80')
    world.run(7_000)
    expect(world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.get('192.168.2.243:80')?.weight).toBe(0)
  })

  it('the sorry server stands in while no real server is up, and only then', () => {
    const world = running(withWeb(pair, { sorryServer: '192.168.2.200' }))
    const dests = (): string[] =>
      [...(world.hosts.lvs1.table.get('tcp 192.168.2.27:80')?.destinations.keys() ?? [])].sort()
    expect(dests()).toEqual(['192.168.2.111:80', '192.168.2.243:80'])
    world.serverDown('192.168.2.243:80')
    world.serverDown('192.168.2.111:80')
    world.run(7_000)
    expect(dests()).toEqual(['192.168.2.200:80'])
    world.serverUp('192.168.2.243:80')
    world.run(14_000)
    expect(dests()).toEqual(['192.168.2.243:80'])
  })

  it('the standby checks too and its table is equal', () => {
    const world = running()
    world.serverDown('192.168.2.243:80')
    world.run(8_000)
    expect([...(world.hosts.lvs2.table.get('tcp 192.168.2.27:80')?.destinations.keys() ?? [])]).toEqual([
      '192.168.2.111:80',
    ])
  })

  it('an agent that starts again takes no running server out', () => {
    const { backup: _, ...alone } = pair
    const world = createWorld({ config: { ...alone, backupActive: false } })
    world.boot('lvs1')
    world.run(10_000)
    const before = world.hosts.lvs1.applied.length
    world.kill('lvs1')
    world.run(10_000)
    expect(world.hosts.lvs1.applied.slice(before)).toEqual([])
  })
})

describe('a director that cannot serve', () => {
  it('without ip_vs is unfit, says so and never claims', () => {
    const world = createWorld({ config: pair })
    world.hosts.lvs1.hasIpvs = false
    world.boot('lvs1')
    world.run(20_000)
    expect(world.role('lvs1')).toBe('unfit')
    expect(world.hosts.lvs1.state?.unfitBecause).toEqual(['This kernel has no ip_vs.'])
    expect(world.journal.some((j) => j.event.kind === 'role' && j.event.to === 'active')).toBe(false)
    world.boot('lvs2')
    world.run(3_000)
    expect(world.active()).toEqual(['lvs2'])
  })

  it('with neither director address is unfit', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs1')
    world.configure({ ...pair, primary: { public: '1.2.3.4' }, backup: { public: '1.2.3.5' } })
    world.crash('lvs1')
    world.boot('lvs1')
    world.run(5_000)
    expect(world.role('lvs1')).toBe('unfit')
  })

  it('whose interface for the virtual IP is missing is unfit', () => {
    const world = createWorld({ config: withWeb(pair, { vip: { address: '192.168.2.27', device: 'eth7:1' } }) })
    world.boot('lvs1')
    world.run(5_000)
    expect(world.hosts.lvs1.state?.unfitBecause).toEqual(['There is no interface eth7 for the virtual IP.'])
    expect(world.active()).toEqual([])
  })

  it('an active one that loses its link hands over when links are monitored and another path is heard', () => {
    const world = running({ ...pairWithPrivatePath, monitorLinks: true })
    world.link('lvs1', false)
    world.run(3_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.served()).toBe(true)
    expect(lastOutageMs(world)).toBeLessThan(800)
  })
})

describe('standing still', () => {
  it('an active director whose process stands still while its kernel serves is not taken over', () => {
    const world = running()
    const { length } = world.outages
    world.stall('lvs1', 3_000)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.bothHeld).toEqual([])
    expect(world.outages).toHaveLength(length)
    expect(world.tellJournal('lvs2').filter((l) => l.includes('nothing is taken over'))).toHaveLength(1)
  })

  it('and when its unit ends it and takes the address away, the standby serves within a moment', () => {
    const world = running()
    world.stall('lvs1', 60_000)
    world.run(2_000)
    world.kill('lvs1')
    expect(world.until(() => world.active().includes('lvs2') && world.served(), 5_000)).toBeLessThanOrEqual(150 + 310)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.bothHeld).toEqual([])
  })

  it('killed, it has a last word: the standby serves at once and does not wait for its deadtime', () => {
    const world = running()
    const { length } = world.bothHeld
    world.kill('lvs1', 20)
    expect(world.until(() => world.active().includes('lvs2') && world.served(), 5_000)).toBeLessThanOrEqual(20 + 50)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.role('lvs1')).toBe('standby')
    expect(world.bothHeld).toHaveLength(length)
  })

  it('after a pause it lets go at once, before it has heard anybody', () => {
    const world = running()
    const from = world.nowMs()
    world.stall('lvs1', 3_000, true)
    world.run(3_002)
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.transcript(from).join('\n')).toContain(
      'the own loop stood still, and 192.168.2.27 is answered by lvs2',
    )
  })

  it('a standby that stood still does not take its own deafness for the silence of the peer', () => {
    const world = running()
    world.stall('lvs2', 2_500)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.bothHeld).toEqual([])
  })

  it('nor does one whose machine stood still, so that all beats of that time are lost', () => {
    const world = running()
    world.stall('lvs2', 2_500, true)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.bothHeld).toEqual([])
  })

  it('a short hiccup changes nothing', () => {
    const world = running()
    const { length } = world.outages
    world.stall('lvs1', 500)
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.outages).toHaveLength(length)
  })

  it('a step of the wall clock changes nothing', () => {
    const world = running()
    world.clockStep(-86_400_000)
    world.run(2_000)
    world.clockStep(2 * 86_400_000)
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.bothHeld).toEqual([])
  })
})

describe('beats that are not to be believed', () => {
  it('a replayed beat does not keep a dead peer alive', () => {
    const world = running()
    const recorded = world.beats.filter((b) => b.host === 'lvs1').map((b) => b.beat)
    world.crash('lvs1')
    let at = 0
    const took = world.until(() => {
      const beat = recorded[at++ % recorded.length]
      if (beat) world.give('lvs2', { kind: 'heard', path: 'public', beat })
      return world.active().includes('lvs2')
    }, 3_000)
    expect(took).toBeLessThanOrEqual(810)
    expect(world.hosts.lvs2.state?.hearing.paths[0]?.refusedBy.replay).toBeGreaterThan(100)
  })

  it('a beat that claims to come from this very director is refused', () => {
    const world = running()
    const own = world.beats.filter((b) => b.host === 'lvs2').at(-1)?.beat
    expect(own).toBeDefined()
    if (own) world.give('lvs2', { kind: 'heard', path: 'public', beat: { ...own, seq: own.seq + 1000 } })
    expect(world.hosts.lvs2.state?.hearing.paths[0]?.refusedBy.stranger).toBe(1)
  })

  it('a peer whose boot counter went back is believed as soon as it echoes our numbers', () => {
    const world = running()
    world.crash('lvs2')
    world.run(5_000)
    world.hosts.lvs1.state = world.hosts.lvs1.state && {
      ...world.hosts.lvs1.state,
      hearing: { ...world.hosts.lvs1.state.hearing, peerBoot: 99 },
    }
    world.hosts.lvs2.boot = 40
    world.boot('lvs2')
    world.run(3_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.hosts.lvs1.state?.hearing.peer?.boot).toBe(41)
    expect(world.hosts.lvs1.state?.hearing.paths[0]?.silent).toBe(false)
  })
})

describe('a changed config', () => {
  it('changes only what differs', () => {
    const world = running()
    const before = world.hosts.lvs1.applied.length
    const { length } = world.outages
    world.configure(
      withWeb(
        { ...pair, serialNo: 2 },
        { realServers: web.realServers.map((r) => (r.name === 'rs1' ? { ...r, weight: 5 } : r)) },
      ),
      'lvs1',
      'lvs2',
    )
    world.run(1_000)
    expect(world.hosts.lvs1.applied.slice(before)).toEqual(['-e -t 192.168.2.27:80 -r 192.168.2.243:80 -g -w 5'])
    expect(world.outages).toHaveLength(length)
  })

  it('a removed virtual server leaves the table and its address goes; a new one comes', () => {
    const world = running()
    world.configure(withWeb(pair, { vip: { address: '192.168.2.28', device: 'eth0:2', prefix: 24 } }), 'lvs1', 'lvs2')
    world.run(3_000)
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['tcp 192.168.2.28:80'])
    expect(world.hosts.lvs1.addresses.map((a) => a.address)).toEqual(['192.168.2.117', '192.168.2.28'])
    expect(world.hosts.lvs2.addresses.map((a) => a.address)).toEqual(['192.168.2.15'])
  })

  it('an order to reload is answered when what was read is in force, or refused with the reason', () => {
    const world = running()
    world.order('lvs1', 'reload', 11)
    expect(world.answers).toEqual([])
    world.run(10)
    expect(world.answers).toEqual([{ ticket: 11 }])
    world.give('lvs1', { kind: 'ordered', order: { kind: 'reload', by: 'test' }, ticket: 12 })
    world.give('lvs1', { kind: 'misconfigured', says: ['line 3: unknown command'], hasKey: true })
    expect(world.answers.at(-1)).toEqual({ ticket: 12, refused: 'line 3: unknown command' })
  })

  it('a config that is not sound is said and the running one is kept', () => {
    const world = running()
    world.give('lvs1', { kind: 'misconfigured', says: ['line 3: unknown command'], hasKey: true })
    world.run(3_000)
    expect(world.served()).toBe(true)
    expect(world.tellJournal('lvs1').at(-1)).toBe('lvs.cf: line 3: unknown command; the config that runs is kept')
  })
})
