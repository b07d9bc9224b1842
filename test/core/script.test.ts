// The plan as a shell script: run here by a real shell under folders of its own, as somebody at a console would.
import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Plan, Step } from '../../domain/plan.ts'
import { clusterScript, hostScript } from '../../core/provision/script.ts'
import { makePlan } from '../../core/provision/plan.ts'
import { windowsScript } from '../../core/provision/windows.ts'
import { build, factsOf, webDraft } from './material.ts'

const root = userInfo().uid === 0
const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
const material = { digest, agentDir: '/opt/shoal/agent', language: 'en' as const }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-script-'))
})

function step(kind: Step['kind'], parts: Partial<Step>): Step {
  return {
    id: `lvs1/${kind}`,
    hostId: 'lvs1',
    kind,
    detail: {},
    files: [],
    run: '',
    alreadySo: '',
    inverse: '',
    ...parts,
  }
}
function text(path: string, content: string): Step['files'][number] {
  return { path, mode: '0644', owner: 'root:root', content: { kind: 'text', text: content } }
}
function planOf(steps: readonly Step[]): Plan {
  return {
    draftId: 'web',
    draftRevision: 1,
    lvscf: '',
    findings: [],
    order: [['lvs1']],
    hosts: [{ hostId: 'lvs1', name: 'lvs1', address: '192.168.2.117', role: 'director' }],
    steps,
  }
}
function run(script: string, ...words: readonly string[]) {
  const file = join(folder, 'script.sh')
  // The copies of what was there, and the lock, are kept under a folder of the test.
  writeFileSync(
    file,
    script.replaceAll('/var/lib/shoal', join(folder, 'var')).replaceAll('/run/shoal-build.lock', join(folder, 'lock')),
  )
  const done = spawnSync('sh', [file, ...words], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } })
  return { exit: done.status, out: done.stdout.trim().split('\n'), err: done.stderr }
}

describe.skipIf(!root)('the script of a host', () => {
  it('does every step once, finds it so the second time, and takes it back', () => {
    const conf = join(folder, 'deep', 'lvs.cf')
    const old = join(folder, 'old.conf')
    writeFileSync(old, 'before\n', { mode: 0o600 })
    const script = hostScript(
      planOf([
        step('lvscf', {
          files: [text(conf, "it's $HOME `here`\n集群\n"), text(old, 'no line end')],
          validate: 'grep -q 集群 "$NEW"',
        }),
        step('sysctl', {
          run: `echo ran >>${folder}/ran\n: >"$KEPT/mark"`,
          alreadySo: `[ -e ${folder}/ran ] || exit 1`,
          inverse: `[ -e "$KEPT/mark" ]\nrm ${folder}/ran`,
        }),
      ]),
      'lvs1',
      material,
    )
    expect(run(script, 'check')).toMatchObject({ exit: 1 })
    expect(existsSync(conf)).toBe(false)
    expect(run(script)).toMatchObject({ exit: 0, err: '' })
    expect(readFileSync(conf, 'utf8')).toBe("it's $HOME `here`\n集群\n")
    expect(readFileSync(old, 'utf8')).toBe('no line end')
    const again = run(script)
    expect(again.out.every((line) => line.startsWith('already so: '))).toBe(true)
    expect(readFileSync(join(folder, 'ran'), 'utf8')).toBe('ran\n')
    expect(run(script, 'check').exit).toBe(0)
    expect(run(script, 'undo')).toMatchObject({ exit: 0 })
    expect(existsSync(conf) || existsSync(join(folder, 'deep')) || existsSync(join(folder, 'ran'))).toBe(false)
    expect(readFileSync(old, 'utf8')).toBe('before\n')
    expect(statSync(old).mode & 0o777).toBe(0o600)
    expect(existsSync(join(folder, 'var'))).toBe(false)
  })
  it('stops at a step that fails, and leaves a file that is refused as it was', () => {
    const conf = join(folder, 'lvs.cf')
    writeFileSync(conf, 'in service\n')
    const script = hostScript(
      planOf([
        step('lvscf', { files: [text(conf, 'bad\n')], validate: 'echo line 1: bad; false' }),
        step('agent-start', { run: `: >${folder}/started`, alreadySo: 'false' }),
      ]),
      'lvs1',
      material,
    )
    const done = run(script)
    expect(done.exit).toBe(1)
    expect(done.err).toContain('FAILED')
    expect(readFileSync(conf, 'utf8')).toBe('in service\n')
    expect(existsSync(join(folder, 'started'))).toBe(false)
  })
  it('takes programs from their folder by digest, packed ones too, and the key from its file', () => {
    const program = join(folder, 'opt', 'node')
    const key = join(folder, 'etc', 'cluster.key')
    const binary = (sha256: string): Step['files'][number] => ({
      path: program,
      mode: '0755',
      owner: 'root:root',
      content: { kind: 'binary', name: 'runtime.gz', bytes: 3, sha256 },
    })
    const secret: Step['files'][number] = {
      path: key,
      mode: '0600',
      owner: 'root:root',
      content: { kind: 'secret', name: 'cluster-key' },
    }
    const steps = [step('runtime', { files: [binary(digest('run'))] }), step('cluster-key', { files: [secret] })]
    const script = hostScript(planOf(steps), 'lvs1', material)
    const missing = run(script)
    expect(missing.exit).toBe(1)
    expect(missing.err).toContain('runtime.gz is not in')
    expect(script).toContain(digest('run'))
    writeFileSync(join(folder, 'runtime.gz'), gzipSync('other'))
    expect(run(script).err).toContain('checksum')
    expect(existsSync(program)).toBe(false)
    writeFileSync(join(folder, 'runtime.gz'), gzipSync('run'))
    writeFileSync(join(folder, 'cluster.key'), 'abc\n')
    expect(run(script)).toMatchObject({ exit: 0 })
    expect(readFileSync(program, 'utf8')).toBe('run')
    expect(statSync(key).mode & 0o777).toBe(0o600)
    expect(run(script).out).toHaveLength(2)
    writeFileSync(join(folder, 'cluster.key'), 'another\n')
    expect(run(script, 'check').out.join()).toContain('to do')
  })
})

