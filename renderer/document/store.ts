/**
 * The open document: its text with undo history, what the domain says of it, the node the form shows, and its versions on disk and
 * beside it. Text and form are two views of one text: the form's edits are least edits of the text, so undo spans both.
 */
import { redo, redoDepth, undo, undoDepth } from '@codemirror/commands'
import type { ChangeDesc, EditorState, Transaction, TransactionSpec } from '@codemirror/state'
import { ChangeSet } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { Login } from '../../domain/cluster.ts'
import type { DocumentEncoding, OpenedDocument } from '../../domain/contract/app.ts'
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import { hold, release } from '../../domain/lvscf/document-text.ts'
import type { HeldText, Span } from '../../domain/lvscf/document-text.ts'
import { read, valueIn, withValue, write } from '../../domain/lvscf/draft.ts'
import type { Draft, TextEdit } from '../../domain/lvscf/draft.ts'
import { excerptOf, readExcerpt, settingSpan, writeExcerpt } from '../../domain/lvscf/excerpt.ts'
import type { Excerpt, NodeWords } from '../../domain/lvscf/excerpt.ts'
import { formOf } from '../../domain/lvscf/fields.ts'
import type { Fix } from '../../domain/lvscf/fixes.ts'
import { kindAt, nodeAt, nodeOf, pathOf } from '../../domain/lvscf/outline.ts'
import type { NodePath, Outline } from '../../domain/lvscf/outline.ts'
import { addServer, addVirtual, duplicate, moved, removed } from '../../domain/lvscf/structure.ts'
import type { Restructured } from '../../domain/lvscf/structure.ts'
import { parse } from '../../domain/lvscf/syntax.ts'
import { problem } from '../../domain/problem.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge } from '../bridge.ts'
import { analyseAtOnce, analyseLater } from './analyser.ts'
import { changedIn, editorState, heldIn, lineEndOf, notTyped, oneStep, setLineEnd } from './editor-state.ts'
import type { SavedText } from './editor-state.ts'

/** After this long without a key the analysis of a large file begins, ms. */
const analysisPauseMs = 150
/** After this long without a change the unsaved text is kept beside the file, ms. */
const keepPauseMs = 700
/** The core opens files up to the same size. */
const largestCopyBytes = 8_000_000
const chunkBytes = 8_192

/** Two versions to choose from, chunk by chunk. */
export interface Conflict {
  readonly base: string
  readonly mine: string
  readonly theirs: OpenedDocument
}

const emptyHeld: HeldText = { text: '', lineEnd: '\n' }

