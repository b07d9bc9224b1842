/**
 * Judges the way of a packet through a cluster from facts gathered over SSH: which hop is the first that stops it. Pure.
 *
 *     client ──ARP──► virtual IP on a director ──table──► route ──► real server: MAC, address, rp_filter, MTU, firewall, socket ──► back
 */
import { isActiveIn } from '../../domain/activity.ts'
import { clusterAddressOf, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, RealServerDraft, ServiceDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import type { Hop, HopKind, HopVerdict, Trace, TracedPath } from '../../domain/trace.ts'
import { virtualIpOf, virtualIpsOf, vipsText } from '../../domain/virtual-ips.ts'
import type { VirtualIp } from '../../domain/virtual-ips.ts'
import type { Surveyed } from './finding.ts'
import { tunnelBytes } from './look.ts'

export interface TraceInput {
  readonly draft: ClusterDraft
  readonly surveyed: readonly Surveyed[]
  readonly atMs: number
  /**
   * Real servers nobody logs in to, asked from the standby director, by virtual IP and host: whether a ping to the virtual IP laid on the
   * way to that server was answered.
   */
  readonly takesVip?: Readonly<Record<string, Readonly<Record<string, boolean>>>>
}

type Nic = HostFacts['nics'][number]

/** The card that has an address. */
function nicWith(facts: HostFacts | undefined, address: string): Nic | undefined {
  return facts?.nics.find((nic) => nic.addresses.some((each) => each.address === address))
}

/** The route a host takes to an address: the longest prefix that has it, as the kernel's main table says. */
function routeTo(facts: HostFacts, address: string): HostFacts['routes'][number] | undefined {
  const length = (to: string): number => (to === 'default' ? 0 : Number(to.split('/')[1] ?? 32))
  return [...facts.routes]
    .filter(({ to }) => to === 'default' || inSameNetwork(to.split('/')[0] ?? '', address, length(to)))
    .sort((a, b) => length(b.to) - length(a.to))[0]
}

/** A kernel value of a card: the greater of `all` and the card counts for these (ip-sysctl). */
function effective(facts: HostFacts, device: string, name: string): number {
  const value = (of: string): number => Number(facts.sysctls[`net.ipv4.conf.${of}.${name}`] ?? '0')
  return Math.max(value('all'), value(device.replaceAll('.', '/')))
}

function hop(
  kind: HopKind,
  hostId: string,
  verdict: HopVerdict,
  asked: { readonly command: string; readonly answer: string },
  detail: Hop['detail'],
): Hop {
  return { kind, hostId, verdict, ...asked, detail }
}

const passOr = (passes: boolean): HopVerdict => (passes ? 'passes' : 'stops')

/** What the table of a director says of one service and server. */
function tableEntry(
  table: string,
  draft: ClusterDraft,
  service: ServiceDraft,
  address: string,
): { readonly service: boolean; readonly weight?: number } {
  const vip = virtualIpOf(draft, service).address
  const key =
    service.fwmark.trim() === ''
      ? `-${service.protocol === 'udp' ? 'u' : 't'} ${vip}:${service.port.trim()}`
      : `-f ${service.fwmark.trim()}`
  const lines = table.split('\n').map((line) => `${line.trim()} `)
  const server = lines.find(
    (line) => line.startsWith('-a ') && line.includes(`${key} `) && line.includes(`-r ${address}:`),
  )
  const weight = / -w (\d+) /.exec(server ?? '')?.[1]
  return {
    service: lines.some((line) => line.startsWith('-A ') && line.includes(`${key} `)),
    ...(server === undefined ? {} : { weight: Number(weight ?? '1') }),
  }
}

/** The cluster as seen from one of its virtual IPs. */
interface Scene extends TraceInput {
  readonly vip: string
  /** Interface or alias label of it. */
  readonly device: string
  readonly active: Surveyed | undefined
  readonly standby: Surveyed | undefined
}

/** The hops before a service is chosen: who has the virtual IP, and who answers for it. */
function hopsToDirector(scene: Scene): readonly Hop[] {
  const { draft, surveyed, vip, active } = scene
  const directors = surveyed.filter(({ role }) => role === 'director')
  const holders = directors.filter(({ facts }) => nicWith(facts, vip) !== undefined)
  const command = `ip -4 addr show to ${vip}/32`
  const answer = directors
    .map(({ host, facts }) => `${host.name}: ${facts ? (nicWith(facts, vip)?.name ?? '-') : '?'}`)
    .join('; ')
  const unheard = directors.some(({ facts }) => facts === undefined)
  const names = holders.map(({ host }) => host.name).join(', ')
  const held = hop(
    'vip-held',
    active?.hostId ?? '',
    holders.length === 1 ? 'passes' : holders.length === 0 && unheard ? 'unknown' : 'stops',
    { command, answer },
    { vip, holder: names === '' ? '-' : names },
  )
  if (!active?.facts) return [held]

  const own = new Set(active.facts.nics.map(({ mac }) => mac))
  const asked = surveyed.filter((each) => each.hostId !== active.hostId && each.look?.asked)
  const macs = [...new Set(asked.flatMap(({ look }) => look?.vipMacs[vip] ?? []))]
  const strangers = macs.filter((mac) => !own.has(mac))
  const ownerOf = (mac: string): string =>
    surveyed.find(({ facts }) => facts?.nics.some((nic) => nic.mac === mac))?.host.name ?? mac
  // A real server that would answer may have lost the race this time: its kernel values tell.
  const loud =
    draft.forwarding === 'direct' && draft.realServerWay.direct === 'sysctl'
      ? surveyed.filter(({ role, facts }) => {
          if (role !== 'real-server' || !facts || !nicWith(facts, vip)) return false
          return facts.nics.some(
            (nic) => nic.mac !== '' && nic.addresses.length > 0 && effective(facts, nic.name, 'arp_ignore') === 0,
          )
        })
      : []
  const wrong = [...new Set([...strangers.map(ownerOf), ...loud.map(({ host }) => host.name)])]
  const culprit = loud[0]?.hostId ?? surveyed.find(({ host }) => host.name === wrong[0])?.hostId ?? ''
  const quiet = macs.length > 0 || asked.length === 0
  const mac = hop(
    'vip-mac',
    wrong.length > 0 ? culprit : active.hostId,
    wrong.length > 0 ? 'stops' : asked.length === 0 ? 'unknown' : passOr(quiet),
    {
      command: `arping -D -I ${interfaceOf(scene.device)} ${vip}; sysctl net.ipv4.conf.all.arp_ignore`,
      answer: [macs.join(', ') || 'no answer', ...loud.map(({ host }) => `${host.name}: arp_ignore 0`)].join('; '),
    },
    { vip, holder: active.host.name, mac: macs[0] ?? '-', wrong: wrong.join(', ') || 'nobody' },
  )
  const device = nicWith(active.facts, vip)
  const card = hop(
    'director-card',
    active.hostId,
    passOr(device?.up ?? false),
    { command: `ip link show ${device?.name ?? ''}`, answer: device?.up ? 'UP' : 'DOWN' },
    { host: active.host.name, device: device?.name ?? '-' },
  )
  return [held, mac, card]
}

/** The hops on the director for one service and server. */
function hopsOnDirector(scene: Scene, service: ServiceDraft, server: RealServerDraft): readonly Hop[] {
  const { draft, active } = scene
  const facts = active?.facts
  if (!active || !facts) return []
  const { hostId } = active
  const host = active.host.name
  const address = clusterAddressOf(server)
  const { protocol } = service
  const port = service.port.trim()
  const entry = tableEntry(facts.ipvs.table, draft, service, address)
  const serves = (entry.weight ?? 0) > 0
  const refuses = facts.firewall.inputDrops || (draft.forwarding === 'nat' && facts.firewall.forwardDrops)
  const hops: Hop[] = [
    // A firewall that refuses the unknown may well know this service; only with other signs of trouble it is named.
    hop(
      'director-firewall',
      hostId,
      refuses ? 'unknown' : 'passes',
      { command: 'nft list ruleset; iptables -S', answer: facts.firewall.active.join(', ') || '-' },
      { host, protocol, port },
    ),
  ]
  if (draft.forwarding === 'nat') {
    const value = facts.sysctls['net.ipv4.ip_forward'] ?? '?'
    hops.push(
      hop(
        'director-forwards',
        hostId,
        passOr(value === '1'),
        { command: 'sysctl net.ipv4.ip_forward', answer: value },
        { host, value },
      ),
    )
  }
  // A client from afar is answered by the default route; one that came in by another card is dropped there (ip-sysctl, rp_filter 1).
  const arrives = nicWith(facts, scene.vip)?.name
  const out = facts.routes.find(({ to }) => to === 'default')
  if (arrives !== undefined) {
    const filter = effective(facts, arrives, 'rp_filter')
    hops.push(
      hop(
        'path-filter',
        hostId,
        passOr(filter !== 1 || out === undefined || out.device === arrives),
        { command: `sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.${arrives}.rp_filter`, answer: String(filter) },
        { host, device: arrives, value: filter, back: out?.device ?? '-' },
      ),
    )
  }
  const wrong = !entry.service ? 'the service is not in it' : entry.weight === undefined ? 'not in it' : 'weight 0'
  hops.push(
    hop(
      'table',
      hostId,
      passOr(serves),
      { command: 'ipvsadm-save -n', answer: serves ? `-r ${address} -w ${entry.weight ?? 0}` : wrong },
      { host, server: server.name, weight: entry.weight ?? 0, wrong },
    ),
  )
  const route = routeTo(facts, address)
  const beyond = draft.forwarding === 'direct' && route?.via !== undefined
  const device = facts.nics.find(({ name }) => name === route?.device)
  const why = !route ? 'no route' : beyond ? `it is behind the router ${route.via ?? ''}` : `${route.device} is down`
  hops.push(
    hop(
      'way-there',
      hostId,
      passOr(route !== undefined && !beyond && device?.up !== false),
      {
        command: `ip route get ${address}`,
        answer: route
          ? [route.to, route.via === undefined ? '' : `via ${route.via}`, `dev ${route.device}`].join(' ')
          : '-',
      },
      { host, address, device: route?.device ?? '-', wrong: why },
    ),
  )
  return hops
}

/** The hops on the real server and back. */
function hopsOnServer(scene: Scene, service: ServiceDraft, server: RealServerDraft): readonly Hop[] {
  const { draft, surveyed, vip, active } = scene
  const seat = surveyed.find(({ hostId }) => hostId === server.id)
  const facts = seat?.facts
  const hostId = server.id
  const host = server.name
  const address = clusterAddressOf(server)
  const hops: Hop[] = []

  const asked = [scene.standby, active].flatMap((each) => (each?.look?.asked ? [each.look] : []))
  const macs = [...new Set(asked.flatMap((look) => look.macs[address] ?? []))]
  const own = facts?.nics.map(({ mac }) => mac)
  const strangers = own ? macs.filter((mac) => !own.includes(mac)) : []
  const directors = new Set(
    surveyed.filter(({ role }) => role === 'director').flatMap((each) => each.facts?.nics.map(({ mac }) => mac) ?? []),
  )
  const onSegment = active?.facts && routeTo(active.facts, address)?.via === undefined
  if (onSegment && asked.length > 0) {
    const bad = macs.length === 0 || strangers.length > 0 || macs.length > 1 || macs.some((mac) => directors.has(mac))
    hops.push(
      hop(
        'server-mac',
        hostId,
        passOr(!bad),
        { command: `arping ${address}`, answer: macs.join(', ') || 'no answer' },
        { host, address, mac: macs[0] ?? '-', wrong: macs.length === 0 ? 'nobody' : macs.join(', ') },
      ),
    )
  }

  const target = draft.forwarding === 'nat' ? address : vip
  const port =
    draft.forwarding === 'nat' && service.realPort.trim() !== '' ? service.realPort.trim() : service.port.trim()
  if (!facts) {
    const taken = scene.takesVip?.[vip]?.[hostId]
    const answer = taken === undefined ? (seat?.problem?.code ?? '-') : taken ? 'answered' : 'no answer'
    hops.push(
      hop(
        'server-takes',
        hostId,
        taken === undefined ? 'unknown' : passOr(taken),
        { command: `ip route add ${vip}/32 via ${address}; ping -c 1 ${vip} (on the standby director)`, answer },
        { host, address: target, device: '-', wrong: 'a packet laid on its way was not answered' },
      ),
    )
    return hops
  }

  const holder = nicWith(facts, target)
  const wantedDevice = draft.forwarding === 'nat' ? undefined : draft.forwarding === 'tunnel' ? 'tunl0' : 'lo'
  const tunnelCard = facts.nics.find(({ name }) => name === 'tunl0')
  const tunnelDown = draft.forwarding === 'tunnel' && (tunnelCard === undefined || !tunnelCard.up)
  hops.push(
    hop(
      'server-takes',
      hostId,
      passOr(holder !== undefined && !tunnelDown),
      { command: `ip -4 addr show to ${target}/32`, answer: holder?.name ?? '-' },
      {
        host,
        address: target,
        device: holder?.name ?? '-',
        wrong: holder === undefined ? `it is on no card (wanted: ${wantedDevice ?? 'its own'})` : 'tunl0 is down',
      },
    ),
  )

  const card = nicWith(facts, address)
  const back = facts.routes.find(({ to }) => to === 'default')
  const arrives = draft.forwarding === 'tunnel' ? 'tunl0' : (card?.name ?? '')
  const filter = effective(facts, arrives, 'rp_filter')
  hops.push(
    hop(
      'path-filter',
      hostId,
      arrives === '' ? 'unknown' : passOr(filter !== 1 || back === undefined || back.device === arrives),
      { command: `sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.${arrives}.rp_filter`, answer: String(filter) },
      { host, device: arrives, value: filter, back: back?.device ?? '-' },
    ),
  )

  const activeCard = active ? nicWith(active.facts, vip) : undefined
  if (activeCard && card) {
    const wanted = activeCard.mtu
    const carried = [scene.active, scene.standby].flatMap((each) => each?.look?.tunnels[address] ?? [])[0]
    const bytes = draft.forwarding === 'tunnel' ? (carried ?? card.mtu) - tunnelBytes : card.mtu
    // With a tunnel 20 bytes are always missing; what counts is whether the real server tells clients of it (plan: MSS).
    const least = draft.forwarding === 'tunnel' ? wanted - tunnelBytes : wanted
    hops.push(
      hop(
        'mtu',
        hostId,
        passOr(bytes >= least),
        { command: `ip link show ${activeCard.name}; ip link show ${card.name}`, answer: `${wanted}; ${card.mtu}` },
        { host, wanted: least, bytes },
      ),
    )
  }

  const { protocol } = service
  hops.push(
    hop(
      'server-firewall',
      hostId,
      facts.firewall.inputDrops ? 'unknown' : 'passes',
      { command: 'nft list ruleset; iptables -S', answer: facts.firewall.active.join(', ') || '-' },
      { host, protocol, port },
    ),
  )

  const sockets = facts.listening.filter((socket) => socket.protocol === protocol && String(socket.port) === port)
  const anywhere = ['0.0.0.0', '*', '::', '[::]']
  const fitting = sockets.find((socket) => anywhere.includes(socket.address) || socket.address === target)
  hops.push(
    hop(
      'listening',
      hostId,
      passOr(fitting !== undefined),
      {
        command: `ss -Hln${protocol === 'udp' ? 'u' : 't'} sport = :${port}`,
        answer:
          sockets.map((socket) => `${socket.address}:${socket.port} ${socket.process ?? ''}`.trim()).join(', ') || '-',
      },
      {
        host,
        address: target,
        port,
        process: fitting?.process ?? '-',
        bound: fitting?.address ?? '-',
        wrong:
          sockets.length === 0
            ? 'no socket has this port'
            : `only on ${sockets.map((socket) => socket.address).join(', ')}`,
      },
    ),
  )
  hops.push(wayBack(scene, facts, server, back))
  return hops
}

function wayBack(
  { draft, active }: Scene,
  facts: HostFacts,
  server: RealServerDraft,
  back: HostFacts['routes'][number] | undefined,
): Hop {
  const host = server.name
  const asked = {
    command: 'ip route show default; ip rule',
    answer: [back ? `via ${back.via ?? '-'} dev ${back.device}` : '-', ...facts.rules].join('; '),
  }
  const via = back?.via ?? back?.device ?? '-'
  if (draft.forwarding !== 'nat') {
    return hop('way-back', server.id, passOr(back !== undefined), asked, {
      host,
      via,
      wrong: 'it has no default route',
    })
  }
  const router = draft.natRouter.address.trim()
  const held = nicWith(active?.facts, router) !== undefined
  const policy = draft.realServerWay.nat === 'policy-route'
  const routed = policy ? facts.rules.length > 0 || back?.via === router : back?.via === router
  const wrong = !routed
    ? `its gateway is ${back?.via ?? 'none'} and not ${router}`
    : `${active?.host.name ?? 'no director'} does not hold ${router}`
  return hop('way-back', server.id, passOr(routed && held), asked, { host, via: router, wrong })
}

/**
 * The table is empty of a server whose check fails, and a check fails for a reason further on: such a hop is told as following from that
 * one. A firewall that could not be judged is the suspect when the check fails and nothing else is wrong.
 */
function settled(hops: readonly Hop[]): readonly Hop[] {
  const table = hops.findIndex(({ kind }) => kind === 'table')
  const fails = hops[table]?.verdict === 'stops'
  if (!fails) return hops
  const later = hops.some(({ verdict }, at) => at > table && verdict === 'stops')
  if (later) return hops.map((each, at) => (at === table ? { ...each, verdict: 'follows' as const } : each))
  const suspect = hops.findIndex(({ kind, verdict }) => kind === 'server-firewall' && verdict === 'unknown')
  if (suspect < 0) return hops
  return hops.map((each, at) => {
    if (at === suspect) return { ...each, verdict: 'stops' as const }
    return at === table ? { ...each, verdict: 'follows' as const } : each
  })
}

/** Every way of a cluster, judged. */
export function traceOf(input: TraceInput): Trace {
  const { draft, surveyed } = input
  const directors = surveyed.filter(({ role }) => role === 'director')
  const sceneOf = ({ address: vip, device }: VirtualIp): Scene => {
    const active = directors.find(({ facts }) => nicWith(facts, vip) !== undefined)
    return { ...input, vip, device, active, standby: directors.find((each) => each !== active) }
  }
  const scenes = new Map(virtualIpsOf(draft).map((vip) => [vip.id, sceneOf(vip)]))
  const first = new Map([...scenes].map(([id, scene]) => [id, hopsToDirector(scene)]))
  const paths = draft.services.flatMap((service) => {
    const vip = virtualIpOf(draft, service)
    const scene = scenes.get(vip.id) ?? sceneOf(vip)
    const served = draft.realServers.filter((server) => isActiveIn(service, server))
    return served.map((server): TracedPath => {
      const hops = settled([
        ...(first.get(vip.id) ?? []),
        ...hopsOnDirector(scene, service, server),
        ...hopsOnServer(scene, service, server),
      ])
      const firstWrong = hops.findIndex(({ verdict }) => verdict === 'stops')
      return {
        service: service.name.trim(),
        server: server.name.trim(),
        hops,
        ...(firstWrong < 0 ? {} : { firstWrong }),
      }
    })
  })
  return { atMs: input.atMs, vip: vipsText(draft), paths }
}

/**
 * Shell for the standby director: lays one ping to the virtual IP on the way to each real server nobody logs in to (by its IPv4 address),
 * and prints `takes ADDRESS yes|no`. The route is there for the moment of the ping only, and touches nothing that holds or serves the
 * virtual IP.
 */
export function takesVipScript(vip: string, addresses: readonly string[]): string {
  return `if ip -4 -o addr show to ${vip}/32 | grep -q .; then exit 0; fi
command -v ping >/dev/null || exit 0
trap 'ip route del ${vip}/32 2>/dev/null' EXIT
${addresses
  .map(
    (address) => `ip route replace ${vip}/32 via ${address} 2>/dev/null && {
  if ping -n -q -c 2 -i 0.3 -W 1 ${vip} >/dev/null 2>&1; then echo 'takes ${address} yes'; else echo 'takes ${address} no'; fi
  ip route del ${vip}/32
}`,
  )
  .join('\n')}
exit 0`
}
