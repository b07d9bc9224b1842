/**
 * A change of structure (a real server added, copied, removed, moved) worked out on the few blocks around it instead of on the whole
 * file, so that it costs the same in a file with 10,000 real servers. The rest of the file is left out of the reading: what is kept is
 * parsed as a small file of its own, and its edits come back in offsets of the whole.
 */
import type { Span } from './document-text.ts'
import type { BlockDraft, Draft, ServerDraft, TextEdit } from './draft.ts'
import { read, write } from './draft.ts'
import { kindAt } from './outline.ts'
import type { NodePath, Outline } from './outline.ts'
import type { Restructured } from './structure.ts'
import type { Block, Item } from './syntax.ts'
import { parse } from './syntax.ts'

interface Source {
  readonly outline: Outline
  /** Where a node stands now. */
  readonly spanOf: (node: number) => Span
  readonly slice: (from: number, to: number) => string
}

/** Which kin a change looks at: those a node moves past (0 for its own place), or the last one for something new behind all. */
export type Reach = { readonly by: number } | { readonly behind: 'blocks' | 'servers' }

export interface Change {
  readonly reach: Reach
  readonly apply: (draft: Draft, path: NodePath) => Restructured
}

interface Kept {
  readonly node: number
  /** With all its real servers, or with these. */
  readonly servers: readonly number[]
}

function blocksOf({ parent, start }: Outline): readonly number[] {
  const blocks: number[] = []
  for (let node = 1; node < start.length; node++) if (parent[node] === 0) blocks.push(node)
  return blocks
}

/** Real servers follow their block in the outline. */
function serversOf({ children }: Outline, block: number): readonly number[] {
  return Array.from({ length: children[block] ?? 0 }, (_, at) => block + 1 + at)
}

/** The words of the whole file that a change of structure looks at: which nodes there are, and their names. */
function skeleton(outline: Outline, blocks: readonly number[]): Draft {
  const { name } = outline
  return {
    settings: [],
    blocks: blocks.map((block) => ({
      kind: kindAt(outline, block) === 'failover' ? 'failover' : 'virtual',
      name: name[block] ?? '',
      settings: [],
      servers: serversOf(outline, block).map((server) => ({ name: name[server] ?? '', settings: [] })),
    })),
  }
}

/** From the kin before the first place touched to the one behind the last. */
function around(place: number, by: number): readonly [from: number, to: number] {
  return [Math.max(0, Math.min(place, place + by) - 1), Math.max(place, place + by) + 2]
}

/** What has to be read, in the order of the file. */
function keptFor(outline: Outline, blocks: readonly number[], path: NodePath, reach: Reach): readonly Kept[] {
  const kept = new Map<number, Set<number>>()
  const keep = (block: number | undefined, servers: readonly number[] = []): void => {
    if (block === undefined) return
    const known = kept.get(block) ?? new Set<number>()
    for (const server of servers) known.add(server)
    kept.set(block, known)
  }
  // The layout of new lines is that of the first block of each kind and of the first real server.
  const isFirst: readonly ((block: number) => boolean)[] = [
    (block) => kindAt(outline, block) === 'virtual',
    (block) => kindAt(outline, block) === 'failover',
    (block) => (outline.children[block] ?? 0) > 0,
  ]
  for (const is of isFirst) {
    const first = blocks.find(is)
    if (first !== undefined) keep(first, serversOf(outline, first).slice(0, 1))
  }
  const own = path.block === undefined ? undefined : blocks[path.block]
  if ('behind' in reach) {
    if (reach.behind === 'blocks') keep(blocks.at(-1))
    else if (own !== undefined) keep(own, serversOf(outline, own).slice(-1))
  } else if (own !== undefined && path.server !== undefined) {
    keep(own, serversOf(outline, own).slice(...around(path.server, reach.by)))
  } else if (path.block !== undefined) {
    for (const block of blocks.slice(...around(path.block, reach.by))) keep(block, serversOf(outline, block))
  }
  return [...kept]
    .map(([node, servers]) => ({ node, servers: [...servers].sort((a, b) => a - b) }))
    .sort((a, b) => a.node - b.node)
}

interface Piece {
  /** Offset in the small file. */
  readonly at: number
  /** Offset in the whole one. */
  readonly from: number
  readonly length: number
}

