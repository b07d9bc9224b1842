/**
 * `npm run bench -- failover`: keepalived and Shoal in turn on the same hosts, asked by the same client every 20 ms, through the same
 * faults. A run in which the client is not served again within its limit counts as not recovered and is in no median. A figure of
 * one machine is worth something only beside the other's of the same hour, so ratios are reported. Runs can be added to a result file
 * (`--append`), because the whole takes more than an hour.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { directors, keepBusy, setRealServers } from '../lab/agent-hosts.ts'
import type { Director } from '../lab/agent-hosts.ts'
import { attach, up } from '../lab/lab.ts'
import type { Lab } from '../lab/lab.ts'
import { labMissing } from '../lab/missing.ts'
import { bothHeldMs } from './failover-held.ts'
import type { AddressEvent } from './failover-held.ts'
import { keepalived, peerNames, regimes, settled, shoal } from './failover-peers.ts'
import type { Peer, PeerName, Regime } from './failover-peers.ts'
import { agentId, forEver, keep, machine, markdown, median, root, whenEnded, worst } from './results.ts'

const cases = ['crash', 'failback', 'cut', 'heal', 'planned', 'kill', 'load'] as const
type Case = (typeof cases)[number]

const settleLimitMs = 60_000
const servedInARow = 25
const servedLimitMs = 15_000
/** After a fault the client is watched for so long: an outage that begins late is the fault's too. */
const watchMs = 5_000
/** After a heal, and after a director's return, longer: that is where services die. */
const healWatchMs = 8_000
const loadSeconds = 60
const loadLoops = 64
/** Targets of the product, in ms. */
const targets = { healMs: 2_000, killDoubledMs: 1_000, defaultMs: 1_000 }

export type Run = {
  readonly peer: PeerName
  readonly regime: Regime
  readonly case: Case
  readonly atMs: number
  /** What the client missed; null = it was not served again (or had not been served before: see `note`). */
  readonly outageMs: number | null
  readonly failedRequests: number
  /** Both directors had the address on an interface for so long. */
  readonly bothHeldMs?: number
  /** So often the address changed its director, or went and came, while nothing should have moved. */
  readonly moves?: number
  /** Why requests failed, with their counts. */
  readonly errors?: Readonly<Record<string, number>>
  readonly note?: string
}

interface Watch {
  readonly events: AddressEvent[]
  readonly stop: () => Promise<void>
}

/** Follows when each director gains and loses the address; both hosts have this machine's clock. */
async function watchAddress(lab: Lab): Promise<Watch> {
  const events: AddressEvent[] = []
  const children = directors.map((host) => {
    const [program = '', ...args] = [...lab.sshCommand(host), `ip -4 -o -ts monitor address dev eth0`]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const at = /^\[(\d{4}-\d\d-\d\dT[\d:.]+)\]/.exec(line)?.[1]
      if (at === undefined || !line.includes(`${lab.layout.vip}/`)) return
      events.push({ host, atMs: Date.parse(`${at}Z`), has: !line.includes('Deleted') })
    })
    return child
  })
  // The monitors have to be listening before anything happens.
  await delay(400)
  return {
    events,
    async stop() {
      await delay(200)
      for (const child of children) child.kill('SIGTERM')
    },
  }
}

/** Runs a fault under the probe and says what the client saw of it. */
async function measured(
  lab: Lab,
  what: { peer: PeerName; regime: Regime; case: Case },
  fault: () => Promise<void>,
  forMs: number,
): Promise<Run> {
  const atMs = Date.now()
  const probe = await lab.startProbe(lab.layout.vip)
  const before = await probe.served(servedInARow, servedLimitMs)
  probe.markFault()
  await fault()
  await delay(forMs)
  const again = await probe.served(servedInARow, servedLimitMs)
  const report = await probe.stop()
  const outage = report.fault?.outage
  const well = before && report.fault?.servedBefore === true
  return {
    ...what,
    atMs,
    outageMs: !well || !again ? null : outage === undefined ? 0 : (outage.durationMs ?? null),
    failedRequests: report.failed,
    ...(outage && outage.failed > 0 ? { errors: outage.errors } : {}),
    ...(well ? {} : { note: 'not served before the fault' }),
  }
}

