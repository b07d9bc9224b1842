/** Shoal's own settings, the look for newer versions, and the log for sending. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileLog, keptLog } from '../../core/log.ts'
import { openSettings } from '../../core/settings.ts'
import { askFeed, feedAddress } from '../../core/updates.ts'
import { defaultSettings, isNewer } from '../../domain/settings.ts'

let dir: string
let server: Server | undefined
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'shoal-settings-'))
})
afterEach(async () => {
  server?.close()
  server = undefined
  await rm(dir, { recursive: true })
})

/** A feed on this machine that answers every request so. */
async function feed(status: number, body: string, headers: Record<string, string> = {}): Promise<string> {
  server = createServer((_request, response) => response.writeHead(status, headers).end(body))
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/feed.json`
}

const open = () => openSettings({ dataDir: dir, version: '1.2.3', log: () => undefined, now: () => 5 })

describe('settings', () => {
  it('are the defaults until kept, and outlive Shoal', async () => {
    const first = open()
    expect(await first.handlers['settings.get']({})).toEqual({
      ok: true,
      value: { settings: defaultSettings, update: null },
    })
    const settings = { ...defaultSettings, updateFeed: ' https://feed.example/s.json ', desktopNotifications: true }
    expect((await first.handlers['settings.keep']({ settings })).ok).toBe(true)
    first.close()
    const second = open()
    expect(await second.handlers['settings.get']({})).toMatchObject({
      value: {
        settings: { updateFeed: 'https://feed.example/s.json', desktopNotifications: true, updateDaily: false },
      },
    })
    second.close()
  })

  it('a feed that is no https address is refused and nothing kept', async () => {
    const settings = open()
    const answer = await settings.handlers['settings.keep']({
      settings: { ...defaultSettings, updateFeed: 'http://feed.example/', updateDaily: true },
    })
    expect(answer).toMatchObject({ ok: false, problems: [{ code: 'update-feed-address' }] })
    expect(await settings.handlers['settings.get']({})).toMatchObject({ value: { settings: defaultSettings } })
    settings.close()
  })

  it('a damaged file is said, not replaced by defaults', async () => {
    await writeFile(path.join(dir, 'settings.json'), '{"updateFeed": 7}')
    const settings = open()
    expect(await settings.handlers['settings.get']({})).toMatchObject({
      ok: false,
      problems: [{ code: 'file-unreadable' }],
    })
    settings.close()
  })
})

describe('versions', () => {
  it.each([
    ['1.2.4', '1.2.3', true],
    ['1.2.3', '1.2.3', false],
    ['1.2.2', '1.2.3', false],
    ['v2.0.0', '1.99.99', true],
    ['1.10.0', '1.9.0', true],
    ['1.2.3', '1.2.3-rc.1', true],
    ['1.2.3-rc.2', '1.2.3-rc.10', false],
    ['1.2.3-rc.10', '1.2.3-rc.2', true],
    ['1.2.3-alpha', '1.2.3-1', true],
    ['1.2.3-alpha.1', '1.2.3-alpha', true],
    ['1.2.3+build', '1.2.3', false],
    ['newest', '1.2.3', undefined],
  ])('%s after %s: %s', (latest, current, expected) => expect(isNewer(latest, current)).toBe(expected))
})

describe('the feed', () => {
  it('says what is newer', async () => {
    const address = await feed(
      200,
      JSON.stringify({ version: '1.3.0', page: 'https://shoal.example/1.3.0', notes: 'n' }),
    )
    expect(await askFeed(address, '1.2.3', 9)).toEqual({
      ok: true,
      value: {
        current: '1.2.3',
        latest: '1.3.0',
        newer: true,
        page: 'https://shoal.example/1.3.0',
        notes: 'n',
        askedAtMs: 9,
      },
    })
  })

  it.each([
    ['an error', 500, '{}', {}, 'update-feed-silent'],
    ['a redirection', 302, '', { location: 'https://elsewhere.example/' }, 'update-feed-silent'],
    ['no JSON', 200, '<html>', {}, 'update-feed-malformed'],
    ['a page that is a script', 200, '{"version":"2.0.0","page":"javascript:alert(1)"}', {}, 'update-feed-malformed'],
    ['a version that is none', 200, '{"version":"soon","page":"https://a.example/"}', {}, 'update-feed-malformed'],
    ['too much', 200, ' '.repeat(70_000), {}, 'update-feed-silent'],
  ])('with %s is refused', async (_what, status, body, headers, code) => {
    const address = await feed(status, body, headers)
    expect(await askFeed(address, '1.2.3', 9)).toMatchObject({ ok: false, problems: [{ code }] })
  })

  it.each([
    ['https://feed.example/a', true],
    ['http://localhost:8000/a', true],
    ['http://feed.example/a', false],
    ['https://user:secret@feed.example/a', false],
    ['file:///etc/passwd', false],
    ['', false],
  ])('%s may be asked: %s', (text, may) => expect(feedAddress(text) !== undefined).toBe(may))
})

it('the log keeps what was said last and never grows without end', async () => {
  const log = fileLog(dir)
  const long = 'x'.repeat(10_000)
  for (let n = 0; n < 400; n++) log('info', `line ${n}`, { long })
  const text = await keptLog(dir)
  expect(text).toContain('info line 399 ')
  expect(text).not.toContain('info line 0 ')
  expect(text.length).toBeLessThan(2.2 * 1024 * 1024)
  expect(text.indexOf('line 398 ')).toBeLessThan(text.indexOf('line 399 '))
})
