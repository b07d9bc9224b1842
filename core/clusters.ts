/**
 * The clusters this app has built: their draft and the lvs.cf that was written, one file each, and their keys. A cluster has the id of
 * the draft it was built from, so building it again changes the cluster and does not make a second one.
 */
import { randomBytes, createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { clusterDraftSchema } from '../domain/cluster.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import {
  fileNameOf,
  isAbsent,
  jsonFile,
  jsonNames,
  readJson,
  reasonOf,
  remove,
  writeJson,
  writePrivate,
} from './disk.ts'
import type { SecretStore } from './ports.ts'

const clusterSchema = z.object({
  id: z.string(),
  name: z.string(),
  builtAtMs: z.number(),
  draft: clusterDraftSchema,
  lvscf: z.string(),
})
export type Cluster = z.infer<typeof clusterSchema>

export interface Clusters {
  list(): Promise<readonly Cluster[]>
  get(id: string): Promise<Result<Cluster>>
  put(cluster: Cluster): Promise<Result<null>>
  forget(id: string): Promise<void>
}

export function openClusters(dataDir: string): Clusters {
  const directory = join(dataDir, 'clusters')
  return {
    async list() {
      const found: Cluster[] = []
      for (const name of await jsonNames(directory)) {
        const read = await readJson(join(directory, `${name}.json`), clusterSchema)
        if (read.ok && read.value) found.push(read.value)
      }
      return found.sort((a, b) => a.name.localeCompare(b.name))
    },
    async get(id) {
      const read = await readJson(jsonFile(directory, id), clusterSchema)
      if (!read.ok) return read
      return read.value ? ok(read.value) : failed(problem('not-found', { name: id }))
    },
    put: (cluster) => writeJson(jsonFile(directory, cluster.id), cluster),
    forget: (id) => remove(jsonFile(directory, id)),
  }
}

/** Bytes of a cluster key; directors sign their beats with it (HMAC-SHA-256). */
const keyBytes = 32

export interface ClusterKeys {
  /** The text of the key file of a cluster, made on first use. */
  of(clusterId: string): Promise<Result<string>>
  /** SHA-256 of that text; undefined when there is no key yet. */
  digest(clusterId: string): Promise<string | undefined>
  /** A key file's text that is nobody's yet. */
  fresh(): string
  /** Keeps another key for the cluster. */
  replace(clusterId: string, text: string): Promise<Result<null>>
  forget(clusterId: string): Promise<void>
}

/** Keys in the keychain where the host has one, else in files of mode 0600. */
export function openClusterKeys(dataDir: string, store: SecretStore | undefined): ClusterKeys {
  const fileOf = (clusterId: string): string => join(dataDir, 'keys', fileNameOf(clusterId))
  const nameOf = (clusterId: string): string => `shoal cluster-key ${clusterId}`

  async function read(clusterId: string): Promise<Result<string | undefined>> {
    const kept = await store?.get(nameOf(clusterId))
    if (kept !== undefined) return ok(kept)
    const file = fileOf(clusterId)
    try {
      return ok(await readFile(file, 'utf8'))
    } catch (error) {
      return isAbsent(error) ? ok(undefined) : failed(problem('file-unreadable', { file, reason: reasonOf(error) }))
    }
  }

  const fresh = (): string => `${randomBytes(keyBytes).toString('hex')}\n`

  async function replace(clusterId: string, text: string): Promise<Result<null>> {
    if (!store) return writePrivate(fileOf(clusterId), text)
    await store.put(nameOf(clusterId), text)
    return ok(null)
  }

  return {
    fresh,
    replace,
    async of(clusterId) {
      const before = await read(clusterId)
      if (!before.ok) return before
      if (before.value !== undefined) return ok(before.value)
      const text = fresh()
      const written = await replace(clusterId, text)
      return written.ok ? ok(text) : written
    },
    async digest(clusterId) {
      const kept = await read(clusterId)
      if (!kept.ok || kept.value === undefined) return undefined
      return createHash('sha256').update(kept.value).digest('hex')
    },
    async forget(clusterId) {
      await store?.forget(nameOf(clusterId))
      await remove(fileOf(clusterId))
    },
  }
}
