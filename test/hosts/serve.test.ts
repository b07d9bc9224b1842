/** The browser host over real HTTP: who gets in, what is refused and why, how requests and events are carried. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyMostMb } from '../../cli/serve/server.ts'
import { freeFailures } from '../../cli/serve/door.ts'
import { streamsMost } from '../../cli/serve/events.ts'
import { openHost } from './fixtures.ts'

let host: Awaited<ReturnType<typeof openHost>>

beforeEach(async () => {
  host = await openHost()
})
afterEach(() => host.close())

const codeOf = (text: string) => (JSON.parse(text) as { problems: { code: string }[] }).problems[0]?.code

describe('signing in', () => {
  it('a token opens one session and is then worth nothing', async () => {
    const token = host.door.newToken()
    const first = await host.post('/sign-in', { token })
    expect(first.status).toBe(200)
    expect(first.headers['set-cookie']?.[0]).toMatch(/^shoal_\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    const second = await host.post('/sign-in', { token })
    expect(second.status).toBe(401)
    expect(codeOf(second.text)).toBe('sign-in-wrong-token')
    expect(second.headers['set-cookie']).toBeUndefined()
  })

  it('a new token replaces the one before it', async () => {
    const old = host.door.newToken()
    const fresh = host.door.newToken()
    expect((await host.post('/sign-in', { token: old })).status).toBe(401)
    expect((await host.post('/sign-in', { token: fresh })).status).toBe(200)
  })

  it('without a session every page is the sign-in page, and nothing of the application is sent', async () => {
    for (const page of ['/', '/clusters/a', '/sign-in?x=1']) {
      const answer = await host.fetchText(page)
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('Sign in to Shoal')
      expect(answer.text).not.toContain('the screen')
    }
    expect((await host.fetchText('/assets/index-a1b2.js')).status).toBe(401)
    expect((await host.fetchText('/events')).status).toBe(401)
    const asked = await host.post('/ask/echo', {})
    expect(asked.status).toBe(401)
    expect(codeOf(asked.text)).toBe('session-ended')
    expect(host.asked).toEqual([])
  })

  it('the sign-in page speaks the language of the browser', async () => {
    const chinese = await host.fetchText('/', { headers: { 'accept-language': 'fr, zh-CN;q=0.9, en;q=0.8' } })
    expect(chinese.text).toContain('<html lang="zh-CN">')
    const refused = await host.post('/sign-in', { token: 'x' }, { 'accept-language': 'zh' })
    expect(JSON.parse(refused.text)).toMatchObject({
      ok: false,
      says: expect.stringContaining('登录令牌无效') as string,
    })
  })

  it('the page is told when its browser is signed in already', async () => {
    expect(JSON.parse((await host.post('/sign-in', {})).text)).toEqual({ ok: false })
    const cookie = await host.signIn()
    expect(JSON.parse((await host.post('/sign-in', {}, { cookie })).text)).toEqual({ ok: true })
  })

  it('failures in a row make the next try wait, also for the right token', async () => {
    for (let n = 0; n <= freeFailures; n += 1)
      expect((await host.post('/sign-in', { token: 'wrong' })).status).toBe(401)
    const limited = await host.post('/sign-in', { token: host.door.newToken() })
    expect(limited.status).toBe(429)
    expect(codeOf(limited.text)).toBe('sign-in-too-often')
    expect(await host.audited(), 'only tries that were judged are written down').toHaveLength(freeFailures + 1)
  })

  it('who signed in, what they changed and how it ended is written down; what they typed is not', async () => {
    await host.post('/sign-in', { token: 'wrong-secret' })
    const cookie = await host.signIn()
    await host.post('/ask/echo', { id: 'c1', secret: 'typed-secret' }, { cookie })
    await host.post('/ask/clusters.forget', { id: 'c1' }, { cookie })
    await host.post('/ask/clusters.list', {}, { cookie })
    await host.post('/sign-out', {}, { cookie })
    const lines = await host.audited()
    expect(lines.map(({ what, request, id, ended }) => [what ?? request, id, ended])).toEqual([
      ['sign-in refused: sign-in-wrong-token', undefined, undefined],
      ['signed in', undefined, undefined],
      ['echo', 'c1', 'done'],
      ['clusters.forget', 'c1', ['not-found']],
      ['signed out', undefined, undefined],
    ])
    expect(lines.every(({ via, from }) => via === 'browser' && from === '127.0.0.1')).toBe(true)
    expect(new Set(lines.slice(1).map(({ session }) => session)).size).toBe(1)
    expect(JSON.stringify(lines)).not.toMatch(/wrong-secret|typed-secret/)
    expect(JSON.stringify(lines)).not.toContain(cookie.split('=')[1])
  })

  it('signing out ends the session and its event streams', async () => {
    const cookie = await host.signIn()
    const stream = await host.begin('/events', { headers: { cookie } })
    const ended = new Promise((resolve) => stream.on('close', resolve))
    stream.on('error', () => undefined).resume()
    expect((await host.post('/sign-out', {}, { cookie })).status).toBe(200)
    await ended
    expect((await host.post('/ask/echo', {}, { cookie })).status).toBe(401)
  })

  it('a token in a body that is too large or not JSON is not read', async () => {
    expect((await host.post('/sign-in', { token: 'x'.repeat(9000) })).status).toBe(413)
    expect((await host.post('/sign-in', '{')).status).toBe(200)
    expect(host.door.knows(host.cookieOf(await host.post('/sign-in', '{')))).toBe(false)
  })
})

describe('guards', () => {
  it.each([
    ['a foreign host name (DNS rebinding)', { host: 'evil.example' }],
    ['our address with another port', { host: '127.0.0.1:1' }],
    ['a request from another page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a request from another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    [
      'a frame of another page',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
    ['a foreign origin', { origin: 'http://evil.example' }],
  ])('%s is refused even with a session', async (_name, headers) => {
    const cookie = await host.signIn()
    const page = await host.fetchText('/', { headers: { cookie, ...headers } })
    expect(page.status).toBe(403)
    expect(page.text).not.toContain('the screen')
    const asked = await host.post('/ask/echo', {}, { cookie, ...headers })
    expect(asked.status).toBe(403)
    expect(codeOf(asked.text)).toBe('request-refused')
    expect((await host.fetchText('/events', { headers: { cookie, ...headers } })).status).toBe(403)
    expect(host.asked).toEqual([])
  })

  it.each([
    ['no origin', { origin: undefined }],
    ['the origin null of a sandboxed frame', { origin: 'null' }],
    ['the origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['no header of our own', { 'x-shoal': undefined }],
    ['the content type of a form', { 'content-type': 'text/plain' }],
  ])('a POST with %s is refused', async (_name, headers) => {
    const cookie = await host.signIn()
    const asked = await host.post('/ask/echo', {}, { cookie, ...headers })
    expect(asked.status).toBe(403)
    expect(host.asked).toEqual([])
  })

  it('localhost is as good as the address, each with its own origin', async () => {
    const cookie = await host.signIn()
    const local = `localhost:${host.port}`
    const good = await host.post('/ask/echo', { a: 1 }, { cookie, host: local, origin: `http://${local}` })
    expect(good.status).toBe(200)
    const mixed = await host.post('/ask/echo', {}, { cookie, host: local })
    expect(mixed.status).toBe(403)
  })

  it('a link from elsewhere may open the page', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await host.fetchText('/', { headers })).status).toBe(200)
  })

  it.each(['PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is refused', async (method) => {
    const cookie = await host.signIn()
    expect((await host.fetchText('/ask/echo', { method, headers: { cookie, origin: host.origin } })).status).toBe(403)
  })

  it('every answer carries the policy, also a refusal', async () => {
    const cookie = await host.signIn()
    for (const answer of [
      await host.fetchText('/', { headers: { cookie } }),
      await host.fetchText('/sign-in'),
      await host.fetchText('/', { headers: { host: 'evil.example' } }),
      await host.post('/ask/echo', {}, { cookie }),
    ]) {
      const policy = answer.headers['content-security-policy'] as string
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*/)
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })
})

