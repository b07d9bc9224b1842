// One lab host is one user-mode Linux kernel: power on, power off, wait until it answers, and speak to it over SSH.

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Host, Layout, Nic } from './layouts.ts'
import { allowedProcessors, find, refusal } from './machine.ts'
import { asMember, onNetwork, pidsWithArgument, signal } from './namespace.ts'
import type { Namespace } from './namespace.ts'
import { registerLibrary } from './registers.ts'

/** Where one lab keeps a host's things. */
export type Site = {
  readonly namespace: Namespace
  readonly layout: Layout
  readonly image: string
  /** Distinguishes this lab's processes from those of any other lab. */
  readonly token: string
  /** Disks and console logs. */
  readonly folder: string
  /** Unix sockets, whose paths have to be short. */
  readonly sockets: string
  readonly key: string
}

export type Said = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

const START_HOST = fileURLToPath(new URL('start-host.sh', import.meta.url))
const MEMORY = '256M'
const BOOT_LIMIT_MS = 240_000
const POLL_MS = 300
const DEATH_LIMIT_MS = 5_000
const LOG_TAIL_LINES = 25

/** Starts a host on its disk, which is made on first use. The console goes to HOST.log in the lab's folder. */
export async function powerOn(site: Site, host: Host): Promise<void> {
  if (isOn(site, host)) throw refusal(`${host.name} is on already.`)
  if (find('linux.uml') === undefined) throw refusal('linux.uml is not installed (Debian package user-mode-linux).')
  const umid = umidOf(site, host)
  // A killed kernel leaves its pid file here, and the next one would take the name for taken.
  await rm(join(site.sockets, umid), { recursive: true, force: true })
  await mkdir(site.folder, { recursive: true })
  const library = await registerLibrary()
  const [program, ...args] = [
    ...asMember(site.namespace),
    'taskset',
    '-c',
    processorFor(site, host),
    ...(library === undefined ? [] : ['env', `LD_PRELOAD=${library}`]),
    START_HOST,
    `mem=${MEMORY}`,
    `ubd0=${join(site.folder, `${host.name}.cow`)},${site.image}`,
    'root=/dev/ubda',
    'rw',
    ...host.nics.map((nic, index) => `vec${index}:transport=tap,ifname=${nic.tap},depth=64,mac=${nic.mac}`),
    'con=null',
    'con0=fd:0,fd:1',
    `uml_dir=${site.sockets}`,
    `umid=${umid}`,
    `systemd.hostname=${host.name}`,
    `lab.host=${host.name}`,
    `lab.role=${host.role}`,
    ...host.nics.map((nic, index) => `lab.ip${index}=${nic.address}/${nic.prefix}`),
    ...(host.gateway === undefined ? [] : [`lab.gw=${host.gateway}`]),
  ]
  const log = openSync(logOf(site, host), 'a')
  // A session of its own, or a Ctrl-C at the terminal would end the host.
  const child = spawn(program as string, args, { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.unref()
}

/**
 * The one processor a host runs on. A kernel in user mode and the processes it traces take turns all the time; where they are on
 * different processors, each turn wakes the other processor, and everything in the host takes two and a half times as long.
 */
function processorFor(site: Site, host: Host): string {
  const allowed = allowedProcessors()
  const place = site.layout.hosts.findIndex(({ name }) => name === host.name)
  return String(allowed[place % allowed.length])
}

/** Power off as a pulled plug does it: SIGKILL to the host's own processes. Its disk stays. */
export async function powerOff(site: Site, host: Host): Promise<void> {
  const began = performance.now()
  for (let left = processesOf(site, host); left.length > 0; left = processesOf(site, host)) {
    if (performance.now() - began > DEATH_LIMIT_MS) throw refusal(`${host.name} did not end: ${left.join(', ')}`)
    signal(left, 'SIGKILL')
    await delay(10)
  }
  // The shared SSH connection to it is dead now, and would make the next command wait for its timeout.
  await execa('ssh', ['-F', '/dev/null', '-o', `ControlPath=${controlPathOf(site, host)}`, '-O', 'exit', host.name], {
    reject: false,
    stdio: 'ignore',
  })
}

export function isOn(site: Site, host: Host): boolean {
  return processesOf(site, host).length > 0
}

/** Waits until the host's SSH server answers and systemd has finished starting. Throws with the console's last lines. */
export async function waitUntilUp(site: Site, host: Host): Promise<void> {
  const began = performance.now()
  while (!(await answers(site, host))) {
    if (!isOn(site, host)) throw refusal(`${host.name} stopped while it started.\n${await consoleTail(site, host)}`)
    if (performance.now() - began > BOOT_LIMIT_MS)
      throw refusal(`${host.name} gave no answer within ${BOOT_LIMIT_MS / 1_000} s.\n${await consoleTail(site, host)}`)
    await delay(POLL_MS)
  }
  const state = await overSsh(site, host, 'systemctl is-system-running --wait')
  if (state.stdout.trim() === 'running') return
  const failed = await overSsh(site, host, 'systemctl --failed --no-legend --plain')
  throw refusal(`${host.name} came up ${state.stdout.trim() || state.stderr.trim()}: ${failed.stdout.trim()}`)
}

/** Whether something that speaks SSH answers on the host, asked without logging in. */
export async function answers(site: Site, host: Host): Promise<boolean> {
  const ask = `exec 3<>/dev/tcp/${reachableNic(site.layout, host).address}/22; read -r line <&3; [[ $line == SSH-* ]]`
  const [program, ...args] = [...onNetwork(site.namespace), 'timeout', '2', 'bash', '-c', ask]
  const result = await execa(program as string, args, { reject: false, stdio: 'ignore' })
  return result.exitCode === 0
}

/** A command on the host as root. An exit code is an answer, not an error; 255 is SSH's own (ssh(1)). */
export async function overSsh(
  site: Site,
  host: Host,
  command: string,
  options: { readonly input?: string | Uint8Array; readonly timeoutMs?: number } = {},
): Promise<Said> {
  const [program, ...args] = [...sshCommand(site, host, true), command]
  const result = await execa(program as string, args, {
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  })
  return {
    exitCode: result.exitCode ?? 255,
    stdout: result.stdout,
    stderr: result.stderr || (result.timedOut ? `no answer within ${options.timeoutMs} ms` : ''),
  }
}

/** The ssh command line for a host, to which a remote command can be appended. */
export function sshCommand(site: Site, host: Host, quiet: boolean): readonly string[] {
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=5',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    // One connection per host is shared by all commands: logging in costs a lab host most of a second.
    'ControlMaster=auto',
    `ControlPath=${controlPathOf(site, host)}`,
    'ControlPersist=yes',
    ...(quiet ? ['BatchMode=yes'] : []),
  ]
  const address = reachableNic(site.layout, host).address
  const flags = options.flatMap((option) => ['-o', option])
  return [...onNetwork(site.namespace), 'ssh', '-F', '/dev/null', '-i', site.key, ...flags, `root@${address}`]
}

/** The NIC the client can reach the host on. */
function reachableNic(layout: Layout, host: Host): Nic {
  const open = host.nics.find((nic) => layout.segments.some(({ name, client }) => name === nic.segment && client))
  if (open === undefined) throw new Error(`${host.name} is on no segment of the client`)
  return open
}

export function logOf(site: Site, host: Host): string {
  return join(site.folder, `${host.name}.log`)
}

async function consoleTail(site: Site, host: Host): Promise<string> {
  const text = await readFile(logOf(site, host), 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-LOG_TAIL_LINES).join('\n')
}

function processesOf(site: Site, host: Host): readonly number[] {
  return pidsWithArgument(`umid=${umidOf(site, host)}`)
}

function umidOf(site: Site, host: Host): string {
  return `${site.token}-${host.name}`
}

function controlPathOf(site: Site, host: Host): string {
  return join(site.sockets, `ssh-${host.name}`)
}
