/**
 * The words between the centre and the hands of a director. Inputs are past participles: something happened. Effects are
 * imperatives: do this. The centre (director.ts) only ever sees inputs and only ever answers with effects, so a test, a simulator
 * and a real host drive it in the same way. Instants named `…Ms` without `wall` are monotonic milliseconds of this process.
 */
import type { Check } from '../../domain/checks.ts'
import type { Announce, Config, FloatingAddress, Forwarding, Protocol } from '../../domain/config.ts'
import type { FailoverRecord, FileOrder, JournalEvent, Order, Role } from '../../domain/contract/agent.ts'
import type { Counters, KernelTable } from '../../domain/ipvs/kernel-table.ts'
import type { Gave, Gives, GiveOrder, ReceiveOrder, Takes } from './connections.ts'
import type { Override, OverrideWords } from './overrides.ts'
import type { Route } from './segment.ts'
import type { SightPage } from './sight.ts'
import type { Arrangement, Found, Survey } from './surroundings.ts'

/** Both clocks: decisions use the monotonic one, reports and the journal carry the wall clock. */
export interface Now {
  readonly ms: number
  readonly wallMs: number
  /** How long the loop has waited with nothing to do since its start; absent where time is not real and work takes none of it. */
  readonly idleMs?: number
}

/** Which of the two directors of lvs.cf this is. */
export type Side = 'primary' | 'backup'

/** Why an active director asks the other one to take over, carried in its beats until it did. */
export type Offer = 'stopping' | 'ordered' | 'failback' | 'unfit' | 'link'

/** What a director says of itself, on every path, every `keepalive`. Authenticated by the wire (HMAC-SHA-256). */
export interface Beat {
  readonly from: Side
  readonly name: string
  /** Rises with every start of the agent. (`boot`, `seq`) never goes back, so a recorded beat cannot be played again. */
  readonly boot: number
  readonly seq: number
  readonly role: Role
  readonly term: number
  /** Could serve now: fit, kernel looked at, not just back from a pause. */
  readonly ready: boolean
  /** Every check has had a result. */
  readonly settled: boolean
  /** It has the connections of the active director, as far as the sync daemon brings them. Absent: it does not say. */
  readonly synced?: boolean
  /** A virtual IP is, or may be, on one of its interfaces. */
  readonly holds: boolean
  readonly offers?: Offer
  /** Of one that hands over or has just done so: what it has given of its connections. */
  readonly gives?: Gives
  /** Of one that takes over: where it takes connections in, now. */
  readonly takes?: Takes
  /** Hardware address of the interface of the virtual IP: tells its answers on the wire from anybody else's. */
  readonly mac?: string
  /** Of a standby: the hardware address that answers for the virtual IP, as it sees it. */
  readonly vipMac?: string
  /** Real servers it has found up, over all virtual servers: who sees none should not win over who sees some. */
  readonly usable: number
  /** One page of what it sees of the real servers (sight.ts). */
  readonly sight?: SightPage
  /** Whether it hears anybody besides the receiver on the segment of the virtual IP. Absent: there is nobody it could ask. */
  readonly others?: boolean
  /** Its agent was started again and again within the last minute. */
  readonly restless?: boolean
  /** Just let go because both served: for how long it had been active. Said for a few seconds. */
  readonly yieldedAfterMs?: number
  readonly generation: number
  readonly digest: string
  /** Operators' orders about real servers: the digest of all of them and, while the receiver has another one, some of them. */
  readonly steers?: { readonly digest: string; readonly some?: readonly OverrideWords[] }
  /** The newest beat of the receiver that the sender has heard: proves to the receiver that this beat is fresh. */
  readonly sees?: { readonly boot: number; readonly seq: number; readonly ageMs?: number }
  /** Per path, the newest beat of the receiver heard on it and how long ago: what the round trip is measured by. */
  readonly echo?: Readonly<Record<string, { readonly seq: number; readonly ageMs: number }>>
}

/** A heartbeat path: own address → the peer's. */
export interface Path {
  readonly name: string
  readonly local: string
  readonly remote: string
}

/** An address as the kernel has it. */
export interface KernelAddress {
  readonly address: string
  readonly prefix: number
  readonly device: string
  readonly label: string
}

interface KernelLink {
  readonly device: string
  /** Administratively up and with carrier. */
  readonly up: boolean
  /** Hardware address, lower case with colons. */
  readonly mac?: string
}

