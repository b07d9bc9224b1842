/**
 * The table of every directive: where it stands, what its value is, what is meant when it is absent, where the original's web tool
 * wrote it, since when it exists, and what it does. Parser, writer, reader, completion and hovers all read this one table, so a
 * directive is added by adding a row. Shoal's own directives stand in the file as comments (`# shoal: name = value`), which the
 * original skips.
 */

import type { CheckKind } from '../checks.ts'
import { chosenKinds, dnsRecords } from '../checks.ts'

/** Where a directive stands. `failover` blocks take the keys of `virtual`, and are written in another order. */
export type Scope = 'global' | 'virtual' | 'server'

/**
 * What a value is.
 * `int` a whole number as strtol(3) base 0 reads it · `bool` 0 or 1 · `port` number or tcp service name · `host` IPv4 address or
 * host name · `ipv4` address only · `mask` dotted netmask · `word` one word · `text` free text, quoted where it has blanks ·
 * `choice` one of `choices` · `placed` address and device · `pairs` `[ a:b … ]`.
 * Only for Shoal's own: `ms` whole milliseconds · `count` whole number from 1 · `switch` on or off · `ms-list` milliseconds, several.
 */
export type ValueType =
  | 'int'
  | 'bool'
  | 'port'
  | 'host'
  | 'ipv4'
  | 'mask'
  | 'word'
  | 'text'
  | 'choice'
  | 'placed'
  | 'pairs'
  | 'ms'
  | 'count'
  | 'switch'
  | 'ms-list'

type Unit = 's' | 'ms'

/** A short explanation in every language, for hovers and forms. */
interface Doc {
  readonly en: string
  readonly 'zh-CN': string
}

export interface Directive {
  readonly name: string
  readonly scope: Scope
  readonly type: ValueType
  /** What the original means when the directive is absent, as it would be written; absent where there is no default. */
  readonly default?: string
  readonly unit?: Unit
  readonly choices?: readonly string[]
  /** The web tool always put the value in double quotes. */
  readonly quoted?: true
  /** Piranha keeps the quotes as part of the value and hands them on. */
  readonly keepsQuotes?: true
  /** 0.0.0.0 is refused. */
  readonly nonZero?: true
  /** Numbers only: no service name. */
  readonly numeric?: true
  /** Written by the web tool, refused by the daemons: read, reported, never written anew. */
  readonly refused?: true
  /** Nothing in Piranha or Shoal uses it. */
  readonly unused?: true
  /** Shoal's own: written as a comment. */
  readonly shoal?: true
  /** First Piranha version that knows it; older daemons refuse the file. */
  readonly since?: string
  /** The web tool drops the directive when it rewrites the file. */
  readonly lostByWebTool?: true
  /** Used by these kinds of `# shoal: check` only. */
  readonly kinds?: readonly CheckKind[]
  readonly doc: Doc
}

type Row = Omit<Directive, 'name' | 'scope' | 'doc'> & { readonly doc: readonly [en: string, zh: string] }

function rows(scope: Scope, table: Readonly<Record<string, Row>>): readonly Directive[] {
  return Object.entries(table).map(([name, row]) => ({
    ...row,
    name,
    scope,
    doc: { en: row.doc[0], 'zh-CN': row.doc[1] },
  }))
}

/** The schedulers Piranha accepts. */
export const piranhaSchedulers = ['lc', 'rr', 'wlc', 'wrr', 'lblc', 'lblcr', 'dh', 'sh'] as const
/** Schedulers of today's kernels that Piranha refuses. */
export const newerSchedulers = ['sed', 'nq', 'mh', 'fo', 'ovf', 'twos'] as const

