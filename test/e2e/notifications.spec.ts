/**
 * Notifications in a browser: a channel is added, changed, tested and removed on the simulated cluster, whose directors say what they
 * would have sent; what is typed wrong is said at its field, and no secret comes back to the page.
 */
import { chromium } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'
import { expect, expectAccessible, picture, test, watch } from './fixtures.ts'

const readyMostMs = 30_000
const secretPath = '/robot/send?access_token=t0psecret'

async function openPage(page: Page): Promise<void> {
  await page.locator('.doors button').click()
  await expect(page.locator('[data-kind="served"]')).toBeVisible({ timeout: readyMostMs })
  await page.goto(page.url().replace(/\/?$/, '/notifications'))
}

/** Chooses in one of Element Plus's lists. */
async function choose(dialog: Locator, label: string, option: string): Promise<void> {
  // What is chosen lies over the field.
  await dialog.getByLabel(label, { exact: true }).click({ force: true })
  await dialog.page().getByRole('option', { name: option, exact: true }).click()
}

test('a robot is added, tested, changed without its address, and removed', async ({ signedIn: page }) => {
  test.setTimeout(300_000)
  await openPage(page)
  await expect(page.getByText('No channel yet')).toBeVisible()
  await picture(page, 'notifications-none')
  await page.getByRole('button', { name: 'Add a channel' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(dialog).toContainText('Give it a name in one line.')
  await dialog.getByLabel('Name', { exact: true }).fill('Ops chat')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(dialog).toContainText('Give the address of the webhook.')
  await choose(dialog, 'Kind', 'DingTalk')
  await dialog.getByLabel('Address of the webhook').fill('https://user:pw@oapi.dingtalk.com/robot')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(dialog).toContainText('This is not an http:// or https:// address without a user name.')
  await expect(dialog.getByLabel('Address of the webhook')).toBeFocused()
  await expectAccessible(page, 'the form of a channel')
  await picture(page, 'notifications-form')
  await dialog.getByLabel('Address of the webhook').fill(`https://oapi.dingtalk.com${secretPath}`)
  await dialog.getByLabel(/^Secret/).fill('SECs1gn1ng')
  await dialog.getByLabel('Starts, stops and troubles of the agents').check()
  await dialog.getByLabel('Name', { exact: true }).press('Enter')

  const channel = page.getByRole('article', { name: 'Ops chat' })
  await expect(channel).toContainText('https://oapi.dingtalk.com/…')
  await expect(channel).toContainText('signed')
  await expect(channel.getByRole('row')).toHaveCount(3)

  await page.getByRole('button', { name: 'Send a test over Ops chat' }).click()
  await expect(channel).toContainText('lvs1 is simulated: nothing was sent. It would have said:')
  await expect(channel).toContainText('Test from lvs2: notifications over “Ops chat” arrive here')

  await page.getByRole('article', { name: 'lvs2' }).getByRole('button', { name: 'Kill agent' }).click()
  await expect(channel.getByRole('row').filter({ hasText: 'lvs2' })).toContainText('would have told 1 event', {
    timeout: readyMostMs,
  })

  await page.getByRole('button', { name: 'Edit Ops chat' }).click()
  await expect(dialog).toContainText('Kept: https://oapi.dingtalk.com/…')
  await dialog.getByLabel('Name', { exact: true }).fill('Night shift')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(page.getByRole('article', { name: 'Night shift' })).toContainText('https://oapi.dingtalk.com/…')
  expect(await page.content()).not.toMatch(/t0psecret|s1gn1ng/)

  await page.getByRole('button', { name: 'Remove Night shift' }).click()
  await expect(page.getByRole('dialog')).toContainText('forget its address and secrets')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(page.getByText('No channel yet')).toBeVisible()
})

test('a mailbox: another server needs the password again, and nothing is changed without it', async ({
  signedIn: page,
}) => {
  test.setTimeout(300_000)
  await openPage(page)
  await page.getByRole('button', { name: 'Add a channel' }).click()
  const dialog = page.getByRole('dialog')
  await choose(dialog, 'Kind', 'Mail (SMTP)')
  await dialog.getByLabel('Name', { exact: true }).fill('On call')
  await dialog.getByLabel('Mail server').fill('mail.example.com')
  await choose(dialog, 'Encryption', 'not encrypted')
  await expect(dialog.getByLabel('Port')).toHaveValue('25')
  await dialog.getByLabel('User').fill('shoal')
  await dialog.getByLabel('Password').fill('pa55word')
  await dialog.getByLabel('From').fill('shoal@example.com')
  await dialog.getByLabel('To', { exact: true }).fill('ops@example.com, night@example.com')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(dialog).toContainText('A login is sent over TLS only.')
  await choose(dialog, 'Encryption', 'STARTTLS')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  const channel = page.getByRole('article', { name: 'On call' })
  await expect(channel).toContainText(
    'ops@example.com, night@example.com by way of mail.example.com, port 587, STARTTLS',
  )
  await page.getByRole('button', { name: 'Edit On call' }).click()
  await dialog.getByLabel('Mail server').fill('elsewhere.example')
  await dialog.getByRole('button', { name: 'Save on both directors' }).click()
  await expect(dialog).toContainText('Give the password for this server and user.')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(channel).toContainText('mail.example.com')
})

for (const { locale, scheme } of [
  { locale: 'en-US', scheme: 'light' },
  { locale: 'zh-CN', scheme: 'dark' },
] as const)
  test(`the channels, a test and the form are accessible: ${locale}, ${scheme}`, async ({ serving }) => {
    test.setTimeout(300_000)
    const browser = await chromium.launch(test.info().project.use.launchOptions)
    const context = await browser.newContext({
      locale,
      colorScheme: scheme,
      reducedMotion: 'reduce',
      viewport: { width: 1024, height: 860 },
    })
    const page = await context.newPage()
    const wrong = watch(page)
    await page.goto(serving.address)
    await openPage(page)
    const english = locale === 'en-US'
    await page.getByRole('button', { name: english ? 'Add a channel' : '添加渠道' }).click()
    const dialog = page.getByRole('dialog')
    await choose(dialog, english ? 'Kind' : '种类', english ? 'Feishu / Lark' : '飞书')
    await dialog.getByLabel(english ? 'Name' : '名称', { exact: true }).fill(english ? 'Ops chat' : '值班群')
    await dialog.getByRole('textbox').nth(1).fill('https://open.feishu.cn/open-apis/bot/v2/hook/t0psecret')
    await dialog.locator('details summary').click()
    const name = `notifications-${english ? 'en' : 'zh'}-${scheme}`
    await expectAccessible(page, `the form (${locale}, ${scheme})`)
    await picture(page, `${name}-form`)
    await dialog.locator('.el-button--primary').click()
    const channel = page.locator('article').filter({ hasText: 'open.feishu.cn' })
    await channel.getByRole('button').first().click()
    await expect(channel.locator('pre')).toHaveCount(2)
    await expectAccessible(page, `the channels (${locale}, ${scheme})`)
    await channel.scrollIntoViewIfNeeded()
    await picture(page, name)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(wrong).toEqual([])
    await browser.close()
  })
