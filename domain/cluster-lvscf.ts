/**
 * The wizard's draft of a cluster: what a new one starts from, what is wrong with each field as it is typed, and the lvs.cf it
 * becomes. Pure, so the window checks with the same rules as the core.
 */
import { checkDirectives, checkFaults, usualCheck } from './cluster-check.ts'
import type { ClusterDraft, DirectorDraft, HostDraft, RealServerDraft, ServiceDraft, WizardStep } from './cluster.ts'
import { inSameNetwork, isIpv4, isUnusable, prefixToMask } from './ipv4.ts'
import { readJumps } from './jump.ts'
import { newDocument } from './lvscf/draft.ts'
import type { BlockDraft, Draft as LvscfDraft, Setting } from './lvscf/draft.ts'
import { problem } from './problem.ts'
import type { Problem, ProblemCode } from './problem.ts'
import { aliasLabels, mostVirtualIps, servicesAt, virtualIpOf, virtualIpsOf } from './virtual-ips.ts'

/** lvs.cf(5): the schedulers Piranha knows; another word makes it refuse the file. */
export const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh'] as const

/** Beats and deadtime Shoal writes when it is not told otherwise: a takeover within a second, and six lost beats are borne. */
const defaultKeepaliveMs = 100
const defaultDeadtimeMs = 700

/** lvs.cf(5): the port of pulse's heartbeat. */
export const heartbeatPort = 539

const maxNameLength = 60
/** nanny keeps a check's text in a fixed buffer; longer text is cut there (grammar: at most 254 bytes). */
const maxCheckTextLength = 250
const leastKeepaliveMs = 10
const mostKeepaliveMs = 60_000
const mostDeadtimeMs = 600_000
/** A deadtime below this many beats takes one late beat for a death. */
const leastBeatsOfDeadtime = 3
const mostCheckSeconds = 3600
const mostPersistentSeconds = 86_400
const mostWeight = 65_535
/** IFNAMSIZ without its ending zero. */
const maxDeviceLength = 15
/** A packet's mark has 32 bits; 0 is no mark. */
const mostMark = 0xffff_ffff

function newHost(id: string, name: string): HostDraft {
  return {
    id,
    name,
    address: '',
    port: '22',
    user: 'root',
    login: { kind: 'key', keyFile: '' },
    clusterAddress: '',
  }
}

function newDirector(id: string, name: string): DirectorDraft {
  return { ...newHost(id, name), privateAddress: '' }
}

/** A real server as the wizard adds it; `number` counts from 1. */
export function newRealServer(number: number): RealServerDraft {
  return { ...newHost(`real-${number}`, `rs${number}`), weight: '1', setUp: 'ssh' }
}

/** A service as the wizard adds it: web on port 80, checked by a request. */
export function newService(number: number): ServiceDraft {
  return {
    id: `service-${number}`,
    name: number === 1 ? 'web' : `service${number}`,
    protocol: 'tcp',
    port: number === 1 ? '80' : '',
    realPort: '',
    morePorts: '',
    fwmark: '',
    virtualIpId: '',
    scheduler: 'wlc',
    persistentS: '',
    active: true,
    inactiveServers: [],
    loadMonitor: 'none',
    check: { ...usualCheck },
  }
}

/** The draft a new cluster starts from. */
export function newClusterDraft(id: string): ClusterDraft {
  return {
    id,
    name: '',
    step: 'topology',
    forwarding: 'direct',
    directors: [newDirector('director-1', 'lvs1'), newDirector('director-2', 'lvs2')],
    virtualIp: { address: '', device: 'eth0', prefix: '32' },
    moreVirtualIps: [],
    natRouter: { address: '', device: 'eth1', prefix: '24' },
    services: [newService(1)],
    realServers: [newRealServer(1), newRealServer(2)],
    realServerWay: { direct: 'sysctl', nat: 'default-route' },
    consent: { stop: [], firewall: true },
    failure: { keepaliveMs: String(defaultKeepaliveMs), deadtimeMs: String(defaultDeadtimeMs), failback: false },
  }
}

