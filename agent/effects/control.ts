/**
 * The door for the core and the console: a unix socket that speaks lines of JSON (domain/contract/agent.ts), and HTTP to whoever
 * begins with an HTTP request (pages.ts: metrics and health). Several clients at once; a client that does not read what it is sent
 * is closed, never waited for. What comes in is validated; a line that is not a request gets a refusal.
 */
import { chmod, chown, readFile, unlink } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import {
  agentProtocol,
  agentRequestSchema,
  maxLineBytes,
  type FileOrder,
  type Hello,
  type JournalEntry,
  type Order,
  type Staged,
} from '../../domain/contract/agent.ts'
import { maxConfigBytes } from './configured.ts'
import type { Notify } from './notify/notify.ts'
import { fitting, openWatcher, say, type Seen, type Watcher } from './watchers.ts'

/** More clients than this are not served. */
export const maxClients = 32
/** An answer with the journal is no longer than this; the newest entries are given. */
const maxJournalBytes = maxLineBytes / 2
const lineEnd = 10
/** A client has this long to take its last lines when the agent ends. */
const goodbyeMs = 200
/** What an HTTP request begins with; a line of JSON never does. */
const httpMethod = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS) /
const longestMethod = 8

/** What the rest of the agent gives the door. */
export interface Behind extends Seen {
  readonly hello: () => Hello
  readonly journal: (afterMs: number | undefined, limit: number) => readonly JournalEntry[]
  /** Resolves when the order came to its end: undefined = done, else why not. */
  readonly order: (order: Exclude<Order, FileOrder>) => Promise<string | undefined>
  readonly stage: (text: string, by: string) => Promise<Staged>
  readonly fileOrder: (order: Exclude<FileOrder, { kind: 'stage' }>) => Promise<string | undefined>
  readonly watchers: (count: number) => void
  readonly notify: Pick<Notify, 'view' | 'set' | 'test'>
  /** Takes over a connection that speaks HTTP; its first bytes are put back then. */
  readonly http: (socket: Socket) => void
}

export interface Control {
  /** Sends every watcher what has changed since it was last told. */
  readonly report: (journal: readonly JournalEntry[]) => void
  readonly watching: () => number
  readonly close: () => Promise<void>
}

interface Client {
  readonly socket: Socket
  readonly watcher: Watcher
  rest: Buffer[]
  restBytes: number
  /** The text of a `stage` that goes on. */
  staging: string[]
  stagingChars: number
}

