/**
 * What goes wrong on real hosts, each ending in a clear message with its remedy and in hosts that stay as they were or go on when it
 * is run again: wrong password, an account without sudo, a changed host key, a virtual IP somebody has, a cable cut in the middle.
 */
import { expect, test } from '@playwright/test'
import { picture } from './fixtures.ts'
import { answersOf, byKey, byPassword, expectOneHolder, holders, openBench } from './lab.ts'
import type { LabBench } from './lab.ts'
import {
  acceptKey,
  firstDirector,
  giveHost,
  giveRealServer,
  giveVirtualIp,
  giveWebService,
  goOn,
  openWizard,
  secondDirector,
  testConnection,
} from './wizard.ts'

const hosts = ['lvs1', 'lvs2', 'rs1', 'rs2'] as const
const runMostMs = 240_000

test.describe.configure({ mode: 'serial' })

let bench: LabBench
/** What Shoal could leave on a host, as found before anything was done. */
let untouched: Readonly<Record<string, string>>

const traces = [
  'ls -d /opt/shoal /etc/shoal /etc/sysconfig/ha/lvs.cf /etc/systemd/system/shoal* /etc/sysctl.d/*shoal* /etc/modules-load.d/*shoal* /usr/local/sbin/shoal* 2>/dev/null',
  'ip -4 -o addr show | grep -v "scope link" | awk \'{print $2, $4}\'',
  'sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce net.ipv4.ip_forward',
  'systemctl is-enabled shoal-agent 2>/dev/null',
].join('; ')

async function tracesOf(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const host of hosts) found[host] = (await bench.lab.ssh(host, traces, { allowFailure: true })).stdout
  return found
}

test.beforeAll(async () => {
  test.setTimeout(300_000)
  bench = await openBench()
  untouched = await tracesOf()
})
test.afterAll(() => bench?.close())

test('an account without sudo and a wrong password are told apart, and neither changes a host', async () => {
  const { page, lab } = bench
  await openWizard(page)
  await goOn(page, 'Directors')
  const [first, second] = [firstDirector(page), secondDirector(page)]
  await giveHost(second, { ...byPassword(lab, 'lvs2'), login: { kind: 'password', password: 'not the password' } })
  await testConnection(second)
  await acceptKey(page, lab.address('lvs2'))
  await expect(second.getByRole('alert')).toContainText('admin', { timeout: 30_000 })
  await picture(page, 'lab-wrong-password')
  await giveHost(second, byKey(lab, 'lvs2'))
  await testConnection(second)
  await expect(second.getByText('Logged in to lvs2')).toBeVisible({ timeout: 30_000 })

  await giveHost(first, byPassword(lab, 'lvs1', 'guest'))
  await testConnection(first)
  await acceptKey(page, lab.address('lvs1'))
  await expect(first).toContainText(/guest cannot become root on 192.168.2.117/, { timeout: 30_000 })
  await picture(page, 'lab-no-sudo')
  expect(await tracesOf()).toEqual(untouched)
})

test('a host key that changed is refused with both fingerprints, until it is put back', async () => {
  const { page, lab } = bench
  const first = firstDirector(page)
  await giveHost(first, byKey(lab, 'lvs1'))
  await testConnection(first)
  await expect(first.getByText('Logged in to lvs1')).toBeVisible({ timeout: 30_000 })
  const key = '/etc/ssh/ssh_host_ed25519_key'
  // Open sessions are ended too, as a host that was replaced by another would have ended them; a marker says that all of it is over.
  const change = async (script: string, marker: string) => {
    const whole = `${script}; systemctl stop ssh; pkill -KILL sshd; systemctl start ssh; touch ${marker}`
    await lab.ssh('lvs1', `systemd-run --quiet sh -c ${JSON.stringify(whole)}`)
    const over = async () => (await lab.ssh('lvs1', `test -e ${marker}`, { allowFailure: true })).exitCode
    await expect.poll(over, { timeout: 30_000 }).toBe(0)
  }
  await change(
    `mkdir /root/keys && mv /etc/ssh/ssh_host_* /root/keys/ && ssh-keygen -q -t ed25519 -N '' -f ${key}`,
    '/root/changed',
  )
  const shown = /SHA256:\S+/.exec((await lab.ssh('lvs1', `ssh-keygen -lf ${key}.pub`)).stdout)?.[0] ?? 'none'
  await testConnection(first)
  await expect(first.getByRole('alert')).toContainText(shown, { timeout: 30_000 })
  await picture(page, 'lab-changed-key')
  await expect(page.getByRole('dialog')).toBeHidden()

  await change('mv -f /root/keys/* /etc/ssh/', '/root/restored')
  await testConnection(first)
  await expect(first.getByText('Logged in to lvs1')).toBeVisible({ timeout: 30_000 })
})

