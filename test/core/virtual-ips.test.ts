// A cluster of two virtual IPs: what is planned, looked at, proven and traced goes for each of them, and on the interface of each.
import { describe, expect, it } from 'vitest'
import { adopt } from '../../domain/adopt.ts'
import { checkDraft, draftLvscf, newService } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { check } from '../../domain/lvscf/check.ts'
import { withVirtualIp } from '../../domain/virtual-ips.ts'
import { realServerScript } from '../../core/provision/by-hand.ts'
import { lookScript, readLook } from '../../core/provision/look.ts'
import type { HostLook } from '../../core/provision/look.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { preflight } from '../../core/provision/preflight.ts'
import { traceOf } from '../../core/provision/trace.ts'
import { windowsScript } from '../../core/provision/windows.ts'
import { clusterStatus } from '../../core/live/status.ts'
import type { DirectorStatus } from '../../domain/status.ts'
import { build, factsOf, macOf, surveyedOf, vip, webDraft } from './material.ts'

/** On a second card and network, where the directors have .117 and .15 as well. */
const other = '10.20.0.28'
function twoDraft(changes: Partial<ClusterDraft> = {}): ClusterDraft {
  const more = withVirtualIp({ ...webDraft(), ...changes })
  return {
    ...more,
    moreVirtualIps: [{ id: 'vip-2', address: other, device: 'eth1', prefix: '32' }],
    services: [...more.services, { ...newService(2), name: 'api', port: '8080', virtualIpId: 'vip-2' }],
  }
}
type Changes = Readonly<Record<string, Partial<HostFacts>>>
type Address = HostFacts['nics'][number]['addresses'][number]
const entry = (address: string, prefix: number): Address => ({ address, prefix, dynamic: false })

/** Directors with a card in each network; real servers listen on both ports. */
function factsFor(id: string, changes: Partial<HostFacts> = {}, on: Readonly<Record<string, readonly Address[]>> = {}) {
  const plain = factsOf(id)
  const director = id.startsWith('director')
  const own = plain.nics[1]?.addresses[0]?.address.split('.').at(-1) ?? ''
  const second = { ...plain.nics[1], name: 'eth1', mac: `${macOf(id)}:1`.slice(-17), up: true, mtu: 1500 }
  const nics = [...plain.nics, ...(director ? [{ ...second, addresses: [entry(`10.20.0.${own}`, 24)] }] : [])].map(
    (nic) => ({ ...nic, addresses: [...nic.addresses, ...(on[nic.name] ?? [])] }),
  )
  return {
    nics,
    listening: director ? [] : [80, 8080].map((port) => ({ protocol: 'tcp' as const, address: '0.0.0.0', port })),
    ...changes,
  }
}
const ids = ['director-1', 'director-2', 'real-1', 'real-2']
const healthy: Changes = Object.fromEntries(ids.map((id) => [id, factsFor(id)]))

function planOf(draft: ClusterDraft, changes: Changes = {}) {
  return makePlan({
    draft,
    draftRevision: 1,
    facts: new Map(ids.map((id) => [id, factsOf(id, { ...healthy[id], ...changes[id] })])),
    findings: [],
    lvscf: draftLvscf(draft),
    configDigest: '9'.repeat(64),
    build,
  })
}
function filesOf(draft: ClusterDraft, id: string, changes: Changes = {}): string {
  return planOf(draft, changes)
    .steps.filter(({ hostId }) => hostId === id)
    .flatMap(({ files }) => files)
    .flatMap(({ path, content }) => (content.kind === 'text' ? [`${path}\n${content.text}`] : []))
    .join('\n')
}

