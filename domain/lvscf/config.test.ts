/** What a file means: values as the original reads them, its defaults, and what contradicts itself. */
import { describe, expect, test } from 'vitest'
import { isPiranhas } from '../checks.ts'
import type { Config } from '../config.ts'
import { check } from './check.ts'
import { unescaped } from './check-reading.ts'

const head = 'primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\nnetwork = direct\n'
const nat = head.replace('direct', 'nat')
const server = 'server a {\naddress = 10.0.0.1\nactive = 1\n}\n'
const virtual = (lines: string, servers = server): string =>
  `virtual web {\nactive = 1\naddress = 192.0.2.9 eth0:1\n${lines}\n${servers}}\n`

function told(text: string): string[] {
  return check(text).problems.map((one) => {
    const line = one.where?.kind === 'text' ? one.where.line : 0
    return `${line} ${one.severity} ${one.code.replace('lvscf-', '')}`
  })
}

function meant(text: string): Config {
  const { config, problems } = check(text)
  if (!config) throw new Error(JSON.stringify(problems))
  return config
}

test('a plain file means what Piranha made of it, with its defaults', () => {
  expect(meant(head + virtual(''))).toEqual({
    serialNo: 0,
    primary: { public: '192.0.2.1' },
    backup: { public: '192.0.2.2' },
    backupActive: true,
    heartbeat: { port: 539, keepaliveMs: 2_000, deadtimeMs: 5_000 },
    forwarding: 'direct',
    monitorLinks: false,
    timeouts: { tcpS: 0, tcpFinS: 0, udpS: 0 },
    failback: { auto: false, delayMs: 10_000 },
    announce: { burst: 5, repeatMs: [100, 500, 1_000, 2_000], refreshMs: 30_000 },
    virtualServers: [
      {
        name: 'web',
        active: true,
        vip: { address: '192.0.2.9', device: 'eth0:1' },
        protocol: 'tcp',
        port: 80,
        scheduler: 'wlc',
        quiesce: false,
        check: {
          kind: 'send-expect',
          send: 'GET / HTTP/1.0\r\n\r\n',
          expect: 'HTTP',
          regex: false,
          intervalMs: 10_000,
          timeoutMs: 10_000,
          rise: 18,
          fall: 1,
        },
        realServers: [{ name: 'a', active: true, address: '10.0.0.1', port: 80, weight: 1 }],
      },
    ],
  })
  expect(told(head + virtual(''))).toEqual([])
})

test('everything that can be said is understood', () => {
  const text = `serial_no = 7
primary = 192.0.2.1
primary_private = 10.1.0.1
backup = 192.0.2.2
backup_private = 10.1.0.2
backup_active = 1
heartbeat_port = 1050
keepalive = 6
deadtime = 18
# shoal: keepalive_ms = 200
# shoal: deadtime_ms = 700
# shoal: failback = on
# shoal: failback_delay_ms = 5000
# shoal: announce_burst = 3
# shoal: announce_repeat_ms = 50, 200,1000
# shoal: announce_refresh_ms = 0
network = nat
nat_router = 10.9.0.254 eth1:1
nat_nmask = 255.255.255.0
monitor_links = 1
syncdaemon = 1
syncd_iface = eth2
syncd_id = 9
tcp_timeout = 900
tcpfin_timeout = 120
udp_timeout = 300
virtual dns {
 active = 1
 address = 192.0.2.9 eth0:1
 vip_nmask = 255.255.255.255
 protocol = udp
 port = domain
 fwmark = 3
 scheduler = lblcr
 persistent = 300
 pmask = 255.255.0.0
 send = "\\r\\n\\t\\\\\\"x"
 expect = '^a'
 use_regex = 1
 sorry_server = 10.9.0.99
 load_monitor = rup
 quiesce_server = 1
 timeout = 6
 reentry = 15
 # shoal: check_interval_ms = 500
 # shoal: check_timeout_ms = 300
 # shoal: rise = 4
 # shoal: fall = 3
 server a {
  address = 10.9.0.1
  active = 1
  port = 5353
  weight = 10
 }
}
`
  const config = meant(text)
  expect(config).toMatchObject({
    serialNo: 7,
    primary: { public: '192.0.2.1', private: '10.1.0.1' },
    backup: { public: '192.0.2.2', private: '10.1.0.2' },
    heartbeat: { port: 1050, keepaliveMs: 200, deadtimeMs: 700 },
    forwarding: 'nat',
    natRouter: { address: '10.9.0.254', device: 'eth1:1', prefix: 24 },
    monitorLinks: true,
    syncDaemon: { device: 'eth2', id: 9 },
    timeouts: { tcpS: 900, tcpFinS: 120, udpS: 300 },
    failback: { auto: true, delayMs: 5_000 },
    announce: { burst: 3, repeatMs: [50, 200, 1_000], refreshMs: 0 },
  })
  expect(config.virtualServers[0]).toEqual({
    name: 'dns',
    active: true,
    vip: { address: '192.0.2.9', device: 'eth0:1', prefix: 32 },
    protocol: 'udp',
    port: 53,
    fwmark: 3,
    scheduler: 'lblcr',
    persistentS: 300,
    persistentPrefix: 16,
    sorryServer: '10.9.0.99',
    quiesce: true,
    loadMonitor: 'rup',
    loadPort: 5391,
    check: {
      kind: 'send-expect',
      send: '\r\n\t\\"x',
      expect: '^a',
      regex: true,
      intervalMs: 500,
      timeoutMs: 300,
      rise: 4,
      fall: 3,
    },
    realServers: [{ name: 'a', active: true, address: '10.9.0.1', port: 5353, weight: 10 }],
  })
})

