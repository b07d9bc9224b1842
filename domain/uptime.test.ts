/** The uptime of a service as the journals tell it: what they say counts, what they do not reach does not. */
import { describe, expect, test } from 'vitest'
import type { JournalEntry } from './contract/agent.ts'
import { serverKey, uptimes } from './uptime.ts'
import type { DirectorNow } from './uptime.ts'

const web = { id: 'tcp 192.0.2.80:80', servers: ['10.0.0.1:80', '10.0.0.2:80'] }
const [one = '', two = ''] = web.servers
let seq = 0
const line = (director: string, atMs: number, event: JournalEntry['event']): JournalEntry => ({
  director,
  boot: 'b',
  seq: ++seq,
  atMs,
  event,
})
const health = (director: string, atMs: number, server: string, to: 'up' | 'down'): JournalEntry =>
  line(director, atMs, { kind: 'health', service: web.id, server, to })
const started = (director: string, atMs: number): JournalEntry =>
  line(director, atMs, { kind: 'started', version: '1', after: 'boot' })
const role = (director: string, atMs: number, from: 'starting' | 'active' | 'standby', to: 'active' | 'standby') =>
  line(director, atMs, { kind: 'role', from, to, term: 1, reason: '' })
const now = (name: string, isActive: boolean, answers = true): DirectorNow => ({
  name,
  answers,
  isActive,
  up: new Set([serverKey(web.id, one), serverKey(web.id, two)]),
})
const both = [now('lvs1', true), now('lvs2', false)]
const of = (journal: readonly JournalEntry[], directors: readonly DirectorNow[], windowMs = 10_000, nowMs = 10_000) =>
  uptimes(journal, [web], directors, [windowMs], nowMs).get(web.id)?.[0]

/** Both start at 0, lvs1 serves from 100 with both servers up on both directors. */
const begun = [
  started('lvs1', 0),
  started('lvs2', 0),
  role('lvs2', 50, 'starting', 'standby'),
  health('lvs1', 90, one, 'up'),
  health('lvs1', 95, two, 'up'),
  health('lvs2', 90, one, 'up'),
  health('lvs2', 95, two, 'up'),
  role('lvs1', 100, 'starting', 'active'),
]

describe('what counts', () => {
  test('nobody served before the first director was active; from then on the service is up', () => {
    expect(of(begun, both)).toEqual({ upMs: 9_900, downMs: 100, outages: 1, longestOutageMs: 100 })
  })

  test('one real server is enough, none is an outage', () => {
    const journal = [
      ...begun,
      health('lvs1', 2_000, one, 'down'),
      health('lvs1', 3_000, two, 'down'),
      health('lvs1', 3_500, one, 'up'),
    ]
    expect(of(journal, both)).toMatchObject({ downMs: 600, outages: 2, longestOutageMs: 500 })
  })

  test('what only the standby sees is no outage', () => {
    expect(of([...begun, health('lvs2', 2_000, one, 'down'), health('lvs2', 2_000, two, 'down')], both)).toMatchObject({
      downMs: 100,
    })
  })

  test('a takeover costs from the last beat heard to the announcement', () => {
    const record = {
      cause: 'peer-silent' as const,
      decidedBy: 'lvs2',
      from: 'lvs1',
      to: 'lvs2',
      term: 2,
      lastHeardAtMs: 4_000,
      decidedAtMs: 4_700,
      addressUpAtMs: 4_705,
      announcedAtMs: 4_710,
    }
    const journal = [
      ...begun,
      role('lvs2', 4_700, 'standby', 'active'),
      line('lvs2', 4_720, { kind: 'failover', record }),
      started('lvs1', 8_000),
      role('lvs1', 8_100, 'starting', 'standby'),
    ]
    expect(of(journal, [now('lvs1', false), now('lvs2', true)])).toEqual({
      upMs: 10_000 - 100 - 710,
      downMs: 810,
      outages: 2,
      longestOutageMs: 710,
    })
  })

  test('a server that the newest configuration does not have serves nobody from then on', () => {
    const gone = '10.0.0.9:80'
    const journal = [
      ...begun,
      health('lvs1', 500, gone, 'up'),
      health('lvs1', 1_000, one, 'down'),
      health('lvs1', 1_000, two, 'down'),
      line('lvs1', 2_000, { kind: 'config', generation: 2, digest: 'x' }),
      health('lvs1', 3_000, one, 'up'),
    ]
    expect(of(journal, both)).toMatchObject({ downMs: 1_100, longestOutageMs: 1_000 })
  })
})

describe('what is not known', () => {
  test('before the first line nothing is known', () => {
    expect(of(begun, both, 100_000, 50_000)).toMatchObject({ upMs: 49_900, downMs: 100 })
  })

  test('without a line about it, a service is what it is now as far back as the journal reaches', () => {
    const journal = [
      line('lvs1', 1_000, { kind: 'link', device: 'eth1', up: true }),
      role('lvs2', 900, 'starting', 'standby'),
    ]
    expect(of(journal, both)).toEqual({ upMs: 9_000, downMs: 0, outages: 0, longestOutageMs: 0 })
  })

  test('of a director that does not answer nothing is known after its last line', () => {
    expect(of([...begun, health('lvs1', 2_000, one, 'down')], [now('lvs1', true, false), now('lvs2', false)])).toEqual({
      upMs: 1_900,
      downMs: 100,
      outages: 1,
      longestOutageMs: 100,
    })
  })

  test('a director that came back without having said goodbye was silent for an unknown time', () => {
    const journal = [
      ...begun,
      health('lvs1', 2_000, one, 'down'),
      started('lvs1', 6_000),
      role('lvs1', 6_100, 'starting', 'active'),
      health('lvs1', 6_050, one, 'up'),
    ]
    expect(of(journal, both)).toMatchObject({ upMs: 1_900 + 3_900, downMs: 200 })
  })

  test('an empty journal knows nothing', () => {
    expect(of([], both)).toEqual({ upMs: 0, downMs: 0, outages: 0, longestOutageMs: 0 })
  })
})
