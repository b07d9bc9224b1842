/**
 * Renderer ⇄ core: every request and every event of the application, declared once. A host (Electron or browser) carries
 * `(name, args)` and knows no names; the core must have a handler for every name or it does not compile; arguments are validated
 * at the door with the schema declared here.
 */
import { z } from 'zod'
import { actionSchema, drillKinds } from '../acting.ts'
import type { CommandLine, Drill } from '../acting.ts'
import { clusterDraftSchema, hostDraftSchema, loginSchema } from '../cluster.ts'
import type { ClusterDraft, KeptDraft } from '../cluster.ts'
import { documentEncodings } from '../document-encodings.ts'
import type { DocumentEncoding } from '../document-encodings.ts'
import type { HostFacts } from '../facts.ts'
import type { Change, ChangePlan, Revision } from '../life.ts'
import { channelDraftSchema, maxChannels } from '../notify.ts'
import type { DirectorTested, NotifyOverview } from '../notify.ts'
import type { Plan, Run, RunLine } from '../plan.ts'
import type { Problem, Result } from '../problem.ts'
import { faultSchema } from '../simulation.ts'
import type { SimulationState } from '../simulation.ts'
import { settingsSchema } from '../settings.ts'
import type { Settings, Update } from '../settings.ts'
import type { ClusterStatus, ClusterSummary, StatusChange, WireAnswer } from '../status.ts'
import type { Trace } from '../trace.ts'
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

/** A cluster read from its hosts, kept as a draft; `left` is what of its file the draft does not hold. */
export interface AdoptedCluster {
  readonly from: 'piranha' | 'keepalived'
  readonly file: string
  readonly draft: ClusterDraft
  readonly left: readonly Problem[]
}

/** A script to be run by hand, and what to call its file. */
export interface HandScript {
  readonly fileName: string
  readonly text: string
}

/** A run to go on with or to take back. */
export interface UnfinishedRun {
  readonly runId: string
  readonly draftId: string
  readonly name: string
  readonly state: 'failed' | 'cancelled'
  readonly startedAtMs: number
  /** Steps done, and all. */
  readonly done: number
  readonly all: number
}

/** What came of holding an address for some seconds; `answer` is how many pings came back, and from which MAC address. */
export interface AddressTried {
  /** Whether every host that could be asked reached it at the one that held it. */
  readonly passed: boolean
  readonly askers: readonly { readonly name: string; readonly reached: boolean; readonly answer: string }[]
}

/** What ~/.ssh/config says about one host. */
export interface SshConfigured {
  readonly hostName: string
  readonly port?: number
  readonly user?: string
  readonly keyFile?: string
  /** As ProxyJump writes it. */
  readonly jump?: string
}

/** The result of trying to log in: facts, or what stands in the way (an unknown host key is asked about, a changed one is refused). */
export type HostTried =
  | { readonly kind: 'facts'; readonly facts: HostFacts; readonly roundTripMs: number }
  | { readonly kind: 'unknown-key'; readonly key: HostKey }

export interface OpenedDocument {
  /** Absolute path, or the one name of a file on a host. */
  readonly file: string
  readonly text: string
  /** SHA-256 of the bytes on disk, to notice a change made elsewhere. */
  readonly digest: string
  readonly encoding: DocumentEncoding
}

