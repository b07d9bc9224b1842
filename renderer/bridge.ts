/**
 * The one way from the screen to the core. In the desktop window it is the preload's `window.shoal`; in a browser the same two
 * functions over the loopback port: POST for `ask`, server-sent events for `on`. Pages do not know which one they have.
 */
import { reactive, readonly } from 'vue'
import type { Answer, Args, Bridge, EventName, Events, RequestName } from '../domain/contract/app.ts'
import { failed, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'

/** A closed event stream is opened again after this long, doubling up to the limit. */
const reconnectFirstMs = 500
const reconnectMostMs = 8000
/** An answer that has not come by then is not waited for: a host that is ending may take a connection and never answer. */
const answerLimitMs = 5000

interface Connection {
  state: 'connected' | 'lost' | 'signed-out'
  sinceMs: number
  /** The files of this page are gone from the host: another version of Shoal serves now. */
  outdated: boolean
  /** Counts the times the connection came back: what is watched has to be asked for again. */
  returns: number
}

const connectionState = reactive<Connection>({ state: 'connected', sinceMs: Date.now(), outdated: false, returns: 0 })

/** Whether the core answers, for the banner and for greying out. Always `connected` in the desktop window. */
export const connection = readonly(connectionState)

/** Said by the router when a page's code cannot be loaded although the host answers. */
export function noteOutdated(): void {
  connectionState.outdated = true
}

function setConnection(state: Connection['state']): void {
  if (connectionState.state === state) return
  if (state === 'connected') connectionState.returns += 1
  connectionState.state = state
  connectionState.sinceMs = Date.now()
}

/** Every event there is: one that is missing here does not compile. */
const events = {
  'cluster.status': true,
  'cluster.journal': true,
  'cluster.drill': true,
  'cluster.command': true,
  'simulation.changed': true,
  'clusters.changed': true,
  'draft.kept': true,
  'run.changed': true,
  'change.changed': true,
  'run.line': true,
  'menu.chosen': true,
} satisfies Record<EventName, true>
const eventNames = Object.keys(events) as readonly EventName[]

/** An event stream does not say why it was refused: asks whether this browser is still signed in (after a restart it is not). */
async function noticeSignedOut(): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json', 'x-shoal': '1' }
    const signal = AbortSignal.timeout(answerLimitMs)
    const answer = await fetch('/sign-in', { method: 'POST', headers, body: '{}', signal })
    const { ok } = (await answer.json()) as { readonly ok: boolean }
    if (!ok) setConnection('signed-out')
  } catch {
    // Nobody answers at all: lost, as is shown already.
  }
}

/** Talks to `shoal serve` at the address the page came from. */
function browserBridge(): Bridge {
  const heard = new Map<EventName, Set<(event: never) => void>>()
  let waitMs = reconnectFirstMs

  let source: EventSource | undefined
  let next: ReturnType<typeof setTimeout> | undefined

  /** A stream that is refused ends for good, and one that hangs never says so: until one is open, a new one is tried again and again. */
  function tryAgainIn(ms: number): void {
    clearTimeout(next)
    next = setTimeout(() => {
      void noticeSignedOut()
      open()
    }, ms)
  }

  function open(): void {
    source?.close()
    const opening = new EventSource('/events')
    source = opening
    tryAgainIn(Math.max(waitMs, answerLimitMs))
    opening.onopen = () => {
      clearTimeout(next)
      waitMs = reconnectFirstMs
      setConnection('connected')
    }
    opening.onerror = () => {
      if (connectionState.state === 'connected') setConnection('lost')
      opening.close()
      tryAgainIn(waitMs)
      waitMs = Math.min(waitMs * 2, reconnectMostMs)
    }
    for (const name of eventNames) {
      opening.addEventListener(name, (message) => {
        const event = JSON.parse((message as MessageEvent<string>).data) as never
        for (const listener of heard.get(name) ?? []) listener(event)
      })
    }
  }
  open()

  return {
    async ask<N extends RequestName>(name: N, args: Args<N>): Promise<Result<Answer<N>>> {
      try {
        const answer = await fetch(`/ask/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-shoal': '1' },
          body: JSON.stringify(args),
        })
        if (answer.status === 401) setConnection('signed-out')
        const body: unknown = await answer.json()
        if (typeof body === 'object' && body !== null && 'ok' in body) return body as Result<Answer<N>>
        return failed(problem('core-unreachable', { reason: `HTTP ${answer.status}` }))
      } catch (error) {
        return failed(problem('core-unreachable', { reason: error instanceof Error ? error.message : String(error) }))
      }
    },
    on<N extends EventName>(name: N, listener: (event: Events[N]) => void) {
      const listeners = heard.get(name) ?? new Set()
      heard.set(name, listeners)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

let chosen: Bridge | undefined

/** The bridge of the host this page runs in. */
export function bridge(): Bridge {
  chosen ??= window.shoal ?? browserBridge()
  return chosen
}
