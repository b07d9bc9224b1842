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

/**
 * What of a director is another since the last change that was told. Virtual servers come whole, one by one, and only those that
 * differ; a large cluster's come in several changes, so that none of them keeps a window busy for long.
 */
export interface DirectorChange extends Omit<DirectorStatus, 'services'> {
  readonly changed: readonly ServiceReport[]
  /** Ids of virtual servers that are no longer there. */
  readonly gone: readonly string[]
}

/** What is another since the last change: the small parts whole, the virtual servers as differences. */
export interface StatusChange extends Omit<ClusterStatus, 'directors'> {
  readonly directors: readonly DirectorChange[]
}

/** Virtual servers after a change: those that differ in their place, new ones at the end. The same array when none differs. */
export function withChanged(
  services: readonly ServiceReport[],
  changed: readonly ServiceReport[],
  gone: readonly string[],
): readonly ServiceReport[] {
  if (changed.length === 0 && gone.length === 0) return services
  const fresh = new Map(changed.map((service) => [service.id, service] as const))
  const left = new Set(gone)
  const next: ServiceReport[] = []
  for (const service of services) {
    if (left.has(service.id) && !fresh.has(service.id)) continue
    next.push(fresh.get(service.id) ?? service)
    fresh.delete(service.id)
  }
  next.push(...fresh.values())
  return next
}

/** The status after a change; what did not change stays the same object. */
export function afterChange(status: ClusterStatus, change: StatusChange): ClusterStatus {
  const directors = change.directors.map(({ changed, gone, ...director }): DirectorStatus => {
    const before = status.directors.find(({ hostId }) => hostId === director.hostId)?.services ?? []
    return { ...director, services: withChanged(before, changed, gone) }
  })
  return { ...change, directors }
}

/** What the wire answered for an address: the directors that asked, and who answered (a director's name, else a hardware address). */
export interface WireAnswer {
  readonly address: string
  readonly atMs: number
  /** Empty: nobody could ask. The holder itself does not ask. */
  readonly askedBy: readonly string[]
  readonly answeredBy: readonly string[]
}

/** A line of the start page. */
export interface ClusterSummary {
  readonly id: string
  readonly name: string
  readonly virtualIps: readonly string[]
  readonly directors: readonly { readonly name: string; readonly address: string }[]
  readonly watched: boolean
  /** Not the operator's: the simulated cluster, in memory only. */
  readonly simulated?: true
  readonly verdict?: Verdict
}
