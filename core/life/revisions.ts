/** The revisions of a cluster's configuration on disk, newest last; bounded, and never rewritten. */
import { join } from 'node:path'
import { z } from 'zod'
import { clusterDraftSchema } from '../../domain/cluster.ts'
import type { Revision } from '../../domain/life.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { jsonFile, readJson, remove, writeJson } from '../disk.ts'

/** Older ones are dropped, the first one never. */
const keptRevisions = 200

const revisionSchema = z.object({
  number: z.number().int(),
  atMs: z.number(),
  author: z.string(),
  reason: z.string(),
  how: z.enum(['built', 'changed', 'adopted']),
  draft: clusterDraftSchema,
  lvscf: z.string(),
  digest: z.string(),
})
const fileSchema = z.object({ revisions: z.array(revisionSchema) })

export interface Revisions {
  /** Oldest first. */
  list(clusterId: string): Promise<Result<readonly Revision[]>>
  get(clusterId: string, number: number): Promise<Result<Revision>>
  /** Keeps a new one; the same lvs.cf and draft as the newest is no new one. */
  add(clusterId: string, revision: Omit<Revision, 'number'>): Promise<Result<null>>
  forget(clusterId: string): Promise<void>
}

export function openRevisions(dataDir: string): Revisions {
  const fileOf = (clusterId: string): string => jsonFile(join(dataDir, 'revisions'), clusterId)
  let queue: Promise<unknown> = Promise.resolve()

  async function list(clusterId: string): Promise<Result<readonly Revision[]>> {
    const read = await readJson(fileOf(clusterId), fileSchema)
    return read.ok ? ok(read.value?.revisions ?? []) : read
  }

  async function append(clusterId: string, revision: Omit<Revision, 'number'>): Promise<Result<null>> {
    const before = await list(clusterId)
    if (!before.ok) return before
    const newest = before.value.at(-1)
    const same = newest?.lvscf === revision.lvscf && JSON.stringify(newest.draft) === JSON.stringify(revision.draft)
    if (same) return ok(null)
    const all = [...before.value, { ...revision, number: (newest?.number ?? 0) + 1 }]
    const kept = all.length > keptRevisions ? [...all.slice(0, 1), ...all.slice(1 - keptRevisions)] : all
    return writeJson(fileOf(clusterId), { revisions: kept })
  }

  return {
    list,
    async get(clusterId, number) {
      const all = await list(clusterId)
      if (!all.ok) return all
      const found = all.value.find((each) => each.number === number)
      return found ? ok(found) : failed(problem('not-found', { name: `revision ${number}` }))
    },
    add(clusterId, revision) {
      const done = queue.then(() => append(clusterId, revision))
      queue = done.catch(() => undefined)
      return done
    },
    forget: (clusterId) => remove(fileOf(clusterId)),
  }
}
