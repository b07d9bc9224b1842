/**
 * What IPVS needs around its table: the marking rules of fwmark services (own chain, on both directors), the connection sync daemon
 * (the active director sends, the standby receives), and kernel settings. They are looked at on a period and after every change; what
 * differs is arranged, and said as drift when nobody here has ordered it. Nothing of it stands in the way of a takeover.
 */
import type { Config } from '../../domain/config.ts'
import { markLine, markRules, type MarkRule } from '../../domain/ipvs/marks.ts'
import { kernelSettings } from '../../domain/ipvs/settings.ts'
import type { State, Work } from './state.ts'

/** The surroundings are looked at this often where a config asks for any. */
const surveyEveryMs = 5_000
/** A look or a change that has no answer after this is taken as lost. */
const answerLimitMs = 15_000
/** A change that did not hold is ordered again at once this often, then once per `retryMs`. */
const promptTries = 2
const retryMs = 10_000

/** A sync daemon of the kernel. */
export interface SyncDaemon {
  readonly role: 'master' | 'backup'
  readonly device: string
  readonly id: number
}

/** What was found. Parts that could not be looked at are absent. */
export interface Found {
  /** Lines of the marking rules in our chain (`markLine`, or as the tool says what we do not know); null = there is no chain. */
  readonly marks?: { readonly lines: readonly string[]; readonly hooked: boolean } | null
  readonly sync?: readonly SyncDaemon[]
  /** Values of the settings asked for. */
  readonly settings?: Readonly<Record<string, string>>
  /** Why a part is absent. */
  readonly trouble: readonly string[]
}

/** What is to be looked at. */
export interface Survey {
  readonly marks: boolean
  readonly sync: boolean
  readonly settings: readonly string[]
}

/** What is to be changed; absent parts stay. */
export interface Arrangement {
  /** The whole chain; none = no chain. */
  readonly marks?: readonly MarkRule[]
  /** Arguments of ipvsadm, one process each, in this order. */
  readonly sync?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
}

export interface Surroundings {
  readonly found: Found | null
  readonly askedMs: number | null
  readonly nextMs: number
  readonly arrangingSinceMs: number | null
  readonly tries: number
  readonly holdMs: number
  /** What was last found as wanted (as one text); null after a change. */
  readonly settled: string | null
  readonly drift: readonly string[]
  /** What the last change, and the last look, could not do. */
  readonly failures: readonly string[]
  readonly unseen: readonly string[]
  /** Since when the daemon that receives connections has been seen to run. */
  readonly receivingSinceMs: number | null
  /** This agent started a sync daemon: it may end it. */
  readonly ownsSync: boolean
  /** The first look was made: rules that an earlier run left are known. */
  readonly lookedOnce: boolean
}

export function newSurroundings(nowMs: number): Surroundings {
  return {
    found: null,
    askedMs: null,
    nextMs: nowMs,
    arrangingSinceMs: null,
    tries: 0,
    holdMs: nowMs,
    settled: null,
    drift: [],
    failures: [],
    unseen: [],
    receivingSinceMs: null,
    ownsSync: false,
    lookedOnce: false,
  }
}

interface Wanted {
  readonly marks: readonly MarkRule[]
  readonly markLines: readonly string[]
  readonly settings: Readonly<Record<string, string>>
}

const wantedOf = new WeakMap<Config, Wanted>()

function wanted(config: Config): Wanted {
  let known = wantedOf.get(config)
  if (!known) {
    const marks = markRules(config)
    known = { marks, markLines: marks.map(markLine), settings: kernelSettings(config) }
    wantedOf.set(config, known)
  }
  return known
}

function set(w: Work, change: Partial<Surroundings>): void {
  w.s.surroundings = { ...w.s.surroundings, ...change }
}

/** The daemon this director should run now. */
export function wantedDaemon(s: State): SyncDaemon | undefined {
  const daemon = s.config?.syncDaemon
  // Connections that are still on their way are taken in before this director tells of its own.
  return daemon && { role: s.role === 'active' && !s.taking ? 'master' : 'backup', ...daemon }
}

/** The config was replaced or the agent is told to look again. */
export function surveySoon(w: Work): void {
  set(w, { nextMs: w.now.ms, tries: 0, holdMs: w.now.ms })
}

export function surveyed(w: Work, found: Found): void {
  const { s, now } = w
  const receiving = found.sync?.some((d) => d.role === 'backup') ?? false
  set(w, {
    found,
    askedMs: null,
    lookedOnce: true,
    receivingSinceMs: receiving ? (s.surroundings.receivingSinceMs ?? now.ms) : null,
  })
  if (tell(w, s.surroundings.unseen, found.trouble)) set(w, { unseen: found.trouble })
}

export function arranged(w: Work, failures: readonly string[]): void {
  set(w, { arrangingSinceMs: null, nextMs: w.now.ms, askedMs: null })
  if (tell(w, w.s.surroundings.failures, failures)) set(w, { failures })
}

/** Failures are told once, until they are others; answers whether they are. */
function tell(w: Work, before: readonly string[], failures: readonly string[]): boolean {
  if (failures.join() === before.join()) return false
  if (failures.length > 0)
    w.out.push({ kind: 'journal', event: { kind: 'trouble', says: failures.join('; ').slice(0, 1_900) } })
  return true
}

