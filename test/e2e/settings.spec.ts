/** Shoal's own settings as a person meets them, and two Shoals on one data directory. */
import { readFileSync } from 'node:fs'
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import { startServe } from './serve.ts'

for (const [language, theme, title] of [
  ['en', 'light', 'Settings'],
  ['zh-CN', 'dark', '设置'],
] as const)
  test(`the settings are there in ${language}, ${theme}, and are kept over a reload`, async ({ signedIn: page }) => {
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('radio', { name: language === 'en' ? 'English' : '简体中文' }).check()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title)
    await page
      .getByRole('group')
      .last()
      .getByRole('radio')
      .nth(theme === 'light' ? 1 : 2)
      .check()
    await page.reload()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title)
    await expect(page.locator('html')).toHaveClass(theme === 'dark' ? /dark/ : /^(?!.*dark)/)
    await expectAccessible(page, `the settings in ${language}`)
    await picture(page, `settings-${language}`)
  })

test('a feed that cannot be is refused with its reason, and one that does not answer is said', async ({
  signedIn: page,
}) => {
  await page.goto(page.url().replace(/#.*|$/, '#/settings'))
  const feed = page.getByLabel('Address of the feed')
  await feed.fill('http://elsewhere.example/')
  await feed.blur()
  await expect(page.getByRole('alert')).toContainText('is not the address of an update feed')
  await feed.fill('http://127.0.0.1:9/feed.json')
  await page.getByRole('button', { name: 'Ask now' }).click()
  await expect(page.getByRole('alert')).toContainText('gave no answer')
  await expectAccessible(page, 'a refused feed')
})

test('the log is offered as a file', async ({ signedIn: page }) => {
  await page.goto(page.url().replace(/#.*|$/, '#/settings'))
  const arriving = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save the log' }).click()
  const download = await arriving
  expect(download.suggestedFilename()).toBe('shoal.log')
  expect(readFileSync(await download.path(), 'utf8')).not.toMatch(/token|password/i)
})

test('a second Shoal on the same data directory says who has it and does not start', async ({ serving }) => {
  await expect(startServe({ dataDir: serving.dataDir })).rejects.toThrow(/is in use by shoal serve \(process \d+\)/)
})
