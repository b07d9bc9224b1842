/**
 * What the original's daemons make of a file: the reading of Piranha 0.8.6's own parser (the one pulse, lvsd and fos share), byte for
 * byte with its oddities, so that files can be edited for directors that still run it. This is deliberately not the reader Shoal runs
 * with; it knows no recovery, stops at the first error, and reports it where and how the original does.
 */
import type { Directive, Scope } from './directives.ts'
import { directive, directives } from './directives.ts'
import { tcpServicePort } from './services.ts'
import { cInt, dotted, inetAton } from './values.ts'

/** The messages of the original for the errors its parser can report. */
type PiranhaError =
  | 'quotation mismatch'
  | 'unexpected arguments'
  | 'equal (=) expected after command'
  | 'missing arguments'
  | 'invalid host name or ip address'
  | 'invalid argument'
  | 'integer expected'
  | 'boolean expected'
  | 'unknown command'
  | 'list expected'
  | 'Bad subnet mask specified'
  | 'Empty configuration'

interface PiranhaAddress {
  readonly address: string
  readonly device: string | null
}

export type PiranhaValue = number | string | null | PiranhaAddress

interface PiranhaServer {
  readonly name: string
  readonly address: string
  readonly active: number
  readonly port: number
  readonly weight: number
}

/** A virtual or failover block: `kind`, `name`, `servers`, and every directive with its default filled in. */
export interface PiranhaBlock {
  readonly kind: 'virtual' | 'failover'
  readonly name: string
  readonly servers: readonly PiranhaServer[]
  readonly [directive: string]: PiranhaValue | readonly PiranhaServer[]
}

/** `accepts` is null where the original crashes. */
export type PiranhaReading =
  | {
      readonly accepts: true
      readonly blocks: readonly PiranhaBlock[]
      readonly global: Readonly<Record<string, PiranhaValue>>
    }
  | { readonly accepts: false; readonly line: number; readonly reason: PiranhaError }
  | { readonly accepts: null; readonly reason: 'crash' }

/** Host names a director can look up without asking a name server; every other name is taken as unknown. */
const localNames: ReadonlyMap<string, string> = new Map([
  ['localhost', '127.0.0.1'],
  ['localhost.localdomain', '127.0.0.1'],
  ['ip6-localhost', '127.0.0.1'],
  ['ip6-loopback', '127.0.0.1'],
])

/** The original keeps at most this many words of a line and drops the rest without a word. */
const wordsMax = 99

/** Stops reading: where the original returns an error, or where it crashes. */
class Stop extends Error {
  readonly reason: PiranhaError | 'crash'
  constructor(reason: PiranhaError | 'crash') {
    super(reason)
    this.reason = reason
  }
}

interface Token {
  readonly text: string
  /** The quote it was written in, or nothing. */
  readonly quote: string
}

interface Words {
  readonly tokens: readonly Token[]
  /** The quotes of the line do not match; `tokens` are those before the place. */
  readonly mismatch?: boolean
}

/** Splits one line. A quoted word runs to the first blank, and from there to the next quote of its kind or the end of the line. */
function split(text: string, from: number, to: number): Words {
  const tokens: Token[] = []
  let at = from
  while (at < to && tokens.length < wordsMax) {
    let end = at
    while (end < to && !isBlank(text.charCodeAt(end))) end++
    const first = text.charAt(at)
    if (first === '"' || first === "'") {
      while (end < to && text[end] !== '\n' && text[end] !== first) end++
      if (end < to && text[end] === first) end++
      if (end > at + 1 && text[end - 1] !== first) return { tokens, mismatch: true }
      tokens.push({ text: text.slice(at + 1, Math.max(at + 1, end - 1)), quote: first })
    } else tokens.push({ text: text.slice(at, end), quote: '' })
    while (end < to && isBlank(text.charCodeAt(end))) end++
    at = end
  }
  return { tokens }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/** Hands out the lines as the original finds them: up to the next CR anywhere in the rest of the file, and only without one up to LF. */
class Lines {
  line = 0
  private at = 0
  private readonly text: string
  private readonly lastCr: number

  constructor(bytes: string) {
    const nul = bytes.indexOf('\0')
    this.text = nul < 0 ? `${bytes}\n` : bytes.slice(0, nul)
    this.lastCr = this.text.lastIndexOf('\r')
  }

  /** The words of the next line that has any; no words at the end. */
  next(): Words {
    const { text } = this
    for (;;) {
      if (this.at >= text.length) return { tokens: [] }
      const start = this.at
      const end = this.lastCr >= start ? text.indexOf('\r', start) : text.indexOf('\n', start)
      // A NUL byte hides the rest of the file, the end of this line too.
      if (end < 0) throw new Stop('crash')
      this.line++
      this.at = end + 1
      let first = start
      while (isBlank(text.charCodeAt(first))) first++
      const char = text.charAt(first)
      if (char === '#' || char === '\n' || char === '\r') continue
      return split(text, first, end)
    }
  }
}

/** Text of bytes (one character each): UTF-8, with U+FFFD for every byte sequence that is none. */
export function decode(bytes: string): string {
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const lead = bytes.charCodeAt(at)
    if (lead < 0x80) {
      out += bytes.charAt(at++)
      continue
    }
    const length =
      lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0
    let point = length === 4 ? lead & 0x07 : length === 3 ? lead & 0x0f : lead & 0x1f
    let used = 1
    while (used < length) {
      const next = bytes.charCodeAt(at + used)
      // The first continuation byte decides against overlong forms, surrogates and points beyond Unicode.
      const low = used === 1 && lead === 0xe0 ? 0xa0 : used === 1 && lead === 0xf0 ? 0x90 : 0x80
      const high = used === 1 && lead === 0xed ? 0x9f : used === 1 && lead === 0xf4 ? 0x8f : 0xbf
      if (!(next >= low && next <= high)) break
      point = (point << 6) | (next & 0x3f)
      used++
    }
    out += length > 0 && used === length ? String.fromCodePoint(point) : '\uFFFD'
    at += used
  }
  return out
}

