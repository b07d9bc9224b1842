/**
 * One node of a file on its own: the lines of a virtual server without those of its real servers, of a real server, or of the file
 * without its blocks. A form reads and writes an excerpt, so that typing into one field of a large file costs what that field costs.
 * Edits come back in offsets of the whole file.
 */
import type { Draft, Setting, TextEdit } from './draft.ts'
import { read, write } from './draft.ts'
import type { NodeKind } from './outline.ts'
import type { Span } from './document-text.ts'
import type { Tree } from './syntax.ts'
import { parse } from './syntax.ts'

interface Piece {
  /** Offset in the excerpt. */
  readonly at: number
  /** Offset in the file. */
  readonly from: number
  readonly length: number
}

export interface Excerpt {
  readonly kind: NodeKind
  readonly tree: Tree
  readonly pieces: readonly Piece[]
}

/** What a node says. */
export interface NodeWords {
  /** Empty for the file itself. */
  readonly name: string
  readonly settings: readonly Setting[]
}

/** Stands for the blocks that were left out, so that new lines are placed before them as in the whole file. */
const childStandIn = { global: 'virtual x {\n}\n', virtual: 'server x {\n}\n', failover: 'server x {\n}\n', server: '' }

/**
 * The excerpt of a node. `slice` gives the file's text; `children` are the spans of the blocks in it, in order.
 */
export function excerptOf(
  kind: NodeKind,
  node: Span,
  children: readonly Span[],
  slice: (from: number, to: number) => string,
): Excerpt {
  const pieces: Piece[] = []
  const parts: string[] = []
  let length = 0
  const add = (text: string): void => {
    parts.push(text)
    length += text.length
  }
  const take = (from: number, to: number): void => {
    if (to < from || (to === from && pieces.length > 0)) return
    pieces.push({ at: length, from, length: to - from })
    add(slice(from, to))
  }
  if (kind === 'server') add('virtual x {\n')
  let at = node.from
  for (const [index, child] of children.entries()) {
    take(at, child.from)
    if (index === 0) add(childStandIn[kind])
    at = child.to
  }
  take(at, node.to)
  if (kind === 'server') add('}\n')
  return { kind, tree: parse(parts.join('')), pieces }
}

/** What the node says. */
export function readExcerpt(excerpt: Excerpt): NodeWords {
  const draft = read(excerpt.tree)
  if (excerpt.kind === 'global') return { name: '', settings: draft.settings }
  const block = draft.blocks[0]
  const node = excerpt.kind === 'server' ? block?.servers[0] : block
  return { name: node?.name ?? '', settings: node?.settings ?? [] }
}

/**
 * The least edits, in offsets of the file, that make the node say something else. Undefined when the node's lines alone do not tell
 * where the edit belongs; the whole file has to be written then.
 */
export function writeExcerpt(excerpt: Excerpt, words: NodeWords): readonly TextEdit[] | undefined {
  const draft = read(excerpt.tree)
  const edits: TextEdit[] = []
  for (const edit of write(excerpt.tree, changed(draft, excerpt.kind, words))) {
    const piece = excerpt.pieces.find((one) => edit.from >= one.at && edit.to <= one.at + one.length)
    if (!piece) return undefined
    const shift = piece.from - piece.at
    edits.push({ from: edit.from + shift, to: edit.to + shift, insert: edit.insert })
  }
  return edits
}

function changed(draft: Draft, kind: NodeKind, words: NodeWords): Draft {
  if (kind === 'global') return { ...draft, settings: words.settings }
  const block = draft.blocks[0]
  if (!block) return draft
  if (kind !== 'server') return { ...draft, blocks: [{ ...block, ...words }] }
  return { ...draft, blocks: [{ ...block, servers: [words] }] }
}

/** Where a setting of the node stands in the file: its value, or its name where there is none; undefined when it is absent. */
export function settingSpan(excerpt: Excerpt, name: string, shoal?: true): Span | undefined {
  let items = excerpt.tree.items
  if (excerpt.kind !== 'global') {
    const block = items.find((item) => item.kind === 'block')
    items = block?.kind === 'block' ? block.items : []
  }
  if (excerpt.kind === 'server') {
    const server = items.find((item) => item.kind === 'block')
    items = server?.kind === 'block' ? server.items : []
  }
  for (const item of items.toReversed()) {
    const word =
      item.kind === 'statement' && !shoal && item.key.text === name
        ? (item.value ?? item.key)
        : item.kind === 'comment' && shoal && item.note?.name.text === name
          ? item.note.value
          : undefined
    const piece = word && excerpt.pieces.find((one) => word.start >= one.at && word.end <= one.at + one.length)
    if (word && piece) return { from: word.start - piece.at + piece.from, to: word.end - piece.at + piece.from }
  }
  return undefined
}
