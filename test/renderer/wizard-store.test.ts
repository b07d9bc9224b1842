/** The draft: kept after each change, never lost by going back, never overwritten from two windows. */
import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { useWizardStore } from '../../renderer/stores/wizard.ts'
import { fullDraft } from './fake-core.ts'
import type { FakeCore } from './fake-core.ts'
import { freshHost, until } from './host.ts'

let core: FakeCore
let wizard: ReturnType<typeof useWizardStore>

beforeEach(() => {
  core = freshHost().core
  wizard = useWizardStore()
})

async function keptName(id: string): Promise<string> {
  const answer = await core.ask('drafts.get', { id })
  return answer.ok ? (answer.value as { draft: { name: string } }).draft.name : ''
}

/** A conflict with changes on both sides: here `mine`, elsewhere `theirs`. */
async function conflict(): Promise<void> {
  await wizard.open('draft-full')
  core.keepElsewhere('draft-full', (draft) => (draft.name = 'theirs'))
  if (wizard.draft) wizard.draft.name = 'mine'
  await until(() => wizard.keeping === 'conflict', 'the conflict is noticed')
}

describe('keeping the draft', () => {
  it('writes a change a moment later, and not before the first change', async () => {
    wizard.begin(1, null)
    await new Promise((done) => setTimeout(done, 500))
    expect(core.asked).not.toContain('drafts.keep')
    if (wizard.draft) wizard.draft.virtualIp.address = '192.168.2.27'
    expect(wizard.keeping).toBe('waiting')
    await until(() => wizard.keeping === 'kept', 'the draft is kept')
    expect(core.asked.filter((name) => name === 'drafts.keep')).toHaveLength(1)
    expect(wizard.revision).toBe(1)
  })

  it('writes what was typed while the last change was being written', async () => {
    await wizard.open('draft-full')
    if (wizard.draft) wizard.draft.name = 'first'
    const keeping = wizard.keep()
    if (wizard.draft) wizard.draft.name = 'second'
    await keeping
    await until(() => wizard.keeping === 'kept', 'the second change is kept')
    expect(await keptName('draft-full')).toBe('second')
  })

  it('suggests a key found on this machine without counting it as a change', async () => {
    const info = await core.ask('app.info', {})
    wizard.begin(1, info.ok ? (info.value as never) : null)
    expect(wizard.draft?.directors[0].login).toEqual({ kind: 'key', keyFile: '/root/.ssh/id_ed25519' })
    expect(wizard.keeping).toBe('kept')
  })

  it('fills in what ~/.ssh/config says about an address, where nothing else was typed', async () => {
    wizard.begin(1, null)
    const [first, second] = wizard.draft?.directors ?? []
    if (!first || !second) throw new Error('no draft')
    first.address = 'lvs-alias'
    expect(await wizard.configure(first)).toMatchObject({ jump: 'guard@bastion' })
    expect(first).toMatchObject({ port: '2201', user: 'ops', clusterAddress: '192.168.2.117' })
    Object.assign(second, { address: 'lvs-alias', user: 'me', port: '2222' })
    await wizard.configure(second)
    expect(second).toMatchObject({ port: '2222', user: 'me' })
  })

  it('gives the password of a jump host to the core and not to the draft', async () => {
    await wizard.open('draft-full')
    const [first] = wizard.draft?.directors ?? []
    if (!first) throw new Error('no draft')
    first.login.jump = 'guard@bastion:2200'
    wizard.typeJumpSecret({ user: 'guard', address: 'bastion', port: 2200 }, 'hunter3')
    expect(await wizard.handSecrets(first)).toEqual([])
    await wizard.keep()
    expect(JSON.stringify(await core.ask('drafts.get', { id: 'draft-full' }))).not.toContain('hunter3')
    expect(core.passwords.get('bastion')).toBe('hunter3')
  })

  it('never puts a password into the draft', async () => {
    await wizard.open('draft-full')
    const second = wizard.draft?.directors[1]
    if (!second) throw new Error('no draft')
    wizard.typeSecret(second, 'password', 'hunter2')
    await wizard.tryHost(second)
    await wizard.keep()
    const answer = await core.ask('drafts.get', { id: 'draft-full' })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
    expect(core.asked).toContain('secrets.keep')
  })
})

