/** Where the Electron runtime is on this machine, if it is: its package comes without it and fetches it at the first use. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const packageDir = fileURLToPath(new URL('../node_modules/electron', import.meta.url))

/** The executable, or undefined. A folder named by ELECTRON_OVERRIDE_DIST_PATH goes first, as for `electron` itself. */
export function electronRuntime(): string | undefined {
  const pathFile = path.join(packageDir, 'path.txt')
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : 'electron'
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH']
  const file = path.join(given ?? path.join(packageDir, 'dist'), name)
  return existsSync(file) ? file : undefined
}