describe('the script of a cluster', () => {
  const draft = webDraft()
  const ids = ['director-1', 'director-2', 'real-1', 'real-2']
  const plan = makePlan({
    draft,
    draftRevision: 1,
    facts: new Map(ids.map((id) => [id, factsOf(id)])),
    findings: [],
    lvscf: 'serial_no = 1\n',
    configDigest: 'c'.repeat(64),
    build,
  })
  it('is a sound shell program, per host and for all, with every command of the plan in it', () => {
    const whole = clusterScript(plan, material)
    for (const script of [whole, ...ids.map((id) => hostScript(plan, id, material))]) {
      const file = join(folder, 'syntax.sh')
      writeFileSync(file, script)
      expect(spawnSync('sh', ['-n', file], { encoding: 'utf8' }).stderr).toBe('')
    }
    for (const { run: command, alreadySo, inverse } of plan.steps) {
      for (const shell of [command, alreadySo, inverse]) expect(whole).toContain(shell)
    }
    expect(whole).toMatch(/Order of the hosts: rs1, rs2; then lvs1; then lvs2\./)
  })
  it('names a host it is not for', () => {
    const done = run(clusterScript(plan, material), 'nobody')
    expect(done.exit).toBe(root ? 2 : 1)
  })
})

describe('the script of a Windows real server', () => {
  const draft = webDraft()
  const [server] = draft.realServers
  if (!server) throw new Error('no real server')
  it('gives a loopback adapter the virtual IP, and both adapters the weak host model', () => {
    const script = windowsScript({ ...draft, name: "o'web" }, server) ?? ''
    for (const needed of [
      `New-NetIPAddress -InterfaceAlias $name -IPAddress 192.168.2.27 -PrefixLength 32 -SkipAsSource $true`,
      'netsh interface ipv4 set interface "$card" weakhostreceive=enabled weakhostsend=enabled',
      'netsh interface ipv4 set interface "$name" weakhostreceive=enabled weakhostsend=enabled',
      '-Protocol TCP -LocalPort 80 -LocalAddress 192.168.2.27',
      '-DadTransmits 0',
    ]) {
      expect(script).toContain(needed)
    }
  })
  it('for NAT sends answers back through the floating inside address, and there is none for a tunnel', () => {
    const nat = {
      ...draft,
      forwarding: 'nat' as const,
      natRouter: { address: '10.11.12.10', device: 'eth1', prefix: '24' },
    }
    expect(windowsScript(nat, server)).toContain('-NextHop 10.11.12.10')
    expect(windowsScript({ ...draft, forwarding: 'tunnel' }, server)).toBeUndefined()
  })
})
