/**
 * One SSH connection to one host, on ssh2. It logs in, verifies the host key before anything is sent, becomes root, runs scripts with
 * live output, copies files and opens the agent's socket.
 *
 * A script goes over the standard input of `sh -s` as one compound command: nothing of it appears in a process list, and a connection
 * cut in the middle of sending runs nothing, because half a compound command is a syntax error. The sudo password is written only in
 * answer to sudo's own prompt, and the script only after the root shell has said it is there, so neither can be taken for the other.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { homedir } from 'node:os'
import { basename } from 'node:path'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type {
  AnyAuthMethod,
  AuthHandlerMiddleware,
  Client,
  ClientChannel,
  ConnectConfig,
  SFTPWrapper,
  ServerHostKeyAlgorithm,
} from 'ssh2'
import type { Login } from '../../domain/cluster.ts'
import type { HostKey } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import type { Owner, SecretKind } from '../secrets.ts'
import { algorithmOf, fingerprintOf } from './known-hosts.ts'
import type { KnownHosts } from './known-hosts.ts'

/** Where and as whom to log in. `id` names the host in problems (`where.host`). */
export interface Target extends Owner {
  readonly id: string
  readonly login: Login
}

export interface SessionPorts {
  readonly knownHosts: KnownHosts
  readonly secret: (owner: Owner, kind: SecretKind) => Promise<string | undefined>
  readonly sshAgentSocket?: string
  /** Names the upload directories of this core on every host, so that it finds what a cut connection left behind. */
  readonly uploadTag: string
  /** Told the key blob of an unknown host, so that it can be trusted later by its fingerprint. */
  readonly unknownKey: (key: HostKey, blob: Buffer) => void
}

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

export interface Session {
  readonly target: Target
  /** Resolves when the connection has ended, with the reason; never rejects. */
  readonly ended: Promise<Problem>
  readonly alive: () => boolean
  /** Whether a script, an upload or an open socket uses it now. */
  readonly busy: () => boolean
  /** Whether a script or an upload is under way. */
  readonly working: () => boolean
  /** How root is reached, found out once. */
  rootBy(): Promise<Result<RootBy>>
  /** Runs a POSIX shell script; a non-zero exit is a result, not a problem. */
  script(text: string, options: ScriptOptions): Promise<Result<ScriptResult>>
  /** Copies local files into a new private directory (mode 0700) of the login user there; answers the directory. */
  upload(files: readonly LocalFile[], options: UploadOptions): Promise<Result<{ readonly directory: string }>>
  /** Removes what uploads of this core that were cut off have left behind there. */
  sweepUploads(): Promise<Result<null>>
  /** Opens a unix socket there. */
  openSocket(path: string): Promise<Result<Duplex>>
  /** Opens a TCP connection that starts there; `host-unreachable` when nobody accepts it. */
  openTcp(address: string, port: number): Promise<Result<Duplex>>
  close(): void
}

/** A file of this machine; it keeps its name there. */
export interface LocalFile {
  readonly file: string
  readonly bytes: number
}

export interface UploadOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (sentBytes: number, allBytes: number) => void
}

const connectTimeoutMs = 5_000
/** From the TCP connection to a login; generous, because a host under load does its arithmetic slowly. */
const loginTimeoutMs = 20_000
const keepAliveMs = 5_000
const keepAliveLosses = 3
const defaultScriptTimeoutMs = 60_000
const uploadTimeoutMs = 300_000
/** More output than this is dropped from the result (it still streams by line). */
const maxKeptOutput = 8 * 1024 * 1024
const maxLineLength = 4_000
const uploadConcurrency = 64
const uploadChunk = 128 * 1024

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

const prelude = 'export LC_ALL=C LANG=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function expandHome(path: string): string {
  return path.startsWith('~/') ? `${homedir()}/${path.slice(2)}` : path
}

