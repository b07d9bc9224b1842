import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Plan, Run, RunLine, Step } from '../../domain/plan.ts'
import { ok } from '../../domain/problem.ts'
import { openSecrets } from '../../core/secrets.ts'
import { carryOut, takeBack } from '../../core/provision/run.ts'
import type { RunPorts } from '../../core/provision/run.ts'
import { exitChecksum } from '../../core/provision/shell.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import type { Hosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { webDraft } from './material.ts'
import { newHostKey, secretWord, startHost } from './ssh-host.ts'
import type { TestHost } from './ssh-host.ts'

const owner = `${userInfo().username}:${execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()}`
const secret = secretWord()

let real: TestHost
let director: TestHost
let hosts: Hosts
let folder: string
let draft: ReturnType<typeof webDraft>

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-run-'))
  const keys = [newHostKey(), newHostKey()]
  real = await startHost({ password: 'x', hostKey: keys[0]?.private ?? '' })
  director = await startHost({ password: 'x', hostKey: keys[1]?.private ?? '' })
  mkdirSync(join(folder, '.ssh'))
  writeFileSync(
    join(folder, '.ssh', 'known_hosts'),
    `[127.0.0.1]:${real.port} ${keys[0]?.public ?? ''}\n[127.0.0.1]:${director.port} ${keys[1]?.public ?? ''}\n`,
  )
  const secrets = openSecrets(undefined)
  for (const { port } of [real, director])
    await secrets.keep({ address: '127.0.0.1', port, user: 'root' }, 'password', 'x')
  hosts = openHosts({ knownHosts: openKnownHosts(join(folder, 'own'), folder), secret: secrets.get, uploadTag: 'test' })
  const web = webDraft()
  const at = (port: number) => ({
    address: '127.0.0.1',
    port: String(port),
    user: 'root',
    login: { kind: 'password' as const, keyFile: '' },
  })
  draft = {
    ...web,
    directors: [{ ...web.directors[0], ...at(director.port) }, web.directors[1]],
    realServers: web.realServers.slice(0, 1).map((server) => ({ ...server, ...at(real.port) })),
  }
})
afterEach(async () => {
  hosts.close()
  await real.close()
  await director.close()
})

function step(hostId: string, kind: Step['kind'], parts: Partial<Step> = {}): Step {
  return { id: `${hostId}/${kind}`, hostId, kind, detail: {}, files: [], run: '', alreadySo: '', inverse: '', ...parts }
}
function file(path: string, text: string): Step['files'][number] {
  return { path, mode: '0640', owner, content: { kind: 'text', text } }
}

function newRun(steps: readonly Step[], id = 'run-1'): Run {
  const plan: Plan = {
    draftId: draft.id,
    draftRevision: 1,
    lvscf: '',
    findings: [],
    order: [['real-1'], ['director-1']],
    hosts: [],
    steps,
  }
  return {
    id,
    draftId: draft.id,
    clusterId: draft.id,
    state: 'running',
    startedAtMs: 0,
    plan,
    steps: steps.map((each) => ({ stepId: each.id, state: 'waiting' })),
    proof: [],
    problems: [],
  }
}

const lines: RunLine[] = []
function ports(signal = new AbortController().signal, changed: (run: Run) => void = () => undefined): RunPorts {
  lines.length = 0
  return {
    hosts,
    signal,
    retryPausesMs: [50, 100],
    now: () => 5,
    binary: () => undefined,
    secret: async () => ok(secret),
    changed,
    line: (line) => lines.push(line),
  }
}
const states = (run: Run): Readonly<Record<string, string>> =>
  Object.fromEntries(run.steps.map(({ stepId, state }) => [stepId, state]))
const read = (path: string): string => readFileSync(path, 'utf8')

