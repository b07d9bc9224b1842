/** The history as a file: CSV for a spreadsheet, JSON with every fact of a line. Both carry the line as the reader sees it. */
import type { JournalEntry } from '../domain/contract/agent.ts'
import { laneOf, serviceOf } from './history.ts'

/** A cell that a spreadsheet takes as text: quotes doubled, and nothing that begins a formula. */
function cell(value: string): string {
  const plain = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

/** Comma-separated values with CR LF as RFC 4180 has them, and a byte order mark, without which Excel does not read UTF-8. */
export function historyCsv(entries: readonly JournalEntry[], textOf: (entry: JournalEntry) => string): string {
  const rows = entries.map((entry) =>
    [
      new Date(entry.atMs).toISOString(),
      entry.director,
      laneOf(entry),
      entry.event.kind,
      serviceOf(entry) ?? '',
      'server' in entry.event ? (entry.event.server ?? '') : '',
      textOf(entry),
    ].map(cell),
  )
  const head = ['time', 'director', 'kind', 'event', 'service', 'server', 'text']
  return `\uFEFF${[head, ...rows].map((row) => `${row.join(',')}\r\n`).join('')}`
}

export function historyJson(entries: readonly JournalEntry[], textOf: (entry: JournalEntry) => string): string {
  const lines = entries.map((entry) => ({ time: new Date(entry.atMs).toISOString(), text: textOf(entry), ...entry }))
  return `${JSON.stringify(lines, undefined, 1)}\n`
}