const other = (host: Director): Director => (host === 'lvs1' ? 'lvs2' : 'lvs1')

interface Bench {
  readonly lab: Lab
  readonly peer: Peer
  readonly regime: Regime
  readonly add: (run: Run) => void
}

/** A pair that is well; when it does not become so by itself it is started anew. */
async function well({ lab, peer, regime }: Bench, failback: boolean, wanted?: Director): Promise<Director> {
  const found = await settled(lab, settleLimitMs, wanted)
  if (found) return found
  await peer.start(regime, failback)
  const again = await settled(lab, 2 * settleLimitMs)
  if (again) return again
  throw new Error(`${peer.name} at ${regime} does not come to a state with one holder and whole tables`)
}

/** Crash, and the return of the crashed director, which takes the service back. */
async function crashes(bench: Bench, runs: number, chosen: ReadonlySet<Case>): Promise<void> {
  const { lab, peer, regime, add } = bench
  if (!chosen.has('crash') && !chosen.has('failback')) return
  await peer.start(regime, true)
  for (let n = 0; n < runs; n++) {
    const active = await well(bench, true, 'lvs1')
    const what = { peer: peer.name, regime }
    const crash = await measured(lab, { ...what, case: 'crash' }, () => lab.crash(active), watchMs)
    if (chosen.has('crash')) add(crash)
    let returned: Director | null = null
    const back = await measured(
      lab,
      { ...what, case: 'failback' },
      async () => {
        await lab.boot(active)
        returned = await settled(lab, settleLimitMs, active)
      },
      healWatchMs,
    )
    if (chosen.has('failback'))
      add(returned === null ? { ...back, outageMs: null, note: `${active} did not take the service back` } : back)
  }
}

/** Cut and heal: the fault, and what comes after it. */
async function cuts(bench: Bench, runs: number, chosen: ReadonlySet<Case>): Promise<void> {
  const { lab, peer, regime, add } = bench
  for (let n = 0; n < runs; n++) {
    const active = await well(bench, false)
    const what = { peer: peer.name, regime }
    const cut = await measured(lab, { ...what, case: 'cut' }, () => lab.cut(active), watchMs)
    if (chosen.has('cut')) add(cut)
    const heal = await measured(lab, { ...what, case: 'heal' }, () => lab.heal(active), healWatchMs)
    if (chosen.has('heal')) add(heal)
  }
}

async function planned(bench: Bench, runs: number): Promise<void> {
  const { lab, peer, regime, add } = bench
  for (let n = 0; n < runs; n++) {
    const active = await well(bench, false)
    add(
      await measured(
        lab,
        { peer: peer.name, regime, case: 'planned' },
        async () => void (await lab.ssh(active, peer.handOver, { allowFailure: true, timeoutMs: 30_000 })),
        watchMs,
      ),
    )
    if (peer.name === 'keepalived') await lab.ssh(active, peer.revive, { allowFailure: true })
  }
}

async function kills(bench: Bench, runs: number): Promise<void> {
  const { lab, peer, regime, add } = bench
  for (let n = 0; n < runs; n++) {
    const active = await well(bench, false)
    const watch = await watchAddress(lab)
    const fromMs = Date.now()
    const run = await measured(
      lab,
      { peer: peer.name, regime, case: 'kill' },
      async () => void (await lab.ssh(active, peer.kill, { allowFailure: true, timeoutMs: 30_000 })),
      watchMs + 3_000,
    )
    const toMs = Date.now()
    await watch.stop()
    add({ ...run, bothHeldMs: bothHeldMs([active, other(active)], watch.events, fromMs, toMs) })
    await lab.ssh(active, peer.revive, { allowFailure: true, timeoutMs: 30_000 })
  }
}

/** Both directors busy with much more than they have processors for: nothing may move. */
async function loads(bench: Bench, runs: number): Promise<void> {
  for (let n = 0; n < runs; n++) await load(bench)
}

