/**
 * The loop of a running agent: gives inputs to the centre one after the other, carries out the effects, and sets the one timer to
 * when the centre wants to be woken. It decides nothing.
 */
import { tell } from './director/story.ts'
import type { Totals } from './director/metrics.ts'
import { directorReport, serviceReports } from './director/report.ts'
import { step, wakeAt } from './director/director.ts'
import { initial, type Start, type State } from './director/state.ts'
import type { Effect, Input, KernelAddress, Now, Ordered } from './director/words.ts'
import type { DirectorReport, JournalEntry, JournalEvent, ServiceReport } from '../domain/contract/agent.ts'
import type { Addresses } from './effects/addresses.ts'
import { afterArrivals } from './effects/arrivals.ts'
import type { Journal } from './effects/journal.ts'
import type { Echo } from './effects/echo.ts'
import { openConnections } from './effects/connections.ts'
import type { RunProbe } from './effects/probes/probes.ts'
import { keepOrders } from './effects/kept-orders.ts'
import type { Kernel } from './effects/kernel.ts'
import { askLoads } from './effects/load.ts'
import { remember, type Places } from './effects/remembered.ts'
import { openAround } from './effects/surroundings.ts'
import { applyBatch, readBound, readCounters, readTable, setTimeouts } from './effects/table.ts'
import type { Wire } from './effects/wire.ts'

/** Watchers are told of ordinary changes at most this often, of important ones at once. */
const reportMs = 500
/** Telling takes no more than so much of the loop's time: its pauses are this many times as long as the telling took. */
const ordinaryPause = 20
const importantPause = 4
/** Two readings of both clocks differ by less than this through rounding and slewing alone. */
const clockNoiseMs = 5

export interface Hands {
  readonly addresses: Addresses
  readonly wire: Wire
  readonly echo: Echo
  /** Null where the kernel door does not open. */
  readonly kernel: Kernel | null
  readonly probe: RunProbe
  readonly journal: Journal
  /** New journal entries for the watchers. */
  readonly report: (journal: readonly JournalEntry[]) => void
  readonly reread: () => void
  readonly exit: () => void
  /** The centre has taken everything in: this program turns. Often more than a thousand times a second. */
  readonly turned: (ms: number) => void
  readonly log: (line: string) => void
}

export interface Loop {
  readonly give: (input: Input) => void
  readonly order: (order: Ordered) => Promise<string | undefined>
  readonly state: () => State
  readonly director: () => DirectorReport
  readonly services: () => readonly ServiceReport[]
  readonly now: () => Now
  /** Writes down, logs and reports something that did not come from the centre. */
  readonly note: (event: JournalEvent) => void
  /** Something a watcher should see has changed outside the centre. */
  readonly changed: () => void
  /** What has been written down since the start, counted. */
  readonly totals: () => Totals
}

