// Checks on real hosts: of each kind that the hosts of the lab can answer, the virtual IP asked for through a real server (direct
// routing, and through a tunnel), and what two directors see differently.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { directors, installAgents, lvscfOf, type Director } from './agent-hosts.ts'
import { up } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LayoutName } from './layouts.ts'

const NAME = process.env.SHOAL_CHECKS_LAB ?? 'checks'
const SETTLE_LIMIT_MS = 90_000

let lab: Lab | undefined

afterAll(async () => {
  await lab?.down()
})

interface Told {
  readonly director: { readonly role: string }
  readonly services: readonly {
    readonly name: string
    readonly realServers: readonly {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly peerSees?: string
    }[]
  }[]
}

async function told(at: Lab, host: string): Promise<Told | null> {
  const said = await at.ssh(host, 'shoal-agent status --json', { allowFailure: true, timeoutMs: 20_000 })
  return said.exitCode === 0 ? (JSON.parse(said.stdout) as Told) : null
}

/** `web rs1 up`, of every real server of every service, as a director sees it. */
async function seen(at: Lab, host: string): Promise<string[]> {
  const status = await told(at, host)
  return (status?.services ?? []).flatMap((s) => s.realServers.map((r) => `${s.name} ${r.name} ${r.health}`)).sort()
}

async function until(at: Lab, host: string, wanted: readonly string[]): Promise<void> {
  const from = performance.now()
  let last: string[] = []
  while (performance.now() - from < SETTLE_LIMIT_MS) {
    last = await seen(at, host).catch(() => [])
    if (wanted.every((one) => last.includes(one))) return
    await delay(500)
  }
  const errors = (await told(at, host))?.services.flatMap((s) =>
    s.realServers.map((r) => `${r.name} ${r.lastError ?? ''}`),
  )
  throw new Error(`${host} sees ${last.join(', ')}, wanted ${wanted.join(', ')}; ${errors?.join('; ') ?? ''}`)
}

async function roles(at: Lab): Promise<{ active: Director; standby: Director }> {
  const from = performance.now()
  while (performance.now() - from < SETTLE_LIMIT_MS) {
    const both = await Promise.all(directors.map((d) => told(at, d).catch(() => null)))
    const [first, second] = both.map((b) => b?.director.role)
    if (first === 'active' && second === 'standby') return { active: 'lvs1', standby: 'lvs2' }
    if (first === 'standby' && second === 'active') return { active: 'lvs2', standby: 'lvs1' }
    await delay(500)
  }
  throw new Error('no director is active')
}

/** The one virtual server of a plain file again for each of these checks, on a port of its own. */
function withChecks(
  plain: string,
  checks: Readonly<Record<string, readonly [port: number, ...lines: string[]]>>,
): string {
  const at = plain.indexOf('virtual web {')
  const block = plain.slice(at)
  const blocks = Object.entries(checks).map(([name, [port, ...lines]]) =>
    block
      .replace('virtual web {', `virtual ${name} {`)
      .replace('port = 80\n', `port = ${port}\n${lines.map((line) => `     ${line}\n`).join('')}`)
      .replace('timeout = 3', 'timeout = 1')
      .replace('reentry = 6', 'reentry = 2'),
  )
  return plain.slice(0, at) + blocks.join('')
}

const reals = ['rs1', 'rs2']

/** nginx on these ports besides 80. */
async function listen(at: Lab, ports: readonly number[]): Promise<void> {
  const servers = ports.map((port) => `server { listen ${port} default_server; root /var/www/html; }`).join('\n')
  await Promise.all(
    reals.map((host) =>
      at.ssh(
        host,
        `mkdir -p /var/www/html; echo ${host} > /var/www/html/index.html; cat > /etc/nginx/conf.d/checks.conf; systemctl restart nginx`,
        { input: servers },
      ),
    ),
  )
}

async function begin(layout: LayoutName): Promise<Lab> {
  await lab?.down()
  lab = await up(layout, { name: NAME, say: (line) => console.log(line) })
  return lab
}

const all = (names: readonly string[], health: string): string[] =>
  names.flatMap((name) => reals.map((real) => `${name} ${real} ${health}`))

