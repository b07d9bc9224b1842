/** The problems of checks chosen with `# shoal: check`, said in every language. */
import type { Entry } from './speech.ts'

export const checksSpeech = {
  'check-unused': {
    en: {
      says: '{name} is used by these checks only: {kinds}.',
      remedy: 'Remove it, or choose one of these checks with `# shoal: check`.',
    },
    'zh-CN': { says: '{name} 只用于以下检查：{kinds}。', remedy: '请删除它，或用 `# shoal: check` 选择其中一种检查。' },
  },
  'check-via-nat': {
    en: {
      says: 'With address translation the virtual IP is not on the real servers, so check_via = vip has nothing to find there.',
      remedy: 'Remove check_via; it is for direct routing and tunnel.',
    },
    'zh-CN': {
      says: '地址转换模式下真实服务器上没有虚拟 IP，check_via = vip 无从检查。',
      remedy: '请删除 check_via；它用于直接路由和隧道。',
    },
  },
  'check-port-needed': {
    en: {
      says: 'The virtual server takes every port, so its check has no port to ask on and every real server counts as down.',
      remedy: 'Write `# shoal: check_port`, or choose the check ping or script.',
    },
    'zh-CN': {
      says: '该虚拟服务接受所有端口，检查没有可用的端口，所有真实服务器都会被视为失效。',
      remedy: '请写出 `# shoal: check_port`，或选择 ping 或 script 检查。',
    },
  },
  'check-user-malformed': {
    en: {
      says: 'check_user = {value} is no user name: 1 to 32 visible ASCII characters without blanks.',
      remedy: 'Write the name a database is to be greeted with.',
    },
    'zh-CN': {
      says: 'check_user = {value} 不是用户名：应为 1 到 32 个不含空格的可见 ASCII 字符。',
      remedy: '请填写问候数据库时使用的用户名。',
    },
  },
  'check-host-malformed': {
    en: {
      says: 'check_host = {value} is neither a host name nor an address.',
      remedy: 'Write the name as clients use it, for example www.example.com.',
    },
    'zh-CN': {
      says: 'check_host = {value} 既不是主机名也不是地址。',
      remedy: '请填写客户端使用的名称，例如 www.example.com。',
    },
  },
  'check-path-malformed': {
    en: {
      says: 'check_path = {value} is no path of a URL: it begins with / and has no blanks.',
      remedy: 'Write the path as it stands in a request, for example /health.',
    },
    'zh-CN': {
      says: 'check_path = {value} 不是 URL 路径：应以 / 开头且不含空格。',
      remedy: '请按请求中的形式填写路径，例如 /health。',
    },
  },
  'check-status-malformed': {
    en: {
      says: 'check_status = {value} is no list of status codes.',
      remedy: 'Write codes from 100 to 999 or ranges of them, separated by commas: 200-299,404.',
    },
    'zh-CN': {
      says: 'check_status = {value} 不是状态码列表。',
      remedy: '请填写 100 到 999 的状态码或范围，用逗号分隔，例如 200-299,404。',
    },
  },
  'check-head-without-body': {
    en: {
      says: 'A HEAD request has no body in its answer, but check_body or check_body_regex asks for one.',
      remedy: 'Set check_method to GET, or remove what is asked of the body.',
    },
    'zh-CN': {
      says: 'HEAD 请求的应答没有正文，而 check_body 或 check_body_regex 要求检查正文。',
      remedy: '请将 check_method 设为 GET，或去掉对正文的要求。',
    },
  },
  'check-regex-syntax': {
    en: {
      says: '{value} is not a valid regular expression.',
      remedy: 'Correct the expression; POSIX extended syntax is meant.',
    },
    'zh-CN': { says: '{value} 不是有效的正则表达式。', remedy: '请更正表达式；采用 POSIX 扩展语法。' },
  },
  'check-regex-back-reference': {
    en: {
      says: '{value} refers back to a group (`\\1`); such expressions can take without bound and are not run.',
      remedy: 'Write the expression without the back reference.',
    },
    'zh-CN': {
      says: '{value} 使用了反向引用（`\\1`）；此类表达式耗时没有上限，因此不予执行。',
      remedy: '请改写为不含反向引用的表达式。',
    },
  },
  'check-regex-look-around': {
    en: {
      says: '{value} looks ahead or behind (`(?=`, `(?!`, `(?<`); such expressions are not run.',
      remedy: 'Write the expression without it.',
    },
    'zh-CN': {
      says: '{value} 使用了环视（`(?=`、`(?!`、`(?<`）；此类表达式不予执行。',
      remedy: '请改写为不含环视的表达式。',
    },
  },
  'check-regex-too-large': {
    en: {
      says: '{value} is too large to be run on every answer: repetitions go up to 255, and all of them together to 2,000 characters.',
      remedy: 'Shorten the repetitions.',
    },
    'zh-CN': {
      says: '{value} 过大，不适合对每次应答执行：单个重复不超过 255，合计不超过 2000 个字符。',
      remedy: '请减少重复次数。',
    },
  },
  'check-name-malformed': {
    en: {
      says: 'check_name = {value} is no domain name.',
      remedy: 'Write a name such as www.example.com, or `.` for the root.',
    },
    'zh-CN': { says: 'check_name = {value} 不是域名。', remedy: '请填写域名，例如 www.example.com；`.` 表示根域。' },
  },
  'check-answer-malformed': {
    en: {
      says: 'check_answer = {value} is no answer to a question for {record}: it is not an IPv4 address.',
      remedy: 'Write the address as the record has it.',
    },
    'zh-CN': {
      says: 'check_answer = {value} 不可能是 {record} 查询的应答：它不是 IPv4 地址。',
      remedy: '请按记录中的形式填写地址。',
    },
  },
  'check-script-missing': {
    en: {
      says: 'check = script does not say which program.',
      remedy: 'Write `# shoal: check_script` with the path of the program.',
    },
    'zh-CN': { says: 'check = script 没有指明程序。', remedy: '请用 `# shoal: check_script` 写出程序路径。' },
  },
  'check-script-quote': {
    en: { says: 'check_script = {value} has a quote that is not closed.', remedy: 'Close the quote.' },
    'zh-CN': { says: 'check_script = {value} 中的引号没有闭合。', remedy: '请补全引号。' },
  },
  'check-script-not-absolute': {
    en: {
      says: 'check_script begins with {value}, which is no absolute path; a program is not searched for.',
      remedy: 'Write the whole path, for example /usr/local/bin/check-web.',
    },
    'zh-CN': {
      says: 'check_script 以 {value} 开头，不是绝对路径；程序不会按 PATH 查找。',
      remedy: '请写出完整路径，例如 /usr/local/bin/check-web。',
    },
  },
} as const satisfies Readonly<Record<string, Entry>>

export type ChecksCode = keyof typeof checksSpeech
