#!/usr/bin/env node
/**
 * Runs the test suites one after the other and adds up what they counted: `all`, `fast` (no lab), `e2e` (browser), `lab`.
 * A word after the suite filters the lab tests by file or title. Suites that cannot run on this machine say why, loudly, and are
 * counted as skipped. Ends with `N passed, N failed, N skipped`; exits 1 when anything failed.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [suite = 'all', ...filters] = process.argv.slice(2)
const scratch = mkdtempSync(path.join(tmpdir(), 'shoal-test-'))
const count = { passed: 0, failed: 0, skipped: 0 }
const summary = []
/** Each test that failed, with the first lines of its reason: said once more at the end, where a long output is looked at first. */
const failures = []

/**
 * Lab tests of which no limit is in milliseconds: they share the machine, two files at a time, the longest first. All others have it to
 * themselves.
 */
const patient = [
  'seeds',
  'life',
  'ipvs',
  'faults',
  'provision',
  'replace',
  'adopt',
  'rotate',
  'vips',
  'by-hand',
  'trace',
  'trace-nat',
  'checks',
  'neighbours',
]

/** Not seen green as a whole yet (README, "What could not be verified here"): run only when asked for, `npm run test:lab -- seeds`. */
const onRequest = ['seeds', 'replace', 'adopt', 'vips', 'trace-nat']

/** Runs a command; its output goes to the terminal as it comes, or to `aside` line by line. Resolves with its exit code. */
function run(command, args, env = {}, aside) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', aside ? 'pipe' : 'inherit', aside ? 'pipe' : 'inherit'],
      env: { ...process.env, ...env },
    })
    if (aside) for (const out of [child.stdout, child.stderr]) createInterface({ input: out }).on('line', aside)
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`)
      resolve(127)
    })
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function book(name, passed, failed, skipped, seconds) {
  count.passed += passed
  count.failed += failed
  count.skipped += skipped
  summary.push(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`)
}

async function timed(name, work, say = console.log) {
  say(`\n=== ${name}`)
  const started = Date.now()
  const [passed, failed, skipped] = await work()
  book(name, passed, failed, skipped, Math.round((Date.now() - started) / 1000))
}

/** A command that either succeeds or not: one check. */
const check = (name, command, args) =>
  timed(name, async () => ((await run(command, args)) === 0 ? [1, 0, 0] : [0, 1, 0]))

function readReport(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

const words = (text) =>
  stripVTControlCharacters(text ?? '')
    .trim()
    .split('\n')
    .slice(0, 3)
    .join('\n    ')

function noteFailure(name, title, reason) {
  failures.push(`${name}: ${title}\n    ${words(reason)}`)
}

const vitest = (name, args, aside) =>
  timed(
    name,
    async () => {
      const report = path.join(scratch, `${name}.json`)
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const code = await run('npx', ['vitest', 'run', '--passWithNoTests=false', ...reporters, ...args], {}, aside)
      const seen = readReport(report)
      if (!seen) return [0, 1, 0]
      for (const file of seen.testResults) {
        const failed = file.assertionResults.filter((one) => one.status === 'failed')
        for (const one of failed) noteFailure(name, one.fullName, one.failureMessages[0])
        if (file.status === 'failed' && failed.length === 0) noteFailure(name, file.name, file.message)
      }
      const skipped = (seen.numPendingTests ?? 0) + (seen.numTodoTests ?? 0)
      // An error outside any test (a file that does not load) fails the run without failing a test.
      const failed = seen.numFailedTests || (code === 0 ? 0 : 1)
      return [seen.numPassedTests, failed, skipped]
    },
    aside,
  )

/** All specs of a suite of Playwright's report, those of its inner suites included. */
const specsOf = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specsOf)]

