/** Reading block by block answers what reading at once answers, for every file we have; and what has not changed is not read again. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { check } from './check.ts'
import { noPieces, readPiecewise, type Pieces, type PiecewiseRead } from './piecewise.ts'

function readWhole(text: string, before: Pieces = noPieces): { read: PiecewiseRead | null; steps: number } {
  const reading = readPiecewise(text, before)
  for (let steps = 0; ; steps++) {
    const next = reading.next()
    if (next.done) return { read: next.value, steps }
  }
}

const virtual = (n: number, body = '', address = `10.2.0.${n}`): string =>
  `virtual web${n} {\n     active = 1\n     address = ${address} eth0:1\n     port = 80\n     expect = "{ok} # \\n"\n${body}` +
  `     server a {\n         address = 10.1.0.${n}\n         active = 1\n         weight = 1\n     }\n}\n`
const head = 'serial_no = 1\nprimary = 10.0.0.1\nservice = lvs\nnetwork = direct\n# shoal: failback = on\n'

const shared = path.resolve(import.meta.dirname, '../../../shared/lvs-cf')
const files = readdirSync(shared, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(cf|conf|txt)$/.test(file))
  .map((file) => path.join(shared, file))

test('every file that is read block by block means the same as read at once', () => {
  let read = 0
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const { read: pieces } = readWhole(text)
    if (!pieces) continue
    read++
    expect(pieces.config, file).toEqual(check(text).config)
  }
  // Otherwise this test would say nothing.
  expect(read).toBeGreaterThan(10)
})

test('a change of one virtual server reads one virtual server', () => {
  const text = head + Array.from({ length: 50 }, (_, n) => virtual(n + 1)).join('')
  const first = readWhole(text)
  expect(first.read?.config).toEqual(check(text).config)
  const changed = text
    .replace('serial_no = 1', 'serial_no = 2')
    .replace('10.1.0.7\n         active = 1\n         weight = 1', '10.1.0.7\n         active = 1\n         weight = 5')
  const second = readWhole(changed, first.read?.pieces)
  expect(second.read?.config).toEqual(check(changed).config)
  const before = first.read?.config.virtualServers ?? []
  const kept = second.read?.config.virtualServers.filter((one, at) => one === before[at])
  expect(kept).toHaveLength(49)
  expect(first.steps - second.steps).toBe(49)
})

test('virtual servers that are added, removed or moved are found where they are', () => {
  const first = readWhole(head + [1, 2, 3, 4].map((n) => virtual(n)).join(''))
  const moved = head + [4, 2, 5, 1].map((n) => virtual(n)).join('')
  expect(readWhole(moved, first.read?.pieces).read?.config).toEqual(check(moved).config)
})

test('what every virtual server depends on makes all of them new', () => {
  const text = head + [1, 2].map((n) => virtual(n)).join('')
  const first = readWhole(text)
  const nat = text.replace(
    'network = direct',
    'network = nat\nnat_router = 10.1.0.254 eth1:1\nnat_nmask = 255.255.255.0',
  )
  const second = readWhole(nat, first.read?.pieces)
  expect(second.read?.config).toEqual(check(nat).config)
  expect(second.read?.config.virtualServers[0]).not.toBe(first.read?.config.virtualServers[0])
})

const six = (n: number, address = n): string =>
  virtual(n, `     # shoal: address6 = fd00:2::${address}/64\n`).replace(
    'weight',
    `# shoal: address6 = fd00:1::${n}\n         weight`,
  )

test('a virtual server with an IPv6 address is two, and is kept as two', () => {
  const text = head + six(1) + virtual(2)
  const first = readWhole(text)
  expect(first.read?.config).toEqual(check(text).config)
  expect(first.read?.config.virtualServers).toHaveLength(3)
  const second = readWhole(text + six(3), first.read?.pieces)
  expect(second.read?.config).toEqual(check(text + six(3)).config)
  expect(second.read?.config.virtualServers.slice(0, 3)).toEqual(first.read?.config.virtualServers)
})

test("what stands in another one's way, is not plain, or blocks is left to the whole check", () => {
  for (const body of [
    virtual(1) + virtual(2, '', '10.2.0.1'),
    virtual(1) + virtual(2, '', '10.1.0.1'),
    six(1) + six(2, 1),
    virtual(1, '     scheduler = nonsense\n'),
    virtual(1).replace('active = 1\n', 'active = 1 }\n'),
    virtual(1).replace('web1 {', 'web1\n{'),
    virtual(1).replaceAll('\n', '\r\n'),
    `${virtual(1)}failover ftp {\n}\n`,
    virtual(1).slice(0, -2),
  ])
    expect(readWhole(head + body).read, body).toBeNull()
})
