/**
 * A site as its neighbours' files describe it, on the way to lvs.cf: services with their real servers, each with the place it was said.
 * What lvs.cf cannot hold is decided here once for all formats: one forwarding method, one check per virtual server, devices with alias
 * labels, one port without NAT.
 */
import type { Forwarding, Protocol } from '../config.ts'
import { inSameNetwork, isIpv4, prefixToMask } from '../ipv4.ts'
import type { BlockDraft, Draft, ServerDraft, Setting } from '../lvscf/draft.ts'
import { writtenName } from '../lvscf/draft.ts'
import { newerSchedulers, piranhaSchedulers } from '../lvscf/directives.ts'
import { inetAton, prefixOf } from '../lvscf/values.ts'
import { asksForPage } from '../checks.ts'
import { chosenSettings } from '../lvscf/check-writing.ts'
import type { MeantCheck } from './checks.ts'
import { connectCheck, defaultHttpCheck, escaped, inShort, sameCheck, sayable, sayableProgram } from './checks.ts'
import type { Ledger, Place } from './report.ts'

/** A fact and where it was said. */
interface Told<T> {
  readonly value: T
  readonly at: Place
}

export interface SiteServer {
  readonly at: Place
  readonly name?: string
  readonly address: string
  /** Absent or 0: that of the virtual server. */
  readonly port?: number
  readonly weight: number
  readonly method: Forwarding
  readonly active?: boolean
  /** `what` is how the source calls the check. `exact` says the check means the same there. */
  readonly check?: Told<MeantCheck> & {
    readonly what: string
    readonly exact: boolean
    readonly parts: readonly Place[]
  }
  /** Kept with weight 0 instead of being removed. */
  readonly quiesce?: boolean
}

export interface SiteService {
  readonly at: Place
  /** How the source names it, for reports. */
  readonly what: string
  readonly name?: string
  readonly vip?: string
  /** Device said by the source for this service itself. */
  readonly mark?: number
  readonly protocol: Protocol
  readonly port: number
  readonly scheduler: Told<string>
  readonly persistentS?: number
  readonly persistenceMask?: string
  readonly sorry?: Told<{ readonly address: string; readonly port?: number; readonly method?: Forwarding }>
  readonly quiesceDefault?: boolean
  /** The check said for the whole service, where no real server says one. */
  readonly check?: MeantCheck
  /** Milliseconds between two checks, one check's longest time, and failures until a server goes; absent where nothing checks. */
  readonly checkPace?: { readonly intervalMs: number; readonly timeoutMs: number; readonly fall: number }
  readonly servers: readonly SiteServer[]
}

export interface SiteAddress {
  readonly at: Place
  readonly address: string
  readonly prefix?: number
  readonly device?: string
  readonly label?: string
}

export interface Site {
  /** Global directives already in the words of lvs.cf. */
  readonly settings: readonly Setting[]
  readonly addresses: readonly SiteAddress[]
  readonly services: readonly SiteService[]
}

const methodNames: Readonly<Record<Forwarding, string>> = { nat: 'NAT', direct: 'DR', tunnel: 'TUN' }
/** The device taken where the source says none. */
const assumedDevice = 'eth0'
const deviceNameMax = 15
const millisecondsInSecond = 1_000
/** ipvsadm takes weights up to this. */
const weightMax = 65_535

/** Whether a scheduler is one lvs.cf can name. */
export function knownScheduler(name: string): boolean {
  return [...piranhaSchedulers, ...newerSchedulers].some((known) => known === name)
}

/** Seconds that keep at least this long, as whole as lvs.cf wants them. */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / millisecondsInSecond))
}

/** The method most real servers use, the first one where two are level. */
function commonMethod(services: readonly SiteService[]): Forwarding | undefined {
  const votes = new Map<Forwarding, number>()
  for (const { servers } of services) {
    for (const { method } of servers) votes.set(method, (votes.get(method) ?? 0) + 1)
  }
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0]
}