export interface KernelAddresses {
  readonly addresses: readonly KernelAddress[]
  readonly links: readonly KernelLink[]
}

export interface AddressChange {
  readonly do: 'add' | 'remove'
  readonly address: string
  readonly prefix: number
  /** The interface, without a label. */
  readonly device: string
  /** The alias label (`eth0:1`); equal to `device` where there is none. */
  readonly label: string
}

export interface AddressResult {
  readonly change: AddressChange
  /** Absent: done. Otherwise why not. */
  readonly failed?: string
}

/** What a check needs to run. The hands own the sockets and the timeout; the centre owns when and what it means. */
export interface Probe {
  readonly id: number
  readonly service: string
  readonly server: string
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly check: Check
  /** The virtual IP is asked for through the real server too, in the way the packets of clients go. */
  readonly via?: { readonly address: string; readonly port: number; readonly forwarding: Forwarding }
}

/** Where a real server tells its load; `at` is what its answer is known by. */
export interface LoadAt {
  readonly at: string
  readonly address: string
  readonly port: number
}

/** What must outlive the process: kept in /var/lib/shoal (term, boots) and /run/shoal (services made). */
export interface Memory {
  readonly term: number
  readonly peerBoot: number
  readonly owned: readonly string[]
}

/** `stop` is SIGTERM; the others come from the control socket or the console. Orders about files are the hands' own. */
export type Ordered = Exclude<Order, FileOrder> | { readonly kind: 'stop'; readonly by: string }

export type Input =
  /** lvs.cf was read and found sound. */
  | {
      readonly kind: 'configured'
      readonly config: Config
      readonly digest: string
      readonly hasKey: boolean
      readonly missing?: readonly string[]
    }
  /** lvs.cf could not be read or is not sound; what ran before goes on. */
  | { readonly kind: 'misconfigured'; readonly says: readonly string[]; readonly hasKey: boolean }
  | { readonly kind: 'heard'; readonly path: string; readonly beat: Beat }
  /** A datagram was refused by the wire: wrong key, not a beat, or from an address that is not the peer's. */
  | { readonly kind: 'refused'; readonly path: string; readonly why: 'key' | 'malformed' | 'stranger' }
  /** The sockets of a path could not be opened (absent `says`: they are open). */
  | { readonly kind: 'listened'; readonly path: string; readonly says?: string }
  | {
      readonly kind: 'probed'
      readonly id: number
      readonly service: string
      readonly server: string
      readonly passed: boolean
      readonly tookMs: number
      readonly says?: string
      /** Passed, but something is coming: a certificate that ends soon. */
      readonly warns?: string
    }
  | {
      readonly kind: 'observed'
      readonly look: number
      readonly what: 'addresses'
      readonly addresses: KernelAddresses
    }
  | { readonly kind: 'observed'; readonly look: number; readonly what: 'table'; readonly table: KernelTable }
  /** A look failed; `absent`: the kernel has no ip_vs. */
  | {
      readonly kind: 'unobserved'
      readonly look: number
      readonly what: 'addresses' | 'table'
      readonly says: string
      readonly absent: boolean
    }
  | { readonly kind: 'counted'; readonly counters: ReadonlyMap<string, Counters> }
  | { readonly kind: 'applied'; readonly failures: readonly string[] }
  | { readonly kind: 'surveyed'; readonly found: Found }
  | { readonly kind: 'arranged'; readonly failures: readonly string[] }
  /** What real servers told of their load, by `at`; those that did not are not among them. */
  | { readonly kind: 'loaded'; readonly loads: ReadonlyMap<string, number> }
  /** Clients bound by persistence, by service and server. */
  | { readonly kind: 'bound'; readonly look: number; readonly counts: ReadonlyMap<string, number> }
  | { readonly kind: 'addressed'; readonly results: readonly AddressResult[] }
  /** Somebody was heard on the segment; `to`: it answers, to our hardware address, a question asked from that address. */
  | {
      readonly kind: 'answered'
      readonly device: string
      readonly address: string
      readonly mac: string
      readonly to?: string
    }
  /** The datagram that was sent to this program itself is back. */
  | { readonly kind: 'echoed'; readonly sentMs: number }
  /** Where the kernel sends packets; empty where it cannot be asked. */
  | { readonly kind: 'routed'; readonly routes: readonly Route[] }
  /** Something about the interfaces has changed: look. */
  | { readonly kind: 'stirred' }
  | { readonly kind: 'announced'; readonly failures: readonly string[] }
  | ({ readonly kind: 'gave' } & Gave)
  /** The kernel takes connections in; `failed`: it does not, and why. */
  | { readonly kind: 'readied'; readonly failed?: string }
  /** What was not to be refused is not, but for `failures`. */
  | { readonly kind: 'held'; readonly failures: readonly string[] }
  | { readonly kind: 'ordered'; readonly order: Ordered; readonly ticket: number }
  /** The number of watching clients changed. */
  | { readonly kind: 'watched'; readonly watchers: number }
  | { readonly kind: 'woke' }

