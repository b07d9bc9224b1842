/**
 * Beats over UDP: one socket per path, bound to this director's own address on it. A datagram is `SHB1`, an HMAC-SHA-256 of the rest
 * with the cluster key, and the beat as JSON. What does not verify, comes from another address or is no beat is refused and counted.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { z } from 'zod'
import { maxWeight, roleSchema } from '../../domain/contract/agent.ts'
import type { Beat, Path } from '../director/words.ts'
import type { Farewell } from './farewell.ts'

const magic = Buffer.from('SHB1')
const macBytes = 32
/** A beat fits one Ethernet frame; longer datagrams are not ours. */
const maxDatagramBytes = 1_400
/** A path whose address is not there yet is tried again this often. */
const retryMs = 1_000

const beatSchema = z.object({
  from: z.enum(['primary', 'backup']),
  name: z.string().max(200),
  boot: z.number(),
  seq: z.number(),
  role: roleSchema,
  term: z.number(),
  ready: z.boolean(),
  settled: z.boolean(),
  synced: z.boolean().optional(),
  holds: z.boolean(),
  offers: z.enum(['stopping', 'ordered', 'failback', 'unfit', 'link']).optional(),
  gives: z.object({ connections: z.number().int().min(0), upTo: z.enum(['start', 'end']).optional() }).optional(),
  takes: z.object({ path: z.string().max(40), id: z.number().int().min(0).max(255) }).optional(),
  mac: z.string().max(50).optional(),
  vipMac: z.string().max(50).optional(),
  usable: z.number(),
  sight: z.object({ page: z.number().int().min(0), states: z.string().max(100) }).optional(),
  others: z.boolean().optional(),
  restless: z.boolean().optional(),
  yieldedAfterMs: z.number().optional(),
  generation: z.number(),
  digest: z.string().max(200),
  steers: z
    .object({
      digest: z.string().max(16),
      some: z
        .array(
          z.tuple([
            z.string().max(200),
            z.string().max(200),
            z.number().int().min(0),
            z.enum(['primary', 'backup']),
            z.number().nullable(),
            z.boolean(),
            z.number().int().min(0).max(maxWeight).nullable(),
          ]),
        )
        .max(64)
        .optional(),
    })
    .optional(),
  sees: z.object({ boot: z.number(), seq: z.number(), ageMs: z.number().optional() }).optional(),
  echo: z.record(z.string().max(40), z.object({ seq: z.number(), ageMs: z.number() })).optional(),
})

/** A beat as a datagram. */
export function seal(beat: Beat, key: Buffer): Buffer {
  const body = Buffer.from(JSON.stringify(beat))
  return Buffer.concat([magic, createHmac('sha256', key).update(body).digest(), body])
}

/** A datagram as a beat, or why it is none. */
export function unseal(datagram: Buffer, key: Buffer): Beat | 'key' | 'malformed' {
  const body = datagram.subarray(magic.length + macBytes)
  if (datagram.length > maxDatagramBytes || body.length === 0 || !datagram.subarray(0, magic.length).equals(magic))
    return 'malformed'
  const mac = createHmac('sha256', key).update(body).digest()
  if (!timingSafeEqual(mac, datagram.subarray(magic.length, magic.length + macBytes))) return 'key'
  try {
    return beatSchema.parse(JSON.parse(body.toString('utf8'))) as Beat
  } catch {
    return 'malformed'
  }
}

export interface Wire {
  /** Opens the sockets of these paths and closes all others. */
  readonly listen: (port: number, paths: readonly Path[]) => void
  readonly send: (beat: Beat) => void
  /** The first key seals, all of them open; none: nothing is sent or heard. */
  readonly setKeys: (keys: readonly Buffer[]) => void
  readonly close: () => void
}

export interface WireEvents {
  readonly heard: (path: string, beat: Beat) => void
  readonly refused: (path: string, why: 'key' | 'malformed' | 'stranger') => void
  /** A path could not be opened (with the reason), or is open now. */
  readonly listened: (path: string, says?: string) => void
}

interface Open {
  readonly path: Path
  readonly port: number
  socket: Socket | null
  bound: boolean
  retry: NodeJS.Timeout | null
  said: string | null
}

export function openWire(events: WireEvents, farewell?: Farewell): Wire {
  let open: Open[] = []
  let keys: readonly Buffer[] = []

  function bind(entry: Open): void {
    const { path, port } = entry
    const socket = createSocket({ type: path.local.includes(':') ? 'udp6' : 'udp4', reuseAddr: true })
    entry.socket = socket
    socket.on('error', (error) => {
      if (entry.socket !== socket) return
      const wasBound = entry.bound
      entry.bound = false
      entry.socket = null
      socket.close()
      if (entry.said !== error.message || wasBound) events.listened(path.name, error.message)
      entry.said = error.message
      entry.retry = setTimeout(() => bind(entry), retryMs)
    })
    socket.on('message', (datagram, from) => {
      if (from.address !== path.remote) return events.refused(path.name, 'stranger')
      const [first, ...others] = keys
      if (!first) return
      let beat = unseal(datagram, first)
      for (const other of others) if (beat === 'key') beat = unseal(datagram, other)
      if (typeof beat === 'string') events.refused(path.name, beat)
      else events.heard(path.name, beat)
    })
    socket.bind({ address: path.local, port, exclusive: false }, () => {
      entry.bound = true
      entry.said = null
      events.listened(path.name)
    })
  }

  function shut(entry: Open): void {
    if (entry.retry) clearTimeout(entry.retry)
    const { socket } = entry
    entry.socket = null
    socket?.close()
  }

  const same = (a: Open, port: number, path: Path): boolean =>
    a.port === port && a.path.name === path.name && a.path.local === path.local && a.path.remote === path.remote

  return {
    listen(port, paths) {
      const kept = open.filter((o) => paths.some((p) => same(o, port, p)))
      for (const gone of open.filter((o) => !kept.includes(o))) shut(gone)
      const fresh = paths
        .filter((p) => !kept.some((o) => same(o, port, p)))
        .map((path): Open => ({ path, port, socket: null, bound: false, retry: null, said: null }))
      open = [...kept, ...fresh]
      for (const entry of fresh) bind(entry)
    },
    send(beat) {
      const [key] = keys
      if (!key) return
      const datagram = seal(beat, key)
      for (const { socket, bound, path, port } of open) {
        // A path that cannot be sent on (no route, no neighbour) is silent at the other end; that is where it is judged.
        if (socket && bound) socket.send(datagram, port, path.remote, () => undefined)
      }
      farewell?.keep(
        beat,
        (last) => seal(last, key),
        createHash('sha256').update(key).digest('hex'),
        open.map(({ path, port }) => ({ address: path.remote, port })),
      )
    },
    setKeys(next) {
      keys = next
    },
    close() {
      for (const entry of open) shut(entry)
      open = []
    },
  }
}
