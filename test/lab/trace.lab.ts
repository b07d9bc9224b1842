// The packet-path tracer on real hosts: what is broken on purpose is named as the first wrong hop, on the host it was broken on.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { speak } from '../../domain/speech/speech.ts'
import { sayHop } from '../../domain/speech/trace.ts'
import { beginStory } from './story.ts'
import type { Story } from './story.ts'

const name = process.env.SHOAL_TRACE_LAB

let story: Story

beforeAll(async () => {
  story = await beginStory(name ?? 'trace', name !== undefined)
  await story.logIn()
  await story.keepDraft()
  const run = await story.build()
  expect(run.problems.map((problem) => speak(problem, 'en').says)).toEqual([])
})
afterAll(async () => {
  await story?.end()
})

async function firstWrong(server: string): Promise<string> {
  const startedAt = performance.now()
  const trace = await story.core.must('clusters.trace', { id: story.draft.id })
  const path = trace.paths.find((each) => each.server === server)
  const hop = path?.firstWrong === undefined ? undefined : path.hops[path.firstWrong]
  const said = hop ? sayHop(hop, 'en').says : 'nothing wrong'
  console.log(`${server} after ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${said}`)
  return hop ? `${hop.kind} ${hop.hostId}` : 'nothing'
}

test('a cluster that serves has nothing wrong on any way', async () => {
  expect(await firstWrong('rs1')).toBe('nothing')
  expect(await firstWrong('rs2')).toBe('nothing')
})

test.each([
  ['the virtual IP is gone from lo', 'ip addr del VIP/32 dev lo', 'ip addr add VIP/32 dev lo', 'server-takes real-1'],
  [
    'it answers ARP for it',
    'sysctl -w net.ipv4.conf.all.arp_ignore=0',
    'sysctl -w net.ipv4.conf.all.arp_ignore=1',
    'vip-mac real-1',
  ],
  ['the service is stopped', 'systemctl stop nginx', 'systemctl start nginx', 'listening real-1'],
  [
    'it has no way back',
    'ip route show default >/root/route; ip route del default',
    'ip route add $(cat /root/route); rm /root/route',
    'way-back real-1',
  ],
])('on rs1 %s', async (_what, fault, repair, expected) => {
  await story.lab.ssh('rs1', fault.replaceAll('VIP', story.vip))
  try {
    expect(await firstWrong('rs1')).toBe(expected)
  } finally {
    await story.lab.ssh('rs1', repair.replaceAll('VIP', story.vip))
  }
})

test('a real server nobody logs in to is judged from the standby', async () => {
  // As if it had been set up by hand: the cluster as built, with a login that is refused.
  await story.core.must('secrets.keep', {
    address: story.lab.address('rs1'),
    port: 22,
    user: 'admin',
    kind: 'password',
    secret: 'no longer',
  })
  await story.lab.ssh('rs1', 'pkill -u admin sshd || true')
  expect(await firstWrong('rs1')).toBe('nothing')
  await story.lab.ssh('rs1', `ip addr del ${story.vip}/32 dev lo`)
  expect(await firstWrong('rs1')).toBe('server-takes real-1')
  await story.lab.ssh('rs1', `ip addr add ${story.vip}/32 dev lo`)
  const { stdout } = await story.lab.ssh('lvs2', `ip route show ${story.vip}`)
  expect(stdout).toBe('')
})
