/**
 * What a 10,000-real-server file costs in a real Chromium with the built page: from its choice to its problems on the screen, one key in
 * it, one real server more. By the clock, which is what the promise is about and what a busy machine spoils, and in processor time of
 * the window's thread, which other programs do not spoil. The key is measured in CodeMirror alone as well, in the same run.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, CDPSession, Page } from 'playwright'
import { root, startServe } from '../e2e/serve.ts'
import { loadNow, quantile } from './figures.ts'
import type { Measured } from './figures.ts'

const shownMostMs = 150
const keyMostMs = 16
const openings = 5
const keys = 60
const changes = 6
/** Kinds of work of a page's thread, as Chromium accounts for them. */
const work = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration']

interface Account {
  /** Processor time of script, style and layout since the browser began, ms. */
  work(): Promise<number>
  /** All of the thread's tasks: the same, parsing of answers, painting. */
  tasks(): Promise<number>
}

async function account(page: Page): Promise<Account> {
  const session: CDPSession = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const sum = async (names: readonly string[]): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.reduce((all, one) => (names.includes(one.name) ? all + one.value * 1_000 : all), 0)
  }
  return { work: () => sum(work), tasks: () => sum(['TaskDuration']) }
}

const nextFrame = (page: Page): Promise<unknown> =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))))

/** Types as people do, so that the analysis of a large file begins and ends between keys. Answers ms per key. */
async function typed(page: Page, cost: Account): Promise<{ readonly work: number[]; readonly painted: number[] }> {
  await page.evaluate(() => {
    const late: number[] = []
    Object.assign(window, { late })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === 'keydown') late.push(entry.duration)
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit)
  })
  const spent: number[] = []
  for (let key = 0; key < keys; key++) {
    const before = await cost.work()
    await page.keyboard.press(key % 2 === 0 ? '1' : 'Backspace')
    await nextFrame(page)
    spent.push((await cost.work()) - before)
    await page.waitForTimeout(key % 5 === 4 ? 900 : 60)
  }
  return { work: spent, painted: await page.evaluate(() => (window as unknown as { late: number[] }).late) }
}

/** Puts the cursor at the end of an address in the middle of the text. */
async function toMiddle(page: Page): Promise<void> {
  await page.locator('.cm-content').click()
  await page.evaluate(() => {
    const host = document.querySelector('[data-testid=text]')?.shadowRoot ?? document
    const scroller = host.querySelector('.cm-scroller')
    if (scroller) scroller.scrollTop = scroller.scrollHeight / 2
  })
  await page.waitForTimeout(500)
  const address = page.locator('.cm-line', { hasText: /address = 10\./ }).nth(3)
  await address.click()
  await page.keyboard.press('End')
}

/** The same keys in CodeMirror alone. */
async function peer(browser: Browser, text: string): Promise<{ readonly work: number[]; readonly painted: number[] }> {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({ input: path.join(root, 'test/bench/plain-editor.ts'), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'iife', minify: true })
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
  await page.addScriptTag({ content: output[0].code })
  await page.evaluate((given) => window.plainEditor(given), text)
  await toMiddle(page)
  const found = await typed(page, await account(page))
  await page.close()
  return found
}

/** From the choice of the file to a problem of it in the list; the files are alike, and the first one finds a page nobody has used. */
async function shown(page: Page, cost: Account, files: readonly string[]) {
  const clock: number[] = []
  const thread: number[] = []
  for (const file of files) {
    await page.getByLabel('Path of the file').waitFor()
    await page.waitForTimeout(1_500)
    const before = await cost.tasks()
    clock.push(
      await page.evaluate(
        (address) =>
          new Promise<number>((resolve) => {
            const started = performance.now()
            const seen = new MutationObserver(() => {
              const list = document.querySelector('[data-testid=problems] ol')
              if (!list?.textContent.includes('many')) return
              seen.disconnect()
              resolve(performance.now() - started)
            })
            seen.observe(document.body, { childList: true, subtree: true, characterData: true })
            location.hash = address
          }),
        `#/document?file=${encodeURIComponent(file)}`,
      ),
    )
    await nextFrame(page)
    thread.push((await cost.tasks()) - before)
    if (file !== files.at(-1)) await page.getByRole('button', { name: 'Other file', exact: true }).click()
  }
  return { clock, thread }
}

