/**
 * The client outside the simulated cluster: asks again and again, each time on a new connection, and notes what it was answered. It
 * is as stubborn as a real one: it sends to the hardware address it last learnt for the virtual IP. What it notes is what the fault
 * panel and the drills call measured.
 */
import type { Outage, SimulatedClient } from '../../domain/simulation.ts'
import type { Clock } from './clock.ts'
import { schedule } from './kernel.ts'
import type { VirtualDestination, VirtualTable } from './kernel.ts'

/** Short enough that an outage is measured to a hundredth of a second. */
const requestEveryMs = 10
/** So many failures one after the other are an outage; fewer are single requests that met a real server that is down. */
const failuresOfOutage = 6
const tickMs = 500
const ticksKept = 120
const outagesKept = 20
/** Every so many-th connection stays open for long (a download), so that draining is seen to take its time. */
const longEvery = 12
const longMs = { least: 4_000, most: 40_000 }
const shortMs = { least: 60, most: 900 }
/** How long a closed connection stays in the table, shorter than the kernel's two minutes. */
const inactiveMs = 6_000
const packetsPerRequest = 6
const bytesPerRequest = { least: 500, most: 1_500 }
const openAtMost = 20_000

interface Answer {
  readonly table: VirtualTable
  /** Whether this real server works. */
  readonly works: (server: string) => boolean
}

export interface ClientPorts {
  readonly clock: Clock
  /** 0..1 */
  readonly chance: () => number
  /** The table of whoever gets the packets now and can send the answers back; null: nobody. */
  readonly reach: () => Answer | null
  readonly changed: () => void
}

interface Open {
  readonly destination: VirtualDestination
  readonly untilMs: number
}

export interface Client {
  state(): SimulatedClient
  /** Connections that ran through a table are gone with it. */
  forget(destinations: Iterable<VirtualDestination>): void
  stop(): void
}

/** Starts asking. */
export function startClient(ports: ClientPorts): Client {
  const { clock, chance } = ports
  let served: boolean | null = null
  let sinceMs = clock.now().wallMs
  let lastAnswerMs: number | null = null
  let tookMs: number | undefined
  let answered = 0
  let failed = 0
  let inARow = 0
  let number = 0
  let turn = 0
  let stopped = false
  const outages: Outage[] = []
  let recent = ''
  let tick = { startMs: clock.now().ms, answered: 0, failed: 0 }
  let open: Open[] = []
  let closed: Open[] = []
  let takeBack: () => void = () => undefined

  const between = ({ least, most }: { readonly least: number; readonly most: number }): number =>
    least + chance() * (most - least)

  function request(): boolean {
    const answer = ports.reach()
    const services = answer ? [...answer.table.values()] : []
    const service = services[turn++ % Math.max(1, services.length)]
    const chosen = service && schedule(service)
    if (!answer || !chosen) return false
    const [server, destination] = chosen
    const nowMs = clock.now().ms
    destination.connections += 1
    destination.packetsIn += packetsPerRequest
    destination.bytesIn += Math.round(between(bytesPerRequest))
    if (!answer.works(server)) return false
    number += 1
    if (open.length < openAtMost) {
      const forMs = number % longEvery === 0 ? between(longMs) : between(shortMs)
      destination.active += 1
      open.push({ destination, untilMs: nowMs + forMs })
    }
    return true
  }

  function close(nowMs: number): void {
    const still: Open[] = []
    for (const one of open) {
      if (one.untilMs > nowMs) {
        still.push(one)
        continue
      }
      one.destination.active = Math.max(0, one.destination.active - 1)
      one.destination.inactive += 1
      closed.push({ destination: one.destination, untilMs: nowMs + inactiveMs })
    }
    open = still
    const fading: Open[] = []
    for (const one of closed) {
      if (one.untilMs > nowMs) fading.push(one)
      else one.destination.inactive = Math.max(0, one.destination.inactive - 1)
    }
    closed = fading
  }

  function note(isAnswered: boolean): void {
    const { ms, wallMs } = clock.now()
    if (isAnswered) {
      inARow = 0
      answered += 1
      tick.answered += 1
      tookMs = Math.round((1 + chance()) * 10) / 10
    } else {
      inARow += 1
      failed += 1
      tick.failed += 1
    }
    const turnsTo = isAnswered ? true : inARow >= failuresOfOutage ? false : served
    if (turnsTo !== served && (turnsTo || served !== null)) {
      const last = outages.at(-1)
      if (turnsTo && last?.toMs === null) outages[outages.length - 1] = { ...last, toMs: wallMs }
      // The site was last seen to work at the answer before: that is where an honest outage begins.
      if (!turnsTo) outages.push({ fromMs: lastAnswerMs ?? wallMs, toMs: null })
      if (outages.length > outagesKept) outages.shift()
      served = turnsTo
      sinceMs = turnsTo ? wallMs : (lastAnswerMs ?? wallMs)
      ports.changed()
    }
    if (isAnswered) lastAnswerMs = wallMs
    if (ms - tick.startMs >= tickMs) {
      recent = (recent + (tick.failed === 0 ? '1' : tick.answered === 0 ? (served === null ? '-' : '0') : '2')).slice(
        -ticksKept,
      )
      tick = { startMs: ms, answered: 0, failed: 0 }
      close(ms)
    }
  }

  function goOn(): void {
    if (stopped) return
    note(request())
    takeBack = clock.later(requestEveryMs, goOn)
  }
  goOn()

  return {
    state: () => ({
      served,
      sinceMs: Math.round(sinceMs),
      requestEveryMs,
      ...(tookMs === undefined ? {} : { tookMs }),
      answered,
      failed,
      recent,
      tickMs,
      outages: outages.map(({ fromMs, toMs }) => ({
        fromMs: Math.round(fromMs),
        toMs: toMs === null ? null : Math.round(toMs),
      })),
    }),
    forget(destinations) {
      const gone = new Set(destinations)
      open = open.filter(({ destination }) => !gone.has(destination))
      closed = closed.filter(({ destination }) => !gone.has(destination))
    },
    stop() {
      stopped = true
      takeBack()
    },
  }
}
