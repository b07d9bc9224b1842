/**
 * Asking the wire. When the peer falls silent, its beats alone cannot tell a dead peer from a cut cable; so while the deadtime still
 * runs, the wire is asked (ARP, for IPv6 neighbour solicitation) who has the virtual IP, and the neighbours (gateway and real servers)
 * whether they are there:
 *
 *   the peer's hardware answers for the virtual IP  →  it serves, nothing is taken over
 *   a neighbour answers, the peer does not          →  the peer is gone: take over when deadtime is over
 *   nobody at all answers                           →  this director itself is cut off: it neither claims nor stays active
 *
 * The last verdict needs neighbours that are known to answer. Where there are none (no next hop, the native part missing),
 * nothing can be told and silence on all paths decides alone, as it does with any two directors. No silence means anything while
 * this host itself is slow to hand on what arrives (ears.ts).
 */
import { heartbeatPairs } from '../../domain/heartbeat-paths.ts'
import { isSix } from '../../domain/ipv6.ts'
import { recheck } from './health.ts'
import { askedFor, floating, hasPeer, interfaceOf, ownAddresses, timing, type State, type Work } from './state.ts'
import { peerAlive, vipDevice } from './fitness.ts'
import { cameBack, heldUp, heldUpLimitMs, heldUpUntil, sent } from './ears.ts'
import { withRoutes, type Route, type Segment } from './segment.ts'
import { makeKnown, letGo } from './takeover.ts'
import type { Beat } from './words.ts'

/** An answer on the wire may take this long (a busy host). */
const wireDelayMs = 100
/** The kernel is asked for the next hops this often, and the neighbours whether they are there. */
const routeMs = 10_000
const roundMs = 10_000
/** A neighbour that was silent for more than two rounds is news when it answers. */
const newsAfterMs = 2.5 * roundMs
const againMs = 1_000
/** Nobody heard for so long on the segment of the virtual IP, in several rounds: nothing gets here. */
const desertedMs = roundMs + 3 * againMs + wireDelayMs
/** A neighbour that answered this long before a silence began is one that answers. */
const knownMs = 35_000
/** Real servers whose next hop is looked for. */
const routedLimit = 8
/** A director that is cut off asks without pause at first, then this often. */
const aloneEveryMs = 500
/** At least so many questions before silence on the wire means anything. */
const timesAtLeast = 2
/** After a takeover the standby looks so often, until it sees the new director's hardware address answer. */
const lookTimes = 10
const lookEveryMs = 250
/** That this host is slow is said no more often than this. */
const sayLateMs = 60_000
/** Foreign hardware addresses that are remembered as said. */
const foreignLimit = 16

/** What is asked for to learn the next hop of everybody outside, the gateway's: over IPv4, over IPv6. */
export const outside = 'default'
export const outside6 = 'default6'

/** How long after the last missed beat the wire is first asked, and how long an answer says that the peer is there. */
function wireTiming(s: State): { readonly firstMs: number; readonly everyMs: number; readonly freshMs: number } {
  const { keepaliveMs, deadtimeMs } = timing(s)
  const firstMs = Math.max(1.5 * keepaliveMs, deadtimeMs - 2 * keepaliveMs)
  return {
    // However short the deadtime is, some of it is left for questions.
    firstMs: Math.min(firstMs, Math.max(deadtimeMs / 2, deadtimeMs - 2 * wireDelayMs)),
    everyMs: Math.max(20, keepaliveMs / 2),
    freshMs: keepaliveMs + wireDelayMs,
  }
}

function change(w: Work, by: Partial<Segment>): void {
  w.s.segment = { ...w.s.segment, ...by }
}

/** Since when the peer is silent; a start listens anew. */
function silentSince(s: State): number {
  const { lastHeardMs } = s.hearing
  if (s.role !== 'starting' && lastHeardMs !== null) return lastHeardMs
  return Math.max(s.listeningSinceMs, lastHeardMs ?? -Infinity)
}

