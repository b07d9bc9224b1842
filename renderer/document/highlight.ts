/**
 * Colours of the text from our own parser: the lines in view are read with the blocks they stand in, so that a key in a large file
 * costs what a screen costs. Bands mark the block the form shows.
 */
import { RangeSetBuilder } from '@codemirror/state'
import type { EditorState, Extension, Text } from '@codemirror/state'
import { Decoration, ViewPlugin } from '@codemirror/view'
import type { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view'
import type { NodeKind } from '../../domain/lvscf/outline.ts'
import { parse, tokens } from '../../domain/lvscf/syntax.ts'
import type { TokenKind } from '../../domain/lvscf/syntax.ts'

/** The kind of the innermost block around an offset. */
export type KindAt = (offset: number) => NodeKind

const classes: Readonly<Record<TokenKind, string | undefined>> = {
  space: undefined,
  newline: undefined,
  comment: 'lv-comment',
  key: 'lv-key',
  equals: 'lv-equals',
  value: 'lv-value',
  string: 'lv-string',
  open: 'lv-brace',
  close: 'lv-brace',
  junk: 'lv-junk',
}
const marks = new Map<string, Decoration>()
function mark(name: string): Decoration {
  let found = marks.get(name)
  if (!found) marks.set(name, (found = Decoration.mark({ class: name })))
  return found
}

const around: Readonly<Record<NodeKind, string>> = {
  global: '',
  virtual: 'virtual x {\n',
  failover: 'failover x {\n',
  server: 'virtual x {\nserver x {\n',
}

function colour(builder: RangeSetBuilder<Decoration>, doc: Text, from: number, to: number, kindAt: KindAt): void {
  const start = doc.lineAt(from).from
  const end = doc.lineAt(to).to
  // The line before the first tells which block the first line begins in.
  const before = around[start === 0 ? 'global' : kindAt(start - 1)]
  const text = before + doc.sliceString(start, end)
  for (const token of tokens(parse(text))) {
    if (token.start < before.length) continue
    let name = classes[token.kind]
    if (token.kind === 'key') {
      const word = text.slice(token.start, token.end)
      if (word === 'virtual' || word === 'server' || word === 'failover') name = 'lv-block'
    }
    if (name) builder.add(start + token.start - before.length, start + token.end - before.length, mark(name))
  }
}

/** The colours of what is in view. */
export function highlighting(kindAt: KindAt): Extension {
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet
      constructor(view: EditorView) {
        this.decorations = this.colours(view)
      }
      update(update: ViewUpdate) {
        if (update.docChanged || update.viewportChanged) this.decorations = this.colours(update.view)
      }
      private colours(view: EditorView): DecorationSet {
        const builder = new RangeSetBuilder<Decoration>()
        let last = -1
        for (const { from, to } of view.visibleRanges) {
          const start = Math.max(view.state.doc.lineAt(from).from, last)
          if (start <= to) colour(builder, view.state.doc, start, to, kindAt)
          last = view.state.doc.lineAt(to).to + 1
        }
        return builder.finish()
      }
    },
    { decorations: (plugin) => plugin.decorations },
  )
}

const band = Decoration.line({ class: 'lv-selected' })

/** Marks the lines of a span that are in view. `spanOf` answers nothing where nothing is to be marked. */
export function selectedBand(
  spanOf: (state: EditorState) => { readonly from: number; readonly to: number } | undefined,
): Extension {
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet
      constructor(view: EditorView) {
        this.decorations = this.bands(view)
      }
      update(update: ViewUpdate) {
        this.decorations = this.bands(update.view)
      }
      private bands(view: EditorView): DecorationSet {
        const builder = new RangeSetBuilder<Decoration>()
        const span = spanOf(view.state)
        if (!span) return Decoration.none
        const { doc } = view.state
        let last = -1
        for (const { from, to } of view.visibleRanges) {
          let at = Math.max(from, span.from)
          const end = Math.min(to, span.to - 1, doc.length)
          while (at <= end) {
            const line = doc.lineAt(at)
            if (line.from > last) builder.add(line.from, line.from, band)
            last = line.from
            at = line.to + 1
          }
        }
        return builder.finish()
      }
    },
    { decorations: (plugin) => plugin.decorations },
  )
}
