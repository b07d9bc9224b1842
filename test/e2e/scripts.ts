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

/** Notes every script the page is answered until the returned function is called, which gives them, the largest first. */
export function noteScripts(page: Page): () => Promise<readonly Script[]> {
  const coming: Promise<Script>[] = []
  const note = (response: Response): void => {
    if (!/^text\/javascript/.test(response.headers()['content-type'] ?? '')) return
    const name = new URL(response.url()).pathname
    coming.push(
      response.body().then((body) => ({ name, bytes: body.length, gzipBytes: gzipSync(body, { level: 9 }).length })),
    )
  }
  page.on('response', note)
  return async () => {
    page.off('response', note)
    return (await Promise.all(coming)).toSorted((a, b) => b.gzipBytes - a.gzipBytes)
  }
}

export const gzipSum = (scripts: readonly Script[]): number => scripts.reduce((sum, one) => sum + one.gzipBytes, 0)
