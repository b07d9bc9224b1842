/**
 * Who serves. The roles and what moves a director between them:
 *
 *                        peer active ──────────────────────────┐
 *   starting ─┬─ nobody heard for deadtime, or preferred ──► active ◄── peer silent on all paths for deadtime,
 *      ▲      └─ unfit ──► unfit ──(fit again)──► starting      │       peer offers, peer unfit ── standby
 *      │                                                       ├─ both serve, and the other one stays (see theyStay) ──► standby
 *      │                                                       ├─ the own loop stood still and the wire says the peer has it ─► standby
 *      └───────────────────────── a start of the agent         └─ handed over (order, failback, link, unfit) ──► standby, (SIGTERM) ──► end
 *
 * Two directors that do not hear each other cannot know who serves; what holds is: once they hear each other, one of them yields
 * at the first beat. The wire is the witness: while the silent peer's hardware address still answers for the virtual IP, it serves
 * (a firewall swallows the beats, or its agent hangs), and a takeover would make two; so there is none. Hand-over is make before break: the giver keeps its addresses until the taker says it holds them.
 */
import type { FailoverCause, FailoverRecord, Role } from '../../domain/contract/agent.ts'
import type { FloatingAddress, Config } from '../../domain/config.ts'
import {
  byAddress,
  floating,
  floatingInterfaces,
  hasPeer,
  interfaceOf,
  ownAddresses,
  timing,
  type State,
  type Work,
} from './state.ts'
import { recheck, settledHealth, usableServers } from './health.ts'
import type { Beat, KernelAddresses, Offer, Takeover } from './words.ts'

/** With both directors ready and nobody active for this many deadtimes, the less preferred one claims after all. */
const vacancyDeadtimes = 3
/** A planned hand-over that the peer has not completed after this long is given up (an order) or forced (a stop). */
const handOverDeadtimes = 2
const handOverGraceMs = 1_000
/** A stopping director that cannot see its addresses gone ends anyway; the unit's ExecStopPost removes them. */
export const stopLimitMs = 4_000
/** After a partition has healed, the winner announces again this long after the loser let go (a switch port may still be learning). */
const healedRepeatMs = [100, 300, 700, 1_200, 2_000] as const
/** A director that let go because both served says so for this long. */
const yieldedSaidMs = 3_000
/** An answer on the wire may take this long (a busy host). */
const wireDelayMs = 100
/** A failback waits at least this long, so that a director that comes and goes does not take the service with it. */
const failbackMinMs = 1_000

function toWall(w: Work, ms: number): number {
  return Math.round(w.now.wallMs - (w.now.ms - ms))
}

/** Heard within deadtime on some path. */
export function peerAlive(s: State, nowMs: number): boolean {
  return s.hearing.lastHeardMs !== null && nowMs - s.hearing.lastHeardMs < timing(s).deadtimeMs
}

/** Whether one of our floating addresses is, or may be, on an interface. Unknown counts as yes. */
export function holds(s: State): boolean {
  const { addresses, held } = s.kernel
  if (addresses) return presence(s, addresses).some
  return held.length > 0 || (s.role === 'active' && s.config !== null && floating(s.config).length > 0)
}

/** What a beat says of holding: of the active director, that all wanted addresses are seen on their interfaces. */
export function saysHolds(s: State): boolean {
  if (s.role !== 'active') return holds(s)
  return s.kernel.addresses !== null && presence(s, s.kernel.addresses).all
}

interface Presence {
  readonly config: Config | null
  readonly held: readonly FloatingAddress[]
  /** One of our addresses is there; all that the config has are there. */
  readonly some: boolean
  readonly all: boolean
}

/** Worked out once per look: every step asks for it. */
const presences = new WeakMap<KernelAddresses, Presence>()

function presence(s: State, looked: KernelAddresses): Presence {
  const { config } = s
  const { held } = s.kernel
  const known = presences.get(looked)
  if (known && known.config === config && known.held === held) return known
  const there = byAddress(looked)
  const ours = config ? floating(config) : []
  const isThere = (a: FloatingAddress): boolean => there.has(a.address)
  const found = {
    config,
    held,
    some: ours.some(isThere) || held.some(isThere),
    all: config !== null && ours.every(isThere),
  }
  presences.set(looked, found)
  return found
}

