/**
 * The document page in a real browser: one text in two views, problems where they are, and nothing of a file lost: not a byte that was
 * not meant, not a version nobody has seen, not what was typed before a crash.
 */
import type { Locator, Page } from '@playwright/test'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { largeFile } from '../bench/generated.ts'
import { startHost } from '../core/ssh-host.ts'
import { expect, expectAccessible, picture, test } from './fixtures.ts'
import { scratch } from './serve.ts'

/** The home directory of these tests' Shoal, with the files they open. */
const scratchHome = scratch()
test.use({ serveWith: { home: scratchHome } })

const original = `serial_no = 42
primary = 192.0.2.1
service = lvs
backup_active = 1
backup = 192.0.2.2
heartbeat = 1
heartbeat_port = 539
keepalive = 6
deadtime = 18
network = direct
debug_level = NONE
# the shop, do not touch before six
virtual shop {
     active = 1
     address = 192.0.2.80 eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     server web1 {
         address = 192.0.2.11
         active = 1
         weight = 1
     }
     server web2 {
         address = 192.0.2.12
         active = 1
         weight = 2
     }
}
`

const bar = (page: Page, name: string): Locator => page.locator('.bar').getByRole('button', { name, exact: true })
const text = (page: Page): Locator => page.locator('.cm-content')
const line = (page: Page, words: string | RegExp): Locator => page.locator('.cm-line', { hasText: words })
const treeItem = (page: Page, name: string): Locator => page.getByRole('treeitem', { name: new RegExp(`^\\W*${name}`) })
const savedState = (page: Page): Locator => page.getByTestId('saved-state')

/** A file of its own in the home directory of this test's Shoal, opened by its path. */
async function openFile(page: Page, contents: string | Buffer, name = 'lvs.cf'): Promise<string> {
  const file = path.join(scratchHome, name)
  writeFileSync(file, contents)
  await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
  await page.getByLabel('Path of the file').fill(`~/${name}`)
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await expect(text(page)).toBeVisible()
  return file
}

test.describe('one text in two views', () => {
  test('a field changes its value in the text and no other byte of the file', async ({ signedIn: page }) => {
    const file = await openFile(page, original)
    await expect(page.getByTestId('problems')).toContainText('No problems.')
    await picture(page, 'document')
    await treeItem(page, 'shop').click()
    await page.getByLabel('port', { exact: true }).fill('8080')
    await expect(line(page, 'port = 8080')).toBeVisible()
    await expect(savedState(page)).toHaveText('Not saved')
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(file, 'utf8')).toBe(original.replace('port = 80\n', 'port = 8080\n'))
  })

  test('typing in the text moves the form, and the form follows the cursor', async ({ signedIn: page }) => {
    await openFile(page, original)
    await line(page, 'address = 192.0.2.12').click()
    await expect(page.getByTestId('form')).toContainText('web2')
    await line(page, 'weight = 2').click()
    await page.keyboard.press('End')
    await page.keyboard.press('Backspace')
    await page.keyboard.type('70')
    await expect(page.getByLabel('weight', { exact: true })).toHaveValue('70')
    await line(page, 'keepalive').click()
    await expect(page.getByLabel('keepalive', { exact: true })).toHaveValue('6')
  })

  test('undo and redo go through both', async ({ signedIn: page }) => {
    await openFile(page, original)
    await line(page, 'weight = 2').click()
    await page.keyboard.press('End')
    await page.keyboard.type('0')
    await treeItem(page, 'shop').click()
    await page.getByLabel('scheduler', { exact: true }).selectOption('rr')
    await expect(line(page, 'scheduler = rr')).toBeVisible()
    await page.keyboard.press('Control+z')
    await expect(line(page, 'scheduler = wlc')).toBeVisible()
    await expect(line(page, 'weight = 20')).toBeVisible()
    await text(page).press('Control+z')
    await expect(line(page, /weight = 2$/)).toBeVisible()
    await expect(savedState(page)).toHaveText('Saved')
    await bar(page, 'Redo').click()
    await bar(page, 'Redo').click()
    await expect(page.getByLabel('scheduler', { exact: true })).toHaveValue('rr')
  })

  test('servers are added, copied, moved, switched off and removed, and undo brings the file back', async ({
    signedIn: page,
  }) => {
    const file = await openFile(page, original)
    await treeItem(page, 'shop').click()
    await page.getByRole('button', { name: 'Add real server' }).click()
    await expect(page.getByTestId('form')).toContainText('server1')
    await page.getByLabel('address', { exact: true }).fill('192.0.2.13')
    await page.getByRole('button', { name: 'Activate', exact: true }).click()
    await page.getByRole('button', { name: 'Move up' }).click()
    await page.getByRole('button', { name: 'Duplicate' }).click()
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('server2')
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    const added =
      '     server server1 {\n         address = 192.0.2.13\n         active = 1\n         weight = 1\n     }\n'
    expect(readFileSync(file, 'utf8')).toBe(original.replace('     server web2', `${added}     server web2`))
    await text(page).click()
    for (let step = 0; step < 20; step++) await page.keyboard.press('Control+z')
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(file, 'utf8')).toBe(original)
  })
})

