// What an operator does to a running cluster, on real hosts: the wire is asked who answers, a real server is drained and taken back,
// and every drill costs no more than it promises and leaves the host as it was. Figures are printed.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Drill, DrillKind } from '../../domain/acting.ts'
import { newsGroups } from '../../domain/notify.ts'
import type { ChannelDraft } from '../../domain/notify.ts'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_ACTING_LAB

let story: Story
const id = (): string => story.draft.id

beforeAll(async () => {
  // With a second cable for the heartbeat: a cut that left it open would be none.
  story = await beginStory(name ?? 'acting', name !== undefined, 'dr-private')
  await story.logIn()
  await story.keepDraft()
  const run = await story.build()
  expect(run.state).toBe('done')
  await story.core.must('clusters.watch', { id: id() })
  await ready()
})
afterAll(async () => {
  await story?.end()
})

// What the agents say of it, where a test has failed.
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const host of ['lvs1', 'lvs2']) {
    const said = await story.lab.ssh(host, 'journalctl -u shoal-agent -o short-precise --no-pager -n 40', {
      allowFailure: true,
      timeoutMs: 20_000,
    })
    console.log(`  ${host}: ${said.stdout || said.stderr}`)
  }
})

async function ready(): Promise<string> {
  const { verdict } = await story.core.when(
    'cluster.status',
    ({ verdict: now }) => now.kind === 'served' && now.standby === 'ready',
    90_000,
  )
  return verdict.kind === 'served' ? verdict.by : ''
}

test('the wire answers with the director that serves', async () => {
  const by = await ready()
  const answers = await story.core.must('clusters.wire', { id: id() })
  console.log(`  ${JSON.stringify(answers)}`)
  expect(answers).toMatchObject([{ address: story.vip, answeredBy: [by] }])
  expect(answers[0]?.askedBy).toEqual([by === 'lvs1' ? 'lvs2' : 'lvs1'])
})

test('a drained real server leaves the table of both directors and comes back', async () => {
  const service = `tcp ${story.vip}:80`
  const server = `${story.lab.address('rs1')}:80`
  const weights = async (): Promise<readonly string[]> =>
    Promise.all(
      ['lvs1', 'lvs2'].map(async (host) => {
        const { stdout } = await story.lab.ssh(host, 'ipvsadm -Ln')
        return new RegExp(`-> ${server}\\s+\\w+\\s+(\\d+)`).exec(stdout)?.[1] ?? 'out'
      }),
    )
  const until = async (is: (now: readonly string[]) => boolean): Promise<readonly string[]> => {
    const endMs = Date.now() + 30_000
    for (;;) {
      const now = await weights()
      if (is(now) || Date.now() > endMs) return now
    }
  }
  await story.core.must('clusters.act', { id: id(), action: { kind: 'drain', service, server } })
  expect(await until((now) => now.every((weight) => weight !== '1'))).not.toContain('1')
  await story.core.must('clusters.act', { id: id(), action: { kind: 'undrain', service, server } })
  expect(await until((now) => now.every((weight) => weight === '1'))).toEqual(['1', '1'])
  const log = await story.core.must('clusters.commands', { id: id(), limit: 10 })
  expect(log.map(({ what, answered }) => `${what} ${answered}`)).toEqual(['undrain done', 'drain done'])
})

/** What a drill must leave as it was on a director, as far as its role has no part in it. */
async function factsOf(host: string): Promise<string> {
  const { stdout } = await story.lab.ssh(
    host,
    `export LC_ALL=C
ip -o addr | sed 's/ valid_lft.*//'; ip -o link | sed 's/ state .*//'; ip -4 rule; ip -6 rule
ip -4 route show table all; ip -6 route show table all | sed 's/ expires [0-9]*sec//'
tc qdisc show; for d in eth0 eth1; do tc filter show dev $d ingress; tc filter show dev $d egress; done
cut -d ' ' -f 1 /proc/modules | grep -v '_diag$' | sort
for t in filter mangle; do grep -qsx $t /proc/net/ip_tables_names && iptables -t $t -S; done
systemctl list-units --all --no-legend --plain 'shoal*' | awk '{print $1, $3}'
ls /run/systemd/transient 2>/dev/null; systemctl list-units --failed --no-legend --plain | awk '{print $1}'`,
    { timeoutMs: 90_000, allowFailure: true },
  )
  return stdout
}