describe('the plan', () => {
  it.each([
    ['direct', 'sysctl', 'lo'],
    ['direct', 'arptables', 'lo'],
    ['tunnel', 'sysctl', 'tunl0'],
  ] as const)('%s by %s: a real server takes up, checks and lets go of each', (forwarding, way, device) => {
    const draft = twoDraft({ forwarding, realServerWay: { direct: way, nat: 'default-route' } })
    const text = filesOf(draft, 'real-1')
    for (const address of [vip, other]) {
      expect(text).toContain(`ip address replace ${address}/32 dev ${device}`)
      expect(text).toContain(`ip address del ${address}/32 dev ${device}`)
      expect(text).toContain(`ip -4 -o address show dev ${device} | grep -qF ' ${address}/32 '`)
      expect(text.includes(`arptables -A SHOAL-IN -d ${address} -j DROP`)).toBe(way === 'arptables')
      expect(text.includes(`SHOAL-OUT -s ${address} -j mangle`)).toBe(way === 'arptables')
    }
    expect(realServerScript(draft, draft.realServers[0] ?? never(), new Map())).toContain(
      `This host is a real server of ${vip}, ${other}.`,
    )
  })
  it('what was on a real server before is put back, each address for itself', () => {
    const up = planOf(twoDraft()).steps.find(({ id }) => id === 'real-1/vip-up')
    expect(up?.inverse).toContain(`if [ -e "$KEPT/had-vip" ]; then ip address replace ${vip}/32 dev lo; fi`)
    expect(up?.inverse).toContain(`if [ -e "$KEPT/had-vip-2" ]; then ip address replace ${other}/32 dev lo; fi`)
  })
  it('a director opens each service at its own address, and both cards are left alone by their manager', () => {
    const network: HostFacts['network'] = {
      managers: ['systemd-networkd'],
      owners: {},
      networkdFiles: { eth0: '/etc/systemd/network/1.network', eth1: '/etc/systemd/network/2.network' },
    }
    const firewall = { ...factsOf('director-1').firewall, inputDrops: true }
    const commands = { ...factsOf('director-1').commands, iptables: '/x' }
    const text = filesOf(twoDraft(), 'director-1', { 'director-1': { network, firewall, commands } })
    expect(text).toContain(`-A SHOAL-INPUT -p tcp -d ${vip} --dport 80 -j ACCEPT`)
    expect(text).toContain(`-A SHOAL-INPUT -p tcp -d ${other} --dport 8080 -j ACCEPT`)
    expect(text).not.toContain(`-d ${vip} --dport 8080`)
    expect(text).toContain('/etc/systemd/network/1.network.d/50-shoal.conf')
    expect(text).toContain('/etc/systemd/network/2.network.d/50-shoal.conf')
  })
  it('Windows gets both, each service open at its own', () => {
    const text = windowsScript(twoDraft(), webDraft().realServers[0] ?? never()) ?? ''
    for (const address of [vip, other])
      expect(text).toContain(`New-NetIPAddress -InterfaceAlias $name -IPAddress ${address}`)
    expect(text).toContain(`-notin '${vip}', '${other}'`)
    expect(text).toContain(`-Protocol TCP -LocalPort 8080 -LocalAddress ${other} `)
    expect(text).toContain(`-IcmpType 8 -LocalAddress ${vip}, ${other} `)
    expect(text).toContain(`$name = 'Shoal ${vip}'`)
  })
  it('whoever holds any of them is the active director', () => {
    const running = { shoal: { agentVersion: 'v', agentRunning: true, configDigest: '', clusterKeyDigest: '' } }
    const order = planOf(twoDraft(), {
      'director-1': running,
      'director-2': { ...factsFor('director-2', {}, { eth1: [entry(other, 32)] }), ...running },
    }).order
    expect(order.slice(1)).toEqual([['director-1'], ['director-2']])
  })
})

function never(): never {
  throw new Error('not there')
}

