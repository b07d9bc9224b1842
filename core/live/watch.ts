/**
 * The live watch of one cluster: a conversation with the agent of each director, kept up for as long as somebody looks. What the
 * agents say is laid side by side, judged by status.ts, and passed on; a director that falls silent is noticed within about three
 * seconds and tried again without end, at a bounded rate, without touching anything on it.
 *
 *     connecting ──hello, journal, watch──► connected ──silence, gap, end──► lost ──after a pause──► connecting …
 */
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import type { JournalEntry, Order, Report, ServiceReport } from '../../domain/contract/agent.ts'
import { failed, problem } from '../../domain/problem.ts'
import type { Problem, ProblemCode, Result } from '../../domain/problem.ts'
import type { ClusterStatus, DirectorStatus, Verdict } from '../../domain/status.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { openAgentLine } from './agent-line.ts'
import type { AgentLine } from './agent-line.ts'
import type { Journal } from './journal.ts'
import { clusterStatus } from './status.ts'

/** An agent that says nothing is asked after this long, and given up after `silentMs`. */
const askAfterMs = 1_000
const silentMs = 3_000
const lookEveryMs = 250
const firstPauseMs = 300
const longestPauseMs = 2_000
/** A login that was refused is not tried again soon: it may lock the account. A new secret or accepted key cuts the pause short. */
const refusedPauseMs = 30_000
/** The journal is asked for again from this long before the newest known line; doubles are dropped. */
const journalOverlapMs = 60_000
const journalLimit = 5_000

const refusals: readonly ProblemCode[] = [
  'login-refused',
  'password-needed',
  'passphrase-needed',
  'passphrase-wrong',
  'key-unreadable',
  'ssh-agent-absent',
  'host-key-unknown',
  'host-key-changed',
  'agent-forbidden',
  'agent-other-protocol',
]

export interface WatchPorts {
  readonly hosts: Hosts
  readonly journal: Journal
  readonly onStatus: (status: ClusterStatus) => void
  readonly onJournal: (entries: readonly JournalEntry[]) => void
  /** Wall clock in ms. */
  readonly now: () => number
}

export interface Watch {
  status(): ClusterStatus
  /** Tries lost directors again at once (a secret was given, a key accepted). */
  retry(): void
  /** Resolves when each director has been reached or has failed once, or after `limitMs`. */
  heardOrFailed(limitMs: number): Promise<void>
  /** To the director that is active now. */
  order(order: Order): Promise<Result<null>>
  stop(): void
}

/** One director as the watch sees it; `wake` ends a pause. */
interface Seat {
  readonly host: DirectorDraft
  status: DirectorStatus
  line?: AgentLine
  wake: () => void
  /** Whether it has been reached or has failed since the watch began. */
  tried: boolean
}

