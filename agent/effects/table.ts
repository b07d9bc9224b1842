/**
 * The kernel's IPVS table: read as text from /proc without a process, changed by one `ipvsadm --restore` per batch, counters and
 * timeouts by ipvsadm. Nothing here decides what the table should be.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { parseCounters, parseKernelTable } from '../director/ipvs.ts'
import type { Counters, KernelTable } from '../director/words.ts'

const tablePath = '/proc/net/ip_vs'
const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'
/** A tool that has not ended after this is ended. */
const toolLimitMs = 8_000
const maxOutputBytes = 32 * 1024 * 1024

interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly failed: string | null
}

function tool(file: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: toolPath, LC_ALL: 'C' } })
    let stdout = ''
    let stderr = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), toolLimitMs)
    const end = (failed: string | null): void => {
      clearTimeout(timer)
      resolve({ stdout, stderr, failed })
    }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < maxOutputBytes) stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (stderr.length < maxOutputBytes) stderr += chunk
    })
    child.on('error', (error: Error & { code?: string }) =>
      end(error.code === 'ENOENT' ? `${file} is not installed` : `${file}: ${error.message}`),
    )
    child.on('close', (code, signal) =>
      end(code === 0 ? null : signal ? `${file} was ended by ${signal}` : `${file} ended with ${code}`),
    )
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

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
