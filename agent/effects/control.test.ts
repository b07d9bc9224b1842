/** The control socket with real clients. */
import { mkdtemp, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  agentMessageSchema,
  agentProtocol,
  type AgentMessage,
  type DirectorReport,
  type Order,
  type ServiceReport,
} from '../../domain/contract/agent.ts'
import { maxClients, openControl, type Control } from './control.ts'

let socketPath = ''
let control: Control
let director: DirectorReport
let services: ServiceReport[]
const orders: Order[] = []
let watchers = 0
const sockets: Socket[] = []

const report: DirectorReport = {
  director: 'lvs1',
  version: '1',
  bootId: '7',
  role: 'active',
  roleSinceMs: 1,
  term: 1,
  unfitBecause: [],
  configDigest: 'd',
  generation: 1,
  peer: { known: true, alive: true, paths: [] },
  virtualIps: [],
  kernel: { drift: [] },
  worstLatenessMs: 0,
}
const service = (id: string): ServiceReport => ({
  id,
  name: id,
  address: '10.0.0.1',
  port: 80,
  protocol: 'tcp',
  scheduler: 'rr',
  inKernel: true,
  sorry: false,
  realServers: [],
})

beforeEach(async () => {
  socketPath = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-control-')), 'agent.sock')
  director = report
  services = [service('tcp 10.0.0.1:80'), service('tcp 10.0.0.1:81')]
  orders.length = 0
  control = await openControl(socketPath, 'no-such-group', {
    hello: () => ({
      protocol: agentProtocol,
      version: '1',
      director: 'lvs1',
      bootId: '7',
      configDigest: 'd',
      generation: 1,
    }),
    director: () => director,
    services: () => services,
    journal: (afterMs, limit) => [
      { director: 'lvs1', boot: '7', seq: limit, atMs: afterMs ?? 0, event: { kind: 'trouble', says: 'x' } },
    ],
    order: (order) => {
      orders.push(order)
      return Promise.resolve(order.kind === 'reload' ? undefined : 'not now')
    },
    wallMs: () => 5,
    watchers: (n) => {
      watchers = n
    },
  })
})
afterEach(async () => {
  for (const s of sockets.splice(0)) s.destroy()
  await control.close()
})

interface Client {
  readonly send: (what: unknown) => void
  readonly next: () => Promise<AgentMessage>
  readonly socket: Socket
}

async function client(): Promise<Client> {
  const socket = connect(socketPath)
  sockets.push(socket)
  const messages: AgentMessage[] = []
  const waiting: ((m: AgentMessage) => void)[] = []
  let text = ''
  socket.on('error', () => undefined)
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const message = agentMessageSchema.parse(JSON.parse(line))
      const taker = waiting.shift()
      if (taker) taker(message)
      else messages.push(message)
    }
  })
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()))
  return {
    socket,
    send: (what) => void socket.write(typeof what === 'string' ? what : `${JSON.stringify(what)}\n`),
    next: () => {
      const message = messages.shift()
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve))
    },
  }
}

it('is for root and the group only', async () => {
  expect((await stat(socketPath)).mode & 0o777).toBe(0o660)
})

it('answers hello, and refuses another protocol', async () => {
  const c = await client()
  c.send({ id: 1, ask: 'hello', protocol: agentProtocol })
  expect(await c.next()).toMatchObject({ id: 1, hello: { director: 'lvs1' } })
  c.send({ id: 2, ask: 'hello', protocol: 99 })
  expect(await c.next()).toMatchObject({ id: 2, refused: 'This agent speaks protocol 1, not 99.' })
})

