/**
 * Who serves. The roles and what moves a director between them:
 *
 *                        peer active ──────────────────────────┐
 *   starting ─┬─ nobody heard for deadtime, or preferred ──► active ◄── peer silent on all paths for deadtime, a neighbour heard,
 *      ▲      └─ unfit ──► unfit ──(fit again)──► starting      │       peer offers, peer unfit ── standby
 *      │                    ▲                                  ├─ both serve, and the other one stays (see theyStay) ──► standby
 *      │                    └─ nobody at all is heard ─────────┤
 *      │                                                       ├─ the own loop stood still and the wire says the peer has it ─► standby
 *      └───────────────────────── a start of the agent         └─ handed over (order, failback, link, unfit) ──► standby, (SIGTERM) ──► end
 *
 * Two directors that do not hear each other cannot know who serves; what holds is: once they hear each other, one of them yields
 * at the first beat that shows it. The wire is the witness (witness.ts): while the silent peer's hardware address still answers for
 * the virtual IP, it serves, and a takeover would make two; and a director to which nobody at all answers is itself the one that is
 * cut off: it does not claim, and an active one lets go. Hand-over is make before break (handover.ts), a takeover is complete when
 * the network has learnt it (takeover.ts).
 */
import type { FailoverCause, Role } from '../../domain/contract/agent.ts'
import { calmAt, onlyLinkDown, peerAlive, ready, restless, syncedAt, unfitness } from './fitness.ts'
import { readyToTake } from './connections.ts'
import { causeOfOffer, handOverLimitMs, offer, serves } from './handover.ts'
import { usableServers } from './health.ts'
import { hears } from './heartbeat.ts'
import { hasPeer, timing, type State, type Work } from './state.ts'
import { bothServed, claim, learnDue, learntByPeer, letGo, makeKnown, setRole } from './takeover.ts'
import { deserted, isHeldUp, lookWhoServes, verdict, witness, witnessDue } from './witness.ts'
import type { Beat } from './words.ts'

/** With both directors ready and nobody active for this many deadtimes, the less preferred one claims after all. */
const vacancyDeadtimes = 3
/** A stopping director that cannot see its addresses gone ends anyway; the unit's ExecStopPost removes them. */
export const stopLimitMs = 4_000
/** A director that let go because both served says so for this long. */
const yieldedSaidMs = 3_000
/** A failback waits at least this long, so that a director that comes and goes does not take the service with it. */
const failbackMinMs = 1_000
/** A neighbour's answer this old still says that we are heard; it must have come after the peer heard us last. */
const repliedLimitMs = 12_000

/** How ready somebody is to serve: a restless director comes after every other one that can. */
function standingOf(role: Role, isReady: boolean, isRestless: boolean): number {
  if (!isReady) return 0
  if (isRestless) return 1
  return role === 'standby' || role === 'active' ? 3 : role === 'starting' ? 2 : 0
}

/** Of two that could serve: the last one that did (its connections are in its table), else the primary. */
function goesFirst(s: State, peer: Beat): boolean {
  if (s.role === 'standby' && peer.role === 'standby' && s.term !== peer.term) return s.term > peer.term
  return s.side === 'primary'
}

/** Nobody is active though the peer is heard: the hot standby before the starting one, then see goesFirst. */
function fillVacancy(w: Work, peer: Beat): void {
  const { s, now } = w
  s.vacantSinceMs ??= now.ms
  // Beats that lay in the kernel come one after the other; only the last tells of now.
  if (!ready(s) || now.ms < s.unsureUntilMs || isHeldUp(s, now.ms)) return
  const waitedMs = now.ms - s.vacantSinceMs
  const limitMs = vacancyDeadtimes * timing(s).deadtimeMs
  if (peer.holds && waitedMs < limitMs) return
  const mine = standingOf(s.role, true, restless(s, now.ms))
  const theirs = standingOf(peer.role, peer.ready, peer.restless === true)
  const preferred = mine > theirs || (mine === theirs && goesFirst(s, peer))
  if (!preferred && waitedMs < limitMs) return
  // A primary that has just been switched on gets a moment to look around before the backup goes first.
  if (
    peer.role === 'starting' &&
    !peer.ready &&
    s.role === 'starting' &&
    s.side === 'backup' &&
    waitedMs < timing(s).deadtimeMs
  )
    return
  const cause: FailoverCause = s.role === 'starting' && theirs > 0 ? 'first-start' : 'peer-unfit'
  const why = !preferred
    ? `nobody was active for ${Math.round(waitedMs)} ms`
    : theirs === 0
      ? `${peer.name} is heard and cannot serve (${peer.role})`
      : `nobody is active and ${s.self.name} goes first`
  claim(w, cause, why)
}

