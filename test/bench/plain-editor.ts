/** The peer of the keystroke measurement: CodeMirror alone, with what any editor has (lines, history, selection), in a page of its own. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'

declare global {
  interface Window {
    plainEditor: (text: string) => void
  }
}

window.plainEditor = (text) => {
  const looks = EditorView.theme({ '&': { height: '800px' }, '.cm-scroller': { overflow: 'auto' } })
  const extensions = [
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    keymap.of([...historyKeymap, ...defaultKeymap]),
    looks,
  ]
  new EditorView({ state: EditorState.create({ doc: text, extensions }), parent: document.body })
}
