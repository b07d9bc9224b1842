/** The wizard as a person goes through it: by the words on the screen. Shared by the browser suite and the lab's runs. */
import { expect } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'

export type LoginBy =
  { readonly kind: 'key'; readonly keyFile: string } | { readonly kind: 'password'; readonly password: string }

export interface HostToGive {
  readonly name: string
  readonly address: string
  readonly port?: string
  readonly user: string
  readonly login: LoginBy
}

/** A director nobody answers for (RFC 5737), logged in to with a key. */
export const unreachedDirector = (n: 1 | 2): HostToGive => ({
  name: `lvs${n}`,
  address: `192.0.2.1${n}`,
  user: 'root',
  login: { kind: 'key', keyFile: '/root/.ssh/id_lab' },
})

export const firstDirector = (page: Page) => page.getByRole('region', { name: 'First director' })
export const secondDirector = (page: Page) => page.getByRole('region', { name: 'Second director' })

export async function openWizard(page: Page): Promise<void> {
  await page.getByRole('main').getByRole('link', { name: 'Set up a cluster' }).click()
  await expect(page.getByRole('heading', { name: 'How should packets flow?' })).toBeVisible()
}

/** Goes on, and waits until the question of the next step is asked. */
export async function goOn(page: Page, step: string): Promise<void> {
  const next = page.getByRole('button', { name: `Next: ${step}` })
  await next.click()
  await expect(page.getByRole('button', { name: step, exact: true })).toHaveAttribute('aria-current', 'step')
}

/** Waits until the draft as it stands is on disk. */
export async function draftSaved(page: Page): Promise<void> {
  await expect(page.getByRole('status').filter({ hasText: /^\s*Draft saved/ })).toBeVisible()
}

/** Types into a field of a list that also takes what is not in it. */
async function typeIntoSelect(field: Locator, text: string): Promise<void> {
  await field.click()
  await field.fill(text)
  // The list makes its entry for a new text a moment after the typing; one that was found says more than its name.
  const name = new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(\\s|$)`)
  await field.page().getByRole('option', { name }).filter({ visible: true }).first().click()
}

/** Fills a host's fields: name, address, user, port and how to log in. */
export async function giveHost(section: Locator, host: HostToGive): Promise<void> {
  await section.getByRole('textbox', { name: 'Name', exact: true }).fill(host.name)
  await section.getByRole('textbox', { name: 'Address', exact: true }).fill(host.address)
  await section.getByRole('textbox', { name: 'User', exact: true }).fill(host.user)
  if (host.port !== undefined) await section.getByRole('textbox', { name: 'SSH port' }).fill(host.port)
  const { login } = host
  // The radio itself is hidden behind its label, as Element Plus draws it.
  const choose = (name: string) =>
    section.getByRole('radiogroup', { name: 'Log in with' }).getByText(name, { exact: true }).click()
  if (login.kind === 'key') {
    await choose('Key')
    await section.getByRole('combobox', { name: 'Private key file' }).fill(login.keyFile)
  } else {
    await choose('Password')
    await section.getByRole('textbox', { name: 'Password', exact: true }).fill(login.password)
  }
}

export async function testConnection(section: Locator): Promise<void> {
  await section.getByRole('button', { name: /^Test connection/ }).click()
}

/** Answers the question for an unknown host key with yes; returns the fingerprint shown. */
export async function acceptKey(page: Page, address: string): Promise<string> {
  const dialog = page.getByRole('dialog', { name: `Is this ${address}?` })
  await expect(dialog).toBeVisible({ timeout: 30_000 })
  const fingerprint = (await dialog.getByTestId('fingerprint').textContent()) ?? ''
  await dialog.getByRole('button', { name: 'Accept this key' }).click()
  await expect(dialog).toBeHidden({ timeout: 30_000 })
  return fingerprint
}

export async function giveVirtualIp(page: Page, address: string, device: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Virtual IP' }).fill(address)
  await typeIntoSelect(page.getByRole('combobox', { name: 'Network card' }), device)
}

/** A web service checked every `intervalS` seconds and back after `reentryS`. */
export async function giveWebService(page: Page, check: { intervalS: number; reentryS: number }): Promise<void> {
  await page.getByRole('button', { name: 'Web 80', exact: true }).click()
  const service = page.getByRole('region', { name: 'Service web' })
  await service.getByRole('textbox', { name: 'Check every' }).fill(String(check.intervalS))
  await service.getByRole('textbox', { name: 'Back in after' }).fill(String(check.reentryS))
}

/** Adds a real server and answers its questions; answers its part of the page. */
export async function giveRealServer(page: Page, host: HostToGive, at: number): Promise<Locator> {
  const sections = page.getByRole('region', { name: /^Real server/ })
  if ((await sections.count()) <= at) await page.getByRole('button', { name: 'Add a real server' }).click()
  const section = sections.nth(at)
  await giveHost(section, host)
  return section
}
