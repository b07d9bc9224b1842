/**
 * Core ⇄ agent: lines of JSON over the unix socket /run/shoal/agent.sock, which SSH forwards (no port is opened on a director).
 * The core asks (`hello`, `watch`, `journal`, `order`), each with an id and answered once. After `watch` the agent answers with a
 * whole snapshot and then pushes reports with consecutive `seq`; a gap means: reconnect. A snapshot of many virtual servers comes in
 * parts: lines `{ id, part }` before the line `{ id, snapshot }` that ends it. Whatever comes over the line is data and is validated
 * here, at the door, by both sides.
 *
 * Instants are the sender's wall clock in milliseconds since the epoch (`…AtMs`). Every message carries the sender's `atMs`, so a
 * receiver can turn an instant into an age without the clocks being equal.
 */
import { z } from 'zod'
import { channelDraftSchema, channelStateSchema, maxChannels, notifyViewSchema, testedSchema } from '../notify.ts'

/** Raised when a message changes its meaning. Both sides refuse another number and say so. */
export const agentProtocol = 2

/** Where the agent listens on a director. */
export const agentSocketPath = '/run/shoal/agent.sock'

/** No message is longer than this; a longer line is refused and the connection closed. */
export const maxLineBytes = 4 * 1024 * 1024

/** The sender ends a line of virtual servers or journal entries at about this size and goes on in the next one. */
export const lineTargetBytes = 256 * 1024

/** A snapshot has at most so many virtual servers, in however many parts: ten times the largest cluster that is measured. */
export const maxServices = 20_000

/** The text of one `stage` order; a longer lvs.cf is staged in several (`more`). */
export const maxStageChars = 512 * 1024

/** A commit is confirmed within this, or it is taken back. */
export const confirmLimitsMs = { least: 1_000, most: 24 * 3_600_000 } as const

/** ipvsadm takes weights up to this. */
export const maxWeight = 65_535

const instant = z.number()
const word = z.string().max(200)
const sentence = z.string().max(2000)

/**
 * `starting`: has not yet heard the peer or waited for it. `active`: holds the virtual IPs. `standby`: ready to take over.
 * `unfit`: cannot serve (see `unfitBecause`) and never claims. `stopping`: handing over before it ends.
 */
export const roleSchema = z.enum(['starting', 'active', 'standby', 'unfit', 'stopping'])
export type Role = z.infer<typeof roleSchema>

const heartbeatPathSchema = z.object({
  /** `public`, `private`, … */
  name: word,
  local: word,
  remote: word,
  state: z.enum(['heard', 'silent', 'never']),
  lastHeardAtMs: instant.optional(),
  /** Beats missing of the last 100 expected, as told by the sequence numbers, in percent. */
  lossPercent: z.number(),
  /** Longest gap between two beats in the last minute. */
  worstGapMs: z.number().optional(),
  /** A beat's way there and back in ms, without the time it lay at the peer; smoothed. */
  delayMs: z.number().optional(),
  /** Beats refused: wrong key, replayed, foreign cluster. */
  refused: z.number(),
})
export type HeartbeatPath = z.infer<typeof heartbeatPathSchema>

const directorReportSchema = z.object({
  director: word,
  version: word,
  bootId: word,
  role: roleSchema,
  roleSinceMs: instant,
  /** Raised by every takeover; the higher term wins when both serve. */
  term: z.number(),
  unfitBecause: z.array(sentence),
  configDigest: word,
  generation: z.number(),
  peer: z.object({
    known: z.boolean(),
    role: roleSchema.optional(),
    generation: z.number().optional(),
    /** Digest of the peer's lvs.cf as its beats say it: unequal ones are legal for a moment, while a change goes from one to the other. */
    configDigest: word.optional(),
    term: z.number().optional(),
    alive: z.boolean(),
    paths: z.array(heartbeatPathSchema),
  }),
  virtualIps: z.array(z.object({ address: word, device: word, wanted: z.boolean(), held: z.boolean().nullable() })),
  /** When the kernel's table and addresses were last looked at, and what differed from what is wanted then. */
  kernel: z.object({ observedAtMs: instant.optional(), drift: z.array(sentence) }),
  /** The kernel's connection synchronisation, where lvs.cf asks for it: the active director sends, the standby receives. */
  sync: z.object({ wanted: z.enum(['master', 'backup']), runs: z.boolean(), device: word, id: z.number() }).optional(),
  /** How late the agent's own loop was at worst in the last minute, in ms. */
  worstLatenessMs: z.number(),
  /** An lvs.cf that lies beside the one in force, checked and ready for `commit`. */
  staged: z.object({ digest: word, generation: z.number(), by: word, atMs: instant }).optional(),
  /** A commit that goes back to `previousDigest` by itself at `untilAtMs` unless it is confirmed. */
  unconfirmed: z.object({ digest: word, previousDigest: word, by: word, untilAtMs: instant }).optional(),
  /** How the channels of its notifications fare; absent: it has none. */
  notify: z.array(channelStateSchema).max(maxChannels).optional(),
})
export type DirectorReport = z.infer<typeof directorReportSchema>

