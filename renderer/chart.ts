/** Numbers of a chart: the top of its axis, and rates as they are read. Pure. */

/** The next round number at or above the highest value: 1, 2 or 5 times a power of ten; 1 for nothing. */
export function niceTop(highest: number): number {
  if (!(highest > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(highest))
  for (const times of [1, 2, 5]) if (times * power >= highest) return times * power
  return 10 * power
}

const steps = [
  { from: 1e9, unit: 'G' },
  { from: 1e6, unit: 'M' },
  { from: 1e3, unit: 'k' },
] as const

/** A number with at most three digits that count and its thousands as a letter: `12`, `3.4k`, `120M`. */
export function shortNumber(value: number): string {
  for (const { from, unit } of steps) if (value >= from) return `${threeDigits(value / from)}${unit}`
  return threeDigits(value)
}

function threeDigits(value: number): string {
  if (value === 0) return '0'
  return value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(value >= 10 ? 0 : 1)))
}
