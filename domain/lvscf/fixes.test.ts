/** A fix does what its problem asks for and nothing else: afterwards that problem is gone, and no other has come. */
import fc from 'fast-check'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ProblemCode } from '../problem.ts'
import { analyse } from './analysis.ts'
import { check } from './check.ts'
import { hold, lineStarts } from './document-text.ts'
import { applyEdits } from './draft.ts'
import { fixesOf } from './fixes.ts'

const head = 'primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\nnetwork = direct\n'
const server = '     server rs1 {\n         address = 192.0.2.11\n         active = 1\n         weight = 1\n     }\n'
const keys = '     active = 1\n     address = 192.0.2.80 eth0:1\n     port = 80\n'
const block = (inside: string, opening = 'virtual web {', closing = '}\n'): string =>
  `${head}${opening}\n${keys}${inside}${server}${closing}`

/** The text after a fix of the first problem with this code. */
function fixed(fileText: string, code: ProblemCode, which = 0): string {
  const held = hold(fileText)
  const problems = check(fileText).problems
  const problem = problems.find((one) => one.code === code)
  if (!problem) throw new Error(`no ${code} in ${JSON.stringify(problems.map((one) => one.code))}`)
  const found = fixesOf(problem, { text: held.text, starts: lineStarts(held.text) })[which]
  if (!found) throw new Error(`no fix for ${code}`)
  return applyEdits(held.text, found.edits)
}

/** `code` (sorted) of what is wrong with a text. */
function codes(text: string): readonly string[] {
  return check(text)
    .problems.map((one) => one.code)
    .toSorted()
}

const table: readonly (readonly [code: ProblemCode, before: string, after: string])[] = [
  ['lvscf-trailing-comment', block('     timeout = 6 # seconds\n'), block('     # seconds\n     timeout = 6\n')],
  ['lvscf-trailing-comment', block('', 'virtual web { # shop'), block('', '# shop\nvirtual web {')],
  ['lvscf-brace-next-line', block('', 'virtual web\n{'), block('')],
  ['lvscf-brace-next-line', block('', 'virtual web\n\n  {'), block('', 'virtual web {\n')],
  ['lvscf-brace-missing', block('', 'virtual web'), block('')],
  ['lvscf-brace-attached', block('', 'virtual web{'), block('')],
  [
    'lvscf-brace-same-line',
    block('', 'virtual web {', '     timeout = 6 }\n'),
    block('', 'virtual web {', '     timeout = 6\n}\n'),
  ],
  ['lvscf-brace-surplus', `${block('')}}\n`, block('')],
  ['lvscf-brace-junk', `${block('', 'virtual web {', '}#\n')}`, block('', 'virtual web {', '} #\n')],
  [
    'lvscf-block-unclosed',
    block('', 'virtual web {', '') + block('').slice(head.length).replace('web', 'shop').replace('.80 ', '.81 '),
    `${block('')}${block('').slice(head.length).replace('web', 'shop').replace('.80 ', '.81 ')}`,
  ],
  ['lvscf-block-unclosed-at-end', block('', 'virtual web {', ''), block('')],
  ['lvscf-equals-missing', block('     timeout 6\n'), block('     timeout = 6\n')],
  ['lvscf-equals-attached', block('     timeout=6\n'), block('     timeout = 6\n')],
  ['lvscf-equals-attached', block('     timeout= 6\n'), block('     timeout = 6\n')],
  ['lvscf-key-quoted', block('     "timeout" = 6\n'), block('     timeout = 6\n')],
  ['lvscf-value-missing', block('     timeout =\n'), block('')],
  ['lvscf-quote-open', block('     send = "GET /\n'), block('     send = "GET /"\n')],
  ['lvscf-text-unquoted', block('     send = GET / HTTP/1.0\n'), block('     send = "GET / HTTP/1.0"\n')],
  ['lvscf-single-quotes', block("     send = 'GET /'\n"), block('     send = "GET /"\n')],
  ['lvscf-name-blanks', block('', 'virtual my web {'), block('', 'virtual "my web" {')],
  ['lvscf-misspelt', block('     timeuot = 6\n'), block('     timeout = 6\n')],
  ['lvscf-unknown', block('     frobnicate = 6\n'), block('     # frobnicate = 6\n')],
  ['lvscf-octal', block('     timeout = 010\n'), block('     timeout = 8\n')],
  ['lvscf-not-a-switch', block('     quiesce_server = yes\n'), block('     quiesce_server = 1\n')],
  ['lvscf-not-a-choice', block('     protocol = TCP\n'), block('     protocol = tcp\n')],
  ['lvscf-scheduler-unknown', block('     scheduler = WRR\n'), block('     scheduler = wrr\n')],
  ['lvscf-not-a-mask', block('     vip_nmask = /24\n'), block('     vip_nmask = 255.255.255.0\n')],
  ['lvscf-escape-unknown', block('     send = "GET /a\\.b\\r\\n"\n'), block('     send = "GET /a\\\\.b\\r\\n"\n')],
  [
    'lvscf-repeated',
    block('     timeout = 6\n     reentry = 15\n     timeout = 7\n'),
    block('     reentry = 15\n     timeout = 7\n'),
  ],
  ['lvscf-bom', `\uFEFF${block('')}`, block('')],
]

