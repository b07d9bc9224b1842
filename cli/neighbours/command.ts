/** `shoal convert` as the command line knows it. What it does is loaded only when it runs. */
import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import { formats } from '../../domain/neighbours/convert.ts'
import type { ConvertOptions } from './convert.ts'

function routerId(text: string): number {
  const id = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (id < 1 || id > 255) throw new InvalidArgumentError('A virtual_router_id is a number from 1 to 255.')
  return id
}

/** Adds the command. */
export function addConvertCommand(program: Command): void {
  program
    .command('convert')
    .description(
      'convert an lvs.cf from or to keepalived.conf, ldirectord.cf or an ipvsadm table, and say what is lost ' +
        '(exit status: 0 nothing, 1 something was lost or approximated, 2 no conversion)',
    )
    .argument('<file>', '- is standard input')
    .addOption(new Option('--from <format>', 'the file is of this format; lvs.cf comes out').choices(formats))
    .addOption(new Option('--to <format>', 'the file is an lvs.cf; this format comes out').choices(formats))
    .option(
      '-o, --output <path>',
      'write there instead of to standard output; a folder takes the files of both directors',
    )
    .addOption(
      new Option('--director <which>', 'keepalived: for which director')
        .choices(['primary', 'backup'])
        .default('primary'),
    )
    .option('--virtual-router-id <number>', 'keepalived: the virtual_router_id', routerId)
    .option('--json', 'print JSON: the files and the report')
    .action(async (file: string, options: ConvertOptions) => {
      const { convertFile } = await import('./convert.ts')
      process.exitCode = await convertFile(file, options)
    })
}
