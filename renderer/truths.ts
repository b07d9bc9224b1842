/**
 * Who holds each virtual IP, three times: as the agents mean it, as the kernels have it, as the wire answers. Each with its age, and
 * whether those that are known agree. Pure.
 */
import type { ClusterStatus, DirectorStatus, WireAnswer } from '../domain/status.ts'
import { freshnessOf } from './overview.ts'

export interface Truth {
  /** Names of those that hold it; null: not known. */
  readonly holders: readonly string[] | null
  readonly ageMs?: number
  readonly stale: boolean
  /** Nobody was there who could find out. */
  readonly unasked?: true
}

export interface Truths {
  readonly address: string
  readonly agent: Truth
  readonly kernel: Truth
  readonly wire: Truth
  /** All that are known and fresh say the same one holder. */
  readonly agree: boolean
}

/** The wire is asked when the page opens and when the verdict changes, not all the time. */
const wireStaleMs = 60_000
/** At most so many addresses are laid side by side. */
const most = 50

function oldest(ages: readonly number[]): { readonly ageMs?: number } {
  return ages.length > 0 ? { ageMs: Math.max(0, ...ages) } : {}
}

/** Per virtual IP. `nowMs` in the core's clock. */
export function truthsOf(
  status: ClusterStatus,
  nowMs: number,
  wireAnswers: readonly WireAnswer[] = [],
): readonly Truths[] {
  const age = (director: DirectorStatus): number => nowMs - (director.receivedAtMs ?? nowMs)
  const spoke = status.directors.filter(({ report }) => report !== undefined)
  const fresh = spoke.filter((one) => freshnessOf(one, status.staleAfterMs, nowMs).kind === 'fresh')
  const heard = fresh.length > 0 ? fresh : spoke
  const stale = fresh.length === 0
  return status.virtualIps.slice(0, most).map((address): Truths => {
    const told = heard.flatMap((director) =>
      (director.report?.virtualIps ?? []).filter((ip) => ip.address === address).map((ip) => ({ director, ip })),
    )
    const agent: Truth =
      told.length === 0
        ? { holders: null, stale: true }
        : {
            holders: told.filter(({ ip }) => ip.wanted).map(({ director }) => director.name),
            ...oldest(told.map(({ director }) => age(director))),
            stale,
          }
    const looked = told.filter(({ ip }) => ip.held !== null)
    const kernel: Truth =
      looked.length === 0
        ? { holders: null, stale: true }
        : {
            holders: looked.filter(({ ip }) => ip.held).map(({ director }) => director.name),
            ...oldest(
              looked.map(({ director }) => {
                const seenMs = director.report?.kernel.observedAtMs
                return seenMs === undefined ? age(director) : nowMs + (director.clockOffsetMs ?? 0) - seenMs
              }),
            ),
            stale,
          }
    const wire = wireOf(
      wireAnswers.find((one) => one.address === address),
      nowMs,
    )
    // Old news of the wire is no argument against fresh news of the kernel.
    const known = [agent, kernel, ...(wire.stale ? [] : [wire])].flatMap(({ holders }) =>
      holders === null ? [] : [holders.join(' ')],
    )
    return { address, agent, kernel, wire, agree: stale || new Set(known).size <= 1 }
  })
}

/** What answered for the address when the segment was last asked; old news is stale. */
function wireOf(answer: WireAnswer | undefined, nowMs: number): Truth {
  if (!answer) return { holders: null, stale: true }
  if (answer.askedBy.length === 0) return { holders: null, stale: true, unasked: true }
  const ageMs = Math.max(0, nowMs - answer.atMs)
  return { holders: answer.answeredBy, ageMs, stale: ageMs > wireStaleMs }
}
