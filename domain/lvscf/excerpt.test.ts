/**
 * A node on its own says what it says in the whole file, and writing it changes what writing the whole file would change. Checked on
 * every published file there is, and on a few made ones.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hold, release } from './document-text.ts'
import { applyEdits, newDocument, read, withValue, write } from './draft.ts'
import type { Draft, Setting } from './draft.ts'
import { excerptOf, readExcerpt, settingSpan, writeExcerpt } from './excerpt.ts'
import type { Excerpt } from './excerpt.ts'
import { kindAt, nodeAt, nodeOf, outlineOf, pathOf } from './outline.ts'
import type { NodePath, Outline } from './outline.ts'
import { addServer, addVirtual, duplicate, moved, removed } from './structure.ts'
import { parse } from './syntax.ts'

const shared = new URL('../../../shared/lvs-cf/', import.meta.url)
const files = existsSync(shared)
  ? ['corpus', 'cases', 'generated'].flatMap((folder) =>
      readdirSync(new URL(folder, shared))
        .filter((name) => name.endsWith('.cf'))
        .map((name) => [`${folder}/${name}`, readFileSync(new URL(`${folder}/${name}`, shared), 'latin1')] as const),
    )
  : []
const made = [
  [
    'a server between settings',
    'virtual a {\n port = 80\n server x {\n weight = 1\n }\n timeout = 6\n}\nserial_no = 1\n',
  ],
  ['nothing at all', ''],
  ['no final line end', 'virtual a {\n     port = 80\n}'],
  ['an empty block', 'virtual a {\n}\nvirtual b {\n}\n'],
] as const

function excerptAt(text: string, outline: Outline, node: number): Excerpt {
  const children = []
  for (let at = node + 1; at < outline.start.length; at++) {
    if (outline.parent[at] === node) children.push({ from: outline.start[at] ?? 0, to: outline.end[at] ?? 0 })
  }
  const span = { from: outline.start[node] ?? 0, to: outline.end[node] ?? 0 }
  return excerptOf(kindAt(outline, node), span, children, (from, to) => text.slice(from, to))
}

function wordsAt(draft: Draft, path: NodePath): { name: string; settings: readonly Setting[] } {
  const block = path.block === undefined ? undefined : draft.blocks[path.block]
  if (!block) return { name: '', settings: draft.settings }
  const node = path.server === undefined ? block : block.servers[path.server]
  return { name: node?.name ?? '', settings: node?.settings ?? [] }
}

function withWords(draft: Draft, path: NodePath, settings: readonly Setting[]): Draft {
  const block = path.block === undefined ? undefined : draft.blocks[path.block]
  if (path.block === undefined || !block) return { ...draft, settings }
  if (path.server === undefined) return { ...draft, blocks: draft.blocks.with(path.block, { ...block, settings }) }
  const server = block.servers[path.server]
  if (!server) return draft
  const servers = block.servers.with(path.server, { ...server, settings })
  return { ...draft, blocks: draft.blocks.with(path.block, { ...block, servers }) }
}

if (files.length === 0) console.warn('!!! The published files are not here: excerpts are checked on made files only.')

describe.each([...files, ...made])('%s', (_, fileText) => {
  const text = hold(fileText).text
  const tree = parse(text)
  const draft = read(tree)
  const outline = outlineOf(tree)
  const nodes = [...outline.start.keys()]

  test('the text comes back from the editor as it was', () => {
    expect(release(hold(fileText))).toBe(fileText)
  })

  test('every node says on its own what it says in the file', () => {
    for (const node of nodes) {
      expect(readExcerpt(excerptAt(text, outline, node))).toEqual(wordsAt(draft, pathOf(outline, node)))
      expect(nodeOf(outline, pathOf(outline, node))).toBe(node)
    }
  })

  test('writing what is there changes nothing', () => {
    for (const node of nodes) {
      const excerpt = excerptAt(text, outline, node)
      expect(writeExcerpt(excerpt, readExcerpt(excerpt))).toEqual([])
    }
  })

  test('a changed value changes what writing the whole file changes', () => {
    for (const node of nodes) {
      const excerpt = excerptAt(text, outline, node)
      const words = readExcerpt(excerpt)
      for (const [at, setting] of words.settings.entries()) {
        const settings = words.settings.with(at, { ...setting, value: '7' })
        const edits = writeExcerpt(excerpt, { ...words, settings })
        expect(edits && applyEdits(text, edits)).toBe(
          applyEdits(text, write(tree, withWords(draft, pathOf(outline, node), settings))),
        )
      }
    }
  })

  test('a new directive reads back, and nothing else has changed', () => {
    for (const node of nodes) {
      const excerpt = excerptAt(text, outline, node)
      const words = readExcerpt(excerpt)
      const name = node === 0 ? 'syncd_iface' : kindAt(outline, node) === 'server' ? 'weight' : 'load_monitor'
      if (words.settings.some((one) => one.name === name)) continue
      const settings = withValue(words.settings, name, '5')
      const edits = writeExcerpt(excerpt, { ...words, settings })
      if (!edits) continue
      const after = read(parse(applyEdits(text, edits)))
      const now = wordsAt(after, pathOf(outline, node)).settings
      const sorted = (list: readonly Setting[]) => list.map((one) => `${one.name}=${one.value}`).toSorted()
      expect(sorted(now)).toEqual(sorted(settings))
      expect(withWords(after, pathOf(outline, node), [])).toEqual(withWords(draft, pathOf(outline, node), []))
    }
  })

  test('every offset of a node leads to it', () => {
    for (const node of nodes) {
      const start = outline.start[node] ?? 0
      if (node > 0) expect(nodeAt(outline, start)).toBe(node)
    }
  })
})

test('a directive is found where it stands in the file', () => {
  const text = 'serial_no = 1\nvirtual a {\n     port = 80\n     server x {\n         weight = 12\n     }\n}\n'
  const outline = outlineOf(parse(text))
  const span = settingSpan(excerptAt(text, outline, 2), 'weight')
  expect(span && text.slice(span.from, span.to)).toBe('12')
  expect(settingSpan(excerptAt(text, outline, 1), 'timeout')).toBeUndefined()
})

describe('structure', () => {
  const start = addVirtual({ settings: [], blocks: [] }, 'web')
  const two = addServer(addServer(start.draft, 0, 'rs1').draft, 0, 'rs1')

  test('names are not used twice', () => {
    expect(two.draft.blocks[0]?.servers.map((server) => server.name)).toEqual(['rs1', 'rs2'])
    const copy = duplicate(two.draft, { block: 0 })
    expect(copy.draft.blocks.map((block) => block.name)).toEqual(['web', 'web2'])
    expect(copy.path).toEqual({ block: 1 })
  })

  test('what is added, moved and removed is written with least edits', () => {
    const text = `# top\n${newDocument(two.draft)}# end\n`
    const tree = parse(text)
    const swapped = moved(read(tree), { block: 0, server: 0 }, 1)
    expect(swapped.path).toEqual({ block: 0, server: 1 })
    const after = applyEdits(text, write(tree, swapped.draft))
    expect(read(parse(after)).blocks[0]?.servers.map((server) => server.name)).toEqual(['rs2', 'rs1'])
    expect(after.length).toBe(text.length)
    const gone = removed(read(tree), { block: 0, server: 1 })
    const short = applyEdits(text, write(tree, gone.draft))
    expect(short).toContain('# end')
    expect(read(parse(short)).blocks[0]?.servers.map((server) => server.name)).toEqual(['rs1'])
    expect(gone.path).toEqual({ block: 0, server: 0 })
  })
})
