/**
 * How the steps of a plan and the lines of its proof are said: a title, and the reason a careful engineer would give. Filled from the
 * step's `detail`, in every language.
 */
import type { ProofLine, Step, StepKind } from '../plan.ts'
import type { Language } from './speech.ts'

interface StepSaid {
  readonly title: string
  readonly reason: string
}

const stepSpeech: Readonly<Record<StepKind, Readonly<Record<Language, StepSaid>>>> = {
  packages: {
    en: {
      title: 'Install {packages}',
      reason:
        'ipvsadm writes the table by which the kernel distributes connections, iptables marks packets, arptables filters ARP.',
    },
    'zh-CN': {
      title: '安装 {packages}',
      reason: 'ipvsadm 用于写入内核分发连接所依据的转发表，iptables 用于标记数据包，arptables 用于过滤 ARP。',
    },
  },
  modules: {
    en: {
      title: 'Load {modules}, now and at every boot',
      reason: 'The kernel distributes connections by these modules.',
    },
    'zh-CN': { title: '加载 {modules}（立即及每次开机）', reason: '内核依靠这些模块分发连接。' },
  },
  sysctl: {
    en: {
      title: 'Set {count} kernel value | Set {count} kernel values',
      reason:
        'Clients of a real server that is gone are answered at once instead of waiting in silence; with NAT the director also passes on what the real servers answer.',
    },
    'zh-CN': {
      title: '设置 {count} 个内核参数',
      reason: '真实服务器离开后，其客户端会立即得到答复，而不是无声等待；使用 NAT 时调度器还要转发真实服务器的应答。',
    },
  },
  'network-owner': {
    en: {
      title: 'Tell {owner} what is not its own',
      reason: 'When it starts again, or a card comes back, it would remove or forget what the cluster put there.',
    },
    'zh-CN': {
      title: '告知 {owner} 哪些不归它管',
      reason: '否则它重新启动或网卡恢复时，会删除或遗失集群放置的内容。',
    },
  },
  firewall: {
    en: {
      title:
        'Open the firewall ({tool}) for {count} kind of packet | Open the firewall ({tool}) for {count} kinds of packets',
      reason:
        'It refuses what it does not know. The openings stand apart from its own rules; nothing of it is changed.',
    },
    'zh-CN': {
      title: '在防火墙（{tool}）中放行 {count} 类数据包',
      reason: '它拒绝未知数据包。放行规则与其自身规则分开，原有规则不变。',
    },
  },
  'stop-rival': {
    en: {
      title: 'Stop and disable {rival}',
      reason:
        'It moves virtual IPs or writes the IPVS table as well; you agreed to this. Taken back, it runs again as before.',
    },
    'zh-CN': {
      title: '停止并禁用 {rival}',
      reason: '它同样会移动虚拟 IP 或写入 IPVS 表；您已同意。撤回时恢复原状。',
    },
  },
  'tunnel-module': {
    en: {
      title: 'Load {modules}, now and at every boot',
      reason: 'The kernel unwraps by it what the directors send wrapped in IP in IP.',
    },
    'zh-CN': {
      title: '加载 {modules}（立即及每次开机）',
      reason: '内核依靠它解开调度器以 IP in IP 封装发来的数据包。',
    },
  },
  'vip-gone': {
    en: {
      title: 'See {vip} gone from {device}',
      reason:
        'The agent takes a virtual IP down that its lvs.cf does not name any more; nobody else may still have it.',
    },
    'zh-CN': {
      title: '确认 {vip} 已离开 {device}',
      reason: '代理会撤下 lvs.cf 不再列出的虚拟 IP；此后不应再有主机持有它。',
    },
  },
  runtime: {
    en: {
      title: 'Copy the runtime of the agent ({megabytes} MB)',
      reason: 'The agent brings its own Node runtime, so nothing of the host has to change for it.',
    },
    'zh-CN': {
      title: '复制代理的运行时（{megabytes} MB）',
      reason: '代理自带 Node 运行时，无需改动主机上的任何软件。',
    },
  },
  agent: {
    en: {
      title: 'Copy the agent {version}',
      reason: 'It sends the heartbeat, moves the virtual IP, keeps the table and checks the real servers.',
    },
    'zh-CN': { title: '复制代理 {version}', reason: '它负责心跳、移动虚拟 IP、维护转发表并检查真实服务器。' },
  },
  'socket-group': {
    en: {
      title: 'Let {who} read the state of the agent',
      reason: 'The agent answers on a local socket that only root and the group shoal may open; no port is opened.',
    },
    'zh-CN': {
      title: '允许 {who} 读取代理状态',
      reason: '代理只在本地套接字上应答，仅 root 和 shoal 组可以打开；不开放任何端口。',
    },
  },
  'cluster-key': {
    en: {
      title: 'Put the cluster key in place',
      reason: 'Beats are signed with it, so that no stranger on the network can pretend to be a director.',
    },
    'zh-CN': { title: '放置集群密钥', reason: '心跳用它签名，网络上的外人无法冒充调度器。' },
  },
  lvscf: {
    en: {
      title: 'Write {path}',
      reason:
        'It says what is served and by whom; both directors get the same file, and the agent there checks it first.',
    },
    'zh-CN': {
      title: '写入 {path}',
      reason: '它描述提供哪些服务、由谁提供；两台调度器使用同一文件，写入前由代理检查。',
    },
  },
  'agent-unit': {
    en: { title: 'Have systemd start the agent at boot', reason: 'A director that reboots rejoins by itself.' },
    'zh-CN': { title: '由 systemd 在开机时启动代理', reason: '调度器重启后会自动重新加入。' },
  },
  'agent-start': {
    en: { title: 'Start the agent', reason: 'From here on this director can hold the virtual IP.' },
    'zh-CN': { title: '启动代理', reason: '从此刻起该调度器可以持有虚拟 IP。' },
  },
  'agent-ready': {
    en: {
      title: 'Wait until the agent is active or standby',
      reason: 'The next director is touched only when this one is known to work.',
    },
    'zh-CN': { title: '等待代理进入活动或备用状态', reason: '确认该调度器正常后才会操作下一台。' },
  },
  'arp-silence': {
    en: {
      title: 'Keep silent about addresses of other cards (arp_ignore, arp_announce)',
      reason:
        'The real server will have the virtual IP too, and must never answer for it on the network. This comes before the address.',
    },
    'zh-CN': {
      title: '不对其他网卡上的地址应答 ARP（arp_ignore、arp_announce）',
      reason: '真实服务器也将拥有虚拟 IP，但绝不能在网络上应答它。此步骤必须在添加地址之前。',
    },
  },
  'vip-unit': {
    en: {
      title: 'Have systemd set this up again at every boot',
      reason: 'First the silence, then the address, whatever manages the network of this host.',
    },
    'zh-CN': { title: '由 systemd 在每次开机时重新设置', reason: '先静默后加地址，不论该主机由什么管理网络。' },
  },
  'vip-up': {
    en: {
      title: 'Add {vip} to {device}',
      reason: 'Requests arrive with the virtual IP as destination; the real server must know it as its own.',
    },
    'zh-CN': {
      title: '在 {device} 上添加 {vip}',
      reason: '请求以虚拟 IP 为目的地址到达；真实服务器须将其视为本机地址。',
    },
  },
  'path-filter': {
    en: {
      title: 'Check the way of requests loosely (rp_filter)',
      reason: 'Answers may leave by another card than requests come in by; a strict filter drops such requests.',
    },
    'zh-CN': {
      title: '放宽对请求来路的检查（rp_filter）',
      reason: '应答可能从另一块网卡发出；严格检查会丢弃这样的请求。',
    },
  },
  'route-unit': {
    en: {
      title: 'Have systemd set up the way of the answers at every boot',
      reason: 'Whatever manages the network of this host, its answers go through the directors again after a reboot.',
    },
    'zh-CN': {
      title: '由 systemd 在每次开机时设置应答的路径',
      reason: '不论该主机由什么管理网络，重启后应答仍经过调度器。',
    },
  },
  'route-up': {
    en: {
      title: 'Send the answers by {router}',
      reason:
        'Only the director that changed the address of a request can change it back. SSH keeps its way; and should the connection be lost all the same, the host takes the routes back by itself after {seconds} s.',
    },
    'zh-CN': {
      title: '让应答经过 {router}',
      reason:
        '只有改写过请求地址的调度器才能把它改回来。SSH 保持原来的路径；即便连接中断，主机也会在 {seconds} 秒后自行恢复路由。',
    },
  },
  'route-kept': {
    en: {
      title: 'Keep the routes',
      reason: 'This step came over them, so they work both ways; the timer that would take them back is stopped.',
    },
    'zh-CN': { title: '保留路由', reason: '此步骤经由新路由到达，说明往返均通；停止会恢复原状的定时器。' },
  },
  'load-socket': {
    en: {
      title: 'Tell the directors the load (TCP port {port})',
      reason:
        'The weights follow the load of the real servers. A socket of systemd answers the directors and nobody else.',
    },
    'zh-CN': {
      title: '向调度器报告负载（TCP 端口 {port}）',
      reason: '权重随真实服务器的负载变化。由 systemd 的套接字应答，仅限调度器。',
    },
  },
}

