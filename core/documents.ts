/**
 * lvs.cf files on this machine and on hosts (`ssh://user@host/path`): opened with every byte kept, saved atomically with owner and mode
 * kept, never over a version nobody has seen. What is typed and not saved yet is kept in the data directory here, so that a crash or a
 * host that went away loses nothing.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { loginSchema } from '../domain/cluster.ts'
import type { HostDraft, Login } from '../domain/cluster.ts'
import type { Answer, Args, KeptDocument, RequestName } from '../domain/contract/app.ts'
import { documentEncodings } from '../domain/document-encodings.ts'
import type { Result } from '../domain/problem.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import { isRemoteName, placeName, readRemoteName, remoteName } from '../domain/remote-file.ts'
import type { RemoteFile } from '../domain/remote-file.ts'
import { replaceFile } from './atomic-file.ts'
import { isAbsent, jsonNames, readJson, reasonOf, remove, writeJson } from './disk.ts'
import { decodeDocument, decodeDocumentAs, encodeDocument } from './document-bytes.ts'
import { plainPath, readHostFile, replaceHostFile } from './host-file.ts'
import type { Ports } from './ports.ts'
import type { Hosts } from './ssh/hosts.ts'
import type { Session } from './ssh/session.ts'

/** A 10,000-real-server file has 1 MB. */
const largestDocumentBytes = 8_000_000
const recentMost = 20
/** Documents whose base is remembered between two keeps. */
const basesMost = 4
/** Hosts whose way to log in is remembered for their documents. */
const loginsMost = 100
/** Piranha's packages install lvs.cf for root and its group; a new one here is for everybody to read. */
const newDocumentMode = 0o644

const recentSchema = z.object({ files: z.array(z.string()) })
/** How to log in where (`ssh://user@host`); never a secret. */
const loginsSchema = z.object({ logins: z.record(z.string(), loginSchema) })
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

export interface DocumentPorts {
  readonly dataDir: string
  readonly home: string
  readonly hosts: Pick<Hosts, 'session'>
  /** How a built cluster logs in to a host it has; undefined when no cluster has it. */
  readonly clusterLogin?: (place: Omit<RemoteFile, 'path'>) => Promise<Login | undefined>
  readonly chooseFile?: Ports['chooseFile']
  readonly nowMs?: () => number
}

