/**
 * A core made of plain data, for looking at the pages and for component tests: it answers every request of the contract with what a
 * real one could have said, keeps drafts with revisions, and plays a run step by step. It is not part of the product.
 */
import { draftLvscf, newClusterDraft } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft, KeptDraft } from '../../domain/cluster.ts'
import type { Answer, Args, EventName, Events, RequestName } from '../../domain/contract/app.ts'
import type { JournalEntry, ServerReport, ServiceReport } from '../../domain/contract/agent.ts'
import { hostFactsSchema } from '../../domain/facts.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Change, ChangeState } from '../../domain/life.ts'
import type { Plan, Run, RunLine, Step, StepKind, StepState } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { ClusterStatus, DirectorStatus, StatusChange, Verdict } from '../../domain/status.ts'
import type { Hop, HopKind, Trace } from '../../domain/trace.ts'

const fakeAddresses = { lvs1: '192.168.2.117', lvs2: '192.168.2.15', rs1: '192.168.2.243', rs2: '192.168.2.111' }
export const fakeVip = '192.168.2.27'

/** Addresses that bring about each trouble. */
const troubles: Readonly<Record<string, Problem>> = {
  '192.168.2.200': problem('host-unreachable', { host: '192.168.2.200', port: 22, reason: 'no route to host' }),
  '192.168.2.201': problem('host-key-changed', {
    host: '192.168.2.201',
    presented: 'SHA256:Zo0dP0Uo3u5kqk2oYt6q1o8V0s2Qb8dPj7eD3mX9aLw',
    known: 'SHA256:1kq0v9mXl2n6w8tYb3c5d7e9f1g3h5j7k9m1n3p5q7s',
    file: '~/.ssh/known_hosts',
    line: 3,
  }),
}

function fakeFacts(name: string, address: string, atMs: number): HostFacts {
  return hostFactsSchema.parse({
    atMs,
    hostName: name,
    os: { id: 'debian', version: '12', family: 'debian', pretty: 'Debian GNU/Linux 12 (bookworm)' },
    kernel: '6.1.0-28-amd64',
    machine: 'x86_64',
    cpus: 2,
    memoryMb: 2048,
    freeMb: { root: 8000, var: 8000, tmp: 1000 },
    uid: 0,
    rootBy: 'root',
    init: 'systemd',
    machineId: name,
    clockOffsetMs: 3,
    nics: [
      {
        name: 'lo',
        mac: '00:00:00:00:00:00',
        up: true,
        mtu: 65536,
        addresses: [{ address: '127.0.0.1', prefix: 8, dynamic: false }],
      },
      {
        name: 'eth0',
        mac: '52:54:00:12:34:56',
        up: true,
        mtu: 1500,
        addresses: [{ address, prefix: 24, dynamic: false }],
      },
      {
        name: 'eth1',
        mac: '52:54:00:12:34:57',
        up: true,
        mtu: 1500,
        addresses: [{ address: address.replace('192.168.2', '10.9.9'), prefix: 24, dynamic: false }],
      },
    ],
    routes: [{ to: 'default', via: '192.168.2.1', device: 'eth0' }],
    sysctls: {},
    ipvs: { available: true, loaded: true, schedulers: ['rr', 'wrr', 'lc', 'wlc'], table: '' },
    commands: { ipvsadm: '/sbin/ipvsadm' },
    rivals: [],
    listening: [
      { protocol: 'tcp', address: '0.0.0.0', port: 22, process: 'sshd' },
      ...(name.startsWith('rs') ? [{ protocol: 'tcp' as const, address: '0.0.0.0', port: 80, process: 'nginx' }] : []),
    ],
    firewall: { active: [], inputDrops: false },
  })
}

