/**
 * The test that runs schedules of faults. SHOAL_SCHEDULES says how many in all (10,000), SHOAL_SEED (a number, or `any`)
 * draws others than those of a test run, which are the same every time; a failure prints both and the shortest schedule that still fails (SHOAL_SHRINK=no: the first one).
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { follow, schedule } from './schedules.ts'

/** In `npm test`, both halves together, within two minutes on two processors. */
const usual = 10_000
const usualSeed = 100
const limitMs = 240_000

export function heldFor(half: 'first' | 'second'): void {
  const schedules = Math.ceil(Number(process.env.SHOAL_SCHEDULES ?? usual) / 2)
  const asked = process.env.SHOAL_SEED ?? String(usualSeed)
  const seed = asked === 'any' ? Date.now() : Number(asked)
  describe('any schedule of faults', () => {
    it(`holds for ${schedules} schedules, the ${half} half`, { timeout: limitMs }, () => {
      fc.assert(fc.property(schedule, follow), {
        numRuns: schedules,
        seed: half === 'first' ? seed : seed ^ 0x5555_5555,
        endOnFailure: process.env.SHOAL_SHRINK === 'no',
      })
    })
  })
}
