// The lab's address plans as plain data: which hosts there are, on which segments, with which addresses, and where the
// client stands. Pure, so that tests and the wizard's end-to-end runs can read a plan without a lab being up.
// "client" is the namespace itself: it owns one address on every segment it can reach and is the hosts' gateway.

export const LAYOUT_NAMES = ['dr', 'nat', 'tun', 'dr-private'] as const
export type LayoutName = (typeof LAYOUT_NAMES)[number]

type Segment = {
  readonly name: string
  /** Name of the bridge in the namespace (at most 15 bytes). */
  readonly bridge: string
  readonly prefix: number
  /** The client's own address on this segment; absent where the client has no leg. */
  readonly client?: string
}

export type Nic = {
  readonly segment: string
  readonly address: string
  readonly prefix: number
  readonly mac: string
  /** Name of the tap device that is this NIC's cable (at most 15 bytes). */
  readonly tap: string
  /** Name inside the host. */
  readonly device: string
}

export type Host = {
  readonly name: string
  readonly role: 'director' | 'real'
  readonly nics: readonly [Nic, ...Nic[]]
  readonly gateway?: string
}

export type Layout = {
  readonly name: LayoutName
  readonly forwarding: 'dr' | 'nat' | 'tun'
  readonly vip: string
  /** The inner address the directors share, NAT only. */
  readonly natRouter?: string
  /** The client's address on the virtual IP's segment. */
  readonly client: string
  /** True where the namespace forwards between its segments. */
  readonly routed: boolean
  readonly segments: readonly Segment[]
  readonly hosts: readonly Host[]
}

/** The seeds have two real servers; more than this and a two-core machine no longer boots them in reasonable time. */
export const REAL_SERVERS_DEFAULT = 2
export const REAL_SERVERS_MOST = 12

type Plan = {
  readonly forwarding: Layout['forwarding']
  readonly vip: string
  readonly natRouter?: string
  readonly client: string
  readonly routed: boolean
  readonly segments: readonly Segment[]
  /** One row per director: its address on each listed segment, in NIC order. */
  readonly directors: readonly (readonly (readonly [segment: string, address: string])[])[]
  readonly directorGateway: string
  readonly realSegment: string
  /** The network part, then the last octets in the order the real servers take them. */
  readonly realNet: string
  readonly realOctets: readonly number[]
  readonly realGateway: string
}

