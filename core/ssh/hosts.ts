/**
 * The SSH sessions of the application: one per host and login, shared by facts, runs and the live watch, made when needed and closed
 * when nothing has used it for a while.
 */
import type { HostDraft } from '../../domain/cluster.ts'
import type { HostKey } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { openSession } from './session.ts'
import type { Session, SessionPorts, Target } from './session.ts'

/** A session nobody used for this long is closed; a watch's open socket counts as use. */
const idleMs = 120_000
const maxUnknownKeys = 100

export interface Hosts {
  /** A live session to the host: the shared one, or a new one. */
  session(host: HostDraft): Promise<Result<Session>>
  /** Ends the shared session, so that the next one logs in anew (and has the groups given meanwhile). */
  drop(host: HostDraft): void
  /** The same, unless a script or an upload is under way in it. */
  dropUnlessWorking(host: HostDraft): void
  /** Accepts a host key that was shown as unknown; `not-found` when it was not the one shown. */
  trust(key: HostKey): Promise<Result<null>>
  close(): void
}

/** The login of a host as SSH needs it. */
export function targetOf(host: HostDraft): Target {
  return {
    id: host.id,
    address: host.address.trim(),
    port: Number(host.port) || 22,
    user: host.user.trim(),
    login: host.login,
  }
}

function keyOf({ address, port, user, login }: Target): string {
  return JSON.stringify([address, port, user, login.kind, login.kind === 'key' ? login.keyFile : ''])
}

interface Shared {
  readonly opening: Promise<Result<Session>>
  session?: Session
  usedAtMs: number
}

export function openHosts(ports: Omit<SessionPorts, 'unknownKey'>): Hosts {
  const shared = new Map<string, Shared>()
  const unknownKeys = new Map<string, Buffer>()
  const unknownName = (key: HostKey): string => `${key.address} ${key.port} ${key.algorithm} ${key.fingerprint}`

  const sweep = setInterval(() => {
    for (const [key, entry] of shared) {
      if (entry.session?.busy()) entry.usedAtMs = performance.now()
      if (performance.now() - entry.usedAtMs < idleMs) continue
      shared.delete(key)
      void entry.opening.then((opened) => {
        if (opened.ok) opened.value.close()
      })
    }
  }, idleMs / 4)
  sweep.unref()

  function drop(host: HostDraft): void {
    const key = keyOf(targetOf(host))
    const entry = shared.get(key)
    if (!entry) return
    shared.delete(key)
    void entry.opening.then((opened) => {
      if (opened.ok) opened.value.close()
    })
  }

  return {
    async session(host) {
      const target = targetOf(host)
      const key = keyOf(target)
      const before = shared.get(key)
      if (before) {
        before.usedAtMs = performance.now()
        const opened = await before.opening
        if (opened.ok && opened.value.alive()) {
          // The same machine may stand in two drafts under two ids; problems name the one asked for.
          return opened.value.target.id === target.id ? opened : ok({ ...opened.value, target })
        }
        if (shared.get(key) === before) shared.delete(key)
      }
      const again = shared.get(key)
      if (again) return again.opening
      const opening = openSession(target, {
        ...ports,
        unknownKey: (hostKey, blob) => {
          if (unknownKeys.size >= maxUnknownKeys) unknownKeys.clear()
          unknownKeys.set(unknownName(hostKey), blob)
        },
      })
      const entry: Shared = { opening, usedAtMs: performance.now() }
      shared.set(key, entry)
      const opened = await opening
      if (!opened.ok) {
        if (shared.get(key) === entry) shared.delete(key)
        return opened
      }
      entry.session = opened.value
      void opened.value.ended.then(() => {
        if (shared.get(key) === entry) shared.delete(key)
      })
      return opened
    },
    drop,
    dropUnlessWorking(host) {
      if (!shared.get(keyOf(targetOf(host)))?.session?.working()) drop(host)
    },
    async trust(key) {
      const blob = unknownKeys.get(unknownName(key))
      if (!blob) return failed(problem('not-found', { name: key.fingerprint }))
      const kept = await ports.knownHosts.trust(key.address, key.port, blob)
      if (kept.ok) unknownKeys.delete(unknownName(key))
      return kept
    },
    close() {
      clearInterval(sweep)
      for (const [, entry] of shared) {
        void entry.opening.then((opened) => {
          if (opened.ok) opened.value.close()
        })
      }
      shared.clear()
    },
  }
}
