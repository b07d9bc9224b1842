/**
 * `npm run bench -- faults --rounds N [--seed S]`: random faults on a real pair of directors, and after each an audit with bounded
 * waits (faults-audit.ts). The client asks all the while; what it saw is in the result. A round that fails prints its seed and the
 * evidence, the pair is brought back to health, and the next round begins. The same seed gives the same faults in the same order.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { journalEntrySchema } from '../../domain/contract/agent.ts'
import type { FailoverRecord, JournalEntry, Role } from '../../domain/contract/agent.ts'
import { directors, installAgents, setRealServers } from '../lab/agent-hosts.ts'
import type { Director } from '../lab/agent-hosts.ts'
import { attach, up } from '../lab/lab.ts'
import type { Lab } from '../lab/lab.ts'
import { labMissing } from '../lab/missing.ts'
import { chance } from './chance.ts'
import type { Chance } from './chance.ts'
import { answeringIn, historyProblems, problemsOf, recordsSince } from './faults-audit.ts'
import type { Seen } from './faults-audit.ts'
import { agentId, forEver, keep, machine, markdown, median, whenEnded, worst } from './results.ts'

/** The pair has to be as it should be this soon after a fault has ended; a host that boots gets its boot on top. */
const settleLimitMs = 30_000
const pollMs = 300
const servedInARow = 25
const servedLimitMs = 10_000
/** Long enough for every heartbeat and check that the fault has delayed, short enough for many rounds. */
const faultLeastMs = 500
const faultMostMs = 4_000
const sshLimitMs = 20_000

interface Place {
  readonly lab: Lab
  readonly active: Director
  readonly standby: Director
  readonly chance: Chance
  /** Runs while the fault lasts. */
  readonly holdMs: number
}

/** What a fault does. It resolves when the fault is over (healed, booted, started), and says whom it hit. */
interface Fault {
  readonly name: string
  readonly run: (place: Place, target: Director) => Promise<void>
  /** Which director, or none. */
  readonly on: 'active' | 'standby' | 'either' | 'real'
}

const agentPid = '$(systemctl show -p MainPID --value shoal-agent)'

const cut =
  (way: 'both' | 'deaf' | 'mute'): Fault['run'] =>
  async ({ lab, holdMs }, target) => {
    await lab.cut(target, { way })
    await delay(holdMs)
    await lab.heal(target)
  }

const command =
  (text: (lab: Lab, holdMs: number) => string): Fault['run'] =>
  async ({ lab, holdMs }, target) =>
    void (await lab.ssh(target, text(lab, holdMs), { timeoutMs: sshLimitMs + holdMs, allowFailure: true }))

const seconds = (ms: number): string => (ms / 1_000).toFixed(2)

const faults: readonly Fault[] = [
  { name: 'cut', on: 'either', run: cut('both') },
  { name: 'hears nothing', on: 'either', run: cut('deaf') },
  { name: 'is not heard', on: 'either', run: cut('mute') },
  {
    name: 'crash and boot',
    on: 'either',
    run: async ({ lab, holdMs }, target) => {
      await lab.crash(target)
      await delay(holdMs)
      await lab.boot(target)
    },
  },
  { name: 'kill -9 of the agent', on: 'either', run: command(() => `kill -9 ${agentPid}`) },
  {
    name: 'SIGSTOP of the agent',
    on: 'either',
    run: command((_, ms) => `p=${agentPid}; kill -STOP $p; sleep ${seconds(ms)}; kill -CONT $p`),
  },
  { name: 'table wiped', on: 'either', run: command(() => 'ipvsadm -C') },
  {
    name: 'virtual IP deleted',
    on: 'active',
    run: command(
      (lab) =>
        `ip -4 -o addr show to ${lab.layout.vip}/32 | while read -r _ dev _ address _; do ip addr del $address dev $dev; done`,
    ),
  },
  {
    name: 'virtual IP added by hand',
    on: 'standby',
    run: command((lab) => `ip addr add ${lab.layout.vip}/24 dev eth0`),
  },
  { name: 'agent restarted', on: 'either', run: command(() => 'systemctl restart shoal-agent') },
  { name: 'planned hand-over', on: 'active', run: command(() => 'shoal-agent handover') },
  {
    name: 'real server stopped',
    on: 'real',
    run: async ({ lab, chance: by, holdMs }) => {
      const real = by.pick(lab.layout.hosts.filter((host) => host.role === 'real')).name
      await lab.ssh(real, 'systemctl stop nginx')
      await delay(holdMs)
      await lab.ssh(real, 'systemctl start nginx')
    },
  },
  {
    name: 'NIC down and up',
    on: 'either',
    // Its own login goes with the link: the host does it by itself, and is waited for.
    run: async ({ lab, holdMs }, target) => {
      const gateway = lab.layout.hosts.find((host) => host.name === target)?.gateway ?? ''
      await lab.ssh(
        target,
        `setsid sh -c 'sleep 0.2; ip link set eth0 down; sleep ${seconds(holdMs)}; ip link set eth0 up; ip route replace default via ${gateway}' >/dev/null 2>&1 </dev/null &`,
      )
      await delay(holdMs + 1_000)
    },
  },
]

