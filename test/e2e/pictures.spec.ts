/**
 * The pictures of the README and the guide: the simulated cluster as it is now, in both languages, so that what is shown there stays true.
 * Each is also looked at for what it is meant to show.
 */
import { expect, picture, test } from './fixtures.ts'
import { looks, openLook } from './simulated.ts'

const takeoverMostMs = 30_000
/** Requests and rates need some seconds to be worth a picture. */
const trafficMs = 8_000

for (const look of looks.filter(({ scheme }) => scheme === 'light'))
  test(`a cluster that serves, and the history of a failover: ${look.name}`, async ({ serving }) => {
    test.setTimeout(240_000)
    const { page, over } = await openLook(serving, look)
    const language = look.name.slice(0, 2)
    await page.setViewportSize({ width: 1280, height: 860 })
    const faults = page.locator('[aria-controls="simulation-faults"]')
    if ((await faults.getAttribute('aria-expanded')) === 'true') await faults.click()
    await page.waitForTimeout(trafficMs)
    await expect(page.locator('.cluster-picture .director.active')).toHaveCount(1)
    await expect(page.locator('.cluster-picture .server.up')).toHaveCount(3)
    await picture(page, `guide-overview-${language}`)

    await faults.click()
    await page.locator('.target').first().getByRole('button').first().click()
    await expect(page.locator('[data-kind="served"]')).toContainText('lvs2', { timeout: takeoverMostMs })
    await faults.click()
    await page.goto(`${serving.origin}/#/cluster/simulated/history`)
    const record = page.getByRole('listitem').filter({ hasText: 'lvs2' }).filter({ hasText: 'lvs1' }).first()
    await expect(record.locator('time').first()).toHaveText(/^\d\d:\d\d:\d\d\.\d\d\d$/)
    await record.scrollIntoViewIfNeeded()
    await picture(page, `guide-history-${language}`)
    await over()
  })
