/**
 * What a form does to the structure of a draft: blocks and real servers added, copied, removed, moved. Each answers the changed draft
 * and where the touched node is then; `write` turns it into the least edits.
 */
import type { BlockDraft, Draft, ServerDraft, Setting } from './draft.ts'
import type { NodePath } from './outline.ts'

export interface Restructured {
  readonly draft: Draft
  readonly path: NodePath
}

/** As the original's web tool began a virtual server: inactive, with everything it needs to be filled in. */
const newVirtual: readonly Setting[] = [
  { name: 'active', value: '0' },
  { name: 'address', value: '0.0.0.0 eth0:1' },
  { name: 'port', value: '80' },
  { name: 'send', value: 'GET / HTTP/1.0\\r\\n\\r\\n' },
  { name: 'expect', value: 'HTTP' },
  { name: 'scheduler', value: 'wlc' },
  { name: 'protocol', value: 'tcp' },
  { name: 'timeout', value: '6' },
  { name: 'reentry', value: '15' },
]

const newServer: readonly Setting[] = [
  { name: 'address', value: '0.0.0.0' },
  { name: 'active', value: '0' },
  { name: 'weight', value: '1' },
]

/** `stem`, or the first of `stem2`, `stem3` … that is free. A number at the end of the stem counts on. */
function freeName(stem: string, taken: readonly string[]): string {
  if (!taken.includes(stem)) return stem
  const base = stem.replace(/\d+$/, '')
  for (let number = 2; ; number++) {
    const name = `${base}${number}`
    if (!taken.includes(name)) return name
  }
}

function names(list: readonly { readonly name: string }[]): readonly string[] {
  return list.map((one) => one.name)
}

function withServers(draft: Draft, at: number, servers: readonly ServerDraft[]): Draft {
  const block = draft.blocks[at]
  return block ? { ...draft, blocks: draft.blocks.with(at, { ...block, servers }) } : draft
}

/** A new virtual server behind the others. */
export function addVirtual(draft: Draft, stem: string): Restructured {
  const block: BlockDraft = {
    kind: 'virtual',
    name: freeName(stem, names(draft.blocks)),
    settings: newVirtual,
    servers: [],
  }
  return { draft: { ...draft, blocks: [...draft.blocks, block] }, path: { block: draft.blocks.length } }
}

/** A new real server behind the others of a block. */
export function addServer(draft: Draft, at: number, stem: string): Restructured {
  const servers = draft.blocks[at]?.servers ?? []
  const server: ServerDraft = { name: freeName(stem, names(servers)), settings: newServer }
  return { draft: withServers(draft, at, [...servers, server]), path: { block: at, server: servers.length } }
}

/** A copy right behind the node, under a free name. */
export function duplicate(draft: Draft, path: NodePath): Restructured {
  const at = path.block
  const block = at === undefined ? undefined : draft.blocks[at]
  if (at === undefined || !block) return { draft, path }
  if (path.server === undefined) {
    const copy = { ...block, name: freeName(block.name, names(draft.blocks)) }
    return { draft: { ...draft, blocks: draft.blocks.toSpliced(at + 1, 0, copy) }, path: { block: at + 1 } }
  }
  const server = block.servers[path.server]
  if (!server) return { draft, path }
  const copy = { ...server, name: freeName(server.name, names(block.servers)) }
  return {
    draft: withServers(draft, at, block.servers.toSpliced(path.server + 1, 0, copy)),
    path: { block: at, server: path.server + 1 },
  }
}

/** The draft without the node. */
export function removed(draft: Draft, path: NodePath): Restructured {
  const at = path.block
  const block = at === undefined ? undefined : draft.blocks[at]
  if (at === undefined || !block) return { draft, path }
  if (path.server === undefined) {
    const blocks = draft.blocks.toSpliced(at, 1)
    return { draft: { ...draft, blocks }, path: blocks.length === 0 ? {} : { block: Math.min(at, blocks.length - 1) } }
  }
  const servers = block.servers.toSpliced(path.server, 1)
  const place = Math.min(path.server, servers.length - 1)
  return { draft: withServers(draft, at, servers), path: place < 0 ? { block: at } : { block: at, server: place } }
}

/** The node moved among its kin by `by` places, at most to the end. */
export function moved(draft: Draft, path: NodePath, by: number): Restructured {
  const at = path.block
  const block = at === undefined ? undefined : draft.blocks[at]
  if (at === undefined || !block) return { draft, path }
  if (path.server === undefined) {
    const to = Math.max(0, Math.min(draft.blocks.length - 1, at + by))
    return { draft: { ...draft, blocks: draft.blocks.toSpliced(at, 1).toSpliced(to, 0, block) }, path: { block: to } }
  }
  const server = block.servers[path.server]
  if (!server) return { draft, path }
  const to = Math.max(0, Math.min(block.servers.length - 1, path.server + by))
  return {
    draft: withServers(draft, at, block.servers.toSpliced(path.server, 1).toSpliced(to, 0, server)),
    path: { block: at, server: to },
  }
}
