/** A line of a director's journal in the reader's words, for the history, for its export and for notifications. */
import type { JournalEntry } from '../domain/contract/agent.ts'
import type { Language } from '../domain/speech/speech.ts'
import { durationText } from './ages.ts'
import type { MessageKey, Values } from './i18n/speech.ts'
import type { Mark } from './parts/StateMark.vue'

interface Speech {
  readonly say: (key: MessageKey, values?: Values) => string
  readonly language: Language
  /** What services and real servers are called, by the id in the journal. */
  readonly names?: ReadonlyMap<string, string> | undefined
}

/** How serious a line is. */
export function journalMark({ event }: JournalEntry): Mark {
  switch (event.kind) {
    case 'failover':
      return ['peer-silent', 'peer-unfit', 'both-served'].includes(event.record.cause) ? 'warn' : 'ok'
    case 'health':
      return event.to === 'up' ? 'ok' : 'bad'
    case 'disagreement':
      return event.servers.length === 0 ? 'ok' : 'warn'
    case 'path':
      return event.to === 'heard' ? 'ok' : 'bad'
    case 'link':
      return event.up ? 'ok' : 'bad'
    case 'drift':
      return event.repaired ? 'warn' : 'bad'
    case 'trouble':
      return 'warn'
    case 'role':
      return event.to === 'unfit' ? 'bad' : event.to === 'active' || event.to === 'standby' ? 'ok' : 'idle'
    default:
      return 'idle'
  }
}

/** A line in words. */
export function journalText({ director, event }: JournalEntry, { say, language, names }: Speech): string {
  const named = (id: string): string => {
    const name = names?.get(id)
    return name === undefined || name === id ? id : `${name} (${id})`
  }
  switch (event.kind) {
    case 'started':
      return say(`event.started.${event.after}`, { director, version: event.version })
    case 'stopped':
      return say('event.stopped', { director, reason: event.reason })
    case 'role':
      return say('event.role', {
        director,
        from: say(`role.${event.from}`),
        to: say(`role.${event.to}`),
        reason: event.reason,
      })
    case 'failover':
      return event.record.outageMs === undefined
        ? say('event.failover', {
            to: event.record.to,
            cause: say(`cause.${event.record.cause}`, { from: event.record.from ?? '', to: event.record.to }),
          })
        : say('event.failoverOutage', {
            to: event.record.to,
            cause: say(`cause.${event.record.cause}`, { from: event.record.from ?? '', to: event.record.to }),
            ms: durationText(event.record.outageMs, language),
          })
    case 'health':
      return say(`event.health.${event.to}`, { server: named(event.server), service: named(event.service) })
    case 'disagreement':
      return event.servers.length === 0
        ? say('event.agreed', { director, peer: event.peer })
        : say('event.disagreement', {
            director,
            peer: event.peer,
            count: event.total,
            servers: event.servers
              .map((one) =>
                say(`event.seen.${one.here}`, {
                  server: named(one.server),
                  service: named(one.service),
                  director,
                  peer: event.peer,
                }),
              )
              .join('; '),
          })
    case 'path':
      return say(`event.path.${event.to}`, { director, path: event.path })
    case 'link':
      return say(event.up ? 'event.linkUp' : 'event.linkDown', { director, device: event.device })
    case 'drift':
      return say(event.repaired ? 'event.driftRepaired' : 'event.drift', {
        director,
        what: event.differences.join('; '),
      })
    case 'config':
      return say('event.config', { director, generation: event.generation, digest: event.digest.slice(0, 12) })
    case 'order':
      return event.server === undefined
        ? say('event.order', { director, order: event.order, by: event.by })
        : say('event.orderServer', {
            director,
            order: event.weight === undefined ? event.order : `${event.order} ${event.weight}`,
            by: event.by,
            server: named(event.server),
            service: named(event.service ?? ''),
          })
    case 'drained':
      return say('event.drained', {
        server: named(event.server),
        service: named(event.service),
        after: durationText(event.afterMs, language),
      })
    case 'trouble':
      return say('event.trouble', { director, says: event.says })
  }
  return ''
}
