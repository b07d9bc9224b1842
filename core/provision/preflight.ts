/**
 * What a senior engineer would look at before touching anything: facts of all hosts and the draft in, findings out. Pure. Each
 * finding carries the command that was asked, what came back and what it means; a `block` keeps the plan from running.
 */
import { clusterAddressOf, heartbeatPort, portsOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Finding } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import type { Severity } from '../../domain/problem.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import { checkBetween } from './check-between.ts'
import { checkDirector, isConsented } from './check-director.ts'
import { checkRealServer } from './check-real-server.ts'
import { isOurs } from './finding.ts'
import type { Known, Noting, PreflightInput } from './finding.ts'
import { firewallTool } from './firewall-steps.ts'
import { floatingCards } from './network-owner.ts'

/** Room for the agent, its runtime while it is unpacked, and the copies kept. */
const directorNeedsMb = 200
const directorUpdateNeedsMb = 60
const realServerNeedsMb = 5
/** Beyond this the merged history of both directors is out of order. */
const clockSkewWarnsMs = 1_000

/** What Shoal calls on a host: a profile that confines one of these may refuse it what it needs. */
const calledOn = {
  director: ['ip', 'ipvsadm', 'arping', 'ping', 'nft', 'iptables', 'modprobe', 'sysctl', 'bash', 'sh'],
  'real-server': ['ip', 'arptables', 'nft', 'iptables', 'modprobe', 'sysctl', 'sh'],
} as const

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

function checkSystem(note: Noting, host: Known, { machines, draft }: PreflightInput): void {
  const { facts, role } = host
  if (facts.os.family === 'other') {
    note(host, 'os-family', 'cat /etc/os-release', facts.os.pretty, 'os-unknown', { os: facts.os.pretty }, 'warning')
  }
  if (facts.init !== 'systemd') {
    note(host, 'systemd', 'cat /proc/1/comm', facts.init, 'no-systemd', { init: facts.init })
  }
  if (facts.immutable)
    note(host, 'immutable', 'command -v transactional-update rpm-ostree; test -w /etc', 'yes', 'os-immutable', {})
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
  checkFirewall(note, host, draft)
  if (facts.selinux === 'enforcing' && role === 'director') {
    note(host, 'selinux', 'getenforce', facts.selinux, 'selinux-enforcing', {}, 'note')
  }
  const confined = calledOn[role].filter((program) => facts.apparmor.includes(program))
  if (confined.length > 0) {
    const programs = confined.join(', ')
    note(host, 'apparmor', 'aa-status', programs, 'apparmor-enforced', { programs }, 'warning')
  }
}

/** A firewall that refuses is opened by the plan, unless the operator keeps that for himself or no tool for it is there. */
function checkFirewall(note: Noting, host: Known, draft: ClusterDraft): void {
  const { facts, role } = host
  const { active, inputDrops, forwardDrops } = facts.firewall
  const forwards = role === 'director' && draft.forwarding === 'nat'
  if (active.length === 0 && !inputDrops && !(forwards && forwardDrops)) return
  const firewall = active.join(', ') || 'a packet filter'
  const tool = firewallTool(facts)
  const opened = tool !== undefined && draft.consent.firewall
  const answer = inputDrops || forwardDrops ? 'refuses unknown packets' : 'no refusal found'
  const command = 'systemctl is-active firewalld nftables ufw; nft list ruleset; iptables -S'
  const detail = { firewall, tool: tool ?? '', heartbeatPort, ports: servicePorts(draft) }
  if (opened) note(host, 'firewall', command, answer, 'firewall-opened', detail, 'note')
  else note(host, 'firewall', command, answer, 'firewall-active', detail, 'warning')
  if (opened && tool === 'firewalld' && forwards) {
    const cards = floatingCards(draft).join(', ')
    note(host, 'firewall-forward', 'firewall-cmd --get-active-zones', answer, 'firewalld-forward', { cards }, 'warning')
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
  const vips = vipsOf(draft)
  const ours = isOurs(facts, clusterKeyDigest)
  const router = draft.forwarding === 'nat' ? draft.natRouter.address.trim() : ''
  // A rival that is to be stopped takes its addresses along.
  const rivalGoes = role === 'director' && facts.rivals.some(({ name }) => isConsented(draft, host.hostId, name))
  for (const nic of facts.nics) {
    for (const entry of nic.addresses) {
      if (!vips.includes(entry.address) && (router === '' || entry.address !== router)) continue
      // On a real server a /32 beside the cards is what direct routing and the tunnel want; on our own director the agent put it there.
      if (role === 'real-server' && nic.mac === '' && entry.prefix === 32) continue
      if (role === 'director' && ours) continue
      const detail = { vip: entry.address, device: nic.name, prefix: entry.prefix }
      const answer = `${entry.address}/${entry.prefix} ${nic.name}`
      const command = `ip -j addr show to ${entry.address}`
      note(host, 'vip-free', command, answer, 'vip-on-host', detail, rivalGoes ? 'warning' : 'block')
    }
  }
  for (const { vip, file } of look?.vipFiles ?? []) {
    const command = `grep -rlwF ${vip} /etc/network /etc/netplan …`
    if (role === 'director') note(host, 'vip-static', command, file, 'vip-in-static-config', { file, vip })
    else note(host, 'vip-static', command, file, 'vip-in-static-config-real', { file, vip }, 'warning')
  }
}

function servicePorts(draft: ClusterDraft): string {
  return draft.services.map((service) => `${service.protocol} ${portsOf(service).join(' ')}`).join(', ')
}
