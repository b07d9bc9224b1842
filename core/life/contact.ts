/**
 * The line to a director while a cluster is changed. A line that is lost is opened anew for a while: an agent that was started again, or
 * a connection that broke, is no reason to take back what both directors run well. Orders about files can be given twice (agent/effects/
 * staged.ts), so one whose answer was lost is given again.
 */
import type { DirectorDraft } from '../../domain/cluster.ts'
import type { Order, Snapshot } from '../../domain/contract/agent.ts'
import type { Result } from '../../domain/problem.ts'
import type { AgentDoor, AgentLine } from '../live/agent-line.ts'

export interface Contact {
  readonly director: DirectorDraft
  /** As it was when the line was opened first. */
  readonly role: string
  order(order: Order): Promise<Result<null>>
  stage: AgentLine['stage']
  watch(): Promise<Result<Snapshot>>
  close(): void
}

export interface ContactTiming {
  /** A lost line is opened anew within it, or stays lost. */
  readonly regainMs: number
  readonly lookEveryMs: number
}

/** Problems by which a line is known to be lost; others are answers. */
const lostBy: ReadonlySet<string> = new Set(['agent-absent', 'agent-silent', 'agent-unreadable'])

function isLost(result: Result<unknown>): boolean {
  return !result.ok && result.problems.some(({ code }) => lostBy.has(code))
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Opens the line and asks for the role. */
export async function contactWith(
  director: DirectorDraft,
  door: AgentDoor,
  timing: ContactTiming,
): Promise<Result<Contact>> {
  const opened = await door.open(director)
  if (!opened.ok) return opened
  let { line } = opened.value
  const first = await line.watch()

  async function regain(): Promise<boolean> {
    line.close()
    const deadline = performance.now() + timing.regainMs
    for (;;) {
      const again = await door.open(director)
      if (again.ok) {
        ;({ line } = again.value)
        return true
      }
      if (performance.now() > deadline) return false
      await wait(timing.lookEveryMs)
    }
  }

  async function insist<T>(ask: () => Promise<Result<T>>): Promise<Result<T>> {
    const answer = await ask()
    return isLost(answer) && (await regain()) ? ask() : answer
  }

  return {
    ok: true,
    value: {
      director,
      role: first.ok ? first.value.director.role : '',
      order: (order) => insist(() => line.order(order)),
      stage: (text, by) => insist(() => line.stage(text, by)),
      watch: () => insist(() => line.watch()),
      close: () => {
        line.close()
      },
    },
  }
}
