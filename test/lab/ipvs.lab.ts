// What the agent keeps in the kernels of real directors: marking rules and the service they make, the sync daemon in both roles, a
// drain under traffic and over a failover, drift behind its back, and that a release leaves what others made.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directors, installAgents, lvscfOf, setRealServers, type Director } from './agent-hosts.ts'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'

const NAME = process.env.SHOAL_IPVS_LAB ?? 'ipvs'
const MARK = 80
const SERVICE = `fwmark ${MARK}`
const WAIT_LIMIT_MS = 120_000
/** Of direct routing a director sees no answer: a connection counts until its FIN_WAIT is over (two minutes), synchronised ones longer. */
const DRAIN_LIMIT_MS = 320_000

let lab: Lab
let vip: string

/** Two ports of the virtual IP are one service; connections are synchronised. */
function marked(): string {
  return lvscfOf(lab)
    .replace('syncdaemon = 0', 'syncdaemon = 1\nsyncd_iface = eth0\nsyncd_id = 7')
    .replace('     port = 80\n', `     port = 80\n     fwmark = ${MARK}\n     # shoal: mark_ports = 80 443\n`)
}

beforeAll(async () => {
  lab = attach(NAME) ?? (await up('dr', { name: NAME, say: (line) => console.log(line) }))
  vip = lab.layout.vip
  await setRealServers(lab)
  await Promise.all(
    ['rs1', 'rs2'].map((host) =>
      lab.ssh(
        host,
        "printf 'server { listen 443; root /var/www/html; }' > /etc/nginx/conf.d/more.conf; systemctl restart nginx",
      ),
    ),
  )
  // A lab that is up already may keep what an earlier run ordered.
  await Promise.all(
    directors.map((host) =>
      lab.ssh(host, 'systemctl stop shoal-agent; ipvsadm -C; rm -f /var/lib/shoal/orders.json', { allowFailure: true }),
    ),
  )
  await installAgents(lab, marked())
})

afterAll(async () => {
  if (process.env.SHOAL_IPVS_LAB === undefined) await lab?.down()
})

const say = async (host: string, command: string): Promise<string> =>
  (await lab.ssh(host, command, { allowFailure: true, timeoutMs: 30_000 })).stdout

/** Waits until something is so; throws with what is seen last. */
async function seen(look: () => Promise<readonly [boolean, unknown]>, limitMs = WAIT_LIMIT_MS): Promise<void> {
  const from = performance.now()
  for (let last: unknown; ;) {
    const [isSo, shows] = await look()
    if (isSo) return
    last = shows
    if (performance.now() - from > limitMs) throw new Error(`not so within ${limitMs} ms: ${JSON.stringify(last)}`)
    await delay(500)
  }
}

async function roles(): Promise<{ active: Director; standby: Director }> {
  let found: { active: Director; standby: Director } | undefined
  await seen(async () => {
    const told = await Promise.all(directors.map((d) => say(d, 'shoal-agent status | head -1')))
    const active = told.findIndex((t) => t.includes(' is active '))
    const standby = told.findIndex((t) => t.includes(' is standby '))
    const [a, s] = [directors[active], directors[standby]]
    if (a && s) found = { active: a, standby: s }
    return [found !== undefined, told]
  })
  if (!found) throw new Error('no roles')
  return found
}

const table = (host: string): Promise<string> => say(host, 'ipvsadm -Sn')
const entry = (host: string, weight: number): string => `-r ${lab.address(host)}:0 -g -w ${weight}`
const rules = (host: string): Promise<string> => say(host, 'iptables-save -t mangle | grep SHOAL-MARKS')
const get = (port: number): Promise<string> =>
  lab.run(['curl', '-s', '-m', '5', `http://${vip}:${port}/`]).then((said) => said.stdout.trim())

