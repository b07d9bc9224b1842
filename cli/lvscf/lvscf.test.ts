/** The commands for lvs.cf files, run as a user runs them: what they print, how they end, and what they leave on the disk. */
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'shoal-lvscf-'))
const file = join(folder, 'lvs.cf')
afterAll(() => rmSync(folder, { recursive: true }))

const sound = `# our site
primary = 192.0.2.1
backup = 192.0.2.2
backup_active = 1
keepalive = 6
deadtime = 18
network = direct
virtual web {
     active = 1
     address = 192.0.2.9 eth0:1
     scheduler = wlc
     server a {
         address = 10.0.0.1
         active = 1
     }
}
`

async function shoal(...args: string[]) {
  const { LANG: _, ...env } = process.env
  return execa(process.execPath, ['--import', 'tsx', main, ...args], {
    reject: false,
    extendEnv: false,
    env: { ...env, LC_ALL: 'C.UTF-8' },
  })
}

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  writeFileSync(file, sound)
})

describe('check', () => {
  test('says nothing and ends with 0 when there is nothing to say', async () => {
    const { stdout, exitCode } = await shoal('check', file)
    expect([stdout, exitCode]).toEqual(['', 0])
  })

  test('prints place, severity, sentence and remedy, and ends with 1', async () => {
    writeFileSync(file, sound.replace('deadtime = 18', 'deadtime = 18 # s'))
    const { stdout, exitCode } = await shoal('check', file)
    expect(stdout).toBe(
      `${file}:6:15: warning: A comment stands behind a directive; Piranha refuses the file. Put the comment on a line of its own.`,
    )
    expect(exitCode).toBe(1)
  })

  test('speaks the language of the terminal', async () => {
    writeFileSync(file, `${sound}}\n`)
    const { stdout } = await execa(process.execPath, ['--import', 'tsx', main, 'check', file], {
      reject: false,
      env: { LC_ALL: 'zh_CN.UTF-8' },
    })
    expect(stdout).toContain('右花括号没有对应的区块')
  })

  test('a note alone is no problem', async () => {
    writeFileSync(file, sound.replace('network', 'active_cmd = "/bin/x"\nnetwork'))
    const { stdout, exitCode } = await shoal('check', file)
    expect(stdout).toContain('note: ')
    expect(exitCode).toBe(0)
  })

  test('gives programs the same as JSON', async () => {
    writeFileSync(file, sound.replace('wlc', 'fast'))
    const { stdout, exitCode } = await shoal('check', file, '--json')
    expect(JSON.parse(stdout)).toEqual({
      file,
      problems: [
        {
          code: 'lvscf-scheduler-unknown',
          severity: 'block',
          line: 11,
          column: 18,
          endLine: 11,
          endColumn: 22,
          says: 'The scheduler fast is not known.',
          remedy: 'Choose one of: lc, rr, wlc, wrr, lblc, lblcr, dh, sh.',
          detail: { value: 'fast', choices: 'lc, rr, wlc, wrr, lblc, lblcr, dh, sh' },
        },
      ],
    })
    expect(exitCode).toBe(1)
  })

  test('ends with 2 when a file cannot be read, whatever the others are', async () => {
    const { stderr, exitCode } = await shoal('check', file, join(folder, 'absent.cf'))
    expect(stderr).toContain('absent.cf: block: ')
    expect(exitCode).toBe(2)
  })

  test('reads as the original does, byte by byte', async () => {
    writeFileSync(file, Buffer.from('virtual \xCD\xF8 {\n  active = 1\n}\n', 'latin1'))
    const { stdout, exitCode } = await shoal('check', file, '--as', 'piranha', '--json')
    const reading = JSON.parse(stdout) as { accepts: boolean; blocks: { name: string; active: number }[] }
    expect(reading.accepts).toBe(true)
    expect(reading.blocks[0]).toMatchObject({ name: '\uFFFD\uFFFD', active: 1 })
    expect(exitCode).toBe(0)
    writeFileSync(file, 'keepalive = x\n')
    const refused = await shoal('check', file, '--as', 'piranha')
    expect(refused.stdout).toContain(`${file}: Piranha refuses this file at line 1: integer expected\n`)
    expect(refused.stdout).toContain(`${file}:1:1: warning: Piranha refuses the file at line 1: integer expected.`)
    expect(refused.exitCode).toBe(1)
  })

  test('reads standard input', async () => {
    const { exitCode } = await execa(process.execPath, ['--import', 'tsx', main, 'check', '-'], {
      input: sound,
      reject: false,
    })
    expect(exitCode).toBe(0)
  })
})

