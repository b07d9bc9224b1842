/**
 * Connections over a planned hand-over, so that none of them ends by it. What the two directors say in their beats:
 *
 *   giver  offers, gives{}        ─────►      taker  lets its kernel listen
 *          gives all there is     ◄─────      takes{path, id}
 *          gives{upTo: start}     ─────►      takes over
 *          lets go, gives what came since, and again
 *          gives{upTo: end}       ─────►      listens no more
 *
 * Nothing of this is a condition: the taker waits a quarter of a second and takes over whatever came, the giver lets go when the other
 * one holds the addresses. A director that does not know of it (an older agent) says nothing of it, and is not waited for.
 *
 * A connection that began in the last moment is not there yet when its next packet arrives. Whoever is not active, or has only just
 * become so, therefore refuses nothing from the virtual IPs (no TCP reset): the client sends again a moment later.
 */
import type { FailoverRecord } from '../../domain/contract/agent.ts'
import type { Config } from '../../domain/config.ts'
import { isSix } from '../../domain/ipv6.ts'
import { givingFor, type Giving as Given } from '../../domain/ipvs/connections.ts'
import { holds, peerAlive } from './fitness.ts'
import { trouble } from './kernel.ts'
import { floating, hasPeer, type State, type Work } from './state.ts'
import type { Beat } from './words.ts'

/** The taker waits so long for the connections that were there at the beginning. */
const waitMs = 250
/** After its takeover it listens and refuses nothing for so long; it listens no longer than so long after the last one was given. */
const windowMs = 2_000
const afterEndMs = 300
/** Rules that somebody else has flushed are put in place again this often. */
const holdAgainMs = 60_000
/** What was given after letting go is given once more, should a datagram have been lost. A client sends again after 200 ms. */
const againMs = 80
/** A giver that has let go gives for so long at most, and then says for so long that it is over. */
const giveLimitMs = 1_500
const saidMs = 1_500
/** A stopping one does not end before it has given, but for no longer than this. */
const exitWaitMs = 800

/** Where a taker listens: a heartbeat path, or the interface of the configured sync daemon. */
export interface Takes {
  readonly path: string
  readonly id: number
}

/** What a giver has given. `start`: all there was when it began; `end`: what came until it let go, too. */
export interface Gives {
  readonly connections: number
  readonly upTo?: 'start' | 'end'
}

/** An order to give; `all` begins anew, `new` gives what is new or has changed since, `again` that once more and what is new. */
export interface GiveOrder {
  readonly pass: 'all' | 'new' | 'again'
  /** Own IPv4 address on the interface that the taker listens on. */
  readonly from: string
  readonly id: number
  readonly giving: Given
}

/** How many distinct connections have been given since `all`, and why not more. */
export interface Gave {
  readonly connections: number
  readonly failed?: string
}

/** An order to be ready to take in connections. */
export interface ReceiveOrder {
  /** The kernel has to be told to listen (no sync daemon of the configuration does). */
  readonly daemon: boolean
  /** Where it listens, and the own IPv4 address there. Null: there is no interface that both are on. */
  readonly place: Place | null
  readonly id: number
  /** What is left of connections of these is forgotten. */
  readonly giving: Given
}

interface Place {
  readonly device: string
  readonly address: string
}

export interface Giving {
  readonly takes: Takes | null
  readonly passes: number
  readonly underWay: boolean
  readonly connections: number
  /** What the last pass could not do, to be told once. */
  readonly failed: string | null
  readonly upTo: Gives['upTo'] | null
  readonly dueMs: number
  readonly letGoMs: number | null
  readonly overMs: number | null
}

export interface Taking {
  readonly takes: Takes
  readonly device: string | null
  readonly sinceMs: number
  /** Whether the kernel listens; a text: why not; null: it has not been said yet. */
  readonly listens: true | string | null
  readonly claimedMs: number | null
  readonly endedMs: number | null
}

const syncPath = 'sync'

/** Interface and own IPv4 address of a heartbeat path, or of the configured sync daemon. */
function placeOf(s: State, path: string): Place | null {
  const wanted = s.hearing.paths.find(({ name }) => name === path)?.local
  const device = path === syncPath ? s.config?.syncDaemon?.device : undefined
  const vips = new Set(s.config ? floating(s.config).map((a) => a.address) : [])
  const found = s.kernel.addresses?.addresses.find(
    (a) =>
      !isSix(a.address) && !vips.has(a.address) && (device === undefined ? a.address === wanted : a.device === device),
  )
  return found ? { device: found.device, address: found.address } : null
}

// The giver.

/** A hand-over begins: from now on it is said that connections can be given. */
export function beginGiving(w: Work): void {
  const { now } = w
  w.s.giving ??= {
    takes: null,
    passes: 0,
    underWay: false,
    connections: 0,
    failed: null,
    upTo: null,
    dueMs: now.ms,
    letGoMs: null,
    overMs: null,
  }
}

