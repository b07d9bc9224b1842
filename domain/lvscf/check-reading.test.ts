/** Checks of lvs.cf: Piranha's own keep their meaning, the others have defaults for everything, and what is wrong is said at its line. */
import { describe, expect, test } from 'vitest'
import { chosenKinds, commandLine, commandWords, sayCheck, statusRanges, statusText, type Check } from '../checks.ts'
import { checksSpeech } from '../speech/checks.ts'
import { check } from './check.ts'
import { piranhaRefusal } from './piranha.ts'

/** The directives of a check in the one virtual server of a file. */
function file(lines: readonly string[], network = 'direct', port = '8080'): string {
  return [
    'primary = 192.0.2.1',
    `network = ${network}`,
    ...(network === 'nat' ? ['nat_router = 10.0.0.254 eth1:1', 'nat_nmask = 255.255.255.0'] : []),
    'virtual web {',
    ' active = 1',
    ' address = 192.0.2.9 eth0:1',
    ` port = ${port}`,
    ...(port === '0' ? [' persistent = 60'] : []),
    ...lines.map((line) => ` ${line}`),
    ' server a {',
    '  address = 10.0.0.1',
    '  active = 1',
    ' }',
    '}',
    '',
  ].join('\n')
}

const own = (lines: Readonly<Record<string, string>>): string[] =>
  Object.entries(lines).map(([name, value]) => `# shoal: ${name} = ${value}`)

function meant(lines: Readonly<Record<string, string>>, native: readonly string[] = []): Check | undefined {
  const { config, problems } = check(file([...native, ...own(lines)]))
  expect(problems).toEqual([])
  return config?.virtualServers[0]?.check
}

/** `severity code name-of-the-directive`, of what is said about checks. */
function told(lines: readonly string[], network?: string, port?: string): string[] {
  const text = file(lines, network, port)
  const all = text.split('\n')
  return check(text).problems.map(({ severity, code, where }) => {
    const line = where?.kind === 'text' ? (all[where.line - 1] ?? '') : ''
    return `${severity} ${code.replace('check-', '')} ${/(?:# shoal: )?(\w+)/.exec(line)?.[1] ?? ''}`
  })
}

const timing = { intervalMs: 10_000, timeoutMs: 10_000, rise: 18, fall: 1 }

describe('a check that is chosen', () => {
  test.each<[string, Readonly<Record<string, string>>, object]>([
    ['connect', {}, { kind: 'connect', regex: false }],
    ['http', {}, { kind: 'http', path: '/', method: 'GET', status: [[200, 399]] }],
    [
      'http',
      {
        check_path: '/health?full=1',
        check_host: 'www.example.com:8080',
        check_method: 'GET',
        check_status: '200-299, 404',
        check_body: '"status": "ok" # really',
        check_body_regex: '^\\{.*\\}$',
      },
      {
        kind: 'http',
        path: '/health?full=1',
        host: 'www.example.com:8080',
        method: 'GET',
        status: [
          [200, 299],
          [404, 404],
        ],
        body: '"status": "ok" # really',
        bodyRegex: '^\\{.*\\}$',
      },
    ],
    ['https', {}, { kind: 'https', path: '/', method: 'GET', status: [[200, 399]], verify: false, certDays: 14 }],
    [
      'https',
      { check_method: 'HEAD', check_verify: 'on', check_cert_days: '0' },
      { kind: 'https', path: '/', method: 'HEAD', status: [[200, 399]], verify: true, certDays: 0 },
    ],
    ['dns', {}, { kind: 'dns', name: '.', record: 'NS' }],
    [
      'dns',
      { check_name: 'www.example.com.', check_answer: '192.0.2.7' },
      { kind: 'dns', name: 'www.example.com.', record: 'A', answer: '192.0.2.7' },
    ],
    [
      'dns',
      { check_name: '_sip._udp.example.com', check_record: 'SRV' },
      { kind: 'dns', name: '_sip._udp.example.com', record: 'SRV' },
    ],
    ['smtp', {}, { kind: 'smtp' }],
    ['smtp', { check_host: 'lvs1.example.com' }, { kind: 'smtp', host: 'lvs1.example.com' }],
    ['udp', {}, { kind: 'udp', regex: false }],
    ['ping', {}, { kind: 'ping' }],
    ['ldap', {}, { kind: 'ldap' }],
    ['redis', {}, { kind: 'redis' }],
    ['mysql', {}, { kind: 'mysql', user: 'shoal' }],
    ['postgresql', { check_user: 'monitor' }, { kind: 'postgresql', user: 'monitor' }],
    [
      'script',
      { check_script: `/usr/lib/check -H %h -p %p "two words" ''` },
      { kind: 'script', words: ['/usr/lib/check', '-H', '%h', '-p', '%p', 'two words', ''] },
    ],
  ])('%s %j', (kind, lines, question) => {
    expect(meant({ check: kind, ...lines })).toEqual({ ...question, ...timing })
  })

  test('has a pace, a port and a way of its own', () => {
    expect(
      meant(
        {
          check: 'ping',
          check_port: '81',
          check_via: 'vip',
          check_interval_ms: '500',
          check_timeout_ms: '300',
          fall: '3',
        },
        ['timeout = 6', 'reentry = 15'],
      ),
    ).toEqual({ kind: 'ping', port: 81, viaVip: true, intervalMs: 500, timeoutMs: 300, rise: 2, fall: 3 })
  })

  test('udp takes what send and expect say', () => {
    expect(meant({ check: 'udp' }, ['protocol = udp', 'send = "PING\\n"', 'expect = "PONG"'])).toMatchObject({
      kind: 'udp',
      send: 'PING\n',
      expect: 'PONG',
    })
  })

  test('stands beside what Piranha shall do with the same file, which stays valid for it', () => {
    const lines = [
      'send = "GET / HTTP/1.0\\r\\n\\r\\n"',
      'expect = "HTTP"',
      ...own({ check: 'http', check_status: '200' }),
    ]
    expect(told(lines)).toEqual([])
    expect(check(file(lines)).config?.virtualServers[0]?.check).toMatchObject({ kind: 'http', status: [[200, 200]] })
    expect(piranhaRefusal(file(lines))).toBeUndefined()
  })

  test('has a sentence, whatever it is', () => {
    const sentences = chosenKinds.map((kind) =>
      sayCheck(meant({ check: kind, ...(kind === 'script' ? { check_script: '/bin/x "a b"' } : {}) }) as Check),
    )
    expect(new Set(sentences).size).toBe(chosenKinds.length)
    expect(sentences[1]).toBe('http GET / status 200-399')
    expect(sentences.at(-1)).toBe('script /bin/x "a b"')
  })
})

