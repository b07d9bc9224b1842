/**
 * lvs.cf as the operator's words: names and values as written, unknown directives included, comments and layout left in the tree.
 * `read` takes the words out of a tree, `write` answers the least edits that make the text say a changed draft, and `newDocument`
 * writes a file from nothing in the layout of the original's web tool. A draft is text on purpose: half-typed values are drafts too.
 */
import type { Where } from '../problem.ts'
import type { Directive, Scope } from './directives.ts'
import { canonicalRank, directive } from './directives.ts'
import type { Block, BlockKind, Comment, Item, Line, Statement, Tree } from './syntax.ts'
import { parse, whereOn } from './syntax.ts'

/** One directive. `value` is without quotes; `shoal` marks Shoal's own, which stand in the file as comments. */
export interface Setting {
  readonly name: string
  readonly value: string
  readonly shoal?: true
}

export interface ServerDraft {
  readonly name: string
  readonly settings: readonly Setting[]
}

export interface BlockDraft {
  readonly kind: 'virtual' | 'failover'
  readonly name: string
  readonly settings: readonly Setting[]
  readonly servers: readonly ServerDraft[]
}

export interface Draft {
  readonly settings: readonly Setting[]
  readonly blocks: readonly BlockDraft[]
}

/** Replace `from`..`to` by `insert`; offsets are of the text before any edit. Edits never overlap and come in order. */
export interface TextEdit {
  readonly from: number
  readonly to: number
  readonly insert: string
}

/** The value of a directive, the last one where it is repeated (as the original reads); undefined when absent. */
export function valueIn(settings: readonly Setting[], name: string, shoal?: true): string | undefined {
  return settings.findLast((setting) => setting.name === name && setting.shoal === shoal)?.value
}

/** The settings with one directive set (the last one where repeated), added, or with `undefined` removed. */
export function withValue(
  settings: readonly Setting[],
  name: string,
  value: string | undefined,
  shoal?: true,
): readonly Setting[] {
  const is = (setting: Setting): boolean => setting.name === name && setting.shoal === shoal
  if (value === undefined) return settings.filter((setting) => !is(setting))
  const at = settings.findLastIndex(is)
  const setting: Setting = { name, value, ...(shoal ? { shoal } : {}) }
  return at < 0 ? [...settings, setting] : settings.with(at, setting)
}

type Own = Statement | Comment

function settingOf(item: Item): Setting | undefined {
  if (item.kind === 'statement') return { name: item.key.text, value: item.value?.text ?? '' }
  if (item.kind === 'comment' && item.note) {
    return { name: item.note.name.text, value: item.note.value.text, shoal: true }
  }
  return undefined
}

function settingsOf(items: readonly Item[]): Setting[] {
  const settings: Setting[] = []
  for (const item of items) {
    const setting = settingOf(item)
    if (setting) settings.push(setting)
  }
  return settings
}

/** The virtual and failover blocks of a tree, or the servers of one; stray blocks are left where they are. */
function blocksOf(items: readonly Item[], kinds: readonly BlockKind[]): Block[] {
  return items.filter((item): item is Block => item.kind === 'block' && kinds.includes(item.block))
}

const topKinds: readonly BlockKind[] = ['virtual', 'failover']
const serverKinds: readonly BlockKind[] = ['server']

/** The words of a tree. */
export function read(tree: Tree): Draft {
  return {
    settings: settingsOf(tree.items),
    blocks: blocksOf(tree.items, topKinds).map((block) => ({
      kind: block.block === 'failover' ? 'failover' : 'virtual',
      name: block.name?.text ?? '',
      settings: settingsOf(block.items),
      servers: blocksOf(block.items, serverKinds).map((server) => ({
        name: server.name?.text ?? '',
        settings: settingsOf(server.items),
      })),
    })),
  }
}

const unwritable = /[\n\r\0]/
const blank = /[ \t]/
/** What is written as it is whatever the rules, so that they are not asked for each of many thousand values. */
const plainWord = /^[A-Za-z0-9_.:-]+$/