const filePurposes = ['open', 'save'] as const
export type FilePurpose = (typeof filePurposes)[number]

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

  /** Settings of Shoal itself, and what the update feed said last. */
  'settings.get': request<{ readonly settings: Settings; readonly update: Update | null }>()(nothing),
  'settings.keep': request<null>()(z.object({ settings: settingsSchema })),
  'updates.ask': request<Update>()(z.object({ feed: z.string().max(2000) })),
  /** The application's own log, to send along with a report. */
  'app.log': request<string>()(nothing),

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
      /** `code`: a one-time code, used for one login and never written to the keychain. */
      kind: z.enum(['password', 'passphrase', 'sudo', 'code']),
      secret: z.string().max(4096),
    }),
  ),

  /** What ~/.ssh/config says about a host as it is typed, to fill the login from; null when it says nothing. */
  'hosts.config': request<SshConfigured | null>()(z.object({ address: id })),
  'hosts.try': request<HostTried>()(z.object({ host: hostDraftSchema })),
  /** Accepts exactly this key for this address from now on. */
  'hosts.trust': request<null>()(
    z.object({ address: id, port: z.number().int().min(1).max(65535), algorithm: id, fingerprint: id }),
  ),
  /** Asks the segment, from a director, whether somebody already has the address. */
  'hosts.address-free': request<{ readonly free: boolean; readonly heldBy?: string }>()(
    z.object({ host: hostDraftSchema, device: id, address: id }),
  ),
  /**
   * Has a director hold the address for some seconds, where nobody else does, and asks other hosts of its segment whether they reach it
   * there: a cloud or a virtual switch may drop packets of addresses it was not told of.
   */
  'hosts.address-try': request<AddressTried>()(
    z.object({ host: hostDraftSchema, askers: z.array(hostDraftSchema).min(1).max(16), device: id, address: id }),
  ),
  /** Runs the health check once from a director against a real server. */
  'hosts.check-service': request<{ readonly passed: boolean; readonly answer: string; readonly durationMs: number }>()(
    z.object({
      host: hostDraftSchema,
      address: id,
      port: z.number().int().min(1).max(65535),
      send: z.string().max(4000),
      expect: z.string().max(4000),
      /** Status codes of which the answer must have one, `200-399`; the text sent is then an HTTP request. */
      status: z.string().max(200).exactOptional(),
    }),
  ),

  'plan.make': request<Plan>()(z.object({ draftId: id })),
  /** The plan last made as a script to read or run by hand: of one host, or of all without `hostId`. Secrets are not in it. */
  'plan.script': request<HandScript>()(
    z.object({ draftId: id, hostId: id.exactOptional(), language: z.enum(['en', 'zh-CN']) }),
  ),
  /** Lays the cluster key, which is in no script, in a private file of the machine the core runs on. */
  'plan.key-file': request<{ readonly file: string }>()(z.object({ draftId: id })),
  /** Keeps, per cluster, that a warning is lived with, and why. Blocks cannot be ignored. */
  'findings.ignore': request<null>()(
    z.object({ draftId: id, hostId: id, check: id, code: id, reason: z.string().max(1000) }),
  ),
  /** The warning counts again. */
  'findings.heed': request<null>()(z.object({ draftId: id, hostId: id, check: id, code: id })),
  /** Runs the plan last made for the draft; refused when the draft has changed since. */
  'run.start': request<{ readonly runId: string }>()(z.object({ draftId: id, draftRevision: z.number().int() })),
  /** Goes on with the newest run of a cluster after it ended early; with `stepId` only that step is tried again. */
  'run.resume': request<null>()(z.object({ runId: id, stepId: id.exactOptional() })),
  /** Runs that ended early (failed, cancelled, application closed) and stand where they ended. */
  'runs.unfinished': request<readonly UnfinishedRun[]>()(nothing),
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
  /** What a change of the running cluster to its kept draft would do. */
  'change.plan': request<ChangePlan>()(z.object({ id })),
  /** Carries out the change last planned, as one transaction over both directors. */
  'change.start': request<{ readonly changeId: string }>()(
    z.object({ id, draftRevision: z.number().int(), reason: z.string().max(1000) }),
  ),
  /** The newest change of a cluster since this application was started. */
  'change.of-cluster': request<Change | null>()(z.object({ id })),
  /** Configurations the cluster has had, oldest first. */
  'revisions.list': request<readonly Revision[]>()(z.object({ id })),
  /** Makes the draft of the cluster what it was at a revision; a change then brings it to the directors. */
  'revisions.restore': request<{ readonly draftRevision: number }>()(z.object({ id, number: z.number().int().min(1) })),
  /** Reads a running Piranha or keepalived cluster from its directors into a draft; the hosts are only read. */
  'clusters.adopt': request<AdoptedCluster>()(
    z.object({ id, name: id, directors: clusterDraftSchema.shape.directors }),
  ),
  /** What bringing the agents and their runtime to this version does; steps that are so already are skipped. */
  'upgrade.plan': request<Plan>()(z.object({ id })),
  /** Upgrades the standby, hands over, upgrades the other; answers when both are done and proven. `run.changed` tells how it goes. */
  'upgrade.start': request<Run>()(z.object({ id })),
  /** Gives both directors another key without a beat being refused; the old one is forgotten in the end. */
  'clusters.rotate-key': request<null>()(z.object({ id })),
  /** Takes back everything Shoal did on the hosts of a cluster, and forgets it; the run that is being undone is answered. */
  'clusters.remove': request<{ readonly runId: string }>()(z.object({ id })),
  /** Looks at every hop of every way of a packet now, and names the first that is wrong. */
  'clusters.trace': request<Trace>()(z.object({ id })),
  'clusters.hand-over': request<null>()(z.object({ id })),
  /** Asks the segment, from the directors that do not hold them, who answers for the virtual IPs. */
  'clusters.wire': request<readonly WireAnswer[]>()(z.object({ id })),
  /** An order to a director; what is about a real server both hold, the one told brings it to the other. */
  'clusters.act': request<{ readonly told: string }>()(z.object({ id, action: actionSchema })),
  /** Starts a drill on the active director; `cluster.drill` tells how it goes on. */
  'clusters.drill': request<Drill>()(z.object({ id, kind: z.enum(drillKinds) })),
  'clusters.drills': request<readonly Drill[]>()(z.object({ id })),
  /** The command log, newest first. */
  'clusters.commands': request<readonly CommandLine[]>()(z.object({ id, limit: z.number().int().min(1).max(1_000) })),

  /** The channels both directors notify over, without their secrets. */
  'notify.get': request<NotifyOverview>()(z.object({ id })),
  /** Gives both directors these channels; secrets that are not given are kept. */
  'notify.set': request<NotifyOverview>()(z.object({ id, channels: z.array(channelDraftSchema).max(maxChannels) })),
  /** Has each director send a test over a channel now, and tells what came of it. */
  'notify.test': request<readonly DirectorTested[]>()(z.object({ id, channel: z.string().max(40) })),

  /** Starts the simulated cluster, or answers the one that runs; another forwarding method starts it anew. */
  'simulation.start': request<SimulationState>()(z.object({ forwarding: z.enum(['nat', 'direct', 'tunnel']) })),
  /** Null: none runs. Also says that somebody looks at it: without this for some minutes it ends. */
  'simulation.state': request<SimulationState | null>()(nothing),
  'simulation.fault': request<null>()(z.object({ fault: faultSchema })),
  'simulation.end': request<null>()(nothing),

  /**
   * A file of the machine the core runs on, or `ssh://user@host:port/path` of a host. `login` says how to log in there; without it the
   * way that last worked is taken, then that of a cluster with this host, then the SSH agent. `encoding` reads the bytes so or not at
   * all; without it the first that loses nothing is taken.
   */
  'documents.open': request<OpenedDocument>()(
    z.object({ file: path, login: loginSchema.optional(), encoding: documentEncoding.optional() }),
  ),
  /** `digest` is the one last seen; null for a new file. Answers the new digest, or `changed-meanwhile`. */
  'documents.save': request<{ readonly file: string; readonly digest: string }>()(
    z.object({
      file: path,
      text: documentText,
      digest: z.string().nullable(),
      encoding: documentEncoding.optional(),
      login: loginSchema.optional(),
    }),
  ),
  /** A path from the desktop's own dialog, null when the operator went back; `no-file-dialog` in a browser. */
  'documents.choose': request<string | null>()(z.object({ purpose: z.enum(filePurposes), suggested: path.nullable() })),
  /** The text of bytes that are in no file of this machine: a file dropped on the page. */
  'documents.decode': request<Pick<OpenedDocument, 'text' | 'encoding'>>()(z.object({ base64: documentText })),
  'documents.recent': request<readonly string[]>()(nothing),
  /**
   * Keeps what is typed and not yet saved, beside the file, as what it changes of `base`; `documents.forget` drops it again. A `base` of
   * null is the one that came last for this file, or `document-base-unknown`: a large file need not be sent after every pause.
   */
  'documents.keep': request<null>()(
    z.object({
      file: path.nullable(),
      encoding: documentEncoding,
      digest: z.string().nullable(),
      base: documentText.nullable(),
      change: z.object({ from: z.number().int().min(0), to: z.number().int().min(0), insert: documentText }),
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

/** What can be chosen in the desktop's own menu and is carried out by the page. */
export type MenuItem = 'palette' | 'new' | 'settings' | 'print'

export interface Events {
  /** What is another since the last one; the whole is the answer to `clusters.watch`. */
  'cluster.status': StatusChange
  'cluster.drill': Drill
  'cluster.command': CommandLine
  /** Null: it ended. */
  'simulation.changed': SimulationState | null
  'cluster.journal': { readonly clusterId: string; readonly entries: readonly JournalEntry[] }
  'clusters.changed': null
  'draft.kept': { readonly id: string; readonly revision: number }
  'run.changed': Run
  'change.changed': Change
  'run.line': RunLine
  /** In the desktop window only. */
  'menu.chosen': { readonly item: MenuItem }
}
export type EventName = keyof Events

/** What the renderer has of the core, whichever host carries it. */
export interface Bridge {
  ask<N extends RequestName>(name: N, args: Args<N>): Promise<Result<Answer<N>>>
  /** Returns the function that stops listening. */
  on<N extends EventName>(name: N, heard: (event: Events[N]) => void): () => void
}
