/**
 * Which lines of a director's journal are news, and which director tells them. Pure, and from the journal alone: after a restart the
 * same lines give the same news. What both directors see (real servers, and that they see them differently) is told by the one that is
 * not standby; a channel may ask for both. A real server or a heartbeat path that is found as it was known before is no news: every start
 * of an agent finds all of them anew.
 */
import type { JournalEntry, JournalEvent, Role } from './contract/agent.ts'
import type { NewsGroup } from './notify.ts'

/** How serious a piece of news is; `good`: something has ended well. */
export type NewsLevel = 'problem' | 'good' | 'plain'

/** The kind of news an event is; null: none. */
function groupOf(event: JournalEvent): NewsGroup | null {
  switch (event.kind) {
    case 'failover':
      return 'failover'
    case 'role':
      return event.to === 'unfit' || event.from === 'unfit' ? 'unfit' : null
    case 'health':
      return event.to === 'up' ? 'health-up' : 'health-down'
    case 'disagreement':
      return 'disagreement'
    case 'path':
    case 'link':
      return 'peer'
    case 'drift':
      return 'drift'
    case 'config':
      return 'configuration'
    case 'order':
    case 'drained':
      return 'order'
    case 'started':
    case 'stopped':
    case 'trouble':
      return 'agent'
  }
}

export function levelOf(event: JournalEvent): NewsLevel {
  switch (event.kind) {
    case 'failover':
      return ['peer-silent', 'peer-unfit', 'both-served'].includes(event.record.cause) ? 'problem' : 'plain'
    case 'role':
      return event.to === 'unfit' ? 'problem' : 'good'
    case 'health':
      return event.to === 'up' ? 'good' : 'problem'
    case 'disagreement':
      return event.servers.length === 0 ? 'good' : 'problem'
    case 'path':
      return event.to === 'heard' ? 'good' : 'problem'
    case 'link':
      return event.up ? 'good' : 'problem'
    case 'drift':
    case 'trouble':
      return 'problem'
    case 'started':
      return event.after === 'crash' ? 'problem' : 'plain'
    case 'config':
    case 'order':
    case 'drained':
    case 'stopped':
      return 'plain'
  }
}

export interface NewsSense {
  /** Takes the next line of the journal, in order. `shared`: the other director tells it too, and this one is the standby. */
  readonly take: (entry: JournalEntry) => { readonly group: NewsGroup | null; readonly shared: boolean }
}

/** Reads a journal from its beginning, as far as it is kept. */
export function openNewsSense(): NewsSense {
  let role: Role = 'starting'
  /** Real servers and heartbeat paths as they were last told, `good` or not. */
  const known = new Map<string, boolean>()

  /** Whether it is another than before; that something is well from the beginning is none. */
  function isTurn(key: string, good: boolean): boolean {
    const before = known.get(key) ?? true
    known.set(key, good)
    return before !== good
  }

  return {
    take({ event }) {
      if (event.kind === 'started') role = 'starting'
      if (event.kind === 'role') role = event.to
      const shared = role === 'standby' && (event.kind === 'health' || event.kind === 'disagreement')
      const isNews =
        event.kind === 'health'
          ? isTurn(`server ${event.service} ${event.server}`, event.to === 'up')
          : event.kind === 'path'
            ? isTurn(`path ${event.path}`, event.to === 'heard')
            : true
      return { group: isNews ? groupOf(event) : null, shared }
    },
  }
}
