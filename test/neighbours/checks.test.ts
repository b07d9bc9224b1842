/** Each check of the neighbours as one of Shoal's, with what Piranha can do of it beside; and each of Shoal's in their words. */
import { describe, expect, test } from 'vitest'
import type { Check } from '../../domain/checks.ts'
import { check } from '../../domain/lvscf/check.ts'
import { newDocument, withValue } from '../../domain/lvscf/draft.ts'
import { exporters, importers } from '../../domain/neighbours/convert.ts'
import { expectNoLineVanishes } from './sources.ts'

type Format = 'keepalived' | 'ldirectord'

function imported(format: Format, text: string): { check: Check | undefined; codes: string[]; native: string[] } {
  const { draft, report } = importers[format](text)
  expectNoLineVanishes(text, report, format === 'keepalived' ? /^[{}\s]+$/ : /^$/)
  const written = newDocument({ ...draft, settings: withValue(draft.settings, 'primary', '192.0.2.1') })
  return {
    check: check(written).config?.virtualServers[0]?.check,
    codes: report.entries.map(({ problem }) => problem.code).filter((code) => /check/.test(code)),
    native: written.split('\n').flatMap((line) => /^\s+((?:send|expect|send_program) = .*)$/.exec(line)?.[1] ?? []),
  }
}

const keepalived = (checker: string, port = 80, protocol = 'TCP'): string => `virtual_server 192.0.2.9 ${port} {
    lb_algo rr
    lb_kind DR
    protocol ${protocol}
    real_server 10.0.0.1 ${port} {
        weight 1
        ${checker}
    }
}
`

const ldirectord = (lines: readonly string[], port = 80, protocol = 'tcp'): string =>
  [
    `virtual = 192.0.2.9:${port}`,
    `real = 10.0.0.1:${port} gate 1`,
    'scheduler = rr',
    `protocol = ${protocol}`,
    ...lines,
  ]
    .map((line, at) => (at === 0 ? line : `        ${line}`))
    .join('\n') + '\n'

describe('keepalived', () => {
  test.each<[string, number, string, object, string[]]>([
    ['TCP_CHECK {\n connect_timeout 3\n }', 80, 'TCP', { kind: 'connect' }, []],
    [
      'SSL_GET {\n url {\n path /health\n status_code 200 204\n }\n connect_port 8443\n }',
      443,
      'TCP',
      {
        kind: 'https',
        path: '/health',
        status: [
          [200, 200],
          [204, 204],
        ],
        verify: false,
        certDays: 0,
        port: 8443,
      },
      [],
    ],
    [
      'SMTP_CHECK {\n helo_name lvs.example.com\n }',
      25,
      'TCP',
      { kind: 'smtp', host: 'lvs.example.com' },
      ['expect = "220"'],
    ],
    ['DNS_CHECK {\n type mx\n name example.com\n }', 53, 'UDP', { kind: 'dns', name: 'example.com', record: 'MX' }, []],
    ['DNS_CHECK {\n }', 53, 'UDP', { kind: 'dns', name: '.', record: 'SOA' }, []],
    ['PING_CHECK {\n }', 443, 'TCP', { kind: 'ping' }, []],
    ['UDP_CHECK {\n }', 514, 'UDP', { kind: 'udp' }, []],
    [
      'MISC_CHECK {\n misc_path "/usr/lib/check -H 10.0.0.1 -p 8080"\n }',
      8080,
      'TCP',
      { kind: 'script', words: ['/usr/lib/check', '-H', '%h', '-p', '%p'] },
      [],
    ],
    [
      'HTTP_GET {\n http_protocol 1.1\n url {\n path /\n status_code 200-299\n virtualhost www.example.com\n }\n }',
      80,
      'TCP',
      { kind: 'http', path: '/', host: 'www.example.com', status: [[200, 299]] },
      [
        'send = "GET / HTTP/1.1\\r\\nHost: www.example.com\\r\\nConnection: close\\r\\n\\r\\n"',
        'expect = "^HTTP/1[.][01] (2[0-9][0-9])"',
      ],
    ],
  ])('%j', (checker, port, protocol, meant, native) => {
    const read = imported('keepalived', keepalived(checker, port, protocol))
    expect(read.check).toMatchObject(meant)
    expect(read.native).toEqual(native)
    expect(read.codes).toEqual([])
  })
})

