/**
 * The process of `shoal serve` and `shoal passwd`: reads what the command line says, opens the core and the browser host, prints
 * the address, and closes both in order when it is told to end. Loaded only when one of the two commands runs.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import { openAudit } from '../../core/audit.ts'
import { createCore } from '../../core/core.ts'
import { defaultDataDir } from '../../core/data-dir.ts'
import { ownDataDir } from '../../core/data-dir-owner.ts'
import { allLogs, fileLog, lineLog } from '../../core/log.ts'
import { readOffered } from '../../core/offered.ts'
import { createDoor } from './door.ts'
import { allowedAuthorities, authority, isEveryAddress, isLoopback } from './guards.ts'
import { hashPassword, keepHash, keptHash, passwordLeastCharacters, passwordMatches } from './password.ts'
import { createBrowserServer } from './server.ts'
import { openInBrowser, readSecret } from './terminal.ts'
import { readTls, renewTls } from './tls.ts'

/** A core that does not close within this is left behind: the operator asked for the end. */
const closeMostMs = 15_000

/** Same place in the source tree (cli/serve/run.ts) and in the bundle (out/cli/…): two folders up. */
const root = fileURLToPath(new URL('../..', import.meta.url))

export interface ServeOptions {
  readonly port: number
  readonly host: string
  readonly name: readonly string[]
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly socket?: string
  readonly data?: string
  readonly open?: boolean
  readonly offer?: string
  readonly passwordFile?: string
}

function tell(problems: readonly Problem[]): void {
  for (const one of problems) {
    const { says, remedy } = speak(one, 'en')
    process.stderr.write(`${says}\n  ${remedy}\n`)
  }
}

const dataDirOf = (given: string | undefined) =>
  given === undefined ? defaultDataDir(process.platform, process.env, homedir()) : path.resolve(given)

/** Warnings and errors go to stderr; with SHOAL_LOG=debug everything does. */
const terminalLog = lineLog((line) => process.stderr.write(line), process.env['SHOAL_LOG'] === 'debug')

