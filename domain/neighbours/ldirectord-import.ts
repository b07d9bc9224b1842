/**
 * ldirectord.cf → lvs.cf. The file is a list of `name = value` lines; those after `virtual =` that are indented by four blanks or a tab
 * belong to it. There are no directors and no devices in it: those are asked for in the report.
 */
import type { Forwarding, Protocol } from '../config.ts'
import { isIpv4 } from '../ipv4.ts'
import type { NeighboursCode } from '../speech/neighbours.ts'
import type { ChosenQuestion, StatusRange } from '../checks.ts'
import { commandWords } from '../checks.ts'
import { expressionOf } from '../expression.ts'
import type { MeantCheck } from './checks.ts'
import { connectCheck, httpCheck } from './checks.ts'
import type { Imported } from './keepalived-import.ts'
import type { Ledger, Place } from './report.ts'
import { newLedger } from './report.ts'
import type { SiteServer, SiteService } from './site.ts'
import { draftOf, knownScheduler, maskPrefix } from './site.ts'
import type { CommentLine, Mark } from './words.ts'
import { addressesBetween, isHostName, isIpv6, marksAbove, portOf, sortComments, wholeNumber } from './words.ts'

const format = 'ldirectord.cf'

/** One `name = value` line. */
interface Line {
  readonly at: Place
  readonly name: string
  readonly value: string
}

interface Section {
  readonly head: Line
  readonly lines: readonly Line[]
}

interface Parsed {
  readonly globals: readonly Line[]
  readonly sections: readonly Section[]
  readonly comments: readonly CommentLine[]
  readonly strays: readonly Place[]
}

/** What ldirectord takes where nothing is said (ldirectord(8)). */
const defaultCheckTimeoutS = 5
const defaultNegotiateTimeoutS = 30
const defaultIntervalS = 10
const defaultScheduler = 'wrr'

/** The service checked on a port where none is named, and the port of a service. */
const serviceOfPort: Readonly<Record<number, string>> = {
  21: 'ftp',
  25: 'smtp',
  53: 'dns',
  80: 'http',
  110: 'pop',
  119: 'nntp',
  143: 'imap',
  389: 'ldap',
  443: 'https',
  587: 'submission',
  636: 'ldaps',
  993: 'imaps',
  995: 'pops',
  1521: 'oracle',
  1812: 'radius',
  3128: 'http_proxy',
  3306: 'mysql',
  5060: 'sip',
  5432: 'pgsql',
}
const portOfService = new Map(Object.entries(serviceOfPort).map(([port, service]) => [service, Number(port)]))

/** What a server of this kind says first. */
const greetings: Readonly<Record<string, { readonly expect: string; readonly regex?: boolean }>> = {
  ftp: { expect: '220' },
  smtp: { expect: '220' },
  submission: { expect: '220' },
  pop: { expect: '+OK' },
  imap: { expect: '* OK' },
  nntp: { expect: '^20[01]', regex: true },
}

const lossTable: Readonly<Partial<Record<NeighboursCode, string>>> = {
  'convert-lost-alert': 'emailalert emailalertfreq emailalertstatus emailalertfrom smtp monitorfile',
  'convert-lost-script': 'callback fallbackcommand',
  'convert-note-housekeeping': 'autoreload logfile supervised fork readdquiescent comment cleanstop',
  'convert-lost-secret': 'login passwd database secret',
  'convert-lost-scheduling': 'ops schedflags',
  'convert-lost-load': 'load',
  'convert-lost-include': 'execute',
  'convert-lost-check-option':
    'checkcount checkport httpmethod checkcommand virtualhost request receive service checktimeout negotiatetimeout',
  'convert-lost-word': 'maintenancedir netmask',
}
const losses = new Map<string, NeighboursCode>()
for (const [code, words] of Object.entries(lossTable)) {
  for (const word of words.split(' ')) losses.set(word, code as NeighboursCode)
}

