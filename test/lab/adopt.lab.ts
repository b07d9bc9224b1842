// Running clusters of others on real hosts, taken over by reading their files from their hosts: Piranha's by its lvs.cf (pulse itself is
// not to be had any more; a unit of its name does what it did), keepalived's with keepalived itself. Each goes on serving by Shoal once
// it may be stopped, and runs as before when Shoal is removed.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { attach, up } from './lab.ts'
import { beginStory, reals } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_ADOPT_LAB
const directors = ['lvs1', 'lvs2'] as const
const inARow = 15
const serveLimitMs = 45_000
/** What a client may miss when its cluster is taken over: connections of the other's table end, new ones are served. */
const takenOverMs = 1_500

let story: Story

beforeAll(async () => {
  const lab = name ?? 'adopt'
  if (!attach(lab)) await up('dr', { name: lab, image: 'keepalived', say: (line) => console.log(line) })
  story = await beginStory(lab, name !== undefined)
  await story.logIn()
  // Set up by hand, as the walk-throughs of both say.
  for (const host of reals) {
    await story.lab.ssh(
      host,
      `ip addr add ${story.vip}/32 dev lo
sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2`,
    )
  }
})
afterAll(async () => {
  await story?.end()
})

async function untilServed(what: string): Promise<ReadonlySet<string>> {
  const probe = await story.lab.startProbe(story.vip)
  const served = await probe.served(inARow, serveLimitMs)
  const report = await probe.stop()
  if (!served) throw new Error(`${what}: not served within ${serveLimitMs} ms; ${JSON.stringify(report)}`)
  return new Set(Object.keys(report.servedBy))
}

/** Who holds the virtual IP, once it is this director alone. */
async function untilHeldBy(host: string): Promise<void> {
  const until = performance.now() + serveLimitMs
  for (;;) {
    const looks = await Promise.all(
      directors.map(async (each) => (await story.lab.ssh(each, `ip -br -4 addr show to ${story.vip}`)).stdout.trim()),
    )
    if (directors.every((each, at) => (looks[at] !== '') === (each === host))) return
    if (performance.now() > until) throw new Error(`${host} does not hold the virtual IP alone: ${looks.join('; ')}`)
    await delay(1_000)
  }
}

/** Reads the file from the hosts into a draft, and gives the word that the one that serves now may be stopped. */
async function adopted(
  id: string,
  rival: string,
  left: readonly string[],
): Promise<{ readonly draft: ClusterDraft; readonly from: string }> {
  const said = await story.core.must('clusters.adopt', { id, name: id, directors: story.draft.directors })
  expect(said.left.map(({ code }) => code)).toEqual(left)
  const { revision, draft } = await story.core.must('drafts.get', { id })
  await story.keepDraft(draft, revision)
  const plan = await story.core.must('plan.make', { draftId: id })
  const blocks = plan.findings.filter(({ problem }) => problem.severity === 'block')
  expect(new Set(blocks.map(({ problem }) => problem.code))).toEqual(
    new Set(['rival-present', 'foreign-ipvs-table', 'vip-on-host']),
  )
  expect(blocks.filter(({ problem }) => problem.code === 'rival-present').map(({ hostId }) => hostId)).toEqual([
    'director-1',
    'director-2',
  ])
  await story.keepDraft({
    ...draft,
    consent: { ...draft.consent, stop: draft.directors.map((d) => `${d.id}/${rival}`) },
  })
  return { draft, from: said.from }
}

/** Builds over what runs, sees it served by Shoal, and removes Shoal again. */
async function takeOver(rival: string, before: Readonly<Record<string, string>>): Promise<void> {
  const probe = await story.lab.startProbe(story.vip)
  const built = await story.build()
  const seen = await probe.stop()
  console.log('probe over the take-over:', JSON.stringify(seen).slice(0, 400))
  expect(built.problems).toEqual([])
  expect(built.proof.filter(({ passed }) => !passed)).toEqual([])
  expect(built.state).toBe('done')
  // The director that does not serve is done first and takes the service over before the other one lets go.
  expect(seen.servedAtEnd).toBe(true)
  expect(seen.longestOutageMs).toBeLessThan(takenOverMs)
  expect([...(await untilServed('by Shoal'))].sort()).toEqual([...reals].sort())
  for (const host of directors) {
    expect((await story.lab.ssh(host, `systemctl is-active ${rival}`, { allowFailure: true })).stdout.trim()).toBe(
      'inactive',
    )
    expect((await story.lab.ssh(host, 'systemctl is-active shoal-agent')).stdout.trim()).toBe('active')
  }
  const over = story.core.when(
    'run.changed',
    ({ id, state }) => id === built.id && (state === 'undone' || state === 'failed'),
    180_000,
  )
  await story.core.must('clusters.remove', { id: story.draft.id })
  expect((await over).problems).toEqual([])
  await untilHeldBy('lvs1')
  expect([...(await untilServed(`by ${rival} again`))].sort()).toEqual([...reals].sort())
  await story.mustBeAsBefore(before)
}

