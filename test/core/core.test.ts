import { mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCore } from '../../core/core.ts'
import type { Core } from '../../core/ports.ts'
import { openRuns } from '../../core/provision/runs.ts'
import { newClusterDraft } from '../../domain/cluster-lvscf.ts'
import type { Answer, Args, RequestName } from '../../domain/contract/app.ts'
import { requests } from '../../domain/contract/app.ts'
import type { Run } from '../../domain/plan.ts'
import type { Result } from '../../domain/problem.ts'
import { webDraft } from './material.ts'
import { newHostKey, secretWord, startHost } from './ssh-host.ts'

let dataDir: string
let core: Core
const logged: string[] = []

async function start(): Promise<Core> {
  return createCore({
    dataDir,
    home: dataDir,
    agentDir: join(dataDir, 'no-agent'),
    host: 'browser',
    version: '1.2.3',
    log: (_level, message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`),
  })
}
beforeEach(async () => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'shoal-core-')), 'data')
  logged.length = 0
  core = await start()
})
afterEach(async () => {
  await core.close()
})

async function ask<N extends RequestName>(name: N, args: Args<N>): Promise<Result<Answer<N>>> {
  return (await core.ask(name, args)) as Result<Answer<N>>
}
const codes = (result: Result<unknown>): readonly string[] => (result.ok ? [] : result.problems.map(({ code }) => code))

/** Every file under a folder as one text. */
function everythingIn(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

describe('requests at the door', () => {
  it.each(['no.such', '__proto__', 'constructor', 'toString'])('%s is not known', async (name) => {
    expect(codes(await core.ask(name, {}))).toEqual(['request-malformed'])
  })
  it.each(Object.entries(requests))('%s refuses arguments of another form', async (name, { args }) => {
    // A request that wants nothing takes anything.
    const wanted = args.safeParse({}).success ? [] : ['request-malformed']
    expect(codes(await core.ask(name, { id: 7, file: {}, host: 1, draft: 'x', nothing: true }))).toEqual(wanted)
  })
  it.each([
    ['eth0; id', '192.168.2.27', 'device-malformed'],
    ['eth0', '1.2.3.4; id', 'address-malformed'],
  ])('nothing but an interface and an address reaches a command line: %s %s', async (device, address, code) => {
    const host = webDraft().directors[0]
    expect(codes(await ask('hosts.address-free', { host, device, address }))).toEqual([code])
  })
  it('the app tells what it is', async () => {
    expect(await ask('app.info', {})).toMatchObject({
      ok: true,
      value: { version: '1.2.3', host: 'browser', keychain: false, sshAgent: false, keys: [] },
    })
  })
  it('private keys are offered by what is in them, not by their name', async () => {
    mkdirSync(join(dataDir, '.ssh'), { recursive: true })
    writeFileSync(join(dataDir, '.ssh', 'odd-name'), newHostKey().private)
    writeFileSync(join(dataDir, '.ssh', 'id_ed25519.pub'), newHostKey().public)
    writeFileSync(join(dataDir, '.ssh', 'config'), 'Host x\n')
    expect(await ask('app.info', {})).toMatchObject({ value: { keys: [join(dataDir, '.ssh', 'odd-name')] } })
  })
})

describe('drafts', () => {
  it('survive closing the app, and two windows do not overwrite each other', async () => {
    const draft = webDraft()
    const events: string[] = []
    core.on((name) => events.push(name))
    expect(await ask('drafts.keep', { revision: 0, draft })).toMatchObject({ ok: true, value: { revision: 1 } })
    expect(events).toEqual(['draft.kept'])
    expect(codes(await ask('drafts.keep', { revision: 0, draft: { ...draft, name: 'other window' } }))).toEqual([
      'changed-meanwhile',
    ])
    await core.close()
    core = await start()
    expect(await ask('drafts.get', { id: draft.id })).toMatchObject({ ok: true, value: { revision: 1, draft } })
    expect(await ask('drafts.list', {})).toMatchObject({ ok: true, value: [{ revision: 1 }] })
    await ask('drafts.forget', { id: draft.id })
    expect(codes(await ask('drafts.get', { id: draft.id }))).toEqual(['not-found'])
  })
  it('saves that come at the same time are taken one after the other', async () => {
    const draft = webDraft()
    const saves = await Promise.all([1, 2, 3].map(() => ask('drafts.keep', { revision: 0, draft })))
    expect(saves.filter(({ ok }) => ok)).toHaveLength(1)
  })
  it('an id cannot leave the directory', async () => {
    await ask('drafts.keep', { revision: 0, draft: { ...webDraft(), id: '../../../escape' } })
    expect(readdirSync(join(dataDir, 'drafts'))).toEqual(['%2E%2E%2F%2E%2E%2F%2E%2E%2Fescape.json'])
  })
  it('a file that cannot be read is said and hides no other draft', async () => {
    await ask('drafts.keep', { revision: 0, draft: webDraft() })
    writeFileSync(join(dataDir, 'drafts', 'broken.json'), '{')
    expect(codes(await ask('drafts.get', { id: 'broken' }))).toEqual(['file-unreadable'])
    expect(await ask('drafts.list', {})).toMatchObject({ value: [{ revision: 1 }] })
  })
})

describe('secrets', () => {
  it('are in no file, no event, no answer and no log', async () => {
    const secret = secretWord()
    const heard: unknown[] = []
    core.on((name, event) => heard.push([name, event]))
    const host = await startHost({ password: 'another' })
    const draft = webDraft().directors[1]
    const login = { ...draft, address: '127.0.0.1', port: String(host.port) }
    const owner = { address: '127.0.0.1', port: host.port, user: 'admin' }
    const kept = await ask('secrets.keep', { ...owner, kind: 'password', secret })
    const first = await ask('hosts.try', { host: login })
    expect(first).toMatchObject({ ok: true, value: { kind: 'unknown-key' } })
    if (first.ok && first.value.kind === 'unknown-key') await ask('hosts.trust', first.value.key)
    const refused = await ask('hosts.try', { host: login })
    expect(codes(refused)).toEqual(['login-refused'])
    await core.close()
    await host.close()
    for (const told of [JSON.stringify([kept, first, refused, heard]), logged.join('\n'), everythingIn(dataDir)]) {
      expect(told).not.toContain(secret)
    }
  })
  it('the data directory is this user’s alone', () => {
    expect(statSync(dataDir).mode & 0o077).toBe(0)
  })
})

describe('hosts', () => {
  it('one whose kept connection is gone is asked again over a new one', async () => {
    const password = secretWord()
    const host = await startHost({ password })
    const owner = { address: '127.0.0.1', port: host.port, user: 'admin' }
    const login = {
      ...newClusterDraft('web').directors[0],
      ...{ address: owner.address, port: String(owner.port), user: owner.user },
      login: { kind: 'password' as const, keyFile: '' },
    }
    await ask('secrets.keep', { ...owner, kind: 'password', secret: password })
    const first = await ask('hosts.try', { host: login })
    if (first.ok && first.value.kind === 'unknown-key') await ask('hosts.trust', first.value.key)
    expect(await ask('hosts.try', { host: login })).toMatchObject({ ok: true, value: { kind: 'facts' } })
    const before = host.logins.length
    host.cutAt('/etc/os-release', 'before')
    expect(await ask('hosts.try', { host: login })).toMatchObject({ ok: true, value: { kind: 'facts' } })
    expect(host.logins.length).toBe(before + 1)
    await host.close()
  })
})

describe('plans and runs', () => {
  it('a draft with faults has no plan, and every fault is told', async () => {
    await ask('drafts.keep', { revision: 0, draft: newClusterDraft('empty') })
    const made = await ask('plan.make', { draftId: 'empty' })
    expect(codes(made)[0]).toBe('draft-incomplete')
    expect(codes(made)).toContain('field-empty')
  })
  it('without a built agent there is no plan, and the remedy is named', async () => {
    await ask('drafts.keep', { revision: 0, draft: webDraft() })
    expect(codes(await ask('plan.make', { draftId: 'web-cluster' }))).toEqual(['agent-build-absent'])
  })
  it('nothing runs that was not shown', async () => {
    await ask('drafts.keep', { revision: 0, draft: webDraft() })
    expect(codes(await ask('run.start', { draftId: 'web-cluster', draftRevision: 1 }))).toEqual(['plan-absent'])
  })
  it('a run that was under way when the app ended is found as interrupted', async () => {
    const run: Run = {
      id: 'r1',
      draftId: 'web-cluster',
      clusterId: 'web-cluster',
      state: 'running',
      startedAtMs: 1,
      plan: { draftId: 'web-cluster', draftRevision: 1, lvscf: '', findings: [], order: [], hosts: [], steps: [] },
      steps: [
        { stepId: 'a', state: 'done' },
        { stepId: 'b', state: 'running' },
        { stepId: 'c', state: 'waiting' },
      ],
      proof: [],
      problems: [],
    }
    const runs = await openRuns(dataDir)
    runs.put({ run, draft: webDraft() })
    runs.line({ runId: 'r1', hostId: 'h', stepId: 'a', atMs: 1, stream: 'out', text: 'hello' })
    await runs.settled()
    await core.close()
    core = await start()
    expect(await ask('run.of-draft', { draftId: 'web-cluster' })).toMatchObject({
      value: {
        state: 'failed',
        problems: [{ code: 'run-interrupted' }],
        steps: [{ state: 'done' }, { state: 'not-run' }, { state: 'not-run' }],
      },
    })
    expect(await ask('run.output', { runId: 'r1' })).toMatchObject({ value: [{ text: 'hello' }] })
    expect(codes(await ask('run.get', { runId: 'r2' }))).toEqual(['not-found'])
  })
})

describe('clusters', () => {
  it('one that is not known is said to be so', async () => {
    for (const name of ['clusters.get', 'clusters.watch', 'clusters.hand-over'] as const) {
      expect(codes(await ask(name, { id: 'x' }))).toEqual(['not-found'])
    }
    expect(await ask('clusters.list', {})).toEqual({ ok: true, value: [] })
    expect((await ask('clusters.unwatch', { id: 'x' })).ok).toBe(true)
  })
})
