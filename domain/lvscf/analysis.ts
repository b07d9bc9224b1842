/**
 * Everything an editor shows of a whole file besides its text: structure, problems with their places, and which nodes they are in.
 * One pure step from text to plain data, so that it runs in the window for small files and in a worker for large ones.
 */
import type { Problem, Severity } from '../problem.ts'
import { check } from './check.ts'
import type { HeldText, Span } from './document-text.ts'
import { lineStarts, release, spanOf } from './document-text.ts'
import { nodeAt, outlineOf } from './outline.ts'
import type { Outline } from './outline.ts'
import { parse } from './syntax.ts'

/** Beyond this many problems a list is no longer read; the rest is counted. */
const problemsMost = 1_000

export interface PlacedProblem extends Span {
  readonly problem: Problem
}

export interface Analysis {
  readonly outline: Outline
  /** In the order of the text, offsets in the held text. */
  readonly problems: readonly PlacedProblem[]
  readonly counts: Readonly<Record<Severity, number>>
  /** Per node of the outline the gravest problem in it or below it: 0 none, 1 note, 2 warning, 3 block. */
  readonly gravest: Uint8Array
  /** The file says a whole configuration that could be run. */
  readonly runnable: boolean
}

const gravity: Readonly<Record<Severity, number>> = { note: 1, warning: 2, block: 3 }

/** The node a problem is about. What is missing in the file as a whole stands at its very beginning, whatever block begins there. */
export function nodeOfProblem(outline: Outline, { from, to }: Span): number {
  return to === 0 ? 0 : nodeAt(outline, from)
}

/** Reads and checks a text. Never throws. */
export function analyse(held: HeldText): Analysis {
  const checked = check(release(held))
  const outline = outlineOf(held.lineEnd === '\n' || held.lineEnd === 'mixed' ? checked.tree : parse(held.text))
  const starts = lineStarts(held.text)
  const gravest = new Uint8Array(outline.start.length)
  const counts: Record<Severity, number> = { block: 0, warning: 0, note: 0 }
  const problems: PlacedProblem[] = []
  for (const problem of checked.problems) {
    counts[problem.severity]++
    const span = spanOf(problem.where, starts, held.text.length)
    for (let node = nodeOfProblem(outline, span); ; node = outline.parent[node] ?? 0) {
      gravest[node] = Math.max(gravest[node] ?? 0, gravity[problem.severity])
      if (node === 0) break
    }
    if (problems.length < problemsMost) problems.push({ problem, ...span })
  }
  return { outline, problems, counts, gravest, runnable: checked.config !== undefined }
}
