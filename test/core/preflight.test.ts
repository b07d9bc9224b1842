import { describe, expect, it } from 'vitest'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { problem } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import { lookScript, readLook } from '../../core/provision/look.ts'
import type { HostLook } from '../../core/provision/look.ts'
import { preflight } from '../../core/provision/preflight.ts'
import { factsOf, macOf, surveyedOf, vip, webDraft } from './material.ts'

const draft = webDraft()

function found(
  facts: Readonly<Record<string, Partial<HostFacts>>> = {},
  looks: Readonly<Record<string, Partial<HostLook>>> = {},
  clusterKeyDigest?: string,
) {
  return preflight({
    draft,
    surveyed: surveyedOf(draft, facts, looks),
    machines: ['x86_64'],
    lvscf: draftLvscf(draft),
    ...(clusterKeyDigest === undefined ? {} : { clusterKeyDigest }),
  })
}

const eth0 = (hostId: string, more: readonly { address: string; prefix: number; dynamic: boolean }[] = []) => ({
  nics: [
    {
      name: 'eth0',
      mac: macOf(hostId),
      up: true,
      mtu: 1500,
      addresses: [...(factsOf(hostId).nics[1]?.addresses ?? []), ...more],
    },
  ],
})
const calm = factsOf('director-1').firewall
const vipHere = { address: vip, prefix: 32, dynamic: false }
const ours = { agentVersion: 'v', agentRunning: true, configDigest: 'c', clusterKeyDigest: 'ours' }
const table = `-A -t ${vip}:80 -s wlc`

it('a healthy cluster has no finding', () => {
  expect(found()).toEqual([])
})

it('an lvs.cf that was changed on a director is said with the lines that would go', () => {
  const lvscf = draftLvscf(draft)
  const look = (there: string, keptLvscf: string | undefined, clusterKeyDigest = 'ours') =>
    preflight({
      draft,
      surveyed: surveyedOf(draft, { 'director-2': { lvscf: there, shoal: ours } }, {}),
      machines: ['x86_64'],
      lvscf,
      clusterKeyDigest,
      ...(keptLvscf === undefined ? {} : { keptLvscf }),
    })
  const changed = lvscf.replace('virtual ', '# shoal: failback = on\n# by hand\nvirtual ')
  const [finding, ...others] = look(changed, lvscf)
  expect(others).toEqual([])
  expect(finding).toMatchObject({
    hostId: 'director-2',
    answer: '# shoal: failback = on\n# by hand',
    problem: { code: 'lvscf-changed-there', severity: 'warning', detail: { count: 2 } },
  })
  // As it is to become; before there is a cluster, as Shoal wrote it, and on somebody else's director.
  expect(look(lvscf, lvscf)).toEqual([])
  expect(look(lvscf, changed)).toEqual([])
  for (const usual of [look(changed, undefined), look(changed, changed), look(changed, lvscf, 'others')])
    expect(usual.map(({ problem: { code, severity } }) => [code, severity])).toEqual([['replaces-lvscf', 'note']])
})

