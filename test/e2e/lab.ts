/**
 * The lab for browser tests: fresh hosts, and on their network a `shoal serve` and Debian's Chromium, so that what is clicked runs
 * where an operator's machine would stand.
 */
import { chromium } from '@playwright/test'
import type { Browser, BrowserContext, Page } from '@playwright/test'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { OfferedHost } from '../../domain/contract/app.ts'
import { up } from '../lab/lab.ts'
import type { Lab } from '../lab/lab.ts'
import { watch } from './fixtures.ts'
import { scratch, startServe } from './serve.ts'
import type { Serving } from './serve.ts'
import type { HostToGive } from './wizard.ts'

export interface LabBench {
  readonly lab: Lab
  readonly serving: Serving
  readonly context: BrowserContext
  readonly page: Page
  /** What the page may not have done, so far. */
  readonly wrong: readonly string[]
  close(): Promise<void>
}

/** Hosts of layout `dr` with nothing on them, and a signed-in page in front of them. Prints how long the hosts took. */
export async function openBench(
  options: { offered?: (lab: Lab) => readonly OfferedHost[]; name?: string } = {},
): Promise<LabBench> {
  const began = performance.now()
  const lab = await up('dr', { name: options.name ?? 'e2e', replace: true })
  console.log(`the lab is up after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  const dir = scratch()
  let serving: Serving | undefined
  let browser: Browser | undefined
  const close = async () => {
    await browser?.close()
    await serving?.stop()
    await lab.down()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    serving = await startServe({ inside: lab.inside, ...(options.offered ? { offered: options.offered(lab) } : {}) })
    const wrapper = path.join(dir, 'chromium')
    writeFileSync(wrapper, `#!/bin/sh\nexec ${lab.inside(['/usr/bin/chromium']).join(' ')} "$@"\n`)
    chmodSync(wrapper, 0o755)
    browser = await chromium.launch({
      executablePath: wrapper,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    })
    const context = await browser.newContext({
      viewport: { width: 1280, height: 860 },
      locale: 'en-US',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    })
    context.setDefaultTimeout(15_000)
    const page = await context.newPage()
    const wrong = watch(page)
    await page.goto(serving.address)
    await page.getByRole('navigation', { name: 'Shoal' }).waitFor()
    return { lab, serving, context, page, wrong, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A lab host with the lab's key as root. */
export function byKey(lab: Lab, name: string): HostToGive {
  const { user, privateKeyPath } = lab.credentials.root
  return { name, address: lab.address(name), user, login: { kind: 'key', keyFile: privateKeyPath } }
}

/** A lab host with a password and sudo (`admin`), or without sudo (`guest`). */
export function byPassword(lab: Lab, name: string, who: 'admin' | 'guest' = 'admin'): HostToGive {
  const { user, password } = lab.credentials[who]
  return { name, address: lab.address(name), user, login: { kind: 'password', password } }
}

/** What the client gets from the virtual IP in one request each, in order; undefined for a request that failed. */
export async function answersOf(lab: Lab, count: number): Promise<readonly (string | undefined)[]> {
  const answers: (string | undefined)[] = []
  for (let n = 0; n < count; n += 1) {
    const said = await lab.run(['curl', '-s', '--max-time', '1', `http://${lab.layout.vip}/`])
    answers.push(said.exitCode === 0 ? said.stdout.trim() : undefined)
  }
  return answers
}

/** Which directors hold the virtual IP, by looking on the hosts themselves. */
export async function holders(lab: Lab): Promise<readonly string[]> {
  const held: string[] = []
  for (const host of ['lvs1', 'lvs2']) {
    const { stdout } = await lab.ssh(host, 'ip -4 -o addr show', { allowFailure: true, timeoutMs: 5_000 })
    if (stdout.includes(` ${lab.layout.vip}/`)) held.push(host)
  }
  return held
}

/** Exactly one director holds the virtual IP; if not, the error carries what both journals say about it. */
export async function expectOneHolder(lab: Lab): Promise<void> {
  const held = await holders(lab)
  if (held.length === 1) return
  const journals = await Promise.all(
    ['lvs1', 'lvs2'].map(async (host) => {
      const command = 'date +%s.%3N; tail -n 12 /var/lib/shoal/journal.jsonl'
      return `${host}:\n${(await lab.ssh(host, command, { allowFailure: true })).stdout}`
    }),
  )
  throw new Error(`${lab.layout.vip} is held by ${held.join(' and ') || 'nobody'}.\n${journals.join('\n')}`)
}
