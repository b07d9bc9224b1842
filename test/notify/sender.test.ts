/**
 * The agent as it is built, with its notifications on a thread of their own, on this machine: settings over its socket, a message that
 * arrives, a test, a kill in the middle, and that no secret is in anything it writes or says.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { rolldown, type OutputOptions, type RolldownOptions } from 'rolldown'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { agentMessageSchema, type AgentMessage } from '../../domain/contract/agent.ts'
import { newsGroups, type ChannelDraft } from '../../domain/notify.ts'
import { until, webReceiver, type WebReceiver } from './receivers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const secretPath = '/hook/t0psecretpath'
const startMostMs = 15_000
let bundle = ''
let folder = ''
let web: WebReceiver
let said = ''
const children: ChildProcess[] = []
const sockets: Socket[] = []

// A bundle is made and agents are started: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 90_000 })

beforeAll(async () => {
  const out = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-bundle-')), 'shoal-agent.cjs')
  const { default: config } = (await import(path.join(root, 'agent/rolldown.config.mjs'))) as {
    default: RolldownOptions & { output: OutputOptions }
  }
  const made = await rolldown(config)
  await made.write({ ...config.output, file: out })
  await made.close()
  bundle = out
}, 60_000)
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shoal-sender-'))
  web = await webReceiver()
  said = ''
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await web.close()
})

/** Starts the built agent as its unit does, with its files in a folder of the test. */
async function start(): Promise<ChildProcess> {
  const at = (name: string): string => path.join(folder, name)
  const child = spawn(process.execPath, ['--max-semi-space-size=4', bundle, 'run'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      SHOAL_LVSCF: at('lvs.cf'),
      SHOAL_KEY: at('cluster.key'),
      SHOAL_NOTIFY: at('notify.json'),
      SHOAL_STATE: at('state'),
      SHOAL_RUN: at('run'),
      SHOAL_GROUP: 'no-such-group',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const late = setTimeout(() => child.kill('SIGKILL'), startMostMs)
  while (
    !(await stat(at('run/agent.sock')).then(
      () => true,
      () => false,
    )) &&
    child.exitCode === null
  )
    await new Promise((resolve) => setTimeout(resolve, 20))
  clearTimeout(late)
  expect(child.exitCode, said).toBeNull()
  return child
}

/** Asks the agent once; `reports` collects everything else it says. */
async function ask(request: object): Promise<AgentMessage> {
  const socket = connect(path.join(folder, 'run/agent.sock'))
  sockets.push(socket)
  await once(socket, 'connect')
  socket.write(`${JSON.stringify({ id: 1, ...request })}\n`)
  for await (const line of createInterface({ input: socket })) {
    said += `${line}\n`
    return agentMessageSchema.parse(JSON.parse(line))
  }
  throw new Error('the agent ended the conversation')
}

const draft = (over: Partial<ChannelDraft> = {}): ChannelDraft =>
  ({
    id: 'ops',
    name: 'Ops',
    kind: 'webhook',
    language: 'zh-CN',
    groups: [...newsGroups],
    both: false,
    url: `${web.url}${secretPath}`,
    secret: 's1gn1ng-s3cret',
    ...over,
  }) as ChannelDraft
const set = (channels: readonly ChannelDraft[]): Promise<AgentMessage> =>
  ask({ ask: 'notify-set', cluster: 'shop', channels, by: 'the test' })
const ids = (): string[] => web.got.map(({ body }) => (JSON.parse(body) as { id: string }).id)

async function everyFile(of: string): Promise<string> {
  const texts = await Promise.all(
    (await readdir(of, { recursive: true, withFileTypes: true }))
      .filter((one) => one.isFile() && one.name !== 'notify.json')
      .map((one) => readFile(path.join(one.parentPath, one.name), 'latin1')),
  )
  return texts.join('\n')
}

it('is set over the socket, tells what is written to the journal, and tests; no secret is written or said', async () => {
  await start()
  const before = await ask({ ask: 'notify' })
  expect(before).toEqual({ id: 1, notify: { cluster: '', channels: [] } })
  const after = await set([draft()])
  expect(after).toMatchObject({
    notify: { cluster: 'shop', channels: [{ id: 'ops', shownUrl: `${web.url}/…`, hasSecret: true }] },
  })
  expect((await stat(path.join(folder, 'notify.json'))).mode & 0o777).toBe(0o600)

  // The order itself is in the journal after it; a busy machine may have put more there, for an agent says when it was paused.
  const told = (): (typeof web.got)[number] | undefined => web.got.find(({ body }) => body.includes('the test 命令'))
  await until(() => told() !== undefined)
  expect(told()?.path).toBe(secretPath)
  expect(JSON.parse(told()?.body ?? '')).toMatchObject({ cluster: 'shop', group: 'order' })

  const tested = await ask({ ask: 'notify-test', channel: 'ops' })
  expect(tested).toMatchObject({ tested: { passed: true, says: '' } })
  expect(ids()).toContainEqual(expect.stringMatching(/-test-\d+$/))

  web.answers.push({ status: 403, body: `no ${secretPath} s1gn1ng-s3cret` })
  expect(await ask({ ask: 'notify-test', channel: 'ops' })).toMatchObject({ tested: { passed: false } })
  expect(await ask({ ask: 'notify-test', channel: 'none' })).toMatchObject({ refused: /not known/ })

  // A change that gives no secret keeps the one that is there.
  const { url: _url, secret: _secret, ...rest } = draft({ name: 'Renamed' }) as ChannelDraft & { kind: 'webhook' }
  expect(await set([rest])).toMatchObject({ notify: { channels: [{ name: 'Renamed', hasSecret: true }] } })
  expect(await set([{ ...rest, id: 'new', name: 'New' }])).toMatchObject({ refused: /New/ })
  expect(await readFile(path.join(folder, 'notify.json'), 'utf8')).toContain('s1gn1ng-s3cret')

  const snapshot = await ask({ ask: 'watch' })
  expect(snapshot).toMatchObject({ snapshot: { director: { notify: [{ id: 'ops', name: 'Renamed', waiting: 0 }] } } })
  await set([])
  expect(await readdir(folder)).not.toContain('notify.json')
  expect(said + (await everyFile(folder))).not.toMatch(/t0psecret|s1gn1ng/)
})

it('killed in the middle it goes on after its start: every record arrives, in order', async () => {
  const first = await start()
  await set([draft()])
  await until(() => web.got.length >= 1)
  // The receiver is away while orders are written to the journal; the agent is killed meanwhile.
  web.answers.push(...Array.from({ length: 1_000 }, () => ({ status: 503 })))
  for (let n = 1; n <= 5; n++) await ask({ ask: 'order', order: { kind: 'reload', by: `operator ${n}` } })
  await until(() => web.got.length >= 2)
  first.kill('SIGKILL')
  await once(first, 'exit')
  web.answers.length = 0
  web.got.length = 0
  await start()
  await until(() => web.got.some(({ body }) => body.includes('operator 5')))
  await until(() => web.got.some(({ body }) => body.includes('"group":"agent"')))
  const orders = web.got.map(({ body }) => /operator (\d)/.exec(body)?.[1]).filter((n) => n !== undefined)
  expect(orders).toEqual(['1', '2', '3', '4', '5'])
  expect(new Set(ids()).size).toBe(web.got.length)
})
