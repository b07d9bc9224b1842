/** A shown difference is exactly the two texts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffLines } from '../../renderer/diff.ts'

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '', 'virtual web {'), { maxLength: 30 })
  .map((lines) => lines.join('\n'))

describe('the difference of two texts', () => {
  it('gives back both texts', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        const of = (...kinds: string[]) =>
          lines
            .filter((line) => kinds.includes(line.kind))
            .map((line) => line.text)
            .join('\n')
        expect(of('same', 'removed')).toBe(before)
        expect(of('same', 'added')).toBe(after)
      }),
    )
  })

  it('marks one changed line as one removed and one added', () => {
    expect(diffLines('a\nb\nc', 'a\nx\nc').map((line) => line.kind)).toEqual(['same', 'removed', 'added', 'same'])
  })
})
