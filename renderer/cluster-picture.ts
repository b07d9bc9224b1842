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
}
interface PicturePath {
  readonly name: string
  readonly state: 'heard' | 'silent' | 'never'
  /** Beats missing, in percent. */
  readonly loss: number
}
export interface LivePicture {
  readonly directors: readonly PictureDirector[]
  /** The heartbeat paths between the directors, each as bad as the director that hears it worst says; only fresh reports speak. */
  readonly paths: readonly PicturePath[]
  readonly servers: readonly PictureServer[]
  /** Real servers beyond those drawn. */
  readonly more: number
  readonly stale: boolean
}

/** More real servers than this are told as a number beside the picture. */
const mostServersInPicture = 6

function pathsOf(status: ClusterStatus, nowMs: number): readonly PicturePath[] {
  const worse = { heard: 0, never: 1, silent: 2 } as const
  const byName = new Map<string, PicturePath>()
  for (const director of status.directors) {
    if (freshnessOf(director, status.staleAfterMs, nowMs).kind !== 'fresh') continue
    for (const { name, state, lossPercent } of director.report?.peer.paths ?? []) {
      const known = byName.get(name)
      byName.set(name, {
        name,
        state: !known || worse[state] > worse[known.state] ? state : known.state,
        loss: Math.max(lossPercent, known?.loss ?? 0),
      })
    }
  }
  return [...byName.values()]
}

/** What to draw. A real server is down when any of its services is; one that is down is always among those drawn. */
export function livePicture(status: ClusterStatus, nowMs: number): LivePicture {
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
    for (const { address, name, health } of service.realServers) {
      const known = byAddress.get(address)
      if (!known || worse[health] > worse[known.health]) byAddress.set(address, { address, name, health })
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
    stale: !source || freshnessOf(source, status.staleAfterMs, nowMs).kind !== 'fresh',
  }
}