describe('what is wrong with a check is said where it stands', () => {
  const faults: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ check: 'htpp' }, 'block lvscf-not-a-choice check'],
    [{ check: 'http', check_path: 'health' }, 'block path-malformed check_path'],
    [{ check: 'http', check_path: '/a b' }, 'block path-malformed check_path'],
    [{ check: 'http', check_host: 'not a host' }, 'block host-malformed check_host'],
    [{ check: 'http', check_status: '2xx' }, 'block status-malformed check_status'],
    [{ check: 'http', check_status: '300-200' }, 'block status-malformed check_status'],
    [{ check: 'http', check_method: 'POST' }, 'block lvscf-not-a-choice check_method'],
    [{ check: 'http', check_method: 'HEAD', check_body: 'x' }, 'block head-without-body check_method'],
    [{ check: 'http', check_body_regex: '(a' }, 'block regex-syntax check_body_regex'],
    [{ check: 'http', check_body_regex: '(a)\\1' }, 'block regex-back-reference check_body_regex'],
    [{ check: 'http', check_body_regex: 'a(?!b)' }, 'block regex-look-around check_body_regex'],
    [{ check: 'http', check_body_regex: '(a{255}){255}' }, 'block regex-too-large check_body_regex'],
    [{ check: 'https', check_verify: 'yes' }, 'block lvscf-not-a-choice check_verify'],
    [{ check: 'https', check_cert_days: '-1' }, 'block lvscf-out-of-range check_cert_days'],
    [{ check: 'dns', check_name: 'a..b' }, 'block name-malformed check_name'],
    [{ check: 'dns', check_record: 'ANY' }, 'block lvscf-not-a-choice check_record'],
    [{ check: 'dns', check_name: 'a.b', check_answer: 'x' }, 'block answer-malformed check_answer'],
    [{ check: 'mysql', check_user: 'two words' }, 'block user-malformed check_user'],
    [{ check: 'script' }, 'block script-missing check'],
    [{ check: 'script', check_script: 'check %h' }, 'block script-not-absolute check_script'],
    [{ check: 'script', check_script: '/bin/check "%h' }, 'block script-quote check_script'],
    [{ check: 'ping', check_path: '/' }, 'warning unused check_path'],
    [{ check_user: 'x' }, 'warning unused check_user'],
    [{ check: 'ping', check_port: '70000' }, 'block lvscf-out-of-range check_port'],
    [{ check_via: 'loopback' }, 'block lvscf-not-a-choice check_via'],
  ]
  test.each(faults)('%j: %s', (lines, said) => {
    expect(told(own(lines))).toEqual([said])
  })

  test('a virtual IP is not on the real servers of NAT, and a service on every port needs a port to be checked', () => {
    expect(told(own({ check_via: 'vip' }), 'nat')).toEqual(['warning via-nat check_via'])
    expect(told([], 'direct', '0')).toEqual(['warning port-needed virtual'])
    expect(told(own({ check: 'http' }), 'direct', '0')).toEqual(['warning port-needed check'])
    expect(told(own({ check: 'http', check_port: '80' }), 'direct', '0')).toEqual([])
    expect(told(own({ check: 'ping' }), 'direct', '0')).toEqual([])
  })

  test('every sentence about checks is one of these', () => {
    const said = new Set([...faults.map(([, one]) => one.split(' ')[1]), 'via-nat', 'port-needed'])
    expect(
      Object.keys(checksSpeech)
        .map((code) => code.replace('check-', ''))
        .filter((code) => !said.has(code)),
    ).toEqual([])
  })
})

test.each(['200', '200-399', '200-299,404', '100-101,200,301-302'])('status codes %s come back as written', (text) => {
  expect(statusText(statusRanges(text) ?? [])).toBe(text)
})

test.each([['/bin/check'], ['/bin/check', '%h', 'two words', ''], ['/x', `it's`, 'say "hi"']])(
  'words %j %j become a line and words again',
  (...words) => {
    const given = words.filter((word) => word !== undefined)
    expect(commandWords(commandLine(given))).toEqual(given)
  },
)
