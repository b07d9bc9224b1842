/**
 * The loop of a running agent: gives inputs to the centre one after the other, carries out the effects, and sets the one timer to
 * when the centre wants to be woken. It decides nothing.
 */
import { tell } from './director/story.ts'
import { directorReport, serviceReports } from './director/report.ts'
import { step, wakeAt } from './director/director.ts'
import { initial, type Start, type State } from './director/state.ts'
import type { Effect, Input, KernelAddress, Now } from './director/words.ts'
import type { DirectorReport, JournalEntry, Order, ServiceReport } from '../domain/contract/agent.ts'
import type { Addresses } from './effects/addresses.ts'
import type { Journal } from './effects/journal.ts'
import { runProbe } from './effects/probes.ts'
import { remember, type Places } from './effects/remembered.ts'
import { applyBatch, readCounters, readTable, setTimeouts } from './effects/table.ts'
import type { Wire } from './effects/wire.ts'

/** Watchers are told of ordinary changes at most this often, of important ones at once. */
const reportMs = 500
/** Two readings of both clocks differ by less than this through rounding and slewing alone. */
const clockNoiseMs = 5

export interface Hands {
  readonly addresses: Addresses
  readonly wire: Wire
  readonly journal: Journal
  /** New journal entries for the watchers. */
  readonly report: (journal: readonly JournalEntry[]) => void
  readonly reread: () => void
  readonly exit: () => void
  readonly log: (line: string) => void
  /** Called after every step: the loop is alive. */
  readonly alive: () => void
}

export interface Loop {
  readonly give: (input: Input) => void
  readonly order: (order: Order | { kind: 'stop'; by: string }) => Promise<string | undefined>
  readonly state: () => State
  readonly director: () => DirectorReport
  readonly services: () => readonly ServiceReport[]
  readonly now: () => Now
}

/** Starts the loop. Nothing happens before the first `give`. */
export function startLoop(start: Start, where: Places, hands: Hands): Loop {
  let offsetMs = Date.now() - performance.now()
  const now = (): Now => {
    const ms = performance.now()
    const fresh = Date.now() - ms
    if (Math.abs(fresh - offsetMs) > clockNoiseMs) offsetMs = fresh
    return { ms, wallMs: ms + offsetMs }
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
    hands.alive()
    if (timer) clearTimeout(timer)
    const inMs = wakeAt(state) - performance.now()
    timer = setTimeout(() => give({ kind: 'woke' }), Math.max(1, Math.min(inMs, 2 ** 30)))
  }

  const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

  function reportSoon(inMs: number): void {
    if (reportTimer) {
      if (inMs > 0) return
      clearTimeout(reportTimer)
    }
    reportTimer = setTimeout(() => {
      reportTimer = null
      const entries = unreported
      unreported = []
      hands.report(entries)
      if (state.watchers > 0) reportSoon(reportMs)
    }, inMs)
    reportTimer.unref()
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
        void runProbe(effect.probe).then(({ passed, says }) =>
          give({
            kind: 'probed',
            id,
            service,
            server,
            passed,
            tookMs: performance.now() - startedMs,
            ...(says === undefined ? {} : { says }),
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
      case 'ask':
        hands.addresses.ask(effect.device, effect.source, effect.address, (mac) =>
          give({ kind: 'answered', address: effect.address, mac }),
        )
        return
      case 'remember':
        memoryWork = memoryWork
          .then(() => remember(where, start.boot, effect.memory))
          .catch((error: unknown) => hands.log(`what is to be remembered cannot be written: ${reason(error)}`))
        return
      case 'report':
        reportSoon(0)
        return
      case 'journal': {
        unreported.push(hands.journal.write(effect.event, now().wallMs))
        hands.log(tell(effect.event))
        reportSoon(0)
        return
      }
      case 'reread':
        hands.reread()
        return
      case 'answer':
        tickets.get(effect.ticket)?.(effect.refused)
        tickets.delete(effect.ticket)
        return
      case 'exit':
        void memoryWork.then(() => hands.exit())
        return
    }
  }

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
  }
}
