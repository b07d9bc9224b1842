/**
 * What a draft means: the `Config` that agents run, or the problems that stand in its way. Values are read as the original reads them
 * (a form that people would read otherwise, like `010`, is said), defaults are the original's, and the meaning of the whole is checked:
 * addresses used twice, a deadtime no beat can keep, weights that serve nobody. `Config` is absent as soon as one problem blocks.
 */
import type {
  Announce,
  Config,
  DirectorAddresses,
  Failback,
  FloatingAddress,
  Forwarding,
  HeartbeatTiming,
  Protocol,
  RealServer,
  VirtualServer,
} from '../config.ts'
import { endpoint, serviceKey } from '../ipvs/keys.ts'
import { isSix } from '../ipv6.ts'
import type { Problem, ProblemCode, Severity } from '../problem.ts'
import { problem } from '../problem.ts'
import { readCheck } from './check-reading.ts'
import { newerSchedulers, piranhaSchedulers } from './directives.ts'
import type { BlockDraft, Draft, ServerDraft } from './draft.ts'
import { valueIn, writtenName } from './draft.ts'
import { readAddress6, readPlaced6, readVirtual6, type Placed6 } from './ipv6.ts'
import { readMorePaths } from './paths.ts'
import type { Detail } from './reader.ts'
import { deviceNameMax, portMax, Reader } from './reader.ts'
import { cInt, dotted, inetAton, isPlainAddress } from './values.ts'

export interface Meaning {
  /** Present when no problem blocks. */
  readonly config?: Config
  /** The same, also while only the directors' addresses are missing: no agent can run it, but what it serves is known. */
  readonly served?: Config
  /** Each with a field of the draft as its place. */
  readonly problems: readonly Problem[]
}

/** ipvsadm takes weights up to this. */
const weightMax = 65_535
const syncIdMax = 255
/** Where a real server tells its load unless the file says otherwise. */
const defaultLoadPort = 5391
const markMax = 0xffff_ffff
const secondsMax = 2_147_483
const millisecondsMax = secondsMax * 1_000
const burstMax = 100

/** These choose by the address of the client or of the site, so a client keeps its real server anyway. */
const hashSchedulers: ReadonlySet<string> = new Set(['sh', 'dh', 'mh'])

const defaultFailbackDelayMs = 10_000
const defaultAnnounce: Announce = { burst: 5, repeatMs: [100, 500, 1_000, 2_000], refreshMs: 30_000 }

