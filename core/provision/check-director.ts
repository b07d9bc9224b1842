/**
 * What is looked at on a director: the kernel's IPVS, the programs, other owners of virtual IPs, the cards that get floating addresses,
 * and what of its settings would disturb forwarding. Pure.
 */
import { heartbeatPort, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import { virtualIpOf, virtualIpsOf, vipsOf } from '../../domain/virtual-ips.ts'
import { consentName } from './director-steps.ts'
import { lvscfPath } from './facts.ts'
import { isOurs } from './finding.ts'
import type { Known, Noting, PreflightInput } from './finding.ts'
import { floatingCards } from './network-owner.ts'
import { cardKey } from './steps.ts'

function installer(facts: HostFacts): boolean {
  return ['apt-get', 'dnf', 'yum', 'zypper'].some((name) => facts.commands[name] !== undefined)
}

/** Whether the operator has agreed that a rival be stopped. */
export function isConsented(draft: ClusterDraft, hostId: string, rival: string): boolean {
  return draft.consent.stop.includes(consentName(hostId, rival))
}

/** Others that move virtual IPs or write the table. kube-proxy does so only where it works by IPVS, which its card shows. */
function checkRivals(note: Noting, host: Known, draft: ClusterDraft): void {
  for (const { name, running, unit } of host.facts.rivals) {
    const state = running ? 'running' : 'enabled'
    const command = `systemctl show ${name}`
    const detail = { rival: name, state, consent: consentName(host.hostId, name) }
    if (name === 'kube-proxy' && !host.facts.nics.some((nic) => nic.name === 'kube-ipvs0')) {
      note(host, 'rival', command, state, 'rival-present', detail, 'warning')
    } else if (unit && isConsented(draft, host.hostId, name)) {
      note(host, 'rival', command, state, 'rival-stopped', detail, 'note')
    } else note(host, 'rival', command, state, 'rival-present', detail)
  }
}

/** A card that gets floating addresses: there, with a link, and in the network of each. */
function checkCard(note: Noting, host: Known, device: string, addresses: readonly string[]): void {
  const { facts } = host
  const nic = facts.nics.find(({ name }) => name === device)
  const cards = facts.nics.filter(({ mac }) => mac !== '')
  if (!nic) {
    const available = cards.map(({ name }) => name).join(', ')
    note(host, 'device', 'ip -j link', cards.map(({ name }) => name).join(' '), 'device-missing', { device, available })
    return
  }
  if (!nic.up) note(host, 'device', `ip link show ${device}`, 'no carrier', 'device-down', { device })
  const subnets = nic.addresses.filter((entry) => !addresses.includes(entry.address))
  const said = subnets.map((entry) => `${entry.address}/${entry.prefix}`).join(', ')
  for (const address of addresses) {
    if (subnets.some((entry) => entry.prefix < 32 && inSameNetwork(entry.address, address, entry.prefix))) continue
    note(host, 'vip-subnet', `ip -j addr show ${device}`, said, 'vip-outside-subnet', {
      device,
      vip: address,
      subnets: said,
    })
  }
}

export function checkDirector(note: Noting, host: Known, input: PreflightInput): void {
  const { facts } = host
  const { draft } = input
  const vips = virtualIpsOf(draft)
  const said = vips.map(({ address }) => address).join(', ')

  if (facts.container !== '') {
    note(
      host,
      'container',
      'systemd-detect-virt -c',
      facts.container,
      'director-in-container',
      { container: facts.container },
      'warning',
    )
  }
  if (facts.cloud !== '') {
    note(
      host,
      'cloud',
      'cat /sys/class/dmi/id/sys_vendor',
      facts.cloud,
      'cloud-network',
      { cloud: facts.cloud, vip: said },
      'warning',
    )
  }
  if (!facts.ipvs.available) {
    note(host, 'ip-vs-available', 'modprobe -n -q ip_vs', 'not found', 'ip-vs-missing', { kernel: facts.kernel })
  } else {
    for (const scheduler of new Set(draft.services.map((service) => service.scheduler))) {
      if (facts.ipvs.schedulers.includes(scheduler)) continue
      const available = facts.ipvs.schedulers.join(' ')
      note(host, 'scheduler', `modprobe -n -q ip_vs_${scheduler}`, available, 'scheduler-missing', {
        scheduler,
        available,
      })
    }
  }
  const marks = draft.services.some(({ fwmark }) => fwmark.trim() !== '')
  for (const tool of marks ? ['ipvsadm', 'iptables'] : ['ipvsadm']) {
    if (facts.commands[tool] !== undefined) continue
    const detail = { tool, package: tool }
    if (installer(facts)) note(host, tool, `command -v ${tool}`, '', 'tool-missing', detail, 'note')
    else note(host, tool, `command -v ${tool}`, '', 'tool-missing-block', detail)
  }
  checkRivals(note, host, draft)
  checkTable(note, host, input)

  const cards = [...new Set(vips.map(({ device }) => interfaceOf(device)))]
  for (const card of cards) {
    const there = vips.filter(({ device }) => interfaceOf(device) === card)
    checkCard(
      note,
      host,
      card,
      there.map(({ address }) => address),
    )
  }
  if (draft.forwarding === 'nat') {
    checkCard(note, host, interfaceOf(draft.natRouter.device), [draft.natRouter.address.trim()])
    const { masquerades } = facts.firewall
    if (masquerades.length > 0) {
      const detail = { rule: masquerades[0] ?? '' }
      note(
        host,
        'masquerade',
        'iptables -t nat -S; nft list ruleset',
        masquerades.join('\n'),
        'masquerade-found',
        detail,
        'warning',
      )
    }
  }
  for (const card of facts.lroCards.filter((name) => floatingCards(draft).includes(name))) {
    note(host, 'lro', `ethtool -k ${card}`, 'large-receive-offload: on', 'lro-on', { device: card }, 'warning')
  }
  for (const card of ['all', ...floatingCards(draft)]) {
    const key = cardKey(card, 'proxy_arp')
    if (facts.sysctls[key] === '1') note(host, 'proxy-arp', `sysctl -n ${key}`, '1', 'proxy-arp-on', { key }, 'warning')
  }
  const beats = facts.listening.find(({ protocol, port }) => protocol === 'udp' && port === heartbeatPort)
  const leaves = facts.rivals.some(
    ({ name }) => isConsented(draft, host.hostId, name) && (beats?.process ?? '').startsWith(name),
  )
  if (beats && !leaves && !facts.shoal?.agentRunning) {
    const detail = { process: beats.process ?? '?', port: heartbeatPort }
    note(
      host,
      'heartbeat-port',
      `ss -Hlunp 'sport = :${heartbeatPort}'`,
      `${beats.address} ${detail.process}`,
      'heartbeat-port-taken',
      detail,
    )
  }
  if (host.look && !host.look.asked) {
    note(host, 'arping', 'arping -V', '', 'arping-missing', { vip: said }, 'warning')
  }
  noteDroppedGarp(note, host, cards)
  checkFile(note, host, input)
}

/** An lvs.cf that the plan replaces; one that somebody has changed since Shoal wrote it is worth more than a note. */
function checkFile(note: Noting, host: Known, { lvscf, keptLvscf, clusterKeyDigest }: PreflightInput): void {
  const there = host.facts.lvscf
  if (there === undefined || there === lvscf) return
  const command = `cat ${lvscfPath}`
  if (keptLvscf === undefined || keptLvscf === there || !isOurs(host.facts, clusterKeyDigest)) {
    note(host, 'lvscf', command, there, 'replaces-lvscf', { kept: '/var/lib/shoal/kept' }, 'note')
    return
  }
  const planned = new Set(lvscf.split('\n').map((line) => line.trim()))
  const lost = there.split('\n').filter((line) => !planned.has(line.trim()))
  const detail = { file: lvscfPath, count: lost.length }
  note(host, 'lvscf', command, lost.join('\n'), 'lvscf-changed-there', detail, 'warning')
}

/** Virtual services in the kernel that are not of this cluster. */
function checkTable(note: Noting, host: Known, { draft, clusterKeyDigest }: PreflightInput): void {
  const { facts } = host
  const vips = vipsOf(draft)
  const ours = new Set(
    draft.services.map((service) =>
      service.fwmark.trim() === ''
        ? `${service.protocol[0] ?? ''} ${virtualIpOf(draft, service).address}:${service.port.trim()}`
        : `f ${service.fwmark.trim()}`,
    ),
  )
  const services = facts.ipvs.table.split('\n').flatMap((line) => {
    const match = /^-A -([tuf]) (\S+)/.exec(line)
    return match ? [`${match[1] ?? ''} ${match[2] ?? ''}`] : []
  })
  const clashing = services.filter((service) => ours.has(service))
  const foreign = services.filter(
    (service) => !ours.has(service) && !vips.some((vip) => service.slice(2).startsWith(`${vip}:`)),
  )
  const said = (list: readonly string[]): string => list.slice(0, 5).join(', ')
  if (clashing.length > 0 && !isOurs(facts, clusterKeyDigest)) {
    const detail = { count: clashing.length, services: said(clashing) }
    const goes = facts.rivals.some(({ name }) => isConsented(draft, host.hostId, name))
    const severity = goes ? 'warning' : 'block'
    note(host, 'ipvs-table', 'ipvsadm-save -n', facts.ipvs.table, 'foreign-ipvs-table', detail, severity)
  } else if (foreign.length > 0) {
    const detail = { count: foreign.length, services: said(foreign) }
    note(host, 'ipvs-table', 'ipvsadm-save -n', facts.ipvs.table, 'foreign-ipvs-table', detail, 'warning')
  }
}

function noteDroppedGarp(note: Noting, host: Known, devices: readonly string[]): void {
  for (const name of ['all', ...devices]) {
    const key = `net.ipv4.conf.${name}.drop_gratuitous_arp`
    if (host.facts.sysctls[key] === '1')
      note(host, 'drop-garp', `sysctl -n ${key}`, '1', 'garp-dropped', { key }, 'warning')
  }
}
