// Going back takes out the modules a step had loaded, and nothing that somebody else needs.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { modulesKept } from '../../core/provision/steps.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-modules-'))
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, 'kept'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const module = (name: string): string => join(root, 'module', name)
function load(...names: readonly string[]): void {
  for (const name of names) mkdirSync(module(name), { recursive: true })
}
function run(text: string, tools: Readonly<Record<string, string>> = {}): void {
  const all = { rmmod: `rmdir ${root}/module/$1`, ...tools }
  for (const [name, body] of Object.entries(all)) {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  }
  execFileSync('sh', ['-e', '-c', text.replaceAll('/sys/module', `${root}/module`)], {
    env: { PATH: `${root}/bin:/usr/bin:/bin`, KEPT: join(root, 'kept') },
  })
}

it('what was there before stays, what came goes', () => {
  const kept = modulesKept(['ip_vs_rr', 'ip_vs', 'nf_conntrack'])
  load('nf_conntrack')
  run(kept.run)
  load('ip_vs', 'ip_vs_rr')
  // A second try of the step must not take its own modules for those that were there.
  run(kept.run)
  run(kept.inverse)
  expect(['ip_vs_rr', 'ip_vs', 'nf_conntrack'].map((name) => existsSync(module(name)))).toEqual([false, false, true])
})

it('a module in use stays, and the rest goes', () => {
  const kept = modulesKept(['ip_vs', 'nf_conntrack'])
  run(kept.run)
  load('ip_vs', 'nf_conntrack')
  run(kept.inverse, { rmmod: `[ "$1" != ip_vs ] || exit 1; rmdir ${root}/module/$1` })
  expect(['ip_vs', 'nf_conntrack'].map((name) => existsSync(module(name)))).toEqual([true, false])
})

it.each([
  ['empty', '-P PREROUTING ACCEPT\\n-P OUTPUT ACCEPT', false],
  ['with a rule of somebody else', '-P PREROUTING ACCEPT\\n-A PREROUTING -j MARK', true],
  ['with another policy', '-P PREROUTING DROP', true],
])('the module of a table that is %s', (_what, said, stays) => {
  const kept = modulesKept(['iptable_mangle', 'x_tables'])
  run(kept.run)
  load('iptable_mangle', 'x_tables')
  run(kept.inverse, { iptables: `printf '%b\\n' '${said}'` })
  expect([existsSync(module('iptable_mangle')), existsSync(module('x_tables'))]).toEqual([stays, false])
})

it('a table is not asked when its module is not there: asking would load it', () => {
  const kept = modulesKept(['arptable_filter'])
  run(kept.run)
  run(kept.inverse, { arptables: `mkdir -p ${root}/module/arptable_filter` })
  expect(existsSync(module('arptable_filter'))).toBe(false)
})
