/**
 * The history of a director: one JSON line per event, only ever appended, bounded by keeping one older file, readable with plain
 * tools. A crash may leave half a line: it is passed over. A full disk loses no service: entries wait in memory (the oldest go
 * first) and are written when there is room again. What asks for the history is answered from memory.
 */
import { open, readFile, rename, stat, type FileHandle } from 'node:fs/promises'
import { journalEntrySchema, type JournalEntry, type JournalEvent } from '../../domain/contract/agent.ts'

/** A file of this size becomes the older one. */
const rotateBytes = 8 * 1024 * 1024
/** Entries kept in memory: as many as may be asked for at once. */
const keptEntries = 10_000
/** Entries that wait for a disk with room. */
const waitingEntries = 5_000
const retryMs = 5_000

export interface Journal {
  /** Writes an event down; returns its entry at once, the disk follows. */
  readonly write: (event: JournalEvent, atMs: number) => JournalEntry
  /** Entries after an instant, the newest `limit` of them, oldest first. */
  readonly since: (afterMs: number | undefined, limit: number) => readonly JournalEntry[]
  /** Resolves when all that was written is on disk, or could not be. */
  readonly close: () => Promise<void>
}

function parse(text: string): JournalEntry[] {
  const entries: JournalEntry[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      const entry = journalEntrySchema.safeParse(JSON.parse(line))
      if (entry.success) entries.push(entry.data)
    } catch {
      // A line torn by a crash.
    }
  }
  return entries
}

const readOr = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

/** Opens (or begins) a journal. `trouble` is told once when the disk refuses, and once when it takes again. */
export async function openJournal(
  file: string,
  director: string,
  boot: string,
  trouble: (says: string) => void,
  limitBytes = rotateBytes,
): Promise<Journal> {
  const older = `${file}.1`
  const texts = [await readOr(older), await readOr(file)]
  let kept = texts.flatMap(parse).slice(-keptEntries)
  let seq = 0
  let waiting: { text: string; firm: boolean }[] = []
  let handle: FileHandle | null = null
  let bytes = 0
  // Half a line from a crash must not swallow the next one.
  let torn = texts[1] !== '' && texts[1] !== undefined && !texts[1].endsWith('\n')
  let refused = false
  let writing: Promise<void> = Promise.resolve()
  let retry: NodeJS.Timeout | null = null

  async function ready(): Promise<FileHandle> {
    if (handle && bytes >= limitBytes) {
      await handle.close()
      handle = null
      await rename(file, older)
    }
    if (!handle) {
      handle = await open(file, 'a', 0o640)
      bytes = (await stat(file)).size
    }
    return handle
  }

  async function flush(): Promise<void> {
    if (waiting.length === 0) return
    const batch = waiting
    waiting = []
    try {
      const to = await ready()
      const text = (torn ? '\n' : '') + batch.map((b) => b.text).join('')
      // Until the write is known to be whole, the next one begins with a line end.
      torn = true
      await to.writeFile(text)
      if (batch.some((b) => b.firm)) await to.datasync()
      torn = false
      bytes += Buffer.byteLength(text)
      if (refused) trouble('The journal is written to disk again.')
      refused = false
    } catch (error) {
      waiting = [...batch, ...waiting].slice(-waitingEntries)
      if (!refused) {
        refused = true
        trouble(`The journal cannot be written: ${error instanceof Error ? error.message : String(error)}`)
      }
      if (handle) await handle.close().catch(() => undefined)
      handle = null
      retry ??= setTimeout(() => {
        retry = null
        writing = writing.then(flush)
      }, retryMs)
      retry.unref()
    }
  }

  return {
    write(event, atMs) {
      seq += 1
      const entry: JournalEntry = { director, boot, seq, atMs: Math.round(atMs), event }
      kept.push(entry)
      if (kept.length > keptEntries + 1_000) kept = kept.slice(-keptEntries)
      const firm = event.kind === 'failover' || event.kind === 'role' || event.kind === 'stopped'
      waiting.push({ text: `${JSON.stringify(entry)}\n`, firm })
      if (waiting.length > waitingEntries) waiting.shift()
      if (!refused) writing = writing.then(flush)
      return entry
    },
    since(afterMs, limit) {
      const from = afterMs === undefined ? kept : kept.filter((e) => e.atMs > afterMs)
      return from.slice(-limit)
    },
    async close() {
      await writing
      await flush()
      if (retry) clearTimeout(retry)
      await handle?.close()
      handle = null
    },
  }
}
