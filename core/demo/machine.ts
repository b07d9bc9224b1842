/**
 * One simulated director: a machine with a virtual kernel and, on it, the agent's real centre (agent/director) with virtual hands.
 * The hands do at once or a moment later what the real ones do through ipvsadm, ip and sockets; the centre cannot tell.
 */
import { step, wakeAt } from '../../agent/director/director.ts'
import { floating, initial } from '../../agent/director/state.ts'
import type { State } from '../../agent/director/state.ts'
import type { AddressChange, Beat, Effect, Input, KernelAddress, Probe } from '../../agent/director/words.ts'
import type { Config, FloatingAddress } from '../../domain/config.ts'
import type { JournalEntry, JournalEvent } from '../../domain/contract/agent.ts'
import type { SimulatedDirector } from '../../domain/simulation.ts'
import type { Clock } from './clock.ts'
import { countersOf, ipvsadm, tableOf } from './kernel.ts'
import type { VirtualDestination, VirtualTable } from './kernel.ts'

/** How long the hands take. */
const tableLookMs = 2
const applyMs = 12
/** The unit's guard takes the addresses of a killed agent down, then starts it again. */
const guardMs = 150
const restartMs = 1_500
const bootMs = 2_500
const journalKept = 5_000
const leastWakeMs = 1

/** What lies around a machine: the wire, the real servers, the file. */
export interface Around {
  readonly clock: Clock
  readonly version: string
  readonly config: () => { readonly config: Config; readonly digest: string }
  readonly send: (beat: Beat) => void
  readonly announce: (addresses: readonly FloatingAddress[]) => void
  readonly probe: (probe: Probe, answer: (passed: boolean, tookMs: number, says?: string) => void) => void
  /** Asks the segment of `device`, from `source`, who has these addresses. */
  readonly ask: (
    device: string,
    source: string,
    addresses: readonly string[],
    answered: (address: string, mac: string) => void,
  ) => void
  /** The next hop to each of these, as the kernel's routes have it. */
  readonly routes: (
    to: readonly string[],
  ) => readonly { readonly to: string; readonly hop: string; readonly device: string }[]
  /** Connections that ran through these are gone. */
  readonly lost: (destinations: readonly VirtualDestination[]) => void
  readonly changed: () => void
}

export interface Machine {
  readonly name: SimulatedDirector
  readonly mac: string
  readonly table: VirtualTable
  power(): 'on' | 'off' | 'booting'
  agent(): 'runs' | 'stands-still' | 'ended'
  /** The running agent's state; null while none answers (off, killed, standing still). */
  state(): State | null
  has(address: string): boolean
  give(input: Input): void
  /** Gives an order; resolves with the reason when it was refused. */
  order(order: Extract<Input, { kind: 'ordered' }>['order']): Promise<string | undefined>
  /** Reads its lvs.cf again. */
  reread(): void
  /** Writes down what was ordered about its file. */
  note(order: string, by: string): void
  readonly journal: readonly JournalEntry[]
  onReport: (journal: readonly JournalEntry[]) => void
  boot(atOnce?: boolean): void
  crash(): void
  kill(): void
  stall(forMs: number): void
  wipeTable(): void
  deleteAddresses(): void
  stop(): void
}

