/** What is reported of a heartbeat path: loss and the way there and back. */
import { describe, expect, it } from 'vitest'
import { pairWithPrivatePath } from '../../test/simulator/clusters.ts'
import { running } from '../../test/simulator/running.ts'
import { pace, type World } from '../../test/simulator/world.ts'
import { directorReport } from './report.ts'

function paths(world: World) {
  const { state } = world.hosts.lvs2
  if (!state) throw new Error('lvs2 does not run')
  return directorReport(state, { ms: world.nowMs(), wallMs: world.nowMs() }).peer.paths
}

describe('a heartbeat path', () => {
  it('whose beats stop loses more from beat to beat, up to all', () => {
    const world = running(pairWithPrivatePath)
    expect(paths(world).map((p) => p.lossPercent)).toEqual([0, 0])
    world.cutPath('public')
    world.run(2_000)
    const [after2s, whole] = paths(world)
    expect(after2s?.lossPercent).toBeGreaterThan(5)
    expect(whole?.lossPercent).toBe(0)
    world.run(10_000)
    expect(paths(world)[0]?.lossPercent).toBeGreaterThan(40)
    world.run(30_000)
    expect(paths(world)[0]?.lossPercent).toBe(100)
    world.healPaths()
    world.run(21_000)
    expect(paths(world)[0]).toMatchObject({ lossPercent: 0, state: 'heard' })
  })

  it('may be one of many: each is heard, each has its way there and back, and a beat is no longer for it', () => {
    const more = Array.from({ length: 60 }, (_, n) => ({ primary: `10.8.${n}.1`, backup: `10.8.${n}.2` }))
    const world = running({ ...pairWithPrivatePath, heartbeat: { ...pairWithPrivatePath.heartbeat, more } })
    expect(paths(world)).toHaveLength(62)
    for (const path of paths(world)) {
      expect(path.state).toBe('heard')
      expect(path.delayMs).toBeCloseTo(2 * pace.networkMs, 0)
    }
    expect(Math.max(...world.beats.map(({ beat }) => JSON.stringify(beat).length))).toBeLessThan(700)
  })

  it('says how long a beat is on its way there and back, without the time it lay at the peer', () => {
    const world = running(pairWithPrivatePath)
    for (const path of paths(world)) expect(path.delayMs).toBeCloseTo(2 * pace.networkMs, 0)
  })
})
