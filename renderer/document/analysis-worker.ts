/** Analyses large files beside the window, so that typing never waits for it. Answers carry the number of the question. */
import { analyse } from '../../domain/lvscf/analysis.ts'
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import type { HeldText } from '../../domain/lvscf/document-text.ts'

export interface Question {
  readonly number: number
  readonly held: HeldText
}
export interface Answered {
  readonly number: number
  readonly analysis: Analysis
}

self.onmessage = (message: MessageEvent<Question>) => {
  const { number, held } = message.data
  const answered: Answered = { number, analysis: analyse(held) }
  self.postMessage(answered)
}
