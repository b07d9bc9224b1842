/**
 * lvs.cf → keepalived.conf, one file for each director: a VRRP instance that holds all virtual IPs (they move together in lvs.cf), and a
 * virtual_server for each virtual server. What keepalived has no word for but a reader of the file wants (names) stands in it as
 * `# shoal: name = value`, as in lvs.cf.
 */
import type { CheckPlace, CheckTiming, ChosenQuestion, PiranhaQuestion } from '../checks.ts'
import { isPiranhas } from '../checks.ts'
import type { FloatingAddress, Forwarding, RealServer, VirtualServer } from '../config.ts'
import { prefixToMask } from '../ipv4.ts'
import type { MeantCheck } from './checks.ts'
import { hexOf, httpOf, shellJudge, chosenKeys } from './checks.ts'
import { keepalivedWord } from './keepalived-syntax.ts'
import type { Ledger, Report } from './report.ts'
import { newLedger } from './report.ts'
import { wholeSeconds } from './site.ts'
import type { ExportedFile, Source, SourceServer, SourceVirtual } from './source.ts'
import { carryLines, commentedOut, interfaceOf, readSource, sayInactive, sayLines } from './source.ts'

const format = 'keepalived.conf'
const kinds: Readonly<Record<Forwarding, string>> = { nat: 'NAT', direct: 'DR', tunnel: 'TUN' }
const primaryPriority = 150
const backupPriority = 100
const defaultRouterId = 51
const instanceName = 'LVS'
/** VRRP version 2 counts whole seconds up to this; version 3 hundredths up to the other. */
const advertMaxV2Ms = 255_000
const advertMaxV3Ms = 40_950
const advertStepMs = 10
const downAdvertsMax = 100
/** Addresses one advert can name; more go into the excluded list. */
const advertAddresses = 20

export interface ExportOptions {
  /** keepalived: the virtual_router_id, 1 to 255. */
  readonly virtualRouterId?: number
}

export interface Exported {
  /** Empty when the lvs.cf could not be read. */
  readonly files: readonly ExportedFile[]
  readonly report: Report
}

/** Writes keepalived.conf for both directors. Never throws. */
export function exportKeepalived(text: string, options: ExportOptions = {}): Exported {
  const ledger = newLedger()
  const source = readSource(text, ledger)
  if (!source) return { files: [], report: ledger.report() }
  const services = source.virtuals.flatMap((virtual) => [
    '',
    ...virtualLines(virtual, source.config.forwarding, ledger),
  ])
  const vrrp = readVrrp(source, options, ledger)
  const { config } = source
  const both = config.backupActive && config.backup !== undefined
  const directors = both ? (['primary', 'backup'] as const) : (['primary'] as const)
  const files = directors.map((director): ExportedFile => {
    const lines = [...globalLines(source, vrrp), '', ...instanceLines(source, vrrp, director), ...services]
    return {
      name: director === 'primary' ? 'keepalived.conf' : 'keepalived.backup.conf',
      director: both ? director : 'either',
      text: `${lines.join('\n')}\n`,
    }
  })
  source.sweep(format)
  return { files, report: ledger.report() }
}

function seconds(ms: number): string {
  return String(ms / 1_000)
}

interface Vrrp {
  readonly version: 2 | 3
  readonly advertMs: number
  readonly downAdverts: number
  readonly routerId: number
  readonly addresses: readonly FloatingAddress[]
  readonly notify: readonly string[]
  readonly garp: readonly string[]
}

