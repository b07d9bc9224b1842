/**
 * The way of the news to the channels: each channel has its own queue, one message under way, in the order of the journal. A message that
 * is not taken is tried again, ever more seldom up to five minutes; what has waited for a day, or is refused for what it says, is given
 * up and counted, and the next message says so. The position in the journal moves only when a message was taken, so after a restart
 * the journal fills the queues again: at least once, in order.
 */
import type { JournalEntry } from '../../../domain/contract/agent.ts'
import { fitting, type News } from '../../../domain/notify-message.ts'
import { failingLongMs, type Channel, type ChannelState } from '../../../domain/notify.ts'
import { levelOf, openNewsSense } from '../../../domain/notify-news.ts'
import { newsSentence, type NewsNames } from '../../../domain/speech/notify.ts'
import type { Deliver } from './deliver.ts'
import { isAfter, type Position, type Positions } from './positions.ts'

export interface Timing {
  /** The first pause after a failure; each further one is twice as long. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** News of one moment (a takeover and what comes with it) go in one chat message or mail. */
  readonly gatherMs: number
  /** Chat robots take 20 messages a minute (DingTalk, WeCom). */
  readonly chatPauseMs: number
  readonly givenUpAfterMs: number
  readonly failingLongMs: number
}

export const timing: Timing = {
  firstPauseMs: 1_000,
  longestPauseMs: 300_000,
  gatherMs: 1_000,
  chatPauseMs: 3_100,
  givenUpAfterMs: 24 * 3_600_000,
  failingLongMs,
}

/** More news than this do not wait; the oldest are given up. */
export const waitingMost = 10_000
/** A message that is refused for what it says is given up after so many tries. */
const finalTries = 10
/** A host that asks for patience gets no more than this. */
const patienceMostMs = 3_600_000

/** A line of the journal with the names of what it is about. */
export interface Told {
  readonly entry: JournalEntry
  readonly names?: NewsNames
}

export interface OutboxPorts {
  readonly cluster: () => string
  readonly deliver: Deliver
  readonly positions: Positions
  readonly timing: Timing
  readonly wallMs: () => number
  /** The instant as text in the time zone of the director. */
  readonly timeText: (atMs: number) => string
  /** What `states` tells has changed. */
  readonly changed: () => void
  /** For the director's journal: a channel fails for long, or works again. */
  readonly note: (says: string) => void
}

export interface Outbox {
  /** Takes the channels to tell from now on; those that are not among them are forgotten with what waited. */
  readonly configure: (channels: readonly Channel[]) => Promise<void>
  /** The next lines of the journal, in order. */
  readonly take: (lines: readonly Told[]) => void
  /** The journal of before has been taken: what comes now is new, also for channels that are new. */
  readonly caughtUp: () => Promise<void>
  readonly states: () => readonly ChannelState[]
  readonly close: () => void
}

interface Waiting {
  readonly position: Position
  readonly news: News
}

interface Lane {
  channel: Channel
  /** Undefined: a new channel, before the journal of before has been taken. */
  position: Position | undefined
  queue: Waiting[]
  /** So many of the queue, from its head, are being told now. */
  underWay: number
  /** Given up and not yet said. */
  omitted: number
  state: Omit<ChannelState, 'waiting' | 'name' | 'id'>
  running: boolean
  /** Ends the pause the lane is in. */
  wake: () => void
  tries: number
  saidFailing: boolean
  gone: boolean
}

/** The id of a line of the journal. */
const recordId = ({ director, boot, seq }: JournalEntry): string => `${director}-${boot}-${seq}`

