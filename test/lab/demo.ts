/**
 * `npm run demo`: the lab's hosts, the application in front of them, and everything taken down at the end. The core has to stand on the
 * lab's network and the person's browser outside it, so the browser host listens on a unix socket (files are shared between
 * network namespaces) and a forwarder out here carries a loopback port to it:
 *
 *   browser ── 127.0.0.1:3636 ──forwarder── unix socket │ shoal serve ── ssh ── lvs1 lvs2 rs1 rs2
 *   (this machine's network)                            │ (the lab's network)
 *
 * Where the lab cannot run, the application opens without it and what is missing is said.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openInBrowser } from '../../cli/serve/terminal.ts'
import type { RunAs } from '../../cli/serve/terminal.ts'
import type { OfferedHost } from '../../domain/contract/app.ts'
import { electronRuntime } from '../electron-runtime.ts'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'
import { labMissing } from './missing.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const electronFetchMostMs = 120_000

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3636' },
    /** Ends by itself after so many seconds, for trying the demo out. */
    'exit-after': { type: 'string' },
    /** The browser host although Electron could run. */
    browser: { type: 'boolean', default: false },
    'no-open': { type: 'boolean', default: false },
  },
})

const say = (line = '') => console.log(line)
const display = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'])

/** The person who became root with sudo: a browser runs as them, not as root. */
const person: RunAs | undefined =
  process.env['SUDO_UID'] && process.env['SUDO_GID']
    ? { uid: Number(process.env['SUDO_UID']), gid: Number(process.env['SUDO_GID']) }
    : undefined

// Ctrl-C reaches every process of this terminal: the lab's hosts ignore it (own sessions), the application ends by itself, and this
// process goes on to take the lab down.
let stopping = false
let stop = () => {
  stopping = true
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())

/** Runs a command on this terminal; resolves with its exit code. */
function run(command: string, args: readonly string[], timeoutMs?: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...(timeoutMs ? { timeout: timeoutMs } : {}) })
    child.on('error', () => resolve(127))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

async function buildIfNeeded(): Promise<void> {
  const built = ['out/cli/main.mjs', 'out/agent/manifest.json', 'out/renderer/index.html', 'out/main/main.js']
  if (built.every((file) => existsSync(path.join(root, file)))) return
  say('Building the application')
  if ((await run('npm', ['run', '-s', 'build'])) !== 0) throw new Error('The application could not be built.')
}

/** The lab, and whether it was brought up here (one that was up before is left up). */
async function bringUp(): Promise<{ lab: Lab; ours: boolean } | undefined> {
  const missing = labMissing()
  if (missing.length > 0) {
    say(
      'The lab cannot run on this machine, so there are no hosts to choose; the start page has a simulated cluster to try.',
    )
    for (const line of missing) say(`  ${line}`)
    return undefined
  }
  const before = attach()
  if (before) {
    say(`Using the lab that is up (${before.layout.name}); it is left up at the end.`)
    return { lab: before, ours: false }
  }
  const began = performance.now()
  const lab = await up('dr', { say })
  say(`The lab is up after ${((performance.now() - began) / 1000).toFixed(0)} s`)
  return { lab, ours: true }
}

/** The lab's hosts as the wizard offers them: key login as root, and for the last real server a password and sudo. */
function offeredHosts(lab: Lab, keyFile: string): OfferedHost[] {
  const { root: byKey, admin } = lab.credentials
  const last = lab.layout.hosts.findLast((host) => host.role === 'real')?.name
  return lab.layout.hosts.map((host) => {
    const base = {
      name: host.name,
      address: lab.address(host.name),
      role: host.role === 'director' ? ('director' as const) : ('real-server' as const),
    }
    return host.name === last
      ? { ...base, user: admin.user, login: 'password', note: `password: ${admin.password}` }
      : { ...base, user: byKey.user, login: 'key', keyFile }
  })
}

/** Carries connections of a loopback port to the unix socket. Takes the wished port, or a free one when that is taken. */
async function forward(wished: number, socketPath: string): Promise<{ port: number; server: Server }> {
  const server = createServer((outer) => {
    const inner = connect(socketPath)
    outer.pipe(inner).pipe(outer)
    outer.on('error', () => inner.destroy())
    inner.on('error', () => outer.destroy())
    outer.on('close', () => inner.destroy())
    inner.on('close', () => outer.destroy())
  })
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        const bound = server.address()
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
      })
    })
  try {
    return { port: await listen(wished), server }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    say(`Port ${wished} is taken; taking a free one.`)
    return { port: await listen(0), server }
  }
}