describe('each fix', () => {
  test.each(table)('%s: %j', (code, before, after) => {
    const fixedText = fixed(before, code)
    expect(fixedText).toBe(after)
    const rest = codes(before)
    for (const left of codes(fixedText)) expect(rest).toContain(left)
    expect(codes(fixedText).filter((one) => one === code).length).toBe(rest.filter((one) => one === code).length - 1)
  })

  test('port = goes above the real servers that came before it', () => {
    const before = `${head}virtual web {\n     active = 1\n     address = 192.0.2.80 eth0:1\n${server}     port = 81\n}\n`
    const after = `${head}virtual web {\n     active = 1\n     address = 192.0.2.80 eth0:1\n     port = 81\n${server}}\n`
    expect(fixed(before, 'lvscf-port-order')).toBe(after)
  })

  test('an unknown scheduler offers every scheduler Piranha has', () => {
    const text = block('     scheduler = pcc\n')
    const problem = check(text).problems.find((one) => one.code === 'lvscf-scheduler-unknown')
    const fixes = problem ? fixesOf(problem, { text, starts: lineStarts(text) }) : []
    expect(fixes.map((one) => one.detail['value']).toSorted()).toEqual([
      'dh',
      'lblc',
      'lblcr',
      'lc',
      'rr',
      'sh',
      'wlc',
      'wrr',
    ])
  })

  test('carriage returns in the middle become line ends', () => {
    expect(fixed(block('').replace('backup =', 'service = lvs\r\nbackup ='), 'lvscf-cr-mixed')).toBe(
      block('').replace('backup =', 'service = lvs\nbackup ='),
    )
  })

  test('a file of CR LF changes only its line end', () => {
    const text = block('').replaceAll('\n', '\r\n')
    const problem = check(text).problems.find((one) => one.code === 'lvscf-crlf')
    const held = hold(text)
    expect(held.lineEnd).toBe('\r\n')
    expect(problem && fixesOf(problem, { text: held.text, starts: lineStarts(held.text) })).toMatchObject([
      { name: 'use-lf', edits: [], setsLineEnd: true },
    ])
  })
})

describe('damaged files', () => {
  const corpus = new URL('../../../shared/lvs-cf/corpus/', import.meta.url)
  const published = existsSync(corpus)
    ? readdirSync(corpus).map((name) => readFileSync(new URL(name, corpus), 'latin1'))
    : [block('')]
  if (!existsSync(corpus)) console.warn('!!! The published files are not here: fixes are tried on a made file only.')
  const scraps = [
    '{',
    '}',
    '=',
    '"',
    "'",
    '#',
    ' ',
    '\n',
    '\r',
    '\r\n',
    '\0',
    '\uFEFF',
    '0',
    'virtual x',
    'server y {',
    'port = ',
    'é',
  ]
  const damaged = fc
    .tuple(
      fc.constantFrom(...published),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), fc.constantFrom(...scraps)), { minLength: 1, maxLength: 6 }),
    )
    .map(([file, cuts]) =>
      cuts.reduce((text, [at, length, scrap]) => {
        const from = at % (text.length + 1)
        return text.slice(0, from) + scrap + text.slice(from + length)
      }, file),
    )

  test('every fix of every problem is a row of edits within the text, in order, and changes something', () => {
    fc.assert(
      fc.property(damaged, (fileText) => {
        const held = hold(fileText)
        const lines = { text: held.text, starts: lineStarts(held.text) }
        for (const { problem, from, to } of analyse(held).problems) {
          expect(from <= to && to <= held.text.length).toBe(true)
          for (const one of fixesOf(problem, lines)) {
            let at = 0
            for (const edit of one.edits) {
              expect(edit.from >= at && edit.to >= edit.from && edit.to <= held.text.length).toBe(true)
              at = edit.to
            }
            if (!one.setsLineEnd) expect(applyEdits(held.text, one.edits), one.name).not.toBe(held.text)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
