/**
 * keepalived.conf as text: words in nested blocks. Reads what keepalived's own reader reads: comments with # and ! outside quotes, both
 * kinds of quotes, escapes inside them, braces on the same or the next line, and single-line `$NAME=value` definitions. Never throws;
 * an unclosed block ends where the next top-level block begins.
 */
import type { Place } from './report.ts'

export interface Node {
  /** Without quotes. The first one is the keyword. */
  readonly words: readonly string[]
  /** The line (for a block: the line that opens it). */
  readonly at: Place
  /** From the first character to the closing brace. */
  readonly span: Place
  readonly block?: readonly Node[]
  /** Never closed in the text. */
  readonly unclosed?: boolean
}

interface Comment {
  readonly at: Place
  readonly text: string
}

export interface Parsed {
  readonly nodes: readonly Node[]
  readonly comments: readonly Comment[]
  /** Lines that are no part of any block: stray braces, and templates that are not worked out. */
  readonly strays: readonly { readonly at: Place; readonly kind: 'brace' | 'template'; readonly what: string }[]
  /** `$NAME=value` lines. */
  readonly definitions: readonly Place[]
}

interface Open {
  words: string[]
  at: Place
  block: Node[]
}

/** Blocks that stand at the top only; inside another block one of them says that a brace is missing. */
const topOnly = new Set([
  'global_defs',
  'vrrp_instance',
  'vrrp_sync_group',
  'vrrp_script',
  'virtual_server',
  'virtual_server_group',
  'static_ipaddress',
  'static_routes',
  'static_rules',
  'linkbeat_interfaces',
  'garp_group',
  'bfd_instance',
  'vrrp_track_process',
  'vrrp_track_file',
  'SSL',
])

/** Words that open a block, so that their brace may come on the next line. */
const openers = new Set([
  ...topOnly,
  'track_file',
  'group',
  'authentication',
  'virtual_ipaddress',
  'virtual_ipaddress_excluded',
  'virtual_routes',
  'virtual_rules',
  'unicast_peer',
  'track_interface',
  'track_script',
  'track_process',
  'track_bfd',
  'notification_email',
  'real_server',
  'url',
  'TCP_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'SMTP_CHECK',
  'MISC_CHECK',
  'DNS_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
  'BFD_CHECK',
  'FILE_CHECK',
])

/** Definitions may use each other; deeper than this it is a loop. */
const substitutionDepth = 20
const lineMax = 16_384

/** Reads a whole file. */
export function parseKeepalived(text: string): Parsed {
  const nodes: Node[] = []
  const comments: Comment[] = []
  const strays: { at: Place; kind: 'brace' | 'template'; what: string }[] = []
  const definitionPlaces: Place[] = []
  const definitions = new Map<string, string>()
  const stack: Open[] = []
  /** A statement whose opening brace may stand on a later line. */
  let pending: { words: string[]; at: Place } | undefined
  /** The definition whose further lines are being skipped. */
  let template: string | undefined

  const children = (): Node[] => stack.at(-1)?.block ?? nodes
  const flush = (): void => {
    if (!pending) return
    children().push({ words: pending.words, at: pending.at, span: pending.at })
    pending = undefined
  }
  const close = (endLine: number, endColumn: number, unclosed: boolean): void => {
    const open = stack.pop()
    if (!open) return
    const span = { ...open.at, endLine, endColumn }
    children().push({ words: open.words, at: open.at, span, block: open.block, ...(unclosed ? { unclosed } : {}) })
  }

  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  lines.forEach((whole, index) => {
    const line = index + 1
    const first = whole.search(/\S/)
    if (first < 0) return
    const place: Place = { line, column: first + 1, endLine: line, endColumn: whole.trimEnd().length + 1 }
    const definition = /^\s*\$([A-Za-z_]\w*)=(.*)$/.exec(whole)
    const continues = /\\\s*$/.test(whole)
    if (template !== undefined) {
      strays.push({ at: place, kind: 'template', what: template })
      if (!continues) template = undefined
      return
    }
    if (definition) {
      if (continues) {
        template = `$${definition[1] ?? ''}`
        strays.push({ at: place, kind: 'template', what: template })
      } else {
        definitions.set(definition[1] ?? '', withoutComment(definition[2] ?? '').content.trim())
        definitionPlaces.push(place)
      }
      return
    }
    const condition = /^\s*(@\^?\S+|~(?:SEQx?|LST)\([^)]*\))/.exec(whole)
    if (condition) {
      strays.push({ at: place, kind: 'template', what: condition[1] ?? '' })
      return
    }
    const { content, comment } = withoutComment(substituted(whole, definitions))
    if (comment !== undefined) {
      const at = whole.indexOf(comment) < 0 ? first : whole.lastIndexOf(comment)
      comments.push({ at: { ...place, column: at + 1 }, text: comment })
    }
    for (const token of tokensOf(content)) {
      const here: Place = { line, column: token.from + 1, endLine: line, endColumn: token.to + 1 }
      if (token.kind === 'open') {
        const opener = pending ?? { words: [], at: here }
        pending = undefined
        if (topOnly.has(opener.words[0] ?? '') && stack.length > 0) {
          while (stack.length > 0) close(opener.at.line - 1, 1, true)
        }
        stack.push({ ...opener, block: [] })
      } else if (token.kind === 'close') {
        flush()
        if (stack.length === 0) strays.push({ at: here, kind: 'brace', what: '}' })
        close(line, here.endColumn, false)
      } else if (pending && pending.at.line === line) {
        pending.words.push(token.text)
        pending.at = { ...pending.at, endColumn: here.endColumn }
      } else {
        flush()
        pending = { words: [token.text], at: here }
      }
    }
    // Only a word that opens a block may have its brace on a later line.
    if (pending && !openers.has(pending.words[0] ?? '')) flush()
  })
  flush()
  while (stack.length > 0) close(lines.length, (lines.at(-1)?.length ?? 0) + 1, true)
  return { nodes, comments, strays, definitions: definitionPlaces }
}