/** The small file: the lines outside all blocks and the kept blocks, and where its blocks have to be when it is read. */
function smallFile(source: Source, blocks: readonly number[], kept: readonly Kept[]) {
  const pieces: Piece[] = []
  const parts: string[] = []
  const expected: Span[] = []
  let length = 0
  const take = (from: number, to: number): void => {
    if (to <= from) return
    pieces.push({ at: length, from, length: to - from })
    parts.push(source.slice(from, to))
    length += to - from
  }
  const takeAround = (span: Span, inside: readonly { readonly span: Span; readonly take?: () => void }[]): void => {
    let at = span.from
    for (const one of inside) {
      take(at, one.span.from)
      one.take?.()
      at = one.span.to
    }
    take(at, span.to)
  }
  const placed = (span: Span, inside: Parameters<typeof takeAround>[1]): void => {
    const from = length
    const index = expected.push({ from, to: from }) - 1
    takeAround(span, inside)
    expected[index] = { from, to: length }
  }
  const byNode = new Map(kept.map((one) => [one.node, one]))
  const block = (node: number) => {
    const one = byNode.get(node)
    const span = source.spanOf(node)
    if (!one) return { span }
    const wanted = new Set(one.servers)
    const servers = serversOf(source.outline, node).map((server) => {
      const inner = source.spanOf(server)
      return wanted.has(server) ? { span: inner, take: () => placed(inner, []) } : { span: inner }
    })
    return { span, take: () => placed(span, servers) }
  }
  takeAround(source.spanOf(0), blocks.map(block))
  return { text: parts.join(''), pieces, expected }
}

/** The blocks of a tree that an outline has, in its order. */
function* outlined(items: readonly Item[]): Generator<Block> {
  for (const item of items) {
    if (item.kind !== 'block' || item.block === 'server') continue
    yield item
    for (const inner of item.items) if (inner.kind === 'block' && inner.block === 'server') yield inner
  }
}

function isAsExpected(items: readonly Item[], expected: readonly Span[]): boolean {
  const found = [...outlined(items)]
  return (
    found.length === expected.length &&
    found.every((block, at) => block.start === expected[at]?.from && block.end === expected[at].to)
  )
}

function named(draft: Draft, { block, server }: NodePath, name: string): Draft {
  const old: BlockDraft | undefined = block === undefined ? undefined : draft.blocks[block]
  if (block === undefined || !old) return draft
  if (server === undefined) return { ...draft, blocks: draft.blocks.with(block, { ...old, name }) }
  const inner: ServerDraft | undefined = old.servers[server]
  if (!inner) return draft
  return {
    ...draft,
    blocks: draft.blocks.with(block, { ...old, servers: old.servers.with(server, { ...inner, name }) }),
  }
}

function nameAt(draft: Draft, { block, server }: NodePath): string | undefined {
  const found = block === undefined ? undefined : draft.blocks[block]
  return server === undefined ? found?.name : found?.servers[server]?.name
}

/**
 * The edits of a change, and where the touched node is after it. Undefined where the neighbourhood alone does not read as it does in the
 * whole file (a block that is closed by the next one, say); then the whole file has to be read.
 */
export function changeAround(
  source: Source,
  path: NodePath,
  { reach, apply }: Change,
): { readonly edits: readonly TextEdit[]; readonly path: NodePath } | undefined {
  const { outline } = source
  const blocks = blocksOf(outline)
  const whole = skeleton(outline, blocks)
  const after = apply(whole, path)
  const kept = keptFor(outline, blocks, path, reach)
  const { text, pieces, expected } = smallFile(source, blocks, kept)
  const tree = parse(text)
  if (!isAsExpected(tree.items, expected)) return undefined

  const own = path.block === undefined ? undefined : blocks[path.block]
  const blockAt = kept.findIndex((one) => one.node === own)
  const serverAt =
    own === undefined || path.server === undefined ? -1 : kept[blockAt]?.servers.indexOf(own + 1 + path.server)
  const there: NodePath = {
    ...(blockAt < 0 ? {} : { block: blockAt }),
    ...(serverAt === undefined || serverAt < 0 ? {} : { server: serverAt }),
  }
  const changed = apply(read(tree), there)
  // The free name is one of the whole file.
  const isNew = 'behind' in reach || nodesIn(after.draft) > nodesIn(whole)
  const name = nameAt(after.draft, after.path)
  const draft = isNew && name !== undefined ? named(changed.draft, changed.path, name) : changed.draft

  const edits: TextEdit[] = []
  for (const edit of write(tree, draft)) {
    const piece = pieces.find((one) => edit.from >= one.at && edit.to <= one.at + one.length)
    if (!piece) return undefined
    const shift = piece.from - piece.at
    edits.push({ from: edit.from + shift, to: edit.to + shift, insert: edit.insert })
  }
  return { edits, path: after.path }
}

function nodesIn(draft: Draft): number {
  return draft.blocks.reduce((sum, block) => sum + 1 + block.servers.length, 0)
}
