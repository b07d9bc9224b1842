/**
 * The proof after a run: not hopes but measurements, from the directors, from a real server and from this machine. Each line carries the
 * command that was asked and what came back.
 */
import { isActiveIn } from '../../domain/activity.ts'
import { clusterAddressOf, draftLvscf, portsOf, realPortsOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { Config } from '../../domain/config.ts'
import type { Hello, ServerReport, Snapshot } from '../../domain/contract/agent.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { parseKernelTable } from '../../domain/ipvs/kernel-table.ts'
import { serviceKey } from '../../domain/ipvs/keys.ts'
import { compareService, tableOf } from '../../domain/ipvs/table.ts'
import { check } from '../../domain/lvscf/check.ts'
import type { ProofLine } from '../../domain/plan.ts'
import { virtualIpOf, virtualIpsOf, vipsText } from '../../domain/virtual-ips.ts'
import { openAgentLine } from '../live/agent-line.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { arrivalAddress } from './check-real-server.ts'
import { placeOnSegment } from './look.ts'
import { proveSpread } from './prove-spread.ts'
import { realServerMaterial, realServerProgram, routesByRouter } from './real-server-material.ts'

/** Health checks, the choice of the active director and the announcement need a moment after the last step. */
const settleMs = 20_000
const lookEveryMs = 500
/** What an agent puts right by itself is right within it. */
const againMs = 8_000
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

/** Whether an operator has ordered something else of a real server than its lvs.cf says: out of service, or another weight. */
function isOrdered({ drain, operatorWeight }: ServerReport): boolean {
  return drain !== undefined || operatorWeight !== undefined
}

/** Healthy, and in the kernel with the weight it was given; a weight of 0 is one that was chosen. */
function isUp(server: ServerReport): boolean {
  if (server.health !== 'up') return false
  return server.drain !== undefined || (server.weightKernel ?? 0) > 0 || server.weightKernel === server.weightWanted
}

function serversUp({ snapshot }: Seen): boolean {
  const servers = snapshot?.services.flatMap((service) => service.realServers) ?? []
  return servers.length > 0 && servers.every(isUp)
}

function hearsPeer({ snapshot }: Seen): boolean {
  const paths = snapshot?.director.peer.paths ?? []
  return paths.length > 0 && paths.every(({ state }) => state === 'heard')
}

/** One serves, the other stands by, they hear each other, and both have found every real server well: each checks them by itself. */
function isSettled(seen: readonly Seen[], configDigest: string): boolean {
  const active = seen.filter(({ snapshot }) => snapshot?.director.role === 'active')
  const standby = seen.filter(({ snapshot }) => snapshot?.director.role === 'standby')
  const fresh = seen.every(({ snapshot }) => snapshot?.director.configDigest === configDigest)
  return (
    fresh &&
    active.length === 1 &&
    standby.length === seen.length - 1 &&
    seen.every((each) => hearsPeer(each) && serversUp(each))
  )
}

/** Every proof of a cluster that was just built; waits for it to settle first, at most `settleMs` and a deadtime. */
export async function prove(draft: ClusterDraft, ports: ProofPorts): Promise<readonly ProofLine[]> {
  const { hosts } = ports
  const lines: ProofLine[] = []
  const deadline = performance.now() + settleMs + (Number(draft.failure.deadtimeMs) || 0)
  let seen = await Promise.all(draft.directors.map((host) => see(hosts, host)))
  while (!isSettled(seen, ports.configDigest) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    seen = await Promise.all(draft.directors.map((host) => see(hosts, host)))
  }

  for (const { host, hello, said } of seen) {
    const answer = hello?.configDigest ?? said
    const passed = hello?.configDigest === ports.configDigest
    const command = 'hello (/run/shoal/agent.sock)'
    lines.push({ check: 'runs-what-was-pushed', passed, command, answer, detail: { host: host.name } })
  }
  for (const each of seen) {
    const { host, snapshot, said } = each
    const paths = snapshot?.director.peer.paths ?? []
    const heard = paths.filter((path) => path.state === 'heard').length
    const answer = paths.map((path) => `${path.name}: ${path.state}`).join(', ') || said
    lines.push({
      check: 'hears-peer',
      passed: hearsPeer(each),
      command: 'snapshot (/run/shoal/agent.sock)',
      answer,
      detail: { host: host.name, paths: heard },
    })
  }

  const vips = virtualIpsOf(draft)
  const held = await Promise.all(vips.map(({ address }) => proveOneHolder(draft, address, hosts)))
  lines.push(...held.map(({ line }) => line))
  const macs = vips.map(({ address, device }, at) => proveOneMac(draft, held[at]?.holder, address, device, ports))
  lines.push(...(await Promise.all(macs)).flat())
  const { natRouter } = draft
  const holder = held[0]?.holder
  if (draft.forwarding === 'nat') {
    lines.push(...(await proveOneMac(draft, holder, natRouter.address.trim(), natRouter.device, ports)))
  }
  lines.push(...(await proveRealServers(draft, ports)))
  const config = check(draftLvscf(draft)).config
  const active = seen.find(({ snapshot }) => snapshot?.director.role === 'active')
  const reports = active?.snapshot?.services.flatMap(({ id, realServers }) =>
    realServers.map((report) => ({ service: id, report })),
  )
  const ordered = new Set(
    reports?.flatMap(({ service, report }) =>
      isOrdered(report) ? [`${service} ${report.address}:${report.port}`] : [],
    ),
  )
  if (config) lines.push(...(await proveTables(draft, config, ordered, ports)))

  for (const server of draft.realServers) {
    for (const service of draft.services.filter((each) => isActiveIn(each, server))) {
      const report = active?.snapshot?.services
        .find(({ name }) => name === service.name.trim())
        ?.realServers.find(({ name }) => name === server.name.trim())
      const passed = report !== undefined && isUp(report)
      const answer = report
        ? `${report.health}, weight ${report.weightKernel ?? 'none'}${report.drain ? ', drained' : ''}${report.lastError === undefined || passed ? '' : `: ${report.lastError}`}`
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

  if (config) lines.push(...(await proveService(draft, config, ordered, hosts)))
  return lines
}

/** On each director: whether it holds the address; exactly one shall. */
async function proveOneHolder(
  draft: ClusterDraft,
  vip: string,
  hosts: Hosts,
): Promise<{ readonly line: ProofLine; readonly holder: HostDraft | undefined }> {
  const command = `ip -br -4 addr show to ${vip}/32`
  const holders: HostDraft[] = []
  const answers: string[] = []
  for (const director of draft.directors) {
    const session = await hosts.session(director)
    const shown = session.ok ? await session.value.script(command, { as: 'user' }) : session
    const answer = shown.ok ? shown.value.out.trim() : 'no answer'
    answers.push(`${director.name}: ${answer || 'no'}`)
    if (shown.ok && answer.includes(vip)) holders.push(director)
  }
  const detail = { vip, holder: holders.map(({ name }) => name).join(', ') || '-' }
  const line = { check: 'one-holder', passed: holders.length === 1, command, answer: answers.join('; '), detail }
  return { line, holder: holders[0] }
}

/**
 * From the standby and from one real server: one MAC answers, and it is the holder's. The sender address is always given: a real server
 * that has the virtual IP on lo would otherwise ask with it and so announce it as its own.
 */
async function proveOneMac(
  draft: ClusterDraft,
  holder: HostDraft | undefined,
  vip: string,
  device: string,
  { hosts, facts }: ProofPorts,
): Promise<readonly ProofLine[]> {
  const wanted = holder ? (facts.get(holder.id)?.nics.map(({ mac }) => mac) ?? []) : []
  const askers: HostDraft[] = draft.directors.filter((director) => director !== holder)
  const realServer = draft.realServers.find((server) => facts.get(server.id)?.commands['arping'] !== undefined)
  if (realServer) askers.push(realServer)
  const lines = askers.map(async (host): Promise<ProofLine[]> => {
    const known = facts.get(host.id)
    const place = known && placeOnSegment(known, vip, device)
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

/**
 * On every real server: its own script says that all is as it should be (the virtual IP and the silence, or the way of the answers), and
 * the services listen where requests arrive.
 */
async function proveRealServers(draft: ClusterDraft, { hosts, facts }: ProofPorts): Promise<readonly ProofLine[]> {
  const shown = await Promise.all(
    draft.realServers
      .filter((server) => server.setUp === 'ssh')
      .map(async (server): Promise<readonly ProofLine[]> => {
        const known = facts.get(server.id)
        const { device } = realServerMaterial(draft, server, facts)
        const session = await hosts.session(server)
        const ask = async (command: string): Promise<{ readonly passed: boolean; readonly answer: string }> => {
          const asked = session.ok ? await session.value.script(command, { as: 'root' }) : session
          if (!asked.ok) return { passed: false, answer: asked.problems[0]?.code ?? '' }
          const said = `${asked.value.out}\n${asked.value.err}`.trim().replaceAll('\n', '; ')
          return { passed: asked.value.exit === 0, answer: said || `exit ${asked.value.exit}` }
        }
        const lines: ProofLine[] = []
        if (draft.forwarding === 'nat') {
          const router = draft.natRouter.address.trim()
          const byItself = draft.realServerWay.nat === 'default-route' && routesByRouter(draft, known)
          const command = byItself
            ? `ip -4 route show default | grep -F 'via ${router} '`
            : `${realServerProgram} check`
          const answer = await ask(`${command} && ip -4 route show table all | grep -F 'via ${router} '`)
          lines.push({ check: 'answers-by-router', command, ...answer, detail: { server: server.name, router } })
        } else {
          const vip = vipsText(draft)
          const command = `${realServerProgram} check`
          const answer = await ask(`${command} && ip -br -4 addr show dev ${device ?? 'lo'}`)
          const detail = { server: server.name, vip, device: device ?? 'lo' }
          lines.push({ check: 'silent-real-server', command, ...answer, detail })
        }
        for (const service of draft.services.filter((each) => isActiveIn(each, server))) {
          const address = arrivalAddress(draft, server, service)
          for (const port of realPortsOf(draft, service)) {
            const flag = service.protocol === 'tcp' ? 't' : 'u'
            const command = `ss -Hl${flag}n 'sport = :${port}'`
            const asked = await ask(command)
            const passed = asked.answer
              .split('; ')
              .some((line) =>
                ['0.0.0.0', '*', address].includes((line.trim().split(/\s+/)[3] ?? '').replace(/:\d+$/, '')),
              )
            const detail = { server: server.name, service: service.name, address, port }
            lines.push({ check: 'listens-for-vip', command, passed, answer: asked.answer, detail })
          }
        }
        return lines
      }),
  )
  return shown.flat()
}

/**
 * On both directors: servers, method, scheduler and persistence as planned. Weights that follow the load are left out, and real servers
 * an operator has ordered otherwise.
 */
async function proveTables(
  draft: ClusterDraft,
  config: Config,
  ordered: ReadonlySet<string>,
  { hosts }: ProofPorts,
): Promise<readonly ProofLine[]> {
  const command = 'cat /proc/net/ip_vs'
  const steered = draft.services.some(({ loadMonitor }) => loadMonitor !== 'none')
  return Promise.all(draft.directors.map((host) => lookAgain(() => proveTable(host))))

  async function proveTable(host: HostDraft): Promise<ProofLine> {
    const session = await hosts.session(host)
    const asked = session.ok ? await session.value.script(command, { as: 'root' }) : session
    const detail = { host: host.name }
    if (!asked.ok) {
      const answer = asked.problems[0]?.code ?? ''
      return { check: 'table-as-planned', passed: false, command, answer, detail }
    }
    const table = parseKernelTable(asked.value.out)
    const wrong = tableOf(config)
      .flatMap((service) => {
        const destinations = service.destinations.map((each) =>
          ordered.has(`${service.key} ${each.key}`) ? { ...each, asFound: true } : each,
        )
        return compareService({ ...service, destinations }, table.get(service.key))
      })
      .filter((difference) => !(steered && / has weight /.test(difference.says)))
    const answer = wrong.length === 0 ? asked.value.out.trim() : wrong.map(({ says }) => says).join('; ')
    return { check: 'table-as-planned', passed: wrong.length === 0, command, answer, detail }
  }
}

/** A look that is made again for a while when it does not find what it should: one check that failed meanwhile is no wrong table. */
async function lookAgain(look: () => Promise<ProofLine>): Promise<ProofLine> {
  const deadline = performance.now() + againMs
  for (;;) {
    const line = await look()
    if (line.passed || performance.now() > deadline) return line
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

/**
 * From this machine: every port of the virtual IP answers, several times in a row, and the directors say through which real servers. With
 * persistence one client reaches one of them; without, all of them that have a weight.
 */
async function proveService(
  draft: ClusterDraft,
  config: Config,
  ordered: ReadonlySet<string>,
  hosts: Hosts,
): Promise<readonly ProofLine[]> {
  const lines: ProofLine[] = []
  for (const service of draft.services.filter(({ active }) => active)) {
    const vip = virtualIpOf(draft, service).address
    const spec = config.virtualServers.find(({ name }) => name === service.name.trim())
    if (service.protocol !== 'tcp' || !spec) continue
    const key = serviceKey(spec)
    const out = new Set([...ordered].flatMap((each) => (each.startsWith(`${key} `) ? [each.split(' ').at(-1)] : [])))
    const servers = draft.realServers
      .filter((server) => isActiveIn(service, server))
      .map((server) => ({ name: server.name, address: clusterAddressOf(server), weight: Number(server.weight) }))
      .filter(({ address, weight }) => weight > 0 && ![...out].some((each) => each?.replace(/:\d+$/, '') === address))
    for (const text of portsOf(service)) {
      const port = Number(text)
      const persistent = Number(service.persistentS.trim() || '0') > 0
      const asked = { vip, port, key, scheduler: service.scheduler, persistent, servers }
      const { answers, said, ms, through } = await proveSpread(asked, hosts, draft.directors)
      const command = `connect ${vip}:${port}`
      lines.push({ check: 'answers-from-here', passed: answers, command, answer: said, detail: { vip, port, ms } })
      if (!through || servers.length === 0) continue
      lines.push({
        check: 'served-through',
        passed: through.passed,
        command: `${command}; cat /proc/net/ip_vs_conn; ipvsadm -L -n --stats --exact`,
        answer: through.answer,
        detail: { vip, port, servers: through.reached.join(', ') || '-' },
      })
    }
  }
  return lines
}
