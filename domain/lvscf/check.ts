/**
 * A whole file at once: its tree, its words, what they mean, and every problem with its place in the text. What the command line, the
 * editor and the agent all start from.
 */
import type { Config } from '../config.ts'
import type { Problem, ProblemCode, Where } from '../problem.ts'
import { problem } from '../problem.ts'
import { config } from './config.ts'
import type { Draft } from './draft.ts'
import { locate, read } from './draft.ts'
import { piranhaRefusal } from './piranha.ts'
import type { Item, Tree } from './syntax.ts'
import { tcpServicePort } from './services.ts'
import { parse, whereOn } from './syntax.ts'
import { cInt } from './values.ts'

export interface Checked {
  readonly tree: Tree
  readonly draft: Draft
  /** Absent when a problem blocks. */
  readonly config?: Config
  /** The same, also while only the directors' addresses are missing. */
  readonly served?: Config
  /** In the order of the text, each with a text place. */
  readonly problems: readonly Problem[]
}

/** Reads and checks a file. Never throws. */
export function check(text: string): Checked {
  const tree = parse(text)
  const draft = read(tree)
  const meaning = config(draft)
  // A line that could not be read is one problem, not also a missing value.
  const brokenLines = new Set<number>()
  for (const one of tree.problems) {
    if (one.severity === 'block' && one.where?.kind === 'text') brokenLines.add(one.where.line)
  }
  const located: Problem[] = []
  for (const one of meaning.problems) {
    if (one.where?.kind !== 'field') {
      located.push(one)
      continue
    }
    const where = locate(tree, one.where.path)
    if (where.kind === 'text' && brokenLines.has(where.line) && one.severity === 'block') continue
    located.push({ ...one, where })
  }
  // Nor is a broken value also a deviation in form.
  const blockedLines = new Set<number>()
  for (const one of located) {
    if (one.severity === 'block' && one.where?.kind === 'text') blockedLines.add(one.where.line)
  }
  const formal = tree.problems.filter(
    (one) => !(one.code === 'lvscf-extra-words' && one.where?.kind === 'text' && blockedLines.has(one.where.line)),
  )
  const found = [...formal, ...located, ...portOrder(tree)]
  const problems = [...found, ...unexplained(text, tree.problems, located)]
    .map((one, at) => ({ one, at, line: one.where?.kind === 'text' ? one.where.line : 0 }))
    .sort((a, b) => a.line - b.line || a.at - b.at)
    .map(({ one }) => one)
  const blocked = problems.some((one) => one.severity === 'block')
  const isServed = problems.every((one) => one.severity !== 'block' || one.code === 'lvscf-primary-missing')
  return {
    tree,
    draft,
    ...(blocked || !meaning.config ? {} : { config: meaning.config }),
    ...(isServed && meaning.served ? { served: meaning.served } : {}),
    problems,
  }
}

/** Values that Piranha refuses too. */
const refusedValues = new Set<ProblemCode>([
  'lvscf-address-ipv6',
  'lvscf-device-missing',
  'lvscf-host-name',
  'lvscf-not-a-choice',
  'lvscf-not-a-mask',
  'lvscf-not-a-number',
  'lvscf-not-a-port',
  'lvscf-not-a-switch',
  'lvscf-not-an-address',
  'lvscf-primary-missing',
  'lvscf-scheduler-newer',
  'lvscf-scheduler-unknown',
])

/** Deviations in form that Piranha puts up with. */
const harmless = new Set<ProblemCode>([
  'lvscf-block-unclosed-at-end',
  'lvscf-cr-first-line',
  'lvscf-cr-only',
  'lvscf-crlf',
  'lvscf-own-unknown',
  'lvscf-own-unreadable',
  'lvscf-single-quotes',
])

/** One more problem when Piranha refuses the file at a place where nothing found so far says why. */
function unexplained(text: string, formal: readonly Problem[], values: readonly Problem[]): Problem[] {
  const refusal = piranhaRefusal(text)
  if (!refusal) return []
  if (refusal.accepts === null) {
    if (formal.some((one) => one.code === 'lvscf-nul')) return []
    return [problem('lvscf-piranha-crashes', undefined, undefined, 'warning')]
  }
  const at = (one: Problem): boolean =>
    (one.where?.kind === 'text' && one.where.line === refusal.line) || one.detail?.['line'] === refusal.line
  const explained =
    formal.some((one) => one.code === 'lvscf-cr-mixed' || (!harmless.has(one.code) && at(one))) ||
    values.some((one) => refusedValues.has(one.code) && at(one))
  if (explained) return []
  const line = Math.max(1, refusal.line)
  const where: Where = { kind: 'text', line, column: 1, endLine: line, endColumn: 1 }
  return [problem('lvscf-piranha-refuses', { line: refusal.line, reason: refusal.reason }, where, 'warning')]
}

/** Real servers that Piranha gives port 80 because they stand before the port of their virtual server. */
function portOrder(tree: Tree): Problem[] {
  const piranhaDefault = 80
  const problems: Problem[] = []
  for (const block of tree.items) {
    if (block.kind !== 'block' || block.block === 'server') continue
    const portAt = block.items.findLastIndex((item) => isStatement(item, 'port'))
    const statement = block.items[portAt]
    if (statement?.kind !== 'statement' || !statement.value) continue
    const port = tcpServicePort(statement.value.text) ?? cInt(statement.value.text)?.value
    if (port === undefined || port === piranhaDefault) continue
    for (const item of block.items.slice(0, portAt)) {
      if (item.kind !== 'block' || item.items.some((inner) => isStatement(inner, 'port'))) continue
      const where = whereOn(item.open, item.keyword.start, item.name?.end ?? item.keyword.end)
      problems.push(problem('lvscf-port-order', { name: item.name?.text ?? '', port }, where, 'warning'))
    }
  }
  return problems
}

function isStatement(item: Item, name: string): boolean {
  return item.kind === 'statement' && item.key.text === name
}
