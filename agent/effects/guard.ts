/**
 * The orphan guard: a shell that waits for this process to end, however it ends, and then takes the virtual IPs away at once. The
 * unit does the same afterwards; the guard is there because systemd may take a second or two on a busy host.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'

/** A guard that ended is replaced after this. */
const againMs = 1_000

/** Starts the guard from the folder the release script lies in, and keeps one running. */
export function startGuard(folder: string, runDir: string, trouble: (says: string) => void): void {
  const guard = spawn('/bin/sh', [path.join(folder, 'release-held.sh'), 'guard', String(process.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { SHOAL_RUN: runDir },
    cwd: '/',
  })
  let over = false
  const again = (why: string): void => {
    if (over) return
    over = true
    trouble(`The orphan guard ended (${why}).`)
    setTimeout(() => startGuard(folder, runDir, trouble), againMs).unref()
  }
  guard.on('error', (error) => again(error.message))
  guard.on('exit', (code) => again(`exit code ${code ?? 'none'}`))
  guard.stdin.on('error', () => undefined)
  guard.unref()
}
