/**
 * Rates out of counters: what the source of the services counted, sample by sample, as connections, packets and bytes per second, and
 * the beats' gaps and delays of each path. Kept for some minutes in rings of fixed size. Plain; the time comes with the status.
 */
import type { ServerReport, ServiceReport } from '../domain/contract/agent.ts'
import type { ClusterStatus } from '../domain/status.ts'
import { freshnessOf, sourceOf } from './overview.ts'

/** The agents count every two seconds: a sample is taken when the counts are new, so that none is taken twice. */
const sampleMs = 1_500
/** Counts that stay the same for this long are no traffic, not a count that is late. */
const quietMs = 5_000
/** Five minutes. */
const samplesKept = 150
/** A sample after a longer pause than this is not a rate of anything: the ring gets a hole. */
const pauseMs = 10_000

export interface Rate {
  readonly connections: number
  readonly packets: number
  readonly bytes: number
}
export const rateKinds = ['connections', 'packets', 'bytes'] as const
export type RateKind = (typeof rateKinds)[number]

interface Ring {
  readonly values: Float32Array
  /** Place of the next value. */
  next: number
}

export interface Series {
  readonly name: string
  /** One per instant of `Traffic.instants`, NaN where nothing is known. */
  readonly values: readonly number[]
}

export interface Traffic {
  /** Takes a sample when one is due; answers whether it did. */
  note(status: ClusterStatus, nowMs: number): boolean
  /** Instants of the samples kept, oldest first, in the core's clock. */
  instants(): readonly number[]
  service(id: string, kind: RateKind): readonly number[]
  /** Only of services in `follow`. */
  server(id: string, server: string, kind: RateKind): readonly number[]
  /** Newest rate of a service; undefined before two samples. */
  rateOf(id: string): Rate | undefined
  /** Packets per second by the address of the real server, over all services. */
  packetsTo(address: string): number
  /** Longest gap between beats and the way there and back, per `director path`. */
  beats(): readonly { readonly name: string; readonly gaps: readonly number[]; readonly delays: readonly number[] }[]
  /** Keeps the rings of a service's real servers while it is looked at. */
  follow(id: string): void
  unfollow(id: string): void
  forget(): void
}

export function serverKey({ address, port }: Pick<ServerReport, 'address' | 'port'>): string {
  return `${address}:${port}`
}

/** The difference of two counts per second; a counter that went back (a new entry in the kernel) counts from zero. */
function perSecond(now: number, before: number, seconds: number): number {
  return (now >= before ? now - before : now) / seconds
}

function rateBetween(now: readonly ServerReport[], before: readonly ServerReport[], seconds: number): Rate {
  let connections = 0
  let packets = 0
  let bytes = 0
  for (let at = 0; at < now.length; at++) {
    const one = now[at]
    const old = before[at]
    if (!one || !old || one === old || one.address !== old.address || one.port !== old.port) continue
    connections += perSecond(one.connections, old.connections, seconds)
    packets += perSecond(one.packetsIn, old.packetsIn, seconds)
    bytes += perSecond(one.bytesIn, old.bytesIn, seconds)
  }
  return { connections, packets, bytes }
}

/** Whether any service has been counted again; ends at the first that was. */
function countedAgain(services: readonly ServiceReport[], before: ReadonlyMap<string, ServiceReport>): boolean {
  return services.some((service) => {
    const old = before.get(service.id)
    return (
      old === undefined ||
      (old !== service &&
        service.realServers.some((server, at) => server.connections !== old.realServers[at]?.connections))
    )
  })
}

