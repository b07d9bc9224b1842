/**
 * Who is watched: one watch per cluster however many windows look, kept a little after the last one left. The first watcher starts
 * it, a cluster built anew gets a new one.
 */
import type { JournalEntry } from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { check } from '../../domain/lvscf/check.ts'
import type { StatusChange } from '../../domain/status.ts'
import type { AgentDoor } from './agent-line.ts'
import type { Journal } from './journal.ts'
import { startWatch } from './watch.ts'
import type { Watch } from './watch.ts'

/** A watch that nobody looks at any more is kept this long, so that going from page to page does not reconnect. */
const lingerMs = 10_000
/** Assumed where the lvs.cf is not sound. */
const fallbackKeepaliveMs = 1_000

/** What a watch needs to know of a cluster. */
export interface Watchable {
  readonly draft: ClusterDraft
  readonly lvscf: string
  readonly door: AgentDoor
}

export interface WatchesPorts {
  readonly find: (id: string) => Promise<Result<Watchable>>
  readonly journal: (id: string) => Promise<Journal>
  readonly now: () => number
  readonly onChange: (change: StatusChange) => void
  readonly onJournal: (id: string, entries: readonly JournalEntry[]) => void
}

interface Watched {
  readonly watch: Watch
  watchers: number
  linger?: NodeJS.Timeout
}

export interface Watches {
  /** Adds a watcher. */
  add(id: string): Promise<Result<Watch>>
  remove(id: string): void
  /** The watch of a cluster that somebody looks at or looked at just now. */
  of(id: string): { readonly watch: Watch; readonly watchers: number } | undefined
  /** Looks once: `what` gets the watch after both directors were reached or have failed, at most `waitMs` later. */
  once<T>(id: string, waitMs: number, what: (watch: Watch) => Promise<Result<T>>): Promise<Result<T>>
  /** Ends a watch whatever looks at it. */
  end(id: string): void
  /** Ends a watch whose cluster was built anew; watchers are carried over to a new one. */
  restart(id: string): Promise<void>
  /** Tries lost directors again at once. */
  retry(): void
  close(): void
}

export function openWatches(ports: WatchesPorts): Watches {
  const watches = new Map<string, Watched>()
  const opening = new Map<string, Promise<Result<Watched>>>()

  async function start(id: string): Promise<Result<Watched>> {
    const cluster = await ports.find(id)
    if (!cluster.ok) return cluster
    const { draft, lvscf, door } = cluster.value
    const { config } = check(lvscf)
    const vips = [...new Set((config?.virtualServers ?? []).map((server) => server.vip.address))]
    const watched: Watched = {
      watchers: 0,
      watch: startWatch(id, draft, config?.heartbeat.keepaliveMs ?? fallbackKeepaliveMs, vips, {
        door,
        journal: await ports.journal(id),
        now: ports.now,
        onChange: ports.onChange,
        onJournal: (entries) => ports.onJournal(id, entries),
      }),
    }
    watches.set(id, watched)
    return ok(watched)
  }

  async function add(id: string): Promise<Result<Watch>> {
    if (!watches.has(id)) {
      const starting = opening.get(id) ?? start(id).finally(() => opening.delete(id))
      opening.set(id, starting)
      const started = await starting
      if (!started.ok) return started
    }
    const watched = watches.get(id)
    if (!watched) return failed(problem('not-found', { name: id }))
    watched.watchers += 1
    clearTimeout(watched.linger)
    return ok(watched.watch)
  }

  function remove(id: string): void {
    const watched = watches.get(id)
    if (!watched) return
    watched.watchers = Math.max(0, watched.watchers - 1)
    if (watched.watchers > 0) return
    clearTimeout(watched.linger)
    watched.linger = setTimeout(() => {
      if (watched.watchers === 0 && watches.get(id) === watched) end(id)
    }, lingerMs)
    watched.linger.unref()
  }

  function end(id: string): void {
    const watched = watches.get(id)
    watches.delete(id)
    clearTimeout(watched?.linger)
    watched?.watch.stop()
  }

  return {
    add,
    remove,
    of: (id) => watches.get(id),
    async once(id, waitMs, what) {
      const watch = await add(id)
      if (!watch.ok) return watch
      try {
        await watch.value.heardOrFailed(waitMs)
        return await what(watch.value)
      } finally {
        remove(id)
      }
    },
    end,
    async restart(id) {
      const watchers = watches.get(id)?.watchers ?? 0
      end(id)
      if (watchers === 0) return
      const fresh = await add(id)
      const watched = watches.get(id)
      if (fresh.ok && watched) watched.watchers += watchers - 1
    },
    retry() {
      for (const { watch } of watches.values()) watch.retry()
    },
    close() {
      for (const id of [...watches.keys()]) end(id)
    },
  }
}