/** The bytes of a text in UTF-8. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes: number[] = []
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f))
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))
    else {
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      )
    }
  }
  return Uint8Array.from(bytes)
}

type Values = Record<string, PiranhaValue>

function initial(row: Directive): PiranhaValue {
  switch (row.type) {
    case 'int':
    case 'bool':
    case 'port':
      return Number(row.default ?? '0')
    case 'host':
    case 'mask':
      return '0.0.0.0'
    case 'placed':
      return row.scope === 'global' ? null : { address: '0.0.0.0', device: null }
    default:
      return row.default ?? null
  }
}

/** Read, but not part of what the daemons work with. */
const silent = new Set(['master', 'dirs'])

function initialValues(scope: Scope): Values {
  const values: Values = {}
  for (const row of directives) {
    if (row.scope === scope && !row.shoal && !row.refused && !silent.has(row.name)) values[row.name] = initial(row)
  }
  return values
}

const initials: Readonly<Record<Scope, Values>> = {
  global: initialValues('global'),
  virtual: initialValues('virtual'),
  server: initialValues('server'),
}

function defaultsOf(scope: Scope): Values {
  return { ...initials[scope] }
}

function known(scope: Scope, name: string): Directive | undefined {
  const row = directive(scope, name)
  return row?.refused ? undefined : row
}

function int(text: string): number {
  const read = cInt(text)
  if (!read) throw new Stop('integer expected')
  return read.value
}

function host(text: string, names: ReadonlyMap<string, string>): number {
  const address = inetAton(text)
  if (address !== undefined) return address
  const found = names.get(text.toLowerCase())
  if (found === undefined) throw new Stop('invalid argument')
  return inetAton(found) ?? 0
}

/** Checks `= value` and the number of words, in the order the original does. */
function requireWords(tokens: readonly Token[], count: number): void {
  if (tokens[1]?.text !== '=') throw new Stop('equal (=) expected after command')
  if (tokens.length < count + 2) throw new Stop('missing arguments')
  if (tokens.length > count + 2) throw new Stop('unexpected arguments')
}

function assign(values: Values, row: Directive, tokens: readonly Token[], names: ReadonlyMap<string, string>): void {
  if (row.type === 'pairs') {
    readList(tokens)
    return
  }
  requireWords(tokens, row.type === 'placed' ? 2 : 1)
  const token = tokens[2] as Token
  const { text } = token
  switch (row.type) {
    case 'int':
      // The mark is the one number kept unsigned.
      values[row.name] = row.name === 'fwmark' ? int(text) >>> 0 : int(text)
      return
    case 'bool': {
      const value = int(text)
      if (value !== 0 && value !== 1) throw new Stop('boolean expected')
      values[row.name] = value
      return
    }
    case 'port': {
      const number = cInt(text)?.value ?? (row.numeric ? undefined : tcpServicePort(text))
      if (number === undefined) throw new Stop(row.numeric ? 'integer expected' : 'invalid argument')
      values[row.name] = number
      return
    }
    case 'host': {
      const address = host(text, names)
      if (row.nonZero && address === 0) throw new Stop('invalid host name or ip address')
      if (!silent.has(row.name)) values[row.name] = dotted(address)
      return
    }
    case 'ipv4': {
      const address = inetAton(text)
      if (address === undefined) throw new Stop('invalid host name or ip address')
      values[row.name] = address === 0 ? null : dotted(address)
      return
    }
    case 'mask': {
      const mask = inetAton(text)
      if (row.name === 'pmask') {
        if (mask !== undefined) values[row.name] = dotted(mask)
        if (text === '255.255.255.255') values[row.name] = '0.0.0.0'
        return
      }
      if (mask === undefined) throw new Stop('Bad subnet mask specified')
      values[row.name] = dotted(mask)
      return
    }
    case 'choice':
      if (!row.choices?.includes(text)) throw new Stop('invalid argument')
      values[row.name] = text
      return
    case 'placed':
      values[row.name] = { address: dotted(host(text, names)), device: decode((tokens[3] as Token).text) }
      return
    default:
      values[row.name] = decode(row.keepsQuotes ? `${token.quote}${text}${token.quote}` : text)
  }
}

