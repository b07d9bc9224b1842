/**
 * The application without a window: answers every request of contract/app.ts and tells its events. A host (Electron or browser) makes
 * one core and carries names and arguments to it; a request without a handler here does not compile.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkDraft, draftLvscf } from '../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../domain/cluster.ts'
import { requests } from '../domain/contract/app.ts'
import type { Answer, Args, EventName, Events, HostTried, RequestName } from '../domain/contract/app.ts'
import { isIpv4 } from '../domain/ipv4.ts'
import { check } from '../domain/lvscf/check.ts'
import type { Plan, Run } from '../domain/plan.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import type { HostFacts } from '../domain/facts.ts'
import type { ClusterSummary } from '../domain/status.ts'
import { openClusterKeys, openClusters } from './clusters.ts'
import type { Cluster } from './clusters.ts'
import { makePrivateDirectory, reasonOf } from './disk.ts'
import { documentHandlers } from './documents.ts'
import { openDrafts } from './drafts.ts'
import { openJournal } from './live/journal.ts'
import type { Journal } from './live/journal.ts'
import { startWatch } from './live/watch.ts'
import type { Watch } from './live/watch.ts'
import type { Core, Log, Ports } from './ports.ts'
import { readBuild } from './provision/build.ts'
import type { LocalBuild } from './provision/build.ts'
import { makePlan, realServerScript } from './provision/plan.ts'
import { preflight } from './provision/preflight.ts'
import { prove } from './provision/prove.ts'
import { carryOut, takeBack } from './provision/run.ts'
import type { RunPorts } from './provision/run.ts'
import { openRuns } from './provision/runs.ts'
import type { RunRecord } from './provision/runs.ts'
import { tryService } from './provision/service.ts'
import { addressFree, askFacts, survey } from './provision/survey.ts'
import { openSecrets } from './secrets.ts'
import { openHosts, targetOf } from './ssh/hosts.ts'
import { openKnownHosts } from './ssh/known-hosts.ts'

type Handlers = { readonly [N in RequestName]: (args: Args<N>) => Promise<Result<Answer<N>>> }

/** A history that is asked for without a watch waits this long for the directors. */
const historyWaitMs = 6_000
/** A watch that nobody looks at any more is kept this long, so that going from page to page does not reconnect. */
const watchLingerMs = 10_000
const maxKeyFiles = 50
const uploadTagLength = 8

interface Made {
  readonly plan: Plan
  readonly draft: ClusterDraft
  readonly facts: ReadonlyMap<string, HostFacts>
  readonly build: LocalBuild
  readonly configDigest: string
}

interface Watched {
  readonly watch: Watch
  watchers: number
  linger?: NodeJS.Timeout
}

const quiet: Log = () => undefined

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Private keys in ~/.ssh by their first line, the usual names first. */
async function findKeys(home: string): Promise<readonly string[]> {
  const directory = join(home, '.ssh')
  const found: string[] = []
  try {
    for (const name of (await readdir(directory)).sort().slice(0, maxKeyFiles)) {
      const file = join(directory, name)
      if (name.endsWith('.pub') || !(await stat(file)).isFile()) continue
      const start = (await readFile(file, 'latin1')).slice(0, 60)
      if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(start)) found.push(file)
    }
  } catch {
    // No ~/.ssh, or a file that may not be read: then there is nothing to offer.
  }
  return found.sort((a, b) => Number(b.includes('id_')) - Number(a.includes('id_')))
}

