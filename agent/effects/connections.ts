/**
 * Connections over a planned hand-over. The one that hands over reads its kernel's table of connections and tells the other one's
 * kernel of them, in the kernel's own protocol; the other one lets its kernel listen for that (a sync daemon for the moment) and does
 * not refuse what it does not know yet (refusals.ts). What is in place is written down before it is made, in /run/shoal/receiving, so
 * that the next start, or the unit's release script, can take it away.
 */
import { createSocket, type Socket } from 'node:dgram'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'
import { chooser, forgetter, isWorthReading, parseConnection, syncPort } from '../../domain/ipvs/connections.ts'
import type { Gave, GiveOrder, ReceiveOrder } from '../director/connections.ts'
import { openErrands } from './errands.ts'
import type { Kernel } from './kernel.ts'
import { dropRefusals, refusalTools, setRefusals } from './refusals.ts'
import { syncGroup, syncMessages, type ToldConnection } from './sync-messages.ts'

const tablePath = '/proc/net/ip_vs_conn'
/** A director with this set serves nothing while it receives connections. */
const backupOnlyPath = '/proc/sys/net/ipv4/vs/backup_only'
/** In /run/shoal: what is in place, one word per line (`daemon`, or a tool of refusals.ts). Read by the release script, too. */
const markerName = 'receiving'
/** Of the table so much is worked on at once, and read for so long. */
const partBytes = 16 * 1024
const sliceLimitMs = 3
/** The last column: how long the connection lasts, in seconds. */
const expiryWidth = 8
/** A reading of a very large table ends after this; what was read by then is given. */
const readLimitMs = 1_000
/** The other director waits while is forgotten what is over. */
const forgetLimitMs = 100
/** Multicast that does not leave this host (ip(7), IP_MULTICAST_TTL). */
const thisHostTtl = 0
const segmentTtl = 1

