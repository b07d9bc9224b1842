/** Beats over real UDP sockets on the loopback, and what is refused. */
import { createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { afterEach, expect, it } from 'vitest'
import type { Beat } from '../director/words.ts'
import { openWire, seal, unseal, type Wire } from './wire.ts'

const key = randomBytes(32)
const port = 20_000 + Math.floor(Math.random() * 20_000)
const beat: Beat = {
  from: 'primary',
  name: 'lvs1',
  boot: 1,
  seq: 7,
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

const open: Wire[] = []
afterEach(() => {
  for (const wire of open.splice(0)) wire.close()
})

interface Seen {
  readonly wire: Wire
  readonly heard: Beat[]
  readonly refused: string[]
  readonly troubles: string[]
  readonly bound: () => Promise<void>
}

function listener(local: string, remote: string): Seen {
  const heard: Beat[] = []
  const refused: string[] = []
  const troubles: string[] = []
  let isBound: () => void = () => undefined
  const bound = new Promise<void>((resolve) => {
    isBound = resolve
  })
  const wire = openWire({
    heard: (_, b) => heard.push(b),
    refused: (_, why) => refused.push(why),
    listened: (_, says) => (says === undefined ? isBound() : troubles.push(says)),
  })
  wire.setKeys([key])
  wire.listen(port, [{ name: 'public', local, remote }])
  open.push(wire)
  return { wire, heard, refused, troubles, bound: () => bound }
}

async function until(what: () => boolean): Promise<void> {
  const from = performance.now()
  while (!what()) {
    if (performance.now() - from > 3_000) throw new Error('did not happen within 3 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

it('a sealed beat is the same beat at the other end', () => {
  expect(unseal(seal(beat, key), key)).toEqual(beat)
})

it('a changed, foreign or malformed datagram is none', () => {
  const changed = seal(beat, key)
  changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1)
  expect(unseal(changed, key)).toBe('key')
  expect(unseal(seal(beat, randomBytes(32)), key)).toBe('key')
  expect(unseal(Buffer.from('da db ad bd'), key)).toBe('malformed')
  expect(unseal(Buffer.alloc(0), key)).toBe('malformed')
  const body = Buffer.from('{"from":"somebody"}')
  const authentic = Buffer.concat([Buffer.from('SHB1'), createHmac('sha256', key).update(body).digest(), body])
  expect(unseal(authentic, key)).toBe('malformed')
})

it('two directors hear each other', async () => {
  const a = listener('127.0.0.1', '127.0.0.2')
  const b = listener('127.0.0.2', '127.0.0.1')
  await Promise.all([a.bound(), b.bound()])
  a.wire.send(beat)
  await until(() => b.heard.length === 1)
  expect(b.heard).toEqual([beat])
  expect(a.heard).toEqual([])
})

it('a key is replaced by another without a beat being refused: each end seals with the old or the new one and opens both', async () => {
  const a = listener('127.0.0.1', '127.0.0.2')
  const b = listener('127.0.0.2', '127.0.0.1')
  await Promise.all([a.bound(), b.bound()])
  const next = randomBytes(32)
  const stages = [
    [[key], [key, next]],
    [
      [next, key],
      [key, next],
    ],
    [[next, key], [next]],
    [[next], [next]],
  ] as const
  for (const [at, [ofA, ofB]] of stages.entries()) {
    a.wire.setKeys(ofA)
    b.wire.setKeys(ofB)
    if (at > 0) a.wire.send(beat)
    b.wire.send(beat)
    // The first stage is the one before both know the new key: only the old one is used.
    await until(() => a.heard.length === at + 1 && b.heard.length === at)
  }
  expect([...a.refused, ...b.refused]).toEqual([])
  a.wire.setKeys([key])
  b.wire.send(beat)
  await until(() => a.refused.length === 1)
})

it('datagrams of strangers and with a wrong key are refused and counted', async () => {
  const a = listener('127.0.0.1', '127.0.0.2')
  await a.bound()
  const stranger = createSocket('udp4')
  await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.3', resolve))
  stranger.send(seal(beat, key), port, '127.0.0.1')
  const liar = createSocket('udp4')
  await new Promise<void>((resolve) => liar.bind(0, '127.0.0.2', resolve))
  liar.send(seal(beat, randomBytes(32)), port, '127.0.0.1')
  liar.send(Buffer.from([0xda, 0xdb, 0xad, 0xbd]), port, '127.0.0.1')
  await until(() => a.refused.length === 3)
  stranger.close()
  liar.close()
  expect(a.refused.sort()).toEqual(['key', 'malformed', 'stranger'])
  expect(a.heard).toEqual([])
})

it('a path whose address is not there says so once and is opened when it comes', async () => {
  const a = listener('192.0.2.77', '192.0.2.78')
  await until(() => a.troubles.length === 1)
  expect(a.troubles[0]).toMatch(/EADDRNOTAVAIL/)
})
