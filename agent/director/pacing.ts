/**
 * How many checks are under way at once. So many are started, then no more for a moment: answers that have come are taken in between,
 * so that a host that is late has few checks under way, not all of them. The moment is a third as long as the loop has worked since:
 * on a host with one slow processor a thousand checks would leave no time to what brings their answers (ksoftirqd), to ipvsadm and to
 * the guard.
 */
import type { Now } from './words.ts'

export const startsAtOnce = 16
export const restLeastMs = 1
/** However busy the loop is with something else, the next checks begin after this. */
const restMostMs = 250
const restOfWork = 1 / 3

/** When as many checks were started as may be at once, and how long the loop had rested by then, since its beginning. */
export interface Batch {
  readonly ms: number
  readonly idleMs: number
}

const idleOf = (now: Now): number => now.idleMs ?? now.ms

export const batchAt = (now: Now): Batch => ({ ms: now.ms, idleMs: idleOf(now) })

/** How much longer, in ms, the loop has to rest before checks are started again; 0 or less: not at all. */
export function restLeft(batch: Batch | null, now: Now): number {
  if (!batch) return 0
  const agoMs = now.ms - batch.ms
  const restedMs = idleOf(now) - batch.idleMs
  return Math.min((agoMs - restedMs) * restOfWork - restedMs, restMostMs - agoMs)
}
