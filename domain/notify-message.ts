/**
 * Messages as each kind of channel wants them. Pure. What a message says comes in part from outside (the bytes a failed check got, the
 * names in lvs.cf), so every format gets it as plain text it cannot act on: no control characters, no markup, nobody called by name.
 * Several pieces of news that wait together go in one message, in order; every line ends with its record's id, so that a receiver can
 * tell a second delivery from a second event.
 */
import type { JournalEvent } from './contract/agent.ts'
import type { ChannelKind, NewsGroup, WebhookKind } from './notify.ts'
import type { NewsLevel } from './notify-news.ts'
import { newsWords } from './speech/notify.ts'
import type { Language } from './speech/speech.ts'

/** One piece of news, said in the language of its channel. */
export interface News {
  /** `lvs1-1763712000000-42`: director, start of its agent, number in its journal; the same at every delivery. */
  readonly id: string
  readonly director: string
  readonly cluster: string
  readonly group: NewsGroup | 'test'
  readonly level: NewsLevel
  readonly atMs: number
  /** The instant as text, with its offset from UTC. */
  readonly at: string
  readonly text: string
  readonly event?: JournalEvent
}

/** What goes out in one piece. */
export interface Message {
  readonly language: Language
  readonly news: readonly News[]
  /** News before these that were given up. */
  readonly omitted: number
}

/** Feishu carries its signature in the body. */
export interface BodySignature {
  readonly timestamp: string
  readonly sign: string
}

/** Bytes of text that one message may have; WeCom takes 2048, DingTalk 20,000, Feishu 20 kB, Slack 40,000 characters. */
const mostBytes: Readonly<Record<ChannelKind, number>> = {
  webhook: 0,
  slack: 8_000,
  feishu: 8_000,
  dingtalk: 8_000,
  wecom: 1_900,
  mail: 64_000,
}
/** One line of a message; a longer sentence is cut. */
const lineMostBytes = 1_200
const idRoomBytes = 120
const subjectMostBytes = 160

/** Length in UTF-8. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/** The beginning of a text, at most so many bytes in UTF-8; never half a character. */
function cut(text: string, most: number): string {
  if (utf8Bytes(text) <= most) return text
  let bytes = utf8Bytes('…')
  let out = ''
  for (const char of text) {
    bytes += utf8Bytes(char)
    if (bytes > most) break
    out += char
  }
  return `${out}…`
}

/** One line of plain text: control characters, line ends and signs that turn the direction of writing become spaces. */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
}

/** Feishu reads `<at user_id="all">` in a text, WeCom `<@userid>`; a wider sign that looks alike is none to them. */
const withoutTags = (text: string): string => text.replaceAll('<', '＜').replaceAll('>', '＞')

const lineOf = (kind: ChannelKind, news: News, language: Language): string => {
  const tagged = kind === 'feishu' || kind === 'wecom'
  const sentence = cut(tagged ? withoutTags(plain(news.text)) : plain(news.text), lineMostBytes)
  return `[${newsWords(language).levels[news.level]}] ${news.at} ${sentence} (${cut(plain(news.id), idRoomBytes)})`
}

const headOf = ({ cluster, director }: News): string =>
  withoutTags(`Shoal · ${cut(plain(cluster), 100)} · ${cut(plain(director), 100)}`)

/** How many of these news, from the first, go in one message of this kind; at least one. A webhook gets each by itself. */
export function fitting(kind: ChannelKind, language: Language, news: readonly News[]): number {
  const [first] = news
  if (!first || kind === 'webhook') return Math.min(1, news.length)
  let bytes = utf8Bytes(headOf(first)) + utf8Bytes(newsWords(language).omitted(99_999)) + 2
  let count = 0
  for (const one of news) {
    bytes += utf8Bytes(lineOf(kind, one, language)) + 1
    if (count > 0 && bytes > mostBytes[kind]) break
    count++
  }
  return count
}

/** The text of a chat message or mail: who tells, then a line per event. */
export function textOf(kind: ChannelKind, { language, news, omitted }: Message): string {
  const [first] = news
  if (!first) return ''
  return [
    headOf(first),
    ...(omitted > 0 ? [newsWords(language).omitted(omitted)] : []),
    ...news.map((one) => lineOf(kind, one, language)),
  ].join('\n')
}

/** The subject of a mail. */
export function subjectOf({ language, news }: Message): string {
  const [first] = news
  if (!first) return 'Shoal'
  const said = newsWords(language)
  const more = news.length > 1 ? ` ${said.more(news.length - 1)}` : ''
  return `[Shoal ${cut(plain(first.cluster), 60)}] ${said.levels[first.level]}: ${cut(plain(first.text), subjectMostBytes)}${more}`
}

/** Slack reads these three as markup, and `<!channel>` would call everybody. */
const forSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
/** The JSON that is posted. `signature`: Feishu's, where the robot has a secret. */
export function bodyOf(kind: WebhookKind, message: Message, signature?: BodySignature): string {
  const text = textOf(kind, message)
  switch (kind) {
    case 'webhook': {
      const [first] = message.news
      if (!first) return '{}'
      const { id, cluster, director, group, level, atMs, at, event } = first
      return JSON.stringify({
        source: 'shoal',
        id,
        cluster,
        director,
        group,
        level,
        atMs,
        at,
        text: cut(plain(first.text), lineMostBytes),
        ...(event === undefined ? {} : { event }),
        ...(message.omitted > 0 ? { omitted: message.omitted } : {}),
      })
    }
    case 'slack':
      return JSON.stringify({ text: forSlack(text), mrkdwn: false, unfurl_links: false, unfurl_media: false })
    case 'feishu':
      return JSON.stringify({ ...signature, msg_type: 'text', content: { text } })
    case 'dingtalk':
      return JSON.stringify({ msgtype: 'text', text: { content: text }, at: { isAtAll: false } })
    case 'wecom':
      return JSON.stringify({ msgtype: 'text', text: { content: text } })
  }
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** What an answer means. Chat robots answer 200 and say in the body that they refused. `final`: not taken, however often it is sent. */
export function judge(
  kind: WebhookKind,
  { status, body }: Answer,
): { readonly taken: boolean; readonly final: boolean } {
  if (status < 200 || status > 299) return { taken: false, final: [400, 413, 415, 422].includes(status) }
  if (kind === 'webhook') return { taken: true, final: false }
  if (kind === 'slack') return { taken: true, final: false }
  const code = codeOf(body)
  return { taken: code === 0, final: false }
}

/** `errcode` of DingTalk and WeCom, `code` (earlier `StatusCode`) of Feishu; null: the body is not such an answer. */
function codeOf(body: string): number | null {
  try {
    const said: unknown = JSON.parse(body)
    if (typeof said !== 'object' || said === null) return null
    for (const name of ['errcode', 'code', 'StatusCode']) {
      const value = (said as Readonly<Record<string, unknown>>)[name]
      if (typeof value === 'number') return value
    }
  } catch {
    // Not JSON: a proxy or a page of somebody else answered.
  }
  return null
}
