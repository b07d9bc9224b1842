/** DNS questions and their answers, over both protocols. */
import { createSocket } from 'node:dgram'
import { describe, expect, it } from 'vitest'
import type { DnsRecord } from '../../../domain/checks.ts'
import { dnsQuestion, judgeDns } from './dns.ts'
import { checking, closing, serving } from './listening.ts'

const types = { A: 1, NS: 2, MX: 15, TXT: 16, AAAA: 28 } as const
type Asked = keyof typeof types

/** The answer to a question: its records point back at the name in the question. */
function answerTo(question: Buffer, code: number, records: readonly (readonly [type: number, data: Buffer])[]): Buffer {
  const header = Buffer.from(question.subarray(0, 12))
  header[2] = 0x81
  header[3] = 0x80 | code
  header.writeUInt16BE(records.length, 6)
  const data = records.map(([type, bytes]) => {
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length])
    return Buffer.concat([head, bytes])
  })
  return Buffer.concat([header, question.subarray(12), ...data])
}

const mailName = Buffer.concat([Buffer.from([0, 10, 4]), Buffer.from('mail'), Buffer.from([0xc0, 12])])

describe('an answer', () => {
  const judged = (record: DnsRecord, answer: string | undefined, code: number, ...records: [number, Buffer][]) => {
    const check = { name: 'example.com', record, ...(answer === undefined ? {} : { answer }) }
    return judgeDns(answerTo(dnsQuestion(7, check), code, records), 7, check)
  }

  it.each<[string, Asked, string | undefined, Buffer, boolean]>([
    ['any address', 'A', undefined, Buffer.from([10, 0, 0, 7]), true],
    ['that address', 'A', '10.0.0.7', Buffer.from([10, 0, 0, 7]), true],
    ['another address', 'A', '10.0.0.8', Buffer.from([10, 0, 0, 7]), false],
    ['an IPv6 address', 'AAAA', '2001:db8::1', Buffer.from('20010db8000000000000000000000001', 'hex'), true],
    ['a mail exchanger with a compressed name', 'MX', '10 MAIL.example.com.', mailName, true],
    ['a text in two pieces', 'TXT', 'v=spf1 -all', Buffer.from('\x07v=spf1 \x04-all'), true],
  ])('with %s', (_, record, answer, data, passed) => {
    expect(judged(record, answer, 0, [types[record], data])?.passed).toBe(passed)
  })

  it('with an error, without a record, or of another type fails and says so', () => {
    expect(judged('A', undefined, 3)).toEqual({ passed: false, says: 'answered NXDOMAIN for example.com A' })
    expect(judged('A', undefined, 2)).toEqual({ passed: false, says: 'answered SERVFAIL for example.com A' })
    expect(judged('A', undefined, 0)).toEqual({ passed: false, says: 'answered without a record A for example.com' })
    expect(judged('A', undefined, 0, [types.NS, mailName.subarray(2)])?.passed).toBe(false)
  })

  it('to another question is not taken, and a broken one harms nobody', () => {
    const check = { name: 'example.com', record: 'A' } as const
    const question = dnsQuestion(7, check)
    expect(judgeDns(answerTo(question, 0, []), 8, check)).toBeUndefined()
    expect(judgeDns(question, 7, check)).toBeUndefined()
    const good = answerTo(question, 0, [[1, Buffer.from([10, 0, 0, 7])]])
    for (let cut = 4; cut < good.length; cut++) expect(judgeDns(good.subarray(0, cut), 7, check)?.passed).not.toBe(true)
    const loop = Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1]), good.subarray(12)])
    expect(judgeDns(loop, 7, check)).toEqual({ passed: false, says: 'the answer is broken' })
  })
})

describe('a name server', () => {
  const dns = { kind: 'dns', name: '.', record: 'NS' } as const

  it('is asked over UDP, again when a datagram is lost', async () => {
    const socket = closing(createSocket('udp4'))
    let asked = 0
    socket.on('message', (question, from) => {
      if (++asked > 1) socket.send(answerTo(question, 0, [[types.NS, mailName.subarray(2)]]), from.port, from.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    expect(await checking(socket.address().port, { ...dns, timeoutMs: 3_000 }, 'udp')).toEqual({ passed: true })
    expect(asked).toBe(2)
  })

  it('that is not there refuses', async () => {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    expect(await checking(port, dns, 'udp')).toEqual({ passed: false, says: 'connection refused' })
  })

  it('is asked over TCP where the service is TCP', async () => {
    const port = await serving((socket) =>
      socket.on('data', (bytes) => {
        const answer = answerTo(bytes.subarray(2), 0, [[types.NS, mailName.subarray(2)]])
        socket.write(Buffer.from([0, answer.length]))
        setTimeout(() => socket.write(answer), 20)
      }),
    )
    expect(await checking(port, dns)).toEqual({ passed: true })
  })
})
