// The same plan by hand: the script of each host is run there by a shell as an operator at its console would, on hosts with nothing but
// sshd; then the plan run by Shoal finds every step already so, and the scripts' own undo leaves nothing. All hosts but the first are
// logged in to over the first as a jump host.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const name = process.env.SHOAL_BY_HAND_LAB
const limitMs = 180_000
const restLimitMs = 30_000
const folder = '/root/by-hand'

let story: Story
let draft: ClusterDraft
let before: Readonly<Record<string, string>>

const places = [
  ['real-1', 'rs1'],
  ['real-2', 'rs2'],
  ['director-1', 'lvs1'],
  ['director-2', 'lvs2'],
] as const

beforeAll(async () => {
  story = await beginStory(name ?? 'by-hand', name !== undefined)
  before = await story.state()
  const [first, second] = story.draft.directors
  const jump = `root@${first.address}`
  // Root's key logs in everywhere: it is on the way what it is at the end.
  const over = <H extends ClusterDraft['realServers'][number] | typeof second>(host: H): H => ({
    ...host,
    user: 'root',
    login: { ...first.login, jump },
  })
  draft = { ...story.draft, directors: [first, over(second)], realServers: story.draft.realServers.map(over) }
})
afterAll(async () => {
  await story?.end()
})

test('hosts are logged in to over a jump host: its own key is asked about first, then each one behind it', async () => {
  for (const host of [...draft.directors, ...draft.realServers]) {
    const tried = await story.core.must('hosts.try', { host })
    if (tried.kind === 'unknown-key') await story.core.must('hosts.trust', tried.key)
    expect(await story.core.must('hosts.try', { host })).toMatchObject({ kind: 'facts' })
  }
  // From where sshd there sees the login come.
  const { stdout } = await story.lab.ssh('rs1', 'journalctl -u ssh -o cat | grep "Accepted publickey for root"')
  expect(stdout).toContain(`from ${story.draft.directors[0].address} `)
})

test('the scripts run by hand leave nothing for the plan to do', async () => {
  const { revision } = await story.core.must('drafts.keep', { revision: 0, draft })
  const plan = await story.core.must('plan.make', { draftId: draft.id })
  expect(plan.findings.filter(({ problem }) => problem.severity === 'block')).toEqual([])
  const key = readFileSync((await story.core.must('plan.key-file', { draftId: draft.id })).file, 'utf8')
  for (const [hostId, host] of places) {
    const script = await story.core.must('plan.script', { draftId: draft.id, hostId, language: 'en' })
    expect(script.text).not.toContain(key.trim())
    await story.lab.ssh(host, `mkdir -p ${folder}; cat >${folder}/run.sh`, { input: script.text })
    if (host.startsWith('lvs')) {
      await story.lab.ssh(host, `cat >${folder}/cluster.key; chmod 600 ${folder}/cluster.key`, { input: key })
      const files = plan.steps
        .filter((step) => step.hostId === hostId)
        .flatMap((step) => step.files)
        .flatMap(({ content }) => (content.kind === 'binary' ? [content.name] : []))
      for (const file of new Set(files)) {
        const bytes = readFileSync(join(story.dataDir, 'agent', file))
        await story.lab.ssh(host, `cat >${folder}/${file}`, { input: bytes, timeoutMs: limitMs })
      }
    }
  }
  for (const [, host] of places) {
    const check = await story.lab.ssh(host, `sh ${folder}/run.sh check`, { allowFailure: true, timeoutMs: limitMs })
    expect([host, check.exitCode]).toEqual([host, 1])
    // The first director waits a while for one that is not there yet.
    const done = await story.lab.ssh(host, `sh ${folder}/run.sh`, { timeoutMs: limitMs })
    console.log(`${host}: ${done.stdout.trim().split('\n').length} lines`)
    expect(done.stderr).not.toContain('FAILED')
  }
  await story.core.must('plan.make', { draftId: draft.id })
  const over = story.core.when('run.changed', ({ state }) => ['done', 'failed', 'cancelled'].includes(state), limitMs)
  await story.core.must('run.start', { draftId: draft.id, draftRevision: revision })
  const run = await over
  expect(run.steps.filter(({ state }) => state !== 'already')).toEqual([])
  expect(run.proof.filter(({ passed }) => !passed)).toEqual([])
  console.log(`run after the scripts: ${run.steps.length} steps, all already so; ${run.proof.length} proofs passed`)
})

test('undo by hand leaves the hosts as they were', async () => {
  for (const [, host] of [...places].reverse()) {
    const undone = await story.lab.ssh(host, `sh ${folder}/run.sh undo; rm -r ${folder}`, { timeoutMs: limitMs })
    expect(undone.stderr).not.toContain('NOT taken back')
  }
  // Once, beside another lab, something was there still the moment the last script had ended; it is named when it is seen again.
  await story.mustBeAsBefore(before, { ms: restLimitMs })
})
