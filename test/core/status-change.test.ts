/** The status told as differences: put together they are the whole again, however a large cluster is cut into pieces. */
import { afterEach, describe, expect, it } from 'vitest'
import { afterChange, withChanged } from '../../domain/status.ts'
import type { ClusterStatus, StatusChange } from '../../domain/status.ts'
import { openJournal } from '../../core/live/journal.ts'
import { startWatch } from '../../core/live/watch.ts'
import type { Watch } from '../../core/live/watch.ts'
import { benchDraft, syntheticDoor } from '../bench/status-cluster.ts'

let watch: Watch | undefined
let stop: () => void = () => undefined
afterEach(() => {
  watch?.stop()
  stop()
})

describe('virtual servers after a change', () => {
  const service = (id: string, name = id) => ({ id, name }) as never
  it('keep their places, and what did not change stays the same object', () => {
    const before = [service('a'), service('b'), service('c')]
    const fresh = service('b', 'new')
    const after = withChanged(before, [fresh, service('d')], ['c'])
    expect(after.map(({ name }) => name)).toEqual(['a', 'new', 'd'])
    expect(after[0]).toBe(before[0])
    expect(withChanged(before, [], [])).toBe(before)
  })
  it('one that is gone and there again is there', () => {
    expect(withChanged([service('a')], [service('a', 'again')], ['a']).map(({ name }) => name)).toEqual(['again'])
  })
})

it('a large cluster comes in pieces a window can take, and they add up to the whole', async () => {
  const synthetic = syntheticDoor({ services: 200, servers: 10 })
  stop = synthetic.stop
  const changes: StatusChange[] = []
  const draft = benchDraft()
  watch = startWatch(draft.id, draft, 100, ['10.20.0.1'], {
    door: synthetic.door,
    journal: await openJournal(null),
    now: Date.now,
    onChange: (change) => changes.push(change),
    onJournal: () => undefined,
  })
  const whole = watch.status()
  await watch.heardOrFailed(5_000)
  const all = (status: ClusterStatus) => status.directors.every(({ services }) => services.length === 200)
  const endMs = performance.now() + 10_000
  const put = (): ClusterStatus => changes.reduce(afterChange, whole)
  while (!all(put()) && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20))
  const servers = changes.map(({ directors }) =>
    directors.flatMap(({ changed }) => changed).reduce((sum, one) => sum + one.realServers.length, 0),
  )
  expect(all(put())).toBe(true)
  expect(Math.max(...servers)).toBeLessThanOrEqual(609)
  expect(put().verdict.kind).toBe('served')
})
