/** `# shoal: address6`: a virtual server is served over IPv6, too. */
import { expect, it } from 'vitest'
import { tableOf } from '../ipvs/table.ts'
import { check } from './check.ts'

const head = 'primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\nnetwork = direct\n'

function server(name: string, lines: string): string {
  return `server ${name} {\nactive = 1\n${lines}\n}\n`
}

function virtual(lines: string, ...servers: string[]): string {
  return `virtual web {\nactive = 1\nport = 80\n${lines}\n${servers.join('')}}\n`
}

const four = 'address = 192.0.2.9 eth0:1\nvip_nmask = 255.255.255.0'
const six = '# shoal: address6 = 2001:DB8::9/64'
const one = server('one', 'address = 10.0.0.1\nweight = 3\n# shoal: address6 = 2001:db8::a1')
const other = server('other', 'address = 10.0.0.2')

function told(text: string): string[] {
  return check(text).problems.map(({ where, severity, code }) => {
    return `${where?.kind === 'text' ? where.line : 0} ${severity} ${code.replace('lvscf-', '')}`
  })
}

const served = (text: string): readonly string[] => {
  const { config } = check(text)
  if (!config) throw new Error(told(text).join('\n'))
  return tableOf(config).map(({ key, destinations }) => `${key} → ${destinations.map((d) => d.key).join(' ')}`)
}

it('it is a virtual server of its own, by the real servers that have an IPv6 address', () => {
  const text = head + virtual(`${four}\n${six}\n# shoal: sorry_server6 = 2001:db8::99\nscheduler = rr`, one, other)
  expect(served(text)).toEqual([
    'tcp 192.0.2.9:80 → 10.0.0.1:80 10.0.0.2:80',
    'tcp [2001:db8::9]:80 → [2001:db8::a1]:80',
  ])
  expect(check(text).config?.virtualServers[1]).toMatchObject({
    name: 'web (IPv6)',
    vip: { address: '2001:db8::9', device: 'eth0', prefix: 64 },
    scheduler: 'rr',
    sorryServer: '2001:db8::99',
    realServers: [{ name: 'one', address: '2001:db8::a1', port: 80, weight: 3 }],
  })
  expect(told(text)).toEqual(['19 note address6-missing'])
})

it('a virtual server may have an IPv6 address only; then it says on which interface', () => {
  const alone = server('one', '# shoal: address6 = 2001:db8::a1')
  const text = head + virtual(`${six} eth1`, alone)
  expect(served(text)).toEqual(['tcp [2001:db8::9]:80 → [2001:db8::a1]:80'])
  expect(check(text).config?.virtualServers[0]?.vip).toEqual({ address: '2001:db8::9', device: 'eth1', prefix: 64 })
  expect(told(text)).toEqual([])
  expect(told(head + virtual(six, alone))).toContain('8 block device-missing')
})

it('a mark is one of IPv6, and a mask of IPv4 clients is none of its business', () => {
  const text = head + virtual(`${four}\n${six}\nfwmark = 7\npersistent = 60\npmask = 255.255.255.0`, one)
  expect(served(text)).toEqual(['fwmark 7 → 10.0.0.1:80', 'fwmark6 7 → [2001:db8::a1]:80'])
  expect(check(text).config?.virtualServers.map((v) => v.persistentPrefix)).toEqual([24, undefined])
})

it('with NAT the directors share an IPv6 address on the inside, too', () => {
  const nat = `${head.replace('direct', 'nat')}nat_router = 10.0.0.254 eth1:1\n`
  const web = virtual(`${four}\n${six}`, one)
  expect(told(nat + web)).toEqual(['4 warning nat-router6-missing'])
  const whole = `${nat}# shoal: nat_router6 = fd00::fe/64\n${web}`
  expect(check(whole).config?.natRouter6).toEqual({ address: 'fd00::fe', device: 'eth1', prefix: 64 })
  expect(told(whole)).toEqual([])
})

it.each([
  ['IPv4', virtual(`${four}\n# shoal: address6 = 192.0.2.9`, one), '10 block not-ipv6'],
  ['link-local', virtual(`${four}\n# shoal: address6 = fe80::9/64`, one), '10 block not-ipv6'],
  ['prefix', virtual(`${four}\n# shoal: address6 = 2001:db8::9/129`, one), '10 block not-ipv6'],
  ['a third word', virtual(`${four}\n# shoal: address6 = 2001:db8::9/64 eth0 eth1`, one), '10 block not-ipv6'],
  ['a label', virtual(`${four}\n# shoal: address6 = 2001:db8::9/64 eth0:1`, one), '10 block device-name'],
  ['nobody', virtual(`${four}\n${six}`, other), '10 warning address6-no-servers'],
  ['unused', virtual(four, one), '14 note address6-unused'],
  ['unused sorry server', virtual(`${four}\n# shoal: sorry_server6 = 2001:db8::9`, other), '10 note address6-unused'],
  [
    'twice',
    virtual(`${four}\n${six}`, one, one.replace('10.0.0.1', '10.0.0.3').replace('one', 'two')),
    '21 block server-twice',
  ],
  ['a server at the virtual IP', virtual(`${four}\n${six}`, one.replace('::a1', '::9')), '10 block vip-is-server'],
  [
    'the same service',
    virtual(`${four}\n${six}`, one) + virtual(`${four.replace('0.2.9', '0.2.8')}\n${six}`, one).replace('web', 'x'),
    '23 block service-twice',
  ],
])('%s is said at its place', (_, text, expected) => expect(told(head + text)).toContain(expected))

it('what is not in service may be unfinished', () => {
  const idle = virtual(`${four}\n# shoal: address6 = later`, one).replace('active = 1', 'active = 0')
  expect(told(head + virtual(four, other) + idle.replace('web', 'x'))).toContain('20 warning not-ipv6')
})
