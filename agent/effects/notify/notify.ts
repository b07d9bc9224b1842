/**
 * The director's side of the notifications: hands the lines of the journal to the thread that sends (sender.ts) and keeps what it tells
 * of the channels for whoever asks. Without channels there is no thread. A thread that ends by itself is started anew; what it had not
 * told is told by the next one.
 */
import { stat } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { DirectorReport, JournalEntry, JournalEvent } from '../../../domain/contract/agent.ts'
import type { ChannelDraft, ChannelState, NotifyView, Tested } from '../../../domain/notify.ts'
import type { NewsNames } from '../../../domain/speech/notify.ts'
import type { Told } from './outbox.ts'
import { startSender, type Answered, type Ask, type FromSender, type SenderSetup, type ToSender } from './sender.ts'

/** Lines of before are handed over in pieces of so many, with the heartbeats in between. */
const linesPerTurn = 250
/** As many lines as a director keeps in memory. */
const linesMost = 10_000
/** A thread that ends is started again after this, ever later. */
const firstPauseMs = 5_000
const longestPauseMs = 300_000
/** A thread that takes more than this ends, and the director goes on. */
const threadMemory = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }

export interface NotifyPorts extends SenderSetup {
  /** The bundle, which a thread is made of; null: it is sent here, for development. */
  readonly bundle: string | null
  /** The newest lines of the journal, oldest first. */
  readonly since: (afterMs: undefined, limit: number) => readonly JournalEntry[]
  /** What the things of an event are called. */
  readonly names: (event: JournalEvent) => NewsNames | undefined
  readonly note: (event: JournalEvent) => void
  /** What `report` says has changed. */
  readonly changed: () => void
}

export interface Notify {
  /** A line has been written to the journal. */
  readonly wrote: (entry: JournalEntry) => void
  readonly report: () => Pick<DirectorReport, 'notify'>
  /** These throw with the reason when they are refused. */
  readonly view: () => Promise<NotifyView>
  readonly set: (cluster: string, channels: readonly ChannelDraft[], by: string) => Promise<NotifyView>
  readonly test: (channel: string) => Promise<Tested>
  /** Read the settings again. */
  readonly reread: () => Promise<void>
  readonly close: () => void
}

/** A running sender. */
interface Sender {
  readonly post: (message: ToSender) => void
  readonly end: () => void
}

const ended = 'The sending of notifications has ended and is started again.'

const there = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )

