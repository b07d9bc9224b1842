/**
 * The form of one node of the open text: what the node says, what is wrong with it, and the edits that filling in the form makes. The
 * form has no state of its own; its edits are least edits of the text, so undo spans both.
 */
import { EditorView } from '@codemirror/view'
import { computed } from 'vue'
import { nodeOfProblem } from '../../domain/lvscf/analysis.ts'
import type { Span } from '../../domain/lvscf/document-text.ts'
import { read, valueIn, withValue, write } from '../../domain/lvscf/draft.ts'
import type { Draft, TextEdit } from '../../domain/lvscf/draft.ts'
import { excerptOf, readExcerpt, settingSpan, writeExcerpt } from '../../domain/lvscf/excerpt.ts'
import type { Excerpt, NodeWords } from '../../domain/lvscf/excerpt.ts'
import { formOf } from '../../domain/lvscf/fields.ts'
import type { Fix } from '../../domain/lvscf/fixes.ts'
import { changeAround } from '../../domain/lvscf/neighbourhood.ts'
import type { Change, Reach } from '../../domain/lvscf/neighbourhood.ts'
import { kindAt, pathOf } from '../../domain/lvscf/outline.ts'
import { addServer, addVirtual, duplicate, moved, removed } from '../../domain/lvscf/structure.ts'
import { parse } from '../../domain/lvscf/syntax.ts'
import type { Problem } from '../../domain/problem.ts'
import { notTyped, oneStep, setLineEnd } from './editor-state.ts'
import type { LiveText } from './live-text.ts'