describe('a run', () => {
  it('goes group by group, and within a host step by step', async () => {
    const log = join(folder, 'log')
    const say = (word: string): string => `echo ${word} >>${log}`
    const run = await carryOut(
      newRun([
        step('director-1', 'agent-start', { run: say('start'), alreadySo: 'false' }),
        step('director-1', 'agent-ready', { run: say('ready'), alreadySo: 'false' }),
        step('real-1', 'arp-silence', { run: say('silence'), alreadySo: 'false' }),
        step('real-1', 'vip-up', { run: `sleep 0.3; ${say('vip')}`, alreadySo: 'false' }),
      ]),
      draft,
      ports(),
    )
    expect(run.state).toBe('proving')
    expect(read(log)).toBe('silence\nvip\nstart\nready\n')
  })
  it('does what nothing uses yet ahead, while the group before is still at work', async () => {
    const log = join(folder, 'log')
    await carryOut(
      newRun([
        step('director-1', 'agent', { ahead: true, run: `echo copied >>${log}`, alreadySo: 'false' }),
        step('director-1', 'agent-start', { run: `echo start >>${log}`, alreadySo: 'false' }),
        step('real-1', 'vip-up', { run: `sleep 1; echo vip >>${log}`, alreadySo: 'false' }),
      ]),
      draft,
      ports(),
    )
    expect(read(log)).toBe('copied\nvip\nstart\n')
  })
  it('writes files whole, with mode and owner, and keeps a copy of what was there', async () => {
    const path = join(folder, 'deep', 'er', 'lvs.cf')
    const old = join(folder, 'old.conf')
    writeFileSync(old, 'before\n')
    const run = await carryOut(
      newRun([
        step('real-1', 'lvscf', {
          files: [file(path, 'a "quoted" $line\n集群\n'), file(old, 'after\n')],
          alreadySo: 'true',
        }),
      ]),
      draft,
      ports(),
    )
    expect(states(run)).toEqual({ 'real-1/lvscf': 'done' })
    expect(read(path)).toBe('a "quoted" $line\n集群\n')
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(read(join(real.folder, 'var/kept/run-1/real-1_lvscf/1.kept'))).toBe('before\n')
    expect(readdirSync(join(folder, 'deep', 'er'))).toEqual(['lvs.cf'])
  })
  it('a second run finds everything so already and runs nothing', async () => {
    const path = join(folder, 'a.conf')
    const steps = [
      step('real-1', 'sysctl', { files: [file(path, 'x\n')], run: `echo ran >>${folder}/ran`, alreadySo: 'true' }),
    ]
    await carryOut(newRun(steps), draft, ports())
    const again = await carryOut(newRun(steps, 'run-2'), draft, ports())
    expect(states(again)).toEqual({ 'real-1/sysctl': 'already' })
    expect(read(`${folder}/ran`)).toBe('ran\n')
    expect(existsSync(join(real.folder, 'var/kept/run-2'))).toBe(false)
  })
  it('a changed mode is put right', async () => {
    const path = join(folder, 'a.conf')
    const steps = [step('real-1', 'sysctl', { files: [file(path, 'x\n')] })]
    await carryOut(newRun(steps), draft, ports())
    execFileSync('chmod', ['666', path])
    expect(states(await carryOut(newRun(steps, 'run-2'), draft, ports()))).toEqual({ 'real-1/sysctl': 'done' })
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })
  it('passes output on by line, and the secret of a secret file never', async () => {
    const path = join(folder, 'key')
    const key: Step['files'][number] = { path, mode: '0600', owner, content: { kind: 'secret', name: 'cluster-key' } }
    const run = await carryOut(
      newRun([step('real-1', 'cluster-key', { files: [key], run: 'echo one; echo two >&2', alreadySo: 'true' })]),
      draft,
      ports(),
    )
    expect(read(path)).toBe(secret)
    expect(lines.map(({ stream, text }) => `${stream} ${text}`).sort()).toEqual(['err two', 'out one'])
    const encoded = Buffer.from(secret).toString('base64')
    for (const told of [JSON.stringify(run), JSON.stringify(lines), real.commands.join(' ')]) {
      expect(told).not.toContain(secret)
      expect(told).not.toContain(encoded)
    }
  })
})

