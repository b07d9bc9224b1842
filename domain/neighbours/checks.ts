/**
 * Health checks between the languages. Piranha's nanny knows one kind: connect, send a text, compare the beginning of the answer (or
 * match a POSIX expression), or run a program and compare what it prints. HTTP checks of the neighbours become a request and an
 * expression for its status line, and are recognised again on the way back.
 */
import type { ChosenQuestion, StatusRange } from '../checks.ts'
import { sayQuestion } from '../checks.ts'
import { unescaped } from '../lvscf/check-reading.ts'
import { directive, directives } from '../lvscf/directives.ts'
import { writtenValue } from '../lvscf/draft.ts'

/** nanny cuts the texts of a check at 254 bytes. */
const textMaxBytes = 254

/** A check as meant: bytes, no escapes. */
export interface MeantCheck {
  readonly kind: 'connect' | 'send-expect' | 'program'
  readonly send?: string
  readonly expect?: string
  readonly regex?: boolean
  readonly program?: string
  /** What is really meant, where Piranha has no word for it: the rest is then the nearest that Piranha can do. */
  readonly chosen?: ChosenQuestion
  /** The port that is checked, where it is not that of the real server. */
  readonly port?: number
}

/** The directives of a chosen check, as keys of a source's lines. */
export const chosenKeys: readonly string[] = directives
  .filter(
    ({ scope, shoal, name, kinds }) => scope === 'virtual' && shoal && (kinds || /^check(_port|_via)?$/.test(name)),
  )
  .map(({ name }) => `#${name}`)

export const connectCheck: MeantCheck = { kind: 'connect' }

/** What nanny does on port 80 when nothing is said. */
export const defaultHttpCheck: MeantCheck = { kind: 'send-expect', send: 'GET / HTTP/1.0\r\n\r\n', expect: 'HTTP' }

/** A short form of a check for a report, the same in every language. */
export function inShort(check: MeantCheck): string {
  const port = check.port === undefined ? '' : `, port ${check.port}`
  return `${check.chosen ? sayQuestion(check.chosen) : nativeInShort(check)}${port}`
}

function nativeInShort(check: MeantCheck): string {
  if (check.kind === 'connect') return 'connect'
  const expect = check.expect === undefined ? '' : ` → ${check.regex ? '~' : ''}${quoted(check.expect)}`
  if (check.kind === 'program') return `${check.program ?? ''}${expect}`
  return `${check.send === undefined ? 'connect' : quoted(check.send)}${expect}`
}

function quoted(text: string): string {
  const most = 60
  const flat = escaped(text)
  return flat.length > most ? `"${flat.slice(0, most)}…"` : `"${flat}"`
}

/** Whether two checks look at the same thing. */
export function sameCheck(a: MeantCheck, b: MeantCheck): boolean {
  if (a.port !== b.port) return false
  if (a.chosen || b.chosen) return JSON.stringify(a.chosen) === JSON.stringify(b.chosen)
  return (
    a.kind === b.kind &&
    a.send === b.send &&
    a.expect === b.expect &&
    (a.regex ?? false) === (b.regex ?? false) &&
    a.program === b.program
  )
}

/** A text as send and expect of lvs.cf write it. */
export function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

function byteLength(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}

/** Whether lvs.cf can hold a text so that Piranha sends it as meant. Control characters have no form, nor has a quote after a blank. */
export function sayable(text: string): boolean {
  const written = escaped(text)
  if (/[\u0000-\u001f\u007f]/.test(written) || byteLength(written) > textMaxBytes) return false
  if (!writtenValue(directive('virtual', 'send'), written)?.startsWith('"')) return false
  const back = unescaped(written)
  return back.text === text && back.unknown === undefined
}