function readList(tokens: readonly Token[]): void {
  if (tokens[1]?.text !== '=') throw new Stop('equal (=) expected after command')
  const first = tokens[2]
  // Without any word the original compares a null pointer.
  if (!first) throw new Stop('crash')
  if (first.text !== '[' || !tokens.slice(3).some((token) => token.text === ']')) throw new Stop('list expected')
}

/** The name of a block line `keyword NAME {`. */
function blockName(tokens: readonly Token[]): string {
  const [, name, brace] = tokens
  if (!name || !brace) throw new Stop('missing arguments')
  if (tokens.length > 3) throw new Stop('unexpected arguments')
  if (brace.text !== '{') throw new Stop('missing arguments')
  return decode(name.text)
}

/**
 * Reads a file as Piranha 0.8.6 does.
 * @param bytes the file as it is on disk
 * @param names host names that can be looked up, lower case, with their addresses; only local ones unless given
 */
export function asPiranha(bytes: Uint8Array, names: ReadonlyMap<string, string> = localNames): PiranhaReading {
  return readingOf(latin1(bytes), names)
}

/** Where and why Piranha refuses a text, or that it crashes; undefined when it accepts it. Cheaper than encoding the text first. */
export function piranhaRefusal(text: string): Exclude<PiranhaReading, { readonly accepts: true }> | undefined {
  const reading = readingOf(text, localNames)
  return reading.accepts === true ? undefined : reading
}

function readingOf(bytes: string, names: ReadonlyMap<string, string>): PiranhaReading {
  if (bytes.length === 0) return { accepts: false, line: 0, reason: 'Empty configuration' }
  const lines = new Lines(bytes)
  try {
    return readFile(lines, names)
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    if (error.reason === 'crash') return { accepts: null, reason: 'crash' }
    return { accepts: false, line: lines.line, reason: error.reason }
  }
}

/** Bytes as a text of one character each. */
export function latin1(bytes: Uint8Array): string {
  const piece = 8_192
  let out = ''
  for (let at = 0; at < bytes.length; at += piece) out += String.fromCharCode(...bytes.subarray(at, at + piece))
  return out
}

/** The next line where a quotation mismatch is an error. */
function strictly(lines: Lines): readonly Token[] {
  const words = lines.next()
  if (words.mismatch) throw new Stop('quotation mismatch')
  return words.tokens
}

function readFile(lines: Lines, names: ReadonlyMap<string, string>): PiranhaReading {
  const global = defaultsOf('global')
  const blocks: PiranhaBlock[] = []
  const seen = new Set<string>()
  for (;;) {
    const tokens = strictly(lines)
    const keyword = tokens[0]?.text
    if (keyword === undefined) break
    if (keyword === 'virtual' || keyword === 'failover') {
      blocks.push(readBlock(keyword, blockName(tokens), lines, names))
      continue
    }
    const row = known('global', keyword)
    if (!row) throw new Stop('unknown command')
    assign(global, row, tokens, names)
    seen.add(keyword)
  }
  if (seen.has('primary') && !seen.has('primary_private')) {
    global['primary_private'] = global['primary'] ?? null
    global['backup_private'] = global['backup'] ?? null
  }
  return { accepts: true, blocks, global }
}

function readBlock(
  kind: 'virtual' | 'failover',
  name: string,
  lines: Lines,
  names: ReadonlyMap<string, string>,
): PiranhaBlock {
  const values = defaultsOf('virtual')
  const servers: PiranhaServer[] = []
  let tokens = strictly(lines)
  for (;;) {
    const keyword = tokens[0]?.text
    // A line whose first word has mismatched quotes leaves no words, and ends the block like the end of the file does.
    if (keyword === undefined || keyword === '}') break
    if (keyword === 'server') {
      servers.push(readServer(blockName(tokens), Number(values['port']), lines, names))
    } else {
      const row = known('virtual', keyword)
      if (!row) throw new Stop('unknown command')
      assign(values, row, tokens, names)
    }
    // Here the original does not look whether the quotes matched: it goes on with the words before the mismatch.
    tokens = lines.next().tokens
  }
  return { ...values, kind, name, servers }
}

function readServer(
  name: string,
  virtualPort: number,
  lines: Lines,
  names: ReadonlyMap<string, string>,
): PiranhaServer {
  const values: Values = { ...defaultsOf('server'), port: virtualPort }
  for (;;) {
    const tokens = strictly(lines)
    const keyword = tokens[0]?.text
    if (keyword === undefined || keyword === '}') break
    const row = known('server', keyword)
    if (!row) throw new Stop('unknown command')
    assign(values, row, tokens, names)
  }
  return {
    name,
    address: String(values['address']),
    active: Number(values['active']),
    port: Number(values['port']),
    weight: Number(values['weight']),
  }
}
