/**
 * Taking over and letting go, and the record of it. A takeover goes: decided → table ready → address up → announced → learnt. The
 * last is not believed but seen: neighbours are asked *from the virtual IP*, and whoever answers to our hardware address holds it
 * for that address; the peer says in its beats which hardware address answers. Until that has been seen, the announcement goes on.
 */
import type { FailoverCause, FailoverRecord, Role } from '../../domain/contract/agent.ts'
import type { FloatingAddress } from '../../domain/config.ts'
import { isSix } from '../../domain/ipv6.ts'
import { stillTaking, takenOver } from './connections.ts'
import { recheck } from './health.ts'
import { peerAlive, macOf } from './fitness.ts'
import { askedFor, floating, interfaceOf, timing, type State, type Work } from './state.ts'
import { testimony, type Witness } from './segment.ts'
import type { Beat, Memory, Takeover } from './words.ts'

/** After a partition has healed, the winner announces again this long after the loser let go (a switch port may still be learning). */
const healedRepeatMs = [100, 300, 700, 1_200, 2_000] as const
/** Whether the network has learnt is asked this often, and announced again if it has not. */
const learnEveryMs = 250
const learnAnnounceMs = 1_000
/** A record waits this long for what was learnt; the announcement goes on for longer. */
const recordWaitMs = 3_000
const learnLimitMs = 30_000
/** A neighbour that has answered within this time before a takeover is waited for until it has learnt; any other one so long. */
const knownMs = 35_000
const strangersWaitMs = 600

/** What is watched after an announcement, until the network has learnt and the record is written. */
export interface Learning {
  /** Null: no takeover, only a reason to make sure that the network knows who serves. */
  readonly record: FailoverRecord | null
  readonly written: boolean
  readonly announcedMs: number
  readonly nextAskMs: number
  readonly nextAnnounceMs: number
  /** Names and addresses of those seen to have learnt. */
  readonly seenBy: readonly string[]
  /** Since when both directors hold the address, while the other one still does; and for how long they did. */
  readonly bothSinceMs: number | null
}

function toWall(w: Work, ms: number): number {
  return Math.round(w.now.wallMs - (w.now.ms - ms))
}

export function setRole(w: Work, to: Role, reason: string): void {
  const from = w.s.role
  if (from === to) return
  w.s.role = to
  w.s.roleSinceMs = w.now.ms
  w.s.vacantSinceMs = null
  w.s.failbackSinceMs = null
  w.beatNow = true
  if (to === 'starting') w.s.listeningSinceMs = w.now.ms
  w.out.push({ kind: 'journal', event: { kind: 'role', from, to, term: w.s.term, reason } }, { kind: 'report' })
}

export function memoryOf(s: State): Memory {
  return { term: s.term, peerBoot: s.hearing.peerBoot, owned: [...s.kernel.owned].sort() }
}

export function claim(w: Work, cause: FailoverCause, reason: string): void {
  const { s, now } = w
  const peer = s.hearing.peer
  closeRecord(w)
  s.term = Math.max(s.term, peer?.term ?? 0) + 1
  const { lastHeardMs } = s.hearing
  s.takeover = {
    cause,
    ...(peer && cause !== 'first-start' ? { from: peer.name } : {}),
    term: s.term,
    ...(lastHeardMs === null ? {} : { lastHeardMs, firstMissedMs: lastHeardMs + timing(s).keepaliveMs }),
    ...(s.servedMs === null ? {} : { servedMs: s.servedMs }),
    decidedMs: now.ms,
    witnesses:
      cause === 'peer-silent'
        ? testimony(s.segment, (s.config && askedFor(s.config)?.address) ?? null, peer?.name ?? 'the peer')
        : [],
  }
  s.announceAtMs = []
  s.yielded = null
  s.segment = { ...s.segment, vipMac: null }
  // A director that is cut off finds out soon that it reaches no real server either.
  if (cause === 'peer-silent') s.health = recheck(s.health, now)
  w.out.push({ kind: 'remember', memory: memoryOf(s) })
  setRole(w, 'active', reason)
}

export function letGo(w: Work, reason: string, to: 'standby' | 'unfit' = 'standby'): void {
  const { s, now } = w
  closeRecord(w)
  if (!s.takeover) s.servedMs = now.ms
  s.takeover = null
  s.bothServe = null
  s.announceAtMs = []
  const handing = s.handing
  s.handing = null
  setRole(w, s.stopping ? 'stopping' : to, reason)
  for (const ticket of handing?.tickets ?? []) w.out.push({ kind: 'answer', ticket })
}

/** The longest the outage can have been, as far as beats tell: since somebody was last known to serve. Undefined: not known. */
function outageOf(s: State, takeover: Takeover, nowMs: number): number | undefined {
  if (takeover.cause === 'first-start') return undefined
  // Handed over: the other one keeps its addresses until ours are up, unless it says that it has them no more.
  if (takeover.cause !== 'peer-silent' && s.hearing.peer?.holds) return 0
  const from = takeover.cause === 'peer-silent' ? takeover.lastHeardMs : takeover.servedMs
  return from === undefined ? undefined : Math.round(nowMs - from)
}