/** What of lvs.cf becomes VRRP. */
function readVrrp(source: Source, options: ExportOptions, ledger: Ledger): Vrrp {
  const { config, lines } = source
  const { keepaliveMs, deadtimeMs } = config.heartbeat
  const version = keepaliveMs % 1_000 === 0 && keepaliveMs <= advertMaxV2Ms ? 2 : 3
  const step = version === 2 ? 1_000 : advertStepMs
  const most = version === 2 ? advertMaxV2Ms : advertMaxV3Ms
  const advertMs = Math.min(most, Math.max(step, Math.round(keepaliveMs / step) * step))
  const downAdverts = Math.min(downAdvertsMax, Math.max(1, Math.round(deadtimeMs / advertMs)))
  const beats = ['#keepalive_ms', 'keepalive']
  if (advertMs !== keepaliveMs) {
    const detail = (what: string) => ({ what, used: `advert_int ${seconds(advertMs)}` })
    sayLines(lines, beats, 'convert-near-number', detail, ledger)
  } else carryLines(lines, beats, ledger)
  const used = `down_timer_adverts ${downAdverts} × ${seconds(advertMs)} s`
  sayLines(lines, ['#deadtime_ms', 'deadtime'], 'convert-near-timing-out', (what) => ({ what, used }), ledger)
  carryLines(lines, ['primary', 'network', 'monitor_links', '#failback', '#failback_delay_ms'], ledger)
  const both = config.backupActive && config.backup !== undefined
  if (both) carryLines(lines, ['backup', 'backup_active'], ledger)
  else if (config.backup) {
    sayLines(lines, ['backup'], 'convert-lost-inactive', (name) => ({ name, format }), ledger)
  }
  const paths = [
    ['primary_private', config.primary],
    ['backup_private', config.backup],
  ] as const
  for (const [key, director] of paths) {
    if (director?.private !== undefined && both) {
      sayLines(lines, [key], 'convert-lost-path', (what) => ({ what, format }), ledger)
    } else carryLines(lines, [key], ledger)
  }
  if (config.heartbeat.more && both) {
    sayLines(lines, ['#heartbeat_paths'], 'convert-lost-path', (what) => ({ what, format }), ledger)
  } else carryLines(lines, ['#heartbeat_paths'], ledger)
  if (config.natRouter) carryLines(lines, ['nat_router', 'nat_nmask'], ledger)
  if (config.syncDaemon) carryLines(lines, ['syncdaemon', 'syncd_iface', 'syncd_id'], ledger)
  carryLines(lines, ['tcp_timeout', 'tcpfin_timeout', 'udp_timeout'], ledger)
  if (options.virtualRouterId === undefined) {
    ledger.say('convert-note-assumed', undefined, { what: 'virtual_router_id', used: defaultRouterId })
  }
  return {
    version,
    advertMs,
    downAdverts,
    routerId: options.virtualRouterId ?? defaultRouterId,
    addresses: readAddresses(source, ledger),
    notify: readNotify(source, ledger),
    garp: readGarp(source, ledger),
  }
}

/** Every virtual IP once, as its first active virtual server has it, and the NAT router. */
function readAddresses(source: Source, ledger: Ledger): FloatingAddress[] {
  const found = new Map<string, FloatingAddress>()
  for (const { virtual, lines } of source.virtuals) {
    if (!virtual?.active) continue
    const before = found.get(virtual.vip.address)
    if (before && (before.device !== virtual.vip.device || before.prefix !== virtual.vip.prefix)) {
      for (const key of ['address', 'vip_nmask']) {
        const line = lines.get(key)
        if (line) ledger.say('convert-lost-overridden', line.at, { what: `${key} = ${line.value}` })
      }
    } else carryLines(lines, ['address', 'vip_nmask'], ledger)
    if (!before) found.set(virtual.vip.address, virtual.vip)
  }
  const router = source.config.natRouter
  if (router && !found.has(router.address)) found.set(router.address, router)
  return [...found.values()]
}

function readNotify(source: Source, ledger: Ledger): string[] {
  const lines: string[] = []
  for (const [key, word] of [
    ['active_cmd', 'notify_master'],
    ['inactive_cmd', 'notify_backup'],
  ] as const) {
    const line = source.lines.get(key)
    if (!line || line.value === '') continue
    lines.push(`${word} ${keepalivedWord(line.value)}`)
    ledger.say('convert-near-command', line.at, { what: key, used: word })
  }
  return lines
}

