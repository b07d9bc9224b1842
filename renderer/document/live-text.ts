/**
 * The text that is open, as it is edited: its state with undo history, what the domain last said of it, and where the things it spoke of
 * are in the text as it is now. The analysis of a large file lags behind typing; until it is there, its places are followed through the
 * changes.
 */
import { redo, redoDepth, undo, undoDepth } from '@codemirror/commands'
import type { ChangeDesc, EditorState, Text, Transaction, TransactionSpec } from '@codemirror/state'
import { ChangeSet } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { computed, ref, shallowRef } from 'vue'
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import { lineStarts } from '../../domain/lvscf/document-text.ts'
import type { HeldText, Span } from '../../domain/lvscf/document-text.ts'
import type { TextEdit } from '../../domain/lvscf/draft.ts'
import type { Lines } from '../../domain/lvscf/fixes.ts'
import { nodeAt, nodeOf } from '../../domain/lvscf/outline.ts'
import type { NodePath, Outline } from '../../domain/lvscf/outline.ts'
import { afterPaint } from './after-paint.ts'
import { analyseAtOnce, analyseLater } from './analyser.ts'
import { changedIn, editorState, heldIn, notTyped } from './editor-state.ts'

/** After this long without a key the analysis of a large file begins, ms. */
const analysisPauseMs = 150

const emptyHeld: HeldText = { text: '', lineEnd: '\n' }

export type LiveText = ReturnType<typeof liveText>

