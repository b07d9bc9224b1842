/**
 * The simulated cluster as the core has it: its draft and lvs.cf (made as for a real one), the world it runs in, and how it is told.
 * It lives in memory, ends with the application or when nobody has looked at it for a while, and is kept apart from the clusters of
 * the operator: nothing of it is written to disk and no host is contacted.
 */
import { draftLvscf, newClusterDraft, newService } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, DirectorDraft, RealServerDraft } from '../../domain/cluster.ts'
import type { Config, Forwarding } from '../../domain/config.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { simulationId } from '../../domain/simulation.ts'
import type { Change } from '../../domain/life.ts'
import type { Fault, SimulationState } from '../../domain/simulation.ts'
import type { WireAnswer } from '../../domain/status.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import type { AgentDoor } from '../live/agent-line.ts'
import type { Log } from '../ports.ts'
import type { Clock } from './clock.ts'
import { openSimulatedChanges } from './changes.ts'
import type { SimulatedChanges } from './changes.ts'
import { simulatedFiles } from './files.ts'
import { simulatedDoor } from './line.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

/** The picture is told at most this often, and at once when something changes. */
const tellMs = 250
/** A page that shows it says so every half minute; without any for this long it ends. */
export const unseenLimitMs = 180_000

/** Addresses that RFC 5737 keeps for documentation: no host anywhere has them. */
const publicNet = '192.0.2'
const privateNet = '198.51.100'
const farNet = '203.0.113'
const checkIntervalS = '2'

/** The cluster that is simulated, per forwarding method: two directors, three real servers, web on two ports. */
export function simulatedDraft(forwarding: Forwarding): ClusterDraft {
  const draft = newClusterDraft(simulationId)
  const [first, second] = draft.directors
  const login = { kind: 'agent', keyFile: '' } as const
  const director = (host: DirectorDraft, number: number): DirectorDraft => ({
    ...host,
    login,
    address: `${publicNet}.${number}`,
    privateAddress: `${privateNet}.${number}`,
  })
  const realNet = { direct: publicNet, nat: privateNet, tunnel: farNet }[forwarding]
  const [model] = draft.realServers
  const web = newService(1)
  const service = { ...web, scheduler: 'wrr', check: { ...web.check, intervalS: checkIntervalS, reentryS: '4' } }
  return {
    ...draft,
    name: 'demo',
    step: 'served',
    forwarding,
    directors: [director(first, 11), director(second, 12)],
    virtualIp: { address: `${publicNet}.100`, device: 'eth0', prefix: '32' },
    natRouter: { address: `${privateNet}.254`, device: 'eth1', prefix: '24' },
    services: [service, { ...service, id: 'service-2', name: 'web-tls', port: '443', check: { ...service.check } }],
    realServers: [1, 2, 3].flatMap((number): RealServerDraft[] =>
      model
        ? [
            {
              ...model,
              login,
              id: `real-${number}`,
              name: `rs${number}`,
              address: `${realNet}.${20 + number}`,
              weight: '1',
            },
          ]
        : [],
    ),
  }
}

export interface SimulationPorts {
  readonly clock: Clock
  readonly chance: () => number
  readonly version: string
  readonly told: (state: SimulationState) => void
  /** It ended by itself: nobody looked. */
  readonly unseen: () => void
  /** Who makes changes here. */
  readonly by: string
  readonly log: Log
  readonly changed: (change: Change) => void
  readonly restartWatch: () => Promise<void>
}

export interface Simulation {
  /** As it stands now: a change makes it another. */
  readonly draft: ClusterDraft
  readonly lvscf: string
  readonly config: Config
  readonly door: AgentDoor
  readonly world: World
  readonly life: SimulatedChanges
  state(): SimulationState
  /** Who answers for the virtual IP, as each director that does not have it finds out. */
  askWire(): readonly WireAnswer[]
  /** Somebody looks at it. */
  seen(): void
  make(fault: Fault): Result<null>
  stop(): void
}

/** Starts a simulated cluster; fails only if its own lvs.cf were not sound. */
export function startSimulation(forwarding: Forwarding, ports: SimulationPorts): Result<Simulation> {
  const { clock } = ports
  let draft = simulatedDraft(forwarding)
  let lvscf = draftLvscf(draft)
  const files = simulatedFiles(lvscf, {
    clock,
    reread: (name) => world.machines[name].reread(),
    note: (name, order, by) => world.machines[name].note(order, by),
  })
  if (!files.ok) return files
  const startedAtMs = Math.round(clock.now().wallMs)
  let stopped = false
  let dirty = true
  let takeBack: () => void = () => undefined
  let seenMs = clock.now().ms

  const world = createWorld({
    clock,
    chance: ports.chance,
    version: ports.version,
    config: (of) => files.value.inForce(of ?? 'lvs1'),
    servers: draft.realServers.map(({ name, address }) => ({ name, address })),
    changed: () => {
      if (dirty || stopped) return
      dirty = true
      takeBack()
      takeBack = clock.later(0, tell)
    },
  })

  function state(): SimulationState {
    return {
      id: draft.id,
      atMs: Math.round(clock.now().wallMs),
      startedAtMs,
      forwarding,
      ...world.picture(),
    }
  }

  function tell(): void {
    if (stopped) return
    if (clock.now().ms - seenMs > unseenLimitMs) {
      ports.unseen()
      return
    }
    dirty = false
    takeBack = clock.later(tellMs, tell)
    ports.told(state())
  }
  tell()

  const door = simulatedDoor({ clock, world, files: files.value })
  const life = openSimulatedChanges({
    draft,
    door,
    by: ports.by,
    now: () => Math.round(clock.now().wallMs),
    log: ports.log,
    changed: ports.changed,
    stands(after, text) {
      draft = after
      lvscf = text
    },
    restartWatch: ports.restartWatch,
  })

  return ok({
    get draft() {
      return draft
    },
    get lvscf() {
      return lvscf
    },
    get config() {
      return files.value.inForce('lvs1').config
    },
    door,
    world,
    life,
    state,
    askWire: () => {
      const atMs = Math.round(clock.now().wallMs)
      return vipsOf(draft).map((address) => ({ address, atMs, ...world.askWire(address) }))
    },
    seen() {
      seenMs = clock.now().ms
    },
    make(fault) {
      if (stopped) return failed(problem('simulation-ended'))
      world.make(fault)
      return ok(null)
    },
    stop() {
      stopped = true
      takeBack()
      files.value.stop()
      world.stop()
    },
  })
}
