/** What the reader of lvs.cf gives the centre: a config or what is wrong with its lines, and the same objects for what has not changed. */
import { createHash } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { openReader, type Reader } from './configured.ts'
import { checkHere } from './whole-check.ts'

let lvscf = ''
let clusterKey = ''
let reader: Reader
let wholeChecks = 0

const virtual = (n: number, weight = 1): string =>
  `virtual web${n} {\nactive = 1\naddress = 10.0.${Math.floor(n / 200)}.${(n % 200) + 1} eth0:1\nport = 80\nserver a {\naddress = 10.1.0.1\nactive = 1\nweight = ${weight}\n}\n}\n`
const head = (serial: number): string => `serial_no = ${serial}\nprimary = 10.9.0.1\nservice = lvs\nnetwork = direct\n`

beforeEach(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-configured-'))
  lvscf = path.join(folder, 'lvs.cf')
  clusterKey = path.join(folder, 'cluster.key')
  wholeChecks = 0
  reader = openReader({
    lvscf,
    clusterKey,
    check: (text) => {
      wholeChecks++
      return checkHere(text)
    },
  })
})

it('a plain file is read in pieces; the next time only what has changed', async () => {
  const numbers = Array.from({ length: 300 }, (_, n) => n)
  await writeFile(lvscf, head(1) + numbers.map((n) => virtual(n)).join(''))
  const first = await reader.read()
  const changed = head(2) + numbers.map((n) => virtual(n, n === 7 ? 5 : 1)).join('')
  await writeFile(lvscf, changed)
  const second = await reader.read()
  if (first.input.kind !== 'configured' || second.input.kind !== 'configured') throw new Error('not sound')
  const { config: a } = first.input
  const { config: b } = second.input
  expect(b.serialNo).toBe(2)
  expect(b.virtualServers.filter((one, at) => one !== a.virtualServers[at]).map((one) => one.name)).toEqual(['web7'])
  expect(second.input.digest).toBe(createHash('sha256').update(changed).digest('hex'))
  expect(wholeChecks).toBe(0)
})

it('the loop turns while a large file is read', async () => {
  await writeFile(lvscf, head(1) + Array.from({ length: 4_000 }, (_, n) => virtual(n)).join(''))
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await reader.read()
  clearInterval(timer)
  expect(turns).toBeGreaterThan(10)
})

it('what blocks is told with its line, and what was read before is still known', async () => {
  await writeFile(lvscf, head(1) + virtual(1))
  const first = await reader.read()
  await writeFile(lvscf, head(2) + virtual(1).replace('port = 80', 'port = eighty'))
  const { input } = await reader.read()
  expect(input).toMatchObject({ kind: 'misconfigured', hasKey: false })
  expect(input.kind === 'misconfigured' && input.says[0]).toMatch(/^line 8, column \d+: /)
  expect(wholeChecks).toBe(1)
  await writeFile(lvscf, head(3) + virtual(1))
  const third = await reader.read()
  if (first.input.kind !== 'configured' || third.input.kind !== 'configured') throw new Error('not sound')
  expect(third.input.config.virtualServers[0]).toBe(first.input.config.virtualServers[0])
})

it('a file that is not there, and a key of the wrong length, are said', async () => {
  await writeFile(clusterKey, 'beef\n')
  const { input, keys } = await reader.read()
  expect(keys).toEqual([])
  expect(input).toMatchObject({ kind: 'misconfigured', hasKey: false })
  expect(input.kind === 'misconfigured' && input.says[0]).toMatch(/cannot be read/)
  await writeFile(clusterKey, `${'5c'.repeat(32)}\n`)
  expect((await reader.read()).keys.map((key) => key.length)).toEqual([32])
})
