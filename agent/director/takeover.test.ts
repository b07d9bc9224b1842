/** A takeover is complete when the network has been seen to have learnt it, and its record says what happened when. */
import { describe, expect, it } from 'vitest'
import type { FailoverRecord } from '../../domain/contract/agent.ts'
import { pair, pairWithPrivatePath, pairWithSix } from '../../test/simulator/clusters.ts'
import { lastOutageMs, running, runningAmongNeighbours } from '../../test/simulator/running.ts'
import { createWorld, gateway, gateway6, type HostName, type World } from '../../test/simulator/world.ts'

const { deadtimeMs } = pair.heartbeat

function records(world: World, host: HostName): FailoverRecord[] {
  return world.journal.flatMap((j) => (j.host === host && j.event.kind === 'failover' ? [j.event.record] : []))
}

describe('what the network has learnt', () => {
  it('is in the record of a takeover after a crash: the gateway answers to the new hardware address', () => {
    const world = runningAmongNeighbours()
    world.crash('lvs1')
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record?.learntAtMs).toBeDefined()
    expect((record?.learntAtMs ?? 0) - (record?.announcedAtMs ?? 0)).toBeLessThanOrEqual(10)
  })

  it('is asked of the peer, too, when it is heard', () => {
    const world = running()
    world.order('lvs1', 'hand-over', 1)
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record?.cause).toBe('ordered')
    expect(record?.learntAtMs).toBeDefined()
    expect(world.hosts.lvs1.state?.segment.vipMac).toBe('mac-lvs2')
  })

  it('is in the record of a healed partition', () => {
    const world = running()
    world.cut('lvs1')
    world.run(20_000)
    world.heal('lvs1')
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record?.cause).toBe('both-served')
    expect(record?.learntAtMs).toBeDefined()
    expect(record?.bothHeldMs).toBeGreaterThan(18_000)
  })

  it('is waited for: announcements that are lost are made again until the client has learnt', () => {
    const world = runningAmongNeighbours()
    world.loseAnnouncements(8)
    world.cut('lvs1', 'mute')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.served()).toBe(true)
    expect(lastOutageMs(world)).toBeLessThanOrEqual(deadtimeMs + 100)
  })

  it('of an IPv6 address is asked for in the same way', () => {
    const world = running(pairWithSix, { witnesses: true })
    world.crash('lvs1')
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record).toMatchObject({
      witnesses: [
        { address: '2001:db8::27', says: 'asked 5 times: lvs1 did not answer' },
        { address: gateway, says: 'answered' },
        { address: gateway6, says: 'answered' },
        { address: '192.168.2.243', says: 'answered' },
        { address: '192.168.2.111', says: 'answered' },
      ],
    })
    expect((record?.learntAtMs ?? 0) - (record?.announcedAtMs ?? 0)).toBeLessThanOrEqual(10)
  })

  it('of an IPv6 address is seen by a peer that has an IPv4 address in the file', () => {
    const world = running(pairWithSix)
    world.order('lvs1', 'hand-over', 1)
    world.run(5_000)
    expect(records(world, 'lvs2').at(-1)?.learntAtMs).toBeDefined()
    expect(world.hosts.lvs1.state?.segment.vipMac).toBe('mac-lvs2')
    world.run(40_000)
    expect(world.tellJournal('lvs2').filter((l) => l.includes('was not seen'))).toEqual([])
  })

  it('is written at once where nobody is left who could be asked', () => {
    const world = running()
    world.crash('lvs1')
    world.run(900)
    const record = records(world, 'lvs2').at(-1)
    expect(record?.announcedAtMs).toBeDefined()
    expect(record?.learntAtMs).toBeUndefined()
  })

  it('is put right when the other one falls silent while both served', () => {
    const world = running()
    world.cut('lvs1')
    world.run(5_000)
    world.heal('lvs1')
    world.cut('lvs1', 'deaf')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1', 'lvs2'])
    const before = world.announcements()
    world.crash('lvs1')
    world.run(deadtimeMs + 100)
    expect(world.announcements()).toBeGreaterThan(before)
  })

  it('is put right when the other one served unheard and was started again', () => {
    const world = running()
    world.cut('lvs1', 'mute')
    world.run(700)
    world.cut('lvs1', 'deaf')
    world.run(150)
    expect(world.mac()).toBe('lvs2')
    world.crash('lvs2')
    world.heal('lvs1')
    world.boot('lvs2')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.served()).toBe(true)
  })

  it('when it cannot be seen the record is written all the same, and that it was not seen is said', () => {
    const world = runningAmongNeighbours()
    const peerDeaf = world.hosts.lvs1
    world.order('lvs1', 'hand-over', 1)
    expect(world.until(() => world.holders().join() === 'lvs2', 400)).not.toBeNull()
    peerDeaf.deaf = true
    world.run(40_000)
    expect(records(world, 'lvs2')).toHaveLength(1)
  })
})