/** A draft with everything answered. */
export function fullDraft(id: string): ClusterDraft {
  const draft = newClusterDraft(id)
  const login = { kind: 'key' as const, keyFile: '/root/.ssh/id_ed25519' }
  const [first, second] = draft.directors
  const real = (at: number, name: string, address: string) => ({
    ...(draft.realServers[at] as ClusterDraft['realServers'][number]),
    id: `real-${at + 1}`,
    name,
    address,
    login,
  })
  return {
    ...draft,
    name: 'shop',
    step: 'review',
    directors: [
      { ...first, name: 'lvs1', address: fakeAddresses.lvs1, login, privateAddress: '10.9.9.117' },
      {
        ...second,
        name: 'lvs2',
        address: fakeAddresses.lvs2,
        login: { kind: 'password', keyFile: '' },
        privateAddress: '10.9.9.15',
      },
    ],
    virtualIp: { address: fakeVip, device: 'eth0', prefix: '32' },
    realServers: [real(0, 'rs1', fakeAddresses.rs1), real(1, 'rs2', fakeAddresses.rs2)],
  }
}

export function fakePlan(draft: ClusterDraft, revision: number): Plan {
  const byLogin = draft.realServers.filter((server) => server.setUp === 'ssh')
  const hosts = [
    ...draft.directors.map((host) => ({ host, role: 'director' as const })),
    ...byLogin.map((host) => ({ host, role: 'real-server' as const })),
  ]
  const kinds: Readonly<Record<'director' | 'real-server', readonly StepKind[]>> = {
    director: [
      'packages',
      'modules',
      'sysctl',
      'runtime',
      'agent',
      'cluster-key',
      'lvscf',
      'agent-unit',
      'agent-start',
      'agent-ready',
    ],
    'real-server': ['arp-silence', 'vip-unit', 'vip-up'],
  }
  const detail = {
    packages: 'ipvsadm',
    modules: 'ip_vs, ip_vs_wlc',
    count: 3,
    megabytes: 38,
    version: '0.1.0',
    path: '/etc/sysconfig/ha/lvs.cf',
    vip: `${draft.virtualIp.address}/32`,
    who: 'root',
  }
  const lvscf = draftLvscf(draft)
  const steps = hosts.flatMap(({ host, role }) =>
    kinds[role].map((kind): Step => ({
      id: `${host.id}/${kind}`,
      hostId: host.id,
      kind,
      detail,
      files:
        kind === 'lvscf'
          ? [
              {
                path: '/etc/sysconfig/ha/lvs.cf',
                mode: '0644',
                owner: 'root:root',
                content: {
                  kind: 'text',
                  text: lvscf,
                  before: lvscf.replace('wlc', 'rr').replace(/^keepalive.*$/m, 'keepalive = 6'),
                },
              },
            ]
          : kind === 'sysctl' || kind === 'arp-silence'
            ? [
                {
                  path: '/etc/sysctl.d/99-zz-shoal.conf',
                  mode: '0644',
                  owner: 'root:root',
                  content: {
                    kind: 'text',
                    text: 'net.ipv4.conf.all.arp_ignore = 1\nnet.ipv4.conf.all.arp_announce = 2\n',
                  },
                },
              ]
            : kind === 'runtime'
              ? [
                  {
                    path: '/opt/shoal/node',
                    mode: '0755',
                    owner: 'root:root',
                    content: { kind: 'binary', name: 'node', bytes: 40_312_332, sha256: 'ab'.repeat(32) },
                  },
                ]
              : [],
      run:
        kind === 'packages'
          ? 'apt-get install -y ipvsadm'
          : kind === 'vip-up'
            ? `ip addr replace ${draft.virtualIp.address}/32 dev lo`
            : 'sysctl --system',
      alreadySo: 'command -v ipvsadm',
      inverse: 'true',
    })),
  )
  return {
    draftId: draft.id,
    draftRevision: revision,
    lvscf,
    findings: [
      ...draft.realServers
        .filter((server) => server.setUp === 'script')
        .map((server) => ({
          hostId: server.id,
          check: 'set-up-by-hand',
          command: `#!/bin/sh\nip address replace ${draft.virtualIp.address}/32 dev lo\n`,
          answer: '',
          problem: problem('set-up-by-hand', { host: server.name }, { kind: 'host', host: server.id }, 'note'),
        })),
      {
        hostId: 'director-2',
        check: 'clock-skew',
        command: 'date +%s.%N',
        answer: '1763679301.204',
        problem: problem(
          'clock-skew',
          { host: 'lvs2', seconds: 4, skewMs: 4200 },
          { kind: 'host', host: 'lvs2' },
          'warning',
        ),
      },
    ],
    order: [['director-2'], ['director-1'], byLogin.map((server) => server.id)],
    hosts: hosts.map(({ host, role }) => ({ hostId: host.id, name: host.name, address: host.address, role })),
    steps,
  }
}

