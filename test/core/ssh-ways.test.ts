// The ways to a host: over jump hosts, as ~/.ssh/config says, by a real SSH agent, and where a server wants more than one proof.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { HostDraft, Login } from '../../domain/cluster.ts'
import { newRealServer } from '../../domain/cluster-lvscf.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { openSecrets } from '../../core/secrets.ts'
import { configFor } from '../../core/ssh/config-file.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import type { Hosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { targetOf } from '../../core/ssh/target.ts'
import { newHostKey, startHost } from './ssh-host.ts'
import type { HostOptions, TestHost } from './ssh-host.ts'

const open: { close: () => unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

interface Net {
  readonly home: string
  readonly hosts: Hosts
  readonly keep: (host: TestHost, kind: 'password' | 'code', secret: string, user?: string) => Promise<void>
  /** The password x of admin, for a host by the name it is asked for. */
  readonly keepFor: (address: string, port: number) => Promise<void>
  /** Starts a host whose key is known, unless it says otherwise. */
  readonly start: (options: HostOptions & { readonly known?: false }) => Promise<TestHost>
  readonly config: (text: string) => void
  readonly draft: (address: string, port: number | '', login?: Login, user?: string) => HostDraft
}

function net(sshAgentSocket?: string): Net {
  const home = mkdtempSync(join(tmpdir(), 'shoal-ways-'))
  mkdirSync(join(home, '.ssh'))
  const known: string[] = []
  const secrets = openSecrets(undefined)
  const hosts = openHosts({
    knownHosts: openKnownHosts(join(home, 'own'), home),
    config: { home },
    secret: secrets.get,
    uploadTag: 'test',
    ...(sshAgentSocket === undefined ? {} : { sshAgentSocket }),
  })
  open.push(hosts)
  return {
    home,
    hosts,
    keep: (host, kind, secret, user = 'admin') =>
      secrets.keep({ address: '127.0.0.1', port: host.port, user }, kind, secret),
    keepFor: (address, port) => secrets.keep({ address, port, user: 'admin' }, 'password', 'x'),
    async start(options) {
      const key = newHostKey()
      const host = await startHost({ hostKey: key.private, ...options })
      open.push(host)
      if (options.known !== false) known.push(`[127.0.0.1]:${host.port} ${key.public.trim()}`)
      writeFileSync(join(home, '.ssh', 'known_hosts'), `${known.join('\n')}\n`)
      return host
    },
    config: (text) => {
      writeFileSync(join(home, '.ssh', 'config'), text)
    },
    draft: (address, port, login = { kind: 'password', keyFile: '' }, user = 'admin') => ({
      ...newRealServer(1),
      address,
      port: String(port),
      user,
      login,
    }),
  }
}

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? [] : result.problems
}
const codesOf = (result: Result<unknown>): readonly string[] => problemsOf(result).map(({ code }) => code)
async function said(hosts: Hosts, draft: HostDraft): Promise<string> {
  const session = await hosts.session(draft)
  if (!session.ok) return codesOf(session).join()
  const result = await session.value.script('echo here', { as: 'user' })
  return result.ok ? result.value.out : codesOf(result).join()
}