/** Global directives in the order the web tool wrote them, then those it did not know, then Shoal's own. */
const globalRows = rows('global', {
  serial_no: {
    type: 'int',
    default: '0',
    doc: [
      'Revision of the file; nothing depends on it. Counted up with every change.',
      '文件的修订号，不影响运行；每次修改时递增。',
    ],
  },
  primary: {
    type: 'host',
    nonZero: true,
    doc: [
      'Public address of the first director. The host that owns it is the master.',
      '第一台负载调度器的公网地址；拥有该地址的主机即为主调度器。',
    ],
  },
  primary_private: {
    type: 'host',
    nonZero: true,
    since: '0.6',
    doc: [
      'Second heartbeat path of the first director. Without it Piranha also ignores backup_private.',
      '第一台调度器的第二条心跳路径；缺少它时 Piranha 也会忽略 backup_private。',
    ],
  },
  primary_shared: {
    type: 'word',
    since: '0.6',
    unused: true,
    doc: [
      'Shared SCSI device of the first director, for failover services. Not used by Shoal.',
      '第一台调度器的共享 SCSI 设备，仅用于故障切换服务；Shoal 不使用。',
    ],
  },
  service: {
    type: 'choice',
    choices: ['lvs', 'fos'],
    default: 'lvs',
    doc: [
      'Which kind of block runs: virtual servers (lvs) or failover services (fos).',
      '运行哪一类区块：虚拟服务（lvs）或故障切换服务（fos）。',
    ],
  },
  rsh_command: {
    type: 'word',
    default: 'rsh',
    doc: [
      'Remote shell that nanny used to ask a real server for its load when load_monitor = uptime.',
      '当 load_monitor = uptime 时，nanny 用来查询真实服务器负载的远程命令。',
    ],
  },
  backup_active: {
    type: 'bool',
    default: '0',
    doc: ['1: heartbeats are sent and a second director may take over.', '1：发送心跳，并允许第二台调度器接管。'],
  },
  backup: {
    type: 'host',
    default: '0.0.0.0',
    doc: [
      'Public address of the second director; 0.0.0.0 means there is none.',
      '第二台负载调度器的公网地址；0.0.0.0 表示没有。',
    ],
  },
  backup_private: {
    type: 'host',
    nonZero: true,
    since: '0.6',
    doc: ['Second heartbeat path of the second director.', '第二台调度器的第二条心跳路径。'],
  },
  backup_shared: {
    type: 'word',
    since: '0.6',
    unused: true,
    doc: [
      'Shared SCSI device of the second director, for failover services. Not used by Shoal.',
      '第二台调度器的共享 SCSI 设备，仅用于故障切换服务；Shoal 不使用。',
    ],
  },
  heartbeat: {
    type: 'bool',
    default: '0',
    unused: true,
    doc: [
      'Read by Piranha and never used: heartbeats depend on backup_active.',
      'Piranha 会读取但从不使用；是否发送心跳取决于 backup_active。',
    ],
  },
  heartbeat_port: { type: 'port', default: '539', doc: ['UDP port of the heartbeats.', '心跳使用的 UDP 端口。'] },
  keepalive: {
    type: 'int',
    unit: 's',
    default: '2',
    doc: [
      'Seconds between two heartbeats. Shoal: keepalive_ms sets it finer.',
      '两次心跳之间的秒数；Shoal 可用 keepalive_ms 精确到毫秒。',
    ],
  },
  deadtime: {
    type: 'int',
    unit: 's',
    default: '5',
    doc: [
      'Silence after which the partner counts as dead. Shoal: deadtime_ms sets it finer.',
      '对方静默多少秒后视为失效；Shoal 可用 deadtime_ms 精确到毫秒。',
    ],
  },
  network: {
    type: 'choice',
    choices: ['nat', 'direct', 'tunnel'],
    default: 'nat',
    doc: [
      'How packets reach the real servers: address translation, direct routing or IP tunnel. One method for all.',
      '数据包到达真实服务器的方式：地址转换、直接路由或 IP 隧道；全局统一。',
    ],
  },
  nat_router: {
    type: 'placed',
    doc: [
      'NAT only: the gateway address of the real servers, and the device it is put on. It follows the active director.',
      '仅 NAT：真实服务器的网关地址及其所在设备；随活动调度器移动。',
    ],
  },
  nat_nmask: {
    type: 'mask',
    default: '0.0.0.0',
    doc: ['Netmask of nat_router; 0.0.0.0 means none is set.', 'nat_router 的子网掩码；0.0.0.0 表示不设置。'],
  },
  reservation_conflict_action: {
    type: 'choice',
    choices: ['nothing', 'preempt'],
    since: '0.6',
    unused: true,
    doc: [
      'Failover services with shared SCSI only. Not used by Shoal.',
      '仅用于共享 SCSI 的故障切换服务；Shoal 不使用。',
    ],
  },
  debug_level: {
    type: 'word',
    default: 'NONE',
    unused: true,
    doc: ['Free text that nothing reads.', '自由文本，没有程序使用。'],
  },
  monitor_links: {
    type: 'int',
    default: '0',
    since: '0.8.1',
    doc: [
      'Non-zero: a director whose network link is down gives up the service.',
      '非零：网络链路断开的调度器会放弃服务。',
    ],
  },
  syncdaemon: {
    type: 'bool',
    default: '0',
    doc: ['1: the kernel copies its connection table to the standby.', '1：内核把连接表同步到备用调度器。'],
  },
  syncd_iface: {
    type: 'word',
    default: 'eth0',
    since: '0.8.5-13',
    doc: ['Device over which connections are synchronised.', '同步连接表所用的网络设备。'],
  },
  syncd_id: {
    type: 'int',
    default: '0',
    since: '0.8.5-13',
    doc: [
      'Number of the sync group, 0 to 255; both directors must have the same.',
      '同步组编号，0 到 255；两台调度器必须一致。',
    ],
  },
  tcp_timeout: {
    type: 'int',
    unit: 's',
    default: '0',
    since: '0.8.5-14',
    doc: [
      'IPVS timeout of idle TCP connections; 0 leaves the value of the kernel.',
      'IPVS 空闲 TCP 连接的超时；0 表示沿用内核的值。',
    ],
  },
  tcpfin_timeout: {
    type: 'int',
    unit: 's',
    default: '0',
    since: '0.8.5-14',
    doc: [
      'IPVS timeout of TCP connections after FIN; 0 leaves the value of the kernel.',
      'IPVS 收到 FIN 之后 TCP 连接的超时；0 表示沿用内核的值。',
    ],
  },
  udp_timeout: {
    type: 'int',
    unit: 's',
    default: '0',
    since: '0.8.5-14',
    doc: ['IPVS timeout of UDP; 0 leaves the value of the kernel.', 'IPVS 的 UDP 超时；0 表示沿用内核的值。'],
  },
  active_cmd: {
    type: 'text',
    since: '0.7.8',
    lostByWebTool: true,
    doc: [
      'Command run by pulse when it becomes active. Not run by Shoal.',
      'pulse 变为活动时运行的命令；Shoal 不运行。',
    ],
  },
  inactive_cmd: {
    type: 'text',
    since: '0.7.8',
    lostByWebTool: true,
    doc: [
      'Command run by pulse when it becomes inactive. Not run by Shoal.',
      'pulse 变为非活动时运行的命令；Shoal 不运行。',
    ],
  },
  hard_shutdown: {
    type: 'bool',
    default: '1',
    since: '0.8.5-8',
    lostByWebTool: true,
    doc: [
      '1: the death of one nanny stops the whole service in Piranha. Shoal has no such coupling.',
      '1：在 Piranha 中任一 nanny 退出都会停止整个服务；Shoal 没有这种关联。',
    ],
  },
  ipvsadm: {
    type: 'word',
    default: '/sbin/ipvsadm',
    lostByWebTool: true,
    doc: ['Path of the ipvsadm program.', 'ipvsadm 程序的路径。'],
  },
  sync: {
    type: 'bool',
    default: '0',
    unused: true,
    lostByWebTool: true,
    doc: ['Read by Piranha and never used.', 'Piranha 会读取但从不使用。'],
  },
  nat_router6: {
    type: 'text',
    shoal: true,
    doc: [
      'With NAT and address6: IPv6 address that the directors share on the inside, gateway of the real servers, and its interface: `fd00::1/64 eth1`.',
      '用于 NAT 与 address6：两台调度器在内网共享的 IPv6 地址，即真实服务器的网关，后接接口：`fd00::1/64 eth1`。',
    ],
  },
  heartbeat_paths: {
    type: 'text',
    shoal: true,
    doc: [
      'Further heartbeat paths, any number: pairs of addresses separated by commas, that of the first director first: `10.8.0.1 10.8.0.2, fd00::1 fd00::2`.',
      '更多心跳路径，数量不限：以逗号分隔的地址对，第一台调度器的地址在前：`10.8.0.1 10.8.0.2, fd00::1 fd00::2`。',
    ],
  },
  keepalive_ms: {
    type: 'ms',
    unit: 'ms',
    shoal: true,
    doc: ['Milliseconds between two heartbeats; overrides keepalive.', '两次心跳之间的毫秒数；优先于 keepalive。'],
  },
  deadtime_ms: {
    type: 'ms',
    unit: 'ms',
    shoal: true,
    doc: [
      'Silence in milliseconds after which the partner counts as dead; overrides deadtime.',
      '对方静默多少毫秒后视为失效；优先于 deadtime。',
    ],
  },
  failback: {
    type: 'switch',
    default: 'off',
    shoal: true,
    doc: [
      'on: the first director takes the service back when it returns. Piranha never does.',
      'on：第一台调度器恢复后自动切回；Piranha 从不切回。',
    ],
  },
  failback_delay_ms: {
    type: 'ms',
    unit: 'ms',
    default: '10000',
    shoal: true,
    doc: [
      'How long the returning director must be healthy before the service is handed back.',
      '恢复的调度器需要保持正常多少毫秒后才切回。',
    ],
  },
  announce_burst: {
    type: 'count',
    default: '5',
    shoal: true,
    doc: ['Gratuitous ARP packets sent at once after taking over.', '接管后立即发送的免费 ARP 个数。'],
  },
  announce_repeat_ms: {
    type: 'ms-list',
    unit: 'ms',
    default: '100,500,1000,2000',
    shoal: true,
    doc: [
      'When the burst is repeated after taking over, in milliseconds, separated by commas.',
      '接管后何时重复发送，单位毫秒，用逗号分隔。',
    ],
  },
  announce_refresh_ms: {
    type: 'ms',
    unit: 'ms',
    default: '30000',
    shoal: true,
    doc: [
      'Gratuitous ARP is renewed at this interval while active; 0 means never.',
      '活动期间按此间隔重复免费 ARP；0 表示不重复。',
    ],
  },
  metrics_listen: {
    type: 'word',
    shoal: true,
    doc: [
      'Address and port (`10.0.0.1:9539`) where the agents offer metrics and health over HTTP, without a password. Without it: on the unix socket only. 0.0.0.0 means every interface.',
      '代理通过 HTTP 提供指标与健康状态的地址和端口（如 `10.0.0.1:9539`），无需密码；未设置时仅在 unix 套接字上提供。0.0.0.0 表示所有接口。',
    ],
  },
  expire_nodest_conn: {
    type: 'switch',
    shoal: true,
    doc: [
      'on: connections of a real server that is taken out of the table end at once; off: they wait for it. Without it the kernel stays as it is.',
      'on：真实服务器被移出转发表时立即结束其连接；off：保留等待；未设置时不改变内核设置。',
    ],
  },
  expire_quiescent_template: {
    type: 'switch',
    shoal: true,
    doc: [
      'on: persistent clients of a real server with weight 0 go elsewhere; off: they stay until their time is over. Without it: on where a persistent virtual server has quiesce_server = 1.',
      'on：权重为 0 的真实服务器的持久客户端改用其他服务器；off：保留到持久时间结束；未设置时，若持久虚拟服务启用 quiesce_server 则为 on。',
    ],
  },
})

