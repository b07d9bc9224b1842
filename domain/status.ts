/**
 * What the screen shows of a running cluster: both agents' reports side by side, each with the time it was received here, and the
 * verdict over them. Made by core/live/status.ts from what the agents said; nothing is kept green without news.
 */
import type { DirectorReport, ServiceReport } from './contract/agent.ts'
import type { Problem } from './problem.ts'

/** A report older than this many beats (or `staleFloorMs`, if larger) is stale: shown grey, with its age. */
export const staleAfterBeats = 3
export const staleFloorMs = 3000

export interface DirectorStatus {
  readonly hostId: string
  readonly name: string
  readonly address: string
  readonly contact: 'connecting' | 'connected' | 'lost'
  readonly contactSinceMs: number
  readonly problem?: Problem
  /** When the newest report arrived here, by this machine's clock; absent = never. */
  readonly receivedAtMs?: number
  /** The agent's clock minus ours in ms, as of that report (network delay included). */
  readonly clockOffsetMs?: number
  readonly report?: DirectorReport
  readonly services: readonly ServiceReport[]
}

/** The one sentence at the top: who serves, or that nobody does, or that it is not known. */
export type Verdict =
  | {
      readonly kind: 'served'
      readonly by: string
      readonly sinceMs: number
      readonly virtualServers: number
      readonly standby: 'ready' | 'not-ready' | 'unknown' | 'none'
      readonly problems: number
    }
  | {
      readonly kind: 'partly-served'
      readonly by: string
      readonly served: number
      readonly virtualServers: number
      readonly standby: 'ready' | 'not-ready' | 'unknown' | 'none'
    }
  | { readonly kind: 'not-served'; readonly virtualIp: string; readonly sinceMs: number }
  | { readonly kind: 'both-serve'; readonly virtualIp: string; readonly sinceMs: number }
  | { readonly kind: 'unknown'; readonly sinceMs: number }

export interface ClusterStatus {
  readonly clusterId: string
  readonly atMs: number
  readonly verdict: Verdict
  readonly virtualIps: readonly string[]
  readonly staleAfterMs: number
  readonly directors: readonly DirectorStatus[]
}

/** A line of the start page. */
export interface ClusterSummary {
  readonly id: string
  readonly name: string
  readonly virtualIps: readonly string[]
  readonly directors: readonly { readonly name: string; readonly address: string }[]
  readonly watched: boolean
  readonly verdict?: Verdict
}
