/**
 * Values as C reads them: whole numbers like strtol(3) with base 0, addresses like inet_aton(3). lvs.cf has no rules of its own, so
 * `010` is 8, `10.1` is 10.0.0.1 and both are what a Piranha director runs with.
 */

/** A number at the start of a text, and where it ended. */
interface Prefix {
  readonly value: bigint
  readonly end: number
  readonly base: 8 | 10 | 16
}

const space = /[ \t\n\v\f\r]/
const longMax = 2n ** 63n - 1n
const longMin = -(2n ** 63n)

/** The usual case: a decimal number that fits every C type. */
const plainNumber = /^(?:0|[1-9]\d{0,8})$/

function digitOf(char: string | undefined): number {
  if (char === undefined) return 99
  const code = char.charCodeAt(0)
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return 99
}

/** Digits from `at` in base 8, 10 or 16 by their prefix; without digits `end` is `at`. */
function digits(text: string, at: number): Prefix {
  let base: 8 | 10 | 16 = 10
  let start = at
  if (text[at] === '0') {
    if ((text[at + 1] === 'x' || text[at + 1] === 'X') && digitOf(text[at + 2]) < 16) {
      base = 16
      start = at + 2
    } else base = 8
  }
  let end = start
  while (digitOf(text[end]) < base) end++
  if (end === start) return { value: 0n, end: at, base: 10 }
  const body = text.slice(start, end)
  const value = base === 16 ? BigInt(`0x${body}`) : base === 8 ? BigInt(`0o${body}`) : BigInt(body)
  return { value, end, base }
}

/** What a token is as a C `int` read by strtol(…, 0), wrapped as the original wraps it. Undefined when it is no number. */
export function cInt(
  text: string,
): { readonly value: number; readonly exact: number; readonly base: 8 | 10 | 16 } | undefined {
  if (text === '') return { value: 0, exact: 0, base: 10 }
  if (plainNumber.test(text)) {
    const value = Number(text)
    return { value, exact: value, base: 10 }
  }
  let at = 0
  while (at < text.length && space.test(text.charAt(at))) at++
  const sign = text[at]
  if (sign === '+' || sign === '-') at++
  const found = digits(text, at)
  if (found.end === at || found.end !== text.length) return undefined
  let exact = sign === '-' ? -found.value : found.value
  const unclamped = exact
  if (exact > longMax) exact = longMax
  if (exact < longMin) exact = longMin
  const octal = found.base === 8 && found.end - at > 1
  return {
    value: Number(BigInt.asIntN(32, exact)),
    exact: Number(unclamped),
    base: octal ? 8 : found.base === 8 ? 10 : found.base,
  }
}

const zero = 48
const dot = 46
/** The parts of an address are no other form of one, but one of them is over 255. */
const tooLarge = -1
const otherForm = -2

/** The number of an address in the form everyone reads alike: four decimal numbers without leading zeros. */
function plainAddress(text: string): number {
  let address = 0
  let part = 0
  let parts = 0
  let digits = 0
  let isTooLarge = false
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : dot
    if (code === dot) {
      if (digits === 0 || ++parts > 4) return otherForm
      if (part > 255) isTooLarge = true
      address = address * 256 + part
      part = 0
      digits = 0
    } else {
      const digit = code - zero
      if (!(digit >= 0 && digit <= 9) || digits === 3 || (digits > 0 && part === 0)) return otherForm
      part = part * 10 + digit
      digits++
    }
  }
  if (parts !== 4) return otherForm
  return isTooLarge ? tooLarge : address
}

/** An IPv4 address as inet_aton(3) reads it (short, octal and hexadecimal forms too), as an unsigned number. */
export function inetAton(text: string): number | undefined {
  const plain = plainAddress(text)
  if (plain >= 0) return plain
  if (plain === tooLarge) return undefined
  const limits = [0xffffffff, 0xffffff, 0xffff, 0xff]
  let result = 0
  let part = 0
  let at = 0
  let value: number
  for (;;) {
    const first = text.charCodeAt(at)
    if (!(first >= 48 && first <= 57)) return undefined
    const found = digits(text, at)
    if (found.value > 0xffffffffn) return undefined
    value = Number(found.value)
    at = found.end
    if (text[at] !== '.') break
    if (part > 2 || value > 0xff) return undefined
    result += value * 2 ** (24 - 8 * part)
    part++
    at++
  }
  if (at < text.length && !space.test(text.charAt(at))) return undefined
  if (value > (limits[part] as number)) return undefined
  return result + value
}

/** An address as dotted text. */
export function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`
}

/** The prefix length of a netmask; undefined when its ones are not contiguous. */
export function prefixOf(mask: number): number | undefined {
  const inverse = ~mask >>> 0
  if ((inverse & (inverse + 1)) !== 0) return undefined
  return 32 - (inverse === 0 ? 0 : Math.log2(inverse + 1))
}

/** Whether a text is an address in the form everyone reads alike. */
export function isPlainAddress(text: string): boolean {
  return plainAddress(text) >= 0
}
