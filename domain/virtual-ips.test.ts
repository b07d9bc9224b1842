import { describe, expect, it } from 'vitest'
import { checkDraft, draftLvscf, newClusterDraft, newService, stepOfField } from './cluster-lvscf.ts'
import { clusterDraftSchema } from './cluster.ts'
import type { ClusterDraft } from './cluster.ts'
import { check } from './lvscf/check.ts'
import { speak } from './speech/speech.ts'
import {
  aliasLabels,
  suggestedVip,
  virtualIpOf,
  virtualIpsOf,
  vipsOf,
  withoutVirtualIp,
  withVirtualIp,
} from './virtual-ips.ts'

/** Complete but for what a test is about: VIP .27 with the web, and as many more with a service each as asked for. */
function draftWith(more: number): ClusterDraft {
  const fresh = newClusterDraft('d')
  const login = { kind: 'key' as const, keyFile: '/k' }
  let draft: ClusterDraft = {
    ...fresh,
    name: 'd',
    directors: [
      { ...fresh.directors[0], address: '192.168.2.11', login },
      { ...fresh.directors[1], address: '192.168.2.12', login },
    ],
    virtualIp: { address: '192.168.2.27', device: 'eth0', prefix: '32' },
    realServers: fresh.realServers.map((server, at) => ({ ...server, address: `192.168.2.${28 + at}`, login })),
  }
  for (let number = 2; number < 2 + more; number++) {
    draft = withVirtualIp(draft)
    const virtualIpId = draft.moreVirtualIps.at(-1)?.id ?? ''
    draft.services.push({ ...newService(number), name: `s${number}`, port: '80', virtualIpId })
  }
  return draft
}
const faults = (draft: ClusterDraft): readonly string[] =>
  checkDraft(draft).map(({ code, where }) => `${where?.kind === 'field' ? where.path : ''} ${code}`)

describe('a draft from before there were several', () => {
  it('is read unchanged, and says the same', () => {
    const now = draftWith(0)
    const { moreVirtualIps: _more, services, ...rest } = now
    const before = { ...rest, services: services.map(({ virtualIpId: _id, ...service }) => service) }
    const read = clusterDraftSchema.parse(JSON.parse(JSON.stringify(before)))
    expect(read).toEqual(now)
    expect(draftLvscf(read)).toBe(draftLvscf(now))
    expect(draftLvscf(read)).toContain('     address = 192.168.2.27 eth0:1\n     vip_nmask = 255.255.255.255\n')
    expect(vipsOf(read)).toEqual(['192.168.2.27'])
  })
})

