/**
 * An lvs.cf on real hosts: opened over SSH from where Piranha's packages put it, changed, merged with a change made there meanwhile, and
 * saved with its owner, mode and the version before kept; by root with a key, and by an account that needs sudo and its password.
 */
import type { Locator, Page } from '@playwright/test'
import { expect, test } from '@playwright/test'
import { expectAccessible, picture } from './fixtures.ts'
import { openBench } from './lab.ts'
import type { LabBench } from './lab.ts'

const place = '/etc/sysconfig/ha/lvs.cf'
const original = `serial_no = 42
primary = 192.0.2.1
service = lvs
network = direct
virtual shop {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 80
     timeout = 6
     server web1 {
         address = 192.0.2.11
         active = 1
     }
}
`

test.describe.configure({ mode: 'serial' })

let bench: LabBench
const text = (page: Page): Locator => page.locator('.cm-content')
const bar = (page: Page, name: string): Locator => page.locator('.bar').getByRole('button', { name, exact: true })
const savedState = (page: Page): Locator => page.getByTestId('saved-state')
const on = async (host: string, command: string): Promise<string> => (await bench.lab.ssh(host, command)).stdout

/** The file as an old cluster has it: root's, readable by the group that administers it. */
async function putOn(host: string): Promise<void> {
  const content = Buffer.from(original).toString('base64')
  await on(
    host,
    `install -d /etc/sysconfig/ha && echo ${content} | base64 -d >${place} && chown root:adm ${place} && chmod 0640 ${place}`,
  )
}

test.beforeAll(async () => {
  test.setTimeout(300_000)
  bench = await openBench({ name: 'e2e-document' })
  await putOn('lvs1')
})
test.afterAll(() => bench?.close())

async function openOn(page: Page, host: string, login: (form: Locator) => Promise<void>): Promise<void> {
  await page.goto(`${bench.serving.origin}/#/document`)
  await page.getByText('On a director …').click()
  const form = page.locator('details form')
  await form.getByLabel('Address of the host').fill(bench.lab.address(host))
  await login(form)
  await form.getByRole('button', { name: 'Open from the director' }).click()
}

test('root opens the file of a director, and a change made there meanwhile is merged, not overwritten', async () => {
  const { page, lab } = bench
  await openOn(page, 'lvs1', async (form) => {
    await form.getByRole('combobox', { name: 'Key file' }).fill(lab.credentials.root.privateKeyPath)
  })
  await page.getByRole('button', { name: 'Accept this key' }).click({ timeout: 30_000 })
  await expect(text(page)).toContainText('virtual shop', { timeout: 30_000 })
  await page.getByRole('treeitem', { name: /shop/ }).click()
  await page.getByLabel('port', { exact: true }).fill('8080')
  await on('lvs1', `sed -i 's/serial_no = 42/serial_no = 43/' ${place}`)
  await bar(page, 'Save').click()
  const merge = page.getByTestId('merge')
  await expect(merge).toContainText('lvs.cf changed on disk', { timeout: 30_000 })
  await picture(page, 'lab-document-merge')
  await expectAccessible(page, 'the merge of a file on a host')
  await merge.getByRole('button', { name: 'Save the result' }).click()
  await expect(savedState(page)).toHaveText('Saved', { timeout: 30_000 })
  const merged = original.replace('serial_no = 42', 'serial_no = 43').replace('port = 80\n', 'port = 8080\n')
  expect(await on('lvs1', `cat ${place}`)).toBe(merged.trimEnd())
  expect(await on('lvs1', `stat -c '%U:%G %a' ${place}`)).toBe('root:adm 640')
  // The version before is kept there.
  expect(await on('lvs1', 'cat /var/lib/shoal/kept/documents/*')).toContain('serial_no = 43')
  expect(await on('lvs1', 'ls -A /etc/sysconfig/ha')).toBe('lvs.cf')
})

test('an account with sudo saves the same document to the other director, where none is yet', async () => {
  const { page, lab } = bench
  const { user, password } = lab.credentials.admin
  await bar(page, 'Save as …').click()
  const dialog = page.getByRole('dialog', { name: 'Save as' })
  await dialog.getByText('On a host', { exact: true }).click()
  await dialog.getByLabel('Address of the host').fill(lab.address('lvs2'))
  await dialog.getByLabel('Path there').fill('/etc/lvs.cf')
  await dialog.getByRole('textbox', { name: 'User' }).fill(user)
  await dialog.getByRole('radiogroup', { name: 'Log in with' }).getByText('Password', { exact: true }).click()
  await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill(password)
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await dialog.getByRole('button', { name: 'Accept this key' }).click({ timeout: 30_000 })
  await expect(dialog).toHaveCount(0, { timeout: 30_000 })
  await expect(page.locator('.bar')).toContainText(`${user}@${lab.address('lvs2')}`)
  expect(await on('lvs2', "stat -c '%U:%G %a' /etc/lvs.cf")).toBe('root:root 644')
  expect(await on('lvs2', 'sha256sum </etc/lvs.cf')).toBe(await on('lvs1', `sha256sum <${place}`))
})

test('a host that goes away loses nothing: what was typed is saved when it is back', async () => {
  const { page, lab } = bench
  await page.getByLabel('timeout', { exact: true }).fill('9')
  await lab.crash('lvs2')
  await bar(page, 'Save').click()
  await expect(page.getByRole('alert')).toContainText(lab.address('lvs2'), { timeout: 90_000 })
  await expect(savedState(page)).toHaveText('Not saved')
  await lab.boot('lvs2')
  await bar(page, 'Save').click()
  await expect(savedState(page)).toHaveText('Saved', { timeout: 90_000 })
  expect(await on('lvs2', 'grep timeout /etc/lvs.cf')).toContain('timeout = 9')
  expect(bench.wrong).toEqual([])
})
