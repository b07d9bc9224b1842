/** `npm run bench -- fuzz [INPUTS] [SEED]`: the long run of the lvs.cf fuzzer. Exits 1 with the smallest input that breaks a law. */
import { fuzz } from '../corpus/fuzz.ts'

const longRun = 100_000
/** After each of these the run says how far it is, and begins with a seed of its own. */
const part = 10_000
const seedMost = 0x7fff_ffff

export function run(args: readonly string[]): number {
  const count = Number(args[0] ?? longRun)
  const seed = Number(args[1] ?? Math.floor(Math.random() * seedMost))
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
    console.error('npm run bench -- fuzz [INPUTS] [SEED]: two whole numbers')
    return 2
  }
  console.log(`${count} inputs, seed ${seed}`)
  const started = performance.now()
  const all = { inputs: 0, accepted: 0, configs: 0, slowestMs: 0 }
  try {
    while (all.inputs < count) {
      const seen = fuzz(Math.min(part, count - all.inputs), seed + all.inputs / part)
      all.inputs += seen.inputs
      all.accepted += seen.accepted
      all.configs += seen.configs
      all.slowestMs = Math.max(all.slowestMs, seen.slowestMs)
      const seconds = ((performance.now() - started) / 1_000).toFixed(0)
      console.log(
        `${all.inputs} inputs in ${seconds} s: none threw, hung or lost a byte; ` +
          `${all.accepted} the original accepts, ${all.configs} are whole configs; slowest ${all.slowestMs.toFixed(1)} ms`,
      )
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 1
  }
  return 0
}