/** Starts watching; ends with `stop`. */
export function startWatch(
  clusterId: string,
  draft: ClusterDraft,
  keepaliveMs: number,
  virtualIps: readonly string[],
  ports: WatchPorts,
): Watch {
  let stopped = false
  let before: Verdict | undefined
  let lastSent = ''
  let dirty = true
  const firstTries: (() => void)[] = []

  const seats: readonly Seat[] = draft.directors.map((host) => ({
    host,
    status: {
      hostId: host.id,
      name: host.name.trim(),
      address: host.address.trim(),
      contact: 'connecting',
      contactSinceMs: ports.now(),
      services: [],
    },
    wake: () => undefined,
    tried: false,
  }))

  function current(): ClusterStatus {
    const status = clusterStatus({
      clusterId,
      virtualIps,
      keepaliveMs,
      directors: seats.map((seat) => seat.status),
      nowMs: ports.now(),
      ...(before ? { before } : {}),
    })
    before = status.verdict
    return status
  }

  function look(): void {
    const status = current()
    const verdict = JSON.stringify(status.verdict)
    if (!dirty && verdict === lastSent) return
    dirty = false
    lastSent = verdict
    ports.onStatus(status)
  }

  function change(seat: Seat, changes: Partial<DirectorStatus>): void {
    seat.status = { ...seat.status, ...changes }
    dirty = true
  }

  function contact(seat: Seat, state: DirectorStatus['contact'], reason?: Problem): void {
    const { problem: _former, ...rest } = seat.status
    const sinceMs = seat.status.contact === state ? seat.status.contactSinceMs : ports.now()
    seat.status = { ...rest, contact: state, contactSinceMs: sinceMs, ...(reason ? { problem: reason } : {}) }
    dirty = true
    if (state !== 'connecting' && !seat.tried) {
      seat.tried = true
      for (const told of firstTries.splice(0)) told()
    }
    look()
  }

  function merge(seat: Seat, report: Report): void {
    const receivedAtMs = ports.now()
    const changed = new Map((report.services ?? []).map((service) => [service.id, service] as const))
    const gone = new Set(report.gone ?? [])
    const services: ServiceReport[] = seat.status.services
      .filter((service) => !gone.has(service.id))
      .map((service) => {
        const fresh = changed.get(service.id)
        changed.delete(service.id)
        return fresh ?? service
      })
    services.push(...changed.values())
    change(seat, {
      receivedAtMs,
      clockOffsetMs: report.atMs - receivedAtMs,
      services,
      ...(report.director ? { report: report.director } : {}),
    })
    if (report.journal) void keep(report.journal)
  }

  async function keep(entries: readonly JournalEntry[]): Promise<void> {
    const fresh = await ports.journal.add(entries)
    if (fresh.length > 0 && !stopped) ports.onJournal(fresh)
  }

  /** One conversation from connecting to its end; answers why it ended. */
  async function converse(seat: Seat): Promise<Problem> {
    const session = await ports.hosts.session(seat.host)
    if (!session.ok) return firstOf(session.problems)
    const opened = await openAgentLine(session.value)
    if (!opened.ok) {
      // A session over a connection whose other end is gone answers nothing; the next try makes its own.
      if (opened.problems.some(({ code }) => code === 'command-timeout' || code === 'agent-silent')) dropIdle(seat)
      return firstOf(opened.problems)
    }
    const { line, hello } = opened.value
    if (stopped) {
      line.close()
      return problem('agent-absent', { host: seat.host.address, reason: 'closed here' })
    }
    const lastMs = ports.journal.lastOf(hello.director)
    const history = await line.journal(lastMs === undefined ? undefined : lastMs - journalOverlapMs, journalLimit)
    if (history.ok) void keep(history.value)

    let nextSeq: number | undefined
    const early: Report[] = []
    const hear = (report: Report): void => {
      if (nextSeq === undefined) {
        early.push(report)
        return
      }
      if (report.seq < nextSeq) return
      if (report.seq > nextSeq) {
        line.close()
        return
      }
      nextSeq++
      merge(seat, report)
    }
    line.onReport = hear
    const snapshot = await line.watch()
    if (!snapshot.ok) {
      line.close()
      return firstOf(snapshot.problems)
    }
    const receivedAtMs = ports.now()
    nextSeq = snapshot.value.seq + 1
    change(seat, {
      receivedAtMs,
      clockOffsetMs: snapshot.value.atMs - receivedAtMs,
      report: snapshot.value.director,
      services: snapshot.value.services,
    })
    early.splice(0).forEach(hear)
    seat.line = line
    contact(seat, 'connected')

    let asking = false
    let silent = false
    const pulse = setInterval(() => {
      const quietMs = performance.now() - line.heardAtMs()
      if (quietMs > silentMs) {
        silent = true
        line.close()
      } else if (quietMs > askAfterMs && !asking) {
        asking = true
        void line.hello().finally(() => {
          asking = false
        })
      }
    }, lookEveryMs)
    const reason = await line.ended
    clearInterval(pulse)
    delete seat.line
    if (!silent) return reason
    dropIdle(seat)
    const seconds = Math.round(silentMs / 1000)
    return problem('agent-silent', { host: seat.host.address, seconds }, { kind: 'host', host: seat.host.id })
  }

  function dropIdle(seat: Seat): void {
    ports.hosts.dropUnlessWorking(seat.host)
  }

  function pause(seat: Seat, pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs)
      seat.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function keepTalking(seat: Seat): Promise<void> {
    let pauseMs = firstPauseMs
    while (!stopped) {
      const startedAt = performance.now()
      const reason = await converse(seat)
      if (stopped) return
      contact(seat, 'lost', reason)
      // A conversation that lasted starts the pauses anew.
      if (performance.now() - startedAt > longestPauseMs * 5) pauseMs = firstPauseMs
      await pause(seat, refusals.includes(reason.code) ? refusedPauseMs : pauseMs)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  const ticking = setInterval(look, lookEveryMs)
  for (const seat of seats) void keepTalking(seat)

  return {
    status: current,
    retry() {
      for (const seat of seats) seat.wake()
    },
    async heardOrFailed(limitMs) {
      const deadline = performance.now() + limitMs
      while (!stopped && seats.some((seat) => !seat.tried) && performance.now() < deadline) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
          firstTries.push(() => {
            clearTimeout(timer)
            resolve()
          })
        })
      }
    },
    async order(order) {
      const seat = seats.find(({ status, line }) => line !== undefined && status.report?.role === 'active')
      if (!seat?.line) return failed(problem('no-active-director'))
      return seat.line.order(order)
    },
    stop() {
      stopped = true
      clearInterval(ticking)
      for (const told of firstTries.splice(0)) told()
      for (const seat of seats) {
        seat.line?.close()
        seat.wake()
      }
    },
  }
}

function firstOf(problems: readonly Problem[]): Problem {
  return problems[0] ?? problem('agent-absent', { host: '', reason: 'unknown' })
}