test('both directors have the table, the marking rules and the sync daemon of their role', async () => {
  const { active, standby } = await roles()
  for (const [host, role] of [
    [active, 'master'],
    [standby, 'backup'],
  ] as const) {
    await seen(async () => {
      const shows = [await table(host), await rules(host), await say(host, 'ipvsadm -L --daemon')] as const
      const isSo =
        shows[0].includes(`-A -f ${MARK} -s rr`) &&
        shows[0].includes(entry('rs1', 1)) &&
        shows[0].includes(entry('rs2', 1)) &&
        [80, 443].every((port) => shows[1].includes(`-d ${vip}/32 -p tcp -m tcp --dport ${port} -j MARK`)) &&
        /^(master|backup)/gm.exec(shows[2])?.[0] === role &&
        shows[2].includes('syncid=7')
      return [isSo, shows]
    })
  }
  expect([await get(80), await get(443)].every((answer) => ['rs1', 'rs2'].includes(answer))).toBe(true)
})

test('a drain given to the standby loses no request, holds over a hand-over, and ends with undrain', async () => {
  const { active, standby } = await roles()
  // A client that comes to a port again while IPVS remembers it goes to the drained server again: with ten requests a second it does not.
  const probe = await lab.startProbe(vip, { everyMs: 100 })
  expect(await probe.served(25, 20_000)).toBe(true)
  expect(await say(standby, `shoal-agent drain web rs1 >/dev/null && echo done`)).toContain('done')
  await seen(async () => {
    const both = await Promise.all(directors.map(table))
    return [both.every((t) => t.includes(entry('rs1', 0)) || !t.includes(`${lab.address('rs1')}:0`)), both]
  })
  await seen(async () => {
    const both = await Promise.all(directors.map(table))
    return [both.every((t) => !t.includes(lab.address('rs1')) && t.includes(entry('rs2', 1))), both]
  }, DRAIN_LIMIT_MS)
  await say(active, 'shoal-agent handover')
  await delay(3_000)
  const now = await roles()
  expect(now.active).toBe(standby)
  for (const host of directors) expect(await table(host)).not.toContain(lab.address('rs1'))
  const report = await probe.stop()
  console.log(
    `drain: ${JSON.stringify(report.servedBy)}, outages ${report.outages.map((o) => o.durationMs).join(', ')}`,
  )
  expect(report.servedAtEnd).toBe(true)
  await say(now.active, 'shoal-agent undrain web rs1')
  await seen(async () => {
    const both = await Promise.all(directors.map(table))
    return [both.every((t) => t.includes(entry('rs1', 1))), both]
  })
  const told = await say(standby, 'shoal-agent events 60')
  expect(told).toContain(`order drain for ${lab.address('rs1')}:0 of ${SERVICE}`)
}, 600_000)

test('what somebody changed around the table is said and put back; what others made stays', async () => {
  const { active } = await roles()
  await say(active, 'ipvsadm -A -t 10.99.99.99:99 -s rr; iptables -t mangle -A PREROUTING -i eth9 -j MARK --set-mark 9')
  await say(
    active,
    `iptables -t mangle -F SHOAL-MARKS; ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup; ipvsadm -D -f ${MARK}`,
  )
  await seen(async () => {
    const shows = [await table(active), await rules(active), await say(active, 'ipvsadm -L --daemon')] as const
    const isSo =
      shows[0].includes(entry('rs1', 1)) && shows[1].includes('--dport 443') && /^(master|backup) sync/.test(shows[2])
    return [isSo, shows]
  })
  await seen(async () => {
    const told = await say(active, 'shoal-agent events 20')
    return [['the mark', 'the sync daemon', `${SERVICE} is missing`].every((w) => told.includes(w)), told]
  })
  expect(await table(active)).toContain('10.99.99.99:99')
})

test('a release leaves nothing of ours and everything of others', async () => {
  const { active, standby } = await roles()
  await say(active, 'systemctl stop shoal-agent')
  const said = await lab.ssh(active, 'shoal-agent release', { timeoutMs: 60_000 })
  expect(said.exitCode).toBe(0)
  expect((await table(active)).trim()).toBe('-A -t 10.99.99.99:99 -s rr')
  expect(await rules(active)).toBe('')
  expect(await say(active, 'ipvsadm -L --daemon')).toBe('')
  expect(await say(active, 'iptables-save -t mangle')).toContain('-i eth9 -j MARK')
  await say(active, 'ipvsadm -D -t 10.99.99.99:99; iptables -t mangle -D PREROUTING -i eth9 -j MARK --set-mark 9')
  await say(active, 'systemctl start shoal-agent')
  expect((await roles()).active).toBe(standby)
})