export interface Connections {
  /** Reads the table and gives what the order asks for. Never throws. */
  readonly give: (order: GiveOrder) => Promise<Gave>
  /** Lets the kernel take connections in, or no longer (null). Undefined = done, else why not. Never throws. */
  readonly receive: (order: ReceiveOrder | null) => Promise<string | undefined>
  /** Refuses nothing from these addresses any more; none = refuses as usual. Returns what failed. Never throws. */
  readonly hold: (addresses: readonly string[]) => Promise<readonly string[]>
  /** Takes away what this or an earlier run has put in place. Returns what failed. Never throws. */
  readonly release: () => Promise<readonly string[]>
  /** Starts what runs tools, before anything is urgent. */
  readonly prepare: () => void
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export function openConnections(runDir: string, kernel: Kernel | null): Connections {
  const marker = path.join(runDir, markerName)
  const errands = openErrands()
  let words: Set<string> | null = null
  let writing: Promise<void> = Promise.resolve()
  /** Lines that have been given, and the connections they were of. */
  let given = new Set<string>()
  let distinct = new Set<string>()
  let lastGiven: ToldConnection[] = []

  async function send(socket: Socket, messages: readonly Buffer[]): Promise<void> {
    for (const message of messages)
      await new Promise<void>((resolve, reject) => {
        socket.send(message, syncPort, syncGroup, (error) => (error ? reject(error) : resolve()))
      })
  }

  /** Opens a socket to tell kernels from: that of the other director, or this host's own. */
  async function sender(socket: Socket, from: string, to: 'other' | 'own'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, from, resolve)
    })
    socket.on('error', () => undefined)
    socket.setMulticastInterface(from)
    socket.setMulticastTTL(to === 'own' ? thisHostTtl : segmentTtl)
    socket.setMulticastLoopback(to === 'own')
  }

  /** Tells the own kernel, which listens by now, that what it has left of connections is over. */
  async function forget({ place, id, giving }: ReceiveOrder): Promise<void> {
    if (place === null) return
    const socket = createSocket({ type: 'udp4' })
    try {
      await sender(socket, place.address, 'own')
      const choose = forgetter(giving)
      await eachPart(async (lines) => {
        const over: ToldConnection[] = []
        for (const line of lines) {
          const connection = parseConnection(line)
          const gone = connection && choose(connection)
          if (gone) over.push(gone)
        }
        await send(socket, syncMessages(over, 'local', id))
      }, forgetLimitMs)
    } finally {
      socket.close()
    }
  }

  async function give(order: GiveOrder): Promise<Gave> {
    const socket = createSocket({ type: 'udp4' })
    const messages = (connections: readonly ToldConnection[]): readonly Buffer[] =>
      syncMessages(connections, order.giving.forwarding, order.id)
    try {
      await sender(socket, order.from, 'other')
      if (order.pass === 'all') {
        given = new Set()
        distinct = new Set()
        lastGiven = []
      }
      if (order.pass === 'again') await send(socket, messages(lastGiven))
      else lastGiven = []
      const choose = chooser(order.giving)
      const isWhole = await eachPart(async (lines) => {
        const fresh: ToldConnection[] = []
        for (const line of lines) {
          if (!isWorthReading(line, order.giving)) continue
          // All but how long it lasts: the same again has been told.
          const same = line.slice(0, -expiryWidth)
          if (given.has(same)) continue
          const connection = parseConnection(line)
          const told = connection && choose(connection)
          if (!connection || !told) continue
          given.add(same)
          const { protocol, client, clientPort, virtual, virtualPort } = connection
          if (!told.template) distinct.add(`${protocol} ${client} ${clientPort} ${virtual} ${virtualPort}`)
          fresh.push([connection, told])
        }
        // What was given at the beginning has had its time to arrive; of a large table it is not kept.
        if (order.pass !== 'all') lastGiven.push(...fresh)
        await send(socket, messages(fresh))
      }, readLimitMs)
      const connections = distinct.size
      return {
        connections,
        ...(isWhole ? {} : { failed: `the table was not read to its end within ${readLimitMs} ms` }),
      }
    } catch (error) {
      return { connections: distinct.size, failed: reason(error) }
    } finally {
      socket.close()
    }
  }

  /** The table's next bytes; null at its end. */
  async function openTable(): Promise<{ next: () => Promise<Buffer | null>; close: () => Promise<void> }> {
    const text = kernel?.openText(tablePath)
    if (typeof text === 'string') throw new Error(`${tablePath}: ${text}`)
    if (text) return { next: () => Promise.resolve(text.next()), close: () => Promise.resolve(text.close()) }
    const file = await open(tablePath, 'r')
    const buffer = Buffer.alloc(partBytes)
    return {
      next: async () => {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
        return bytesRead > 0 ? buffer.subarray(0, bytesRead) : null
      },
      close: () => file.close(),
    }
  }

  /** Gives the table's lines in parts, and lets the loop go on between them; false = not all of it was read within `limitMs`. */
  async function eachPart(take: (lines: readonly string[]) => Promise<void>, limitMs: number): Promise<boolean> {
    const fromMs = performance.now()
    const table = await openTable()
    try {
      let text = ''
      let sliceMs = fromMs
      for (;;) {
        const part = await table.next()
        if (part) text += part.toString('latin1')
        const nowMs = performance.now()
        if (part && text.length < partBytes && nowMs - sliceMs < sliceLimitMs) continue
        const lines = text.split('\n')
        text = part ? (lines.pop() ?? '') : ''
        await take(lines)
        if (!part) return true
        if (nowMs - fromMs > limitMs) return false
        await breath()
        sliceMs = performance.now()
      }
    } finally {
      await table.close()
    }
  }

  async function inPlace(): Promise<Set<string>> {
    words ??= new Set((await readFile(marker, 'utf8').catch(() => '')).split('\n').filter((word) => word !== ''))
    return words
  }

  /** Both kinds of orders write here at the same time: the words are changed at once, the file follows in order. */
  async function writeDown(add: readonly string[], gone: readonly string[]): Promise<void> {
    const before = await inPlace()
    words = new Set([...[...before].filter((word) => !gone.includes(word)), ...add])
    writing = writing.then(async () => {
      const now = [...(words ?? [])]
      if (now.length === 0) await rm(marker, { force: true })
      else await writeFile(marker, now.map((word) => `${word}\n`).join(''))
    })
    await writing
  }

  async function startDaemon({ place, id }: ReceiveOrder): Promise<string | undefined> {
    const backupOnly = await readFile(backupOnlyPath, 'utf8').catch(() => '0')
    if (backupOnly.trim() === '1') return 'backup_only is set: a director that receives connections would not serve.'
    if (place === null) return 'There is no interface with an IPv4 address that both directors are on.'
    const { device } = place
    const says = `the sync daemon on ${device}`
    if (kernel) {
      const failed = kernel.startSyncBackup(device, id)
      return failed && `${says}: ${failed}`
    }
    const args = ['--start-daemon', 'backup', '--mcast-interface', device, '--syncid', String(id)]
    const { failed } = await errands.run('ipvsadm', args)
    return failed ? `${says}: ${failed}` : undefined
  }

  async function receive(order: ReceiveOrder | null): Promise<string | undefined> {
    try {
      const before = await inPlace()
      if (before.has('daemon')) {
        const failed = (await errands.run('ipvsadm', ['--stop-daemon', 'backup'])).failed
        await writeDown([], ['daemon'])
        if (order === null) return failed ?? undefined
      }
      if (!order?.daemon) return undefined
      await writeDown(['daemon'], [])
      const failed = await startDaemon(order)
      if (failed !== undefined) await writeDown([], ['daemon'])
      // Where this fails, a new connection may be refused in the moment of the takeover.
      else await forget(order).catch(() => undefined)
      return failed
    } catch (error) {
      return reason(error)
    }
  }

  async function hold(addresses: readonly string[]): Promise<readonly string[]> {
    try {
      const before = await inPlace()
      const by = refusalTools.filter((file) => before.has(file))
      if (addresses.length === 0) {
        const failures = await dropRefusals(errands, by)
        if (failures.length === 0) await writeDown([], refusalTools)
        return failures
      }
      // Before it is known which of them works, all are written down.
      if (by.length === 0) await writeDown(refusalTools, [])
      const made = await setRefusals(errands, addresses, by)
      await writeDown(made.by, refusalTools)
      return made.failures
    } catch (error) {
      return [reason(error)]
    }
  }

  return {
    give,
    receive,
    hold,
    prepare: errands.prepare,
    async release() {
      const failed = await receive(null)
      return [...(failed === undefined ? [] : [failed]), ...(await hold([]))]
    },
  }
}