/** The words of lvs.cf for a site. Everything that does not fit goes into the ledger. */
export function draftOf(site: Site, ledger: Ledger): Draft {
  const forwarding = commonMethod(site.services)
  const devices = newDevices(site, forwarding, ledger)
  const names = new Set<string>()
  const blocks = site.services.map((service) => blockOf(service, forwarding ?? 'nat', devices, names, ledger))
  const has = (name: string): boolean => site.settings.some((setting) => setting.name === name)
  const router = devices.router()
  const settings: Setting[] = [
    { name: 'serial_no', value: '1' },
    { name: 'service', value: 'lvs' },
    ...site.settings,
    ...(has('backup_active') ? [] : [{ name: 'backup_active', value: has('backup') ? '1' : '0' }]),
    ...(has('backup') ? [] : [{ name: 'backup', value: '0.0.0.0' }]),
    { name: 'network', value: forwarding ?? 'nat' },
    ...router,
  ]
  devices.finish()
  if (!has('primary')) ledger.say('convert-note-needed', undefined, { what: 'primary' })
  if (!has('backup')) ledger.say('convert-note-needed', undefined, { what: 'backup' })
  if (blocks.length > 0 && (forwarding ?? 'nat') === 'nat' && router.length === 0) {
    ledger.say('convert-note-needed', undefined, { what: 'nat_router' })
  }
  return { settings, blocks }
}

interface Devices {
  /** Device and mask directives of a virtual IP. */
  readonly placing: (service: SiteService) => readonly Setting[]
  readonly router: () => readonly Setting[]
  /** Reports what no virtual server used. */
  readonly finish: () => void
}

/** Gives every virtual IP its device: as said, with an alias label made up where there is none. */
function newDevices(site: Site, forwarding: Forwarding | undefined, ledger: Ledger): Devices {
  const used = new Set<SiteAddress>()
  const labels = new Set(site.addresses.flatMap(({ label }) => (label ? [label] : [])))
  const labelOf = new Map<string, string>()
  const claimed = new Set(site.services.flatMap(({ vip }) => (vip === undefined ? [] : [vip])))
  const realServers = site.services.flatMap(({ servers }) => servers)

  const label = (address: string, known: SiteAddress | undefined): string => {
    const before = labelOf.get(address)
    if (before !== undefined) return before
    let chosen = known?.label
    if (chosen === undefined) {
      const device = known?.device ?? assumedDevice
      let number = 1
      while (labels.has(`${device}:${number}`)) number++
      chosen = `${device}:${number}`
      if (chosen.length > deviceNameMax) chosen = device
    }
    labels.add(chosen)
    labelOf.set(address, chosen)
    return chosen
  }
  const maskSetting = (name: string, known: SiteAddress | undefined): Setting[] =>
    known?.prefix === undefined || known.prefix === 32 || known.prefix === 0
      ? []
      : [{ name, value: prefixToMask(known.prefix) }]
  const inSubnet = ({ address, prefix = 32 }: SiteAddress): boolean =>
    prefix < 32 && realServers.some((server) => inSameNetwork(server.address, address, prefix))
  /** The floating gateway: an address no service has, on the segment of the real servers. */
  const free = site.addresses.filter(({ address }) => !claimed.has(address))
  const marks = site.services.filter(({ vip, mark }) => vip === undefined && mark !== undefined).length
  const router = forwarding === 'nat' ? free.findLast(inSubnet) : undefined
  const spare = free.filter((one) => one !== router)
  let nextSpare = 0

  return {
    placing: (service) => {
      let address = service.vip
      let known = site.addresses.find((one) => one.address === address)
      if (address === undefined && marks > 0) {
        known = spare[Math.min(nextSpare++, spare.length - 1)] ?? site.addresses.find((one) => one !== router)
        address = known?.address
      }
      if (address === undefined) {
        ledger.say('convert-note-needed', service.at, { what: 'address' })
        return []
      }
      if (!isIpv4(address)) ledger.say('convert-note-needed', service.at, { what: `address ${address} (IPv4)` })
      if (known) {
        used.add(known)
        ledger.carried(known.at)
      } else if (!labelOf.has(address)) {
        ledger.say('convert-note-assumed', service.at, { what: `address ${address}`, used: label(address, known) })
      }
      return [{ name: 'address', value: `${address} ${label(address, known)}` }, ...maskSetting('vip_nmask', known)]
    },
    router: () => {
      if (!router) return []
      used.add(router)
      ledger.carried(router.at)
      const placed = { name: 'nat_router', value: `${router.address} ${label(router.address, router)}` }
      return [placed, ...maskSetting('nat_nmask', router)]
    },
    finish: () => {
      const served = new Set([...used].map(({ address }) => address))
      for (const one of site.addresses) {
        if (used.has(one)) continue
        if (served.has(one.address)) ledger.carried(one.at)
        else ledger.say('convert-lost-address-unused', one.at, { what: one.address })
      }
    },
  }
}

