/** Small readings that the neighbours' files have in common: numbers, addresses, ranges, comments, and Shoal's own marks in them. */
import { ipv4Number, isIpv4 } from '../ipv4.ts'
import { tcpServicePort } from '../lvscf/services.ts'
import { dotted } from '../lvscf/values.ts'
import type { Ledger, Place } from './report.ts'

const portMax = 65_535
/** More addresses than this in one range are not spread out. */
const rangeMax = 256

/** A whole number without sign; undefined when the text is none or beyond what a director takes. */
export function wholeNumber(text: string | undefined, max = 2_147_483): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const number = Number(text)
  return number <= max ? number : undefined
}

/** Seconds with a fraction, in milliseconds. */
export function millisecondsOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,7}(?:\.\d+)?$/.test(text)) return undefined
  return Math.round(Number(text) * 1_000)
}

/** A port by number or tcp service name; 0 is read too. */
export function portOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : (wholeNumber(text, portMax) ?? tcpServicePort(text))
}

export function isIpv6(text: string): boolean {
  return /^\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?(?:%\w+)?(?:\/\d+)?$/.test(text)
}

export function isHostName(text: string): boolean {
  return /^[A-Za-z]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)
}

/** The addresses from one to another, both included; undefined when that is no range or too many. */
export function addressesBetween(first: string, last: string): string[] | undefined {
  const from = ipv4Number(first)
  const to = ipv4Number(last)
  if (from === undefined || to === undefined || to < from || to - from >= rangeMax) return undefined
  return Array.from({ length: to - from + 1 }, (_, step) => dotted(from + step))
}

/** `10.0.0.1-9`, `10.0.0.1-10.0.1.3`, `10.0.0.8/29` or one address, spread out. */
export function addressesOf(text: string): string[] | undefined {
  if (isIpv4(text)) return [text]
  const range = /^(\d+\.\d+\.\d+\.)(\d+)-([\d.]+)$/.exec(text)
  if (range) {
    const [, stem = '', start = '', end = ''] = range
    return addressesBetween(stem + start, end.includes('.') ? end : stem + end)
  }
  const [address = '', length = ''] = text.split('/')
  const prefix = wholeNumber(length, 32)
  const number = ipv4Number(address)
  if (prefix === undefined || number === undefined) return undefined
  const size = 2 ** (32 - prefix)
  const base = Math.floor(number / size) * size
  return size > rangeMax ? undefined : addressesBetween(dotted(base), dotted(base + size - 1))
}

export interface CommentLine {
  readonly at: Place
  readonly text: string
}

/** What lvs.cf says and the neighbour has no word for, written as a comment by an export: `# shoal: name = value`. */
export interface Mark {
  readonly at: Place
  readonly name: string
  readonly value: string
}

/** Tells Shoal's own marks from other comments, and notes the others, one entry for lines that follow each other. */
export function sortComments(comments: readonly CommentLine[], ledger: Ledger): Mark[] {
  const marks: Mark[] = []
  let run: Place | undefined
  const finish = (): void => {
    if (run) ledger.say('convert-note-comment', run)
    run = undefined
  }
  for (const { at, text } of comments) {
    const [, name, value] = /^[#!;]+\s*shoal:\s*(\w+)\s*=\s*(.*?)\s*$/.exec(text) ?? []
    if (name !== undefined && value !== undefined) {
      finish()
      marks.push({ at, name, value })
    } else if (run && run.endLine === at.line - 1) run = { ...run, endLine: at.endLine, endColumn: at.endColumn }
    else {
      finish()
      run = at
    }
  }
  finish()
  return marks
}

/** The marks that stand above each of these lines, after the line before it. */
export function marksAbove(marks: readonly Mark[], lines: readonly number[]): Map<number, Mark[]> {
  const sorted = [...new Set(lines)].sort((a, b) => a - b)
  const above = new Map<number, Mark[]>()
  let next = 0
  // Marks come in the order of the text.
  for (const mark of marks) {
    while (next < sorted.length && (sorted[next] ?? 0) < mark.at.line) next++
    const line = sorted[next]
    if (line === undefined) break
    const list = above.get(line)
    if (list) list.push(mark)
    else above.set(line, [mark])
  }
  return above
}
