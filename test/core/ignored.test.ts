import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Finding } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import { openIgnored } from '../../core/provision/ignored.ts'

const finding = (hostId: string, severity: 'warning' | 'block'): Finding => ({
  hostId,
  check: 'clock',
  command: 'date',
  answer: '',
  problem: problem('clock-skew', { host: hostId }, undefined, severity),
})
const name = { hostId: 'lvs1', check: 'clock', code: 'clock-skew' }

it('a warning is ignored with its reason and date, after a restart too, and on no other host; a block never', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-ignored-'))
  const before = openIgnored(folder, () => 7_000)
  expect(await before.ignore('web', name, '  ')).toMatchObject({ problems: [{ code: 'reason-needed' }] })
  expect((await before.ignore('web', name, 'the lab has no NTP')).ok).toBe(true)
  const after = openIgnored(folder, () => 9_000)
  const marked = await after.mark('web', [
    finding('lvs1', 'warning'),
    finding('lvs2', 'warning'),
    finding('lvs1', 'block'),
  ])
  expect(marked.map(({ ignored }) => ignored)).toEqual([
    { reason: 'the lab has no NTP', atMs: 7_000 },
    undefined,
    undefined,
  ])
  expect((await after.mark('other', [finding('lvs1', 'warning')]))[0]?.ignored).toBeUndefined()
  await after.heed('web', name)
  expect((await after.mark('web', [finding('lvs1', 'warning')]))[0]?.ignored).toBeUndefined()
})
