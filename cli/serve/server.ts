/**
 * The browser host's HTTP: the built screen, `POST /ask/<name>`, `GET /events`, the sign-in page, and nothing else. Every request
 * passes guards.ts first and, but for the sign-in page, needs a session of door.ts. It knows no request by name: the core does.
 *
 *   request → guards (403) → sign-in files │ POST /sign-in → session? (401) → /ask · /events · /sign-out · the screen
 */
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { carry } from '../../core/carry.ts'
import { guardHeaders, pageAt } from '../../core/pages.ts'
import type { Audit, Who } from '../../core/audit.ts'
import type { Core, Log } from '../../core/ports.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Door } from './door.ts'
import { createEventStreams } from './events.ts'
import { refusal } from './guards.ts'
import { languageOf, signInHtml, signInScript, signInStyle } from './sign-in.ts'

/** The largest body of a request: a document of 16 million characters, each at most 4 bytes, with room for JSON's escapes. */
export const bodyMostMb = 80
/** The largest body before anybody is signed in. */
const signInBodyMostBytes = 8 * 1024
/** A request that takes longer than this to arrive is given up; answers may take as long as they take. */
const arriveMostMs = 60_000
const headersMostMs = 10_000

export interface BrowserHost {
  readonly core: Core
  readonly door: Door
  /** Folder of the built screen. */
  readonly screenDir: string
  /** The authorities the page may be opened by; asked anew for each request, as the port is known only once it listens. */
  allowed(): ReadonlySet<string>
  readonly log: Log
  readonly audit: Audit
  /** Certificate and key; absent = plain HTTP, for loopback only. */
  readonly tls?: SecureContextOptions
}

/** Older ones are not safe any more (RFC 8996). */
const leastTls = 'TLSv1.2'

export interface BrowserServer {
  readonly http: Server
  /** Ends the event streams and waits for requests under way. */
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

export function createBrowserServer(host: BrowserHost): BrowserServer {
  const streams = createEventStreams(host.core)
  // Browsers keep cookies per name and host but not per port: the name tells two instances on one machine apart.
  const scheme = host.tls ? 'https' : 'http'
  const cookieTraits = `Path=/; HttpOnly; SameSite=Strict${host.tls ? '; Secure' : ''}`
  const cookieName = () => `shoal_${[...host.allowed()][0]?.split(':').at(-1) ?? ''}`

  function sessionOf(request: IncomingMessage): string | undefined {
    const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
    return pairs.find(([name]) => name === cookieName())?.[1]
  }

  const ask: Handler = async (request, response) => {
    const name = pathOf(request).slice('/ask/'.length)
    const body = await readJson(request, bodyMostMb * 1024 * 1024)
    if (!body.ok) return sendResult(response, body)
    sendResult(response, await carry(host, whoOf(request, sessionOf(request)), name, body.value))
  }

  const signIn: Handler = async (request, response) => {
    const language = languageOf(request.headers['accept-language'])
    const refuse = (result: Result<never>) => {
      if (!result.ok && result.problems[0]) {
        const { says, remedy } = speak(result.problems[0], language)
        send(response, statusOf(result), { ...result, says: `${says} ${remedy}` })
      }
    }
    const body = await readJson(request, signInBodyMostBytes)
    if (!body.ok) return refuse(body)
    const given = typeof body.value === 'object' && body.value !== null ? body.value : {}
    const token = 'token' in given && typeof given.token === 'string' ? given.token : undefined
    const password = 'password' in given && typeof given.password === 'string' ? given.password : undefined
    if (token === undefined && password === undefined) {
      // The page asks first whether it is signed in already: a link from elsewhere arrives without its SameSite cookie.
      return send(response, 200, { ok: host.door.knows(sessionOf(request)) })
    }
    const opened = await host.door.signIn(
      token !== undefined ? { token } : { password: password ?? '' },
      request.socket.remoteAddress,
    )
    const refusedBy = opened.ok ? undefined : opened.problems[0]?.code
    // A try that had to wait was not judged; written down, thousands of them would push out what operators did.
    if (refusedBy !== 'sign-in-too-often')
      host.audit.event(
        whoOf(request, opened.ok ? opened.value : undefined),
        refusedBy === undefined ? 'signed in' : `sign-in refused: ${refusedBy}`,
      )
    if (!opened.ok) return refuse(opened)
    response.setHeader('set-cookie', `${cookieName()}=${opened.value}; ${cookieTraits}`)
    send(response, 200, { ok: true })
  }

  const signOut: Handler = (request, response) => {
    const session = sessionOf(request)
    if (session !== undefined) {
      host.audit.event(whoOf(request, session), 'signed out')
      host.door.signOut(session)
      streams.end(session)
    }
    response.setHeader('set-cookie', `${cookieName()}=; ${cookieTraits}; Max-Age=0`)
    sendResult(response, ok(null))
  }

  const events: Handler = (request, response) => {
    const added = streams.add(sessionOf(request) ?? '', response)
    if (!added) sendText(response, 429, 'Too many windows of this session are open.')
  }

  const signInPage: Handler = (request, response) => {
    const html = signInHtml(languageOf(request.headers['accept-language']), host.door.byPassword)
    response.setHeader('vary', 'accept-language')
    sendText(response, 200, html, 'text/html; charset=utf-8')
  }

  const screen: Handler = async (request, response) => {
    const page = await pageAt(host.screenDir, pathOf(request))
    if (!page) return sendText(response, 404, 'There is no such page.')
    response.writeHead(200, {
      'content-type': page.type,
      'content-length': page.bytes,
      'cache-control': page.immutable ? 'private, max-age=31536000, immutable' : 'no-cache',
    })
    if (request.method === 'HEAD') response.end()
    else await pipeline(createReadStream(page.file), response)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(guardHeaders)) response.setHeader(name, value)
    const reason = refusal({ method: request.method ?? '', headers: request.headers }, host.allowed(), scheme)
    if (reason !== undefined) {
      host.log('warn', 'a request was refused', { reason })
      request.resume()
      const refused = problem('request-refused', { reason })
      if (request.method === 'POST') return send(response, 403, failed(refused))
      const { says, remedy } = speak(refused, languageOf(request.headers['accept-language']))
      return sendText(response, 403, `${says} ${remedy}\n`)
    }
    const path = pathOf(request)
    if (request.method === 'POST' && path === '/sign-in') return signIn(request, response)
    if (path === '/sign-in') return signInPage(request, response)
    if (path === '/sign-in.js') return sendText(response, 200, signInScript, 'text/javascript; charset=utf-8')
    if (path === '/sign-in.css') return sendText(response, 200, signInStyle, 'text/css; charset=utf-8')
    if (!host.door.knows(sessionOf(request))) {
      request.resume()
      const page = request.method === 'GET' && request.headers['sec-fetch-dest'] !== 'empty' && !/\.\w+$/.test(path)
      if (page && path !== '/events') return signInPage(request, response)
      return sendResult(response, failed(problem('session-ended')))
    }
    if (request.method === 'POST') {
      if (path.startsWith('/ask/')) return ask(request, response)
      if (path === '/sign-out') return signOut(request, response)
      request.resume()
      return sendText(response, 404, 'There is no such request.')
    }
    if (path === '/events') return events(request, response)
    return screen(request, response)
  }

