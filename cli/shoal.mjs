#!/usr/bin/env node
/** The command `shoal`: runs the built command line, or says how to build it. */
import { existsSync } from 'node:fs'

const main = new URL('../out/cli/main.mjs', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  process.stderr.write('shoal is not built yet. In the source tree run: npm ci && npm run prepare\n')
  process.exitCode = 1
}
