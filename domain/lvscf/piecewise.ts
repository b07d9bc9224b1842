/**
 * A large lvs.cf read virtual server by virtual server, so that a director can read a thousand of them between two heartbeats and a
 * change of one does not read the others again. Only plainly written files are read this way: whole lines, every brace where the web
 * tool writes it, and nothing that blocks. Whatever else a file is (or says twice) is left to `check`, which reads it at once and
 * knows every rule; `readPiecewise` then answers null. Where it answers, it answers what `check` answers.
 */
import type { Config, VirtualServer } from '../config.ts'
import { serviceKey } from '../ipvs/keys.ts'
import { config } from './config.ts'
import { read } from './draft.ts'
import { parse } from './syntax.ts'

/** One virtual block as written, and what it means. */
interface Piece {
  readonly text: string
  /** None: not in service and not sound, so it is left out. Two: it has an IPv6 address, too. */
  readonly virtuals: readonly VirtualServer[]
}

/** What was read, kept for the next time. */
export interface Pieces {
  readonly pieces: readonly Piece[]
  /** The lines outside the virtual blocks that a virtual server's meaning may depend on. */
  readonly context: string
}

export const noPieces: Pieces = { pieces: [], context: '' }

export interface PiecewiseRead {
  /** Unchanged virtual servers are the same objects as in the read before. */
  readonly config: Config
  readonly pieces: Pieces
}

const opensVirtual = /^[ \t]*virtual[ \t]+[\w.:-]+[ \t]*\{[ \t]*$/
const opensServer = /^[ \t]*server[ \t]+[\w.:-]+[ \t]*\{[ \t]*$/
const closes = /^[ \t]*\}[ \t]*$/
const empty = /^[ \t]*$/
const plainLine = /^[ \t]*(?:#.*|[a-z_]+[ \t]*=[ \t]*(?:[^"'{}#\\]*|"[^"]*"[ \t]*))?$/
/** Changes with every edit and means nothing to a virtual server. */
const serialLine = /^[ \t]*serial_no[ \t]*=/

/** Reads a file in small steps, one virtual block between two yields. Null: not for this way of reading. */
export function* readPiecewise(text: string, before: Pieces): Generator<void, PiecewiseRead | null> {
  if (/[\r\0\uFEFF]/.test(text)) return null
  const blocks: string[] = []
  const header: string[] = []
  /** What was read of a text before, by the text. */
  const known = new Map<string, Piece>()
  const byOpening = new Map<string, Piece[]>()
  for (const piece of before.pieces) {
    known.set(piece.text, piece)
    const opening = piece.text.slice(0, piece.text.indexOf('\n'))
    const same = byOpening.get(opening)
    if (same) same.push(piece)
    else byOpening.set(opening, [piece])
  }
  yield
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at)
    const line = text.slice(at, end)
    if (!opensVirtual.test(line)) {
      if (!plainLine.test(line)) return null
      header.push(line)
      at = end + 1
      continue
    }
    const same = byOpening.get(line)?.find((piece) => piece.text.endsWith('\n') && text.startsWith(piece.text, at))
    const to = same ? at + same.text.length : blockEnd(text, end + 1)
    if (to === undefined) return null
    // Cut from the new text, so that the old one is not kept in memory by what has not changed.
    blocks.push(text.slice(at, to))
    at = to
    yield
  }
  const headerText = `${header.join('\n')}\n`
  const context = header.filter((line) => !serialLine.test(line) && !empty.test(line)).join('\n')
  const whole = sound(headerText)
  if (!whole) return null
  yield
  const pieces: Piece[] = []
  for (const block of blocks) {
    const old = before.context === context ? known.get(block) : undefined
    if (old) {
      pieces.push({ ...old, text: block })
      continue
    }
    const alone = sound(headerText + block)
    if (!alone) return null
    pieces.push({ text: block, virtuals: alone.virtualServers })
    yield
  }
  const virtualServers = pieces.flatMap(({ virtuals }) => virtuals)
  if (clash(virtualServers)) return null
  return { config: { ...whole, virtualServers }, pieces: { pieces, context } }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

/** Where the line after the closing brace begins; undefined when something inside is not plain. */
function blockEnd(text: string, from: number): number | undefined {
  let depth = 1
  for (let at = from; at < text.length;) {
    const end = lineEnd(text, at)
    const line = text.slice(at, end)
    at = Math.min(text.length, end + 1)
    if (closes.test(line)) {
      depth--
      if (depth === 0) return at
    } else if (opensServer.test(line)) {
      if (depth === 2) return undefined
      depth++
    } else if (!plainLine.test(line)) return undefined
  }
  return undefined
}

/** What a piece of a file means by itself; undefined when anything in it blocks. */
function sound(text: string): Config | undefined {
  const tree = parse(text)
  if (tree.problems.some(({ severity }) => severity === 'block')) return undefined
  const meaning = config(read(tree))
  return meaning.problems.some(({ severity }) => severity === 'block') ? undefined : meaning.config
}

/** Whether two virtual servers are, or may be, in each other's way; `check` then says how. */
function clash(virtualServers: readonly VirtualServer[]): boolean {
  const servers = new Set<string>()
  for (const { realServers } of virtualServers) for (const { address } of realServers) servers.add(address)
  const keys = new Set<string>()
  for (const spec of virtualServers) {
    if (!spec.active) continue
    const key = serviceKey(spec)
    if (keys.has(key) || servers.has(spec.vip.address)) return true
    keys.add(key)
  }
  return false
}