export type Round = {
  readonly round: number
  readonly seed: number
  readonly fault: string
  readonly target: string
  readonly wasActive: boolean
  readonly holdMs: number
  /** The longest time without an answer from before the fault until the pair was well again; null = not served again. */
  readonly outageMs: number | null
  readonly requests: number
  readonly failedRequests: number
  /** From the end of the fault until everything was as it should be. */
  readonly settledMs: number | null
  readonly problems: readonly string[]
  readonly records: readonly FailoverRecord[]
  readonly evidence?: Readonly<Record<string, string>>
}

export type FaultsResult = { readonly seed: number; readonly rounds: readonly Round[] }

const reals = (lab: Lab): readonly string[] =>
  lab.layout.hosts.filter((host) => host.role === 'real').map((host) => host.name)

function wantedTable(lab: Lab): readonly string[] {
  const service = `-t ${lab.layout.vip}:80`
  return [`-A ${service} -s rr`, ...reals(lab).map((real) => `-a ${service} -r ${lab.address(real)}:80 -g -w 1`)]
}

/** One look at a director; what gives no answer is not healthy, and that is all it says. */
async function look(lab: Lab, host: Director): Promise<Seen> {
  const said = await lab.ssh(
    host,
    `timeout 5 shoal-agent status --json; echo; echo =====; ip -4 -o addr show to ${lab.layout.vip}/32; echo =====; ipvsadm -Sn`,
    { allowFailure: true, timeoutMs: sshLimitMs },
  )
  const [status = '', addresses = '', table = ''] = said.stdout.split('=====')
  let director: { role: Role; peer: { alive: boolean } } | null = null
  try {
    director = (JSON.parse(status) as { director: { role: Role; peer: { alive: boolean } } }).director
  } catch {
    // It does not run, or does not answer.
  }
  return {
    host,
    mac: lab.layout.hosts.find((h) => h.name === host)?.nics[0].mac ?? '',
    role: director?.role ?? null,
    peerAlive: director?.peer.alive ?? false,
    holds: addresses.includes(lab.layout.vip),
    table: table
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  }
}

/** Who answers for the virtual IP, asked by a real server with broadcasts. */
async function answering(lab: Lab): Promise<readonly string[]> {
  const said = await lab.ssh(reals(lab)[0] ?? 'rs1', `arping -b -c 2 -w 2 -I eth0 ${lab.layout.vip}`, {
    allowFailure: true,
    timeoutMs: sshLimitMs,
  })
  return answeringIn(said.stdout)
}

async function journalOf(lab: Lab, host: Director): Promise<readonly JournalEntry[]> {
  const said = await lab.ssh(
    host,
    'cat /var/lib/shoal/journal.jsonl.1 /var/lib/shoal/journal.jsonl 2>/dev/null | tail -n 600',
    {
      allowFailure: true,
      timeoutMs: sshLimitMs,
    },
  )
  return said.stdout.split('\n').flatMap((line) => {
    try {
      const entry = journalEntrySchema.safeParse(JSON.parse(line))
      return entry.success ? [entry.data] : []
    } catch {
      return []
    }
  })
}

