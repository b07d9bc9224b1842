/**
 * The kernel's IPVS table: read as text from /proc without a process, changed by one `ipvsadm --restore` per batch, counters and
 * timeouts by ipvsadm. Nothing here decides what the table should be.
 */
import { readFile } from 'node:fs/promises'
import {
  parseCounters,
  parseKernelTable,
  parsePersistent,
  type Counters,
  type KernelTable,
} from '../../domain/ipvs/kernel-table.ts'
import { tool } from './tool.ts'

const tablePath = '/proc/net/ip_vs'
export type Looked = { readonly table: KernelTable } | { readonly says: string; readonly absent: boolean }

/** Reads the table. Without the file, ipvsadm is asked once, which makes the kernel load ip_vs where it can. */
export async function readTable(): Promise<Looked> {
  for (let attempt = 0; ; attempt++) {
    try {
      return { table: parseKernelTable(await readFile(tablePath, 'latin1')) }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') return { says: `${tablePath}: ${message}`, absent: false }
      if (attempt > 0)
        return { says: 'This kernel has no ip_vs: the module is not loaded and could not be.', absent: true }
      await tool('modprobe', ['ip_vs'])
      await tool('ipvsadm', ['-L', '-n'])
    }
  }
}

/** Carries out a batch; returns what was not accepted. */
export async function applyBatch(commands: readonly string[]): Promise<readonly string[]> {
  if (commands.length === 0) return []
  const { stderr, failed } = await tool('ipvsadm', ['--restore'], `${commands.join('\n')}\n`)
  const said = stderr
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '')
  return said.length > 0 ? said : failed ? [failed] : []
}

/** `ipvsadm --set`; a 0 leaves the kernel's value (ipvsadm(8)). */
export async function setTimeouts(t: {
  readonly tcpS: number
  readonly tcpFinS: number
  readonly udpS: number
}): Promise<readonly string[]> {
  const { stderr, failed } = await tool('ipvsadm', ['--set', String(t.tcpS), String(t.tcpFinS), String(t.udpS)])
  return failed ? [stderr.trim() || failed] : []
}

/** Totals per destination since its entry was made; empty when ipvsadm does not answer. */
export async function readCounters(): Promise<ReadonlyMap<string, Counters>> {
  const { stdout, failed } = await tool('ipvsadm', ['-L', '-n', '--stats', '--exact'])
  return failed ? new Map() : parseCounters(stdout)
}

/** Clients that persistence binds to servers; null when ipvsadm does not answer. */
export async function readBound(): Promise<ReadonlyMap<string, number> | null> {
  const { stdout, failed } = await tool('ipvsadm', ['-L', '-n', '--persistent-conn'])
  return failed ? null : parsePersistent(stdout)
}
