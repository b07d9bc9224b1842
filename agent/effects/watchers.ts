/**
 * What the watchers of a director are told, and when. A virtual server that has changed in what matters (health, weights, its place in
 * the kernel) is told at once; that its servers were checked again, or carried more connections, is told in turns, so that a thousand
 * virtual servers do not fill the line with times of checks. Lines are kept short: a long list goes on in the next one.
 */
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  lineTargetBytes,
  type AgentMessage,
  type DirectorReport,
  type JournalEntry,
  type ServiceReport,
} from '../../domain/contract/agent.ts'

/** A client this far behind is closed. */
const maxBacklogBytes = 8 * 1024 * 1024
/** A snapshot waits for a client that is this far behind. */
const fullPipeBytes = 1024 * 1024
/** So many virtual servers without news that matters are told anew in one report. */
const refreshedPerReport = 100

/** What changes with every check or packet and can wait for its turn. */
const passing: ReadonlySet<string> = new Set([
  'lastCheckAtMs',
  'lastCheckMs',
  'recent',
  'activeConnections',
  'inactiveConnections',
  'connections',
  'packetsIn',
  'bytesIn',
])

/** What the watchers look at. Unchanged virtual servers are the same objects as before. */
export interface Seen {
  readonly director: () => DirectorReport
  readonly services: () => readonly ServiceReport[]
  readonly wallMs: () => number
}

export interface Watcher {
  /** Sends the whole state, in parts, then listens to reports. */
  readonly begin: (id: number) => Promise<void>
  /** True from the end of the snapshot. */
  readonly watching: () => boolean
  readonly report: (journal: readonly JournalEntry[]) => void
}

/** Writes a line, and closes a client that does not read. */
function write(socket: Socket, line: string): void {
  if (socket.destroyed) return
  socket.write(`${line}\n`)
  if (socket.writableLength > maxBacklogBytes) socket.destroy()
}

export const say = (socket: Socket, message: AgentMessage): void => write(socket, JSON.stringify(message))

type Values = Readonly<Record<string, unknown>>

/** Whether two values differ in more than what is passing. */
function differs(a: unknown, b: unknown): boolean {
  if (a === b) return false
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return true
  const [x, y] = [a as Values, b as Values]
  for (const key in x) if (!passing.has(key) && differs(x[key], y[key])) return true
  for (const key in y) if (!(key in x) && !passing.has(key)) return true
  return false
}

/** Texts in groups that make lines of about `lineTargetBytes`; at least one group, which may be empty. */
function* grouped(texts: Iterable<string>): Generator<string[]> {
  let group: string[] = []
  let size = 0
  for (const text of texts) {
    if (size > 0 && size + text.length > lineTargetBytes) {
      yield group
      group = []
      size = 0
    }
    group.push(text)
    size += text.length
  }
  yield group
}

/** The entries, the newest first to count, that fit into one line. */
export function fitting(entries: readonly JournalEntry[], maxBytes: number): readonly JournalEntry[] {
  let size = 0
  let from = entries.length
  while (from > 0) {
    size += JSON.stringify(entries[from - 1]).length + 1
    if (size > maxBytes) break
    from--
  }
  return entries.slice(from)
}

export function openWatcher(socket: Socket, seen: Seen): Watcher {
  /** Null until the snapshot is whole. */
  let seq: number | null = null
  let beginning = false
  let director = ''
  let virtualIps = ''
  const told = new Map<string, ServiceReport>()
  /** Where the next turn of refreshing begins. */
  let turn = 0

  /** The director's part; the list of virtual IPs, which may be long, only when it is another one. */
  function directorText(): string | undefined {
    const now = seen.director()
    const { virtualIps: list, ...rest } = now
    const listText = JSON.stringify(list)
    const text = JSON.stringify(rest)
    if (text === director && listText === virtualIps) return undefined
    const out = listText === virtualIps ? text : JSON.stringify(now)
    director = text
    virtualIps = listText
    return out
  }

  function tell(service: ServiceReport): string {
    told.set(service.id, service)
    return JSON.stringify(service)
  }

  function* each(services: readonly ServiceReport[]): Generator<string> {
    for (const service of services) yield tell(service)
  }

  /** What has changed since it was last told: all that matters, and a share of the rest. */
  function* news(services: readonly ServiceReport[]): Generator<string> {
    const waiting: number[] = []
    for (const [at, service] of services.entries()) {
      const before = told.get(service.id)
      if (before === service) continue
      if (!before || differs(before, service)) yield tell(service)
      else waiting.push(at)
    }
    const first = waiting.findIndex((at) => at >= turn)
    const inTurn = first < 0 ? waiting : [...waiting.slice(first), ...waiting.slice(0, first)]
    const chosen = inTurn.slice(0, refreshedPerReport)
    for (const at of chosen) {
      const service = services[at]
      if (service) yield tell(service)
    }
    turn = (chosen.at(-1) ?? -1) + 1
  }

  return {
    async begin(id) {
      if (beginning) return
      beginning = true
      seq = null
      told.clear()
      const atMs = seen.wallMs()
      const whole = JSON.stringify(seen.director())
      const lines = grouped(each(seen.services()))
      let last: string[] = []
      for (let next = lines.next(); !next.done;) {
        const group = next.value
        next = lines.next()
        if (next.done) last = group
        else {
          write(socket, `{"id":${id},"part":[${group.join(',')}]}`)
          // A line takes some milliseconds to make: the heartbeats go in between, and the client may take its time.
          do await nextTurn()
          while (!socket.destroyed && socket.writableLength > fullPipeBytes && (await drained(socket)))
        }
      }
      write(
        socket,
        `{"id":${id},"snapshot":{"seq":1,"atMs":${atMs},"director":${whole},"services":[${last.join(',')}]}}`,
      )
      directorText()
      seq = 1
      beginning = false
    },
    watching: () => seq !== null,
    report(journal) {
      if (seq === null) return
      const services = seen.services()
      const atMs = seen.wallMs()
      const gone: string[] = []
      if (told.size > 0) {
        const ids = new Set(services.map((s) => s.id))
        for (const id of told.keys()) if (!ids.has(id)) gone.push(id)
        for (const id of gone) told.delete(id)
      }
      let first = true
      const entries = grouped(journal.map((entry) => JSON.stringify(entry)))
      for (const group of grouped(news(services))) {
        seq += 1
        const parts = [`"seq":${seq}`, `"atMs":${atMs}`]
        const text = first ? directorText() : undefined
        if (text !== undefined) parts.push(`"director":${text}`)
        if (group.length > 0) parts.push(`"services":[${group.join(',')}]`)
        if (first && gone.length > 0) parts.push(`"gone":${JSON.stringify(gone)}`)
        const told_ = first ? (entries.next().value ?? []) : []
        if (told_.length > 0) parts.push(`"journal":[${told_.join(',')}]`)
        write(socket, `{"report":{${parts.join(',')}}}`)
        first = false
      }
      for (const group of entries) {
        if (group.length === 0) continue
        seq += 1
        write(socket, `{"report":{"seq":${seq},"atMs":${atMs},"journal":[${group.join(',')}]}}`)
      }
    },
  }
}

/** Resolves when a client has taken what it was sent, or is gone. */
function drained(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off('drain', over)
      socket.off('close', over)
      resolve(true)
    }
    socket.once('drain', over)
    socket.once('close', over)
  })
}
