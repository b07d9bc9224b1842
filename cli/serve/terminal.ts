/** The terminal and desktop around the browser host: a line typed without being shown, and a browser opened. */
import { spawn } from 'node:child_process'
import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** One line from the terminal, not echoed; without a terminal, the next line of standard input. */
export function readSecret(question: string): Promise<string> {
  const shown = process.stdin.isTTY === true
  if (shown) process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: shown })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => {
      if (shown) process.stderr.write('\n')
      resolve('')
    })
    lines.once('SIGINT', () => process.exit(130))
  })
}

/** A user of this machine a program is started as. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/**
 * Opens the address in the desktop's browser by way of a page in `dir` only this user can read: a command line is visible to everybody
 * on the machine, and the address carries the sign-in token. Where there is no desktop nothing happens: the address is printed anyway.
 */
export async function openInBrowser(address: string, dir: string, as?: RunAs): Promise<void> {
  const page = path.join(dir, 'open.html')
  const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><a href="${address}">Shoal</a>\n`
  await writeFile(page, html, { mode: 0o600 })
  if (as) await chown(page, as.uid, as.gid)
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer.exe' }
  const child = spawn(openers[process.platform] ?? 'xdg-open', [page], { stdio: 'ignore', detached: true, ...as })
  child.on('error', () => undefined)
  child.unref()
}