test.describe('problems', () => {
  const broken = original
    .replace('deadtime = 18\n', 'deadtime = 18 # seconds\n')
    .replace('scheduler = wlc', 'scheduler = pcc')
    .replace('timeout = 6', 'timeout=6')
    .replace('virtual shop {', 'virtual shop\n{')

  test('each is underlined where it is, said below, and fixed by one click', async ({ signedIn: page }) => {
    const file = await openFile(page, broken)
    await expect(page.locator('.cm-lintRange')).not.toHaveCount(0)
    await expect(page.locator('.cm-lintRange-error', { hasText: 'pcc' })).toBeVisible()
    await expect(page.getByTestId('problems')).toContainText('The scheduler pcc is not known.')
    await picture(page, 'document-problems')
    await expectAccessible(page, 'the document with problems')

    await page.getByRole('button', { name: 'Fix: put the comment on its own line' }).click()
    await page.getByRole('button', { name: 'Fix: write the equals sign between blanks' }).click()
    await page.getByRole('button', { name: 'Fix: put the brace on the opening line' }).click()
    // The scheduler has several right answers: they are offered where it stands.
    await page.locator('.cm-lintRange-error', { hasText: 'pcc' }).hover()
    await page.locator('.cm-diagnosticAction', { hasText: 'write wlc' }).click()
    await expect(page.getByTestId('problems')).toContainText('No problems.')
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(file, 'utf8')).toBe(original.replace('deadtime = 18\n', '# seconds\ndeadtime = 18\n'))
  })

  test('a click on a problem goes to its place', async ({ signedIn: page }) => {
    await openFile(page, broken)
    await page
      .getByTestId('problems')
      .getByRole('button', { name: /timeout/ })
      .first()
      .click()
    await expect(page.locator('.cm-activeLine')).toContainText('timeout=6')
    await expect(page.getByTestId('form')).toContainText('shop')
  })
})

test.describe('help while typing', () => {
  test('directives are completed by scope, values by directive, and explained', async ({ signedIn: page }) => {
    await openFile(page, original)
    await line(page, 'reentry = 15').click()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.keyboard.type('quie')
    const list = page.locator('.cm-tooltip-autocomplete')
    await expect(list).toContainText('quiesce_server')
    await expect(list).not.toContainText('keepalive')
    await expect(page.locator('.cm-completionInfo')).toContainText('weight 0')
    await page.waitForTimeout(120)
    await page.keyboard.press('Enter')
    await expect(line(page, 'quiesce_server =')).toHaveText('     quiesce_server = ')
    await page.keyboard.press('Control+Space')
    await expect(list.getByText('1', { exact: true })).toBeVisible()
    await page.keyboard.press('Escape')
    await line(page, 'reentry = 15').locator('.lv-key').hover()
    await expect(page.locator('.cm-tooltip-hover')).toContainText('successful checks')
  })

  test('blocks fold, and the difference to the saved file is one click away', async ({ signedIn: page }) => {
    await openFile(page, original)
    await line(page, 'server web1').click()
    await page.keyboard.press('Control+Shift+BracketLeft')
    await expect(line(page, 'address = 192.0.2.11')).toHaveCount(0)
    await page.keyboard.press('Control+Shift+BracketRight')
    await expect(line(page, 'address = 192.0.2.11')).toBeVisible()
    await treeItem(page, 'shop').click()
    await page.getByLabel('timeout', { exact: true }).fill('10')
    await bar(page, 'Changes').click()
    await expect(page.locator('.cm-changedLine, .cm-inlineChangedLine')).toContainText('timeout')
    await picture(page, 'document-changes')
  })

  test('what Piranha makes of the file stands beside it', async ({ signedIn: page }) => {
    await openFile(page, original.replace('network = direct', 'network = direct # here'))
    await bar(page, 'As Piranha sees it').click()
    await expect(page.getByTestId('piranha')).toContainText('refuse the file at line 10')
    await page.getByRole('button', { name: 'Fix: put the comment on its own line' }).click()
    await expect(page.getByTestId('piranha')).toContainText('accept the file')
    await picture(page, 'document-piranha')
    await expectAccessible(page, 'the document as Piranha sees it')
  })
})