/** Reads a draft. Never throws; the problems come in the order of the draft, those of the whole last. */
export function config(draft: Draft): Meaning {
  const problems: Problem[] = []
  const global = new Reader('global', 'global', draft.settings, problems)
  const directors = readDirectors(global)
  const heartbeat = readHeartbeat(global)
  const forwarding: Forwarding = global.choice('network', ['nat', 'direct', 'tunnel'], 'nat')
  const natRouter = readNatRouter(global, forwarding)
  const natRouter6 = readPlaced6(global, '#nat_router6', natRouter?.device)
  const serves = draft.blocks.some(
    (block) => block.kind === 'virtual' && cInt(valueIn(block.settings, 'active') ?? '')?.value === 1,
  )
  if (serves && forwarding === 'nat' && !natRouter && !global.raw('nat_router')) {
    global.report('lvscf-nat-router-missing', 'network', 'warning')
  }
  const syncDaemon = readSync(global)
  if (global.choice('service', ['lvs', 'fos'], 'lvs') === 'fos') global.report('lvscf-fos', 'service', 'block')
  // Read by Piranha and used by nobody: a broken value makes it refuse the file all the same.
  global.unused(['heartbeat', 'sync', 'hard_shutdown', 'reservation_conflict_action'])
  for (const name of ['active_cmd', 'inactive_cmd']) {
    if (global.raw(name)) global.report('lvscf-not-run', name, 'note', { name })
  }

  const virtualServers: VirtualServer[] = []
  const placesOf: string[] = []
  const names = new Set<string>()
  draft.blocks.forEach((block, at) => {
    const path = `blocks.${at}`
    const reader = new Reader('virtual', path, block.settings, problems)
    checkName(reader, block.name, names, block.kind)
    if (block.kind === 'failover') {
      reader.report('lvscf-failover-block', '', 'note', { name: block.name })
      return
    }
    for (const virtual of readVirtual(reader, block, forwarding, natRouter, problems)) {
      virtualServers.push(virtual)
      placesOf.push(path)
    }
  })

  const addresses = directors.primary || directors.backup ? directors : {}
  checkAddresses(problems, virtualServers, placesOf, addresses, natRouter)
  checkNatRouter(global, virtualServers, directors, natRouter)
  const answers6 = virtualServers.some((virtual) => virtual.active && isSix(virtual.vip.address))
  if (forwarding === 'nat' && answers6 && !natRouter6 && !global.has('#nat_router6')) {
    global.report('lvscf-nat-router6-missing', 'network', 'warning')
  }
  if (!serves) global.report('lvscf-nothing-active', '', 'warning')

  const failback: Failback = {
    auto: global.choice('#failback', ['on', 'off'], 'off') === 'on',
    delayMs: global.int('#failback_delay_ms', defaultFailbackDelayMs, 0, millisecondsMax),
  }
  const announce: Announce = {
    burst: global.int('#announce_burst', defaultAnnounce.burst, 1, burstMax),
    repeatMs: global.milliseconds('#announce_repeat_ms', defaultAnnounce.repeatMs),
    refreshMs: global.int('#announce_refresh_ms', defaultAnnounce.refreshMs, 0, millisecondsMax),
  }
  const timeouts = {
    tcpS: global.int('tcp_timeout', 0, 0, secondsMax),
    tcpFinS: global.int('tcpfin_timeout', 0, 0, secondsMax),
    udpS: global.int('udp_timeout', 0, 0, secondsMax),
  }
  const whole: Config = {
    serialNo: global.int('serial_no', 0, -0x8000_0000, 0x7fff_ffff),
    ...(directors.primary ? { primary: directors.primary } : {}),
    ...(directors.backup ? { backup: directors.backup } : {}),
    backupActive: directors.backupActive,
    heartbeat: { ...heartbeat, ...readMorePaths(global, directors) },
    forwarding,
    ...(natRouter ? { natRouter } : {}),
    ...(natRouter6 && forwarding === 'nat' ? { natRouter6 } : {}),
    monitorLinks: global.int('monitor_links', 0, -0x8000_0000, 0x7fff_ffff) !== 0,
    ...(syncDaemon ? { syncDaemon } : {}),
    timeouts,
    ...expiryOf(global),
    failback,
    announce,
    ...metricsOf(global),
    virtualServers,
  }
  const blocking = problems.filter((one) => one.severity === 'block')
  if (blocking.length === 0) return { config: whole, served: whole, problems }
  return blocking.every((one) => one.code === 'lvscf-primary-missing') ? { served: whole, problems } : { problems }
}

/** `metrics_listen`: an address and a port; both directors have the same file, so it is 0.0.0.0 or an address that moves. */
function metricsOf(global: Reader): Pick<Config, 'metricsListen'> {
  const text = global.raw('#metrics_listen')
  if (text === undefined) return {}
  const colon = text.lastIndexOf(':')
  const address = text.slice(0, Math.max(0, colon))
  const port = cInt(text.slice(colon + 1))
  if (!isPlainAddress(address) || !port || port.exact < 1 || port.exact > portMax) {
    global.report('lvscf-metrics-listen', '#metrics_listen', 'block', { value: text })
    return {}
  }
  return { metricsListen: { address, port: port.exact } }
}

/** What becomes of connections whose server is gone or has weight 0, where the file says it. */
function expiryOf(global: Reader): Pick<Config, 'expireNodest' | 'expireQuiescent'> {
  const isOn = (key: string): boolean => global.choice(key, ['on', 'off'], 'off') === 'on'
  return {
    ...(global.has('#expire_nodest_conn') ? { expireNodest: isOn('#expire_nodest_conn') } : {}),
    ...(global.has('#expire_quiescent_template') ? { expireQuiescent: isOn('#expire_quiescent_template') } : {}),
  }
}

interface Directors {
  readonly primary?: DirectorAddresses
  readonly backup?: DirectorAddresses
  readonly backupActive: boolean
}

