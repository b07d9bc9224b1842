/** Checks against real servers on the loopback: what passes, what fails, and how it is said. */
import { createServer, type Server, type Socket } from 'node:net'
import { createSocket } from 'node:dgram'
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { CheckTiming, PiranhaQuestion } from '../../../domain/checks.ts'
import { openProbes } from './probes.ts'
import { programWords } from './program.ts'

const servers: Server[] = []
afterEach(() => {
  for (const s of servers.splice(0)) s.close()
})

async function serving(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    answer(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  return typeof at === 'object' && at ? at.port : 0
}

type Piranha = PiranhaQuestion & CheckTiming
const runProbe = openProbes(null)
const base: Piranha = { kind: 'send-expect', regex: false, intervalMs: 1_000, timeoutMs: 400, rise: 1, fall: 1 }

function run(port: number, check: Partial<Piranha>, protocol: 'tcp' | 'udp' = 'tcp') {
  return runProbe({
    id: 1,
    service: 's',
    server: 'r',
    address: '127.0.0.1',
    port,
    protocol,
    check: { ...base, ...check },
  })
}

describe('TCP', () => {
  it('a connection is enough for a connect check', async () => {
    expect(await run(await serving(() => undefined), { kind: 'connect' })).toEqual({ passed: true })
  })

  it('a refused connection says so', async () => {
    const port = await serving(() => undefined)
    servers.splice(0).forEach((s) => s.close())
    expect(await run(port, { kind: 'connect' })).toEqual({ passed: false, says: 'connection refused' })
  })

  it('sends what is to be sent and passes on what is expected', async () => {
    const got: string[] = []
    const port = await serving((s) =>
      s.on('data', (d) => {
        got.push(d.toString())
        s.end('HTTP/1.1 200 OK\r\n\r\n')
      }),
    )
    expect(await run(port, { send: 'GET / HTTP/1.0\r\n\r\n', expect: 'HTTP' })).toEqual({ passed: true })
    expect(got.join('')).toBe('GET / HTTP/1.0\r\n\r\n')
  })

  it('an answer in several packets is one answer', async () => {
    const port = await serving((s) => {
      s.write('HT')
      setTimeout(() => s.write('T'), 40)
      setTimeout(() => s.write('P/1.1'), 80)
    })
    expect(await run(port, { expect: 'HTTP' })).toEqual({ passed: true })
  })

  it('another answer is quoted', async () => {
    const port = await serving((s) => s.end('SSH-2.0-OpenSSH'))
    expect(await run(port, { expect: 'HTTP' })).toEqual({
      passed: false,
      says: 'answered "SSH-2.0-OpenSSH", "HTTP" was expected',
    })
  })

  it('silence ends at the timeout, also after half an answer', async () => {
    const from = performance.now()
    expect(await run(await serving(() => undefined), { expect: 'HTTP' })).toEqual({
      passed: false,
      says: 'no answer within 400 ms',
    })
    expect(performance.now() - from).toBeLessThan(1_000)
    const half = await run(await serving((s) => s.write('HT')), { expect: 'HTTP' })
    expect(half).toEqual({ passed: false, says: 'answered "HT" and nothing more within 400 ms' })
  })

  it('`*` and the empty string take any answer, also the end of the connection', async () => {
    for (const expected of ['*', '']) {
      expect(await run(await serving((s) => s.end('x')), { expect: expected })).toEqual({ passed: true })
      expect(await run(await serving((s) => s.end()), { expect: expected })).toEqual({ passed: true })
      expect((await run(await serving(() => undefined), { expect: expected })).passed).toBe(false)
    }
  })

  it('a regular expression may match anywhere in what has come so far', async () => {
    const port = await serving((s) => {
      s.write('220 mail ')
      setTimeout(() => s.write('ESMTP 42 ready'), 50)
    })
    expect(await run(port, { expect: 'ESMTP [[:digit:]]+ (ready|ok)', regex: true })).toEqual({ passed: true })
    const bad = await run(await serving((s) => s.end('x')), { expect: '(', regex: true })
    expect(bad.says).toContain('cannot be used')
  })

  it('an endless answer is not read for ever', async () => {
    const port = await serving((s) => {
      const pour = (): void => {
        while (s.writable && s.write('x'.repeat(10_000)));
      }
      s.on('drain', pour)
      pour()
    })
    expect((await run(port, { expect: 'never', regex: true, timeoutMs: 2_000 })).passed).toBe(false)
  })
})

describe('UDP', () => {
  it('passes on the expected answer and fails on a refusal', async () => {
    const server = createSocket('udp4')
    server.on('message', (_, from) => server.send('PONG', from.port, from.address))
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    const { port } = server.address()
    expect(await run(port, { send: 'PING', expect: 'PONG' }, 'udp')).toEqual({ passed: true })
    await new Promise<void>((resolve) => server.close(() => resolve()))
    expect(await run(port, { send: 'PING' }, 'udp')).toEqual({ passed: false, says: 'connection refused' })
  })

  it('a service that says nothing and expects nothing is there unless it is refused', async () => {
    const server = createSocket('udp4')
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    expect(await run(server.address().port, { send: 'x' }, 'udp')).toEqual({ passed: true })
    server.close()
  })
})

describe('a program', () => {
  async function script(text: string): Promise<string> {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-check-')), 'check')
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
    return file
  }
  const check = async (text: string, more: Partial<Piranha> = {}) =>
    run(80, { kind: 'program', program: `${await script(text)} %h %p`, timeoutMs: 2_000, ...more })

  it('gets address and port, and its output is compared', async () => {
    expect(await check('[ "$1" = 127.0.0.1 ] && [ "$2" = 80 ] && echo OK', { expect: 'OK' })).toEqual({ passed: true })
    expect(await check('printf OK', { expect: 'OK' })).toEqual({ passed: true })
    expect((await check('echo FAIL', { expect: 'OK' })).says).toBe('answered "FAIL", "OK" was expected')
  })

  it('that fails, is missing or hangs is a failure, and its children end with it', async () => {
    expect((await check('echo OK; exit 3', { expect: 'OK' })).says).toBe('the program ended with 3')
    expect((await run(80, { kind: 'program', program: '/no/such/check %h' })).says).toBe(
      '/no/such/check: no such program',
    )
    const from = performance.now()
    expect((await check('sleep 30 & wait', { timeoutMs: 300 })).says).toBe('the program did not end within 300 ms')
    expect(performance.now() - from).toBeLessThan(1_500)
  })

  it('words are split at blanks outside quotes', () => {
    expect(
      programWords(`/bin/check -t "two words" 'x y' %h:%p`, { address: '10.0.0.1', port: 53, timeoutMs: 1 }),
    ).toEqual(['/bin/check', '-t', 'two words', 'x y', '10.0.0.1:53'])
  })
})
