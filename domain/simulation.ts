/**
 * The simulated cluster as the screen sees it: which faults can be made, and what a client outside notices. Two directors run the
 * real decisions (agent/director) on a wire that exists in this program only; no host is contacted.
 */
import { z } from 'zod'
export { simulationId } from './simulation-id.ts'

/** The two names the simulated cluster uses for its directors. */
export const simulatedDirectors = ['lvs1', 'lvs2'] as const
export type SimulatedDirector = (typeof simulatedDirectors)[number]

const director = z.enum(simulatedDirectors)
const server = z.string().min(1).max(100)

/** The longest a director can be made to stand still. */
const longestStallMs = 30_000

export const faultSchema = z.discriminatedUnion('kind', [
  /** Beats on this path are lost: those of one director, or of both. */
  z.object({ kind: z.literal('cut-path'), path: z.enum(['public', 'private']), from: director.optional() }),
  z.object({ kind: z.literal('heal-path'), path: z.enum(['public', 'private']) }),
  /** All cables of a director are pulled, or put back. */
  z.object({ kind: z.literal('cut'), director }),
  z.object({ kind: z.literal('heal'), director }),
  /** Power off and power on. */
  z.object({ kind: z.literal('crash'), director }),
  z.object({ kind: z.literal('boot'), director }),
  /** `kill -9` of the agent; its unit starts it again. */
  z.object({ kind: z.literal('kill'), director }),
  /** The machine stands still, as a paused virtual machine does. */
  z.object({ kind: z.literal('stall'), director, forMs: z.number().int().min(100).max(longestStallMs) }),
  /** Somebody changes the kernel behind the agent's back. */
  z.object({ kind: z.literal('wipe-table'), director }),
  z.object({ kind: z.literal('delete-address'), director }),
  /** The service on a real server stops, accepts and never answers, or works again. */
  z.object({ kind: z.literal('server'), server, state: z.enum(['up', 'down', 'hangs']) }),
  /** Everything is as at the start: power, cables, real servers. */
  z.object({ kind: z.literal('heal-all') }),
])
export type Fault = z.infer<typeof faultSchema>

export interface SimulatedMachine {
  readonly name: SimulatedDirector
  readonly power: 'on' | 'off' | 'booting'
  readonly agent: 'runs' | 'stands-still' | 'ended'
  readonly cutOff: boolean
}

/** A span in which no request of the client was answered; `toMs` null while it lasts. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number | null
}

/** The client asks every `requestEveryMs`, each time a new connection. */
export interface SimulatedClient {
  /** Null before the first answer. */
  readonly served: boolean | null
  readonly sinceMs: number
  readonly requestEveryMs: number
  /** How long the last answer took. */
  readonly tookMs?: number
  readonly answered: number
  readonly failed: number
  /** Of the last minute, oldest first, one character per `tickMs`: `1` all answered, `2` some, `0` none, `-` not asked. */
  readonly recent: string
  readonly tickMs: number
  /** The newest outages, oldest first. */
  readonly outages: readonly Outage[]
}

export interface SimulationState {
  readonly id: string
  readonly atMs: number
  readonly startedAtMs: number
  readonly forwarding: 'nat' | 'direct' | 'tunnel'
  readonly machines: readonly SimulatedMachine[]
  readonly paths: readonly {
    readonly name: 'public' | 'private'
    /** Whose beats are lost on it. */
    readonly cutFrom: readonly SimulatedDirector[]
  }[]
  readonly servers: readonly {
    readonly name: string
    readonly address: string
    readonly state: 'up' | 'down' | 'hangs'
  }[]
  readonly client: SimulatedClient
}
