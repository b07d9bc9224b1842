/**
 * The audit after a fault: what must hold once a pair of directors has had time to settle. What can be judged from text alone is
 * judged here, purely, so that it is known to find what it looks for; the looking itself is in faults.ts.
 */
import type { FailoverRecord, JournalEntry, Role } from '../../domain/contract/agent.ts'

/** What was seen of one director. */
export type Seen = {
  readonly host: string
  readonly mac: string
  readonly role: Role | null
  readonly peerAlive: boolean
  /** The virtual IP is on one of its interfaces. */
  readonly holds: boolean
  /** `ipvsadm -Sn`, lines in any order. */
  readonly table: readonly string[]
}

/** What is wrong with a pair at one moment; empty = as it should be. `answering`: hardware addresses that answered for the virtual IP. */
export function problemsOf(
  pair: readonly Seen[],
  wantedTable: readonly string[],
  answering: readonly string[],
): readonly string[] {
  const problems: string[] = []
  const with_ = (role: Role): readonly Seen[] => pair.filter((d) => d.role === role)
  const roles = pair.map((d) => `${d.host} ${d.role ?? 'gives no answer'}`).join(', ')
  if (with_('active').length !== 1 || with_('standby').length !== 1) problems.push(`roles: ${roles}`)
  for (const d of pair) if (d.role !== null && !d.peerAlive) problems.push(`${d.host} does not hear its peer`)
  const holders = pair.filter((d) => d.holds)
  if (holders.length !== 1)
    problems.push(`${holders.length} hold the virtual IP: ${holders.map((d) => d.host).join(', ') || 'nobody'}`)
  else if (holders[0]?.role !== 'active')
    problems.push(`${holders[0]?.host} holds the virtual IP and is ${holders[0]?.role}`)
  if (answering.length !== 1 || answering[0] !== with_('active')[0]?.mac)
    problems.push(
      `answering for the virtual IP: ${answering.join(', ') || 'nobody'}; the active one is ${with_('active')[0]?.mac ?? 'nobody'}`,
    )
  for (const d of pair) {
    const missing = wantedTable.filter((line) => !d.table.includes(line))
    const extra = d.table.filter((line) => !wantedTable.includes(line))
    if (missing.length + extra.length > 0)
      problems.push(
        `table of ${d.host}: ${[...missing.map((l) => `lacks ${l}`), ...extra.map((l) => `has ${l}`)].join('; ')}`,
      )
  }
  return problems
}

/** A takeover is written down at latest so long after the role changed (it waits for address and announcement). */
const recordLimitMs = 5_000

/**
 * What is wrong with the histories of a pair since `sinceMs`. Within one boot of an agent: entries without a hole, each role begins
 * where the last one ended, and every claim has its record (unless that agent ended first). `roles`: what they say they are now.
 */
export function historyProblems(
  journals: Readonly<Record<string, readonly JournalEntry[]>>,
  roles: Readonly<Record<string, Role | null>>,
  sinceMs: number,
  nowMs: number,
): readonly string[] {
  const problems: string[] = []
  for (const [host, entries] of Object.entries(journals)) {
    const boots = new Map<string, JournalEntry[]>()
    for (const entry of entries) boots.set(entry.boot, [...(boots.get(entry.boot) ?? []), entry])
    const lastBoot = entries.at(-1)?.boot
    for (const [boot, own] of boots) {
      if (own.every((entry) => entry.atMs < sinceMs)) continue
      let role: Role | null = null
      own.forEach((entry, at) => {
        const before = own[at - 1]
        if (before && entry.seq !== before.seq + 1)
          problems.push(`${host}: entry ${entry.seq} of boot ${boot} follows ${before.seq}`)
        const { event } = entry
        if (event.kind !== 'role') return
        if (role !== null && event.from !== role)
          problems.push(`${host}: became ${event.to} from ${event.from}, but had been ${role}`)
        role = event.to
        if (event.to !== 'active' || entry.atMs < sinceMs) return
        const recorded = own.some(
          (e) => e.event.kind === 'failover' && e.event.record.term === event.term && e.event.record.to === host,
        )
        const later = own.slice(at + 1).find((e) => e.event.kind === 'role')
        const gaveUp = later !== undefined && later.atMs - entry.atMs < recordLimitMs
        const died = boot !== lastBoot && (own.at(-1)?.atMs ?? 0) - entry.atMs < recordLimitMs
        if (!recorded && !gaveUp && !died && nowMs - entry.atMs > recordLimitMs)
          problems.push(
            `${host}: became active in term ${event.term} at ${entry.atMs} and there is no failover record of it`,
          )
      })
      if (boot === lastBoot && roles[host] && role !== null && role !== roles[host])
        problems.push(`${host}: its history ends with ${role}, it says it is ${roles[host]}`)
    }
  }
  return problems
}

/** Failover records since an instant, of both directors, in their order. */
export function recordsSince(
  journals: Readonly<Record<string, readonly JournalEntry[]>>,
  sinceMs: number,
): readonly FailoverRecord[] {
  return Object.values(journals)
    .flat()
    .filter((entry) => entry.atMs >= sinceMs)
    .sort((a, b) => a.atMs - b.atMs)
    .flatMap((entry) => (entry.event.kind === 'failover' ? [entry.event.record] : []))
}

/** Hardware addresses in the output of `arping`, each once. */
export function answeringIn(text: string): readonly string[] {
  return [
    ...new Set([...text.matchAll(/reply from \S+ \[([0-9A-Fa-f:]{17})\]/g)].map((m) => (m[1] ?? '').toLowerCase())),
  ]
}
