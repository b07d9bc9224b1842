/**
 * The history in a browser, of the simulated cluster: what happened stands on one line of time, is found by kind, director, service and
 * words, leaves as a file, and tells the uptime that the journals know.
 */
import type { Locator, Page } from '@playwright/test'
import { readFile } from 'node:fs/promises'
import { expect, expectAccessible, picture, test } from './fixtures.ts'

const readyMostMs = 60_000
const takeoverMostMs = 30_000

const verdict = (page: Page): Locator => page.locator('[data-kind]')
const panel = (page: Page): Locator => page.getByRole('region', { name: /Break something and watch/ })
const line = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('region', { name: 'Timeline' }).getByRole('listitem').filter({ hasText: text })

async function saved(page: Page, kind: 'CSV' | 'JSON'): Promise<string> {
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: kind, exact: true }).click()
  return readFile(await (await downloading).path(), 'utf8')
}

test('a takeover is on the timeline, in the uptime and in the files, and is found again', async ({
  signedIn: page,
}) => {
  test.setTimeout(240_000)
  await page.getByRole('button', { name: /Try the simulated cluster/ }).click()
  await expect(verdict(page)).toContainText('standby ready', { timeout: readyMostMs })
  await panel(page).getByRole('article', { name: 'lvs1' }).getByRole('button', { name: 'Power off' }).click()
  await expect(verdict(page)).toContainText('lvs2 serves', { timeout: takeoverMostMs })
  await page.getByRole('link', { name: 'History' }).click()

  const takeover = line(page, 'lvs2 took over: lvs1 fell silent').first()
  await expect(takeover).toBeVisible()
  await expect(takeover).toContainText('last beat heard')
  const uptime = page.getByRole('region', { name: 'Uptime' })
  await expect(uptime.getByRole('row').nth(1)).toContainText(/\d%/)
  // A cluster of a minute ago has no month behind it, and says so.
  await expect(uptime.getByRole('row').nth(1)).toContainText(/ of 30 d known/)
  await picture(page, 'history-simulated')
  await expectAccessible(page, 'the history')

  const count = page.getByRole('search').getByRole('status')
  const all = (await count.textContent())?.split(' of ')[1] ?? ''
  const words = page.getByLabel('Search in the lines')
  await words.fill('took over silent')
  await expect(takeover).toBeVisible()
  await expect(count).toHaveText(/^[1-3] of /)
  const csv = await saved(page, 'CSV')
  expect(csv).toContain('time,director,kind,event,service,server,text')
  expect(csv).toContain('lvs2 took over: lvs1 fell silent')
  expect(csv.trimEnd().split('\r\n').length).toBeLessThan(5)
  const [first] = JSON.parse(await saved(page, 'JSON')) as { director: string; event: { kind: string } }[]
  expect(first).toMatchObject({ director: 'lvs2', event: { kind: 'failover' } })

  await words.fill('nothing says this')
  await expect(page.getByText('Nothing in the journals for this choice.')).toBeVisible()
  await page.getByRole('button', { name: 'Show everything' }).click()
  await expect(count).toContainText(all)

  await page.getByLabel('Director', { exact: true }).selectOption('lvs1')
  await expect(takeover).toHaveCount(0)
  await page.getByLabel('Director', { exact: true }).selectOption('')
  const failovers = page.getByRole('button', { name: 'Failovers' })
  await failovers.click()
  await expect(takeover).toHaveCount(0)
  await failovers.click()
  await expect(takeover).toBeVisible()

  await page.getByRole('button', { name: '简体中文' }).click()
  await page.getByRole('button', { name: '深色' }).click()
  await expect(page.getByRole('heading', { name: '可用时间' })).toBeVisible()
  await picture(page, 'history-zh-dark')
  await expectAccessible(page, 'the history in Chinese, dark')
})
