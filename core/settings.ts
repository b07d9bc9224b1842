/** Shoal's own settings on disk, the look for a newer version, and the log for sending: the handlers of their requests. */
import { join } from 'node:path'
import type { Answer, Args } from '../domain/contract/app.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { defaultSettings, settingsSchema } from '../domain/settings.ts'
import type { Settings, Update } from '../domain/settings.ts'
import { readJson, writeJson } from './disk.ts'
import { keptLog } from './log.ts'
import type { Log } from './ports.ts'
import { askFeed, feedAddress } from './updates.ts'

const dayMs = 24 * 3600_000
/** The first look comes when what the operator opened Shoal for is done. */
const firstLookMs = 60_000

type Names = 'settings.get' | 'settings.keep' | 'updates.ask' | 'app.log'

export interface OpenSettings {
  readonly handlers: { readonly [N in Names]: (args: Args<N>) => Promise<Result<Answer<N>>> }
  close(): void
}

export function openSettings(parts: {
  readonly dataDir: string
  readonly version: string
  readonly log: Log
  readonly now: () => number
}): OpenSettings {
  const { dataDir, version, log, now } = parts
  const file = join(dataDir, 'settings.json')
  let latest: Update | null = null

  async function read(): Promise<Result<Settings>> {
    const kept = await readJson(file, settingsSchema)
    return kept.ok ? ok(kept.value ?? defaultSettings) : kept
  }

  async function ask(feed: string): Promise<Result<Update>> {
    const asked = await askFeed(feed, version, now())
    if (asked.ok) latest = asked.value
    return asked
  }

  async function daily(): Promise<void> {
    const settings = await read()
    if (!settings.ok || !settings.value.updateDaily || settings.value.updateFeed === '') return
    const asked = await ask(settings.value.updateFeed)
    if (!asked.ok) log('info', 'the update feed did not answer', { code: asked.problems[0]?.code ?? '' })
  }

  const first = setTimeout(() => void daily(), firstLookMs).unref()
  const every = setInterval(() => void daily(), dayMs).unref()

  return {
    handlers: {
      'settings.get': async () => {
        const settings = await read()
        return settings.ok ? ok({ settings: settings.value, update: latest }) : settings
      },
      'settings.keep': async ({ settings }) => {
        if (settings.updateFeed.trim() !== '' && !feedAddress(settings.updateFeed))
          return failed(problem('update-feed-address', { feed: settings.updateFeed }))
        if (settings.updateFeed.trim() === '') latest = null
        return writeJson(file, { ...settings, updateFeed: settings.updateFeed.trim() })
      },
      'updates.ask': async ({ feed }) => ask(feed),
      'app.log': async () => ok(await keptLog(dataDir)),
    },
    close() {
      clearTimeout(first)
      clearInterval(every)
    },
  }
}
