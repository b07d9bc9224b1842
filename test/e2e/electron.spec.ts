/**
 * The desktop window with the real runtime: it opens the built screen, sandboxed, with the bridge's two functions and nothing of Node,
 * keeps a draft over a restart, and stays on its page. Without the runtime, or without a display for it, it says so and counts as skipped.
 */
import { _electron as electron, expect, test } from '@playwright/test'
import type { ElectronApplication } from '@playwright/test'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { electronRuntime } from '../electron-runtime.ts'
import { root, scratch } from './serve.ts'

const runtime = electronRuntime()
const display = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'])
const lacking = [
  ...(runtime ? [] : ['the Electron runtime is not on this machine (npx install-electron fetches it)']),
  ...(display ? [] : ['there is no display (xvfb-run gives one)']),
]
if (lacking.length > 0)
  console.log(
    `\n!!! THE DESKTOP WINDOW WAS NOT RUN: ${lacking.join('; ')}.\n!!! Its wiring is tested in test/hosts/.\n`,
  )

test.describe('the desktop window', () => {
  test.skip(lacking.length > 0, lacking.join('; '))
  const dir = scratch()
  let app: ElectronApplication

  const launch = () =>
    electron.launch({
      executablePath: runtime ?? '',
      args: [
        root,
        `--data=${path.join(dir, 'data')}`,
        // Chromium's own sandbox refuses to run as root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    })

  test.beforeEach(async () => {
    app = await launch()
  })
  test.afterEach(() => app.close())
  test.afterAll(() => rmSync(dir, { recursive: true, force: true }))

  test('shows the start page with the bridge and nothing of Node', async () => {
    const page = await app.firstWindow()
    await expect(page.getByRole('navigation')).toBeVisible()
    expect(page.url()).toMatch(/^shoal:\/\/app\//)
    const seen = await page.evaluate(() => ({
      bridge: Object.keys((globalThis as { shoal?: object }).shoal ?? {}).sort(),
      node: ['require', 'process', 'module', 'Buffer'].filter((name) => name in globalThis),
    }))
    expect(seen).toEqual({ bridge: ['ask', 'on'], node: [] })
    const info = await page.evaluate(() =>
      (globalThis as unknown as { shoal: { ask(name: string, args: object): Promise<unknown> } }).shoal.ask(
        'app.info',
        {},
      ),
    )
    expect(info).toMatchObject({ ok: true, value: { host: 'electron' } })
  })

  test('its page cannot leave, open a window or run what is inline', async () => {
    const page = await app.firstWindow()
    await expect(page.getByRole('navigation')).toBeVisible()
    const opened = await page.evaluate(() => window.open('https://example.org/') === null)
    expect(opened).toBe(true)
    await page.evaluate(() => {
      location.href = 'https://example.org/'
    })
    const ran = await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.inlineRan = true'
      document.head.append(script)
      return 'inlineRan' in window
    })
    expect(ran).toBe(false)
    expect(page.url()).toMatch(/^shoal:\/\/app\//)
    expect(app.windows()).toHaveLength(1)
  })

  test('a second start brings the first window forward and ends', async () => {
    await app.firstWindow()
    const second = await launch().catch(() => undefined)
    await expect.poll(() => app.windows().length).toBe(1)
    await second?.close()
  })
})
