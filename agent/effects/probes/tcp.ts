/** A connection, and what is said over it: connect, send, read until what is expected is there, cannot come any more, or time is up. */
import { connect, type Socket } from 'node:net'
import type { PiranhaQuestion } from '../../../domain/checks.ts'
import { answerFor } from './answer.ts'
import { bounded, failure, maxAnswerBytes, passed, quote, sentenceOf, type Outcome } from './outcome.ts'

/** Where a check connects to. */
export interface Place {
  readonly address: string
  readonly port: number
  readonly timeoutMs: number
}

/** What the other side of a conversation sees of it. */
interface Listener {
  readonly opened: (socket: Socket, end: (outcome: Outcome) => void) => void
  /** `all` is everything that came, `piece` the newest part of it. */
  readonly heard: (all: Buffer, piece: Buffer, socket: Socket, end: (outcome: Outcome) => void) => void
  readonly closed: (all: Buffer) => Outcome
  /** Said at the timeout when a connection was there. */
  readonly late: (all: Buffer) => string
}

/** Connects and lets a listener talk. Ends within the timeout, with the socket closed. */
export function converse({ address, port, timeoutMs }: Place, listener: Listener): Promise<Outcome> {
  let isOpen = false
  let pieces: Buffer[] = []
  let length = 0
  const all = (): Buffer => {
    if (pieces.length > 1) pieces = [Buffer.concat(pieces)]
    return pieces[0] ?? Buffer.alloc(0)
  }
  return bounded(
    timeoutMs,
    () => (isOpen ? listener.late(all()) : `no connection within ${timeoutMs} ms`),
    (end) => {
      const socket = connect({ host: address, port })
      socket.on('connect', () => {
        isOpen = true
        listener.opened(socket, end)
      })
      socket.on('data', (piece: Buffer) => {
        const room = piece.subarray(0, maxAnswerBytes - length)
        if (room.length > 0) pieces.push(room)
        length += room.length
        listener.heard(all(), room, socket, end)
        if (length >= maxAnswerBytes) end(listener.closed(all()))
      })
      socket.on('end', () => end(listener.closed(all())))
      socket.on('error', (error) => end(failure(sentenceOf(error))))
      socket.on('close', () => end(failure('closed')))
      return () => {
        socket.destroy()
      }
    },
  )
}

/** Piranha's checks over TCP. */
export function tcp(place: Place, check: Pick<PiranhaQuestion, 'send' | 'expect' | 'regex'>): Promise<Outcome> {
  const { timeoutMs } = place
  const answer = answerFor(check)
  return converse(place, {
    opened: (socket, end) => {
      if (check.send) {
        socket.write(Buffer.from(check.send, 'utf8'), (error) => {
          if (!error && check.expect === undefined) end(passed)
        })
      } else if (check.expect === undefined) end(passed)
    },
    heard: (_, piece, __, end) => {
      // Without an expectation the check ends when all is sent, whatever the server says meanwhile.
      const outcome = check.expect === undefined ? undefined : answer.feed(piece.toString('latin1'))
      if (outcome) end(outcome)
    },
    closed: () => answer.finish(),
    late: () =>
      answer.soFar() === ''
        ? `no answer within ${timeoutMs} ms`
        : `answered ${quote(answer.soFar())} and nothing more within ${timeoutMs} ms`,
  })
}

/** A conversation in which each side says something in turn. */
export function dialogue(
  place: Place,
  first: Buffer | undefined,
  heard: (all: Buffer, say: (bytes: Buffer) => void) => Outcome | undefined,
): Promise<Outcome> {
  const spoken = (all: Buffer): string =>
    all.length === 0 ? 'no answer' : `answered ${quote(all.toString('latin1'))} and nothing more`
  return converse(place, {
    opened: (socket) => {
      if (first) socket.write(first)
    },
    heard: (all, _, socket, end) => {
      const outcome = heard(all, (bytes) => socket.write(bytes))
      // What is said last (goodbye) is sent before the socket is closed.
      if (outcome) socket.write('', () => end(outcome))
    },
    closed: (all) =>
      failure(all.length === 0 ? 'closed without an answer' : `answered ${quote(all.toString('latin1'))} and closed`),
    late: (all) => `${spoken(all)} within ${place.timeoutMs} ms`,
  })
}
