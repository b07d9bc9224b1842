// The way of a packet judged from facts: the first hop that is wrong is named, whatever follows from it.
import { describe, expect, it } from 'vitest'
import { traceOf } from '../../core/provision/trace.ts'
import type { Surveyed } from '../../core/provision/finding.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { sayHop } from '../../domain/speech/trace.ts'
import type { Hop } from '../../domain/trace.ts'
import { factsOf, macOf, surveyedOf, vip, webDraft } from './material.ts'

type Changes = Readonly<Record<string, Partial<HostFacts>>>

const quietSysctls = {
  'net.ipv4.conf.all.arp_ignore': '1',
  'net.ipv4.conf.all.arp_announce': '2',
  'net.ipv4.conf.all.rp_filter': '0',
}
function withAddress(hostId: string, device: string, address: string): HostFacts['nics'] {
  return factsOf(hostId).nics.map((nic) =>
    nic.name === device ? { ...nic, addresses: [...nic.addresses, { address, prefix: 32, dynamic: false }] } : nic,
  )
}
const routes = [
  { to: '192.168.2.0/24', device: 'eth0' },
  { to: 'default', via: '192.168.2.1', device: 'eth0' },
]
const table = (weights: Readonly<Record<string, number>>): HostFacts['ipvs'] => ({
  ...factsOf('director-1').ipvs,
  loaded: true,
  table: [
    `-A -t ${vip}:80 -s wlc`,
    ...Object.entries(weights).map(([address, weight]) => `-a -t ${vip}:80 -r ${address}:80 -g -w ${weight}`),
  ].join('\n'),
})
const both = { '192.168.2.243': 1, '192.168.2.111': 1 }

/** A cluster that serves: director-1 active; `changes` break it. */
function surveyed(draft: ClusterDraft, changes: Changes = {}, vipMacs: readonly string[] = [macOf('director-1')]) {
  const facts: Changes = {
    'director-1': { routes, nics: withAddress('director-1', 'eth0', vip), ipvs: table(both), ...changes['director-1'] },
    'director-2': { routes, ipvs: table(both), ...changes['director-2'] },
    'real-1': { routes, nics: withAddress('real-1', 'lo', vip), sysctls: quietSysctls, ...changes['real-1'] },
    'real-2': { routes, nics: withAddress('real-2', 'lo', vip), sysctls: quietSysctls, ...changes['real-2'] },
  }
  return surveyedOf(draft, facts, { 'director-2': { vipMacs: { [vip]: vipMacs } } })
}
function firstWrong(draft: ClusterDraft, hosts: readonly Surveyed[], server = 'rs1'): string {
  const path = traceOf({ draft, surveyed: hosts, atMs: 0 }).paths.find((each) => each.server === server)
  const hop = path?.firstWrong === undefined ? undefined : path.hops[path.firstWrong]
  return hop ? `${hop.kind} ${hop.hostId}` : 'nothing'
}

