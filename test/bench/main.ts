/**
 * `npm run bench -- NAME …`: runs the named measurements, or all of the quick ones; exits 1 when one is over its limit.
 * `npm run bench -- scale|scale-lab|faults|failover|fuzz|start|status [options]`: the long ones, one at a time, with options of their own (`--help`); what they
 * find is kept in test/bench/results.
 */
import type { Measured } from './figures.ts'

const benches: Readonly<Record<string, () => Promise<readonly Measured[]>>> = {
  lvscf: async () => (await import('./lvscf.ts')).measure(),
}

/** Each prints and keeps its own results, and gives the exit code. */
const long: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  failover: async (args) => (await import('./failover.ts')).run(args),
  faults: async (args) => (await import('./faults.ts')).run(args),
  fuzz: async (args) => (await import('./fuzz.ts')).run(args),
  start: async (args) => (await import('./start.ts')).run(args),
  status: async (args) => (await import('./status.ts')).run(args),
  scale: async (args) => (await import('./scale.ts')).run(args),
  'scale-lab': async (args) => (await import('./scale-lab.ts')).run(args),
}

const asked = process.argv.slice(2)
const alone = long[asked[0] ?? '']
if (alone) process.exit(await alone(asked.slice(1)))

const unknown = asked.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(
    `no bench ${unknown.join(', ')}; there are: ${[...Object.keys(benches), ...Object.keys(long)].join(', ')}`,
  )
  process.exit(2)
}
let over = 0
for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
  console.log(`\n${name}`)
  for (const { what, ms, mostMs } of (await benches[name]?.()) ?? []) {
    const isOver = ms > mostMs
    if (isOver) over++
    console.log(`  ${isOver ? 'OVER' : 'ok  '}  ${ms.toFixed(1)} ms of ${mostMs} ms  ${what}`)
  }
}
process.exit(over > 0 ? 1 : 0)
