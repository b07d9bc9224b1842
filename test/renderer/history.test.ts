/** Both journals make one timeline; a takeover opens to its phases. */
import { describe, expect, it } from 'vitest'
import type { FailoverRecord, JournalEntry } from '../../domain/contract/agent.ts'
import { lanes, laneOf, mergeJournal, phasesOf, timeline } from '../../renderer/history.ts'
import FailoverRecordPart from '../../renderer/parts/FailoverRecord.vue'
import { fakeJournal } from './fake-core.ts'
import { freshHost, show } from './host.ts'

const record: FailoverRecord = {
  cause: 'peer-silent',
  decidedBy: 'lvs2',
  from: 'lvs1',
  to: 'lvs2',
  term: 3,
  lastHeardAtMs: 10_000,
  firstMissedAtMs: 10_100,
  decidedAtMs: 10_704,
  addressUpAtMs: 10_709,
  announcedAtMs: 10_710,
  outageMs: 710,
}
const line = (director: string, seq: number, atMs: number, event: JournalEntry['event']): JournalEntry => ({
  director,
  boot: 'b1',
  seq,
  atMs,
  event,
})

describe('the timeline', () => {
  it('is newest first and has a line heard twice once', () => {
    const journal = fakeJournal(1_000_000_000)
    const merged = mergeJournal(journal, [...journal].reverse())
    expect(merged).toHaveLength(journal.length)
    expect(merged.map((entry) => entry.atMs)).toEqual(merged.map((entry) => entry.atMs).sort((a, b) => b - a))
  })

  it('keeps lines of another boot with the same number apart', () => {
    const first = line('lvs1', 1, 5, { kind: 'stopped', reason: 'x' })
    expect(mergeJournal([first], [{ ...first, boot: 'b2' }])).toHaveLength(2)
  })

  it('tells a takeover known to both directors once, as the decider tells it', () => {
    const both = [
      line('lvs1', 1, 20, { kind: 'failover', record: { ...record, outageMs: 999 } }),
      line('lvs2', 1, 21, { kind: 'failover', record }),
    ]
    expect(timeline(both, new Set(lanes)).map((entry) => entry.director)).toEqual(['lvs2'])
    expect(timeline([both[0] as JournalEntry], new Set(lanes))).toHaveLength(1)
  })

  it('leaves out lanes that are not chosen', () => {
    const chosen = timeline(fakeJournal(1_000_000_000), new Set(['health'] as const))
    expect(new Set(chosen.map(laneOf))).toEqual(new Set(['health']))
  })
})

describe('the record of a takeover', () => {
  it('has only the phases that are known, in order, from the last beat heard', () => {
    expect(phasesOf(record).map(({ phase, offsetMs }) => [phase, offsetMs])).toEqual([
      ['last-heard', 0],
      ['first-missed', 100],
      ['declared-dead', 704],
      ['address-up', 709],
      ['announced', 710],
    ])
    expect(phasesOf({ cause: 'first-start', decidedBy: 'lvs1', to: 'lvs1', term: 1, decidedAtMs: 7 })).toHaveLength(1)
  })

  it('shows cause, decider, outage and every phase in ms, also to a screen reader', () => {
    const { pinia } = freshHost()
    const shown = show(FailoverRecordPart, { record }, pinia)
    expect(shown.text()).toContain('lvs1 fell silent')
    expect(shown.text()).toContain('lvs2, term 3')
    expect(shown.text()).toContain('at most 710 ms')
    expect(shown.findAll('ol li').map((item) => item.text().replace(/ \d\d:.*\(/, ' ('))).toEqual([
      'last beat heard: (+0 ms)',
      'first beat missed: (+100 ms)',
      'declared dead: (+704 ms)',
      'address up: (+709 ms)',
      'announced: (+710 ms)',
    ])
    const marks = shown.findAll('circle').map((circle) => circle.element.parentElement?.getAttribute('transform'))
    const places = marks.map((mark) => Number(/\(([\d.]+)/.exec(mark ?? '')?.[1]))
    // Marks never change order and never stand on each other, however close the instants.
    expect(places.every((x, at) => at === 0 || x - (places[at - 1] ?? 0) >= 70)).toBe(true)
    expect(Math.max(...places)).toBeLessThanOrEqual(640)
    shown.unmount()
  })
})
