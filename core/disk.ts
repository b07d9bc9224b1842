/**
 * Small JSON files in the data directory: read and validated at the door, written atomically (a crash leaves the old file or the new
 * one, never half of either). Errors of the file system come back as problems.
 */
import { mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { z } from 'zod'
import { replaceFile } from './atomic-file.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'

/** Only this user reads what Shoal keeps. */
const privateDirectory = 0o700
const privateFile = 0o600

/** The reason of a file system error in few words: `ENOSPC: no space left on device`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  const text = error.message.replace(/^[A-Z0-9_]+: /, '').replace(/, .*$/s, '')
  return code === undefined ? text : `${code}: ${text}`
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT'
}

export async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: privateDirectory })
}

/** Reads and validates a JSON file; absent → `ok(undefined)`, unreadable or of another form → `file-unreadable`. */
export async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<Result<T | undefined>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return ok(undefined)
    return failed(problem('file-unreadable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  }
  try {
    const read = schema.safeParse(JSON.parse(text))
    if (read.success) return ok(read.data)
    const issue = read.error.issues[0]
    return failed(
      problem('file-unreadable', { file, reason: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() }),
    )
  } catch (error) {
    return failed(problem('file-unreadable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  }
}

/** Writes text with mode 0600, making the directory; whatever was there stays when it fails. */
export async function writePrivate(file: string, text: string): Promise<Result<null>> {
  try {
    await makePrivateDirectory(dirname(file))
    await replaceFile(file, text, { mode: privateFile, force: true })
    return ok(null)
  } catch (error) {
    return failed(problem('file-unwritable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  }
}

export function writeJson(file: string, value: unknown): Promise<Result<null>> {
  return writePrivate(file, `${JSON.stringify(value, undefined, 1)}\n`)
}

/** Names of the `.json` files of a directory without their ending; empty when there is no directory. */
export async function jsonNames(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory)
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
  } catch {
    return []
  }
}

export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}

/** An id as a file name: everything but plain characters is escaped, so that no id leaves its directory. */
export function fileNameOf(id: string): string {
  return encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A')
}

export function jsonFile(directory: string, id: string): string {
  return join(directory, `${fileNameOf(id)}.json`)
}
