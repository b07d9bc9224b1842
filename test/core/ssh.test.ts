import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import type { HostDraft } from '../../domain/cluster.ts'
import { newRealServer } from '../../domain/cluster-lvscf.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import type { Hosts } from '../../core/ssh/hosts.ts'
import { fingerprintOf, openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { newHostKey, secretWord, startHost } from './ssh-host.ts'
import type { HostOptions, TestHost } from './ssh-host.ts'

const open: { close: () => unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

interface Place {
  readonly host: TestHost
  readonly hosts: Hosts
  readonly draft: HostDraft
  readonly home: string
  readonly ownFile: string
  readonly keep: (kind: 'password' | 'passphrase' | 'sudo', secret: string) => Promise<void>
}

/** A host, and the core's sessions on an empty home; the key is known unless said. */
async function place(
  options: HostOptions & { readonly known?: boolean } = {},
  login: HostDraft['login'] = { kind: 'password', keyFile: '' },
): Promise<Place> {
  const key = newHostKey()
  const host = await startHost({ hostKey: key.private, ...options })
  const home = mkdtempSync(join(tmpdir(), 'shoal-home-'))
  mkdirSync(join(home, '.ssh'))
  const ownFile = join(home, 'own-known-hosts')
  if (options.known !== false) {
    writeFileSync(join(home, '.ssh', 'known_hosts'), `[127.0.0.1]:${host.port} ${key.public.trim()}\n`)
  }
  const secrets = openSecrets(undefined)
  const owner = { address: '127.0.0.1', port: host.port, user: 'admin' }
  const hosts = openHosts({ knownHosts: openKnownHosts(ownFile, home), secret: secrets.get, uploadTag: 'test' })
  open.push(host, hosts)
  const draft = { ...newRealServer(1), address: '127.0.0.1', port: String(host.port), user: 'admin', login }
  return { host, hosts, draft, home, ownFile, keep: (kind, secret) => secrets.keep(owner, kind, secret) }
}

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? [] : result.problems
}
function codesOf(result: Result<unknown>): readonly string[] {
  return problemsOf(result).map(({ code }) => code)
}
async function run(at: Place, text: string, as: 'user' | 'root' = 'root') {
  const session = await at.hosts.session(at.draft)
  if (!session.ok) throw new Error(JSON.stringify(session.problems))
  return session.value.script(text, { as })
}

describe('logging in', () => {
  it('with the right password', async () => {
    const at = await place({ password: 'right' })
    await at.keep('password', 'right')
    expect(await run(at, 'echo here')).toMatchObject({ ok: true, value: { exit: 0, out: 'here\n' } })
  })
  it('a wrong password is tried once, not again by another method', async () => {
    const at = await place({ password: 'right' })
    await at.keep('password', 'wrong')
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['login-refused'])
    expect(at.host.logins).toEqual(['password admin'])
  })
  it('by keyboard-interactive where that is all the server takes', async () => {
    const at = await place({ password: 'right', keyboard: true })
    await at.keep('password', 'right')
    expect((await at.hosts.session(at.draft)).ok).toBe(true)
  })
  it('a wrong answer to keyboard-interactive is given once', async () => {
    const at = await place({ password: 'right', keyboard: true })
    await at.keep('password', 'wrong')
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['login-refused'])
    expect(at.host.logins).toEqual(['keyboard-interactive admin'])
  })
  it('without a password nothing is tried', async () => {
    const at = await place({ password: 'right' })
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['password-needed'])
    expect(at.host.logins).toEqual([])
  })
  it('by key file, and by one with a passphrase', async () => {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', {
      passphrase: 'open sesame',
      cipher: 'aes256-cbc',
      rounds: 4,
    })
    const file = join(mkdtempSync(join(tmpdir(), 'shoal-key-')), 'id')
    writeFileSync(file, pair.private)
    const at = await place({ keys: [pair.public] }, { kind: 'key', keyFile: file })
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['passphrase-needed'])
    await at.keep('passphrase', 'open barley')
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['passphrase-wrong'])
    expect(at.host.logins).toEqual([])
    await at.keep('passphrase', 'open sesame')
    expect((await at.hosts.session(at.draft)).ok).toBe(true)
  })
  it('a key the host does not know is refused with the user named', async () => {
    const pair = newHostKey()
    const file = join(mkdtempSync(join(tmpdir(), 'shoal-key-')), 'id')
    writeFileSync(file, pair.private)
    const at = await place({ keys: [newHostKey().public] }, { kind: 'key', keyFile: file })
    const [refused] = problemsOf(await at.hosts.session(at.draft))
    expect(refused).toMatchObject({ code: 'login-refused', detail: { user: 'admin', method: 'publickey' } })
  })
  it.each([
    ['no such file', undefined],
    ['not a key', 'hello\n'],
    ['the public half', newHostKey().public],
  ])('a key file that is %s is named', async (_what, text) => {
    const file = join(mkdtempSync(join(tmpdir(), 'shoal-key-')), 'id')
    if (text !== undefined) writeFileSync(file, text)
    const at = await place({ keys: [] }, { kind: 'key', keyFile: file })
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['key-unreadable'])
  })
  it('an SSH agent that is not there is said', async () => {
    const at = await place({}, { kind: 'agent', keyFile: '' })
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['ssh-agent-absent'])
  })
  it('nobody at the port, and no such name', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    await at.host.close()
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['host-unreachable'])
    const nowhere = { ...at.draft, address: 'no-such-host.invalid' }
    expect(['password-needed', 'host-name-unknown']).toContain(codesOf(await at.hosts.session(nowhere))[0])
  })
})

