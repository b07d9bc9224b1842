/**
 * The state of the text editor as far as it needs no window: the text, its undo history, and the line end of the file, which is undone
 * and redone like the text. The store holds one; the view only shows it.
 */
import { history, invertedEffects, isolateHistory } from '@codemirror/commands'
import { Annotation, EditorState, StateEffect, StateField } from '@codemirror/state'
import type { Extension, Text, Transaction } from '@codemirror/state'
import type { HeldText } from '../../domain/lvscf/document-text.ts'

export type LineEndOf = HeldText['lineEnd']

export const setLineEnd = StateEffect.define<LineEndOf>()

const lineEndField = StateField.define<LineEndOf>({
  create: () => '\n',
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setLineEnd)) return effect.value
    return value
  },
})

const undoLineEnd = invertedEffects.of((transaction) =>
  transaction.effects.some((effect) => effect.is(setLineEnd))
    ? [setLineEnd.of(transaction.startState.field(lineEndField))]
    : [],
)

/** Marks what did not come from typing in the text, so that the form does not follow the cursor for it. */
export const notTyped = Annotation.define<boolean>()

/** A state that holds a text. */
export function editorState(held: HeldText, extensions: Extension = []): EditorState {
  return EditorState.create({
    doc: EditorState.create({ extensions: EditorState.lineSeparator.of('\n') }).toText(held.text),
    extensions: [
      // Everything but a line feed is a character: nothing of the file is normalised behind the operator's back.
      EditorState.lineSeparator.of('\n'),
      history(),
      lineEndField.init(() => held.lineEnd),
      undoLineEnd,
      extensions,
    ],
  })
}

export function lineEndOf(state: EditorState): LineEndOf {
  return state.field(lineEndField)
}

/** The text as the domain holds it. */
export function heldIn(state: EditorState): HeldText {
  return { text: state.doc.toString(), lineEnd: lineEndOf(state) }
}

export function changedIn(transaction: Transaction): boolean {
  return transaction.docChanged || transaction.effects.some((effect) => effect.is(setLineEnd))
}

export interface SavedText {
  readonly doc: Text
  readonly lineEnd: LineEndOf
}

/** One undo step of its own. */
export const oneStep = isolateHistory.of('full')
