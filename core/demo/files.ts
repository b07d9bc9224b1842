/**
 * The lvs.cf of the simulated directors: each has its own in memory, and takes orders about it as the agent's staging does on a disk.
 *
 *     staged ──commit──► in force ──(the one before)──► previous ──revert, or no confirmation in time──► in force
 */
import { createHash } from 'node:crypto'
import type { Config } from '../../domain/config.ts'
import type { DirectorReport, FileOrder, Staged } from '../../domain/contract/agent.ts'
import { check } from '../../domain/lvscf/check.ts'
import { failed, ok } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { simulatedDirectors } from '../../domain/simulation.ts'
import type { SimulatedDirector } from '../../domain/simulation.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Clock } from './clock.ts'

interface File {
  readonly text: string
  readonly config: Config
  readonly digest: string
}

interface Kept {
  inForce: File
  previous?: File
  staged?: File & { readonly by: string; readonly atMs: number }
  unconfirmed?: NonNullable<DirectorReport['unconfirmed']>
  takeBack: () => void
}

export interface SimulatedFiles {
  inForce(name: SimulatedDirector): File
  stage(name: SimulatedDirector, text: string, by: string): Staged
  /** Carries an order out; answers why it was refused. */
  order(name: SimulatedDirector, order: Exclude<FileOrder, { kind: 'stage' }>): string | undefined
  /** What the report says of the files. */
  report(name: SimulatedDirector): Pick<DirectorReport, 'staged' | 'unconfirmed'>
  stop(): void
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

export interface FilesPorts {
  readonly clock: Clock
  /** Another file is in force: the director reads it. */
  readonly reread: (name: SimulatedDirector) => void
  readonly note: (name: SimulatedDirector, order: string, by: string) => void
}

const short = (digest: string): string => digest.slice(0, 12)

/** Begins with the same file on both; fails only if that is not sound. */
export function simulatedFiles(lvscf: string, ports: FilesPorts): Result<SimulatedFiles> {
  const { config, problems } = check(lvscf)
  if (!config) return failed(...problems)
  const first: File = { text: lvscf, config, digest: digestOf(lvscf) }
  const fresh = (): Kept => ({ inForce: first, takeBack: () => undefined })
  const kept: Record<SimulatedDirector, Kept> = { lvs1: fresh(), lvs2: fresh() }
  const wallMs = (): number => Math.round(ports.clock.now().wallMs)

  function settle(own: Kept): void {
    own.takeBack()
    own.takeBack = () => undefined
    delete own.unconfirmed
  }

  function goBack(name: SimulatedDirector, by: string): string | undefined {
    const own = kept[name]
    if (!own.previous) return 'There is no file before this one.'
    ports.note(name, `revert to ${short(own.previous.digest)}`, by)
    settle(own)
    own.inForce = own.previous
    delete own.previous
    ports.reread(name)
    return undefined
  }

  return ok({
    inForce: (name) => kept[name].inForce,
    stage(name, text, by) {
      const read = check(text)
      const digest = digestOf(text)
      const sound = read.config !== undefined && !read.problems.some(({ severity }) => severity === 'block')
      if (sound) {
        kept[name].staged = { text, config: read.config, digest, by, atMs: wallMs() }
        ports.note(name, `stage ${short(digest)}`, by)
      }
      return {
        digest,
        generation: read.config?.serialNo ?? 0,
        sound,
        problems: read.problems.map((one) => ({ code: one.code, severity: one.severity, says: speak(one, 'en').says })),
      }
    },
    order(name, order) {
      const own = kept[name]
      if (order.kind === 'revert') return goBack(name, order.by)
      if (order.kind === 'confirm') {
        if (own.inForce.digest !== order.digest) return 'Another file is in force.'
        settle(own)
        ports.note(name, `confirm ${short(order.digest)}`, order.by)
        return undefined
      }
      const { staged } = own
      if (staged?.digest !== order.digest) return 'That file is not staged.'
      settle(own)
      const previousDigest = own.inForce.digest
      own.previous = own.inForce
      own.inForce = staged
      delete own.staged
      const { confirmWithinMs } = order
      if (confirmWithinMs !== undefined) {
        own.unconfirmed = { digest: order.digest, previousDigest, by: order.by, untilAtMs: wallMs() + confirmWithinMs }
        own.takeBack = ports.clock.later(confirmWithinMs, () => void goBack(name, 'nobody confirmed in time'))
      }
      ports.note(name, `commit ${short(order.digest)}`, order.by)
      ports.reread(name)
      return undefined
    },
    report(name) {
      const { staged, unconfirmed } = kept[name]
      const told = staged && {
        digest: staged.digest,
        generation: staged.config.serialNo,
        by: staged.by,
        atMs: staged.atMs,
      }
      return { ...(told ? { staged: told } : {}), ...(unconfirmed ? { unconfirmed } : {}) }
    },
    stop: () => simulatedDirectors.forEach((name) => kept[name].takeBack()),
  })
}
