/** The last word of a killed agent, by the real script, over real UDP on the loopback. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Beat } from '../director/words.ts'
import { openFarewell } from './farewell.ts'
import { openWire, type Wire } from './wire.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../resources/agent/release-held.sh', import.meta.url))
const key = randomBytes(32)
const port = 20_000 + Math.floor(Math.random() * 20_000)
const beat: Beat = {
  from: 'primary',
  name: 'lvs1',
  boot: 9,
  seq: 700,
  role: 'active',
  term: 3,
  ready: true,
  settled: true,
  holds: true,
  usable: 2,
  generation: 1,
  digest: 'abc',
  sees: { boot: 4, seq: 9 },
}

let dir: string
let heard: Beat[]
const wires: Wire[] = []

async function open(local: string, remote: string, runDir?: string): Promise<Wire> {
  let isBound: () => void = () => undefined
  const bound = new Promise<void>((resolve) => (isBound = resolve))
  const wire = openWire(
    { heard: (_, b) => heard.push(b), refused: () => undefined, listened: () => isBound() },
    runDir === undefined ? undefined : openFarewell(runDir, (says) => expect.fail(says)),
  )
  wires.push(wire)
  wire.setKeys([key])
  wire.listen(port, [{ name: 'public', local, remote }])
  await bound
  return wire
}

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'shoal-farewell-'))
  heard = []
  await writeFile(path.join(dir, 'held'), '198.51.100.7/32 lo\n')
})
afterEach(async () => {
  for (const wire of wires.splice(0)) wire.close()
  await rm(dir, { recursive: true })
})

const release = () => run('/bin/sh', [script], { env: { SHOAL_RUN: dir } })

it('after a kill the other director is told at once that nothing is held, and may believe it', async () => {
  // The script's datagram leaves from 127.0.0.1, as that of a director leaves from its own address.
  await open('127.0.0.2', '127.0.0.1')
  const dying = await open('127.0.0.1', '127.0.0.2', dir)
  await writeFile(path.join(dir, 'run'), 'running 1\n')
  dying.send(beat)
  await vi.waitFor(() => expect(heard).toHaveLength(1))
  await vi.waitFor(async () =>
    expect(await readFile(path.join(dir, 'farewell-to'), 'utf8')).toBe(`127.0.0.2 ${port}\n`),
  )
  await release()
  await vi.waitFor(() => expect(heard).toHaveLength(2))
  expect(heard[1]).toMatchObject({ boot: 9, role: 'stopping', holds: false, ready: false, term: 3 })
  expect(heard[1]?.seq).toBeGreaterThan(beat.seq)
})

it('after a proper end nothing more is said, and the word is readable by nobody else', async () => {
  await open('127.0.0.2', '127.0.0.1')
  const ending = await open('127.0.0.1', '127.0.0.2', dir)
  await writeFile(path.join(dir, 'run'), 'ended\n')
  ending.send(beat)
  await vi.waitFor(async () => expect((await stat(path.join(dir, 'farewell-to'))).size).toBeGreaterThan(0))
  expect((await stat(path.join(dir, 'farewell'))).mode & 0o777).toBe(0o600)
  const before = heard.length
  await release()
  // What the script could have sent is on the loopback by the time a later beat is heard.
  ending.send({ ...beat, seq: 701 })
  await vi.waitFor(() => expect(heard.at(-1)?.seq).toBe(701))
  expect(heard.slice(before).every(({ role }) => role === 'active')).toBe(true)
})

it('a new term makes another word; the same beat again makes none', async () => {
  const wire = await open('127.0.0.1', '127.0.0.2', dir)
  wire.send(beat)
  const file = path.join(dir, 'farewell')
  await vi.waitFor(async () => expect((await stat(file)).size).toBeGreaterThan(0))
  await vi.waitFor(async () => expect((await stat(path.join(dir, 'farewell-to'))).size).toBeGreaterThan(0))
  const first = await readFile(file)
  wire.send({ ...beat, seq: 701 })
  wire.send({ ...beat, seq: 702, term: 4 })
  await vi.waitFor(async () => expect((await readFile(file)).equals(first)).toBe(false))
})
