/**
 * Renderer ⇄ core: every request and every event of the application, declared once. A host (Electron or browser) carries
 * `(name, args)` and knows no names; the core must have a handler for every name or it does not compile; arguments are validated
 * at the door with the schema declared here.
 */
import { z } from 'zod'
import { clusterDraftSchema, hostDraftSchema, loginSchema } from '../cluster.ts'
import type { ClusterDraft, KeptDraft } from '../cluster.ts'
import type { HostFacts } from '../facts.ts'
import type { Plan, Run, RunLine } from '../plan.ts'
import type { Problem, Result } from '../problem.ts'
import type { ClusterStatus, ClusterSummary } from '../status.ts'
import type { JournalEntry } from './agent.ts'

/** A request's argument schema and (as a type only) its answer. */
interface Declared<Args extends z.ZodType, Answer> {
  readonly args: Args
  readonly answer?: Answer
}

function request<Answer>() {
  return <Args extends z.ZodType>(args: Args): Declared<Args, Answer> => ({ args })
}

const id = z.string().min(1).max(200)
const path = z.string().min(1).max(4096)
const nothing = z.object({})
const documentText = z.string().max(16_000_000)

export interface AppInfo {
  readonly version: string
  readonly host: 'electron' | 'browser'
  /** Hosts offered for choosing (the lab's, when the demo brought one up). */
  readonly offered: readonly OfferedHost[]
  /** Private key files found in ~/.ssh of the machine the core runs on, and whether an SSH agent answers there. */
  readonly keys: readonly string[]
  readonly sshAgent: boolean
  /** True where passwords outlive the app (OS keychain). */
  readonly keychain: boolean
}

export interface OfferedHost {
  readonly name: string
  readonly address: string
  readonly role: 'director' | 'real-server'
  readonly user: string
  readonly login: 'key' | 'password'
  readonly keyFile?: string
  readonly note?: string
}

/** A host key to accept or refuse. */
export interface HostKey {
  readonly address: string
  readonly port: number
  readonly algorithm: string
  /** `SHA256:…` as ssh-keygen prints it. */
  readonly fingerprint: string
}

/** The result of trying to log in: facts, or what stands in the way (an unknown host key is asked about, a changed one is refused). */
export type HostTried =
  | { readonly kind: 'facts'; readonly facts: HostFacts; readonly roundTripMs: number }
  | { readonly kind: 'unknown-key'; readonly key: HostKey }

/** How the bytes of a document become text and go back unchanged. A byte order mark and line ends are part of the text. */
export const documentEncodings = ['utf-8', 'gb18030', 'latin1'] as const
export type DocumentEncoding = (typeof documentEncodings)[number]

export interface OpenedDocument {
  /** Absolute path, or the one name of a file on a host. */
  readonly file: string
  readonly text: string
  /** SHA-256 of the bytes on disk, to notice a change made elsewhere. */
  readonly digest: string
  readonly encoding: DocumentEncoding
}

const documentEncoding = z.enum(documentEncodings)

/** What was typed and not saved; it outlives a crash. `file` null is the document that has no file yet. */
export interface KeptDocument {
  readonly file: string | null
  readonly text: string
  readonly encoding: DocumentEncoding
  /** The file it was typed over, as text and as digest; null for a new one. */
  readonly base: string
  readonly digest: string | null
  readonly keptAtMs: number
}

