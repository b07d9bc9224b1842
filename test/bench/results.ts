/** Where measurements are kept: raw figures as JSON and a table to read, side by side in test/bench/results. */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = path.join(root, 'test/bench/results')

/** The built agent that is measured, by its manifest's id. */
export function agentId(): string {
  const manifest = JSON.parse(readFileSync(path.join(root, 'out/agent/manifest.json'), 'utf8')) as { id: string }
  return manifest.id
}

/** What the figures depend on besides the program. */
export function machine(): {
  readonly processors: number
  readonly model: string
  readonly memoryMb: number
  readonly load: number[]
} {
  const all = cpus()
  return {
    processors: all.length,
    model: all[0]?.model ?? 'unknown',
    memoryMb: Math.round(totalmem() / 2 ** 20),
    load: loadavg().map((value) => Math.round(value * 100) / 100),
  }
}

/** What a measurement that is ended early (Ctrl-C, a time limit) still does; a second signal changes nothing. */
export function whenEnded(work: () => Promise<void>): { readonly ending: () => boolean } {
  let isEnding = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (isEnding) return
      isEnding = true
      void work().finally(() => process.exit(130))
    })
  return { ending: () => isEnding }
}

/** Resolves never: what is left of a measurement waits here while it is being ended. */
export const forEver = (): Promise<never> => new Promise(() => undefined)

/** Writes NAME.json and NAME.md, and says the table unless `quietly`. */
export async function keep(name: string, figures: unknown, table: string, quietly = false): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`)
  await writeFile(path.join(folder, `${name}.md`), `${table.trimEnd()}\n`)
  if (!quietly) console.log(`\n${table.trimEnd()}\n\nKept in test/bench/results/${name}.json and ${name}.md`)
}

/** Rows as a Markdown table. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The middle of some figures (the mean of the two middle ones for an even number); NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(half)] ?? NaN)
    : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2
}

export const worst = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity)