describe('each thing that is wrong is found, on the host where it is, with the severity it deserves', () => {
  type Case = readonly [
    what: string,
    facts: Readonly<Record<string, Partial<HostFacts>>>,
    looks: Readonly<Record<string, Partial<HostLook>>>,
    expected: readonly (readonly [host: string, code: string, severity: string])[],
  ]
  const cases: readonly Case[] = [
    [
      'a kernel without ip_vs',
      { 'director-1': { ipvs: { available: false, loaded: false, schedulers: [], table: '' } } },
      {},
      [['director-1', 'ip-vs-missing', 'block']],
    ],
    [
      'a kernel without the scheduler',
      { 'director-2': { ipvs: { available: true, loaded: true, schedulers: ['rr'], table: '' } } },
      {},
      [['director-2', 'scheduler-missing', 'block']],
    ],
    [
      'real servers need no ip_vs',
      { 'real-1': { ipvs: { available: false, loaded: false, schedulers: [], table: '' } } },
      {},
      [],
    ],
    [
      'an unknown distribution',
      { 'real-1': { os: { id: 'x', version: '', family: 'other', pretty: 'X' } } },
      {},
      [['real-1', 'os-unknown', 'warning']],
    ],
    ['no systemd', { 'real-2': { init: 'runit' } }, {}, [['real-2', 'no-systemd', 'block']]],
    [
      'another processor',
      { 'director-1': { machine: 'riscv64' } },
      {},
      [['director-1', 'machine-unsupported', 'block']],
    ],
    [
      'a full disk',
      { 'director-1': { freeMb: { root: 150, var: 900, tmp: 1 } } },
      {},
      [['director-1', 'disk-low', 'block']],
    ],
    ['a full /var', { 'real-1': { freeMb: { root: 900, var: 0, tmp: 1 } } }, {}, [['real-1', 'disk-low', 'block']]],
    ['a clock that is off', { 'director-2': { clockOffsetMs: -4_000 } }, {}, [['director-2', 'clock-skew', 'warning']]],
    [
      'keepalived',
      { 'director-1': { rivals: [{ name: 'keepalived', enabled: true, running: true, unit: true }] } },
      {},
      [['director-1', 'rival-present', 'block']],
    ],
    [
      'a table of somebody else on the same virtual IP',
      { 'director-1': { ipvs: { available: true, loaded: true, schedulers: ['wlc'], table } } },
      {},
      [['director-1', 'foreign-ipvs-table', 'block']],
    ],
    [
      'a table of somebody else elsewhere',
      {
        'director-1': {
          ipvs: { available: true, loaded: true, schedulers: ['wlc'], table: '-A -t 10.9.9.9:443 -s rr' },
        },
      },
      {},
      [['director-1', 'foreign-ipvs-table', 'warning']],
    ],
    [
      'the virtual IP on a director',
      { 'director-2': eth0('director-2', [vipHere]) },
      {},
      [['director-2', 'vip-on-host', 'block']],
    ],
    [
      'the virtual IP on a card of a real server',
      { 'real-1': eth0('real-1', [vipHere]) },
      {},
      [['real-1', 'vip-on-host', 'block']],
    ],
    [
      'a stranger with the virtual IP',
      {},
      { 'director-1': { vipMacs: { [vip]: ['52:54:00:00:00:99'] } } },
      [['director-1', 'vip-answered', 'block']],
    ],
    [
      'the virtual IP in the static configuration of a director',
      {},
      { 'director-1': { vipFiles: [{ vip, file: '/etc/network/interfaces' }] } },
      [['director-1', 'vip-in-static-config', 'block']],
    ],
    [
      'the virtual IP in the static configuration of a real server',
      {},
      { 'real-1': { vipFiles: [{ vip, file: '/etc/network/interfaces.d/lo' }] } },
      [['real-1', 'vip-in-static-config-real', 'warning']],
    ],
    [
      'a card only one director has',
      { 'director-2': { nics: [{ ...(eth0('director-2').nics[0] ?? never()), name: 'ens3' }] } },
      {},
      [['director-2', 'device-missing', 'block']],
    ],
    [
      'a card without a link',
      { 'director-2': { nics: [{ ...(eth0('director-2').nics[0] ?? never()), up: false }] } },
      {},
      [['director-2', 'device-down', 'block']],
    ],
    [
      'another segment',
      {},
      { 'director-1': { macs: { '192.168.2.15': [macOf('director-2')], '192.168.2.243': [macOf('real-1')] } } },
      [['director-1', 'other-segment', 'block']],
    ],
    [
      'a router that answers for a real server',
      {},
      {
        'director-1': {
          macs: {
            '192.168.2.15': [macOf('director-2')],
            '192.168.2.243': [macOf('real-1')],
            '192.168.2.111': ['52:54:00:00:00:01'],
          },
        },
      },
      [['director-1', 'segment-through-another', 'block']],
    ],
    [
      'a copied machine id',
      { 'real-2': { machineId: 'id-of-real-1' } },
      {},
      [['real-2', 'duplicate-machine-id', 'warning']],
    ],
    [
      'a service on the wrong address',
      { 'real-1': { listening: [{ protocol: 'tcp', address: '192.168.2.243', port: 80, process: 'nginx' }] } },
      {},
      [['real-1', 'service-not-on-vip', 'block']],
    ],
    [
      'a service on IPv6 only',
      { 'real-1': { listening: [{ protocol: 'tcp', address: '::', port: 80, process: 'nginx' }] } },
      {},
      [['real-1', 'service-not-on-vip', 'block']],
    ],
    ['a service on the virtual IP', { 'real-1': { listening: [{ protocol: 'tcp', address: vip, port: 80 }] } }, {}, []],
    ['a dual-stack service', { 'real-1': { listening: [{ protocol: 'tcp', address: '*', port: 80 }] } }, {}, []],
    ['no service yet', { 'real-2': { listening: [] } }, {}, [['real-2', 'service-not-listening', 'warning']]],
    [
      'answers that would go back through a director',
      { 'real-1': { routes: [{ to: 'default', via: '192.168.2.15', device: 'eth0' }] } },
      {},
      [['real-1', 'route-via-director', 'block']],
    ],
    [
      'a sysctl file that says otherwise',
      {},
      { 'real-1': { sysctlLines: [{ file: '/etc/sysctl.conf', key: 'net.ipv4.conf.all.arp_ignore', value: '0' }] } },
      [['real-1', 'sysctl-overridden', 'warning']],
    ],
    [
      'a firewall',
      { 'director-1': { firewall: { ...calm, active: ['firewalld'], inputDrops: true } } },
      {},
      [['director-1', 'firewall-active', 'warning']],
    ],
    [
      'a firewall that the build can open',
      {
        'real-1': {
          firewall: { ...calm, inputDrops: true },
          commands: { ...factsOf('real-1').commands, iptables: '/sbin/iptables' },
        },
      },
      {},
      [['real-1', 'firewall-opened', 'note']],
    ],
    [
      'a container as director',
      { 'director-1': { container: 'lxc' } },
      {},
      [['director-1', 'director-in-container', 'warning']],
    ],
    ['a cloud', { 'director-2': { cloud: 'Amazon' } }, {}, [['director-2', 'cloud-network', 'warning']]],
    ['an immutable system', { 'real-1': { immutable: true } }, {}, [['real-1', 'os-immutable', 'block']]],
    ['joined packets', { 'director-1': { lroCards: ['eth0'] } }, {}, [['director-1', 'lro-on', 'warning']]],
    [
      'answers for other machines',
      { 'director-1': { sysctls: { 'net.ipv4.conf.all.proxy_arp': '1' } } },
      {},
      [['director-1', 'proxy-arp-on', 'warning']],
    ],
    [
      'the port of the heartbeat in use',
      { 'director-1': { listening: [{ protocol: 'udp', address: '0.0.0.0', port: 539, process: 'pulse' }] } },
      {},
      [['director-1', 'heartbeat-port-taken', 'block']],
    ],
    [
      'kube-proxy that works without IPVS',
      { 'director-1': { rivals: [{ name: 'kube-proxy', enabled: false, running: true, unit: false }] } },
      {},
      [['director-1', 'rival-present', 'warning']],
    ],
    [
      'rules left from another way of being a real server',
      { 'real-1': { firewall: { ...calm, redirects: [`-A PREROUTING -d ${vip}/32 -p tcp -j REDIRECT`] } } },
      {},
      [['real-1', 'redirect-left', 'warning']],
    ],
    [
      'a heartbeat path that loses packets',
      {},
      {
        'director-1': { paths: [{ local: '192.168.2.117', remote: '192.168.2.15', sent: 5, received: 4, worstMs: 2 }] },
      },
      [['director-1', 'heartbeat-lossy', 'warning']],
    ],
    [
      'gratuitous ARP dropped',
      { 'director-1': { sysctls: { 'net.ipv4.conf.all.drop_gratuitous_arp': '1' } } },
      {},
      [['director-1', 'garp-dropped', 'warning']],
    ],
    [
      'an lvs.cf that is there',
      { 'director-1': { lvscf: 'serial_no = 9\n' } },
      {},
      [['director-1', 'replaces-lvscf', 'note']],
    ],
    [
      'ipvsadm to be installed',
      { 'director-1': { commands: without('ipvsadm') } },
      {},
      [['director-1', 'tool-missing', 'note']],
    ],
    [
      'ipvsadm with nothing to install it by',
      { 'director-1': { commands: without('ipvsadm', 'apt-get') } },
      {},
      [['director-1', 'tool-missing-block', 'block']],
    ],
    ['no arping', {}, { 'director-2': { asked: false } }, [['director-2', 'arping-missing', 'warning']]],
    [
      'an address the host does not have',
      { 'real-1': { nics: [{ name: 'eth0', mac: macOf('real-1'), up: true, mtu: 1500, addresses: [] }] } },
      {},
      [['real-1', 'address-not-on-host', 'block']],
    ],
    [
      'a program that AppArmor confines; others and parts of profiles do not matter',
      { 'director-1': { apparmor: ['ipvsadm', 'tcpdump'] }, 'real-1': { apparmor: ['ipvsadm'] } },
      {},
      [['director-1', 'apparmor-enforced', 'warning']],
    ],
    [
      'clusters of others on the segment',
      {},
      {
        'director-1': {
          beats: [
            { device: 'eth0', from: '192.168.2.9', vrrp: { id: 51, priority: 100 } },
            { device: 'eth0', from: '192.168.2.8', port: 539 },
            { device: 'eth0', from: '192.168.2.7', port: 5405 },
          ],
        },
      },
      [['director-1', 'other-beats', 'warning']],
    ],
    [
      'the beats of this very cluster',
      {},
      { 'director-1': { beats: [{ device: 'eth0', from: '192.168.2.15', port: 539 }] } },
      [],
    ],
    [
      'an address by DHCP',
      {
        'real-1': {
          nics: [
            {
              name: 'eth0',
              mac: macOf('real-1'),
              up: true,
              mtu: 1500,
              addresses: [{ address: '192.168.2.243', prefix: 24, dynamic: true }],
            },
          ],
        },
      },
      {},
      [['real-1', 'address-by-dhcp', 'warning']],
    ],
  ]

  it.each(cases)('%s', (_what, facts, looks, expected) => {
    const seen = found(facts, looks)
    expect(seen.map(({ hostId, problem: { code, severity } }) => [hostId, code, severity])).toEqual(expected)
    for (const finding of seen) {
      for (const language of ['en', 'zh-CN'] as const) {
        const { says, remedy } = speak(finding.problem, language)
        expect(`${says} ${remedy}`).not.toContain('?')
        expect(remedy).not.toMatch(/\{\w+\}/)
      }
    }
  })
})

