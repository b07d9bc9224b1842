// Virtual IPs that come and go on a running cluster: what a change does with them on the hosts, run on pretended real servers of every
// way; what it cannot do; and that taking it back leaves a host as it was.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { draftLvscf, newService } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { ChangePlan } from '../../domain/life.ts'
import type { Plan, Run } from '../../domain/plan.ts'
import { sayStep } from '../../domain/speech/plan.ts'
import { vipsOf, withVirtualIp, withoutVirtualIp } from '../../domain/virtual-ips.ts'
import { changeFaults, changePlan } from '../../core/life/change-plan.ts'
import { keptDraft } from '../../core/life/change-vips.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { build, factsOf, vip, webDraft } from './material.ts'
import { listing } from './pretend-host.ts'
import { beginPretended, owner } from './pretended-run.ts'
import type { PretendedHost } from './pretended-run.ts'

const other = '192.168.2.28'
const one = webDraft()
/** The same cluster with a second address that serves DNS; the first one goes on with the web. */
function withTwo(draft: ClusterDraft): ClusterDraft {
  const more = withVirtualIp(draft)
  return { ...more, services: [...more.services, { ...newService(2), name: 'dns', port: '53', virtualIpId: 'vip-2' }] }
}
const two = withTwo(one)
const without = (draft: ClusterDraft, id: string, service: string): ClusterDraft =>
  withoutVirtualIp({ ...draft, services: draft.services.filter(({ name }) => name !== service) }, id)

function wholePlan(draft: ClusterDraft): Plan {
  const hosts = [...draft.directors, ...draft.realServers]
  return makePlan({
    draft,
    draftRevision: 1,
    facts: new Map(hosts.map(({ id }) => [id, factsOf(id)])),
    findings: [],
    lvscf: draftLvscf(draft),
    configDigest: 'c'.repeat(64),
    build,
  })
}
function changeOf(before: ClusterDraft, after: ClusterDraft): ChangePlan {
  const kept = keptDraft(before, after)
  return changePlan(before, draftLvscf(before), after, wholePlan(after), kept === after ? undefined : wholePlan(kept))
}
const codes = (before: ClusterDraft, after: ClusterDraft): readonly string[] =>
  changeFaults(before, after).map(({ code }) => code)
const commands = (plan: Plan | undefined): string =>
  (plan?.steps ?? [])
    .flatMap(({ files, run }) => [run, ...files.map(({ content }) => (content.kind === 'text' ? content.text : ''))])
    .join('\n')

describe('a change', () => {
  it('adds a virtual IP: every real server gets it before the directors serve it', () => {
    expect(vipsOf(two)).toEqual([vip, other])
    expect(codes(one, two)).toEqual([])
    const change = changeOf(one, two)
    expect(change).toMatchObject({ coming: [other], leaving: [], drained: [] })
    expect(change.ending).toBeUndefined()
    expect(change.after).toContain(`address = ${other} eth0:2`)
    for (const id of ['real-1', 'real-2']) {
      const steps = change.plan.steps.filter(({ hostId }) => hostId === id)
      expect(commands({ ...change.plan, steps })).toContain(`ip address replace ${other}/32 dev lo`)
    }
  })
  it('removes one: nothing leaves a host before the confirmation, everything does after it', () => {
    const after = without(two, 'vip-2', 'dns')
    expect(codes(two, after)).toEqual([])
    const change = changeOf(two, after)
    expect(change).toMatchObject({ coming: [], leaving: [other] })
    expect(change.after).not.toContain(other)
    expect(commands(change.plan)).toContain(`ip address replace ${other}/32 dev lo`)
    expect(change.plan.lvscf).toBe(change.after)
    expect(change.ending?.steps.map(({ id }) => id)).toEqual([
      'director-1/vip-gone',
      'director-2/vip-gone',
      'real-1/vip-unit',
      'real-1/vip-up',
      'real-2/vip-unit',
      'real-2/vip-up',
    ])
    expect(commands(change.ending)).toContain(`ip address del ${other}/32 dev lo`)
    expect(change.ending?.order).toEqual([
      ['director-1', 'director-2'],
      ['real-1', 'real-2'],
    ])
    for (const step of change.ending?.steps ?? []) {
      for (const language of ['en', 'zh-CN'] as const) {
        expect(Object.values(sayStep(step, language)).join(' ')).not.toMatch(/[{}]/)
      }
    }
  })
  it('removes the first one: the second takes its place and keeps its label', () => {
    const after = without(two, '', 'web')
    expect(after.virtualIp).toEqual({ address: other, device: 'eth0:2', prefix: '32' })
    expect(after.services.map(({ name, virtualIpId }) => [name, virtualIpId])).toEqual([['dns', '']])
    expect(codes(two, after)).toEqual([])
    expect(changeOf(two, after)).toMatchObject({ coming: [], leaving: [vip] })
  })
  it('keeps one at least, and moves none that stays', () => {
    const moved = (change: Partial<ClusterDraft['virtualIp']>): ClusterDraft => ({
      ...two,
      virtualIp: { ...two.virtualIp, ...change },
    })
    expect(codes(one, { ...one, virtualIp: { ...one.virtualIp, address: '192.168.2.29' } })).toEqual([
      'change-virtual-ip',
    ])
    expect(codes(two, moved({ address: '192.168.2.29' }))).toEqual([])
    expect(codes(two, moved({ device: 'eth1' }))).toEqual(['change-virtual-ip'])
    expect(codes(two, moved({ prefix: '24' }))).toEqual(['change-virtual-ip'])
    expect(codes(two, moved({ device: 'eth0:1' }))).toEqual([])
  })
  it('a new real server is set up as ever, with all of them', () => {
    const [first] = one.realServers
    if (!first) throw new Error('no real server')
    const change = changeOf({ ...one, realServers: [first] }, two)
    const run = (id: string): string => change.plan.steps.find((step) => step.id === id)?.run ?? ''
    expect(run('real-2/vip-up')).toContain('systemctl restart shoal-realserver.service\n/usr')
    expect(run('real-2/vip-up')).not.toContain('is-active')
    expect(run('real-1/vip-up')).toContain('is-active')
  })
})

