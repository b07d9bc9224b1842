/** A measured figure with its limit, and what is said about figures. */
import { availableParallelism, loadavg } from 'node:os'

export interface Measured {
  readonly what: string
  readonly ms: number
  readonly mostMs: number
}

/** The value below which `part` of the values lie; 0 for none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

/** How busy the machine is, without which no figure by the clock says much. */
export function loadNow(): string {
  return `load ${(loadavg()[0] ?? 0).toFixed(1)} on ${availableParallelism()} processors`
}
