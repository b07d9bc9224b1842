// A connection of the lab's client that is to last through whatever is done to the directors.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Lab } from './lab.ts'
import { refusal } from './machine.ts'

/** What became of a connection: requests answered on it, the longest wait for an answer, and why it ended if it did. */
export type Lasted = { readonly answers: number; readonly longestMs: number; readonly ended?: string }

/** Opens it; `stop` ends it and tells. nginx ends a connection after 1,000 requests, 50 s at the least. */
export function startLasting(lab: Lab, address: string, port = 80): { readonly stop: () => Promise<Lasted> } {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const script = fileURLToPath(new URL('lasting-process.ts', import.meta.url))
  const [program, ...args] = lab.inside([process.execPath, '--import', tsx, script, address, String(port)])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
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
