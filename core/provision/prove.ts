/**
 * The proof after a run: not hopes but measurements, from the directors, from a real server and from this machine. Each line carries the
 * command that was asked and what came back.
 */
import { connect } from 'node:net'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { Hello, Snapshot } from '../../domain/contract/agent.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { ProofLine } from '../../domain/plan.ts'
import { openAgentLine } from '../live/agent-line.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { placeOnSegment } from './look.ts'

/** Health checks, the choice of the active director and the announcement need a moment after the last step. */
const settleMs = 20_000
const lookEveryMs = 500
const connectTimeoutMs = 2_000
const arpSeconds = 3

export interface ProofPorts {
  readonly hosts: Hosts
  readonly facts: ReadonlyMap<string, HostFacts>
  /** What the agents' digest must be. */
  readonly configDigest: string
}

/** The MAC addresses in the answers of arping, in order of first appearance. */
function macsIn(answer: string): readonly string[] {
  const found = answer.matchAll(/\[([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\]/g)
  return [...new Set([...found].map((match) => (match[1] ?? '').toLowerCase()))]
}

interface Seen {
  readonly host: HostDraft
  readonly hello?: Hello
  readonly snapshot?: Snapshot
  readonly said: string
}

/** Asks an agent for its state once. */
async function see(hosts: Hosts, host: HostDraft): Promise<Seen> {
  const session = await hosts.session(host)
  if (!session.ok) return { host, said: session.problems[0]?.code ?? '' }
  const opened = await openAgentLine(session.value)
  if (!opened.ok) return { host, said: opened.problems[0]?.code ?? '' }
  const { line, hello } = opened.value
  const snapshot = await line.watch()
  line.close()
  return snapshot.ok
    ? { host, hello, snapshot: snapshot.value, said: snapshot.value.director.role }
    : { host, hello, said: snapshot.problems[0]?.code ?? '' }
}

function serversUp(seen: Seen): boolean {
  const servers = seen.snapshot?.services.flatMap((service) => service.realServers) ?? []
  return servers.length > 0 && servers.every((server) => server.health === 'up' && (server.weightKernel ?? 0) > 0)
}

function isSettled(seen: readonly Seen[]): boolean {
  const active = seen.filter(({ snapshot }) => snapshot?.director.role === 'active')
  const standby = seen.filter(({ snapshot }) => snapshot?.director.role === 'standby')
  const [first] = active
  return active.length === 1 && standby.length === seen.length - 1 && first !== undefined && serversUp(first)
}

function tcpAnswer(
  address: string,
  port: number,
): Promise<{ readonly ok: boolean; readonly ms: number; readonly said: string }> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    const socket = connect({ host: address, port })
    const finish = (passed: boolean, said: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ ok: passed, ms: Math.round(performance.now() - startedAt), said })
    }
    const timer = setTimeout(() => {
      finish(false, `no answer within ${connectTimeoutMs} ms`)
    }, connectTimeoutMs)
    socket.once('connect', () => {
      finish(true, 'connected')
    })
    socket.once('error', (error: Error) => {
      finish(false, error.message)
    })
  })
}

