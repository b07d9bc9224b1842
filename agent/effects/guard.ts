/**
 * The orphan guard: a shell that waits for this process to end, however it ends, and then takes the virtual IPs away at once. It ends
 * this process when it hangs. The unit does the same afterwards; the guard is there because systemd may take a second or two on a busy
 * host.
 */
import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import path from 'node:path'
import type { Writable } from 'node:stream'

/** A guard that ended is replaced after this. */
const againMs = 1_000

export interface Guard {
  /**
   * This process is alive, and it holds a virtual IP or not; to be said at least every 100 ms once it has begun, and before an address is put
   * up. Silence of 700 ms is taken as hanging when it holds one.
   */
  readonly alive: (holds: boolean) => void
  /** It notices silence; without bash it notices an end only. */
  readonly noticesHanging: boolean
}

/** Starts the guard from the folder the release script lies in, and keeps one running. */
export async function startGuard(folder: string, runDir: string, trouble: (says: string) => void): Promise<Guard> {
  // A plain shell cannot wait for a limited time.
  const hasBash = await access('/bin/bash').then(
    () => true,
    () => false,
  )
  let pipe: Writable | null = null
  const start = (): void => {
    const guard = spawn(
      hasBash ? '/bin/bash' : '/bin/sh',
      [path.join(folder, 'release-held.sh'), 'guard', String(process.pid)],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { SHOAL_RUN: runDir },
        cwd: '/',
      },
    )
    let over = false
    const again = (why: string): void => {
      if (over) return
      over = true
      pipe = null
      trouble(`The orphan guard ended (${why}).`)
      setTimeout(start, againMs).unref()
    }
    guard.on('error', (error) => again(error.message))
    guard.on('exit', (code) => again(`exit code ${code ?? 'none'}`))
    guard.stdin.on('error', () => undefined)
    guard.unref()
    pipe = guard.stdin
  }
  start()
  return {
    noticesHanging: hasBash,
    alive(holds) {
      // What a guard that stands still has not read yet is enough.
      if (pipe && !pipe.writableNeedDrain) pipe.write(holds ? 'holds\n' : '\n')
    },
  }
}
