// Two virtual IPs on real hosts: one cluster serves both, each by its own services; a third one joins it while a client keeps asking, one
// leaves and is nowhere any more, the active director dies and both move; and in the end the hosts are as they were.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { newService } from '../../domain/cluster-lvscf.ts'
import { changeOver } from '../../domain/life.ts'
import type { Change } from '../../domain/life.ts'
import type { Run } from '../../domain/plan.ts'
import { speak } from '../../domain/speech/speech.ts'
import { withoutVirtualIp, withVirtualIp } from '../../domain/virtual-ips.ts'
import { beginStory, reals } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_VIPS_LAB
const changeLimitMs = 480_000
const buildMostMs = 480_000
const second = '192.168.2.28'
const third = '192.168.2.29'

let story: Story
let before: Readonly<Record<string, string>>
/** As the wizard would have it with one address. */
let plain: ClusterDraft

const directors = ['lvs1', 'lvs2'] as const
/** Which hosts have an address, and on which card; a director by its role, because either may have come to serve. */
async function holdersOf(vip: string): Promise<readonly string[]> {
  const found = await Promise.all(
    [...directors, ...reals].map(async (host) => {
      const { stdout } = await story.lab.ssh(host, `ip -4 -o address show to ${vip}/32`, { allowFailure: true })
      const card = /^\d+: (\S+)/.exec(stdout)?.[1]
      return card === undefined ? [] : [`${/^lvs/.test(host) ? 'a director' : host} ${card}`]
    }),
  )
  return found.flat()
}
const servedByAll = ['a director eth0', 'rs1 lo', 'rs2 lo']
async function activeDirector(): Promise<'lvs1' | 'lvs2'> {
  const { stdout } = await story.lab.ssh('lvs1', `ip -4 -o address show to ${story.vip}/32`, { allowFailure: true })
  return stdout.trim() === '' ? 'lvs2' : 'lvs1'
}
/** What a client gets at an address and port, some times in a row. */
async function pages(vip: string, port = 80): Promise<readonly string[]> {
  const { stdout } = await story.lab.run(
    ['sh', '-c', `for i in 1 2 3 4 5 6; do curl -s -m 3 http://${vip}:${port}/ || echo none; done`],
    { timeoutMs: 60_000 },
  )
  return stdout.trim().split('\n')
}
async function change(draft: ClusterDraft, reason: string): Promise<Change> {
  await story.keepDraft(draft)
  const plan = await story.core.must('change.plan', { id: draft.id })
  expect(plan.findings.filter(({ problem }) => problem.severity === 'block')).toEqual([])
  console.log(`comes: ${plan.coming.join(' ')}; leaves: ${plan.leaving.join(' ')}`)
  const over = story.core.when('change.changed', ({ state }) => changeOver.includes(state), changeLimitMs)
  await story.core.must('change.start', { id: draft.id, draftRevision: story.revision(), reason })
  const ended = await over
  for (const { host, what, answer } of ended.lines) console.log(`${host}: ${what}: ${answer}`)
  const seconds = (((ended.endedAtMs ?? 0) - ended.startedAtMs) / 1000).toFixed(1)
  console.log(
    `${reason}: ${ended.state} after ${seconds} s ${ended.problems.map((each) => speak(each, 'en').says).join(' ')}`,
  )
  for (const line of ended.proof.filter(({ passed }) => !passed)) console.log('does not hold:', JSON.stringify(line))
  return ended
}
/** A draft with one address more that serves the web, too. */
function withWebAt(draft: ClusterDraft, address: string, service: string): ClusterDraft {
  const more = withVirtualIp(draft)
  const added = more.moreVirtualIps.at(-1)
  if (!added) throw new Error('none added')
  const number = draft.services.length + 1
  return {
    ...more,
    moreVirtualIps: [...more.moreVirtualIps.slice(0, -1), { ...added, address }],
    services: [...draft.services, { ...newService(number), name: service, port: '80', virtualIpId: added.id }],
  }
}
/** The drafts of the story, one after the other. */
const two = (): ClusterDraft => withWebAt(plain, second, 'shop')
const three = (): ClusterDraft => withWebAt(two(), third, 'api')
const firstAndThird = (): ClusterDraft => without(three(), 'shop')

