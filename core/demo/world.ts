/**
 * The simulated cluster: two machines (machine.ts), two heartbeat paths, real servers and a client, on a wire in this program. Faults
 * do to it what happens to real ones. Nothing of it leaves the program: there is no socket in this folder.
 *
 *     client ──(hardware address last learnt)──► machine with the virtual IP ──IPVS──► real server
 *                       lvs1 ◄── beats: public, private ──► lvs2
 */
import type { FloatingAddress } from '../../domain/config.ts'
import type { Config } from '../../domain/config.ts'
import { simulatedDirectors } from '../../domain/simulation.ts'
import type { Fault, SimulatedClient, SimulatedDirector, SimulationState } from '../../domain/simulation.ts'
import { floating } from '../../agent/director/state.ts'
import type { Beat, Probe } from '../../agent/director/words.ts'
import { startClient } from './client.ts'
import type { Clock } from './clock.ts'
import { createMachine } from './machine.ts'
import type { Machine } from './machine.ts'

/** One way through the wire, with what a quiet switch adds. */
const networkMs = 0.4
const jitterMs = 1.2
const probeMs = { least: 0.8, most: 4 }

/** The router between the client and the virtual IP. */
const gateway = '192.0.2.1'

const pathNames = ['public', 'private'] as const
type PathName = (typeof pathNames)[number]
type ServerState = 'up' | 'down' | 'hangs'

export interface WorldPorts {
  readonly clock: Clock
  /** 0..1 */
  readonly chance: () => number
  readonly version: string
  /** The file a director has in force; without a name that of either, for what all files of the cluster say alike. */
  readonly config: (of?: SimulatedDirector) => { readonly config: Config; readonly digest: string }
  /** Names of the real servers by address. */
  readonly servers: readonly { readonly name: string; readonly address: string }[]
  readonly changed: () => void
}

export interface World {
  readonly machines: Readonly<Record<SimulatedDirector, Machine>>
  /** Whether whoever manages the cluster gets through to this director. */
  reachable(name: SimulatedDirector): boolean
  make(fault: Fault): void
  /** ARP for an address from the directors that run, are heard and do not have it. */
  askWire(address: string): { readonly askedBy: readonly string[]; readonly answeredBy: readonly string[] }
  client(): SimulatedClient
  picture(): Pick<SimulationState, 'machines' | 'paths' | 'servers' | 'client'>
  stop(): void
}