/** What the beats say of it. */
export function saysGives(s: State): Gives | undefined {
  const { giving } = s
  return giving ? { connections: giving.connections, ...(giving.upTo ? { upTo: giving.upTo } : {}) } : undefined
}

export function gave(w: Work, { connections, failed }: Gave): void {
  const { s, now } = w
  const { giving } = s
  if (!giving) return
  const isOver = giving.letGoMs !== null && giving.passes >= 3
  if (failed !== undefined && failed !== giving.failed) {
    trouble(w, `Not all connections were given to the other director (${connections} were): ${failed}`)
  }
  s.giving = {
    ...giving,
    underWay: false,
    connections,
    failed: failed ?? null,
    upTo: isOver ? 'end' : 'start',
    dueMs: giving.passes === 2 ? now.ms + againMs : now.ms,
    overMs: isOver ? now.ms : null,
  }
  if (s.giving.upTo !== giving.upTo || giving.connections !== connections) w.beatNow = true
}

/** A stop waits for what is still to be given. */
export function stillGiving(s: State, nowMs: number): boolean {
  const { giving } = s
  return (
    giving?.takes != null && giving.upTo !== 'end' && giving.letGoMs !== null && nowMs - giving.letGoMs < exitWaitMs
  )
}

/** Gives what is to be given now. Runs in every step, after the addresses have been compared. */
export function giveConnections(w: Work): void {
  const { s, now } = w
  if (!s.giving || !s.config) return
  const peer = s.hearing.peer
  if (s.role === 'active') {
    // Withdrawn, or this director serves again.
    if (!s.handing) {
      s.giving = null
      return
    }
  } else s.giving = { ...s.giving, letGoMs: s.giving.letGoMs ?? now.ms }
  const { letGoMs, overMs } = s.giving
  if (overMs !== null ? now.ms - overMs >= saidMs : letGoMs !== null && now.ms - letGoMs >= giveLimitMs) {
    s.giving = null
    return
  }
  if (peer?.takes && peerAlive(s, now.ms)) s.giving = { ...s.giving, takes: peer.takes }
  const { takes, underWay, passes, dueMs } = s.giving
  if (!takes || underWay || overMs !== null || now.ms < dueMs) return
  if (s.kernel.addresses === null || (letGoMs === null ? passes > 0 : holds(s))) return
  const place = placeOf(s, takes.path)
  if (!place) {
    gave(w, { connections: 0, failed: `there is no IPv4 address on its path ${takes.path}` })
    s.giving = { ...s.giving, upTo: 'end', overMs: now.ms }
    return
  }
  const pass = passes === 0 ? 'all' : letGoMs !== null && passes >= 2 ? 'again' : 'new'
  s.giving = { ...s.giving, underWay: true, passes: letGoMs === null ? 1 : Math.max(2, passes + 1) }
  w.out.push({ kind: 'give', order: { pass, from: place.address, id: takes.id, giving: givingFor(s.config) } })
}

// The taker.

/** The path to listen on: the configured one, else a path on which the peer is heard, the private one first. */
function takesOn(s: State): Takes {
  if (s.config?.syncDaemon) return { path: syncPath, id: s.config.syncDaemon.id }
  const heard = s.hearing.paths.filter((p) => !p.silent && placeOf(s, p.name) !== null).map((p) => p.name)
  // Any number that another hand-over of this hour has not.
  const id = 1 + (s.seq % 255)
  return { path: heard.find((p) => p === 'private') ?? heard[0] ?? 'public', id }
}

/** What the beats say of it. */
export function saysTakes(s: State): Takes | undefined {
  const { taking } = s
  return taking?.listens === true && taking.endedMs === null ? taking.takes : undefined
}

/** The peer hands over: whether to take over now, or to wait for its connections. */
export function readyToTake(w: Work, peer: Beat): boolean {
  const { s, now } = w
  // Over a link that fails nothing would come.
  if (!peer.gives || !s.config || peer.offers === 'link') return true
  if (!s.taking) {
    const takes = takesOn(s)
    const place = placeOf(s, takes.path)
    const device = place?.device ?? null
    const runs = takes.path === syncPath && s.surroundings.receivingSinceMs !== null
    s.taking = { takes, device, sinceMs: now.ms, listens: null, claimedMs: null, endedMs: null }
    w.out.push({ kind: 'receive', order: { daemon: !runs, place, id: takes.id, giving: givingFor(s.config) } })
    return false
  }
  if (now.ms - s.taking.sinceMs >= waitMs) return true
  const { listens } = s.taking
  if (listens === null) return false
  return listens !== true || peer.gives.upTo !== undefined
}

