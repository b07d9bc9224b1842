/**
 * Asks a feed of the operator's choosing whether there is a newer Shoal. Nothing is asked unless an address was given, nothing is
 * fetched but that one small file, and nothing is ever installed by itself.
 */
import { z } from 'zod'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'
import { isNewer } from '../domain/settings.ts'
import type { Update } from '../domain/settings.ts'

const answerMostMs = 10_000
const feedMostBytes = 64 * 1024
const notesMostCharacters = 4000

const feedSchema = z.object({
  version: z.string().max(100),
  page: z.url({ protocol: /^https?$/ }).max(2000),
  notes: z.string().default(''),
})

/** An address that may be asked: https, or plain http on this machine alone (a feed for trying it out). */
export function feedAddress(text: string): URL | undefined {
  const address = URL.parse(text.trim())
  if (!address || address.username !== '' || address.password !== '') return undefined
  if (address.protocol === 'https:') return address
  return address.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(address.hostname)
    ? address
    : undefined
}

async function readFeed(address: URL): Promise<string> {
  // A redirect could lead from https to anywhere.
  const answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(answerMostMs) })
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > feedMostBytes) throw new Error(`more than ${feedMostBytes / 1024} KB`)
  }
  return text
}

/** Errors: `update-feed-address`, `update-feed-silent`, `update-feed-malformed`. */
export async function askFeed(feed: string, current: string, nowMs: number): Promise<Result<Update>> {
  const address = feedAddress(feed)
  if (!address) return failed(problem('update-feed-address', { feed }))
  let text: string
  try {
    text = await readFeed(address)
  } catch (error) {
    const { message, cause } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    return failed(problem('update-feed-silent', { feed, reason }))
  }
  const read = feedSchema.safeParse(parsed(text))
  const newer = read.success ? isNewer(read.data.version, current) : undefined
  if (!read.success || newer === undefined)
    return failed(
      problem('update-feed-malformed', {
        feed,
        reason: read.success ? `${read.data.version} is no version` : (read.error.issues[0]?.message ?? ''),
      }),
    )
  const { version, page, notes } = read.data
  return ok({
    current,
    latest: version.trim().replace(/^v/, ''),
    newer,
    page,
    notes: notes.slice(0, notesMostCharacters),
    askedAtMs: nowMs,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