/** `changed` hears of every change of the text; `isAnalysed` when its analysis is there already. */
export function liveText(changed: (isAnalysed: boolean) => void) {
  /** False until a document is open; then the start of the page is behind us. */
  const isOpen = ref(false)
  const state = shallowRef<EditorState>(editorState(emptyHeld))
  const analysis = shallowRef<Analysis>(analyseAtOnce(0, () => emptyHeld) as Analysis)
  /** True while the analysis shown is of an older text. */
  const isBehind = ref(false)
  /** False while there is no analysis of this document at all: it is large and has just been opened. */
  const isAnalysed = ref(true)
  const selected = ref(0)
  /** The structure the parts show: of `analysis`, but for the frame in which the problems of a large document are first shown. */
  const outline = shallowRef<Outline>(analysis.value.outline)
  const canUndo = computed(() => undoDepth(state.value) > 0)
  const canRedo = computed(() => redoDepth(state.value) > 0)

  /** Counts documents, so that an answer for one that was closed is dropped. */
  let generation = 0
  let view: EditorView | undefined
  let sinceAnalysis: ChangeDesc = ChangeSet.empty(0)
  let sinceAsked: ChangeDesc | undefined
  let wantedPath: NodePath | undefined
  let pauseMs = analysisPauseMs
  let analysisTimer: ReturnType<typeof setTimeout> | undefined
  /** The text a document begins with, so that nobody has to put it together again. */
  let begun: { readonly doc: Text; readonly text: string } | undefined
  let knownLines: { readonly doc: Text; readonly lines: Lines } | undefined

  // --- where things are now -------------------------------------------------------------------------------------------------------

  /** An offset of the analysed text in the present one. */
  function now(offset: number, side: -1 | 1 = -1): number {
    return sinceAnalysis.empty ? offset : sinceAnalysis.mapPos(Math.min(offset, sinceAnalysis.length), side)
  }

  /** The innermost node around an offset of the present text. */
  function nodeAround(offset: number): number {
    const then = sinceAnalysis.empty ? offset : sinceAnalysis.invertedDesc.mapPos(offset, -1)
    return nodeAt(outline.value, then)
  }

  function spanOfNode(node: number): Span {
    if (node === 0) return { from: 0, to: state.value.doc.length }
    return { from: now(outline.value.start[node] ?? 0, -1), to: now(outline.value.end[node] ?? 0, 1) }
  }

  /** A text of this document with the beginnings of its lines, for what looks at many places of it. */
  function lines(doc: Text): Lines {
    if (knownLines?.doc !== doc) {
      const text = begun?.doc === doc ? begun.text : doc.toString()
      knownLines = { doc, lines: { text, starts: lineStarts(text) } }
    }
    return knownLines.lines
  }

  // --- transactions ---------------------------------------------------------------------------------------------------------------

  /** The view through which transactions go while there is one. */
  function attach(shown: EditorView | undefined): void {
    view = shown
  }

  function send(transaction: Transaction): void {
    if (view) view.dispatch(transaction)
    else took(transaction.state, [transaction])
  }

  function dispatch(spec: TransactionSpec): void {
    if (view) view.dispatch(spec)
    else send(state.value.update(spec))
  }

  /** What the view did. */
  function took(next: EditorState, transactions: readonly Transaction[]): void {
    state.value = next
    let isChanged = false
    let follow = false
    for (const transaction of transactions) {
      if (transaction.docChanged) {
        sinceAnalysis = sinceAnalysis.composeDesc(transaction.changes.desc)
        sinceAsked = sinceAsked?.composeDesc(transaction.changes.desc)
      }
      if (changedIn(transaction)) isChanged = true
      if ((transaction.selection || transaction.docChanged) && !transaction.annotation(notTyped)) follow = true
    }
    if (isChanged) textChanged()
    if (follow && isOpen.value) selected.value = nodeAround(next.selection.main.head)
  }

  function textChanged(): void {
    clearTimeout(analysisTimer)
    const atOnce = analyseAtOnce(state.value.doc.length, () => heldIn(state.value))
    if (atOnce) takeAnalysis(atOnce, ChangeSet.empty(state.value.doc.length))
    else askLater()
    changed(atOnce !== undefined)
  }

  function askLater(): void {
    isBehind.value = true
    clearTimeout(analysisTimer)
    analysisTimer = setTimeout(() => void ask(), pauseMs)
  }

  async function ask(held = heldIn(state.value)): Promise<void> {
    if (sinceAsked) return
    pauseMs = analysisPauseMs
    const asked = generation
    sinceAsked = ChangeSet.empty(held.text.length)
    const answer = await analyseLater(held)
    if (asked !== generation) return
    if (!isAnalysed.value) {
      // Of a document just opened the problems are on the screen before the other parts are filled.
      analysis.value = answer
      await afterPaint()
      if (asked !== generation) return
    }
    const since = sinceAsked
    sinceAsked = undefined
    takeAnalysis(answer, since)
    if (!since.empty) askLater()
  }

  function takeAnalysis(answer: Analysis, since: ChangeDesc): void {
    const place = selected.value === 0 ? undefined : spanOfNode(selected.value).from
    sinceAnalysis = since
    analysis.value = answer
    outline.value = answer.outline
    isAnalysed.value = true
    isBehind.value = !since.empty
    if (wantedPath && since.empty) {
      selected.value = nodeOf(answer.outline, wantedPath)
      wantedPath = undefined
    } else if (place === undefined) selected.value = 0
    else selected.value = nodeAround(Math.min(place, state.value.doc.length))
  }

  /** Edits that did not come from typing in the text; the text scrolls to them. */
  function edit(edits: readonly TextEdit[], userEvent: string, more: TransactionSpec = {}): void {
    if (edits.length === 0 && !more.effects) return
    const first = edits[0]
    const effects = [more.effects ?? []].flat()
    if (first) {
      const changes = ChangeSet.of([...edits], state.value.doc.length, '\n')
      effects.push(EditorView.scrollIntoView(changes.mapPos(first.from, 1), { y: 'nearest', yMargin: 60 }))
    }
    dispatch({
      ...more,
      changes: edits.map((one) => ({ ...one, insert: state.value.toText(one.insert) })),
      userEvent,
      effects,
      annotations: [notTyped.of(true), ...[more.annotations ?? []].flat()],
    })
  }

  /** The same for a change of structure: the node at `path` is selected once the analysis knows it, which is asked for at once. */
  function editTo(path: NodePath, edits: readonly TextEdit[], userEvent: string, more: TransactionSpec = {}): void {
    wantedPath = path
    pauseMs = 0
    edit(edits, userEvent, more)
    // Nothing changed: nothing will be analysed.
    if (isBehind.value) return
    wantedPath = undefined
    pauseMs = analysisPauseMs
  }

  function undoLast(): void {
    undo({ state: state.value, dispatch: send })
  }
  function redoLast(): void {
    redo({ state: state.value, dispatch: send })
  }

  // --- going to places ------------------------------------------------------------------------------------------------------------

  function select(node: number): void {
    selected.value = node
    const { from } = spanOfNode(node)
    dispatch({
      selection: { anchor: node === 0 ? 0 : from },
      effects: EditorView.scrollIntoView(from, { y: 'start', yMargin: 12 }),
      annotations: notTyped.of(true),
    })
  }

  /** Puts the cursor on a place of the analysed text. */
  function goTo(span: Span): void {
    const from = Math.min(now(span.from, 1), state.value.doc.length)
    const to = Math.min(Math.max(from, now(span.to)), state.value.doc.length)
    dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
    view?.focus()
  }

  // --- another document -----------------------------------------------------------------------------------------------------------

  /** A text with a history of its own takes the place of the present one. */
  function begin(held: HeldText): void {
    leave()
    wantedPath = undefined
    pauseMs = analysisPauseMs
    selected.value = 0
    const atOnce = analyseAtOnce(held.text.length, () => held)
    isAnalysed.value = atOnce !== undefined
    isBehind.value = !atOnce
    // The worker reads while the window draws.
    if (!atOnce) void ask(held)
    sinceAnalysis = ChangeSet.empty(0)
    analysis.value = atOnce ?? (analyseAtOnce(0, () => emptyHeld) as Analysis)
    outline.value = analysis.value.outline
    const next = editorState(held)
    begun = { doc: next.doc, text: held.text }
    knownLines = undefined
    state.value = next
    if (atOnce) takeAnalysis(atOnce, ChangeSet.empty(state.value.doc.length))
  }

  /** Answers that are under way are for nobody any more. */
  function leave(): void {
    generation += 1
    sinceAsked = undefined
    clearTimeout(analysisTimer)
  }

  /** No document is open. */
  function end(): void {
    isOpen.value = false
    begin(emptyHeld)
  }

  return {
    isOpen,
    state,
    analysis,
    isBehind,
    isAnalysed,
    selected,
    outline,
    canUndo,
    canRedo,
    /** The number of this document among those opened here. */
    documentNumber: () => generation,
    now,
    nodeAround,
    spanOfNode,
    lines,
    attach,
    dispatch,
    took,
    edit,
    editTo,
    undoLast,
    redoLast,
    select,
    goTo,
    begin,
    end,
  }
}
