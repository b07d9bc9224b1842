/**
 * The health check of a service in the wizard's draft: what there is to choose from, what is wrong with it as it is typed, the directives
 * it becomes (beside them what Piranha can do of the same), and a check of a file as one of the draft.
 */
import type { Check, ChosenQuestion } from './checks.ts'
import { asksForPage, commandLine, commandWords, statusRanges, statusText, usualStatus } from './checks.ts'
import type { ClusterDraft, ServiceDraft } from './cluster.ts'
import { chosenSettings } from './lvscf/check-writing.ts'
import type { Setting } from './lvscf/draft.ts'
import type { ProblemCode } from './problem.ts'

type CheckDraft = ServiceDraft['check']

/** What a new service begins with, whatever its kind. */
export const usualCheck: CheckDraft = {
  kind: 'send-expect',
  send: 'GET / HTTP/1.0\\r\\n\\r\\n',
  expect: 'HTTP',
  path: '/',
  host: '',
  status: statusText(usualStatus),
  body: '',
  name: '.',
  user: 'shoal',
  script: '',
  viaVip: false,
  intervalS: '2',
  reentryS: '6',
}

const overTcp = ['http', 'https', 'connect', 'send-expect', 'smtp', 'ldap', 'mysql', 'postgresql', 'redis'] as const
const overUdp = ['send-expect', 'udp'] as const
const overBoth = ['dns', 'ping', 'script'] as const

/** The kinds that can check a service of this protocol, the most useful first. */
export function kindsFor(protocol: ServiceDraft['protocol']): readonly CheckDraft['kind'][] {
  return protocol === 'tcp' ? [...overTcp, ...overBoth] : ['dns', ...overUdp, 'ping', 'script']
}

/** Whether the kind looks at a web page: path, host, status and body are asked for. */
export function isWeb(kind: CheckDraft['kind']): kind is 'http' | 'https' {
  return kind === 'http' || kind === 'https'
}

/** Why a check's text cannot stand between double quotes in lvs.cf; undefined when it can. */
export type TextFault = (text: string) => string | undefined

type Note = (field: keyof CheckDraft, code: ProblemCode, detail?: Readonly<Record<string, string>>) => void

/** What is wrong with the fields that the kind uses. `send-expect` is judged by `textFault`, Piranha's own rule. */
export function checkFaults(
  service: Pick<ServiceDraft, 'protocol' | 'check'>,
  textFault: TextFault,
  note: Note,
  warn: Note,
): void {
  const { check, protocol } = service
  if (!kindsFor(protocol).includes(check.kind)) note('kind', protocol === 'udp' ? 'udp-needs-connect' : 'tcp-needs-tcp')
  if (isWeb(check.kind)) {
    if (!/^\/[\x21-\x7e]*$/.test(check.path.trim())) note('path', 'check-path-malformed', { value: check.path })
    if (!isHost(check.host.trim())) note('host', 'check-host-malformed', { value: check.host })
    if (!statusRanges(check.status.trim())) note('status', 'check-status-malformed', { value: check.status })
    if (/[\u0000-\u001f]/.test(check.body)) note('body', 'check-text-malformed', { reason: 'control character' })
  }
  if (check.kind === 'smtp' && !isHost(check.host.trim())) note('host', 'check-host-malformed', { value: check.host })
  if (check.kind === 'dns' && !/^(\.|([A-Za-z0-9_*-]{1,63}\.)*[A-Za-z0-9_*-]{1,63}\.?)$/.test(check.name.trim())) {
    note('name', 'check-name-malformed', { value: check.name })
  }
  if ((check.kind === 'mysql' || check.kind === 'postgresql') && !/^[\x21-\x7e]{1,32}$/.test(check.user.trim())) {
    note('user', 'check-user-malformed', { value: check.user })
  }
  if (check.kind === 'script') {
    const words = commandWords(check.script.trim())
    if (!words) note('script', 'check-script-quote', { value: check.script })
    else if (words.length === 0) note('script', 'field-empty')
    else if (!words[0]?.startsWith('/')) note('script', 'check-script-not-absolute', { value: words[0] ?? '' })
  }
  if (check.kind === 'send-expect' || check.kind === 'udp') {
    for (const field of ['send', 'expect'] as const) {
      const reason = textFault(check[field])
      if (reason !== undefined) note(field, 'check-text-malformed', { reason })
    }
  }
  if (check.kind === 'send-expect' && check.expect.trim() === '') warn('expect', 'check-expect-empty')
}

function isHost(host: string): boolean {
  return host === '' || /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?$/.test(host)
}

