/**
 * The kernel's table of connections as it tells it in /proc/net/ip_vs_conn (ip_vs_conn.c, ip_vs_conn_seq_show), and which of them a
 * director that hands over gives to the other one: those of its own virtual servers that a client may still send packets on, and
 * what persistence binds clients by. What the taker has left of its own last time is over by then, and is forgotten.
 */
import type { Config, Forwarding, PortRange, Protocol } from '../config.ts'
import { ipv6Groups } from '../ipv6.ts'
import { markRules } from './marks.ts'

/** The UDP port at which a kernel hears of another one's connections (ip_vs_sync.c, IP_VS_SYNC_PORT). */
export const syncPort = 8_848

/** One line of the table. Addresses as hexadecimal digits (8 or 32), ports as numbers. */
export interface Connection {
  /** `ip`: what persistence binds the clients of a firewall mark by; its virtual address is the mark. */
  readonly protocol: Protocol | 'ip'
  readonly client: string
  readonly clientPort: number
  readonly virtual: string
  readonly virtualPort: number
  readonly server: string
  readonly serverPort: number
  readonly state: string
  /** Seconds until the kernel forgets it if nothing comes. */
  readonly expiresS: number
}

/** Virtual servers whose connections are given, as the table names them. */
export interface GivenService {
  readonly protocol: Protocol
  /** Hexadecimal, as in the table. */
  readonly address: string
  /** Absent: every port. */
  readonly ports?: PortRange
  /** 0: none. */
  readonly mark: number
  readonly persistent: boolean
}

export interface Giving {
  readonly forwarding: Forwarding
  readonly services: readonly GivenService[]
  /** How long the kernel keeps a connection after its end was seen, in seconds. */
  readonly endingS: number
}

/** What the kernel is told of a connection besides what its table says. */
export interface Told {
  readonly template: boolean
  readonly mark: number
  /** Number of the state (include/net/ip_vs.h, `IP_VS_TCP_S_…`). */
  readonly state: number
  readonly active: boolean
}