const proofSpeech: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  'one-mac': {
    en: 'Asked by {from}, exactly one machine answers for {vip}: {mac}',
    'zh-CN': '由 {from} 询问，恰好只有一台机器应答 {vip}：{mac}',
  },
  'one-holder': {
    en: 'Exactly one director holds {vip}: {holder}',
    'zh-CN': '恰好只有一台调度器持有 {vip}：{holder}',
  },
  'answers-from-here': {
    en: '{vip} port {port} answers this machine in {ms} ms',
    'zh-CN': '{vip} 端口 {port} 在 {ms} 毫秒内应答本机',
  },
  'real-server-up': {
    en: '{server} is in the table for {service} and healthy',
    'zh-CN': '{server} 已在 {service} 的转发表中且健康',
  },
  'silent-real-server': {
    en: '{server} has {vip} on {device} and keeps silent about it',
    'zh-CN': '{server} 的 {device} 上有 {vip}，且不对外应答',
  },
  'answers-by-router': {
    en: 'The answers of {server} go by {router}',
    'zh-CN': '{server} 的应答经过 {router}',
  },
  'listens-for-vip': {
    en: '{server} listens where requests for {service} arrive ({address} port {port})',
    'zh-CN': '{server} 在 {service} 的请求到达处监听（{address} 端口 {port}）',
  },
  'table-as-planned': {
    en: '{host} has the table that was planned: servers, method, scheduler and persistence',
    'zh-CN': '{host} 的转发表与计划一致：服务器、方式、调度算法和会话保持',
  },
  'served-through': {
    en: '{vip} port {port} was answered through {servers}',
    'zh-CN': '{vip} 端口 {port} 由 {servers} 应答',
  },
  'runs-what-was-pushed': {
    en: 'The agent on {host} runs the lvs.cf that was written',
    'zh-CN': '{host} 上的代理运行的正是所写入的 lvs.cf',
  },
  'hears-peer': {
    en: '{host} hears the other director on {paths} heartbeat path | {host} hears the other director on {paths} heartbeat paths',
    'zh-CN': '{host} 在 {paths} 条心跳路径上听到对端调度器',
  },
}

/** Fills a sentence; of `one | many` the first is taken when the number it is about is 1. */
function fill(sentences: string, detail: Readonly<Record<string, string | number>>): string {
  const [one = '', many = one] = sentences.split(' | ')
  const sentence = Number(detail['count'] ?? detail['paths']) === 1 ? one : many
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(detail[name] ?? '?'))
}

/** The title and reason of a step. */
export function sayStep(step: Pick<Step, 'kind' | 'detail'>, language: Language): StepSaid {
  const { title, reason } = stepSpeech[step.kind][language]
  return { title: fill(title, step.detail), reason: fill(reason, step.detail) }
}

/** What a line of the proof claims; whether it holds is `passed`. */
export function sayProof(line: Pick<ProofLine, 'check' | 'detail'>, language: Language): string {
  const said = proofSpeech[line.check]
  return said ? fill(said[language], line.detail) : line.check
}
