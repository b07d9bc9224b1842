/** The queues of the channels with real receivers: order, tries after failures, restarts in the middle, bounds, and who tells what. */
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { JournalEntry, JournalEvent } from '../../domain/contract/agent.ts'
import { newsGroups, type ChannelState, type WebhookChannel } from '../../domain/notify.ts'
import { openDeliver } from '../../agent/effects/notify/deliver.ts'
import { openLookup } from '../../agent/effects/notify/names.ts'
import { openOutbox, timing, waitingMost, type Outbox, type Timing } from '../../agent/effects/notify/outbox.ts'
import { openPositions } from '../../agent/effects/notify/positions.ts'
import { openTrust } from '../../agent/effects/notify/trust.ts'
import { until, webReceiver, type WebReceiver } from './receivers.ts'

const quick: Timing = { ...timing, firstPauseMs: 5, longestPauseMs: 20, gatherMs: 5, chatPauseMs: 5 }
const startMs = 1_763_700_000_000
let stateFile = ''
let nowMs = startMs
let journal: JournalEntry[] = []
const notes: string[] = []
const boxes: Outbox[] = []
/** Ends an agent as a crash does: what it was writing is on disk or not, and it writes no more. */
const crashes = new Map<Outbox, () => Promise<void>>()
let web: WebReceiver

beforeEach(async () => {
  stateFile = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-outbox-')), 'notify.json')
  nowMs = startMs
  journal = []
  notes.length = 0
  web = await webReceiver()
})
afterEach(async () => {
  for (const box of boxes.splice(0)) box.close()
  await web.close()
})

const channel = (over: Partial<WebhookChannel> = {}): WebhookChannel => ({
  id: 'ops',
  name: 'Ops',
  kind: 'webhook',
  language: 'en',
  groups: [...newsGroups],
  both: false,
  url: `${web.url}/hook`,
  secret: '',
  ...over,
})

/** An agent's outbox, with the journal of before already taken. */
async function agent(channels = [channel()], times = quick): Promise<Outbox> {
  const positions = await openPositions(stateFile)
  let dead = false
  let writing: Promise<void> = Promise.resolve()
  const box = openOutbox({
    cluster: () => 'shop',
    deliver: openDeliver({
      director: 'lvs1',
      lookup: openLookup(),
      trust: openTrust(),
      wallMs: () => nowMs,
      limitMs: 1_000,
    }),
    positions: {
      of: positions.of,
      keep: (channels) => (dead ? new Promise(() => undefined) : (writing = positions.keep(channels))),
    },
    timing: times,
    wallMs: () => nowMs,
    timeText: (atMs) => new Date(atMs).toISOString(),
    changed: () => undefined,
    note: (says) => notes.push(says),
  })
  boxes.push(box)
  crashes.set(box, async () => {
    dead = true
    box.close()
    await writing
  })
  await box.configure(channels)
  box.take(journal.map((entry) => ({ entry })))
  await box.caughtUp()
  return box
}

let boot = 1
function line(event: JournalEvent): JournalEntry {
  const seq = journal.filter((one) => one.boot === String(boot)).length + 1
  const entry = { director: 'lvs1', boot: String(boot), seq, atMs: nowMs, event }
  journal.push(entry)
  return entry
}
const trouble = (says: string): JournalEntry => line({ kind: 'trouble', says })
const tell = (box: Outbox, ...entries: readonly JournalEntry[]): void => box.take(entries.map((entry) => ({ entry })))
const texts = (): string[] => web.got.map(({ body }) => (JSON.parse(body) as { text: string }).text)
const ids = (): string[] => web.got.map(({ body }) => (JSON.parse(body) as { id: string }).id)
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `lvs1: event ${from + at}`)
const stateOf = (box: Outbox): ChannelState => box.states()[0] as ChannelState

it('a new channel tells what comes after it, in order, one at a time', async () => {
  trouble('from before')
  const box = await agent()
  for (let n = 1; n <= 50; n++) tell(box, trouble(`event ${n}`))
  await until(() => web.got.length === 50)
  expect(texts()).toEqual(numbered(1, 50))
  await until(() => stateOf(box).delivered === 50)
  expect(stateOf(box)).toMatchObject({ waiting: 0, givenUp: 0, deliveredAtMs: nowMs })
})

it('what is refused with 500 or not taken at all is tried again, and nothing overtakes it', async () => {
  const box = await agent()
  web.answers.push({ status: 500 }, { status: 503, body: 'not now' }, 'reset')
  for (let n = 1; n <= 3; n++) tell(box, trouble(`event ${n}`))
  await until(() => stateOf(box).delivered === 3)
  expect(texts()).toEqual([...Array.from({ length: 4 }, () => 'lvs1: event 1'), 'lvs1: event 2', 'lvs1: event 3'])
  // The id is the same at every try.
  expect(new Set(ids()).size).toBe(3)
  expect(stateOf(box).failingSinceMs).toBeUndefined()
  expect(stateOf(box).lastErrorAtMs).toBe(nowMs)
})

