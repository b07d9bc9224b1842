/**
 * What can be done about a problem with certainty, as edits of the text: a trailing comment gets its own line, a brace its place, a
 * value its quotes. A problem with several right answers (an unknown scheduler) offers each; one whose answer only the operator knows
 * offers none. Fixes look at the lines around the place, never at the whole file, so that offering them costs nothing.
 */
import type { Problem, ProblemCode } from '../problem.ts'
import { prefixToMask } from '../ipv4.ts'
import { newerSchedulers, piranhaSchedulers } from './directives.ts'
import { spanOf } from './document-text.ts'
import type { TextEdit } from './draft.ts'
import { writtenValue } from './draft.ts'

/** How a fix is called on the screen; `detail` fills the words in. */
type FixName =
  | 'remove-bom'
  | 'use-lf'
  | 'comment-to-own-line'
  | 'brace-to-opening-line'
  | 'separate-brace'
  | 'write-brace'
  | 'brace-to-own-line'
  | 'remove-line'
  | 'close-block'
  | 'write-equals'
  | 'unquote'
  | 'close-quote'
  | 'quote'
  | 'double-quotes'
  | 'write'
  | 'comment-out'
  | 'remove-earlier'
  | 'move-port'
  | 'escape-backslash'
  | 'use-label'

export interface Fix {
  readonly name: FixName
  readonly detail: Readonly<Record<string, string | number>>
  /** Edits of the text as it is held; for `use-lf` of a file that ends all lines alike there are none (see `setsLineEnd`). */
  readonly edits: readonly TextEdit[]
  /** The document's line end becomes LF. */
  readonly setsLineEnd?: true
}

/** A held text with the beginnings of its lines (see document-text.ts). */
export interface Lines {
  readonly text: string
  readonly starts: readonly number[]
}

const opener = /^[ \t]*(virtual|failover|server)\b(?![ \t]*=)/
const indentation = /^[ \t]*/

