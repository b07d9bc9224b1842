// A change as a transaction: two directors that stage, commit, confirm and revert as the agent does, and what is ordered of them when all
// goes well, when the proof fails, when one refuses, and when contact is lost.
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Order, Snapshot } from '../../domain/contract/agent.ts'
import { changeOver } from '../../domain/life.ts'
import type { Change } from '../../domain/life.ts'
import type { Plan, ProofLine, Run, Step } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Builds } from '../../core/builds.ts'
import { openClusters } from '../../core/clusters.ts'
import { openDrafts } from '../../core/drafts.ts'
import { openChanges } from '../../core/life/change.ts'
import type { ChangesPorts } from '../../core/life/change.ts'
import { openRevisions } from '../../core/life/revisions.ts'
import type { AgentDoor, AgentLine } from '../../core/live/agent-line.ts'
import { webDraft } from './material.ts'

const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
const web = webDraft()
const [first, second] = web.realServers
if (!first || !second) throw new Error('two real servers')
const before: ClusterDraft = { ...web, realServers: [first, second] }
const after: ClusterDraft = { ...web, realServers: [first] }

/** A director as far as orders about its file go. */
interface Director {
  readonly name: string
  role: 'active' | 'standby'
  term: number
  running: string
  previous: string
  staged: string
  confirmed: boolean
  /** Contact is lost by this order: for good, or until the line is opened anew. */
  silentAt?: Order['kind']
  comesBack?: boolean
  refuses?: Order['kind']
}
let directors: Record<string, Director>
let orders: string[]
let takenBack: string[]
let proof: readonly ProofLine[]
let connectionsLeft: number[]
/** Directors that were set up anew. */
let blank: Set<string>
let carried: string[]
let shaped: ClusterDraft

function lineTo(director: Director): AgentLine {
  let silent = false
  const lost = () => failed(problem('agent-absent', { host: director.name, reason: 'gone' }))
  function snapshot(): Snapshot {
    const servers = before.realServers.map(({ name, address }) => ({
      name,
      address,
      port: 80,
      drain: { sinceAtMs: 0, connections: connectionsLeft.shift() ?? 0, out: false },
    }))
    return {
      director: { role: director.role, term: director.term, configDigest: digest(director.running) },
      services: [{ id: 'tcp 192.168.2.27:80', realServers: servers }],
    } as unknown as Snapshot
  }
  return {
    watch: async () => (silent ? lost() : ok(snapshot())),
    async stage(text: string) {
      if (director.silentAt === 'stage') {
        orders.push(`${director.name} stage (lost)`)
        silent = true
        if (director.comesBack) delete director.silentAt
        return lost()
      }
      orders.push(`${director.name} stage`)
      director.staged = text
      return ok({ digest: digest(text), generation: 2, sound: director.refuses !== 'stage', problems: [] })
    },
    async order(order: Order) {
      if (director.silentAt === order.kind) {
        silent = true
        if (director.comesBack) delete director.silentAt
      }
      orders.push(`${director.name} ${order.kind}${silent ? ' (lost)' : ''}`)
      if (silent) return lost()
      if (director.refuses === order.kind)
        return failed(problem('agent-refused', { host: director.name, reason: 'no' }))
      if (order.kind === 'commit')
        Object.assign(director, { previous: director.running, running: director.staged, confirmed: false })
      if (order.kind === 'confirm') director.confirmed = true
      if (order.kind === 'revert') director.running = director.previous
      return ok(null)
    },
    close: () => undefined,
  } as unknown as AgentLine
}

const door: AgentDoor = {
  async open(host) {
    const director = directors[host.id]
    if (!director) return failed(problem('agent-absent', { host: host.name, reason: 'not installed' }))
    const lost =
      director.silentAt !== undefined &&
      orders.some((order) => order.startsWith(director.name) && order.endsWith('(lost)'))
    if (lost) return failed(problem('agent-absent', { host: director.name, reason: 'gone' }))
    return ok({ line: lineTo(director), hello: {} as never })
  },
  giveUp: () => undefined,
}

const plan: Plan = {
  draftId: web.id,
  draftRevision: 1,
  lvscf: draftLvscf(after),
  findings: [],
  order: [],
  hosts: [],
  steps: ['director-1', 'director-2'].flatMap((hostId) =>
    (['agent', 'agent-start'] as const).map((kind) => ({ id: `${hostId} ${kind}`, hostId, kind }) as unknown as Step),
  ),
}

