// The lab proves itself before anything is proven with it: hosts that answer, real IPVS under a hand-made DR service, cables that
// are cut and healed, a host that loses its power and keeps its disk, accounts that do what they are said to do.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attach, find, prepare, up } from './lab.ts'
import type { Lab } from './lab.ts'
import type { CutWay } from './namespace.ts'

/** A name of its own, so that a lab somebody is working in stays as it is. */
const NAME = 'self-test'
const UP_LIMIT_MS = 40_000

let lab: Lab
let vip: string

beforeAll(async () => {
  await prepare('plain', (line) => console.log(line))
})

afterAll(() => lab?.down())

test('comes up from a cached image within 40 s', async () => {
  const began = performance.now()
  lab = await up('dr', { name: NAME, replace: true })
  const tookMs = performance.now() - began
  vip = lab.layout.vip
  console.log(`up after ${(tookMs / 1_000).toFixed(1)} s`)
  expect(tookMs).toBeLessThan(UP_LIMIT_MS)
  const { hosts } = await lab.status()
  expect(hosts.map(({ name, on, answers }) => [name, on, answers])).toEqual(
    ['lvs1', 'lvs2', 'rs1', 'rs2'].map((name) => [name, true, true]),
  )
})

test('a second lab of the name is refused, and another process can use the first', async () => {
  await expect(up('nat', { name: NAME })).rejects.toThrow(/up already: dr/)
  expect((await attach(NAME)?.ssh('rs1', 'hostname'))?.stdout).toBe('rs1')
})

test('nothing gets out of the namespace', async () => {
  const route = await lab.run(['ip', 'route', 'get', '203.0.113.1'])
  expect(route.exitCode).not.toBe(0)
  expect(route.stderr).toContain('unreachable')
})

test('hosts hold nothing of Shoal and have no IPVS loaded', async () => {
  const { stdout } = await lab.ssh('lvs1', 'ls -d /opt/shoal /etc/sysconfig/ha /run/shoal 2>/dev/null; lsmod', {
    allowFailure: true,
  })
  expect(stdout).not.toMatch(/shoal|sysconfig|^ip_vs/m)
})

test('the accounts log in as promised: admin has sudo with a password, guest has none', async () => {
  const script = fileURLToPath(new URL('login.ts', import.meta.url))
  const login = async (user: string, password: string, command: string) => {
    const args = [lab.address('lvs1'), user, password, command]
    const said = await lab.run([process.execPath, '--import', 'tsx', script, ...args])
    return said.stdout + said.stderr
  }
  const { admin, guest } = lab.credentials
  const withSudo = (password: string) => `echo ${password} | sudo -S -k -p '' id -un`
  const said = await Promise.all([
    login(admin.user, admin.password, withSudo(admin.password)),
    login(admin.user, admin.password, 'sudo -n true'),
    login(guest.user, guest.password, withSudo(guest.password)),
    login('root', guest.password, 'true'),
  ])
  expect(said[0]).toBe('root')
  expect(said[1]).toMatch(/password is required/)
  expect(said[2]).toMatch(/not in the sudoers/)
  expect(said[3]).toMatch(/authentication methods failed/)
})

test('a hand-made DR service is served by both real servers in turn', async () => {
  for (const host of ['rs1', 'rs2'])
    await lab.ssh(
      host,
      `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add ${vip}/32 dev lo`,
    )
  const servers = ['rs1', 'rs2'].map((host) => `ipvsadm -a -t ${vip}:80 -r ${lab.address(host)} -g`)
  for (const director of ['lvs1', 'lvs2'])
    await lab.ssh(director, [`ipvsadm -A -t ${vip}:80 -s rr`, ...servers].join(' && '))
  await lab.ssh('lvs1', `ip addr add ${vip}/32 dev eth0`)

  const probe = await lab.startProbe(vip)
  expect(await probe.served(50, 5_000)).toBe(true)
  const { failed, servedBy } = await probe.stop()
  expect(failed).toBe(0)
  expect(Object.keys(servedBy).sort()).toEqual(['rs1', 'rs2'])
  expect(Math.abs((servedBy['rs1'] ?? 0) - (servedBy['rs2'] ?? 0))).toBeLessThanOrEqual(2)
})

test('a cut is an outage for as long as it lasts, and the probe sees both of its ends', async () => {
  const probe = await lab.startProbe(vip)
  expect(await probe.served(10, 5_000)).toBe(true)
  probe.markFault()
  await lab.cut('lvs1')
  expect((await lab.status()).hosts[0]).toMatchObject({ name: 'lvs1', on: true, answers: false })
  expect(await probe.served(1, 500)).toBe(false)
  await lab.heal('lvs1')
  expect(await probe.served(10, 5_000)).toBe(true)
  const report = await probe.stop()
  expect(report.fault?.servedBefore).toBe(true)
  expect(report.fault?.outage?.durationMs).toBeGreaterThan(500)
  expect(report.servedAtEnd).toBe(true)
})

