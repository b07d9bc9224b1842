/** One message to a real server on loopback, in each format: what arrives, what is signed, what is refused, and that no secret is said. */
import { createHmac } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { News } from '../../domain/notify-message.ts'
import { channelSchema, type Channel, type MailChannel, type WebhookKind } from '../../domain/notify.ts'
import { openDeliver, type Deliver } from '../../agent/effects/notify/deliver.ts'
import { stuffed } from '../../agent/effects/notify/mail.ts'
import { openLookup } from '../../agent/effects/notify/names.ts'
import { openTrust } from '../../agent/effects/notify/trust.ts'
import { certificate, mailReceiver, webReceiver, type MailReceiver, type WebReceiver } from './receivers.ts'

const nowMs = Date.UTC(2026, 10, 21, 15, 4, 5)
const evil = 'x\r\nBcc: all@example.org\r\n\r\n.\r\n<!channel> <at user_id="all"></at> <@all> \u202Eab & "c"'
let web: WebReceiver
let mails: MailReceiver
let caFile = ''
let deliver: Deliver

beforeAll(async () => {
  caFile = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-notify-')), 'ca.pem')
  await writeFile(caFile, certificate.cert)
})
beforeEach(async () => {
  web = await webReceiver()
  mails = await mailReceiver()
  deliver = openDeliver({
    director: 'lvs1',
    lookup: openLookup(),
    trust: openTrust(),
    wallMs: () => nowMs,
    limitMs: 2_000,
  })
})
afterEach(async () => {
  await web.close()
  await mails.close()
})

const news = (text = 'rs2 is down for web', seq = 42): News => ({
  id: `lvs1-1763-${seq}`,
  director: 'lvs1',
  cluster: 'shop',
  group: 'health-down',
  level: 'problem',
  atMs: nowMs,
  at: '2026-11-21 15:04:05 +00:00',
  text,
  event: { kind: 'health', service: 'tcp 10.0.0.1:80', server: '10.0.0.2:80', to: 'down' },
})
const message = (...all: readonly News[]) => ({ language: 'en', news: all, omitted: 0 }) as const
const common = { id: 'a', name: 'Ops', language: 'en', groups: ['failover'], both: false } as const
const hook = (kind: WebhookKind, url = `${web.url}/hook/t0psecretpath?key=k3yk3yk3y`, secret = ''): Channel =>
  channelSchema.parse({ ...common, kind, url, secret })
const mailTo = (over: Partial<MailChannel> = {}): Channel =>
  channelSchema.parse({
    ...common,
    groups: ['failover'],
    kind: 'mail',
    host: '127.0.0.1',
    port: mails.port,
    security: 'starttls',
    user: 'shoal',
    password: 'pa55 wörd',
    from: 'shoal@example.com',
    to: ['ops@example.com'],
    caFile,
    ...over,
  })

it('a webhook gets the event as JSON, with its id for telling doubles, signed with the secret', async () => {
  expect(await deliver(hook('webhook', `${web.url}/a`, 's3cret'), message(news()))).toEqual({ delivered: true })
  const [got] = web.got
  expect(JSON.parse(got?.body ?? '')).toEqual({
    source: 'shoal',
    id: 'lvs1-1763-42',
    cluster: 'shop',
    director: 'lvs1',
    group: 'health-down',
    level: 'problem',
    atMs: nowMs,
    at: '2026-11-21 15:04:05 +00:00',
    text: 'rs2 is down for web',
    event: { kind: 'health', service: 'tcp 10.0.0.1:80', server: '10.0.0.2:80', to: 'down' },
  })
  expect(got?.headers['idempotency-key']).toBe('lvs1-1763-42')
  const signature = createHmac('sha256', 's3cret')
    .update(got?.body ?? '')
    .digest('hex')
  expect(got?.headers['x-shoal-signature']).toBe(`sha256=${signature}`)
})

