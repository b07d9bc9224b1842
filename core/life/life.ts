/**
 * A cluster after its first day, as requests: changes, revisions, removal, the tracer. Each is carried out in a file of its own; this
 * one only brings them together.
 */
import { hostname, userInfo } from 'node:os'
import type { Answer, Args, RequestName } from '../../domain/contract/app.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Change } from '../../domain/life.ts'
import type { ProofLine } from '../../domain/plan.ts'
import { ok } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Builds } from '../builds.ts'
import type { ClusterKeys, Clusters } from '../clusters.ts'
import type { Drafts } from '../drafts.ts'
import { sshDoor } from '../live/agent-line.ts'
import type { Log } from '../ports.ts'
import { prove } from '../provision/prove.ts'
import { survey } from '../provision/survey.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { adoptCluster } from './adopt.ts'
import { openChanges } from './change.ts'
import { isBlank, upgrade, upgradePlan } from './directors.ts'
import { openRevisions } from './revisions.ts'
import { rotateKey } from './rotate.ts'
import { traceCluster } from './trace.ts'

type Names = Extract<
  RequestName,
  | `change.${string}`
  | `revisions.${string}`
  | `upgrade.${string}`
  | 'clusters.adopt'
  | 'clusters.trace'
  | 'clusters.rotate-key'
  | 'clusters.remove'
>
type Handlers = { readonly [N in Names]: (args: Args<N>) => Promise<Result<Answer<N>>> }

export interface LifePorts {
  readonly dataDir: string
  readonly builds: () => Builds
  readonly clusters: Clusters
  readonly keys: ClusterKeys
  readonly drafts: Drafts
  readonly hosts: Hosts
  readonly digest: (text: string) => string
  readonly now: () => number
  readonly log: Log
  readonly onChange: (change: Change) => void
  readonly onClusters: () => void
  readonly restartWatch: (clusterId: string) => Promise<void>
}

export interface Life {
  readonly handlers: Handlers
  /** A build has ended well: its configuration becomes a revision. */
  readonly built: (draft: ClusterDraft, lvscf: string) => Promise<Result<null>>
  close(): Promise<void>
}

export function openLife(ports: LifePorts): Life {
  const { clusters, drafts, hosts, now } = ports
  const revisions = openRevisions(ports.dataDir)
  const author = `${userInfo().username}@${hostname()}`
  const door = sshDoor(hosts)
  async function proveNow(draft: ClusterDraft, configDigest: string): Promise<readonly ProofLine[]> {
    const surveyed = await survey(draft, hosts, now)
    const facts = new Map(surveyed.flatMap((host) => (host.facts ? [[host.hostId, host.facts] as const] : [])))
    return prove(draft, { hosts, facts, configDigest })
  }
  const withDirectors = { ...ports, builds: ports.builds(), door, author, prove: proveNow }
  const changes = openChanges({ ...withDirectors, revisions, isBlank: (director) => isBlank(hosts, director) })

  const handlers: Handlers = {
    'change.plan': ({ id }) => changes.plan(id),
    'change.start': ({ id, draftRevision, reason }) => changes.start(id, draftRevision, reason),
    'change.of-cluster': async ({ id }) => ok(changes.newestOf(id) ?? null),
    'revisions.list': ({ id }) => revisions.list(id),
    'revisions.restore': async ({ id, number }) => {
      const revision = await revisions.get(id, number)
      if (!revision.ok) return revision
      const kept = await drafts.get(id)
      const before = kept.ok ? kept.value.revision : 0
      const restored = await drafts.keep({ ...revision.value.draft, step: 'review' }, before)
      return restored.ok ? ok({ draftRevision: restored.value.revision }) : restored
    },
    'clusters.adopt': async ({ id, name, directors }) => {
      const adopted = await adoptCluster(hosts, id, name, directors)
      if (!adopted.ok) return adopted
      // Over the draft its directors were typed into, when there is one.
      const before = await drafts.get(id)
      const kept = await drafts.keep(adopted.value.draft, before.ok ? before.value.revision : 0)
      return kept.ok ? adopted : kept
    },
    'upgrade.plan': ({ id }) => upgradePlan(id, withDirectors),
    'upgrade.start': ({ id }) => upgrade(id, withDirectors),
    'clusters.rotate-key': ({ id }) => rotateKey(id, { ...ports, door }),
    'clusters.remove': ({ id }) => ports.builds().remove(id),
    'clusters.trace': async ({ id }) => {
      const cluster = await clusters.get(id)
      return cluster.ok ? ok(await traceCluster(cluster.value.draft, hosts, now)) : cluster
    },
  }

  return {
    handlers,
    built: (draft, lvscf) =>
      revisions.add(draft.id, {
        atMs: now(),
        author,
        reason: '',
        how: 'built',
        draft,
        lvscf,
        digest: ports.digest(lvscf),
      }),
    close: () => changes.close(),
  }
}
