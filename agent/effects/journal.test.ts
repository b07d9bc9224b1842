/** The journal on a real disk: order, a torn last line, rotation, and a disk that refuses. */
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { openJournal } from './journal.ts'

let file = ''
const troubles: string[] = []
beforeEach(async () => {
  file = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-journal-')), 'journal.jsonl')
  troubles.length = 0
})
const open = (boot: string, limitBytes?: number) => openJournal(file, 'lvs1', boot, (t) => troubles.push(t), limitBytes)
const trouble = (says: string) => ({ kind: 'trouble', says }) as const

it('keeps what was written over a restart, in order', async () => {
  const first = await open('1')
  first.write(trouble('a'), 1_000)
  first.write(trouble('b'), 2_000)
  await first.close()
  const second = await open('2')
  second.write(trouble('c'), 3_000)
  expect(second.since(undefined, 10).map((e) => [e.boot, e.seq, e.atMs])).toEqual([
    ['1', 1, 1_000],
    ['1', 2, 2_000],
    ['2', 1, 3_000],
  ])
  expect(second.since(1_000, 10)).toHaveLength(2)
  expect(second.since(undefined, 1).map((e) => e.boot)).toEqual(['2'])
  await second.close()
})

it('passes over a line torn by a crash, and the next one is whole', async () => {
  const first = await open('1')
  first.write(trouble('whole'), 1)
  await first.close()
  await appendFile(file, '{"director":"lvs1","boot":"1","seq":2,"atMs":5,"ev')
  const second = await open('2')
  second.write(trouble('after'), 9)
  await second.close()
  const third = await open('3')
  expect(third.since(undefined, 10).map((e) => e.event)).toEqual([trouble('whole'), trouble('after')])
  await third.close()
})

it('is bounded: one older file is kept', async () => {
  const journal = await open('1', 2_000)
  for (let n = 0; n < 200; n++) {
    journal.write(trouble(`${n}`.padStart(40, '.')), n)
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await journal.close()
  const older = (await stat(`${file}.1`)).size
  expect((await stat(file)).size + older).toBeLessThan(3 * 2_000 + 5_000)
  expect((await readFile(file, 'utf8')).trim().split('\n').at(-1)).toContain('199')
})

it('a disk that refuses loses nothing that fits in memory, and is said once', async () => {
  const folder = path.dirname(file)
  await rm(folder, { recursive: true })
  const journal = await open('1')
  journal.write(trouble('a'), 1)
  journal.write(trouble('b'), 2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(troubles).toHaveLength(1)
  expect(troubles[0]).toContain('The journal cannot be written')
  expect(journal.since(undefined, 10)).toHaveLength(2)
  await mkdir(folder)
  await journal.close()
  expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(2)
  expect(troubles.at(-1)).toContain('again')
})

it('a file of nonsense is no history and no failure', async () => {
  await writeFile(file, '\0\0garbage\n{"a":1}\n[]\n')
  const journal = await open('1')
  expect(journal.since(undefined, 10)).toEqual([])
  await journal.close()
})
