/** Marking rules, the sync daemon, kernel settings and missing schedulers: what is around the table on both directors. */
import { describe, expect, it } from 'vitest'
import type { Config } from '../../domain/config.ts'
import { pair, web, withWeb } from '../../test/simulator/clusters.ts'
import { running } from '../../test/simulator/running.ts'
import { createWorld, type HostName, type World } from '../../test/simulator/world.ts'

const marked = withWeb(pair, { fwmark: 80, persistentS: 300, markPorts: [80, 443].map((p) => ({ from: p, to: p })) })
const synced: Config = { ...pair, syncDaemon: { device: 'eth1', id: 7 } }
const hosts = ['lvs1', 'lvs2'] as const
const drifts = (world: World, host: HostName): string[] =>
  world.journal.flatMap((j) => (j.host === host && j.event.kind === 'drift' ? [...j.event.differences] : []))
/** Both on, without the simulated client, which knows no marks. */
function settled(config: Config): World {
  const world = createWorld({ config })
  world.boot('lvs1')
  world.boot('lvs2')
  world.run(10_000)
  expect(world.active()).toEqual(['lvs1'])
  return world
}

describe('marking rules', () => {
  it('are on both directors, for every port of the group', () => {
    const world = settled(marked)
    for (const host of hosts)
      expect(world.hosts[host].marks).toEqual({
        lines: ['192.168.2.27 tcp 80 → 80', '192.168.2.27 tcp 443 → 80'],
        hooked: true,
      })
    // A group keeps the port that the client asked for: the real servers have none of their own.
    expect([...(world.hosts.lvs1.table.get('fwmark 80')?.destinations.keys() ?? [])]).toEqual([
      '192.168.2.243:0',
      '192.168.2.111:0',
    ])
  })

  it('are the same from two virtual servers of one mark', () => {
    const [one, other] = [web, { ...web, name: 'https', port: 443 }].map((v) => ({ ...v, fwmark: 80 }))
    if (!one || !other) throw new Error('two are meant')
    const world = settled({ ...pair, virtualServers: [one, other] })
    expect(world.hosts.lvs2.marks?.lines).toEqual(['192.168.2.27 tcp 80 → 80', '192.168.2.27 tcp 443 → 80'])
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['fwmark 80'])
  })

  it('that somebody took away are said and put back', () => {
    const world = settled(marked)
    Object.assign(world.hosts.lvs1, { marks: null })
    world.run(6_000)
    expect(world.hosts.lvs1.marks?.lines).toHaveLength(2)
    expect(drifts(world, 'lvs1')).toEqual([
      'the mark 192.168.2.27 tcp 80 → 80 is missing',
      'the mark 192.168.2.27 tcp 443 → 80 is missing',
    ])
    world.hosts.lvs2.marks = { lines: world.hosts.lvs2.marks?.lines ?? [], hooked: false }
    world.run(6_000)
    expect(world.hosts.lvs2.marks.hooked).toBe(true)
    expect(drifts(world, 'lvs2')).toEqual(['packets do not pass our marking rules'])
  })

  it('that are taken away while something else is being repaired are said, too', () => {
    const both = { ...marked, syncDaemon: { device: 'eth1', id: 7 } }
    const world = settled(both)
    const { lvs1 } = world.hosts
    world.onStep((host, _, effects) => {
      if (host === 'lvs1' && effects.some((e) => e.kind === 'arrange' && e.arrangement.sync)) lvs1.marks = null
    })
    Object.assign(lvs1, { sync: [] })
    world.run(12_000)
    expect(drifts(world, 'lvs1')).toEqual([
      'the sync daemon does not run as master on eth1 with id 7',
      'the mark 192.168.2.27 tcp 80 → 80 is missing',
      'the mark 192.168.2.27 tcp 443 → 80 is missing',
    ])
    expect(lvs1.marks?.lines).toHaveLength(2)
  })

  it('go when no mark is wanted any more, without being called drift', () => {
    const world = settled(marked)
    world.configure({ ...pair, serialNo: 2 }, 'lvs1', 'lvs2')
    world.run(3_000)
    for (const host of hosts) {
      expect(world.hosts[host].marks).toBeNull()
      expect(drifts(world, host)).toEqual([])
      expect([...world.hosts[host].table.keys()]).toEqual(['tcp 192.168.2.27:80'])
    }
  })

  it('left by an earlier run go too', () => {
    const world = createWorld({ config: pair })
    world.boot('lvs1')
    world.hosts.lvs1.marks = { lines: ['192.168.2.27 tcp 80 → 80'], hooked: true }
    world.run(5_000)
    expect(world.hosts.lvs1.marks).toBeNull()
  })

  it('are not looked for again where no file asks for any', () => {
    const world = settled(pair)
    const surveys: string[] = []
    world.onStep((host, _, effects) => {
      if (effects.some((e) => e.kind === 'survey')) surveys.push(host)
    })
    world.run(60_000)
    expect(surveys).toEqual([])
  })
})

