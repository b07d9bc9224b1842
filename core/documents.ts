/**
 * lvs.cf files on this machine: opened with every byte kept, saved atomically with owner and mode kept, never over a version nobody
 * has seen. What is typed and not saved yet is kept beside them in the data directory, so that a crash loses nothing.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { documentEncodings } from '../domain/contract/app.ts'
import type { Answer, Args, KeptDocument, RequestName } from '../domain/contract/app.ts'
import type { Result } from '../domain/problem.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import { replaceFile } from './atomic-file.ts'
import { isAbsent, jsonNames, readJson, reasonOf, remove, writeJson } from './disk.ts'
import { decodeDocument, encodeDocument } from './document-bytes.ts'

/** A 10,000-real-server file has 1 MB. */
const largestDocumentBytes = 8_000_000
const recentMost = 20
/** Piranha's packages install lvs.cf for root and its group; a new one here is for everybody to read. */
const newDocumentMode = 0o644

const recentSchema = z.object({ files: z.array(z.string()) })
const keptSchema = z.object({
  file: z.string().nullable(),
  text: z.string(),
  encoding: z.enum(documentEncodings),
  base: z.string(),
  digest: z.string().nullable(),
  keptAtMs: z.number(),
})

type DocumentRequest = Extract<RequestName, `documents.${string}`>
export type DocumentHandlers = { readonly [N in DocumentRequest]: (args: Args<N>) => Promise<Result<Answer<N>>> }

/** SHA-256 of a document's bytes, in hexadecimal. */
function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The handlers of every `documents.*` request. A relative path and `~/` are meant from `home`. */
export function documentHandlers(ports: {
  readonly dataDir: string
  readonly home: string
  readonly nowMs?: () => number
}): DocumentHandlers {
  const nowMs = ports.nowMs ?? Date.now
  const recentFile = join(ports.dataDir, 'documents', 'recent.json')
  const keptDirectory = join(ports.dataDir, 'documents', 'kept')

  function absolute(file: string): string {
    if (file.startsWith('~/')) return join(ports.home, file.slice(2))
    return isAbsolute(file) ? resolve(file) : resolve(ports.home, file)
  }

  function keptName(file: string | null): string {
    return file === null ? 'new' : createHash('sha256').update(absolute(file)).digest('hex')
  }

  function keptFile(file: string | null): string {
    return join(keptDirectory, `${keptName(file)}.json`)
  }

  async function bytesOf(file: string): Promise<Result<Uint8Array | undefined>> {
    try {
      const { size } = await stat(file)
      if (size > largestDocumentBytes) {
        const detail = { file, bytes: size, limit: largestDocumentBytes }
        return failed(problem('document-too-large', detail, { kind: 'file', file }))
      }
      return ok(new Uint8Array(await readFile(file)))
    } catch (error) {
      if (isAbsent(error)) return ok(undefined)
      return failed(problem('file-unreadable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
    }
  }

  async function recent(): Promise<readonly string[]> {
    const read = await readJson(recentFile, recentSchema)
    return read.ok ? (read.value?.files ?? []) : []
  }

  async function remember(file: string): Promise<void> {
    const files = [file, ...(await recent()).filter((other) => other !== file)].slice(0, recentMost)
    // That a file is not in the list of recent ones is no reason to fail opening it.
    await writeJson(recentFile, { files })
  }

  return {
    async 'documents.open'({ file: asked }) {
      const file = absolute(asked)
      const bytes = await bytesOf(file)
      if (!bytes.ok) return bytes
      if (!bytes.value) {
        return failed(problem('file-unreadable', { file, reason: 'ENOENT: no such file' }, { kind: 'file', file }))
      }
      await remember(file)
      return ok({ file, digest: digestOf(bytes.value), ...decodeDocument(bytes.value) })
    },

    async 'documents.save'({ file: asked, text, digest, encoding }) {
      const file = absolute(asked)
      const bytes = encodeDocument(text, encoding ?? 'utf-8')
      if (!bytes.ok) return bytes
      const present = await bytesOf(file)
      if (!present.ok) return present
      if ((present.value ? digestOf(present.value) : null) !== digest) {
        return failed(problem('changed-meanwhile', { name: basename(file) }, { kind: 'file', file }))
      }
      try {
        // Keeps owner and mode of the present file, and writes through a link to what it names.
        await replaceFile(file, bytes.value, { mode: newDocumentMode })
      } catch (error) {
        return failed(problem('file-unwritable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
      }
      await remember(file)
      return ok({ file, digest: digestOf(bytes.value) })
    },

    async 'documents.recent'() {
      return ok(await recent())
    },

    async 'documents.keep'({ file, text, encoding, base, digest }) {
      const kept: KeptDocument = {
        file: file === null ? null : absolute(file),
        text,
        encoding,
        base,
        digest,
        keptAtMs: nowMs(),
      }
      return writeJson(keptFile(file), kept)
    },

    async 'documents.kept'({ file }) {
      const read = await readJson(keptFile(file), keptSchema)
      return read.ok ? ok(read.value ?? null) : read
    },

    async 'documents.kept-list'() {
      const found: { readonly file: string | null; readonly keptAtMs: number }[] = []
      for (const name of await jsonNames(keptDirectory)) {
        const read = await readJson(join(keptDirectory, `${name}.json`), keptSchema)
        if (read.ok && read.value) found.push({ file: read.value.file, keptAtMs: read.value.keptAtMs })
      }
      return ok(found.sort((a, b) => b.keptAtMs - a.keptAtMs))
    },

    async 'documents.forget'({ file }) {
      await remove(keptFile(file))
      return ok(null)
    },
  }
}
