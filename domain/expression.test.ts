/** Expressions of checks: the same answers as grep -E gives, faults told, and work that is bounded whatever is asked. */
import { expect, describe, it } from 'vitest'
import { expressionOf, matcher, matches } from './expression.ts'

function tried(source: string, text: string): boolean | string {
  const expression = expressionOf(source)
  return 'fault' in expression ? expression.fault : matches(expression, text)
}

describe('an expression', () => {
  it.each([
    ['HTTP', 'x HTTP/1.1', true],
    ['^HTTP', 'x HTTP/1.1', false],
    ['^HTTP/1[.][01] (200|3[0-9][0-9])', 'HTTP/1.1 302 Found', true],
    ['^HTTP/1[.][01] (200|3[0-9][0-9])', 'HTTP/1.1 404 Not Found', false],
    ['ESMTP [[:digit:]]+ (ready|ok)', '220 mail ESMTP 42 ready', true],
    ['[[:alpha:]_]+\\.x', 'ab_.x', true],
    ['[[:alpha:]_]+\\.x', 'ab_yx', false],
    ['a{2,3}$', 'caaa', true],
    ['^a{2,3}$', 'aaaa', false],
    ['^(ab)?c+$', 'abcc', true],
    ['^(ab)?c+$', 'abab', false],
    ['^a{0}b$', 'b', true],
    ['^a{2,}$', 'a', false],
    ['^x{1,3}y', 'xxxy', true],
    ['a|^b|c$', 'xxc', true],
    ['[]x]', ']', true],
    ['[^]x]', ']', false],
    ['[a-]', '-', true],
    ['[\\.]', '\\', true],
    ['{x', '{x', true],
    ['a{x', 'a{x', true],
    ['.', '\n', true],
    ['', 'anything', true],
    ['()', '', true],
    ['\\d+ \\w+\\s$', 'x 12 ab ', true],
    ['\\bok\\b', 'not ok.', true],
    ['\\bok\\b', 'token', false],
    ['\\<ok', 'token', false],
    ['(?i)hello', 'HeLLo', true],
    ['(?i)[^A]', 'a', false],
    ['(?:ab)+?c', 'ababc', true],
    ['(a*)*b', 'aab', true],
    ['[\u00c3][\u00a9]', '\u00c3\u00a9', true],
  ])('%s on %j: %s', (source, text, meant) => {
    expect(tried(source, text)).toBe(meant)
  })

  it.each([
    ['(', 'syntax'],
    [')', 'syntax'],
    ['[a', 'syntax'],
    ['[z-a]', 'syntax'],
    ['[[:nosuch:]]', 'syntax'],
    ['*a', 'syntax'],
    ['a\\', 'syntax'],
    ['a{3,2}', 'syntax'],
    ['(a)\\1', 'back-reference'],
    ['a(?=b)', 'look-around'],
    ['a(?<!b)', 'look-around'],
    ['a{256}', 'too-large'],
    ['((a{200}){200})', 'too-large'],
  ])('%s is refused: %s', (source, fault) => {
    expect(tried(source, 'a')).toBe(fault)
  })

  // Backtracking takes 2^40 steps for the first two and a cubic number for the third; here it is text times states.
  it.each(['(a+)+$', '(a|a)*b', 'a*a*a*a*a*c', '(.*)*x'])('%s cannot hold anybody', (source) => {
    expect(tried(source, `${'a'.repeat(64 * 1024)}!`)).toBe(false)
  })
})

describe('a text in pieces', () => {
  const fed = (source: string, ...pieces: readonly string[]): string[] => {
    const expression = expressionOf(source)
    if ('fault' in expression) return [expression.fault]
    const text = matcher(expression)
    return pieces.map((piece) => text.feed(piece))
  }

  it('is one text', () => {
    expect(fed('ESMTP [0-9]+ ready', '220 mail ES', 'MTP 4', '2 ready')).toEqual(['open', 'open', 'matched'])
    expect(fed('^b', 'a', 'b')).toEqual(['open', 'open'])
    expect(fed('\\bok\\b', 'no', 'ok')).toEqual(['open', 'open'])
  })

  it('may end after each of them', () => {
    expect(fed('OK$', 'O', 'K')).toEqual(['open', 'matched'])
    expect(fed('OK$', 'OKAY', 'x')).toEqual(['open', 'open'])
  })

  it('costs no more than is allowed, in pieces or whole', () => {
    const costly = `^${'(a?|b)'.repeat(300)}c`
    expect(fed(costly, ...Array.from({ length: 64 }, () => 'a'.repeat(1024))).at(-1)).toBe('open')
    expect(fed(costly.slice(1), 'a'.repeat(64 * 1024))).toEqual(['spent'])
  })
})