describe('a step that fails', () => {
  it('ends the run: nothing after it is run, and its last words are in the problem', async () => {
    const run = await carryOut(
      newRun([
        step('real-1', 'vip-up', { run: 'echo cannot do it >&2; exit 3', alreadySo: 'false' }),
        step('director-1', 'agent-start', { run: `echo > ${folder}/started`, alreadySo: 'false' }),
      ]),
      draft,
      ports(),
    )
    expect(run.state).toBe('failed')
    expect(states(run)).toEqual({ 'real-1/vip-up': 'failed', 'director-1/agent-start': 'not-run' })
    expect(run.problems).toMatchObject([
      {
        code: 'command-failed',
        detail: { host: 'rs1', exit: 3, answer: 'cannot do it' },
        where: { kind: 'host', host: 'real-1', step: 'real-1/vip-up' },
      },
    ])
    expect(existsSync(join(folder, 'started'))).toBe(false)
  })
  it('in the middle of its commands stops there', async () => {
    const run = await carryOut(
      newRun([step('real-1', 'vip-up', { run: `false\necho > ${folder}/after`, alreadySo: 'false' })]),
      draft,
      ports(),
    )
    expect(run.state).toBe('failed')
    expect(existsSync(join(folder, 'after'))).toBe(false)
  })
  it('a full disk leaves the former file as it was, and says so', async () => {
    const path = join(folder, 'lvs.cf')
    writeFileSync(path, 'the one in service\n')
    const full = { ...file(path, 'new\n') }
    // /dev/full refuses every byte, as a full disk does.
    const run = await carryOut(
      newRun([
        step('real-1', 'lvscf', {
          files: [full],
          validate: 'cp "$NEW" /dev/full',
          alreadySo: 'true',
        }),
      ]),
      draft,
      ports(),
    )
    expect(run.problems).toMatchObject([{ code: 'disk-full', detail: { what: path } }])
    expect(read(path)).toBe('the one in service\n')
    expect(readdirSync(folder).filter((name) => name.includes('shoal-new'))).toEqual([])
  })
  it('a file that came over damaged is named, not the first one of its step', async () => {
    const run = await carryOut(
      newRun([
        step('real-1', 'lvscf', {
          files: [file(join(folder, 'one'), 'x\n'), file(join(folder, 'two'), 'y\n')],
          run: `echo 'checksum of ${join(folder, 'two')} differs' >&2; exit ${exitChecksum}`,
        }),
      ]),
      draft,
      ports(),
    )
    expect(run.problems).toMatchObject([{ code: 'checksum-wrong', detail: { file: join(folder, 'two') } }])
  })
  it('a file the agent refuses is not put in place', async () => {
    const path = join(folder, 'lvs.cf')
    writeFileSync(path, 'the one in service\n')
    const run = await carryOut(
      newRun([
        step('real-1', 'lvscf', {
          files: [file(path, 'bad\n')],
          validate: 'grep -q good "$NEW" || { echo line 1: bad; exit 1; }',
        }),
      ]),
      draft,
      ports(),
    )
    expect(run.problems).toMatchObject([{ code: 'lvscf-refused', detail: { answer: 'line 1: bad' } }])
    expect(read(path)).toBe('the one in service\n')
  })
  it('all files of a step are checked before the first is put in place', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'no-directory', 'two')]
    writeFileSync(one, 'before\n')
    writeFileSync(join(folder, 'no-directory'), 'a file where a directory should be\n')
    const run = await carryOut(
      newRun([step('real-1', 'lvscf', { files: [file(one, 'after\n'), file(two, 'x\n')] })]),
      draft,
      ports(),
    )
    expect(run.state).toBe('failed')
    expect(read(one)).toBe('before\n')
  })
})

