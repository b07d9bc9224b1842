/** How the hops of a packet's way are said: what is so when it passes, what is wrong when it stops there, and what to do then. */
import type { Hop, HopKind } from '../trace.ts'
import type { Language } from './speech.ts'

interface HopSaid {
  /** What the hop is about. */
  readonly title: string
  readonly passes: string
  readonly stops: string
  readonly remedy: string
}

const hopSpeech: Readonly<Record<HopKind, Readonly<Record<Language, HopSaid>>>> = {
  'vip-held': {
    en: {
      title: 'A director holds the virtual IP',
      passes: '{holder} holds {vip}.',
      stops: '{vip} is held by {holder}.',
      remedy: 'Exactly one director must hold it. Look at the agents of both (shoal-agent status) and their heartbeat.',
    },
    'zh-CN': {
      title: '有一台调度器持有虚拟 IP',
      passes: '{holder} 持有 {vip}。',
      stops: '{vip} 的持有者：{holder}。',
      remedy: '必须恰好有一台调度器持有它。请查看两台调度器的代理（shoal-agent status）及其心跳。',
    },
  },
  'vip-mac': {
    en: {
      title: 'Only that director answers for it on the segment',
      passes: 'Asked who has {vip}, only {mac} of {holder} answers.',
      stops: '{wrong} answers for {vip} too, so clients may send to it past the director.',
      remedy: 'On {wrong}: arp_ignore 1 and arp_announce 2 on net.ipv4.conf.all, before the address is added to lo.',
    },
    'zh-CN': {
      title: '网段上只有该调度器应答它',
      passes: '询问 {vip} 时只有 {holder} 的 {mac} 应答。',
      stops: '{wrong} 也应答 {vip}，客户端可能绕过调度器直接发给它。',
      remedy: '在 {wrong} 上：添加地址到 lo 之前，将 net.ipv4.conf.all 的 arp_ignore 设为 1、arp_announce 设为 2。',
    },
  },
  'director-card': {
    en: {
      title: "The director's card is up",
      passes: '{device} of {host} is up.',
      stops: '{device} of {host} is down.',
      remedy: 'ip link set {device} up on {host}, and look at its cable and switch port.',
    },
    'zh-CN': {
      title: '调度器的网卡已启用',
      passes: '{host} 的 {device} 已启用。',
      stops: '{host} 的 {device} 未启用。',
      remedy: '在 {host} 上执行 ip link set {device} up，并检查网线和交换机端口。',
    },
  },
  'director-firewall': {
    en: {
      title: "The director's firewall lets the service in",
      passes: 'No firewall of {host} refuses unknown packets.',
      stops: 'A firewall of {host} refuses what no rule names, and no answer shows that {port} is let in.',
      remedy: 'Open {protocol} port {port} on {host}, for input (and for forwarding with NAT).',
    },
    'zh-CN': {
      title: '调度器的防火墙放行该服务',
      passes: '{host} 上没有拒绝未知数据包的防火墙。',
      stops: '{host} 的防火墙拒绝未列出的数据包，且没有迹象表明 {port} 已放行。',
      remedy: '请在 {host} 上放行 {protocol} 端口 {port}（NAT 时还需放行转发）。',
    },
  },
  'director-forwards': {
    en: {
      title: 'The director forwards between its networks',
      passes: 'ip_forward is 1 on {host}.',
      stops: 'ip_forward is {value} on {host}, so answers of real servers are dropped there.',
      remedy: 'sysctl -w net.ipv4.ip_forward=1 on {host}; run the plan again to keep it over a restart.',
    },
    'zh-CN': {
      title: '调度器在其网络之间转发',
      passes: '{host} 上 ip_forward 为 1。',
      stops: '{host} 上 ip_forward 为 {value}，真实服务器的应答会被丢弃。',
      remedy: '在 {host} 上执行 sysctl -w net.ipv4.ip_forward=1；重新执行计划可使其在重启后保持。',
    },
  },
  table: {
    en: {
      title: 'The director distributes to the real server',
      passes: '{server} is in the table of {host} with weight {weight}.',
      stops: '{server} is not served by the table of {host}: {wrong}.',
      remedy: 'Look at the last error of its check on the overview; a drained server gets no connections either.',
    },
    'zh-CN': {
      title: '调度器向该真实服务器分发',
      passes: '{server} 在 {host} 的转发表中，权重 {weight}。',
      stops: '{host} 的转发表没有向 {server} 分发：{wrong}。',
      remedy: '请在概览中查看其最近一次检查错误；排空中的服务器也不会得到连接。',
    },
  },
  'way-there': {
    en: {
      title: 'The director reaches the real server',
      passes: '{host} sends to {address} by {device}.',
      stops: '{host} has no usable way to {address}: {wrong}.',
      remedy: 'Direct routing needs {address} on a segment of the director; NAT and tunnels need a route to it.',
    },
    'zh-CN': {
      title: '调度器可到达真实服务器',
      passes: '{host} 经 {device} 发往 {address}。',
      stops: '{host} 没有到 {address} 的可用路径：{wrong}。',
      remedy: '直接路由要求 {address} 与调度器同一网段；NAT 和隧道需要到它的路由。',
    },
  },
  'server-mac': {
    en: {
      title: 'The real server answers on the segment',
      passes: '{address} answers with {mac}, the card of {host}.',
      stops: '{address} is answered for by {wrong}.',
      remedy: 'Nobody: the host or its card is off, or on another segment. Another card: two hosts have one address.',
    },
    'zh-CN': {
      title: '真实服务器在网段上应答',
      passes: '{address} 以 {mac}（{host} 的网卡）应答。',
      stops: '应答 {address} 的是 {wrong}。',
      remedy: '无人应答：主机或网卡已关闭，或位于其他网段。其他网卡应答：两台主机地址相同。',
    },
  },
  'server-takes': {
    en: {
      title: 'The real server takes packets for that address',
      passes: '{host} has {address} on {device}.',
      stops: '{host} does not take packets for {address}: {wrong}.',
      remedy:
        'Run the plan again, or start shoal-realserver.service on {host}; it adds the address and makes it so at boot.',
    },
    'zh-CN': {
      title: '真实服务器接收发往该地址的数据包',
      passes: '{host} 的 {device} 上有 {address}。',
      stops: '{host} 不接收发往 {address} 的数据包：{wrong}。',
      remedy: '请重新执行计划，或在 {host} 上启动 shoal-realserver.service；它会添加该地址并在开机时保持。',
    },
  },
  'path-filter': {
    en: {
      title: 'The reverse path filter lets the packet in',
      passes: 'rp_filter of {device} on {host} is {value}.',
      stops: 'rp_filter of {device} on {host} is {value}, and the answer would leave by {back}: the packet is dropped.',
      remedy: 'sysctl -w net.ipv4.conf.{device}.rp_filter=2 (or 0) on {host}; the greater of all and the card counts.',
    },
    'zh-CN': {
      title: '反向路径过滤放行该数据包',
      passes: '{host} 上 {device} 的 rp_filter 为 {value}。',
      stops: '{host} 上 {device} 的 rp_filter 为 {value}，而应答将从 {back} 发出：数据包被丢弃。',
      remedy: '在 {host} 上执行 sysctl -w net.ipv4.conf.{device}.rp_filter=2（或 0）；以 all 与网卡中较大者为准。',
    },
  },
  mtu: {
    en: {
      title: 'Packets of full size fit on the way',
      passes: 'The way carries {bytes} bytes.',
      stops: 'Packets of {wanted} bytes come in, but only {bytes} fit on to {host}.',
      remedy: 'Make the MTU of both segments equal; with a tunnel allow 20 bytes more, or clamp the MSS on {host}.',
    },
    'zh-CN': {
      title: '路径可容纳完整大小的数据包',
      passes: '路径可容纳 {bytes} 字节。',
      stops: '进入的数据包为 {wanted} 字节，但到 {host} 只能容纳 {bytes} 字节。',
      remedy: '请使两个网段的 MTU 一致；使用隧道时须多留 20 字节，或在 {host} 上限制 MSS。',
    },
  },
  'server-firewall': {
    en: {
      title: "The real server's firewall lets the service in",
      passes: 'No firewall of {host} keeps {port} out.',
      stops: 'A firewall of {host} refuses what no rule names, and no answer shows that {port} is let in.',
      remedy: 'Open {protocol} port {port} on {host}.',
    },
    'zh-CN': {
      title: '真实服务器的防火墙放行该服务',
      passes: '{host} 的防火墙没有拦截 {port}。',
      stops: '{host} 的防火墙拒绝未列出的数据包，且没有迹象表明 {port} 已放行。',
      remedy: '请在 {host} 上放行 {protocol} 端口 {port}。',
    },
  },
  listening: {
    en: {
      title: 'The service listens where the packet arrives',
      passes: '{process} listens on {bound} port {port} of {host}.',
      stops: 'Nothing on {host} listens on {address} port {port}: {wrong}.',
      remedy: 'Start the service on {host}, or bind it to all addresses (or to {address}).',
    },
    'zh-CN': {
      title: '服务在数据包到达的地址上监听',
      passes: '{process} 在 {host} 的 {bound} 端口 {port} 上监听。',
      stops: '{host} 上没有服务监听 {address} 端口 {port}：{wrong}。',
      remedy: '请在 {host} 上启动服务，或将其绑定到所有地址（或 {address}）。',
    },
  },
  'way-back': {
    en: {
      title: 'The answer finds its way back',
      passes: '{host} answers by {via}.',
      stops: 'The answer of {host} does not get back: {wrong}.',
      remedy:
        'NAT: the gateway of {host} must be the floating inside address of the directors. Otherwise {host} needs a gateway of its own.',
    },
    'zh-CN': {
      title: '应答能够返回',
      passes: '{host} 经 {via} 应答。',
      stops: '{host} 的应答无法返回：{wrong}。',
      remedy: 'NAT：{host} 的网关必须是调度器的浮动内网地址。其他方式：{host} 需要自己的网关。',
    },
  },
}

function fill(sentence: string, detail: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(detail[name] ?? '?'))
}

/** A hop in words: its title, what is, and where it stops the remedy. */
export function sayHop(
  hop: Pick<Hop, 'kind' | 'verdict' | 'detail'>,
  language: Language,
): { readonly title: string; readonly says: string; readonly remedy: string } {
  const said = hopSpeech[hop.kind][language]
  const stops = hop.verdict === 'stops' || hop.verdict === 'follows'
  return {
    title: said.title,
    says: hop.verdict === 'unknown' ? '' : fill(stops ? said.stops : said.passes, hop.detail),
    remedy: stops ? fill(said.remedy, hop.detail) : '',
  }
}
