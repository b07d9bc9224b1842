// The core on real hosts, from nothing but sshd and packages: what is refused before anything is touched, a disk that fills up, a
// connection that is cut and a build that goes on, a second run that changes nothing, and the way back to hosts as they were. One story,
// told in order on one lab; figures are printed.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HostDraft } from '../../domain/cluster.ts'
import type { Finding, Run } from '../../domain/plan.ts'
import { beginStory, buildLimitMs, reals } from './story.ts'
import type { Story } from './story.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const name = process.env.SHOAL_PROVISION_LAB

let story: Story
let before: Readonly<Record<string, string>>
let built: Run

beforeAll(async () => {
  story = await beginStory(name ?? 'provision', name !== undefined)
  before = await story.state()
})
afterAll(async () => {
  await story?.end()
})

async function blocks(): Promise<readonly Finding[]> {
  const plan = await story.core.must('plan.make', { draftId: story.draft.id })
  return plan.findings.filter((finding) => finding.problem.severity === 'block')
}
const codesOf = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ hostId, problem }) => `${hostId} ${problem.code}`)
const statesOf = (run: Run): ReadonlySet<string> => new Set(run.steps.map(({ state }) => state))

async function tryHost(host: HostDraft): Promise<string> {
  const tried = await story.core.ask('hosts.try', { host })
  return tried.ok ? tried.value.kind : (tried.problems[0]?.code ?? '')
}

