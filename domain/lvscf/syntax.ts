/**
 * lvs.cf as text: a lossless tree whose items are whole lines and whose blocks nest. `parse` never throws and keeps every character.
 * It reads what the original reads, word for word, and beyond that recovers from what people write by mistake (a comment after a
 * value, `a=1`, a brace on the next line …); each such place is one problem that says what the original makes of it.
 */
import type { Problem, ProblemCode, Severity, Where } from '../problem.ts'
import { problem } from '../problem.ts'
import type { Directive, Scope } from './directives.ts'
import { directive, directives, scopesOf, wordsOf } from './directives.ts'

/** A word of a line; `text` is without its quotes, `start` and `end` are offsets with them. */
interface Word {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly quote: '' | '"' | "'"
}

/** A whole line: `contentEnd` is where its line end begins, `end` where the next line begins; `line` counts from 1. */
export interface Line {
  readonly start: number
  readonly contentEnd: number
  readonly end: number
  readonly line: number
}

export interface Blank extends Line {
  readonly kind: 'blank'
}

/** A comment line. With `note` it is one of Shoal's own directives: `# shoal: name = value`. */
export interface Comment extends Line {
  readonly kind: 'comment'
  readonly note?: { readonly name: Word; readonly value: Word }
}

/** `key = value`. `value` spans all words that belong to the value; `rest` begins what does not (junk or a trailing comment). */
export interface Statement extends Line {
  readonly kind: 'statement'
  readonly key: Word
  /** Offset of the equals sign, where there is one. */
  readonly equals?: number
  readonly value?: Word
  readonly rest?: number
  readonly restIsComment?: boolean
  /** The line also closes the block (`active = 1 }`). */
  readonly closes?: boolean
}

/** A line that is no statement, or the lone opening brace of the line above. */
export interface Other extends Line {
  readonly kind: 'junk' | 'brace'
}

export type BlockKind = 'virtual' | 'failover' | 'server'

export interface Block {
  readonly kind: 'block'
  readonly block: BlockKind
  readonly open: Line
  readonly keyword: Word
  readonly name?: Word
  /** Offset of the opening brace when it stands on the opening line. */
  readonly brace?: number
  readonly items: readonly Item[]
  readonly close?: Line
  /** Opened and closed on one line: its content was not read. */
  readonly inline?: boolean
  readonly start: number
  readonly end: number
}

export type Item = Blank | Comment | Statement | Other | Block

