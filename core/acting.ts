/**
 * What an operator does to a running cluster: orders and drills, each with its line in the command log; and the simulated cluster with
 * its faults. Requests come in from core.ts, this file carries them out.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { bootLimitMs } from '../domain/acting.ts'
import type { Action, CommandLine, Drill, DrillKind } from '../domain/acting.ts'
import { agentSocketPath } from '../domain/contract/agent.ts'
import type { Order } from '../domain/contract/agent.ts'
import type { Answer, Args, EventName, Events, RequestName } from '../domain/contract/app.ts'
import type { Forwarding } from '../domain/config.ts'
import { check } from '../domain/lvscf/check.ts'
import type { Change } from '../domain/life.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { simulatedDirectors, simulationId } from '../domain/simulation.ts'
import type { Fault, SimulatedDirector } from '../domain/simulation.ts'
import type { Clock } from './demo/clock.ts'
import { startSimulation } from './demo/simulation.ts'
import type { Simulation } from './demo/simulation.ts'
import { openCommands } from './live/commands.ts'
import { readyDirector, startDrill } from './live/drill.ts'
import { prepareHostFault } from './live/host-faults.ts'
import { askWire } from './live/wire.ts'
import type { Journal } from './live/journal.ts'
import type { Watch } from './live/watch.ts'
import type { Watchable, Watches } from './live/watches.ts'
import type { Log } from './ports.ts'
import type { Hosts } from './ssh/hosts.ts'

/** A director is waited for this long before an order is refused. */
const reachMs = 6_000
const drillsKept = 50

type Names = Extract<
  RequestName,
  | 'clusters.hand-over'
  | 'clusters.wire'
  | 'clusters.act'
  | 'clusters.drill'
  | 'clusters.drills'
  | 'clusters.commands'
  | `simulation.${string}`
>
type Handlers = { readonly [N in Names]: (args: Args<N>) => Promise<Result<Answer<N>>> }

export interface ActingPorts {
  readonly dataDir: string
  readonly version: string
  /** Who is told to have ordered it. */
  readonly by: string
  readonly clock: Clock
  readonly chance: () => number
  readonly hosts: Hosts
  readonly watches: () => Watches
  readonly find: (id: string) => Promise<Result<Watchable>>
  readonly journal: (id: string) => Promise<Journal>
  readonly forgetJournal: (id: string) => void
  readonly tell: <N extends EventName>(name: N, event: Events[N]) => void
  readonly log: Log
}

export interface Acting {
  readonly handlers: Handlers
  readonly simulation: () => Simulation | undefined
  /** A change of a cluster has gone on: what it ordered is written down as well, and told. */
  readonly changed: (change: Change) => void
  close(): void
}

const isDirector = (name: string): name is SimulatedDirector => (simulatedDirectors as readonly string[]).includes(name)

