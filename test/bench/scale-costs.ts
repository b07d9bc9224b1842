/**
 * What single things cost the agent's processor, by the size of the cluster: the basis for saying how a director would do at ten times
 * the size that is measured as a whole. Processor time of this process, not time on the clock, so that a busy machine changes little.
 * The centre and the reader run as in the agent; the network and the kernel do not. Run as a program, `scale-costs.ts SERVICES`, it
 * prints the costs of one size as JSON: a process of its own for each size, with the options the agent's runtime has.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { metrics } from '../../agent/director/metrics.ts'
import { directorReport, serviceReports } from '../../agent/director/report.ts'
import { step, wakeAt } from '../../agent/director/director.ts'
import { initial, type State } from '../../agent/director/state.ts'
import type { Effect, Input, Probe } from '../../agent/director/words.ts'
import { openReader } from '../../agent/effects/configured.ts'
import { parseKernelTable } from '../../domain/ipvs/kernel-table.ts'
import { checkHere } from '../../agent/effects/whole-check.ts'
import { markdown } from './results.ts'
import { standInTable } from './scale-table.ts'

/** Costs in milliseconds of processor time. */
export interface Costs {
  readonly services: number
  readonly servers: number
  readonly readWholeMs: number
  readonly readOneChangeMs: number
  readonly longestTurnMs: number
  readonly configuredMs: number
  readonly checkMs: number
  readonly beatMs: number
  readonly tableLookMs: number
  readonly reportsMs: number
  readonly metricsMs: number
  readonly heapMb: number
}

const own = '10.255.0.1'
const servers = 10
/** So many checks are measured, or two rounds of all. */
const mostChecks = 5_000
/** The clock of the measured centre goes on by at least this. */
const turnMs = 2
const maxTurnsPerCheck = 10

const cpuMs = (from?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1_000
}

/** Processor time of `work`, per turn. */
function cost(turns: number, work: (turn: number) => void): number {
  const from = process.cpuUsage()
  for (let turn = 0; turn < turns; turn++) work(turn)
  return cpuMs(from) / turns
}

const octets = (n: number): string => `${Math.floor(n / 62_500)}.${Math.floor(n / 250) % 250}.${(n % 250) + 1}`

/** A file of this size, with another weight of one server for each serial number. */
function lvscf(services: number, serial: number): string {
  const lines = [`serial_no = ${serial}`, `primary = ${own}`, 'backup = 10.255.0.2', 'backup_active = 1']
  lines.push('service = lvs', 'network = direct')
  for (let n = 0; n < services; n++) {
    lines.push(
      `virtual web${n} {`,
      ' active = 1',
      ` address = 20.${octets(n)} eth0:1`,
      ' port = 80',
      ' scheduler = wlc',
    )
    lines.push(' send = "GET / HTTP/1.0\\r\\n\\r\\n"', ' expect = "HTTP"', ' timeout = 6', ' reentry = 6')
    for (let at = 0; at < servers; at++) {
      const weight = n === services - 1 && at === 0 ? serial + 1 : 1
      const address = `30.${octets(n * servers + at)}`
      lines.push(` server rs${at} {`, `  address = ${address}`, '  active = 1', `  weight = ${weight}`, ' }')
    }
    lines.push('}')
  }
  return `${lines.join('\n')}\n`
}

/** Measures one size. */
async function costsOf(services: number): Promise<Costs> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-costs-'))
  const file = path.join(folder, 'lvs.cf')
  const reader = openReader({ lvscf: file, clusterKey: path.join(folder, 'none'), check: checkHere })
  async function read(serial: number): Promise<{ input: Extract<Input, { kind: 'configured' }>; ms: number }> {
    await writeFile(file, lvscf(services, serial))
    const from = process.cpuUsage()
    const { input } = await reader.read()
    if (input.kind !== 'configured') throw new Error(input.says.join('; '))
    return { input: { ...input, hasKey: true }, ms: cpuMs(from) }
  }
  let longestTurnMs = 0
  let lastTurnMs = performance.now()
  const pulse = setInterval(() => {
    const now = performance.now()
    longestTurnMs = Math.max(longestTurnMs, now - lastTurnMs)
    lastTurnMs = now
  }, 1)
  const first = await read(1)
  const second = await read(2)
  const third = await read(3)
  clearInterval(pulse)

  let ms = 1_000
  let state: State = initial(
    { name: 'lvs1', version: 'bench', boot: 1, term: 0, peerBoot: 0, owned: [], held: [] },
    { ms, wallMs: ms },
  )
  const table = standInTable()
  const due: Probe[] = []
  function give(input: Input): void {
    const queue: Input[] = [input]
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [after, effects] = step(state, next, { ms, wallMs: ms })
      state = after
      for (const effect of effects) queue.push(...answered(effect))
    }
  }
  function answered(effect: Effect): Input[] {
    switch (effect.kind) {
      case 'probe':
        due.push(effect.probe)
        return []
      case 'apply':
        return [{ kind: 'applied', failures: table.restore(effect.commands) }]
      case 'observe':
        if (effect.what === 'table')
          return [{ kind: 'observed', what: 'table', look: effect.look, table: parseKernelTable(table.text()) }]
        return [
          {
            kind: 'observed',
            what: 'addresses',
            look: effect.look,
            addresses: {
              addresses: [{ address: own, prefix: 24, device: 'eth0', label: 'eth0' }],
              links: [{ device: 'eth0', up: true }],
            },
          },
        ]
      default:
        return []
    }
  }
  give(first.input)
  give({ kind: 'woke' })
  const total = services * servers
  const checks = Math.min(mostChecks, 2 * total)
  for (let done = 0, turns = 0; done < total && turns < total * 4; turns++) {
    ms = Math.max(ms + turnMs, Math.min(wakeAt(state), ms + 100))
    give({ kind: 'woke' })
    for (const { id, service, server } of due.splice(0)) {
      done++
      give({ kind: 'probed', id, service, server, passed: true, tookMs: 1 })
    }
  }
  // One check is its start and its result.
  let checked = 0
  const from = process.cpuUsage()
  for (let turns = 0; checked < checks && turns < checks * maxTurnsPerCheck; turns++) {
    ms = Math.max(ms + turnMs, Math.min(wakeAt(state), ms + 100))
    give({ kind: 'woke' })
    for (const { id, service, server } of due.splice(0)) {
      checked++
      give({ kind: 'probed', id, service, server, passed: true, tookMs: 1 })
    }
  }
  const checkMs = cpuMs(from) / checked
  const configuredMs = cost(1, () => give(second.input)) / 2 + cost(1, () => give(third.input)) / 2
  const beatMs = cost(50, () => {
    state = { ...state, nextBeatMs: ms }
    ;[state] = step(state, { kind: 'woke' }, { ms, wallMs: ms })
  })
  const text = table.text()
  const tableLookMs = cost(3, () => void parseKernelTable(text))
  const now = { ms, wallMs: ms }
  const reportsMs = cost(3, () => void serviceReports(state, now))
  const reports = serviceReports(state, now)
  const vitals = { cpuS: 0, rssBytes: 0, startedAtMs: 0 }
  const metricsMs = cost(1, () => {
    for (const piece of metrics(directorReport(state, now), reports, { failovers: {}, events: {} }, vitals)) void piece
  })
  await rm(folder, { recursive: true })
  const round = (value: number): number => Number(value.toPrecision(3))
  return {
    services,
    servers,
    readWholeMs: round(first.ms),
    readOneChangeMs: round((second.ms + third.ms) / 2),
    longestTurnMs: round(longestTurnMs),
    configuredMs: round(configuredMs),
    checkMs: round(checkMs),
    beatMs: round(beatMs),
    tableLookMs: round(tableLookMs),
    reportsMs: round(reportsMs),
    metricsMs: round(metricsMs),
    heapMb: round(process.memoryUsage().heapUsed / 2 ** 20),
  }
}

