/**
 * The structure of a file as a flat table: the file itself, its virtual servers and failover services, their real servers, in the
 * order of the text. Columns instead of objects, because it crosses from a worker to the window for files with 10,000 real servers.
 */
import type { Block, BlockKind, Item, Tree } from './syntax.ts'

export type NodeKind = 'global' | BlockKind
const kinds: readonly NodeKind[] = ['global', 'virtual', 'failover', 'server']

export interface Outline {
  /** Index into the kinds of node; see `kindAt`. */
  readonly kind: Uint8Array
  readonly start: Int32Array
  readonly end: Int32Array
  /** Index of the node it stands in; 0 is the file. */
  readonly parent: Int32Array
  /** Which child of its parent it is, from 0. */
  readonly place: Int32Array
  readonly children: Int32Array
  readonly active: Uint8Array
  readonly name: readonly string[]
  /** What people look for beside the name: the address, or the firewall mark. */
  readonly about: readonly string[]
}

/** Where a node stands among its kin: the number of the block, and of the real server in it. Survives edits elsewhere. */
export interface NodePath {
  readonly block?: number
  readonly server?: number
}

export function kindAt(outline: Outline, node: number): NodeKind {
  return kinds[outline.kind[node] ?? 0] ?? 'global'
}

/** One pass over the items: the last value of each of the few names that the outline shows. */
function lastValues(items: readonly Item[]): { active: boolean; about: string } {
  let active = ''
  let address = ''
  let port = ''
  let mark = ''
  for (const item of items) {
    if (item.kind !== 'statement') continue
    const value = item.value?.text ?? ''
    if (item.key.text === 'active') active = value
    else if (item.key.text === 'address') address = value.split(/[ \t]/, 1)[0] ?? ''
    else if (item.key.text === 'port') port = value
    else if (item.key.text === 'fwmark') mark = value
  }
  const about = mark !== '' && Number(mark) !== 0 ? `fwmark ${mark}` : port === '' ? address : `${address}:${port}`
  return { active: Number(active) === 1 && active !== '', about }
}

/** The outline of a tree. Blocks that stand where none may (a server outside a virtual server) are not in it. */
export function outlineOf(tree: Tree): Outline {
  const found: { kind: number; block?: Block; parent: number; place: number }[] = [{ kind: 0, parent: 0, place: 0 }]
  const children = [0]
  const add = (block: Block, parent: number): number => {
    const place = children[parent] ?? 0
    children[parent] = place + 1
    children.push(0)
    found.push({ kind: kinds.indexOf(block.block), block, parent, place })
    return found.length - 1
  }
  for (const item of tree.items) {
    if (item.kind !== 'block' || item.block === 'server') continue
    const parent = add(item, 0)
    for (const inner of item.items) if (inner.kind === 'block' && inner.block === 'server') add(inner, parent)
  }
  const size = found.length
  const outline = {
    kind: new Uint8Array(size),
    start: new Int32Array(size),
    end: new Int32Array(size),
    parent: new Int32Array(size),
    place: new Int32Array(size),
    children: Int32Array.from(children),
    active: new Uint8Array(size),
    name: [] as string[],
    about: [] as string[],
  }
  for (const [at, { kind, block, parent, place }] of found.entries()) {
    const { active, about } = block ? lastValues(block.items) : { active: true, about: '' }
    outline.kind[at] = kind
    outline.start[at] = block?.start ?? 0
    outline.end[at] = block?.end ?? tree.text.length
    outline.parent[at] = parent
    outline.place[at] = place
    outline.active[at] = active ? 1 : 0
    outline.name.push(block?.name?.text ?? '')
    outline.about.push(about)
  }
  return outline
}

/** The innermost node around an offset; 0 is the file. A block's last line end belongs to it, what follows does not. */
export function nodeAt(outline: Outline, offset: number): number {
  let low = 0
  let high = outline.start.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((outline.start[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  let node = low
  while (node !== 0 && (outline.end[node] ?? 0) <= offset) node = outline.parent[node] ?? 0
  return node
}

export function pathOf(outline: Outline, node: number): NodePath {
  if (node === 0) return {}
  const place = outline.place[node] ?? 0
  const parent = outline.parent[node] ?? 0
  return parent === 0 ? { block: place } : { block: outline.place[parent] ?? 0, server: place }
}

/** The node a path leads to; when it is gone, its nearest kin, then what it stood in. */
export function nodeOf(outline: Outline, path: NodePath): number {
  const child = (parent: number, wanted: number): number => {
    const count = outline.children[parent] ?? 0
    if (count === 0) return parent
    const place = Math.min(wanted, count - 1)
    let node = parent + 1
    for (; node < outline.start.length; node++) {
      if (outline.parent[node] === parent && outline.place[node] === place) return node
    }
    return parent
  }
  if (path.block === undefined) return 0
  const block = child(0, path.block)
  return path.server === undefined || block === 0 ? block : child(block, path.server)
}
