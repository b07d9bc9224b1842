// The machine under the lab: where the lab keeps its things, how it finds programs, how it speaks to the person at the
// terminal. Everything here only looks.

import { accessSync, constants, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** An error whose message is written for the person at the terminal; no stack is worth showing. */
export function refusal(message: string, cause?: unknown): Error {
  const error = new Error(message, { cause })
  error.name = 'LabRefusal'
  return error
}

/** The directory of images, keys and running labs: $SHOAL_LAB_DIR, else shoal-lab in the user's cache. */
export function labDir(): string {
  const named = process.env['SHOAL_LAB_DIR']
  if (named !== undefined && named !== '') return named
  const cache = process.env['XDG_CACHE_HOME']
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'shoal-lab')
}

/** Full path of a program on PATH or in the sbin folders an ordinary PATH leaves out. */
export function find(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin']
  return folders.map((folder) => join(folder, program)).find((path) => reachable(path, constants.X_OK))
}

/** Numbers of the processors this process may run on (Cpus_allowed_list, proc_pid_status(5)); never empty. */
export function allowedProcessors(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, at) => first + at)
  })
}

/** A boot's identity: anything remembered from another boot is stale. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Whether the path exists and allows `mode`. */
export function reachable(path: string, mode: number = constants.F_OK): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
