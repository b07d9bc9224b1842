/** Who analyses a document: this thread while that is quicker than a frame, a worker beyond. */
import { analyse } from '../../domain/lvscf/analysis.ts'
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import type { HeldText } from '../../domain/lvscf/document-text.ts'
import type { Answered, Question } from './analysis-worker.ts'

/** Up to this many characters the analysis takes a few milliseconds and is done at once. */
const atOnceMost = 40_000

let worker: Worker | undefined
let asked = 0
const waiting = new Map<number, (analysis: Analysis) => void>()

function inWorker(held: HeldText): Promise<Analysis> {
  if (!worker) {
    worker = new Worker(new URL('./analysis-worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = (message: MessageEvent<Answered>) => {
      waiting.get(message.data.number)?.(message.data.analysis)
      waiting.delete(message.data.number)
    }
    worker.onerror = () => {
      // Without a worker (an old policy, a broken load) the window does the work itself.
      worker = undefined
      for (const [number, resolve] of waiting) {
        const held = questions.get(number)
        if (held) resolve(analyse(held))
      }
      waiting.clear()
    }
  }
  const question: Question = { number: ++asked, held }
  questions.clear()
  questions.set(question.number, held)
  worker.postMessage(question)
  return new Promise((resolve) => waiting.set(question.number, resolve))
}

/** The texts that are with the worker, should it fail. One at a time: the store asks again only after the answer. */
const questions = new Map<number, HeldText>()

/** An analysis at once, or undefined when the text is too long for that. */
export function analyseAtOnce(length: number, held: () => HeldText): Analysis | undefined {
  return length <= atOnceMost ? analyse(held()) : undefined
}

export function analyseLater(held: HeldText): Promise<Analysis> {
  return typeof Worker === 'undefined' ? Promise.resolve(analyse(held)) : inWorker(held)
}
