/**
 * From the draft and the facts to the plan: every step on every host, with its files, its commands, how it is seen to be so already,
 * and how it is taken back. Pure. What is shown is what runs.
 *
 * Order: real servers first, because nothing reaches them before a director serves (silence about the virtual IP before the virtual
 * IP); then one director after the other, on a running cluster the standby before the active one. Taking back goes the other way. What
 * nothing uses yet (copies, and on a director without a running agent everything up to its start) is done ahead, on all hosts at once.
 */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Finding, Plan } from '../../domain/plan.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import { directorSteps } from './director-steps.ts'
import { realServerSteps } from './real-server-steps.ts'

export interface Runtime {
  readonly name: string
  /** Of the unpacked program. */
  readonly sha256: string
  readonly bytes: number
  /** Native parts of the agent for this processor end so. */
  readonly nativeSuffix: string
}

/** What is pushed to a director; `id` names version and content. */
export interface AgentBuild {
  readonly version: string
  readonly id: string
  readonly unit: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[]
  /** By `uname -m`. */
  readonly runtimes: Readonly<Record<string, Runtime>>
}

export interface PlanInput {
  readonly draft: ClusterDraft
  readonly draftRevision: number
  readonly facts: ReadonlyMap<string, HostFacts>
  readonly findings: readonly Finding[]
  readonly lvscf: string
  /** SHA-256 of the lvs.cf as it will stand on the directors; the agents must report it. */
  readonly configDigest: string
  readonly build: AgentBuild
}

/** The plan; without facts of every host to be set up it has the findings and no steps. */
export function makePlan(input: PlanInput): Plan {
  const { draft, facts } = input
  const realServers = draft.realServers.filter((server) => server.setUp === 'ssh')
  const known = [...draft.directors, ...realServers].every((host) => facts.has(host.id))
  const directors = directorOrder(draft, facts)
  return {
    draftId: draft.id,
    draftRevision: input.draftRevision,
    lvscf: input.lvscf,
    findings: input.findings,
    order: groupsOf(
      draft,
      directors.map(({ id }) => id),
      realServers.map(({ id }) => id),
    ),
    hosts: [
      ...draft.directors.map((host) => ({ ...named(host), role: 'director' as const })),
      ...realServers.map((host) => ({ ...named(host), role: 'real-server' as const })),
    ],
    steps: known
      ? [
          ...directors.flatMap((host) => directorSteps(host, facts.get(host.id), input)),
          ...realServers.flatMap((host) => realServerSteps(host, draft, facts)),
        ]
      : [],
  }
}

/**
 * Directors one by one, real servers side by side. With NAT the directors come first: a real server whose routes lead to an address that
 * nobody holds yet would be cut off until they are done.
 */
function groupsOf(
  draft: ClusterDraft,
  directors: readonly string[],
  realServers: readonly string[],
): readonly (readonly string[])[] {
  const single = directors.map((id) => [id])
  return (draft.forwarding === 'nat' ? [...single, realServers] : [realServers, ...single]).filter(
    (group) => group.length > 0,
  )
}

function named(host: HostDraft): { readonly hostId: string; readonly name: string; readonly address: string } {
  return { hostId: host.id, name: host.name.trim(), address: host.address.trim() }
}

/**
 * The directors in the order they are done. Where one of them serves, by an agent or by what is to be stopped for it (Piranha,
 * keepalived), the other one first: it takes the service over before this one lets go, and the service moves at most once. Where nobody
 * serves there is nothing to disturb, and the primary comes first, so that it becomes the active one.
 */
function directorOrder(draft: ClusterDraft, facts: ReadonlyMap<string, HostFacts>): readonly HostDraft[] {
  const [primary, backup] = draft.directors
  const vips = vipsOf(draft)
  const running = (host: HostDraft): boolean => facts.get(host.id)?.shoal?.agentRunning ?? false
  const holds = (host: HostDraft): boolean =>
    facts.get(host.id)?.nics.some((nic) => nic.addresses.some(({ address }) => vips.includes(address))) ?? false
  if (holds(backup)) return [primary, backup]
  return holds(primary) || running(primary) || running(backup) ? [backup, primary] : [primary, backup]
}
