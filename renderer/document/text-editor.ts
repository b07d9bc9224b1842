/**
 * What the text editor can do: colours, completion by scope, hover documentation, folding, problems with their fixes, keys, and looks
 * by our tokens. It is told about the document through `Knows`, and decides nothing about lvs.cf itself.
 */
import { autocompletion, completionKeymap, snippetCompletion } from '@codemirror/autocomplete'
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, historyKeymap } from '@codemirror/commands'
import { codeFolding, foldGutter, foldKeymap, foldService, indentService, indentUnit } from '@codemirror/language'
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import type { Action, Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import type { EditorState, Extension, TransactionSpec } from '@codemirror/state'
import { EditorState as State } from '@codemirror/state'
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  hoverTooltip,
  keymap,
  lineNumbers,
  rectangularSelection,
  tooltips,
} from '@codemirror/view'
import { explainedAt, offersAt } from '../../domain/lvscf/completion.ts'
import type { Offer } from '../../domain/lvscf/completion.ts'
import type { Directive } from '../../domain/lvscf/directives.ts'
import type { Fix } from '../../domain/lvscf/fixes.ts'
import type { NodeKind } from '../../domain/lvscf/outline.ts'
import type { Problem } from '../../domain/problem.ts'
import type { Language, Said } from '../../domain/speech/speech.ts'
import { highlighting, selectedBand } from './highlight.ts'

export interface Knows {
  readonly kindAt: (offset: number) => NodeKind
  /** Where the innermost block that begins on the line of an offset ends; undefined when none begins there. */
  readonly blockFrom: (offset: number) => { readonly from: number; readonly to: number } | undefined
  readonly selectedSpan: () => { readonly from: number; readonly to: number } | undefined
  /** The directives the block around an offset has already, Shoal's own with `#`. */
  readonly presentAt: (offset: number) => ReadonlySet<string>
  readonly speak: (problem: Problem) => Said
  readonly language: () => Language
  readonly facts: (directive: Directive) => readonly string[]
  readonly sayFix: (fix: Fix) => string
  readonly fixes: (problem: Problem) => readonly Fix[]
  readonly apply: (fix: Fix) => void
}

export interface ShownProblem {
  readonly problem: Problem
  readonly from: number
  readonly to: number
}

/** Indentation as the original's web tool wrote it: five blanks in a block, four more in a real server. */
const indentStep = '     '
const innerStep = 4

const severities = { block: 'error', warning: 'warning', note: 'info' } as const

function explanation(directive: Directive, knows: Knows): HTMLElement {
  const about = document.createElement('div')
  about.className = 'lv-about'
  const title = document.createElement('div')
  title.className = 'lv-about-title'
  title.textContent = directive.shoal ? `# shoal: ${directive.name}` : directive.name
  const text = document.createElement('p')
  text.textContent = directive.doc[knows.language()]
  about.append(title, text)
  const facts = knows.facts(directive)
  if (facts.length > 0) {
    const list = document.createElement('ul')
    for (const fact of facts) {
      const item = document.createElement('li')
      item.textContent = fact
      list.append(item)
    }
    about.append(list)
  }
  return about
}

function completionOf(offer: Offer, knows: Knows): Completion {
  if (offer.kind === 'block') {
    const indent = /\n([ \t]*)\}/.exec(offer.insert)?.[1] ?? ''
    return snippetCompletion(`${offer.label} \${name} {\n${indent}     \${}\n${indent}}`, {
      label: offer.label,
      type: 'class',
      boost: -1,
    })
  }
  const { directive } = offer
  return {
    label: offer.label,
    apply: offer.insert,
    type: offer.kind === 'directive' ? 'property' : 'constant',
    ...(offer.detail ? { detail: offer.detail } : {}),
    ...(directive && offer.kind === 'directive' ? { info: () => explanation(directive, knows) } : {}),
  }
}

function completes(knows: Knows): (context: CompletionContext) => CompletionResult | null {
  return (context) => {
    const line = context.state.doc.lineAt(context.pos)
    const offered = offersAt(
      line.text,
      context.pos - line.from,
      knows.kindAt(context.pos),
      knows.presentAt(context.pos),
    )
    if (!offered || offered.offers.length === 0) return null
    const isTyped = line.from + offered.from < context.pos
    if (!isTyped && !context.explicit && offered.offers[0]?.kind !== 'value') return null
    return { from: line.from + offered.from, options: offered.offers.map((offer) => completionOf(offer, knows)) }
  }
}

