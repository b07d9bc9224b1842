/** A change worked out on the neighbourhood of a node is the change worked out on the whole file, on every published file there is. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hold } from './document-text.ts'
import { applyEdits, read, write } from './draft.ts'
import { changeAround } from './neighbourhood.ts'
import type { Change } from './neighbourhood.ts'
import { outlineOf, pathOf } from './outline.ts'
import type { NodePath } from './outline.ts'
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
if (files.length === 0) console.warn('!!! The published files are not here: changes are checked on made files only.')

const server = (name: string): string => ` server ${name} {\n  address = 10.0.0.1\n  active = 1\n }\n`
const block = (name: string, servers: number): string =>
  `virtual ${name} {\n port = 80\n${Array.from({ length: servers }, (_, at) => server(`rs${at}`)).join('')}}\n`
const made = [
  ['seven servers', block('a', 7)],
  ['blocks with a comment between them', [0, 1, 2, 3, 4].map((at) => `# ${at}\n${block(`b${at}`, at)}`).join('\n')],
  ['a block closed by the next', `virtual a {\n port = 80\n${block('b', 1)}serial_no = 1\n${block('c', 2)}`],
  ['nothing at all', ''],
  ['no final line end', 'virtual a {\n     port = 80\n}'],
  ['names used twice', block('a', 2) + block('a', 3) + block('b', 1)],
] as const

const changes: readonly (readonly [string, Change])[] = [
  ['a new virtual server', { reach: { behind: 'blocks' }, apply: (draft) => addVirtual(draft, 'rs0') }],
  [
    'a new real server',
    { reach: { behind: 'servers' }, apply: (draft, path) => addServer(draft, path.block ?? -1, 'rs0') },
  ],
  ['a copy', { reach: { by: 0 }, apply: duplicate }],
  ['a removal', { reach: { by: 0 }, apply: removed }],
  ['a move up', { reach: { by: -1 }, apply: (draft, path) => moved(draft, path, -1) }],
  ['a move down', { reach: { by: 1 }, apply: (draft, path) => moved(draft, path, 1) }],
]
/** Of a large file not every node is tried. */
const nodesMost = 40

describe.each([...files, ...made])('%s', (_name, fileText) => {
  const { text } = hold(fileText)
  const tree = parse(text)
  const outline = outlineOf(tree)
  const source = {
    outline,
    spanOf: (node: number) => ({ from: outline.start[node] ?? 0, to: outline.end[node] ?? 0 }),
    slice: (from: number, to: number) => text.slice(from, to),
  }
  const step = Math.ceil(outline.start.length / nodesMost)
  const paths: readonly NodePath[] = [...outline.start.keys()]
    .filter((node) => node % step === 0)
    .map((node) => pathOf(outline, node))

  test.each(changes)('%s', (_what, change) => {
    for (const path of paths) {
      const around = changeAround(source, path, change)
      if (!around) continue
      const whole = change.apply(read(tree), path)
      expect([path, around.path]).toEqual([path, whole.path])
      expect(applyEdits(text, around.edits)).toBe(applyEdits(text, write(tree, whole.draft)))
    }
  })
})

test('a file as the web tool writes it is never read as a whole', () => {
  const text = block('a', 5) + block('b', 5)
  const outline = outlineOf(parse(text))
  let read = 0
  const source = {
    outline,
    spanOf: (node: number) => ({ from: outline.start[node] ?? 0, to: outline.end[node] ?? 0 }),
    slice: (from: number, to: number) => {
      read += to - from
      return text.slice(from, to)
    },
  }
  for (const [, change] of changes) {
    expect(changeAround(source, { block: 1, server: 2 }, change)).toBeDefined()
    expect(read).toBeLessThan(text.length)
    read = 0
  }
})
