/** The simulated cluster for tests of its pages: opened from the start page, in one look or in all four. */
import { chromium } from '@playwright/test'
import type { Page } from '@playwright/test'
import { expect, test, watch } from './fixtures.ts'
import type { Serving } from './serve.ts'

/** Both directors need a moment to know of each other, on a busy machine a long one. */
const readyMostMs = 30_000

/** Opens it by the third door and waits until both directors are in their roles. */
export async function openSimulated(page: Page): Promise<void> {
  await page.locator('.doors button').click()
  await expect(page.locator('[data-kind="served"]')).toBeVisible({ timeout: readyMostMs })
  await expect(page.locator('[data-kind]')).toContainText(/standby ready|备用就绪/, { timeout: readyMostMs })
}

export const looks = (['en-US', 'zh-CN'] as const).flatMap((locale) =>
  (['light', 'dark'] as const).map((scheme) => ({
    locale,
    scheme,
    name: `${locale === 'zh-CN' ? 'zh' : 'en'}-${scheme}`,
  })),
)

/** The smallest window there is, in a language and theme, at the simulated cluster. `over` ends it and fails on script errors. */
export async function openLook(
  serving: Serving,
  { locale, scheme }: (typeof looks)[number],
): Promise<{ readonly page: Page; readonly over: () => Promise<void> }> {
  const browser = await chromium.launch(test.info().project.use.launchOptions)
  const context = await browser.newContext({
    locale,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
    viewport: { width: 1024, height: 700 },
  })
  const page = await context.newPage()
  const wrong = watch(page)
  await page.goto(serving.address)
  await openSimulated(page)
  return {
    page,
    async over() {
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      expect(wrong).toEqual([])
      await browser.close()
    },
  }
}
