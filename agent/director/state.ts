/**
 * All that a director knows, as one readonly value. `step` (director.ts) makes the next one from it; the parts of the centre work
 * on a shallow copy inside one step (`Work`) and replace what they change, so an older state stays what it was.
 */
import type { Config, FloatingAddress } from '../../domain/config.ts'
import type { Role } from '../../domain/contract/agent.ts'
import { isSix } from '../../domain/ipv6.ts'
import { noHealth, type HealthState, type ServiceState } from './health.ts'
import { noSight, type Sight } from './sight.ts'
import { newHearing, type Hearing } from './heartbeat.ts'
import type { Giving, Taking } from './connections.ts'
import type { Counters, KernelTable } from '../../domain/ipvs/kernel-table.ts'
import type { Override } from './overrides.ts'
import { newSegment, type Segment } from './segment.ts'
import { newSteering, type Steered, type Steering } from './steering.ts'
import { newSurroundings, type Surroundings } from './surroundings.ts'
import type { Learning } from './takeover.ts'
import type { Effect, KernelAddress, KernelAddresses, Now, Offer, Side, Takeover } from './words.ts'

/** Used before a config is known. */
const fallbackTiming = { keepaliveMs: 200, deadtimeMs: 800 }

export interface Kernel {
  /** Number of the newest look asked for; older answers were overtaken by an order and are ignored. */
  readonly look: number
  readonly table: KernelTable | null
  /** The last table seen, also while a new look is under way: for reports only. */
  readonly lastTable: KernelTable | null
  readonly tableLook: number
  readonly tableAskedMs: number | null
  readonly tableAtMs: number | null
  readonly nextTableMs: number
  /** What was last compared and found equal. */
  readonly settled: {
    /** Schedulers left out then. */
    readonly missing: readonly string[]
    readonly services: readonly ServiceState[]
    readonly config: Config
    readonly table: KernelTable
    readonly steered: ReadonlyMap<string, Steered>
  } | null
  /** What was found equal before the orders since: tells drift from what an order of ours has not yet reached. */
  readonly confirmed: Kernel['settled']
  readonly applyingSinceMs: number | null
  /** When the order was given whose effect has not yet been seen. */
  readonly orderedMs: number | null
  /** Before this no further change is ordered. */
  readonly orderFromMs: number
  /** The table that was last compared, found different, and left so until then. */
  readonly restsWith: KernelTable | null
  /** The batch ordered last, to tell a change that does not hold from the next one. */
  readonly applied: readonly string[]
  readonly applyTries: number
  readonly applyHoldMs: number
  readonly applyFailures: readonly string[]
  /** Why there is no table to look at (no ip_vs in this kernel). */
  readonly absent: string | null
  readonly owned: ReadonlySet<string>
  readonly addresses: KernelAddresses | null
  readonly addressLook: number
  readonly addressAskedMs: number | null
  readonly addressAtMs: number | null
  readonly nextAddressMs: number
  /** The wanted addresses (as one text) that were last found as wanted; null after an order. */
  readonly addressSettled: string | null
  /** What was last compared and found equal: nothing is compared again before one of these is another. */
  readonly addressesEqual: {
    readonly looked: KernelAddresses
    readonly config: Config
    readonly wanted: readonly FloatingAddress[]
    readonly held: readonly FloatingAddress[]
    readonly side: Side | null
  } | null
  readonly addressTries: number
  readonly addressHoldMs: number
  /** Addresses we put on an interface, also those that have left the config since. */
  readonly held: readonly FloatingAddress[]
  /** Differences found that are being repaired: drift made behind our back. */
  readonly tableDrift: readonly string[]
  readonly addressDrift: readonly string[]
  /** The last failed look, so that the same failure is not told at every look. */
  readonly lookTrouble: string | null
  readonly counters: ReadonlyMap<string, Counters>
  readonly nextCountMs: number
}

/** A hand-over under way on the side that gives. */
interface Handing {
  readonly offer: Offer
  readonly sinceMs: number
  readonly tickets: readonly number[]
  readonly exit: boolean
}

/** Both served: seen by the one that stays. */
interface BothServe {
  readonly sinceMs: number
  readonly peer: string
}