/** The login methods for a target, or what is missing. Each is tried once: a second guess may lock the account. */
async function methodsFor(target: Target, ports: SessionPorts): Promise<Result<readonly AnyAuthMethod[]>> {
  const { user: username, login } = target
  const where = { kind: 'host', host: target.id } as const
  if (login.kind === 'agent') {
    if (ports.sshAgentSocket === undefined || ports.sshAgentSocket === '') {
      return failed(problem('ssh-agent-absent', {}, where))
    }
    return ok([{ type: 'agent', username, agent: ports.sshAgentSocket }])
  }
  if (login.kind === 'key') {
    const keyFile = expandHome(login.keyFile.trim())
    let key: Buffer
    try {
      key = await readFile(keyFile)
    } catch (error) {
      return failed(problem('key-unreadable', { keyFile: login.keyFile, reason: reasonOf(error) }, where))
    }
    const passphrase = await ports.secret(target, 'passphrase')
    const parsed = ssh2.utils.parseKey(key, passphrase)
    if (parsed instanceof Error) {
      const detail = { keyFile: login.keyFile, reason: parsed.message }
      if (!/encrypted|passphrase|decrypt|bad decrypt|integrity|OpenSSH private key/i.test(parsed.message)) {
        return failed(problem('key-unreadable', detail, where))
      }
      return failed(problem(passphrase === undefined ? 'passphrase-needed' : 'passphrase-wrong', detail, where))
    }
    const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    if (!(first as { isPrivateKey?: () => boolean } | undefined)?.isPrivateKey?.()) {
      return failed(problem('key-unreadable', { keyFile: login.keyFile, reason: 'not a private key' }, where))
    }
    return ok([{ type: 'publickey', username, key, ...(passphrase === undefined ? {} : { passphrase }) }])
  }
  const password = await ports.secret(target, 'password')
  if (password === undefined) {
    return failed(problem('password-needed', { user: username, host: target.address }, where))
  }
  let answered = false
  return ok([
    // Asks what the server takes before the password is sent, so that a wrong one is tried once and not twice.
    { type: 'none', username },
    { type: 'password', username, password },
    {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        // One round of questions is answered; a second round means that the password was wrong or more is wanted.
        finish(prompts.map(({ echo }) => (echo || answered ? '' : password)))
        answered = true
      },
    },
  ])
}

/** What the operating system's codes mean, in the words an administrator knows from ping and telnet. */
const tcpReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name server does not answer',
}

/** Connects the TCP socket by itself, so that "nobody there" is told apart from "SSH failed". */
function openTcp(target: Target): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const where = { kind: 'host', host: target.id } as const
    const socket = connectTcp({ host: target.address, port: target.port, noDelay: true })
    const timer = setTimeout(() => {
      socket.destroy()
      const detail = {
        host: target.address,
        port: target.port,
        reason: `no answer within ${connectTimeoutMs / 1000} s`,
      }
      resolve(failed(problem('host-unreachable', detail, where)))
    }, connectTimeoutMs)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(ok(socket))
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      const unknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
      const reason = tcpReasons[error.code ?? ''] ?? reasonOf(error)
      const detail = { host: target.address, port: target.port, reason }
      resolve(failed(problem(unknown ? 'host-name-unknown' : 'host-unreachable', detail, where)))
    })
  })
}

/** Known algorithms first, so that a host known by one key is asked for that key and not for another. */
function orderAlgorithms(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const isKnown = (algorithm: string): boolean =>
    known.includes(algorithm) || (algorithm.startsWith('rsa-') && known.includes('ssh-rsa'))
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm))]
}

function channelProblem(target: Target, reason: string): Problem {
  return problem('connection-lost', { host: target.address, reason }, { kind: 'host', host: target.id })
}

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

/**
 * Connects and logs in. Problems: `host-name-unknown`, `host-unreachable`, `host-key-unknown`, `host-key-changed`, `login-refused`,
 * `password-needed`, `passphrase-…`, `key-unreadable`, `ssh-agent-absent`, `ssh-failed`. With an unknown or changed host key the
 * connection ends before the user name is sent.
 */
