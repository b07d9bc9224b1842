/**
 * The plan: what Shoal will do to which host, in which order, why, how it sees that a thing is already so, and how it takes it back.
 * It is made by a pure function from the draft and the facts, shown before anything runs, and run exactly as shown.
 */
import type { Problem } from './problem.ts'

/** What a step is about; its title and reason are sentences in speech/plan.ts, filled from `detail`. */
export type StepKind =
  | 'packages'
  | 'modules'
  | 'sysctl'
  | 'runtime'
  | 'agent'
  | 'socket-group'
  | 'cluster-key'
  | 'lvscf'
  | 'agent-unit'
  | 'agent-start'
  | 'agent-ready'
  | 'network-owner'
  | 'firewall'
  | 'stop-rival'
  | 'tunnel-module'
  | 'arp-silence'
  | 'vip-unit'
  | 'vip-up'
  | 'vip-gone'
  | 'path-filter'
  | 'route-unit'
  | 'route-up'
  | 'route-kept'
  | 'load-socket'

/**
 * A file Shoal writes. Text is shown as it is; a binary is named with its size and digest; a secret's text is made when the plan
 * runs and never shown.
 */
export interface FileToWrite {
  readonly path: string
  readonly mode: string
  readonly owner: string
  readonly content:
    | { readonly kind: 'text'; readonly text: string; readonly before?: string }
    | { readonly kind: 'binary'; readonly name: string; readonly bytes: number; readonly sha256: string }
    | { readonly kind: 'secret'; readonly name: string }
}

export interface Step {
  /** Unique in the plan and stable between plans of the same cluster: `director-1/sysctl`. */
  readonly id: string
  readonly hostId: string
  readonly kind: StepKind
  /** Nothing uses yet what it writes, so it may run before its host's turn, side by side with other hosts. */
  readonly ahead?: true
  readonly detail: Readonly<Record<string, string | number>>
  /** Files written by this step, each with a copy of what was there kept on the host. */
  readonly files: readonly FileToWrite[]
  /** Shell run as root before the new files replace the old ones ($NEW is the first of them); when it fails, nothing has changed. */
  readonly validate?: string
  /** Shell run as root after the files are in place; empty = only the files. */
  readonly run: string
  /** Shell run as root that exits 0 when the step has nothing left to do (files compared as well). */
  readonly alreadySo: string
  /** Shell run as root that takes the step back; files written are put back from their kept copies besides. */
  readonly inverse: string
  /** Shell run as root once the kept copies are back in place; absent = nothing to do then. */
  readonly settle?: string
}

/** One finding of preflight: what was looked at, what came back, what it means. */
export interface Finding {
  readonly hostId: string
  /** Id of the check in the product's own list: `ip-vs-available`, `vip-free`, … */
  readonly check: string
  readonly command: string
  readonly answer: string
  readonly problem: Problem
  /** A warning that somebody has decided to live with, with the reason and when. Never on a block. */
  readonly ignored?: { readonly reason: string; readonly atMs: number }
}

export interface Plan {
  readonly draftId: string
  readonly draftRevision: number
  readonly lvscf: string
  /** Findings of preflight, blocks first. A plan with a block is shown and not run. */
  readonly findings: readonly Finding[]
  /** Hosts in the order they are done: groups run one after the other, the hosts of a group side by side. */
  readonly order: readonly (readonly string[])[]
  readonly hosts: readonly {
    readonly hostId: string
    readonly name: string
    readonly address: string
    readonly role: 'director' | 'real-server'
  }[]
  readonly steps: readonly Step[]
}

export type StepState =
  'waiting' | 'checking' | 'already' | 'running' | 'done' | 'failed' | 'not-run' | 'undoing' | 'undone'

export interface StepProgress {
  readonly stepId: string
  readonly state: StepState
  readonly startedAtMs?: number
  readonly durationMs?: number
  readonly problem?: Problem
}

/** One check of the proof after a run. */
export interface ProofLine {
  readonly check: string
  readonly passed: boolean
  readonly command: string
  readonly answer: string
  readonly detail: Readonly<Record<string, string | number>>
}

export type RunState = 'running' | 'proving' | 'done' | 'failed' | 'cancelled' | 'undoing' | 'undone'

/** A run of a plan as the screen follows it. */
export interface Run {
  readonly id: string
  readonly draftId: string
  readonly clusterId: string
  readonly state: RunState
  readonly startedAtMs: number
  readonly endedAtMs?: number
  readonly plan: Plan
  readonly steps: readonly StepProgress[]
  readonly proof: readonly ProofLine[]
  readonly problems: readonly Problem[]
}

/** A line of a host's live output. */
export interface RunLine {
  readonly runId: string
  readonly hostId: string
  readonly stepId: string
  readonly atMs: number
  readonly stream: 'out' | 'err' | 'note'
  readonly text: string
}