export interface State {
  readonly self: {
    readonly name: string
    readonly version: string
    readonly boot: number
    readonly startedMs: number
    /** Starts of the agent within the minute before this one, this one included. */
    readonly recentStarts: number
  }
  readonly config: Config | null
  readonly digest: string
  readonly configProblems: readonly string[]
  readonly hasKey: boolean
  readonly side: Side | null
  readonly role: Role
  readonly roleSinceMs: number
  readonly term: number
  readonly unfitBecause: readonly string[]
  readonly hearing: Hearing
  readonly seq: number
  readonly nextBeatMs: number
  readonly saidHolds: boolean
  readonly health: HealthState
  /** What the peer sees of the real servers. */
  readonly sight: Sight
  readonly kernel: Kernel
  readonly steering: Steering
  readonly surroundings: Surroundings
  /** Schedulers of the config that this kernel has no module for: their virtual servers are left out of the table. */
  readonly missingSchedulers: readonly string[]
  readonly takeover: Takeover | null
  readonly handing: Handing | null
  /** Connections on their way to the other director, or from it. */
  readonly giving: Giving | null
  readonly taking: Taking | null
  /** Addresses that nothing is to be refused from, as last ordered, and what of it failed. */
  readonly holding: { readonly addresses: readonly string[]; readonly againMs: number }
  readonly holdFailures: readonly string[]
  readonly stopping: { readonly sinceMs: number; readonly by: string; readonly exited: boolean } | null
  /** Orders to read lvs.cf again that wait for what was read. */
  readonly reloads: readonly number[]
  readonly bothServe: BothServe | null
  /** Let go at this instant because both served. */
  readonly yielded: { readonly atMs: number; readonly activeForMs: number } | null
  /** No virtual IP could be put up: unfit until then. */
  readonly cannotHold: { readonly untilMs: number; readonly says: string } | null
  readonly announceAtMs: readonly number[]
  /** When this director began to listen for its peer in the present role `starting`. */
  readonly listeningSinceMs: number
  /** Silence is not judged before this: the loop was late, beats may still be queued. */
  readonly unsureUntilMs: number
  /** The own loop stood still while active: until then nothing is put up or announced; the peer or the wire is heard first. */
  readonly doubtUntilMs: number
  readonly segment: Segment
  /** A takeover that is announced, and not yet seen to be learnt. */
  readonly learning: Learning | null
  /** When the peer was last heard to serve, or this director last served itself. */
  readonly servedMs: number | null
  /** The links as last seen, by interface: up or not. */
  readonly links: ReadonlyMap<string, boolean>
  /** When the newest beats were sent, oldest first: what their echo is measured by. */
  readonly sent: readonly { readonly seq: number; readonly ms: number }[]
  /** Since when nobody is active although the peer is heard. */
  readonly vacantSinceMs: number | null
  readonly failbackSinceMs: number | null
  readonly lastStepMs: number
  readonly lateness: readonly { readonly bucket: number; readonly worstMs: number }[]
  readonly watchers: number
}

/** What a start brings along: who we are and what was remembered. */
export interface Start {
  readonly name: string
  readonly version: string
  readonly boot: number
  readonly term: number
  readonly peerBoot: number
  readonly owned: readonly string[]
  /** Operators' orders about real servers. */
  readonly overrides?: readonly Override[]
  /** Starts of the agent within the last minute that followed no orderly end, this one included; 1 when nothing is known. */
  readonly recentStarts?: number
  /** Virtual IPs that the previous run may have left on an interface. */
  readonly held: readonly FloatingAddress[]
}

