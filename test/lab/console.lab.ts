// The console and the shell of the agent on real hosts: status, metrics and health, a configuration that is staged, committed, confirmed
// and goes back by itself, a reload on the standby that returns, and what happens to the virtual IP when the agent hangs.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'
import { isUp, settled, told } from './pair.ts'
import { directors, holders, installAgents, lvscfOf, setRealServers } from './agent-hosts.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const NAME = process.env.SHOAL_CONSOLE_LAB ?? 'console'
const SETTLE_LIMIT_MS = 90_000
const file = '/etc/sysconfig/ha/lvs.cf'

let lab: Lab

beforeAll(async () => {
  lab = attach(NAME) ?? (await up('dr', { name: NAME, say: (line) => console.log(line) }))
  await Promise.all([setRealServers(lab), installAgents(lab)])
  await well()
})

afterAll(async () => {
  if (process.env.SHOAL_CONSOLE_LAB === undefined) await lab?.down()
})

async function sh(host: string, script: string): Promise<{ code: number; out: string; err: string; ms: number }> {
  const from = performance.now()
  const said = await lab.ssh(host, script, { allowFailure: true, timeoutMs: 60_000 })
  return { code: said.exitCode, out: said.stdout, err: said.stderr, ms: performance.now() - from }
}

/** Weights are what some of these tests change. */
const well = () => settled(lab, isUp, SETTLE_LIMIT_MS)

