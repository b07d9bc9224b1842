/** The browser host over HTTPS: what it takes to be reached from another machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { allowedAuthorities, refusal } from '../../cli/serve/guards.ts'
import { readTls } from '../../cli/serve/tls.ts'
import { selfSigned } from './certificate.ts'
import { openHost } from './fixtures.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'shoal-tls-'))
afterAll(() => rmSync(dir, { recursive: true }))

const certificate = selfSigned()
const kept = (name: string, text: string): string => {
  const file = path.join(dir, name)
  writeFileSync(file, text)
  return file
}
const certFile = kept('cert.pem', certificate.cert)
const keyFile = kept('key.pem', certificate.key)

let host: Awaited<ReturnType<typeof openHost>> | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

describe('HTTPS', () => {
  it('signs in and asks over TLS, with a cookie that is never sent in clear', async () => {
    host = await openHost({}, certificate)
    const answer = await host.post('/sign-in', { token: host.door.newToken() })
    expect(answer.status).toBe(200)
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict; Secure$/)
    const echoed = await host.post('/ask/echo', { a: 1 }, { cookie: host.cookieOf(answer) })
    expect(JSON.parse(echoed.text)).toEqual({ ok: true, value: { a: 1 } })
  })

  it('a page that was fetched in clear is another origin', () => {
    const allowed = allowedAuthorities('10.0.0.5', 443, 'https', ['Jump.example'])
    expect([...allowed]).toEqual(['jump.example', '10.0.0.5'])
    const asked = (origin: string) => ({
      method: 'POST',
      headers: { host: 'jump.example', origin, 'x-shoal': '1', 'content-type': 'application/json' },
    })
    expect(refusal(asked('https://jump.example'), allowed, 'https')).toBeUndefined()
    expect(refusal(asked('http://jump.example'), allowed, 'https')).toContain('origin')
    expect(refusal({ ...asked('https://localhost'), headers: { host: 'localhost' } }, allowed, 'https')).toContain(
      'host',
    )
  })

  it('an address that stands for all is not a name', () => {
    expect([...allowedAuthorities('0.0.0.0', 3636, 'https', ['lvs.example'])]).toEqual(['lvs.example:3636'])
  })

  it.each([
    ['no key', certFile, undefined, '--tls-key'],
    ['no certificate', undefined, keyFile, '--tls-cert'],
    ['a key of another certificate', certFile, kept('other.pem', selfSigned().key), 'mismatch'],
    ['no PEM at all', kept('text.pem', 'hello'), keyFile, 'PEM'],
    ['a file that is not there', path.join(dir, 'absent'), keyFile, 'ENOENT'],
  ])('with %s it does not start, and says why', async (_what, cert, key, reason) => {
    const read = await readTls(cert, key)
    expect(read).toMatchObject({ ok: false, problems: [{ code: 'serve-tls-incomplete' }] })
    expect(JSON.stringify(read)).toContain(reason)
  })
})