/** The address a host has in the cluster: said, or else the one SSH connects to. */
export function clusterAddressOf(host: Pick<HostDraft, 'address' | 'clusterAddress'>): string {
  return host.clusterAddress.trim() || host.address.trim()
}

/** Every port of a service: its own first, then those one firewall mark binds to it. */
export function portsOf(service: Pick<ServiceDraft, 'port' | 'morePorts'>): readonly string[] {
  return [...new Set([service.port, ...service.morePorts.split(/[\s,;]+/)].map((port) => port.trim()))].filter(Boolean)
}

/** Where a service listens on the real servers: its own ports, or with NAT the one it is translated to. */
export function realPortsOf(
  draft: Pick<ClusterDraft, 'forwarding'>,
  service: Pick<ServiceDraft, 'port' | 'morePorts' | 'realPort'>,
): readonly string[] {
  const realPort = service.realPort.trim()
  return draft.forwarding === 'nat' && realPort !== '' ? [realPort] : portsOf(service)
}

/** The interface of a device or alias label: `eth0` of `eth0:1`. */
export function interfaceOf(device: string): string {
  return device.trim().split(':')[0] ?? ''
}

/** The wizard step that shows a field. */
export function stepOfField(path: string): WizardStep {
  const area = path.split('.')[0]
  if (area === 'directors') return 'directors'
  if (area === 'virtualIp' || area === 'moreVirtualIps' || area === 'natRouter') return 'virtual-ip'
  if (area === 'services') return 'services'
  if (area === 'realServers' || area === 'realServerWay') return 'real-servers'
  if (area === 'failure') return 'failure'
  return 'topology'
}

type Note = (path: string, code: ProblemCode, detail?: Problem['detail'], severity?: Problem['severity']) => void

/** A whole number within limits; notes a problem and answers undefined when it is none. */
function wholeNumber(note: Note, path: string, text: string, least: number, most: number): number | undefined {
  const value = text.trim()
  if (value === '') {
    note(path, 'field-empty')
    return undefined
  }
  if (!/^\d{1,9}$/.test(value) || Number(value) < least || Number(value) > most) {
    note(path, 'number-malformed', { value, least, most })
    return undefined
  }
  return Number(value)
}

function checkPort(note: Note, path: string, text: string): void {
  const value = text.trim()
  if (value === '') note(path, 'field-empty')
  else if (!/^[1-9]\d{0,4}$/.test(value) || Number(value) > 65_535) note(path, 'port-malformed', { value })
}

function checkIpv4(note: Note, path: string, text: string): boolean {
  const value = text.trim()
  if (value === '') note(path, 'field-empty')
  else if (!isIpv4(value)) note(path, 'address-malformed', { value })
  else if (isUnusable(value)) note(path, 'address-unusable', { value })
  else return true
  return false
}

function checkDevice(note: Note, path: string, text: string): void {
  const value = text.trim()
  if (value === '') note(path, 'field-empty')
  else if (value.length > maxDeviceLength || !/^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$/.test(value)) {
    note(path, 'device-malformed', { value })
  }
}

function checkPrefix(note: Note, path: string, text: string): void {
  const value = text.trim()
  if (value === '') return
  if (!/^\d{1,2}$/.test(value) || Number(value) < 1 || Number(value) > 32) note(path, 'prefix-malformed', { value })
}

function checkName(note: Note, path: string, text: string): void {
  const value = text.trim()
  if (value === '') note(path, 'field-empty')
  else if (value.length > maxNameLength || !/^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u.test(value)) {
    note(path, 'name-malformed', { value: value.slice(0, maxNameLength) })
  }
}