it('Feishu and DingTalk are signed as their robots want it', async () => {
  web.answers.push({ status: 200, body: '{"code":0}' }, { status: 200, body: '{"errcode":0}' })
  await deliver(hook('feishu', `${web.url}/f`, 'SEC1'), message(news()))
  await deliver(hook('dingtalk', `${web.url}/robot/send?access_token=abcdef`, 'SEC2'), message(news()))
  const feishu = JSON.parse(web.got[0]?.body ?? '') as Record<string, string>
  const seconds = String(nowMs / 1000)
  expect(feishu).toMatchObject({ msg_type: 'text', timestamp: seconds })
  expect(feishu['sign']).toBe(createHmac('sha256', `${seconds}\nSEC1`).update('').digest('base64'))
  const at = new URL(web.got[1]?.path ?? '', web.url)
  expect(at.searchParams.get('access_token')).toBe('abcdef')
  expect(at.searchParams.get('timestamp')).toBe(String(nowMs))
  const signed = createHmac('sha256', 'SEC2').update(`${nowMs}\nSEC2`).digest('base64')
  expect(at.searchParams.get('sign')).toBe(signed)
  expect(JSON.parse(web.got[1]?.body ?? '')).toMatchObject({ msgtype: 'text', at: { isAtAll: false } })
})

it('several events go in one chat message, in order, each with its id', async () => {
  web.answers.push({ status: 200, body: '{"errcode":0,"errmsg":"ok"}' })
  await deliver(hook('wecom'), { ...message(news('one', 1), news('two', 2)), omitted: 3 })
  const { text } = JSON.parse(web.got[0]?.body ?? '') as { text: { content: string } }
  expect(text.content.split('\n')).toEqual([
    'Shoal · shop · lvs1',
    '3 earlier events were given up; the history of the cluster has them',
    '[Problem] 2026-11-21 15:04:05 +00:00 one (lvs1-1763-1)',
    '[Problem] 2026-11-21 15:04:05 +00:00 two (lvs1-1763-2)',
  ])
})

it.each([
  ['feishu', '{"code":19021,"msg":"sign match fail"}', 'sign match fail'],
  ['dingtalk', '{"errcode":310000,"errmsg":"keywords not in content"}', 'keywords not in content'],
  ['wecom', '{"errcode":93000,"errmsg":"invalid webhook url"}', 'invalid webhook url'],
  ['wecom', '<html>login</html>', 'login'],
] as const)('a robot of %s that answers 200 and a refusal has not taken the message', async (kind, body, says) => {
  web.answers.push({ status: 200, body })
  const outcome = await deliver(hook(kind), message(news()))
  expect(outcome).toMatchObject({ delivered: false, final: false })
  expect(outcome.says).toContain(says)
})

it('what comes from outside stays text: nobody is called, no line is begun, no header is added', async () => {
  for (const kind of ['slack', 'feishu', 'wecom', 'dingtalk'] as const) await deliver(hook(kind), message(news(evil)))
  const [slack, feishu, wecom, dingtalk] = web.got.map(({ body }) => body)
  expect(slack).toContain('&lt;!channel&gt;')
  expect(slack).not.toContain('<')
  for (const body of [feishu, wecom]) expect(body).not.toMatch(/<(?:at|@)/)
  expect(JSON.parse(dingtalk ?? '')).toMatchObject({ msgtype: 'text', at: { isAtAll: false } })
  for (const { body } of web.got) {
    expect(JSON.stringify(JSON.parse(body))).not.toContain('\\r')
    expect(body).not.toContain('\u202E')
    // Who tells, and one line for the one event.
    expect(body.match(/\\n/g)).toHaveLength(1)
  }
  expect(await deliver(mailTo(), message(news(`Zürich 中文 ${evil}`)))).toEqual({ delivered: true })
  expect(await deliver(mailTo(), message(news(evil)))).toEqual({ delivered: true })
  for (const { to, data } of mails.mails) {
    expect(to).toEqual(['<ops@example.com>'])
    const [head = ''] = data.split('\r\n\r\n')
    expect(head).not.toMatch(/^Bcc:/m)
    expect(
      head
        .split('\r\n')
        .filter((line) => !/^\s/.test(line))
        .map((line) => line.split(':')[0]),
    ).toEqual([
      'From',
      'To',
      'Subject',
      'Date',
      'Message-ID',
      'Auto-Submitted',
      'X-Shoal-Record',
      'MIME-Version',
      'Content-Type',
      'Content-Transfer-Encoding',
    ])
    for (const line of data.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998)
  }
})

