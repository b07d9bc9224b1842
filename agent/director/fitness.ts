/**
 * Whether this director could serve, and whether it does: which virtual IPs are on its interfaces, why it cannot serve if it cannot,
 * and which links it needs. Asked at every step, so what follows from a look alone is worked out once per look.
 */
import type { Config, FloatingAddress } from '../../domain/config.ts'
import {
  byAddress,
  floating,
  floatingInterfaces,
  hasPeer,
  interfaceOf,
  ownAddresses,
  timing,
  type State,
  type Work,
} from './state.ts'
import type { KernelAddresses } from './words.ts'

/** How an unfitness for want of a link begins; `monitor_links` tells it from the others. */
const linkDown = 'The link of '

/** Heard within deadtime on some path. */
export function peerAlive(s: State, nowMs: number): boolean {
  return s.hearing.lastHeardMs !== null && nowMs - s.hearing.lastHeardMs < timing(s).deadtimeMs
}

/** Whether one of our floating addresses is, or may be, on an interface. Unknown counts as yes. */
export function holds(s: State): boolean {
  const { addresses, held } = s.kernel
  if (addresses) return presence(s, addresses).some
  return held.length > 0 || (s.role === 'active' && s.config !== null && floating(s.config).length > 0)
}

/** What a beat says of holding: of the active director, that all wanted addresses are seen on their interfaces. */
export function saysHolds(s: State): boolean {
  if (s.role !== 'active') return holds(s)
  return s.kernel.addresses !== null && presence(s, s.kernel.addresses).all
}

interface Presence {
  readonly config: Config | null
  readonly held: readonly FloatingAddress[]
  /** One of our addresses is there; all that the config has are there. */
  readonly some: boolean
  readonly all: boolean
}

/** Worked out once per look: every step asks for it. */
const presences = new WeakMap<KernelAddresses, Presence>()

function presence(s: State, looked: KernelAddresses): Presence {
  const { config } = s
  const { held } = s.kernel
  const known = presences.get(looked)
  if (known && known.config === config && known.held === held) return known
  const there = byAddress(looked)
  const ours = config ? floating(config) : []
  const isThere = (a: FloatingAddress): boolean => there.has(a.address)
  const found = {
    config,
    held,
    some: ours.some(isThere) || held.some(isThere),
    all: config !== null && ours.every(isThere),
  }
  presences.set(looked, found)
  return found
}

/** The interface of the first virtual IP: where the clients come from. */
export function vipDevice(s: State): string | null {
  const first = s.config ? floating(s.config)[0] : undefined
  return first ? interfaceOf(first.device) : null
}

/** The interface that has an address of this host. */
function deviceOf(s: State, address: string | undefined): string | undefined {
  return address === undefined || !s.kernel.addresses ? undefined : byAddress(s.kernel.addresses).get(address)?.device
}

/** The interfaces that serving needs: those of the floating addresses and of the director's own public address. */
function neededDevices(s: State): ReadonlySet<string> {
  const needed = new Set(s.config ? floatingInterfaces(s.config) : [])
  const own = deviceOf(s, ownAddresses(s)?.public)
  if (own !== undefined) needed.add(own)
  return needed
}

/** Takes in a look at the interfaces: a link of ours that went down or came up is written down. True when one came up. */
export function seeLinks(w: Work, looked: KernelAddresses): boolean {
  const { s } = w
  const ours = neededDevices(s)
  const heartbeats = new Set(s.hearing.paths.map(({ local }) => deviceOf(s, local)))
  let changed = false
  let cameUp = false
  for (const { device, up } of looked.links) {
    const before = s.links.get(device)
    if (before === up) continue
    changed = true
    if (before === undefined || (!ours.has(device) && !heartbeats.has(device))) continue
    cameUp ||= up
    w.out.push({ kind: 'journal', event: { kind: 'link', device, up } }, { kind: 'report' })
  }
  if (changed || looked.links.length !== s.links.size) s.links = new Map(looked.links.map((l) => [l.device, l.up]))
  return cameUp
}

/** Unfit for nothing but a link that is down. */
export function onlyLinkDown(s: State): boolean {
  return s.unfitBecause.length > 0 && s.unfitBecause.every((r) => r.startsWith(linkDown))
}

/** Worked out once per look, side and config. */
const missing = new WeakMap<
  KernelAddresses,
  { readonly config: Config; readonly side: State['side']; readonly reasons: readonly string[] }
>()

