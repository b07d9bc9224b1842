/** Nothing stays green without news: ages, staleness, and whose word is shown. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import type { ClusterStatus } from '../../domain/status.ts'
import AgeText from '../../renderer/parts/AgeText.vue'
import BeatBar from '../../renderer/parts/BeatBar.vue'
import ServicesTable from '../../renderer/parts/ServicesTable.vue'
import VerdictBanner from '../../renderer/parts/VerdictBanner.vue'
import { drawnPaths, livePicture } from '../../renderer/cluster-picture.ts'
import { freshnessOf, sourceOf } from '../../renderer/overview.ts'
import { markOfHeard } from '../../renderer/verdict.ts'
import { fakeStatus } from './fake-core.ts'
import { freshHost, show } from './host.ts'

const t0 = new Date(2026, 10, 20, 12, 4, 31).getTime()

function withoutReport(status: ClusterStatus): ClusterStatus {
  return {
    ...status,
    directors: status.directors.map(({ hostId, name, address, contact, contactSinceMs }) => ({
      hostId,
      name,
      address,
      contact,
      contactSinceMs,
      services: [],
    })),
  }
}

afterEach(() => vi.useRealTimers())

describe('the picture', () => {
  it('draws a heartbeat path as the director that still speaks hears it, not as the dead one last said', () => {
    const status = fakeStatus('shop', 'served', t0)
    const heard = (state: 'heard' | 'silent', lossPercent: number) =>
      [{ name: 'public', local: '192.0.2.1', remote: '192.0.2.2', state, lossPercent, refused: 0 }] as const
    const [first, second] = status.directors.map((director, at) => ({
      ...director,
      ...(director.report
        ? {
            report: {
              ...director.report,
              peer: { ...director.report.peer, paths: [...(at === 0 ? heard('heard', 0) : heard('silent', 40))] },
            },
          }
        : {}),
    })) as [ClusterStatus['directors'][number], ClusterStatus['directors'][number]]
    const dead = { ...first, receivedAtMs: t0 - status.staleAfterMs - 1 }
    const alive = { ...second, receivedAtMs: t0 }
    expect(livePicture({ ...status, directors: [dead, alive] }, t0).paths).toEqual([
      { name: 'public', state: 'silent', loss: 40, deaf: ['lvs2'] },
    ])
    expect(livePicture({ ...status, directors: [dead, { ...alive, receivedAtMs: 0 }] }, t0).paths).toEqual([])
  })
})

describe('freshness', () => {
  it('ends exactly at the limit', () => {
    const status = fakeStatus('shop', 'served', t0)
    const director = status.directors[0] as ClusterStatus['directors'][number]
    const receivedAtMs = director.receivedAtMs ?? 0
    expect(freshnessOf(director, 3000, receivedAtMs + 3000).kind).toBe('fresh')
    expect(freshnessOf(director, 3000, receivedAtMs + 3001).kind).toBe('stale')
  })

  it('believes the fresh active director, then the newest word there is, then nobody', () => {
    expect(sourceOf(fakeStatus('shop', 'served', t0), t0)?.name).toBe('lvs1')
    const silent = fakeStatus('shop', 'not-served', t0)
    expect(sourceOf(silent, t0)?.name).toBe('lvs2')
    expect(sourceOf(withoutReport(silent), t0)).toBeUndefined()
  })

  it('draws no director as active from old news', () => {
    expect(livePicture(fakeStatus('shop', 'served', t0), t0).directors.map((one) => one.state)).toEqual([
      'active',
      'standby',
    ])
    expect(livePicture(fakeStatus('shop', 'served', t0), t0 + 10_000).directors.map((one) => one.state)).toEqual([
      'stale',
      'stale',
    ])
  })

  it('lists a cluster grey without news or without a connection', () => {
    const heard = { verdict: fakeStatus('shop', 'served', t0).verdict, atMs: t0 }
    expect(markOfHeard(heard, true, t0 + 1000)).toBe('ok')
    expect(markOfHeard(heard, true, t0 + 20_000)).toBe('stale')
    expect(markOfHeard(heard, false, t0 + 1000)).toBe('stale')
    expect(markOfHeard(undefined, true, t0)).toBe('stale')
  })
})

describe('what is shown', () => {
  it('turns an age into the time it was last heard, by the clock of this machine', async () => {
    vi.useFakeTimers({ now: t0 + 1000 })
    const { pinia } = freshHost()
    // The core's clock is 5 s behind this machine's.
    const shown = show(AgeText, { atMs: t0 - 5000, skewMs: 5000, staleAfterMs: 3000 }, pinia)
    expect(shown.text()).toBe('1 s ago')
    await vi.advanceTimersByTimeAsync(3000)
    await nextTick()
    expect(shown.text()).toBe('last heard 12:04:31')
    expect(shown.find('.is-stale').exists()).toBe(true)
    shown.unmount()
    const never = show(AgeText, {}, pinia)
    expect(never.text()).toBe('never heard')
    never.unmount()
  })

  it('shows services grey when the news is old, and says what was', async () => {
    vi.useFakeTimers({ now: t0 })
    const { pinia } = freshHost()
    const shown = show(ServicesTable, { status: fakeStatus('shop', 'degraded', t0), skewMs: 0 }, pinia)
    expect(shown.text()).toContain('1 of 2 up')
    expect(shown.text()).toContain('connect ECONNREFUSED')
    expect(shown.text()).toContain('1 / not in table')
    expect(shown.findAll('.state-mark.bad').length).toBeGreaterThan(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(shown.findAll('.state-mark.bad, .state-mark.ok')).toHaveLength(0)
    expect(shown.text()).toContain('was up')
    shown.unmount()
  })

  it('says the verdict as a sentence with facts in it', () => {
    vi.useFakeTimers({ now: t0 })
    const { pinia } = freshHost()
    const say = (scene: Parameters<typeof fakeStatus>[1]) => {
      const shown = show(VerdictBanner, { status: fakeStatus('shop', scene, t0), skewMs: 0 }, pinia)
      const text = shown.find('[role=status]').text()
      shown.unmount()
      return text
    }
    expect(say('served')).toBe('lvs1 serves all 2 virtual servers since 11:02:26 · standby ready · 0 problems')
    expect(say('not-served')).toBe('No director serves 192.168.2.27 for 4.0 s')
    expect(say('both-serve')).toBe('Both directors hold 192.168.2.27 for 2.0 s')
    expect(say('unknown')).toBe('Unknown: no answer from lvs1 and lvs2 for 12 s')
  })
})

describe('a verdict without news', () => {
  it('is no longer green and says when it was heard', async () => {
    vi.useFakeTimers({ now: t0 })
    const { pinia } = freshHost()
    const shown = show(VerdictBanner, { status: fakeStatus('shop', 'served', t0), skewMs: 0 }, pinia)
    expect(shown.find('.verdict.ok').exists()).toBe(true)
    await vi.advanceTimersByTimeAsync(6000)
    expect(shown.find('.verdict.stale').exists()).toBe(true)
    expect(shown.find('[role=status]').text()).toMatch(/^Last heard 12:04:31: lvs1 serves/)
    shown.unmount()
  })
})

describe('an unknown cluster', () => {
  it('stays unknown as long as it lasts: the silence is the directors\u2019, not that of Shoal', async () => {
    vi.useFakeTimers({ now: t0 })
    const { pinia } = freshHost()
    const shown = show(VerdictBanner, { status: fakeStatus('shop', 'unknown', t0), skewMs: 0 }, pinia)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(shown.find('[role=status]').text()).toBe('Unknown: no answer from lvs1 and lvs2 for 72 s')
    shown.unmount()
  })
})

describe('the beat bar', () => {
  it('has a place for each of the last checks and tells them in words', () => {
    const { pinia } = freshHost()
    const shown = show(BeatBar, { recent: '1101', places: 10 }, pinia)
    const ticks = (of: string) => (shown.find(of).attributes('d')?.match(/M/g) ?? []).length
    expect([ticks('.passed'), ticks('.failed'), ticks('.empty')]).toEqual([3, 1, 6])
    expect(shown.attributes('aria-label')).toBe('Last 4 checks: 3 passed, 1 failed')
    // Newest right: the last of ten places is a passed check, the third from the right the failed one.
    expect(shown.find('.failed').attributes('d')).toContain('M32 ')
    shown.unmount()
  })

  it('shows the newest when there are more than it has places', () => {
    const { pinia } = freshHost()
    const shown = show(BeatBar, { recent: '0'.repeat(50) + '1'.repeat(10), places: 10 }, pinia)
    expect(shown.attributes('aria-label')).toBe('Last 10 checks: 10 passed, 0 failed')
    shown.unmount()
    const none = show(BeatBar, { recent: '' }, pinia)
    expect(none.attributes('aria-label')).toBe('No check yet')
    none.unmount()
  })
})

it('of more heartbeat paths than have a place the first is drawn, and the worst of the others', () => {
  const path = (name: string, state: 'heard' | 'silent' | 'never', loss = 0) => ({ name, state, loss, deaf: [] })
  const [a, b] = [path('public', 'heard'), path('private', 'heard')]
  expect(drawnPaths([])).toEqual([])
  expect(drawnPaths([a, b])).toEqual([a, b])
  expect(drawnPaths([a, b, path('path3', 'silent'), path('path4', 'never')])).toEqual([
    a,
    { ...path('path3', 'silent'), more: 2 },
  ])
  expect(drawnPaths([a, b, path('path3', 'heard', 3)])).toEqual([a, { ...path('path3', 'heard', 3), more: 1 }])
})
