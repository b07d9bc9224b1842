/**
 * Output of `ipvsadm-save -n` (or `ipvsadm -S`), and scripts made of ipvsadm commands → lvs.cf. The kernel's table has neither
 * directors nor health checks nor names: it says what is forwarded where, nothing else.
 */
import type { Forwarding, Protocol } from '../config.ts'
import { isIpv4 } from '../ipv4.ts'
import type { Setting } from '../lvscf/draft.ts'
import { tcpServicePort } from '../lvscf/services.ts'
import type { NeighboursCode } from '../speech/neighbours.ts'
import type { Imported } from './keepalived-import.ts'
import type { Ledger, Place } from './report.ts'
import { newLedger } from './report.ts'
import type { SiteServer, SiteService } from './site.ts'
import { draftOf, knownScheduler, maskPrefix } from './site.ts'
import type { CommentLine, Mark } from './words.ts'
import { isHostName, isIpv6, marksAbove, sortComments, wholeNumber } from './words.ts'

const format = 'ipvsadm'
const defaultPersistenceS = 300

interface Command {
  readonly at: Place
  /** Long names, without dashes; values as written, empty where an option has none. */
  readonly options: ReadonlyMap<string, string>
  /** Words that belong to nothing. */
  readonly rest: readonly string[]
}

const longNames: Readonly<Record<string, string>> = {
  A: 'add-service',
  E: 'edit-service',
  D: 'delete-service',
  C: 'clear',
  R: 'restore',
  S: 'save',
  a: 'add-server',
  e: 'edit-server',
  d: 'delete-server',
  L: 'list',
  l: 'list',
  Z: 'zero',
  t: 'tcp-service',
  u: 'udp-service',
  f: 'fwmark-service',
  s: 'scheduler',
  p: 'persistent',
  M: 'netmask',
  r: 'real-server',
  g: 'gatewaying',
  i: 'ipip',
  m: 'masquerading',
  w: 'weight',
  x: 'u-threshold',
  y: 'l-threshold',
  o: 'ops',
  b: 'sched-flags',
  n: 'numeric',
  '6': 'ipv6',
}

/** Options that always take a value; `persistent` takes one when a number follows. */
const valued = new Set([
  'tcp-service',
  'udp-service',
  'sctp-service',
  'fwmark-service',
  'scheduler',
  'netmask',
  'real-server',
  'weight',
  'u-threshold',
  'l-threshold',
  'sched-flags',
  'pe',
  'tun-type',
  'tun-port',
  'start-daemon',
  'stop-daemon',
  'mcast-interface',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'syncid',
  'sync-maxlen',
])
const flags = new Set([
  ...Object.values(longNames).filter((name) => !valued.has(name)),
  'sctp-service',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
  'set',
])

function commandOf(words: readonly string[], at: Place): Command | undefined {
  const options = new Map<string, string>()
  const rest: string[] = []
  let understood = false
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    let name: string | undefined
    let value: string | undefined
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      name = equals < 0 ? word.slice(2) : word.slice(2, equals)
      if (equals >= 0) value = word.slice(equals + 1)
    } else if (/^-[A-Za-z6]/.test(word)) {
      name = longNames[word.charAt(1)]
      if (word.length > 2) value = word.slice(2)
    }
    if (name === undefined || !(valued.has(name) || flags.has(name))) {
      rest.push(word)
      continue
    }
    understood = true
    if (value === undefined && valued.has(name)) value = words[++index]
    if (value === undefined && name === 'persistent' && /^\d+$/.test(words[index + 1] ?? '')) value = words[++index]
    if (name === 'set') {
      value = words.slice(index + 1, index + 4).join(' ')
      index += 3
    }
    options.set(name, value ?? '')
  }
  return understood ? { at, options, rest } : undefined
}

