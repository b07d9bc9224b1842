/**
 * Plans made and run: the plan of a draft, its run, the same run gone on with after it ended early, one step of it tried again, and the
 * way back. At most one run of a cluster is under way. What a run did is on disk (provision/runs.ts), so a run whose application was
 * closed is found again as it stood.
 */
import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { checkDraft, draftLvscf } from '../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../domain/cluster.ts'
import type { HandScript, UnfinishedRun } from '../domain/contract/app.ts'
import type { HostFacts } from '../domain/facts.ts'
import { check } from '../domain/lvscf/check.ts'
import type { Plan, Run, RunLine } from '../domain/plan.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Problem, Result } from '../domain/problem.ts'
import type { Language } from '../domain/speech/speech.ts'
import type { ClusterKeys, Clusters } from './clusters.ts'
import { fileNameOf, reasonOf, writePrivate } from './disk.ts'
import type { Drafts } from './drafts.ts'
import type { Log } from './ports.ts'
import { readBuild } from './provision/build.ts'
import type { LocalBuild } from './provision/build.ts'
import type { Ignored } from './provision/ignored.ts'
import { realServerScript } from './provision/by-hand.ts'
import { makePlan } from './provision/plan.ts'
import { preflight } from './provision/preflight.ts'
import { prove } from './provision/prove.ts'
import { carryOut, takeBack } from './provision/run.ts'
import type { RunPorts } from './provision/run.ts'
import type { RunRecord, Runs } from './provision/runs.ts'
import { clusterScript, hostScript } from './provision/script.ts'
import { survey } from './provision/survey.ts'
import { windowsScript } from './provision/windows.ts'
import type { Hosts } from './ssh/hosts.ts'

export interface BuildsPorts {
  readonly dataDir: string
  readonly agentDir: string
  readonly drafts: Drafts
  readonly clusters: Clusters
  readonly keys: ClusterKeys
  readonly runs: Runs
  readonly ignored: Ignored
  readonly hosts: Hosts
  readonly now: () => number
  readonly log: Log
  readonly onRun: (run: Run) => void
  readonly onLine: (line: RunLine) => void
  readonly onClusters: () => void
  /** A build has ended well: its configuration is a revision of the cluster. */
  readonly onBuilt: (draft: ClusterDraft, lvscf: string) => Promise<Result<null>>
  /** Ends the watch of a cluster that is taken back. */
  readonly endWatch: (clusterId: string) => void
  /** Starts the watch of a cluster that was built anew. */
  readonly restartWatch: (clusterId: string) => Promise<void>
}

export interface Builds {
  plan(draftId: string): Promise<Result<Plan>>
  /** The whole plan of a draft that is not the kept one, with an lvs.cf as it stands; it cannot be started. */
  planOf(draft: ClusterDraft, revision: number, lvscf: string): Promise<Result<{ readonly plan: Plan }>>
  start(draftId: string, draftRevision: number): Promise<Result<{ readonly runId: string }>>
  /** Goes on with a run that failed, was cancelled or interrupted: with all of it, or with one step alone. */
  resume(runId: string, stepId?: string): Promise<Result<null>>
  /** Runs the steps of a plan and nothing else: no proof, no cluster kept. The run stands as `proving` when all are done. */
  carry(plan: Plan, draft: ClusterDraft): Promise<Result<Run>>
  /** Ends a run that `carry` left standing. */
  finishRun(runId: string, changes: Partial<Run>): void
  /** Takes one run back and no other. */
  takeBackRun(runId: string): Promise<Result<null>>
  /** Takes back what every standing run of a cluster did on one host. */
  takeBackHost(draftId: string, hostId: string, draft: ClusterDraft): Promise<Result<null>>
  /** What older runs did on a host that is dead counts no more; there is nothing left to take back. */
  forgetHost(draftId: string, hostId: string, exceptRunIds: readonly string[]): void
  /** Removes a cluster: every run that stands is taken back, newest first. */
  remove(draftId: string): Promise<Result<{ readonly runId: string }>>
  cancel(runId: string): Result<null>
  /** The plan last made (or last run) as a script: of one host, or of all with `hostId` undefined. */
  script(draftId: string, hostId: string | undefined, language: Language): Result<HandScript>
  /** Lays the cluster key in a private file on this machine, for a run by hand; answers the file. */
  keyFile(draftId: string): Promise<Result<{ readonly file: string }>>
  undo(runId: string): Promise<Result<null>>
  /** Runs that ended early and were neither gone on with nor taken back. */
  unfinished(): readonly UnfinishedRun[]
  /** Whether a run of this cluster is under way. */
  busy(draftId: string): boolean
  /** Cancels between steps and waits. */
  close(): Promise<void>
}

