/**
 * Notifications of a cluster: what a director tells the outside, over which channels, and what of it may be shown. The settings lie on
 * the directors in /etc/shoal/notify.json (mode 0600), never in lvs.cf; addresses of chat robots and passwords are secrets, they go to a
 * director and never come back: what is shown is `ShownChannel`.
 */
import { z } from 'zod'
import type { Problem } from './problem.ts'

/** Where a director keeps its channels. */
export const notifyPath = '/etc/shoal/notify.json'

const webhookKinds = ['webhook', 'slack', 'feishu', 'dingtalk', 'wecom'] as const
export type WebhookKind = (typeof webhookKinds)[number]
export const channelKinds = [...webhookKinds, 'mail'] as const
export type ChannelKind = (typeof channelKinds)[number]

/** Kinds of news a channel can be asked to tell; every event of the journal belongs to one of them or to none. */
export const newsGroups = [
  'failover',
  'unfit',
  'health-down',
  'health-up',
  'disagreement',
  'peer',
  'drift',
  'configuration',
  'order',
  'agent',
] as const
export type NewsGroup = (typeof newsGroups)[number]

/** What a new channel tells: what somebody may have to act on, and its end. */
export const usualGroups: readonly NewsGroup[] = [
  'failover',
  'unfit',
  'health-down',
  'health-up',
  'disagreement',
  'peer',
  'drift',
]

/** `tls` from the first byte (465); `starttls` or not at all (587); `none`: readable on the way, and no password is sent (25). */
export const mailSecurities = ['starttls', 'tls', 'none'] as const
export type MailSecurity = (typeof mailSecurities)[number]
export const usualMailPort: Readonly<Record<MailSecurity, number>> = { starttls: 587, tls: 465, none: 25 }

export const maxChannels = 10
const maxRecipients = 20

const noControls = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u
const channelId = z.string().regex(/^[a-z0-9-]{1,40}$/)
/** An http or https address without a user name in it. */
const address = z
  .string()
  .max(2_000)
  .regex(
    /^https?:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?(?:[/?][!-~]*)?$|^https?:\/\/\[[0-9A-Fa-f:]+\](?::\d{1,5})?(?:[/?][!-~]*)?$/,
  )
const secret = z.string().max(500).regex(noControls)
const mailbox = z
  .string()
  .max(254)
  .regex(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+$/)
const about = {
  id: channelId,
  name: z.string().min(1).max(80).regex(noControls),
  language: z.enum(['en', 'zh-CN']),
  groups: z.array(z.enum(newsGroups)).min(1).max(newsGroups.length),
  /** Both directors tell what both see; else the standby leaves it to the active one. */
  both: z.boolean(),
  /** A file on the directors with the only certificates (PEM) to be trusted; absent: those of the system. */
  caFile: z
    .string()
    .regex(/^\/[^\p{Cc}]{1,400}$/u)
    .exactOptional(),
}
const mailAbout = {
  ...about,
  kind: z.literal('mail'),
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9._:-]+$/),
  port: z.number().int().min(1).max(65_535),
  security: z.enum(mailSecurities),
  /** Empty: no login. */
  user: z.string().max(200).regex(noControls),
  from: mailbox,
  to: z.array(mailbox).min(1).max(maxRecipients),
}

const webhookSchema = z.object({ ...about, kind: z.enum(webhookKinds), url: address, secret })
const mailSchema = z.object({ ...mailAbout, password: secret })
export const channelSchema = z
  .union([webhookSchema, mailSchema])
  .refine((channel) => channel.kind !== 'mail' || channel.security !== 'none' || channel.user === '', {
    message: 'a login is sent over TLS only',
    path: ['security'],
  })
export type Channel = z.infer<typeof channelSchema>
export type WebhookChannel = z.infer<typeof webhookSchema>
export type MailChannel = z.infer<typeof mailSchema>

/** The file on a director. */
export const notifySettingsSchema = z.object({
  version: z.literal(1),
  /** What the cluster is called in messages. */
  cluster: z.string().max(200).regex(noControls),
  channels: z.array(channelSchema).max(maxChannels),
})
export type NotifySettings = z.infer<typeof notifySettingsSchema>

/** A channel as it is sent to a director: without `url` or `password` the ones it has are kept (see `withKept`). */
export const channelDraftSchema = z
  .union([
    z.object({ ...about, kind: z.enum(webhookKinds), url: address.exactOptional(), secret: secret.exactOptional() }),
    z.object({ ...mailAbout, password: secret.exactOptional() }),
  ])
  .refine((channel) => channel.kind !== 'mail' || channel.security !== 'none' || channel.user === '', {
    message: 'a login is sent over TLS only',
    path: ['security'],
  })
export type ChannelDraft = z.infer<typeof channelDraftSchema>