function parse(text: string): Parsed {
  const globals: Line[] = []
  const sections: { head: Line; lines: Line[] }[] = []
  const comments: CommentLine[] = []
  const strays: Place[] = []
  let open: { head: Line; lines: Line[] } | undefined
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .forEach((whole, index) => {
      const first = whole.search(/\S/)
      if (first < 0) {
        // An empty line ends a section for ldirectord too.
        open = undefined
        return
      }
      const line = index + 1
      const at: Place = { line, column: first + 1, endLine: line, endColumn: whole.trimEnd().length + 1 }
      if (whole.charAt(first) === '#') {
        comments.push({ at, text: whole.trim() })
        return
      }
      const indented = /^ {4}/.test(whole.replaceAll('\t', '    '))
      const hash = whole.indexOf('#')
      // Only inside a section does a sign later in the line begin a comment.
      const content = indented && hash >= 0 ? whole.slice(0, hash) : whole
      if (content !== whole) comments.push({ at: { ...at, column: hash + 1 }, text: whole.slice(hash).trimEnd() })
      const match = /^\s*([A-Za-z]\w*)\s*=\s*(.*?)\s*$/.exec(content) ?? /^\s*(supervised)\s*()$/.exec(content)
      if (!match) {
        strays.push(at)
        return
      }
      const said: Line = { at, name: match[1] ?? '', value: match[2] ?? '' }
      if (!indented && /^virtual6?$/.test(said.name)) {
        open = { head: said, lines: [] }
        sections.push(open)
      } else if (indented && open) open.lines.push(said)
      else if (indented) strays.push(at)
      else {
        open = undefined
        globals.push(said)
      }
    })
  return { globals, sections, comments, strays }
}

/** Reads an ldirectord.cf. Never throws; what lvs.cf cannot say is in the report, line by line. */
export function importLdirectord(text: string): Imported {
  const ledger = newLedger()
  const parsed = parse(text)
  const lines = parsed.sections.flatMap(({ head, lines }) => [head.at.line, ...lines.map(({ at }) => at.line)])
  const marks = marksAbove(sortComments(parsed.comments, ledger), lines)
  for (const at of parsed.strays) ledger.say('convert-lost-line', at, { format })
  const global = lastOf(parsed.globals, ledger)
  const services: SiteService[] = []
  for (const section of parsed.sections) {
    const service = readSection(section, global, marks, ledger)
    if (service) services.push(service)
  }
  if (services.length === 0) ledger.say('convert-unreadable-nothing', undefined, { format })
  const draft =
    services.length === 0
      ? { settings: [], blocks: [] }
      : draftOf({ settings: [{ name: 'backup_active', value: '0' }], addresses: [], services }, ledger)
  for (const list of marks.values()) {
    for (const mark of list) if (!ledger.settled(mark.at)) ledger.say('convert-note-comment', mark.at)
  }
  for (const line of [...parsed.globals, ...parsed.sections.flatMap(({ head, lines: inner }) => [head, ...inner])]) {
    if (!ledger.settled(line.at)) sayLost(line, ledger)
  }
  return { draft, report: ledger.report() }
}

function sayLost(line: Line, ledger: Ledger): void {
  if (/6$/.test(line.name)) ledger.say('convert-lost-ipv6', line.at, { what: line.name })
  else {
    const code = losses.get(line.name) ?? 'convert-lost-unknown'
    const what = code === 'convert-lost-include' || code === 'convert-lost-load' ? line.value : line.name
    ledger.say(code, line.at, { what, format: code === 'convert-lost-unknown' ? format : 'lvs.cf' })
  }
}

type Lines = ReadonlyMap<string, Line>

/** The lines by name; where one is repeated the last counts, and the others are said. */
function lastOf(lines: readonly Line[], ledger: Ledger): Lines {
  const map = new Map<string, Line>()
  for (const line of lines) {
    const before = map.get(line.name)
    if (before) ledger.say('convert-lost-overridden', before.at, { what: line.name })
    map.set(line.name, line)
  }
  return map
}

const methods: Readonly<Record<string, Forwarding>> = { gate: 'direct', masq: 'nat', ipip: 'tunnel' }

function unquoted(value: string): string {
  return /^"(.*)"$/.exec(value)?.[1] ?? value
}

