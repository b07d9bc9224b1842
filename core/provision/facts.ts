/**
 * What is to be known of a host before anything is changed: one read-only script, and the reading of its answer into HostFacts. Pure.
 * The script changes nothing, starts nothing and needs nothing but a POSIX shell; a tool that is missing leaves its section empty.
 * What comes back is data from another machine: every value is bounded and validated before anyone uses it.
 */
import { z } from 'zod'
import { hostFactsSchema } from '../../domain/facts.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'

/** Where a director's files are; also read by the plan. */
export const lvscfPath = '/etc/sysconfig/ha/lvs.cf'
export const clusterKeyPath = '/etc/shoal/cluster.key'
export const agentCurrentPath = '/opt/shoal/current'
export const agentUnit = 'shoal-agent.service'

/** Schedulers of the kernel that have a module (Documentation/networking/ipvs-sysctl and net/netfilter/ipvs/Kconfig). */
const kernelSchedulers = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'mh',
  'twos',
] as const

/** Programs that also move virtual IPs or write the IPVS table, by unit name. */
const rivalUnits = [
  'keepalived',
  'ldirectord',
  'heartbeat',
  'pacemaker',
  'corosync',
  'pulse',
  'ucarp',
  'vrrpd',
  'kube-proxy',
]
const firewallUnits = ['firewalld', 'nftables', 'ufw', 'iptables']
const networkManagers = ['NetworkManager', 'systemd-networkd', 'networking', 'wicked', 'dhcpcd'] as const
/** Firmware names of clouds whose network drops packets of addresses it was not told of (DMI sys_vendor, chassis_asset_tag). */
const clouds = /amazon|google|microsoft corporation|openstack|alibaba|digitalocean|hetzner/i
/** The kernel's own policy rules: local, main, default. */
const ownRules = ['0', '32766', '32767']

const commandsOfInterest = [
  'ip',
  'ss',
  'ipvsadm',
  'modprobe',
  'sysctl',
  'systemctl',
  'base64',
  'sha256sum',
  'gzip',
  'mktemp',
  'flock',
  'groupadd',
  'usermod',
  'gpasswd',
  'apt-get',
  'dnf',
  'yum',
  'zypper',
  'iptables',
  'arptables',
  'nft',
  'firewall-cmd',
  'ufw',
  'networkctl',
  'nmcli',
  'systemd-run',
  'ethtool',
  'tcpdump',
]

const sysctlFiles = [
  'ip_forward',
  'conf/*/arp_ignore',
  'conf/*/arp_announce',
  'conf/*/rp_filter',
  'conf/*/send_redirects',
  'conf/*/accept_redirects',
  'conf/*/proxy_arp',
  'conf/*/drop_gratuitous_arp',
  'vs/expire_nodest_conn',
  'vs/expire_quiescent_template',
  'vs/conntrack',
  'vs/conn_reuse_mode',
]

/**
 * The script. `mark` is a fresh random word, so that no file's content can pass for a section's heading. It is to be run as root
 * where root can be had (the IPVS table, owners of sockets and the cluster key are hidden from others).
 */