function readGarp(source: Source, ledger: Ledger): string[] {
  const keys = ['#announce_burst', '#announce_repeat_ms', '#announce_refresh_ms']
  if (!keys.some((key) => source.lines.has(key))) return []
  const { burst, repeatMs, refreshMs } = source.config.announce
  // keepalived repeats the burst once, after whole seconds.
  const last = repeatMs.at(-1) ?? 0
  const delayS = last === 0 ? 0 : Math.max(1, Math.round(last / 1_000))
  const refreshS = refreshMs === 0 ? 0 : Math.max(1, Math.round(refreshMs / 1_000))
  carryLines(source.lines, ['#announce_burst'], ledger)
  const settle = (key: string, exact: boolean, used: string): void => {
    if (exact) carryLines(source.lines, [key], ledger)
    else sayLines(source.lines, [key], 'convert-near-announce', (what) => ({ what, used }), ledger)
  }
  const sameRepeat = repeatMs.length <= 1 && delayS * 1_000 === last
  settle('#announce_repeat_ms', sameRepeat, `vrrp_garp_master_delay ${delayS}`)
  settle('#announce_refresh_ms', refreshS * 1_000 === refreshMs, `vrrp_garp_master_refresh ${refreshS}`)
  return [
    `vrrp_garp_master_repeat ${burst}`,
    `vrrp_garp_master_delay ${delayS}`,
    `vrrp_garp_master_refresh ${refreshS}`,
  ]
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? line : `    ${line}`))
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...indented(lines), '}']
}

function globalLines(source: Source, vrrp: Vrrp): string[] {
  const { timeouts, syncDaemon } = source.config
  const timing = [
    ...(timeouts.tcpS > 0 ? [`tcp ${timeouts.tcpS}`] : []),
    ...(timeouts.tcpFinS > 0 ? [`tcpfin ${timeouts.tcpFinS}`] : []),
    ...(timeouts.udpS > 0 ? [`udp ${timeouts.udpS}`] : []),
  ]
  const programs = source.virtuals.some(({ virtual }) => virtual?.active && virtual.check.kind === 'program')
  const scripts = vrrp.notify.length > 0 || programs
  return block('global_defs', [
    ...(vrrp.version === 3 ? ['vrrp_version 3'] : []),
    ...(scripts ? ['script_user root', 'enable_script_security'] : []),
    ...(timing.length > 0 ? [`lvs_timeouts ${timing.join(' ')}`] : []),
    ...(syncDaemon ? [`lvs_sync_daemon ${syncDaemon.device} inst ${instanceName} id ${syncDaemon.id}`] : []),
    ...vrrp.garp,
  ])
}

function addressLine(one: FloatingAddress): string {
  const label = one.device.includes(':') ? ` label ${one.device}` : ''
  return `${one.address}/${one.prefix ?? 32} dev ${interfaceOf(one.device)}${label}`
}

function instanceLines(source: Source, vrrp: Vrrp, director: 'primary' | 'backup'): string[] {
  const { config } = source
  const [own, peer] = director === 'primary' ? [config.primary, config.backup] : [config.backup, config.primary]
  const device = interfaceOf(vrrp.addresses[0]?.device ?? config.syncDaemon?.device ?? 'eth0')
  const both = config.backupActive && config.backup !== undefined
  const advertised = vrrp.addresses.slice(0, advertAddresses)
  const excluded = vrrp.addresses.slice(advertAddresses)
  const delayMs = config.failback.delayMs
  return block(`vrrp_instance ${instanceName}`, [
    // Both begin as BACKUP, since nopreempt and preempt_delay count only then.
    'state BACKUP',
    `interface ${device}`,
    `virtual_router_id ${vrrp.routerId}`,
    `priority ${director === 'primary' ? primaryPriority : backupPriority}`,
    `advert_int ${seconds(vrrp.advertMs)}`,
    ...(vrrp.downAdverts === 3 ? [] : [`down_timer_adverts ${vrrp.downAdverts}`]),
    ...(config.failback.auto
      ? delayMs > 0
        ? [`preempt_delay ${seconds(Math.min(delayMs, 1_000_000))}`]
        : []
      : ['nopreempt']),
    ...(config.monitorLinks ? [] : ['dont_track_primary']),
    ...(own ? [`${both ? 'unicast_src_ip' : 'mcast_src_ip'} ${own.public}`] : []),
    ...(both && peer ? block('unicast_peer', [peer.public]) : []),
    ...(advertised.length > 0 ? block('virtual_ipaddress', advertised.map(addressLine)) : []),
    ...(excluded.length > 0 ? block('virtual_ipaddress_excluded', excluded.map(addressLine)) : []),
    ...vrrp.notify,
  ])
}

