/**
 * keepalived.conf → lvs.cf. The VRRP instances give the two directors, their timing and the devices of the virtual IPs; each
 * virtual_server a virtual server. What keepalived says per real server and lvs.cf once (method, check) is settled in site.ts.
 */
import type { Forwarding, Protocol } from '../config.ts'
import { isIpv4 } from '../ipv4.ts'
import type { Draft, Setting } from '../lvscf/draft.ts'
import type { NeighboursCode } from '../speech/neighbours.ts'
import type { ChosenQuestion, DnsRecord, StatusRange } from '../checks.ts'
import { commandWords, dnsRecords } from '../checks.ts'
import type { HttpCheck, MeantCheck } from './checks.ts'
import { connectCheck, httpCheck, judgedProgram, textOfHex } from './checks.ts'
import type { Node, Parsed } from './keepalived-syntax.ts'
import { parseKeepalived } from './keepalived-syntax.ts'
import type { Ledger, Place, Report } from './report.ts'
import { newLedger } from './report.ts'
import type { SiteAddress, SiteServer, SiteService } from './site.ts'
import { draftOf, knownScheduler, maskPrefix } from './site.ts'
import type { Mark } from './words.ts'
import { addressesOf, isIpv6, marksAbove, millisecondsOf, portOf, sortComments, wholeNumber } from './words.ts'

/** What keepalived takes where nothing is said (keepalived.conf(5)). */
const defaultDelayLoopMs = 60_000
const defaultConnectTimeoutMs = 5_000
const defaultPersistenceS = 360
const defaultAdvertMs = 1_000
const defaultDownAdverts = 3
const defaultPriority = 100
const defaultGarpDelayMs = 5_000
const defaultGarpRepeat = 5
const retryDefaults: Readonly<Record<string, number>> = { DNS_CHECK: 3, MISC_CHECK: 0 }
const usualRetry = 1

const checkWords = new Set([
  'TCP_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'SMTP_CHECK',
  'MISC_CHECK',
  'DNS_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
  'BFD_CHECK',
  'FILE_CHECK',
])

const lossTable: Readonly<Partial<Record<NeighboursCode, string>>> = {
  'convert-lost-alert': `notification_email notification_email_from smtp_server smtp_helo_name smtp_connect_timeout smtp_alert
    smtp_alert_vrrp smtp_alert_checker no_email_faults no_checker_emails email_faults enable_traps snmp_socket enable_snmp_keepalived
    enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_dbus dbus_service_name`,
  'convert-lost-script': `notify notify_master notify_backup notify_fault notify_stop notify_deleted notify_up notify_down
    notify_master_rx_lower_pri notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo
    lvs_notify_fifo_script quorum_up quorum_down startup_script startup_script_timeout shutdown_script shutdown_script_timeout
    notify_priority_changes vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload omega`,
  'convert-lost-tracking': `vrrp_script vrrp_track_file vrrp_track_process track_file track_script track_process track_bfd bfd_instance
    global_tracking sync_group_tracking_weight track_src_ip linkbeat_interfaces linkbeat_use_polling`,
  'convert-note-housekeeping': `net_namespace net_namespace_ipvs namespace_with_ipsets instance use_pid_dir child_wait_time
    tmp_config_directory config_save_dir process_names process_name vrrp_process_name checker_process_name bfd_process_name router_id
    script_user enable_script_security vrrp_priority checker_priority bfd_priority vrrp_no_swap checker_no_swap bfd_no_swap
    vrrp_rt_priority checker_rt_priority bfd_rt_priority vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity vrrp_rlimit_rttime
    checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime bfd_rlimit_rtime dynamic_interfaces umask
    log_all_failures checker_log_all_failures log_unknown_vrids debug reload_check_config reload_file reload_time_file max_auto_priority
    min_auto_priority_delay vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_netlink_cmd_rcv_bufs vrrp_netlink_monitor_rcv_bufs
    lvs_netlink_cmd_rcv_bufs lvs_netlink_monitor_rcv_bufs rs_init_notifies random_seed json_version lvs_flush lvs_flush_on_stop
    nftables nftables_priority nftables_counters nftables_ifindex nftables_ipvs nftables_ipvs_priority vrrp_iptables vrrp_ipsets
    iptables disable_local_igmp process_monitor_rcv_bufs proc_events_rcv_bufs snmp_name warmup restart_delay`,
  'convert-note-vrrp': `virtual_router_id vrrp_mcast_group4 vrrp_mcast_group6 mcast_dst_ip vrrp_version version native_ipv6
    check_unicast_src unicast_ttl unicast_fault_no_peer old_unicast_checksum skip_check_adv_addr vrrp_skip_check_adv_addr
    default_interface kernel_rx_buf_size vrrp_check_unicast_src mcast_all lower_prio_no_advert higher_prio_send_advert
    vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_min_garp`,
  'convert-lost-vrrp': `use_vmac use_vmac_addr vmac_xmit_base use_ipvlan vrf vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat
    garp_lower_prio_delay garp_lower_prio_repeat vrrp_garp_interval vrrp_gna_interval vrrp_garp_extra_if garp_extra_if garp_group
    garp_interval gna_interval vrrp_strict strict_mode accept no_accept vrrp_startup_delay vrrp_garp_master_refresh_repeat
    garp_master_refresh_repeat mcast_src_ip`,
  'convert-lost-secret': 'authentication auth_type auth_pass auth_hmac SSL',
  'convert-lost-routes':
    'static_ipaddress static_routes static_rules virtual_routes virtual_rules promote_secondaries static_track_group',
  'convert-lost-threshold': 'uthreshold lthreshold',
  'convert-lost-quorum': 'quorum quorum_max hysteresis',
  'convert-lost-scheduling': `ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback persistence_engine`,
  'convert-lost-check-option': `connect_ip bindto bind_if bind_port fwmark ha_suspend digest regex regex_no_match regex_options
    regex_stack regex_min_offset regex_max_offset fast_recovery enable_sni helo_name misc_dynamic user type name tls_compliant
    max_reply_length min_reply_length connect_port sorry_server_inhibit dynamic weight track_file http_protocol virtualhost`,
  'convert-lost-include': 'include includer includem includew includeb includea',
}

