// The Bridge to a core that runs on the lab's network (core-process.ts), as a window has it.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, Args, Bridge, EventName, Events, RequestName } from '../../domain/contract/app.ts'
import type { Result } from '../../domain/problem.ts'
import type { Lab } from './lab.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface CoreOnLab extends Bridge {
  /** Asks and throws the problems when there are any. */
  must<N extends RequestName>(name: N, args: Args<N>): Promise<Answer<N>>
  /** Resolves with the first event that satisfies. */
  when<N extends EventName>(name: N, is: (event: Events[N]) => boolean, limitMs: number): Promise<Events[N]>
  /** Closes the core in an orderly way, as closing the app does. */
  close(): Promise<void>
  /** Ends it without warning. */
  kill(): void
}

export function startCore(lab: Lab, dataDir: string, agentDir = `${root}out/agent`): CoreOnLab {
  const settings = JSON.stringify({ dataDir, home: dataDir, agentDir })
  const [command, ...args] = lab.inside([process.execPath, '--import', 'tsx', 'test/lab/core-process.ts', settings])
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map<number, (result: Result<unknown>) => void>()
  const listeners = new Map<string, Set<(event: never) => void>>()
  let nextId = 1
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      for (const answer of waiting.values()) answer({ ok: false, problems: [] })
      resolve()
    })
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { id?: number; result?: Result<unknown>; event?: string; value?: never }
    if (said.id !== undefined && said.result) {
      waiting.get(said.id)?.(said.result)
      waiting.delete(said.id)
    } else if (said.event !== undefined) {
      for (const heard of listeners.get(said.event) ?? []) heard(said.value as never)
    }
  })

  const bridge: CoreOnLab = {
    ask<N extends RequestName>(name: N, args: Args<N>) {
      const id = nextId++
      child.stdin.write(`${JSON.stringify({ id, name, args })}\n`)
      return new Promise<Result<Answer<N>>>((resolve) => {
        waiting.set(id, resolve as (result: Result<unknown>) => void)
      })
    },
    on(name, heard) {
      const of = listeners.get(name) ?? new Set()
      listeners.set(name, of)
      of.add(heard as (event: never) => void)
      return () => of.delete(heard as (event: never) => void)
    },
    async must(name, args) {
      const result = await bridge.ask(name, args)
      if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.problems)}`)
      return result.value
    },
    when(name, is, limitMs) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          off()
          reject(new Error(`${name} did not come within ${limitMs} ms`))
        }, limitMs)
        const off = bridge.on(name, (event) => {
          if (!is(event)) return
          clearTimeout(timer)
          off()
          resolve(event)
        })
      })
    },
    async close() {
      child.stdin.end()
      await ended
    },
    kill() {
      child.kill('SIGKILL')
    },
  }
  return bridge
}
