/** What the neighbours' files mean in lvs.cf, fact by fact, on files as people write them. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../domain/config.ts'
import { check } from '../../domain/lvscf/check.ts'
import { newDocument, valueIn, withValue } from '../../domain/lvscf/draft.ts'
import type { Format } from '../../domain/neighbours/convert.ts'
import { exporters, importers } from '../../domain/neighbours/convert.ts'
import { languages, speak } from '../../domain/speech/speech.ts'
import { expectNoLineVanishes, fixture } from './sources.ts'

function imported(format: Format, text: string) {
  const { draft, report } = importers[format](text)
  const settings = withValue(draft.settings, 'primary', valueIn(draft.settings, 'primary') ?? '127.0.0.1')
  const written = newDocument({ ...draft, settings })
  const said = report.entries.map(
    ({ problem: { code, where } }) => `${where?.kind === 'text' ? where.line : 0} ${code}`,
  )
  return { draft, report, said, written, config: check(written).config as Config, problems: check(written).problems }
}

describe('keepalived.conf', () => {
  const web = imported('keepalived', fixture('keepalived-web.conf'))

  test('two instances with peers are two directors with two paths', () => {
    expect(web.config.primary).toEqual({ public: '192.0.2.11', private: '10.20.0.2' })
    expect(web.config.backup).toEqual({ public: '192.0.2.12', private: '10.20.0.3' })
    expect(web.config.heartbeat).toMatchObject({ keepaliveMs: 1_000, deadtimeMs: 3_000 })
    expect(web.config.failback).toEqual({ auto: true, delayMs: 0 })
  })

  test('an address on the segment of the real servers that no service has is the NAT router', () => {
    expect(web.config.natRouter).toEqual({ address: '10.20.0.1', device: 'eth1:1', prefix: 24 })
    expect(web.config.virtualServers.map(({ vip }) => vip)).toEqual([
      { address: '192.0.2.80', device: 'eth0:1', prefix: 24 },
      { address: '192.0.2.81', device: 'eth0:2', prefix: 24 },
    ])
  })

  test('an HTTP check is a request and an expression for the status line', () => {
    expect(web.config.virtualServers[0]?.check).toEqual({
      kind: 'send-expect',
      send: 'GET /healthz?full=1 HTTP/1.0\r\nHost: www.harbour.example\r\n\r\n',
      expect: '^HTTP/1[.][01] (200|201|202|203|204|301)',
      regex: true,
      intervalMs: 6_000,
      timeoutMs: 3_000,
      rise: 1,
      fall: 3,
    })
  })

  test('a real server reached in another way is not served', () => {
    const servers = web.config.virtualServers[0]?.realServers ?? []
    expect(servers.map(({ address, active }) => [address, active])).toEqual([
      ['10.20.0.21', true],
      ['10.20.0.22', true],
      ['10.20.0.23', false],
    ])
    expect(web.said).toContain('115 convert-near-method')
  })

  test('what has no equal is named with its line', () => {
    expect(web.said).toEqual(
      expect.arrayContaining([
        '4 convert-lost-alert',
        '16 convert-lost-tracking',
        '36 convert-lost-secret',
        '54 convert-lost-ipv6',
        '81 convert-lost-quorum',
        '87 convert-lost-threshold',
        '92 convert-lost-check-option',
        '127 convert-lost-scheduling',
        '140 convert-lost-ipv6',
        '148 convert-lost-protocol',
        '155 convert-lost-include',
        '156 convert-lost-unknown',
      ]),
    )
  })

  test('a password stays out of the report and of the draft', () => {
    expect(JSON.stringify([web.report, web.draft])).not.toContain('s3cr3tpw')
  })

  test('definitions are worked out, groups and ranges spread, templates named', () => {
    const { config, said, report } = imported('keepalived', fixture('keepalived-templates.conf'))
    expect(config.virtualServers.map(({ vip, port, fwmark }) => fwmark ?? `${vip.address}:${port}`)).toEqual([
      '203.0.113.40:80',
      '203.0.113.40:8443',
      '203.0.113.48:8080',
      '203.0.113.49:8080',
      '203.0.113.50:8080',
      '203.0.113.51:8080',
      12,
    ])
    expect(config.forwarding).toBe('tunnel')
    expect(config.heartbeat).toMatchObject({ keepaliveMs: 250, deadtimeMs: 750 })
    expect(config.virtualServers[0]?.check).toMatchObject({
      kind: 'script',
      words: ['/usr/lib/checks/door', 'front gate'],
      intervalMs: 1_500,
    })
    expect(said).toEqual(
      expect.arrayContaining(['13 convert-lost-template', '46 convert-lost-template', '50 convert-lost-template']),
    )
    expectNoLineVanishes(fixture('keepalived-templates.conf'), report, /^[{}\s]+$/)
  })

  test.each([
    ['state MASTER', 'primary'],
    ['state BACKUP\n    priority 150', 'primary'],
    ['state BACKUP\n    priority 90', 'backup'],
  ])('%j makes this host the %s', (role, own) => {
    const text = `vrrp_instance V {\n    ${role}\n    interface eth0\n    unicast_src_ip 192.0.2.7\n    unicast_peer {\n 192.0.2.8\n }\n}\n`
    const { draft } = imported('keepalived', text)
    expect(valueIn(draft.settings, own)).toBe('192.0.2.7')
  })

  test('a block that is never closed ends at the next, and is said', () => {
    const { draft, said } = imported(
      'keepalived',
      'virtual_server 192.0.2.1 80 {\n  protocol TCP\n  real_server 10.0.0.1 80 {\n    weight 2\nvirtual_server 192.0.2.2 80 {\n  protocol TCP\n}\n',
    )
    expect(draft.blocks).toHaveLength(2)
    expect(said).toContain('1 convert-near-unclosed')
  })
})

describe('ldirectord.cf', () => {
  const shop = imported('ldirectord', fixture('ldirectord-shop.cf'))

  test('global values count where a section says none', () => {
    const [web, tls] = shop.draft.blocks
    expect(valueIn(web?.settings ?? [], 'quiesce_server')).toBe('1')
    expect(valueIn(tls?.settings ?? [], 'quiesce_server')).toBe('0')
    expect(valueIn(web?.settings ?? [], 'fall', true)).toBe('2')
    expect(valueIn(web?.settings ?? [], 'check_timeout_ms', true)).toBe('8000')
    expect(valueIn(tls?.settings ?? [], 'timeout')).toBe('5')
  })

  test('ranges are spread, names of services are ports, a mark keeps the port of its check', () => {
    expect(shop.draft.blocks.map(({ name, servers }) => [name, servers.length])).toEqual([
      ['198.51.100.10-80', 6],
      ['shop-tls', 2],
      ['198.51.100.11-53-udp', 2],
      ['fwmark-7', 1],
    ])
    expect(valueIn(shop.draft.blocks[1]?.settings ?? [], 'port')).toBe('443')
    expect(valueIn(shop.draft.blocks[3]?.settings ?? [], 'port')).toBe('6379')
  })

  test('a simple TCP check without special signs needs no expression', () => {
    const mark = shop.draft.blocks[3]?.settings ?? []
    expect([valueIn(mark, 'send'), valueIn(mark, 'expect'), valueIn(mark, 'use_regex')]).toEqual([
      'PING\\n',
      '+PONG',
      '0',
    ])
  })

  test('a password stays out of the report and of the draft', () => {
    expect(JSON.stringify([shop.report, shop.draft])).not.toContain('hunter2')
  })
})

describe('ipvsadm', () => {
  test('a saved table', () => {
    const { said, draft } = imported('ipvsadm', fixture('ipvsadm-save.rules'))
    expect(draft.blocks.map(({ name }) => name)).toEqual([
      '203.0.113.5-80',
      '203.0.113.5-443',
      '203.0.113.5-5060-udp',
      'fwmark-9',
      '203.0.113.6-0',
    ])
    expect(said).toEqual(
      expect.arrayContaining([
        '4 convert-lost-scheduling',
        '5 convert-lost-threshold',
        '6 convert-lost-tunnel',
        '11 convert-lost-ipv6',
        '13 convert-lost-protocol',
        '14 convert-near-any-port',
      ]),
    )
  })

  test('a mark printed as a negative number is what the kernel has', () => {
    const { draft } = imported('ipvsadm', '-A -f -1 -s rr\n-a -f -1 -r 10.0.0.1:0 -g -w 1\n')
    expect(valueIn(draft.blocks[0]?.settings ?? [], 'fwmark')).toBe('4294967295')
  })

  test('a script of commands, where the last word counts', () => {
    const { config, said } = imported('ipvsadm', fixture('ipvsadm.sh'))
    expect(config.timeouts).toEqual({ tcpS: 900, tcpFinS: 60, udpS: 120 })
    expect(config.syncDaemon).toEqual({ device: 'eth1', id: 5 })
    expect(config.virtualServers[0]?.realServers.map(({ port, weight }) => [port, weight])).toEqual([
      [3128, 2],
      [3128, 4],
    ])
    expect(said).toEqual(
      expect.arrayContaining(['7 convert-lost-overridden', '10 convert-lost-line', '11 convert-lost-word']),
    )
  })
})

describe('exports', () => {
  const site = `primary = 192.0.2.1
primary_private = 10.0.0.1
backup_active = 1
backup = 192.0.2.2
backup_private = 10.0.0.2
network = direct
virtual web {
     active = 1
     address = 192.0.2.80 eth0:1
     sorry_server = 192.0.2.99
     send = "GET /up HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     reentry = 10
     server a {
         address = 192.0.2.11
         active = 1
         weight = 3
     }
     server b {
         address = 192.0.2.12
         active = 0
     }
}
failover db {
     address = 192.0.2.90 eth0:9
     active = 1
     start_cmd = "/etc/init.d/db start"
}
`
  test('keepalived: a file for each director, peers exchanged', () => {
    const { files } = exporters.keepalived(site, { virtualRouterId: 77 })
    expect(files.map(({ director }) => director)).toEqual(['primary', 'backup'])
    const [primary = '', backup = ''] = files.map(({ text }) => text)
    expect(primary).toContain('priority 150')
    expect(primary).toMatch(/unicast_src_ip 192\.0\.2\.1\n\s+unicast_peer \{\n\s+192\.0\.2\.2\n/)
    expect(backup).toContain('priority 100')
    expect(backup).toMatch(/unicast_src_ip 192\.0\.2\.2\n\s+unicast_peer \{\n\s+192\.0\.2\.1\n/)
    expect(primary).toContain('virtual_router_id 77')
    expect(primary).toMatch(/# {5}real_server 192\.0\.2\.12 80 \{|# real_server 192\.0\.2\.12 80 \{/)
  })

  test.each([
    [
      'keepalived',
      ['2 convert-lost-path', '5 convert-lost-path', '21 convert-lost-inactive', '24 convert-lost-failover'],
    ],
    [
      'ldirectord',
      ['1 convert-lost-directors', '9 convert-lost-address', '12 convert-near-check', '24 convert-lost-failover'],
    ],
    ['ipvsadm', ['4 convert-lost-directors', '10 convert-lost-word', '11 convert-lost-check', '12 convert-lost-check']],
  ] as const)('%s: what is lost is named with its line', (format, wanted) => {
    const { report } = exporters[format](site)
    const said = report.entries.map(
      ({ problem: { code, where } }) => `${where?.kind === 'text' ? where.line : 0} ${code}`,
    )
    expect(said).toEqual(expect.arrayContaining([...wanted]))
    expectNoLineVanishes(site, report, /^}/)
  })

  test('ipvsadm: the lines the kernel tool prints', () => {
    expect(exporters.ipvsadm(site).files[0]?.text).toBe(
      '-A -t 192.0.2.80:80 -s wlc\n-a -t 192.0.2.80:80 -r 192.0.2.11:80 -g -w 3\n',
    )
  })

  test('an lvs.cf of uncertain meaning has no result, and its problems are the reasons', () => {
    const { files, report } = exporters.ldirectord(site.replace('weight = 3', 'weight = three'))
    expect(files).toEqual([])
    expect(report.verdict).toBe('none')
    expect(report.entries.map(({ problem }) => problem.code)).toContain('lvscf-not-a-number')
  })
})

test('every entry of every fixture is said in every language with its facts', () => {
  const fixtures = {
    keepalived: 'keepalived-web.conf',
    ldirectord: 'ldirectord-shop.cf',
    ipvsadm: 'ipvsadm-save.rules',
  }
  for (const [format, name] of Object.entries(fixtures)) {
    const { report } = importers[format as Format](fixture(name))
    const out = exporters[format as Format](newDocument(importers[format as Format](fixture(name)).draft)).report
    for (const { problem } of [...report.entries, ...out.entries]) {
      for (const language of languages) {
        const { says, remedy } = speak(problem, language)
        expect(`${says} ${remedy}`).not.toMatch(/\?(?!full)|undefined|!/)
      }
    }
  }
})
