/** What outlives the process: boots rise, and a loop of crashes is told from orderly restarts. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir, uptime } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { begin, ended, type Places } from './remembered.ts'

function somewhere(): Places {
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-remembered-'))
  const at = (name: string): string => path.join(folder, name)
  return {
    lvscf: at('lvs.cf'),
    clusterKey: at('key'),
    notify: at('notify'),
    stateDir: at('state'),
    runDir: at('run'),
    group: 'shoal',
  }
}

it('every start has a higher boot number than the one before, also when the clock goes back', async () => {
  const where = somewhere()
  const first = await begin(where, 5_000_000)
  const second = await begin(where, 4_000_000)
  expect(second.boot).toBeGreaterThan(first.boot)
})

it('starts after crashes within a minute are counted', async () => {
  const where = somewhere()
  expect((await begin(where, 1)).recentStarts).toBe(1)
  expect((await begin(where, 1)).recentStarts).toBe(2)
  const third = await begin(where, 1)
  expect(third).toMatchObject({ recentStarts: 3, after: 'crash' })
})

it('orderly restarts are not counted', async () => {
  const where = somewhere()
  await begin(where, 1)
  for (let n = 0; n < 5; n++) {
    await ended(where)
    expect(await begin(where, 1)).toMatchObject({ recentStarts: 1, after: 'restart' })
  }
})

it('starts of long ago, of before a reboot, and a file that is no list are forgotten', async () => {
  const where = somewhere()
  await begin(where, 1)
  const file = path.join(where.runDir, 'starts.json')
  writeFileSync(file, JSON.stringify([uptime() - 3_600, uptime() - 61, uptime() + 500]))
  expect((await begin(where, 1)).recentStarts).toBe(1)
  writeFileSync(file, '{"not": "a list"')
  expect((await begin(where, 1)).recentStarts).toBe(1)
})
