/**
 * Hearing the peer: which beats count, what they say, and when it is silent. A beat counts when it is newer than any before it
 * ((boot, seq) rising per path), or when it repeats one of our own recent sequence numbers, which only a live peer can know;
 * anything else is a replay and is refused and counted. The peer is silent only when every path is.
 */
import type { HeartbeatPath } from '../../domain/contract/agent.ts'
import type { Config } from '../../domain/config.ts'
import { heartbeatPairs } from '../../domain/heartbeat-paths.ts'
import type { State } from './state.ts'
import type { Beat, Now, Path, Side } from './words.ts'

/** Beats the loss figure looks back over. */
const lossWindowBeats = 100
/** A beat that repeats a sequence number of ours at most this old proves itself fresh. */
const freshEchoBeats = 50
/** Buckets of ten seconds over which the worst gap is kept: one minute. */
const gapBuckets = 6
const gapBucketMs = 10_000

export interface PathState extends Path {
  readonly lastHeardMs: number | null
  readonly silent: boolean
  /** The newest (boot, seq) taken from this path. */
  readonly boot: number
  readonly seq: number
  /** Sequence numbers heard, newest last, within the loss window. */
  readonly seqs: readonly number[]
  readonly gaps: readonly { readonly bucket: number; readonly worstMs: number }[]
  readonly refused: number
  readonly refusedBy: Readonly<Record<'key' | 'malformed' | 'stranger' | 'replay', number>>
  readonly trouble: string | null
  /** There and back without the time a beat lay at the peer, smoothed; null until one has been answered. */
  readonly roundTripMs: number | null
}

export interface Hearing {
  readonly paths: readonly PathState[]
  /** The newest beat of the peer, whichever path it came on. */
  readonly peer: Beat | null
  readonly lastHeardMs: number | null
  /** The highest boot number ever taken from the peer (remembered over restarts). */
  readonly peerBoot: number
  /** Boots of the peer that ended: their beats are replays, whatever they echo. */
  readonly endedBoots: readonly number[]
}

/** A new round trip counts for this share of the smoothed one (as in RFC 6298). */
const roundTripShare = 1 / 8

/** Paths that one beat says back of. */
const echoesPerBeat = 4

/** Ended boots remembered. */
const endedLimit = 32

export function newHearing(peerBoot: number): Hearing {
  return { paths: [], peer: null, lastHeardMs: null, peerBoot, endedBoots: [] }
}

/** The paths of a config as seen from one side; none without a backup. */
export function pathsOf(config: Config, side: Side): readonly Path[] {
  return heartbeatPairs(config).map(({ name, primary, backup }) =>
    side === 'primary' ? { name, local: primary, remote: backup } : { name, local: backup, remote: primary },
  )
}

function newPath(path: Path): PathState {
  return {
    ...path,
    lastHeardMs: null,
    silent: true,
    boot: 0,
    seq: 0,
    seqs: [],
    gaps: [],
    refused: 0,
    refusedBy: { key: 0, malformed: 0, stranger: 0, replay: 0 },
    trouble: null,
    roundTripMs: null,
  }
}

/** Takes new paths over, keeping what is known of those that stay. */
export function withPaths(hearing: Hearing, paths: readonly Path[]): Hearing {
  const kept = paths.map((path) => {
    const old = hearing.paths.find((p) => p.name === path.name && p.local === path.local && p.remote === path.remote)
    return old ?? newPath(path)
  })
  return { ...hearing, paths: kept }
}

function change(hearing: Hearing, name: string, by: (path: PathState) => PathState): Hearing {
  return { ...hearing, paths: hearing.paths.map((p) => (p.name === name ? by(p) : p)) }
}

/** Counts a datagram that is not to be believed. */
export function refuse(hearing: Hearing, name: string, why: keyof PathState['refusedBy']): Hearing {
  return change(hearing, name, (p) => ({
    ...p,
    refused: p.refused + 1,
    refusedBy: { ...p.refusedBy, [why]: p.refusedBy[why] + 1 },
  }))
}

export function withTrouble(hearing: Hearing, name: string, says: string | null): Hearing {
  return change(hearing, name, (p) => ({ ...p, trouble: says }))
}

/**
 * Takes in a beat that the wire found authentic. `own` is our boot and newest sequence number.
 * Returns the hearing and whether the beat counted.
 */