/** Number of the line an offset is on, from 1. */
function lineAt(lines: Lines, offset: number): number {
  let low = 0
  let high = lines.starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((lines.starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low + 1
}

function startOf(lines: Lines, line: number): number {
  return lines.starts[line - 1] ?? lines.text.length
}

/** A line without its line end. */
function lineText(lines: Lines, line: number): string {
  return lines.text.slice(startOf(lines, line), startOf(lines, line + 1)).replace(/[\r\n]+$/, '')
}

function indentOf(text: string): string {
  return indentation.exec(text)?.[0] ?? ''
}

function closes(text: string): boolean {
  return /^[ \t]*("\}"|\})/.test(text)
}

/** The lines of blocks still open before a line, outermost first, as far as the braces above tell. */
function openAbove(lines: Lines, line: number): readonly number[] {
  const open: number[] = []
  let closed = 0
  for (let at = line - 1; at >= 1; at--) {
    const text = lineText(lines, at)
    if (closes(text)) closed++
    else if (opener.test(text)) {
      if (closed > 0) closed--
      else {
        open.unshift(at)
        if (!/^[ \t]*server\b/.test(text)) return open
      }
    }
  }
  return open
}

/** All fixes of a problem, the likeliest first. */
export function fixesOf(problem: Problem, lines: Lines): readonly Fix[] {
  const rule = rules[problem.code]
  if (!rule) return []
  const span = spanOf(problem.where, lines.starts, lines.text.length)
  const line = lineAt(lines, span.from)
  const fixes = rule({ problem, lines, ...span, line, words: lines.text.slice(span.from, span.to) })
  return fixes.filter((fix): fix is Fix => fix !== undefined)
}

interface Place {
  readonly problem: Problem
  readonly lines: Lines
  readonly from: number
  readonly to: number
  /** The line of `from`. */
  readonly line: number
  /** The text from `from` to `to`. */
  readonly words: string
}

type Rule = (place: Place) => readonly (Fix | undefined)[]

function fix(name: FixName, edits: readonly TextEdit[], detail: Fix['detail'] = {}): Fix {
  return { name, detail, edits }
}

function replaceAll(place: Place, insert: string, name: FixName = 'write'): Fix {
  return fix(name, [{ from: place.from, to: place.to, insert }], { value: insert })
}

function removeLine(place: Place): Fix {
  const from = startOf(place.lines, place.line)
  return fix('remove-line', [{ from, to: startOf(place.lines, place.line + 1), insert: '' }])
}

function commentOut(place: Place): Fix {
  const text = lineText(place.lines, place.line)
  const at = startOf(place.lines, place.line) + indentOf(text).length
  return fix('comment-out', [{ from: at, to: at, insert: '# ' }])
}

/** One fix per choice; what differs only in case or by a letter comes first. */
function choices(place: Place, from: readonly string[]): readonly Fix[] {
  const written = place.words.toLowerCase()
  const near = (choice: string): number => (choice === written ? 0 : choice.startsWith(written.slice(0, 2)) ? 1 : 2)
  return from.toSorted((a, b) => near(a) - near(b)).map((choice) => replaceAll(place, choice))
}

const yes = new Set(['yes', 'on', 'true', 'enabled', 'y'])
const no = new Set(['no', 'off', 'false', 'disabled', 'n'])

/** Quotes around the words from `from` to the end of what belongs to the value. */
function quoted(place: Place): Fix | undefined {
  const bare = place.words.trimEnd()
  const written = bare.startsWith('"') || bare.startsWith("'") ? undefined : writtenValue(undefined, bare, '"')
  return written === undefined ? undefined : replaceAll(place, written, 'quote')
}

const useLf: Rule = () => [{ name: 'use-lf', detail: {}, edits: [], setsLineEnd: true }]

const withoutReturns: Rule = ({ lines }) => {
  const edits: TextEdit[] = []
  for (const match of lines.text.matchAll(/\r+\n?/g)) {
    edits.push({ from: match.index, to: match.index + match[0].length, insert: '\n' })
  }
  return [fix('use-lf', edits)]
}

/** Closing braces for what is still open between an opening line and the line after its end. */
const closeBlock: Rule = (place) => {
  const { lines } = place
  const next = place.problem.detail?.['line']
  const end = typeof next === 'number' ? next : lines.starts.length + 1
  const open: string[] = []
  for (let at = place.line; at < end; at++) {
    const text = lineText(lines, at)
    if (closes(text)) open.pop()
    else if (opener.test(text)) open.push(indentOf(text))
  }
  if (open.length === 0) return []
  const braces = open
    .toReversed()
    .map((indent) => `${indent}}\n`)
    .join('')
  const at = startOf(lines, end)
  const unended = at === lines.text.length && !/[\r\n]$/.test(lines.text)
  const insert = unended ? `\n${braces.slice(0, -1)}` : braces
  return [fix('close-block', [{ from: at, to: at, insert }])]
}

/** The opening brace at the end of a line, before a comment that trails it. */
function braceAtEnd(lines: Lines, line: number): TextEdit {
  const text = lineText(lines, line)
  const kept = text.replace(/[ \t]+#.*$/, '').trimEnd()
  const at = startOf(lines, line) + kept.length
  return { from: at, to: at, insert: ' {' }
}

const rules: Partial<Record<ProblemCode, Rule>> = {
  'lvscf-bom': ({ lines }) => {
    const length = lines.text.startsWith('\uFEFF') ? 1 : 3
    return [fix('remove-bom', [{ from: 0, to: length, insert: '' }])]
  },
  'lvscf-crlf': useLf,
  'lvscf-cr-only': useLf,
  'lvscf-cr-mixed': withoutReturns,
  'lvscf-cr-first-line': withoutReturns,

  'lvscf-trailing-comment': (place) => {
    const { lines, from, to } = place
    const text = lineText(lines, place.line)
    const start = startOf(lines, place.line)
    const before = lines.text.slice(start, from).trimEnd()
    return [
      fix('comment-to-own-line', [
        { from: start, to: start, insert: `${indentOf(text)}${place.words.trimEnd()}\n` },
        { from: start + before.length, to, insert: '' },
      ]),
    ]
  },

  'lvscf-brace-next-line': ({ lines, line }) => {
    // The place is the opening line; the brace is the first thing below it that is neither blank nor a comment.
    let below = line + 1
    while (below <= lines.starts.length && /^[ \t]*(#.*)?$/.test(lineText(lines, below))) below++
    const text = lineText(lines, below)
    if (!text.trimStart().startsWith('{')) return []
    const start = startOf(lines, below)
    const alone = text.trim() === '{'
    const from = alone ? start : start + indentOf(text).length
    const to = alone ? startOf(lines, below + 1) : from + 1
    return [fix('brace-to-opening-line', [braceAtEnd(lines, line), { from, to, insert: '' }])]
  },
  'lvscf-brace-missing': (place) => [fix('write-brace', [braceAtEnd(place.lines, place.line)])],
  'lvscf-brace-attached': ({ to }) => [fix('separate-brace', [{ from: to - 1, to: to - 1, insert: ' ' }])],
  'lvscf-brace-same-line': (place) => {
    const above = openAbove(place.lines, place.line).at(-1)
    if (above === undefined) return []
    const insert = `\n${indentOf(lineText(place.lines, above))}}`
    return [fix('brace-to-own-line', [{ from: place.from, to: place.to, insert }])]
  },
  'lvscf-brace-surplus': (place) => [removeLine(place)],
  'lvscf-brace-junk': ({ from }) => [fix('separate-brace', [{ from, to: from, insert: ' ' }])],
  'lvscf-block-unclosed': closeBlock,
  'lvscf-block-unclosed-at-end': closeBlock,
  'lvscf-server-unclosed-at-end': closeBlock,

  'lvscf-equals-missing': (place) => {
    const key = /^\S+/.exec(place.words)?.[0]
    if (!key) return []
    const at = place.from + key.length
    return [fix('write-equals', [{ from: at, to: at, insert: ' =' }])]
  },
  'lvscf-equals-attached': (place) => {
    const match = /[ \t]*=[ \t]*/.exec(place.words)
    if (!match) return []
    const from = place.from + match.index
    return [fix('write-equals', [{ from, to: from + match[0].length, insert: ' = ' }])]
  },
  'lvscf-key-quoted': (place) => [replaceAll(place, place.words.slice(1, -1), 'unquote')],
  'lvscf-value-missing': (place) => [removeLine(place)],
  'lvscf-quote-open': (place) => {
    const quote = place.words.charAt(0)
    return [fix('close-quote', [{ from: place.to, to: place.to, insert: quote }])]
  },
  'lvscf-text-unquoted': (place) => [quoted(place)],
  'lvscf-single-quotes': (place) => {
    const inner = place.words.slice(1, -1)
    return inner.includes('"') ? [] : [replaceAll(place, `"${inner}"`, 'double-quotes')]
  },
  'lvscf-name-blanks': (place) => [quoted(place)],
  'lvscf-misspelt': (place) => {
    const suggestion = place.problem.detail?.['suggestion']
    return [typeof suggestion === 'string' ? replaceAll(place, suggestion) : undefined, commentOut(place)]
  },
  'lvscf-unknown': (place) => [commentOut(place)],
  'lvscf-not-understood': (place) => [commentOut(place)],
  'lvscf-refused-directive': (place) => [removeLine(place), commentOut(place)],
  'lvscf-list-brackets': (place) => [removeLine(place)],
  'lvscf-nat-router-unused': (place) => [commentOut(place)],
  'lvscf-pmask-unused': (place) => [removeLine(place)],
  'lvscf-pmask-ignored': (place) => [maskOf(place), removeLine(place)],

  'lvscf-octal': (place) => {
    const meaning = String(place.problem.detail?.['meaning'] ?? '')
    const plain = place.words.replace(/^(["']?)0+(?=\d)/, '$1')
    return [
      meaning === '' ? undefined : replaceAll(place, meaning),
      plain === meaning ? undefined : replaceAll(place, plain),
    ]
  },
  'lvscf-address-form': (place) => {
    const meaning = String(place.problem.detail?.['meaning'] ?? '')
    const written = String(place.problem.detail?.['value'] ?? '')
    return meaning !== '' && place.words.includes(written)
      ? [
          fix('write', [{ from: place.from, to: place.to, insert: place.words.replace(written, meaning) }], {
            value: meaning,
          }),
        ]
      : []
  },
  'lvscf-not-a-mask': (place) => [maskOf(place)],
  'lvscf-not-a-switch': (place) => {
    const word = place.words.toLowerCase().replace(/["']/g, '')
    const likely = yes.has(word) ? ['1'] : no.has(word) ? ['0'] : ['1', '0']
    return likely.map((value) => replaceAll(place, value))
  },
  'lvscf-not-a-choice': (place) => choices(place, String(place.problem.detail?.['choices'] ?? '').split(', ')),
  'lvscf-scheduler-unknown': (place) => choices(place, piranhaSchedulers),
  'lvscf-scheduler-newer': (place) =>
    choices(
      place,
      piranhaSchedulers.filter((name) => !(newerSchedulers as readonly string[]).includes(name)),
    ),
  'lvscf-device-without-label': (place) => {
    const device = String(place.problem.detail?.['value'] ?? '')
    return device !== '' && place.words.endsWith(device)
      ? [fix('use-label', [{ from: place.to, to: place.to, insert: ':1' }], { value: `${device}:1` })]
      : []
  },
  'lvscf-escape-unknown': (place) => {
    const escape = String(place.problem.detail?.['escape'] ?? '')
    const edits: TextEdit[] = []
    // Escapes are read in pairs, so that the second half of a right one is not taken for the beginning of a wrong one.
    for (const match of place.words.matchAll(/\\([^])?/g)) {
      const closing = place.from + match.index + 1 === place.to - 1 && match[1] === '"'
      if (match[0] === escape || closing) {
        const at = place.from + match.index
        edits.push({ from: at, to: at, insert: '\\' })
      }
    }
    return edits.length === 0 ? [] : [fix('escape-backslash', edits, { escape })]
  },

  'lvscf-repeated': (place) => {
    const name = String(place.problem.detail?.['name'] ?? '')
    const edits: TextEdit[] = []
    let depth = 0
    for (let at = place.line - 1; at >= 1; at--) {
      const text = lineText(place.lines, at)
      if (closes(text)) depth++
      else if (opener.test(text)) {
        if (depth === 0) break
        depth--
      } else if (depth === 0 && text.trim().split(/[ \t=]/, 1)[0] === name) {
        edits.unshift({ from: startOf(place.lines, at), to: startOf(place.lines, at + 1), insert: '' })
      }
    }
    return edits.length === 0 ? [] : [fix('remove-earlier', edits, { name })]
  },
  'lvscf-port-order': (place) => {
    // The place is the real server; `port =` of its virtual server comes somewhere below, between the other real servers.
    const { lines } = place
    const block = openAbove(lines, place.line).at(-1)
    if (block === undefined) return []
    let depth = 0
    let first: number | undefined
    for (let at = block + 1; at <= lines.starts.length; at++) {
      const text = lineText(lines, at)
      if (closes(text)) {
        if (depth === 0) return []
        depth--
      } else if (opener.test(text)) {
        depth++
        first ??= at
      } else if (depth === 0 && first !== undefined && /^[ \t]*port[ \t]*=/.test(text)) {
        const to = startOf(lines, at + 1)
        const moved = lines.text.slice(startOf(lines, at), to)
        const whole = /\n$/.test(moved) ? moved : `${moved}\n`
        const target = startOf(lines, first)
        return [
          fix('move-port', [
            { from: target, to: target, insert: whole },
            { from: startOf(lines, at), to, insert: '' },
          ]),
        ]
      }
    }
    return []
  },
}

/** `/24` or `24` as a dotted netmask. */
function maskOf(place: Place): Fix | undefined {
  const prefix = /^["']?\/?(\d{1,2})["']?$/.exec(place.words)?.[1]
  return prefix !== undefined && Number(prefix) <= 32 ? replaceAll(place, prefixToMask(Number(prefix))) : undefined
}