describe('direct routing', () => {
  const draft = webDraft()
  it('that serves has nothing wrong, and every hop can be said in both languages', () => {
    const trace = traceOf({ draft, surveyed: surveyed(draft), atMs: 0 })
    expect(trace.paths.map(({ firstWrong: wrong }) => wrong)).toEqual([undefined, undefined])
    const hops = trace.paths.flatMap((path) => path.hops)
    expect(hops.filter(({ verdict }) => verdict !== 'passes')).toEqual([])
    for (const hop of hops) {
      for (const verdict of ['passes', 'stops'] as const) {
        for (const language of ['en', 'zh-CN'] as const) {
          const said = sayHop({ ...hop, verdict } as Hop, language)
          expect([hop.kind, `${said.title} ${said.says} ${said.remedy}`]).toEqual([
            hop.kind,
            expect.not.stringContaining('?'),
          ])
        }
      }
    }
  })
  it.each<[string, Changes, string]>([
    ['nobody holds the virtual IP', { 'director-1': { nics: factsOf('director-1').nics } }, 'vip-held '],
    [
      'the director answers clients from afar by another card than they come in by',
      {
        'director-1': {
          nics: withAddress('director-1', 'eth0', vip),
          sysctls: { ...quietSysctls, 'net.ipv4.conf.eth0.rp_filter': '1' },
          routes: [routes[0] ?? { to: '', device: '' }, { to: 'default', via: '10.0.0.1', device: 'eth1' }],
        },
      },
      'path-filter director-1',
    ],
    [
      'both directors hold it',
      { 'director-2': { nics: withAddress('director-2', 'eth0', vip) } },
      'vip-held director-1',
    ],
    [
      'the real server answers ARP for it',
      { 'real-1': { sysctls: { ...quietSysctls, 'net.ipv4.conf.all.arp_ignore': '0' } } },
      'vip-mac real-1',
    ],
    [
      'the service is not in the table',
      { 'director-1': { ipvs: factsOf('director-1').ipvs, nics: withAddress('director-1', 'eth0', vip) } },
      'table director-1',
    ],
    [
      'the real server is drained',
      { 'director-1': { ipvs: table({ ...both, '192.168.2.243': 0 }) } },
      'table director-1',
    ],
    ['the virtual IP is not on lo', { 'real-1': { nics: factsOf('real-1').nics } }, 'server-takes real-1'],
    [
      'the reverse path filter drops the packet',
      {
        'real-1': {
          sysctls: { ...quietSysctls, 'net.ipv4.conf.eth0.rp_filter': '1' },
          routes: [routes[0], { to: 'default', via: '10.0.0.1', device: 'eth1' }] as HostFacts['routes'],
        },
      },
      'path-filter real-1',
    ],
    [
      'the service listens elsewhere',
      { 'real-1': { listening: [{ protocol: 'tcp', address: '192.168.2.243', port: 80 }] } },
      'listening real-1',
    ],
    ['there is no way back', { 'real-1': { routes: routes.slice(0, 1) } }, 'way-back real-1'],
    [
      'the real server has a smaller MTU',
      {
        'real-1': {
          nics: withAddress('real-1', 'lo', vip).map((nic) => ({ ...nic, mtu: nic.name === 'eth0' ? 1400 : nic.mtu })),
        },
      },
      'mtu real-1',
    ],
    [
      'the director has no route to it',
      { 'director-1': { routes: [{ to: 'default', via: '192.168.2.1', device: 'eth0' }] } },
      'way-there director-1',
    ],
  ])('%s', (_what, changes, expected) => {
    expect(firstWrong(draft, surveyed(draft, changes))).toBe(expected)
  })
  it('an empty table that follows from a service that is down does not hide it', () => {
    const hosts = surveyed(draft, {
      'director-1': { ipvs: table({ '192.168.2.111': 1 }) },
      'real-1': { listening: [] },
    })
    expect(firstWrong(draft, hosts)).toBe('listening real-1')
    expect(firstWrong(draft, hosts, 'rs2')).toBe('nothing')
    const path = traceOf({ draft, surveyed: hosts, atMs: 0 }).paths[0]
    expect(path?.hops.find(({ kind }) => kind === 'table')?.verdict).toBe('follows')
  })
  it('a firewall nobody can judge is the suspect only when the check fails and all else is right', () => {
    const shut = { firewall: { ...factsOf('real-1').firewall, active: ['nftables'], inputDrops: true } }
    expect(firstWrong(draft, surveyed(draft, { 'real-1': shut }))).toBe('nothing')
    const failing = surveyed(draft, { 'real-1': shut, 'director-1': { ipvs: table({ '192.168.2.111': 1 }) } })
    expect(firstWrong(draft, failing)).toBe('server-firewall real-1')
  })
  it('a stranger that answers for the virtual IP is named by its hardware address', () => {
    const hosts = surveyed(draft, {}, [macOf('director-1'), '02:00:00:00:00:99'])
    const trace = traceOf({ draft, surveyed: hosts, atMs: 0 })
    expect(trace.paths[0]?.hops[trace.paths[0].firstWrong ?? 0]).toMatchObject({
      kind: 'vip-mac',
      detail: { wrong: '02:00:00:00:00:99' },
    })
  })
  it('a real server nobody logs in to is judged by a packet laid on its way', () => {
    const hosts = surveyed(draft).map(({ facts, look, ...each }) =>
      each.hostId === 'real-1' ? each : { ...each, ...(facts ? { facts } : {}), ...(look ? { look } : {}) },
    )
    expect(firstWrong(draft, hosts)).toBe('nothing')
    const asked = traceOf({ draft, surveyed: hosts, atMs: 0, takesVip: { [vip]: { 'real-1': false } } })
    expect(asked.paths[0]?.hops[asked.paths[0].firstWrong ?? 0]?.kind).toBe('server-takes')
  })
})

describe('NAT', () => {
  const web = webDraft()
  const router = '192.168.2.10'
  const draft: ClusterDraft = {
    ...web,
    forwarding: 'nat',
    natRouter: { address: router, device: 'eth0', prefix: '24' },
  }
  const gateway = [routes[0], { to: 'default', via: router, device: 'eth0' }] as HostFacts['routes']
  const holder: HostFacts['nics'] = withAddress('director-1', 'eth0', vip).map((nic) =>
    nic.name === 'eth0'
      ? { ...nic, addresses: [...nic.addresses, { address: router, prefix: 24, dynamic: false }] }
      : nic,
  )
  const good: Changes = {
    'director-1': { nics: holder, sysctls: { 'net.ipv4.ip_forward': '1' } },
    'real-1': { routes: gateway, nics: factsOf('real-1').nics },
    'real-2': { routes: gateway, nics: factsOf('real-2').nics },
  }
  it.each<[string, Changes, string]>([
    ['serves', {}, 'nothing'],
    [
      'ip_forward is 0',
      { 'director-1': { nics: holder, sysctls: { 'net.ipv4.ip_forward': '0' } } },
      'director-forwards director-1',
    ],
    [
      'the gateway of the real server is another',
      { 'real-1': { routes, nics: factsOf('real-1').nics } },
      'way-back real-1',
    ],
    [
      'the director does not hold the inside address',
      { 'director-1': { nics: withAddress('director-1', 'eth0', vip), sysctls: { 'net.ipv4.ip_forward': '1' } } },
      'way-back real-1',
    ],
  ])('%s', (_what, changes, expected) => {
    expect(firstWrong(draft, surveyed(draft, { ...good, ...changes }))).toBe(expected)
  })
})