describe('host keys', () => {
  it('an unknown key is shown, and nothing is sent before it is accepted', async () => {
    const key = newHostKey()
    const at = await place({ password: 'right', hostKey: key.private, known: false })
    await at.keep('password', 'right')
    const [unknown] = problemsOf(await at.hosts.session(at.draft))
    const blob = Buffer.from(key.public.split(' ')[1] ?? '', 'base64')
    expect(unknown).toMatchObject({
      code: 'host-key-unknown',
      detail: { fingerprint: fingerprintOf(blob), algorithm: 'ssh-ed25519' },
    })
    expect(at.host.logins).toEqual([])

    const shown = { address: '127.0.0.1', port: at.host.port, algorithm: 'ssh-ed25519' }
    expect(codesOf(await at.hosts.trust({ ...shown, fingerprint: 'SHA256:another' }))).toEqual(['not-found'])
    expect((await at.hosts.trust({ ...shown, fingerprint: fingerprintOf(blob) })).ok).toBe(true)
    expect((await at.hosts.session(at.draft)).ok).toBe(true)
    expect(readFileSync(at.ownFile, 'utf8')).toBe(
      `[127.0.0.1]:${at.host.port} ssh-ed25519 ${blob.toString('base64')}\n`,
    )
    expect(() => readFileSync(join(at.home, '.ssh', 'known_hosts'))).toThrow()
  })
  it('a changed key is refused with both fingerprints and the line to correct; nothing is sent', async () => {
    const at = await place({ password: 'right', known: false })
    await at.keep('password', 'right')
    const former = newHostKey().public.trim()
    writeFileSync(join(at.home, '.ssh', 'known_hosts'), `# mine\n[127.0.0.1]:${at.host.port} ${former}\n`)
    const [changed] = problemsOf(await at.hosts.session(at.draft))
    expect(changed).toMatchObject({
      code: 'host-key-changed',
      severity: 'block',
      detail: { known: fingerprintOf(Buffer.from(former.split(' ')[1] ?? '', 'base64')), line: 2 },
    })
    expect(changed?.detail?.['presented']).toMatch(/^SHA256:/)
    expect(changed?.detail?.['presented']).not.toBe(changed?.detail?.['known'])
    expect(at.host.logins).toEqual([])
  })
  it('a key of another kind than the known one counts as changed', async () => {
    const at = await place({ password: 'right', known: false })
    await at.keep('password', 'right')
    const other = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).public.trim()
    writeFileSync(join(at.home, '.ssh', 'known_hosts'), `[127.0.0.1]:${at.host.port} ${other}\n`)
    expect(codesOf(await at.hosts.session(at.draft))).toEqual(['host-key-changed'])
  })
  it('hashed names, patterns and revoked keys are read as OpenSSH reads them', async () => {
    const home = mkdtempSync(join(tmpdir(), 'shoal-home-'))
    mkdirSync(join(home, '.ssh'))
    const [hashed, pattern, revoked] = [newHostKey(), newHostKey(), newHostKey()].map((key) => key.public.trim())
    const salt = randomBytes(20)
    const hash = createHmac('sha1', salt).update('lvs1').digest('base64')
    writeFileSync(
      join(home, '.ssh', 'known_hosts'),
      [
        `|1|${salt.toString('base64')}|${hash} ${hashed ?? ''}`,
        `*.example,!bad.example ${pattern ?? ''}`,
        `@revoked * ${revoked ?? ''}`,
        'broken line',
      ].join('\n'),
    )
    const known = openKnownHosts(join(home, 'own'), home)
    const blob = (text: string | undefined): Buffer => Buffer.from(text?.split(' ')[1] ?? '', 'base64')
    const kind = async (name: string, key: string | undefined): Promise<string> =>
      (await known.judge({ address: name, port: 22 }, blob(key))).kind
    expect(await kind('lvs1', hashed)).toBe('known')
    expect(await kind('lvs2', hashed)).toBe('unknown')
    expect(await kind('good.example', pattern)).toBe('known')
    expect(await kind('bad.example', pattern)).toBe('unknown')
    expect(await kind('good.example', hashed)).toBe('changed')
    expect(await kind('lvs9', revoked)).toBe('changed')
  })
})

