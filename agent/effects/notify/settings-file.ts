/**
 * The channels of a director on disk: /etc/shoal/notify.json, for root alone. It holds secrets, so nothing of what is in it goes into
 * what is said about it.
 */
import { open, readFile, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { notifySettingsSchema, type NotifySettings } from '../../../domain/notify.ts'
import { json, replaceFile } from '../remembered.ts'

const mode = 0o600
const othersMayRead = 0o077
const mostBytes = 256 * 1024

export const noSettings: NotifySettings = { version: 1, cluster: '', channels: [] }

export interface ReadSettings {
  readonly settings: NotifySettings
  /** Why the file cannot be used. */
  readonly unreadable?: string
  /** It can be used and is not as it should be. */
  readonly warning?: string
}

/** Reads the file; none is as no channels. */
export async function readSettings(file: string): Promise<ReadSettings> {
  let text: string
  let warning: string | undefined
  try {
    const found = await stat(file)
    if (found.size > mostBytes)
      return { settings: noSettings, unreadable: `${file} is longer than ${mostBytes} bytes.` }
    if ((found.mode & othersMayRead) !== 0)
      warning = `${file} holds secrets and is not for root alone (mode ${(found.mode & 0o777).toString(8)}); chmod 600 ${file}`
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { settings: noSettings }
    return { settings: noSettings, unreadable: `${file} cannot be read: ${code ?? 'it is no file'}.` }
  }
  const parsed = json(text)
  if (parsed === null) return { settings: noSettings, unreadable: `${file} is not JSON.` }
  const read = notifySettingsSchema.safeParse(parsed)
  if (!read.success) {
    const at = read.error.issues[0]?.path.join('.') ?? ''
    return { settings: noSettings, unreadable: `${file} is not as it should be${at === '' ? '' : ` at ${at}`}.` }
  }
  return { settings: read.data, ...(warning === undefined ? {} : { warning }) }
}

/** Replaces the file and brings it to the disk; without channels it goes. Throws with the reason. */
export async function writeSettings(file: string, settings: NotifySettings): Promise<void> {
  if (settings.channels.length === 0)
    await unlink(file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
  else await replaceFile(file, `${JSON.stringify(settings, undefined, 1)}\n`, true, mode)
  const folder = await open(path.dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
