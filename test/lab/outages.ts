// What a client saw, from its requests alone: who served, and every window in which nobody did. Pure arithmetic over
// samples, so that the figures quoted for a takeover can be checked without a lab.

/** One request. Times are milliseconds on one monotonic clock. */
export type Sample = {
  readonly startMs: number
  /** When the answer was whole, or when it was given up. */
  readonly endMs: number
  /** The real server named in the answer; absent when the request failed. */
  readonly by?: string
  /** Why it failed. */
  readonly error?: string
}

/**
 * A run of failed requests. Its length is what a client could notice: from the start of the last request that succeeded before
 * to the start of the first that succeeded after. Without a success before (`servedBefore` false) it is counted from the first
 * request at all; without one after (`toMs` absent) it has not ended and has no length.
 */
type Outage = {
  readonly fromMs: number
  readonly toMs?: number
  readonly durationMs?: number
  readonly servedBefore: boolean
  readonly failed: number
  /** Reasons of the failures, with their counts. */
  readonly errors: Readonly<Record<string, number>>
}

export type ProbeReport = {
  readonly sent: number
  readonly served: number
  readonly failed: number
  readonly servedBy: Readonly<Record<string, number>>
  readonly outages: readonly Outage[]
  /** The longest of the outages that ended, 0 when there was none. */
  readonly longestOutageMs: number
  /** False when the last word was a failure (or nothing was ever served). */
  readonly servedAtEnd: boolean
  /** Middle and worst time of the requests that succeeded. */
  readonly latencyMs: { readonly median: number; readonly worst: number }
  /** The longest pause between two starts: a probe that did not ask could not see. */
  readonly longestPauseMs: number
  readonly fault?: FaultReport
}

type FaultReport = {
  readonly atMs: number
  /** Whether requests were being served just before the fault; an outage that began earlier is not the fault's. */
  readonly servedBefore: boolean
  /** The longest outage that was open at the fault or began after it; one that did not end is longer than any. */
  readonly outage?: Outage
}

/** A success this shortly before the fault (or within five requests, if they are rarer) counts as "served before". */
const BEFORE_FAULT_MS = 250

/** Adds up samples; `faultMs` is when the fault was ordered, on the samples' clock. */
export function reportOn(samples: readonly Sample[], faultMs?: number): ProbeReport {
  const inOrder = samples.toSorted((a, b) => a.startMs - b.startMs)
  const servedBy: Record<string, number> = {}
  for (const { by } of inOrder) if (by !== undefined) servedBy[by] = (servedBy[by] ?? 0) + 1
  const latencies = inOrder
    .filter((sample) => sample.by !== undefined)
    .map((sample) => sample.endMs - sample.startMs)
    .sort((a, b) => a - b)
  const outages = outagesIn(inOrder)
  const pauses = inOrder.slice(1).map((sample, index) => sample.startMs - (inOrder[index]?.startMs ?? sample.startMs))
  return {
    sent: inOrder.length,
    served: latencies.length,
    failed: inOrder.length - latencies.length,
    servedBy,
    outages,
    longestOutageMs: Math.max(0, ...outages.map((outage) => outage.durationMs ?? 0)),
    servedAtEnd: inOrder.at(-1)?.by !== undefined,
    latencyMs: { median: latencies[Math.floor(latencies.length / 2)] ?? 0, worst: latencies.at(-1) ?? 0 },
    longestPauseMs: Math.max(0, ...pauses),
    ...(faultMs === undefined ? {} : { fault: faultReport(inOrder, outages, pauses, faultMs) }),
  }
}

/** The windows without service among samples that are in order of their start. */
function outagesIn(inOrder: readonly Sample[]): readonly Outage[] {
  const outages: Outage[] = []
  let lastServed: Sample | undefined
  let failures: Sample[] = []
  const close = (next?: Sample) => {
    const first = failures[0]
    if (first === undefined) return
    const fromMs = (lastServed ?? first).startMs
    const errors: Record<string, number> = {}
    for (const { error = 'unknown' } of failures) errors[error] = (errors[error] ?? 0) + 1
    outages.push({
      fromMs,
      ...(next === undefined ? {} : { toMs: next.startMs, durationMs: next.startMs - fromMs }),
      servedBefore: lastServed !== undefined,
      failed: failures.length,
      errors,
    })
    failures = []
  }
  for (const sample of inOrder) {
    if (sample.by === undefined) failures.push(sample)
    else {
      close(sample)
      lastServed = sample
    }
  }
  close()
  return outages
}

function faultReport(
  inOrder: readonly Sample[],
  outages: readonly Outage[],
  pauses: readonly number[],
  faultMs: number,
): FaultReport {
  const usualPause = pauses.toSorted((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0
  const lastBefore = inOrder.findLast((sample) => sample.startMs <= faultMs && sample.by !== undefined)
  const slackMs = Math.max(BEFORE_FAULT_MS, 5 * usualPause)
  const candidates = outages.filter((outage) => outage.toMs === undefined || outage.toMs > faultMs)
  const lengthOf = (outage: Outage) => outage.durationMs ?? Infinity
  const outage = candidates.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0]
  return {
    atMs: faultMs,
    servedBefore: lastBefore !== undefined && faultMs - lastBefore.startMs <= slackMs,
    ...(outage === undefined ? {} : { outage }),
  }
}

/** The report as lines for a terminal; times of windows are relative to the first request. */
export function describe(report: ProbeReport, firstMs: number): readonly string[] {
  const seconds = (ms: number) => `${((ms - firstMs) / 1_000).toFixed(2)} s`
  const counts = (record: Readonly<Record<string, number>>) =>
    Object.entries(record)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  const lines = [
    `${report.sent} requests, ${report.served} served, ${report.failed} failed`,
    `served by: ${counts(report.servedBy) || 'nobody'}`,
    `time of a request: median ${report.latencyMs.median.toFixed(1)} ms, worst ${report.latencyMs.worst.toFixed(1)} ms; ` +
      `longest pause between requests ${report.longestPauseMs.toFixed(0)} ms`,
  ]
  for (const outage of report.outages) {
    const length = outage.durationMs === undefined ? 'not served again' : `${outage.durationMs.toFixed(0)} ms`
    const before = outage.servedBefore ? '' : ', not served before'
    lines.push(
      `outage from ${seconds(outage.fromMs)}: ${length}${before} (${outage.failed} failed: ${counts(outage.errors)})`,
    )
  }
  const lengths = report.outages.flatMap((outage) => outage.durationMs ?? [])
  if (lengths.length > 1) {
    const totalMs = lengths.reduce((sum, ms) => sum + ms, 0)
    lines.push(
      `${lengths.length} outages that ended: longest ${Math.max(...lengths).toFixed(0)} ms, ${totalMs.toFixed(0)} ms in all`,
    )
  }
  if (report.outages.length === 0) lines.push(report.sent === 0 ? 'no request was made' : 'no outage')
  if (report.fault) {
    const { servedBefore, outage, atMs } = report.fault
    if (!servedBefore) lines.push('not served before the fault')
    const length =
      outage === undefined
        ? 'no outage'
        : outage.durationMs === undefined
          ? 'not served again'
          : `outage ${outage.durationMs.toFixed(0)} ms`
    lines.push(`fault at ${seconds(atMs)}: ${length}`)
  }
  return lines
}
