/** Sessions, tokens, the password and the waiting after failures, with a clock that the test moves. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createDoor,
  freeFailures,
  sessionIdleMs,
  sessionLongestMs,
  sessionsMost,
  waitFirstMs,
  waitMostMs,
} from '../../cli/serve/door.ts'
import { allowedAuthorities, isLoopback } from '../../cli/serve/guards.ts'
import { hashPassword, keepHash, keptHash, passwordMatches } from '../../cli/serve/password.ts'
import { languageOf } from '../../cli/serve/sign-in.ts'

function doorAt(passwordMatches_?: (password: string) => Promise<boolean>) {
  let nowMs = 1000
  const door = createDoor({
    now: () => nowMs,
    random: randomBytes,
    ...(passwordMatches_ ? { passwordMatches: passwordMatches_ } : {}),
  })
  return { door, pass: (ms: number) => (nowMs += ms) }
}

const valueOf = async (result: ReturnType<ReturnType<typeof createDoor>['signIn']>) => {
  const got = await result
  if (!got.ok) throw new Error(got.problems[0]?.code)
  return got.value
}
const codeOf = async (result: ReturnType<ReturnType<typeof createDoor>['signIn']>) => {
  const got = await result
  return got.ok ? 'ok' : got.problems[0]?.code
}

describe('sessions', () => {
  it('live while they are used and end when idle', async () => {
    const { door, pass } = doorAt()
    const session = await valueOf(door.signIn({ token: door.newToken() }))
    pass(sessionIdleMs - 1)
    expect(door.knows(session)).toBe(true)
    pass(sessionIdleMs - 1)
    expect(door.knows(session)).toBe(true)
    pass(sessionIdleMs)
    expect(door.knows(session)).toBe(false)
  })

  it('end after a week however much they are used', async () => {
    const { door, pass } = doorAt()
    const session = await valueOf(door.signIn({ token: door.newToken() }))
    for (let ms = 0; ms < sessionLongestMs - 1; ms += sessionIdleMs - 1) {
      pass(Math.min(sessionIdleMs - 1, sessionLongestMs - 1 - ms))
      expect(door.knows(session)).toBe(true)
    }
    pass(1)
    expect(door.knows(session)).toBe(false)
  })

  it('past the most, the one idle longest is signed out', async () => {
    const { door, pass } = doorAt()
    const sessions: string[] = []
    for (let n = 0; n < sessionsMost; n += 1) {
      sessions.push(await valueOf(door.signIn({ token: door.newToken() })))
      pass(1)
    }
    expect(door.knows(sessions[0])).toBe(true)
    await valueOf(door.signIn({ token: door.newToken() }))
    expect(door.knows(sessions[0])).toBe(true)
    expect(door.knows(sessions[1])).toBe(false)
  })

  it('an unknown, empty or absent secret is nobody', () => {
    const { door } = doorAt()
    expect([door.knows(undefined), door.knows(''), door.knows('x')]).toEqual([false, false, false])
  })
})

describe('tries', () => {
  it('the wait doubles up to its limit and ends with a success', async () => {
    let right = false
    const { door, pass } = doorAt(async () => right)
    for (let n = 0; n < freeFailures; n += 1)
      expect(await codeOf(door.signIn({ password: 'no' }))).toBe('sign-in-wrong-password')
    for (let waitMs = waitFirstMs; ; waitMs = Math.min(waitMs * 2, waitMostMs)) {
      expect(await codeOf(door.signIn({ password: 'no' }))).toBe('sign-in-wrong-password')
      pass(waitMs - 1)
      right = true
      expect(await codeOf(door.signIn({ password: 'yes' }))).toBe('sign-in-too-often')
      right = false
      pass(1)
      if (waitMs === waitMostMs) break
    }
    right = true
    expect(await codeOf(door.signIn({ password: 'yes' }))).toBe('ok')
    right = false
    for (let n = 0; n < freeFailures; n += 1)
      expect(await codeOf(door.signIn({ password: 'no' }))).toBe('sign-in-wrong-password')
  })

  it('failures from one address make nobody else wait', async () => {
    const { door } = doorAt(async (password) => password === 'yes')
    for (let n = 0; n <= freeFailures; n += 1) await door.signIn({ password: 'no' }, '192.0.2.7')
    expect(await codeOf(door.signIn({ password: 'yes' }, '192.0.2.7'))).toBe('sign-in-too-often')
    expect(await codeOf(door.signIn({ password: 'yes' }, '192.0.2.8'))).toBe('ok')
  })

  it('tries side by side are counted one after the other', async () => {
    const { door } = doorAt(async () => false)
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(door.signIn({ password: 'no' }))))
    expect(codes.filter((code) => code === 'sign-in-wrong-password')).toHaveLength(freeFailures + 1)
  })

  it('a password test that throws does not block the tries after it', async () => {
    let broken = true
    const { door } = doorAt(async () => {
      if (broken) throw new Error('disk')
      return true
    })
    await expect(door.signIn({ password: 'x' })).rejects.toThrow('disk')
    broken = false
    expect(await codeOf(door.signIn({ password: 'x' }))).toBe('ok')
  })

  it('without a password set, no password opens', async () => {
    const { door } = doorAt()
    expect(await codeOf(door.signIn({ password: '' }))).toBe('sign-in-wrong-password')
    expect(await codeOf(door.signIn({}))).toBe('sign-in-wrong-password')
    expect(await codeOf(door.signIn({ token: '' }))).toBe('sign-in-wrong-token')
  })
})

describe('the password', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'shoal-passwd-'))
  afterAll(() => rmSync(dir, { recursive: true }))

  it('is kept as a salted hash only its owner may read, and is removed on request', async () => {
    expect(await keptHash(dir)).toBeUndefined()
    await keepHash(dir, await hashPassword('correct horse'))
    const file = path.join(dir, 'password')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const kept = (await keptHash(dir)) ?? ''
    expect(kept).not.toContain('horse')
    expect(await passwordMatches('correct horse', kept)).toBe(true)
    expect(await passwordMatches('correct horse ', kept)).toBe(false)
    expect(await hashPassword('correct horse')).not.toBe(kept)
    await keepHash(dir, undefined)
    expect(await keptHash(dir)).toBeUndefined()
  })

  it.each(['', 'plain', 'scrypt$0$8$1$AA==$AA==', 'scrypt$1073741824$8$1$AAAA$AAAA', 'scrypt$32768$8$1$AAAA$'])(
    'a damaged hash (%s) matches nothing',
    async (hash) => {
      expect(await passwordMatches('', hash)).toBe(false)
    },
  )
})

describe('names', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.2.1', false],
    ['127.0.0.1.evil.example', false],
    ['127.1', false],
  ])('%s is loopback: %s', (host, is) => expect(isLoopback(host)).toBe(is))

  it('a browser leaves port 80 away and brackets IPv6', () => {
    expect([...allowedAuthorities('::1', 3636)]).toEqual(['[::1]:3636', 'localhost:3636'])
    expect([...allowedAuthorities('127.0.0.1', 80)]).toEqual(['127.0.0.1', 'localhost'])
  })

  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['de-DE,de;q=0.9', 'en'],
    ['zh-TW', 'zh-CN'],
    ['en;q=0.5, zh;q=0.7', 'zh-CN'],
    ['zh;q=0, en;q=0.1', 'en'],
    ['en-GB,zh', 'en'],
  ])('Accept-Language %s is answered in %s', (header, language) => expect(languageOf(header)).toBe(language))
})