export function factsScript(mark: string): string {
  return `s() { printf '\\n@${mark} %s\\n' "$1"; }
s time; date +%s%N
s uid; id -u
s host; uname -n
s kernel; uname -r; uname -m
s os; cat /etc/os-release 2>/dev/null
s cpus; getconf _NPROCESSORS_ONLN 2>/dev/null
s memory; while read -r k v u; do [ "$k" = MemTotal: ] && echo "$v" && break; done </proc/meminfo
s disk; df -Pk / /opt /etc /var /var/lib /tmp 2>/dev/null
s init; read -r i </proc/1/comm; echo "$i"
s machine-id; cat /etc/machine-id 2>/dev/null
s addr; ip -j addr 2>/dev/null
s route; ip -j -4 route 2>/dev/null
s rule; ip -4 rule 2>/dev/null | head -n 100
s ssh; p=$$; n=0; while [ "$p" -gt 1 ] && [ $n -lt 12 ]; do c=$(tr '\\0' '\\n' </proc/$p/environ 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p' | head -n 1); if [ -n "$c" ]; then echo "$c"; break; fi; while read -r k v; do [ "$k" = PPid: ] && p=$v && break; done </proc/$p/status 2>/dev/null || break; n=$((n+1)); done
s container; systemd-detect-virt -c 2>/dev/null
s cloud; cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/chassis_asset_tag 2>/dev/null
s immutable; command -v transactional-update rpm-ostree; [ -w /etc ] || echo read-only
s lro; command -v ethtool >/dev/null && for c in /sys/class/net/*; do c=\${c##*/}; ethtool -k "$c" 2>/dev/null | grep -q '^large-receive-offload: on' && echo "$c"; done
s ipip; { [ -d /sys/module/ipip ] || modprobe -n -q ipip 2>/dev/null; } && echo yes
s networkd; grep -sHE '^(ADMIN_STATE|NETWORK_FILE)=' /run/systemd/netif/links/*
s nmcli; [ -d /run/NetworkManager ] && nmcli -t -f DEVICE,STATE device 2>/dev/null | head -n 100
s sysctl; grep -sH . ${sysctlFiles.map((file) => `/proc/sys/net/ipv4/${file}`).join(' ')}
s ip-vs-probe; modprobe -n -q ip_vs 2>/dev/null; echo $?
s ip-vs-loaded; [ -e /proc/net/ip_vs ] && echo yes
s ip-vs-modules; grep -hos 'ip_vs[a-z_]*\\.ko' "/lib/modules/$(uname -r)/modules.dep" "/lib/modules/$(uname -r)/modules.builtin" | sort -u
s ip-vs-table; [ -e /proc/net/ip_vs ] && ipvsadm-save -n 2>/dev/null
s commands; for c in ${commandsOfInterest.join(' ')}; do p=$(command -v "$c") && echo "$c $p"; done
s arping; p=$(command -v arping) && echo "$p" && arping -V 2>&1 | head -n 1
s units; systemctl show -p Id -p LoadState -p UnitFileState -p ActiveState ${[...rivalUnits, ...firewallUnits, ...networkManagers, 'shoal-agent'].map((unit) => `${unit}.service`).join(' ')} 2>/dev/null
s running; pgrep -l -x '${rivalUnits.join('|')}' 2>/dev/null
s tcp; ss -Hltnp 2>/dev/null
s udp; ss -Hlunp 2>/dev/null
s nft; while read -r m x; do [ "$m" = nf_tables ] && nft list ruleset 2>/dev/null | head -n 2000 && break; done </proc/modules
s iptables; grep -qsx filter /proc/net/ip_tables_names && iptables -S 2>/dev/null | head -n 1000
s iptables-nat; grep -qsx nat /proc/net/ip_tables_names && iptables -t nat -S 2>/dev/null | head -n 500
s ufw; command -v ufw >/dev/null && ufw status 2>/dev/null | head -n 1
s zones; systemctl is-active -q firewalld 2>/dev/null && { echo "default $(firewall-cmd --get-default-zone 2>/dev/null)"; firewall-cmd --get-active-zones 2>/dev/null; }
s selinux; command -v getenforce >/dev/null && getenforce
s apparmor; sed -n 's/ (enforce)$//p' /sys/kernel/security/apparmor/profiles 2>/dev/null | head -n 1000
s shoal-agent; readlink ${agentCurrentPath} 2>/dev/null
s shoal-files; sha256sum ${lvscfPath} ${clusterKeyPath} 2>/dev/null
s lvscf; [ -f ${lvscfPath} ] && echo present && base64 <${lvscfPath}
s end`
}

/** How the facts were got: what the answer itself cannot say. */
export interface Asked {
  /** When the answer's first line arrived, wall clock of this machine in ms. */
  readonly atMs: number
  /** How long a message takes there and back, in ms. */
  readonly roundTripMs: number
  readonly rootBy: HostFacts['rootBy']
  /** Who is asked, for problems. */
  readonly hostId: string
  readonly address: string
  readonly user: string
}

const ipAddrSchema = z.array(
  z.object({
    ifindex: z.number().optional(),
    ifname: z.string().max(64),
    address: z.string().max(64).optional(),
    flags: z.array(z.string()).optional(),
    operstate: z.string().optional(),
    mtu: z.number().optional(),
    link_type: z.string().optional(),
    addr_info: z
      .array(
        z.object({
          family: z.string().optional(),
          local: z.string().max(64).optional(),
          prefixlen: z.number().optional(),
          label: z.string().max(64).optional(),
          dynamic: z.boolean().optional(),
        }),
      )
      .optional(),
  }),
)

