/** The control socket with real clients. */
import { once } from 'node:events'
import { mkdtemp, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  agentMessageSchema,
  agentProtocol,
  lineTargetBytes,
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
const staged: { text: string; by: string }[] = []
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
  staged.length = 0
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
    stage: (text, by) => {
      staged.push({ text, by })
      return Promise.resolve({ digest: 'd', generation: 7, sound: true, problems: [] })
    },
    fileOrder: (order) => {
      orders.push(order)
      return Promise.resolve(order.kind === 'revert' ? 'There is no earlier file.' : undefined)
    },
    http: (socket) => void socket.end('HTTP/1.1 204 No Content\r\n\r\n'),
    wallMs: () => 5,
    notify: {
      view: () => Promise.resolve({ cluster: '', channels: [] }),
      set: () => Promise.reject(new Error('not here')),
      test: () => Promise.reject(new Error('not here')),
    },
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
  expect(await c.next()).toMatchObject({ id: 2, refused: `This agent speaks protocol ${agentProtocol}, not 99.` })
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
  c.send(`llo","protocol":${agentProtocol}}\n`)
  expect(await c.next()).toMatchObject({ id: 3, hello: {} })
})

it('many virtual servers come in parts, none longer than a line should be, and reports follow them', async () => {
  services = Array.from({ length: 100 }, (_, n) => ({ ...service(`tcp 10.0.0.1:${n}`), realServers: bulk(n) }))
  const c = await client()
  c.send({ id: 3, ask: 'watch' })
  const got: string[] = []
  for (;;) {
    const message = await c.next()
    expect(JSON.stringify(message).length).toBeLessThan(1.5 * lineTargetBytes)
    if ('part' in message) got.push(...message.part.map((s) => s.id))
    if (!('snapshot' in message)) continue
    got.push(...message.snapshot.services.map((s) => s.id))
    break
  }
  expect(got).toEqual(services.map((s) => s.id))
  services = services.map((s) => ({ ...s, sorry: true }))
  control.report([])
  const told: string[] = []
  for (let seq = 2; told.length < 100; seq++) {
    const message = await c.next()
    if (!('report' in message)) throw new Error(JSON.stringify(message).slice(0, 100))
    expect(message.report.seq).toBe(seq)
    expect(JSON.stringify(message).length).toBeLessThan(1.5 * lineTargetBytes)
    told.push(...(message.report.services ?? []).map((s) => s.id))
  }
  expect(told).toEqual(services.map((s) => s.id))
})

it('what matters is told at once, times of checks in turns', async () => {
  const many = Array.from({ length: 250 }, (_, n) => ({
    ...service(`tcp 10.0.0.1:${n}`),
    realServers: bulk(n).slice(0, 2),
  }))
  services = many
  const c = await client()
  c.send({ id: 3, ask: 'watch' })
  while (!('snapshot' in (await c.next())));
  const checked = (at: number): ServiceReport[] =>
    many.map((s) => ({ ...s, realServers: s.realServers.map((r) => ({ ...r, lastCheckAtMs: at })) }))
  const told = async (): Promise<string[]> => {
    control.report([])
    const message = await c.next()
    return 'report' in message ? (message.report.services ?? []).map((s) => s.id) : []
  }
  const seen = new Set<string>()
  services = checked(1)
  const first = await told()
  expect(first).toHaveLength(100)
  for (const id of [...first, ...(await told()), ...(await told())]) seen.add(id)
  expect(seen.size).toBe(250)
  services = checked(2).map((s, n) => (n === 249 ? { ...s, sorry: true } : s))
  expect(await told()).toContain('tcp 10.0.0.1:249')
})

it('a configuration is staged in one piece or in several, and committed, confirmed or taken back by name', async () => {
  const c = await client()
  c.send({ id: 1, ask: 'order', order: { kind: 'stage', text: 'a = ', more: true, by: 'me' } })
  expect(await c.next()).toEqual({ id: 1, done: true })
  c.send({ id: 2, ask: 'order', order: { kind: 'stage', text: '1\n', by: 'me' } })
  expect(await c.next()).toMatchObject({ id: 2, staged: { digest: 'd', generation: 7, sound: true } })
  expect(staged).toEqual([{ text: 'a = 1\n', by: 'me' }])
  c.send({ id: 3, ask: 'order', order: { kind: 'commit', digest: 'd', confirmWithinMs: 5_000, by: 'me' } })
  expect(await c.next()).toEqual({ id: 3, done: true })
  c.send({ id: 4, ask: 'order', order: { kind: 'revert', by: 'me' } })
  expect(await c.next()).toEqual({ id: 4, refused: 'There is no earlier file.' })
  c.send({ id: 5, ask: 'order', order: { kind: 'commit', digest: 'd', confirmWithinMs: 1, by: 'me' } })
  expect(await c.next()).toEqual({ id: 5, refused: 'This request is not known here.' })
})

it('a connection that begins with an HTTP request is given to the pages', async () => {
  const socket = connect(socketPath)
  sockets.push(socket)
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 204 /)
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
