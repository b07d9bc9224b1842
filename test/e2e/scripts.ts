/** What a page loads of script, as the browser asked for it: counted compressed, because that is how size budgets are given. */
import type { Page, Response } from '@playwright/test'
import { gzipSync } from 'node:zlib'

/** JavaScript the start page may load, in bytes of gzip. */
export const startScriptMostBytes = 250 * 1_000

export interface Script {
  readonly name: string
  readonly bytes: number
  readonly gzipBytes: number
}

/**
 * Notes every script the page is answered until the returned function is called, which gives them, the largest first. Their bytes are
 * asked for then: what a page that was left had loaded (the sign-in page) the browser may have dropped.
 */
export function noteScripts(page: Page): () => Promise<readonly Script[]> {
  const addresses = new Set<string>()
  const note = (response: Response): void => {
    if (/^text\/javascript/.test(response.headers()['content-type'] ?? '')) addresses.add(response.url())
  }
  page.on('response', note)
  return async () => {
    page.off('response', note)
    const found: Script[] = []
    for (const address of addresses) {
      const answer = await page.request.get(address)
      if (!answer.ok()) throw new Error(`${address} answers ${answer.status()} now`)
      const body = await answer.body()
      const gzipBytes = gzipSync(body, { level: 9 }).length
      found.push({ name: new URL(address).pathname, bytes: body.length, gzipBytes })
    }
    return found.toSorted((a, b) => b.gzipBytes - a.gzipBytes)
  }
}

export const gzipSum = (scripts: readonly Script[]): number => scripts.reduce((sum, one) => sum + one.gzipBytes, 0)
