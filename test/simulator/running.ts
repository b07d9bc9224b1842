/** A pair that has come to rest: both on, the primary active, the client served. Where a story begins. */
import type { Config } from '../../domain/config.ts'
import { pair } from './clusters.ts'
import { createWorld, type World, type WorldOptions } from './world.ts'

/** Long enough for two directors to settle and check every real server. */
const settleMs = 10_000

/** A settled pair; neighbours answer ARP only when told so. */
export function running(config: Config = pair, options: Omit<WorldOptions, 'config'> = {}): World {
  const world = createWorld({ config, ...options })
  world.boot('lvs1')
  world.boot('lvs2')
  world.run(settleMs)
  if (world.active().join() !== 'lvs1' || world.role('lvs2') !== 'standby' || !world.served())
    throw new Error(`The pair did not settle: ${world.transcript().slice(-20).join('\n')}`)
  return world
}

/** The same on a segment with a gateway and real servers that answer ARP. */
export const runningAmongNeighbours = (config: Config = pair): World => running(config, { witnesses: true })

/** How long the client was not served at last; infinite while it still is not. */
export function lastOutageMs(world: World): number {
  const last = world.outages.at(-1)
  return last?.toMs === null || last === undefined ? Infinity : last.toMs - last.fromMs
}
