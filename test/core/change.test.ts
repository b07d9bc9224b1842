// What a change of a running cluster takes of a plan, what it cannot be, and what is kept of the configurations.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withActivity } from '../../domain/activity.ts'
import { draftLvscf, newRealServer, newService } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { changeFaults, changePlan, replacedOf } from '../../core/life/change-plan.ts'
import { openRevisions } from '../../core/life/revisions.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { build, factsOf, webDraft } from './material.ts'

const before = webDraft()
const codes = (draft: ClusterDraft): readonly string[] => changeFaults(before, draft).map(({ code }) => code)

function planOf(after: ClusterDraft) {
  const ids = [...after.directors, ...after.realServers].map(({ id }) => id)
  const lvscf = draftLvscf(after)
  const plan = makePlan({
    draft: after,
    draftRevision: 2,
    facts: new Map(ids.map((id) => [id, factsOf(id)])),
    findings: [],
    lvscf,
    configDigest: 'c'.repeat(64),
    build,
  })
  return changePlan(before, draftLvscf(before), after, plan)
}

describe('a change', () => {
  it('prepares hosts and leaves the agents, their key and lvs.cf to stage and commit', () => {
    const third = {
      ...newRealServer(3),
      address: '192.168.2.112',
      login: before.realServers[0]?.login ?? { kind: 'agent' as const, keyFile: '' },
    }
    const change = planOf({
      ...before,
      realServers: [...before.realServers, third],
      services: [...before.services, { ...newService(2), port: '443' }],
    })
    const kinds = new Set(change.plan.steps.map(({ kind }) => kind))
    for (const kind of ['lvscf', 'agent', 'runtime', 'cluster-key', 'agent-start', 'agent-ready'] as const) {
      expect([kind, kinds.has(kind)]).toEqual([kind, false])
    }
    expect(change.plan.steps.some(({ hostId }) => hostId === 'real-3')).toBe(true)
    expect(change).toMatchObject({ drained: [], cleaned: [] })
    expect(change.after).toContain('192.168.2.112')
  })
  it('drains a real server that leaves, and cleans its host only when Shoal set it up', () => {
    const [first] = before.realServers
    if (!first) throw new Error('no real server')
    expect(planOf({ ...before, realServers: [first] })).toMatchObject({
      drained: [{ hostId: 'real-2', address: '192.168.2.111' }],
      cleaned: [{ hostId: 'real-2' }],
    })
  })
  it('drains a real server of the virtual server it is no longer active in, and leaves its host alone', () => {
    const change = planOf(withActivity(before, { service: 'web', server: 'rs2' }, false))
    expect(change.drained).toEqual([{ hostId: 'real-2', name: 'rs2', address: '192.168.2.111', service: 'web' }])
    expect(change.cleaned).toEqual([])
  })
  it('gives a successor of a dead director everything but its start', () => {
    const [first, second] = before.directors
    const after: ClusterDraft = { ...before, directors: [first, { ...second, address: '192.168.2.16' }] }
    expect(codes(after)).toEqual([])
    const change = planOf(after)
    expect(change.replaced).toMatchObject({ hostId: 'director-2', before: '192.168.2.15', address: '192.168.2.16' })
    const kinds = change.plan.steps.filter(({ hostId }) => hostId === 'director-2').map(({ kind }) => kind)
    expect(kinds).toContain('lvscf')
    expect(kinds).toContain('cluster-key')
    expect(kinds).not.toContain('agent-start')
    expect(change.plan.steps.some(({ hostId, kind }) => hostId === 'director-1' && kind === 'lvscf')).toBe(false)
  })
  it('is refused where it would be another cluster', () => {
    expect(codes(before)).toEqual([])
    expect(codes({ ...before, forwarding: 'nat' })).toEqual(['change-forwarding'])
    expect(codes({ ...before, virtualIp: { ...before.virtualIp, address: '192.168.2.28' } })).toEqual([
      'change-virtual-ip',
    ])
    const [first, second] = before.directors
    const others: ClusterDraft = {
      ...before,
      directors: [
        { ...first, address: '192.168.2.1' },
        { ...second, address: '192.168.2.2' },
      ],
    }
    expect(replacedOf(before, others)).toBe('both')
    expect(codes(others)).toEqual(['change-directors'])
  })
})

describe('revisions', () => {
  const revision = (reason: string, lvscf: string) => ({
    atMs: 1,
    author: 'me@here',
    reason,
    how: 'changed' as const,
    draft: before,
    lvscf,
    digest: 'd',
  })
  it('are numbered, outlive a restart, and the same twice is one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-revisions-'))
    const store = openRevisions(folder)
    await Promise.all([store.add('web', revision('a', 'one')), store.add('web', revision('b', 'two'))])
    await store.add('web', revision('again', 'two'))
    const listed = await openRevisions(folder).list('web')
    expect(listed.ok && listed.value.map(({ number, reason }) => [number, reason])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
    expect((await store.get('web', 3)).ok).toBe(false)
    expect(await store.get('web', 1)).toMatchObject({ value: { lvscf: 'one' } })
  })
  it('the first one is kept however many follow', async () => {
    const store = openRevisions(mkdtempSync(join(tmpdir(), 'shoal-revisions-')))
    for (let at = 0; at < 205; at++) await store.add('web', revision('', `text ${at}`))
    const listed = await store.list('web')
    if (!listed.ok) throw new Error('unreadable')
    expect(listed.value).toHaveLength(200)
    expect([listed.value[0]?.number, listed.value[1]?.number, listed.value.at(-1)?.number]).toEqual([1, 7, 205])
  })
})
