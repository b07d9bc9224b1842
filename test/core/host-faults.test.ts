/** Drills on hosts: what is refused, and that what is sent arrives as it is meant. That it does what it says is seen in the lab (acting.lab.ts). */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cutCommand, cutFits, readCutLook } from '../../core/live/cut.ts'
import { powerCycleCommand, readPowerCycleLook } from '../../core/live/power-cycle.ts'
import { cutLastsMs } from '../../domain/acting.ts'
import type { Result } from '../../domain/problem.ts'

const codes = (result: Result<unknown>): readonly string[] =>
  result.ok ? [] : result.problems.map(({ code, detail }) => [code, ...Object.values(detail ?? {})].join(' | '))

const quiet = `device eth0
device eth1.100
device lo
qdisc noqueue 0: dev lo root refcnt 2
qdisc mq 0: dev eth0 root
qdisc fq_codel 0: dev eth0 parent :1 limit 10240p flows 1024
mount ext4 /
mount nfs4 /home
mount tmpfs /run
module sch_ingress
`

describe('a cut', () => {
  it('is made on every interface but lo, and takes out the modules that were not there before', () => {
    expect(readCutLook('lvs1', quiet)).toEqual({
      ok: true,
      value: { devices: ['eth0', 'eth1.100'], newModules: ['act_gact', 'cls_matchall'] },
    })
  })

  it.each([
    ['filters of others', 'qdisc clsact ffff: dev eth0 parent ffff:fff1', 'drill-filters-there | lvs1 | eth0'],
    [
      'an ingress queue',
      'qdisc ingress ffff: dev eth1.100 parent ffff:fff1 ----',
      'drill-filters-there | lvs1 | eth1.100',
    ],
    ['a system on NFS', 'mount nfs4 /usr', 'drill-storage-remote | lvs1 | nfs4 /usr'],
    ['iSCSI disks', 'remote iSCSI', 'drill-storage-remote | lvs1 | iSCSI'],
    ['a file system whose nodes fence each other', 'mount gfs2 /srv', 'drill-storage-remote | lvs1 | gfs2 /srv'],
    ['a name a shell would read', "device eth0';reboot", `drill-no-means | lvs1 | interface name "eth0';reboot"`],
  ])('is refused beside %s', (_what, line, said) => {
    expect(codes(readCutLook('lvs1', `${quiet}${line}\n`))).toEqual([said])
  })

  it('is refused where there is nothing to cut', () => {
    expect(codes(readCutLook('lvs1', 'device lo\n'))).toEqual(['drill-no-means | lvs1 | 0 interfaces'])
  })

  it('lasts three deadtimes within its bounds, and is refused where the standby would not have the time', () => {
    expect([0, 700, 2_000, 10_001].map(cutLastsMs)).toEqual([4_000, 4_000, 6_000, 30_000])
    for (const deadtimeMs of [100, 1_000, 1_300, 2_000, 9_000, 18_000, 28_000])
      expect(cutFits(deadtimeMs).ok, `${deadtimeMs} ms`).toBe(true)
    expect(codes(cutFits(29_000))).toEqual(['drill-deadtime-long | 29 | 30'])
  })

  /** Runs the command with tools that only say with what they were called, one call a line. */
  function calls(
    command: string,
    failing = 'nothing',
  ): { readonly exit: number | null; readonly said: readonly string[] } {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-cut-'))
    for (const tool of ['systemd-run', 'systemctl']) {
      const path = join(folder, tool)
      writeFileSync(path, `#!/bin/sh\nprintf '<%s>' ${tool} "$@"; echo\ncase "$*" in *${failing}*) exit 1 ;; esac\n`)
      chmodSync(path, 0o755)
    }
    const ran = spawnSync('sh', ['-c', command], {
      env: { PATH: `${folder}:${process.env['PATH']}` },
      encoding: 'utf8',
    })
    return { exit: ran.status, said: ran.stdout.trim().split('\n') }
  }
  const command = cutCommand({ devices: ['eth0', 'eth1'], newModules: ['act_gact'] }, 4_000)

  it('has its end arranged twice before it begins, and each end undoes what it did', () => {
    const { exit, said } = calls(command)
    expect(exit).toBe(0)
    const undone =
      'tc qdisc del dev eth0 clsact 2>/dev/null; tc qdisc del dev eth1 clsact 2>/dev/null; sleep 0.3; rmmod act_gact 2>/dev/null; '
    expect(said).toHaveLength(2)
    expect(said[0]).toContain(`<--unit=shoal-cut-guard><--on-active=11>`)
    expect(said[0]).toContain(`<${undone}exit 0>`)
    expect(said[1]).toContain('<--property=RuntimeMaxSec=8>')
    expect(said[1]).toContain(
      `<--property=ExecStartPre=/bin/sh -c '(echo qdisc add dev eth0 clsact; echo qdisc add dev eth1 clsact) | tc -batch -'>`,
    )
    expect(said[1]).toContain(`<--property=ExecStopPost=/bin/sh -c '${undone}`)
    for (const way of ['eth0 ingress', 'eth0 egress', 'eth1 ingress', 'eth1 egress'])
      expect(said[1]).toContain(`echo filter add dev ${way} matchall skip_hw action drop`)
    expect(said[1]).toMatch(/ \| tc -batch - && exec sleep 4>$/)
  })

  it('does not begin without its guard, and takes the guard back where it cannot begin', () => {
    expect(calls(command, 'guard').said).toHaveLength(1)
    expect(calls(command, 'guard').exit).toBe(1)
    const refused = calls(command, 'ExecStopPost')
    expect(refused.exit).toBe(1)
    expect(refused.said.at(-1)).toBe('<systemctl><stop><shoal-cut-guard.timer>')
  })

  it('says nothing systemd would read as a variable or a specifier of its own', () => {
    expect(`${command}${powerCycleCommand}`).not.toMatch(/[$%\\`]/)
  })
})

describe('a power cycle', () => {
  const fine = 'agent enabled\ntarget multi-user.target\nsystem degraded\ninhibits No inhibitors.\n'
  it('is made where the agent starts at boot', () => {
    expect(readPowerCycleLook('lvs1', fine).ok).toBe(true)
    const delaying =
      'inhibits Unattended Upgrades Shutdown 0 root 512 unattended-upgr shutdown Stop ongoing upgrades delay\n'
    expect(readPowerCycleLook('lvs1', `${fine}${delaying}`).ok).toBe(true)
  })
  it.each([
    ['an agent that is not started', fine.replace('enabled', 'disabled'), 'drill-agent-not-at-boot | lvs1'],
    ['a host that boots for repair', fine.replace('multi-user', 'rescue'), 'drill-agent-not-at-boot | lvs1'],
    ['packages being changed', `${fine}busy dpkg\n`, 'drill-host-busy | lvs1 | dpkg'],
    ['a shutdown under way', fine.replace('degraded', 'stopping'), 'drill-host-busy | lvs1 | stopping'],
    [
      'somebody who forbids it',
      `${fine}inhibits backup 0 root 77 backup   shutdown:sleep Writing tapes block\n`,
      'drill-host-busy | lvs1 | backup 0 root 77 backup shutdown:sleep Writing tapes block',
    ],
  ])('is refused beside %s', (_what, seen, said) => {
    expect(codes(readPowerCycleLook('lvs1', seen))).toEqual([said])
  })
})
