/**
 * lvs.cf → ldirectord.cf: the virtual servers with their checks. ldirectord runs on one host and puts up no addresses, so directors,
 * heartbeat and devices are named as lost.
 */
import type { CheckPlace, CheckTiming, ChosenQuestion } from '../checks.ts'
import { isPiranhas, statusText } from '../checks.ts'
import type { Forwarding, VirtualServer } from '../config.ts'
import { isIpv4, prefixToMask } from '../ipv4.ts'
import type { MeantCheck } from './checks.ts'
import { chosenKeys, httpOf } from './checks.ts'
import type { Exported } from './keepalived-export.ts'
import type { Ledger } from './report.ts'
import { newLedger } from './report.ts'
import type { Source, SourceServer, SourceVirtual } from './source.ts'
import { carryLines, commentedOut, readSource, sayInactive, sayLines } from './source.ts'
import { wholeSeconds } from './site.ts'

const format = 'ldirectord.cf'
const methods: Readonly<Record<Forwarding, string>> = { nat: 'masq', direct: 'gate', tunnel: 'ipip' }
const indent = ' '.repeat(8)

/** Writes an ldirectord.cf. Never throws. */
export function exportLdirectord(text: string): Exported {
  const ledger = newLedger()
  const source = readSource(text, ledger)
  if (!source) return { files: [], report: ledger.report() }
  const active = source.virtuals.flatMap(({ virtual }) => (virtual?.active ? [virtual] : []))
  const intervals = new Set(active.map(({ check }) => wholeSeconds(check.intervalMs)))
  // A virtual server has an interval of its own only with a process of its own.
  const forked = intervals.size > 1
  const lines = [
    ...(forked ? ['fork = yes'] : [...intervals].map((seconds) => `checkinterval = ${seconds}`)),
    ...source.virtuals.flatMap((virtual) => ['', ...virtualLines(virtual, source.config.forwarding, forked, ledger)]),
  ]
  sayDirectors(source, format, ledger)
  source.sweep(format)
  return {
    files: [{ name: 'ldirectord.cf', director: 'either', text: `${lines.join('\n').trim()}\n` }],
    report: ledger.report(),
  }
}

/** Says what a format for one host does not hold. */
export function sayDirectors(source: Source, target: string, ledger: Ledger): void {
  const { config, lines } = source
  const pair = ['primary', 'backup', 'backup_active', 'primary_private', 'backup_private', 'keepalive', 'deadtime']
  const own = ['#heartbeat_paths', '#keepalive_ms', '#deadtime_ms', '#failback', '#failback_delay_ms', 'monitor_links']
  const announce = ['#announce_burst', '#announce_repeat_ms', '#announce_refresh_ms']
  carryLines(lines, ['network'], ledger)
  if (config.backupActive && config.backup) {
    sayLines(
      lines,
      [...pair, ...own, ...announce],
      'convert-lost-directors',
      (what) => ({ what, format: target }),
      ledger,
    )
    return
  }
  // A lone host needs no heartbeat, and its own address is where it runs.
  const idle = [...pair, ...own.filter((key) => key !== 'monitor_links')]
  sayLines(lines, idle, 'convert-note-housekeeping', (what) => ({ what, format: target }), ledger)
  sayLines(lines, announce, 'convert-lost-address', (what) => ({ what, format: target }), ledger)
}

/** Says that devices and masks of virtual IPs go nowhere. */
export function sayAddresses(source: SourceVirtual, target: string, ledger: Ledger): void {
  const keys = ['address', ...(source.virtual?.vip.prefix === undefined ? [] : ['vip_nmask'])]
  sayLines(source.lines, keys, 'convert-lost-address', (what) => ({ what, format: target }), ledger)
}

