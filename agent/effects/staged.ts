/**
 * A change of the configuration in two steps, on the files of one director: `stage` checks a new lvs.cf and lays it beside the one in
 * force; `commit` puts it in its place, keeps the one before, and has it read; `confirm` lets it stay; `revert` goes back. A commit
 * that waits to be confirmed goes back by itself when its time is over, also when the agent was restarted meanwhile: what is pending
 * is on disk before lvs.cf is changed.
 *
 *     lvs.cf.staged ──commit──► lvs.cf ──(the one before)──► lvs.cf.previous ──revert──► lvs.cf
 *
 * Nothing here decides what a director does with a file; files that were changed by another hand since are never overwritten.
 */
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { DirectorReport, FileOrder, JournalEvent, Staged } from '../../domain/contract/agent.ts'
import { speak } from '../../domain/speech/speech.ts'
import { digestOf } from './configured.ts'
import { json, replaceFile } from './remembered.ts'
import type { Verdict } from './whole-check.ts'

const stateSchema = z.object({
  staged: z.object({ digest: z.string(), generation: z.number(), by: z.string(), atMs: z.number() }).optional(),
  unconfirmed: z
    .object({
      digest: z.string(),
      previousDigest: z.string(),
      by: z.string(),
      untilAtMs: z.number(),
      /** How long was granted: a clock that jumps back must not make the wait longer. */
      withinMs: z.number(),
    })
    .optional(),
})
type StagingState = z.infer<typeof stateSchema>

/** A new lvs.cf gets the mode of the old one; where there is none, this. */
const defaultMode = 0o644
const shortDigest = 12
const saysLimit = 2_000

export interface Behind {
  readonly lvscf: string
  /** Where what is pending is remembered. */
  readonly stateFile: string
  readonly check: (text: string) => Promise<Verdict>
  /** Has lvs.cf read; resolves with why it was not taken, or undefined when the director runs it. */
  readonly reread: (by: string) => Promise<string | undefined>
  readonly note: (event: JournalEvent) => void
  /** What watchers see has changed. */
  readonly changed: () => void
  readonly wallMs: () => number
}

export interface Staging {
  readonly stage: (text: string, by: string) => Promise<Staged>
  /** Undefined = done, else why not. */
  readonly order: (order: Exclude<FileOrder, { kind: 'stage' }>) => Promise<string | undefined>
  readonly report: () => Pick<DirectorReport, 'staged' | 'unconfirmed'>
  readonly close: () => void
}

const short = (digest: string): string => digest.slice(0, shortDigest)
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