describe('several addresses', () => {
  it('are in the file with the services at them, each with a label of its own, and the same port at each', () => {
    const draft = draftWith(2)
    expect(faults(draft)).toEqual([])
    const { config, problems } = check(draftLvscf(draft))
    expect(problems).toEqual([])
    expect(config?.virtualServers.map(({ name, vip, port }) => [name, vip.address, vip.device, port])).toEqual([
      ['web', '192.168.2.27', 'eth0:1', 80],
      ['s2', '192.168.2.30', 'eth0:2', 80],
      ['s3', '192.168.2.31', 'eth0:3', 80],
    ])
  })
  it('a label that was typed stays, and no other address gets it', () => {
    const draft = draftWith(2)
    draft.virtualIp.device = 'eth0:2'
    expect([...aliasLabels(draft).values()]).toEqual(['eth0:2', 'eth0:3', 'eth0:4'])
    const [second, third] = draft.moreVirtualIps
    if (!second || !third) throw new Error('two more')
    second.device = 'eth1'
    expect([...aliasLabels(draft).values()]).toEqual(['eth0:2', 'eth1:2', 'eth0:3'])
  })
  it.each([
    ['moreVirtualIps.0.address', { address: '' }, 'field-empty'],
    ['moreVirtualIps.0.address', { address: '192.168.2.11' }, 'address-taken'],
    ['moreVirtualIps.0.address', { address: '192.168.2.28' }, 'address-taken'],
    ['moreVirtualIps.0.address', { address: '192.168.2.27' }, 'address-taken'],
    ['moreVirtualIps.0.address', { address: '10.0.0.1' }, 'vip-outside-director-subnet'],
    ['moreVirtualIps.0.address', { address: '2001:db8::1' }, 'address-malformed'],
    ['moreVirtualIps.0.device', { device: 'eth0;id' }, 'device-malformed'],
    ['moreVirtualIps.0.prefix', { prefix: '33' }, 'prefix-malformed'],
  ] as const)('%s with %j', (path, change, code) => {
    const draft = draftWith(1)
    Object.assign(draft.moreVirtualIps[0] ?? {}, change)
    expect(faults(draft)).toContain(`${path} ${code}`)
    expect(stepOfField(path)).toBe('virtual-ip')
  })
  it('one that nothing is served at blocks, and so does a port that is twice at one address', () => {
    const draft = draftWith(1)
    for (const service of draft.services) service.virtualIpId = ''
    expect(faults(draft)).toEqual(['services vip-unserved', 'services.1.port service-taken'])
    for (const problem of checkDraft(draft)) {
      for (const language of ['en', 'zh-CN'] as const) expect(speak(problem, language).says).toContain('192.168.2.')
    }
    expect(faults({ ...draftWith(0), moreVirtualIps: draftWith(40).moreVirtualIps })).toContain(
      'virtualIp.address vips-too-many',
    )
  })
  it('a service whose address is gone is asked for again, and stands at the first meanwhile', () => {
    const draft = draftWith(0)
    draft.services = draft.services.map((service) => ({ ...service, virtualIpId: 'vip-9' }))
    expect(faults(draft)).toEqual(['services.0.virtualIpId field-empty'])
    expect(draft.services.map((service) => virtualIpOf(draft, service).address)).toEqual(['192.168.2.27'])
  })
})

describe('removing', () => {
  it('one that was added leaves the others as they are, its services go to the first', () => {
    const draft = draftWith(2)
    const less = withoutVirtualIp(draft, 'vip-2')
    expect(vipsOf(less)).toEqual(['192.168.2.27', '192.168.2.31'])
    expect([...aliasLabels(less).values()]).toEqual(['eth0:1', 'eth0:3'])
    expect(less.services.map(({ virtualIpId }) => virtualIpId)).toEqual(['', '', 'vip-3'])
    expect(vipsOf(withVirtualIp(less))).toEqual(['192.168.2.27', '192.168.2.31', '192.168.2.32'])
    expect(withVirtualIp(less).moreVirtualIps.at(-1)?.id).toBe('vip-4')
  })
  it('the first one makes the second the first; the last one stays', () => {
    const draft = draftWith(1)
    const less = withoutVirtualIp(draft, '')
    expect(virtualIpsOf(less)).toEqual([
      { id: '', address: '192.168.2.30', device: 'eth0:2', prefix: '32', path: 'virtualIp' },
    ])
    expect(less.services.map(({ virtualIpId }) => virtualIpId)).toEqual(['', ''])
    expect(withoutVirtualIp(less, '')).toBe(less)
  })
})

it('the next address is suggested that nothing in the draft has, and none where the network may end', () => {
  const draft = draftWith(0)
  // .28 and .29 are real servers.
  expect(suggestedVip(draft)).toBe('192.168.2.30')
  expect(suggestedVip(draft, new Set(['192.168.2.30', '192.168.2.31']))).toBe('192.168.2.32')
  expect(suggestedVip({ ...draft, virtualIp: { ...draft.virtualIp, address: '192.168.2.254' } })).toBeUndefined()
  expect(suggestedVip({ ...draft, virtualIp: { ...draft.virtualIp, address: '' } })).toBe('192.168.2.13')
  const nowhere = newClusterDraft('x')
  expect(suggestedVip(nowhere)).toBeUndefined()
})
