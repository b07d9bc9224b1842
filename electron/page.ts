/**
 * The one page of the desktop window: its scheme, its address, and who may speak for it. A scheme of our own (not file://) gives the
 * page an origin, so that `'self'` in its policy means exactly the built screen.
 */
import { readFile } from 'node:fs/promises'
import { guardHeaders, pageAt } from '../core/pages.ts'

export const scheme = 'shoal'
export const pageAddress = `${scheme}://app/`

/** How the scheme is registered: a standard, secure origin; nothing that weakens it (no bypassCSP, no service workers). */
export const schemePrivileges = { standard: true, secure: true, supportFetchAPI: true } as const

/** True when the address is of our own page: `home` is `pageAddress`, or the development server's address. */
export function isOwnPage(address: string, home: string): boolean {
  try {
    const [asked, own] = [new URL(address), new URL(home)]
    // Node gives schemes of our own the origin "null": protocol and host say it.
    return asked.protocol === own.protocol && asked.host === own.host && asked.username === '' && asked.password === ''
  } catch {
    return false
  }
}

/** What is known of the sender of a message: its frame, and the main frame of its window. */
export interface Sender {
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null
}

/** True when a message comes from the main frame of our own page: a frame inside it, or a page navigated to, is not answered. */
export function isOwnSender(sender: Sender, home: string): boolean {
  const frame = sender.senderFrame
  return frame !== null && frame.parent === null && isOwnPage(frame.url, home)
}

/** Answers the scheme from the folder of the built screen, with the same policy as the browser host. */
export function screenHandler(screenDir: string): (request: { readonly url: string }) => Promise<Response> {
  return async ({ url }) => {
    if (!isOwnPage(url, pageAddress)) return new Response('There is no such page.', { status: 404 })
    const page = await pageAt(screenDir, new URL(url).pathname)
    if (!page) return new Response('There is no such page.', { status: 404, headers: guardHeaders })
    return new Response(new Uint8Array(await readFile(page.file)), {
      headers: { ...guardHeaders, 'content-type': page.type },
    })
  }
}