test.describe('files', () => {
  test('a file changed meanwhile is merged, not overwritten', async ({ signedIn: page }) => {
    const file = await openFile(page, original)
    await treeItem(page, 'shop').click()
    await page.getByLabel('port', { exact: true }).fill('81')
    await page.getByLabel('timeout', { exact: true }).fill('7')
    const theirs = original.replace('port = 80\n', 'port = 82\n').replace('serial_no = 42', 'serial_no = 43')
    writeFileSync(file, theirs)
    await bar(page, 'Save').click()
    const merge = page.getByTestId('merge')
    await expect(merge).toContainText('lvs.cf changed on disk')
    expect(readFileSync(file, 'utf8')).toBe(theirs)
    await expect(merge.getByRole('button', { name: 'Save the result' })).toBeDisabled()
    await picture(page, 'document-merge')
    await expectAccessible(page, 'the merge')
    await merge.locator('.conflict').getByLabel('Take theirs').check()
    await merge.getByRole('button', { name: 'Save the result' }).click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(file, 'utf8')).toBe(theirs.replace('timeout = 6', 'timeout = 7'))
  })

  test('what was typed and not saved is back after a reload', async ({ signedIn: page }) => {
    const file = await openFile(page, original)
    await treeItem(page, 'web1').click()
    await page.getByLabel('weight', { exact: true }).fill('33')
    await page.waitForTimeout(1_200)
    await page.reload()
    await expect(line(page, 'weight = 33')).toBeVisible()
    await expect(page.getByText('Unsaved changes of')).toBeVisible()
    await expect(savedState(page)).toHaveText('Not saved')
    expect(readFileSync(file, 'utf8')).toBe(original)
    await text(page).press('Control+z')
    await expect(savedState(page)).toHaveText('Saved')
  })

  test('CR LF, a byte order mark and GB18030 stay as they are', async ({ signedIn: page }) => {
    const gb = Buffer.concat([Buffer.from('# '), Buffer.from('d6d0cec4', 'hex'), Buffer.from('\r\n')])
    const crlf = Buffer.concat([gb, Buffer.from(original.replaceAll('\n', '\r\n'))])
    const file = await openFile(page, crlf)
    await expect(line(page, '# 中文')).toBeVisible()
    await expect(page.locator('.bar')).toContainText('GB18030')
    await expect(page.locator('.bar')).toContainText('CRLF')
    await treeItem(page, 'shop').click()
    await page.getByLabel('port', { exact: true }).fill('81')
    await line(page, 'reentry = 15').click()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.keyboard.type('quiesce_server = 1')
    await page.keyboard.press('Escape')
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    const wanted = original
      .replace('port = 80\n', 'port = 81\n')
      .replace('reentry = 15\n', 'reentry = 15\n     quiesce_server = 1\n')
      .replaceAll('\n', '\r\n')
    expect(readFileSync(file).equals(Buffer.concat([gb, Buffer.from(wanted)]))).toBe(true)
    await page.getByRole('button', { name: 'Fix: end lines with LF' }).click()
    await bar(page, 'Save').click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(file).includes(0x0d)).toBe(false)
  })

  test('a new document is saved where one says, never over a file unasked', async ({ signedIn: page }) => {
    writeFileSync(path.join(scratchHome, 'taken.cf'), 'service = lvs\n')
    await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
    await expectAccessible(page, 'the start of the document page')
    await page.getByRole('button', { name: 'New document' }).click()
    await expect(line(page, 'virtual service1')).toBeVisible()
    await bar(page, 'Save').click()
    await page.getByLabel('Path of the new file').fill('~/taken.cf')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('alert')).toContainText('is there already')
    expect(readFileSync(path.join(scratchHome, 'taken.cf'), 'utf8')).toBe('service = lvs\n')
    await page.getByLabel('Path of the new file').fill('~/fresh.cf')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await expect(savedState(page)).toHaveText('Saved')
    expect(readFileSync(path.join(scratchHome, 'fresh.cf'), 'utf8')).toContain('virtual service1 {\n     active = 0\n')
  })

  test('a new document that was never saved is not dropped for another one unasked', async ({ signedIn: page }) => {
    await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
    await page.getByRole('button', { name: 'New document' }).click()
    await treeItem(page, 'service1').click()
    await page.getByLabel('timeout', { exact: true }).fill('77')
    await bar(page, 'Other file').click()
    await page.getByRole('button', { name: 'New document', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'A new document was never saved' })
    await expectAccessible(page, 'the question about an unsaved new document')
    await dialog.getByRole('button', { name: 'Go on with it' }).click()
    await expect(line(page, 'timeout = 77')).toBeVisible()
    await bar(page, 'Other file').click()
    await page.getByRole('button', { name: 'New document', exact: true }).click()
    await dialog.getByRole('button', { name: 'Drop it and begin anew' }).click()
    await expect(line(page, 'virtual service1')).toBeVisible()
    await expect(line(page, 'timeout = 77')).toHaveCount(0)
  })

  test('a file that is not there is said', async ({ signedIn: page }) => {
    await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
    await page.getByLabel('Path of the file').fill('~/nowhere.cf')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await expect(page.getByRole('alert')).toContainText('nowhere.cf cannot be read')
  })
})

