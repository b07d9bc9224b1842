/**
 * Passwords and passphrases: in memory for the session, and in the host's keychain where it has one. They go in by `secrets.keep` and
 * out only to the SSH session that needs them; nothing here is ever written to a file, a log or a command line by the core.
 */
import type { SecretStore } from './ports.ts'

/** `code` is a one-time code: kept in memory until the one login that takes it, never in the keychain. */
export type SecretKind = 'password' | 'passphrase' | 'sudo' | 'code'

/** Whose secret it is. */
export interface Owner {
  readonly address: string
  readonly port: number
  readonly user: string
}

export interface Secrets {
  keep(owner: Owner, kind: SecretKind, secret: string): Promise<void>
  get(owner: Owner, kind: SecretKind): Promise<string | undefined>
}

function nameOf({ address, port, user }: Owner, kind: SecretKind): string {
  return `shoal ${kind} ${user}@${address}:${port}`
}

/** Secrets of this session; an empty secret forgets the one kept before. */
export function openSecrets(store: SecretStore | undefined): Secrets {
  const kept = new Map<string, string>()
  return {
    async keep(owner, kind, secret) {
      const name = nameOf(owner, kind)
      if (kind === 'code') {
        if (secret === '') kept.delete(name)
        else kept.set(name, secret)
        return
      }
      if (secret === '') {
        kept.delete(name)
        await store?.forget(name)
        return
      }
      kept.set(name, secret)
      await store?.put(name, secret)
    },
    async get(owner, kind) {
      const name = nameOf(owner, kind)
      if (kind === 'code') {
        const code = kept.get(name)
        kept.delete(name)
        return code
      }
      return kept.get(name) ?? (await store?.get(name))
    },
  }
}