test('a virtual IP that somebody has is said with who has it, and blocks the plan', async () => {
  const { page, lab } = bench
  const { vip } = lab.layout
  await lab.ssh('rs2', `ip addr add ${vip}/32 dev eth0`)
  await goOn(page, 'Virtual IP')
  await giveVirtualIp(page, vip, 'eth0')
  await page.getByRole('button', { name: 'Check that it is free' }).click()
  const mac = lab.layout.hosts.find((host) => host.name === 'rs2')?.nics[0].mac ?? ''
  await expect(page.getByText(`${vip} is in use`)).toContainText(mac, { timeout: 20_000, ignoreCase: true })
  await picture(page, 'lab-vip-taken')
  await goOn(page, 'Services')
  await giveWebService(page, { intervalS: 2, reentryS: 6 })
  await goOn(page, 'Real servers')
  for (const [at, name] of (['rs1', 'rs2'] as const).entries()) {
    const section = await giveRealServer(page, byPassword(lab, name), at)
    await testConnection(section)
    await acceptKey(page, lab.address(name))
    await expect(section.getByText(`Logged in to ${name}`)).toBeVisible({ timeout: 30_000 })
  }
  await goOn(page, 'Failure')
  await goOn(page, 'Review')
  await expect(page.getByText(/finding(s)? ha(s|ve) to be put right first/)).toBeVisible({ timeout: 60_000 })
  await expect(page.getByRole('main')).toContainText(vip)
  await picture(page, 'lab-plan-blocked')
  expect(await holders(lab)).toEqual([])
  await lab.ssh('rs2', `ip addr del ${vip}/32 dev eth0`)
  await page.getByRole('button', { name: 'Look again' }).click()
  await expect(page.getByText(/^\s*Ready: \d+ steps on 4 hosts/)).toBeVisible({ timeout: 60_000 })
  expect(await tracesOf()).toEqual(untouched)
})

test('a cable cut in the middle stops the run with a message; run again it goes on to the end', async () => {
  const { page, lab } = bench
  await goOn(page, 'Build')
  await page.getByRole('button', { name: 'Start' }).click()
  const lane = page.getByRole('region', { name: 'Host lvs2' })
  await expect(lane).toContainText('running', { timeout: 30_000 })
  await lab.cut('lvs2')
  await expect(page.getByText(/Stopped at a problem/)).toBeVisible({ timeout: runMostMs })
  await expect(page.getByRole('main').getByRole('alert').first()).toContainText(/lvs2|192\.168\.2\.15/)
  await picture(page, 'lab-cut-mid-run')
  await lab.heal('lvs2')
  await page.getByRole('button', { name: 'Run again' }).click()
  await expect(page.getByText('Done and proven')).toBeVisible({ timeout: runMostMs })
  await expectOneHolder(lab)
  expect(new Set(await answersOf(lab, 6))).toEqual(new Set(['rs1', 'rs2']))
})

test('taken back, the hosts are as before', async () => {
  const { page, lab } = bench
  await page.getByRole('button', { name: 'Take everything back' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
  await expect(page.getByText('Taken back: the hosts are as before')).toBeVisible({ timeout: runMostMs })
  await picture(page, 'lab-taken-back')
  expect(await holders(lab)).toEqual([])
  expect(await tracesOf()).toEqual(untouched)
  expect(bench.wrong).toEqual([])
})
