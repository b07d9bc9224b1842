/**
 * The application without a window: answers every request of contract/app.ts and tells its events. A host (Electron or browser) makes
 * one core and carries names and arguments to it; a request without a handler here does not compile.
 */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostDraft } from '../domain/cluster.ts'
import { requests } from '../domain/contract/app.ts'
import type { Answer, Args, EventName, Events, HostTried, RequestName } from '../domain/contract/app.ts'
import { isIpv4 } from '../domain/ipv4.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { simulationId } from '../domain/simulation.ts'
import type { ClusterSummary } from '../domain/status.ts'
import { vipsOf } from '../domain/virtual-ips.ts'
import { openActing } from './acting.ts'
import { openBuilds, sha256 } from './builds.ts'
import { openClusterKeys, openClusters } from './clusters.ts'
import type { Cluster } from './clusters.ts'
import { makePrivateDirectory, reasonOf } from './disk.ts'
import { realClock } from './demo/clock.ts'
import { withSimulated } from './demo/life.ts'
import { documentHandlers } from './documents.ts'
import { openDrafts } from './drafts.ts'
import { openLife } from './life/life.ts'
import { sshDoor } from './live/agent-line.ts'
import { openJournal } from './live/journal.ts'
import type { Journal } from './live/journal.ts'
import { openWatches } from './live/watches.ts'
import type { Watchable, Watches } from './live/watches.ts'
import { notifyHandlers } from './notify.ts'
import type { Core, Log, Ports } from './ports.ts'
import { tryAddress } from './provision/claim.ts'
import { openIgnored } from './provision/ignored.ts'
import { openRuns } from './provision/runs.ts'
import { tryService } from './provision/service.ts'
import { addressFree, askFacts } from './provision/survey.ts'
import { openSecrets } from './secrets.ts'
import { openSettings } from './settings.ts'
import { configFor } from './ssh/config-file.ts'
import { openHosts } from './ssh/hosts.ts'
import { openKnownHosts, systemKnownHosts } from './ssh/known-hosts.ts'

type Handlers = { readonly [N in RequestName]: (args: Args<N>) => Promise<Result<Answer<N>>> }

/** A history that is asked for without a watch waits this long for the directors. */
const historyWaitMs = 6_000
const maxKeyFiles = 50
const sshPort = 22
const systemSshConfig = '/etc/ssh/ssh_config'
const uploadTagLength = 8

