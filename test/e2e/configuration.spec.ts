/**
 * The configuration of a running cluster, on the simulated one: a real server is taken out of a service and put back as a change over
 * both directors, a virtual server likewise; the command log, the history and the revisions tell it. Its pages and dialogs pass axe in
 * both languages and themes.
 */
import type { Locator, Page } from '@playwright/test'
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import { looks, openLook, openSimulated } from './simulated.ts'

/** A change waits for the last connections, the directors' own checks and the proof. */
const changeMostMs = 120_000

const tab = (page: Page, name: string): Promise<void> =>
  page.getByRole('navigation', { name: 'Pages of the cluster' }).getByRole('link', { name }).click()
const service = (page: Page, name: string): Locator =>
  page.getByRole('article', { name: `Service ${name}`, exact: true })
const inactive = (page: Page): Locator => page.getByRole('region', { name: 'Not active in lvs.cf' })

async function carriedOut(dialog: Locator, action: string): Promise<void> {
  await dialog.getByRole('button', { name: action, exact: true }).click()
  await expect(dialog).toContainText('Changed and proven', { timeout: changeMostMs })
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await expect(dialog).toBeHidden()
}

test('a real server and a virtual server are deactivated and activated again, and everything tells it', async ({
  signedIn: page,
}) => {
  test.setTimeout(420_000)
  await openSimulated(page)
  await tab(page, 'Services')
  await expect(service(page, 'web')).toContainText('3 of 3 up', { timeout: 30_000 })
  await expect(inactive(page)).toBeHidden()

  await page.getByRole('button', { name: 'Deactivate rs2 in web', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('lvs.cf says active = 0 for rs2 in web')
  await expect(dialog).toContainText('2 other real servers take the new connections')
  await expect(dialog.locator('.removed')).toHaveText(/active = 1/)
  await expect(dialog.locator('.added')).toHaveText(/active = 0/)
  await picture(page, 'deactivate')
  // Going back changes nothing.
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(service(page, 'web')).toContainText('3 of 3 up')

  await page.getByRole('button', { name: 'Deactivate rs2 in web', exact: true }).click()
  await carriedOut(dialog, 'Deactivate rs2')
  await expect(service(page, 'web')).toContainText('2 of 2 up', { timeout: 15_000 })
  await expect(service(page, 'web-tls')).toContainText('3 of 3 up')
  await expect(page.locator('[data-kind]')).toContainText('lvs1 serves all 2 virtual servers')
  await expect(inactive(page)).toContainText('rs2 in web')
  await picture(page, 'services-inactive')

  await page.keyboard.press('Control+k')
  await page.locator('dialog').getByRole('combobox').pressSequentially('deactivate web-tls')
  await page.keyboard.press('Enter')
  await expect(dialog).toContainText('tcp 192.0.2.100:443 answers no more')
  await carriedOut(dialog, 'Deactivate web-tls')
  await expect(service(page, 'web-tls')).toBeHidden()
  await expect(page.locator('[data-kind]')).toContainText('lvs1 serves the virtual server')

  // The last one of an address cannot go.
  await page.keyboard.press('Control+k')
  await page.locator('dialog').getByRole('combobox').pressSequentially('deactivate web')
  await page.keyboard.press('Enter')
  await expect(dialog).toContainText('No other virtual server is active at this address')
  await expect(dialog.getByRole('button', { name: 'Deactivate web', exact: true })).toBeDisabled()
  await dialog.getByRole('button', { name: 'Cancel' }).click()

  await inactive(page).getByRole('button', { name: 'Activate the virtual server web-tls' }).click()
  await carriedOut(dialog, 'Activate web-tls')
  await inactive(page).getByRole('button', { name: 'Activate rs2 in web' }).click()
  await carriedOut(dialog, 'Activate rs2')
  await expect(inactive(page)).toBeHidden()
  await expect(service(page, 'web')).toContainText('3 of 3 up', { timeout: 30_000 })
  const row = service(page, 'web').getByRole('row').filter({ hasText: 'rs2' }).first()
  await expect(row).toContainText('1 / 1', { timeout: 15_000 })

  await tab(page, 'Drills')
  const log = page.getByRole('region', { name: 'Command log' })
  for (const what of [
    /← commit [0-9a-f]{12}, confirm within/,
    /← confirm [0-9a-f]{12}/,
    /← drain 192\.0\.2\.22:80 of tcp/,
  ])
    await expect(log.getByRole('row').filter({ hasText: what }).first()).toBeVisible()

  await tab(page, 'History')
  await expect(page.getByText(/commit [0-9a-f]{12}/).first()).toBeVisible()

  await tab(page, 'Configuration')
  const revisions = page.getByRole('region', { name: 'Configurations so far' })
  for (const reason of ['Deactivate rs2 in web', 'Deactivate the virtual server web-tls', 'Activate rs2 in web'])
    await expect(revisions).toContainText(reason)
  await picture(page, 'configuration')

  // An earlier configuration becomes the next change: shown with its differences, and taken on when it is given a reason.
  await revisions.getByRole('listitem').filter({ hasText: 'Deactivate rs2 in web' }).getByRole('button').click()
  const change = page.getByRole('region', { name: 'Change it while it serves' })
  await expect(change.locator('.added')).toHaveText(/active = 0/)
  await change.getByRole('textbox').fill('rs2 is repaired at night')
  await change.getByRole('button', { name: 'Change it', exact: true }).click()
  await expect(change).toContainText('Changed and proven', { timeout: changeMostMs })
  await expect(revisions).toContainText('rs2 is repaired at night')
})

test('a change that cannot be proven is taken back, and the draft with it', async ({ signedIn: page }) => {
  test.setTimeout(240_000)
  await openSimulated(page)
  await tab(page, 'Services')
  await expect(service(page, 'web')).toContainText('3 of 3 up', { timeout: 30_000 })
  const panel = page.getByRole('region', { name: /Break something and watch/ })
  // rs3 is down, so the proof finds it missing.
  await panel.getByRole('button', { name: 'Stop rs3' }).click()
  await expect(service(page, 'web')).toContainText('2 of 3 up', { timeout: 30_000 })
  await page.getByRole('button', { name: 'Deactivate rs1 in web', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Deactivate rs1', exact: true }).click()
  await expect(dialog).toContainText('Gone back', { timeout: changeMostMs })
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await panel.getByRole('button', { name: 'Restore rs3' }).click()
  await expect(service(page, 'web')).toContainText('3 of 3 up', { timeout: 30_000 })
  await expect(service(page, 'web').getByRole('row').filter({ hasText: 'rs1' }).first()).toContainText('1 / 1')
  // Nothing of it waits in the draft: the next change is asked for without a word about others.
  await page.getByRole('button', { name: 'Deactivate rs1 in web', exact: true }).click()
  await expect(dialog).toContainText('lvs.cf says active = 0 for rs1 in web')
})

for (const look of looks)
  test(`its pages are accessible: ${look.name}`, async ({ serving }) => {
    test.setTimeout(180_000)
    const { page, over } = await openLook(serving, look)
    await page.goto(`${serving.origin}/#/cluster/simulated/configuration`)
    await expect(page.locator('pre.file')).toContainText('serial_no')
    await expectAccessible(page, `configuration (${look.name})`)
    await picture(page, `configuration-${look.name}`)
    await page.goto(`${serving.origin}/#/cluster/simulated/services`)
    await page.locator('tbody .actions button').nth(2).click()
    await expect(page.locator('.el-dialog .added')).toBeVisible()
    await expectAccessible(page, `deactivate (${look.name})`)
    await picture(page, `deactivate-${look.name}`)
    await over()
  })
