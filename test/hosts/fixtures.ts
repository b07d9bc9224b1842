/** A browser host on a free port with a core of three requests, and a client that sends exactly the headers it is told. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDoor } from '../../cli/serve/door.ts'
import type { DoorWorld } from '../../cli/serve/door.ts'
import { allowedAuthorities } from '../../cli/serve/guards.ts'
import { openAudit } from '../../core/audit.ts'
import { createBrowserServer } from '../../cli/serve/server.ts'
import type { EventName, Events } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Core, Log } from '../../core/ports.ts'

/** A core that answers `echo`, refuses everything else, and throws at `bug`. */
export function echoCore() {
  const listeners = new Set<(name: EventName, event: Events[EventName]) => void>()
  const asked: { name: string; args: unknown }[] = []
  const core: Core = {
    async ask(name, args): Promise<Result<unknown>> {
      asked.push({ name, args })
      if (name === 'bug') throw new Error('a bug of the core')
      return name === 'echo' ? ok(args) : failed(problem('not-found', { name }))
    },
    on(listener) {
      const heard = listener as (name: EventName, event: Events[EventName]) => void
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    async close() {},
  }
  const say = <N extends EventName>(name: N, event: Events[N]) => {
    for (const listener of listeners) listener(name, event)
  }
  return { core, say, asked, listeners }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Buffer
}

/** A folder like out/renderer, with a secret beside it and a link that leads out. */
export function builtScreen() {
  const dir = mkdtempSync(path.join(tmpdir(), 'shoal-screen-'))
  const root = path.join(dir, 'renderer')
  mkdirSync(path.join(root, 'assets'), { recursive: true })
  writeFileSync(path.join(root, 'index.html'), '<!doctype html><title>the screen</title>')
  writeFileSync(path.join(root, 'assets/index-a1b2.js'), 'export {}')
  writeFileSync(path.join(root, 'assets/style-a1b2.css'), 'body{}')
  writeFileSync(path.join(root, '.hidden.html'), 'hidden')
  writeFileSync(path.join(dir, 'secret.html'), 'secret')
  symlinkSync(path.join(dir, 'secret.html'), path.join(root, 'link.html'))
  return { root, remove: () => rmSync(dir, { recursive: true }) }
}

/** With `tls`, HTTPS with that certificate. */
export async function openHost(world: Partial<DoorWorld> = {}, tls?: { readonly cert: string; readonly key: string }) {
  const screen = builtScreen()
  const auditDir = mkdtempSync(path.join(tmpdir(), 'shoal-audit-'))
  const fake = echoCore()
  const door = createDoor({ now: () => performance.now(), random: randomBytes, ...world })
  let allowed: ReadonlySet<string> = new Set()
  const logged: string[] = []
  const log: Log = (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const audit = openAudit(auditDir, log)
  const server = createBrowserServer({
    core: fake.core,
    door,
    screenDir: screen.root,
    allowed: () => allowed,
    log,
    audit,
    ...(tls ? { tls } : {}),
  })
  await new Promise<void>((resolve) => server.http.listen(0, '127.0.0.1', resolve))
  const { port } = server.http.address() as AddressInfo
  const scheme = tls ? 'https' : 'http'
  allowed = allowedAuthorities('127.0.0.1', port, scheme)
  const origin = `${scheme}://127.0.0.1:${port}`

  /** The response as it begins; undefined headers are left out. */
  function begin(target: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<IncomingMessage> {
    const kept = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    return new Promise((resolve, reject) => {
      const to = { host: '127.0.0.1', port, path: target, method, headers: kept }
      const sent = tls ? requestTls({ ...to, ca: tls.cert }, resolve) : request(to, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }

  async function fetchText(target: string, sent?: Sent): Promise<Answer> {
    const response = await begin(target, sent)
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }
  }

  /** A POST as our own page sends it. */
  const post = (target: string, body: unknown, headers: Sent['headers'] = {}) =>
    fetchText(target, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', 'x-shoal': '1', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  const cookieOf = (answer: Answer) => answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const signIn = async () => cookieOf(await post('/sign-in', { token: door.newToken() }))

  return {
    ...fake,
    door,
    origin,
    port,
    logged,
    /** What the audit says so far. */
    async audited(): Promise<readonly Record<string, unknown>[]> {
      await audit.close()
      const text = readFileSync(path.join(auditDir, 'audit.jsonl'), 'utf8')
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    server,
    begin,
    fetchText,
    post,
    signIn,
    cookieOf,
    async close() {
      server.http.closeAllConnections()
      await server.close()
      screen.remove()
      rmSync(auditDir, { recursive: true })
    },
  }
}
