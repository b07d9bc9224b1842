// The cluster key rotated on real hosts under a client that never stops asking: nobody loses a request, nobody takes over, the old key is
// worth nothing afterwards; and where one director cannot take the new key, both keep the old one.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_ROTATE_LAB
const directors = ['lvs1', 'lvs2'] as const
const keyFile = '/etc/shoal/cluster.key'
const serveLimitMs = 45_000

let story: Story
let before: Readonly<Record<string, string>>
let runId = ''
let oldKey = ''

beforeAll(async () => {
  story = await beginStory(name ?? 'rotate', name !== undefined)
  before = await story.state()
  await story.logIn()
})
afterAll(async () => {
  await story?.end()
})

async function keyOf(host: string): Promise<string> {
  return (await story.lab.ssh(host, `cat ${keyFile}`)).stdout.trim()
}
/** Role, term and whom it hears, as the director itself says. */
async function saidBy(
  host: string,
): Promise<{ readonly role: string; readonly term: number; readonly hears: boolean }> {
  const { stdout } = await story.lab.ssh(host, 'shoal-agent status --json')
  const { director } = JSON.parse(stdout) as {
    director: { role: string; term: number; peer: { alive: boolean; paths: { state: string }[] } }
  }
  const { role, term, peer } = director
  return { role, term, hears: peer.alive && peer.paths.every(({ state }) => state === 'heard') }
}
const both = async <T>(ask: (host: string) => Promise<T>): Promise<readonly T[]> => Promise.all(directors.map(ask))

/** An agent that is being started anew cannot be asked: then nothing was seen. */
async function until<T>(what: string, ask: () => Promise<T>, is: (seen: T) => boolean): Promise<T> {
  const end = performance.now() + serveLimitMs
  for (;;) {
    const seen = await ask().catch(() => null)
    if (seen !== null && is(seen)) return seen
    if (performance.now() > end) throw new Error(`${what}: ${JSON.stringify(seen)}`)
  }
}

test('a cluster with a key of its own is built', async () => {
  await story.keepDraft()
  const run = await story.build()
  expect(run.problems).toEqual([])
  runId = run.id
})

test('both directors come to another key without a lost request', async () => {
  oldKey = await keyOf('lvs1')
  const roles = await both(saidBy)
  const probe = await story.lab.startProbe(story.vip)
  const startedAt = performance.now()
  await story.core.must('clusters.rotate-key', { id: story.draft.id })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const seen = await probe.stop()
  console.log(`rotated after ${seconds} s; probe: ${JSON.stringify(seen).slice(0, 300)}`)
  const [one, other] = await both(keyOf)
  expect(one).toBe(other)
  expect(one).not.toBe(oldKey)
  expect(one?.split('\n')).toHaveLength(1)
  expect(await both(saidBy)).toEqual(roles)
  expect(roles.every(({ hears }) => hears)).toBe(true)
  expect(seen.failed).toBe(0)
})

test('a director that starts anew comes back with it, and one that has the old key is not heard', async () => {
  await story.lab.ssh('lvs2', 'systemctl restart shoal-agent')
  await until(
    'lvs2 is back',
    () => both(saidBy),
    (seen) => seen.every(({ hears }) => hears),
  )
  const standby = (await saidBy('lvs1')).role === 'standby' ? 'lvs1' : 'lvs2'
  await story.lab.ssh(standby, `cp -p ${keyFile} /root/key; echo ${oldKey} >${keyFile}; systemctl reload shoal-agent`)
  try {
    await until(
      'the old key is refused',
      () => both(saidBy),
      (seen) => seen.some(({ hears }) => !hears),
    )
  } finally {
    await story.lab.ssh(standby, `cat /root/key >${keyFile}; rm /root/key; systemctl reload shoal-agent`)
  }
  await until(
    'both hear each other again',
    () => both(saidBy),
    (seen) => seen.every(({ hears }) => hears),
  )
})

test('where one cannot take it, both keep what they had', async () => {
  const keys = await both(keyOf)
  const active = (await saidBy('lvs1')).role === 'active' ? 'lvs1' : 'lvs2'
  const probe = await story.lab.startProbe(story.vip)
  await story.lab.ssh(active, `mkdir ${keyFile}.shoal-new`)
  const asked = await story.core.ask('clusters.rotate-key', { id: story.draft.id })
  await story.lab.ssh(active, `rmdir ${keyFile}.shoal-new`)
  expect(asked.ok ? [] : asked.problems.map(({ code }) => code)).toEqual(['command-failed'])
  expect(await both(keyOf)).toEqual(keys)
  await until(
    'both hear each other',
    () => both(saidBy),
    (seen) => seen.every(({ hears }) => hears),
  )

  const standby = active === 'lvs1' ? 'lvs2' : 'lvs1'
  await story.lab.ssh(standby, 'systemctl stop shoal-agent')
  const absent = await story.core.ask('clusters.rotate-key', { id: story.draft.id })
  expect(absent.ok).toBe(false)
  expect(await both(keyOf)).toEqual(keys)
  await story.lab.ssh(standby, 'systemctl start shoal-agent')
  await until(
    'both hear each other',
    () => both(saidBy),
    (seen) => seen.every(({ hears }) => hears),
  )
  const seen = await probe.stop()
  expect(seen.failed).toBe(0)

  // And once more all the way: what was left behind is in nobody's way.
  await story.core.must('clusters.rotate-key', { id: story.draft.id })
  const [one, other] = await both(keyOf)
  expect(one).toBe(other)
  expect(keys).not.toContain(one)
})

test('a build over it changes nothing, and removal leaves the hosts as they were', async () => {
  const again = await story.build()
  expect(again.problems).toEqual([])
  expect(again.steps.filter(({ state }) => state !== 'already')).toEqual([])
  const over = story.core.when(
    'run.changed',
    ({ id, state }) => id === runId && (state === 'undone' || state === 'failed'),
    180_000,
  )
  await story.core.must('clusters.remove', { id: story.draft.id })
  expect((await over).problems).toEqual([])
  await story.mustBeAsBefore(before)
})
