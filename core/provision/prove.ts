/**
 * The proof after a run: not hopes but measurements, from the directors, from a real server and from this machine. Each line carries the
 * command that was asked and what came back.
 */
import { connect } from 'node:net'
import { clusterAddressOf, draftLvscf, portsOf, realPortsOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { Config } from '../../domain/config.ts'
import type { Hello, Snapshot } from '../../domain/contract/agent.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { parseCounters, parseKernelTable } from '../../domain/ipvs/kernel-table.ts'
import { compareService, tableOf } from '../../domain/ipvs/table.ts'
import { check } from '../../domain/lvscf/check.ts'
import type { ProofLine } from '../../domain/plan.ts'
import { openAgentLine } from '../live/agent-line.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { arrivalAddress } from './check-real-server.ts'
import { placeOnSegment } from './look.ts'
import { realServerMaterial, realServerProgram, routesByRouter } from './real-server-material.ts'

/** Health checks, the choice of the active director and the announcement need a moment after the last step. */
const settleMs = 20_000
const lookEveryMs = 500
const connectTimeoutMs = 2_000
const arpSeconds = 3
/** Connections made for each real server, so that every scheduler gets to all of them. */
const roundsPerServer = 3
/** Twice what the kernel takes to bring its counters up to date (ip_vs_est.c, every 2 s), and the asking. */
const countingMs = 6_000
/** These choose by address, so one client reaches one real server, and fewest-connection schedulers by locality do as well. */
const hashing: ReadonlySet<string> = new Set(['sh', 'dh', 'mh', 'lblc', 'lblcr'])

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

  const { virtualIp, natRouter } = draft
  lines.push(...(await proveOneMac(draft, holder, virtualIp.address.trim(), virtualIp.device, ports)))
  if (draft.forwarding === 'nat') {
    lines.push(...(await proveOneMac(draft, holder, natRouter.address.trim(), natRouter.device, ports)))
  }
  lines.push(...(await proveRealServers(draft, ports)))
  const config = check(draftLvscf(draft)).config
  if (config) lines.push(...(await proveTables(draft, config, ports)))

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

  lines.push(...(await proveService(draft, hosts)))
  return lines
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
          const vip = draft.virtualIp.address.trim()
          const command = `${realServerProgram} check`
          const answer = await ask(`${command} && ip -br -4 addr show dev ${device ?? 'lo'}`)
          const detail = { server: server.name, vip, device: device ?? 'lo' }
          lines.push({ check: 'silent-real-server', command, ...answer, detail })
        }
        const address = arrivalAddress(draft, server)
        for (const service of draft.services) {
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

/** On both directors: servers, method, scheduler and persistence as planned. Weights that follow the load are left out. */
async function proveTables(draft: ClusterDraft, config: Config, { hosts }: ProofPorts): Promise<readonly ProofLine[]> {
  const command = 'cat /proc/net/ip_vs'
  const steered = draft.services.some(({ loadMonitor }) => loadMonitor !== 'none')
  return Promise.all(
    draft.directors.map(async (host): Promise<ProofLine> => {
      const session = await hosts.session(host)
      const asked = session.ok ? await session.value.script(command, { as: 'root' }) : session
      const detail = { host: host.name }
      if (!asked.ok) {
        const answer = asked.problems[0]?.code ?? ''
        return { check: 'table-as-planned', passed: false, command, answer, detail }
      }
      const table = parseKernelTable(asked.value.out)
      const wrong = tableOf(config)
        .flatMap((service) => compareService(service, table.get(service.key)))
        .filter((difference) => !(steered && / has weight /.test(difference.says)))
      const answer = wrong.length === 0 ? asked.value.out.trim() : wrong.map(({ says }) => says).join('; ')
      return { check: 'table-as-planned', passed: wrong.length === 0, command, answer, detail }
    }),
  )
}

/** What both directors have counted, by real server: whichever serves, and also when the service moves meanwhile. */
async function countedOn(hosts: Hosts, directors: readonly HostDraft[]): Promise<ReadonlyMap<string, number>> {
  const told = await Promise.all(
    directors.map(async (host) => {
      const session = await hosts.session(host)
      const asked = session.ok ? await session.value.script('ipvsadm -L -n --stats --exact', { as: 'root' }) : session
      return asked.ok ? [...parseCounters(asked.value.out)] : []
    }),
  )
  const counted = new Map<string, number>()
  for (const [key, { connections }] of told.flat()) {
    const address = key.split(' ').at(-1)?.replace(/:\d+$/, '') ?? ''
    counted.set(address, (counted.get(address) ?? 0) + connections)
  }
  return counted
}

function total(counted: ReadonlyMap<string, number>): number {
  return [...counted.values()].reduce((sum, count) => sum + count, 0)
}

/** The counters once they have all the connections that were made: the kernel brings them up to date every two seconds only. */
async function countedAfter(
  hosts: Hosts,
  directors: readonly HostDraft[],
  before: ReadonlyMap<string, number>,
  made: number,
): Promise<ReadonlyMap<string, number>> {
  const deadline = performance.now() + countingMs
  let after = await countedOn(hosts, directors)
  while (total(after) - total(before) < made && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    after = await countedOn(hosts, directors)
  }
  return after
}

/**
 * From this machine: every port of the virtual IP answers, several times in a row, and the director's own counters say through which
 * real servers. With persistence one client reaches one of them; without, all of them.
 */
async function proveService(draft: ClusterDraft, hosts: Hosts): Promise<readonly ProofLine[]> {
  const vip = draft.virtualIp.address.trim()
  const lines: ProofLine[] = []
  for (const service of draft.services) {
    if (service.protocol !== 'tcp') continue
    for (const text of portsOf(service)) {
      const port = Number(text)
      const before = await countedOn(hosts, draft.directors)
      const weighted = draft.realServers.filter(({ weight }) => Number(weight) > 0)
      const rounds = Math.max(
        1,
        weighted.reduce((sum, { weight }) => sum + Math.min(Number(weight), 4), 0) * roundsPerServer,
      )
      const answers: Awaited<ReturnType<typeof tcpAnswer>>[] = []
      for (let round = 0; round < rounds; round++) {
        const answer = await tcpAnswer(vip, port)
        answers.push(answer)
        if (!answer.ok) break
      }
      const failure = answers.find(({ ok }) => !ok)
      const command = `connect ${vip}:${port}`
      const ms = Math.max(...answers.map((answer) => answer.ms))
      const said = failure?.said ?? `connected ${answers.length} times`
      lines.push({ check: 'answers-from-here', passed: !failure, command, answer: said, detail: { vip, port, ms } })
      if (failure) continue
      const after = await countedAfter(hosts, draft.directors, before, answers.length)
      const reached = weighted.filter((server) => {
        const address = clusterAddressOf(server)
        return (after.get(address) ?? 0) > (before.get(address) ?? 0)
      })
      const one = Number(service.persistentS.trim() || '0') > 0 || hashing.has(service.scheduler)
      const servers = reached.map(({ name }) => name).join(', ') || '-'
      lines.push({
        check: 'served-through',
        passed: one ? reached.length === 1 : reached.length === weighted.length,
        command: `${command} × ${answers.length}; ipvsadm -L -n --stats --exact`,
        answer: weighted
          .map((server) => {
            const address = clusterAddressOf(server)
            return `${server.name}: ${(after.get(address) ?? 0) - (before.get(address) ?? 0)}`
          })
          .join(', '),
        detail: { vip, port, servers },
      })
    }
  }
  return lines
}
