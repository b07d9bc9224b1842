/** How problems and changes are printed: one line per problem as compilers do, and changed lines as a diff. */
import type { TextEdit } from '../../domain/lvscf/draft.ts'
import { applyEdits } from '../../domain/lvscf/draft.ts'
import type { Problem } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Language } from '../../domain/speech/speech.ts'

/** The language of the terminal, from LC_ALL, LC_MESSAGES or LANG. */
export function terminalLanguage(environment: NodeJS.ProcessEnv): Language {
  const locale = environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG'] || ''
  return locale.startsWith('zh') ? 'zh-CN' : 'en'
}

/** `FILE:line:column: severity: sentence. remedy` */
export function problemLine(file: string, one: Problem, language: Language): string {
  const place = one.where?.kind === 'text' ? `${file}:${one.where.line}:${one.where.column}` : file
  const said = speak(one, language)
  return `${place}: ${one.severity}: ${said.says} ${said.remedy}`
}

/** A problem for programs: its place flattened, and said in the language asked for. */
export function problemForJson(one: Problem, language: Language): Record<string, unknown> {
  const { where } = one
  const place =
    where?.kind === 'text'
      ? { line: where.line, column: where.column, endLine: where.endLine, endColumn: where.endColumn }
      : where?.kind === 'field'
        ? { field: where.path }
        : {}
  return {
    code: one.code,
    severity: one.severity,
    ...place,
    ...speak(one, language),
    ...(one.detail ? { detail: one.detail } : {}),
  }
}

/** JSON with its keys in order and one blank of indentation per level, as the readings of the original are kept. */
export function orderedJson(value: unknown): string {
  const inOrder = (_key: string, part: unknown): unknown =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part
  return JSON.stringify(value, inOrder, 1)
}

/** The changed lines of `text` as a unified diff without context. */
export function diffOf(file: string, text: string, edits: readonly TextEdit[]): string {
  const out = [`--- ${file}`, `+++ ${file}`]
  const lineStart = (at: number): number => text.lastIndexOf('\n', at - 1) + 1
  const lineEnd = (at: number): number => {
    const end = text.indexOf('\n', at)
    return end < 0 ? text.length : end + 1
  }
  const groups: { from: number; to: number; edits: TextEdit[] }[] = []
  for (const edit of edits) {
    const from = lineStart(edit.from)
    const whole = edit.from === from && (edit.to === edit.from || edit.to === lineStart(edit.to))
    const to = whole && /\n$/.test(edit.insert + (edit.to > edit.from ? '\n' : '')) ? edit.to : lineEnd(edit.to)
    const last = groups.at(-1)
    if (last && from < last.to) {
      last.to = Math.max(last.to, to)
      last.edits.push(edit)
    } else groups.push({ from, to, edits: [edit] })
  }
  let shift = 0
  for (const group of groups) {
    const old = lines(text.slice(group.from, group.to))
    const relative = group.edits.map((edit) => ({ ...edit, from: edit.from - group.from, to: edit.to - group.from }))
    const fresh = lines(applyEdits(text.slice(group.from, group.to), relative))
    const at = text.slice(0, group.from).split('\n').length
    out.push(`@@ -${old.length === 0 ? at - 1 : at},${old.length} +${at + shift},${fresh.length} @@`)
    out.push(...old.map((line) => `-${line}`), ...fresh.map((line) => `+${line}`))
    shift += fresh.length - old.length
  }
  return out.join('\n')
}

function lines(text: string): string[] {
  if (text === '') return []
  return text.replace(/\n$/, '').split('\n')
}
