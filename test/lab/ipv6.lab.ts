// IPv6 on real hosts: a virtual server at an IPv6 address alone, then beside IPv4. What the client sees of a crash, a planned hand-over
// and of beats that a firewall swallows; neighbour solicitation is the witness, for the file has no IPv4 virtual IP at first.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { directors, installAgents, lvscfOf, setRealServers, type Director } from './agent-hosts.ts'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'
import { serves, settled, under } from './pair.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const NAME = process.env.SHOAL_IPV6_LAB ?? 'ipv6'
const VIP6 = 'fd00:2::27'
/** The client is the gateway, too. */
const CLIENT = 'fd00:2::1'
/** These tests share the machine with others; how fast a takeover is, is measured where they do not (agent.lab.ts). */
const OUTAGE_LIMIT_MS = 3_000
const SERVED_IN_A_ROW = 25
const HAND_OVERS = Number(process.env.SHOAL_HANDOVERS ?? 2)
const addressOf: Readonly<Record<string, string>> = {
  lvs1: 'fd00:2::117',
  lvs2: 'fd00:2::15',
  rs1: 'fd00:2::243',
  rs2: 'fd00:2::111',
}

let lab: Lab

/** The lab's plain file with IPv6 addresses beside its own; `alone`: instead of them. */
function six(alone: boolean): string {
  const both = lvscfOf(lab)
    .replace(/^( *)(address = .* eth0:1)$/m, `$1$2\n$1# shoal: address6 = ${VIP6}/64 eth0`)
    .replace(/^( *)server (\w+) \{$/gm, (line, indent: string, name: string) => {
      return `${line}\n${indent}    # shoal: address6 = ${addressOf[name]}`
    })
  return alone ? both.replace(/^ *(address|vip_nmask) = .*\n/gm, '') : both
}

const giveAddress = (host: string): Promise<unknown> =>
  lab.ssh(
    host,
    `ip -6 addr replace ${addressOf[host]}/64 dev eth0 nodad; ip -6 route replace default via ${CLIENT} dev eth0`,
  )

beforeAll(async () => {
  lab = attach(NAME) ?? (await up('dr', { name: NAME, say: (line) => console.log(line) }))
  const bridge = lab.layout.segments[0]?.bridge ?? ''
  const client = `sysctl -qw net.ipv6.conf.${bridge}.disable_ipv6=0; ip -6 addr replace ${CLIENT}/64 dev ${bridge} nodad`
  await lab.run(['sh', '-ec', client])
  await Promise.all(lab.layout.hosts.map((host) => giveAddress(host.name)))
  await setRealServers(lab)
  const listen = 'server { listen [::]:80 ipv6only=on; root /var/www/html; }'
  await Promise.all(
    ['rs1', 'rs2'].map((host) =>
      lab.ssh(
        host,
        `ip -6 addr replace ${VIP6}/128 dev lo nodad; echo '${listen}' > /etc/nginx/conf.d/six.conf; systemctl restart nginx`,
      ),
    ),
  )
  await installAgents(lab, six(true))
})

afterAll(async () => {
  if (process.env.SHOAL_IPV6_LAB === undefined) await lab?.down()
})

/** Every real server of so many services stands in the table. */
const settledWith = (services: number) => settled(lab, (seen) => seen.services.length === services && serves(seen))

async function holders(): Promise<Director[]> {
  const found = await Promise.all(
    directors.map((host) => lab.ssh(host, `ip -6 -o addr show to ${VIP6}/128 dev eth0`, { allowFailure: true })),
  )
  return directors.filter((_, at) => found[at]?.stdout.includes(VIP6))
}

test('requests alternate over both real servers; the table is the one of the file', async () => {
  const { active } = await settledWith(1)
  const probe = await lab.startProbe(VIP6)
  expect(await probe.served(100, 20_000)).toBe(true)
  expect(Object.keys((await probe.stop()).servedBy).sort()).toEqual(['rs1', 'rs2'])
  const { stdout } = await lab.ssh(active, 'ipvsadm -Sn')
  expect(stdout.trim().split('\n').sort()).toEqual([
    `-A -t [${VIP6}]:80 -s rr`,
    '-a -t [fd00:2::27]:80 -r [fd00:2::111]:80 -g -w 1',
    '-a -t [fd00:2::27]:80 -r [fd00:2::243]:80 -g -w 1',
  ])
})

test(`planned hand-overs lose no request (${HAND_OVERS} times)`, async () => {
  for (let n = 0; n < HAND_OVERS; n++) {
    const { active, standby } = await settledWith(1)
    const { again, report } = await under(
      lab,
      VIP6,
      async () => void (await lab.ssh(active, 'shoal-agent handover', { timeoutMs: 30_000 })),
      3_000,
    )
    expect(again).toBe(true)
    expect(report.failed, `hand-over ${n + 1}`).toBe(0)
    expect(await holders()).toEqual([standby])
  }
})

test('beats that a firewall swallows are no reason to take over: the wire says who serves', async () => {
  const { active, standby } = await settledWith(1)
  const rule = 'INPUT -p udp --dport 539 -j DROP'
  const { again, report } = await under(
    lab,
    VIP6,
    async () => {
      await Promise.all(directors.map((host) => lab.ssh(host, `iptables -I ${rule}`)))
    },
    6_000,
  )
  const held = await holders()
  const { stdout } = await lab.ssh(standby, 'shoal-agent events 12')
  await Promise.all(directors.map((host) => lab.ssh(host, `iptables -D ${rule}`)))
  expect(again).toBe(true)
  expect(report.outages).toEqual([])
  expect(held).toEqual([active])
  expect(stdout).toContain('nothing is taken over')
  expect((await settledWith(1)).active).toBe(active)
})

test('a crash is taken over; the record says who was asked over IPv6, and when the network had learnt', async () => {
  const { active, standby } = await settledWith(1)
  const { again, outageMs } = await under(lab, VIP6, () => lab.crash(active), 4_000)
  console.log(`crash over IPv6: outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  expect(outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  const { stdout } = await lab.ssh(standby, 'shoal-agent events --json 20')
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: { kind: string; record?: Record<string, unknown> } })
    .flatMap(({ event }) => (event.kind === 'failover' && event.record ? [event.record] : []))
  console.log('record', JSON.stringify(records.at(-1)))
  expect(records.at(-1)).toMatchObject({ cause: 'peer-silent', to: standby, from: active })
  for (const address of [CLIENT, 'fd00:2::243'])
    expect(records.at(-1)?.witnesses).toContainEqual({ address, says: 'answered' })
  expect(records.at(-1)?.learntAtMs).toBeTypeOf('number')
  const back = await lab.startProbe(VIP6)
  await lab.boot(active)
  await giveAddress(active)
  expect(await settledWith(1)).toEqual({ active: standby, standby: active })
  expect((await back.stop()).outages, 'the return of the crashed director disturbs nothing').toEqual([])
})

test('kill -9 of the agent: its IPv6 virtual IP is gone, the peer serves', async () => {
  const { active, standby } = await settledWith(1)
  const { again, outageMs } = await under(
    lab,
    VIP6,
    async () => void (await lab.ssh(active, 'kill -9 $(systemctl show -p MainPID --value shoal-agent)')),
    3_000,
  )
  console.log(`kill -9 over IPv6: outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  expect(outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  expect(await holders()).toEqual([standby])
})

test('IPv4 comes beside it without an outage, and both move together', async () => {
  const { active, standby } = await settledWith(1)
  const { again, report } = await under(
    lab,
    VIP6,
    async () => {
      for (const host of [standby, active]) {
        await lab.ssh(host, 'cat > /etc/sysconfig/ha/lvs.cf && systemctl reload shoal-agent', { input: six(false) })
      }
      await settledWith(2)
    },
    1_000,
  )
  expect(again).toBe(true)
  expect(report.outages).toEqual([])
  const four = await lab.startProbe(lab.layout.vip)
  expect(await four.served(SERVED_IN_A_ROW, 20_000)).toBe(true)
  const crash = await under(lab, VIP6, () => lab.crash(active), 4_000)
  expect(crash.again).toBe(true)
  expect(crash.outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  expect((await four.stop()).servedAtEnd).toBe(true)
})
