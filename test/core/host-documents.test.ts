// lvs.cf on a host: opened and saved through an SSH server in this process whose commands run in a real shell.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createCore } from '../../core/core.ts'
import { largestRemoteBytes } from '../../core/host-file.ts'
import type { Answer, Args, HostKey, RequestName } from '../../domain/contract/app.ts'
import type { Result } from '../../domain/problem.ts'
import { secretWord, startHost } from './ssh-host.ts'
import type { HostOptions, TestHost } from './ssh-host.ts'

const open: { close: () => unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

interface Place {
  readonly host: TestHost
  readonly dataDir: string
  /** A file in a folder of its own on the host. */
  readonly file: string
  readonly name: string
  readonly ask: <N extends RequestName>(name: N, args: Args<N>) => Promise<Result<Answer<N>>>
}

const login = { kind: 'password', keyFile: '' } as const
const codes = (result: Result<unknown>): readonly string[] => (result.ok ? [] : result.problems.map(({ code }) => code))
const digestOf = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

function keyIn(result: Result<unknown>): HostKey {
  const detail = result.ok ? undefined : result.problems.find(({ code }) => code === 'host-key-unknown')?.detail
  if (!detail) throw new Error(`no unknown key: ${JSON.stringify(result)}`)
  const { host, port, algorithm, fingerprint } = detail
  return {
    address: String(host),
    port: Number(port),
    algorithm: String(algorithm),
    fingerprint: String(fingerprint),
  }
}

/** A host with an lvs.cf, its key trusted and its password handed over. */
async function place(options: HostOptions = {}, text = 'serial_no = 1\nservice = lvs\n'): Promise<Place> {
  const password = secretWord()
  const host = await startHost({ password, ...options })
  const dataDir = join(mkdtempSync(join(tmpdir(), 'shoal-remote-')), 'data')
  const core = await createCore({ dataDir, home: dataDir, agentDir: dataDir, host: 'browser', version: '1' })
  open.push(core, host)
  const ask: Place['ask'] = async (name, args) => (await core.ask(name, args)) as never
  const folder = join(host.folder, 'ha')
  mkdirSync(folder)
  const file = join(folder, 'lvs.cf')
  writeFileSync(file, text, 'latin1')
  chmodSync(file, 0o640)
  await ask('secrets.keep', {
    address: '127.0.0.1',
    port: host.port,
    user: 'admin',
    kind: 'password',
    secret: password,
  })
  const name = `ssh://admin@127.0.0.1:${host.port}${file}`
  await ask('hosts.trust', keyIn(await ask('documents.open', { file: name, login })))
  return { host, dataDir, file, name, ask }
}

async function opened({ ask, name }: Place) {
  const answer = await ask('documents.open', { file: name, login })
  if (!answer.ok) throw new Error(JSON.stringify(answer.problems))
  return answer.value
}

describe('a file on a host', () => {
  it('comes with every byte, is saved, and keeps its mode; the version before is kept there', async () => {
    const bytes = '# \xd6\xd0\xce\xc4\r\nservice = lvs\r\n'
    const at = await place({}, bytes)
    const seen = await opened(at)
    expect(seen).toMatchObject({ file: at.name, encoding: 'gb18030', digest: digestOf(bytes) })
    const { text, digest, encoding } = seen
    const saved = await at.ask('documents.save', { file: at.name, text: text.replace('lvs', 'fos'), digest, encoding })
    const after = bytes.replace('lvs', 'fos')
    expect(saved).toEqual({ ok: true, value: { file: at.name, digest: digestOf(after) } })
    expect(readFileSync(at.file, 'latin1')).toBe(after)
    expect(statSync(at.file).mode & 0o777).toBe(0o640)
    expect(readdirSync(join(at.host.folder, 'ha'))).toEqual(['lvs.cf'])
    const kept = join(at.host.folder, 'var/kept/documents')
    const [old = ''] = readdirSync(kept)
    expect(readFileSync(join(kept, old), 'latin1')).toBe(bytes)
    // Saved again from there on.
    const again = { file: at.name, text, digest: digestOf(after), encoding }
    expect((await at.ask('documents.save', again)).ok).toBe(true)
    expect(readFileSync(at.file, 'latin1')).toBe(bytes)
  })

  it('is not overwritten when it was changed there meanwhile', async () => {
    const at = await place()
    const { digest } = await opened(at)
    writeFileSync(at.file, 'theirs\n')
    expect(codes(await at.ask('documents.save', { file: at.name, text: 'mine\n', digest }))).toEqual([
      'changed-meanwhile',
    ])
    expect(codes(await at.ask('documents.save', { file: at.name, text: 'mine\n', digest: null }))).toEqual([
      'changed-meanwhile',
    ])
    expect(codes(await at.ask('documents.save', { file: at.name, text: 'mine\n', digest: '$(id)' }))).toEqual([
      'changed-meanwhile',
    ])
    expect(readFileSync(at.file, 'utf8')).toBe('theirs\n')
  })

  it('that has no room for the new version stays as it was', async () => {
    // A limit of one block per file is what a full disk is to the script: half a file and a failed write.
    const at = await place({ before: 'ulimit -f 1\ntrap "" XFSZ' })
    const { text, digest } = await opened(at)
    const large = text + '# more\n'.repeat(2_000)
    expect(codes(await at.ask('documents.save', { file: at.name, text: large, digest }))).toEqual(['file-unwritable'])
    expect(readFileSync(at.file, 'utf8')).toBe(text)
    expect(readdirSync(join(at.host.folder, 'ha'))).toEqual(['lvs.cf'])
  })

  it('stays as it was when the connection is cut', async () => {
    const at = await place()
    const { text, digest } = await opened(at)
    at.host.cutAt('SHOAL_FILE', 'before')
    expect(codes(await at.ask('documents.save', { file: at.name, text: 'mine\n', digest }))).toEqual([
      'connection-lost',
    ])
    expect(readFileSync(at.file, 'utf8')).toBe(text)
    // The next save connects again.
    expect((await at.ask('documents.save', { file: at.name, text: 'mine\n', digest })).ok).toBe(true)
    expect(readFileSync(at.file, 'utf8')).toBe('mine\n')
  })

  it('is written through a link, and a new one is made only where none is', async () => {
    const at = await place()
    const link = join(at.host.folder, 'link.cf')
    symlinkSync(at.file, link)
    const name = at.name.replace(at.file, link)
    const { digest } = await opened({ ...at, name })
    expect((await at.ask('documents.save', { file: name, text: 'by link\n', digest })).ok).toBe(true)
    expect(readFileSync(at.file, 'utf8')).toBe('by link\n')
    const fresh = join(at.host.folder, "ha/a 'new' $(one).cf")
    const freshName = at.name.replace(at.file, fresh)
    expect(codes(await at.ask('documents.open', { file: freshName }))).toEqual(['file-unreadable'])
    expect((await at.ask('documents.save', { file: freshName, text: 'new\n', digest: null })).ok).toBe(true)
    expect(readFileSync(fresh, 'utf8')).toBe('new\n')
    expect(statSync(fresh).mode & 0o777).toBe(0o644)
  })

  it.each([
    ['a folder', (at: Place) => join(at.host.folder, 'ha'), 'file-unreadable'],
    ['absent', (at: Place) => join(at.host.folder, 'ha/none.cf'), 'file-unreadable'],
    [
      'too large',
      (at: Place) => {
        const large = join(at.host.folder, 'large.cf')
        writeFileSync(large, Buffer.alloc(largestRemoteBytes + 1, 35))
        return large
      },
      'document-too-large',
    ],
  ])('that is %s is said to be so', async (_, path, code) => {
    const at = await place()
    expect(codes(await at.ask('documents.open', { file: at.name.replace(at.file, path(at)), login }))).toEqual([code])
  })

  it('a name that names none is refused before anything is connected', async () => {
    const at = await place()
    const tries = at.host.logins.length
    for (const file of ['ssh://nobody', 'ssh://a b/lvs.cf']) {
      expect(codes(await at.ask('documents.open', { file }))).toEqual(['document-place-malformed'])
      expect(codes(await at.ask('documents.save', { file, text: '', digest: null }))).toEqual([
        'document-place-malformed',
      ])
    }
    expect(at.host.logins.length).toBe(tries)
  })

  it('with sudo only: reading needs none, saving takes its password', async () => {
    const sudo = secretWord()
    const at = await place({ sudo: { password: sudo } })
    const { digest } = await opened(at)
    expect(codes(await at.ask('documents.save', { file: at.name, text: 'mine\n', digest }))).toEqual([
      'sudo-password-wrong',
    ])
    const owner = { address: '127.0.0.1', port: at.host.port, user: 'admin' }
    await at.ask('secrets.keep', { ...owner, kind: 'sudo', secret: sudo })
    expect((await at.ask('documents.save', { file: at.name, text: 'mine\n', digest })).ok).toBe(true)
    expect(at.host.commands.join('\n')).not.toContain(sudo)
  })

  it('is among the recent files, its unsaved text is kept here, and how to log in is remembered', async () => {
    const at = await place()
    const { digest, text, encoding } = await opened(at)
    // Another way to write the same file.
    const other = at.name.replace('/ha/', '/ha/../ha//')
    const change = { from: 0, to: text.length, insert: 'typed\n' }
    await at.ask('documents.keep', { file: other, encoding, base: text, digest, change })
    expect(await at.ask('documents.kept', { file: at.name })).toMatchObject({
      value: { text: 'typed\n', file: at.name },
    })
    expect(await at.ask('documents.recent', {})).toEqual({ ok: true, value: [at.name] })
    expect((await at.ask('documents.open', { file: other })).ok).toBe(true)
    const remembered = readFileSync(join(at.dataDir, 'documents/logins.json'), 'utf8')
    expect(JSON.parse(remembered)).toEqual({
      logins: { [`ssh://admin@127.0.0.1:${at.host.port}`]: { kind: 'password', keyFile: '' } },
    })
    await at.ask('documents.forget', { file: other })
    expect(await at.ask('documents.kept-list', {})).toEqual({ ok: true, value: [] })
  })
})