function virtualLines(source: SourceVirtual, forwarding: Forwarding, forked: boolean, ledger: Ledger): string[] {
  const { virtual, lines, name } = source
  if (!virtual) {
    sayInactive(source, format, ledger)
    return [`# ${name}: not active and not complete`]
  }
  const checked = checkLines(virtual)
  const body = bodyOf(source, virtual, forwarding, forked, checked, ledger)
  if (!virtual.active) {
    sayInactive(source, format, ledger)
    return commentedOut(body)
  }
  const { check } = virtual
  sayAddresses(source, format, ledger)
  carryLines(
    lines,
    ['active', 'fwmark', 'port', 'protocol', 'scheduler', 'persistent', 'pmask', 'sorry_server'],
    ledger,
  )
  carryLines(lines, ['quiesce_server', '#fall'], ledger)
  for (const [keys, ms] of [
    [['#check_interval_ms'], check.intervalMs],
    [['#check_timeout_ms'], check.timeoutMs],
  ] as const) {
    const seconds = wholeSeconds(ms)
    if (seconds * 1_000 === ms) carryLines(lines, keys, ledger)
    else sayLines(lines, keys, 'convert-near-number', (what) => ({ what, used: `${seconds} s` }), ledger)
  }
  carryLines(lines, ['timeout'], ledger)
  const native = ['send_program', 'send', 'expect', 'use_regex']
  const isNative = isPiranhas<CheckTiming & CheckPlace>(check)
  if (check.viaVip) sayLines(lines, ['#check_via'], 'convert-lost-word', (what) => ({ what, format }), ledger)
  // What Piranha would do with the same file.
  if (!isNative) sayLines(lines, native, 'convert-note-unused', (what) => ({ what }), ledger)
  const keys = [...native, ...chosenKeys]
  if (!checked.exact) {
    const said = isNative
      ? native.filter((key) => key !== 'use_regex')
      : chosenKeys.filter((key) => key !== '#check_via')
    sayLines(lines, said, 'convert-near-check', (what) => ({ what, used: checked.kind }), ledger, source.at)
  }
  carryLines(lines, keys, ledger)
  if (check.rise > 1) {
    const rise = lines.has('#rise') ? ['#rise'] : ['reentry']
    sayLines(lines, rise, 'convert-near-rise', (what) => ({ what, count: check.rise, format }), ledger, source.at)
  }
  carryLines(lines, ['reentry', '#rise'], ledger)
  if (virtual.loadMonitor !== undefined) {
    sayLines(lines, ['load_monitor'], 'convert-lost-load', (what) => ({ what, format }), ledger)
  }
  return body
}

