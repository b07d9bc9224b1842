/** What a director says in a notification, in every language: one sentence per event, and the words around it. */
import type { FailoverRecord, JournalEntry, JournalEvent, Role } from '../contract/agent.ts'
import type { NewsLevel } from '../notify-news.ts'
import type { Entry, Language } from './speech.ts'

export const notifySpeech = {
  'notify-unknown-there': {
    en: {
      says: 'The agent on {host} is of an earlier version and sends no notifications.',
      remedy: 'Upgrade the agents on the Configuration page of the cluster.',
    },
    'zh-CN': {
      says: '{host} 上的代理版本较早，不发送通知。',
      remedy: '请在集群的配置页升级代理。',
    },
  },
  'notify-not-kept': {
    en: {
      says: 'The notifications were not changed on {host}.',
      remedy: 'Save them again when this director can be reached; until then it goes on with what it had.',
    },
    'zh-CN': {
      says: '{host} 上的通知设置没有改变。',
      remedy: '请在该调度器可达后再次保存；在此之前它沿用原有设置。',
    },
  },
  'notify-secret-lacking': {
    en: {
      says: '{host} has no address or password kept for {names}.',
      remedy: 'Give it again for this channel; nothing was changed on either director.',
    },
    'zh-CN': {
      says: '{host} 上没有保存 {names} 的地址或密码。',
      remedy: '请为该渠道重新填写；两台调度器上都没有改变任何内容。',
    },
  },
} as const satisfies Record<string, Entry>

export type NotifyCode = keyof typeof notifySpeech

/** Names of services and real servers by what the journal calls them; a server's key is its service's and its own. */
export type NewsNames = Readonly<Record<string, string>>

type Of<K extends JournalEvent['kind']> = Extract<JournalEvent, { kind: K }>

interface Words {
  readonly levels: Readonly<Record<NewsLevel, string>>
  readonly roles: Readonly<Record<Role, string>>
  readonly causes: Readonly<Record<FailoverRecord['cause'], (from: string, to: string) => string>>
  readonly named: (name: string, id: string) => string
  readonly failover: (to: string, cause: string, outageMs: number | undefined) => string
  readonly role: (director: string, event: Of<'role'>, from: string, to: string) => string
  readonly health: (server: string, service: string, to: 'up' | 'down', reason: string | undefined) => string
  readonly differ: (director: string, peer: string, count: number, servers: readonly string[]) => string
  readonly seen: (server: string, service: string, up: string, down: string) => string
  readonly agree: (director: string, peer: string) => string
  readonly path: (director: string, event: Of<'path'>) => string
  readonly link: (director: string, event: Of<'link'>) => string
  readonly drift: (director: string, event: Of<'drift'>) => string
  readonly config: (director: string, event: Of<'config'>) => string
  readonly order: (director: string, order: string, by: string, about: string | undefined) => string
  readonly orderAbout: (server: string, service: string) => string
  readonly drained: (server: string, service: string, afterMs: number) => string
  readonly started: (director: string, event: Of<'started'>) => string
  readonly stopped: (director: string, reason: string) => string
  readonly trouble: (director: string, says: string) => string
  /** The test of a channel. */
  readonly test: (director: string, channel: string) => string
  /** News that could not be told before they were too old. */
  readonly omitted: (count: number) => string
  /** How many more lines a message has than its subject says. */
  readonly more: (count: number) => string
}