/** Why this director cannot serve; empty = fit. */
function unfitness(s: State): readonly string[] {
  const { config, kernel } = s
  if (!config) return s.configProblems
  const reasons: string[] = []
  if (hasPeer(s) && !s.hasKey) reasons.push('There is no cluster key at /etc/shoal/cluster.key.')
  if (kernel.absent) reasons.push(kernel.absent)
  if (kernel.addresses) {
    if (!s.side) {
      const primary = config.primary?.public ?? 'none'
      const backup = config.backup?.public ?? 'none'
      reasons.push(
        `Neither the primary address ${primary} nor the backup address ${backup} is on an interface of this host.`,
      )
    } else {
      const own = ownAddresses(s)?.public
      const at = own === undefined ? undefined : byAddress(kernel.addresses).get(own)
      if (!at) reasons.push(`The director's own address ${own} is on no interface.`)
      else if (kernel.addresses.links.some((l) => l.device === at.device && !l.up))
        reasons.push(`The link of ${at.device} is down.`)
      if (s.side === 'backup' && !config.backupActive)
        reasons.push('backup_active is 0 in lvs.cf, so the backup director does not take part.')
    }
    const devices = new Set(kernel.addresses.links.map((l) => l.device))
    for (const device of floatingInterfaces(config)) {
      if (!devices.has(device)) reasons.push(`There is no interface ${device} for the virtual IP.`)
    }
  }
  if (s.cannotHold) reasons.push(s.cannotHold.says)
  if (kernel.applyFailures.length > 0 && kernel.table && kernel.applyTries >= 3) {
    const present = s.health.services.some((service) => kernel.table?.has(service.key))
    if (!present && s.health.services.length > 0)
      reasons.push(`No virtual server can be put into the kernel's table: ${kernel.applyFailures[0] ?? ''}`)
  }
  return reasons
}

/** Could serve at once. */
function ready(s: State): boolean {
  return (
    s.unfitBecause.length === 0 &&
    s.config !== null &&
    s.kernel.addresses !== null &&
    s.kernel.tableAtMs !== null &&
    s.stopping === null
  )
}

