// Every step of every plan, run on a pretended host: it fails before and after its commands and is taken back without trace; it is done;
// done again it changes nothing; and with all of them taken back the host is as it was. Whatever the step at which a build ends, going
// back then leaves nothing: that is these put together.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { FileToWrite, Run, Step } from '../../domain/plan.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { build, factsOf, webDraft } from './material.ts'
import { listing, playedRuntime } from './pretend-host.ts'
import { beginPretended, owner } from './pretended-run.ts'
import type { PretendedHost } from './pretended-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-steps-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
interface Case {
  readonly title: string
  readonly hostId: PretendedHost
  readonly draft?: Partial<ClusterDraft>
  readonly service?: Partial<ClusterDraft['services'][number]>
  readonly facts?: Partial<HostFacts>
  /** Tools that are installed by the plan. */
  readonly missing?: readonly string[]
  /** Kinds that must be in the plan: a case that lost its subject would prove nothing. */
  readonly kinds: readonly string[]
}

const commands = factsOf('director-1').commands
const bare = Object.fromEntries(Object.entries(commands).filter(([name]) => name !== 'ipvsadm'))
const calm = factsOf('real-1').firewall
const natRouter = { address: '192.168.2.30', device: 'eth0', prefix: '24' }
const direct = { direct: 'sysctl', nat: 'default-route' } as const
const networkd = {
  managers: ['systemd-networkd' as const],
  owners: { eth0: 'systemd-networkd' },
  networkdFiles: { eth0: '/etc/systemd/network/20-lan.network' },
}
const everyManager = {
  ...networkd,
  managers: ['systemd-networkd' as const, 'NetworkManager' as const, 'networking' as const],
}

const cases: readonly Case[] = [
  {
    title: 'a director with nothing on it, iptables, systemd-networkd, another owner and a login that is not root',
    hostId: 'director-1',
    draft: { consent: { stop: ['director-1/keepalived'], firewall: true } },
    service: { fwmark: '80', morePorts: '443', persistentS: '30' },
    facts: {
      commands: { ...bare, iptables: '/sbin/iptables' },
      firewall: { ...calm, inputDrops: true },
      network: networkd,
      rivals: [{ name: 'keepalived', enabled: true, running: true, unit: true }],
    },
    kinds: [
      'runtime',
      'agent',
      'packages',
      'modules',
      'sysctl',
      'network-owner',
      'firewall',
      'socket-group',
      'cluster-key',
      'lvscf',
      'agent-unit',
      'stop-rival',
      'agent-start',
      'agent-ready',
    ],
  },
  {
    title: 'a director of NAT behind firewalld',
    hostId: 'director-1',
    draft: { forwarding: 'nat', natRouter },
    facts: {
      commands: { ...commands, 'firewall-cmd': '/x' },
      firewall: { ...calm, active: ['firewalld'], inputDrops: true, zones: { '': 'public' } },
    },
    kinds: ['sysctl', 'firewall'],
  },
  {
    title: 'a director of NAT behind ufw',
    hostId: 'director-1',
    draft: { forwarding: 'nat', natRouter },
    facts: {
      commands: { ...commands, ufw: '/x' },
      firewall: { ...calm, active: ['ufw'], inputDrops: true },
    },
    kinds: ['firewall'],
  },
  {
    title: 'a director of NAT behind nftables',
    hostId: 'director-1',
    draft: { forwarding: 'nat', natRouter },
    facts: {
      commands: { ...commands, nft: '/x' },
      firewall: {
        ...calm,
        active: ['nftables'],
        inputDrops: true,
        forwardDrops: true,
        chains: (['input', 'forward'] as const).map((hook) => ({ family: 'inet', table: 'filter', chain: hook, hook })),
      },
    },
    kinds: ['firewall'],
  },
  { title: 'a real server by kernel values', hostId: 'real-1', kinds: ['arp-silence', 'vip-unit', 'vip-up'] },
  {
    title: 'a real server by arptables',
    hostId: 'real-1',
    draft: { realServerWay: { ...direct, direct: 'arptables' } },
    missing: ['arptables'],
    kinds: ['packages', 'vip-unit', 'vip-up'],
  },
  {
    title: 'a real server of a tunnel, with NetworkManager, behind iptables',
    hostId: 'real-1',
    draft: { forwarding: 'tunnel' },
    facts: {
      commands: { ...commands, iptables: '/x', nmcli: '/x' },
      firewall: { ...calm, inputDrops: true },
      network: everyManager,
    },
    kinds: ['firewall', 'network-owner', 'tunnel-module', 'arp-silence', 'vip-unit', 'vip-up'],
  },
  {
    title: 'a real server of NAT by the default route, whatever manages the network, that tells its load',
    hostId: 'real-1',
    draft: { forwarding: 'nat', natRouter },
    service: { loadMonitor: 'uptime' },
    facts: {
      network: everyManager,
      sysctls: { 'net.ipv4.conf.all.rp_filter': '1' },
      ssh: { from: '203.0.113.5', to: '192.168.2.243', port: 22 },
    },
    kinds: ['network-owner', 'path-filter', 'route-unit', 'route-up', 'route-kept', 'load-socket'],
  },
  {
    title: 'a real server of NAT that keeps its default route',
    hostId: 'real-1',
    draft: { forwarding: 'nat', natRouter, realServerWay: { ...direct, nat: 'policy-route' } },
    service: { morePorts: '443', fwmark: '80', persistentS: '30' },
    kinds: ['route-unit', 'route-up', 'route-kept'],
  },
]