export interface Tree {
  readonly text: string
  /** Characters of a byte order mark before the first line. */
  readonly bom: number
  readonly items: readonly Item[]
  /** What the parser recovered from or could not read, in the order of the text. */
  readonly problems: readonly Problem[]
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DOUBLE_QUOTE = 34
const HASH = 35
const SINGLE_QUOTE = 39
const EQUALS = 61
const BRACE_OPEN = 123
const BRACE_CLOSE = 125

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/**
 * The words of `text` from `from` to `to` as the original splits them (lvs.cf grammar: a quoted word runs to the first blank, then on to
 * the next quote of the same kind). Undefined where it reports a quotation mismatch.
 */
function wordsAsPiranha(text: string, from: number, to: number): Word[] | undefined {
  const words: Word[] = []
  let at = from
  for (;;) {
    while (at < to && isBlank(text.charCodeAt(at))) at++
    if (at >= to) return words
    const start = at
    const first = text.charCodeAt(start)
    while (at < to && !isBlank(text.charCodeAt(at))) at++
    if (first !== DOUBLE_QUOTE && first !== SINGLE_QUOTE) {
      words.push({ start, end: at, text: text.slice(start, at), quote: '' })
      continue
    }
    while (at < to && text.charCodeAt(at) !== first) at++
    if (at < to) at++
    const quote = first === DOUBLE_QUOTE ? '"' : "'"
    if (at > start + 1 && text.charCodeAt(at - 1) !== first) return undefined
    words.push({ start, end: at, text: text.slice(start + 1, Math.max(start + 1, at - 1)), quote })
  }
}

interface Loose {
  readonly words: Word[]
  /** Offset of a trailing comment. */
  readonly comment?: number
  /** A quoted word without its closing quote. */
  readonly open?: boolean
}

/** The words as a person means them: a quote ends at its first unescaped partner, a word beginning with # begins a comment. */
function wordsAsMeant(text: string, from: number, to: number): Loose {
  const words: Word[] = []
  let at = from
  for (;;) {
    while (at < to && isBlank(text.charCodeAt(at))) at++
    if (at >= to) return { words }
    const start = at
    const first = text.charCodeAt(start)
    if (first === HASH) return { words, comment: start }
    if (first !== DOUBLE_QUOTE && first !== SINGLE_QUOTE) {
      while (at < to && !isBlank(text.charCodeAt(at))) at++
      words.push({ start, end: at, text: text.slice(start, at), quote: '' })
      continue
    }
    const quote = first === DOUBLE_QUOTE ? '"' : "'"
    let close = -1
    let firstClose = -1
    for (let seek = start + 1; seek < to; seek++) {
      if (text.charCodeAt(seek) !== first) continue
      if (firstClose < 0) firstClose = seek
      const escaped = text.charAt(seek - 1) === '\\' && text.charAt(seek - 2) !== '\\'
      if (!escaped && (seek + 1 >= to || isBlank(text.charCodeAt(seek + 1)))) {
        close = seek
        break
      }
    }
    if (close < 0) close = firstClose
    if (close < 0) {
      let end = to
      while (end > start + 1 && isBlank(text.charCodeAt(end - 1))) end--
      words.push({ start, end, text: text.slice(start + 1, end), quote })
      return { words, open: true }
    }
    at = close + 1
    words.push({ start, end: at, text: text.slice(start + 1, close), quote })
  }
}

/** Where a span on one line is, for people: lines and columns from 1. */
export function whereOn(line: Line, start: number, end: number): Where {
  return {
    kind: 'text',
    line: line.line,
    column: start - line.start + 1,
    endLine: line.line,
    endColumn: Math.max(end, start) - line.start + 1,
  }
}

interface OpenBlock {
  kind: 'block'
  block: BlockKind
  open: Line
  keyword: Word
  name?: Word
  brace?: number
  items: Item[]
  close?: Line
  inline?: boolean
  start: number
  end: number
}

const openers = new Set<string>(['virtual', 'failover', 'server'])
const ownPrefix = /^#\s*shoal\s*:/
const ownForm = /^#\s*shoal\s*:\s*([^\s=]+)\s*=\s*(.*?)\s*$/d

/** Reads a whole file. Never throws; every character of `text` belongs to exactly one item (and to `bom`). */
export function parse(text: string): Tree {
  const problems: Problem[] = []
  const items: Item[] = []
  const stack: OpenBlock[] = []
  /** A block whose opening brace may still come on a later line. */
  let pending: OpenBlock | undefined
  let lineNumber = 0

  const report = (
    code: ProblemCode,
    severity: Severity,
    line: Line,
    start: number,
    end: number,
    detail?: Record<string, string | number>,
  ): void => {
    problems.push(problem(code, detail, whereOn(line, start, end), severity))
  }
  const here = (): Item[] => stack.at(-1)?.items ?? items
  const scope = (): Scope => {
    const top = stack.at(-1)
    return !top ? 'global' : top.block === 'server' ? 'server' : 'virtual'
  }
  const finish = (end: number): void => {
    const block = stack.pop()
    if (block) block.end = end
    if (pending && !stack.includes(pending)) pending = undefined
  }

  const bom = text.startsWith('\uFEFF') ? 1 : text.startsWith('\u00EF\u00BB\u00BF') ? 3 : 0
  /** Where `code` stands next, from `from` on; the end of the text when it does not. */
  const next = (code: string, from: number): number => {
    const found = text.indexOf(code, from)
    return found < 0 ? text.length : found
  }
  let at = bom
  let lf = next('\n', at)
  let cr = next('\r', at)
  const hasCr = cr < text.length
  while (at < text.length) {
    const start = at
    const contentEnd = Math.min(lf, cr)
    at = cr < lf && text.charCodeAt(cr + 1) === LF ? cr + 2 : Math.min(contentEnd + 1, text.length)
    if (lf < at) lf = next('\n', at)
    if (cr < at) cr = next('\r', at)
    lineNumber++
    readLine({ start, contentEnd, end: at, line: lineNumber })
  }

  for (const block of stack) {
    const code = block.block === 'server' ? 'lvscf-server-unclosed-at-end' : 'lvscf-block-unclosed-at-end'
    if (block === stack[0])
      report(code, 'warning', block.open, block.keyword.start, block.open.contentEnd, named(block))
    block.end = text.length
  }
  if (pending) missingBrace(pending)
  const file = fileProblems(text, bom, hasCr)
  return { text, bom, items, problems: file.length === 0 ? problems : [...file, ...problems] }

  function named(block: OpenBlock): Record<string, string> {
    return { kind: block.block, name: block.name?.text ?? '' }
  }

  function missingBrace(block: OpenBlock): void {
    report('lvscf-brace-missing', 'warning', block.open, block.keyword.start, block.open.contentEnd, named(block))
    pending = undefined
  }

  function readLine(line: Line): void {
    let first = line.start
    while (first < line.contentEnd && isBlank(text.charCodeAt(first))) first++
    if (first === line.contentEnd) {
      here().push({ kind: 'blank', ...line })
      return
    }
    const code = text.charCodeAt(first)
    if (code === HASH) {
      readComment(line, first)
      return
    }
    if (pending) {
      const block = pending
      pending = undefined
      if (code === BRACE_OPEN) {
        report('lvscf-brace-next-line', 'warning', block.open, block.keyword.start, block.open.contentEnd, named(block))
        block.items.push({ kind: 'brace', ...line })
        return
      }
      missingBrace(block)
    }
    if (code === BRACE_CLOSE || (code === DOUBLE_QUOTE && text.startsWith('"}"', first))) {
      readClose(line, first)
      return
    }
    const words = wordsAsPiranha(text, first, line.contentEnd)
    const key = words?.[0]
    if (key && words.length === 3 && words[2]?.text === '{' && !words[2].quote && opens(key.text)) {
      open(line, key, words[1], words[2].start)
      return
    }
    if (readCleanStatement(line, words)) return
    readLoosely(line, first)
  }

  function opens(keyword: string): boolean {
    if (keyword === 'server') return true
    return keyword === 'virtual' || keyword === 'failover'
  }

  function readComment(line: Line, first: number): void {
    const comment = text.slice(first, line.contentEnd)
    if (!ownPrefix.test(comment)) {
      here().push({ kind: 'comment', ...line })
      return
    }
    const match = ownForm.exec(comment)
    const nameAt = match?.indices?.[1]
    const valueAt = match?.indices?.[2]
    if (!match || !nameAt || !valueAt || valueAt[0] === valueAt[1]) {
      report('lvscf-own-unreadable', 'warning', line, first, line.contentEnd)
      here().push({ kind: 'comment', ...line })
      return
    }
    const name: Word = { start: first + nameAt[0], end: first + nameAt[1], text: match[1] ?? '', quote: '' }
    const value: Word = { start: first + valueAt[0], end: first + valueAt[1], text: match[2] ?? '', quote: '' }
    if (!directive(scope(), name.text, true)) {
      report('lvscf-own-unknown', 'warning', line, name.start, name.end, { name: name.text })
    }
    here().push({ kind: 'comment', ...line, note: { name, value } })
  }

  function readClose(line: Line, first: number): void {
    const block = stack.at(-1)
    const past = text.charAt(first) === '"' ? first + 3 : first + 1
    if (!block) {
      report('lvscf-brace-surplus', 'warning', line, first, past)
      items.push({ kind: 'junk', ...line })
      return
    }
    if (past < line.contentEnd && !isBlank(text.charCodeAt(past))) {
      report('lvscf-brace-junk', 'warning', line, past, line.contentEnd)
    }
    block.close = line
    finish(line.end)
  }

  function open(
    line: Line,
    keyword: Word,
    name: Word | undefined,
    brace: number | undefined,
    inline?: boolean,
  ): OpenBlock {
    const kind = keyword.text as BlockKind
    if (kind !== 'server' && stack.length > 0) {
      const unclosed = stack[0]
      if (unclosed) {
        report('lvscf-block-unclosed', 'warning', unclosed.open, unclosed.keyword.start, unclosed.open.contentEnd, {
          ...named(unclosed),
          line: line.line,
        })
      }
      while (stack.length > 0) finish(line.start)
    } else if (kind === 'server' && scope() === 'server') {
      const unclosed = stack.at(-1)
      if (unclosed) {
        report('lvscf-block-unclosed', 'warning', unclosed.open, unclosed.keyword.start, unclosed.open.contentEnd, {
          ...named(unclosed),
          line: line.line,
        })
      }
      finish(line.start)
    }
    if (kind === 'server' && stack.length === 0) {
      report('lvscf-server-outside', 'block', line, keyword.start, line.contentEnd, { name: name?.text ?? '' })
    }
    const { start, end } = line
    const block: OpenBlock = { kind: 'block', block: kind, open: line, keyword, items: [], start, end }
    if (name) block.name = name
    if (brace !== undefined) block.brace = brace
    if (inline) block.inline = inline
    here().push(block)
    stack.push(block)
    return block
  }

  /** The exact shape the original wants: key, a lone equals sign, the right number of words. */
  function readCleanStatement(line: Line, words: readonly Word[] | undefined): boolean {
    const key = words?.[0]
    const equals = words?.[1]
    const value = words?.[2]
    if (!key || !value || equals?.text !== '=' || equals.quote || key.quote) return false
    const known = directive(scope(), key.text)
    const count = words.length - 2
    if (known && known.type !== 'pairs' && count !== wordsOf(known.type)) return false
    if (known?.type === 'pairs' && (value.text !== '[' || !words.slice(3).some((word) => word.text === ']')))
      return false
    if (!known && count > 1) return false
    const last = words.at(-1)
    const span =
      count === 1 || !last
        ? value
        : ({ start: value.start, end: last.end, text: text.slice(value.start, last.end), quote: '' } as const)
    const normal = known?.type === 'placed' && last ? { ...span, text: `${value.text} ${last.text}` } : span
    checkKey(line, key, known)
    if (known?.keepsQuotes && value.quote === "'") {
      report('lvscf-single-quotes', 'warning', line, value.start, value.end, { name: key.text })
    }
    const { start, contentEnd, end, line: number } = line
    here().push({ kind: 'statement', start, contentEnd, end, line: number, key, equals: equals.start, value: normal })
    return true
  }

  function checkKey(line: Line, key: Word, known: Directive | undefined): void {
    if (known?.refused) {
      report('lvscf-refused-directive', 'warning', line, key.start, key.end, { name: key.text })
      return
    }
    if (known) return
    const current = scope()
    const elsewhere = scopesOf(key.text)[0]
    if (elsewhere) {
      report('lvscf-wrong-place', 'block', line, key.start, key.end, {
        name: key.text,
        here: current,
        there: elsewhere,
      })
      return
    }
    const suggestion = closest(key.text, current)
    if (suggestion) {
      report('lvscf-misspelt', 'block', line, key.start, key.end, { name: key.text, suggestion })
    } else report('lvscf-unknown', 'block', line, key.start, key.end, { name: key.text })
  }

  function readLoosely(line: Line, first: number): void {
    // The key: quoted as a whole, or up to a blank or an equals sign.
    let keyEnd = first
    let key: Word
    const quoted = /^(["'])([A-Za-z_]+)\1(?=[\s=]|$)/.exec(text.slice(first, Math.min(line.contentEnd, first + 64)))
    if (quoted?.[2]) {
      keyEnd = first + quoted[0].length
      key = { start: first, end: keyEnd, text: quoted[2], quote: quoted[1] === '"' ? '"' : "'" }
    } else {
      while (keyEnd < line.contentEnd) {
        const code = text.charCodeAt(keyEnd)
        if (isBlank(code) || code === EQUALS) break
        keyEnd++
      }
      key = { start: first, end: keyEnd, text: text.slice(first, keyEnd), quote: '' }
    }
    let next = keyEnd
    while (next < line.contentEnd && isBlank(text.charCodeAt(next))) next++
    const hasEquals = text.charCodeAt(next) === EQUALS && next < line.contentEnd
    if (!hasEquals && openers.has(key.text) && !key.quote) {
      openLoosely(line, key, keyEnd)
      return
    }
    const known = directive(scope(), key.text)
    if (!hasEquals && !known) {
      report('lvscf-not-understood', 'block', line, first, line.contentEnd)
      here().push({ kind: 'junk', ...line })
      return
    }
    const valueFrom = hasEquals ? next + 1 : keyEnd
    const loose = wordsAsMeant(text, valueFrom, line.contentEnd)
    const words = loose.words
    let closes = false
    const lastWord = words.at(-1)
    if (stack.length > 0 && words.length > 1 && lastWord?.text === '}' && !lastWord.quote && known?.type !== 'pairs') {
      words.pop()
      closes = true
    }
    const value = valueOf(words, known)
    const limit = words.at(-1)?.end ?? valueFrom
    const restWord = value ? words.find((word) => word.start >= value.end) : undefined
    const rest = restWord?.start ?? loose.comment
    // One mistake, one problem: the first that explains why the original stops here.
    if (known) {
      const spaced =
        hasEquals && next > keyEnd && (next + 1 >= line.contentEnd || isBlank(text.charCodeAt(next + 1))) && !key.quote
      if (key.quote) report('lvscf-key-quoted', 'warning', line, key.start, key.end, { name: key.text })
      else if (!hasEquals) report('lvscf-equals-missing', 'warning', line, key.start, limit, { name: key.text })
      else if (!spaced) report('lvscf-equals-attached', 'warning', line, key.start, limit, { name: key.text })
      else if (!value) report('lvscf-value-missing', 'block', line, key.start, line.contentEnd, { name: key.text })
      else if (loose.open) report('lvscf-quote-open', 'warning', line, value.start, value.end, { name: key.text })
      else if (closes) report('lvscf-brace-same-line', 'warning', line, limit, line.contentEnd)
      else if (restWord && !glued(restWord, value)) {
        report('lvscf-extra-words', 'warning', line, restWord.start, limit, {
          name: key.text,
          words: text.slice(restWord.start, limit),
        })
      } else if (loose.comment !== undefined && !restWord) {
        report('lvscf-trailing-comment', 'warning', line, loose.comment, line.contentEnd)
      } else if (known.type === 'text' && words.length > 1 && !value.quote) {
        report('lvscf-text-unquoted', 'warning', line, value.start, value.end, { name: key.text })
      } else if (known.type === 'pairs') {
        report('lvscf-list-brackets', 'warning', line, value.start, value.end, { name: key.text })
      } else if (known.type === 'placed' && words.length < 2 && !words[0]?.quote) {
        report('lvscf-device-missing', 'block', line, value.start, value.end, { name: key.text })
      } else report('lvscf-quoting', 'warning', line, value.start, line.contentEnd, { name: key.text })
    }
    if (!known) checkKey(line, key, known)
    here().push({
      kind: 'statement',
      ...line,
      key,
      ...(hasEquals ? { equals: next } : {}),
      ...(value ? { value } : {}),
      ...(rest === undefined ? {} : { rest }),
      ...(rest !== undefined && rest === loose.comment ? { restIsComment: true } : {}),
      ...(closes ? { closes } : {}),
    })
    if (closes) finish(line.end)
  }

  /** `"x"junk`: the words touch, so it is a quoting mistake rather than one word too many. */
  function glued(word: Word, value: Word): boolean {
    return word.start === value.end && value.quote !== ''
  }

  function valueOf(words: readonly Word[], known: Directive | undefined): Word | undefined {
    const first = words[0]
    const last = words.at(-1)
    if (!first || !last) return undefined
    if (words.length === 1) return first
    if (known?.type === 'placed') {
      const second = words[1]
      return second ? { start: first.start, end: second.end, text: `${first.text} ${second.text}`, quote: '' } : first
    }
    if (known && known.type !== 'pairs' && known.type !== 'text') return first
    if (known?.type === 'text' && first.quote) return first
    return { start: first.start, end: last.end, text: text.slice(first.start, last.end), quote: '' }
  }

  function openLoosely(line: Line, keyword: Word, from: number): void {
    const loose = wordsAsMeant(text, from, line.contentEnd)
    const words = loose.words
    const braceAt = words.findIndex((word) => !word.quote && word.text.endsWith('{'))
    const braceWord = words[braceAt]
    if (!braceWord) {
      // No brace on this line: it may stand on the next one.
      const block = open(line, keyword, joined(words), undefined)
      if (words.length === 0)
        report('lvscf-name-missing', 'block', line, keyword.start, line.contentEnd, { kind: keyword.text })
      pending = block
      return
    }
    const attached = braceWord.text.length > 1
    const nameWords = words.slice(0, braceAt)
    if (attached) {
      nameWords.push({ ...braceWord, end: braceWord.end - 1, text: braceWord.text.slice(0, -1) })
    }
    const name = joined(nameWords)
    const brace = braceWord.end - 1
    const after = words.slice(braceAt + 1)
    const lastWord = after.at(-1)
    const inline = lastWord !== undefined && lastWord.text.endsWith('}') && !lastWord.quote
    const block = open(line, keyword, name, brace, inline)
    const detail = { kind: keyword.text, name: name?.text ?? '' }
    const firstAfter = after[0]
    if (!name) report('lvscf-name-missing', 'block', line, keyword.start, line.contentEnd, { kind: keyword.text })
    else if (firstAfter && inline) report('lvscf-block-inline', 'block', line, brace, line.contentEnd, detail)
    else if (firstAfter) {
      report('lvscf-extra-words', 'warning', line, firstAfter.start, line.contentEnd, {
        name: keyword.text,
        words: text.slice(firstAfter.start, lastWord?.end),
      })
    } else if (loose.comment !== undefined)
      report('lvscf-trailing-comment', 'warning', line, loose.comment, line.contentEnd)
    else if (attached) report('lvscf-brace-attached', 'warning', line, name.start, brace + 1, detail)
    else if (nameWords.length > 1) report('lvscf-name-blanks', 'warning', line, name.start, name.end, detail)
    else report('lvscf-name-quoted', 'warning', line, name.start, name.end, detail)
    if (inline) {
      stack.pop()
      block.end = line.end
    }
  }

  function joined(words: readonly Word[]): Word | undefined {
    const first = words[0]
    const last = words.at(-1)
    if (!first || !last) return undefined
    if (words.length === 1) return first
    return { start: first.start, end: last.end, text: text.slice(first.start, last.end), quote: '' }
  }
}

/** Problems of the file as a whole: byte order mark, NUL, line ends. */
function fileProblems(text: string, bom: number, hasCr: boolean): Problem[] {
  const found: Problem[] = []
  const at = (line: number, column: number): Where => ({
    kind: 'text',
    line,
    column,
    endLine: line,
    endColumn: column + 1,
  })
  if (bom > 0) found.push(problem('lvscf-bom', undefined, at(1, 1), 'warning'))
  const nul = text.indexOf('\0')
  if (nul >= 0) {
    const before = text.slice(0, nul)
    const line = before.split(/\r\n|\r|\n/).length
    const column = nul - Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r'))
    found.push(problem('lvscf-nul', { line }, at(line, column), 'block'))
  }
  if (!hasCr) return found
  let crlf = 0
  let cr = 0
  let lf = 0
  let firstCrLine = 0
  let line = 1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === CR) {
      if (firstCrLine === 0) firstCrLine = line
      if (text.charCodeAt(i + 1) === LF) {
        crlf++
        i++
      } else cr++
      line++
    } else if (code === LF) {
      lf++
      line++
    }
  }
  const first = text.search(/\r/)
  const column = first - Math.max(text.lastIndexOf('\n', first), text.lastIndexOf('\r', first - 1))
  const where = at(firstCrLine, Math.max(1, column))
  if (crlf > 0 && lf === 0 && cr === 0) found.push(problem('lvscf-crlf', { lines: line }, where, 'warning'))
  else if (cr > 0 && lf === 0 && crlf === 0) found.push(problem('lvscf-cr-only', undefined, where, 'note'))
  else if (firstCrLine === 1 && crlf + cr === 1) found.push(problem('lvscf-cr-first-line', undefined, where, 'note'))
  else found.push(problem('lvscf-cr-mixed', { line: firstCrLine }, where, 'warning'))
  return found
}

/** The known name nearest to a misspelt one: other case, or at most two letters away. */
function closest(name: string, scope: Scope): string | undefined {
  const limit = 2
  let best: string | undefined
  let bestDistance = limit + 1
  const lower = name.toLowerCase()
  for (const row of directives) {
    if (row.scope !== scope || row.shoal || row.refused) continue
    const distance = row.name === lower ? 0 : lettersApart(lower, row.name, limit)
    if (distance < bestDistance) {
      best = row.name
      bestDistance = distance
    }
  }
  return bestDistance <= Math.min(limit, Math.floor(name.length / 3)) ? best : undefined
}

function lettersApart(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? limit + 1
}

export type TokenKind =
  'space' | 'newline' | 'comment' | 'key' | 'equals' | 'value' | 'string' | 'open' | 'close' | 'junk'

/** A coloured piece of the text. */
export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
}

