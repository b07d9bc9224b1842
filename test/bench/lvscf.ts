/**
 * What a 10,000-real-server file costs: read, checked, and its problems placed, in Node; and one key in it, in a real Chromium with the
 * built page. Limits are the product's promise; the run fails beyond them.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { analyse } from '../../domain/lvscf/analysis.ts'
import { hold } from '../../domain/lvscf/document-text.ts'
import { root, startServe } from '../e2e/serve.ts'
import { largeFile } from './generated.ts'

const analysisMostMs = 150
const keyMostMs = 16
const rounds = 15
const keys = 60

export interface Measured {
  readonly what: string
  readonly ms: number
  readonly mostMs: number
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

/**
 * By the clock, which is what the promise is about and what a busy machine spoils, and in processor time, all threads of the process
 * together, which other programs do not spoil. The first round runs cold code, as opening a file does.
 */
function inNode(shape: string, text: string): readonly Measured[] {
  const times: number[] = []
  const waits: number[] = []
  let problems = 0
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    const before = process.cpuUsage()
    problems = analyse(hold(text)).problems.length
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1_000)
    waits.push(performance.now() - started)
  }
  if (problems === 0) throw new Error('the file has mistakes, and none was found')
  const what = `${shape}: read, checked, ${problems} problems placed`
  const [first = 0] = waits
  const spread = `median of ${rounds}; first ${first.toFixed(0)}, best ${quantile(waits, 0).toFixed(0)}, worst ${quantile(waits, 1).toFixed(0)} ms`
  return [
    { what: `${what}, by the clock (${spread}; ${loadNow()})`, ms: quantile(waits, 0.5), mostMs: analysisMostMs },
    { what: `${what}, processor time (median of ${rounds})`, ms: quantile(times, 0.5), mostMs: analysisMostMs },
  ]
}

/** How busy the machine is, without which no figure by the clock says much. */
function loadNow(): string {
  return `load ${(loadavg()[0] ?? 0).toFixed(1)} on ${availableParallelism()} processors`
}

/**
 * Types into the middle of the file and measures what each key makes the window's thread do up to the frame it is painted in: the
 * browser's own account of script, style and layout, in processor time, so that other programs on the machine do not count.
 */
async function inChromium(shape: string, text: string): Promise<readonly Measured[]> {
  const { chromium } = await import('playwright')
  const home = mkdtempSync(path.join(tmpdir(), 'shoal-bench-'))
  const file = path.join(home, 'lvs.cf')
  writeFileSync(file, text)
  const serving = await startServe({ home })
  const debian = '/usr/bin/chromium'
  const browser = await chromium.launch({
    ...(existsSync(debian) ? { executablePath: debian } : {}),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    await page.goto(serving.address)
    await page.getByRole('navigation').waitFor()
    await page.goto(`${serving.origin}/#/document`)
    await page.getByLabel('Path of the file').waitFor()
    // From the choice of the file to its problems on the screen: read by the core, carried, shown, analysed.
    const shownMs = await page.evaluate(
      (address) =>
        new Promise<number>((resolve) => {
          const started = performance.now()
          const looking = setInterval(() => {
            if (!/that block/.test(document.querySelector('[data-testid=problems]')?.textContent ?? '')) return
            clearInterval(looking)
            resolve(performance.now() - started)
          }, 2)
          location.hash = address
        }),
      `#/document?file=${encodeURIComponent(file)}`,
    )
    const editor = page.locator('.cm-content')
    // The cursor goes into a real server in the middle, by the search of the editor.
    await editor.click()
    await page.evaluate(() => {
      const scroller = document.querySelector('[data-testid=text]')?.shadowRoot?.querySelector('.cm-scroller')
      if (scroller) scroller.scrollTop = scroller.scrollHeight / 2
    })
    await page.waitForTimeout(500)
    await page
      .locator('.cm-line', { hasText: /address = 10\./ })
      .nth(3)
      .click()
    await page.keyboard.press('End')
    await page.evaluate(() => {
      const late: number[] = []
      Object.assign(window, { late })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (entry.name === 'keydown') late.push(entry.duration)
      }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit)
    })
    const scripts: number[] = []
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    const workMs = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics')
      const parts = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration']
      return metrics.reduce((sum, one) => (parts.includes(one.name) ? sum + one.value * 1000 : sum), 0)
    }
    for (let key = 0; key < keys; key++) {
      const before = await workMs()
      await page.keyboard.press(key % 2 === 0 ? '1' : 'Backspace')
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))))
      scripts.push((await workMs()) - before)
      // Typing as people do: the analysis of the large file begins and ends between keys.
      await page.waitForTimeout(key % 5 === 4 ? 400 : 60)
    }
    const late = (await page.evaluate(() => (window as unknown as { late: number[] }).late)).slice(-keys)
    const painted = `by the clock to the painted frame, the wait for it included, ${quantile(late, 0.5)} ms`
    console.log(
      `  (${shape}: from the choice of the file to its problems on the screen ${shownMs.toFixed(0)} ms, ${loadNow()})`,
    )
    return [
      {
        what: `${shape}: one key, script, style and layout up to its frame, processor time (median of ${keys}; 95 % ${quantile(scripts, 0.95).toFixed(1)} ms; ${painted})`,
        ms: quantile(scripts, 0.5),
        mostMs: keyMostMs,
      },
    ]
  } finally {
    await browser.close()
    await serving.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

/** All measurements; those in a browser only where the screen is built. */
export async function measure(): Promise<readonly Measured[]> {
  const shapes = [
    ['100 × 100', largeFile(100, 100)],
    ['1 × 10,000', largeFile(1, 10_000)],
  ] as const
  const found = shapes.flatMap(([shape, text]) => inNode(shape, text))
  if (!existsSync(path.join(root, 'out/renderer/index.html'))) {
    console.log('!!! No built screen (npm run build): keys are not measured.')
    return found
  }
  const measured = [...found]
  for (const [shape, text] of shapes) measured.push(...(await inChromium(shape, text)))
  return measured
}