const serverReportSchema = z.object({
  name: word,
  address: word,
  port: z.number(),
  health: z.enum(['up', 'down', 'unknown']),
  healthSinceMs: instant.optional(),
  lastCheckAtMs: instant.optional(),
  /** Duration of the last check in ms. */
  lastCheckMs: z.number().optional(),
  /** Why the last failed check failed, with the bytes that came back; kept until the next failure. */
  lastError: sentence.optional(),
  /** What the last check that passed warned of: a certificate that ends soon. */
  warning: sentence.optional(),
  /** The running check should have ended so long ago: its answer is given up, and the server counts as failed. */
  stuckMs: z.number().optional(),
  /** What the other director sees of this server, where it is known. */
  peerSees: z.enum(['up', 'down']).optional(),
  /** The last checks, oldest first: `1` passed, `0` failed. At most 60. */
  recent: z.string().max(60),
  weightWanted: z.number(),
  /**
   * An operator's drain: no new connections since then; `connections` counts those that are left (persistent clients included) in
   * this director's kernel. At 0 the server is taken out of the table (`out`) and stays out until `undrain`.
   */
  drain: z.object({ sinceAtMs: instant, connections: z.number(), out: z.boolean() }).optional(),
  /** Its weight is being restored gradually after it came back, and is whole then. */
  slowStart: z.object({ untilAtMs: instant }).optional(),
  /** The weight an operator gave it, instead of the one in lvs.cf. */
  operatorWeight: z.number().optional(),
  /** Its load as it last said (one minute, per processor where it tells how many), when the virtual server is steered by load. */
  load: z.number().optional(),
  /** What the kernel has; null = not in its table. */
  weightKernel: z.number().nullable(),
  activeConnections: z.number(),
  inactiveConnections: z.number(),
  /** Totals since the entry was made, from /proc/net/ip_vs_stats or ipvsadm --stats. */
  connections: z.number(),
  packetsIn: z.number(),
  bytesIn: z.number(),
})
export type ServerReport = z.infer<typeof serverReportSchema>

const serviceReportSchema = z.object({
  /** `tcp 192.168.2.27:80` or `fwmark 80`: what the kernel knows it by. */
  id: word,
  name: word,
  address: word,
  port: z.number(),
  protocol: z.enum(['tcp', 'udp']),
  fwmark: z.number().optional(),
  scheduler: word,
  persistentS: z.number().optional(),
  inKernel: z.boolean(),
  /** The sorry server stands in because no real server is up. */
  sorry: z.boolean(),
  realServers: z.array(serverReportSchema),
})
export type ServiceReport = z.infer<typeof serviceReportSchema>

/** Why a director took over. */
const failoverCauseSchema = z.enum([
  'first-start',
  'peer-silent',
  'handed-over',
  'peer-unfit',
  'ordered',
  'both-served',
  'failback',
])
export type FailoverCause = z.infer<typeof failoverCauseSchema>

/** What is known of one takeover. Instants are the deciding director's own clock; absent = did not happen or is not known. */
const failoverRecordSchema = z.object({
  cause: failoverCauseSchema,
  decidedBy: word,
  from: word.optional(),
  to: word,
  term: z.number(),
  lastHeardAtMs: instant.optional(),
  firstMissedAtMs: instant.optional(),
  decidedAtMs: instant,
  tableReadyAtMs: instant.optional(),
  addressUpAtMs: instant.optional(),
  announcedAtMs: instant.optional(),
  learntAtMs: instant.optional(),
  /** From the last sign of the former active director to address up and announced: the longest the outage can have been. */
  outageMs: z.number().optional(),
  bothHeldMs: z.number().optional(),
  /** Of a planned hand-over: how many connections the former active director has given over, and what kept others from it. */
  connections: z.object({ given: z.number().int().min(0), says: sentence.optional() }).optional(),
  witnesses: z.array(z.object({ address: word, says: sentence })).optional(),
})
export type FailoverRecord = z.infer<typeof failoverRecordSchema>

const journalEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), version: word, after: z.enum(['boot', 'restart', 'crash']) }),
  z.object({ kind: z.literal('stopped'), reason: sentence }),
  z.object({ kind: z.literal('role'), from: roleSchema, to: roleSchema, term: z.number(), reason: sentence }),
  z.object({ kind: z.literal('failover'), record: failoverRecordSchema }),
  z.object({
    kind: z.literal('health'),
    service: word,
    server: word,
    to: z.enum(['up', 'down']),
    reason: sentence.optional(),
  }),
  /** The directors see real servers differently: the path of one of them is at fault. No servers: they agree again. */
  z.object({
    kind: z.literal('disagreement'),
    peer: word,
    servers: z.array(
      z.object({ service: word, server: word, here: z.enum(['up', 'down']), there: z.enum(['up', 'down']) }),
    ),
    total: z.number(),
  }),
  z.object({ kind: z.literal('path'), path: word, to: z.enum(['heard', 'silent']) }),
  z.object({ kind: z.literal('link'), device: word, up: z.boolean() }),
  z.object({ kind: z.literal('drift'), differences: z.array(sentence), repaired: z.boolean() }),
  z.object({ kind: z.literal('config'), generation: z.number(), digest: word }),
  z.object({
    kind: z.literal('order'),
    order: word,
    by: word,
    /** Of `drain`, `undrain` and `weight`: what they are about. */
    service: word.optional(),
    server: word.optional(),
    weight: z.number().optional(),
  }),
  /** The last connection of a drained server has ended: it is out of the table. */
  z.object({ kind: z.literal('drained'), service: word, server: word, afterMs: z.number() }),
  z.object({ kind: z.literal('trouble'), says: sentence }),
])
export type JournalEvent = z.infer<typeof journalEventSchema>

/** One line of a director's journal. (`boot`, `seq`) is unique and rising within a boot of the agent. */
export const journalEntrySchema = z.object({
  director: word,
  boot: word,
  seq: z.number(),
  atMs: instant,
  event: journalEventSchema,
})
export type JournalEntry = z.infer<typeof journalEntrySchema>

const helloSchema = z.object({
  protocol: z.number(),
  version: word,
  director: word,
  bootId: word,
  configDigest: word,
  generation: z.number(),
})
export type Hello = z.infer<typeof helloSchema>

const snapshotSchema = z.object({
  seq: z.number(),
  atMs: instant,
  director: directorReportSchema,
  services: z.array(serviceReportSchema),
})
export type Snapshot = z.infer<typeof snapshotSchema>

/**
 * What changed since the last message: the director's own state (its list of virtual IPs only when that is another one), services that
 * differ, new journal lines. What matters of a service is told at once, the times of checks and the counters in turns.
 */
const reportSchema = z.object({
  seq: z.number(),
  atMs: instant,
  director: directorReportSchema.partial({ virtualIps: true }).optional(),
  services: z.array(serviceReportSchema).optional(),
  /** Ids of services that are no longer there. */
  gone: z.array(word).optional(),
  journal: z.array(journalEntrySchema).optional(),
})
type ReportLine = z.infer<typeof reportSchema>
/** A report with the director's part made whole. */
export type Report = Omit<ReportLine, 'director'> & { readonly director?: DirectorReport }

