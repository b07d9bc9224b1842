/**
 * The door for the core and the console: a unix socket that speaks lines of JSON (domain/contract/agent.ts). Several clients at once,
 * each with its own consecutive `seq`; a client that does not read what it is sent is closed, never waited for. What comes in is
 * validated; a line that is not a request gets a refusal.
 */
import { chmod, chown, readFile, unlink } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import {
  agentProtocol,
  agentRequestSchema,
  maxLineBytes,
  type AgentMessage,
  type DirectorReport,
  type Hello,
  type JournalEntry,
  type Order,
  type Report,
  type ServiceReport,
  type Snapshot,
} from '../../domain/contract/agent.ts'

/** More clients than this are not served: each watcher costs a copy of the report. */
export const maxClients = 32
/** A client this far behind is closed. */
const maxBacklogBytes = 8 * 1024 * 1024

/** What the rest of the agent gives the door. */
export interface Behind {
  readonly hello: () => Hello
  readonly director: () => DirectorReport
  readonly services: () => readonly ServiceReport[]
  readonly journal: (afterMs: number | undefined, limit: number) => readonly JournalEntry[]
  /** Resolves when the order came to its end: undefined = done, else why not. */
  readonly order: (order: Order) => Promise<string | undefined>
  readonly wallMs: () => number
  readonly watchers: (count: number) => void
}

export interface Control {
  /** Sends every watcher what has changed since it was last told. */
  readonly report: (journal: readonly JournalEntry[]) => void
  readonly watching: () => number
  readonly close: () => Promise<void>
}

interface Client {
  readonly socket: Socket
  line: string
  /** Null until it watches. */
  seq: number | null
  director: string
  readonly services: Map<string, string>
}

/** Opens the socket with mode 0660 for root and `group`, where that group exists. */
export async function openControl(socketPath: string, group: string, behind: Behind): Promise<Control> {
  const clients = new Set<Client>()

  const watching = (): number => [...clients].filter((c) => c.seq !== null).length

  function say(client: Client, message: AgentMessage): void {
    if (client.socket.destroyed) return
    client.socket.write(`${JSON.stringify(message)}\n`)
    if (client.socket.writableLength > maxBacklogBytes) client.socket.destroy()
  }

  function snapshot(client: Client): Snapshot {
    const director = behind.director()
    const services = behind.services()
    client.seq = 1
    client.director = JSON.stringify(director)
    client.services.clear()
    for (const s of services) client.services.set(s.id, JSON.stringify(s))
    return { seq: 1, atMs: behind.wallMs(), director, services: [...services] }
  }

  function answer(client: Client, line: string): void {
    let asked: unknown
    try {
      asked = JSON.parse(line)
    } catch {
      say(client, { id: 0, refused: 'This line is not JSON.' })
      return
    }
    const request = agentRequestSchema.safeParse(asked)
    if (!request.success) {
      const given = typeof asked === 'object' && asked !== null && 'id' in asked ? Number(asked.id) : 0
      say(client, { id: Number.isFinite(given) ? given : 0, refused: 'This request is not known here.' })
      return
    }
    const { data } = request
    switch (data.ask) {
      case 'hello':
        if (data.protocol !== agentProtocol)
          say(client, { id: data.id, refused: `This agent speaks protocol ${agentProtocol}, not ${data.protocol}.` })
        else say(client, { id: data.id, hello: behind.hello() })
        return
      case 'watch': {
        say(client, { id: data.id, snapshot: snapshot(client) })
        behind.watchers(watching())
        return
      }
      case 'journal':
        say(client, { id: data.id, journal: [...behind.journal(data.afterMs, data.limit)] })
        return
      case 'order':
        void behind
          .order(data.order)
          .then((refused) =>
            say(client, refused === undefined ? { id: data.id, done: true } : { id: data.id, refused }),
          )
        return
    }
  }

  const server = createServer((socket) => {
    if (clients.size >= maxClients) {
      socket.end(`${JSON.stringify({ id: 0, refused: `More than ${maxClients} clients are not served.` })}\n`)
      return
    }
    const client: Client = { socket, line: '', seq: null, director: '', services: new Map() }
    clients.add(client)
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const parts = (client.line + chunk).split('\n')
      client.line = parts.pop() ?? ''
      if (client.line.length > maxLineBytes) {
        socket.end(`${JSON.stringify({ id: 0, refused: `A line is longer than ${maxLineBytes} bytes.` })}\n`)
        client.line = ''
        return
      }
      for (const part of parts) if (part.trim() !== '') answer(client, part)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clients.delete(client)
      if (client.seq !== null) behind.watchers(watching())
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
      const watchers = [...clients].filter((c) => c.seq !== null)
      if (watchers.length === 0) return
      const director = behind.director()
      const services = behind.services()
      const directorText = JSON.stringify(director)
      const texts = services.map((s) => JSON.stringify(s))
      const ids = new Set(services.map((s) => s.id))
      const atMs = behind.wallMs()
      for (const client of watchers) {
        const changed = services.filter((s, i) => client.services.get(s.id) !== texts[i])
        const gone = [...client.services.keys()].filter((id) => !ids.has(id))
        const directorChanged = client.director !== directorText
        client.seq = (client.seq ?? 0) + 1
        const report: Report = {
          seq: client.seq,
          atMs,
          ...(directorChanged ? { director } : {}),
          ...(changed.length > 0 ? { services: changed } : {}),
          ...(gone.length > 0 ? { gone } : {}),
          ...(journal.length > 0 ? { journal: [...journal] } : {}),
        }
        client.director = directorText
        services.forEach((s, i) => client.services.set(s.id, texts[i] ?? ''))
        for (const id of gone) client.services.delete(id)
        say(client, { report })
      }
    },
    async close() {
      for (const { socket } of clients) socket.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
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
