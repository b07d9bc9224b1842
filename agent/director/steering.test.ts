/** Drains, operators' weights, slow start and load: what the kernels of both directors get, under a virtual clock. */
import { describe, expect, it } from 'vitest'
import type { ServerReport } from '../../domain/contract/agent.ts'
import { pair, web, withWeb } from '../../test/simulator/clusters.ts'
import { running } from '../../test/simulator/running.ts'
import type { HostName, World } from '../../test/simulator/world.ts'
import { parseLoad, weightByLoad } from './load.ts'
import { serviceReports } from './report.ts'
import { step } from './director.ts'
import type { Ordered } from './words.ts'

const service = 'tcp 192.168.2.27:80'
const rs1 = '192.168.2.243:80'
const rs2 = '192.168.2.111:80'
const heavy = web.realServers.map((r) => ({ ...r, weight: 100 }))
const heavyPair = withWeb(pair, { realServers: heavy })

let ticket = 100
/** Gives an order; answers why it was refused, or undefined. */
function order(world: World, host: HostName, what: Ordered): string | undefined {
  ticket++
  world.give(host, { kind: 'ordered', order: what, ticket })
  const answer = world.answers.find((a) => a.ticket === ticket)
  expect(answer).toBeDefined()
  return answer?.refused
}
const drain = (world: World, host: HostName, server = rs1): string | undefined =>
  order(world, host, { kind: 'drain', service, server, by: 'test' })
const undrain = (world: World, host: HostName): string | undefined =>
  order(world, host, { kind: 'undrain', service, server: rs1, by: 'test' })

/** The weight in a host's kernel; undefined = the server is not in the table. */
const weight = (world: World, host: HostName, server = rs1): number | undefined =>
  world.hosts[host].table.get(service)?.destinations.get(server)?.weight
const weights = (world: World, server = rs1): (number | undefined)[] => [
  weight(world, 'lvs1', server),
  weight(world, 'lvs2', server),
]

function report(world: World, host: HostName): ServerReport | undefined {
  const { state } = world.hosts[host]
  if (!state) return undefined
  const now = { ms: world.nowMs(), wallMs: world.nowMs() + 1_800_000_000_000 }
  return [...serviceReports(state, now)]
    .find((s) => s.id === service)
    ?.realServers.find((r) => `${r.address}:${r.port}` === rs1)
}

const connect = (world: World, count: number, ...hosts: HostName[]): void => {
  for (const host of hosts) world.hosts[host].connections.set(`${service} ${rs1}`, count)
}