export const requests = {
  'app.info': request<AppInfo>()(nothing),

  'drafts.list': request<readonly KeptDraft[]>()(nothing),
  'drafts.get': request<KeptDraft>()(z.object({ id })),
  /** `revision` is the one last seen; 0 for a new draft. Answers the new revision, or `changed-meanwhile`. */
  'drafts.keep': request<{ readonly revision: number; readonly savedAtMs: number }>()(
    z.object({ revision: z.number().int().min(0), draft: clusterDraftSchema }),
  ),
  'drafts.forget': request<null>()(z.object({ id })),

  /** Keeps a password or passphrase for this login in memory (or in the keychain); it is never read back. */
  'secrets.keep': request<null>()(
    z.object({
      address: id,
      port: z.number().int().min(1).max(65535),
      user: id,
      kind: z.enum(['password', 'passphrase', 'sudo']),
      secret: z.string().max(4096),
    }),
  ),

  'hosts.try': request<HostTried>()(z.object({ host: hostDraftSchema })),
  /** Accepts exactly this key for this address from now on. */
  'hosts.trust': request<null>()(
    z.object({ address: id, port: z.number().int().min(1).max(65535), algorithm: id, fingerprint: id }),
  ),
  /** Asks the segment, from a director, whether somebody already has the address. */
  'hosts.address-free': request<{ readonly free: boolean; readonly heldBy?: string }>()(
    z.object({ host: hostDraftSchema, device: id, address: id }),
  ),
  /** Runs the health check once from a director against a real server. */
  'hosts.check-service': request<{ readonly passed: boolean; readonly answer: string; readonly durationMs: number }>()(
    z.object({
      host: hostDraftSchema,
      address: id,
      port: z.number().int().min(1).max(65535),
      send: z.string().max(4000),
      expect: z.string().max(4000),
    }),
  ),

  'plan.make': request<Plan>()(z.object({ draftId: id })),
  /** Runs the plan last made for the draft; refused when the draft has changed since. */
  'run.start': request<{ readonly runId: string }>()(z.object({ draftId: id, draftRevision: z.number().int() })),
  'run.get': request<Run>()(z.object({ runId: id })),
  /** The newest run of a draft, to come back to after the window was closed. */
  'run.of-draft': request<Run | null>()(z.object({ draftId: id })),
  'run.output': request<readonly RunLine[]>()(z.object({ runId: id })),
  'run.cancel': request<null>()(z.object({ runId: id })),
  /** Takes back what the run did, newest first. */
  'run.undo': request<null>()(z.object({ runId: id })),

  'clusters.list': request<readonly ClusterSummary[]>()(nothing),
  'clusters.get': request<{ readonly summary: ClusterSummary; readonly draft: ClusterDraft; readonly lvscf: string }>()(
    z.object({ id }),
  ),
  /** Removes the cluster from this app's list; the hosts are not touched. */
  'clusters.forget': request<null>()(z.object({ id })),
  'clusters.watch': request<ClusterStatus>()(z.object({ id })),
  'clusters.unwatch': request<null>()(z.object({ id })),
  'clusters.history': request<{ readonly entries: readonly JournalEntry[]; readonly missing: readonly Problem[] }>()(
    z.object({ id, limit: z.number().int().min(1).max(10_000) }),
  ),
  'clusters.hand-over': request<null>()(z.object({ id })),

  /**
   * A file of the machine the core runs on, or `ssh://user@host:port/path` of a host. `login` says how to log in there; without it the
   * way that last worked is taken, then that of a cluster with this host, then the SSH agent.
   */
  'documents.open': request<OpenedDocument>()(z.object({ file: path, login: loginSchema.optional() })),
  /** `digest` is the one last seen; null for a new file. Answers the new digest, or `changed-meanwhile`. */
  'documents.save': request<{ readonly file: string; readonly digest: string }>()(
    z.object({ file: path, text: documentText, digest: z.string().nullable(), encoding: documentEncoding.optional() }),
  ),
  /** The text of bytes that are in no file of this machine: a file dropped on the page. */
  'documents.decode': request<Pick<OpenedDocument, 'text' | 'encoding'>>()(z.object({ base64: documentText })),
  'documents.recent': request<readonly string[]>()(nothing),
  /** Keeps what is typed and not yet saved, beside the file; `documents.forget` drops it again. */
  'documents.keep': request<null>()(
    z.object({
      file: path.nullable(),
      text: documentText,
      encoding: documentEncoding,
      base: documentText,
      digest: z.string().nullable(),
    }),
  ),
  'documents.kept': request<KeptDocument | null>()(z.object({ file: path.nullable() })),
  'documents.kept-list': request<readonly { readonly file: string | null; readonly keptAtMs: number }[]>()(nothing),
  'documents.forget': request<null>()(z.object({ file: path.nullable() })),
} as const

type Table = typeof requests
export type RequestName = keyof Table
export type Args<N extends RequestName> = z.infer<Table[N]['args']>
export type Answer<N extends RequestName> = Exclude<Table[N]['answer'], undefined>

export interface Events {
  'cluster.status': ClusterStatus
  'cluster.journal': { readonly clusterId: string; readonly entries: readonly JournalEntry[] }
  'clusters.changed': null
  'draft.kept': { readonly id: string; readonly revision: number }
  'run.changed': Run
  'run.line': RunLine
}
export type EventName = keyof Events

/** What the renderer has of the core, whichever host carries it. */
export interface Bridge {
  ask<N extends RequestName>(name: N, args: Args<N>): Promise<Result<Answer<N>>>
  /** Returns the function that stops listening. */
  on<N extends EventName>(name: N, heard: (event: Events[N]) => void): () => void
}
