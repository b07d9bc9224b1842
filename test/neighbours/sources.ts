/** What the tests of the neighbours share: fixtures, the corpus where it is at hand, generated files, and the law that no line vanishes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect } from 'vitest'
import { check } from '../../domain/lvscf/check.ts'
import type { BlockDraft, Draft, ServerDraft, Setting } from '../../domain/lvscf/draft.ts'
import { newDocument } from '../../domain/lvscf/draft.ts'
import type { Report } from '../../domain/neighbours/report.ts'

export function fixture(name: string): string {
  return readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8')
}

const corpusFolders = ['corpus', 'generated'].map((name) =>
  fileURLToPath(new URL(`../../../shared/lvs-cf/${name}/`, import.meta.url)),
)

/** Published lvs.cf files, as name and text; empty where they are not at hand. */
export function corpus(): { readonly name: string; readonly text: string }[] {
  const found = corpusFolders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.cf'))
      .map((name) => ({ name, text: readFileSync(folder + name, 'latin1') })),
  )
  if (found.length === 0)
    console.warn('!!! ../shared/lvs-cf is absent: the published files are not converted by this run')
  return found
}

/** Every line of a source that says something is carried, or stands in an entry of the report. */
export function expectNoLineVanishes(text: string, report: Report, structural: RegExp): void {
  const named = new Set(report.carriedLines)
  for (const { problem } of report.entries) {
    const { where } = problem
    if (where?.kind === 'text') for (let line = where.line; line <= where.endLine; line++) named.add(line)
  }
  const missing = text
    .split(/\r\n|\n|\r/)
    .map((content, at) => ({ line: at + 1, content: content.trim() }))
    .filter(({ line, content }) => content !== '' && !structural.test(content) && !named.has(line))
  expect(missing).toEqual([])
}

const seconds = fc.integer({ min: 1, max: 90 }).map(String)
const maybe = (name: string, value: fc.Arbitrary<string>, shoal?: true): fc.Arbitrary<readonly Setting[]> =>
  fc
    .option(value, { nil: undefined })
    .map((text): Setting[] => (text === undefined ? [] : [{ name, value: text, ...(shoal ? { shoal } : {}) }]))
const always = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Setting[]> =>
  value.map((text) => [{ name, value: text }])
const together = (...parts: fc.Arbitrary<readonly Setting[]>[]): fc.Arbitrary<Setting[]> =>
  fc.tuple(...parts).map((lists) => lists.flat())

const text = fc.constantFrom(
  'HTTP',
  '220',
  '+OK',
  'SSH-2.0',
  'pong?',
  'a\\\\b (c)',
  'x',
  '*',
  '{"up":true}',
  'HTTP/1.1 200',
  'é',
)
const request = fc.constantFrom(
  'GET / HTTP/1.0\\r\\n\\r\\n',
  'GET /health?x=1&y=%20 HTTP/1.1\\r\\nHost: www.example.com\\r\\nConnection: close\\r\\n\\r\\n',
  'GET /a HTTP/1.0\\r\\nHost: a.example\\r\\nX-Probe: yes\\r\\n\\r\\n',
  'PING\\r\\n',
  'status\\n',
  'GET /',
  'hello "you"',
)
const expression = fc.constantFrom(
  '^HTTP/1[.][01] (200|30[12])',
  'HTTP/1\\\\.[01] 200',
  '^SSH-2[.]0-',
  'ready|degraded',
  '^HTTP/1[.][01] (2[0-9][0-9]|404)',
)
const checkSettings: fc.Arbitrary<readonly Setting[]> = fc.oneof(
  fc.constant<readonly Setting[]>([]),
  together(maybe('send', request), maybe('expect', text)),
  together(maybe('send', request), always('expect', expression), always('use_regex', fc.constant('1'))),
  together(
    always('send_program', fc.constantFrom('/usr/local/bin/check %h', '/bin/probe %h %p --fast', '/bin/x $(y)')),
    maybe('expect', fc.constantFrom('OK', 'all well', '"')),
  ),
)

/** Checks of Shoal's own, as comment directives. */
const chosenCheck: fc.Arbitrary<readonly Setting[]> = fc
  .constantFrom<Readonly<Record<string, string>>>(
    {},
    { check: 'http' },
    { check: 'http', check_path: '/health', check_host: 'www.example.com', check_status: '200-299' },
    { check: 'http', check_status: '200-299', check_body_regex: 'up|degraded' },
    { check: 'http', check_method: 'HEAD', check_status: '200-299' },
    { check: 'https', check_cert_days: '0', check_status: '200-299,404' },
    { check: 'https', check_cert_days: '0', check_status: '200-299' },
    { check: 'https', check_verify: 'on' },
    { check: 'smtp' },
    { check: 'smtp', check_host: 'lvs.example.com' },
    { check: 'dns' },
    { check: 'dns', check_name: 'www.example.com', check_answer: '192.0.2.7' },
    { check: 'dns', check_name: 'example.com', check_record: 'MX' },
    { check: 'udp' },
    { check: 'ping', check_via: 'vip' },
    { check: 'ldap', check_port: '389' },
    { check: 'redis' },
    { check: 'mysql', check_user: 'monitor' },
    { check: 'postgresql' },
    { check: 'script', check_script: '/usr/local/bin/check-web %h %p' },
    { check: 'script', check_script: '/usr/local/bin/check-web --host=%h "two words"' },
    { check_port: '8080' },
  )
  .map((lines) => Object.entries(lines).map(([name, value]) => ({ name, value, shoal: true as const })))

