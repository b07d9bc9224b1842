/**
 * The screen's words. `en.ts` is the shape; every other language has exactly its messages or does not compile, and a key that is
 * not in it does not compile where it is used. Problems are said by domain/speech, not here.
 */
import { computed } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import type { Problem } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Language, Said } from '../../domain/speech/speech.ts'
import { en } from './en.ts'
import { zhCN } from './zh-cn.ts'

/** Dotted paths of all messages: `start.title`. */
type Paths<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Paths<T[K], `${Prefix}${K}.`>
}[keyof T & string]

export type MessageKey = Paths<typeof en>
export type Values = Readonly<Record<string, string | number>>

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zhCN },
})

/** What a component needs to speak: messages, problems, and the language for dates and ages. */
export function useSpeech() {
  const { t, locale } = useI18n({ useScope: 'global' })
  const language = computed<Language>(() => (locale.value === 'zh-CN' ? 'zh-CN' : 'en'))
  return {
    language,
    /** A message with its values; `n` also chooses between singular and plural. */
    say(key: MessageKey, values: Values = {}): string {
      return typeof values['n'] === 'number' ? t(key, values, { plural: values['n'] }) : t(key, values)
    },
    speak(problem: Problem): Said {
      return speak(problem, language.value)
    },
  }
}
