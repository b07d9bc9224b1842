/**
 * What outlives the process, in two places: /var/lib/shoal (over reboots: boot number, term, the peer's boot number) and /run/shoal
 * (until the next reboot: the services we made, the addresses we hold, whether the last run ended well). Files are replaced as a
 * whole, so a crash leaves the old one or the new one.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { uptime } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { notifyPath } from '../../domain/notify.ts'
import type { AddressChange, Memory } from '../director/words.ts'

/** Where everything of the agent lies; tests give it another root. */
export interface Places {
  readonly lvscf: string
  readonly clusterKey: string
  readonly notify: string
  readonly stateDir: string
  readonly runDir: string
  readonly group: string
}

export const places: Places = {
  lvscf: process.env.SHOAL_LVSCF ?? '/etc/sysconfig/ha/lvs.cf',
  clusterKey: process.env.SHOAL_KEY ?? '/etc/shoal/cluster.key',
  notify: process.env.SHOAL_NOTIFY ?? notifyPath,
  stateDir: process.env.SHOAL_STATE ?? '/var/lib/shoal',
  runDir: process.env.SHOAL_RUN ?? '/run/shoal',
  group: process.env.SHOAL_GROUP ?? 'shoal',
}

const stateSchema = z.object({ boot: z.number(), term: z.number(), peerBoot: z.number() })

export interface Remembered {
  readonly boot: number
  readonly term: number
  readonly peerBoot: number
  readonly owned: readonly string[]
  readonly held: readonly AddressChange[]
  readonly after: 'boot' | 'restart' | 'crash'
  /** Starts within the last minute, this one included, but not those after a run that ended by itself. */
  readonly recentStarts: number
}

/** Starts are counted over this long: more than a few of them are a loop of crashes. */
const recentS = 60
/** So many starts are remembered. */
const startsLimit = 32

const readOr = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

/** What a text says as JSON; null for anything else. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Replaces a file as a whole. `firm`: not before it is on disk. */
export async function replaceFile(file: string, content: string | Buffer, firm: boolean, mode = 0o640): Promise<void> {
  const handle = await open(`${file}.new`, 'w', mode)
  try {
    await handle.chmod(mode)
    await handle.writeFile(content)
    if (firm) await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}

/** The held file: `ADDRESS/PREFIX DEVICE` per line, read by the unit's release script too. */
export function parseHeld(text: string): AddressChange[] {
  return text.split('\n').flatMap((line): AddressChange[] => {
    const match = /^([0-9a-fA-F.:]+)\/(\d+) (\S+)$/.exec(line.trim())
    if (!match?.[1] || !match[3]) return []
    return [{ do: 'add', address: match[1], prefix: Number(match[2]), device: match[3], label: match[3] }]
  })
}

/** Reads what was left, and begins a new boot of the agent: its number is higher than any before and than the clock says. */
export async function begin(where: Places, wallMs: number): Promise<Remembered> {
  await mkdir(where.runDir, { recursive: true, mode: 0o755 })
  await mkdir(where.stateDir, { recursive: true, mode: 0o750 })
  const stateFile = path.join(where.stateDir, 'state.json')
  const parsed = stateSchema.safeParse(json(await readOr(stateFile)))
  const old = parsed.success ? parsed.data : { boot: 0, term: 0, peerBoot: 0 }
  const boot = Math.max(old.boot + 1, Math.floor(wallMs))
  const last = await readOr(path.join(where.runDir, 'run'))
  const owned = z.array(z.string()).safeParse(json(await readOr(path.join(where.runDir, 'owned.json'))))
  const held = parseHeld(await readOr(path.join(where.runDir, 'held')))
  const planned = last.startsWith('ended')
  // Counted by the time since the machine started, which no step of the clock changes.
  const nowS = uptime()
  const startsFile = path.join(where.runDir, 'starts.json')
  const before = z.array(z.number()).safeParse(json(await readOr(startsFile)))
  const recent = (before.success ? before.data : []).filter((s) => s <= nowS && nowS - s < recentS)
  const starts = planned ? recent : [...recent, nowS].slice(-startsLimit)
  await replaceFile(startsFile, JSON.stringify(starts), false)
  await replaceFile(path.join(where.runDir, 'run'), `running ${process.pid}\n`, false)
  // A full or read-only disk does not keep a director from serving; its beats may then be refused after a reboot with a wrong clock.
  await replaceFile(stateFile, JSON.stringify({ ...old, boot }), true).catch(() => undefined)
  return {
    boot,
    term: old.term,
    peerBoot: old.peerBoot,
    owned: owned.success ? owned.data : [],
    held,
    after: last === '' ? 'boot' : planned ? 'restart' : 'crash',
    recentStarts: Math.max(1, starts.length),
  }
}

/** Writes what the centre wants remembered. */
export async function remember(where: Places, boot: number, memory: Memory): Promise<void> {
  await replaceFile(path.join(where.runDir, 'owned.json'), JSON.stringify(memory.owned), false)
  await replaceFile(
    path.join(where.stateDir, 'state.json'),
    JSON.stringify({ boot, term: memory.term, peerBoot: memory.peerBoot }),
    true,
  )
}

/** The run ended by itself: the next start is no crash. */
export async function ended(where: Places): Promise<void> {
  await replaceFile(path.join(where.runDir, 'run'), 'ended\n', false)
}
