// The arithmetic of outages: from the start of the last request that succeeded to the start of the first that succeeds again,
// with the three cases a figure must not hide (not served before, not served again, an outage older than the fault).

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describe as tell, reportOn } from './outages.ts'
import type { Sample } from './outages.ts'

/** One request every 20 ms: a letter is the real server that answered within 2 ms, a dot one that timed out. */
function samples(picture: string, everyMs = 20): Sample[] {
  return [...picture].map((mark, index) => {
    const startMs = index * everyMs
    return mark === '.'
      ? { startMs, endMs: startMs + 1_000, error: 'timeout' }
      : { startMs, endMs: startMs + 2, by: mark }
  })
}

test('counts who served', () => {
  const report = reportOn(samples('ababa'))
  expect(report).toMatchObject({ sent: 5, served: 5, failed: 0, servedBy: { a: 3, b: 2 }, outages: [] })
  expect(report).toMatchObject({ servedAtEnd: true, longestOutageMs: 0, latencyMs: { median: 2, worst: 2 } })
})

test('an outage lasts from the last start that succeeded to the first that succeeds again', () => {
  const { outages } = reportOn(samples('ab...ab'))
  expect(outages).toEqual([
    { fromMs: 20, toMs: 100, durationMs: 80, servedBefore: true, failed: 3, errors: { timeout: 3 } },
  ])
})

test('two windows stay two, and the longer one is the longest', () => {
  const report = reportOn(samples('a.b....a'))
  expect(report.outages.map((outage) => outage.durationMs)).toEqual([40, 100])
  expect(report.longestOutageMs).toBe(100)
})

test('what never ended has no length and says so', () => {
  const report = reportOn(samples('ab...'))
  expect(report.outages).toEqual([{ fromMs: 20, servedBefore: true, failed: 3, errors: { timeout: 3 } }])
  expect(report.servedAtEnd).toBe(false)
  expect(tell(report, 0).join('\n')).toContain('not served again')
})

test('what began before the first request says so', () => {
  const report = reportOn(samples('..ab'))
  expect(report.outages[0]).toMatchObject({ fromMs: 0, toMs: 40, durationMs: 40, servedBefore: false })
  expect(tell(report, 0).join('\n')).toContain('not served before')
})

test('requests are taken in the order of their start, not of their end', () => {
  const shuffled = samples('ab..ab').toSorted((a, b) => a.endMs - b.endMs)
  expect(reportOn(shuffled).outages).toMatchObject([{ fromMs: 20, toMs: 80 }])
})

test('nothing asked, nothing claimed', () => {
  const report = reportOn([])
  expect(report).toMatchObject({ sent: 0, servedAtEnd: false, outages: [] })
  expect(tell(report, 0)).toContain('no request was made')
})

test('a probe that slept through something shows its longest pause', () => {
  const gap = [...samples('ab'), { startMs: 520, endMs: 522, by: 'a' }]
  expect(reportOn(gap).longestPauseMs).toBe(500)
})

describe('a fault', () => {
  test('that was ordered while requests were served owns the outage that follows', () => {
    const report = reportOn(samples('abab....ab'), 70)
    expect(report.fault).toMatchObject({ atMs: 70, servedBefore: true, outage: { fromMs: 60, durationMs: 100 } })
    expect(tell(report, 0)).toContain('fault at 0.07 s: outage 100 ms')
  })

  test('that was ordered during an outage is told apart from its cause', () => {
    const report = reportOn(samples(`ab${'.'.repeat(100)}ab`), 1_500)
    expect(report.fault?.servedBefore).toBe(false)
    expect(tell(report, 0)).toContain('not served before the fault')
  })

  test('right after the last success that failed on its account counts as served before', () => {
    // The requests of the last 200 ms were under way when it struck.
    expect(reportOn(samples(`ab${'.'.repeat(30)}ab`), 200).fault?.servedBefore).toBe(true)
  })

  test('is not credited with an outage that was over', () => {
    expect(reportOn(samples('a...babababab'), 200).fault).toEqual({ atMs: 200, servedBefore: true })
  })

  test('with two outages after it owns the longer one, and an endless one is the longest', () => {
    expect(reportOn(samples('ab.ab...ab'), 10).fault?.outage?.durationMs).toBe(80)
    expect(reportOn(samples('ab.ab...ab.'), 10).fault?.outage?.durationMs).toBeUndefined()
  })
})

test('law: every failure lies in exactly one outage, and outages neither touch nor overlap a success', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 60 }), (picture) => {
      const seen = samples(picture)
      const report = reportOn(seen)
      expect(report.served + report.failed).toBe(report.sent)
      expect(report.outages.reduce((sum, outage) => sum + outage.failed, 0)).toBe(report.failed)
      for (const { fromMs, toMs = Infinity, servedBefore } of report.outages) {
        const inside = seen.filter((sample) => sample.startMs > fromMs && sample.startMs < toMs)
        expect(inside.every((sample) => sample.by === undefined)).toBe(true)
        expect(seen.find((sample) => sample.startMs === fromMs)?.by !== undefined).toBe(servedBefore)
      }
    }),
  )
})
