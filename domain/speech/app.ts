/** Problems of the application itself: its requests, its files on disk, its sessions. */
import type { Entry } from './speech.ts'

export const appSpeech = {
  'request-malformed': {
    en: {
      says: 'The request {request} does not have the expected form: {reason}.',
      remedy: 'Reload the window; if it comes back, the window and the core are of different versions.',
    },
    'zh-CN': {
      says: '请求 {request} 的格式不符合预期：{reason}。',
      remedy: '请重新加载窗口；若再次出现，说明窗口与核心程序的版本不同。',
    },
  },
  'file-unreadable': {
    en: { says: '{file} cannot be read: {reason}.', remedy: 'Check that the file exists and that you may read it.' },
    'zh-CN': { says: '无法读取 {file}：{reason}。', remedy: '请检查该文件是否存在以及您是否有读取权限。' },
  },
  'file-unwritable': {
    en: {
      says: '{file} cannot be written: {reason}. The file on disk is unchanged.',
      remedy: 'Check the free space and your permission, or save under another name.',
    },
    'zh-CN': {
      says: '无法写入 {file}：{reason}。磁盘上的文件未被改动。',
      remedy: '请检查可用空间和写入权限，或另存为其他名称。',
    },
  },
  'changed-meanwhile': {
    en: {
      says: '{name} was changed elsewhere since it was opened here.',
      remedy: 'Look at the other version, then choose which one to keep; nothing was overwritten.',
    },
    'zh-CN': {
      says: '{name} 在此处打开之后已在别处被修改。',
      remedy: '请先查看另一份内容，再选择保留哪一份；没有任何内容被覆盖。',
    },
  },
  'update-feed-address': {
    en: {
      says: '{feed} is not the address of an update feed.',
      remedy: 'Give an https:// address without a user name.',
    },
    'zh-CN': { says: '{feed} 不是版本信息的地址。', remedy: '请填写不含用户名的 https:// 地址。' },
  },
  'update-feed-silent': {
    en: {
      says: 'The update feed {feed} gave no answer: {reason}.',
      remedy: 'Check the address and that this machine reaches it; redirections are not followed.',
    },
    'zh-CN': {
      says: '版本信息地址 {feed} 没有应答：{reason}。',
      remedy: '请检查地址以及本机能否访问它；不会跟随重定向。',
    },
  },
  'update-feed-malformed': {
    en: {
      says: 'What the update feed {feed} says cannot be used: {reason}.',
      remedy: 'It has to be JSON with a version (1.2.3) and a page (an http or https address).',
    },
    'zh-CN': {
      says: '版本信息 {feed} 的内容无法使用：{reason}。',
      remedy: '它应为 JSON，含 version（1.2.3）与 page（http 或 https 地址）。',
    },
  },
  'not-found': {
    en: {
      says: '{name} is not known here.',
      remedy: 'It may have been removed in another window; go back to the start page.',
    },
    'zh-CN': { says: '此处没有 {name}。', remedy: '它可能已在其他窗口中被移除；请返回起始页。' },
  },
  'core-unreachable': {
    en: {
      says: 'No answer from Shoal: {reason}.',
      remedy: 'Check that Shoal is still running on its machine; what is typed here is kept in this window meanwhile.',
    },
    'zh-CN': {
      says: 'Shoal 没有应答：{reason}。',
      remedy: '请检查 Shoal 是否仍在其主机上运行；此处输入的内容暂时保留在本窗口中。',
    },
  },
  'session-ended': {
    en: {
      says: 'This browser is not signed in to Shoal.',
      remedy: 'Reload the page to sign in again, or open the address that Shoal prints when it starts.',
    },
    'zh-CN': {
      says: '此浏览器尚未登录 Shoal。',
      remedy: '请重新加载页面以再次登录，或打开 Shoal 启动时打印的地址。',
    },
  },
} as const satisfies Record<string, Entry>

export type AppCode = keyof typeof appSpeech