function serverOf(at: number, nat: boolean): fc.Arbitrary<ServerDraft> {
  return together(
    always('address', fc.constant(`10.9.0.${at + 10}`)),
    always('active', fc.constantFrom('1', '1', '1', '0')),
    nat ? maybe('port', fc.integer({ min: 1, max: 65_535 }).map(String)) : fc.constant([]),
    maybe('weight', fc.integer({ min: 0, max: 400 }).map(String)),
  ).map((settings) => ({ name: `rs${at}`, settings }))
}

function virtualOf(at: number, nat: boolean): fc.Arbitrary<BlockDraft> {
  return fc
    .record({
      settings: together(
        always('active', fc.constantFrom('1', '1', '1', '0')),
        always('address', fc.constant(`192.0.2.${at + 80} eth0:${at + 1}`)),
        maybe('vip_nmask', fc.constantFrom('255.255.255.0', '255.255.255.255', '0.0.0.0')),
        maybe('sorry_server', fc.constant('10.9.0.250')),
        maybe('fwmark', fc.constantFrom(String(at + 1), '0')),
        maybe('port', fc.constantFrom('80', '443', '25', '53', '5060', 'https')),
        maybe('persistent', fc.constantFrom('0', '300', '7200')),
        maybe('pmask', fc.constantFrom('255.255.255.0', '255.255.255.255')),
        checkSettings,
        chosenCheck,
        maybe('load_monitor', fc.constantFrom('none', 'rup', 'uptime')),
        maybe('scheduler', fc.constantFrom('rr', 'wlc', 'lblcr', 'sh', 'mh', 'sed')),
        maybe('protocol', fc.constantFrom('tcp', 'udp')),
        maybe('timeout', seconds),
        maybe('reentry', seconds),
        maybe('quiesce_server', fc.constantFrom('0', '1')),
        maybe('check_interval_ms', fc.integer({ min: 50, max: 9_000 }).map(String), true),
        maybe('check_timeout_ms', fc.constantFrom('500', '2000', '1500'), true),
        maybe('fall', fc.integer({ min: 1, max: 5 }).map(String), true),
        maybe('rise', fc.integer({ min: 1, max: 5 }).map(String), true),
      ),
      servers: fc
        .integer({ min: 0, max: 4 })
        .chain((count) => fc.tuple(...Array.from({ length: count }, (_, server) => serverOf(server, nat)))),
    })
    .map(({ settings, servers }) => ({ kind: 'virtual' as const, name: `vs${at}`, settings, servers }))
}

const globals = together(
  maybe('serial_no', fc.constant('7')),
  always('primary', fc.constant('192.0.2.1')),
  maybe('primary_private', fc.constant('10.9.0.1')),
  maybe('backup_active', fc.constantFrom('0', '1')),
  maybe('backup', fc.constantFrom('192.0.2.2', '0.0.0.0')),
  maybe('backup_private', fc.constant('10.9.0.2')),
  maybe('heartbeat_port', fc.constantFrom('539', '1050')),
  maybe('monitor_links', fc.constantFrom('0', '1')),
  maybe('syncdaemon', fc.constantFrom('0', '1')),
  maybe('syncd_id', fc.constantFrom('0', '9')),
  maybe('tcp_timeout', fc.constantFrom('0', '900')),
  maybe('udp_timeout', fc.constantFrom('0', '60')),
  maybe('active_cmd', fc.constantFrom('/bin/true', '/usr/bin/tell me now')),
  maybe('failback', fc.constantFrom('on', 'off'), true),
  maybe('failback_delay_ms', fc.constantFrom('0', '2500'), true),
  maybe('announce_burst', fc.constantFrom('1', '8'), true),
  maybe('announce_repeat_ms', fc.constantFrom('100,500,1000', '3000'), true),
  maybe('keepalive_ms', fc.constantFrom('100', '1000', '12'), true),
)

/** Drafts of every kind, among them ones no neighbour can hold. */
export const anyDraft: fc.Arbitrary<Draft> = fc.constantFrom('nat', 'direct', 'tunnel').chain((network) =>
  fc
    .record({
      settings: globals,
      router: network === 'nat' ? maybe('nat_router', fc.constant('10.9.0.254 eth1:1')) : fc.constant([]),
      count: fc.integer({ min: 0, max: 4 }),
    })
    .chain(({ settings, router, count }) =>
      fc.tuple(...Array.from({ length: count }, (_, at) => virtualOf(at, network === 'nat'))).map((blocks) => ({
        settings: [
          ...settings,
          { name: 'keepalive', value: '6' },
          { name: 'deadtime', value: '18' },
          { name: 'network', value: network },
          ...router,
        ],
        blocks,
      })),
    ),
)

/** The text of a generated draft when it has a certain meaning. */
export function sound(draft: Draft): string | undefined {
  const written = newDocument(draft)
  return check(written).config ? written : undefined
}
