/**
 * What is done to the directors of a running cluster one after the other, so that the service stays: the standby first, then a hand-over,
 * then the other one. An upgrade of the agent and its runtime goes so.
 */
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import type { Plan, ProofLine, Run, StepKind } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Builds } from '../builds.ts'
import type { Clusters } from '../clusters.ts'
import type { AgentDoor, AgentLine } from '../live/agent-line.ts'
import { agentCurrentPath, agentUnit, clusterKeyPath } from '../provision/facts.ts'
import type { Hosts } from '../ssh/hosts.ts'

export interface DirectorsPorts {
  readonly builds: Builds
  readonly clusters: Clusters
  readonly door: AgentDoor
  readonly prove: (draft: ClusterDraft, configDigest: string) => Promise<readonly ProofLine[]>
  readonly digest: (text: string) => string
  readonly author: string
  readonly restartWatch: (clusterId: string) => Promise<void>
}

/** A director with an open line to its agent and the role it had when asked. */
interface Seat {
  readonly director: DirectorDraft
  readonly line: AgentLine
  readonly role: string
}

/** What an upgrade does of a director's plan. */
const upgraded: readonly StepKind[] = ['runtime', 'agent', 'agent-unit', 'agent-start', 'agent-ready']
const handOverMs = 20_000
/** A director that was not ready to take over in time is asked again: nothing has changed, the active one has stayed so. */
const handOverTries = 3
const handOverPauseMs = 3_000
const lookEveryMs = 500

/** Whether a host can be logged in to and has neither key, agent nor unit of Shoal; a host that cannot be asked has not. */
export async function isBlank(hosts: Hosts, director: DirectorDraft): Promise<boolean> {
  const session = await hosts.session(director)
  if (!session.ok) return false
  const traces = [clusterKeyPath, agentCurrentPath, `/etc/systemd/system/${agentUnit}`]
  const text = traces.map((path) => `[ ! -e ${path} ] || exit 1`).join('\n')
  const asked = await session.value.script(text, { as: 'root' })
  return asked.ok && asked.value.exit === 0
}

/** Lines to both agents, or why there are none; closed by the caller. */
export async function openSeats(draft: ClusterDraft, door: AgentDoor): Promise<Result<readonly Seat[]>> {
  const seats: Seat[] = []
  const close = (): void => {
    for (const { line } of seats) line.close()
  }
  for (const director of draft.directors) {
    const opened = await door.open(director)
    const seen = opened.ok ? await opened.value.line.watch() : opened
    if (!opened.ok || !seen.ok) {
      close()
      return failed(...(seen.ok ? [] : seen.problems))
    }
    seats.push({ director, line: opened.value.line, role: seen.value.director.role })
  }
  return ok(seats)
}

/** Has the active director hand over, with some patience, and waits until the other one serves. */
async function handOver(draft: ClusterDraft, to: DirectorDraft, ports: DirectorsPorts): Promise<Result<null>> {
  for (let tries = 1; ; tries++) {
    const moved = await handOverOnce(draft, to, ports)
    if (moved.ok || tries === handOverTries) return moved
    await new Promise((resolve) => setTimeout(resolve, handOverPauseMs))
  }
}

async function handOverOnce(draft: ClusterDraft, to: DirectorDraft, ports: DirectorsPorts): Promise<Result<null>> {
  const seats = await openSeats(draft, ports.door)
  if (!seats.ok) return seats
  const close = (): void => {
    for (const { line } of seats.value) line.close()
  }
  const active = seats.value.find(({ role }) => role === 'active')
  const next = seats.value.find(({ director }) => director.id === to.id)
  if (!active || !next) {
    close()
    const answer = seats.value.map(({ director, role }) => `${director.name}: ${role}`).join(', ')
    return failed(problem('change-not-ready', { answer }))
  }
  if (active === next) {
    close()
    return ok(null)
  }
  const ordered = await active.line.order({ kind: 'hand-over', by: ports.author })
  const deadline = performance.now() + handOverMs
  let serves = false
  while (ordered.ok && !serves && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    const seen = await next.line.watch()
    serves = seen.ok && seen.value.director.role === 'active'
  }
  close()
  if (!ordered.ok) return ordered
  return serves ? ok(null) : failed(problem('change-not-ready', { answer: `${to.name} did not take over` }))
}

/** The steps of an upgrade; a plan without steps when both directors run what this Shoal brings. */
export async function upgradePlan(clusterId: string, ports: DirectorsPorts): Promise<Result<Plan>> {
  const cluster = await ports.clusters.get(clusterId)
  if (!cluster.ok) return cluster
  const { draft, lvscf } = cluster.value
  const whole = await ports.builds.planOf(draft, 0, lvscf)
  if (!whole.ok) return whole
  const { plan } = whole.value
  const directors = new Set(draft.directors.map(({ id }) => id))
  return ok({
    ...plan,
    order: plan.order.map((group) => group.filter((id) => directors.has(id))).filter((group) => group.length > 0),
    hosts: plan.hosts.filter(({ hostId }) => directors.has(hostId)),
    steps: plan.steps.filter((step) => directors.has(step.hostId) && upgraded.includes(step.kind)),
  })
}

/** The steps of one director as a plan of its own. */
function partOf(plan: Plan, hostId: string): Plan {
  return { ...plan, order: [[hostId]], steps: plan.steps.filter((step) => step.hostId === hostId) }
}

/**
 * Upgrades both directors: the standby, a hand-over to it, then the other one. Answers when both run it and the proof was made; what went
 * wrong on a director is taken back there, and the other one serves meanwhile.
 */
export async function upgrade(clusterId: string, ports: DirectorsPorts): Promise<Result<Run>> {
  const cluster = await ports.clusters.get(clusterId)
  if (!cluster.ok) return cluster
  const { draft, lvscf } = cluster.value
  const planned = await upgradePlan(clusterId, ports)
  if (!planned.ok) return planned
  const seats = await openSeats(draft, ports.door)
  if (!seats.ok) return seats
  for (const { line } of seats.value) line.close()
  const standby = seats.value.find(({ role }) => role === 'standby')
  const active = seats.value.find(({ role }) => role === 'active')
  if (!standby || !active) {
    const answer = seats.value.map(({ director, role }) => `${director.name}: ${role}`).join(', ')
    return failed(problem('change-not-ready', { answer }))
  }
  const done: Run[] = []
  for (const { director } of [standby, active]) {
    // The one that is worked on is the standby at that moment.
    const other = director === standby.director ? active.director : standby.director
    const moved = await handOver(draft, other, ports)
    if (!moved.ok) return moved
    const run = await ports.builds.carry(partOf(planned.value, director.id), draft)
    if (!run.ok) return run
    done.push(run.value)
    if (run.value.state !== 'proving') {
      const problems: Problem[] = [...run.value.problems]
      const back = await ports.builds.takeBackRun(run.value.id)
      return failed(...problems, ...(back.ok ? [] : back.problems))
    }
    ports.builds.finishRun(run.value.id, { state: 'done' })
  }
  await ports.restartWatch(clusterId)
  const proof = await ports.prove(draft, ports.digest(lvscf))
  const last = done.at(-1)
  if (!last) return failed(problem('change-nothing'))
  ports.builds.finishRun(last.id, { state: 'done', proof })
  return ok({ ...last, state: 'done', proof })
}
