// The one network and process namespace a lab lives in: bridges for segments, taps for cables, an address for the client.
// It has no way out to the machine's own network. When its first process ends, the kernel ends every lab host with it.

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import type { Layout, Nic } from './layouts.ts'
import { refusal } from './machine.ts'

/** What is remembered of a namespace: enough to know it again, and to know that a pid has been given to somebody else. */
export type Namespace = {
  /** First process of the process namespace, as seen from outside. */
  readonly initPid: number
  /** Its start, in clock ticks since boot (proc(5), stat field 22). */
  readonly initStart: string
  /** What /proc/PID/ns/net says, e.g. "net:[4026532281]". */
  readonly net: string
}

/** How a cable is cut: both ways, or so that the host hears nothing ("deaf") or is not heard ("mute"). */
export const CUT_WAYS = ['both', 'deaf', 'mute'] as const
export type CutWay = (typeof CUT_WAYS)[number]

const START_POLL_MS = 20
const START_LIMIT_MS = 5_000
const TERM_GRACE_MS = 2_000
const END_LIMIT_MS = 10_000

/** Makes the namespaces and their first process, which does nothing but reap what its hosts leave behind. */
export async function createNamespace(token: string): Promise<Namespace> {
  const reaper = 'while :; do sleep 3600; done'
  const outer = spawn(
    'unshare',
    ['--net', '--fork', '--pid', '--kill-child', 'sh', '-c', reaper, `shoal-lab-${token}`],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let words = ''
  outer.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
  outer.on('error', (error) => (words += error.message))
  for (let waited = 0; waited < START_LIMIT_MS; waited += START_POLL_MS) {
    const initPid = outer.pid === undefined ? undefined : childOf(outer.pid)
    const initStart = initPid === undefined ? undefined : startOf(initPid)
    if (initPid !== undefined && initStart !== undefined && commandOf(initPid).includes(`shoal-lab-${token}`)) {
      outer.stderr.destroy()
      outer.unref()
      return { initPid, initStart, net: readlinkSync(`/proc/${initPid}/ns/net`) }
    }
    if (outer.exitCode !== null) break
    await delay(START_POLL_MS)
  }
  throw refusal(`The namespace could not be made: ${words.trim() || 'unshare gave no reason'}`)
}

/** Whether the namespace still is what was remembered. */
export function isAlive(namespace: Namespace): boolean {
  return startOf(namespace.initPid) === namespace.initStart
}

/** Arguments in front of a command that make it run on the lab's network (but see the machine's processes and files). */
export function onNetwork(namespace: Namespace): readonly string[] {
  return ['nsenter', '-t', String(namespace.initPid), '-n']
}

/** Arguments in front of a command that make it one of the processes that end with the lab. */
export function asMember(namespace: Namespace): readonly string[] {
  return ['nsenter', '-t', String(namespace.initPid), '-n', '-p']
}

/** Builds segments, cables and the client's addresses. */
export async function layNetwork(namespace: Namespace, layout: Layout): Promise<void> {
  const settings = [
    // Replies that bypass the director (DR, TUN) arrive from where a strict router would not expect them.
    ['net/ipv4/conf/all/rp_filter', 0],
    ['net/ipv4/conf/default/rp_filter', 0],
    ['net/ipv4/ip_forward', layout.routed ? 1 : 0],
    // Bridges and taps stay quiet: no router solicitations, no duplicate address detection on the segments.
    ['net/ipv6/conf/default/disable_ipv6', 1],
  ] as const
  const script = settings.map(([key, value]) => `echo ${value} >/proc/sys/${key}`).join('\n')
  await within(namespace, ['sh', '-e', '-c', script])

  const taps = layout.hosts.flatMap((host) => host.nics)
  const lines = ['link set lo up']
  for (const { bridge, client, prefix } of layout.segments) {
    lines.push(`link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`)
    if (client !== undefined) lines.push(`addr add ${client}/${prefix} brd + dev ${bridge}`)
    lines.push(`link set ${bridge} up`)
  }
  for (const nic of taps) {
    lines.push(`tuntap add dev ${nic.tap} mode tap`)
    lines.push(`link set ${nic.tap} master ${bridgeOf(layout, nic)}`)
    lines.push(`link set ${nic.tap} up`)
  }
  await within(namespace, ['ip', '-batch', '-'], lines.join('\n'))

  // With offloads on, large frames towards a host are dropped and uploads crawl.
  const devices = [...layout.segments.map((segment) => segment.bridge), ...taps.map((nic) => nic.tap)]
  const offload = devices.map((device) => `ethtool -K ${device} tso off gso off gro off tx off`).join('\n')
  await within(namespace, ['sh', '-c', `${offload}\ntrue`])
}

/** Cuts a cable at its bridge port, so that the host keeps its link and notices nothing but silence. */
export async function cutCable(namespace: Namespace, nic: Nic, way: CutWay): Promise<void> {
  const port = ['link', 'set', 'dev', nic.tap]
  if (way === 'both') await within(namespace, ['bridge', ...port, 'state', '0'])
  // No learnt address and no flooding on the port: nothing is sent down this cable, what comes up it goes on.
  else if (way === 'deaf')
    await within(namespace, ['bridge', ...port, ...'learning off flood off mcast_flood off bcast_flood off'.split(' ')])
  // A locked port lets in only frames from addresses it knows, and it may learn none.
  else await within(namespace, ['bridge', ...port, 'learning', 'off', 'locked', 'on'])
  if (way !== 'both') await within(namespace, ['bridge', 'fdb', 'flush', 'dev', nic.tap, 'master', 'nopermanent'])
}

/** Undoes any kind of cut. A host that is off gets a whole cable with its power: then only the port's habits are reset. */
export async function healCable(namespace: Namespace, nic: Nic): Promise<void> {
  const port = ['bridge', 'link', 'set', 'dev', nic.tap]
  const habits = 'learning on flood on mcast_flood on bcast_flood on locked off'.split(' ')
  await within(namespace, [...port, ...habits])
  if ((await cables(namespace)).get(nic.tap) !== 'unplugged') await within(namespace, [...port, 'state', '3'])
}

/** How each port stands, by tap name: whole, cut (and how), or with nobody at the other end. */
export async function cables(namespace: Namespace): Promise<ReadonlyMap<string, CutWay | 'whole' | 'unplugged'>> {
  const shown: unknown = JSON.parse(await within(namespace, ['bridge', '-json', '-details', 'link', 'show']))
  const ports = shown as { ifname: string; flags: string[]; state: string; flood: boolean; locked?: boolean }[]
  return new Map(
    ports.map((port) => {
      if (port.flags.includes('NO-CARRIER')) return [port.ifname, 'unplugged']
      if (port.state !== 'forwarding') return [port.ifname, 'both']
      return [port.ifname, port.locked === true ? 'mute' : port.flood ? 'whole' : 'deaf']
    }),
  )
}

/**
 * Ends the namespace, every host in it, and whatever else still runs on its network (but not this process nor those that wait
 * for it). Waits until nothing is left. Does nothing for a namespace that has ended.
 */
export async function endNamespace(namespace: Namespace): Promise<void> {
  if (!isAlive(namespace)) return
  // While this is open the kernel gives the namespace's number to no other, so nobody else's process is taken for ours.
  const held = openSync(`/proc/${namespace.initPid}/ns/net`, 'r')
  try {
    process.kill(namespace.initPid, 'SIGKILL')
    const began = performance.now()
    let asked = false
    for (let left = membersOf(namespace); left.length > 0; left = membersOf(namespace)) {
      const elapsedMs = performance.now() - began
      if (elapsedMs > END_LIMIT_MS) throw refusal(`These processes did not end: ${left.join(', ')}`)
      if (!asked) signal(left, 'SIGTERM')
      else if (elapsedMs > TERM_GRACE_MS) signal(left, 'SIGKILL')
      asked = true
      await delay(START_POLL_MS)
    }
  } finally {
    closeSync(held)
  }
}

/** Pids of this machine whose command line holds `word` as one whole argument. */
export function pidsWithArgument(word: string): readonly number[] {
  return allPids().filter((pid) => commandOf(pid).includes(word))
}

/** kill(2), where a process that is gone already is no error. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Runs a command on the lab's network and returns its standard output; throws with its words when it fails. */
async function within(namespace: Namespace, command: readonly string[], input?: string): Promise<string> {
  const [program, ...args] = [...onNetwork(namespace), ...command]
  const result = await execa(program as string, args, { reject: false, ...(input === undefined ? {} : { input }) })
  if (result.failed) throw refusal(`${command.join(' ')}: ${result.stderr.trim() || result.shortMessage}`)
  return result.stdout
}

/** Processes on the lab's network, but for this one and those that wait for it. */
function membersOf(namespace: Namespace): readonly number[] {
  const spared = new Set<number>()
  for (let pid: number | undefined = process.pid; pid !== undefined && pid > 1; pid = parentOf(pid)) spared.add(pid)
  return allPids().filter((pid) => {
    if (spared.has(pid)) return false
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === namespace.net
    } catch {
      return false
    }
  })
}

function bridgeOf(layout: Layout, nic: Nic): string {
  const segment = layout.segments.find((candidate) => candidate.name === nic.segment)
  if (segment === undefined) throw new Error(`No segment ${nic.segment}`)
  return segment.bridge
}

function allPids(): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []))
}

function commandOf(pid: number): readonly string[] {
  return readProc(pid, 'cmdline')?.split('\0') ?? []
}

function childOf(pid: number): number | undefined {
  const first = readProc(pid, `task/${pid}/children`)?.trim().split(' ')[0]
  return first === undefined || first === '' ? undefined : Number(first)
}

/** Fields of proc(5) stat after the program name, which may itself hold spaces and parentheses; [0] is field 3. */
function statOf(pid: number): readonly string[] | undefined {
  const text = readProc(pid, 'stat')
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function startOf(pid: number): string | undefined {
  const fields = statOf(pid)
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1]
  return parent === undefined ? undefined : Number(parent)
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
