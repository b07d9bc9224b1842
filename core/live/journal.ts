/**
 * The history of a cluster: the journals of both directors merged, without doubles, in order of time, and kept on this machine so that
 * it can be read while a director is down. Each line is known by director, boot and number.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { journalEntrySchema } from '../../domain/contract/agent.ts'
import type { JournalEntry } from '../../domain/contract/agent.ts'
import { makePrivateDirectory, writePrivate } from '../disk.ts'

/** More lines than this are cut to the newest `keptEntries`. */
const maxEntries = 20_000
const keptEntries = 15_000

export interface Journal {
  /** Takes in lines from a director; answers those that are new, in order of time. */
  add(entries: readonly JournalEntry[]): Promise<readonly JournalEntry[]>
  /** The newest lines, oldest first. */
  newest(limit: number): readonly JournalEntry[]
  /** The instant of the newest line of a director (its own clock); undefined when there is none. */
  lastOf(director: string): number | undefined
  /** Waits for what is being written. */
  settled(): Promise<void>
}

function nameOf({ director, boot, seq }: JournalEntry): string {
  return `${director} ${boot} ${seq}`
}

/** Orders by time; lines of one boot keep their own order when instants are equal. */
function byTime(a: JournalEntry, b: JournalEntry): number {
  return a.atMs - b.atMs || (a.director === b.director && a.boot === b.boot ? a.seq - b.seq : 0)
}

/** Opens the kept history (null: one that is in memory only); a line that cannot be read (a crash in the middle of writing) is left out. */
export async function openJournal(file: string | null): Promise<Journal> {
  const known = new Map<string, JournalEntry>()
  let text = ''
  try {
    if (file !== null) text = await readFile(file, 'utf8')
  } catch {
    // No history yet.
  }
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      const read = journalEntrySchema.safeParse(JSON.parse(line))
      if (read.success) known.set(nameOf(read.data), read.data)
    } catch {
      // Half a line: the machine stopped while it was written.
    }
  }
  let ordered = [...known.values()].sort(byTime)
  let writing: Promise<unknown> = Promise.resolve()
  const endsWithLine = text === '' || text.endsWith('\n')
  let separator = endsWithLine ? '' : '\n'

  return {
    async add(entries) {
      const fresh = entries.filter((entry) => !known.has(nameOf(entry)))
      if (fresh.length === 0) return []
      for (const entry of fresh) known.set(nameOf(entry), entry)
      fresh.sort(byTime)
      const last = ordered.at(-1)
      ordered =
        last && fresh[0] && byTime(last, fresh[0]) <= 0 ? [...ordered, ...fresh] : [...ordered, ...fresh].sort(byTime)
      const lines = fresh.map((entry) => `${JSON.stringify(entry)}\n`).join('')
      if (ordered.length > maxEntries) {
        for (const entry of ordered.slice(0, -keptEntries)) known.delete(nameOf(entry))
        ordered = ordered.slice(-keptEntries)
        const whole = ordered.map((entry) => `${JSON.stringify(entry)}\n`).join('')
        if (file !== null) writing = writing.then(() => writePrivate(file, whole))
      } else if (file !== null) {
        const piece = separator + lines
        separator = ''
        writing = writing
          .then(() => makePrivateDirectory(dirname(file)))
          .then(() => appendFile(file, piece, { mode: 0o600 }))
          // The history on this machine is a copy; a full disk here must not stop the watch.
          .catch(() => undefined)
      }
      await writing
      return fresh
    },
    newest: (limit) => ordered.slice(-limit),
    lastOf: (director) => ordered.findLast((entry) => entry.director === director)?.atMs,
    async settled() {
      await writing
    },
  }
}
