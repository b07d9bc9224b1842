/**
 * The health check of a virtual server as its directives mean it. Piranha's own (`send`, `expect`, `use_regex`, `send_program`,
 * `timeout`, `reentry`) keep their meaning; `# shoal: check = …` chooses another kind.
 */
import type { Check, CheckKind, Question } from '../checks.ts'
import { asksForPage, chosenKinds, commandWords, dnsRecords, statusRanges, usualStatus } from '../checks.ts'
import type { Forwarding, Protocol } from '../config.ts'
import { expressionOf } from '../expression.ts'
import { directives } from './directives.ts'
import type { Reader } from './reader.ts'
import { inetAton } from './values.ts'

/** Piranha's nanny reads reentry 0 as this, in seconds. */
const reentryOfZero = 180
const secondsMax = 2_147_483
const millisecondsMax = secondsMax * 1_000
const roundsMax = 1_000
const portMax = 65_535
/** RFC 1035 §2.3.4. */
const dnsNameMax = 253
const hostMax = 260
const pathMax = 2_000
const certDaysMax = 3_650
const defaultCertDays = 14
const defaultUser = 'shoal'
/** Of a value that is too long so much is shown. */
const shownMax = 80

const httpSend = 'GET / HTTP/1.0\r\n\r\n'
const httpExpect = 'HTTP'

/** The bytes meant by a send or expect text: `\r \n \t \\ \' \"` are translated, an unknown escape is taken literally. */
export function unescaped(text: string): { readonly text: string; readonly unknown?: string } {
  if (text.length < 2 || !text.includes('\\')) return { text }
  const known: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\', "'": "'", '"': '"' }
  let out = ''
  let unknown: string | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char !== '\\') {
      out += char
      continue
    }
    const next = text.charAt(at + 1)
    const meant = known[next]
    if (meant === undefined) {
      unknown ??= char + next
      out += char
      continue
    }
    out += meant
    at++
  }
  return unknown === undefined ? { text: out } : { text: out, unknown }
}

/** Texts of a check and what is wrong with them: the bytes meant by `send` or `expect`. */
function said(reader: Reader, key: 'send' | 'expect'): string | undefined {
  const text = reader.raw(key)
  if (text === undefined) return undefined
  const { text: meant, unknown } = unescaped(text)
  if (unknown !== undefined) reader.report('lvscf-escape-unknown', key, 'warning', { name: key, escape: unknown })
  return meant
}

/** The check of a virtual server. `anyPort`: the service takes every port, so that a check of it has none by itself. */
export function readCheck(
  reader: Reader,
  service: { readonly protocol: Protocol; readonly port: number; readonly forwarding: Forwarding },
): Check {
  const { protocol, port, forwarding } = service
  const timeoutS = reader.int('timeout', 10, 1, secondsMax)
  const reentry = reader.int('reentry', reentryOfZero, 0, secondsMax)
  const rise = Math.max(1, Math.floor((reentry === 0 ? reentryOfZero : reentry) / timeoutS))
  const timing = {
    intervalMs: reader.int('#check_interval_ms', timeoutS * 1_000, 1, millisecondsMax),
    timeoutMs: reader.int('#check_timeout_ms', timeoutS * 1_000, 1, millisecondsMax),
    rise: reader.int('#rise', rise, 1, roundsMax),
    fall: reader.int('#fall', 1, 1, roundsMax),
  }
  const checkPort = reader.has('#check_port') ? reader.int('#check_port', port, 1, portMax) : undefined
  const viaVip = reader.choice('#check_via', ['server', 'vip'], 'server') === 'vip'
  if (viaVip && forwarding === 'nat') reader.report('check-via-nat', '#check_via', 'warning')
  const kind = reader.has('#check') ? reader.choice('#check', chosenKinds, 'connect') : undefined
  // What Piranha would do is read in any case: its faults are faults of the file.
  const native = readPiranha(reader, protocol, port, kind !== undefined)
  reportUnused(reader, kind)
  const question = kind === undefined ? native : readChosen(reader, kind)
  if (port === 0 && checkPort === undefined && question.kind !== 'ping' && question.kind !== 'script') {
    reader.report('check-port-needed', kind === undefined ? '' : '#check', 'warning')
  }
  return {
    ...question,
    ...timing,
    ...(checkPort === undefined ? {} : { port: checkPort }),
    ...(viaVip && forwarding !== 'nat' ? { viaVip } : {}),
  }
}

function readPiranha(reader: Reader, protocol: Protocol, port: number, isReplaced: boolean): Question {
  const note: Reader['report'] = (...problem) => {
    if (!isReplaced) reader.report(...problem)
  }
  const regex = reader.bool('use_regex', false)
  const send = said(reader, 'send')
  const expect = said(reader, 'expect')
  const program = reader.raw('send_program')
  if (regex && expect !== undefined && 'fault' in expressionOf(expect)) {
    reader.report('lvscf-regex-broken', 'expect', 'warning', { value: expect })
  }
  if (program !== undefined && program !== '') {
    if (expect === undefined) note('lvscf-program-without-expect', 'send_program', 'warning')
    return { kind: 'program', program, ...(expect === undefined ? {} : { expect }), regex }
  }
  if (send === undefined && expect === undefined) {
    if (protocol === 'udp') note('lvscf-udp-unchecked', 'protocol', 'warning')
    if (asksForPage({ protocol, port })) return { kind: 'send-expect', send: httpSend, expect: httpExpect, regex }
    return { kind: 'connect', regex }
  }
  if (expect !== undefined && send === undefined && (protocol === 'udp' || port === 80)) {
    note('lvscf-expect-without-send', 'expect', 'warning', { port, protocol })
  }
  if (expect === undefined && protocol === 'udp') note('lvscf-udp-unchecked', 'protocol', 'warning')
  return {
    kind: 'send-expect',
    ...(send === undefined ? {} : { send }),
    ...(expect === undefined ? {} : { expect }),
    regex,
  }
}