export function openOutbox(ports: OutboxPorts): Outbox {
  const { positions, timing: times, wallMs } = ports
  const sense = openNewsSense()
  let lanes: Lane[] = []
  let last: Position | undefined
  let live = false
  let closed = false

  async function keep(): Promise<void> {
    const known: Record<string, Position> = {}
    for (const { channel, position } of lanes) {
      const at = position ?? positions.of(channel.id)
      if (at) known[channel.id] = at
    }
    await positions.keep(known)
  }

  function pause(lane: Lane, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      lane.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function countGivenUp(lane: Lane, count: number): void {
    lane.omitted += count
    lane.state = { ...lane.state, givenUp: lane.state.givenUp + count }
  }

  /** Gives up the head of the queue; only while nothing is under way. */
  function giveUp(lane: Lane, count: number): void {
    if (count === 0) return
    lane.position = lane.queue.splice(0, count).at(-1)?.position ?? lane.position
    lane.tries = 0
    countGivenUp(lane, count)
  }

  function failed(lane: Lane, says: string): void {
    const atMs = wallMs()
    const failingSinceMs = lane.state.failingSinceMs ?? atMs
    lane.state = { ...lane.state, failingSinceMs, lastErrorAtMs: atMs, lastError: says }
    if (lane.saidFailing || atMs - failingSinceMs < times.failingLongMs) return
    lane.saidFailing = true
    ports.note(
      `notifications over ${lane.channel.name} have not got through for ${minutes(atMs - failingSinceMs)}: ${says}`,
    )
  }

  function worked(lane: Lane, omitted: number, says: string | undefined): void {
    const atMs = wallMs()
    const { failingSinceMs: since, ...state } = lane.state
    lane.state = {
      ...state,
      delivered: state.delivered + 1,
      deliveredAtMs: atMs,
      ...(says === undefined ? {} : { lastErrorAtMs: atMs, lastError: says }),
    }
    lane.tries = 0
    lane.omitted -= omitted
    if (lane.saidFailing && since !== undefined)
      ports.note(`notifications over ${lane.channel.name} get through again after ${minutes(atMs - since)}`)
    lane.saidFailing = false
  }

  async function run(lane: Lane): Promise<void> {
    const chat = lane.channel.kind !== 'webhook'
    if (chat) await pause(lane, times.gatherMs)
    while (!closed && !lane.gone && lane.queue.length > 0) {
      const oldestMs = wallMs() - times.givenUpAfterMs
      const fresh = lane.queue.findIndex(({ news }) => news.atMs >= oldestMs)
      giveUp(lane, fresh < 0 ? lane.queue.length : fresh)
      const { channel } = lane
      const count = fitting(
        channel.kind,
        channel.language,
        lane.queue.slice(0, 1_000).map(({ news }) => news),
      )
      if (count === 0) break
      const under = lane.queue.slice(0, count)
      const { omitted } = lane
      lane.tries += 1
      lane.underWay = count
      const news = under.map((one) => one.news)
      const outcome = await ports.deliver(channel, { language: channel.language, news, omitted })
      lane.underWay = 0
      if (closed || lane.gone) return
      if (outcome.delivered) {
        lane.queue.splice(0, count)
        lane.position = under.at(-1)?.position ?? lane.position
        worked(lane, omitted, outcome.says)
        // A disk that is full makes it told twice after a restart, and is no reason not to tell the next one.
        await keep().catch(() => undefined)
        ports.changed()
        if (chat && lane.queue.length > 0) await pause(lane, times.chatPauseMs)
        continue
      }
      failed(lane, outcome.says)
      if (outcome.final && lane.tries >= finalTries) giveUp(lane, count)
      ports.changed()
      const pauseMs = Math.min(times.longestPauseMs, times.firstPauseMs * 2 ** Math.min(lane.tries - 1, 20))
      await pause(lane, Math.max(pauseMs, Math.min(outcome.waitMs ?? 0, patienceMostMs)))
    }
  }

  function start(lane: Lane): void {
    if (lane.running || closed || lane.gone || lane.queue.length === 0) return
    lane.running = true
    void run(lane).finally(() => {
      lane.running = false
      ports.changed()
      // What came while it ended.
      start(lane)
    })
  }

  function newsOf({ entry, names }: Told, group: News['group'], channel: Channel): News {
    return {
      id: recordId(entry),
      director: entry.director,
      cluster: ports.cluster(),
      group,
      level: levelOf(entry.event),
      atMs: entry.atMs,
      at: ports.timeText(entry.atMs),
      text: newsSentence(entry, channel.language, names),
      event: entry.event,
    }
  }

  return {
    async configure(channels) {
      const before = new Map(lanes.map((lane) => [lane.channel.id, lane] as const))
      lanes = channels.map((channel) => {
        const known = before.get(channel.id)
        before.delete(channel.id)
        if (known) {
          known.channel = channel
          known.tries = 0
          return known
        }
        return {
          channel,
          position: positions.of(channel.id) ?? (live ? last : undefined),
          queue: [],
          underWay: 0,
          omitted: 0,
          state: { delivered: 0, givenUp: 0 },
          running: false,
          wake: () => undefined,
          tries: 0,
          saidFailing: false,
          gone: false,
        }
      })
      for (const lane of before.values()) {
        lane.gone = true
        lane.wake()
      }
      // Another address may be right: what failed is tried at once.
      for (const lane of lanes) lane.wake()
      ports.changed()
      if (live) await keep().catch(() => undefined)
    },
    take(lines) {
      for (const line of lines) {
        const { entry } = line
        const position: Position = { boot: entry.boot, seq: entry.seq }
        if (last && !isAfter(position, last)) continue
        last = position
        const { group, shared } = sense.take(entry)
        for (const lane of lanes) {
          if (lane.position === undefined || !isAfter(position, lane.position)) continue
          const { channel } = lane
          if (group !== null && channel.groups.includes(group) && (!shared || channel.both)) {
            lane.queue.push({ position, news: newsOf(line, group, channel) })
            if (lane.queue.length > waitingMost) {
              lane.queue.splice(lane.underWay, 1)
              countGivenUp(lane, 1)
            }
          } else if (lane.queue.length === 0) lane.position = position
        }
      }
      for (const lane of lanes) start(lane)
    },
    async caughtUp() {
      live = true
      for (const lane of lanes) lane.position ??= last ?? { boot: '0', seq: 0 }
      await keep().catch((error: unknown) =>
        ports.note(
          `how far the notifications have come cannot be written down: ${error instanceof Error ? error.message : String(error)}`,
        ),
      )
    },
    states: () =>
      lanes.map(({ channel, queue, state }) => ({
        id: channel.id,
        name: channel.name,
        waiting: queue.length,
        ...state,
      })),
    close() {
      closed = true
      for (const lane of lanes) lane.wake()
    },
  }
}

const minutes = (ms: number): string => `${Math.max(1, Math.round(ms / 60_000))} min`