function server(name: string, address: string, port: number, up: boolean, nowMs: number): ServerReport {
  return {
    name,
    address,
    port,
    health: up ? 'up' : 'down',
    healthSinceMs: nowMs - (up ? 3_600_000 : 42_000),
    lastCheckAtMs: nowMs - 900,
    lastCheckMs: up ? 1.4 : 2000,
    ...(up ? {} : { lastError: 'connect ECONNREFUSED; nothing came back within 2 s' }),
    recent: up ? '1'.repeat(31) + '0' + '1'.repeat(28) : '1'.repeat(39) + '0'.repeat(21),
    weightWanted: 1,
    weightKernel: up ? 1 : null,
    activeConnections: up ? 114 : 0,
    inactiveConnections: up ? 31 : 4,
    connections: 48_211,
    packetsIn: 1_100_201,
    bytesIn: 88_112_201,
  }
}

export type Scene = 'served' | 'not-served' | 'both-serve' | 'unknown' | 'degraded'

/** A cluster's status at an instant, in one of the situations the overview has to tell. */
export function fakeStatus(clusterId: string, scene: Scene, nowMs: number): ClusterStatus {
  const services = (names: readonly [string, number][]): ServiceReport[] =>
    names.map(([name, port]) => ({
      id: `tcp ${fakeVip}:${port}`,
      name,
      address: fakeVip,
      port,
      protocol: 'tcp',
      scheduler: 'wlc',
      ...(port === 443 ? { persistentS: 600 } : {}),
      inKernel: true,
      sorry: false,
      realServers: [
        server('rs1', fakeAddresses.rs1, port, true, nowMs),
        server('rs2', fakeAddresses.rs2, port, scene !== 'degraded', nowMs),
      ],
    }))
  const director = (name: 'lvs1' | 'lvs2', role: 'active' | 'standby', silent: boolean): DirectorStatus => {
    const peer = name === 'lvs1' ? 'lvs2' : 'lvs1'
    const held = role === 'active'
    const receivedAtMs = silent ? nowMs - 14_000 : nowMs - 300
    const path = (kind: 'public' | 'private', local: string, remote: string) => ({
      name: kind,
      local,
      remote,
      state: scene === 'both-serve' || scene === 'not-served' ? ('silent' as const) : ('heard' as const),
      lastHeardAtMs: nowMs - 14_000,
      lossPercent: scene === 'both-serve' ? 100 : kind === 'public' ? 0 : 1.2,
      worstGapMs: 131,
      refused: 0,
    })
    return {
      hostId: name === 'lvs1' ? 'director-1' : 'director-2',
      name,
      address: fakeAddresses[name],
      contact: silent ? 'lost' : 'connected',
      contactSinceMs: silent ? nowMs - 13_000 : nowMs - 7_200_000,
      ...(silent
        ? { problem: problem('host-unreachable', { host: fakeAddresses[name], port: 22, reason: 'timed out' }) }
        : {}),
      receivedAtMs,
      clockOffsetMs: 2,
      report: {
        director: name,
        version: '0.1.0',
        bootId: name,
        role,
        roleSinceMs: nowMs - 3_725_000,
        term: 3,
        unfitBecause: [],
        configDigest: '9f2c41aa07be11d2',
        generation: 4,
        peer: {
          known: true,
          role: held ? 'standby' : 'active',
          alive: true,
          paths: [
            path('public', fakeAddresses[name], fakeAddresses[peer]),
            path(
              'private',
              fakeAddresses[name].replace('192.168.2', '10.9.9'),
              fakeAddresses[peer].replace('192.168.2', '10.9.9'),
            ),
          ],
        },
        virtualIps: [{ address: fakeVip, device: 'eth0:1', wanted: held, held }],
        kernel: { observedAtMs: nowMs - 800, drift: [] },
        worstLatenessMs: 6,
      },
      services: services([
        ['web', 80],
        ['web-tls', 443],
      ]),
    }
  }
  const verdicts: Readonly<Record<Scene, Verdict>> = {
    served: {
      kind: 'served',
      by: 'lvs1',
      sinceMs: nowMs - 3_725_000,
      virtualServers: 2,
      standby: 'ready',
      problems: 0,
    },
    degraded: {
      kind: 'served',
      by: 'lvs1',
      sinceMs: nowMs - 3_725_000,
      virtualServers: 2,
      standby: 'ready',
      problems: 2,
    },
    'not-served': { kind: 'not-served', virtualIp: fakeVip, sinceMs: nowMs - 4000 },
    'both-serve': { kind: 'both-serve', virtualIp: fakeVip, sinceMs: nowMs - 2000 },
    unknown: { kind: 'unknown', sinceMs: nowMs - 12_000 },
  }
  return {
    clusterId,
    atMs: nowMs,
    verdict: verdicts[scene],
    virtualIps: [fakeVip],
    staleAfterMs: 3000,
    directors: [
      director('lvs1', scene === 'not-served' ? 'standby' : 'active', scene === 'unknown' || scene === 'not-served'),
      director('lvs2', scene === 'both-serve' ? 'active' : 'standby', scene === 'unknown'),
    ],
  }
}

