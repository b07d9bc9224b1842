/**
 * A whole file at once: its tree, its words, what they mean, and every problem with its place in the text. What the command line, the
 * editor and the agent all start from.
 */
import type { Config } from '../config.ts'
import type { Problem } from '../problem.ts'
import { config } from './config.ts'
import type { Draft } from './draft.ts'
import { locate, read } from './draft.ts'
import type { Tree } from './syntax.ts'
import { parse } from './syntax.ts'

export interface Checked {
  readonly tree: Tree
  readonly draft: Draft
  /** Absent when a problem blocks. */
  readonly config?: Config
  /** In the order of the text, each with a text place. */
  readonly problems: readonly Problem[]
}

/** Reads and checks a file. Never throws. */
export function check(text: string): Checked {
  const tree = parse(text)
  const draft = read(tree)
  const meaning = config(draft)
  // A line that could not be read is one problem, not also a missing value.
  const brokenLines = new Set<number>()
  for (const one of tree.problems) {
    if (one.severity === 'block' && one.where?.kind === 'text') brokenLines.add(one.where.line)
  }
  const located: Problem[] = []
  for (const one of meaning.problems) {
    if (one.where?.kind !== 'field') {
      located.push(one)
      continue
    }
    const where = locate(tree, one.where.path)
    if (where.kind === 'text' && brokenLines.has(where.line) && one.severity === 'block') continue
    located.push({ ...one, where })
  }
  // Nor is a broken value also a deviation in form.
  const blockedLines = new Set<number>()
  for (const one of located) {
    if (one.severity === 'block' && one.where?.kind === 'text') blockedLines.add(one.where.line)
  }
  const formal = tree.problems.filter(
    (one) => !(one.code === 'lvscf-extra-words' && one.where?.kind === 'text' && blockedLines.has(one.where.line)),
  )
  const problems = [...formal, ...located]
    .map((one, at) => ({ one, at, line: one.where?.kind === 'text' ? one.where.line : 0 }))
    .sort((a, b) => a.line - b.line || a.at - b.at)
    .map(({ one }) => one)
  const blocked = problems.some((one) => one.severity === 'block')
  return { tree, draft, ...(blocked || !meaning.config ? {} : { config: meaning.config }), problems }
}