const durationEn = (ms: number): string => (ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`)
const durationZh = (ms: number): string => (ms < 10_000 ? `${Math.round(ms)} 毫秒` : `${Math.round(ms / 1000)} 秒`)

const words: Readonly<Record<Language, Words>> = {
  en: {
    levels: { problem: 'Problem', good: 'Good again', plain: 'Note' },
    roles: { starting: 'starting', active: 'active', standby: 'standby', unfit: 'unfit', stopping: 'stopping' },
    causes: {
      'first-start': () => 'nobody served',
      'peer-silent': (from) => `${from} fell silent`,
      'handed-over': (from) => `${from} handed over`,
      'peer-unfit': (from) => `${from} could no longer serve`,
      ordered: () => 'a hand-over was ordered',
      'both-served': (_from, to) => `both served; ${to} goes on`,
      failback: (_from, to) => `back to ${to}, as configured`,
    },
    named: (name, id) => `${name} (${id})`,
    failover: (to, cause, outageMs) =>
      `${to} took over: ${cause}${outageMs === undefined ? '' : `; outage at most ${durationEn(outageMs)}`}`,
    role: (director, { reason }, from, to) => `${director} went from ${from} to ${to}: ${reason}`,
    health: (server, service, to, reason) =>
      `${server} is ${to} for ${service}${reason === undefined ? '' : `: ${reason}`}`,
    differ: (director, peer, count, servers) =>
      `${director} and ${peer} see ${count === 1 ? 'a real server' : `${count} real servers`} differently, a path is at fault: ${servers.join('; ')}`,
    seen: (server, service, up, down) => `${server} of ${service} is up from ${up}, down from ${down}`,
    agree: (director, peer) => `${director} and ${peer} see the real servers alike again`,
    path: (director, { path, to }) =>
      to === 'heard'
        ? `${director} hears the other director again on path ${path}`
        : `${director} hears nothing of the other director on path ${path}`,
    link: (director, { device, up }) => `${director}: link of ${device} is ${up ? 'up' : 'down'}`,
    drift: (director, { differences, repaired }) =>
      `${director} ${repaired ? 'repaired what had been changed behind its back' : 'finds the kernel other than wanted'}: ${differences.join('; ')}`,
    config: (director, { generation, digest }) =>
      `${director} runs configuration ${generation} (${digest.slice(0, 12)})`,
    order: (director, order, by, about) =>
      `${director} was ordered to ${order}${about === undefined ? '' : ` ${about}`} by ${by}`,
    orderAbout: (server, service) => `${server} of ${service}`,
    drained: (server, service, afterMs) =>
      `${server} of ${service} has no connection left after ${durationEn(afterMs)} and is out of the table`,
    started: (director, { version, after }) =>
      ({
        boot: `${director} booted; agent ${version} started`,
        restart: `Agent ${version} on ${director} was started again`,
        crash: `Agent ${version} on ${director} started after a crash`,
      })[after],
    stopped: (director, reason) => `Agent on ${director} stopped: ${reason}`,
    trouble: (director, says) => `${director}: ${says}`,
    test: (director, channel) => `Test from ${director}: notifications over “${channel}” arrive here`,
    omitted: (count) =>
      count === 1
        ? 'One earlier event was given up; the history of the cluster has it'
        : `${count} earlier events were given up; the history of the cluster has them`,
    more: (count) => `(and ${count} more)`,
  },
  'zh-CN': {
    levels: { problem: '问题', good: '恢复', plain: '提示' },
    roles: { starting: '启动中', active: '活动', standby: '备用', unfit: '不可用', stopping: '停止中' },
    causes: {
      'first-start': () => '此前无人服务',
      'peer-silent': (from) => `${from} 静默`,
      'handed-over': (from) => `${from} 主动移交`,
      'peer-unfit': (from) => `${from} 无法继续服务`,
      ordered: () => '由操作员下令',
      'both-served': (_from, to) => `两台同时服务；由 ${to} 继续`,
      failback: (_from, to) => `按配置切回 ${to}`,
    },
    named: (name, id) => `${name}（${id}）`,
    failover: (to, cause, outageMs) =>
      `${to} 接管：${cause}${outageMs === undefined ? '' : `；中断至多 ${durationZh(outageMs)}`}`,
    role: (director, { reason }, from, to) => `${director} 从${from}变为${to}：${reason}`,
    health: (server, service, to, reason) =>
      `${server} ${to === 'up' ? '可提供' : '无法提供'} ${service}${reason === undefined ? '' : `：${reason}`}`,
    differ: (director, peer, count, servers) =>
      `${director} 与 ${peer} 对 ${count} 台真实服务器的判断不一致，某条路径有故障：${servers.join('；')}`,
    seen: (server, service, up, down) => `${service} 的 ${server} 从 ${up} 看正常，从 ${down} 看失效`,
    agree: (director, peer) => `${director} 与 ${peer} 对真实服务器的判断恢复一致`,
    path: (director, { path, to }) =>
      to === 'heard' ? `${director} 在 ${path} 路径上重新听到对端` : `${director} 在 ${path} 路径上听不到对端`,
    link: (director, { device, up }) => `${director}：${device} 链路已${up ? '接通' : '断开'}`,
    drift: (director, { differences, repaired }) =>
      `${director} ${repaired ? '已修复被外部改动的偏离' : '的内核与期望不一致（偏离）'}：${differences.join('；')}`,
    config: (director, { generation, digest }) => `${director} 运行配置 ${generation}（${digest.slice(0, 12)}）`,
    order: (director, order, by, about) =>
      about === undefined ? `${by} 命令 ${director} 执行 ${order}` : `${by} 在 ${director} 上对 ${about} 下达 ${order}`,
    orderAbout: (server, service) => `${service} 的 ${server}`,
    drained: (server, service, afterMs) => `${service} 的 ${server} 在 ${durationZh(afterMs)}后已无连接，已移出转发表`,
    started: (director, { version, after }) =>
      ({
        boot: `${director} 开机；代理 ${version} 启动`,
        restart: `${director} 上的代理 ${version} 重新启动`,
        crash: `${director} 上的代理 ${version} 在崩溃后启动`,
      })[after],
    stopped: (director, reason) => `${director} 上的代理停止：${reason}`,
    trouble: (director, says) => `${director}：${says}`,
    test: (director, channel) => `来自 ${director} 的测试：经“${channel}”的通知可以送达`,
    omitted: (count) => `此前有 ${count} 条事件未能送达而放弃；集群历史中可查`,
    more: (count) => `（另有 ${count} 条）`,
  },
}

/** The fixed words of a notification. */
export function newsWords(language: Language): Pick<Words, 'levels' | 'test' | 'omitted' | 'more'> {
  return words[language]
}

/** The key of a real server in `NewsNames`. */
export function serverNameKey(service: string, server: string): string {
  return `${service} ${server}`
}

/** A line of the journal as one sentence. Reasons given by a director are in English, as in its journal. */
export function newsSentence({ director, event }: JournalEntry, language: Language, names: NewsNames = {}): string {
  const said = words[language]
  const service = (id: string): string => {
    const name = names[id]
    return name === undefined || name === id ? id : said.named(name, id)
  }
  const server = (of: string, id: string): string => {
    const name = names[serverNameKey(of, id)]
    return name === undefined || name === id ? id : said.named(name, id)
  }
  switch (event.kind) {
    case 'failover': {
      const { cause, from, to, outageMs } = event.record
      return said.failover(to, said.causes[cause](from ?? '?', to), outageMs)
    }
    case 'role':
      return said.role(director, event, said.roles[event.from], said.roles[event.to])
    case 'health':
      return said.health(server(event.service, event.server), service(event.service), event.to, event.reason)
    case 'disagreement':
      return event.servers.length === 0
        ? said.agree(director, event.peer)
        : said.differ(
            director,
            event.peer,
            event.total,
            event.servers.map((one) =>
              one.here === 'up'
                ? said.seen(server(one.service, one.server), service(one.service), director, event.peer)
                : said.seen(server(one.service, one.server), service(one.service), event.peer, director),
            ),
          )
    case 'path':
      return said.path(director, event)
    case 'link':
      return said.link(director, event)
    case 'drift':
      return said.drift(director, event)
    case 'config':
      return said.config(director, event)
    case 'order': {
      const order = event.weight === undefined ? event.order : `${event.order} ${event.weight}`
      const about =
        event.server === undefined || event.service === undefined
          ? undefined
          : said.orderAbout(server(event.service, event.server), service(event.service))
      return said.order(director, order, event.by, about)
    }
    case 'drained':
      return said.drained(server(event.service, event.server), service(event.service), event.afterMs)
    case 'started':
      return said.started(director, event)
    case 'stopped':
      return said.stopped(director, event.reason)
    case 'trouble':
      return said.trouble(director, event.says)
  }
}
