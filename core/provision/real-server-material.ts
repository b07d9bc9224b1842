/**
 * What makes a host a real server, by forwarding method: one script with `up`, `down` and `check`, the unit that runs it at every boot
 * whatever manages the network, and the files by which a network manager that would undo it is told. Pure text; the plan, the script
 * for hosts without a login and the proof read the same.
 *
 *   direct, sysctl     kernel silent about addresses of other cards (sysctl file), virtual IP on lo
 *   direct, arptables  ARP for the virtual IP dropped, its own requests sent with the host's address; virtual IP on lo
 *   tunnel             module ipip, tunl0 up with the virtual IP, reverse path filter loose there, kernel silent
 *   NAT, default       0.0.0.0/1 and 128.0.0.0/1 by the router address: they win over the default route, which stays for the day this
 *                      is taken back. SSH keeps the old way by a policy rule, so that no login is cut, now or later.
 *   NAT, policy        only what the services answer goes by the router address (policy rules on the source port)
 */
import { clusterAddressOf, realPortsOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import { ownSysctlPrefix } from './look.ts'

export const realServerSysctlPath = `${ownSysctlPrefix}-realserver.conf`
export const realServerUnit = 'shoal-realserver.service'
export const realServerUnitPath = `/etc/systemd/system/${realServerUnit}`
export const realServerProgram = '/usr/local/sbin/shoal-realserver'

/** Routing tables and rule priorities of ours: 539 is the port of the heartbeat, so they are easy to recognise. */
const sshTable = 5390
const answersTable = 5391
const sshOnLinkPriority = 5388
const sshAwayPriority = 5389
const firstAnswerPriority = 5400
/** The halves of the whole address space: longer than a default route, so they win, shorter than any other. */
const halves = ['0.0.0.0/1', '128.0.0.0/1'] as const
/** Routes of at most this length are passed over where SSH looks for its way: the default route and its halves. */
const halfLength = 1
const defaultSshPort = 22

const tunnelValues = {
  'net.ipv4.conf.tunl0.rp_filter': '2',
  'net.ipv4.conf.tunl0.arp_ignore': '1',
  'net.ipv4.conf.tunl0.arp_announce': '2',
} as const
/** Kernel values of tunl0 that a tunnel's real server sets. */
export const tunnelKeys: readonly string[] = Object.keys(tunnelValues)

/** What a real server gets. */
export interface Material {
  /** The card the virtual IP is put on; absent with NAT. */
  readonly device?: 'lo' | 'tunl0'
  /** Kernel values set before anything else, and at boot by their own file. */
  readonly values: Readonly<Record<string, string>>
  readonly modules: readonly string[]
  readonly program: string
  readonly unit: string
}

/** Whether the answers of a real server go through the directors already, by a default route of the host's own. */
export function routesByRouter(draft: ClusterDraft, facts: HostFacts | undefined): boolean {
  const router = draft.natRouter.address.trim()
  return facts?.routes.some(({ to, via }) => to === 'default' && via === router) ?? false
}

/** Addresses of the directors on the inside network, where the health checks come from: as typed, and as found there. */
export function insideAddresses(draft: ClusterDraft, facts: ReadonlyMap<string, HostFacts>): readonly string[] {
  const router = draft.natRouter.address.trim()
  const prefix = Number(draft.natRouter.prefix.trim()) || 32
  const typed = draft.directors.flatMap((director) => [clusterAddressOf(director), director.privateAddress.trim()])
  const found = draft.directors.flatMap(
    ({ id }) => facts.get(id)?.nics.flatMap(({ addresses }) => addresses.map(({ address }) => address)) ?? [],
  )
  const floating = [router, ...vipsOf(draft), '']
  return [...new Set([...typed, ...found])].filter(
    (address) => !floating.includes(address) && inSameNetwork(address, router, prefix),
  )
}

/** The script's beginning, its three verbs and its end. */
function programText(
  about: string,
  parts: { readonly set?: string; readonly up: string; readonly down: string; readonly check: string },
): string {
  const indented = (text: string): string => text.replace(/^(?=.)/gm, '    ')
  return `#!/bin/sh
# Written by Shoal: ${about}
# up: make it so; down: take it back; check: exit 0 when it is so.
set -eu
${parts.set === undefined ? '' : `${parts.set}\n`}case "\${1:-}" in
  up)
${indented(parts.up)}
    ;;
  down)
${indented(parts.down)}
    ;;
  check)
${indented(parts.check)}
    ;;
  *)
    echo 'shoal-realserver up | down | check' >&2
    exit 2
    ;;
esac
`
}

/** The unit that makes it so again at boot. */
function unitText(about: string, needs: string): string {
  return `# Written by Shoal: ${about}
[Unit]
Description=Shoal real server
${needs}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${realServerProgram} up
ExecStop=${realServerProgram} down
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
`
}

/** Before anything that needs a route or a name; the network manager may come later. */
const earlyUnit = 'After=network.target'
const routedUnit = 'After=network-online.target\nWants=network-online.target'

/** Kernel values of silence about addresses of other cards; a stricter value already set is kept. */
function silentValues(facts: HostFacts | undefined): Readonly<Record<string, string>> {
  const ignore = facts?.sysctls['net.ipv4.conf.all.arp_ignore']
  return {
    // On `all`, not on lo: the card that hears the question decides (effective value = the greater of all and the card).
    'net.ipv4.conf.all.arp_ignore': ignore === '2' ? '2' : '1',
    'net.ipv4.conf.all.arp_announce': '2',
  }
}

function has(vip: string, device: string): string {
  return `ip -4 -o address show dev ${device} | grep -qF ' ${vip}/32 '`
}

/** One line for each virtual IP. */
function each(vips: readonly string[], line: (vip: string) => string): string {
  return vips.map(line).join('\n')
}

function directBySysctl(
  vips: readonly string[],
  values: Readonly<Record<string, string>>,
): Omit<Material, 'values' | 'modules'> {
  const about = `this real server accepts ${vips.join(', ')} on lo and keeps silent about it on the network (direct routing)`
  const wanted = Object.entries(values)
  return {
    device: 'lo',
    program: programText(about, {
      up: `# Silence first: an address that is announced draws the clients to this host.
sysctl -q -p ${realServerSysctlPath}
${each(vips, (vip) => `ip address replace ${vip}/32 dev lo`)}`,
      down: each(vips, (vip) => `ip address del ${vip}/32 dev lo 2>/dev/null || true`),
      check: [
        ...wanted.map(([key, value]) => `[ "$(sysctl -n ${key})" = ${value} ]`),
        ...vips.map((vip) => has(vip, 'lo')),
      ].join('\n'),
    }),
    unit: unitText(about, `${earlyUnit}\nConditionPathExists=${realServerSysctlPath}`),
  }
}

function directByArptables(vips: readonly string[], own: string): Omit<Material, 'values' | 'modules'> {
  const about = `this real server accepts ${vips.join(', ')} on lo and filters its ARP packets (direct routing)`
  return {
    device: 'lo',
    program: programText(about, {
      set: `listed() { arptables -L "$1" -n | grep -q -- "-j $2\\b"; }`,
      up: `# Silence first: an address that is announced draws the clients to this host.
arptables -N SHOAL-IN 2>/dev/null || arptables -F SHOAL-IN
${each(vips, (vip) => `arptables -A SHOAL-IN -d ${vip} -j DROP`)}
arptables -N SHOAL-OUT 2>/dev/null || arptables -F SHOAL-OUT
${each(vips, (vip) => `arptables -A SHOAL-OUT -s ${vip} -j mangle --mangle-ip-s ${own}`)}
listed INPUT SHOAL-IN || arptables -I INPUT -j SHOAL-IN
listed OUTPUT SHOAL-OUT || arptables -I OUTPUT -j SHOAL-OUT
${each(vips, (vip) => `ip address replace ${vip}/32 dev lo`)}`,
      down: `${each(vips, (vip) => `ip address del ${vip}/32 dev lo 2>/dev/null || true`)}
for chain in IN OUT; do
  arptables -D "\${chain}PUT" -j "SHOAL-$chain" 2>/dev/null || true
  arptables -F "SHOAL-$chain" 2>/dev/null || true
  arptables -X "SHOAL-$chain" 2>/dev/null || true
done`,
      // Last, and only where its table is there already: the older arptables loads its modules to answer.
      check: `${each(vips, (vip) => has(vip, 'lo'))}
[ -d /sys/module/arptable_filter ] || arptables -V | grep -qF nf_tables
listed INPUT SHOAL-IN
listed OUTPUT SHOAL-OUT
${each(vips, (vip) => `arptables -L SHOAL-IN -n | grep -q${vips.length > 1 ? 'w' : ''}F '${vip}'`)}
arptables -L SHOAL-OUT -n | grep -qF '${own}'`,
    }),
    unit: unitText(about, earlyUnit),
  }
}

function byTunnel(
  vips: readonly string[],
  values: Readonly<Record<string, string>>,
): Omit<Material, 'values' | 'modules'> {
  const about = `this real server unwraps what the directors send it in IP in IP, and accepts ${vips.join(', ')} on tunl0`
  return {
    device: 'tunl0',
    program: programText(about, {
      up: `sysctl -q -p ${realServerSysctlPath}
modprobe ipip
# The unwrapped packet comes in by tunl0, the way back to its sender is another card: 2 takes it when there is a way at all.
sysctl -q -w ${Object.entries(tunnelValues)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}
ip link set tunl0 up
${each(vips, (vip) => `ip address replace ${vip}/32 dev tunl0`)}`,
      down: `${each(vips, (vip) => `ip address del ${vip}/32 dev tunl0 2>/dev/null || true`)}
# Somebody else's address there keeps it up.
ip -4 -o address show dev tunl0 2>/dev/null | grep -q . || ip link set tunl0 down 2>/dev/null || true`,
      check: [
        ...Object.entries(values).map(([key, value]) => `[ "$(sysctl -n ${key})" = ${value} ]`),
        '[ "$(sysctl -n net.ipv4.conf.tunl0.rp_filter)" = 2 ]',
        'ip link show dev tunl0 up | grep -q .',
        ...vips.map((vip) => has(vip, 'tunl0')),
      ].join('\n'),
    }),
    unit: unitText(about, `${earlyUnit}\nConditionPathExists=${realServerSysctlPath}`),
  }
}

const ruleHelper = `rule() { ip -4 rule show pref "$1" | grep -q . || ip -4 rule add pref "$@"; }
ruled() { ip -4 rule show pref "$1" | grep -q .; }
forget() {
  for pref in "$@"; do while ip -4 rule del pref "$pref" 2>/dev/null; do :; done; done
}`

function ownCard(own: string): string {
  return `card=$(ip -4 -o address show to ${own}/32 | { read -r _ name _ && echo "$name"; })`
}

function byDefaultRoute(draft: ClusterDraft, own: string, sshPort: number): Omit<Material, 'values' | 'modules'> {
  const router = draft.natRouter.address.trim()
  const about = `the answers of this real server go by ${router}, the address the directors share (NAT, default route)`
  return {
    program: programText(about, {
      set: `${ruleHelper}
# The way out that the host itself has; SSH goes on by it.
way() {
  ip -4 route show default | while read -r _ words; do
    set -- $words
    via= dev=
    while [ $# -gt 1 ]; do
      case $1 in via) via=$2 ;; dev) dev=$2 ;; esac
      shift
    done
    if [ -n "$via" ] && [ "$via" != ${router} ]; then echo "via $via dev $dev"; break; fi
  done
}`,
      up: `${ownCard(own)}
old=$(way)
if [ -n "$old" ]; then
  # SSH first: from here on no login can be cut by what follows.
  ip -4 route replace table ${sshTable} default $old
  rule ${sshOnLinkPriority} ipproto tcp sport ${sshPort} lookup main suppress_prefixlength ${halfLength}
  rule ${sshAwayPriority} ipproto tcp sport ${sshPort} lookup ${sshTable}
fi
${halves.map((half) => `ip -4 route replace ${half} via ${router} dev "$card"`).join('\n')}`,
      down: `${halves.map((half) => `ip -4 route del ${half} via ${router} 2>/dev/null || true`).join('\n')}
forget ${sshOnLinkPriority} ${sshAwayPriority}
ip -4 route flush table ${sshTable} 2>/dev/null || true`,
      check: `${halves.map((half) => `ip -4 route show ${half} | grep -qF 'via ${router} '`).join('\n')}
if [ -n "$(way)" ]; then
  ruled ${sshOnLinkPriority}
  ruled ${sshAwayPriority}
  ip -4 route show table ${sshTable} | grep -qF "default $(way)"
fi`,
    }),
    unit: unitText(about, routedUnit),
  }
}

interface AnswerRule {
  readonly priority: number
  readonly protocol: 'tcp' | 'udp'
  readonly port: string
}

/** One rule for each port the services answer from. */
function answerRules(draft: ClusterDraft): readonly AnswerRule[] {
  const ports = draft.services.flatMap((service) =>
    realPortsOf(draft, service).map((port) => ({ protocol: service.protocol, port })),
  )
  const seen = new Set<string>()
  const distinct = ports.filter(({ protocol, port }) => {
    const name = `${protocol} ${port}`
    return !seen.has(name) && seen.add(name)
  })
  return distinct.map((each, at) => ({ ...each, priority: firstAnswerPriority + at }))
}

function byPolicyRoute(
  draft: ClusterDraft,
  own: string,
  inside: readonly string[],
): Omit<Material, 'values' | 'modules'> {
  const router = draft.natRouter.address.trim()
  const rules = answerRules(draft)
  const about = `what the services of this real server answer goes by ${router}, the address the directors share (NAT, policy route)`
  return {
    program: programText(about, {
      set: ruleHelper,
      up: `${ownCard(own)}
ip -4 route replace table ${answersTable} default via ${router} dev "$card"
# The directors' health checks are answered straight.
${inside.map((address) => `ip -4 route replace table ${answersTable} ${address}/32 dev "$card" scope link`).join('\n')}
${rules
  .map(
    ({ priority, protocol, port }) =>
      `rule ${priority} from ${own} ipproto ${protocol} sport ${port} lookup ${answersTable}`,
  )
  .join('\n')}`,
      down: `forget ${rules.map(({ priority }) => priority).join(' ')}
ip -4 route flush table ${answersTable} 2>/dev/null || true`,
      check: `ip -4 route show table ${answersTable} | grep -qF 'default via ${router} '
${rules
  .map(({ priority, port }) => `ip -4 rule show pref ${priority} | grep -F 'from ${own} ' | grep -q 'sport ${port}\\b'`)
  .join('\n')}`,
    }),
    unit: unitText(about, routedUnit),
  }
}

/** Everything a host needs to be a real server of the draft. Without facts (a host set up by hand) defaults are assumed. */
export function realServerMaterial(
  draft: ClusterDraft,
  host: HostDraft,
  facts: ReadonlyMap<string, HostFacts>,
): Material {
  const vips = vipsOf(draft)
  const own = clusterAddressOf(host)
  const known = facts.get(host.id)
  const silence = silentValues(known)
  if (draft.forwarding === 'tunnel') return { ...byTunnel(vips, silence), values: silence, modules: ['ipip'] }
  if (draft.forwarding === 'direct') {
    return draft.realServerWay.direct === 'arptables'
      ? { ...directByArptables(vips, own), values: {}, modules: [] }
      : { ...directBySysctl(vips, silence), values: silence, modules: [] }
  }
  const card = known?.nics.find(({ addresses }) => addresses.some(({ address }) => address === own))?.name
  // Answers may leave by another card than requests come in by; the way is checked loosely then (ip-sysctl rp_filter).
  const strict = card !== undefined && Number(known?.sysctls[`net.ipv4.conf.${card}.rp_filter`] ?? 0) === 1
  const strictAll = Number(known?.sysctls['net.ipv4.conf.all.rp_filter'] ?? 0) === 1
  const values: Readonly<Record<string, string>> =
    card !== undefined && (strict || strictAll) ? { [`net.ipv4.conf.${card.replaceAll('.', '/')}.rp_filter`]: '2' } : {}
  const material =
    draft.realServerWay.nat === 'policy-route'
      ? byPolicyRoute(draft, own, insideAddresses(draft, facts))
      : byDefaultRoute(draft, own, known?.ssh?.port ?? (Number(host.port) || defaultSshPort))
  return { ...material, values, modules: [] }
}

/** The same for systemd-networkd, which forgets routes and rules that its own files do not name when a link comes back. */
export function networkdRoutes(draft: ClusterDraft, host: HostDraft, facts: ReadonlyMap<string, HostFacts>): string {
  const router = draft.natRouter.address.trim()
  const own = clusterAddressOf(host)
  const known = facts.get(host.id)
  const section = (name: string, ...lines: readonly string[]): string => `\n[${name}]\n${lines.join('\n')}\n`
  if (draft.realServerWay.nat === 'policy-route') {
    return [
      section('Route', `Table=${answersTable}`, `Gateway=${router}`),
      ...insideAddresses(draft, facts).map((address) =>
        section('Route', `Table=${answersTable}`, `Destination=${address}/32`, 'Scope=link'),
      ),
      ...answerRules(draft).map(({ priority, protocol, port }) =>
        section(
          'RoutingPolicyRule',
          `Priority=${priority}`,
          `From=${own}`,
          `IPProtocol=${protocol}`,
          `SourcePort=${port}`,
          `Table=${answersTable}`,
        ),
      ),
    ].join('')
  }
  const old = known?.routes.find(({ to, via }) => to === 'default' && via !== undefined && via !== router)?.via
  const ssh = known?.ssh?.port ?? (Number(host.port) || defaultSshPort)
  const sshRule = (...lines: readonly string[]): string =>
    section('RoutingPolicyRule', 'IPProtocol=tcp', `SourcePort=${ssh}`, ...lines)
  return [
    ...halves.map((half) => section('Route', `Destination=${half}`, `Gateway=${router}`)),
    ...(old === undefined
      ? []
      : [
          section('Route', `Table=${sshTable}`, `Gateway=${old}`),
          sshRule(`Priority=${sshOnLinkPriority}`, 'Table=main', `SuppressPrefixLength=${halfLength}`),
          sshRule(`Priority=${sshAwayPriority}`, `Table=${sshTable}`),
        ]),
  ].join('')
}
