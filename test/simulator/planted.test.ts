/** Every planted bug is caught by the stories that have to. All copies run in one go of the test runner, on all processors. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { planted, type Planted } from './planted.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const limitMs = 600_000
const graceMs = 10_000

const testOf = (bug: Planted): string => `agent/director/${bug.by}.test.ts`

/** A copy of the sources with this bug in it. */
function plant(bug: Planted, folder: string): void {
  const director = path.join(folder, 'agent/director')
  mkdirSync(path.join(folder, 'test'), { recursive: true })
  cpSync(path.join(root, 'agent/director'), director, {
    recursive: true,
    filter: (file) => !file.endsWith('tsconfig.json') && (!file.endsWith('.test.ts') || file.endsWith(testOf(bug))),
  })
  cpSync(path.join(root, 'test/simulator'), path.join(folder, 'test/simulator'), {
    recursive: true,
    filter: (file) => !file.endsWith('.test.ts'),
  })
  symlinkSync(path.join(root, 'domain'), path.join(folder, 'domain'))
  const file = path.join(director, bug.file)
  const text = readFileSync(file, 'utf8')
  expect(text.split(bug.from), `the place of "${bug.says}" in ${bug.file}`).toHaveLength(2)
  writeFileSync(
    file,
    text.replace(bug.from, () => bug.to),
  )
}

interface Ran {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

/** Runs the tests of all copies. */
async function runAll(folder: string): Promise<Ran> {
  const report = path.join(folder, 'report.json')
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
  // One worker per processor for all copies: a copy's modules have paths of their own.
  const args = [
    vitest,
    'run',
    '--root',
    folder,
    '--pool=threads',
    '--no-isolate',
    '--reporter=json',
    `--outputFile=${report}`,
  ]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: 'ignore',
    // The runner must not take itself for a part of this one.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs - graceMs)
  await new Promise((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  return JSON.parse(readFileSync(report, 'utf8')) as Ran
}

describe('planted bugs', () => {
  it(`all ${planted.length} are caught`, { timeout: limitMs }, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'shoal-planted-'))
    try {
      symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
      for (const file of ['package.json', 'tsconfig.json'])
        writeFileSync(path.join(folder, file), file === 'package.json' ? '{"type":"module"}' : '{}')
      planted.forEach((bug, n) => plant(bug, path.join(folder, `bug-${n}`)))
      const ran = await runAll(folder)
      const missed = planted.flatMap((bug, n) => {
        const result = ran.testResults.find((r) => r.name.includes(`/bug-${n}/`))
        if (!result || result.assertionResults.length === 0)
          return [`${bug.says}: its test did not run: ${result?.message ?? 'no result'}`]
        return result.assertionResults.some((a) => a.status === 'failed')
          ? []
          : [`${bug.says}: ${bug.by} did not notice`]
      })
      expect(missed).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
