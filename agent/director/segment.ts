/**
 * What the wire itself has told, besides beats: who answers for the virtual IP, and whether anybody at all is heard on its segment.
 * The witnesses are the next hops towards the clients (the gateway) and the real servers; they run nothing of ours, an ARP answer is
 * all that is asked of them. Plain data; witness.ts asks and judges.
 */
import { newEars, type Ears } from './ears.ts'

/** Where the kernel sends a packet for `to`: out of `device`, to the neighbour `hop` (`to` itself when it is on the segment). */
export interface Route {
  readonly to: string
  readonly hop: string
  readonly device: string
}

/** A neighbour that can be asked. */
export interface Witness {
  readonly address: string
  readonly device: string
  /** A real server: with direct routing and tunnels it has the virtual IP itself and cannot be asked for it. */
  readonly real: boolean
  /** When it last answered a question of ours. */
  readonly answeredMs: number | null
}

/** A silence that is being looked into. */
export interface Asking {
  readonly sinceMs: number
  readonly times: number
  readonly nextMs: number
}

export interface Segment {
  readonly ears: Ears
  /** When it was last said that this host is slow to hand on what arrives. */
  readonly saidLateMs: number
  readonly routes: readonly Route[]
  readonly witnesses: readonly Witness[]
  readonly nextRouteMs: number
  readonly nextRoundMs: number
  /** Answers that come before this were given to questions of the past: the own loop stood still. */
  readonly notBeforeMs: number
  /** When anything of anybody was last heard on the segment of the virtual IP: a frame, or the answer to a check. */
  readonly anybodyMs: number | null
  /** When somebody there last answered a question of ours: we are heard. */
  readonly repliedMs: number | null
  readonly asking: Asking | null
  /** When the silent peer's hardware address last answered for the virtual IP. */
  readonly peerAnsweredMs: number | null
  /** It has been said that the wire keeps this director from taking over. */
  readonly heldOff: boolean
  /** The hardware address that last answered for the virtual IP. */
  readonly vipMac: string | null
  /** For which takeover of the peer it was looked, how often and when. */
  readonly looked: {
    readonly boot: number
    readonly term: number
    readonly times: number
    readonly atMs: number
  } | null
  /** Nobody at all answers: this director itself is cut off. */
  readonly alone: { readonly sinceMs: number } | null
  /** When it was heard again after having been cut off. */
  readonly backMs: number | null
  /** Foreign hardware addresses that answered for a virtual IP, each said once. */
  readonly foreign: readonly string[]
}

export function newSegment(nowMs: number): Segment {
  return {
    ears: newEars,
    saidLateMs: -Infinity,
    routes: [],
    witnesses: [],
    nextRouteMs: nowMs,
    nextRoundMs: Infinity,
    notBeforeMs: nowMs,
    anybodyMs: null,
    repliedMs: null,
    asking: null,
    peerAnsweredMs: null,
    heldOff: false,
    vipMac: null,
    looked: null,
    alone: null,
    backMs: null,
    foreign: [],
  }
}

/** At most so many neighbours are asked. */
const witnessLimit = 6

/** The neighbours on these routes, without those that are part of the cluster itself; what is known of them is kept. */
export function withRoutes(
  segment: Segment,
  routes: readonly Route[],
  notThese: ReadonlySet<string>,
  realServers: ReadonlySet<string>,
): Segment {
  const witnesses: Witness[] = []
  for (const { hop, device } of routes) {
    if (witnesses.length >= witnessLimit || notThese.has(hop)) continue
    if (witnesses.some((w) => w.address === hop && w.device === device)) continue
    const known = segment.witnesses.find((w) => w.address === hop && w.device === device)
    witnesses.push({ address: hop, device, real: realServers.has(hop), answeredMs: known?.answeredMs ?? null })
  }
  return { ...segment, routes, witnesses }
}

/** Whom the wire was asked about a silence, and what they said: for the record. `vip`: asked for, and not answered by the peer. */
export function testimony(
  segment: Segment,
  vip: string | null,
  peer: string,
): readonly { readonly address: string; readonly says: string }[] {
  const { asking, witnesses } = segment
  if (!asking) return []
  return [
    ...(vip === null ? [] : [{ address: vip, says: `asked ${asking.times} times: ${peer} did not answer` }]),
    ...witnesses.map((n) => ({
      address: n.address,
      says: n.answeredMs !== null && n.answeredMs >= asking.sinceMs ? 'answered' : 'did not answer',
    })),
  ]
}