function explains(knows: Knows): Extension {
  return hoverTooltip(
    (view, position) => {
      const line = view.state.doc.lineAt(position)
      const found = explainedAt(line.text, position - line.from, knows.kindAt(position))
      if (!found) return null
      return {
        pos: line.from + found.from,
        end: line.from + line.text.trimEnd().length,
        above: true,
        create: () => ({ dom: explanation(found.directive, knows) }),
      }
    },
    { hoverTime: 350 },
  )
}

/** A problem as the editor shows it. Its fixes are worked out when it is looked at, not for each of a thousand at once. */
class Shown implements Diagnostic {
  readonly from: number
  readonly to: number
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  readonly markClass: string
  private readonly problem: Problem
  private readonly knows: Knows

  constructor(shown: ShownProblem, knows: Knows) {
    this.from = shown.from
    this.to = shown.to
    this.problem = shown.problem
    this.knows = knows
    this.severity = severities[shown.problem.severity]
    this.message = knows.speak(shown.problem).says
    this.markClass = `lv-problem-${shown.problem.severity}`
  }

  get actions(): readonly Action[] {
    return this.knows.fixes(this.problem).map((fix) => ({
      name: this.knows.sayFix(fix),
      apply: () => this.knows.apply(fix),
    }))
  }

  renderMessage(): HTMLElement {
    const said = this.knows.speak(this.problem)
    const about = document.createElement('div')
    about.className = 'lv-about'
    const says = document.createElement('p')
    says.className = 'lv-says'
    says.textContent = said.says
    const remedy = document.createElement('p')
    remedy.textContent = said.remedy
    about.append(says, remedy)
    return about
  }
}

/** The transaction that shows these problems in the text. */
export function showProblems(state: EditorState, shown: readonly ShownProblem[], knows: Knows): TransactionSpec {
  return setDiagnostics(
    state,
    shown.map((one) => new Shown(one, knows)),
  )
}

const looks = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'var(--surface)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', fontVariantLigatures: 'none' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--accent-soft)',
  },
  '.cm-gutters': { backgroundColor: 'var(--surface-2)', color: 'var(--ink-3)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent-soft) 45%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--accent-line) 45%, transparent)' },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--accent-soft)',
    border: '1px solid var(--accent-line)',
    color: 'var(--accent-strong)',
    padding: '0 6px',
  },
  '.cm-specialChar': { color: 'var(--bad)' },
  '.lv-selected': { boxShadow: 'inset 3px 0 0 var(--accent-line)' },
  '.lv-comment': { color: 'var(--ink-3)', fontStyle: 'italic' },
  '.lv-key': { color: 'var(--accent-strong)' },
  '.lv-block': { color: 'var(--accent-strong)', fontWeight: '650' },
  '.lv-equals': { color: 'var(--ink-3)' },
  '.lv-value': { color: 'var(--ink)' },
  '.lv-string': { color: 'var(--ok)' },
  '.lv-brace': { color: 'var(--ink-2)', fontWeight: '650' },
  '.lv-junk': { color: 'var(--bad)' },
  '.cm-lintRange': { backgroundImage: 'none', paddingBottom: '0' },
  '.cm-lintRange-error': { textDecoration: 'underline wavy var(--bad) 1.5px', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { textDecoration: 'underline wavy var(--warn) 1.5px', textUnderlineOffset: '3px' },
  '.cm-lintRange-info': { textDecoration: 'underline dotted var(--stale) 1.5px', textUnderlineOffset: '3px' },
  '.cm-lintPoint:after': { borderBottomColor: 'var(--bad)' },
  '.cm-lintPoint-warning:after': { borderBottomColor: 'var(--warn)' },
  '.cm-gutter-lint': { width: '16px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0' },
  '.cm-lint-marker': { content: 'none', position: 'relative', width: '16px', height: '1.55em' },
  '.cm-lint-marker::after': {
    position: 'absolute',
    left: '3px',
    top: '50%',
    width: '10px',
    height: '10px',
    marginTop: '-5px',
    content: '""',
  },
  '.cm-lint-marker-error': { content: 'none' },
  '.cm-lint-marker-warning': { content: 'none' },
  '.cm-lint-marker-info': { content: 'none' },
  '.cm-lint-marker-error::after': { backgroundColor: 'var(--bad)', borderRadius: '3px' },
  '.cm-lint-marker-warning::after': {
    backgroundColor: 'var(--warn)',
    clipPath: 'polygon(50% 0, 100% 100%, 0 100%)',
  },
  '.cm-lint-marker-info::after': { border: '2px solid var(--stale)', borderRadius: '50%' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    boxShadow: '0 4px 16px rgb(0 0 0 / 18%)',
    fontFamily: 'var(--font)',
    maxWidth: '440px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '260px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail': { color: 'var(--on-accent)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { color: 'var(--ink-3)', fontStyle: 'normal' },
  '.cm-completionInfo': { padding: '0' },
  '.cm-diagnostic': { padding: '8px 12px', borderLeft: '4px solid var(--stale)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn)' },
  '.cm-diagnosticAction': {
    font: 'inherit',
    fontSize: '12.5px',
    margin: '6px 6px 0 0',
    padding: '2px 10px',
    borderRadius: '4px',
    border: '1px solid var(--accent)',
    backgroundColor: 'var(--surface)',
    color: 'var(--accent)',
    cursor: 'pointer',
  },
  '.cm-diagnosticAction:hover': { backgroundColor: 'var(--accent-soft)' },
  '.lv-about': { fontSize: '13px', lineHeight: '1.45', whiteSpace: 'normal' },
  '.cm-tooltip-hover > .lv-about, .cm-completionInfo .lv-about': { padding: '8px 12px' },
  '.lv-about p': { margin: '0' },
  '.lv-about p + p': { color: 'var(--ink-2)' },
  '.lv-about .lv-says': { fontWeight: '600' },
  '.lv-about-title': {
    fontFamily: 'var(--mono)',
    fontWeight: '650',
    color: 'var(--accent-strong)',
    marginBottom: '2px',
  },
  '.lv-about ul': { margin: '6px 0 0', padding: '0', listStyle: 'none', color: 'var(--ink-2)', fontSize: '12.5px' },
  '.cm-panels': { backgroundColor: 'var(--surface-2)', color: 'var(--ink)', fontFamily: 'var(--font)' },
  '.cm-panels.cm-panels-bottom': { borderTop: '1px solid var(--line)' },
  '.cm-panel.cm-search': { padding: '8px 12px' },
  '.cm-textfield': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
    fontSize: '13px',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
    fontSize: '12.5px',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn-line)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--warn-line)' },
  '.cm-changedLine': { backgroundColor: 'var(--ok-soft) !important' },
  '.cm-changedText, .cm-insertedLine': { background: 'var(--ok-soft) !important', textDecoration: 'none' },
  '.cm-deletedChunk': { backgroundColor: 'var(--bad-soft) !important', paddingLeft: '6px' },
  '.cm-deletedChunk .cm-deletedText, .cm-deletedLine del': {
    background: 'var(--bad-line) !important',
    textDecoration: 'none',
    color: 'var(--ink)',
  },
  '.cm-collapsedLines': {
    background: 'var(--surface-2)',
    color: 'var(--ink-3)',
    padding: '4px 12px',
  },
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"···"' },
  '.cm-changeGutter': { width: '3px' },
  '.cm-changedLineGutter': { background: 'var(--ok)' },
  '.cm-deletedLineGutter': { background: 'var(--bad)' },
})