/** The handlers of every `documents.*` request. A relative path and `~/` are meant from `home`. */
export function documentHandlers(ports: DocumentPorts): DocumentHandlers {
  const nowMs = ports.nowMs ?? Date.now
  const recentFile = join(ports.dataDir, 'documents', 'recent.json')
  const keptDirectory = join(ports.dataDir, 'documents', 'kept')
  const loginsFile = join(ports.dataDir, 'documents', 'logins.json')

  /** The one name of a file, here or on a host. */
  function absolute(file: string): string {
    const remote = readRemoteName(file)
    if (remote) return remoteName({ ...remote, path: plainPath(remote.path) })
    if (isRemoteName(file)) return file
    if (file.startsWith('~/')) return join(ports.home, file.slice(2))
    return isAbsolute(file) ? resolve(file) : resolve(ports.home, file)
  }

  function keptName(file: string | null): string {
    return file === null ? 'new' : createHash('sha256').update(absolute(file)).digest('hex')
  }

  function keptFile(file: string | null): string {
    return join(keptDirectory, `${keptName(file)}.json`)
  }

  async function logins(): Promise<Readonly<Record<string, Login>>> {
    const read = await readJson(loginsFile, loginsSchema)
    return read.ok ? (read.value?.logins ?? {}) : {}
  }

  /** The session to the host of a file. What was chosen last for this host is remembered once it let us in. */
  async function sessionTo(remote: RemoteFile, chosen: Login | undefined): Promise<Result<Session>> {
    const place = placeName(remote)
    const known = (await logins())[place]
    const login = chosen ?? known ?? (await ports.clusterLogin?.(remote)) ?? { kind: 'agent', keyFile: '' }
    const { user, address, port } = remote
    const host: HostDraft = { id: place, name: address, address, port: String(port), user, login, clusterAddress: '' }
    const session = await ports.hosts.session(host)
    if (session.ok && JSON.stringify(known) !== JSON.stringify(login)) {
      const { [place]: _before, ...others } = await logins()
      const kept = Object.entries(others).slice(-loginsMost + 1)
      await writeJson(loginsFile, { logins: Object.fromEntries([...kept, [place, login]]) })
    }
    return session
  }

  function unknownPlace(file: string): Result<never> {
    return failed(problem('document-place-malformed', { file }, { kind: 'file', file }))
  }

  /** The bytes of a file here or on a host; undefined when there is none. */
  async function bytesOf(file: string, login?: Login): Promise<Result<Uint8Array | undefined>> {
    if (isRemoteName(file)) {
      const remote = readRemoteName(file)
      if (!remote) return unknownPlace(file)
      const session = await sessionTo(remote, login)
      return session.ok ? readHostFile(session.value, remote.path) : session
    }
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

  /** What was last typed over, by the name of what is kept. */
  const bases = new Map<string, string>()

  async function recent(): Promise<readonly string[]> {
    const read = await readJson(recentFile, recentSchema)
    return read.ok ? (read.value?.files ?? []) : []
  }

  /** The last change of the list of recent files; each waits for the one before. */
  let remembered: Promise<unknown> = Promise.resolve()
  /** Nobody waits for it: that a file is not in the list is no reason to fail or delay opening it. */
  function remember(file: string): Promise<unknown> {
    remembered = remembered.then(async () => {
      const files = [file, ...(await recent()).filter((other) => other !== file)].slice(0, recentMost)
      await writeJson(recentFile, { files })
    })
    return remembered
  }

  return {
    async 'documents.open'({ file: asked, login, encoding }) {
      const file = absolute(asked)
      const bytes = await bytesOf(file, login)
      if (!bytes.ok) return bytes
      if (!bytes.value) {
        return failed(problem('file-unreadable', { file, reason: 'ENOENT: no such file' }, { kind: 'file', file }))
      }
      const decoded = encoding ? decodeDocumentAs(bytes.value, encoding) : ok(decodeDocument(bytes.value))
      if (!decoded.ok) return decoded
      void remember(file)
      return ok({ file, digest: digestOf(bytes.value), ...decoded.value })
    },

    async 'documents.save'({ file: asked, text, digest, encoding, login }) {
      const file = absolute(asked)
      const bytes = encodeDocument(text, encoding ?? 'utf-8')
      if (!bytes.ok) return bytes
      if (isRemoteName(file)) {
        const remote = readRemoteName(file)
        if (!remote) return unknownPlace(file)
        const session = await sessionTo(remote, login)
        if (!session.ok) return session
        const replaced = await replaceHostFile(session.value, remote.path, bytes.value, digest)
        if (!replaced.ok) return replaced
        void remember(file)
        return ok({ file, digest: digestOf(bytes.value) })
      }
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
      void remember(file)
      return ok({ file, digest: digestOf(bytes.value) })
    },

    async 'documents.choose'({ purpose, suggested }) {
      if (!ports.chooseFile) return failed(problem('no-file-dialog'))
      const begin = suggested === null || isRemoteName(suggested) ? undefined : absolute(suggested)
      return ok((await ports.chooseFile(purpose, begin)) ?? null)
    },

    async 'documents.decode'({ base64 }) {
      const bytes = Buffer.from(base64, 'base64')
      if (bytes.length <= largestDocumentBytes) return ok(decodeDocument(new Uint8Array(bytes)))
      return failed(problem('document-too-large', { file: '-', bytes: bytes.length, limit: largestDocumentBytes }))
    },

    async 'documents.recent'() {
      await remembered
      return ok(await recent())
    },

    async 'documents.keep'({ file, encoding, base: given, digest, change: { from, to, insert } }) {
      const name = keptName(file)
      const base = given ?? bases.get(name)
      if (base === undefined) return failed(problem('document-base-unknown'))
      bases.delete(name)
      bases.set(name, base)
      for (const oldest of [...bases.keys()].slice(0, -basesMost)) bases.delete(oldest)
      const kept: KeptDocument = {
        file: file === null ? null : absolute(file),
        text: base.slice(0, from) + insert + base.slice(Math.max(from, to)),
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
