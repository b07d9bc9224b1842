/**
 * An answer compared with what is expected of it, while it comes in: an answer in several packets is one answer (the original took one
 * short read for a failure).
 */
import { expressionOf, matcher } from '../../../domain/expression.ts'
import { bytesOf, failure, maxAnswerBytes, passed, quote, type Outcome } from './outcome.ts'

export interface Expected {
  readonly expect?: string
  readonly regex: boolean
}

export interface Answer {
  /** Takes the next bytes in (latin1); undefined = more could still make it what is expected. */
  readonly feed: (piece: string) => Outcome | undefined
  /** Nothing more comes. */
  readonly finish: () => Outcome
  readonly soFar: () => string
}

function unexpected(answer: string, expected: string): Outcome {
  return failure(
    answer === ''
      ? `closed without an answer, ${quote(expected)} was expected`
      : `answered ${quote(answer)}, ${quote(expected)} was expected`,
  )
}

/** `*` alone and the empty text take any answer, also the end of the connection. */
export function isAnything({ expect, regex }: Expected): boolean {
  return expect === '' || (expect === '*' && !regex)
}

function collected(
  more: (text: string, piece: string) => Outcome | undefined,
  finish: (text: string) => Outcome,
): Answer {
  let text = ''
  return {
    feed(piece) {
      const room = piece.slice(0, maxAnswerBytes - text.length)
      text += room
      const outcome = more(text, room)
      return outcome ?? (text.length >= maxAnswerBytes ? finish(text) : undefined)
    },
    finish: () => finish(text),
    soFar: () => text,
  }
}

/** Begins an answer. A broken expression fails at the first feed, with the reason. */
export function answerFor(expected: Expected): Answer {
  const { expect, regex } = expected
  if (expect === undefined)
    return collected(
      () => passed,
      () => passed,
    )
  if (isAnything(expected))
    return collected(
      (text) => (text.length > 0 ? passed : undefined),
      () => passed,
    )
  if (!regex) {
    const wanted = bytesOf(expect)
    return collected(
      (text) => {
        if (text.startsWith(wanted)) return passed
        return text.length >= wanted.length || !wanted.startsWith(text) ? unexpected(text, expect) : undefined
      },
      (text) => unexpected(text, expect),
    )
  }
  const expression = expressionOf(bytesOf(expect))
  if ('fault' in expression) {
    const broken = failure(`the regular expression ${quote(expect)} cannot be used (${expression.fault})`)
    return collected(
      () => broken,
      () => broken,
    )
  }
  const matching = matcher(expression)
  return collected(
    (_, piece) => {
      const found = matching.feed(piece)
      if (found === 'matched') return passed
      return found === 'spent'
        ? failure(`the regular expression ${quote(expect)} takes too long on this answer`)
        : undefined
    },
    (text) => unexpected(text, expect),
  )
}
