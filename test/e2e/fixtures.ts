/**
 * What every browser test has: a signed-in page of its own `shoal serve`, and a watch over it. A script error, a violation of the
 * content security policy or an accessibility finding fails the test, whatever it was about.
 */
import { AxeBuilder } from '@axe-core/playwright'
import { test as base, expect } from '@playwright/test'
import type { Page } from '@playwright/test'
import path from 'node:path'
import { root, startServe } from './serve.ts'
import type { ServeWith, Serving } from './serve.ts'

export { expect }

/** Watches a page; the returned list fills with what no page may do. */
export function watch(page: Page): string[] {
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(`script error: ${error.message}`))
  page.on('console', (message) => {
    // Chromium reports the status of every answer that is not 2xx as an error; the tests look at those themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) wrong.push(message.text())
  })
  return wrong
}

interface Fixtures {
  readonly serveWith: ServeWith
  readonly serving: Serving
  readonly signedIn: Page
}

export const test = base.extend<Fixtures>({
  serveWith: [{}, { option: true }],
  serving: async ({ serveWith }, use) => {
    const serving = await startServe(serveWith)
    await use(serving)
    await serving.stop()
  },
  signedIn: async ({ page, serving }, use) => {
    const wrong = watch(page)
    await page.goto(serving.address)
    await expect(page.getByRole('navigation')).toBeVisible()
    await use(page)
    expect(wrong).toEqual([])
  },
})

/** No finding of WCAG 2.2 A and AA by axe on what the page shows now. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze()
  const found = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} (${node.any[0]?.message ?? ''})`).join(' | ')}`,
  )
  expect(found, `accessibility of ${where}`).toEqual([])
}

/** Keeps a picture of the page for the documentation and for looking at. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({
    path: path.join(root, 'test/e2e/screenshots', `${name}.png`),
    animations: 'disabled',
    caret: 'hide',
  })
}
