/** The form of a channel: what is typed becomes a channel, or says which field is wrong; kept secrets stay out of it. */
import { expect, it } from 'vitest'
import type { NotifyOverview, ShownChannel } from '../../domain/notify.ts'
import { en } from '../../renderer/i18n/en.ts'
import { channelOf, typedOf, wrongFields } from '../../renderer/notify-draft.ts'
import type { TypedChannel } from '../../renderer/notify-draft.ts'
import { draftOf, listed } from '../../renderer/stores/notify.ts'

const typed = (over: Partial<TypedChannel>): TypedChannel => ({
  ...typedOf(null, 'a', 'en'),
  name: 'Ops',
  url: 'https://example.com/hook',
  host: 'mail.example.com',
  from: 'shoal@example.com',
  to: 'ops@example.com',
  ...over,
})
const wrong = (over: Partial<TypedChannel>, kept: ShownChannel | null = null): readonly string[] => {
  const made = channelOf(typed(over), kept)
  return 'wrong' in made ? made.wrong : []
}
const robot: ShownChannel = {
  id: 'a',
  name: 'Ops',
  kind: 'feishu',
  language: 'en',
  groups: ['failover'],
  both: false,
  shownUrl: 'https://open.feishu.cn/…',
  hasSecret: true,
}
const mailbox: ShownChannel = {
  id: 'm',
  name: 'Mail',
  kind: 'mail',
  language: 'zh-CN',
  groups: ['failover'],
  both: true,
  host: 'mail.example.com',
  port: 587,
  security: 'starttls',
  user: 'shoal',
  from: 'shoal@example.com',
  to: ['a@example.com', 'b@example.com'],
  hasPassword: true,
}

it.each([
  [{ name: ' ' }, 'name'],
  [{ url: 'example.com' }, 'url'],
  [{ url: 'https://me:pw@example.com/' }, 'url'],
  [{ url: '' }, 'urlLacking'],
  [{ secret: 'a\u0007b' }, 'secret'],
  [{ groups: [] }, 'groups'],
  [{ caFile: 'ca.pem' }, 'caFile'],
  [{ kind: 'mail', host: '' }, 'host'],
  [{ kind: 'mail', host: 'a b' }, 'host'],
  [{ kind: 'mail', port: '0' }, 'port'],
  [{ kind: 'mail', port: 'smtp' }, 'port'],
  [{ kind: 'mail', from: 'Shoal' }, 'from'],
  [{ kind: 'mail', to: 'ops@example.com, night' }, 'to'],
  [{ kind: 'mail', to: '' }, 'to'],
  [{ kind: 'mail', user: 'me' }, 'password'],
  [{ kind: 'mail', user: 'me', password: 'x', security: 'none' }, 'security'],
] as const)('%j is wrong at %s', (over, field) => {
  expect(wrong(over as Partial<TypedChannel>)).toEqual([field])
})

it('every field that can be wrong has its words', () => {
  expect(Object.keys(en.notify.form.wrong).sort()).toEqual([...wrongFields].sort())
})

it('several recipients are told apart however they are typed', () => {
  const made = channelOf(
    typed({ kind: 'mail', to: 'a@example.com，b@example.com; c@example.com\nd@example.com' }),
    null,
  )
  expect('draft' in made && made.draft.kind === 'mail' && made.draft.to).toHaveLength(4)
})

it('a channel that is there goes through the form unchanged, without its secrets', () => {
  for (const channel of [robot, mailbox]) {
    const made = channelOf(typedOf(channel, 'new', 'en'), channel)
    expect(made).toEqual({ draft: draftOf(channel) })
  }
})

it('another kind, another server or another user keeps no secret', () => {
  expect(wrong({ ...typedOf(robot, '', 'en'), kind: 'dingtalk' }, null)).toEqual(['urlLacking'])
  expect(wrong({ ...typedOf(mailbox, '', 'en'), host: 'other.example' }, mailbox)).toEqual(['password'])
  expect(wrong({ ...typedOf(mailbox, '', 'en'), user: 'other' }, mailbox)).toEqual(['password'])
  expect(wrong({ ...typedOf(mailbox, '', 'en'), to: 'c@example.com' }, mailbox)).toEqual([])
})

it('channels that the directors have differently are listed once, with who lacks or differs', () => {
  const director = (name: string, channels: ShownChannel[]): NotifyOverview['directors'][number] => ({
    hostId: name,
    name,
    view: { cluster: 'shop', channels },
  })
  const overview: NotifyOverview = {
    directors: [
      director('lvs1', [robot, mailbox]),
      director('lvs2', [{ ...mailbox, host: 'old.example' }]),
      { hostId: 'lvs3', name: 'lvs3' },
    ],
    problems: [],
  }
  expect(listed(overview).map(({ channel, lackedBy, differsOn }) => [channel.name, lackedBy, differsOn])).toEqual([
    ['Ops', ['lvs2'], []],
    ['Mail', [], ['lvs2']],
  ])
})
