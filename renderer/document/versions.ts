/**
 * The versions of the open document: the file it came from, what is typed over it, what was typed and not saved before, and another
 * version that came meanwhile. None of them is lost unasked.
 */
import { ref, shallowRef } from 'vue'
import type { Login } from '../../domain/cluster.ts'
import type { FilePurpose, KeptDocument, OpenedDocument } from '../../domain/contract/app.ts'
import type { DocumentEncoding } from '../../domain/document-encodings.ts'
import { differing, hold, release } from '../../domain/lvscf/document-text.ts'
import { problem } from '../../domain/problem.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge } from '../bridge.ts'
import { heldIn, lineEndOf, oneStep, setLineEnd } from './editor-state.ts'
import type { SavedText } from './editor-state.ts'
import type { LiveText } from './live-text.ts'

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

/** That a file is not there, as opposed to all that can keep one from seeing it. */
function isAbsence({ code, detail }: Problem): boolean {
  return code === 'file-unreadable' && String(detail?.['reason']).startsWith('ENOENT')
}

export function versions(live: LiveText) {
  const { state, isOpen } = live
  /** Absolute path, or the name of a file on a host; null for a document that has no file yet. */
  const file = ref<string | null>(null)
  const digest = ref<string | null>(null)
  const encoding = ref<DocumentEncoding>('utf-8')
  /** The file as it was last read or written here. */
  const savedFileText = ref('')
  const saved = shallowRef<SavedText>({ doc: state.value.doc, lineEnd: '\n' })
  const savedEncoding = ref<DocumentEncoding>('utf-8')
  /** Failures of the last request. */
  const failures = shallowRef<readonly Problem[]>([])
  const busy = ref(false)
  /** The file changed on disk while it was open here. */
  const conflict = shallowRef<Conflict | null>(null)
  const changedOnDisk = ref(false)
  /** When the unsaved text that was brought back had been kept, ms. */
  const restoredAtMs = ref<number | null>(null)
  /** The document differs from the file. Of a large one that is known for certain once typing pauses; until then it counts as different. */
  const isDirty = ref(false)

  let keepTimer: ReturnType<typeof setTimeout> | undefined
  let isKept = false
  /** The base the core has of what is kept. */
  let sentBase: { readonly file: string | null; readonly base: string } | undefined

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

  function keepSoon(): void {
    clearTimeout(keepTimer)
    keepTimer = setTimeout(() => void keep(), keepPauseMs)
  }

  /** The text was changed; `isSmall` when comparing it costs nothing. */
  function textChanged(isSmall: boolean): void {
    lookIfDirty(isSmall)
    keepSoon()
  }

  function show(opened: {
    file: string | null
    text: string
    digest: string | null
    encoding: DocumentEncoding
  }): void {
    clearTimeout(keepTimer)
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
    live.begin(held)
    saved.value = { doc: state.value.doc, lineEnd: held.lineEnd }
    isDirty.value = false
    isOpen.value = true
  }

  /** The text becomes this one, as one undoable edit of what differs. */
  function become(fileText: string): void {
    const held = hold(fileText)
    const change = differing(state.value.doc.toString(), held.text)
    const edits = change.from === change.to && change.insert === '' ? [] : [change]
    const effects = held.lineEnd === lineEndOf(state.value) ? {} : { effects: setLineEnd.of(held.lineEnd) }
    live.edit(edits, 'input.merge', { annotations: oneStep, ...effects })
  }

  /** Opens a file; unsaved text of an earlier session comes back as an edit that can be undone. */
  async function open(asked: string, login?: Login): Promise<boolean> {
    busy.value = true
    const [answer, kept] = await Promise.all([
      bridge().ask('documents.open', { file: asked, ...(login ? { login } : {}) }),
      bridge().ask('documents.kept', { file: asked }),
    ])
    busy.value = false
    if (!answer.ok) {
      failures.value = answer.problems
      return false
    }
    show(answer.value)
    if (kept.ok && kept.value && kept.value.text !== answer.value.text) bringBack(kept.value, answer.value)
    return true
  }

  function bringBack(kept: KeptDocument, opened: OpenedDocument): void {
    if (kept.digest !== opened.digest) {
      // It was typed over another version than the one on disk now.
      savedFileText.value = kept.base
      digest.value = kept.digest
      const base = hold(kept.base)
      saved.value = { doc: state.value.toText(base.text), lineEnd: base.lineEnd }
      changedOnDisk.value = true
    }
    encoding.value = kept.encoding
    become(kept.text)
    lookIfDirty(true)
    isKept = true
    restoredAtMs.value = kept.keptAtMs
  }

  /** Reads the bytes of the file anew, as another encoding. Only for a document that has no changes. */
  async function readAs(chosen: DocumentEncoding): Promise<boolean> {
    if (file.value === null || isDirty.value) return false
    busy.value = true
    const answer = await bridge().ask('documents.open', { file: file.value, encoding: chosen })
    busy.value = false
    if (answer.ok) show(answer.value)
    else failures.value = answer.problems
    return answer.ok
  }

  /** The next save writes the text in this encoding. */
  function saveIn(chosen: DocumentEncoding): void {
    encoding.value = chosen
    lookIfDirty(true)
    keepSoon()
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
    const base = savedFileText.value
    const now = {
      file: file.value,
      encoding: encoding.value,
      digest: digest.value,
      change: differing(base, fileText()),
    }
    const isKnown = sentBase?.file === file.value && sentBase.base === base
    sentBase = { file: file.value, base }
    const answer = await bridge().ask('documents.keep', { ...now, base: isKnown ? null : base })
    if (!answer.ok && isKnown) await bridge().ask('documents.keep', { ...now, base })
  }

  /** Saves over the version last seen. A version nobody has seen opens the merge instead. */
  async function save(): Promise<boolean> {
    return file.value === null ? false : saveTo(file.value, digest.value)
  }

  /** Saves under a path; `over` is the digest of the version to replace, null for a file that is not there yet. */
  async function saveTo(to: string, over: string | null, login?: Login): Promise<boolean> {
    const text = fileText()
    const { doc } = state.value
    const lineEnd = lineEndOf(state.value)
    const before = file.value
    busy.value = true
    const answer = await bridge().ask('documents.save', {
      file: to,
      text,
      digest: over,
      encoding: encoding.value,
      ...(login ? { login } : {}),
    })
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

  /**
   * The digest of a file that is there already, null when there is none; undefined when that could not be found out, which is told as a
   * failure of the request.
   */
  async function digestAt(path: string, login?: Login): Promise<string | null | undefined> {
    busy.value = true
    const answer = await bridge().ask('documents.open', { file: path, ...(login ? { login } : {}) })
    busy.value = false
    if (answer.ok) return answer.value.digest
    if (answer.problems.every(isAbsence)) return null
    failures.value = answer.problems
    return undefined
  }

  /** A path from the desktop's own dialog; null when the operator went back, or there is none (then told as a failure). */
  async function chooseFile(purpose: FilePurpose, suggested: string | null): Promise<string | null> {
    const answer = await bridge().ask('documents.choose', { purpose, suggested })
    if (answer.ok) return answer.value
    failures.value = answer.problems
    return null
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
    const mine = live.documentNumber()
    const answer = await bridge().ask('documents.open', { file: file.value, encoding: savedEncoding.value })
    if (!answer.ok || mine !== live.documentNumber() || answer.value.digest === digest.value) return
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
    live.end()
    saved.value = { doc: state.value.doc, lineEnd: '\n' }
    savedFileText.value = ''
    isDirty.value = false
    file.value = null
    failures.value = []
    conflict.value = null
  }

  return {
    file,
    digest,
    encoding,
    saved,
    savedFileText,
    savedEncoding,
    failures,
    busy,
    conflict,
    changedOnDisk,
    restoredAtMs,
    isDirty,
    textChanged,
    open,
    openNew,
    openCopy,
    readAs,
    saveIn,
    hasUnsavedNew,
    dropUnsavedNew,
    become,
    fileText,
    keep,
    save,
    saveTo,
    digestAt,
    chooseFile,
    startMerge,
    finishMerge,
    lookAtDisk,
    revert,
    close,
  }
}
