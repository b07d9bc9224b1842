/**
 * Carries out a plan exactly as it was shown, and takes it back. Each step is one script on its host (shell.ts); this file decides
 * only the order, what a failure means, and when to try again.
 *
 * - Steps marked `ahead` (nothing uses yet what they write) start on all hosts at once. The rest goes group by group in the plan's
 *   order; a group begins when the one before it is done.
 * - A connection that is cut is made again a few times; the step is then asked whether it is already so. If that fails the run ends
 *   with a problem, and starting again finishes what is missing.
 * - Cancelling lets the command under way end (half an installation is worse than a whole one) and runs nothing after it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { Run, RunLine, RunState, Step, StepKind, StepProgress, StepState } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, ProblemCode, Result } from '../../domain/problem.ts'
import type { Hosts } from '../ssh/hosts.ts'
import type { ScriptResult } from '../ssh/scripts.ts'
import type { Session } from '../ssh/session.ts'
import {
  checkText,
  exitChecksum,
  exitLocked,
  exitRefused,
  keptRoot,
  lockWaitS,
  stepScript,
  undoScript,
} from './shell.ts'
import type { Marker, PreparedFile } from './shell.ts'

/** Problems after which trying again may help. */
const passing: readonly ProblemCode[] = ['connection-lost', 'host-unreachable', 'ssh-failed', 'upload-failed']
const defaultRetryPausesMs: readonly number[] = [1_000, 3_000, 6_000]

const stepTimeoutMs: Readonly<Partial<Record<StepKind, number>>> = {
  packages: 600_000,
  runtime: 300_000,
  'agent-ready': 90_000,
}
const defaultStepTimeoutMs = 120_000
const checkTimeoutMs = 60_000
const progressEveryPercent = 10
/** Smaller copies are over before anybody could read of them. */
const progressFromBytes = 5_000_000

export interface BinaryFile {
  /** On this machine. */
  readonly file: string
  readonly bytes: number
  readonly gzip: boolean
}

export interface RunPorts {
  readonly hosts: Hosts
  /** A file of the built agent by the name the plan gives it. */
  readonly binary: (name: string) => BinaryFile | undefined
  /** The text of a secret file (`cluster-key`) by the name the plan gives it. */
  readonly secret: (name: string) => Promise<Result<string>>
  readonly changed: (run: Run) => void
  readonly line: (line: RunLine) => void
  /** Wall clock in ms. */
  readonly now: () => number
  readonly signal: AbortSignal
  /** Pauses before a lost connection is made again; as many tries as pauses. */
  readonly retryPausesMs?: readonly number[]
}

type Outcome = 'already' | 'done' | 'nothing' | 'undone'

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hostsOf(draft: ClusterDraft): ReadonlyMap<string, HostDraft> {
  return new Map([...draft.directors, ...draft.realServers].map((host) => [host.id, host]))
}

