/**
 * What each director sees of the real servers, told to the other one in its beats. A beat carries one page: the state of so many
 * servers in the order of the config (which is the same on both while their digests are), three to a character, so that it stays
 * small however many there are; page follows page. Where the two see a server differently for longer than their checks can explain,
 * the path between one of them and the server is at fault, and that is written down.
 */
import type { JournalEvent } from '../../domain/contract/agent.ts'
import type { HealthState, ServerState } from './health.ts'
import type { Now } from './words.ts'

/** Servers in one page: a hundred characters of a beat. */
const pageServers = 300
const perCharacter = 3
const pageCharacters = pageServers / perCharacter
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Servers whose state a peer may tell: ten times the largest cluster that is measured. */
const serversMax = 100_000
/** What the peer said is not taken for what it sees any longer. */
const staleMs = 15_000
/** The views are compared at most this often. */
const compareMs = 1_000
/** Differences shorter than this are only a matter of who checked first. */
const leastDisputeMs = 5_000
/** An entry of the journal names at most so many servers. */
const namedMax = 20

/** A page of a beat. */
export interface SightPage {
  readonly page: number
  readonly states: string
}

type Seen = 'unknown' | 'up' | 'down'
const seen: readonly Seen[] = ['unknown', 'up', 'down']

interface Dispute {
  readonly sinceMs: number
  readonly told: boolean
}

/** What is known of the peer's view. */
export interface Sight {
  readonly boot: number
  readonly digest: string
  readonly pages: ReadonlyMap<number, { readonly states: string; readonly atMs: number }>
  /** By `service server`. */
  readonly disputes: ReadonlyMap<string, Dispute>
  readonly comparedMs: number
}

export const noSight: Sight = { boot: 0, digest: '', pages: new Map(), disputes: new Map(), comparedMs: -Infinity }

const pagesOf = (health: HealthState): number => Math.max(1, Math.ceil(serverCount(health) / pageServers))

function serverCount(health: HealthState): number {
  const last = health.services.at(-1)
  return last ? last.firstAt + last.servers.length : 0
}

const valueOf = (server: ServerState): number => (server.spec.active ? seen.indexOf(server.health) : 0)

/** The page a beat with this number carries; undefined when there are no servers. */
export function sightPage(health: HealthState, seq: number): SightPage | undefined {
  const count = serverCount(health)
  if (count === 0) return undefined
  const page = seq % pagesOf(health)
  const from = page * pageServers
  const values: number[] = []
  for (const service of health.services) {
    if (service.firstAt + service.servers.length <= from) continue
    if (service.firstAt >= from + pageServers) break
    for (const [at, server] of service.servers.entries()) {
      const index = service.firstAt + at
      if (index >= from && index < from + pageServers) values.push(valueOf(server))
    }
  }
  let states = ''
  for (let at = 0; at < values.length; at += perCharacter) {
    states += alphabet.charAt((values[at] ?? 0) + (values[at + 1] ?? 0) * 4 + (values[at + 2] ?? 0) * 16)
  }
  return { page, states }
}

/** Takes the page of a beat in. `sameConfig`: the peer runs the same config, so its order of servers is ours. */
export function withPage(
  sight: Sight,
  beat: { readonly boot: number; readonly digest: string; readonly sight?: SightPage },
  sameConfig: boolean,
  now: Now,
): Sight {
  const isSame = sight.boot === beat.boot && sight.digest === beat.digest
  const base = isSame ? sight : { ...noSight, boot: beat.boot, digest: beat.digest, disputes: sight.disputes }
  if (!beat.sight || !sameConfig) return isSame && sameConfig ? sight : { ...base, pages: new Map() }
  const { page, states } = beat.sight
  if (!Number.isInteger(page) || page < 0 || page * pageServers >= serversMax || states.length > pageCharacters)
    return base
  return { ...base, pages: new Map(base.pages).set(page, { states, atMs: now.ms }) }
}

/** What the peer sees of the server at a place of the config; undefined when that is not known (any more). */
export function peerSees(sight: Sight, index: number, now: Now): 'up' | 'down' | undefined {
  const known = sight.pages.get(Math.floor(index / pageServers))
  if (!known || now.ms - known.atMs > staleMs) return undefined
  const at = index % pageServers
  const character = alphabet.indexOf(known.states.charAt(Math.floor(at / perCharacter)))
  const value = seen[(character >> (2 * (at % perCharacter))) & 3]
  return known.states === '' || character < 0 || value === 'unknown' ? undefined : value
}

/** Compares the views, when it is time to. The events are new disagreements, or that there are none any more. */
export function compareSights(
  sight: Sight,
  health: HealthState,
  peer: string,
  now: Now,
): { readonly sight: Sight; readonly events: readonly JournalEvent[] } {
  if (now.ms - sight.comparedMs < compareMs || (sight.pages.size === 0 && sight.disputes.size === 0))
    return { sight, events: [] }
  const disputes = new Map<string, Dispute>()
  const fresh: { service: string; server: string; here: 'up' | 'down'; there: 'up' | 'down' }[] = []
  let told = 0
  let compared = 0
  for (const service of health.services) {
    const { intervalMs, timeoutMs, rise, fall } = service.spec.check
    const patienceMs = Math.max(leastDisputeMs, intervalMs * (Math.max(rise, fall) + 1) + timeoutMs)
    for (const [at, server] of service.servers.entries()) {
      const there = peerSees(sight, service.firstAt + at, now)
      const here = server.health
      if (there !== undefined) compared++
      if (there === undefined || here === 'unknown' || here === there || !server.spec.active) continue
      const key = `${service.key} ${server.key}`
      const known = sight.disputes.get(key)
      const isOld = known !== undefined && now.ms - known.sinceMs >= patienceMs
      if (isOld && !known.told) fresh.push({ service: service.key, server: server.key, here, there })
      const dispute = { sinceMs: known?.sinceMs ?? now.ms, told: isOld }
      if (dispute.told) told++
      disputes.set(key, dispute)
    }
  }
  const wereTold = [...sight.disputes.values()].some((dispute) => dispute.told)
  const events: JournalEvent[] =
    fresh.length > 0
      ? [{ kind: 'disagreement', peer, servers: fresh.slice(0, namedMax), total: told }]
      : // A peer that is not heard any more has not come to agree.
        wereTold && told === 0 && compared > 0
        ? [{ kind: 'disagreement', peer, servers: [], total: 0 }]
        : []
  return { sight: { ...sight, disputes, comparedMs: now.ms }, events }
}
