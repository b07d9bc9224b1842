/** The problem codes of one area with their sentence and remedy in every language. */
import type { Entry } from './speech.ts'

export const hostSpeech = {} as const satisfies Record<string, Entry>

export type HostCode = keyof typeof hostSpeech
