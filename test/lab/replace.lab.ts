// A director that is dead for good, on real hosts under a client that asks on: another host takes its place, and later the other director
// comes back from its installation disk with its old address. Each successor can serve alone, and removal leaves every host that lives
// as it was.
import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import { changeOver } from '../../domain/life.ts'
import type { Change } from '../../domain/life.ts'
import { attach, up } from './lab.ts'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_REPLACE_LAB
const changeLimitMs = 300_000
const serveLimitMs = 45_000
const inARow = 15
/** A host of the lab nobody uses yet. */
const spare = 'rs3'

let story: Story
let before: Readonly<Record<string, string>>

beforeAll(async () => {
  const lab = name ?? 'replace'
  if (!attach(lab)) await up('dr', { name: lab, realServers: 3, say: (line) => console.log(line) })
  story = await beginStory(lab, name !== undefined)
  await story.lab.ssh(spare, 'systemctl disable -q --now nginx')
  before = await story.state()
  await story.logIn()
})
afterAll(async () => {
  await story?.end()
})

async function change(draft: ClusterDraft, reason: string): Promise<Change> {
  await story.keepDraft(draft)
  const id = draft.id
  const plan = await story.core.must('change.plan', { id })
  expect(plan.findings.filter(({ problem }) => problem.severity === 'block')).toEqual([])
  expect(plan.replaced).toBeDefined()
  const over = story.core.when('change.changed', ({ state }) => changeOver.includes(state), changeLimitMs)
  await story.core.must('change.start', { id, draftRevision: story.revision(), reason })
  const ended = await over
  for (const { host, what, answer } of ended.lines) console.log(`${host}: ${what}: ${answer}`)
  for (const line of ended.proof.filter(({ passed }) => !passed)) console.log('does not hold:', JSON.stringify(line))
  console.log(`${reason}: ${ended.state} after ${(((ended.endedAtMs ?? 0) - ended.startedAtMs) / 1000).toFixed(1)} s`)
  return ended
}

async function trust(host: DirectorDraft): Promise<void> {
  const seen = await story.core.must('hosts.try', { host })
  if (seen.kind === 'unknown-key') await story.core.must('hosts.trust', seen.key)
}

async function untilServed(what: string): Promise<void> {
  const probe = await story.lab.startProbe(story.vip)
  const served = await probe.served(inARow, serveLimitMs)
  const report = await probe.stop()
  if (!served) throw new Error(`${what}: not served within ${serveLimitMs} ms; ${JSON.stringify(report)}`)
}

async function until(host: string, role: 'active' | 'standby'): Promise<void> {
  const end = performance.now() + serveLimitMs * 2
  let said = ''
  while (performance.now() < end) {
    const asked = await story.lab.ssh(host, 'shoal-agent status', { allowFailure: true })
    said = asked.stdout
    if (said.split('\n')[0]?.includes(` is ${role} since `)) return
    await delay(1_000)
  }
  throw new Error(`${host} does not become ${role}: ${said}`)
}

test('a cluster of two directors is built', async () => {
  await story.keepDraft()
  expect((await story.build()).problems).toEqual([])
})

test('another host takes the place of a director that has died, without a lost request', async () => {
  await story.lab.crash('lvs1')
  await until('lvs2', 'active')
  await untilServed('by lvs2 alone')

  const [first, second] = story.draft.directors
  const successor: DirectorDraft = { ...first, name: 'lvs3', address: story.lab.address(spare) }
  await trust(successor)
  const probe = await story.lab.startProbe(story.vip)
  const ended = await change({ ...story.draft, directors: [successor, second] }, 'lvs1 has burnt down')
  const seen = await probe.stop()
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  await until(spare, 'standby')
  expect((await story.lab.ssh(spare, 'ipvsadm-save -n')).stdout).toBe(
    (await story.lab.ssh('lvs2', 'ipvsadm-save -n')).stdout,
  )
  expect(seen.failed).toBe(0)
})

test('the other one, set up anew from its installation disk, comes back, and the successor serves meanwhile', async () => {
  await story.lab.crash('lvs2')
  await until(spare, 'active')
  await untilServed('by the successor alone')
  await rm(join(story.lab.folder, 'lvs2.cow'))
  await story.lab.boot('lvs2')

  const [, second] = story.draft.directors
  // Its host key is another one now: nothing is done before the operator has taken the old one out.
  const refused = await story.core.ask('hosts.try', { host: second })
  expect(refused.ok ? [] : refused.problems.map(({ code }) => code)).toEqual(['host-key-changed'])
  const known = join(story.dataDir, 'known_hosts')
  const lines = readFileSync(known, 'utf8').split('\n')
  writeFileSync(known, lines.filter((line) => !line.startsWith(`${second.address} `)).join('\n'))
  await trust(second)

  const probe = await story.lab.startProbe(story.vip)
  const ended = await change(story.draft, 'lvs2 has a new disk')
  const seen = await probe.stop()
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  await until('lvs2', 'standby')
  expect(seen.failed).toBe(0)

  await story.lab.crash(spare)
  await until('lvs2', 'active')
  await untilServed('by the one that came back')
  await story.lab.boot(spare)
  await until(spare, 'standby')
})

test('removal leaves every host that lives as it was', async () => {
  const { runId } = await story.core.must('clusters.remove', { id: story.draft.id })
  for (let waited = 0; waited < changeLimitMs; waited += 1_000) {
    const { state } = await story.core.must('run.get', { runId })
    if (state === 'undone' || state === 'failed') break
    await delay(1_000)
  }
  expect((await story.core.must('run.get', { runId })).problems).toEqual([])
  expect(await story.core.must('clusters.list', {})).toEqual([])
  const living = ['lvs2', spare, 'rs1', 'rs2']
  await story.mustBeAsBefore(before, { hosts: living })
})
