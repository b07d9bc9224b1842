/**
 * The whole check of an lvs.cf on a thread of its own: a file of a thousand virtual servers takes it a second or more, and the loop
 * that sends the heartbeats must not stand still that long. The thread is the same program; it answers once and ends.
 */
import { Worker, parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../../domain/config.ts'
import { check } from '../../domain/lvscf/check.ts'
import type { Problem } from '../../domain/problem.ts'

/** What the check says: `config` is absent when a problem blocks. */
export interface Verdict {
  readonly config?: Config
  readonly problems: readonly Problem[]
}

/** A check that has not ended after this is ended. */
const limitMs = 60_000
/** More problems are not carried over; blocking ones come first. */
const maxProblems = 500

function verdictOf(text: string): Verdict {
  const { config, problems } = check(text)
  const sorted = problems.length <= maxProblems ? problems : problems.toSorted((a, b) => rank(a) - rank(b))
  return { ...(config ? { config } : {}), problems: sorted.slice(0, maxProblems) }
}

const rank = ({ severity }: Problem): number => ['block', 'warning', 'note'].indexOf(severity)

/** Checks on a thread; throws when the thread ends without an answer. */
export function checkOnThread(program: string, text: string): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(program, { workerData: { check: text }, execArgv: [], stdout: false, stderr: false })
    const timer = setTimeout(() => void thread.terminate(), limitMs)
    thread.once('message', (verdict: Verdict) => {
      clearTimeout(timer)
      resolve(verdict)
      void thread.terminate()
    })
    thread.once('error', reject)
    thread.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('the check of the file ended without an answer'))
    })
  })
}

/** Checks here and now; for development and tests, where there is no bundle to make a thread of. */
export const checkHere = (text: string): Promise<Verdict> => Promise.resolve(verdictOf(text))

/** The other end: true when this is such a thread (and the answer has been sent). */
export function answerCheck(): boolean {
  const asked: unknown = workerData
  if (!parentPort || typeof asked !== 'object' || asked === null || !('check' in asked)) return false
  parentPort.postMessage(verdictOf(String(asked.check)))
  return true
}