const shownMailSchema = z.object({ ...mailAbout, hasPassword: z.boolean() })
const shownWebhookSchema = z.object({
  ...about,
  kind: z.enum(webhookKinds),
  /** The host alone: the rest of the address is the secret of a chat robot. */
  shownUrl: z.string().max(300),
  hasSecret: z.boolean(),
})
/** A channel without its secrets. */
const shownChannelSchema = z.union([shownWebhookSchema, shownMailSchema])
export type ShownChannel = z.infer<typeof shownChannelSchema>

/** The settings of a director, as it shows them. */
export const notifyViewSchema = z.object({
  cluster: z.string().max(200),
  channels: z.array(shownChannelSchema).max(maxChannels),
  /** Why the file of the settings cannot be used, in English; the channels are empty then. */
  unreadable: z.string().max(2_000).exactOptional(),
})
export type NotifyView = z.infer<typeof notifyViewSchema>

const instant = z.number()
/** How a channel of a director fares. Instants are the director's wall clock. */
export const channelStateSchema = z.object({
  id: z.string().max(200),
  name: z.string().max(200),
  /** News that wait to be told. */
  waiting: z.number(),
  /** Messages delivered since the agent was started. */
  delivered: z.number(),
  deliveredAtMs: instant.optional(),
  /** Absent: the last try was delivered. */
  failingSinceMs: instant.optional(),
  lastErrorAtMs: instant.optional(),
  lastError: z.string().max(2_000).optional(),
  /** News given up since the agent was started: too old, too many, or refused for good. */
  givenUp: z.number(),
})
export type ChannelState = z.infer<typeof channelStateSchema>

/** The answer to a test: what the other side said, or why it was not reached. */
export const testedSchema = z.object({
  passed: z.boolean(),
  says: z.string().max(2_000),
  tookMs: z.number(),
  /** Nothing was sent: the director is a simulated one, and `says` is what it would have sent. */
  simulated: z.literal(true).optional(),
})
export type Tested = z.infer<typeof testedSchema>

/** A channel that fails for longer than this is said on every page of the cluster and in the director's journal. */
export const failingLongMs = 5 * 60_000

/** The channels of both directors, as the app shows them. */
export interface NotifyOverview {
  readonly directors: readonly {
    readonly hostId: string
    readonly name: string
    /** Absent: the director could not be asked. */
    readonly view?: NotifyView
  }[]
  /** Why a director could not be asked, or did not take a change. */
  readonly problems: readonly Problem[]
}

/** What came of a test at one director: its answer, or why it gave none. */
export interface DirectorTested {
  readonly hostId: string
  readonly name: string
  readonly tested?: Tested
  readonly problem?: Problem
}

const isHook = (channel: Channel): channel is WebhookChannel => channel.kind !== 'mail'

/** Scheme and host of an address; the rest is a secret. */
function shownAddress(url: string): string {
  const origin = /^https?:\/\/[^/?]+/.exec(url)?.[0] ?? ''
  return origin.length < url.length ? `${origin}/…` : origin
}

/** A channel without its secrets. */
export function shown(channel: Channel): ShownChannel {
  if (isHook(channel)) {
    const { url, secret: signs, ...rest } = channel
    return { ...rest, shownUrl: shownAddress(url), hasSecret: signs !== '' }
  }
  const { password, ...rest } = channel
  return { ...rest, hasPassword: password !== '' }
}

/**
 * Whether the secrets of a draft are there: given with it, or kept for the channel of before. An address that is given anew brings its own
 * secret along, and a password is kept only for the same login at the same server, so that changing where a channel leads never sends a
 * kept secret there.
 */
export function hasSecrets(draft: ChannelDraft, kept: readonly ShownChannel[]): boolean {
  const before = kept.find(({ id }) => id === draft.id)
  if (draft.kind !== 'mail') return draft.url !== undefined || before?.kind === draft.kind
  if (draft.password !== undefined || draft.user === '') return true
  return (
    before?.kind === 'mail' &&
    before.host === draft.host &&
    before.port === draft.port &&
    before.security === draft.security &&
    before.user === draft.user
  )
}

/** Drafts made whole with the secrets that are kept; `lacking` names the channels for which none are. */
export function withKept(
  drafts: readonly ChannelDraft[],
  kept: readonly Channel[],
): { readonly channels: Channel[]; readonly lacking: readonly string[] } {
  const channels: Channel[] = []
  const lacking: string[] = []
  const known = kept.map(shown)
  for (const draft of drafts) {
    if (!hasSecrets(draft, known)) {
      lacking.push(draft.name)
      continue
    }
    const before = kept.find(({ id, kind }) => id === draft.id && kind === draft.kind)
    if (draft.kind === 'mail') {
      const { password, ...rest } = draft
      const keeps = draft.user !== '' && before?.kind === 'mail' ? before.password : ''
      channels.push({ ...rest, password: password ?? keeps })
    } else if (draft.url !== undefined) {
      const { url, secret: signs, ...rest } = draft
      channels.push({ ...rest, url, secret: signs ?? '' })
    } else if (before && isHook(before)) {
      const { url: _none, secret: signs, ...rest } = draft
      channels.push({ ...rest, url: before.url, secret: signs ?? before.secret })
    }
  }
  return { channels, lacking }
}
