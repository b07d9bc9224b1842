/** `shoal check`, `set`, `diff` and `show` as the command line knows them. What they do is loaded only when one of them runs. */
import { Option } from 'commander'
import type { Command } from 'commander'
import type { CheckOptions } from './check.ts'
import type { DiffOptions } from './diff.ts'
import type { SetOptions } from './set.ts'
import type { ShowOptions } from './show.ts'

/** Adds the commands for lvs.cf files. */
export function addLvscfCommands(program: Command): void {
  program
    .command('check')
    .description('say what is wrong with lvs.cf files (exit status: 0 nothing, 1 problems, 2 a file cannot be read)')
    .argument('<file...>', 'files; - is standard input')
    .option('--json', 'print JSON: one object, or a list for several files')
    .addOption(new Option('--as <reader>', "read as the original's daemons do").choices(['piranha']))
    .action(async (files: readonly string[], options: CheckOptions) => {
      const { checkFiles } = await import('./check.ts')
      process.exitCode = await checkFiles(files, options)
    })
  program
    .command('set')
    .description('change values of an lvs.cf file in place, and nothing else')
    .argument('<file>')
    .argument(
      '<assignment...>',
      "'global.deadtime=18', 'virtual web.scheduler=wrr', 'virtual web.server rs1.weight=2', 'global.shoal.keepalive_ms=200'",
    )
    .option('--dry-run', 'print the change instead of making it')
    .option('--json', 'print JSON')
    .action(async (file: string, assignments: readonly string[], options: SetOptions) => {
      const { setValues } = await import('./set.ts')
      process.exitCode = await setValues(file, assignments, options)
    })
  program
    .command('diff')
    .description(
      'compare two lvs.cf files by what they mean (exit status as diff: 0 the same, 1 differences, 2 trouble)',
    )
    .argument('<before>')
    .argument('<after>')
    .option('--json', 'print JSON')
    .action(async (before: string, after: string, options: DiffOptions) => {
      const { diffFiles } = await import('./diff.ts')
      process.exitCode = await diffFiles(before, after, options)
    })
  program
    .command('show')
    .description('show an lvs.cf file as Shoal understands it')
    .argument('<file>', '- is standard input')
    .option('--json', 'print JSON')
    .addOption(
      new Option('--plan <tool>', 'print the commands that build its table in the kernel')
        .choices(['ipvsadm'])
        .conflicts('json'),
    )
    .action(async (file: string, options: ShowOptions & { readonly plan?: string }) => {
      if (options.plan !== undefined) {
        const { showPlan } = await import('./plan.ts')
        process.exitCode = await showPlan(file)
        return
      }
      const { showFile } = await import('./show.ts')
      process.exitCode = await showFile(file, options)
    })
}