interface Head {
  readonly vip?: string
  readonly mark?: number
  readonly port: number
}

function readHead(head: Line): Head | undefined {
  const [, host, portText] = /^([^\s:]+):([0-9A-Za-z_-]+)/.exec(head.value) ?? []
  if (host !== undefined) {
    const port = portOf(portText)
    return port === undefined || !(isIpv4(host) || isHostName(host)) ? undefined : { vip: host, port }
  }
  const mark = wholeNumber(/^(\d+)/.exec(head.value)?.[1], 0xffff_ffff)
  return mark === undefined || mark === 0 ? undefined : { mark, port: 0 }
}

function readSection(
  section: Section,
  global: Lines,
  marks: ReadonlyMap<number, readonly Mark[]>,
  ledger: Ledger,
): SiteService | undefined {
  const { head } = section
  const target = head.name === 'virtual6' ? undefined : readHead(head)
  if (!target) {
    const code = head.name === 'virtual6' || isIpv6(head.value) ? 'convert-lost-ipv6' : 'convert-lost-value'
    for (const line of [head, ...section.lines])
      ledger.say(code, line.at, { what: line === head ? head.value : line.name })
    return undefined
  }
  ledger.carried(head.at)
  const reals = section.lines.filter(({ name }) => name === 'real')
  const own = lastOf(
    section.lines.filter(({ name }) => name !== 'real' && name !== 'real6'),
    ledger,
  )
  const marked = new Map<string, string>()
  const realNames = new Map<number, string>()
  for (const line of [head, ...section.lines]) {
    for (const { at, name, value } of marks.get(line.at.line) ?? []) {
      if (line.name === 'real' && name === 'name') realNames.set(line.at.line, value)
      else marked.set(name, value)
      ledger.carried(at)
    }
  }
  const isMark = target.mark !== undefined
  /** The value of a directive, its own or the global one; carried when it is used. */
  const use = (name: string): Line | undefined => {
    const line = own.get(name) ?? global.get(name)
    if (line) ledger.carried(line.at)
    return line
  }
  const bad = (line: Line): void => ledger.say('convert-lost-value', line.at, { what: line.name })

  const protocolLine = own.get('protocol')
  if (protocolLine) ledger.carried(protocolLine.at)
  const usual = target.port === 53 ? 'udp' : 'tcp'
  const said = isMark ? marked.get('protocol') : protocolLine?.value
  const protocol: Protocol = said === 'udp' ? 'udp' : said === 'tcp' ? 'tcp' : isMark ? 'tcp' : usual

  const serviceLine = own.get('service')
  const firstPort = reals.map(({ value }) => portOf(/:([0-9A-Za-z_-]+)\s/.exec(value)?.[1])).find((port) => port)
  const markedPort = portOf(marked.get('port'))
  const checkPort = wholeNumber(own.get('checkport')?.value, 65_535)
  const port = isMark
    ? (markedPort ?? firstPort ?? checkPort ?? portOfService.get(serviceLine?.value ?? '') ?? 80)
    : target.port
  const service = serviceLine?.value ?? (isMark ? 'none' : (serviceOfPort[port] ?? 'none'))
  const checkPortLine = own.get('checkport')
  const ownPort = checkPort !== undefined && checkPort > 0 && checkPort !== (firstPort ?? port) ? checkPort : undefined
  if (checkPortLine && checkPort !== undefined) ledger.carried(checkPortLine.at)

  const asked = readAsked(own, service, ledger, bad)
  const pace = readPace(own, global, asked, ledger, bad)
  const around: Around = {
    port,
    protocol,
    asked,
    service,
    ...(target.vip === undefined ? {} : { vip: target.vip }),
    ...(ownPort === undefined ? {} : { checkPort: ownPort }),
  }
  const servers = reals.flatMap((line) => readReal(line, around, realNames, ledger))
  const general = servers.length > 0 ? undefined : checkOf(around, undefined, head, ledger)
  const schedulerLine = own.get('scheduler')
  let scheduler = { value: defaultScheduler, at: head.at }
  if (schedulerLine) {
    if (knownScheduler(schedulerLine.value)) {
      scheduler = { value: schedulerLine.value, at: schedulerLine.at }
      ledger.carried(schedulerLine.at)
    } else bad(schedulerLine)
  }
  const persistentLine = own.get('persistent')
  const persistentS = wholeNumber(persistentLine?.value)
  if (persistentLine) {
    if (persistentS === undefined) bad(persistentLine)
    else ledger.carried(persistentLine.at)
  }
  const maskLine = own.get('netmask')
  const mask = maskLine && maskPrefix(maskLine.value) !== undefined ? maskLine.value : undefined
  if (maskLine) {
    if (mask === undefined) bad(maskLine)
    else if (persistentS !== undefined) ledger.carried(maskLine.at)
    else ledger.say('convert-note-idle', maskLine.at, { what: 'netmask', format })
  }
  const ops = own.get('ops')
  if (ops?.value === 'no') ledger.carried(ops.at)
  const quiescent = use('quiescent')
  const sorry = readFallback(own.get('fallback') ?? global.get('fallback'), ledger)
  const name = own.get('servicename')
  if (name) ledger.carried(name.at)
  const wantedName = marked.get('name') ?? (name && unquoted(name.value))
  const placed = marked.get('address')
  const vip = target.vip ?? (placed !== undefined && isIpv4(placed) ? placed : undefined)
  return {
    at: head.at,
    what: head.value,
    ...(wantedName ? { name: wantedName } : {}),
    ...(vip === undefined ? {} : { vip }),
    ...(target.mark === undefined ? {} : { mark: target.mark }),
    protocol,
    port,
    scheduler,
    ...(persistentS === undefined ? {} : { persistentS }),
    ...(mask === undefined ? {} : { persistenceMask: mask }),
    ...(sorry ? { sorry } : {}),
    quiesceDefault: quiescent?.value !== 'no',
    checkPace: pace,
    ...(general ? { check: general.value } : {}),
    servers,
  }
}