it('a receiver that is away gets everything when it is back', async () => {
  const { port } = web
  await web.close()
  const box = await agent([channel({ url: `http://127.0.0.1:${port}/hook` })])
  for (let n = 1; n <= 3; n++) tell(box, trouble(`event ${n}`))
  await until(() => stateOf(box).lastError?.includes('ECONNREFUSED') === true)
  expect(stateOf(box)).toMatchObject({ waiting: 3, delivered: 0, failingSinceMs: nowMs })
  web = await webReceiver({ port })
  await until(() => stateOf(box).delivered === 3)
  expect(texts()).toEqual(numbered(1, 3))
})

it('an agent that ends in the middle goes on from there: nothing is lost, nothing is out of order', async () => {
  const first = await agent()
  for (let n = 1; n <= 5; n++) tell(first, trouble(`event ${n}`))
  await until(() => web.got.length >= 3)
  await crashes.get(first)?.()
  boot = 2
  const second = await agent()
  line({ kind: 'started', version: '1', after: 'crash' })
  tell(second, ...journal.slice(-1), trouble('event 6'))
  await until(() => stateOf(second).waiting === 0)
  boot = 1
  const heard = texts().filter((text) => text.includes('event'))
  expect(heard.filter((text, at) => heard.indexOf(text) === at)).toEqual(numbered(1, 6))
  // At most the one that was under way came twice, with the same id.
  expect(heard.length).toBeLessThanOrEqual(7)
  expect(new Set(ids()).size).toBe(7)
})

it('a message whose answer is lost with the agent is told again', async () => {
  web.answers.push('hang')
  const first = await agent()
  tell(first, trouble('event 1'))
  await until(() => web.got.length === 1)
  await crashes.get(first)?.()
  const second = await agent()
  await until(() => stateOf(second).delivered === 1)
  expect(texts()).toEqual(['lvs1: event 1', 'lvs1: event 1'])
  expect(new Set(ids()).size).toBe(1)
})

it('one channel that fails holds up no other', async () => {
  const other = await webReceiver()
  const box = await agent([channel(), channel({ id: 'other', name: 'Other', url: `${other.url}/x` })])
  web.answers.push('hang')
  for (let n = 1; n <= 3; n++) tell(box, trouble(`event ${n}`))
  await until(() => other.got.length === 3)
  expect(web.got).toHaveLength(1)
  await other.close()
})

it('what has waited for a day is given up, counted, and said in the next message', async () => {
  const box = await agent()
  web.answers.push(...Array.from({ length: 500 }, () => ({ status: 500 })))
  for (let n = 1; n <= 3; n++) tell(box, trouble(`event ${n}`))
  await until(() => web.got.length > 0)
  nowMs += timing.givenUpAfterMs + 1
  await until(() => stateOf(box).givenUp === 3)
  web.answers.length = 0
  web.got.length = 0
  tell(box, trouble('event 4'))
  await until(() => web.got.length === 1)
  expect(JSON.parse(web.got[0]?.body ?? '')).toMatchObject({ text: 'lvs1: event 4', omitted: 3 })
})

it('more than can wait gives up the oldest, never what is under way', async () => {
  web.answers.push('hang')
  const box = await agent()
  const many = Array.from({ length: waitingMost + 5 }, (_, n) => ({
    director: 'lvs1',
    boot: '1',
    seq: n + 1,
    atMs: nowMs,
    event: { kind: 'trouble', says: `event ${n + 1}` } as const,
  }))
  box.take(many.slice(0, 1).map((entry) => ({ entry })))
  await until(() => web.got.length === 1)
  box.take(many.slice(1).map((entry) => ({ entry })))
  expect(stateOf(box)).toMatchObject({ waiting: waitingMost, givenUp: 5 })
  await until(() => web.got.length >= 3)
  // The first is told again after the answer it did not get, then the first that was not given up.
  expect(texts().slice(0, 3)).toEqual(['lvs1: event 1', 'lvs1: event 1', 'lvs1: event 7'])
})

it('a message refused for what it says is given up after ten tries and holds up no others for a day', async () => {
  const box = await agent()
  web.answers.push(...Array.from({ length: 10 }, () => ({ status: 400, body: 'invalid_payload' })))
  tell(box, trouble('event 1'), trouble('event 2'))
  await until(() => stateOf(box).delivered === 1)
  expect(texts()).toEqual([...Array.from({ length: 10 }, () => 'lvs1: event 1'), 'lvs1: event 2'])
  expect(stateOf(box).givenUp).toBe(1)
})

it('a channel that fails for long is written to the journal once, and once more when it works again', async () => {
  const box = await agent([channel()], { ...quick, failingLongMs: 60_000 })
  web.answers.push(...Array.from({ length: 2_000 }, () => ({ status: 500, body: 'hook' })))
  tell(box, trouble('event 1'))
  await until(() => web.got.length > 1)
  expect(notes).toEqual([])
  nowMs += 61_000
  await until(() => notes.length === 1)
  nowMs += 61_000
  const tries = web.got.length
  await until(() => web.got.length > tries + 2)
  web.answers.length = 0
  await until(() => notes.length === 2)
  expect(notes).toEqual([
    'notifications over Ops have not got through for 1 min: It answered 500: hook',
    'notifications over Ops get through again after 2 min',
  ])
})

