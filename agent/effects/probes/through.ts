/**
 * The virtual IP asked for through one real server, the way the packets of clients go: with direct routing a packet for the virtual IP
 * in a frame for the hardware address of the real server, with tunnelling the same packet inside another one for its address. A real
 * server that lacks the virtual IP on its loopback says nothing, although it answers every check at its own address.
 *
 * Neither routes nor addresses of the director are touched: the packets are made here (a SYN for TCP, an echo request otherwise) with
 * the director's own address as their source, and what comes back is read from a packet socket. That works on the active director
 * too, which holds the virtual IP itself: its kernel drops the answer as foreign, after it has been seen here. The connection that a
 * SYN begins is taken back with a RST over the same way.
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import type { Probe } from '../../director/words.ts'
import { askingFilter, askingPorts, echoPacket, ipFrame, returnedOf, tcpFlags, tcpPacket } from '../ip-packets.ts'
import type { Kernel, RawSocket } from '../kernel.ts'
import { openEar, type Ear } from './ear.ts'
import { bounded, failure, passed, sentenceOf, type Outcome } from './outcome.ts'

/** Packets are sent again after this: one lost packet is no failure. */
const againMs = 1_000
/** The kernel's neighbour table is read at most this often. */
const neighboursKeptMs = 500
/** A host's own address towards a real server is looked up anew after this. */
const sourceKeptMs = 30_000

export type Through = (probe: Probe) => Promise<Outcome>

/** Complete entries of /proc/net/arp by address. */
function neighboursOf(text: string): ReadonlyMap<string, { readonly mac: Buffer; readonly device: string }> {
  const found = new Map<string, { readonly mac: Buffer; readonly device: string }>()
  for (const line of text.split('\n').slice(1)) {
    const [address = '', , flags = '', mac = '', , device = ''] = line.trim().split(/\s+/)
    const isComplete = (Number(flags) & 0x2) !== 0
    if (isComplete && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
      found.set(address, { mac: Buffer.from(mac.replaceAll(':', ''), 'hex'), device })
    }
  }
  return found
}

/** The address this host speaks to another one with, as its routes say. */
function sourceTowards(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const end = (how: () => void): void => {
      socket.close()
      how()
    }
    socket.on('error', (error) => end(() => reject(error)))
    // Connecting a datagram socket sends nothing.
    socket.connect(9, address, (error?: Error) => {
      const source = error ? '' : socket.address().address
      end(() => (error ? reject(error) : resolve(source)))
    })
  })
}