describe('a jump host', () => {
  it('is logged in to once, and every host behind it is reached through it', async () => {
    const at = net()
    const bastion = await at.start({ password: 'b', forwards: true })
    const inner = [await at.start({ password: 'x' }), await at.start({ password: 'x' })]
    await at.keep(bastion, 'password', 'b', 'guard')
    const jump = `guard@127.0.0.1:${bastion.port}`
    // The same address on the way and at its end would be a circle: the host behind is asked for by its name.
    at.config(inner.map(({ port }, n) => `Host inner${n}\n HostName 127.0.0.1\n Port ${port}\n`).join(''))
    for (const host of [0, 1]) {
      const draft = at.draft(`inner${host}`, '', { kind: 'password', keyFile: '', jump })
      const port = inner[host]?.port ?? 0
      await at.keepFor(`inner${host}`, port)
      expect(await said(at.hosts, draft)).toBe('here\n')
    }
    expect(bastion.logins).toEqual(['password guard'])
    expect(bastion.forwarded).toEqual(inner.map(({ port }) => `127.0.0.1:${port}`))
  })
  it('that does not forward is named, with the host it should have connected to', async () => {
    const at = net()
    const bastion = await at.start({ password: 'b' })
    await at.keep(bastion, 'password', 'b')
    at.config('Host inner\n HostName 127.0.0.1\n')
    const draft = at.draft('inner', 9, { kind: 'password', keyFile: '', jump: `admin@127.0.0.1:${bastion.port}` })
    await at.keepFor('inner', 9)
    expect(problemsOf(await at.hosts.session(draft))).toMatchObject([
      { code: 'jump-failed', detail: { jump: '127.0.0.1', host: '127.0.0.1', port: 9 } },
    ])
  })
  it('whose key is unknown is asked about before the host behind it, and gets nothing', async () => {
    const at = net()
    const bastion = await at.start({ password: 'b', forwards: true, known: false })
    const inner = await at.start({ password: 'x' })
    await at.keep(bastion, 'password', 'b')
    await at.keep(inner, 'password', 'x')
    const login: Login = { kind: 'password', keyFile: '', jump: `admin@127.0.0.1:${bastion.port}` }
    at.config(`Host inner\n HostName 127.0.0.1\n Port ${inner.port}\n`)
    await at.keepFor('inner', inner.port)
    const [unknown] = problemsOf(await at.hosts.session(at.draft('inner', '', login)))
    expect(unknown).toMatchObject({ code: 'host-key-unknown', detail: { port: bastion.port } })
    expect(bastion.logins).toEqual([])
    expect(inner.logins).toEqual([])
    const fingerprint = String(unknown?.detail?.['fingerprint'])
    await at.hosts.trust({ address: '127.0.0.1', port: bastion.port, algorithm: 'ssh-ed25519', fingerprint })
    expect(await said(at.hosts, at.draft('inner', '', login))).toBe('here\n')
  })
  it('takes the key of the host behind it, and without any says whose password is missing', async () => {
    const at = net()
    const pair = newHostKey()
    const keyFile = join(at.home, 'id')
    writeFileSync(keyFile, pair.private)
    const bastion = await at.start({ keys: [pair.public], forwards: true })
    const inner = await at.start({ keys: [pair.public] })
    at.config(`Host inner\n HostName 127.0.0.1\n Port ${inner.port}\n`)
    const jump = `guard@127.0.0.1:${bastion.port}`
    expect(await said(at.hosts, at.draft('inner', '', { kind: 'key', keyFile, jump }))).toBe('here\n')
    expect(bastion.logins).toContain('publickey guard')

    const other = await at.start({ password: 'b', forwards: true })
    const closed = at.draft('inner', '', { kind: 'key', keyFile, jump: `guard@127.0.0.1:${other.port}` })
    expect(problemsOf(await at.hosts.session(closed))).toMatchObject([
      { code: 'password-needed', detail: { user: 'guard', host: '127.0.0.1' } },
    ])
  })
  it('comes one after the other when several are named', async () => {
    const at = net()
    const first = await at.start({ password: 'x', forwards: true })
    const second = await at.start({ password: 'x', forwards: true })
    const inner = await at.start({ password: 'x' })
    at.config(
      [
        `Host one\n HostName 127.0.0.1\n Port ${first.port}`,
        `Host two\n HostName 127.0.0.1\n Port ${second.port}`,
        `Host inner\n HostName 127.0.0.1\n Port ${inner.port}\n ProxyJump one,two`,
        'Host *\n User admin\n',
      ].join('\n'),
    )
    await at.keepFor('one', first.port)
    await at.keepFor('two', second.port)
    await at.keepFor('inner', inner.port)
    expect(await said(at.hosts, at.draft('inner', ''))).toBe('here\n')
    expect([first.forwarded, second.forwarded]).toEqual([[`127.0.0.1:${second.port}`], [`127.0.0.1:${inner.port}`]])
  })
  it('that leads back to itself is refused, and so is a command in place of a way', async () => {
    const at = net()
    at.config('Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost c\n ProxyCommand nc %h %p\nHost d\n ProxyJump ???\n')
    expect(codesOf(await at.hosts.session(at.draft('a', 22)))).toEqual(['jump-circular'])
    expect(codesOf(await at.hosts.session(at.draft('c', 22)))).toEqual(['proxy-command'])
    expect(codesOf(await at.hosts.session(at.draft('d', 22)))).toEqual(['jump-malformed'])
  })
})

