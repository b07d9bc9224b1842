/**
 * Services that are greeted in their own language: mail (RFC 5321), directories (RFC 4511), Redis, MySQL and PostgreSQL. Each is asked
 * the least that only a working server answers, and told goodbye where the language has a word for it, so that its log stays quiet.
 */
import { hostname } from 'node:os'
import { failure, passed, quote, type Outcome } from './outcome.ts'
import { dialogue, type Place } from './tcp.ts'

/** The lines of a mail server's reply once its last one (`250 …` instead of `250-…`) is there. */
function reply(text: string): { readonly code: number; readonly line: string; readonly rest: string } | undefined {
  const match = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\n/.exec(text)
  if (!match) return undefined
  return { code: Number(match[1]), line: match[0].trim(), rest: text.slice(match[0].length) }
}

/** A mail server must greet with 220 and take EHLO (or HELO). */
export function smtp(place: Place, host: string | undefined): Promise<Outcome> {
  const name = host ?? (hostname() || 'localhost')
  let said: 'nothing' | 'EHLO' | 'HELO' = 'nothing'
  let replies = 0
  return dialogue(place, undefined, (all, say) => {
    let rest = all.toString('latin1')
    if (rest.length >= 3 && !/^\d{3}/.test(rest)) return failure(`answered ${quote(rest)}, no mail server`)
    for (let n = 0; ; n++) {
      const next = reply(rest)
      if (!next) return undefined
      rest = next.rest
      if (n < replies) continue
      replies++
      if (said === 'nothing') {
        if (next.code !== 220) return failure(`greeted with ${quote(next.line)}`)
        said = 'EHLO'
        say(Buffer.from(`EHLO ${name}\r\n`))
      } else if (next.code === 250) {
        say(Buffer.from('QUIT\r\n'))
        return passed
      } else if (said === 'EHLO' && next.code >= 500 && next.code !== 554) {
        said = 'HELO'
        say(Buffer.from(`HELO ${name}\r\n`))
      } else return failure(`answered ${quote(next.line)} to ${said}`)
    }
  })
}

/** PING; a server that wants a password first is there too, one that is still loading is not. */
export function redis(place: Place): Promise<Outcome> {
  return dialogue(place, Buffer.from('PING\r\n'), (all) => {
    const line = /^([^\r\n]*)\r?\n/.exec(all.toString('latin1'))?.[1]
    if (line === undefined) return undefined
    if (line === '+PONG' || /^-(NOAUTH|NOPERM|WRONGPASS)\b/.test(line)) return passed
    return failure(`answered ${quote(line)}`)
  })
}

/** An anonymous bind of LDAP version 3, and the farewell. */
const ldapBind = Buffer.from('300c020101600702010304008000', 'hex')
const ldapUnbind = Buffer.from('30050201024200', 'hex')
/** Results of a bind by which a working server refuses strangers. */
const ldapRefusals: ReadonlySet<number> = new Set([7, 8, 13, 48, 49, 50, 53])
const ldapResults: Readonly<Record<number, string>> = {
  1: 'operations error',
  2: 'protocol error',
  51: 'busy',
  52: 'unavailable',
  80: 'other',
}

/** One value of BER: its tag, and where its content begins and ends; undefined while it is not all there. */
function ber(
  bytes: Buffer,
  at: number,
): { readonly tag: number; readonly from: number; readonly to: number } | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const extra = first < 0x80 ? 0 : first & 0x7f
  if (extra > 4 || bytes.length < at + 2 + extra) return undefined
  const length = extra === 0 ? first & 0x7f : bytes.readUIntBE(at + 2, extra)
  const from = at + 2 + extra
  return bytes.length < from + length ? undefined : { tag, from, to: from + length }
}

/** A directory must answer an anonymous bind, be it with a refusal. */
export function ldap(place: Place): Promise<Outcome> {
  return dialogue(place, ldapBind, (all, say) => {
    if (all.length > 0 && all[0] !== 0x30) return failure(`answered ${quote(all.toString('latin1'))}, no directory`)
    const message = ber(all, 0)
    if (!message) return undefined
    const id = ber(all, message.from)
    const response = id && ber(all, id.to)
    const result = response && ber(all, response.from)
    if (!result || response.tag !== 0x61 || result.to === result.from)
      return failure('answered something else than a bind')
    const code = all.readUInt8(result.to - 1)
    if (code !== 0 && !ldapRefusals.has(code))
      return failure(`answered the bind with ${ldapResults[code] ?? `result ${code}`}`)
    say(ldapUnbind)
    return passed
  })
}

