/**
 * The application's log as both hosts write it: one line per event, on stderr (warnings and errors unless asked for more) and, all of
 * it, in a bounded file of the data directory that an operator can send along with a report.
 */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from './ports.ts'

const fileName = 'shoal.log'
/** The file is put aside at this size; two such files are kept at most. */
const fileMostBytes = 1024 * 1024

const lineOf = (
  level: string,
  message: string,
  fields: Readonly<Record<string, string | number | boolean>>,
): string => {
  const facts = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
  return `${new Date().toISOString()} ${level} ${message}${facts.join('')}\n`
}

/** Writes lines through `write`; `everything` adds debug and info. */
export function lineLog(write: (line: string) => void, everything: boolean): Log {
  return (level, message, fields = {}) => {
    if ((level === 'debug' || level === 'info') && !everything) return
    write(lineOf(level, message, fields))
  }
}

/**
 * Writes every line into the data directory's file at once: what was logged right before a crash is what is wanted. A disk that takes
 * nothing more costs the line and nothing else.
 */
export function fileLog(dataDir: string): Log {
  const file = path.join(dataDir, fileName)
  let bytes: number | undefined
  return (level, message, fields = {}) => {
    const line = lineOf(level, message, fields)
    try {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      bytes ??= statSync(file, { throwIfNoEntry: false })?.size ?? 0
      if (bytes > fileMostBytes) {
        renameSync(file, `${file}.1`)
        bytes = 0
      }
      appendFileSync(file, line, { mode: 0o600 })
      bytes += Buffer.byteLength(line)
    } catch {
      bytes = undefined
    }
  }
}

/** Several logs as one. */
export function allLogs(...logs: readonly Log[]): Log {
  return (level, message, fields) => {
    for (const log of logs) log(level, message, fields)
  }
}

/** What the file holds, oldest line first; empty when nothing was logged. */
export async function keptLog(dataDir: string): Promise<string> {
  const file = path.join(dataDir, fileName)
  const texts = await Promise.all([`${file}.1`, file].map((one) => readFile(one, 'utf8').catch(() => '')))
  return texts.join('')
}