/** The login fields; a host the operator sets up by hand needs none. */
function checkLogin(note: Note, path: string, host: HostDraft): void {
  checkPort(note, `${path}.port`, host.port)
  const user = host.user.trim()
  if (user === '') note(`${path}.user`, 'field-empty')
  else if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?$/.test(user)) note(`${path}.user`, 'user-malformed', { value: user })
  if (host.login.kind === 'key' && host.login.keyFile.trim() === '') note(`${path}.login.keyFile`, 'field-empty')
  const jump = host.login.jump?.trim() ?? ''
  if (readJumps(jump) === undefined) note(`${path}.login.jump`, 'jump-malformed', { value: jump })
}

function checkHost(note: Note, path: string, host: HostDraft, loggedIn: boolean): void {
  checkName(note, `${path}.name`, host.name)
  const address = host.address.trim()
  if (address === '') {
    note(`${path}.address`, 'field-empty')
  } else if (/^[\d.]+$/.test(address)) {
    checkIpv4(note, `${path}.address`, address)
  } else if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(address)) {
    note(`${path}.address`, 'host-name-malformed', { value: address })
  } else if (host.clusterAddress.trim() === '') {
    note(`${path}.clusterAddress`, 'cluster-address-needed', { value: address })
  }
  if (host.clusterAddress.trim() !== '') checkIpv4(note, `${path}.clusterAddress`, host.clusterAddress)
  if (loggedIn) checkLogin(note, path, host)
}

/**
 * Why a check's text cannot stand between double quotes in lvs.cf; undefined when it can. Piranha knows no escape for the quote
 * itself, and nanny hangs on a backslash sequence other than these.
 */
function checkTextFault(text: string): string | undefined {
  if (text.length > maxCheckTextLength) return `more than ${maxCheckTextLength} characters`
  if (text.includes('"')) return 'double quote'
  if (/[\u0000-\u001f]/.test(text)) return 'control character'
  const escape = /\\(?![rnt\\])(.?)/.exec(text.replaceAll('\\\\', '  '))
  return escape ? `\\${escape[1] ?? ''}` : undefined
}

/** A group of ports needs a mark to bind it, and persistence, without which each port of a client goes its own way. */
function checkPortGroup(note: Note, path: string, service: ServiceDraft, forwarding: ClusterDraft['forwarding']): void {
  const more = portsOf({ port: '', morePorts: service.morePorts })
  for (const port of more) checkPort(note, `${path}.morePorts`, port)
  const marked = service.fwmark.trim() !== ''
  if (marked) wholeNumber(note, `${path}.fwmark`, service.fwmark, 1, mostMark)
  else if (more.length > 0) note(`${path}.fwmark`, 'ports-need-mark', { ports: more.join(', ') })
  if (marked && !(Number(service.persistentS) > 0)) note(`${path}.persistentS`, 'mark-needs-persistence', {}, 'warning')
  const realPort = service.realPort.trim()
  if (realPort === '' || realPort === service.port.trim()) return
  checkPort(note, `${path}.realPort`, realPort)
  if (forwarding !== 'nat') note(`${path}.realPort`, 'real-port-needs-nat', { port: realPort })
  else if (marked) note(`${path}.realPort`, 'real-port-with-mark', { port: realPort })
}

function checkService(note: Note, path: string, service: ServiceDraft, forwarding: ClusterDraft['forwarding']): void {
  checkName(note, `${path}.name`, service.name)
  checkPort(note, `${path}.port`, service.port)
  if (!(schedulers as readonly string[]).includes(service.scheduler)) {
    note(`${path}.scheduler`, 'scheduler-unknown', { value: service.scheduler, available: schedulers.join(' ') })
  }
  if (service.persistentS.trim() !== '') {
    wholeNumber(note, `${path}.persistentS`, service.persistentS, 0, mostPersistentSeconds)
  }
  checkPortGroup(note, path, service, forwarding)
  const { check } = service
  wholeNumber(note, `${path}.check.intervalS`, check.intervalS, 1, mostCheckSeconds)
  wholeNumber(note, `${path}.check.reentryS`, check.reentryS, 1, mostCheckSeconds)
  checkFaults(
    service,
    checkTextFault,
    (field, code, detail) => note(`${path}.check.${field}`, code, detail),
    (field, code, detail) => note(`${path}.check.${field}`, code, detail ?? {}, 'warning'),
  )
}