function builds(): Builds {
  return {
    plan: async () => ok({ ...plan, lvscf: draftLvscf(shaped) }),
    carry: async (todo: Plan) => {
      carried.push(todo.steps.map(({ hostId, kind }) => `${hostId} ${kind}`).join(', '))
      return ok({ id: 'run-1', state: 'proving', problems: [] } as unknown as Run)
    },
    busy: () => false,
    finishRun: () => undefined,
    takeBackRun: async (runId: string) => {
      takenBack.push(runId)
      return ok(null)
    },
    takeBackHost: async (_cluster: string, hostId: string) => {
      takenBack.push(hostId)
      return ok(null)
    },
    forgetHost: () => undefined,
  } as unknown as Builds
}

async function change(
  timing: ChangesPorts['timing'] = {},
  prove: ChangesPorts['prove'] = async () => proof,
): Promise<{ readonly ended: Change; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-change-'))
  const clusters = openClusters(folder)
  const drafts = openDrafts(folder, () => 1)
  await clusters.put({ id: web.id, name: 'web', builtAtMs: 1, draft: before, lvscf: draftLvscf(before) })
  await drafts.keep(shaped, 0)
  let over: (change: Change) => void = () => undefined
  const ended = new Promise<Change>((resolve) => (over = resolve))
  const changes = openChanges({
    builds: builds(),
    clusters,
    drafts,
    revisions: openRevisions(folder),
    door,
    prove,
    isBlank: async ({ id }) => blank.has(id),
    digest,
    author: 'me@here',
    now: () => 1,
    log: () => undefined,
    onChange: (now) => {
      if (changeOver.includes(now.state)) over(now)
    },
    onClusters: () => undefined,
    restartWatch: async () => undefined,
    timing: { lookEveryMs: 1, takeUpMs: 50, drainMs: 50, regainMs: 20, ...timing },
  })
  const planned = await changes.plan(web.id)
  expect(planned.ok).toBe(true)
  expect((await changes.start(web.id, 1, 'rs2 leaves')).ok).toBe(true)
  return { ended: await ended, folder }
}

beforeEach(() => {
  const running = draftLvscf(before)
  directors = {
    'director-1': { name: 'lvs1', role: 'active', term: 1, running, previous: '', staged: '', confirmed: false },
    'director-2': { name: 'lvs2', role: 'standby', term: 1, running, previous: '', staged: '', confirmed: false },
  }
  orders = []
  takenBack = []
  connectionsLeft = []
  blank = new Set()
  carried = []
  shaped = after
  proof = [{ check: 'one-mac', passed: true, command: '', answer: '', detail: {} }]
})
const texts = (): readonly (string | undefined)[] => [
  directors['director-1']?.running,
  directors['director-2']?.running,
]