function readDirectors(global: Reader): Directors {
  const primary = global.address('primary')
  const backup = global.address('backup')
  let primaryPrivate = global.address('primary_private')
  let backupPrivate = global.address('backup_private')
  if (primary === undefined) {
    const zero = global.raw('primary') !== undefined && inetAton(global.raw('primary') ?? '') === 0
    if (!global.has('primary') || zero)
      global.report('lvscf-primary-missing', global.has('primary') ? 'primary' : '', 'block')
  }
  let backupActive = global.bool('backup_active', false)
  if (backupActive && backup === undefined && !isBroken(global, 'backup')) {
    global.report('lvscf-backup-missing', 'backup_active', 'warning')
    backupActive = false
  }
  if (!backupActive && backup !== undefined) global.report('lvscf-backup-inactive', 'backup_active', 'note', { backup })
  if (primary !== undefined && primary === backup)
    global.report('lvscf-directors-equal', 'backup', 'block', { address: primary })
  // Piranha drops backup_private without primary_private; one side alone is no path either way.
  if (backupPrivate !== undefined && primaryPrivate === undefined && primary !== undefined) {
    if (!isBroken(global, 'primary_private')) {
      global.report('lvscf-private-half', 'backup_private', 'warning', {
        name: 'backup_private',
        other: 'primary_private',
      })
    }
    backupPrivate = undefined
  } else if (primaryPrivate !== undefined && backupPrivate === undefined && backup !== undefined) {
    if (!isBroken(global, 'backup_private') && primaryPrivate !== primary) {
      global.report('lvscf-private-half', 'primary_private', 'warning', {
        name: 'primary_private',
        other: 'backup_private',
      })
    }
    primaryPrivate = undefined
  }
  const director = (own: string, other: string | undefined): DirectorAddresses =>
    other === undefined || other === own ? { public: own } : { public: own, private: other }
  return {
    ...(primary === undefined ? {} : { primary: director(primary, primaryPrivate) }),
    ...(backup === undefined ? {} : { backup: director(backup, backupPrivate) }),
    backupActive,
  }
}

/** Whether an address is written that could not be read (reported already). */
function isBroken(reader: Reader, key: string): boolean {
  const text = reader.raw(key)
  return text !== undefined && inetAton(text) === undefined
}

function readHeartbeat(global: Reader): HeartbeatTiming {
  const millisecondsInSecond = 1_000
  const keepalive = global.int('keepalive', 2, 1, secondsMax) * millisecondsInSecond
  const deadtime = global.int('deadtime', 5, 1, secondsMax) * millisecondsInSecond
  const keepaliveMs = global.int('#keepalive_ms', keepalive, 1, millisecondsMax)
  const deadtimeMs = global.int('#deadtime_ms', deadtime, 1, millisecondsMax)
  const detail = { keepalive: keepaliveMs, deadtime: deadtimeMs }
  const place = global.has('#deadtime_ms') ? '#deadtime_ms' : global.has('deadtime') ? 'deadtime' : 'keepalive'
  const unknown = global.isBroken('keepalive', 'deadtime', '#keepalive_ms', '#deadtime_ms')
  if (unknown) return { port: global.port('heartbeat_port', 539, false), keepaliveMs, deadtimeMs }
  if (deadtimeMs <= keepaliveMs) global.report('lvscf-deadtime-short', place, 'block', detail)
  else if (deadtimeMs < 2 * keepaliveMs) global.report('lvscf-deadtime-tight', place, 'warning', detail)
  return { port: global.port('heartbeat_port', 539, false), keepaliveMs, deadtimeMs }
}

function readNatRouter(global: Reader, forwarding: Forwarding): FloatingAddress | undefined {
  const router = global.placed('nat_router', 'nat_nmask', false)
  if (forwarding === 'nat') return router
  if (router) global.report('lvscf-nat-router-unused', 'nat_router', 'note', { network: forwarding })
  return undefined
}

function readSync(global: Reader): Config['syncDaemon'] {
  const device = global.raw('syncd_iface') ?? 'eth0'
  const id = global.int('syncd_id', 0, -0x8000_0000, 0x7fff_ffff)
  if (!global.bool('syncdaemon', false)) return undefined
  if (device.length > deviceNameMax || /[/\s]/.test(device) || device === '') {
    global.report('lvscf-device-name', 'syncd_iface', 'block', { value: device, max: deviceNameMax })
  }
  const used = id & syncIdMax
  if (used !== id) global.report('lvscf-sync-id', 'syncd_id', 'warning', { value: id, meaning: used })
  return { device, id: used }
}

