/** Chance that can be had again: a seeded generator, so that a failed round can be run once more. */

export interface Chance {
  /** A number from 0 up to, not including, 1. */
  readonly next: () => number
  readonly pick: <T>(from: readonly T[]) => T
  readonly between: (least: number, most: number) => number
}

/** mulberry32: 32 bits of state are plenty for choosing faults. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    pick: (from) => {
      const found = from[Math.floor(next() * from.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
  }
}
