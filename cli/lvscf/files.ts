/** Files of the command line: read as bytes, written anew beside the old one and put in its place only when complete. */
import { readFile } from 'node:fs/promises'
import { replaceFile } from '../../core/atomic-file.ts'
import { reasonOf } from '../../core/disk.ts'
import type { Result } from '../../domain/problem.ts'
import { failed, ok, problem } from '../../domain/problem.ts'

/** The bytes of a file; `-` is standard input. */
export async function readBytes(file: string): Promise<Result<Uint8Array>> {
  try {
    if (file === '-') {
      const parts: Uint8Array[] = []
      for await (const part of process.stdin) parts.push(part as Uint8Array)
      return ok(new Uint8Array(Buffer.concat(parts)))
    }
    return ok(new Uint8Array(await readFile(file)))
  } catch (error) {
    return failed(problem('file-unreadable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  }
}

/**
 * Replaces what a file holds, through a link if it is one, keeping mode and owner. When anything fails (disk full, owner that cannot be
 * kept) the file is as it was. `expected` are the bytes the change was made from: when the file holds others by now it is left alone.
 */
export async function replaceBytes(file: string, bytes: Uint8Array, expected: Uint8Array): Promise<Result<null>> {
  let changed = false
  try {
    await replaceFile(file, bytes, {
      mode: 0o644,
      before: async (target) => {
        changed = Buffer.compare(await readFile(target), expected) !== 0
        if (changed) throw new Error('changed meanwhile')
      },
    })
    return ok(null)
  } catch (error) {
    if (changed) return failed(problem('changed-meanwhile', { name: file }, { kind: 'file', file }))
    return failed(problem('file-unwritable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  }
}
