/**
 * The simulated cluster in a browser: from the third door of the start page through a power cut, a drill, a drain and what they leave
 * behind. Nothing but `shoal serve` runs; the directors' decisions are the real ones.
 */
import { chromium } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'
import { expect, expectAccessible, picture, test, watch } from './fixtures.ts'

/** Both directors need a moment to know of each other, on a busy machine a long one. */
const readyMostMs = 30_000
const takeoverMostMs = 15_000

const verdict = (page: Page): Locator => page.locator('[data-kind]')
const panel = (page: Page): Locator => page.getByRole('region', { name: /Break something and watch/ })
const machine = (page: Page, name: string): Locator => panel(page).getByRole('article', { name })
const tab = (page: Page, name: string): Promise<void> =>
  page.getByRole('navigation', { name: 'Pages of the cluster' }).getByRole('link', { name }).click()

async function openSimulated(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Try the simulated cluster/ }).click()
  await expect(verdict(page)).toContainText('standby ready', { timeout: readyMostMs })
  await expect(panel(page)).toContainText('The client is served')
}

test('a power cut: the other director serves within the promise, the history keeps the record, and all is mended', async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000)
  await openSimulated(page)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Simulated')
  await expect(verdict(page)).toContainText('lvs1 serves all 2 virtual servers')
  await page.waitForTimeout(5_000)
  await picture(page, 'simulated-overview')

  await machine(page, 'lvs1').getByRole('button', { name: 'Power off' }).click()
  await expect(verdict(page)).toContainText('lvs2 serves', { timeout: takeoverMostMs })
  await expect(panel(page)).toContainText(/Last outage \d+ ms/)
  const [, outageMs] = /Last outage (\d+) ms/.exec((await panel(page).textContent()) ?? '') ?? []
  expect(Number(outageMs)).toBeGreaterThan(300)
  expect(Number(outageMs)).toBeLessThan(5_000)
  await expect(page.getByRole('article', { name: 'Director lvs1' })).toContainText('No answer from', {
    timeout: takeoverMostMs,
  })
  await expect(machine(page, 'lvs1')).toContainText('switched off')
  await picture(page, 'simulated-crash')

  await tab(page, 'History')
  const record = page.getByRole('listitem').filter({ hasText: 'lvs2 took over: lvs1 fell silent' }).first()
  await expect(record).toBeVisible()
  await expect(record.locator('time')).toHaveText(/^\d\d:\d\d:\d\d\.\d\d\d$/)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Simulated')

  await machine(page, 'lvs1').getByRole('button', { name: 'Power on' }).click()
  await expect(verdict(page)).toContainText('lvs2 serves all 2 virtual servers', { timeout: readyMostMs })
  await expect(verdict(page)).toContainText('standby ready', { timeout: readyMostMs })
})

test('one path cut and mended: nothing happens to the client, and the picture says what is silent', async ({
  signedIn: page,
}) => {
  await openSimulated(page)
  const path = panel(page).getByRole('article', { name: 'Heartbeat public' })
  await path.getByRole('button', { name: 'Cut', exact: true }).click()
  const heartbeat = page.getByRole('region', { name: 'Heartbeat', exact: true })
  await expect(heartbeat.getByRole('row').filter({ hasText: 'public' }).first()).toContainText('silent', {
    timeout: takeoverMostMs,
  })
  await expect(verdict(page)).toContainText('lvs1 serves')
  await expect(panel(page)).toContainText('No outage so far')
  await path.getByRole('button', { name: 'Mend' }).click()
  await expect(heartbeat.getByRole('row').filter({ hasText: 'public' }).first()).toContainText('heard', {
    timeout: takeoverMostMs,
  })
})

