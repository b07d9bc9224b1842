/** A director asks its neighbours who is cut off, itself or the other one, before it takes over or stays. */
import { describe, expect, it } from 'vitest'
import { pair, pairWithPrivatePath, pairWithSix } from '../../test/simulator/clusters.ts'
import { lastOutageMs, running, runningAmongNeighbours } from '../../test/simulator/running.ts'
import { createWorld, gateway, gateway6, type World } from '../../test/simulator/world.ts'

const { deadtimeMs, keepaliveMs } = pair.heartbeat
const cutOff =
  'Nobody at all is heard on eth0, neither the other director nor a neighbour: this director itself is cut off.'

const becameActive = (world: World, host: string): number =>
  world.journal.filter((j) => j.host === host && j.event.kind === 'role' && j.event.to === 'active').length

describe('a crash among neighbours', () => {
  it('is taken over as fast as without them, and the record says what they answered', () => {
    const world = runningAmongNeighbours()
    world.crash('lvs1')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(lastOutageMs(world)).toBeLessThanOrEqual(deadtimeMs + 10)
    const record = world.journal.find((j) => j.host === 'lvs2' && j.event.kind === 'failover')?.event
    expect(record).toMatchObject({
      record: {
        cause: 'peer-silent',
        witnesses: [
          { address: '192.168.2.27', says: 'asked 5 times: lvs1 did not answer' },
          { address: gateway, says: 'answered' },
          { address: '192.168.2.243', says: 'answered' },
          { address: '192.168.2.111', says: 'answered' },
        ],
      },
    })
  })

  it('asks nothing of the neighbours more often than every ten seconds while the peer is heard', () => {
    const world = runningAmongNeighbours()
    let asked = 0
    world.onStep((_host, _input, effects) => {
      asked += effects.filter((e) => e.kind === 'ask').length
    })
    world.run(60_000)
    expect(asked).toBeGreaterThanOrEqual(10)
    expect(asked).toBeLessThanOrEqual(14)
  })
})

describe('a deaf standby', () => {
  it('hears nothing and is heard: it does not claim, says so, and the service is not disturbed', () => {
    const world = runningAmongNeighbours()
    const { length } = world.outages
    world.cut('lvs2', 'deaf')
    world.run(60_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.role('lvs2')).toBe('unfit')
    expect(world.hosts.lvs2.state?.unfitBecause).toEqual([cutOff])
    expect(world.tellJournal('lvs2')).toContain(`standby → unfit (term 0): ${cutOff}`)
    world.heal('lvs2')
    world.run(5_000)
    expect(world.role('lvs2')).toBe('standby')
    expect(world.active()).toEqual(['lvs1'])
    expect(world.outages).toHaveLength(length)
    expect(world.bothHeld).toEqual([])
  })

  it('one that has just been switched on does not claim either', () => {
    const world = createWorld({ config: pair, witnesses: true })
    world.boot('lvs1')
    world.run(10_000)
    world.cut('lvs2', 'deaf')
    world.boot('lvs2')
    const { length } = world.outages
    world.run(30_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.role('lvs2')).toBe('unfit')
    world.heal('lvs2')
    world.run(5_000)
    expect(world.role('lvs2')).toBe('standby')
    expect(world.outages).toHaveLength(length)
  })

  it('claims as soon as somebody answers while the peer stays silent', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs2', 'deaf')
    world.run(5_000)
    world.crash('lvs1')
    world.run(5_000)
    expect(world.active()).toEqual([])
    world.heal('lvs2')
    const took = world.until(() => world.served(), 5_000)
    expect(took).toBeGreaterThanOrEqual(2 * keepaliveMs)
    expect(took).toBeLessThanOrEqual(2 * keepaliveMs + 150)
    expect(becameActive(world, 'lvs2')).toBe(1)
  })

  it('answers that queued up while it stood still are no evidence that it hears', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs2', 'deaf')
    world.stall('lvs2', 2_000)
    world.run(1_000)
    world.give('lvs2', { kind: 'answered', device: 'eth0', address: gateway, mac: 'mac-gw', to: '192.168.2.15' })
    world.run(20_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(becameActive(world, 'lvs2')).toBe(0)
  })

  it('one that is cut off again and again still finds out that a real server hangs', () => {
    const world = runningAmongNeighbours()
    world.serverHangs('192.168.2.243:80')
    for (let n = 0; n < 20; n++) {
      world.cut('lvs2', 'deaf')
      world.run(1_500)
      world.heal('lvs2')
      world.run(1_000)
    }
    const server = world.hosts.lvs2.state?.health.services[0]?.servers.find((s) => s.key === '192.168.2.243:80')
    expect(server?.health).toBe('down')
  })

  it('a takeover by hand-over to it is refused', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs2', 'deaf')
    world.run(5_000)
    world.order('lvs1', 'hand-over', 5)
    world.run(5_000)
    expect(world.answers).toEqual([{ ticket: 5, refused: 'The other director is unfit and not ready.' }])
    expect(world.active()).toEqual(['lvs1'])
  })
})