const losses = new Map<string, NeighboursCode>()
for (const [code, words] of Object.entries(lossTable)) {
  for (const word of words.split(/\s+/)) losses.set(word, code as NeighboursCode)
}

export interface Imported {
  readonly draft: Draft
  readonly report: Report
}

/** Reads a keepalived.conf. Never throws; what lvs.cf cannot say is in the report, line by line. */
export function importKeepalived(text: string): Imported {
  const ledger = newLedger()
  const parsed = parseKeepalived(text)
  const blocks = blockLines(parsed.nodes)
  const marks = marksAbove(sortComments(parsed.comments, ledger), blocks)
  for (const at of parsed.definitions) ledger.carried(at)
  for (const stray of parsed.strays) {
    if (stray.kind === 'brace') ledger.say('convert-lost-line', stray.at, { format: 'keepalived.conf' })
    else ledger.say('convert-lost-template', stray.at, { what: stray.what })
  }

  const global = readGlobal(parsed, ledger)
  const vrrp = readInstances(parsed, global, ledger)
  const groups = readGroups(parsed, ledger)
  const services: SiteService[] = []
  for (const node of parsed.nodes) {
    if (node.words[0] === 'virtual_server' && node.block) services.push(...readVirtual(node, groups, marks, ledger))
  }
  const empty = services.length === 0 && vrrp.settings.length === 0
  if (empty) ledger.say('convert-unreadable-nothing', undefined, { format: 'keepalived.conf' })
  const settings = [...vrrp.settings, ...global.settings]
  const draft = empty
    ? { settings: [], blocks: [] }
    : draftOf({ settings, addresses: vrrp.addresses, services }, ledger)
  for (const list of marks.values())
    for (const mark of list) if (!ledger.settled(mark.at)) ledger.say('convert-note-comment', mark.at)
  sweep(parsed.nodes, ledger)
  return { draft, report: ledger.report() }
}

function blockLines(nodes: readonly Node[]): number[] {
  return nodes.flatMap((node) => (node.block ? [node.at.line, ...blockLines(node.block)] : []))
}

/** Names everything nobody settled. */
function sweep(nodes: readonly Node[], ledger: Ledger): void {
  for (const node of nodes) {
    const word = node.words[0] ?? '{'
    if (node.unclosed) ledger.say('convert-near-unclosed', node.at, { what: word })
    if (!ledger.settled(node.at)) {
      const code = losses.get(word) ?? 'convert-lost-unknown'
      const what = code === 'convert-lost-include' ? node.words.slice(1).join(' ') : word
      ledger.say(code, node.span, { what, format: code === 'convert-lost-unknown' ? 'keepalived.conf' : 'lvs.cf' })
      continue
    }
    if (node.block && !isWhole(node, ledger)) sweep(node.block, ledger)
  }
}

const wholeLosses = new WeakMap<Ledger, Set<Node>>()

/** Leaves a block out with everything in it, for one reason. */
function loseWhole(node: Node, code: NeighboursCode, detail: Record<string, string | number>, ledger: Ledger): void {
  ledger.say(code, node.span, detail)
  skipWhole(node, ledger)
}

/** For a block whose loss was said already. */
function skipWhole(node: Node, ledger: Ledger): void {
  const set = wholeLosses.get(ledger) ?? new Set()
  wholeLosses.set(ledger, set.add(node))
}

function isWhole(node: Node, ledger: Ledger): boolean {
  return wholeLosses.get(ledger)?.has(node) ?? false
}

type Handlers = Readonly<Record<string, (node: Node, value: string | undefined) => void>>

function each(nodes: readonly Node[], handlers: Handlers): void {
  for (const node of nodes) {
    const word = node.words[0] ?? ''
    if (Object.hasOwn(handlers, word)) handlers[word]?.(node, node.words[1])
  }
}

/** on, true, yes or nothing. */
function isOn(value: string | undefined): boolean {
  return value === undefined || /^(?:on|true|yes)$/i.test(value)
}

interface Global {
  readonly settings: readonly Setting[]
  readonly garp: Garp
}

/** Gratuitous ARP after taking over, with the places it was said. */
interface Garp {
  repeat?: number
  delayMs?: number
  refreshMs?: number
  places: Place[]
}

function garpHandlers(garp: Garp, prefix: string, ledger: Ledger): Handlers {
  const take = (node: Node, value: number | undefined, put: (value: number) => void): void => {
    if (value === undefined) {
      ledger.say('convert-lost-value', node.at, { what: node.words[0] ?? '' })
      return
    }
    put(value)
    garp.places.push(node.at)
    ledger.carried(node.at)
  }
  return {
    [`${prefix}garp_master_repeat`]: (node, value) => take(node, wholeNumber(value, 100), (n) => (garp.repeat = n)),
    [`${prefix}garp_master_delay`]: (node, value) => take(node, millisecondsOf(value), (n) => (garp.delayMs = n)),
    [`${prefix}garp_master_refresh`]: (node, value) => take(node, millisecondsOf(value), (n) => (garp.refreshMs = n)),
  }
}

function readGlobal(parsed: Parsed, ledger: Ledger): Global {
  const settings: Setting[] = []
  const garp: Garp = { places: [] }
  for (const node of parsed.nodes) {
    if (node.words[0] !== 'global_defs' || !node.block) continue
    ledger.carried(node.at)
    each(node.block, {
      ...garpHandlers(garp, 'vrrp_', ledger),
      lvs_timeouts: (line) => {
        const names: Record<string, string> = { tcp: 'tcp_timeout', tcpfin: 'tcpfin_timeout', udp: 'udp_timeout' }
        ledger.carried(line.at)
        for (let at = 1; at < line.words.length; at += 2) {
          const name = names[line.words[at] ?? '']
          const seconds = wholeNumber(line.words[at + 1])
          if (name === undefined || seconds === undefined)
            ledger.say('convert-lost-value', line.at, { what: 'lvs_timeouts' })
          else settings.push({ name, value: String(seconds) })
        }
      },
      lvs_sync_daemon: (line, device) => {
        if (device === undefined) {
          ledger.say('convert-lost-value', line.at, { what: 'lvs_sync_daemon' })
          return
        }
        ledger.carried(line.at)
        const rest = line.words.slice(2)
        const id = wholeNumber(rest[rest.indexOf('id') + 1], 255)
        settings.push({ name: 'syncdaemon', value: '1' }, { name: 'syncd_iface', value: device })
        if (rest.includes('id') && id !== undefined) settings.push({ name: 'syncd_id', value: String(id) })
        const further = ['maxlen', 'port', 'ttl', 'group'].filter((word) => rest.includes(word))
        if (further.length > 0) ledger.say('convert-lost-word', line.at, { what: further.join(', '), format: 'lvs.cf' })
      },
    })
  }
  return { settings, garp }
}

