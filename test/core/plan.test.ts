import { describe, expect, it } from 'vitest'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { sayStep } from '../../domain/speech/plan.ts'
import { makePlan, realServerScript } from '../../core/provision/plan.ts'
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
    const unit = stepOf(planOf(), 'real-1/vip-unit').files[0]?.content
    const text = unit?.kind === 'text' ? unit.text : ''
    expect(text.indexOf('sysctl -q -p')).toBeLessThan(text.indexOf(`ip address replace ${vip}/32 dev lo`))
    expect(text).toContain('-ec')
    expect(text).toContain('WantedBy=multi-user.target')
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
    expect(realServerScript(byHand)).toContain(`ip address replace ${vip}/32 dev lo`)
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