it('events that come together go in one chat message', async () => {
  const box = await agent([channel({ kind: 'slack' })])
  for (let n = 1; n <= 3; n++) tell(box, trouble(`event ${n}`))
  await until(() => stateOf(box).waiting === 0 && stateOf(box).delivered > 0)
  expect(web.got).toHaveLength(1)
  expect(texts()[0]?.match(/event \d/g)).toEqual(['event 1', 'event 2', 'event 3'])
})

it('a channel tells only the kinds of news it is asked to, and another choice begins with what comes then', async () => {
  const box = await agent([channel({ groups: ['drift'] })])
  tell(box, trouble('not this'), line({ kind: 'drift', differences: ['weight'], repaired: true }))
  await until(() => stateOf(box).delivered === 1)
  await box.configure([channel({ groups: ['agent'] })])
  tell(box, line({ kind: 'drift', differences: ['other'], repaired: true }), trouble('this'))
  await until(() => stateOf(box).delivered === 2)
  expect(texts()).toEqual(['lvs1 repaired what had been changed behind its back: weight', 'lvs1: this'])
})

it('another address is tried at once and gets what waits', async () => {
  const box = await agent([channel()], { ...quick, firstPauseMs: 60_000, longestPauseMs: 60_000 })
  web.answers.push({ status: 404 })
  tell(box, trouble('event 1'))
  await until(() => stateOf(box).failingSinceMs !== undefined)
  await box.configure([channel({ url: `${web.url}/right` })])
  await until(() => stateOf(box).delivered === 1)
  expect(web.got.map(({ path: at }) => at)).toEqual(['/hook', '/right'])
})

it('what both directors see is told by the one that is not standby, and only when it is another than before', async () => {
  const health = (to: 'up' | 'down', server = '10.0.0.2:80'): JournalEntry =>
    line({ kind: 'health', service: 'tcp 10.0.0.1:80', server, to })
  const role = (from: 'starting' | 'standby', to: 'standby' | 'active'): JournalEntry =>
    line({ kind: 'role', from, to, term: 1, reason: 'test' })
  const box = await agent()
  // Every start finds the servers anew.
  tell(box, line({ kind: 'started', version: '1', after: 'boot' }), health('up'), role('starting', 'standby'))
  tell(box, health('down'), health('up', '10.0.0.3:80'), role('standby', 'active'), health('up'), health('down'))
  boot = 2
  tell(box, line({ kind: 'started', version: '1', after: 'restart' }), health('down'), health('up'))
  boot = 1
  await until(() => stateOf(box).waiting === 0 && stateOf(box).delivered === 5)
  expect(texts()).toEqual([
    'lvs1 booted; agent 1 started',
    '10.0.0.2:80 is up for tcp 10.0.0.1:80',
    '10.0.0.2:80 is down for tcp 10.0.0.1:80',
    'Agent 1 on lvs1 was started again',
    '10.0.0.2:80 is up for tcp 10.0.0.1:80',
  ])
})

it('a heartbeat path is news when it falls silent and when it is heard again, not when an agent starts', async () => {
  const at = (to: 'heard' | 'silent'): JournalEntry => line({ kind: 'path', path: 'public', to })
  const box = await agent([channel({ groups: ['peer'] })])
  tell(box, at('heard'), at('silent'), at('heard'), line({ kind: 'started', version: '1', after: 'boot' }), at('heard'))
  tell(box, at('silent'))
  await until(() => stateOf(box).delivered === 3)
  expect(texts()).toEqual([
    'lvs1 hears nothing of the other director on path public',
    'lvs1 hears the other director again on path public',
    'lvs1 hears nothing of the other director on path public',
  ])
  expect(stateOf(box).waiting).toBe(0)
})

it('a channel that asks for both directors hears the standby too', async () => {
  const box = await agent([channel({ both: true, groups: ['health-down'] })])
  tell(box, line({ kind: 'role', from: 'starting', to: 'standby', term: 1, reason: '' }))
  tell(box, line({ kind: 'health', service: 's', server: 'r', to: 'down', reason: 'refused' }))
  await until(() => web.got.length === 1)
  expect(texts()).toEqual(['r is down for s: refused'])
})

it('the positions on disk hold nothing but positions', async () => {
  const box = await agent([channel({ url: `${web.url}/t0psecret`, secret: 's1gn1ng' })])
  tell(box, trouble('event 1'))
  await until(() => stateOf(box).delivered === 1)
  await until(() => journal.length === 1)
  await box.configure([channel({ url: `${web.url}/t0psecret`, secret: 's1gn1ng' })])
  expect(JSON.parse(await readFile(stateFile, 'utf8'))).toEqual({ channels: { ops: { boot: '1', seq: 1 } } })
})