const quiet: Log = () => undefined

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
  const knownHosts = openKnownHosts(join(ports.dataDir, 'known_hosts'), ports.home, systemKnownHosts)
  const sshConfig = { home: ports.home, systemFile: systemSshConfig }
  const hosts = openHosts({
    knownHosts,
    config: sshConfig,
    secret: secrets.get,
    uploadTag: sha256(ports.dataDir).slice(0, uploadTagLength),
    ...(ports.sshAgentSocket === undefined ? {} : { sshAgentSocket: ports.sshAgentSocket }),
  })
  const settings = openSettings({ dataDir: ports.dataDir, version: ports.version, log, now })
  const drafts = openDrafts(ports.dataDir, now)
  const clusters = openClusters(ports.dataDir)
  const keys = openClusterKeys(ports.dataDir, ports.secrets)
  const runs = await openRuns(ports.dataDir)
  const journals = new Map<string, Promise<Journal>>()
  const ignored = openIgnored(ports.dataDir, now)

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
    const file = join(ports.dataDir, 'journal', `${encodeURIComponent(clusterId)}.jsonl`)
    const opening = openJournal(clusterId === simulationId ? null : file)
    journals.set(clusterId, opening)
    return opening
  }

  /** What a watch needs of a cluster: the simulated one is reached in this program, all others over SSH. */
  async function watchable(id: string): Promise<Result<Watchable>> {
    const simulated = id === simulationId ? acting.simulation() : undefined
    if (simulated) return ok(simulated)
    const cluster = await clusters.get(id)
    return cluster.ok ? ok({ ...cluster.value, door: sshDoor(hosts) }) : cluster
  }

  const watches: Watches = openWatches({
    find: watchable,
    journal: journalOf,
    now,
    onChange: (change) => {
      tell('cluster.status', change)
    },
    onJournal: (clusterId, entries) => {
      tell('cluster.journal', { clusterId, entries })
    },
  })

  const acting = await openActing({
    dataDir: ports.dataDir,
    version: ports.version,
    by: `Shoal on ${ports.host}`,
    clock: realClock(),
    chance: Math.random,
    hosts,
    watches: () => watches,
    find: watchable,
    journal: journalOf,
    forgetJournal: (id) => void journals.delete(id),
    tell,
    log,
  })

  function simulatedSummary(): readonly ClusterSummary[] {
    const simulated = acting.simulation()
    if (!simulated) return []
    return [{ ...summaryOf({ id: simulationId, draft: simulated.draft, name: simulated.draft.name }), simulated: true }]
  }

  function summaryOf(cluster: Pick<Cluster, 'id' | 'name' | 'draft'>): ClusterSummary {
    const watched = watches.of(cluster.id)
    return {
      id: cluster.id,
      name: cluster.name,
      virtualIps: vipsOf(cluster.draft),
      directors: cluster.draft.directors.map(({ name, address }) => ({ name: name.trim(), address: address.trim() })),
      watched: watched !== undefined && watched.watchers > 0,
      ...(watched ? { verdict: watched.watch.status().verdict } : {}),
    }
  }

  const builds = openBuilds({
    dataDir: ports.dataDir,
    agentDir: ports.agentDir,
    drafts,
    clusters,
    keys,
    runs,
    ignored,
    hosts,
    now,
    log,
    onRun: (run) => {
      tell('run.changed', run)
    },
    onLine: (line) => {
      tell('run.line', line)
    },
    onClusters: () => {
      tell('clusters.changed', null)
    },
    endWatch: (id) => {
      watches.end(id)
    },
    restartWatch: (id) => watches.restart(id),
    onBuilt: (draft, lvscf) => life.built(draft, lvscf),
  })
  const life = openLife({
    dataDir: ports.dataDir,
    builds: () => builds,
    clusters,
    keys,
    drafts,
    hosts,
    digest: sha256,
    now,
    log,
    onChange: acting.changed,
    onClusters: () => {
      tell('clusters.changed', null)
    },
    restartWatch: (id) => watches.restart(id),
  })

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

  async function history(id: string, limit: number): Promise<Result<Answer<'clusters.history'>>> {
    return watches.once(id, historyWaitMs, async (watch) => {
      const missing = watch.status().directors.flatMap((director) => (director.problem ? [director.problem] : []))
      const journal = await journalOf(id)
      await journal.settled()
      return ok({ entries: journal.newest(limit), missing })
    })
  }

  const usual: Handlers = {
    ...documentHandlers({
      dataDir: ports.dataDir,
      home: ports.home,
      hosts,
      ...(ports.chooseFile ? { chooseFile: ports.chooseFile } : {}),
      clusterLogin: async ({ user, address, port }) =>
        (await clusters.list())
          .flatMap(({ draft }) => draft.directors)
          .find(
            (one) =>
              one.user.trim() === user && one.address.trim() === address && (Number(one.port) || sshPort) === port,
          )?.login,
    }),

    ...settings.handlers,

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
      watches.retry()
      return ok(null)
    },

    'hosts.config': async ({ address }) => {
      const { hostName, port, user, identityFiles, jump } = await configFor(
        address,
        undefined,
        sshConfig.home,
        sshConfig.systemFile,
      )
      const [keyFile] = identityFiles
      if (hostName === address && port === undefined && user === undefined && keyFile === undefined && !jump) {
        return ok(null)
      }
      return ok({
        hostName,
        ...(port === undefined ? {} : { port }),
        ...(user === undefined ? {} : { user }),
        ...(keyFile === undefined ? {} : { keyFile }),
        ...(jump === undefined ? {} : { jump }),
      })
    },
    'hosts.try': ({ host }) => tryHost(host),
    'hosts.trust': async (key) => {
      const trusted = await hosts.trust(key)
      if (trusted.ok) watches.retry()
      return trusted
    },
    'hosts.address-free': async ({ host, device, address }) => {
      // These two go into a command line there, so nothing but an address and an interface may pass.
      if (!isIpv4(address)) return failed(problem('address-malformed', { value: address }))
      if (!/^[A-Za-z0-9_.-]{1,15}$/.test(device)) return failed(problem('device-malformed', { value: device }))
      return addressFree(hosts, host, device, address)
    },
    'hosts.address-try': async ({ host, askers, device, address }) => {
      if (!isIpv4(address)) return failed(problem('address-malformed', { value: address }))
      if (!/^[A-Za-z0-9_.-]{1,15}$/.test(device)) return failed(problem('device-malformed', { value: device }))
      return tryAddress(hosts, host, askers, device, address)
    },
    'hosts.check-service': (args) => tryService(hosts, args),

    'plan.make': ({ draftId }) => builds.plan(draftId),
    'plan.script': async ({ draftId, hostId, language }) => builds.script(draftId, hostId, language),
    'plan.key-file': ({ draftId }) => builds.keyFile(draftId),
    'findings.ignore': ({ draftId, reason, ...name }) => ignored.ignore(draftId, name, reason),
    'findings.heed': ({ draftId, ...name }) => ignored.heed(draftId, name),
    'run.start': ({ draftId, draftRevision }) => builds.start(draftId, draftRevision),
    'run.resume': ({ runId, stepId }) => builds.resume(runId, stepId),
    'run.get': async ({ runId }) => {
      const record = runs.get(runId)
      return record ? ok(record.run) : failed(problem('not-found', { name: runId }))
    },
    'run.of-draft': async ({ draftId }) => ok(runs.newestOf(draftId)?.run ?? null),
    'run.output': async ({ runId }) => ok(await runs.output(runId)),
    'run.cancel': async ({ runId }) => builds.cancel(runId),
    'run.undo': ({ runId }) => builds.undo(runId),
    'runs.unfinished': async () => ok(builds.unfinished()),

    'clusters.list': async () => ok([...(await clusters.list()).map(summaryOf), ...simulatedSummary()]),
    'clusters.get': async ({ id }) => {
      const simulated = id === simulationId ? acting.simulation() : undefined
      const [summary] = simulatedSummary()
      if (simulated && summary) return ok({ summary, draft: simulated.draft, lvscf: simulated.lvscf })
      const cluster = await clusters.get(id)
      if (!cluster.ok) return cluster
      const { draft, lvscf } = cluster.value
      return ok({ summary: summaryOf(cluster.value), draft, lvscf })
    },
    'clusters.forget': async ({ id }) => {
      watches.end(id)
      await clusters.forget(id)
      tell('clusters.changed', null)
      return ok(null)
    },
    'clusters.watch': async ({ id }) => {
      const watch = await watches.add(id)
      return watch.ok ? ok(watch.value.status()) : watch
    },
    'clusters.unwatch': async ({ id }) => {
      watches.remove(id)
      return ok(null)
    },
    ...life.handlers,
    'clusters.history': ({ id, limit }) => history(id, limit),
    ...acting.handlers,
    ...notifyHandlers({ find: watchable, by: `Shoal on ${ports.host}` }),
  }
  const handlers: Handlers = withSimulated(usual, () => acting.simulation()?.life)

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
      const built = Promise.all([builds.close(), life.close()])
      acting.close()
      settings.close()
      watches.close()
      await built
      await runs.settled()
      // Waits for the list of recent files being written.
      await handlers['documents.recent']({})
      for (const opening of journals.values()) await (await opening).settled()
      hosts.close()
    },
  }
}