/** What the lines of a section ask of a check, before a real server changes it. */
interface Asked {
  readonly type: string
  readonly typeAt?: Place
  readonly request?: Line
  readonly receive?: Line
  readonly host?: Line
  readonly command?: Line
  /** HEAD instead of GET. */
  readonly head?: Line
}

function readAsked(own: Lines, service: string, ledger: Ledger, bad: (line: Line) => void): Asked {
  const type = own.get('checktype')
  const known = /^(?:connect|negotiate|ping|off|on|external|external-perl|\d+)$/
  if (type && !known.test(type.value)) bad(type)
  else if (type) {
    if (/^\d+$/.test(type.value)) ledger.say('convert-near-check', type.at, { what: type.value, used: 'negotiate' })
    else ledger.carried(type.at)
  }
  const request = own.get('request')
  const receive = own.get('receive')
  const host = own.get('virtualhost')
  const serviceLine = own.get('service')
  const negotiates = !type || type.value === 'negotiate' || /^\d+$/.test(type.value)
  if (serviceLine && (service === 'none' || portOfService.has(service) || service === 'simpletcp')) {
    ledger.carried(serviceLine.at)
  }
  const method = own.get('httpmethod')
  const isHead = method !== undefined && /^head$/i.test(method.value)
  if (method && (isHead || /^get$/i.test(method.value))) ledger.carried(method.at)
  const isHttp = negotiates && (service === 'http' || service === 'https')
  if (request && (isHttp || service === 'simpletcp' || (negotiates && service === 'dns'))) ledger.carried(request.at)
  if (host && isHttp) ledger.carried(host.at)
  if (receive && negotiates && service === 'simpletcp') ledger.carried(receive.at)
  return {
    type: type && known.test(type.value) ? type.value : 'negotiate',
    ...(type ? { typeAt: type.at } : {}),
    ...(request ? { request } : {}),
    ...(receive ? { receive } : {}),
    ...(host ? { host } : {}),
    ...(isHead ? { head: method } : {}),
    ...(own.get('checkcommand') ? { command: own.get('checkcommand') as Line } : {}),
  }
}

