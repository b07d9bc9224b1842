/**
 * Weights by load (lvs.cf `load_monitor`): what a real server says of its load becomes a factor on its weight. As in the original a
 * load of 1 changes nothing, an idle server gets up to half as much again, and the cube root keeps small swings small; unlike the
 * original the weight does not drift (it depends on the load alone, not on the weight before), and a loaded server goes below its
 * weight too.
 */

/** A server is asked for its load this often (as the original did). */
export const loadEveryMs = 20_000
/** A load is not used longer than this after it was told. */
export const loadStaleMs = 3 * loadEveryMs
/** A weight is changed when it would change by at least this part of the weight in lvs.cf (as the original did). */
const leastChange = 1 / 4
/** However loaded, a server keeps this part of its weight. */
const leastFactor = 1 / 10

/** Reads what a real server answers: the text of /proc/loadavg, then (optionally) its number of processors. Null: not understood. */
export function parseLoad(text: string): number | null {
  const words = text.trim().split(/\s+/)
  const load = /^\d{1,6}\.\d{1,3}$/.test(words[0] ?? '') ? Number(words[0]) : null
  if (load === null) return null
  // /proc/loadavg has five words: three averages, running/all, the newest process.
  const processors = /^\d{1,5}$/.test(words[5] ?? '') ? Number(words[5]) : 1
  return load / Math.max(1, processors)
}

/** The weight for a load; `now` is the weight in force, kept when the change is small. */
export function weightByLoad(weight: number, load: number, now: number): number {
  if (weight === 0) return 0
  const factor = Math.max(leastFactor, 1 + Math.cbrt(1 - load) / 2)
  const aimed = Math.max(1, Math.min(65_535, Math.round(weight * factor)))
  return Math.abs(aimed - now) >= weight * leastChange ? aimed : now
}