function recordOf(w: Work, takeover: Takeover, announced: boolean): FailoverRecord {
  const wall = (ms: number): number => toWall(w, ms)
  const { s, now } = w
  const first = takeover.cause === 'first-start'
  const outageMs = outageOf(s, takeover, now.ms)
  return {
    cause: takeover.cause,
    decidedBy: s.self.name,
    ...(takeover.from === undefined ? {} : { from: takeover.from }),
    to: s.self.name,
    term: takeover.term,
    ...(!first && takeover.lastHeardMs !== undefined ? { lastHeardAtMs: wall(takeover.lastHeardMs) } : {}),
    ...(takeover.cause === 'peer-silent' && takeover.firstMissedMs !== undefined
      ? { firstMissedAtMs: wall(takeover.firstMissedMs) }
      : {}),
    decidedAtMs: wall(takeover.decidedMs),
    ...(takeover.tableReadyMs === undefined ? {} : { tableReadyAtMs: wall(takeover.tableReadyMs) }),
    ...(takeover.addressUpMs === undefined ? {} : { addressUpAtMs: wall(takeover.addressUpMs) }),
    ...(announced ? { announcedAtMs: wall(now.ms) } : {}),
    ...(takeover.witnesses.length > 0 ? { witnesses: [...takeover.witnesses] } : {}),
    ...(announced && outageMs !== undefined ? { outageMs } : {}),
  }
}

/** The first announcement of a takeover is out, or no address could be put up. */
export function tookOver(w: Work, announced: boolean): void {
  const { s, now } = w
  const { takeover } = s
  if (!takeover) return
  const record = recordOf(w, takeover, announced)
  s.takeover = null
  if (!announced) {
    w.out.push({ kind: 'journal', event: { kind: 'failover', record } }, { kind: 'report' })
    return
  }
  const repeats = (s.config?.announce.repeatMs ?? []).map((ms) => now.ms + ms)
  s.announceAtMs = [...s.announceAtMs, ...repeats].sort((a, b) => a - b)
  const both = takeover.cause !== 'peer-silent' && peerAlive(s, now.ms) && s.hearing.peer?.holds === true
  beginLearning(w, record, both ? (takeover.addressUpMs ?? now.ms) : null)
}

/** The other one let go after both served: what is left is that the network learns it. */
export function bothServed(w: Work, peer: string, sinceMs: number, bothHeldMs: number): void {
  const { s, now } = w
  const record: FailoverRecord = {
    cause: 'both-served',
    decidedBy: s.self.name,
    from: peer,
    to: s.self.name,
    term: s.term,
    decidedAtMs: toWall(w, sinceMs),
    announcedAtMs: toWall(w, now.ms),
    bothHeldMs: Math.round(bothHeldMs),
  }
  closeRecord(w)
  announceSoon(w)
  beginLearning(w, record, null)
}

function announceSoon(w: Work): void {
  w.s.announceAtMs = [...w.s.announceAtMs, w.now.ms, ...healedRepeatMs.map((ms) => w.now.ms + ms)].sort((a, b) => a - b)
}

// What the network has learnt.

/** The network may hold the wrong hardware address: announced, and watched until it is seen to hold ours. */
export function makeKnown(w: Work): void {
  announceSoon(w)
  if (!w.s.learning && !w.s.takeover) beginLearning(w, null, null)
}

function beginLearning(w: Work, record: FailoverRecord | null, bothSinceMs: number | null): void {
  const { s, now } = w
  s.learning = {
    record,
    written: record === null,
    announcedMs: now.ms,
    nextAskMs: now.ms,
    nextAnnounceMs: now.ms + learnAnnounceMs,
    seenBy: [],
    bothSinceMs,
  }
  w.out.push({ kind: 'report' })
}

/** Neighbours that can show what they have learnt: on that segment, of that family, and not having the address themselves. */
function askable(s: State, vip: FloatingAddress): readonly Witness[] {
  const nat = s.config?.forwarding === 'nat'
  return s.segment.witnesses.filter(
    (n) => n.device === interfaceOf(vip.device) && isSix(n.address) === isSix(vip.address) && (nat || !n.real),
  )
}

/** The peer's address on the segment of the virtual IP. */
function peerAddress(s: State): string | undefined {
  return s.side === 'primary' ? s.config?.backup?.public : s.config?.primary?.public
}

/** Somebody answered a question asked from a virtual IP of ours, to our hardware address: that is what it holds. */
export function learntBy(w: Work, vip: string, by: string): void {
  const { s } = w
  const { learning } = s
  if (!learning || !s.config || !floating(s.config).some((a) => a.address === vip)) return
  const name = by === peerAddress(s) ? (s.hearing.peer?.name ?? by) : by
  if (!learning.seenBy.includes(name)) s.learning = { ...learning, seenBy: [...learning.seenBy, name] }
}

