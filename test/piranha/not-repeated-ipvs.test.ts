/**
 * What the original's pulse and lvsd were seen to do to the kernel, and is not repeated: the same change does the sensible thing to the
 * IPVS table and the addresses. One row per observation; every test runs two directors in the simulator, most from the text of an
 * lvs.cf, and looks at what the simulated kernels were ordered and have.
 */
import { describe, expect, it } from 'vitest'
import type { Config } from '../../domain/config.ts'
import { tableOf } from '../../domain/ipvs/table.ts'
import { check } from '../../domain/lvscf/check.ts'
import { running } from '../simulator/running.ts'
import { createWorld, type HostName, type World } from '../simulator/world.ts'

const hosts = ['lvs1', 'lvs2'] as const
const key = 'tcp 192.168.2.27:80'

interface Virtual {
  readonly name?: string
  readonly lines?: readonly string[]
  readonly servers?: readonly string[]
}

const server = (address: string, ...lines: readonly string[]): string =>
  ` server s${address} {\n  address = 192.168.2.${address}\n  active = 1\n${lines.map((l) => `  ${l}\n`).join('')} }\n`
const both = [server('243'), server('111')]

/** An lvs.cf as people write it, two directors and these virtual servers. */
function file(virtuals: readonly Virtual[] = [{}], ...globals: readonly string[]): string {
  return `serial_no = 1
primary = 192.168.2.117
backup = 192.168.2.15
backup_active = 1
keepalive = 1
deadtime = 3
network = direct
${globals.map((l) => `${l}\n`).join('')}${virtuals
    .map(({ name = 'web', lines = [], servers = both }) => {
      const written = [
        'active = 1',
        'address = 192.168.2.27 eth0:1',
        'vip_nmask = 255.255.255.0',
        'port = 80',
        ...lines,
      ]
      return `virtual ${name} {\n${written.map((l) => ` ${l}\n`).join('')}${servers.join('')}}\n`
    })
    .join('')}`
}

function read(text: string): Config {
  const { config, problems } = check(text)
  if (!config) throw new Error(problems.map(({ code }) => code).join())
  return config
}

const pairOf = (virtuals?: readonly Virtual[], ...globals: readonly string[]): World =>
  running(read(file(virtuals, ...globals)))

/** What the kernels are ordered from here on, by `run`. */
function ordered(world: World, run: () => void): string[] {
  const from = hosts.map((host) => world.hosts[host].applied.length)
  run()
  return hosts.flatMap((host, at) => world.hosts[host].applied.slice(from[at]))
}

const reload = (world: World, virtuals: readonly Virtual[], ...globals: readonly string[]): string[] =>
  ordered(world, () => {
    world.configure({ ...read(file(virtuals, ...globals)), serialNo: 2 }, ...hosts)
    world.run(8_000)
  })

const destinations = (world: World, host: HostName = 'lvs1', of = key): Record<string, number> =>
  Object.fromEntries([...(world.hosts[host].table.get(of)?.destinations ?? [])].map(([k, v]) => [k, v.weight]))
const vips = (world: World, host: HostName): string[] =>
  world.hosts[host].addresses.map((a) => a.address).filter((a) => a !== world.hosts[host].publicAddress)
const foreign = { scheduler: 'rr', destinations: new Map() }
const removals = (commands: readonly string[]): string[] => commands.filter((c) => /^-[dDC]/.test(c))

describe('services of others', () => {
  it('stay at a start, a reload and a stop; lvsd began with ipvsadm -C', () => {
    const world = createWorld({ config: read(file()) })
    world.boot('lvs1')
    world.hosts.lvs1.table.set('tcp 192.168.2.99:25', foreign)
    world.run(10_000)
    world.configure({ ...read(file([{ lines: ['scheduler = rr'] }])), serialNo: 2 }, 'lvs1')
    world.run(5_000)
    world.order('lvs1', 'stop')
    world.run(8_000)
    expect([...world.hosts.lvs1.table.keys()]).toContain('tcp 192.168.2.99:25')
    expect(world.hosts.lvs1.applied.filter((c) => c.startsWith('-C') || c.includes('192.168.2.99'))).toEqual([])
  })
})

