/**
 * What the operator is told on the desktop while Shoal is open: takeovers, directors that cannot serve, real servers going down and
 * coming back. Each event once, though both directors tell it; nothing of the past, and nothing of the simulated cluster.
 */
import type { JournalEntry } from '../domain/contract/agent.ts'
import { simulationId } from '../domain/simulation-id.ts'
import { bridge } from './bridge.ts'

/** A journal read after a pause tells of long ago: that is history and no news. */
const newsMostMs = 60_000
/** Both directors tell of the same server within this. */
const sameMostMs = 15_000
const rememberedMost = 500

/** What makes two lines the same news; undefined = no news for the desktop. */
function newsOf({ director, event }: JournalEntry): string | undefined {
  switch (event.kind) {
    case 'failover':
      return event.record.cause === 'first-start' ? undefined : `failover ${event.record.to} ${event.record.term}`
    case 'health':
      return `health ${event.service} ${event.server} ${event.to}`
    case 'role':
      return event.to === 'unfit' ? `unfit ${director}` : undefined
    default:
      return undefined
  }
}

/** Which of the lines are news at `nowMs`; remembers what was told. */
export function createNews(): (clusterId: string, entries: readonly JournalEntry[], nowMs: number) => JournalEntry[] {
  const told = new Map<string, number>()
  return (clusterId, entries, nowMs) => {
    if (clusterId === simulationId) return []
    return entries.filter((entry) => {
      const news = newsOf(entry)
      if (news === undefined || Math.abs(nowMs - entry.atMs) > newsMostMs) return false
      const key = `${clusterId} ${news}`
      const before = told.get(key)
      if (before !== undefined && nowMs - before < sameMostMs) return false
      told.delete(key)
      told.set(key, nowMs)
      const [oldest] = told.keys()
      if (told.size > rememberedMost && oldest !== undefined) told.delete(oldest)
      return true
    })
  }
}

/** Begins to notify; `tell` makes the sentence. Asks the settings at every piece of news, so a change counts at once. */
export function startNotifications(tell: (clusterId: string, entry: JournalEntry) => { title: string; body: string }) {
  const newsAmong = createNews()
  return bridge().on('cluster.journal', ({ clusterId, entries }) => {
    const news = newsAmong(clusterId, entries, Date.now())
    if (news.length === 0 || !('Notification' in window) || Notification.permission !== 'granted') return
    void bridge()
      .ask('settings.get', {})
      .then((answer) => {
        if (!answer.ok || !answer.value.settings.desktopNotifications) return
        for (const entry of news) {
          const { title, body } = tell(clusterId, entry)
          new Notification(title, { body, tag: `${clusterId} ${newsOf(entry)}` })
        }
      })
  })
}