/** When the wire is asked what became of a silent peer: after a start at once. */
function firstAskMs(s: State): number {
  const since = silentSince(s)
  return s.role === 'starting' && since === s.listeningSinceMs ? since : since + wireTiming(s).firstMs
}

/** What the wire has told of a silence: see the table above. */
export type Verdict = 'peer-serves' | 'heard' | 'nobody' | 'asking' | 'cannot-tell'

export function verdict(s: State, nowMs: number): Verdict {
  const { segment } = s
  const { asking, anybodyMs, peerAnsweredMs } = segment
  if (s.role === 'standby' && peerAnsweredMs !== null && nowMs - peerAnsweredMs < wireTiming(s).freshMs)
    return 'peer-serves'
  if (segment.alone) return 'nobody'
  const told = canTell(s)
  if (told && asking && anybodyMs !== null && anybodyMs >= asking.sinceMs) return 'heard'
  const isLong = asking !== null && nowMs - asking.sinceMs >= heldUpLimitMs
  if (!isLong && isHeldUp(s, nowMs)) return 'asking'
  if (!told) return 'cannot-tell'
  if (!asking || asking.times < timesAtLeast) return 'asking'
  const { deadtimeMs } = timing(s)
  return nowMs - asking.sinceMs >= Math.min(wireDelayMs, deadtimeMs - wireTiming(s).firstMs) ? 'nobody' : 'asking'
}

/** A beat must have had the time to come once what lay in the kernel has been handed on. */
const earRestMs = (s: State): number => 2 * timing(s).keepaliveMs

/** Silence, and what is heard of the past, mean nothing now: this host is slow to hand on what arrives. */
export const isHeldUp = (s: State, nowMs: number): boolean => heldUp(s.segment.ears, earRestMs(s), nowMs)

/** There are neighbours on the segment of the virtual IP that would answer if they could be heard. */
function canTell(s: State): boolean {
  const since = silentSince(s)
  const device = vipDevice(s)
  const there = s.segment.witnesses.filter((n) => n.device === device)
  if (there.length === 0) return false
  if (s.role === 'starting') return true
  return there.some((n) => n.answeredMs !== null && n.answeredMs >= since - knownMs)
}

/** Asks for the virtual IP and for the neighbours, each on its own interface and from an own address of its family. */
function ask(w: Work, what: { readonly vip: boolean; readonly neighbours: boolean }): void {
  const { s, now } = w
  const ears = sent(s.segment.ears, now.ms)
  if (ears) {
    change(w, { ears })
    w.out.push({ kind: 'echo', sentMs: now.ms })
  }
  const vip = s.config && askedFor(s.config)
  const questions = new Map<string, { readonly device: string; readonly addresses: readonly string[] }>()
  const add = (device: string, address: string): void => {
    const key = `${device} ${isSix(address)}`
    questions.set(key, { device, addresses: [...(questions.get(key)?.addresses ?? []), address] })
  }
  if (what.vip && vip) add(interfaceOf(vip.device), vip.address)
  if (what.neighbours) for (const { address, device } of s.segment.witnesses) add(device, address)
  for (const { device, addresses } of questions.values()) {
    const source = sourceOn(s, device, isSix(addresses[0] ?? ''))
    if (source !== undefined) w.out.push({ kind: 'ask', device, source, addresses })
  }
}

/** An own address of that family to ask from: one on that interface, else the public one. */
function sourceOn(s: State, device: string, six: boolean): string | undefined {
  const own = ownAddresses(s)
  const ours = new Set(s.config ? floating(s.config).map((a) => a.address) : [])
  const there = s.kernel.addresses?.addresses.find(
    (a) => a.device === device && isSix(a.address) === six && !ours.has(a.address),
  )
  return there?.address ?? (own && isSix(own.public) === six ? own.public : undefined)
}

/** An answer of the segment, or a frame overheard. */
export interface Answer {
  readonly device: string
  readonly address: string
  readonly mac: string
  /** It answers a question of ours that named this address as the asker's. */
  readonly to?: string
}