function virtualLines(source: SourceVirtual, forwarding: Forwarding, ledger: Ledger): string[] {
  const { virtual, lines, name } = source
  if (!virtual) {
    sayInactive(source, format, ledger)
    return [`# ${name}: not active and not complete`]
  }
  const checker = checkerOf(virtual)
  const body = bodyOf(source, virtual, forwarding, checker, ledger)
  if (!virtual.active) {
    sayInactive(source, format, ledger)
    return commentedOut(body)
  }
  const { check } = virtual
  if ((check.kind === 'program' || check.kind === 'script') && check.timeoutMs % 1_000 !== 0) {
    const used = `misc_timeout ${wholeSeconds(check.timeoutMs)}`
    sayLines(lines, ['#check_timeout_ms'], 'convert-near-number', (what) => ({ what, used }), ledger)
  }
  if (!source.servers.some(({ real }) => real?.active)) {
    const perServer = [
      ...['send', 'expect', 'send_program', 'quiesce_server', 'timeout', '#check_timeout_ms', '#fall'],
      ...chosenKeys,
    ]
    // keepalived ignores a virtual server without real servers altogether.
    ledger.say('convert-lost-no-server', source.at, { what: `virtual ${name}`, format })
    sayLines(lines, perServer, 'convert-lost-no-server', (what) => ({ what, format }), ledger)
  }
  carryLines(
    lines,
    ['active', 'fwmark', 'port', 'protocol', 'scheduler', 'persistent', 'pmask', 'sorry_server'],
    ledger,
  )
  carryLines(lines, ['quiesce_server', 'timeout', '#check_interval_ms', '#check_timeout_ms', '#fall'], ledger)
  sayCheck(source, virtual, checker, ledger)
  if (check.rise > 1) {
    const detail = (what: string) => ({ what, count: check.rise, format })
    const keys = lines.has('#rise') ? ['#rise'] : ['reentry']
    sayLines(lines, keys, 'convert-near-rise', detail, ledger, source.at)
  }
  carryLines(lines, ['reentry', '#rise'], ledger)
  if (virtual.loadMonitor !== undefined) {
    sayLines(lines, ['load_monitor'], 'convert-lost-load', (what) => ({ what, format }), ledger)
  }
  return body
}

function sayCheck(source: SourceVirtual, virtual: VirtualServer, checker: Checker, ledger: Ledger): void {
  const { lines } = source
  const { check } = virtual
  const native = ['send_program', 'send', 'expect', 'use_regex']
  if (check.viaVip) sayLines(lines, ['#check_via'], 'convert-lost-word', (what) => ({ what, format }), ledger)
  if (!isPiranhas<CheckTiming & CheckPlace>(check)) {
    // What Piranha would do with the same file.
    const idle = check.kind === 'udp' ? ['send_program'] : native
    sayLines(lines, idle, 'convert-note-unused', (what) => ({ what }), ledger)
  }
  if (check.kind === 'program' && check.port !== undefined) {
    // A program has no port of its own there; it is among its words, where it is used at all.
    sayLines(lines, ['#check_port'], 'convert-lost-word', (what) => ({ what, format }), ledger)
  }
  const keys = [...native, ...chosenKeys]
  if (check.kind === 'program') {
    sayLines(lines, ['send'], 'convert-note-unused', () => ({ what: 'send' }), ledger)
  }
  if (!checker.exact && source.servers.some(({ real }) => real?.active)) {
    const said = isPiranhas<CheckTiming & CheckPlace>(check)
      ? native.filter((key) => key !== 'use_regex' && !(key === 'send' && check.kind === 'program'))
      : [...(check.kind === 'udp' ? ['send', 'expect'] : []), ...chosenKeys.filter((key) => key !== '#check_via')]
    const detail = (what: string) => ({ what, used: checker.kind })
    sayLines(lines, said, 'convert-near-check', detail, ledger, source.at)
  }
  carryLines(lines, keys, ledger)
}