function uniqueName(wanted: string, taken: Set<string>): string {
  const plain =
    writtenName(wanted) === undefined || wanted === '' ? wanted.replace(/[\s"'\0]+/g, '_') || 'unnamed' : wanted
  let name = plain
  for (let number = 2; taken.has(name); number++) name = `${plain}-${number}`
  taken.add(name)
  return name
}

function serviceName(service: SiteService): string {
  if (service.name !== undefined) return service.name
  if (service.mark !== undefined) return `fwmark-${service.mark}`
  return `${service.vip ?? 'vs'}-${service.port}${service.protocol === 'udp' ? '-udp' : ''}`
}

function blockOf(
  service: SiteService,
  forwarding: Forwarding,
  devices: Devices,
  names: Set<string>,
  ledger: Ledger,
): BlockDraft {
  const settings: Setting[] = [{ name: 'active', value: '1' }]
  const set = (name: string, value: string | number, shoal?: true): void => {
    settings.push({ name, value: String(value), ...(shoal ? { shoal } : {}) })
  }
  settings.push(...devices.placing(service))
  if (service.sorry) sayDefaults(service, service.sorry, forwarding, set, ledger)
  if (service.mark !== undefined) set('fwmark', service.mark)
  set('port', service.port)
  if (service.persistentS !== undefined && service.persistentS > 0) {
    set('persistent', service.persistentS)
    if (service.persistenceMask !== undefined && service.persistenceMask !== '255.255.255.255') {
      set('pmask', service.persistenceMask)
    }
  }
  sayCheck(service, set, ledger)
  if (newerSchedulers.some((name) => name === service.scheduler.value)) {
    ledger.say('convert-near-scheduler', service.scheduler.at, { what: service.scheduler.value })
  }
  set('load_monitor', 'none')
  set('scheduler', service.scheduler.value)
  set('protocol', service.protocol)
  if (service.checkPace) {
    const { intervalMs, timeoutMs, fall } = service.checkPace
    const seconds = wholeSeconds(intervalMs)
    set('timeout', seconds)
    // One good check brings a server back there: reentry / timeout = 1.
    set('reentry', seconds)
    if (intervalMs !== seconds * millisecondsInSecond) set('check_interval_ms', intervalMs, true)
    if (timeoutMs !== seconds * millisecondsInSecond) set('check_timeout_ms', timeoutMs, true)
    if (fall !== 1) set('fall', fall, true)
  }
  set('quiesce_server', quiesceOf(service, ledger) ? 1 : 0)

  const serverNames = new Set<string>()
  const servers = service.servers.map((server) => serverOf(server, service, forwarding, serverNames, ledger))
  return { kind: 'virtual', name: uniqueName(serviceName(service), names), settings, servers }
}

type Set_ = (name: string, value: string | number, shoal?: true) => void

function sayDefaults(
  service: SiteService,
  sorry: NonNullable<SiteService['sorry']>,
  forwarding: Forwarding,
  set: Set_,
  ledger: Ledger,
): void {
  const { address, port, method } = sorry.value
  set('sorry_server', address)
  const otherPort = port !== undefined && port !== 0 && port !== service.port && service.mark === undefined
  if (otherPort || (method !== undefined && method !== forwarding)) {
    const what = `${address}${port ? `:${port}` : ''}${method ? ` ${methodNames[method]}` : ''}`
    const used = `${address}:${service.port} ${methodNames[forwarding]}`
    ledger.say('convert-near-sorry', sorry.at, { what, used })
  } else ledger.carried(sorry.at)
}

function quiesceOf(service: SiteService, ledger: Ledger): boolean {
  const { servers, quiesceDefault = false } = service
  const said = servers.map(({ quiesce }) => quiesce ?? quiesceDefault)
  const first = said[0] ?? quiesceDefault
  if (said.some((one) => one !== first)) {
    const odd = servers.find(({ quiesce }) => (quiesce ?? quiesceDefault) !== first)
    ledger.say('convert-near-quiesce', odd?.at ?? service.at, {
      what: service.what,
      used: `quiesce_server = ${first ? 1 : 0}`,
    })
  }
  return first
}

/** Chooses the one check of a service, and reports what differs from it. */
function sayCheck(service: SiteService, set: Set_, ledger: Ledger): void {
  if (service.servers.length === 0 && service.checkPace === undefined) return
  const first = service.servers.find(({ check }) => check)?.check
  const meant = first?.value ?? service.check
  const chosen = meant === undefined ? undefined : expressible(meant, service)
  const used = chosen ?? (asksForPage(service) ? defaultHttpCheck : connectCheck)
  if (used.kind !== 'connect') {
    if (used.program !== undefined) set('send_program', used.program)
    if (used.send !== undefined) set('send', escaped(used.send))
    if (used.expect !== undefined) set('expect', escaped(used.expect))
    set('use_regex', used.regex ? 1 : 0)
  }
  if (meant && used.kind === 'connect' && !used.chosen && asksForPage(service)) set('check', 'connect', true)
  if (used.chosen) for (const { name, value } of chosenSettings(used.chosen)) set(name, value, true)
  if (used.port !== undefined) set('check_port', used.port, true)
  if (!first && service.check && !sameCheck(service.check, used)) {
    ledger.say('convert-near-check', service.at, { what: inShort(service.check), used: inShort(used) })
  }
  const blind = service.protocol === 'udp' && used.kind === 'connect' && !used.chosen
  for (const server of service.servers) {
    const { check } = server
    const name = server.name ?? server.address
    if (!check) {
      if (service.checkPace) ledger.say('convert-near-unchecked', server.at, { server: name, used: inShort(used) })
      continue
    }
    if (first && !sameCheck(check.value, first.value)) {
      ledger.say('convert-lost-check-differs', check.at, { server: name })
    } else if (blind) {
      ledger.say('convert-near-udp-check', check.at, { what: check.what })
    } else if (!check.exact || !sameCheck(check.value, used)) {
      ledger.say('convert-near-check', check.at, { what: check.what, used: inShort(used) })
    } else {
      ledger.carried(check.at)
    }
    for (const part of check.parts) if (!ledger.settled(part)) ledger.carried(part)
  }
  if (!service.checkPace) {
    const what = service.protocol === 'udp' ? 'send, expect' : 'health check'
    ledger.say('convert-note-assumed', service.at, { what, used: inShort(used) })
  }
}

/** The check, or the nearest one that Piranha can be told on this port. */
function expressible(check: MeantCheck, service: SiteService): MeantCheck {
  const { chosen, port } = check
  const native = nativelyExpressible(check, service)
  const isSayable = chosen !== undefined && chosenSettings(chosen).every(({ value }) => isLineText(value))
  return { ...native, ...(isSayable ? { chosen } : {}), ...(port === undefined ? {} : { port }) }
}

/** Whether a value can stand in a comment directive: one line, no blanks at its ends. */
function isLineText(value: string): boolean {
  return value !== '' && value.trim() === value && !/[\p{Cc}]/u.test(value)
}

function nativelyExpressible(check: MeantCheck, service: SiteService): MeantCheck {
  if (check.kind === 'connect' && !check.chosen) return connectCheck
  const textsFit = [check.send, check.expect].every((text) => text === undefined || sayable(text))
  if (check.kind === 'program' && textsFit && sayableProgram(check.program ?? '')) return check
  if (check.kind === 'send-expect' && textsFit) {
    // Without a request nothing comes from a web server, and nothing at all over UDP.
    const silent = check.send === undefined && (service.port === 80 || service.protocol === 'udp')
    if (!silent) return check
  }
  // On port 80 nanny asks for a page when nothing is said.
  return asksForPage(service) ? defaultHttpCheck : connectCheck
}

function serverOf(
  server: SiteServer,
  service: SiteService,
  forwarding: Forwarding,
  names: Set<string>,
  ledger: Ledger,
): ServerDraft {
  const name = uniqueName(server.name ?? server.address, names)
  let active = server.active ?? true
  if (server.method !== forwarding) {
    active = false
    ledger.say('convert-near-method', server.at, {
      server: server.name ?? server.address,
      method: methodNames[server.method],
      network: methodNames[forwarding],
    })
  }
  // Piranha asks the resolver; Shoal wants the address itself.
  if (!isIpv4(server.address))
    ledger.say('convert-note-needed', server.at, { what: `address ${server.address} (IPv4)` })
  const settings: Setting[] = [
    { name: 'address', value: server.address },
    { name: 'active', value: active ? '1' : '0' },
  ]
  const port = server.port ?? 0
  if (port !== 0 && port !== service.port) {
    if (forwarding === 'nat' || service.mark !== undefined) settings.push({ name: 'port', value: String(port) })
    else if (active) ledger.say('convert-near-port', server.at, { what: port, used: service.port })
  }
  let weight = server.weight
  if (weight > weightMax) {
    ledger.say('convert-near-number', server.at, { what: `weight ${weight}`, used: weightMax })
    weight = weightMax
  }
  settings.push({ name: 'weight', value: String(weight) })
  if (!ledger.settled(server.at)) ledger.carried(server.at)
  return { name, settings }
}

/** A dotted netmask as prefix length; undefined when it is none. */
export function maskPrefix(text: string): number | undefined {
  const mask = isIpv4(text) ? inetAton(text) : undefined
  return mask === undefined ? undefined : prefixOf(mask)
}
