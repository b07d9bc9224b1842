/** HTTP and HTTPS: status, body, and a certificate that ends. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import { selfSigned } from '../../../test/hosts/certificate.ts'
import { usualStatus, type Question } from '../../../domain/checks.ts'
import { checking, closing, portOf, serving } from './listening.ts'

type Http = Extract<Question, { kind: 'http' }>
const http = (more: Partial<Http> = {}): Http => ({
  kind: 'http',
  path: '/',
  method: 'GET',
  status: usualStatus,
  ...more,
})
const certificate = selfSigned()

function web(answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  closing({ close: () => server.closeAllConnections() })
  return portOf(server)
}

function secure(answer: RequestListener): Promise<number> {
  const server = createSecureServer(certificate, answer)
  closing({ close: () => server.closeAllConnections() })
  return portOf(server)
}

describe('HTTP', () => {
  it('asks for the path with the host, and goes by the status', async () => {
    const asked: string[] = []
    const port = await web(({ method, url, headers }, response) => {
      asked.push(`${method ?? ''} ${url ?? ''} ${headers.host ?? ''}`)
      response.writeHead(url === '/old' ? 301 : url === '/health?x=1' ? 204 : 503, { location: '/new' }).end()
    })
    expect(await checking(port, http({ path: '/health?x=1', host: 'www.example.com' }))).toEqual({ passed: true })
    expect(await checking(port, http({ path: '/old', method: 'HEAD' }))).toEqual({ passed: true })
    expect(
      await checking(
        port,
        http({
          path: '/gone',
          status: [
            [200, 299],
            [404, 404],
          ],
        }),
      ),
    ).toEqual({
      passed: false,
      says: 'status 503 Service Unavailable, 200-299,404 was expected',
    })
    expect(asked).toEqual([
      'GET /health?x=1 www.example.com',
      `HEAD /old 127.0.0.1:${port}`,
      `GET /gone 127.0.0.1:${port}`,
    ])
  })

  it('finds a text and an expression in the body, also across packets', async () => {
    const port = await web((_, response) => {
      response.write('x'.repeat(5_000))
      response.write('all sys')
      setTimeout(() => response.end('tems go: 42 nodes, größer'), 30)
    })
    expect(await checking(port, http({ body: 'systems go' }))).toEqual({ passed: true })
    expect(await checking(port, http({ body: 'größer' }))).toEqual({ passed: true })
    expect(await checking(port, http({ bodyRegex: 'go: [0-9]+ nodes' }))).toEqual({ passed: true })
    expect(await checking(port, http({ body: 'systems go', bodyRegex: 'go: [a-z]+ nodes' }))).toMatchObject({
      passed: false,
    })
    expect((await checking(port, http({ body: 'down' }))).says).toMatch(/^the body "x+…" does not contain "down"$/)
  })

  it('an endless body, an endless answer and no answer end at the timeout or before', async () => {
    const endless = await web((_, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write('y'.repeat(10_000)));
      }
      response.on('drain', pour)
      pour()
    })
    expect((await checking(endless, http({ body: 'never' }))).says).toContain('does not contain')
    const slow = await web((_, response) => void response.write('begun'))
    expect(await checking(slow, { ...http({ body: 'never' }), timeoutMs: 200 })).toEqual({
      passed: false,
      says: 'the body did not end within 200 ms',
    })
    const silent = await serving(() => undefined)
    expect(await checking(silent, { ...http(), timeoutMs: 200 })).toEqual({
      passed: false,
      says: 'no answer within 200 ms',
    })
  })

  it('what is no HTTP, and what closes at once, is said', async () => {
    expect(await checking(await serving((s) => s.end('SSH-2.0-OpenSSH\r\n')), http())).toEqual({
      passed: false,
      says: 'the answer is not HTTP',
    })
    expect((await checking(await serving((s) => s.end()), http())).passed).toBe(false)
    expect((await checking(await secure((_, r) => r.end()), http())).passed).toBe(false)
  })

  it('is asked at check_port', async () => {
    const port = await web((_, response) => response.end('ok'))
    expect(await checking(1, { ...http(), port })).toEqual({ passed: true })
  })
})

describe('HTTPS', () => {
  const https = (more: Partial<Extract<Question, { kind: 'https' }>> = {}): Question => ({
    ...http(),
    kind: 'https',
    verify: false,
    certDays: 0,
    ...more,
  })

  it('takes any certificate unless it is to be verified', async () => {
    const port = await secure((_, response) => response.end('ok'))
    expect(await checking(port, https())).toEqual({ passed: true })
    expect(await checking(port, https({ verify: true }))).toEqual({
      passed: false,
      says: 'the certificate is signed by nobody but itself',
    })
  })

  it('warns of a certificate that ends, and the server stays in', async () => {
    const port = await secure((_, response) => response.end('ok'))
    const { passed, warns } = await checking(port, https({ certDays: 14 }))
    expect(passed).toBe(true)
    expect(warns).toMatch(/^the certificate ends on \d{4}-\d\d-\d\d, in 0 days$/)
  })

  it('gives the name of check_host in TLS', async () => {
    const names: (string | false)[] = []
    const server = createSecureServer(
      { ...certificate, SNICallback: (name, done) => (names.push(name), done(null)) },
      (_, r) => r.end(),
    )
    const port = await portOf(server)
    expect(await checking(port, https({ host: 'www.example.com:8443' }))).toEqual({ passed: true })
    expect(names).toEqual(['www.example.com'])
  })

  it('a port without TLS says so', async () => {
    const port = await web((_, response) => response.end())
    expect((await checking(port, https())).says).toMatch(/TLS|closed|reset/)
  })
})
