// A build whose application was closed in the middle: it is found again, gone on with step by step, and taken back; by an application
// started anew on the same data directory.
import { mkdirSync, mkdtempSync, readFileSync, existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Run, Step } from '../../domain/plan.ts'
import { ok } from '../../domain/problem.ts'
import { openBuilds } from '../../core/builds.ts'
import type { Builds } from '../../core/builds.ts'
import { openClusterKeys, openClusters } from '../../core/clusters.ts'
import { openDrafts } from '../../core/drafts.ts'
import { openIgnored } from '../../core/provision/ignored.ts'
import { openRuns } from '../../core/provision/runs.ts'
import type { Runs } from '../../core/provision/runs.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { webDraft } from './material.ts'
import { newHostKey, startHost } from './ssh-host.ts'
import type { TestHost } from './ssh-host.ts'

let host: TestHost
let folder: string
let draft: ClusterDraft
const closing: (() => unknown)[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-builds-'))
  const key = newHostKey()
  host = await startHost({ password: 'x', hostKey: key.private })
  mkdirSync(join(folder, '.ssh'))
  writeFileSync(join(folder, '.ssh', 'known_hosts'), `[127.0.0.1]:${host.port} ${key.public}\n`)
  mkdirSync(join(folder, 'agent'))
  writeFileSync(join(folder, 'agent', 'shoal-agent.service'), '[Service]\n')
  const manifest = { version: '0.1.0', id: '0.1.0-test', files: {}, runtimes: {} }
  writeFileSync(join(folder, 'agent', 'manifest.json'), JSON.stringify(manifest))
  const web = webDraft()
  const [server] = web.realServers
  if (!server) throw new Error('no real server')
  const at = {
    address: '127.0.0.1',
    port: String(host.port),
    user: 'root',
    login: { kind: 'password' as const, keyFile: '' },
  }
  draft = { ...web, realServers: [{ ...server, ...at }] }
  closing.push(() => host.close())
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The application as it starts on the data directory. */
async function start(): Promise<{
  readonly builds: Builds
  readonly runs: Runs
  readonly ended: (runId: string) => Promise<Run>
}> {
  const secrets = openSecrets(undefined)
  await secrets.keep({ address: '127.0.0.1', port: host.port, user: 'root' }, 'password', 'x')
  const hosts = openHosts({
    knownHosts: openKnownHosts(join(folder, 'own'), folder),
    secret: secrets.get,
    uploadTag: 't',
  })
  closing.push(() => {
    hosts.close()
  })
  const runs = await openRuns(folder)
  const waiting = new Map<string, (run: Run) => void>()
  const builds = openBuilds({
    dataDir: folder,
    agentDir: join(folder, 'agent'),
    drafts: openDrafts(folder, () => 1),
    clusters: openClusters(folder),
    keys: openClusterKeys(folder, undefined),
    runs,
    ignored: openIgnored(folder, () => 1),
    hosts,
    now: () => 1,
    log: () => undefined,
    onRun: (run) => {
      if (['failed', 'cancelled', 'undone', 'done'].includes(run.state)) waiting.get(run.id)?.(run)
    },
    onLine: () => undefined,
    onClusters: () => undefined,
    onBuilt: async () => ok(null),
    endWatch: () => undefined,
    restartWatch: async () => undefined,
  })
  closing.push(() => runs.settled())
  return { builds, runs, ended: (runId) => new Promise((resolve) => waiting.set(runId, resolve)) }
}

function step(kind: Step['kind'], word: string): Step {
  return {
    id: `real-1/${kind}`,
    hostId: 'real-1',
    kind,
    detail: {},
    files: [],
    run: `echo ${word} >>${folder}/log; : >"$KEPT/mark"`,
    alreadySo: `grep -qx ${word} ${folder}/log`,
    inverse: `sed -i /${word}/d ${folder}/log`,
  }
}
const log = (): string => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')

/** A run that was at its second step when the application ended. */
async function closedInTheMiddle(id: string, startedAtMs: number): Promise<void> {
  const steps = [step('arp-silence', 'silence'), step('vip-up', 'vip')]
  const run: Run = {
    id,
    draftId: draft.id,
    clusterId: draft.id,
    state: 'running',
    startedAtMs,
    plan: { draftId: draft.id, draftRevision: 1, lvscf: '', findings: [], order: [['real-1']], hosts: [], steps },
    steps: [
      { stepId: 'real-1/arp-silence', state: 'waiting' },
      { stepId: 'real-1/vip-up', state: 'running' },
    ],
    proof: [],
    problems: [],
  }
  const runs = await openRuns(folder)
  runs.put({ run, draft })
  await runs.settled()
}

it('is found as ended early, gone on with one step alone, and taken back', async () => {
  await closedInTheMiddle('run-1', 5)
  const { builds, ended } = await start()
  expect(builds.unfinished()).toEqual([
    { runId: 'run-1', draftId: draft.id, name: 'web', state: 'failed', startedAtMs: 5, done: 0, all: 2 },
  ])
  const first = ended('run-1')
  expect(await builds.resume('run-1', 'real-1/no-such-step')).toMatchObject({ problems: [{ code: 'not-found' }] })
  expect((await builds.resume('run-1', 'real-1/arp-silence')).ok).toBe(true)
  expect(await builds.resume('run-1')).toMatchObject({ problems: [{ code: 'run-under-way' }] })
  expect((await first).steps.map(({ state }) => state)).toEqual(['done', 'not-run'])
  expect(log()).toBe('silence\n')
  expect(builds.unfinished()).toMatchObject([{ done: 1, all: 2 }])

  await expect.poll(() => builds.busy(draft.id)).toBe(false)
  const undone = ended('run-1')
  await builds.undo('run-1')
  expect((await undone).state).toBe('undone')
  expect(log()).toBe('')
  await expect.poll(() => builds.busy(draft.id)).toBe(false)
  expect(builds.unfinished()).toEqual([])
  expect(await builds.resume('run-1')).toMatchObject({ problems: [{ code: 'run-not-resumable' }] })
})

it('is not gone on with when a newer one was started since, or when the build lacks a file it names', async () => {
  await closedInTheMiddle('run-old', 5)
  await closedInTheMiddle('run-new', 6)
  const { builds, runs } = await start()
  expect(await builds.resume('run-old')).toMatchObject({ problems: [{ code: 'run-overtaken' }] })
  const record = runs.get('run-new')
  if (!record) throw new Error('no run')
  const content = { kind: 'binary' as const, name: 'shoal-agent.cjs', bytes: 1, sha256: 'a'.repeat(64) }
  const [one, ...others] = record.run.plan.steps
  if (!one) throw new Error('no step')
  const copies: Step = { ...one, files: [{ path: '/opt/x', mode: '0644', owner: 'root:root', content }] }
  runs.put({ ...record, run: { ...record.run, plan: { ...record.run.plan, steps: [copies, ...others] } } })
  expect(await builds.resume('run-new')).toMatchObject({ problems: [{ code: 'plan-outdated' }] })
  expect(log()).toBe('')
})

it('steps of a plan are carried and taken back on one host only, and removing takes back what stands', async () => {
  const { builds, runs, ended } = await start()
  const steps = [step('arp-silence', 'silence'), step('vip-up', 'vip')]
  const plan = { draftId: draft.id, draftRevision: 1, lvscf: '', findings: [], order: [['real-1']], hosts: [], steps }
  const carried = await builds.carry(plan, draft)
  if (!carried.ok) throw new Error('not carried')
  builds.finishRun(carried.value.id, { state: 'done' })
  expect(log()).toBe('silence\nvip\n')
  expect(runs.standingOf(draft.id)).toHaveLength(1)
  expect((await builds.takeBackHost(draft.id, 'real-1', draft)).ok).toBe(true)
  expect(log()).toBe('')
  expect(await builds.remove(draft.id)).toMatchObject({ problems: [{ code: 'nothing-to-take-back' }] })

  const again = await builds.carry(plan, draft)
  if (!again.ok) throw new Error('not carried')
  builds.finishRun(again.value.id, { state: 'done' })
  const undone = ended(again.value.id)
  expect(await builds.remove(draft.id)).toMatchObject({ value: { runId: again.value.id } })
  expect((await undone).state).toBe('undone')
  expect(log()).toBe('')
})