function bodyOf(
  source: SourceVirtual,
  virtual: VirtualServer,
  forwarding: Forwarding,
  checker: Checker,
  ledger: Ledger,
): string[] {
  const marked = virtual.fwmark !== undefined
  const { check } = virtual
  const marks = [
    `name = ${source.name}`,
    ...(marked ? [`address = ${virtual.vip.address}`, `port = ${virtual.port}`, `protocol = ${virtual.protocol}`] : []),
  ]
  const head = marked
    ? `virtual_server fwmark ${virtual.fwmark ?? 0}`
    : `virtual_server ${virtual.vip.address} ${virtual.port}`
  const persistence = virtual.persistentS === undefined ? [] : [`persistence_timeout ${virtual.persistentS}`]
  const prefix = virtual.persistentPrefix
  return [
    ...marks.map((mark) => `# shoal: ${mark}`),
    ...block(head, [
      `delay_loop ${seconds(check.intervalMs)}`,
      `lb_algo ${virtual.scheduler}`,
      `lb_kind ${kinds[forwarding]}`,
      ...persistence,
      ...(prefix === undefined ? [] : [`persistence_granularity ${prefixToMask(prefix)}`]),
      // keepalived ignores the protocol of a mark, and says so.
      ...(marked ? [] : [`protocol ${virtual.protocol.toUpperCase()}`]),
      'alpha',
      ...(virtual.sorryServer === undefined
        ? []
        : [`sorry_server ${virtual.sorryServer}${marked ? '' : ` ${virtual.port}`}`]),
      ...source.servers.flatMap((server) => serverLines(server, virtual, checker, ledger)),
    ]),
  ]
}

function serverLines(source: SourceServer, virtual: VirtualServer, checker: Checker, ledger: Ledger): string[] {
  const { real, lines, name } = source
  if (virtual.active) carryLines(lines, ['active', 'address', 'port', 'weight'], ledger)
  if (!real) {
    if (virtual.active) ledger.say('convert-lost-inactive', lines.get('active')?.at ?? source.at, { name, format })
    return [`# ${name}: not active and not complete`]
  }
  const marked = virtual.fwmark !== undefined
  if (marked && virtual.active && real.active && real.port !== virtual.port) {
    sayLines(lines, ['port'], 'convert-lost-word', (what) => ({ what, format }), ledger)
  }
  const shown = [
    `# shoal: name = ${name}`,
    ...block(`real_server ${real.address}${marked ? '' : ` ${real.port}`}`, [
      `weight ${real.weight}`,
      ...(virtual.quiesce ? ['inhibit_on_failure'] : []),
      ...checker.lines(real),
    ]),
  ]
  if (real.active) return shown
  if (virtual.active) ledger.say('convert-lost-inactive', lines.get('active')?.at ?? source.at, { name, format })
  return commentedOut(shown)
}

/** Failures until a server goes. Only a checker takes 0; virtual and real servers refuse it. */
function retryLines({ fall, intervalMs }: CheckTiming): string[] {
  return [`retry ${fall - 1}`, ...(fall > 1 ? [`delay_before_retry ${seconds(intervalMs)}`] : [])]
}

interface Checker {
  readonly kind: string
  /** Whether it judges as the check of lvs.cf does. */
  readonly exact: boolean
  readonly lines: (real: RealServer) => string[]
}

