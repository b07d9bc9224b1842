/**
 * A drill: the active director fails on purpose, and what that costs is measured against what was promised.
 *
 *     ready? ──fault──► failing ──the other one serves──► recovering ──standby ready again──► over
 *
 * It starts only when a ready standby was heard just now. On the simulated cluster the client outside counts; on real hosts the
 * record of the takeover bounds the outage from above.
 */
import { randomUUID } from 'node:crypto'
import { cutLastsMs, promisedOutageMs } from '../../domain/acting.ts'
import type { Drill, DrillKind } from '../../domain/acting.ts'
import type { JournalEntry } from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Outage, SimulatedClient } from '../../domain/simulation.ts'
import type { Watch } from './watch.ts'

const lookEveryMs = 50
/** Nobody serving for this long beyond the deadtime after the fault ends the drill as failed. */
const serveWithinMs = 30_000
/** The standby has to be ready again within this for the drill to end well, where `recoverLimitMs` says nothing else. */
const recoverWithinMs = 180_000
/** A simulated machine stays off for so long. */
const offMs = 4_000
/** The client is listened to this long after the other director serves. */
const settleMs = 600

export interface DrillPorts {
  readonly clusterId: string
  readonly watch: Watch
  readonly journal: () => readonly JournalEntry[]
  readonly deadtimeMs: number
  readonly now: () => number
  /** Makes the fault on the director that is active. */
  readonly fail: () => Promise<Result<null>>
  /** Takes it back, where it does not end by itself. */
  readonly mend?: () => void
  readonly client?: () => SimulatedClient
  readonly recoverLimitMs?: number
  readonly changed: (drill: Drill) => void
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function until(is: () => boolean, limitMs: number): Promise<boolean> {
  const endMs = performance.now() + limitMs
  while (!is()) {
    if (performance.now() > endMs) return false
    await pause(lookEveryMs)
  }
  return true
}

/** The sum of the outages since an instant. */
function outageSince(outages: readonly Outage[], fromMs: number, nowMs: number): number {
  return outages
    .filter(({ toMs }) => (toMs ?? nowMs) > fromMs)
    .reduce((sum, outage) => sum + ((outage.toMs ?? nowMs) - outage.fromMs), 0)
}

/** The active director, while a ready standby was heard just now. */
export function readyDirector(watch: Watch): string | undefined {
  const { verdict } = watch.status()
  return verdict.kind === 'served' && verdict.standby === 'ready' ? verdict.by : undefined
}

/** Starts a drill; resolves as soon as it runs, `changed` tells how it goes on. */
export function startDrill(kind: DrillKind, ports: DrillPorts): Result<Drill> {
  const { watch } = ports
  const from = readyDirector(watch)
  const other = watch.status().directors.find(({ name, report }) => name !== from && report?.role === 'standby')
  if (from === undefined || !other) return failed(problem('drill-not-ready'))
  const before = ports.client?.()
  const serveLimitMs = serveWithinMs + ports.deadtimeMs
  const recoverLimitMs = ports.recoverLimitMs ?? recoverWithinMs
  let drill: Drill = {
    id: randomUUID(),
    clusterId: ports.clusterId,
    kind,
    startedAtMs: ports.now(),
    state: 'failing',
    from,
    to: other.name,
    promisedMs: promisedOutageMs(kind, ports.deadtimeMs),
    problems: [],
  }
  const change = (changes: Partial<Drill>): void => {
    drill = { ...drill, ...changes }
    ports.changed(drill)
  }
  const end = (problems: readonly Problem[]): void =>
    change({ state: problems.length > 0 ? 'failed' : 'over', endedAtMs: ports.now(), problems })

  /** The record of the takeover: the newest one of `to` since the start, by the clock of that director. */
  const recordOf = (): number | undefined => {
    const offsetMs = watch.status().directors.find(({ name }) => name === drill.to)?.clockOffsetMs ?? 0
    const found = ports
      .journal()
      .findLast(
        ({ event, atMs }) =>
          event.kind === 'failover' && event.record.to === drill.to && atMs - offsetMs >= drill.startedAtMs - 1_000,
      )
    return found?.event.kind === 'failover' ? (found.event.record.outageMs ?? 0) : undefined
  }

  async function run(): Promise<void> {
    const made = await ports.fail()
    if (!made.ok) {
      end(made.problems)
      return
    }
    const servedByOther = (): boolean => {
      const now = watch.status().verdict
      return (now.kind === 'served' || now.kind === 'partly-served') && now.by === drill.to
    }
    const served = await until(() => servedByOther() && recordOf() !== undefined, serveLimitMs)
    if (!served) {
      ports.mend?.()
      end([problem('drill-not-taken-over', { to: drill.to, seconds: Math.round(serveLimitMs / 1000) })])
      return
    }
    await pause(settleMs)
    const client = ports.client?.()
    if (client && before) {
      await until(() => ports.client?.().served === true, serveLimitMs)
      const after = ports.client?.() ?? client
      change({
        state: 'recovering',
        measuredMs: outageSince(after.outages, drill.startedAtMs, ports.now()),
        measuredBy: 'client',
        lost: after.failed - before.failed,
      })
    } else change({ state: 'recovering', measuredMs: recordOf() ?? 0, measuredBy: 'record' })
    if (ports.mend) {
      const lastsMs = kind === 'cut' ? cutLastsMs(ports.deadtimeMs) : offMs
      await pause(Math.max(0, lastsMs - (ports.now() - drill.startedAtMs)))
      ports.mend()
    }
    const ready = await until(() => {
      const now = watch.status().verdict
      return now.kind === 'served' && now.standby === 'ready'
    }, recoverLimitMs)
    end(ready ? [] : [problem('drill-not-recovered', { from: drill.from, seconds: recoverLimitMs / 1000 })])
  }

  ports.changed(drill)
  void run()
  return ok(drill)
}
