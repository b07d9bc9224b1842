// Directors in trouble of their own making, on hosts with one slow processor: a thousand real servers at once, and an agent that crashes
// again and again.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directors, holders, installAgents, lvscfOf, setRealServers, type Director } from './agent-hosts.ts'
import { up } from './lab.ts'
import type { Lab } from './lab.ts'
import { manyLvscf, setManyRealServers } from './many.ts'

const NAME = process.env.SHOAL_OVERLOAD_LAB ?? 'overload'
const SIZE = { services: 100, servers: 10 }
const WHOLE_LIMIT_MS = 90_000
const CRASHES = 6
/** The first crash comes so soon after the fault is marked: a login and a tenth of a second. */
const FIRST_CRASH_MS = 3_000
/** What the outage of a crash may last, all in all. */
const OUTAGE_LIMIT_MS = 1_000

let lab: Lab

beforeAll(async () => {
  lab = await up('dr', { name: NAME, say: (line) => console.log(line) })
})

afterAll(async () => {
  await lab?.down()
})

const said = async (host: Director, command: string): Promise<string> =>
  (await lab.ssh(host, command, { timeoutMs: 60_000, allowFailure: true })).stdout.trim()
const lines = async (host: Director): Promise<number> =>
  Number(await said(host, 'awk \'$1 == "->" && $4 == 1\' /proc/net/ip_vs | wc -l'))

async function until(what: () => Promise<boolean>, limitMs: number, why: () => Promise<string>): Promise<number> {
  const from = performance.now()
  while (performance.now() - from < limitMs) {
    if (await what()) return performance.now() - from
    await delay(500)
  }
  throw new Error(`not within ${limitMs} ms: ${await why()}`)
}

test('a thousand real servers from the first moment: no agent is ended for it, no real server is called down, one director serves', async () => {
  // A second try is not told of the first.
  for (const command of [
    'systemctl stop shoal-agent; systemctl reset-failed shoal-agent',
    'journalctl -q --rotate; journalctl -q --vacuum-time=1s',
  ])
    await Promise.all(directors.map((host) => said(host, command)))
  await setManyRealServers(lab, SIZE)
  await installAgents(lab, manyLvscf(lab, SIZE, 1, 1, 1))
  const total = SIZE.services * SIZE.servers
  // Without the lines of each real server, which are a thousand.
  const state = (host: Director): Promise<string> =>
    said(
      host,
      'systemctl show -p NRestarts -p ActiveState -p SubState shoal-agent; journalctl -u shoal-agent -o short-precise | grep -v " is up$" | tail -n 25',
    )
  const tookMs = await Promise.all(
    directors.map((host) =>
      until(
        async () => (await lines(host)) === total,
        WHOLE_LIMIT_MS,
        async () => `${await lines(host)} of ${total} on ${host}\n${await state(host)}`,
      ),
    ),
  )
  await delay(15_000)
  for (const host of directors) {
    expect(await said(host, 'systemctl show -P NRestarts shoal-agent'), await state(host)).toBe('0')
    expect(await said(host, 'journalctl -u shoal-agent | grep " is down"')).toBe('')
    expect(await lines(host)).toBe(total)
  }
  expect(await holders(lab)).toHaveLength(1)
  console.log(`whole after ${tookMs.map(Math.round).join(', ')} ms`)
})

test('an agent that crashes again and again rests between its starts, the other one serves meanwhile, and it comes back', async () => {
  await setRealServers(lab)
  await installAgents(lab, lvscfOf(lab))
  await until(
    async () => (await holders(lab)).length === 1,
    60_000,
    () => said('lvs1', 'journalctl -u shoal-agent -n 20'),
  )
  const [victim] = (await holders(lab)) as [Director]
  const other = directors.find((host) => host !== victim) ?? 'lvs2'
  await until(
    async () => (await said(other, 'shoal-agent status | head -3')).includes('standby'),
    60_000,
    () => said(other, 'shoal-agent status; journalctl -u shoal-agent -n 20'),
  )
  const probe = await lab.startProbe(lab.layout.vip)
  expect(await probe.served(25, 60_000)).toBe(true)
  probe.markFault()
  // Each time as soon as it has begun (/run/shoal/run names it), before it could serve.
  await lab.ssh(
    victim,
    `n=0; i=0; while [ $n -lt ${CRASHES} ] && [ $i -lt 600 ]; do i=$((i+1)); p=$(systemctl show -P MainPID shoal-agent)
     if [ "$p" != 0 ] && grep -q "^running $p$" /run/shoal/run; then kill -9 $p && n=$((n+1)); fi; sleep 0.1; done; [ $n = ${CRASHES} ]`,
    { timeoutMs: 120_000 },
  )
  expect(await holders(lab)).toEqual([other])
  await until(
    async () => (await said(victim, 'shoal-agent status | head -3')).includes('standby'),
    60_000,
    () => said(victim, 'systemctl status shoal-agent; journalctl -u shoal-agent -n 30'),
  )
  expect(await said(victim, 'journalctl -u shoal-agent')).toMatch(/crashed \d times within a minute: begins after 8 s/)
  expect(await probe.served(25, 20_000)).toBe(true)
  const { outages, fault } = await probe.stop()
  expect(await holders(lab)).toEqual([other])
  const seen = outages.map(({ fromMs, durationMs = NaN }) => ({
    atMs: Math.round(fromMs - (fault?.atMs ?? NaN)),
    ms: Math.round(durationMs),
  }))
  console.log(`outages ${seen.map(({ atMs, ms }) => `${ms} ms at ${atMs} ms`).join(', ')}`)
  // The takeover from the first crash (a packet may come through in between), and nothing more.
  const why = await said(other, 'journalctl -u shoal-agent -n 30 -o short-precise')
  expect(
    seen.filter(({ atMs }) => !(atMs < FIRST_CRASH_MS)),
    why,
  ).toEqual([])
  expect(seen.length, why).toBeLessThanOrEqual(2)
  expect(
    seen.reduce((sum, { ms }) => sum + ms, 0),
    why,
  ).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  expect(
    await said(
      other,
      `journalctl -u shoal-agent --since "$(systemctl show -P ActiveEnterTimestamp shoal-agent)" | grep -c 'took over'`,
    ),
  ).toBe('1')
})
