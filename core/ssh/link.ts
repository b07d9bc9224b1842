/**
 * A logged-in SSH connection as the parts of a session share it: whether it lives, why it ended, and how much is under way on it.
 */
import type { Client } from 'ssh2'
import { failed, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Target } from './target.ts'

export interface Link {
  readonly target: Target
  readonly client: Client
  readonly alive: () => boolean
  /** Resolves when the connection has ended, with the reason; never rejects. */
  readonly ended: Promise<Problem>
  /** Why nothing can be done on it (any more). */
  readonly lost: (reason?: string) => Problem
  /** Scripts and uploads under way. */
  works: number
  /** Open sockets. */
  sockets: number
}

/** Follows a client that is logged in. */
export function linkTo(target: Target, client: Client): Link {
  let lastError = 'connection closed'
  let alive = true
  const lost = (reason = lastError): Problem =>
    problem('connection-lost', { host: target.address, reason }, { kind: 'host', host: target.id })
  const ended = new Promise<Problem>((resolve) => {
    client.on('error', (error: Error) => {
      lastError = error.message
    })
    client.once('close', () => {
      alive = false
      resolve(lost())
    })
  })
  return { target, client, alive: () => alive, ended, lost, works: 0, sockets: 0 }
}

/**
 * Waits for an answer over the connection, or for its end. `start` gets the function that answers; an exception is taken for a refusal
 * with `refused`.
 */
export function overLink<T>(
  link: Link,
  refused: (error: unknown) => Problem,
  start: (answer: (result: Result<T>) => void) => void,
): Promise<Result<T>> {
  return new Promise((resolve) => {
    if (!link.alive()) {
      resolve(failed(link.lost()))
      return
    }
    void link.ended.then((lost) => {
      resolve(failed(lost))
    })
    try {
      start(resolve)
    } catch (error) {
      resolve(failed(refused(error)))
    }
  })
}