describe('an active director that is cut off', () => {
  it('deaf, it lets go by itself, and the standby, which still hears it, takes over', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs1', 'deaf')
    const took = world.until(() => world.served(), 10_000)
    expect(took).toBeLessThanOrEqual(deadtimeMs + keepaliveMs + 150)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.role('lvs1')).toBe('unfit')
    world.run(30_000)
    const { length } = world.outages
    world.heal('lvs1')
    world.run(10_000)
    expect(world.role('lvs1')).toBe('standby')
    expect(world.active()).toEqual(['lvs2'])
    expect(world.outages).toHaveLength(length)
  })

  it('cut both ways, it lets go: while the partition lasts no two serve', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs1')
    world.run(deadtimeMs + 200)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.served()).toBe(true)
    world.run(30_000)
    const { length } = world.outages
    world.heal('lvs1')
    world.run(10_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.outages).toHaveLength(length)
  })

  it('mute, it is taken over, and yields when it hears the new one, which does not hear it', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs1', 'mute')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.served()).toBe(true)
  })

  it('with the whole switch away and back, the one that served serves again', () => {
    const world = runningAmongNeighbours()
    world.cut('lvs1')
    world.cut('lvs2')
    world.run(30_000)
    expect(world.active()).toEqual([])
    world.heal('lvs2')
    world.heal('lvs1')
    expect(world.until(() => world.active().length > 0, 5_000)).toBeLessThanOrEqual(2 * keepaliveMs + 50)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(becameActive(world, 'lvs2')).toBe(0)
  })

  it('a gateway and real servers that vanish long after the peer are no reason to let go', () => {
    const world = runningAmongNeighbours()
    world.crash('lvs1')
    world.run(10_000)
    let asked = 0
    world.onStep((_host, _input, effects) => {
      asked += effects.filter((e) => e.kind === 'ask').length
    })
    world.run(50_000)
    expect(asked).toBeLessThanOrEqual(6)
    world.cut('lvs2')
    world.run(60_000)
    expect(world.active()).toEqual(['lvs2'])
  })
})