function noteTaken(
  note: Note,
  entries: readonly { readonly path: string; readonly value: string; readonly owner: string }[],
  code: 'address-taken' | 'name-taken',
): void {
  const seen = new Map<string, string>()
  for (const { path, value, owner } of entries) {
    if (value === '') continue
    const other = seen.get(value)
    if (other === undefined) seen.set(value, owner)
    else note(path, code, { value, other })
  }
}

/** Each virtual IP, and with several that each of them is served: lvs.cf knows an address by its services alone. */
function checkVirtualIps(note: Note, draft: ClusterDraft): void {
  const all = virtualIpsOf(draft)
  if (all.length > mostVirtualIps)
    note('virtualIp.address', 'vips-too-many', { count: all.length, most: mostVirtualIps })
  for (const vip of all) {
    const path = `${vip.path}.address`
    if (checkIpv4(note, path, vip.address) && draft.forwarding === 'direct') {
      const director = clusterAddressOf(draft.directors[0])
      if (isIpv4(director) && !inSameNetwork(vip.address, director, 16)) {
        note(path, 'vip-outside-director-subnet', { value: vip.address, director }, 'warning')
      }
    }
    checkDevice(note, `${vip.path}.device`, vip.device)
    checkPrefix(note, `${vip.path}.prefix`, vip.prefix)
    // Said where services are chosen: an address comes before its services.
    const unserved = vip.address !== '' && !servicesAt(draft, vip).some(({ active }) => active)
    if (all.length > 1 && draft.services.length > 0 && unserved) note('services', 'vip-unserved', { vip: vip.address })
  }
}

/**
 * Everything that is wrong with a draft, field by field (`where.path`, dotted). Severity `block` keeps a plan from being made;
 * a warning does not. Rules: lvs.cf(5), and what the kernel and the resolver accept.
 */
