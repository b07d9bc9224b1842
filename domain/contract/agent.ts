/**
 * Core ⇄ agent: lines of JSON over the unix socket /run/shoal/agent.sock, which SSH forwards (no port is opened on a director).
 * The core asks (`hello`, `watch`, `journal`, `order`), each with an id and answered once. After `watch` the agent answers with a
 * whole snapshot and then pushes reports with consecutive `seq`; a gap means: reconnect. Whatever comes over the line is data and
 * is validated here, at the door, by both sides.
 *
 * Instants are the sender's wall clock in milliseconds since the epoch (`…AtMs`). Every message carries the sender's `atMs`, so a
 * receiver can turn an instant into an age without the clocks being equal.
 */
import { z } from 'zod'

/** Raised when a message changes its meaning. Both sides refuse another number and say so. */
export const agentProtocol = 1

/** Where the agent listens on a director. */
export const agentSocketPath = '/run/shoal/agent.sock'

/** No message is longer than this; a longer line is refused and the connection closed. */
export const maxLineBytes = 4 * 1024 * 1024

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
    term: z.number().optional(),
    alive: z.boolean(),
    paths: z.array(heartbeatPathSchema),
  }),
  virtualIps: z.array(z.object({ address: word, device: word, wanted: z.boolean(), held: z.boolean().nullable() })),
  /** When the kernel's table and addresses were last looked at, and what differed from what is wanted then. */
  kernel: z.object({ observedAtMs: instant.optional(), drift: z.array(sentence) }),
  /** How late the agent's own loop was at worst in the last minute, in ms. */
  worstLatenessMs: z.number(),
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
  /** The last checks, oldest first: `1` passed, `0` failed. At most 60. */
  recent: z.string().max(60),
  weightWanted: z.number(),
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
  z.object({ kind: z.literal('path'), path: word, to: z.enum(['heard', 'silent']) }),
  z.object({ kind: z.literal('link'), device: word, up: z.boolean() }),
  z.object({ kind: z.literal('drift'), differences: z.array(sentence), repaired: z.boolean() }),
  z.object({ kind: z.literal('config'), generation: z.number(), digest: word }),
  z.object({ kind: z.literal('order'), order: word, by: word }),
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

/** What changed since the last message: the director's own state, the services that differ, new journal lines. */
const reportSchema = z.object({
  seq: z.number(),
  atMs: instant,
  director: directorReportSchema.optional(),
  services: z.array(serviceReportSchema).optional(),
  /** Ids of services that are no longer there. */
  gone: z.array(word).optional(),
  journal: z.array(journalEntrySchema).optional(),
})
export type Report = z.infer<typeof reportSchema>

const orderSchema = z.discriminatedUnion('kind', [
  /** The active director hands over to a ready standby, make before break. */
  z.object({ kind: z.literal('hand-over'), by: word }),
  /** Read lvs.cf again and apply it. */
  z.object({ kind: z.literal('reload'), by: word }),
])
export type Order = z.infer<typeof orderSchema>

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
])
export type AgentRequest = z.infer<typeof agentRequestSchema>

/** What the agent says: the answer to a request, its refusal, or (after `watch`) a report. */
export const agentMessageSchema = z.union([
  z.object({ id: z.number(), hello: helloSchema }),
  z.object({ id: z.number(), snapshot: snapshotSchema }),
  z.object({ id: z.number(), journal: z.array(journalEntrySchema) }),
  z.object({ id: z.number(), done: z.literal(true) }),
  z.object({ id: z.number(), refused: sentence }),
  z.object({ report: reportSchema }),
])
export type AgentMessage = z.infer<typeof agentMessageSchema>
