/** `shoal check`: the problems of an lvs.cf file, or what Piranha makes of it. */
import { decodeDocument } from '../../core/document-bytes.ts'
import { check } from '../../domain/lvscf/check.ts'
import { asPiranha } from '../../domain/lvscf/piranha.ts'
import { piranhaView } from '../../domain/lvscf/piranha-view.ts'
import type { PiranhaReading } from '../../domain/lvscf/piranha.ts'
import { readBytes } from './files.ts'
import { orderedJson, problemForJson, problemLine, terminalLanguage } from './print.ts'

export interface CheckOptions {
  readonly json?: boolean
  readonly as?: string
}

export const exitClean = 0
export const exitProblems = 1
export const exitUnreadable = 2

/** Answers the exit status: 0 when nothing but notes was found, 1 with problems, 2 when a file cannot be read. */
export async function checkFiles(files: readonly string[], options: CheckOptions): Promise<number> {
  const language = terminalLanguage(process.env)
  const reports: unknown[] = []
  let status = exitClean
  for (const file of files) {
    const read = await readBytes(file)
    if (!read.ok) {
      status = exitUnreadable
      if (options.json) reports.push({ file, problems: read.problems.map((one) => problemForJson(one, language)) })
      else for (const one of read.problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
      continue
    }
    if (options.as === 'piranha') {
      const reading = asPiranha(read.value)
      // One file: the reading itself, as the golden ones have it.
      reports.push(files.length === 1 ? reading : { file, ...reading })
      if (!options.json) {
        process.stdout.write(`${file}: ${sayReading(reading)}\n`)
        const view = piranhaView(decodeDocument(read.value).text, read.value)
        for (const one of [...view.surprises, ...view.webTool.losses]) {
          process.stdout.write(`${problemLine(file, one, language)}\n`)
        }
      }
      if (reading.accepts !== true) status = Math.max(status, exitProblems)
      continue
    }
    const { problems } = check(decodeDocument(read.value).text)
    reports.push({ file, problems: problems.map((one) => problemForJson(one, language)) })
    if (!options.json) for (const one of problems) process.stdout.write(`${problemLine(file, one, language)}\n`)
    if (problems.some((one) => one.severity !== 'note')) status = Math.max(status, exitProblems)
  }
  if (options.json) process.stdout.write(`${orderedJson(reports.length === 1 ? reports[0] : reports)}\n`)
  return status
}

function sayReading(reading: PiranhaReading): string {
  if (reading.accepts === null) return 'Piranha crashes while reading this file.'
  if (!reading.accepts) return `Piranha refuses this file at line ${reading.line}: ${reading.reason}`
  const active = reading.blocks.filter((block) => block['active'] === 1)
  const names = active.map((block) => block.name).join(', ')
  return `Piranha accepts this file: ${reading.blocks.length} blocks, active: ${names || 'none'}`
}