describe('a drain', () => {
  it('gives weight 0 on both directors at once, and takes the server out when its last connection has ended', () => {
    const world = running()
    connect(world, 3, 'lvs1', 'lvs2')
    expect(drain(world, 'lvs1')).toBeUndefined()
    world.run(1_000)
    expect(weights(world)).toEqual([0, 0])
    expect(report(world, 'lvs1')?.drain).toMatchObject({ connections: 3, out: false })
    world.run(60_000)
    expect(weights(world)).toEqual([0, 0])
    connect(world, 0, 'lvs1', 'lvs2')
    world.run(5_000)
    expect(weights(world)).toEqual([undefined, undefined])
    expect(weights(world, rs2)).toEqual([1, 1])
    expect(report(world, 'lvs1')?.drain).toMatchObject({ connections: 0, out: true })
    expect(world.journal.filter((j) => j.event.kind === 'drained').map((j) => j.host)).toEqual(['lvs1'])
  })

  it('ordered at the standby reaches the active director', () => {
    const world = running()
    connect(world, 1, 'lvs1')
    expect(drain(world, 'lvs2')).toBeUndefined()
    world.run(1_000)
    expect(weights(world)).toEqual([0, 0])
    expect(world.journal.find((j) => j.event.kind === 'order')).toMatchObject({
      host: 'lvs2',
      event: { kind: 'order', order: 'drain', service, server: rs1, by: 'test' },
    })
  })

  it('is not ended by the standby, whose kernel has no connections', () => {
    const world = running()
    connect(world, 1, 'lvs1')
    drain(world, 'lvs1')
    world.run(30_000)
    expect(weights(world)).toEqual([0, 0])
  })

  it('counts clients that persistence binds', () => {
    const world = running(withWeb(pair, { persistentS: 300 }))
    world.hosts.lvs1.bound.set(`${service} ${rs1}`, 2)
    drain(world, 'lvs1')
    world.run(20_000)
    expect(weights(world)).toEqual([0, 0])
    expect(report(world, 'lvs1')?.drain).toMatchObject({ connections: 2, out: false })
    // Clients that were not counted may be there.
    world.hosts.lvs1.bound.clear()
    world.hosts.lvs1.loseBound = true
    order(world, 'lvs1', { kind: 'weight', service, server: rs1, weight: 3, by: 'test' })
    world.run(10_000)
    expect(weights(world)).toEqual([0, 0])
    world.hosts.lvs1.loseBound = false
    world.run(10_000)
    expect(weights(world)).toEqual([undefined, undefined])
  })

  it('is kept by a failover, also one in the middle of it', () => {
    const world = running()
    connect(world, 1, 'lvs1', 'lvs2')
    drain(world, 'lvs1')
    world.run(1_000)
    world.crash('lvs1')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(weight(world, 'lvs2')).toBe(0)
    connect(world, 0, 'lvs2')
    world.run(5_000)
    expect(weight(world, 'lvs2')).toBeUndefined()
    world.boot('lvs1')
    world.run(20_000)
    expect(weights(world)).toEqual([undefined, undefined])
  })

  it('outlives the agent', () => {
    const world = running()
    drain(world, 'lvs1')
    world.run(5_000)
    expect(weights(world)).toEqual([undefined, undefined])
    world.kill('lvs1')
    world.kill('lvs2')
    world.run(30_000)
    expect(weights(world)).toEqual([undefined, undefined])
    expect(world.hosts.lvs1.kept).toMatchObject([{ service, server: rs1, out: true }])
  })

  it('ends with undrain on both, given to either', () => {
    const world = running()
    drain(world, 'lvs1')
    world.run(5_000)
    expect(undrain(world, 'lvs2')).toBeUndefined()
    world.run(2_000)
    expect(weights(world)).toEqual([1, 1])
    expect(report(world, 'lvs1')?.drain).toBeUndefined()
  })

  it('that was undone while the peer was away does not come back with it', () => {
    const world = running()
    drain(world, 'lvs1')
    world.run(5_000)
    world.crash('lvs2')
    undrain(world, 'lvs1')
    world.run(2_000)
    world.boot('lvs2')
    world.run(30_000)
    expect(weights(world)).toEqual([1, 1])
  })

  it('is refused for what is not there, and taken by the names of lvs.cf', () => {
    const world = running()
    expect(drain(world, 'lvs1', '10.9.9.9:80')).toBe('No real server of web is called 10.9.9.9:80.')
    expect(order(world, 'lvs1', { kind: 'drain', service: 'www', server: rs1, by: 'test' })).toMatch(
      /^No active virtual/,
    )
    expect(undrain(world, 'lvs1')).toMatch(/is not drained/)
    expect(order(world, 'lvs1', { kind: 'drain', service: 'web', server: 'rs1', by: 'test' })).toBeUndefined()
    world.run(5_000)
    expect(weights(world)).toEqual([undefined, undefined])
  })

  it('of all real servers lets the sorry server stand in', () => {
    const world = running(withWeb(pair, { sorryServer: '192.168.2.99' }))
    drain(world, 'lvs1', rs1)
    drain(world, 'lvs1', rs2)
    world.run(5_000)
    for (const host of ['lvs1', 'lvs2'] as const)
      expect([...(world.hosts[host].table.get(service)?.destinations.keys() ?? [])]).toEqual(['192.168.2.99:80'])
  })

  it('of many servers reaches the peer in beats below the MTU', () => {
    const realServers = Array.from({ length: 60 }, (_, n) => ({
      name: `rs${n}`,
      active: true,
      address: `192.168.2.${n + 120}`,
      port: 80,
      weight: 1,
    }))
    const world = running(withWeb(pair, { realServers }))
    for (const { address } of realServers.slice(1)) {
      connect(world, 1, 'lvs1')
      expect(drain(world, 'lvs1', `${address}:80`)).toBeUndefined()
    }
    world.run(30_000)
    const digests = [world.hosts.lvs1, world.hosts.lvs2].map((h) => h.state?.steering.overrides.digest)
    expect(digests[0]).toBe(digests[1])
    expect(world.hosts.lvs2.state?.steering.overrides.entries.size).toBe(59)
    const longest = Math.max(...world.beats.map((b) => JSON.stringify(b.beat).length))
    expect(longest).toBeLessThan(1_300)
    // Once both hold the same, nothing of it is sent any more.
    expect(world.beats.at(-1)?.beat.steers?.some).toBeUndefined()
  })
})

