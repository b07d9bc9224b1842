/**
 * One mail to one server by SMTP (RFC 5321): EHLO, STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314), AUTH PLAIN or LOGIN
 * (RFC 4954) over TLS only, MAIL, RCPT, DATA. Certificates are verified. Answers are bounded, and nothing that came before TLS counts
 * after it. A server that offers no STARTTLS where it is asked for gets neither the login nor the mail.
 */
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { MailChannel } from '../../../domain/notify.ts'
import { hostWord, stuffed } from './mail.ts'

/** The whole conversation. */
const mailLimitMs = 30_000
/** An answer of a server, all its lines together. */
const replyMostBytes = 16 * 1024
/** The goodbye is not waited for longer. */
const quitMs = 1_000

export interface Mailing {
  readonly channel: MailChannel
  /** The mail with its header (mail.ts). */
  readonly mail: string
  readonly director: string
  readonly lookup: LookupFunction
  readonly trust: SecureContext
  readonly limitMs?: number
}

/** The server's no. `final`: to what this mail says, not to the login, the addresses or the moment. */
export class MailRefused extends Error {
  readonly final: boolean
  constructor(says: string, final: boolean) {
    super(says)
    this.final = final
  }
}

interface Reply {
  readonly code: number
  readonly lines: readonly string[]
}

const told = ({ code, lines }: Reply): string => `${code} ${lines.join(' ')}`

/** The replies of a server on one socket, one after the other. */
function listenTo(socket: Socket): { next: () => Promise<Reply>; empty: () => boolean; stop: () => void } {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let bytes = 0
  let lines: string[] = []
  const ready: Reply[] = []
  let over: Error | null = null
  let waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | null = null

  const fail = (error: Error): void => {
    over ??= error
    waiting?.reject(error)
    waiting = null
  }
  const take = (chunk: Buffer): void => {
    rest += decoder.write(chunk)
    bytes += chunk.length
    if (bytes > replyMostBytes) {
      fail(new Error('The mail server says more than SMTP has.'))
      socket.destroy()
      return
    }
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      const line = rest.slice(0, at).replace(/\r$/, '')
      rest = rest.slice(at + 1)
      const parts = /^(\d{3})(?:([ -])(.*))?$/.exec(line)
      if (!parts) {
        fail(new Error('The mail server does not speak SMTP.'))
        socket.destroy()
        return
      }
      lines.push(parts[3] ?? '')
      if (parts[2] === '-') continue
      const reply = { code: Number(parts[1]), lines }
      lines = []
      bytes = rest.length
      if (waiting) {
        waiting.resolve(reply)
        waiting = null
      } else ready.push(reply)
    }
  }
  const ended = (): void => fail(new Error('The mail server ended the conversation.'))
  socket.on('data', take)
  socket.on('error', fail)
  socket.on('close', ended)
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const reply = ready.shift()
        if (reply) resolve(reply)
        else if (over) reject(over)
        else waiting = { resolve, reject }
      }),
    empty: () => rest === '' && lines.length === 0 && ready.length === 0,
    stop() {
      socket.off('data', take)
      socket.off('error', fail)
      socket.off('close', ended)
    },
  }
}

/** Says which recipients were not taken, when some were; throws when the mail was not taken. */
export async function sendMail(mailing: Mailing): Promise<{ readonly refused: readonly string[] }> {
  const { channel, mail, director, lookup, trust, limitMs = mailLimitMs } = mailing
  const { host, port, security } = channel
  const tls = { secureContext: trust, ...(isIP(host) === 0 ? { servername: host } : {}) }
  // The certificate is held against the name that was asked for; without a name, against the address.
  let socket: Socket =
    security === 'tls' ? connectTls({ host, port, lookup, ...tls }) : connectPlain({ host, port, lookup })
  let heard = listenTo(socket)
  let late = false
  const timer = setTimeout(() => {
    late = true
    socket.destroy()
  }, limitMs)

  async function expect(what: string, codes: readonly number[], final = false): Promise<Reply> {
    const reply = await heard.next()
    if (codes.includes(reply.code)) return reply
    throw new MailRefused(`${what}: ${told(reply)}`, final && reply.code >= 500)
  }
  const say = (line: string): void => void socket.write(`${line}\r\n`)
  async function ask(what: string, line: string, codes: readonly number[]): Promise<Reply> {
    say(line)
    return expect(what, codes)
  }
  async function hello(): Promise<readonly string[]> {
    const { lines } = await ask('EHLO', `EHLO ${hostWord(director)}`, [250])
    return lines.slice(1).map((line) => line.toUpperCase())
  }

  async function secure(): Promise<void> {
    await ask('STARTTLS', 'STARTTLS', [220])
    // Words that came with the 220 were not said under TLS (CVE-2011-0411): nobody may slip them in.
    if (!heard.empty()) throw new Error('The mail server said something before TLS that belongs after it.')
    heard.stop()
    const bare = socket
    bare.on('error', () => undefined)
    socket = connectTls({ socket: bare, host, ...tls })
    heard = listenTo(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('The mail server ended the conversation.')))
    })
  }

  async function logIn(offers: readonly string[]): Promise<void> {
    const { user, password } = channel
    if (user === '') return
    if (security === 'none') throw new Error('A login is sent over TLS only.')
    const methods = offers.find((line) => line.startsWith('AUTH'))?.split(/[ =]/) ?? []
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    if (methods.includes('PLAIN')) await ask('login', `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`, [235])
    else if (methods.includes('LOGIN')) {
      await ask('login', 'AUTH LOGIN', [334])
      await ask('login', base64(user), [334])
      await ask('login', base64(password), [235])
    } else throw new Error('The mail server offers neither AUTH PLAIN nor AUTH LOGIN.')
  }

  try {
    await expect('greeting', [220])
    let offers = await hello()
    if (security === 'starttls') {
      if (!offers.includes('STARTTLS')) throw new Error('The mail server does not offer STARTTLS.')
      await secure()
      offers = await hello()
    }
    await logIn(offers)
    await ask('MAIL FROM', `MAIL FROM:<${channel.from}>`, [250])
    const refused: string[] = []
    for (const to of channel.to) {
      say(`RCPT TO:<${to}>`)
      const reply = await heard.next()
      if (reply.code === 250 || reply.code === 251) continue
      // A no for now keeps the mail for all; a no for good is said, and the others get theirs.
      if (reply.code < 500) throw new MailRefused(`RCPT TO ${to}: ${told(reply)}`, false)
      refused.push(`${to}: ${told(reply)}`)
    }
    if (refused.length === channel.to.length) throw new MailRefused(refused.join('; '), false)
    await ask('DATA', 'DATA', [354])
    socket.write(stuffed(mail))
    await expect('mail', [250], true)
    say('QUIT')
    const goodbye = setTimeout(() => socket.destroy(), quitMs)
    goodbye.unref()
    void heard.next().then(
      () => socket.end(),
      () => undefined,
    )
    socket.once('close', () => clearTimeout(goodbye))
    return { refused }
  } catch (error) {
    socket.destroy()
    if (late) throw new Error(`The mail server ${host} did not take the mail within ${Math.round(limitMs / 1_000)} s.`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