const virtualRows = rows('virtual', {
  active: { type: 'bool', default: '0', doc: ['1: this virtual server is served.', '1：启用该虚拟服务。'] },
  address: {
    type: 'placed',
    default: '0.0.0.0',
    doc: [
      'Virtual IP and the device it is put on: `192.0.2.80 eth0:1`.',
      '虚拟 IP 及其所在设备，例如 `192.0.2.80 eth0:1`。',
    ],
  },
  sorry_server: {
    type: 'ipv4',
    since: '0.8.4-11',
    doc: [
      'Address that answers while no real server is up, on the same port.',
      '没有可用真实服务器时，由该地址在相同端口应答。',
    ],
  },
  vip_nmask: {
    type: 'mask',
    default: '0.0.0.0',
    doc: ['Netmask of the virtual IP; 0.0.0.0 means none is set.', '虚拟 IP 的子网掩码；0.0.0.0 表示不设置。'],
  },
  fwmark: {
    type: 'int',
    default: '0',
    since: '0.6',
    doc: [
      'Non-zero: packets with this firewall mark are the service, instead of address and port.',
      '非零：以该防火墙标记的数据包作为服务，代替地址和端口。',
    ],
  },
  port: {
    type: 'port',
    default: '80',
    doc: ['Port of the virtual server, a number or a tcp service name.', '虚拟服务的端口，数字或 tcp 服务名。'],
  },
  persistent: {
    type: 'int',
    unit: 's',
    default: '0',
    doc: [
      'Seconds a client stays with the same real server; 0 means no persistence.',
      '客户端固定到同一真实服务器的秒数；0 表示不保持。',
    ],
  },
  pmask: {
    type: 'mask',
    doc: ['Netmask by which clients are grouped for persistence.', '会话保持时对客户端分组所用的子网掩码。'],
  },
  send: {
    type: 'text',
    quoted: true,
    keepsQuotes: true,
    doc: [
      'Text sent to a real server as health check. Escapes: \\r \\n \\t \\\\ \\\' \\". Any other escape hangs the nanny of Piranha.',
      '健康检查时发送给真实服务器的文本。转义：\\r \\n \\t \\\\ \\\' \\"；其他转义会使 Piranha 的 nanny 卡死。',
    ],
  },
  expect: {
    type: 'text',
    quoted: true,
    keepsQuotes: true,
    doc: [
      'Text the answer must begin with; `*` accepts anything. Escapes as in send.',
      '应答必须以该文本开头；`*` 表示任意应答。转义与 send 相同。',
    ],
  },
  use_regex: {
    type: 'bool',
    default: '0',
    since: '0.7',
    doc: ['1: expect is a POSIX extended regular expression.', '1：expect 为 POSIX 扩展正则表达式。'],
  },
  send_program: {
    type: 'text',
    quoted: true,
    keepsQuotes: true,
    since: '0.6',
    doc: [
      'Program run as health check instead of send; %h is the address and %p the port of the real server. Its output is compared with expect.',
      '代替 send 的健康检查程序；%h 为真实服务器地址，%p 为端口；其输出与 expect 比较。',
    ],
  },
  expect_program: {
    type: 'text',
    quoted: true,
    refused: true,
    doc: ['Written by the web tool; the daemons refuse the file.', '由网页工具写入；守护进程会拒绝整个文件。'],
  },
  load_monitor: {
    type: 'word',
    doc: [
      'How the load of a real server is asked: none, rup, ruptime, uptime or a program.',
      '查询真实服务器负载的方式：none、rup、ruptime、uptime 或程序路径。',
    ],
  },
  scheduler: {
    type: 'choice',
    choices: piranhaSchedulers,
    default: 'wlc',
    doc: ['How the next real server is chosen.', '选择下一台真实服务器的调度算法。'],
  },
  deadtime: {
    type: 'int',
    refused: true,
    doc: ['Written by the web tool; the daemons refuse the file.', '由网页工具写入；守护进程会拒绝整个文件。'],
  },
  protocol: {
    type: 'choice',
    choices: ['tcp', 'udp'],
    default: 'tcp',
    doc: ['Protocol of the virtual server.', '虚拟服务的协议。'],
  },
  timeout: {
    type: 'int',
    unit: 's',
    default: '10',
    doc: [
      'Seconds between two health checks, and the time one check may take.',
      '两次健康检查之间的秒数，也是单次检查的最长时间。',
    ],
  },
  reentry: {
    type: 'int',
    unit: 's',
    default: '180',
    doc: [
      'A failed real server comes back after reentry / timeout successful checks.',
      '失效的真实服务器连续成功 reentry / timeout 次后恢复。',
    ],
  },
  quiesce_server: {
    type: 'bool',
    default: '0',
    since: '0.6',
    doc: [
      '1: a failed real server gets weight 0 instead of being removed, so open connections go on.',
      '1：失效的真实服务器权重置 0 而不移除，已有连接得以继续。',
    ],
  },
  heartbeat: {
    type: 'bool',
    refused: true,
    doc: [
      'Written by the web tool in failover services; the daemons refuse the file.',
      '由网页工具写入故障切换服务；守护进程会拒绝整个文件。',
    ],
  },
  start_cmd: {
    type: 'text',
    quoted: true,
    keepsQuotes: true,
    doc: ['Failover services: command that starts the service.', '故障切换服务：启动服务的命令。'],
  },
  stop_cmd: {
    type: 'text',
    quoted: true,
    keepsQuotes: true,
    doc: ['Failover services: command that stops the service.', '故障切换服务：停止服务的命令。'],
  },
  client_monitor: {
    type: 'word',
    default: '/usr/sbin/nanny',
    lostByWebTool: true,
    doc: ['Path of the check daemon of Piranha. Not used by Shoal.', 'Piranha 检查守护进程的路径；Shoal 不使用。'],
  },
  master: {
    type: 'host',
    default: '0.0.0.0',
    unused: true,
    lostByWebTool: true,
    doc: ['Read by Piranha and never used.', 'Piranha 会读取但从不使用。'],
  },
  dirs: {
    type: 'pairs',
    unused: true,
    lostByWebTool: true,
    doc: ['List of directories, read by Piranha and never used.', '目录列表，Piranha 会读取但从不使用。'],
  },
  mark_ports: {
    type: 'text',
    shoal: true,
    doc: [
      'With fwmark: the ports of the virtual IP whose packets are marked, `80 443`, `21 30000-30100`; without it the port alone.',
      '配合 fwmark：虚拟 IP 的哪些端口的数据包被打上标记，例如 `80 443`、`21 30000-30100`；未设置时仅为 port。',
    ],
  },
  address6: {
    type: 'text',
    shoal: true,
    doc: [
      'IPv6 address at which it is served, too, `2001:db8::27/64`, and its interface where that is not the one of address. Real servers with an address6 serve it. Piranha knows nothing of it.',
      '另外提供服务的 IPv6 地址，例如 `2001:db8::27/64`；接口与 address 不同时写在其后。由设有 address6 的真实服务器提供服务。Piranha 不识别。',
    ],
  },
  sorry_server6: {
    type: 'word',
    shoal: true,
    doc: [
      'With address6: IPv6 address that serves when no real server does.',
      '配合 address6：没有真实服务器可用时提供服务的 IPv6 地址。',
    ],
  },
  slow_start_ms: {
    type: 'ms',
    unit: 'ms',
    default: '0',
    shoal: true,
    doc: [
      'A real server that comes back gets its weight gradually over so many milliseconds; 0: at once.',
      '恢复的真实服务器在此毫秒数内逐步恢复权重；0 表示立即恢复。',
    ],
  },
  load_port: {
    type: 'int',
    default: '5391',
    shoal: true,
    doc: [
      'With load_monitor: TCP port on which a real server tells its load.',
      '配合 load_monitor：真实服务器报告负载的 TCP 端口。',
    ],
  },
  check: {
    type: 'choice',
    choices: chosenKinds,
    shoal: true,
    doc: [
      'What is asked of a real server; without it send, expect and send_program say so, as in Piranha.',
      '对真实服务器做何种检查；未设置时与 Piranha 一样由 send、expect 和 send_program 决定。',
    ],
  },
  check_port: {
    type: 'int',
    shoal: true,
    doc: ['Port that is checked instead of the port of the real server.', '代替真实服务器端口的检查端口。'],
  },
  check_via: {
    type: 'choice',
    choices: ['server', 'vip'],
    default: 'server',
    shoal: true,
    doc: [
      'vip: the virtual IP is also asked for through the real server, as the packets of clients go; so a virtual IP that is missing there is found. Direct routing and tunnel only.',
      'vip：另外按客户端数据包的路径，经真实服务器检查虚拟 IP，从而发现该服务器上缺失的虚拟 IP。仅用于直接路由和隧道。',
    ],
  },
  check_path: {
    type: 'text',
    default: '/',
    shoal: true,
    kinds: ['http', 'https'],
    doc: ['Path that is asked for.', '请求的路径。'],
  },
  check_host: {
    type: 'word',
    shoal: true,
    kinds: ['http', 'https', 'smtp'],
    doc: [
      'Host name: the Host header and the name in TLS, or the name given to a mail server. Without it the address of the real server, or the name of the director.',
      '主机名：HTTP 的 Host 头与 TLS 名称，或向邮件服务器报出的名称；未设置时为真实服务器地址，或调度器的名称。',
    ],
  },
  check_method: {
    type: 'choice',
    choices: ['GET', 'HEAD'],
    default: 'GET',
    shoal: true,
    kinds: ['http', 'https'],
    doc: ['HTTP method. HEAD transfers no body.', 'HTTP 方法；HEAD 不传输正文。'],
  },
  check_status: {
    type: 'word',
    default: '200-399',
    shoal: true,
    kinds: ['http', 'https'],
    doc: [
      'Status codes that count as success: `200-399`, `200,204,301`.',
      '视为成功的状态码：`200-399`、`200,204,301`。',
    ],
  },
  check_body: {
    type: 'text',
    shoal: true,
    kinds: ['http', 'https'],
    doc: ['Text that the body must contain.', '正文必须包含的文本。'],
  },
  check_body_regex: {
    type: 'text',
    shoal: true,
    kinds: ['http', 'https'],
    doc: ['Regular expression that the body must match.', '正文必须匹配的正则表达式。'],
  },
  check_verify: {
    type: 'switch',
    default: 'off',
    shoal: true,
    kinds: ['https'],
    doc: [
      'on: the certificate must be valid for check_host and signed by an authority the director trusts.',
      'on：证书必须对 check_host 有效，并由调度器信任的机构签发。',
    ],
  },
  check_cert_days: {
    type: 'int',
    default: '14',
    shoal: true,
    kinds: ['https'],
    doc: [
      'A certificate that ends within so many days is reported; the real server stays in. 0: never.',
      '证书在此天数内到期时提示，真实服务器不会被摘除；0 表示不提示。',
    ],
  },
  check_name: {
    type: 'word',
    default: '.',
    shoal: true,
    kinds: ['dns'],
    doc: ['Name that is asked for.', '查询的域名。'],
  },
  check_record: {
    type: 'choice',
    choices: dnsRecords,
    shoal: true,
    kinds: ['dns'],
    doc: ['Record that is asked for: NS for the root, otherwise A.', '查询的记录类型：根域默认为 NS，其他默认为 A。'],
  },
  check_answer: {
    type: 'text',
    shoal: true,
    kinds: ['dns'],
    doc: [
      'One of the records must be this: an address, a name, `10 mail.example.`; without it any record will do.',
      '应答中须有一条记录等于该值：地址、域名、`10 mail.example.`；未设置时任意记录均可。',
    ],
  },
  check_user: {
    type: 'word',
    default: 'shoal',
    shoal: true,
    kinds: ['mysql', 'postgresql'],
    doc: [
      'Name a database is greeted with. It needs no rights and no password: a refusal is an answer too.',
      '问候数据库时使用的用户名；无需权限和密码，被拒绝也是一种应答。',
    ],
  },
  check_script: {
    type: 'text',
    shoal: true,
    kinds: ['script'],
    doc: [
      'Program with its arguments; %h is the address and %p the port of the real server. Exit status 0 is a success. There is no shell.',
      '程序及其参数；%h 为真实服务器地址，%p 为端口；退出状态 0 表示成功。不经过 shell。',
    ],
  },
  check_interval_ms: {
    type: 'ms',
    unit: 'ms',
    shoal: true,
    doc: ['Milliseconds between two health checks; overrides timeout.', '两次健康检查之间的毫秒数；优先于 timeout。'],
  },
  check_timeout_ms: {
    type: 'ms',
    unit: 'ms',
    shoal: true,
    doc: ['Milliseconds one health check may take; overrides timeout.', '单次健康检查的最长毫秒数；优先于 timeout。'],
  },
  rise: {
    type: 'count',
    shoal: true,
    doc: ['Successful checks needed to come back; overrides reentry.', '恢复所需的连续成功次数；优先于 reentry。'],
  },
  fall: {
    type: 'count',
    default: '1',
    shoal: true,
    doc: ['Failed checks needed to be taken out. Piranha: 1.', '摘除所需的连续失败次数；Piranha 为 1。'],
  },
})