const playwright = (name, args) =>
  timed(name, async () => {
    const report = path.join(scratch, `${name}.json`)
    const code = await run('npx', ['playwright', 'test', '--reporter=list,json', ...args], {
      PLAYWRIGHT_JSON_OUTPUT_NAME: report,
    })
    const answer = readReport(report)
    if (!answer) return [0, 1, 0]
    for (const { message } of answer.errors ?? []) noteFailure(name, 'outside any test', message)
    for (const spec of answer.suites.flatMap(specsOf).filter((one) => !one.ok)) {
      const last = spec.tests.flatMap((one) => one.results).findLast((one) => one.error)
      noteFailure(name, `${spec.file}:${spec.line} ${spec.title}`, last?.error.message)
    }
    const seen = answer.stats
    return [seen.expected + seen.flaky, seen.unexpected || (code === 0 ? 0 : 1), seen.skipped]
  })

/** What the lab needs and this machine lacks, as the lab itself says it. */
async function labMissing() {
  const { execFileSync } = await import('node:child_process')
  const script = "import('./test/lab/missing.ts').then(async (m) => console.log(JSON.stringify(await m.labMissing())))"
  const out = execFileSync('npx', ['tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(out.trim().split('\n').at(-1))
}

async function lab() {
  const missing = await labMissing()
  if (missing.length > 0) {
    console.log(
      `\n!!! THE LAB TESTS DO NOT RUN HERE (nothing about real hosts is proven by this run):\n${missing.map((m) => `!!!   ${m}`).join('\n')}`,
    )
    book('lab', 0, 0, 1, 0)
    return
  }
  const asked = (f) => !onRequest.includes(f.split('.')[0]) || (filters[0] !== undefined && f.includes(filters[0]))
  const files = readdirSync(path.join(root, 'test/lab')).filter((f) => f.endsWith('.lab.ts') && asked(f))
  const specs = readdirSync(path.join(root, 'test/e2e')).filter((f) => f.endsWith('.lab.spec.ts'))
  const filter = filters[0]
  const inFile = (f) => !filter || f.includes(filter)
  const byFile = [...files, ...specs].some(inFile)
  const title = filter && !byFile ? filter : undefined
  const chosen = files.filter((f) => title || inFile(f))
  const chosenSpecs = specs.filter((f) => title || inFile(f))
  const labTests = (name, these, aside) =>
    vitest(name, ['--project', 'lab', ...(title ? ['-t', title] : []), ...these.map((f) => `test/lab/${f}`)], aside)
  const isPatient = (f) => patient.some((name) => f.startsWith(`${name}.`))
  const alone = chosen.filter((f) => !isPatient(f))
  if (alone.length > 0) await labTests('lab', alone)
  const waiting = patient.flatMap((name) => chosen.filter((f) => f.startsWith(`${name}.`)))
  const lane = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const name = file.split('.')[0]
      await labTests(`lab-${name}`, [file], (line) => console.log(`[${name}] ${line}`))
    }
  }
  await Promise.all([lane(), lane()])
  if (chosenSpecs.length > 0) {
    await playwright('lab-browser', [
      '--project=lab',
      ...(title ? ['-g', title, '--pass-with-no-tests'] : []),
      ...chosenSpecs.map((f) => `test/e2e/${f}`),
    ])
  }
}

const suites = {
  async fast() {
    await check('typecheck', 'npm', ['run', '-s', 'typecheck'])
    await check('lint', 'npm', ['run', '-s', 'lint'])
    await vitest('unit', ['--project', 'fast', '--project', 'renderer'])
    await suites.e2e()
  },
  async e2e() {
    await playwright('browser', ['--project=browser'])
    await playwright('desktop', ['--project=electron'])
  },
  lab,
  async all() {
    await suites.fast()
    await suites.lab()
  },
}

if (!suites[suite]) {
  console.error(`no suite ${suite}; there are: ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}
await check('build', 'npm', ['run', '-s', 'build'])
await suites[suite]()
rmSync(scratch, { recursive: true, force: true })
console.log(`\n${summary.join('\n')}\n`)
if (failures.length > 0) console.log(`failed:\n${failures.map((one) => `  ${one}`).join('\n')}\n`)
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed > 0 ? 1 : 0)
