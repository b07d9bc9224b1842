/**
 * The problems of lvs.cf, said in every language: what the parser recovered from and what the original makes of it, values, and the
 * meaning of the whole.
 */
import type { Entry } from './speech.ts'

export const lvscfSpeech = {
  'lvscf-bom': {
    en: {
      says: 'The file begins with a byte order mark; Piranha takes it as part of the first word and refuses the file.',
      remedy: 'Save the file without a byte order mark.',
    },
    'zh-CN': {
      says: '文件以字节顺序标记（BOM）开头；Piranha 会把它当作第一个词的一部分并拒绝该文件。',
      remedy: '请以不带 BOM 的方式保存文件。',
    },
  },
  'lvscf-nul': {
    en: {
      says: 'Line {line} contains a NUL byte; Piranha stops reading or crashes there.',
      remedy: 'Remove the byte; the file may have been damaged while copying.',
    },
    'zh-CN': {
      says: '第 {line} 行包含 NUL 字节；Piranha 会在此停止读取或崩溃。',
      remedy: '请删除该字节；文件可能在复制时损坏。',
    },
  },
  'lvscf-crlf': {
    en: {
      says: 'The lines end with CR LF; Piranha reads only line 1 and silently skips the rest.',
      remedy: 'Save the file with LF line ends.',
    },
    'zh-CN': {
      says: '各行以 CR LF 结尾；Piranha 只读取第 1 行，其余内容被静默跳过。',
      remedy: '请改用 LF 行尾保存文件。',
    },
  },
  'lvscf-cr-only': {
    en: {
      says: 'The lines end with CR alone; Piranha reads them, most other tools do not.',
      remedy: 'Save the file with LF line ends.',
    },
    'zh-CN': { says: '各行仅以 CR 结尾；Piranha 可以读取，但大多数工具不能。', remedy: '请改用 LF 行尾保存文件。' },
  },
  'lvscf-cr-first-line': {
    en: {
      says: 'Line 1 ends with a carriage return; Piranha reads the file all the same.',
      remedy: 'Remove the carriage return.',
    },
    'zh-CN': { says: '第 1 行以回车符结尾；Piranha 仍能读取该文件。', remedy: '请删除该回车符。' },
  },
  'lvscf-cr-mixed': {
    en: {
      says: 'Line {line} contains a carriage return; Piranha takes lines that end with LF together with it as one line, and refuses or skips them.',
      remedy: 'Save the file with LF line ends only.',
    },
    'zh-CN': {
      says: '第 {line} 行包含回车符；Piranha 会把以 LF 结尾的多行合并为一行，从而拒绝或跳过它们。',
      remedy: '请全部改用 LF 行尾保存文件。',
    },
  },
  'lvscf-own-unreadable': {
    en: {
      says: 'This Shoal directive does not have the form `# shoal: name = value` and is not read.',
      remedy: 'Write it in that form, or make it an ordinary comment.',
    },
    'zh-CN': {
      says: '该 Shoal 指令不符合 `# shoal: 名称 = 值` 的格式，未被读取。',
      remedy: '请按该格式书写，或改为普通注释。',
    },
  },
  'lvscf-own-unknown': {
    en: {
      says: 'The Shoal directive {name} is not known here and has no effect.',
      remedy: 'Check the spelling and the block it stands in.',
    },
    'zh-CN': { says: '此处没有名为 {name} 的 Shoal 指令，不起作用。', remedy: '请检查拼写以及它所在的区块。' },
  },
  'lvscf-own-value': {
    en: {
      says: '{name} does not accept the value {value}.',
      remedy: 'Give whole milliseconds in rising order, separated by commas, or `none`.',
    },
    'zh-CN': { says: '{name} 不接受值 {value}。', remedy: '请填写递增的整数毫秒，用逗号分隔，或填写 `none`。' },
  },
  'lvscf-brace-surplus': {
    en: {
      says: 'This closing brace closes nothing; Piranha refuses the file.',
      remedy: 'Remove the brace, or restore the block it belongs to.',
    },
    'zh-CN': {
      says: '该右花括号没有对应的区块；Piranha 会拒绝该文件。',
      remedy: '请删除该花括号，或恢复它所属的区块。',
    },
  },
  'lvscf-brace-junk': {
    en: {
      says: 'The closing brace is followed by other characters without a blank; Piranha refuses the file.',
      remedy: 'Put the closing brace alone on its line.',
    },
    'zh-CN': { says: '右花括号后面紧跟其他字符；Piranha 会拒绝该文件。', remedy: '请让右花括号独占一行。' },
  },
  'lvscf-brace-missing': {
    en: {
      says: 'The opening brace of {kind} {name} is missing; Piranha refuses the file.',
      remedy: 'Write the brace at the end of the line, after a blank.',
    },
    'zh-CN': {
      says: '{kind} {name} 缺少左花括号；Piranha 会拒绝该文件。',
      remedy: '请在该行末尾、空格之后写上左花括号。',
    },
  },
  'lvscf-brace-next-line': {
    en: {
      says: 'The opening brace of {kind} {name} stands on the next line; Piranha refuses the file.',
      remedy: 'Move the brace to the end of the line above, after a blank.',
    },
    'zh-CN': {
      says: '{kind} {name} 的左花括号写在了下一行；Piranha 会拒绝该文件。',
      remedy: '请把花括号移到上一行末尾的空格之后。',
    },
  },
  'lvscf-brace-attached': {
    en: {
      says: 'The opening brace touches the name {name}; Piranha refuses the file.',
      remedy: 'Put a blank before the brace.',
    },
    'zh-CN': { says: '左花括号与名称 {name} 相连；Piranha 会拒绝该文件。', remedy: '请在花括号前加一个空格。' },
  },
  'lvscf-brace-same-line': {
    en: {
      says: 'The closing brace stands on the line of a directive; Piranha refuses the file.',
      remedy: 'Put the closing brace on a line of its own.',
    },
    'zh-CN': { says: '右花括号与指令写在同一行；Piranha 会拒绝该文件。', remedy: '请让右花括号独占一行。' },
  },
  'lvscf-block-inline': {
    en: {
      says: '{kind} {name} is written on one line; its content is not read, and Piranha refuses the file.',
      remedy: 'Put every directive and the closing brace on a line of its own.',
    },
    'zh-CN': {
      says: '{kind} {name} 写在了一行内；其内容未被读取，Piranha 会拒绝该文件。',
      remedy: '请让每条指令和右花括号各占一行。',
    },
  },
  'lvscf-block-unclosed': {
    en: {
      says: '{kind} {name} is not closed before line {line}; Piranha refuses the file.',
      remedy: 'Add the closing brace at the end of the block.',
    },
    'zh-CN': {
      says: '{kind} {name} 在第 {line} 行之前没有结束；Piranha 会拒绝该文件。',
      remedy: '请在区块末尾补上右花括号。',
    },
  },
  'lvscf-block-unclosed-at-end': {
    en: {
      says: '{kind} {name} is not closed at the end of the file; Piranha reads it as if it were.',
      remedy: 'Add the closing brace.',
    },
    'zh-CN': { says: '{kind} {name} 到文件结尾仍未结束；Piranha 会当作已结束来读取。', remedy: '请补上右花括号。' },
  },
  'lvscf-server-unclosed-at-end': {
    en: {
      says: '{kind} {name} is not closed at the end of the file; Piranha reads it as if it were.',
      remedy: 'Add the closing brace.',
    },
    'zh-CN': { says: '{kind} {name} 到文件结尾仍未结束；Piranha 会当作已结束来读取。', remedy: '请补上右花括号。' },
  },
  'lvscf-server-outside': {
    en: {
      says: 'The real server {name} stands outside of every virtual server; Piranha refuses the file.',
      remedy: 'Move it into a virtual block; a closing brace above may be one too many.',
    },
    'zh-CN': {
      says: '真实服务器 {name} 不在任何虚拟服务之内；Piranha 会拒绝该文件。',
      remedy: '请把它移入 virtual 区块；上方可能多了一个右花括号。',
    },
  },
  'lvscf-name-missing': {
    en: {
      says: 'This {kind} has no name; Piranha refuses the file.',
      remedy: 'Write a name between the keyword and the brace.',
    },
    'zh-CN': { says: '该 {kind} 没有名称；Piranha 会拒绝该文件。', remedy: '请在关键字与花括号之间写上名称。' },
  },
  'lvscf-name-blanks': {
    en: {
      says: 'The name {name} has blanks and no quotes; Piranha refuses the file.',
      remedy: 'Put the name in double quotes, or replace the blanks.',
    },
    'zh-CN': {
      says: '名称 {name} 含有空格但没有引号；Piranha 会拒绝该文件。',
      remedy: '请用双引号括起名称，或替换其中的空格。',
    },
  },
  'lvscf-name-quoted': {
    en: {
      says: 'The quotes around the name {name} are not what Piranha can read; it refuses the file.',
      remedy: 'Write a name without blanks without quotes.',
    },
    'zh-CN': {
      says: '名称 {name} 的引号写法 Piranha 无法读取，会拒绝该文件。',
      remedy: '不含空格的名称请不要加引号。',
    },
  },
  'lvscf-name-unwritable': {
    en: {
      says: 'The name {name} cannot be written in a way that Piranha reads.',
      remedy: 'Choose a name without quotes and line breaks.',
    },
    'zh-CN': { says: '名称 {name} 无法写成 Piranha 能读取的形式。', remedy: '请选择不含引号和换行的名称。' },
  },
  'lvscf-name-twice': {
    en: {
      says: 'The name {name} is used for more than one {kind}; logs and history cannot tell them apart.',
      remedy: 'Give each its own name.',
    },
    'zh-CN': {
      says: '名称 {name} 被多个 {kind} 使用；日志和历史记录无法区分它们。',
      remedy: '请为每一个取不同的名称。',
    },
  },
  'lvscf-unknown': {
    en: {
      says: 'The directive {name} is not known; Piranha refuses the file.',
      remedy: 'Remove the line, or correct the name.',
    },
    'zh-CN': { says: '没有名为 {name} 的指令；Piranha 会拒绝该文件。', remedy: '请删除该行或更正名称。' },
  },
  'lvscf-misspelt': {
    en: {
      says: 'The directive {name} is not known; Piranha refuses the file. A similar one is {suggestion}.',
      remedy: 'Write {suggestion}, or remove the line.',
    },
    'zh-CN': {
      says: '没有名为 {name} 的指令；Piranha 会拒绝该文件。相近的指令是 {suggestion}。',
      remedy: '请改为 {suggestion}，或删除该行。',
    },
  },
  'lvscf-wrong-place': {
    en: {
      says: 'The directive {name} belongs to {there}, not to {here}; Piranha refuses the file.',
      remedy: 'Move the line; a closing brace above may be missing or one too many.',
    },
    'zh-CN': {
      says: '指令 {name} 属于 {there}，不属于 {here}；Piranha 会拒绝该文件。',
      remedy: '请移动该行；上方可能缺少或多出一个右花括号。',
    },
  },
  'lvscf-refused-directive': {
    en: {
      says: '{name} was written here by the Piranha web tool, but its daemons refuse a file that contains it. Shoal ignores the line.',
      remedy: 'Remove the line.',
    },
    'zh-CN': {
      says: '{name} 由 Piranha 网页工具写入，但其守护进程会拒绝包含它的文件。Shoal 忽略该行。',
      remedy: '请删除该行。',
    },
  },
  'lvscf-not-understood': {
    en: {
      says: 'This line is neither a directive nor a block nor a comment; Piranha refuses the file.',
      remedy: 'Remove the line, or begin it with #.',
    },
    'zh-CN': { says: '该行既不是指令、区块，也不是注释；Piranha 会拒绝该文件。', remedy: '请删除该行，或以 # 开头。' },
  },
  'lvscf-key-quoted': {
    en: {
      says: 'The keyword {name} is in quotes; Piranha refuses the file.',
      remedy: 'Write the keyword without quotes.',
    },
    'zh-CN': { says: '关键字 {name} 带有引号；Piranha 会拒绝该文件。', remedy: '请去掉关键字的引号。' },
  },
  'lvscf-equals-missing': {
    en: {
      says: 'The equals sign after {name} is missing; Piranha refuses the file.',
      remedy: 'Write `{name} = value`.',
    },
    'zh-CN': { says: '{name} 之后缺少等号；Piranha 会拒绝该文件。', remedy: '请写成 `{name} = 值`。' },
  },
  'lvscf-equals-attached': {
    en: {
      says: 'The equals sign after {name} has no blanks around it; Piranha refuses the file.',
      remedy: 'Put a blank before and after the equals sign.',
    },
    'zh-CN': { says: '{name} 之后的等号两侧没有空格；Piranha 会拒绝该文件。', remedy: '请在等号前后各加一个空格。' },
  },
  'lvscf-value-missing': {
    en: { says: '{name} has no value; Piranha refuses the file.', remedy: 'Write a value, or remove the line.' },
    'zh-CN': { says: '{name} 没有值；Piranha 会拒绝该文件。', remedy: '请填写值，或删除该行。' },
  },
  'lvscf-value-unwritable': {
    en: {
      says: 'The value of {name} cannot be written in a way that Piranha reads; the file keeps the old value.',
      remedy: 'Remove line breaks, or use one kind of quotes only.',
    },
    'zh-CN': {
      says: '{name} 的值无法写成 Piranha 能读取的形式；文件保留原值。',
      remedy: '请去掉换行，或只使用一种引号。',
    },
  },
  'lvscf-quote-open': {
    en: {
      says: 'The quote in {name} is not closed; Piranha refuses the file. The value is read to the end of the line.',
      remedy: 'Add the closing quote.',
    },
    'zh-CN': { says: '{name} 的引号没有闭合；Piranha 会拒绝该文件。此处把值读到行尾。', remedy: '请补上结束的引号。' },
  },
  'lvscf-quoting': {
    en: {
      says: 'The quotes in {name} are not what Piranha can read; it refuses the file.',
      remedy: 'Use one pair of quotes around the whole value, with nothing behind it, not even a blank.',
    },
    'zh-CN': {
      says: '{name} 的引号写法 Piranha 无法读取，会拒绝该文件。',
      remedy: '请用一对引号括住整个值，其后不要有任何字符，包括空格。',
    },
  },
  'lvscf-single-quotes': {
    en: {
      says: '{name} is in single quotes; Piranha sends the quotes along with the text.',
      remedy: 'Use double quotes.',
    },
    'zh-CN': { says: '{name} 使用了单引号；Piranha 会把引号一并发送。', remedy: '请改用双引号。' },
  },
  'lvscf-text-unquoted': {
    en: {
      says: '{name} has several words without quotes; Piranha refuses the file.',
      remedy: 'Put the value in double quotes.',
    },
    'zh-CN': { says: '{name} 的值含多个词但没有引号；Piranha 会拒绝该文件。', remedy: '请用双引号括住该值。' },
  },
  'lvscf-extra-words': {
    en: {
      says: 'Behind {name} stands more than its value: {words}. Piranha refuses the file.',
      remedy: 'Remove the words; a comment needs a line of its own.',
    },
    'zh-CN': {
      says: '{name} 的值之后还有多余内容：{words}。Piranha 会拒绝该文件。',
      remedy: '请删除多余内容；注释须独占一行。',
    },
  },
  'lvscf-trailing-comment': {
    en: {
      says: 'A comment stands behind a directive; Piranha refuses the file.',
      remedy: 'Put the comment on a line of its own.',
    },
    'zh-CN': { says: '注释写在了指令之后；Piranha 会拒绝该文件。', remedy: '请让注释独占一行。' },
  },
  'lvscf-list-brackets': {
    en: {
      says: '{name} needs the form `[ a:b c:d ]` with blanks around the brackets; Piranha refuses the file.',
      remedy: 'Write it in that form, or remove the line: nothing uses it.',
    },
    'zh-CN': {
      says: '{name} 须写成 `[ a:b c:d ]`，方括号两侧有空格；Piranha 会拒绝该文件。',
      remedy: '请按该格式书写；或删除该行，没有程序使用它。',
    },
  },
  'lvscf-repeated': {
    en: {
      says: '{name} is written more than once here; the last one counts, for Piranha too.',
      remedy: 'Remove the others.',
    },
    'zh-CN': { says: '{name} 在此处出现多次；以最后一次为准，Piranha 也是如此。', remedy: '请删除其余各行。' },
  },
  'lvscf-not-a-number': {
    en: { says: '{name} needs a whole number; {value} is none.', remedy: 'Write a whole number.' },
    'zh-CN': { says: '{name} 需要整数；{value} 不是整数。', remedy: '请填写整数。' },
  },
  'lvscf-octal': {
    en: {
      says: '{name} begins with 0 and is read as octal: {value} means {meaning}.',
      remedy: 'Write {meaning}, or the number meant without the leading 0.',
    },
    'zh-CN': {
      says: '{name} 以 0 开头，按八进制读取：{value} 表示 {meaning}。',
      remedy: '请写 {meaning}，或去掉前导 0 写出本来的数字。',
    },
  },
  'lvscf-out-of-range': {
    en: {
      says: '{name} = {value} is out of range; {min} to {max} are possible.',
      remedy: 'Choose a value within the range.',
    },
    'zh-CN': { says: '{name} = {value} 超出范围；可取 {min} 到 {max}。', remedy: '请选择范围内的值。' },
  },
  'lvscf-not-a-switch': {
    en: { says: '{name} needs 0 or 1, not {value}.', remedy: 'Write 0 or 1.' },
    'zh-CN': { says: '{name} 只能为 0 或 1，不能为 {value}。', remedy: '请填写 0 或 1。' },
  },
  'lvscf-not-a-port': {
    en: {
      says: '{name} needs a port number or a service name; {value} is neither.',
      remedy: 'Write a number from 1 to 65535.',
    },
    'zh-CN': { says: '{name} 需要端口号或服务名；{value} 两者都不是。', remedy: '请填写 1 到 65535 之间的数字。' },
  },
  'lvscf-not-a-choice': {
    en: { says: '{name} cannot be {value}.', remedy: 'Choose one of: {choices}.' },
    'zh-CN': { says: '{name} 不能为 {value}。', remedy: '可选值：{choices}。' },
  },
  'lvscf-address-ipv6': {
    en: {
      says: '{name} = {value} is an IPv6 address; lvs.cf has only IPv4 here.',
      remedy: 'Write an IPv4 address. IPv6 addresses of virtual and real servers go into `# shoal: address6 = …`.',
    },
    'zh-CN': {
      says: '{name} = {value} 是 IPv6 地址；lvs.cf 此处只支持 IPv4。',
      remedy: '请填写 IPv4 地址。虚拟服务和真实服务器的 IPv6 地址请写入 `# shoal: address6 = …`。',
    },
  },
  'lvscf-not-ipv6': {
    en: {
      says: '{name} needs an IPv6 address that a service can have; {value} is none.',
      remedy:
        'Write it as `2001:db8::27`; that of a virtual server also with prefix length and interface: `2001:db8::27/64 eth0`.',
    },
    'zh-CN': {
      says: '{name} 需要可用于服务的 IPv6 地址；{value} 不是。',
      remedy: '请写成 `2001:db8::27`；虚拟服务的地址还可带前缀长度和接口：`2001:db8::27/64 eth0`。',
    },
  },
  'lvscf-address6-no-servers': {
    en: {
      says: '{name} has an IPv6 address and no active real server that has one: nobody serves it over IPv6.',
      remedy: 'Give its real servers `# shoal: address6 = …`, or remove that of the virtual server.',
    },
    'zh-CN': {
      says: '{name} 有 IPv6 地址，但没有一台活动的真实服务器有：IPv6 无人服务。',
      remedy: '请为其真实服务器设置 `# shoal: address6 = …`，或删除虚拟服务的该行。',
    },
  },
  'lvscf-address6-missing': {
    en: {
      says: 'This real server has no IPv6 address and does not serve {address}.',
      remedy: 'Add `# shoal: address6 = …` if it is meant to.',
    },
    'zh-CN': {
      says: '该真实服务器没有 IPv6 地址，不为 {address} 提供服务。',
      remedy: '如需提供，请添加 `# shoal: address6 = …`。',
    },
  },
  'lvscf-address6-unused': {
    en: {
      says: '{name} has no effect: the virtual server has no address6.',
      remedy: 'Give the virtual server `# shoal: address6 = ADDRESS/PREFIX`, or remove this line.',
    },
    'zh-CN': {
      says: '{name} 不起作用：该虚拟服务没有 address6。',
      remedy: '请为虚拟服务设置 `# shoal: address6 = 地址/前缀`，或删除此行。',
    },
  },
  'lvscf-nat-router6-missing': {
    en: {
      says: 'With NAT the answers of the real servers go back through the active director; for IPv6 there is no address that moves with it.',
      remedy: 'Add `# shoal: nat_router6 = ADDRESS/PREFIX INTERFACE` and make it the IPv6 gateway of the real servers.',
    },
    'zh-CN': {
      says: 'NAT 模式下真实服务器的应答经主用调度器返回；IPv6 没有随其移动的地址。',
      remedy: '请添加 `# shoal: nat_router6 = 地址/前缀 接口`，并将其设为真实服务器的 IPv6 网关。',
    },
  },
  'lvscf-host-name': {
    en: {
      says: '{name} = {value} is a host name; Shoal runs with addresses only, so that a failing name service cannot stop a failover.',
      remedy: 'Write the IPv4 address.',
    },
    'zh-CN': {
      says: '{name} = {value} 是主机名；Shoal 只使用地址，以免域名服务故障影响切换。',
      remedy: '请填写 IPv4 地址。',
    },
  },
  'lvscf-heartbeat-path': {
    en: {
      says: 'heartbeat_paths: `{value}` is not a path: two different addresses of one family, that of the first director first, and none of another path.',
      remedy: 'Write pairs separated by commas: `10.8.0.1 10.8.0.2, fd00::1 fd00::2`.',
    },
    'zh-CN': {
      says: 'heartbeat_paths：`{value}` 不是一条路径：应为同一地址族的两个不同地址，第一台调度器的地址在前，且未用于其他路径。',
      remedy: '请写成以逗号分隔的地址对：`10.8.0.1 10.8.0.2, fd00::1 fd00::2`。',
    },
  },
  'lvscf-metrics-listen': {
    en: {
      says: 'metrics_listen = {value} is not an address and a port.',
      remedy: 'Write an IPv4 address and a port as 10.0.0.1:9539, or 0.0.0.0:9539 for every interface.',
    },
    'zh-CN': {
      says: 'metrics_listen = {value} 不是地址和端口。',
      remedy: '请写成 10.0.0.1:9539 的形式；所有接口用 0.0.0.0:9539。',
    },
  },
  'lvscf-not-an-address': {
    en: {
      says: '{name} = {value} is not an IPv4 address.',
      remedy: 'Write four numbers from 0 to 255, separated by dots.',
    },
    'zh-CN': { says: '{name} = {value} 不是 IPv4 地址。', remedy: '请填写以点分隔的四个 0 到 255 的数字。' },
  },
  'lvscf-address-form': {
    en: { says: '{name} = {value} is read as {meaning}.', remedy: 'Write {meaning}, so that everyone reads it alike.' },
    'zh-CN': { says: '{name} = {value} 会被读作 {meaning}。', remedy: '请直接写 {meaning}，避免误解。' },
  },
  'lvscf-address-zero': {
    en: { says: '{name} is missing or 0.0.0.0.', remedy: 'Write the address.' },
    'zh-CN': { says: '{name} 缺失或为 0.0.0.0。', remedy: '请填写地址。' },
  },
  'lvscf-not-a-mask': {
    en: { says: '{name} = {value} is not a netmask.', remedy: 'Write it with dots, for example 255.255.255.0.' },
    'zh-CN': { says: '{name} = {value} 不是子网掩码。', remedy: '请用点分形式填写，例如 255.255.255.0。' },
  },
  'lvscf-mask-gaps': {
    en: {
      says: 'The netmask {value} of {name} has gaps.',
      remedy: 'Write a contiguous netmask, for example 255.255.255.0.',
    },
    'zh-CN': { says: '{name} 的子网掩码 {value} 不连续。', remedy: '请填写连续的掩码，例如 255.255.255.0。' },
  },
  'lvscf-device-missing': {
    en: {
      says: '{name} has no device; Piranha refuses the file.',
      remedy: 'Write the device behind the address, for example `eth0:1`.',
    },
    'zh-CN': { says: '{name} 没有网络设备；Piranha 会拒绝该文件。', remedy: '请在地址之后写上设备，例如 `eth0:1`。' },
  },
  'lvscf-device-name': {
    en: {
      says: '{value} cannot be the name of a network device; it has at most {max} characters and no slash.',
      remedy: 'Write the device as the director names it, for example `eth0:1`.',
    },
    'zh-CN': {
      says: '{value} 不能作为网络设备名；最多 {max} 个字符，且不含斜杠。',
      remedy: '请填写调度器上的设备名，例如 `eth0:1`。',
    },
  },
  'lvscf-device-without-label': {
    en: {
      says: 'The device {value} of {name} has no alias label; Piranha would give the device itself this address and take it down with it.',
      remedy: 'Add a label, for example `{value}:1`.',
    },
    'zh-CN': {
      says: '{name} 的设备 {value} 没有别名标签；Piranha 会直接改用该设备的地址，并在停止时关闭它。',
      remedy: '请加上标签，例如 `{value}:1`。',
    },
  },
  'lvscf-primary-missing': {
    en: {
      says: 'The address of the first director (primary) is missing; no director knows its role.',
      remedy: 'Write primary with the public address of the first director.',
    },
    'zh-CN': {
      says: '缺少第一台负载调度器的地址（primary）；调度器无法判断自己的角色。',
      remedy: '请用 primary 写出第一台负载调度器的公网地址。',
    },
  },
  'lvscf-backup-missing': {
    en: {
      says: 'backup_active is 1, but no second director is given; there will be no failover.',
      remedy: 'Write backup with the public address of the second director, or set backup_active to 0.',
    },
    'zh-CN': {
      says: 'backup_active 为 1，但没有指定第二台负载调度器；不会发生故障切换。',
      remedy: '请用 backup 写出第二台负载调度器的公网地址，或将 backup_active 设为 0。',
    },
  },
  'lvscf-backup-inactive': {
    en: {
      says: 'The second director {backup} is given, but backup_active is 0; it does not take over.',
      remedy: 'Set backup_active to 1 for failover.',
    },
    'zh-CN': {
      says: '已指定第二台负载调度器 {backup}，但 backup_active 为 0；它不会接管。',
      remedy: '如需故障切换，请将 backup_active 设为 1。',
    },
  },
  'lvscf-directors-equal': {
    en: {
      says: 'Both directors have the address {address}.',
      remedy: 'Write the address of the second director in backup.',
    },
    'zh-CN': { says: '两台负载调度器的地址都是 {address}。', remedy: '请在 backup 中填写第二台负载调度器的地址。' },
  },
  'lvscf-private-half': {
    en: {
      says: '{name} is given without {other}; the second heartbeat path is not used.',
      remedy: 'Write {other} too, or remove {name}.',
    },
    'zh-CN': {
      says: '只写了 {name} 而没有 {other}；第二条心跳路径不会使用。',
      remedy: '请同时写出 {other}，或删除 {name}。',
    },
  },
  'lvscf-deadtime-short': {
    en: {
      says: 'The deadtime of {deadtime} ms is not above the heartbeat interval of {keepalive} ms; the directors would take over from each other all the time.',
      remedy: 'Choose a deadtime of at least three intervals.',
    },
    'zh-CN': {
      says: '失效判定时间 {deadtime} 毫秒不大于心跳间隔 {keepalive} 毫秒；两台调度器会不断互相接管。',
      remedy: '失效判定时间至少应为心跳间隔的三倍。',
    },
  },
  'lvscf-deadtime-tight': {
    en: {
      says: 'The deadtime of {deadtime} ms leaves room for one lost heartbeat at most (interval {keepalive} ms).',
      remedy: 'Choose a deadtime of at least three intervals.',
    },
    'zh-CN': {
      says: '失效判定时间 {deadtime} 毫秒至多容许丢失一次心跳（间隔 {keepalive} 毫秒）。',
      remedy: '失效判定时间至少应为心跳间隔的三倍。',
    },
  },
  'lvscf-nat-router-missing': {
    en: {
      says: 'The network is nat, but nat_router is missing; the real servers have no gateway that moves with the active director.',
      remedy: 'Write nat_router with the gateway address of the real servers and its device.',
    },
    'zh-CN': {
      says: '网络类型为 nat，但缺少 nat_router；真实服务器没有随活动调度器移动的网关。',
      remedy: '请用 nat_router 写出真实服务器的网关地址及其设备。',
    },
  },
  'lvscf-nat-router-unused': {
    en: {
      says: 'nat_router has no effect while the network is {network}.',
      remedy: 'Remove it, or keep it for a later change to nat.',
    },
    'zh-CN': { says: '网络类型为 {network} 时 nat_router 不起作用。', remedy: '可以删除，或留待以后改用 nat。' },
  },
  'lvscf-nat-router-taken': {
    en: {
      says: 'nat_router {address} is an address of {name}; the gateway of the real servers moves between the directors and can be nobody’s own.',
      remedy: 'Choose an address of the inside network that no host has.',
    },
    'zh-CN': {
      says: 'nat_router {address} 是 {name} 的地址；真实服务器的网关在调度器之间移动，不能是任何主机自身的地址。',
      remedy: '请在内部网络中选择没有主机使用的地址。',
    },
  },
  'lvscf-nat-router-unreachable': {
    en: {
      says: 'Neither address of the {name} director is in the network of nat_router, {network}; it could hold {address}, but the real servers would not reach it.',
      remedy: 'Check nat_router, nat_nmask and the private address of the director.',
    },
    'zh-CN': {
      says: '{name} 调度器的两个地址都不在 nat_router 的网络 {network} 中；它可以持有 {address}，但真实服务器无法到达。',
      remedy: '请检查 nat_router、nat_nmask 以及该调度器的内部地址。',
    },
  },
  'lvscf-mark-without-persistent': {
    en: {
      says: 'The service is every packet with the firewall mark {mark}, often of several ports; without persistent, connections of one client to different ports reach different real servers.',
      remedy: 'Write persistent where the ports belong together; both directors set the mark themselves.',
    },
    'zh-CN': {
      says: '该服务包含带防火墙标记 {mark} 的所有数据包，往往涉及多个端口；没有 persistent 时，同一客户端到不同端口的连接会到达不同的真实服务器。',
      remedy: '若这些端口属于同一服务，请写出 persistent；标记由两台调度器自行设置。',
    },
  },
  'lvscf-server-outside-nat': {
    en: {
      says: 'The real server {name} ({address}) is not in the network of nat_router, {network}; its answers may not come back through the director.',
      remedy: 'Check the address and the route of the real server.',
    },
    'zh-CN': {
      says: '真实服务器 {name}（{address}）不在 nat_router 的网络 {network} 中；其应答可能不会经由调度器返回。',
      remedy: '请检查该真实服务器的地址和路由。',
    },
  },
  'lvscf-sync-id': {
    en: { says: 'syncd_id = {value} is not within 0 to 255; {meaning} is used.', remedy: 'Write {meaning}.' },
    'zh-CN': { says: 'syncd_id = {value} 不在 0 到 255 之内；实际使用 {meaning}。', remedy: '请写 {meaning}。' },
  },
  'lvscf-fos': {
    en: {
      says: 'service = fos runs failover services, which Shoal does not run.',
      remedy: 'Set service to lvs and describe the service as virtual server.',
    },
    'zh-CN': {
      says: 'service = fos 表示运行故障切换服务，Shoal 不支持。',
      remedy: '请将 service 设为 lvs，并把服务写成虚拟服务。',
    },
  },
  'lvscf-failover-block': {
    en: {
      says: 'The failover service {name} is kept in the file; Shoal does not run it.',
      remedy: 'Describe it as virtual server if it shall be served.',
    },
    'zh-CN': {
      says: '故障切换服务 {name} 会保留在文件中，但 Shoal 不运行它。',
      remedy: '如需提供该服务，请把它写成虚拟服务。',
    },
  },
  'lvscf-not-run': {
    en: {
      says: '{name} is kept in the file; Shoal does not run this command.',
      remedy: 'Look at the history or the notifications for changes of role.',
    },
    'zh-CN': { says: '{name} 会保留在文件中，但 Shoal 不运行该命令。', remedy: '角色变化请查看历史记录或通知。' },
  },
  'lvscf-nothing-active': {
    en: {
      says: 'No virtual server is active; nothing is served, and Piranha does not start.',
      remedy: 'Set active = 1 in a virtual server.',
    },
    'zh-CN': {
      says: '没有启用的虚拟服务；不会提供任何服务，Piranha 也不会启动。',
      remedy: '请在某个虚拟服务中设置 active = 1。',
    },
  },
  'lvscf-scheduler-newer': {
    en: {
      says: "The scheduler {value} exists in today's kernels, but Piranha refuses the file.",
      remedy: 'Keep it if no director runs Piranha any more.',
    },
    'zh-CN': {
      says: '调度算法 {value} 存在于当今内核中，但 Piranha 会拒绝该文件。',
      remedy: '如果已没有运行 Piranha 的调度器，可以保留。',
    },
  },
  'lvscf-scheduler-unknown': {
    en: { says: 'The scheduler {value} is not known.', remedy: 'Choose one of: {choices}.' },
    'zh-CN': { says: '没有名为 {value} 的调度算法。', remedy: '可选值：{choices}。' },
  },
  'lvscf-persistent-hash': {
    en: {
      says: 'With the scheduler {scheduler} a client already keeps its real server; persistence adds little to it.',
      remedy: 'Drop persistent, or choose another scheduler.',
    },
    'zh-CN': {
      says: '使用调度算法 {scheduler} 时客户端本来就固定到同一真实服务器；再设会话保持作用不大。',
      remedy: '请去掉 persistent，或选择其他调度算法。',
    },
  },
  'lvscf-pmask-ignored': {
    en: {
      says: 'pmask = {value} is not a netmask; Piranha ignores it without a message, and so does Shoal.',
      remedy: 'Write it with dots, for example 255.255.255.0, or remove the line.',
    },
    'zh-CN': {
      says: 'pmask = {value} 不是子网掩码；Piranha 会静默忽略，Shoal 也忽略。',
      remedy: '请用点分形式填写，例如 255.255.255.0，或删除该行。',
    },
  },
  'lvscf-pmask-unused': {
    en: { says: 'pmask has no effect without persistent.', remedy: 'Set persistent, or remove pmask.' },
    'zh-CN': { says: '没有 persistent 时 pmask 不起作用。', remedy: '请设置 persistent，或删除 pmask。' },
  },
  'lvscf-server-twice': {
    en: {
      says: 'The real server {address} is listed twice in this virtual server.',
      remedy: 'Remove one of the two; a higher weight gives it more work.',
    },
    'zh-CN': {
      says: '真实服务器 {address} 在该虚拟服务中出现了两次。',
      remedy: '请删除其中一个；提高权重可让它承担更多。',
    },
  },
  'lvscf-no-real-servers': {
    en: {
      says: 'The virtual server {name} is active and has no active real server.',
      remedy: 'Add a real server with active = 1.',
    },
    'zh-CN': {
      says: '虚拟服务 {name} 已启用，但没有启用的真实服务器。',
      remedy: '请添加一台 active = 1 的真实服务器。',
    },
  },
  'lvscf-weights-zero': {
    en: {
      says: 'Every active real server of {name} has weight 0; new connections are refused.',
      remedy: 'Give at least one real server a weight of 1 or more.',
    },
    'zh-CN': {
      says: '{name} 的所有启用的真实服务器权重都为 0；新连接会被拒绝。',
      remedy: '请至少给一台真实服务器设置 1 以上的权重。',
    },
  },
  'lvscf-weight-zero': {
    en: {
      says: 'The real server {name} has weight 0 and takes no new connections. Piranha gives it weight 1 all the same.',
      remedy: 'Keep it to drain the real server, else give it a weight.',
    },
    'zh-CN': {
      says: '真实服务器 {name} 权重为 0，不接收新连接；而 Piranha 仍会给它权重 1。',
      remedy: '若要排空该服务器可保留，否则请设置权重。',
    },
  },
  'lvscf-port-differs': {
    en: {
      says: 'The real server has port {port}, the virtual server {virtual}; with direct routing and tunnels packets arrive at port {virtual}.',
      remedy: 'Remove the port of the real server, or use network = nat.',
    },
    'zh-CN': {
      says: '真实服务器端口为 {port}，虚拟服务端口为 {virtual}；在直接路由和隧道方式下，数据包到达的是端口 {virtual}。',
      remedy: '请删除真实服务器的端口，或使用 network = nat。',
    },
  },
  'lvscf-escape-unknown': {
    en: {
      says: '{name} contains the escape {escape}, which is none; Shoal takes it literally, while the nanny of Piranha hangs on it and the service cannot be stopped.',
      remedy: 'Write a literal backslash as \\\\.',
    },
    'zh-CN': {
      says: '{name} 中的转义 {escape} 无效；Shoal 按原样处理，而 Piranha 的 nanny 会因此卡死，服务无法停止。',
      remedy: '字面的反斜杠请写成 \\\\。',
    },
  },
  'lvscf-regex-broken': {
    en: {
      says: 'expect = {value} is not a valid regular expression; the real servers would never be up.',
      remedy: 'Correct the expression, or set use_regex to 0.',
    },
    'zh-CN': {
      says: 'expect = {value} 不是有效的正则表达式；真实服务器将始终不可用。',
      remedy: '请更正表达式，或将 use_regex 设为 0。',
    },
  },
  'lvscf-program-without-expect': {
    en: {
      says: 'send_program is given without expect; Piranha then counts every real server as down, Shoal goes by the exit status.',
      remedy: 'Write expect with the line the program prints.',
    },
    'zh-CN': {
      says: '有 send_program 而没有 expect；Piranha 会把所有真实服务器视为失效，Shoal 则以退出状态为准。',
      remedy: '请用 expect 写出程序输出的内容。',
    },
  },
  'lvscf-udp-unchecked': {
    en: {
      says: 'This UDP service is checked without waiting for an answer; a real server counts as up unless its host refuses. The nanny of Piranha crashes on an answer.',
      remedy: 'Write send and expect, or send_program.',
    },
    'zh-CN': {
      says: '该 UDP 服务的检查不等待应答；除非主机拒绝，真实服务器一律视为可用。Piranha 的 nanny 收到应答会崩溃。',
      remedy: '请写出 send 与 expect，或 send_program。',
    },
  },
  'lvscf-expect-without-send': {
    en: {
      says: 'An answer is expected on port {port}/{protocol}, but nothing is sent; such a service answers only when asked.',
      remedy: 'Write send.',
    },
    'zh-CN': {
      says: '在端口 {port}/{protocol} 上期待应答，却没有发送任何内容；此类服务只在被请求时应答。',
      remedy: '请写出 send。',
    },
  },
  'lvscf-vip-is-director': {
    en: {
      says: 'The virtual IP {address} is the address of a director ({name}); it would go down with the service.',
      remedy: 'Choose an address that no host has.',
    },
    'zh-CN': {
      says: '虚拟 IP {address} 是负载调度器自身的地址（{name}）；它会随服务一起被撤下。',
      remedy: '请选择没有主机使用的地址。',
    },
  },
  'lvscf-vip-is-server': {
    en: {
      says: 'The virtual IP {address} is the address of the real server {name}.',
      remedy: 'Choose an address that no host has.',
    },
    'zh-CN': { says: '虚拟 IP {address} 是真实服务器 {name} 的地址。', remedy: '请选择没有主机使用的地址。' },
  },
  'lvscf-vip-devices': {
    en: {
      says: 'The address {address} is also used by {other} with another device or netmask; Piranha uses the first one only.',
      remedy: 'Use the same device and netmask for the same address.',
    },
    'zh-CN': {
      says: '地址 {address} 也被 {other} 使用，但设备或掩码不同；Piranha 只采用第一个。',
      remedy: '相同的地址请使用相同的设备和掩码。',
    },
  },
  'lvscf-service-twice': {
    en: {
      says: '{service} is already served by {other}; the kernel takes it once only.',
      remedy: 'Choose another port or address, or deactivate one of the two.',
    },
    'zh-CN': {
      says: '{service} 已由 {other} 提供；内核只接受一次。',
      remedy: '请选择其他端口或地址，或停用其中一个。',
    },
  },
  'lvscf-mark-twice': {
    en: {
      says: 'The firewall mark {mark} is that of {other} too: the address and port given here join its service, and the real servers, scheduler and checks of {other} count.',
      remedy: 'Choose another mark where the two are to be served apart.',
    },
    'zh-CN': {
      says: '防火墙标记 {mark} 与 {other} 相同：此处的地址和端口并入其服务，以 {other} 的真实服务器、调度算法和检查为准。',
      remedy: '如需分开提供服务，请选择其他标记。',
    },
  },
  'lvscf-mark-ports-unused': {
    en: {
      says: 'mark_ports has no effect without fwmark.',
      remedy: 'Write fwmark with a number, or remove mark_ports.',
    },
    'zh-CN': { says: '没有 fwmark 时 mark_ports 不起作用。', remedy: '请设置 fwmark，或删除 mark_ports。' },
  },
  'lvscf-director-is-server': {
    en: {
      says: 'The address {address} is a director and also the real server {name}; a standby that is real server needs care with direct routing and tunnels.',
      remedy: 'Use separate hosts where you can.',
    },
    'zh-CN': {
      says: '地址 {address} 既是负载调度器又是真实服务器 {name}；在直接路由和隧道方式下，兼作真实服务器的备用机需要特别处理。',
      remedy: '如有可能请使用不同的主机。',
    },
  },
  'lvscf-port-order': {
    en: {
      says: 'The real server {name} stands before `port =` and has no port of its own; Piranha gives it port 80, Shoal {port}.',
      remedy: 'Move `port =` above the real servers.',
    },
    'zh-CN': {
      says: '真实服务器 {name} 位于 `port =` 之前且没有自己的端口；Piranha 给它端口 80，Shoal 给它 {port}。',
      remedy: '请把 `port =` 移到真实服务器之前。',
    },
  },
  'lvscf-piranha-refuses': {
    en: {
      says: 'Piranha refuses the file at line {line}: {reason}.',
      remedy: 'Correct the line if a director still runs Piranha.',
    },
    'zh-CN': { says: 'Piranha 在第 {line} 行拒绝该文件：{reason}。', remedy: '若仍有调度器运行 Piranha，请更正该行。' },
  },
  'lvscf-piranha-crashes': {
    en: {
      says: 'Piranha crashes while reading this file.',
      remedy: 'Correct the file if a director still runs Piranha.',
    },
    'zh-CN': { says: 'Piranha 读取该文件时会崩溃。', remedy: '若仍有调度器运行 Piranha，请更正该文件。' },
  },
  'lvscf-path-malformed': {
    en: {
      says: 'The assignment {assignment} does not have the form `global.name=value`, `virtual NAME.name=value` or `virtual NAME.server NAME.name=value`.',
      remedy: 'Write it in one of these forms; put names with dots or blanks in double quotes.',
    },
    'zh-CN': {
      says: '赋值 {assignment} 不符合 `global.名称=值`、`virtual 名称.名称=值` 或 `virtual 名称.server 名称.名称=值` 的格式。',
      remedy: '请按上述格式之一书写；含点或空格的名称请用双引号括起。',
    },
  },
  'lvscf-path-nothing': {
    en: { says: 'There is no {kind} {name} in the file.', remedy: 'Names in this file: {names}.' },
    'zh-CN': { says: '文件中没有 {kind} {name}。', remedy: '文件中的名称：{names}。' },
  },
  'lvscf-path-ambiguous': {
    en: {
      says: 'There are {count} of {kind} {name} in the file.',
      remedy: 'Give them different names first, or edit the file by hand.',
    },
    'zh-CN': { says: '文件中有 {count} 个 {kind} {name}。', remedy: '请先为它们取不同的名称，或手动编辑文件。' },
  },
  'lvscf-path-unknown': {
    en: { says: 'There is no directive {name} in {scope}.', remedy: 'Known are: {names}.' },
    'zh-CN': { says: '{scope} 中没有指令 {name}。', remedy: '可用的指令：{names}。' },
  },
  'lvscf-set-refused': {
    en: { says: '{name} cannot be set to {value}: {reason}', remedy: '{remedy}' },
    'zh-CN': { says: '{name} 不能设为 {value}：{reason}', remedy: '{remedy}' },
  },
  'lvscf-seen-own': {
    en: {
      says: 'Piranha does not know {name}: the line is a comment to it.',
      remedy: 'Nothing to do; directors that run Piranha go without it.',
    },
    'zh-CN': {
      says: 'Piranha 不认识 {name}，该行对它只是注释。',
      remedy: '无需处理；运行 Piranha 的调度器没有该功能。',
    },
  },
  'lvscf-seen-own-instead': {
    en: {
      says: 'Piranha does not know {name}: it runs with {native} = {value}.',
      remedy: 'Set {native} to a value that fits Piranha as well.',
    },
    'zh-CN': {
      says: 'Piranha 不认识 {name}：它使用 {native} = {value}。',
      remedy: '请同时为 Piranha 设置合适的 {native}。',
    },
  },
  'lvscf-seen-since': {
    en: {
      says: 'Piranha older than {since} does not know {name} and refuses the file.',
      remedy: 'Remove the line for older directors.',
    },
    'zh-CN': {
      says: '早于 {since} 的 Piranha 不认识 {name}，会拒绝该文件。',
      remedy: '用于较旧的调度器时请删除该行。',
    },
  },
  'lvscf-seen-keepalive-zero': {
    en: {
      says: 'With keepalive = 0 Piranha sends heartbeats without a pause and takes a whole processor.',
      remedy: 'Set keepalive to at least 1.',
    },
    'zh-CN': {
      says: 'keepalive = 0 时 Piranha 会不停发送心跳，占满一个处理器。',
      remedy: '请将 keepalive 设为至少 1。',
    },
  },
  'lvscf-seen-command': {
    en: {
      says: '{name} is split at single blanks and run without a shell; it needs an absolute path and at most {max} words.',
      remedy: 'Put the commands into a script and write its path.',
    },
    'zh-CN': {
      says: '{name} 按单个空格拆分，不经过 shell 运行；需要绝对路径且不超过 {max} 个词。',
      remedy: '请把命令写入脚本，并填写脚本路径。',
    },
  },
  'lvscf-seen-timeout-zero': {
    en: {
      says: 'With timeout = 0 the nanny of Piranha divides by zero and crashes; the whole service stops.',
      remedy: 'Set timeout to at least 1.',
    },
    'zh-CN': {
      says: 'timeout = 0 时 Piranha 的 nanny 会因除以零而崩溃，整个服务随之停止。',
      remedy: '请将 timeout 设为至少 1。',
    },
  },
  'lvscf-seen-persistent': {
    en: {
      says: 'persistent has more than {max} digits; lvsd of Piranha writes beyond its buffer.',
      remedy: 'Write a smaller number.',
    },
    'zh-CN': { says: 'persistent 超过 {max} 位数字；Piranha 的 lvsd 会写越缓冲区。', remedy: '请填写较小的数字。' },
  },
  'lvscf-seen-sorry': {
    en: {
      says: 'Piranha adds the sorry server at every start and removes it up to 5 s after the first real server is up; it comes back with the same delay.',
      remedy: 'Nothing to do; Shoal changes both in one step.',
    },
    'zh-CN': {
      says: 'Piranha 每次启动都会加入备用应答服务器，在第一台真实服务器可用后最多 5 秒才移除；再次加入也有同样延迟。',
      remedy: '无需处理；Shoal 会在同一步中完成切换。',
    },
  },
  'lvscf-seen-ruptime': {
    en: {
      says: 'The output of ruptime has no colon behind the word load; Piranha rejects it every time and the weights never change.',
      remedy: 'Use rup, or a program of your own.',
    },
    'zh-CN': {
      says: 'ruptime 的输出在 load 之后没有冒号；Piranha 每次都会拒绝，权重从不改变。',
      remedy: '请改用 rup 或自备程序。',
    },
  },
  'lvscf-seen-slow-start': {
    en: {
      says: 'In Piranha a real server of {name} starts with a 32nd of its weight (at least 1) and doubles every 20 s up to {weight}.',
      remedy: 'Nothing to do; Shoal gives the full weight at once.',
    },
    'zh-CN': {
      says: '在 Piranha 中，{name} 的真实服务器从权重的 1/32（至少 1）开始，每 20 秒加倍，直到 {weight}。',
      remedy: '无需处理；Shoal 立即使用全部权重。',
    },
  },
  'lvscf-seen-hard-shutdown': {
    en: {
      says: 'With hard_shutdown = 1, its default, the death of one nanny stops the whole service of Piranha; a director without a partner then never serves again by itself.',
      remedy: 'Set hard_shutdown = 0 for Piranha 0.8.6-7 and newer.',
    },
    'zh-CN': {
      says: 'hard_shutdown 默认为 1：任一 nanny 退出都会停止 Piranha 的整个服务；没有伙伴的调度器此后不会自行恢复。',
      remedy: '对 Piranha 0.8.6-7 及更新版本可设 hard_shutdown = 0。',
    },
  },
  'lvscf-seen-no-failback': {
    en: {
      says: 'Piranha never fails back: a first director that returns waits until the second one stops. A director that is stopped says no goodbye, so the other waits its whole deadtime.',
      remedy: 'Nothing to do; Shoal hands over without a gap.',
    },
    'zh-CN': {
      says: 'Piranha 从不切回：恢复的第一台调度器会一直等到第二台停止。正常停止时也不通知对方，对方要等满失效判定时间。',
      remedy: '无需处理；Shoal 会无间断地切换。',
    },
  },
  'lvscf-seen-program-failure': {
    en: {
      says: 'When send_program fails, is killed or is missing, Piranha counts the real server as up; when it takes longer than timeout, Piranha waits without limit.',
      remedy: 'Let the program print its verdict, and end by itself in time.',
    },
    'zh-CN': {
      says: 'send_program 失败、被终止或不存在时，Piranha 把真实服务器视为可用；运行超过 timeout 时会无限等待。',
      remedy: '请让程序输出判断结果，并按时自行结束。',
    },
  },
  'lvscf-seen-program-long': {
    en: {
      says: 'send_program has more than {bytes} bytes or {words} words; nanny writes beyond its buffers.',
      remedy: 'Put the command into a script.',
    },
    'zh-CN': {
      says: 'send_program 超过 {bytes} 字节或 {words} 个词；nanny 会写越缓冲区。',
      remedy: '请把命令写入脚本。',
    },
  },
  'lvscf-seen-program-words': {
    en: {
      says: 'send_program is split at single blanks; quotes, backslashes and double blanks have no meaning to Piranha.',
      remedy: 'Put the command into a script.',
    },
    'zh-CN': {
      says: 'send_program 按单个空格拆分；引号、反斜杠和连续空格对 Piranha 没有意义。',
      remedy: '请把命令写入脚本。',
    },
  },
  'lvscf-seen-program-token': {
    en: {
      says: 'Piranha replaces %h and %p only where they are a word of their own.',
      remedy: 'Put blanks around them.',
    },
    'zh-CN': { says: 'Piranha 只替换独立成词的 %h 和 %p。', remedy: '请在其前后加空格。' },
  },
  'lvscf-seen-program-exact': {
    en: {
      says: 'With send_program Piranha compares the whole output with expect; `*` and use_regex have no effect.',
      remedy: 'Write in expect exactly what the program prints, without its line end.',
    },
    'zh-CN': {
      says: '使用 send_program 时 Piranha 把全部输出与 expect 逐字比较；`*` 和 use_regex 不起作用。',
      remedy: '请在 expect 中写出程序输出的原文（不含换行）。',
    },
  },
  'lvscf-seen-expect-empty': {
    en: {
      says: 'With an empty expect Piranha waits for data or the end of the connection; a service that stays silent counts as down.',
      remedy: 'Write what the service answers, or remove expect.',
    },
    'zh-CN': {
      says: 'expect 为空时 Piranha 会等待数据或连接结束；保持静默的服务视为失效。',
      remedy: '请填写服务的应答，或删除 expect。',
    },
  },
  'lvscf-seen-one-read': {
    en: {
      says: 'Piranha reads once, as many bytes as expect has; an answer that arrives in several packets counts as too short.',
      remedy: 'Expect no more than the first bytes of the answer.',
    },
    'zh-CN': {
      says: 'Piranha 只读取一次，字节数与 expect 相同；分多个数据包到达的应答会被视为过短。',
      remedy: 'expect 请只写应答开头的少量字节。',
    },
  },
  'lvscf-seen-expect-long': {
    en: {
      says: 'Piranha looks at the first {bytes} bytes of expect and of the answer only.',
      remedy: 'Shorten the expression.',
    },
    'zh-CN': { says: 'Piranha 只看 expect 和应答的前 {bytes} 字节。', remedy: '请缩短表达式。' },
  },
  'lvscf-web-breaks': {
    en: {
      says: 'The web tool of Piranha breaks off at braces inside of values and leaves the file alone.',
      remedy: 'Nothing to do as long as nobody needs the web tool.',
    },
    'zh-CN': {
      says: 'Piranha 的网页工具遇到值中的花括号会中断，文件保持不变。',
      remedy: '如无人使用网页工具则无需处理。',
    },
  },
  'lvscf-web-comments': {
    en: {
      says: 'The web tool of Piranha would remove all {count} comments by showing a page.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': {
      says: 'Piranha 的网页工具只要打开页面就会删除全部 {count} 条注释。',
      remedy: '请勿用网页工具打开该文件。',
    },
  },
  'lvscf-web-loses': {
    en: {
      says: 'The web tool of Piranha would remove {name} by showing a page.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': { says: 'Piranha 的网页工具只要打开页面就会删除 {name}。', remedy: '请勿用网页工具打开该文件。' },
  },
  'lvscf-web-changes': {
    en: {
      says: 'The web tool of Piranha would change {name} from {before} to {after} by showing a page.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': {
      says: 'Piranha 的网页工具只要打开页面就会把 {name} 从 {before} 改为 {after}。',
      remedy: '请勿用网页工具打开该文件。',
    },
  },
  'lvscf-web-block': {
    en: {
      says: 'The web tool of Piranha would have {after} in place of {kind} {name} by showing a page.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': {
      says: 'Piranha 的网页工具只要打开页面，{kind} {name} 处就会变成 {after}。',
      remedy: '请勿用网页工具打开该文件。',
    },
  },
  'lvscf-web-more': {
    en: {
      says: 'The web tool of Piranha would add {count} {kind} blocks by showing a page.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': {
      says: 'Piranha 的网页工具只要打开页面就会多出 {count} 个 {kind} 区块。',
      remedy: '请勿用网页工具打开该文件。',
    },
  },
  'lvscf-web-refused': {
    en: {
      says: 'After a page was shown in the web tool of Piranha, its daemons would refuse the file at line {line}: {reason}.',
      remedy: 'Do not open the file with the web tool.',
    },
    'zh-CN': {
      says: '在 Piranha 网页工具中打开页面之后，其守护进程会在第 {line} 行拒绝该文件：{reason}。',
      remedy: '请勿用网页工具打开该文件。',
    },
  },
} as const satisfies Record<string, Entry>

export type LvscfCode = keyof typeof lvscfSpeech