export function initial(start: Start, now: Now): State {
  return {
    self: {
      name: start.name,
      version: start.version,
      boot: start.boot,
      startedMs: now.ms,
      recentStarts: start.recentStarts ?? 1,
    },
    config: null,
    digest: '',
    configProblems: ['lvs.cf has not been read yet'],
    hasKey: false,
    side: null,
    role: 'starting',
    roleSinceMs: now.ms,
    term: start.term,
    unfitBecause: [],
    hearing: newHearing(start.peerBoot),
    seq: 0,
    nextBeatMs: now.ms,
    saidHolds: false,
    health: noHealth,
    sight: noSight,
    kernel: {
      look: 0,
      table: null,
      lastTable: null,
      tableLook: 0,
      tableAskedMs: null,
      tableAtMs: null,
      nextTableMs: now.ms,
      settled: null,
      confirmed: null,
      applyingSinceMs: null,
      orderedMs: null,
      orderFromMs: now.ms,
      restsWith: null,
      applied: [],
      applyTries: 0,
      applyHoldMs: now.ms,
      applyFailures: [],
      absent: null,
      owned: new Set(start.owned),
      addresses: null,
      addressLook: 0,
      addressAskedMs: null,
      addressAtMs: null,
      nextAddressMs: now.ms,
      addressSettled: null,
      addressesEqual: null,
      addressTries: 0,
      addressHoldMs: now.ms,
      held: start.held,
      tableDrift: [],
      addressDrift: [],
      lookTrouble: null,
      counters: new Map(),
      nextCountMs: Infinity,
    },
    steering: newSteering(start.overrides ?? []),
    surroundings: newSurroundings(now.ms),
    missingSchedulers: [],
    takeover: null,
    handing: null,
    giving: null,
    taking: null,
    holding: { addresses: [], againMs: Infinity },
    holdFailures: [],
    stopping: null,
    reloads: [],
    bothServe: null,
    yielded: null,
    cannotHold: null,
    announceAtMs: [],
    listeningSinceMs: now.ms,
    unsureUntilMs: now.ms,
    doubtUntilMs: now.ms,
    segment: newSegment(now.ms),
    learning: null,
    servedMs: null,
    links: new Map(),
    sent: [],
    vacantSinceMs: null,
    failbackSinceMs: null,
    lastStepMs: now.ms,
    lateness: [],
    watchers: 0,
  }
}

/** One step in the making: the state being replaced part by part, and what is ordered so far. */
export interface Work {
  s: { -readonly [K in keyof State]: State[K] }
  readonly out: Effect[]
  readonly now: Now
  /** Say something to the peer at once. */
  beatNow: boolean
}

export function timing(s: State): { readonly keepaliveMs: number; readonly deadtimeMs: number } {
  return s.config?.heartbeat ?? fallbackTiming
}

/** A peer is configured and takes part. */
export function hasPeer(s: State): boolean {
  return s.config?.primary !== undefined && s.config.backup !== undefined && s.config.backupActive
}

/** Own addresses on the heartbeat paths. */
export function ownAddresses(s: State): { readonly public: string; readonly private?: string } | undefined {
  return s.side === 'backup' ? s.config?.backup : s.side === 'primary' ? s.config?.primary : undefined
}

/** What follows from a config or from a look alone is worked out once: every step asks for it, and there may be a thousand. */
const floatingOf = new WeakMap<Config, readonly FloatingAddress[]>()
const devicesOf = new WeakMap<Config, readonly string[]>()
const byAddressOf = new WeakMap<KernelAddresses, ReadonlyMap<string, KernelAddress>>()

/** The addresses that belong to whoever is active: one per distinct virtual IP, and the NAT routers. First in the file wins. */
export function floating(config: Config): readonly FloatingAddress[] {
  const known = floatingOf.get(config)
  if (known) return known
  const distinct = new Map<string, FloatingAddress>()
  for (const { active, vip } of config.virtualServers)
    if (active && !distinct.has(vip.address)) distinct.set(vip.address, vip)
  for (const router of [config.natRouter, config.natRouter6])
    if (config.forwarding === 'nat' && router && !distinct.has(router.address)) distinct.set(router.address, router)
  const found = [...distinct.values()]
  floatingOf.set(config, found)
  return found
}

/** The floating address that the wire is asked for, one for all: an IPv4 one where there is any. */
export function askedFor(config: Config): FloatingAddress | undefined {
  const all = floating(config)
  return all.find((a) => !isSix(a.address)) ?? all[0]
}

/** The interfaces that the floating addresses are put on, each once. */
export function floatingInterfaces(config: Config): readonly string[] {
  const known = devicesOf.get(config)
  if (known) return known
  const found = [...new Set(floating(config).map((a) => interfaceOf(a.device)))]
  devicesOf.set(config, found)
  return found
}

/** What a look found, by address; the first interface that has it wins. */
export function byAddress(looked: KernelAddresses): ReadonlyMap<string, KernelAddress> {
  const known = byAddressOf.get(looked)
  if (known) return known
  const found = new Map<string, KernelAddress>()
  for (const a of looked.addresses) if (!found.has(a.address)) found.set(a.address, a)
  byAddressOf.set(looked, found)
  return found
}

/** The interface of an alias label: `eth0` of `eth0:1`. */
export function interfaceOf(device: string): string {
  return device.split(':')[0] ?? device
}

export function prefixOf(address: FloatingAddress): number {
  return address.prefix ?? (isSix(address.address) ? 128 : 32)
}