/** What the costs say about ten times the size of the last one, in sentences; `intervalS` between two checks of a server. */
export function tenTimes(costs: readonly Costs[], intervalS: number): string {
  const last = costs.at(-1)
  const first = costs[0]
  if (!last || !first) return ''
  const ms = (value: number): string => `${Number(value.toPrecision(2))} ms`
  const share = (perS: number): string => `${Math.round(perS / 10)} %`
  const perS = (last.services * last.servers) / intervalS
  const head = ['what', ...costs.map((c) => `${c.services} × ${c.servers}`), 'grows']
  const rows: [string, (c: Costs) => number][] = [
    ['reading the whole lvs.cf', (c) => c.readWholeMs],
    ['reading it again after a change of one server', (c) => c.readOneChangeMs],
    ['taking the changed config over, with the look at the table', (c) => c.configuredMs],
    ['one check (start, result, what follows; without the socket)', (c) => c.checkMs],
    ['one beat', (c) => c.beatMs],
    ["one look at the kernel's table", (c) => c.tableLookMs],
    ['all reports for a watcher', (c) => c.reportsMs],
    ['all metrics', (c) => c.metricsMs],
  ]
  const growth = (of: (c: Costs) => number): string => {
    const factor = of(last) / of(first)
    return `${Number(factor.toPrecision(2))} times for ${last.services / first.services} times the size`
  }
  const table = markdown(
    head,
    rows.map(([what, of]) => [what, ...costs.map((c) => ms(of(c))), growth(of)]),
  )
  const checkGrowth = Math.max(1, last.checkMs / first.checkMs)
  const next = {
    checksPerS: Math.round(perS * 10),
    checkMs: last.checkMs * checkGrowth,
    lookMs: last.tableLookMs * 10,
  }
  return [
    '## At ten times the size',
    '',
    "Processor time of single things, in the agent's runtime with its options; the network and the kernel are not in it.",
    '',
    table,
    '',
    `${last.services * 10} virtual servers × ${last.servers} real servers every ${intervalS} s are ${next.checksPerS} checks a second. At ${ms(next.checkMs)} each in the centre (grown as between the two sizes above) that is ${share(next.checksPerS * next.checkMs)} of a processor before a socket is opened; the looks at the table, every 2 s, add ${share(next.lookMs / 2)}, each of them a pause of ${ms(next.lookMs)} between beats. One process does not carry that: the interval has to be ten times as long, or the checks have to go to processes of their own, with the centre told of changes only. Memory grows with the real servers: ${last.heapMb} MB of heap at ${last.services} × ${last.servers}, some ${Math.round((last.heapMb - first.heapMb) * 10 + first.heapMb)} MB at ten times that. A change of one server stays cheap: the file is compared as text (${ms(last.readOneChangeMs)} at ${last.services} virtual servers), one virtual server is read, one compared, one line ordered. A snapshot for a watcher goes in lines of a quarter of a megabyte whatever the size.`,
  ].join('\n')
}

/** Measures one size in a process with these options; undefined when it did not end well. */
export function costsIn(runtime: string, options: readonly string[], services: number): Promise<Costs | undefined> {
  return new Promise((resolve) => {
    const script = fileURLToPath(import.meta.url)
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const child = spawn(runtime, [...options, '--import', tsx, script, String(services)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.on('error', () => resolve(undefined))
    child.on('exit', (code) => resolve(code === 0 ? (JSON.parse(text) as Costs) : undefined))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  void costsOf(Number(process.argv[2])).then((costs) => console.log(JSON.stringify(costs)))
