/** Three truths about an address, laid side by side: which of them may be believed, and whether they agree. */
import { describe, expect, it } from 'vitest'
import { truthsOf } from '../../renderer/truths.ts'
import { fakeStatus, fakeVip } from './fake-core.ts'

const t0 = 1_800_000_000_000
const wire = (answeredBy: readonly string[], atMs = t0, askedBy: readonly string[] = ['lvs2']) => [
  { address: fakeVip, atMs, askedBy, answeredBy },
]
const [served] = truthsOf(fakeStatus('shop', 'served', t0), t0, wire(['lvs1']))

describe('three truths', () => {
  it('agree when agents, kernels and wire name the same director', () => {
    expect(served).toMatchObject({
      agree: true,
      agent: { holders: ['lvs1'], stale: false },
      kernel: { holders: ['lvs1'], stale: false },
      wire: { holders: ['lvs1'], stale: false },
    })
  })
  it('differ when another hardware address answers', () => {
    const [differ] = truthsOf(fakeStatus('shop', 'served', t0), t0, wire(['52:54:00:aa:bb:cc']))
    expect(differ).toMatchObject({ agree: false, wire: { holders: ['52:54:00:aa:bb:cc'] } })
  })
  it('differ when both directors hold it and one answers', () => {
    const [differ] = truthsOf(fakeStatus('shop', 'both-serve', t0), t0, wire(['lvs1']))
    expect(differ).toMatchObject({ agree: false, kernel: { holders: ['lvs1', 'lvs2'] } })
  })
  it('an old answer of the wire is grey and no argument against fresh kernels', () => {
    const [old] = truthsOf(fakeStatus('shop', 'served', t0), t0, wire(['lvs2'], t0 - 120_000))
    expect(old).toMatchObject({ agree: true, wire: { stale: true, holders: ['lvs2'] } })
  })
  it('what nobody could ask is not known', () => {
    const [unasked] = truthsOf(fakeStatus('shop', 'served', t0), t0, wire([], t0, []))
    expect(unasked?.wire).toEqual({ holders: null, stale: true, unasked: true })
    const [never] = truthsOf(fakeStatus('shop', 'served', t0), t0)
    expect(never?.wire).toEqual({ holders: null, stale: true })
  })
  it('old reports are grey, whatever they say', () => {
    const [stale] = truthsOf(fakeStatus('shop', 'served', t0), t0 + 60_000)
    expect(stale).toMatchObject({ agent: { stale: true }, kernel: { stale: true } })
  })
})