describe('a public port that leads nowhere while the private path is whole', () => {
  it('of the active director: it hands over, and does not get the service back until clients get there again', () => {
    const world = runningAmongNeighbours({ ...pairWithPrivatePath, failback: { auto: true, delayMs: 1_000 } })
    world.strand('lvs1', true)
    expect(world.until(() => world.served(), 30_000)).toBeLessThanOrEqual(24_000)
    expect(world.active()).toEqual(['lvs2'])
    const { length } = world.outages
    world.run(120_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(world.role('lvs1')).toBe('unfit')
    expect(world.hosts.lvs1.state?.unfitBecause).toEqual([
      'No neighbour is heard on eth0 any more, while the other director hears them: clients do not get here.',
    ])
    world.strand('lvs1', false)
    world.run(30_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(world.outages).toHaveLength(length)
  })

  it('of the standby: it is unfit, and the service is not disturbed', () => {
    const world = runningAmongNeighbours(pairWithPrivatePath)
    const { length } = world.outages
    world.strand('lvs2', true)
    world.run(60_000)
    expect(world.role('lvs2')).toBe('unfit')
    expect(world.active()).toEqual(['lvs1'])
    world.strand('lvs2', false)
    world.run(20_000)
    expect(world.role('lvs2')).toBe('standby')
    expect(world.outages).toHaveLength(length)
  })

  it('of both: nobody is better, and nothing is moved', () => {
    const world = runningAmongNeighbours(pairWithPrivatePath)
    world.strand('lvs1', true)
    world.strand('lvs2', true)
    world.run(120_000)
    expect(world.active()).toEqual(['lvs1'])
  })
})

describe('two that serve', () => {
  it('the one that is heard does not yield to one that is deaf, though its term is higher', () => {
    const world = runningAmongNeighbours()
    world.run(5_000)
    const lvs2 = world.hosts.lvs2.state
    if (!lvs2) throw new Error('lvs2 does not run')
    world.cut('lvs2', 'deaf')
    // As an agent without witnesses would have claimed it.
    const beat = world.beats.filter((b) => b.host === 'lvs2').at(-1)?.beat
    if (!beat) throw new Error('lvs2 was never heard')
    const sees = { boot: 1, seq: 1, ageMs: 5_000 }
    const { others: _, ...silent } = { ...beat, role: 'active' as const, term: 99, holds: true, sees, usable: 2 }
    world.give('lvs1', { kind: 'heard', path: 'public', beat: { ...silent, seq: beat.seq + 100 } })
    expect(world.active()).toEqual(['lvs1'])
    world.give('lvs1', { kind: 'heard', path: 'public', beat: { ...silent, others: false, seq: beat.seq + 101 } })
    expect(world.active()).toEqual(['lvs1'])
    world.give('lvs1', { kind: 'heard', path: 'public', beat: { ...silent, others: true, seq: beat.seq + 102 } })
    expect(world.active()).toEqual([])
  })
})

describe('where nobody can be asked', () => {
  it('silence on all paths decides alone: a deaf standby claims, and after the heal exactly one serves', () => {
    const world = running()
    world.cut('lvs2', 'deaf')
    world.run(5_000)
    expect(world.active()).toContain('lvs2')
    world.heal('lvs2')
    world.run(10_000)
    expect(world.active()).toHaveLength(1)
    expect(world.served()).toBe(true)
  })

  it('neighbours that never answered tell nothing by their silence', () => {
    const world = running(pairWithPrivatePath)
    world.run(1_000)
    for (const host of ['lvs1', 'lvs2'] as const)
      world.give(host, { kind: 'routed', routes: [{ to: 'default', hop: gateway, device: 'eth0' }] })
    world.run(3_000)
    expect(world.hosts.lvs2.state?.segment.witnesses).toHaveLength(1)
    world.crash('lvs1')
    expect(world.until(() => world.active().includes('lvs2'), 2_000)).toBeLessThanOrEqual(deadtimeMs + 10)
  })
})

describe('a host whose kernel is slow to hand on what arrives', () => {
  const held = /What the network brought lay in this host for \d+ ms/

  for (const privatePath of [false, true])
    it(`serves on as active director, and claims nothing as standby${privatePath ? ', with two paths' : ''}`, () => {
      for (const host of ['lvs1', 'lvs2'] as const)
        for (const ms of [300, deadtimeMs, 900, 1_400, 2_500]) {
          const world = runningAmongNeighbours(privatePath ? pairWithPrivatePath : pair)
          const { length } = world.outages
          world.starve(host, ms)
          world.run(ms + 10_000)
          const says = `${host} hands on nothing for ${ms} ms`
          expect(world.active(), says).toEqual(['lvs1'])
          expect(world.outages, says).toHaveLength(length)
          expect(becameActive(world, 'lvs2'), says).toBe(0)
          expect(
            world.journal.filter((j) => j.event.kind === 'role' && j.event.to === 'unfit'),
            says,
          ).toEqual([])
          expect(world.tellJournal(host).filter((line) => held.test(line)).length, says).toBe(ms < deadtimeMs ? 0 : 1)
        }
    })

  it('claims nothing where there is nobody to ask either', () => {
    const world = running()
    world.starve('lvs2', 1_400)
    world.run(10_000)
    expect(world.active()).toEqual(['lvs1'])
    expect(becameActive(world, 'lvs2')).toBe(0)
  })

  it('takes over from a crashed director as soon as it hears that nothing comes', () => {
    const world = runningAmongNeighbours()
    world.crash('lvs1')
    // Its last beat has arrived.
    world.run(5)
    world.starve('lvs2', 1_400)
    expect(world.until(() => world.active().includes('lvs2'), 5_000)).toBeLessThanOrEqual(1_400 + 2 * keepaliveMs + 10)
  })

  it('is judged as if it could hear after three seconds: it serves nobody', () => {
    for (const waitMs of [0, 500, 1_000, 3_000]) {
      const world = runningAmongNeighbours()
      world.run(waitMs)
      world.starve('lvs1', 8_000)
      expect(world.until(() => world.active().join() === 'lvs2', 8_000)).toBeLessThanOrEqual(5_000)
      world.run(15_000)
      expect(world.active()).toEqual(['lvs2'])
      expect(world.holders()).toEqual(['lvs2'])
    }
  })

  it('whose own loop is slow takes over without delay when neighbours answer, and lets go at last when nobody does', () => {
    const crashed = runningAmongNeighbours()
    crashed.hosts.lvs2.echoMs = 120
    crashed.crash('lvs1')
    expect(crashed.until(() => crashed.active().includes('lvs2'), 5_000)).toBeLessThanOrEqual(deadtimeMs + 10)
    const cut = runningAmongNeighbours()
    cut.hosts.lvs1.echoMs = 120
    cut.cut('lvs1')
    expect(cut.until(() => cut.role('lvs1') === 'unfit', 8_000)).toBeLessThanOrEqual(deadtimeMs + 3_000)
  })

  it('takes silence for what it is where nothing comes back over loopback', () => {
    const world = runningAmongNeighbours()
    for (const host of ['lvs1', 'lvs2'] as const) world.hosts[host].echoMs = null
    world.run(20_000)
    world.cut('lvs1')
    expect(world.until(() => world.active().join() === 'lvs2', 5_000)).not.toBeNull()
    expect(world.role('lvs1')).toBe('unfit')
  })
})

describe('over IPv6', () => {
  it('a standby that is cut off does not claim, an active director that is cut off lets go', () => {
    for (const host of ['lvs1', 'lvs2'] as const) {
      const world = runningAmongNeighbours(pairWithSix)
      world.cut(host, 'deaf')
      world.run(10_000)
      const well = host === 'lvs1' ? 'lvs2' : 'lvs1'
      expect(world.active()).toEqual([well])
      expect(world.holders()).toEqual([well])
      expect(world.role(host)).toBe('unfit')
    }
  })

  it('the gateway is a witness although directors and real servers have IPv4 addresses only', () => {
    const world = runningAmongNeighbours(pairWithSix)
    const six = world.hosts.lvs2.state?.segment.witnesses.filter((n) => n.address === gateway6)
    expect(six).toMatchObject([{ device: 'eth0', answeredMs: expect.any(Number) }])
    const four = runningAmongNeighbours().hosts.lvs2.state?.segment.witnesses
    expect(four?.map((n) => n.address)).not.toContain(gateway6)
  })
})

describe('an address that somebody else has, too', () => {
  it('is said once', () => {
    const world = runningAmongNeighbours()
    const answer = {
      kind: 'answered',
      device: 'eth0',
      address: '192.168.2.27',
      mac: 'mac-rs1',
      to: '192.168.2.15',
    } as const
    world.give('lvs2', answer)
    world.give('lvs2', answer)
    expect(world.tellJournal('lvs2').filter((l) => l.includes('mac-rs1'))).toEqual([
      "192.168.2.27 is also answered by the hardware address mac-rs1, which is neither director's: a real server without arp_ignore, or another host with this address.",
    ])
  })
})
