/** `shoal convert`, run as a user runs it: what comes out, what is said, how it ends, what is written. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'shoal-convert-'))
const at = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

async function shoal(args: readonly string[], input = '') {
  const { LANG: _, ...env } = process.env
  return execa(process.execPath, ['--import', 'tsx', main, 'convert', ...args], {
    reject: false,
    extendEnv: false,
    input,
    env: { ...env, LC_ALL: 'C.UTF-8' },
  })
}

const pair = `primary = 192.0.2.1
backup_active = 1
backup = 192.0.2.2
network = direct
virtual web {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 8080
     reentry = 10
     server a {
         address = 192.0.2.11
         active = 1
     }
}
`
const table = '-A -t 192.0.2.80:8080 -s wlc\n-a -t 192.0.2.80:8080 -r 192.0.2.11:8080 -g -w 1\n'

beforeAll(() => writeFileSync(at('lvs.cf'), pair))

describe('convert', () => {
  test('nothing lost: the result, and 0', async () => {
    const { stdout, stderr, exitCode } = await shoal(['--from', 'ipvsadm', '-'], table)
    expect(stdout).toContain('virtual 192.0.2.80-8080 {')
    expect(stderr).not.toContain('warning')
    expect(exitCode).toBe(0)
  })

  test('something lost: the result, each loss with its line on standard error, and 1', async () => {
    const { stdout, stderr, exitCode } = await shoal(['--to', 'ipvsadm', at('lvs.cf')])
    expect(`${stdout}\n`).toBe(table)
    expect(stderr).toContain(`${at('lvs.cf')}:3:1: warning: `)
    expect(exitCode).toBe(1)
  })

  test('no conversion: no result, the reason, and 2', async () => {
    const broken = await shoal(['--to', 'keepalived', '-'], pair.replace('8080', 'eighty'))
    expect([broken.stdout, broken.exitCode]).toEqual(['', 2])
    expect(broken.stderr).toContain('-:8:')
    const nothing = await shoal(['--from', 'ldirectord', '-'], 'hello\n')
    expect([nothing.stdout, nothing.exitCode]).toEqual(['', 2])
    const absent = await shoal(['--from', 'ldirectord', at('absent')])
    expect(absent.exitCode).toBe(2)
    const both = await shoal(['--from', 'ipvsadm', '--to', 'ipvsadm', at('lvs.cf')])
    expect(both.exitCode).toBe(2)
  })

  test('a folder takes the files of both directors, a path that of one', async () => {
    const out = mkdtempSync(at('out-'))
    await shoal(['--to', 'keepalived', at('lvs.cf'), '-o', out])
    expect(readdirSync(out).sort()).toEqual(['keepalived.backup.conf', 'keepalived.conf'])
    await shoal(['--to', 'keepalived', at('lvs.cf'), '-o', at('one.conf'), '--director', 'backup'])
    expect(readFileSync(at('one.conf'), 'utf8')).toBe(readFileSync(join(out, 'keepalived.backup.conf'), 'utf8'))
    await shoal(['--to', 'keepalived', at('lvs.cf'), '-o', at('one.conf'), '--virtual-router-id', '9'])
    expect(readFileSync(at('one.conf'), 'utf8')).toContain('virtual_router_id 9')
  })

  test('JSON holds files, entries with their fate, and the lines carried', async () => {
    const { stdout, exitCode } = await shoal(['--to', 'ipvsadm', at('lvs.cf'), '--json'])
    const { verdict, files, entries, carriedLines } = JSON.parse(stdout)
    expect([verdict, exitCode, files[0].text]).toEqual(['partly', 1, table])
    expect(entries).toContainEqual(expect.objectContaining({ fate: 'lost', code: 'convert-lost-directors', line: 3 }))
    expect(carriedLines).toEqual(expect.arrayContaining([4, 8, 11]))
  })
})