const serverRows = rows('server', {
  address: { type: 'host', default: '0.0.0.0', doc: ['Address of the real server.', '真实服务器的地址。'] },
  nmask: {
    type: 'mask',
    refused: true,
    doc: ['Written by the web tool; the daemons refuse the file.', '由网页工具写入；守护进程会拒绝整个文件。'],
  },
  active: { type: 'bool', default: '0', doc: ['1: the real server takes part.', '1：该真实服务器参与服务。'] },
  port: {
    type: 'port',
    numeric: true,
    doc: [
      'Port on the real server; absent means the port of the virtual server. Other ports work with NAT only.',
      '真实服务器上的端口；省略时与虚拟服务相同。只有 NAT 允许不同端口。',
    ],
  },
  weight: {
    type: 'int',
    default: '1',
    doc: [
      'Share of the work. 0 takes no new connections (Piranha turns 0 into 1).',
      '承担的比重；0 表示不接收新连接（Piranha 会把 0 当作 1）。',
    ],
  },
  address6: {
    type: 'word',
    shoal: true,
    doc: [
      'IPv6 address of the real server, for virtual servers with an address6.',
      '该真实服务器的 IPv6 地址，用于设有 address6 的虚拟服务。',
    ],
  },
})

/** Every directive, in canonical order within its scope. */
export const directives: readonly Directive[] = [...globalRows, ...virtualRows, ...serverRows]

