/** A merge loses nothing: every line of every side is in a chunk, and changes in different places come together by themselves. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergedText, threeWay } from './merge.ts'

const text = fc
  .array(fc.constantFrom('a\n', 'b\n', 'c\n', 'd\n', '\n'), { maxLength: 14 })
  .map((lines) => lines.join(''))
const ragged = fc.tuple(text, fc.constantFrom('', 'e')).map(([lines, last]) => lines + last)

describe('three-way merge', () => {
  test('chunks tile all three texts', () => {
    fc.assert(
      fc.property(ragged, ragged, ragged, (base, mine, theirs) => {
        const chunks = threeWay(base, mine, theirs)
        for (const [side, whole] of [
          ['base', base],
          ['mine', mine],
          ['theirs', theirs],
        ] as const) {
          expect(chunks.map((chunk) => chunk[side].join('')).join('')).toBe(whole)
        }
      }),
    )
  })

  test('when only one side changed, the merge is that side', () => {
    fc.assert(
      fc.property(ragged, ragged, (base, other) => {
        expect(mergedText(threeWay(base, other, base), new Map())).toBe(other)
        expect(mergedText(threeWay(base, base, other), new Map())).toBe(other)
        expect(mergedText(threeWay(base, other, other), new Map())).toBe(other)
      }),
    )
  })

  test('choosing one side everywhere gives that side wherever it conflicts', () => {
    fc.assert(
      fc.property(ragged, ragged, ragged, (base, mine, theirs) => {
        const chunks = threeWay(base, mine, theirs)
        const all = new Map(chunks.map((_, at) => [at, 'mine' as const]))
        expect(mergedText(chunks, all)).toBe(mine)
      }),
    )
  })

  test('changes in different places need no choice', () => {
    const base = 'serial_no = 1\nport = 80\nweight = 1\ntimeout = 6\n'
    const mine = 'serial_no = 2\nport = 80\nweight = 1\ntimeout = 6\n'
    const theirs = 'serial_no = 1\nport = 80\nweight = 1\ntimeout = 10\nreentry = 15\n'
    expect(mergedText(threeWay(base, mine, theirs), new Map())).toBe(
      'serial_no = 2\nport = 80\nweight = 1\ntimeout = 10\nreentry = 15\n',
    )
  })

  test('the same line changed differently is a conflict that waits for a choice', () => {
    const chunks = threeWay('a\nport = 80\nb\n', 'a\nport = 81\nb\n', 'a\nport = 82\nb\n')
    expect(chunks.map((chunk) => chunk.kind)).toEqual(['same', 'conflict', 'same'])
    expect(chunks[1]).toMatchObject({
      base: ['port = 80\n'],
      mine: ['port = 81\n'],
      theirs: ['port = 82\n'],
      mineLine: 2,
    })
    expect(mergedText(chunks, new Map())).toBeUndefined()
    expect(mergedText(chunks, new Map([[1, 'theirs']]))).toBe('a\nport = 82\nb\n')
    expect(mergedText(chunks, new Map([[1, 'both']]))).toBe('a\nport = 81\nport = 82\nb\n')
    expect(mergedText(chunks, new Map([[1, 'base']]))).toBe('a\nport = 80\nb\n')
  })

  test('few changes in a large text are found where they are', () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `weight = ${at}\n`)
    const base = lines.join('')
    const mine = lines.with(10, 'mine\n').join('')
    const theirs = lines.toSpliced(19_000, 1).join('')
    const chunks = threeWay(base, mine, theirs)
    expect(chunks.map((chunk) => chunk.kind)).toEqual(['same', 'mine', 'same', 'theirs', 'same'])
  })
})