describe('root', () => {
  it('a host without sudo says which line is missing', async () => {
    const at = await place({ password: 'x', sudo: 'refuses' })
    await at.keep('password', 'x')
    expect(problemsOf(await run(at, 'true'))).toMatchObject([
      { code: 'no-root', detail: { user: 'admin', answer: 'admin is not in the sudoers file.' } },
    ])
  })
  it('sudo that asks for nothing is used without a password', async () => {
    const at = await place({ password: 'x', sudo: 'free' })
    await at.keep('password', 'x')
    expect(await run(at, 'echo root')).toMatchObject({ ok: true, value: { out: 'root\n' } })
    expect(at.host.commands.at(-1)).toBe('sudo -n sh -s')
  })
  it('the sudo password goes by standard input, in answer to the prompt, and nowhere else', async () => {
    const secret = secretWord()
    const at = await place({ password: 'x', sudo: { password: secret } })
    await at.keep('password', 'x')
    await at.keep('sudo', secret)
    const result = await run(at, 'echo "$0 $*"; env; cat /proc/$$/cmdline | tr "\\0" " "')
    expect(result.ok && result.value.exit).toBe(0)
    expect(JSON.stringify(result)).not.toContain(secret)
    expect(at.host.commands.join('\n')).not.toContain(secret)
    expect(at.host.scripts.join('\n')).not.toContain(secret)
    expect(at.host.commands.some((command) => command.startsWith('sudo -k -S'))).toBe(true)
  })
  it('without a sudo password the login password is tried', async () => {
    const at = await place({ password: 'same', sudo: { password: 'same' } })
    await at.keep('password', 'same')
    expect(await run(at, 'echo root')).toMatchObject({ ok: true, value: { out: 'root\n' } })
  })
  it('a wrong sudo password is said, tried once, and can be given again', async () => {
    const at = await place({ password: 'x', sudo: { password: 'right' } })
    await at.keep('password', 'x')
    await at.keep('sudo', 'wrong')
    expect(codesOf(await run(at, 'true'))).toEqual(['sudo-password-wrong'])
    expect(at.host.scripts.filter((script) => script.includes('true\n} </dev/null'))).toEqual([])
    await at.keep('sudo', 'right')
    expect((await run(at, 'true')).ok).toBe(true)
  })
})

describe('scripts', () => {
  it('stream their lines as they come, keep both streams apart and tell the exit status', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    const session = await at.hosts.session(at.draft)
    if (!session.ok) throw new Error('no session')
    const lines: string[] = []
    const result = await session.value.script('echo one; echo two >&2; sleep 0.1; printf three; exit 7', {
      as: 'user',
      onLine: ({ stream, text }) => lines.push(`${stream} ${text}`),
    })
    expect(result).toMatchObject({ ok: true, value: { exit: 7, out: 'one\nthree', err: 'two\n' } })
    expect([...lines].sort()).toEqual(['err two', 'out one', 'out three'])
  })
  it('nothing of a script stands in the command line', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    const word = secretWord()
    await run(at, `: ${word}`)
    expect(at.host.commands.join(' ')).not.toContain(word)
  })
  it('what a login script prints before is not taken for the answer', async () => {
    const at = await place({ password: 'x', greeting: 'Welcome to h1\n' })
    await at.keep('password', 'x')
    const result = await run(at, 'echo answer')
    expect(result.ok && result.value.out).toBe('answer\n')
  })
  it('a command that reads standard input does not eat the script', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    expect(await run(at, 'cat; echo after')).toMatchObject({ ok: true, value: { out: 'after\n' } })
  })
  it('a script cut off while it is sent runs nothing', async () => {
    const { execFileSync } = await import('node:child_process')
    const folder = mkdtempSync(join(tmpdir(), 'shoal-cut-'))
    const whole = `{\necho > ${folder}/one\necho > ${folder}/two\n} </dev/null\n`
    try {
      execFileSync('sh', ['-s'], { input: whole.slice(0, whole.indexOf('two')), stdio: ['pipe', 'ignore', 'ignore'] })
    } catch {
      // Half a compound command is a syntax error.
    }
    expect(() => readFileSync(join(folder, 'one'))).toThrow()
    execFileSync('sh', ['-s'], { input: whole })
    expect(readFileSync(join(folder, 'one'), 'utf8')).toBe('\n')
  })
  it('a command that does not end is given up', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    const session = await at.hosts.session(at.draft)
    if (!session.ok) throw new Error('no session')
    const result = await session.value.script('sleep 5', { as: 'user', timeoutMs: 200 })
    expect(codesOf(result)).toEqual(['command-timeout'])
  })
  it('a connection cut in the middle ends the script with a problem, and the next session is a new one', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    at.host.cutAt('half', 'after')
    expect(codesOf(await run(at, 'echo half; sleep 5'))).toEqual(['connection-lost'])
    expect(await run(at, 'echo again')).toMatchObject({ ok: true, value: { out: 'again\n' } })
  })
  it('one host has one connection, however many ask', async () => {
    const at = await place({ password: 'x' })
    await at.keep('password', 'x')
    await Promise.all([run(at, 'true'), run(at, 'true'), run(at, 'true')])
    expect(at.host.logins).toEqual(['password admin'])
  })
})
