/**
 * How long each service was served, worked out from both directors' journals. A service is up while a director is active and, by that
 * director's own checks, at least one real server of it is up. What the journals do not reach is neither up nor down but not known, and
 * is left out of the share.
 */
import type { JournalEntry } from './contract/agent.ts'

interface ServedService {
  /** As in the journal: `tcp 192.168.2.27:80` or `fwmark 80`. */
  readonly id: string
  /** `192.168.2.243:80` */
  readonly servers: readonly string[]
}

export interface DirectorNow {
  readonly name: string
  /** Whether it answers now; what happened on one that does not is known up to its last line only. */
  readonly answers: boolean
  readonly isActive: boolean
  /** Real servers that are up by its checks now, as `service server`; see `serverKey`. */
  readonly up: ReadonlySet<string>
}

export interface Uptime {
  readonly upMs: number
  readonly downMs: number
  /** How often the service stopped being served in the window. */
  readonly outages: number
  readonly longestOutageMs: number
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

type State = 'up' | 'down' | 'unknown'

/** From an instant on, until the next one of the list. */
interface Turn {
  readonly atMs: number
  readonly state: State
}

interface DirectorPast {
  readonly name: string
  readonly active: Span[]
  /** Its role is not known then. */
  readonly murky: Span[]
  readonly entries: readonly JournalEntry[]
  /** Its starts, which make it forget what it found of the servers. */
  readonly starts: readonly JournalEntry[]
  readonly lastConfigMs: number
  readonly now: DirectorNow | undefined
}

export function serverKey(service: string, server: string): string {
  return `${service} ${server}`
}

/** When a director was active, and when nobody knows. Instants of takeovers are those of their records, as the winner tells them. */
function rolesOf(past: DirectorPast, all: readonly JournalEntry[], fromMs: number, nowMs: number): void {
  const { name, entries, now, active, murky } = past
  /** Undefined until a line says what it was. */
  let since: number | undefined
  let isKnown = false
  const first = entries[0]?.atMs ?? nowMs
  if (first > fromMs) murky.push({ fromMs, toMs: first })
  let lastMs = first
  const close = (atMs: number): void => {
    if (since !== undefined && atMs > since) active.push({ fromMs: since, toMs: atMs })
    since = undefined
  }
  for (const entry of all) {
    const { atMs, event } = entry
    if (event.kind === 'failover' && event.record.decidedBy === entry.director) {
      const { record } = event
      if (record.to === name) {
        const servedAt = record.announcedAtMs ?? record.addressUpAtMs ?? record.decidedAtMs
        isKnown = true
        if (since === undefined || since >= record.decidedAtMs) since = servedAt
      } else if (record.from === name && record.cause === 'peer-silent') {
        close(record.lastHeardAtMs ?? record.decidedAtMs)
      }
    }
    if (entry.director !== name) continue
    if (event.kind === 'role') {
      if (!isKnown && event.from === 'active') since = first
      else if (!isKnown) isKnown = true
      isKnown = true
      if (event.to === 'active') since ??= atMs
      else close(atMs)
    } else if (event.kind === 'stopped') {
      isKnown = true
      close(atMs)
    } else if (event.kind === 'started') {
      // It ended without a word: from its last line on nobody knows, unless the other one has taken over.
      if (since !== undefined || !isKnown) murky.push({ fromMs: lastMs, toMs: atMs })
      close(lastMs)
      isKnown = true
    }
    lastMs = atMs
  }
  if (!isKnown && entries.length > 0 && now?.answers === true) {
    if (now.isActive) since = first
    isKnown = true
  }
  if (!isKnown) murky.push({ fromMs: first, toMs: nowMs })
  if (now?.answers === true) close(nowMs)
  else {
    if (since !== undefined) murky.push({ fromMs: lastMs, toMs: nowMs })
    close(Math.max(lastMs, since ?? lastMs))
  }
}

/** What a director found of a service, in turns. */
function healthOf(past: DirectorPast, service: ServedService, health: readonly JournalEntry[], fromMs: number): Turn[] {
  const { lastConfigMs, starts } = past
  const present = new Set(service.servers)
  const states = new Map<string, State>()
  const begun = starts[0]?.atMs ?? Infinity
  // Before its first line a server was what that line says it ceased to be; without any line it is what it is now.
  for (const server of service.servers) {
    if (!past.now?.answers) continue
    states.set(server, past.now.up.has(serverKey(service.id, server)) ? 'up' : 'down')
  }
  const seen = new Set<string>()
  for (const { atMs, event } of health) {
    if (event.kind !== 'health' || seen.has(event.server)) continue
    seen.add(event.server)
    states.set(event.server, atMs > begun ? 'unknown' : event.to === 'up' ? 'down' : 'up')
  }
  const all = (): State => {
    const values = [...states.values()]
    if (values.includes('up')) return 'up'
    return values.length === 0 || values.includes('unknown') ? 'unknown' : 'down'
  }
  const turns: Turn[] = [{ atMs: fromMs, state: all() }]
  const turn = (atMs: number): void => {
    const state = all()
    if (turns.at(-1)?.state !== state) turns.push({ atMs, state })
  }
  const lines = [...health, ...starts].sort((a, b) => a.atMs - b.atMs)
  let isPruned = false
  for (const { atMs, event } of lines) {
    if (!isPruned && atMs >= lastConfigMs) {
      // What the newest configuration does not have is out of service from then on.
      isPruned = true
      for (const server of [...states.keys()]) if (!present.has(server)) states.delete(server)
      turn(Math.max(lastConfigMs, fromMs))
    }
    if (event.kind === 'started') for (const server of states.keys()) states.set(server, 'unknown')
    else if (event.kind === 'health' && (atMs < lastConfigMs || present.has(event.server))) {
      states.set(event.server, event.to)
    }
    turn(atMs)
  }
  return turns
}

function stateAt(turns: readonly Turn[], atMs: number): State {
  return turns.findLast((turn) => turn.atMs <= atMs)?.state ?? 'unknown'
}

const holds = (spans: readonly Span[], atMs: number): boolean =>
  spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)