export function hear(
  hearing: Hearing,
  name: string,
  beat: Beat,
  own: { readonly side: Side; readonly boot: number; readonly seq: number; readonly sent: State['sent'] },
  now: Now,
): { readonly hearing: Hearing; readonly counted: boolean } {
  const path = hearing.paths.find((p) => p.name === name)
  if (!path) return { hearing, counted: false }
  if (beat.from === own.side) return { hearing: refuse(hearing, name, 'stranger'), counted: false }
  const echo =
    beat.sees && beat.sees.boot === own.boot && beat.sees.seq > own.seq - freshEchoBeats && beat.sees.seq <= own.seq
  const sameBoot = beat.boot === path.boot
  const newer = sameBoot ? beat.seq > path.seq : beat.boot >= hearing.peerBoot && beat.boot > path.boot
  // A peer whose clock and disk went back starts with a lower boot number; only its echo of our numbers tells it from a replay.
  const reborn = !sameBoot && echo === true && !hearing.endedBoots.includes(beat.boot)
  if (!newer && !reborn) return { hearing: refuse(hearing, name, 'replay'), counted: false }

  const seqs = (sameBoot ? [...path.seqs, beat.seq] : [beat.seq]).filter((s) => s > beat.seq - lossWindowBeats)
  const bucket = Math.floor(now.ms / gapBucketMs)
  const gapMs = path.lastHeardMs === null || path.silent ? 0 : now.ms - path.lastHeardMs
  const gaps = path.gaps.filter((g) => g.bucket > bucket - gapBuckets)
  const last = gaps.at(-1)
  const worst =
    last?.bucket === bucket
      ? [...gaps.slice(0, -1), { bucket, worstMs: Math.max(last.worstMs, gapMs) }]
      : [...gaps, { bucket, worstMs: gapMs }]
  const next = change(hearing, name, (p) => ({
    ...p,
    lastHeardMs: now.ms,
    silent: false,
    boot: beat.boot,
    seq: beat.seq,
    seqs,
    gaps: worst,
    trouble: null,
    roundTripMs: smoothed(p.roundTripMs, roundTripOf(beat, name, own, now)),
  }))
  const peer = hearing.peer
  const newest =
    !peer || reborn || beat.boot > peer.boot || (beat.boot === peer.boot && beat.seq >= peer.seq) ? beat : peer
  return {
    hearing: {
      ...next,
      peer: newest,
      lastHeardMs: now.ms,
      endedBoots:
        peer && newest === beat && peer.boot !== beat.boot
          ? [...hearing.endedBoots, peer.boot].slice(-endedLimit)
          : hearing.endedBoots,
      peerBoot: reborn ? beat.boot : Math.max(hearing.peerBoot, beat.boot),
    },
    counted: true,
  }
}

function smoothed(old: number | null, fresh: number | null): number | null {
  if (fresh === null) return old
  return old === null ? fresh : old + roundTripShare * (fresh - old)
}

/** How long our beat that this one echoes was on its way there and back. */
function roundTripOf(
  beat: Beat,
  path: string,
  own: { readonly boot: number; readonly sent: State['sent'] },
  now: Now,
): number | null {
  const echo = beat.sees?.boot === own.boot ? beat.echo?.[path] : undefined
  const sent = echo && own.sent.find((s) => s.seq === echo.seq)
  return echo && sent ? Math.max(0, now.ms - sent.ms - echo.ageMs) : null
}

/**
 * What beat number `seqNow` says back of paths: the newest beat heard on each, and how long ago. A beat has to fit a frame, so many paths
 * have their turn one after the other.
 */
export function echoes(
  { paths, peer }: Hearing,
  seqNow: number,
  nowMs: number,
): Readonly<Record<string, { seq: number; ageMs: number }>> {
  const out: Record<string, { seq: number; ageMs: number }> = {}
  const from = (seqNow * echoesPerBeat) % Math.max(1, paths.length)
  for (const { name, boot, seq, lastHeardMs } of [...paths.slice(from), ...paths.slice(0, from)].slice(
    0,
    echoesPerBeat,
  ))
    if (lastHeardMs !== null && boot === peer?.boot)
      out[name] = { seq, ageMs: Math.round((nowMs - lastHeardMs) * 10) / 10 }
  return out
}

/** A beat shows that its sender hears us (`boot` is ours). One that has just started does not hear us yet. */
export function hears(beat: Beat, boot: number, deadtimeMs: number): boolean {
  return beat.sees !== undefined && beat.sees.boot === boot && (beat.sees.ageMs ?? 0) < deadtimeMs
}

/** Marks paths silent whose last beat is `deadtimeMs` old; returns the names of those that just became so. */
export function fallSilent(
  hearing: Hearing,
  deadtimeMs: number,
  now: Now,
): { readonly hearing: Hearing; readonly silent: readonly string[] } {
  const silent = hearing.paths
    .filter((p) => !p.silent && p.lastHeardMs !== null && now.ms - p.lastHeardMs >= deadtimeMs)
    .map((p) => p.name)
  if (silent.length === 0) return { hearing, silent }
  return {
    hearing: { ...hearing, paths: hearing.paths.map((p) => (silent.includes(p.name) ? { ...p, silent: true } : p)) },
    silent,
  }
}

/** Beats missing of the last hundred expected, in percent: by their numbers, and since the last one by the clock. */
function lossOf(path: PathState, keepaliveMs: number, nowMs: number): number {
  const first = path.seqs[0]
  const last = path.seqs.at(-1)
  if (first === undefined || last === undefined || path.lastHeardMs === null) return 0
  // The one that is due now is not yet missing.
  const overdue = Math.max(0, Math.floor((nowMs - path.lastHeardMs) / keepaliveMs) - 1)
  const expected = Math.min(lossWindowBeats, last - first + 1 + overdue)
  const heard = path.seqs.filter((seq) => seq > last + overdue - expected).length
  return Math.round((1 - heard / expected) * 1000) / 10
}

/** Paths as reported to a watcher. `toWallMs` turns a monotonic instant into the wall clock. */
export function reportPaths(
  hearing: Hearing,
  keepaliveMs: number,
  nowMs: number,
  toWallMs: (ms: number) => number,
): HeartbeatPath[] {
  return hearing.paths.map((p) => {
    const worstGapMs = p.gaps.reduce((worst, g) => Math.max(worst, g.worstMs), 0)
    return {
      name: p.name,
      local: p.local,
      remote: p.remote,
      state: p.lastHeardMs === null ? 'never' : p.silent ? 'silent' : 'heard',
      ...(p.lastHeardMs === null ? {} : { lastHeardAtMs: toWallMs(p.lastHeardMs) }),
      lossPercent: lossOf(p, keepaliveMs, nowMs),
      ...(p.gaps.length > 0 ? { worstGapMs } : {}),
      ...(p.roundTripMs === null ? {} : { delayMs: Math.round(p.roundTripMs * 100) / 100 }),
      refused: p.refused,
    }
  })
}
