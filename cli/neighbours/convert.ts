/** `shoal convert`: an lvs.cf from or to a neighbour's format. The result goes to standard output, what is lost to standard error. */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeDocument } from '../../core/document-bytes.ts'
import { reasonOf } from '../../core/disk.ts'
import { newDocument } from '../../domain/lvscf/draft.ts'
import type { Format } from '../../domain/neighbours/convert.ts'
import { exporters, importers } from '../../domain/neighbours/convert.ts'
import type { Report } from '../../domain/neighbours/report.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Language } from '../../domain/speech/speech.ts'
import { readBytes, replaceBytes } from '../lvscf/files.ts'
import { orderedJson, problemForJson, problemLine, terminalLanguage } from '../lvscf/print.ts'

export interface ConvertOptions {
  readonly from?: Format
  readonly to?: Format
  readonly output?: string
  readonly director: 'primary' | 'backup'
  readonly virtualRouterId?: number
  readonly json?: boolean
}

const exitWhole = 0
const exitPartly = 1
const exitNone = 2

interface Converted {
  readonly files: readonly { readonly name: string; readonly director: string; readonly text: string }[]
  readonly report: Report
}

function converted(text: string, options: ConvertOptions): Converted {
  if (options.to !== undefined) {
    const { virtualRouterId } = options
    return exporters[options.to](text, virtualRouterId === undefined ? {} : { virtualRouterId })
  }
  const { draft, report } = importers[options.from as Format](text)
  const files = report.verdict === 'none' ? [] : [{ name: 'lvs.cf', director: 'either', text: newDocument(draft) }]
  return { files, report }
}

/** Answers the exit status: 0 nothing lost, 1 something lost or approximated, 2 no conversion. */
export async function convertFile(file: string, options: ConvertOptions): Promise<number> {
  const language = terminalLanguage(process.env)
  if ((options.from === undefined) === (options.to === undefined)) {
    process.stderr.write('Say one of --from and --to.\n')
    return exitNone
  }
  const bytes = await readBytes(file)
  if (!bytes.ok) return refuse(file, bytes.problems, options, language)
  const { files, report } = converted(decodeDocument(bytes.value).text, options)
  const wanted = files.find(({ director }) => director === 'either' || director === options.director)
  if (options.output !== undefined && wanted) {
    const written = await writeFiles(options.output, files, wanted.text)
    if (!written.ok) return refuse(options.output, written.problems, options, language)
  }
  if (options.json) {
    const entries = report.entries.map(({ fate, problem: one }) => ({ fate, ...problemForJson(one, language) }))
    const { verdict, carriedLines } = report
    process.stdout.write(`${orderedJson({ file, verdict, files, entries, carriedLines })}\n`)
  } else {
    if (options.output === undefined && wanted) process.stdout.write(wanted.text)
    for (const { problem: one } of report.entries) process.stderr.write(`${problemLine(file, one, language)}\n`)
  }
  if (report.verdict === 'none') return exitNone
  return report.verdict === 'partly' ? exitPartly : exitWhole
}

function refuse(file: string, problems: readonly Problem[], options: ConvertOptions, language: Language): number {
  if (options.json) {
    const said = problems.map((one) => problemForJson(one, language))
    process.stdout.write(`${orderedJson({ file, verdict: 'none', files: [], problems: said })}\n`)
  } else for (const one of problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
  return exitNone
}

/** One file at a path; into a folder, all of them by their names. */
async function writeFiles(
  output: string,
  files: readonly { readonly name: string; readonly text: string }[],
  wanted: string,
): Promise<Result<null>> {
  const isFolder = await stat(output).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const targets = isFolder
    ? files.map(({ name, text }) => ({ path: join(output, name), text }))
    : [{ path: output, text: wanted }]
  for (const { path, text } of targets) {
    const bytes = new TextEncoder().encode(text)
    const before = await readBytes(path)
    // What is there keeps its mode and owner; what is not is made.
    const written = before.ok ? await replaceBytes(path, bytes, before.value) : await create(path, bytes)
    if (!written.ok) return written
  }
  return ok(null)
}

async function create(path: string, bytes: Uint8Array): Promise<Result<null>> {
  try {
    await writeFile(path, bytes, { flag: 'wx' })
    return ok(null)
  } catch (error) {
    return failed(problem('file-unwritable', { file: path, reason: reasonOf(error) }, { kind: 'file', file: path }))
  }
}
