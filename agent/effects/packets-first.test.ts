/** The kernel's threads for packets get precedence, and give it back; nothing else is touched. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { putPacketsFirst, type NiceValues } from './packets-first.ts'

/** A host with these threads, their nice values, and what was told. */
function host(threads: Readonly<Record<number, string>>, values: Readonly<Record<number, number>>) {
  const procDir = mkdtempSync(path.join(tmpdir(), 'shoal-proc-'))
  onTestFinished(() => rmSync(procDir, { recursive: true }))
  for (const [id, name] of Object.entries(threads)) {
    mkdirSync(path.join(procDir, id))
    writeFileSync(path.join(procDir, id, 'comm'), `${name}\n`)
  }
  mkdirSync(path.join(procDir, '77'))
  mkdirSync(path.join(procDir, 'sys'))
  const now = new Map(Object.entries(values).map(([id, value]) => [Number(id), value]))
  const nice: NiceValues = { get: (id) => now.get(id) ?? 0, set: (id, value) => void now.set(id, value) }
  const said: string[] = []
  return {
    now,
    said,
    start: (afterCrash = false, by = nice) => putPacketsFirst(afterCrash, (text) => said.push(text), by, procDir),
  }
}

const threads = { 1: 'systemd', 12: 'ksoftirqd/0', 19: 'ksoftirqd/1', 300: 'napi/eth0-8193', 400: 'ksoftirqd-exporter' }

it('are given precedence while the agent runs, and what they had afterwards', async () => {
  const { now, said, start } = host(threads, { 1: 0, 12: 0, 19: 0, 300: 0, 400: 0 })
  const giveBack = await start()
  expect(Object.fromEntries(now)).toEqual({ 1: 0, 12: -10, 19: -10, 300: -10, 400: 0 })
  expect(said).toEqual(['Packets precede ordinary programs while the agent runs (3 threads of the kernel, nice -10).'])
  giveBack()
  expect(Object.fromEntries(now)).toEqual({ 1: 0, 12: 0, 19: 0, 300: 0, 400: 0 })
})

it('keep what somebody has given them, before or meanwhile, but for what a crashed agent has left', async () => {
  const { now, said, start } = host(threads, { 12: -5, 19: -10, 300: 0 })
  const giveBack = await start()
  expect(Object.fromEntries(now)).toEqual({ 12: -5, 19: -10, 300: -10 })
  expect(said).toHaveLength(1)
  now.set(300, -20)
  giveBack()
  expect(Object.fromEntries(now)).toEqual({ 12: -5, 19: -10, 300: -20 })
  const again = await start(true)
  again()
  expect(Object.fromEntries(now)).toEqual({ 12: -5, 19: 0, 300: -20 })
})

it('are left as they are where that is not allowed, and it is said', async () => {
  const { now, said, start } = host(threads, { 12: 0 })
  const refuses: NiceValues = {
    get: () => 0,
    set: () => {
      throw new Error('EPERM: operation not permitted')
    },
  }
  const giveBack = await start(false, refuses)
  giveBack()
  expect(Object.fromEntries(now)).toEqual({ 12: 0 })
  expect(said).toEqual(['Packets do not precede other programs here: EPERM: operation not permitted'])
})
