/**
 * Cold start of the browser host: from the start of the process `shoal serve` to a start page that can be used, in a real Chromium that
 * is running already and has nothing of Shoal in its cache. Beside it, in turn on the same machine, what no program can be under: a
 * Node process that listens and answers one page with a word on it.
 *
 *     npm run bench -- start [--rounds 9]
 *
 * Usable: the doors are there, the core has answered with the known clusters, and a frame has been drawn. That a door then opens is
 * seen, not timed.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import type { Browser, Page } from '@playwright/test'
import { gzipSum, noteScripts, startScriptMostBytes } from '../e2e/scripts.ts'
import { startServe } from '../e2e/serve.ts'
import { loadNow } from './figures.ts'
import { keep, machine, markdown, median, worst } from './results.ts'

const usableMostMs = 1_000
const giveUpMs = 30_000
const debianChromium = '/usr/bin/chromium'
const viewport = { width: 1280, height: 860 }

/** What is there, and what is gone, when a page can be used. */
interface Usable {
  readonly there: string
  readonly gone: string
}
const startPage: Usable = { there: 'main a[href="#/set-up"]', gone: 'section[aria-labelledby=known] [role=status]' }
const wordPage: Usable = { there: 'h1', gone: 'section' }
const wordServer = `
  const server = require('node:http').createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Word</title><link rel="icon" href="data:,"><h1>Word</h1>')
  })
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))`

/** One start. Instants are ms after the process was begun. */
interface Start {
  readonly listeningMs: number
  readonly usableMs: number
  /** Processor time of the page's thread, every task of it. */
  readonly threadMs: number
  readonly gzipBytes: number
}

const nowMs = (): number => performance.timeOrigin + performance.now()

/** Tells, on the clock of `nowMs`, when a frame had been drawn in which `there` stands and `gone` does not. Text, because it runs in the page. */
const teller = ({ there, gone }: Usable): string => `
  new MutationObserver((_, changes) => {
    if (!document.querySelector('${there}') || document.querySelector('${gone}')) return
    changes.disconnect()
    requestAnimationFrame(() => setTimeout(() => window.benchUsable(performance.timeOrigin + performance.now())))
  }).observe(document, { childList: true, subtree: true, attributes: true })`

/** The instant at which the page is usable will be within. */
async function watchFor(page: Page, usable: Usable): Promise<{ readonly isUsable: Promise<number> }> {
  let told: (atMs: number) => void = () => undefined
  const isUsable = new Promise<number>((resolve, reject) => {
    told = resolve
    setTimeout(() => reject(new Error(`${usable.there} was not there in ${giveUpMs} ms`)), giveUpMs).unref()
  })
  await page.exposeFunction('benchUsable', (atMs: number) => told(atMs))
  await page.addInitScript({ content: teller(usable) })
  return { isUsable }
}

/** Reads the processor time of the page's thread, every task of it, from now on, ms. */
async function threadTime(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1_000
  }
}

interface Host {
  readonly address: string
  stop(): Promise<unknown>
}

async function word(): Promise<Host> {
  const child = spawn(process.execPath, ['-e', wordServer], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const address = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve)
  })
  return {
    address,
    stop() {
      child.kill()
      return ended
    },
  }
}

async function once(browser: Browser, begin: () => Promise<Host>, usable: Usable, then: (page: Page) => Promise<void>) {
  const context = await browser.newContext({ viewport, locale: 'en-US' })
  const page = await context.newPage()
  const scripts = noteScripts(page)
  const { isUsable } = await watchFor(page, usable)
  const spent = await threadTime(page)
  const begunMs = nowMs()
  const host = await begin()
  const listeningMs = nowMs() - begunMs
  try {
    await page.goto(host.address, { waitUntil: 'commit' })
    const usableMs = (await isUsable) - begunMs
    const threadMs = await spent()
    await page.waitForLoadState('networkidle')
    const gzipBytes = gzipSum(await scripts())
    await then(page)
    return { listeningMs, usableMs, threadMs, gzipBytes }
  } finally {
    await context.close()
    await host.stop()
  }
}

const ms = (value: number): string => value.toFixed(0)

/** Measures and keeps the figures; the exit code says whether the start took too long or loaded too much. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '9' } } })
  const browser = await chromium.launch({
    ...(existsSync(debianChromium) ? { executablePath: debianChromium } : {}),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  const ours: Start[] = []
  const bare: Start[] = []
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      const opens = async (page: Page): Promise<void> => {
        await page.getByRole('main').locator('a[href="#/set-up"]').click()
        await page.waitForURL(/#\/set-up/)
      }
      ours.push(await once(browser, startServe, startPage, opens))
      bare.push(await once(browser, word, wordPage, () => Promise.resolve()))
      const [one, floor] = [ours.at(-1), bare.at(-1)]
      console.log(
        `round ${round + 1}: ${ms(one?.usableMs ?? NaN)} ms, a bare page ${ms(floor?.usableMs ?? NaN)} ms; ${loadNow()}`,
      )
    }
  } finally {
    await browser.close()
  }
  const row = (name: string, starts: readonly Start[]): readonly string[] => {
    const all = (pick: (start: Start) => number) => starts.map(pick)
    const usable = all(({ usableMs }) => usableMs)
    return [
      name,
      ms(median(all(({ listeningMs }) => listeningMs))),
      `${ms(median(usable))} (${ms(Math.min(...usable))} to ${ms(worst(usable))})`,
      ms(median(all(({ threadMs }) => threadMs))),
      ((starts[0]?.gzipBytes ?? NaN) / 1_000).toFixed(0),
    ]
  }
  const usable = median(ours.map(({ usableMs }) => usableMs))
  const bytes = Math.max(...ours.map(({ gzipBytes }) => gzipBytes))
  await keep(
    'start',
    { machine: machine(), node: process.version, usableMostMs, startScriptMostBytes, ours, bare },
    [
      '# Cold start in the browser host',
      '',
      `From the start of the process to a start page that can be used, ms by the clock; median of ${ours.length}, in turn with the bare one;`,
      `${loadNow()}. Nothing in the browser’s cache. At most ${usableMostMs} ms, and ${startScriptMostBytes / 1_000} kB of script (gzip). Written by`,
      '`npm run bench -- start`.',
      '',
      markdown(
        ['', 'listens', 'usable (best to worst)', 'page’s thread, processor time', 'script, kB of gzip'],
        [row('`shoal serve`, start page', ours), row('a Node server with one word on a page', bare)],
      ),
      '',
    ].join('\n'),
  )
  return usable > usableMostMs || bytes > startScriptMostBytes ? 1 : 0
}
