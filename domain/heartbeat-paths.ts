/** The ways that beats take between two directors: the public and the private addresses of lvs.cf, and any number more. */
import type { Config } from './config.ts'

/** A way, with each director's own address on it. */
export interface HeartbeatPair {
  /** `public`, `private`, then `path3`, `path4` and so on. */
  readonly name: string
  readonly primary: string
  readonly backup: string
}

/** The number of the first way that has no name in Piranha's own words. */
const firstNumber = 3

/** All ways of a config; none without a second director. */
export function heartbeatPairs({ primary, backup, heartbeat }: Config): readonly HeartbeatPair[] {
  if (!primary || !backup) return []
  const pairs: HeartbeatPair[] = [{ name: 'public', primary: primary.public, backup: backup.public }]
  if (primary.private !== undefined && backup.private !== undefined)
    pairs.push({ name: 'private', primary: primary.private, backup: backup.private })
  const more = heartbeat.more ?? []
  return [...pairs, ...more.map((pair, at) => ({ name: `path${firstNumber + at}`, ...pair }))]
}
