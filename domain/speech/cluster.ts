/**
 * Problems of a cluster as a whole: the fields of its draft, its plan and its runs, and the conversation with its agents. Each with
 * its sentence and remedy in every language.
 */
import type { Entry } from './speech.ts'

export const clusterSpeech = {
  'field-empty': {
    en: { says: 'This field is empty.', remedy: 'Fill it in.' },
    'zh-CN': { says: '此处尚未填写。', remedy: '请填写。' },
  },
  'address-malformed': {
    en: {
      says: '{value} is not an IPv4 address.',
      remedy: 'Write four numbers from 0 to 255, for example 192.168.2.27.',
    },
    'zh-CN': { says: '{value} 不是 IPv4 地址。', remedy: '请写四个 0 到 255 的数字，例如 192.168.2.27。' },
  },
  'address-unusable': {
    en: {
      says: 'No host on a segment can have the address {value}.',
      remedy: 'Give an address of the subnet the hosts are in.',
    },
    'zh-CN': { says: '{value} 不能作为网段内主机的地址。', remedy: '请填写主机所在子网的地址。' },
  },
  'host-name-malformed': {
    en: {
      says: '{value} is neither an IPv4 address nor a host name.',
      remedy: 'Give the address or the name SSH connects to.',
    },
    'zh-CN': { says: '{value} 既不是 IPv4 地址也不是主机名。', remedy: '请填写 SSH 连接所用的地址或主机名。' },
  },
  'cluster-address-needed': {
    en: {
      says: 'The cluster needs an IPv4 address of this host; {value} is a name.',
      remedy: 'Give the IPv4 address it has in the cluster.',
    },
    'zh-CN': { says: '集群需要该主机的 IPv4 地址；{value} 是主机名。', remedy: '请填写它在集群中的 IPv4 地址。' },
  },
  'address-taken': {
    en: { says: '{value} is already the address of {other}.', remedy: 'Give each its own address.' },
    'zh-CN': { says: '{value} 已是 {other} 的地址。', remedy: '请使用不同的地址。' },
  },
  'name-taken': {
    en: { says: 'There are two named {value}.', remedy: 'Give each its own name.' },
    'zh-CN': { says: '有两个名为 {value}。', remedy: '请使用不同的名称。' },
  },
  'name-malformed': {
    en: {
      says: 'The name {value} has a character lvs.cf cannot hold.',
      remedy: 'Use letters, digits, dots, dashes and underscores, at most 60.',
    },
    'zh-CN': {
      says: '名称 {value} 含有 lvs.cf 无法保存的字符。',
      remedy: '请使用字母、数字、点、短横线和下划线，最多 60 个字符。',
    },
  },
  'user-malformed': {
    en: {
      says: '{value} is not a user name of a Linux host.',
      remedy: 'Use the name you log in with, for example root.',
    },
    'zh-CN': { says: '{value} 不是 Linux 主机的用户名。', remedy: '请填写登录所用的用户名，例如 root。' },
  },
  'port-malformed': {
    en: { says: '{value} is not a port.', remedy: 'Give a number from 1 to 65535.' },
    'zh-CN': { says: '{value} 不是端口号。', remedy: '请填写 1 到 65535 的数字。' },
  },
  'jump-malformed': {
    en: {
      says: '{value} is not a way over other hosts.',
      remedy: 'Write user@host:port, several separated by commas in the order they are passed; none for straight.',
    },
    'zh-CN': {
      says: '{value} 不是有效的跳板路径。',
      remedy: '请写成 用户@主机:端口，多个跳板按经过顺序用逗号分隔；直接连接写 none。',
    },
  },
  'windows-no-tunnel': {
    en: {
      says: '{host} runs Windows, which cannot end an IPIP tunnel.',
      remedy: 'Use direct routing or NAT, or a Linux host.',
    },
    'zh-CN': { says: '{host} 运行 Windows，无法终结 IPIP 隧道。', remedy: '请使用直接路由或 NAT，或改用 Linux 主机。' },
  },
  'number-malformed': {
    en: {
      says: '{value} is not a whole number from {least} to {most}.',
      remedy: 'Give a whole number from {least} to {most}.',
    },
    'zh-CN': { says: '{value} 不是 {least} 到 {most} 的整数。', remedy: '请填写 {least} 到 {most} 的整数。' },
  },
  'prefix-malformed': {
    en: { says: '{value} is not a prefix length.', remedy: 'Give a number from 1 to 32; 32 is right in most cases.' },
    'zh-CN': { says: '{value} 不是前缀长度。', remedy: '请填写 1 到 32 的数字；多数情况下为 32。' },
  },
  'device-malformed': {
    en: {
      says: '{value} is not a network card or alias name.',
      remedy: 'Give a name such as eth0 or eth0:1, at most 15 characters.',
    },
    'zh-CN': { says: '{value} 不是网卡名或别名。', remedy: '请填写如 eth0 或 eth0:1 的名称，最多 15 个字符。' },
  },
  'no-services': {
    en: { says: 'No service is to be served yet.', remedy: 'Add at least one service.' },
    'zh-CN': { says: '尚未添加任何服务。', remedy: '请至少添加一个服务。' },
  },
  'no-real-servers': {
    en: { says: 'There is no real server yet.', remedy: 'Add at least one real server.' },
    'zh-CN': { says: '尚未添加真实服务器。', remedy: '请至少添加一台真实服务器。' },
  },
  'service-taken': {
    en: {
      says: '{protocol} port {port} is served twice at {vip}.',
      remedy: 'Remove one, or change its port or protocol.',
    },
    'zh-CN': { says: '{vip} 的 {protocol} 端口 {port} 重复。', remedy: '请删除其一，或更改端口或协议。' },
  },
  'scheduler-unknown': {
    en: { says: '{value} is not a scheduler of Piranha.', remedy: 'Choose one of {available}.' },
    'zh-CN': { says: '{value} 不是 Piranha 支持的调度算法。', remedy: '请选择：{available}。' },
  },
  'check-text-malformed': {
    en: {
      says: 'The text cannot stand in lvs.cf: {reason}.',
      remedy: 'Write it on one line without double quotes; \\r, \\n, \\t and \\\\ stand for the bytes they name.',
    },
    'zh-CN': {
      says: '该文本无法写入 lvs.cf：{reason}。',
      remedy: '请写成一行且不含双引号；\\r、\\n、\\t 和 \\\\ 表示相应的字节。',
    },
  },
  'check-expect-empty': {
    en: {
      says: 'The check waits for nothing in particular, so any answer passes.',
      remedy: 'Give the text a healthy answer begins with, for example HTTP.',
    },
    'zh-CN': { says: '检查没有期望的内容，任何应答都会通过。', remedy: '请填写正常应答开头的文本，例如 HTTP。' },
  },
  'udp-needs-connect': {
    en: {
      says: 'A UDP service cannot be checked in a language that needs TCP.',
      remedy: 'Choose DNS, a text to send and the answer to expect, ping or a program.',
    },
    'zh-CN': {
      says: 'UDP 服务无法用需要 TCP 的方式检查。',
      remedy: '请选择 DNS、发送文本并期望应答、ping 或程序。',
    },
  },
  'tcp-needs-tcp': {
    en: {
      says: 'A TCP service cannot be checked by a datagram.',
      remedy: 'Choose a check over TCP, ping or a program.',
    },
    'zh-CN': { says: 'TCP 服务无法用数据报检查。', remedy: '请选择基于 TCP 的检查、ping 或程序。' },
  },
  'deadtime-too-short': {
    en: {
      says: 'A director would be taken for dead after {deadtimeMs} ms, less than three beats of {keepaliveMs} ms.',
      remedy: 'Set it to at least {leastMs} ms.',
    },
    'zh-CN': {
      says: '{deadtimeMs} 毫秒后即判定调度器失效，不足 {keepaliveMs} 毫秒心跳的三倍。',
      remedy: '请至少设为 {leastMs} 毫秒。',
    },
  },
  'vip-outside-director-subnet': {
    en: {
      says: '{value} is far from the directors ({director}): their first two numbers differ.',
      remedy: 'With direct routing the virtual IP is usually in the subnet of the directors; check it.',
    },
    'zh-CN': {
      says: '{value} 与调度器（{director}）的前两段不同。',
      remedy: '使用直接路由时，虚拟 IP 通常位于调度器所在子网；请核对。',
    },
  },
  'vip-unserved': {
    en: {
      says: 'No service is served at {vip}.',
      remedy: 'Give a service this address, or remove the address.',
    },
    'zh-CN': { says: '{vip} 上没有任何服务。', remedy: '请将某个服务放到该地址，或移除该地址。' },
  },
  'vips-too-many': {
    en: {
      says: 'These are {count} virtual IPs; at most {most} can be built at once.',
      remedy: 'Remove some, or build a second cluster for them.',
    },
    'zh-CN': { says: '共有 {count} 个虚拟 IP；一个集群最多 {most} 个。', remedy: '请移除一部分，或为它们另建集群。' },
  },
  'ports-need-mark': {
    en: {
      says: 'The ports {ports} become one service only by a firewall mark.',
      remedy: 'Give a mark, for example 80: any number no other service uses.',
    },
    'zh-CN': {
      says: '端口 {ports} 只有通过防火墙标记才能合成一个服务。',
      remedy: '请填写一个标记，例如 80：任何其他服务未使用的数字。',
    },
  },
  'mark-needs-persistence': {
    en: {
      says: 'A service of several ports has no persistence, so each port of a client would go to a server of its own.',
      remedy: 'Give the seconds a client stays with its server, for example 30.',
    },
    'zh-CN': {
      says: '多端口服务没有会话保持，客户端的各个端口会落到不同的服务器。',
      remedy: '请填写客户端固定到同一服务器的秒数，例如 30。',
    },
  },
  'mark-taken': {
    en: { says: 'The mark {mark} is already used by another service.', remedy: 'Give each service its own mark.' },
    'zh-CN': { says: '标记 {mark} 已被其他服务使用。', remedy: '请为每个服务使用不同的标记。' },
  },
  'real-port-needs-nat': {
    en: {
      says: 'Only NAT translates ports; {port} on the real servers cannot be reached otherwise.',
      remedy: 'Leave the field empty, or choose NAT.',
    },
    'zh-CN': { says: '只有 NAT 能转换端口；否则无法到达真实服务器的端口 {port}。', remedy: '请留空，或选择 NAT。' },
  },
  'real-port-with-mark': {
    en: {
      says: 'A service of several ports keeps its ports; they cannot all become {port}.',
      remedy: 'Leave the field empty, or make a service of each port.',
    },
    'zh-CN': {
      says: '多端口服务保留各自的端口，不能都变成 {port}。',
      remedy: '请留空，或为每个端口建立单独的服务。',
    },
  },
  'draft-incomplete': {
    en: { says: 'The draft has {count} fields to be corrected.', remedy: 'Go back to the marked fields.' },
    'zh-CN': { says: '草稿中有 {count} 处需要更正。', remedy: '请返回标记的字段。' },
  },
  'agent-build-absent': {
    en: {
      says: 'The built agent is not at {directory}: {reason}.',
      remedy: 'Install Shoal again, or run npm run build in its source.',
    },
    'zh-CN': {
      says: '{directory} 中没有构建好的代理：{reason}。',
      remedy: '请重新安装 Shoal，或在源码中运行 npm run build。',
    },
  },
  'plan-absent': {
    en: { says: 'There is no plan for this draft yet.', remedy: 'Make the plan, look at it, then start.' },
    'zh-CN': { says: '该草稿还没有执行计划。', remedy: '请先生成并查看执行计划，然后开始。' },
  },
  'plan-outdated': {
    en: {
      says: 'The draft was changed after the plan was made.',
      remedy: 'Make the plan again; what runs is exactly what was shown.',
    },
    'zh-CN': { says: '生成执行计划之后草稿又被修改。', remedy: '请重新生成执行计划；执行的内容与所显示的完全一致。' },
  },
  'plan-blocked': {
    en: {
      says: 'Preflight found {count} things that must be put right first.',
      remedy: 'Put them right, then make the plan again.',
    },
    'zh-CN': { says: '预检发现 {count} 个必须先解决的问题。', remedy: '请解决后重新生成执行计划。' },
  },
  'run-under-way': {
    en: { says: 'A build of this cluster is under way.', remedy: 'Wait for its end or cancel it.' },
    'zh-CN': { says: '该集群正在部署中。', remedy: '请等待其结束或取消。' },
  },
  'run-not-over': {
    en: { says: 'The build is still under way.', remedy: 'Cancel it first; then it can be taken back.' },
    'zh-CN': { says: '部署仍在进行中。', remedy: '请先取消，然后才能撤销。' },
  },
  'adopt-nothing': {
    en: {
      says: '{host} has neither an lvs.cf nor a keepalived.conf with a virtual server.',
      remedy: 'Give the directors of a Piranha or keepalived cluster, or set up a new cluster.',
    },
    'zh-CN': {
      says: '{host} 上既没有含虚拟服务器的 lvs.cf，也没有 keepalived.conf。',
      remedy: '请填写 Piranha 或 keepalived 集群的调度器，或新建集群。',
    },
  },
  'adopt-differ': {
    en: {
      says: 'The files of {one} and {other} do not say the same; that of {one} was taken.',
      remedy: 'Compare them before the build: both directors get the one file.',
    },
    'zh-CN': {
      says: '{one} 与 {other} 的文件内容不一致；采用了 {one} 的文件。',
      remedy: '请在部署前比较两者：两台调度器会使用同一文件。',
    },
  },
  'adopt-check': {
    en: {
      says: 'The check of {service} ({kind}) is none of the wizard; a TCP connection is tried instead.',
      remedy: 'Give the text to send and to expect, or keep the check by editing lvs.cf afterwards.',
    },
    'zh-CN': {
      says: '{service} 的检查（{kind}）不在向导的种类中；改为尝试 TCP 连接。',
      remedy: '请填写发送和期望的文本，或之后编辑 lvs.cf 保留该检查。',
    },
  },
  'adopt-inactive': {
    en: {
      says: '{service} is not active in the file and was left out.',
      remedy: 'Add it in the wizard when it is wanted.',
    },
    'zh-CN': { says: '{service} 在文件中未启用，未纳入。', remedy: '需要时请在向导中添加。' },
  },
  'adopt-other-address': {
    en: {
      says: '{service} is served at {vip}, which is not an IPv4 address, and was left out.',
      remedy: 'Serve it at an IPv4 address, or leave it with a cluster of its own.',
    },
    'zh-CN': {
      says: '{service} 使用 {vip}，不是 IPv4 地址，未纳入。',
      remedy: '请改用 IPv4 地址，或让它留在单独的集群中。',
    },
  },
  'adopt-not-everywhere': {
    en: {
      says: '{server} ({address}) serves only some of the services; the draft gives it all of them.',
      remedy: 'Check that every service runs there, or edit lvs.cf after the build.',
    },
    'zh-CN': {
      says: '{server}（{address}）只提供部分服务；草稿会让它提供全部服务。',
      remedy: '请确认每个服务都在其上运行，或在部署后编辑 lvs.cf。',
    },
  },
  'key-not-taken': {
    en: {
      says: 'The directors do not hear each other on every path with the key files as they are.',
      remedy:
        'The keys from before were put back. Upgrade the agents first when they are of an older version; else look at the heartbeat paths.',
    },
    'zh-CN': {
      says: '以当前的密钥文件，两台调度器并非在每条路径上都能听到对方。',
      remedy: '已恢复之前的密钥。若代理版本较旧，请先升级；否则请检查心跳路径。',
    },
  },
  'nothing-to-take-back': {
    en: {
      says: 'Nothing of this cluster is known here to stand on its hosts.',
      remedy: 'It was built elsewhere, or is taken back already; remove it from the list instead.',
    },
    'zh-CN': {
      says: '此处没有该集群在主机上留下内容的记录。',
      remedy: '它在别处部署，或已被撤销；可将其从列表中移除。',
    },
  },
  'change-nothing': {
    en: { says: 'The draft is what the cluster runs already.', remedy: 'Change the draft first.' },
    'zh-CN': { says: '草稿与集群当前运行的配置相同。', remedy: '请先修改草稿。' },
  },
  'change-forwarding': {
    en: {
      says: 'Another forwarding method is no change of a running cluster.',
      remedy: 'Take the cluster back and build it anew; every real server is set up in another way.',
    },
    'zh-CN': {
      says: '更换转发方式不能作为运行中集群的变更。',
      remedy: '请撤销集群后重新部署；所有真实服务器的设置方式都不同。',
    },
  },
  'change-directors': {
    en: {
      says: 'Both directors of the draft are others than those of the cluster.',
      remedy: 'Replace one at a time; the other one serves meanwhile.',
    },
    'zh-CN': { says: '草稿中的两台调度器都与集群的不同。', remedy: '请一次更换一台；其间由另一台提供服务。' },
  },
  'change-director-alive': {
    en: {
      says: 'The agent on {host} ({address}) still answers, so it cannot be replaced.',
      remedy: 'Power it off, or stop its agent (systemctl disable --now shoal-agent); two of them would serve at once.',
    },
    'zh-CN': {
      says: '{host}（{address}）上的代理仍在应答，因此不能更换它。',
      remedy: '请将其关机，或停止其代理（systemctl disable --now shoal-agent）；否则会有两台同时提供服务。',
    },
  },
  'change-virtual-ip': {
    en: {
      says: 'The address {from} cannot become {to} while it serves.',
      remedy:
        'Add virtual IPs or remove some, so that at least one stays as it is; or build a second cluster for {to} and move the clients.',
    },
    'zh-CN': {
      says: '地址 {from} 在服务期间不能改为 {to}。',
      remedy: '请添加或移除虚拟 IP，且至少保留一个不变；或为 {to} 新建集群并迁移客户端。',
    },
  },
  'change-not-ready': {
    en: {
      says: 'A change needs one active and one standby director: {answer}.',
      remedy: 'Wait until the standby is ready, or look at the overview for what keeps it.',
    },
    'zh-CN': {
      says: '变更需要一台活动和一台备用调度器：{answer}。',
      remedy: '请等待备用调度器就绪，或在概览中查看原因。',
    },
  },
  'change-not-taken': {
    en: {
      says: '{host} did not come to run the configuration {digest}.',
      remedy: 'Both directors run the one from before. Look at the history for what {host} said.',
    },
    'zh-CN': {
      says: '{host} 没有运行配置 {digest}。',
      remedy: '两台调度器运行的仍是之前的配置。请在历史中查看 {host} 的说明。',
    },
  },
  'change-not-proven': {
    en: {
      says: '{count} of {total} proofs of the new configuration did not hold, so it was taken back.',
      remedy: 'The proof below says which; both directors run the configuration from before.',
    },
    'zh-CN': {
      says: '新配置的 {total} 项验证中有 {count} 项不成立，已撤回。',
      remedy: '下方的验证说明是哪些；两台调度器运行的是之前的配置。',
    },
  },
  'change-reverts-itself': {
    en: {
      says: '{host} could not be told to go back.',
      remedy: 'It goes back by itself within {seconds} s of the commit; look at the overview then.',
    },
    'zh-CN': {
      says: '无法通知 {host} 撤回。',
      remedy: '它会在提交后 {seconds} 秒内自行撤回；请届时查看概览。',
    },
  },
  'run-not-resumable': {
    en: {
      says: 'This build did not end early.',
      remedy: 'Only a build that failed or was stopped can be gone on with.',
    },
    'zh-CN': { says: '该部署并未提前结束。', remedy: '只有失败或被停止的部署才能继续。' },
  },
  'run-overtaken': {
    en: {
      says: 'A newer build of this cluster was started since.',
      remedy: 'Go on with the newest one, or make a plan anew.',
    },
    'zh-CN': { says: '此后该集群又开始了新的部署。', remedy: '请继续最新的部署，或重新生成执行计划。' },
  },
  'reason-needed': {
    en: { says: 'A warning is ignored only with a reason.', remedy: 'Write why it does not matter here.' },
    'zh-CN': { says: '忽略警告必须说明理由。', remedy: '请写明它在此处为何无妨。' },
  },
  'run-interrupted': {
    en: {
      says: 'The application was closed while the build was under way.',
      remedy: 'Start again to finish it (what is done is left alone), or take it back.',
    },
    'zh-CN': {
      says: '部署进行时应用程序被关闭。',
      remedy: '重新开始即可完成（已完成的部分不会重复），或将其撤销。',
    },
  },
  'run-cancelled': {
    en: {
      says: 'The build was cancelled; {count} steps were not run.',
      remedy: 'Start again to finish it, or take it back.',
    },
    'zh-CN': { says: '部署已取消；有 {count} 个步骤未执行。', remedy: '重新开始即可完成，或将其撤销。' },
  },
  'lvscf-refused': {
    en: {
      says: 'The agent on {host} refuses this lvs.cf: {answer}. The file in place is unchanged.',
      remedy: 'Correct what it names, then start again.',
    },
    'zh-CN': {
      says: '{host} 上的代理拒绝此 lvs.cf：{answer}。现有文件未改动。',
      remedy: '请更正所指出的内容，然后重新开始。',
    },
  },
  'agent-not-ready': {
    en: {
      says: 'The agent on {host} was not ready after {seconds} s: {answer}.',
      remedy: 'Look at its log (journalctl -u shoal-agent) on {host}.',
    },
    'zh-CN': {
      says: '{host} 上的代理在 {seconds} 秒后仍未就绪：{answer}。',
      remedy: '请在 {host} 上查看其日志（journalctl -u shoal-agent）。',
    },
  },
  'proof-failed': {
    en: {
      says: 'The build ended, but {count} of {total} proofs did not pass.',
      remedy: 'Each failed proof names what was seen; correct it and start again.',
    },
    'zh-CN': {
      says: '部署已结束，但 {total} 项验证中有 {count} 项未通过。',
      remedy: '每项未通过的验证都列出了实际结果；请更正后重新开始。',
    },
  },
  'undo-incomplete': {
    en: {
      says: '{host} could not be put back completely: {answer}.',
      remedy: 'The copies of the former files are under {kept} on {host}; take back again, or restore them by hand.',
    },
    'zh-CN': {
      says: '{host} 未能完全恢复：{answer}。',
      remedy: '原文件的副本在 {host} 的 {kept} 下；请再次撤销，或手动恢复。',
    },
  },

  'agent-absent': {
    en: {
      says: 'No agent runs on {host}: {reason}.',
      remedy: 'Look at systemctl status shoal-agent on {host}, or run the build again.',
    },
    'zh-CN': {
      says: '{host} 上没有代理在运行：{reason}。',
      remedy: '请在 {host} 上查看 systemctl status shoal-agent，或重新部署。',
    },
  },
  'agent-forbidden': {
    en: {
      says: '{user} may not open the socket of the agent on {host}.',
      remedy:
        'Add {user} to the group shoal on {host} (usermod -aG shoal {user}), and let sshd forward sockets (AllowStreamLocalForwarding).',
    },
    'zh-CN': {
      says: '{user} 无权打开 {host} 上代理的套接字。',
      remedy:
        '请在 {host} 上将 {user} 加入 shoal 组（usermod -aG shoal {user}），并允许 sshd 转发套接字（AllowStreamLocalForwarding）。',
    },
  },
  'agent-silent': {
    en: {
      says: 'The agent on {host} has said nothing for {seconds} s.',
      remedy: 'Check that the host is on and its network works; it is tried again by itself.',
    },
    'zh-CN': {
      says: '{host} 上的代理已有 {seconds} 秒没有消息。',
      remedy: '请检查主机是否开机、网络是否正常；会自动重试。',
    },
  },
  'agent-other-protocol': {
    en: {
      says: 'The agent on {host} speaks protocol {theirs}, this application {ours}.',
      remedy: 'Run the build again to bring the agent to this version, or use the newer application.',
    },
    'zh-CN': {
      says: '{host} 上代理的协议版本为 {theirs}，本程序为 {ours}。',
      remedy: '请重新部署以更新代理，或使用更新版本的程序。',
    },
  },
  'agent-unreadable': {
    en: {
      says: 'The agent on {host} sent a message that cannot be read: {reason}.',
      remedy: 'Run the build again to bring the agent to this version.',
    },
    'zh-CN': { says: '{host} 上的代理发来无法识别的消息：{reason}。', remedy: '请重新部署以更新代理。' },
  },
  'agent-refused': {
    en: {
      says: 'The agent on {host} refused the order: {reason}.',
      remedy: 'Correct what it names, then order again.',
    },
    'zh-CN': { says: '{host} 上的代理拒绝了该操作：{reason}。', remedy: '请更正所指出的问题后重试。' },
  },
  'no-active-director': {
    en: {
      says: 'No director is active, so none can hand over.',
      remedy: 'Look at the directors on the overview first.',
    },
    'zh-CN': { says: '没有处于活动状态的调度器，无法切换。', remedy: '请先在概览页查看调度器状态。' },
  },
} as const satisfies Record<string, Entry>

export type ClusterCode = keyof typeof clusterSpeech