export async function openActing(ports: ActingPorts): Promise<Acting> {
  const { clock, tell } = ports
  const now = (): number => Math.round(clock.now().wallMs)
  const commands = await openCommands(join(ports.dataDir, 'commands.jsonl'), (id) => id === simulationId)
  let drills: readonly Drill[] = []
  let simulation: Simulation | undefined

  /** Carries out and writes down: what was sent, to whom, how long it took and what was answered. */
  async function logged<T>(
    line: Pick<CommandLine, 'clusterId' | 'what' | 'command' | 'hosts'>,
    carryOut: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const startedMs = performance.now()
    const atMs = now()
    const result = await carryOut()
    const told: CommandLine = {
      ...line,
      id: randomUUID(),
      atMs,
      tookMs: Math.round(performance.now() - startedMs),
      answered: result.ok ? 'done' : 'refused',
      problems: result.ok ? [] : result.problems,
    }
    await commands.put(told)
    tell('cluster.command', told)
    return result
  }

  const sent = (order: Order): string => `${agentSocketPath} ← ${JSON.stringify(order)}`

  /** How many lines of a change, by its id, are in the log. */
  const noted = new Map<string, number>()
  function changed(change: Change): void {
    const known = noted.get(change.id) ?? 0
    noted.set(change.id, change.lines.length)
    change.lines.slice(known).forEach(({ atMs, host, what, answer, ok: done }, at) => {
      const begunMs = change.lines[known + at - 1]?.atMs ?? change.startedAtMs
      const line: CommandLine = {
        id: randomUUID(),
        clusterId: change.clusterId,
        atMs,
        what: 'change',
        command: host === '' ? what : `${agentSocketPath} ← ${what}`,
        hosts: host === '' ? [] : [host],
        tookMs: Math.max(0, atMs - begunMs),
        answered: done ? 'done' : 'refused',
        problems: done ? [] : [problem('agent-refused', { host, reason: answer })],
      }
      void commands.put(line)
      tell('cluster.command', line)
    })
    tell('change.changed', change)
  }

  function act(id: string, action: Action): Promise<Result<Answer<'clusters.act'>>> {
    return ports.watches().once(id, reachMs, async (watch) => {
      const { directors } = watch.status()
      if (action.kind === 'hand-over') {
        const order: Order = { kind: 'hand-over', by: ports.by }
        const hosts = directors.flatMap(({ name, report }) => (report?.role === 'active' ? [name] : []))
        const line = { clusterId: id, what: 'hand-over', command: sent(order), hosts } as const
        const done = await logged(line, () => watch.order(order))
        return done.ok ? ok({ told: hosts[0] ?? '' }) : done
      }
      // One director is told; both hold it, for they carry such orders to each other in their beats.
      const order: Order = { ...action, by: ports.by }
      const active = directors.find(({ report }) => report?.role === 'active')
      const hosts = [(active ?? directors[0])?.name ?? '']
      const line = { clusterId: id, what: action.kind, command: sent(order), hosts }
      return logged(line, () => watch.orderAny(order))
    })
  }

  function noteDrill(drill: Drill): void {
    drills = [...drills.filter(({ id }) => id !== drill.id), drill].slice(-drillsKept)
    tell('cluster.drill', drill)
  }

  /** The fault of a drill on a host, looked at and ready to be made. */
  async function faultOn(
    cluster: Watchable,
    id: string,
    kind: DrillKind,
    director: string,
    deadtimeMs: number,
  ): Promise<Result<() => Promise<Result<null>>>> {
    if (kind === 'planned')
      return ok(async () => {
        const handed = await act(id, { kind: 'hand-over' })
        return handed.ok ? ok(null) : handed
      })
    const host = cluster.draft.directors.find(({ name }) => name.trim() === director)
    if (!host) return failed(problem('not-found', { name: director }))
    return prepareHostFault(kind, host, deadtimeMs, {
      hosts: ports.hosts,
      logged: (command, carryOut) => logged({ clusterId: id, what: 'drill', command, hosts: [director] }, carryOut),
    })
  }

  async function failSimulated(kind: DrillKind, director: string): Promise<Result<null>> {
    if (kind === 'planned') {
      const handed = await act(simulationId, { kind: 'hand-over' })
      return handed.ok ? ok(null) : handed
    }
    if (!isDirector(director)) return failed(problem('not-found', { name: director }))
    return makeFault({ kind: ({ kill: 'kill', cut: 'cut', reboot: 'crash' } as const)[kind], director }, 'drill')
  }

  function mendSimulated(kind: DrillKind, director: string): void {
    if (!isDirector(director)) return
    if (kind === 'cut') void makeFault({ kind: 'heal', director }, 'drill')
    if (kind === 'reboot') void makeFault({ kind: 'boot', director }, 'drill')
  }

  const drilling = (id: string): boolean =>
    drills.some(({ clusterId, endedAtMs }) => clusterId === id && endedAtMs === undefined)

  async function drill(id: string, kind: DrillKind): Promise<Result<Drill>> {
    if (drilling(id)) return failed(problem('drill-under-way'))
    const cluster = await ports.find(id)
    if (!cluster.ok) return cluster
    const watch = await ports.watches().add(id)
    if (!watch.ok) return watch
    const started = await drillWatched(id, kind, cluster.value, watch.value)
    // The watch is kept for the drill; windows that look have their own.
    if (!started.ok) ports.watches().remove(id)
    return started
  }

  async function drillWatched(id: string, kind: DrillKind, cluster: Watchable, watch: Watch): Promise<Result<Drill>> {
    const here = id === simulationId ? simulation : undefined
    await watch.heardOrFailed(reachMs)
    const journal = await ports.journal(id)
    const deadtimeMs = check(cluster.lvscf).config?.heartbeat.deadtimeMs ?? 0
    const from = readyDirector(watch)
    if (from === undefined) return failed(problem('drill-not-ready'))
    const fault = here ? ok(() => failSimulated(kind, from)) : await faultOn(cluster, id, kind, from, deadtimeMs)
    if (!fault.ok) return fault
    // The look at the host took its time.
    if (drilling(id)) return failed(problem('drill-under-way'))
    if (readyDirector(watch) !== from) return failed(problem('drill-not-ready'))
    return startDrill(kind, {
      clusterId: id,
      watch,
      journal: () => journal.newest(100),
      deadtimeMs,
      now,
      fail: fault.value,
      ...(here && kind !== 'kill' && kind !== 'planned' ? { mend: () => mendSimulated(kind, from) } : {}),
      ...(here ? { client: () => here.world.client() } : {}),
      ...(!here && kind === 'reboot' ? { recoverLimitMs: bootLimitMs } : {}),
      changed(drilled) {
        noteDrill(drilled)
        if (drilled.endedAtMs !== undefined) ports.watches().remove(id)
      },
    })
  }

  async function makeFault(fault: Fault, what: 'fault' | 'drill'): Promise<Result<null>> {
    const here = simulation
    if (!here) return failed(problem('simulation-ended'))
    const { kind, ...about } = fault
    const said = Object.values(about).join(' ')
    const line = { clusterId: simulationId, what, command: `simulation ← ${kind} ${said}`.trim() }
    const hosts = 'director' in fault ? [fault.director] : 'server' in fault ? [fault.server] : []
    return logged({ ...line, hosts }, () => Promise.resolve(here.make(fault)))
  }

  /** Stops it and drops what was kept of it; windows that watch are for the caller to see to. */
  function quit(): void {
    simulation?.stop()
    simulation = undefined
    drills = drills.filter(({ clusterId }) => clusterId !== simulationId)
    commands.drop(simulationId)
    ports.forgetJournal(simulationId)
  }

  function end(): void {
    if (!simulation) return
    ports.watches().end(simulationId)
    quit()
    tell('simulation.changed', null)
    tell('clusters.changed', null)
  }

  async function start(forwarding: Forwarding): Promise<Result<Answer<'simulation.start'>>> {
    if (simulation?.draft.forwarding === forwarding) {
      simulation.seen()
      return ok(simulation.state())
    }
    const replaced = simulation !== undefined
    quit()
    const started = startSimulation(forwarding, {
      clock,
      chance: ports.chance,
      version: ports.version,
      told: (state) => tell('simulation.changed', state),
      unseen: end,
      by: ports.by,
      log: ports.log,
      changed,
      restartWatch: () => ports.watches().restart(simulationId),
    })
    if (!started.ok) return started
    simulation = started.value
    if (replaced) await ports.watches().restart(simulationId)
    tell('clusters.changed', null)
    return ok(started.value.state())
  }

  return {
    handlers: {
      'clusters.hand-over': async ({ id }) => {
        const done = await act(id, { kind: 'hand-over' })
        return done.ok ? ok(null) : done
      },
      'clusters.wire': async ({ id }) => {
        if (id === simulationId) return simulation ? ok(simulation.askWire()) : failed(problem('simulation-ended'))
        const cluster = await ports.find(id)
        return cluster.ok ? askWire(ports.hosts, cluster.value.draft, cluster.value.lvscf, now) : cluster
      },
      'clusters.act': ({ id, action }) => act(id, action),
      'clusters.drill': ({ id, kind }) => drill(id, kind),
      'clusters.drills': async ({ id }) => ok(drills.filter(({ clusterId }) => clusterId === id)),
      'clusters.commands': async ({ id, limit }) => ok(commands.newest(id, limit)),
      'simulation.start': ({ forwarding }) => start(forwarding),
      'simulation.state': async () => {
        simulation?.seen()
        return ok(simulation?.state() ?? null)
      },
      'simulation.fault': ({ fault }) => makeFault(fault, 'fault'),
      'simulation.end': async () => {
        end()
        return ok(null)
      },
    },
    simulation: () => simulation,
    changed,
    close: end,
  }
}
