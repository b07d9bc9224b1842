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
  'drill-not-here': {
    en: {
      says: 'This drill is made on the simulated cluster only.',
      remedy: 'On hosts, pull the cable or switch the machine off by hand; the history then shows what it cost.',
    },
    'zh-CN': {
      says: '该演练只能在模拟集群上进行。',
      remedy: '对于真实主机，请手动拔线或关机；随后可在历史页查看代价。',
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
