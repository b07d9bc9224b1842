/** For how long two directors had an address at the same time, from the moments at which each gained or lost it. Pure. */

export type AddressEvent = { readonly host: string; readonly atMs: number; readonly has: boolean }

/** `hosts`: the one that has it at `fromMs`, and the one that has not. */
export function bothHeldMs(
  hosts: readonly [string, string],
  events: readonly AddressEvent[],
  fromMs: number,
  toMs: number,
): number {
  const has = new Set([hosts[0]])
  let sinceMs: number | null = null
  let sumMs = 0
  for (const event of events.filter((e) => e.atMs >= fromMs && e.atMs <= toMs).sort((a, b) => a.atMs - b.atMs)) {
    if (event.has) has.add(event.host)
    else has.delete(event.host)
    if (has.size === 2) sinceMs ??= event.atMs
    else if (sinceMs !== null) {
      sumMs += event.atMs - sinceMs
      sinceMs = null
    }
  }
  return sinceMs === null ? sumMs : sumMs + toMs - sinceMs
}
