import { describe, expect, it } from 'vitest'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Step } from '../../domain/plan.ts'
import { sayProof, sayStep } from '../../domain/speech/plan.ts'
import { realServerScript } from '../../core/provision/by-hand.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { build, factsOf, vip, webDraft } from './material.ts'

function planOf(draft: ClusterDraft = webDraft(), changes: Readonly<Record<string, Partial<HostFacts>>> = {}) {
  const hosts = [...draft.directors, ...draft.realServers]
  return makePlan({
    draft,
    draftRevision: 3,
    facts: new Map(hosts.map(({ id }) => [id, factsOf(id, changes[id])])),
    findings: [],
    lvscf: draftLvscf(draft),
    configDigest: '9'.repeat(64),
    build,
  })
}
const kindsOf = (plan: ReturnType<typeof planOf>, hostId: string): readonly string[] =>
  plan.steps.filter((step) => step.hostId === hostId).map(({ kind }) => kind)
const stepOf = (plan: ReturnType<typeof planOf>, id: string) => {
  const step = plan.steps.find((each) => each.id === id)
  if (!step) throw new Error(`no step ${id}`)
  return step
}
const textsOf = (step: Step): readonly string[] =>
  step.files.flatMap(({ content }) => (content.kind === 'text' ? [content.text] : []))
const running = { shoal: { agentVersion: 'v', agentRunning: true, configDigest: '', clusterKeyDigest: '' } }
const holdsVip = {
  nics: [{ name: 'eth0', mac: 'm', up: true, mtu: 1, addresses: [{ address: vip, prefix: 32, dynamic: false }] }],
}

describe('order', () => {
  it('real servers come first: nothing may serve before its real servers keep silent', () => {
    expect(planOf().order).toEqual([['real-1', 'real-2'], ['director-1'], ['director-2']])
  })
  it.each([
    [
      'the primary serves',
      { 'director-1': { ...running, ...holdsVip }, 'director-2': running },
      ['director-2', 'director-1'],
    ],
    [
      'the backup serves',
      { 'director-1': running, 'director-2': { ...running, ...holdsVip } },
      ['director-1', 'director-2'],
    ],
    ['one director is new', { 'director-1': { ...running, ...holdsVip } }, ['director-2', 'director-1']],
    [
      'what another program serves is taken over before that one stops',
      { 'director-1': holdsVip },
      ['director-2', 'director-1'],
    ],
  ] as const)('on a running cluster the standby comes before the active one: %s', (_what, changes, expected) => {
    expect(planOf(webDraft(), changes).order.slice(1)).toEqual(expected.map((id) => [id]))
  })
  it('a real server keeps silent before it has the virtual IP', () => {
    expect(kindsOf(planOf(), 'real-1')).toEqual(['arp-silence', 'vip-unit', 'vip-up'])
  })
  it('a director has its key and lvs.cf before its agent starts, and is waited for', () => {
    expect(kindsOf(planOf(), 'director-1')).toEqual([
      'runtime',
      'agent',
      'modules',
      'sysctl',
      'cluster-key',
      'lvscf',
      'agent-unit',
      'agent-start',
      'agent-ready',
    ])
  })
  it.each([
    ['700', 42],
    ['18000', 76],
  ])(
    'an agent that waits for its partner by a deadtime of %s ms is waited for that much longer',
    (deadtimeMs, seconds) => {
      const web = webDraft()
      const plan = planOf({ ...web, failure: { ...web.failure, deadtimeMs } })
      expect(stepOf(plan, 'director-1/agent-ready').detail).toEqual({ seconds })
    },
  )
  it('what starts or changes a service is never done ahead', () => {
    const ahead = planOf().steps.filter((step) => step.ahead)
    expect(ahead.map(({ kind }) => kind)).not.toContain('agent-start')
    expect(ahead.every(({ hostId }) => hostId.startsWith('director'))).toBe(true)
    const onRunning = planOf(webDraft(), { 'director-1': running, 'director-2': running }).steps
    expect(new Set(onRunning.filter((step) => step.ahead).map(({ kind }) => kind))).toEqual(
      new Set(['runtime', 'agent']),
    )
  })
})