function setRole(w: Work, to: Role, reason: string): void {
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

export function memoryOf(s: State): {
  readonly term: number
  readonly peerBoot: number
  readonly owned: readonly string[]
} {
  return { term: s.term, peerBoot: s.hearing.peerBoot, owned: [...s.kernel.owned].sort() }
}

function claim(w: Work, cause: FailoverCause, reason: string): void {
  const { s, now } = w
  const peer = s.hearing.peer
  s.term = Math.max(s.term, peer?.term ?? 0) + 1
  const { lastHeardMs } = s.hearing
  s.takeover = {
    cause,
    ...(peer && cause !== 'first-start' ? { from: peer.name } : {}),
    term: s.term,
    ...(lastHeardMs === null ? {} : { lastHeardMs, firstMissedMs: lastHeardMs + timing(s).keepaliveMs }),
    decidedMs: now.ms,
  }
  s.announceAtMs = []
  s.yielded = null
  // A director that is cut off finds out soon that it reaches no real server either.
  if (cause === 'peer-silent') s.health = recheck(s.health, now)
  w.out.push({ kind: 'remember', memory: memoryOf(s) })
  setRole(w, 'active', reason)
}

function letGo(w: Work, reason: string): void {
  const { s } = w
  s.takeover = null
  s.bothServe = null
  s.announceAtMs = []
  const handing = s.handing
  s.handing = null
  setRole(w, s.stopping ? 'stopping' : 'standby', reason)
  for (const ticket of handing?.tickets ?? []) w.out.push({ kind: 'answer', ticket })
}

/** The failover record, for the journal, of a takeover that has come to its announcement (or failed to). */
function recordOf(
  w: Work,
  takeover: Takeover,
  announcedMs: number | null,
  peerWas: string | undefined,
): FailoverRecord {
  const wall = (ms: number): number => toWall(w, ms)
  const { s } = w
  const outageFrom = takeover.cause === 'peer-silent' ? takeover.lastHeardMs : undefined
  return {
    cause: takeover.cause,
    decidedBy: s.self.name,
    ...(peerWas === undefined ? {} : { from: peerWas }),
    to: s.self.name,
    term: takeover.term,
    ...(takeover.cause !== 'first-start' && takeover.lastHeardMs !== undefined
      ? { lastHeardAtMs: wall(takeover.lastHeardMs) }
      : {}),
    ...(takeover.cause === 'peer-silent' && takeover.firstMissedMs !== undefined
      ? { firstMissedAtMs: wall(takeover.firstMissedMs) }
      : {}),
    decidedAtMs: wall(takeover.decidedMs),
    ...(takeover.tableReadyMs === undefined ? {} : { tableReadyAtMs: wall(takeover.tableReadyMs) }),
    ...(takeover.addressUpMs === undefined ? {} : { addressUpAtMs: wall(takeover.addressUpMs) }),
    ...(announcedMs === null ? {} : { announcedAtMs: wall(announcedMs) }),
    ...(takeover.cause === 'peer-silent' && s.wire.asked > 0
      ? {
          witnesses: [
            {
              address: (s.config ? floating(s.config)[0]?.address : undefined) ?? '',
              says: `asked ${s.wire.asked} times, the former active director did not answer`,
            },
          ],
        }
      : {}),
    ...(announcedMs === null || outageFrom === undefined ? {} : { outageMs: Math.round(announcedMs - outageFrom) }),
  }
}

/** The first announcement of a takeover is out: the record is complete. */
export function tookOver(w: Work, announced: boolean): void {
  const { s, now } = w
  if (!s.takeover) return
  const record = recordOf(w, s.takeover, announced ? now.ms : null, s.takeover.from)
  s.takeover = null
  s.announceAtMs = [...s.announceAtMs, ...(s.config?.announce.repeatMs ?? []).map((ms) => now.ms + ms)].sort(
    (a, b) => a - b,
  )
  w.out.push({ kind: 'journal', event: { kind: 'failover', record } }, { kind: 'report' })
}

function announceSoon(w: Work): void {
  w.s.announceAtMs = [...w.s.announceAtMs, w.now.ms, ...healedRepeatMs.map((ms) => w.now.ms + ms)].sort((a, b) => a - b)
}

/** Begins a hand-over; when no peer can take, a stop lets go at once and anything else is refused. */
function offer(w: Work, kind: Offer, ticket: number | null, exit: boolean): void {
  const { s, now } = w
  const peer = s.hearing.peer
  const able = peerAlive(s, now.ms) && peer !== null && peer.ready && peer.role === 'standby'
  if (!able) {
    if (exit) letGo(w, 'stopping; no ready peer to hand over to')
    else if (ticket !== null) {
      const why =
        !peer || !peerAlive(s, now.ms)
          ? 'The other director is not heard.'
          : `The other director is ${peer.role} and not ready.`
      w.out.push({ kind: 'answer', ticket, refused: why })
    }
    return
  }
  if (!s.handing) w.beatNow = true
  s.handing = {
    offer: kind,
    sinceMs: s.handing?.sinceMs ?? now.ms,
    tickets: [...(s.handing?.tickets ?? []), ...(ticket === null ? [] : [ticket])],
    exit: exit || (s.handing?.exit ?? false),
  }
}

/** Takes an order in. Reload is answered by the shell, which reads the file. */
export function order(w: Work, what: 'hand-over' | 'stop', by: string, ticket: number): void {
  const { s, now } = w
  w.out.push({ kind: 'journal', event: { kind: 'order', order: what, by } })
  if (what === 'stop') {
    if (s.stopping) return
    s.stopping = { sinceMs: now.ms, by, exited: false }
    w.beatNow = true
    if (s.role === 'active') offer(w, 'stopping', null, true)
    else setRole(w, 'stopping', 'stopping')
    return
  }
  if (s.role !== 'active') {
    w.out.push({ kind: 'answer', ticket, refused: `This director is ${s.role}; only the active one can hand over.` })
    return
  }
  offer(w, 'ordered', ticket, false)
}

const causeOfOffer: Readonly<Record<Offer, FailoverCause>> = {
  stopping: 'handed-over',
  ordered: 'ordered',
  failback: 'failback',
  unfit: 'peer-unfit',
  link: 'peer-unfit',
}

const serves = (beat: Beat): boolean =>
  beat.role === 'active' || beat.offers !== undefined || (beat.role === 'stopping' && beat.holds)

function standingOf(role: Role, isReady: boolean): number {
  if (!isReady) return 0
  return role === 'standby' || role === 'active' ? 2 : role === 'starting' ? 1 : 0
}

/** Nobody is active though the peer is heard: the hot standby before the starting one, the primary before the backup. */
function fillVacancy(w: Work, peer: Beat): void {
  const { s, now } = w
  s.vacantSinceMs ??= now.ms
  if (!ready(s) || now.ms < s.unsureUntilMs) return
  const waitedMs = now.ms - s.vacantSinceMs
  const limitMs = vacancyDeadtimes * timing(s).deadtimeMs
  if (peer.holds && waitedMs < limitMs) return
  const mine = standingOf(s.role, true)
  const theirs = standingOf(peer.role, peer.ready)
  const preferred = mine > theirs || (mine === theirs && s.side === 'primary')
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
    ? `nobody was active for ${waitedMs} ms`
    : theirs === 0
      ? `${peer.name} is heard and cannot serve (${peer.role})`
      : `nobody is active and ${s.self.name} goes first`
  claim(w, cause, why)
}

/** How long after the last missed beat the wire is first asked, and how long an answer says that the peer is there. */
function wireTiming(s: State): { readonly firstMs: number; readonly everyMs: number; readonly freshMs: number } {
  const { keepaliveMs, deadtimeMs } = timing(s)
  return {
    firstMs: Math.max(1.5 * keepaliveMs, deadtimeMs - 2 * keepaliveMs),
    everyMs: Math.max(20, keepaliveMs / 2),
    freshMs: keepaliveMs + wireDelayMs,
  }
}

/** Asks who has the virtual IP. Only IPv4 can be asked for (ARP). */
function askWire(w: Work): void {
  const { s, now } = w
  const own = ownAddresses(s)?.public
  const vip = s.config && floating(s.config).find((a) => !a.address.includes(':'))
  if (!vip || !own || own.includes(':')) return
  s.wire = { ...s.wire, asked: s.wire.asked + 1, nextAskMs: now.ms + wireTiming(s).everyMs }
  w.out.push({ kind: 'ask', device: interfaceOf(vip.device), source: own, address: vip.address })
}

/** Somebody answered for an address: of interest when it is the peer's hardware and the address is ours to serve. */
export function answered(w: Work, address: string, mac: string): void {
  const { s, now } = w
  if (!s.config || s.hearing.peer?.mac !== mac || !floating(s.config).some((a) => a.address === address)) return
  if (s.role === 'standby') s.wire = { ...s.wire, answeredMs: now.ms }
  if (s.role === 'active' && now.ms < s.doubtUntilMs)
    letGo(w, `the own loop stood still, and ${address} is answered by ${s.hearing.peer.name}`)
}

/** The peer begins to be silent: the wire is asked what became of the virtual IP. */
function witness(w: Work): void {
  const { s, now } = w
  const { lastHeardMs, peer } = s.hearing
  if (s.role !== 'standby' || lastHeardMs === null || !peer?.mac || !serves(peer)) return
  const firstMs = lastHeardMs + wireTiming(s).firstMs
  if (now.ms < firstMs) {
    s.wire = { answeredMs: null, nextAskMs: firstMs, asked: 0, heldOff: false }
    return
  }
  if (now.ms >= s.wire.nextAskMs) askWire(w)
}

/** A paused loop: what was true before may not be true now. Called before the input is taken in. */
export function awake(w: Work, gapMs: number): void {
  const { s, now } = w
  const { keepaliveMs, deadtimeMs } = timing(s)
  if (gapMs < 2 * keepaliveMs) return
  // Beats queued during a long pause tell of the past: wait for as long as a start would.
  s.unsureUntilMs = now.ms + (gapMs < deadtimeMs ? 2 * keepaliveMs : deadtimeMs)
  s.nextBeatMs = now.ms
  if (gapMs < deadtimeMs || !hasPeer(s)) return
  s.kernel = { ...s.kernel, nextAddressMs: now.ms, nextTableMs: now.ms }
  if (s.role === 'active') {
    // The peer may serve by now. Dropping the address unasked would be an outage when it does not.
    s.doubtUntilMs = now.ms + 2 * keepaliveMs
    w.beatNow = true
    askWire(w)
  } else if (s.role === 'starting') s.listeningSinceMs = now.ms
}

/** When both serve: who sees real servers before who sees none, then the higher term, then the primary. */
function theyStay(s: State, beat: Beat): boolean {
  const mine = usableServers(s.health) > 0
  const theirs = beat.usable > 0
  if (mine !== theirs) return theirs
  if (beat.term !== s.term) return beat.term > s.term
  return s.side === 'backup'
}

/** A beat counted: both serving is settled here, on the spot. */
export function heardPeer(w: Work, beat: Beat, before: Beat | null, wasSilent: boolean): void {
  const { s, now } = w
  if (s.role !== 'active') return
  if (beat.role === 'active') {
    if (s.handing) {
      if (beat.term > s.term && beat.holds) letGo(w, `${beat.name} has taken over`)
      return
    }
    if (beat.offers !== undefined) return
    if (theyStay(s, beat)) {
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
    const activeForMs = Math.round(now.ms - s.roleSinceMs)
    const record: FailoverRecord = {
      cause: 'both-served',
      decidedBy: s.self.name,
      from: s.bothServe.peer,
      to: s.self.name,
      term: s.term,
      decidedAtMs: toWall(w, s.bothServe.sinceMs),
      announcedAtMs: toWall(w, now.ms),
      bothHeldMs: Math.min(activeForMs, beat.yieldedAfterMs ?? activeForMs),
    }
    s.bothServe = null
    w.out.push({ kind: 'journal', event: { kind: 'failover', record } }, { kind: 'report' })
    announceSoon(w)
    return
  }
  const letLoose = before !== null && before.boot === beat.boot && before.holds && !beat.holds
  // The other one let go of the address, or the path to it has just come back: caches on the segment may hold the wrong one.
  if (letLoose || wasSilent) announceSoon(w)
}

/** Decides the role from everything known. Runs at the end of every step. */
export function decide(w: Work): void {
  const { s, now } = w
  const { deadtimeMs } = timing(s)
  if (s.cannotHold && now.ms >= s.cannotHold.untilMs) s.cannotHold = null
  if (s.yielded && now.ms - s.yielded.atMs >= yieldedSaidMs) s.yielded = null
  s.unfitBecause = unfitness(s)
  const fit = s.unfitBecause.length === 0
  const peer = s.hearing.peer
  const alive = hasPeer(s) && peer !== null && peerAlive(s, now.ms)
  const sure = now.ms >= s.unsureUntilMs
  if (hasPeer(s)) witness(w)

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
      if (!fit) {
        setRole(w, 'unfit', s.unfitBecause[0] ?? '')
        return
      }
      if (!ready(s)) return
      if (!hasPeer(s)) {
        claim(w, 'first-start', 'no second director is configured')
        return
      }
      if (alive && peer) {
        if (serves(peer)) {
          s.vacantSinceMs = null
          if (s.role === 'starting') setRole(w, 'standby', `${peer.name} is active`)
          if (s.role === 'standby' && peer.offers) {
            claim(w, causeOfOffer[peer.offers], `${peer.name} hands over (${peer.offers})`)
          }
        } else fillVacancy(w, peer)
        return
      }
      s.vacantSinceMs = null
      if (!sure) return
      if (s.role === 'starting') {
        if (now.ms - s.listeningSinceMs >= deadtimeMs)
          claim(w, 'first-start', `nobody was heard for ${Math.round(now.ms - s.listeningSinceMs)} ms`)
      } else if (s.wire.answeredMs !== null && now.ms - s.wire.answeredMs < wireTiming(s).freshMs) {
        if (!s.wire.heldOff) {
          s.wire = { ...s.wire, heldOff: true }
          const says = `Nothing is heard from ${peer?.name ?? 'the peer'}, but its hardware address ${peer?.mac ?? ''} still answers for the virtual IP: it serves, nothing is taken over. Something keeps the beats from arriving (UDP port ${s.config?.heartbeat.port ?? ''}).`
          w.out.push({ kind: 'journal', event: { kind: 'trouble', says } }, { kind: 'report' })
        }
      } else {
        const silentMs = Math.round(now.ms - (s.hearing.lastHeardMs ?? s.roleSinceMs))
        if (s.hearing.lastHeardMs !== null || silentMs >= deadtimeMs)
          claim(w, 'peer-silent', `nothing heard from ${peer?.name ?? 'the peer'} on any path for ${silentMs} ms`)
      }
      return
    case 'unfit':
      if (fit) setRole(w, 'starting', 'fit again')
      return
    case 'active': {
      if (s.cannotHold) {
        s.takeover = null
        setRole(w, 'unfit', s.cannotHold.says)
        return
      }
      if (s.handing) {
        if (now.ms - s.handing.sinceMs >= handOverLimitMs(s) || !alive) {
          const { tickets } = s.handing
          s.handing = null
          w.beatNow = true
          for (const ticket of tickets)
            w.out.push({
              kind: 'answer',
              ticket,
              refused: 'The other director did not take over in time; this one stays active.',
            })
        }
        return
      }
      const able = alive && peer?.role === 'standby' && peer.ready && sure
      if (!fit && able) {
        const link = s.unfitBecause.some((r) => r.startsWith('The link of'))
        if (!link || s.config?.monitorLinks) offer(w, link ? 'link' : 'unfit', null, false)
        return
      }
      const failback = s.config?.failback
      if (failback?.auto && s.side === 'backup' && able && peer.settled && peer.digest === s.digest) {
        s.failbackSinceMs ??= now.ms
        if (now.ms - s.failbackSinceMs >= Math.max(failbackMinMs, failback.delayMs)) offer(w, 'failback', null, false)
      } else s.failbackSinceMs = null
      return
    }
    case 'stopping':
      return
  }
}

function handOverLimitMs(s: State): number {
  return handOverDeadtimes * timing(s).deadtimeMs + handOverGraceMs
}

/** The soonest instant at which time alone could change the role. */
export function roleDue(s: State): number {
  const { deadtimeMs } = timing(s)
  const due: number[] = []
  if (s.stopping) due.push(s.stopping.sinceMs + stopLimitMs)
  if (s.handing) due.push(s.handing.sinceMs + handOverLimitMs(s))
  if (s.hearing.lastHeardMs !== null) due.push(s.hearing.lastHeardMs + deadtimeMs)
  if (s.role === 'starting') due.push(s.listeningSinceMs + deadtimeMs)
  if (s.vacantSinceMs !== null) due.push(s.vacantSinceMs + deadtimeMs, s.vacantSinceMs + vacancyDeadtimes * deadtimeMs)
  if (s.failbackSinceMs !== null) due.push(s.failbackSinceMs + Math.max(failbackMinMs, s.config?.failback.delayMs ?? 0))
  due.push(s.unsureUntilMs, s.doubtUntilMs)
  if (s.role === 'standby' && s.hearing.lastHeardMs !== null) {
    due.push(Math.max(s.wire.nextAskMs, s.hearing.lastHeardMs + wireTiming(s).firstMs))
    if (s.wire.answeredMs !== null) due.push(s.wire.answeredMs + wireTiming(s).freshMs)
  }
  if (s.cannotHold) due.push(s.cannotHold.untilMs)
  return due.filter((ms) => ms > s.lastStepMs).reduce((a, b) => Math.min(a, b), Infinity)
}

/** The hardware address that answers for this director. */
function macOf(s: State): { readonly mac?: string } {
  const own = ownAddresses(s)?.public
  const { addresses } = s.kernel
  const device = addresses?.addresses.find((a) => a.address === own)?.device
  const mac = addresses?.links.find((l) => l.device === device)?.mac
  return mac === undefined ? {} : { mac }
}

/** What is said in the next beat. */
export function beatOf(s: State): Beat | null {
  if (!s.side || !s.config) return null
  const peer = s.hearing.peer
  return {
    from: s.side,
    name: s.self.name,
    boot: s.self.boot,
    seq: s.seq,
    role: s.role,
    term: s.term,
    ready: ready(s),
    settled: settledHealth(s.health),
    holds: saysHolds(s),
    ...(s.handing ? { offers: s.handing.offer } : {}),
    ...macOf(s),
    usable: usableServers(s.health),
    ...(s.yielded ? { yieldedAfterMs: s.yielded.activeForMs } : {}),
    generation: s.config.serialNo,
    digest: s.digest,
    ...(peer ? { sees: { boot: peer.boot, seq: peer.seq } } : {}),
  }
}