test('a deaf host is still heard, a mute one still hears', async () => {
  const address = lab.address('lvs2')
  const mac = lab.layout.hosts.find((host) => host.name === 'lvs2')?.nics[0].mac ?? ''
  // While it is cut nobody can ask the host anything: it and a neighbour count by themselves.
  const count = (filter: string) => `timeout 5 tcpdump -nli eth0 ${filter} >/tmp/counted 2>/dev/null`
  const detached = (script: string) => `nohup sh -c '${script}' >/dev/null 2>&1 </dev/null & true`
  const counted = async (host: string, word: string) =>
    Number((await lab.ssh(host, `grep -c ${word} /tmp/counted`, { allowFailure: true })).stdout)

  const during = async (way: CutWay) => {
    await lab.ssh('rs1', detached(count(`arp and ether src ${mac}`)))
    await lab.ssh('lvs2', detached(`${count('udp dst port 9')} & sleep 2; arping -U -c 3 -I eth0 ${address}`))
    await lab.cut('lvs2', { way })
    // The client knows the MAC by heart, so that it sends without asking first.
    await lab.run(['ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'br-lan'])
    await lab.run([
      'bash',
      '-c',
      `sleep 1; for i in 1 2 3 4; do echo x >/dev/udp/${address}/9; sleep 0.1; done; sleep 4`,
    ])
    await lab.heal('lvs2')
    await lab.run(['ip', 'neigh', 'del', address, 'dev', 'br-lan'])
    return { hears: await counted('lvs2', 'UDP'), isHeard: await counted('rs1', 'Request') }
  }
  expect(await during('deaf')).toEqual({ hears: 0, isHeard: 3 })
  expect(await during('mute')).toEqual({ hears: 4, isHeard: 0 })
  expect(await during('both')).toEqual({ hears: 0, isHeard: 0 })
})

test('a crashed host is gone at once, and boots with what it had written and the key it had', async () => {
  const hostKey = () => lab.run(['ssh-keyscan', '-t', 'ed25519', lab.address('lvs1')]).then((said) => said.stdout)
  const before = await hostKey()
  expect(before).toContain('ssh-ed25519')
  await lab.ssh(
    'lvs1',
    'echo kept >/root/kept && echo net.ipv4.conf.eth0.arp_announce=2 >/etc/sysctl.d/90-kept.conf && sync',
  )

  const probe = await lab.startProbe(vip)
  expect(await probe.served(10, 5_000)).toBe(true)
  probe.markFault()
  await lab.crash('lvs1')
  // By hand what the product is for: table is there already, then address, then announcement.
  await lab.ssh('lvs2', `ip addr add ${vip}/32 dev eth0 && arping -q -U -c 2 -I eth0 ${vip}`)
  expect(await probe.served(10, 5_000)).toBe(true)
  const report = await probe.stop()
  expect(report.fault).toMatchObject({ servedBefore: true })
  console.log(`outage of a takeover by hand: ${report.fault?.outage?.durationMs?.toFixed(0)} ms`)
  expect(report.fault?.outage?.durationMs).toBeGreaterThan(0)

  const began = performance.now()
  await lab.boot('lvs1')
  console.log(`booted again after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  expect(
    (await lab.ssh('lvs1', 'cat /root/kept; sysctl -n net.ipv4.conf.eth0.arp_announce; ip -br addr')).stdout,
  ).toMatch(/^kept\n2\n(?![\s\S]*192\.168\.2\.27)/)
  expect(await hostKey()).toBe(before)
})

test('a host that is told to reboot comes back with its disk', async () => {
  await lab.ssh('rs2', 'touch /root/before /run/before')
  await lab.reboot('rs2')
  const { stdout } = await lab.ssh('rs2', 'ls /root/before; ls /run/before; curl -s localhost/health', {
    allowFailure: true,
  })
  expect(stdout).toBe('/root/before\nok rs2')
})

test('down leaves nothing behind, not even what was started on its network', async () => {
  const [program, ...args] = lab.inside(['sh', '-c', 'echo started; exec sleep 300'])
  const stray = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => stray.once('exit', (_, signal) => resolve(signal)))
  await new Promise((resolve) => stray.stdout.once('data', resolve))
  await lab.down()
  expect(await ended).toBe('SIGTERM')
  expect(find(NAME).kind).toBe('none')
})
