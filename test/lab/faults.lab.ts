// Random faults on a real pair of directors, each followed by an audit. The same rounds as `npm run bench -- faults`; a seed that failed
// can be given to either: SHOAL_FAULT_SEED=… SHOAL_FAULT_ROUNDS=1.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareFaults, runFaults, tableOf } from '../bench/faults.ts'
import { attach } from './lab.ts'
import type { Lab } from './lab.ts'

const NAME = process.env.SHOAL_FAULT_LAB ?? 'faults'
const ROUNDS = Number(process.env.SHOAL_FAULT_ROUNDS ?? 30)
/** The same every time, so that a failure can be looked at; `npm run bench -- faults` takes others. */
const SEED = Number(process.env.SHOAL_FAULT_SEED ?? 100)
const ROUND_LIMIT_MS = 150_000

let lab: Lab
let wasUp = false

beforeAll(async () => {
  wasUp = attach(NAME) !== undefined
  lab = await prepareFaults(NAME, (line) => console.log(line))
})

afterAll(async () => {
  if (!wasUp) await lab?.down()
})

test(
  `${ROUNDS} random faults (seed ${SEED}): after each one director serves, alone, with the right table and a whole history`,
  async () => {
    const result = await runFaults(lab, { rounds: ROUNDS, seed: SEED, say: (line) => console.log(line) })
    console.log(tableOf(result))
    expect(
      result.rounds
        .filter((r) => r.problems.length > 0)
        .map((r) => ({ seed: r.seed, fault: r.fault, problems: r.problems })),
    ).toEqual([])
  },
  ROUNDS * ROUND_LIMIT_MS,
)
