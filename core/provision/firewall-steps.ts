/**
 * Openings in a firewall that refuses what it does not know: heartbeat and services on a director, requests and checks on a real server.
 * By the tool that owns the firewall there; nothing is flushed, and what is opened is in chains or entries of its own. Pure.
 *
 *   firewalld   entries in the zone of the card, at once and permanently (no reload: that would forget what others added meanwhile)
 *   ufw         rules with the comment `shoal`
 *   nftables    a chain `shoal-…` in each refusing chain's own table, jumped to first (an accept elsewhere would not end there)
 *   iptables    chains SHOAL-INPUT, SHOAL-FORWARD, jumped to first
 * The last two are made by shoal-firewall.service, which follows nftables.service and iptables.service when they start anew.
 */
import { clusterAddressOf, heartbeatPort, interfaceOf, portsOf, realPortsOf } from '../../domain/cluster-lvscf.ts'
import { syncPort } from '../../domain/ipvs/connections.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Step } from '../../domain/plan.ts'
import { virtualIpOf, virtualIpsOf } from '../../domain/virtual-ips.ts'
import { loadPort, wantsLoad } from './load-socket.ts'
import { insideAddresses } from './real-server-material.ts'
import { enableParts, modulesKept, step, textFile } from './steps.ts'

const firewallUnit = 'shoal-firewall.service'
const firewallUnitPath = `/etc/systemd/system/${firewallUnit}`
const firewallProgram = '/usr/local/sbin/shoal-firewall'

/** What must pass. `from`, `to` absent = anybody, any address. */
interface Opening {
  readonly hook: 'input' | 'forward'
  readonly protocol: 'tcp' | 'udp' | 'ipencap'
  /** Destination port, or with `answers` the source port. */
  readonly port?: string
  readonly answers?: true
  readonly from?: string
  readonly to?: string
}

type FirewallTool = 'firewalld' | 'ufw' | 'nftables' | 'iptables'

/** By what the firewall of a host is opened; undefined where none refuses anything. */
export function firewallTool(facts: HostFacts): FirewallTool | undefined {
  const { active, chains, inputDrops, forwardDrops } = facts.firewall
  if (active.includes('firewalld') && facts.commands['firewall-cmd'] !== undefined) return 'firewalld'
  if (active.includes('ufw') && facts.commands['ufw'] !== undefined) return 'ufw'
  if (chains.length > 0 && facts.commands['nft'] !== undefined) return 'nftables'
  return (inputDrops || forwardDrops) && facts.commands['iptables'] !== undefined ? 'iptables' : undefined
}

/** Everything that must pass on a director: beats, the connections of a planned hand-over, what clients send. */
function directorOpenings(draft: ClusterDraft, host: HostDraft): readonly Opening[] {
  const addressesOf = (director: ClusterDraft['directors'][number]): readonly string[] =>
    [clusterAddressOf(director), director.privateAddress.trim()].filter((address) => address !== '')
  const udp = (from: string, port: number): Opening => ({ hook: 'input', protocol: 'udp', port: String(port), from })
  const peers = draft.directors.filter(({ id }) => id !== host.id)
  const self = draft.directors.filter(({ id }) => id === host.id)
  const heartbeats = peers
    .flatMap(addressesOf)
    .flatMap((from) => [heartbeatPort, syncPort].map((port) => udp(from, port)))
  // In a hand-over a director tells its own kernel, too (agent/effects/connections.ts).
  const own = self.flatMap(addressesOf).map((from) => udp(from, syncPort))
  const services = draft.services.flatMap((service) =>
    portsOf(service).map((port): Opening => ({
      hook: 'input',
      protocol: service.protocol,
      port,
      to: virtualIpOf(draft, service).address,
    })),
  )
  const answers =
    draft.forwarding === 'nat'
      ? draft.services.flatMap((service) =>
          draft.realServers.flatMap((server) =>
            realPortsOf(draft, service).map((port): Opening => ({
              hook: 'forward',
              protocol: service.protocol,
              port,
              answers: true,
              from: clusterAddressOf(server),
            })),
          ),
        )
      : []
  return [...heartbeats, ...own, ...services, ...answers]
}

/** Everything that must pass on a real server: requests, the directors' checks, the tunnel, the question for its load. */
function realServerOpenings(draft: ClusterDraft, facts: ReadonlyMap<string, HostFacts>): readonly Opening[] {
  const directors = [
    ...new Set([
      ...draft.directors.map(clusterAddressOf),
      ...(draft.forwarding === 'nat' ? insideAddresses(draft, facts) : []),
    ]),
  ]
  const requests = draft.services.flatMap((service) =>
    realPortsOf(draft, service).map((port): Opening => ({ hook: 'input', protocol: service.protocol, port })),
  )
  const tunnel = directors.map((from): Opening => ({ hook: 'input', protocol: 'ipencap', from }))
  const load = directors.map((from): Opening => ({ hook: 'input', protocol: 'tcp', port: String(loadPort), from }))
  return [...requests, ...(draft.forwarding === 'tunnel' ? tunnel : []), ...(wantsLoad(draft) ? load : [])]
}