/** When both serve: who sees real servers before who sees none, then the higher term, then the primary. */
function theyStay(s: State, beat: Beat): boolean {
  const mine = usableServers(s.health) > 0
  const theirs = beat.usable > 0
  if (mine !== theirs) return theirs
  if (beat.term !== s.term) return beat.term > s.term
  return s.side === 'backup'
}

/** Not to a peer that is deaf: its beats show that it does not hear us, and it hears nobody else, or we are heard and it cannot tell. */
function mayYield(s: State, beat: Beat, nowMs: number): boolean {
  if (hears(beat, s.self.boot, timing(s).deadtimeMs)) return true
  if (beat.others !== undefined) return beat.others
  const { repliedMs } = s.segment
  return repliedMs === null || nowMs - repliedMs >= Math.min(beat.sees?.ageMs ?? Infinity, repliedLimitMs)
}

/** A beat counted: both serving is settled here, on the spot. */
export function heardPeer(w: Work, beat: Beat, before: Beat | null, wasSilent: boolean): void {
  const { s, now } = w
  if (serves(beat) && beat.holds) s.servedMs = now.ms
  if (s.role !== 'active') return
  learntByPeer(w, beat)
  if (beat.role === 'active') {
    if (s.handing) {
      if (beat.term > s.term && beat.holds) letGo(w, `${beat.name} has taken over`)
      return
    }
    if (beat.offers !== undefined) return
    if (theyStay(s, beat)) {
      if (!mayYield(s, beat, now.ms)) return
      const reason = `both served; ${beat.name} stays (term ${beat.term}, ours is ${s.term})`
      s.yielded = { atMs: now.ms, activeForMs: Math.round(now.ms - s.roleSinceMs) }
      letGo(w, reason)
    } else if (!s.bothServe) {
      s.bothServe = { sinceMs: now.ms, peer: beat.name }
      w.beatNow = true
      w.out.push({ kind: 'report' })
    }
    return
  }
  const yielded =
    beat.yieldedAfterMs !== undefined && (before?.boot !== beat.boot || before.yieldedAfterMs === undefined)
  if (yielded) s.bothServe ??= { sinceMs: now.ms, peer: beat.name }
  if (s.bothServe && !beat.holds) {
    const activeForMs = now.ms - s.roleSinceMs
    const { peer, sinceMs } = s.bothServe
    s.bothServe = null
    bothServed(w, peer, sinceMs, Math.min(activeForMs, beat.yieldedAfterMs ?? activeForMs))
    return
  }
  const letLoose = before !== null && before.holds && !beat.holds
  // It served while it was not heard, and has been started again since.
  const served = beat.term > s.term && (before?.boot !== beat.boot || before.term !== beat.term)
  // The other one let go of the address, or the path to it has just come back: caches on the segment may hold the wrong one.
  if (letLoose || served || wasSilent) makeKnown(w)
}

/** Decides the role from everything known. Runs at the end of every step. */
export function decide(w: Work): void {
  const { s, now } = w
  if (s.cannotHold && now.ms >= s.cannotHold.untilMs) s.cannotHold = null
  if (s.yielded && now.ms - s.yielded.atMs >= yieldedSaidMs) s.yielded = null
  witness(w)
  s.unfitBecause = unfitness(s, deserted(s, now.ms))
  const fit = s.unfitBecause.length === 0
  const peer = s.hearing.peer
  const alive = hasPeer(s) && peer !== null && peerAlive(s, now.ms)

  if (s.stopping) {
    if (s.role === 'active' && !s.handing) letGo(w, 'stopping')
    if (s.role === 'active' && s.handing && now.ms - s.handing.sinceMs >= handOverLimitMs(s))
      letGo(w, 'stopping; the peer did not take over in time')
    if (s.role === 'active' && s.handing && !alive) letGo(w, 'stopping; the peer fell silent')
    return
  }

  switch (s.role) {
    case 'starting':
    case 'standby':
      if (!fit) setRole(w, 'unfit', s.unfitBecause[0] ?? '')
      else if (!ready(s)) return
      else if (!hasPeer(s)) claim(w, 'first-start', 'no second director is configured')
      else if (alive && peer) beside(w, peer)
      else inSilence(w)
      return
    case 'unfit':
      if (fit) setRole(w, s.segment.backMs === now.ms ? 'standby' : 'starting', 'fit again')
      return
    case 'active':
      stayActive(w, fit, alive)
      return
    case 'stopping':
      return
  }
}

/** Not active, and the peer is heard. */
function beside(w: Work, peer: Beat): void {
  const { s } = w
  if (!serves(peer)) {
    fillVacancy(w, peer)
    return
  }
  s.vacantSinceMs = null
  if (s.role === 'starting') setRole(w, 'standby', `${peer.name} is active`)
  if (s.role === 'standby' && peer.offers) {
    if (!readyToTake(w, peer)) return
    claim(w, causeOfOffer[peer.offers], `${peer.name} hands over (${peer.offers})`)
    return
  }
  lookWhoServes(w, peer)
}