/** Whether a command can be a send_program, which nanny splits at single blanks without regard for quotes. */
export function sayableProgram(command: string): boolean {
  return command.length <= textMaxBytes && /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(command) && !/["'\\]/.test(command)
}

const anyStatus: StatusRange = [100, 599]

export interface HttpCheck {
  readonly path: string
  readonly host?: string
  readonly version: '1.0' | '1.0C' | '1.1'
  readonly ranges: readonly StatusRange[]
  /** Whether the request and the expectation say no more than this. */
  readonly exact: boolean
}

/** The request and expectation that ask for a path and look at the status line. */
export function httpCheck(http: Omit<HttpCheck, 'exact'>): MeantCheck {
  const host = http.host ? `Host: ${http.host}\r\n` : ''
  const close = http.version === '1.0' ? '' : 'Connection: close\r\n'
  const send = `GET ${http.path} HTTP/${http.version === '1.1' ? '1.1' : '1.0'}\r\n${host}${close}\r\n`
  const [first] = http.ranges
  if (http.ranges.length === 1 && first && first[0] === anyStatus[0] && first[1] === anyStatus[1]) {
    return { kind: 'send-expect', send, expect: 'HTTP' }
  }
  return { kind: 'send-expect', send, expect: `^HTTP/1[.][01] ${statusExpression(http.ranges)}`, regex: true }
}

/** Status codes as an expression without a backslash, which lvs.cf would want doubled. */
function statusExpression(ranges: readonly StatusRange[]): string {
  const wanted = codesOf(ranges)
  const parts: string[] = []
  const digit = '[0-9]'
  for (let hundred = 1; hundred <= 9; hundred++) {
    const tens = Array.from({ length: 10 }, (_, ten) =>
      Array.from({ length: 10 }, (_unused, one) => one).filter((one) => wanted.has(hundred * 100 + ten * 10 + one)),
    )
    if (tens.every((ones) => ones.length === 10)) {
      parts.push(`${hundred}${digit}${digit}`)
      continue
    }
    tens.forEach((ones, ten) => {
      if (ones.length === 10) parts.push(`${hundred}${ten}${digit}`)
      else for (const one of ones) parts.push(`${hundred}${ten}${one}`)
    })
  }
  return `(${parts.join('|')})`
}

function codesOf(ranges: readonly StatusRange[]): Set<number> {
  const codes = new Set<number>()
  for (const [from, to] of ranges)
    for (let code = Math.max(100, from); code <= Math.min(999, to); code++) codes.add(code)
  return codes
}

function rangesOf(accepts: (code: number) => boolean): StatusRange[] {
  const ranges: [number, number][] = []
  for (let code = 100; code <= 999; code++) {
    if (!accepts(code)) continue
    const last = ranges.at(-1)
    if (last && last[1] === code - 1) last[1] = code
    else ranges.push([code, code])
  }
  return ranges
}

/** Expressions over the status line without repetition, so that trying them is cheap. */
const plainStatusExpression =
  /^\^?HTTP\/1(?:\[\.\]|\\\.|\.)(?:\[01\]|\[10\]|\[0-1\]|[01.])[ ](?:[0-9. ()|-]|\[[0-9-]+\])*$/

/** The status codes an expectation accepts, and whether it asks no more; undefined when it is not about a status line. */
function statusOf(check: MeantCheck): { readonly ranges: StatusRange[]; readonly exact: boolean } | undefined {
  const { expect } = check
  if (expect === undefined || expect === '*' || expect === '') return { ranges: [anyStatus], exact: false }
  if (!check.regex) {
    const match = /^(?:HTTP(?:\/(?:1(?:\.(?:([01])(?: (?:(\d{1,3})(?: (.*))?)?)?)?)?)?)?|H|HT|HTT)$/.exec(expect)
    if (!match) return undefined
    const digits = match[2]
    if (digits === undefined) return { ranges: [anyStatus], exact: match[1] === undefined }
    return { ranges: rangesOf((code) => String(code).startsWith(digits)), exact: false }
  }
  if (/^\^?HTTP(?:\/1)?$/.test(expect)) return { ranges: [anyStatus], exact: true }
  if (!plainStatusExpression.test(expect)) return undefined
  let expression: RegExp
  try {
    expression = new RegExp(expect)
  } catch {
    return undefined
  }
  const accepts = (code: number, version: number): boolean => expression.test(`HTTP/1.${version} ${code} `)
  const ranges = rangesOf((code) => accepts(code, 1) || accepts(code, 0))
  if (ranges.length === 0) return undefined
  return { ranges, exact: rangesOf((code) => accepts(code, 1) && accepts(code, 0)).join() === ranges.join() }
}

/** What an HTTP check asks for; undefined when the check is no simple GET whose status line is looked at. */
export function httpOf(check: MeantCheck): HttpCheck | undefined {
  if (check.kind !== 'send-expect' || check.send === undefined) return undefined
  const request = /^GET (\S+)(?: HTTP\/1\.([01]))?(?:\r?\n((?:[^\r\n]+\r?\n)*)(\r?\n)?)?$/.exec(check.send)
  if (!request) return undefined
  const status = statusOf(check)
  if (!status) return undefined
  let host: string | undefined
  let close = false
  let exact = status.exact && request[2] !== undefined && request[4] !== undefined
  for (const header of (request[3] ?? '').split(/\r?\n/)) {
    if (header === '') continue
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*?)\s*$/.exec(header) ?? []
    if (/^host$/i.test(name) && /^[\x21-\x7e]+$/.test(value)) host = value
    else if (/^connection$/i.test(name) && /^close$/i.test(value)) close = true
    else exact = false
  }
  const version = request[2] === '1' ? '1.1' : close ? '1.0C' : '1.0'
  if (version === '1.1' && !close) exact = false
  return { path: request[1] ?? '/', ...(host === undefined ? {} : { host }), version, ranges: status.ranges, exact }
}

/** A text as pairs of hexadecimal digits; undefined when it is not ASCII. */
export function hexOf(text: string): string | undefined {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0)
  if (codes.some((code) => code > 0x7f)) return undefined
  return codes.map((code) => code.toString(16).padStart(2, '0')).join(' ')
}

/** The ASCII text of hexadecimal digits, where pairs may be apart; undefined when it is anything else. */
export function textOfHex(words: readonly string[]): string | undefined {
  let text = ''
  for (const word of words) {
    if (!/^(?:[0-9a-f]{2})+$/i.test(word)) return undefined
    for (let at = 0; at < word.length; at += 2) {
      const code = Number.parseInt(word.slice(at, at + 2), 16)
      if (code === 0 || code > 0x7f) return undefined
      text += String.fromCharCode(code)
    }
  }
  return text
}

/**
 * The command that runs a send_program the way nanny judges it: it is up when it prints exactly `expect`. For keepalived, which counts
 * the exit status instead. Undefined when a word needs quotes.
 */
export function shellJudge(program: string, expect: string): string | undefined {
  const plain = /^[A-Za-z0-9_./:=@%+,-]+$/
  if (!program.split(' ').every((word) => plain.test(word)) || !plain.test(expect)) return undefined
  return `/bin/sh -c 'test "$(${program})" = "${expect}"'`
}

/** The program and expectation of `shellJudge`. */
export function judgedProgram(command: string): { readonly program: string; readonly expect: string } | undefined {
  const match = /^\/bin\/sh -c '?test "\$\(([^"'()$`]+)\)" = "([^"'$`]+)"'?$/.exec(command)
  const [, program, expect] = match ?? []
  return program === undefined || expect === undefined ? undefined : { program, expect }
}