/** The order the web tool used in `failover` blocks; other keys follow in the order of `virtual`. */
const failoverOrder = [
  'address',
  'vip_nmask',
  'active',
  'port',
  'timeout',
  'heartbeat',
  'send',
  'expect',
  'send_program',
  'expect_program',
  'start_cmd',
  'stop_cmd',
]

type Indexed = { readonly directive: Directive; readonly at: number }
/** By scope and name, Shoal's own ones apart: asked for every line of a file, so no key is put together for it. */
const index: Readonly<Record<Scope, Map<string, Indexed>>> = {
  global: new Map(),
  virtual: new Map(),
  server: new Map(),
}
const ownIndex: typeof index = { global: new Map(), virtual: new Map(), server: new Map() }
for (const [at, one] of directives.entries())
  (one.shoal ? ownIndex : index)[one.scope].set(one.name, { directive: one, at })
const failoverIndex = new Map(failoverOrder.map((name, at) => [name, at]))

function rowOf(scope: Scope, name: string, shoal: boolean | undefined): Indexed | undefined {
  return (shoal ? ownIndex : index)[scope].get(name)
}

/** The row of a directive; `shoal` asks for Shoal's own ones. */
export function directive(scope: Scope, name: string, shoal?: boolean): Directive | undefined {
  return rowOf(scope, name, shoal)?.directive
}

/** Sort key of a directive in a block: native ones first, unknown ones after them, Shoal's own last. */
export function canonicalRank(
  kind: 'global' | 'virtual' | 'failover' | 'server',
  name: string,
  shoal?: boolean,
): number {
  const unknown = 1_000
  const own = 2_000
  const scope = kind === 'failover' ? 'virtual' : kind
  const at = rowOf(scope, name, shoal)?.at
  if (shoal) return own + (at ?? unknown)
  if (at === undefined) return unknown
  if (kind === 'failover') return failoverIndex.get(name) ?? failoverOrder.length + at
  return at
}

/** How many words the value of a directive has in the file; `pairs` takes any number. */
export function wordsOf(type: ValueType): number {
  return type === 'placed' ? 2 : type === 'pairs' ? Infinity : 1
}

const scopesByName = new Map<string, Scope[]>()
for (const { name, scope, shoal, refused } of directives) {
  if (!shoal && !refused) scopesByName.set(name, [...(scopesByName.get(name) ?? []), scope])
}

/** The scopes in which Piranha knows a keyword. */
export function scopesOf(name: string): readonly Scope[] {
  return scopesByName.get(name) ?? []
}
