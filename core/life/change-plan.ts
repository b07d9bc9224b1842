/**
 * What a change of a running cluster does, from the draft it was built from, the draft it shall become, and the whole plan of the latter.
 * Pure. Of that plan only what prepares hosts is taken: the lvs.cf goes by stage and commit, and the agent and its key stay as they are.
 */
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { ChangePlan } from '../../domain/life.ts'
import type { Plan, StepKind } from '../../domain/plan.ts'
import { problem } from '../../domain/problem.ts'
import type { Problem } from '../../domain/problem.ts'

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

/** Why the difference between two drafts cannot be one change; the rest can. */
export function changeFaults(before: ClusterDraft, after: ClusterDraft): readonly Problem[] {
  const faults: Problem[] = []
  const place = ({ forwarding }: ClusterDraft): string => forwarding
  if (place(before) !== place(after)) faults.push(problem('change-forwarding', {}))
  if (replacedOf(before, after) === 'both') faults.push(problem('change-directors', {}))
  const vip = (draft: ClusterDraft): string => JSON.stringify([draft.virtualIp, draft.natRouter])
  if (vip(before) !== vip(after)) {
    faults.push(problem('change-virtual-ip', { from: before.virtualIp.address, to: after.virtualIp.address }))
  }
  return faults
}

/** The change itself; `plan` is the whole plan of `after`. */
export function changePlan(before: ClusterDraft, beforeText: string, after: ClusterDraft, plan: Plan): ChangePlan {
  const directors = new Set(after.directors.map(({ id }) => id))
  const at = replacedOf(before, after)
  const successor = at === 0 || at === 1 ? after.directors[at] : undefined
  const predecessor = at === 0 || at === 1 ? before.directors[at] : undefined
  // A successor gets everything; only its start waits until the other director knows it.
  const steps = plan.steps.filter((step) => {
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
    plan: { ...plan, steps },
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
    drained: left.map((server) => ({ hostId: server.id, name: server.name.trim(), address: clusterAddressOf(server) })),
    cleaned: left
      .filter(({ setUp }) => setUp === 'ssh')
      .map((server) => ({ hostId: server.id, name: server.name.trim() })),
    findings: plan.findings,
  }
}
