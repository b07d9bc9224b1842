/**
 * What both hosts do with a request from their window besides carrying it: a bug in the core becomes a problem the screen can say, and
 * what was done is written down.
 */
import { failed, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import type { Audit, Who } from './audit.ts'
import type { Core, Log } from './ports.ts'

export interface Carrier {
  readonly core: Core
  readonly log: Log
  readonly audit: Audit
}

/** Asks the core; a throw (a bug) is logged with its stack and answered as `request-failed-inside`. */
export async function carry(
  { core, log, audit }: Carrier,
  who: Who,
  name: string,
  args: unknown,
): Promise<Result<unknown>> {
  const result = await core.ask(name, args).catch((error: unknown) => {
    log('error', 'a request threw', { request: name, error: error instanceof Error ? (error.stack ?? '') : '' })
    const reason = error instanceof Error ? error.message : String(error)
    return failed(problem('request-failed-inside', { request: name, reason }))
  })
  audit.note(who, name, args, result)
  return result
}
