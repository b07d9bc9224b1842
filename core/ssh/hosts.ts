/**
 * The SSH sessions of the application: one per host and login, shared by facts, runs and the live watch, made when needed and closed
 * when nothing has used it for a while. A host on the way to others (a jump host) has one session too, which all of them go through.
 */
import type { HostDraft } from '../../domain/cluster.ts'
import type { HostKey } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { openSession } from './session.ts'
import type { Session, SessionPorts } from './session.ts'
import { loginText, targetOf } from './target.ts'
import type { ConfigPlace, Target } from './target.ts'

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

interface Shared {
  readonly opening: Promise<Result<Session>>
  session?: Session
  usedAtMs: number
  /** The hosts as typed that it was asked for. */
  readonly drafts: Set<string>
}

/** A host as typed, as one text. */
function draftText({ address, port, user, login }: HostDraft): string {
  return JSON.stringify([address.trim(), port.trim(), user.trim(), login.kind, login.keyFile, login.jump ?? ''])
}

export interface HostsPorts extends Omit<SessionPorts, 'unknownKey'> {
  /** Whose ~/.ssh/config is read; absent = nobody's. */
  readonly config?: ConfigPlace
}

/** A place without a configuration. */
const noConfig: ConfigPlace = { home: '/nonexistent' }

export function openHosts(ports: HostsPorts): Hosts {
  const shared = new Map<string, Shared>()
  const unknownKeys = new Map<string, Buffer>()
  const unknownName = (key: HostKey): string => `${key.address} ${key.port} ${key.algorithm} ${key.fingerprint}`

  const sweep = setInterval(() => {
    for (const [key, entry] of shared) {
      if (entry.session?.busy()) entry.usedAtMs = performance.now()
      if (performance.now() - entry.usedAtMs < idleMs) continue
      forget(key, entry)
    }
  }, idleMs / 4)
  sweep.unref()

  function forget(key: string, entry: Shared): void {
    if (shared.get(key) === entry) shared.delete(key)
    void entry.opening.then((opened) => {
      if (opened.ok) opened.value.close()
    })
  }

  /** The shared sessions to a host as it was typed, whatever ~/.ssh/config says meanwhile. */
  function entriesOf(host: HostDraft): readonly (readonly [string, Shared])[] {
    const name = draftText(host)
    return [...shared].filter(([, entry]) => entry.drafts.has(name))
  }

  /** Opens a target straight, or through the session of the host before it. */
  async function openTo(target: Target, onTheWay: boolean): Promise<Result<Session>> {
    const { via } = target
    const whole: SessionPorts = {
      ...ports,
      unknownKey: (hostKey, blob) => {
        if (unknownKeys.size >= maxUnknownKeys) unknownKeys.clear()
        unknownKeys.set(unknownName(hostKey), blob)
      },
    }
    if (via === undefined) return openSession(target, whole, { onTheWay })
    const before = await sessionTo(via, true)
    if (!before.ok) return before
    const { address, port } = target.connectTo
    return openSession(target, whole, {
      onTheWay,
      open: async () => {
        const stream = await before.value.openTcp(address, port)
        if (stream.ok) return stream
        const [said] = stream.problems
        if (said?.code !== 'host-unreachable') return stream
        const detail = { host: address, port, jump: via.address, reason: String(said.detail?.['reason'] ?? '') }
        return failed(problem('jump-failed', detail, { kind: 'host', host: target.id }))
      },
    })
  }

  async function sessionTo(target: Target, onTheWay: boolean, draft?: string): Promise<Result<Session>> {
    // A login as a host on the way may use other keys than a login as a host of the cluster.
    const key = `${onTheWay ? 'way ' : ''}${loginText(target)}`
    const before = shared.get(key)
    if (before) {
      before.usedAtMs = performance.now()
      if (draft !== undefined) before.drafts.add(draft)
      const opened = await before.opening
      if (opened.ok && opened.value.alive()) {
        // The same machine may stand in two drafts under two ids; problems name the one asked for.
        return opened.value.target.id === target.id ? opened : ok({ ...opened.value, target })
      }
      if (shared.get(key) === before) shared.delete(key)
    }
    const again = shared.get(key)
    if (again) return again.opening
    const opening = openTo(target, onTheWay)
    const entry: Shared = {
      opening,
      usedAtMs: performance.now(),
      drafts: new Set(draft === undefined ? [] : [draft]),
    }
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
  }

  function drop(host: HostDraft): void {
    for (const [key, entry] of entriesOf(host)) forget(key, entry)
  }

  return {
    async session(host) {
      const target = await targetOf(host, ports.config ?? noConfig)
      return target.ok ? sessionTo(target.value, false, draftText(host)) : target
    },
    drop,
    dropUnlessWorking(host) {
      if (!entriesOf(host).some(([, entry]) => entry.session?.working())) drop(host)
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
      for (const [key, entry] of shared) forget(key, entry)
    },
  }
}
