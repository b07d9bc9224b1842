/** A DNS question (RFC 1035) and what its answer holds: over UDP, or over TCP where the virtual server is TCP. */
import { randomInt } from 'node:crypto'
import type { DnsRecord, Question } from '../../../domain/checks.ts'
import { parseAddress } from '../packets.ts'
import { failure, passed, quote, sentenceOf, type Outcome } from './outcome.ts'
import { converse, type Place } from './tcp.ts'
import { exchange } from './udp.ts'

type Dns = Extract<Question, { kind: 'dns' }>

const types: Readonly<Record<DnsRecord, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
}
const codes: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  9: 'NOTAUTH',
}
const headerBytes = 12
/** A question over UDP is asked again after this: one lost datagram is no failure. */
const againMs = 1_000
/** A name has at most 127 labels; pointers that go round and round end here. */
const labelsMax = 128
const recordsMax = 200

/** The question as a message. */
export function dnsQuestion(id: number, { name, record }: Pick<Dns, 'name' | 'record'>): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  const asked = Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.alloc(5),
  ])
  asked.writeUInt16BE(types[record], asked.length - 4)
  asked.writeUInt16BE(1, asked.length - 2)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2) // recursion desired
  header.writeUInt16BE(1, 4)
  return Buffer.concat([header, asked])
}

/** A name at a place of a message and where it ends. Throws RangeError when the message is broken. */
function nameAt(message: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = start
  let end = -1
  for (let n = 0; n < labelsMax; n++) {
    const length = message.readUInt8(at)
    if (length === 0) return { name: labels.join('.') || '.', end: end < 0 ? at + 1 : end }
    if (length >= 0xc0) {
      if (end < 0) end = at + 2
      at = message.readUInt16BE(at) & 0x3fff
      continue
    }
    if (at + 1 + length > message.length) throw new RangeError('name')
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  throw new RangeError('name')
}

function dataText(message: Buffer, type: number, at: number, length: number): string {
  const name = (offset: number): string => nameAt(message, at + offset).name
  switch (type) {
    case types.A:
    case types.AAAA:
      return parseAddress(message.subarray(at, at + length))
    case types.NS:
    case types.CNAME:
    case types.PTR:
      return name(0)
    case types.MX:
      return `${message.readUInt16BE(at)} ${name(2)}`
    case types.SRV:
      return `${message.readUInt16BE(at)} ${message.readUInt16BE(at + 2)} ${message.readUInt16BE(at + 4)} ${name(6)}`
    case types.SOA: {
      const first = nameAt(message, at)
      const second = nameAt(message, first.end)
      return `${first.name} ${second.name} ${message.readUInt32BE(second.end)}`
    }
    default: {
      let text = ''
      for (let from = at; from < at + length;) {
        const size = message.readUInt8(from)
        text += message.toString('latin1', from + 1, from + 1 + size)
        from += 1 + size
      }
      return text
    }
  }
}

const plain = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/\.(?=$| )/g, '')

/** What an answer says to a question; undefined when it belongs to another one. */
export function judgeDns(message: Buffer, id: number, check: Omit<Dns, 'kind'>): Outcome | undefined {
  try {
    if (message.readUInt16BE(0) !== id || (message.readUInt8(2) & 0x80) === 0) return undefined
    const code = message.readUInt8(3) & 0x0f
    if (code !== 0) return failure(`answered ${codes[code] ?? `code ${code}`} for ${check.name} ${check.record}`)
    let at = headerBytes
    for (let n = message.readUInt16BE(4); n > 0; n--) at = nameAt(message, at).end + 4
    const found: string[] = []
    const count = Math.min(recordsMax, message.readUInt16BE(6))
    for (let n = 0; n < count && at < message.length; n++) {
      at = nameAt(message, at).end
      const type = message.readUInt16BE(at)
      const length = message.readUInt16BE(at + 8)
      if (type === types[check.record]) found.push(dataText(message, type, at + 10, length))
      at += 10 + length
    }
    if (found.length === 0) return failure(`answered without a record ${check.record} for ${check.name}`)
    const { answer } = check
    if (answer === undefined || found.some((one) => plain(one) === plain(answer))) return passed
    return failure(`answered ${quote(found.join(', '))}, ${quote(answer)} was expected`)
  } catch (error) {
    if (error instanceof RangeError) return failure('the answer is broken')
    throw error
  }
}

/** Asks once, or over UDP until an answer comes. */
export function dns(place: Place, protocol: 'tcp' | 'udp', check: Dns): Promise<Outcome> {
  const id = randomInt(0x1_0000)
  const question = dnsQuestion(id, check)
  const late = (): string => `no answer within ${place.timeoutMs} ms`
  if (protocol === 'udp') {
    return exchange(
      place,
      late,
      (socket, end) => {
        const ask = (): void =>
          socket.send(question, (error) => {
            if (error) end(failure(sentenceOf(error)))
          })
        ask()
        const again = setInterval(ask, againMs)
        return () => clearInterval(again)
      },
      (datagram, end) => {
        const outcome = judgeDns(datagram, id, check)
        if (outcome) end(outcome)
      },
    )
  }
  const prefix = Buffer.alloc(2)
  prefix.writeUInt16BE(question.length)
  return converse(place, {
    opened: (socket) => void socket.write(Buffer.concat([prefix, question])),
    heard: (all, _, __, end) => {
      if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return
      end(judgeDns(all.subarray(2, 2 + all.readUInt16BE(0)), id, check) ?? failure('answered another question'))
    },
    closed: () => failure('closed without an answer'),
    late,
  })
}