/** A whole status told as a change: every service is another. */
function asChange(status: ClusterStatus): StatusChange {
  return {
    ...status,
    directors: status.directors.map(({ services, ...director }) => ({ ...director, changed: services, gone: [] })),
  }
}

export function fakeJournal(nowMs: number): JournalEntry[] {
  const entry = (director: string, seq: number, agoMs: number, event: JournalEntry['event']): JournalEntry => ({
    director,
    boot: `${director}-boot`,
    seq,
    atMs: nowMs - agoMs,
    event,
  })
  const t = nowMs - 900_000
  return [
    entry('lvs2', 9, 898_000, {
      kind: 'role',
      from: 'standby',
      to: 'active',
      term: 3,
      reason: 'lvs1 silent for 700 ms',
    }),
    entry('lvs2', 8, 899_100, {
      kind: 'failover',
      record: {
        cause: 'peer-silent',
        decidedBy: 'lvs2',
        from: 'lvs1',
        to: 'lvs2',
        term: 3,
        lastHeardAtMs: t,
        firstMissedAtMs: t + 100,
        decidedAtMs: t + 704,
        tableReadyAtMs: t + 704.5,
        addressUpAtMs: t + 709,
        announcedAtMs: t + 710,
        learntAtMs: t + 718,
        outageMs: 718,
        witnesses: [{ address: fakeAddresses.rs1, says: 'lvs1 does not answer' }],
      },
    }),
    entry('lvs2', 7, 899_900, { kind: 'path', path: 'public', to: 'silent' }),
    entry('lvs1', 3, 600_000, { kind: 'started', version: '0.1.0', after: 'boot' }),
    entry('lvs1', 4, 599_000, { kind: 'role', from: 'starting', to: 'standby', term: 3, reason: 'lvs2 is active' }),
    entry('lvs2', 10, 598_000, { kind: 'path', path: 'public', to: 'heard' }),
    entry('lvs2', 11, 300_000, {
      kind: 'health',
      service: 'web',
      server: 'rs2',
      to: 'down',
      reason: 'connect ECONNREFUSED',
    }),
    entry('lvs2', 12, 240_000, { kind: 'health', service: 'web', server: 'rs2', to: 'up' }),
    entry('lvs2', 13, 120_000, { kind: 'drift', differences: ['rs2 had weight 0, wanted 1'], repaired: true }),
    entry('lvs1', 1, 90_000_000, { kind: 'config', generation: 4, digest: '9f2c41aa07be11d2' }),
    entry('lvs1', 2, 89_900_000, { kind: 'order', order: 'hand-over', by: 'operator' }),
  ]
}

