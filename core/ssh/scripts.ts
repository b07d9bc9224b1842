/**
 * Scripts over a connection, as the login user or as root.
 *
 * A script goes over the standard input of `sh -s` as one compound command: nothing of it appears in a process list, and a connection
 * cut in the middle of sending runs nothing, because half a compound command is a syntax error. The sudo password is written only in
 * answer to sudo's own prompt, and the script only after the root shell has said it is there, so neither can be taken for the other.
 */
import { randomBytes } from 'node:crypto'
import type { ClientChannel } from 'ssh2'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import { overLink } from './link.ts'
import type { Link } from './link.ts'
import type { LoginPorts } from './login.ts'

/** A line a script printed. */
export interface OutputLine {
  readonly stream: 'out' | 'err'
  readonly text: string
}

export interface ScriptOptions {
  readonly as: 'user' | 'root'
  readonly onLine?: (line: OutputLine) => void
  readonly timeoutMs?: number
  /** Ends the waiting and closes the channel; what already runs on the host is not killed. */
  readonly signal?: AbortSignal
}

export interface ScriptResult {
  /** Exit status; 128 and more when a signal ended it. */
  readonly exit: number
  readonly out: string
  readonly err: string
  readonly durationMs: number
}

export type RootBy = 'root' | 'sudo' | 'sudo-password'

export interface Scripts {
  /** How root is reached, found out once. */
  rootBy(): Promise<Result<RootBy>>
  /** Runs a POSIX shell script; a non-zero exit is a result, not a problem. */
  script(text: string, options: ScriptOptions): Promise<Result<ScriptResult>>
}

const defaultScriptTimeoutMs = 60_000
/** More output than this is dropped from the result (it still streams by line). */
const maxKeptOutput = 8 * 1024 * 1024
const maxLineLength = 4_000

const prelude = 'export LC_ALL=C LANG=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Splits a byte stream into lines of bounded length and keeps the text up to a limit. */
function lineCollector(onLine: ((text: string) => void) | undefined): {
  readonly push: (text: string) => void
  readonly end: () => string
} {
  let kept = ''
  let rest = ''
  return {
    push(text) {
      if (kept.length < maxKeptOutput) kept += text
      if (!onLine) return
      rest += text
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        onLine(rest.slice(0, Math.min(end, maxLineLength)))
        rest = rest.slice(end + 1)
      }
      if (rest.length > maxLineLength) {
        onLine(rest.slice(0, maxLineLength))
        rest = ''
      }
    },
    end() {
      if (onLine && rest !== '') onLine(rest)
      return kept
    },
  }
}

