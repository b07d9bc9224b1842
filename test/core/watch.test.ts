import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agentProtocol } from '../../domain/contract/agent.ts'
import type { DirectorReport, JournalEntry, Role, ServiceReport } from '../../domain/contract/agent.ts'
import { afterChange } from '../../domain/status.ts'
import type { ClusterStatus } from '../../domain/status.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import type { Hosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { sshDoor } from '../../core/live/agent-line.ts'
import { openJournal } from '../../core/live/journal.ts'
import type { Journal } from '../../core/live/journal.ts'
import { startWatch } from '../../core/live/watch.ts'
import type { Watch } from '../../core/live/watch.ts'
import { webDraft } from './material.ts'
import { newHostKey, startHost } from './ssh-host.ts'
import type { TestHost } from './ssh-host.ts'

/** An agent as the core meets it: a unix socket on its host that answers as contract/agent.ts says. */
class TestAgent {
  readonly orders: unknown[] = []
  journal: JournalEntry[] = []
  protocol = agentProtocol
  role: Role
  mute = false
  /** Told in the parts of a snapshot, one in each. */
  services: readonly ServiceReport[] = []
  private seq = 10
  private readonly sockets = new Set<Socket>()
  private server: Server | undefined

  readonly name: string
  private readonly path: string

  constructor(name: string, path: string, role: Role) {
    this.name = name
    this.path = path
    this.role = role
  }

  start(): Promise<void> {
    this.server = createServer((socket) => {
      this.sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.sockets.delete(socket))
      socket.setEncoding('utf8')
      let held = ''
      socket.on('data', (chunk: string) => {
        held += chunk
        const lines = held.split('\n')
        held = lines.pop() ?? ''
        for (const line of lines) this.answer(socket, JSON.parse(line) as { id: number; ask: string; order?: unknown })
      })
    })
    return new Promise((resolve) => this.server?.listen(this.path, resolve))
  }
  stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    return new Promise((resolve) => {
      if (this.server) this.server.close(() => resolve())
      else resolve()
    })
  }
  entry(seq: number, atMs: number): JournalEntry {
    return { director: this.name, boot: '1', seq, atMs, event: { kind: 'trouble', says: `line ${seq}` } }
  }
  report(more: object, skip = 0): void {
    this.seq += 1 + skip
    this.say({ report: { seq: this.seq, atMs: Date.now(), ...more } })
  }
  say(message: object | string): void {
    const line = typeof message === 'string' ? message : JSON.stringify(message)
    for (const socket of this.sockets) socket.write(`${line}\n`)
  }
  director(): DirectorReport {
    return {
      director: this.name,
      version: '0.1.0',
      bootId: '1',
      role: this.role,
      roleSinceMs: Date.now() - 5_000,
      term: 1,
      unfitBecause: [],
      configDigest: 'd',
      generation: 1,
      peer: { known: true, alive: true, role: this.role === 'active' ? 'standby' : 'active', paths: [] },
      virtualIps: [{ address: '192.168.2.27', device: 'eth0:1', wanted: true, held: this.role === 'active' }],
      kernel: { drift: [] },
      worstLatenessMs: 0,
    }
  }
  private answer(socket: Socket, { id, ask, order }: { id: number; ask: string; order?: unknown }): void {
    if (this.mute) return
    const say = (body: object): void => {
      socket.write(`${JSON.stringify({ id, ...body })}\n`)
    }
    if (ask === 'hello') {
      const { name: director, protocol } = this
      say({ hello: { protocol, version: '0.1.0', director, bootId: '1', configDigest: 'd', generation: 1 } })
    } else if (ask === 'watch') {
      for (const service of this.services.slice(0, -1)) say({ part: [service] })
      const services = this.services.slice(-1)
      say({ snapshot: { seq: this.seq, atMs: Date.now(), director: this.director(), services } })
    } else if (ask === 'journal') say({ journal: this.journal })
    else {
      this.orders.push(order)
      say({ done: true })
    }
  }
}

