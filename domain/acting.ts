/**
 * What an operator does to a running cluster: orders to its directors, and drills that show what a failure would cost. Each leaves a
 * line in the command log with what was sent, when, and what was answered.
 */
import { z } from 'zod'
import type { Problem } from './problem.ts'

const word = z.string().min(1).max(200)
/** ipvsadm takes weights up to this. */
export const mostWeight = 65_535

export const actionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hand-over') }),
  /** `service` and `server` as the reports name them: `tcp 192.168.2.27:80` and `192.168.2.243:80`. */
  z.object({ kind: z.literal('drain'), service: word, server: word }),
  z.object({ kind: z.literal('undrain'), service: word, server: word }),
  /** Null gives back the weight of lvs.cf. */
  z.object({
    kind: z.literal('weight'),
    service: word,
    server: word,
    weight: z.number().int().min(0).max(mostWeight).nullable(),
  }),
])
export type Action = z.infer<typeof actionSchema>

export const drillKinds = ['planned', 'kill', 'cut', 'reboot'] as const
export type DrillKind = (typeof drillKinds)[number]

export interface Drill {
  readonly id: string
  readonly clusterId: string
  readonly kind: DrillKind
  readonly startedAtMs: number
  readonly endedAtMs?: number
  /** `failing`: the fault is made, nobody else serves yet. `recovering`: served again, the standby is not yet ready. */
  readonly state: 'failing' | 'recovering' | 'over' | 'failed'
  readonly from: string
  readonly to: string
  readonly promisedMs: number
  readonly measuredMs?: number
  /** The simulated client counted it, or the record of the takeover bounds it from above. */
  readonly measuredBy?: 'client' | 'record'
  /** Requests without an answer, where a client counts them. */
  readonly lost?: number
  readonly problems: readonly Problem[]
}

/** One line of the command log. */
export interface CommandLine {
  readonly id: string
  readonly clusterId: string
  readonly atMs: number
  /** What was asked for. */
  readonly what: Action['kind'] | 'drill' | 'fault' | 'change'
  /** Exactly what was sent, and where to. */
  readonly command: string
  readonly hosts: readonly string[]
  readonly tookMs: number
  readonly answered: 'done' | 'refused'
  readonly problems: readonly Problem[]
}

/** From deciding to take over until the network has learnt it: bound, announced and learnt, with room for a busy machine. */
const takeoverMs = 300

/** The outage a drill may cost at most: what the configured numbers promise. A planned hand-over loses no request. */
export function promisedOutageMs(kind: DrillKind, deadtimeMs: number): number {
  return kind === 'planned' ? 0 : deadtimeMs + takeoverMs
}

const shortestCutMs = 4_000
/** Longer than this no drill keeps a director from everybody. */
export const longestCutMs = 30_000
const cutDeadtimes = 3

/** For how long the cables of a drill are out: long enough for the standby to have taken over and to be seen serving. */
export function cutLastsMs(deadtimeMs: number): number {
  return Math.min(longestCutMs, Math.max(shortestCutMs, cutDeadtimes * deadtimeMs))
}

/** How long a machine may take to be ready again after a power cycle: servers look at their memory and disks for minutes. */
export const bootLimitMs = 900_000

/** A deadtime never goes below so many beats, nor below so much of the longest gap that was seen. */
const leastBeats = 3
const gapFactor = 2.5
const stepMs = 50

export interface DeadtimeAdvice {
  readonly worstGapMs: number
  /** How many times the longest gap the deadtime is. */
  readonly margin: number
  /** The shortest deadtime that bears the gaps seen. */
  readonly leastMs: number
  readonly kind: 'tight' | 'fits' | 'roomy'
}

/** Above this many times what would do, a shorter deadtime is worth a thought. */
const roomyFactor = 2

/** What the observed gaps between beats say about the deadtime. `worstGapMs`: the longest gap of the path that is heard best. */
export function adviseDeadtime(deadtimeMs: number, keepaliveMs: number, worstGapMs: number): DeadtimeAdvice {
  const wantedMs = Math.max(leastBeats * keepaliveMs, gapFactor * worstGapMs)
  const leastMs = Math.ceil(wantedMs / stepMs) * stepMs
  const kind = deadtimeMs < leastMs ? 'tight' : deadtimeMs > roomyFactor * leastMs ? 'roomy' : 'fits'
  return { worstGapMs, margin: worstGapMs > 0 ? deadtimeMs / worstGapMs : Infinity, leastMs, kind }
}