/** One real server more and one less, from the click to its form. */
async function restructured(page: Page, cost: Account) {
  const clock: number[] = []
  const thread: number[] = []
  for (let change = 0; change < changes; change++) {
    const before = await cost.tasks()
    const name = change % 2 === 0 ? 'Add real server' : 'Remove'
    clock.push(
      await page.evaluate(
        (button) =>
          new Promise<number>((resolve) => {
            const form = document.querySelector('[data-testid=form]')
            const old = form?.querySelector('h2')?.textContent
            const started = performance.now()
            const seen = new MutationObserver(() => {
              if (form?.querySelector('h2')?.textContent === old) return
              seen.disconnect()
              resolve(performance.now() - started)
            })
            if (form) seen.observe(form, { childList: true, subtree: true, characterData: true })
            const all = [...document.querySelectorAll('button')]
            all.find((one) => one.textContent.includes(button))?.click()
          }),
        name,
      ),
    )
    await nextFrame(page)
    thread.push((await cost.tasks()) - before)
    await page.waitForTimeout(1_000)
  }
  return { clock, thread }
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

/** All that is measured in a browser of one shape of file. */
export async function inChromium(shape: string, text: string): Promise<readonly Measured[]> {
  const { chromium } = await import('playwright')
  const home = mkdtempSync(path.join(tmpdir(), 'shoal-bench-'))
  const files = Array.from({ length: openings }, (_, at) => path.join(home, `lvs${at}.cf`))
  for (const file of files) writeFileSync(file, text)
  const serving = await startServe({ home })
  const debian = '/usr/bin/chromium'
  const browser = await chromium.launch({
    ...(existsSync(debian) ? { executablePath: debian } : {}),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    page.setDefaultTimeout(120_000)
    await page.goto(serving.address)
    await page.getByRole('navigation').waitFor()
    await page.goto(`${serving.origin}/#/document`)
    const cost = await account(page)
    const open = await shown(page, cost, files)
    await toMiddle(page)
    const ours = await typed(page, cost)
    const plain = await peer(browser, text)
    const change = await restructured(page, cost)
    const keyNote = `95 % ${ms(quantile(ours.work, 0.95))}; CodeMirror alone ${ms(quantile(plain.work, 0.5))}, 95 % ${ms(quantile(plain.work, 0.95))}`
    const paintedNote = `${quantile(ours.painted, 0.5)} ms, CodeMirror alone ${quantile(plain.painted, 0.5)} ms`
    return [
      {
        what: `${shape}: from the choice of the file to its problems on the screen, by the clock (median of ${openings}; first ${ms(open.clock[0] ?? NaN)}, best ${ms(quantile(open.clock, 0))}; ${loadNow()})`,
        ms: quantile(open.clock, 0.5),
        mostMs: shownMostMs,
      },
      {
        what: `${shape}: the same, processor time of the window's thread, painting included`,
        ms: quantile(open.thread, 0.5),
        mostMs: shownMostMs,
      },
      {
        what: `${shape}: one key, script, style and layout, processor time (median of ${keys}; ${keyNote}; by the clock to the painted frame, the wait for it included, ${paintedNote})`,
        ms: quantile(ours.work, 0.5),
        mostMs: keyMostMs,
      },
      {
        what: `${shape}: a real server more or less, to its form, by the clock (median of ${changes}; the window's thread ${ms(quantile(change.thread, 0.5))}; ${loadNow()})`,
        ms: quantile(change.clock, 0.5),
        mostMs: 2 * shownMostMs,
      },
    ]
  } finally {
    await browser.close()
    await serving.stop()
    rmSync(home, { recursive: true, force: true })
  }
}
