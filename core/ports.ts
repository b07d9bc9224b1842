/**
 * What a host (Electron's main process, or `shoal serve`) gives the core, and what it gets back. The core never names Electron, a
 * window or an HTTP server: everything of the outside that differs between hosts comes through here.
 */
import type { FilePurpose, OfferedHost } from '../domain/contract/app.ts'
import type { EventName, Events } from '../domain/contract/app.ts'
import type { Result } from '../domain/problem.ts'

/** Where secrets outlive the application (the OS keychain). Absent in a browser host: secrets then live in memory only. */
export interface SecretStore {
  get(name: string): Promise<string | undefined>
  put(name: string, secret: string): Promise<void>
  forget(name: string): Promise<void>
}

/** One line of the application's own log. `fields` never hold a secret. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void

export interface Ports {
  /** Directory of this user for drafts, clusters, runs, known hosts; made with mode 0700 if absent. */
  readonly dataDir: string
  /** Home directory whose `.ssh` is read (never written). */
  readonly home: string
  /** The built agent: `manifest.json` and the files it names. */
  readonly agentDir: string
  readonly host: 'electron' | 'browser'
  readonly version: string
  /** Hosts to offer in the wizard (the lab's). */
  readonly offered?: readonly OfferedHost[]
  readonly secrets?: SecretStore
  /** Socket of the SSH agent; usually `process.env.SSH_AUTH_SOCK`. */
  readonly sshAgentSocket?: string
  readonly log?: Log
  /** The desktop's own file dialog; undefined when the operator went back. Absent in a browser host. */
  readonly chooseFile?: (purpose: FilePurpose, suggested?: string) => Promise<string | undefined>
}

export interface Core {
  /** Answers one request of contract/app.ts. Never throws for a failure that can happen: those are problems in the result. */
  ask(name: string, args: unknown): Promise<Result<unknown>>
  /** Hears every event of contract/app.ts; returns the function that stops listening. */
  on(listener: <N extends EventName>(name: N, event: Events[N]) => void): () => void
  /** Ends every SSH session and watch; waits for files being written. A run under way is cancelled between steps. */
  close(): Promise<void>
}
