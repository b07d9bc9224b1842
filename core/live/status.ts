/**
 * The one sentence at the top of a cluster, from what the agents said and when. Pure. Nothing counts that is older than three beats;
 * what is not known is said to be unknown.
 *
 *     fresh reports of …            verdict
 *     two that are active        →  both-serve (unless one was last heard before the other became active)
 *     one that is active         →  served / partly-served (not-served when it does not hold the virtual IP)
 *     none active, a standby that hears an active peer → served by that peer
 *     both, none active          →  not-served
 *     a standby alone, peer dead →  not-served
 *     none                       →  unknown
 */
import type { ServiceReport } from '../../domain/contract/agent.ts'
import { staleAfterBeats, staleFloorMs } from '../../domain/status.ts'
import type { ClusterStatus, DirectorStatus, Verdict } from '../../domain/status.ts'

/** A verdict names at most so many virtual IPs. */
const mostNamed = 3

export interface StatusInput {
  readonly clusterId: string
  readonly virtualIps: readonly string[]
  readonly keepaliveMs: number
  readonly directors: readonly DirectorStatus[]
  readonly nowMs: number
  /** The verdict before, to keep "since" while its kind stays. */
  readonly before?: Verdict
}

/** How old a report may be before it counts as stale, in ms. */
export function staleAfter(keepaliveMs: number): number {
  return Math.max(staleFloorMs, staleAfterBeats * keepaliveMs)
}

function isFresh(director: DirectorStatus, nowMs: number, staleAfterMs: number): boolean {
  return (
    director.contact === 'connected' &&
    director.report !== undefined &&
    director.receivedAtMs !== undefined &&
    nowMs - director.receivedAtMs <= staleAfterMs
  )
}

/** Whether the service is in the kernel and somebody answers it. */
function isServed(service: ServiceReport): boolean {
  const answered = service.realServers.some((server) => server.health === 'up' && (server.weightKernel ?? 0) > 0)
  return service.inKernel && (answered || service.sorry)
}

/** An instant of the director's clock as one of ours. */
function ours(director: DirectorStatus, theirsMs: number): number {
  return theirsMs - (director.clockOffsetMs ?? 0)
}

/** Things an operator should look at although the service is up. */
function countProblems(directors: readonly DirectorStatus[], services: readonly ServiceReport[]): number {
  let count = services.flatMap((service) => service.realServers).filter((server) => server.health === 'down').length
  for (const { report } of directors) {
    if (!report) continue
    count += report.kernel.drift.length + report.unfitBecause.length
    count += report.peer.paths.filter((path) => path.state === 'silent').length
  }
  return count
}

function standbyState(
  other: DirectorStatus | undefined,
  fresh: boolean,
): Extract<Verdict, { kind: 'served' }>['standby'] {
  if (!other) return 'none'
  if (!fresh || !other.report) return 'unknown'
  return other.report.role === 'standby' ? 'ready' : 'not-ready'
}

/**
 * Whether a claim to be active was heard before another director became active, and nothing since: after a crash the last words of the
 * dead director are not yet old, and must not be taken for a second one that serves.
 */
function isOvertaken(director: DirectorStatus, heard: readonly DirectorStatus[]): boolean {
  const { report, receivedAtMs } = director
  if (report?.role !== 'active' || receivedAtMs === undefined) return false
  return heard.some(
    (other) =>
      other !== director && other.report?.role === 'active' && ours(other, other.report.roleSinceMs) > receivedAtMs,
  )
}

/** Virtual IPs in a sentence; more than it can bear are counted. */
function named(virtualIps: readonly string[]): string {
  const told = virtualIps.length <= mostNamed ? virtualIps : virtualIps.slice(0, mostNamed - 1)
  const more = virtualIps.length - told.length
  return [...told, ...(more > 0 ? [`+${more}`] : [])].join(', ')
}

function verdictOf(input: StatusInput, staleAfterMs: number): Verdict {
  const { directors, nowMs, before } = input
  const virtualIp = named(input.virtualIps)
  const heard = directors.filter((director) => isFresh(director, nowMs, staleAfterMs))
  const fresh = heard.filter((director) => !isOvertaken(director, heard))
  const since = (kind: Verdict['kind'], otherwiseMs: number): number =>
    before?.kind === kind && 'sinceMs' in before ? before.sinceMs : otherwiseMs
  const active = fresh.filter((director) => director.report?.role === 'active')

  const [first, second] = active
  if (first?.report && second?.report) {
    const startedMs = Math.max(ours(first, first.report.roleSinceMs), ours(second, second.report.roleSinceMs))
    return { kind: 'both-serve', virtualIp, sinceMs: since('both-serve', startedMs) }
  }

  if (first?.report) {
    const lost = first.report.virtualIps.filter((vip) => vip.wanted && vip.held === false)
    if (lost.length > 0) {
      const virtualIp = named(lost.map(({ address }) => address))
      return { kind: 'not-served', virtualIp, sinceMs: since('not-served', nowMs) }
    }
    const other = directors.find((director) => director !== first)
    const standby = standbyState(other, other !== undefined && fresh.includes(other))
    return servedBy(first.name, ours(first, first.report.roleSinceMs), first.services, standby, fresh)
  }

  // Nobody we hear is active. A standby that hears an active partner knows more than we do.
  const witness = fresh.find(({ report }) => report?.peer.alive && report.peer.role === 'active')
  if (witness) {
    const partner = directors.find((director) => director !== witness)
    const standby = standbyState(witness, true)
    const sinceMs = before?.kind === 'served' && before.by === partner?.name ? before.sinceMs : nowMs
    return servedBy(partner?.name ?? '', sinceMs, witness.services, standby, fresh)
  }
  const allHeard = fresh.length === directors.length
  const aloneAndIdle = fresh.some(({ report }) => report !== undefined && !report.peer.alive)
  if (fresh.length > 0 && (allHeard || aloneAndIdle)) {
    return { kind: 'not-served', virtualIp, sinceMs: since('not-served', nowMs) }
  }
  const lastMs = Math.max(...directors.map((director) => director.receivedAtMs ?? director.contactSinceMs), 0)
  return { kind: 'unknown', sinceMs: since('unknown', lastMs || nowMs) }
}

function servedBy(
  by: string,
  sinceMs: number,
  services: readonly ServiceReport[],
  standby: Extract<Verdict, { kind: 'served' }>['standby'],
  fresh: readonly DirectorStatus[],
): Verdict {
  const served = services.filter(isServed).length
  const virtualServers = services.length
  if (served < virtualServers) return { kind: 'partly-served', by, served, virtualServers, standby }
  return { kind: 'served', by, sinceMs, virtualServers, standby, problems: countProblems(fresh, services) }
}

/** The whole status of a cluster at an instant of this machine's clock. */
export function clusterStatus(input: StatusInput): ClusterStatus {
  const staleAfterMs = staleAfter(input.keepaliveMs)
  return {
    clusterId: input.clusterId,
    atMs: input.nowMs,
    verdict: verdictOf(input, staleAfterMs),
    virtualIps: input.virtualIps,
    staleAfterMs,
    directors: input.directors,
  }
}