/** An empty history. */
export function createTraffic(): Traffic {
  let times: number[] = []
  let lastMs = -Infinity
  let lastSource = ''
  let last = new Map<string, ServiceReport>()
  let rates = new Map<string, Rate>()
  let toAddress = new Map<string, number>()
  let rings = new Map<string, Ring>()
  let count = 0
  const followed = new Set<string>()

  function put(key: string, value: number): void {
    let ring = rings.get(key)
    if (!ring) {
      ring = { values: new Float32Array(samplesKept).fill(NaN), next: count % samplesKept }
      rings.set(key, ring)
    }
    ring.values[count % samplesKept] = value
    ring.next = (count + 1) % samplesKept
  }

  /** A ring in order; what was not written at the newest samples is a hole. */
  function read(key: string): readonly number[] {
    const ring = rings.get(key)
    if (!ring) return times.map(() => NaN)
    const { length } = times
    return times.map((_, at) => ring.values[(count - length + at + samplesKept * 2) % samplesKept] ?? NaN)
  }

  function putRate(key: string, rate: Rate): void {
    for (const kind of rateKinds) put(`${key} ${kind}`, rate[kind])
  }

  function clearPlace(): void {
    const place = count % samplesKept
    for (const ring of rings.values()) ring.values[place] = NaN
  }

  return {
    note(status, nowMs) {
      if (nowMs - lastMs < sampleMs) return false
      const source = sourceOf(status, nowMs)
      if (nowMs - lastMs < quietMs && source?.hostId === lastSource && !countedAgain(source.services, last))
        return false
      const fresh = source && freshnessOf(source, status.staleAfterMs, nowMs).kind === 'fresh' ? source : undefined
      const seconds = (nowMs - lastMs) / 1000
      const continues = fresh?.hostId === lastSource && nowMs - lastMs <= pauseMs
      clearPlace()
      const next = new Map<string, ServiceReport>()
      const nextRates = new Map<string, Rate>()
      const nextTo = new Map<string, number>()
      for (const service of fresh?.services ?? []) {
        next.set(service.id, service)
        const before = continues ? last.get(service.id) : undefined
        if (!before) continue
        const rate = rateBetween(service.realServers, before.realServers, seconds)
        nextRates.set(service.id, rate)
        putRate(service.id, rate)
        service.realServers.forEach((server, at) => {
          const old = before.realServers[at]
          if (!old) return
          const one = rateBetween([server], [old], seconds)
          if (one.packets > 0) nextTo.set(server.address, (nextTo.get(server.address) ?? 0) + one.packets)
          if (followed.has(service.id)) putRate(`${service.id} ${serverKey(server)}`, one)
        })
      }
      for (const director of status.directors) {
        if (freshnessOf(director, status.staleAfterMs, nowMs).kind !== 'fresh') continue
        for (const path of director.report?.peer.paths ?? []) {
          const key = `${director.name} ${path.name}`
          if (path.state === 'heard' && path.worstGapMs !== undefined) put(`beat ${key} gap`, path.worstGapMs)
          if (path.state === 'heard' && path.delayMs !== undefined) put(`beat ${key} delay`, path.delayMs)
        }
      }
      last = next
      rates = nextRates
      toAddress = nextTo
      lastSource = fresh?.hostId ?? ''
      lastMs = nowMs
      count += 1
      times = [...times, nowMs].slice(-samplesKept)
      return true
    },
    instants: () => times,
    service: (id, kind) => read(`${id} ${kind}`),
    server: (id, server, kind) => read(`${id} ${server} ${kind}`),
    rateOf: (id) => rates.get(id),
    packetsTo: (address) => toAddress.get(address) ?? 0,
    beats() {
      const names = new Set<string>()
      for (const key of rings.keys()) {
        const found = /^beat (.+) (?:gap|delay)$/.exec(key)
        if (found?.[1]) names.add(found[1])
      }
      return [...names].map((name) => ({
        name,
        gaps: read(`beat ${name} gap`),
        delays: read(`beat ${name} delay`),
      }))
    },
    follow: (id) => void followed.add(id),
    unfollow(id) {
      followed.delete(id)
      for (const key of [...rings.keys()])
        if (key.startsWith(`${id} `) && key.split(' ').length > id.split(' ').length + 1) rings.delete(key)
    },
    forget() {
      times = []
      lastMs = -Infinity
      lastSource = ''
      last = new Map()
      rates = new Map()
      toAddress = new Map()
      rings = new Map()
      count = 0
      followed.clear()
    },
  }
}
