/**
 * What is lost, approximated or worth knowing when a file is converted between lvs.cf and its neighbours (keepalived.conf,
 * ldirectord.cf, ipvsadm), in every language. The middle of a code says the fate of the line: `lost`, `near` (approximated), `note`
 * (nothing of it is needed), `unreadable` (no conversion).
 */
import type { Entry } from './speech.ts'

export const neighboursSpeech = {
  'convert-unreadable-nothing': {
    en: {
      says: 'No virtual server and no director was found; this is not a {format} with anything to convert.',
      remedy: 'Check that the right file and the right format were chosen.',
    },
    'zh-CN': {
      says: '文件中没有虚拟服务，也没有调度器；这不是有内容可转换的 {format}。',
      remedy: '请确认选择了正确的文件和格式。',
    },
  },
  'convert-unreadable-lvscf': {
    en: {
      says: 'The lvs.cf has {count} problems that leave its meaning open, so it was not converted.',
      remedy: 'Correct the problems listed, then convert again.',
    },
    'zh-CN': {
      says: '该 lvs.cf 有 {count} 个问题，含义无法确定，因此未转换。',
      remedy: '请先修正列出的问题，再重新转换。',
    },
  },
  'convert-lost-line': {
    en: {
      says: 'This line cannot be read as {format} and was left out.',
      remedy: 'Correct the line in the source, or add what it meant by hand.',
    },
    'zh-CN': { says: '该行不是可读的 {format} 语句，已略去。', remedy: '请在源文件中改正该行，或手工补上其含义。' },
  },
  'convert-lost-unknown': {
    en: {
      says: '{what} is not a word of {format} that Shoal knows; it was left out.',
      remedy: 'Check the spelling; if it is right, add its effect by hand.',
    },
    'zh-CN': {
      says: '{what} 不是 Shoal 认识的 {format} 关键字，已略去。',
      remedy: '请检查拼写；若无误，请手工补上其效果。',
    },
  },
  'convert-lost-value': {
    en: {
      says: 'The value of {what} cannot be used; the line was left out.',
      remedy: 'Correct the value in the source.',
    },
    'zh-CN': { says: '{what} 的值无法使用，该行已略去。', remedy: '请在源文件中改正该值。' },
  },
  'convert-lost-word': {
    en: {
      says: '{format} has nothing that means {what}; it was left out.',
      remedy: 'Decide whether the service needs it; if so, arrange it outside this file.',
    },
    'zh-CN': {
      says: '{format} 没有与 {what} 对应的内容，已略去。',
      remedy: '请判断服务是否需要它；若需要，请在此文件之外安排。',
    },
  },
  'convert-lost-alert': {
    en: {
      says: '{what} sends mail or an alert; lvs.cf has no alerts.',
      remedy: 'Set up notifications in Shoal, or keep the monitoring outside.',
    },
    'zh-CN': {
      says: '{what} 用于发送邮件或告警；lvs.cf 没有告警。',
      remedy: '请在 Shoal 中设置通知，或在外部保留监控。',
    },
  },
  'convert-lost-script': {
    en: {
      says: '{what} runs a program on an event; lvs.cf has no such hook.',
      remedy: 'Check what the program does; if the service depends on it, arrange it on the hosts.',
    },
    'zh-CN': {
      says: '{what} 在事件发生时运行程序；lvs.cf 没有这种钩子。',
      remedy: '请查看该程序的作用；若服务依赖它，请在主机上另行安排。',
    },
  },
  'convert-lost-tracking': {
    en: {
      says: '{what} makes the role depend on a script, file, process or BFD session; lvs.cf knows links only.',
      remedy: 'Where a failed link stands behind it, monitor_links = 1 covers it.',
    },
    'zh-CN': {
      says: '{what} 让角色取决于脚本、文件、进程或 BFD 会话；lvs.cf 只能依据网络链路。',
      remedy: '若其实质是链路故障，monitor_links = 1 即可覆盖。',
    },
  },
  'convert-lost-ipv6': {
    en: {
      says: '{what} is IPv6, which is not converted.',
      remedy:
        'Write it by hand; in lvs.cf it is `# shoal: address6 = …` in the virtual server and in its real servers.',
    },
    'zh-CN': {
      says: '{what} 是 IPv6，不会被转换。',
      remedy: '请手动填写；在 lvs.cf 中为虚拟服务及其真实服务器中的 `# shoal: address6 = …`。',
    },
  },
  'convert-lost-protocol': {
    en: { says: '{what} is not tcp or udp, the only protocols of lvs.cf.', remedy: 'Keep this service where it is.' },
    'zh-CN': { says: '{what} 不是 tcp 或 udp；lvs.cf 只有这两种协议。', remedy: '请将该服务保留在原处。' },
  },
  'convert-lost-threshold': {
    en: {
      says: '{what} limits the connections of a real server; lvs.cf has no limits.',
      remedy: 'Lower the weight of the server, or limit connections on the server itself.',
    },
    'zh-CN': {
      says: '{what} 限制真实服务器的连接数；lvs.cf 没有该限制。',
      remedy: '请降低该服务器的权重，或在服务器上限制连接数。',
    },
  },
  'convert-lost-include': {
    en: {
      says: 'The included file {what} was not read.',
      remedy: 'Convert one file that holds everything, or convert the included file by itself.',
    },
    'zh-CN': { says: '未读取被包含的文件 {what}。', remedy: '请转换包含全部内容的单个文件，或单独转换该文件。' },
  },
  'convert-lost-template': {
    en: {
      says: '{what} depends on the host or repeats lines; it was not worked out.',
      remedy: 'Write out what the line becomes on this host, then convert again.',
    },
    'zh-CN': {
      says: '{what} 依主机而定或会重复生成行，未展开。',
      remedy: '请写出该行在此主机上的实际内容，再重新转换。',
    },
  },
  'convert-lost-tunnel': {
    en: {
      says: '{what} chooses an encapsulation; lvs.cf tunnels are plain IP in IP.',
      remedy: 'Set the real servers up for IP in IP (tunl0), or keep this service where it is.',
    },
    'zh-CN': {
      says: '{what} 指定封装方式；lvs.cf 的隧道只有 IPIP。',
      remedy: '请让真实服务器使用 IPIP（tunl0），或将该服务保留在原处。',
    },
  },
  'convert-lost-scheduling': {
    en: {
      says: '{what} refines how packets are scheduled; lvs.cf has the scheduler name and persistence only.',
      remedy: 'Check whether the service works without it.',
    },
    'zh-CN': {
      says: '{what} 用于细化调度方式；lvs.cf 只有调度算法名称和会话保持。',
      remedy: '请确认没有它服务是否仍能工作。',
    },
  },
  'convert-lost-quorum': {
    en: {
      says: '{what} counts how many real servers are enough; in lvs.cf one is enough.',
      remedy: 'Check whether one real server can carry the service.',
    },
    'zh-CN': {
      says: '{what} 规定至少需要多少真实服务器；在 lvs.cf 中一台即可。',
      remedy: '请确认一台真实服务器能否承担该服务。',
    },
  },
  'convert-lost-routes': {
    en: {
      says: '{what} adds routes or rules; lvs.cf has none.',
      remedy: 'Add them to the network configuration of the directors.',
    },
    'zh-CN': { says: '{what} 用于添加路由或规则；lvs.cf 没有。', remedy: '请在调度器的网络配置中添加。' },
  },
  'convert-lost-secret': {
    en: {
      says: '{what} holds a secret; it was not carried over and is not shown.',
      remedy: 'Shoal signs heartbeats with a key of its own; a check that logs in has no equal in lvs.cf.',
    },
    'zh-CN': {
      says: '{what} 含有机密，未转换，也不显示。',
      remedy: 'Shoal 用自己的密钥签名心跳；需要登录的检查在 lvs.cf 中没有对应。',
    },
  },
  'convert-lost-address-unused': {
    en: {
      says: 'No virtual server uses the address {what}; lvs.cf puts up addresses of virtual servers only.',
      remedy: 'Put the address up by other means, or add a virtual server for it.',
    },
    'zh-CN': {
      says: '没有虚拟服务使用地址 {what}；lvs.cf 只配置虚拟服务的地址。',
      remedy: '请用其他方式配置该地址，或为其添加虚拟服务。',
    },
  },
  'convert-lost-address-option': {
    en: {
      says: '{what} refines how an address is put up; lvs.cf has device and netmask only.',
      remedy: 'Check whether the address works without it.',
    },
    'zh-CN': { says: '{what} 细化地址的配置方式；lvs.cf 只有设备和掩码。', remedy: '请确认没有它该地址是否可用。' },
  },
  'convert-lost-peer': {
    en: {
      says: '{what} is a third director; lvs.cf has two.',
      remedy: 'Decide which two hosts are the directors.',
    },
    'zh-CN': { says: '{what} 是第三台调度器；lvs.cf 只有两台。', remedy: '请确定由哪两台主机担任调度器。' },
  },
  'convert-lost-vrrp': {
    en: {
      says: '{what} changes how VRRP takes over or announces; Shoal does that in its own way.',
      remedy: 'Check whether the network depends on it (a virtual MAC, for one).',
    },
    'zh-CN': {
      says: '{what} 改变 VRRP 的接管或通告方式；Shoal 有自己的做法。',
      remedy: '请确认网络是否依赖它（例如虚拟 MAC）。',
    },
  },
  'convert-lost-check-option': {
    en: {
      says: '{what} refines the health check; lvs.cf cannot say it.',
      remedy: 'Watch after the change whether the check still tells a sick server from a sound one.',
    },
    'zh-CN': { says: '{what} 细化健康检查；lvs.cf 无法表达。', remedy: '更改后请观察检查能否区分正常与故障的服务器。' },
  },
  'convert-lost-check-second': {
    en: {
      says: '{what} is a further check; lvs.cf has one check per virtual server.',
      remedy: 'Combine the checks in a program (send_program) if both are needed.',
    },
    'zh-CN': {
      says: '{what} 是另一项检查；lvs.cf 每个虚拟服务只有一项检查。',
      remedy: '若两者都需要，请用程序（send_program）合并。',
    },
  },
  'convert-lost-check-differs': {
    en: {
      says: 'The check of {server} differs from that of the first real server; lvs.cf has one check per virtual server.',
      remedy: 'Split the virtual server, or use a program (send_program) that tells the servers apart.',
    },
    'zh-CN': {
      says: '{server} 的检查与第一台真实服务器不同；lvs.cf 每个虚拟服务只有一项检查。',
      remedy: '请拆分该虚拟服务，或用能区分服务器的程序（send_program）。',
    },
  },
  'convert-lost-check': {
    en: {
      says: '{format} does no health checks; {what} was left out.',
      remedy: 'Something else must take failed real servers out of the table.',
    },
    'zh-CN': { says: '{format} 没有健康检查，{what} 已略去。', remedy: '需由其他程序将故障的真实服务器移出转发表。' },
  },
  'convert-lost-load': {
    en: {
      says: 'Weights by load ({what}) have no equal in {format}; the weights are fixed.',
      remedy: 'Keep the weights as written, or adjust them by a program of your own.',
    },
    'zh-CN': {
      says: '{format} 没有按负载调整权重（{what}）的功能，权重固定。',
      remedy: '请保留所写权重，或用自己的程序调整。',
    },
  },
  'convert-lost-no-server': {
    en: {
      says: '{what} is said with each real server in {format}, and there is no active one; it was left out.',
      remedy: 'Activate a real server first, or add the setting by hand.',
    },
    'zh-CN': {
      says: '在 {format} 中 {what} 写在每台真实服务器里，而这里没有启用的服务器，已略去。',
      remedy: '请先启用一台真实服务器，或手工添加该设置。',
    },
  },
  'convert-lost-inactive': {
    en: {
      says: '{name} is not active; {format} has no such state, so it stands in the output as a comment.',
      remedy: 'Remove the comment signs to put it in service.',
    },
    'zh-CN': { says: '{name} 未启用；{format} 没有这种状态，因此在输出中写为注释。', remedy: '去掉注释符号即可启用。' },
  },
  'convert-lost-path': {
    en: {
      says: '{format} has one heartbeat path; {what} was left out.',
      remedy: 'Make the remaining path redundant (bonding), since losing it makes both hosts active.',
    },
    'zh-CN': {
      says: '{format} 只有一条心跳路径，{what} 已略去。',
      remedy: '请为剩下的路径做冗余（bonding），因为它中断会使两台主机同时活动。',
    },
  },
  'convert-lost-failover': {
    en: {
      says: 'The failover service {name} is no virtual server; {format} has nothing like it.',
      remedy: 'Move it to a cluster resource manager.',
    },
    'zh-CN': {
      says: '故障切换服务 {name} 不是虚拟服务；{format} 没有对应内容。',
      remedy: '请将其迁移到集群资源管理器。',
    },
  },
  'convert-lost-directors': {
    en: {
      says: '{format} knows one host only; {what} was left out.',
      remedy: 'Let keepalived or heartbeat move the virtual IPs between the two hosts.',
    },
    'zh-CN': {
      says: '{format} 只涉及一台主机，{what} 已略去。',
      remedy: '请由 keepalived 或 heartbeat 在两台主机间移动虚拟 IP。',
    },
  },
  'convert-lost-address': {
    en: {
      says: '{format} does not put up virtual IPs; the device or netmask in {what} was left out.',
      remedy: 'Put the address up by keepalived, heartbeat or the network configuration.',
    },
    'zh-CN': {
      says: '{format} 不配置虚拟 IP，{what} 中的设备或掩码已略去。',
      remedy: '请用 keepalived、heartbeat 或网络配置来设置该地址。',
    },
  },
  'convert-lost-overridden': {
    en: {
      says: '{what} is given again later; only the last one counts.',
      remedy: 'Remove the line that does not count.',
    },
    'zh-CN': { says: '{what} 在后面再次给出，只有最后一个有效。', remedy: '请删除无效的那一行。' },
  },
  'convert-near-method': {
    en: {
      says: '{server} is reached by {method}, most others by {network}; lvs.cf has one method for all, so {server} was made inactive.',
      remedy: 'Set {server} up for {network} and activate it, or keep it in a cluster of its own.',
    },
    'zh-CN': {
      says: '{server} 使用 {method}，其余多数使用 {network}；lvs.cf 全局只有一种方式，因此 {server} 设为未启用。',
      remedy: '请将 {server} 改为 {network} 后再启用，或放入单独的集群。',
    },
  },
  'convert-near-scheduler': {
    en: {
      says: 'Scheduler {what} was kept; Shoal runs it, and a director with Piranha refuses the whole file.',
      remedy: 'Choose wlc, wrr or sh instead if a Piranha director reads this file.',
    },
    'zh-CN': {
      says: '保留了调度算法 {what}；Shoal 可以运行，而 Piranha 调度器会拒绝整个文件。',
      remedy: '若有 Piranha 调度器读取此文件，请改用 wlc、wrr 或 sh。',
    },
  },
  'convert-near-number': {
    en: { says: '{what} became {used}, the nearest that can be said.', remedy: 'Check that {used} is acceptable.' },
    'zh-CN': { says: '{what} 变为 {used}，这是可表达的最接近的值。', remedy: '请确认 {used} 可以接受。' },
  },
  'convert-near-check': {
    en: {
      says: 'The check {what} became: {used}.',
      remedy: 'Check that it still tells a sick server from a sound one.',
    },
    'zh-CN': { says: '检查 {what} 变为：{used}。', remedy: '请确认它仍能区分正常与故障的服务器。' },
  },
  'convert-near-unchecked': {
    en: {
      says: '{server} had no check and was always in service; with lvs.cf it is checked: {used}.',
      remedy: 'Check that {server} answers that check.',
    },
    'zh-CN': {
      says: '{server} 原来没有检查、始终在服务；在 lvs.cf 中会进行检查：{used}。',
      remedy: '请确认 {server} 能通过该检查。',
    },
  },
  'convert-near-udp-check': {
    en: {
      says: 'The check {what} of a UDP service could not be carried; Shoal then only sees refused ports, and the nanny of Piranha crashes on an answer.',
      remedy: 'Give the virtual server send and expect, or a send_program with expect.',
    },
    'zh-CN': {
      says: 'UDP 服务的检查 {what} 无法转换；Shoal 此时只能发现端口被拒绝，Piranha 的 nanny 收到应答会崩溃。',
      remedy: '请为该虚拟服务设置 send 和 expect，或带 expect 的 send_program。',
    },
  },
  'convert-near-timing': {
    en: {
      says: 'VRRP takes over after {what}; in lvs.cf this became {used}.',
      remedy: 'Adjust keepalive and deadtime if another figure is wanted.',
    },
    'zh-CN': {
      says: 'VRRP 在 {what} 后接管；在 lvs.cf 中变为 {used}。',
      remedy: '若需要其他数值，请调整 keepalive 和 deadtime。',
    },
  },
  'convert-near-timing-out': {
    en: {
      says: '{what} became {used} of VRRP, which adds up to one advert interval of its own.',
      remedy: 'Adjust advert_int and down_timer_adverts if another figure is wanted.',
    },
    'zh-CN': {
      says: '{what} 变为 VRRP 的 {used}，VRRP 自身还会加上至多一个通告间隔。',
      remedy: '若需要其他数值，请调整 advert_int 和 down_timer_adverts。',
    },
  },
  'convert-near-role': {
    en: {
      says: '{what}: this host was taken as the {used} director; priorities themselves have no equal in lvs.cf.',
      remedy: 'Exchange primary and backup if it is the other way round.',
    },
    'zh-CN': {
      says: '{what}：据此将本机视为{used}调度器；优先级本身在 lvs.cf 中没有对应。',
      remedy: '若相反，请交换 primary 和 backup。',
    },
  },
  'convert-near-together': {
    en: {
      says: '{what} moves by itself in keepalived; in lvs.cf all virtual IPs move together.',
      remedy: 'Make one cluster per instance if they must be active on different hosts.',
    },
    'zh-CN': {
      says: '{what} 在 keepalived 中独立移动；在 lvs.cf 中所有虚拟 IP 一起移动。',
      remedy: '若必须在不同主机上活动，请为每个实例建立单独的集群。',
    },
  },
  'convert-near-sorry': {
    en: {
      says: 'The sorry server {what} became {used}: the port of the virtual server and the method of the cluster are used.',
      remedy: 'Let the sorry server answer on that port.',
    },
    'zh-CN': {
      says: '备用应答服务器 {what} 变为 {used}：使用虚拟服务的端口和集群的转发方式。',
      remedy: '请让该服务器在该端口应答。',
    },
  },
  'convert-near-quiesce': {
    en: {
      says: '{what}: some real servers are kept with weight 0 on failure and others removed; lvs.cf has one rule per virtual server, and {used} was taken.',
      remedy: 'Set quiesce_server as wanted.',
    },
    'zh-CN': {
      says: '{what}：故障时部分真实服务器权重置 0，部分被移除；lvs.cf 每个虚拟服务只有一条规则，采用了 {used}。',
      remedy: '请按需要设置 quiesce_server。',
    },
  },
  'convert-near-failback': {
    en: {
      says: 'keepalived takes the service back when the first director returns; this became # shoal: failback = on, which Piranha does not do.',
      remedy: 'Remove that line to let the service stay where it is.',
    },
    'zh-CN': {
      says: 'keepalived 在第一台调度器恢复后切回；已写为 # shoal: failback = on，Piranha 不会切回。',
      remedy: '若希望服务留在原处，请删除该行。',
    },
  },
  'convert-near-rise': {
    en: {
      says: '{format} brings a real server back after its first good check; {what} asked for {count}.',
      remedy: 'Raise the failures or retries of the check if servers flap.',
    },
    'zh-CN': {
      says: '{format} 在第一次检查成功后即恢复真实服务器；{what} 要求 {count} 次。',
      remedy: '若服务器反复上下线，请提高检查的失败或重试次数。',
    },
  },
  'convert-near-port': {
    en: {
      says: 'Port {what} became {used}: only NAT can change the port of a connection.',
      remedy: 'Let the real server answer on port {used}, or use NAT.',
    },
    'zh-CN': {
      says: '端口 {what} 变为 {used}：只有 NAT 能改变连接的端口。',
      remedy: '请让真实服务器在端口 {used} 应答，或使用 NAT。',
    },
  },
  'convert-near-any-port': {
    en: {
      says: '{what} serves every port; this became port 0 with persistence, which Piranha has never checked.',
      remedy: 'Name the ports in virtual servers of their own, or group them by a firewall mark.',
    },
    'zh-CN': {
      says: '{what} 服务所有端口；已写为端口 0 加会话保持，Piranha 从未对此做过检查。',
      remedy: '请为各端口分别建立虚拟服务，或用防火墙标记归组。',
    },
  },
  'convert-near-announce': {
    en: { says: '{what} became {used}.', remedy: 'Check how often gratuitous ARP is wanted.' },
    'zh-CN': { says: '{what} 变为 {used}。', remedy: '请确认免费 ARP 的发送频率。' },
  },
  'convert-near-retry': {
    en: {
      says: '{what}: retries are made at their own pace there; in lvs.cf the next check is made after {used} s.',
      remedy: 'Lower the check interval if failures must be seen sooner.',
    },
    'zh-CN': {
      says: '{what}：原处的重试有自己的间隔；在 lvs.cf 中下一次检查在 {used} 秒之后。',
      remedy: '若需更快发现故障，请缩短检查间隔。',
    },
  },
  'convert-near-command': {
    en: {
      says: '{what} became {used}; it is run at other moments and Shoal itself does not run it.',
      remedy: 'Check when the command runs and whether the service depends on it.',
    },
    'zh-CN': {
      says: '{what} 变为 {used}；其运行时机不同，且 Shoal 本身不运行它。',
      remedy: '请确认命令的运行时机以及服务是否依赖它。',
    },
  },
  'convert-near-protocol': {
    en: {
      says: '{what} does not say its protocol; {used} was taken.',
      remedy: 'Say the protocol if it is the other one: keepalived versions differ in what they take.',
    },
    'zh-CN': {
      says: '{what} 没有写明协议，采用了 {used}。',
      remedy: '若是另一种请写明：各版本 keepalived 的取值不同。',
    },
  },
  'convert-near-track-interface': {
    en: {
      says: '{what} watches one named interface; in lvs.cf monitor_links = 1 watches those of the director addresses.',
      remedy: 'Check that the right interfaces are watched.',
    },
    'zh-CN': {
      says: '{what} 监视指定接口；lvs.cf 的 monitor_links = 1 监视调度器地址所在的接口。',
      remedy: '请确认监视的是正确的接口。',
    },
  },
  'convert-near-unclosed': {
    en: {
      says: 'The block {what} is never closed; it was taken to end where the next one begins.',
      remedy: 'Close the block in the source and convert again.',
    },
    'zh-CN': {
      says: '区块 {what} 没有结束；视为在下一个区块开始处结束。',
      remedy: '请在源文件中补上结束括号，再重新转换。',
    },
  },
  'convert-note-comment': {
    en: { says: 'The comment was not carried over.', remedy: 'Copy it by hand if it is worth keeping.' },
    'zh-CN': { says: '注释未转换。', remedy: '若值得保留，请手工复制。' },
  },
  'convert-note-housekeeping': {
    en: {
      says: '{what} is about how the program itself runs, not about the service; {format} needs nothing of it.',
      remedy: 'Nothing is needed.',
    },
    'zh-CN': { says: '{what} 只涉及程序自身的运行，与服务无关；{format} 不需要它。', remedy: '无需处理。' },
  },
  'convert-note-vrrp': {
    en: {
      says: '{what} is plumbing of VRRP; the heartbeat of Shoal needs nothing of it.',
      remedy: 'Nothing is needed unless other routers speak VRRP with these hosts.',
    },
    'zh-CN': {
      says: '{what} 是 VRRP 自身的设置；Shoal 的心跳不需要它。',
      remedy: '除非其他路由器与这些主机使用 VRRP，否则无需处理。',
    },
  },
  'convert-note-idle': {
    en: { says: '{what} has no effect in {format} as the file stands; it was left out.', remedy: 'Nothing is needed.' },
    'zh-CN': { says: '就该文件而言，{what} 在 {format} 中不起作用，已略去。', remedy: '无需处理。' },
  },
  'convert-note-name': {
    en: {
      says: '{format} has no place for the name {name}, which only logs and screens use.',
      remedy: 'Keep the lvs.cf if the name matters.',
    },
    'zh-CN': {
      says: '{format} 没有位置存放名称 {name}；名称只用于日志和界面。',
      remedy: '若名称重要，请保留 lvs.cf。',
    },
  },
  'convert-note-unused': {
    en: { says: '{what} has no effect in lvs.cf either; it was left out.', remedy: 'Nothing is needed.' },
    'zh-CN': { says: '{what} 在 lvs.cf 中也没有作用，已略去。', remedy: '无需处理。' },
  },
  'convert-note-needed': {
    en: {
      says: 'The source does not say {what}; lvs.cf needs it.',
      remedy: 'Add it before the file is used.',
    },
    'zh-CN': { says: '源文件没有写明 {what}，而 lvs.cf 需要它。', remedy: '请在使用该文件前补上。' },
  },
  'convert-note-assumed': {
    en: { says: 'The source does not say {what}; {used} was taken.', remedy: 'Change it where it does not fit.' },
    'zh-CN': { says: '源文件没有写明 {what}，采用了 {used}。', remedy: '若不合适请修改。' },
  },
  'convert-note-expanded': {
    en: { says: '{what} became {count} entries, one for each.', remedy: 'Nothing is needed.' },
    'zh-CN': { says: '{what} 展开为 {count} 个条目。', remedy: '无需处理。' },
  },
} as const satisfies Record<string, Entry>

export type NeighboursCode = keyof typeof neighboursSpeech
