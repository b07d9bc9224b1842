/** Where the window was, kept over restarts in one small file, and forgotten when that place is no longer on a screen. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../core/atomic-file.ts'
import { leastSize } from './window.ts'
import type { Bounds, WindowState } from './window.ts'

const fileName = 'window.json'
/** So much of the title bar must lie on a screen for the window to be caught with the mouse. */
const visibleLeast = { width: 120, height: 40 } as const

const pixels = z.number().int().min(-100_000).max(100_000)
const stateSchema = z.object({
  bounds: z.object({ x: pixels, y: pixels, width: pixels, height: pixels }).exactOptional(),
  maximized: z.boolean(),
})

/** The place to open at: what was kept, if a person could still see and move it there; otherwise no place. */
export function placeOnScreens(state: WindowState, screens: readonly Bounds[]): WindowState {
  const { bounds } = state
  if (!bounds || bounds.width < leastSize.width || bounds.height < leastSize.height)
    return { maximized: state.maximized }
  const shown = screens.some((screen) => {
    const width = Math.min(bounds.x + bounds.width, screen.x + screen.width) - Math.max(bounds.x, screen.x)
    const topOn = bounds.y >= screen.y && bounds.y + visibleLeast.height <= screen.y + screen.height
    return width >= visibleLeast.width && topOn
  })
  return shown ? state : { maximized: state.maximized }
}

/** What was kept; a file that is absent or damaged is a window that was never opened. */
export async function readWindowState(dataDir: string): Promise<WindowState> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(path.join(dataDir, fileName), 'utf8')))
  } catch {
    return { maximized: false }
  }
}

export async function keepWindowState(dataDir: string, state: WindowState): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await replaceFile(path.join(dataDir, fileName), `${JSON.stringify(state)}\n`, { mode: 0o600 })
}