describe('content', () => {
  it('only missing packages are installed', () => {
    const { ipvsadm: _gone, ...commands } = factsOf('director-1').commands
    expect(kindsOf(planOf(webDraft(), { 'director-1': { commands } }), 'director-1')).toContain('packages')
    expect(kindsOf(planOf(), 'director-1')).not.toContain('packages')
  })
  it.each([
    ['apt-get', 'apt-get install -y'],
    ['dnf', 'dnf -y install ipvsadm'],
    ['zypper', 'zypper -n install ipvsadm'],
  ])('packages come by %s', (tool, command) => {
    const commands = { ip: '/x', [tool]: `/x/${tool}` }
    expect(stepOf(planOf(webDraft(), { 'director-1': { commands } }), 'director-1/packages').run).toContain(command)
  })
  it('a login that is not root gets the group of the socket', () => {
    const plan = planOf()
    expect(kindsOf(plan, 'director-2')).toContain('socket-group')
    expect(kindsOf(plan, 'director-1')).not.toContain('socket-group')
    expect(stepOf(plan, 'director-2/socket-group').run).toContain("usermod -aG shoal 'admin'")
  })
  it('both directors get the same lvs.cf, checked by the agent before it is in place', () => {
    const [one, two] = ['director-1/lvscf', 'director-2/lvscf'].map((id) => stepOf(planOf(), id))
    expect(one?.files[0]?.content).toEqual(two?.files[0]?.content)
    expect(one?.validate).toContain('check-config "$NEW"')
  })
  it('an lvs.cf that is there is shown beside the new one', () => {
    const plan = planOf(webDraft(), { 'director-1': { lvscf: 'serial_no = 9\n' } })
    expect(stepOf(plan, 'director-1/lvscf').files[0]?.content).toMatchObject({ before: 'serial_no = 9\n' })
  })
  it('the cluster key is named and never shown', () => {
    expect(stepOf(planOf(), 'director-1/cluster-key').files).toEqual([
      {
        path: '/etc/shoal/cluster.key',
        mode: '0600',
        owner: 'root:root',
        content: { kind: 'secret', name: 'cluster-key' },
      },
    ])
  })
  it('a director gets the native part of its own processor only', () => {
    const names = stepOf(planOf(webDraft(), { 'director-1': { machine: 'aarch64' } }), 'director-1/agent').files.map(
      ({ path }) => path.split('/').at(-1),
    )
    expect(names).toEqual(['shoal-agent.cjs', 'release-held.sh', 'koffi-linux-arm64.node'])
  })
  it('persistence asks for its own kernel value', () => {
    const draft = webDraft()
    const sticky = { ...draft, services: draft.services.map((service) => ({ ...service, persistentS: '300' })) }
    expect(JSON.stringify(stepOf(planOf(sticky), 'director-1/sysctl').files)).toContain('expire_quiescent_template = 1')
    expect(JSON.stringify(stepOf(planOf(), 'director-1/sysctl').files)).not.toContain('expire_quiescent_template')
  })
  it('the silence is set for all cards, and a stricter value is kept', () => {
    const text = (plan: ReturnType<typeof planOf>): string => JSON.stringify(stepOf(plan, 'real-1/arp-silence').files)
    expect(text(planOf())).toContain('net.ipv4.conf.all.arp_ignore = 1')
    expect(text(planOf())).toContain('net.ipv4.conf.all.arp_announce = 2')
    const stricter = planOf(webDraft(), { 'real-1': { sysctls: { 'net.ipv4.conf.all.arp_ignore': '2' } } })
    expect(text(stricter)).toContain('net.ipv4.conf.all.arp_ignore = 2')
  })
  it('at boot a real server is silent before it has the address, whatever the network manager does', () => {
    const [program = '', unit = ''] = textsOf(stepOf(planOf(), 'real-1/vip-unit'))
    expect(program.indexOf('sysctl -q -p')).toBeLessThan(program.indexOf(`ip address replace ${vip}/32 dev lo`))
    expect(program).toContain('set -eu')
    expect(unit).toContain('ExecStart=/usr/local/sbin/shoal-realserver up')
    expect(unit).toContain('WantedBy=multi-user.target')
  })
  it('a real server set up by hand is not touched and gets a script that does the same', () => {
    const draft = webDraft()
    const byHand = {
      ...draft,
      realServers: draft.realServers.map((server, at) => ({
        ...server,
        setUp: at === 0 ? ('script' as const) : server.setUp,
      })),
    }
    const plan = planOf(byHand)
    expect(plan.order[0]).toEqual(['real-2'])
    expect(plan.steps.some(({ hostId }) => hostId === 'real-1')).toBe(false)
    const [server] = byHand.realServers
    expect(server && realServerScript(byHand, server)).toContain(`ip address replace ${vip}/32 dev lo`)
  })
  it('without the facts of a host there are no steps', () => {
    const draft = webDraft()
    const plan = makePlan({
      draft,
      draftRevision: 1,
      facts: new Map(),
      findings: [],
      lvscf: '',
      configDigest: '',
      build,
    })
    expect(plan.steps).toEqual([])
    expect(plan.hosts).toHaveLength(4)
  })
})

