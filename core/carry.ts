/** What both hosts do with a request from their window besides carrying it: a bug in the core becomes a problem the screen can say. */
import { failed, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import type { Core, Log } from './ports.ts'

/** Asks the core; a throw (a bug) is logged with its stack and answered as `request-failed-inside`. */
export async function carry(core: Core, log: Log, name: string, args: unknown): Promise<Result<unknown>> {
  try {
    return await core.ask(name, args)
  } catch (error) {
    log('error', 'a request threw', { request: name, error: error instanceof Error ? (error.stack ?? '') : '' })
    const reason = error instanceof Error ? error.message : String(error)
    return failed(problem('request-failed-inside', { request: name, reason }))
  }
}