export const useDocumentStore = defineStore('document', () => {
  /** False until a document is open; then the start of the page is behind us. */
  const isOpen = ref(false)
  /** Absolute path; null for a document that has no file yet. */
  const file = ref<string | null>(null)
  const digest = ref<string | null>(null)
  const encoding = ref<DocumentEncoding>('utf-8')
  /** The file as it was last read or written here. */
  const savedFileText = ref('')
  const state = shallowRef<EditorState>(editorState(emptyHeld))
  const saved = shallowRef<SavedText>({ doc: state.value.doc, lineEnd: '\n' })
  const savedEncoding = ref<DocumentEncoding>('utf-8')
  const analysis = shallowRef<Analysis>(analyseAtOnce(0, () => emptyHeld) as Analysis)
  /** True while the analysis shown is of an older text. */
  const isBehind = ref(false)
  const selected = ref(0)
  /** Failures of the last request. */
  const failures = ref<readonly Problem[]>([])
  const busy = ref(false)
  /** The file changed on disk while it was open here. */
  const conflict = shallowRef<Conflict | null>(null)
  const changedOnDisk = ref(false)
  /** When the unsaved text that was brought back had been kept, ms. */
  const restoredAtMs = ref<number | null>(null)

  /** Counts documents, so that an answer for one that was closed is dropped. */
  let generation = 0
  let view: EditorView | undefined
  let sinceAnalysis: ChangeDesc = ChangeSet.empty(0)
  let sinceAsked: ChangeDesc | undefined
  let wantedPath: NodePath | undefined
  let analysisTimer: ReturnType<typeof setTimeout> | undefined
  let keepTimer: ReturnType<typeof setTimeout> | undefined
  let isKept = false

  const outline = computed<Outline>(() => analysis.value.outline)
  /** The document differs from the file. Of a large one that is known for certain once typing pauses; until then it counts as different. */
  const isDirty = ref(false)
  const canUndo = computed(() => undoDepth(state.value) > 0)
  const canRedo = computed(() => redoDepth(state.value) > 0)

  function lookIfDirty(isCertain: boolean): void {
    const { doc } = state.value
    const before = saved.value
    isDirty.value =
      lineEndOf(state.value) !== before.lineEnd ||
      encoding.value !== savedEncoding.value ||
      doc.length !== before.doc.length ||
      (!isCertain && doc !== before.doc) ||
      !doc.eq(before.doc)
  }

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

  function childSpans(node: number): readonly Span[] {
    const { parent, children, start } = outline.value
    const spans: Span[] = []
    const wanted = children[node] ?? 0
    for (let at = node + 1; at < start.length && spans.length < wanted; at++) {
      if (parent[at] === node) spans.push(spanOfNode(at))
    }
    return spans
  }

  function excerptOfNode(node: number): Excerpt {
    const { doc } = state.value
    return excerptOf(kindAt(outline.value, node), spanOfNode(node), childSpans(node), (from, to) =>
      doc.sliceString(from, to),
    )
  }

  const excerpt = computed(() => {
    // A new text or a new outline makes a new excerpt; what lies between them is followed through the changes.
    void state.value.doc
    return excerptOfNode(Math.min(selected.value, outline.value.start.length - 1))
  })
  const words = computed(() => readExcerpt(excerpt.value))
  const kind = computed(() => kindAt(outline.value, selected.value))
  const form = computed(() => formOf(kind.value, words.value.settings))
  const path = computed(() => pathOf(outline.value, selected.value))

  /** Problems of the selected node alone, by directive (`#name` for Shoal's own, empty for the block itself). */
  const problemsByField = computed(() => {
    const found = new Map<string, Problem[]>()
    const { doc } = state.value
    for (const { problem, from } of analysis.value.problems) {
      if (nodeAt(outline.value, from) !== selected.value) continue
      const line = doc.lineAt(Math.min(now(from), doc.length)).text
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

  // --- transactions ---------------------------------------------------------------------------------------------------------------

  /** The view through which transactions go while there is one. */
  function attach(shown: EditorView | undefined): void {
    view = shown
  }

  function dispatch(spec: TransactionSpec): void {
    if (view) view.dispatch(spec)
    else {
      const transaction = state.value.update(spec)
      took(transaction.state, [transaction])
    }
  }

  /** What the view did. */
  function took(next: EditorState, transactions: readonly Transaction[]): void {
    state.value = next
    let changed = false
    let follow = false
    for (const transaction of transactions) {
      if (transaction.docChanged) {
        sinceAnalysis = sinceAnalysis.composeDesc(transaction.changes.desc)
        sinceAsked = sinceAsked?.composeDesc(transaction.changes.desc)
      }
      if (changedIn(transaction)) changed = true
      if ((transaction.selection || transaction.docChanged) && !transaction.annotation(notTyped)) follow = true
    }
    if (changed) textChanged()
    if (follow && isOpen.value) selected.value = nodeAround(next.selection.main.head)
  }

  function textChanged(): void {
    clearTimeout(analysisTimer)
    const atOnce = analyseAtOnce(state.value.doc.length, () => heldIn(state.value))
    lookIfDirty(atOnce !== undefined)
    if (atOnce) takeAnalysis(atOnce, ChangeSet.empty(state.value.doc.length))
    else {
      isBehind.value = true
      analysisTimer = setTimeout(() => void askAnalysis(), analysisPauseMs)
    }
    clearTimeout(keepTimer)
    keepTimer = setTimeout(() => void keep(), keepPauseMs)
  }

  async function askAnalysis(): Promise<void> {
    if (sinceAsked) return
    const asked = generation
    sinceAsked = ChangeSet.empty(state.value.doc.length)
    const answer = await analyseLater(heldIn(state.value))
    if (asked !== generation) return
    const since = sinceAsked
    sinceAsked = undefined
    takeAnalysis(answer, since)
    if (!since.empty) {
      isBehind.value = true
      clearTimeout(analysisTimer)
      analysisTimer = setTimeout(() => void askAnalysis(), analysisPauseMs)
    }
  }

  function takeAnalysis(answer: Analysis, since: ChangeDesc): void {
    const place = selected.value === 0 ? undefined : spanOfNode(selected.value).from
    sinceAnalysis = since
    analysis.value = answer
    isBehind.value = !since.empty
    if (wantedPath) {
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

  function undoLast(): void {
    undo({
      state: state.value,
      dispatch: (transaction) => (view ? view.dispatch(transaction) : took(transaction.state, [transaction])),
    })
  }
  function redoLast(): void {
    redo({
      state: state.value,
      dispatch: (transaction) => (view ? view.dispatch(transaction) : took(transaction.state, [transaction])),
    })
  }

  // --- the form -------------------------------------------------------------------------------------------------------------------

  function select(node: number): void {
    selected.value = node
    const { from } = spanOfNode(node)
    dispatch({
      selection: { anchor: node === 0 ? 0 : from },
      effects: EditorView.scrollIntoView(from, { y: 'start', yMargin: 12 }),
      annotations: notTyped.of(true),
    })
  }

  /** Puts the cursor on a place of the text. */
  function goTo(span: Span): void {
    const from = Math.min(now(span.from, 1), state.value.doc.length)
    const to = Math.min(Math.max(from, now(span.to)), state.value.doc.length)
    dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
    view?.focus()
  }

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
    edit(edits, 'input.type.form')
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

  function restructure(change: (draft: Draft) => Restructured): void {
    const tree = parse(state.value.doc.toString())
    const { draft, path: to } = change(read(tree))
    wantedPath = to
    edit(write(tree, draft), 'input.form', { annotations: oneStep })
    // Nothing changed: nothing will be analysed.
    if (!isBehind.value) wantedPath = undefined
  }

  const addVirtualServer = (stem: string): void => restructure((draft) => addVirtual(draft, stem))
  const addRealServer = (stem: string): void =>
    restructure((draft) => addServer(draft, path.value.block ?? draft.blocks.length - 1, stem))
  const duplicateSelected = (): void => restructure((draft) => duplicate(draft, path.value))
  const removeSelected = (): void => restructure((draft) => removed(draft, path.value))
  const moveSelected = (by: number): void => restructure((draft) => moved(draft, path.value, by))
  const isActive = computed(() => Number(valueIn(words.value.settings, 'active') ?? '0') === 1)
  const toggleActive = (): void => setValue('active', isActive.value ? '0' : '1')

  /** Where a directive of the selected node stands in the text. */
  function showSetting(name: string, shoal?: true): void {
    const span = settingSpan(excerpt.value, name, shoal)
    if (!span) return
    dispatch({
      selection: { anchor: span.from, head: span.to },
      effects: EditorView.scrollIntoView(span.from, { y: 'nearest', yMargin: 40 }),
      annotations: notTyped.of(true),
    })
  }

  function applyFix(fix: Fix): void {
    edit(fix.edits, 'input.fix', {
      annotations: oneStep,
      ...(fix.setsLineEnd ? { effects: setLineEnd.of('\n') } : {}),
    })
  }

  // --- versions -------------------------------------------------------------------------------------------------------------------

  function show(opened: {
    file: string | null
    text: string
    digest: string | null
    encoding: DocumentEncoding
  }): void {
    generation += 1
    clearTimeout(analysisTimer)
    clearTimeout(keepTimer)
    sinceAsked = undefined
    wantedPath = undefined
    const held = hold(opened.text)
    file.value = opened.file
    digest.value = opened.digest
    encoding.value = opened.encoding
    savedEncoding.value = opened.encoding
    savedFileText.value = opened.text
    conflict.value = null
    changedOnDisk.value = false
    restoredAtMs.value = null
    failures.value = []
    isKept = false
    selected.value = 0
    state.value = editorState(held)
    saved.value = { doc: state.value.doc, lineEnd: held.lineEnd }
    isDirty.value = false
    isOpen.value = true
    const atOnce = analyseAtOnce(held.text.length, () => held)
    sinceAnalysis = ChangeSet.empty(state.value.doc.length)
    if (atOnce) takeAnalysis(atOnce, sinceAnalysis)
    else {
      analysis.value = analyseAtOnce(0, () => emptyHeld) as Analysis
      sinceAnalysis = ChangeSet.empty(0)
      isBehind.value = true
      void askAnalysis()
    }
  }

  /** The text becomes this one, as one undoable edit of what differs. */
  function become(fileText: string): void {
    const held = hold(fileText)
    const old = state.value.doc.toString()
    let head = 0
    while (head < old.length && head < held.text.length && old[head] === held.text[head]) head++
    let tail = 0
    while (
      tail < old.length - head &&
      tail < held.text.length - head &&
      old[old.length - 1 - tail] === held.text[held.text.length - 1 - tail]
    )
      tail++
    const isSame = head === old.length && old.length === held.text.length
    const edits = isSame
      ? []
      : [{ from: head, to: old.length - tail, insert: held.text.slice(head, held.text.length - tail) }]
    const effects = held.lineEnd === lineEndOf(state.value) ? {} : { effects: setLineEnd.of(held.lineEnd) }
    edit(edits, 'input.merge', { annotations: oneStep, ...effects })
  }

  /** Opens a file; unsaved text of an earlier session comes back as an edit that can be undone. */
  async function open(asked: string, login?: Login): Promise<boolean> {
    busy.value = true
    const answer = await bridge().ask('documents.open', { file: asked, ...(login ? { login } : {}) })
    busy.value = false
    if (!answer.ok) {
      failures.value = answer.problems
      return false
    }
    show(answer.value)
    const mine = generation
    const kept = await bridge().ask('documents.kept', { file: answer.value.file })
    if (!kept.ok || !kept.value || mine !== generation || kept.value.text === answer.value.text) return true
    if (kept.value.digest !== answer.value.digest) {
      // It was typed over another version than the one on disk now.
      savedFileText.value = kept.value.base
      digest.value = kept.value.digest
      const base = hold(kept.value.base)
      saved.value = { doc: state.value.toText(base.text), lineEnd: base.lineEnd }
      changedOnDisk.value = true
    }
    encoding.value = kept.value.encoding
    become(kept.value.text)
    lookIfDirty(true)
    isKept = true
    restoredAtMs.value = kept.value.keptAtMs
    return true
  }

  /** A document without a file; what was typed into the last one comes back when asked for. */
  async function openNew(text: string, restore = false): Promise<void> {
    const kept = restore ? await bridge().ask('documents.kept', { file: null }) : undefined
    show({ file: null, text: '', digest: null, encoding: 'utf-8' })
    if (kept?.ok && kept.value) {
      encoding.value = kept.value.encoding
      become(kept.value.text)
      restoredAtMs.value = kept.value.keptAtMs
      isKept = true
    } else if (text !== '') become(text)
  }

  /** A copy of a file the browser was given, as a document that has no file yet. */
  async function openCopy(given: Blob): Promise<boolean> {
    if (given.size > largestCopyBytes) {
      const detail = { file: given instanceof File ? given.name : '', bytes: given.size, limit: largestCopyBytes }
      failures.value = [problem('document-too-large', detail)]
      return false
    }
    const bytes = new Uint8Array(await given.arrayBuffer())
    let binary = ''
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      binary += String.fromCharCode(...bytes.subarray(at, at + chunkBytes))
    }
    const answer = await bridge().ask('documents.decode', { base64: btoa(binary) })
    if (!answer.ok) {
      failures.value = answer.problems
      return false
    }
    show({ file: null, text: '', digest: null, encoding: answer.value.encoding })
    become(answer.value.text)
    return true
  }

  /** Whether a document that never had a file is kept. */
  async function hasUnsavedNew(): Promise<boolean> {
    const kept = await bridge().ask('documents.kept', { file: null })
    return kept.ok && kept.value !== null
  }

  /** Drops it; when it is the open one, that is closed without being kept. */
  async function dropUnsavedNew(): Promise<void> {
    if (isOpen.value && file.value === null) {
      clearTimeout(keepTimer)
      isOpen.value = false
    }
    await bridge().ask('documents.forget', { file: null })
  }

  function fileText(): string {
    return release(heldIn(state.value))
  }

  async function keep(): Promise<void> {
    clearTimeout(keepTimer)
    if (!isOpen.value) return
    lookIfDirty(true)
    if (!isDirty.value) {
      if (isKept) await bridge().ask('documents.forget', { file: file.value })
      isKept = false
      return
    }
    isKept = true
    await bridge().ask('documents.keep', {
      file: file.value,
      text: fileText(),
      encoding: encoding.value,
      base: savedFileText.value,
      digest: digest.value,
    })
  }

  /** Saves over the version last seen. A version nobody has seen opens the merge instead. */
  async function save(): Promise<boolean> {
    return file.value === null ? false : saveTo(file.value, digest.value)
  }

  /** Saves under a path; `over` is the digest of the version to replace, null for a file that is not there yet. */
  async function saveTo(to: string, over: string | null): Promise<boolean> {
    const text = fileText()
    const { doc } = state.value
    const lineEnd = lineEndOf(state.value)
    const before = file.value
    busy.value = true
    const answer = await bridge().ask('documents.save', { file: to, text, digest: over, encoding: encoding.value })
    busy.value = false
    if (answer.ok) {
      failures.value = []
      file.value = answer.value.file
      digest.value = answer.value.digest
      savedFileText.value = text
      savedEncoding.value = encoding.value
      saved.value = { doc, lineEnd }
      lookIfDirty(true)
      changedOnDisk.value = false
      restoredAtMs.value = null
      if (isKept) await bridge().ask('documents.forget', { file: before })
      isKept = false
      return true
    }
    if (answer.problems[0]?.code === 'changed-meanwhile' && to === file.value) await startMerge()
    else failures.value = answer.problems
    return false
  }

  /** The digest of a file that is there already; null when there is none. */
  async function digestAt(path: string): Promise<string | null> {
    const answer = await bridge().ask('documents.open', { file: path })
    return answer.ok ? answer.value.digest : null
  }

  async function startMerge(): Promise<void> {
    if (file.value === null) return
    const answer = await bridge().ask('documents.open', { file: file.value })
    if (!answer.ok) {
      failures.value = answer.problems
      return
    }
    failures.value = []
    conflict.value = { base: savedFileText.value, mine: fileText(), theirs: answer.value }
  }

  /** Takes the merged text over the version on disk, and saves it. */
  async function finishMerge(text: string): Promise<boolean> {
    const { theirs } = conflict.value ?? {}
    if (!theirs) return false
    conflict.value = null
    const held = hold(theirs.text)
    digest.value = theirs.digest
    savedFileText.value = theirs.text
    savedEncoding.value = theirs.encoding
    saved.value = { doc: state.value.toText(held.text), lineEnd: held.lineEnd }
    changedOnDisk.value = false
    become(text)
    lookIfDirty(true)
    return save()
  }

  /** Looks whether the file changed on disk; an unchanged document simply shows the new version. */
  async function lookAtDisk(): Promise<void> {
    if (file.value === null || conflict.value || busy.value) return
    const mine = generation
    const answer = await bridge().ask('documents.open', { file: file.value })
    if (!answer.ok || mine !== generation || answer.value.digest === digest.value) return
    lookIfDirty(true)
    if (isDirty.value) changedOnDisk.value = true
    else show(answer.value)
  }

  /** Back to the saved version, as an edit that can be undone. */
  function revert(): void {
    encoding.value = savedEncoding.value
    become(savedFileText.value)
    lookIfDirty(true)
    restoredAtMs.value = null
  }

  async function close(): Promise<void> {
    await keep()
    generation += 1
    isOpen.value = false
    file.value = null
    failures.value = []
    conflict.value = null
    sinceAsked = undefined
    clearTimeout(analysisTimer)
  }

  return {
    isOpen,
    file,
    digest,
    encoding,
    state,
    saved,
    savedFileText,
    analysis,
    outline,
    isBehind,
    selected,
    excerpt,
    words,
    kind,
    form,
    path,
    problemsByField,
    fieldAtCursor,
    isActive,
    failures,
    busy,
    conflict,
    changedOnDisk,
    restoredAtMs,
    isDirty,
    canUndo,
    canRedo,
    now,
    nodeAround,
    spanOfNode,
    attach,
    took,
    undoLast,
    redoLast,
    select,
    goTo,
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
    open,
    openNew,
    openCopy,
    hasUnsavedNew,
    dropUnsavedNew,
    become,
    fileText,
    keep,
    save,
    saveTo,
    digestAt,
    startMerge,
    finishMerge,
    lookAtDisk,
    revert,
    close,
  }
})
