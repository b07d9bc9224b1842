/** Connections over a planned hand-over: they are in the other director's table before it takes over, and nothing is refused meanwhile. */
import { describe, expect, it } from 'vitest'
import type { FailoverRecord } from '../../domain/contract/agent.ts'
import { pair, pairWithPrivatePath } from '../../test/simulator/clusters.ts'
import { running } from '../../test/simulator/running.ts'
import type { HostName, World } from '../../test/simulator/world.ts'
import type { Effect } from './words.ts'

const vip = '192.168.2.27'

function lastRecord(world: World, host: HostName): FailoverRecord | undefined {
  return world.journal.flatMap((j) => (j.host === host && j.event.kind === 'failover' ? [j.event.record] : [])).at(-1)
}

/** Everything that was ordered from now on, by host. */
function orders(world: World): { host: HostName; atMs: number; effect: Effect }[] {
  const seen: { host: HostName; atMs: number; effect: Effect }[] = []
  world.onStep((host, _, effects) => {
    for (const effect of effects) seen.push({ host, atMs: world.nowMs(), effect })
  })
  return seen
}

const clients = (n: number, from = 0): string[] => Array.from({ length: n }, (_, at) => `client ${from + at}`)

describe('connections in a planned hand-over', () => {
  it('are with the other director before it puts the address up', () => {
    const world = running()
    for (const client of clients(12)) world.hosts.lvs1.open.add(client)
    world.order('lvs1', 'hand-over', 1)
    expect(world.until(() => world.holders().includes('lvs2'), 300)).not.toBeNull()
    expect([...world.hosts.lvs2.open]).toEqual(clients(12))
    world.run(5_000)
    expect(world.holders()).toEqual(['lvs2'])
    expect(lastRecord(world, 'lvs2')).toMatchObject({ cause: 'ordered', connections: { given: 12 } })
    expect(world.tellJournal('lvs2').find((line) => line.includes('took over'))).toContain('12 connections given over')
  })

  it('that began in the last moment come along too, once the address is gone', () => {
    const world = running()
    for (const client of clients(3)) world.hosts.lvs1.open.add(client)
    world.order('lvs1', 'hand-over', 1)
    world.until(() => world.holders().includes('lvs2'), 300)
    world.hosts.lvs1.open.add('the last one')
    world.run(400)
    expect(world.hosts.lvs2.open.has('the last one')).toBe(true)
    world.run(5_000)
    expect(lastRecord(world, 'lvs2')?.connections?.given).toBe(4)
  })

  it('come along when the agent is stopped, which waits for it', () => {
    const world = running()
    world.hosts.lvs1.open.add('a')
    world.order('lvs1', 'stop')
    world.until(() => world.holders().join() === 'lvs2', 400)
    world.hosts.lvs1.open.add('b')
    world.until(() => !world.hosts.lvs1.processUp, 3_000)
    expect([...world.hosts.lvs2.open]).toEqual(['a', 'b'])
  })

  it('are given over and over again, there and back', () => {
    const world = running()
    world.hosts.lvs1.open.add('a')
    for (const [from, to] of [
      ['lvs1', 'lvs2'],
      ['lvs2', 'lvs1'],
      ['lvs1', 'lvs2'],
    ] as const) {
      world.hosts[to].open.clear()
      world.order(from, 'hand-over', 1)
      world.run(5_000)
      expect(world.active()).toEqual([to])
      expect(world.hosts[to].open.has('a')).toBe(true)
      expect(world.hosts[to].receiving).toBeNull()
    }
  })

  it('are listened for on a path that is heard, the private one first', () => {
    for (const [config, path] of [
      [pairWithPrivatePath, 'private'],
      [pair, 'public'],
    ] as const) {
      const world = running(config)
      const seen = orders(world)
      world.order('lvs1', 'hand-over', 1)
      world.run(300)
      const received = seen.flatMap(({ effect }) => (effect.kind === 'receive' && effect.order ? [effect.order] : []))
      expect(received).toMatchObject([{ daemon: true, place: { device: path === 'private' ? 'eth1' : 'eth0' } }])
      const gave = seen.flatMap(({ host, effect }) => (effect.kind === 'give' ? [{ host, ...effect.order }] : []))
      expect(gave.map((g) => g.pass)).toEqual(['all', 'new', 'again'])
      expect(new Set(gave.map((g) => g.from))).toEqual(new Set([path === 'private' ? '10.0.0.1' : '192.168.2.117']))
      expect(gave.every((g) => g.host === 'lvs1' && g.id === received[0]?.id)).toBe(true)
    }
  })

  it('go to the sync daemon of the configuration where one runs, which goes on receiving until they have come', () => {
    const world = running({ ...pair, syncDaemon: { device: 'eth0', id: 7 } })
    const seen = orders(world)
    world.order('lvs1', 'hand-over', 1)
    world.run(150)
    const received = seen.flatMap(({ effect }) => (effect.kind === 'receive' ? [effect.order] : []))
    expect(received[0]).toMatchObject({ daemon: false, place: { device: 'eth0', address: '192.168.2.15' }, id: 7 })
    expect(world.hosts.lvs2.sync.map((d) => d.role)).toEqual(['backup'])
    world.run(20_000)
    expect(world.hosts.lvs2.sync.map((d) => d.role)).toEqual(['master'])
    expect(world.hosts.lvs1.sync.map((d) => d.role)).toEqual(['backup'])
  })

  it('that cannot be taken over hold up nothing: it is said, and in the record', () => {
    const world = running()
    world.hosts.lvs1.open.add('a')
    world.hosts.lvs2.failReceiving = true
    world.order('lvs1', 'hand-over', 1)
    expect(world.until(() => world.holders().join() === 'lvs2', 300)).toBeLessThan(60)
    world.run(5_000)
    const record = lastRecord(world, 'lvs2')
    expect(record?.connections).toEqual({ given: 0, says: 'the sync daemon on eth0: no such device' })
    expect(world.tellJournal('lvs2').join('\n')).toContain('Connections cannot be taken over')
    expect(world.hosts.lvs2.receiving).toBeNull()
  })

  it('are not waited for longer than a quarter of a second', () => {
    const world = running()
    world.later(0, () => (world.hosts.lvs2.receivingTakesMs = 5_000))
    world.run(1)
    world.order('lvs1', 'hand-over', 1)
    const tookMs = world.until(() => world.holders().includes('lvs2'), 1_000)
    expect(tookMs).toBeGreaterThan(200)
    expect(tookMs).toBeLessThan(300)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.hosts.lvs2.receiving).toBeNull()
  })

  it('are not waited for when the other director is an older one that says nothing of them', () => {
    const world = running()
    world.silent.add('gives')
    world.order('lvs1', 'hand-over', 1)
    expect(world.until(() => world.holders().includes('lvs2'), 300)).toBeLessThan(15)
  })

  it('are taken in for two seconds at most when their end is never told', () => {
    const world = running()
    const seen = orders(world)
    world.order('lvs1', 'hand-over', 1)
    world.until(() => world.holders().includes('lvs2'), 300)
    const fromMs = world.nowMs()
    world.crash('lvs1')
    world.run(5_000)
    const ended = seen.find(({ effect }) => effect.kind === 'receive' && effect.order === null)
    expect((ended?.atMs ?? Infinity) - fromMs).toBeLessThanOrEqual(2_010)
  })

  it('of an offer that is withdrawn are listened for no longer', () => {
    const world = running()
    world.hosts.lvs2.failAddresses = true
    world.order('lvs1', 'hand-over', 1)
    world.run(20_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.hosts.lvs1.state?.giving).toBeNull()
    expect(world.hosts.lvs2.state?.taking).toBeNull()
    expect(world.hosts.lvs2.receiving).toBeNull()
  })
})

describe('refusals', () => {
  it('are held back on the standby, and for two seconds by who has taken over', () => {
    const world = running()
    expect(world.hosts.lvs1.heldBack).toEqual([])
    expect(world.hosts.lvs2.heldBack).toEqual([vip])
    world.order('lvs1', 'hand-over', 1)
    world.run(1_500)
    expect(world.hosts.lvs2.heldBack).toEqual([vip])
    world.run(1_000)
    expect(world.hosts.lvs2.heldBack).toEqual([])
    expect(world.hosts.lvs1.heldBack).toEqual([vip])
  })

  it('are made again by a director without a peer, and by one that stops', () => {
    expect(running().hosts.lvs1.heldBack).toEqual([])
    const world = running()
    const seen = orders(world)
    world.order('lvs2', 'stop')
    world.run(1_000)
    expect(seen.filter(({ host, effect }) => host === 'lvs2' && effect.kind === 'hold')).toMatchObject([
      { effect: { addresses: [] } },
    ])
  })

  it('are looked after once a minute: a packet filter that was loaded anew has lost the rules', () => {
    const world = running()
    world.hosts.lvs2.heldBack = []
    world.run(65_000)
    expect(world.hosts.lvs2.heldBack).toEqual([vip])
  })
})