function checkName(reader: Reader, name: string, names: Set<string>, kind: string): void {
  if (name === '') {
    reader.report('lvscf-name-missing', 'name', 'block', { kind })
    return
  }
  if (writtenName(name) === undefined) reader.report('lvscf-name-unwritable', 'name', 'block', { name })
  if (names.has(name)) reader.report('lvscf-name-twice', 'name', 'warning', { kind, name })
  names.add(name)
}

/** A real server with the reader of its block. */
interface Placed {
  readonly server: RealServer
  readonly reader: Reader
}

function readVirtual(
  reader: Reader,
  block: BlockDraft,
  forwarding: Forwarding,
  natRouter: FloatingAddress | undefined,
  problems: Problem[],
): readonly VirtualServer[] {
  const active = reader.bool('active', false)
  if (!active) reader.relax()
  const mark = reader.int('fwmark', 0, 0, markMax)
  const vip = reader.placed('address', 'vip_nmask', !reader.has('#address6'))
  const vip6 = readPlaced6(reader, '#address6', vip?.device)
  const protocol: Protocol = reader.choice('protocol', ['tcp', 'udp'], 'tcp')
  const persistent = reader.int('persistent', 0, 0, secondsMax)
  const port = reader.port('port', 80, mark > 0 || persistent > 0)
  const scheduler = readScheduler(reader)
  if (persistent > 0 && hashSchedulers.has(scheduler)) {
    reader.report('lvscf-persistent-hash', 'persistent', 'note', { scheduler })
  }
  const persistentPrefix = readPersistenceMask(reader, persistent)
  if (active && mark > 0 && persistent === 0) reader.report('lvscf-mark-without-persistent', 'fwmark', 'note', { mark })
  const sorryServer = reader.address('sorry_server')
  const loadMonitor = reader.raw('load_monitor')
  const quiesce = reader.bool('quiesce_server', false)
  const markPorts = reader.portRanges('#mark_ports')
  if (markPorts && mark === 0) reader.report('lvscf-mark-ports-unused', '#mark_ports', 'note')
  const loadPort = reader.int('#load_port', defaultLoadPort, 1, portMax)
  const slowStartMs = reader.int('#slow_start_ms', 0, 0, millisecondsMax)
  const check = readCheck(reader, { protocol, port, forwarding })
  reader.unused(['master'])

  const realServers: RealServer[] = []
  const running: Placed[] = []
  const servers6: Placed6[] = []
  const without6: Reader[] = []
  const names = new Set<string>()
  const seen = new Set<string>()
  block.servers.forEach((server, at) => {
    const inner = new Reader('server', `${reader.path}.servers.${at}`, server.settings, problems)
    if (!active) inner.relax()
    checkName(inner, server.name, names, 'server')
    const samePort = forwarding !== 'nat' && mark === 0
    const { real, real6 } = readServer(inner, server, port, samePort, vip !== undefined || !vip6)
    if (real6) servers6.push({ server: real6, reader: inner })
    else if (real?.active) without6.push(inner)
    if (!real) return
    const key = `${real.address}:${real.port}`
    if (real.active && seen.has(key)) inner.report('lvscf-server-twice', 'address', 'block', { address: key })
    if (real.active) {
      seen.add(key)
      running.push({ server: real, reader: inner })
    }
    realServers.push(real)
  })
  if (active && (vip || !vip6)) {
    if (running.length === 0) reader.report('lvscf-no-real-servers', '', 'warning', { name: block.name })
    else if (running.every(({ server }) => server.weight === 0)) {
      reader.report('lvscf-weights-zero', '', 'warning', { name: block.name })
    }
    checkInside(reader, running, natRouter)
  }
  const common: Omit<VirtualServer, 'vip'> = {
    name: block.name,
    active,
    protocol,
    port,
    ...(mark > 0 ? { fwmark: mark } : {}),
    scheduler,
    ...(persistent > 0 ? { persistentS: persistent } : {}),
    ...(persistentPrefix === undefined ? {} : { persistentPrefix }),
    ...(sorryServer === undefined ? {} : { sorryServer }),
    quiesce,
    ...(loadMonitor === undefined || loadMonitor === 'none' || loadMonitor === '' ? {} : { loadMonitor, loadPort }),
    ...(markPorts && mark > 0 ? { markPorts } : {}),
    ...(slowStartMs > 0 ? { slowStartMs } : {}),
    check,
    realServers,
  }
  const six = readVirtual6(reader, common, vip6, servers6, without6)
  if (!active && reader.blocked) return []
  return [...(vip ? [{ ...common, vip }] : []), ...(six ? [six] : [])]
}