interface Instance {
  readonly node: Node
  readonly name: string
  state?: Node
  interface?: string
  priority: number
  priorityAt?: Place
  advertMs: number
  advertAt?: Place
  downAdverts: number
  downAt?: Place
  nopreempt: boolean
  preemptDelay?: { readonly ms: number; readonly at: Place }
  own?: { readonly address: string; readonly at: Place }
  peers: { readonly address: string; readonly at: Place }[]
  addresses: SiteAddress[]
  untracked?: Place
  master?: Node
  backup?: Node
  garp: Garp
}

function readInstance(node: Node, ledger: Ledger): Instance {
  ledger.carried(node.at)
  const found: Instance = {
    node,
    name: node.words[1] ?? '',
    priority: defaultPriority,
    advertMs: defaultAdvertMs,
    downAdverts: defaultDownAdverts,
    nopreempt: false,
    peers: [],
    addresses: [],
    garp: { places: [] },
  }
  const bad = (line: Node): void => ledger.say('convert-lost-value', line.at, { what: line.words[0] ?? '' })
  each(node.block ?? [], {
    interface: (line, value) => {
      if (value === undefined) return bad(line)
      found.interface = value
      ledger.carried(line.at)
    },
  })
  const addresses = (block: Node): void => {
    ledger.carried(block.at)
    for (const line of block.block ?? []) {
      const address = readAddress(line, found.interface, ledger)
      if (address) found.addresses.push(address)
    }
  }
  each(node.block ?? [], {
    ...garpHandlers(found.garp, '', ledger),
    state: (line) => {
      found.state = line
      ledger.carried(line.at)
    },
    priority: (line, value) => {
      const number = wholeNumber(value, 255)
      if (number === undefined) return bad(line)
      found.priority = number
      found.priorityAt = line.at
      ledger.carried(line.at)
    },
    advert_int: (line, value) => {
      const ms = millisecondsOf(value)
      if (ms === undefined || ms === 0) return bad(line)
      found.advertMs = ms
      found.advertAt = line.at
      ledger.carried(line.at)
    },
    down_timer_adverts: (line, value) => {
      const number = wholeNumber(value, 100)
      if (number === undefined || number === 0) return bad(line)
      found.downAdverts = number
      found.downAt = line.at
      ledger.carried(line.at)
    },
    nopreempt: (line) => {
      found.nopreempt = true
      ledger.carried(line.at)
    },
    preempt: (line) => ledger.carried(line.at),
    preempt_delay: (line, value) => {
      const ms = millisecondsOf(value)
      if (ms === undefined) return bad(line)
      found.preemptDelay = { ms, at: line.at }
      ledger.carried(line.at)
    },
    dont_track_primary: (line) => {
      found.untracked = line.at
      ledger.carried(line.at)
    },
    track_interface: (block) => {
      ledger.carried(block.at)
      for (const line of block.block ?? []) {
        if (line.words.length === 1 && line.words[0] === found.interface) ledger.carried(line.at)
        else ledger.say('convert-near-track-interface', line.at, { what: line.words.join(' ') })
      }
    },
    unicast_src_ip: (line, value) => {
      if (value === undefined || !isIpv4(value)) return bad(line)
      found.own = { address: value, at: line.at }
      ledger.carried(line.at)
    },
    mcast_src_ip: (line, value) => {
      if (value === undefined || !isIpv4(value)) return bad(line)
      found.own ??= { address: value, at: line.at }
      ledger.carried(line.at)
    },
    unicast_peer: (block) => {
      ledger.carried(block.at)
      for (const line of block.block ?? []) {
        const [address = '', ...more] = line.words
        if (isIpv4(address)) {
          found.peers.push({ address, at: line.at })
          if (more.length === 0) ledger.carried(line.at)
          else ledger.say('convert-lost-vrrp', line.at, { what: more.join(' ') })
        } else ledger.say(isIpv6(address) ? 'convert-lost-ipv6' : 'convert-lost-value', line.at, { what: address })
      }
    },
    virtual_ipaddress: addresses,
    virtual_ipaddress_excluded: addresses,
    notify_master: (line) => void (found.master = line),
    notify_backup: (line) => void (found.backup = line),
  })
  return found
}

/** `192.0.2.80/24 brd … dev eth0 scope … label eth0:1` */
function readAddress(line: Node, device: string | undefined, ledger: Ledger): SiteAddress | undefined {
  const [whole = '', ...options] = line.words
  const [address = '', length] = whole.split('/')
  if (!isIpv4(address)) {
    ledger.say(isIpv6(whole) ? 'convert-lost-ipv6' : 'convert-lost-value', line.at, { what: whole })
    return undefined
  }
  const prefix = length === undefined ? undefined : (wholeNumber(length, 32) ?? maskPrefix(length))
  if (length !== undefined && prefix === undefined) ledger.say('convert-lost-value', line.at, { what: whole })
  let dev = device
  let label: string | undefined
  const further: string[] = []
  const withValue = new Set(['brd', 'broadcast', 'scope', 'peer', 'preferred_lft', 'track_group'])
  for (let at = 0; at < options.length; at++) {
    const word = options[at] ?? ''
    if (word === 'dev') dev = options[++at]
    else if (word === 'label') label = options[++at]
    else if ((word === 'brd' || word === 'broadcast') && /^[+-]$/.test(options[at + 1] ?? '')) at++
    else {
      further.push(word)
      if (withValue.has(word)) at++
    }
  }
  if (further.length > 0) ledger.say('convert-lost-address-option', line.at, { what: further.join(', ') })
  return {
    at: line.at,
    address,
    ...(prefix === undefined ? {} : { prefix }),
    ...(dev === undefined ? {} : { device: dev }),
    ...(label === undefined ? {} : { label }),
  }
}