export function checkDraft(draft: ClusterDraft): readonly Problem[] {
  const problems: Problem[] = []
  const note: Note = (path, code, detail, severity) => {
    problems.push(problem(code, detail, { kind: 'field', path }, severity))
  }

  if (draft.name.trim() === '') note('name', 'field-empty')

  draft.directors.forEach((director, at) => {
    const path = `directors.${at}`
    checkHost(note, path, director, true)
    if (director.privateAddress.trim() !== '') checkIpv4(note, `${path}.privateAddress`, director.privateAddress)
  })
  const privates = draft.directors.map(({ privateAddress }) => privateAddress.trim())
  if ((privates[0] === '') !== (privates[1] === '')) {
    note(`directors.${privates[0] === '' ? 0 : 1}.privateAddress`, 'field-empty')
  }

  checkVirtualIps(note, draft)
  if (draft.forwarding === 'nat') {
    checkIpv4(note, 'natRouter.address', draft.natRouter.address)
    checkDevice(note, 'natRouter.device', draft.natRouter.device)
    checkPrefix(note, 'natRouter.prefix', draft.natRouter.prefix)
  }

  if (draft.services.length === 0) note('services', 'no-services')
  const served = new Set<string>()
  const marks = new Set<string>()
  draft.services.forEach((service, at) => {
    checkService(note, `services.${at}`, service, draft.forwarding)
    const vip = virtualIpOf(draft, service)
    if (vip.id !== service.virtualIpId) note(`services.${at}.virtualIpId`, 'field-empty')
    for (const port of portsOf(service)) {
      const id = `${vip.id} ${service.protocol} ${port}`
      const field = port === service.port.trim() ? 'port' : 'morePorts'
      if (served.has(id))
        note(`services.${at}.${field}`, 'service-taken', { protocol: service.protocol, port, vip: vip.address })
      served.add(id)
    }
    const mark = service.fwmark.trim()
    if (mark !== '' && marks.has(mark)) note(`services.${at}.fwmark`, 'mark-taken', { mark })
    marks.add(mark)
  })

  if (draft.realServers.length === 0) note('realServers', 'no-real-servers')
  draft.realServers.forEach((server, at) => {
    checkHost(note, `realServers.${at}`, server, server.setUp === 'ssh')
    if (server.setUp === 'windows' && draft.forwarding === 'tunnel') {
      note(`realServers.${at}.setUp`, 'windows-no-tunnel', { host: server.name })
    }
    wholeNumber(note, `realServers.${at}.weight`, server.weight, 0, mostWeight)
  })

  const hosts = [
    ...draft.directors.map((host, at) => ({ host, path: `directors.${at}` })),
    ...draft.realServers.map((host, at) => ({ host, path: `realServers.${at}` })),
  ]
  noteTaken(
    note,
    [
      ...hosts.map(({ host, path }) => ({
        path: host.clusterAddress.trim() === '' ? `${path}.address` : `${path}.clusterAddress`,
        value: clusterAddressOf(host),
        owner: host.name.trim() || path,
      })),
      ...draft.directors.map((director, at) => ({
        path: `directors.${at}.privateAddress`,
        // The file may repeat the public address as the private one; that is one path, not a clash.
        value: director.privateAddress.trim() === clusterAddressOf(director) ? '' : director.privateAddress.trim(),
        owner: director.name.trim() || `directors.${at}`,
      })),
      ...virtualIpsOf(draft).map(({ path, address }) => ({ path: `${path}.address`, value: address, owner: 'VIP' })),
      ...(draft.forwarding === 'nat'
        ? [{ path: 'natRouter.address', value: draft.natRouter.address.trim(), owner: 'NAT' }]
        : []),
    ],
    'address-taken',
  )
  noteTaken(
    note,
    hosts.map(({ host, path }) => ({ path: `${path}.name`, value: host.name.trim(), owner: path })),
    'name-taken',
  )
  noteTaken(
    note,
    draft.services.map((service, at) => ({
      path: `services.${at}.name`,
      value: service.name.trim(),
      owner: `services.${at}`,
    })),
    'name-taken',
  )

  const { keepaliveMs: keepaliveText, deadtimeMs: deadtimeText } = draft.failure
  const keepaliveMs = wholeNumber(note, 'failure.keepaliveMs', keepaliveText, leastKeepaliveMs, mostKeepaliveMs)
  const deadtimeMs = wholeNumber(note, 'failure.deadtimeMs', deadtimeText, leastKeepaliveMs, mostDeadtimeMs)
  if (keepaliveMs !== undefined && deadtimeMs !== undefined && deadtimeMs < keepaliveMs * leastBeatsOfDeadtime) {
    note('failure.deadtimeMs', 'deadtime-too-short', {
      deadtimeMs,
      keepaliveMs,
      leastMs: keepaliveMs * leastBeatsOfDeadtime,
    })
  }
  return problems
}

function settings(...pairs: readonly (Setting | undefined)[]): readonly Setting[] {
  return pairs.filter((pair) => pair !== undefined)
}

function set(name: string, value: string | number): Setting | undefined {
  return String(value).trim() === '' ? undefined : { name, value: String(value).trim() }
}

function setShoal(name: string, value: string | number): Setting {
  return { name, value: String(value), shoal: true }
}

/** Piranha re-addresses a device without an alias label, so a virtual IP always gets one. */
function aliasLabel(device: string): string {
  const name = device.trim()
  return name.includes(':') || name === '' ? name : `${name}:1`
}

function maskOf(prefixText: string): string {
  const prefix = Number(prefixText.trim())
  return prefixText.trim() === '' || !Number.isInteger(prefix) || prefix < 1 || prefix > 32 ? '' : prefixToMask(prefix)
}

