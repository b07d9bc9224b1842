/**
 * The second look, once the draft is known: who answers for the virtual IP on the segment, which MAC addresses the other hosts answer
 * with, and which files of a host already name the virtual IP or set our kernel values. Read-only. Pure: script and reader.
 */
import { clusterAddressOf, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import { virtualIpsOf } from '../../domain/virtual-ips.ts'

/** Files whose name begins so are ours. */
export const ownSysctlPrefix = '/etc/sysctl.d/99-zz-shoal'
const arpSeconds = 2
const beatTrials = 5
/** IP and ICMP headers of a ping. */
const pingHeaderBytes = 28
/** How long the segments are listened to: three advertisements of VRRP at its usual second. */
const listenSeconds = 3
const mostBeats = 50
/** VRRP, the old heartbeat, Piranha's pulse, corosync. */
const beatsFilter = 'ip proto 112 or udp dst port 694 or udp dst port 539 or udp dst portrange 5404-5406'
/** What IP in IP adds to each packet. */
export const tunnelBytes = 20

/** Packets of a ping between the directors. */
interface HeartbeatTrial {
  readonly local: string
  readonly remote: string
  readonly sent: number
  readonly received: number
  readonly worstMs: number
}

/** A beat of some cluster that was heard on a segment. */
interface HeardBeat {
  readonly device: string
  readonly from: string
  /** The port it was sent to; absent with VRRP. */
  readonly port?: number
  readonly vrrp?: { readonly id: number; readonly priority: number }
}

export interface HostLook {
  /** Whether somebody was asked by ARP at all (a director with iputils arping). */
  readonly asked: boolean
  /** MAC addresses that answered for each virtual IP, by address. */
  readonly vipMacs: Readonly<Record<string, readonly string[]>>
  /** MAC addresses that answered for the other hosts, by address. */
  readonly macs: Readonly<Record<string, readonly string[]>>
  /** MAC addresses that answered for the router address of NAT. */
  readonly routerMacs: readonly string[]
  /** What a tunnel to a real server carries, by its address: bytes of the longest packet tried that arrived; 0 = none. */
  readonly tunnels: Readonly<Record<string, number>>
  /** Heartbeat paths as ping saw them. */
  readonly paths: readonly HeartbeatTrial[]
  /** Beats heard on the segments of the virtual IPs, those of this very cluster among them; each sender once. */
  readonly beats: readonly HeardBeat[]
  /** Files of the network configuration that name a virtual IP. */
  readonly vipFiles: readonly { readonly vip: string; readonly file: string }[]
  /** Lines of sysctl files that set a value of ours. */
  readonly sysctlLines: readonly { readonly file: string; readonly key: string; readonly value: string }[]
}

/** Directories of static network configuration: ifupdown, netplan, NetworkManager, RHEL's and SUSE's network scripts, networkd. */
const networkDirectories = [
  '/etc/network',
  '/etc/netplan',
  '/etc/NetworkManager/system-connections',
  '/etc/sysconfig/network-scripts',
  '/etc/sysconfig/network',
  '/etc/systemd/network',
]

/** The address and interface by which a host reaches the segment of the virtual IP. */
export function placeOnSegment(
  facts: HostFacts,
  vip: string,
  device: string,
): { readonly device: string; readonly address: string } | undefined {
  const candidates = facts.nics.flatMap((nic) =>
    nic.mac === ''
      ? []
      : nic.addresses
          .filter(({ address, prefix }) => address !== vip && prefix < 32 && inSameNetwork(address, vip, prefix))
          .map(({ address }) => ({ device: nic.name, address })),
  )
  return candidates.find((candidate) => candidate.device === interfaceOf(device)) ?? candidates[0]
}

/**
 * The script for one host. Only directors ask by ARP: a real server that already has the virtual IP on lo would ask with it as its
 * own address. Asking for the virtual IP is done as duplicate address detection does (sender 0.0.0.0, RFC 5227), which changes nobody's
 * neighbour table.
 */
export function lookScript(
  mark: string,
  draft: ClusterDraft,
  role: 'director' | 'real-server',
  facts: HostFacts,
): string {
  const vips = virtualIpsOf(draft).map(({ address, device }) => ({
    address,
    place: placeOnSegment(facts, address, device),
  }))
  const place = vips[0]?.place
  const own = new Set(facts.nics.flatMap((nic) => nic.addresses.map(({ address }) => address)))
  const others = [...draft.directors, ...draft.realServers].map(clusterAddressOf).filter((address) => !own.has(address))
  const router = draft.forwarding === 'nat' ? draft.natRouter.address.trim() : ''
  const routerPlace = router === '' ? undefined : placeOnSegment(facts, router, draft.natRouter.device)
  const arps =
    role === 'director' && place && facts.commands['arping'] !== undefined
      ? [
          `s asked; echo yes`,
          ...vips.flatMap(({ address, place: there }) =>
            there === undefined
              ? []
              : [
                  `{ arping -D -c 2 -w ${arpSeconds} -I ${there.device} ${address} 2>/dev/null | sed 's/^/vip ${address} /'; } &`,
                ],
          ),
          ...(routerPlace === undefined
            ? []
            : [
                `{ arping -D -c 2 -w ${arpSeconds} -I ${routerPlace.device} ${router} 2>/dev/null | sed 's/^/router /'; } &`,
              ]),
          ...[...new Set(others)].map((address) => {
            // With direct routing all have to be on the segment of the virtual IP; else each is asked where it is.
            const there =
              draft.forwarding === 'direct' ? undefined : placeOnSegment(facts, address, draft.virtualIp.device)
            const from = there ?? place
            return `{ arping -b -c 2 -w ${arpSeconds} -s ${from.address} -I ${from.device} ${address} 2>/dev/null | sed 's/^/host ${address} /'; } &`
          }),
          ...listening(
            vips.flatMap(({ place: there }) => (there === undefined ? [] : [there.device])),
            facts,
          ),
          'wait',
        ]
      : []
  return `s() { printf '\\n@${mark} %s\\n' "$1"; }
s vip-files
${vips.map(({ address }) => `grep -rlsIwF -- '${address}' ${networkDirectories.join(' ')} | head -n 20 | sed 's/^/${address} /'`).join('\n')}
s sysctl-lines; grep -rsE '^[[:space:]]*-?net[./]ipv4[./](conf[./](all|default|lo)[./]arp_(ignore|announce)|vs[./]expire_nodest_conn|ip_forward)[[:space:]]*=' /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d | head -n 50
${arps.join('\n')}
s trials
${role === 'director' ? trials(draft, facts, own) : ''}
s end`
}

/** Listens to the segments while the others are asked; without tcpdump nothing is heard. */
function listening(devices: readonly string[], facts: HostFacts): readonly string[] {
  if (facts.commands['tcpdump'] === undefined) return []
  return [...new Set(devices)].map(
    (device) =>
      `{ timeout ${listenSeconds} tcpdump -nn -t -l -c ${mostBeats} -i ${device} '${beatsFilter}' 2>/dev/null | sort -u | sed 's/^/beat ${device} /'; } &`,
  )
}

/** A line of tcpdump with the card before it. */
function heardBeat(line: string): HeardBeat | undefined {
  const vrrp = /^beat (\S+) IP ([\d.]+) > [\d.]+: VRRPv\d.*?\bvrid (\d+), prio (\d+)/.exec(line)
  if (vrrp) {
    const [, device = '', from = '', id, priority] = vrrp
    return { device, from, vrrp: { id: Number(id), priority: Number(priority) } }
  }
  const udp = /^beat (\S+) IP (\d+\.\d+\.\d+\.\d+)\.\d+ > \d+\.\d+\.\d+\.\d+\.(\d+): /.exec(line)
  if (!udp) return undefined
  const [, device = '', from = '', port] = udp
  return { device, from, port: Number(port) }
}

/** Each sender with each of its ways to beat once. */
function beatsIn(text: string): readonly HeardBeat[] {
  const heard = new Map<string, HeardBeat>()
  for (const line of text.split('\n')) {
    const beat = heardBeat(line)
    if (beat) heard.set(`${beat.device} ${beat.from} ${beat.port ?? ''} ${beat.vrrp?.id ?? ''}`, beat)
  }
  return [...heard.values()]
}

/** Pings side by side: the paths of the heartbeat, and with a tunnel the longest packet that reaches each real server whole. */
function trials(draft: ClusterDraft, facts: HostFacts, own: ReadonlySet<string>): string {
  const [one, other] = draft.directors.map((director) => [clusterAddressOf(director), director.privateAddress.trim()])
  const pairs = [0, 1].flatMap((at) => {
    const ends = [one?.[at] ?? '', other?.[at] ?? '']
    const local = ends.find((address) => own.has(address))
    const remote = ends.find((address) => address !== '' && !own.has(address))
    return local === undefined || remote === undefined ? [] : [{ local, remote }]
  })
  const card = facts.nics.find(({ name }) => name === interfaceOf(draft.virtualIp.device))
  const sizes = tunnelSizes(card?.mtu ?? 0)
  return [
    ...pairs.map(
      ({ local, remote }) =>
        `{ ping -n -q -I ${local} -c ${beatTrials} -i 0.2 -w 3 ${remote} 2>/dev/null | tr '\\n' ' ' | sed 's/^/path ${local} ${remote} /'; echo; } &`,
    ),
    ...(draft.forwarding === 'tunnel'
      ? draft.realServers.map(
          (server) =>
            `{ for b in ${sizes.join(' ')}; do if ping -n -q -M do -c 1 -W 1 -s $((b - ${pingHeaderBytes})) ${clusterAddressOf(server)} >/dev/null 2>&1; then echo "tunnel ${clusterAddressOf(server)} $b"; break; fi; done; } &`,
        )
      : []),
    'wait',
  ].join('\n')
}

/** Packet lengths that are tried, longest first: what the card takes, and what a packet of 1500 less than the wrapping is. */
function tunnelSizes(mtu: number): readonly number[] {
  const usual = 1500
  return [...new Set([mtu, usual, usual - tunnelBytes])].filter(
    (size) => size > tunnelBytes && size <= Math.max(mtu, 0),
  )
}

/** Reads the script's answer; undefined when it is not one. */
export function readLook(answer: string, mark: string): HostLook | undefined {
  const parts = new Map(
    answer
      .split(`\n@${mark} `)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n')
        return end < 0 ? ([part, ''] as const) : ([part.slice(0, end), part.slice(end + 1)] as const)
      }),
  )
  if (!parts.has('end')) return undefined
  const vipMacs: Record<string, string[]> = {}
  const routerMacs = new Set<string>()
  const macs: Record<string, string[]> = {}
  for (const line of (parts.get('asked') ?? '').split('\n')) {
    const mac = /\[([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\]/.exec(line)?.[1]?.toLowerCase()
    if (mac === undefined) continue
    const [kind, address = ''] = line.split(' ')
    if (kind === 'router') routerMacs.add(mac)
    else if (kind === 'vip' || kind === 'host') {
      const seen = ((kind === 'vip' ? vipMacs : macs)[address] ??= [])
      if (!seen.includes(mac)) seen.push(mac)
    }
  }
  return {
    asked: (parts.get('asked') ?? '').startsWith('yes'),
    vipMacs,
    routerMacs: [...routerMacs],
    tunnels: Object.fromEntries(
      (parts.get('trials') ?? '').split('\n').flatMap((line) => {
        const match = /^tunnel ([\d.]+) (\d+)$/.exec(line)
        return match ? [[match[1] ?? '', Number(match[2])] as const] : []
      }),
    ),
    paths: (parts.get('trials') ?? '').split('\n').flatMap((line) => {
      const match = /^path ([\d.]+) ([\d.]+) .*?(\d+) packets transmitted, (\d+) received/.exec(line)
      if (!match) return []
      const worst = /= [\d.]+\/[\d.]+\/([\d.]+)\//.exec(line)?.[1]
      const [, local = '', remote = '', sent = '0', received = '0'] = match
      return [{ local, remote, sent: Number(sent), received: Number(received), worstMs: Number(worst ?? 0) }]
    }),
    macs,
    beats: beatsIn(parts.get('asked') ?? ''),
    vipFiles: (parts.get('vip-files') ?? '').split('\n').flatMap((line) => {
      const match = /^([\d.]+) (\/.*)$/.exec(line)
      return match ? [{ vip: match[1] ?? '', file: match[2] ?? '' }] : []
    }),
    sysctlLines: (parts.get('sysctl-lines') ?? '').split('\n').flatMap((line) => {
      const match = /^(\/[^:]+):\s*-?([\w./]+)\s*=\s*(\S+)/.exec(line)
      if (!match || match[1]?.startsWith(ownSysctlPrefix)) return []
      const [, file = '', key = '', value = ''] = match
      return [{ file, key: key.replaceAll('/', '.'), value }]
    }),
  }
}
