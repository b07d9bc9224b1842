/** The main process's end of the bridge: requests from our own page to the core, the core's events to every window. */
import { carry } from '../core/carry.ts'
import type { Audit } from '../core/audit.ts'
import type { Core, Log } from '../core/ports.ts'
import { failed, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { askChannel, eventChannel } from './channels.ts'
import { isOwnPage, isOwnSender } from './page.ts'
import type { Sender } from './page.ts'

/** The part of Electron's ipcMain that is used. */
export interface MainIpc {
  handle(channel: string, listener: (event: Sender, ...args: unknown[]) => unknown): void
  removeHandler(channel: string): void
}

/** The part of a window's webContents that is used. */
export interface Receiver {
  isDestroyed(): boolean
  getURL(): string
  send(channel: string, ...args: unknown[]): void
}

/**
 * Connects core and windows; returns the function that disconnects them. A message of any other page or frame is refused and logged,
 * and no event is sent to a window that does not show our page.
 */
export function connectWindows(parts: {
  readonly ipc: MainIpc
  readonly core: Core
  readonly receivers: () => readonly Receiver[]
  readonly home: string
  readonly log: Log
  readonly audit: Audit
}): () => void {
  const { ipc, core, receivers, home, log, audit } = parts
  ipc.handle(askChannel, async (sender, name, args): Promise<Result<unknown>> => {
    if (!isOwnSender(sender, home)) {
      log('warn', 'a request of another page was refused', { page: sender.senderFrame?.url ?? '(gone)' })
      return failed(problem('request-refused', { reason: 'it came from another page' }))
    }
    if (typeof name !== 'string')
      return failed(problem('request-malformed', { request: String(name), reason: 'its name is not text' }))
    return carry({ core, log, audit }, { via: 'window' }, name, args)
  })
  const stop = core.on((name, event) => {
    for (const receiver of receivers())
      if (!receiver.isDestroyed() && isOwnPage(receiver.getURL(), home)) receiver.send(eventChannel, name, event)
  })
  return () => {
    stop()
    ipc.removeHandler(askChannel)
  }
}
