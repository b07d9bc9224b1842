/** The time of a simulated cluster: the real one in the application, a driven one in tests. */
import type { Now } from '../../agent/director/words.ts'

export interface Clock {
  now(): Now
  /** Runs once, at least `ms` from now; the returned function takes it back. */
  later(ms: number, run: () => void): () => void
}

/** Time as it passes. Its timers do not keep the process alive. */
export function realClock(): Clock {
  const offsetMs = Date.now() - performance.now()
  return {
    now: () => {
      const ms = performance.now()
      return { ms, wallMs: ms + offsetMs }
    },
    later(ms, run) {
      const timer = setTimeout(run, Math.max(0, ms))
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}

/** Time that passes only when told, for tests: `run(ms)` carries out everything due until then, in order. */
export function drivenClock(wallMs = 1_800_000_000_000): Clock & { run(ms: number): void } {
  let nowMs = 0
  let order = 0
  const waiting = new Set<{ readonly atMs: number; readonly order: number; readonly run: () => void }>()
  return {
    now: () => ({ ms: nowMs, wallMs: wallMs + nowMs }),
    later(ms, run) {
      const entry = { atMs: nowMs + Math.max(0, ms), order: order++, run }
      waiting.add(entry)
      return () => void waiting.delete(entry)
    },
    run(ms) {
      const endMs = nowMs + ms
      for (;;) {
        let next: { readonly atMs: number; readonly order: number; readonly run: () => void } | undefined
        for (const entry of waiting)
          if (!next || entry.atMs < next.atMs || (entry.atMs === next.atMs && entry.order < next.order)) next = entry
        if (!next || next.atMs > endMs) break
        waiting.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
      }
      nowMs = endMs
    },
  }
}