function oneWord(value: string): boolean {
  return value !== '' && !blank.test(value) && !value.startsWith('"') && !value.startsWith("'")
}

/** A quoted form that the original reads back as `value`, or undefined when it has none. */
function quotedForm(value: string, preferred: '"' | "'"): string | undefined {
  const other = preferred === '"' ? "'" : '"'
  const firstBlank = value.search(blank)
  for (const quote of [preferred, other]) {
    if (firstBlank < 0 || !value.includes(quote, firstBlank)) return `${quote}${value}${quote}`
  }
  return undefined
}

/**
 * How a value is written so that the original reads it back, or undefined when no form exists (a line break, both kinds of quotes
 * after a blank, a wrong number of words). `quote` is the quote the value had before.
 */
export function writtenValue(
  known: Directive | undefined,
  value: string,
  quote: '' | '"' | "'" = '',
): string | undefined {
  if (known && !known.quoted && !quote && known.type !== 'placed' && known.type !== 'pairs' && plainWord.test(value)) {
    return value
  }
  if (unwritable.test(value)) return undefined
  if (known?.shoal) return value.trim() === value && value !== '' ? value : undefined
  if (known?.type === 'placed') {
    const words = value.split(/[ \t]+/)
    return words.length <= 2 && words.every(oneWord) ? words.join(' ') : undefined
  }
  if (known?.type === 'pairs') return /^\[[ \t](.*[ \t])?\]$/.test(value) && !/["']/.test(value) ? value : undefined
  if (value === '' && known?.type !== 'text') return undefined
  if (!known?.quoted && !quote && oneWord(value)) return value
  return quotedForm(value, quote || '"')
}

/** How the name of a block is written, or undefined when the original cannot read it back. */
export function writtenName(name: string): string | undefined {
  if (unwritable.test(name)) return undefined
  if (oneWord(name)) return name
  return blank.test(name) ? quotedForm(name, '"') : undefined
}

function scopeOf(kind: BlockKind | 'global'): Scope {
  return kind === 'failover' ? 'virtual' : kind
}

interface Style {
  readonly eol: string
  /** Indentation of statements and of the opening line, per kind. */
  readonly inner: Readonly<Record<BlockKind | 'global', string>>
  readonly outer: Readonly<Record<BlockKind, string>>
}

const five = ' '.repeat(5)
const nine = ' '.repeat(9)

/** The layout of the original's web tool. */
const canonicalStyle: Style = {
  eol: '\n',
  inner: { global: '', virtual: five, failover: five, server: nine },
  outer: { virtual: '', failover: '', server: five },
}

function renderSetting(
  kind: BlockKind | 'global',
  setting: Setting,
  style: Style,
  indent = style.inner[kind],
): string | undefined {
  const value = writtenValue(directive(scopeOf(kind), setting.name, setting.shoal), setting.value)
  if (value === undefined) return undefined
  return setting.shoal ? `${indent}# shoal: ${setting.name} = ${value}` : `${indent}${setting.name} = ${value}`
}

function renderSettings(kind: BlockKind | 'global', settings: readonly Setting[], style: Style): string {
  return settings
    .map((setting) => ({ setting, rank: canonicalRank(kind, setting.name, setting.shoal) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ setting }) => renderSetting(kind, setting, style))
    .filter((line) => line !== undefined)
    .map((line) => line + style.eol)
    .join('')
}

function renderName(name: string): string {
  return writtenName(name) ?? (name.replace(/[\s"'\0]+/g, '_') || 'unnamed')
}

function renderServer(server: ServerDraft, style: Style): string {
  return (
    `${style.outer.server}server ${renderName(server.name)} {${style.eol}` +
    renderSettings('server', server.settings, style) +
    `${style.outer.server}}${style.eol}`
  )
}

function renderBlock(block: BlockDraft, style: Style): string {
  return (
    `${style.outer[block.kind]}${block.kind} ${renderName(block.name)} {${style.eol}` +
    renderSettings(block.kind, block.settings, style) +
    block.servers.map((server) => renderServer(server, style)).join('') +
    `${style.outer[block.kind]}}${style.eol}`
  )
}

/** A file from nothing: keys in the order and layout of the original's web tool, failover services before virtual servers. */
export function newDocument(draft: Draft): string {
  const inOrder = [
    ...draft.blocks.filter((block) => block.kind === 'failover'),
    ...draft.blocks.filter((block) => block.kind === 'virtual'),
  ]
  return (
    renderSettings('global', draft.settings, canonicalStyle) +
    inOrder.map((block) => renderBlock(block, canonicalStyle)).join('')
  )
}

/** The text after the edits. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let out = ''
  let at = 0
  for (const edit of edits) {
    out += text.slice(at, edit.from) + edit.insert
    at = edit.to
  }
  return out + text.slice(at)
}

/**
 * The least edits that make the text of `tree` say `draft`; none when it already does. A new value goes where the old one stood; new
 * directives and blocks are placed in canonical order, in the indentation and line ends of their neighbours. What cannot be expressed
 * (see `writtenValue`) is left as it stands.
 */
export function write(tree: Tree, draft: Draft): readonly TextEdit[] {
  const writer = new Writer(tree)
  writer.settings('global', tree.items, draft.settings, undefined)
  writer.children(tree.items, topKinds, draft.blocks, undefined)
  return writer.finish()
}

interface Insertion {
  readonly rank: number
  readonly text: string
}

/** Collects the edits of one `write`. */
class Writer {
  private readonly tree: Tree
  private readonly style: Style
  private readonly replacements: TextEdit[] = []
  private readonly insertions = new Map<number, Insertion[]>()

  constructor(tree: Tree) {
    this.tree = tree
    this.style = styleOf(tree)
  }

  finish(): readonly TextEdit[] {
    const { text } = this.tree
    const edits = [...this.replacements]
    for (const [at, list] of this.insertions) {
      list.sort((a, b) => a.rank - b.rank)
      let insert = list.map((one) => one.text).join('')
      if (at === text.length && at > this.tree.bom && !/[\n\r]$/.test(text)) {
        // The file ends without a line end, and keeps ending so.
        insert = this.style.eol + insert.replace(/(\r\n|\r|\n)$/, '')
      }
      edits.push({ from: at, to: at, insert })
    }
    edits.sort((a, b) => a.from - b.from || a.to - b.to)
    return merged(edits)
  }

  private insert(at: number, rank: number, text: string): void {
    const list = this.insertions.get(at)
    if (list) list.push({ rank, text })
    else this.insertions.set(at, [{ rank, text }])
  }

  settings(
    kind: BlockKind | 'global',
    items: readonly Item[],
    wanted: readonly Setting[],
    parent: Block | undefined,
  ): void {
    const present: { readonly setting: Setting; readonly item: Own }[] = []
    for (const item of items) {
      const setting = settingOf(item)
      if (setting) present.push({ setting, item: item as Own })
    }
    if (present.length === wanted.length && present.every(({ setting }, at) => same(setting, wanted[at] as Setting))) {
      return
    }
    const left = new Map<string, { readonly setting: Setting; readonly item: Own }[]>()
    for (const entry of present) {
      const key = keyOf(entry.setting)
      const list = left.get(key)
      if (list) list.push(entry)
      else left.set(key, [entry])
    }
    const kept: Own[] = []
    const added: Setting[] = []
    for (const setting of wanted) {
      const old = left.get(keyOf(setting))?.shift()
      if (!old) {
        added.push(setting)
        continue
      }
      if (old.setting.value === setting.value || this.replaceValue(kind, old.item, setting)) kept.push(old.item)
    }
    for (const list of left.values()) {
      for (const { item } of list) this.removeLine(item)
    }
    for (const setting of added) this.addSetting(kind, items, kept, setting, parent)
  }

  /** Answers whether the line stays. */
  private replaceValue(kind: BlockKind | 'global', item: Own, setting: Setting): boolean {
    const known = directive(scopeOf(kind), setting.name, setting.shoal)
    if (setting.value === '' && known?.type !== 'text') {
      this.removeLine(item)
      return false
    }
    if (item.kind === 'comment') {
      const value = writtenValue(known ?? ownUnknown, setting.value)
      if (value !== undefined && item.note) {
        this.replacements.push({ from: item.note.value.start, to: item.note.value.end, insert: value })
      }
      return true
    }
    const old = item.value
    const value = this.valueOnLine(kind, item, writtenValue(known, setting.value, old?.quote), setting.value)
    if (value === undefined) return true
    if (!old) {
      const at = item.equals === undefined ? item.key.end : item.equals + 1
      const insert = item.equals === undefined ? ` = ${value}` : ` ${value}`
      this.replacements.push({ from: at, to: at, insert })
      return true
    }
    let to = old.end
    if (item.rest === undefined && !item.closes && /^["']/.test(value) && !blank.test(value)) {
      // A blank after a quoted word makes the original refuse the file.
      to = item.contentEnd
    }
    this.replacements.push({ from: old.start, to, insert: value })
    return true
  }

  /** On a line with more than its value (a trailing comment, junk) a quoted form must also be read back in that company. */
  private valueOnLine(
    kind: BlockKind | 'global',
    item: Statement,
    written: string | undefined,
    value: string,
  ): string | undefined {
    if (written === undefined || !item.value || (item.rest === undefined && !item.closes)) return written
    const { text } = this.tree
    const opening = kind === 'global' ? '' : kind === 'server' ? 'virtual v {\nserver s {\n' : `${kind} v {\n`
    const candidates = /^["']/.test(written) ? [written, `"${value}"`, `'${value}'`] : [written]
    return candidates.find((candidate) => {
      const line = text.slice(item.start, item.value?.start) + candidate + text.slice(item.value?.end, item.contentEnd)
      const draft = read(parse(opening + line))
      const block = draft.blocks[0]
      const part = kind === 'global' ? draft : kind === 'server' ? block?.servers[0] : block
      return part?.settings[0]?.value === value
    })
  }

  private removeLine(item: Own): void {
    if (item.kind === 'statement' && item.closes) {
      // The line also closes its block: the brace stays.
      const last = this.tree.text.lastIndexOf('}', item.contentEnd)
      this.replacements.push({ from: item.key.start, to: last, insert: '' })
      return
    }
    this.replacements.push({ from: item.start, to: item.end, insert: '' })
  }

  private addSetting(
    kind: BlockKind | 'global',
    items: readonly Item[],
    kept: readonly Own[],
    setting: Setting,
    parent: Block | undefined,
  ): void {
    const rank = canonicalRank(kind, setting.name, setting.shoal)
    const firstBlock = items.findIndex((item) => item.kind === 'block')
    const limit = firstBlock < 0 ? Infinity : ((items[firstBlock] as Block).start as number)
    let anchor: Own | undefined
    let follower: Own | undefined
    let anchorRank = -1
    let followerRank = Infinity
    for (const item of kept) {
      if (item.start >= limit) continue
      const name = item.kind === 'statement' ? item.key.text : (item.note?.name.text ?? '')
      const itemRank = canonicalRank(kind, name, item.kind === 'comment' ? true : undefined)
      if (itemRank <= rank && (itemRank >= anchorRank || setting.shoal)) {
        if (!anchor || itemRank >= anchorRank || item.start > anchor.start) anchor = item
        anchorRank = Math.max(anchorRank, itemRank)
      } else if (itemRank > rank && itemRank < followerRank) {
        follower = item
        followerRank = itemRank
      }
    }
    const neighbour = anchor ?? follower
    const indent = neighbour ? indentOf(this.tree.text, neighbour) : this.style.inner[kind]
    const line = renderSetting(kind, setting, this.style, indent)
    if (line === undefined) return
    const eol = (neighbour && eolOf(this.tree.text, neighbour)) || this.style.eol
    let at: number
    if (anchor) at = anchor.kind === 'statement' && anchor.closes ? anchor.start : anchor.end
    else if (follower) at = follower.start
    else if (parent) at = bodyStart(parent)
    else at = firstBlock < 0 ? this.tree.text.length : limit
    this.insert(at, rank, line + eol)
  }

  children(
    items: readonly Item[],
    kinds: readonly BlockKind[],
    wanted: readonly (BlockDraft | ServerDraft)[],
    parent: Block | undefined,
  ): void {
    const present = blocksOf(items, kinds)
    const pairs = matchBlocks(present, wanted, this.tree)
    const stay = longestRising(pairs.map((at) => at ?? -1))
    const used = new Set(pairs)
    for (const [at, block] of present.entries()) {
      if (!used.has(at)) this.replacements.push({ from: block.start, to: block.end, insert: '' })
    }
    // New and moved blocks go behind the block that stays before them, or before the first that stays.
    let previous: Block | undefined
    const firstStaying = pairs.find((at, index) => at !== undefined && stay.has(index))
    for (const [index, block] of wanted.entries()) {
      const at = pairs[index]
      const old = at === undefined ? undefined : present[at]
      if (old && stay.has(index)) {
        this.editBlock(old, block)
        previous = old
        continue
      }
      const text = old ? this.moved(old, block) : this.rendered(block, parent)
      const place = previous
        ? previous.end
        : firstStaying !== undefined
          ? (present[firstStaying] as Block).start
          : bodyEnd(this.tree, parent)
      this.insert(place, 10_000 + index, text)
    }
  }

  private rendered(block: BlockDraft | ServerDraft, parent: Block | undefined): string {
    if ('kind' in block) return renderBlock(block, this.style)
    const outer = parent ? indentOf(this.tree.text, parent.open) : ''
    const style =
      outer === ''
        ? this.style
        : { ...this.style, outer: { ...this.style.outer, server: outer + this.style.outer.server } }
    return renderServer(block, style)
  }

  /** A block that changes its place is cut and put elsewhere, with its own edits applied. */
  private moved(old: Block, wanted: BlockDraft | ServerDraft): string {
    const inner = new Writer(this.tree)
    inner.editBlock(old, wanted)
    const edits = inner.finish().map((edit) => ({ ...edit, from: edit.from - old.start, to: edit.to - old.start }))
    this.replacements.push({ from: old.start, to: old.end, insert: '' })
    const text = applyEdits(this.tree.text.slice(old.start, old.end), edits)
    return /[\n\r]$/.test(text) ? text : text + this.style.eol
  }

  editBlock(old: Block, wanted: BlockDraft | ServerDraft): void {
    const inner = new Writer(this.tree)
    inner.editInside(old, wanted)
    const { replacements, insertions } = inner
    if (replacements.length === 0 && insertions.size === 0) return
    if (old.inline) {
      // A block on one line has no place for edits: it is written anew.
      this.replacements.push({ from: old.start, to: old.end, insert: this.rendered(wanted, undefined) })
      return
    }
    this.replacements.push(...replacements)
    for (const [at, list] of insertions) {
      for (const one of list) this.insert(at, one.rank, one.text)
    }
  }

  private editInside(old: Block, wanted: BlockDraft | ServerDraft): void {
    const name = old.name?.text ?? ''
    if (name !== wanted.name) {
      const written = writtenName(wanted.name)
      if (written !== undefined) {
        const at = old.name ?? { start: old.keyword.end, end: old.keyword.end }
        const insert = old.name ? written : ` ${written}`
        this.replacements.push({ from: at.start, to: at.end, insert })
      }
    }
    this.settings(old.block, old.items, wanted.settings, old)
    if ('servers' in wanted) this.children(old.items, serverKinds, wanted.servers, old)
  }
}

const ownUnknown: Directive = {
  name: '',
  scope: 'global',
  type: 'word',
  shoal: true,
  doc: { en: '', 'zh-CN': '' },
}

function keyOf(setting: Setting): string {
  return setting.shoal ? `#${setting.name}` : setting.name
}

function same(a: Setting, b: Setting): boolean {
  return a.name === b.name && a.value === b.value && a.shoal === b.shoal
}

function indentOf(text: string, line: Line): string {
  let at = line.start
  while (at < line.contentEnd && (text[at] === ' ' || text[at] === '\t')) at++
  return text.slice(line.start, at)
}

function eolOf(text: string, line: Line): string {
  return text.slice(line.contentEnd, line.end)
}

/** Where a block's content begins: after the opening line, or after the brace on the next one. */
function bodyStart(block: Block): number {
  let at = block.open.end
  for (const item of block.items) {
    if (item.kind === 'brace') return item.end
    if (item.kind !== 'blank' && item.kind !== 'comment') break
    at = block.open.end
  }
  return at
}

/** Where a block's content ends: before its closing line. */
function bodyEnd(tree: Tree, block: Block | undefined): number {
  if (!block) return tree.text.length
  if (block.close) return block.close.start
  const last = block.items.at(-1)
  return last?.kind === 'statement' && last.closes ? last.start : block.end
}

/** The file's own layout where it has one, else the canonical one. */
function styleOf(tree: Tree): Style {
  const inner: Record<BlockKind | 'global', string> = { ...canonicalStyle.inner }
  const outer: Record<BlockKind, string> = { ...canonicalStyle.outer }
  const { text } = tree
  const lineEnd = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n'
  const firstStatement = (items: readonly Item[]): Statement | undefined =>
    items.find((item): item is Statement => item.kind === 'statement')
  const seen = new Set<BlockKind>()
  const look = (block: Block): void => {
    const statement = firstStatement(block.items)
    if (statement && !seen.has(block.block)) {
      seen.add(block.block)
      inner[block.block] = indentOf(text, statement)
      outer[block.block] = indentOf(text, block.open)
    }
  }
  for (const item of tree.items) {
    if (item.kind !== 'block') continue
    look(item)
    const server = item.items.find((one): one is Block => one.kind === 'block' && one.block === 'server')
    if (server) look(server)
    if (seen.size === 3) break
  }
  return { eol: lineEnd, inner, outer }
}

/**
 * For each wanted block the index of the present block it continues. Equal names belong together; among repeated names first those with
 * equal content, then in order; what is left between the same neighbours is a rename.
 */
function matchBlocks(
  present: readonly Block[],
  wanted: readonly (BlockDraft | ServerDraft)[],
  tree: Tree,
): (number | undefined)[] {
  const kindOf = (block: BlockDraft | ServerDraft): BlockKind => ('kind' in block ? block.kind : 'server')
  const name = (kind: BlockKind, text: string): string => `${kind} ${text}`
  const pairs = new Array<number | undefined>(wanted.length).fill(undefined)
  const groups = new Map<string, { present: number[]; wanted: number[] }>()
  const group = (key: string): { present: number[]; wanted: number[] } => {
    let found = groups.get(key)
    if (!found) groups.set(key, (found = { present: [], wanted: [] }))
    return found
  }
  present.forEach((block, at) => group(name(block.block, block.name?.text ?? '')).present.push(at))
  wanted.forEach((block, at) => group(name(kindOf(block), block.name)).wanted.push(at))
  const taken = new Set<number>()
  const pair = (wantedAt: number, presentAt: number): void => {
    pairs[wantedAt] = presentAt
    taken.add(presentAt)
  }
  for (const { present: olds, wanted: news } of groups.values()) {
    let rest = news
    if (olds.length !== news.length && olds.length > 0 && news.length > 0) {
      const byContent = new Map<string, number[]>()
      for (const at of olds) {
        const key = contentOf(present[at] as Block, tree)
        byContent.set(key, [...(byContent.get(key) ?? []), at])
      }
      rest = news.filter((at) => {
        const equal = byContent.get(JSON.stringify(plain(wanted[at] as BlockDraft | ServerDraft)))?.shift()
        if (equal !== undefined) pair(at, equal)
        return equal === undefined
      })
    }
    const free = olds.filter((at) => !taken.has(at))
    rest.forEach((at, index) => {
      const old = free[index]
      if (old !== undefined) pair(at, old)
    })
  }
  // Renames: an unmatched wanted block continues an unmatched present one that follows the same neighbour.
  const freeAfter = new Map<number, number[]>()
  let neighbour = -1
  present.forEach((_, at) => {
    if (taken.has(at)) neighbour = at
    else freeAfter.set(neighbour, [...(freeAfter.get(neighbour) ?? []), at])
  })
  neighbour = -1
  wanted.forEach((block, at) => {
    const own = pairs[at]
    if (own !== undefined) {
      neighbour = own
      return
    }
    const free = freeAfter.get(neighbour)
    const next = free?.[0]
    if (next !== undefined && (present[next] as Block).block === kindOf(block)) {
      free?.shift()
      pair(at, next)
    }
  })
  return pairs
}

function plain(block: BlockDraft | ServerDraft): unknown {
  return [block.settings, 'servers' in block ? block.servers.map((server) => [server.name, server.settings]) : []]
}

function contentOf(block: Block, _tree: Tree): string {
  return JSON.stringify([
    settingsOf(block.items),
    block.block === 'server'
      ? []
      : blocksOf(block.items, serverKinds).map((server) => [server.name?.text ?? '', settingsOf(server.items)]),
  ])
}

/** The indexes of a longest rising run of the values (−1 never takes part): those blocks stay where they are. */
function longestRising(values: readonly number[]): Set<number> {
  const tails: number[] = []
  const before = new Array<number>(values.length).fill(-1)
  values.forEach((value, at) => {
    if (value < 0) return
    let low = 0
    let high = tails.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[tails[middle] as number] as number) < value) low = middle + 1
      else high = middle
    }
    before[at] = low > 0 ? (tails[low - 1] as number) : -1
    tails[low] = at
  })
  const rising = new Set<number>()
  let at = tails.at(-1) ?? -1
  while (at >= 0) {
    rising.add(at)
    at = before[at] ?? -1
  }
  return rising
}

/** Neighbouring edits joined, so that a changed line is one edit. */
function merged(edits: readonly TextEdit[]): TextEdit[] {
  const out: TextEdit[] = []
  for (const edit of edits) {
    const last = out.at(-1)
    if (last && last.to === edit.from)
      out[out.length - 1] = { from: last.from, to: edit.to, insert: last.insert + edit.insert }
    else out.push(edit)
  }
  return out.filter((edit) => edit.from !== edit.to || edit.insert !== '')
}

/** Where a part of the draft stands in the text. Paths: `global.deadtime`, `blocks.0.port`, `blocks.0.servers.1.weight`, with
 * `.shoal.` before Shoal's own names and `.name` for a block's name. What is absent is placed on its block. */
export function locate(tree: Tree, path: string): Where {
  const start: Where = { kind: 'text', line: 1, column: 1, endLine: 1, endColumn: 1 }
  const parts = path.split('.')
  let items = tree.items
  let block: Block | undefined
  if (parts[0] === 'global') parts.shift()
  for (;;) {
    const kinds = parts[0] === 'blocks' ? topKinds : parts[0] === 'servers' ? serverKinds : undefined
    if (!kinds) break
    block = nthBlock(items, kinds, Number(parts[1]))
    if (!block) return start
    items = block.items
    parts.splice(0, 2)
  }
  const shoal = parts[0] === 'shoal'
  if (shoal) parts.shift()
  const name = parts.join('.')
  if (block && name === 'name' && block.name) return whereOn(block.open, block.name.start, block.name.end)
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at]
    if (!shoal && item?.kind === 'statement' && item.key.text === name) {
      const span = item.value ?? item.key
      return whereOn(item, span.start, span.end)
    }
    if (shoal && item?.kind === 'comment' && item.note?.name.text === name) {
      return whereOn(item, item.note.value.start, item.note.value.end)
    }
  }
  if (!block) return start
  return whereOn(block.open, block.keyword.start, block.name?.end ?? block.keyword.end)
}

const blockIndex = new WeakMap<readonly Item[], Block[]>()

function nthBlock(items: readonly Item[], kinds: readonly BlockKind[], at: number): Block | undefined {
  let blocks = blockIndex.get(items)
  if (!blocks) blockIndex.set(items, (blocks = blocksOf(items, kinds)))
  return blocks[at]
}
