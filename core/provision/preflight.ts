/**
 * What a senior engineer would look at before touching anything: facts of all hosts and the draft in, findings out. Pure. Each
 * finding carries the command that was asked, what came back and what it means; a `block` keeps the plan from running.
 */
import { clusterAddressOf, heartbeatPort, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import type { Finding } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import type { Problem, ProblemCode, Severity } from '../../domain/problem.ts'
import { lvscfPath } from './facts.ts'
import { ownSysctlPrefix, placeOnSegment } from './look.ts'
import type { HostLook } from './look.ts'

/** Room for the agent, its runtime while it is unpacked, and the copies kept. */
const directorNeedsMb = 200
const directorUpdateNeedsMb = 60
const realServerNeedsMb = 5
/** Beyond this the merged history of both directors is out of order. */
const clockSkewWarnsMs = 1_000

/** A host of the draft with what is known of it; without facts, `problem` says why. */
export interface Surveyed {
  readonly hostId: string
  readonly role: 'director' | 'real-server'
  readonly host: HostDraft
  readonly facts?: HostFacts
  readonly look?: HostLook
  readonly problem?: Problem
}

export interface PreflightInput {
  readonly draft: ClusterDraft
  readonly surveyed: readonly Surveyed[]
  /** `uname -m` names the agent is built for. */
  readonly machines: readonly string[]
  /** SHA-256 of this cluster's key, when it has been built before: tells our own virtual IP from a stranger's. */
  readonly clusterKeyDigest?: string
  /** The lvs.cf that will be written. */
  readonly lvscf: string
}

type Known = Surveyed & { readonly facts: HostFacts }

interface Noting {
  (
    host: Surveyed,
    check: string,
    command: string,
    answer: string,
    code: ProblemCode,
    detail: Problem['detail'],
    severity?: Severity,
  ): void
}

const order: Readonly<Record<Severity, number>> = { block: 0, warning: 1, note: 2 }
const maxAnswer = 2_000

/** Every finding, blocks first; an empty list means nothing stands in the way. */
export function preflight(input: PreflightInput): readonly Finding[] {
  const { draft, surveyed } = input
  const findings: Finding[] = []
  const note: Noting = (host, check, command, answer, code, detail, severity = 'block') => {
    findings.push({
      hostId: host.hostId,
      check,
      command,
      answer: answer.slice(0, maxAnswer),
      problem: problem(code, { host: host.host.name, ...detail }, { kind: 'host', host: host.hostId }, severity),
    })
  }
  for (const host of surveyed) {
    if (!host.problem) continue
    findings.push({
      hostId: host.hostId,
      check: 'access',
      command: `ssh -p ${host.host.port} ${host.host.user}@${host.host.address}`,
      answer: '',
      problem: host.problem,
    })
  }
  const known = surveyed.filter((host): host is Known => host.facts !== undefined)
  for (const host of known) {
    checkSystem(note, host, input)
    checkNetwork(note, host, draft)
    checkVip(note, host, input)
    if (host.role === 'director') checkDirector(note, host, input)
    else checkRealServer(note, host, draft)
  }
  checkBetween(note, known, draft)
  return findings.sort((a, b) => order[a.problem.severity] - order[b.problem.severity])
}

/** Whether the host belongs to this very cluster already, by the key it holds. */
function isOurs(facts: HostFacts, clusterKeyDigest: string | undefined): boolean {
  return clusterKeyDigest !== undefined && facts.shoal?.clusterKeyDigest === clusterKeyDigest
}

function installer(facts: HostFacts): boolean {
  return ['apt-get', 'dnf', 'yum', 'zypper'].some((name) => facts.commands[name] !== undefined)
}

function checkSystem(note: Noting, host: Known, { machines, draft }: PreflightInput): void {
  const { facts, role } = host
  if (facts.os.family === 'other') {
    note(host, 'os-family', 'cat /etc/os-release', facts.os.pretty, 'os-unknown', { os: facts.os.pretty }, 'warning')
  }
  if (facts.init !== 'systemd') {
    note(host, 'systemd', 'cat /proc/1/comm', facts.init, 'no-systemd', { init: facts.init })
  }
  if (role === 'director' && !machines.includes(facts.machine)) {
    const detail = { machine: facts.machine, built: machines.join(', ') }
    note(host, 'machine', 'uname -m', facts.machine, 'machine-unsupported', detail)
  }
  const neededMb = role === 'real-server' ? realServerNeedsMb : facts.shoal ? directorUpdateNeedsMb : directorNeedsMb
  for (const [mount, freeMb] of [
    ['/opt', facts.freeMb.root],
    ['/var/lib', Math.max(facts.freeMb.var, 0)],
  ] as const) {
    const needed = mount === '/opt' ? neededMb : realServerNeedsMb
    if (freeMb < needed) {
      note(host, 'disk', `df -Pk ${mount}`, `${freeMb} MB`, 'disk-low', { mount, freeMb, neededMb: needed })
    }
  }
  const essential: readonly (readonly [string, string])[] = [
    ['ip', 'iproute2'],
    ['base64', 'coreutils'],
    ['sha256sum', 'coreutils'],
    ['mktemp', 'coreutils'],
    ['systemctl', 'systemd'],
    ['sysctl', 'procps'],
    ...(role === 'director'
      ? ([
          ['modprobe', 'kmod'],
          ['gzip', 'gzip'],
        ] as const)
      : []),
  ]
  for (const [tool, packageName] of essential) {
    if (facts.commands[tool] === undefined) {
      note(host, 'tools', `command -v ${tool}`, '', 'tool-missing-block', { tool, package: packageName })
    }
  }
  const skewMs = Math.abs(facts.clockOffsetMs)
  if (skewMs > clockSkewWarnsMs) {
    const detail = { seconds: Math.round(skewMs / 100) / 10 }
    note(host, 'clock', 'date +%s%N', `${facts.clockOffsetMs} ms`, 'clock-skew', detail, 'warning')
  }
  if (facts.firewall.active.length > 0 || facts.firewall.inputDrops) {
    const firewall = facts.firewall.active.join(', ') || 'a packet filter'
    note(
      host,
      'firewall',
      'systemctl is-active firewalld nftables ufw; nft list ruleset; iptables -S INPUT',
      facts.firewall.inputDrops ? 'refuses unknown input' : 'no refusal found',
      'firewall-active',
      { firewall, heartbeatPort, ports: servicePorts(draft) },
      'warning',
    )
  }
}

/** Whether the host has the address it is said to have, and by what. */
function checkNetwork(note: Noting, host: Known, draft: ClusterDraft): void {
  const { facts, role } = host
  const addresses = facts.nics.flatMap((nic) => nic.addresses.map((entry) => ({ ...entry, nic })))
  const address = clusterAddressOf(host.host)
  const found = addresses.find((entry) => entry.address === address)
  const available = addresses
    .filter(({ nic }) => nic.mac !== '')
    .map((entry) => `${entry.address}/${entry.prefix} ${entry.nic.name}`)
    .join(', ')
  if (!found) {
    note(host, 'own-address', 'ip -j addr', available, 'address-not-on-host', { address, available })
  } else if (found.dynamic) {
    note(host, 'own-address', 'ip -j addr', 'dynamic', 'address-by-dhcp', { address }, 'warning')
  }
  if (role === 'director') {
    const director = draft.directors.find((entry) => entry.id === host.hostId)
    const privateAddress = director?.privateAddress.trim() ?? ''
    if (privateAddress !== '' && !addresses.some((entry) => entry.address === privateAddress)) {
      note(host, 'private-address', 'ip -j addr', available, 'address-not-on-host', {
        address: privateAddress,
        available,
      })
    }
  }
}

function checkVip(note: Noting, host: Known, { draft, clusterKeyDigest }: PreflightInput): void {
  const { facts, look, role } = host
  const vip = draft.virtualIp.address.trim()
  const ours = isOurs(facts, clusterKeyDigest)
  for (const nic of facts.nics) {
    for (const entry of nic.addresses) {
      if (entry.address !== vip) continue
      // On a real server a /32 on lo is what direct routing wants; on our own director the agent put it there.
      if (role === 'real-server' && nic.mac === '' && entry.prefix === 32) continue
      if (role === 'director' && ours) continue
      const detail = { vip, device: nic.name, prefix: entry.prefix }
      note(host, 'vip-free', `ip -j addr show to ${vip}`, `${vip}/${entry.prefix} ${nic.name}`, 'vip-on-host', detail)
    }
  }
  for (const file of look?.vipFiles ?? []) {
    const command = `grep -rlwF ${vip} /etc/network /etc/netplan …`
    if (role === 'director') note(host, 'vip-static', command, file, 'vip-in-static-config', { file, vip })
    else note(host, 'vip-static', command, file, 'vip-in-static-config-real', { file, vip }, 'warning')
  }
}

function checkDirector(note: Noting, host: Known, input: PreflightInput): void {
  const { facts } = host
  const { draft } = input
  const vip = draft.virtualIp.address.trim()
  const device = interfaceOf(draft.virtualIp.device)

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
  if (facts.commands['ipvsadm'] === undefined) {
    const detail = { tool: 'ipvsadm', package: 'ipvsadm' }
    if (installer(facts)) note(host, 'ipvsadm', 'command -v ipvsadm', '', 'tool-missing', detail, 'note')
    else note(host, 'ipvsadm', 'command -v ipvsadm', '', 'tool-missing-block', detail)
  }
  for (const rival of facts.rivals) {
    const state = rival.running ? 'running' : 'enabled'
    note(host, 'rival', `systemctl show ${rival.name}`, state, 'rival-present', { rival: rival.name, state })
  }
  checkTable(note, host, input)

  const nic = facts.nics.find(({ name }) => name === device)
  const cards = facts.nics.filter(({ mac }) => mac !== '')
  if (!nic) {
    note(host, 'device', 'ip -j link', cards.map(({ name }) => name).join(' '), 'device-missing', {
      device,
      available: cards.map(({ name }) => name).join(', '),
    })
  } else {
    if (!nic.up) note(host, 'device', `ip link show ${device}`, 'no carrier', 'device-down', { device })
    const subnets = nic.addresses.filter(({ address }) => address !== vip)
    if (!subnets.some(({ address, prefix }) => prefix < 32 && inSameNetwork(address, vip, prefix))) {
      const said = subnets.map(({ address, prefix }) => `${address}/${prefix}`).join(', ')
      note(host, 'vip-subnet', `ip -j addr show ${device}`, said, 'vip-outside-subnet', { device, vip, subnets: said })
    }
  }
  if (host.look && !host.look.asked) {
    note(host, 'arping', 'arping -V', '', 'arping-missing', { vip }, 'warning')
  }
  noteDroppedGarp(note, host, device)
  if (facts.lvscf !== undefined && facts.lvscf !== input.lvscf) {
    const kept = '/var/lib/shoal/kept'
    note(host, 'lvscf', `cat ${lvscfPath}`, facts.lvscf, 'replaces-lvscf', { kept }, 'note')
  }
}

/** Virtual services in the kernel that are not of this cluster. */
function checkTable(note: Noting, host: Known, { draft, clusterKeyDigest }: PreflightInput): void {
  const { facts } = host
  const vip = draft.virtualIp.address.trim()
  const ours = new Set(draft.services.map((service) => `${service.protocol[0] ?? ''} ${vip}:${service.port.trim()}`))
  const services = facts.ipvs.table.split('\n').flatMap((line) => {
    const match = /^-A -([tuf]) (\S+)/.exec(line)
    return match ? [`${match[1] ?? ''} ${match[2] ?? ''}`] : []
  })
  const clashing = services.filter((service) => ours.has(service))
  const foreign = services.filter((service) => !service.slice(2).startsWith(`${vip}:`))
  const said = (list: readonly string[]): string => list.slice(0, 5).join(', ')
  if (clashing.length > 0 && !isOurs(facts, clusterKeyDigest)) {
    const detail = { count: clashing.length, services: said(clashing) }
    note(host, 'ipvs-table', 'ipvsadm-save -n', facts.ipvs.table, 'foreign-ipvs-table', detail)
  } else if (foreign.length > 0) {
    const detail = { count: foreign.length, services: said(foreign) }
    note(host, 'ipvs-table', 'ipvsadm-save -n', facts.ipvs.table, 'foreign-ipvs-table', detail, 'warning')
  }
}

function noteDroppedGarp(note: Noting, host: Known, device: string): void {
  for (const name of ['all', device]) {
    const key = `net.ipv4.conf.${name}.drop_gratuitous_arp`
    if (host.facts.sysctls[key] === '1')
      note(host, 'drop-garp', `sysctl -n ${key}`, '1', 'garp-dropped', { key }, 'warning')
  }
}

function checkRealServer(note: Noting, host: Known, draft: ClusterDraft): void {
  const { facts, look } = host
  const vip = draft.virtualIp.address.trim()
  for (const service of draft.services) {
    const port = Number(service.port)
    const sockets = facts.listening.filter((socket) => socket.protocol === service.protocol && socket.port === port)
    const command = `ss -Hl${service.protocol[0] ?? 't'}np 'sport = :${port}'`
    if (sockets.length === 0) {
      note(host, 'service', command, '', 'service-not-listening', { protocol: service.protocol, port }, 'warning')
      continue
    }
    // `*` is a dual-stack socket; `::` in this listing is IPv6 only.
    if (sockets.some(({ address }) => address === '0.0.0.0' || address === '*' || address === vip)) continue
    const bound = sockets.map(({ address }) => address).join(', ')
    const detail = { process: sockets[0]?.process ?? 'The service', address: bound, port, vip }
    note(host, 'service', command, bound, 'service-not-on-vip', detail)
  }
  for (const route of facts.routes) {
    if (route.to !== 'default' || route.via === undefined) continue
    const director = draft.directors.find((entry) => clusterAddressOf(entry) === route.via)
    if (director) {
      const detail = { gateway: route.via, director: director.name }
      note(host, 'return-route', 'ip -4 route', `default via ${route.via}`, 'route-via-director', detail)
    }
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

/** What only shows when hosts are compared: copies of one another, and whether they are on one segment. */
function checkBetween(note: Noting, known: readonly Known[], draft: ClusterDraft): void {
  known.forEach((host, at) => {
    for (const other of known.slice(at + 1)) {
      const macs = host.facts.nics.map(({ mac }) => mac).filter((mac) => mac !== '')
      const shared = macs.find((mac) => other.facts.nics.some((nic) => nic.mac === mac))
      const sameId = host.facts.machineId !== '' && host.facts.machineId === other.facts.machineId
      if (shared !== undefined && sameId) {
        note(other, 'same-host', 'cat /etc/machine-id; ip -j link', shared, 'same-host', { other: host.host.name })
      } else if (shared !== undefined) {
        note(other, 'duplicate-mac', 'ip -j link', shared, 'duplicate-mac', { other: host.host.name, mac: shared })
      } else if (sameId) {
        const detail = { other: host.host.name }
        note(
          other,
          'machine-id',
          'cat /etc/machine-id',
          host.facts.machineId,
          'duplicate-machine-id',
          detail,
          'warning',
        )
      }
    }
  })

  const vip = draft.virtualIp.address.trim()
  const ownMacs = new Map(known.flatMap((host) => host.facts.nics.map((nic) => [nic.mac, host] as const)))
  for (const director of known) {
    if (director.role !== 'director' || !director.look?.asked) continue
    const place = placeOnSegment(director.facts, vip, draft.virtualIp.device)
    if (!place) continue
    for (const mac of director.look.vipMacs) {
      // An answer from one of our own hosts is judged by what that host says of itself (vip-on-host); a director that belongs to
      // this cluster may well hold it.
      if (ownMacs.get(mac)?.role === 'director') continue
      const detail = { vip, mac }
      note(director, 'vip-free', `arping -D -c 2 -I ${place.device} ${vip}`, mac, 'vip-answered', detail)
    }
    if (draft.forwarding !== 'direct') continue
    for (const other of known) {
      if (other.hostId === director.hostId) continue
      const address = clusterAddressOf(other.host)
      const answers = director.look.macs[address]
      const command = `arping -b -c 2 -s ${place.address} -I ${place.device} ${address}`
      if (answers === undefined || answers.length === 0) {
        note(director, 'same-segment', command, '', 'other-segment', { other: other.host.name, address })
        continue
      }
      const stranger = answers.find((mac) => !other.facts.nics.some((nic) => nic.mac === mac))
      if (stranger !== undefined) {
        const detail = { other: other.host.name, address, mac: stranger }
        note(director, 'same-segment', command, answers.join(' '), 'segment-through-another', detail)
      }
    }
  }
}

function servicePorts(draft: ClusterDraft): string {
  return draft.services.map((service) => `${service.protocol} ${service.port.trim()}`).join(', ')
}
