/**
 * Passwords that outlive the window: encrypted by the operating system's keychain (Electron safeStorage) and kept in one file. Where
 * there is no real keychain there is no store, and the core keeps secrets in memory only: Chromium's `basic_text` fallback encrypts
 * with a key everybody knows.
 */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../core/atomic-file.ts'
import type { SecretStore } from '../core/ports.ts'

const fileName = 'secrets.json'
const fileSchema = z.record(z.string(), z.string())

/** The part of Electron's safeStorage that is used. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean
  encryptString(text: string): Buffer
  decryptString(encrypted: Buffer): string
  getSelectedStorageBackend?(): string
}

/** The store, or undefined where this machine has no keychain to trust. */
export function keychain(safe: SafeStorage, dataDir: string): SecretStore | undefined {
  if (!safe.isEncryptionAvailable()) return undefined
  const backend = safe.getSelectedStorageBackend?.()
  if (backend === 'basic_text' || backend === 'unknown') return undefined
  const file = path.join(dataDir, fileName)
  let changing: Promise<unknown> = Promise.resolve()

  async function read(): Promise<Record<string, string>> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(file, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw error
    }
  }

  /** One change after the other: two at once would each write the file without the other's secret. */
  function change(edit: (kept: Map<string, string>) => void): Promise<void> {
    const mine = changing.then(async () => {
      const kept = new Map(Object.entries(await read()))
      edit(kept)
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      await replaceFile(file, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600, force: true })
    })
    changing = mine.catch(() => undefined)
    return mine
  }

  return {
    async get(name) {
      const encrypted = (await read())[name]
      if (encrypted === undefined) return undefined
      try {
        return safe.decryptString(Buffer.from(encrypted, 'base64'))
      } catch {
        // Encrypted by another keychain (a copied data directory): as good as not kept.
        return undefined
      }
    },
    put: (name, secret) =>
      change((kept) => {
        kept.set(name, safe.encryptString(secret).toString('base64'))
      }),
    forget: (name) =>
      change((kept) => {
        kept.delete(name)
      }),
  }
}
