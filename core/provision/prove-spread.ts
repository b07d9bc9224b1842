/**
 * Through which real servers the virtual IP answers, measured on a cluster that may serve others meanwhile: connections are made from this
 * machine, and the directors' own connection tables say whom each was given to. Where they do not know this machine by its address (a
 * router between translates it) their counters say it, as well as counters can beside other clients.
 */
import { connect } from 'node:net'
import type { HostDraft } from '../../domain/cluster.ts'
import { parseCounters, parseKernelTable } from '../../domain/ipvs/kernel-table.ts'
import type { KernelDestination } from '../../domain/ipvs/kernel-table.ts'
import type { Hosts } from '../ssh/hosts.ts'

const connectTimeoutMs = 2_000
/** Connections made for each unit of weight, so that every scheduler gets to all real servers. */
const roundsPerUnit = 3
/** More of a weight says nothing new. */
const unitsPerServer = 4
/** A scheduler that also serves others may pass a real server over for a while: so long it is asked again, the less when it says why. */
const insistMs = { unexplained: 12_000, explained: 2_000 }
const mostConnections = 400
/** Connections are not made in step with those of another client that comes at regular times. */
const jitterMs = 15
/** Twice what the kernel takes to bring its counters up to date (ip_vs_est.c, every 2 s), and the asking. */
const countingMs = 6_000
const lookEveryMs = 500
/** A share of fewer connections than this need not show in what was made. */
const expectedAtLeast = 3
/** These choose by address, so one client reaches one real server, and fewest-connection schedulers by locality do as well. */
const hashing: ReadonlySet<string> = new Set(['sh', 'dh', 'mh', 'lblc', 'lblcr'])
/** These choose by how many connections each real server has, so a newcomer gets all until it has as many as the others. */
const byLoad: ReadonlySet<string> = new Set(['lc', 'wlc'])

export interface SpreadAsked {
  readonly vip: string
  readonly port: number
  /** Of the service in the kernel's table: `tcp 192.168.2.27:80`, `fwmark 80`. */
  readonly key: string
  readonly scheduler: string
  readonly persistent: boolean
  /** Real servers that should get connections; the address is the one in the cluster. */
  readonly servers: readonly { readonly name: string; readonly address: string; readonly weight: number }[]
}

export interface Spread {
  /** Every connection was accepted. */
  readonly answers: boolean
  readonly said: string
  /** Of the slowest connection. */
  readonly ms: number
  /** Absent when the virtual IP does not answer. */
  readonly through?: { readonly passed: boolean; readonly answer: string; readonly reached: readonly string[] }
}

interface Made {
  readonly ok: boolean
  readonly ms: number
  readonly said: string
  readonly address?: string | undefined
  readonly port?: number | undefined
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function connection(address: string, port: number): Promise<Made> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    const socket = connect({ host: address, port })
    const finish = (passed: boolean, said: string): void => {
      clearTimeout(timer)
      const from = { address: socket.localAddress, port: socket.localPort }
      socket.destroy()
      resolve({ ok: passed, ms: Math.round(performance.now() - startedAt), said, ...from })
    }
    const timer = setTimeout(() => {
      finish(false, `no answer within ${connectTimeoutMs} ms`)
    }, connectTimeoutMs)
    socket.once('connect', () => {
      finish(true, 'connected')
    })
    socket.once('error', (error: Error) => {
      finish(false, error.message)
    })
  })
}