async function readOrNull(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Brings a rename to the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Takes up what was pending. Call when lvs.cf can be read: a commit whose time is over is taken back at once. */
export async function openStaging(behind: Behind): Promise<Staging> {
  // An lvs.cf that is a link stays one: the file it names is what is replaced.
  const lvscf = await realpath(behind.lvscf).catch(() => behind.lvscf)
  const files = { staged: `${lvscf}.staged`, previous: `${lvscf}.previous`, reverted: `${lvscf}.reverted` }
  const parsed = stateSchema.safeParse(json(await readFile(behind.stateFile, 'utf8').catch(() => '')))
  let state: StagingState = parsed.success ? parsed.data : {}
  let timer: NodeJS.Timeout | null = null
  let working: Promise<unknown> = Promise.resolve()

  /** One after the other: two orders never meet on the files. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = working.then(work)
    working = result.catch(() => undefined)
    return result
  }

  async function remember(next: StagingState): Promise<void> {
    await replaceFile(behind.stateFile, JSON.stringify(next), true)
    state = next
    behind.changed()
  }

  const digestIn = async (file: string): Promise<string | null> => {
    const bytes = await readOrNull(file)
    return bytes === null ? null : digestOf(bytes)
  }

  async function modeOf(file: string): Promise<number> {
    return (await stat(file).catch(() => null))?.mode ?? defaultMode
  }

  function arm(): void {
    if (timer) clearTimeout(timer)
    timer = null
    const { unconfirmed } = state
    if (!unconfirmed) return
    const inMs = Math.min(Math.max(0, unconfirmed.untilAtMs - behind.wallMs()), unconfirmed.withinMs)
    timer = setTimeout(() => {
      const by = `the agent: nobody confirmed within ${Math.round(unconfirmed.withinMs / 1_000)} s`
      void inTurn(() => back(by)).then(
        (refused) => {
          if (refused !== undefined) behind.note({ kind: 'trouble', says: `lvs.cf was not taken back: ${refused}` })
        },
        (error: unknown) => behind.note({ kind: 'trouble', says: `lvs.cf was not taken back: ${reason(error)}` }),
      )
    }, inMs)
  }

  async function back(by: string): Promise<string | undefined> {
    const { unconfirmed, ...rest } = state
    const now = await readOrNull(lvscf)
    const before = await readOrNull(files.previous)
    if (unconfirmed && now !== null && (await digestOf(now)) !== unconfirmed.digest) {
      await remember(rest)
      arm()
      return 'lvs.cf is not the file that was committed; somebody has changed it since.'
    }
    if (before === null) {
      await remember(rest)
      arm()
      return 'There is no file from before the last commit.'
    }
    const mode = await modeOf(lvscf)
    if (now !== null) await replaceFile(files.reverted, now, true, mode & 0o777)
    await rename(files.previous, lvscf)
    await syncFolder(path.dirname(lvscf))
    await remember(rest)
    arm()
    behind.note({ kind: 'order', order: `revert to ${short(await digestOf(before))}`, by: by.slice(0, 200) })
    return behind.reread(by)
  }

  async function commit(order: Extract<FileOrder, { kind: 'commit' }>): Promise<string | undefined> {
    const { unconfirmed } = state
    const now = await readOrNull(lvscf)
    const nowDigest = now === null ? '' : await digestOf(now)
    if (nowDigest === order.digest) return undefined
    if (unconfirmed)
      return `The commit of ${short(unconfirmed.digest)} by ${unconfirmed.by} is still to be confirmed or taken back.`
    const staged = await digestIn(files.staged)
    if (staged === null) return 'No configuration is staged.'
    if (staged !== order.digest) return `The staged configuration is ${short(staged)}, not ${short(order.digest)}.`
    const mode = (await modeOf(lvscf)) & 0o777
    if (now === null) await unlink(files.previous).catch(() => undefined)
    else await replaceFile(files.previous, now, true, mode)
    const withinMs = order.confirmWithinMs
    // Before lvs.cf is another one: a crash between the two finds a digest that is not in force, and drops it.
    await remember(
      withinMs === undefined || now === null
        ? {}
        : {
            unconfirmed: {
              digest: staged,
              previousDigest: nowDigest,
              by: order.by,
              untilAtMs: Math.round(behind.wallMs()) + withinMs,
              withinMs,
            },
          },
    )
    await rename(files.staged, lvscf)
    await syncFolder(path.dirname(lvscf))
    arm()
    behind.note({ kind: 'order', order: `commit ${short(staged)}`, by: order.by })
    const refused = await behind.reread(order.by)
    if (refused === undefined) return undefined
    await back('the agent: the committed file was not taken')
    return refused
  }

  async function confirm(order: Extract<FileOrder, { kind: 'confirm' }>): Promise<string | undefined> {
    const { unconfirmed, ...rest } = state
    if (!unconfirmed)
      return (await digestIn(lvscf)) === order.digest ? undefined : 'There is nothing to confirm: no commit is pending.'
    if (unconfirmed.digest !== order.digest)
      return `The commit that is pending is ${short(unconfirmed.digest)}, not ${short(order.digest)}.`
    await remember(rest)
    arm()
    behind.note({ kind: 'order', order: `confirm ${short(order.digest)}`, by: order.by })
    return undefined
  }

  const { unconfirmed } = state
  if (unconfirmed && (await digestIn(lvscf).catch(() => null)) !== unconfirmed.digest) {
    const { unconfirmed: _dropped, ...rest } = state
    state = rest
  }
  arm()

  return {
    stage: (text, by) =>
      inTurn(async () => {
        const bytes = Buffer.from(text, 'utf8')
        const digest = await digestOf(bytes)
        const verdict = await behind.check(text)
        const sound = verdict.config !== undefined && !verdict.problems.some((p) => p.severity === 'block')
        const generation = verdict.config?.serialNo ?? 0
        if (sound) {
          await replaceFile(files.staged, bytes, true, (await modeOf(lvscf)) & 0o777)
          await remember({ ...state, staged: { digest, generation, by, atMs: Math.round(behind.wallMs()) } })
          behind.note({ kind: 'order', order: `stage ${short(digest)}`, by })
        }
        return {
          digest,
          generation,
          sound,
          problems: verdict.problems.map((p) => ({
            code: p.code,
            severity: p.severity,
            ...(p.where?.kind === 'text' ? { line: p.where.line } : {}),
            says: speak(p, 'en').says.slice(0, saysLimit),
          })),
        }
      }),
    order: (order) =>
      inTurn(async () => {
        try {
          if (order.kind === 'commit') return await commit(order)
          if (order.kind === 'confirm') return await confirm(order)
          return await back(order.by)
        } catch (error) {
          return `The files cannot be changed: ${reason(error)}`
        }
      }),
    report() {
      const { staged, unconfirmed: pending } = state
      if (!pending) return staged ? { staged } : {}
      const { withinMs: _granted, ...shown } = pending
      return { ...(staged ? { staged } : {}), unconfirmed: shown }
    },
    close() {
      if (timer) clearTimeout(timer)
    },
  }
}
