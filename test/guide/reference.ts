/**
 * The reference of the user guide, made from the tables the program itself uses: directives, commands, problems. `npm run guide` writes
 * resources/guide/<language>/reference.md; a test says when it is no longer what the program does.
 */
import { Command } from 'commander'
import { commands as agentCommands } from '../../agent/console-help.ts'
import { addLvscfCommands } from '../../cli/lvscf/command.ts'
import { addConvertCommand } from '../../cli/neighbours/command.ts'
import { addServeCommands } from '../../cli/serve/command.ts'
import { directives } from '../../domain/lvscf/directives.ts'
import type { Directive } from '../../domain/lvscf/directives.ts'
import { languages, spoken } from '../../domain/speech/speech.ts'
import type { Language } from '../../domain/speech/speech.ts'

const words = {
  en: {
    title: 'Reference',
    made: 'Made from the program by `npm run guide`; changes belong into the tables it is made from.',
    directives: 'Directives of lvs.cf',
    directivesAbout:
      "Piranha's directives keep their meaning. What Piranha has no word for is a comment in the same block, `# shoal: name = value`: the original skips it, so every file Shoal writes is a valid Piranha file.",
    scopes: { global: 'For the whole cluster', virtual: 'In a virtual server', server: 'In a real server' },
    own: "Shoal's own",
    name: 'Directive',
    value: 'Value',
    absent: 'When absent',
    meaning: 'Meaning',
    none: '—',
    since: 'Piranha {since} and later',
    unused: 'not used by Shoal',
    kinds: 'with check {kinds}',
    command: 'The command `shoal`',
    console: 'The command `shoal-agent` on a director',
    problems: 'Problems',
    problemsAbout: 'Every problem Shoal reports has a code; `{…}` stands for a fact of the case.',
    code: 'Code',
    says: 'What it says',
    remedy: 'What to do',
  },
  'zh-CN': {
    title: '参考',
    made: '由 `npm run guide` 从程序生成；修改应写入其来源表格。',
    directives: 'lvs.cf 指令',
    directivesAbout:
      'Piranha 的指令保持原意。Piranha 没有的内容写成同一区块中的注释 `# shoal: 名称 = 值`：原程序会跳过它，因此 Shoal 写出的每个文件都是有效的 Piranha 文件。',
    scopes: { global: '用于整个集群', virtual: '用于虚拟服务', server: '用于真实服务器' },
    own: 'Shoal 自有',
    name: '指令',
    value: '值',
    absent: '缺省时',
    meaning: '含义',
    none: '—',
    since: 'Piranha {since} 起',
    unused: 'Shoal 不使用',
    kinds: '用于检查 {kinds}',
    command: '命令 `shoal`',
    console: '调度器上的命令 `shoal-agent`',
    problems: '问题',
    problemsAbout: 'Shoal 报告的每个问题都有代码；`{…}` 代表具体情况中的事实。',
    code: '代码',
    says: '说明',
    remedy: '处理办法',
  },
} as const satisfies Record<Language, object>

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ')
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

function valueOf({ type, choices, unit }: Directive): string {
  const values = choices ? choices.map((choice) => `\`${choice}\``).join(' ') : type
  return unit ? `${values} (${unit})` : values
}

function directiveRow(directive: Directive, language: Language): string {
  const say = words[language]
  const remarks = [
    ...(directive.since ? [say.since.replace('{since}', directive.since)] : []),
    ...(directive.unused ? [say.unused] : []),
    ...(directive.kinds ? [say.kinds.replace('{kinds}', directive.kinds.join(', '))] : []),
  ]
  return row(
    directive.shoal ? `\`# shoal: ${directive.name}\`` : `\`${directive.name}\``,
    valueOf(directive),
    directive.default === undefined ? say.none : `\`${directive.default}\``,
    `${directive.doc[language]}${remarks.length > 0 ? ` (${remarks.join('; ')})` : ''}`,
  )
}

function directiveTables(language: Language): readonly string[] {
  const say = words[language]
  return (['global', 'virtual', 'server'] as const).flatMap((scope) => {
    const here = directives.filter((directive) => directive.scope === scope && !directive.refused)
    return [
      `### ${say.scopes[scope]}`,
      '',
      row(say.name, say.value, say.absent, say.meaning),
      '|---|---|---|---|',
      ...[...here.filter(({ shoal }) => !shoal), ...here.filter(({ shoal }) => shoal)].map((directive) =>
        directiveRow(directive, language),
      ),
      '',
    ]
  })
}

/** The command line as it explains itself. */
function shoalHelp(): string {
  const program = new Command('shoal')
  addLvscfCommands(program)
  addConvertCommand(program)
  addServeCommands(program, '')
  return program.commands
    .map((command) => command.configureHelp({ helpWidth: 100 }).helpInformation().trimEnd())
    .join('\n\n')
}

function consoleHelp(): string {
  return Object.values(agentCommands)
    .map(({ usage, brief, text }) =>
      [`shoal-agent ${usage}`, `    ${brief}`, ...text.split('\n').map((l) => `    ${l}`)].join('\n'),
    )
    .join('\n\n')
}

/** The whole reference in a language, as Markdown. */
export function reference(language: Language): string {
  const say = words[language]
  return [
    `# ${say.title}`,
    '',
    say.made,
    '',
    `## ${say.directives}`,
    '',
    say.directivesAbout,
    '',
    ...directiveTables(language),
    `## ${say.command}`,
    '',
    '```text',
    shoalHelp(),
    '```',
    '',
    `## ${say.console}`,
    '',
    '```text',
    consoleHelp(),
    '```',
    '',
    `## ${say.problems}`,
    '',
    say.problemsAbout,
    '',
    row(say.code, say.says, say.remedy),
    '|---|---|---|',
    ...[...spoken]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, entry]) => row(`\`${code}\``, entry[language].says, entry[language].remedy)),
    '',
  ].join('\n')
}

export const referenceFiles = languages.map((language) => ({
  file: `resources/guide/${language}/reference.md`,
  language,
}))
