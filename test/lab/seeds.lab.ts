// The clusters of the published walk-throughs, each built from the wizard's draft alone on the network it was published for: it serves
// as it was configured, survives the crash of the director that serves and the death of a real server (which comes back as one), and is
// removed without trace.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClusterDraft, ServiceDraft } from '../../domain/cluster.ts'
import type { Run } from '../../domain/plan.ts'
import type { LayoutName } from './layouts.ts'
import { beginStory, reals } from './story.ts'
import type { Story } from './story.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const name = process.env.SHOAL_SEEDS_LAB

/** All of them take twenty minutes; without being asked for, the one runs that no other file builds the like of. */
const all = process.env.SHOAL_SEEDS === 'all'

/** Requests in a row that count as service. */
const inARow = 15
/** A takeover with Piranha's own timing takes 18 s; a check and its re-entry a few more. */
const recoverLimitMs = 45_000
const lookEveryMs = 1_000

interface Seed {
  readonly title: string
  readonly layout: LayoutName
  /** Runs with all other tests. */
  readonly always?: true
  readonly shape: (draft: ClusterDraft) => ClusterDraft
  /** Beats and deadtime as published, in ms (a deadtime of less than three beats is refused); Piranha's own where nothing was said. */
  readonly beats: readonly [keepalive: string, deadtime: string]
  /** What ipvsadm-save must say on the director that serves. */
  readonly table: readonly RegExp[]
  /** One client keeps its real server. */
  readonly sticky?: true
  /** Other ports that must be answered by the same real server. */
  readonly alsoPorts?: readonly number[]
  /** What else must be so. */
  readonly also?: (story: Story) => Promise<void>
  /** How the hosts were before, where the lab has it otherwise; again after a boot. */
  readonly before?: (story: Story, host: string) => Promise<void>
}

function withService(draft: ClusterDraft, changes: Partial<ServiceDraft>): ClusterDraft {
  return { ...draft, services: draft.services.map((service) => ({ ...service, ...changes })) }
}

const seeds: readonly Seed[] = [
  {
    title: 'DR with arptables',
    layout: 'dr',
    beats: ['6000', '18000'],
    shape: (draft) =>
      withService({ ...draft, realServerWay: { ...draft.realServerWay, direct: 'arptables' } }, { scheduler: 'rr' }),
    table: [
      /^-A -t 192\.168\.2\.27:80 -s rr$/m,
      /-r 192\.168\.2\.243:80 -g -w 1$/m,
      /-r 192\.168\.2\.111:80 -g -w 1$/m,
    ],
  },
  {
    title: 'DR with the virtual IP on lo and kernel values that outlive a reboot',
    layout: 'dr',
    beats: ['3000', '10000'],
    shape: (draft) => withService(draft, { scheduler: 'rr', loadMonitor: 'uptime' }),
    table: [/^-A -t 192\.168\.2\.27:80 -s rr$/m],
    // Directors that refuse what they do not know: without the openings neither beats nor requests would come in.
    before: async ({ lab }, host) => {
      if (!host.startsWith('lvs')) return
      const own = ['-i lo', '-p icmp', '-p tcp --dport 22', '-p tcp --sport 80', '-p tcp --sport 5391']
      const rules = own.map(
        (rule) => `iptables -C INPUT ${rule} -j ACCEPT 2>/dev/null || iptables -A INPUT ${rule} -j ACCEPT`,
      )
      await lab.ssh(host, [...rules, 'iptables -P INPUT DROP'].join('\n'))
    },
    also: async ({ lab }) => {
      const ask = `exec 3<>/dev/tcp/${lab.address('rs1')}/5391 && timeout 5 cat <&3`
      const [told, refused] = await Promise.all([
        lab.ssh('lvs1', `bash -c '${ask}'`, { allowFailure: true }),
        lab.run(['bash', '-c', ask]),
      ])
      expect(told.stdout).toMatch(/^\d+\.\d\d \d+\.\d\d \d+\.\d\d \d+\/\d+ \d+\n\d+$/)
      expect(refused.stdout).toBe('')
    },
  },
  {
    title: 'DR with a private heartbeat, wrr and persistence',
    layout: 'dr-private',
    beats: ['6000', '18000'],
    shape: (draft) => ({
      ...withService(draft, { scheduler: 'wrr', persistentS: '30' }),
      realServers: draft.realServers.map((server, at) => ({ ...server, weight: String(at + 1) })),
    }),
    table: [
      /^-A -t 192\.168\.2\.168:80 -s wrr -p 30$/m,
      /-r 192\.168\.2\.112:80 -g -w 1$/m,
      /-r 192\.168\.2\.113:80 -g -w 2$/m,
    ],
    sticky: true,
  },
  {
    title: 'NAT with firewall mark 80 for the ports 80 and 443, and persistence',
    layout: 'nat',
    always: true,
    beats: ['2000', '6000'],
    shape: (draft) => withService(draft, { fwmark: '80', morePorts: '443', persistentS: '30', scheduler: 'wlc' }),
    table: [/^-A -f 80 -s wlc -p 30$/m, /-r 10\.8\.8\.33:\d+ -m -w 1$/m, /-r 10\.8\.8\.34:\d+ -m -w 1$/m],
    sticky: true,
    alsoPorts: [443],
    // The lab gives the real servers the router address as their gateway; here they begin with another one, as most do.
    before: async ({ lab }, host) => {
      if (host.startsWith('rs')) await lab.ssh(host, 'ip route replace default via 10.8.8.1')
    },
  },
  {
    title: 'NAT where the real servers keep their default route',
    layout: 'nat',
    beats: ['2000', '6000'],
    shape: (draft) =>
      withService({ ...draft, realServerWay: { ...draft.realServerWay, nat: 'policy-route' } }, { scheduler: 'rr' }),
    table: [/^-A -t 10\.10\.1\.30:80 -s rr$/m],
    before: async ({ lab }, host) => {
      if (host.startsWith('rs')) await lab.ssh(host, 'ip route replace default via 10.8.8.1')
    },
  },
  {
    title: 'a tunnel over a router',
    layout: 'tun',
    beats: ['2000', '6000'],
    shape: (draft) => withService(draft, { scheduler: 'rr' }),
    table: [/^-A -t 10\.20\.1\.30:80 -s rr$/m, /-r 10\.20\.2\.33:80 -i -w 1\b/m, /-r 10\.20\.2\.34:80 -i -w 1\b/m],
  },
]

