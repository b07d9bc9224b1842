/** The simulated cluster under a driven clock: what the panel promises happens, and the client outside measures it. */
import { beforeEach, describe, expect, it } from 'vitest'
import { drivenClock } from '../../core/demo/clock.ts'
import { digestOf } from '../../core/demo/files.ts'
import type { AgentLine } from '../../core/live/agent-line.ts'
import { simulatedDraft, startSimulation, unseenLimitMs } from '../../core/demo/simulation.ts'
import type { Simulation } from '../../core/demo/simulation.ts'
import { serviceReports } from '../../agent/director/report.ts'
import { withActivity } from '../../domain/activity.ts'
import { checkDraft, draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { SimulatedDirector, SimulationState } from '../../domain/simulation.ts'
import { chance } from '../bench/chance.ts'

const forwardings = ['direct', 'nat', 'tunnel'] as const

let clock: ReturnType<typeof drivenClock>
let simulation: Simulation
let unseen: number
let told: SimulationState[]

function start(forwarding: (typeof forwardings)[number] = 'direct'): void {
  clock = drivenClock()
  unseen = 0
  told = []
  const started = startSimulation(forwarding, {
    clock,
    chance: chance(7).next,
    version: 'test',
    told: (state) => told.push(state),
    unseen: () => {
      unseen += 1
    },
    by: 'the test',
    log: () => undefined,
    changed: () => undefined,
    restartWatch: async () => undefined,
  })
  if (!started.ok) throw new Error(JSON.stringify(started.problems))
  simulation = started.value
}
const role = (name: SimulatedDirector) => simulation.world.machines[name].state()?.role
const client = () => simulation.state().client
const outages = () => client().outages.map(({ fromMs, toMs }) => (toMs === null ? null : toMs - fromMs))

/** Started, and given the time both need to know of each other. */
function settle(forwarding: (typeof forwardings)[number] = 'direct'): void {
  start(forwarding)
  clock.run(12_000)
  expect([role('lvs1'), role('lvs2')].sort()).toEqual(['active', 'standby'])
  expect(client().served).toBe(true)
}
const active = (): SimulatedDirector => (role('lvs1') === 'active' ? 'lvs1' : 'lvs2')
const other = (name: SimulatedDirector): SimulatedDirector => (name === 'lvs1' ? 'lvs2' : 'lvs1')

describe('the simulated cluster', () => {
  it.each(forwardings)('serves its client by %s, from a draft the wizard finds nothing wrong with', (forwarding) => {
    expect(checkDraft(simulatedDraft(forwarding)).filter(({ severity }) => severity === 'block')).toEqual([])
    settle(forwarding)
    const before = client().answered
    clock.run(2_000)
    expect(client().answered - before).toBe(200)
    expect(client().failed).toBeLessThanOrEqual(300)
  })
})

describe('a fault', () => {
  beforeEach(() => settle())

  it('power off: the standby serves within the promised second, and the machine comes back as standby', () => {
    const first = active()
    simulation.make({ kind: 'crash', director: first })
    clock.run(3_000)
    expect(role(other(first))).toBe('active')
    const [outageMs] = outages()
    expect(outageMs).toBeGreaterThan(500)
    expect(outageMs).toBeLessThan(1_000)
    simulation.make({ kind: 'boot', director: first })
    clock.run(10_000)
    expect(role(first)).toBe('standby')
    expect(outages()).toHaveLength(1)
  })

  it('kill -9 of the agent: the other one serves, the address is gone from the first', () => {
    const first = active()
    simulation.make({ kind: 'kill', director: first })
    clock.run(6_000)
    expect(role(other(first))).toBe('active')
    expect(role(first)).toBe('standby')
    expect(outages()).toHaveLength(1)
    expect(outages()[0]).toBeLessThan(1_000)
  })

  it('one path cut: nothing happens to the client, and the path is told silent', () => {
    const first = active()
    simulation.make({ kind: 'cut-path', path: 'public' })
    clock.run(5_000)
    expect(role(first)).toBe('active')
    expect(outages()).toEqual([])
    expect(simulation.state().paths.find(({ name }) => name === 'public')?.cutFrom).toEqual(['lvs1', 'lvs2'])
    simulation.make({ kind: 'heal-path', path: 'public' })
    clock.run(2_000)
    expect(outages()).toEqual([])
  })

  it('all cables of the active director: the other one serves, and one of them after healing', () => {
    const first = active()
    simulation.make({ kind: 'cut', director: first })
    clock.run(4_000)
    expect(role(other(first))).toBe('active')
    simulation.make({ kind: 'heal', director: first })
    clock.run(5_000)
    expect([role('lvs1'), role('lvs2')].sort()).toEqual(['active', 'standby'])
    expect(client().served).toBe(true)
  })

  it('a paused machine: it does not serve beside the other one when it goes on', () => {
    const first = active()
    simulation.make({ kind: 'stall', director: first, forMs: 4_000 })
    clock.run(3_000)
    expect(role(other(first))).toBe('active')
    clock.run(6_000)
    expect(role(other(first))).toBe('active')
    expect(role(first)).toBe('standby')
  })

  it('a real server that stops is found by its check, gets nothing more, and comes back', () => {
    const table = simulation.world.machines[active()].table
    const weights = () =>
      [...table.values()].map(({ destinations }) => destinations.get('192.0.2.21:80')?.weight ?? 0).filter(Boolean)
    expect(weights()).toEqual([1])
    simulation.make({ kind: 'server', server: '192.0.2.21', state: 'down' })
    clock.run(8_000)
    expect(weights()).toEqual([])
    const failed = client().failed
    clock.run(3_000)
    expect(client().failed).toBe(failed)
    simulation.make({ kind: 'server', server: '192.0.2.21', state: 'up' })
    clock.run(15_000)
    expect(weights()).toEqual([1])
  })

  it('a table wiped behind the back of the agent is found and made again', () => {
    const first = active()
    simulation.make({ kind: 'wipe-table', director: first })
    expect(simulation.world.machines[first].table.size).toBe(0)
    clock.run(4_000)
    expect(simulation.world.machines[first].table.size).toBe(2)
    expect(simulation.world.machines[first].journal.some(({ event }) => event.kind === 'drift')).toBe(true)
    expect(client().served).toBe(true)
  })

  it('both directors off: nobody is served, and everything healed serves again', () => {
    for (const director of ['lvs1', 'lvs2'] as const) simulation.make({ kind: 'crash', director })
    clock.run(3_000)
    expect(client().served).toBe(false)
    simulation.make({ kind: 'heal-all' })
    clock.run(15_000)
    expect(client().served).toBe(true)
    expect(outages()).toHaveLength(1)
  })
})

it('a planned hand-over loses no request', async () => {
  settle()
  const first = active()
  const failed = client().failed
  const done = simulation.world.machines[first].order({ kind: 'hand-over', by: 'test' })
  clock.run(5_000)
  expect(await done).toBeUndefined()
  expect(role(other(first))).toBe('active')
  expect(client().failed).toBe(failed)
})

it('counts connections as the kernel does, so that reports have rates', () => {
  settle()
  const machine = simulation.world.machines[active()]
  machine.give({ kind: 'watched', watchers: 1 })
  clock.run(3_000)
  const state = machine.state()
  if (!state) throw new Error('no state')
  const [web] = serviceReports(state, clock.now())
  expect(web?.realServers.every(({ connections, bytesIn }) => connections > 100 && bytesIn > 50_000)).toBe(true)
  expect(web?.realServers.some(({ activeConnections }) => activeConnections > 0)).toBe(true)
})

it('ends when nobody has looked at it for some minutes', () => {
  start()
  clock.run(unseenLimitMs - 5_000)
  expect(unseen).toBe(0)
  simulation.seen()
  clock.run(20_000)
  expect(unseen).toBe(0)
  clock.run(unseenLimitMs)
  expect(unseen).toBe(1)
  expect(told.length).toBeGreaterThan(100)
})

describe('its lvs.cf', () => {
  beforeEach(() => settle())
  const [first] = simulatedDraft('direct').directors
  const without = draftLvscf(withActivity(simulatedDraft('direct'), { service: 'web', server: 'rs2' }, false))
  const digest = digestOf(without)
  const addresses = () => [
    ...(simulation.world.machines.lvs1.table.get('tcp 192.0.2.100:80')?.destinations.keys() ?? []),
  ]
  const ofWeb = () => {
    const state = simulation.world.machines.lvs1.state()
    const web = state && serviceReports(state, clock.now()).find(({ name }) => name === 'web')
    return web?.realServers.map(({ name }) => name)
  }
  async function line(): Promise<AgentLine> {
    const opening = simulation.door.open(first)
    for (let round = 0; round < 5; round += 1) {
      clock.run(5)
      await Promise.resolve()
    }
    const opened = await opening
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems))
    return opened.value.line
  }
  async function give<T>(asked: Promise<T>): Promise<T> {
    await Promise.resolve()
    clock.run(10)
    return asked
  }

  it('that deactivates a real server takes it out of the table and out of the reports; without confirmation it comes back', async () => {
    const at = await line()
    expect(await give(at.stage(without, 'ana'))).toMatchObject({ ok: true, value: { sound: true, digest } })
    expect(await give(at.order({ kind: 'commit', digest, confirmWithinMs: 5_000, by: 'ana' }))).toMatchObject({
      ok: true,
    })
    clock.run(3_000)
    expect(addresses()).toEqual(['192.0.2.21:80', '192.0.2.23:80'])
    expect(ofWeb()).toEqual(['rs1', 'rs3'])
    clock.run(10_000)
    expect(addresses().sort()).toEqual(['192.0.2.21:80', '192.0.2.22:80', '192.0.2.23:80'])
    expect(client().outages).toEqual([])
  })

  it('that is confirmed stays; one that is not sound is not staged', async () => {
    const at = await line()
    expect(await give(at.stage('serial_no = x\nvirtual {', 'ana'))).toMatchObject({ ok: true, value: { sound: false } })
    await give(at.stage(without, 'ana'))
    expect(await give(at.order({ kind: 'confirm', digest, by: 'ana' }))).toMatchObject({ ok: false })
    await give(at.order({ kind: 'commit', digest, confirmWithinMs: 5_000, by: 'ana' }))
    expect(await give(at.order({ kind: 'confirm', digest, by: 'ana' }))).toMatchObject({ ok: true })
    clock.run(20_000)
    expect(addresses()).toEqual(['192.0.2.21:80', '192.0.2.23:80'])
    expect(
      simulation.world.machines.lvs1.journal.flatMap(({ event }) => (event.kind === 'order' ? [event.order] : [])),
    ).toEqual([`stage ${digest.slice(0, 12)}`, `commit ${digest.slice(0, 12)}`, `confirm ${digest.slice(0, 12)}`])
  })
})
