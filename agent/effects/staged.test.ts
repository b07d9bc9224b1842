/** A change of the configuration on the files of one director: staged, committed, confirmed, taken back, and over a restart. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { JournalEvent } from '../../domain/contract/agent.ts'
import { openStaging, type Behind, type Staging } from './staged.ts'
import { checkHere } from './whole-check.ts'

const file = (serial: number): string =>
  `serial_no = ${serial}\nprimary = 10.0.0.1\nservice = lvs\nnetwork = direct\nvirtual web {\nactive = 1\naddress = 10.0.0.9 eth0:1\n` +
  'port = 80\nserver a {\naddress = 10.0.0.11\nactive = 1\n}\n}\n'
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

let folder = ''
let lvscf = ''
let wallMs = 1_000_000
let refuses: string | undefined
const notes: JournalEvent[] = []
const rereads: string[] = []
const open: Staging[] = []

async function staging(changes: Partial<Behind> = {}): Promise<Staging> {
  const one = await openStaging({
    lvscf,
    stateFile: path.join(folder, 'staging.json'),
    check: checkHere,
    reread: async (by) => {
      rereads.push(`${by}: ${digestOf(await readFile(lvscf, 'utf8')).slice(0, 6)}`)
      return refuses
    },
    note: (event) => void notes.push(event),
    changed: () => undefined,
    wallMs: () => wallMs,
    ...changes,
  })
  open.push(one)
  return one
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shoal-staged-'))
  lvscf = path.join(folder, 'lvs.cf')
  await writeFile(lvscf, file(1), { mode: 0o600 })
  wallMs = 1_000_000
  refuses = undefined
  notes.length = 0
  rereads.length = 0
})
afterEach(() => {
  for (const one of open.splice(0)) one.close()
  vi.useRealTimers()
})

const now = (): Promise<string> => readFile(lvscf, 'utf8')

it('a sound file is kept beside the one in force, which stays as it is', async () => {
  const s = await staging()
  expect(await s.stage(file(2), 'me')).toMatchObject({ digest: digestOf(file(2)), generation: 2, sound: true })
  expect(await now()).toBe(file(1))
  expect(s.report()).toMatchObject({ staged: { digest: digestOf(file(2)), generation: 2, by: 'me' } })
  expect(rereads).toEqual([])
})

it('a file that could not be run is told with its lines, and not kept', async () => {
  const s = await staging()
  const staged = await s.stage(file(2).replace('port = 80', 'port = eighty'), 'me')
  expect(staged).toMatchObject({ sound: false, problems: [{ severity: 'block', line: 8, code: 'lvscf-not-a-port' }] })
  expect(s.report()).toEqual({})
  expect(await s.order({ kind: 'commit', digest: staged.digest, by: 'me' })).toBe('No configuration is staged.')
  expect(await readdir(folder)).toEqual(['lvs.cf'])
})

it('a commit puts the staged file in place with the mode of the old one, keeps that, and has it read', async () => {
  const s = await staging()
  await s.stage(file(2), 'me')
  expect(await s.order({ kind: 'commit', digest: digestOf(file(3)), by: 'me' })).toMatch(
    /^The staged configuration is /,
  )
  expect(await s.order({ kind: 'commit', digest: digestOf(file(2)), by: 'me' })).toBeUndefined()
  expect(await now()).toBe(file(2))
  expect((await stat(lvscf)).mode & 0o777).toBe(0o600)
  expect(await readFile(`${lvscf}.previous`, 'utf8')).toBe(file(1))
  expect(rereads).toEqual([`me: ${digestOf(file(2)).slice(0, 6)}`])
  expect(s.report()).toEqual({})
  // Asked again (the answer was lost), it is done.
  expect(await s.order({ kind: 'commit', digest: digestOf(file(2)), by: 'me' })).toBeUndefined()
})

it('a commit that the director does not take is taken back at once', async () => {
  const s = await staging()
  await s.stage(file(2), 'me')
  refuses = 'no'
  expect(await s.order({ kind: 'commit', digest: digestOf(file(2)), by: 'me' })).toBe('no')
  expect(await now()).toBe(file(1))
})

it('without confirmation in time the director goes back by itself; with it, not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const s = await staging()
  const digest = digestOf(file(2))
  await s.stage(file(2), 'me')
  await s.order({ kind: 'commit', digest, confirmWithinMs: 60_000, by: 'me' })
  expect(s.report().unconfirmed).toEqual({ digest, previousDigest: digestOf(file(1)), by: 'me', untilAtMs: 1_060_000 })
  expect(await s.stage(file(3), 'me')).toMatchObject({ sound: true })
  expect(await s.order({ kind: 'commit', digest: digestOf(file(3)), by: 'me' })).toMatch(/still to be confirmed/)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(await now()).toBe(file(2))
  await vi.advanceTimersByTimeAsync(2_000)
  // An order comes after the going back, which it waits for.
  expect(await s.order({ kind: 'confirm', digest, by: 'me' })).toMatch(/nothing to confirm/)
  expect(await now()).toBe(file(1))
  expect(await readFile(`${lvscf}.reverted`, 'utf8')).toBe(file(2))
  expect(notes.at(-1)).toMatchObject({ kind: 'order', by: 'the agent: nobody confirmed within 60 s' })

  await s.stage(file(2), 'me')
  await s.order({ kind: 'commit', digest, confirmWithinMs: 60_000, by: 'me' })
  expect(await s.order({ kind: 'confirm', digest, by: 'me' })).toBeUndefined()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(await now()).toBe(file(2))
})

it('goes back over a restart of the agent: at once when the time is over, at the time otherwise, and never later by a clock set back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const digest = digestOf(file(2))
  const first = await staging()
  await first.stage(file(2), 'me')
  await first.order({ kind: 'commit', digest, confirmWithinMs: 60_000, by: 'me' })
  first.close()
  wallMs += 50_000
  const second = await staging()
  await vi.advanceTimersByTimeAsync(9_000)
  expect(await now()).toBe(file(2))
  second.close()
  wallMs -= 10_000_000
  const third = await staging()
  await vi.advanceTimersByTimeAsync(61_000)
  await third.order({ kind: 'confirm', digest, by: 'me' })
  expect(await now()).toBe(file(1))
})

it('a crash between writing down and putting in place leaves the old file, and nothing pending', async () => {
  const s = await staging()
  await s.stage(file(2), 'me')
  const unconfirmed = {
    digest: digestOf(file(2)),
    previousDigest: digestOf(file(1)),
    by: 'me',
    untilAtMs: 5,
    withinMs: 5,
  }
  await writeFile(path.join(folder, 'staging.json'), JSON.stringify({ unconfirmed }))
  const again = await staging()
  expect(again.report()).toEqual({})
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(await now()).toBe(file(1))
})

it('revert goes back once, and never over a file that another hand has written since', async () => {
  const s = await staging()
  const digest = digestOf(file(2))
  expect(await s.order({ kind: 'revert', by: 'me' })).toBe('There is no file from before the last commit.')
  await s.stage(file(2), 'me')
  await s.order({ kind: 'commit', digest, by: 'me' })
  expect(await s.order({ kind: 'revert', by: 'me' })).toBeUndefined()
  expect(await now()).toBe(file(1))
  expect(await s.order({ kind: 'revert', by: 'me' })).toBe('There is no file from before the last commit.')
  await s.stage(file(2), 'me')
  await s.order({ kind: 'commit', digest, confirmWithinMs: 60_000, by: 'me' })
  await writeFile(lvscf, file(9))
  expect(await s.order({ kind: 'revert', by: 'me' })).toMatch(/somebody has changed it since/)
  expect(await now()).toBe(file(9))
})

it('an lvs.cf that is a link stays one', async () => {
  const real = path.join(folder, 'real.cf')
  await writeFile(real, file(1))
  const link = path.join(folder, 'link.cf')
  await symlink(real, link)
  lvscf = link
  const s = await staging()
  await s.stage(file(2), 'me')
  await s.order({ kind: 'commit', digest: digestOf(file(2)), by: 'me' })
  expect(await readFile(real, 'utf8')).toBe(file(2))
})

it('files that cannot be changed are a refusal, not an end', async () => {
  const s = await staging()
  await s.stage(file(2), 'me')
  await writeFile(path.join(folder, 'staging.json'), '')
  const broken = await staging({ stateFile: path.join(folder, 'nowhere', 'staging.json') })
  expect(await broken.order({ kind: 'commit', digest: digestOf(file(2)), by: 'me' })).toMatch(
    /^The files cannot be changed: /,
  )
  expect(await now()).toBe(file(1))
})