/** Starts the thread when there are settings. */
export async function openNotify(ports: NotifyPorts): Promise<Notify> {
  const setup: SenderSetup = { file: ports.file, stateFile: ports.stateFile, director: ports.director }
  let sender: Sender | null = null
  let states: readonly ChannelState[] = []
  let unsent: Told[] = []
  let sending = false
  /** Whether the lines of before have been handed over. */
  let feeding = false
  let nextTicket = 1
  const tickets = new Map<number, (answer: Answered) => void>()
  let pauseMs = firstPauseMs
  let retry: NodeJS.Timeout | null = null
  let closed = false

  function told(entry: JournalEntry): Told {
    const names = ports.names(entry.event)
    return names === undefined ? { entry } : { entry, names }
  }

  function flush(): void {
    sending = false
    if (!sender || feeding || unsent.length === 0) return
    const lines = unsent.splice(0, linesPerTurn)
    sender.post({ kind: 'lines', lines })
    if (unsent.length > 0) soon()
  }
  function soon(): void {
    if (sending) return
    sending = true
    setImmediate(flush)
  }

  async function feed(to: Sender): Promise<void> {
    feeding = true
    unsent = []
    // What is written while this goes on is told as well, until there is no more.
    let last: JournalEntry | undefined
    for (;;) {
      const all = ports.since(undefined, linesMost)
      const lines = last === undefined ? all : all.slice(all.lastIndexOf(last) + 1)
      last = all.at(-1)
      if (lines.length === 0) break
      for (let at = 0; at < lines.length; at += linesPerTurn) {
        if (sender !== to) return
        to.post({ kind: 'lines', lines: lines.slice(at, at + linesPerTurn).map(told) })
        await nextTurn()
      }
    }
    if (sender !== to) return
    to.post({ kind: 'caught-up' })
    feeding = false
    soon()
  }

  function hear(message: FromSender): void {
    switch (message.kind) {
      case 'states':
        ;({ states } = message)
        if (states.some(({ delivered }) => delivered > 0)) pauseMs = firstPauseMs
        ports.changed()
        return
      case 'note':
        ports.note({ kind: 'trouble', says: message.says.slice(0, 2_000) })
        return
      case 'answer':
        tickets.get(message.ticket)?.(message.answer)
        tickets.delete(message.ticket)
        return
    }
  }

  function over(which: Sender, why: string): void {
    if (sender !== which) return
    sender = null
    feeding = false
    for (const answer of tickets.values()) answer({ refused: ended })
    tickets.clear()
    if (closed) return
    ports.note({ kind: 'trouble', says: `the sending of notifications ended and is started again: ${why}` })
    retry = setTimeout(start, pauseMs)
    retry.unref()
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }

  function onThread(bundle: string): Sender {
    const thread = new Worker(bundle, {
      workerData: { notify: setup },
      execArgv: [],
      resourceLimits: threadMemory,
    })
    const made: Sender = {
      post: (message) => thread.postMessage(message),
      end: () => void thread.terminate(),
    }
    thread.unref()
    thread.on('message', hear)
    thread.on('error', (error: unknown) => over(made, error instanceof Error ? error.message : String(error)))
    thread.on('exit', (code) => over(made, `exit ${code}`))
    return made
  }

  function here(): Sender {
    const { port1, port2 } = new MessageChannel()
    const running = startSender(setup, {
      post: (message) => port2.postMessage(message),
      hear: (heard) => void port2.on('message', heard),
    })
    port1.on('message', hear)
    port1.unref()
    port2.unref()
    return {
      post: (message) => port1.postMessage(message),
      end() {
        running.close()
        port1.close()
      },
    }
  }

  function start(): Sender {
    if (sender) return sender
    if (retry) clearTimeout(retry)
    retry = null
    sender = ports.bundle === null ? here() : onThread(ports.bundle)
    void feed(sender)
    return sender
  }

  function stop(): void {
    const running = sender
    sender = null
    feeding = false
    states = []
    if (retry) clearTimeout(retry)
    for (const answer of tickets.values()) answer({ refused: ended })
    tickets.clear()
    running?.end()
  }

  function ask(question: Ask): Promise<Answered> {
    const to = start()
    const ticket = nextTicket++
    return new Promise((resolve) => {
      tickets.set(ticket, resolve)
      to.post({ kind: 'ask', ticket, ask: question })
    })
  }

  function viewIn(answer: Answered): NotifyView {
    if ('view' in answer) return answer.view
    throw new Error('refused' in answer ? answer.refused : ended)
  }

  if (await there(ports.file)) start()

  return {
    wrote(entry) {
      if (!sender) return
      unsent.push(told(entry))
      soon()
    },
    report: () => (states.length > 0 ? { notify: [...states] } : {}),
    async view() {
      if (!sender && !(await there(ports.file))) return { cluster: '', channels: [] }
      return viewIn(await ask({ what: 'view' }))
    },
    async set(cluster, channels, by) {
      const view = viewIn(await ask({ what: 'set', cluster, channels }))
      ports.note({ kind: 'order', order: `notify over ${view.channels.length} channels`, by })
      if (view.channels.length === 0) {
        stop()
        ports.changed()
      }
      return view
    },
    async test(channel) {
      if (!sender && !(await there(ports.file))) throw new Error('This channel is not known here.')
      const answer = await ask({ what: 'test', channel })
      if ('tested' in answer) return answer.tested
      throw new Error('refused' in answer ? answer.refused : ended)
    },
    async reread() {
      if (sender) sender.post({ kind: 'reread' })
      else if (await there(ports.file)) start()
    },
    close() {
      closed = true
      stop()
    },
  }
}