/** Makes the look that is due and orders what differs. */
export function arrange(w: Work): void {
  const { s, now } = w
  const { config, side } = s
  if (!config || !side) return
  const { arrangingSinceMs, askedMs } = s.surroundings
  if (arrangingSinceMs !== null) {
    if (now.ms - arrangingSinceMs < answerLimitMs) return
    set(w, { arrangingSinceMs: null })
  }
  const want = wanted(config)
  const daemon = wantedDaemon(s)
  const survey: Survey = {
    marks: want.marks.length > 0 || !s.surroundings.lookedOnce || s.surroundings.found?.marks != null,
    sync: daemon !== undefined || s.surroundings.ownsSync,
    settings: Object.keys(want.settings),
  }
  const lost = askedMs !== null && now.ms - askedMs >= answerLimitMs
  if ((askedMs === null && now.ms >= s.surroundings.nextMs) || lost) {
    const any = survey.marks || survey.sync || survey.settings.length > 0
    set(w, { nextMs: any ? now.ms + surveyEveryMs : Infinity })
    if (any) {
      set(w, { askedMs: now.ms })
      w.out.push({ kind: 'survey', survey })
    }
    return
  }
  // Moving addresses comes first; the daemon follows the role right after.
  if (askedMs !== null || !s.surroundings.found || s.takeover) return
  compare(w, s.surroundings.found, want, daemon)
}

function compare(w: Work, found: Found, want: Wanted, daemon: SyncDaemon | undefined): void {
  const { s, now } = w
  const says: string[] = []
  const marks = marksDiffer(found, want, says) ? want.marks : undefined
  const sync = syncCommands(found, daemon, s.surroundings.ownsSync, says)
  const settings: Record<string, string> = {}
  if (found.settings)
    for (const [name, value] of Object.entries(want.settings))
      if (found.settings[name] !== value) {
        settings[name] = value
        says.push(`${name} is ${found.settings[name] ?? 'not known'} instead of ${value}`)
      }
  const wantedText = JSON.stringify([want.markLines, want.settings, daemon ?? null])
  if (says.length === 0) {
    const { drift } = s.surroundings
    if (drift.length > 0)
      w.out.push({ kind: 'journal', event: { kind: 'drift', differences: [...drift], repaired: true } })
    if (s.surroundings.settled !== wantedText || drift.length > 0) set(w, { settled: wantedText, tries: 0, drift: [] })
    return
  }
  if (now.ms < s.surroundings.holdMs) return
  const tries = s.surroundings.tries + 1
  const drift = s.surroundings.settled === wantedText ? says : []
  w.out.push({
    kind: 'arrange',
    arrangement: {
      ...(marks ? { marks } : {}),
      ...(sync.length > 0 ? { sync } : {}),
      ...(Object.keys(settings).length > 0 ? { settings } : {}),
    },
  })
  set(w, {
    found: null,
    arrangingSinceMs: now.ms,
    tries,
    holdMs: tries >= promptTries ? now.ms + retryMs : now.ms,
    // What is found besides while a drift is being repaired is one, too.
    settled: drift.length > 0 ? wantedText : null,
    drift: [...new Set([...s.surroundings.drift, ...drift])],
    ...(sync.length > 0 ? { ownsSync: daemon !== undefined } : {}),
  })
}

function marksDiffer(found: Found, want: Wanted, says: string[]): boolean {
  if (found.marks === undefined) return false
  const before = says.length
  const have = new Set(found.marks?.lines)
  for (const line of want.markLines) if (!have.has(line)) says.push(`the mark ${line} is missing`)
  for (const line of have) if (!want.markLines.includes(line)) says.push(`the mark ${line} is there and should not be`)
  if (want.markLines.length > 0 && found.marks && !found.marks.hooked)
    says.push('packets do not pass our marking rules')
  if (want.markLines.length === 0 && found.marks && says.length === before)
    says.push('our marking rules are there and should not be')
  return says.length > before
}

/** The ipvsadm arguments that make the wanted daemon the only one of ours. A daemon is not touched where the file asks for none. */
function syncCommands(found: Found, daemon: SyncDaemon | undefined, owns: boolean, says: string[]): string[] {
  if (!found.sync) return []
  if (!daemon && !owns) return []
  const commands: string[] = []
  const same = (d: SyncDaemon): boolean =>
    daemon !== undefined && d.role === daemon.role && d.device === daemon.device && d.id === daemon.id
  for (const running of found.sync) {
    if (same(running)) continue
    commands.push(`--stop-daemon ${running.role}`)
    says.push(`the sync daemon runs as ${running.role} on ${running.device} with id ${running.id} and should not`)
  }
  if (daemon && !found.sync.some(same)) {
    commands.push(`--start-daemon ${daemon.role} --mcast-interface ${daemon.device} --syncid ${daemon.id}`)
    says.push(`the sync daemon does not run as ${daemon.role} on ${daemon.device} with id ${daemon.id}`)
  }
  return commands
}

/** The soonest instant at which the surroundings want attention. */
export function surroundingsDue(s: State): number {
  if (!s.config || !s.side) return Infinity
  const { arrangingSinceMs, askedMs, nextMs, holdMs } = s.surroundings
  if (arrangingSinceMs !== null) return arrangingSinceMs + answerLimitMs
  if (askedMs !== null) return askedMs + answerLimitMs
  return Math.min(nextMs, holdMs > s.lastStepMs ? holdMs : Infinity)
}