it('after watch: a whole snapshot, then consecutive reports of what has changed', async () => {
  const c = await client()
  c.send({ id: 1, ask: 'watch' })
  const first = await c.next()
  expect(first).toMatchObject({ id: 1, snapshot: { seq: 1, atMs: 5, director: report } })
  expect('snapshot' in first && first.snapshot.services).toHaveLength(2)
  expect(watchers).toBe(1)
  services = [{ ...service('tcp 10.0.0.1:80'), sorry: true }]
  control.report([])
  expect(await c.next()).toEqual({ report: { seq: 2, atMs: 5, services: [services[0]], gone: ['tcp 10.0.0.1:81'] } })
  director = { ...report, role: 'standby' }
  control.report([{ director: 'lvs1', boot: '7', seq: 3, atMs: 4, event: { kind: 'trouble', says: 'y' } }])
  expect(await c.next()).toMatchObject({ report: { seq: 3, director: { role: 'standby' }, journal: [{ seq: 3 }] } })
})

it('several clients, each with its own numbers; one that goes is no longer counted', async () => {
  const [a, b] = [await client(), await client()]
  a.send({ id: 1, ask: 'watch' })
  await a.next()
  director = { ...report, term: 2 }
  control.report([])
  expect(await a.next()).toMatchObject({ report: { seq: 2 } })
  b.send({ id: 1, ask: 'watch' })
  await b.next()
  director = { ...report, term: 3 }
  control.report([])
  expect(await a.next()).toMatchObject({ report: { seq: 3 } })
  expect(await b.next()).toMatchObject({ report: { seq: 2 } })
  expect(watchers).toBe(2)
  a.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(watchers).toBe(1)
})

it('orders are answered when they ended, the journal from memory', async () => {
  const c = await client()
  c.send({ id: 4, ask: 'order', order: { kind: 'reload', by: 'me' } })
  expect(await c.next()).toEqual({ id: 4, done: true })
  c.send({ id: 5, ask: 'order', order: { kind: 'hand-over', by: 'me' } })
  expect(await c.next()).toEqual({ id: 5, refused: 'not now' })
  c.send({ id: 6, ask: 'journal', afterMs: 9, limit: 3 })
  expect(await c.next()).toMatchObject({ id: 6, journal: [{ seq: 3, atMs: 9 }] })
  expect(orders.map((o) => o.kind)).toEqual(['reload', 'hand-over'])
})

it('nonsense is refused and the connection goes on; requests may come in pieces', async () => {
  const c = await client()
  c.send('what?\n')
  expect(await c.next()).toMatchObject({ refused: 'This line is not JSON.' })
  c.send({ id: 9, ask: 'format-disk' })
  expect(await c.next()).toEqual({ id: 9, refused: 'This request is not known here.' })
  c.send('{"id":3,"ask":"he')
  await new Promise((resolve) => setTimeout(resolve, 10))
  c.send('llo","protocol":1}\n')
  expect(await c.next()).toMatchObject({ id: 3, hello: {} })
})

it('a client that does not read is closed, not waited for', async () => {
  const c = await client()
  c.send({ id: 1, ask: 'watch' })
  await c.next()
  c.socket.pause()
  const closed = new Promise<void>((resolve) => c.socket.on('close', () => resolve()))
  for (let n = 0; n < 400; n++) {
    services = [{ ...service('tcp 10.0.0.1:80'), name: String(n), realServers: bulk(n) }]
    control.report([])
  }
  expect(control.watching()).toBeLessThanOrEqual(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(control.watching()).toBe(0)
  c.socket.resume()
  await closed
})

function bulk(n: number): ServiceReport['realServers'] {
  return Array.from({ length: 200 }, (_, i) => ({
    name: `${n}-${i}`,
    address: '10.0.0.2',
    port: 80,
    health: 'up' as const,
    recent: '1'.repeat(60),
    weightWanted: 1,
    weightKernel: 1,
    activeConnections: 0,
    inactiveConnections: 0,
    connections: 0,
    packetsIn: 0,
    bytesIn: 0,
  }))
}

it(`more than ${maxClients} clients are refused`, async () => {
  for (let n = 0; n < maxClients; n++) await client()
  const late = await client()
  expect(await late.next()).toMatchObject({ refused: `More than ${maxClients} clients are not served.` })
})