/**
 * The uptime of each service in each window before `nowMs`. `journal` in any order; all instants are the directors' own clocks, which
 * are taken to agree.
 */
export function uptimes(
  journal: readonly JournalEntry[],
  services: readonly ServedService[],
  directors: readonly DirectorNow[],
  windowsMs: readonly number[],
  nowMs: number,
): ReadonlyMap<string, readonly Uptime[]> {
  const all = journal.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs || a.seq - b.seq)
  const fromMs = all[0]?.atMs ?? nowMs
  const names = new Set([...directors.map(({ name }) => name), ...all.map(({ director }) => director)])
  const pasts = [...names].map((name): DirectorPast => {
    const entries = all.filter(({ director }) => director === name)
    const past: DirectorPast = {
      name,
      active: [],
      murky: [],
      entries,
      starts: entries.filter(({ event }) => event.kind === 'started'),
      lastConfigMs: entries.findLast(({ event }) => event.kind === 'config')?.atMs ?? -Infinity,
      now: directors.find((one) => one.name === name),
    }
    rolesOf(past, all, fromMs, nowMs)
    return past
  })
  const health = new Map<string, JournalEntry[]>()
  for (const entry of all) {
    if (entry.event.kind !== 'health') continue
    const key = `${entry.director} ${entry.event.service}`
    const list = health.get(key)
    if (list) list.push(entry)
    else health.set(key, [entry])
  }
  const roleEdges = pasts.flatMap(({ active, murky }) => [...active, ...murky].flatMap((one) => [one.fromMs, one.toMs]))

  const found = new Map<string, readonly Uptime[]>()
  for (const service of services) {
    const turns = pasts.map((past) => healthOf(past, service, health.get(`${past.name} ${service.id}`) ?? [], fromMs))
    const edges = [...new Set([fromMs, nowMs, ...roleEdges, ...turns.flat().map(({ atMs }) => atMs)])]
      .filter((atMs) => atMs >= fromMs && atMs <= nowMs)
      .sort((a, b) => a - b)
    const line: Turn[] = []
    for (const atMs of edges.slice(0, -1)) {
      const serving = pasts.flatMap((past, at) =>
        holds(past.active, atMs) ? [stateAt(turns[at] as readonly Turn[], atMs)] : [],
      )
      const isMurky = pasts.some(({ murky }) => holds(murky, atMs))
      const state: State =
        serving.length === 0
          ? isMurky
            ? 'unknown'
            : 'down'
          : serving.includes('up')
            ? 'up'
            : serving.includes('unknown')
              ? 'unknown'
              : 'down'
      if (line.at(-1)?.state !== state) line.push({ atMs, state })
    }
    found.set(
      service.id,
      windowsMs.map((windowMs) => within(line, nowMs - windowMs, nowMs)),
    )
  }
  return found
}

function within(line: readonly Turn[], fromMs: number, nowMs: number): Uptime {
  let upMs = 0
  let downMs = 0
  let outages = 0
  let longestOutageMs = 0
  for (const [at, turn] of line.entries()) {
    const from = Math.max(turn.atMs, fromMs)
    const to = Math.min(line[at + 1]?.atMs ?? nowMs, nowMs)
    if (to <= from) continue
    if (turn.state === 'up') upMs += to - from
    if (turn.state !== 'down') continue
    downMs += to - from
    outages++
    longestOutageMs = Math.max(longestOutageMs, to - from)
  }
  return { upMs, downMs, outages, longestOutageMs }
}