test('a file on a director is opened, saved and merged over SSH', async ({ signedIn: page }) => {
  const host = await startHost({ password: 'only-here' })
  const file = path.join(host.folder, 'lvs.cf')
  writeFileSync(file, original)
  await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
  await page.getByText('On a director …').click()
  await expect(page.getByLabel('Path there')).toHaveValue('/etc/sysconfig/ha/lvs.cf')
  await page.getByLabel('Address of the host').fill('127.0.0.1')
  await page.getByLabel('Path there').fill(file)
  await page.getByRole('textbox', { name: 'SSH port' }).fill(String(host.port))
  await page.getByRole('radiogroup', { name: 'Log in with' }).getByText('Password', { exact: true }).click()
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill('only-here')
  const open = page.getByRole('button', { name: 'Open from the director' })
  await open.click()
  await expect(page.getByRole('alert')).toContainText('SHA256:')
  expect(host.logins).toEqual([])
  await picture(page, 'document-director')
  await expectAccessible(page, 'opening from a director')
  await page.getByRole('button', { name: 'Accept this key' }).click()
  await expect(text(page)).toBeVisible()
  await expect(page.locator('.bar')).toContainText('root@127.0.0.1')

  await treeItem(page, 'shop').click()
  await page.getByLabel('port', { exact: true }).fill('8080')
  await bar(page, 'Save').click()
  await expect(savedState(page)).toHaveText('Saved')
  const saved = original.replace('port = 80\n', 'port = 8080\n')
  expect(readFileSync(file, 'utf8')).toBe(saved)

  await page.getByLabel('timeout', { exact: true }).fill('7')
  const theirs = saved.replace('serial_no = 42', 'serial_no = 43')
  writeFileSync(file, theirs)
  await bar(page, 'Save').click()
  const merge = page.getByTestId('merge')
  await expect(merge).toContainText('lvs.cf changed on disk')
  expect(readFileSync(file, 'utf8')).toBe(theirs)
  await merge.getByRole('button', { name: 'Save the result' }).click()
  await expect(savedState(page)).toHaveText('Saved')
  expect(readFileSync(file, 'utf8')).toBe(theirs.replace('timeout = 6', 'timeout = 7'))

  // Unsaved changes of a file on a host are kept here, and come back when it is opened again.
  await page.getByLabel('timeout', { exact: true }).fill('9')
  await page.waitForTimeout(1_200)
  await page.reload()
  await expect(line(page, 'timeout = 9')).toBeVisible()
  await expect(savedState(page)).toHaveText('Not saved')

  host.down = true
  host.cut()
  await bar(page, 'Save').click()
  await expect(page.getByRole('alert')).toContainText('127.0.0.1')
  await expect(savedState(page)).toHaveText('Not saved')
  await host.close()
})