describe('going through the steps', () => {
  it('loses nothing when going back and on again', async () => {
    wizard.begin(1, null)
    if (!wizard.draft) throw new Error('no draft')
    Object.assign(wizard.draft, { ...fullDraft(wizard.draft.id), step: 'topology' })
    const before = JSON.stringify({ ...wizard.draft, step: '' })
    for (let at = 0; at < 6; at += 1) expect(wizard.next()).toBe(true)
    expect(wizard.step).toBe('review')
    for (let at = 0; at < 6; at += 1) wizard.back()
    expect(wizard.step).toBe('topology')
    expect(JSON.stringify({ ...wizard.draft, step: '' })).toBe(before)
    // Steps reached stay reachable.
    expect(wizard.reached).toBe(6)
  })

  it('stays at a step with a blocking answer and shows its problems only then', () => {
    wizard.begin(1, null)
    expect(wizard.next()).toBe(true)
    expect(wizard.shownAt('directors.0.address')).toEqual([])
    expect(wizard.next()).toBe(false)
    expect(wizard.step).toBe('directors')
    expect(wizard.shownAt('directors.0.address').map((problem) => problem.code)).toEqual(['field-empty'])
  })

  it('shows a problem of one field as soon as it was left', () => {
    wizard.begin(1, null)
    if (wizard.draft) wizard.draft.virtualIp.address = '192.168.2.300'
    expect(wizard.shownAt('virtualIp.address')).toEqual([])
    wizard.touch('virtualIp.address')
    expect(wizard.shownAt('virtualIp.address').map((problem) => problem.code)).toEqual(['address-malformed'])
  })

  it('does not change the draft on the way from review to build: the plan shown is the plan run', async () => {
    await wizard.open('draft-full')
    await wizard.makePlan()
    const revision = wizard.revision
    expect(wizard.next()).toBe(true)
    await nextTick()
    expect(wizard.step).toBe('build')
    expect(await wizard.keep()).toBe(true)
    expect(wizard.revision).toBe(revision)
  })
})

describe('two windows with one draft', () => {
  it('notices the other window even when nothing was typed here', async () => {
    await wizard.open('draft-full')
    core.keepElsewhere('draft-full', (draft) => (draft.name = 'theirs'))
    await until(() => wizard.keeping === 'conflict', 'the conflict is noticed')
    expect(wizard.draft?.name).toBe('shop')
  })

  it('overwrites nothing while it is not decided', async () => {
    await conflict()
    if (wizard.draft) wizard.draft.name = 'mine still'
    expect(await wizard.keep()).toBe(false)
    await new Promise((done) => setTimeout(done, 500))
    expect(await keptName('draft-full')).toBe('theirs')
  })

  it('loads the other version when told', async () => {
    await conflict()
    await wizard.loadOther()
    expect(wizard.draft?.name).toBe('theirs')
    expect(wizard.keeping).toBe('kept')
  })

  it('keeps mine when told', async () => {
    await conflict()
    await wizard.keepMine()
    expect(await keptName('draft-full')).toBe('mine')
    expect(wizard.keeping).toBe('kept')
  })

  it('takes its own keeping for no conflict', async () => {
    await wizard.open('draft-full')
    if (wizard.draft) wizard.draft.name = 'mine'
    await wizard.keep()
    await new Promise((done) => setTimeout(done, 20))
    expect(wizard.keeping).toBe('kept')
  })
})

describe('what was learnt from a host', () => {
  it('is asked to trust an unknown key, then knows the facts', async () => {
    await wizard.open('draft-full')
    const first = wizard.draft?.directors[0]
    if (!first) throw new Error('no draft')
    await wizard.tryHost(first)
    const tried = wizard.triedOf(first)
    if (tried?.kind !== 'unknown-key') throw new Error(`got ${tried?.kind}`)
    await wizard.trust(first, tried.key)
    expect(wizard.factsOf(first)?.hostName).toBe('lvs1')
  })

  it('is void when the address is changed', async () => {
    await wizard.open('draft-full')
    const first = wizard.draft?.directors[0]
    if (!first) throw new Error('no draft')
    await wizard.tryHost(first)
    expect(wizard.triedOf(first)).toBeDefined()
    first.address = '192.168.2.118'
    expect(wizard.triedOf(first)).toBeUndefined()
  })
})
