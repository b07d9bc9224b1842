// What this machine lacks for a lab, in plain sentences, and the installing of what apt can bring. Asked by the test runner and
// the demo before anything is started, so it must load fast and touch nothing.

import { readFileSync } from 'node:fs'
import { execa } from 'execa'
import { find, reachable, refusal } from './machine.ts'
import { hasWideRegisters } from './registers.ts'

/** Program → Debian package it comes in. */
const TOOLS: Readonly<Record<string, string>> = {
  'linux.uml': 'user-mode-linux',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  ethtool: 'ethtool',
  ip: 'iproute2',
  bridge: 'iproute2',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  taskset: 'util-linux',
}

/** Capabilities by their bit (capability.h): both are needed for namespaces, bridges and taps. */
const CAPABILITIES = [
  ['CAP_NET_ADMIN', 12],
  ['CAP_SYS_ADMIN', 21],
] as const

/**
 * What stands between this machine and a lab, one plain sentence each; empty when a lab can be brought up (tools that apt
 * can install are not counted as missing).
 */
export function labMissing(): string[] {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return [`The lab runs on Linux on x86-64; this is ${process.platform} on ${process.arch}.`]
  const missing: string[] = []
  if (process.getuid?.() !== 0)
    missing.push('The lab makes network namespaces, bridges and taps, which needs root; this process is not root.')
  else {
    const lacking = CAPABILITIES.filter(([, bit]) => !hasCapability(bit)).map(([name]) => name)
    if (lacking.length > 0)
      missing.push(`This root lacks ${lacking.join(' and ')} (an unprivileged container); the lab needs both.`)
  }
  if (!reachable('/dev/net/tun'))
    missing.push('/dev/net/tun is missing: the kernel module tun is not loaded, or this container was not given it.')
  const packages = absentPackages()
  if (packages.length > 0 && find('apt-get') === undefined)
    missing.push(`Not installed, and there is no apt to install them with: ${packages.join(', ')}.`)
  return missing
}

/** Installs what labMissing() left to apt. Says what it does through `say`. Throws when apt fails. */
export async function installTools(say: (line: string) => void): Promise<void> {
  const packages = absentPackages()
  if (packages.length === 0) return
  say(`Installing ${packages.join(', ')} with apt`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
  const first = await execa('apt-get', install, { env, reject: false })
  if (first.exitCode === 0) return
  await execa('apt-get', ['update', '-qq'], { env, reject: false })
  const second = await execa('apt-get', install, { env, reject: false })
  if (second.exitCode !== 0)
    throw refusal(`apt could not install ${packages.join(', ')}:\n${second.stderr.trim().slice(-1_000)}`)
}

function absentPackages(): string[] {
  const tools = hasWideRegisters() ? { ...TOOLS, cc: 'gcc' } : TOOLS
  const packages = Object.entries(tools).flatMap(([program, name]) => (find(program) === undefined ? [name] : []))
  return [...new Set(packages)]
}

function hasCapability(bit: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n
}
