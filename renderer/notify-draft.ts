/** What is typed into the form of a channel, and the channel it makes; which field is wrong is for the schema of the domain to say. */
import { channelDraftSchema, hasSecrets, usualGroups, usualMailPort } from '../domain/notify.ts'
import type { ChannelDraft, ChannelKind, MailSecurity, NewsGroup, ShownChannel } from '../domain/notify.ts'
import type { Language } from '../domain/speech/speech.ts'

/** Everything the form can hold; what another kind needs waits in it. */
export interface TypedChannel {
  id: string
  kind: ChannelKind
  name: string
  language: Language
  groups: NewsGroup[]
  both: boolean
  caFile: string
  url: string
  secret: string
  host: string
  port: string
  security: MailSecurity
  user: string
  password: string
  from: string
  to: string
}

export const wrongFields = [
  'name',
  'url',
  'urlLacking',
  'secret',
  'host',
  'port',
  'security',
  'user',
  'password',
  'from',
  'to',
  'groups',
  'caFile',
] as const
export type WrongField = (typeof wrongFields)[number]

/** The form for a new channel, or for one that is there: its secrets are not among what is shown. */
export function typedOf(channel: ShownChannel | null, id: string, language: Language): TypedChannel {
  const mail = channel?.kind === 'mail' ? channel : null
  return {
    id: channel?.id ?? id,
    kind: channel?.kind ?? 'webhook',
    name: channel?.name ?? '',
    language: channel?.language ?? language,
    groups: [...(channel?.groups ?? usualGroups)],
    both: channel?.both ?? false,
    caFile: channel?.caFile ?? '',
    url: '',
    secret: '',
    host: mail?.host ?? '',
    port: String(mail?.port ?? usualMailPort.starttls),
    security: mail?.security ?? 'starttls',
    user: mail?.user ?? '',
    password: '',
    from: mail?.from ?? '',
    to: mail?.to.join(', ') ?? '',
  }
}

/** The channel that was typed, or the fields that are wrong. `kept`: the one it was, whose secrets may stay. */
export function channelOf(
  typed: TypedChannel,
  kept: ShownChannel | null,
): { readonly draft: ChannelDraft } | { readonly wrong: readonly WrongField[] } {
  const { id, kind, language, groups, both } = typed
  const caFile = typed.caFile.trim()
  const about = { id, name: typed.name.trim(), language, groups, both, ...(caFile === '' ? {} : { caFile }) }
  const url = typed.url.trim()
  const draft: unknown =
    kind === 'mail'
      ? {
          ...about,
          kind,
          host: typed.host.trim(),
          port: /^\d+$/.test(typed.port.trim()) ? Number(typed.port.trim()) : 0,
          security: typed.security,
          user: typed.user.trim(),
          from: typed.from.trim(),
          to: typed.to.split(/[,;，；\s]+/).filter(Boolean),
          ...(typed.password === '' ? {} : { password: typed.password }),
        }
      : {
          ...about,
          kind,
          ...(url === '' ? {} : { url }),
          ...(typed.secret === '' ? {} : { secret: typed.secret }),
        }
  const read = channelDraftSchema.safeParse(draft)
  if (!read.success) {
    const wrong = new Set<WrongField>()
    for (const field of fieldsOf(read.error.issues)) {
      const known = wrongFields.find((one) => one === field)
      if (known) wrong.add(known)
    }
    return { wrong: [...wrong] }
  }
  if (!hasSecrets(read.data, kept ? [kept] : [])) return { wrong: [kind === 'mail' ? 'password' : 'urlLacking'] }
  return { draft: read.data }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly errors?: readonly (readonly Issue[])[]
}

/** The fields that issues are about; of a union, those of the form that fits the kind best. */
function fieldsOf(issues: readonly object[]): readonly string[] {
  return (issues as readonly Issue[]).flatMap((issue) => {
    if (issue.path.length > 0) return [String(issue.path[0])]
    const forms = (issue.errors ?? []).map((form) => fieldsOf(form))
    const fitting = forms.filter((fields) => !fields.includes('kind'))
    return fitting[0] ?? forms[0] ?? []
  })
}