/** What serving needs and the interfaces do not have. */
function missingHere(s: State, config: Config, looked: KernelAddresses): readonly string[] {
  const known = missing.get(looked)
  if (known && known.config === config && known.side === s.side) return known.reasons
  const reasons: string[] = []
  if (!s.side) {
    const primary = config.primary?.public ?? 'none'
    const backup = config.backup?.public ?? 'none'
    reasons.push(
      `Neither the primary address ${primary} nor the backup address ${backup} is on an interface of this host.`,
    )
  } else {
    const own = ownAddresses(s)?.public
    if (own !== undefined && !byAddress(looked).has(own))
      reasons.push(`The director's own address ${own} is on no interface.`)
    if (s.side === 'backup' && !config.backupActive)
      reasons.push('backup_active is 0 in lvs.cf, so the backup director does not take part.')
  }
  const devices = new Map(looked.links.map((l) => [l.device, l.up]))
  for (const device of floatingInterfaces(config))
    if (!devices.has(device)) reasons.push(`There is no interface ${device} for the virtual IP.`)
  for (const device of neededDevices(s))
    if (devices.get(device) === false) reasons.push(`${linkDown}${device} is down.`)
  missing.set(looked, { config, side: s.side, reasons })
  return reasons
}

/** Why this director cannot serve; empty = fit. `deserted`: the segment of the virtual IP does not get here (see witness.ts). */
export function unfitness(s: State, deserted: boolean): readonly string[] {
  const { config, kernel } = s
  if (!config) return s.configProblems
  const reasons: string[] = []
  if (hasPeer(s) && !s.hasKey) reasons.push('There is no cluster key at /etc/shoal/cluster.key.')
  if (kernel.absent) reasons.push(kernel.absent)
  if (kernel.addresses) reasons.push(...missingHere(s, config, kernel.addresses))
  if (s.segment.alone)
    reasons.push(
      `Nobody at all is heard on ${vipDevice(s) ?? 'the network'}, neither the other director nor a neighbour: this director itself is cut off.`,
    )
  else if (deserted)
    reasons.push(
      `No neighbour is heard on ${vipDevice(s) ?? 'the network'} any more, while the other director hears them: clients do not get here.`,
    )
  if (s.cannotHold) reasons.push(s.cannotHold.says)
  if (kernel.applyFailures.length > 0 && kernel.table && kernel.applyTries >= 3) {
    const present = s.health.services.some((service) => kernel.table?.has(service.key))
    if (!present && s.health.services.length > 0)
      reasons.push(`No virtual server can be put into the kernel's table: ${kernel.applyFailures[0] ?? ''}`)
  }
  return reasons
}

/** Could serve at once. */
export function ready(s: State): boolean {
  return (
    s.unfitBecause.length === 0 &&
    s.config !== null &&
    s.kernel.addresses !== null &&
    s.kernel.tableAtMs !== null &&
    s.stopping === null
  )
}

/** An agent that is started this often within a minute is in a loop of crashes. */
const restlessStarts = 3
/** A director in a loop of crashes counts as restless for this long after its last start. */
const restlessMs = 60_000

/**
 * An agent that has crashed this often within a minute rests before it begins anew: systemd does not give it up, for the other director
 * may be in the same trouble, and two that stay down serve nobody.
 */
const tired = { starts: 5, restMs: 8_000 }

/** How long an agent that has crashed waits before it begins, ms; `recentStarts`: unplanned ones within the last minute. */
export const restBeforeStartMs = (recentStarts: number): number => (recentStarts >= tired.starts ? tired.restMs : 0)

/** Its agent was started again and again within the last minute: it leaves the service to a peer that is ready. */
export function restless(s: State, nowMs: number): boolean {
  return s.self.recentStarts >= restlessStarts && nowMs - s.self.startedMs < restlessMs
}

/** When a restless director counts as calm; an instant in the past for any other. */
export function calmAt(s: State): number {
  return s.self.recentStarts >= restlessStarts ? s.self.startedMs + restlessMs : -Infinity
}

/** The hardware address that answers for the virtual IP when this director has it. */
export function macOf(s: State): string | undefined {
  const { addresses } = s.kernel
  const device = vipDevice(s) ?? deviceOf(s, ownAddresses(s)?.public)
  return addresses?.links.find((l) => l.device === device)?.mac
}

/** A standby has received connections for this long before it counts as having them. */
const syncSettleMs = 10_000
/** A sync daemon that has not started after so many tries is not waited for. */
const syncTries = 3

/** It has the active director's connections, as far as the kernel's sync daemon brings them; without one there is nothing to wait for. */
export function synced(s: State, nowMs: number): boolean {
  if (!s.config?.syncDaemon || s.role === 'active') return true
  const { receivingSinceMs, tries } = s.surroundings
  // A daemon that cannot be started brings nothing that would be worth waiting for; that it does not run is said.
  if (receivingSinceMs === null) return tries >= syncTries
  return s.role === 'standby' && nowMs - Math.max(s.roleSinceMs, receivingSinceMs) >= syncSettleMs
}

/** When a standby will count as synchronised. */
export function syncedAt(s: State): number {
  if (!s.config?.syncDaemon || s.role !== 'standby') return -Infinity
  return Math.max(s.roleSinceMs, s.surroundings.receivingSinceMs ?? -Infinity) + syncSettleMs
}
