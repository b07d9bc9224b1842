/**
 * The centre of a director: `step(state, input, now)` answers every input with the next state and the effects to carry out, and
 * `wakeAt(state)` says when it wants to be woken. Whatever the input was, every step ends with the same questions: who serves, is a
 * beat due, is a check due, is the kernel as it should be.
 */
import type { Config } from '../../domain/config.ts'
import { beatOf } from './beat.ts'
import {
  connectionsDue,
  gave,
  giveConnections,
  heldBackNow,
  holdBack,
  readied,
  stillGiving,
  takeConnections,
} from './connections.ts'
import { decide, heardPeer, roleDue, stopLimitMs } from './failover.ts'
import { holds, saysHolds, seeLinks } from './fitness.ts'
import { order } from './handover.ts'
import { anyUsable, probed, recheck, runDue, withConfig, type Turn } from './health.ts'
import { compareSights, withPage } from './sight.ts'
import { fallSilent, hear, pathsOf, refuse, withPaths, withTrouble } from './heartbeat.ts'
import { kernelDue, lookAround, reconcile, seen, trouble } from './kernel.ts'
import { byAddress, floating, hasPeer, timing, type State, type Work } from './state.ts'
import { bound, heardOverrides, loaded, orderWeight, steer, steeringDue, turned } from './steering.ts'
import { arrange, arranged, surroundingsDue, surveyed, surveySoon } from './surroundings.ts'
import { makeKnown, learn, learntBy, memoryOf, tookOver } from './takeover.ts'
import { answered, awake, checkPassed, echoed, routed } from './witness.ts'
import type { Effect, Input, Now, Side } from './words.ts'

/** The worst lateness is kept per ten seconds, for a minute. */
const latenessBucketMs = 10_000
const latenessBuckets = 6

/** Beats whose sending is remembered for their echo. */
const sentBeats = 32

/** The next state and what is to be done, in this order. */
export function step(state: State, input: Input, now: Now): readonly [State, readonly Effect[]] {
  const w: Work = { s: { ...state }, out: [], now, beatNow: false }
  const lateMs = noteLateness(w)
  take(w, input)
  if (w.s.stopping?.exited) return [w.s, w.out]
  knowSide(w)
  listenToSilence(w)
  decide(w)
  if (w.s.side) check(w, lateMs)
  compareViews(w)
  steer(w)
  lookAround(w)
  reconcile(w)
  arrange(w)
  announceDue(w)
  giveConnections(w)
  takeConnections(w)
  holdBack(w)
  learn(w)
  sayBeat(w)
  leave(w)
  w.s.lastStepMs = now.ms
  return [w.s, w.out]
}

/** When the centre wants to be woken, as a monotonic instant. */
export function wakeAt(state: State): number {
  return Math.min(
    state.nextBeatMs,
    roleDue(state),
    state.side ? state.health.dueMs : Infinity,
    kernelDue(state),
    steeringDue(state),
    surroundingsDue(state),
    connectionsDue(state),
    state.takeover ? Infinity : Math.max(state.announceAtMs[0] ?? Infinity, state.unsureUntilMs),
  )
}

/** How much later than it wanted the director was woken, written down. */
function noteLateness(w: Work): number {
  const { s, now } = w
  const lateMs = Math.max(0, Math.round(now.ms - wakeAt(s)))
  const bucket = Math.floor(now.ms / latenessBucketMs)
  const last = s.lateness.at(-1)
  if (last?.bucket !== bucket)
    s.lateness = [...s.lateness.filter((l) => l.bucket > bucket - latenessBuckets), { bucket, worstMs: lateMs }]
  else if (lateMs > last.worstMs) s.lateness = [...s.lateness.slice(0, -1), { bucket, worstMs: lateMs }]
  if (now.ms > s.lastStepMs) awake(w, now.ms - s.lastStepMs)
  return lateMs
}

