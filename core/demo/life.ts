/** Requests about drafts, changes and revisions that mean the simulated cluster go to it; all others to where they go anyway. */
import type { Answer, Args, RequestName } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { simulationId } from '../../domain/simulation.ts'
import type { SimulatedChanges } from './changes.ts'

type Names =
  | 'drafts.get'
  | 'drafts.keep'
  | 'change.plan'
  | 'change.start'
  | 'change.of-cluster'
  | 'revisions.list'
  | 'revisions.restore'
type Handlers = { readonly [N in Names]: (args: Args<N>) => Promise<Result<Answer<N>>> }

/** The same handlers, with those of the simulated cluster before them; `life` is undefined while none runs. */
export function withSimulated<H extends Handlers>(handlers: H, life: () => SimulatedChanges | undefined): H & Handlers {
  function instead<N extends Names>(
    name: N & RequestName,
    idOf: (args: Args<N>) => string,
    simulated: (life: SimulatedChanges, args: Args<N>) => Promise<Result<Answer<N>>>,
  ): (args: Args<N>) => Promise<Result<Answer<N>>> {
    const usual = handlers[name] as (args: Args<N>) => Promise<Result<Answer<N>>>
    return async (args) => {
      if (idOf(args) !== simulationId) return usual(args)
      const here = life()
      return here ? simulated(here, args) : failed(problem('simulation-ended'))
    }
  }
  const byId = ({ id }: { readonly id: string }): string => id
  return {
    ...handlers,
    'drafts.get': instead('drafts.get', byId, async (here) => ok(here.draft())),
    'drafts.keep': instead(
      'drafts.keep',
      ({ draft }) => draft.id,
      async (here, { draft, revision }) => here.keep(draft, revision),
    ),
    'change.plan': instead('change.plan', byId, (here, { id }) => here.changes.plan(id)),
    'change.start': instead('change.start', byId, (here, { id, draftRevision, reason }) =>
      here.changes.start(id, draftRevision, reason),
    ),
    'change.of-cluster': instead('change.of-cluster', byId, async (here, { id }) =>
      ok(here.changes.newestOf(id) ?? null),
    ),
    'revisions.list': instead('revisions.list', byId, async (here) => ok(here.revisions())),
    'revisions.restore': instead('revisions.restore', byId, async (here, { number }) => here.restore(number)),
  }
}
