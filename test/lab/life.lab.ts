// A cluster after its first day, on real hosts under a client that never stops asking: a real server joins and leaves, a change that
// cannot be proven goes back, one whose contact is lost goes back by itself, an older configuration is restored, and in the end the hosts
// are as they were.
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { newService } from '../../domain/cluster-lvscf.ts'
import { changeOver } from '../../domain/life.ts'
import type { Change } from '../../domain/life.ts'
import { speak } from '../../domain/speech/speech.ts'
import { startCore } from './core-bridge.ts'
import { beginStory, buildLimitMs } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_LIFE_LAB
const changeLimitMs = 300_000

let story: Story
let before: Readonly<Record<string, string>>
let revision = 0

const id = (): string => story.draft.id
async function keep(draft: ClusterDraft): Promise<void> {
  revision = (await story.core.must('drafts.keep', { revision, draft })).revision
}
async function change(draft: ClusterDraft, reason: string): Promise<Change> {
  await keep(draft)
  const plan = await story.core.must('change.plan', { id: id() })
  expect(plan.findings.filter(({ problem }) => problem.severity === 'block')).toEqual([])
  const over = story.core.when('change.changed', ({ state }) => changeOver.includes(state), changeLimitMs)
  await story.core.must('change.start', { id: id(), draftRevision: revision, reason })
  const ended = await over
  for (const { host, what, answer } of ended.lines) console.log(`${host}: ${what}: ${answer}`)
  const seconds = (((ended.endedAtMs ?? 0) - ended.startedAtMs) / 1000).toFixed(1)
  const said = ended.problems.map((problem) => speak(problem, 'en').says).join(' ')
  console.log(`${reason}: ${ended.state} after ${seconds} s ${said}`)
  for (const line of ended.proof.filter(({ passed }) => !passed)) console.log('does not hold:', JSON.stringify(line))
  return ended
}
async function tableOf(host: string): Promise<string> {
  return (await story.lab.ssh(host, 'ipvsadm-save -n')).stdout
}
async function configOf(host: string): Promise<string> {
  return (await story.lab.ssh(host, 'cat /etc/sysconfig/ha/lvs.cf')).stdout
}

beforeAll(async () => {
  story = await beginStory(name ?? 'life', name !== undefined)
  before = await story.state()
  await story.logIn()
})
afterAll(async () => {
  await story?.end()
})

const one = (): ClusterDraft => ({ ...story.draft, realServers: story.draft.realServers.slice(0, 1) })

test('a cluster with one real server is the first revision', async () => {
  await keep(one())
  await story.core.must('plan.make', { draftId: id() })
  const over = story.core.when('run.changed', ({ state }) => ['done', 'failed'].includes(state), buildLimitMs)
  await story.core.must('run.start', { draftId: id(), draftRevision: revision })
  expect((await over).state).toBe('done')
  expect(await story.core.must('revisions.list', { id: id() })).toMatchObject([{ number: 1, how: 'built' }])
})

test('a real server joins without a lost request', async () => {
  const probe = await story.lab.startProbe(story.vip)
  const ended = await change(story.draft, 'rs2 takes half of the load')
  const seen = await probe.stop()
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  expect(await tableOf('lvs1')).toContain(`-r ${story.lab.address('rs2')}:80`)
  expect(await tableOf('lvs2')).toContain(`-r ${story.lab.address('rs2')}:80`)
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  const revisions = await story.core.must('revisions.list', { id: id() })
  expect(revisions.map(({ number, how, reason }) => [number, how, reason])).toEqual([
    [1, 'built', ''],
    [2, 'changed', 'rs2 takes half of the load'],
  ])
})

test('the agents are upgraded one after the other without a lost request', async () => {
  const file = join(story.dataDir, 'agent', 'manifest.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
    id: string
    version: string
    files: Record<string, string>
  }
  const agent = join(story.dataDir, 'agent', 'shoal-agent.cjs')
  appendFileSync(agent, '\n// as a newer version would differ\n')
  const sha256 = createHash('sha256').update(readFileSync(agent)).digest('hex')
  const files = { ...manifest.files, 'shoal-agent.cjs': sha256 }
  writeFileSync(file, JSON.stringify({ ...manifest, id: `${manifest.id}-newer`, files }))
  const probe = await story.lab.startProbe(story.vip)
  const run = await story.core.must('upgrade.start', { id: id() })
  const seen = await probe.stop()
  console.log(`upgrade: ${run.state}; probe: ${JSON.stringify(seen).slice(0, 300)}`)
  expect(run.proof.filter(({ passed }) => !passed)).toEqual([])
  for (const host of ['lvs1', 'lvs2']) {
    expect((await story.lab.ssh(host, 'readlink /opt/shoal/current')).stdout).toContain(`${manifest.id}-newer`)
  }
  const again = await story.core.must('upgrade.plan', { id: id() })
  expect(again.steps.length).toBeGreaterThan(0)
})

