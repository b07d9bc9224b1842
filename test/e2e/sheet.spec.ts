/** The cluster sheet: what is on it, that it is one or two pages of A4 on paper, and nothing but it is printed. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import { root } from './serve.ts'
import { looks, openLook, openSimulated } from './simulated.ts'

/** Pages of a PDF as Chromium writes it: each is an object of its own. */
const pagesOf = (pdf: Buffer): number => (pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g) ?? []).length

test('everything a person at the machines needs, on one or two pages', async ({ signedIn: page }) => {
  await openSimulated(page)
  await page.evaluate(() => {
    window.print = () =>
      document.body.setAttribute('data-printed', String(Number(document.body.dataset['printed'] ?? 0) + 1))
  })
  await page.keyboard.press('Control+k')
  await page.locator('dialog').getByRole('combobox').pressSequentially('print')
  await page.keyboard.press('Enter')
  const sheet = page.getByRole('article', { name: 'Cluster sheet' })
  await expect(sheet).toContainText('Cluster demo')
  await expect(page.locator('body')).toHaveAttribute('data-printed', '1')
  for (const said of [
    '192.0.2.100',
    'Direct routing (DR)',
    'ssh root@192.0.2.11',
    '198.51.100.12',
    'tcp 192.0.2.100:443',
    'in turn, by weight',
    'every 2 s',
    '192.0.2.23',
    'silent on every path for 700 ms',
    'shoal-agent status',
    'lvs1 serves all 2 virtual servers',
    'lvs2 runs configuration 1',
    'Simulated cluster; no such hosts exist.',
  ])
    await expect(sheet).toContainText(said)
  await expectAccessible(page, 'the sheet')
  await sheet.getByText('Cluster demo').scrollIntoViewIfNeeded()
  await picture(page, 'sheet')

  await page.emulateMedia({ media: 'print' })
  for (const hidden of [page.getByRole('navigation').first(), page.getByRole('button', { name: 'Print' })])
    await expect(hidden).toBeHidden()
  const pdf = await page.pdf({ preferCSSPageSize: true })
  expect(pagesOf(pdf)).toBeGreaterThanOrEqual(1)
  expect(pagesOf(pdf)).toBeLessThanOrEqual(2)
  const file = path.join(root, 'test-results/sheet.pdf')
  writeFileSync(file, pdf)
  expect(readFileSync(file).length).toBeGreaterThan(5_000)
  await page.screenshot({ path: path.join(root, 'test/e2e/screenshots/sheet-printed.png'), fullPage: true })
})

for (const look of looks)
  test(`it is accessible and printed dark on white: ${look.name}`, async ({ serving }) => {
    const { page, over } = await openLook(serving, look)
    await page.goto(`${serving.origin}/#/cluster/simulated/sheet`)
    await expect(page.locator('.sheet')).toContainText('192.0.2.100')
    await expectAccessible(page, `the sheet (${look.name})`)
    await picture(page, `sheet-${look.name}`)
    await page.emulateMedia({ media: 'print', colorScheme: look.scheme })
    const paper = await page.evaluate(() => ({
      body: getComputedStyle(document.body).backgroundColor,
      sheet: getComputedStyle(document.querySelector('.sheet') ?? document.body).color,
    }))
    expect(paper).toEqual({ body: 'rgb(255, 255, 255)', sheet: 'rgb(17, 26, 34)' })
    expect(pagesOf(await page.pdf({ preferCSSPageSize: true }))).toBeLessThanOrEqual(2)
    await page.emulateMedia({ media: 'screen', colorScheme: look.scheme })
    await over()
  })