/** Everything of the editor but the text and its history. */
export function editorExtensions(knows: Knows, label: string, phrases: Readonly<Record<string, string>>): Extension {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    lintGutter(),
    foldGutter(),
    codeFolding(),
    foldService.of((state, lineStart, lineEnd) => {
      const block = knows.blockFrom(lineStart)
      if (!block) return null
      const last = state.doc.lineAt(Math.max(lineEnd, Math.min(block.to, state.doc.length) - 1))
      const closes = /^[ \t]*\}/.test(last.text)
      const to = closes ? last.from - 1 : last.to
      return to > lineEnd ? { from: lineEnd, to } : null
    }),
    drawSelection(),
    State.allowMultipleSelections.of(true),
    State.phrases.of(phrases),
    rectangularSelection(),
    crosshairCursor(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    indentUnit.of(indentStep),
    indentService.of((context, position) => {
      const line = context.lineAt(position, -1)
      const before = line.from < position || position === 0 ? line : context.lineAt(position - 1, -1)
      const written = /^[ \t]*/.exec(before.text)?.[0].length ?? 0
      return before.text.trimEnd().endsWith('{') ? written + (written === 0 ? indentStep.length : innerStep) : written
    }),
    search({ top: false }),
    autocompletion({ override: [completes(knows)], icons: false, activateOnTyping: true }),
    explains(knows),
    tooltips({ position: 'absolute' }),
    highlighting(knows.kindAt),
    selectedBand(() => knows.selectedSpan()),
    keymap.of([...completionKeymap, ...lintKeymap, ...foldKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
    EditorView.contentAttributes.of({
      'aria-label': label,
      tabindex: '0',
      spellcheck: 'false',
      autocorrect: 'off',
      autocapitalize: 'off',
    }),
    looks,
  ]
}
