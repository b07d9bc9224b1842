/**
 * Both directors' journals as one timeline. Each line is known by director, boot and number, so a line heard twice is one line;
 * a takeover told by both directors becomes one item with the record of the one that decided.
 */
import type { FailoverRecord, JournalEntry } from '../domain/contract/agent.ts'

/** What a line is known by. */
export function keyOf(entry: JournalEntry): string {
  return `${entry.director}\n${entry.boot}\n${entry.seq}`
}

const newestFirst = (a: JournalEntry, b: JournalEntry): number => b.atMs - a.atMs || b.seq - a.seq

/** Adds entries to those known (newest first); each once, newest first. */
export function mergeJournal(known: readonly JournalEntry[], fresh: readonly JournalEntry[]): JournalEntry[] {
  const byKey = new Map<string, JournalEntry>()
  for (const entry of [...fresh, ...known]) byKey.set(keyOf(entry), entry)
  return [...byKey.values()].sort(newestFirst)
}

export type Lane = 'role' | 'failover' | 'health' | 'network' | 'configuration' | 'operator' | 'agent'
export const lanes: readonly Lane[] = ['failover', 'role', 'health', 'network', 'configuration', 'operator', 'agent']

/** Which filter a line belongs to. */
export function laneOf(entry: JournalEntry): Lane {
  switch (entry.event.kind) {
    case 'failover':
      return 'failover'
    case 'role':
      return 'role'
    case 'health':
      return 'health'
    case 'disagreement':
    case 'path':
    case 'link':
      return 'network'
    case 'config':
    case 'drift':
      return 'configuration'
    case 'order':
    case 'drained':
      return 'operator'
    case 'started':
    case 'stopped':
    case 'trouble':
      return 'agent'
  }
}

/** The lines to show: of the chosen lanes, and of one takeover (same winner, same term) only the decider's own. */
export function timeline(journal: readonly JournalEntry[], chosen: ReadonlySet<Lane>): JournalEntry[] {
  const told = new Set<string>()
  for (const entry of journal) {
    if (entry.event.kind === 'failover' && entry.event.record.decidedBy === entry.director) {
      told.add(takeoverOf(entry.event.record))
    }
  }
  return journal.filter((entry) => {
    if (!chosen.has(laneOf(entry))) return false
    if (entry.event.kind !== 'failover') return true
    return entry.event.record.decidedBy === entry.director || !told.has(takeoverOf(entry.event.record))
  })
}

function takeoverOf(record: FailoverRecord): string {
  return `${record.to} ${record.term}`
}

/** The virtual server a line is about, by its id; undefined for what is about the whole cluster. */
export function serviceOf({ event }: JournalEntry): string | undefined {
  switch (event.kind) {
    case 'health':
    case 'drained':
      return event.service
    case 'order':
      return event.service
    default:
      return undefined
  }
}

export interface Wanted {
  readonly lanes: ReadonlySet<Lane>
  /** Empty: of both. */
  readonly director: string
  /** Empty: of all, and of none. */
  readonly service: string
  /** All of these words have to be in the line as it is said. */
  readonly words: string
  /** No earlier line. */
  readonly fromMs: number
}

/** The lines to show of a journal (newest first). `textOf` says a line. */
export function wantedOf(
  journal: readonly JournalEntry[],
  wanted: Wanted,
  textOf: (entry: JournalEntry) => string,
): JournalEntry[] {
  const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean)
  return timeline(journal, wanted.lanes).filter((entry) => {
    if (entry.atMs < wanted.fromMs) return false
    if (wanted.director !== '' && entry.director !== wanted.director) return false
    if (wanted.service !== '' && serviceOf(entry) !== wanted.service && !isAbout(entry, wanted.service)) return false
    if (words.length === 0) return true
    const text = `${entry.director} ${textOf(entry)}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** A disagreement of the directors is about each service it names. */
function isAbout({ event }: JournalEntry, service: string): boolean {
  return event.kind === 'disagreement' && event.servers.some((one) => one.service === service)
}

type Phase =
  'last-heard' | 'first-missed' | 'declared-dead' | 'decided' | 'table-ready' | 'address-up' | 'announced' | 'learnt'

export interface PhaseMark {
  readonly phase: Phase
  readonly atMs: number
  /** Since the first known instant of the record. */
  readonly offsetMs: number
  /** Share of the whole axis, 0 to 1. */
  readonly share: number
}

/** The known instants of a takeover in order, placed on an axis from the first to the last. */
export function phasesOf(record: FailoverRecord): PhaseMark[] {
  const instants: readonly (readonly [Phase, number | undefined])[] = [
    ['last-heard', record.lastHeardAtMs],
    ['first-missed', record.firstMissedAtMs],
    [record.cause === 'peer-silent' ? 'declared-dead' : 'decided', record.decidedAtMs],
    ['table-ready', record.tableReadyAtMs],
    ['address-up', record.addressUpAtMs],
    ['announced', record.announcedAtMs],
    ['learnt', record.learntAtMs],
  ]
  const known = instants
    .flatMap(([phase, atMs]) => (atMs === undefined ? [] : [{ phase, atMs }]))
    .sort((a, b) => a.atMs - b.atMs)
  const first = known[0]?.atMs ?? 0
  const span = (known.at(-1)?.atMs ?? first) - first
  return known.map(({ phase, atMs }) => ({
    phase,
    atMs,
    offsetMs: atMs - first,
    share: span === 0 ? 0 : (atMs - first) / span,
  }))
}