describe('preflight', () => {
  function found(changes: Changes = {}, looks: Readonly<Record<string, Partial<HostLook>>> = {}, draft = twoDraft()) {
    const surveyed = surveyedOf(draft, { ...healthy, ...changes }, looks)
    return preflight({ draft, surveyed, machines: ['x86_64'], lvscf: '' }).map(({ hostId, problem }) => [
      hostId,
      problem.code,
      problem.detail?.['vip'] ?? problem.detail?.['device'] ?? problem.detail?.['port'],
    ])
  }
  it('finds nothing on healthy hosts', () => {
    expect(found()).toEqual([])
  })
  it.each<readonly [string, Changes, Readonly<Record<string, Partial<HostLook>>>, string, string, string]>([
    [
      'a stranger has the second',
      {},
      { 'director-2': { vipMacs: { [other]: ['52:54:00:00:00:99'] } } },
      'director-2',
      'vip-answered',
      other,
    ],
    [
      'a director has the second',
      { 'director-1': factsFor('director-1', {}, { eth1: [entry(other, 24)] }) },
      {},
      'director-1',
      'vip-on-host',
      other,
    ],
    [
      'a real server has the second on a card',
      { 'real-2': factsFor('real-2', {}, { eth0: [entry(other, 24)] }) },
      {},
      'real-2',
      'vip-on-host',
      other,
    ],
    [
      'a file names the second',
      {},
      { 'director-1': { vipFiles: [{ vip: other, file: '/etc/netplan/1.yaml' }] } },
      'director-1',
      'vip-in-static-config',
      other,
    ],
    [
      'the card of the second is missing',
      { 'director-2': { nics: factsOf('director-2').nics } },
      {},
      'director-2',
      'device-missing',
      'eth1',
    ],
    [
      'the service listens at the other address',
      {
        'real-1': {
          listening: [
            { protocol: 'tcp' as const, address: '0.0.0.0', port: 80 },
            { protocol: 'tcp' as const, address: vip, port: 8080 },
          ],
        },
      },
      {},
      'real-1',
      'service-not-on-vip',
      other,
    ],
  ])('%s', (_what, changes, looks, host, code, about) => {
    expect(found(changes, looks)).toEqual([[host, code, about]])
  })
  it('an address outside the network of its card is told for itself', () => {
    const draft = {
      ...twoDraft(),
      moreVirtualIps: [{ id: 'vip-2', address: '10.99.0.1', device: 'eth1', prefix: '32' }],
    }
    expect(found({}, {}, draft)).toEqual([
      ['director-1', 'vip-outside-subnet', '10.99.0.1'],
      ['director-2', 'vip-outside-subnet', '10.99.0.1'],
    ])
  })
  it('asks for each on its own card, and reads each answer for its address', () => {
    const facts = factsOf('director-1', healthy['director-1'])
    const script = lookScript('M', twoDraft(), 'director', facts)
    expect(script).toContain(`arping -D -c 2 -w 2 -I eth0 ${vip}`)
    expect(script).toContain(`arping -D -c 2 -w 2 -I eth1 ${other}`)
    const look = readLook(
      `
@M vip-files
${other} /etc/netplan/1.yaml
@M asked
yes
vip ${vip} Unicast reply from ${vip} [52:54:00:00:00:98]  0.7ms
vip ${other} Unicast reply from ${other} [52:54:00:00:00:99]  0.7ms
@M end
`,
      'M',
    )
    expect(look?.vipMacs).toEqual({ [vip]: ['52:54:00:00:00:98'], [other]: ['52:54:00:00:00:99'] })
    expect(look?.vipFiles).toEqual([{ vip: other, file: '/etc/netplan/1.yaml' }])
  })
  it('a table of ours has services at both, and none of them is foreign', () => {
    const ipvs = { ...factsOf('director-1').ipvs, table: `-A -t ${vip}:81 -s wlc\n-A -t ${other}:81 -s wlc\n` }
    expect(found({ 'director-1': factsFor('director-1', { ipvs }) })).toEqual([])
  })
})