/** Opens nothing yet. Without the kernel's door nothing can be asked, and every answer is a warning instead of a verdict. */
export function openThrough(kernel: Kernel | null): Through {
  const echoId = randomInt(0x1_0000)
  let nextPort = randomInt(askingPorts.count)
  let nextEcho = randomInt(0x1_0000)
  let ear: Ear | string | undefined
  let tunnel: RawSocket | string | undefined
  let neighbours: { readonly atMs: number; readonly table: ReturnType<typeof neighboursOf> } | undefined
  const sources = new Map<string, { readonly atMs: number; readonly source: string }>()
  /** Who waits for what: by the acknowledged number of a SYN, or by the number of an echo. */
  const waiting = new Map<string, (outcome: Outcome) => void>()

  const unable = (why: string): Outcome => ({
    passed: true,
    warns: `this director cannot ask for the virtual IP through the real server: ${why}`,
  })

  function openedEar(door: Kernel): Ear | string {
    if (ear !== undefined) return ear
    const socket = door.listenIp(askingFilter(echoId))
    ear =
      typeof socket === 'string'
        ? socket
        : openEar(socket, (packet) => {
            const came = returnedOf(packet)
            if (came?.kind === 'echo' && came.id === echoId)
              waiting.get(`${came.source} echo ${came.sequence}`)?.(passed)
            if (came?.kind !== 'tcp') return
            const key = `${came.source} ${came.sourcePort} ${came.port} ${came.acknowledged}`
            const isRefusal = (came.flags & tcpFlags.rst) !== 0
            waiting.get(key)?.(isRefusal ? failure('connection refused') : passed)
          })
    return ear
  }

  async function neighbour(address: string): Promise<{ readonly mac: Buffer; readonly device: string } | undefined> {
    if (!neighbours || performance.now() - neighbours.atMs > neighboursKeptMs) {
      neighbours = { atMs: performance.now(), table: neighboursOf(await readFile('/proc/net/arp', 'utf8')) }
    }
    return neighbours.table.get(address)
  }

  async function source(address: string): Promise<string> {
    const known = sources.get(address)
    if (known && performance.now() - known.atMs < sourceKeptMs) return known.source
    const found = await sourceTowards(address)
    sources.set(address, { atMs: performance.now(), source: found })
    return found
  }

  /** Sends a packet to the real server; undefined = sent. */
  async function send(door: Kernel, probe: Probe, packet: Buffer): Promise<string | undefined> {
    if (probe.via?.forwarding === 'tunnel') {
      tunnel ??= door.raw('inet', 'ipip')
      return typeof tunnel === 'string' ? tunnel : tunnel.send(probe.address, packet)
    }
    const next = await neighbour(probe.address)
    // The check at its own address, which runs at the same time, makes the kernel ask; the next try finds the answer.
    if (!next) return undefined
    const own = door.link(next.device)?.mac
    if (!own) return `${next.device} has no hardware address`
    return door.sendFrame(next.device, ipFrame(own, next.mac, packet))
  }

  return async (probe) => {
    const { via, check } = probe
    if (!via) return passed
    if (!kernel) return unable('the native part is missing')
    if (via.address.includes(':') || probe.address.includes(':')) return unable('it is an IPv6 address')
    const hearing = openedEar(kernel)
    if (typeof hearing === 'string') return unable(hearing)
    let from: string
    try {
      from = await source(probe.address)
    } catch (error) {
      return failure(sentenceOf(error))
    }
    // The real server is this host: there is no way to go.
    if (from === probe.address) return passed
    const isTcp = probe.protocol === 'tcp' && probe.port > 0 && check.kind !== 'ping'
    const segment = {
      source: from,
      destination: via.address,
      sourcePort: askingPorts.first + (nextPort = (nextPort + 1) % askingPorts.count),
      port: via.port,
      number: randomInt(0x1_0000_0000),
    }
    nextEcho = (nextEcho + 1) & 0xffff
    const packet = isTcp ? tcpPacket(segment, tcpFlags.syn) : echoPacket(from, via.address, echoId, nextEcho)
    const key = isTcp
      ? `${via.address} ${via.port} ${segment.sourcePort} ${(segment.number + 1) >>> 0}`
      : `${via.address} echo ${nextEcho}`
    let known = false
    return bounded(
      check.timeoutMs,
      () =>
        known || via.forwarding === 'tunnel'
          ? `${via.address} does not answer through ${probe.address} within ${check.timeoutMs} ms: is it on its loopback?`
          : `the hardware address of ${probe.address} is not known`,
      (end) => {
        const release = hearing.listen()
        waiting.set(key, (outcome) => {
          if (isTcp && outcome.passed) {
            void send(kernel, probe, tcpPacket({ ...segment, number: segment.number + 1 }, tcpFlags.rst)).catch(
              () => undefined,
            )
          }
          end(
            outcome.passed ? outcome : failure(`${via.address} through ${probe.address}: ${outcome.says ?? 'refused'}`),
          )
        })
        let isOver = false
        let again: NodeJS.Timeout | undefined
        const ask = (): void => {
          void send(kernel, probe, packet).then(
            (failed) => {
              if (isOver) return
              known ||= neighbours?.table.has(probe.address) === true
              if (failed !== undefined) end(failure(`${via.address} through ${probe.address}: ${failed}`))
              else again = setTimeout(ask, known ? againMs : neighboursKeptMs / 2)
            },
            (error: unknown) => end(failure(sentenceOf(error))),
          )
        }
        ask()
        return () => {
          isOver = true
          clearTimeout(again)
          waiting.delete(key)
          release()
        }
      },
    )
  }
}
