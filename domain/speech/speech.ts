/**
 * How a problem is said. Each area of the product keeps its codes with their sentence and remedy in every language in one
 * table (lvscf.ts, host.ts, cluster.ts, app.ts), so a code cannot be added in one language only.
 * `{name}` in a sentence is replaced by `detail.name`.
 */
import type { Problem } from '../problem.ts'
import { actingSpeech } from './acting.ts'
import { appSpeech } from './app.ts'
import { checksSpeech } from './checks.ts'
import { clusterSpeech } from './cluster.ts'
import { documentSpeech } from './document.ts'
import { hostSpeech } from './host.ts'
import { lvscfSpeech } from './lvscf.ts'
import { neighboursSpeech } from './neighbours.ts'
import { notifySpeech } from './notify.ts'
import { serveSpeech } from './serve.ts'

export const languages = ['en', 'zh-CN'] as const
export type Language = (typeof languages)[number]

/** What is (a neutral statement with a fact) and what to do about it. */
export interface Said {
  readonly says: string
  readonly remedy: string
}

/** One code in every language. */
export type Entry = Readonly<Record<Language, Said>>

const table = {
  ...actingSpeech,
  ...lvscfSpeech,
  ...checksSpeech,
  ...hostSpeech,
  ...clusterSpeech,
  ...appSpeech,
  ...documentSpeech,
  ...serveSpeech,
  ...neighboursSpeech,
  ...notifySpeech,
}

/** Every code with its sentence and remedy, placeholders unfilled. */
export const spoken: readonly (readonly [code: string, entry: Entry])[] = Object.entries(table)

function fill(sentence: string, detail: Problem['detail']): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(detail?.[name] ?? '?'))
}

/** The problem's sentence and remedy in a language, with its details filled in. */
export function speak(problem: Problem, language: Language): Said {
  const entry = table[problem.code][language]
  return { says: fill(entry.says, problem.detail), remedy: fill(entry.remedy, problem.detail) }
}