describe('requests', () => {
  it('carries name and arguments to the core and its result back', async () => {
    const cookie = await host.signIn()
    const answer = await host.post('/ask/echo', { words: '负载 "x"' }, { cookie })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({ ok: true, value: { words: '负载 "x"' } })
    const unknown = await host.post('/ask/clusters.get', { id: 'a' }, { cookie })
    expect(unknown.status).toBe(200)
    expect(codeOf(unknown.text)).toBe('not-found')
  })

  it('a bug of the core is a problem for the page and a line in the log', async () => {
    const cookie = await host.signIn()
    const answer = await host.post('/ask/bug', {}, { cookie })
    expect(answer.status).toBe(500)
    expect(codeOf(answer.text)).toBe('request-failed-inside')
    expect(host.logged.join()).toContain('a bug of the core')
  })

  it('a body that is not JSON never reaches the core', async () => {
    const cookie = await host.signIn()
    expect(codeOf((await host.post('/ask/echo', '{"a":', { cookie })).text)).toBe('request-malformed')
    expect(host.asked).toEqual([])
  })

  it('a body over the limit is refused, announced or not', async () => {
    const cookie = await host.signIn()
    const announced = await host.post('/ask/echo', '{}', {
      cookie,
      'content-length': String(bodyMostMb * 1024 ** 2 + 1),
    })
    expect(announced.status).toBe(413)
    const huge = Buffer.alloc(bodyMostMb * 1024 ** 2 + 1, 0x20)
    const chunked = await host
      .fetchText('/ask/echo', {
        method: 'POST',
        headers: {
          cookie,
          origin: host.origin,
          'content-type': 'application/json',
          'x-shoal': '1',
          'transfer-encoding': 'chunked',
        },
        body: huge,
      })
      .then(({ status }) => status)
      .catch((error: NodeJS.ErrnoException) => error.code)
    expect([413, 'ECONNRESET', 'EPIPE']).toContain(chunked)
    expect(host.asked).toEqual([])
    expect((await host.post('/ask/echo', {}, { cookie })).status).toBe(200)
  })
})