test('an unknown host key is asked about, with the fingerprint the host has', async () => {
  const [director] = story.draft.directors
  const tried = await story.core.must('hosts.try', { host: director })
  if (tried.kind !== 'unknown-key') throw new Error(tried.kind)
  const { stdout } = await story.lab.ssh('lvs1', 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
  expect(stdout).toContain(tried.key.fingerprint)
  await story.logIn()
  for (const host of [...story.draft.directors, ...story.draft.realServers]) expect(await tryHost(host)).toBe('facts')
})

test('wrong password, no sudo and a changed host key each end in their own problem', async () => {
  const [server] = story.draft.realServers
  if (!server) throw new Error('no real server')
  const owner = { address: server.address, port: 22, user: 'guest', kind: 'password' as const }
  await story.core.must('secrets.keep', { ...owner, secret: 'wrong' })
  expect(await tryHost({ ...server, user: 'guest' })).toBe('login-refused')
  await story.core.must('secrets.keep', { ...owner, secret: story.lab.credentials.guest.password })
  expect(await tryHost({ ...server, user: 'guest' })).toBe('no-root')

  const file = join(story.dataDir, 'known_hosts')
  const kept = readFileSync(file, 'utf8')
  const lines = kept.trim().split('\n')
  const [mine, other] = [
    lines.find((line) => line.startsWith(server.address)),
    lines.find((line) => !line.startsWith(server.address)),
  ]
  writeFileSync(file, kept.replace(mine ?? '', `${server.address} ${other?.split(' ').slice(1).join(' ') ?? ''}`))
  // Another port name, so that the session that is open is not used again.
  expect(
    await tryHost({
      ...server,
      user: 'root',
      login: { kind: 'key', keyFile: story.lab.credentials.root.privateKeyPath },
    }),
  ).toBe('host-key-changed')
  writeFileSync(file, kept)
})

test('preflight refuses a virtual IP that is in use, a kernel without ip_vs and a disk without room', async () => {
  await story.keepDraft()
  expect(codesOf(await blocks())).toEqual([])

  const bridge = story.lab.layout.segments[0]?.bridge ?? ''
  await story.lab.run(['ip', 'addr', 'add', `${story.vip}/32`, 'dev', bridge])
  const [director] = story.draft.directors
  expect(
    await story.core.must('hosts.address-free', { host: director, device: 'eth0', address: story.vip }),
  ).toMatchObject({
    free: false,
  })
  expect(codesOf(await blocks())).toEqual(['director-1 vip-answered', 'director-2 vip-answered'])
  await story.lab.run(['ip', 'addr', 'del', `${story.vip}/32`, 'dev', bridge])
  expect(await story.core.must('hosts.address-free', { host: director, device: 'eth0', address: story.vip })).toEqual({
    free: true,
  })

  // Held for some seconds, it is reached by those whose packets the network lets through, and by nobody else.
  const askers = [story.draft.directors[1], ...story.draft.realServers]
  const trial = { host: director, askers, device: 'eth0', address: story.vip }
  const held = await story.state()
  expect((await story.core.must('hosts.address-try', trial)).askers.map(({ reached }) => reached)).toEqual(
    askers.map(() => true),
  )
  await story.lab.ssh('rs1', `arptables -A INPUT -s ${story.vip} -j DROP`)
  const tried = await story.core.must('hosts.address-try', trial)
  await story.lab.ssh('rs1', 'arptables -F INPUT; rmmod arptable_filter arp_tables')
  expect([tried.passed, ...tried.askers.map(({ reached }) => reached)]).toEqual([false, true, false, true])
  await story.mustBeAsBefore(held)

  await story.lab.ssh('rs2', `ip addr add ${story.vip}/32 dev eth0`)
  expect(codesOf(await blocks())).toContain('real-2 vip-on-host')
  await story.lab.ssh('rs2', `ip addr del ${story.vip}/32 dev eth0`)

  const ipvs = '/lib/modules/$(uname -r)/kernel/net/netfilter/ipvs'
  await story.lab.ssh('lvs2', `mv ${ipvs} /root/ipvs && depmod -a`)
  await story.lab.ssh(
    'lvs1',
    'fallocate -l $(( ($(df -Pk / | awk "NR==2{print \\$4}") - 100000) * 1024 )) /var/tmp/full',
  )
  expect(codesOf(await blocks())).toEqual(expect.arrayContaining(['director-1 disk-low', 'director-2 ip-vs-missing']))
  const refused = await story.core.ask('run.start', { draftId: story.draft.id, draftRevision: story.revision() })
  expect(refused.ok ? [] : refused.problems.map(({ code }) => code)).toEqual(['plan-blocked'])
  await story.lab.ssh('lvs2', `mv /root/ipvs ${ipvs} && depmod -a`)
  await story.lab.ssh('lvs1', 'rm /var/tmp/full')
  expect(codesOf(await blocks())).toEqual([])
  await story.mustBeAsBefore(before)
})

test('a check of a service runs from the director before anything is built', async () => {
  const check = { host: story.draft.directors[0], address: story.lab.address('rs1'), port: 80 }
  const good = await story.core.must('hosts.check-service', {
    ...check,
    send: 'GET / HTTP/1.0\\r\\n\\r\\n',
    expect: 'HTTP',
  })
  expect(good).toMatchObject({ passed: true })
  expect(good.answer).toContain('200')
  expect(await story.core.must('hosts.check-service', { ...check, port: 81, send: '', expect: '' })).toMatchObject({
    passed: false,
  })
})

test('a disk that fills up during the build ends it with nothing half-written; taken back, the hosts are as before', async () => {
  await story.core.must('plan.make', { draftId: story.draft.id })
  await story.lab.ssh(
    'lvs1',
    'fallocate -l $(( ($(df -Pk / | awk "NR==2{print \\$4}") - 30000) * 1024 )) /var/tmp/full',
  )
  const over = story.core.when(
    'run.changed',
    ({ state }) => ['done', 'failed', 'cancelled'].includes(state),
    buildLimitMs,
  )
  await story.core.must('run.start', { draftId: story.draft.id, draftRevision: story.revision() })
  const run = await over
  expect(run.state).toBe('failed')
  expect(run.problems.map(({ code }) => code)).toContain('disk-full')
  await story.lab.ssh('lvs1', 'test ! -e /etc/sysconfig/ha/lvs.cf && ! ls /opt/shoal/runtime/*/node* 2>/dev/null')
  await story.lab.ssh('lvs1', 'rm /var/tmp/full')
  expect((await story.undo(run)).state).toBe('undone')
  await story.mustBeAsBefore(before)
})

test('a connection cut in the middle ends the build; started again, it goes on and the cluster serves', async () => {
  let cut: Promise<void> | undefined
  const broken = await story.build((run) => {
    const copying = run.steps.find(({ stepId }) => stepId === 'director-2/runtime')?.state === 'running'
    if (copying) cut ??= delay(1_500).then(() => story.lab.cut('lvs2'))
  })
  expect(cut).toBeDefined()
  expect(broken.state).toBe('failed')
  expect(broken.problems[0]?.where).toMatchObject({ kind: 'host', host: 'director-2' })
  await story.lab.heal('lvs2')

  built = await story.build()
  expect(built.problems).toEqual([])
  expect(built.state).toBe('done')
  expect(built.proof.filter(({ passed }) => !passed)).toEqual([])
  expect(built.proof.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['one-mac', 'one-holder', 'real-server-up', 'silent-real-server', 'answers-from-here']),
  )
  expect(statesOf(built).has('already')).toBe(true)

  const probe = await story.lab.startProbe(story.vip)
  await probe.served(25, 10_000)
  const report = await probe.stop()
  console.log('served by', report.servedBy)
  expect(Object.keys(report.servedBy).sort()).toEqual([...reals].sort())
})

test('started once more, nothing is changed', async () => {
  const served = await story.state()
  const again = await story.build()
  expect(again.state).toBe('done')
  expect(statesOf(again)).toEqual(new Set(['already']))
  await story.mustBeAsBefore(served)
  // Taking back a run that did nothing takes nothing back.
  expect((await story.undo(again)).state).toBe('undone')
  await story.mustBeAsBefore(served)
  expect(await story.core.must('clusters.list', {})).toHaveLength(1)
})

test('taken back, every host is as it was before the first build', async () => {
  const undone = await story.undo(built)
  expect(undone.problems).toEqual([])
  expect(undone.state).toBe('undone')
  await story.mustBeAsBefore(before)
  expect(await story.core.must('clusters.list', {})).toEqual([])
})
