/**
 * Looks at and changes what IPVS needs around its table: marking rules (marks.ts), the sync daemon (ipvsadm) and kernel settings
 * (files of /proc/sys). Decides nothing.
 */
import { access, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Arrangement, Found, Survey, SyncDaemon } from '../director/surroundings.ts'
import { openMarks } from './marks.ts'
import { complaint, tool } from './tool.ts'

/** In /run/shoal: a sync daemon that runs is ours. */
const syncMarkerName = 'sync'
const settingsPath = '/proc/sys/net/ipv4/vs'

export interface Around {
  /** Never throws; parts that cannot be looked at are absent and said. */
  readonly look: (survey: Survey) => Promise<Found>
  /** Returns what failed. */
  readonly arrange: (arrangement: Arrangement) => Promise<readonly string[]>
  /** Takes down the marking rules and the sync daemon that an agent has left. Returns what failed. */
  readonly release: () => Promise<readonly string[]>
}

/** Reads `ipvsadm -L --daemon`. */
export function parseDaemons(text: string): readonly SyncDaemon[] {
  return [...text.matchAll(/^(master|backup) sync daemon \(mcast=([^,\s)]+), syncid=(\d+)/gm)].map((m) => ({
    role: m[1] === 'master' ? 'master' : 'backup',
    device: m[2] ?? '',
    id: Number(m[3]),
  }))
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export function openAround(runDir: string): Around {
  const marks = openMarks(runDir)
  const syncMarker = path.join(runDir, syncMarkerName)

  async function look(survey: Survey): Promise<Found> {
    const trouble: string[] = []
    const found: { -readonly [K in keyof Found]: Found[K] } = { trouble }
    if (survey.marks) {
      const seen = await marks.look()
      if (typeof seen === 'string') trouble.push(seen)
      else if (seen !== undefined) found.marks = seen
    }
    if (survey.sync) {
      const ended = await tool('ipvsadm', ['-L', '--daemon'])
      const failed = complaint(ended)
      if (failed) trouble.push(failed)
      else found.sync = parseDaemons(ended.stdout)
    }
    if (survey.settings.length > 0) {
      const settings: Record<string, string> = {}
      for (const name of survey.settings) {
        try {
          settings[name] = (await readFile(path.join(settingsPath, name), 'utf8')).trim()
        } catch (error) {
          trouble.push(`${settingsPath}/${name}: ${reason(error)}`)
        }
      }
      if (Object.keys(settings).length === survey.settings.length) found.settings = settings
    }
    return found
  }

  async function arrange({ marks: rules, sync, settings }: Arrangement): Promise<readonly string[]> {
    const failures: string[] = []
    if (rules) failures.push(...(await marks.set(rules)))
    for (const command of sync ?? []) {
      if (command.startsWith('--start-daemon')) await writeFile(syncMarker, '')
      const failed = complaint(await tool('ipvsadm', command.split(' ')))
      if (failed) failures.push(`ipvsadm ${command}: ${failed}`)
    }
    for (const [name, value] of Object.entries(settings ?? {})) {
      try {
        await writeFile(path.join(settingsPath, name), value)
      } catch (error) {
        failures.push(`${settingsPath}/${name}: ${reason(error)}`)
      }
    }
    return failures
  }

  async function release(): Promise<readonly string[]> {
    const failures = [...(await marks.set([]))]
    const isOurs = await access(syncMarker).then(
      () => true,
      () => false,
    )
    if (!isOurs) return failures
    const ended = await tool('ipvsadm', ['-L', '--daemon'])
    for (const { role } of parseDaemons(ended.stdout)) {
      const failed = complaint(await tool('ipvsadm', ['--stop-daemon', role]))
      if (failed) failures.push(failed)
    }
    if (failures.length === 0) await rm(syncMarker, { force: true })
    return failures
  }

  return { look, arrange, release }
}
