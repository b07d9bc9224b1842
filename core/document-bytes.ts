/**
 * Bytes of a document to text and back, without changing one. Most lvs.cf files are ASCII or UTF-8; comments in GB18030 are common in
 * the wild, and whatever is neither is shown byte by byte as Latin-1. An encoding is only chosen when encoding the text again gives
 * exactly the bytes that were read.
 */
import { documentEncodings, encodingNames } from '../domain/document-encodings.ts'
import type { DocumentEncoding } from '../domain/document-encodings.ts'
import type { Result } from '../domain/problem.ts'
import { failed, ok, problem } from '../domain/problem.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const gb18030 = new TextDecoder('gb18030', { fatal: true, ignoreBOM: true })

/** Linear index of the four-byte code that stands for U+10000 (GB 18030: 90 30 81 30). */
const astralIndex = (0x90 - 0x81) * 12_600
const astralFirst = 0x1_0000
/** Four-byte codes for the basic plane end before 84 32. */
const basicIndexEnd = (0x84 - 0x81) * 12_600 + 2 * 1_260

function fourBytes(index: number): readonly [number, number, number, number] {
  return [
    0x81 + Math.floor(index / 12_600),
    0x30 + (Math.floor(index / 1_260) % 10),
    0x81 + (Math.floor(index / 10) % 126),
    0x30 + (index % 10),
  ]
}

let table: Map<string, Uint8Array> | undefined

/** Character → bytes, made from what the decoder answers for every two-byte and basic-plane four-byte code. */
function encodeTable(): Map<string, Uint8Array> {
  if (table) return table
  const made = new Map<string, Uint8Array>()
  const learn = (bytes: readonly number[]): void => {
    const coded = Uint8Array.from(bytes)
    try {
      const character = gb18030.decode(coded)
      if ([...character].length === 1 && !made.has(character)) made.set(character, coded)
    } catch {
      // Not every code is assigned.
    }
  }
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) if (trail !== 0x7f) learn([lead, trail])
  }
  for (let index = 0; index < basicIndexEnd; index++) learn(fourBytes(index))
  table = made
  return made
}

function encodeGb18030(text: string): Uint8Array | undefined {
  const known = encodeTable()
  const out: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) {
      out.push(code)
      continue
    }
    const bytes = known.get(character)
    if (bytes) out.push(...bytes)
    else if (code >= astralFirst) out.push(...fourBytes(astralIndex + code - astralFirst))
    else return undefined
  }
  return Uint8Array.from(out)
}

function encodeLatin1(text: string): Uint8Array | undefined {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return undefined
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

function encode(text: string, encoding: DocumentEncoding): Uint8Array | undefined {
  if (encoding === 'gb18030') return encodeGb18030(text)
  if (encoding === 'latin1') return encodeLatin1(text)
  return text.isWellFormed() ? new Uint8Array(Buffer.from(text, 'utf8')) : undefined
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}

/** The text of the bytes in one encoding; undefined when encoding it again would not give the same bytes. */
function decodeAs(bytes: Uint8Array, encoding: DocumentEncoding): string | undefined {
  if (encoding === 'latin1') return Buffer.from(bytes).toString('latin1')
  try {
    const text = (encoding === 'utf-8' ? utf8 : gb18030).decode(bytes)
    return isSame(bytes, encode(text, encoding)) ? text : undefined
  } catch {
    return undefined
  }
}

/** The text of the bytes, in the first encoding that gives the same bytes back: UTF-8, GB18030, Latin-1 (which always does). */
export function decodeDocument(bytes: Uint8Array): { readonly text: string; readonly encoding: DocumentEncoding } {
  for (const encoding of documentEncodings) {
    const text = decodeAs(bytes, encoding)
    if (text !== undefined) return { text, encoding }
  }
  throw new Error('Latin-1 has a character for every byte')
}

/** The same in an encoding that was chosen; `document-not-read-in-encoding` when it would not give the same bytes back. */
export function decodeDocumentAs(
  bytes: Uint8Array,
  encoding: DocumentEncoding,
): Result<{ readonly text: string; readonly encoding: DocumentEncoding }> {
  const text = decodeAs(bytes, encoding)
  return text === undefined
    ? failed(problem('document-not-read-in-encoding', { encoding: encodingNames[encoding] }))
    : ok({ text, encoding })
}

/** The bytes of the text; `document-not-in-encoding` names the first character the encoding does not have. */
export function encodeDocument(text: string, encoding: DocumentEncoding): Result<Uint8Array> {
  const bytes = encode(text, encoding)
  if (bytes) return ok(bytes)
  const name = encodingNames[encoding]
  let line = 1
  for (const character of text) {
    if (character === '\n') line++
    else if (!encode(character, encoding))
      return failed(problem('document-not-in-encoding', { line, character, encoding: name }))
  }
  return failed(problem('document-not-in-encoding', { line, character: '?', encoding: name }))
}