test('a document is saved to a host it did not come from, never over a file there unasked', async ({
  signedIn: page,
}) => {
  const folder = mkdtempSync(path.join(scratchHome, 'host-'))
  const there = path.join(folder, 'lvs.cf')
  writeFileSync(there, 'serial_no = 1\n', { mode: 0o640 })
  const host = await startHost({ password: 'only-here' })
  await openFile(page, original)
  await bar(page, 'Save as …').click()
  const dialog = page.getByRole('dialog', { name: 'Save as' })
  await dialog.getByText('On a host', { exact: true }).click()
  await dialog.getByLabel('Address of the host').fill('127.0.0.1')
  await dialog.getByLabel('Path there').fill(there)
  await dialog.getByRole('textbox', { name: 'SSH port' }).fill(String(host.port))
  await dialog.getByRole('radiogroup', { name: 'Log in with' }).getByText('Password', { exact: true }).click()
  await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill('only-here')
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(dialog.getByRole('alert')).toContainText('SHA256:')
  await picture(page, 'document-save-to-host')
  await expectAccessible(page, 'saving to a host')
  await dialog.getByRole('button', { name: 'Accept this key' }).click()
  await expect(dialog.getByRole('alert')).toContainText('is there already')
  expect(readFileSync(there, 'utf8')).toBe('serial_no = 1\n')
  await dialog.getByRole('button', { name: 'Replace it' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.locator('.bar')).toContainText('root@127.0.0.1')
  expect([readFileSync(there, 'utf8'), statSync(there).mode & 0o777]).toEqual([original, 0o640])
  await host.close()
})

test('the encoding is changed by hand: read again, or saved in another', async ({ signedIn: page }) => {
  const bytes = Buffer.concat([Buffer.from('# '), Buffer.from('d6d0cec4', 'hex'), Buffer.from(`\n${original}`)])
  const file = await openFile(page, bytes)
  await page.getByRole('button', { name: 'Encoding GB18030' }).click()
  const dialog = page.getByRole('dialog', { name: 'Encoding' })
  await expectAccessible(page, 'the encoding')
  await dialog.getByLabel('UTF-8').check()
  await dialog.getByRole('button', { name: 'Read again as UTF-8' }).click()
  await expect(dialog.getByRole('alert')).toContainText('some would be others')
  await picture(page, 'document-encoding')
  await dialog.getByLabel('Latin-1').check()
  await dialog.getByRole('button', { name: 'Read again as Latin-1' }).click()
  await expect(line(page, '# ÖÐÎÄ')).toBeVisible()
  await page.getByRole('button', { name: 'Encoding Latin-1' }).click()
  await dialog.getByLabel('GB18030').check()
  await dialog.getByRole('button', { name: 'Read again as GB18030' }).click()
  await expect(line(page, '# 中文')).toBeVisible()
  await page.getByRole('button', { name: 'Encoding GB18030' }).click()
  await dialog.getByLabel('UTF-8').check()
  await dialog.getByRole('button', { name: 'Save as UTF-8' }).click()
  await expect(savedState(page)).toHaveText('Not saved')
  expect(readFileSync(file).equals(bytes)).toBe(true)
  await bar(page, 'Save').click()
  await expect(savedState(page)).toHaveText('Saved')
  expect(readFileSync(file, 'utf8')).toBe(`# 中文\n${original}`)
})

test('10,000 real servers: one is added, its form is there, and one key changes one byte', async ({
  signedIn: page,
}) => {
  const text = largeFile(1, 10_000)
  const file = await openFile(page, text)
  await expect(page.getByTestId('problems')).toContainText('many')
  await treeItem(page, 'service0').click()
  await page.getByRole('button', { name: 'Add real server' }).click()
  await expect(page.getByTestId('form').getByRole('heading')).toContainText('server1')
  await page.getByLabel('address', { exact: true }).fill('10.9.9.9')
  await bar(page, 'Save').click()
  await expect(savedState(page)).toHaveText('Saved')
  const added = '     server server1 {\n         address = 10.9.9.9\n         active = 0\n         weight = 1\n     }\n'
  expect(readFileSync(file, 'utf8')).toBe(text.replace(/}\n$/, `${added}}\n`))
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(page.getByTestId('form').getByRole('heading')).toContainText('rs9999')
  await bar(page, 'Save').click()
  await expect(savedState(page)).toHaveText('Saved')
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('a file chosen in a browser opens as a copy', async ({ signedIn: page }) => {
  await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
  await page
    .getByTestId('upload')
    .setInputFiles({ name: 'lvs.cf', mimeType: 'text/plain', buffer: Buffer.from(original) })
  await expect(line(page, 'virtual shop')).toBeVisible()
  await expect(savedState(page)).toHaveText('Not saved')
})

test('a file dropped on the page opens as a copy, with its encoding', async ({ signedIn: page }) => {
  await page.getByRole('link', { name: 'Open an lvs.cf' }).first().click()
  await expect(page.getByLabel('Path of the file')).toBeVisible()
  const bytes = [...Buffer.concat([Buffer.from('# '), Buffer.from('d6d0cec4', 'hex'), Buffer.from(`\n${original}`)])]
  const dropped = await page.evaluateHandle((given) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([new Uint8Array(given)], 'lvs.cf'))
    return transfer
  }, bytes)
  await page.locator('main').getByText('Recent files').dispatchEvent('drop', { dataTransfer: dropped })
  await expect(line(page, '# 中文')).toBeVisible()
  await expect(page.locator('.bar')).toContainText('GB18030')
  await expect(savedState(page)).toHaveText('Not saved')
  await bar(page, 'Save').click()
  await page.getByLabel('Path of the new file').fill('~/dropped.cf')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(savedState(page)).toHaveText('Saved')
  expect([...readFileSync(path.join(scratchHome, 'dropped.cf'))]).toEqual(bytes)
})

