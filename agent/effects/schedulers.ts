/** Which schedulers this kernel does not have, asked of modprobe before anything is applied (a dry run loads nothing). */
import type { Config } from '../../domain/config.ts'
import { tool } from './tool.ts'

/** Schedulers this kernel was found to have; it does not lose them while it runs. */
const found = new Set<string>()

/** Schedulers of active virtual servers without a module (or built-in part) of this kernel. Empty where it cannot be known. */
export async function missingSchedulers(config: Config): Promise<readonly string[]> {
  const named = new Set(config.virtualServers.filter((v) => v.active).map((v) => v.scheduler))
  const names = [...named].filter((name) => !found.has(name))
  const has = async (modules: readonly string[]): Promise<boolean> =>
    (await tool('modprobe', ['-n', '-q', '-a', ...modules])).failed === null
  if (names.length === 0) return []
  if (await has(['ip_vs', ...names.map((name) => `ip_vs_${name}`)])) {
    for (const name of names) found.add(name)
    return []
  }
  // A kernel that does not know ip_vs either (a container, another kernel's modules) says nothing about schedulers.
  if (!(await has(['ip_vs']))) return []
  const missing: string[] = []
  for (const name of names) if (!(await has([`ip_vs_${name}`]))) missing.push(name)
  return missing
}