describe('every step', () => {
  const plan = planOf(webDraft(), { 'director-1': { commands: { ip: '/x', 'apt-get': '/x' } } })

  it.each(plan.steps.map((step) => [step.id, step] as const))(
    '%s can be seen to be so, and is said in both languages',
    (_id, step) => {
      expect(step.alreadySo !== '' || step.files.length > 0).toBe(true)
      for (const language of ['en', 'zh-CN'] as const) {
        const { title, reason } = sayStep(step, language)
        expect(`${title}${reason}`).not.toMatch(/[{}]|\?/)
      }
    },
  )
  it('ids are unique', () => {
    expect(new Set(plan.steps.map(({ id }) => id)).size).toBe(plan.steps.length)
  })
  it('a plan made twice is the same', () => {
    expect(planOf()).toEqual(planOf())
  })
})

describe('forwarding methods', () => {
  const natRouter = { address: '192.168.2.30', device: 'eth0', prefix: '24' }
  const nat: ClusterDraft = { ...webDraft(), forwarding: 'nat', natRouter }
  const policy: ClusterDraft = { ...nat, realServerWay: { direct: 'sysctl', nat: 'policy-route' } }
  const program = (
    draft: ClusterDraft,
    id: string,
    changes: Readonly<Record<string, Partial<HostFacts>>> = {},
  ): string => textsOf(stepOf(planOf(draft, changes), id))[0] ?? ''

  it('NAT does the directors first: a route to an address nobody holds would cut the real servers off', () => {
    expect(planOf(nat).order).toEqual([['director-1'], ['director-2'], ['real-1', 'real-2']])
  })
  it('a director of NAT forwards and tells nobody of a shorter way', () => {
    const [text = ''] = textsOf(stepOf(planOf(nat), 'director-1/sysctl'))
    for (const value of ['ip_forward = 1', 'conf.all.send_redirects = 0', 'conf.eth0.send_redirects = 0'])
      expect(text).toContain(`net.ipv4.${value}\n`)
    expect(textsOf(stepOf(planOf(), 'director-1/sysctl'))[0]).not.toContain('ip_forward')
  })
  it('a changed route is armed to go back, and disarmed by a step that came over it', () => {
    expect(kindsOf(planOf(nat), 'real-1')).toEqual(['route-unit', 'route-up', 'route-kept'])
    const up = stepOf(planOf(nat), 'real-1/route-up')
    expect(up.run.indexOf('systemd-run')).toBeLessThan(up.run.indexOf('systemctl restart'))
    expect(stepOf(planOf(nat), 'real-1/route-kept').run).toContain('systemctl stop shoal-guard.timer')
  })
  it('by default route, SSH keeps its way before anything else changes', () => {
    const text = program(nat, 'real-1/route-unit', {
      'real-1': { ssh: { from: '10.1.1.1', to: '10.2.2.2', port: 2222 } },
    })
    expect(text.indexOf('sport 2222 lookup 5390')).toBeGreaterThan(0)
    expect(text.indexOf('sport 2222 lookup 5390')).toBeLessThan(text.indexOf('replace 0.0.0.0/1 via 192.168.2.30'))
  })
  it('by policy route, only the ports of the services are sent by the directors, and their checks are answered straight', () => {
    const text = program(
      { ...policy, services: policy.services.map((each) => ({ ...each, realPort: '8080' })) },
      'real-1/route-unit',
    )
    expect(text).toContain('from 192.168.2.243 ipproto tcp sport 8080 lookup 5391')
    expect(text).toContain('192.168.2.117/32 dev "$card" scope link')
    expect(text).not.toContain('0.0.0.0/1')
    // The virtual IP is no way for a check to come.
    expect(program(policy, 'real-1/route-unit', { 'director-1': holdsVip })).not.toContain(`${vip}/32`)
  })
  it('a real server whose own default route is the router address has nothing left to be done', () => {
    const routes = [{ to: 'default', via: '192.168.2.30', device: 'eth0' }]
    expect(kindsOf(planOf(nat, { 'real-1': { routes } }), 'real-1')).toEqual([])
    expect(kindsOf(planOf(policy, { 'real-1': { routes } }), 'real-1')).not.toEqual([])
  })
  it.each([
    ['sysctl', ['arp-silence', 'vip-unit', 'vip-up'], 'ip address replace'],
    ['arptables', ['packages', 'vip-unit', 'vip-up'], 'mangle --mangle-ip-s 192.168.2.243'],
  ] as const)('direct routing by %s', (way, kinds, words) => {
    const draft = { ...webDraft(), realServerWay: { direct: way, nat: 'default-route' as const } }
    expect(kindsOf(planOf(draft), 'real-1')).toEqual(kinds)
    expect(program(draft, 'real-1/vip-unit')).toContain(words)
  })
  it('a tunnel has its module before its address, and a loose filter on tunl0 alone', () => {
    const draft = { ...webDraft(), forwarding: 'tunnel' as const }
    expect(kindsOf(planOf(draft), 'real-1')).toEqual(['tunnel-module', 'arp-silence', 'vip-unit', 'vip-up'])
    const text = program(draft, 'real-1/vip-unit')
    expect(text).toContain('net.ipv4.conf.tunl0.rp_filter=2')
    expect(text).not.toContain('conf.all.rp_filter')
  })
  it('a network manager that would undo it is told, by files of ours alone', () => {
    const network = {
      managers: ['systemd-networkd' as const, 'NetworkManager' as const, 'networking' as const],
      owners: {},
      networkdFiles: { eth0: '/run/systemd/network/10-netplan-eth0.network' },
    }
    const paths = (draft: ClusterDraft, id: string): readonly string[] =>
      stepOf(planOf(draft, { 'real-1': { network }, 'director-1': { network } }), id).files.map(({ path }) => path)
    const dropIn = '/etc/systemd/network/10-netplan-eth0.network.d/50-shoal.conf'
    expect(paths(policy, 'real-1/network-owner')).toEqual([
      dropIn,
      '/etc/NetworkManager/dispatcher.d/50-shoal-realserver',
      '/etc/network/if-up.d/shoal-realserver',
    ])
    expect(paths(webDraft(), 'director-1/network-owner')).toEqual([dropIn])
    const [text = ''] = textsOf(stepOf(planOf(policy, { 'real-1': { network } }), 'real-1/network-owner'))
    expect(text).toContain(
      '[RoutingPolicyRule]\nPriority=5400\nFrom=192.168.2.243\nIPProtocol=tcp\nSourcePort=80\nTable=5391',
    )
  })
  it('weights by load make the real servers tell it, to the directors only', () => {
    const draft = {
      ...webDraft(),
      services: webDraft().services.map((each) => ({ ...each, loadMonitor: 'uptime' as const })),
    }
    expect(program(draft, 'real-2/load-socket')).toContain('192.168.2.117 | 192.168.2.15)')
    expect(kindsOf(planOf(), 'real-2')).not.toContain('load-socket')
  })
  it('a mark needs iptables on the directors', () => {
    const draft = {
      ...webDraft(),
      services: webDraft().services.map((each) => ({ ...each, fwmark: '80', morePorts: '443', persistentS: '30' })),
    }
    expect(stepOf(planOf(draft), 'director-1/packages').run).toContain('install -y -q --no-install-recommends iptables')
  })
})

