/**
 * Metrics and health over HTTP: on the unix socket always (`curl --unix-socket /run/shoal/agent.sock http://localhost/metrics`), on TCP
 * only where lvs.cf names an address (`# shoal: metrics_listen = 10.0.0.1:9539`). Read-only: there is nothing to post.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Page {
  readonly status: number
  readonly type: string
  /** In pieces; the loop goes on between them. */
  readonly body: Iterable<string>
}

interface Pages {
  /** A page by its path; undefined = there is none. */
  readonly page: (path: string) => Page | undefined
  readonly trouble: (says: string) => void
}

export interface HttpDoor {
  /** Serves a connection that was accepted elsewhere. */
  readonly serve: (socket: Socket) => void
  /** Listens on TCP, on another address, or no more (undefined). */
  readonly listen: (at: { readonly address: string; readonly port: number } | undefined) => void
  readonly close: () => void
}

/** A request that has not come whole after this is ended. */
const requestLimitMs = 5_000
const maxConnections = 64

async function* unhurried(pieces: Iterable<string>): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece
    await nextTurn()
  }
}

export function openPages(pages: Pages): HttpDoor {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const send = ({ status, type, body }: Page): void => {
      response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' })
      if (request.method === 'HEAD') response.end()
      else void pipeline(unhurried(body), response).catch(() => undefined)
    }
    const plain = 'text/plain; charset=utf-8'
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      send({ status: 405, type: plain, body: ['Only GET and HEAD are answered here.\n'] })
      return
    }
    const page = pages.page((request.url ?? '/').split('?')[0] ?? '/')
    send(page ?? { status: 404, type: plain, body: ['There are /metrics and /health.\n'] })
  }
  const options = { requestTimeout: requestLimitMs, headersTimeout: requestLimitMs, keepAliveTimeout: requestLimitMs }
  const within = createServer(options, answer)
  let outer: ReturnType<typeof createServer> | null = null
  let where = ''
  return {
    serve: (socket) => void within.emit('connection', socket),
    listen(at) {
      const wanted = at ? `${at.address} ${at.port}` : ''
      if (wanted === where) return
      where = wanted
      outer?.close()
      outer?.closeAllConnections()
      outer = null
      if (!at) return
      const server = createServer(options, answer)
      server.maxConnections = maxConnections
      server.on('error', (error) => {
        pages.trouble(`Metrics cannot be offered on ${at.address} port ${at.port}: ${error.message}`)
        // The next reading of lvs.cf tries again.
        if (outer === server) where = ''
      })
      server.listen(at.port, at.address)
      server.unref()
      outer = server
    },
    close() {
      within.close()
      within.closeAllConnections()
      outer?.close()
      outer?.closeAllConnections()
    },
  }
}
