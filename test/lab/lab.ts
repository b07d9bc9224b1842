// The lab as tests and scripts use it: bring a layout up from nothing, speak to its hosts, break things, watch from the client,
// take it down. State lives in a folder per lab name, so one process can bring a lab up and another use it.
//
//   const lab = await up('dr')            // or: await attach()
//   await lab.ssh('lvs1', 'ipvsadm -Ln')
//   const probe = await lab.startProbe(lab.layout.vip)
//   probe.markFault(); await lab.crash('lvs1')
//   const seen = await probe.stop(); await lab.down()

import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { LAB_PASSWORD } from './guest.ts'
import type { ImageVariant } from './guest.ts'
import { answers, isOn, logOf, overSsh, powerOff, powerOn, sshCommand, waitUntilUp } from './hosts.ts'
import type { Said, Site } from './hosts.ts'
import { imageFor, labKey } from './images.ts'
import { layoutOf, REAL_SERVERS_DEFAULT } from './layouts.ts'
import type { Host, Layout, LayoutName, Nic } from './layouts.ts'
import { bootId, labDir, refusal } from './machine.ts'
import { installTools, labMissing } from './missing.ts'
import {
  cables,
  createNamespace,
  cutCable,
  endNamespace,
  healCable,
  isAlive,
  layNetwork,
  onNetwork,
} from './namespace.ts'
import type { CutWay, Namespace } from './namespace.ts'
import { probe } from './probe.ts'
import type { Probe, ProbeOptions } from './probe.ts'

export const LAB_NAME_DEFAULT = 'lab'

const BOOT_ID = 'cat /proc/sys/kernel/random/boot_id'
const REBOOT_POLL_MS = 1_000
const REBOOT_LIMIT_MS = 240_000
const STATE_FILE = 'state.json'

export type UpOptions = {
  /** Labs of different names can be up side by side. */
  readonly name?: string
  readonly realServers?: number
  readonly image?: ImageVariant
  /** Takes down a lab of this name that is up, instead of refusing. */
  readonly replace?: boolean
  readonly say?: (line: string) => void
}

/** How one can log in to every host of the lab. */
type Credentials = {
  readonly root: { readonly user: 'root'; readonly privateKeyPath: string }
  /** May use sudo, which asks for the password. */
  readonly admin: { readonly user: 'admin'; readonly password: string }
  /** May not use sudo. */
  readonly guest: { readonly user: 'guest'; readonly password: string }
}

type CutOptions = {
  /** Only the cable on this segment; without it all of the host's cables. */
  readonly segment?: string
  /** Both directions (default), or the host hears nothing ("deaf"), or it is not heard ("mute"). */
  readonly way?: CutWay
}

type HostStatus = {
  readonly name: string
  readonly role: Host['role']
  readonly on: boolean
  /** Whether its SSH server answers the client. */
  readonly answers: boolean
  readonly cables: readonly { readonly segment: string; readonly address: string; readonly state: string }[]
}

type LabStatus = {
  readonly name: string
  readonly layout: LayoutName
  readonly upSince: string
  readonly hosts: readonly HostStatus[]
}

export type Lab = {
  readonly name: string
  readonly layout: Layout
  readonly credentials: Credentials
  /** The folder with the hosts' console logs and disks. */
  readonly folder: string
  /** Address of a host for the client, and for SSH. */
  readonly address: (host: string) => string
  readonly consoleLog: (host: string) => string
  /** The command with what makes it run on the lab's network; it still sees the machine's files and processes. */
  readonly inside: (command: readonly string[]) => readonly [string, ...string[]]
  /** Runs a command on the lab's network. An exit code is an answer, not an error. */
  readonly run: (command: readonly string[], options?: RunOptions) => Promise<Said>
  /** A command on a host as root; throws when it ends with another code than 0, unless that is allowed. */
  readonly ssh: (host: string, command: string, options?: SshOptions) => Promise<Said>
  /** The ssh command line for a terminal, to be followed by a remote command or nothing. */
  readonly sshCommand: (host: string) => readonly string[]
  readonly cut: (host: string, options?: CutOptions) => Promise<void>
  /** Undoes every cut of the host (on one segment, if named). */
  readonly heal: (host: string, options?: { readonly segment?: string }) => Promise<void>
  /** Power off without warning; the disk stays. */
  readonly crash: (host: string) => Promise<void>
  /** Power on, and wait until the host has started. Its cables are whole afterwards. */
  readonly boot: (host: string) => Promise<void>
  /** Restart in an orderly way, by systemd; resolves when the host has started again. */
  readonly reboot: (host: string) => Promise<void>
  readonly startProbe: (address: string, options?: ProbeOptions) => Promise<Probe>
  readonly status: () => Promise<LabStatus>
  readonly down: () => Promise<void>
}