describe('a reload', () => {
  it('that takes a real server out takes that one out; lvsd deleted the virtual server and did not add it again', () => {
    const world = pairOf()
    const commands = reload(world, [{ servers: both.slice(1) }])
    expect([...new Set(commands)]).toEqual([`-d -t 192.168.2.27:80 -r 192.168.2.243:80`])
    expect(world.served()).toBe(true)
  })

  it('that changes the port of a real server exchanges that entry (NAT)', () => {
    const world = pairOf([{}], 'network = nat')
    const commands = reload(world, [{ servers: [server('243', 'port = 8080'), server('111')] }], 'network = nat')
    expect(removals(commands)).toEqual(hosts.map(() => '-d -t 192.168.2.27:80 -r 192.168.2.243:80'))
    expect(destinations(world)).toEqual({ '192.168.2.243:8080': 1, '192.168.2.111:80': 1 })
  })

  it('that removes every real server empties the service; lvsd did not notice', () => {
    const world = pairOf()
    reload(world, [{ servers: [] }])
    expect(destinations(world)).toEqual({})
  })

  it.each([
    ['a weight', { servers: [server('243', 'weight = 7'), server('111')] }, /^-e .*243:80 -g -w 7$/],
    ['the scheduler', { lines: ['scheduler = rr'] }, /^-E .*-s rr$/],
    ['persistence', { lines: ['persistent = 300'] }, /^-E .*-p 300$/],
    ['its mask', { lines: ['persistent = 300', 'pmask = 255.255.255.0'] }, /^-E .*-p 300 -M 255\.255\.255\.0$/],
  ])('that changes %s is in force at once, in place; lvsd ignored it until a restart', (_, virtual, line) => {
    const world = pairOf()
    const commands = reload(world, [virtual])
    expect(commands).toHaveLength(hosts.length)
    for (const command of commands) expect(command).toMatch(line)
  })

  it('that adds a virtual server brings its virtual IP up; pulse did so only when it next took over', () => {
    const world = pairOf()
    const mail = { name: 'mail', lines: ['address = 192.168.2.28 eth0:2', 'port = 25'] }
    expect(removals(reload(world, [{}, mail]))).toEqual([])
    expect(vips(world, 'lvs1')).toEqual(['192.168.2.27', '192.168.2.28'])
    expect(vips(world, 'lvs2')).toEqual([])
  })

  it('that removes a virtual server takes its virtual IP down; pulse left it until it let go', () => {
    const mail = { name: 'mail', lines: ['address = 192.168.2.28 eth0:2', 'port = 25'] }
    const world = pairOf([{}, mail])
    expect(vips(world, 'lvs1')).toHaveLength(2)
    expect(removals(reload(world, [{}]))).toEqual(hosts.map(() => '-D -t 192.168.2.28:25'))
    expect(vips(world, 'lvs1')).toEqual(['192.168.2.27'])
  })

  it('that moves a virtual server to another virtual IP moves the address too', () => {
    const world = pairOf()
    reload(world, [{ lines: ['address = 192.168.2.30 eth0:1'] }])
    expect(vips(world, 'lvs1')).toEqual(['192.168.2.30'])
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['tcp 192.168.2.30:80'])
  })

  it('that changes the netmask of a virtual IP puts the address up with the new one', () => {
    const world = pairOf()
    reload(world, [{ lines: ['vip_nmask = 255.255.255.255'] }])
    expect(world.hosts.lvs1.addresses.find((a) => a.address === '192.168.2.27')?.prefix).toBe(32)
  })

  it('that turns a service into a firewall mark removes what it made before; lvsd removed what it had never made', () => {
    const world = pairOf()
    const commands = reload(world, [{ lines: ['fwmark = 5'] }])
    expect(removals(commands)).toEqual(hosts.map(() => '-D -t 192.168.2.27:80'))
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['fwmark 5'])
  })

  it('that swaps two virtual servers, or puts one before another, changes nothing of them; lvsd tore them down', () => {
    const [web, mail] = [{}, { name: 'mail', lines: ['port = 25'] }]
    const world = pairOf([web, mail])
    expect(reload(world, [mail, web])).toEqual([])
    const dns = { name: 'dns', lines: ['port = 53', 'protocol = udp', 'send = "x"', 'expect = "*"'] }
    const commands = reload(world, [dns, mail, web])
    expect(commands.filter((c) => !c.includes('-u 192.168.2.27:53'))).toEqual([])
  })

  it('of a file that cannot be read leaves everything as it is', () => {
    const world = pairOf()
    const commands = ordered(world, () => {
      for (const host of hosts) world.give(host, { kind: 'misconfigured', says: ['line 3: ?'], hasKey: true })
      world.run(5_000)
    })
    expect(commands).toEqual([])
    expect(world.served()).toBe(true)
  })

  it('on the standby is done, and it still takes over; pulse span for ever at 100 % and ignored SIGTERM', () => {
    const world = pairOf()
    world.order('lvs2', 'reload', 9)
    world.run(2_000)
    expect(world.answers.find((a) => a.ticket === 9)).toEqual({ ticket: 9 })
    world.crash('lvs1')
    world.run(6_000)
    expect(world.active()).toEqual(['lvs2'])
    world.order('lvs2', 'stop')
    world.run(6_000)
    expect(world.hosts.lvs2.processUp).toBe(false)
  })
})

