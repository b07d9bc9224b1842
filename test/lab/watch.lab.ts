// The core and a cluster that serves: built from nothing within a minute, the crash of a director noticed and told as it is, a director
// taken up again when it is back, a real server that is silent before it has the virtual IP again. Figures are printed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const name = process.env.SHOAL_WATCH_LAB
const buildPromiseMs = 60_000
const noticeLimitMs = 5_000

let story: Story

async function begin(): Promise<void> {
  story = await beginStory(name ?? 'watch', name !== undefined)
  await story.logIn()
  await story.keepDraft()
}
beforeAll(begin)
afterAll(async () => {
  await story?.end()
})

let tries = 0
test('from nothing to a proven cluster within a minute', async () => {
  // A second try begins with nothing, too.
  if (tries++ > 0) {
    await story.end()
    await begin()
  }
  const run = await story.build()
  for (const step of run.steps) console.log(`  ${step.stepId} ${step.state} ${step.durationMs ?? 0} ms`)
  expect(run.state).toBe('done')
  expect(run.proof.filter(({ passed }) => !passed)).toEqual([])
  expect((run.endedAtMs ?? Infinity) - run.startedAtMs).toBeLessThan(buildPromiseMs)
})

test('a crash of the active director is noticed, told as it is, and the director is taken up again when it is back', async () => {
  await story.core.must('clusters.watch', { id: story.draft.id })
  // Both in contact: a verdict alone may rest on what the standby hears of its partner.
  const watched = await story.core.when(
    'cluster.status',
    ({ verdict, directors }) =>
      verdict.kind === 'served' &&
      verdict.standby === 'ready' &&
      directors.every(({ contact }) => contact === 'connected'),
    30_000,
  )
  if (watched.verdict.kind !== 'served') throw new Error(JSON.stringify(watched.verdict))
  const { by } = watched.verdict
  const other = by === 'lvs1' ? 'lvs2' : 'lvs1'

  const noticed = story.core.when(
    'cluster.status',
    ({ directors: seen }) => seen.find(({ name }) => name === by)?.contact === 'lost',
    30_000,
  )
  const tookOver = story.core.when(
    'cluster.status',
    ({ verdict }) => verdict.kind === 'served' && verdict.by === other,
    30_000,
  )
  const verdicts: string[] = []
  const stop = story.core.on('cluster.status', ({ verdict }) => verdicts.push(verdict.kind))
  const startedAt = performance.now()
  await story.lab.crash(by)
  await tookOver
  const tookOverMs = Math.round(performance.now() - startedAt)
  await noticed
  const noticedMs = Math.round(performance.now() - startedAt)
  console.log(
    `crash of ${by}: ${other} shown as serving after ${tookOverMs} ms, contact shown as lost after ${noticedMs} ms`,
  )
  expect(noticedMs).toBeLessThan(noticeLimitMs)
  stop()
  expect(verdicts).not.toContain('both-serve')

  const probe = await story.lab.startProbe(story.vip)
  await probe.served(25, 10_000)
  const back = story.core.when(
    'cluster.status',
    ({ verdict }) => verdict.kind === 'served' && verdict.standby === 'ready',
    90_000,
  )
  await story.lab.boot(by)
  const status = await back
  expect(status.verdict).toMatchObject({ by: other })
  const report = await probe.stop()
  expect(report.longestOutageMs).toBe(0)

  const { entries, missing } = await story.core.must('clusters.history', { id: story.draft.id, limit: 100 })
  expect(missing).toEqual([])
  const takeover = entries.findLast(({ event }) => event.kind === 'failover')
  expect(takeover?.event).toMatchObject({ record: { cause: 'peer-silent', to: other } })
  const times = entries.map(({ atMs }) => atMs)
  expect(times).toEqual([...times].sort((a, b) => a - b))
})

test('a real server that reboots is silent before it has the virtual IP again', async () => {
  await story.lab.reboot('rs1')
  const { stdout } = await story.lab.ssh(
    'rs1',
    'ip -br -4 addr show dev lo; sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce',
  )
  expect(stdout).toContain(`${story.vip}/32`)
  expect(stdout.trim().split('\n').slice(1)).toEqual(['1', '2'])
  const ask = `arping -b -c 3 -w 4 -s ${story.lab.address('rs2')} -I eth0 ${story.vip}`
  const { stdout: heard } = await story.lab.ssh('rs2', ask, { allowFailure: true })
  expect(new Set(heard.match(/\[[0-9A-F:]+\]/g))).toHaveProperty('size', 1)
})