function take(w: Work, input: Input): void {
  const { s, now } = w
  switch (input.kind) {
    case 'configured': {
      const missing = input.missing ?? []
      const says = missing.map(schedulerMissing)
      // What runs is not replaced by something this kernel cannot do; at a start the rest is served.
      if (missing.length > 0 && s.config) {
        take(w, { kind: 'misconfigured', says, hasKey: input.hasKey })
        return
      }
      for (const one of says) trouble(w, one)
      configure(w, input)
      reloaded(w, undefined)
      return
    }
    case 'misconfigured':
      s.hasKey = input.hasKey
      s.configProblems = input.says
      trouble(w, `lvs.cf: ${input.says.join('; ')}${s.config ? '; the config that runs is kept' : ''}`)
      w.out.push({ kind: 'report' })
      reloaded(w, input.says.join('; '))
      return
    case 'heard': {
      if (!s.side) return
      const before = s.hearing.peer
      const wasSilent = s.hearing.paths.every((p) => p.silent)
      const path = s.hearing.paths.find((p) => p.name === input.path)
      const own = { side: s.side, boot: s.self.boot, seq: s.seq, sent: s.sent }
      const heard = hear(s.hearing, input.path, input.beat, own, now)
      const newBoot = heard.hearing.peerBoot !== s.hearing.peerBoot
      s.hearing = heard.hearing
      if (!heard.counted) return
      if (path?.silent) w.out.push({ kind: 'journal', event: { kind: 'path', path: input.path, to: 'heard' } })
      if (newBoot) {
        w.out.push({ kind: 'remember', memory: memoryOf(s) })
        w.beatNow = true
      }
      // It is told at once that it is heard again: neither yields to a peer that is deaf.
      if (wasSilent) w.beatNow = true
      if (before?.role !== input.beat.role) w.out.push({ kind: 'report' })
      heardOverrides(w, input.beat)
      s.sight = withPage(s.sight, input.beat, input.beat.digest === s.digest, now)
      if (s.hearing.peer === input.beat) heardPeer(w, input.beat, before, wasSilent)
      if (wasSilent) s.health = recheck(s.health, now)
      return
    }
    case 'refused':
      s.hearing = refuse(s.hearing, input.path, input.why)
      return
    case 'listened':
      s.hearing = withTrouble(s.hearing, input.path, input.says ?? null)
      if (input.says) trouble(w, `heartbeat path ${input.path}: ${input.says}`)
      return
    case 'probed': {
      const result = probed(s.health, input, now)
      // The first that is reached again: what was announced while nothing was reached may not have been heard either.
      if (result.turn?.to === 'up' && s.role === 'active' && !anyUsable(s.health)) makeKnown(w)
      s.health = result.health
      if (input.passed) checkPassed(w, input.server)
      if (result.turn) journalTurn(w, result.turn)
      if (result.warning) {
        const { service, server, says } = result.warning
        trouble(w, `${server} of ${service}: ${says}`)
      }
      return
    }
    case 'observed':
      // What was announced into a dead link nobody has heard, and a switch forgets what it learnt on a port that was down.
      if (input.what === 'addresses' && seeLinks(w, input.addresses) && w.s.role === 'active') makeKnown(w)
      seen(w, input)
      return
    case 'unobserved':
    case 'applied':
    case 'addressed':
      seen(w, input)
      return
    case 'surveyed':
      surveyed(w, input.found)
      return
    case 'arranged':
      arranged(w, input.failures)
      return
    case 'loaded':
      loaded(w, input.loads)
      return
    case 'bound':
      bound(w, input.look, input.counts)
      return
    case 'counted':
      s.kernel = { ...s.kernel, counters: input.counters }
      return
    case 'answered':
      answered(w, input)
      if (input.to !== undefined) learntBy(w, input.to, input.address)
      return
    case 'echoed':
      echoed(w, input.sentMs)
      return
    case 'routed':
      routed(w, input.routes)
      return
    case 'stirred':
      s.kernel = { ...s.kernel, nextAddressMs: now.ms }
      return
    case 'announced':
      if (input.failures.length > 0) trouble(w, `announcement: ${input.failures.join('; ')}`)
      tookOver(w, input.failures.length === 0)
      return
    case 'gave':
      gave(w, input)
      return
    case 'readied':
      readied(w, input.failed)
      return
    case 'held':
      heldBackNow(w, input.failures)
      return
    case 'ordered':
      if (input.order.kind === 'reload') {
        w.out.push(
          { kind: 'journal', event: { kind: 'order', order: 'reload', by: input.order.by } },
          { kind: 'reread' },
        )
        s.reloads = [...s.reloads, input.ticket]
      } else if (input.order.kind === 'hand-over' || input.order.kind === 'stop')
        order(w, input.order.kind, input.order.by, input.ticket)
      else orderWeight(w, input.order, input.ticket)
      return
    case 'watched':
      if (input.watchers > 0 && s.watchers === 0) s.kernel = { ...s.kernel, nextCountMs: now.ms }
      s.watchers = input.watchers
      return
    case 'woke':
      return
  }
}

