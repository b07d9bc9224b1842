/**
 * The words between the centre and the hands of a director. Inputs are past participles: something happened. Effects are
 * imperatives: do this. The centre (director.ts) only ever sees inputs and only ever answers with effects, so a test, a simulator
 * and a real host drive it in the same way. Instants named `…Ms` without `wall` are monotonic milliseconds of this process.
 */
import type { Announce, Check, Config, FloatingAddress, Forwarding, Protocol } from '../../domain/config.ts'
import type { FailoverRecord, JournalEvent, Order, Role } from '../../domain/contract/agent.ts'

/** Both clocks: decisions use the monotonic one, reports and the journal carry the wall clock. */
export interface Now {
  readonly ms: number
  readonly wallMs: number
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
  /** A virtual IP is, or may be, on one of its interfaces. */
  readonly holds: boolean
  readonly offers?: Offer
  /** Hardware address of the interface of its public path: tells its answers on the wire from anybody else's. */
  readonly mac?: string
  /** Real servers it has found up, over all virtual servers: who sees none should not win over who sees some. */
  readonly usable: number
  /** Just let go because both served: for how long it had been active. Said for a few seconds. */
  readonly yieldedAfterMs?: number
  readonly generation: number
  readonly digest: string
  /** The newest beat of the receiver that the sender has heard: proves to the receiver that this beat is fresh. */
  readonly sees?: { readonly boot: number; readonly seq: number }
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

export interface KernelDestination {
  readonly forwarding: Forwarding | 'local'
  readonly weight: number
  readonly activeConnections: number
  readonly inactiveConnections: number
}

export interface KernelService {
  readonly scheduler: string
  /** Session persistence. The kernel's text table gives it in ticks of an unknown rate, hence the unit. */
  readonly persistence?: { readonly value: number; readonly unit: 'ticks' | 's'; readonly prefix: number }
  /** By `address:port`. */
  readonly destinations: ReadonlyMap<string, KernelDestination>
}

/** The kernel's IPVS table by service key (`tcp 192.168.2.27:80`, `fwmark 80`). */
export type KernelTable = ReadonlyMap<string, KernelService>

/** Totals of one destination since its entry was made. */
export interface Counters {
  readonly connections: number
  readonly packetsIn: number
  readonly bytesIn: number
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
}

/** What must outlive the process: kept in /var/lib/shoal (term, boots) and /run/shoal (services made). */
export interface Memory {
  readonly term: number
  readonly peerBoot: number
  readonly owned: readonly string[]
}

/** `stop` is SIGTERM; the others come from the control socket or the console. */
type Ordered = Order | { readonly kind: 'stop'; readonly by: string }

export type Input =
  /** lvs.cf was read and found sound. */
  | { readonly kind: 'configured'; readonly config: Config; readonly digest: string; readonly hasKey: boolean }
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
  | { readonly kind: 'addressed'; readonly results: readonly AddressResult[] }
  /** Somebody on the segment answered for an address. */
  | { readonly kind: 'answered'; readonly address: string; readonly mac: string }
  | { readonly kind: 'announced'; readonly failures: readonly string[] }
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
  /** Ask the segment who has `address`; each answer comes back as `answered`, silence as nothing. */
  | { readonly kind: 'ask'; readonly device: string; readonly source: string; readonly address: string }
  | { readonly kind: 'remember'; readonly memory: Memory }
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
  readonly decidedMs: number
  readonly tableReadyMs?: number
  readonly addressUpMs?: number
}