it('a copied virtual machine is told from the same host given twice', () => {
  const twin = eth0('director-1').nics
  expect(
    found(
      {
        'director-2': {
          nics: [{ ...(twin[0] ?? never()), addresses: factsOf('director-2').nics[1]?.addresses ?? [] }],
        },
      },
      {
        'director-1': { macs: { ...lookMacs(), '192.168.2.15': [macOf('director-1')] } },
      },
    ).map(({ problem: { code } }) => code),
  ).toContain('duplicate-mac')
  expect(
    found({ 'director-2': { ...eth0('director-1'), machineId: 'id-of-director-1' } }).map(
      ({ problem: { code } }) => code,
    ),
  ).toContain('same-host')
})

it('on a cluster of ours the virtual IP and the table are where they belong', () => {
  const served = {
    'director-1': {
      ...eth0('director-1', [vipHere]),
      shoal: ours,
      ipvs: { available: true, loaded: true, schedulers: ['wlc'], table },
    },
    'director-2': { shoal: ours, ipvs: { available: true, loaded: true, schedulers: ['wlc'], table } },
    'real-1': {
      nics: [{ name: 'lo', mac: '', up: true, mtu: 1, addresses: [vipHere] }, ...eth0('real-1').nics],
    },
  }
  expect(found(served, { 'director-2': { vipMacs: { [vip]: [macOf('director-1')] } } }, 'ours')).toEqual([])
  expect(found(served, {}, 'another key').map(({ problem: { code } }) => code)).toEqual([
    'vip-on-host',
    'foreign-ipvs-table',
    'foreign-ipvs-table',
  ])
})