/** The same once they have come to rest: a director that has just become standby still arranges its rules. */
async function settledFactsOf(host: string): Promise<string> {
  for (let before = ''; ;) {
    const now = await factsOf(host)
    if (now === before) return now
    before = now
    await delay(2_000)
  }
}

/** The facts of a director when it was standby last: as such it has no virtual IP, before and after. */
const factsAsStandby = new Map<string, string>()

async function drilled(kind: DrillKind): Promise<Drill> {
  const over = story.core.when(
    'cluster.drill',
    (drill: Drill) => drill.kind === kind && drill.endedAtMs !== undefined,
    400_000,
  )
  await story.core.must('clusters.drill', { id: id(), kind })
  return over
}

/** A drill with a client outside that asks all the while. */
async function drillAsSeen(kind: DrillKind): Promise<Drill> {
  const by = await ready()
  const probe = await story.lab.startProbe(story.vip)
  expect(await probe.served(25, 20_000), 'served before the drill').toBe(true)
  probe.markFault()
  const drill = await drilled(kind)
  const seen = await probe.stop()
  console.log(
    `  ${kind}: ${drill.from} → ${drill.to}, at most ${drill.measuredMs} ms of ${drill.promisedMs} ms promised, over after ${((drill.endedAtMs ?? 0) - drill.startedAtMs) / 1000} s; a client: ${seen.sent} requests, ${seen.failed} failed, outages ${seen.outages.map(({ fromMs, durationMs = Infinity }) => `${Math.round(durationMs)} ms at ${Math.round(fromMs - (seen.fault?.atMs ?? 0))} ms`).join(', ') || 'none'}`,
  )
  expect(drill).toMatchObject({ state: 'over', from: by, measuredBy: 'record', problems: [] })
  expect(seen.servedAtEnd).toBe(true)
  return drill
}

test.each<DrillKind>(['planned', 'kill', 'cut', 'reboot'])('the drill %s keeps its promise', async (kind) => {
  const bootOf = async (host: string): Promise<string> =>
    (await story.lab.ssh(host, 'cat /proc/sys/kernel/random/boot_id')).stdout
  const active = await ready()
  const boot = await bootOf(active)
  const drill = await drillAsSeen(kind)
  // A record bounds a hand-over by the time between two beats; what it loses is counted elsewhere (faults.lab.ts).
  if (kind !== 'planned') expect(drill.measuredMs).toBeLessThanOrEqual(drill.promisedMs)
  if (kind === 'cut') await asBefore(drill.from)
  else if (kind !== 'reboot') factsAsStandby.set(drill.from, await settledFactsOf(drill.from))
  expect((await bootOf(drill.from)) !== boot).toBe(kind === 'reboot')
  const [last] = await story.core.must('clusters.commands', { id: id(), limit: 1 })
  const sent = { planned: '"hand-over"', kill: '--signal=KILL', cut: 'egress matchall', reboot: 'reboot --force' }[kind]
  expect(last).toMatchObject({ hosts: [drill.from], answered: 'done' })
  expect(last?.command).toContain(sent)
})

/** The units of a cut are gone, and with them all it did. */
async function asBefore(host: string): Promise<void> {
  const before = factsAsStandby.get(host)
  expect(before).toContain('pfifo_fast')
  await expect.poll(() => factsOf(host), { timeout: 30_000, interval: 1_000 }).toBe(before)
}

