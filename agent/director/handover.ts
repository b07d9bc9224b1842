/**
 * A planned hand-over, make before break: the giver says in its beats that it offers, gives its connections (connections.ts), keeps its
 * addresses until the taker says that it holds them, and goes on serving when the taker does not come.
 */
import type { FailoverCause } from '../../domain/contract/agent.ts'
import { beginGiving } from './connections.ts'
import { peerAlive } from './fitness.ts'
import { timing, type State, type Work } from './state.ts'
import { letGo, setRole } from './takeover.ts'
import type { Beat, Offer } from './words.ts'

/** A planned hand-over that the peer has not completed after this long is given up (an order) or forced (a stop). */
const handOverDeadtimes = 2
const handOverGraceMs = 1_000

export function handOverLimitMs(s: State): number {
  return handOverDeadtimes * timing(s).deadtimeMs + handOverGraceMs
}

export const causeOfOffer: Readonly<Record<Offer, FailoverCause>> = {
  stopping: 'handed-over',
  ordered: 'ordered',
  failback: 'failback',
  unfit: 'peer-unfit',
  link: 'peer-unfit',
}

/** The sender serves, or still has what serving needs. */
export const serves = (beat: Beat): boolean =>
  beat.role === 'active' || beat.offers !== undefined || (beat.role === 'stopping' && beat.holds)

/** Begins a hand-over; when no peer can take, a stop lets go at once and anything else is refused. */
export function offer(w: Work, kind: Offer, ticket: number | null, exit: boolean): void {
  const { s, now } = w
  const peer = s.hearing.peer
  const able = peerAlive(s, now.ms) && peer !== null && peer.ready && peer.role === 'standby'
  if (!able) {
    if (exit) letGo(w, 'stopping; no ready peer to hand over to')
    else if (ticket !== null) {
      const why =
        !peer || !peerAlive(s, now.ms)
          ? 'The other director is not heard.'
          : `The other director is ${peer.role} and not ready.`
      w.out.push({ kind: 'answer', ticket, refused: why })
    }
    return
  }
  if (!s.handing) w.beatNow = true
  beginGiving(w)
  s.handing = {
    offer: kind,
    sinceMs: s.handing?.sinceMs ?? now.ms,
    tickets: [...(s.handing?.tickets ?? []), ...(ticket === null ? [] : [ticket])],
    exit: exit || (s.handing?.exit ?? false),
  }
}

/** Takes an order in. Reload is answered by the shell, which reads the file. */
export function order(w: Work, what: 'hand-over' | 'stop', by: string, ticket: number): void {
  const { s, now } = w
  w.out.push({ kind: 'journal', event: { kind: 'order', order: what, by } })
  if (what === 'stop') {
    if (s.stopping) return
    s.stopping = { sinceMs: now.ms, by, exited: false }
    w.beatNow = true
    if (s.role === 'active') offer(w, 'stopping', null, true)
    else setRole(w, 'stopping', 'stopping')
    return
  }
  if (s.role !== 'active') {
    w.out.push({ kind: 'answer', ticket, refused: `This director is ${s.role}; only the active one can hand over.` })
    return
  }
  offer(w, 'ordered', ticket, false)
}