/** Every proof of a cluster that was just built; waits for it to settle first, at most `settleMs`. */
export async function prove(draft: ClusterDraft, ports: ProofPorts): Promise<readonly ProofLine[]> {
  const { hosts } = ports
  const lines: ProofLine[] = []
  const vip = draft.virtualIp.address.trim()
  const deadline = performance.now() + settleMs
  let seen = await Promise.all(draft.directors.map((host) => see(hosts, host)))
  while (!isSettled(seen) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    seen = await Promise.all(draft.directors.map((host) => see(hosts, host)))
  }

  for (const { host, hello, said } of seen) {
    const answer = hello?.configDigest ?? said
    const passed = hello?.configDigest === ports.configDigest
    const command = 'hello (/run/shoal/agent.sock)'
    lines.push({ check: 'runs-what-was-pushed', passed, command, answer, detail: { host: host.name } })
  }
  for (const { host, snapshot, said } of seen) {
    const paths = snapshot?.director.peer.paths ?? []
    const heard = paths.filter((path) => path.state === 'heard').length
    const answer = paths.map((path) => `${path.name}: ${path.state}`).join(', ') || said
    lines.push({
      check: 'hears-peer',
      passed: paths.length > 0 && heard === paths.length,
      command: 'snapshot (/run/shoal/agent.sock)',
      answer,
      detail: { host: host.name, paths: heard },
    })
  }

  const holders: HostDraft[] = []
  const holderAnswers: string[] = []
  for (const director of draft.directors) {
    const session = await hosts.session(director)
    const shown = session.ok ? await session.value.script(`ip -br -4 addr show to ${vip}/32`, { as: 'user' }) : session
    const answer = shown.ok ? shown.value.out.trim() : 'no answer'
    holderAnswers.push(`${director.name}: ${answer || 'no'}`)
    if (shown.ok && answer.includes(vip)) holders.push(director)
  }
  const [holder] = holders
  lines.push({
    check: 'one-holder',
    passed: holders.length === 1,
    command: `ip -br -4 addr show to ${vip}/32`,
    answer: holderAnswers.join('; '),
    detail: { vip, holder: holders.map(({ name }) => name).join(', ') || '-' },
  })

  lines.push(...(await proveOneMac(draft, holder, ports)))
  lines.push(...(await proveSilence(draft, ports)))

  const active = seen.find(({ snapshot }) => snapshot?.director.role === 'active')
  for (const server of draft.realServers) {
    for (const service of draft.services) {
      const report = active?.snapshot?.services
        .find(({ name }) => name === service.name.trim())
        ?.realServers.find(({ name }) => name === server.name.trim())
      const passed = report?.health === 'up' && (report.weightKernel ?? 0) > 0
      const answer = report
        ? `${report.health}, weight ${report.weightKernel ?? 'none'}${report.lastError === undefined || passed ? '' : `: ${report.lastError}`}`
        : 'not in the table'
      lines.push({
        check: 'real-server-up',
        passed,
        command: 'snapshot (/run/shoal/agent.sock)',
        answer,
        detail: { server: server.name, service: service.name },
      })
    }
  }

  for (const service of draft.services) {
    if (service.protocol !== 'tcp') continue
    const port = Number(service.port)
    const answer = await tcpAnswer(vip, port)
    lines.push({
      check: 'answers-from-here',
      passed: answer.ok,
      command: `connect ${vip}:${port}`,
      answer: answer.said,
      detail: { vip, port, ms: answer.ms },
    })
  }
  return lines
}

/**
 * From the standby and from one real server: one MAC answers, and it is the holder's. The sender address is always given: a real server
 * that has the virtual IP on lo would otherwise ask with it and so announce it as its own.
 */
async function proveOneMac(
  draft: ClusterDraft,
  holder: HostDraft | undefined,
  { hosts, facts }: ProofPorts,
): Promise<readonly ProofLine[]> {
  const vip = draft.virtualIp.address.trim()
  const wanted = holder ? (facts.get(holder.id)?.nics.map(({ mac }) => mac) ?? []) : []
  const askers: HostDraft[] = draft.directors.filter((director) => director !== holder)
  const realServer = draft.realServers.find((server) => facts.get(server.id)?.commands['arping'] !== undefined)
  if (realServer) askers.push(realServer)
  const lines = askers.map(async (host): Promise<ProofLine[]> => {
    const known = facts.get(host.id)
    const place = known && placeOnSegment(known, vip, draft.virtualIp.device)
    if (!place || known.commands['arping'] === undefined) return []
    const command = `arping -b -c 3 -w ${arpSeconds} -s ${place.address} -I ${place.device} ${vip}`
    const session = await hosts.session(host)
    const asked = session.ok ? await session.value.script(command, { as: 'root' }) : session
    const macs = asked.ok ? macsIn(asked.value.out) : []
    const passed = macs.length === 1 && wanted.includes(macs[0] ?? '')
    const answer = asked.ok ? macs.join(', ') || 'no answer' : (asked.problems[0]?.code ?? '')
    return [
      { check: 'one-mac', passed, command, answer, detail: { from: host.name, vip, mac: macs.join(', ') || '-' } },
    ]
  })
  return (await Promise.all(lines)).flat()
}

/** On every real server: the virtual IP is there as /32 on lo, and the kernel keeps silent about it. */
async function proveSilence(draft: ClusterDraft, { hosts }: ProofPorts): Promise<readonly ProofLine[]> {
  if (draft.forwarding !== 'direct') return []
  const vip = draft.virtualIp.address.trim()
  const command = `ip -br -4 addr show dev lo; sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce`
  return Promise.all(
    draft.realServers
      .filter((server) => server.setUp === 'ssh')
      .map(async (server): Promise<ProofLine> => {
        const session = await hosts.session(server)
        const shown = session.ok ? await session.value.script(command, { as: 'user' }) : session
        const answer = shown.ok ? shown.value.out.trim().replaceAll('\n', '; ') : (shown.problems[0]?.code ?? '')
        const [addresses = '', ignore = '', announce = ''] = shown.ok ? shown.value.out.trim().split('\n') : []
        const passed = addresses.includes(`${vip}/32`) && Number(ignore) >= 1 && Number(announce) === 2
        return { check: 'silent-real-server', passed, command, answer, detail: { server: server.name, vip } }
      }),
  )
}