const ipRouteSchema = z.array(
  z.object({ dst: z.string().max(64), gateway: z.string().max(64).optional(), dev: z.string().max(64).optional() }),
)

function sections(answer: string, mark: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const part of answer.split(`\n@${mark} `).slice(1)) {
    const end = part.indexOf('\n')
    if (end >= 0) found.set(part.slice(0, end), part.slice(end + 1))
    else found.set(part, '')
  }
  return found
}

function parseJson<T>(text: string, schema: z.ZodType<T>, otherwise: T): T {
  try {
    // `ip -j` prints empty objects for what another namespace owns; they fail the schema one by one.
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return otherwise
    return schema.parse(
      value.filter((entry) => typeof entry === 'object' && entry !== null && Object.keys(entry).length > 0),
    )
  } catch {
    return otherwise
  }
}

function wordsOf(text: string, most = 200): string {
  return text.trim().slice(0, most)
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}

function osRelease(text: string): HostFacts['os'] {
  const values = new Map<string, string>()
  for (const line of lines(text)) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line)
    if (match?.[1] !== undefined) values.set(match[1], (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2').slice(0, 200))
  }
  const id = values.get('ID') ?? ''
  const like = `${id} ${values.get('ID_LIKE') ?? ''}`
  const family = /\b(debian|ubuntu)\b/.test(like)
    ? 'debian'
    : /\b(rhel|fedora|centos)\b/.test(like)
      ? 'rhel'
      : /\b(suse|opensuse|sles)\b/.test(like) || id.startsWith('opensuse')
        ? 'suse'
        : 'other'
  return { id, version: values.get('VERSION_ID') ?? '', family, pretty: values.get('PRETTY_NAME') ?? id }
}

/** Least free space in MB among the mounts that hold these directories (df -Pk answers in the order asked). */
function diskFree(text: string): HostFacts['freeMb'] {
  const mounts = lines(text).flatMap((line) => {
    const match = /\s(\d+)\s+\d+%\s+(\/\S*)$/.exec(line)
    return match ? [{ mount: match[2] ?? '/', mb: Math.floor(Number(match[1]) / 1024) }] : []
  })
  const of = (directory: string): number => {
    let best: { mount: string; mb: number } | undefined
    for (const entry of mounts) {
      const inside = directory === entry.mount || entry.mount === '/' || directory.startsWith(`${entry.mount}/`)
      if (inside && (!best || entry.mount.length > best.mount.length)) best = entry
    }
    return best?.mb ?? 0
  }
  return {
    root: Math.min(of('/opt'), of('/etc')),
    var: of('/var/lib'),
    tmp: of('/tmp'),
  }
}

interface UnitState {
  readonly enabled: boolean
  readonly running: boolean
}

function unitStates(text: string): ReadonlyMap<string, UnitState> {
  const states = new Map<string, UnitState>()
  for (const block of text.split(/\n\s*\n/)) {
    const values = new Map(
      lines(block).map((line) => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)] as const
      }),
    )
    const name = values.get('Id')?.replace(/\.service$/, '')
    if (name === undefined || values.get('LoadState') === 'not-found') continue
    states.set(name, {
      enabled: /^(enabled|enabled-runtime|generated)$/.test(values.get('UnitFileState') ?? ''),
      running: /^(active|activating|reloading)$/.test(values.get('ActiveState') ?? ''),
    })
  }
  return states
}

function listening(text: string, protocol: 'tcp' | 'udp'): HostFacts['listening'] {
  return lines(text).flatMap((line) => {
    // State Recv-Q Send-Q Local:Port Peer:Port [users:((…))]
    const words = line.trim().split(/\s+/)
    const local = words[3] ?? ''
    const at = local.lastIndexOf(':')
    const port = Number(local.slice(at + 1))
    if (at < 0 || !Number.isInteger(port)) return []
    const address = local
      .slice(0, at)
      .replace(/^\[|\]$/g, '')
      .replace(/%.*$/, '')
    const process = /users:\(\("([^"]{1,64})"/.exec(line)?.[1]
    return [{ protocol, address: address === '' ? '*' : address, port, ...(process === undefined ? {} : { process }) }]
  })
}

type Chain = HostFacts['firewall']['chains'][number]

