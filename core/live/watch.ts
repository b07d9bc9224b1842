/**
 * The live watch of one cluster: a conversation with the agent of each director, kept up for as long as somebody looks. What the
 * agents say is laid side by side, judged by status.ts, and passed on; a director that falls silent is noticed within about three
 * seconds and tried again without end, at a bounded rate, without touching anything on it.
 *
 *     connecting ──hello, journal, watch──► connected ──silence, gap, end──► lost ──after a pause──► connecting …
 */
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import type { JournalEntry, Order, Report, ServiceReport } from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, ProblemCode, Result } from '../../domain/problem.ts'
import { withChanged } from '../../domain/status.ts'
import type { ClusterStatus, DirectorChange, DirectorStatus, StatusChange, Verdict } from '../../domain/status.ts'
import type { AgentDoor, AgentLine } from './agent-line.ts'
import type { Journal } from './journal.ts'
import { clusterStatus } from './status.ts'

/** An agent that says nothing is asked after this long, and given up after `silentMs`. */
const askAfterMs = 1_000
const silentMs = 3_000
const lookEveryMs = 250
/** One change tells at most so many real servers (about 250 kB), the next one follows after a breath: see DirectorChange. */
const serversPerChange = 600
const breathMs = 50
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
  readonly door: AgentDoor
  readonly journal: Journal
  readonly onChange: (change: StatusChange) => void
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
  /** To any director that is heard, the active one first: for what the directors tell each other themselves. */
  orderAny(order: Order): Promise<Result<{ readonly told: string }>>
  stop(): void
}

/** One director as the watch sees it; `wake` ends a pause. */
interface Seat {
  readonly host: DirectorDraft
  status: DirectorStatus
  line?: AgentLine
  wake: () => void
  /** Virtual servers that differ from what was told last, oldest change first, and those that are gone. */
  readonly untold: Set<string>
  readonly gone: Set<string>
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
  let breath: NodeJS.Timeout | undefined
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
    untold: new Set(),
    gone: new Set(),
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

  /** Takes from what is untold as much as one change may carry. */
  function untoldOf(seat: Seat, room: { servers: number }): DirectorChange {
    const { services, ...rest } = seat.status
    const changed: ServiceReport[] = []
    if (seat.untold.size > 0 && room.servers > 0) {
      const byId = new Map(services.map((service) => [service.id, service] as const))
      for (const id of seat.untold) {
        if (room.servers <= 0) break
        seat.untold.delete(id)
        const service = byId.get(id)
        if (!service) continue
        changed.push(service)
        room.servers -= Math.max(1, service.realServers.length)
      }
    }
    const gone = [...seat.gone]
    seat.gone.clear()
    return { ...rest, changed, gone }
  }

  function look(): void {
    const status = current()
    const verdict = JSON.stringify(status.verdict)
    if (!dirty && verdict === lastSent) return
    dirty = false
    lastSent = verdict
    const room = { servers: serversPerChange }
    ports.onChange({ ...status, directors: seats.map((seat) => untoldOf(seat, room)) })
    if (seats.every(({ untold }) => untold.size === 0)) return
    dirty = true
    breath ??= setTimeout(() => {
      breath = undefined
      if (!stopped) look()
    }, breathMs)
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
    const services = withChanged(seat.status.services, report.services ?? [], report.gone ?? [])
    for (const id of report.gone ?? []) {
      seat.untold.delete(id)
      seat.gone.add(id)
    }
    for (const { id } of report.services ?? []) {
      seat.untold.add(id)
      seat.gone.delete(id)
    }
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
    const opened = await ports.door.open(seat.host)
    if (!opened.ok) return firstOf(opened.problems)
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
    const there = new Set(snapshot.value.services.map(({ id }) => id))
    for (const { id } of seat.status.services) if (!there.has(id)) seat.gone.add(id)
    seat.untold.clear()
    for (const id of there) {
      seat.untold.add(id)
      seat.gone.delete(id)
    }
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
    ports.door.giveUp(seat.host)
    const seconds = Math.round(silentMs / 1000)
    return problem('agent-silent', { host: seat.host.address, seconds }, { kind: 'host', host: seat.host.id })
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
    async orderAny(order) {
      const heard = seats.filter(({ line }) => line !== undefined)
      const seat = heard.find(({ status }) => status.report?.role === 'active') ?? heard[0]
      if (!seat?.line) return failed(...seats.map(({ status }) => notHeard(status)))
      const done = await seat.line.order(order)
      return done.ok ? ok({ told: seat.status.name }) : done
    },
    stop() {
      stopped = true
      clearInterval(ticking)
      clearTimeout(breath)
      for (const told of firstTries.splice(0)) told()
      for (const seat of seats) {
        seat.line?.close()
        seat.wake()
      }
    },
  }
}

function notHeard({ address, hostId, problem: why }: DirectorStatus): Problem {
  return why ?? problem('agent-absent', { host: address, reason: 'not connected' }, { kind: 'host', host: hostId })
}

function firstOf(problems: readonly Problem[]): Problem {
  return problems[0] ?? problem('agent-absent', { host: '', reason: 'unknown' })
}
