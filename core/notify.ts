/**
 * The notifications of a cluster, as requests: what both directors have, another set for both, a test from each. The secrets go through
 * to the directors and are kept nowhere here; what lacks one on a director is said before anything is changed on either.
 */
import type { DirectorDraft } from '../domain/cluster.ts'
import type { Answer, Args, RequestName } from '../domain/contract/app.ts'
import { hasSecrets } from '../domain/notify.ts'
import type { ChannelDraft, DirectorTested, NotifyOverview, NotifyView } from '../domain/notify.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Problem, Result } from '../domain/problem.ts'
import type { AgentLine } from './live/agent-line.ts'
import type { Watchable } from './live/watches.ts'

type Names = Extract<RequestName, `notify.${string}`>
type Handlers = { readonly [N in Names]: (args: Args<N>) => Promise<Result<Answer<N>>> }

export interface NotifyPorts {
  readonly find: (id: string) => Promise<Result<Watchable>>
  /** Who is told to have changed it. */
  readonly by: string
}

interface Asked<T> {
  readonly director: DirectorDraft
  readonly answer: Result<T>
}

/** Asks both directors at once, each over a line of its own. */
function askEach<T>(
  { draft, door }: Watchable,
  ask: (line: AgentLine) => Promise<Result<T>>,
): Promise<readonly Asked<T>[]> {
  return Promise.all(
    draft.directors.map(async (director) => {
      const opened = await door.open(director)
      if (!opened.ok) return { director, answer: opened }
      const { line } = opened.value
      try {
        return { director, answer: await ask(line) }
      } finally {
        line.close()
      }
    }),
  )
}

/** What both have; fails when neither answered. */
function overview(asked: readonly Asked<NotifyView>[], more: readonly Problem[] = []): Result<NotifyOverview> {
  const problems = [...more, ...asked.flatMap(({ answer }) => (answer.ok ? [] : answer.problems))]
  if (!asked.some(({ answer }) => answer.ok)) return failed(...problems)
  return ok({
    directors: asked.map(({ director, answer }) => ({
      hostId: director.id,
      name: director.name.trim(),
      ...(answer.ok ? { view: answer.value } : {}),
    })),
    problems,
  })
}

function lackingIn(drafts: readonly ChannelDraft[], { director, answer }: Asked<NotifyView>): readonly Problem[] {
  if (!answer.ok) return []
  const lacking = drafts.filter((draft) => !hasSecrets(draft, answer.value.channels)).map(({ name }) => name)
  if (lacking.length === 0) return []
  const detail = { host: director.name.trim(), names: lacking.join(', ') }
  return [problem('notify-secret-lacking', detail, { kind: 'host', host: director.id })]
}

export function notifyHandlers({ find, by }: NotifyPorts): Handlers {
  return {
    'notify.get': async ({ id }) => {
      const cluster = await find(id)
      return cluster.ok ? overview(await askEach(cluster.value, (line) => line.notify())) : cluster
    },
    'notify.set': async ({ id, channels }) => {
      const cluster = await find(id)
      if (!cluster.ok) return cluster
      const before = await askEach(cluster.value, (line) => line.notify())
      const lacking = before.flatMap((asked) => lackingIn(channels, asked))
      if (lacking.length > 0) return failed(...lacking)
      const name = cluster.value.draft.name.trim()
      const after = await askEach(cluster.value, (line) => line.setNotify(name, channels, by))
      const unkept = after.flatMap(({ director, answer }) =>
        answer.ok
          ? []
          : [problem('notify-not-kept', { host: director.name.trim() }, { kind: 'host', host: director.id })],
      )
      return overview(after, unkept)
    },
    'notify.test': async ({ id, channel }) => {
      const cluster = await find(id)
      if (!cluster.ok) return cluster
      const asked = await askEach(cluster.value, (line) => line.testNotify(channel))
      return ok(
        asked.map(({ director, answer }): DirectorTested => {
          const about = { hostId: director.id, name: director.name.trim() }
          if (answer.ok) return { ...about, tested: answer.value }
          const [why = problem('notify-not-kept', { host: about.name })] = answer.problems
          return { ...about, problem: why }
        }),
      )
    },
  }
}
