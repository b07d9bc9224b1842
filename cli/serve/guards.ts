/**
 * Which requests may speak to the browser host at all, before anybody is signed in. A loopback port is reachable by every page the
 * operator's browser has open, so: the Host header must be a name we printed (DNS rebinding), a POST must come from our own page
 * (Origin) and carry a header no plain form can send, and nothing may be fetched by a page of another origin.
 */
import { isIP } from 'node:net'

/** Header every POST of our page carries; a cross-origin page cannot send it without asking first, and is not answered. */
const ownHeader = 'x-shoal'

/** True for `localhost`, 127.0.0.0/8 and ::1: addresses only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

/** True for 0.0.0.0 and ::, which name no host a browser could go to. */
export function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

export type Scheme = 'http' | 'https'

const usualPort = { http: 80, https: 443 } as const

/** `host:port` as a browser writes it in the Host header and in an origin (the scheme's usual port is left away). */
export function authority(host: string, port: number, scheme: Scheme = 'http'): string {
  const name = isIP(host) === 6 ? `[${host}]` : host
  return port === usualPort[scheme] ? name : `${name}:${port}`
}

/** Every authority by which the page may be opened: the names given, the bound address, and `localhost` for a loopback one. */
export function allowedAuthorities(
  host: string,
  port: number,
  scheme: Scheme = 'http',
  names: readonly string[] = [],
): ReadonlySet<string> {
  const own = [...(isEveryAddress(host) ? [] : [host]), ...(isLoopback(host) ? ['localhost'] : [])]
  return new Set([...names, ...own].map((name) => authority(name.toLowerCase(), port, scheme)))
}

export interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Why a request is refused, or undefined when it may go on. `allowed` holds the authorities of `allowedAuthorities` for `scheme`.
 * The Fetch Metadata headers are sent by every current browser and by nobody else; absent, they prove nothing.
 */
export function refusal(asked: Asked, allowed: ReadonlySet<string>, scheme: Scheme = 'http'): string | undefined {
  const one = (name: string) => {
    const value = asked.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const host = one('host')?.toLowerCase()
  if (host === undefined || !allowed.has(host)) return `the host ${host ?? '(none)'} is not this application`
  const site = one('sec-fetch-site')
  const navigates =
    asked.method === 'GET' && one('sec-fetch-mode') === 'navigate' && one('sec-fetch-dest') === 'document'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigates) return 'it came from another page'
  const origin = one('origin')
  if (origin !== undefined && origin !== `${scheme}://${host}`) return `the origin ${origin} is not this application`
  if (asked.method === 'GET' || asked.method === 'HEAD') return undefined
  if (asked.method !== 'POST') return `the method ${asked.method} is not used here`
  if (origin === undefined) return 'it names no origin'
  if (one(ownHeader) !== '1') return `it lacks the header ${ownHeader}`
  if (!/^application\/json\s*(;|$)/i.test(one('content-type') ?? '')) return 'its content is not JSON'
  return undefined
}
