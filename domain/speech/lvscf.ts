/** The problem codes of one area with their sentence and remedy in every language. */
import type { Entry } from './speech.ts'

export const lvscfSpeech = {} as const satisfies Record<string, Entry>

export type LvscfCode = keyof typeof lvscfSpeech