describe('the tracer', () => {
  const draft = twoDraft()
  const quiet = { 'net.ipv4.conf.all.arp_ignore': '1', 'net.ipv4.conf.all.arp_announce': '2' }
  const routes = [
    { to: '192.168.2.0/24', device: 'eth0' },
    { to: 'default', via: '192.168.2.1', device: 'eth0' },
  ]
  const table = [
    ['192.168.2.27:80', 80],
    [`${other}:8080`, 8080],
  ] as const
  const ipvs = {
    ...factsOf('director-1').ipvs,
    table: table
      .flatMap(([service, port]) => [
        `-A -t ${service} -s wlc`,
        ...['192.168.2.243', '192.168.2.111'].map((server) => `-a -t ${service} -r ${server}:${port} -g -w 1`),
      ])
      .join('\n'),
  }
  function wrong(holderOfSecond: string | undefined, onServer: readonly string[]) {
    const holds = (id: string) => ({
      ...(id === 'director-1' ? { eth0: [entry(vip, 32)] } : {}),
      ...(id === holderOfSecond ? { eth1: [entry(other, 32)] } : {}),
    })
    const facts: Changes = {
      'director-1': { ...factsFor('director-1', { routes, ipvs }, holds('director-1')) },
      'director-2': { ...factsFor('director-2', { routes, ipvs }, holds('director-2')) },
      'real-1': factsFor('real-1', { routes, sysctls: quiet }, { lo: onServer.map((each) => entry(each, 32)) }),
      'real-2': factsFor('real-2', { routes, sysctls: quiet }, { lo: [entry(vip, 32), entry(other, 32)] }),
    }
    const macs = { [vip]: [macOf('director-1')], ...(holderOfSecond ? { [other]: [macOf(holderOfSecond)] } : {}) }
    const surveyed = surveyedOf(draft, facts, { 'director-2': { vipMacs: macs } })
    return traceOf({ draft, surveyed, atMs: 0 }).paths.map(({ service, server, hops, firstWrong }) => {
      const hop = firstWrong === undefined ? undefined : hops[firstWrong]
      return `${service} ${server}: ${hop ? `${hop.kind} ${hop.hostId} ${String(hop.detail['address'] ?? hop.detail['vip'])}` : 'nothing'}`
    })
  }
  it('finds nothing wrong where both are served', () => {
    expect(wrong('director-1', [vip, other])).toEqual([
      'web rs1: nothing',
      'web rs2: nothing',
      'api rs1: nothing',
      'api rs2: nothing',
    ])
  })
  it('names the server that lacks the second, for its services only', () => {
    expect(wrong('director-1', [vip])).toEqual([
      'web rs1: nothing',
      'web rs2: nothing',
      `api rs1: server-takes real-1 ${other}`,
      'api rs2: nothing',
    ])
  })
  it('says that nobody holds the second', () => {
    expect(wrong(undefined, [vip, other])).toEqual([
      'web rs1: nothing',
      'web rs2: nothing',
      `api rs1: vip-held  ${other}`,
      `api rs2: vip-held  ${other}`,
    ])
  })
})

it('a verdict names the address that is not held, and at most three', () => {
  const report = (held: readonly (readonly [string, boolean])[]): DirectorStatus =>
    ({
      hostId: 'director-1',
      name: 'lvs1',
      address: '192.168.2.117',
      contact: 'connected',
      contactSinceMs: 0,
      receivedAtMs: 1_000,
      services: [],
      report: {
        role: 'active',
        roleSinceMs: 0,
        virtualIps: held.map(([address, is]) => ({ address, device: 'eth0:1', wanted: true, held: is })),
        peer: { alive: true, role: 'standby', paths: [] },
        kernel: { drift: [] },
        unfitBecause: [],
      },
    }) as unknown as DirectorStatus
  const verdict = (held: readonly (readonly [string, boolean])[]) =>
    clusterStatus({
      clusterId: 'c',
      virtualIps: held.map(([address]) => address),
      keepaliveMs: 100,
      directors: [report(held)],
      nowMs: 1_000,
    }).verdict
  expect(
    verdict([
      [vip, true],
      [other, false],
    ]),
  ).toMatchObject({ kind: 'not-served', virtualIp: other })
  const five = [1, 2, 3, 4, 5].map((number) => [`10.0.0.${number}`, false] as const)
  expect(verdict(five)).toMatchObject({ kind: 'not-served', virtualIp: '10.0.0.1, 10.0.0.2, +3' })
})

it('a file of ours with two comes back as the draft it was made of', () => {
  const two = twoDraft()
  const { config } = check(draftLvscf(two))
  if (!config) throw new Error('no meaning')
  const { draft, left } = adopt('x', 'x', config, two.directors)
  expect(left).toEqual([])
  expect(checkDraft(draft).filter(({ severity }) => severity === 'block')).toEqual([])
  const meant = (of: ClusterDraft) => check(draftLvscf(of)).config
  expect(meant(draft)).toEqual(meant(two))
})
