import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { materialPresent } from './material.ts'

const inputs = 6_000

test('mutated files never make the language throw, hang or lose a byte', { timeout: 120_000 }, () => {
  const seen = fuzz(inputs, 20_261_121)
  expect(seen.inputs).toBe(inputs)
  // The run reached both what the original takes and what means a whole config.
  if (materialPresent) expect(Math.min(seen.accepted, seen.configs)).toBeGreaterThan(inputs / 50)
})