async function electronHere(): Promise<string | undefined> {
  if (values.browser || !display) return undefined
  const there = electronRuntime()
  if (there) return there
  say('Fetching the Electron runtime (once)')
  await run(process.execPath, [path.join(root, 'node_modules/electron/install.js')], electronFetchMostMs)
  const fetched = electronRuntime()
  if (!fetched) say('The Electron runtime could not be fetched; the application opens in the browser instead.')
  return fetched
}

/** Starts the desktop window, on the lab's network if there is one, as the person and not as root where that is known. */
function startElectron(electron: string, lab: Lab | undefined, appArgs: readonly string[]): ChildProcess {
  const asPerson = person ? ['setpriv', `--reuid=${person.uid}`, `--regid=${person.gid}`, '--init-groups', '--'] : []
  // Chromium's sandbox refuses to run as root; a person's own session keeps it.
  const rootNeeds = process.getuid?.() === 0 && !person ? ['--no-sandbox'] : []
  const command = [...asPerson, electron, root, ...rootNeeds, ...appArgs]
  const [program = electron, ...args] = lab ? lab.inside(command) : command
  return spawn(program, args, { cwd: root, stdio: 'inherit' })
}

/** Starts the browser host; resolves with the address it prints. */
async function startServe(
  lab: Lab | undefined,
  port: number,
  socketPath: string | undefined,
  appArgs: readonly string[],
): Promise<{ child: ChildProcess; address: string }> {
  const command = [
    process.execPath,
    path.join(root, 'cli/shoal.mjs'),
    'serve',
    `--port=${port}`,
    ...(socketPath ? [`--socket=${socketPath}`] : []),
    ...appArgs,
  ]
  const [program = process.execPath, ...args] = lab ? lab.inside(command) : command
  const child = spawn(program, args, { cwd: root, stdio: ['inherit', 'pipe', 'inherit'] })
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      say(line)
      const printed = /^\s+(http:\S+)$/.exec(line)?.[1]
      if (printed) resolve(printed)
    })
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`shoal serve ended with exit code ${code}.`)))
  })
  return { child, address }
}

async function main(): Promise<void> {
  await buildIfNeeded()
  const brought = stopping ? undefined : await bringUp()
  const scratch = await mkdtemp(path.join(tmpdir(), 'shoal-demo-'))
  let forwarder: Server | undefined
  let child: ChildProcess | undefined
  try {
    if (stopping) return
    const lab = brought?.lab
    const dataDir = path.join(scratch, 'data')
    const offer = path.join(scratch, 'offer.json')
    await mkdir(dataDir, { mode: 0o700 })
    const appArgs = [`--data=${dataDir}`, `--offer=${offer}`]
    const electron = await electronHere()
    let keyFile = lab?.credentials.root.privateKeyPath ?? ''
    if (lab && electron && person) {
      // The lab's key is root's; the window runs as the person.
      await copyFile(keyFile, path.join(scratch, 'key'))
      keyFile = path.join(scratch, 'key')
    }
    await writeFile(offer, JSON.stringify(lab ? offeredHosts(lab, keyFile) : [], undefined, 2))
    if (electron) {
      if (person)
        for (const owned of [scratch, dataDir, offer, ...(lab ? [keyFile] : [])])
          await chown(owned, person.uid, person.gid)
      child = startElectron(electron, lab, appArgs)
    } else {
      const socketPath = lab ? path.join(scratch, 'app.sock') : undefined
      let port = Number(values.port)
      if (socketPath) {
        const opened = await forward(port, socketPath)
        forwarder = opened.server
        port = opened.port
      }
      const started = await startServe(lab, port, socketPath, appArgs)
      child = started.child
      if (display && !values['no-open']) {
        if (person) await chown(scratch, person.uid, person.gid)
        await openInBrowser(started.address, scratch, person)
      }
    }
    if (lab) {
      say('In the wizard choose the offered hosts. While it runs, in another terminal: npm run lab -- crash lvs1')
      say(
        `The virtual IP to give is ${lab.layout.vip}; the last real server's password is ${lab.credentials.admin.password}`,
      )
    }
    const ended = new Promise<void>((resolve) => child?.once('close', () => resolve()))
    const running = child
    stop = () => running.kill('SIGTERM')
    if (stopping) stop()
    if (values['exit-after'] !== undefined) setTimeout(() => stop(), Number(values['exit-after']) * 1000).unref()
    await ended
  } finally {
    child?.kill('SIGTERM')
    forwarder?.close()
    await rm(scratch, { recursive: true, force: true })
    if (brought?.ours) {
      say('Taking the lab down')
      await brought.lab.down()
    }
  }
}

try {
  await main()
  // Keep-alive connections of an open browser hold the forwarder; everything is taken down by now.
  process.exit(0)
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
