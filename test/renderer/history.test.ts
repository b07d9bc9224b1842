/** Both journals make one timeline; a takeover opens to its phases. */
import { describe, expect, it } from 'vitest'
import type { FailoverRecord, JournalEntry } from '../../domain/contract/agent.ts'
import { historyCsv, historyJson } from '../../renderer/history-export.ts'
import { lanes, laneOf, mergeJournal, phasesOf, timeline, wantedOf } from '../../renderer/history.ts'
import type { Wanted } from '../../renderer/history.ts'
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

describe('what is looked for', () => {
  const journal = mergeJournal(
    [],
    [
      line('lvs1', 1, 1_000, { kind: 'health', service: 'web', server: 'rs1', to: 'down', reason: 'refused' }),
      line('lvs2', 1, 2_000, { kind: 'order', order: 'drain', by: 'anna', service: 'mail', server: 'rs3' }),
      line('lvs2', 2, 3_000, { kind: 'config', generation: 2, digest: 'abc' }),
      line('lvs1', 2, 4_000, {
        kind: 'disagreement',
        peer: 'lvs2',
        servers: [{ service: 'web', server: 'rs2', here: 'up', there: 'down' }],
        total: 1,
      }),
    ],
  )
  const everything = { lanes: new Set(lanes), director: '', service: '', words: '', fromMs: -Infinity }
  const found = (wanted: Partial<Wanted>): number[] =>
    wantedOf(journal, { ...everything, ...wanted }, (entry) => JSON.stringify(entry.event)).map((entry) => entry.atMs)

  it('is of a director, of a service, since an instant, with words', () => {
    expect(found({})).toEqual([4_000, 3_000, 2_000, 1_000])
    expect(found({ director: 'lvs2' })).toEqual([3_000, 2_000])
    expect(found({ service: 'web' })).toEqual([4_000, 1_000])
    expect(found({ fromMs: 3_000 })).toEqual([4_000, 3_000])
    expect(found({ words: 'ANNA drain' })).toEqual([2_000])
    expect(found({ words: 'anna nobody' })).toEqual([])
    expect(found({ lanes: new Set(['health'] as const) })).toEqual([1_000])
  })

  it('leaves as a file that a spreadsheet reads and one that a program reads', () => {
    const text = (): string => '=cmd, "quoted"'
    expect(historyCsv(journal.slice(0, 1), text).split('\r\n')).toEqual([
      '\uFEFFtime,director,kind,event,service,server,text',
      `1970-01-01T00:00:04.000Z,lvs1,network,disagreement,,,"'=cmd, ""quoted"""`,
      '',
    ])
    expect((JSON.parse(historyJson(journal, text)) as unknown[])[3]).toMatchObject({
      time: '1970-01-01T00:00:01.000Z',
      seq: 1,
      event: { server: 'rs1' },
    })
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