/** What the draft asks; undefined where Piranha's own directives say it. */
export function questionOf(check: CheckDraft): ChosenQuestion | undefined {
  const host = check.host.trim() === '' ? {} : { host: check.host.trim() }
  const user = check.user.trim()
  switch (check.kind) {
    case 'connect':
    case 'send-expect':
      return undefined
    case 'http':
    case 'https': {
      const web = {
        path: check.path.trim() || '/',
        ...host,
        method: 'GET' as const,
        status: statusRanges(check.status.trim()) ?? usualStatus,
        ...(check.body.trim() === '' ? {} : { body: check.body.trim() }),
      }
      return check.kind === 'http' ? { kind: 'http', ...web } : { kind: 'https', ...web, verify: false, certDays: 14 }
    }
    case 'smtp':
      return { kind: 'smtp', ...host }
    case 'dns': {
      const name = check.name.trim() || '.'
      return { kind: 'dns', name, record: name === '.' ? 'NS' : 'A' }
    }
    case 'mysql':
    case 'postgresql':
      return { kind: check.kind, user }
    case 'script':
      return { kind: 'script', words: commandWords(check.script.trim()) ?? [] }
    case 'udp':
      return { kind: 'udp', regex: false }
    case 'ping':
    case 'ldap':
    case 'redis':
      return { kind: check.kind }
  }
}

/** The directives of a check: Piranha's own first, then those only Shoal reads. */
export function checkDirectives(
  { check, protocol, port }: Pick<ServiceDraft, 'check' | 'protocol' | 'port'>,
  forwarding: ClusterDraft['forwarding'],
): readonly Setting[] {
  const question = questionOf(check)
  const native = nativeTexts(check)
  const plain = check.kind === 'connect' && asksForPage({ protocol, port: Number(port.trim()) })
  const place = check.viaVip && forwarding !== 'nat' ? ({ viaVip: true } as const) : {}
  return [
    ...(native.send === '' ? [] : [{ name: 'send', value: native.send }]),
    ...(native.expect === '' ? [] : [{ name: 'expect', value: native.expect }]),
    ...(native.send + native.expect === '' ? [] : [{ name: 'use_regex', value: '0' }]),
    ...(plain ? [{ name: 'check', value: 'connect', shoal: true as const }] : []),
    ...(question
      ? chosenSettings(question, place)
      : place.viaVip
        ? [{ name: 'check_via', value: 'vip', shoal: true as const }]
        : []),
  ]
}

/** What Piranha sends and expects for the nearest check it can make. */
function nativeTexts(check: CheckDraft): { readonly send: string; readonly expect: string } {
  const none = { send: '', expect: '' }
  switch (check.kind) {
    case 'send-expect':
    case 'udp':
      return { send: check.send, expect: check.expect }
    case 'http': {
      const host = check.host.trim() === '' ? '' : `Host: ${check.host.trim()}\\r\\n`
      const send = `GET ${check.path.trim() || '/'} HTTP/1.0\\r\\n${host}\\r\\n`
      // nanny cuts its texts at 254 bytes; a quote or a backslash has no form there.
      return send.length > 250 || /["\\]/.test(check.path) ? none : { send, expect: 'HTTP' }
    }
    case 'smtp':
      return { send: '', expect: '220' }
    case 'redis':
      return { send: 'PING\\r\\n', expect: '+PONG' }
    default:
      return none
  }
}

/** A check as it can be tried once over a plain connection, before an agent is there: text, answer, and status of a web page. */
export function trialOf(check: CheckDraft): {
  readonly send: string
  readonly expect: string
  readonly status?: string
} {
  const { send, expect } = nativeTexts(check)
  return { send, expect, ...(check.kind === 'http' && send !== '' ? { status: check.status.trim() } : {}) }
}

/** A check of a file in the words of the draft; undefined where the draft has none for it. */
export function draftCheckOf(check: Check): Partial<CheckDraft> | undefined {
  const place: Partial<CheckDraft> = check.viaVip ? { viaVip: true } : {}
  if (check.port !== undefined) return undefined
  switch (check.kind) {
    case 'http':
    case 'https': {
      if (check.method !== 'GET' || check.bodyRegex !== undefined || (check.kind === 'https' && check.verify))
        return undefined
      const { kind, path, host = '', status, body = '' } = check
      return { ...place, kind, path, host, status: statusText(status), body }
    }
    case 'smtp':
      return { ...place, kind: 'smtp', host: check.host ?? '' }
    case 'dns':
      if (check.answer !== undefined || check.record !== (check.name === '.' ? 'NS' : 'A')) return undefined
      return { ...place, kind: 'dns', name: check.name }
    case 'mysql':
    case 'postgresql':
      return { ...place, kind: check.kind, user: check.user }
    case 'script':
      return { ...place, kind: 'script', script: commandLine(check.words) }
    case 'ping':
    case 'ldap':
    case 'redis':
      return { ...place, kind: check.kind }
    case 'connect':
    case 'send-expect':
    case 'program':
    case 'udp':
      return undefined
  }
}