async function ask(hosts: Hosts, host: HostDraft, command: string): Promise<string> {
  const session = await hosts.session(host)
  const asked = session.ok ? await session.value.script(command, { as: 'root' }) : session
  return asked.ok ? asked.value.out : ''
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

/** An IPv4 address as /proc/net/ip_vs_conn writes it; undefined for another one. */
export function connAddress(address: string): string | undefined {
  const parts = address.replace(/^::ffff:/, '').split('.')
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return undefined
  return parts.map((part) => hex(Number(part), 2)).join('')
}

/** Reads lines of /proc/net/ip_vs_conn: the address each client port was given to. Lines it does not know are passed over. */
export function parseConnections(text: string): ReadonlyMap<number, string> {
  const given = new Map<number, string>()
  for (const line of text.split('\n')) {
    // Pro FromIP FPrt ToIP TPrt DestIP DPrt State Expires
    const [protocol, , from, , , to] = line.trim().split(/\s+/)
    if (protocol !== 'TCP' || !from || !to || !/^[0-9A-Fa-f]{8}$/.test(to)) continue
    const address = [0, 2, 4, 6].map((at) => Number.parseInt(to.slice(at, at + 2), 16)).join('.')
    given.set(Number.parseInt(from, 16), address)
  }
  return given
}

/** How many of the connections each real server got, by its address; undefined where the directors do not know them. */
async function givenTo(
  hosts: Hosts,
  directors: readonly HostDraft[],
  { vip, port }: SpreadAsked,
  made: readonly Made[],
): Promise<ReadonlyMap<string, number> | undefined> {
  const to = connAddress(vip)
  const from = connAddress(made[0]?.address ?? '')
  const ports = made.flatMap((each) => (each.port === undefined ? [] : [hex(each.port, 4)]))
  if (to === undefined || from === undefined || ports.length === 0) return undefined
  const command = `grep -E '^TCP +${from} (${ports.join('|')}) ${to} ${hex(port, 4)} ' /proc/net/ip_vs_conn || true`
  const told = await Promise.all(directors.map(async (host) => parseConnections(await ask(hosts, host, command))))
  const byPort = new Map(told.flatMap((each) => [...each]))
  if (byPort.size === 0) return undefined
  const counted = new Map<string, number>()
  for (const address of byPort.values()) counted.set(address, (counted.get(address) ?? 0) + 1)
  return counted
}

/** What both directors have counted, by real server: whichever serves, and also when the service moves meanwhile. */
async function countedOn(hosts: Hosts, directors: readonly HostDraft[], key: string): Promise<Map<string, number>> {
  const told = await Promise.all(directors.map((host) => ask(hosts, host, 'ipvsadm -L -n --stats --exact')))
  const counted = new Map<string, number>()
  for (const [entry, { connections }] of told.flatMap((text) => [...parseCounters(text)])) {
    if (!entry.startsWith(`${key} `)) continue
    const address = entry.split(' ').at(-1)?.replace(/:\d+$/, '') ?? ''
    counted.set(address, (counted.get(address) ?? 0) + connections)
  }
  return counted
}

/** What the counters have more than before, once they have all the connections that were made. */
async function countedSince(
  hosts: Hosts,
  directors: readonly HostDraft[],
  key: string,
  before: ReadonlyMap<string, number>,
  made: number,
): Promise<ReadonlyMap<string, number>> {
  const deadline = performance.now() + countingMs
  for (;;) {
    const now = await countedOn(hosts, directors, key)
    const more = new Map([...now].map(([address, count]) => [address, count - (before.get(address) ?? 0)] as const))
    const sum = [...more.values()].reduce((all, count) => all + count, 0)
    if (sum >= made || performance.now() > deadline) return more
    await pause(lookEveryMs)
  }
}

/** The real servers of the service in the kernel of the director that has most of its connections, by address. */
async function tableNow(
  hosts: Hosts,
  directors: readonly HostDraft[],
  key: string,
): Promise<ReadonlyMap<string, KernelDestination>> {
  const told = await Promise.all(directors.map((host) => ask(hosts, host, 'cat /proc/net/ip_vs')))
  const tables = told.map(
    (text) => parseKernelTable(text).get(key)?.destinations ?? new Map<string, KernelDestination>(),
  )
  const loadOf = (table: ReadonlyMap<string, KernelDestination>): number =>
    [...table.values()].reduce((sum, each) => sum + each.activeConnections + each.inactiveConnections, 0)
  const [busiest] = [...tables].sort((a, b) => loadOf(b) - loadOf(a))
  return new Map([...(busiest ?? [])].map(([at, each]) => [at.replace(/:\d+$/, ''), each]))
}

/** What wlc compares (ip_vs_wlc.c, overhead = 256 × active + inactive, by weight); lc leaves the weight out. */
function overhead(scheduler: string, { activeConnections, inactiveConnections, weight }: KernelDestination): number {
  const load = activeConnections * 256 + inactiveConnections
  return scheduler === 'lc' ? load : load / Math.max(1, weight)
}

export interface Given {
  readonly scheduler: string
  readonly persistent: boolean
  readonly servers: SpreadAsked['servers']
  /** Connections each real server got, by its address. */
  readonly given: ReadonlyMap<string, number>
  /** Whether other clients' connections are in `given`. */
  readonly others: boolean
  /** The kernel's table after them, by address. */
  readonly table: ReadonlyMap<string, KernelDestination>
}

/**
 * Whether the connections went where the scheduler has to send them. One that passes over a real server is believed only when its own
 * rule says so: it has more connections for its weight than one that was chosen, or too small a share to show. Pure.
 */
export function judgeSpread(seen: Given): NonNullable<Spread['through']> {
  const { scheduler, servers, given, table } = seen
  const countOf = (address: string): number => given.get(address) ?? 0
  const reached = servers.filter(({ address }) => countOf(address) > 0)
  const figures = servers.map(({ name, address }) => `${name}: ${countOf(address)}`)
  const names = reached.map(({ name }) => name)
  if (seen.persistent || hashing.has(scheduler)) {
    const passed = seen.others ? reached.length >= 1 : reached.length === 1
    return { passed, answer: figures.join(', '), reached: names }
  }
  const made = servers.reduce((sum, { address }) => sum + countOf(address), 0)
  const weightOf = (address: string, planned: number): number => table.get(address)?.weight ?? planned
  const weights = servers.reduce((sum, { address, weight }) => sum + weightOf(address, weight), 0)
  const loads = reached.flatMap(({ address }) => {
    const entry = table.get(address)
    return entry ? [overhead(scheduler, entry)] : []
  })
  let passed = reached.length > 0
  const reasons: string[] = []
  for (const { name, address, weight } of servers) {
    if (countOf(address) > 0) continue
    const entry = table.get(address)
    const own = entry && overhead(scheduler, entry)
    if (own !== undefined && entry && entry.weight > 0 && byLoad.has(scheduler) && own >= Math.min(...loads)) {
      const connections = entry.activeConnections + entry.inactiveConnections
      reasons.push(`${name} has ${connections} connections, so ${scheduler} prefers others`)
    } else if (entry && entry.weight > 0 && (made * weightOf(address, weight)) / weights < expectedAtLeast) {
      reasons.push(`the weight of ${name} gives it less than ${expectedAtLeast} of ${made}`)
    } else passed = false
  }
  return { passed, answer: [figures.join(', '), ...reasons].join('; '), reached: names }
}

/** Connects to a port of the virtual IP until every real server was reached, or was passed over for long enough to ask why. */
export async function proveSpread(asked: SpreadAsked, hosts: Hosts, directors: readonly HostDraft[]): Promise<Spread> {
  const { vip, port, key, scheduler, persistent, servers } = asked
  const units = servers.reduce((sum, { weight }) => sum + Math.min(weight, unitsPerServer), 0)
  const atOnce = Math.max(1, units * roundsPerUnit)
  const before = await countedOn(hosts, directors, key)
  const startedAt = performance.now()
  const made: Made[] = []
  for (;;) {
    for (let round = 0; round < atOnce; round++) {
      const one = await connection(vip, port)
      made.push(one)
      if (!one.ok) return { answers: false, said: one.said, ms: Math.max(...made.map(({ ms }) => ms)) }
      await pause(Math.random() * jitterMs)
    }
    const own = await givenTo(hosts, directors, asked, made)
    const given = own ?? (await countedSince(hosts, directors, key, before, made.length))
    const counted = [...given.values()].reduce((sum, count) => sum + count, 0)
    const others = own === undefined && counted > made.length
    const table = await tableNow(hosts, directors, key)
    const through = judgeSpread({ scheduler, persistent, servers, given, others, table })
    const all = through.reached.length === servers.length || persistent || hashing.has(scheduler)
    const longEnough = performance.now() - startedAt > insistMs[through.passed ? 'explained' : 'unexplained']
    if ((through.passed && all) || longEnough || made.length + atOnce > mostConnections) {
      return {
        answers: true,
        said: `connected ${made.length} times`,
        ms: Math.max(...made.map(({ ms }) => ms)),
        through,
      }
    }
  }
}
