/**
 * The centre of a director: `step(state, input, now)` answers every input with the next state and the effects to carry out, and
 * `wakeAt(state)` says when it wants to be woken. Whatever the input was, every step ends with the same questions: who serves, is a
 * beat due, is a check due, is the kernel as it should be.
 */
import {
  answered,
  awake,
  beatOf,
  decide,
  heardPeer,
  holds,
  memoryOf,
  order,
  roleDue,
  saysHolds,
  stopLimitMs,
  tookOver,
} from './failover.ts'
import { probed, recheck, runDue, withConfig, type Turn } from './health.ts'
import { fallSilent, hear, pathsOf, refuse, withPaths, withTrouble } from './heartbeat.ts'
import { kernelDue, lookAround, reconcile, seen, trouble } from './kernel.ts'
import { byAddress, floating, hasPeer, timing, type State, type Work } from './state.ts'
import type { Effect, Input, Now, Side } from './words.ts'

/** The worst lateness is kept per ten seconds, for a minute. */
const latenessBucketMs = 10_000
const latenessBuckets = 6

/** The next state and what is to be done, in this order. */
export function step(state: State, input: Input, now: Now): readonly [State, readonly Effect[]] {
  const w: Work = { s: { ...state }, out: [], now, beatNow: false }
  noteLateness(w)
  take(w, input)
  if (w.s.stopping?.exited) return [w.s, w.out]
  knowSide(w)
  listenToSilence(w)
  decide(w)
  if (w.s.side) check(w)
  lookAround(w)
  reconcile(w)
  announceDue(w)
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
    state.takeover ? Infinity : Math.max(state.announceAtMs[0] ?? Infinity, state.unsureUntilMs),
  )
}

function noteLateness(w: Work): void {
  const { s, now } = w
  const lateMs = Math.max(0, Math.round(now.ms - wakeAt(s)))
  const bucket = Math.floor(now.ms / latenessBucketMs)
  const last = s.lateness.at(-1)
  if (last?.bucket !== bucket)
    s.lateness = [...s.lateness.filter((l) => l.bucket > bucket - latenessBuckets), { bucket, worstMs: lateMs }]
  else if (lateMs > last.worstMs) s.lateness = [...s.lateness.slice(0, -1), { bucket, worstMs: lateMs }]
  if (now.ms > s.lastStepMs) awake(w, now.ms - s.lastStepMs)
}

function take(w: Work, input: Input): void {
  const { s, now } = w
  switch (input.kind) {
    case 'configured':
      configure(w, input)
      reloaded(w, undefined)
      return
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
      const heard = hear(s.hearing, input.path, input.beat, { side: s.side, boot: s.self.boot, seq: s.seq }, now)
      const newBoot = heard.hearing.peerBoot !== s.hearing.peerBoot
      s.hearing = heard.hearing
      if (!heard.counted) return
      if (path?.silent) w.out.push({ kind: 'journal', event: { kind: 'path', path: input.path, to: 'heard' } })
      if (newBoot) {
        w.out.push({ kind: 'remember', memory: memoryOf(s) })
        w.beatNow = true
      }
      if (before?.role !== input.beat.role) w.out.push({ kind: 'report' })
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
      s.health = result.health
      if (result.turn) journalTurn(w, result.turn)
      return
    }
    case 'observed':
    case 'unobserved':
    case 'applied':
    case 'addressed':
      seen(w, input)
      return
    case 'counted':
      s.kernel = { ...s.kernel, counters: input.counters }
      return
    case 'answered':
      answered(w, input.address, input.mac)
      return
    case 'announced':
      if (input.failures.length > 0) trouble(w, `announcement: ${input.failures.join('; ')}`)
      tookOver(w, input.failures.length === 0)
      return
    case 'ordered':
      if (input.order.kind === 'reload') {
        w.out.push(
          { kind: 'journal', event: { kind: 'order', order: 'reload', by: input.order.by } },
          { kind: 'reread' },
        )
        s.reloads = [...s.reloads, input.ticket]
      } else order(w, input.order.kind, input.order.by, input.ticket)
      return
    case 'watched':
      if (input.watchers > 0 && s.watchers === 0) s.kernel = { ...s.kernel, nextCountMs: now.ms }
      s.watchers = input.watchers
      return
    case 'woke':
      return
  }
}

function configure(w: Work, input: Extract<Input, { kind: 'configured' }>): void {
  const { s, now } = w
  const { config } = input
  const before = s.config
  s.config = config
  s.digest = input.digest
  s.hasKey = input.hasKey
  s.configProblems = []
  s.kernel = {
    ...s.kernel,
    addressSettled: null,
    applyTries: 0,
    addressTries: 0,
    applyHoldMs: now.ms,
    addressHoldMs: now.ms,
  }
  const side = sideOf(w)
  if (side !== s.side || before === null) s.side = side
  s.health = withConfig(s.health, config, now)
  const owned = new Set([...s.kernel.owned, ...s.health.services.map((v) => v.key)])
  s.kernel = { ...s.kernel, owned }
  w.out.push({ kind: 'remember', memory: memoryOf(s) }, { kind: 'reserve', addresses: floating(config) })
  const { tcpS, tcpFinS, udpS } = config.timeouts
  if (tcpS + tcpFinS + udpS > 0) w.out.push({ kind: 'apply', commands: [], timeouts: config.timeouts })
  if (s.side) w.out.push({ kind: 'listen', port: config.heartbeat.port, paths: listenPaths(s, s.side) })
  if (s.side) s.hearing = withPaths(s.hearing, listenPaths(s, s.side))
  w.beatNow = true
  w.out.push(
    { kind: 'journal', event: { kind: 'config', generation: config.serialNo, digest: input.digest } },
    { kind: 'report' },
  )
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
    if (s.hearing.paths.every((p) => p.silent)) s.bothServe = null
  }
}

function journalTurn(w: Work, turn: Turn): void {
  w.out.push({ kind: 'journal', event: { kind: 'health', ...turn } }, { kind: 'report' })
}

function check(w: Work): void {
  const { s, now } = w
  const due = runDue(s.health, now)
  s.health = due.health
  for (const turn of due.turns) journalTurn(w, turn)
  for (const probe of due.probes) w.out.push({ kind: 'probe', probe })
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
  const rest = s.announceAtMs.filter((ms) => ms > now.ms)
  const { refreshMs, burst } = s.config.announce
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
  const probe = beatOf(s)
  if (!probe) return
  s.seq += 1
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
  s.stopping = { ...s.stopping, exited: true }
  w.out.push({ kind: 'journal', event: { kind: 'stopped', reason: s.stopping.by } }, { kind: 'exit' })
}