function without(draft: ClusterDraft, service: string): ClusterDraft {
  const gone = draft.services.find((each) => each.name === service)
  const services = draft.services.filter((each) => each !== gone)
  return withoutVirtualIp({ ...draft, services }, gone?.virtualIpId ?? '')
}

beforeAll(async () => {
  story = await beginStory(name ?? 'vips', name !== undefined)
  plain = story.draft
  before = await story.state()
  await story.logIn()
})
afterAll(async () => {
  await story?.end()
})

test('two virtual IPs are built at once, and every proof goes for each', async () => {
  await story.keepDraft(two())
  await story.core.must('plan.make', { draftId: story.draft.id })
  const over = story.core.when('run.changed', ({ state }) => ['done', 'failed'].includes(state), buildMostMs)
  await story.core.must('run.start', { draftId: story.draft.id, draftRevision: story.revision() })
  const built: Run = await over
  console.log(`built: ${built.state} after ${(((built.endedAtMs ?? 0) - built.startedAtMs) / 1000).toFixed(1)} s`)
  for (const line of built.proof.filter(({ passed }) => !passed)) console.log('does not hold:', JSON.stringify(line))
  expect(built).toMatchObject({ state: 'done', problems: [] })
  expect(built.proof.filter(({ passed }) => !passed)).toEqual([])
  for (const vip of [story.vip, second]) {
    const of = built.proof.filter(({ detail }) => detail['vip'] === vip).map(({ check }) => check)
    expect(new Set(of)).toEqual(new Set(['one-holder', 'one-mac', 'answers-from-here', 'served-through']))
    expect(await holdersOf(vip)).toEqual(servedByAll)
    expect(new Set(await pages(vip))).toEqual(new Set(reals))
  }
})

test('a third one comes while a client asks at the first without a lost request', async () => {
  const probe = await story.lab.startProbe(story.vip)
  const ended = await change(three(), 'a third address')
  const seen = await probe.stop()
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  expect(await holdersOf(third)).toEqual(servedByAll)
  expect(new Set(await pages(third))).toEqual(new Set(reals))
})

test('a path to a real server that lost one of them is found for that one alone', async () => {
  await story.lab.ssh('rs1', `ip address del ${second}/32 dev lo`)
  const trace = await story.core.must('clusters.trace', { id: story.draft.id })
  const wrong = trace.paths.flatMap(({ service, server, hops, firstWrong }) =>
    firstWrong === undefined ? [] : [`${service} ${server} ${hops[firstWrong]?.kind ?? ''}`],
  )
  await story.lab.ssh('rs1', '/usr/local/sbin/shoal-realserver up')
  expect(wrong).toEqual(['shop rs1 server-takes'])
})

test('the second one leaves, and no host has it any more', async () => {
  const probe = await story.lab.startProbe(story.vip)
  const ended = await change(firstAndThird(), 'the shop is closed')
  const seen = await probe.stop()
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  console.log('probe:', JSON.stringify(seen).slice(0, 300))
  expect(await holdersOf(second)).toEqual([])
  expect(await holdersOf(story.vip)).toEqual(servedByAll)
  expect(new Set(await pages(third))).toEqual(new Set(reals))
})

test('a restart of a real server brings both back, and the death of a director moves both', async () => {
  await story.lab.crash('rs2')
  await story.lab.boot('rs2')
  expect(await holdersOf(third)).toEqual(servedByAll)
  const active = await activeDirector()
  await story.lab.crash(active)
  for (const vip of [story.vip, third]) expect((await pages(vip)).filter((page) => page === 'none')).toEqual([])
  await story.lab.boot(active)
})

test('removing the cluster leaves every host as it was', async () => {
  const { runId } = await story.core.must('clusters.remove', { id: story.draft.id })
  for (let waited = 0; waited < changeLimitMs; waited += 1_000) {
    const { state } = await story.core.must('run.get', { runId })
    if (state === 'undone' || state === 'failed') break
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  expect((await story.core.must('run.get', { runId })).problems).toEqual([])
  await story.mustBeAsBefore(before)
})