/** Numbers of TCP's states. Those that are over (TIME_WAIT, CLOSE) are not among them: nothing is lost with them. */
const tcpStates: ReadonlyMap<string, number> = new Map([
  ['NONE', 0],
  ['ESTABLISHED', 1],
  ['SYN_SENT', 2],
  ['SYN_RECV', 3],
  ['FIN_WAIT', 4],
  ['CLOSE_WAIT', 7],
  ['LAST_ACK', 8],
  ['SYNACK', 10],
])
const activeStates: ReadonlySet<string> = new Set(['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'SYNACK'])
const overStates: ReadonlySet<string> = new Set(['TIME_WAIT', 'CLOSE'])
const closeState = 6
/** A client that has closed and then sent nothing for this long is not waiting for anything. */
const endingLimitS = 10
/** FIN_WAIT of a freshly loaded ip_vs, in seconds (ip_vs_proto_tcp.c). */
const kernelEndingS = 120

const space = 32
const hexPort = /^[0-9A-F]{4}$/i
const hexAddress = /^(?:[0-9A-F]{8}|[0-9A-F]{32})$/i

/**
 * Whether a line may be of a connection that is given (`chooser`): a first look at its columns (IPv4), because a busy table has thousands
 * of connections that are over for every one that is not.
 */
export function isWorthReading(line: string, { endingS }: Giving): boolean {
  if (line.charCodeAt(45) !== space || line.charCodeAt(57) !== space) return true
  const state = line.slice(46, 57)
  if (state === 'FIN_WAIT   ') return Number(line.slice(58, 65)) >= endingS - endingLimitS
  return state !== 'TIME_WAIT  ' && state !== 'CLOSE      '
}

/** One line; null for the heading and for anything else. */
export function parseConnection(line: string): Connection | null {
  return inColumns(line) ?? inWords(line)
}

/** The columns of an IPv4 line end where they should. */
const isInColumns = (line: string): boolean =>
  line.charCodeAt(3) === space &&
  line.charCodeAt(12) === space &&
  line.charCodeAt(17) === space &&
  line.charCodeAt(26) === space &&
  line.charCodeAt(31) === space &&
  line.charCodeAt(40) === space &&
  line.charCodeAt(45) === space &&
  line.charCodeAt(57) === space

/** A line of IPv4, whose columns have their places: a large table is read many times as fast as by its words. */
function inColumns(line: string): Connection | null {
  const protocol = protocolOf(line.slice(0, 3).trimEnd())
  if (protocol === null || !isInColumns(line)) return null
  const expiresS = Number(line.slice(58, 65))
  const clientPort = Number.parseInt(line.slice(13, 17), 16)
  const virtualPort = Number.parseInt(line.slice(27, 31), 16)
  const serverPort = Number.parseInt(line.slice(41, 45), 16)
  if (!Number.isInteger(clientPort + virtualPort + serverPort + expiresS)) return null
  return {
    protocol,
    client: line.slice(4, 12),
    clientPort,
    virtual: line.slice(18, 26),
    virtualPort,
    server: line.slice(32, 40),
    serverPort,
    state: line.slice(46, 57).trimEnd(),
    expiresS,
  }
}

function protocolOf(name: string): Connection['protocol'] | null {
  return name === 'TCP' ? 'tcp' : name === 'UDP' ? 'udp' : name === 'IP' ? 'ip' : null
}

function inWords(line: string): Connection | null {
  const [
    name = '',
    client = '',
    cport = '',
    virtual = '',
    vport = '',
    server = '',
    dport = '',
    state = '',
    expires = '',
  ] = line.trim().split(/\s+/)
  const protocol = protocolOf(name)
  if (protocol === null) return null
  const bare = (text: string): string => text.replaceAll(':', '').toUpperCase()
  const addresses = [bare(client), bare(virtual), bare(server)] as const
  const expiresS = Number(expires)
  if (!addresses.every((a) => hexAddress.test(a)) || ![cport, vport, dport].every((p) => hexPort.test(p))) return null
  if (!Number.isInteger(expiresS)) return null
  return {
    protocol,
    client: addresses[0],
    clientPort: Number.parseInt(cport, 16),
    virtual: addresses[1],
    virtualPort: Number.parseInt(vport, 16),
    server: addresses[2],
    serverPort: Number.parseInt(dport, 16),
    state,
    expiresS,
  }
}

/** An address as the table has it. */
export function addressHex(address: string): string {
  const six = ipv6Groups(address)
  const parts = six?.map((group) => group.toString(16).padStart(4, '0'))
  const octets = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
  return (parts ?? octets).join('').toUpperCase()
}

const givingOf = new WeakMap<Config, Giving>()

/** What a director of this config gives. */
export function givingFor(config: Config): Giving {
  const known = givingOf.get(config)
  if (known) return known
  const active = config.virtualServers.filter((v) => v.active)
  const plain = active
    .filter((v) => !v.fwmark)
    .map(({ protocol, vip, port, persistentS }): GivenService => ({
      protocol,
      address: addressHex(vip.address),
      ...(port === 0 ? {} : { ports: { from: port, to: port } }),
      mark: 0,
      persistent: persistentS !== undefined,
    }))
  const persistentMarks = new Set(active.filter((v) => v.persistentS !== undefined).map((v) => v.fwmark))
  const marked = markRules(config).map(({ protocol, address, ports, mark }): GivenService => ({
    protocol,
    address: addressHex(address),
    ...(ports ? { ports } : {}),
    mark,
    persistent: persistentMarks.has(mark),
  }))
  const giving = {
    forwarding: config.forwarding,
    services: [...marked, ...plain],
    endingS: config.timeouts.tcpFinS || kernelEndingS,
  }
  givingOf.set(config, giving)
  return giving
}

/** The virtual server of these that a connection is of. */
function finder(services: readonly GivenService[]): (connection: Connection) => GivenService | undefined {
  const byAddress = new Map<string, GivenService[]>()
  for (const service of services) {
    const key = `${service.protocol} ${service.address}`
    byAddress.set(key, [...(byAddress.get(key) ?? []), service])
  }
  return ({ protocol, virtual, virtualPort }) =>
    byAddress
      .get(`${protocol} ${virtual}`)
      ?.find(({ ports }) => !ports || (virtualPort >= ports.from && virtualPort <= ports.to))
}

/** Nobody sends packets on it any more. */
const isOver = ({ state, expiresS }: Connection, endingS: number): boolean =>
  overStates.has(state) || (state === 'FIN_WAIT' && expiresS < endingS - endingLimitS)

/**
 * Which connections a taker forgets, and what its own kernel is told of them; null = kept. They are over, and the kernel would still send
 * a client that uses the port anew, and whose new connection it has not been told of yet, to the real server of the old one, which
 * refuses it. So they are told to be this host's own (`virtual`), which refuses nothing in a takeover, and closed, which any new
 * connection may replace; after a second they are gone.
 */
export function forgetter({ services, endingS }: Giving): (connection: Connection) => [Connection, Told] | null {
  const serviceOf = finder(services)
  return (c) => {
    if (c.protocol !== 'tcp' || c.clientPort === 0 || c.client.length !== c.virtual.length) return null
    if (!isOver(c, endingS)) return null
    const service = serviceOf(c)
    if (!service) return null
    const gone = { ...c, server: c.virtual, serverPort: c.virtualPort, expiresS: 1 }
    return [gone, { template: false, mark: service.mark, state: closeState, active: true }]
  }
}

/** Which connections of the table are given, and what is told of them; null = not given. */
export function chooser({ services, endingS }: Giving): (connection: Connection) => Told | null {
  const serviceOf = finder(services)
  const persistentMarks = new Set(services.filter((v) => v.persistent).map((v) => v.mark))
  return (c) => {
    // The kernel cannot be told of a server of the other family.
    if (c.expiresS < 1 || c.client.length !== c.server.length) return null
    if (c.protocol === 'ip') {
      const mark = Number.parseInt(c.virtual.slice(0, 8), 16)
      if (c.clientPort !== 0 || mark === 0 || !persistentMarks.has(mark)) return null
      return { template: true, mark, state: c.state === 'ASSURED' ? 1 : 0, active: true }
    }
    const service = serviceOf(c)
    if (!service) return null
    const { mark } = service
    if (c.clientPort === 0)
      return service.persistent ? { template: true, mark, state: c.state === 'ASSURED' ? 1 : 0, active: true } : null
    if (c.protocol === 'udp') return { template: false, mark, state: 0, active: true }
    const state = tcpStates.get(c.state)
    if (state === undefined || isOver(c, endingS)) return null
    return { template: false, mark, state, active: activeStates.has(c.state) }
  }
}
