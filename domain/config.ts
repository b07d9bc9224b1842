/**
 * What a cluster is, once its lvs.cf has been read and found sound: the form that the agent runs, the plan is made from and the
 * screen shows. Addresses are canonical text (dotted IPv4, lower-case compressed IPv6); times are milliseconds unless named otherwise.
 */

import type { Check } from './checks.ts'

/** How packets reach the real servers (lvs.cf `network = nat | direct | tunnel`). */
export type Forwarding = 'nat' | 'direct' | 'tunnel'

/** An address with the interface (or alias label, `eth0:1`) it is put on, and its netmask where the file gives one. */
export interface FloatingAddress {
  readonly address: string
  /** As written: `eth0` or an alias label `eth0:1`. The part before the colon is the interface. */
  readonly device: string
  /** Prefix length; absent means the file gives none (a /32 host address is then meant). */
  readonly prefix?: number
}

export interface Config {
  readonly serialNo: number
  /** Public (and optional private) address of each director. Absent backup = a single director. */
  readonly primary?: DirectorAddresses
  readonly backup?: DirectorAddresses
  /** lvs.cf `backup_active`: heartbeats are sent and a standby may take over. */
  readonly backupActive: boolean
  readonly heartbeat: HeartbeatTiming
  readonly forwarding: Forwarding
  /** The floating gateway of the real servers, NAT only. */
  readonly natRouter?: FloatingAddress
  /** The same of IPv6. */
  readonly natRouter6?: FloatingAddress
  readonly monitorLinks: boolean
  readonly syncDaemon?: { readonly device: string; readonly id: number }
  /** `ipvsadm --set`; 0 leaves the kernel's value (seconds, as in lvs.cf). */
  readonly timeouts: { readonly tcpS: number; readonly tcpFinS: number; readonly udpS: number }
  /** Connections of a server that is taken out end at once (`expire_nodest_conn`); absent = as the kernel has it. */
  readonly expireNodest?: boolean
  /** Persistent clients of a server with weight 0 are let go (`expire_quiescent_template`); absent = see `kernelSettings`. */
  readonly expireQuiescent?: boolean
  readonly failback: Failback
  readonly announce: Announce
  /** Metrics and health are offered over HTTP here too; absent = on the agent's unix socket only. */
  readonly metricsListen?: { readonly address: string; readonly port: number }
  readonly virtualServers: readonly VirtualServer[]
}

export interface DirectorAddresses {
  readonly public: string
  /** The second heartbeat path; absent where it equals the public address. */
  readonly private?: string
}

export interface HeartbeatTiming {
  /** UDP port (lvs.cf `heartbeat_port`, default 539). */
  readonly port: number
  readonly keepaliveMs: number
  /** The peer is dead when every path was silent for this long. */
  readonly deadtimeMs: number
  /** Paths beside public and private (heartbeat-paths.ts), by each director's address. */
  readonly more?: readonly { readonly primary: string; readonly backup: string }[]
}

/** What a returning director does. Piranha never fails back by itself, and neither does Shoal unless told. */
export interface Failback {
  readonly auto: boolean
  readonly delayMs: number
}

/** Gratuitous ARP after taking over: `burst` packets at once, repeated after each of `repeatMs`, then every `refreshMs` (0 = never). */
export interface Announce {
  readonly burst: number
  readonly repeatMs: readonly number[]
  readonly refreshMs: number
}

export type Protocol = 'tcp' | 'udp'

/** Ports `from` to `to`, both included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

export interface VirtualServer {
  readonly name: string
  /** Inactive virtual servers are kept in the file and not served. */
  readonly active: boolean
  readonly vip: FloatingAddress
  readonly protocol: Protocol
  readonly port: number
  /** Non-zero: the service is this firewall mark instead of address and port. */
  readonly fwmark?: number
  readonly scheduler: string
  /** Session persistence in seconds (`ipvsadm -p`). */
  readonly persistentS?: number
  /** Netmask of persistence as prefix length (`ipvsadm -M`). */
  readonly persistentPrefix?: number
  readonly sorryServer?: string
  /** A failed real server gets weight 0 instead of being removed. */
  readonly quiesce: boolean
  readonly loadMonitor?: string
  /** Where a real server tells its load (TCP, the text of /proc/loadavg), when `loadMonitor` is set. */
  readonly loadPort?: number
  /** With a mark: packets to these ports of the virtual IP carry it; absent = to `port` (every port where that is 0). */
  readonly markPorts?: readonly PortRange[]
  /** A server that comes back gets its weight gradually over this long; absent = at once. */
  readonly slowStartMs?: number
  readonly check: Check
  readonly realServers: readonly RealServer[]
}

export interface RealServer {
  readonly name: string
  readonly active: boolean
  readonly address: string
  readonly port: number
  readonly weight: number
}