let machines: readonly TestHost[]
let agents: readonly TestAgent[]
let hosts: Hosts
let folder: string
let journal: Journal
let watch: Watch
const statuses: ClusterStatus[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-watch-'))
  const keys = [newHostKey(), newHostKey()]
  machines = await Promise.all(keys.map((key) => startHost({ password: 'x', hostKey: key.private })))
  mkdirSync(join(folder, '.ssh'))
  writeFileSync(
    join(folder, '.ssh', 'known_hosts'),
    machines.map(({ port }, at) => `[127.0.0.1]:${port} ${keys[at]?.public ?? ''}\n`).join(''),
  )
  agents = machines.map(
    (machine, at) => new TestAgent(`lvs${at + 1}`, join(machine.folder, 'agent.sock'), at === 0 ? 'active' : 'standby'),
  )
  await Promise.all(agents.map((agent) => agent.start()))
  const secrets = openSecrets(undefined)
  for (const { port } of machines) await secrets.keep({ address: '127.0.0.1', port, user: 'root' }, 'password', 'x')
  hosts = openHosts({ knownHosts: openKnownHosts(join(folder, 'own'), folder), secret: secrets.get, uploadTag: 'test' })
  statuses.length = 0
})
afterEach(async () => {
  watch.stop()
  hosts.close()
  await Promise.all(agents.map((agent) => agent.stop()))
  await Promise.all(machines.map((machine) => machine.close()))
})

async function begin(): Promise<void> {
  journal = await openJournal(join(folder, 'journal.jsonl'))
  const web = webDraft()
  const directors = web.directors.map((director, at) => ({
    ...director,
    address: '127.0.0.1',
    port: String(machines[at]?.port),
    user: 'root',
    login: { kind: 'password' as const, keyFile: '' },
  })) as unknown as typeof web.directors
  watch = startWatch('c', { ...web, directors }, 100, ['192.168.2.27'], {
    door: sshDoor(hosts),
    journal,
    now: Date.now,
    onChange: (change) => {
      const before = statuses.at(-1)
      statuses.push(afterChange(before ?? watch.status(), change))
    },
    onJournal: () => undefined,
  })
  await watch.heardOrFailed(8_000)
}

async function until(is: (status: ClusterStatus) => boolean, limitMs = 8_000): Promise<number> {
  const startedAt = performance.now()
  while (!is(watch.status())) {
    if (performance.now() - startedAt > limitMs) throw new Error(`not so: ${JSON.stringify(watch.status())}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - startedAt
}
const contact = (at: number) => (status: ClusterStatus) => status.directors[at]?.contact
function agent(at: number): TestAgent {
  const found = agents[at]
  if (!found) throw new Error('no such agent')
  return found
}

it('lays both agents side by side and says who serves', async () => {
  await begin()
  await until((status) => status.directors.every((director) => director.contact === 'connected'))
  expect(watch.status().verdict).toMatchObject({ kind: 'served', by: 'lvs1', standby: 'ready' })
})

it('follows reports, and passes both journals on merged, without doubles, in order of time', async () => {
  agent(0).journal = [agent(0).entry(1, 1_000), agent(0).entry(2, 3_000)]
  agent(1).journal = [agent(1).entry(1, 2_000)]
  await begin()
  await until((status) => status.directors.every((director) => director.contact === 'connected'))
  agent(0).role = 'standby'
  agent(0).report({ director: agent(0).director(), journal: [agent(0).entry(2, 3_000), agent(0).entry(3, 4_000)] })
  agent(1).role = 'active'
  agent(1).report({ director: agent(1).director() })
  await until(({ verdict }) => verdict.kind === 'served' && verdict.by === 'lvs2')
  await journal.settled()
  expect(journal.newest(10).map(({ director, seq }) => `${director} ${seq}`)).toEqual([
    'lvs1 1',
    'lvs2 1',
    'lvs1 2',
    'lvs1 3',
  ])
  const kept = await openJournal(join(folder, 'journal.jsonl'))
  expect(kept.newest(10)).toEqual(journal.newest(10))
})

it('a missing report means: connect again and take the whole state', async () => {
  await begin()
  await until((status) => contact(0)(status) === 'connected')
  agent(0).role = 'standby'
  agent(0).report({}, 1)
  await until((status) => status.directors[0]?.report?.role === 'standby' && contact(0)(status) === 'connected')
})

it('an agent that falls silent is noticed within some three seconds, and taken up again when it speaks', async () => {
  await begin()
  await until((status) => contact(0)(status) === 'connected')
  agent(0).mute = true
  const noticedMs = await until((status) => contact(0)(status) === 'lost')
  expect(noticedMs).toBeGreaterThan(2_000)
  expect(noticedMs).toBeLessThan(4_500)
  expect(watch.status().directors[0]?.problem?.code).toBe('agent-silent')
  agent(0).mute = false
  await until((status) => contact(0)(status) === 'connected', 12_000)
})

it('an agent that starts again is taken up again', async () => {
  await begin()
  await until((status) => contact(1)(status) === 'connected')
  await agent(1).stop()
  await until((status) => contact(1)(status) === 'lost')
  await agent(1).start()
  await until((status) => contact(1)(status) === 'connected')
})

it('the socket of an agent that was killed is no refusal: the next agent is taken up as soon as it listens', async () => {
  await begin()
  await until((status) => contact(1)(status) === 'connected')
  const path = join(machines[1]?.folder ?? '', 'agent.sock')
  await agent(1).stop()
  const killed = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(path)})`])
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20))
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await until((status) => status.directors[1]?.problem?.detail?.['reason'] === 'shoal-agent is not listening')
  expect(watch.status().directors[1]?.problem?.code).toBe('agent-absent')
  unlinkSync(path)
  await agent(1).start()
  await until((status) => contact(1)(status) === 'connected')
})

