/** The wizard with two virtual IPs: added with a suggestion, each service put at one of them, both in what is reviewed; one removed again. */
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import {
  draftSaved,
  firstDirector,
  giveHost,
  giveRealServer,
  giveVirtualIp,
  giveWebService,
  goOn,
  openWizard,
  secondDirector,
  unreachedDirector,
} from './wizard.ts'

test('two virtual IPs: each is suggested, served by its own services, and can be removed again', async ({
  signedIn: page,
}) => {
  test.slow()
  const look = async (name: string) => {
    await expectAccessible(page, name)
    await picture(page, name)
    await page.getByRole('button', { name: '简体中文' }).click()
    await expect(page.getByRole('main')).toContainText(/[\u4e00-\u9fff]/)
    await expectAccessible(page, `${name} (zh-CN)`)
    await picture(page, `${name}-zh`)
    await page.getByRole('button', { name: 'English' }).click()
  }
  const address = (n: 1 | 2) =>
    page.getByRole('region', { name: `Virtual IP ${n}` }).getByRole('textbox', { name: 'Virtual IP' })
  await openWizard(page)
  await goOn(page, 'Directors')
  await giveHost(firstDirector(page), unreachedDirector(1))
  await giveHost(secondDirector(page), unreachedDirector(2))
  await goOn(page, 'Virtual IP')
  await expect(page.getByRole('region', { name: /^Virtual IP \d/ })).toHaveCount(0)
  await giveVirtualIp(page, '192.0.2.27', 'eth0')

  await page.getByRole('button', { name: 'Add a virtual IP' }).click()
  await expect(address(1)).toHaveValue('192.0.2.27')
  await expect(address(2)).toHaveValue('192.0.2.28')
  await address(2).fill('192.0.2.12')
  await address(2).blur()
  await expect(page.getByRole('region', { name: 'Virtual IP 2' })).toContainText('already the address of lvs2')
  await address(2).fill('192.0.2.40')
  await expect(page.getByRole('img', { name: /./ }).filter({ hasText: '192.0.2.27 +1' })).toBeVisible()
  await look('wizard-3-two-virtual-ips')

  // Both addresses have to be served before the wizard goes on; a service added now goes to the one that is not.
  await goOn(page, 'Services')
  await giveWebService(page, { intervalS: 2, reentryS: 4 })
  await page.getByRole('button', { name: 'Next: Real servers' }).click()
  await expect(page.getByText(/No service is served at 192\.0\.2\.40\. Give/)).toBeVisible()
  await page.getByRole('button', { name: 'Web 80', exact: true }).click()
  await expect(page.getByText(/No service is served at 192\.0\.2\.40\. Give/)).toBeHidden()
  const second = page.getByRole('region', { name: 'Service web2' })
  await expect(second).toContainText('192.0.2.40:80')
  await look('wizard-4-two-virtual-ips')

  // The same port twice at one address is one too many.
  const choose = async (vip: string) => {
    await second
      .locator('.el-select')
      .filter({ has: page.getByRole('combobox', { name: 'Served at' }) })
      .click()
    await page.getByRole('option', { name: vip }).filter({ visible: true }).click()
  }
  await choose('192.0.2.27')
  await second.getByRole('textbox', { name: 'Port', exact: true }).blur()
  await page.getByRole('button', { name: 'Next: Real servers' }).click()
  await expect(second).toContainText('tcp port 80 is served twice at 192.0.2.27.')
  await choose('192.0.2.40')

  await goOn(page, 'Real servers')
  await giveRealServer(page, { ...unreachedDirector(1), name: 'rs1', address: '192.0.2.21' }, 0)
  await giveRealServer(page, { ...unreachedDirector(1), name: 'rs2', address: '192.0.2.22' }, 1)
  await goOn(page, 'Failure')
  await goOn(page, 'Review')
  await expect(page.getByText(/lvs1 and lvs2 serve .* 192\.0\.2\.27, 192\.0\.2\.40/)).toBeVisible()
  await look('wizard-7-two-virtual-ips')

  await page.getByRole('button', { name: 'Virtual IP', exact: true }).click()
  await page.getByRole('button', { name: 'Remove virtual IP 192.0.2.27' }).click()
  await expect(page.getByRole('textbox', { name: 'Virtual IP' })).toHaveValue('192.0.2.40')
  await draftSaved(page)
  await page.reload()
  await expect(page.getByRole('textbox', { name: 'Virtual IP' })).toHaveValue('192.0.2.40')
  await expect(page.getByRole('region', { name: /^Virtual IP \d/ })).toHaveCount(0)
})