function readScheduler(reader: Reader): string {
  const text = reader.raw('scheduler') ?? 'wlc'
  if (piranhaSchedulers.some((name) => name === text)) return text
  if (newerSchedulers.some((name) => name === text)) {
    reader.report('lvscf-scheduler-newer', 'scheduler', 'warning', { value: text })
    return text
  }
  reader.report('lvscf-scheduler-unknown', 'scheduler', 'block', { value: text, choices: piranhaSchedulers.join(', ') })
  return 'wlc'
}

function readPersistenceMask(reader: Reader, persistent: number): number | undefined {
  const text = reader.raw('pmask')
  if (text === undefined) return undefined
  if (inetAton(text) === undefined) {
    // Piranha ignores it without a word.
    reader.report('lvscf-pmask-ignored', 'pmask', 'warning', { value: text })
    return undefined
  }
  const prefix = reader.prefix('pmask')
  if (persistent === 0) {
    if (prefix !== undefined) reader.report('lvscf-pmask-unused', 'pmask', 'note')
    return undefined
  }
  return prefix === 32 ? undefined : prefix
}

function readServer(
  reader: Reader,
  server: ServerDraft,
  virtualPort: number,
  samePort: boolean,
  needsAddress: boolean,
): { readonly real?: RealServer; readonly real6?: RealServer } {
  const active = reader.bool('active', false)
  if (!active) reader.relax()
  const address = reader.address('address')
  const address6 = readAddress6(reader, '#address6')
  if (needsAddress && address === undefined && !isBroken(reader, 'address')) {
    reader.zeroAddress(reader.has('address') ? 'address' : '', 'address')
  }
  const port = reader.port('port', virtualPort, true)
  if (samePort && port !== virtualPort)
    reader.report('lvscf-port-differs', 'port', 'block', { port, virtual: virtualPort })
  const weight = reader.int('weight', 1, 0, weightMax)
  if (active && weight === 0) reader.report('lvscf-weight-zero', 'weight', 'note', { name: server.name })
  if (!active && reader.blocked) return {}
  const rest = { name: server.name, active, port, weight }
  return {
    ...(address === undefined ? {} : { real: { ...rest, address } }),
    ...(address6 === undefined ? {} : { real6: { ...rest, address: address6 } }),
  }
}

function fieldProblem(code: ProblemCode, path: string, severity: Severity, detail: Detail): Problem {
  return problem(code, detail, { kind: 'field', path }, severity)
}

function checkAddresses(
  problems: Problem[],
  virtuals: readonly VirtualServer[],
  places: readonly string[],
  directors: Pick<Directors, 'primary' | 'backup'>,
  natRouter: FloatingAddress | undefined,
): void {
  const directorOf = new Map<string, string>()
  for (const role of ['primary', 'backup'] as const) {
    const addresses = directors[role]
    if (!addresses) continue
    directorOf.set(addresses.public, role)
    if (addresses.private !== undefined) directorOf.set(addresses.private, `${role}_private`)
  }
  const servers = new Map<string, string>()
  for (const virtual of virtuals) {
    for (const server of virtual.realServers) if (!servers.has(server.address)) servers.set(server.address, server.name)
  }
  const services = new Map<string, string>()
  const marks = new Map<string, VirtualServer>()
  const firstOnAddress = new Map<string, VirtualServer>()
  virtuals.forEach((virtual, at) => {
    if (!virtual.active) return
    const path = places[at] ?? ''
    const { address } = virtual.vip
    const place = `${path}.${isSix(address) ? 'shoal.address6' : 'address'}`
    const director = directorOf.get(address)
    if (director !== undefined) {
      problems.push(fieldProblem('lvscf-vip-is-director', place, 'block', { address, name: director }))
    }
    const server = servers.get(address)
    if (server !== undefined) {
      problems.push(fieldProblem('lvscf-vip-is-server', place, 'block', { address, name: server }))
    }
    if (natRouter?.address === address && natRouter.device !== virtual.vip.device) {
      problems.push(fieldProblem('lvscf-vip-devices', place, 'warning', { address, other: 'nat_router' }))
    }
    if (virtual.fwmark === undefined) {
      const key = `${endpoint(address, virtual.port)}/${virtual.protocol}`
      const other = services.get(key)
      if (other !== undefined) {
        problems.push(fieldProblem('lvscf-service-twice', place, 'block', { service: key, other }))
      }
      services.set(key, virtual.name)
    } else {
      const key = serviceKey(virtual)
      const other = marks.get(key)
      if (other) {
        const severity = sameService(other, virtual) ? 'note' : 'warning'
        const detail = { mark: virtual.fwmark, other: other.name }
        problems.push(fieldProblem('lvscf-mark-twice', `${path}.fwmark`, severity, detail))
      } else marks.set(key, virtual)
    }
    const first = firstOnAddress.get(address)
    if (!first) firstOnAddress.set(address, virtual)
    else if (first.vip.device !== virtual.vip.device || first.vip.prefix !== virtual.vip.prefix) {
      problems.push(fieldProblem('lvscf-vip-devices', place, 'warning', { address, other: first.name }))
    }
  })
  for (const [role, addresses] of Object.entries(directors)) {
    for (const address of [addresses.public, addresses.private]) {
      const server = address === undefined ? undefined : servers.get(address)
      if (address !== undefined && server !== undefined) {
        problems.push(fieldProblem('lvscf-director-is-server', `global.${role}`, 'warning', { address, name: server }))
      }
    }
  }
}

