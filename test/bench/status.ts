/**
 * What a live cluster of 1,000 virtual servers with 10 real servers each costs the window: the built screen in a real browser, fed by
 * the real watch over synthetic agents (status-cluster.ts), traced through the browser's own profiler. Every task of the page's main
 * thread counts, whatever it did; its processor time is compared with one frame.
 *
 *     npm run bench -- status [--services 1000] [--servers 10] [--seconds 15]
 */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import type { CDPSession, Page } from '@playwright/test'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { openJournal } from '../../core/live/journal.ts'
import { startWatch } from '../../core/live/watch.ts'
import { keep, machine, root } from './results.ts'
import { benchDraft, syntheticDoor } from './status-cluster.ts'

/** One frame at 60 Hz: the limit of the issue. */
const frameMs = 16
/** What is not an update: the page that opens is left to settle first. */
const settleMs = 6_000
const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

export interface Tasks {
  readonly page: string
  readonly seconds: number
  readonly tasks: number
  /** Of one task's processor time, in ms. */
  readonly p50: number
  readonly p99: number
  readonly most: number
  readonly overFrame: number
  /** Of the time of one processor. */
  readonly busyPercent: number
  readonly updates: number
}

/** Serves the built screen with this cluster behind it. */
async function serve(size: { readonly services: number; readonly servers: number }): Promise<{
  readonly address: string
  readonly changes: () => number
  readonly close: () => void
}> {
  const readers = new Set<ServerResponse>()
  const synthetic = syntheticDoor(size)
  const draft = benchDraft()
  let changes = 0
  const watch = startWatch(draft.id, draft, 100, ['10.20.0.1'], {
    door: synthetic.door,
    journal: await openJournal(null),
    now: Date.now,
    onChange(change) {
      changes += 1
      const text = `event: cluster.status\ndata: ${JSON.stringify(change)}\n\n`
      for (const reader of readers) reader.write(text)
    },
    onJournal: () => undefined,
  })
  const summary = { id: draft.id, name: draft.name, virtualIps: ['10.20.0.1'], directors: [], watched: true }
  const answers: Readonly<Record<string, () => Result<unknown>>> = {
    'app.info': () =>
      ok({ version: 'bench', host: 'browser', offered: [], keys: [], sshAgent: false, keychain: false }),
    'clusters.list': () => ok([{ ...summary, verdict: watch.status().verdict }]),
    'drafts.list': () => ok([]),
    'runs.unfinished': () => ok([]),
    'clusters.get': () => ok({ summary, draft, lvscf: '' }),
    'clusters.watch': () => ok(watch.status()),
    'clusters.unwatch': () => ok(null),
    'clusters.commands': () => ok([]),
    'clusters.drills': () => ok([]),
    'clusters.wire': () => ok([]),
  }
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      if (url.pathname === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('event: open\ndata: null\n\n')
        readers.add(response)
        response.on('close', () => readers.delete(response))
      } else if (url.pathname.startsWith('/ask/')) {
        const name = url.pathname.slice(5)
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(answers[name]?.() ?? failed(problem('not-found', { name }))))
      } else {
        const file = path.join(root, 'out/renderer', url.pathname === '/' ? 'index.html' : url.pathname)
        const bytes = await readFile(file).catch(() => undefined)
        if (bytes) response.setHeader('content-type', types[path.extname(file).slice(1)] ?? 'application/octet-stream')
        response.statusCode = bytes ? 200 : 404
        response.end(bytes)
      }
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}/`,
    changes: () => changes,
    close() {
      watch.stop()
      synthetic.stop()
      for (const reader of readers) reader.destroy()
      server.close()
    },
  }
}

/** Every top-level task of the renderer's main thread while `work` runs. */
async function trace(session: CDPSession, work: () => Promise<void>): Promise<readonly TraceEvent[]> {
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    categories: 'disabled-by-default-devtools.timeline,devtools.timeline,toplevel,__metadata',
  })
  await work()
  await session.send('Tracing.end')
  await complete
  return events
}

function share(sorted: readonly number[], of: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? 0
}

/** The main thread's tasks of a trace; the page's is the busiest of those that call themselves renderer main threads. */
function tasksOf(events: readonly TraceEvent[]): readonly number[] {
  const mains = events
    .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
    .map(({ pid, tid }) => `${pid} ${tid}`)
  const byThread = new Map<string, number[]>()
  for (const { name, ph, pid, tid, dur, tdur } of events) {
    const thread = `${pid} ${tid}`
    if (ph !== 'X' || name !== 'RunTask' || !mains.includes(thread)) continue
    const found = byThread.get(thread) ?? []
    byThread.set(thread, found)
    // Processor time, so that whatever else runs on this machine does not count.
    found.push((tdur ?? dur ?? 0) / 1000)
  }
  const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0)
  return [...byThread.values()].sort((a, b) => sum(b) - sum(a))[0] ?? []
}

async function measure(
  page: Page,
  session: CDPSession,
  what: string,
  seconds: number,
  changes: () => number,
  work: (page: Page) => Promise<void>,
): Promise<Tasks> {
  const before = changes()
  const startedMs = performance.now()
  const tasks = tasksOf(await trace(session, () => work(page)))
  const tookMs = performance.now() - startedMs
  const sorted = [...tasks].sort((a, b) => a - b)
  return {
    page: what,
    seconds,
    tasks: sorted.length,
    p50: share(sorted, 0.5),
    p99: share(sorted, 0.99),
    most: sorted.at(-1) ?? 0,
    overFrame: sorted.filter((ms) => ms > frameMs).length,
    busyPercent: (sorted.reduce((a, b) => a + b, 0) / tookMs) * 100,
    updates: changes() - before,
  }
}

/** A turning wheel: a notch of 120 px, twenty a second. */
const stepPx = 120
const stepMs = 50

/** Measures and keeps the figures; the exit code says whether a task was longer than a frame. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      services: { type: 'string', default: '1000' },
      servers: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '15' },
      chromium: { type: 'string', default: '/usr/bin/chromium' },
    },
  })
  const size = { services: Number(values.services), servers: Number(values.servers) }
  const seconds = Number(values.seconds)
  const serving = await serve(size)
  const browser = await chromium.launch({ executablePath: values.chromium, args: ['--no-sandbox', '--disable-gpu'] })
  const found: Tasks[] = []
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    const session = await page.context().newCDPSession(page)
    await page.goto(`${serving.address}#/cluster/large`)
    const still = (): Promise<void> => page.waitForTimeout(seconds * 1000)
    const look = async (what: string, address: string, work: () => Promise<void>): Promise<void> => {
      await page.goto(`${serving.address}#/cluster/large${address}`)
      await page.getByRole('heading', { level: 2 }).first().waitFor({ timeout: 60_000 })
      await page.waitForTimeout(settleMs)
      const tasks = await measure(page, session, what, seconds, serving.changes, work)
      found.push(tasks)
      console.log(
        `${what}: ${tasks.tasks} tasks, p50 ${tasks.p50.toFixed(2)}, p99 ${tasks.p99.toFixed(1)}, most ${tasks.most.toFixed(1)} ms, ` +
          `${tasks.overFrame} over ${frameMs} ms, ${tasks.updates} updates, ${tasks.busyPercent.toFixed(1)} % busy`,
      )
    }
    await look('overview', '', still)
    await look('services', '/services', still)
    await look('services, scrolled', '/services', async () => {
      for (let at = 0; at * stepMs < seconds * 1000; at++) {
        await page.mouse.move(700, 500)
        await page.mouse.wheel(0, stepPx)
        await page.waitForTimeout(stepMs)
      }
    })
  } finally {
    await browser.close()
    serving.close()
  }
  const over = found.reduce((sum, { overFrame }) => sum + overFrame, 0)
  await keep(
    'status',
    { machine: machine(), size, frameMs, pages: found },
    [
      `# The screen with ${size.services} virtual servers × ${size.servers} real servers`,
      '',
      'Processor time of every task of the page’s main thread, in ms. Written by `npm run bench -- status`.',
      '',
      '| page | updates | tasks | p50 | p99 | longest | over 16 ms | busy |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      ...found.map(
        (one) =>
          `| ${one.page} | ${one.updates} | ${one.tasks} | ${one.p50.toFixed(2)} | ${one.p99.toFixed(1)} | ${one.most.toFixed(1)} | ${one.overFrame} | ${one.busyPercent.toFixed(1)} % |`,
      ),
      '',
    ].join('\n'),
  )
  return over > 0 ? 1 : 0
}