/** The last words of a host, for a problem's sentence. */
function lastWords({ out, err }: ScriptResult): string {
  const said = `${out}\n${err}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^@[0-9a-f]+ /.test(line))
    .at(-1)
  return (said ?? 'no output').trim().slice(0, 300)
}

/** What a script's failure means. */
function problemOf(step: Step, host: HostDraft, result: ScriptResult): Problem {
  const where = { kind: 'host', host: host.id, step: step.id } as const
  const name = host.name
  const what = step.files[0]?.path ?? step.kind
  if (/no space left on device|disk quota exceeded/i.test(result.err)) {
    return problem('disk-full', { host: name, what }, where)
  }
  if (/read-only file system/i.test(result.err)) return problem('read-only-filesystem', { host: name, what }, where)
  const answer = lastWords(result)
  if (result.exit === exitChecksum) {
    const file = /^checksum of (.+) differs$/m.exec(result.err)?.[1] ?? what
    return problem('checksum-wrong', { host: name, file }, where)
  }
  if (result.exit === exitLocked) return problem('command-timeout', { host: name, seconds: lockWaitS }, where)
  if (result.exit === exitRefused) return problem('lvscf-refused', { host: name, answer }, where)
  if (step.kind === 'agent-ready') {
    const seconds = Number(step.detail['seconds'] ?? 0)
    return problem('agent-not-ready', { host: name, seconds, answer }, where)
  }
  return problem('command-failed', { host: name, exit: result.exit, answer }, where)
}

/** A run as it goes: every change makes a new value and is told. */
function follow(initial: Run, ports: RunPorts) {
  let run = initial
  return {
    current: () => run,
    set(changes: Partial<Run>): void {
      run = { ...run, ...changes }
      ports.changed(run)
    },
    step(stepId: string, changes: Partial<StepProgress>): void {
      run = { ...run, steps: run.steps.map((step) => (step.stepId === stepId ? { ...step, ...changes } : step)) }
      ports.changed(run)
    },
    /** A step's whole progress: what it said before (a problem) is gone. */
    anew(progress: StepProgress): void {
      run = { ...run, steps: run.steps.map((step) => (step.stepId === progress.stepId ? progress : step)) }
      ports.changed(run)
    },
    say(step: Step, stream: RunLine['stream'], text: string): void {
      ports.line({ runId: run.id, hostId: step.hostId, stepId: step.id, atMs: ports.now(), stream, text })
    },
  }
}
type Following = ReturnType<typeof follow>

/** Runs a script that prints markers; passes its other lines on. */
async function runMarked(
  session: Session,
  text: string,
  word: string,
  how: {
    readonly step: Step
    readonly following: Following
    readonly timeoutMs: number
    readonly onMarker?: (marker: Marker) => void
  },
): Promise<Result<{ readonly result: ScriptResult; readonly markers: readonly Marker[] }>> {
  const markers: Marker[] = []
  const result = await session.script(text, {
    as: 'root',
    timeoutMs: how.timeoutMs,
    onLine: ({ stream, text: line }) => {
      if (line.startsWith(`@${word} `)) {
        const marker = line.slice(word.length + 2) as Marker
        markers.push(marker)
        how.onMarker?.(marker)
      } else how.following.say(how.step, stream, line)
    },
  })
  return result.ok ? ok({ result: result.value, markers }) : result
}

/** Files of a step with their content, except binaries, which are copied only when they are needed. */
async function prepare(step: Step, ports: RunPorts): Promise<Result<readonly PreparedFile[]>> {
  const prepared: PreparedFile[] = []
  for (const file of step.files) {
    const { path, mode, owner, content } = file
    if (content.kind === 'binary') {
      prepared.push({ path, mode, owner, sha256: content.sha256, content: { kind: 'copied', at: '', gzip: true } })
      continue
    }
    const text = content.kind === 'text' ? ok(content.text) : await ports.secret(content.name)
    if (!text.ok) return text
    const base64 = Buffer.from(text.value, 'utf8').toString('base64')
    prepared.push({ path, mode, owner, sha256: sha256(text.value), content: { kind: 'base64', base64 } })
  }
  return ok(prepared)
}

/** Copies the binaries of a step into a private directory of the login user there. */
async function copyBinaries(
  session: Session,
  step: Step,
  prepared: readonly PreparedFile[],
  following: Following,
  ports: RunPorts,
): Promise<Result<{ readonly files: readonly PreparedFile[]; readonly directory: string }>> {
  const local: BinaryFile[] = []
  for (const { content } of step.files) {
    if (content.kind !== 'binary') continue
    const binary = ports.binary(content.name)
    if (!binary) {
      const detail = { directory: content.name, reason: 'the file is not in the build' }
      return failed(problem('agent-build-absent', detail, { kind: 'host', host: step.hostId, step: step.id }))
    }
    local.push(binary)
  }
  let told = 0
  const sent = await session.upload(local, {
    signal: ports.signal,
    onProgress: (sentBytes, allBytes) => {
      const percent = Math.floor((sentBytes * 100) / Math.max(allBytes, 1))
      if (allBytes < progressFromBytes || percent < told + progressEveryPercent) return
      told = percent - (percent % progressEveryPercent)
      const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
      following.say(step, 'note', `${megabytes(sentBytes)} of ${megabytes(allBytes)} MB copied (${percent} %)`)
    },
  })
  if (!sent.ok) return sent
  const { directory } = sent.value
  const files = prepared.map((file, at): PreparedFile => {
    const content = step.files[at]?.content
    const binary = content?.kind === 'binary' ? ports.binary(content.name) : undefined
    if (!binary) return file
    return { ...file, content: { kind: 'copied', at: `${directory}/${basename(binary.file)}`, gzip: binary.gzip } }
  })
  return ok({ files, directory })
}

/** One try of a step over one session. */
async function tryStep(
  session: Session,
  step: Step,
  host: HostDraft,
  following: Following,
  ports: RunPorts,
): Promise<Result<Outcome>> {
  const word = randomBytes(8).toString('hex')
  const prepared = await prepare(step, ports)
  if (!prepared.ok) return prepared
  let files = prepared.value
  let directory: string | undefined
  if (step.files.some(({ content }) => content.kind === 'binary')) {
    const checked = await session.script(checkText(step, files), { as: 'root', timeoutMs: checkTimeoutMs })
    if (!checked.ok) return checked
    if (checked.value.exit === 0) return ok('already')
    following.step(step.id, { state: 'running' })
    const copied = await copyBinaries(session, step, files, following, ports)
    if (!copied.ok) return copied
    files = copied.value.files
    directory = copied.value.directory
  }
  const done = await runMarked(session, stepScript(step, files, following.current().id, word), word, {
    step,
    following,
    timeoutMs: stepTimeoutMs[step.kind] ?? defaultStepTimeoutMs,
    onMarker: (marker) => {
      if (marker === 'begin') following.step(step.id, { state: 'running' })
    },
  })
  if (directory !== undefined && session.alive()) await session.script(`rm -rf '${directory}'`, { as: 'user' })
  if (!done.ok) return done
  const { result, markers } = done.value
  if (result.exit === 0 && markers.includes('already')) return ok('already')
  if (result.exit === 0 && markers.includes('done')) return ok('done')
  return failed(problemOf(step, host, result))
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over)
    if (signal.aborted) over()
  })
}

/** A step with its tries: a lost connection is made again, anything else is final. */
async function overLostConnections(
  step: Step,
  host: HostDraft,
  following: Following,
  ports: RunPorts,
  once: (session: Session) => Promise<Result<Outcome>>,
): Promise<Result<Outcome>> {
  const pausesMs = ports.retryPausesMs ?? defaultRetryPausesMs
  for (let tries = 0; ; tries++) {
    const session = await ports.hosts.session(host)
    const result = session.ok ? await once(session.value) : session
    if (result.ok) return result
    const reason = result.problems[0]
    const pauseMs = pausesMs[tries]
    if (!reason || !passing.includes(reason.code) || pauseMs === undefined || ports.signal.aborted) return result
    ports.hosts.drop(host)
    const said = String(reason.detail?.['reason'] ?? reason.code)
    following.say(step, 'note', `${said}; trying again in ${pauseMs / 1000} s (${tries + 1} of ${pausesMs.length})`)
    await wait(pauseMs, ports.signal)
  }
}

/**
 * Runs every step of the plan, or with `onlyStep` that one alone. A run that is gone on with asks its finished steps again whether they
 * are still so; such a step keeps how it ended the first time. Answers the run as it ended: `proving` when all steps are done, else
 * `failed` or `cancelled`.
 */
export async function carryOut(initial: Run, draft: ClusterDraft, ports: RunPorts, onlyStep?: string): Promise<Run> {
  const following = follow(initial, ports)
  const hosts = hostsOf(draft)
  const failures: Problem[] = []
  const stopping = (): boolean => failures.length > 0 || ports.signal.aborted

  async function runSteps(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (stopping()) return
      const host = hosts.get(step.hostId)
      if (!host) continue
      const startedAtMs = ports.now()
      const started = performance.now()
      const before = initial.steps.find(({ stepId }) => stepId === step.id)
      following.anew({ stepId: step.id, state: 'checking', startedAtMs })
      const result = await overLostConnections(step, host, following, ports, (session) =>
        tryStep(session, step, host, following, ports),
      )
      const durationMs = Math.round(performance.now() - started)
      if (result.ok) {
        if (result.value === 'already' && before?.state === 'done') following.anew(before)
        else following.step(step.id, { state: result.value === 'already' ? 'already' : 'done', durationMs })
        // A new group counts from the next login on.
        if (step.kind === 'socket-group' && result.value === 'done') ports.hosts.drop(host)
        continue
      }
      const reason = result.problems[0] ?? problem('connection-lost', { host: host.name, reason: 'unknown' })
      if (reason.code === 'run-cancelled') {
        following.step(step.id, { state: 'not-run', durationMs })
        return
      }
      following.step(step.id, { state: 'failed', durationMs, problem: reason })
      failures.push({ ...reason, where: { kind: 'host', host: host.id, step: step.id } })
      return
    }
  }

  const stepsOf = (hostId: string): readonly Step[] =>
    initial.plan.steps.filter((step) => step.hostId === hostId && (onlyStep === undefined || step.id === onlyStep))
  const ahead = new Map<string, Promise<void>>()
  for (const hostId of initial.plan.order.flat()) {
    ahead.set(hostId, runSteps(stepsOf(hostId).filter((step) => step.ahead)))
  }
  for (const group of initial.plan.order) {
    await Promise.all(
      group.map(async (hostId) => {
        await ahead.get(hostId)
        await runSteps(stepsOf(hostId).filter((step) => !step.ahead))
      }),
    )
    if (stopping()) break
  }
  await Promise.all(ahead.values())

  const run = following.current()
  const open: readonly StepState[] = ['waiting', 'checking', 'running']
  const finished = run.steps.every(({ state }) => state === 'done' || state === 'already')
  if (!stopping() && finished) {
    following.set({ state: 'proving', problems: [] })
    return following.current()
  }
  const steps = run.steps.map((step) => (open.includes(step.state) ? { ...step, state: 'not-run' as const } : step))
  const left = steps.filter(({ state }) => state === 'not-run').length
  // A step tried alone leaves the others as they were: those that failed still say so.
  const others = run.steps.flatMap((step) => (step.state === 'failed' && step.problem ? [step.problem] : []))
  const reasons = failures.length > 0 ? failures : others
  const state: RunState = reasons.length > 0 ? 'failed' : 'cancelled'
  following.set({
    steps,
    state,
    endedAtMs: ports.now(),
    problems: reasons.length > 0 ? reasons : [problem('run-cancelled', { count: left }, undefined, 'note')],
  })
  return following.current()
}

/**
 * Takes a run back: groups in reverse order, the steps of each host newest first. Steps the run never began on a host are left alone;
 * a step that cannot be taken back is reported and the others go on. Answers the run as `undone`, or `failed` with the problems.
 */
export async function takeBack(initial: Run, draft: ClusterDraft, ports: RunPorts): Promise<Run> {
  const following = follow({ ...initial, state: 'undoing', problems: [] }, ports)
  following.set({})
  const hosts = hostsOf(draft)
  const failures: Problem[] = []

  async function undoHost(hostId: string): Promise<void> {
    const host = hosts.get(hostId)
    if (!host) return
    for (const step of initial.plan.steps.filter((each) => each.hostId === hostId).reverse()) {
      const before = following.current().steps.find(({ stepId }) => stepId === step.id)
      if (!before || before.state === 'waiting' || before.state === 'undone') continue
      following.step(step.id, { state: 'undoing' })
      const word = randomBytes(8).toString('hex')
      const result = await overLostConnections(step, host, following, ports, async (session) => {
        const done = await runMarked(session, undoScript(step, initial.id, word), word, {
          step,
          following,
          timeoutMs: stepTimeoutMs[step.kind] ?? defaultStepTimeoutMs,
        })
        if (!done.ok) return done
        const { result: ended, markers } = done.value
        if (ended.exit === 0 && markers.includes('nothing')) return ok('nothing')
        if (ended.exit === 0 && markers.includes('undone')) return ok('undone')
        const detail = { host: host.name, answer: lastWords(ended), kept: `${keptRoot}/${initial.id}` }
        return failed(problem('undo-incomplete', detail))
      })
      if (result.ok) {
        following.step(step.id, { state: result.value === 'undone' ? 'undone' : before.state })
        if (step.kind === 'socket-group' && result.value === 'undone') ports.hosts.drop(host)
        continue
      }
      const reason = result.problems[0] ?? problem('undo-incomplete', { host: host.name, answer: '', kept: keptRoot })
      const placed = { ...reason, where: { kind: 'host', host: host.id, step: step.id } as const }
      following.step(step.id, { state: 'failed', problem: placed })
      failures.push(placed)
      // Without a connection the other steps of this host cannot be taken back either.
      if (reason.code !== 'undo-incomplete') return
    }
    const session = await ports.hosts.session(host)
    if (session.ok) await session.value.sweepUploads()
  }

  for (const group of [...initial.plan.order].reverse()) {
    await Promise.all(group.map(undoHost))
  }
  following.set({
    state: failures.length > 0 ? 'failed' : 'undone',
    endedAtMs: ports.now(),
    problems: failures,
  })
  return following.current()
}