/** Somebody was heard on the wire. What it says of a virtual IP is of interest when it comes from the peer's hardware. */
export function answered(w: Work, { device, address, mac, to }: Answer): void {
  const { s, now } = w
  const { segment } = s
  if (!s.config) return
  const there = device === vipDevice(s)
  const witness =
    to === undefined ? undefined : segment.witnesses.find((n) => n.address === address && n.device === device)
  change(w, {
    ...(there ? { anybodyMs: now.ms, ...(to === undefined ? {} : { repliedMs: now.ms }) } : {}),
    ...(witness ? { witnesses: segment.witnesses.map((n) => (n === witness ? { ...n, answeredMs: now.ms } : n)) } : {}),
  })
  // A neighbour that answers at last, or again: what was announced meanwhile may not have reached it.
  if (s.role === 'active' && witness && (witness.answeredMs ?? -Infinity) < now.ms - newsAfterMs) makeKnown(w)
  if (!floating(s.config).some((a) => a.address === address)) return
  const { peer } = s.hearing
  if (s.role !== 'active' && segment.vipMac !== mac) {
    change(w, { vipMac: mac })
    // The active director waits for this: it says that its announcement has arrived.
    w.beatNow = true
  }
  if (peer?.mac === mac) {
    if (s.role === 'standby') change(w, { peerAnsweredMs: now.ms })
    if (s.role === 'active' && now.ms < s.doubtUntilMs)
      letGo(w, `the own loop stood still, and ${address} is answered by ${peer.name}`)
  } else if (to !== undefined && peer?.mac !== undefined && !segment.foreign.includes(mac)) {
    change(w, { foreign: [...segment.foreign, mac].slice(-foreignLimit) })
    const says = `${address} is also answered by the hardware address ${mac}, which is neither director's: a real server without arp_ignore, or another host with this address.`
    w.out.push({ kind: 'journal', event: { kind: 'trouble', says } }, { kind: 'report' })
  }
}

/** The datagram to itself is back. */
export function echoed(w: Work, sentMs: number): void {
  const { s, now } = w
  const { ears, saidLateMs } = s.segment
  change(w, { ears: cameBack(ears, sentMs, now.ms) })
  const tookMs = now.ms - sentMs
  if (ears.sentMs !== sentMs || tookMs < timing(s).deadtimeMs / 2 || now.ms - saidLateMs < sayLateMs) return
  change(w, { saidLateMs: now.ms })
  const says = `What the network brought lay in this host for ${Math.round(tookMs)} ms, its processors are busy with something else. Silence is not judged meanwhile.`
  w.out.push({ kind: 'journal', event: { kind: 'trouble', says } }, { kind: 'report' })
}

