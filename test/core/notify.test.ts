/** Notifications as requests of the core, to the simulated directors: set on both, shown without secrets, tested, counted. */
import { mkdtemp, readFile, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createCore } from '../../core/core.ts'
import type { Core } from '../../core/ports.ts'
import type { DirectorTested, NotifyOverview } from '../../domain/notify.ts'
import type { Result } from '../../domain/problem.ts'
import { simulationId } from '../../domain/simulation.ts'
import type { ClusterStatus } from '../../domain/status.ts'

let core: Core
let dataDir = ''

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'shoal-notify-core-'))
  core = await createCore({ dataDir, home: dataDir, agentDir: dataDir, host: 'browser', version: '0' })
  await core.ask('simulation.start', { forwarding: 'direct' })
})
afterEach(() => core.close())

const id = simulationId
const mail = {
  id: 'mail',
  name: 'Mail',
  kind: 'mail',
  language: 'en',
  groups: ['failover', 'health-down', 'agent'],
  both: false,
  host: 'mail.example.com',
  port: 587,
  security: 'starttls',
  user: 'shoal',
  from: 'shoal@example.com',
  to: ['ops@example.com'],
} as const
const robot = {
  id: 'robot',
  name: '值班群',
  kind: 'feishu',
  language: 'zh-CN',
  groups: ['failover'],
  both: false,
  url: 'https://open.feishu.cn/open-apis/bot/v2/hook/t0psecret',
  secret: 's1gn1ng',
} as const
const ask = async <T>(name: string, args: unknown): Promise<Result<T>> => (await core.ask(name, args)) as Result<T>
const set = (channels: readonly unknown[]): Promise<Result<NotifyOverview>> => ask('notify.set', { id, channels })
const codes = (result: Result<unknown>): readonly string[] => (result.ok ? [] : result.problems.map(({ code }) => code))

it('both directors take the channels, show no secret of them, and keep the secrets over a change', async () => {
  const first = await set([{ ...mail, password: 'pa55word' }, robot])
  expect(first.ok && first.value.directors.map(({ name, view }) => [name, view?.channels.length])).toEqual([
    ['lvs1', 2],
    ['lvs2', 2],
  ])
  const { url: _url, secret: _secret, ...kept } = robot
  expect((await set([mail, { ...kept, name: '夜班群' }])).ok).toBe(true)
  const after = await ask<NotifyOverview>('notify.get', { id })
  expect(after.ok && after.value.directors[1]?.view).toMatchObject({
    cluster: 'demo',
    channels: [
      { id: 'mail', hasPassword: true, host: 'mail.example.com' },
      { id: 'robot', name: '夜班群', hasSecret: true, shownUrl: 'https://open.feishu.cn/…' },
    ],
  })
  expect(JSON.stringify([first, after])).not.toMatch(/t0psecret|s1gn1ng|pa55word/)
})

it('a kept password is not sent to another server, and then nothing is changed', async () => {
  await set([{ ...mail, password: 'pa55word' }])
  for (const change of [{ host: 'elsewhere.example' }, { port: 25 }, { user: 'other' }, { security: 'tls' }])
    expect(codes(await set([{ ...mail, ...change }]))).toEqual(['notify-secret-lacking', 'notify-secret-lacking'])
  const { url: _url, ...lost } = robot
  expect(codes(await set([mail, lost]))).toContain('notify-secret-lacking')
  const after = await ask<NotifyOverview>('notify.get', { id })
  expect(after.ok && after.value.directors.map(({ view }) => view?.channels.map((one) => one.id))).toEqual([
    ['mail'],
    ['mail'],
  ])
})

it('what cannot be a channel is refused at the door', async () => {
  for (const wrong of [
    { ...robot, url: 'https://user:pass@example.com/' },
    { ...robot, url: 'ftp://example.com/' },
    { ...robot, url: 'https://example.com/a b' },
    { ...robot, url: 'https://example.com/\r\nX: y' },
    { ...robot, name: 'a\nb' },
    { ...robot, groups: [] },
    { ...mail, from: 'a@b.example>\r\nRCPT TO:<c@d.example' },
    { ...mail, to: ['a b@example.com'] },
    { ...mail, host: 'mail example' },
    { ...mail, security: 'none', password: 'x' },
  ])
    expect(codes(await set([wrong])), JSON.stringify(wrong)).toEqual(['request-malformed'])
})

it('a test of a simulated director says what it would have sent, and that nothing was', async () => {
  await set([robot])
  const tested = await ask<readonly DirectorTested[]>('notify.test', { id, channel: 'robot' })
  expect(tested.ok && tested.value.map(({ name, tested: one }) => [name, one?.simulated, one?.passed])).toEqual([
    ['lvs1', true, true],
    ['lvs2', true, true],
  ])
  expect(tested.ok && tested.value[0]?.tested?.says).toContain('来自 lvs1 的测试：经“值班群”的通知可以送达')
  const unknown = await ask<readonly DirectorTested[]>('notify.test', { id, channel: 'none' })
  expect(unknown.ok && unknown.value.map(({ problem }) => problem?.code)).toEqual(['agent-refused', 'agent-refused'])
})

it('what happens is counted by the channels that would have told it, and no secret is written down', async () => {
  await set([{ ...mail, password: 'pa55word' }, robot])
  await core.ask('simulation.fault', { fault: { kind: 'kill', director: 'lvs2' } })
  const watched = async () => {
    const status = await ask<ClusterStatus>('clusters.watch', { id })
    await core.ask('clusters.unwatch', { id })
    if (!status.ok) throw new Error(codes(status).join(' '))
    return status.value.directors[1]?.report?.notify
  }
  const deadline = Date.now() + 10_000
  while (!((await watched())?.[0]?.delivered ?? 0) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await watched()).toMatchObject([
    { id: 'mail', waiting: 0, delivered: 1 },
    { id: 'robot', delivered: 0 },
  ])
  await core.close()
  const files = await readdir(dataDir, { recursive: true, withFileTypes: true })
  for (const file of files.filter((one) => one.isFile()))
    expect(await readFile(path.join(file.parentPath, file.name), 'utf8')).not.toMatch(/t0psecret|s1gn1ng|pa55word/)
})
