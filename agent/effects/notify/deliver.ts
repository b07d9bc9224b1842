/**
 * Takes one message to one channel and says what came of it. What is said for status and journal is free of the channel's secrets, also
 * where the other side repeats them.
 */
import { createHmac } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { bodyOf, judge, plain, type BodySignature, type Message } from '../../../domain/notify-message.ts'
import type { Channel, WebhookChannel } from '../../../domain/notify.ts'
import { mailOf } from './mail.ts'
import { MailRefused, sendMail } from './smtp.ts'
import type { Trust } from './trust.ts'
import { post } from './web.ts'

/** Words of the other side are quoted up to here. */
const quotedMost = 300
/** What the runtime advises about itself: here the system's certificates are trusted already. */
const runtimeAdvice = /; if the root CA is installed locally.*$/
/** Parts of an address shorter than this are no secrets: `v2`, `hook`, `send`. */
const secretLeast = 6

export type Outcome =
  /** `says`: what was not as it should be all the same. */
  | { readonly delivered: true; readonly says?: string }
  | {
      readonly delivered: false
      readonly says: string
      /** This message is refused for what it says. */
      readonly final: boolean
      /** Not to be tried again before. */
      readonly waitMs?: number
    }

export type Deliver = (channel: Channel, message: Message) => Promise<Outcome>

export interface DeliverPorts {
  readonly director: string
  readonly lookup: LookupFunction
  readonly trust: Trust
  readonly wallMs: () => number
  /** For tests; else the limits of web.ts and smtp.ts. */
  readonly limitMs?: number
}

/** What of a channel must not be repeated, longest first. */
function secretsOf(channel: Channel): readonly string[] {
  const found: string[] = []
  if (channel.kind === 'mail') {
    const { user, password } = channel
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    if (password !== '') found.push(password, base64(password), base64(`\0${user}\0${password}`))
  } else {
    const path = channel.url.replace(/^https?:\/\/[^/?]+/, '')
    const parts = path.split(/[/?&=#]/).filter((part) => part.length >= secretLeast)
    found.push(...parts, ...parts.map(decoded), channel.secret)
    if (path.length > 1) found.push(path)
  }
  return [...new Set(found)].filter((one) => one !== '').sort((a, b) => b.length - a.length)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A text in which no secret of the channel is left, as one line. */
function withoutSecrets(channel: Channel, text: string): string {
  let said = text
  for (const one of secretsOf(channel)) said = said.replaceAll(one, '…')
  return plain(said.replace(runtimeAdvice, '')).slice(0, quotedMost)
}

/** Feishu: the key is `timestamp\nsecret` over nothing, in seconds. */
function feishuSignature(secret: string, nowMs: number): BodySignature {
  const timestamp = String(Math.floor(nowMs / 1_000))
  return { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).digest('base64') }
}

/** DingTalk: `timestamp\nsecret` with the secret as the key, in milliseconds, as two more values of the address. */
function dingtalkAddress(url: string, secret: string, nowMs: number): string {
  const timestamp = String(Math.round(nowMs))
  const signed = new URL(url)
  signed.searchParams.set('timestamp', timestamp)
  signed.searchParams.set('sign', createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64'))
  return signed.href
}

export function openDeliver({ director, lookup, trust, wallMs, limitMs }: DeliverPorts): Deliver {
  const limit = limitMs === undefined ? {} : { limitMs }

  async function toHook(channel: WebhookChannel, message: Message): Promise<Outcome> {
    const { kind, secret } = channel
    const nowMs = wallMs()
    const signs = secret !== ''
    const body = bodyOf(kind, message, kind === 'feishu' && signs ? feishuSignature(secret, nowMs) : undefined)
    const record = message.news[0]?.id.replace(/[^!-~]+/g, '-').slice(0, 200) ?? ''
    const answer = await post({
      url: kind === 'dingtalk' && signs ? dingtalkAddress(channel.url, secret, nowMs) : channel.url,
      body,
      headers:
        kind === 'webhook'
          ? {
              'Idempotency-Key': record,
              ...(signs
                ? { 'X-Shoal-Signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }
                : {}),
            }
          : {},
      lookup,
      trust: channel.url.startsWith('https:') ? await trust(channel.caFile) : undefined,
      ...limit,
    })
    const { taken, final } = judge(kind, answer)
    if (taken) return { delivered: true }
    const quoted = withoutSecrets(channel, answer.body)
    return {
      delivered: false,
      says: `It answered ${answer.status}${quoted === '' ? '' : `: ${quoted}`}`,
      final,
      ...(answer.retryAfterMs === undefined ? {} : { waitMs: answer.retryAfterMs }),
    }
  }

  return async (channel, message) => {
    try {
      if (channel.kind !== 'mail') return await toHook(channel, message)
      const mail = mailOf(channel, message, director, wallMs())
      const { refused } = await sendMail({
        channel,
        mail,
        director,
        lookup,
        trust: await trust(channel.caFile),
        ...limit,
      })
      if (refused.length === 0) return { delivered: true }
      return { delivered: true, says: withoutSecrets(channel, `Not taken for ${refused.join('; ')}`) }
    } catch (error) {
      const says = withoutSecrets(channel, error instanceof Error ? error.message || error.name : String(error))
      return { delivered: false, says, final: error instanceof MailRefused && error.final }
    }
  }
}