describe('a change', () => {
  it('goes to the standby first, drains, is proven, confirmed on both, kept as a revision, and cleans the host that left', async () => {
    connectionsLeft = [5, 5, 5, 5, 3, 3, 1, 1]
    const { ended, folder } = await change()
    expect(ended).toMatchObject({ state: 'done', problems: [], author: 'me@here', reason: 'rs2 leaves' })
    expect(orders).toEqual([
      'lvs2 stage',
      'lvs1 stage',
      'lvs1 drain',
      'lvs2 commit',
      'lvs1 commit',
      'lvs2 confirm',
      'lvs1 confirm',
    ])
    expect(texts()).toEqual([draftLvscf(after), draftLvscf(after)])
    expect(takenBack).toEqual(['real-2'])
    expect(await openRevisions(folder).list(web.id)).toMatchObject({
      value: [{ how: 'changed', reason: 'rs2 leaves' }],
    })
    expect(await openClusters(folder).get(web.id)).toMatchObject({ value: { lvscf: draftLvscf(after) } })
  })
  it('that cannot be proven goes back on both, the drained server comes in again, and the hosts are put back', async () => {
    proof = [{ check: 'one-mac', passed: false, command: '', answer: '', detail: {} }]
    const { ended, folder } = await change()
    expect(ended).toMatchObject({ state: 'reverted', problems: [{ code: 'change-not-proven' }] })
    expect(orders.slice(-3)).toEqual(['lvs1 revert', 'lvs2 revert', 'lvs2 undrain'])
    expect(texts()).toEqual([draftLvscf(before), draftLvscf(before)])
    expect(takenBack).toEqual(['run-1'])
    expect(await openClusters(folder).get(web.id)).toMatchObject({ value: { lvscf: draftLvscf(before) } })
  })
  it('that the standby does not find sound reaches nobody', async () => {
    Object.assign(directors['director-2'] ?? {}, { refuses: 'stage' })
    const { ended } = await change()
    expect(ended.state).toBe('reverted')
    expect(orders).toEqual(['lvs2 stage'])
  })
  it('that the active director does not take is taken back from the standby', async () => {
    Object.assign(directors['director-1'] ?? {}, { refuses: 'commit', previous: 'of an earlier change' })
    const { ended } = await change()
    expect(ended.problems[0]).toMatchObject({ code: 'agent-refused' })
    expect(texts()).toEqual([draftLvscf(before), draftLvscf(before)])
    expect(orders).not.toContain('lvs2 confirm')
  })
  it('whose contact is lost before the confirmation says that the director goes back by itself', async () => {
    Object.assign(directors['director-1'] ?? {}, { silentAt: 'confirm' })
    const { ended } = await change()
    expect(ended.state).toBe('failed')
    expect(ended.problems.map(({ code }) => code)).toEqual(['agent-absent', 'change-reverts-itself'])
    // The one that can be told goes back at once, although it had confirmed.
    expect(directors['director-2']?.running).toBe(draftLvscf(before))
    expect(directors['director-1']?.confirmed).toBe(false)
  })
  it.each(['stage', 'commit', 'confirm'] as const)(
    'goes on when the line is lost at %s and comes back',
    async (kind) => {
      Object.assign(directors['director-1'] ?? {}, { silentAt: kind, comesBack: true })
      const { ended } = await change()
      expect(ended).toMatchObject({ state: 'done', problems: [] })
      expect(texts()).toEqual([draftLvscf(after), draftLvscf(after)])
      expect(directors['director-1']?.confirmed).toBe(true)
    },
  )
  it('is proven again when the directors changed places during the proof, and only then', async () => {
    const missed = [{ check: 'one-mac', passed: false, command: '', answer: '', detail: {} }]
    const proofs = [missed, proof]
    const disturbed = await change({}, async () => {
      for (const director of Object.values(directors)) director.term += 1
      return proofs.shift() ?? []
    })
    expect(disturbed.ended).toMatchObject({ state: 'done', problems: [] })
    expect(proofs).toEqual([])
  })
  it('waits for connections no longer than it may', async () => {
    connectionsLeft = Array<number>(10_000).fill(1)
    const { ended } = await change({ drainMs: 5 })
    expect(ended.state).toBe('done')
    expect(ended.lines.some(({ what, answer }) => what.startsWith('wait') && answer.includes('left'))).toBe(true)
  })
  it('gives a director that was set up anew its agent again, and neither commits nor reverts a file that stays', async () => {
    shaped = before
    blank.add('director-2')
    delete directors['director-2']
    const { ended } = await change()
    expect(ended).toMatchObject({ state: 'done', problems: [] })
    expect(orders).toEqual([])
    expect(carried).toEqual(['director-2 agent', 'director-2 agent-start'])
  })
  it('of hosts alone that cannot be proven leaves the directors with the file they have', async () => {
    shaped = before
    blank.add('director-2')
    delete directors['director-2']
    Object.assign(directors['director-1'] ?? {}, { previous: 'of an earlier change' })
    proof = [{ check: 'one-mac', passed: false, command: '', answer: '', detail: {} }]
    const { ended } = await change()
    expect(ended.state).toBe('reverted')
    expect(orders).toEqual([])
    expect(directors['director-1']?.running).toBe(draftLvscf(before))
  })
  it('needs a standby', async () => {
    Object.assign(directors['director-2'] ?? {}, { role: 'active' })
    const { ended } = await change()
    expect(ended).toMatchObject({ state: 'reverted', problems: [{ code: 'change-not-ready' }] })
    expect(orders).toEqual([])
  })
})