describe('ldirectord', () => {
  test.each<[string[], number, string, object]>([
    [
      [
        'checktype = negotiate',
        'service = https',
        'request = "/up"',
        'receive = "OK|ready"',
        'virtualhost = "www.example.com"',
      ],
      443,
      'tcp',
      { kind: 'https', path: '/up', host: 'www.example.com', status: [[200, 299]], bodyRegex: 'OK|ready' },
    ],
    [
      ['checktype = negotiate', 'service = http', 'request = "up"', 'receive = "OK"'],
      80,
      'tcp',
      { kind: 'http', path: '/up', bodyRegex: 'OK' },
    ],
    [
      ['checktype = negotiate', 'service = http', 'httpmethod = HEAD', 'request = "/"'],
      80,
      'tcp',
      { kind: 'http', method: 'HEAD' },
    ],
    [['service = smtp'], 25, 'tcp', { kind: 'smtp' }],
    [
      ['service = dns', 'request = "www.example.com"', 'receive = "192.0.2.7"'],
      53,
      'udp',
      { kind: 'dns', name: 'www.example.com', answer: '192.0.2.7' },
    ],
    [['service = ldap', 'checkport = 3389'], 389, 'tcp', { kind: 'ldap', port: 3389 }],
    [['checktype = ping'], 80, 'tcp', { kind: 'ping' }],
    [
      ['checktype = external', 'checkcommand = "/usr/local/bin/check -v"'],
      80,
      'tcp',
      { kind: 'script', words: ['/usr/local/bin/check', '-v', '192.0.2.9', '80', '%h', '%p'] },
    ],
  ])('%j', (lines, port, protocol, meant) => {
    const read = imported('ldirectord', ldirectord(lines, port, protocol))
    expect(read.check).toMatchObject(meant)
    expect(read.codes).toEqual([])
  })

  test.each([
    [['service = mysql', 'login = "x"'], 3306, 'mysql'],
    [['service = pgsql'], 5432, 'postgresql'],
  ])('%j is greeted, and that it is not the same is said', (lines, port, kind) => {
    const read = imported('ldirectord', ldirectord(lines, port))
    expect(read.check?.kind).toBe(kind)
    expect(read.codes).toContain('convert-near-check')
  })

  test('an expression that only Perl knows is named', () => {
    const read = imported('ldirectord', ldirectord(['service = http', 'request = "/"', 'receive = "a(?=b)"']))
    expect(read.check).toMatchObject({ kind: 'send-expect' })
    expect(read.codes).toContain('convert-lost-check-option')
  })
})

describe("Shoal's checks in the words of the neighbours", () => {
  const file = (lines: Readonly<Record<string, string>>, protocol = 'tcp'): string =>
    [
      'primary = 192.0.2.1',
      'network = direct',
      'virtual web {',
      '     active = 1',
      '     address = 192.0.2.9 eth0:1',
      '     port = 8000',
      `     protocol = ${protocol}`,
      ...Object.entries(lines).map(([name, value]) => `     # shoal: ${name} = ${value}`),
      '     server a {',
      '         address = 10.0.0.1',
      '         active = 1',
      '     }',
      '}',
      '',
    ].join('\n')
  const exported = (format: Format, text: string): string =>
    exporters[format](text).files[0]?.text.replace(/\s+/g, ' ') ?? ''

  test.each<[Readonly<Record<string, string>>, string, string | undefined]>([
    [
      { check: 'https', check_host: 'www.example.com', check_status: '200-299', check_cert_days: '0' },
      'SSL_GET { connect_timeout 10 retry 0 http_protocol 1.1 url { path /',
      'service = https request = "/" virtualhost = "www.example.com"',
    ],
    [
      { check: 'smtp', check_host: 'lvs.example' },
      'SMTP_CHECK { connect_timeout 10 retry 0 helo_name lvs.example',
      'service = smtp',
    ],
    [{ check: 'ping' }, 'PING_CHECK {', 'checktype = ping'],
    [{ check: 'script', check_script: '/bin/check %h %p' }, 'misc_path "/bin/check 10.0.0.1 8000"', undefined],
    [{ check: 'connect', check_port: '8001' }, 'connect_port 8001', 'checkport = 8001'],
    [{ check: 'redis' }, 'TCP_CHECK {', 'checktype = connect'],
  ])('%j', (lines, keepalivedWords, ldirectordWords) => {
    expect(exported('keepalived', file(lines))).toContain(keepalivedWords)
    if (ldirectordWords !== undefined) expect(exported('ldirectord', file(lines))).toContain(ldirectordWords)
  })

  test('what they have no word for is said at its line', () => {
    const text = file({ check: 'redis', check_via: 'vip' })
    for (const format of ['keepalived', 'ldirectord'] as const) {
      const said = exporters[format](text).report.entries.map(({ problem: { code, where } }) =>
        where?.kind === 'text' ? `${where.line} ${code}` : code,
      )
      expect(said).toEqual(expect.arrayContaining(['8 convert-near-check', '9 convert-lost-word']))
    }
  })
})
