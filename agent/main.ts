/** The agent's program: `run` is the daemon, every other word is for an administrator at a director's console and for provisioning. */
import path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { agentSocketPath } from '../domain/contract/agent.ts'
import { runConsole } from './console.ts'
import { pageOf } from './console-help.ts'
import { run } from './daemon.ts'
import { answerNotify } from './effects/notify/sender.ts'
import { places } from './effects/remembered.ts'
import { answerCheck } from './effects/whole-check.ts'

declare const __SHOAL_AGENT_VERSION__: string | undefined
const version = typeof __SHOAL_AGENT_VERSION__ === 'string' ? __SHOAL_AGENT_VERSION__ : 'development'

/** The bundle is CommonJS and knows its file; in development it is a module of many files. */
const bundle = typeof __SHOAL_AGENT_VERSION__ === 'string' && typeof __filename === 'string' ? __filename : null
const folder = bundle === null ? path.dirname(process.argv[1] ?? '.') : path.dirname(bundle)
const socketPath = process.env.SHOAL_RUN ? path.join(places.runDir, 'agent.sock') : agentSocketPath

async function main(): Promise<number> {
  const args = process.argv.slice(2)
  if (args[0] === 'run' && args.length === 1) {
    await run({ version, folder, bundle, socketPath })
    return -1
  }
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const complain = (text: string): void => void process.stderr.write(`${text}\n`)
  if (args[0] === 'run') {
    const isAsked = args[1] === '--help'
    ;(isAsked ? say : complain)(pageOf('run'))
    return isAsked ? 0 : 2
  }
  return runConsole(args, { version, folder, socketPath, say, complain })
}

if (isMainThread || !(answerCheck() || answerNotify()))
  main().then(
    (code) => {
      if (code >= 0) process.exitCode = code
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 2
    },
  )
