/**
 * The command palette with the keyboard alone: opened from anywhere, found by a few letters, and what changes something only asks. In
 * both languages and themes it passes axe, and its list is the one screen readers know.
 */
import type { Page } from '@playwright/test'
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import { looks, openLook, openSimulated } from './simulated.ts'

const box = (page: Page) => page.locator('dialog').getByRole('combobox')
const option = (page: Page, name: string | RegExp) => page.getByRole('option', { name })
const dialogNamed = (page: Page, name: string) => page.getByRole('dialog', { name })

test('from the start page to a cluster, a page and another theme, without the mouse', async ({ signedIn: page }) => {
  await openSimulated(page)
  await page.getByRole('link', { name: 'Start', exact: true }).click()
  await page.keyboard.press('Control+k')
  await expect(dialogNamed(page, 'Command palette')).toBeVisible()
  await expect(box(page)).toBeFocused()

  await box(page).pressSequentially('simu hist')
  await expect(option(page, /Simulated cluster: History/)).toHaveAttribute('aria-selected', 'true')
  const active = await box(page).getAttribute('aria-activedescendant')
  await expect(page.locator(`[id="${active}"]`)).toHaveText(/Simulated cluster: History/)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/cluster\/simulated\/history/)
  await expect(dialogNamed(page, 'Command palette')).toBeHidden()

  await page.keyboard.press('Control+k')
  await box(page).pressSequentially('theme dark')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveClass(/dark/)

  // The language by its own name, and back by its English one although the page speaks Chinese now.
  await page.keyboard.press('Control+k')
  await box(page).pressSequentially('简体')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await page.keyboard.press('Control+k')
  await box(page).pressSequentially('language')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveAttribute('lang', 'en')
})

test('arrows choose and come around, Escape closes and gives the focus back', async ({ signedIn: page }) => {
  const opener = page.getByRole('button', { name: /Commands/ })
  await opener.focus()
  await page.keyboard.press('Enter')
  const options = page.getByRole('option')
  await expect(options.first()).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('ArrowDown')
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  await expect(options.last()).toHaveAttribute('aria-selected', 'true')
  await expect(options.last()).toBeInViewport()
  await box(page).fill('there is nothing of this name')
  await expect(page.getByText('Nothing here is called that.')).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: 'Nothing found' })).toBeAttached()
  await page.keyboard.press('Escape')
  await expect(box(page)).toBeHidden()
  await expect(opener).toBeFocused()
})

test('what changes something only opens its confirmation', async ({ signedIn: page }) => {
  await openSimulated(page)
  await page.keyboard.press('Control+k')
  await picture(page, 'palette')
  await box(page).pressSequentially('drain rs2 web-tls')
  await page.keyboard.press('Enter')
  const drain = dialogNamed(page, 'Drain rs2 of web-tls')
  await expect(drain).toContainText('rs2 gets no new connections of web-tls')
  await page.keyboard.press('Escape')
  await expect(drain).toBeHidden()

  await page.keyboard.press('Control+k')
  await box(page).pressSequentially('failover')
  await expect(option(page, /Hand over from lvs1 to lvs2/)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  const handOver = dialogNamed(page, 'Hand over from lvs1 to lvs2')
  await expect(handOver).toBeVisible()
  await handOver.getByRole('button', { name: 'Cancel' }).click()

  await page.keyboard.press('Control+k')
  await box(page).pressSequentially('drill power')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/drills$/)
  await dialogNamed(page, 'Drill: power cycle of lvs1').getByRole('button', { name: 'Cancel' }).click()
  // Nothing was ordered by any of this.
  await expect(page.getByRole('region', { name: 'Command log' })).toContainText('Nothing was ordered yet')
})

for (const look of looks)
  test(`it is accessible: ${look.name}`, async ({ serving }) => {
    const { page, over } = await openLook(serving, look)
    await page.keyboard.press('Control+k')
    await expect(box(page)).toBeFocused()
    await box(page).pressSequentially('rs')
    await expectAccessible(page, `the palette (${look.name})`)
    await picture(page, `palette-${look.name}`)
    await over()
  })