describe('the record', () => {
  it('of a planned hand-over names both-held time and no outage', () => {
    const world = runningAmongNeighbours()
    const { length } = world.outages
    world.order('lvs1', 'hand-over', 1)
    world.run(5_000)
    expect(world.outages).toHaveLength(length)
    const record = records(world, 'lvs2').at(-1)
    expect(record).toMatchObject({ cause: 'ordered', from: 'lvs1', to: 'lvs2', decidedBy: 'lvs2', outageMs: 0 })
    expect(record?.bothHeldMs).toBeLessThanOrEqual(20)
    expect(record?.addressUpAtMs).toBeGreaterThanOrEqual(record?.decidedAtMs ?? Infinity)
    expect(record?.announcedAtMs).toBeGreaterThanOrEqual(record?.addressUpAtMs ?? Infinity)
    expect(record?.learntAtMs).toBeGreaterThanOrEqual(record?.announcedAtMs ?? Infinity)
  })

  it('of a crash names the last and the first missed beat, the decision and the outage', () => {
    const world = runningAmongNeighbours()
    world.crash('lvs1')
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record).toMatchObject({ cause: 'peer-silent', from: 'lvs1', to: 'lvs2', decidedBy: 'lvs2' })
    const at = (ms: number | undefined): number => (ms ?? NaN) - (record?.lastHeardAtMs ?? NaN)
    expect(at(record?.firstMissedAtMs)).toBe(pair.heartbeat.keepaliveMs)
    expect(at(record?.decidedAtMs)).toBe(deadtimeMs)
    expect(record?.outageMs).toBe(at(record?.announcedAtMs))
    expect(record?.bothHeldMs).toBeUndefined()
  })

  it('of a peer that was cut off and let go names the outage since it last served', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs1', 'deaf')
    world.run(5_000)
    const record = records(world, 'lvs2').at(-1)
    expect(record).toMatchObject({ cause: 'peer-unfit', from: 'lvs1' })
    expect(record?.outageMs).toBeGreaterThan(0)
  })
})

describe('failback', () => {
  it('waits until the connections are synchronised when the sync daemon runs', () => {
    const world = running({ ...pair, failback: { auto: true, delayMs: 1_000 }, syncDaemon: { device: 'eth0', id: 1 } })
    world.crash('lvs1')
    world.run(3_000)
    world.boot('lvs1')
    const took = world.until(() => world.active().includes('lvs1'), 60_000)
    expect(took).toBeGreaterThanOrEqual(11_000)
    expect(took).toBeLessThanOrEqual(13_000)
  })

  it('does not come while the configs differ', () => {
    const world = running({ ...pair, failback: { auto: true, delayMs: 1_000 } })
    world.crash('lvs1')
    world.run(3_000)
    world.configure({ ...pair, failback: { auto: true, delayMs: 1_000 }, serialNo: 1234 })
    world.boot('lvs1')
    world.run(30_000)
    expect(world.active()).toEqual(['lvs2'])
    world.configure({ ...pair, failback: { auto: true, delayMs: 1_000 }, serialNo: 1234 }, 'lvs2')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs1'])
  })
})

describe('a loop of crashes', () => {
  it('does not take the service to and fro: a restless director gets it back a minute after its last start', () => {
    const world = running({ ...pair, failback: { auto: true, delayMs: 2_000 } })
    for (let n = 0; n < 6; n++) {
      world.kill('lvs1')
      world.run(5_000)
    }
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    const moves = world.journal.filter((j) => j.event.kind === 'role' && j.event.to === 'active').length
    expect(moves).toBeLessThanOrEqual(4)
    expect(world.until(() => world.active().join() === 'lvs1', 90_000)).toBeGreaterThan(30_000)
  })

  it('does not keep it from serving when nobody else can', () => {
    const world = running()
    for (let n = 0; n < 4; n++) {
      world.kill('lvs1')
      world.run(2_000)
    }
    expect(world.active()).toEqual(['lvs2'])
    world.crash('lvs2')
    world.run(2_000)
    expect(world.active()).toEqual(['lvs1'])
  })

  it('nor does it claim before a peer that has just been switched on', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs1')
    world.run(5_000)
    for (let n = 0; n < 4; n++) {
      world.kill('lvs1')
      world.run(1_500)
    }
    world.kill('lvs1')
    world.run(990)
    world.boot('lvs2')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
  })
})

describe('links', () => {
  it('one that goes down is written down, and the service handed over before the peer would have noticed', () => {
    const world = running({ ...pairWithPrivatePath, monitorLinks: true })
    world.link('lvs1', false)
    expect(world.until(() => world.served(), 3_000)).toBeLessThanOrEqual(100)
    expect(world.active()).toEqual(['lvs2'])
    world.run(1_000)
    world.link('lvs1', true)
    world.run(1_000)
    expect(world.tellJournal('lvs1').filter((l) => l.startsWith('link'))).toEqual([
      'link of eth0 is down',
      'link of eth0 is up',
    ])
    expect(world.active()).toEqual(['lvs2'])
  })

  it('without monitor_links the link is written down and nothing is handed over', () => {
    const world = running(pairWithPrivatePath)
    world.link('lvs1', false)
    world.run(600)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.tellJournal('lvs1')).toContain('link of eth0 is down')
  })

  it('of the standby makes it unfit, and whole again it is standby', () => {
    const world = running({ ...pairWithPrivatePath, monitorLinks: true })
    world.link('lvs2', false)
    world.run(500)
    expect(world.hosts.lvs2.state?.unfitBecause).toEqual(['The link of eth0 is down.'])
    world.link('lvs2', true)
    world.run(500)
    expect(world.role('lvs2')).toBe('standby')
    expect(world.active()).toEqual(['lvs1'])
  })
})
