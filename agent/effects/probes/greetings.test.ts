/** Services that are greeted in their own language: what of their answers is life, and what is not. */
import { describe, expect, it } from 'vitest'
import { checking, serving } from './listening.ts'

/** A mail server that answers each command by a table; the greeting is under ''. Remembers what it was told. */
function mail(answers: Readonly<Record<string, string>>, heard: string[] = []): Promise<number> {
  return serving((socket) => {
    socket.write(answers[''] ?? '')
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        heard.push(line)
        socket.write(answers[line.split(' ')[0] ?? ''] ?? '')
      }
    })
  })
}

describe('mail', () => {
  const smtp = { kind: 'smtp', host: 'lvs1.example' } as const

  it('is there when it greets and takes EHLO; it is told goodbye', async () => {
    const heard: string[] = []
    const port = await mail({ '': '220-mail\r\n220 ready\r\n', EHLO: '250-mail\r\n250-SIZE\r\n250 OK\r\n' }, heard)
    expect(await checking(port, smtp)).toEqual({ passed: true })
    await expect.poll(() => heard).toEqual(['EHLO lvs1.example', 'QUIT'])
  })

  it('that knows only HELO is asked with it', async () => {
    const port = await mail({ '': '220 old\r\n', EHLO: '502 what?\r\n', HELO: '250 hello\r\n' })
    expect(await checking(port, smtp)).toEqual({ passed: true })
  })

  it.each([
    ['421 too busy\r\n', {}, 'greeted with "421 too busy"'],
    ['554 no service\r\n', {}, 'greeted with "554 no service"'],
    ['220 ok\r\n', { EHLO: '421 going down\r\n' }, 'answered "421 going down" to EHLO'],
    ['SSH-2.0-OpenSSH\r\n', {}, 'answered "SSH-2.0-OpenSSH\\r\\n", no mail server'],
  ])('%j is not', async (greeting, answers, says) => {
    expect(await checking(await mail({ '': greeting, ...answers }), smtp)).toEqual({ passed: false, says })
  })

  it('that says half a line is waited for until the timeout', async () => {
    expect(await checking(await mail({ '': '220-half' }), { ...smtp, timeoutMs: 200 })).toEqual({
      passed: false,
      says: 'answered "220-half" and nothing more within 200 ms',
    })
  })
})

describe('Redis', () => {
  const answering = (text: string) =>
    serving((socket) => socket.on('data', (bytes) => bytes.toString() === 'PING\r\n' && socket.write(text)))

  it.each([
    ['+PONG\r\n', true],
    ['-NOAUTH Authentication required.\r\n', true],
    ['-LOADING Redis is loading the dataset in memory\r\n', false],
    ['-DENIED Redis is running in protected mode\r\n', false],
    ['HTTP/1.1 400 Bad Request\r\n', false],
  ])('%j: %s', async (text, passed) => {
    expect((await checking(await answering(text), { kind: 'redis' })).passed).toBe(passed)
  })
})

describe('a directory', () => {
  const answering = (hex: string, heard: string[] = []) =>
    serving((socket) =>
      socket.on('data', (bytes) => {
        heard.push(bytes.toString('hex'))
        if (heard.length === 1) socket.write(Buffer.from(hex, 'hex'))
      }),
    )

  it('that takes an anonymous bind is there, and is told goodbye', async () => {
    const heard: string[] = []
    expect(await checking(await answering('300c02010161070a010004000400', heard), { kind: 'ldap' })).toEqual({
      passed: true,
    })
    await expect.poll(() => heard).toEqual(['300c020101600702010304008000', '30050201024200'])
  })

  it.each([
    [
      'inappropriate authentication, long form of the length',
      '30840000001002010161840000000 70a013004000400'.replace(' ', ''),
      true,
    ],
    ['busy', '300c02010161070a013304000400', false],
    ['unavailable', '300c02010161070a013404000400', false],
    ['another operation', '300c02010178070a010004000400', false],
    ['no BER at all', '485454502f312e31', false],
  ])('%s', async (_, hex, passed) => {
    expect((await checking(await answering(hex), { kind: 'ldap', timeoutMs: 300 })).passed).toBe(passed)
  })
})