type RunOptions = { readonly input?: string; readonly timeoutMs?: number; readonly env?: Record<string, string> }
type SshOptions = {
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
  readonly allowFailure?: boolean
}

type State = {
  readonly name: string
  readonly layout: LayoutName
  readonly realServers: number
  readonly image: string
  readonly token: string
  readonly sockets: string
  readonly key: string
  readonly namespace: Namespace
  readonly bootId: string
  readonly upSince: string
}

type Found =
  | { readonly kind: 'up'; readonly state: State }
  | { readonly kind: 'stale'; readonly state: State }
  | { readonly kind: 'none' }

/**
 * Brings a layout up: tools and image when missing, namespace, segments, hosts; resolves when every host has started and
 * answers SSH. Throws a refusal, with everything taken down again, when the machine cannot do it or a host does not start.
 */
export async function up(layoutName: LayoutName, options: UpOptions = {}): Promise<Lab> {
  const { name = LAB_NAME_DEFAULT, realServers = REAL_SERVERS_DEFAULT, image: variant = 'plain' } = options
  const say = options.say ?? (() => undefined)
  const layout = layoutOf(layoutName, realServers)
  refuseIfMissing()
  const before = find(name)
  if (before.kind === 'up' && options.replace !== true)
    throw refusal(
      `A lab is up already: ${before.state.layout} since ${before.state.upSince}. Take it down first (npm run lab -- down).`,
    )
  if (before.kind === 'stale') say('Clearing what a lab that ended without "down" left behind')
  if (before.kind !== 'none') await takeDown(before.state)

  const { image, key } = await prepare(variant, say)
  const token = `shoal-${randomBytes(4).toString('hex')}`
  const namespace = await createNamespace(token)
  const state: State = {
    name,
    layout: layoutName,
    realServers,
    image,
    token,
    sockets: mkdtempSync(join(tmpdir(), 'shoal-lab-')),
    key,
    namespace,
    bootId: bootId(),
    upSince: new Date().toISOString(),
  }
  try {
    await claim(state)
    await layNetwork(namespace, layout)
    const site = siteOf(state)
    for (const host of layout.hosts) await powerOn(site, host)
    say(`Starting ${layout.hosts.map((host) => host.name).join(', ')}`)
    await Promise.all(layout.hosts.map((host) => waitUntilUp(site, host)))
  } catch (error) {
    await takeDown(state)
    throw error
  }
  return handle(state)
}

/**
 * What up() does first, and what takes long the first time: tools, key and image. Throws a refusal when the machine cannot run a
 * lab, or when a build step fails.
 */
export async function prepare(
  variant: ImageVariant = 'plain',
  say: (line: string) => void = () => undefined,
): Promise<{ readonly image: string; readonly key: string }> {
  refuseIfMissing()
  await installTools(say)
  return { key: await labKey(), image: await imageFor(variant, imagesInUse(), say) }
}

/** The lab that is up under this name, if there is one. */
export function attach(name: string = LAB_NAME_DEFAULT): Lab | undefined {
  const found = find(name)
  return found.kind === 'up' ? handle(found.state) : undefined
}

/** Takes down the lab of this name. Returns what it found: one that was up, what a dead one left behind, or nothing. */
export async function down(name: string = LAB_NAME_DEFAULT): Promise<Found['kind']> {
  const found = find(name)
  if (found.kind !== 'none') await takeDown(found.state)
  return found.kind
}

/** Whether a lab of this name is up, or only its remains are there (the machine was restarted, or its processes killed). */
export function find(name: string): Found {
  const state = readState(name)
  if (state === undefined) return { kind: 'none' }
  return state.bootId === bootId() && isAlive(state.namespace) ? { kind: 'up', state } : { kind: 'stale', state }
}

function refuseIfMissing(): void {
  const missing = labMissing()
  if (missing.length > 0) throw refusal(`The lab cannot run on this machine.\n${missing.join('\n')}`)
}