/** The scripts of one connection. */
export function scriptsOver(link: Link, secret: LoginPorts['secret']): Scripts {
  const { target, client } = link
  const where = { kind: 'host', host: target.id } as const
  let root: Promise<Result<RootBy>> | undefined

  function exec(command: string): Promise<Result<ClientChannel>> {
    return overLink(
      link,
      (error) => link.lost(reasonOf(error)),
      (answer) => {
        client.exec(command, (error, channel) => {
          answer(error ? failed(link.lost(error.message)) : ok(channel))
        })
      },
    )
  }

  /** Runs a command and feeds its input; `prompt` is answered with the password, `ready` starts the script. */
  async function feed(
    text: string,
    how: { readonly command: string; readonly prompt?: string; readonly password?: string },
    options: ScriptOptions,
  ): Promise<Result<ScriptResult> | 'password-refused'> {
    const begin = `shoal-${randomBytes(9).toString('hex')}`
    const startedAt = performance.now()
    const opened = await exec(how.command.replace('@ready@', begin))
    if (!opened.ok) return opened
    const channel = opened.value
    link.works++
    channel.once('close', () => link.works--)

    return new Promise((resolve) => {
      let over = false
      let begun = false
      let held = ''
      let sent = how.prompt === undefined
      let prompted = false
      let early = ''
      const out = lineCollector((line) => options.onLine?.({ stream: 'out', text: line }))
      const err = lineCollector((line) => options.onLine?.({ stream: 'err', text: line }))
      let exit: number | undefined

      const finish = (result: Result<ScriptResult> | 'password-refused'): void => {
        if (over) return
        over = true
        clearTimeout(timer)
        options.signal?.removeEventListener('abort', abort)
        resolve(result)
      }
      const abort = (): void => {
        channel.close()
        finish(failed(problem('run-cancelled', { count: 0 }, where)))
      }
      const timeoutMs = options.timeoutMs ?? defaultScriptTimeoutMs
      const timer = setTimeout(() => {
        channel.close()
        finish(
          failed(problem('command-timeout', { host: target.address, seconds: Math.round(timeoutMs / 1000) }, where)),
        )
      }, timeoutMs)
      if (options.signal?.aborted) {
        abort()
        return
      }
      options.signal?.addEventListener('abort', abort)

      // The shell says it is there before anything of the script's output: what a login script printed earlier is dropped.
      const body = `${prelude}\necho ${begin}\n{\n${text}\n} </dev/null\nexit $?\n`
      const send = (): void => {
        channel.end(body)
      }

      channel.setEncoding('utf8')
      channel.stderr.setEncoding('utf8')
      channel.on('data', (chunk: string) => {
        if (begun) {
          out.push(chunk)
          return
        }
        held += chunk
        if (!sent && held.includes(`${begin}-root\n`)) {
          held = ''
          sent = true
          send()
          return
        }
        const at = held.indexOf(`${begin}\n`)
        if (at < 0 || (!sent && how.prompt !== undefined)) return
        begun = true
        out.push(held.slice(at + begin.length + 1))
        held = ''
      })
      channel.stderr.on('data', (chunk: string) => {
        if (sent) {
          err.push(chunk)
          return
        }
        early += chunk
        if (how.prompt === undefined || !early.includes(how.prompt)) return
        early = early.replace(how.prompt, '')
        if (prompted) {
          channel.close()
          finish('password-refused')
          return
        }
        prompted = true
        channel.write(`${how.password ?? ''}\n`)
      })
      channel.on('exit', (code: number | null, signal?: string) => {
        exit = code ?? (signal === undefined ? 255 : 128)
      })
      channel.on('error', () => undefined)
      channel.once('close', () => {
        if (over) return
        if (exit === undefined) {
          void Promise.race([link.ended, Promise.resolve(link.lost())]).then((lost) => {
            finish(failed(lost))
          })
          return
        }
        const kept = out.end()
        const errors = err.end()
        if (!begun && exit === 0) {
          finish(
            failed(problem('answer-unreadable', { host: target.address, what: 'a shell', user: target.user }, where)),
          )
          return
        }
        finish(ok({ exit, out: kept, err: early + errors, durationMs: performance.now() - startedAt }))
      })
      void link.ended.then((lost) => {
        finish(failed(lost))
      })
      if (sent) send()
    })
  }

  function noRoot(answer: string): Result<never> {
    const said = answer.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
    return failed(
      problem('no-root', { host: target.address, user: target.user, answer: said || 'sudo said nothing' }, where),
    )
  }

  async function sudoPassword(): Promise<string | undefined> {
    return (await secret(target, 'sudo')) ?? (await secret(target, 'password'))
  }

  async function findRoot(): Promise<Result<RootBy>> {
    const looked = await feed(
      `id -u
[ "$(id -u)" = 0 ] && exit 0
command -v sudo >/dev/null || { echo no-sudo; exit 0; }
if sudo -n true >/dev/null 2>&1; then echo free; else sudo -n true 2>&1; fi
exit 0`,
      { command: 'sh -s' },
      { as: 'user' },
    )
    if (looked === 'password-refused') return noRoot('')
    if (!looked.ok) return looked
    const [uid, ...rest] = looked.value.out.trim().split('\n')
    const answer = rest.join('\n')
    if (uid === '0') return ok('root')
    if (answer === 'free') return ok('sudo')
    if (answer === 'no-sudo') return noRoot('sudo is not installed')
    const password = await sudoPassword()
    if (password === undefined) {
      if (/not allowed|not in the sudoers|may not run/i.test(answer)) return noRoot(answer)
      return failed(problem('sudo-password-needed', { host: target.address, user: target.user }, where))
    }
    const tried = await withPassword('true', password, { as: 'root' })
    if (!tried.ok) return tried
    return tried.value.exit === 0 ? ok('sudo-password') : noRoot(tried.value.err)
  }

  async function withPassword(text: string, password: string, options: ScriptOptions): Promise<Result<ScriptResult>> {
    const prompt = `[shoal-${randomBytes(9).toString('hex')}]`
    const result = await feed(
      text,
      { command: `sudo -k -S -p '${prompt}' sh -c 'echo @ready@-root; exec sh -s'`, prompt, password },
      options,
    )
    if (result !== 'password-refused') return result
    return failed(problem('sudo-password-wrong', { host: target.address, user: target.user }, where))
  }

  async function script(text: string, options: ScriptOptions): Promise<Result<ScriptResult>> {
    if (options.as === 'root') {
      const by = await rootBy()
      if (!by.ok) return by
      if (by.value === 'sudo-password') return withPassword(text, (await sudoPassword()) ?? '', options)
      const result = await feed(text, { command: by.value === 'root' ? 'sh -s' : 'sudo -n sh -s' }, options)
      return result === 'password-refused' ? noRoot('') : result
    }
    const result = await feed(text, { command: 'sh -s' }, options)
    return result === 'password-refused' ? noRoot('') : result
  }

  async function rootBy(): Promise<Result<RootBy>> {
    root ??= findRoot()
    const found = await root
    // A password may be given later; only a success is worth remembering.
    if (!found.ok) root = undefined
    return found
  }

  return { rootBy, script }
}