async function load(bench: Bench): Promise<void> {
  const { lab, peer, regime, add } = bench
  await well(bench, false)
  const watch = await watchAddress(lab)
  const run = await measured(
    lab,
    { peer: peer.name, regime, case: 'load' },
    () => keepBusy(lab, loadLoops, loadSeconds),
    watchMs,
  )
  await watch.stop()
  add({ ...run, moves: watch.events.length })
}

const ms = (value: number | null): string => (value === null ? 'not recovered' : `${Math.round(value)}`)

export function tableOf(runs: readonly Run[]): string {
  const rows: string[][] = []
  for (const what of cases)
    for (const regime of regimes) {
      const of = (peer: PeerName): readonly Run[] =>
        runs.filter((r) => r.peer === peer && r.case === what && r.regime === regime)
      const cells = (own: readonly Run[]): [string, number] => {
        const outages = own.flatMap((r) => r.outageMs ?? [])
        const lost = own.length - outages.length
        const held = own.flatMap((r) => r.bothHeldMs ?? [])
        if (own.length === 0) return ['', NaN]
        const text = [
          outages.length === 0 ? '-' : `${ms(median(outages))} / ${ms(worst(outages))}`,
          `(${own.length} runs${lost > 0 ? `, **${lost} not recovered**` : ''})`,
          ...(held.length > 0 ? [`both held ${ms(worst(held))}`] : []),
          ...(what === 'load' ? [`the address moved in ${own.filter((r) => r.moves !== 0).length}`] : []),
        ].join(' ')
        return [text, median(outages)]
      }
      const [theirs, theirMedian] = cells(of('keepalived'))
      const [ours, ourMedian] = cells(of('shoal'))
      if (theirs === '' && ours === '') continue
      const ratio = theirMedian > 0 && ourMedian >= 0 ? (ourMedian / theirMedian).toFixed(2) : ''
      rows.push([what, regime, theirs, ours, ratio])
    }
  const mine = runs.filter((r) => r.peer === 'shoal')
  const heals = mine.filter((r) => r.case === 'heal')
  const late = heals.filter((r) => r.outageMs === null || r.outageMs > targets.healMs)
  const doubled = mine.flatMap((r) => (r.case === 'kill' ? [r.bothHeldMs ?? 0] : []))
  const plannedLost = mine.filter((r) => r.case === 'planned' && r.failedRequests > 0)
  const slow = mine.filter(
    (r) =>
      r.regime === 'default' &&
      (r.case === 'crash' || r.case === 'cut') &&
      (r.outageMs ?? Infinity) > targets.defaultMs,
  )
  return [
    '# keepalived and Shoal side by side',
    '',
    `Outages as the client saw them, median / worst in ms. Newest rows by agent ${agentId()}, added to those of earlier ones (each run has its time in the JSON beside this); keepalived 2.2.7 of Debian 12.`,
    'Beats: 1 s and 0.1 s for both (Shoal deadtime 2.7 beats, keepalived 3 beats and its skew); default: keepalived 1 s, Shoal 0.1 s with a deadtime of 0.7 s.',
    '',
    markdown(['case', 'beats', 'keepalived', 'Shoal', 'ratio'], rows),
    '',
    `Heals after which the client was not served within ${targets.healMs} ms or not for good: ${late.length} of ${heals.length}.`,
    `Kills with the address on both for longer than ${targets.killDoubledMs} ms: ${doubled.filter((d) => d > targets.killDoubledMs).length} of ${doubled.length}.`,
    `Planned hand-overs that lost a request: ${plannedLost.length} of ${mine.filter((r) => r.case === 'planned').length}.`,
    `Crashes and cuts at the defaults that took longer than ${targets.defaultMs} ms: ${slow.length} of ${mine.filter((r) => r.regime === 'default' && (r.case === 'crash' || r.case === 'cut')).length}.`,
  ].join('\n')
}