/** The peer says which hardware address answers for the virtual IP. */
export function learntByPeer(w: Work, beat: Beat): void {
  const { s } = w
  const { learning } = s
  if (!learning || beat.vipMac === undefined || beat.vipMac !== macOf(s) || learning.seenBy.includes(beat.name)) return
  s.learning = { ...learning, seenBy: [...learning.seenBy, beat.name] }
}

/** Asks on, announces on, and writes the record when it is complete or has waited long enough. Runs in every step. */
export function learn(w: Work): void {
  const { s, now } = w
  if (!s.learning) return
  const { config } = s
  const vip = config ? askedFor(config) : undefined
  const peer = peerAlive(s, now.ms) ? s.hearing.peer : null
  const { bothSinceMs } = s.learning
  if (bothSinceMs !== null && !(peer?.holds ?? false)) {
    const bothHeldMs = Math.round(now.ms - bothSinceMs)
    s.learning = { ...s.learning, bothSinceMs: null, record: s.learning.record && { ...s.learning.record, bothHeldMs } }
  }
  noteConnections(w)
  const { learning } = s
  const neighbours = vip ? askable(s, vip) : []
  const answering = neighbours.some((n) => n.answeredMs !== null && n.answeredMs >= learning.announcedMs - knownMs)
  const waitedMs = now.ms - learning.announcedMs
  const needed = vip !== undefined && (peer !== null || neighbours.length > 0)
  const byPeer = peer === null || learning.seenBy.includes(peer.name)
  const byOthers =
    learning.seenBy.some((n) => n !== peer?.name) ||
    neighbours.length === 0 ||
    (!answering && waitedMs >= strangersWaitMs)
  if (needed && byPeer && byOthers && !peer?.holds) {
    const seen = learning.seenBy.length > 0
    const record = seen && learning.record ? { learntAtMs: toWall(w, now.ms), ...learning.record } : learning.record
    if (!learning.written && stillTaking(s) && waitedMs < recordWaitMs) {
      s.learning = { ...learning, record }
      return
    }
    if (!learning.written) write(w, record)
    else if (seen && record) {
      const says = `The network has learnt who serves after ${Math.round(waitedMs)} ms: seen by ${learning.seenBy.join(', ')}.`
      w.out.push({ kind: 'journal', event: { kind: 'trouble', says } })
    }
    s.learning = null
    return
  }
  if (!learning.written && (!needed || waitedMs >= recordWaitMs)) {
    write(w, learning.record)
    s.learning = { ...learning, written: true }
  }
  if (!needed) {
    s.learning = null
    return
  }
  if (waitedMs >= learnLimitMs) {
    const missing = [...(byPeer ? [] : [peer.name]), ...(byOthers ? [] : neighbours.map((n) => n.address))]
    const says = `The announcement of ${vip?.address ?? 'the virtual IP'} was not seen to be learnt by ${missing.join(', ')} within ${learnLimitMs / 1000} s.`
    w.out.push({ kind: 'journal', event: { kind: 'trouble', says } })
    s.learning = null
    return
  }
  if (now.ms >= learning.nextAskMs) {
    s.learning = { ...s.learning, nextAskMs: now.ms + learnEveryMs }
    const other = peer === null ? undefined : peerAddress(s)
    const addresses = neighbours.map((n) => n.address)
    // A peer of the other family is not asked: it looks by itself who answers, and says so in its beats.
    if (vip && other !== undefined && isSix(other) === isSix(vip.address)) addresses.push(other)
    if (vip && addresses.length > 0)
      w.out.push({ kind: 'ask', device: interfaceOf(vip.device), source: vip.address, addresses })
  }
  if (now.ms >= learning.nextAnnounceMs && config) {
    s.learning = { ...s.learning, nextAnnounceMs: now.ms + learnAnnounceMs }
    w.out.push({ kind: 'announce', addresses: floating(config), burst: config.announce.burst })
  }
}

/** What has been taken over so far goes into the record. */
function noteConnections(w: Work): void {
  const { learning } = w.s
  const connections = takenOver(w.s)
  if (!learning?.record || learning.written || !connections) return
  const { given, says } = learning.record.connections ?? {}
  if (given === connections.given && says === connections.says) return
  w.s.learning = { ...learning, record: { ...learning.record, connections } }
}

function write(w: Work, record: FailoverRecord | null): void {
  if (!record) return
  w.out.push({ kind: 'journal', event: { kind: 'failover', record } }, { kind: 'report' })
}

/** What is known so far is written before something else begins. */
function closeRecord(w: Work): void {
  const { learning } = w.s
  if (learning && !learning.written) write(w, learning.record)
  w.s.learning = null
}

/** The soonest instant at which learning wants to go on. */
export function learnDue(s: State): number {
  const { learning } = s
  if (!learning) return Infinity
  return Math.min(
    learning.nextAskMs,
    learning.nextAnnounceMs,
    learning.announcedMs + (learning.written ? learnLimitMs : recordWaitMs),
    // Strangers have been waited for.
    s.lastStepMs < learning.announcedMs + strangersWaitMs ? learning.announcedMs + strangersWaitMs : Infinity,
  )
}