/** Makes the core of one user on one machine. Reads what is kept; connects to nothing until asked. */
export async function createCore(ports: Ports): Promise<Core> {
  const log = ports.log ?? quiet
  const now = Date.now
  await makePrivateDirectory(ports.dataDir)
  const secrets = openSecrets(ports.secrets)
  const knownHosts = openKnownHosts(join(ports.dataDir, 'known_hosts'), ports.home)
  const hosts = openHosts({
    knownHosts,
    secret: secrets.get,
    uploadTag: sha256(ports.dataDir).slice(0, uploadTagLength),
    ...(ports.sshAgentSocket === undefined ? {} : { sshAgentSocket: ports.sshAgentSocket }),
  })
  const drafts = openDrafts(ports.dataDir, now)
  const clusters = openClusters(ports.dataDir)
  const keys = openClusterKeys(ports.dataDir, ports.secrets)
  const runs = await openRuns(ports.dataDir)
  const journals = new Map<string, Promise<Journal>>()
  const watches = new Map<string, Promise<Watched | undefined>>()
  const made = new Map<string, Made>()
  const underWay = new Map<
    string,
    { readonly runId: string; readonly stop: AbortController; readonly over: Promise<unknown> }
  >()

  const listeners = new Set<<N extends EventName>(name: N, event: Events[N]) => void>()
  function tell<N extends EventName>(name: N, event: Events[N]): void {
    for (const listener of listeners) {
      try {
        listener(name, event)
      } catch (error) {
        log('error', 'a listener threw', { event: name, reason: reasonOf(error) })
      }
    }
  }

  function journalOf(clusterId: string): Promise<Journal> {
    const known = journals.get(clusterId)
    if (known) return known
    const opening = openJournal(join(ports.dataDir, 'journal', `${encodeURIComponent(clusterId)}.jsonl`))
    journals.set(clusterId, opening)
    return opening
  }

  /** Adds a watcher; the first starts the watch. */
  async function watchCluster(id: string): Promise<Result<Watched>> {
    const known = await watches.get(id)
    if (known) {
      known.watchers++
      clearTimeout(known.linger)
      return ok(known)
    }
    const cluster = await clusters.get(id)
    if (!cluster.ok) return cluster
    const config = check(cluster.value.lvscf).config
    const journal = await journalOf(id)
    const again = await watches.get(id)
    if (again) {
      again.watchers++
      return ok(again)
    }
    const vips = [...new Set((config?.virtualServers ?? []).map((server) => server.vip.address))]
    const watched: Watched = {
      watchers: 1,
      watch: startWatch(id, cluster.value.draft, config?.heartbeat.keepaliveMs ?? 1_000, vips, {
        hosts,
        journal,
        now,
        onStatus: (status) => {
          tell('cluster.status', status)
        },
        onJournal: (entries) => {
          tell('cluster.journal', { clusterId: id, entries })
        },
      }),
    }
    watches.set(id, Promise.resolve(watched))
    return ok(watched)
  }

  async function unwatchCluster(id: string): Promise<void> {
    const watched = await watches.get(id)
    if (!watched) return
    watched.watchers = Math.max(0, watched.watchers - 1)
    if (watched.watchers > 0) return
    clearTimeout(watched.linger)
    watched.linger = setTimeout(() => {
      if (watched.watchers > 0) return
      watched.watch.stop()
      watches.delete(id)
    }, watchLingerMs)
    watched.linger.unref()
  }

  /** Ends a watch whose cluster was built anew or is gone; watchers are carried over to a new one. */
  async function restartWatch(id: string): Promise<void> {
    const watched = await watches.get(id)
    if (!watched) return
    watches.delete(id)
    clearTimeout(watched.linger)
    watched.watch.stop()
    if (watched.watchers === 0) return
    const fresh = await watchCluster(id)
    if (fresh.ok) fresh.value.watchers = watched.watchers
  }

  async function summaryOf(cluster: Cluster): Promise<ClusterSummary> {
    const watched = await watches.get(cluster.id)
    return {
      id: cluster.id,
      name: cluster.name,
      virtualIps: [cluster.draft.virtualIp.address.trim()],
      directors: cluster.draft.directors.map(({ name, address }) => ({ name: name.trim(), address: address.trim() })),
      watched: watched !== undefined && watched.watchers > 0,
      ...(watched ? { verdict: watched.watch.status().verdict } : {}),
    }
  }

  async function tryHost(host: HostDraft): Promise<Result<HostTried>> {
    const asked = await askFacts(hosts, host, now)
    if (asked.ok) return ok({ kind: 'facts', ...asked.value })
    const unknown = asked.problems.find(({ code }) => code === 'host-key-unknown')
    if (!unknown?.detail) return asked
    const { host: address, port, algorithm, fingerprint } = unknown.detail
    return ok({
      kind: 'unknown-key',
      key: {
        address: String(address),
        port: Number(port),
        algorithm: String(algorithm),
        fingerprint: String(fingerprint),
      },
    })
  }

  async function planOf(draftId: string): Promise<Result<Plan>> {
    const kept = await drafts.get(draftId)
    if (!kept.ok) return kept
    const { draft, revision } = kept.value
    const faults = checkDraft(draft).filter(({ severity }) => severity === 'block')
    if (faults.length > 0) return failed(problem('draft-incomplete', { count: faults.length }), ...faults)
    const build = await readBuild(ports.agentDir)
    if (!build.ok) return build
    const lvscf = draftLvscf(draft)
    const read = check(lvscf)
    const unsound = read.problems.filter(({ severity }) => severity === 'block')
    if (unsound.length > 0) return failed(...unsound)

    const surveyed = await survey(draft, hosts, now)
    const facts = new Map(surveyed.flatMap((host) => (host.facts ? [[host.hostId, host.facts] as const] : [])))
    const clusterKeyDigest = await keys.digest(draftId)
    const found = preflight({
      draft,
      surveyed,
      machines: Object.keys(build.value.build.runtimes),
      lvscf,
      ...(clusterKeyDigest === undefined ? {} : { clusterKeyDigest }),
    })
    const byHand = draft.realServers
      .filter((server) => server.setUp === 'script')
      .map((server) => ({
        hostId: server.id,
        check: 'set-up-by-hand',
        command: realServerScript(draft),
        answer: '',
        problem: problem('set-up-by-hand', { host: server.name }, { kind: 'host', host: server.id }, 'note'),
      }))
    const configDigest = sha256(lvscf)
    const plan = makePlan({
      draft,
      draftRevision: revision,
      facts,
      findings: [...found, ...byHand],
      lvscf,
      configDigest,
      build: build.value.build,
    })
    made.set(draftId, { plan, draft, facts, build: build.value, configDigest })
    return ok(plan)
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
        tell('run.changed', run)
      },
      line: (line) => {
        runs.line(line)
        tell('run.line', line)
      },
    }
  }

  async function startRun(draftId: string, draftRevision: number): Promise<Result<{ readonly runId: string }>> {
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
    const unfinished =
      before && (before.run.state === 'failed' || before.run.state === 'cancelled') ? before : undefined
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
    const record: RunRecord = { run, draft: ready.draft, ...(unfinished ? { follows: unfinished.run.id } : {}) }
    runs.put(record)
    tell('run.changed', run)
    const stop = new AbortController()
    const over = perform(record, ready, stop.signal)
      .catch((error: unknown) => {
        log('error', 'a run threw', { reason: reasonOf(error) })
        finish(record, { state: 'failed', problems: [problem('run-interrupted')] })
      })
      .finally(() => underWay.delete(draftId))
    underWay.set(draftId, { runId: run.id, stop, over })
    return ok({ runId: run.id })
  }

  function finish(record: RunRecord, changes: Partial<Run>): void {
    const newest = runs.get(record.run.id) ?? record
    const run = { ...newest.run, ...changes, endedAtMs: now() }
    runs.put({ ...newest, run })
    tell('run.changed', run)
  }

  async function perform(record: RunRecord, ready: Made, signal: AbortSignal): Promise<void> {
    const { draft, plan } = ready
    const ended = await carryOut(
      record.run,
      draft,
      runPorts(draft.id, ready.build, () => runs.get(record.run.id) ?? record, signal),
    )
    if (ended.state !== 'proving') return
    const proof = await prove(draft, { hosts, facts: ready.facts, configDigest: ready.configDigest })
    const missed = proof.filter(({ passed }) => !passed).length
    const kept = await clusters.put({
      id: draft.id,
      name: draft.name.trim(),
      builtAtMs: now(),
      draft,
      lvscf: plan.lvscf,
    })
    finish(record, {
      state: 'done',
      proof,
      problems: [
        ...(missed > 0 ? [problem('proof-failed', { count: missed, total: proof.length }, undefined, 'warning')] : []),
        ...(kept.ok ? [] : kept.problems),
      ],
    })
    await restartWatch(draft.id)
    tell('clusters.changed', null)
  }

  async function undoRun(runId: string): Promise<Result<null>> {
    const record = runs.get(runId)
    if (!record) return failed(problem('not-found', { name: runId }))
    const { draftId } = record.run
    if (underWay.has(draftId)) return failed(problem('run-not-over'))
    const stop = new AbortController()
    const over = undoChain(record, stop.signal)
      .catch((error: unknown) => {
        log('error', 'taking back threw', { reason: reasonOf(error) })
        finish(record, { state: 'failed', problems: [problem('run-interrupted')] })
      })
      .finally(() => underWay.delete(draftId))
    underWay.set(draftId, { runId, stop, over })
    return ok(null)
  }

  /**
   * Takes back a run, before it every newer one that still stands, and after it the unfinished ones it went on from; it is told as
   * undone when all are. When no build is left standing, the cluster is forgotten here too.
   */
  async function undoChain(asked: RunRecord, signal: AbortSignal): Promise<void> {
    const watched = await watches.get(asked.run.clusterId)
    watched?.watch.stop()
    watches.delete(asked.run.clusterId)
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
    tell('clusters.changed', null)
  }

  async function history(id: string, limit: number): Promise<Result<Answer<'clusters.history'>>> {
    const watched = await watchCluster(id)
    if (!watched.ok) return watched
    await watched.value.watch.heardOrFailed(historyWaitMs)
    const { directors } = watched.value.watch.status()
    const missing = directors.flatMap((director) => (director.problem ? [director.problem] : []))
    const journal = await journalOf(id)
    await journal.settled()
    await unwatchCluster(id)
    return ok({ entries: journal.newest(limit), missing })
  }

  async function handOver(id: string): Promise<Result<null>> {
    const watched = await watchCluster(id)
    if (!watched.ok) return watched
    await watched.value.watch.heardOrFailed(historyWaitMs)
    const done = await watched.value.watch.order({ kind: 'hand-over', by: `Shoal on ${ports.host}` })
    await unwatchCluster(id)
    return done
  }

  async function retryWatches(): Promise<void> {
    for (const watching of watches.values()) (await watching)?.watch.retry()
  }

  const handlers: Handlers = {
    ...documentHandlers({
      dataDir: ports.dataDir,
      home: ports.home,
      hosts,
      clusterLogin: async ({ user, address, port }) =>
        (await clusters.list())
          .flatMap(({ draft }) => draft.directors)
          .map(targetOf)
          .find((one) => one.user === user && one.address === address && one.port === port)?.login,
    }),

    'app.info': async () =>
      ok({
        version: ports.version,
        host: ports.host,
        offered: ports.offered ?? [],
        keys: await findKeys(ports.home),
        sshAgent: ports.sshAgentSocket !== undefined && ports.sshAgentSocket !== '',
        keychain: ports.secrets !== undefined,
      }),

    'drafts.list': () => drafts.list(),
    'drafts.get': ({ id }) => drafts.get(id),
    'drafts.keep': async ({ draft, revision }) => {
      const kept = await drafts.keep(draft, revision)
      if (kept.ok) tell('draft.kept', { id: draft.id, revision: kept.value.revision })
      return kept
    },
    'drafts.forget': ({ id }) => drafts.forget(id),

    'secrets.keep': async ({ kind, secret, ...owner }) => {
      await secrets.keep(owner, kind, secret)
      await retryWatches()
      return ok(null)
    },

    'hosts.try': ({ host }) => tryHost(host),
    'hosts.trust': async (key) => {
      const trusted = await hosts.trust(key)
      if (trusted.ok) await retryWatches()
      return trusted
    },
    'hosts.address-free': async ({ host, device, address }) => {
      // These two go into a command line there, so nothing but an address and an interface may pass.
      if (!isIpv4(address)) return failed(problem('address-malformed', { value: address }))
      if (!/^[A-Za-z0-9_.-]{1,15}$/.test(device)) return failed(problem('device-malformed', { value: device }))
      return addressFree(hosts, host, device, address)
    },
    'hosts.check-service': (args) => tryService(hosts, args),

    'plan.make': ({ draftId }) => planOf(draftId),
    'run.start': ({ draftId, draftRevision }) => startRun(draftId, draftRevision),
    'run.get': async ({ runId }) => {
      const record = runs.get(runId)
      return record ? ok(record.run) : failed(problem('not-found', { name: runId }))
    },
    'run.of-draft': async ({ draftId }) => ok(runs.newestOf(draftId)?.run ?? null),
    'run.output': async ({ runId }) => ok(await runs.output(runId)),
    'run.cancel': async ({ runId }) => {
      const record = runs.get(runId)
      if (!record) return failed(problem('not-found', { name: runId }))
      const going = underWay.get(record.run.draftId)
      if (going?.runId === runId) going.stop.abort()
      return ok(null)
    },
    'run.undo': ({ runId }) => undoRun(runId),

    'clusters.list': async () => ok(await Promise.all((await clusters.list()).map(summaryOf))),
    'clusters.get': async ({ id }) => {
      const cluster = await clusters.get(id)
      if (!cluster.ok) return cluster
      const { draft, lvscf } = cluster.value
      return ok({ summary: await summaryOf(cluster.value), draft, lvscf })
    },
    'clusters.forget': async ({ id }) => {
      const watched = await watches.get(id)
      watched?.watch.stop()
      watches.delete(id)
      await clusters.forget(id)
      tell('clusters.changed', null)
      return ok(null)
    },
    'clusters.watch': async ({ id }) => {
      const watched = await watchCluster(id)
      return watched.ok ? ok(watched.value.watch.status()) : watched
    },
    'clusters.unwatch': async ({ id }) => {
      await unwatchCluster(id)
      return ok(null)
    },
    'clusters.history': ({ id, limit }) => history(id, limit),
    'clusters.hand-over': ({ id }) => handOver(id),
  }

  async function answer<N extends RequestName>(name: N, args: unknown): Promise<Result<Answer<N>>> {
    const read = requests[name].args.safeParse(args)
    if (!read.success) {
      const issue = read.error.issues[0]
      const reason = `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()
      return failed(problem('request-malformed', { request: name, reason }))
    }
    return handlers[name](read.data as Args<N>)
  }

  return {
    async ask(name, args) {
      if (!Object.hasOwn(requests, name)) {
        return failed(problem('request-malformed', { request: name, reason: 'unknown request' }))
      }
      return answer(name as RequestName, args)
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      for (const { stop } of underWay.values()) stop.abort()
      for (const watching of watches.values()) (await watching)?.watch.stop()
      await Promise.allSettled([...underWay.values()].map(({ over }) => over))
      await runs.settled()
      for (const opening of journals.values()) await (await opening).settled()
      hosts.close()
    },
  }
}