const orderSchema = z.discriminatedUnion('kind', [
  /** The active director hands over to a ready standby, make before break. */
  z.object({ kind: z.literal('hand-over'), by: word }),
  /** Read lvs.cf again and apply it. */
  z.object({ kind: z.literal('reload'), by: word }),
  /**
   * A real server gets no new connections; when its last one has ended (persistent clients included) it is taken out of the table.
   * Holds on both directors, over restarts and failovers, until `undrain`. `service` is the id of the report, `server` is
   * `address:port`; names of lvs.cf are taken too where only one has them.
   */
  z.object({ kind: z.literal('drain'), service: word, server: word, by: word }),
  z.object({ kind: z.literal('undrain'), service: word, server: word, by: word }),
  /** Another weight than that of lvs.cf, on both directors, until `null` gives back that of the file. */
  z.object({
    kind: z.literal('weight'),
    service: word,
    server: word,
    weight: z.number().int().min(0).max(maxWeight).nullable(),
    by: word,
  }),
  /**
   * An lvs.cf for later: checked as the agent would run it and, when sound, kept beside the one in force. Nothing changes. With `more`
   * the next `stage` of this connection goes on with the text; the last one is answered with `staged`, the others with `done`.
   */
  z.object({
    kind: z.literal('stage'),
    text: z.string().max(maxStageChars),
    more: z.literal(true).optional(),
    by: word,
  }),
  /**
   * The staged file becomes lvs.cf, the one before is kept, the difference is applied; done when the director runs it. With
   * `confirmWithinMs` the director goes back by itself when no `confirm` comes in time, also over a restart of the agent.
   */
  z.object({
    kind: z.literal('commit'),
    digest: word,
    confirmWithinMs: z.number().int().min(confirmLimitsMs.least).max(confirmLimitsMs.most).optional(),
    by: word,
  }),
  /** The committed file stays. */
  z.object({ kind: z.literal('confirm'), digest: word, by: word }),
  /** Back to the file before the last commit. */
  z.object({ kind: z.literal('revert'), by: word }),
])
export type Order = z.infer<typeof orderSchema>
/** Orders that are about the file of the configuration; the others are decided on by the centre of the director. */
export type FileOrder = Extract<Order, { kind: 'stage' | 'commit' | 'confirm' | 'revert' }>

/** What the director's own check says of a staged file. */
const stagedSchema = z.object({
  /** SHA-256 of the file, in hexadecimal: what `commit` names. */
  digest: word,
  generation: z.number(),
  /** False: not kept, some problem blocks. */
  sound: z.boolean(),
  problems: z.array(
    z.object({
      code: word,
      severity: z.enum(['block', 'warning', 'note']),
      line: z.number().optional(),
      /** In English, without the place. */
      says: sentence,
    }),
  ),
})
export type Staged = z.infer<typeof stagedSchema>

/** What the core may ask; every request carries an `id` that its answer repeats. */
export const agentRequestSchema = z.discriminatedUnion('ask', [
  z.object({ id: z.number(), ask: z.literal('hello'), protocol: z.number() }),
  z.object({ id: z.number(), ask: z.literal('watch') }),
  z.object({
    id: z.number(),
    ask: z.literal('journal'),
    afterMs: instant.optional(),
    limit: z.number().int().min(1).max(10_000),
  }),
  z.object({ id: z.number(), ask: z.literal('order'), order: orderSchema }),
  /** The channels of its notifications, without their secrets. */
  z.object({ id: z.number(), ask: z.literal('notify') }),
  /** These channels from now on; secrets that are not given are kept. Answered with what is in force then. */
  z.object({
    id: z.number(),
    ask: z.literal('notify-set'),
    cluster: word,
    channels: z.array(channelDraftSchema).max(maxChannels),
    by: word,
  }),
  /** Sends a test over one channel now and tells what came of it. */
  z.object({ id: z.number(), ask: z.literal('notify-test'), channel: word }),
])
export type AgentRequest = z.infer<typeof agentRequestSchema>

/** What the agent says: the answer to a request, its refusal, or (after `watch`) a report. */
export const agentMessageSchema = z.union([
  z.object({ id: z.number(), hello: helloSchema }),
  /** Virtual servers of the snapshot that is being sent, in order. */
  z.object({ id: z.number(), part: z.array(serviceReportSchema) }),
  z.object({ id: z.number(), snapshot: snapshotSchema }),
  z.object({ id: z.number(), journal: z.array(journalEntrySchema) }),
  z.object({ id: z.number(), done: z.literal(true) }),
  z.object({ id: z.number(), staged: stagedSchema }),
  z.object({ id: z.number(), notify: notifyViewSchema }),
  z.object({ id: z.number(), tested: testedSchema }),
  z.object({ id: z.number(), refused: sentence }),
  z.object({ report: reportSchema }),
])
export type AgentMessage = z.infer<typeof agentMessageSchema>
