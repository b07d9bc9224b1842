/**
 * Who may come in: one-time tokens, the password, the sessions they open, and how often one may try. Time and chance are given, so
 * that tests can move them. Nothing here knows HTTP.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'

/** A session ends after this long without a request, and in any case after `sessionLongestMs`. */
export const sessionIdleMs = 12 * 3600_000
export const sessionLongestMs = 7 * 24 * 3600_000
/** More browsers than this at once are not one operator; the one idle longest is signed out. */
export const sessionsMost = 32
/** Failures that cost nothing; each further one in a row doubles the wait. */
export const freeFailures = 4
export const waitFirstMs = 1000
export const waitMostMs = 60_000
/** Failures are remembered of so many addresses. */
const addressesMost = 1000
const secretBytes = 32

export interface DoorWorld {
  /** Milliseconds of a clock that does not jump. */
  now(): number
  random(bytes: number): Buffer
  /** Tries a password; absent = no password is set and only tokens open. */
  readonly passwordMatches?: (password: string) => Promise<boolean>
}

export interface Door {
  /** True when a password opens (tokens then are not made). */
  readonly byPassword: boolean
  /** A fresh one-time token; the one before it is worth nothing from now on. */
  newToken(): string
  /**
   * Opens a session for a token (which is then used up) or the password. Answers the session's secret. Failures are counted per
   * address tried `from`, so that a stranger cannot make the operator wait.
   */
  signIn(with_: { readonly token?: string; readonly password?: string }, from?: string): Promise<Result<string>>
  /** Whether the secret is of a living session; asking keeps it alive. */
  knows(secret: string | undefined): boolean
  signOut(secret: string): void
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export function createDoor(world: DoorWorld): Door {
  // Sessions are kept by the digest of their secret: a look-up by digest takes the same time for every wrong secret.
  const sessions = new Map<string, { readonly openedMs: number; lastMs: number }>()
  let tokenDigest: Buffer | undefined
  const tries = new Map<string, { failures: number; waitUntilMs: number }>()
  let trying: Promise<unknown> = Promise.resolve()

  const secret = () => world.random(secretBytes).toString('base64url')
  const key = (text: string) => digest(text).toString('base64')
  const over = (session: { openedMs: number; lastMs: number }) =>
    world.now() - session.lastMs >= sessionIdleMs || world.now() - session.openedMs >= sessionLongestMs

  function open(): string {
    for (const [id, session] of sessions) if (over(session)) sessions.delete(id)
    if (sessions.size >= sessionsMost) {
      const [idlest] = [...sessions].sort(([, a], [, b]) => a.lastMs - b.lastMs)
      if (idlest) sessions.delete(idlest[0])
    }
    const made = secret()
    sessions.set(key(made), { openedMs: world.now(), lastMs: world.now() })
    return made
  }

  async function passes(with_: { readonly token?: string; readonly password?: string }): Promise<boolean> {
    if (with_.token !== undefined) {
      if (tokenDigest === undefined || !timingSafeEqual(digest(with_.token), tokenDigest)) return false
      tokenDigest = undefined
      return true
    }
    if (with_.password === undefined || !world.passwordMatches) return false
    return world.passwordMatches(with_.password)
  }

  async function tryOnce(
    with_: { readonly token?: string; readonly password?: string },
    from: string,
  ): Promise<Result<string>> {
    const tried = tries.get(from) ?? { failures: 0, waitUntilMs: 0 }
    const waitMs = tried.waitUntilMs - world.now()
    if (waitMs > 0)
      return failed(problem('sign-in-too-often', { failures: tried.failures, waitS: Math.ceil(waitMs / 1000) }))
    if (await passes(with_)) {
      tries.delete(from)
      return ok(open())
    }
    tried.failures += 1
    if (tried.failures > freeFailures)
      tried.waitUntilMs = world.now() + Math.min(waitMostMs, waitFirstMs * 2 ** (tried.failures - freeFailures - 1))
    // The one that failed last is kept longest; one forgotten for lack of room only has its free tries again.
    tries.delete(from)
    tries.set(from, tried)
    const [oldest] = tries.keys()
    if (tries.size > addressesMost && oldest !== undefined) tries.delete(oldest)
    return failed(problem(with_.token !== undefined ? 'sign-in-wrong-token' : 'sign-in-wrong-password'))
  }

  return {
    byPassword: world.passwordMatches !== undefined,
    newToken() {
      const token = secret()
      tokenDigest = digest(token)
      return token
    },
    signIn(with_, from = '') {
      // One try after the other: side by side, many would pass the limit before the first failure is counted.
      const mine = trying.then(() => tryOnce(with_, from))
      trying = mine.catch(() => undefined)
      return mine
    },
    knows(given) {
      if (given === undefined) return false
      const id = key(given)
      const session = sessions.get(id)
      if (!session) return false
      if (over(session)) {
        sessions.delete(id)
        return false
      }
      session.lastMs = world.now()
      return true
    },
    signOut(given) {
      sessions.delete(key(given))
    },
  }
}