/** A scheduler that no module of this kernel has. */
function schedulerMissing(name: string): string {
  return `The scheduler ${name} is not in this kernel (no module ip_vs_${name}).`
}

function configure(w: Work, input: Extract<Input, { kind: 'configured' }>): void {
  const { s, now } = w
  const { config } = input
  const before = s.config
  s.config = config
  s.digest = input.digest
  s.hasKey = input.hasKey
  s.configProblems = []
  s.missingSchedulers = input.missing ?? []
  s.kernel = {
    ...s.kernel,
    addressSettled: null,
    applyTries: 0,
    addressTries: 0,
    applyHoldMs: now.ms,
    orderFromMs: now.ms,
    addressHoldMs: now.ms,
  }
  const side = sideOf(w)
  if (side !== s.side || before === null) s.side = side
  s.health = withConfig(s.health, config, now)
  const owned = new Set([...s.kernel.owned, ...s.health.services.map((v) => v.key)])
  s.kernel = { ...s.kernel, owned }
  w.out.push({ kind: 'remember', memory: memoryOf(s) }, { kind: 'reserve', addresses: floating(config) })
  surveySoon(w)
  const timeouts = timeoutsToSet(config, before)
  if (timeouts) w.out.push({ kind: 'apply', commands: [], timeouts })
  if (s.side) w.out.push({ kind: 'listen', port: config.heartbeat.port, paths: listenPaths(s, s.side) })
  if (s.side) s.hearing = withPaths(s.hearing, listenPaths(s, s.side))
  w.beatNow = true
  w.out.push(
    { kind: 'journal', event: { kind: 'config', generation: config.serialNo, digest: input.digest } },
    { kind: 'report' },
  )
}

/** Values of a freshly loaded ip_vs (ip_vs_proto_tcp.c, ip_vs_proto_udp.c), for a file that no longer says any. */
const kernelTimeouts = { tcpS: 900, tcpFinS: 120, udpS: 300 }

/** What `ipvsadm --set` is to be given; 0 leaves a value. Undefined: nothing is to be set. */
function timeoutsToSet(config: Config, before: Config | null): Config['timeouts'] | undefined {
  const of = (name: keyof Config['timeouts']): number =>
    config.timeouts[name] || ((before?.timeouts[name] ?? 0) > 0 ? kernelTimeouts[name] : 0)
  const timeouts = { tcpS: of('tcpS'), tcpFinS: of('tcpFinS'), udpS: of('udpS') }
  return timeouts.tcpS + timeouts.tcpFinS + timeouts.udpS > 0 ? timeouts : undefined
}

/** A refusal is cut to what fits the contract. */
const refusalLimit = 1_900

function reloaded(w: Work, refused: string | undefined): void {
  for (const ticket of w.s.reloads)
    w.out.push({
      kind: 'answer',
      ticket,
      ...(refused === undefined ? {} : { refused: refused.slice(0, refusalLimit) }),
    })
  w.s.reloads = []
}

const listenPaths = (s: State, side: Side): ReturnType<typeof pathsOf> =>
  s.config && hasPeer(s) ? pathsOf(s.config, side) : []

/** Which director this is: the one whose public (or private) address is on an interface here. */
function sideOf(w: Work): Side | null {
  const { config, kernel } = w.s
  if (!config || !kernel.addresses) return w.s.side
  const here = byAddress(kernel.addresses)
  if (config.primary && here.has(config.primary.public)) return 'primary'
  if (config.backup && here.has(config.backup.public)) return 'backup'
  return null
}