describe('set', () => {
  test('changes the value and no other byte, whatever the bytes are', async () => {
    const bytes = Buffer.from(`# \xCD\xF8\xD5\xBE \xFF\r\n${sound}\t# end`, 'latin1')
    writeFileSync(file, bytes)
    const { exitCode } = await shoal('set', file, 'virtual web.scheduler=wrr', 'virtual web.server a.weight=5')
    expect(exitCode).toBe(0)
    const expected = bytes
      .toString('latin1')
      .replace('wlc', 'wrr')
      .replace('         active = 1\n     }', '         active = 1\n         weight = 5\n     }')
    expect(readFileSync(file, 'latin1')).toBe(expected)
  })

  test('keeps the mode and writes through a link', async () => {
    chmodSync(file, 0o640)
    const link = join(folder, 'link.cf')
    symlinkSync('lvs.cf', link)
    expect((await shoal('set', link, 'global.deadtime=20')).exitCode).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(readFileSync(file, 'utf8')).toBe(sound.replace('18', '20'))
    expect(readdirSync(folder).sort()).toEqual(['link.cf', 'lvs.cf'])
  })

  test('prints the change instead of making it', async () => {
    const { stdout, exitCode } = await shoal(
      'set',
      file,
      'global.deadtime=20',
      'global.shoal.keepalive_ms=200',
      '--dry-run',
    )
    expect(stdout).toBe(
      [
        `--- ${file}`,
        `+++ ${file}`,
        '@@ -6,1 +6,1 @@',
        '-deadtime = 18',
        '+deadtime = 20',
        '@@ -7,0 +8,1 @@',
        '+# shoal: keepalive_ms = 200',
      ].join('\n'),
    )
    expect(exitCode).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(sound)
  })

  test('does nothing when the value is there already', async () => {
    const before = statSync(file).ino
    expect((await shoal('set', file, 'global.deadtime=18')).exitCode).toBe(0)
    expect(statSync(file).ino).toBe(before)
  })

  test.for([
    ['virtual nope.port=1', 'There is no virtual nope in the file. Names in this file: web.'],
    ['virtual web.scheduler=fast', `${file}:11:18: block: The scheduler fast is not known.`],
    ['global.deadtime=3', 'is not above the heartbeat interval of 6000 ms'],
    ['deadtime=3', 'The assignment deadtime=3 does not have the form'],
  ])('%s is refused, and the file stays', async ([assignment, sentence]) => {
    const { stderr, exitCode } = await shoal('set', file, assignment ?? '')
    expect(stderr).toContain(sentence)
    expect(exitCode).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(sound)
  })

  test('a full disk leaves the file as it is', { skip: process.getuid?.() !== 0 }, async () => {
    const mount = join(folder, 'full')
    await execa('mkdir', [mount])
    const mounted = await execa('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { reject: false })
    if (mounted.exitCode !== 0) {
      rmSync(mount, { recursive: true })
      process.stderr.write('SKIPPED: tmpfs cannot be mounted here; the full disk was not tried.\n')
      return
    }
    try {
      const big = sound + '# x\n'.repeat(9_000)
      writeFileSync(join(mount, 'lvs.cf'), big)
      const { stderr, exitCode } = await shoal('set', join(mount, 'lvs.cf'), 'global.deadtime=20')
      expect(stderr).toContain('ENOSPC')
      expect(exitCode).toBe(2)
      expect(readFileSync(join(mount, 'lvs.cf'), 'utf8')).toBe(big)
      expect(readdirSync(mount)).toEqual(['lvs.cf'])
    } finally {
      await execa('/usr/bin/umount', [mount])
      rmSync(mount, { recursive: true })
    }
  })
})

describe('diff', () => {
  const other = join(folder, 'other.cf')

  test('is silent about what means the same', async () => {
    writeFileSync(other, sound.replaceAll('     ', '\t').replace('# our site', 'serial_no = 0'))
    const { stdout, exitCode } = await shoal('diff', file, other)
    expect([stdout, exitCode]).toEqual(['', 0])
  })

  test('names what differs', async () => {
    writeFileSync(other, sound.replace('wlc', 'wrr').replace('deadtime = 18', 'deadtime = 20'))
    const { stdout, exitCode } = await shoal('diff', file, other)
    expect(stdout).toBe('~ deadtime: 18000 ms -> 20000 ms\n~ virtual web scheduler: wlc -> wrr')
    expect(exitCode).toBe(1)
    const machine = await shoal('diff', file, other, '--json')
    expect((JSON.parse(machine.stdout) as { differences: unknown[] }).differences).toContainEqual({
      path: ['virtual web', 'scheduler'],
      before: 'wlc',
      after: 'wrr',
    })
  })

  test('ends with 2 where a file has no meaning', async () => {
    writeFileSync(other, 'network = direct\n')
    const { stderr, exitCode } = await shoal('diff', file, other)
    expect(stderr).toContain('other.cf:1:1: block: The address of the first director')
    expect(exitCode).toBe(2)
  })
})

describe('show', () => {
  test('prints the ipvsadm commands that build the table of the file', async () => {
    const { stdout, exitCode } = await shoal('show', file, '--plan', 'ipvsadm')
    expect(stdout.split('\n')).toEqual([
      'ipvsadm -A -t 192.0.2.9:80 -s wlc',
      'ipvsadm -a -t 192.0.2.9:80 -r 10.0.0.1:80 -g -w 1',
    ])
    expect(exitCode).toBe(0)
  })

  test('says what the file means', async () => {
    const { stdout, exitCode } = await shoal('show', file)
    expect(stdout).toContain('heartbeat UDP 539, every 6 s, dead after 18 s')
    expect(stdout).toContain('virtual   web: 192.0.2.9 on eth0:1 80/tcp, wlc')
    expect(stdout).toContain('server  a: 10.0.0.1:80, weight 1')
    expect(exitCode).toBe(0)
  })

  test('says why it cannot, and gives programs null', async () => {
    writeFileSync(file, 'network = direct\n')
    const human = await shoal('show', file)
    expect(human.stderr).toContain('The address of the first director (primary) is missing')
    expect(human.exitCode).toBe(1)
    const machine = await shoal('show', file, '--json')
    expect((JSON.parse(machine.stdout) as { config: unknown }).config).toBeNull()
  })
})

describe('in a git hook', () => {
  const hook = fileURLToPath(new URL('../../resources/git/pre-commit', import.meta.url))
  const repository = mkdtempSync(join(tmpdir(), 'shoal-hook-'))
  afterAll(() => rmSync(repository, { recursive: true }))
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: repository,
      reject: false,
      env: { SHOAL: `${process.execPath} --import ${import.meta.resolve('tsx')} ${main}`, LC_ALL: 'C.UTF-8' },
    })

  test('a commit with a broken lvs.cf is refused, one with a sound file goes through', async () => {
    await git('init', '--quiet')
    copyFileSync(hook, join(repository, '.git/hooks/pre-commit'))
    chmodSync(join(repository, '.git/hooks/pre-commit'), 0o755)
    writeFileSync(join(repository, 'readme'), 'deadtime = x\n')
    writeFileSync(join(repository, 'two words.cf'), sound)
    await git('add', '.')
    expect((await git('commit', '--quiet', '-m', 'sound')).exitCode).toBe(0)
    writeFileSync(join(repository, 'two words.cf'), sound.replace('deadtime = 18', 'deadtime = x'))
    await git('add', '.')
    // What is staged counts, whatever lies there.
    writeFileSync(join(repository, 'two words.cf'), sound)
    const refused = await git('commit', '--quiet', '-m', 'broken')
    expect([refused.exitCode, refused.stdout + refused.stderr]).toEqual([1, expect.stringContaining('two words.cf:6')])
    expect((await git('log', '--oneline')).stdout.split('\n')).toHaveLength(1)
  })
})

describe('--json', () => {
  test('a file that cannot be read is said in JSON too', async () => {
    const { stdout, exitCode } = await shoal('show', '--json', join(folder, 'nowhere.cf'))
    expect([JSON.parse(stdout), exitCode]).toMatchObject([{ config: null, problems: [{ code: 'file-unreadable' }] }, 2])
  })

  test('the readings of several files carry their names', async () => {
    const { stdout } = await shoal('check', '--as', 'piranha', '--json', file, file)
    expect(JSON.parse(stdout)).toMatchObject([
      { file, accepts: true },
      { file, accepts: true },
    ])
  })
})
