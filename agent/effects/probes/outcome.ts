/**
 * How a check ends: passed or not, and why. Every kind of check runs inside `bounded`, so that each ends once, at its timeout at the
 * latest, and gives back what it opened.
 */

/** No more than this is read of an answer. */
export const maxAnswerBytes = 64 * 1024
/** Characters of an unexpected answer that are quoted. */
const quotedMax = 80

/** A timer that comes later than this tells of a pause of this process, not of the other side. */
const stallMs = 250

export interface Outcome {
  readonly passed: boolean
  /** Why it failed. */
  readonly says?: string
  /** Passed, but something is coming: a certificate that ends soon. */
  readonly warns?: string
}

export const passed: Outcome = { passed: true }

export function failure(says: string): Outcome {
  return { passed: false, says }
}

const errorSentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while sending',
  EACCES: 'not permitted',
  EPERM: 'not permitted (a firewall rule of this host?)',
  ENOENT: 'no such program',
  EMFILE: 'this host has no free file descriptors',
  EADDRNOTAVAIL: 'this host has no free port or address',
}

export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as Error & { code?: unknown }
  return (typeof code === 'string' ? errorSentences[code] : undefined) ?? error.message
}

/** A text for a sentence: in quotes, control characters escaped, cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text)
}

/** The bytes of a text of the config, one character each, as answers are kept. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/**
 * Runs a check that ends once: by its own `end`, or at `timeoutMs` with what `late` says. `start` gives back what undoes it; that is
 * called exactly once. Never rejects.
 */
export function bounded(
  timeoutMs: number,
  late: () => string,
  start: (end: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let outcome: Outcome | undefined
    let undo: (() => void) | undefined
    const end = (how: Outcome): void => {
      if (outcome) return
      outcome = how
      clearTimeout(timer)
      undo?.()
      resolve(how)
    }
    const startedMs = performance.now()
    const expire = (): void => {
      // This process itself stood still: what has come meanwhile is still to be read before silence means anything.
      const isLate = performance.now() - startedMs > timeoutMs + stallMs
      if (isLate && !isStalled) {
        isStalled = true
        timer = setTimeout(expire, stallMs)
      } else end(failure(late()))
    }
    let isStalled = false
    let timer = setTimeout(expire, timeoutMs)
    try {
      const undoing = start(end)
      if (outcome) undoing()
      else undo = undoing
    } catch (error) {
      end(failure(sentenceOf(error)))
    }
  })
}
