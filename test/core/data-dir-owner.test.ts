/** One application per data directory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownDataDir } from '../../core/data-dir-owner.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'shoal-owner-'))
})
afterEach(() => rm(dir, { recursive: true }))

it('a second one is told who has it, and may have it when the first is done', async () => {
  const first = await ownDataDir(dir, 'shoal serve')
  if (!first.ok) throw new Error('not owned')
  expect(await ownDataDir(dir, 'the Shoal window')).toMatchObject({
    ok: false,
    problems: [{ code: 'data-dir-in-use', detail: { dir, pid: process.pid, what: 'shoal serve' } }],
  })
  await first.value()
  const again = await ownDataDir(dir, 'the Shoal window')
  expect(again.ok).toBe(true)
  if (again.ok) await again.value()
})

it('of many that start in one moment exactly one has it', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => ownDataDir(dir, 'shoal serve')))
  const owners = all.flatMap((one) => (one.ok ? [one.value] : []))
  expect(owners).toHaveLength(1)
  await Promise.all(owners.map((release) => release()))
})

it('a directory whose path is too long for a socket can be owned too', async () => {
  const long = path.join(dir, 'd'.repeat(120))
  const first = await ownDataDir(long, 'shoal serve')
  expect(first.ok).toBe(true)
  expect((await ownDataDir(long, 'shoal serve')).ok).toBe(false)
  if (first.ok) await first.value()
})