function readPace(
  own: Lines,
  global: Lines,
  asked: Asked,
  ledger: Ledger,
  bad: (line: Line) => void,
): NonNullable<SiteService['checkPace']> {
  const read = (line: Line | undefined): number | undefined => {
    if (!line) return undefined
    const value = wholeNumber(/^(\d+)/.exec(line.value)?.[1])
    if (value === undefined || value === 0) {
      bad(line)
      return undefined
    }
    ledger.carried(line.at)
    return value
  }
  // A section's own interval counts only where every section has a process of its own.
  const forked = global.get('fork')?.value === 'yes'
  const ownInterval = own.get('checkinterval')
  if (ownInterval && !forked)
    ledger.say('convert-lost-overridden', ownInterval.at, { what: 'checkinterval (fork = no)' })
  const interval = (forked ? read(ownInterval) : undefined) ?? read(global.get('checkinterval')) ?? defaultIntervalS
  const connects = asked.type !== 'negotiate' && !/^\d+$/.test(asked.type)
  const names = connects ? ['checktimeout', 'negotiatetimeout'] : ['negotiatetimeout', 'checktimeout']
  const [first = '', second = ''] = names
  const chosen = own.get(first) ?? own.get(second) ?? global.get(first) ?? global.get(second)
  const timeout = read(chosen) ?? (connects ? defaultCheckTimeoutS : defaultNegotiateTimeoutS)
  // The other of the two has no part in this kind of check.
  for (const name of names) {
    const line = own.get(name)
    if (line && line !== chosen) ledger.say('convert-note-idle', line.at, { what: name, format })
  }
  const fall = read(own.get('failurecount') ?? global.get('failurecount')) ?? 1
  return { intervalMs: interval * 1_000, timeoutMs: timeout * 1_000, fall }
}

interface Around {
  readonly port: number
  readonly protocol: Protocol
  readonly asked: Asked
  readonly service: string
  readonly vip?: string
  /** A port that is checked instead of that of the real server. */
  readonly checkPort?: number
}

const realShape = /^([\w.-]+|\[[^\]]*\])(?:->([\w.-]+|\[[^\]]*\]))?(?::([\w-]+))?\s+(gate|masq|ipip)\b(.*)$/

function readReal(line: Line, around: Around, names: ReadonlyMap<number, string>, ledger: Ledger): SiteServer[] {
  const match = realShape.exec(line.value)
  const [, first = '', last, portText, methodText = '', rest = ''] = match ?? []
  const port = portText === undefined ? 0 : portOf(portText)
  const method = methods[methodText]
  if (!match || method === undefined || port === undefined) {
    ledger.say(isIpv6(line.value.split(/\s/)[0] ?? '') ? 'convert-lost-ipv6' : 'convert-lost-value', line.at, {
      what: 'real',
    })
    return []
  }
  if (!isIpv4(first) && !isHostName(first)) {
    ledger.say(first.startsWith('[') ? 'convert-lost-ipv6' : 'convert-lost-value', line.at, { what: first })
    return []
  }
  const addresses = last === undefined ? [first] : addressesBetween(first, last)
  if (!addresses) {
    ledger.say('convert-lost-value', line.at, { what: `${first}->${last ?? ''}` })
    return []
  }
  let flags = rest
  const weightMatch = /^\s+(\d+)(.*)$/.exec(flags)
  const weight = wholeNumber(weightMatch?.[1]) ?? 1
  if (weightMatch) flags = weightMatch[2] ?? ''
  const pair = /^\s+"(.*)"[, ]\s*"(.*)"(.*)$/.exec(flags)
  if (pair) flags = pair[3] ?? ''
  const thresholds = flags.match(/\b[lu]:\d+/g)
  if (thresholds) {
    ledger.say('convert-lost-threshold', line.at, { what: thresholds.join(' ') })
    flags = flags.replace(/\b[lu]:\d+/g, '')
  }
  if (/\S/.test(flags)) ledger.say('convert-lost-word', line.at, { what: flags.trim(), format: 'lvs.cf' })
  if (addresses.length > 1) {
    ledger.say('convert-note-expanded', line.at, { what: `${first}->${last ?? ''}`, count: addresses.length })
  }
  const override = pair ? { request: pair[1] ?? '', receive: pair[2] ?? '' } : undefined
  const name = names.get(line.at.line)
  const made = checkOf(around, override, line, ledger)
  const off = around.asked.type === 'off'
  return addresses.map((address) => ({
    at: line.at,
    address,
    ...(name === undefined ? {} : { name }),
    port,
    weight,
    method,
    ...(off ? { active: false } : {}),
    ...(made ? { check: { at: line.at, parts: [], ...made } } : {}),
  }))
}