test('a real server that stops is found, and a drain says what will happen before it does', async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000)
  await openSimulated(page)
  await tab(page, 'Services')
  const web = page.getByRole('article', { name: 'Service web', exact: true })
  await expect(web).toContainText('3 of 3 up')
  await panel(page).getByRole('button', { name: 'Stop rs2' }).click()
  await expect(web).toContainText('2 of 3 up', { timeout: readyMostMs })
  await expect(web).toContainText('ECONNREFUSED 192.0.2.22:80')
  await panel(page).getByRole('button', { name: 'Restore rs2' }).click()
  await expect(web).toContainText('3 of 3 up', { timeout: readyMostMs })

  await page.getByRole('button', { name: 'Drain rs1 of web', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Drain rs1 of web' })
  await expect(dialog).toContainText('rs1 gets no new connections of web')
  await expect(dialog).toContainText('2 other real servers take the new connections')
  await expectAccessible(page, 'the drain dialog')
  await dialog.getByRole('button', { name: 'Drain rs1' }).click()
  const row = web.getByRole('row').filter({ hasText: 'rs1' }).first()
  await expect(row).toContainText(/draining for/, { timeout: takeoverMostMs })
  await expect(row).toContainText('0 / 0')
  await picture(page, 'simulated-draining')
  await page.getByRole('button', { name: 'Take rs1 of web back' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take rs1 back' }).click()
  await expect(row).toContainText('1 / 1', { timeout: takeoverMostMs })

  await page.getByRole('button', { name: 'Weight of rs3 for web', exact: true }).click()
  await page.getByRole('textbox', { name: 'Weight' }).fill('7')
  await page.getByRole('button', { name: 'Set the weight' }).click()
  await expect(web.getByRole('row').filter({ hasText: 'rs3' }).first()).toContainText('7 / 7', {
    timeout: takeoverMostMs,
  })

  await tab(page, 'Drills')
  const log = page.getByRole('region', { name: 'Command log' })
  for (const what of ['Drain', 'Take back', 'Weight', 'Fault']) await expect(log).toContainText(what)
  await expect(log).toContainText('{"kind":"drain","service":"tcp 192.0.2.100:80","server":"192.0.2.21:80"')
})

test('drills: a planned hand-over loses nothing, a killed agent costs less than promised', async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000)
  await openSimulated(page)
  await tab(page, 'Drills')
  const drills = page.getByRole('region', { name: 'Drills' })
  const drill = async (name: string): Promise<Locator> => {
    await drills.getByRole('button', { name: `Start the drill: ${name}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Start the drill' }).click()
    await expect(drills.getByRole('row').nth(1)).toContainText(/promise kept|longer than promised|failed/, {
      timeout: readyMostMs,
    })
    return drills.getByRole('row').nth(1)
  }
  const planned = await drill('Planned hand-over')
  await expect(planned).toContainText('lvs1 → lvs2')
  await expect(planned).toContainText('promise kept')
  await expect(planned.getByRole('cell').nth(4)).toHaveText('0 ms')
  const killed = await drill('Kill the agent')
  await expect(killed).toContainText('lvs2 → lvs1')
  await expect(killed.getByRole('cell').nth(3)).toHaveText('≤ 1.0 s')
  await picture(page, 'simulated-drills')
})

test('it is told apart from real clusters, and ends when it is ended', async ({ signedIn: page }) => {
  await openSimulated(page)
  await page.getByRole('link', { name: 'Start', exact: true }).click()
  const line = page.getByRole('listitem').filter({ hasText: 'demo' })
  await expect(line.last()).toContainText('Simulated')
  await line.last().getByRole('button', { name: 'End the simulation' }).click()
  await expect(page.getByText('No cluster is known here yet')).toBeVisible()
})

for (const { locale, scheme } of [
  { locale: 'en-US', scheme: 'light' },
  { locale: 'en-US', scheme: 'dark' },
  { locale: 'zh-CN', scheme: 'light' },
  { locale: 'zh-CN', scheme: 'dark' },
] as const) {
  test(`its pages are accessible: ${locale}, ${scheme}`, async ({ serving }) => {
    test.setTimeout(240_000)
    const browser = await chromium.launch(test.info().project.use.launchOptions)
    const context = await browser.newContext({
      locale,
      colorScheme: scheme,
      reducedMotion: 'reduce',
      viewport: { width: 1024, height: 700 },
    })
    const page = await context.newPage()
    const wrong = watch(page)
    await page.goto(serving.address)
    await page.locator('.doors button').click()
    await expect(page.locator('[data-kind="served"]')).toBeVisible({ timeout: readyMostMs })
    await page.waitForTimeout(6_000)
    const look = async (name: string): Promise<void> => {
      await expectAccessible(page, `${name} (${locale}, ${scheme})`)
      await picture(page, `simulated-${name}-${locale === 'zh-CN' ? 'zh' : 'en'}-${scheme}`)
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
    await look('overview')
    for (const name of ['services', 'drills', 'history']) {
      await page.goto(`${serving.origin}/#/cluster/simulated/${name}`)
      await page.waitForTimeout(1_500)
      await look(name)
    }
    // With something broken, marks and words must read as well.
    await page.goto(`${serving.origin}/#/cluster/simulated`)
    await page.locator('[aria-controls="simulation-faults"]').click()
    await page.locator('.target').first().getByRole('button').first().click()
    await expect(page.locator('article.director.stale').first()).toBeVisible({ timeout: takeoverMostMs })
    await look('broken')
    expect(wrong).toEqual([])
    await browser.close()
  })
}