test('neighbours are written and read, with what is lost on the way', async ({ signedIn: page }) => {
  await openFile(page, original)
  await bar(page, 'Convert').click()
  const dialog = page.getByRole('dialog', { name: 'Convert' })
  await expect(dialog.locator('.codeblock').first()).toContainText('virtual_server 192.0.2.80 80')
  await expect(dialog).toContainText('What becomes of it')
  await picture(page, 'document-convert')
  await expectAccessible(page, 'the conversion')
  await dialog.getByLabel('Import as a new document').check()
  await dialog.getByLabel('Format').selectOption('ipvsadm')
  await dialog
    .getByLabel('Text to import')
    .fill('-A -t 192.0.2.90:443 -s rr\n-a -t 192.0.2.90:443 -r 192.0.2.31:443 -g -w 3\n')
  await dialog.getByRole('button', { name: 'Open as a new document' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(line(page, 'address = 192.0.2.90')).toBeVisible()
  await expect(line(page, 'weight = 3')).toBeVisible()
  await expect(savedState(page)).toHaveText('Not saved')
})

test('the page speaks Chinese and looks right in the dark', async ({ signedIn: page }) => {
  await openFile(page, original.replace('scheduler = wlc', 'scheduler = pcc'))
  await page.getByRole('button', { name: '简体中文' }).click()
  await page.getByRole('button', { name: '深色' }).click()
  await treeItem(page, 'shop').click()
  await expect(page.getByTestId('problems')).toContainText('没有名为 pcc 的调度算法。')
  await line(page, 'reentry = 15').locator('.lv-key').hover()
  await expect(page.locator('.cm-tooltip-hover')).toContainText('恢复')
  await picture(page, 'document-zh-dark')
  await expectAccessible(page, 'the document in Chinese, dark')
})