test('status, health and metrics answer on both directors, over curl too, and no port is open for it', async () => {
  for (const host of directors) {
    expect((await sh(host, 'shoal-agent status')).out).toMatch(/is (active|standby) since/)
    expect(await sh(host, 'shoal-agent health')).toMatchObject({ code: 0 })
    const { out } = await sh(host, 'curl -sS --unix-socket /run/shoal/agent.sock http://localhost/metrics')
    expect(out).toMatch(/^shoal_director_role\{role="(active|standby)"\} 1$/m)
    expect(out).toMatch(/^# TYPE shoal_server_up gauge$/m)
    expect(out.match(/^shoal_server_up\{.*\} 1$/gm)).toHaveLength(2)
    const listening = (await sh(host, 'ss -Hltnp')).out
    expect(listening).not.toMatch(/node/)
  }
})

test('every word has a page; wrong words and refusals have their exit codes', async () => {
  const { active, standby } = await well()
  for (const word of ['status', 'drain', 'commit', 'release'])
    expect((await sh(active, `shoal-agent ${word} --help`)).out).toMatch(/^NAME\n.*\n\nSYNOPSIS\n/)
  expect(await sh(active, 'shoal-agent frobnicate')).toMatchObject({ code: 2 })
  expect(await sh(active, 'shoal-agent status --loud')).toMatchObject({ code: 2 })
  expect(await sh(standby, 'shoal-agent handover')).toMatchObject({ code: 1 })
  expect(await sh(active, 'shoal-agent release')).toMatchObject({ code: 1 })
  expect(await sh(active, 'shoal-agent check-config /nowhere')).toMatchObject({ code: 2 })
  expect(await sh(active, "printf 'primary = x\\n' | shoal-agent check-config -")).toMatchObject({ code: 1 })
})

test('a real server is drained and put back from the console', async () => {
  const { active } = await well()
  expect(await sh(active, 'shoal-agent drain web rs1')).toMatchObject({ code: 0 })
  await delay(1_500)
  expect((await sh(active, 'shoal-agent status')).out).toMatch(/rs1 .*drain/)
  expect(await sh(active, 'shoal-agent undrain web rs1')).toMatchObject({ code: 0 })
  expect(await sh(active, 'shoal-agent drain web nobody')).toMatchObject({ code: 1 })
})

test('reload returns on the standby too, and an lvs.cf that is not sound is refused with its line', async () => {
  const { standby } = await well()
  const good = await sh(standby, 'timeout 10 shoal-agent reload')
  expect(good.code).toBe(0)
  expect((await sh(standby, 'timeout 10 systemctl reload shoal-agent')).code).toBe(0)
  await sh(standby, `cp ${file} /tmp/kept; echo 'virtual {' >> ${file}`)
  const bad = await sh(standby, 'timeout 10 shoal-agent reload')
  await sh(standby, `cp /tmp/kept ${file}`)
  expect(bad.code).toBe(1)
  expect(bad.err).toMatch(/line \d+/)
  expect((await told(lab, standby))?.director.role).toBe('standby')
})

test('a change is staged, committed on the standby first, then on the active one, and no request is lost', async () => {
  const { active, standby } = await well()
  const text = lvscfOf(lab).replace('serial_no = 1', 'serial_no = 2').replace('weight = 1', 'weight = 3')
  const probe = await lab.startProbe(lab.layout.vip)
  await probe.served(25, 20_000)
  const digests: string[] = []
  for (const host of [standby, active]) {
    await lab.ssh(host, 'cat > /tmp/new.cf', { input: text })
    const staged = await sh(host, 'shoal-agent stage /tmp/new.cf --json')
    expect(staged.code, staged.err).toBe(0)
    const { digest, sound, generation } = JSON.parse(staged.out) as {
      digest: string
      sound: boolean
      generation: number
    }
    expect([sound, generation]).toEqual([true, 2])
    digests.push(digest)
  }
  expect(digests[0]).toBe(digests[1])
  const [digest = ''] = digests
  expect(await sh(standby, `shoal-agent commit ${digest}`)).toMatchObject({ code: 0 })
  // Another config for a moment is legal, and visible.
  await delay(500)
  expect((await sh(active, 'shoal-agent status')).out).toMatch(/peer is standby, with another config \(2, /)
  const commit = await sh(active, `shoal-agent commit ${digest} --confirm-within 30`)
  expect(commit.code, commit.err).toBe(0)
  expect((await told(lab, active))?.director.unconfirmed).toBeDefined()
  expect(await sh(active, `shoal-agent confirm ${digest}`)).toMatchObject({ code: 0 })
  await delay(1_000)
  const { outages } = await probe.stop()
  expect(outages).toEqual([])
  for (const host of directors)
    expect((await told(lab, host))?.director).toMatchObject({ configDigest: digest, generation: 2 })
  expect((await sh(active, `ipvsadm -Ln | grep -c ' 3  '`)).out.trim()).toBe('1')
})

test('a commit that nobody confirms goes back by itself, also when the agent is restarted meanwhile', async () => {
  const { standby } = await well()
  const before = (await told(lab, standby))?.director.configDigest
  const text = lvscfOf(lab).replace('serial_no = 1', 'serial_no = 3')
  await lab.ssh(standby, 'cat > /tmp/new.cf', { input: text })
  const { digest } = JSON.parse((await sh(standby, 'shoal-agent stage /tmp/new.cf --json')).out) as { digest: string }
  const from = performance.now()
  expect(await sh(standby, `shoal-agent commit ${digest} --confirm-within 25`)).toMatchObject({ code: 0 })
  expect((await told(lab, standby))?.director.generation).toBe(3)
  await sh(standby, 'systemctl restart shoal-agent')
  expect((await told(lab, standby))?.director.generation).toBe(3)
  await settled(lab, ({ director }) => director.generation === 2, SETTLE_LIMIT_MS)
  // The commit itself, and asking how it stands, take some seconds on hosts with one slow processor.
  expect(performance.now() - from).toBeGreaterThan(25_000)
  expect(performance.now() - from).toBeLessThan(40_000)
  const after = (await told(lab, standby))?.director
  expect(after).toMatchObject({ configDigest: before, generation: 2 })
  expect(after?.unconfirmed).toBeUndefined()
  expect((await sh(standby, 'shoal-agent events 6')).out).toMatch(/order revert .* by the agent: nobody confirmed/)
})

test('an agent that hangs is ended, and its virtual IP is gone within a second', async () => {
  const { active } = await well()
  // Noted on the host itself, as the kernel tells it; asking again and again would take the host's one processor.
  const { out } = await sh(
    active,
    `pid() { systemctl show -P MainPID shoal-agent; }; hung=$(pid)
     timeout 4 ip -ts monitor address >/tmp/monitor & sleep 0.5
     kill -STOP $hung; from=$(date +%s%N); wait
     gone=$(grep 'Deleted.* ${lab.layout.vip}/' /tmp/monitor | head -n 1 | sed 's/^\\[\\([^]]*\\)\\].*/\\1/')
     echo $((($(date -d "$gone" +%s%N) - from) / 1000000)) $hung $(pid)`,
  )
  const [goneMs, hung, now] = out.trim().split(' ').map(Number)
  console.log(`hung agent: virtual IP gone after ${goneMs} ms`)
  expect(goneMs).toBeGreaterThan(0)
  expect(goneMs).toBeLessThan(1_000)
  expect(now).not.toBe(hung)
  await well()
  expect((await holders(lab)).length).toBe(1)
})

test('a graceful stop says goodbye: the standby serves before its deadtime is over, and no request is lost', async () => {
  const { active, standby } = await well()
  const probe = await lab.startProbe(lab.layout.vip)
  await probe.served(25, 20_000)
  await sh(active, 'systemctl stop shoal-agent')
  expect(await holders(lab)).toEqual([standby])
  expect(await probe.served(25, 20_000)).toBe(true)
  const { outages } = await probe.stop()
  console.log('graceful stop: outages', outages)
  expect(outages).toEqual([])
  expect((await sh(active, 'shoal-agent status')).code).toBe(2)
  expect((await sh(active, 'shoal-agent release')).code).toBe(0)
  await sh(active, 'systemctl start shoal-agent')
  await well()
})
