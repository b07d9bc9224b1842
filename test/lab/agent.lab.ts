// The agent alone on real hosts: crash, kill -9, cut and heal, planned hand-over, kernel changes behind its back; each with what the
// client saw. The figures are printed.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'
import { directors, holders, installAgents, keepBusy, lvscfOf, setRealServers } from './agent-hosts.ts'
import { startLasting, startPorts } from './lasting.ts'
import { settled, told, under } from './pair.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const NAME = process.env.SHOAL_AGENT_LAB ?? 'agent'
const CRASHES = Number(process.env.SHOAL_CRASHES ?? 3)
const HAND_OVERS = Number(process.env.SHOAL_HANDOVERS ?? 4)
const OUTAGE_LIMIT_MS = 1_000
const SERVED_IN_A_ROW = 25
const LOOPS = 64
const BUSY_S = 20

let lab: Lab
let vip: string

beforeAll(async () => {
  lab = attach(NAME) ?? (await up('dr', { name: NAME, say: (line) => console.log(line) }))
  vip = lab.layout.vip
  await Promise.all([setRealServers(lab), installAgents(lab)])
  await settled(lab)
})

afterAll(async () => {
  if (process.env.SHOAL_AGENT_LAB === undefined) await lab?.down()
})

async function events(host: string): Promise<string> {
  return (await lab.ssh(host, 'shoal-agent events 12', { allowFailure: true })).stdout
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** Another lvs.cf on both directors. */
const load = (text: string): Promise<unknown> =>
  Promise.all(
    directors.map((host) =>
      lab.ssh(host, 'cat > /etc/sysconfig/ha/lvs.cf; systemctl reload shoal-agent', { input: text, timeoutMs: 30_000 }),
    ),
  )

test('requests alternate over both real servers', async () => {
  const probe = await lab.startProbe(vip)
  await probe.served(100, 20_000)
  const { servedBy } = await probe.stop()
  console.log('served by', servedBy)
  expect(Object.keys(servedBy).sort()).toEqual(['rs1', 'rs2'])
})

test(`a crash of the active director is over within a second (${CRASHES} times), and it comes back as standby`, async () => {
  const outages: number[] = []
  for (let n = 0; n < CRASHES; n++) {
    const { active, standby } = await settled(lab)
    const { again, report, outageMs } = await under(lab, vip, () => lab.crash(active), 2_000)
    expect(again, `served after crash ${n + 1}`).toBe(true)
    expect(report.servedAtEnd).toBe(true)
    outages.push(outageMs)
    const back = await lab.startProbe(vip)
    await lab.boot(active)
    const now = await settled(lab)
    const during = await back.stop()
    expect(now).toEqual({ active: standby, standby: active })
    expect(during.outages, 'the return of the crashed director disturbs nothing').toEqual([])
  }
  console.log(`crash: outages ${outages.map(Math.round).join(', ')} ms, median ${Math.round(median(outages))} ms`)
  expect(median(outages)).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
})

test('kill -9 of the agent: its virtual IP is gone within a second, the peer serves', async () => {
  const { active, standby } = await settled(lab)
  let goneMs = Infinity
  const { again, outageMs } = await under(
    lab,
    vip,
    async () => {
      // Both instants by the host's clock; the kernel says when the address went, for a loop that looks would itself slow that down.
      const said = await lab.ssh(
        active,
        `ip -4 -o -ts monitor address >/tmp/monitor & m=$!; sleep 0.5; p=$(systemctl show -p MainPID --value shoal-agent); date -u +%FT%T.%6N; kill -9 $p; sleep 2; kill $m; sed -n 's/^\\[\\([^]]*\\)\\] Deleted.* ${vip}\\/.*/\\1/p' /tmp/monitor | head -n 1; rm /tmp/monitor`,
      )
      const [killed = '', gone = ''] = said.stdout.trim().split('\n')
      goneMs = Date.parse(`${gone}Z`) - Date.parse(`${killed}Z`)
    },
    3_000,
  )
  console.log(`kill -9: address gone after ${goneMs} ms, outage ${Math.round(outageMs)} ms`)
  expect(goneMs).toBeLessThanOrEqual(1_000)
  expect(again).toBe(true)
  const now = await settled(lab)
  expect(await holders(lab)).toEqual([now.active])
  expect([active, standby]).toContain(now.active)
})

test('a planned hand-over, and a stop, lose next to nothing', async () => {
  for (const how of ['shoal-agent handover', 'systemctl restart shoal-agent']) {
    const { active, standby } = await settled(lab)
    const { again, report, outageMs } = await under(
      lab,
      vip,
      async () => void (await lab.ssh(active, how, { timeoutMs: 30_000 })),
      3_000,
    )
    console.log(`${how}: outage ${Math.round(outageMs)} ms, ${report.outages.length} windows`)
    expect(again).toBe(true)
    expect(outageMs).toBeLessThanOrEqual(200)
    const now = await settled(lab)
    expect(now.active).toBe(standby)
    expect(await holders(lab)).toEqual([standby])
  }
})

/** A request that has no answer by then is lost; a busy machine is slow, but not as slow as that. */
const LOST_AFTER_MS = 5_000

test(`${HAND_OVERS} hand-overs, one after the other, lose no request and end no connection`, async () => {
  for (let n = 0; n < HAND_OVERS; n++) {
    const { active, standby } = await settled(lab)
    const lasting = startLasting(lab, vip)
    const probe = await lab.startProbe(vip, { timeoutMs: LOST_AFTER_MS })
    expect(await probe.served(SERVED_IN_A_ROW, 20_000)).toBe(true)
    await lab.ssh(active, 'shoal-agent handover', { timeoutMs: 30_000 })
    await delay(3_000)
    const report = await probe.stop()
    const lasted = await lasting.stop()
    console.log(
      `hand-over ${n + 1}: ${report.failed} of ${report.sent} lost, slowest ${Math.round(report.latencyMs.worst)} ms; the lasting connection: ${JSON.stringify(lasted)}`,
    )
    expect(report.outages).toEqual([])
    expect(lasted.ended).toBeUndefined()
    expect(lasted.longestMs).toBeLessThanOrEqual(LOST_AFTER_MS)
    expect(await holders(lab)).toEqual([standby])
    expect(await events(standby)).toMatch(/[1-9]\d* connections given over/)
  }
})

test('a connection lives through a hand-over and the failback, and no request is lost', async () => {
  const before = (await lab.ssh('lvs1', 'cat /etc/sysconfig/ha/lvs.cf')).stdout
  const withFailback = lvscfOf(lab, '# shoal: failback = on\n# shoal: failback_delay_ms = 4000\n')
  onTestFinished(async () => void (await load(before)))
  await load(withFailback)
  const from = performance.now()
  while ((await settled(lab)).active !== 'lvs1' && performance.now() - from < 60_000) await delay(1_000)
  const lasting = startLasting(lab, vip)
  const probe = await lab.startProbe(vip, { timeoutMs: LOST_AFTER_MS })
  expect(await probe.served(SERVED_IN_A_ROW, 20_000)).toBe(true)
  await lab.ssh('lvs1', 'shoal-agent handover', { timeoutMs: 30_000 })
  await delay(9_000)
  const report = await probe.stop()
  const lasted = await lasting.stop()
  console.log(
    `there and back: ${report.failed} of ${report.sent} lost; the lasting connection: ${JSON.stringify(lasted)}`,
  )
  expect(report.outages, `${await events('lvs1')}\n${await events('lvs2')}`).toEqual([])
  expect(lasted.ended).toBeUndefined()
  expect(await holders(lab)).toEqual(['lvs1'])
  expect(await events('lvs1')).toContain('took over (failback')
})

test('a director that takes over remembers no connection that is over: a port that is used anew goes nowhere by it', async () => {
  const { active, standby } = await settled(lab)
  const client = startPorts(
    lab,
    vip,
    Array.from({ length: 8 }, (_, n) => 20_000 + n),
    700,
  )
  onTestFinished(client.stop)
  expect(await client.ask()).toBe(true)
  // Longer ago than what is still given in a hand-over.
  await delay(11_000)
  await lab.ssh(active, 'shoal-agent handover', { timeoutMs: 30_000 })
  await settled(lab)
  expect(await client.open()).toBe(true)
  // As if all of them had begun in the moment of the hand-over: nothing is told of them.
  const silent = (verb: string): Promise<unknown> =>
    lab.ssh(standby, `iptables ${verb} OUTPUT -p udp --dport 8848 -j DROP`, { allowFailure: true })
  onTestFinished(async () => void (await silent('-D')))
  await silent('-I')
  await lab.ssh(standby, 'shoal-agent handover', { timeoutMs: 30_000 })
  const became = await client.finish()
  expect(await holders(lab)).toEqual([active])
  // An answer would come by what was remembered: from the real server of then, which half of them would not know. A client that is not
  // answered sends again, and by then the director has been told of its connection.
  expect(became).toEqual(Array.from({ length: 8 }, () => null))
})

test('of a hand-over that is broken off by kill -9, and of an agent that has ended, nothing is left', async () => {
  const { active, standby } = await settled(lab)
  const left = async (): Promise<string> =>
    (
      await lab.ssh(
        standby,
        'ipvsadm -L --daemon; iptables -S | grep SHOAL-HANDOVER; ls /run/shoal/receiving 2>/dev/null',
        { allowFailure: true },
      )
    ).stdout.trim()
  await Promise.all([
    lab.ssh(active, 'shoal-agent handover', { allowFailure: true, timeoutMs: 30_000 }),
    // In the moment in which its kernel takes connections in.
    lab.ssh(
      standby,
      'n=0; until ipvsadm -L --daemon | grep -q backup || [ $n = 200 ]; do n=$((n+1)); done; kill -9 $(systemctl show -p MainPID --value shoal-agent); [ $n -lt 200 ]',
      { timeoutMs: 60_000 },
    ),
  ])
  await settled(lab)
  expect(await left()).not.toContain('sync daemon')
  await lab.ssh(standby, 'systemctl stop shoal-agent', { timeoutMs: 30_000 })
  expect(await left()).toBe('')
  await lab.ssh(standby, 'systemctl reset-failed shoal-agent; systemctl start shoal-agent', { timeoutMs: 30_000 })
  await settled(lab)
})

test('a partition: served while it lasts, and after the heal served again and still served', async () => {
  for (let n = 0; n < 3; n++) {
    const { active, standby } = await settled(lab)
    const { again, outageMs } = await under(lab, vip, () => lab.cut(active), 3_000)
    expect(again).toBe(true)
    expect(outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
    const probe = await lab.startProbe(vip)
    expect(await probe.served(SERVED_IN_A_ROW, 5_000)).toBe(true)
    probe.markFault()
    await lab.heal(active)
    await delay(8_000)
    expect(await probe.served(50, 5_000), 'served after the heal').toBe(true)
    const report = await probe.stop()
    const worst = Math.max(0, ...report.outages.map((o) => o.durationMs ?? Infinity))
    console.log(
      `cut: outage ${Math.round(outageMs)} ms; heal: ${report.outages.length} windows, worst ${Math.round(worst)} ms`,
    )
    expect(worst).toBeLessThanOrEqual(2_000)
    const now = await settled(lab)
    expect(now.active).toBe(standby)
    expect(await holders(lab)).toEqual([standby])
  }
})

test('a wiped table and a deleted virtual IP are repaired, a foreign service is left alone', async () => {
  const { active } = await settled(lab)
  await lab.ssh(active, 'ipvsadm -A -t 10.99.99.99:9999 -s rr')
  const wiped = await under(lab, vip, async () => void (await lab.ssh(active, `ipvsadm -D -t ${vip}:80`)), 4_000)
  console.log(`wiped table: outage ${Math.round(wiped.outageMs)} ms`)
  expect(wiped.again).toBe(true)
  const deleted = await under(
    lab,
    vip,
    async () => void (await lab.ssh(active, `ip addr del ${vip}/24 dev eth0`)),
    2_000,
  )
  console.log(`deleted address: outage ${Math.round(deleted.outageMs)} ms`)
  expect(deleted.again).toBe(true)
  expect((await lab.ssh(active, 'ipvsadm -Ln')).stdout).toContain('10.99.99.99:9999')
  await lab.ssh(active, 'ipvsadm -D -t 10.99.99.99:9999')
  expect(await events(active)).toContain('repaired')
})

test('a real server that stops leaves both tables within its timeout and comes back', async () => {
  await settled(lab)
  const inTable = async (host: string): Promise<boolean> =>
    (await lab.ssh(host, 'ipvsadm -Ln')).stdout.includes(`${lab.address('rs1')}:80`)
  const waitFor = async (what: boolean): Promise<number> => {
    const from = performance.now()
    while ((await inTable('lvs1')) !== what || (await inTable('lvs2')) !== what) {
      if (performance.now() - from > 30_000) throw new Error(`rs1 is ${what ? 'not back' : 'still there'}`)
      await delay(100)
    }
    return performance.now() - from
  }
  await lab.ssh('rs1', 'systemctl stop nginx')
  const outMs = await waitFor(false)
  await lab.ssh('rs1', 'systemctl start nginx')
  const inMs = await waitFor(true)
  console.log(
    `nginx stopped: out of both tables after ${Math.round(outMs)} ms; started: back after ${Math.round(inMs)} ms`,
  )
  expect(outMs).toBeLessThanOrEqual(5_000)
})

test('beats that a firewall swallows are no reason to take over: the wire says who serves', async () => {
  const { active, standby } = await settled(lab)
  const rule = 'INPUT -p udp --dport 539 -j DROP'
  const { again, report } = await under(
    lab,
    vip,
    async () => {
      await Promise.all(directors.map((d) => lab.ssh(d, `iptables -I ${rule}`)))
    },
    6_000,
  )
  const held = await holders(lab)
  const told = await events(standby)
  await Promise.all(directors.map((d) => lab.ssh(d, `iptables -D ${rule}`)))
  expect(again).toBe(true)
  expect(report.outages).toEqual([])
  expect(held).toEqual([active])
  expect(told).toContain('nothing is taken over')
  expect((await settled(lab)).active).toBe(active)
})

test('of further heartbeat paths one is enough, an IPv6 one, too', async () => {
  const before = (await lab.ssh('lvs1', 'cat /etc/sysconfig/ha/lvs.cf')).stdout
  const addresses = (verb: 'add' | 'del'): Promise<unknown> =>
    Promise.all(
      directors.map((host, at) =>
        lab.ssh(
          host,
          `ip address ${verb} 10.8.0.${at + 1}/24 dev eth0; ip address ${verb} fd00:5::${at + 1}/64 dev eth0 ${verb === 'add' ? 'nodad' : ''}`,
          { allowFailure: true },
        ),
      ),
    )
  const beats = (verb: '-I' | '-D'): Promise<unknown> =>
    Promise.all(
      directors.map((host) =>
        lab.ssh(host, `iptables ${verb} INPUT -p udp --dport 539 -j DROP`, { allowFailure: true }),
      ),
    )
  onTestFinished(async () => {
    await beats('-D')
    await load(before)
    await addresses('del')
  })
  const states = async (host: string): Promise<readonly string[] | undefined> =>
    (await told(lab, host))?.director.peer.paths.map(({ name, state }) => `${name} ${state}`)
  await addresses('add')
  await load(lvscfOf(lab, '# shoal: heartbeat_paths = 10.8.0.1 10.8.0.2, fd00:5::1 fd00:5::2\n'))
  const { active, standby } = await settled(lab)
  await expect.poll(() => states(standby), { timeout: 20_000 }).toEqual(['public heard', 'path3 heard', 'path4 heard'])
  const { again, report } = await under(lab, vip, async () => void (await beats('-I')), 4_000)
  for (const host of directors) expect(await states(host)).toEqual(['public silent', 'path3 silent', 'path4 heard'])
  expect(again).toBe(true)
  expect(report.outages).toEqual([])
  expect(await holders(lab)).toEqual([active])
})

test('a deaf standby neither claims nor disturbs the service, and says that it is the one cut off', async () => {
  const { active, standby } = await settled(lab)
  const deaf = await under(lab, vip, () => lab.cut(standby, { way: 'deaf' }), 6_000)
  const held = await holders(lab, [active])
  expect(deaf.report.outages, 'the service goes on').toEqual([])
  expect(held).toEqual([active])
  const healed = await under(lab, vip, () => lab.heal(standby), 6_000)
  expect(healed.report.outages, 'the heal disturbs nothing').toEqual([])
  expect(await events(standby)).toContain('this director itself is cut off')
  expect(await settled(lab)).toEqual({ active, standby })
  expect(await holders(lab)).toEqual([active])
})

test('a deaf active director lets go by itself, the standby serves, and the heal changes nothing', async () => {
  const { active, standby } = await settled(lab)
  const { again, outageMs } = await under(lab, vip, () => lab.cut(active, { way: 'deaf' }), 4_000)
  console.log(`deaf active: outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  expect(await holders(lab, [standby])).toEqual([standby])
  const healed = await under(lab, vip, () => lab.heal(active), 6_000)
  expect(healed.again).toBe(true)
  expect(healed.report.outages, 'the heal disturbs nothing').toEqual([])
  expect(await settled(lab)).toEqual({ active: standby, standby: active })
  expect(await holders(lab)).toEqual([standby])
  expect(await events(active)).toContain('this director itself is cut off')
})

test('the record of a takeover says who was asked and when the network had learnt', async () => {
  const { active, standby } = await settled(lab)
  await under(lab, vip, () => lab.crash(active), 4_000)
  const said = await lab.ssh(standby, 'shoal-agent events --json 20')
  const records = said.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: { kind: string; record?: Record<string, unknown> } })
    .flatMap(({ event }) => (event.kind === 'failover' && event.record ? [event.record] : []))
  console.log('record', JSON.stringify(records.at(-1)))
  expect(records.at(-1)).toMatchObject({ cause: 'peer-silent', to: standby, from: active })
  expect(records.at(-1)?.learntAtMs).toBeTypeOf('number')
  expect(JSON.stringify(records.at(-1)?.witnesses)).toContain('"answered"')
  await lab.boot(active)
  await settled(lab)
})

test('a link that goes down and comes back is written down, and one director serves after it', async () => {
  const { active } = await settled(lab)
  const { again, outageMs } = await under(
    lab,
    vip,
    async () =>
      void (await lab.ssh(
        active,
        '(sleep 0.3; ip link set eth0 down; sleep 5; ip link set eth0 up) >/dev/null 2>&1 &',
      )),
    9_000,
  )
  console.log(`link down: outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  const told = await events(active)
  expect(told).toContain('link of eth0 is down')
  expect(told).toContain('link of eth0 is up')
  const now = await settled(lab)
  expect(await holders(lab)).toEqual([now.active])
})

test('an agent that stands still is ended by its watchdog, its address goes, the standby serves', async () => {
  const { active, standby } = await settled(lab)
  const { again, outageMs } = await under(
    lab,
    vip,
    async () => void (await lab.ssh(active, 'kill -STOP $(systemctl show -p MainPID --value shoal-agent)')),
    6_000,
  )
  console.log(`SIGSTOP: outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  expect(outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  const now = await settled(lab)
  expect(now.active).toBe(standby)
  expect(await holders(lab)).toEqual([standby])
})

test(`${LOOPS} busy loops on each director: nobody takes over, packets go through, and a stopped agent leaves the kernel as it was`, async () => {
  const { active } = await settled(lab)
  const packetNice = async (host: string): Promise<string> =>
    (await lab.ssh(host, 'ps -o ni= -p $(pgrep ksoftirqd)')).stdout.trim()
  const roles = async (host: string): Promise<string> =>
    (await lab.ssh(host, "journalctl -u shoal-agent -o cat | grep -E '(active|standby|unfit) →'")).stdout
  const before = await Promise.all(directors.map(roles))
  const { again, report, outageMs } = await under(lab, vip, () => keepBusy(lab, LOOPS, BUSY_S), 2_000)
  console.log(`busy: ${report.failed} of ${report.sent} requests failed, outage ${Math.round(outageMs)} ms`)
  expect(again).toBe(true)
  expect(outageMs).toBeLessThanOrEqual(OUTAGE_LIMIT_MS)
  expect(await holders(lab)).toEqual([active])
  expect(await Promise.all(directors.map(roles))).toEqual(before)
  const { standby } = await settled(lab)
  expect(await packetNice(standby)).toBe('-10')
  await lab.ssh(standby, 'systemctl stop shoal-agent')
  expect(await packetNice(standby)).toBe('0')
  await lab.ssh(standby, 'systemctl start shoal-agent')
  await settled(lab)
})