/** How passwords are tried: against a given file's first line, or the kept hash; undefined when neither is there. */
async function passwordTest(
  dataDir: string,
  file: string | undefined,
): Promise<Result<((password: string) => Promise<boolean>) | undefined>> {
  try {
    if (file !== undefined) {
      const password = (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? ''
      if (password.length < passwordLeastCharacters)
        return failed(problem('password-too-short', { least: passwordLeastCharacters }, { kind: 'file', file }))
      const hashed = await hashPassword(password)
      return ok((given) => passwordMatches(given, hashed))
    }
    if ((await keptHash(dataDir)) === undefined) return ok(undefined)
    // Read anew at each try: `shoal passwd` takes effect without a restart.
    return ok(async (given) => {
      const hashed = await keptHash(dataDir)
      return hashed !== undefined && passwordMatches(given, hashed)
    })
  } catch (error) {
    return failed(problem('file-unreadable', { file: file ?? dataDir, reason: (error as Error).message }))
  }
}

/** Whether somebody answers on a unix socket; if not, what lies there is left over from a process that was killed. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Runs the browser host until a signal ends it. Resolves with the exit code. */
export async function serve(options: ServeOptions, version: string): Promise<number> {
  const refuse = (...problems: readonly Problem[]) => {
    tell(problems)
    return 1
  }
  const dataDir = dataDirOf(options.data)
  const screenDir = path.join(root, 'out/renderer')
  if (!existsSync(path.join(screenDir, 'index.html'))) return refuse(problem('screen-not-built', { dir: screenDir }))
  const log = allLogs(terminalLog, fileLog(dataDir))
  const offered = options.offer === undefined ? ok([]) : await readOffered(options.offer)
  if (!offered.ok) return refuse(...offered.problems)
  const test = await passwordTest(dataDir, options.passwordFile)
  if (!test.ok) return refuse(...test.problems)

  const tls = await readTls(options.tlsCert, options.tlsKey)
  if (!tls.ok) return refuse(...tls.problems)
  if (!isLoopback(options.host)) {
    const lacks = !tls.value ? 'no TLS certificate is given' : !test.value ? 'no password is set' : undefined
    if (lacks) return refuse(problem('serve-not-loopback', { host: options.host, lacks }))
    if (isEveryAddress(options.host) && options.name.length === 0)
      return refuse(problem('serve-name-missing', { host: options.host }))
  }
  const owned = await ownDataDir(dataDir, 'shoal serve')
  if (!owned.ok) return refuse(...owned.problems)
  const audit = openAudit(dataDir, log)

  const core = await createCore({
    dataDir,
    home: homedir(),
    agentDir: path.join(root, 'out/agent'),
    host: 'browser',
    version,
    offered: offered.value,
    log,
    ...(process.env['SSH_AUTH_SOCK'] ? { sshAgentSocket: process.env['SSH_AUTH_SOCK'] } : {}),
  })
  const door = createDoor({
    now: () => performance.now(),
    random: randomBytes,
    ...(test.value ? { passwordMatches: test.value } : {}),
  })
  let allowed: ReadonlySet<string> = new Set()
  const scheme = tls.value ? 'https' : 'http'
  const server = createBrowserServer({
    core,
    door,
    screenDir,
    allowed: () => allowed,
    log,
    audit,
    ...(tls.value ? { tls: tls.value } : {}),
  })

  const where = options.socket ?? authority(options.host, options.port, scheme)
  try {
    if (options.socket !== undefined) {
      if (await answers(options.socket)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
      await rm(options.socket, { force: true })
    }
    await listen(server.http, options)
  } catch (error) {
    await Promise.all([server.close(), core.close(), owned.value()])
    const { code, message } = error as NodeJS.ErrnoException
    return refuse(
      code === 'EADDRINUSE'
        ? problem('serve-address-taken', { address: where })
        : problem('serve-cannot-listen', { address: where, reason: message }),
    )
  }
  const bound = server.http.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port
  allowed = allowedAuthorities(options.host, port, scheme, options.name)
  const renewing = renewTls(server.http, options.tlsCert, options.tlsKey, log)
  const base = `${scheme}://${[...allowed][0] ?? where}/`
  const address = () => (door.byPassword ? base : `${base}sign-in#token=${door.newToken()}`)
  const first = address()
  process.stdout.write(`Shoal ${version} is at\n\n  ${first}\n\n`)
  process.stdout.write(
    door.byPassword
      ? 'Sign in with the password. Ctrl-C ends it.\n'
      : `The address signs in one browser, once.${process.stdin.isTTY ? ' Enter prints a new one.' : ''} Ctrl-C ends it.\n`,
  )
  if (options.open) await openInBrowser(first, dataDir)

  const another = () => process.stdout.write(`\n  ${address()}\n`)
  if (!door.byPassword && process.stdin.isTTY) process.stdin.on('data', another)

  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
  process.stdin.pause()
  clearInterval(renewing)
  setTimeout(() => {
    log('error', 'the core did not close in time', { waitedMs: closeMostMs })
    process.exit(1)
  }, closeMostMs).unref()
  await Promise.all([server.close(), core.close()])
  await Promise.all([audit.close(), owned.value()])
  if (options.socket !== undefined) await rm(options.socket, { force: true })
  return 0
}

async function listen(http: ReturnType<typeof createBrowserServer>['http'], options: ServeOptions): Promise<void> {
  const { socket } = options
  if (socket !== undefined) await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    // A unix socket is made during the call: nobody else may reach it, not even for a moment.
    const before = process.umask(0o177)
    const listening = () => {
      http.off('error', reject)
      resolve()
    }
    if (socket !== undefined) http.listen(socket, listening)
    else http.listen(options.port, options.host, listening)
    process.umask(before)
  })
}

/** Sets or removes the password of the browser host. Resolves with the exit code. */
export async function passwd(options: { readonly data?: string; readonly remove?: boolean }): Promise<number> {
  const dataDir = dataDirOf(options.data)
  try {
    if (options.remove) {
      await keepHash(dataDir, undefined)
      process.stdout.write('The password is removed; shoal serve prints a sign-in address when it starts.\n')
      return 0
    }
    const password = await readSecret('New password for shoal serve: ')
    if (password.length < passwordLeastCharacters) {
      tell([problem('password-too-short', { least: passwordLeastCharacters })])
      return 1
    }
    if (process.stdin.isTTY && (await readSecret('Once more: ')) !== password) {
      tell([problem('passwords-differ')])
      return 1
    }
    await keepHash(dataDir, await hashPassword(password))
    process.stdout.write('The password is set.\n')
    return 0
  } catch (error) {
    tell([problem('file-unwritable', { file: dataDir, reason: (error as Error).message })])
    return 1
  }
}
