// Starts the probe's process on the lab's network, gathers its samples, and turns them into a report.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onNetwork } from './namespace.ts'
import type { Namespace } from './namespace.ts'
import { reportOn } from './outages.ts'
import type { ProbeReport, Sample } from './outages.ts'
import { refusal } from './machine.ts'

/** Requests are numbered from 0 in the order they were begun. */
export type NumberedSample = Sample & { readonly n: number }

export type ProbeOptions = {
  readonly port?: number
  readonly path?: string
  readonly everyMs?: number
  readonly timeoutMs?: number
}

export type Probe = {
  /** Requests finished so far, in the order they ended. */
  readonly samples: readonly NumberedSample[]
  /** Marks this moment as the fault. Call it right before ordering the fault. */
  readonly markFault: () => void
  /**
   * Resolves when `count` requests in a row that started after this call were served; false when that did not happen within
   * `limitMs`.
   */
  readonly served: (count: number, limitMs: number) => Promise<boolean>
  /** The report on what was seen so far; the probe goes on. */
  readonly report: () => ProbeReport
  /** Stops asking, waits for requests under way, and reports. Called again it reports the same. */
  readonly stop: () => Promise<ProbeReport>
}

export const EVERY_MS = 20
const TIMEOUT_MS = 1_000
const POLL_MS = 10
const START_LIMIT_MS = 10_000

/** A probe of an address as the lab's client. Resolves when its first request is on its way. */
export async function probe(namespace: Namespace, address: string, options: ProbeOptions = {}): Promise<Probe> {
  const { port = 80, path = '/', everyMs = EVERY_MS, timeoutMs = TIMEOUT_MS } = options
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const script = fileURLToPath(new URL('probe-process.ts', import.meta.url))
  const [program, ...args] = [
    ...onNetwork(namespace),
    process.execPath,
    '--import',
    tsx,
    script,
    address,
    ...[port, path, everyMs, timeoutMs].map(String),
  ]
  const child = spawn(program as string, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const samples: NumberedSample[] = []
  let words = ''
  let faultMs: number | undefined
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2_000)))
  child.stdin.on('error', () => undefined)
  createInterface({ input: child.stdout }).on('line', (line) => samples.push(JSON.parse(line) as NumberedSample))
  let code: number | null | undefined
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => {
      code = exitCode
      resolve()
    })
  })
  ended.catch(() => undefined)

  const began = performance.now()
  while (samples.length === 0) {
    if (code !== undefined || performance.now() - began > START_LIMIT_MS)
      throw refusal(`The probe did not start: ${words.trim() || `exit code ${code}`}`)
    await delay(POLL_MS)
  }

  const report = () => reportOn(samples, faultMs)
  return {
    samples,
    markFault: () => (faultMs = nowMs()),
    served: async (count, limitMs) => {
      const sinceMs = nowMs()
      while (nowMs() - sinceMs < limitMs) {
        const last = samples
          .filter((sample) => sample.startMs >= sinceMs)
          .sort((a, b) => a.n - b.n)
          .slice(-count)
        // Numbers without a hole: a request still under way may yet fail.
        const inARow = last.length === count && (last.at(-1)?.n ?? 0) - (last[0]?.n ?? 0) === count - 1
        if (inARow && last.every((sample) => sample.by !== undefined)) return true
        await delay(POLL_MS)
      }
      return false
    },
    report,
    stop: async () => {
      child.stdin.end()
      await ended
      if (code !== 0) throw refusal(`The probe ended with code ${code}: ${words.trim()}`)
      return report()
    },
  }
}

/** The probe process's clock (CLOCK_MONOTONIC). */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
