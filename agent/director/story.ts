/**
 * What happens, told in sentences: the same ones go to the system's log, to the console and into the transcripts of the story
 * tests. Only what an administrator would want to know is told; a beat that arrives as expected is not.
 */
import type { FailoverRecord, JournalEvent } from '../../domain/contract/agent.ts'
import type { Effect } from './words.ts'

const why: Readonly<Record<FailoverRecord['cause'], string>> = {
  'first-start': 'nobody served',
  'peer-silent': 'the peer fell silent',
  'handed-over': 'the peer stopped and handed over',
  'peer-unfit': 'the peer cannot serve',
  ordered: 'a hand-over was ordered',
  'both-served': 'both served',
  failback: 'failback',
}

function tellRecord(r: FailoverRecord): string {
  if (r.cause === 'both-served')
    return `${r.to} stays active (term ${r.term}); ${r.from ?? 'the peer'} let go, both held the virtual IP for ${r.bothHeldMs ?? '?'} ms`
  const up =
    r.addressUpAtMs === undefined ? 'no address is up' : `address up after ${r.addressUpAtMs - r.decidedAtMs} ms`
  const told = r.announcedAtMs === undefined ? 'not announced' : `announced after ${r.announcedAtMs - r.decidedAtMs} ms`
  const outage = r.outageMs === undefined ? '' : `, outage at most ${r.outageMs} ms`
  const given = r.connections === undefined ? '' : `, ${r.connections.given} connections given over`
  return `${r.to} took over (${why[r.cause]}, term ${r.term}): ${up}, ${told}${outage}${given}`
}

/** An event of the journal as one line. */
export function tell(event: JournalEvent): string {
  switch (event.kind) {
    case 'started':
      return `started, version ${event.version} (after ${event.after})`
    case 'stopped':
      return `stopped: ${event.reason}`
    case 'role':
      return `${event.from} → ${event.to} (term ${event.term}): ${event.reason}`
    case 'failover':
      return tellRecord(event.record)
    case 'health':
      return `${event.server} of ${event.service} is ${event.to}${event.reason ? `: ${event.reason}` : ''}`
    case 'disagreement': {
      if (event.servers.length === 0) return `${event.peer} sees the real servers as they are seen here again`
      const named = event.servers.map(
        (s) => `${s.server} of ${s.service} is ${s.here} from here, ${s.there} from there`,
      )
      const more = event.total > named.length ? `, and ${event.total - named.length} more` : ''
      return `${event.peer} sees real servers differently, a path is at fault: ${named.join('; ')}${more}`
    }
    case 'path':
      return event.to === 'heard'
        ? `the peer is heard on path ${event.path}`
        : `the peer is silent on path ${event.path}`
    case 'link':
      return `link of ${event.device} is ${event.up ? 'up' : 'down'}`
    case 'drift':
      return `${event.repaired ? 'repaired' : 'not repaired'}: ${event.differences.join('; ')}`
    case 'config':
      return `config ${event.generation} (${event.digest.slice(0, 12)}) is in force`
    case 'order':
      return event.server === undefined
        ? `order ${event.order} by ${event.by}`
        : `order ${event.order}${event.weight === undefined ? '' : ` ${event.weight}`} for ${event.server} of ${event.service} by ${event.by}`
    case 'drained':
      return `${event.server} of ${event.service} has no connection left after ${event.afterMs} ms and is out of the table`
    case 'trouble':
      return event.says
  }
}

/** An effect as a line of a transcript; null for the everyday ones. */
export function tellEffect(effect: Effect): string | null {
  switch (effect.kind) {
    case 'journal':
      return tell(effect.event)
    case 'address':
      return effect.changes.map((c) => `${c.do} ${c.address}/${c.prefix} on ${c.label}`).join(', ')
    case 'announce':
      return `announce ${effect.addresses.map((a) => a.address).join(', ')}`
    case 'apply':
      return effect.commands.length > 0 ? `ipvsadm ${effect.commands.join(' | ')}` : null
    case 'answer':
      return effect.refused ? `refused: ${effect.refused}` : 'order done'
    case 'exit':
      return 'end'
    default:
      return null
  }
}
