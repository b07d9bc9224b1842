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
/** Each test that failed, with the first dozen lines of its reason: said once more at the end, where a long output is looked at first. */
const failures = []
/** Tests that passed at their second try only. */
const secondTries = []

/**
 * Minutes after which no further file of lab tests is begun, for where somebody waits for the end; those left are named and counted as
 * skipped.
 */
const minutes = Number(process.env.SHOAL_TEST_MINUTES ?? Infinity)

/**
 * Lab tests of which no limit is in milliseconds: they share the machine, two files at a time, the longest first. All others have it to
 * themselves.
 */
const patient = [
  'life',
  'faults',
  'seeds',
  'vips',
  'adopt',
  'replace',
  'ipvs',
  'provision',
  'rotate',
  'trace-nat',
  'by-hand',
  'trace',
  'checks',
  'ipv6',
  'neighbours',
]
const lanes = 2
/** The same of the browser's lab tests; one after the other, for they use one lab. */
const patientSpecs = ['bad-input', 'document']

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
    .slice(0, 12)
    .join('\n    ')

function noteFailure(name, title, reason) {
  failures.push(`${name}: ${title}\n    ${words(reason)}`)
}

const vitest = (name, args, aside, env = {}) =>
  timed(
    name,
    async () => {
      const report = path.join(scratch, `${name}.json`)
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const code = await run('npx', ['vitest', 'run', '--passWithNoTests=false', ...reporters, ...args], env, aside)
      const seen = readReport(report)
      if (!seen) return [0, 1, 0]
      for (const file of seen.testResults) {
        const failed = file.assertionResults.filter((one) => one.status === 'failed')
        for (const one of failed) noteFailure(name, one.fullName, one.failureMessages[0])
        for (const { status, failureMessages, fullName } of file.assertionResults)
          if (status === 'passed' && failureMessages.length > 0)
            secondTries.push(`${name}: ${fullName}\n    ${words(failureMessages[0])}`)
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

const isFlaky = ({ tests }) => tests.some(({ status }) => status === 'flaky')

const playwright = (name, args, aside) =>
  timed(
    name,
    async () => {
      const report = path.join(scratch, `${name}.json`)
      const env = { PLAYWRIGHT_JSON_OUTPUT_NAME: report }
      const code = await run('npx', ['playwright', 'test', '--reporter=list,json', ...args], env, aside)
      const answer = readReport(report)
      if (!answer) return [0, 1, 0]
      for (const { message } of answer.errors ?? []) noteFailure(name, 'outside any test', message)
      for (const spec of answer.suites.flatMap(specsOf).filter((one) => !one.ok)) {
        const last = spec.tests.flatMap((one) => one.results).findLast((one) => one.error)
        noteFailure(name, `${spec.file}:${spec.line} ${spec.title}`, last?.error.message)
      }
      for (const { file, line, title } of answer.suites.flatMap(specsOf).filter(isFlaky))
        secondTries.push(`${name}: ${file}:${line} ${title}`)
      const seen = answer.stats
      return [seen.expected + seen.flaky, seen.unexpected || (code === 0 ? 0 : 1), seen.skipped]
    },
    aside,
  )

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

/** Does the work, or says that the time for it is over. */
async function begunInTime(name, work) {
  if (performance.now() < minutes * 60_000) return work(name)
  console.log(`\n!!! ${name} DOES NOT RUN: ${minutes} minutes are over (SHOAL_TEST_MINUTES).`)
  book(name, 0, 0, 1, 0)
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
  const files = readdirSync(path.join(root, 'test/lab')).filter((f) => f.endsWith('.lab.ts'))
  const specs = readdirSync(path.join(root, 'test/e2e')).filter((f) => f.endsWith('.lab.spec.ts'))
  const filter = filters[0]
  const inFile = (f) => !filter || f.includes(filter)
  const byFile = [...files, ...specs].some(inFile)
  const title = filter && !byFile ? filter : undefined
  const chosen = files.filter((f) => title || inFile(f))
  const chosenSpecs = specs.filter((f) => title || inFile(f))
  // All seed clusters are built when they are asked for, else the one that no other file builds the like of.
  const env = filter ? { SHOAL_SEEDS: 'all' } : {}
  const labTests = (name, these, aside) => {
    const args = ['--project', 'lab', ...(title ? ['-t', title] : []), ...these.map((f) => `test/lab/${f}`)]
    return vitest(name, args, aside, env)
  }
  const labSpecs = (name, these, aside) => {
    const args = ['--project=lab', ...(title ? ['-g', title, '--pass-with-no-tests'] : [])]
    return playwright(name, [...args, ...these.map((f) => `test/e2e/${f}`)], aside)
  }
  const isOf = (names) => (f) => names.some((name) => f.startsWith(`${name}.`))
  const others = (names) => (f) => !isOf(names)(f)
  const steady = chosen.filter(others(patient))
  if (steady.length > 0) await labTests('lab', steady)
  const steadySpecs = chosenSpecs.filter(others(patientSpecs))
  if (steadySpecs.length > 0) await labSpecs('lab-browser', steadySpecs)
  const aside = (name) => (line) => console.log(`[${name}] ${line}`)
  const sharingSpecs = chosenSpecs.filter(isOf(patientSpecs))
  const waiting = patient
    .flatMap((name) => chosen.filter((f) => f.startsWith(`${name}.`)))
    .map(
      (file) => () =>
        begunInTime(`lab-${file.split('.')[0]}`, (name) => labTests(name, [file], aside(file.split('.')[0]))),
    )
  if (sharingSpecs.length > 0) waiting.unshift(() => labSpecs('lab-browser-patient', sharingSpecs, aside('browser')))
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

const suites = {
  async fast() {
    await Promise.all(['typecheck', 'lint'].map((name) => check(name, 'npm', ['run', '-s', name])))
    // Some of them start processes and listen: on a busy machine one may fail once. A second try is named at the end.
    await vitest('unit', ['--project', 'fast', '--project', 'renderer', '--retry=1'])
    await suites.e2e()
  },
  async e2e() {
    await playwright('browser', ['--project=browser', '--workers=2', '--retries=1'])
    await playwright('desktop', ['--project=electron'])
  },
  lab,
  async all() {
    await suites.fast()
    await suites.lab()
  },
}

if (Number.isNaN(minutes)) {
  console.error('SHOAL_TEST_MINUTES is not a number')
  process.exit(2)
}
if (!suites[suite]) {
  console.error(`no suite ${suite}; there are: ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}
await check('build', 'npm', ['run', '-s', 'build'])
await suites[suite]()
rmSync(scratch, { recursive: true, force: true })
console.log(`\n${summary.join('\n')}\n`)
if (secondTries.length > 0)
  console.log(`passed at the second try:\n${secondTries.map((one) => `  ${one}`).join('\n')}\n`)
if (failures.length > 0) console.log(`failed:\n${failures.map((one) => `  ${one}`).join('\n')}\n`)
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed > 0 ? 1 : 0)