describe('real servers', () => {
  it('are in the table of a director that takes over, checked; lvsd built it then, as each nanny had its first success', () => {
    const world = pairOf()
    expect(destinations(world, 'lvs2')).toEqual({ '192.168.2.243:80': 1, '192.168.2.111:80': 1 })
    const commands = ordered(world, () => {
      world.crash('lvs1')
      world.run(5_000)
    })
    expect(commands).toEqual([])
  })

  it('start with their whole weight; nanny took up to two minutes, whether it was asked for or not', () => {
    const world = pairOf([{ servers: [server('243', 'weight = 100'), server('111', 'weight = 100')] }])
    expect(Object.values(destinations(world))).toEqual([100, 100])
    world.serverDown('192.168.2.243:80')
    world.run(15_000)
    world.serverUp('192.168.2.243:80')
    world.until(() => '192.168.2.243:80' in destinations(world), 400_000)
    expect(destinations(world)['192.168.2.243:80']).toBe(100)
  })

  it('with weight 0 get weight 0; nanny made it 1', () => {
    const world = pairOf([{ servers: [server('243', 'weight = 0'), server('111')] }])
    expect(destinations(world)).toEqual({ '192.168.2.243:80': 0, '192.168.2.111:80': 1 })
  })

  it('with another port under direct routing are refused when the file is read; nanny brought everything down when ipvsadm failed', () => {
    const { config, problems } = check(file([{ servers: [server('243', 'port = 8080')] }]))
    expect(config).toBeUndefined()
    expect(problems.map((p) => p.code)).toContain('lvscf-port-differs')
  })

  it('that ipvsadm refuses are tried again while all others are served; nanny ended, and lvsd with it', () => {
    const world = pairOf()
    world.hosts.lvs1.loseApplies = 3
    world.hosts.lvs1.table.delete(key)
    world.run(10_000)
    expect(Object.keys(destinations(world))).toHaveLength(2)
    expect(world.active()).toEqual(['lvs1'])
  })

  it('named twice are one, as with lvsd', () => {
    const [service] = tableOf({
      ...read(file()),
      virtualServers: read(file()).virtualServers.map((v) => ({
        ...v,
        realServers: [...v.realServers, ...v.realServers],
      })),
    })
    expect(service?.destinations).toHaveLength(2)
  })
})