/** The checker of keepalived for the check of a virtual server. */
function checkerOf(virtual: VirtualServer): Checker {
  const { check, protocol } = virtual
  const marked = virtual.fwmark !== undefined
  const common = (real: RealServer): string[] => [
    `connect_timeout ${seconds(check.timeoutMs)}`,
    ...retryLines(check),
    ...(check.port !== undefined || marked ? [`connect_port ${check.port ?? (real.port || virtual.port)}`] : []),
  ]
  const plain = (exact: boolean): Checker =>
    protocol === 'udp'
      ? { kind: 'UDP_CHECK', exact, lines: (real) => block('UDP_CHECK', common(real)) }
      : { kind: 'TCP_CHECK', exact, lines: (real) => block('TCP_CHECK', common(real)) }
  if (!isPiranhas<CheckTiming & CheckPlace>(check)) return chosenChecker(virtual, check, common) ?? plain(false)
  if (check.kind === 'connect') return plain(true)
  if (check.kind === 'program') return programChecker(virtual, check)
  const meant: MeantCheck = { ...check, kind: 'send-expect' }
  const http = protocol === 'tcp' ? httpOf(meant) : undefined
  if (http) {
    const codes = http.ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(' ')
    return {
      kind: `HTTP_GET ${http.path} ${codes}`,
      exact: http.exact,
      lines: (real) =>
        block('HTTP_GET', [
          ...common(real),
          ...(http.version === '1.0' ? [] : [`http_protocol ${http.version}`]),
          ...block('url', [
            `path ${keepalivedWord(http.path)}`,
            `status_code ${codes}`,
            ...(http.host === undefined ? [] : [`virtualhost ${keepalivedWord(http.host)}`]),
          ]),
        ]),
    }
  }
  if (protocol === 'udp') return udpChecker(check, common) ?? plain(false)
  if (check.send === undefined && !check.regex && check.expect?.startsWith('220')) {
    return { kind: 'SMTP_CHECK', exact: false, lines: (real) => block('SMTP_CHECK', common(real)) }
  }
  // Any answer at all: connecting sees less, since nothing is asked.
  return plain(false)
}

