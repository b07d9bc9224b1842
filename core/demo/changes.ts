/**
 * Changes of the simulated cluster: the same transaction as for a real one (life/change.ts), with a draft, revisions and hosts that
 * exist in memory only. There is nothing to do on the hosts, and the proof asks the simulated agents what a real one asks theirs.
 */
import { isActiveIn } from '../../domain/activity.ts'
import { clusterAddressOf, draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, KeptDraft } from '../../domain/cluster.ts'
import type { Snapshot } from '../../domain/contract/agent.ts'
import type { Change, Revision } from '../../domain/life.ts'
import type { Plan, ProofLine, Run } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { simulationId } from '../../domain/simulation.ts'
import { openChanges } from '../life/change.ts'
import type { Changes } from '../life/change.ts'
import type { AgentDoor } from '../live/agent-line.ts'
import type { Log } from '../ports.ts'
import { digestOf } from './files.ts'

/** The directors' own checks need a moment after another file is in force. */
const settleMs = 20_000
const lookEveryMs = 250

export interface SimulatedChangesPorts {
  readonly draft: ClusterDraft
  readonly door: AgentDoor
  readonly by: string
  readonly now: () => number
  readonly log: Log
  readonly changed: (change: Change) => void
  /** The cluster is another one now. */
  readonly stands: (draft: ClusterDraft, lvscf: string) => void
  readonly restartWatch: () => Promise<void>
}

export interface SimulatedChanges {
  readonly changes: Changes
  draft(): KeptDraft
  keep(draft: ClusterDraft, revision: number): Result<{ readonly revision: number; readonly savedAtMs: number }>
  revisions(): readonly Revision[]
  /** The kept draft becomes what it was at a revision. */
  restore(number: number): Result<{ readonly draftRevision: number }>
}

export function openSimulatedChanges(ports: SimulatedChangesPorts): SimulatedChanges {
  const { now, door } = ports
  let standing: ClusterDraft = ports.draft
  let lvscf = draftLvscf(standing)
  let kept: KeptDraft = { draft: standing, revision: 1, savedAtMs: now() }
  let revisions: readonly Revision[] = [
    {
      number: 1,
      atMs: now(),
      author: ports.by,
      reason: '',
      how: 'built',
      draft: standing,
      lvscf,
      digest: digestOf(lvscf),
    },
  ]

  function keep(draft: ClusterDraft, revision: number): ReturnType<SimulatedChanges['keep']> {
    if (revision !== kept.revision) return failed(problem('changed-meanwhile', { name: draft.name }))
    kept = { draft: { ...draft, id: simulationId }, revision: revision + 1, savedAtMs: now() }
    return ok({ revision: kept.revision, savedAtMs: kept.savedAtMs })
  }

  function plan(draft: ClusterDraft, draftRevision: number, text: string): Plan {
    const named =
      (role: 'director' | 'real-server') =>
      (host: ClusterDraft['directors'][number] | ClusterDraft['realServers'][number]) => ({
        hostId: host.id,
        name: host.name,
        address: clusterAddressOf(host),
        role,
      })
    const hosts = [...draft.directors.map(named('director')), ...draft.realServers.map(named('real-server'))]
    return { draftId: simulationId, draftRevision, lvscf: text, findings: [], order: [], hosts, steps: [] }
  }

  /** No host is touched: a run without a step is over at once. */
  function run(carried: Plan): Run {
    return {
      id: `simulated-${kept.revision}`,
      draftId: simulationId,
      clusterId: simulationId,
      state: 'proving',
      startedAtMs: now(),
      plan: carried,
      steps: [],
      proof: [],
      problems: [],
    }
  }

  async function see(draft: ClusterDraft): Promise<readonly (Snapshot | undefined)[]> {
    return Promise.all(
      draft.directors.map(async (host) => {
        const opened = await door.open(host)
        if (!opened.ok) return undefined
        const seen = await opened.value.line.watch()
        opened.value.line.close()
        return seen.ok ? seen.value : undefined
      }),
    )
  }

  function proofOf(draft: ClusterDraft, digest: string, seen: readonly (Snapshot | undefined)[]): readonly ProofLine[] {
    const command = 'snapshot (simulated agent)'
    const ofDirectors = draft.directors.flatMap(({ name }, at): ProofLine[] => {
      const director = seen[at]?.director
      const paths = director?.peer.paths ?? []
      const heard = paths.filter(({ state }) => state === 'heard').length
      const answer = director?.configDigest ?? 'no answer'
      return [
        { check: 'runs-what-was-pushed', passed: answer === digest, command, answer, detail: { host: name } },
        {
          check: 'hears-peer',
          passed: paths.length > 0 && heard === paths.length,
          command,
          answer: paths.map((path) => `${path.name}: ${path.state}`).join(', ') || 'no answer',
          detail: { host: name, paths: heard },
        },
      ]
    })
    const active = seen.find((one) => one?.director.role === 'active')
    const ofServers = draft.services.flatMap((service) =>
      draft.realServers
        .filter((server) => isActiveIn(service, server))
        .map((server): ProofLine => {
          const report = active?.services
            .find(({ name }) => name === service.name.trim())
            ?.realServers.find(({ name }) => name === server.name.trim())
          const settled = report?.drain !== undefined || report?.weightKernel === report?.weightWanted
          const answer = report ? `${report.health}, weight ${report.weightKernel ?? 'none'}` : 'not in the table'
          const detail = { server: server.name, service: service.name }
          return { check: 'real-server-up', passed: report?.health === 'up' && settled, command, answer, detail }
        }),
    )
    return [...ofDirectors, ...ofServers]
  }

  async function prove(draft: ClusterDraft, digest: string): Promise<readonly ProofLine[]> {
    const deadline = performance.now() + settleMs
    for (;;) {
      const proof = proofOf(draft, digest, await see(draft))
      if (proof.every(({ passed }) => passed) || performance.now() > deadline) return proof
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }

  const changes = openChanges({
    builds: {
      plan: async () => ok(plan(kept.draft, kept.revision, draftLvscf(kept.draft))),
      planOf: async (draft, revision, text) => ok({ plan: plan(draft, revision, text) }),
      carry: async (carried) => ok(run(carried)),
      busy: () => false,
      finishRun: () => undefined,
      takeBackRun: async () => ok(null),
      takeBackHost: async () => ok(null),
      forgetHost: () => undefined,
    },
    clusters: {
      get: async () => ok({ id: simulationId, name: standing.name, builtAtMs: 0, draft: standing, lvscf }),
      async put(cluster) {
        standing = cluster.draft
        lvscf = cluster.lvscf
        ports.stands(standing, lvscf)
        return ok(null)
      },
    },
    drafts: { get: async () => ok(kept) },
    revisions: {
      async add(_id, revision) {
        revisions = [...revisions, { ...revision, number: revisions.length + 1 }]
        return ok(null)
      },
    },
    door,
    prove,
    digest: digestOf,
    author: ports.by,
    now,
    log: ports.log,
    onChange: ports.changed,
    onClusters: () => undefined,
    restartWatch: ports.restartWatch,
  })

  return {
    changes,
    draft: () => kept,
    keep,
    revisions: () => revisions,
    restore(number) {
      const found = revisions.find((one) => one.number === number)
      if (!found) return failed(problem('not-found', { name: `revision ${number}` }))
      const restored = keep(found.draft, kept.revision)
      return restored.ok ? ok({ draftRevision: restored.value.revision }) : restored
    },
  }
}
