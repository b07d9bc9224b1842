/**
 * The daemon: puts the hands together, starts the loop, opens the door, and sees that lvs.cf is read when it should be. It decides
 * nothing about the cluster.
 */
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { agentProtocol } from '../domain/contract/agent.ts'
import { restBeforeStartMs } from './director/fitness.ts'
import { health, metrics } from './director/metrics.ts'
import { openAddresses } from './effects/addresses.ts'
import { openReader } from './effects/configured.ts'
import { openControl, type Control } from './effects/control.ts'
import { openFarewell } from './effects/farewell.ts'
import { startGuard } from './effects/guard.ts'
import { openJournal, type Journal } from './effects/journal.ts'
import { openKernel } from './effects/kernel.ts'
import { openConfigNames } from './effects/notify/config-names.ts'
import { openNotify, type Notify } from './effects/notify/notify.ts'
import { openPages, type Page } from './effects/pages.ts'
import { putPacketsFirst } from './effects/packets-first.ts'
import { openPrecedence } from './effects/precedence.ts'
import { openProbes } from './effects/probes/probes.ts'
import { readOrders } from './effects/kept-orders.ts'
import { begin, ended, places } from './effects/remembered.ts'
import { openStaging, type Staging } from './effects/staged.ts'
import { openWatchdog } from './effects/watchdog.ts'
import { checkHere, checkOnThread } from './effects/whole-check.ts'
import { openEcho } from './effects/echo.ts'
import { openWire } from './effects/wire.ts'
import { startLoop, type Loop } from './loop.ts'

/** Processor time of this thread in µs. Node 24 has it; the types are of an older one. */
const { threadCpuUsage } = process as NodeJS.Process & { readonly threadCpuUsage: () => NodeJS.CpuUsage }
/** Real-time priority of the main thread: above all ordinary load. */
const realTimePriority = 10
/** The guard and systemd's watchdog are told this often that the program turns. */
const aliveMs = 100
/** Whoever asked for the metrics will ask again: the kernel's counters are read for this long. */
const scrapedForMs = 60_000

interface Program {
  readonly version: string
  /** Folder with the native part and the release script. */
  readonly folder: string
  /** The bundle, which a thread can be made of; null in development. */
  readonly bundle: string | null
  readonly socketPath: string
}