describe('a run that ended early', () => {
  const parts = () => [
    step('real-1', 'arp-silence', { run: `echo silence >>${folder}/log`, alreadySo: `grep -q silence ${folder}/log` }),
    step('real-1', 'vip-up', {
      run: `[ -e ${folder}/may ]; echo vip >>${folder}/log`,
      alreadySo: `grep -q vip ${folder}/log`,
    }),
    step('director-1', 'agent-start', { run: `echo start >>${folder}/log`, alreadySo: `grep -q start ${folder}/log` }),
  ]
  it('tries one step again and nothing after it', async () => {
    const first = await carryOut(newRun(parts()), draft, ports())
    expect(states(first)).toEqual({
      'real-1/arp-silence': 'done',
      'real-1/vip-up': 'failed',
      'director-1/agent-start': 'not-run',
    })
    const still = await carryOut(first, draft, ports(), 'real-1/vip-up')
    expect(still).toMatchObject({ state: 'failed', problems: [{ code: 'command-failed' }] })
    writeFileSync(join(folder, 'may'), '')
    const one = await carryOut(still, draft, ports(), 'real-1/vip-up')
    expect(one.state).toBe('cancelled')
    expect(one.steps.find(({ stepId }) => stepId === 'real-1/vip-up')?.problem).toBeUndefined()
    expect(states(one)).toMatchObject({ 'real-1/vip-up': 'done', 'director-1/agent-start': 'not-run' })
    expect(read(join(folder, 'log'))).toBe('silence\nvip\n')
  })
  it('goes on where it stood: what is still so keeps how it ended, what is gone is done anew', async () => {
    const first = await carryOut(newRun(parts()), draft, ports())
    writeFileSync(join(folder, 'may'), '')
    const whole = await carryOut(first, draft, ports())
    expect(whole.state).toBe('proving')
    expect(whole.problems).toEqual([])
    expect(whole.steps[0]).toEqual(first.steps[0])
    expect(read(join(folder, 'log'))).toBe('silence\nvip\nstart\n')
    // As after a host was set up anew meanwhile.
    writeFileSync(join(folder, 'log'), 'vip\nstart\n')
    expect((await carryOut(whole, draft, ports())).state).toBe('proving')
    expect(read(join(folder, 'log'))).toBe('vip\nstart\nsilence\n')
  })
})

describe('a connection cut in the middle', () => {
  it('is made again, and a step that had ended meanwhile is found so', async () => {
    real.cutAt('halfway', 'after')
    const run = await carryOut(
      newRun([
        step('real-1', 'vip-up', {
          run: `echo > ${folder}/done; echo halfway; sleep 0.2`,
          alreadySo: `[ -e ${folder}/done ]`,
        }),
        step('director-1', 'agent-start', { run: 'true', alreadySo: 'false' }),
      ]),
      draft,
      ports(),
    )
    expect(states(run)).toEqual({ 'real-1/vip-up': 'already', 'director-1/agent-start': 'done' })
    expect(lines.some(({ stream, text }) => stream === 'note' && text.includes('trying again'))).toBe(true)
  })
  it('while a script is being sent runs nothing of it', async () => {
    real.cutAt('MARKED', 'before')
    const run = await carryOut(
      newRun([step('real-1', 'vip-up', { run: `echo MARKED >>${folder}/times`, alreadySo: 'false' })]),
      draft,
      ports(),
    )
    expect(run.state).toBe('proving')
    expect(read(`${folder}/times`)).toBe('MARKED\n')
  })
  it('for good ends the run with a clear problem, and the next run goes on where it stopped', async () => {
    const steps = [
      step('real-1', 'arp-silence', { run: `echo >>${folder}/silence`, alreadySo: `[ -e ${folder}/silence ]` }),
      step('real-1', 'vip-up', { run: `echo >>${folder}/vip`, alreadySo: `[ -e ${folder}/vip ]` }),
    ]
    const control = ports(undefined, (run) => {
      if (run.steps[0]?.state === 'done' && !real.down) {
        real.down = true
        real.cut()
      }
    })
    const run = await carryOut(newRun(steps), draft, control)
    expect(states(run)).toEqual({ 'real-1/arp-silence': 'done', 'real-1/vip-up': 'failed' })
    expect(run.problems[0]?.where).toEqual({ kind: 'host', host: 'real-1', step: 'real-1/vip-up' })
    expect(['connection-lost', 'ssh-failed', 'host-unreachable']).toContain(run.problems[0]?.code)

    real.down = false
    const again = await carryOut(newRun(steps, 'run-2'), draft, ports())
    expect(states(again)).toEqual({ 'real-1/arp-silence': 'already', 'real-1/vip-up': 'done' })
    expect(read(`${folder}/silence`)).toBe('\n')
  })
})