describe('the screen', () => {
  it('is sent with its types; hashed files may be kept, the page may not', async () => {
    const cookie = await host.signIn()
    const page = await host.fetchText('/', { headers: { cookie } })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['cache-control']).toBe('no-cache')
    const script = await host.fetchText('/assets/index-a1b2.js', { headers: { cookie } })
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.headers['cache-control']).toContain('immutable')
    expect((await host.fetchText('/clusters/a/history', { headers: { cookie } })).text).toContain('the screen')
    expect((await host.fetchText('/assets/gone.js', { headers: { cookie } })).status).toBe(404)
  })

  it.each([
    '/../secret.html',
    '/%2e%2e/secret.html',
    '/..%2fsecret.html',
    '/assets/../../secret.html',
    '/assets/..%5c..%5csecret.html',
    '/link.html',
    '/.hidden.html',
    '/%2Ehidden.html',
    '/index.html%00.js',
    '/%zz.html',
    '//etc/passwd.txt',
  ])('%s leads nowhere', async (target) => {
    const cookie = await host.signIn()
    const answer = await host.fetchText(target, { headers: { cookie } })
    expect(answer.status).toBe(404)
    expect(answer.text).not.toMatch(/secret|hidden/)
  })
})

describe('events', () => {
  const journal = { clusterId: 'c', entries: [] }

  it('reach every open window with their name, as one message each', async () => {
    const cookie = await host.signIn()
    const windows = await Promise.all([1, 2].map(() => host.begin('/events', { headers: { cookie } })))
    const texts = windows.map(() => '')
    windows.forEach((window, at) => window.setEncoding('utf8').on('data', (text: string) => (texts[at] += text)))
    host.say('cluster.journal', journal)
    host.say('clusters.changed', null)
    await expect.poll(() => texts.every((text) => text.includes('clusters.changed'))).toBe(true)
    expect(windows[0]?.headers['content-type']).toContain('text/event-stream')
    expect(texts[0]).toBe(
      `retry: 1000\nevent: open\ndata: null\n\nevent: cluster.journal\ndata: ${JSON.stringify(journal)}\n\nevent: clusters.changed\ndata: null\n\n`,
    )
    expect(texts[1]).toBe(texts[0])
    windows.forEach((window) => window.on('error', () => undefined).destroy())
  })

  it('a reader that does not keep up is let go; the others hear on', async () => {
    const cookie = await host.signIn()
    const slow = await host.begin('/events', { headers: { cookie } })
    slow.on('error', () => undefined).pause()
    const other = await host.begin('/events', { headers: { cookie } })
    let heard = 0
    other.on('error', () => undefined).on('data', (text: Buffer) => (heard += text.length))
    const line = { runId: 'r', hostId: 'h', stepId: 's', atMs: 0, stream: 'out', text: 'x'.repeat(1024 ** 2) } as const
    let closed = false
    slow.on('close', () => (closed = true))
    for (let n = 0; n < 40; n += 1) {
      host.say('run.line', line)
      await expect.poll(() => heard, { timeout: 5000 }).toBeGreaterThan((n + 1) * 1024 ** 2)
    }
    // It has to read on to see that the connection has ended.
    slow.resume()
    await expect.poll(() => closed).toBe(true)
    other.destroy()
  })

  it('one session opens so many windows and no more', async () => {
    const cookie = await host.signIn()
    const open = await Promise.all(
      Array.from({ length: streamsMost }, () => host.begin('/events', { headers: { cookie } })),
    )
    open.forEach((window) => window.on('error', () => undefined).resume())
    expect((await host.fetchText('/events', { headers: { cookie } })).status).toBe(429)
    const others = await host.begin('/events', { headers: { cookie: await host.signIn() } })
    expect(others.statusCode).toBe(200)
    ;[...open, others].forEach((window) => window.destroy())
  })

  it('closing the host ends the streams and stops listening to the core', async () => {
    const cookie = await host.signIn()
    const stream = await host.begin('/events', { headers: { cookie } })
    const ended = new Promise((resolve) => stream.on('end', resolve))
    stream.resume()
    await host.server.close()
    await ended
    expect(host.listeners.size).toBe(0)
  })
})
