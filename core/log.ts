/** The application's log as both hosts write it: one line per event on stderr, warnings and errors unless asked for more. */
import type { Log } from './ports.ts'

/** Writes lines through `write`; `everything` adds debug and info. */
export function lineLog(write: (line: string) => void, everything: boolean): Log {
  return (level, message, fields = {}) => {
    if ((level === 'debug' || level === 'info') && !everything) return
    const facts = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    write(`${new Date().toISOString()} ${level} ${message}${facts.join('')}\n`)
  }
}
