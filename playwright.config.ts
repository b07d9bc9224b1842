/**
 * Tests in a real browser (Debian's Chromium) against a real `shoal serve`: `browser` needs no hosts, `lab` runs the main path on the
 * lab's hosts, `electron` runs the desktop window where its runtime is.
 */
import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

const debianChromium = '/usr/bin/chromium'

const chromium = {
  // Elsewhere Playwright's own browser is taken.
  ...(existsSync(debianChromium) ? { executablePath: debianChromium } : {}),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  fullyParallel: false,
  workers: 1,
  forbidOnly: Boolean(process.env['CI']),
  reporter: [['list']],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    browserName: 'chromium',
    launchOptions: chromium,
    viewport: { width: 1280, height: 860 },
    locale: 'en-US',
    timezoneId: 'UTC',
    // Colours and places are looked at once they are final.
    contextOptions: { reducedMotion: 'reduce' },
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'browser', testMatch: /.*\.spec\.ts$/, testIgnore: [/\.lab\.spec\.ts$/, /electron\.spec\.ts$/] },
    { name: 'electron', testMatch: /electron\.spec\.ts$/ },
    // Four hosts share this machine with the browser; a second failure is one of Shoal. A retry is printed.
    { name: 'lab', testMatch: /\.lab\.spec\.ts$/, timeout: 600_000, retries: 1 },
  ],
})