/** A check passed: its real server has been heard, if it is on the segment of the virtual IP as far as we know. */
export function checkPassed(w: Work, server: string): void {
  const { s, now } = w
  const address = server.slice(0, server.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const route = s.segment.routes.find((r) => r.to === address)
  if (route && route.device !== vipDevice(s)) return
  change(w, { anybodyMs: now.ms, repliedMs: now.ms })
}

/** The kernel has said where it sends packets. */
export function routed(w: Work, routes: readonly Route[]): void {
  const { s, now } = w
  if (!s.config) return
  const { config } = s
  const cluster = heartbeatPairs(config).flatMap(({ primary, backup }) => [primary, backup])
  const own = s.kernel.addresses?.addresses.map((a) => a.address) ?? []
  const vips = floating(config).map((a) => a.address)
  const before = s.segment.witnesses
  const next = withRoutes(s.segment, routes, new Set([...cluster, ...own, ...vips]), new Set(realServersOf(s)))
  s.segment = next
  if (next.witnesses.some((n) => !before.some((b) => b.address === n.address && b.device === n.device)))
    change(w, { nextRoundMs: now.ms })
}

function realServersOf(s: State): readonly string[] {
  const found = new Set<string>()
  for (const { spec } of s.health.services)
    for (const { address } of spec.realServers) {
      found.add(address)
      if (found.size >= routedLimit) return [...found]
    }
  return [...found]
}

/** Whose next hops are asked for. An IPv6 gateway is a witness where clients come over IPv6. */
function routesWanted(s: State): readonly string[] {
  const six = s.config !== null && floating(s.config).some((a) => isSix(a.address))
  return [outside, ...(six ? [outside6] : []), ...realServersOf(s)]
}

/** The everyday questions: where neighbours are, and whether they answer. */
function lookRound(w: Work): void {
  const { s, now } = w
  if (!s.side || !s.kernel.addresses) return
  if (now.ms >= s.segment.nextRouteMs) {
    change(w, { nextRouteMs: now.ms + routeMs })
    w.out.push({ kind: 'route', to: routesWanted(s) })
  }
  if (now.ms >= s.segment.nextRoundMs) {
    // A round without an answer is made again soon.
    const quiet = s.segment.anybodyMs !== null && now.ms - s.segment.anybodyMs > roundMs
    change(w, { nextRoundMs: now.ms + (quiet ? againMs : roundMs) })
    ask(w, { vip: s.role === 'standby', neighbours: true })
  }
}

/** Looks into a silence of the peer, and judges whether it is this director that is cut off. Runs in every step. */
export function witness(w: Work): void {
  const { s, now } = w
  if (!hasPeer(s) || s.stopping) return
  lookRound(w)
  if (now.ms < firstAskMs(s)) {
    calm(w)
    return
  }
  const { asking, alone, notBeforeMs } = s.segment
  if (now.ms < notBeforeMs || !asks(s)) return
  if (!asking || now.ms >= asking.nextMs) {
    const everyMs = alone && now.ms - alone.sinceMs > routeMs ? aloneEveryMs : wireTiming(s).everyMs
    change(w, {
      asking: { sinceMs: asking?.sinceMs ?? now.ms, times: (asking?.times ?? 0) + 1, nextMs: now.ms + everyMs },
    })
    ask(w, { vip: s.role === 'standby', neighbours: true })
  }
  judge(w)
}

/** Whether a silence is worth questions: a standby's always is, an active one's until it is known who is cut off. */
function asks(s: State): boolean {
  const { segment } = s
  if (segment.alone) return true
  if (s.role === 'standby' || s.role === 'starting') return true
  const { asking, anybodyMs } = segment
  return s.role === 'active' && !(asking && anybodyMs !== null && anybodyMs >= asking.sinceMs) && canTell(s)
}

/** The peer is heard: nothing is to be asked. */
function calm(w: Work): void {
  const { segment } = w.s
  if (segment.alone) back(w)
  if (segment.asking || segment.heldOff || segment.peerAnsweredMs !== null)
    change(w, { asking: null, heldOff: false, peerAnsweredMs: null })
}

/** It was cut off and is not any more. The peer may serve and be heard in a moment: silence is not judged before that. */
function back(w: Work): void {
  const { s, now } = w
  change(w, { alone: null, backMs: now.ms })
  // What its checks found while it was cut off says nothing of the real servers.
  s.health = recheck(s.health, now)
  s.unsureUntilMs = Math.max(s.unsureUntilMs, now.ms + 2 * timing(s).keepaliveMs)
}

function judge(w: Work): void {
  const { s, now } = w
  const { alone, anybodyMs } = s.segment
  if (alone) {
    if (anybodyMs !== null && anybodyMs > alone.sinceMs) back(w)
    return
  }
  const since = silentSince(s)
  const { deadtimeMs } = timing(s)
  // The active one gives the wire a moment more: what it has to lose is more than a moment.
  const limitMs = deadtimeMs + (s.role === 'active' ? wireDelayMs : 0)
  if (now.ms < s.unsureUntilMs || now.ms < s.doubtUntilMs || now.ms - since < limitMs) return
  if (peerAlive(s, now.ms) || verdict(s, now.ms) !== 'nobody') return
  change(w, { alone: { sinceMs: now.ms } })
}

/** A paused loop: what was true before may not be true now. Called before the input is taken in. */
export function awake(w: Work, gapMs: number): void {
  const { s, now } = w
  const { keepaliveMs, deadtimeMs } = timing(s)
  if (gapMs < 2 * keepaliveMs) return
  // Beats queued during a long pause tell of the past: wait for as long as a start would.
  s.unsureUntilMs = now.ms + (gapMs < deadtimeMs ? 2 * keepaliveMs : deadtimeMs)
  s.nextBeatMs = now.ms
  // Answers that queued up during the pause tell of the past, too.
  change(w, {
    asking: null,
    peerAnsweredMs: null,
    notBeforeMs: now.ms + wireDelayMs,
    ears: { ...s.segment.ears, sentMs: null },
  })
  if (gapMs < deadtimeMs || !hasPeer(s)) return
  s.kernel = { ...s.kernel, nextAddressMs: now.ms, nextTableMs: now.ms }
  if (s.role === 'active') {
    // The peer may serve by now. Dropping the address unasked would be an outage when it does not.
    s.doubtUntilMs = now.ms + 2 * keepaliveMs
    w.beatNow = true
    ask(w, { vip: true, neighbours: true })
  } else if (s.role === 'starting') s.listeningSinceMs = now.ms
}

/** A new director serves: the standby looks which hardware address answers for the virtual IP and says it in its beats. */
export function lookWhoServes(w: Work, peer: Beat): void {
  const { s, now } = w
  if (!peer.holds || peer.role !== 'active') return
  const { looked, vipMac } = s.segment
  const known = looked?.boot === peer.boot && looked.term === peer.term ? looked : null
  if (known && (vipMac === peer.mac || known.times >= lookTimes || now.ms < known.atMs + lookEveryMs)) return
  change(w, {
    ...(known ? {} : { vipMac: null }),
    looked: { boot: peer.boot, term: peer.term, times: (known?.times ?? 0) + 1, atMs: now.ms },
  })
  ask(w, { vip: true, neighbours: false })
}

/** Somebody else than the peer is heard, as a beat says it; undefined where there is nobody to ask. */
export function hearsOthers(s: State, nowMs: number): boolean | undefined {
  const { witnesses, anybodyMs, alone } = s.segment
  if (witnesses.length === 0) return undefined
  return !alone && anybodyMs !== null && nowMs - anybodyMs < roundMs + 2 * wireDelayMs
}

/**
 * The peer is heard (on another path) and hears its neighbours on the segment of the virtual IP, while here none is heard that used to
 * answer: clients do not get here either.
 */
export function deserted(s: State, nowMs: number): boolean {
  const { peer } = s.hearing
  const { anybodyMs, witnesses } = s.segment
  if (peer?.others !== true || anybodyMs === null || !peerAlive(s, nowMs)) return false
  return nowMs - anybodyMs >= desertedMs && witnesses.some((n) => n.device === vipDevice(s) && n.answeredMs !== null)
}

/** The soonest instant at which a question is due. */
export function witnessDue(s: State): number {
  if (!hasPeer(s) || s.stopping) return Infinity
  const { segment, lastStepMs } = s
  const { keepaliveMs, deadtimeMs } = timing(s)
  let soonest = Infinity
  const due = (ms: number): void => {
    if (ms > lastStepMs && ms < soonest) soonest = ms
  }
  if (s.side && s.kernel.addresses) {
    due(segment.nextRouteMs)
    due(segment.nextRoundMs)
  }
  if (!segment.asking) due(Math.max(firstAskMs(s), segment.notBeforeMs))
  else if (asks(s)) {
    due(segment.asking.nextMs)
    due(segment.asking.sinceMs + Math.min(wireDelayMs, deadtimeMs - wireTiming(s).firstMs))
  }
  if (segment.asking) {
    due(heldUpUntil(segment.ears, earRestMs(s)))
    due(segment.asking.sinceMs + heldUpLimitMs)
  }
  if (s.role === 'active' && segment.asking) due(silentSince(s) + deadtimeMs + wireDelayMs)
  if (segment.peerAnsweredMs !== null) due(segment.peerAnsweredMs + keepaliveMs + wireDelayMs)
  return soonest
}