interface Made {
  readonly value: MeantCheck
  readonly exact: boolean
  readonly what: string
}

/** The check of one real server, with the port it is made on; undefined where ldirectord makes none. */
function checkOf(...given: Parameters<typeof checkAsked>): Made | undefined {
  const made = checkAsked(...given)
  const { checkPort } = given[0]
  return made && checkPort !== undefined ? { ...made, value: { ...made.value, port: checkPort } } : made
}

function checkAsked(
  around: Around,
  override: { readonly request: string; readonly receive: string } | undefined,
  line: Line,
  ledger: Ledger,
): Made | undefined {
  const { asked, service, protocol } = around
  // `none` is a service that is not looked at.
  if (asked.type === 'on' || asked.type === 'off') return undefined
  if (service === 'none' && (asked.type === 'negotiate' || /^\d+$/.test(asked.type))) return undefined
  if (asked.type === 'connect') return { value: connectCheck, exact: protocol === 'tcp', what: 'connect' }
  if (asked.type === 'ping') return { value: { ...connectCheck, chosen: { kind: 'ping' } }, exact: true, what: 'ping' }
  if (asked.type.startsWith('external')) {
    const command = asked.command && commandWords(unquoted(asked.command.value))
    if (asked.type === 'external' && asked.command && command?.[0]?.startsWith('/') && around.vip !== undefined) {
      // It is called with the virtual server and the real server, and its end is what counts.
      const words = [...command, around.vip, String(around.port), '%h', '%p']
      ledger.carried(asked.command.at)
      return { value: { ...connectCheck, chosen: { kind: 'script', words } }, exact: true, what: 'external' }
    }
    if (asked.command) ledger.say('convert-lost-check-option', asked.command.at, { what: 'checkcommand' })
    return { value: connectCheck, exact: false, what: asked.type }
  }
  const request = override?.request ?? (asked.request ? unquoted(asked.request.value) : '/')
  const receive = override?.receive ?? (asked.receive ? unquoted(asked.receive.value) : '')
  if (service === 'http' || service === 'https') {
    const path = request.startsWith('/') ? request : `/${request}`
    const host = asked.host ? unquoted(asked.host.value) : ''
    if (/[\s\p{Cc}]/u.test(path)) return { value: connectCheck, exact: false, what: service }
    const usable = receive !== '' && isPlainExpression(receive) && !('fault' in expressionOf(receive))
    if (receive !== '' && !usable) {
      if (override) ledger.say('convert-lost-check-option', line.at, { what: 'receive' })
      else if (asked.receive) ledger.say('convert-lost-check-option', asked.receive.at, { what: 'receive' })
    } else if (asked.receive && !override) ledger.carried(asked.receive.at)
    const named = host === '' ? {} : { host }
    const status: readonly StatusRange[] = [[200, 299]]
    const isHead = asked.head !== undefined && !usable
    if (asked.head && usable) ledger.say('convert-near-check', asked.head.at, { what: 'HEAD', used: 'GET' })
    const web = {
      path,
      ...named,
      method: isHead ? 'HEAD' : 'GET',
      status,
      ...(usable ? { bodyRegex: receive } : {}),
    } as const
    if (service === 'https') {
      const chosen: ChosenQuestion = { kind: 'https', ...web, verify: false, certDays: 0 }
      return { value: { ...connectCheck, chosen }, exact: true, what: service }
    }
    // Only the status line is sure to be in what nanny reads; the expression is about the page.
    const native = httpCheck({ path, version: '1.0', ranges: status, ...named })
    if (!usable && !isHead) return { value: native, exact: true, what: service }
    return { value: { ...native, chosen: { kind: 'http', ...web } }, exact: true, what: service }
  }
  const spoken = spokenCheck(around, request, receive, line, ledger)
  if (spoken) return spoken
  if (service === 'simpletcp') {
    const send = request.replace(/^\//, '').replaceAll('\\n', '\n')
    const value: MeantCheck = {
      kind: 'send-expect',
      ...(send === '' ? {} : { send }),
      ...(receive === '' ? {} : simpleExpect(receive)),
    }
    return { value, exact: receive === '' || isPlainExpression(receive), what: 'simpletcp' }
  }
  const greeting = greetings[service]
  if (greeting && protocol === 'tcp')
    return { value: { kind: 'send-expect', ...greeting }, exact: false, what: service }
  return { value: connectCheck, exact: false, what: service }
}

/** Services that Shoal greets in their own language; Piranha looks at what they say first, where they do. */
function spokenCheck(around: Around, request: string, receive: string, line: Line, ledger: Ledger): Made | undefined {
  const { service, protocol, asked } = around
  const greeting = greetings[service]
  const native: MeantCheck = greeting && protocol === 'tcp' ? { kind: 'send-expect', ...greeting } : { kind: 'connect' }
  const made = (chosen: ChosenQuestion, exact: boolean): Made => ({
    value: { ...native, chosen },
    exact,
    what: service,
  })
  switch (service) {
    case 'smtp':
    case 'submission':
      return made({ kind: 'smtp' }, true)
    case 'ldap':
      // With a request an entry is looked for, not only the door.
      return made({ kind: 'ldap' }, request === '/' && receive === '')
    case 'mysql':
      return made({ kind: 'mysql', user: 'shoal' }, false)
    case 'pgsql':
      return made({ kind: 'postgresql', user: 'shoal' }, false)
    case 'dns': {
      if (!/^[A-Za-z0-9_.-]+$/.test(request)) return undefined
      const isAddress = isIpv4(receive)
      if (receive !== '' && !isAddress) {
        ledger.say('convert-lost-check-option', asked.receive?.at ?? line.at, { what: 'receive' })
      } else if (asked.receive) ledger.carried(asked.receive.at)
      return made({ kind: 'dns', name: request, record: 'A', ...(isAddress ? { answer: receive } : {}) }, true)
    }
    default:
      return undefined
  }
}

/** `^HTTP` with nothing special behind it is the beginning of the answer, which needs no expression. */
function simpleExpect(receive: string): { readonly expect: string; readonly regex?: true } {
  if (/^\.[*+]?$/.test(receive)) return { expect: '*' }
  const plain = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[\\^$.*+?()[\]{}|/-])+)$/.exec(receive)?.[1]
  return plain === undefined ? { expect: receive, regex: true } : { expect: plain.replace(/\\(.)/g, '$1') }
}

/** Whether a Perl expression means the same as a POSIX one: no classes by letter, no look-around, no lazy repetition. */
function isPlainExpression(text: string): boolean {
  return !/\\[A-Za-z0-9]|\(\?|[*+?}][?+]/.test(text)
}

function readFallback(line: Line | undefined, ledger: Ledger): SiteService['sorry'] {
  if (!line) return undefined
  const [, host = '', portText, methodText] = /^([^\s:]+)(?::([\w-]+))?(?:\s+(gate|masq|ipip))?$/.exec(line.value) ?? []
  if (!isIpv4(host)) {
    // sorry_server takes an address only.
    ledger.say('convert-lost-value', line.at, { what: `fallback ${host}` })
    return undefined
  }
  const port = portText === undefined ? undefined : portOf(portText)
  const method = methodText === undefined ? undefined : methods[methodText]
  return {
    at: line.at,
    value: { address: host, ...(port === undefined ? {} : { port }), ...(method === undefined ? {} : { method }) },
  }
}
