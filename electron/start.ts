/** What the command line of the desktop app may say, and the folders it works with; apart from Electron so that it can be tested. */
import path from 'node:path'
import { parseArgs } from 'node:util'

export interface Start {
  /** Data directory given instead of the usual one. */
  readonly data?: string
  /** File of hosts to offer in the wizard. */
  readonly offer?: string
  /** An lvs.cf to show at once. */
  readonly file?: string
}

/** Reads our own options out of argv (without the executable) and ignores Chromium's. Relative names are of `cwd`. */
export function readStart(argv: readonly string[], cwd: string): Start {
  const { values, positionals } = parseArgs({
    args: argv.filter((word) => word !== '--'),
    options: { data: { type: 'string' }, offer: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  })
  const named = (value: unknown) => (typeof value === 'string' && value !== '' ? path.resolve(cwd, value) : undefined)
  // Started from the source, the first word is the application's folder; a document is told by its name.
  const file = named(positionals.findLast((word) => /\.cf$/i.test(word)))
  const [data, offer] = [named(values['data']), named(values['offer'])]
  return { ...(data ? { data } : {}), ...(offer ? { offer } : {}), ...(file ? { file } : {}) }
}

/** The built agent: beside the packaged application, or in the source tree's `out/`. */
export function agentDir(packaged: boolean, resources: string, appPath: string): string {
  return packaged ? path.join(resources, 'agent') : path.join(appPath, 'out/agent')
}
