/**
 * Runs on disk: the plan as it was shown, how far each step came, and every line of output, so that a closed window or a restarted app
 * finds them again. A run that was under way when the app ended is found as interrupted.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { clusterDraftSchema } from '../../domain/cluster.ts'
import type { Run, RunLine, RunState } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import { fileNameOf, jsonFile, jsonNames, makePrivateDirectory, readJson, remove, writeJson } from '../disk.ts'

const runStates = ['running', 'proving', 'done', 'failed', 'cancelled', 'undoing', 'undone'] as const

/** This app wrote the file itself, so its shape is checked where a mistake would do harm and trusted inside. */
const recordSchema = z.object({
  run: z.custom<Run>((value) => {
    const run = value as Partial<Run> | null
    return (
      typeof run === 'object' &&
      typeof run?.id === 'string' &&
      runStates.includes(run.state as RunState) &&
      Array.isArray(run.plan?.steps) &&
      Array.isArray(run.steps)
    )
  }),
  draft: clusterDraftSchema,
  follows: z.string().optional(),
})

export interface RunRecord {
  readonly run: Run
  /** The draft as it was built, for the logins. */
  readonly draft: z.infer<typeof clusterDraftSchema>
  /** The run before it that ended early and was not taken back: taking this one back takes that one back as well. */
  readonly follows?: string | undefined
}

export interface Runs {
  get(runId: string): RunRecord | undefined
  /** The newest run of a draft. */
  newestOf(draftId: string): RunRecord | undefined
  /** The newest run of every draft. */
  newestOfEach(): readonly RunRecord[]
  /** Runs of a draft that left something on hosts and were not taken back, newest first. */
  standingOf(draftId: string): readonly RunRecord[]
  /** Whether a run of the draft other than this one ended well and has not been taken back. */
  standing(draftId: string, exceptRunId: string): boolean
  /**
   * What must be taken back to take back a run, newest first: newer runs of the draft that still stand, itself, and the unfinished ones
   * it went on from.
   */
  chain(runId: string): readonly RunRecord[]
  /** Remembers at once; writes to disk soon. */
  put(record: RunRecord): void
  line(line: RunLine): void
  output(runId: string): Promise<readonly RunLine[]>
  /** Waits until everything is on disk. */
  settled(): Promise<void>
}

/** States no run can be in when nobody runs it. */
const unattended: readonly RunState[] = ['running', 'proving', 'undoing']
const keptRunsPerDraft = 20
const maxOutputLines = 20_000
const writeAfterMs = 150

/** Whether something a run did may still be on a host. */
function stands({ run }: RunRecord): boolean {
  return (
    run.state !== 'undone' &&
    run.steps.some(({ state }) => state !== 'waiting' && state !== 'already' && state !== 'undone')
  )
}

function interrupted(record: RunRecord): RunRecord {
  const { run } = record
  if (!unattended.includes(run.state)) return record
  return {
    ...record,
    run: {
      ...run,
      state: 'failed',
      problems: [...run.problems, problem('run-interrupted')],
      steps: run.steps.map((step) =>
        step.state === 'waiting' || step.state === 'checking' || step.state === 'running'
          ? { ...step, state: 'not-run' as const }
          : step,
      ),
    },
  }
}

/** Reads the runs kept in the data directory. */
export async function openRuns(dataDir: string): Promise<Runs> {
  const directory = join(dataDir, 'runs')
  const records = new Map<string, RunRecord>()
  for (const name of await jsonNames(directory)) {
    const read = await readJson<RunRecord>(join(directory, `${name}.json`), recordSchema)
    if (read.ok && read.value) records.set(read.value.run.id, interrupted(read.value))
  }

  const outputFile = (runId: string): string => join(directory, `${fileNameOf(runId)}.log`)
  const dirty = new Set<string>()
  let lines: RunLine[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<unknown> = Promise.resolve()

  function flush(): void {
    timer = undefined
    const ids = [...dirty]
    dirty.clear()
    const held = lines
    lines = []
    writing = writing.then(async () => {
      for (const id of ids) {
        const record = records.get(id)
        if (record) await writeJson(jsonFile(directory, id), record)
      }
      const byRun = new Map<string, string>()
      for (const line of held) byRun.set(line.runId, `${byRun.get(line.runId) ?? ''}${JSON.stringify(line)}\n`)
      for (const [runId, text] of byRun) {
        try {
          await makePrivateDirectory(directory)
          await appendFile(outputFile(runId), text, { mode: 0o600 })
        } catch {
          // The output is for reading; a full disk here must not stop a run on the hosts.
        }
      }
    })
  }

  function soon(): void {
    timer ??= setTimeout(flush, writeAfterMs)
  }

  function newest(draftId: string): RunRecord[] {
    return [...records.values()]
      .filter(({ run }) => run.draftId === draftId)
      .sort((a, b) => b.run.startedAtMs - a.run.startedAtMs)
  }

  return {
    get: (runId) => records.get(runId),
    newestOf: (draftId) => newest(draftId)[0],
    newestOfEach: () =>
      [...new Set([...records.values()].map(({ run }) => run.draftId))].flatMap((draftId) =>
        newest(draftId).slice(0, 1),
      ),
    standingOf: (draftId) => newest(draftId).filter(stands),
    standing: (draftId, exceptRunId) =>
      newest(draftId).some(({ run }) => run.state === 'done' && run.id !== exceptRunId),
    chain(runId) {
      const asked = records.get(runId)
      if (!asked) return []
      const chain = newest(asked.run.draftId).filter(
        ({ run }) => run.state !== 'undone' && run.startedAtMs > asked.run.startedAtMs,
      )
      for (let record: RunRecord | undefined = asked; record && record.run.state !== 'undone';) {
        chain.push(record)
        record = record.follows === undefined ? undefined : records.get(record.follows)
      }
      return chain
    },
    put(record) {
      const fresh = !records.has(record.run.id)
      records.set(record.run.id, record)
      dirty.add(record.run.id)
      soon()
      if (!fresh) return
      for (const old of newest(record.run.draftId).slice(keptRunsPerDraft)) {
        // Without its record what a run did could not be taken back.
        if (stands(old)) continue
        records.delete(old.run.id)
        void remove(jsonFile(directory, old.run.id))
        void remove(outputFile(old.run.id))
      }
    },
    line(line) {
      lines.push(line)
      soon()
    },
    async output(runId) {
      if (timer) {
        clearTimeout(timer)
        flush()
      }
      await writing
      let text = ''
      try {
        text = await readFile(outputFile(runId), 'utf8')
      } catch {
        return []
      }
      return text
        .split('\n')
        .slice(-maxOutputLines - 1)
        .flatMap((line) => {
          try {
            return line === '' ? [] : [JSON.parse(line) as RunLine]
          } catch {
            return []
          }
        })
    },
    async settled() {
      if (timer) {
        clearTimeout(timer)
        flush()
      }
      await writing
    },
  }
}