it('a mail in Chinese has its subject in encoded words and its text whole', async () => {
  const text = '真实服务器 rs2 无法提供 web：连接被拒绝，'.repeat(6)
  await deliver(mailTo(), { language: 'zh-CN', news: [{ ...news(text), cluster: '商城' }], omitted: 0 })
  const { data = '' } = mails.mails[0] ?? {}
  const [head = '', body = ''] = data.split('\r\n\r\n')
  const subject = /^Subject: ((?:.*\r\n )*.*)$/m.exec(head)?.[1] ?? ''
  for (const word of subject.split(/\r\n /)) {
    expect(word).toMatch(/^=\?UTF-8\?B\?[A-Za-z0-9+/=]+\?=$/)
    expect(word.length).toBeLessThanOrEqual(75)
  }
  const said = subject
    .split(/\r\n /)
    .map((word) => Buffer.from(word.slice(10, -2), 'base64').toString())
    .join('')
  expect(said).toContain('[Shoal 商城] 问题: 真实服务器 rs2')
  expect(Buffer.from(body, 'base64').toString()).toContain(text)
  expect(head).toContain('Date: Sat, 21 Nov 2026 15:04:05 +0000')
})

it('mail goes by STARTTLS or TLS with a login, and the same records have the same Message-ID', async () => {
  const implicit = await mailReceiver({ implicit: true })
  await deliver(mailTo(), message(news('.a dot in front is no end')))
  await deliver(mailTo({ security: 'tls', port: implicit.port }), message(news()))
  mails.offers = ['STARTTLS', 'AUTH LOGIN']
  await deliver(mailTo(), message(news()))
  expect(mails.mails[0]).toMatchObject({ overTls: true, login: '|shoal|pa55 wörd', from: '<shoal@example.com>' })
  expect(mails.mails[1]).toMatchObject({ overTls: true, login: 'user=shoal password=pa55 wörd ' })
  expect(implicit.mails[0]).toMatchObject({ overTls: true, login: '|shoal|pa55 wörd' })
  // Nothing but the hello and STARTTLS was said in the clear.
  expect(mails.lines.filter((line) => !line.startsWith('[tls]')).map((line) => line.split(' ')[0])).toEqual([
    'EHLO',
    'STARTTLS',
    'EHLO',
    'STARTTLS',
  ])
  const ids = [...mails.mails, ...implicit.mails].map(({ data }) => /^Message-ID: (.*)$/m.exec(data)?.[1])
  expect(new Set(ids)).toHaveLength(1)
  await implicit.close()
})

it('a line that begins with a dot ends no mail', () => {
  expect(stuffed('a\n.\n..b\r\nc')).toBe('a\r\n..\r\n...b\r\nc\r\n.\r\n')
  expect(stuffed('.')).toBe('..\r\n.\r\n')
})

it('without STARTTLS neither login nor mail is sent, and nothing slipped in before TLS counts', async () => {
  mails.offers = ['AUTH PLAIN']
  const outcome = await deliver(mailTo(), message(news()))
  expect(outcome).toMatchObject({ delivered: false, says: 'The mail server does not offer STARTTLS.' })
  mails.offers = ['STARTTLS', 'AUTH PLAIN']
  mails.slipped = '250 slipped in\r\n'
  expect((await deliver(mailTo(), message(news()))).says).toContain('before TLS')
  expect(mails.lines.filter((line) => /AUTH|MAIL|DATA/.test(line))).toEqual([])
  expect(() => mailTo({ security: 'none' })).toThrow(/over TLS only/)
})

