/** The neighbours' own programs as judges of what is written for them, where this machine has them. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin']

function find(program: string): string | undefined {
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The path of a program, or a loud line about what is not proven without it. */
export function peer(program: string): string | undefined {
  const path = find(program)
  if (path === undefined)
    console.warn(`!!! ${program} is not installed: what is written for it is not judged by it in this run`)
  return path
}

/** Interfaces and scripts of other machines are absent here; no real server, and no weight at all, are what the lvs.cf says. */
const expected =
  /has no real servers - ignoring|exceeds total weight of real servers 0|hysteresis 0 >= quorum 0|doesn't exist|Non-existent interface|No VIP specified|not found or not accessible|SECURITY VIOLATION|Unable to (?:access|set)|Disabling|[Ss]cript .* (?:not|does not)/

/** What `keepalived -t` has against a file, apart from what this machine lacks. */
export function keepalivedObjections(path: string, text: string): string[] {
  return withFile('keepalived.conf', text, (file) => {
    const { stdout, stderr, status, signal } = spawnSync(path, ['-t', '-f', file], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '' && !expected.test(line))
    return signal === null && (status === 0 || `${stdout}${stderr}`.trim() !== '')
      ? lines
      : [...lines, `status ${status ?? signal ?? ''}`]
  })
}

/**
 * What ldirectord has against a file: asked for the status of an instance that does not run, it reads the whole file first and ends with
 * 2 when it cannot. Nothing is started.
 */
export function ldirectordObjections(path: string, text: string): string[] {
  return withFile('shoal-test.cf', text, (file) => {
    const { stdout, stderr, status } = spawnSync(path, [file, 'status'], { encoding: 'utf8', timeout: 20_000 })
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => /^(?:Error|Warning)/.test(line))
    return status === 1 || status === 3 || status === 0
      ? lines
      : [...lines, `status ${status ?? ''}: ${stderr.slice(0, 400)}`]
  })
}

function withFile<T>(name: string, text: string, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-peer-'))
  try {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    return use(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
