/** What the start page costs to load: the script it asks for in a real browser, to the last file. Times are measured in test/bench. */
import { expect, test, watch } from './fixtures.ts'
import { gzipSum, noteScripts, startScriptMostBytes } from './scripts.ts'

test('the start page loads at most 250 kB of script (gzip), what it prepares when idle included', async ({
  page,
  serving,
}) => {
  const wrong = watch(page)
  const scripts = noteScripts(page)
  await page.goto(serving.address)
  await expect(page.getByRole('main').getByRole('link', { name: 'Set up a cluster' })).toBeVisible()
  await page.waitForLoadState('networkidle')
  // What is left for when nothing else is to do has had its turn.
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve, { timeout: 2_000 })))
  await page.waitForLoadState('networkidle')
  const found = await scripts()
  const list = found.map(({ name, gzipBytes }) => `${name} ${gzipBytes}`).join('\n')
  expect(found.length, 'scripts were seen').toBeGreaterThan(1)
  expect(gzipSum(found), `bytes of gzip of\n${list}`).toBeLessThanOrEqual(startScriptMostBytes)
  expect(wrong).toEqual([])
})
