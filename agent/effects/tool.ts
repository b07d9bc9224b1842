/** Runs one of the system's tools, with a fixed search path, its answer in English, a limit on time and on what it says. */
import { spawn } from 'node:child_process'

const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'
/** A tool that has not ended after this is ended. */
const toolLimitMs = 8_000
const maxOutputBytes = 32 * 1024 * 1024

export interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** Why it did not do what was asked; null = it did. */
  readonly failed: string | null
  /** There is no such program on this host. */
  readonly absent: boolean
}

/** Never throws: what goes wrong is in the answer. */
export function tool(file: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: toolPath, LC_ALL: 'C' } })
    let stdout = ''
    let stderr = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), toolLimitMs)
    const end = (failed: string | null, absent = false): void => {
      clearTimeout(timer)
      resolve({ stdout, stderr, failed, absent })
    }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < maxOutputBytes) stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (stderr.length < maxOutputBytes) stderr += chunk
    })
    child.on('error', (error: Error & { code?: string }) =>
      error.code === 'ENOENT' ? end(`${file} is not installed`, true) : end(`${file}: ${error.message}`),
    )
    child.on('close', (code, signal) =>
      end(code === 0 ? null : signal ? `${file} was ended by ${signal}` : `${file} ended with ${code}`),
    )
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** Why a tool failed, with its own words where it has said any; null = it did not. */
export function complaint(ended: Ended): string | null {
  if (!ended.failed) return null
  const said = ended.stderr.trim().split('\n').slice(0, 3).join(' ')
  return said === '' ? ended.failed : `${ended.failed}: ${said}`
}
