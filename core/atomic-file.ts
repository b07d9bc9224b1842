/**
 * Replacing a file whole: the new bytes are complete on the disk beside the old ones before they take their name, so a crash or a full
 * disk leaves the old file as it was. Our own and not `write-file-atomic`, which makes one write(2) and does not look whether all of it
 * was written: on a disk that fills up it puts the beginning of the new text in the place of the whole old one.
 */
import { randomBytes } from 'node:crypto'
import { open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface Replacing {
  /** Mode of a file that is not there yet, and of one that is when `force` is set. */
  readonly mode: number
  /** Gives a present file `mode` too, instead of keeping its own. */
  readonly force?: boolean
  /** Asked when the new bytes are on the disk and before they take the name; throwing leaves the old file. */
  readonly before?: (target: string) => Promise<void>
}

/**
 * Writes `bytes` to `file`, through a link to what it names, keeping the owner (and unless `force` the mode) of a present file.
 * Throws the file system's error, or one that says the target is no regular file; the old file is then untouched and nothing is left beside it.
 */
export async function replaceFile(file: string, bytes: Uint8Array | string, how: Replacing): Promise<void> {
  const target = await realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return file
    throw error
  })
  const present = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  // A device or a pipe has no old bytes to replace; renaming over /dev/null would take it from the whole machine.
  if (present && !present.isFile()) throw new Error('not a regular file')
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}`)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      const made = await handle.stat()
      if (present && (made.uid !== present.uid || made.gid !== present.gid))
        await handle.chown(present.uid, present.gid)
      await handle.chmod(present && how.force !== true ? present.mode & 0o7777 : how.mode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await how.before?.(target)
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  // Windows cannot open a directory; there the rename is all that can be had.
  if (process.platform !== 'win32') {
    const directory = await open(dirname(target), 'r')
    await directory.sync().finally(() => directory.close())
  }
}