/** The kernel listens, or cannot (`failed`). */
export function readied(w: Work, failed: string | undefined): void {
  const { s } = w
  if (!s.taking) return
  s.taking = { ...s.taking, listens: failed ?? true }
  w.beatNow = true
  if (failed !== undefined) trouble(w, `Connections cannot be taken over: ${failed}`)
}

/** Ends what was made ready, when it is over. Runs in every step. */
export function takeConnections(w: Work): void {
  const { s, now } = w
  const { taking } = s
  if (!taking) return
  const peer = s.hearing.peer
  if (s.role === 'active') {
    const claimedMs = taking.claimedMs ?? now.ms
    const endedMs = taking.endedMs ?? (peer?.gives?.upTo === 'end' ? now.ms : null)
    s.taking = { ...taking, claimedMs, endedMs }
  }
  if (now.ms < takingUntilMs(s)) return
  // Not before what was ordered has been done.
  if (s.taking?.listens === null && now.ms - taking.sinceMs < windowMs) return
  s.taking = null
  w.out.push({ kind: 'receive', order: null })
}

/** Until when connections are taken in; in the past: no longer. */
function takingUntilMs(s: State): number {
  const { taking } = s
  if (!taking) return Infinity
  if (s.role === 'active' && taking.claimedMs !== null)
    return Math.min(taking.claimedMs + windowMs, (taking.endedMs ?? Infinity) + afterEndMs)
  const offered = s.role === 'standby' && s.hearing.peer?.offers !== undefined
  return offered ? taking.sinceMs + windowMs : -Infinity
}

/** How many connections the other one has given, for the record; undefined = nothing was to be given. */
export function takenOver(s: State): FailoverRecord['connections'] {
  const { taking } = s
  const gives = s.hearing.peer?.gives
  if (!taking) return undefined
  const failures = [...(typeof taking.listens === 'string' ? [taking.listens] : []), ...s.holdFailures]
  return {
    given: taking.listens === true ? (gives?.connections ?? 0) : 0,
    ...(failures.length > 0 ? { says: failures.join('; ').slice(0, 900) } : {}),
  }
}

/** More may still be given: the record waits for it. */
export const stillTaking = (s: State): boolean =>
  s.taking?.listens === true && s.hearing.peer?.gives !== undefined && s.hearing.peer.gives.upTo !== 'end'

// Nothing is refused.

const nothing: readonly string[] = []
const addressesOf = new WeakMap<Config, readonly string[]>()

/** The addresses that nothing is refused from now. */
function heldBack(s: State, nowMs: number): readonly string[] {
  if (!s.config || !s.side || !hasPeer(s) || s.role === 'starting' || s.role === 'stopping') return nothing
  if (s.role === 'active' && nowMs - s.roleSinceMs >= windowMs) return nothing
  let addresses = addressesOf.get(s.config)
  if (!addresses) addressesOf.set(s.config, (addresses = floating(s.config).map((a) => a.address)))
  return addresses
}

/** Orders what is not to be refused when that has changed. Runs in every step. */
export function holdBack(w: Work): void {
  const { s, now } = w
  const addresses = heldBack(s, now.ms)
  const { holding } = s
  const due = addresses.length > 0 && s.role !== 'active' && now.ms >= holding.againMs
  if (addresses === holding.addresses && !due) return
  // A takeover begins with what it finds; the rest has time.
  if (addresses.length > 0 && (s.role === 'active' || s.giving)) return
  s.holding = { addresses, againMs: now.ms + holdAgainMs }
  w.out.push({ kind: 'hold', addresses })
}

export function heldBackNow(w: Work, failures: readonly string[]): void {
  const { s } = w
  if (failures.length > 0 && failures.join() !== s.holdFailures.join())
    trouble(w, `New connections may be lost in a hand-over: ${failures.join('; ')}`)
  s.holdFailures = failures
}

/** The soonest instant at which time alone has something to do with connections. */
export function connectionsDue(s: State): number {
  const { giving, taking } = s
  let soonest = Infinity
  const due = (ms: number): void => {
    if (ms > s.lastStepMs && ms < soonest) soonest = ms
  }
  if (giving) {
    due(giving.dueMs)
    if (giving.letGoMs !== null) {
      due(giving.letGoMs + giveLimitMs)
      due(giving.letGoMs + exitWaitMs)
    }
    if (giving.overMs !== null) due(giving.overMs + saidMs)
  }
  if (taking) {
    due(taking.sinceMs + waitMs)
    due(taking.sinceMs + windowMs)
    due(takingUntilMs(s))
  }
  if (s.role === 'active' && s.holding.addresses.length > 0) due(s.roleSinceMs + windowMs)
  else if (s.holding.addresses.length > 0) due(s.holding.againMs)
  return soonest
}