describe('Piranha', () => {
  let before: Readonly<Record<string, string>>
  const lvscf = (): string => `serial_no = 23
primary = ${story.lab.address('lvs1')}
service = lvs
backup_active = 1
backup = ${story.lab.address('lvs2')}
heartbeat = 1
heartbeat_port = 539
keepalive = 2
deadtime = 6
network = direct
debug_level = NONE
virtual web {
     active = 1
     address = ${story.vip} eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     use_regex = 0
     load_monitor = none
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     quiesce_server = 0
${reals
  .map(
    (host) => `     server ${host} {
         address = ${story.lab.address(host)}
         active = 1
         weight = 1
     }
`,
  )
  .join('')}}
`

  test('its file is read from both directors into a draft', async () => {
    const { vip } = story
    const table = [
      `-A -t ${vip}:80 -s wlc`,
      ...reals.map((host) => `-a -t ${vip}:80 -r ${story.lab.address(host)} -g -w 1`),
    ]
    const unit = (start: string, stop: string): string =>
      `[Unit]\nDescription=stands in for pulse\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -ec '${start}'\nExecStop=/bin/sh -c '${stop}'\n[Install]\nWantedBy=multi-user.target\n`
    for (const host of directors) {
      const pulse =
        host === 'lvs1'
          ? unit(
              `ipvsadm-restore </etc/sysconfig/ha/table; ip addr add ${vip}/24 dev eth0 label eth0:1; arping -q -A -c 2 -I eth0 ${vip}`,
              `ip addr del ${vip}/24 dev eth0; ipvsadm -C`,
            )
          : unit('ipvsadm -C', 'ipvsadm -C')
      await story.lab.ssh(host, 'mkdir -p /etc/sysconfig/ha')
      await story.lab.ssh(host, 'cat >/etc/sysconfig/ha/lvs.cf', { input: lvscf() })
      await story.lab.ssh(host, 'cat >/etc/sysconfig/ha/table', { input: `${table.join('\n')}\n` })
      await story.lab.ssh(host, 'cat >/etc/systemd/system/pulse.service', { input: pulse })
      await story.lab.ssh(host, 'systemctl daemon-reload; systemctl enable -q pulse; systemctl start pulse')
    }
    await untilHeldBy('lvs1')
    await untilServed('by Piranha')
    before = await story.state()

    const { draft, from } = await adopted('piranha', 'pulse', [])
    expect(from).toBe('piranha')
    expect(draft).toMatchObject({
      forwarding: 'direct',
      virtualIp: { address: vip, device: 'eth0:1', prefix: '24' },
      services: [{ name: 'web', port: '80', scheduler: 'wlc', check: { kind: 'send-expect', expect: 'HTTP' } }],
      realServers: reals.map((host) => ({ name: host, address: story.lab.address(host), weight: '1' })),
      failure: { keepaliveMs: '2000', deadtimeMs: '6000' },
    })
  })

  test('it goes on serving by Shoal, and runs as before when Shoal is removed', async () => {
    await takeOver('pulse', before)
    for (const host of directors) {
      expect((await story.lab.ssh(host, 'cat /etc/sysconfig/ha/lvs.cf')).stdout.trim()).toBe(lvscf().trim())
      await story.lab.ssh(
        host,
        'systemctl disable -q --now pulse; rm -r /etc/systemd/system/pulse.service /etc/sysconfig; systemctl daemon-reload',
      )
    }
  })
})

describe('keepalived', () => {
  let before: Readonly<Record<string, string>>
  const conf = (host: string): string => `global_defs {
  router_id ${host}
}
vrrp_instance web {
  state ${host === 'lvs1' ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 51
  priority ${host === 'lvs1' ? 150 : 100}
  advert_int 1
  virtual_ipaddress {
    ${story.vip}/24 dev eth0
  }
}
virtual_server ${story.vip} 80 {
  delay_loop 3
  lb_algo wrr
  lb_kind DR
  protocol TCP
${reals
  .map(
    (real, at) => `  real_server ${story.lab.address(real)} 80 {
    weight ${at + 1}
    TCP_CHECK {
      connect_timeout 3
    }
  }
`,
  )
  .join('')}}
`

  test('its file is read from both directors into a draft', async () => {
    for (const host of directors) {
      await story.lab.ssh(host, 'cat >/etc/keepalived/keepalived.conf', { input: conf(host) })
      await story.lab.ssh(host, 'systemctl enable -q keepalived; systemctl start keepalived')
    }
    await untilHeldBy('lvs1')
    await untilServed('by keepalived')
    before = await story.state()

    const { draft, from } = await adopted('keepalived', 'keepalived', ['convert-near-failback', 'convert-near-timing'])
    expect(from).toBe('keepalived')
    expect(draft).toMatchObject({
      forwarding: 'direct',
      virtualIp: { address: story.vip, prefix: '24' },
      services: [{ port: '80', scheduler: 'wrr', check: { kind: 'connect' } }],
      realServers: reals.map((host, at) => ({ address: story.lab.address(host), weight: String(at + 1) })),
    })
    expect(draft.virtualIp.device).toMatch(/^eth0(:\d+)?$/)
  })

  test('it goes on serving by Shoal, and runs as before when Shoal is removed', async () => {
    await takeOver('keepalived', before)
  })
})