interface Audit {
  readonly problems: readonly string[]
  readonly pair: readonly Seen[]
  readonly tookMs: number
}

/** Looks until everything is as it should be twice in a row, or the limit is over. */
async function audit(lab: Lab, limitMs = settleLimitMs): Promise<Audit> {
  const from = performance.now()
  let well = 0
  for (;;) {
    const [pair, macs] = await Promise.all([Promise.all(directors.map((host) => look(lab, host))), answering(lab)])
    const problems = problemsOf(pair, wantedTable(lab), macs)
    const tookMs = performance.now() - from
    well = problems.length === 0 ? well + 1 : 0
    if (well === 2 || tookMs > limitMs) return { problems, pair, tookMs }
    await delay(pollMs)
  }
}

async function evidence(lab: Lab): Promise<Record<string, string>> {
  const out: Record<string, string> = {}
  await Promise.all(
    directors.map(async (host) => {
      const said = await lab.ssh(
        host,
        'shoal-agent events 40; echo; ip -4 addr show dev eth0; echo; ipvsadm -Ln; echo; systemctl status shoal-agent --no-pager -n 30; ip neigh',
        { allowFailure: true, timeoutMs: sshLimitMs },
      )
      out[host] = `${said.stdout}\n${said.stderr}`.trim()
    }),
  )
  out.client = (await lab.run(['ip', 'neigh'])).stdout
  out.cables = JSON.stringify((await lab.status()).hosts)
  return out
}

/** Everything whole again, whatever happened: for the next round. */
async function restore(lab: Lab): Promise<void> {
  const status = await lab.status()
  for (const host of status.hosts) {
    if (host.on) await lab.heal(host.name)
    else await lab.boot(host.name)
  }
  await setRealServers(lab)
  await Promise.all(
    directors.map((host) =>
      lab.ssh(
        host,
        `ip link set eth0 up; kill -CONT ${agentPid}; ipvsadm -C; systemctl reset-failed shoal-agent; systemctl restart shoal-agent`,
        { allowFailure: true, timeoutMs: 60_000 },
      ),
    ),
  )
  const { problems } = await audit(lab, 2 * settleLimitMs)
  if (problems.length > 0) throw new Error(`the pair does not come back to health: ${problems.join('; ')}`)
}

/** What a round leaves: itself, and the pair as it was found well at its end; null where it was not. */
type Ended = { readonly round: Round; readonly well: readonly Seen[] | null }

