/**
 * The command log of the clusters: what was sent to whom, when, and what was answered. Kept on this machine, bounded; that of the
 * simulated cluster is in memory only.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CommandLine } from '../../domain/acting.ts'
import { makePrivateDirectory, writePrivate } from '../disk.ts'

/** More lines than this are cut to the newest `keptLines`. */
const maxLines = 2_000
const keptLines = 1_500

export interface Commands {
  put(line: CommandLine): Promise<void>
  /** The newest lines of a cluster, newest first. */
  newest(clusterId: string, limit: number): readonly CommandLine[]
  /** Drops the lines of a cluster that were kept in memory. */
  drop(clusterId: string): void
}

/** Opens the log; a line that cannot be read is left out. `inMemory` says whose lines never reach the disk. */
export async function openCommands(file: string, inMemory: (clusterId: string) => boolean): Promise<Commands> {
  let lines: CommandLine[] = []
  let writing: Promise<unknown> = Promise.resolve()
  for (const text of (await readFile(file, 'utf8').catch(() => '')).split('\n')) {
    try {
      const line = JSON.parse(text) as CommandLine
      if (typeof line.id === 'string' && typeof line.clusterId === 'string') lines.push(line)
    } catch {
      // Empty, or half a line: the machine stopped while it was written.
    }
  }
  return {
    async put(line) {
      lines.push(line)
      const tooMany = lines.length > maxLines
      if (tooMany) lines = lines.slice(-keptLines)
      if (inMemory(line.clusterId)) return
      const kept = lines.filter(({ clusterId }) => !inMemory(clusterId))
      const write: () => Promise<unknown> = tooMany
        ? () => writePrivate(file, kept.map((one) => `${JSON.stringify(one)}\n`).join(''))
        : () =>
            makePrivateDirectory(dirname(file)).then(() =>
              appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600 }),
            )
      // A full disk here must not keep an order from a director; the line is still shown.
      writing = writing.then(write).catch(() => undefined)
      await writing
    },
    newest: (clusterId, limit) =>
      lines
        .filter((line) => line.clusterId === clusterId)
        .slice(-limit)
        .reverse(),
    drop(clusterId) {
      lines = lines.filter((line) => line.clusterId !== clusterId)
    },
  }
}
