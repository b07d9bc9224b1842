/**
 * What the original's processes were seen to do around the cluster itself, and is not repeated: a reload on the standby that spun for
 * ever, a stop without a goodbye, virtual IPs left behind by a daemon that crashed, a stop that waited without limit for another
 * process. The same things with real processes and real addresses: agent/effects/addresses.test.ts (the orphan guard) and
 * test/lab/console.lab.ts.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { watchdogHoldingMs, watchdogIdleMs } from '../../agent/effects/watchdog.ts'
import { pair } from '../simulator/clusters.ts'
import { running } from '../simulator/running.ts'
import { pace } from '../simulator/world.ts'

const root = path.resolve(import.meta.dirname, '../..')
const unit = readFileSync(path.join(root, 'resources/systemd/shoal-agent.service'), 'utf8')
const release = readFileSync(path.join(root, 'resources/agent/release-held.sh'), 'utf8')
const deadtimeMs = pair.heartbeat.deadtimeMs

describe('a reload on the standby', () => {
  it('is answered, and the standby still takes over when the active director dies', () => {
    const world = running()
    world.order('lvs2', 'reload', 7)
    expect(world.until(() => world.answers.some((a) => a.ticket === 7), 1_000)).not.toBeNull()
    expect(world.answers.find((a) => a.ticket === 7)).toEqual({ ticket: 7 })
    expect(world.role('lvs2')).toBe('standby')
    world.crash('lvs1')
    expect(world.until(() => world.holders().includes('lvs2'), 2 * deadtimeMs)).not.toBeNull()
  })

  it('of a file that is not sound is refused with what is wrong, and what ran goes on', () => {
    const world = running()
    const before = world.hosts.lvs2.state?.config
    world.give('lvs2', { kind: 'ordered', order: { kind: 'reload', by: 'test' }, ticket: 8 })
    world.give('lvs2', { kind: 'misconfigured', says: ['line 3, column 1: broken'], hasKey: true })
    expect(world.answers.find((a) => a.ticket === 8)?.refused).toContain('line 3')
    expect(world.hosts.lvs2.state?.config).toBe(before)
    expect(world.role('lvs2')).toBe('standby')
  })

  it('still leaves it able to stop: SIGTERM ends it', () => {
    const world = running()
    world.order('lvs2', 'reload')
    world.order('lvs2', 'stop', 2)
    expect(world.until(() => !world.hosts.lvs2.processUp, 6_000)).not.toBeNull()
  })
})

describe('a graceful stop of the active director', () => {
  it('says goodbye: the standby serves long before deadtime, and nothing is lost', () => {
    const world = running()
    const outages = world.outages.length
    world.order('lvs1', 'stop', 1)
    const took = world.until(() => world.active().includes('lvs2') && world.holders().includes('lvs2'), 5_000)
    expect(took).not.toBeNull()
    expect(took).toBeLessThan(deadtimeMs / 2)
    world.run(5_000)
    expect(world.outages).toHaveLength(outages)
    expect(world.holders()).toEqual(['lvs2'])
  })

  it('ends within its limit when the standby does not answer, and its addresses are gone', () => {
    const world = running()
    world.stall('lvs2', 60_000)
    world.order('lvs1', 'stop', 1)
    expect(world.until(() => !world.hosts.lvs1.processUp, 10_000)).not.toBeNull()
    expect(world.holders()).not.toContain('lvs1')
  })
})

describe('an agent that crashes or hangs', () => {
  it('leaves no virtual IP behind that two directors then hold for longer than it takes to remove it', () => {
    const world = running()
    world.kill('lvs1', 150, 60_000)
    world.run(10_000)
    expect(world.holders()).toEqual(['lvs2'])
    const both = world.bothHeld.map(({ fromMs, toMs }) => (toMs ?? Infinity) - fromMs)
    expect(Math.max(0, ...both)).toBeLessThan(1_000)
  })

  it('has a guard or a watchdog that ends it within a second while it holds an address, and a release that runs whatever ended it', () => {
    const [, waitS, waits] = /read -r -t ([0-9.]+) says[^]*-ge (\d+) \] && \[ -n "\$holds" \]/.exec(release) ?? []
    expect(Number(waitS) * Number(waits)).toBeGreaterThan(0)
    expect(Number(waitS) * Number(waits)).toBeLessThan(0.9)
    // Where there is no bash for the guard.
    expect(watchdogHoldingMs).toBeLessThan(1_000)
    expect(Number(/^WatchdogSec=(\d+)s$/m.exec(unit)?.[1]) * 1_000).toBe(watchdogIdleMs)
    // The guard's work goes on after the agent's end.
    expect(unit).toMatch(/^KillMode=process$/m)
    expect(unit).toMatch(/^WatchdogSignal=SIGKILL$/m)
    expect(unit).toMatch(/^ExecStopPost=.*release-held\.sh$/m)
    // An agent that crashes as soon as it serves is not given up before it rests between its starts by itself.
    expect(Number(/^StartLimitBurst=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(10)
  })
})

describe('the end of the agent', () => {
  it('waits for nothing without a limit: systemd ends it, and the centre gives up before that', () => {
    const limitS = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
    const world = running()
    world.hosts.lvs1.failAddresses = true
    world.order('lvs1', 'stop', 1)
    const took = world.until(() => !world.hosts.lvs1.processUp, 20_000)
    expect(took).not.toBeNull()
    expect(took).toBeLessThan(limitS * 1_000 - pace.stirredMs)
  })
})