/** `well`: the pair as the round before left it. */
async function runRound(
  lab: Lab,
  round: number,
  seed: number,
  only: readonly string[],
  well: readonly Seen[] | null,
): Promise<Ended> {
  const by = chance(seed)
  const fault = by.pick(only.length > 0 ? faults.filter((f) => only.includes(f.name)) : faults)
  const hitsActive = fault.on === 'active' || (fault.on !== 'standby' && by.next() < 0.6)
  const holdMs = by.between(faultLeastMs, faultMostMs)
  // Many restarts in a minute are for the crash-loop test; here the unit's limit begins anew each round.
  await Promise.all(
    directors.map((host) => lab.ssh(host, 'systemctl reset-failed shoal-agent', { allowFailure: true })),
  )
  const before = well ? { problems: [], pair: well } : await audit(lab)
  if (before.problems.length > 0) throw new Error(`not well before the round: ${before.problems.join('; ')}`)
  const active = before.pair.find((d) => d.role === 'active')?.host as Director
  const standby = before.pair.find((d) => d.role === 'standby')?.host as Director
  const target = hitsActive ? active : standby
  const sinceMs = Date.now() - 1_000
  const problems: string[] = []

  const probe = await lab.startProbe(lab.layout.vip)
  if (!(await probe.served(servedInARow, servedLimitMs))) problems.push('the client was not served before the fault')
  probe.markFault()
  await fault.run({ lab, active, standby, chance: by, holdMs }, target)
  const after = await audit(lab)
  problems.push(...after.problems)
  if (!(await probe.served(servedInARow, servedLimitMs))) problems.push('the client is not served after the fault')
  const report = await probe.stop()

  const settledProbe = await lab.startProbe(lab.layout.vip)
  await settledProbe.served(2 * servedInARow, servedLimitMs)
  const { servedBy, failed } = await settledProbe.stop()
  const silent = reals(lab).filter((real) => servedBy[real] === undefined)
  if (silent.length > 0) problems.push(`healthy real servers that serve nobody: ${silent.join(', ')}`)
  if (failed > 0) problems.push(`${failed} requests failed after the pair had settled`)

  const journals: Record<string, readonly JournalEntry[]> = {}
  for (const host of directors) journals[host] = await journalOf(lab, host)
  const now = await Promise.all(directors.map((host) => look(lab, host)))
  problems.push(...historyProblems(journals, Object.fromEntries(now.map((d) => [d.host, d.role])), sinceMs, Date.now()))
  const records = recordsSince(journals, sinceMs)
  const holder = now.find((d) => d.role === 'active')?.host
  if (holder !== active && !records.some((r) => r.to === holder))
    problems.push(`${active} gave way to ${holder ?? 'nobody'} and no failover record says so`)

  const outage = report.fault?.outage
  const told: Round = {
    round,
    seed,
    fault: fault.name,
    target: fault.on === 'real' ? 'a real server' : target,
    wasActive: target === active && fault.on !== 'real',
    holdMs,
    outageMs: outage === undefined ? 0 : (outage.durationMs ?? null),
    requests: report.sent,
    failedRequests: report.failed,
    settledMs: after.problems.length === 0 ? Math.round(after.tookMs) : null,
    problems,
    records,
    ...(problems.length > 0 ? { evidence: await evidence(lab) } : {}),
  }
  const bothThere = now.some((d) => d.role === 'active') && now.some((d) => d.role === 'standby')
  return { round: told, well: problems.length === 0 && bothThere ? now : null }
}

/** Runs rounds on a lab whose pair is set up and well. Round n has the seed `seed + n`, so each can be run alone. */
export async function runFaults(
  lab: Lab,
  options: {
    rounds: number
    seed: number
    only?: readonly string[]
    say?: (line: string) => void
    each?: (round: Round) => Promise<void>
  },
): Promise<FaultsResult> {
  const say = options.say ?? (() => undefined)
  const rounds: Round[] = []
  let well: readonly Seen[] | null = null
  for (let n = 0; n < options.rounds; n++) {
    const seed = (options.seed + n) >>> 0
    let round: Round
    try {
      const ended: Ended = await runRound(lab, n + 1, seed, options.only ?? [], well)
      round = ended.round
      well = ended.well
    } catch (error) {
      well = null
      const says = error instanceof Error ? error.message : String(error)
      round = {
        round: n + 1,
        seed,
        fault: 'not run to its end',
        target: '',
        wasActive: false,
        holdMs: 0,
        outageMs: null,
        requests: 0,
        failedRequests: 0,
        settledMs: null,
        problems: [says],
        records: [],
        evidence: await evidence(lab).catch(() => ({})),
      }
    }
    rounds.push(round)
    const who = round.wasActive ? `${round.target} (active)` : round.target
    const outage = round.outageMs === null ? 'not served again' : `outage ${Math.round(round.outageMs)} ms`
    say(
      `${round.problems.length === 0 ? 'ok    ' : 'FAILED'} round ${round.round} seed ${seed}: ${round.fault} on ${who} for ${round.holdMs} ms: ${outage}, well again after ${round.settledMs ?? '-'} ms`,
    )
    if (round.problems.length > 0) {
      for (const problem of round.problems) say(`       ${problem}`)
      for (const [where, text] of Object.entries(round.evidence ?? {})) say(`--- ${where}\n${text}`)
      say(`       again: npm run bench -- faults --rounds 1 --seed ${seed}`)
    }
    await options.each?.(round)
    if (round.problems.length > 0) await restore(lab)
  }
  return { seed: options.seed, rounds }
}

