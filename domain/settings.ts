/** What the operator has chosen for Shoal itself, apart from any cluster. Language and theme are each window's own and not here. */
import { z } from 'zod'

export const settingsSchema = z.object({
  /** Where newer versions are announced: an https address of a JSON file `{version, page, notes?}`. Empty = never asked. */
  updateFeed: z.string().max(2000).default(''),
  /** Asks the feed once a day while Shoal runs. */
  updateDaily: z.boolean().default(false),
  /** Says takeovers and servers going down as notifications of the desktop. */
  desktopNotifications: z.boolean().default(false),
  /** Closing the last window of the desktop application leaves it in the tray, where there is one. */
  stayInTray: z.boolean().default(false),
})
export type Settings = z.infer<typeof settingsSchema>

export const defaultSettings: Settings = settingsSchema.parse({})

/** What the feed announced. */
export interface Update {
  readonly current: string
  readonly latest: string
  readonly newer: boolean
  /** Where to read about it and get it; Shoal fetches and installs nothing by itself. */
  readonly page: string
  readonly notes: string
  readonly askedAtMs: number
}

const versionForm = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/

/** Precedence of two pre-release parts (Semantic Versioning 2.0.0 §11.4): numbers below words, fewer below more. */
function comparePreRelease(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let n = 0; n < Math.max(left.length, right.length); n++) {
    const [x, y] = [left[n], right[n]]
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    if (x === y) continue
    const numbers = [x, y].map((part) => /^\d+$/.test(part))
    if (numbers[0] && numbers[1]) return Number(x) - Number(y)
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1
    return x < y ? -1 : 1
  }
  return 0
}

/** Whether `latest` comes after `current` (Semantic Versioning 2.0.0 §11); undefined when one of them is no version. */
export function isNewer(latest: string, current: string): boolean | undefined {
  const [a, b] = [versionForm.exec(latest.trim()), versionForm.exec(current.trim())]
  if (!a || !b) return undefined
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part])
    if (difference !== 0) return difference > 0
  }
  if (a[4] === undefined || b[4] === undefined) return a[4] === undefined && b[4] !== undefined
  return comparePreRelease(a[4], b[4]) > 0
}