describe('a firewall that refuses', () => {
  const calm = factsOf('director-1').firewall
  const tool = (name: string) => ({ ...factsOf('director-1').commands, [name]: `/sbin/${name}` })
  const chains = [{ family: 'inet', table: 'filter', chain: 'input', hook: 'input' as const }]
  const openings: readonly (readonly [string, HostFacts['firewall'], HostFacts['commands'], string])[] = [
    [
      'iptables',
      { ...calm, inputDrops: true },
      tool('iptables'),
      'iptables -w -A SHOAL-INPUT -p udp -s 192.168.2.15 --dport 539 -j ACCEPT',
    ],
    [
      'nftables',
      { ...calm, inputDrops: true, chains },
      tool('nft'),
      'nft add rule inet filter shoal-input ip saddr 192.168.2.15 udp dport 539 accept',
    ],
    ['ufw', { ...calm, active: ['ufw'] }, tool('ufw'), 'ufw allow in proto udp from 192.168.2.15 to any port 539'],
    [
      'firewalld',
      { ...calm, active: ['firewalld'], zones: { '': 'work' } },
      tool('firewall-cmd'),
      '--permanent --zone=work --add-rich-rule=\'rule family="ipv4" source address="192.168.2.15" port port="539" protocol="udp" accept\'',
    ],
  ]
  it.each(openings)(
    'by %s is opened for the beats and the connections of the other director and for the service, and nothing is flushed',
    (_tool, firewall, commands, words) => {
      const step = stepOf(planOf(webDraft(), { 'director-1': { firewall, commands } }), 'director-1/firewall')
      const all = [...textsOf(step), step.run].join('\n')
      expect(all).toContain(words)
      expect(all).toContain(words.replace('539', '8848'))
      // It tells its own kernel, too.
      expect(all).toContain(words.replace('539', '8848').replace('192.168.2.15', '192.168.2.117'))
      expect(all).not.toContain(words.replace('192.168.2.15', '192.168.2.117'))
      expect(all).toMatch(/80/)
      expect(all).not.toMatch(/flush ruleset|-F INPUT|--reload/)
    },
  )
  it('is left alone where the operator keeps it', () => {
    const draft = { ...webDraft(), consent: { stop: [], firewall: false } }
    const changes = { 'director-1': { firewall: { ...calm, inputDrops: true }, commands: tool('iptables') } }
    expect(kindsOf(planOf(draft, changes), 'director-1')).not.toContain('firewall')
  })
  it('lets what real servers answer pass a director of NAT', () => {
    const draft: ClusterDraft = {
      ...webDraft(),
      forwarding: 'nat',
      natRouter: { address: '192.168.2.30', device: 'eth0', prefix: '24' },
    }
    const changes = { 'director-1': { firewall: { ...calm, forwardDrops: true }, commands: tool('iptables') } }
    expect(textsOf(stepOf(planOf(draft, changes), 'director-1/firewall'))[0]).toContain(
      'iptables -w -A SHOAL-FORWARD -p tcp -s 192.168.2.243 --sport 80 -j ACCEPT',
    )
  })
})

it('one of a thing is said as one', () => {
  expect(sayStep({ kind: 'sysctl', detail: { count: 1 } }, 'en').title).toBe('Set 1 kernel value')
  expect(sayStep({ kind: 'sysctl', detail: { count: 2 } }, 'en').title).toBe('Set 2 kernel values')
  const heard = (paths: number): string => sayProof({ check: 'hears-peer', detail: { host: 'lvs1', paths } }, 'en')
  expect(heard(1)).toBe('lvs1 hears the other director on 1 heartbeat path')
  expect(heard(2)).toBe('lvs1 hears the other director on 2 heartbeat paths')
})