/** The base chains of nftables that refuse packets. */
function refusingChains(nft: string): readonly Chain[] {
  const found: Chain[] = []
  let table: { family: string; name: string } | undefined
  let chain: { name: string; hook?: Chain['hook']; refuses: boolean } | undefined
  for (const line of nft.split('\n')) {
    const opened = /^table (\S+) (\S+) \{/.exec(line)
    if (opened) table = { family: opened[1] ?? '', name: opened[2] ?? '' }
    const begun = /^\tchain (\S+) \{/.exec(line)
    if (begun) chain = { name: begun[1] ?? '', refuses: false }
    if (chain) {
      const hook = /\bhook (input|forward)\b/.exec(line)?.[1]
      if (hook === 'input' || hook === 'forward') chain.hook = hook
      if (/\b(drop|reject)\b/.test(line)) chain.refuses = true
    }
    if (line !== '\t}' || !table || !chain) continue
    const { family, name } = table
    if (chain.hook && chain.refuses && /^(ip|inet)$/.test(family) && /^[A-Za-z0-9_.-]+$/.test(`${name}${chain.name}`)) {
      found.push({ family, table: name, chain: chain.name, hook: chain.hook })
    }
    chain = undefined
  }
  return found
}

/** Chains that iptables or firewalld made by nftables are theirs: an opening goes by them, not around them. */
function isOwnedByTool({ family, table, chain }: Chain): boolean {
  return table === 'firewalld' || (family === 'ip' && table === 'filter' && /^(INPUT|FORWARD)$/.test(chain))
}

/** Whether a chain of iptables refuses what it does not know. */
function iptablesRefuses(rules: string, chain: 'INPUT' | 'FORWARD'): boolean {
  return rules
    .split('\n')
    .some((line) => line === `-P ${chain} DROP` || (line.startsWith(`-A ${chain} `) && /-j (DROP|REJECT)\b/.test(line)))
}

/** firewalld's active zones: a zone's name at the line's begin, its cards in the indented line below; the default zone under ``. */
function zonesOf(text: string): Readonly<Record<string, string>> {
  const zones: Record<string, string> = {}
  let zone = ''
  for (const line of lines(text)) {
    const byDefault = /^default (\S+)$/.exec(line)
    if (byDefault) zones[''] = byDefault[1] ?? ''
    else if (!/^\s/.test(line)) zone = line.split(' ')[0] ?? ''
    else
      for (const card of /^\s+interfaces: (.*)$/.exec(line)?.[1]?.split(/\s+/) ?? [])
        if (card !== '') zones[card] = zone
  }
  return zones
}

/** Which service owns each card, and the file systemd-networkd goes by there. */
function networkOf(
  nics: readonly { readonly ifindex?: number | undefined; readonly ifname: string }[],
  units: ReadonlyMap<string, UnitState>,
  networkd: string,
  nmcli: string,
): HostFacts['network'] {
  const managers = networkManagers.filter((name) => units.get(name)?.running ?? false)
  const owners: Record<string, string> = {}
  const networkdFiles: Record<string, string> = {}
  for (const line of managers.includes('systemd-networkd') ? lines(networkd) : []) {
    const match = /\/links\/(\d+):(ADMIN_STATE|NETWORK_FILE)=(.*)$/.exec(line)
    const card = nics.find(({ ifindex }) => ifindex === Number(match?.[1]))?.ifname
    if (!match || card === undefined) continue
    const value = match[3] ?? ''
    if (match[2] === 'ADMIN_STATE' && value !== 'unmanaged') owners[card] = 'systemd-networkd'
    else if (match[2] === 'NETWORK_FILE' && /^\/[\w./@:+-]+\.network$/.test(value)) networkdFiles[card] = value
  }
  for (const line of managers.includes('NetworkManager') ? lines(nmcli) : []) {
    const [card = '', state = ''] = line.split(':')
    if (state.startsWith('connected') && !state.includes('externally')) owners[card] = 'NetworkManager'
  }
  return { managers: [...managers], owners, networkdFiles }
}

/** `203.0.113.5 50022 192.0.2.10 22`, as sshd puts it into the environment. */
function sshOf(text: string): HostFacts['ssh'] {
  const match = /^([\d.]+) \d+ ([\d.]+) (\d+)$/.exec(text.trim())
  return match ? { from: match[1] ?? '', to: match[2] ?? '', port: Number(match[3]) } : undefined
}

/** `/proc/sys/net/ipv4/conf/eth0/arp_ignore` as `net.ipv4.conf.eth0.arp_ignore` (dots in names become slashes, sysctl(8)). */
function sysctlName(path: string): string {
  return path
    .slice('/proc/sys/'.length)
    .split('/')
    .map((part) => part.replaceAll('.', '/'))
    .join('.')
}

/** Bytes of a base64 text as text: UTF-8 where it is valid, else each byte as the character of its number, so nothing is lost. */
export function decodeBase64(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let bits = 0
  let held = 0
  let bytes = ''
  for (const character of text) {
    const value = alphabet.indexOf(character)
    if (value < 0) continue
    held = held * 64 + value
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes += String.fromCharCode(Math.floor(held / 2 ** bits))
      held %= 2 ** bits
    }
  }
  try {
    return decodeURIComponent(bytes.replace(/[\u0080-\u00ff%]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`))
  } catch {
    return bytes
  }
}

/** Reads the script's answer. `answer-unreadable` when it is not one (a login script that replaced the shell, a cut answer). */
export function readFacts(answer: string, mark: string, asked: Asked): Result<HostFacts> {
  const of = sections(answer, mark)
  const unreadable = (what: string): Result<HostFacts> =>
    failed(
      problem(
        'answer-unreadable',
        { host: asked.address, what, user: asked.user },
        { kind: 'host', host: asked.hostId },
      ),
    )
  if (!of.has('end')) return unreadable('facts')
  const text = (name: string): string => of.get(name) ?? ''

  const hostTimeMs = Number(text('time').trim().slice(0, -6))
  const [kernel = '', machine = ''] = lines(text('kernel'))
  const units = unitStates(text('units'))
  const processes = new Set(lines(text('running')).map((line) => line.trim().split(/\s+/)[1] ?? ''))
  const modules = new Set(lines(text('ip-vs-modules')).map((line) => line.replace(/\.ko$/, '')))
  const loaded = text('ip-vs-loaded').trim() === 'yes'
  const schedulersFound = kernelSchedulers.filter((name) => modules.has(`ip_vs_${name}`))

  const commands: Record<string, string> = {}
  for (const line of lines(text('commands'))) {
    const [name = '', path = ''] = line.split(' ')
    if (commandsOfInterest.includes(name)) commands[name] = path.slice(0, 200)
  }
  const [arpingPath, arpingVersion] = lines(text('arping'))
  // Two programs share the name; only the one of iputils knows the options used here.
  if (arpingPath !== undefined && /iputils/.test(arpingVersion ?? '')) commands['arping'] = arpingPath.slice(0, 200)

  const sysctls: Record<string, string> = {}
  for (const line of lines(text('sysctl'))) {
    const at = line.indexOf(':')
    if (at > 0 && line.startsWith('/proc/sys/')) sysctls[sysctlName(line.slice(0, at))] = line.slice(at + 1, at + 101)
  }

  const rivals = rivalUnits.flatMap((name) => {
    const state = units.get(name)
    const running = (state?.running ?? false) || processes.has(name)
    const enabled = state?.enabled ?? false
    return running || enabled ? [{ name, enabled, running, unit: state !== undefined }] : []
  })
  const cards = parseJson(text('addr'), ipAddrSchema, [])
  const chains = refusingChains(text('nft'))
  const inputChains = chains.filter(({ hook }) => hook === 'input')
  const ufwActive = /^Status: active/.test(text('ufw').trim())
  const ssh = sshOf(text('ssh'))

  const digests = new Map(
    lines(text('shoal-files')).map((line) => {
      const [digest = '', path = ''] = line.split(/\s+/)
      return [path, digest] as const
    }),
  )
  const agentPath = wordsOf(text('shoal-agent'), 500)
  const keyDigest = digests.get(clusterKeyPath)
  const [present, ...lvscfBase64] = lines(text('lvscf'))

  const facts = {
    atMs: asked.atMs,
    hostName: wordsOf(text('host')),
    os: osRelease(text('os')),
    kernel: wordsOf(kernel),
    machine: wordsOf(machine),
    cpus: Number(text('cpus').trim()) || 1,
    memoryMb: Math.floor((Number(text('memory').trim()) || 0) / 1024),
    freeMb: diskFree(text('disk')),
    uid: /^\d+$/.test(text('uid').trim()) ? Number(text('uid').trim()) : -1,
    rootBy: asked.rootBy,
    init: wordsOf(text('init')),
    machineId: wordsOf(text('machine-id')),
    clockOffsetMs: Number.isFinite(hostTimeMs) ? Math.round(hostTimeMs - (asked.atMs - asked.roundTripMs / 2)) : 0,
    nics: cards.map((nic) => ({
      name: nic.ifname,
      mac: nic.link_type === 'ether' ? (nic.address ?? '').toLowerCase() : '',
      up: (nic.flags ?? []).includes('LOWER_UP') || nic.operstate === 'UP',
      mtu: nic.mtu ?? 0,
      addresses: (nic.addr_info ?? []).flatMap((info) =>
        info.family === 'inet' && info.local !== undefined
          ? [
              {
                address: info.local,
                prefix: info.prefixlen ?? 32,
                ...(info.label === undefined || info.label === nic.ifname ? {} : { label: info.label }),
                dynamic: info.dynamic ?? false,
              },
            ]
          : [],
      ),
    })),
    routes: parseJson(text('route'), ipRouteSchema, []).map((route) => ({
      to: route.dst,
      ...(route.gateway === undefined ? {} : { via: route.gateway }),
      device: route.dev ?? '',
    })),
    rules: lines(text('rule')).filter((line) => !ownRules.includes(line.split(':')[0] ?? '')),
    network: networkOf(cards, units, text('networkd'), text('nmcli')),
    ...(ssh ? { ssh } : {}),
    container: wordsOf(text('container')).replace(/^none$/, ''),
    cloud: clouds.exec(text('cloud'))?.[0] ?? '',
    immutable: text('immutable').trim() !== '',
    lroCards: lines(text('lro')),
    ipip: text('ipip').trim() === 'yes',
    sysctls,
    ipvs: {
      available: loaded || text('ip-vs-probe').trim() === '0' || modules.has('ip_vs'),
      loaded,
      schedulers: schedulersFound,
      table: text('ip-vs-table').trim(),
    },
    commands,
    rivals,
    listening: [...listening(text('tcp'), 'tcp'), ...listening(text('udp'), 'udp')],
    firewall: {
      active: firewallUnits.filter((name) => (units.get(name)?.running ?? false) && (name !== 'ufw' || ufwActive)),
      inputDrops: inputChains.length > 0 || iptablesRefuses(text('iptables'), 'INPUT'),
      forwardDrops: chains.length > inputChains.length || iptablesRefuses(text('iptables'), 'FORWARD'),
      chains: chains.filter((chain) => !isOwnedByTool(chain)),
      zones: zonesOf(text('zones')),
      masquerades: [
        ...lines(text('iptables-nat')).filter((line) => /-j MASQUERADE/.test(line)),
        ...lines(text('nft')).filter((line) => /\bmasquerade\b/.test(line)),
      ].map((line) => wordsOf(line)),
      redirects: lines(text('iptables-nat'))
        .filter((line) => /-j REDIRECT/.test(line))
        .map((line) => wordsOf(line)),
    },
    selinux: wordsOf(text('selinux')).toLowerCase(),
    // A `//` names a part of another profile.
    apparmor: lines(text('apparmor')).flatMap((name) =>
      name.includes('//') ? [] : [wordsOf(name.slice(name.lastIndexOf('/') + 1))],
    ),
    ...(agentPath === '' && keyDigest === undefined
      ? {}
      : {
          shoal: {
            agentVersion: agentPath.split('/').at(-1) ?? '',
            agentRunning: units.get('shoal-agent')?.running ?? false,
            configDigest: digests.get(lvscfPath) ?? '',
            clusterKeyDigest: keyDigest ?? '',
          },
        }),
    ...(present === 'present' ? { lvscf: decodeBase64(lvscfBase64.join('')) } : {}),
  }
  const checked = hostFactsSchema.safeParse(facts)
  if (!checked.success) return unreadable(checked.error.issues[0]?.path.join('.') ?? 'facts')
  // A host that prints no kernel and no addresses is not one we can plan for.
  if (checked.data.kernel === '' || checked.data.nics.length === 0) return unreadable('facts (uname, ip -j)')
  return ok(checked.data)
}