test('direct routing: every kind is up; a virtual IP that is gone from one loopback is found, and only by who asks for it', async () => {
  const at = await begin('dr')
  const { vip } = at.layout
  const ports = [8081, 8082, 8083, 8084, 8085, 8086]
  await Promise.all(
    reals.map((host) =>
      at.ssh(
        host,
        `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr replace ${vip}/32 dev lo`,
      ),
    ),
  )
  await listen(at, ports)
  await Promise.all(
    directors.map((host) =>
      at.ssh(
        host,
        `printf '#!/bin/sh\\nexec 3<>/dev/tcp/$1/$2\\n' | sed s,/bin/sh,/bin/bash, > /usr/local/bin/probe && chmod 755 /usr/local/bin/probe`,
      ),
    ),
  )
  await installAgents(
    at,
    withChecks(lvscfOf(at), {
      plain: [80],
      via: [8081, '# shoal: check = connect', '# shoal: check_via = vip'],
      http: [8082, '# shoal: check = http', '# shoal: check_status = 200', '# shoal: check_body_regex = ^rs[12]'],
      ping: [8083, '# shoal: check = ping', '# shoal: check_via = vip'],
      script: [8084, '# shoal: check = script', '# shoal: check_script = /usr/local/bin/probe %h %p'],
      elsewhere: [8085, '# shoal: check = http', '# shoal: check_port = 80'],
      wrong: [8086, '# shoal: check = http', '# shoal: check_status = 404'],
    }),
  )
  const { active, standby } = await roles(at)
  const good = ['plain', 'via', 'http', 'ping', 'script', 'elsewhere']
  for (const host of [active, standby]) await until(at, host, [...all(good, 'up'), ...all(['wrong'], 'down')])

  await at.ssh('rs1', `ip addr del ${vip}/32 dev lo`)
  for (const host of [active, standby]) {
    await until(at, host, ['via rs1 down', 'ping rs1 down'])
    expect(await seen(at, host)).toEqual(
      expect.arrayContaining(['plain rs1 up', 'http rs1 up', 'via rs2 up', 'ping rs2 up']),
    )
  }
  const error = (await told(at, active))?.services.find((s) => s.name === 'via')?.realServers[0]?.lastError
  console.log(`${active} (active) says: ${error ?? ''}`)
  expect(error).toContain(`${vip} does not answer through ${at.address('rs1')}`)

  await at.ssh('rs1', `ip addr add ${vip}/32 dev lo`)
  for (const host of [active, standby]) await until(at, host, all(good, 'up'))
  const half = await at.ssh('rs1', 'ss -Htan state syn-recv | wc -l')
  expect(Number(half.stdout), 'half-open connections left by the asking').toBeLessThanOrEqual(2)
})

test('what one director alone does not reach is a fault of a path, in both journals', async () => {
  const at = lab
  if (!at) throw new Error('the lab of the test before is gone')
  const { active, standby } = await roles(at)
  const rs2 = at.address('rs2')
  await at.ssh(standby, `ip route replace unreachable ${rs2}/32`)
  await until(at, standby, ['plain rs2 down'])
  await delay(10_000)
  const views = (await told(at, active))?.services
    .find((s) => s.name === 'plain')
    ?.realServers.map((r) => `${r.health}/${r.peerSees ?? '?'}`)
  expect(views).toEqual(['up/up', 'up/down'])
  for (const host of [active, standby]) {
    const journal = (await at.ssh(host, 'shoal-agent events 60')).stdout
    // On a busy machine a check of one second may have failed on one director alone before.
    const faults = journal.split('\n').filter((one) => one.includes('sees real servers differently'))
    console.log(`${host}: ${faults.join('; ') || 'nothing'}`)
    expect(faults.join('\n')).toContain(`${rs2}:80 of`)
  }
  await at.ssh(standby, `ip route del unreachable ${rs2}/32`)
  await until(at, standby, ['plain rs2 up'])
  await delay(5_000)
  const after = (await at.ssh(active, 'shoal-agent events 60')).stdout
  expect(after.lastIndexOf('as they are seen here again')).toBeGreaterThan(after.lastIndexOf(`${rs2}:80 of`))
})

test('through a tunnel: a virtual IP that is gone from one real server is found', async () => {
  const at = await begin('tun')
  const { vip } = at.layout
  await Promise.all(
    reals.map((host) =>
      at.ssh(
        host,
        `modprobe ipip; ip link set tunl0 up; ip addr replace ${vip}/32 dev tunl0; sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0`,
      ),
    ),
  )
  await listen(at, [8081])
  await installAgents(
    at,
    withChecks(lvscfOf(at).replace('network = direct', 'network = tunnel'), {
      plain: [80],
      via: [8081, '# shoal: check = http', '# shoal: check_via = vip'],
    }),
  )
  const { active, standby } = await roles(at)
  for (const host of [active, standby]) await until(at, host, all(['plain', 'via'], 'up'))
  await at.ssh('rs2', `ip addr del ${vip}/32 dev tunl0`)
  for (const host of [active, standby]) {
    await until(at, host, ['via rs2 down', 'via rs1 up', 'plain rs2 up'])
  }
})
