/**
 * Which host keys are known: OpenSSH's known_hosts format, plain and hashed (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). The user's own
 * ~/.ssh/known_hosts is read and never written; keys accepted in Shoal are kept in a file of the same format in the data directory.
 */
import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from '../../domain/problem.ts'
import { writePrivate } from '../disk.ts'
import { matchesPatterns } from './config-file.ts'

interface Entry {
  readonly file: string
  readonly line: number
  readonly marker: 'none' | 'revoked' | 'authority'
  readonly hosts: string
  readonly algorithm: string
  /** The key blob in base64. */
  readonly key: string
}

/** Where a host's key is looked up: the name it is listed by, and the files to look into besides Shoal's own. */
export interface KeyPlace {
  readonly address: string
  readonly port: number
  /** Instead of the user's usual files (UserKnownHostsFile). */
  readonly files?: readonly string[]
}

/**
 * What is known of a presented key. `changed` covers another key of any kind, and a revoked one. `authority`: no plain key is known, but
 * a certificate authority is to vouch for the host, which Shoal does not ask.
 */
export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'authority'; readonly file: string; readonly line: number }
  | { readonly kind: 'changed'; readonly known: string; readonly file: string; readonly line: number }

export interface KnownHosts {
  judge(place: KeyPlace, key: Buffer): Promise<HostKeyVerdict>
  /** Algorithms of the keys known for the host, so that the server is asked for one of those first. */
  algorithms(place: KeyPlace): Promise<readonly string[]>
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
    if (hosts === undefined || algorithm === undefined || key === undefined) return
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') return
    const kind = marker === undefined ? 'none' : marker === '@revoked' ? 'revoked' : 'authority'
    entries.push({ file, line: at + 1, marker: kind, hosts, algorithm, key })
  })
  return entries
}

function matches(entry: Entry, name: string): boolean {
  if (entry.hosts.startsWith('|1|')) {
    const [, , salt, hash] = entry.hosts.split('|')
    if (salt === undefined || hash === undefined) return false
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
  }
  return matchesPatterns(entry.hosts.split(','), name)
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return ''
  }
}

/** Where the system's own list is; absent in tests. */
export const systemKnownHosts = '/etc/ssh/ssh_known_hosts'

/**
 * Opens the keys known to this user: `ownFile` (written by `trust`) before `~/.ssh/known_hosts` and `known_hosts2` or what
 * UserKnownHostsFile names instead, and the system's list (all read only).
 */
export function openKnownHosts(ownFile: string, home: string, systemFile?: string): KnownHosts {
  const usual = ['known_hosts', 'known_hosts2'].map((name) => join(home, '.ssh', name))

  // Read anew each time: the user may correct the file while Shoal runs, as the remedy of a changed key says.
  async function entriesFor(place: KeyPlace): Promise<readonly Entry[]> {
    const name = nameInFile(place.address, place.port)
    const files = [ownFile, ...(place.files ?? usual), ...(systemFile === undefined ? [] : [systemFile])]
    const texts = await Promise.all(files.map(async (file) => ({ file, text: await readOrEmpty(file) })))
    return texts.flatMap(({ file, text }) => parse(text, file)).filter((entry) => matches(entry, name))
  }

  return {
    async judge(place, key) {
      const entries = await entriesFor(place)
      const presented = key.toString('base64')
      const revoked = entries.find((entry) => entry.marker === 'revoked' && entry.key === presented)
      if (revoked) return { kind: 'changed', known: '@revoked', file: revoked.file, line: revoked.line }
      const usable = entries.filter((entry) => entry.marker === 'none')
      if (usable.some((entry) => entry.key === presented)) return { kind: 'known' }
      const other = usable.find((entry) => entry.algorithm === algorithmOf(key)) ?? usable[0]
      if (other !== undefined) {
        const known = fingerprintOf(Buffer.from(other.key, 'base64'))
        return { kind: 'changed', known, file: other.file, line: other.line }
      }
      const authority = entries.find((entry) => entry.marker === 'authority')
      return authority ? { kind: 'authority', file: authority.file, line: authority.line } : { kind: 'unknown' }
    },

    async algorithms(place) {
      const entries = await entriesFor(place)
      return [...new Set(entries.filter((entry) => entry.marker === 'none').map((entry) => entry.algorithm))]
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