function knowSide(w: Work): void {
  const { s } = w
  if (!s.config || !s.kernel.addresses) return
  const side = sideOf(w)
  // A known side stays known when the address is taken off the interface: that makes the director unfit, not another one.
  if (side === null || side === s.side) return
  s.side = side
  const paths = listenPaths(s, side)
  s.hearing = withPaths(s.hearing, paths)
  s.listeningSinceMs = w.now.ms
  s.nextBeatMs = w.now.ms
  w.out.push({ kind: 'listen', port: s.config.heartbeat.port, paths })
}

function listenToSilence(w: Work): void {
  const { s, now } = w
  if (now.ms < s.unsureUntilMs) return
  const fallen = fallSilent(s.hearing, timing(s).deadtimeMs, now)
  s.hearing = fallen.hearing
  for (const path of fallen.silent) w.out.push({ kind: 'journal', event: { kind: 'path', path, to: 'silent' } })
  if (fallen.silent.length > 0) {
    w.out.push({ kind: 'report' })
    if (s.bothServe && s.hearing.paths.every((p) => p.silent)) {
      s.bothServe = null
      // It fell silent while it served, too: caches on the segment may point at it.
      if (s.role === 'active') makeKnown(w)
    }
  }
}

function journalTurn(w: Work, turn: Turn): void {
  turned(w, turn)
  w.out.push({ kind: 'journal', event: { kind: 'health', ...turn } }, { kind: 'report' })
}

function check(w: Work, lateMs: number): void {
  const { s, now } = w
  const due = runDue(s.health, now, lateMs)
  s.health = due.health
  for (const turn of due.turns) journalTurn(w, turn)
  for (const probe of due.probes) w.out.push({ kind: 'probe', probe })
}

/** What the two directors see of the real servers, side by side. */
function compareViews(w: Work): void {
  const { s, now } = w
  const compared = compareSights(s.sight, s.health, s.hearing.peer?.name ?? 'the peer', now)
  s.sight = compared.sight
  for (const event of compared.events) w.out.push({ kind: 'journal', event }, { kind: 'report' })
}

function announceDue(w: Work): void {
  const { s, now } = w
  if (s.role !== 'active' || !s.config) {
    s.announceAtMs = []
    return
  }
  const first = s.announceAtMs[0]
  // While taking over the first announcement is still to come; while unsure, silence is safer than a claim.
  if (first === undefined || first > now.ms || s.takeover || now.ms < s.unsureUntilMs) return
  const { refreshMs, repeatMs, burst } = s.config.announce
  // Repeats that a pause has swallowed are made up for.
  const stood = now.ms - first >= 2 * timing(s).keepaliveMs && first + refreshMs > now.ms
  const rest = stood ? repeatMs.map((ms) => now.ms + ms) : s.announceAtMs.filter((ms) => ms > now.ms)
  s.announceAtMs = rest.length === 0 && refreshMs > 0 ? [now.ms + refreshMs] : rest
  const addresses = floating(s.config)
  if (addresses.length > 0) w.out.push({ kind: 'announce', addresses, burst })
}

function sayBeat(w: Work): void {
  const { s, now } = w
  const due = now.ms >= s.nextBeatMs
  if (due) s.nextBeatMs = now.ms + timing(s).keepaliveMs
  if (!hasPeer(s)) return
  if (!due && !w.beatNow && saysHolds(s) === s.saidHolds) return
  const probe = beatOf(s, now.ms)
  if (!probe) return
  s.seq += 1
  s.sent = [...s.sent.slice(1 - sentBeats), { seq: s.seq, ms: now.ms }]
  s.saidHolds = probe.holds
  const seek = s.hearing.paths.filter((p) => p.silent).map((p) => p.name)
  w.out.push({ kind: 'beat', beat: { ...probe, seq: s.seq }, seek })
}

/** The end of a stop: once the addresses are seen gone (or after a limit), one last beat and out. */
function leave(w: Work): void {
  const { s, now } = w
  if (!s.stopping || s.role !== 'stopping') return
  const gone = s.kernel.addresses !== null && !holds(s)
  if (!gone && s.config && now.ms - s.stopping.sinceMs < stopLimitMs) return
  if (stillGiving(s, now.ms)) return
  s.stopping = { ...s.stopping, exited: true }
  w.out.push({ kind: 'journal', event: { kind: 'stopped', reason: s.stopping.by } }, { kind: 'exit' })
}
