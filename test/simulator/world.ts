/**
 * Two directors, a client and real servers under a virtual clock: the directors are the real centre (agent/director), the kernel,
 * the network and the hands are simulated here. The client is as stubborn as a real one: it keeps the hardware address it last
 * learnt for the virtual IP until an announcement reaches it. Faults are methods; `audit` says what is wrong at this moment.
 */
import type { Config } from '../../domain/config.ts'
import type { JournalEvent } from '../../domain/contract/agent.ts'
import type { KernelService, KernelTable } from '../../domain/ipvs/kernel-table.ts'
import { heartbeatPairs } from '../../domain/heartbeat-paths.ts'
import { isSix } from '../../domain/ipv6.ts'
import { markLine } from '../../domain/ipvs/marks.ts'
import { beatOf, lastWord } from '../../agent/director/beat.ts'
import { step, wakeAt } from '../../agent/director/director.ts'
import type { ReceiveOrder } from '../../agent/director/connections.ts'
import type { Override } from '../../agent/director/overrides.ts'
import type { Arrangement, SyncDaemon } from '../../agent/director/surroundings.ts'
import { tell, tellEffect } from '../../agent/director/story.ts'
import { outside, outside6 } from '../../agent/director/witness.ts'
import { floating, initial, type State } from '../../agent/director/state.ts'
import type { AddressChange, Beat, Effect, Input, KernelAddress, Now, Probe } from '../../agent/director/words.ts'

export type HostName = 'lvs1' | 'lvs2'
export const hostNames = ['lvs1', 'lvs2'] as const

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** How long things take in the simulated world. */
export const pace = {
  networkMs: 1,
  echoMs: 0.1,
  tableLookMs: 2,
  applyMs: 30,
  probeMs: 3,
  stirredMs: 40,
  giveMs: 5,
  receiveMs: 20,
}

/** What comes through the kernel's network. */
const brought: ReadonlySet<Input['kind']> = new Set(['heard', 'answered', 'echoed', 'probed'])

interface Host {
  readonly name: HostName
  readonly publicAddress: string
  machineUp: boolean
  processUp: boolean
  state: State | null
  boot: number
  term: number
  peerBoot: number
  owned: readonly string[]
  addresses: KernelAddress[]
  linkUp: boolean
  /** Hears nothing; is not heard. Both together: cut off. */
  deaf: boolean
  mute: boolean
  /** Nothing of the segment of the virtual IP gets here, and the link is up: a wrong VLAN, a dead port. */
  stranded: boolean
  hasIpvs: boolean
  loseApplies: number
  failAddresses: boolean
  table: Map<
    string,
    {
      scheduler: string
      persistence?: KernelService['persistence']
      destinations: Map<string, { forwarding: 'nat' | 'direct' | 'tunnel'; weight: number }>
    }
  >
  stalledUntil: number
  /** Until then nothing that the network brings is handed on: others keep its processors busy. */
  starvedUntil: number
  waiting: Input[]
  /** While it stands still, what arrives is lost (a paused machine) instead of waiting in a socket (a stopped process). */
  paused: boolean
  loseProbes: boolean
  /** What it sends to itself comes back after this; null: never. */
  echoMs: number | null
  /** When its timer goes off. */
  wakeMs: number
  /** Starts of the agent, for the count of recent ones. */
  starts: number[]
  applied: string[]
  /** Operators' orders, as written down. */
  kept: readonly Override[]
  marks: { lines: readonly string[]; hooked: boolean } | null
  sync: SyncDaemon[]
  failSync: boolean
  settings: Map<string, string>
  /** Connections by `service server`, and clients bound by persistence. */
  connections: Map<string, number>
  bound: Map<string, number>
  loseBound: boolean
  /** Connections of clients in its table, and what was ordered to take others in; null = it listens to nothing. */
  open: Set<string>
  given: Set<string>
  receiving: ReceiveOrder | null
  /** Addresses it refuses nothing from. */
  heldBack: readonly string[]
  failReceiving: boolean
  receivingTakesMs: number
}

interface Line {
  readonly atMs: number
  readonly host: HostName
  readonly text: string
}

