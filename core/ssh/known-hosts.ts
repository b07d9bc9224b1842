/**
 * Which host keys are known: OpenSSH's known_hosts format, plain and hashed (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). The user's own
 * ~/.ssh/known_hosts is read and never written; keys accepted in Shoal are kept in a file of the same format in the data directory.
 */
import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from '../../domain/problem.ts'
import { writePrivate } from '../disk.ts'

interface Entry {
  readonly file: string
  readonly line: number
  readonly revoked: boolean
  readonly hosts: string
  readonly algorithm: string
  /** The key blob in base64. */
  readonly key: string
}

/** What is known of a presented key. `changed` covers another key of any kind, and a revoked one. */
export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly known: string; readonly file: string; readonly line: number }

export interface KnownHosts {
  judge(address: string, port: number, key: Buffer): Promise<HostKeyVerdict>
  /** Algorithms of the keys known for the host, so that the server is asked for one of those first. */
  algorithms(address: string, port: number): Promise<readonly string[]>
  trust(address: string, port: number, key: Buffer): Promise<Result<null>>
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The algorithm named inside a key blob (RFC 4253 §6.6); empty when the blob is none. */
export function algorithmOf(key: Buffer): string {
  if (key.length < 4) return ''
  const length = key.readUInt32BE(0)
  return length > 0 && length <= 64 && key.length >= 4 + length ? key.subarray(4, 4 + length).toString('latin1') : ''
}

function nameInFile(address: string, port: number): string {
  return port === 22 ? address : `[${address}]:${port}`
}

function parse(text: string, file: string): readonly Entry[] {
  const entries: Entry[] = []
  text.split(/\r?\n/).forEach((raw, at) => {
    const words = raw.trim().split(/\s+/)
    const first = words[0] ?? ''
    if (first === '' || first.startsWith('#')) return
    const marker = first.startsWith('@') ? words.shift() : undefined
    const [hosts, algorithm, key] = words
    // Certificate authorities vouch for keys we are not shown; Shoal compares plain keys only.
    if (marker === '@cert-authority' || hosts === undefined || algorithm === undefined || key === undefined) return
    entries.push({ file, line: at + 1, revoked: marker === '@revoked', hosts, algorithm, key })
  })
  return entries
}

function patternMatches(pattern: string, name: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${escaped}$`, 'i').test(name)
}

function matches(entry: Entry, name: string): boolean {
  if (entry.hosts.startsWith('|1|')) {
    const [, , salt, hash] = entry.hosts.split('|')
    if (salt === undefined || hash === undefined) return false
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
  }
  let matched = false
  for (const pattern of entry.hosts.split(',')) {
    if (pattern.startsWith('!')) {
      if (patternMatches(pattern.slice(1), name)) return false
    } else if (patternMatches(pattern, name)) {
      matched = true
    }
  }
  return matched
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return ''
  }
}

/** Opens the keys known to this user: `ownFile` (written by `trust`) before `~/.ssh/known_hosts` (read only). */
export function openKnownHosts(ownFile: string, home: string): KnownHosts {
  const files = [ownFile, join(home, '.ssh', 'known_hosts')]

  // Read anew each time: the user may correct the file while Shoal runs, as the remedy of a changed key says.
  async function entriesFor(address: string, port: number): Promise<readonly Entry[]> {
    const name = nameInFile(address, port)
    const texts = await Promise.all(files.map(async (file) => ({ file, text: await readOrEmpty(file) })))
    return texts.flatMap(({ file, text }) => parse(text, file)).filter((entry) => matches(entry, name))
  }

  return {
    async judge(address, port, key) {
      const entries = await entriesFor(address, port)
      const presented = key.toString('base64')
      const revoked = entries.find((entry) => entry.revoked && entry.key === presented)
      if (revoked) return { kind: 'changed', known: '@revoked', file: revoked.file, line: revoked.line }
      const usable = entries.filter((entry) => !entry.revoked)
      if (usable.some((entry) => entry.key === presented)) return { kind: 'known' }
      const other = usable.find((entry) => entry.algorithm === algorithmOf(key)) ?? usable[0]
      if (other === undefined) return { kind: 'unknown' }
      const known = fingerprintOf(Buffer.from(other.key, 'base64'))
      return { kind: 'changed', known, file: other.file, line: other.line }
    },

    async algorithms(address, port) {
      const entries = await entriesFor(address, port)
      return [...new Set(entries.filter((entry) => !entry.revoked).map((entry) => entry.algorithm))]
    },

    async trust(address, port, key) {
      const name = nameInFile(address, port)
      const before = await readOrEmpty(ownFile)
      const line = `${name} ${algorithmOf(key)} ${key.toString('base64')}\n`
      if (before.includes(line)) return { ok: true, value: null }
      return writePrivate(ownFile, before === '' || before.endsWith('\n') ? before + line : `${before}\n${line}`)
    },
  }
}