async function untilServed(story: Story, what: string): Promise<ReadonlySet<string>> {
  const probe = await story.lab.startProbe(story.vip)
  const served = await probe.served(inARow, recoverLimitMs)
  const report = await probe.stop()
  if (!served) throw new Error(`${what}: not served within ${recoverLimitMs} ms; ${JSON.stringify(report)}`)
  return new Set(Object.keys(report.servedBy))
}

/** Until both directors have a role and every real server is in the table with the director that serves. */
async function untilWhole(story: Story): Promise<string> {
  const until = performance.now() + recoverLimitMs * 2
  let said = ''
  while (performance.now() < until) {
    const looks = await Promise.all(
      ['lvs1', 'lvs2'].map(async (host) => ({
        host,
        said: (await story.lab.ssh(host, 'shoal-agent status; ipvsadm-save -n', { allowFailure: true })).stdout,
      })),
    )
    said = looks.map((look) => look.said).join('\n')
    const active = looks.filter((look) => / is active since /.test(look.said))
    const standby = looks.filter((look) => / is standby since /.test(look.said))
    const [serving] = active
    const whole = (serving?.said.match(/^-a /gm) ?? []).length >= story.draft.realServers.length
    if (active.length === 1 && standby.length === 1 && serving && whole) return serving.host
    await delay(lookEveryMs)
  }
  throw new Error(`the cluster did not become whole:\n${said}`)
}

for (const layout of ['dr', 'dr-private', 'nat', 'tun'] as const) {
  const here = seeds.filter((seed) => seed.layout === layout && (all || seed.always))
  if (here.length === 0) continue
  describe(`on the network "${layout}"`, () => {
    let story: Story
    let fresh: ClusterDraft
    beforeAll(async () => {
      story = await beginStory(name ?? `seeds-${layout}`, name !== undefined, layout)
      fresh = story.draft
      await story.logIn()
    })
    afterAll(async () => {
      await story.end()
    })

    describe.each(here)('$title', (seed) => {
      let before: Readonly<Record<string, string>>
      let built: Run | undefined

      test('is built from the draft, proves itself and serves as configured', async () => {
        for (const host of story.lab.layout.hosts) await seed.before?.(story, host.name)
        before = await story.state()
        const [keepaliveMs, deadtimeMs] = seed.beats
        const failure = { ...fresh.failure, keepaliveMs, deadtimeMs }
        await story.keepDraft(seed.shape({ ...fresh, id: `seed-${seeds.indexOf(seed)}`, failure }))
        built = await story.build()
        expect(built.proof.filter(({ passed }) => !passed)).toEqual([])
        expect(built.problems).toEqual([])
        expect(built.state).toBe('done')
        const servers = await untilServed(story, 'after the build')
        if (seed.sticky) expect(servers.size).toBe(1)
        else expect([...servers].sort()).toEqual([...reals].sort())
        for (const port of seed.alsoPorts ?? []) {
          const { stdout } = await story.lab.run(['curl', '-s', '-m', '3', `http://${story.vip}:${port}/`])
          expect(stdout.trim()).toBe([...servers][0])
        }
        const serving = await untilWhole(story)
        const { stdout: table } = await story.lab.ssh(serving, 'ipvsadm-save -n')
        for (const line of seed.table) expect(table).toMatch(line)
        await seed.also?.(story)
      })

      test('a planned hand-over loses no request', async () => {
        const serving = await untilWhole(story)
        const probe = await story.lab.startProbe(story.vip)
        const servedBefore = await probe.served(inARow, recoverLimitMs)
        await story.lab.ssh(serving, 'shoal-agent handover')
        const servedAfter = await probe.served(inARow, recoverLimitMs)
        const report = await probe.stop()
        console.log(`hand-over from ${serving}: ${report.failed} of ${report.sent} lost`)
        expect([servedBefore, servedAfter, report.failed]).toEqual([true, true, 0])
        expect(await untilWhole(story)).not.toBe(serving)
      })

      test('survives the crash of the director that serves and the death of a real server, and is whole when they are back', async () => {
        const serving = await untilWhole(story)
        const [dying = 'rs1'] = await untilServed(story, 'before the faults')
        await story.lab.crash(serving)
        await untilServed(story, `after the crash of ${serving}`)
        await story.lab.crash(dying)
        expect(await untilServed(story, `after the death of ${dying}`)).not.toContain(dying)
        await Promise.all([story.lab.boot(serving), story.lab.boot(dying)])
        for (const host of [serving, dying]) await seed.before?.(story, host)
        await untilWhole(story)
        const servers = await untilServed(story, 'with everybody back')
        if (!seed.sticky) expect([...servers].sort()).toEqual([...reals].sort())
      })

      test('is removed without trace', async () => {
        if (!built) throw new Error('nothing was built')
        const undone = await story.undo(built)
        expect(undone.problems).toEqual([])
        expect(undone.state).toBe('undone')
        await story.mustBeAsBefore(before)
      })
    })
  })
}
