/** The wizard without any host: nothing typed is lost, wrong answers are said while typing, and hosts that cannot be had say why. */
import { chromium } from '@playwright/test'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { expect, expectAccessible, picture, test, watch } from './fixtures.ts'
import { scratch, startServe } from './serve.ts'
import { newHostKey, openSshDoor } from './ssh-door.ts'
import {
  acceptKey,
  draftSaved,
  firstDirector,
  giveHost,
  giveRealServer,
  giveVirtualIp,
  giveWebService,
  goOn,
  openWizard,
  secondDirector,
  testConnection,
  unreachedDirector,
} from './wizard.ts'

test('a draft survives going back, a reload and a crash of Shoal', async ({ browser }) => {
  const dir = scratch()
  const dataDir = path.join(dir, 'data')
  const first = await startServe({ dataDir })
  const page = await browser.newPage()
  const wrong = watch(page)
  await page.goto(first.address)
  await openWizard(page)
  await page.getByRole('textbox', { name: 'Name of the cluster' }).fill('shop')
  await goOn(page, 'Directors')
  await giveHost(firstDirector(page), unreachedDirector(1))
  await giveHost(secondDirector(page), { ...unreachedDirector(2), address: '192.0.2.' })

  await page.getByRole('button', { name: 'Back' }).click()
  await expect(page.getByRole('textbox', { name: 'Name of the cluster' })).toHaveValue('shop')
  await goOn(page, 'Directors')
  await expect(secondDirector(page).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.')
  await draftSaved(page)
  await page.reload()
  await expect(secondDirector(page).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.')
  expect(wrong).toEqual([])
  await first.kill()
  await page.close()

  const second = await startServe({ dataDir })
  const later = await browser.newPage()
  await later.goto(second.address)
  await expect(later.getByText('At step 2 of 9, Directors')).toBeVisible()
  await picture(later, 'start-with-draft')
  await later.getByRole('button', { name: 'Continue shop' }).click()
  await expect(firstDirector(later).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.11')
  await expect(firstDirector(later).getByRole('combobox', { name: 'Private key file' })).toHaveValue(
    '/root/.ssh/id_lab',
  )
  await expect(secondDirector(later).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.')
  await later.close()
  await second.stop()
  rmSync(dir, { recursive: true })
})

test('a password is never in the draft', async ({ signedIn: page, serving }) => {
  await openWizard(page)
  await goOn(page, 'Directors')
  await giveHost(firstDirector(page), {
    ...unreachedDirector(1),
    login: { kind: 'password', password: 'only-in-memory' },
  })
  await draftSaved(page)
  await page.reload()
  await expect(firstDirector(page).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.11')
  const { execFileSync } = await import('node:child_process')
  const files = execFileSync('grep', ['-rc', '192.0.2.11', serving.dataDir], { encoding: 'utf8' })
  expect(files).toMatch(/:[1-9]/)
  expect(() => execFileSync('grep', ['-rq', 'only-in-memory', serving.dataDir])).toThrow()
  expect(serving.output()).not.toContain('only-in-memory')
})

test('wrong answers are said while typing, with the reason, and block going on', async ({ signedIn: page }) => {
  await openWizard(page)
  await goOn(page, 'Directors')
  const address = firstDirector(page).getByRole('textbox', { name: 'Address' })
  await giveHost(firstDirector(page), unreachedDirector(1))
  await giveHost(secondDirector(page), unreachedDirector(1))
  await expect(secondDirector(page)).toContainText('already the address of lvs1')
  await giveHost(secondDirector(page), unreachedDirector(2))
  await address.fill('192.0.2.300')
  await address.blur()
  await expect(address).toHaveAttribute('aria-invalid', 'true')
  await expect(firstDirector(page)).toContainText('192.0.2.300')
  await page.getByRole('button', { name: 'Next: Virtual IP' }).click()
  await expect(page.getByRole('alert').filter({ hasText: /missing or not possible/ })).toBeVisible()
  await expectAccessible(page, 'a step with problems')
  await address.fill('192.0.2.11')
  await expect(address).toHaveAttribute('aria-invalid', 'false')
  await goOn(page, 'Virtual IP')
  await giveVirtualIp(page, '192.0.2.11', 'eth0')
  await page.getByRole('textbox', { name: 'Prefix length' }).click()
  await expect(page.getByRole('textbox', { name: 'Virtual IP' })).toHaveAttribute('aria-invalid', 'true')
  await giveVirtualIp(page, '192.0.2.27', 'eth0')
  await expect(page.getByRole('textbox', { name: 'Virtual IP' })).toHaveAttribute('aria-invalid', 'false')
})

test('two windows on one draft: nothing is overwritten unasked', async ({ signedIn: page }) => {
  await openWizard(page)
  await page.getByRole('textbox', { name: 'Name of the cluster' }).fill('from the first')
  await draftSaved(page)
  await goOn(page, 'Directors')
  await draftSaved(page)
  const other = await page.context().newPage()
  await other.goto(page.url())
  await expect(other.getByRole('heading', { level: 1 })).toContainText('from the first')
  // While the first window is away from the network, the second one goes on.
  await page.route('**/ask/drafts.keep', (route) => route.abort())
  await firstDirector(page).getByRole('textbox', { name: 'Address' }).fill('192.0.2.51')
  await expect(page.getByText('The draft is not saved.')).toBeVisible()
  await firstDirector(other).getByRole('textbox', { name: 'Address' }).fill('192.0.2.52')
  await draftSaved(other)
  await page.unroute('**/ask/drafts.keep')
  await firstDirector(page).getByRole('textbox', { name: 'Address' }).fill('192.0.2.53')
  await expect(page.getByText('This draft was changed in another window.')).toBeVisible()
  await picture(page, 'draft-conflict')
  await expectAccessible(page, 'the conflict')
  await expect(firstDirector(page).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.53')
  await page.getByRole('button', { name: 'Load the other version' }).click()
  await expect(firstDirector(page).getByRole('textbox', { name: 'Address' })).toHaveValue('192.0.2.52')
  await other.close()
})

test.describe('a host that cannot be had', () => {
  test('nobody listens there, or the name is unknown', async ({ signedIn: page }) => {
    await openWizard(page)
    await goOn(page, 'Directors')
    const first = firstDirector(page)
    await giveHost(first, {
      ...unreachedDirector(1),
      address: '127.0.0.1',
      port: '9',
      login: { kind: 'password', password: 'x' },
    })
    await testConnection(first)
    await expect(first.getByRole('alert')).toContainText('127.0.0.1')
    await expect(first.getByRole('alert')).toContainText('9')
    await picture(page, 'host-refused')
    await first.getByRole('textbox', { name: 'Address' }).fill('no-such-host.invalid')
    await testConnection(first)
    await expect(first.getByRole('alert')).toContainText('no-such-host.invalid', { timeout: 20_000 })
  })

  test('an unknown key is asked about, a wrong password said, a changed key refused', async ({ signedIn: page }) => {
    const door = await openSshDoor(newHostKey(), 'right')
    await openWizard(page)
    await goOn(page, 'Directors')
    const first = firstDirector(page)
    const host = { ...unreachedDirector(1), address: '127.0.0.1', port: String(door.port) }
    await giveHost(first, { ...host, login: { kind: 'password', password: 'wrong' } })
    await testConnection(first)
    const dialog = page.getByRole('dialog', { name: 'Is this 127.0.0.1?' })
    await expect(dialog).toBeVisible()
    expect(door.tried).toEqual([])
    await picture(page, 'host-key')
    await expectAccessible(page, 'the host key dialog')
    expect(await acceptKey(page, '127.0.0.1')).toMatch(/^SHA256:/)
    await expect(first.getByRole('alert')).toContainText(/root/, { timeout: 20_000 })
    expect(door.tried).toEqual(['wrong'])
    await door.close()

    const impostor = await openSshDoor(newHostKey(), 'right', door.port)
    await testConnection(first)
    await expect(first.getByRole('alert')).toContainText(/key/i)
    await expect(first.getByRole('alert')).toContainText(/SHA256:/)
    await expect(dialog).toBeHidden()
    expect(impostor.tried).toEqual([])
    await impostor.close()
  })
})

for (const { locale, scheme } of [
  { locale: 'en-US', scheme: 'light' },
  { locale: 'en-US', scheme: 'dark' },
  { locale: 'zh-CN', scheme: 'light' },
] as const) {
  test(`every page before the hosts is accessible: ${locale}, ${scheme}`, async ({ serving }) => {
    const browser = await chromium.launch(test.info().project.use.launchOptions)
    const context = await browser.newContext({
      locale,
      colorScheme: scheme,
      reducedMotion: 'reduce',
      viewport: { width: 1280, height: 860 },
    })
    const page = await context.newPage()
    const wrong = watch(page)
    await page.goto(serving.address)
    await expect(page.getByRole('navigation').first()).toBeVisible()
    const english = page.getByRole('button', { name: 'English' })
    // The wizard is gone through by its English words; each page is looked at in the language of the run.
    const look = async (name: string) => {
      if (locale === 'zh-CN') await page.getByRole('button', { name: '简体中文' }).click()
      await expectAccessible(page, `${name} (${locale}, ${scheme})`)
      if (locale === 'zh-CN') await expect(page.getByRole('main')).toContainText(/[\u4e00-\u9fff]/)
      await picture(page, `${name}-${locale === 'zh-CN' ? 'zh' : scheme}`)
      await english.click()
    }
    await look('start')
    await openWizard(page)
    await look('wizard-1-topology')
    await goOn(page, 'Directors')
    await giveHost(firstDirector(page), unreachedDirector(1))
    await giveHost(secondDirector(page), unreachedDirector(2))
    await look('wizard-2-directors')
    await goOn(page, 'Virtual IP')
    await giveVirtualIp(page, '192.0.2.27', 'eth0')
    await look('wizard-3-virtual-ip')
    await goOn(page, 'Services')
    await giveWebService(page, { intervalS: 2, reentryS: 4 })
    await look('wizard-4-services')
    await goOn(page, 'Real servers')
    await giveRealServer(page, { ...unreachedDirector(1), name: 'rs1', address: '192.0.2.21' }, 0)
    await giveRealServer(page, { ...unreachedDirector(1), name: 'rs2', address: '192.0.2.22' }, 1)
    await look('wizard-5-real-servers')
    await goOn(page, 'Failure')
    await look('wizard-6-failure')
    expect(wrong).toEqual([])
    await browser.close()
  })
}