describe("an operator's weight", () => {
  it('is in both kernels until it is given back, whatever lvs.cf says after a reload', () => {
    const world = running(heavyPair)
    order(world, 'lvs2', { kind: 'weight', service, server: rs1, weight: 7, by: 'test' })
    world.run(2_000)
    expect(weights(world)).toEqual([7, 7])
    world.configure({ ...heavyPair, serialNo: 2 }, 'lvs1', 'lvs2')
    world.run(5_000)
    expect(weights(world)).toEqual([7, 7])
    expect(report(world, 'lvs1')).toMatchObject({ operatorWeight: 7, weightWanted: 7 })
    order(world, 'lvs1', { kind: 'weight', service, server: rs1, weight: null, by: 'test' })
    world.run(2_000)
    expect(weights(world)).toEqual([100, 100])
  })

  it('is still there after a drain', () => {
    const world = running(heavyPair)
    order(world, 'lvs1', { kind: 'weight', service, server: rs1, weight: 7, by: 'test' })
    drain(world, 'lvs1')
    world.run(5_000)
    expect(weights(world)).toEqual([undefined, undefined])
    undrain(world, 'lvs1')
    world.run(2_000)
    expect(weights(world)).toEqual([7, 7])
  })
})

describe('slow start', () => {
  const slow = withWeb(pair, { realServers: heavy, slowStartMs: 60_000 })

  it('restores the weight gradually after a recovery', () => {
    const world = running(slow)
    expect(weights(world)).toEqual([100, 100])
    world.serverDown(rs1)
    world.run(15_000)
    expect(weights(world)).toEqual([undefined, undefined])
    world.serverUp(rs1)
    expect(world.until(() => weight(world, 'lvs1') !== undefined, 30_000)).not.toBeNull()
    expect(weight(world, 'lvs1')).toBe(1)
    world.run(30_500)
    expect(weight(world, 'lvs1')).toBeGreaterThanOrEqual(45)
    expect(weight(world, 'lvs1')).toBeLessThanOrEqual(55)
    expect(report(world, 'lvs1')?.slowStart?.untilAtMs).toBeDefined()
    world.run(31_000)
    expect(weights(world)).toEqual([100, 100])
    expect(report(world, 'lvs1')?.slowStart).toBeUndefined()
  })

  it('is not for a server that was there when the agent started', () => {
    const world = running(slow)
    world.kill('lvs1')
    world.run(3_000)
    expect(weight(world, 'lvs1')).toBe(100)
    world.run(20_000)
    expect(weights(world)).toEqual([100, 100])
  })

  it('hides no drift', () => {
    const world = running(slow)
    world.serverDown(rs1)
    world.run(15_000)
    world.serverUp(rs1)
    world.until(() => weight(world, 'lvs1') !== undefined, 30_000)
    world.run(10_000)
    world.hosts.lvs1.table.get(service)?.destinations.delete(rs2)
    world.run(5_000)
    expect(weight(world, 'lvs1', rs2)).toBe(100)
    expect(world.journal.flatMap((j) => (j.event.kind === 'drift' ? [...j.event.differences] : []))).toEqual([
      `${rs2} is missing in ${service}`,
    ])
  })

  it('costs the kernel at most twenty changes', () => {
    const world = running(slow)
    world.serverDown(rs1)
    world.run(15_000)
    world.serverUp(rs1)
    const before = world.hosts.lvs1.applied.length
    world.run(90_000)
    expect(world.hosts.lvs1.applied.slice(before).filter((c) => c.includes(rs1)).length).toBeLessThanOrEqual(21)
  })
})