export async function openSession(target: Target, ports: SessionPorts): Promise<Result<Session>> {
  const where = { kind: 'host', host: target.id } as const
  const methods = await methodsFor(target, ports)
  if (!methods.ok) return methods
  const known = await ports.knownHosts.algorithms(target.address, target.port)
  const tcp = await openTcp(target)
  if (!tcp.ok) return tcp
  // From here to `connect` nothing may be waited for: a socket that closes meanwhile would close unheard.

  const client: Client = new ssh2.Client()
  let refusedKey: Problem | undefined
  const waiting = [...methods.value]
  let tried = ''
  const nextMethod: AuthHandlerMiddleware = (left, _partial, next) => {
    for (let method = waiting.shift(); method && tried === ''; method = waiting.shift()) {
      const asked = method.type === 'agent' ? 'publickey' : method.type
      // ssh2 passes null before the first answer of the server, which its types leave out.
      if ((left as readonly string[] | null) && !left.includes(asked)) continue
      if (asked !== 'none') tried = asked
      next(method)
      return
    }
    // @ts-expect-error `false` ends the attempts; the types of ssh2 leave it out
    next(false)
  }
  const config: ConnectConfig = {
    sock: tcp.value,
    username: target.user,
    authHandler: nextMethod,
    readyTimeout: loginTimeoutMs,
    keepaliveInterval: keepAliveMs,
    keepaliveCountMax: keepAliveLosses,
    algorithms: {
      serverHostKey: orderAlgorithms(known),
      kex: {
        append: [],
        prepend: [],
        remove: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
      },
      hmac: { append: [], prepend: [], remove: ['hmac-sha1', 'hmac-sha1-etm@openssh.com'] },
      compress: ['none'],
    },
    hostVerifier: (blob: Buffer, verify: (accepted: boolean) => void) => {
      const key: HostKey = {
        address: target.address,
        port: target.port,
        algorithm: algorithmOf(blob),
        fingerprint: fingerprintOf(blob),
      }
      ports.knownHosts
        .judge(target.address, target.port, blob)
        .then((verdict) => {
          if (verdict.kind === 'unknown') {
            ports.unknownKey(key, blob)
            refusedKey = problem('host-key-unknown', { ...hostKeyDetail(key) }, where)
          } else if (verdict.kind === 'changed') {
            const { known, file, line } = verdict
            refusedKey = problem(
              'host-key-changed',
              { ...hostKeyDetail(key), presented: key.fingerprint, known, file, line },
              where,
            )
          }
          verify(verdict.kind === 'known')
        })
        .catch(() => {
          verify(false)
        })
    },
  }

  const logged = await new Promise<Result<null>>((resolve) => {
    client.once('ready', () => {
      client.removeAllListeners('error')
      resolve(ok(null))
    })
    client.on('error', (error: Error & { level?: string }) => {
      if (refusedKey) resolve(failed(refusedKey))
      else if (error.level === 'client-authentication') {
        const method = tried === '' ? target.login.kind : tried
        resolve(failed(problem('login-refused', { host: target.address, user: target.user, method }, where)))
      } else resolve(failed(problem('ssh-failed', { host: target.address, reason: error.message }, where)))
    })
    client.once('close', () => {
      resolve(failed(refusedKey ?? problem('ssh-failed', { host: target.address, reason: 'connection closed' }, where)))
    })
    try {
      client.connect(config)
    } catch (error) {
      resolve(failed(problem('ssh-failed', { host: target.address, reason: reasonOf(error) }, where)))
    }
  })
  if (!logged.ok) {
    client.on('error', () => undefined)
    client.destroy()
    return logged
  }
  return ok(makeSession(target, client, ports))
}

function hostKeyDetail(key: HostKey): Readonly<Record<string, string | number>> {
  return { host: key.address, port: key.port, algorithm: key.algorithm, fingerprint: key.fingerprint }
}