/** Not active, and the peer is not heard: deadtime and the wire decide. */
function inSilence(w: Work): void {
  const { s, now } = w
  const { peer, lastHeardMs } = s.hearing
  const { deadtimeMs } = timing(s)
  s.vacantSinceMs = null
  if (now.ms < s.unsureUntilMs) return
  const said = verdict(s, now.ms)
  if (said === 'peer-serves' && !s.segment.heldOff) {
    s.segment = { ...s.segment, heldOff: true }
    const says = `Nothing is heard from ${peer?.name ?? 'the peer'}, but its hardware address ${peer?.mac ?? ''} still answers for the virtual IP: it serves, nothing is taken over. Something keeps the beats from arriving (UDP port ${s.config?.heartbeat.port ?? ''}).`
    w.out.push({ kind: 'journal', event: { kind: 'trouble', says } }, { kind: 'report' })
  }
  if (said !== 'heard' && said !== 'cannot-tell') return
  if (s.role === 'starting') {
    const listenedMs = Math.round(now.ms - s.listeningSinceMs)
    if (listenedMs >= deadtimeMs) claim(w, 'first-start', `nobody was heard for ${listenedMs} ms`)
    return
  }
  const silentMs = Math.round(now.ms - (lastHeardMs ?? s.roleSinceMs))
  if (silentMs >= deadtimeMs)
    claim(w, 'peer-silent', `nothing heard from ${peer?.name ?? 'the peer'} on any path for ${silentMs} ms`)
}

/** Active: gives up what it cannot hold, hands over what the other one should have. */
function stayActive(w: Work, fit: boolean, alive: boolean): void {
  const { s, now } = w
  const { peer } = s.hearing
  if (s.cannotHold) {
    s.takeover = null
    setRole(w, 'unfit', s.cannotHold.says)
    return
  }
  if (s.segment.alone) {
    letGo(w, s.unfitBecause[0] ?? 'Nobody at all is heard.', 'unfit')
    return
  }
  if (s.handing) {
    if (now.ms - s.handing.sinceMs < handOverLimitMs(s) && alive) return
    const { tickets } = s.handing
    s.handing = null
    w.beatNow = true
    const refused = 'The other director did not take over in time; this one stays active.'
    for (const ticket of tickets) w.out.push({ kind: 'answer', ticket, refused })
    return
  }
  const able = alive && peer?.role === 'standby' && peer.ready && now.ms >= s.unsureUntilMs
  if (!fit && able) {
    const link = onlyLinkDown(s)
    if (!link || s.config?.monitorLinks) offer(w, link ? 'link' : 'unfit', null, false)
    return
  }
  const failback = s.config?.failback
  const returned = able && peer.digest === s.digest && peer.synced !== false && peer.restless !== true
  // It has checked every real server, and reaches no fewer than this one.
  const sees = peer?.settled === true && peer.usable >= usableServers(s.health)
  if (failback?.auto && s.side === 'backup' && returned && sees) {
    s.failbackSinceMs ??= now.ms
    if (now.ms - s.failbackSinceMs >= Math.max(failbackMinMs, failback.delayMs)) offer(w, 'failback', null, false)
  } else s.failbackSinceMs = null
}

/** The soonest instant at which time alone could change the role. */
export function roleDue(s: State): number {
  const { deadtimeMs } = timing(s)
  let soonest = Infinity
  const due = (ms: number): void => {
    if (ms > s.lastStepMs && ms < soonest) soonest = ms
  }
  if (s.stopping) due(s.stopping.sinceMs + stopLimitMs)
  if (s.handing) due(s.handing.sinceMs + handOverLimitMs(s))
  if (s.hearing.lastHeardMs !== null) due(s.hearing.lastHeardMs + deadtimeMs)
  if (s.role === 'starting') due(s.listeningSinceMs + deadtimeMs)
  if (s.vacantSinceMs !== null) {
    due(s.vacantSinceMs + deadtimeMs)
    due(s.vacantSinceMs + vacancyDeadtimes * deadtimeMs)
  }
  if (s.failbackSinceMs !== null) due(s.failbackSinceMs + Math.max(failbackMinMs, s.config?.failback.delayMs ?? 0))
  due(s.unsureUntilMs)
  due(s.doubtUntilMs)
  if (s.cannotHold) due(s.cannotHold.untilMs)
  due(calmAt(s))
  due(syncedAt(s))
  due(witnessDue(s))
  due(learnDue(s))
  return soonest
}