interface Vrrp {
  readonly settings: readonly Setting[]
  readonly addresses: readonly SiteAddress[]
}

/** All instances as one pair of directors. */
function readInstances(parsed: Parsed, global: Global, ledger: Ledger): Vrrp {
  const instances = parsed.nodes
    .filter((node) => node.words[0] === 'vrrp_instance' && node.block)
    .map((node) => readInstance(node, ledger))
  const main = instances.find(({ peers }) => peers.length > 0) ?? instances[0]
  const grouped = readSyncGroups(parsed, ledger)
  if (!main) return { settings: [], addresses: [] }
  const settings: Setting[] = []
  const set = (name: string, value: string | number, shoal?: true): void => {
    settings.push({ name, value: String(value), ...(shoal ? { shoal } : {}) })
  }

  const isMaster = (one: Instance): boolean =>
    one.state?.words[1]?.toUpperCase() === 'MASTER' || one.priority > defaultPriority
  const first = isMaster(main)
  const role = first ? 'primary' : 'backup'
  const said = main.priorityAt ?? main.state?.at ?? main.node.at
  const what = `${main.state ? `${main.state.words.join(' ')}, ` : ''}priority ${main.priority}`
  // A lone host's priority says nothing that matters.
  if (main.peers.length > 0) ledger.say('convert-near-role', said, { what, used: role })
  const [peer, ...others] = main.peers
  for (const other of others) ledger.say('convert-lost-peer', other.at, { what: other.address })
  const own = main.own?.address
  const alone = main.peers.length === 0
  const primary = first || alone ? own : peer?.address
  const backup = first || alone ? peer?.address : own
  if (primary !== undefined) set('primary', primary)
  const second = instances.find((one) => one !== main && one.own && one.peers.length === 1 && isMaster(one) === first)
  const paths = second?.own !== undefined && second.peers[0] !== undefined && second.own.address !== own
  if (paths && second?.own && second.peers[0]) {
    const [mine, theirs] = [second.own.address, second.peers[0].address]
    set('primary_private', first ? mine : theirs)
    set('backup_private', first ? theirs : mine)
  }
  set('backup_active', backup === undefined ? 0 : 1)
  if (backup !== undefined) set('backup', backup)
  set('heartbeat', 1)
  sayTiming(main, set, ledger)
  set('monitor_links', main.untracked ? 0 : 1)
  sayFailback(main, set, ledger)
  sayGarp(main.garp.places.length > 0 ? main.garp : global.garp, set)
  for (const [line, name] of [
    [main.master, 'active_cmd'],
    [main.backup, 'inactive_cmd'],
  ] as const) {
    if (line) sayCommand(line, name, set, ledger)
  }

  for (const one of instances) {
    if (one === main) continue
    if (!grouped.has(one.name) || !grouped.has(main.name) || isMaster(one) !== first) {
      ledger.say('convert-near-together', one.node.at, { what: one.name })
    }
    const differs = (at: Place | undefined, same: boolean): void => {
      if (at && !same) ledger.say('convert-lost-overridden', at, { what: one.name })
    }
    differs(one.advertAt, one.advertMs === main.advertMs)
    differs(one.downAt, one.downAdverts === main.downAdverts)
    differs(one.preemptDelay?.at, one.preemptDelay?.ms === main.preemptDelay?.ms)
    differs(one.untracked, main.untracked !== undefined)
    for (const place of one.garp.places) ledger.say('convert-lost-overridden', place, { what: one.name })
    if (one !== second || !paths) {
      const known = new Set([own, peer?.address])
      for (const { address, at } of [...(one.own ? [one.own] : []), ...one.peers]) {
        if (!known.has(address)) ledger.say('convert-lost-peer', at, { what: address })
      }
    }
  }
  return { settings, addresses: instances.flatMap(({ addresses }) => addresses) }
}

/** Names of the instances that move together. */
function readSyncGroups(parsed: Parsed, ledger: Ledger): Set<string> {
  let largest = new Set<string>()
  for (const node of parsed.nodes) {
    if (node.words[0] !== 'vrrp_sync_group' || !node.block) continue
    ledger.carried(node.at)
    const names = new Set<string>()
    each(node.block, {
      group: (group) => {
        ledger.carried(group.at)
        for (const line of group.block ?? []) {
          for (const word of line.words) names.add(word)
          ledger.carried(line.at)
        }
      },
      track_interface: (block) => {
        ledger.carried(block.at)
        for (const line of block.block ?? []) {
          ledger.say('convert-near-track-interface', line.at, { what: line.words.join(' ') })
        }
      },
    })
    if (names.size > largest.size) largest = names
  }
  return largest
}

type Put = (name: string, value: string | number, shoal?: true) => void

function sayTiming(main: Instance, set: Put, ledger: Ledger): void {
  const whole = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000))
  const keepaliveMs = main.advertMs
  // A single missing beat is no death in lvs.cf: deadtime must be longer than keepalive.
  const leastBeats = 2
  const deadtimeMs = Math.max(main.downAdverts, leastBeats) * keepaliveMs
  set('keepalive', whole(keepaliveMs))
  set('deadtime', Math.max(whole(deadtimeMs), whole(keepaliveMs) + 1))
  if (keepaliveMs % 1_000 !== 0) set('keepalive_ms', keepaliveMs, true)
  if (deadtimeMs % 1_000 !== 0) set('deadtime_ms', deadtimeMs, true)
  const skewMs = Math.round(((256 - main.priority) / 256) * keepaliveMs)
  const takeover = `${(main.downAdverts * keepaliveMs + skewMs) / 1_000} s`
  const used = `deadtime ${deadtimeMs / 1_000} s`
  ledger.say('convert-near-timing', main.downAt ?? main.advertAt ?? main.node.at, { what: takeover, used })
}