function makeSession(target: Target, client: Client, ports: SessionPorts): Session {
  const where = { kind: 'host', host: target.id } as const
  let lastError = 'connection closed'
  let alive = true
  let works = 0
  let sockets = 0
  let root: Promise<Result<RootBy>> | undefined

  const ended = new Promise<Problem>((resolve) => {
    client.on('error', (error: Error) => {
      lastError = error.message
    })
    client.once('close', () => {
      alive = false
      resolve(channelProblem(target, lastError))
    })
  })

  function exec(command: string): Promise<Result<ClientChannel>> {
    return new Promise((resolve) => {
      if (!alive) {
        resolve(failed(channelProblem(target, lastError)))
        return
      }
      void ended.then((lost) => {
        resolve(failed(lost))
      })
      try {
        client.exec(command, (error, channel) => {
          if (error) resolve(failed(channelProblem(target, error.message)))
          else resolve(ok(channel))
        })
      } catch (error) {
        resolve(failed(channelProblem(target, reasonOf(error))))
      }
    })
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
    works++
    channel.once('close', () => works--)

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
          void Promise.race([ended, Promise.resolve(channelProblem(target, lastError))]).then((lost) => {
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
      void ended.then((lost) => {
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
    return (await ports.secret(target, 'sudo')) ?? (await ports.secret(target, 'password'))
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
      const by = await session.rootBy()
      if (!by.ok) return by
      if (by.value === 'sudo-password') return withPassword(text, (await sudoPassword()) ?? '', options)
      const result = await feed(text, { command: by.value === 'root' ? 'sh -s' : 'sudo -n sh -s' }, options)
      return result === 'password-refused' ? noRoot('') : result
    }
    const result = await feed(text, { command: 'sh -s' }, options)
    return result === 'password-refused' ? noRoot('') : result
  }

  function openSftp(fail: (reason: string) => Result<never>): Promise<Result<SFTPWrapper>> {
    return new Promise((resolve) => {
      void ended.then((lost) => {
        resolve(failed(lost))
      })
      client.sftp((error, sftp) => {
        resolve(error ? fail(error.message) : ok(sftp))
      })
    })
  }

  /** Copies one file after the other over one SFTP channel. */
  async function putAll(
    files: readonly LocalFile[],
    directory: string,
    allBytes: number,
    { signal, onProgress }: UploadOptions,
    fail: (reason: string) => Result<never>,
  ): Promise<Result<null>> {
    const opened = await openSftp(fail)
    if (!opened.ok) return opened
    const sftp = opened.value
    let before = 0
    for (const { file, bytes } of files) {
      const put = await new Promise<Result<null>>((resolve) => {
        const finish = (result: Result<null>): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', stop)
          resolve(result)
        }
        const stop = (): void => {
          finish(failed(problem('run-cancelled', { count: 0 }, where)))
        }
        const timer = setTimeout(() => {
          finish(failed(problem('command-timeout', { host: target.address, seconds: uploadTimeoutMs / 1000 }, where)))
        }, uploadTimeoutMs)
        void ended.then((lost) => {
          finish(failed(lost))
        })
        signal?.addEventListener('abort', stop)
        if (signal?.aborted) {
          stop()
          return
        }
        const step = (sent: number): void => onProgress?.(before + sent, allBytes)
        const pace = { concurrency: uploadConcurrency, chunkSize: uploadChunk, step }
        sftp.fastPut(file, `${directory}/${basename(file)}`, pace, (failure) => {
          // SFTP says only "Failure" for a full disk; the directory was chosen with room, so another writer took it.
          finish(failure ? fail(failure.message) : ok(null))
        })
      })
      if (!put.ok) {
        sftp.end()
        return put
      }
      before += bytes
    }
    sftp.end()
    return ok(null)
  }

  const sweep = `find "$HOME" /var/tmp /tmp -maxdepth 1 -user "$(id -un)" -name '.shoal-upload.${ports.uploadTag}.*' -exec rm -rf {} + 2>/dev/null || :`

  const session: Session = {
    target,
    ended,
    alive: () => alive,
    busy: () => alive && works + sockets > 0,
    working: () => alive && works > 0,
    async rootBy() {
      root ??= findRoot()
      const found = await root
      // A password may be given later; only a success is worth remembering.
      if (!found.ok) root = undefined
      return found
    },
    script,
    async upload(files, options) {
      const names = files.map(({ file }) => basename(file)).join(', ')
      const allBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
      const fail = (reason: string): Result<never> =>
        failed(problem('upload-failed', { host: target.address, file: names, reason }, where))
      const neededKb = Math.ceil(allBytes / 1024) + 1024
      const made = await script(
        `umask 077
${sweep}
for d in "$HOME" /var/tmp /tmp; do
  free=$(df -Pk "$d" 2>/dev/null | awk 'NR==2{print $4}')
  [ -n "$free" ] && [ "$free" -gt ${neededKb} ] && mktemp -d "$d/.shoal-upload.${ports.uploadTag}.XXXXXXXX" && exit 0
done
echo "no directory with ${neededKb} kB free" >&2
exit 1`,
        { as: 'user', ...(options.signal ? { signal: options.signal } : {}) },
      )
      if (!made.ok) return made
      if (made.value.exit !== 0) return failed(problem('disk-full', { host: target.address, what: names }, where))
      const directory = made.value.out.trim()
      works++
      const put = await putAll(files, directory, allBytes, options, fail)
      works--
      if (put.ok) return ok({ directory })
      if (alive) void script(`rm -rf '${directory}'`, { as: 'user' })
      return put
    },
    async sweepUploads() {
      const swept = await script(sweep, { as: 'user' })
      return swept.ok ? ok(null) : swept
    },
    openSocket(path) {
      return new Promise((resolve) => {
        if (!alive) {
          resolve(failed(channelProblem(target, lastError)))
          return
        }
        void ended.then((lost) => {
          resolve(failed(lost))
        })
        try {
          client.openssh_forwardOutStreamLocal(path, (error, channel) => {
            if (error) {
              resolve(failed(problem('agent-forbidden', { host: target.address, user: target.user }, where)))
              return
            }
            sockets++
            channel.once('close', () => sockets--)
            resolve(ok(channel as unknown as Duplex))
          })
        } catch (error) {
          // ssh2 throws when the server is not OpenSSH and so cannot forward a unix socket.
          resolve(failed(problem('ssh-failed', { host: target.address, reason: reasonOf(error) }, where)))
        }
      })
    },
    openTcp(address, port) {
      return new Promise((resolve) => {
        if (!alive) {
          resolve(failed(channelProblem(target, lastError)))
          return
        }
        void ended.then((lost) => {
          resolve(failed(lost))
        })
        client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
          if (error) {
            resolve(failed(problem('host-unreachable', { host: address, port, reason: error.message }, where)))
            return
          }
          sockets++
          channel.once('close', () => sockets--)
          resolve(ok(channel as unknown as Duplex))
        })
      })
    },
    close() {
      client.end()
      // A peer that is gone never answers the closing; do not wait for it.
      setTimeout(() => client.destroy(), 500).unref()
    },
  }
  return session
}
