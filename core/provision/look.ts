/**
 * The second look, once the draft is known: who answers for the virtual IP on the segment, which MAC addresses the other hosts answer
 * with, and which files of a host already name the virtual IP or set our kernel values. Read-only. Pure: script and reader.
 */
import { clusterAddressOf, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'

/** Files whose name begins so are ours. */
export const ownSysctlPrefix = '/etc/sysctl.d/99-zz-shoal'
const arpSeconds = 2

export interface HostLook {
  /** Whether somebody was asked by ARP at all (a director with iputils arping). */
  readonly asked: boolean
  /** MAC addresses that answered for the virtual IP. */
  readonly vipMacs: readonly string[]
  /** MAC addresses that answered for the other hosts, by address. */
  readonly macs: Readonly<Record<string, readonly string[]>>
  /** Files of the network configuration that name the virtual IP. */
  readonly vipFiles: readonly string[]
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
  const vip = draft.virtualIp.address.trim()
  const place = placeOnSegment(facts, vip, draft.virtualIp.device)
  const own = new Set(facts.nics.flatMap((nic) => nic.addresses.map(({ address }) => address)))
  const others = [...draft.directors, ...draft.realServers].map(clusterAddressOf).filter((address) => !own.has(address))
  const arps =
    role === 'director' && place && facts.commands['arping'] !== undefined
      ? [
          `s asked; echo yes`,
          `{ arping -D -c 2 -w ${arpSeconds} -I ${place.device} ${vip} 2>/dev/null | sed 's/^/vip /'; } &`,
          ...[...new Set(others)].map(
            (address) =>
              `{ arping -b -c 2 -w ${arpSeconds} -s ${place.address} -I ${place.device} ${address} 2>/dev/null | sed 's/^/host ${address} /'; } &`,
          ),
          'wait',
        ]
      : []
  return `s() { printf '\\n@${mark} %s\\n' "$1"; }
s vip-files; grep -rlsIwF -- '${vip}' ${networkDirectories.join(' ')} | head -n 20
s sysctl-lines; grep -rsE '^[[:space:]]*-?net[./]ipv4[./](conf[./](all|default|lo)[./]arp_(ignore|announce)|vs[./]expire_nodest_conn)[[:space:]]*=' /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d | head -n 50
${arps.join('\n')}
s end`
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
  const vipMacs = new Set<string>()
  const macs: Record<string, string[]> = {}
  for (const line of (parts.get('asked') ?? '').split('\n')) {
    const mac = /\[([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\]/.exec(line)?.[1]?.toLowerCase()
    if (mac === undefined) continue
    const [kind, address = ''] = line.split(' ')
    if (kind === 'vip') vipMacs.add(mac)
    else if (kind === 'host') {
      const seen = (macs[address] ??= [])
      if (!seen.includes(mac)) seen.push(mac)
    }
  }
  return {
    asked: (parts.get('asked') ?? '').startsWith('yes'),
    vipMacs: [...vipMacs],
    macs,
    vipFiles: (parts.get('vip-files') ?? '').split('\n').filter((line) => line.startsWith('/')),
    sysctlLines: (parts.get('sysctl-lines') ?? '').split('\n').flatMap((line) => {
      const match = /^(\/[^:]+):\s*-?([\w./]+)\s*=\s*(\S+)/.exec(line)
      if (!match || match[1]?.startsWith(ownSysctlPrefix)) return []
      const [, file = '', key = '', value = ''] = match
      return [{ file, key: key.replaceAll('/', '.'), value }]
    }),
  }
}