it('blocks come first, and a host that cannot be reached is a block of its own', () => {
  const surveyed = surveyedOf(draft, { 'real-2': { listening: [] } }).map((host) =>
    host.hostId === 'director-2'
      ? {
          hostId: host.hostId,
          role: host.role,
          host: host.host,
          problem: problem('host-unreachable', { host: 'x', port: 22, reason: 'refused' }),
        }
      : host,
  )
  const seen = preflight({ draft, surveyed, machines: ['x86_64'], lvscf: '' })
  expect(seen.map(({ check, problem: { severity } }) => [check, severity])).toEqual([
    ['access', 'block'],
    ['service', 'warning'],
  ])
})

describe('the second look', () => {
  it('asks by ARP from directors only, and for the virtual IP without a sender address', () => {
    const script = lookScript('M', draft, 'director', factsOf('director-1'))
    expect(script).toContain(`arping -D -c 2 -w 2 -I eth0 ${vip}`)
    expect(script).toContain('arping -b -c 2 -w 2 -s 192.168.2.117 -I eth0 192.168.2.15')
    expect(script).not.toMatch(/-I eth0 192\.168\.2\.117/)
    expect(lookScript('M', draft, 'real-server', factsOf('real-1'))).not.toContain('arping')
  })
  it('asks a real server behind the directors where it is, and with direct routing where the virtual IP is', () => {
    const facts = factsOf('director-1')
    const addresses = [{ address: '10.8.8.31', prefix: 24, dynamic: false }]
    const inner = { name: 'eth1', mac: '02:00:00:00:01:01', up: true, mtu: 1500, addresses }
    const behind = {
      ...draft,
      realServers: draft.realServers.map((server) => ({ ...server, address: '10.8.8.33', clusterAddress: '' })),
    }
    const asked = (forwarding: 'direct' | 'nat'): string =>
      lookScript('M', { ...behind, forwarding }, 'director', { ...facts, nics: [...facts.nics, inner] })
    expect(asked('nat')).toContain('-s 10.8.8.31 -I eth1 10.8.8.33')
    expect(asked('direct')).toContain('-s 192.168.2.117 -I eth0 10.8.8.33')
  })
  it('listens to the segment where there is a tool for it', () => {
    const { commands } = factsOf('director-1')
    const able = factsOf('director-1', { commands: { ...commands, tcpdump: '/usr/bin/tcpdump' } })
    expect(lookScript('M', draft, 'director', able).match(/timeout 3 tcpdump -nn -t -l -c 50 -i eth0 /g)).toHaveLength(
      1,
    )
    expect(lookScript('M', draft, 'director', factsOf('director-1'))).not.toContain('tcpdump')
  })
  it('reads every answer once', () => {
    const look = readLook(
      `
@M vip-files
192.168.2.27 /etc/network/interfaces

@M sysctl-lines
/etc/sysctl.d/10.conf:net.ipv4.conf.all.arp_ignore = 0
/etc/sysctl.d/99-zz-shoal-realserver.conf:net.ipv4.conf.all.arp_ignore = 1

@M asked
yes
vip 192.168.2.27 Unicast reply from 192.168.2.27 [52:54:00:00:00:99]  0.7ms
host 192.168.2.15 Unicast reply from 192.168.2.15 [02:00:00:00:00:02]  0.7ms
host 192.168.2.15 Unicast reply from 192.168.2.15 [02:00:00:00:00:02]  0.8ms
router Unicast reply from 10.8.8.30 [52:54:00:00:00:98]  0.8ms
beat eth0 IP 192.168.2.9 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, authtype none, intvl 1s, length 20
beat eth0 IP 192.168.2.9 > 224.0.0.18: VRRPv3, Advertisement, vrid 51, prio 90, intvl 100cs, length 12
beat eth0 IP 192.168.2.8.539 > 192.168.2.7.539: UDP, length 48
beat eth0 IP 192.168.2.8.40001 > 192.168.2.7.539: UDP, length 48

@M trials
tunnel 192.168.2.243 1480
path 10.0.0.1 10.0.0.2 PING 10.0.0.2 (10.0.0.2) from 10.0.0.1 : 56(84) bytes of data.  --- 10.0.0.2 ping statistics --- 5 packets transmitted, 5 received, 0% packet loss, time 805ms rtt min/avg/max/mdev = 0.3/0.5/0.9/0.1 ms

@M end
`,
      'M',
    )
    expect(look).toEqual({
      asked: true,
      vipMacs: { [vip]: ['52:54:00:00:00:99'] },
      routerMacs: ['52:54:00:00:00:98'],
      tunnels: { '192.168.2.243': 1480 },
      paths: [{ local: '10.0.0.1', remote: '10.0.0.2', sent: 5, received: 5, worstMs: 0.9 }],
      macs: { '192.168.2.15': ['02:00:00:00:00:02'] },
      beats: [
        { device: 'eth0', from: '192.168.2.9', vrrp: { id: 51, priority: 90 } },
        { device: 'eth0', from: '192.168.2.8', port: 539 },
      ],
      vipFiles: [{ vip, file: '/etc/network/interfaces' }],
      sysctlLines: [{ file: '/etc/sysctl.d/10.conf', key: 'net.ipv4.conf.all.arp_ignore', value: '0' }],
    })
  })
  it('an answer cut in the middle is none', () => {
    expect(readLook('\n@M vip-files\n', 'M')).toBeUndefined()
  })
})