interface Made {
  readonly plan: Plan
  readonly draft: ClusterDraft
  readonly facts: ReadonlyMap<string, HostFacts>
  readonly build: LocalBuild
}

/** What a run is made with: shown plan, draft with the logins, and the agent to copy. */
type Ready = Pick<Made, 'plan' | 'draft' | 'build'> & { readonly facts?: Made['facts'] }

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Whether the build on this machine still has every file the plan names. */
function hasFilesOf(build: LocalBuild, plan: Plan): boolean {
  const known = new Map([
    ...build.build.files.map((file) => [file.name, file.sha256] as const),
    ...Object.values(build.build.runtimes).map((runtime) => [runtime.name, runtime.sha256] as const),
  ])
  return plan.steps
    .flatMap((step) => step.files)
    .every(({ content }) => content.kind !== 'binary' || known.get(content.name) === content.sha256)
}

export function openBuilds(ports: BuildsPorts): Builds {
  const { drafts, clusters, keys, runs, hosts, now, log } = ports
  const made = new Map<string, Made>()
  const underWay = new Map<
    string,
    { readonly runId: string; readonly stop: AbortController; readonly over: Promise<unknown> }
  >()

  async function plan(draftId: string): Promise<Result<Plan>> {
    const kept = await drafts.get(draftId)
    if (!kept.ok) return kept
    const { draft, revision } = kept.value
    const faults = checkDraft(draft).filter(({ severity }) => severity === 'block')
    if (faults.length > 0) return failed(problem('draft-incomplete', { count: faults.length }), ...faults)
    const lvscf = draftLvscf(draft)
    const unsound = check(lvscf).problems.filter(({ severity }) => severity === 'block')
    if (unsound.length > 0) return failed(...unsound)
    const planned = await planOf(draft, revision, lvscf)
    if (!planned.ok) return planned
    made.set(draftId, planned.value)
    return ok(planned.value.plan)
  }

  /** The whole plan of a draft with an lvs.cf; looks at the hosts. */
  async function planOf(draft: ClusterDraft, revision: number, lvscf: string): Promise<Result<Made>> {
    const build = await readBuild(ports.agentDir)
    if (!build.ok) return build
    const surveyed = await survey(draft, hosts, now)
    const facts = new Map(surveyed.flatMap((host) => (host.facts ? [[host.hostId, host.facts] as const] : [])))
    const clusterKeyDigest = await keys.digest(draft.id)
    const kept = await clusters.get(draft.id)
    const found = preflight({
      draft,
      surveyed,
      machines: Object.keys(build.value.build.runtimes),
      lvscf,
      ...(clusterKeyDigest === undefined ? {} : { clusterKeyDigest }),
      ...(kept.ok ? { keptLvscf: kept.value.lvscf } : {}),
    })
    const byHand = draft.realServers
      .filter((server) => server.setUp !== 'ssh')
      .map((server) => ({
        hostId: server.id,
        check: 'set-up-by-hand',
        command:
          server.setUp === 'windows' ? (windowsScript(draft, server) ?? '') : realServerScript(draft, server, facts),
        answer: '',
        problem: problem('set-up-by-hand', { host: server.name }, { kind: 'host', host: server.id }, 'note'),
      }))
    const planned = makePlan({
      draft,
      draftRevision: revision,
      facts,
      findings: await ports.ignored.mark(draft.id, [...found, ...byHand]),
      lvscf,
      configDigest: sha256(lvscf),
      build: build.value.build,
    })
    return ok({ plan: planned, draft, facts, build: build.value })
  }

  function runPorts(
    clusterId: string,
    build: LocalBuild | undefined,
    record: () => RunRecord,
    signal: AbortSignal,
  ): RunPorts {
    return {
      hosts,
      signal,
      now,
      binary: (name) => build?.binary(name),
      secret: () => keys.of(clusterId),
      changed: (run) => {
        runs.put({ ...record(), run })
        ports.onRun(run)
      },
      line: (line) => {
        runs.line(line)
        ports.onLine(line)
      },
    }
  }

  function finish(record: RunRecord, changes: Partial<Run>): void {
    const newest = runs.get(record.run.id) ?? record
    const run = { ...newest.run, ...changes, endedAtMs: now() }
    runs.put({ ...newest, run })
    ports.onRun(run)
  }

  /** Does something with a run, alone on its cluster; a bug in it is the run's failure and not the application's. */
  function attend(record: RunRecord, work: (signal: AbortSignal) => Promise<void>): void {
    const { id: runId, draftId } = record.run
    const stop = new AbortController()
    const over = work(stop.signal)
      .catch((error: unknown) => {
        log('error', 'a run threw', { reason: reasonOf(error) })
        finish(record, { state: 'failed', problems: [problem('run-interrupted')] })
      })
      .finally(() => underWay.delete(draftId))
    underWay.set(draftId, { runId, stop, over })
  }

  async function start(draftId: string, draftRevision: number): Promise<Result<{ readonly runId: string }>> {
    if (underWay.has(draftId)) return failed(problem('run-under-way'))
    const ready = made.get(draftId)
    if (!ready) return failed(problem('plan-absent'))
    const kept = await drafts.get(draftId)
    if (!kept.ok) return kept
    if (ready.plan.draftRevision !== draftRevision || kept.value.revision !== draftRevision) {
      return failed(problem('plan-outdated'))
    }
    const blocks = ready.plan.findings.filter((finding) => finding.problem.severity === 'block').length
    if (blocks > 0) return failed(problem('plan-blocked', { count: blocks }))
    if (underWay.has(draftId)) return failed(problem('run-under-way'))

    const before = runs.newestOf(draftId)
    const unfinished = before && (before.run.state === 'failed' || before.run.state === 'cancelled')
    const run: Run = {
      id: randomUUID(),
      draftId,
      clusterId: draftId,
      state: 'running',
      startedAtMs: now(),
      plan: ready.plan,
      steps: ready.plan.steps.map((step) => ({ stepId: step.id, state: 'waiting' })),
      proof: [],
      problems: [],
    }
    const record: RunRecord = { run, draft: ready.draft, ...(unfinished ? { follows: before.run.id } : {}) }
    runs.put(record)
    ports.onRun(run)
    attend(record, (signal) => perform(record, ready, signal))
    return ok({ runId: run.id })
  }

  async function perform(record: RunRecord, ready: Ready, signal: AbortSignal, onlyStep?: string): Promise<void> {
    const { draft } = ready
    const ended = await carryOut(
      record.run,
      draft,
      runPorts(draft.id, ready.build, () => runs.get(record.run.id) ?? record, signal),
      onlyStep,
    )
    if (ended.state !== 'proving') return
    const surveyed = ready.facts === undefined ? await survey(draft, hosts, now) : []
    const facts =
      ready.facts ?? new Map(surveyed.flatMap((host) => (host.facts ? [[host.hostId, host.facts] as const] : [])))
    const proof = await prove(draft, { hosts, facts, configDigest: sha256(ready.plan.lvscf) })
    const missed = proof.filter(({ passed }) => !passed).length
    const kept = await clusters.put({
      id: draft.id,
      name: draft.name.trim(),
      builtAtMs: now(),
      draft,
      lvscf: ready.plan.lvscf,
    })
    const noted = await ports.onBuilt(draft, ready.plan.lvscf)
    finish(record, {
      state: 'done',
      proof,
      problems: [
        ...(noted.ok ? [] : noted.problems),
        ...(missed > 0 ? [problem('proof-failed', { count: missed, total: proof.length }, undefined, 'warning')] : []),
        ...(kept.ok ? [] : kept.problems),
      ],
    })
    await ports.restartWatch(draft.id)
    ports.onClusters()
  }

  async function resume(runId: string, stepId?: string): Promise<Result<null>> {
    const record = runs.get(runId)
    if (!record) return failed(problem('not-found', { name: runId }))
    const { run, draft } = record
    if (underWay.has(run.draftId)) return failed(problem('run-under-way'))
    if (run.state !== 'failed' && run.state !== 'cancelled') return failed(problem('run-not-resumable'))
    // Something newer was done to these hosts since: what this run stood at says nothing any more.
    if (runs.newestOf(run.draftId)?.run.id !== runId) return failed(problem('run-overtaken'))
    if (stepId !== undefined && !run.plan.steps.some(({ id }) => id === stepId)) {
      return failed(problem('not-found', { name: stepId }))
    }
    const build = await readBuild(ports.agentDir)
    if (!build.ok) return build
    if (!hasFilesOf(build.value, run.plan)) return failed(problem('plan-outdated'))
    if (underWay.has(run.draftId)) return failed(problem('run-under-way'))
    const { endedAtMs: _ended, ...rest } = run
    const again: RunRecord = { ...record, run: { ...rest, state: 'running', problems: [] } }
    runs.put(again)
    ports.onRun(again.run)
    attend(again, (signal) => perform(again, { plan: run.plan, draft, build: build.value }, signal, stepId))
    return ok(null)
  }

  async function undo(runId: string): Promise<Result<null>> {
    const record = runs.get(runId)
    if (!record) return failed(problem('not-found', { name: runId }))
    if (underWay.has(record.run.draftId)) return failed(problem('run-not-over'))
    attend(record, (signal) => undoChain(record, signal))
    return ok(null)
  }

  /**
   * Takes back a run, before it every newer one that still stands, and after it the unfinished ones it went on from; it is told as
   * undone when all are. When no build is left standing, the cluster is forgotten here too.
   */
  async function undoChain(asked: RunRecord, signal: AbortSignal): Promise<void> {
    ports.endWatch(asked.run.clusterId)
    const chain = runs.chain(asked.run.id)
    for (const here of chain) {
      const told = runPorts(here.run.clusterId, undefined, () => runs.get(here.run.id) ?? here, signal)
      const last = here === chain.at(-1)
      const ended = await takeBack(here.run, here.draft, {
        ...told,
        changed: (run) => {
          const early = here.run.id === asked.run.id && !last && run.state === 'undone'
          told.changed(early ? { ...run, state: 'undoing' } : run)
        },
      })
      if (ended.state !== 'undone') {
        // What could not be taken back stays to be tried again, with the reasons where the operator looks.
        if (here.run.id !== asked.run.id) finish(asked, { state: 'failed', problems: ended.problems })
        return
      }
    }
    // An earlier build that still stands keeps its cluster and its key.
    if (!runs.standing(asked.run.draftId, asked.run.id)) {
      await clusters.forget(asked.run.clusterId)
      await keys.forget(asked.run.clusterId)
    }
    finish(asked, { state: 'undone', problems: [] })
    ports.onClusters()
  }

  function script(draftId: string, hostId: string | undefined, language: Language): Result<HandScript> {
    const shown = made.get(draftId)?.plan ?? runs.newestOf(draftId)?.run.plan
    const draft = made.get(draftId)?.draft ?? runs.newestOf(draftId)?.draft
    if (!shown || !draft) return failed(problem('plan-absent'))
    const material = { digest: sha256, agentDir: ports.agentDir, language }
    const word = (text: string): string => text.trim().replace(/[^A-Za-z0-9._-]+/g, '-') || 'cluster'
    if (hostId === undefined) {
      return ok({ fileName: `shoal-${word(draft.name)}.sh`, text: clusterScript(shown, material) })
    }
    const host = [...draft.directors, ...draft.realServers].find(({ id }) => id === hostId)
    if (!host) return failed(problem('not-found', { name: hostId }))
    const byHand = draft.realServers.find(({ id, setUp }) => id === hostId && setUp !== 'ssh')
    const finding = shown.findings.find((each) => each.hostId === hostId && each.problem.code === 'set-up-by-hand')
    const fileName = `shoal-${word(draft.name)}-${word(host.name)}.${byHand?.setUp === 'windows' ? 'ps1' : 'sh'}`
    const text = byHand && finding ? finding.command : hostScript(shown, hostId, material)
    return ok({ fileName, text })
  }

  async function carry(todo: Plan, draft: ClusterDraft): Promise<Result<Run>> {
    if (underWay.has(draft.id)) return failed(problem('run-under-way'))
    const build = await readBuild(ports.agentDir)
    if (!build.ok) return build
    const run: Run = {
      id: randomUUID(),
      draftId: draft.id,
      clusterId: draft.id,
      state: 'running',
      startedAtMs: now(),
      plan: todo,
      steps: todo.steps.map((step) => ({ stepId: step.id, state: 'waiting' })),
      proof: [],
      problems: [],
    }
    const record: RunRecord = { run, draft }
    runs.put(record)
    ports.onRun(run)
    let ended: Run = run
    attend(record, async (signal) => {
      ended = await carryOut(
        run,
        draft,
        runPorts(draft.id, build.value, () => runs.get(run.id) ?? record, signal),
      )
    })
    await underWay.get(draft.id)?.over
    return ok(ended)
  }

  async function takeBackRun(runId: string): Promise<Result<null>> {
    const record = runs.get(runId)
    if (!record) return failed(problem('not-found', { name: runId }))
    if (underWay.has(record.run.draftId)) return failed(problem('run-not-over'))
    let ended: Run = record.run
    attend(record, async (signal) => {
      const told = runPorts(record.run.clusterId, undefined, () => runs.get(runId) ?? record, signal)
      ended = await takeBack(record.run, record.draft, told)
    })
    await underWay.get(record.run.draftId)?.over
    return ended.state === 'undone' ? ok(null) : failed(...ended.problems)
  }

  async function takeBackHost(draftId: string, hostId: string, draft: ClusterDraft): Promise<Result<null>> {
    if (underWay.has(draftId)) return failed(problem('run-not-over'))
    const problems: Problem[] = []
    for (const record of runs.standingOf(draftId)) {
      const { run } = record
      const steps = run.plan.steps.filter((step) => step.hostId === hostId)
      if (steps.length === 0) continue
      const part: Run = { ...run, plan: { ...run.plan, steps, order: [[hostId]] } }
      const ended = await takeBack(part, draft, {
        ...runPorts(draftId, undefined, () => record, new AbortController().signal),
        // The run goes on standing with the steps on its other hosts.
        changed: () => undefined,
      })
      if (ended.state !== 'undone') problems.push(...ended.problems)
      runs.put({ ...record, run: { ...run, steps: ended.steps } })
    }
    return problems.length === 0 ? ok(null) : failed(...problems)
  }

  async function remove(draftId: string): Promise<Result<{ readonly runId: string }>> {
    const oldest = runs.standingOf(draftId).at(-1)
    if (!oldest) return failed(problem('nothing-to-take-back'))
    const undoing = await undo(oldest.run.id)
    return undoing.ok ? ok({ runId: oldest.run.id }) : undoing
  }

  async function keyFile(draftId: string): Promise<Result<{ readonly file: string }>> {
    const key = await keys.of(draftId)
    if (!key.ok) return key
    const file = join(ports.dataDir, 'by-hand', fileNameOf(draftId), 'cluster.key')
    const written = await writePrivate(file, key.value)
    return written.ok ? ok({ file }) : written
  }

  return {
    plan,
    planOf,
    script,
    keyFile,
    carry,
    finishRun(runId, changes) {
      const record = runs.get(runId)
      if (record) finish(record, changes)
    },
    takeBackRun,
    takeBackHost,
    forgetHost(draftId, hostId, exceptRunIds) {
      for (const record of runs.standingOf(draftId)) {
        const { run } = record
        if (exceptRunIds.includes(run.id)) continue
        const own = new Set(run.plan.steps.filter((step) => step.hostId === hostId).map(({ id }) => id))
        const steps = run.steps.map((step) => (own.has(step.stepId) ? { ...step, state: 'undone' as const } : step))
        runs.put({ ...record, run: { ...run, steps } })
      }
    },
    remove,
    start,
    resume,
    undo,
    cancel(runId) {
      const record = runs.get(runId)
      if (!record) return failed(problem('not-found', { name: runId }))
      const going = underWay.get(record.run.draftId)
      if (going?.runId === runId) going.stop.abort()
      return ok(null)
    },
    unfinished: () =>
      runs.newestOfEach().flatMap(({ run, draft }) => {
        if (run.state !== 'failed' && run.state !== 'cancelled') return []
        const done = run.steps.filter(({ state }) => state === 'done' || state === 'already').length
        return [
          {
            runId: run.id,
            draftId: run.draftId,
            name: draft.name.trim(),
            state: run.state,
            startedAtMs: run.startedAtMs,
            done,
            all: run.steps.length,
          },
        ]
      }),
    busy: (draftId) => underWay.has(draftId),
    async close() {
      for (const { stop } of underWay.values()) stop.abort()
      await Promise.allSettled([...underWay.values()].map(({ over }) => over))
    },
  }
}
