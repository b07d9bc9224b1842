/** Receivers for the tests: a web server and a mail server on loopback that keep what they got and answer as they are told. */
import { createServer as createWeb, type IncomingHttpHeaders } from 'node:http'
import { createServer as createTlsWeb } from 'node:https'
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTls, TLSSocket } from 'node:tls'
import { selfSigned } from '../hosts/certificate.ts'

export const certificate = selfSigned()

export interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WebReceiver {
  readonly url: string
  readonly got: Got[]
  /** What the next requests are answered; 200 and `ok` when there is nothing left. `hang`: not at all. */
  readonly answers: (
    | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
    | 'hang'
    | 'reset'
  )[]
  readonly port: number
  close(): Promise<void>
}

const ended = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** A web server that takes POSTs. */
export async function webReceiver({ tls = false, port = 0 } = {}): Promise<WebReceiver> {
  const got: Got[] = []
  const answers: WebReceiver['answers'] = []
  const sockets = new Set<Socket>()
  const server = (tls ? createTlsWeb({ cert: certificate.cert, key: certificate.key }) : createWeb()).on(
    'request',
    (request, response) => {
      let body = ''
      request.setEncoding('utf8')
      request.on('data', (chunk: string) => (body += chunk))
      request.on('end', () => {
        got.push({ path: request.url ?? '', headers: request.headers, body })
        const answer = answers.shift() ?? { status: 200, body: 'ok' }
        if (answer === 'hang') return
        if (answer === 'reset') {
          request.socket.resetAndDestroy()
          return
        }
        response.writeHead(answer.status, answer.headers)
        response.end(answer.body ?? '')
      })
    },
  )
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const at = (server.address() as AddressInfo).port
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${at}`,
    got,
    answers,
    port: at,
    close() {
      for (const socket of sockets) socket.destroy()
      return ended(server)
    },
  }
}

export interface Mail {
  readonly from: string
  readonly to: string[]
  readonly data: string
  readonly overTls: boolean
  readonly login: string | null
}

export interface MailReceiver {
  readonly port: number
  readonly mails: Mail[]
  /** Every line that clients said, `[tls]` in front where it was under TLS. */
  readonly lines: string[]
  /** What is answered instead, once each, to the first line that begins so. */
  readonly instead: Map<string, string>
  /** What EHLO offers. */
  offers: readonly string[]
  /** Said together with the 220 of STARTTLS, in plain text. */
  slipped: string
  close(): Promise<void>
}

/** A mail server: `implicit` speaks TLS from the first byte, else it offers STARTTLS. */
export async function mailReceiver({ implicit = false } = {}): Promise<MailReceiver> {
  const mails: Mail[] = []
  const lines: string[] = []
  const instead = new Map<string, string>()
  const sockets = new Set<Socket>()
  const keys = { cert: certificate.cert, key: certificate.key }

  function serve(bare: Socket): void {
    let socket = bare
    let secure = implicit
    let rest = ''
    let mail: { from: string; to: string[] } | null = null
    let data: string[] | null = null
    let login: string | null = null
    let asked: 'user' | 'password' | null = null
    const say = (...texts: string[]): void => void socket.write(texts.map((text) => `${text}\r\n`).join(''))

    function line(text: string): void {
      if (data) {
        if (text !== '.') {
          data.push(text)
          return
        }
        const refusal = instead.get('.')
        instead.delete('.')
        if (refusal === undefined) {
          mails.push({ from: mail?.from ?? '', to: mail?.to ?? [], data: data.join('\r\n'), overTls: secure, login })
          say('250 2.0.0 Ok: queued')
        } else say(refusal)
        data = null
        return
      }
      lines.push(`${secure ? '[tls] ' : ''}${text}`)
      for (const [start, answer] of instead)
        if (start !== '.' && text.startsWith(start)) {
          instead.delete(start)
          say(answer)
          return
        }
      if (asked !== null) {
        login = `${login ?? ''}${asked}=${Buffer.from(text, 'base64').toString()} `
        asked = asked === 'user' ? 'password' : null
        say(asked === null ? '235 2.7.0 Ok' : '334 UGFzc3dvcmQ6')
      } else if (text.startsWith('EHLO ')) say(...['250-test', ...receiver.offers.map((o) => `250-${o}`), '250 HELP'])
      else if (text === 'STARTTLS') {
        socket.write(`220 2.0.0 Ready\r\n${receiver.slipped}`)
        bare.removeListener('data', onData)
        socket = new TLSSocket(bare, { isServer: true, ...keys })
        secure = true
        rest = ''
        socket.on('data', onData)
        socket.on('error', () => undefined)
      } else if (text.startsWith('AUTH PLAIN ')) {
        login = Buffer.from(text.slice(11), 'base64').toString().replaceAll('\0', '|')
        say('235 2.7.0 Ok')
      } else if (text === 'AUTH LOGIN') {
        asked = 'user'
        login = ''
        say('334 VXNlcm5hbWU6')
      } else if (text.startsWith('MAIL FROM:')) {
        mail = { from: text.slice(10), to: [] }
        say('250 Ok')
      } else if (text.startsWith('RCPT TO:')) {
        mail?.to.push(text.slice(8))
        say('250 Ok')
      } else if (text === 'DATA') {
        data = []
        say('354 Go on')
      } else if (text === 'QUIT') {
        say('221 Bye')
        socket.end()
      } else say('500 What?')
    }
    function onData(chunk: Buffer): void {
      rest += chunk.toString('latin1')
      for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
        const text = rest.slice(0, at)
        rest = rest.slice(at + 2)
        line(text)
      }
    }
    sockets.add(bare)
    bare.on('close', () => sockets.delete(bare))
    bare.on('error', () => undefined)
    socket.on('data', onData)
    say('220-test ESMTP', '220 ready')
  }

  const server = implicit ? createTls(keys, serve) : createPlain(serve)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: MailReceiver = {
    port: (server.address() as AddressInfo).port,
    mails,
    lines,
    instead,
    offers: implicit ? ['AUTH PLAIN LOGIN'] : ['STARTTLS', 'AUTH PLAIN LOGIN'],
    slipped: '',
    close() {
      for (const socket of sockets) socket.destroy()
      return ended(server)
    },
  }
  return receiver
}

/** Waits until something is so; the test's own limit ends it. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, 5))
}
