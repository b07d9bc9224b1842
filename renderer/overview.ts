/**
 * What the overview shows of two reports: whose word is shown, how old each is, and whether it may still be believed. Pure, with
 * `nowMs` in the core's clock, so that staleness can be tested.
 */
import type { ServiceReport } from '../domain/contract/agent.ts'
import type { ClusterStatus, DirectorStatus } from '../domain/status.ts'

export interface Freshness {
  /** `never`: nothing was ever heard from it. */
  readonly kind: 'fresh' | 'stale' | 'never'
  readonly ageMs: number
}

/** How old a director's newest report is; without contact or past the limit it is stale, whatever it says. */
export function freshnessOf(director: DirectorStatus, staleAfterMs: number, nowMs: number): Freshness {
  if (director.receivedAtMs === undefined || director.report === undefined) return { kind: 'never', ageMs: 0 }
  const ageMs = Math.max(0, nowMs - director.receivedAtMs)
  return { kind: ageMs > staleAfterMs ? 'stale' : 'fresh', ageMs }
}

/** The director whose services are shown: a fresh active one, else the freshest that ever spoke. */
export function sourceOf(status: ClusterStatus, nowMs: number): DirectorStatus | undefined {
  const spoke = status.directors.filter((director) => director.report !== undefined)
  const fresh = spoke.filter((director) => freshnessOf(director, status.staleAfterMs, nowMs).kind === 'fresh')
  return (
    fresh.find((director) => director.report?.role === 'active') ??
    [...spoke].sort((a, b) => (b.receivedAtMs ?? 0) - (a.receivedAtMs ?? 0))[0]
  )
}

/** Up, all, and connections of a service's real servers. */
export function countsOf(service: ServiceReport): {
  readonly up: number
  readonly total: number
  readonly active: number
  readonly inactive: number
} {
  let up = 0
  let active = 0
  let inactive = 0
  for (const server of service.realServers) {
    if (server.health === 'up') up += 1
    active += server.activeConnections
    inactive += server.inactiveConnections
  }
  return { up, total: service.realServers.length, active, inactive }
}

/** Whether what a director last said may be acted upon. */
export function isFresh(director: DirectorStatus | undefined, staleAfterMs: number, nowMs: number): boolean {
  return director !== undefined && freshnessOf(director, staleAfterMs, nowMs).kind === 'fresh'
}