/** A web server on the client, which ends with the word that a takeover is told, or after a minute; it prints what it got. */
const hook = (port: number): string => `
const server = require('node:http').createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    response.end('ok')
    console.log(body)
    if (JSON.parse(body).event?.kind === 'failover') setTimeout(() => process.exit(0), 3000)
  })
})
server.listen(${port})
setTimeout(() => process.exit(0), 60000)`

test('a takeover is told to a webhook by the directors themselves, once and in order', async () => {
  const port = 8099
  const told = story.lab.run([process.execPath, '-e', hook(port)], { timeoutMs: 90_000 })
  const channel: ChannelDraft = {
    id: 'ops',
    name: 'Ops',
    kind: 'webhook',
    language: 'en',
    groups: [...newsGroups],
    both: false,
    url: `http://${story.lab.layout.client}:${port}/hook`,
    secret: 'lab',
  }
  const set = await story.core.must('notify.set', { id: id(), channels: [channel] })
  expect(set.directors.map(({ view }) => view?.channels.map(({ name: shown }) => shown))).toEqual([['Ops'], ['Ops']])
  const tested = await story.core.must('notify.test', { id: id(), channel: 'ops' })
  expect(tested.map(({ tested: one }) => one?.passed)).toEqual([true, true])
  const drill = await drilled('planned')
  const messages = (await told).stdout
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { id: string; text: string; director: string; atMs: number; event?: { kind: string } },
    )
  for (const { text } of messages) console.log(`  ${text}`)
  const takeovers = messages.filter(({ event }) => event?.kind === 'failover')
  expect(takeovers).toMatchObject([{ director: drill.to }])
  expect(new Set(messages.map((message) => message.id)).size).toBe(messages.length)
  for (const host of ['lvs1', 'lvs2']) {
    const times = messages.filter(({ director, event }) => event && director === host).map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  }
  await story.core.must('notify.set', { id: id(), channels: [] })
})

test('a cut whose unit is killed in the middle has ended with it, and nothing of it stays', async () => {
  const active = await ready()
  const killed =
    'until tc filter show dev eth0 egress | grep -q matchall; do sleep 0.1; done; sleep 2; systemctl kill -s KILL shoal-cut'
  await story.lab.ssh(active, `systemd-run --collect --unit=lab-killer /bin/sh -c '${killed}'`)
  const drill = await drillAsSeen('cut')
  expect(drill.from).toBe(active)
  await asBefore(active)
  const { stdout } = await story.lab.ssh(active, 'journalctl -u shoal-cut -o cat --no-pager | tail -n 4')
  expect(stdout).toContain('status=9/KILL')
})

test('a drill is refused where it would do more than it says, and nothing is touched', async () => {
  const active = await ready()
  const refused = async (kind: DrillKind): Promise<readonly string[]> => {
    const asked = await story.core.ask('clusters.drill', { id: id(), kind })
    return asked.ok ? [] : asked.problems.map(({ code }) => code)
  }
  await story.lab.ssh(active, 'tc qdisc add dev eth0 clsact')
  expect(await refused('cut')).toEqual(['drill-filters-there'])
  expect((await story.lab.ssh(active, 'tc qdisc show dev eth0; tc qdisc del dev eth0 clsact')).stdout).toContain(
    'clsact',
  )
  await story.lab.ssh(
    active,
    'systemd-run -q --unit=lab-work systemd-inhibit --what=shutdown --why=installing sleep 60',
  )
  await expect.poll(() => refused('reboot'), { timeout: 20_000 }).toEqual(['drill-host-busy'])
  await story.lab.ssh(active, 'systemctl stop lab-work; systemctl disable -q --no-reload shoal-agent')
  expect(await refused('reboot')).toEqual(['drill-agent-not-at-boot'])
  await story.lab.ssh(active, 'systemctl enable -q --no-reload shoal-agent')
  expect(await ready()).toBe(active)
})