describe('MySQL', () => {
  const packet = (sequence: number, body: Buffer): Buffer =>
    Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, sequence]), body])
  const greeting = packet(0, Buffer.concat([Buffer.from([10]), Buffer.from('8.0.36\0'), Buffer.alloc(40)]))
  const error = (sequence: number, code: number, says: string): Buffer =>
    packet(sequence, Buffer.concat([Buffer.from([0xff, code & 0xff, code >> 8]), Buffer.from(`#08004${says}`)]))
  /** Greets, then answers one packet after the other. */
  const server = (first: Buffer, ...answers: readonly Buffer[]) => {
    const heard: Buffer[] = []
    const port = serving((socket) => {
      socket.write(first)
      socket.on('data', (bytes) => {
        const answer = answers[heard.length]
        heard.push(Buffer.from(bytes))
        if (answer) socket.write(answer)
      })
    })
    return { port, heard }
  }
  const mysql = { kind: 'mysql', user: 'shoal' } as const

  it('that refuses the user is there: the handshake is completed, so no broken connection is counted', async () => {
    const { port, heard } = server(greeting, error(2, 1045, 'Access denied'))
    expect(await checking(await port, mysql)).toEqual({ passed: true })
    expect(heard[0]?.subarray(36).toString('latin1')).toBe('shoal\0\0mysql_native_password\0')
    expect(heard[0]?.[3]).toBe(1)
  })

  it('that asks for another authentication gets an empty one', async () => {
    const ask = packet(2, Buffer.from('\xfecaching_sha2_password\0', 'latin1'))
    const { port, heard } = server(greeting, ask, error(4, 1045, 'Access denied'))
    expect(await checking(await port, mysql)).toEqual({ passed: true })
    expect(heard[1]).toEqual(Buffer.from([0, 0, 0, 3]))
  })

  it('that lets in is told goodbye', async () => {
    const { port, heard } = server(greeting, packet(2, Buffer.from([0, 0, 0, 2, 0, 0, 0])))
    expect(await checking(await port, mysql)).toEqual({ passed: true })
    await expect.poll(() => heard[1]).toEqual(Buffer.from([1, 0, 0, 0, 1]))
  })

  it('that has no connection left, or does not talk MySQL, fails', async () => {
    expect(await checking(await server(error(0, 1040, 'Too many connections')).port, mysql)).toEqual({
      passed: false,
      says: 'refused with 1040: "Too many connections"',
    })
    expect((await checking(await server(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')).port, mysql)).passed).toBe(false)
    expect(await checking(await server(greeting.subarray(0, 20)).port, { ...mysql, timeoutMs: 200 })).toMatchObject({
      passed: false,
    })
  })

  it('that blocks this host serves others', async () => {
    expect(await checking(await server(error(0, 1129, 'Host is blocked')).port, mysql)).toEqual({ passed: true })
  })
})

describe('PostgreSQL', () => {
  const message = (kind: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(kind), length, body])
  }
  const error = (code: string, says: string): Buffer =>
    message('E', Buffer.from(`SFATAL\0C${code}\0M${says}\0\0`, 'latin1'))
  const answering = (answer: Buffer, heard: Buffer[] = []) =>
    serving((socket) =>
      socket.on('data', (bytes) => {
        heard.push(Buffer.from(bytes))
        if (heard.length === 1) {
          // In two packets, as a network may bring it.
          socket.write(answer.subarray(0, 3))
          setTimeout(() => socket.write(answer.subarray(3)), 20)
        }
      }),
    )
  const postgresql = { kind: 'postgresql', user: 'shoal' } as const

  it('that asks for a password is there', async () => {
    const heard: Buffer[] = []
    const port = await answering(message('R', Buffer.from([0, 0, 0, 10])), heard)
    expect(await checking(port, postgresql)).toEqual({ passed: true })
    expect(heard[0]?.readInt32BE(0)).toBe(heard[0]?.length)
    expect(heard[0]?.subarray(8).toString('latin1')).toContain('user\0shoal\0')
  })

  it.each([
    ['28000', 'no pg_hba.conf entry for host', true],
    ['3D000', 'database "shoal" does not exist', true],
    ['57P03', 'the database system is starting up', false],
    ['53300', 'sorry, too many clients already', false],
  ])('%s %s', async (code, says, passed) => {
    const outcome = await checking(await answering(error(code, says)), postgresql)
    expect(outcome).toEqual(passed ? { passed } : { passed, says: `refused with ${code}: ${JSON.stringify(says)}` })
  })

  it('that is something else fails', async () => {
    expect((await checking(await answering(Buffer.from('HTTP/1.1 400\r\n')), postgresql)).passed).toBe(false)
  })
})