const folder = mkdtempSync(join(tmpdir(), 'shoal-vips-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
async function begin(hostId: PretendedHost, missing?: readonly string[]) {
  const host = await beginPretended(folder, one, hostId, missing)
  return {
    ...host,
    addresses: (): readonly string[] => {
      const file = join(host.root, 'state/address')
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    },
    active: (): string => readFileSync(join(host.root, 'state/active'), 'utf8').trim(),
    /** The steps of a plan on this host alone. */
    carryOut: ({ steps }: Plan): Promise<Run> =>
      host.carryOut(
        steps
          .filter((step) => step.hostId === hostId)
          .map((step) => ({ ...step, files: step.files.map((file) => ({ ...file, owner })) })),
      ),
    async takeBack(run: Run): Promise<void> {
      const undone = await host.takeBack(run)
      expect([undone.state, undone.problems]).toEqual(['undone', []])
    },
  }
}

const ways = [
  { title: 'kernel values', draft: {}, device: 'lo', missing: [] },
  {
    title: 'arptables',
    draft: { realServerWay: { direct: 'arptables', nat: 'default-route' } as const },
    device: 'lo',
    missing: ['arptables'],
  },
  { title: 'a tunnel', draft: { forwarding: 'tunnel' as const }, device: 'tunl0', missing: [] },
]
describe.each(ways)('on a real server by $title', ({ draft, device, missing }) => {
  const first: ClusterDraft = { ...one, ...draft }
  const both = withTwo(first)
  const last = without(both, '', 'web')
  it('a virtual IP comes beside the one that serves, the first one goes, and each is taken back without trace', async () => {
    const host = await begin('real-1', missing)
    const ended = ({ state, problems, steps }: Run): unknown => [state, problems, steps.map((each) => each.state)]
    try {
      const atFirst = listing(host.root)
      const built = await host.carryOut(wholePlan(first))
      expect(built).toMatchObject({ state: 'proving', problems: [] })
      const own = 'eth0 192.168.2.243/24'
      expect(host.addresses()).toEqual([own, `${device} ${vip}/32`])

      // What comes, and what was there going on all along: the unit is not stopped.
      const asBuilt = listing(host.root)
      const coming = changeOf(first, both)
      let added = await host.carryOut(coming.plan)
      expect(added).toMatchObject({ state: 'proving', problems: [] })
      expect(host.addresses()).toEqual([own, `${device} ${vip}/32`, `${device} ${other}/32`])
      expect(host.active()).toBe('shoal-realserver.service')
      await host.takeBack(added)
      expect(listing(host.root)).toEqual(asBuilt)
      added = await host.carryOut(coming.plan)
      const asAdded = listing(host.root)

      // What goes: nothing before the confirmation.
      const going = changeOf(both, last)
      const kept = await host.carryOut(going.plan)
      expect(new Set(kept.steps.map(({ state }) => state)), JSON.stringify(ended(kept))).toEqual(new Set(['already']))
      expect(listing(host.root)).toEqual(asAdded)
      if (!going.ending) throw new Error('nothing leaves')
      const gone = await host.carryOut(going.ending)
      expect(gone).toMatchObject({ state: 'proving', problems: [] })
      expect(host.addresses()).toEqual([own, `${device} ${other}/32`])
      expect(host.active()).toBe('shoal-realserver.service')
      const again = await host.carryOut(going.ending)
      expect(new Set(again.steps.map(({ state }) => state))).toEqual(new Set(['already']))

      for (const run of [gone, added, built]) await host.takeBack(run)
      expect(listing(host.root)).toEqual(atFirst)
    } finally {
      await host.end()
    }
  }, 120_000)
})

it('a director is asked whether a virtual IP that leaves is gone, and it is told when it is not', async () => {
  const host = await begin('director-1')
  try {
    const { ending } = changeOf(two, without(two, 'vip-2', 'dns'))
    if (!ending) throw new Error('nothing leaves')
    expect((await host.carryOut(ending)).steps.map(({ state }) => state)).toEqual(['already'])
    writeFileSync(join(host.root, 'state/address'), `eth0 ${other}/32\n`)
    const hasty = { ...ending, steps: ending.steps.map((step) => ({ ...step, run: step.run.replace('+ 10', '+ 1') })) }
    expect(await host.carryOut(hasty)).toMatchObject({
      state: 'failed',
      problems: [{ code: 'command-failed', where: { step: 'director-1/vip-gone' } }],
    })
  } finally {
    await host.end()
  }
}, 60_000)
