import { describe, expect, it } from 'vitest'
import { inactiveOf, isLastAt, restedBy, serviceNamed, withActivity } from './activity.ts'
import { draftLvscf, newClusterDraft, newService } from './cluster-lvscf.ts'
import type { ClusterDraft } from './cluster.ts'
import { check } from './lvscf/check.ts'

const web = { ...newService(1), name: 'web' }
const fresh = newClusterDraft('shop')
const [one, other] = fresh.directors
const draft: ClusterDraft = {
  ...fresh,
  directors: [
    { ...one, address: '192.0.2.11' },
    { ...other, address: '192.0.2.12' },
  ],
  virtualIp: { address: '192.0.2.100', device: 'eth0', prefix: '32' },
  services: [web, { ...newService(2), name: 'mail', port: '25' }],
  realServers: fresh.realServers.map((server, at) => ({ ...server, address: `192.0.2.2${at}` })),
}
const flags = (text: string): readonly string[] => [...text.matchAll(/active = (\d)/g)].map(([, flag]) => flag ?? '')

describe('activity', () => {
  it('stands in lvs.cf where Piranha has it', () => {
    const off = withActivity(draft, { service: 'web', server: 'rs2' }, false)
    // backup_active, then web with rs1 and rs2, then mail with both.
    expect(flags(draftLvscf(draft))).toEqual(['1', '1', '1', '1', '1', '1', '1'])
    expect(flags(draftLvscf(off))).toEqual(['1', '1', '1', '0', '1', '1', '1'])
    expect(flags(draftLvscf(withActivity(draft, { service: 'mail' }, false)))).toEqual([
      '1',
      '1',
      '1',
      '1',
      '0',
      '1',
      '1',
    ])
    expect(check(draftLvscf(off)).config?.virtualServers[0]?.realServers.map(({ active }) => active)).toEqual([
      true,
      false,
    ])
  })
  it('is told, and is undone by its opposite', () => {
    const off = withActivity(withActivity(draft, { service: 'web', server: 'rs2' }, false), { service: 'mail' }, false)
    expect(inactiveOf(off)).toEqual([{ service: 'mail' }, { service: 'web', server: 'rs2' }])
    const on = withActivity(withActivity(off, { service: 'mail' }, true), { service: 'web', server: 'rs2' }, true)
    expect(on).toEqual(draft)
    expect(inactiveOf(on)).toEqual([])
  })
  it('of what is so already, or is not there, changes nothing', () => {
    expect(withActivity(draft, { service: 'web' }, true)).toBe(draft)
    expect(withActivity(draft, { service: 'web', server: 'rs9' }, false)).toBe(draft)
    expect(withActivity(draft, { service: 'dns' }, false)).toBe(draft)
  })
  it('knows the last virtual server of an address', () => {
    const only = withActivity(draft, { service: 'mail' }, false)
    const of = (from: ClusterDraft) => isLastAt(from, serviceNamed(from, 'web') ?? web)
    expect([of(draft), of(only)]).toEqual([false, true])
    const elsewhere = {
      ...draft,
      services: draft.services.map((one) => (one.name === 'mail' ? { ...one, virtualIpId: 'vip-2' } : one)),
    }
    expect(of(elsewhere)).toBe(true)
  })
  it('names the servers to drain: those that stay and lose a virtual server that stays', () => {
    expect(restedBy(draft, withActivity(draft, { service: 'web', server: 'rs2' }, false))).toEqual([
      { id: 'real-2', service: 'web' },
    ])
    expect(restedBy(draft, withActivity(draft, { service: 'mail' }, false))).toEqual([])
    expect(restedBy(draft, { ...draft, realServers: draft.realServers.slice(0, 1) })).toEqual([])
  })
})
