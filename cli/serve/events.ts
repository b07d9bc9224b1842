/**
 * The core's events as server-sent events (WHATWG HTML §9.2): every open window of every session hears every event. A reader that
 * does not keep up is let go; its browser comes back by itself and asks anew for what it shows.
 */
import type { ServerResponse } from 'node:http'
import type { Core } from '../../core/ports.ts'

/** A comment this often keeps proxies and the browser from taking silence for an end. */
const heartbeatMs = 15_000
/** What may wait for one slow reader: about ten runs with their plans. */
const waitingMostBytes = 8 * 1024 * 1024
/** Windows of one session; browsers open at most six connections to one address anyway. */
export const streamsMost = 12

export interface EventStreams {
  /** Turns the response into a stream; false (and nothing sent) when this session already has `streamsMost`. */
  add(session: string, response: ServerResponse): boolean
  /** Ends the streams of one session. */
  end(session: string): void
  close(): void
}

export function createEventStreams(core: Core): EventStreams {
  const open = new Map<ServerResponse, string>()

  function drop(response: ServerResponse): void {
    open.delete(response)
    response.destroy()
  }

  function send(text: string): void {
    for (const response of open.keys()) {
      if (response.writableLength > waitingMostBytes) drop(response)
      else response.write(text)
    }
  }

  const stop = core.on((name, event) => {
    if (open.size > 0) send(`event: ${name}\ndata: ${JSON.stringify(event)}\n\n`)
  })
  const heartbeat = setInterval(() => send(':\n\n'), heartbeatMs)

  return {
    add(session, response) {
      if ([...open.values()].filter((of) => of === session).length >= streamsMost) return false
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.write('retry: 1000\nevent: open\ndata: null\n\n')
      response.on('close', () => open.delete(response))
      open.set(response, session)
      return true
    },
    end(session) {
      for (const [response, of] of open) if (of === session) drop(response)
    },
    close() {
      stop()
      clearInterval(heartbeat)
      for (const response of open.keys()) {
        open.delete(response)
        response.end()
      }
    },
  }
}