/** An opening in the words of iptables. */
function iptablesWords({ protocol, port, answers, from, to }: Opening): string {
  return [
    `-p ${protocol === 'ipencap' ? '4' : protocol}`,
    ...(from === undefined ? [] : [`-s ${from}`]),
    ...(to === undefined ? [] : [`-d ${to}`]),
    ...(port === undefined ? [] : [`--${answers ? 'sport' : 'dport'} ${port}`]),
    '-j ACCEPT',
  ].join(' ')
}

function nftWords({ protocol, port, answers, from, to }: Opening): string {
  return [
    ...(from === undefined ? [] : [`ip saddr ${from}`]),
    ...(to === undefined ? [] : [`ip daddr ${to}`]),
    port === undefined ? 'ip protocol 4' : `${protocol} ${answers ? 'sport' : 'dport'} ${port}`,
    'accept',
  ].join(' ')
}

/** A rich rule of firewalld, as one argument between single quotes. */
function richRule({ protocol, port, from, to }: Opening): string {
  return [
    'rule family="ipv4"',
    ...(from === undefined ? [] : [`source address="${from}"`]),
    ...(to === undefined ? [] : [`destination address="${to}"`]),
    port === undefined ? 'protocol value="4"' : `port port="${port}" protocol="${protocol}"`,
    'accept',
  ].join(' ')
}

function ufwWords({ protocol, port, from, to }: Opening): string {
  return `allow in proto ${protocol === 'ipencap' ? 'ipip' : protocol} from ${from ?? 'any'} to ${to ?? 'any'}${port === undefined ? '' : ` port ${port}`}`
}

function ufwRouteWords({ protocol, port, from }: Opening): string {
  return `route allow proto ${protocol} from ${from ?? 'any'} port ${port ?? ''} to any`
}

function programText(up: string, down: string, check: string): string {
  const indented = (text: string): string => text.replace(/^(?=.)/gm, '    ')
  return `#!/bin/sh
# Written by Shoal: what has to pass the firewall of this host for the cluster.
set -eu
case "\${1:-}" in
  up)
${indented(up)}
    ;;
  down)
${indented(down)}
    ;;
  check)
${indented(check)}
    ;;
esac
`
}

function iptablesProgram(openings: readonly Opening[]): string {
  const chains = (['input', 'forward'] as const).filter((hook) => openings.some((each) => each.hook === hook))
  const upper = (hook: string): string => hook.toUpperCase()
  return programText(
    chains
      .map((hook) => {
        const chain = `SHOAL-${upper(hook)}`
        const rules = openings.filter((each) => each.hook === hook)
        return `iptables -w -N ${chain} 2>/dev/null || iptables -w -F ${chain}
${rules.map((each) => `iptables -w -A ${chain} ${iptablesWords(each)}`).join('\n')}
iptables -w -C ${upper(hook)} -j ${chain} 2>/dev/null || iptables -w -I ${upper(hook)} -j ${chain}`
      })
      .join('\n'),
    chains
      .map(
        (hook) => `while iptables -w -D ${upper(hook)} -j SHOAL-${upper(hook)} 2>/dev/null; do :; done
iptables -w -F SHOAL-${upper(hook)} 2>/dev/null || true
iptables -w -X SHOAL-${upper(hook)} 2>/dev/null || true`,
      )
      .join('\n'),
    [
      ...chains.map((hook) => `iptables -w -C ${upper(hook)} -j SHOAL-${upper(hook)} 2>/dev/null`),
      ...openings.map((each) => `iptables -w -C SHOAL-${upper(each.hook)} ${iptablesWords(each)} 2>/dev/null`),
    ].join('\n'),
  )
}

function nftProgram(openings: readonly Opening[], chains: HostFacts['firewall']['chains']): string {
  const used = chains.filter(({ hook }) => openings.some((each) => each.hook === hook))
  return programText(
    used
      .map(({ family, table, chain, hook }) => {
        const own = `shoal-${chain}`
        const rules = openings.filter((each) => each.hook === hook)
        return `nft add chain ${family} ${table} ${own}
nft flush chain ${family} ${table} ${own}
${rules.map((each) => `nft add rule ${family} ${table} ${own} ${nftWords(each)}`).join('\n')}
nft list chain ${family} ${table} ${chain} | grep -q 'jump ${own}' || nft insert rule ${family} ${table} ${chain} jump ${own}`
      })
      .join('\n'),
    used
      .map(
        ({
          family,
          table,
          chain,
        }) => `nft -a list chain ${family} ${table} ${chain} 2>/dev/null | sed -n 's/.*jump shoal-${chain} # handle \\([0-9]*\\)$/\\1/p' | while read -r handle; do
  nft delete rule ${family} ${table} ${chain} handle "$handle"
done
nft delete chain ${family} ${table} shoal-${chain} 2>/dev/null || true`,
      )
      .join('\n'),
    used
      .map(
        ({
          family,
          table,
          chain,
          hook,
        }) => `nft list chain ${family} ${table} ${chain} 2>/dev/null | grep -q 'jump shoal-${chain}'
[ "$(nft list chain ${family} ${table} shoal-${chain} 2>/dev/null | grep -c accept)" = ${openings.filter((each) => each.hook === hook).length} ]`,
      )
      .join('\n'),
  )
}