function substituted(line: string, definitions: ReadonlyMap<string, string>): string {
  if (definitions.size === 0) return line
  let out = line
  for (let depth = 0; depth < substitutionDepth && out.length < lineMax; depth++) {
    const next = out.replace(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=\s|$))/g,
      (all, braced: string, bare: string) => {
        return definitions.get(braced || bare) ?? all
      },
    )
    if (next === out) break
    out = next
  }
  return out
}

/** A line up to its comment, and the comment with its sign. Signs inside double quotes or after a backslash begin none. */
function withoutComment(line: string): { readonly content: string; readonly comment?: string } {
  let quote = false
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at)
    if (char === '\\') at++
    else if (char === '"') quote = !quote
    else if (!quote && (char === '#' || char === '!'))
      return { content: line.slice(0, at), comment: line.slice(at).trimEnd() }
  }
  return { content: line }
}

interface Token {
  readonly kind: 'word' | 'open' | 'close'
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Words without their quotes, and braces outside words. */
function tokensOf(content: string): Token[] {
  const tokens: Token[] = []
  let word: string | undefined
  let from = 0
  const end = (to: number): void => {
    if (word !== undefined) tokens.push({ kind: 'word', text: word, from, to })
    word = undefined
  }
  for (let at = 0; at < content.length; at++) {
    const char = content.charAt(at)
    const brace = char === '{' || char === '}'
    if (/\s/.test(char) || brace) {
      end(at)
      if (brace) tokens.push({ kind: char === '{' ? 'open' : 'close', text: char, from: at, to: at + 1 })
      continue
    }
    if (word === undefined) from = at
    if (char === '"' || char === "'") {
      word ??= ''
      let close = at + 1
      for (; close < content.length && content.charAt(close) !== char; close++) {
        if (content.charAt(close) === '\\' && close + 1 < content.length) word += escapeOf(content.charAt(++close))
        else word += content.charAt(close)
      }
      at = close
    } else if (char === '$' && content.charAt(at + 1) === '{') {
      const close = content.indexOf('}', at)
      const stop = close < 0 ? content.length - 1 : close
      word = (word ?? '') + content.slice(at, stop + 1)
      at = stop
    } else word = (word ?? '') + char
  }
  end(content.length)
  return tokens
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b', f: '\f', v: '\v' }

function escapeOf(char: string): string {
  return escapes[char] ?? char
}

/** A word as keepalived.conf writes it. */
export function keepalivedWord(text: string): string {
  if (/^[A-Za-z0-9_./:=?&%+,@~*^()[\]|;-]+$/.test(text)) return text
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\r', '\\r').replaceAll('\n', '\\n')}"`
}
