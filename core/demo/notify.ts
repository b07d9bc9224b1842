/**
 * Notifications of the simulated directors: they are set, shown and counted as on real ones, by the same rules of what is news and who
 * tells it, and nothing is sent. A test says what would have been sent.
 */
import type { DirectorReport, JournalEntry } from '../../domain/contract/agent.ts'
import { textOf } from '../../domain/notify-message.ts'
import { openNewsSense } from '../../domain/notify-news.ts'
import { shown, withKept } from '../../domain/notify.ts'
import type { Channel, ChannelDraft, ChannelState, NotifyView, Tested } from '../../domain/notify.ts'
import { problem, failed, ok } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { SimulatedDirector } from '../../domain/simulation.ts'
import { newsWords } from '../../domain/speech/notify.ts'

export interface SimulatedNotify {
  readonly view: () => NotifyView
  readonly set: (cluster: string, drafts: readonly ChannelDraft[]) => Result<NotifyView>
  readonly test: (channel: string) => Result<Tested>
  readonly report: () => Pick<DirectorReport, 'notify'>
}

export interface SimulatedNotifyPorts {
  readonly director: SimulatedDirector
  readonly journal: () => readonly JournalEntry[]
  readonly wallMs: () => number
}

/** An instant as the agents write it, in UTC. */
const timeText = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} +00:00`

export function simulatedNotify(ports: SimulatedNotifyPorts): SimulatedNotify {
  let cluster = ''
  let channels: readonly Channel[] = []
  /** Since when each channel is there: what was before is not its news. */
  const sinceMs = new Map<string, number>()

  function told(channel: Channel): readonly JournalEntry[] {
    const sense = openNewsSense()
    const fromMs = sinceMs.get(channel.id) ?? 0
    return ports.journal().filter((entry) => {
      const { group, shared } = sense.take(entry)
      return entry.atMs >= fromMs && group !== null && channel.groups.includes(group) && (!shared || channel.both)
    })
  }

  const view = (): NotifyView => ({ cluster, channels: channels.map(shown) })

  return {
    view,
    set(name, drafts) {
      const whole = withKept(drafts, channels)
      if (whole.lacking.length > 0)
        return failed(problem('notify-secret-lacking', { host: ports.director, names: whole.lacking.join(', ') }))
      cluster = name
      ;({ channels } = whole)
      for (const { id } of channels) if (!sinceMs.has(id)) sinceMs.set(id, Math.round(ports.wallMs()))
      return ok(view())
    },
    test(id) {
      const channel = channels.find((one) => one.id === id)
      if (!channel)
        return failed(problem('agent-refused', { host: ports.director, reason: 'This channel is not known here.' }))
      const atMs = Math.round(ports.wallMs())
      const news = {
        id: `${ports.director}-test-${atMs}`,
        director: ports.director,
        cluster,
        group: 'test',
        level: 'plain',
        atMs,
        at: timeText(atMs),
        text: newsWords(channel.language).test(ports.director, channel.name),
      } as const
      const says = textOf(channel.kind, { language: channel.language, news: [news], omitted: 0 })
      return ok({ passed: true, simulated: true, says, tookMs: 0 })
    },
    report() {
      if (channels.length === 0) return {}
      const states: ChannelState[] = channels.map((channel) => {
        const lines = told(channel)
        const last = lines.at(-1)
        return {
          id: channel.id,
          name: channel.name,
          waiting: 0,
          delivered: lines.length,
          givenUp: 0,
          ...(last ? { deliveredAtMs: last.atMs } : {}),
        }
      })
      return { notify: states }
    },
  }
}