const PLANS: Record<LayoutName, Plan> = {
  // Everything on one segment, the addresses of the first published walk-through of Piranha in DR mode.
  dr: {
    forwarding: 'dr',
    vip: '192.168.2.27',
    client: '192.168.2.1',
    routed: false,
    segments: [{ name: 'lan', bridge: 'br-lan', prefix: 24, client: '192.168.2.1' }],
    directors: [[['lan', '192.168.2.117']], [['lan', '192.168.2.15']]],
    directorGateway: '192.168.2.1',
    realSegment: 'lan',
    realNet: '192.168.2.',
    realOctets: [243, 111, 112, 113, 114, 115, 116, 118, 119, 120, 121, 122],
    realGateway: '192.168.2.1',
  },
  // Two segments with the directors between them. The real servers' way back is the NAT router address, which no
  // host holds until a director takes it: their replies go nowhere before that, as on a real site.
  nat: {
    forwarding: 'nat',
    vip: '10.10.1.30',
    natRouter: '10.8.8.30',
    client: '10.10.1.1',
    routed: false,
    segments: [
      { name: 'outer', bridge: 'br-outer', prefix: 24, client: '10.10.1.1' },
      // The client's leg inside is the administrator's: SSH to the real servers. Requests to the virtual IP leave
      // from the outer address, so the way back still has to be the director.
      { name: 'inner', bridge: 'br-inner', prefix: 24, client: '10.8.8.1' },
    ],
    directors: [
      [
        ['outer', '10.10.1.31'],
        ['inner', '10.8.8.31'],
      ],
      [
        ['outer', '10.10.1.32'],
        ['inner', '10.8.8.32'],
      ],
    ],
    directorGateway: '10.10.1.1',
    realSegment: 'inner',
    realNet: '10.8.8.',
    realOctets: [33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44],
    realGateway: '10.8.8.30',
  },
  // Directors and real servers on different segments with the namespace as the router between them: direct routing
  // cannot work here, a request only arrives inside an IP-in-IP packet, and the reply goes straight to the client.
  tun: {
    forwarding: 'tun',
    vip: '10.20.1.30',
    client: '10.20.1.1',
    routed: true,
    segments: [
      { name: 'front', bridge: 'br-front', prefix: 24, client: '10.20.1.1' },
      { name: 'far', bridge: 'br-far', prefix: 24, client: '10.20.2.1' },
    ],
    directors: [[['front', '10.20.1.31']], [['front', '10.20.1.32']]],
    directorGateway: '10.20.1.1',
    realSegment: 'far',
    realNet: '10.20.2.',
    realOctets: [33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44],
    realGateway: '10.20.2.1',
  },
  // DR with a second cable between the directors for the heartbeat; nobody else is on it. The walk-through this comes
  // from puts the real servers on 192.168.0.112/.113, but direct routing rewrites only the MAC address and so needs
  // them on the virtual IP's segment: the same host numbers on 192.168.2.0/24 are used.
  'dr-private': {
    forwarding: 'dr',
    vip: '192.168.2.168',
    client: '192.168.2.1',
    routed: false,
    segments: [
      { name: 'lan', bridge: 'br-lan', prefix: 24, client: '192.168.2.1' },
      { name: 'private', bridge: 'br-private', prefix: 24 },
    ],
    directors: [
      [
        ['lan', '192.168.2.167'],
        ['private', '10.0.0.1'],
      ],
      [
        ['lan', '192.168.2.165'],
        ['private', '10.0.0.2'],
      ],
    ],
    directorGateway: '192.168.2.1',
    realSegment: 'lan',
    realNet: '192.168.2.',
    realOctets: [112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123],
    realGateway: '192.168.2.1',
  },
}

export function isLayoutName(text: string): text is LayoutName {
  return LAYOUT_NAMES.some((name) => name === text)
}

/**
 * The whole plan of a layout with the wanted number of real servers.
 * Throws a RangeError when that number is not between 1 and REAL_SERVERS_MOST.
 */
export function layoutOf(name: LayoutName, realServers: number = REAL_SERVERS_DEFAULT): Layout {
  if (!Number.isInteger(realServers) || realServers < 1 || realServers > REAL_SERVERS_MOST)
    throw new RangeError(`The lab takes 1 to ${REAL_SERVERS_MOST} real servers, not ${realServers}`)
  const plan = PLANS[name]
  const directors = plan.directors.map((legs, index) =>
    host(plan, 'director', `lvs${index + 1}`, index + 1, legs, plan.directorGateway),
  )
  const real = plan.realOctets
    .slice(0, realServers)
    .map((octet, index) =>
      host(
        plan,
        'real',
        `rs${index + 1}`,
        directors.length + index + 1,
        [[plan.realSegment, plan.realNet + octet]],
        plan.realGateway,
      ),
    )
  return {
    name,
    forwarding: plan.forwarding,
    vip: plan.vip,
    ...(plan.natRouter === undefined ? {} : { natRouter: plan.natRouter }),
    client: plan.client,
    routed: plan.routed,
    segments: plan.segments,
    hosts: [...directors, ...real],
  }
}

function host(
  plan: Plan,
  role: Host['role'],
  name: string,
  number: number,
  legs: readonly (readonly [segment: string, address: string])[],
  gateway: string,
): Host {
  const nics = legs.map(([segment, address], index): Nic => {
    const place = plan.segments.findIndex((candidate) => candidate.name === segment)
    const on = plan.segments[place]
    if (on === undefined) throw new Error(`No segment ${segment}`)
    return {
      segment,
      address,
      prefix: on.prefix,
      mac: `02:00:00:00:0${place}:${number.toString(16).padStart(2, '0')}`,
      tap: `${name}-${index}`,
      device: `eth${index}`,
    }
  })
  const [first, ...rest] = nics
  if (first === undefined) throw new Error(`${name} has no NIC`)
  return { name, role, nics: [first, ...rest], gateway }
}