const help = `npm run bench -- failover [options]
  --runs N        of each case (10)
  --heals N       more cuts and heals at the defaults (0 beyond --runs; 30 are wanted in the end)
  --loads N       runs under load, a minute each (1)
  --peer NAME     only keepalived or shoal
  --regime NAME   only ${regimes.join(', ')}; may be given again
  --case NAME     only ${cases.join(', ')}; may be given again
  --append        add the runs to those that are kept already
  --replace       the same, and what is kept of the chosen peers, regimes and cases goes
  --lab NAME      the lab used (failover); one that is up is taken as it is and left up
  --name NAME     what the results are called (failover)
`

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '10' },
      heals: { type: 'string', default: '0' },
      loads: { type: 'string', default: '1' },
      peer: { type: 'string', multiple: true, default: [...peerNames] },
      regime: { type: 'string', multiple: true, default: [...regimes] },
      case: { type: 'string', multiple: true, default: [...cases] },
      append: { type: 'boolean', default: false },
      replace: { type: 'boolean', default: false },
      lab: { type: 'string', default: 'failover' },
      name: { type: 'string', default: 'failover' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const missing = labMissing()
  if (missing.length > 0) {
    console.error(`The lab cannot run here:\n${missing.join('\n')}`)
    return 2
  }
  const count = Number(values.runs)
  const chosen = new Set(cases.filter((c) => values.case.includes(c)))
  const kept = path.join(root, 'test/bench/results', `${values.name}.json`)
  const isMade = (r: Run): boolean =>
    chosen.has(r.case) && values.peer.includes(r.peer) && values.regime.includes(r.regime)
  const earlier: readonly Run[] =
    (values.append || values.replace) && existsSync(kept)
      ? (JSON.parse(readFileSync(kept, 'utf8')) as { runs: Run[] }).runs
      : []
  const runs: Run[] = earlier.filter((r) => !(values.replace && isMade(r)))
  const before = machine()
  const say = (line: string): void => console.log(line)
  const wasUp = attach(values.lab) !== undefined
  const lab = attach(values.lab) ?? (await up('dr', { name: values.lab, image: 'keepalived', say }))
  const keepNow = (quietly = false): Promise<void> =>
    keep(values.name, { agent: agentId(), atMs: Date.now(), machine: before, targets, runs }, tableOf(runs), quietly)
  const { ending } = whenEnded(async () => {
    await keepNow()
    if (!wasUp) await lab.down()
  })
  let broken = 0
  try {
    await setRealServers(lab)
    const peers = [keepalived(lab), shoal(lab)]
    for (const peer of peers) await peer.stop()
    for (const regime of regimes.filter((r) => values.regime.includes(r)))
      for (const peer of peers.filter((p) => values.peer.includes(p.name))) {
        const add = (found: Run): void => {
          runs.push(found)
          void keepNow(true)
          const held = found.bothHeldMs === undefined ? '' : `, both held ${Math.round(found.bothHeldMs)} ms`
          const moved = found.moves === undefined ? '' : `, the address moved ${found.moves} times`
          const errors = found.errors ? ` ${JSON.stringify(found.errors)}` : ''
          say(
            `${peer.name} ${regime} ${found.case}: ${ms(found.outageMs)} ms, ${found.failedRequests} failed${errors}${held}${moved}${found.note ? ` (${found.note})` : ''}`,
          )
        }
        const bench: Bench = { lab, peer, regime, add }
        try {
          await crashes(bench, count, chosen)
          await peer.start(regime, false)
          if (chosen.has('cut') || chosen.has('heal'))
            await cuts(bench, count + (regime === 'default' ? Number(values.heals) : 0), chosen)
          if (chosen.has('planned')) await planned(bench, count)
          if (chosen.has('kill')) await kills(bench, count)
          if (chosen.has('load') && regime === 'default') await loads(bench, Number(values.loads))
        } catch (error) {
          if (ending()) await forEver()
          broken++
          say(`${peer.name} ${regime}: given up: ${error instanceof Error ? error.message : String(error)}`)
          for (const host of (await lab.status()).hosts) await (host.on ? lab.heal(host.name) : lab.boot(host.name))
        }
        await peer.stop()
      }
  } finally {
    if (ending()) await forEver()
    await keepNow()
    if (!wasUp) await lab.down()
  }
  return broken > 0 ? 1 : 0
}
