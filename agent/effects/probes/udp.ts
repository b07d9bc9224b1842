/**
 * A datagram and its answer. A host that refuses (ICMP port unreachable) fails the check at once; where no answer is expected, silence
 * is fine: nothing more can be known of such a service.
 */
import { createSocket, type Socket } from 'node:dgram'
import { answerFor, type Expected } from './answer.ts'
import { bounded, failure, passed, sentenceOf, type Outcome } from './outcome.ts'
import type { Place } from './tcp.ts'

/** A UDP service that says nothing is taken as there unless it is refused within this. */
const udpRefusalMs = 1_000

/** Opens a socket that only hears the one place, and closes it at the end. `late`: what silence until the timeout says. */
export function exchange(
  { address, port, timeoutMs }: Place,
  late: () => string,
  opened: (socket: Socket, end: (outcome: Outcome) => void) => (() => void) | undefined,
  heard: (datagram: Buffer, end: (outcome: Outcome) => void) => void,
): Promise<Outcome> {
  return bounded(timeoutMs, late, (end) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    let undo: (() => void) | undefined
    let isClosed = false
    socket.on('error', (error) => end(failure(sentenceOf(error))))
    socket.on('message', (datagram) => heard(datagram, end))
    socket.connect(port, address, (error?: Error) => {
      if (isClosed) return
      if (error) end(failure(sentenceOf(error)))
      else undo = opened(socket, end)
      if (isClosed) undo?.()
    })
    return () => {
      isClosed = true
      undo?.()
      socket.close()
    }
  })
}

export function udp(place: Place, check: Expected & { readonly send?: string }): Promise<Outcome> {
  const silentIsFine = check.expect === undefined
  return exchange(
    place,
    () => `no answer within ${place.timeoutMs} ms`,
    (socket, end) => {
      socket.send(Buffer.from(check.send ?? '', 'utf8'), (failed) => {
        if (failed) end(failure(sentenceOf(failed)))
      })
      // Earlier than the timeout, which would be a failure.
      const waitMs = Math.max(1, Math.min(udpRefusalMs, place.timeoutMs - 1))
      const quiet = silentIsFine ? setTimeout(() => end(passed), waitMs) : undefined
      return () => clearTimeout(quiet)
    },
    (datagram, end) => {
      const answer = answerFor(check)
      end(answer.feed(datagram.toString('latin1')) ?? answer.finish())
    },
  )
}
