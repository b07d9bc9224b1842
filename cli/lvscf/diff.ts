/** `shoal diff`: two lvs.cf files compared by what they mean. */
import { decodeDocument } from '../../core/document-bytes.ts'
import type { Config } from '../../domain/config.ts'
import { check } from '../../domain/lvscf/check.ts'
import { differences } from '../../domain/lvscf/difference.ts'
import type { Difference } from '../../domain/lvscf/difference.ts'
import type { Problem } from '../../domain/problem.ts'
import { readBytes } from './files.ts'
import { orderedJson, problemForJson, problemLine, terminalLanguage } from './print.ts'

export interface DiffOptions {
  readonly json?: boolean
}

const exitSame = 0
const exitDifferent = 1
const exitTrouble = 2

/** Answers the exit status of diff(1): 0 the same meaning, 1 differences, 2 when a file cannot be read or has no meaning. */
export async function diffFiles(before: string, after: string, options: DiffOptions): Promise<number> {
  const language = terminalLanguage(process.env)
  const configs: Config[] = []
  const trouble: { readonly file: string; readonly problems: readonly Problem[] }[] = []
  for (const file of [before, after]) {
    const bytes = await readBytes(file)
    if (!bytes.ok) {
      trouble.push({ file, problems: bytes.problems })
      continue
    }
    const { config, problems } = check(decodeDocument(bytes.value).text)
    if (config) configs.push(config)
    else trouble.push({ file, problems: problems.filter((one) => one.severity === 'block') })
  }
  const [a, b] = configs
  if (!a || !b || trouble.length > 0) {
    if (options.json) {
      const said = trouble.map(({ file, problems }) => ({
        file,
        problems: problems.map((one) => problemForJson(one, language)),
      }))
      process.stdout.write(`${orderedJson({ before, after, trouble: said })}\n`)
    }
    for (const { file, problems } of trouble) {
      for (const one of problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
    }
    return exitTrouble
  }
  const found = differences(a, b)
  if (options.json) process.stdout.write(`${orderedJson({ before, after, differences: found })}\n`)
  else for (const one of found) process.stdout.write(`${said(one)}\n`)
  return found.length === 0 ? exitSame : exitDifferent
}

function said({ path, before, after }: Difference): string {
  const name = path.join(' ')
  if (before === undefined) return `+ ${name}: ${after ?? ''}`
  if (after === undefined) return `- ${name}: ${before}`
  return `~ ${name}: ${before} -> ${after}`
}
