/**
 * Whether silence means anything here. Where others keep the processors busy, packets lie in the kernel for a second and more before they
 * are handed on: that is ksoftirqd's work, and it has ordinary priority while this program precedes everybody. Then nothing at all is heard
 * though the network is whole. So with every question to the wire goes a datagram from this program to itself, over loopback: it takes the
 * same way through the kernel, and while it is not back, silence proves nothing. On a host that is not held up it is back at once.
 * Plain data; witness.ts sends and judges.
 */

export interface Ears {
  /** When the datagram that is under way was sent. There is one at a time. */
  readonly sentMs: number | null
  /** They come back: where they never do (a packet filter on loopback), nothing is told by their absence. */
  readonly works: boolean
  /** When one last came back late. */
  readonly lateMs: number
}

export const newEars: Ears = { sentMs: null, works: false, lateMs: -Infinity }

/** A datagram to itself that takes longer has lain in the kernel. */
const promptMs = 50
/** A host that has handed on nothing for so long serves nobody either: then it is judged as if it could hear. */
export const heldUpLimitMs = 3_000

/** Another datagram is sent now; null: one is still under way. */
export function sent(ears: Ears, nowMs: number): Ears | null {
  const { sentMs, works } = ears
  if (sentMs !== null && nowMs - sentMs < heldUpLimitMs) return null
  return { ...ears, sentMs: nowMs, works: works && sentMs === null }
}

/** The one that was sent then is back; one that is not waited for any more tells nothing. */
export function cameBack(ears: Ears, sentMs: number, nowMs: number): Ears {
  if (ears.sentMs !== sentMs) return ears
  return { sentMs: null, works: true, lateMs: nowMs - sentMs > promptMs ? nowMs : ears.lateMs }
}

/**
 * What has arrived may still lie in this host's kernel: that nobody is heard means nothing. `restMs`: what lay there with a late datagram
 * tells of the past, and what is true now is known after this.
 */
export function heldUp(ears: Ears, restMs: number, nowMs: number): boolean {
  return nowMs < heldUpUntil(ears, restMs)
}

/** When silence counts again, if nothing comes back. */
export function heldUpUntil({ sentMs, works, lateMs }: Ears, restMs: number): number {
  if (!works) return -Infinity
  return sentMs === null ? lateMs + restMs : sentMs + heldUpLimitMs
}