describe('values are read as Piranha reads them', () => {
  test('octal and hexadecimal numbers, short addresses', () => {
    const config = meant(`${head}keepalive = 0x1\ndeadtime = 010\nserial_no = 017\n${virtual('')}`)
    expect(config.heartbeat).toMatchObject({ keepaliveMs: 1_000, deadtimeMs: 8_000 })
    expect(config.serialNo).toBe(15)
    expect(meant(`primary = 10.1\n${virtual('').replace('10.0.0.1', '10.0.0.2')}`).primary).toEqual({
      public: '10.0.0.1',
    })
    expect(told(`${head}deadtime = 010\n${virtual('')}`)).toEqual(['5 warning octal'])
    expect(told('primary = 010.0.0.1\n')).toContain('1 warning address-form')
  })

  test('the last of repeated keys, and it says so', () => {
    expect(meant(`${head}deadtime = 9\ndeadtime = 7\n${virtual('')}`).heartbeat.deadtimeMs).toBe(7_000)
    expect(told(`${head}deadtime = 9\ndeadtime = 7\n${virtual('')}`)).toEqual(['6 warning repeated'])
  })

  test('reentry is a number of checks', () => {
    const rise = (lines: string): number | undefined => meant(head + virtual(lines)).virtualServers[0]?.check.rise
    expect(rise('timeout = 6\nreentry = 15')).toBe(2)
    expect(rise('timeout = 6\nreentry = 5')).toBe(1)
    expect(rise('timeout = 6\nreentry = 0')).toBe(30)
  })

  test('a check is what is given, and on port 80 the page when nothing is', () => {
    const kind = (lines: string): unknown => {
      const found = meant(head + virtual(lines)).virtualServers[0]?.check
      if (!found || !isPiranhas<object>(found)) return found?.kind
      return [found.kind, found.send, found.expect, found.program]
    }
    expect(kind('port = 25')).toEqual(['connect', undefined, undefined, undefined])
    expect(kind('port = 25\nexpect = "220"')).toEqual(['send-expect', undefined, '220', undefined])
    expect(kind('send = "x"')).toEqual(['send-expect', 'x', undefined, undefined])
    expect(kind('send = "x"\nsend_program = "/bin/c %h"\nexpect = "OK"')).toEqual([
      'program',
      undefined,
      'OK',
      '/bin/c %h',
    ])
  })

  test('escapes are translated, unknown ones taken literally', () => {
    expect(unescaped('a\\r\\n\\t\\\\\\\'\\"')).toEqual({ text: 'a\r\n\t\\\'"' })
    expect(unescaped('a\\.b')).toEqual({ text: 'a\\.b', unknown: '\\.' })
    expect(unescaped('ab\\')).toEqual({ text: 'ab\\', unknown: '\\' })
    expect(unescaped('\\')).toEqual({ text: '\\' })
  })
})

