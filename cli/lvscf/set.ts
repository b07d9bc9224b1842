/** `shoal set`: changes values of an lvs.cf file in place, and nothing else. */
import { decodeDocument, encodeDocument } from '../../core/document-bytes.ts'
import { assign, unsaid } from '../../domain/lvscf/assign.ts'
import { applyEdits, locate, read, write } from '../../domain/lvscf/draft.ts'
import { parse } from '../../domain/lvscf/syntax.ts'
import type { Problem } from '../../domain/problem.ts'
import { exitClean, exitProblems, exitUnreadable } from './check.ts'
import { readBytes, replaceBytes } from './files.ts'
import { diffOf, orderedJson, problemForJson, problemLine, terminalLanguage } from './print.ts'

export interface SetOptions {
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Answers the exit status: 0 done (or nothing to do), 1 refused, 2 when the file cannot be read or written. */
export async function setValues(file: string, assignments: readonly string[], options: SetOptions): Promise<number> {
  const language = terminalLanguage(process.env)
  const done = (status: number, changed: boolean, problems: readonly Problem[], diff?: string): number => {
    if (options.json) {
      const said = problems.map((one) => problemForJson(one, language))
      process.stdout.write(`${orderedJson({ file, changed, problems: said, ...(diff ? { diff } : {}) })}\n`)
    } else {
      if (diff !== undefined && diff !== '') process.stdout.write(`${diff}\n`)
      for (const one of problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
    }
    return status
  }
  const bytes = await readBytes(file)
  if (!bytes.ok) return done(exitUnreadable, false, bytes.problems)
  const { text, encoding } = decodeDocument(bytes.value)
  const tree = parse(text)
  const draft = read(tree)
  const assigned = assign(draft, assignments)
  if (!assigned.ok) return done(exitProblems, false, placed(assigned.problems))
  const edits = write(tree, assigned.value.draft)
  const changed = applyEdits(text, edits)
  const after = parse(changed)
  const remarks = assigned.value.problems.map((one) =>
    one.where?.kind === 'field' ? { ...one, where: locate(after, one.where.path) } : one,
  )
  const kept = unsaid(read(after), assigned.value)
  if (kept.length > 0) return done(exitProblems, false, placed(kept))
  if (edits.length === 0) return done(exitClean, false, remarks)
  if (options.dryRun) return done(exitClean, false, remarks, diffOf(file, text, edits))
  const encoded = encodeDocument(changed, encoding)
  if (!encoded.ok) return done(exitProblems, false, encoded.problems)
  const written = await replaceBytes(file, encoded.value, bytes.value)
  if (!written.ok) return done(exitUnreadable, false, written.problems)
  return done(exitClean, true, remarks)

  /** Values that are refused are not in the file; what they contradict is. */
  function placed(problems: readonly Problem[]): Problem[] {
    return problems.map((one) => {
      if (one.where?.kind !== 'field') return one
      return { ...one, where: locate(tree, one.where.path) }
    })
  }
}
