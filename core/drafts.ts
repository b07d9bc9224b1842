/**
 * The wizard's drafts on disk, one file each, so that closing the app loses nothing. Two windows may edit the same draft: a save names
 * the revision it was made from, and is refused when another save came first.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { clusterDraftSchema } from '../domain/cluster.ts'
import type { ClusterDraft, KeptDraft } from '../domain/cluster.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { jsonFile, jsonNames, readJson, remove, writeJson } from './disk.ts'

const keptSchema = z.object({
  revision: z.number().int(),
  savedAtMs: z.number(),
  draft: clusterDraftSchema,
})

export interface Drafts {
  list(): Promise<Result<readonly KeptDraft[]>>
  get(id: string): Promise<Result<KeptDraft>>
  /** Saves over `revision` (0 = new); `changed-meanwhile` when that is not the newest. */
  keep(
    draft: ClusterDraft,
    revision: number,
  ): Promise<Result<{ readonly revision: number; readonly savedAtMs: number }>>
  forget(id: string): Promise<Result<null>>
}

export function openDrafts(dataDir: string, now: () => number): Drafts {
  const directory = join(dataDir, 'drafts')
  let queue: Promise<unknown> = Promise.resolve()

  /** Saves one after the other: reading the revision and writing the next must not be interleaved. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => undefined)
    return done
  }

  async function get(id: string): Promise<Result<KeptDraft>> {
    const read = await readJson(jsonFile(directory, id), keptSchema)
    if (!read.ok) return read
    return read.value ? ok(read.value) : failed(problem('not-found', { name: id }))
  }

  return {
    get,
    async list() {
      const found: KeptDraft[] = []
      for (const name of await jsonNames(directory)) {
        const read = await readJson(join(directory, `${name}.json`), keptSchema)
        // One unreadable draft must not hide the others.
        if (read.ok && read.value) found.push(read.value)
      }
      return ok(found.sort((a, b) => b.savedAtMs - a.savedAtMs))
    },
    keep: (draft, revision) =>
      inTurn(async () => {
        const before = await get(draft.id)
        const newest = before.ok ? before.value.revision : 0
        if (!before.ok && before.problems[0]?.code !== 'not-found') return before
        if (newest !== revision) return failed(problem('changed-meanwhile', { name: draft.name || draft.id }))
        const kept = { revision: revision + 1, savedAtMs: now(), draft }
        const written = await writeJson(jsonFile(directory, draft.id), kept)
        return written.ok ? ok({ revision: kept.revision, savedAtMs: kept.savedAtMs }) : written
      }),
    forget: (id) =>
      inTurn(async () => {
        await remove(jsonFile(directory, id))
        return ok(null)
      }),
  }
}
