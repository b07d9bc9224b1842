/** The terminal and desktop around the browser host: a line typed without being shown, and a browser opened. */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
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

/**
 * Opens the address in the desktop's browser by way of a page only this user can read: a command line is visible to everybody on the
 * machine, and the address carries the sign-in token. Where there is no desktop nothing happens: the address is printed anyway.
 */
export async function openInBrowser(address: string, dataDir: string): Promise<void> {
  const page = path.join(dataDir, 'open.html')
  const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><a href="${address}">Shoal</a>\n`
  await writeFile(page, html, { mode: 0o600 })
  const [command, args] =
    process.platform === 'darwin'
      ? ['open', [page]]
      : process.platform === 'win32'
        ? ['explorer.exe', [page]]
        : ['xdg-open', [page]]
  const child = spawn(command as string, args as string[], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
