/**
 * A shell that runs the system's tools for this process, one after the other. A process with as much memory as this one is slow to fork,
 * and stands still while it does; a small shell is not, and what is ordered around a hand-over must not keep beats from going out. It is
 * started with the first errand, ends with this process, and is started anew when it has ended.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'

const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'
/** An errand that has not ended after this is given up, and the shell with it. */
const limitMs = 8_000
const maxOutput = 4 * 1024 * 1024
/** A signal to all of the unit's processes is not for it: what is in place is taken away before the end. */
const deaf = `trap '' TERM INT HUP`
/** What tells the end of an errand and how it ended, in a line of its own. */
const mark = '--shoal-errand-ended'
const loop = `${deaf}; while read -r line; do eval "$line"; printf '\\n${mark} %s\\n' "$?"; done`

/** How an errand ended: what it said (both outputs), and why it did not do what was asked; null = it did. */
export interface Done {
  readonly said: string
  readonly failed: string | null
}

export interface Errands {
  /** Runs a tool with an input. Never throws. */
  readonly run: (file: string, args: readonly string[], input?: string) => Promise<Done>
  /** Starts the shell now, so that the first errand need not wait for it. */
  readonly prepare: () => void
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** The command line: one line, whatever the input is. */
export function errandLine(file: string, args: readonly string[], input: string): string {
  const command = [file, ...args].map(quoted).join(' ')
  const format = input.replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll('\n', '\\n')
  const fed = input === '' ? `${command} </dev/null` : `printf ${quoted(format)} | ${command}`
  return `${fed} 2>&1`
}

export function openErrands(): Errands {
  let shell: ChildProcessWithoutNullStreams | null = null
  let waiting: ((done: Done) => void) | null = null
  let said = ''
  let work: Promise<unknown> = Promise.resolve()

  function start(): ChildProcessWithoutNullStreams {
    const child = spawn('/bin/sh', ['-c', loop], { cwd: '/', env: { PATH: toolPath, LC_ALL: 'C' } })
    shell = child
    said = ''
    const over = (why: string): void => {
      if (shell !== child) return
      shell = null
      waiting?.({ said, failed: `the shell that runs tools ended (${why})` })
    }
    child.on('error', (error) => over(error.message))
    child.on('exit', (code, signal) => over(signal ?? `exit code ${code ?? 'none'}`))
    child.stdin.on('error', () => undefined)
    child.stderr.resume()
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      if (shell !== child) return
      if (said.length < maxOutput) said += part
      const at = said.lastIndexOf(`\n${mark} `)
      if (at < 0 || !said.endsWith('\n')) return
      const code = Number(said.slice(at + mark.length + 2))
      const words = said.slice(0, at)
      said = ''
      waiting?.({ said: words, failed: code === 0 ? null : `ended with ${code}` })
    })
    child.unref()
    for (const stream of [child.stdin, child.stdout, child.stderr])
      if ('unref' in stream) (stream as { unref: () => void }).unref()
    return child
  }

  function one(file: string, args: readonly string[], input: string): Promise<Done> {
    return new Promise((resolve) => {
      const child = shell ?? start()
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        waiting?.({ said, failed: `no end within ${limitMs / 1000} s` })
        if (shell === child) shell = null
      }, limitMs)
      waiting = ({ said: words, failed }) => {
        waiting = null
        clearTimeout(timer)
        const first = words.trim().split('\n').slice(0, 3).join(' ')
        resolve({ said: words, failed: failed && `${file} ${failed}${first === '' ? '' : `: ${first}`}` })
      }
      child.stdin.write(`${errandLine(file, args, input)}\n`)
    })
  }

  return {
    run(file, args, input = '') {
      const next = work.then(() => one(file, args, input))
      work = next
      return next
    },
    prepare: () => void (shell ?? start()),
  }
}
