/** How a verdict is shown: its shape, and its sentence with the facts in it. */
import type { Verdict } from '../domain/status.ts'
import { clockText, durationText } from './ages.ts'
import type { useSpeech } from './i18n/speech.ts'
import type { Mark } from './parts/StateMark.vue'

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
