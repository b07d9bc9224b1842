/**
 * What operators ordered about single real servers: drained, or another weight. Both directors hold the same: each entry carries a
 * version (a counter above every one seen, and the side that gave it), the higher one wins on both, and beats carry the entries
 * around until the peer says the same digest. An entry that orders nothing any more is kept, so that an older one cannot come back.
 */
import type { Side } from './words.ts'

export interface Override {
  readonly service: string
  readonly server: string
  /** Of all versions of one entry the highest counts; the primary's before the backup's. */
  readonly counter: number
  readonly side: Side
  /** Drained since this instant of the wall clock of the director that took the order. */
  readonly drainedAtMs?: number
  /** Its last connection has ended: it stays out of the table. */
  readonly out?: boolean
  readonly weight?: number
}

export interface Overrides {
  readonly entries: ReadonlyMap<string, Override>
  /** Equal digests, equal entries; empty where there are none. */
  readonly digest: string
}

/** An entry in a beat: service, server, counter, side, drained at, out, weight. */
export type OverrideWords = readonly [string, string, number, Side, number | null, boolean, number | null]

export const noOverrides: Overrides = { entries: new Map(), digest: '' }

/** Entries in one beat take at most so many characters: a beat stays below the MTU. */
const beatChars = 420
/** No entry is longer (two IPv6 endpoints), so a beat carries at least two. */
const leastPerBeat = 2
/** More entries than this are not taken over from a peer. */
export const overridesLimit = 50_000

const keyOf = (o: { readonly service: string; readonly server: string }): string => `${o.service} ${o.server}`

function newer(a: Override, b: Override | undefined): boolean {
  if (!b || a.counter !== b.counter) return !b || a.counter > b.counter
  if (a.side !== b.side) return a.side === 'primary'
  return a.out === true && b.out !== true
}

const wordsOf = (o: Override): OverrideWords => [
  o.service,
  o.server,
  o.counter,
  o.side,
  o.drainedAtMs ?? null,
  o.out === true,
  o.weight ?? null,
]

/** An entry from a beat. */
export function overrideFrom([service, server, counter, side, drainedAtMs, out, weight]: OverrideWords): Override {
  return {
    service,
    server,
    counter,
    side,
    ...(drainedAtMs === null ? {} : { drainedAtMs }),
    ...(out ? { out } : {}),
    ...(weight === null ? {} : { weight }),
  }
}

/** Two FNV-1a hashes (32 bit, public domain) over all entries in order. */
function digestOf(entries: ReadonlyMap<string, Override>): string {
  if (entries.size === 0) return ''
  const text = [...entries.values()]
    .map((o) => JSON.stringify(wordsOf(o)))
    .sort()
    .join()
  const hash = (seed: number): string => {
    let value = seed
    for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 16_777_619)
    return (value >>> 0).toString(16).padStart(8, '0')
  }
  return hash(2_166_136_261) + hash(84_696_351)
}

/** Takes entries in that are newer than those held; the same value when none is. */
export function merged(overrides: Overrides, incoming: readonly Override[]): Overrides {
  const fresh = incoming.filter((o) => newer(o, overrides.entries.get(keyOf(o))))
  if (fresh.length === 0) return overrides
  const entries = new Map(overrides.entries)
  for (const o of fresh) if (entries.has(keyOf(o)) || entries.size < overridesLimit) entries.set(keyOf(o), o)
  return { entries, digest: digestOf(entries) }
}

/** The entry of one server, as changed by an order given to this side. */
export function ordered(
  overrides: Overrides,
  side: Side,
  about: { readonly service: string; readonly server: string },
  change: Pick<Override, 'drainedAtMs' | 'weight'>,
): Overrides {
  let counter = 0
  for (const o of overrides.entries.values()) counter = Math.max(counter, o.counter)
  return merged(overrides, [{ ...about, counter: counter + 1, side, ...change }])
}

/** The entry of one server; undefined where nothing was ever ordered. */
export function overrideOf(overrides: Overrides, service: string, server: string): Override | undefined {
  return overrides.entries.get(`${service} ${server}`)
}

/** Some entries for beat number `seq`; over consecutive beats all of them have their turn. */
export function overridesInBeat(overrides: Overrides, seq: number): readonly OverrideWords[] {
  const all = [...overrides.entries.values()]
  const from = (seq * leastPerBeat) % Math.max(1, all.length)
  const page: OverrideWords[] = []
  let chars = 0
  for (let at = 0; at < all.length; at++) {
    const entry = all[(from + at) % all.length]
    if (!entry) break
    const words = wordsOf(entry)
    chars += JSON.stringify(words).length + 1
    if (chars > beatChars && page.length > 0) break
    page.push(words)
  }
  return page
}
