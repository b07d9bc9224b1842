/** What the command palette finds, and in which order. */
import { describe, expect, it } from 'vitest'
import { find, pieces } from '../../renderer/palette.ts'
import type { Entry } from '../../renderer/palette.ts'

const entry = (label: string, group = 'a', more: Partial<Entry> = {}): Entry => ({
  id: label,
  group,
  label,
  run: () => undefined,
  ...more,
})
const labels = (entries: readonly Entry[], query: string, most = 60): readonly string[] =>
  find(entries, query, most).map(({ entry: { label } }) => label)

const entries = [
  entry('Hand over from lvs1 to lvs2…', 'here', { words: 'failover switch' }),
  entry('Drain rs1 of web…', 'servers', { hint: '192.0.2.21:80' }),
  entry('Drain rs2 of web…', 'servers', { hint: '192.0.2.22:80' }),
  entry('History', 'go'),
  entry('Theme: Dark', 'app', { words: 'theme dark' }),
  entry('主题：深色', 'app', { words: 'theme dark' }),
]

describe('the palette finds', () => {
  it('everything in its order when nothing is typed', () => {
    expect(labels(entries, '  ')).toEqual(entries.map(({ label }) => label))
  })
  it('entries in which every word is, in any order', () => {
    expect(labels(entries, 'rs2 drain')).toEqual(['Drain rs2 of web…'])
    expect(labels(entries, 'drain rs9')).toEqual([])
  })
  it('by letters left out, but not by letters strewn over a sentence', () => {
    expect(labels(entries, 'hstry')).toEqual(['History'])
    expect(labels(entries, 'hdmv')).toEqual([])
  })
  it('by an address beside the label and by words that are not shown', () => {
    expect(labels(entries, '2.22')).toEqual(['Drain rs2 of web…'])
    expect(labels(entries, 'failover')).toEqual(['Hand over from lvs1 to lvs2…'])
    expect(labels(entries, 'theme')).toEqual(['Theme: Dark', '主题：深色'])
    expect(labels(entries, '深色')).toEqual(['主题：深色'])
  })
  it('the beginning of a word before its middle, and keeps groups together', () => {
    const some = [entry('overdrive', 'x'), entry('drive over', 'y'), entry('my drive', 'x'), entry('underdrive', 'y')]
    expect(labels(some, 'drive')).toEqual(['drive over', 'underdrive', 'my drive', 'overdrive'])
  })
  it('at most so many, the best of them', () => {
    const many = Array.from({ length: 500 }, (_, at) => entry(`undrained ${at}`))
    expect(labels([...many, entry('drain me')], 'drain', 3)).toEqual(['drain me', 'undrained 0', 'undrained 1'])
  })
})

it('marks what was typed', () => {
  const [found] = find([entry('Drain rs1 of web…')], 'rs1 dr', 1)
  expect(pieces(found?.entry.label ?? '', found?.at ?? [])).toEqual([
    { text: 'Dr', hit: true },
    { text: 'ain ', hit: false },
    { text: 'rs1', hit: true },
    { text: ' of web…', hit: false },
  ])
})