export type Effect =
  /** Open the heartbeat sockets of these paths, close others. */
  | { readonly kind: 'listen'; readonly port: number; readonly paths: readonly Path[] }
  /** Send on every path; on those in `seek` the peer is silent, so ask for its hardware address too. */
  | { readonly kind: 'beat'; readonly beat: Beat; readonly seek: readonly string[] }
  | { readonly kind: 'probe'; readonly probe: Probe }
  | { readonly kind: 'observe'; readonly what: 'addresses' | 'table'; readonly look: number }
  | { readonly kind: 'count' }
  /** Lines for `ipvsadm --restore`, one batch; `timeouts` = `ipvsadm --set`. */
  | {
      readonly kind: 'apply'
      readonly commands: readonly string[]
      readonly timeouts?: { readonly tcpS: number; readonly tcpFinS: number; readonly udpS: number }
    }
  | { readonly kind: 'address'; readonly changes: readonly AddressChange[] }
  /** Write down which addresses this director may put up, so that a takeover need not. */
  | { readonly kind: 'reserve'; readonly addresses: readonly FloatingAddress[] }
  | { readonly kind: 'announce'; readonly addresses: readonly FloatingAddress[]; readonly burst: Announce['burst'] }
  /** Ask the segment who has these addresses; each answer comes back as `answered`, silence as nothing. */
  | { readonly kind: 'ask'; readonly device: string; readonly source: string; readonly addresses: readonly string[] }
  /** Send a datagram to this program itself, through the kernel; it comes back as `echoed`. */
  | { readonly kind: 'echo'; readonly sentMs: number }
  /** Ask the kernel for the next hop to each of these addresses; `default` is anybody outside. */
  | { readonly kind: 'route'; readonly to: readonly string[] }
  | { readonly kind: 'remember'; readonly memory: Memory }
  /** Look at what is around the table; answered by `surveyed`. */
  | { readonly kind: 'survey'; readonly survey: Survey }
  /** Change what is around the table; answered by `arranged`. */
  | { readonly kind: 'arrange'; readonly arrangement: Arrangement }
  /** Give connections to the other director; answered by `gave`. */
  | { readonly kind: 'give'; readonly order: GiveOrder }
  /** Let the kernel take connections in; answered by `readied`. Null: no longer. */
  | { readonly kind: 'receive'; readonly order: ReceiveOrder | null }
  /** Refuse nothing from these addresses; answered by `held`. None: refuse as usual. */
  | { readonly kind: 'hold'; readonly addresses: readonly string[] }
  /** Ask real servers for their load; answered by one `loaded`. */
  | { readonly kind: 'loads'; readonly of: readonly LoadAt[] }
  /** Count the clients that persistence binds to servers; answered by `bound`. */
  | { readonly kind: 'bound'; readonly look: number }
  /** Operators' orders about real servers outlive the agent and the machine. */
  | { readonly kind: 'keep'; readonly overrides: readonly Override[] }
  /** Something a watcher should see at once has changed. */
  | { readonly kind: 'report' }
  | { readonly kind: 'journal'; readonly event: JournalEvent }
  /** Read lvs.cf again. */
  | { readonly kind: 'reread' }
  /** An order came to its end; absent `refused`: it was done. */
  | { readonly kind: 'answer'; readonly ticket: number; readonly refused?: string }
  | { readonly kind: 'exit' }

/** A takeover in the making: the failover record with monotonic instants. */
export interface Takeover {
  readonly cause: FailoverRecord['cause']
  readonly from?: string
  readonly term: number
  readonly lastHeardMs?: number
  readonly firstMissedMs?: number
  /** When the former active director was last heard to serve. */
  readonly servedMs?: number
  readonly decidedMs: number
  /** Whom the wire was asked, and what they said. */
  readonly witnesses: readonly { readonly address: string; readonly says: string }[]
  readonly tableReadyMs?: number
  readonly addressUpMs?: number
}
