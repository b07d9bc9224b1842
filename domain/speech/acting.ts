/** Problems of what an operator does to a running cluster, and of the simulated one. */
import type { Entry } from './speech.ts'

export const actingSpeech = {
  'simulation-ended': {
    en: { says: 'The simulated cluster has ended.', remedy: 'Start it again from the start page.' },
    'zh-CN': { says: '模拟集群已结束。', remedy: '请在起始页重新启动。' },
  },
  'drill-not-ready': {
    en: {
      says: 'A drill needs an active director and a ready standby, both heard just now.',
      remedy: 'Wait until the sentence at the top says that the standby is ready.',
    },
    'zh-CN': {
      says: '演练需要一台活动调度器和一台就绪的备用调度器，且两者刚刚都有应答。',
      remedy: '请等到页面顶部显示备用调度器已就绪。',
    },
  },
  'drill-no-means': {
    en: {
      says: '{host} cannot make this fault by itself: {reason}.',
      remedy:
        'A cut needs systemd, tc (iproute2), unshare (util-linux) and the kernel modules sch_ingress, cls_matchall and act_gact; a power cycle needs systemd. Or pull the cables, or switch the machine off by hand; the history shows what it cost.',
    },
    'zh-CN': {
      says: '{host} 无法自行制造该故障：{reason}。',
      remedy:
        '拔线演练需要 systemd、tc（iproute2）、unshare（util-linux）以及内核模块 sch_ingress、cls_matchall 和 act_gact；断电重启需要 systemd。也可以手动拔线或关机，随后在历史页查看代价。',
    },
  },
  'drill-filters-there': {
    en: {
      says: '{host} already has traffic filters of its own on {devices} (a clsact or ingress queueing discipline).',
      remedy:
        'The end of the cut would take them out as well, so nothing was changed. Pull the cables by hand; the history shows what it cost.',
    },
    'zh-CN': {
      says: '{host} 的 {devices} 上已有其他流量过滤器（clsact 或 ingress 队列规则）。',
      remedy: '演练结束时会将其一并移除，因此未做任何改动。请手动拔线，随后在历史页查看代价。',
    },
  },
  'drill-storage-remote': {
    en: {
      says: '{host} uses storage over the network: {storage}.',
      remedy:
        'Without network it might not even be able to end the cut, so nothing was changed. Take the power cycle, or pull the cables by hand.',
    },
    'zh-CN': {
      says: '{host} 使用网络存储：{storage}。',
      remedy: '没有网络时它可能连演练本身都无法结束，因此未做任何改动。请改用断电重启演练，或手动拔线。',
    },
  },
  'drill-deadtime-long': {
    en: {
      says: 'A cut lasts at most {most} s; at a deadtime of {seconds} s the standby would hardly take over before it ends.',
      remedy: 'Shorten the deadtime, or take the power cycle.',
    },
    'zh-CN': {
      says: '拔线最多持续 {most} 秒；死亡判定时间为 {seconds} 秒时，备用调度器几乎来不及接管。',
      remedy: '请缩短死亡判定时间，或改用断电重启演练。',
    },
  },
  'drill-agent-not-at-boot': {
    en: {
      says: 'The agent on {host} is not started at boot; after a power cycle there would be no standby.',
      remedy: 'On {host}: systemctl enable shoal-agent, and a default target that is not rescue or emergency.',
    },
    'zh-CN': {
      says: '{host} 上的代理不会随系统启动；断电重启后将没有备用调度器。',
      remedy: '请在 {host} 上执行 systemctl enable shoal-agent，并确认默认目标不是 rescue 或 emergency。',
    },
  },
  'drill-host-busy': {
    en: {
      says: '{host} must not be switched off now: {reason}.',
      remedy: 'Wait until that has ended on {host}, then start the drill again.',
    },
    'zh-CN': {
      says: '{host} 现在不能断电：{reason}。',
      remedy: '请等 {host} 上的该项工作结束后再开始演练。',
    },
  },
  'drill-under-way': {
    en: { says: 'Another drill is under way on this cluster.', remedy: 'Wait until it is over.' },
    'zh-CN': { says: '该集群上正在进行另一项演练。', remedy: '请等它结束。' },
  },
  'drill-not-taken-over': {
    en: {
      says: '{to} did not serve within {seconds} s.',
      remedy: 'See the directors on the overview and the history for what {to} says.',
    },
    'zh-CN': { says: '{to} 在 {seconds} 秒内未开始服务。', remedy: '请在概览页和历史页查看 {to} 的说明。' },
  },
  'drill-not-recovered': {
    en: {
      says: '{from} was not ready as standby within {seconds} s.',
      remedy: 'Clients are served. See the director on the overview for what stands in the way.',
    },
    'zh-CN': {
      says: '{from} 在 {seconds} 秒内未成为就绪的备用调度器。',
      remedy: '客户端仍可访问。请在概览页查看该调度器的情况。',
    },
  },
} as const satisfies Record<string, Entry>

export type ActingCode = keyof typeof actingSpeech