export function nodeForm(live: LiveText) {
  const { state, analysis, outline, selected, isAnalysed } = live

  function childSpans(node: number): readonly Span[] {
    const { parent, children, start } = outline.value
    const spans: Span[] = []
    const wanted = children[node] ?? 0
    for (let at = node + 1; at < start.length && spans.length < wanted; at++) {
      if (parent[at] === node) spans.push(live.spanOfNode(at))
    }
    return spans
  }

  function excerptOfNode(node: number): Excerpt {
    const { doc } = state.value
    return excerptOf(kindAt(outline.value, node), live.spanOfNode(node), childSpans(node), (from, to) =>
      doc.sliceString(from, to),
    )
  }

  const excerpt = computed(() => {
    // A new text or a new outline makes a new excerpt; what lies between them is followed through the changes.
    void state.value.doc
    // Without an outline all of the file would count as the lines outside its blocks.
    if (!isAnalysed.value) return excerptOf('global', { from: 0, to: 0 }, [], () => '')
    return excerptOfNode(Math.min(selected.value, outline.value.start.length - 1))
  })
  const words = computed(() => readExcerpt(excerpt.value))
  const kind = computed(() => kindAt(outline.value, selected.value))
  const form = computed(() => formOf(kind.value, words.value.settings))
  const path = computed(() => pathOf(outline.value, selected.value))

  const ownProblems = computed(() =>
    analysis.value.problems.filter((placed) => nodeOfProblem(outline.value, placed) === selected.value),
  )
  /** Problems of the selected node alone, by directive (`#name` for Shoal's own, empty for the block itself). */
  const problemsByField = computed(() => {
    const found = new Map<string, Problem[]>()
    const { doc } = state.value
    for (const { problem, from, to } of ownProblems.value) {
      if (to === 0) {
        found.set('', [...(found.get('') ?? []), problem])
        continue
      }
      const line = doc.lineAt(Math.min(live.now(from), doc.length)).text
      const name = /^[ \t]*(?:(#)[ \t]*shoal[ \t]*:[ \t]*)?["']?([A-Za-z_]+)["']?[ \t]*=?/.exec(line)
      const isBlock = name && /^(virtual|failover|server)$/.test(name[2] ?? '')
      const key = !name || isBlock ? '' : `${name[1] ?? ''}${name[2] ?? ''}`
      found.set(key, [...(found.get(key) ?? []), problem])
    }
    return found
  })

  /** The directive the cursor is in, for the form to show which field that is. */
  const fieldAtCursor = computed(() => {
    const { doc, selection } = state.value
    const line = doc.lineAt(selection.main.head).text
    const name = /^[ \t]*(?:(#)[ \t]*shoal[ \t]*:[ \t]*)?([A-Za-z_]+)[ \t]*=/.exec(line)
    return name ? `${name[1] ?? ''}${name[2] ?? ''}` : ''
  })

  function wholeEdits(change: (draft: Draft) => Draft): readonly TextEdit[] {
    const tree = parse(state.value.doc.toString())
    return write(tree, change(read(tree)))
  }

  function say(next: NodeWords): void {
    const { block, server } = path.value
    const edits =
      writeExcerpt(excerpt.value, next) ??
      wholeEdits((draft) => {
        if (block === undefined) return { ...draft, settings: next.settings }
        const old = draft.blocks[block]
        if (!old) return draft
        if (server === undefined) return { ...draft, blocks: draft.blocks.with(block, { ...old, ...next }) }
        return { ...draft, blocks: draft.blocks.with(block, { ...old, servers: old.servers.with(server, next) }) }
      })
    live.edit(edits, 'input.type.form')
  }

  /** Writes a directive of the selected node; undefined removes it. */
  function setValue(name: string, value: string | undefined, shoal?: true): void {
    say({ name: words.value.name, settings: withValue(words.value.settings, name, value, shoal) })
  }

  /** Changes a setting by its number in the node (a directive the table does not know); undefined removes it. */
  function setRaw(at: number, value: string | undefined): void {
    const { name, settings } = words.value
    const old = settings[at]
    if (!old) return
    say({ name, settings: value === undefined ? settings.toSpliced(at, 1) : settings.with(at, { ...old, value }) })
  }

  function rename(name: string): void {
    say({ name, settings: words.value.settings })
  }

  /** A change of structure, worked out on the neighbourhood alone where that says enough. */
  function restructure(reach: Reach, apply: Change['apply']): void {
    const source = {
      outline: outline.value,
      spanOf: live.spanOfNode,
      slice: (from: number, to: number) => state.value.doc.sliceString(from, to),
    }
    const around = changeAround(source, path.value, { reach, apply })
    if (around) live.editTo(around.path, around.edits, 'input.form', { annotations: oneStep })
    else {
      const tree = parse(state.value.doc.toString())
      const { draft, path: to } = apply(read(tree), path.value)
      live.editTo(to, write(tree, draft), 'input.form', { annotations: oneStep })
    }
  }

  const addVirtualServer = (stem: string): void => restructure({ behind: 'blocks' }, (draft) => addVirtual(draft, stem))
  const addRealServer = (stem: string): void =>
    restructure({ behind: 'servers' }, (draft, at) => addServer(draft, at.block ?? draft.blocks.length - 1, stem))
  const duplicateSelected = (): void => restructure({ by: 0 }, duplicate)
  const removeSelected = (): void => restructure({ by: 0 }, removed)
  const moveSelected = (by: number): void => restructure({ by }, (draft, at) => moved(draft, at, by))
  const isActive = computed(() => Number(valueIn(words.value.settings, 'active') ?? '0') === 1)
  const toggleActive = (): void => setValue('active', isActive.value ? '0' : '1')

  /** Where a directive of the selected node stands in the text. */
  function showSetting(name: string, shoal?: true): void {
    const span = settingSpan(excerpt.value, name, shoal)
    if (!span) return
    live.dispatch({
      selection: { anchor: span.from, head: span.to },
      effects: EditorView.scrollIntoView(span.from, { y: 'nearest', yMargin: 40 }),
      annotations: notTyped.of(true),
    })
  }

  function applyFix(fix: Fix): void {
    live.edit(fix.edits, 'input.fix', {
      annotations: oneStep,
      ...(fix.setsLineEnd ? { effects: setLineEnd.of('\n') } : {}),
    })
  }

  return {
    excerpt,
    words,
    kind,
    form,
    path,
    problemsByField,
    fieldAtCursor,
    isActive,
    setValue,
    setRaw,
    rename,
    addVirtualServer,
    addRealServer,
    duplicateSelected,
    removeSelected,
    moveSelected,
    toggleActive,
    showSetting,
    applyFix,
  }
}