/** Runs until SIGTERM; resolves when everything is open. */
export async function run({ version, folder, bundle, socketPath }: Program): Promise<void> {
  const startedAtMs = Date.now()
  const name = hostname()
  const remembered = await begin(places, startedAtMs)
  const opened = openKernel(process.env.SHOAL_KOFFI ?? folder)
  const kernel = 'kernel' in opened ? opened.kernel : null
  const log = (line: string): void => void process.stdout.write(`${line}\n`)
  const restMs = remembered.after === 'crash' ? restBeforeStartMs(remembered.recentStarts) : 0
  if (restMs > 0) {
    log(`crashed ${remembered.recentStarts} times within a minute: begins after ${restMs / 1_000} s`)
    await delay(restMs)
  }
  const written = await openJournal(path.join(places.stateDir, 'journal.jsonl'), name, String(remembered.boot), log)
  let notify: Notify | null = null
  const journal: Journal = {
    ...written,
    write(event, atMs) {
      const entry = written.write(event, atMs)
      notify?.wrote(entry)
      return entry
    },
  }
  /** Told once everything has been read: from then on silence is taken as hanging. */
  let sayAlive = (_ms: number): void => undefined
  const guard = await startGuard(folder, places.runDir, log)
  const notifySocket = process.env.NOTIFY_SOCKET

  const check = bundle ? (text: string) => checkOnThread(bundle, text) : checkHere
  const reader = openReader({ lvscf: places.lvscf, clusterKey: places.clusterKey, check })
  let control: Control | null = null
  let staging: Staging | null = null
  let reading: Promise<void> = Promise.resolve()
  const reread = (): void => {
    reading = reading.then(async () => {
      const { input, keys } = await reader.read()
      wire.setKeys(keys)
      loop.give(input)
      if (input.kind === 'configured') pages.listen(input.config.metricsListen)
    })
  }
  const wire = openWire(
    {
      heard: (path_, beat) => loop.give({ kind: 'heard', path: path_, beat }),
      refused: (path_, why) => loop.give({ kind: 'refused', path: path_, why }),
      listened: (path_, says) => loop.give({ kind: 'listened', path: path_, ...(says === undefined ? {} : { says }) }),
    },
    openFarewell(places.runDir, log),
  )

  // By its unit only: one that somebody starts by hand changes no thread of the kernel.
  const packetsAsBefore = notifySocket ? await putPacketsFirst(remembered.after === 'crash', log) : () => undefined
  const echo = openEcho((sentMs) => loop.give({ kind: 'echoed', sentMs }), log)

  const seen = {
    director: () => ({ ...loop.director(), ...staging?.report(), ...notify?.report() }),
    services: () => loop.services(),
    wallMs: () => Math.round(loop.now().wallMs),
  }
  let watchers = 0
  let scraped: NodeJS.Timeout | null = null
  const tellWatchers = (): void => loop.give({ kind: 'watched', watchers: watchers + (scraped ? 1 : 0) })
  const pages = openPages({
    trouble: (says) => loop.note({ kind: 'trouble', says }),
    page(at): Page | undefined {
      if (at === '/health') {
        const d = seen.director()
        const { healthy, because } = health(d)
        const { role, term, generation, configDigest, worstLatenessMs } = d
        const told = { healthy, because, director: d.director, role, term, generation, configDigest, worstLatenessMs }
        return {
          status: healthy ? 200 : 503,
          type: 'application/json',
          body: [`${JSON.stringify({ ...told, peerAlive: d.peer.known ? d.peer.alive : null })}\n`],
        }
      }
      if (at !== '/metrics') return undefined
      if (scraped) clearTimeout(scraped)
      const first = scraped === null
      scraped = setTimeout(() => {
        scraped = null
        tellWatchers()
      }, scrapedForMs)
      scraped.unref()
      if (first) tellWatchers()
      const { user, system } = process.cpuUsage()
      const vitals = { cpuS: (user + system) / 1e6, rssBytes: process.memoryUsage.rss(), startedAtMs }
      return {
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: metrics(seen.director(), seen.services(), loop.totals(), vitals),
      }
    },
  })

  const loop: Loop = startLoop(
    {
      name,
      version,
      boot: remembered.boot,
      term: remembered.term,
      peerBoot: remembered.peerBoot,
      owned: remembered.owned,
      recentStarts: remembered.recentStarts,
      overrides: await readOrders(places.stateDir),
      held: remembered.held.map((h) => ({ address: h.address, device: h.device, prefix: h.prefix })),
    },
    places,
    {
      addresses: openAddresses(kernel, path.join(places.runDir, 'held'), remembered.held),
      wire,
      echo,
      kernel,
      probe: openProbes(kernel),
      journal,
      report: (entries) => control?.report(entries),
      reread,
      log,
      turned: (ms) => sayAlive(ms),
      exit: () => {
        void (async () => {
          wire.close()
          echo.close()
          packetsAsBefore()
          staging?.close()
          notify?.close()
          pages.close()
          await journal.close()
          await ended(places)
          await control?.close()
          process.exit(0)
        })()
      },
    },
  )

  const stop = (): void => void loop.order({ kind: 'stop', by: 'SIGTERM' })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => {
    reread()
    void notify?.reread()
  })

  loop.note({ kind: 'started', version, after: remembered.after })
  if ('missing' in opened)
    loop.note({
      kind: 'trouble',
      says: `The native part cannot be loaded (${opened.missing}); addresses are set with ip, announced with arping.`,
    })
  const staged = await openStaging({
    lvscf: places.lvscf,
    stateFile: path.join(places.stateDir, 'staging.json'),
    check,
    reread: (by) => loop.order({ kind: 'reload', by }),
    note: loop.note,
    changed: loop.changed,
    wallMs: () => Date.now(),
  })
  staging = staged
  const told = await openNotify({
    bundle,
    file: places.notify,
    stateFile: path.join(places.stateDir, 'notify.json'),
    director: name,
    since: journal.since,
    names: openConfigNames(() => loop.state().config),
    note: loop.note,
    changed: loop.changed,
  })
  notify = told
  control = await openControl(socketPath, places.group, {
    ...seen,
    hello: () => {
      const state = loop.state()
      return {
        protocol: agentProtocol,
        version,
        director: name,
        bootId: String(remembered.boot),
        configDigest: state.digest,
        generation: state.config?.serialNo ?? 0,
      }
    },
    journal: journal.since,
    order: loop.order,
    stage: staged.stage,
    fileOrder: staged.order,
    notify: told,
    watchers: (count) => {
      watchers = count
      tellWatchers()
    },
    http: pages.serve,
  })
  reread()
  await reading
  if (kernel && notifySocket) kernel.notify(notifySocket, 'READY=1')
  const watched = kernel && notifySocket && process.env.WATCHDOG_USEC
  const alive = watched ? openWatchdog(guard.noticesHanging, (text) => kernel.notify(notifySocket, text)) : undefined
  const precedence =
    kernel &&
    openPrecedence(
      (realTime) => kernel.schedule(realTime ? realTimePriority : 0),
      (says) => loop.note({ kind: 'trouble', says: `Real-time scheduling is not granted: ${says}.` }),
    )
  const usedMs = (): number => {
    const { user, system } = threadCpuUsage()
    return (user + system) / 1_000
  }
  let said = { ms: 0, holds: false }
  // Not by the timer alone: on a slow host many inputs may come between two of its turns. And at once before an address is put up.
  sayAlive = (ms) => {
    const holds = loop.state().kernel.held.length > 0
    if (ms - said.ms < aliveMs / 2 && holds === said.holds) return
    said = { ms, holds }
    guard.alive(holds)
    alive?.(holds)
  }
  setInterval(() => {
    sayAlive(performance.now())
    precedence?.(performance.now(), usedMs())
  }, aliveMs)
}