export interface WorldOptions {
  readonly config: Config
  /** 0..1, from a seeded source: loss, delay and duplication are drawn from it. */
  readonly chance?: () => number
  readonly lossRatio?: number
  readonly jitterMs?: number
  readonly duplicateRatio?: number
  /** Schedulers that the kernels do not have. */
  readonly missing?: readonly string[]
  /** Neighbours that answer who asks (ARP, IPv6): the gateway and the real servers. Without them only the directors can be asked. */
  readonly witnesses?: boolean
}

/** The gateway of the segment; the client is behind it, so what it holds for the virtual IP is what the client reaches. */
export const gateway = '192.168.2.1'
export const gateway6 = 'fe80::1'
/** What a director asks from over IPv6, whatever its own addresses are. */
const linkLocal: Readonly<Record<HostName, string>> = { lvs1: 'fe80::117', lvs2: 'fe80::15' }

type World = ReturnType<typeof createWorld>
export type { World }

/** A world at time zero with both machines off. */
export function createWorld(options: WorldOptions) {
  let config = options.config
  let nowMs = 0
  let wallOffsetMs = 1_800_000_000_000
  const chance = options.chance ?? (() => 0.5)
  const events: Event[] = []
  let order = 0
  const lines: Line[] = []
  const journal: { atMs: number; host: HostName; event: JournalEvent }[] = []
  const beats: { atMs: number; host: HostName; beat: Beat; path: string }[] = []
  const answers: { ticket: number; refused?: string }[] = []
  const serversDown = new Set<string>()
  /** `lvs1 10.0.0.1:80`: that director alone does not reach the server. */
  const pathsDown = new Set<string>()
  /** What real servers say of their load, by address. */
  const loads = new Map<string, number>()
  const serversHanging = new Set<string>()
  const cutPaths = new Set<string>()
  const outages: { fromMs: number; toMs: number | null }[] = []
  const bothHeld: { fromMs: number; toMs: number | null }[] = []
  let mac: HostName | null = null
  const serverAddresses = new Set(options.config.virtualServers.flatMap((v) => v.realServers.map((r) => r.address)))
  let announcements = 0
  let loseAnnouncements = 0
  let listener: ((host: HostName, input: Input, effects: readonly Effect[]) => void) | null = null

  const hosts: Record<HostName, Host> = {
    lvs1: newHost('lvs1', options.config.primary?.public ?? ''),
    lvs2: newHost('lvs2', options.config.backup?.public ?? ''),
  }

  function newHost(name: HostName, publicAddress: string): Host {
    return {
      name,
      publicAddress,
      machineUp: false,
      processUp: false,
      state: null,
      boot: 0,
      term: 0,
      peerBoot: 0,
      owned: [],
      addresses: [],
      linkUp: true,
      deaf: false,
      mute: false,
      stranded: false,
      hasIpvs: true,
      loseApplies: 0,
      failAddresses: false,
      table: new Map(),
      stalledUntil: 0,
      starvedUntil: 0,
      waiting: [],
      paused: false,
      loseProbes: false,
      echoMs: pace.echoMs,
      wakeMs: Infinity,
      starts: [],
      applied: [],
      kept: [],
      marks: null,
      sync: [],
      failSync: false,
      settings: new Map(),
      connections: new Map(),
      bound: new Map(),
      loseBound: false,
      open: new Set(),
      given: new Set(),
      receiving: null,
      heldBack: [],
      failReceiving: false,
      receivingTakesMs: pace.receiveMs,
    }
  }

  const now = (): Now => ({ ms: nowMs, wallMs: nowMs + wallOffsetMs })
  const later = (ms: number, run: () => void): void => {
    schedule({ atMs: nowMs + ms, order: order++, run })
  }
  const other = (host: Host): Host => (host.name === 'lvs1' ? hosts.lvs2 : hosts.lvs1)

  /** What leaves a host reaches the segment; what is on the segment reaches a host. */
  const isHeard = (host: Host): boolean => host.machineUp && host.linkUp && !host.mute && !host.stranded
  const hearsSegment = (host: Host): boolean => host.machineUp && host.linkUp && !host.deaf && !host.stranded
  /** A beat of one would arrive at the other now, on this path. */
  const passes = (path: string, from: Host, to: Host): boolean => {
    if (cutPaths.has(path) || cutPaths.has(`${path} ${from.name}`)) return false
    if (path === 'public') return isHeard(from) && hearsSegment(to)
    return from.machineUp && to.machineUp && !from.mute && !to.deaf
  }
  const pathNames = (): readonly string[] => heartbeatPairs(config).map(({ name }) => name)
  const isCutOff = (host: Host): boolean => host.deaf || host.mute || host.stranded

  function note(host: Host, text: string): void {
    lines.push({ atMs: nowMs, host: host.name, text })
  }

  /** Gives an input to a director's process, unless it is dead; a stalled one gets it when it goes on. */
  function give(host: Host, input: Input, boot = host.boot): void {
    if (!host.processUp || host.boot !== boot || !host.state) return
    if (nowMs < host.stalledUntil) {
      if (!host.paused || input.kind !== 'heard') host.waiting.push(input)
      return
    }
    if (nowMs < host.starvedUntil && brought.has(input.kind)) {
      later(host.starvedUntil - nowMs, () => give(host, input, boot))
      return
    }
    const [next, effects] = step(host.state, input, now())
    host.state = next
    listener?.(host.name, input, effects)
    for (const effect of effects) carryOut(host, effect)
    plan(host)
  }

  function plan(host: Host): void {
    host.wakeMs = host.state && host.processUp ? Math.max(wakeAt(host.state), nowMs + 0.5) : Infinity
  }

  function carryOut(host: Host, effect: Effect): void {
    const boot = host.boot
    const text = tellEffect(effect)
    if (text) note(host, text)
    switch (effect.kind) {
      case 'beat':
        send(host, effect.beat)
        return
      case 'observe':
        if (effect.what === 'addresses')
          later(0, () => {
            give(
              host,
              {
                kind: 'observed',
                what: 'addresses',
                look: effect.look,
                addresses: {
                  addresses: [...host.addresses],
                  links: [
                    { device: 'eth0', up: host.linkUp, mac: `mac-${host.name}` },
                    { device: 'eth1', up: true },
                  ],
                },
              },
              boot,
            )
          })
        else
          later(pace.tableLookMs, () => {
            if (host.hasIpvs)
              give(host, { kind: 'observed', what: 'table', look: effect.look, table: tableOf(host) }, boot)
            else
              give(
                host,
                {
                  kind: 'unobserved',
                  what: 'table',
                  look: effect.look,
                  says: 'This kernel has no ip_vs.',
                  absent: true,
                },
                boot,
              )
          })
        return
      case 'apply':
        later(pace.applyMs, () => {
          const failures: string[] = []
          if (host.loseApplies > 0) host.loseApplies--
          else if (host.machineUp) for (const command of effect.commands) ipvsadm(host, command, failures)
          give(host, { kind: 'applied', failures }, boot)
        })
        return
      case 'address': {
        const results = effect.changes.map((change) => ({ change, ...address(host, change) }))
        later(0, () => give(host, { kind: 'addressed', results }, boot))
        return
      }
      case 'announce':
        announcements++
        if (loseAnnouncements > 0) loseAnnouncements--
        else
          later(pace.networkMs, () => {
            if (isHeard(host) && holdsVip(host)) mac = host.name
            look()
          })
        later(0, () => give(host, { kind: 'announced', failures: [] }, boot))
        return
      case 'probe':
        probe(host, effect.probe, boot)
        return
      case 'ask':
        ask(host, effect, boot)
        return
      case 'echo':
        if (host.echoMs !== null) later(host.echoMs, () => give(host, { kind: 'echoed', sentMs: effect.sentMs }, boot))
        return
      case 'route': {
        const neighbours = options.witnesses ? effect.to : []
        const gateways: Readonly<Record<string, string>> = { [outside]: gateway, [outside6]: gateway6 }
        const routes = neighbours.map((to) => ({ to, hop: gateways[to] ?? to, device: 'eth0' }))
        give(host, { kind: 'routed', routes })
        return
      }
      case 'remember':
        host.term = effect.memory.term
        host.peerBoot = effect.memory.peerBoot
        host.owned = effect.memory.owned
        return
      case 'journal':
        journal.push({ atMs: nowMs, host: host.name, event: effect.event })
        return
      case 'answer':
        answers.push({ ticket: effect.ticket, ...(effect.refused === undefined ? {} : { refused: effect.refused }) })
        return
      case 'exit':
        host.processUp = false
        return
      case 'reread':
        later(1, () => give(host, configured(config), boot))
        return
      case 'keep':
        host.kept = effect.overrides
        return
      case 'survey':
        later(pace.tableLookMs, () =>
          give(
            host,
            {
              kind: 'surveyed',
              found: {
                marks: host.marks,
                sync: [...host.sync],
                settings: Object.fromEntries(
                  effect.survey.settings.map((name) => [name, host.settings.get(name) ?? '0']),
                ),
                trouble: [],
              },
            },
            boot,
          ),
        )
        return
      case 'arrange':
        later(pace.applyMs, () => {
          const failures = host.machineUp ? arrange(host, effect.arrangement) : []
          give(host, { kind: 'arranged', failures }, boot)
        })
        return
      case 'loads': {
        const told = effect.of.flatMap(({ at, address }): [string, number][] => {
          const load = loads.get(address)
          return load === undefined ? [] : [[at, load]]
        })
        later(pace.networkMs, () => give(host, { kind: 'loaded', loads: new Map(told) }, boot))
        return
      }
      case 'bound':
        if (!host.loseBound)
          later(pace.tableLookMs, () =>
            give(host, { kind: 'bound', look: effect.look, counts: new Map(host.bound) }, boot),
          )
        return
      case 'give': {
        const { pass, id } = effect.order
        if (pass === 'all') host.given = new Set()
        later(pace.giveMs, () => {
          const peer = other(host)
          for (const connection of host.open) host.given.add(connection)
          const arrives = isHeard(host) && hearsSegment(peer) && peer.receiving?.id === id && !peer.failReceiving
          if (arrives) for (const connection of host.open) peer.open.add(connection)
          give(host, { kind: 'gave', connections: host.given.size }, boot)
        })
        return
      }
      case 'receive':
        later(host.receivingTakesMs, () => {
          host.receiving = host.machineUp ? effect.order : null
          const failed = host.failReceiving ? { failed: 'the sync daemon on eth0: no such device' } : {}
          if (effect.order) give(host, { kind: 'readied', ...failed }, boot)
        })
        return
      case 'hold':
        later(pace.applyMs, () => {
          if (host.machineUp) host.heldBack = effect.addresses
          give(host, { kind: 'held', failures: [] }, boot)
        })
        return
      case 'listen':
      case 'reserve':
      case 'count':
      case 'report':
        return
    }
  }

  /** The file as read, with the schedulers this kernel lacks. */
  function configured(c: Config): Input {
    const lacks = (options.missing ?? []).filter((m) => c.virtualServers.some((v) => v.active && v.scheduler === m))
    const read = { kind: 'configured', config: c, digest: digestOf(c), hasKey: true } as const
    return lacks.length > 0 ? { ...read, missing: lacks } : read
  }

  function digestOf(c: Config): string {
    return `${c.serialNo}-${JSON.stringify(c).length}`
  }

  /** What beats do not say: an older agent does not know of it. */
  const silent = new Set<string>()

  function send(host: Host, said: Beat): void {
    const beat =
      silent.size === 0
        ? said
        : (Object.fromEntries(Object.entries(said).filter(([word]) => !silent.has(word))) as unknown as Beat)
    for (const path of pathNames()) {
      beats.push({ atMs: nowMs, host: host.name, beat, path })
      if (beats.length > 2_000) beats.splice(0, 1_000)
      if (!passes(path, host, other(host))) continue
      if (chance() < (options.lossRatio ?? 0)) continue
      const copies = chance() < (options.duplicateRatio ?? 0) ? 2 : 1
      for (let copy = 0; copy < copies; copy++)
        later(pace.networkMs + chance() * (options.jitterMs ?? 0), () =>
          give(other(host), { kind: 'heard', path, beat }),
        )
    }
  }

  /** ARP or IPv6: who is there answers, and whoever is asked from the virtual IP takes the asker for its holder. */
  function ask(host: Host, { source, addresses, device }: Extract<Effect, { kind: 'ask' }>, boot: number): void {
    later(pace.networkMs, () => {
      if (!isHeard(host)) return
      for (const address of addresses) {
        if (isSix(address) !== isSix(source)) throw new Error(`${address} is asked for from ${source}`)
        const isGateway = address === gateway || address === gateway6
        const peer = other(host)
        const there = peer.addresses.some((a) => a.address === address)
        const frozen = peer.paused && nowMs < peer.stalledUntil
        const byPeer = there && !frozen && hearsSegment(peer) && isHeard(peer)
        if (isGateway && options.witnesses && source === vip()) {
          mac = host.name
          look()
        }
        const neighbour = options.witnesses && (isGateway || serverAddresses.has(address))
        if (!byPeer && !neighbour) continue
        const answerMac = byPeer ? `mac-${peer.name}` : `mac-${address}`
        if (hearsSegment(host)) give(host, { kind: 'answered', device, address, mac: answerMac, to: source }, boot)
      }
    })
  }

  function address(host: Host, change: AddressChange): { failed?: string } {
    if (!host.machineUp) return { failed: 'the machine is off' }
    if (change.do === 'add') {
      if (host.failAddresses) return { failed: 'RTNETLINK answers: No such device' }
      host.addresses.push({
        address: change.address,
        prefix: change.prefix,
        device: change.device,
        label: change.label,
      })
    } else host.addresses = host.addresses.filter((a) => a.address !== change.address)
    look()
    return {}
  }

  function tableOf(host: Host): KernelTable {
    return new Map(
      [...host.table].map(([key, service]) => [
        key,
        {
          scheduler: service.scheduler,
          ...(service.persistence ? { persistence: service.persistence } : {}),
          destinations: new Map(
            [...service.destinations].map(([d, v]) => [
              d,
              { ...v, activeConnections: host.connections.get(`${key} ${d}`) ?? 0, inactiveConnections: 0 },
            ]),
          ),
        },
      ]),
    )
  }

  /** The packet filter, the sync daemons and the settings of the kernel. */
  function arrange(host: Host, { marks, sync, settings }: Arrangement): string[] {
    if (marks) host.marks = marks.length > 0 ? { lines: marks.map(markLine), hooked: true } : null
    const failures: string[] = []
    for (const command of sync ?? []) {
      const [verb, role, , device = '', , id = '0'] = command.split(' ') as [string, 'master' | 'backup', ...string[]]
      if (verb === '--start-daemon' && host.failSync) failures.push(`ipvsadm ${command}: No such device`)
      else {
        host.sync = host.sync.filter((d) => d.role !== role)
        if (verb === '--start-daemon') host.sync.push({ role, device, id: Number(id) })
      }
    }
    for (const [name, value] of Object.entries(settings ?? {})) host.settings.set(name, value)
    return failures
  }

  /** Understands the lines that the centre orders, as the kernel would. */
  function ipvsadm(host: Host, command: string, failures: string[]): void {
    host.applied.push(command)
    const words = command.split(' ')
    const value = (option: string): string | undefined => {
      const at = words.indexOf(option)
      return at < 0 ? undefined : words[at + 1]
    }
    const key = words.includes('-f')
      ? `fwmark ${value('-f')}`
      : words.includes('-u')
        ? `udp ${value('-u')}`
        : `tcp ${value('-t')}`
    const service = host.table.get(key)
    const fail = (why: string): void => void failures.push(`${command}: ${why}`)
    const persistence = (): { persistence?: KernelService['persistence'] } =>
      value('-p') === undefined
        ? {}
        : { persistence: { value: Number(value('-p')), unit: 's', prefix: prefixOfMask(value('-M')) } }
    const forwarding = words.includes('-m') ? 'nat' : words.includes('-i') ? 'tunnel' : 'direct'
    switch (words[0]) {
      case '-A':
        if (service) return fail('Service already exists')
        host.table.set(key, { scheduler: value('-s') ?? 'wlc', ...persistence(), destinations: new Map() })
        break
      case '-E':
        if (!service) return fail('No such service')
        host.table.set(key, { scheduler: value('-s') ?? 'wlc', ...persistence(), destinations: service.destinations })
        break
      case '-D':
        if (!host.table.delete(key)) fail('No such service')
        break
      case '-a':
      case '-e': {
        if (!service) return fail('Service not defined')
        const there = service.destinations.has(value('-r') ?? '')
        if (there === (words[0] === '-a')) return fail(there ? 'Destination already exists' : 'No such destination')
        service.destinations.set(value('-r') ?? '', { forwarding, weight: Number(value('-w') ?? 1) })
        break
      }
      case '-d':
        if (!service?.destinations.delete(value('-r') ?? '')) fail('No such destination')
        break
      default:
        fail('not understood')
    }
    look()
  }

  function prefixOfMask(mask: string | undefined): number {
    if (!mask) return 32
    return mask.split('.').reduce((bits, octet) => bits + Number(octet).toString(2).replaceAll('0', '').length, 0)
  }

  function probe(host: Host, what: Probe, boot: number): void {
    const key = `${what.address}:${what.port}`
    if (host.loseProbes) return
    const answer = (passed: boolean, tookMs: number, says?: string): void =>
      give(
        host,
        {
          kind: 'probed',
          id: what.id,
          service: what.service,
          server: what.server,
          passed,
          tookMs,
          ...(says ? { says } : {}),
        },
        boot,
      )
    if (isCutOff(host) || !host.linkUp || serversHanging.has(key))
      later(what.check.timeoutMs, () => answer(false, what.check.timeoutMs, 'no answer in time'))
    else
      later(pace.probeMs, () =>
        serversDown.has(key) || pathsDown.has(`${host.name} ${key}`)
          ? answer(false, pace.probeMs, 'connection refused')
          : answer(true, pace.probeMs),
      )
  }

  // What the client sees.

  const vip = (): string | undefined => floating(config)[0]?.address
  const holdsVip = (host: Host): boolean => host.machineUp && host.addresses.some((a) => a.address === vip())

  /** A request of the client would be answered now. */
  function served(): boolean {
    const host = mac ? hosts[mac] : null
    if (!host || !holdsVip(host) || isCutOff(host) || !host.linkUp) return false
    const [service] = [...host.table.values()]
    return service !== undefined && [...service.destinations].some(([d, v]) => v.weight > 0 && !serversDown.has(d))
  }

  function look(): void {
    const last = outages.at(-1)
    const isServed = served()
    if (!isServed && (!last || last.toMs !== null)) outages.push({ fromMs: nowMs, toMs: null })
    if (isServed && last && last.toMs === null) last.toMs = nowMs
    const both = holdsVip(hosts.lvs1) && holdsVip(hosts.lvs2)
    const lastBoth = bothHeld.at(-1)
    if (both && (!lastBoth || lastBoth.toMs !== null)) bothHeld.push({ fromMs: nowMs, toMs: null })
    if (!both && lastBoth && lastBoth.toMs === null) lastBoth.toMs = nowMs
  }

  // The clock.

  const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

  /** Puts an event into the heap. */
  function schedule(event: Event): void {
    let at = events.push(event) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = events[up]
      if (!parent || !earlier(event, parent)) break
      events[at] = parent
      at = up
    }
    events[at] = event
  }

  /** Takes the earliest event off the heap. */
  function takeFirst(): Event | undefined {
    const [first] = events
    const last = events.pop()
    if (!first || !last || first === last) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      const left = events[down]
      const right = events[down + 1]
      if (!left) break
      if (right && earlier(right, left)) down++
      const child = events[down]
      if (!child || !earlier(child, last)) break
      events[at] = child
      at = down
    }
    events[at] = last
    return first
  }

  function runTo(atMs: number): void {
    for (;;) {
      const next = events[0]
      const { lvs1, lvs2 } = hosts
      const sleeper = lvs1.wakeMs <= lvs2.wakeMs ? lvs1 : lvs2
      if (sleeper.wakeMs <= atMs && (!next || sleeper.wakeMs < next.atMs)) {
        nowMs = Math.max(nowMs, sleeper.wakeMs)
        sleeper.wakeMs = Infinity
        give(sleeper, { kind: 'woke' })
        continue
      }
      if (!next || next.atMs > atMs) break
      takeFirst()
      nowMs = Math.max(nowMs, next.atMs)
      next.run()
    }
    nowMs = atMs
  }

  function startProcess(host: Host): void {
    if (!host.machineUp || host.processUp) return
    host.processUp = true
    host.boot += 1
    host.starts = [...host.starts.filter((at) => nowMs - at < 60_000), nowMs]
    host.stalledUntil = 0
    host.waiting = []
    // What an earlier run has left in place is taken away.
    host.receiving = null
    host.heldBack = []
    const held = host.addresses
      .filter((a) => a.address === vip())
      .map((a) => ({ address: a.address, device: a.label, prefix: a.prefix }))
    host.state = initial(
      {
        name: host.name,
        version: 'test',
        boot: host.boot,
        term: host.term,
        peerBoot: host.peerBoot,
        owned: host.owned,
        overrides: host.kept,
        recentStarts: host.starts.length,
        held,
      },
      now(),
    )
    give(host, configured(config))
  }

  return {
    hosts,
    loads,
    silent,
    lines,
    journal,
    answers,
    outages,
    bothHeld,
    beats,
    nowMs: () => nowMs,
    announcements: () => announcements,
    served,
    mac: () => mac,
    /** Who believes to be active. */
    active: (): HostName[] => hostNames.filter((n) => hosts[n].processUp && hosts[n].state?.role === 'active'),
    /** Who has the virtual IP on an interface. */
    holders: (): HostName[] => hostNames.filter((n) => holdsVip(hosts[n])),
    /** Beats of one director would arrive at the other now, on some path. */
    reaches: (from: HostName, to: HostName): boolean =>
      pathNames().some((path) => passes(path, hosts[from], hosts[to])),
    role: (name: HostName) => (hosts[name].processUp ? hosts[name].state?.role : undefined),
    later,
    run: (ms: number) => runTo(nowMs + ms),
    /** Runs until something is true, at most `limitMs`; returns how long it took, or null. */
    until(what: () => boolean, limitMs: number): number | null {
      const from = nowMs
      while (nowMs - from <= limitMs) {
        if (what()) return nowMs - from
        runTo(nowMs + 1)
      }
      return null
    },
    onStep: (run: typeof listener) => {
      listener = run
    },
    /** Power on; the agent starts at once. */
    boot(name: HostName): void {
      const host = hosts[name]
      if (host.machineUp) return
      host.machineUp = true
      host.addresses = [{ address: host.publicAddress, prefix: 24, device: 'eth0', label: 'eth0' }]
      if (floating(config).some((a) => isSix(a.address)))
        host.addresses.push({ address: linkLocal[name], prefix: 64, device: 'eth0', label: 'eth0' })
      const own = heartbeatPairs(config).map((pair) => (name === 'lvs1' ? pair.primary : pair.backup))
      for (const [at, address] of own.entries())
        if (at > 0) host.addresses.push({ address, prefix: 24, device: `eth${at}`, label: `eth${at}` })
      host.table = new Map()
      host.linkUp = true
      host.starvedUntil = 0
      host.starts = []
      note(host, '-- boots')
      startProcess(host)
    },
    /** Power off. */
    crash(name: HostName): void {
      const host = hosts[name]
      host.machineUp = false
      host.processUp = false
      host.addresses = []
      host.table = new Map()
      host.marks = null
      host.sync = []
      host.open = new Set()
      host.receiving = null
      host.heldBack = []
      host.settings = new Map()
      note(host, '-- crashes')
      look()
    },
    /**
     * kill -9 of the agent; the release script takes the addresses down `releaseMs` later and sends its last word, and its unit starts it
     * again `restartMs` later.
     */
    kill(name: HostName, releaseMs = 150, restartMs = 1_000): void {
      const host = hosts[name]
      if (!host.processUp) return
      host.processUp = false
      const last = host.state && beatOf(host.state, nowMs)
      note(host, '-- agent is killed')
      later(releaseMs, () => {
        if (!host.processUp && host.machineUp) {
          host.receiving = null
          host.heldBack = []
          host.addresses = host.addresses.filter((a) => a.address !== vip())
          if (last) send(host, lastWord(last))
        }
        look()
      })
      later(Math.max(releaseMs, restartMs), () => startProcess(host))
    },
    stall(name: HostName, ms: number, paused = false): void {
      const host = hosts[name]
      if (!host.processUp || nowMs < host.stalledUntil) return
      host.paused = paused
      host.stalledUntil = nowMs + ms
      note(host, `-- stands still for ${ms} ms`)
      const { boot } = host
      later(ms, () => {
        if (host.boot !== boot) return
        note(host, '-- goes on')
        const waiting = host.waiting
        host.waiting = []
        for (const input of waiting) give(host, input, boot)
      })
    },
    /** For so long its kernel hands on nothing that arrives; then all of it, in its order. It goes on sending. */
    starve(name: HostName, ms: number): void {
      const host = hosts[name]
      host.starvedUntil = Math.max(host.starvedUntil, nowMs + ms)
      note(host, `-- hands on nothing for ${ms} ms`)
    },
    /** Both ways, or so that it hears nothing (`deaf`) or is not heard (`mute`). */
    cut(name: HostName, way: 'both' | 'deaf' | 'mute' = 'both'): void {
      if (way !== 'mute') hosts[name].deaf = true
      if (way !== 'deaf') hosts[name].mute = true
      note(hosts[name], `-- is cut off (${way})`)
      look()
    },
    heal(name: HostName): void {
      hosts[name].deaf = false
      hosts[name].mute = false
      note(hosts[name], '-- is connected again')
      look()
    },
    /** Its port on the segment of the virtual IP leads nowhere, or does again. The private path is not touched. */
    strand(name: HostName, stranded: boolean): void {
      hosts[name].stranded = stranded
      note(hosts[name], stranded ? '-- its public port leads nowhere' : '-- its public port leads to the segment again')
      look()
    },
    loseAnnouncements: (n: number) => {
      loseAnnouncements = n
    },
    /** Cuts one heartbeat path: both directions, or from one director only. */
    cutPath: (path: string, from?: HostName) => void cutPaths.add(from ? `${path} ${from}` : path),
    healPaths: () => cutPaths.clear(),
    link(name: HostName, up: boolean): void {
      if (hosts[name].linkUp === up) return
      hosts[name].linkUp = up
      note(hosts[name], `-- its link is ${up ? 'up' : 'down'}`)
      later(pace.stirredMs, () => give(hosts[name], { kind: 'stirred' }))
      look()
    },
    serverDown: (key: string) => {
      serversDown.add(key)
      look()
    },
    /** One director alone reaches a server, or does not. */
    pathDown: (name: HostName, key: string) => void pathsDown.add(`${name} ${key}`),
    pathUp: (name: HostName, key: string) => void pathsDown.delete(`${name} ${key}`),
    serverHangs: (key: string) => void serversHanging.add(key),
    serverUp: (key: string) => {
      serversDown.delete(key)
      serversHanging.delete(key)
      look()
    },
    wipeTable(name: HostName): void {
      hosts[name].table.clear()
      look()
    },
    deleteVip(name: HostName): void {
      hosts[name].addresses = hosts[name].addresses.filter((a) => a.address !== vip())
      look()
    },
    clockStep: (ms: number) => {
      wallOffsetMs += ms
    },
    give: (name: HostName, input: Input) => give(hosts[name], input),
    order(name: HostName, kind: 'hand-over' | 'stop' | 'reload', ticket = 1): void {
      give(hosts[name], { kind: 'ordered', order: { kind, by: 'test' }, ticket })
    },
    start: (name: HostName) => startProcess(hosts[name]),
    configure(next: Config, ...names: HostName[]): void {
      config = next
      for (const name of names) give(hosts[name], configured(next))
    },
    /** The transcript since an instant, times relative to it. */
    transcript(fromMs = 0): string[] {
      return lines
        .filter((l) => l.atMs >= fromMs)
        .map((l) => `${(l.atMs - fromMs).toFixed(0).padStart(6)} ${l.host} ${l.text}`)
    },
    tellJournal: (name: HostName) => journal.filter((j) => j.host === name).map((j) => tell(j.event)),
  }
}
