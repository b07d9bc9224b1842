/**
 * Checks by a program, without a shell: Piranha's `send_program`, whose output is compared, and `check_script`, whose exit status
 * counts. It runs in a process group of its own, which is ended with all its children at the timeout.
 */
import { spawn } from 'node:child_process'
import type { PiranhaQuestion } from '../../../domain/checks.ts'
import { commandWords } from '../../../domain/checks.ts'
import { answerFor, isAnything } from './answer.ts'
import { bounded, bytesOf, failure, maxAnswerBytes, passed, quote, sentenceOf, type Outcome } from './outcome.ts'
import type { Place } from './tcp.ts'

/** A program that has ended may leave a child behind that holds its output open: so long the output is still waited for. */
const outputGraceMs = 100
/** What the agent itself was given (sockets of systemd, its own settings) is none of a check's business. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }

/** Puts address and port into the words of a command. */
function filled(words: readonly string[], { address, port }: Place): string[] {
  return words.map((word) => word.replaceAll('%h', address).replaceAll('%p', String(port)))
}

/** Splits a command line at blanks, honouring quotes (a quote that is not closed is a character), and puts address and port in. */
export function programWords(line: string, place: Place): string[] {
  return filled(commandWords(line) ?? line.split(/[ \t]+/).filter((word) => word !== ''), place)
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What it printed on its standard output, without the last line end. */
  readonly output: string
}

function run(words: readonly string[], timeoutMs: number, judge: (ended: Ended) => Outcome): Promise<Outcome> {
  const [file, ...args] = words
  if (!file) return Promise.resolve(failure('the check program has no name'))
  return bounded(
    timeoutMs,
    () => `the program did not end within ${timeoutMs} ms`,
    (end) => {
      const child = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
        cwd: '/',
        env: environment,
      })
      let output = ''
      let hasEnded = false
      let grace: NodeJS.Timeout | undefined
      child.stdout.setEncoding('latin1')
      child.stdout.on('data', (piece: string) => {
        // Read on, so that a program that prints much does not hang; keep the beginning.
        if (output.length < maxAnswerBytes) output = (output + piece).slice(0, maxAnswerBytes)
      })
      child.on('error', (error) => end(failure(`${file}: ${sentenceOf(error)}`)))
      const finish = (code: number | null, signal: NodeJS.Signals | null): void =>
        end(judge({ code, signal, output: output.replace(/\r?\n$/, '') }))
      child.on('exit', (code, signal) => {
        hasEnded = true
        grace = setTimeout(() => finish(code, signal), outputGraceMs)
      })
      child.on('close', finish)
      return () => {
        clearTimeout(grace)
        child.stdout.destroy()
        try {
          if (!hasEnded && child.pid) process.kill(-child.pid, 'SIGKILL')
        } catch {
          // It ended by itself in this moment.
        }
      }
    },
  )
}

function exitFault({ code, signal }: Ended): string | undefined {
  if (code === 0) return undefined
  return signal ? `the program was ended by ${signal}` : `the program ended with ${code}`
}

/** `send_program`: it must end with 0 and print what is expected (the original took a failure of the program itself for up). */
export function program(place: Place, check: PiranhaQuestion): Promise<Outcome> {
  const { expect, regex } = check
  return run(programWords(check.program ?? '', place), place.timeoutMs, (ended) => {
    const fault = exitFault(ended)
    if (fault !== undefined) return failure(fault)
    if (expect === undefined || (isAnything(check) && expect !== '')) return passed
    if (!regex) {
      return ended.output === bytesOf(expect)
        ? passed
        : failure(`answered ${quote(ended.output)}, ${quote(expect)} was expected`)
    }
    const answer = answerFor(check)
    return answer.feed(ended.output) ?? answer.finish()
  })
}

/** `check_script`: it must end with 0; what it printed is quoted when it does not. */
export function script(place: Place, words: readonly string[]): Promise<Outcome> {
  return run(filled(words, place), place.timeoutMs, (ended) => {
    const fault = exitFault(ended)
    if (fault === undefined) return passed
    return failure(ended.output === '' ? fault : `${fault}, it printed ${quote(ended.output)}`)
  })
}
