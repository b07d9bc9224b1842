/** The audit finds each thing it looks for, and nothing in a pair that is as it should be. */
import { describe, expect, it } from 'vitest'
import type { JournalEntry, JournalEvent } from '../../domain/contract/agent.ts'
import { answeringIn, historyProblems, problemsOf } from './faults-audit.ts'
import type { Seen } from './faults-audit.ts'

const table = ['-A -t 192.168.2.27:80 -s rr', '-a -t 192.168.2.27:80 -r 192.168.2.243:80 -g -w 1']
const lvs1: Seen = { host: 'lvs1', mac: '02:00:00:00:00:01', role: 'active', peerAlive: true, holds: true, table }
const lvs2: Seen = { host: 'lvs2', mac: '02:00:00:00:00:02', role: 'standby', peerAlive: true, holds: false, table }

describe('a pair', () => {
  it('that is as it should be has no problem', () => {
    expect(problemsOf([lvs1, lvs2], table, [lvs1.mac])).toEqual([])
    expect(problemsOf([lvs1, { ...lvs2, table: [...table].reverse() }], table, [lvs1.mac])).toEqual([])
  })

  const wrong: [string, readonly Seen[], readonly string[]][] = [
    ['both active', [lvs1, { ...lvs2, role: 'active' }], [lvs1.mac]],
    ['nobody active', [{ ...lvs1, role: 'standby' }, lvs2], [lvs1.mac]],
    ['one gives no answer', [lvs1, { ...lvs2, role: null }], [lvs1.mac]],
    ['both hold the address', [lvs1, { ...lvs2, holds: true }], [lvs1.mac]],
    ['nobody holds it', [{ ...lvs1, holds: false }, lvs2], [lvs1.mac]],
    [
      'the standby holds it',
      [
        { ...lvs1, holds: false },
        { ...lvs2, holds: true },
      ],
      [lvs1.mac],
    ],
    ['a deaf director', [lvs1, { ...lvs2, peerAlive: false }], [lvs1.mac]],
    ['nobody answers', [lvs1, lvs2], []],
    ['both answer', [lvs1, lvs2], [lvs1.mac, lvs2.mac]],
    ['the wrong one answers', [lvs1, lvs2], [lvs2.mac]],
    ['an emptied table', [lvs1, { ...lvs2, table: [] }], [lvs1.mac]],
    [
      'a server too many',
      [{ ...lvs1, table: [...table, '-a -t 192.168.2.27:80 -r 192.168.2.111:80 -g -w 1'] }, lvs2],
      [lvs1.mac],
    ],
  ]
  it.each(wrong)('%s is found', (_, pair, answering) => {
    expect(problemsOf(pair, table, answering)).not.toEqual([])
  })
})

describe('histories', () => {
  const now = 100_000
  const entries = (...events: JournalEvent[]): JournalEntry[] =>
    events.map((event, at) => ({ director: 'lvs2', boot: '7', seq: at + 1, atMs: 50_000 + at, event }))
  const claim: JournalEvent = { kind: 'role', from: 'standby', to: 'active', term: 4, reason: '' }
  const record = {
    kind: 'failover',
    record: { cause: 'peer-silent', decidedBy: 'lvs2', to: 'lvs2', term: 4, decidedAtMs: 50_000 },
  } satisfies JournalEvent
  const problems = (journal: readonly JournalEntry[], role: 'active' | 'standby' = 'active') =>
    historyProblems({ lvs2: journal }, { lvs2: role }, 40_000, now)

  it('a takeover with its record is whole', () => expect(problems(entries(claim, record))).toEqual([]))
  it('a takeover without its record is found', () => expect(problems(entries(claim))).not.toEqual([]))
  it('a record of another term is none', () => {
    const other: JournalEvent = { kind: 'failover', record: { ...record.record, term: 3 } }
    expect(problems(entries(claim, other))).not.toEqual([])
  })
  it('a hole is found', () =>
    expect(problems(entries(claim, record, claim).filter((e) => e.seq !== 2))).not.toEqual([]))
  it('a role that begins where none ended is found', () =>
    expect(problems(entries(claim, record, claim))).not.toEqual([]))
  it('a role nobody wrote down is found', () => expect(problems(entries(claim, record), 'standby')).not.toEqual([]))
  it('what was before is not judged', () =>
    expect(historyProblems({ lvs2: entries(claim) }, { lvs2: 'active' }, 60_000, now)).toEqual([]))
})

it('the answers to arping are counted by hardware address', () => {
  const text = `ARPING 192.168.2.27 from 192.168.2.243 eth0
Unicast reply from 192.168.2.27 [02:00:00:00:00:01]  2.044ms
Unicast reply from 192.168.2.27 [02:00:00:00:00:01]  1.532ms
Unicast reply from 192.168.2.27 [02:00:00:00:00:0A]  1.532ms
Sent 3 probes (3 broadcast(s))`
  expect(answeringIn(text)).toEqual(['02:00:00:00:00:01', '02:00:00:00:00:0a'])
})
