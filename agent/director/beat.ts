/** What a director says of itself in its next beat. */
import { saysGives, saysTakes } from './connections.ts'
import { hearsOthers } from './witness.ts'
import { macOf, ready, restless, saysHolds, synced } from './fitness.ts'
import { sightPage } from './sight.ts'
import { settledHealth, usableServers } from './health.ts'
import { echoes } from './heartbeat.ts'
import { overridesInBeat } from './overrides.ts'
import type { State } from './state.ts'
import type { Beat } from './words.ts'

export function beatOf(s: State, nowMs: number): Beat | null {
  if (!s.side || !s.config) return null
  const { peer, lastHeardMs } = s.hearing
  const mac = macOf(s)
  const others = hearsOthers(s, nowMs)
  const { vipMac } = s.segment
  const sight = sightPage(s.health, s.seq)
  const gives = saysGives(s)
  const takes = saysTakes(s)
  return {
    from: s.side,
    name: s.self.name,
    boot: s.self.boot,
    seq: s.seq,
    role: s.role,
    term: s.term,
    ready: ready(s),
    settled: settledHealth(s.health),
    synced: synced(s, nowMs),
    holds: saysHolds(s),
    ...(s.handing ? { offers: s.handing.offer } : {}),
    ...(gives === undefined ? {} : { gives }),
    ...(takes === undefined ? {} : { takes }),
    ...(mac === undefined ? {} : { mac }),
    ...(vipMac === null || s.role === 'active' ? {} : { vipMac }),
    usable: usableServers(s.health),
    ...(sight ? { sight } : {}),
    ...(others === undefined ? {} : { others }),
    ...(restless(s, nowMs) ? { restless: true } : {}),
    ...(s.yielded ? { yieldedAfterMs: s.yielded.activeForMs } : {}),
    generation: s.config.serialNo,
    digest: s.digest,
    ...steers(s),
    ...(peer && lastHeardMs !== null
      ? {
          sees: { boot: peer.boot, seq: peer.seq, ageMs: Math.round(nowMs - lastHeardMs) },
          echo: echoes(s.hearing, s.seq, nowMs),
        }
      : {}),
  }
}

/** Operators' orders about real servers; told in full only while the peer holds others. */
function steers(s: State): Pick<Beat, 'steers'> {
  const { overrides } = s.steering
  const theirs = s.hearing.peer?.steers?.digest ?? ''
  if (overrides.digest === '') return {}
  if (theirs === overrides.digest) return { steers: { digest: overrides.digest } }
  return { steers: { digest: overrides.digest, some: overridesInBeat(overrides, s.seq) } }
}

/**
 * What a director that was killed has said about it once its addresses are off (effects/farewell.ts): it holds nothing and cannot take
 * over. The number is the highest there is, so nothing of that run counts any more.
 */
export function lastWord(beat: Beat): Beat {
  const { from, name, boot, term, generation, digest, mac } = beat
  return {
    from,
    name,
    boot,
    seq: Number.MAX_SAFE_INTEGER,
    role: 'stopping',
    term,
    ready: false,
    settled: false,
    holds: false,
    ...(mac === undefined ? {} : { mac }),
    usable: 0,
    generation,
    digest,
  }
}