/** A machine that is off. */
export function createMachine(
  name: SimulatedDirector,
  mac: string,
  addresses: readonly KernelAddress[],
  around: Around,
): Machine {
  const { clock } = around
  const table: VirtualTable = new Map()
  const journal: JournalEntry[] = []
  let power: 'on' | 'off' | 'booting' = 'off'
  let state: State | null = null
  let held: KernelAddress[] = []
  let boot = 0
  let seq = 0
  let memory = { term: 0, peerBoot: 0, owned: [] as readonly string[] }
  let stillUntilMs = 0
  let started: 'boot' | 'restart' | 'crash' = 'boot'
  let ticket = 1
  let stopped = false
  const tickets = new Map<number, (refused: string | undefined) => void>()
  let takeBackWake: () => void = () => undefined
  /** Counts power cycles: what was on its way when the power went never arrives. */
  let life = 0

  const later = (ms: number, run: () => void): void => {
    const here = life
    clock.later(ms, () => {
      if (here === life && !stopped) run()
    })
  }
  const stands = (): boolean => clock.now().ms < stillUntilMs

  function give(input: Input, forBoot = boot): void {
    if (!state || forBoot !== boot || stopped) return
    // A paused machine loses what arrives, and what its own hands had under way is answered when it goes on.
    if (stands()) {
      if (input.kind !== 'heard' && input.kind !== 'answered' && input.kind !== 'woke')
        later(stillUntilMs - clock.now().ms + leastWakeMs, () => give(input, forBoot))
      return
    }
    const before = state.role
    const [next, effects] = step(state, input, clock.now())
    state = next
    for (const effect of effects) carryOut(effect)
    if (state?.role !== before) around.changed()
    plan()
  }

  function plan(): void {
    takeBackWake()
    if (!state) return
    const here = boot
    const inMs = wakeAt(state) - clock.now().ms
    if (!Number.isFinite(inMs)) return
    takeBackWake = clock.later(Math.max(leastWakeMs, inMs), () => give({ kind: 'woke' }, here))
  }

  function end(): void {
    takeBackWake()
    state = null
    for (const done of tickets.values()) done('the agent ended')
    tickets.clear()
    around.changed()
  }

  function write(event: JournalEvent): void {
    seq += 1
    const entry = { director: name, boot: String(boot), seq, atMs: Math.round(clock.now().wallMs), event }
    journal.push(entry)
    if (journal.length > journalKept) journal.splice(0, journal.length - journalKept)
    machine.onReport([entry])
  }

  function change({ do: what, address, prefix, device, label }: AddressChange): void {
    held = held.filter((one) => one.address !== address)
    if (what === 'add') held.push({ address, prefix, device, label })
  }

  function carryOut(effect: Effect): void {
    const here = boot
    switch (effect.kind) {
      case 'beat':
        around.send(effect.beat)
        return
      case 'observe':
        later(effect.what === 'table' ? tableLookMs : 0, () => {
          const { look } = effect
          if (effect.what === 'table') give({ kind: 'observed', what: 'table', look, table: tableOf(table) }, here)
          else {
            const links = [
              { device: 'eth0', up: true, mac },
              { device: 'eth1', up: true, mac },
            ]
            const looked = { addresses: [...addresses, ...held], links }
            give({ kind: 'observed', what: 'addresses', look, addresses: looked }, here)
          }
        })
        return
      case 'count':
        later(tableLookMs, () => give({ kind: 'counted', counters: countersOf(table) }, here))
        return
      case 'apply':
        later(applyMs, () => {
          const failures = effect.commands.flatMap((line) => ipvsadm(table, line) ?? [])
          give({ kind: 'applied', failures }, here)
        })
        return
      case 'address':
        for (const one of effect.changes) change(one)
        later(0, () => give({ kind: 'addressed', results: effect.changes.map((one) => ({ change: one })) }, here))
        return
      case 'announce':
        around.announce(effect.addresses)
        later(0, () => give({ kind: 'announced', failures: [] }, here))
        return
      case 'probe': {
        const { id, service, server } = effect.probe
        around.probe(effect.probe, (passed, tookMs, says) =>
          give({ kind: 'probed', id, service, server, passed, tookMs, ...(says === undefined ? {} : { says }) }, here),
        )
        return
      }
      case 'ask': {
        const { device, source } = effect
        around.ask(device, source, effect.addresses, (address, answering) =>
          give({ kind: 'answered', device, address, mac: answering, to: source }, here),
        )
        return
      }
      case 'route':
        later(0, () => give({ kind: 'routed', routes: around.routes(effect.to) }, here))
        return
      case 'remember':
        memory = effect.memory
        return
      case 'journal':
        write(effect.event)
        return
      case 'report':
        machine.onReport([])
        return
      case 'answer':
        tickets.get(effect.ticket)?.(effect.refused)
        tickets.delete(effect.ticket)
        return
      case 'reread':
        later(1, () => give({ kind: 'configured', ...around.config(), hasKey: true }, here))
        return
      case 'exit':
        end()
        return
      case 'listen':
      case 'reserve':
        return
    }
  }

  function start(): void {
    if (power !== 'on' || state) return
    boot += 1
    stillUntilMs = 0
    const { config, digest } = around.config()
    const left = floating(config)
      .filter(({ address }) => held.some((one) => one.address === address))
      .map(({ address, device, prefix }) => ({ address, device, ...(prefix === undefined ? {} : { prefix }) }))
    state = initial({ name, version: around.version, boot, ...memory, held: left }, clock.now())
    write({ kind: 'started', version: around.version, after: started })
    give({ kind: 'configured', config, digest, hasKey: true })
    around.changed()
  }

  function loseTable(): void {
    const lost = [...table.values()].flatMap(({ destinations }) => [...destinations.values()])
    table.clear()
    around.lost(lost)
  }

  const machine: Machine = {
    name,
    mac,
    table,
    power: () => power,
    agent: () => (state ? (stands() ? 'stands-still' : 'runs') : 'ended'),
    state: () => (stands() ? null : state),
    // A paused machine answers nobody.
    has: (address) => power === 'on' && !stands() && held.some((one) => one.address === address),
    give: (input) => give(input),
    order(order) {
      if (!state || stands()) return Promise.resolve('the agent does not answer')
      const mine = ticket++
      return new Promise((resolve) => {
        tickets.set(mine, resolve)
        give({ kind: 'ordered', order, ticket: mine })
      })
    },
    reread: () => give({ kind: 'configured', ...around.config(), hasKey: true }),
    note: (order, by) => write({ kind: 'order', order, by }),
    journal,
    onReport: () => undefined,
    boot(atOnce = false) {
      if (power !== 'off') return
      power = 'booting'
      started = 'boot'
      around.changed()
      later(atOnce ? 0 : bootMs, () => {
        power = 'on'
        start()
      })
    },
    crash() {
      if (power === 'off') return
      power = 'off'
      life += 1
      held = []
      stillUntilMs = 0
      loseTable()
      end()
    },
    kill() {
      if (!state) return
      end()
      started = 'crash'
      const { config } = around.config()
      later(guardMs, () => {
        if (!state) held = held.filter(({ address }) => !floating(config).some((one) => one.address === address))
      })
      later(restartMs, start)
    },
    stall(forMs) {
      if (!state || stands()) return
      takeBackWake()
      stillUntilMs = clock.now().ms + forMs
      around.changed()
      const here = boot
      later(forMs, () => {
        around.changed()
        give({ kind: 'woke' }, here)
      })
    },
    wipeTable: loseTable,
    deleteAddresses() {
      held = []
    },
    stop() {
      stopped = true
      takeBackWake()
      state = null
    },
  }
  return machine
}
