/** `shoal show FILE --plan ipvsadm`: the commands that build the kernel's table of a file by hand. */
import { decodeDocument } from '../../core/document-bytes.ts'
import { ipvsadmPlan } from '../../domain/ipvs/plan.ts'
import { check } from '../../domain/lvscf/check.ts'
import { exitClean, exitProblems, exitUnreadable } from './check.ts'
import { readBytes } from './files.ts'
import { problemLine, terminalLanguage } from './print.ts'

/**
 * Prints one command per line; a file that names no directors is shown all the same, its table does not depend on them. Answers the
 * exit status: 0 printed, 1 when problems stand in the way, 2 when the file cannot be read.
 */
export async function showPlan(file: string): Promise<number> {
  const language = terminalLanguage(process.env)
  const bytes = await readBytes(file)
  if (!bytes.ok) {
    for (const one of bytes.problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
    return exitUnreadable
  }
  const { served, problems } = check(decodeDocument(bytes.value).text)
  if (!served) {
    for (const one of problems.filter((p) => p.severity === 'block'))
      process.stderr.write(`${problemLine(file, one, language)}\n`)
    return exitProblems
  }
  for (const line of ipvsadmPlan(served)) process.stdout.write(`ipvsadm ${line}\n`)
  return exitClean
}