describe('cancelling', () => {
  it('lets the command under way end and runs nothing after it', async () => {
    const stop = new AbortController()
    const run = await carryOut(
      newRun([
        step('real-1', 'arp-silence', { run: `sleep 0.5; echo >${folder}/whole`, alreadySo: 'false' }),
        step('real-1', 'vip-up', { run: `echo >${folder}/next`, alreadySo: 'false' }),
      ]),
      draft,
      ports(stop.signal, (now) => {
        if (now.steps[0]?.state === 'running') stop.abort()
      }),
    )
    expect(run.state).toBe('cancelled')
    expect(states(run)).toEqual({ 'real-1/arp-silence': 'done', 'real-1/vip-up': 'not-run' })
    expect(run.problems).toMatchObject([{ code: 'run-cancelled', detail: { count: 1 } }])
    expect([existsSync(`${folder}/whole`), existsSync(`${folder}/next`)]).toEqual([true, false])
  })
})

describe('taking back', () => {
  it('restores files, removes what was made, runs the inverses newest first, and leaves nothing', async () => {
    const fresh = join(folder, 'made', 'by', 'us.conf')
    const old = join(folder, 'theirs.conf')
    writeFileSync(old, 'before\n', { mode: 0o604 })
    const log = join(folder, 'log')
    const steps = [
      step('real-1', 'sysctl', {
        files: [file(old, 'after\n')],
        inverse: `echo sysctl >>${log}`,
        settle: `cat ${old} >>${log}`,
      }),
      step('director-1', 'agent-unit', { files: [file(fresh, 'x\n')], inverse: `echo unit >>${log}` }),
      step('director-1', 'agent-start', { run: 'true', alreadySo: 'false', inverse: `echo stop >>${log}` }),
    ]
    const run = await carryOut(newRun(steps), draft, ports())
    expect(read(old)).toBe('after\n')
    const undone = await takeBack(run, draft, ports())
    expect(undone.state).toBe('undone')
    expect(new Set(Object.values(states(undone)))).toEqual(new Set(['undone']))
    expect(read(log)).toBe('stop\nunit\nsysctl\nbefore\n')
    expect(read(old)).toBe('before\n')
    expect(statSync(old).mode & 0o777).toBe(0o604)
    expect(existsSync(join(folder, 'made'))).toBe(false)
    expect(existsSync(join(real.folder, 'var'))).toBe(false)
  })
  it('a step that was so already is left alone', async () => {
    const path = join(folder, 'a.conf')
    const steps = [step('real-1', 'sysctl', { files: [file(path, 'x\n')], inverse: `echo >${folder}/inverse` })]
    await carryOut(newRun(steps), draft, ports())
    const again = await carryOut(newRun(steps, 'run-2'), draft, ports())
    const undone = await takeBack(again, draft, ports())
    expect(undone.state).toBe('undone')
    expect(read(path)).toBe('x\n')
    expect(existsSync(`${folder}/inverse`)).toBe(false)
  })
  it('a step that failed half-way is taken back too', async () => {
    const path = join(folder, 'a.conf')
    const run = await carryOut(
      newRun([
        step('real-1', 'sysctl', { files: [file(path, 'x\n')], run: 'exit 1', inverse: `echo >${folder}/inverse` }),
      ]),
      draft,
      ports(),
    )
    expect(run.state).toBe('failed')
    expect(existsSync(path)).toBe(true)
    expect((await takeBack(run, draft, ports())).state).toBe('undone')
    expect([existsSync(path), existsSync(`${folder}/inverse`)]).toEqual([false, true])
  })
  it('what cannot be taken back is named, the rest goes on, and it can be tried again', async () => {
    const steps = [
      step('real-1', 'arp-silence', { run: 'true', alreadySo: 'false', inverse: `echo >${folder}/first` }),
      step('real-1', 'vip-up', { run: 'true', alreadySo: 'false', inverse: `echo busy >&2; [ -e ${folder}/free ]` }),
    ]
    const run = await carryOut(newRun(steps), draft, ports())
    const half = await takeBack(run, draft, ports())
    expect(half.state).toBe('failed')
    expect(half.problems).toMatchObject([{ code: 'undo-incomplete', detail: { host: 'rs1', answer: 'busy' } }])
    expect(existsSync(`${folder}/first`)).toBe(true)
    writeFileSync(`${folder}/free`, '')
    expect((await takeBack(half, draft, ports())).state).toBe('undone')
  })
})