/** Opens the socket with mode 0660 for root and `group`, where that group exists. */
export async function openControl(socketPath: string, group: string, behind: Behind): Promise<Control> {
  const clients = new Set<Client>()

  const watching = (): number => [...clients].filter((c) => c.watcher.watching()).length

  function answer(client: Client, line: string): void {
    const { socket } = client
    let asked: unknown
    try {
      asked = JSON.parse(line)
    } catch {
      say(socket, { id: 0, refused: 'This line is not JSON.' })
      return
    }
    const request = agentRequestSchema.safeParse(asked)
    if (!request.success) {
      const given = typeof asked === 'object' && asked !== null && 'id' in asked ? Number(asked.id) : 0
      say(socket, { id: Number.isFinite(given) ? given : 0, refused: 'This request is not known here.' })
      return
    }
    const { data } = request
    const { id } = data
    const refuse = (error: unknown): void =>
      say(socket, { id, refused: error instanceof Error ? error.message : String(error) })
    switch (data.ask) {
      case 'hello':
        if (data.protocol !== agentProtocol)
          say(socket, { id, refused: `This agent speaks protocol ${agentProtocol}, not ${data.protocol}.` })
        else say(socket, { id, hello: behind.hello() })
        return
      case 'watch':
        void client.watcher.begin(id).then(() => behind.watchers(watching()))
        return
      case 'journal':
        say(socket, { id, journal: [...fitting(behind.journal(data.afterMs, data.limit), maxJournalBytes)] })
        return
      case 'order':
        void carryOut(client, id, data.order).catch(refuse)
        return
      case 'notify':
        void behind.notify.view().then((notify) => say(socket, { id, notify }), refuse)
        return
      case 'notify-set':
        void behind.notify
          .set(data.cluster, data.channels, data.by)
          .then((notify) => say(socket, { id, notify }), refuse)
        return
      case 'notify-test':
        void behind.notify.test(data.channel).then((tested) => say(socket, { id, tested }), refuse)
        return
    }
  }

  async function carryOut(client: Client, id: number, order: Order): Promise<void> {
    const { socket } = client
    if (order.kind === 'stage') {
      client.staging.push(order.text)
      client.stagingChars += order.text.length
      if (client.stagingChars > maxConfigBytes) {
        client.staging = []
        client.stagingChars = 0
        say(socket, { id, refused: `A configuration is no longer than ${maxConfigBytes} bytes.` })
      } else if (order.more) say(socket, { id, done: true })
      else {
        const text = client.staging.join('')
        client.staging = []
        client.stagingChars = 0
        say(socket, { id, staged: await behind.stage(text, order.by) })
      }
      return
    }
    const refused =
      order.kind === 'commit' || order.kind === 'confirm' || order.kind === 'revert'
        ? await behind.fileOrder(order)
        : await behind.order(order)
    say(socket, refused === undefined ? { id, done: true } : { id, refused })
  }

  /** Takes lines out of what has come; what is left waits for the rest of its line. */
  function take(client: Client, chunk: Buffer): void {
    const { socket } = client
    let bytes = chunk
    for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd)) {
      const line = Buffer.concat([...client.rest, bytes.subarray(0, at)]).toString('utf8')
      client.rest = []
      client.restBytes = 0
      bytes = bytes.subarray(at + 1)
      if (line.trim() !== '') answer(client, line)
    }
    if (bytes.length === 0) return
    client.rest.push(bytes)
    client.restBytes += bytes.length
    if (client.restBytes <= maxLineBytes) return
    client.rest = []
    client.restBytes = 0
    socket.end(`${JSON.stringify({ id: 0, refused: `A line is longer than ${maxLineBytes} bytes.` })}\n`)
  }

  const server = createServer((socket) => {
    if (clients.size >= maxClients) {
      socket.end(`${JSON.stringify({ id: 0, refused: `More than ${maxClients} clients are not served.` })}\n`)
      return
    }
    const client: Client = {
      socket,
      watcher: openWatcher(socket, behind),
      rest: [],
      restBytes: 0,
      staging: [],
      stagingChars: 0,
    }
    clients.add(client)
    const onData = (chunk: Buffer): void => take(client, chunk)
    socket.once('data', (first: Buffer) => {
      if (httpMethod.test(first.toString('latin1', 0, longestMethod))) {
        socket.pause()
        behind.http(socket)
        // Only now there is somebody who takes them.
        socket.unshift(first)
        socket.resume()
        return
      }
      socket.on('data', onData)
      onData(first)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clients.delete(client)
      if (client.watcher.watching()) behind.watchers(watching())
    })
  })

  await unlink(socketPath).catch(() => undefined)
  // Between listen and chmod only root may connect.
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socketPath, () => resolve())
    })
  } finally {
    process.umask(mask)
  }
  server.on('error', () => undefined)
  const gid = await groupId(group)
  if (gid !== null) await chown(socketPath, process.getuid?.() ?? 0, gid).catch(() => undefined)
  await chmod(socketPath, 0o660)

  return {
    watching,
    report(journal) {
      for (const { watcher } of clients) watcher.report(journal)
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const { socket } of clients) socket.end()
      // A client that does not read its end does not hold up ours.
      const timer = setTimeout(() => {
        for (const { socket } of clients) socket.destroy()
      }, goodbyeMs)
      await closed
      clearTimeout(timer)
      await unlink(socketPath).catch(() => undefined)
    },
  }
}

/** The number of a group in /etc/group; null where there is none. */
async function groupId(name: string): Promise<number | null> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '')
  const line = text.split('\n').find((l) => l.startsWith(`${name}:`))
  const gid = Number(line?.split(':')[2])
  return line && Number.isInteger(gid) ? gid : null
}
