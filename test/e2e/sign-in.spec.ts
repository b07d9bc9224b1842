/** The door of the browser host as a person meets it: the printed address, the password, and what is said when it does not open. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, expectAccessible, picture, test, watch } from './fixtures.ts'
import { root, startServe } from './serve.ts'

test('the printed address signs in once and leaves no token in the address bar', async ({ page, context, serving }) => {
  const wrong = watch(page)
  await page.goto(serving.address)
  await expect(page.getByRole('navigation')).toBeVisible()
  expect(page.url()).not.toContain('token')
  await page.reload()
  await expect(page.getByRole('navigation')).toBeVisible()
  const [cookie] = await context.cookies()
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })

  await context.clearCookies()
  await page.goto(serving.address)
  await expect(page.getByRole('alert')).toContainText('token is not valid')
  await expect(page.getByRole('navigation')).toHaveCount(0)
  expect(wrong).toEqual([])
})

test('a browser that is signed in already goes straight in by the old address', async ({ page, serving }) => {
  await page.goto(serving.address)
  await expect(page.getByRole('navigation')).toBeVisible()
  await page.goto('about:blank')
  await page.goto(serving.origin)
  await expect(page.getByRole('navigation')).toBeVisible()
})

test('the address pasted into the sign-in page opens it too', async ({ page, serving }) => {
  await page.goto(serving.origin)
  await expectAccessible(page, 'the sign-in page')
  await picture(page, 'sign-in')
  await page.getByLabel('Sign-in token').fill(serving.address)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('navigation')).toBeVisible()
})

test('after a restart of Shoal the page says that it is signed out', async ({ page }) => {
  const first = await startServe()
  const { port } = new URL(first.origin)
  await page.goto(first.address)
  await expect(page.getByRole('navigation')).toBeVisible()
  await first.stop()
  const second = await startServe({ port: Number(port) })
  await expect(page.getByText('This browser is no longer signed in to Shoal.')).toBeVisible({ timeout: 20_000 })
  await page.goto(second.address)
  await expect(page.getByRole('navigation')).toBeVisible()
  await second.stop()
})

test.describe('with a password', () => {
  test.use({ serveWith: { password: 'correct horse battery' } })

  test('the password opens, a wrong one is said, and often wrong ones have to wait', async ({ page, serving }) => {
    expect(serving.address).not.toContain('token')
    await page.goto(serving.address)
    await expectAccessible(page, 'the sign-in page')
    const field = page.getByLabel('Password')
    const button = page.getByRole('button', { name: 'Sign in' })
    await field.fill('wrong horse')
    await button.click()
    await expect(page.getByRole('alert')).toContainText('not the one set')
    for (let n = 0; n < 5; n += 1) {
      const answered = page.waitForResponse((answer) => answer.request().method() === 'POST')
      await button.click()
      await answered
    }
    await expect(page.getByRole('alert')).toContainText('the next try is possible in')
    await page.waitForTimeout(1200)
    await field.fill('correct horse battery')
    await button.click()
    await expect(page.getByRole('navigation')).toBeVisible()
  })

  test.describe('in Chinese', () => {
    test.use({ locale: 'zh-CN' })
    test('the sign-in page speaks Chinese', async ({ page, serving }) => {
      await page.goto(serving.address)
      await expect(page.getByRole('heading', { name: '登录 Shoal' })).toBeVisible()
      await page.getByLabel('密码').fill('x')
      await page.getByRole('button', { name: '登录' }).click()
      await expect(page.getByRole('alert')).toContainText('密码与此 Shoal 所设的不符')
      await expectAccessible(page, 'the Chinese sign-in page')
    })
  })
})

test.describe('the command', () => {
  const shoal = (...args: string[]) => {
    try {
      const said = execFileSync(process.execPath, [path.join(root, 'cli/shoal.mjs'), ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 15_000,
      })
      return { code: 0, said }
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string }
      return { code: status, said: stderr }
    }
  }

  test('refuses an address others can reach, and a port that is taken, with the remedy', async ({ serving }) => {
    const open = shoal('serve', '--host', '0.0.0.0')
    expect(open.code).toBe(1)
    expect(open.said).toContain('0.0.0.0 is not an address of this machine alone')
    expect(open.said).toContain('ssh -L')
    const taken = shoal('serve', '--port', new URL(serving.origin).port, '--data', `${serving.dataDir}-other`)
    expect(taken.code).toBe(1)
    expect(taken.said).toContain('Something else already listens')
    expect(shoal('serve', '--port', '70000').said).toContain('0 to 65535')
    expect(shoal('serve', '--offer', '/no/such/file').said).toContain('/no/such/file cannot be read')
  })

  test('ends with 0 when it is told to, and writes no secret', async ({ page }) => {
    const serving = await startServe({ password: 'correct horse battery' })
    await page.goto(serving.address)
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('navigation')).toBeVisible()
    expect(await serving.stop()).toBe(0)
    expect(serving.output()).not.toContain('correct horse')
  })
})
