/**
 * The text of a document as an editor holds it: one character per line break. A file whose lines all end alike loses nothing by that;
 * one with mixed line ends is held as it is, its carriage returns visible. Going back gives the same characters.
 */
import type { Where } from '../problem.ts'

type LineEnd = '\n' | '\r\n' | '\r'

export interface HeldText {
  /** Lines separated by a line feed. */
  readonly text: string
  /** What stands for every line feed of `text` in the file; `mixed` means the text is the file as it is. */
  readonly lineEnd: LineEnd | 'mixed'
}

/** A file's text as an editor holds it. */
export function hold(fileText: string): HeldText {
  if (!fileText.includes('\r')) return { text: fileText, lineEnd: '\n' }
  const pairs = fileText.split('\r\n').length - 1
  const returns = fileText.split('\r').length - 1
  const feeds = fileText.split('\n').length - 1
  if (pairs === returns && pairs === feeds) return { text: fileText.replaceAll('\r\n', '\n'), lineEnd: '\r\n' }
  if (feeds === 0) return { text: fileText.replaceAll('\r', '\n'), lineEnd: '\r' }
  return { text: fileText, lineEnd: 'mixed' }
}

/** The file's text again. */
export function release(held: HeldText): string {
  return held.lineEnd === '\n' || held.lineEnd === 'mixed' ? held.text : held.text.replaceAll('\n', held.lineEnd)
}

/** Where each line begins, counting a lone carriage return as a line end too, as the places of problems do. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0]
  if (!text.includes('\r')) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    return starts
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) starts.push(at + 1)
  }
  return starts
}

export interface Span {
  readonly from: number
  readonly to: number
}

/** A place in lines and columns as offsets, kept inside the text. What has no text place is the beginning. */
export function spanOf(where: Where | undefined, starts: readonly number[], length: number): Span {
  if (where?.kind !== 'text') return { from: 0, to: 0 }
  const offset = (line: number, column: number): number => {
    const start = starts[Math.min(line, starts.length) - 1] ?? 0
    return Math.min(start + column - 1, length)
  }
  const from = offset(where.line, where.column)
  return { from, to: Math.max(from, offset(where.endLine, where.endColumn)) }
}

/** The one edit that makes one text another: what lies between their common beginning and their common end. */
export function differing(
  old: string,
  next: string,
): { readonly from: number; readonly to: number; readonly insert: string } {
  const most = Math.min(old.length, next.length)
  let head = 0
  while (head < most && old.charCodeAt(head) === next.charCodeAt(head)) head++
  let tail = 0
  while (tail < most - head && old.charCodeAt(old.length - 1 - tail) === next.charCodeAt(next.length - 1 - tail)) tail++
  return { from: head, to: old.length - tail, insert: next.slice(head, next.length - tail) }
}