export interface FakeCore {
  ask(name: string, args: unknown): Promise<Result<unknown>>
  on(listener: <N extends EventName>(name: N, event: Events[N]) => void): () => void
  /** As if another window had kept the draft. */
  keepElsewhere(id: string, change: (draft: ClusterDraft) => void): void
  scene: Scene
  readonly asked: string[]
  /** Passwords as they were handed over, by address. */
  readonly passwords: ReadonlyMap<string, string>
}

type Handlers = { [N in RequestName]?: (args: Args<N>) => Promise<Result<Answer<N>>> }

/** Two ways, of which the second stops at a service that is not running. */
function fakeTrace(): Trace {
  const passes = (kind: HopKind, hostId: string, detail: Hop['detail']): Hop => ({
    kind,
    hostId,
    verdict: 'passes',
    command: 'ip -4 addr show',
    answer: 'eth0',
    detail,
  })
  const hops = (host: string, address: string): readonly Hop[] => [
    passes('vip-held', 'director-1', { vip: fakeVip, holder: 'lvs1' }),
    passes('vip-mac', 'director-1', { vip: fakeVip, holder: 'lvs1', mac: '02:00:00:00:00:01' }),
    passes('way-there', 'director-1', { host: 'lvs1', address, device: 'eth0' }),
    passes('server-takes', host, { host, address: fakeVip, device: 'lo' }),
  ]
  const listening: Hop = {
    kind: 'listening',
    hostId: 'real-2',
    verdict: 'stops',
    command: 'ss -Hlnt sport = :80',
    answer: '-',
    detail: { host: 'rs2', address: fakeVip, port: 80, wrong: 'no socket has this port' },
  }
  return {
    atMs: Date.now(),
    vip: fakeVip,
    paths: [
      { service: 'web', server: 'rs1', hops: hops('rs1', fakeAddresses.rs1) },
      { service: 'web', server: 'rs2', hops: [...hops('rs2', fakeAddresses.rs2), listening], firstWrong: 4 },
    ],
  }
}

function fakeChange(state: ChangeState | undefined): Change | null {
  if (state === undefined) return null
  const line = (host: string, what: string) => ({ atMs: Date.now(), host, what, answer: 'done', ok: true })
  return {
    id: 'change-1',
    clusterId: 'shop',
    state,
    startedAtMs: Date.now() - 20_000,
    author: 'ana@desk',
    reason: 'rs3 takes a third of the load',
    lines: [
      line('lvs2', 'stage b2c3d4e5f6a7'),
      line('lvs1', 'stage b2c3d4e5f6a7'),
      line('lvs2', 'commit b2c3d4e5f6a7, confirm within 120 s'),
      line('lvs1', 'commit b2c3d4e5f6a7, confirm within 120 s'),
    ],
    proof: [],
    problems: state === 'reverted' ? [problem('change-not-proven', { count: 1, total: 12 })] : [],
  }
}

