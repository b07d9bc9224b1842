/**
 * What a change of a running cluster does, from the draft it was built from, the draft it shall become, and the whole plan of the latter.
 * Pure. Of that plan only what prepares hosts is taken: the lvs.cf goes by stage and commit, and the agent and its key stay as they are.
 */
import { restedBy } from '../../domain/activity.ts'
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { ChangePlan } from '../../domain/life.ts'
import type { Plan, StepKind } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import type { Problem } from '../../domain/problem.ts'
import { endingPlan, gentle, servingHosts, vipDifference, vipFault } from './change-vips.ts'

/** Steps on a director that a change leaves alone: they install or restart the agent, or are done by stage and commit. */
const notByChange: readonly StepKind[] = [
  'runtime',
  'agent',
  'socket-group',
  'cluster-key',
  'lvscf',
  'agent-unit',
  'agent-start',
  'agent-ready',
]

/** Steps by which a new director comes to life. */
export const startOfAgent: readonly StepKind[] = ['agent-start', 'agent-ready']

/** Which director of the draft is another machine than that of the cluster; `both` is no replacement. */
export function replacedOf(before: ClusterDraft, after: ClusterDraft): 0 | 1 | 'both' | undefined {
  const seat = (draft: ClusterDraft, at: 0 | 1): string =>
    JSON.stringify([clusterAddressOf(draft.directors[at]), draft.directors[at].privateAddress.trim()])
  const differ = ([0, 1] as const).filter((at) => seat(before, at) !== seat(after, at))
  return differ.length === 2 ? 'both' : differ[0]
}

/** The seat of the director that is another machine than before. */
export function seatOfSuccessor(before: ClusterDraft, after: ClusterDraft): 0 | 1 | undefined {
  const at = replacedOf(before, after)
  return at === 'both' ? undefined : at
}

/** Why the difference between two drafts cannot be one change; the rest can. */
export function changeFaults(before: ClusterDraft, after: ClusterDraft): readonly Problem[] {
  const faults: Problem[] = []
  const place = ({ forwarding }: ClusterDraft): string => forwarding
  if (place(before) !== place(after)) faults.push(problem('change-forwarding', {}))
  if (replacedOf(before, after) === 'both') faults.push(problem('change-directors', {}))
  const vip = vipFault(before, after)
  if (vip) faults.push(problem('change-virtual-ip', vip))
  return faults
}

/**
 * The change itself; `plan` is the whole plan of `after`, `at` the seat of a director that gets a successor. When virtual IPs leave, `kept` is the whole plan with them still there
 * (change-vips.ts): the hosts are made ready by it.
 */
export function changePlan(
  before: ClusterDraft,
  beforeText: string,
  after: ClusterDraft,
  plan: Plan,
  kept: Plan = plan,
  at = seatOfSuccessor(before, after),
): ChangePlan {
  const vips = vipDifference(before, after)
  const ending = endingPlan(before, after, plan)
  const directors = new Set(after.directors.map(({ id }) => id))
  const successor = at === undefined ? undefined : after.directors[at]
  const predecessor = at === undefined ? undefined : before.directors[at]
  // A successor gets everything; only its start waits until the other director knows it.
  const planned = gentle(kept.steps, after, { ...vips, leaving: [] }, servingHosts(before, after))
  const steps = planned.filter((step) => {
    if (step.hostId === successor?.id) return !startOfAgent.includes(step.kind)
    return !directors.has(step.hostId) || !notByChange.includes(step.kind)
  })
  const stays = new Set(after.realServers.map(clusterAddressOf))
  const left = before.realServers.filter((server) => !stays.has(clusterAddressOf(server)))
  return {
    clusterId: after.id,
    draftRevision: plan.draftRevision,
    before: beforeText,
    after: plan.lvscf,
    plan: { ...kept, lvscf: plan.lvscf, steps },
    ...vips,
    ...(ending ? { ending } : {}),
    ...(successor && predecessor
      ? {
          replaced: {
            hostId: successor.id,
            name: successor.name.trim(),
            before: clusterAddressOf(predecessor),
            address: clusterAddressOf(successor),
          },
        }
      : {}),
    drained: [
      ...left.map((server) => ({ hostId: server.id, name: server.name.trim(), address: clusterAddressOf(server) })),
      ...restedBy(before, after).flatMap(({ id, service }) =>
        before.realServers
          .filter((server) => server.id === id && !left.includes(server))
          .map((server) => ({ hostId: id, name: server.name.trim(), address: clusterAddressOf(server), service })),
      ),
    ],
    cleaned: left
      .filter(({ setUp }) => setUp === 'ssh')
      .map((server) => ({ hostId: server.id, name: server.name.trim() })),
    findings: kept.findings,
  }
}
