/**
 * One POST of JSON to a webhook: over http or https with the certificate verified, straight to the host (no proxy, no redirection is
 * followed), within a time limit, with as much of the answer as a robot's verdict needs.
 */
import { request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Answer } from '../../../domain/notify-message.ts'

/** From the first packet to the end of the answer. */
const sendLimitMs = 15_000
/** More of an answer is not read. */
const answerMostBytes = 64 * 1024

export interface Posted extends Answer {
  /** When the host asked to be left alone, for how long. */
  readonly retryAfterMs?: number
}

export interface Post {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly lookup: LookupFunction
  /** What is trusted; undefined over http. */
  readonly trust: SecureContext | undefined
  readonly limitMs?: number
}

/** `Retry-After` in seconds; a date is not waited for. */
function retryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined
}

/** Sends it; throws with the reason when no whole answer came. The reason names the host at most, never the path. */
export function post({ url, body, headers, lookup, trust, limitMs = sendLimitMs }: Post): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const to = new URL(url)
    const secure = to.protocol === 'https:'
    const options: RequestOptions & { secureContext?: SecureContext } = {
      method: 'POST',
      // A connection of its own for every message, and none through what the environment says about proxies.
      agent: false,
      lookup,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': String(Buffer.byteLength(body)),
        'User-Agent': 'Shoal',
        Connection: 'close',
        ...headers,
      },
      ...(secure && trust ? { secureContext: trust } : {}),
    }
    const request = (secure ? tlsRequest : plainRequest)(to, options, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const end = (): void => {
        clearTimeout(timer)
        const wait = retryAfter(response.headers['retry-after'])
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          ...(wait === undefined ? {} : { retryAfterMs: wait }),
        })
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes <= answerMostBytes) return
        end()
        request.destroy()
      })
      response.on('end', end)
      response.on('error', fail)
      response.on('aborted', () => fail(new Error('The answer broke off.')))
    })
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    const timer = setTimeout(() => {
      fail(new Error(`No answer from ${to.hostname} within ${Math.round(limitMs / 1_000)} s.`))
      request.destroy()
    }, limitMs)
    request.on('error', fail)
    request.end(body)
  })
}