/** Whether two virtual servers of one mark ask for the same: then it does not matter whose words the kernel gets. */
function sameService(one: VirtualServer, other: VirtualServer): boolean {
  const words = ({ scheduler, persistentS, persistentPrefix, sorryServer, realServers }: VirtualServer): string =>
    JSON.stringify([
      scheduler,
      persistentS,
      persistentPrefix,
      sorryServer,
      realServers.filter((r) => r.active).map((r) => [r.address, r.weight]),
    ])
  return words(one) === words(other)
}

/** Real servers that do not stand in the network of nat_router: each at its address, or once when none stands there. */
function checkInside(reader: Reader, running: readonly Placed[], natRouter: FloatingAddress | undefined): void {
  if (natRouter?.prefix === undefined || natRouter.prefix === 32) return
  const { prefix } = natRouter
  const network = networkOf(natRouter.address, prefix)
  const outside = running.filter(({ server }) => networkOf(server.address, prefix) !== network)
  // When all of several are outside, the one mistake is more likely in nat_router.
  const isWhole = outside.length > 1 && outside.length === running.length
  for (const { server, reader: inner } of isWhole ? outside.slice(0, 1) : outside) {
    const { name, address } = server
    const detail = { name, address, network: `${dotted(network)}/${prefix}` }
    if (isWhole) reader.report('lvscf-server-outside-nat', '', 'warning', detail)
    else inner.report('lvscf-server-outside-nat', 'address', 'warning', detail)
  }
}

/** The gateway of the real servers moves between the directors: it must be nobody's own address, and both must stand in its network. */
function checkNatRouter(
  global: Reader,
  virtuals: readonly VirtualServer[],
  directors: Directors,
  natRouter: FloatingAddress | undefined,
): void {
  if (!natRouter) return
  const { address, prefix } = natRouter
  const server = virtuals
    .flatMap((virtual) => (virtual.active ? virtual.realServers : []))
    .find((one) => one.active && one.address === address)
  if (server) global.report('lvscf-nat-router-taken', 'nat_router', 'block', { address, name: server.name })
  for (const name of ['primary', 'backup'] as const) {
    const own = directors[name]
    if (own?.public === address || own?.private === address) {
      global.report('lvscf-nat-router-taken', 'nat_router', 'block', { address, name })
    } else if (own?.private !== undefined && prefix !== undefined && prefix < 32) {
      // A director without a private address here may well have one that lvs.cf does not tell.
      const network = networkOf(address, prefix)
      if (networkOf(own.public, prefix) === network || networkOf(own.private, prefix) === network) continue
      global.report('lvscf-nat-router-unreachable', 'nat_router', 'warning', {
        address,
        name,
        network: `${dotted(network)}/${prefix}`,
      })
    }
  }
}

function networkOf(address: string, prefix: number): number {
  const bits = inetAton(address) ?? 0
  return prefix === 0 ? 0 : (bits & (0xffffffff << (32 - prefix))) >>> 0
}
