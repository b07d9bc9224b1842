// The packet-path tracer on a cluster that translates addresses: what is broken on purpose is named as the first wrong hop, on the host
// it was broken on, also where every health check still passes.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { speak } from '../../domain/speech/speech.ts'
import { sayHop } from '../../domain/speech/trace.ts'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_TRACE_NAT_LAB

let story: Story
/** The director that serves, as host of the lab. */
let active = ''

beforeAll(async () => {
  story = await beginStory(name ?? 'trace-nat', name !== undefined, 'nat')
  await story.logIn()
})
afterAll(async () => {
  await story?.end()
})

test('a cluster that translates is built', async () => {
  await story.keepDraft()
  const run = await story.build()
  expect(run.problems.map((problem) => speak(problem, 'en').says)).toEqual([])
  const held = await story.lab.ssh('lvs1', `ip -br -4 addr show to ${story.vip}`)
  active = held.stdout.trim() === '' ? 'lvs2' : 'lvs1'
})

async function firstWrong(server: string): Promise<string> {
  const trace = await story.core.must('clusters.trace', { id: story.draft.id })
  const path = trace.paths.find((each) => each.server === server)
  const hop = path?.firstWrong === undefined ? undefined : path.hops[path.firstWrong]
  console.log(`${server}: ${hop ? sayHop(hop, 'en').says : 'nothing wrong'}`)
  return hop ? `${hop.kind} ${hop.hostId}` : 'nothing'
}
const idOf = (host: string): string => (host === 'lvs1' ? 'director-1' : host === 'lvs2' ? 'director-2' : 'real-1')

test('a cluster that serves has nothing wrong on any way', async () => {
  expect(await firstWrong('rs1')).toBe('nothing')
  expect(await firstWrong('rs2')).toBe('nothing')
})

test.each([
  {
    what: 'a real server answers by another gateway',
    host: () => 'rs1',
    fault: 'ip route show default >/root/route; ip route replace default via 10.8.8.1',
    repair: 'ip route del default; ip route add $(cat /root/route); rm /root/route',
    hop: 'way-back',
    others: 'nothing',
  },
  {
    what: 'a real server has no gateway at all',
    host: () => 'rs1',
    fault: 'ip route show default >/root/route; ip route del default',
    repair: 'ip route add $(cat /root/route); rm /root/route',
    hop: 'way-back',
    others: 'nothing',
  },
  {
    what: 'the director does not forward',
    host: () => active,
    fault: 'sysctl -qw net.ipv4.ip_forward=0',
    repair: 'sysctl -qw net.ipv4.ip_forward=1',
    hop: 'director-forwards',
    others: 'director-forwards',
  },
  {
    what: 'the reverse path filter of the director drops clients from afar',
    host: () => active,
    fault:
      'ip route show default >/root/route; sysctl -n net.ipv4.conf.all.rp_filter >/root/filter; sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route replace default via 10.8.8.1',
    repair:
      'ip route del default; ip route add $(cat /root/route); sysctl -qw net.ipv4.conf.all.rp_filter=$(cat /root/filter); rm /root/route /root/filter',
    hop: 'path-filter',
    others: 'path-filter',
  },
])('$what', async ({ host, fault, repair, hop, others }) => {
  await story.lab.ssh(host(), fault)
  try {
    expect(await firstWrong('rs1')).toBe(`${hop} ${idOf(host())}`)
    expect(await firstWrong('rs2')).toBe(others === 'nothing' ? 'nothing' : `${others} ${idOf(host())}`)
  } finally {
    await story.lab.ssh(host(), repair)
  }
  expect(await firstWrong('rs1')).toBe('nothing')
})