/** A lab with a pair that is served and well. */
export async function prepareFaults(name: string, say: (line: string) => void): Promise<Lab> {
  const lab = attach(name) ?? (await up('dr', { name, say }))
  await Promise.all([setRealServers(lab), installAgents(lab)])
  // A host that crashes right after would come up with empty files.
  await Promise.all(directors.map((host) => lab.ssh(host, 'sync', { timeoutMs: 60_000 })))
  const { problems } = await audit(lab, 2 * settleLimitMs)
  if (problems.length > 0) throw new Error(`the pair did not settle: ${problems.join('; ')}`)
  return lab
}

/** Per fault: rounds, failures, outages. */
export function tableOf(result: FaultsResult): string {
  const rows = [...new Set(result.rounds.map((r) => r.fault))].sort().map((name) => {
    const own = result.rounds.filter((r) => r.fault === name)
    const figures = (only: readonly Round[]): string => {
      const outages = only.flatMap((r) => r.outageMs ?? [])
      return outages.length === 0 ? '' : `${Math.round(median(outages))} / ${Math.round(worst(outages))}`
    }
    const settled = own.flatMap((r) => r.settledMs ?? [])
    return [
      name,
      String(own.length),
      String(own.filter((r) => r.problems.length > 0).length),
      figures(own.filter((r) => r.wasActive)),
      figures(own.filter((r) => !r.wasActive)),
      settled.length === 0 ? '' : `${median(settled).toFixed(0)} / ${worst(settled)}`,
    ]
  })
  const failed = result.rounds.filter((r) => r.problems.length > 0).length
  return [
    `# ${result.rounds.length} random faults, seed ${result.seed}: ${failed} rounds failed`,
    '',
    `Agent ${agentId()}. Outages as the client saw them (a request every 20 ms), median / worst in ms; "well again" from the end of the fault until two audits in a row found nothing.`,
    '',
    markdown(['fault', 'rounds', 'failed', 'outage, active hit', 'outage, other hit', 'well again'], rows),
  ].join('\n')
}

const help = `npm run bench -- faults [options]
  --rounds N    how many faults (30)
  --seed S      of the first round; the next has S + 1 (chance)
  --only NAME   only this fault, may be given again: ${faults.map((f) => f.name).join(', ')}
  --pairs N     so many pairs of directors at the same time, each in a lab of its own, share the rounds (1)
  --lab NAME    the lab used (faults, faults-2, …); one that is up is taken as it is and left up
  --name NAME   what the results are called (faults)
`

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string', multiple: true, default: [] },
      pairs: { type: 'string', default: '1' },
      lab: { type: 'string', default: 'faults' },
      name: { type: 'string', default: 'faults' },
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
  const before = machine()
  const say = (line: string): void => console.log(line)
  const done: Round[] = []
  const seed = Number(values.seed)
  const total = Number(values.rounds)
  const share = Math.ceil(total / Number(values.pairs))
  const names = Array.from({ length: Math.ceil(total / share) }, (_, n) =>
    n === 0 ? values.lab : `${values.lab}-${n + 1}`,
  )
  const own = names.filter((name) => attach(name) === undefined)
  const down = async (): Promise<void> => void (await Promise.all(own.map((name) => attach(name)?.down())))
  const keepNow = (): Promise<void> => {
    const rounds = done.toSorted((a, b) => a.seed - b.seed).map((round, n) => ({ ...round, round: n + 1 }))
    return keep(
      values.name,
      { agent: agentId(), atMs: Date.now(), machine: before, seed, rounds },
      tableOf({ seed, rounds }),
    )
  }
  const { ending } = whenEnded(async () => {
    await keepNow()
    await down()
  })
  try {
    await Promise.all(
      names.map(async (name, n) => {
        const lab = await prepareFaults(name, say)
        await runFaults(lab, {
          rounds: Math.min(share, total - n * share),
          seed: seed + n * share,
          only: values.only,
          say: (line) => say(names.length > 1 ? `${name}: ${line}` : line),
          each: async (round) => {
            if (ending()) await forEver()
            done.push(round)
          },
        })
      }),
    )
  } finally {
    if (ending()) await forEver()
    await keepNow()
    await down()
  }
  return done.some((round) => round.problems.length > 0) ? 1 : 0
}
