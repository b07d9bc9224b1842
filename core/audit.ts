/**
 * Who did what: one line of JSON for every request that changes something, in one file of the data directory, with the sign-in it came
 * from and how it ended. It is written once the answer is known, never holds what was typed (no text, no secret), and is bounded: the
 * file is put aside when it is full, and the one put aside before is dropped.
 */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import type { RequestName } from '../domain/contract/app.ts'
import type { Result } from '../domain/problem.ts'
import type { Log } from './ports.ts'

const fileName = 'audit.jsonl'
/** Full at this size; two such files are kept at most. */
const fileMostBytes = 4 * 1024 * 1024
const valueMostCharacters = 300

/** Requests that only look, or keep what is being typed: they say nothing of who did what. Any other one is written down. */
const unwritten: ReadonlySet<string> = new Set<RequestName>([
  'app.info',
  'app.log',
  'settings.get',
  'updates.ask',
  'drafts.list',
  'drafts.get',
  'drafts.keep',
  'hosts.config',
  'plan.make',
  'run.get',
  'run.of-draft',
  'run.output',
  'clusters.list',
  'clusters.get',
  'clusters.watch',
  'clusters.unwatch',
  'clusters.history',
  'clusters.trace',
  'notify.get',
  'plan.script',
  'runs.unfinished',
  'documents.decode',
  'documents.choose',
  'documents.recent',
  'documents.keep',
  'documents.kept',
  'documents.kept-list',
])

/** Arguments that name what was acted on. Others may hold what nobody else is to read. */
const named = [
  'id',
  'draftId',
  'runId',
  'draftRevision',
  'file',
  'address',
  'port',
  'user',
  'fingerprint',
  'director',
] as const
const alsoNamed = ['service', 'server', 'weight', 'reason', 'kind', 'revision', 'host', 'path', 'fault'] as const

/** Where a request came from: the desktop window, or a signed-in browser and its address. */
export interface Who {
  readonly via: 'window' | 'browser'
  /** First characters of the digest of the session's secret: tells sign-ins apart and opens nothing. */
  readonly session?: string
  readonly from?: string
}

export interface Audit {
  /** Writes one line down; a failure to do so is told to the log and hinders nothing. */
  note(who: Who, request: string, args: unknown, result: Result<unknown>): void
  /** What is not a request of the contract: signing in and out. */
  event(who: Who, what: string): void
  /** Waits for what is being written. */
  close(): Promise<void>
}

function whatOf(args: unknown): Record<string, string | number> {
  if (typeof args !== 'object' || args === null) return {}
  const given = args as Readonly<Record<string, unknown>>
  const kept: Record<string, string | number> = {}
  for (const name of [...named, ...alsoNamed]) {
    const value = given[name]
    if (typeof value === 'number') kept[name] = value
    if (typeof value === 'string') kept[name] = value.slice(0, valueMostCharacters)
  }
  return kept
}

export function openAudit(dataDir: string, log: Log): Audit {
  const file = path.join(dataDir, fileName)
  let writing: Promise<void> = Promise.resolve()
  let bytes: number | undefined

  async function append(line: string): Promise<void> {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    bytes ??= await stat(file).then(
      ({ size }) => size,
      () => 0,
    )
    if (bytes + line.length > fileMostBytes) {
      await rename(file, `${file}.1`).catch(() => undefined)
      bytes = 0
    }
    await appendFile(file, line, { mode: 0o600 })
    bytes += Buffer.byteLength(line)
  }

  function write(entry: Readonly<Record<string, unknown>>): void {
    const line = `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`
    writing = writing
      .then(() => append(line))
      .catch((error: Error) => log('warn', 'the audit line was not written', { file, reason: error.message }))
  }

  return {
    note(who, request, args, result) {
      if (unwritten.has(request)) return
      const ended = result.ok ? 'done' : result.problems.map(({ code }) => code)
      write({ ...who, request, ...whatOf(args), ended })
    },
    event: (who, what) => write({ ...who, what }),
    close: () => writing,
  }
}
