/** Speech of the document page. Its messages join the others when the page is loaded, so that the start page does not carry them. */
import { i18n, useSpeech } from '../i18n/speech.ts'
import type { Values } from '../i18n/speech.ts'
import type { Directive } from '../../domain/lvscf/directives.ts'
import type { Fix } from '../../domain/lvscf/fixes.ts'
import { documentEn, documentZh } from './words.ts'

type Paths<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Paths<T[K], `${Prefix}${K}.`>
}[keyof T & string]
export type DocumentKey = Paths<typeof documentEn>

let isJoined = false

export function useDocumentSpeech() {
  if (!isJoined) {
    i18n.global.mergeLocaleMessage('en', { document: documentEn })
    i18n.global.mergeLocaleMessage('zh-CN', { document: documentZh })
    isJoined = true
  }
  const speech = useSpeech()
  const translate = speech.say as (key: string, values?: Values) => string
  const say = (key: DocumentKey, values: Values = {}): string => translate(`document.${key}`, values)
  return {
    ...speech,
    say,
    sayFix: (fix: Fix): string => say(`fix.${fix.name}`, fix.detail),
    /** What of the table is worth telling beside the explanation. */
    facts(directive: Directive): readonly string[] {
      const facts: string[] = []
      if (directive.default !== undefined) facts.push(say('node.defaultIs', { value: directive.default }))
      if (directive.unit) facts.push(say('node.unitIs', { unit: say(`node.unit.${directive.unit}`) }))
      if (directive.choices) facts.push(say('node.choicesAre', { values: directive.choices.join(', ') }))
      if (directive.since) facts.push(say('node.sinceIs', { version: directive.since }))
      if (directive.lostByWebTool) facts.push(say('node.lost'))
      if (directive.unused) facts.push(say('node.unused'))
      return facts
    },
  }
}
