/** The live picture of a cluster as nodes and edges: who holds the virtual IP, which real servers answer. Pure. */
import type { ClusterStatus } from '../domain/status.ts'
import { freshnessOf, sourceOf } from './overview.ts'

interface PictureDirector {
  readonly hostId: string
  readonly name: string
  readonly address: string
  readonly state: 'active' | 'standby' | 'other' | 'stale'
  readonly role: string
}
interface PictureServer {
  readonly address: string
  readonly name: string
  readonly health: 'up' | 'down' | 'unknown'
  /** Gets no new connections: weight 0 or out of the table, although it is up. */
  readonly resting: boolean
  readonly packetsPerSecond: number
}
interface PicturePath {
  readonly name: string
  readonly state: 'heard' | 'silent' | 'never'
  /** Beats missing, in percent. */
  readonly loss: number
  /** Longest gap of the last minute; there and back. The worse of both directors, absent where none says. */
  readonly gapMs?: number
  readonly delayMs?: number
  /** The directors that hear nothing on it. */
  readonly deaf: readonly string[]
}
export interface LivePicture {
  readonly directors: readonly PictureDirector[]
  /** The heartbeat paths between the directors, each as bad as the director that hears it worst says; only fresh reports speak. */
  readonly paths: readonly PicturePath[]
  readonly servers: readonly PictureServer[]
  /** Real servers beyond those drawn. */
  readonly more: number
  /** To all real servers, drawn or not. */
  readonly packetsPerSecond: number
  readonly stale: boolean
}

/** How thick an edge is drawn: by the order of magnitude of its packets, so that a busy one does not drown a quiet one. */
export function edgeWidth(packetsPerSecond: number): number {
  return Math.min(mostEdgePx, leastEdgePx + Math.log10(1 + packetsPerSecond) * 1.1)
}
const leastEdgePx = 1.4
const mostEdgePx = 7

/** More real servers than this are told as a number beside the picture. */
const mostServersInPicture = 6

function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b)
}

const worse = { heard: 0, never: 1, silent: 2 } as const

/** Two lines have a place in the picture. Of more paths these are the first and the worst of the others, with how many are left. */
export function drawnPaths(paths: readonly PicturePath[]): readonly (PicturePath & { readonly more?: number })[] {
  const [first, ...others] = paths
  if (!first || others.length <= 1) return paths
  const [worst = first] = others.toSorted((a, b) => worse[b.state] - worse[a.state] || b.loss - a.loss)
  return [first, { ...worst, more: others.length - 1 }]
}

function pathsOf(status: ClusterStatus, nowMs: number): readonly PicturePath[] {
  const byName = new Map<string, PicturePath>()
  for (const director of status.directors) {
    if (freshnessOf(director, status.staleAfterMs, nowMs).kind !== 'fresh') continue
    for (const { name, state, lossPercent, worstGapMs, delayMs } of director.report?.peer.paths ?? []) {
      const known = byName.get(name)
      const gapMs = larger(worstGapMs, known?.gapMs)
      const backMs = larger(delayMs, known?.delayMs)
      byName.set(name, {
        name,
        state: !known || worse[state] > worse[known.state] ? state : known.state,
        loss: Math.max(lossPercent, known?.loss ?? 0),
        ...(gapMs === undefined ? {} : { gapMs }),
        ...(backMs === undefined ? {} : { delayMs: backMs }),
        deaf: state === 'silent' ? [...(known?.deaf ?? []), director.name] : (known?.deaf ?? []),
      })
    }
  }
  return [...byName.values()]
}

/** What to draw. A real server is down when any of its services is; one that is down is always among those drawn. */
export function livePicture(
  status: ClusterStatus,
  nowMs: number,
  packetsTo: (address: string) => number = () => 0,
): LivePicture {
  const directors = status.directors.map((director): PictureDirector => {
    const fresh = freshnessOf(director, status.staleAfterMs, nowMs).kind === 'fresh'
    const role = director.report?.role
    return {
      hostId: director.hostId,
      name: director.name,
      address: director.address,
      state: !fresh ? 'stale' : role === 'active' || role === 'standby' ? role : 'other',
      role: role ?? 'unknown',
    }
  })
  const source = sourceOf(status, nowMs)
  const byAddress = new Map<string, PictureServer>()
  const worse = { up: 0, unknown: 1, down: 2 } as const
  for (const service of source?.services ?? []) {
    for (const { address, name, health, weightKernel } of service.realServers) {
      const known = byAddress.get(address)
      const resting = health === 'up' && (weightKernel ?? 0) === 0 && (known?.resting ?? true)
      if (!known) byAddress.set(address, { address, name, health, resting, packetsPerSecond: packetsTo(address) })
      else if (worse[health] > worse[known.health]) byAddress.set(address, { ...known, health, resting })
      else if (known.resting !== resting) byAddress.set(address, { ...known, resting })
    }
  }
  const all = [...byAddress.values()]
  const drawn =
    all.length <= mostServersInPicture
      ? all
      : [...all].sort((a, b) => worse[b.health] - worse[a.health]).slice(0, mostServersInPicture)
  return {
    directors,
    paths: pathsOf(status, nowMs),
    servers: drawn,
    more: all.length - drawn.length,
    packetsPerSecond: all.reduce((sum, { packetsPerSecond }) => sum + packetsPerSecond, 0),
    stale: !source || freshnessOf(source, status.staleAfterMs, nowMs).kind !== 'fresh',
  }
}