/** `stepMs`: how long a step of a run takes. */
export function createFakeCore(
  options: { stepMs?: number; cluster?: boolean; unfinished?: boolean; change?: ChangeState } = {},
): FakeCore {
  const listeners = new Set<<N extends EventName>(name: N, event: Events[N]) => void>()
  const emit = <N extends EventName>(name: N, event: Events[N]) => {
    for (const listener of listeners) listener(name, event)
  }
  const drafts = new Map<string, KeptDraft>()
  const trusted = new Set<string>()
  const unfinished = options.unfinished ?? false
  let ignored: { readonly reason: string; readonly atMs: number } | undefined
  const passwords = new Map<string, string>()
  let run: Run | null = null
  const lines: RunLine[] = []
  let watched = false
  const keep = (draft: ClusterDraft, revision: number) => {
    const kept = { revision, savedAtMs: Date.now(), draft }
    drafts.set(draft.id, kept)
    emit('draft.kept', { id: draft.id, revision })
    return kept
  }
  const nameOf = (address: string) => Object.entries(fakeAddresses).find(([, one]) => one === address)?.[0] ?? 'host'

  async function play(plan: Plan, stepMs: number): Promise<void> {
    const set = (stepId: string, state: StepState) => {
      if (!run) return
      const startedAtMs = Date.now()
      run = {
        ...run,
        steps: run.steps.map((step) =>
          step.stepId === stepId
            ? { stepId, state, startedAtMs, ...(state === 'done' ? { durationMs: stepMs } : {}) }
            : step,
        ),
      }
      emit('run.changed', run)
    }
    for (const group of plan.order) {
      await Promise.all(
        group.map(async (hostId) => {
          for (const step of plan.steps.filter((one) => one.hostId === hostId)) {
            set(step.id, 'running')
            const line: RunLine = {
              runId: plan.draftId,
              hostId,
              stepId: step.id,
              atMs: Date.now(),
              stream: 'out',
              text: `${step.kind}: ${step.run}`,
            }
            lines.push(line)
            emit('run.line', line)
            await new Promise((done) => setTimeout(done, stepMs))
            set(step.id, 'done')
          }
        }),
      )
    }
    if (!run) return
    run = {
      ...run,
      state: 'done',
      endedAtMs: Date.now(),
      proof: [
        {
          check: 'one-mac',
          passed: true,
          command: `arping -c 3 ${fakeVip}`,
          answer: '52:54:00:12:34:56',
          detail: { from: 'lvs2', vip: fakeVip, mac: '52:54:00:12:34:56' },
        },
        {
          check: 'real-server-up',
          passed: true,
          command: 'ipvsadm -Ln',
          answer: '-> 192.168.2.243:80',
          detail: { server: 'rs1', service: 'web' },
        },
      ],
    }
    emit('run.changed', run)
  }

  const handlers: Handlers = {
    'app.info': async () =>
      ok({
        version: '0.1.0',
        host: 'browser',
        offered: Object.entries(fakeAddresses).map(([name, address]) => ({
          name,
          address,
          role: name.startsWith('lvs') ? ('director' as const) : ('real-server' as const),
          user: 'root',
          login: name === 'lvs2' ? ('password' as const) : ('key' as const),
          keyFile: '/root/.ssh/id_ed25519',
        })),
        keys: ['/root/.ssh/id_ed25519', '/root/.ssh/id_rsa'],
        sshAgent: false,
        keychain: false,
      }),
    'drafts.list': async () => ok([...drafts.values()]),
    'drafts.get': async ({ id }) => {
      const kept = drafts.get(id)
      return kept ? ok(kept) : failed(problem('not-found', { name: id }))
    },
    'drafts.keep': async ({ revision, draft }) => {
      const known = drafts.get(draft.id)?.revision ?? 0
      if (known !== revision) return failed(problem('changed-meanwhile', { name: draft.name }))
      const kept = keep(draft, revision + 1)
      return ok({ revision: kept.revision, savedAtMs: kept.savedAtMs })
    },
    'drafts.forget': async ({ id }) => {
      drafts.delete(id)
      return ok(null)
    },
    'secrets.keep': async ({ address, secret }) => {
      passwords.set(address, secret)
      return ok(null)
    },
    'hosts.config': async ({ address }) =>
      ok(
        address === 'lvs-alias' ? { hostName: '192.168.2.117', port: 2201, user: 'ops', jump: 'guard@bastion' } : null,
      ),
    'hosts.try': async ({ host }: { host: HostDraft }) => {
      await new Promise((done) => setTimeout(done, 60))
      const trouble = troubles[host.address]
      if (trouble) return failed(trouble)
      if (!trusted.has(host.address)) {
        return ok({
          kind: 'unknown-key',
          key: {
            address: host.address,
            port: 22,
            algorithm: 'ssh-ed25519',
            fingerprint: 'SHA256:Yp3cGk1L7q0aV2xw8r5nT4mB9sE6uH1jK0dF3zQ7oXc',
          },
        })
      }
      if (host.login.kind === 'password' && passwords.get(host.address) !== 'shoal') {
        return failed(problem('login-refused', { user: host.user, host: host.address, method: 'password' }))
      }
      return ok({ kind: 'facts', facts: fakeFacts(nameOf(host.address), host.address, Date.now()), roundTripMs: 38 })
    },
    'hosts.trust': async ({ address }) => {
      trusted.add(address)
      return ok(null)
    },
    'hosts.address-free': async ({ address }) =>
      ok(address === '192.168.2.1' ? { free: false, heldBy: '52:54:00:aa:bb:cc' } : { free: true }),
    'hosts.address-try': async ({ askers }) => {
      const reached = !askers.some(({ address }) => address.startsWith('203.0.113.'))
      return ok({
        passed: reached,
        askers: askers.map(({ name, address }) => ({
          name: name || address,
          reached,
          answer: reached ? '4 of 4' : '0 of 4',
        })),
      })
    },
    'hosts.check-service': async () =>
      ok({ passed: true, answer: 'HTTP/1.1 200 OK\nServer: nginx/1.22.1\n', durationMs: 2.4 }),
    'plan.make': async ({ draftId }) => {
      await new Promise((done) => setTimeout(done, 300))
      const kept = drafts.get(draftId)
      if (!kept) return failed(problem('not-found', { name: draftId }))
      const plan = fakePlan(kept.draft, kept.revision)
      const findings = plan.findings.map((finding) =>
        ignored && finding.problem.severity === 'warning' ? { ...finding, ignored } : finding,
      )
      return ok({ ...plan, findings })
    },
    'run.start': async ({ draftId, draftRevision }) => {
      const kept = drafts.get(draftId)
      if (!kept || kept.revision !== draftRevision) return failed(problem('plan-outdated', {}))
      const plan = fakePlan(kept.draft, kept.revision)
      run = {
        id: draftId,
        draftId,
        clusterId: 'shop',
        state: 'running',
        startedAtMs: Date.now(),
        plan,
        steps: plan.steps.map((step) => ({ stepId: step.id, state: 'waiting' })),
        proof: [],
        problems: [],
      }
      lines.length = 0
      void play(plan, options.stepMs ?? 50)
      return ok({ runId: run.id })
    },
    'run.get': async () => (run ? ok(run) : failed(problem('not-found', { name: 'run' }))),
    'run.of-draft': async ({ draftId }) => ok(run?.draftId === draftId ? run : null),
    'run.output': async () => ok([...lines]),
    'runs.unfinished': async () =>
      ok(
        unfinished
          ? [
              {
                runId: 'ended-early',
                draftId: 'draft-full',
                name: 'shop',
                state: 'failed',
                startedAtMs: Date.now() - 3_600_000,
                done: 17,
                all: 24,
              },
            ]
          : [],
      ),
    'run.resume': async () => ok(null),
    'plan.script': async ({ hostId }) =>
      ok({
        fileName: `shoal-shop${hostId === undefined ? '' : `-${hostId}`}.sh`,
        text: '#!/bin/sh\n# The plan of Shoal\n',
      }),
    'plan.key-file': async () => ok({ file: '/home/me/.config/shoal/by-hand/shop/cluster.key' }),
    'findings.ignore': async ({ reason }) => {
      ignored = { reason, atMs: Date.now() }
      return ok(null)
    },
    'findings.heed': async () => {
      ignored = undefined
      return ok(null)
    },
    'run.cancel': async () => ok(null),
    'run.undo': async () => ok(null),
    'clusters.list': async () =>
      ok(
        options.cluster === false
          ? []
          : [
              {
                id: 'shop',
                name: 'shop',
                virtualIps: [fakeVip],
                directors: [
                  { name: 'lvs1', address: fakeAddresses.lvs1 },
                  { name: 'lvs2', address: fakeAddresses.lvs2 },
                ],
                watched: true,
                verdict: fakeStatus('shop', core.scene, Date.now()).verdict,
              },
            ],
      ),
    'clusters.get': async ({ id }) => {
      if (id !== 'shop') return failed(problem('not-found', { name: id }))
      const draft = fullDraft('shop')
      return ok({
        summary: { id, name: 'shop', virtualIps: [fakeVip], directors: [], watched: true },
        draft,
        lvscf: draftLvscf(draft),
      })
    },
    'clusters.watch': async ({ id }) => {
      if (id !== 'shop') return failed(problem('not-found', { name: id }))
      watched = true
      return ok(fakeStatus(id, core.scene, Date.now()))
    },
    'clusters.unwatch': async () => {
      watched = false
      return ok(null)
    },
    'clusters.trace': async () => ok(fakeTrace()),
    'change.of-cluster': async () => ok(fakeChange(options.change)),
    'change.plan': async ({ id }) => {
      const draft = fullDraft(id)
      const plan = fakePlan(draft, 4)
      const after = plan.lvscf.replace('weight = 1', 'weight = 3')
      return ok({
        clusterId: id,
        draftRevision: 4,
        before: plan.lvscf,
        after,
        plan: { ...plan, lvscf: after, steps: plan.steps.filter((step) => step.hostId.startsWith('real')) },
        coming: [],
        leaving: [],
        drained: [{ hostId: 'real-2', name: 'rs2', address: fakeAddresses.rs2 }],
        cleaned: [{ hostId: 'real-2', name: 'rs2' }],
        findings: [],
      })
    },
    'revisions.list': async ({ id }) => {
      const draft = fullDraft(id)
      const { lvscf } = fakePlan(draft, 1)
      const one = { atMs: Date.now() - 86_400_000, author: 'ana@desk', draft, digest: 'a1b2c3d4e5f6a7b8' }
      return ok([
        { ...one, number: 1, reason: '', how: 'built' as const, lvscf },
        {
          ...one,
          number: 2,
          atMs: Date.now() - 3_600_000,
          reason: 'rs1 has twice the processors now',
          how: 'changed' as const,
          lvscf: lvscf.replace('weight = 1', 'weight = 2'),
          digest: 'b2c3d4e5f6a7b8c9',
        },
      ])
    },
    'clusters.forget': async () => ok(null),
    'clusters.history': async () => ok({ entries: fakeJournal(Date.now()), missing: [] }),
    'clusters.hand-over': async () => ok(null),
    'clusters.wire': async () => ok([{ address: fakeVip, atMs: Date.now(), askedBy: ['lvs2'], answeredBy: ['lvs1'] }]),
    'clusters.act': async () => ok({ told: 'lvs1' }),
    'clusters.drills': async () => ok([]),
    'clusters.commands': async () => ok([]),
    'simulation.state': async () => ok(null),
    'documents.recent': async () => ok([]),
  }

  const core: FakeCore = {
    scene: 'served',
    asked: [],
    passwords,
    async ask(name, args) {
      core.asked.push(name)
      const handler = handlers[name as RequestName] as ((args: unknown) => Promise<Result<unknown>>) | undefined
      return handler ? handler(args) : failed(problem('not-found', { name }))
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    keepElsewhere(id, change) {
      const kept = drafts.get(id)
      if (!kept) return
      const draft = structuredClone(kept.draft)
      change(draft)
      keep(draft, kept.revision + 1)
    },
  }
  keep(fullDraft('draft-full'), 1)
  setInterval(() => {
    if (watched) emit('cluster.status', asChange(fakeStatus('shop', core.scene, Date.now())))
  }, 1000).unref?.()
  return core
}