function sayFailback(main: Instance, set: Put, ledger: Ledger): void {
  if (main.nopreempt) return
  set('failback', 'on', true)
  set('failback_delay_ms', main.preemptDelay?.ms ?? 0, true)
  ledger.say('convert-near-failback', main.preemptDelay?.at ?? main.node.at)
}

function sayGarp(garp: Garp, set: Put): void {
  if (garp.places.length === 0) return
  const delayMs = garp.delayMs ?? defaultGarpDelayMs
  set('announce_burst', Math.max(1, garp.repeat ?? defaultGarpRepeat), true)
  set('announce_repeat_ms', delayMs === 0 ? 'none' : delayMs, true)
  set('announce_refresh_ms', garp.refreshMs ?? 0, true)
}

/** notify_master ran what active_cmd ran, unless it names a user. */
function sayCommand(line: Node, name: string, set: Put, ledger: Ledger): void {
  const command = line.words[1] ?? ''
  if (!/^\/\S*( \S+)*$/.test(command) || /["']/.test(command)) return
  set(name, command)
  ledger.say('convert-near-command', line.at, { what: line.words[0] ?? '', used: name })
}

interface GroupEntry {
  readonly at: Place
  readonly what: string
  readonly vip?: string
  readonly mark?: number
  readonly port: number
}

function readGroups(parsed: Parsed, ledger: Ledger): Map<string, GroupEntry[]> {
  const groups = new Map<string, GroupEntry[]>()
  for (const node of parsed.nodes) {
    if (node.words[0] !== 'virtual_server_group' || !node.block) continue
    ledger.carried(node.at)
    const entries: GroupEntry[] = []
    for (const line of node.block) entries.push(...readTarget(line, line.words, ledger))
    groups.set(node.words[1] ?? '', entries)
  }
  return groups
}

/** What a virtual server stands for: an address (or several), or a mark. Says why when it is nothing lvs.cf can hold. */
function readTarget(node: Node, words: readonly string[], ledger: Ledger): GroupEntry[] {
  const [first = '', second] = words
  const at = node.at
  if (first === 'fwmark') {
    const mark = wholeNumber(second, 0xffff_ffff)
    if (mark === undefined || mark === 0) {
      ledger.say('convert-lost-value', node.span, { what: 'fwmark' })
      return []
    }
    if (!ledger.settled(at)) ledger.carried(at)
    return [{ at, what: `fwmark ${mark}`, mark, port: 80 }]
  }
  const addresses = addressesOf(first)
  const port = second === undefined ? 0 : portOf(second)
  if (!addresses || port === undefined) {
    ledger.say(isIpv6(first) ? 'convert-lost-ipv6' : 'convert-lost-value', node.span, { what: words.join(' ') })
    return []
  }
  if (addresses.length > 1) ledger.say('convert-note-expanded', at, { what: first, count: addresses.length })
  else if (!ledger.settled(at)) ledger.carried(at)
  return addresses.map((vip) => ({ at, what: `${vip} ${port}`, vip, port }))
}

const methods: Readonly<Record<string, Forwarding>> = { NAT: 'nat', DR: 'direct', TUN: 'tunnel' }

/** `NAT`, `DR` or `TUN [type …]`; undefined (and said) when unknown. */
function readMethod(line: Node, ledger: Ledger): Forwarding | undefined {
  const [, kind = '', ...options] = line.words
  const method = methods[kind.toUpperCase()]
  if (method === undefined) {
    ledger.say('convert-lost-value', line.at, { what: line.words[0] ?? '' })
    return undefined
  }
  const type = options[options.indexOf('type') + 1]
  const special =
    (options.includes('type') && type !== 'ipip') || options.some((word) => /csum$/.test(word) && word !== 'nocsum')
  if (special) ledger.say('convert-lost-tunnel', line.at, { what: options.join(' ') })
  else ledger.carried(line.at)
  return method
}

/** Settings of checking that virtual server, real server and checker may each give, the inner one winning. */
interface Pace {
  intervalMs?: Timed
  timeoutMs?: Timed
  retry?: Timed
  retryDelayMs?: Timed
}

interface Timed {
  readonly value: number
  readonly at: Place
}

function paceHandlers(pace: Pace, ledger: Ledger): Handlers {
  const take =
    (key: keyof Pace, read: (text: string | undefined) => number | undefined) => (node: Node, text?: string) => {
      const value = read(text)
      if (value === undefined) ledger.say('convert-lost-value', node.at, { what: node.words[0] ?? '' })
      else pace[key] = { value, at: node.at }
    }
  return {
    delay_loop: take('intervalMs', (text) => millisecondsOf(text) || undefined),
    connect_timeout: take('timeoutMs', (text) => millisecondsOf(text) || undefined),
    misc_timeout: take('timeoutMs', (text) => millisecondsOf(text) || undefined),
    retry: take('retry', (text) => wholeNumber(text, 999)),
    nb_get_retry: take('retry', (text) => wholeNumber(text, 999)),
    delay_before_retry: take('retryDelayMs', millisecondsOf),
  }
}

type Marks = ReadonlyMap<number, readonly Mark[]>

/** Shoal's own marks above a block, as values; each is carried. */
function marked(node: Node, marks: Marks, ledger: Ledger): Map<string, string> {
  const found = new Map<string, string>()
  for (const { at, name, value } of marks.get(node.at.line) ?? []) {
    found.set(name, value)
    ledger.carried(at)
  }
  return found
}

interface ReadServer {
  readonly node: Node
  readonly server: SiteServer
  readonly paces: readonly Pace[]
  readonly kind?: string
}

function readVirtual(node: Node, groups: Map<string, GroupEntry[]>, marks: Marks, ledger: Ledger): SiteService[] {
  const block = node.block ?? []
  const protocolLine = block.findLast((line) => line.words[0] === 'protocol')
  const said = protocolLine?.words[1]?.toLowerCase()
  if (said !== undefined && said !== 'tcp' && said !== 'udp') {
    loseWhole(node, 'convert-lost-protocol', { what: said }, ledger)
    return []
  }
  let targets: readonly GroupEntry[]
  if (node.words[1] === 'group') {
    targets = groups.get(node.words[2] ?? '') ?? []
    if (targets.length > 1)
      ledger.say('convert-note-expanded', node.at, { what: node.words.slice(1).join(' '), count: targets.length })
    else if (targets.length === 1) ledger.carried(node.at)
    else ledger.say('convert-lost-value', node.span, { what: node.words.slice(1).join(' ') })
  } else targets = readTarget(node, node.words.slice(1), ledger)
  if (targets.length === 0) {
    skipWhole(node, ledger)
    return []
  }
  const own = marked(node, marks, ledger)
  const [target] = targets
  const isMark = target?.mark !== undefined

  let scheduler = { value: 'wlc', at: node.at }
  let method: Forwarding = 'nat'
  let persistentS: number | undefined
  let persistenceMask: string | undefined
  let quiesceDefault = false
  let host: string | undefined
  let sorry: { line: Node; address: string; port?: number } | undefined
  let sorryMethod: Forwarding | undefined
  const pace: Pace = {}
  const bad = (line: Node): void => ledger.say('convert-lost-value', line.at, { what: line.words[0] ?? '' })
  const takeScheduler = (line: Node, value: string | undefined): void => {
    if (value === undefined || !knownScheduler(value)) return bad(line)
    scheduler = { value, at: line.at }
    ledger.carried(line.at)
  }
  const takeMethod = (line: Node): void => {
    method = readMethod(line, ledger) ?? method
  }
  each(block, {
    ...paceHandlers(pace, ledger),
    lb_algo: takeScheduler,
    lvs_sched: takeScheduler,
    lb_kind: takeMethod,
    lvs_method: takeMethod,
    protocol: (line) => ledger.carried(line.at),
    persistence_timeout: (line, value) => {
      persistentS = value === undefined ? defaultPersistenceS : wholeNumber(value)
      if (persistentS === undefined) bad(line)
      else ledger.carried(line.at)
    },
    persistence_granularity: (line, value) => {
      if (value === undefined || maskPrefix(value) === undefined) return bad(line)
      persistenceMask = value
      ledger.carried(line.at)
    },
    inhibit_on_failure: (line, value) => {
      quiesceDefault = isOn(value)
      ledger.carried(line.at)
    },
    alpha: (line, value) => {
      // lvs.cf never serves a real server before its first good check.
      if (isOn(value)) ledger.carried(line.at)
      else ledger.say('convert-lost-check-option', line.at, { what: 'alpha' })
    },
    virtualhost: (line, value) => {
      host = value
      ledger.carried(line.at)
    },
    ip_family: (line, value) => {
      if (value === 'inet') ledger.carried(line.at)
      else ledger.say('convert-lost-ipv6', line.at, { what: 'ip_family' })
    },
    sorry_server: (line, value) => {
      if (value === undefined || !isIpv4(value)) {
        ledger.say(isIpv6(value ?? '') ? 'convert-lost-ipv6' : 'convert-lost-value', line.at, { what: 'sorry_server' })
        return
      }
      const port = portOf(line.words[2])
      sorry = { line, address: value, ...(port === undefined ? {} : { port }) }
    },
    sorry_server_lvs_method: (line) => {
      sorryMethod = readMethod(line, ledger)
    },
  })

  const port = isMark ? (portOf(own.get('port')) ?? markPort(block)) : (target?.port ?? 0)
  const markedProtocol = own.get('protocol')
  const protocol: Protocol = said === 'udp' ? 'udp' : said === undefined && markedProtocol === 'udp' ? 'udp' : 'tcp'
  if (said === undefined && !isMark)
    ledger.say('convert-near-protocol', node.at, { what: node.words.slice(1).join(' '), used: protocol })

  const servers: ReadServer[] = []
  for (const line of block) {
    if (line.words[0] !== 'real_server' || !line.block) continue
    const read = readServer(line, { port, method, host, pace, isMark }, marks, ledger)
    if (read) servers.push(read)
  }
  const checkPace = settlePace(node, servers, pace, ledger)
  const name = own.get('name')
  const placed = own.get('address')
  return targets.map((one, index) => {
    const vip = one.vip ?? (placed !== undefined && isIpv4(placed) ? placed : undefined)
    const servicePort = one.mark === undefined ? one.port : port
    if (servicePort === 0) {
      ledger.say('convert-near-any-port', one.at, { what: one.what })
      persistentS ??= defaultPersistenceS
    }
    return {
      at: node.at,
      what: one.what,
      ...(name === undefined ? {} : { name: index === 0 ? name : `${name}-${index + 1}` }),
      ...(vip === undefined ? {} : { vip }),
      ...(one.mark === undefined ? {} : { mark: one.mark }),
      protocol,
      port: servicePort,
      scheduler,
      ...(persistentS === undefined ? {} : { persistentS }),
      ...(persistenceMask === undefined ? {} : { persistenceMask }),
      ...(sorry
        ? {
            sorry: {
              at: sorry.line.at,
              value: {
                address: sorry.address,
                ...(sorry.port === undefined ? {} : { port: sorry.port }),
                ...(sorryMethod === undefined ? {} : { method: sorryMethod }),
              },
            },
          }
        : {}),
      quiesceDefault,
      checkPace,
      servers: servers.map(({ server }) => server),
    }
  })
}

/** The port a marked service is checked on. */
function markPort(block: readonly Node[]): number {
  for (const line of block) {
    if (line.words[0] !== 'real_server') continue
    const direct = portOf(line.words[2])
    if (direct) return direct
    for (const check of line.block ?? []) {
      const port = portOf(check.block?.find((inner) => inner.words[0] === 'connect_port')?.words[1])
      if (port) return port
    }
  }
  return 80
}

interface Around {
  readonly port: number
  readonly method: Forwarding
  readonly host: string | undefined
  readonly pace: Pace
  readonly isMark: boolean
}

function readServer(node: Node, around: Around, marks: Marks, ledger: Ledger): ReadServer | undefined {
  const [, address = '', portText] = node.words
  if (!isIpv4(address)) {
    loseWhole(node, isIpv6(address) ? 'convert-lost-ipv6' : 'convert-lost-value', { what: address }, ledger)
    return undefined
  }
  const own = marked(node, marks, ledger)
  const port = portOf(portText) ?? 0
  let weight = 1
  let { method, host } = around
  let quiesce: boolean | undefined
  const pace: Pace = {}
  each(node.block ?? [], {
    ...paceHandlers(pace, ledger),
    weight: (line, value) => {
      const number = wholeNumber(value)
      if (number === undefined) return ledger.say('convert-lost-value', line.at, { what: 'weight' })
      weight = number
      ledger.carried(line.at)
    },
    lb_kind: (line) => void (method = readMethod(line, ledger) ?? method),
    lvs_method: (line) => void (method = readMethod(line, ledger) ?? method),
    inhibit_on_failure: (line, value) => {
      quiesce = isOn(value)
      ledger.carried(line.at)
    },
    virtualhost: (line, value) => {
      host = value
      ledger.carried(line.at)
    },
    alpha: (line, value) => {
      if (isOn(value)) ledger.carried(line.at)
    },
  })
  const checks = (node.block ?? []).filter((line) => checkWords.has(line.words[0] ?? ''))
  const [first, ...further] = checks
  for (const line of further) loseWhole(line, 'convert-lost-check-second', { what: line.words[0] ?? '' }, ledger)
  const checkPort = port || around.port
  const checkPace: Pace = {}
  const check = first && readCheck(first, { address, port: checkPort, host }, checkPace, ledger)
  const name = own.get('name')
  return {
    node,
    paces: [checkPace, pace],
    ...(first ? { kind: first.words[0] ?? '' } : {}),
    server: {
      at: node.at,
      address,
      ...(name === undefined ? {} : { name }),
      port,
      weight,
      method,
      ...(quiesce === undefined ? {} : { quiesce }),
      ...(check ? { check } : {}),
    },
  }
}

interface Target {
  readonly address: string
  readonly port: number
  readonly host: string | undefined
}

function readCheck(node: Node, target: Target, pace: Pace, ledger: Ledger): NonNullable<SiteServer['check']> {
  const kind = node.words[0] ?? ''
  const block = node.block ?? []
  const parts: Place[] = []
  let port: number | undefined
  each(block, {
    ...paceHandlers(pace, ledger),
    connect_port: (line, value) => {
      const wanted = portOf(value)
      if (wanted === undefined) return
      if (wanted !== target.port && wanted > 0) port = wanted
      ledger.carried(line.at)
    },
    connect_ip: (line, value) => {
      if (value === target.address) ledger.carried(line.at)
    },
    alpha: (line, value) => {
      if (isOn(value)) ledger.carried(line.at)
    },
  })
  const made = checkMakers[kind]?.(block, target, parts, ledger) ?? { value: connectCheck, exact: false }
  return {
    at: node.at,
    what: kind,
    parts,
    exact: made.exact,
    value: { ...made.value, ...(port === undefined ? {} : { port }) },
  }
}

interface Made {
  readonly value: MeantCheck
  readonly exact: boolean
}

type Maker = (block: readonly Node[], target: Target, parts: Place[], ledger: Ledger) => Made

const checkMakers: Readonly<Record<string, Maker>> = {
  TCP_CHECK: () => ({ value: connectCheck, exact: true }),
  SMTP_CHECK: makeSmtp,
  HTTP_GET: makeHttp,
  SSL_GET: makeHttps,
  DNS_CHECK: makeDns,
  PING_CHECK: () => ({ value: { ...connectCheck, chosen: { kind: 'ping' } }, exact: true }),
  MISC_CHECK: makeMisc,
  UDP_CHECK: makeUdp,
}

function makeSmtp(block: readonly Node[], _target: Target, parts: Place[]): Made {
  let host: string | undefined
  each(block, {
    helo_name: (line, value) => {
      host = value
      parts.push(line.at)
    },
  })
  const chosen: ChosenQuestion = { kind: 'smtp', ...(host === undefined ? {} : { host }) }
  // The greeting is what a mail server says first, and all that Piranha can look at.
  return { value: { kind: 'send-expect', expect: '220', chosen }, exact: true }
}

function makeDns(block: readonly Node[], _target: Target, parts: Place[]): Made {
  let record: DnsRecord | undefined = 'SOA'
  let name = '.'
  each(block, {
    type: (line, value) => {
      record = dnsRecords.find((one) => one === value?.toUpperCase())
      if (record) parts.push(line.at)
    },
    name: (line, value) => {
      name = value ?? '.'
      parts.push(line.at)
    },
  })
  if (record === undefined) return { value: connectCheck, exact: false }
  return { value: { ...connectCheck, chosen: { kind: 'dns', name, record } }, exact: true }
}

/** The same question over TLS, which Piranha cannot ask at all. keepalived looks at no certificate. */
function makeHttps(block: readonly Node[], target: Target, parts: Place[], ledger: Ledger): Made {
  const { path, host, ranges } = readUrl(block, target, parts, ledger)
  const chosen: ChosenQuestion = {
    kind: 'https',
    path,
    ...(host === undefined ? {} : { host }),
    method: 'GET',
    status: ranges,
    verify: false,
    certDays: 0,
  }
  return { value: { ...connectCheck, chosen }, exact: true }
}

function makeHttp(block: readonly Node[], target: Target, parts: Place[], ledger: Ledger): Made {
  const { path, host, version, ranges } = readUrl(block, target, parts, ledger)
  // HTTP/1.1 wants a host; keepalived names each real server's own address, which one text for all cannot.
  const anonymous = host === undefined && version === '1.1'
  const used = anonymous ? '1.0' : version
  const named = host === undefined ? {} : { host }
  const native = httpCheck({ path, version: used, ranges, ...named })
  if (version !== '1.1') return { value: native, exact: true }
  return { value: { ...native, chosen: { kind: 'http', path, ...named, method: 'GET', status: ranges } }, exact: true }
}

function readUrl(block: readonly Node[], target: Target, parts: Place[], ledger: Ledger): Omit<HttpCheck, 'exact'> {
  const urls = block.filter((line) => line.words[0] === 'url')
  const [url, ...further] = urls
  for (const line of further) loseWhole(line, 'convert-lost-check-second', { what: 'url' }, ledger)
  let path = '/'
  let { host } = target
  let version = '1.0' as HttpCheck['version']
  let ranges: readonly StatusRange[] = [[200, 299]]
  if (url) parts.push(url.at)
  each(block, {
    http_protocol: (line, value) => {
      if (value === '1.0' || value === '1.0C' || value === '1.0c') version = value === '1.0' ? '1.0' : '1.0C'
      else if (value === '1.1') version = '1.1'
      else return
      parts.push(line.at)
    },
    virtualhost: (line, value) => {
      host = value
      parts.push(line.at)
    },
  })
  each(url?.block ?? [], {
    path: (line, value) => {
      if (value === undefined || /[\s\p{Cc}]/u.test(value)) ledger.say('convert-lost-value', line.at, { what: 'path' })
      else {
        path = value
        parts.push(line.at)
      }
    },
    virtualhost: (line, value) => {
      host = value
      parts.push(line.at)
    },
    status_code: (line) => {
      const read = line.words.slice(1).map((word) => /^(\d{3})(?:-(\d{3}))?$/.exec(word))
      if (read.length === 0 || read.some((match) => !match)) {
        ledger.say('convert-lost-value', line.at, { what: 'status_code' })
        return
      }
      ranges = read.map((match) => [Number(match?.[1]), Number(match?.[2] ?? match?.[1])] as const)
      parts.push(line.at)
    },
  })
  return { path, ...(host === undefined ? {} : { host }), version, ranges }
}

function makeMisc(block: readonly Node[], target: Target, parts: Place[]): Made {
  const line = block.find((one) => one.words[0] === 'misc_path')
  if (line) parts.push(line.at)
  const judged = judgedProgram(line?.words.slice(1).join(' ') ?? '')
  const general = (command: readonly string[]): string[] =>
    command.map((word, at) =>
      at > 0 && word === target.address ? '%h' : at > 0 && word === String(target.port) ? '%p' : word,
    )
  if (!judged) {
    const command = commandWords(line?.words.slice(1).join(' ') ?? '')
    if (!command?.[0]?.startsWith('/')) return { value: connectCheck, exact: false }
    // keepalived also goes by the exit status alone.
    return { value: { ...connectCheck, chosen: { kind: 'script', words: general(command) } }, exact: true }
  }
  const words = general(judged.program.split(' '))
  return { value: { kind: 'program', program: words.join(' '), expect: judged.expect }, exact: true }
}

function makeUdp(block: readonly Node[], _target: Target, parts: Place[]): Made {
  let send: string | undefined = ''
  let expect: string | undefined = ''
  let least: Node | undefined
  each(block, {
    payload: (line) => {
      send = textOfHex(line.words.slice(1))
      parts.push(line.at)
    },
    require_reply: (line) => {
      expect = line.words.length === 1 ? '*' : textOfHex(line.words.slice(1))
      parts.push(line.at)
    },
    min_reply_length: (line) => void (least = line),
  })
  if (send === undefined || expect === undefined) return { value: connectCheck, exact: false }
  if (least && (least as Node).words[1] === String(expect.length)) parts.push((least as Node).at)
  if (send === '' && expect === '')
    return { value: { ...connectCheck, chosen: { kind: 'udp', regex: false } }, exact: true }
  return {
    value: { kind: 'send-expect', ...(send === '' ? {} : { send }), ...(expect === '' ? {} : { expect }) },
    exact: send !== '' && expect !== '',
  }
}

/** The one pace of a virtual server, from its first checked real server; what differs from it is said. */
function settlePace(
  node: Node,
  servers: readonly ReadServer[],
  outer: Pace,
  ledger: Ledger,
): NonNullable<SiteService['checkPace']> {
  const first = servers.find(({ kind }) => kind !== undefined)
  const chain = [...(first?.paces ?? []), outer]
  const pick = (key: keyof Pace): number | undefined => chain.find((one) => one[key] !== undefined)?.[key]?.value
  const intervalMs = pick('intervalMs') ?? defaultDelayLoopMs
  const timeoutMs = pick('timeoutMs') ?? defaultConnectTimeoutMs
  const saidRetry = pick('retry')
  const retry = saidRetry ?? retryDefaults[first?.kind ?? ''] ?? usualRetry
  if (saidRetry === undefined && first && retry > 0) {
    ledger.say('convert-note-assumed', node.at, { what: 'retry', used: `fall = ${retry + 1}` })
  }
  const used: Readonly<Record<keyof Pace, number>> = { intervalMs, timeoutMs, retry, retryDelayMs: intervalMs }
  const names: Readonly<Record<keyof Pace, string>> = {
    intervalMs: 'delay_loop',
    timeoutMs: 'connect_timeout',
    retry: 'retry',
    retryDelayMs: 'delay_before_retry',
  }
  for (const one of [outer, ...servers.flatMap(({ paces }) => paces)]) {
    for (const key of Object.keys(names) as (keyof Pace)[]) {
      const timed = one[key]
      if (!timed) continue
      if (timed.value === used[key] || (key === 'retryDelayMs' && retry === 0)) ledger.carried(timed.at)
      else if (key === 'retryDelayMs') {
        ledger.say('convert-near-retry', timed.at, { what: names[key], used: intervalMs / 1_000 })
      } else {
        const seconds = (value: number): number => (key === 'retry' ? value : value / 1_000)
        ledger.say('convert-near-number', timed.at, {
          what: `${names[key]} ${seconds(timed.value)}`,
          used: seconds(used[key]),
        })
      }
    }
  }
  return { intervalMs, timeoutMs, fall: retry + 1 }
}
