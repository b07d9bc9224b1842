/** How a drill on hosts goes on, told by what a watch says: the app hears only one director while the other one is cut off or away. */
import { expect, it } from 'vitest'
import { startDrill } from '../../core/live/drill.ts'
import type { DrillPorts } from '../../core/live/drill.ts'
import type { Watch } from '../../core/live/watch.ts'
import type { Drill } from '../../domain/acting.ts'
import type { JournalEntry } from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { DirectorStatus, Verdict } from '../../domain/status.ts'

const startedAtMs = 1_000_000

/** A cluster whose verdict and journal the test sets; lvs1 serves, lvs2 stands by. */
function cluster() {
  const now: { verdict: Verdict; journal: readonly JournalEntry[]; told: Drill[] } = {
    verdict: { kind: 'served', by: 'lvs1', sinceMs: 0, virtualServers: 1, standby: 'ready', problems: 0 },
    journal: [],
    told: [],
  }
  const director = (name: string, role: 'active' | 'standby') =>
    ({ hostId: name, name, contact: 'connected', services: [], report: { role } }) as unknown as DirectorStatus
  const watch = {
    status: () => ({ verdict: now.verdict, directors: [director('lvs1', 'active'), director('lvs2', 'standby')] }),
  } as unknown as Watch
  const served = (by: string, standby: 'ready' | 'unknown'): void => {
    now.verdict = { kind: 'served', by, sinceMs: 0, virtualServers: 1, standby, problems: 0 }
  }
  const record = (to: string, outageMs: number, atMs = startedAtMs + 900): void => {
    const about = { cause: 'peer-silent', decidedBy: to, to, term: 2, decidedAtMs: atMs, outageMs } as const
    now.journal = [
      ...now.journal,
      { director: to, boot: '1', seq: now.journal.length + 1, atMs, event: { kind: 'failover', record: about } },
    ]
  }
  const start = (kind: Drill['kind'], more: Partial<DrillPorts> = {}) =>
    startDrill(kind, {
      clusterId: 'c',
      watch,
      journal: () => now.journal,
      deadtimeMs: 700,
      now: () => startedAtMs,
      fail: async () => ok(null),
      changed: (drill) => now.told.push(drill),
      ...more,
    })
  const last = (): Drill | undefined => now.told.at(-1)
  return { now, served, record, start, last }
}

it('a cut: measured by the record of who takes over, over when the one that was cut off stands by again', async () => {
  const { served, record, start, last } = cluster()
  expect(start('cut').ok).toBe(true)
  // A takeover of an hour ago is not this one.
  record('lvs2', 5_000, startedAtMs - 3_600_000)
  served('lvs2', 'unknown')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(last()).toMatchObject({ state: 'failing', from: 'lvs1', to: 'lvs2', promisedMs: 1_000 })
  record('lvs2', 812)
  await expect
    .poll(last, { timeout: 3_000 })
    .toMatchObject({ state: 'recovering', measuredMs: 812, measuredBy: 'record' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(last()?.endedAtMs).toBeUndefined()
  served('lvs2', 'ready')
  await expect.poll(last, { timeout: 3_000 }).toMatchObject({ state: 'over', problems: [] })
})

it('a power cycle after which the machine does not come back ends as failed, with how long it was waited for', async () => {
  const { served, record, start, last } = cluster()
  start('reboot', { recoverLimitMs: 500 })
  served('lvs2', 'unknown')
  record('lvs2', 700)
  await expect
    .poll(last, { timeout: 5_000 })
    .toMatchObject({ state: 'failed', measuredMs: 700, problems: [{ code: 'drill-not-recovered' }] })
})

it('a fault that the host refuses ends the drill with what it said', async () => {
  const { start, last } = cluster()
  start('cut', { fail: async () => failed(problem('drill-no-means', { host: 'lvs1', reason: 'tc: not found' })) })
  await expect.poll(last).toMatchObject({ state: 'failed', problems: [{ code: 'drill-no-means' }] })
})

it.each([
  ['nobody stands by', 'lvs1', 'unknown'],
  ['it is not known who serves', undefined, 'ready'],
] as const)('does not begin where %s', (_what, by, standby) => {
  const { now, served, start } = cluster()
  if (by) served(by, standby)
  else now.verdict = { kind: 'unknown', sinceMs: 0 }
  expect(start('cut')).toMatchObject({ ok: false, problems: [{ code: 'drill-not-ready' }] })
  expect(now.told).toEqual([])
})
