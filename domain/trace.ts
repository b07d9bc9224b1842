/**
 * The way of a packet through a cluster, hop by hop: client → virtual IP → director → real server → back. For each service and real
 * server the hops in the order a packet meets them, each with what was looked at, what came back, and whether it lets the packet pass.
 */

/** What is looked at on the way; each has its sentences in speech/trace.ts. */
export type HopKind =
  | 'vip-held'
  | 'vip-mac'
  | 'director-card'
  | 'director-firewall'
  | 'director-forwards'
  | 'table'
  | 'way-there'
  | 'server-mac'
  | 'server-takes'
  | 'path-filter'
  | 'mtu'
  | 'server-firewall'
  | 'listening'
  | 'way-back'

/** `unknown`: it could not be looked at. `follows`: it does not pass, but only because of a later hop (a failed check empties the table). */
export type HopVerdict = 'passes' | 'stops' | 'follows' | 'unknown'

export interface Hop {
  readonly kind: HopKind
  /** The host it was looked at; empty = the segment. */
  readonly hostId: string
  readonly verdict: HopVerdict
  readonly command: string
  readonly answer: string
  /** What the sentence needs: names, addresses, what is wrong in few words. */
  readonly detail: Readonly<Record<string, string | number>>
}

/** The way to one real server for one service. */
export interface TracedPath {
  readonly service: string
  readonly server: string
  readonly hops: readonly Hop[]
  /** The first hop that is wrong; absent = none that could be looked at. */
  readonly firstWrong?: number
}

export interface Trace {
  readonly atMs: number
  readonly vip: string
  readonly paths: readonly TracedPath[]
}
