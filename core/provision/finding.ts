/**
 * What the checks of preflight share: a host with what is known of it, and the way a finding is noted. Pure.
 */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { inSameNetwork } from '../../domain/ipv4.ts'
import type { Problem, ProblemCode, Severity } from '../../domain/problem.ts'
import type { HostLook } from './look.ts'

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
  /** The one that was written last, where this cluster runs already. */
  readonly keptLvscf?: string
}

export type Known = Surveyed & { readonly facts: HostFacts }

/** Notes a finding of a host: the check, the command that was asked, what came back, and what it means. */
export interface Noting {
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

/** Whether the host belongs to this very cluster already, by the key it holds. */
export function isOurs(facts: HostFacts, clusterKeyDigest: string | undefined): boolean {
  return clusterKeyDigest !== undefined && facts.shoal?.clusterKeyDigest === clusterKeyDigest
}

/** Whether a card of the host has an address of its own in the network of another address. */
export function standsBeside(facts: HostFacts, address: string): boolean {
  return facts.nics.some(
    (nic) =>
      nic.mac !== '' &&
      nic.addresses.some(
        (own) => own.address !== address && own.prefix < 32 && inSameNetwork(own.address, address, own.prefix),
      ),
  )
}