describe('weights by load', () => {
  const loadPair = withWeb(pair, { realServers: heavy, loadMonitor: 'uptime', loadPort: 5391 })

  it('follow the load, and are those of lvs.cf where none is told', () => {
    const world = running(loadPair)
    expect(weights(world)).toEqual([100, 100])
    world.loads.set('192.168.2.243', 9)
    world.loads.set('192.168.2.111', 0)
    world.run(25_000)
    expect(weights(world, rs1)).toEqual([10, 10])
    expect(weights(world, rs2)).toEqual([150, 150])
    world.loads.clear()
    world.run(90_000)
    expect(weights(world, rs1)).toEqual([100, 100])
    expect(weights(world, rs2)).toEqual([100, 100])
  })

  it('are asked for a few at a time however many there are', () => {
    const realServers = Array.from({ length: 300 }, (_, n) => ({
      name: `rs${n}`,
      active: true,
      address: `10.${Math.floor(n / 250)}.0.${(n % 250) + 1}`,
      port: 80,
      weight: 1,
    }))
    const world = running(withWeb(pair, { realServers }))
    const asked: number[] = []
    world.onStep((host, _, effects) => {
      for (const e of effects) if (host === 'lvs1' && e.kind === 'loads') asked.push(e.of.length)
    })
    world.configure({ ...withWeb(pair, { realServers, loadMonitor: 'uptime', loadPort: 5391 }), serialNo: 2 }, 'lvs1')
    world.run(10_000)
    expect(asked.reduce((sum, n) => sum + n, 0)).toBe(300)
    expect(Math.max(...asked)).toBeLessThanOrEqual(50)
  })

  it.each([
    [1, 100, 100],
    [0, 100, 150],
    [2, 100, 50],
    [9, 100, 10],
    [1_000, 100, 10],
    [1.01, 100, 100],
    [1_000, 1, 1],
    [0.5, 0, 0],
  ])('a load of %d makes of %d the weight %d', (load, own, meant) => {
    expect(weightByLoad(own, load, own)).toBe(meant)
  })

  it('do not change for less than a quarter', () => {
    expect(weightByLoad(100, 0.95, 100)).toBe(100)
    expect(weightByLoad(100, 0.95, 150)).toBe(118)
  })

  it('are read from the text of /proc/loadavg, by processor where their number follows', () => {
    expect(parseLoad('0.52 0.58 0.59 1/389 12034\n')).toBe(0.52)
    expect(parseLoad('8.00 0.58 0.59 1/389 12034\n4\n')).toBe(2)
    expect(parseLoad('')).toBeNull()
    expect(parseLoad('HTTP/1.1 400 Bad Request')).toBeNull()
  })
})

describe('at the door', () => {
  it('the state before a step stays what it was', () => {
    const world = running()
    const { state } = world.hosts.lvs1
    if (!state) throw new Error('lvs1 is off')
    const before = state.steering
    step(
      state,
      { kind: 'ordered', order: { kind: 'drain', service, server: rs1, by: 'test' }, ticket: 1 },
      { ms: world.nowMs(), wallMs: world.nowMs() },
    )
    expect(state.steering).toBe(before)
    expect(before.overrides.entries.size).toBe(0)
  })
})