  const limits = { requestTimeout: arriveMostMs, headersTimeout: headersMostMs }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      // The reader went away in the middle: nobody is left to tell.
      if (response.destroyed) return
      host.log('error', 'an answer failed', { error: error instanceof Error ? (error.stack ?? '') : String(error) })
      if (response.headersSent) response.destroy()
      else sendText(response, 500, 'Shoal could not answer; its log says why.')
    })
  }
  const http = host.tls
    ? createHttpsServer({ ...limits, ...host.tls, minVersion: leastTls }, onRequest)
    : createHttpServer(limits, onRequest)

  return {
    http,
    close() {
      streams.close()
      return new Promise((resolve) => {
        http.close(() => resolve())
        http.closeIdleConnections()
      })
    },
  }
}

/** For the audit: the digest's beginning tells one sign-in from another and opens nothing. */
function whoOf(request: IncomingMessage, session: string | undefined): Who {
  const from = request.socket.remoteAddress
  return {
    via: 'browser',
    ...(session === undefined ? {} : { session: createHash('sha256').update(session).digest('hex').slice(0, 8) }),
    ...(from === undefined ? {} : { from }),
  }
}

/** The path as it was asked, still encoded, without the query. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split(/[?#]/, 1)[0] ?? '/'
}

function statusOf(result: Result<unknown>): number {
  if (result.ok) return 200
  switch (result.problems[0]?.code) {
    case 'session-ended':
    case 'sign-in-wrong-password':
    case 'sign-in-wrong-token':
      return 401
    case 'sign-in-too-often':
      return 429
    case 'request-too-large':
      return 413
    case 'request-failed-inside':
      return 500
    default:
      return 200
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, JSON.stringify(value), 'application/json; charset=utf-8')
}

function sendResult(response: ServerResponse, result: Result<unknown>): void {
  send(response, statusOf(result), result)
}

function sendText(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  const body = Buffer.from(text)
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
    // What was not read of a refused body must not be taken for the next request.
    ...(status === 413 ? { connection: 'close' } : {}),
  })
  response.end(body)
}

/** Reads a JSON body of at most `mostBytes`; a longer one is not kept in memory. */
async function readJson(request: IncomingMessage, mostBytes: number): Promise<Result<unknown>> {
  const tooLarge = () =>
    failed(problem('request-too-large', { limitMb: Math.max(1, Math.round(mostBytes / 1024 ** 2)) }))
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // The stream is kept when the loop is left early: destroying it would cut the connection before the answer is out.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return tooLarge()
    chunks.push(chunk)
  }
  try {
    return ok(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  } catch {
    return failed(problem('request-malformed', { request: pathOf(request), reason: 'its body is not JSON' }))
  }
}