/** The tree as a flat row of tokens that tile the text, for highlighting. */
export function tokens(tree: Tree): Token[] {
  const { text } = tree
  const out: Token[] = []
  let at = 0
  /** Emits up to `end` as `kind`, with the blanks before it as space. */
  const emit = (kind: TokenKind, start: number, end: number): void => {
    if (start > at) out.push({ kind: /^[ \t]*$/.test(text.slice(at, start)) ? 'space' : 'junk', start: at, end: start })
    if (end > start) out.push({ kind, start, end })
    at = Math.max(at, end)
  }
  const emitWord = (kind: TokenKind, word: Word): void => emit(word.quote ? 'string' : kind, word.start, word.end)
  const firstOf = (line: Line): number => {
    let first = line.start
    while (first < line.contentEnd && isBlank(text.charCodeAt(first))) first++
    return first
  }
  const endLine = (line: Line, restKind: TokenKind): void => {
    if (at < line.contentEnd) {
      let restAt = at
      while (restAt < line.contentEnd && isBlank(text.charCodeAt(restAt))) restAt++
      emit(restKind, restAt, line.contentEnd)
    }
    emit('newline', line.contentEnd, line.end)
  }
  const walk = (items: readonly Item[]): void => {
    for (const item of items) {
      if (item.kind === 'block') {
        emit('key', item.keyword.start, item.keyword.end)
        if (item.name) emitWord('value', item.name)
        if (item.brace !== undefined) emit('open', item.brace, item.brace + 1)
        endLine(item.open, 'junk')
        walk(item.items)
        if (item.close) {
          const first = firstOf(item.close)
          emit('close', first, text.charAt(first) === '"' ? first + 3 : first + 1)
          endLine(item.close, 'comment')
        }
      } else if (item.kind === 'statement') {
        emitWord('key', item.key)
        if (item.equals !== undefined) emit('equals', item.equals, item.equals + 1)
        if (item.value) emitWord('value', item.value)
        endLine(item, item.restIsComment ? 'comment' : 'junk')
      } else if (item.kind === 'comment') {
        if (item.note) {
          emit('comment', firstOf(item), item.note.name.start)
          emit('key', item.note.name.start, item.note.name.end)
          emit('comment', item.note.name.end, item.note.value.start)
          emit('value', item.note.value.start, item.note.value.end)
        }
        endLine(item, 'comment')
      } else if (item.kind === 'brace') {
        const first = firstOf(item)
        emit('open', first, first + 1)
        endLine(item, 'junk')
      } else endLine(item, 'junk')
    }
  }
  if (tree.bom > 0) emit('junk', 0, tree.bom)
  walk(tree.items)
  return out
}
