/** A `shoal serve` process of its own for a test, with its own data directory, as a person would start it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { OfferedHost } from '../../domain/contract/app.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const startMostMs = 15_000

/** What a failed test did not stop ends with the test process. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Serving {
  /** The address printed, with its sign-in token unless a password opens. */
  readonly address: string
  /** The same without the token. */
  readonly origin: string
  readonly dataDir: string
  /** Everything the process wrote. */
  output(): string
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>
  /** Ends it without warning, as a crash does. */
  kill(): Promise<void>
}

export interface ServeWith {
  readonly dataDir?: string
  readonly port?: number
  readonly offered?: readonly OfferedHost[]
  readonly password?: string
  /** Home directory, whose .ssh is looked at; an empty one by default. */
  readonly home?: string
  /** Puts a command where it has to run: on the lab's network. */
  readonly inside?: (command: readonly string[]) => readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

/** A scratch folder below the machine's temporary one. */
export function scratch(): string {
  return mkdtempSync(path.join(tmpdir(), 'shoal-e2e-'))
}

export async function startServe(with_: ServeWith = {}): Promise<Serving> {
  if (!existsSync(path.join(root, 'out/cli/main.mjs')))
    throw new Error('out/ is not built; run npm run build first (npm run test:e2e does).')
  const dir = scratch()
  const dataDir = with_.dataDir ?? path.join(dir, 'data')
  const args = ['serve', '--port', String(with_.port ?? 0), '--data', dataDir]
  if (with_.offered) {
    const file = path.join(dir, 'offer.json')
    writeFileSync(file, JSON.stringify(with_.offered))
    args.push('--offer', file)
  }
  if (with_.password !== undefined) {
    const file = path.join(dir, 'password')
    writeFileSync(file, `${with_.password}\n`, { mode: 0o600 })
    args.push('--password-file', file)
  }
  const command = [process.execPath, path.join(root, 'cli/shoal.mjs'), ...args] as const
  const [program, ...rest] = with_.inside ? with_.inside(command) : command
  const env: Record<string, string | undefined> = { ...process.env, HOME: with_.home ?? dir, ...with_.env }
  delete env['SSH_AUTH_SOCK']
  const child = spawn(program, rest, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const address = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`shoal serve printed no address:\n${output}`)), startMostMs)
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`
      const printed = /^\s+(http:\S+)$/.exec(line)?.[1]
      if (printed) {
        clearTimeout(late)
        resolve(printed)
      }
    })
    void closed.then((code) => {
      clearTimeout(late)
      reject(new Error(`shoal serve ended with ${code}:\n${output}`))
    })
  })
  const clean = () => rmSync(dir, { recursive: true, force: true })
  return {
    address,
    origin: new URL(address).origin,
    dataDir,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      const code = await closed
      clean()
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