it('a host that goes away and comes back is taken up again, at a bounded rate', async () => {
  await begin()
  await until((status) => contact(1)(status) === 'connected')
  const machine = machines[1]
  if (!machine) throw new Error('no machine')
  machine.down = true
  machine.cut()
  await until((status) => contact(1)(status) === 'lost')
  const before = machine.logins.length
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(machine.logins.length).toBe(before)
  machine.down = false
  await until((status) => contact(1)(status) === 'connected')
})

it.each([
  ['what is no message', 'agent-unreadable', () => agent(0).say('{"report":{"seq":"x"}}')],
  ['what is no JSON', 'agent-unreadable', () => agent(0).say('hello')],
] as const)('%s ends the conversation with the reason', async (_what, code, disturb) => {
  await begin()
  await until((status) => contact(0)(status) === 'connected')
  disturb()
  await until(() => statuses.some((status) => status.directors[0]?.problem?.code === code))
})

it('an agent of another protocol is refused with both numbers', async () => {
  agent(0).protocol = 99
  await begin()
  expect(watch.status().directors[0]?.problem).toMatchObject({
    code: 'agent-other-protocol',
    detail: { theirs: 99, ours: agentProtocol },
  })
})

it('a director without an agent is told as such, and the other one is watched all the same', async () => {
  await agent(0).stop()
  await begin()
  await until((status) => contact(1)(status) === 'connected')
  expect(watch.status().directors[0]?.problem?.code).toBe('agent-absent')
  expect(watch.status().verdict).toMatchObject({ kind: 'served', by: 'lvs1', standby: 'ready' })
})

it('an order goes to the director that is active', async () => {
  await begin()
  await until((status) => status.directors.every((director) => director.contact === 'connected'))
  expect(await watch.order({ kind: 'hand-over', by: 'me' })).toEqual({ ok: true, value: null })
  expect(agents.map(({ orders }) => orders)).toEqual([[{ kind: 'hand-over', by: 'me' }], []])
})

it('half a line at the end of the kept history is left out, and what comes next is whole', async () => {
  const file = join(folder, 'half.jsonl')
  const first = await openJournal(file)
  await first.add([agent(0).entry(1, 1_000)])
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"director":"lvs1","bo`)
  const second = await openJournal(file)
  await second.add([agent(0).entry(2, 2_000)])
  expect((await openJournal(file)).newest(9).map(({ seq }) => seq)).toEqual([1, 2])
  await begin()
})

it('a snapshot in parts is one snapshot; a report without the list of virtual IPs leaves it as it is', async () => {
  const [first] = agents
  if (!first) throw new Error('no agent')
  first.services = [1, 2, 3].map((n) => ({
    id: `tcp 192.168.2.27:${n}`,
    name: `web${n}`,
    address: '192.168.2.27',
    port: n,
    protocol: 'tcp',
    scheduler: 'rr',
    inKernel: true,
    sorry: false,
    realServers: [],
  }))
  await begin()
  await until((status) => status.directors[0]?.services.length === 3)
  expect(watch.status().directors[0]?.services.map((s) => s.name)).toEqual(['web1', 'web2', 'web3'])
  const { virtualIps, ...rest } = first.director()
  first.report({ director: { ...rest, term: 9 } })
  await until((status) => status.directors[0]?.report?.term === 9)
  expect(watch.status().directors[0]?.report?.virtualIps).toEqual(virtualIps)
  // After the next connection the parts of the former one do not count.
  first.report({}, 5)
  await until((status) => status.directors[0]?.report?.term === 1)
  expect(watch.status().directors[0]?.services).toHaveLength(3)
})
