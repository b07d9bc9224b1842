// A change that takes a virtual IP away, as a transaction: the hosts let it go only after both directors have confirmed, and not at all
// when the change goes back; hosts that do not let it go are told and do not undo what is confirmed.
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { draftLvscf, newService } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Order, Snapshot } from '../../domain/contract/agent.ts'
import { changeOver } from '../../domain/life.ts'
import type { Change } from '../../domain/life.ts'
import type { Plan, Run } from '../../domain/plan.ts'
import { ok, problem } from '../../domain/problem.ts'
import { vipsOf, withoutVirtualIp, withVirtualIp } from '../../domain/virtual-ips.ts'
import type { Builds } from '../../core/builds.ts'
import { openClusters } from '../../core/clusters.ts'
import { openDrafts } from '../../core/drafts.ts'
import { openChanges } from '../../core/life/change.ts'
import { openRevisions } from '../../core/life/revisions.ts'
import type { AgentLine } from '../../core/live/agent-line.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { build, factsOf, webDraft } from './material.ts'

const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
const more = withVirtualIp(webDraft())
const before: ClusterDraft = {
  ...more,
  services: [...more.services, { ...newService(2), name: 'dns', port: '53', virtualIpId: 'vip-2' }],
}
const after = withoutVirtualIp({ ...before, services: before.services.slice(0, 1) }, 'vip-2')
const [vip = '', other = ''] = vipsOf(before)

function planOf(draft: ClusterDraft): Plan {
  return makePlan({
    draft,
    draftRevision: 1,
    facts: new Map([...draft.directors, ...draft.realServers].map(({ id }) => [id, factsOf(id)])),
    findings: [],
    lvscf: draftLvscf(after),
    configDigest: digest(draftLvscf(after)),
    build,
  })
}
/** What a run lays down on the real servers, by the virtual IPs in it. */
function aboutOf(plan: Plan): string {
  const texts = JSON.stringify(plan.steps.filter(({ kind }) => kind === 'vip-unit').flatMap(({ files }) => files))
  return [vip, other].filter((each) => texts.includes(`replace ${each}/32`)).join(' ')
}

async function change(with_: { readonly proven: boolean; readonly lets: boolean }) {
  const done: string[] = []
  const running = new Map(before.directors.map(({ id }) => [id, draftLvscf(before)]))
  const lineTo = (id: string): AgentLine => {
    let staged = ''
    const role = id === 'director-1' ? 'active' : 'standby'
    return {
      watch: async () =>
        ok({
          director: { role, term: 1, configDigest: digest(running.get(id) ?? '') },
          services: [],
        } as unknown as Snapshot),
      stage: async (text: string) => {
        staged = text
        return ok({ digest: digest(text), generation: 2, sound: true, problems: [] })
      },
      order: async ({ kind }: Order) => {
        done.push(`${id} ${kind}`)
        if (kind === 'commit') running.set(id, staged)
        if (kind === 'revert') running.set(id, draftLvscf(before))
        return ok(null)
      },
      close: () => undefined,
    } as unknown as AgentLine
  }
  let runs = 0
  const builds = {
    plan: async () => ok(planOf(after)),
    planOf: async (draft: ClusterDraft) => ok({ plan: planOf(draft) }),
    carry: async (plan: Plan) => {
      runs += 1
      done.push(`run-${runs}: ${aboutOf(plan)}`)
      const state = runs === 1 || with_.lets ? 'proving' : 'failed'
      const problems = state === 'failed' ? [problem('command-failed', { host: 'rs1', exit: 1, answer: 'busy' })] : []
      return ok({ id: `run-${runs}`, state, problems } as unknown as Run)
    },
    busy: () => false,
    finishRun: (id: string) => void done.push(`${id} stands`),
    takeBackRun: async (id: string) => {
      done.push(`${id} back`)
      return ok(null)
    },
    takeBackHost: async () => ok(null),
    forgetHost: () => undefined,
  } as unknown as Builds
  const folder = mkdtempSync(join(tmpdir(), 'shoal-vips-'))
  const clusters = openClusters(folder)
  const drafts = openDrafts(folder, () => 1)
  await clusters.put({ id: before.id, name: 'web', builtAtMs: 1, draft: before, lvscf: draftLvscf(before) })
  await drafts.keep(after, 0)
  let over: (change: Change) => void = () => undefined
  const ended = new Promise<Change>((resolve) => (over = resolve))
  const changes = openChanges({
    builds,
    clusters,
    drafts,
    revisions: openRevisions(folder),
    door: { open: async ({ id }) => ok({ line: lineTo(id), hello: {} as never }), giveUp: () => undefined },
    prove: async () => [{ check: 'one-mac', passed: with_.proven, command: '', answer: '', detail: {} }],
    isBlank: async () => false,
    digest,
    author: 'me@here',
    now: () => 1,
    log: () => undefined,
    onChange: (now) => {
      if (changeOver.includes(now.state)) over(now)
    },
    onClusters: () => undefined,
    restartWatch: async () => undefined,
    timing: { lookEveryMs: 1, takeUpMs: 50, drainMs: 50, regainMs: 20 },
  })
  const planned = await changes.plan(before.id)
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems))
  expect((await changes.start(before.id, 1, 'dns moves away')).ok).toBe(true)
  return { ended: await ended, done, kept: await clusters.get(before.id) }
}

it('the hosts have both until the directors have confirmed, and one afterwards', async () => {
  const { ended, done, kept } = await change({ proven: true, lets: true })
  expect(ended).toMatchObject({ state: 'done', problems: [] })
  expect(done).toEqual([
    `run-1: ${vip} ${other}`,
    'director-2 commit',
    'director-1 commit',
    'director-2 confirm',
    'director-1 confirm',
    'run-1 stands',
    `run-2: ${vip}`,
    'run-2 stands',
  ])
  expect(ended.lines.at(-1)).toMatchObject({ what: `take ${other} off the hosts`, ok: true })
  expect(kept).toMatchObject({ value: { draft: { moreVirtualIps: [] } } })
})
it('without the proof nothing has left the hosts', async () => {
  const { ended, done } = await change({ proven: false, lets: true })
  expect(ended).toMatchObject({ state: 'reverted', problems: [{ code: 'change-not-proven' }] })
  expect(done.filter((each) => each.startsWith('run-'))).toEqual([`run-1: ${vip} ${other}`, 'run-1 back'])
})
it('a host that does not let it go is a warning; what was confirmed stays', async () => {
  const { ended, kept } = await change({ proven: true, lets: false })
  expect(ended).toMatchObject({ state: 'done', problems: [{ code: 'command-failed', severity: 'warning' }] })
  expect(ended.lines.at(-1)).toMatchObject({ what: `take ${other} off the hosts`, ok: false })
  expect(kept).toMatchObject({ value: { lvscf: draftLvscf(after) } })
})