function handle(state: State): Lab {
  const site = siteOf(state)
  const { layout } = site
  const hostOf = (name: string): Host => {
    const found = layout.hosts.find((host) => host.name === name)
    if (found === undefined)
      throw refusal(`No host ${name} in ${layout.name}; there are ${layout.hosts.map((host) => host.name).join(', ')}.`)
    return found
  }
  const nicsOf = (name: string, segment?: string): readonly Nic[] => {
    const host = hostOf(name)
    const nics = host.nics.filter((nic) => segment === undefined || nic.segment === segment)
    if (nics.length === 0)
      throw refusal(`${name} is not on ${segment}; it is on ${host.nics.map((nic) => nic.segment).join(', ')}.`)
    return nics
  }
  const inside: Lab['inside'] = (command) => ['nsenter', ...onNetwork(site.namespace).slice(1), ...command]

  return {
    name: state.name,
    layout,
    credentials: {
      root: { user: 'root', privateKeyPath: state.key },
      admin: { user: 'admin', password: LAB_PASSWORD },
      guest: { user: 'guest', password: LAB_PASSWORD },
    },
    folder: site.folder,
    address: (name) => hostOf(name).nics[0].address,
    consoleLog: (name) => logOf(site, hostOf(name)),
    inside,
    run: async (command, options = {}) => {
      const [program, ...args] = inside(command)
      const result = await execa(program, args, {
        reject: false,
        ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
        ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
        ...(options.env === undefined ? {} : { env: options.env }),
      })
      return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr }
    },
    ssh: async (name, command, options = {}) => {
      const said = await overSsh(site, hostOf(name), command, options)
      if (said.exitCode !== 0 && options.allowFailure !== true)
        throw refusal(`${name}: ${command}: exit code ${said.exitCode}: ${said.stderr.trim() || said.stdout.trim()}`)
      return said
    },
    sshCommand: (name) => sshCommand(site, hostOf(name), false),
    cut: async (name, options = {}) => {
      for (const nic of nicsOf(name, options.segment)) await cutCable(site.namespace, nic, options.way ?? 'both')
    },
    heal: async (name, options = {}) => {
      for (const nic of nicsOf(name, options.segment)) await healCable(site.namespace, nic)
    },
    crash: async (name) => {
      const host = hostOf(name)
      if (!isOn(site, host)) throw refusal(`${name} is off already.`)
      await powerOff(site, host)
    },
    boot: async (name) => {
      const host = hostOf(name)
      for (const nic of host.nics) await healCable(site.namespace, nic)
      await powerOn(site, host)
      await waitUntilUp(site, host)
    },
    reboot: async (name) => {
      const host = hostOf(name)
      const bootIdOf = async () => (await overSsh(site, host, BOOT_ID, { timeoutMs: REBOOT_POLL_MS * 5 })).stdout.trim()
      const before = await bootIdOf()
      await overSsh(site, host, 'systemctl reboot')
      const began = performance.now()
      for (let now = before; now === before || now === ''; now = await bootIdOf()) {
        if (performance.now() - began > REBOOT_LIMIT_MS) throw refusal(`${name} did not come back from its reboot.`)
        await delay(REBOOT_POLL_MS)
      }
      await waitUntilUp(site, host)
    },
    startProbe: (address, options) => probe(site.namespace, address, options),
    status: () => statusOf(state, site),
    down: () => takeDown(state),
  }
}

async function statusOf(state: State, site: Site): Promise<LabStatus> {
  const ports = await cables(site.namespace)
  const hosts = await Promise.all(
    site.layout.hosts.map(async (host): Promise<HostStatus> => {
      const on = isOn(site, host)
      return {
        name: host.name,
        role: host.role,
        on,
        answers: on && (await answers(site, host)),
        cables: host.nics.map(({ segment, address, tap }) => ({
          segment,
          address,
          state: ports.get(tap) ?? 'unknown',
        })),
      }
    }),
  )
  return { name: state.name, layout: state.layout, upSince: state.upSince, hosts }
}

/** Ends a lab (if it has not ended by itself) and forgets it; the folder is left alone when another lab of the name has taken it meanwhile. */
async function takeDown(state: State): Promise<void> {
  await endNamespace(state.namespace)
  await rm(state.sockets, { recursive: true, force: true })
  if (readState(state.name)?.token === state.token) await rm(folderOf(state.name), { recursive: true, force: true })
}

/** Takes the lab's name: the folder appears with its state already in it, or not at all when somebody else was faster. */
async function claim(state: State): Promise<void> {
  const folder = folderOf(state.name)
  const prepared = join(labDir(), state.token)
  await mkdir(dirname(folder), { recursive: true })
  await mkdir(prepared)
  await writeFile(join(prepared, STATE_FILE), JSON.stringify(state, undefined, 2))
  try {
    await rename(prepared, folder)
  } catch (error) {
    await rm(prepared, { recursive: true, force: true })
    throw refusal(`Another process has just brought the lab "${state.name}" up.`, error)
  }
}

function siteOf(state: State): Site {
  return {
    namespace: state.namespace,
    layout: layoutOf(state.layout, state.realServers),
    image: state.image,
    token: state.token,
    folder: folderOf(state.name),
    sockets: state.sockets,
    key: state.key,
  }
}

/** Images that labs which are up read from. */
function imagesInUse(): readonly string[] {
  let names: string[]
  try {
    names = readdirSync(join(labDir(), 'run'))
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const found = find(name)
    return found.kind === 'up' ? [found.state.image] : []
  })
}

function folderOf(name: string): string {
  return join(labDir(), 'run', name)
}

function readState(name: string): State | undefined {
  try {
    return JSON.parse(readFileSync(join(folderOf(name), STATE_FILE), 'utf8')) as State
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}
