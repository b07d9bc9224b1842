/**
 * HTTP and HTTPS: the status line, and the body where something is asked of it. Redirections are not followed: they are an answer of
 * this real server. Of a certificate it is said in time that it ends.
 */
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import { createSecureContext, TLSSocket, type ConnectionOptions, type SecureContext } from 'node:tls'
import type { Question } from '../../../domain/checks.ts'
import { statusText } from '../../../domain/checks.ts'
import { answerFor } from './answer.ts'
import { bounded, bytesOf, failure, maxAnswerBytes, passed, quote, sentenceOf, type Outcome } from './outcome.ts'
import type { Place } from './tcp.ts'

type Web = Extract<Question, { kind: 'http' | 'https' }>

const dayMs = 86_400_000
/** Where distributions keep the authorities they trust, as one file. */
const trustFiles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']
/** The trust files are read anew this often. */
const trustKeptMs = 3_600_000

const tlsFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has ended',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority this director does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an authority this director does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is signed by an authority this director does not trust',
}

function faultOf(error: Error & { code?: string }): string {
  const { code = '' } = error
  const tls = tlsFaults[code]
  if (tls !== undefined) return tls
  if (code.startsWith('HPE_')) return 'the answer is not HTTP'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate is for another name: ${error.message}`
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return `no TLS: ${error.message.split('\n')[0] ?? ''}`
  return sentenceOf(error)
}

let plainContext: SecureContext | undefined
let trust: { readonly context: SecureContext; readonly readMs: number } | undefined

/** The context of checks that do not ask who signed: made once, since making one is most of the work of a check. */
function unverified(): SecureContext {
  plainContext ??= createSecureContext()
  return plainContext
}

async function verifying(): Promise<SecureContext> {
  if (trust && performance.now() - trust.readMs < trustKeptMs) return trust.context
  for (const file of trustFiles) {
    const ca = await readFile(file, 'utf8').catch(() => undefined)
    if (ca === undefined) continue
    trust = { context: createSecureContext({ ca }), readMs: performance.now() }
    return trust.context
  }
  // Without such a file: the authorities the runtime brings along.
  trust = { context: createSecureContext(), readMs: performance.now() }
  return trust.context
}

/** The name of `check_host` without a port. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

function certificateWarning(socket: unknown, days: number): string | undefined {
  if (days === 0 || !(socket instanceof TLSSocket)) return undefined
  const { valid_to: text } = socket.getPeerCertificate()
  const endsMs = Date.parse(text)
  if (Number.isNaN(endsMs)) return undefined
  const leftDays = Math.floor((endsMs - Date.now()) / dayMs)
  if (leftDays >= days) return undefined
  const date = new Date(endsMs).toISOString().slice(0, 10)
  return endsMs < Date.now()
    ? `the certificate has ended on ${date}`
    : `the certificate ends on ${date}, in ${leftDays} days`
}

/** Looks at the body as it comes. */
function readBody(check: Web, response: IncomingMessage, good: Outcome, end: (outcome: Outcome) => void): void {
  const text = check.body === undefined ? undefined : bytesOf(check.body)
  const expression = check.bodyRegex === undefined ? undefined : answerFor({ expect: check.bodyRegex, regex: true })
  let body = ''
  let textFound = text === undefined
  let expressionFound = expression === undefined
  const missing = (): Outcome =>
    textFound
      ? failure(`the body ${quote(body)} does not match ${quote(check.bodyRegex ?? '')}`)
      : failure(`the body ${quote(body)} does not contain ${quote(check.body ?? '')}`)
  response.setEncoding('latin1')
  response.on('data', (piece: string) => {
    const from = Math.max(0, body.length - (text?.length ?? 0))
    body += piece.slice(0, maxAnswerBytes - body.length)
    if (text !== undefined && !textFound) textFound = body.includes(text, from)
    if (expression && !expressionFound) {
      const outcome = expression.feed(piece)
      if (outcome?.passed) expressionFound = true
      else if (outcome) return end(outcome)
    }
    if (textFound && expressionFound) end(good)
    else if (body.length >= maxAnswerBytes) end(missing())
  })
  response.on('end', () => end(textFound && expressionFound ? good : missing()))
}

/** Asks once. */
export async function web(place: Place, check: Web): Promise<Outcome> {
  const { address, port, timeoutMs } = place
  const from = performance.now()
  const isSecure = check.kind === 'https'
  const secureContext = isSecure ? (check.verify ? await verifying() : unverified()) : undefined
  const name = check.host === undefined ? undefined : nameOf(check.host)
  const usualPort = isSecure ? 443 : 80
  const bracketed = address.includes(':') ? `[${address}]` : address
  const options = {
    host: address,
    port,
    method: check.method,
    path: check.path,
    agent: false,
    setHost: false,
    // What an old server says in an unusual form is still an answer.
    insecureHTTPParser: true,
    headers: {
      Host: check.host ?? (port === usualPort ? bracketed : `${bracketed}:${port}`),
      'User-Agent': 'shoal-agent',
      Accept: '*/*',
      Connection: 'close',
    },
  } as const
  let hasAnswered = false
  return bounded(
    Math.max(1, timeoutMs - (performance.now() - from)),
    () => (hasAnswered ? `the body did not end within ${timeoutMs} ms` : `no answer within ${timeoutMs} ms`),
    (end) => {
      const answered = (response: IncomingMessage): void => {
        hasAnswered = true
        response.on('error', (error) => end(failure(faultOf(error))))
        const status = response.statusCode ?? 0
        if (!check.status.some(([first, last]) => status >= first && status <= last)) {
          end(
            failure(
              `status ${status} ${response.statusMessage ?? ''}`.trim() + `, ${statusText(check.status)} was expected`,
            ),
          )
          return
        }
        const warns = isSecure ? certificateWarning(response.socket, check.certDays) : undefined
        const good: Outcome = warns === undefined ? passed : { passed: true, warns }
        if (check.body === undefined && check.bodyRegex === undefined) end(good)
        else readBody(check, response, good, end)
      }
      const secure: RequestOptions & ConnectionOptions = {
        ...options,
        ...(secureContext ? { secureContext } : {}),
        rejectUnauthorized: check.kind === 'https' && check.verify,
        servername: name !== undefined && isIP(name) === 0 ? name : '',
      }
      const request: ClientRequest = isSecure ? httpsRequest(secure, answered) : httpRequest(options, answered)
      request.on('upgrade', (response, socket) => {
        answered(response)
        socket.destroy()
      })
      request.on('error', (error) => end(failure(faultOf(error))))
      request.on('close', () => end(failure('closed without an answer')))
      request.end()
      return () => {
        request.destroy()
      }
    },
  )
}