describe('what is wrong is told, at its line', () => {
  test.for<[what: string, text: string, problems: string[]]>([
    ['no primary', 'network = direct\n', ['1 block primary-missing', '1 warning nothing-active']],
    ['number', `${head}keepalive = x\n${virtual('')}`, ['5 block not-a-number']],
    ['negative', `${head}keepalive = -1\n${virtual('')}`, ['5 block out-of-range']],
    ['switch', `${head}syncdaemon = yes\n${virtual('')}`, ['5 block not-a-switch']],
    ['unused switch', `${head}heartbeat = 2\n${virtual('')}`, ['5 warning not-a-switch']],
    ['unused choice', `${head}reservation_conflict_action = x\n${virtual('')}`, ['5 warning not-a-choice']],
    [
      'choice',
      `${head}network = NAT\n${virtual('')}`,
      ['5 warning repeated', '5 block not-a-choice', '5 warning nat-router-missing'],
    ],
    ['port name', head + virtual('port = nosuch'), ['8 block not-a-port']],
    ['port', head + virtual('port = 70000'), ['8 block out-of-range']],
    ['host name', 'primary = lvs1.example\n', ['1 block host-name', '1 warning nothing-active']],
    ['IPv6', 'primary = 2001:db8::1\n', ['1 block address-ipv6', '1 warning nothing-active']],
    ['address', 'primary = 1.2.3.400\n', ['1 block not-an-address', '1 warning nothing-active']],
    ['mask', head + virtual('vip_nmask = foo'), ['8 block not-a-mask']],
    ['mask with gaps', head + virtual('vip_nmask = 255.0.255.0'), ['8 block mask-gaps']],
    ['pmask', head + virtual('persistent = 9\npmask = x'), ['9 warning pmask-ignored']],
    ['pmask alone', head + virtual('pmask = 255.255.255.0'), ['8 note pmask-unused']],
    ['device', head + virtual('').replace('eth0:1', 'averyveryverylongname:1'), ['7 block device-name']],
    ['no label', head + virtual('').replace('eth0:1', 'eth0'), ['7 warning device-without-label']],
    ['scheduler', head + virtual('scheduler = fastest'), ['8 block scheduler-unknown']],
    ['new scheduler', head + virtual('scheduler = mh'), ['8 warning scheduler-newer']],
    ['escape', head + virtual('send = "a\\.b"\nexpect = "x"'), ['8 warning escape-unknown']],
    ['regex', head + virtual('expect = "a("\nsend = "x"\nuse_regex = 1'), ['8 warning regex-broken']],
    ['timeout', head + virtual('timeout = 0'), ['8 block out-of-range']],
    ['weight', head + virtual('', server.replace('}', 'weight = -1\n}')), ['12 block out-of-range']],
    ['deadtime', `${head}keepalive = 30\ndeadtime = 18\n${virtual('')}`, ['6 block deadtime-short']],
    ['deadtime in ms', `${head}# shoal: deadtime_ms = 2000\n${virtual('')}`, ['5 block deadtime-short']],
    ['tight deadtime', `${head}keepalive = 10\ndeadtime = 18\n${virtual('')}`, ['6 warning deadtime-tight']],
    [
      'backup',
      `primary = 192.0.2.1\nbackup_active = 1\nnetwork = direct\n${virtual('')}`,
      ['2 warning backup-missing'],
    ],
    ['equal directors', `${head.replace('192.0.2.2', '192.0.2.1')}${virtual('')}`, ['2 block directors-equal']],
    ['half a private path', `${head}backup_private = 10.1.0.2\n${virtual('')}`, ['5 warning private-half']],
    ['sync id', `${head}syncdaemon = 1\nsyncd_id = 300\n${virtual('')}`, ['6 warning sync-id']],
    ['fos', `${head}service = fos\n${virtual('')}`, ['5 block fos']],
    ['commands', `${head}active_cmd = "/bin/x"\n${virtual('')}`, ['5 note not-run']],
    ['nat router', `${head.replace('direct', 'nat')}${virtual('')}`, ['4 warning nat-router-missing']],
    [
      'outside of nat',
      `${head.replace('direct', 'nat')}nat_router = 10.9.0.1 eth1:1\nnat_nmask = 255.255.255.0\n${virtual('')}`,
      ['12 warning server-outside-nat'],
    ],
    [
      'all of several outside of nat',
      `${nat}nat_router = 10.9.0.1 eth1:1\nnat_nmask = 255.255.255.0\n${virtual('', server + server.replace(' a ', ' b ').replace('0.1', '0.2'))}`,
      ['7 warning server-outside-nat'],
    ],
    [
      'nat router is a real server',
      `${nat}nat_router = 10.0.0.1 eth1:1\nnat_nmask = 255.255.255.0\n${virtual('')}`,
      ['5 block nat-router-taken'],
    ],
    ['nat router is a director', `${nat}nat_router = 192.0.2.2 eth1:1\n${virtual('')}`, ['5 block nat-router-taken']],
    [
      'nat router no director reaches',
      `${nat}nat_router = 10.0.0.9 eth1:1\nnat_nmask = 255.255.255.0\nprimary_private = 10.1.0.1\nbackup_private = 10.0.0.8\n${virtual('')}`,
      ['5 warning nat-router-unreachable'],
    ],
    ['a mark for ports that belong together', head + virtual('fwmark = 3\npersistent = 60'), []],
    ['no servers', head + virtual('', ''), ['5 warning no-real-servers']],
    [
      'all weights 0',
      head + virtual('', server.replace('}', 'weight = 0\n}')),
      ['5 warning weights-zero', '12 note weight-zero'],
    ],
    ['other port', head + virtual('', server.replace('}', 'port = 8080\n}')), ['12 block port-differs']],
    ['server twice', head + virtual('', server + server.replace(' a ', ' b ')), ['14 block server-twice']],
    ['names', head + virtual('', server + server.replace('10.0.0.1', '10.0.0.2')), ['13 warning name-twice']],
    ['order of the port', head + virtual('', `${server}port = 8080\n`), ['9 warning port-order']],
    ['VIP is director', head + virtual('').replace('192.0.2.9', '192.0.2.2'), ['7 block vip-is-director']],
    ['VIP is server', head + virtual('').replace('192.0.2.9', '10.0.0.1'), ['7 block vip-is-server']],
    ['service twice', head + virtual('') + virtual('').replace('web', 'www'), ['16 block service-twice']],
    [
      'other protocol',
      head + virtual('') + virtual('protocol = udp\nsend = "x"\nexpect = "*"').replace('web', 'dns'),
      [],
    ],
    [
      'mark twice',
      head + virtual('fwmark = 3') + virtual('fwmark = 3\nport = 81').replace('web', 'www'),
      ['8 note mark-without-persistent', '17 note mark-without-persistent', '17 note mark-twice'],
    ],
    [
      'other device',
      head + virtual('') + virtual('port = 25').replace('web', 'm').replace('eth0:1', 'eth0:2'),
      ['16 warning vip-devices'],
    ],
    ['udp unchecked', head + virtual('protocol = udp\nport = 53'), ['8 warning udp-unchecked']],
    ['expect alone', head + virtual('expect = "HTTP"'), ['8 warning expect-without-send']],
    ['banner', head + virtual('expect = "220"\nport = 25'), []],
    ['program alone', head + virtual('send_program = "/bin/c"'), ['8 warning program-without-expect']],
    ['sticky hash', head + virtual('scheduler = sh\npersistent = 9'), ['9 note persistent-hash']],
    ['failover', `${head}${virtual('')}failover f {\n}\n`, ['14 note failover-block']],
    ['own value', `${head}# shoal: announce_repeat_ms = 5,4\n${virtual('')}`, ['5 block own-value']],
  ])('%s', ([, text, problems]) => {
    expect(told(text)).toEqual(problems)
  })
})

