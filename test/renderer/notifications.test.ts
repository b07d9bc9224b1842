/** What is news for the desktop, and that it is told once. */
import { describe, expect, it } from 'vitest'
import type { JournalEntry, JournalEvent } from '../../domain/contract/agent.ts'
import { simulationId } from '../../domain/simulation-id.ts'
import { createNews } from '../../renderer/notifications.ts'

const nowMs = 1_800_000_000_000
let seq = 0
const entry = (director: string, event: JournalEvent, ageMs = 0): JournalEntry => ({
  director,
  boot: 'b',
  seq: seq++,
  atMs: nowMs - ageMs,
  event,
})
const down: JournalEvent = { kind: 'health', service: 'tcp 10.0.0.1:80', server: '10.0.0.5:80', to: 'down' }
const takeover = (cause: 'peer-silent' | 'first-start', term: number): JournalEvent => ({
  kind: 'failover',
  record: { cause, decidedBy: 'lvs2', to: 'lvs2', term, decidedAtMs: nowMs },
})

describe('news', () => {
  it('a server seen down by both directors is told once, and again when it falls another time', () => {
    const news = createNews()
    expect(news('c', [entry('lvs1', down), entry('lvs2', down)], nowMs)).toHaveLength(1)
    expect(news('c', [entry('lvs2', down)], nowMs + 5_000)).toHaveLength(0)
    expect(news('c', [entry('lvs1', { ...down, to: 'up' })], nowMs + 6_000)).toHaveLength(1)
    expect(news('c', [entry('lvs1', down, -30_000)], nowMs + 30_000)).toHaveLength(1)
  })

  it('the same server name in another cluster is other news', () => {
    const news = createNews()
    expect(news('a', [entry('lvs1', down)], nowMs)).toHaveLength(1)
    expect(news('b', [entry('lvs1', down)], nowMs)).toHaveLength(1)
  })

  it('a takeover is told by either director, and a first start is none', () => {
    const news = createNews()
    expect(
      news('c', [entry('lvs2', takeover('peer-silent', 4)), entry('lvs1', takeover('peer-silent', 4))], nowMs),
    ).toHaveLength(1)
    expect(news('c', [entry('lvs2', takeover('first-start', 5))], nowMs)).toHaveLength(0)
  })

  it('what is long past is history', () => {
    expect(createNews()('c', [entry('lvs1', down, 3_600_000)], nowMs)).toHaveLength(0)
  })

  it('the simulated cluster wakes nobody', () => {
    expect(createNews()(simulationId, [entry('lvs1', down)], nowMs)).toHaveLength(0)
  })

  it('heartbeats, reloads and looks are no news', () => {
    const lines = [
      entry('lvs1', { kind: 'path', path: 'public', to: 'silent' }),
      entry('lvs1', { kind: 'config', generation: 2, digest: 'd' }),
      entry('lvs1', { kind: 'role', from: 'starting', to: 'standby', term: 1, reason: 'r' }),
    ]
    expect(createNews()('c', lines, nowMs)).toHaveLength(0)
    expect(
      createNews()('c', [entry('lvs1', { kind: 'role', from: 'standby', to: 'unfit', term: 1, reason: 'r' })], nowMs),
    ).toHaveLength(1)
  })
})