test('a deactivated real server leaves both tables, and comes back without a lost request', async () => {
  const server = `-r ${story.lab.address('rs2')}:80`
  const off = story.draft.realServers.slice(1).map((real) => real.id)
  const services = story.draft.services.map((service) => ({ ...service, inactiveServers: off }))
  // With a client that asks all the while, what it has just closed would be waited for: a minute.
  expect(await change({ ...story.draft, services }, 'rs2 is repaired')).toMatchObject({ state: 'done', problems: [] })
  for (const host of ['lvs1', 'lvs2']) expect(await tableOf(host)).not.toContain(server)
  const probe = await story.lab.startProbe(story.vip)
  expect(await change(story.draft, 'rs2 is back')).toMatchObject({ state: 'done', problems: [] })
  const seen = await probe.stop()
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  for (const host of ['lvs1', 'lvs2']) expect(await tableOf(host)).toContain(server)
  expect(seen.failed).toBe(0)
})

test('a change that cannot be proven goes back on both directors', async () => {
  const config = await configOf('lvs1')
  const service = { ...newService(2), name: 'nobody', port: '8099' }
  const ended = await change({ ...story.draft, services: [...story.draft.services, service] }, 'a service nobody runs')
  expect(ended).toMatchObject({ state: 'reverted', problems: [{ code: 'change-not-proven' }] })
  for (const host of ['lvs1', 'lvs2']) {
    expect(await configOf(host)).toBe(config)
    expect(await tableOf(host)).not.toContain(':8099')
  }
})

test('a real server leaves by the first revision restored, and its host is as it was', async () => {
  const { draftRevision } = await story.core.must('revisions.restore', { id: id(), number: 1 })
  revision = draftRevision
  const kept = await story.core.must('drafts.get', { id: id() })
  const ended = await change(kept.draft, 'back to one')
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  expect(await tableOf('lvs1')).not.toContain(story.lab.address('rs2'))
  await story.mustBeAsBefore(before, { hosts: ['rs2'] })
})

test('a change whose contact is lost goes back by itself', async () => {
  const config = await configOf('lvs1')
  await keep(story.draft)
  await story.core.must('change.plan', { id: id() })
  const proving = story.core.when('change.changed', ({ state }) => state === 'proving', changeLimitMs)
  await story.core.must('change.start', { id: id(), draftRevision: revision, reason: 'the window is closed too early' })
  await proving
  expect(await configOf('lvs1')).not.toBe(config)
  story.core.kill()
  for (let waited = 0; waited < 200 && (await configOf('lvs1')) !== config; waited += 5) await delay(5_000)
  for (let waited = 0; waited < 60 && (await configOf('lvs2')) !== config; waited += 5) await delay(5_000)
  expect(await configOf('lvs1')).toBe(config)
  expect(await configOf('lvs2')).toBe(config)
})

test('removing it leaves every host as it was', async () => {
  const core = startCore(story.lab, story.dataDir, join(story.dataDir, 'agent'))
  try {
    for (const host of [...story.draft.directors, ...story.draft.realServers]) {
      const owner = { address: host.address, port: 22, user: host.user, kind: 'password' as const }
      await core.must('secrets.keep', { ...owner, secret: story.lab.credentials.admin.password })
    }
    const { runId } = await core.must('clusters.remove', { id: id() })
    // Every run that stands is undone before the one that is answered; that one is told as undone last.
    for (let waited = 0; waited < changeLimitMs; waited += 1_000) {
      const { state } = await core.must('run.get', { runId })
      if (state === 'undone' || state === 'failed') break
      await delay(1_000)
    }
    expect((await core.must('run.get', { runId })).problems).toEqual([])
    expect(await core.must('clusters.list', {})).toEqual([])
    await story.mustBeAsBefore(before)
  } finally {
    await core.close()
  }
})