/** Starts the loop. Nothing happens before the first `give`. */
export function startLoop(start: Start, where: Places, hands: Hands): Loop {
  let offsetMs = Date.now() - performance.now()
  const now = (): Now => {
    const ms = performance.now()
    const fresh = Date.now() - ms
    if (Math.abs(fresh - offsetMs) > clockNoiseMs) offsetMs = fresh
    return { ms, wallMs: ms + offsetMs, idleMs: performance.nodeTiming.idleTime }
  }
  let state = initial(start, now())
  const queue: Input[] = []
  let busy = false
  let timer: NodeJS.Timeout | null = null
  let reportTimer: NodeJS.Timeout | null = null
  let unreported: JournalEntry[] = []
  let nextTicket = 1
  const tickets = new Map<number, (refused: string | undefined) => void>()
  let addressWork: Promise<void> = Promise.resolve()
  let tableWork: Promise<void> = Promise.resolve()
  let memoryWork: Promise<void> = Promise.resolve()
  /** Apart from the table's: packet filter and sync daemon hold up no takeover. */
  let aroundWork: Promise<void> = Promise.resolve()
  const around = openAround(where.runDir)
  const connections = openConnections(where.runDir, hands.kernel)
  let givingWork: Promise<void> = Promise.resolve()
  /** What an earlier run left in place goes first. */
  connections.prepare()
  let receivingWork: Promise<void> = connections.release().then(() => undefined)
  let holdingWork: Promise<void> = receivingWork
  const totals = { failovers: {} as Record<string, number>, events: {} as Record<string, number> }
  let lastAddresses: readonly KernelAddress[] = []

  function give(input: Input): void {
    queue.push(input)
    if (busy) return
    busy = true
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        if (next.kind === 'observed' && next.what === 'addresses') lastAddresses = next.addresses.addresses
        const [after, effects] = step(state, next, now())
        state = after
        for (const effect of effects) carryOut(effect)
      }
    } finally {
      busy = false
    }
    if (timer) clearTimeout(timer)
    const ms = performance.now()
    hands.turned(ms)
    const inMs = wakeAt(state) - ms
    timer = setTimeout(() => void afterArrivals(() => give({ kind: 'woke' })), Math.max(1, Math.min(inMs, 2 ** 30)))
  }

  const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

  /** When the last report was made, and how long it took. */
  let reported = { atMs: -Infinity, tookMs: 0 }
  function reportSoon(inMs: number): void {
    if (reportTimer) {
      if (inMs > 0) return
      clearTimeout(reportTimer)
    }
    const pauseMs = reported.tookMs * (inMs > 0 ? ordinaryPause : importantPause)
    const notBeforeMs = reported.atMs + pauseMs - performance.now()
    reportTimer = setTimeout(
      () => {
        reportTimer = null
        const entries = unreported
        unreported = []
        const fromMs = performance.now()
        hands.report(entries)
        const atMs = performance.now()
        reported = { atMs, tookMs: atMs - fromMs }
        if (state.watchers > 0) reportSoon(reportMs)
      },
      Math.max(inMs, notBeforeMs),
    )
    reportTimer.unref()
  }

  function note(event: JournalEvent): void {
    totals.events[event.kind] = (totals.events[event.kind] ?? 0) + 1
    if (event.kind === 'failover') {
      const { cause } = event.record
      totals.failovers[cause] = (totals.failovers[cause] ?? 0) + 1
    }
    unreported.push(hands.journal.write(event, now().wallMs))
    hands.log(tell(event))
    reportSoon(0)
  }

  function carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'beat':
        hands.wire.send(effect.beat)
        for (const name of effect.seek) {
          const path = state.hearing.paths.find((p) => p.name === name)
          const device = lastAddresses.find((a) => a.address === path?.local)?.device
          if (path && device) hands.addresses.seek(device, path.local, path.remote)
        }
        return
      case 'listen':
        hands.wire.listen(effect.port, effect.paths)
        return
      case 'probe': {
        const { id, service, server } = effect.probe
        const startedMs = performance.now()
        void hands.probe(effect.probe).then(({ passed, says, warns }) =>
          give({
            kind: 'probed',
            id,
            service,
            server,
            passed,
            tookMs: performance.now() - startedMs,
            ...(says === undefined ? {} : { says }),
            ...(warns === undefined ? {} : { warns }),
          }),
        )
        return
      }
      case 'observe': {
        const { look } = effect
        if (effect.what === 'addresses') {
          addressWork = addressWork
            .then(() => hands.addresses.look())
            .then(
              (addresses) => give({ kind: 'observed', what: 'addresses', look, addresses }),
              (error: unknown) =>
                give({
                  kind: 'unobserved',
                  what: 'addresses',
                  look,
                  says: `addresses: ${reason(error)}`,
                  absent: false,
                }),
            )
        } else {
          tableWork = tableWork
            .then(readTable)
            .then((looked) =>
              give(
                'table' in looked
                  ? { kind: 'observed', what: 'table', look, table: looked.table }
                  : { kind: 'unobserved', what: 'table', look, says: looked.says, absent: looked.absent },
              ),
            )
        }
        return
      }
      case 'count':
        void readCounters().then((counters) => give({ kind: 'counted', counters }))
        return
      case 'apply': {
        const { commands, timeouts } = effect
        tableWork = tableWork.then(async () => {
          const failures = [...(timeouts ? await setTimeouts(timeouts) : []), ...(await applyBatch(commands))]
          give({ kind: 'applied', failures })
        })
        return
      }
      case 'address':
        addressWork = addressWork
          .then(() => hands.addresses.change(effect.changes))
          .then(
            (results) => give({ kind: 'addressed', results }),
            (error: unknown) =>
              give({ kind: 'addressed', results: effect.changes.map((change) => ({ change, failed: reason(error) })) }),
          )
        return
      case 'reserve':
        addressWork = addressWork
          .then(() => hands.addresses.reserve(effect.addresses))
          .catch((error: unknown) => hands.log(`the held file cannot be written: ${reason(error)}`))
        return
      case 'announce':
        void hands.addresses.announce(effect.addresses, effect.burst).then(
          (failures) => give({ kind: 'announced', failures }),
          (error: unknown) => give({ kind: 'announced', failures: [reason(error)] }),
        )
        return
      case 'ask': {
        const { device, source, addresses } = effect
        const heard = hands.addresses.ask(device, source, addresses, (answer) => {
          afterArrivals(() => give({ kind: 'answered', ...answer }))
        })
        // Silence on a segment that cannot be listened to tells nothing.
        if (!heard) give({ kind: 'routed', routes: [] })
        return
      }
      case 'echo':
        hands.echo.send(effect.sentMs)
        return
      case 'route':
        give({ kind: 'routed', routes: hands.addresses.routes(effect.to) })
        return
      case 'remember':
        memoryWork = memoryWork
          .then(() => remember(where, start.boot, effect.memory))
          .catch((error: unknown) => hands.log(`what is to be remembered cannot be written: ${reason(error)}`))
        return
      case 'keep':
        memoryWork = memoryWork
          .then(() => keepOrders(where.stateDir, effect.overrides))
          .catch((error: unknown) => hands.log(`orders about real servers cannot be written down: ${reason(error)}`))
        return
      case 'survey':
        aroundWork = aroundWork
          .then(() => around.look(effect.survey))
          .then(
            (found) => give({ kind: 'surveyed', found }),
            (error: unknown) => give({ kind: 'surveyed', found: { trouble: [reason(error)] } }),
          )
        return
      case 'arrange':
        aroundWork = aroundWork
          .then(() => around.arrange(effect.arrangement))
          .then(
            (failures) => give({ kind: 'arranged', failures }),
            (error: unknown) => give({ kind: 'arranged', failures: [reason(error)] }),
          )
        return
      case 'give':
        givingWork = givingWork
          .then(() => connections.give(effect.order))
          .then((gave) => give({ kind: 'gave', ...gave }))
        return
      case 'receive': {
        const { order } = effect
        receivingWork = receivingWork.then(async () => {
          const failed = await connections.receive(order)
          if (order) give({ kind: 'readied', ...(failed === undefined ? {} : { failed }) })
          else if (failed !== undefined) note({ kind: 'trouble', says: failed })
        })
        return
      }
      case 'hold':
        holdingWork = holdingWork.then(async () =>
          give({ kind: 'held', failures: await connections.hold(effect.addresses) }),
        )
        return
      case 'loads':
        void askLoads(effect.of).then((loads) => give({ kind: 'loaded', loads }))
        return
      case 'bound':
        void readBound().then((counts) => {
          if (counts) give({ kind: 'bound', look: effect.look, counts })
        })
        return
      case 'report':
        reportSoon(0)
        return
      case 'journal':
        note(effect.event)
        return
      case 'reread':
        hands.reread()
        return
      case 'answer':
        tickets.get(effect.ticket)?.(effect.refused)
        tickets.delete(effect.ticket)
        return
      case 'exit':
        void Promise.all([memoryWork, receivingWork, holdingWork])
          .then(connections.release)
          .then(() => hands.exit())
        return
    }
  }

  hands.addresses.watch(() => give({ kind: 'stirred' }))

  return {
    give(input) {
      give(input)
      if (input.kind === 'watched') reportSoon(reportMs)
    },
    order(order) {
      const ticket = nextTicket++
      return new Promise((resolve) => {
        tickets.set(ticket, resolve)
        give({ kind: 'ordered', order, ticket })
      })
    },
    state: () => state,
    director: () => directorReport(state, now()),
    services: () => serviceReports(state, now()),
    now,
    note,
    changed: () => reportSoon(0),
    totals: () => totals,
  }
}