/** Whole seconds for Piranha's own directives, never less than one. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}

function blockOf(draft: ClusterDraft, service: ServiceDraft): BlockDraft {
  const vip = virtualIpOf(draft, service)
  const { check } = service
  const persistentS = Number(service.persistentS.trim() || '0')
  const realPort = draft.forwarding === 'nat' ? service.realPort.trim() : ''
  return {
    kind: 'virtual',
    name: service.name.trim(),
    settings: settings(
      set('active', service.active ? 1 : 0),
      set('address', `${vip.address} ${aliasLabels(draft).get(vip.id) ?? ''}`),
      set('vip_nmask', maskOf(vip.prefix)),
      set('fwmark', service.fwmark),
      set('port', service.port),
      persistentS > 0 ? set('persistent', persistentS) : undefined,
      ...checkDirectives(service, draft.forwarding),
      set('load_monitor', service.loadMonitor),
      set('scheduler', service.scheduler),
      set('protocol', service.protocol),
      set('timeout', check.intervalS),
      set('reentry', check.reentryS),
      set('quiesce_server', 0),
      service.fwmark.trim() !== '' && portsOf(service).length > 1
        ? setShoal('mark_ports', portsOf(service).join(' '))
        : undefined,
    ),
    servers: draft.realServers.map((server) => ({
      name: server.name.trim(),
      settings: settings(
        set('address', clusterAddressOf(server)),
        set('active', service.inactiveServers.includes(server.id) ? 0 : 1),
        realPort === '' || realPort === service.port.trim() ? undefined : set('port', realPort),
        set('weight', server.weight),
      ),
    })),
  }
}

/**
 * The lvs.cf of a cluster, in the layout Piranha's own tool wrote. Half-typed fields come out as they are typed, so the text can be
 * shown at any time; it is sound when `checkDraft` has nothing that blocks. Sub-second timing stands in Shoal's comment directives,
 * beside the whole seconds that Piranha would use.
 */
export function draftLvscf(draft: ClusterDraft): string {
  const [primary, backup] = draft.directors
  const keepaliveMs = Number(draft.failure.keepaliveMs) || defaultKeepaliveMs
  const deadtimeMs = Number(draft.failure.deadtimeMs) || defaultDeadtimeMs
  const keepaliveS = wholeSeconds(keepaliveMs)
  // Piranha beats every whole second at best and needs as many beats of patience as any other.
  const deadtimeS = Math.max(wholeSeconds(deadtimeMs), keepaliveS * leastBeatsOfDeadtime)
  const { natRouter } = draft
  const lvscf: LvscfDraft = {
    settings: settings(
      set('serial_no', 1),
      set('primary', clusterAddressOf(primary)),
      set('primary_private', primary.privateAddress),
      set('service', 'lvs'),
      set('backup_active', 1),
      set('backup', clusterAddressOf(backup)),
      set('backup_private', backup.privateAddress),
      set('heartbeat', 1),
      set('heartbeat_port', heartbeatPort),
      set('keepalive', keepaliveS),
      set('deadtime', deadtimeS),
      set('network', draft.forwarding),
      draft.forwarding === 'nat'
        ? set('nat_router', `${natRouter.address.trim()} ${aliasLabel(natRouter.device)}`)
        : undefined,
      draft.forwarding === 'nat' ? set('nat_nmask', maskOf(natRouter.prefix)) : undefined,
      set('debug_level', 'NONE'),
      keepaliveMs === keepaliveS * 1000 ? undefined : setShoal('keepalive_ms', keepaliveMs),
      deadtimeMs === deadtimeS * 1000 ? undefined : setShoal('deadtime_ms', deadtimeMs),
      draft.failure.failback ? setShoal('failback', 'on') : undefined,
    ),
    blocks: draft.services.map((service) => blockOf(draft, service)),
  }
  return newDocument(lvscf)
}
