// Whether this processor's register state is wider than linux.uml knows, and the small library that then has to be preloaded
// into it (wide-registers.c says why). It is compiled once per lab directory.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { labDir, refusal } from './machine.ts'

/** Flags of /proc/cpuinfo that stand for state beyond AVX-512. */
const WIDE_FLAGS = ['amx_tile', 'apx']

export function hasWideRegisters(): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
  return WIDE_FLAGS.some((flag) => flags.includes(flag))
}

/** Path of the library to preload, or undefined where linux.uml needs none. Throws a refusal with the compiler's words. */
export async function registerLibrary(): Promise<string | undefined> {
  if (!hasWideRegisters()) return undefined
  const source = fileURLToPath(new URL('wide-registers.c', import.meta.url))
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const library = join(labDir(), `wide-registers-${hash}.so`)
  if (existsSync(library)) return library
  await mkdir(labDir(), { recursive: true, mode: 0o700 })
  const made = `${library}.${process.pid}`
  const result = await execa('cc', ['-shared', '-fPIC', '-O2', '-nostdlib', '-o', made, source], { reject: false })
  if (result.failed) throw refusal(`cc failed: ${result.stderr.trim() || result.shortMessage}`)
  await rename(made, library)
  return library
}