/** Directives that belong to another kind of check than the one chosen. */
function reportUnused(reader: Reader, kind: CheckKind | undefined): void {
  for (const row of directives) {
    if (row.scope !== 'virtual' || !row.kinds || !reader.has(`#${row.name}`)) continue
    if (kind !== undefined && row.kinds.includes(kind)) continue
    reader.report('check-unused', `#${row.name}`, 'warning', { name: row.name, kinds: row.kinds.join(', ') })
  }
}

function readChosen(reader: Reader, kind: (typeof chosenKinds)[number]): Question {
  switch (kind) {
    case 'connect':
      return { kind, regex: false }
    case 'http':
      return { kind, ...readWeb(reader) }
    case 'https':
      return {
        kind,
        ...readWeb(reader),
        verify: reader.choice('#check_verify', ['on', 'off'], 'off') === 'on',
        certDays: reader.int('#check_cert_days', defaultCertDays, 0, certDaysMax),
      }
    case 'dns':
      return readDns(reader)
    case 'smtp': {
      const host = readHost(reader)
      return { kind, ...(host === undefined ? {} : { host }) }
    }
    case 'udp': {
      const send = reader.raw('send')
      const expect = reader.raw('expect')
      return {
        kind,
        ...(send === undefined ? {} : { send: unescaped(send).text }),
        ...(expect === undefined ? {} : { expect: unescaped(expect).text }),
        regex: reader.raw('use_regex') === '1',
      }
    }
    case 'mysql':
    case 'postgresql': {
      const user = reader.raw('#check_user') ?? defaultUser
      if (!/^[\x21-\x7e]{1,32}$/.test(user))
        reader.report('check-user-malformed', '#check_user', 'block', { value: user })
      return { kind, user }
    }
    case 'script':
      return readScript(reader)
    case 'ping':
    case 'ldap':
    case 'redis':
      return { kind }
  }
}

function readHost(reader: Reader): string | undefined {
  const host = reader.raw('#check_host')
  if (host === undefined) return undefined
  // A host name, an address, or either with a port for the Host header.
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?$/.test(host) && host.length <= hostMax) return host
  if (/^\[?[0-9a-f:.]+\]?(:\d{1,5})?$/i.test(host)) return host
  reader.report('check-host-malformed', '#check_host', 'block', { value: host })
  return undefined
}

function readWeb(reader: Reader): Omit<Extract<Question, { kind: 'http' }>, 'kind'> {
  const path = reader.raw('#check_path') ?? '/'
  if (!/^\/[\x21-\x7e]*$/.test(path) || path.length > pathMax) {
    reader.report('check-path-malformed', '#check_path', 'block', { value: path.slice(0, shownMax) })
  }
  const host = readHost(reader)
  const method = reader.choice('#check_method', ['GET', 'HEAD'], 'GET')
  const statusWord = reader.raw('#check_status')
  const status = statusWord === undefined ? usualStatus : statusRanges(statusWord)
  if (!status) reader.report('check-status-malformed', '#check_status', 'block', { value: statusWord ?? '' })
  const body = reader.raw('#check_body')
  const bodyRegex = reader.raw('#check_body_regex')
  if (bodyRegex !== undefined) {
    const expression = expressionOf(bodyRegex)
    if ('fault' in expression) {
      reader.report(`check-regex-${expression.fault}`, '#check_body_regex', 'block', { value: bodyRegex })
    }
  }
  if (method === 'HEAD' && (body !== undefined || bodyRegex !== undefined)) {
    reader.report('check-head-without-body', '#check_method', 'block')
  }
  return {
    path,
    ...(host === undefined ? {} : { host }),
    method,
    status: status ?? usualStatus,
    ...(body === undefined ? {} : { body }),
    ...(bodyRegex === undefined ? {} : { bodyRegex }),
  }
}

function readDns(reader: Reader): Question {
  const name = reader.raw('#check_name') ?? '.'
  const labels = name.replace(/\.$/, '').split('.')
  const isName =
    name === '.' || (name.length <= dnsNameMax && labels.every((label) => /^[A-Za-z0-9_*-]{1,63}$/.test(label)))
  if (!isName) reader.report('check-name-malformed', '#check_name', 'block', { value: name.slice(0, shownMax) })
  const record = reader.choice('#check_record', dnsRecords, name === '.' ? 'NS' : 'A')
  const answer = reader.raw('#check_answer')
  if (answer !== undefined && record === 'A' && inetAton(answer) === undefined) {
    reader.report('check-answer-malformed', '#check_answer', 'block', { value: answer, record })
  }
  return { kind: 'dns', name, record, ...(answer === undefined ? {} : { answer }) }
}

function readScript(reader: Reader): Question {
  const line = reader.raw('#check_script')
  const words = line === undefined ? [] : commandWords(line)
  if (line === undefined) reader.report('check-script-missing', '#check', 'block')
  else if (!words) reader.report('check-script-quote', '#check_script', 'block', { value: line })
  else if (!words[0]?.startsWith('/')) {
    reader.report('check-script-not-absolute', '#check_script', 'block', { value: words[0] ?? '' })
  }
  return { kind: 'script', words: words ?? [] }
}