describe('~/.ssh/config', () => {
  it.each([
    ['the first value counts', 'Host lvs1\n Port 2201\nHost *\n Port 2222\n User ops\n', { port: 2201, user: 'ops' }],
    ['patterns and exclusions', 'Host lvs? !lvs1\n User a\nHost lvs*\n User b\n', { user: 'b' }],
    ['equals signs, quotes and comments', 'Host = lvs1\nUser="ops" # me\nport = 2\n', { user: 'ops', port: 2 }],
    ['tokens', 'Host lvs1\n HostName %h.example.net\n', { hostName: 'lvs1.example.net' }],
    [
      'Match all, and conditions that cannot be known',
      'Match exec true\n User no\nMatch all\n User yes\n',
      { user: 'yes' },
    ],
    ['Match originalhost', 'Match originalhost lvs1,lvs2\n User m\n', { user: 'm' }],
    ['a jump by the older form', 'Host lvs1\n ProxyCommand ssh -q -W %h:%p guard@bastion\n', { jump: 'guard@bastion' }],
    ['nothing about another host', 'Host other\n User no\n', { hostName: 'lvs1' }],
  ])('reads %s', async (_what, text, expected) => {
    const at = net()
    at.config(text)
    const config = await configFor('lvs1', undefined, at.home)
    expect(config).toMatchObject(expected)
    for (const name of ['user', 'port', 'jump'] as const) expect(config[name]).toBe((expected as typeof config)[name])
  })
  it('follows Include with wildcards, relative to ~/.ssh', async () => {
    const at = net()
    mkdirSync(join(at.home, '.ssh', 'conf.d'))
    writeFileSync(join(at.home, '.ssh', 'conf.d', 'b.conf'), 'Host lvs1\n User included\n IdentityFile ~/.ssh/id_b\n')
    at.config('Include conf.d/*.conf\nHost *\n User late\n IdentityFile /keys/%n\n')
    expect(await configFor('lvs1', undefined, at.home)).toMatchObject({
      user: 'included',
      identityFiles: [join(at.home, '.ssh', 'id_b'), '/keys/lvs1'],
    })
  })
  it('what was typed counts more than what it says', async () => {
    const at = net()
    at.config('Host lvs1\n HostName 10.0.0.1\n Port 2201\n User ops\n ProxyJump bastion\n')
    const login: Login = { kind: 'password', keyFile: '', jump: 'none' }
    const typed = await targetOf(at.draft('lvs1', 22, login, 'root'), { home: at.home })
    expect(typed).toMatchObject({ value: { user: 'root', connectTo: { address: '10.0.0.1', port: 22 } } })
    expect(typed.ok && typed.value.via).toBeUndefined()
    const open_ = await targetOf(at.draft('lvs1', '', { ...login, jump: '' }, ''), { home: at.home })
    expect(open_).toMatchObject({
      value: { user: 'ops', connectTo: { port: 2201 }, via: { address: 'bastion', user: 'root' } },
    })
  })
  it('names the file in which the host key is known', async () => {
    const at = net()
    const host = await at.start({ password: 'x', known: false })
    await at.keepFor('lvs1', host.port)
    at.config(`Host lvs1\n HostName 127.0.0.1\n HostKeyAlias cluster-one\n UserKnownHostsFile ~/keys\n`)
    writeFileSync(join(at.home, 'keys'), `cluster-one ${newHostKey().public.trim()}\n`)
    expect(problemsOf(await at.hosts.session(at.draft('lvs1', host.port)))).toMatchObject([
      { code: 'host-key-changed', detail: { file: join(at.home, 'keys'), line: 1 } },
    ])
  })
})

describe('known_hosts', () => {
  it('a certificate authority does not stand in for a key: nothing is sent, and the line is named', async () => {
    const at = net()
    const host = await at.start({ password: 'x', known: false })
    await at.keep(host, 'password', 'x')
    writeFileSync(
      join(at.home, '.ssh', 'known_hosts'),
      `# ours\n@cert-authority [127.0.0.*]:* ${newHostKey().public.trim()}\n`,
    )
    expect(problemsOf(await at.hosts.session(at.draft('127.0.0.1', host.port)))).toMatchObject([
      { code: 'host-key-by-authority', detail: { line: 2 } },
    ])
    expect(host.logins).toEqual([])
  })
})

describe('proofs', () => {
  it('by a real ssh-agent with the key in it; empty and gone are told apart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-agent-'))
    const socket = join(folder, 'agent.sock')
    const started = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' })
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])
    const env = { ...process.env, SSH_AUTH_SOCK: socket }
    try {
      const at = net(socket)
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id')])
      const host = await at.start({ keys: [execFileSync('cat', [join(folder, 'id.pub')], { encoding: 'utf8' })] })
      const draft = at.draft('127.0.0.1', host.port, { kind: 'agent', keyFile: '' })
      expect(codesOf(await at.hosts.session(draft))).toEqual(['ssh-agent-empty'])
      execFileSync('ssh-add', ['-q', join(folder, 'id')], { env, stdio: 'ignore' })
      expect(await said(at.hosts, draft)).toBe('here\n')
      expect(host.logins.at(-1)).toBe('publickey admin')
      at.hosts.drop(draft)
      process.kill(pid)
      await expect.poll(async () => codesOf(await at.hosts.session(draft))).toEqual(['ssh-agent-absent'])
    } finally {
      try {
        process.kill(pid)
      } catch {
        // It ended above.
      }
    }
  })
  it('a key and then a code, which is used once', async () => {
    const at = net()
    const pair = newHostKey()
    const keyFile = join(at.home, 'id')
    writeFileSync(keyFile, pair.private)
    const host = await at.start({ keys: [pair.public], code: '123456' })
    const draft = at.draft('127.0.0.1', host.port, { kind: 'key', keyFile })
    expect(problemsOf(await at.hosts.session(draft))).toMatchObject([
      { code: 'login-code-needed', detail: { question: 'Verification code' } },
    ])
    await at.keep(host, 'code', '123456')
    expect(await said(at.hosts, draft)).toBe('here\n')
    at.hosts.drop(draft)
    expect(codesOf(await at.hosts.session(draft))).toEqual(['login-code-needed'])
  })
  it('a password and then a code by keyboard-interactive', async () => {
    const at = net()
    const host = await at.start({ password: 'x', keyboard: true, code: '77' })
    await at.keep(host, 'password', 'x')
    await at.keep(host, 'code', '77')
    expect(await said(at.hosts, at.draft('127.0.0.1', host.port))).toBe('here\n')
  })
})