const unitText = `# Written by Shoal: the openings of the cluster, made again whenever the firewall is.
[Unit]
Description=Shoal firewall openings
After=nftables.service iptables.service netfilter-persistent.service
PartOf=nftables.service iptables.service netfilter-persistent.service
ReloadPropagatedFrom=nftables.service iptables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${firewallProgram} up
ExecReload=${firewallProgram} up
ExecStop=${firewallProgram} down

[Install]
WantedBy=multi-user.target
`

/** Entries of a tool that keeps them itself: each asked for, added and removed by its own words. */
function entriesStep(
  host: HostDraft,
  detail: Step['detail'],
  entries: readonly { readonly has: string; readonly add: string; readonly remove: string }[],
): Step {
  return step(host, 'firewall', {
    detail,
    alreadySo: entries.map(({ has }) => `${has} || exit 1`).join('\n'),
    // Only what was not there before is removed again.
    run: entries
      .map(({ has, add }, at) => `if ! ${has} >/dev/null 2>&1; then : >"$KEPT/opened-${at}"; ${add}; fi`)
      .join('\n'),
    inverse: entries.map(({ remove }, at) => `if [ -e "$KEPT/opened-${at}" ]; then ${remove}; fi`).join('\n'),
  })
}

function firewalldStep(
  host: HostDraft,
  facts: HostFacts,
  openings: readonly Opening[],
  cards: readonly string[],
): Step {
  const { zones } = facts.firewall
  const used = [...new Set(cards.map((card) => zones[card] ?? zones[''] ?? 'public'))].filter((zone) =>
    /^[\w.-]+$/.test(zone),
  )
  const entries = used.flatMap((zone) =>
    openings
      .filter(({ hook }) => hook === 'input')
      .flatMap((each) =>
        ['', ' --permanent'].map((lasting) => {
          const command = (verb: string): string =>
            `firewall-cmd -q${lasting} --zone=${zone} --${verb}-rich-rule='${richRule(each)}'`
          return { has: command('query'), add: command('add'), remove: command('remove') }
        }),
      ),
  )
  return entriesStep(host, { tool: 'firewalld', count: openings.length }, entries)
}

function ufwStep(host: HostDraft, openings: readonly Opening[]): Step {
  const entries = openings.map((each) => {
    const words = each.hook === 'input' ? ufwWords(each) : ufwRouteWords(each)
    const remove = words.startsWith('route ')
      ? `ufw route delete ${words.slice('route '.length)}`
      : `ufw delete ${words}`
    return {
      has: `ufw show added | grep -qF ${JSON.stringify(words.replace(/^(route )?allow in /, '$1allow in '))}`,
      add: `ufw ${words} comment shoal`,
      remove,
    }
  })
  return entriesStep(host, { tool: 'ufw', count: openings.length }, entries)
}

/** The openings of a host; none where nothing is refused or the operator does it. */
export function firewallSteps(
  draft: ClusterDraft,
  host: HostDraft,
  known: HostFacts,
  role: 'director' | 'real-server',
  facts: ReadonlyMap<string, HostFacts>,
): readonly Step[] {
  const tool = firewallTool(known)
  if (tool === undefined || !draft.consent.firewall) return []
  const openings = role === 'director' ? directorOpenings(draft, host) : realServerOpenings(draft, facts)
  if (tool === 'ufw') return [ufwStep(host, openings)]
  if (tool === 'firewalld') {
    const addresses = [clusterAddressOf(host)]
    const own = known.nics.filter((nic) => nic.addresses.some(({ address }) => addresses.includes(address)))
    const cards =
      role === 'director'
        ? [...virtualIpsOf(draft).map(({ device }) => interfaceOf(device)), ...own.map(({ name }) => name)]
        : own.map(({ name }) => name)
    return [firewalldStep(host, known, openings, [...new Set(cards)])]
  }
  const program = tool === 'nftables' ? nftProgram(openings, known.firewall.chains) : iptablesProgram(openings)
  const { alreadySo, run, inverse, settle } = enableParts(firewallUnit)
  // Loaded by the rules themselves.
  const kept = modulesKept(['xt_tcpudp'])
  return [
    step(host, 'firewall', {
      detail: { tool, count: openings.length },
      files: [textFile(firewallProgram, '0755', program), textFile(firewallUnitPath, '0644', unitText)],
      alreadySo: `${alreadySo ?? ''} || exit 1
systemctl is-active -q ${firewallUnit} || exit 1
${firewallProgram} check`,
      run: `${kept.run}
${run ?? ''}
systemctl restart ${firewallUnit}
${firewallProgram} check`,
      inverse: `systemctl stop ${firewallUnit}
${kept.inverse}
${inverse ?? ''}`,
      ...(settle === undefined ? {} : { settle }),
    }),
  ]
}