function without(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(factsOf('director-1').commands).filter(([name]) => !names.includes(name)))
}
function lookMacs(): Record<string, readonly string[]> {
  return { '192.168.2.243': [macOf('real-1')], '192.168.2.111': [macOf('real-2')] }
}
function never(): never {
  throw new Error('material without a card')
}

describe('NAT and tunnel are looked at for what they need', () => {
  function codes(
    changes: Partial<typeof draft>,
    facts: Readonly<Record<string, Partial<HostFacts>>> = {},
    looks: Readonly<Record<string, Partial<HostLook>>> = {},
  ): readonly string[] {
    const other = { ...draft, ...changes }
    const seen = preflight({
      draft: other,
      surveyed: surveyedOf(other, facts, looks),
      machines: ['x86_64'],
      lvscf: draftLvscf(other),
    })
    for (const finding of seen) {
      for (const language of ['en', 'zh-CN'] as const) {
        expect(`${speak(finding.problem, language).says}`).not.toMatch(/\?|\{/)
      }
    }
    return seen.map(({ hostId, problem: { code, severity } }) => `${hostId} ${code} ${severity}`)
  }
  const card = (name: string, address: string, mac: string): HostFacts['nics'][number] => ({
    name,
    mac,
    up: true,
    mtu: 1500,
    addresses: [{ address, prefix: 24, dynamic: false }],
  })
  const inside = Object.fromEntries(
    ['director-1', 'director-2', 'real-1', 'real-2'].map((id, at) => [
      id,
      { nics: [...factsOf(id).nics, card('eth1', `10.8.8.${31 + at}`, `02:00:00:00:01:0${at}`)] },
    ]),
  )
  const nat = {
    forwarding: 'nat' as const,
    natRouter: { address: '10.8.8.30', device: 'eth1', prefix: '24' },
    realServerWay: { direct: 'sysctl' as const, nat: 'policy-route' as const },
  }

  it('NAT on two networks has nothing to find', () => {
    expect(codes(nat, inside)).toEqual([])
  })
  it('a director without the inside card, and a real server outside that network', () => {
    expect(codes(nat)).toEqual([
      'director-1 device-missing block',
      'director-2 device-missing block',
      'real-1 router-not-beside block',
      'real-2 router-not-beside block',
    ])
  })
  it('with a default route, clients beside the real servers are warned about', () => {
    expect(codes({ ...nat, realServerWay: { direct: 'sysctl', nat: 'default-route' } }, inside)).toEqual([
      'real-1 answers-go-straight warning',
      'real-2 answers-go-straight warning',
    ])
  })
  it('somebody who answers for the router address, a masquerade and rules of the host itself', () => {
    const mixed = {
      ...inside,
      'director-1': { ...inside['director-1'], firewall: { ...calm, masquerades: ['-A POSTROUTING -j MASQUERADE'] } },
      'real-1': { ...inside['real-1'], rules: ['100:\tfrom 10.8.8.33 lookup 7', '5400:\tfrom 10.8.8.33 lookup 5391'] },
    }
    expect(codes(nat, mixed, { 'director-2': { routerMacs: ['52:54:00:00:00:98'] } })).toEqual([
      'director-2 vip-answered block',
      'director-1 masquerade-found warning',
      'real-1 policy-rules-found warning',
    ])
  })
  it('a service on the address requests arrive at is found, with NAT its own', () => {
    const bound = { listening: [{ protocol: 'tcp' as const, address: '192.168.2.243', port: 80 }] }
    expect(codes(nat, { ...inside, 'real-1': { ...inside['real-1'], ...bound } })).toEqual([])
  })
  it('a real server without ipip, and a way that is too narrow for wrapped packets', () => {
    const ready = { 'real-1': { ipip: true }, 'real-2': {} }
    const looks = { 'director-1': { tunnels: { '192.168.2.243': 1500 } } }
    expect(codes({ forwarding: 'tunnel' }, ready, looks)).toEqual([
      'real-2 ipip-missing block',
      'director-1 tunnel-mtu note',
    ])
  })
  it('a rival is stopped with the word of the operator only, and takes its virtual IP along', () => {
    const rival = {
      'director-1': {
        ...eth0('director-1', [vipHere]),
        rivals: [{ name: 'keepalived', enabled: true, running: true, unit: true }],
        listening: [{ protocol: 'udp' as const, address: '0.0.0.0', port: 539, process: 'keepalived' }],
      },
    }
    expect(codes({}, rival)).toEqual([
      'director-1 vip-on-host block',
      'director-1 rival-present block',
      'director-1 heartbeat-port-taken block',
    ])
    expect(codes({ consent: { stop: ['director-1/keepalived'], firewall: true } }, rival)).toEqual([
      'director-1 vip-on-host warning',
      'director-1 rival-stopped note',
    ])
  })
})