function parse(text: string): { commands: Command[]; comments: CommentLine[]; strays: Place[] } {
  const commands: Command[] = []
  const comments: CommentLine[] = []
  const strays: Place[] = []
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .forEach((whole, index) => {
      const first = whole.search(/\S/)
      if (first < 0) return
      const line = index + 1
      const at: Place = { line, column: first + 1, endLine: line, endColumn: whole.trimEnd().length + 1 }
      if (whole.charAt(first) === '#') {
        comments.push({ at, text: whole.trim() })
        return
      }
      const hash = whole.search(/\s#/)
      if (hash >= 0) comments.push({ at: { ...at, column: hash + 2 }, text: whole.slice(hash + 1).trimEnd() })
      const words = (hash < 0 ? whole : whole.slice(0, hash))
        .trim()
        .split(/\s+/)
        .map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
      const program = /(?:^|\/)ipvsadm$/i.test(words[0] ?? '') || /^\$\{?IPVSADM\}?$/.test(words[0] ?? '')
      const command = commandOf(program ? words.slice(1) : words, at)
      if (command) commands.push(command)
      else strays.push(at)
    })
  return { commands, comments, strays }
}

interface OpenService {
  readonly command: Command
  key: string
  vip?: string
  mark?: number
  protocol: Protocol
  port: number
  scheduler: { value: string; at: Place }
  persistentS?: number
  persistenceMask?: string
  name?: string
  servers: SiteServer[]
}

/** Reads a saved table. Never throws; what lvs.cf cannot say is in the report, line by line. */
export function importIpvsadm(text: string): Imported {
  const ledger = newLedger()
  const { commands, comments, strays } = parse(text)
  const marks = marksAbove(
    sortComments(comments, ledger),
    commands.map(({ at }) => at.line),
  )
  for (const at of strays) ledger.say('convert-lost-line', at, { format })
  const services = new Map<string, OpenService>()
  const settings = new Map<string, Setting>()
  for (const command of commands) {
    const own = marks.get(command.at.line) ?? []
    apply(command, own, services, settings, ledger)
  }
  const sites = [...services.values()].map(siteService)
  if (sites.length === 0) ledger.say('convert-unreadable-nothing', undefined, { format })
  const draft =
    sites.length === 0
      ? { settings: [], blocks: [] }
      : draftOf(
          { settings: [{ name: 'backup_active', value: '0' }, ...settings.values()], addresses: [], services: sites },
          ledger,
        )
  for (const list of marks.values()) {
    for (const mark of list) if (!ledger.settled(mark.at)) ledger.say('convert-note-comment', mark.at)
  }
  return { draft, report: ledger.report() }
}

function siteService(open: OpenService): SiteService {
  return {
    at: open.command.at,
    what: open.key,
    ...(open.name === undefined ? {} : { name: open.name }),
    ...(open.vip === undefined ? {} : { vip: open.vip }),
    ...(open.mark === undefined ? {} : { mark: open.mark }),
    protocol: open.protocol,
    port: open.port,
    scheduler: open.scheduler,
    ...(open.persistentS === undefined ? {} : { persistentS: open.persistentS }),
    ...(open.persistenceMask === undefined ? {} : { persistenceMask: open.persistenceMask }),
    servers: open.servers,
  }
}

function apply(
  command: Command,
  own: readonly Mark[],
  services: Map<string, OpenService>,
  settings: Map<string, Setting>,
  ledger: Ledger,
): void {
  const { options, at, rest } = command
  const say = (code: NeighboursCode, what: string): void => ledger.say(code, at, { what, format: 'lvs.cf' })
  if (rest.length > 0) ledger.say('convert-lost-unknown', at, { what: rest.join(' '), format })
  if (options.has('clear')) {
    // What was set up before is not in the table any more.
    for (const { command: gone, servers } of services.values()) {
      ledger.say('convert-lost-overridden', gone.at, { what: '-A' })
      for (const server of servers) ledger.say('convert-lost-overridden', server.at, { what: '-a' })
    }
    services.clear()
    ledger.carried(at)
    return
  }
  if (options.has('set')) {
    const numbers = (options.get('set') ?? '').split(' ').map((text) => wholeNumber(text))
    if (numbers.length !== 3 || numbers.includes(undefined)) return say('convert-lost-value', '--set')
    ;['tcp_timeout', 'tcpfin_timeout', 'udp_timeout'].forEach((name, index) => {
      settings.set(name, { name, value: String(numbers[index]) })
    })
    ledger.carried(at)
    return
  }
  if (options.has('start-daemon')) {
    const id = wholeNumber(options.get('syncid'), 255)
    settings.set('syncdaemon', { name: 'syncdaemon', value: '1' })
    const device = options.get('mcast-interface')
    if (device) settings.set('syncd_iface', { name: 'syncd_iface', value: device })
    if (id !== undefined) settings.set('syncd_id', { name: 'syncd_id', value: String(id) })
    const further = [...options.keys()].filter((name) => /^(?:mcast-(?:group|port|ttl)|sync-maxlen)$/.test(name))
    if (further.length > 0) say('convert-lost-word', further.join(', '))
    else ledger.carried(at)
    return
  }
  const service = options.has('add-service') || options.has('edit-service')
  const server = options.has('add-server') || options.has('edit-server')
  if (!service && !server) {
    const [what = '?'] = options.keys()
    return say('convert-lost-word', `--${what}`)
  }
  const target = targetOf(command, ledger)
  if (!target) return
  for (const { at: place, name } of own) if (name === 'name') ledger.carried(place)
  const marked = new Map(own.map(({ name, value }) => [name, value]))
  if (service) addService(command, target, marked, own, services, ledger)
  else addServer(command, target, marked.get('name'), services, ledger)
}

interface Target {
  readonly key: string
  readonly vip?: string
  readonly mark?: number
  readonly protocol: Protocol
  readonly port: number
}

/** `192.0.2.80:80`, `www.example.com:http` or a mark; says why when lvs.cf has no place for it. */
function targetOf({ options, at }: Command, ledger: Ledger): Target | undefined {
  const lost = (code: NeighboursCode, what: string): undefined => {
    ledger.say(code, at, { what })
    return undefined
  }
  if (options.has('sctp-service')) return lost('convert-lost-protocol', 'sctp')
  if (options.has('ipv6')) return lost('convert-lost-ipv6', '-6')
  const markText = options.get('fwmark-service')
  if (markText !== undefined) {
    // ipvsadm prints marks from 2^31 as negative numbers.
    const signed = wholeNumber(/^-(\d+)$/.exec(markText)?.[1], 0x8000_0000)
    const mark = signed === undefined ? wholeNumber(markText, 0xffff_ffff) : 2 ** 32 - signed
    if (mark === undefined || mark === 0) return lost('convert-lost-value', `-f ${markText}`)
    return { key: `-f ${mark}`, mark, protocol: 'tcp', port: 80 }
  }
  const protocol: Protocol = options.has('udp-service') ? 'udp' : 'tcp'
  const text = options.get('udp-service') ?? options.get('tcp-service')
  if (text === undefined) return lost('convert-lost-value', 'virtual service')
  if (isIpv6(text) || text.startsWith('[')) return lost('convert-lost-ipv6', text)
  const [host = '', portText = '0'] = text.split(':')
  const port = readPort(portText)
  if (!(isIpv4(host) || isHostName(host)) || port === undefined) return lost('convert-lost-value', text)
  return { key: `${protocol} ${host}:${port}`, vip: host, protocol, port }
}

function readPort(text: string): number | undefined {
  return wholeNumber(text, 65_535) ?? tcpServicePort(text)
}

function addService(
  { options, at }: Command,
  target: Target,
  marked: ReadonlyMap<string, string>,
  own: readonly Mark[],
  services: Map<string, OpenService>,
  ledger: Ledger,
): void {
  const scheduler = options.get('scheduler') ?? 'wlc'
  if (!knownScheduler(scheduler)) ledger.say('convert-lost-value', at, { what: `-s ${scheduler}` })
  const mask = options.get('netmask')
  if (mask !== undefined && maskPrefix(mask) === undefined) ledger.say('convert-lost-value', at, { what: `-M ${mask}` })
  const refined = ['sched-flags', 'ops', 'pe'].filter((name) => options.has(name))
  if (refined.length > 0) {
    ledger.say('convert-lost-scheduling', at, { what: refined.map((name) => `--${name}`).join(' ') })
  }
  const persistent = options.has('persistent')
    ? (wholeNumber(options.get('persistent') || String(defaultPersistenceS)) ?? defaultPersistenceS)
    : undefined
  if (target.mark === undefined && target.port === 0) ledger.say('convert-near-any-port', at, { what: target.key })
  if (!ledger.settled(at)) ledger.carried(at)
  const isMark = target.mark !== undefined
  for (const { at: place, name } of own) {
    if (isMark && ['port', 'protocol', 'address'].includes(name)) ledger.carried(place)
  }
  const markedPort = isMark ? readPort(marked.get('port') ?? '') : undefined
  const placed = isMark ? marked.get('address') : undefined
  const vip = target.vip ?? (placed !== undefined && isIpv4(placed) ? placed : undefined)
  const name = marked.get('name')
  const before = services.get(target.key)
  if (before) ledger.say('convert-lost-overridden', before.command.at, { what: '-A' })
  services.set(target.key, {
    command: { options, at, rest: [] },
    key: target.key,
    ...(vip === undefined ? {} : { vip }),
    ...(target.mark === undefined ? {} : { mark: target.mark }),
    protocol: isMark && marked.get('protocol') === 'udp' ? 'udp' : target.protocol,
    port: markedPort ?? target.port,
    scheduler: { value: knownScheduler(scheduler) ? scheduler : 'wlc', at },
    ...(persistent === undefined ? {} : { persistentS: persistent }),
    ...(mask === undefined || maskPrefix(mask) === undefined ? {} : { persistenceMask: mask }),
    ...(name === undefined ? {} : { name }),
    servers: services.get(target.key)?.servers ?? [],
  })
}

function addServer(
  { options, at }: Command,
  target: Target,
  name: string | undefined,
  services: Map<string, OpenService>,
  ledger: Ledger,
): void {
  const service = services.get(target.key)
  const text = options.get('real-server') ?? ''
  const [host = '', portText] = text.split(':')
  if (isIpv6(text) || text.startsWith('[')) return ledger.say('convert-lost-ipv6', at, { what: text })
  const port = portText === undefined ? 0 : readPort(portText)
  if (!service || !(isIpv4(host) || isHostName(host)) || port === undefined) {
    return ledger.say('convert-lost-value', at, { what: `-r ${text}` })
  }
  const method: Forwarding = options.has('masquerading') ? 'nat' : options.has('ipip') ? 'tunnel' : 'direct'
  const weight = wholeNumber(options.get('weight')) ?? 1
  const limits = ['u-threshold', 'l-threshold'].filter((one) => options.has(one) && options.get(one) !== '0')
  if (limits.length > 0) {
    ledger.say('convert-lost-threshold', at, {
      what: limits.map((one) => `--${one} ${options.get(one) ?? ''}`).join(' '),
    })
  }
  const tunnel = options.get('tun-type')
  const sums = ['tun-port', 'tun-csum', 'tun-remcsum'].filter((one) => options.has(one))
  if ((tunnel !== undefined && tunnel !== 'ipip') || sums.length > 0) {
    ledger.say('convert-lost-tunnel', at, { what: [tunnel ?? '', ...sums].join(' ').trim() })
  }
  const server: SiteServer = { at, address: host, port, weight, method, ...(name === undefined ? {} : { name }) }
  const same = service.servers.findIndex((one) => one.address === host && (one.port ?? 0) === port)
  if (same >= 0) {
    const before = service.servers[same]
    if (before) ledger.say('convert-lost-overridden', before.at, { what: `-r ${text}` })
    service.servers[same] = server
  } else service.servers.push(server)
}