describe('the sync daemon', () => {
  const roles = (world: World): (string | undefined)[] =>
    hosts.map((host) => world.hosts[host].sync.map((d) => `${d.role} ${d.device} ${d.id}`).join())

  it('sends on the active director and receives on the standby', () => {
    const world = running(synced)
    expect(roles(world)).toEqual(['master eth1 7', 'backup eth1 7'])
  })

  it('follows a hand-over', () => {
    const world = running(synced)
    world.order('lvs1', 'hand-over')
    world.run(5_000)
    expect(world.active()).toEqual(['lvs2'])
    expect(roles(world)).toEqual(['backup eth1 7', 'master eth1 7'])
    expect(drifts(world, 'lvs1')).toEqual([])
  })

  it('that was stopped behind our back runs again, and it is said', () => {
    const world = running(synced)
    world.hosts.lvs2.sync = []
    world.run(6_000)
    expect(roles(world)).toEqual(['master eth1 7', 'backup eth1 7'])
    expect(drifts(world, 'lvs2')).toEqual(['the sync daemon does not run as backup on eth1 with id 7'])
  })

  it('is stopped when the file no longer asks for it, and another one is left alone', () => {
    const world = running(synced)
    world.configure({ ...pair, serialNo: 2 }, 'lvs1', 'lvs2')
    world.run(3_000)
    expect(roles(world)).toEqual(['', ''])
    const foreign = createWorld({ config: pair })
    foreign.boot('lvs1')
    foreign.hosts.lvs1.sync = [{ role: 'master', device: 'eth0', id: 51 }]
    foreign.run(10_000)
    expect(foreign.hosts.lvs1.sync).toHaveLength(1)
  })

  it('makes a standby synchronised some time after it began to receive', () => {
    const world = createWorld({ config: synced })
    world.boot('lvs1')
    world.run(5_000)
    world.boot('lvs2')
    world.run(3_000)
    const said = (): boolean | undefined => world.beats.findLast((b) => b.host === 'lvs2')?.beat.synced
    expect(said()).toBe(false)
    world.run(12_000)
    expect(said()).toBe(true)
  })

  it('that cannot be started is said once and keeps nobody waiting', () => {
    const world = createWorld({ config: synced })
    world.boot('lvs1')
    world.hosts.lvs2.failSync = true
    world.boot('lvs2')
    world.run(60_000)
    const troubles = world.journal.filter((j) => j.host === 'lvs2' && j.event.kind === 'trouble')
    expect(troubles.map((j) => j.event)).toEqual([
      { kind: 'trouble', says: 'ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 7: No such device' },
    ])
    expect(world.beats.findLast((b) => b.host === 'lvs2')?.beat.synced).toBe(true)
  })
})

describe('kernel settings', () => {
  it('let go of the persistent clients of a server that is only quiesced', () => {
    const world = running(withWeb(pair, { quiesce: true, persistentS: 300 }))
    for (const host of hosts) expect([...world.hosts[host].settings]).toEqual([['expire_quiescent_template', '1']])
  })

  it('are what the file says, and put back when somebody changes them', () => {
    const world = running({ ...pair, expireNodest: true, expireQuiescent: false })
    world.hosts.lvs1.settings.set('expire_nodest_conn', '0')
    world.run(6_000)
    expect(world.hosts.lvs1.settings.get('expire_nodest_conn')).toBe('1')
    expect(drifts(world, 'lvs1')).toEqual(['expire_nodest_conn is 0 instead of 1'])
  })

  it('are left alone where the file says nothing', () => {
    expect([...running().hosts.lvs1.settings]).toEqual([])
  })
})

describe('a scheduler this kernel does not have', () => {
  const other = { ...web, name: 'dns', port: 53, scheduler: 'twos' }

  it('is said before anything is applied; the other virtual servers are served', () => {
    const world = createWorld({ config: { ...pair, virtualServers: [web, other] }, missing: ['twos'] })
    world.boot('lvs1')
    world.run(5_000)
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['tcp 192.168.2.27:80'])
    expect(world.hosts.lvs1.applied.some((c) => c.includes('twos'))).toBe(false)
    expect(world.journal.filter((j) => j.event.kind === 'trouble').map((j) => j.event)).toEqual([
      { kind: 'trouble', says: 'The scheduler twos is not in this kernel (no module ip_vs_twos).' },
    ])
    expect(world.active()).toEqual(['lvs1'])
  })

  it('in a new file leaves the file that runs in force', () => {
    const world = running(pair, { missing: ['twos'] })
    world.configure({ ...pair, serialNo: 2, virtualServers: [web, other] }, 'lvs1', 'lvs2')
    world.run(2_000)
    expect(world.hosts.lvs1.state?.config?.serialNo).toBe(1)
    expect(world.served()).toBe(true)
  })
})

describe('timeouts of the kernel', () => {
  it('are set with the file, and go back to those of the kernel when it no longer says any', () => {
    const set: unknown[] = []
    const world = running({ ...pair, timeouts: { tcpS: 1_800, tcpFinS: 0, udpS: 0 } })
    world.onStep((host, _, effects) => {
      for (const e of effects) if (host === 'lvs1' && e.kind === 'apply' && e.timeouts) set.push(e.timeouts)
    })
    world.configure({ ...pair, serialNo: 2 }, 'lvs1')
    world.run(1_000)
    expect(set).toEqual([{ tcpS: 900, tcpFinS: 0, udpS: 0 }])
  })
})
