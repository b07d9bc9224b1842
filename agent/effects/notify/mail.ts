/**
 * A mail as bytes (RFC 5322, 2045, 2047): plain text, its header lines made here and free of anything that could begin another one. The
 * Message-ID comes from the records it tells of, so a second delivery of the same ones is seen as such.
 */
import { createHash } from 'node:crypto'
import { plain, subjectOf, textOf, type Message } from '../../../domain/notify-message.ts'
import type { MailChannel } from '../../../domain/notify.ts'

/** An encoded word is no longer than 75 characters, of which 12 are its frame: 45 bytes as base64 are 60. */
const wordBytes = 45
/** A header line is folded before this. */
const foldAt = 76
const bodyLineChars = 76
/** A line of a mail has at most 998 characters; longer ones are carried as base64. */
const plainLineMost = 900

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

/** The text of a header line, with encoded words where it is not plain ASCII or could be taken for one of them. */
function headerText(value: string): string {
  const text = plain(value)
  if (isAscii(text) && !text.includes('=?')) return text
  const words: string[] = []
  let part = ''
  const close = (): void => {
    if (part !== '') words.push(`=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`)
    part = ''
  }
  for (const char of text) {
    if (Buffer.byteLength(part + char) > wordBytes) close()
    part += char
  }
  close()
  return words.join('\r\n ')
}

/** Folds plain header text at spaces. */
function folded(line: string): string {
  if (line.includes('\r\n')) return line
  const lines: string[] = []
  let rest = line
  while (rest.length > foldAt) {
    const at = rest.lastIndexOf(' ', foldAt)
    // A fold before the first word would leave an empty line.
    if (at <= rest.indexOf(':') + 1) break
    lines.push(rest.slice(0, at))
    rest = rest.slice(at)
  }
  return [...lines, rest].join('\r\n')
}

/** `Sat, 21 Nov 2026 15:04:05 +0000`. */
function mailDate(at: Date): string {
  return at.toUTCString().replace('GMT', '+0000')
}

const idPart = (text: string): string => text.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 200)

/** A name for EHLO and Message-ID that is one in any case. */
export function hostWord(name: string): string {
  const word = name.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '')
  return word === '' ? 'shoal.invalid' : word.slice(0, 200)
}

/** The mail, lines ended by CRLF, dots not yet doubled. */
export function mailOf(channel: MailChannel, message: Message, director: string, nowMs: number): string {
  const text = textOf('mail', message)
  const ids = message.news.map(({ id }) => id)
  const [first = 'shoal'] = ids
  const digest = createHash('sha256').update(ids.join('\n')).digest('hex').slice(0, 16)
  const lines = text.split('\n')
  const asIs = lines.every((line) => isAscii(line) && line.length <= plainLineMost)
  const headers = [
    `From: Shoal <${channel.from}>`,
    `To: ${channel.to.join(',\r\n ')}`,
    `Subject: ${headerText(subjectOf(message))}`,
    `Date: ${mailDate(new Date(nowMs))}`,
    `Message-ID: <${idPart(first)}.${digest}@${hostWord(director)}>`,
    'Auto-Submitted: auto-generated',
    `X-Shoal-Record: ${idPart(first)}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Transfer-Encoding: ${asIs ? '7bit' : 'base64'}`,
  ].map(folded)
  const body = asIs
    ? lines.join('\r\n')
    : (
        Buffer.from(`${lines.join('\r\n')}\r\n`)
          .toString('base64')
          .match(new RegExp(`.{1,${bodyLineChars}}`, 'g')) ?? []
      ).join('\r\n')
  return `${headers.join('\r\n')}\r\n\r\n${body}\r\n`
}

/** A text as DATA carries it (RFC 5321 4.5.2): every line ended by CRLF, a dot in front doubled, and the dot that ends it. */
export function stuffed(mail: string): string {
  const lines = mail.replace(/\r\n|\r|\n/g, '\r\n').replace(/(?:\r\n)*$/, '')
  return `${lines.replace(/^\./gm, '..')}\r\n.\r\n`
}