it('a certificate that is not trusted ends it before anything is said', async () => {
  const secure = await webReceiver({ tls: true })
  const untrusted = await deliver(hook('webhook', `${secure.url}/x`), message(news()))
  expect(untrusted).toMatchObject({ delivered: false })
  expect(untrusted.says).toMatch(/^self.signed certificate$/i)
  expect(secure.got).toEqual([])
  const trusted = channelSchema.parse({ ...hook('webhook', `${secure.url}/x`), caFile })
  expect(await deliver(trusted, message(news()))).toEqual({ delivered: true })
  const { caFile: _none, ...bare } = mailTo() as MailChannel
  expect((await deliver(bare, message(news()))).says).toMatch(/self.signed/i)
  expect(mails.lines.filter((line) => line.includes('AUTH'))).toEqual([])
  await secure.close()
})

it('what the other side repeats of the secrets is not said', async () => {
  web.answers.push({ status: 403, body: 'no: /hook/t0psecretpath?key=k3yk3yk3y t0psecretpath k3yk3yk3y s1gn1ng' })
  const outcome = await deliver(hook('webhook', undefined, 's1gn1ng'), message(news()))
  expect(outcome.says).toMatch(/^It answered 403: no/)
  expect(outcome.says).not.toMatch(/t0psecret|k3yk3y|s1gn1ng/)
  const login = Buffer.from('\0shoal\0pa55 wörd').toString('base64')
  mails.instead.set('AUTH', `535 5.7.8 bad ${login} pa55 wörd`)
  const refused = await deliver(mailTo(), message(news()))
  expect(refused.says).toContain('login: 535 5.7.8 bad')
  expect(refused.says).not.toContain(login)
  expect(refused.says).not.toContain('pa55')
})

it('a server that hangs, breaks off or is not there is told as such, within the limit', async () => {
  web.answers.push('hang', 'reset', { status: 429, headers: { 'Retry-After': '7' } }, { status: 302 })
  expect((await deliver(hook('slack'), message(news()))).says).toBe('No answer from 127.0.0.1 within 2 s.')
  expect((await deliver(hook('slack'), message(news()))).says).toMatch(/hang up|ECONNRESET/)
  expect(await deliver(hook('slack'), message(news()))).toMatchObject({ delivered: false, waitMs: 7_000 })
  expect(await deliver(hook('slack'), message(news()))).toMatchObject({ delivered: false, says: 'It answered 302' })
  const { port } = web
  await web.close()
  expect((await deliver(hook('slack', `http://127.0.0.1:${port}/x`), message(news()))).says).toContain('ECONNREFUSED')
  web = await webReceiver()
})

it('one recipient who is refused for good is said, and the others have their mail; a no for now keeps it for all', async () => {
  const two = mailTo({ to: ['gone@example.com', 'ops@example.com'] })
  mails.instead.set('RCPT TO:<gone', '550 5.1.1 No such user')
  const outcome = await deliver(two, message(news()))
  expect(outcome).toEqual({ delivered: true, says: 'Not taken for gone@example.com: 550 5.1.1 No such user' })
  expect(mails.mails[0]?.to).toEqual(['<ops@example.com>'])
  mails.instead.set('RCPT TO:<gone', '451 4.7.1 Greylisted')
  expect(await deliver(two, message(news()))).toMatchObject({ delivered: false, final: false })
  mails.instead.set('.', '554 5.7.1 Looks like spam')
  expect(await deliver(two, message(news()))).toMatchObject({ delivered: false, final: true })
})

it('names are resolved one at a time, so that a dead name server takes one thread and no more', async () => {
  let asked = 0
  const waiting: (() => void)[] = []
  const lookup = openLookup(((_name: string, _options: unknown, done: (...all: unknown[]) => void) => {
    asked += 1
    waiting.push(() => done(null, '127.0.0.1', 4))
  }) as never)
  let found = 0
  for (let n = 0; n < 3; n++) lookup('ops.example', {}, () => found++)
  lookup('127.0.0.1', {}, () => found++)
  await new Promise((resolve) => setImmediate(resolve))
  expect([asked, found]).toEqual([1, 1])
  waiting.shift()?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect([asked, found]).toEqual([2, 2])
})
