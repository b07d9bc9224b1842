/**
 * The built screen as both hosts serve it: which file answers which path, with which type, caching and policy. The browser host
 * sends it over HTTP, the desktop window over its own scheme; neither lets a path leave the folder.
 */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'

/** What the screen may load: its own scripts and styles, nothing inline, nothing from elsewhere. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Headers every answer of a host carries. */
export const guardHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

export interface Page {
  readonly file: string
  readonly bytes: number
  readonly type: string
  /** True for files whose name carries a hash of their content: they never change under that name. */
  readonly immutable: boolean
}

/**
 * The file of `root` that answers a URL path (still percent-encoded, without query), or undefined. A path without an extension is
 * a page of the application and answers index.html. Nothing outside `root` is ever answered: not by `..`, encoded or not, not by
 * a hidden name, not through a symbolic link, and no type that is not in the table.
 */
export async function pageAt(root: string, urlPath: string): Promise<Page | undefined> {
  let decoded: string
  try {
    decoded = decodeURIComponent(urlPath)
  } catch {
    return undefined
  }
  if (/[\0\\]/.test(decoded)) return undefined
  const segments = decoded.split('/').filter((segment) => segment !== '')
  if (segments.some((segment) => segment.startsWith('.'))) return undefined
  const last = segments.at(-1)
  const named = last !== undefined && path.extname(last) !== ''
  const type = types[named ? path.extname(last).toLowerCase() : '.html']
  if (type === undefined) return undefined
  try {
    const base = await realpath(root)
    const file = await realpath(named ? path.join(base, ...segments) : path.join(base, 'index.html'))
    if (!file.startsWith(base + path.sep)) return undefined
    const seen = await stat(file)
    if (!seen.isFile()) return undefined
    return { file, bytes: seen.size, type, immutable: segments[0] === 'assets' }
  } catch {
    return undefined
  }
}
