// An upgrade of the agents: the standby first, then a hand-over, then the other one, which is asked again when it could not hand over.
import { beforeEach, expect, it } from 'vitest'
import type { Builds } from '../../core/builds.ts'
import type { Clusters } from '../../core/clusters.ts'
import { upgrade } from '../../core/life/directors.ts'
import type { AgentDoor, AgentLine } from '../../core/live/agent-line.ts'
import { draftLvscf } from '../../domain/cluster-lvscf.ts'
import type { Plan, Run, Step } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import { webDraft } from './material.ts'

const draft = webDraft()
const lvscf = draftLvscf(draft)
let roles: Record<string, 'active' | 'standby'>
/** How many hand-overs are refused before one is done. */
let refusals: number
let done: string[]

beforeEach(() => {
  roles = { 'director-1': 'active', 'director-2': 'standby' }
  refusals = 0
  done = []
})

const door: AgentDoor = {
  async open({ id }) {
    const line = {
      watch: async () => ok({ director: { role: roles[id] } }),
      async order({ kind }: { readonly kind: string }) {
        if (refusals > 0) {
          refusals -= 1
          done.push('refused')
          return failed(problem('agent-refused', { host: id, reason: 'The other director did not take over in time.' }))
        }
        done.push(`${id} ${kind}`)
        for (const other of Object.keys(roles)) roles[other] = other === id ? 'standby' : 'active'
        return ok(null)
      },
      close: () => undefined,
    }
    return ok({ line: line as unknown as AgentLine, hello: {} as never })
  },
  giveUp: () => undefined,
}
const steps = draft.directors.map(({ id }) => ({ id: `${id} agent`, hostId: id, kind: 'agent' }) as unknown as Step)
const plan: Plan = {
  draftId: draft.id,
  draftRevision: 0,
  lvscf,
  findings: [],
  order: [['director-1', 'director-2']],
  hosts: [],
  steps,
}
const builds = {
  planOf: async () => ok({ plan }),
  carry: async (todo: Plan) => {
    // What is worked on does not serve.
    for (const { hostId } of todo.steps) done.push(`${hostId} upgraded as ${roles[hostId] ?? ''}`)
    return ok({ id: 'run', state: 'proving', problems: [] } as unknown as Run)
  },
  finishRun: () => undefined,
} as unknown as Builds
const clusters = {
  get: async () => ok({ id: draft.id, name: 'web', builtAtMs: 0, draft, lvscf }),
} as unknown as Clusters
const upgraded = async () =>
  upgrade(draft.id, {
    builds,
    clusters,
    door,
    prove: async () => [],
    digest: (text) => text,
    author: 'me@here',
    restartWatch: async () => undefined,
  })

it('works on each director while the other one serves', async () => {
  expect((await upgraded()).ok).toBe(true)
  expect(done).toEqual(['director-2 upgraded as standby', 'director-1 hand-over', 'director-1 upgraded as standby'])
})
it('asks again for a hand-over that was not taken in time, and not for ever', async () => {
  refusals = 1
  expect((await upgraded()).ok).toBe(true)
  expect(done.slice(1)).toEqual(['refused', 'director-1 hand-over', 'director-1 upgraded as standby'])

  roles = { 'director-1': 'active', 'director-2': 'standby' }
  done = []
  refusals = 100
  expect(await upgraded()).toMatchObject({ ok: false, problems: [{ code: 'agent-refused' }] })
  expect(done).toEqual(['director-2 upgraded as standby', 'refused', 'refused', 'refused'])
})
