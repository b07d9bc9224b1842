/**
 * What is looked at on a real server: whether its services listen where requests arrive, which way its answers go, and what the
 * forwarding method needs of its kernel. Pure.
 */
import { clusterAddressOf, realPortsOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft, ServiceDraft } from '../../domain/cluster.ts'
import { virtualIpOf, vipsOf } from '../../domain/virtual-ips.ts'
import { standsBeside } from './finding.ts'
import type { Known, Noting } from './finding.ts'
import { loadPort, wantsLoad } from './load-socket.ts'
import { ownSysctlPrefix } from './look.ts'

/** The address requests for a service have when they reach a real server: its virtual IP, or with NAT the host's own. */
export function arrivalAddress(draft: ClusterDraft, host: HostDraft, service: ServiceDraft): string {
  return draft.forwarding === 'nat' ? clusterAddressOf(host) : virtualIpOf(draft, service).address
}

export function checkRealServer(note: Noting, host: Known, draft: ClusterDraft): void {
  const { facts, look } = host
  for (const service of draft.services) {
    const arrival = arrivalAddress(draft, host.host, service)
    for (const text of realPortsOf(draft, service)) {
      const port = Number(text)
      const sockets = facts.listening.filter((socket) => socket.protocol === service.protocol && socket.port === port)
      const command = `ss -Hl${service.protocol[0] ?? 't'}np 'sport = :${port}'`
      if (sockets.length === 0) {
        note(host, 'service', command, '', 'service-not-listening', { protocol: service.protocol, port }, 'warning')
        continue
      }
      // `*` is a dual-stack socket; `::` in this listing is IPv6 only.
      if (sockets.some(({ address }) => address === '0.0.0.0' || address === '*' || address === arrival)) continue
      const bound = sockets.map(({ address }) => address).join(', ')
      const detail = { process: sockets[0]?.process ?? 'The service', address: bound, port, vip: arrival }
      note(host, 'service', command, bound, 'service-not-on-vip', detail)
    }
  }
  if (draft.forwarding === 'nat') checkAnswersByRouter(note, host, draft)
  else checkAnswersStraight(note, host, draft)
  if (draft.forwarding === 'tunnel' && !facts.ipip) {
    note(host, 'ipip', 'modprobe -n -q ipip', 'not found', 'ipip-missing', { kernel: facts.kernel })
  }
  for (const vip of vipsOf(draft)) {
    const redirects = facts.firewall.redirects.filter((rule) => rule.includes(vip))
    if (redirects.length === 0) continue
    const detail = { rule: redirects[0] ?? '', vip }
    note(host, 'redirect', 'iptables -t nat -S', redirects.join('\n'), 'redirect-left', detail, 'warning')
  }
  const taken = facts.listening.find(({ protocol, port }) => protocol === 'tcp' && port === loadPort)
  if (wantsLoad(draft) && taken && taken.process !== 'systemd') {
    const detail = { port: loadPort, process: taken.process ?? '?' }
    note(host, 'load-port', `ss -Hltnp 'sport = :${loadPort}'`, detail.process, 'load-port-taken', detail)
  }
  for (const line of look?.sysctlLines ?? []) {
    const wanted = /arp_ignore$/.test(line.key) ? '1' : /arp_announce$/.test(line.key) ? '2' : undefined
    if (wanted === undefined || line.value === wanted || /\.lo\./.test(line.key)) continue
    const detail = { file: line.file, key: line.key, value: line.value, wanted: `${ownSysctlPrefix}-realserver.conf` }
    note(
      host,
      'sysctl-files',
      'grep -r arp_ /etc/sysctl.d …',
      `${line.key} = ${line.value}`,
      'sysctl-overridden',
      detail,
      'warning',
    )
  }
}

/** Direct routing and tunnel: answers must go past the directors. */
function checkAnswersStraight(note: Noting, host: Known, draft: ClusterDraft): void {
  for (const route of host.facts.routes) {
    if (route.to !== 'default' || route.via === undefined) continue
    const director = draft.directors.find((entry) => clusterAddressOf(entry) === route.via)
    if (!director) continue
    const detail = { gateway: route.via, director: director.name }
    note(host, 'return-route', 'ip -4 route', `default via ${route.via}`, 'route-via-director', detail)
  }
}

/** NAT: answers must go by the address the directors share, not by one director's own; and the host must reach it. */
function checkAnswersByRouter(note: Noting, host: Known, draft: ClusterDraft): void {
  const { facts } = host
  const router = draft.natRouter.address.trim()
  if (!standsBeside(facts, router)) {
    const networks = facts.nics
      .filter(({ mac }) => mac !== '')
      .flatMap((nic) => nic.addresses.map(({ address, prefix }) => `${address}/${prefix}`))
      .join(', ')
    note(host, 'router-beside', 'ip -j addr', networks, 'router-not-beside', { router, networks })
    return
  }
  const way = draft.realServerWay.nat
  for (const vip of vipsOf(draft)) {
    if (way !== 'default-route' || !standsBeside(facts, vip)) continue
    const detail = { vip, router }
    note(host, 'answers-straight', `ip route get ${vip}`, 'on-link', 'answers-go-straight', detail, 'warning')
  }
  const own = facts.rules.filter((rule) => !/^(538[89]|54\d\d):/.test(rule))
  if (own.length > 0) {
    note(
      host,
      'policy-rules',
      'ip -4 rule',
      own.join('\n'),
      'policy-rules-found',
      { rule: own[0] ?? '', count: own.length },
      'warning',
    )
  }
}
