import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeBase64, factsScript, readFacts } from '../../core/provision/facts.ts'
import type { Asked } from '../../core/provision/facts.ts'

const asked: Asked = {
  atMs: 1_795_218_811_900,
  roundTripMs: 100,
  rootBy: 'root',
  hostId: 'director-1',
  address: '192.168.2.117',
  user: 'root',
}

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/facts-${name}.txt`, import.meta.url), 'utf8')
}

function read(answer: string) {
  const facts = readFacts(answer, 'MARK', asked)
  if (!facts.ok) throw new Error(JSON.stringify(facts.problems))
  return facts.value
}

/** A host that prints what is given, section by section, and nothing else. */
function answer(sections: Readonly<Record<string, string>>): string {
  const whole: Record<string, string> = {
    time: '1795218811850000000',
    uid: '0',
    host: 'h',
    kernel: '5.14.0\nx86_64',
    os: 'ID=debian',
    init: 'systemd',
    addr: '[{"ifname":"eth0","address":"02:00:00:00:00:01","link_type":"ether","addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24}]}]',
    ...sections,
    end: '',
  }
  return Object.entries(whole)
    .map(([name, text]) => `\n@MARK ${name}\n${text}\n`)
    .join('')
}

describe('facts of a director in service', () => {
  const facts = read(fixture('director'))

  it('say what system it is', () => {
    expect(facts.os.family).toBe('debian')
    expect(facts.init).toBe('systemd')
    expect(facts.machine).toBe('x86_64')
    expect(facts.freeMb.root).toBeGreaterThan(1_000)
  })
  it('say its cards and addresses with the subnet, without IPv6', () => {
    const eth0 = facts.nics.find(({ name }) => name === 'eth0')
    expect(eth0?.addresses.map(({ address, prefix }) => `${address}/${prefix}`)).toContain('192.168.2.117/24')
    expect(eth0?.mac).toMatch(/^02:/)
  })
  it('say the schedulers of the kernel and the table', () => {
    expect(facts.ipvs.schedulers).toContain('wlc')
    expect(facts.ipvs.schedulers).not.toContain('ftp')
    expect(facts.ipvs.table).toContain('-A -t 192.168.2.27:80 -s wlc')
  })
  it('say the kernel values by the names sysctl(8) uses', () => {
    expect(facts.sysctls['net.ipv4.conf.all.arp_ignore']).toBe('0')
    expect(facts.sysctls['net.ipv4.vs.expire_nodest_conn']).toBe('1')
  })
  it('say what Shoal left there, without the key itself', () => {
    expect(facts.shoal?.agentVersion).toMatch(/^0\.1\.0-/)
    expect(facts.shoal?.clusterKeyDigest).toMatch(/^[0-9a-f]{64}$/)
    expect(facts.lvscf).toContain('address = 192.168.2.27 eth0:1')
  })
})

describe('facts of a real server in service', () => {
  const facts = read(fixture('real-server'))

  it('show the virtual IP on lo and the silence', () => {
    const lo = facts.nics.find(({ name }) => name === 'lo')
    expect(lo?.mac).toBe('')
    expect(lo?.addresses).toContainEqual({ address: '192.168.2.27', prefix: 32, dynamic: false })
    expect(facts.sysctls['net.ipv4.conf.all.arp_ignore']).toBe('1')
  })
  it('show who listens', () => {
    expect(facts.listening).toContainEqual(expect.objectContaining({ protocol: 'tcp', address: '0.0.0.0', port: 80 }))
  })
})

describe('reading is tolerant of what a host lacks and strict about what it says', () => {
  it.each([
    ['ID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', 'rhel'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'suse'],
    ['ID=ubuntu\nID_LIKE=debian', 'debian'],
    ['ID=arch', 'other'],
  ] as const)('takes %j for %s', (os, family) => {
    expect(read(answer({ os })).os.family).toBe(family)
  })
  it('a missing tool leaves its part empty', () => {
    const facts = read(answer({}))
    expect(facts.commands).toEqual({})
    expect(facts.listening).toEqual([])
    expect(facts.shoal).toBeUndefined()
    expect(facts.ipvs).toEqual({ available: false, loaded: false, schedulers: [], table: '' })
  })
  it('counts only the arping of iputils', () => {
    expect(
      read(answer({ arping: '/usr/sbin/arping\nARPing 2.23, by Thomas Habets' })).commands['arping'],
    ).toBeUndefined()
    expect(read(answer({ arping: '/usr/bin/arping\narping from iputils 20221126' })).commands['arping']).toBe(
      '/usr/bin/arping',
    )
  })
  it('a unit of another owner is seen enabled or running, and a process without a unit too', () => {
    const units =
      'Id=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=pulse.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState='
    expect(read(answer({ units, running: '812 ldirectord' })).rivals).toEqual([
      { name: 'keepalived', enabled: true, running: true, unit: true },
      { name: 'ldirectord', enabled: false, running: true, unit: false },
    ])
  })
  it.each([
    ['table inet f {\n\tchain in {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}', true],
    ['table inet f {\n\tchain in {\n\t\ttype filter hook input priority 0; policy accept;\n\t}\n}', false],
    ['table inet f {\n\tchain fw {\n\t\ttype filter hook forward priority 0; policy drop;\n\t}\n}', false],
  ])('a firewall that refuses input is told from one that does not', (nft, refuses) => {
    expect(read(answer({ nft })).firewall.inputDrops).toBe(refuses)
  })
  it.each([
    ['-P INPUT DROP\n-P FORWARD ACCEPT', true, false],
    ['-P INPUT ACCEPT\n-P FORWARD DROP', false, true],
    ['-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited', true, false],
    ['-P INPUT ACCEPT\n-P FORWARD ACCEPT', false, false],
  ])('what the older iptables refuses is told from what it does not', (iptables, inputDrops, forwardDrops) => {
    expect(read(answer({ iptables })).firewall).toMatchObject({ inputDrops, forwardDrops })
  })
  it('programs that AppArmor confines are known by the profile name or the last part of its path', () => {
    const apparmor = 'tcpdump\n/{,usr/}bin/ping\n/usr/sbin/ipvsadm\nnvidia_modprobe//kmod\n'
    expect(read(answer({ apparmor })).apparmor).toEqual(['tcpdump', 'ping', 'ipvsadm'])
    expect(read(answer({})).apparmor).toEqual([])
  })
  it('listening sockets are read for both families', () => {
    const tcp =
      'LISTEN 0 511 *:80 *:* users:(("nginx",pid=1,fd=6))\nLISTEN 0 5 [::1]:631 [::]:*\nLISTEN 0 5 127.0.0.53%lo:53 0.0.0.0:*'
    expect(read(answer({ tcp })).listening).toEqual([
      { protocol: 'tcp', address: '*', port: 80, process: 'nginx' },
      { protocol: 'tcp', address: '::1', port: 631 },
      { protocol: 'tcp', address: '127.0.0.53', port: 53 },
    ])
  })
  it('the clock is compared with the middle of question and answer', () => {
    // Asked at …850 by our clock when half of the round trip is taken off; the host said …850 and then …900.
    expect(read(answer({})).clockOffsetMs).toBe(0)
    expect(read(answer({ time: '1795218811900000000' })).clockOffsetMs).toBe(50)
  })
  it('an answer cut in the middle is refused', () => {
    expect(readFacts(answer({}).replace('@MARK end', ''), 'MARK', asked)).toMatchObject({
      ok: false,
      problems: [{ code: 'answer-unreadable' }],
    })
  })
  it('a heading inside a file does not pass for a section, because the mark is not known to it', () => {
    expect(read(answer({ os: 'ID=debian\n@OTHER uid\n5' })).uid).toBe(0)
  })
  it('bytes that are no UTF-8 are kept one by one', () => {
    expect(decodeBase64(Buffer.from([0x61, 0xd6, 0x25, 0xb8]).toString('base64'))).toBe('a\u00d6%\u00b8')
    expect(decodeBase64(Buffer.from('集群 100%').toString('base64'))).toBe('集群 100%')
  })
})

describe('the script', () => {
  it('never asks a file of /proc for its size, which is 0 whatever it says', () => {
    expect(factsScript('M')).not.toMatch(/-s \/proc/)
  })
  it('never starts ipvsadm where the module is not loaded: that would load it', () => {
    const lines = factsScript('M').split('\n')
    for (const line of lines.filter((each) => each.includes('ipvsadm-save'))) {
      expect(line).toContain('[ -e /proc/net/ip_vs ] &&')
    }
  })
  it('does not read the cluster key itself', () => {
    expect(factsScript('M')).not.toMatch(/cat [^\n]*cluster\.key/)
  })
})