/** The checker for a kind that `# shoal: check` chose; undefined where keepalived has no word for it. */
function chosenChecker(
  virtual: VirtualServer,
  check: ChosenQuestion & CheckTiming & CheckPlace,
  common: (real: RealServer) => string[],
): Checker | undefined {
  const checker = (
    kind: string,
    exact: boolean,
    lines: (real: RealServer) => readonly string[] = () => [],
  ): Checker => ({
    kind,
    exact,
    lines: (real) => block(kind, [...common(real), ...lines(real)]),
  })
  switch (check.kind) {
    case 'http':
    case 'https': {
      const codes = check.status.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(' ')
      const asksMore = check.method !== 'GET' || check.body !== undefined || check.bodyRegex !== undefined
      const asksCertificate = check.kind === 'https' && (check.verify || check.certDays > 0)
      return checker(check.kind === 'http' ? 'HTTP_GET' : 'SSL_GET', !asksMore && !asksCertificate, () => [
        'http_protocol 1.1',
        ...block('url', [
          `path ${keepalivedWord(check.path)}`,
          `status_code ${codes}`,
          ...(check.host === undefined ? [] : [`virtualhost ${keepalivedWord(check.host)}`]),
        ]),
      ])
    }
    case 'smtp':
      return checker('SMTP_CHECK', true, () => (check.host === undefined ? [] : [`helo_name ${check.host}`]))
    case 'dns':
      // keepalived asks over UDP and takes any answer without an error.
      return checker(
        'DNS_CHECK',
        virtual.protocol === 'udp' && check.answer === undefined && check.record !== 'PTR' && check.record !== 'SRV',
        () => [`type ${check.record === 'PTR' || check.record === 'SRV' ? 'SOA' : check.record}`, `name ${check.name}`],
      )
    case 'ping':
      return { kind: 'PING_CHECK', exact: check.port === undefined, lines: () => block('PING_CHECK', pingLines(check)) }
    case 'udp':
      return check.send === undefined && check.expect === undefined
        ? checker('UDP_CHECK', virtual.protocol === 'udp')
        : virtual.protocol === 'udp'
          ? withoutExactness(udpChecker(check, common))
          : undefined
    case 'script': {
      const hasBlanks = check.words.some((word) => /[\s"'\\]/.test(word) || word === '')
      const command = (real: RealServer): string =>
        check.words
          .map((word) =>
            word.replaceAll('%h', real.address).replaceAll('%p', String(check.port ?? (real.port || virtual.port))),
          )
          .join(' ')
      const isWhole = check.words.every((word) => !/%[hp]/.test(word) || word === '%h' || word === '%p')
      // A number of the command that is the port by chance would come back as %p.
      const byChance = virtual.realServers.some(({ address, port }) =>
        check.words.slice(1).some((word) => word === address || word === String(port || virtual.port)),
      )
      const otherPort = virtual.fwmark !== undefined && check.words.includes('%p')
      return {
        kind: 'MISC_CHECK',
        exact: !hasBlanks && isWhole && !byChance && !otherPort && check.port === undefined,
        lines: (real) =>
          block('MISC_CHECK', [
            `misc_path ${keepalivedWord(command(real))}`,
            `misc_timeout ${wholeSeconds(check.timeoutMs)}`,
            ...retryLines(check),
          ]),
      }
    }
    case 'ldap':
    case 'mysql':
    case 'postgresql':
    case 'redis':
      return undefined
  }
}

function pingLines(check: CheckTiming): string[] {
  return [`connect_timeout ${seconds(check.timeoutMs)}`, ...retryLines(check)]
}

/** The way back takes such a check for one of Piranha's. */
function withoutExactness(checker: Checker | undefined): Checker | undefined {
  return checker && { ...checker, exact: false }
}

function udpChecker(
  check: Pick<PiranhaQuestion, 'send' | 'expect' | 'regex'>,
  common: (real: RealServer) => string[],
): Checker | undefined {
  const send = check.send === undefined ? undefined : hexOf(check.send)
  const any = check.expect === undefined || check.expect === '*' || check.expect === ''
  const expect = any ? '' : hexOf(check.expect ?? '')
  if (send === undefined || send === '' || expect === undefined || (check.regex && !any)) return undefined
  return {
    kind: 'UDP_CHECK',
    exact: check.expect !== undefined,
    lines: (real) =>
      block('UDP_CHECK', [
        ...common(real),
        `payload ${send}`,
        `require_reply${expect === '' ? '' : ` ${expect}`}`,
        ...(expect === '' ? [] : [`min_reply_length ${check.expect?.length ?? 0}`]),
      ]),
  }
}

function programChecker(virtual: VirtualServer, check: PiranhaQuestion & CheckTiming & CheckPlace): Checker {
  const commandFor = (real: RealServer): string =>
    (check.program ?? '')
      .split(' ')
      .map((word) =>
        word === '%h' ? real.address : word === '%p' ? String(check.port ?? (real.port || virtual.port)) : word,
      )
      .join(' ')
  const otherPort = virtual.realServers.some(({ active, port }) => active && port !== virtual.port)
  const judged = check.expect === undefined ? undefined : shellJudge(check.program ?? '', check.expect)
  return {
    kind: 'MISC_CHECK',
    // The real servers of a mark have no port of their own in keepalived, so %p is not found again.
    exact:
      judged !== undefined &&
      check.port === undefined &&
      !(virtual.fwmark !== undefined && otherPort && / %p( |$)/.test(check.program ?? '')),
    lines: (real) => {
      const command = commandFor(real)
      // Where its output cannot be judged by a shell, its exit status is.
      const judge = check.expect === undefined ? undefined : shellJudge(command, check.expect)
      return block('MISC_CHECK', [
        `misc_path ${keepalivedWord(judge ?? command)}`,
        `misc_timeout ${wholeSeconds(check.timeoutMs)}`,
        ...retryLines(check),
      ])
    },
  }
}
