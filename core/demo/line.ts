/**
 * The conversation with a simulated director's agent: the same requests, answers and reports as over SSH (live/agent-line.ts), given
 * by the machine in this program. A director that is off, cut off or stands still says nothing, as a real one would.
 */
import { agentProtocol } from '../../domain/contract/agent.ts'
import type { DirectorReport, JournalEntry, Order, Report, ServiceReport } from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { SimulatedDirector } from '../../domain/simulation.ts'
import { directorReport, serviceReports } from '../../agent/director/report.ts'
import type { State } from '../../agent/director/state.ts'
import type { AgentDoor, AgentLine } from '../live/agent-line.ts'
import type { Clock } from './clock.ts'
import type { SimulatedFiles } from './files.ts'
import { simulatedNotify } from './notify.ts'
import type { SimulatedNotify } from './notify.ts'
import type { World } from './world.ts'

/** As the real agent's: watchers hear of ordinary changes this often, of important ones at once. */
const reportMs = 500
/** How long a machine that is not there is waited for. */
const connectMs = 800
const answerMs = 1

export interface LinePorts {
  readonly clock: Clock
  readonly world: World
  readonly files: SimulatedFiles
}

/** The way to the simulated directors for the live watch. */
export function simulatedDoor({ clock, world, files }: LinePorts): AgentDoor {
  const watching = new Map<SimulatedDirector, Set<(journal: readonly JournalEntry[]) => void>>()
  const notifies = new Map<SimulatedDirector, SimulatedNotify>()

  function notifyOf(director: SimulatedDirector): SimulatedNotify {
    const known = notifies.get(director)
    if (known) return known
    const { journal } = world.machines[director]
    const fresh = simulatedNotify({ director, journal: () => journal, wallMs: () => clock.now().wallMs })
    notifies.set(director, fresh)
    return fresh
  }

  function tellAll(name: SimulatedDirector): Set<(journal: readonly JournalEntry[]) => void> {
    const known = watching.get(name)
    if (known) return known
    const fresh = new Set<(journal: readonly JournalEntry[]) => void>()
    watching.set(name, fresh)
    world.machines[name].onReport = (journal) => {
      for (const tell of [...fresh]) tell(journal)
    }
    return fresh
  }

  function openLine(name: SimulatedDirector, address: string, hostId: string): AgentLine {
    const machine = world.machines[name]
    const watchers = tellAll(name)
    let over: Problem | undefined
    let seq = 0
    let heardAtMs = performance.now()
    let boot: number | undefined
    let lastDirector = ''
    const lastServices = new Map<string, string>()
    let unsent: JournalEntry[] = []
    let takeBack: () => void = () => undefined
    let endedBy: (reason: Problem) => void = () => undefined
    const ended = new Promise<Problem>((resolve) => (endedBy = resolve))

    function end(reason: Problem): void {
      if (over) return
      over = reason
      takeBack()
      watchers.delete(heard)
      const state = machine.state()
      if (state && watchers.size === 0) machine.give({ kind: 'watched', watchers: 0 })
      endedBy(reason)
    }

    /** The agent's state when it can be heard. The socket of an agent that ended is closed; a dead machine only falls silent. */
    function there(): State | null {
      const state = world.reachable(name) ? machine.state() : null
      const gone = machine.power() === 'on' && machine.agent() === 'ended'
      if (gone || (state && boot !== undefined && state.self.boot !== boot))
        end(
          problem(
            'agent-absent',
            { host: address, reason: 'it closed the connection' },
            { kind: 'host', host: hostId },
          ),
        )
      return over ? null : state
    }

    async function answer<T>(give: (state: State) => T): Promise<Result<T>> {
      await new Promise<void>((resolve) => clock.later(answerMs, resolve))
      const state = there()
      if (!state)
        return failed(over ?? problem('agent-silent', { host: address, seconds: 0 }, { kind: 'host', host: hostId }))
      heardAtMs = performance.now()
      return ok(give(state))
    }

    function say(): void {
      takeBack = clock.later(reportMs, say)
      const state = there()
      if (!state) return
      const now = clock.now()
      const director = { ...directorReport(state, now), ...files.report(name), ...notifyOf(name).report() }
      const services = serviceReports(state, now)
      const changed = services.filter((one) => lastServices.get(one.id) !== JSON.stringify(one))
      const ids = new Set(services.map(({ id }) => id))
      const gone = [...lastServices.keys()].filter((id) => !ids.has(id))
      seq += 1
      const text = JSON.stringify(director)
      const report: Report = {
        seq,
        atMs: Math.round(now.wallMs),
        ...(text === lastDirector ? {} : { director }),
        ...(changed.length > 0 ? { services: changed } : {}),
        ...(gone.length > 0 ? { gone } : {}),
        ...(unsent.length > 0 ? { journal: unsent } : {}),
      }
      remember(text, services)
      unsent = []
      heardAtMs = performance.now()
      line.onReport(report)
    }

    function remember(director: string, services: readonly ServiceReport[]): void {
      lastDirector = director
      lastServices.clear()
      for (const one of services) lastServices.set(one.id, JSON.stringify(one))
    }

    function heard(journal: readonly JournalEntry[]): void {
      unsent.push(...journal)
      takeBack()
      takeBack = clock.later(0, say)
    }

    /** Answers why it was refused. */
    function carryOut(order: Order): Promise<string | undefined> {
      if (order.kind === 'stage')
        return Promise.resolve(files.stage(name, order.text, order.by).sound ? undefined : 'The file is not sound.')
      if (order.kind === 'commit' || order.kind === 'confirm' || order.kind === 'revert')
        return Promise.resolve(files.order(name, order))
      return machine.order(order)
    }

    const where = { kind: 'host', host: hostId } as const
    const line: AgentLine = {
      stage: (text, by) => answer(() => files.stage(name, text, by)),
      notify: () => answer(() => notifyOf(name).view()),
      async setNotify(cluster, channels) {
        const set = await answer(() => notifyOf(name).set(cluster, channels))
        return set.ok ? set.value : set
      },
      async testNotify(channel) {
        const tested = await answer(() => notifyOf(name).test(channel))
        return tested.ok ? tested.value : tested
      },
      hello: () =>
        answer((state) => {
          boot = state.self.boot
          return {
            protocol: agentProtocol,
            version: state.self.version,
            director: name,
            bootId: String(state.self.boot),
            configDigest: state.digest,
            generation: state.config?.serialNo ?? 0,
          }
        }),
      watch: () =>
        answer((state) => {
          watchers.add(heard)
          machine.give({ kind: 'watched', watchers: watchers.size })
          const now = clock.now()
          const director: DirectorReport = {
            ...directorReport(state, now),
            ...files.report(name),
            ...notifyOf(name).report(),
          }
          const services = serviceReports(state, now)
          seq = 1
          remember(JSON.stringify(director), services)
          takeBack = clock.later(reportMs, say)
          return { seq, atMs: Math.round(now.wallMs), director, services }
        }),
      journal: (afterMs, limit) =>
        answer(() => machine.journal.filter(({ atMs }) => afterMs === undefined || atMs > afterMs).slice(-limit)),
      async order(order: Order) {
        const asked = await answer(() => null)
        if (!asked.ok) return asked
        const refused = await carryOut(order)
        return refused === undefined
          ? ok(null)
          : failed(problem('agent-refused', { host: address, reason: refused }, where))
      },
      onReport: () => undefined,
      heardAtMs: () => heardAtMs,
      ended,
      close: () => end(problem('agent-absent', { host: address, reason: 'closed here' })),
    }
    return line
  }

  return {
    async open(host) {
      const name: SimulatedDirector = host.name === 'lvs2' ? 'lvs2' : 'lvs1'
      const where = { kind: 'host', host: host.id } as const
      const machine = world.machines[name]
      if (machine.power() !== 'on' || !world.reachable(name)) {
        await new Promise<void>((resolve) => clock.later(connectMs, resolve))
        const running = machine.power() === 'on' && machine.agent() === 'ended'
        return failed(
          running
            ? problem('agent-absent', { host: host.address, reason: 'shoal-agent is activating' }, where)
            : problem('host-unreachable', { host: host.address, port: 22, reason: 'timed out' }, where),
        )
      }
      const line = openLine(name, host.address, host.id)
      const hello = await line.hello()
      return hello.ok ? ok({ line, hello: hello.value }) : hello
    },
    giveUp: () => undefined,
  }
}
