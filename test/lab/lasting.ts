// Connections of the lab's client that are to live through whatever is done to the directors: one that lasts, and such from ports that
// were used before.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Lab } from './lab.ts'
import { refusal } from './machine.ts'

/** What became of a connection: requests answered on it, the longest wait for an answer, and why it ended if it did. */
export type Lasted = { readonly answers: number; readonly longestMs: number; readonly ended?: string }

/** A script of this folder as a process on the lab's network. */
function started(lab: Lab, script: URL, args: readonly (string | number)[]) {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const [program, ...rest] = lab.inside([process.execPath, '--import', tsx, fileURLToPath(script), ...args.map(String)])
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Opens it; `stop` ends it and tells. nginx ends a connection after 1,000 requests, 50 s at the least. */
export function startLasting(lab: Lab, address: string, port = 80): { readonly stop: () => Promise<Lasted> } {
  const child = started(lab, new URL('lasting-process.ts', import.meta.url), [address, port])
  let said = ''
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', (part: Buffer) => (said += part.toString()))
  const closed = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve())
  })
  closed.catch(() => undefined)
  return {
    stop: async () => {
      child.stdin.end()
      await closed
      if (said.trim() === '') throw refusal('The lasting connection said nothing.')
      return JSON.parse(said) as Lasted
    },
  }
}

export interface Ports {
  /** A whole request from each port; true when all were answered. */
  readonly ask: () => Promise<boolean>
  /** A connection from each port with half a request on it. */
  readonly open: () => Promise<boolean>
  /** The other half of all requests, and what became of each within a while: the beginning of an answer, an error, or null. */
  readonly finish: () => Promise<readonly (string | null)[]>
  readonly stop: () => Promise<void>
}

/** A client that uses these ports, and uses them again. `waitMs`: how long `finish` waits. */
export function startPorts(lab: Lab, address: string, ports: readonly number[], waitMs: number): Ports {
  const child = started(lab, new URL('ports-process.ts', import.meta.url), [address, 80, waitMs, ...ports])
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const told = async <T>(word: string): Promise<T> => {
    child.stdin.write(`${word}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw refusal('The client that uses ports again has ended.')
    return JSON.parse(value) as T
  }
  return {
    ask: () => told('ask'),
    open: () => told('open'),
    finish: () => told('finish'),
    stop: async () => {
      child.stdin.end()
      await closed
    },
  }
}
