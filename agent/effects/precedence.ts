/**
 * Real-time scheduling, so that a busy host delays no beat, and given back while this program is itself what keeps the processor busy: a
 * real-time program that works without a pause keeps a host with one processor from everything else, the answers to its own checks
 * included (ksoftirqd has ordinary priority), until the kernel throttles it (sched_rt_runtime_us). It begins as an ordinary program, for
 * starting is such work.
 *
 * What counts is the processor time that the thread itself has used. By the clock a loop seems to work, too, while others keep the
 * processor from it, and that is when it needs the precedence.
 */

/** Over so long it is looked at how much of the time the thread has worked. */
const windowMs = 300
/** With more in so many windows one after the other it is ordinary. One alone may be a pause of the whole machine, which the kernel of a
 * guest takes for time that the running thread has used. */
const busyShare = 0.7
const busyWindows = 2
/** Every window for so long with less, and it is real-time. */
const calmShare = 0.5
const calmMs = 2_000

/**
 * To be called about ten times a second with the clock and the processor time of this thread, both in ms. `set` makes the main thread
 * real-time or ordinary and answers why it cannot be; then it is not asked again, and `refused` is told once.
 */
export function openPrecedence(
  set: (realTime: boolean) => string | undefined,
  refused: (says: string) => void,
): (ms: number, usedMs: number) => void {
  let from: { readonly ms: number; readonly usedMs: number } | null = null
  let realTime = false
  let given = true
  let calmSinceMs: number | null = null
  let busy = 0
  return (ms, usedMs) => {
    from ??= { ms, usedMs }
    const passedMs = ms - from.ms
    if (!given || passedMs < windowMs) return
    const share = (usedMs - from.usedMs) / passedMs
    calmSinceMs = share < calmShare ? (calmSinceMs ?? from.ms) : null
    from = { ms, usedMs }
    const calm = calmSinceMs !== null && ms - calmSinceMs >= calmMs
    busy = share > busyShare ? busy + 1 : 0
    if (realTime ? busy < busyWindows : !calm) return
    const says = set(!realTime)
    if (says === undefined) realTime = !realTime
    else {
      given = false
      refused(says)
    }
  }
}
