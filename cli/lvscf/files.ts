/** Files of the command line: read as bytes, written anew beside the old one and put in its place only when complete. */
import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
 * Replaces what a file holds, through a link if it is one, keeping mode and owner. The new bytes are on the disk before the old ones go;
 * when anything fails (disk full, owner that cannot be kept) the file is as it was. `expected` are the bytes the change was made from:
 * when the file holds others by now it is left alone.
 */
export async function replaceBytes(file: string, bytes: Uint8Array, expected: Uint8Array): Promise<Result<null>> {
  let temporary: string | undefined
  try {
    const target = await realpath(file)
    const present = await stat(target)
    temporary = join(dirname(target), `.${randomBytes(6).toString('hex')}.shoal`)
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      const made = await handle.stat()
      if (made.uid !== present.uid || made.gid !== present.gid) await handle.chown(present.uid, present.gid)
      await handle.chmod(present.mode & 0o7777)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (Buffer.compare(await readFile(target), expected) !== 0) {
      return failed(problem('changed-meanwhile', { name: file }, { kind: 'file', file }))
    }
    await rename(temporary, target)
    temporary = undefined
    const directory = await open(dirname(target), 'r')
    await directory.sync().finally(() => directory.close())
    return ok(null)
  } catch (error) {
    return failed(problem('file-unwritable', { file, reason: reasonOf(error) }, { kind: 'file', file }))
  } finally {
    if (temporary !== undefined) await unlink(temporary).catch(() => undefined)
  }
}