/** What would be copied over SFTP comes in the script here. */
function asText({ path, content }: FileToWrite): FileToWrite['content'] {
  if (content.kind !== 'binary') return content
  return { kind: 'text', text: path.endsWith('/node') ? playedRuntime : 'agent\n' }
}

/** The steps of one host of the plan of a case, owned by who runs this. */
function stepsOf({ hostId, draft: changes, service, facts }: Case): readonly Step[] {
  const web = webDraft()
  const [first, second] = web.directors
  const draft: ClusterDraft = {
    ...web,
    directors: [{ ...first, user: 'admin' }, second],
    ...changes,
    services: web.services.map((each) => ({ ...each, ...service })),
  }
  const hosts = [...draft.directors, ...draft.realServers]
  const plan = makePlan({
    draft,
    draftRevision: 1,
    facts: new Map(hosts.map(({ id }) => [id, factsOf(id, id === hostId ? facts : {})])),
    findings: [],
    lvscf: draftLvscf(draft),
    configDigest: '9'.repeat(64),
    build,
  })
  return plan.steps
    .filter((step) => step.hostId === hostId)
    .map((step) => ({ ...step, files: step.files.map((file) => ({ ...file, owner, content: asText(file) })) }))
}

async function begin({ hostId, missing }: Case) {
  const host = await beginPretended(folder, webDraft(), hostId, missing)
  writeFileSync(join(host.root, 'state/enabled'), 'keepalived.service\n')
  writeFileSync(join(host.root, 'state/active'), 'keepalived.service\n')
  return { ...host, carryOut: (step: Step): Promise<Run> => host.carryOut([step]) }
}

const stateOf = (run: Run): string | undefined => run.steps[0]?.state

describe.each(cases)('$title', (each) => {
  const steps = stepsOf(each)
  it('has the steps it is about', () => {
    expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...each.kinds]))
  })
  it('each step that fails is taken back without trace, each that is done stays done, and all go back', async () => {
    const host = await begin(each)
    try {
      const atFirst = listing(host.root)
      const done: Run[] = []
      for (const step of steps) {
        const before = listing(host.root)
        // An agent that was started finds its role by itself: nothing is left to fail there.
        if (step.kind === 'agent-ready') {
          expect(stateOf(await host.carryOut(step))).toBe('already')
          continue
        }
        // A timer that was disarmed stays so: that step is done once its commands have run, whatever comes after.
        const failing = [`exit 1\n${step.run}`, ...(step.kind === 'route-kept' ? [] : [`${step.run}\nexit 1`])]
        for (const run of failing) {
          const failed = await host.carryOut({ ...step, run })
          expect([step.id, stateOf(failed)]).toEqual([step.id, 'failed'])
          const undone = await host.takeBack(failed)
          expect([step.id, undone.state, undone.problems]).toEqual([step.id, 'undone', []])
          expect({ [step.id]: listing(host.root) }).toEqual({ [step.id]: before })
        }
        const run = await host.carryOut(step)
        expect([step.id, stateOf(run), run.problems, host.said.at(-1)]).toEqual([step.id, 'done', [], host.said.at(-1)])
        done.push(run)
        const after = listing(host.root)
        expect([step.id, stateOf(await host.carryOut(step))]).toEqual([step.id, 'already'])
        expect(listing(host.root)).toEqual(after)
      }
      for (const run of done.reverse()) expect((await host.takeBack(run)).problems).toEqual([])
      expect(listing(host.root)).toEqual(atFirst)
      expect(readFileSync(join(host.root, 'state/active'), 'utf8')).not.toContain('shoal')
    } finally {
      await host.end()
    }
  }, 120_000)
})