/** Starts it with both machines on. */
export function createWorld(ports: WorldPorts): World {
  const { clock, chance } = ports
  const cutPaths: Record<PathName, Set<SimulatedDirector>> = { public: new Set(), private: new Set() }
  const cutOff = new Set<SimulatedDirector>()
  const servers = new Map<string, ServerState>(ports.servers.map(({ address }) => [address, 'up']))
  /** What the client's neighbour table says of the virtual IP. */
  let learnt: SimulatedDirector | null = null

  const passes = (...names: SimulatedDirector[]): boolean => names.every((name) => !cutOff.has(name))
  const wireMs = (): number => networkMs + chance() * jitterMs
  const otherOf = (name: SimulatedDirector): Machine => machines[name === 'lvs1' ? 'lvs2' : 'lvs1']

  function send(from: SimulatedDirector, beat: Beat): void {
    for (const path of pathNames) {
      if (cutPaths[path].has(from) || !passes('lvs1', 'lvs2')) continue
      const { config } = ports.config()
      if (path === 'private' && (!config.primary?.private || !config.backup?.private)) continue
      clock.later(wireMs(), () => otherOf(from).give({ kind: 'heard', path, beat }))
    }
  }

  function announce(from: SimulatedDirector, addresses: readonly FloatingAddress[]): void {
    const [vip] = floating(ports.config().config)
    if (!vip || !addresses.some(({ address }) => address === vip.address)) return
    clock.later(wireMs(), () => {
      if (passes(from) && machines[from].power() === 'on') learnt = from
    })
  }

  function probe(
    from: SimulatedDirector,
    what: Probe,
    answer: (passed: boolean, tookMs: number, says?: string) => void,
  ): void {
    const state = servers.get(what.address)
    if (state === undefined || state === 'hangs' || !passes(from)) {
      const { timeoutMs } = what.check
      clock.later(timeoutMs, () => answer(false, timeoutMs, `no answer within ${timeoutMs} ms`))
      return
    }
    const tookMs = probeMs.least + chance() * (probeMs.most - probeMs.least)
    clock.later(tookMs, () =>
      servers.get(what.address) === 'up'
        ? answer(true, tookMs)
        : answer(false, tookMs, `connect ECONNREFUSED ${what.address}:${what.port}`),
    )
  }

  /** ARP on a segment: the other director, the gateway and the real servers that are on it answer, whoever is cut off hears nothing. */
  function ask(
    from: SimulatedDirector,
    device: string,
    source: string,
    addresses: readonly string[],
    answered: (address: string, mac: string) => void,
  ): void {
    const peer = otherOf(from)
    clock.later(wireMs() * 2, () => {
      if (!passes(from)) return
      for (const address of addresses) {
        if (address === gateway && floating(ports.config().config).some((vip) => vip.address === source)) learnt = from
        if (passes(peer.name) && peer.has(address)) answered(address, peer.mac)
        else if (deviceOf(address) === device && (address === gateway || servers.has(address)))
          answered(address, `02:00:00:00:01:${(address.split('.')[3] ?? '0').padStart(2, '0')}`)
      }
    })
  }

  /** On which interface a neighbour is; none: behind the gateway. */
  function deviceOf(address: string): string | undefined {
    const { config } = ports.config()
    const net = (of: string | undefined): string | undefined => of?.split('.').slice(0, 3).join('.')
    if (net(address) === net(config.primary?.public)) return 'eth0'
    return net(address) === net(config.primary?.private) ? 'eth1' : undefined
  }

  const routes = (to: readonly string[]) =>
    to.map((one) => {
      const device = deviceOf(one)
      return device ? { to: one, hop: one, device } : { to: one, hop: gateway, device: 'eth0' }
    })

  const machineOf = (name: SimulatedDirector, at: 'primary' | 'backup', mac: string): Machine => {
    const own = ports.config().config[at]
    const addresses = [
      ...(own ? [{ address: own.public, prefix: 24, device: 'eth0', label: 'eth0' }] : []),
      ...(own?.private ? [{ address: own.private, prefix: 24, device: 'eth1', label: 'eth1' }] : []),
    ]
    return createMachine(name, mac, addresses, {
      clock,
      version: ports.version,
      config: () => ports.config(name),
      send: (beat) => send(name, beat),
      announce: (announced) => announce(name, announced),
      probe: (what, answer) => probe(name, what, answer),
      ask: (device, source, asked, answered) => ask(name, device, source, asked, answered),
      routes,
      lost: (destinations) => client.forget(destinations),
      changed: ports.changed,
    })
  }
  const machines: Record<SimulatedDirector, Machine> = {
    lvs1: machineOf('lvs1', 'primary', '02:00:00:00:00:11'),
    lvs2: machineOf('lvs2', 'backup', '02:00:00:00:00:12'),
  }

  const client = startClient({
    clock,
    chance,
    reach() {
      if (learnt === null || !passes(learnt)) return null
      const machine = machines[learnt]
      // Behind NAT the answer needs the floating gateway there too.
      if (!floating(ports.config().config).every(({ address }) => machine.has(address))) return null
      return { table: machine.table, works: (server) => servers.get(server.split(':')[0] ?? '') === 'up' }
    },
    changed: ports.changed,
  })

  function make(fault: Fault): void {
    switch (fault.kind) {
      case 'cut-path':
        for (const from of fault.from ? [fault.from] : simulatedDirectors) cutPaths[fault.path].add(from)
        break
      case 'heal-path':
        cutPaths[fault.path].clear()
        break
      case 'cut':
        cutOff.add(fault.director)
        break
      case 'heal':
        cutOff.delete(fault.director)
        break
      case 'crash':
        machines[fault.director].crash()
        break
      case 'boot':
        machines[fault.director].boot()
        break
      case 'kill':
        machines[fault.director].kill()
        break
      case 'stall':
        machines[fault.director].stall(fault.forMs)
        break
      case 'wipe-table':
        machines[fault.director].wipeTable()
        break
      case 'delete-address':
        machines[fault.director].deleteAddresses()
        break
      case 'server':
        if (servers.has(fault.server)) servers.set(fault.server, fault.state)
        break
      case 'heal-all':
        for (const path of pathNames) cutPaths[path].clear()
        cutOff.clear()
        for (const address of servers.keys()) servers.set(address, 'up')
        for (const name of simulatedDirectors) machines[name].boot()
        break
    }
    ports.changed()
  }

  for (const name of simulatedDirectors) machines[name].boot(true)

  return {
    machines,
    reachable: (name) => passes(name) && machines[name].state() !== null,
    make,
    askWire(address) {
      const askers = simulatedDirectors.filter(
        (name) => passes(name) && machines[name].state() !== null && !machines[name].has(address),
      )
      const answer = simulatedDirectors.filter((name) => passes(name) && machines[name].has(address))
      return { askedBy: askers, answeredBy: askers.length > 0 ? answer : [] }
    },
    client: client.state,
    picture: () => ({
      machines: simulatedDirectors.map((name) => ({
        name,
        power: machines[name].power(),
        agent: machines[name].agent(),
        cutOff: cutOff.has(name),
      })),
      paths: pathNames.map((name) => ({
        name,
        cutFrom: simulatedDirectors.filter((from) => cutPaths[name].has(from)),
      })),
      servers: ports.servers.map(({ name, address }) => ({ name, address, state: servers.get(address) ?? 'up' })),
      client: client.state(),
    }),
    stop() {
      client.stop()
      for (const name of simulatedDirectors) machines[name].stop()
    },
  }
}
