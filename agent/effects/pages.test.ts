/** Metrics and health over HTTP on the agent's own socket, beside its lines of JSON, and over TCP only when asked. */
import { mkdtemp } from 'node:fs/promises'
import { get, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DirectorReport } from '../../domain/contract/agent.ts'
import { health, metrics } from '../director/metrics.ts'
import { openControl, type Control } from './control.ts'
import { openPages, type HttpDoor } from './pages.ts'

const director: DirectorReport = {
  director: 'lvs"1',
  version: '1',
  bootId: '7',
  role: 'active',
  roleSinceMs: 1_000,
  term: 3,
  unfitBecause: [],
  configDigest: 'd',
  generation: 1,
  peer: { known: true, alive: true, configDigest: 'e', paths: [] },
  virtualIps: [{ address: '10.0.0.9', device: 'eth0:1', wanted: true, held: true }],
  kernel: { drift: [] },
  worstLatenessMs: 12,
}
const vitals = { cpuS: 1.5, rssBytes: 1_000, startedAtMs: 0 }

let socketPath = ''
let control: Control
let pages: HttpDoor
const troubles: string[] = []

beforeEach(async () => {
  socketPath = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-pages-')), 'agent.sock')
  troubles.length = 0
  pages = openPages({
    trouble: (says) => troubles.push(says),
    page: (at) =>
      at === '/metrics'
        ? { status: 200, type: 'text/plain', body: metrics(director, [], { failovers: {}, events: {} }, vitals) }
        : undefined,
  })
  const none = (): Promise<undefined> => Promise.resolve(undefined)
  control = await openControl(socketPath, 'no-such-group', {
    hello: () => ({ protocol: 2, version: '1', director: 'lvs1', bootId: '7', configDigest: 'd', generation: 1 }),
    director: () => director,
    services: () => [],
    journal: () => [],
    order: none,
    stage: () => Promise.reject(new Error('not here')),
    fileOrder: none,
    wallMs: () => 5,
    notify: {
      view: () => Promise.resolve({ cluster: '', channels: [] }),
      set: () => Promise.reject(new Error('not here')),
      test: () => Promise.reject(new Error('not here')),
    },
    watchers: () => undefined,
    http: pages.serve,
  })
})
afterEach(async () => {
  pages.close()
  await control.close()
})

function fetched(at: string, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: at, method }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

it('answers HTTP and lines of JSON on the same socket', async () => {
  const { status, body } = await fetched('/metrics?x=1')
  expect(status).toBe(200)
  expect(body).toContain('# TYPE shoal_director_role gauge\n')
  expect(body).toContain('shoal_director_role{role="active"} 1\nshoal_director_role{role="standby"} 0\n')
  expect(body).toContain('shoal_agent_info{version="1",director="lvs\\"1"} 1\n')
  expect(body).toContain('shoal_config_equal 0\n')
  expect((await fetched('/nowhere')).status).toBe(404)
  expect((await fetched('/metrics', 'POST')).status).toBe(405)
  expect(await fetched('/metrics', 'HEAD')).toEqual({ status: 200, body: '' })
  const socket = connect(socketPath)
  socket.write('{"id":1,"ask":"hello","protocol":2}\n')
  const [line] = (await new Promise<Buffer[]>((resolve) => socket.once('data', (data: Buffer) => resolve([data])))) as [
    Buffer,
  ]
  expect(line.toString()).toContain('"hello"')
  socket.destroy()
})

it('listens on TCP only when told, moves, and says when it cannot', async () => {
  const free = (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number }
        server.close(() => resolve(port))
      })
    })
  const ask = (port: number): Promise<number> =>
    new Promise((resolve) => {
      get({ host: '127.0.0.1', port, path: '/metrics' }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      }).on('error', () => resolve(0))
    })
  const [a, b] = [await free(), await free()]
  pages.listen({ address: '127.0.0.1', port: a })
  await expect.poll(() => ask(a)).toBe(200)
  pages.listen({ address: '127.0.0.1', port: b })
  await expect.poll(() => ask(b)).toBe(200)
  expect(await ask(a)).toBe(0)
  pages.listen(undefined)
  await expect.poll(() => ask(b)).toBe(0)
  pages.listen({ address: '192.0.2.1', port: b })
  await expect.poll(() => troubles.length).toBe(1)
  expect(troubles[0]).toContain('192.0.2.1')
})

it('health names what is not as it should be', () => {
  expect(health(director)).toEqual({ healthy: true, because: [] })
  expect(health({ ...director, role: 'unfit', unfitBecause: ['no'] })).toEqual({ healthy: false, because: ['no'] })
  const [vip] = director.virtualIps
  expect(health({ ...director, virtualIps: vip ? [{ ...vip, held: false }] : [] }).healthy).toBe(false)
})
