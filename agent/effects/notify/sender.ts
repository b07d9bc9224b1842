/**
 * The sending of notifications, on a thread of its own: names are resolved, certificates read, handshakes made and files written here,
 * and none of it takes time from the loop that sends the heartbeats. It is told the lines of the journal and tells how the channels fare;
 * secrets come in through the settings and stay here.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import {
  shown,
  withKept,
  type ChannelDraft,
  type ChannelState,
  type NotifySettings,
  type NotifyView,
  type Tested,
} from '../../../domain/notify.ts'
import { newsWords } from '../../../domain/speech/notify.ts'
import { openDeliver } from './deliver.ts'
import { openLookup } from './names.ts'
import { openOutbox, timing, type Timing, type Told } from './outbox.ts'
import { openPositions } from './positions.ts'
import { noSettings, readSettings, writeSettings } from './settings-file.ts'
import { openTrust } from './trust.ts'

export type Ask =
  | { readonly what: 'view' }
  | { readonly what: 'set'; readonly cluster: string; readonly channels: readonly ChannelDraft[] }
  | { readonly what: 'test'; readonly channel: string }

export type Answered = { readonly view: NotifyView } | { readonly tested: Tested } | { readonly refused: string }

export type ToSender =
  | { readonly kind: 'lines'; readonly lines: readonly Told[] }
  /** The lines of before have all been told. */
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'ask'; readonly ticket: number; readonly ask: Ask }
  /** Read the settings again. */
  | { readonly kind: 'reread' }

export type FromSender =
  | { readonly kind: 'states'; readonly states: readonly ChannelState[] }
  | { readonly kind: 'note'; readonly says: string }
  | { readonly kind: 'answer'; readonly ticket: number; readonly answer: Answered }

const setupSchema = z.object({ file: z.string(), stateFile: z.string(), director: z.string() })
export type SenderSetup = z.infer<typeof setupSchema>

/** The end of a line between two threads. */
export interface SenderPort {
  readonly post: (message: FromSender) => void
  readonly hear: (heard: (message: ToSender) => void) => void
}

/** `2026-11-21 23:04:05 +08:00`, by the clock of this machine. */
function timeText(atMs: number): string {
  const offset = -new Date(atMs).getTimezoneOffset()
  const local = new Date(atMs + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0')
  return `${local} ${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Begins to send. `times` for tests. */
export function startSender(setup: SenderSetup, port: SenderPort, times: Timing = timing): { close: () => void } {
  const { file, stateFile, director } = setup
  let settings: NotifySettings = noSettings
  let unreadable: string | undefined
  let closed = false
  const deliver = openDeliver({ director, lookup: openLookup(), trust: openTrust(), wallMs: Date.now })
  const tell = (message: FromSender): void => {
    if (!closed) port.post(message)
  }
  const note = (says: string): void => tell({ kind: 'note', says })
  const outbox = openPositions(stateFile).then((positions) => {
    const box = openOutbox({
      cluster: () => settings.cluster,
      deliver,
      positions,
      timing: times,
      wallMs: Date.now,
      timeText,
      changed: () => tell({ kind: 'states', states: box.states() }),
      note,
    })
    return box
  })

  async function reread(): Promise<void> {
    const read = await readSettings(file)
    settings = read.settings
    ;({ unreadable } = read)
    if (unreadable !== undefined) note(`no notifications are sent: ${unreadable}`)
    if (read.warning !== undefined) note(read.warning)
    await (await outbox).configure(settings.channels)
  }

  const view = (): NotifyView => ({
    cluster: settings.cluster,
    channels: settings.channels.map(shown),
    ...(unreadable === undefined ? {} : { unreadable }),
  })

  async function set(cluster: string, drafts: readonly ChannelDraft[]): Promise<Answered> {
    const { channels, lacking } = withKept(drafts, settings.channels)
    if (lacking.length > 0)
      return { refused: `No address or password is kept here for ${lacking.join(', ')}; give it again.` }
    const next: NotifySettings = { version: 1, cluster, channels }
    try {
      await writeSettings(file, next)
    } catch (error) {
      return { refused: `${file} cannot be written: ${reason(error)}` }
    }
    settings = next
    unreadable = undefined
    await (await outbox).configure(channels)
    return { view: view() }
  }

  async function test(id: string): Promise<Answered> {
    const channel = settings.channels.find((one) => one.id === id)
    if (!channel) return { refused: 'This channel is not known here.' }
    const startedMs = performance.now()
    const atMs = Date.now()
    const outcome = await deliver(channel, {
      language: channel.language,
      omitted: 0,
      news: [
        {
          id: `${director}-test-${atMs}`,
          director,
          cluster: settings.cluster,
          group: 'test',
          level: 'plain',
          atMs,
          at: timeText(atMs),
          text: newsWords(channel.language).test(director, channel.name),
        },
      ],
    })
    const tookMs = Math.round(performance.now() - startedMs)
    return { tested: { passed: outcome.delivered, says: outcome.says ?? '', tookMs } }
  }

  async function answer(ticket: number, ask: Ask): Promise<void> {
    const answered = await (
      ask.what === 'test'
        ? test(ask.channel)
        : ask.what === 'set'
          ? set(ask.cluster, ask.channels)
          : Promise.resolve({ view: view() })
    ).catch((error: unknown): Answered => ({ refused: reason(error) }))
    tell({ kind: 'answer', ticket, answer: answered })
  }

  let working: Promise<void> = reread()
  port.hear((message) => {
    working = working
      .then(async () => {
        switch (message.kind) {
          case 'lines':
            ;(await outbox).take(message.lines)
            return
          case 'caught-up':
            await (await outbox).caughtUp()
            return
          case 'reread':
            await reread()
            return
          case 'ask': {
            const answered = answer(message.ticket, message.ask)
            // A test may take its time; what comes next does not wait for it.
            if (message.ask.what !== 'test') await answered
            return
          }
        }
      })
      .catch((error: unknown) => note(`notifications: ${reason(error)}`))
  })

  return {
    close() {
      closed = true
      void outbox.then((box) => box.close())
    },
  }
}

/** The thread's end: true when this is the thread that sends. */
export function answerNotify(): boolean {
  if (isMainThread || !parentPort) return false
  const data: unknown = workerData
  if (typeof data !== 'object' || data === null || !('notify' in data)) return false
  const setup = setupSchema.safeParse(data.notify)
  if (!setup.success) return false
  const port = parentPort
  startSender(setup.data, {
    post: (message) => port.postMessage(message),
    hear: (heard) => void port.on('message', heard),
  })
  return true
}
