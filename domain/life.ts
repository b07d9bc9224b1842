/**
 * A cluster after its first day: the revisions of its configuration, and a change of it as one transaction over both directors. A change
 * is prepared on the hosts, staged and committed on the standby and then on the active director, proven, and only then confirmed; without
 * the confirmation each director goes back by itself.
 *
 *     preparing ─► draining ─► staging ─► committing ─► proving ─► confirming ─► cleaning ─► done
 *         └────────────┴───────────┴──────────┴────────────┴──► reverting ─► reverted
 */
import type { ClusterDraft } from './cluster.ts'
import type { Finding, Plan, ProofLine } from './plan.ts'
import type { Problem } from './problem.ts'

/** What a cluster was at one time, and who made it so and why. */
export interface Revision {
  readonly number: number
  readonly atMs: number
  readonly author: string
  readonly reason: string
  readonly how: 'built' | 'changed' | 'adopted'
  readonly draft: ClusterDraft
  readonly lvscf: string
  /** SHA-256 of the lvs.cf, as the agents report it. */
  readonly digest: string
}

/** What a change will do, shown before anything is done. */
export interface ChangePlan {
  readonly clusterId: string
  readonly draftRevision: number
  readonly before: string
  readonly after: string
  /** Steps on the hosts before the new lvs.cf is in force; every one of them is harmless to what is served now. */
  readonly plan: Plan
  /** Real servers that get no new connections before they leave. */
  readonly drained: readonly {
    readonly hostId: string
    readonly name: string
    readonly address: string
    /** It stays in the cluster and is drained of this virtual server only, which it is no longer active in. */
    readonly service?: string
  }[]
  /** A director that is dead and gets a successor with this id; its agent is started only when the other one knows it. */
  readonly replaced?: {
    readonly hostId: string
    readonly name: string
    readonly before: string
    readonly address: string
  }
  /** Virtual IPs that nobody served before. */
  readonly coming: readonly string[]
  /** Virtual IPs that are served no more; their open connections end when the new lvs.cf is in force. */
  readonly leaving: readonly string[]
  /** Steps once the change is confirmed: what takes virtual IPs off the hosts. Absent when none leaves. */
  readonly ending?: Plan
  /** Hosts left as they were before Shoal, once the change is confirmed. */
  readonly cleaned: readonly { readonly hostId: string; readonly name: string }[]
  readonly findings: readonly Finding[]
}

export type ChangeState =
  | 'preparing'
  | 'draining'
  | 'staging'
  | 'committing'
  | 'proving'
  | 'confirming'
  | 'cleaning'
  | 'done'
  | 'reverting'
  | 'reverted'
  | 'failed'

/** A thing done by a change that is no step of a plan: an order to a director, a wait. */
export interface ChangeLine {
  readonly atMs: number
  /** Empty: Shoal itself. */
  readonly host: string
  /** As it was asked: `commit 0123456789ab, confirm within 120 s`. */
  readonly what: string
  readonly answer: string
  readonly ok: boolean
}

export interface Change {
  readonly id: string
  readonly clusterId: string
  readonly state: ChangeState
  readonly startedAtMs: number
  readonly endedAtMs?: number
  readonly author: string
  readonly reason: string
  /** The run that prepares the hosts. */
  readonly runId?: string
  readonly lines: readonly ChangeLine[]
  readonly proof: readonly ProofLine[]
  readonly problems: readonly Problem[]
}

/** States a change is over in. */
export const changeOver: readonly ChangeState[] = ['done', 'reverted', 'failed']