describe('the sorry server', () => {
  const sorry = { lines: ['sorry_server = 192.168.2.99', 'reentry = 10'] }
  const isIn = (world: World): boolean => '192.168.2.99:80' in destinations(world)

  it('is not put in at a start; lvsd added it every time and took it out up to five seconds later', () => {
    const world = pairOf([sorry])
    expect(world.hosts.lvs1.applied.filter((c) => c.includes('192.168.2.99'))).toEqual([])
  })

  it('stands in with the check that finds the last real server down, and goes with the one that finds the first up', () => {
    const world = pairOf([sorry])
    world.serverDown('192.168.2.243:80')
    world.serverDown('192.168.2.111:80')
    world.until(() => isIn(world), 60_000)
    expect(destinations(world)).toEqual({ '192.168.2.99:80': 1 })
    world.serverUp('192.168.2.111:80')
    world.until(() => '192.168.2.111:80' in destinations(world), 60_000)
    expect(destinations(world)).toEqual({ '192.168.2.111:80': 1 })
  })

  it('stands in when every real server is only quiesced', () => {
    const world = pairOf([{ lines: [...sorry.lines, 'quiesce_server = 1'] }])
    world.serverDown('192.168.2.243:80')
    world.serverDown('192.168.2.111:80')
    world.run(30_000)
    expect(destinations(world)).toEqual({ '192.168.2.243:80': 0, '192.168.2.111:80': 0, '192.168.2.99:80': 1 })
  })
})

describe('firewall marks', () => {
  it('of two virtual servers are one service with both ports; the second ipvsadm -A of lvsd failed', () => {
    const world = createWorld({
      config: read(file([{ lines: ['fwmark = 5'] }, { name: 'https', lines: ['fwmark = 5', 'port = 443'] }])),
    })
    world.boot('lvs1')
    world.run(10_000)
    expect([...world.hosts.lvs1.table.keys()]).toEqual(['fwmark 5'])
    expect(world.hosts.lvs1.marks?.lines).toHaveLength(2)
  })

  it('are set by the directors; with Piranha the administrator wrote the rules on each of them', () => {
    const world = createWorld({ config: read(file([{ lines: ['fwmark = 5'] }])) })
    for (const host of hosts) world.boot(host)
    world.run(10_000)
    for (const host of hosts) expect(world.hosts[host].marks?.lines).toEqual(['192.168.2.27 tcp 80 → 5'])
  })
})

describe('weights by load', () => {
  it('go below the weight of a loaded server and do not creep up for an idle one; nanny did both the other way round', () => {
    const virtual = {
      lines: ['load_monitor = ruptime'],
      servers: [server('243', 'weight = 100'), server('111', 'weight = 100')],
    }
    const world = pairOf([virtual])
    world.loads.set('192.168.2.243', 4)
    world.loads.set('192.168.2.111', 0.1)
    world.run(600_000)
    expect(destinations(world)['192.168.2.243:80']).toBeLessThan(50)
    expect(destinations(world)['192.168.2.111:80']).toBeLessThanOrEqual(150)
  })
})

describe('virtual IPs', () => {
  it('left by a crash are gone when the director comes back as standby; pulse left them, an address twice', () => {
    const world = pairOf()
    world.crash('lvs1')
    world.run(6_000)
    expect(world.active()).toEqual(['lvs2'])
    world.boot('lvs1')
    world.hosts.lvs1.addresses.push({ address: '192.168.2.27', prefix: 24, device: 'eth0', label: 'eth0:1' })
    expect(world.holders()).toEqual(['lvs1', 'lvs2'])
    world.run(6_000)
    expect(world.holders()).toEqual(['lvs2'])
    expect(world.active()).toEqual(['lvs2'])
  })

  it('go over at once when the agent is stopped; pulse said no goodbye, the other waited for deadtime', () => {
    const world = pairOf()
    world.order('lvs1', 'stop')
    expect(world.until(() => world.active().join() === 'lvs2' && world.served(), 3_000)).toBeLessThan(1_000)
  })
})
