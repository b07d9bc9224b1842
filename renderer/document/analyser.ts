/**
 * Who analyses a document: this thread while that is quicker than a frame, a worker beyond. The worker is started before a document is
 * chosen, because a cold one takes several times as long.
 */
import { analyse } from '../../domain/lvscf/analysis.ts'
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import type { HeldText } from '../../domain/lvscf/document-text.ts'
import { unpack } from './analysis-message.ts'
import type { Answered, Question } from './analysis-message.ts'

/** Up to this many characters the analysis takes a few milliseconds and is done at once. */
const atOnceMost = 40_000

interface Waiting {
  readonly held: HeldText
  readonly resolve: (analysis: Analysis) => void
}

let worker: Worker | undefined
let asked = 0
const waiting = new Map<number, Waiting>()

function started(): Worker {
  if (worker) return worker
  const made = new Worker(new URL('./analysis-worker.ts', import.meta.url), { type: 'module' })
  made.onmessage = ({ data }: MessageEvent<Answered>) => {
    waiting.get(data.number)?.resolve(unpack(data.packed))
    waiting.delete(data.number)
  }
  made.onerror = () => {
    // Without a worker (an old policy, a broken load) the window does the work itself.
    worker = undefined
    for (const { held, resolve } of waiting.values()) resolve(analyse(held))
    waiting.clear()
  }
  worker = made
  return made
}

/** Starts the worker, which makes itself ready, if there is none yet. */
export function readyAnalyser(): void {
  if (typeof Worker !== 'undefined') started()
}

/** An analysis at once, or undefined when the text is too long for that. */
export function analyseAtOnce(length: number, held: () => HeldText): Analysis | undefined {
  return length <= atOnceMost ? analyse(held()) : undefined
}

export function analyseLater(held: HeldText): Promise<Analysis> {
  if (typeof Worker === 'undefined') return Promise.resolve(analyse(held))
  const question: Question = { number: ++asked, held }
  started().postMessage(question)
  return new Promise((resolve) => waiting.set(question.number, { held, resolve }))
}
