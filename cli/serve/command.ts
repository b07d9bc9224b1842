/** `shoal serve` and `shoal passwd` as the command line knows them. What they do is loaded only when one of them runs. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import type { ServeOptions } from './run.ts'

/** The port of Piranha's web tool. */
const defaultPort = 3636

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65535)) throw new InvalidArgumentError('A port is a number from 0 to 65535 (0 takes a free one).')
  return port
}

const oneMore = (name: string, before: readonly string[]): readonly string[] => [...before, name]

/** Adds both commands. `version` is Shoal's own. */
export function addServeCommands(program: Command, version: string): void {
  program
    .command('serve')
    .description('open Shoal in a browser: serves the application on a port until Ctrl-C')
    .option('--port <number>', 'port to listen on; 0 takes a free one', portNumber, defaultPort)
    .option('--host <address>', 'address to listen on; another one than loopback needs TLS and a password', '127.0.0.1')
    .option('--name <name>', 'a name browsers reach it by, besides the address; may be given again', oneMore, [])
    .option('--tls-cert <file>', 'serve HTTPS with this certificate (PEM, with its chain)')
    .option('--tls-key <file>', 'the private key of the certificate (PEM)')
    .option('--socket <path>', 'listen on a unix socket; --host and --port then name the address the browser uses')
    .option('--data <dir>', 'where drafts, clusters and known hosts are kept')
    .option('--open', 'open the browser as well')
    .option('--offer <file>', 'JSON list of hosts to offer in the wizard')
    .option('--password-file <file>', 'sign in with the password in the first line of this file')
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./run.ts')
      // Everything that is to be kept is on disk now; a connection some host does not end must not hold the terminal.
      process.exit(await serve(options, version))
    })
  program
    .command('passwd')
    .description('set the password of shoal serve (without one it prints a sign-in address at each start)')
    .option('--data <dir>', 'where drafts, clusters and known hosts are kept')
    .option('--remove', 'remove the password')
    .action(async (options: { data?: string; remove?: boolean }) => {
      const { passwd } = await import('./run.ts')
      process.exitCode = await passwd(options)
    })
}