describe('what is not in service', () => {
  test('does not block, and what is broken in it is left out', () => {
    const text = `${head}${virtual('')}virtual draft {\n scheduler = x\n address = 192.0.2.9 eth0:1\n}\nvirtual new {\n}\n`
    expect(told(text)).toEqual(['15 warning scheduler-unknown', '18 note address-zero'])
    expect(meant(text).virtualServers.map((one) => one.name)).toEqual(['web'])
  })

  test('is kept when it is sound', () => {
    const text = `${head}${virtual('', `${server}server b {\naddress = 10.0.0.2\n}\nserver c {\naddress = x\n}\n`)}virtual later {\naddress = 192.0.2.9 eth0:1\n}\n`
    const config = meant(text)
    expect(config.virtualServers.map((one) => [one.name, one.active])).toEqual([
      ['web', true],
      ['later', false],
    ])
    expect(config.virtualServers[0]?.realServers.map((one) => [one.name, one.active])).toEqual([
      ['a', true],
      ['b', false],
    ])
  })
})

test('metrics are offered over TCP only where the file says so, at an address and a port', () => {
  const file = (value: string): string => `primary = 10.0.0.1\nservice = lvs\n# shoal: metrics_listen = ${value}\n`
  expect(meant(file('10.0.0.1:9539')).metricsListen).toEqual({ address: '10.0.0.1', port: 9539 })
  expect(meant(head)).not.toHaveProperty('metricsListen')
  for (const value of ['9539', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:99999', 'lvs1:9539'])
    expect(told(file(value))).toContain('3 block metrics-listen')
})
