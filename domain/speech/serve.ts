/** Problems of the two hosts of the screen: the door of `shoal serve`, its address, and the carrying of requests. */
import type { Entry } from './speech.ts'

export const serveSpeech = {
  'request-refused': {
    en: {
      says: 'The request was refused: {reason}.',
      remedy: 'Open Shoal at the address it printed when it started, not under another name or from another page.',
    },
    'zh-CN': {
      says: '请求被拒绝：{reason}。',
      remedy: '请用 Shoal 启动时打印的地址打开它，不要使用其他名称，也不要从其他页面发起请求。',
    },
  },
  'request-too-large': {
    en: {
      says: 'The request is larger than {limitMb} MB and was not read.',
      remedy: 'Open a smaller file.',
    },
    'zh-CN': { says: '请求超过 {limitMb} MB，未被读取。', remedy: '请打开较小的文件。' },
  },
  'request-failed-inside': {
    en: {
      says: 'The request {request} ended in an error inside Shoal: {reason}.',
      remedy: 'Do it once more; if it comes back, report it with the lines Shoal wrote to its log.',
    },
    'zh-CN': {
      says: '请求 {request} 因 Shoal 内部错误而中止：{reason}。',
      remedy: '请再试一次；若再次出现，请附上 Shoal 的日志进行反馈。',
    },
  },
  'sign-in-wrong-password': {
    en: {
      says: 'The password is not the one set for this Shoal.',
      remedy: 'Type it again, or set a new one with shoal passwd.',
    },
    'zh-CN': { says: '密码与此 Shoal 所设的不符。', remedy: '请重新输入，或用 shoal passwd 设置新密码。' },
  },
  'sign-in-wrong-token': {
    en: {
      says: 'The sign-in token is not valid: it was used before, or belongs to an earlier start of Shoal.',
      remedy:
        'In the terminal of shoal serve press Enter: it prints a new address. Without a terminal, start it again.',
    },
    'zh-CN': {
      says: '登录令牌无效：它已被使用过，或属于 Shoal 之前的一次启动。',
      remedy: '请在运行 shoal serve 的终端中按回车键，它会打印新的地址；没有终端时请重新启动它。',
    },
  },
  'sign-in-too-often': {
    en: {
      says: 'Sign-in failed {failures} times in a row; the next try is possible in {waitS} s.',
      remedy: 'Wait, then try again. Browsers already signed in are not affected.',
    },
    'zh-CN': {
      says: '登录已连续失败 {failures} 次；{waitS} 秒后可再次尝试。',
      remedy: '请等待后重试。已登录的浏览器不受影响。',
    },
  },
  'password-too-short': {
    en: {
      says: 'The password has fewer than {least} characters.',
      remedy: 'Choose a longer one; nothing was changed.',
    },
    'zh-CN': { says: '密码少于 {least} 个字符。', remedy: '请选择更长的密码；未做任何更改。' },
  },
  'passwords-differ': {
    en: { says: 'The two passwords typed are not the same.', remedy: 'Type them again; nothing was changed.' },
    'zh-CN': { says: '两次输入的密码不一致。', remedy: '请重新输入；未做任何更改。' },
  },
  'serve-not-loopback': {
    en: {
      says: '{host} is not an address of this machine alone, and {lacks}: what is typed would cross the network for everybody to read, or anybody could come in.',
      remedy:
        'Set a password with shoal passwd and give --tls-cert and --tls-key; or leave --host away and reach it through SSH: ssh -L 3636:127.0.0.1:3636 this-machine.',
    },
    'zh-CN': {
      says: '{host} 不是仅限本机的地址，而{lacks}：输入的内容会以明文经过网络，或任何人都能进入。',
      remedy:
        '请用 shoal passwd 设置密码并给出 --tls-cert 与 --tls-key；或不使用 --host，通过 SSH 访问：ssh -L 3636:127.0.0.1:3636 本机名。',
    },
  },
  'serve-address-taken': {
    en: {
      says: 'Something else already listens on {address}.',
      remedy: 'If it is another Shoal, use that one; otherwise choose another port with --port.',
    },
    'zh-CN': {
      says: '{address} 已被其他程序监听。',
      remedy: '若那是另一个 Shoal，请直接使用它；否则请用 --port 选择其他端口。',
    },
  },
  'serve-cannot-listen': {
    en: {
      says: 'Listening on {address} is not possible: {reason}.',
      remedy: 'Choose another address, port or socket path.',
    },
    'zh-CN': { says: '无法在 {address} 上监听：{reason}。', remedy: '请选择其他地址、端口或套接字路径。' },
  },
  'serve-tls-incomplete': {
    en: {
      says: 'The certificate and its key cannot be used: {reason}.',
      remedy:
        'Give both --tls-cert and --tls-key: PEM files, the certificate with its chain, the key without a passphrase.',
    },
    'zh-CN': {
      says: '证书及其私钥无法使用：{reason}。',
      remedy: '请同时给出 --tls-cert 与 --tls-key：PEM 文件，证书应含证书链，私钥不带口令。',
    },
  },
  'serve-name-missing': {
    en: {
      says: '{host} stands for every address of this machine, so the name browsers will use is not known.',
      remedy: 'Say it with --name, once for each name: requests under any other name are refused.',
    },
    'zh-CN': {
      says: '{host} 代表本机的所有地址，因此不知道浏览器会使用哪个名称。',
      remedy: '请用 --name 指明，每个名称一次：以其他名称发来的请求会被拒绝。',
    },
  },
  'data-dir-in-use': {
    en: {
      says: '{dir} is in use by {what} (process {pid}).',
      remedy:
        'Use that one or end it first; another data directory is given with --data. Two at once would overwrite each other.',
    },
    'zh-CN': {
      says: '{dir} 正被 {what}（进程 {pid}）使用。',
      remedy: '请使用那一个，或先结束它；可用 --data 指定其他数据目录。两个同时运行会互相覆盖。',
    },
  },
  'screen-not-built': {
    en: { says: 'The built screen is not in {dir}.', remedy: 'In the source tree run npm run build once.' },
    'zh-CN': { says: '{dir} 中没有构建好的界面。', remedy: '请在源码目录中运行一次 npm run build。' },
  },
} as const satisfies Record<string, Entry>

export type ServeCode = keyof typeof serveSpeech
