/**
 * How far each channel has come in the director's journal, in /var/lib/shoal/notify.json. Written after every delivery and on disk before
 * the next one begins: what a crash loses is at most that something was told, so it is told again.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { json, replaceFile } from '../remembered.ts'

/** A line of the journal: start of the agent and number within it. */
export interface Position {
  readonly boot: string
  readonly seq: number
}

const schema = z.object({
  channels: z.record(z.string().max(40), z.object({ boot: z.string().max(200), seq: z.number() })),
})

/** Whether `a` stands behind `b` in the journal; starts of an agent have rising numbers. */
export function isAfter(a: Position, b: Position): boolean {
  return a.boot === b.boot ? a.seq > b.seq : Number(a.boot) > Number(b.boot)
}

export interface Positions {
  readonly of: (channel: string) => Position | undefined
  /** Keeps the positions of these channels and no others. Throws when the disk does not take them. */
  readonly keep: (channels: Readonly<Record<string, Position>>) => Promise<void>
}

export async function openPositions(file: string): Promise<Positions> {
  const read = schema.safeParse(json(await readFile(file, 'utf8').catch(() => '')))
  const known = read.success ? read.data.channels : {}
  let writing: Promise<void> = Promise.resolve()
  return {
    of: (channel) => known[channel],
    keep(channels) {
      writing = writing.catch(() => undefined).then(() => replaceFile(file, `${JSON.stringify({ channels })}\n`, true))
      return writing
    },
  }
}