function bodyOf(
  source: SourceVirtual,
  virtual: VirtualServer,
  forwarding: Forwarding,
  forked: boolean,
  checked: Checked,
  ledger: Ledger,
): string[] {
  const marked = virtual.fwmark !== undefined
  const { check } = virtual
  const method = methods[forwarding]
  const marks = marked
    ? [`address = ${virtual.vip.address}`, `port = ${virtual.port}`, `protocol = ${virtual.protocol}`]
    : []
  const inner = [
    // A sign in the name would begin a comment.
    ...(/[#"]/.test(source.name) ? [] : [`servicename = ${source.name}`]),
    ...source.servers.flatMap((server) => serverLines(server, virtual, method, ledger)),
    ...(virtual.sorryServer === undefined
      ? []
      : [`fallback = ${virtual.sorryServer}${marked ? '' : `:${virtual.port}`} ${method}`]),
    `scheduler = ${virtual.scheduler}`,
    ...(virtual.persistentS === undefined ? [] : [`persistent = ${virtual.persistentS}`]),
    ...(virtual.persistentPrefix === undefined ? [] : [`netmask = ${prefixToMask(virtual.persistentPrefix)}`]),
    `protocol = ${marked ? 'fwm' : virtual.protocol}`,
    ...checked.lines,
    ...(check.port === undefined ? [] : [`checkport = ${check.port}`]),
    ...(forked ? [`checkinterval = ${wholeSeconds(check.intervalMs)}`] : []),
    `checktimeout = ${wholeSeconds(check.timeoutMs)}`,
    `negotiatetimeout = ${wholeSeconds(check.timeoutMs)}`,
    `failurecount = ${check.fall}`,
    `quiescent = ${virtual.quiesce ? 'yes' : 'no'}`,
  ]
  const head = marked ? `virtual = ${virtual.fwmark ?? 0}` : `virtual = ${virtual.vip.address}:${virtual.port}`
  return [head, ...marks.map((mark) => `${indent}# shoal: ${mark}`), ...inner.map((line) => indent + line)]
}

function serverLines(source: SourceServer, virtual: VirtualServer, method: string, ledger: Ledger): string[] {
  const { real, lines, name } = source
  if (virtual.active) carryLines(lines, ['active', 'address', 'port', 'weight'], ledger)
  const inactive = (): void => {
    if (virtual.active) ledger.say('convert-lost-inactive', lines.get('active')?.at ?? source.at, { name, format })
  }
  if (!real) {
    inactive()
    return [`# ${name}: not active and not complete`]
  }
  const line = `real = ${real.address}:${real.port} ${method} ${real.weight}`
  if (!real.active) {
    inactive()
    return [`# ${line}`]
  }
  return [`# shoal: name = ${name}`, line]
}

interface Checked {
  readonly lines: readonly string[]
  readonly kind: string
  readonly exact: boolean
}

/** The check of a virtual server in the words of ldirectord. */
function checkLines(virtual: VirtualServer): Checked {
  const { check, protocol } = virtual
  // Over UDP ldirectord pings instead of connecting.
  const connect = (exact: boolean): Checked => ({
    lines: ['checktype = connect'],
    kind: protocol === 'udp' ? 'checktype = connect (ping)' : 'checktype = connect',
    exact: exact && protocol === 'tcp',
  })
  if (check.kind === 'connect') return connect(true)
  // checkcommand is called with four arguments and judged by its exit status.
  if (!isPiranhas<CheckTiming & CheckPlace>(check)) return chosenLines(virtual, check) ?? connect(false)
  if (check.kind !== 'send-expect') return connect(false)
  const meant: MeantCheck = { ...check, kind: 'send-expect' }
  const http = protocol === 'tcp' ? httpOf(meant) : undefined
  const sayable = (text: string): boolean => !/[#"\p{Cc}]/u.test(text)
  if (http && sayable(http.path) && sayable(http.host ?? '')) {
    const successOnly = http.ranges.length === 1 && http.ranges[0]?.[0] === 200 && http.ranges[0][1] === 299
    return {
      lines: [
        'checktype = negotiate',
        'service = http',
        `request = "${http.path}"`,
        ...(http.host === undefined ? [] : [`virtualhost = "${http.host}"`]),
      ],
      kind: `http ${http.path} 200-299`,
      exact: http.exact && successOnly,
    }
  }
  const send = (check.send ?? '').replaceAll('\r\n', '\n')
  const receive = receiveOf(meant)
  const request = send.replaceAll('\n', '\\n')
  if (receive === undefined || !sayable(request) || !sayable(receive) || /\\(?!n)/.test(request)) return connect(false)
  return {
    lines: [
      'checktype = negotiate',
      'service = simpletcp',
      ...(request === '' ? [] : [`request = "${request}"`]),
      `receive = "${receive}"`,
    ],
    kind: `simpletcp ${receive}`,
    exact: protocol === 'tcp' && send === (check.send ?? '') && check.expect !== undefined && !request.startsWith('/'),
  }
}

/** The check for a kind that `# shoal: check` chose; undefined where ldirectord has no word for it. */
function chosenLines(virtual: VirtualServer, check: ChosenQuestion & CheckTiming & CheckPlace): Checked | undefined {
  const quotable = (text: string): boolean => !/[#"\p{Cc}]/u.test(text)
  const negotiate = (service: string, exact: boolean, ...lines: readonly string[]): Checked => ({
    lines: ['checktype = negotiate', `service = ${service}`, ...lines],
    kind: service,
    exact,
  })
  switch (check.kind) {
    case 'http':
    case 'https': {
      const { path, host, method, body, bodyRegex, status } = check
      if (![path, host ?? '', bodyRegex ?? ''].every(quotable)) return undefined
      const asksCertificate = check.kind === 'https' && (check.verify || check.certDays > 0)
      const exact = statusText(status) === '200-299' && body === undefined && !asksCertificate
      return negotiate(
        check.kind,
        exact,
        ...(method === 'HEAD' ? ['httpmethod = HEAD'] : []),
        `request = "${path}"`,
        ...(host === undefined ? [] : [`virtualhost = "${host}"`]),
        ...(bodyRegex === undefined ? [] : [`receive = "${bodyRegex}"`]),
      )
    }
    case 'smtp':
      return negotiate('smtp', check.host === undefined)
    case 'ldap':
      return negotiate('ldap', true)
    case 'dns': {
      const answer = check.answer !== undefined && isIpv4(check.answer) ? check.answer : undefined
      const exact = check.record === 'A' && answer === check.answer
      return negotiate(
        'dns',
        exact,
        `request = "${check.name}"`,
        ...(answer === undefined ? [] : [`receive = "${answer}"`]),
      )
    }
    case 'ping':
      return { lines: ['checktype = ping'], kind: 'ping', exact: check.port === undefined }
    case 'script': {
      // It is called with virtual address and port, real address and port: only such a script is the same there.
      const tail = [virtual.vip.address, String(virtual.port), '%h', '%p']
      const command = check.words.slice(0, -tail.length)
      const isSuch = virtual.fwmark === undefined && check.words.slice(-tail.length).join(' ') === tail.join(' ')
      if (!isSuch || command.length === 0 || command.some((word) => /[\s"'#%]/.test(word) || word === ''))
        return undefined
      return {
        lines: ['checktype = external', `checkcommand = ${command.join(' ')}`],
        kind: 'external',
        exact: check.port === undefined,
      }
    }
    case 'udp':
    case 'mysql':
    case 'postgresql':
    case 'redis':
      return undefined
  }
}

/** The expression for what is expected; undefined when there is no line to look at. */
function receiveOf(check: MeantCheck): string | undefined {
  const { expect } = check
  if (expect === undefined || expect === '' || expect === '*') return '.'
  if (check.regex) return expect
  return /[\r\n]/.test(expect) ? undefined : `^${expect.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`
}
