/** The command `shoal`: lvs.cf files on the command line, and the application in a browser. */
import { Command } from 'commander'
import { version } from '../core/version.ts'
import { addLvscfCommands } from './lvscf/command.ts'
import { addConvertCommand } from './neighbours/command.ts'
import { addServeCommands } from './serve/command.ts'

const program = new Command('shoal')
  .description('Shoal: a cluster manager for Linux Virtual Server')
  .version(version)
  .showHelpAfterError()
addLvscfCommands(program)
addConvertCommand(program)
addServeCommands(program, version)
await program.parseAsync()
