/** How a verdict is shown: its shape, and its sentence with the facts in it. */
import type { Verdict } from '../domain/status.ts'
import { clockText, durationText } from './ages.ts'
import type { MessageKey, useSpeech } from './i18n/speech.ts'
import type { Mark } from './parts/StateMark.vue'
import type { Heard } from './stores/clusters.ts'

/** The shape of a verdict; nothing heard is never green. */
export function markOfVerdict(verdict: Verdict | undefined): Mark {
  switch (verdict?.kind) {
    case 'served':
      return verdict.problems > 0 || verdict.standby === 'not-ready' || verdict.standby === 'unknown' ? 'warn' : 'ok'
    case 'partly-served':
      return 'warn'
    case 'not-served':
    case 'both-serve':
      return 'bad'
    default:
      return 'stale'
  }
}

/** Without news for this long a verdict in a list is not shown as if it held. */
const listStaleAfterMs = 15_000

/** The shape of a verdict in a list, with the age of the news and whether the core answers at all. */
export function markOfHeard(heard: Heard | undefined, connected: boolean, nowMs: number): Mark {
  return connected && heard && nowMs - heard.atMs <= listStaleAfterMs ? markOfVerdict(heard.verdict) : 'stale'
}

/** What to do about a verdict; empty when nothing is to be done. */
export function adviceKey(verdict: Verdict): MessageKey | undefined {
  if (verdict.kind !== 'served') return `verdict.advice.${verdict.kind}`
  if (verdict.standby === 'not-ready' || verdict.standby === 'unknown') return 'verdict.advice.standby'
  return verdict.problems > 0 ? 'verdict.advice.problems' : undefined
}

/** The one sentence at the top. `nowMs` and `skewMs` turn the core's instants into ages and times of this machine. */
export function verdictSentence(
  verdict: Verdict,
  speech: ReturnType<typeof useSpeech>,
  names: readonly string[],
  nowMs: number,
  skewMs: number,
): string {
  const { say, language } = speech
  const age = 'sinceMs' in verdict ? durationText(nowMs - skewMs - verdict.sinceMs, language.value) : ''
  const at = 'sinceMs' in verdict ? clockText(verdict.sinceMs + skewMs) : ''
  switch (verdict.kind) {
    case 'served':
      return [
        say('verdict.served', { by: verdict.by, n: verdict.virtualServers, at }),
        say(`verdict.standby.${verdict.standby}`),
        say('verdict.problems', { n: verdict.problems }),
      ].join(' · ')
    case 'partly-served':
      return [
        say('verdict.partly', { by: verdict.by, served: verdict.served, n: verdict.virtualServers }),
        say(`verdict.standby.${verdict.standby}`),
      ].join(' · ')
    case 'not-served':
      return say('verdict.notServed', { vip: verdict.virtualIp, age, at })
    case 'both-serve':
      return say('verdict.bothServe', { vip: verdict.virtualIp, age, at })
    case 'unknown':
      return say('verdict.unknown', { names: names.join(say('verdict.and')), age, at })
  }
}