/** Too many connections, shutting down, per-user limits: the server is there and serves nobody. */
const mysqlUnwilling: ReadonlySet<number> = new Set([1040, 1053, 1203, 1226, 3168])
const mysqlPlugin = 'mysql_native_password'
/** Long password, protocol 4.1, secure connection, plugin authentication. */
const mysqlAbilities = 0x1 | 0x200 | 0x8000 | 0x8_0000

function mysqlPacket(sequence: number, body: Buffer): Buffer {
  const header = Buffer.alloc(4)
  header.writeUIntLE(body.length, 0, 3)
  header[3] = sequence
  return Buffer.concat([header, body])
}

function mysqlLogin(user: string): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(mysqlAbilities, 0)
  head.writeUInt32LE(0x100_0000, 4)
  head[8] = 33 // utf8
  return Buffer.concat([head, Buffer.from(`${user}\0\0${mysqlPlugin}\0`, 'latin1')])
}

function mysqlError(body: Buffer): Outcome {
  const code = body.readUInt16LE(1)
  const says = body.toString('latin1', body[3] === 0x23 ? 9 : 3)
  return mysqlUnwilling.has(code) ? failure(`refused with ${code}: ${quote(says)}`) : passed
}

/**
 * MySQL and MariaDB: the greeting, and a login without a password, which may be refused. Only to look at the greeting and go would
 * count as a broken connection there, and after a hundred of them the director's host is blocked.
 */
export function mysql(place: Place, user: string): Promise<Outcome> {
  let seen = 0
  return dialogue(place, undefined, (all, say) => {
    for (let at = 0, n = 0; at + 4 <= all.length; n++) {
      const length = all.readUIntLE(at, 3)
      const sequence = all.readUInt8(at + 3)
      const body = all.subarray(at + 4, at + 4 + length)
      if (n === 0 && length > 0x1_0000) return failure(`answered ${quote(all.toString('latin1'))}, no MySQL`)
      if (body.length < length) return undefined
      at += 4 + length
      if (n < seen) continue
      seen++
      const kind = body[0]
      if (kind === 0xff) return body.length < 3 ? failure('the answer is broken') : mysqlError(body)
      if (n === 0) {
        if (kind !== 10) return failure(`answered ${quote(all.toString('latin1'))}, no MySQL`)
        say(mysqlPacket(sequence + 1, mysqlLogin(user)))
      } else if (kind === 0xfe) {
        // Another way to say the password; there is none.
        say(mysqlPacket(sequence + 1, Buffer.alloc(0)))
      } else {
        say(mysqlPacket(0, Buffer.from([1]))) // quit
        return passed
      }
    }
    return undefined
  })
}

/** Starting up, shutting down, recovering, too many connections: the server is there and serves nobody. */
const postgresqlUnwilling: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300'])

/** PostgreSQL must ask for a password, let in, or refuse the user; a server that is starting or full says so and fails. */
export function postgresql(place: Place, user: string): Promise<Outcome> {
  const words = Buffer.from(`user\0${user}\0database\0${user}\0application_name\0shoal-agent\0\0`, 'latin1')
  const start = Buffer.alloc(8)
  start.writeInt32BE(8 + words.length, 0)
  start.writeInt32BE(196_608, 4) // protocol 3.0
  return dialogue(place, Buffer.concat([start, words]), (all, say) => {
    if (all.length < 5) return undefined
    const kind = String.fromCharCode(all.readUInt8(0))
    const length = all.readInt32BE(1)
    if (kind === 'R' || kind === 'v') {
      if (all.length < 9) return undefined
      // Whoever was let in says goodbye; a goodbye instead of a password would be an error in the log, to go without a word is none.
      if (kind === 'R' && all.readInt32BE(5) === 0) say(Buffer.from([0x58, 0, 0, 0, 4]))
      return passed
    }
    if (kind !== 'E' || length < 4 || length > 0x1_0000)
      return failure(`answered ${quote(all.toString('latin1'))}, no PostgreSQL`)
    if (all.length < 1 + length) return undefined
    const fields = all.toString('latin1', 5, 1 + length).split('\0')
    const field = (letter: string): string => fields.find((one) => one.startsWith(letter))?.slice(1) ?? ''
    const code = field('C')
    return postgresqlUnwilling.has(code) ? failure(`refused with ${code}: ${quote(field('M'))}`) : passed
  })
}
