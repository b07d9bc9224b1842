/**
 * A file as Piranha sees it: the reading of its daemons, everything in the file that they treat otherwise than one would expect (and than
 * Shoal does), and what the web tool would lose by showing it. For those who keep editing for directors that still run Piranha.
 */
import type { Problem, ProblemCode, Severity, Where } from '../problem.ts'
import { problem } from '../problem.ts'
import { check } from './check.ts'
import type { Checked } from './check.ts'
import { directive } from './directives.ts'
import type { Draft, Setting } from './draft.ts'
import { locate, read, valueIn } from './draft.ts'
import { asPiranha, decode, latin1, piranhaRefusal, utf8Bytes } from './piranha.ts'
import type { PiranhaReading } from './piranha.ts'
import type { Item } from './syntax.ts'
import { parse } from './syntax.ts'
import { cInt } from './values.ts'
import { throughWebTool } from './web-tool.ts'

export interface PiranhaView {
  /** What the daemons read. */
  readonly reading: PiranhaReading
  /** What they do otherwise than expected, in the order of the text. */
  readonly surprises: readonly Problem[]
  /** What the web tool would write back, and what is gone then; `text` is absent where it breaks off and leaves the file alone. */
  readonly webTool: { readonly text?: string; readonly losses: readonly Problem[] }
}

/** Problems of the ordinary check that are about Piranha, by what their sentences say. */
const alsoHere = new Set<ProblemCode>([
  'lvscf-address-form',
  'lvscf-backup-missing',
  'lvscf-block-unclosed-at-end',
  'lvscf-cr-first-line',
  'lvscf-cr-mixed',
  'lvscf-cr-only',
  'lvscf-crlf',
  'lvscf-deadtime-short',
  'lvscf-device-without-label',
  'lvscf-escape-unknown',
  'lvscf-mark-twice',
  'lvscf-nul',
  'lvscf-octal',
  'lvscf-piranha-crashes',
  'lvscf-pmask-ignored',
  'lvscf-port-differs',
  'lvscf-port-order',
  'lvscf-private-half',
  'lvscf-program-without-expect',
  'lvscf-refused-directive',
  'lvscf-repeated',
  'lvscf-scheduler-newer',
  'lvscf-service-twice',
  'lvscf-single-quotes',
  'lvscf-sync-id',
  'lvscf-udp-unchecked',
  'lvscf-vip-devices',
  'lvscf-weight-zero',
])

/** Fixed buffers of nanny and the words it splits a command into. */
const programMaxBytes = 254
const commandMaxWords = 39
const expectMaxBytes = 254
/** lvsd prints persistent into ten bytes. */
const persistentMaxDigits = 9
/** nanny starts with a 32nd of the weight. */
const slowStartFrom = 2

/** The view of a text. `bytes` are the file's own, where it is not UTF-8. Never throws. */
export function piranhaView(text: string, bytes: Uint8Array = utf8Bytes(text)): PiranhaView {
  const checked = check(text)
  const surprises = [
    ...checked.problems.filter((one) => alsoHere.has(one.code)),
    ...ofTheDraft(checked),
    ...ofRefusal(text),
  ]
  return {
    reading: asPiranha(bytes),
    surprises: inOrder(surprises),
    webTool: webToolLosses(text, checked),
  }
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const line = (one: Problem): number => (one.where?.kind === 'text' ? one.where.line : 0)
  return problems.toSorted((a, b) => line(a) - line(b))
}

/** Where the daemons stop is always the first thing to know, also where the check explains it in other words. */
function ofRefusal(text: string): Problem[] {
  const refusal = piranhaRefusal(text)
  if (refusal?.accepts !== false) return []
  const line = Math.max(1, refusal.line)
  const where: Where = { kind: 'text', line, column: 1, endLine: line, endColumn: 1 }
  return [problem('lvscf-piranha-refuses', { line: refusal.line, reason: refusal.reason }, where, 'warning')]
}

function ofTheDraft({ draft, tree }: Checked): Problem[] {
  const found: Problem[] = []
  const tell = (
    path: string,
    code: ProblemCode,
    severity: Severity,
    detail?: Readonly<Record<string, string | number>>,
  ): void => {
    found.push(problem(code, detail, locate(tree, path), severity))
  }
  ofOwnDirectives(draft, tell)
  const keepalive = cInt(valueIn(draft.settings, 'keepalive') ?? '2')?.value
  if (keepalive === 0) tell('global.keepalive', 'lvscf-seen-keepalive-zero', 'warning')
  for (const setting of draft.settings) {
    const since = setting.shoal ? undefined : directive('global', setting.name)?.since
    if (since?.startsWith('0.8'))
      tell(`global.${setting.name}`, 'lvscf-seen-since', 'note', { name: setting.name, since })
    if ((setting.name === 'active_cmd' || setting.name === 'inactive_cmd') && setting.value !== '') {
      const words = setting.value.split(' ').length
      if (!setting.value.startsWith('/') || words > commandMaxWords) {
        tell(`global.${setting.name}`, 'lvscf-seen-command', 'warning', { name: setting.name, max: commandMaxWords })
      }
    }
  }
  let serving = false
  draft.blocks.forEach((block, at) => {
    const path = `blocks.${at}`
    const has = (name: string): string | undefined => valueIn(block.settings, name)
    if (block.kind !== 'virtual') return
    const active = cInt(has('active') ?? '0')?.value === 1
    serving ||= active && block.servers.some((server) => cInt(valueIn(server.settings, 'active') ?? '0')?.value === 1)
    if (cInt(has('timeout') ?? '10')?.value === 0) tell(`${path}.timeout`, 'lvscf-seen-timeout-zero', 'warning')
    const persistent = has('persistent') ?? ''
    if (persistent.length > persistentMaxDigits)
      tell(`${path}.persistent`, 'lvscf-seen-persistent', 'warning', { max: persistentMaxDigits })
    if (has('sorry_server') !== undefined) tell(`${path}.sorry_server`, 'lvscf-seen-sorry', 'note')
    if (has('load_monitor') === 'ruptime') tell(`${path}.load_monitor`, 'lvscf-seen-ruptime', 'warning')
    ofChecks(path, has, tell)
    const heaviest = Math.max(
      0,
      ...block.servers.map((server) => cInt(valueIn(server.settings, 'weight') ?? '1')?.value ?? 1),
    )
    if (heaviest >= slowStartFrom) tell(path, 'lvscf-seen-slow-start', 'note', { name: block.name, weight: heaviest })
  })
  if (serving && cInt(valueIn(draft.settings, 'hard_shutdown') ?? '1')?.value !== 0) {
    tell('global.hard_shutdown', 'lvscf-seen-hard-shutdown', 'note')
  }
  if (serving && cInt(valueIn(draft.settings, 'backup_active') ?? '0')?.value === 1) {
    tell('global.backup_active', 'lvscf-seen-no-failback', 'note')
  }
  return found
}

type Tell = (
  path: string,
  code: ProblemCode,
  severity: Severity,
  detail?: Readonly<Record<string, string | number>>,
) => void

/** Shoal's own directives are comments to Piranha: it runs with the native ones beside them. */
function ofOwnDirectives(draft: Draft, tell: Tell): void {
  const natives: Readonly<Record<string, string>> = {
    keepalive_ms: 'keepalive',
    deadtime_ms: 'deadtime',
    check_interval_ms: 'timeout',
    check_timeout_ms: 'timeout',
    rise: 'reentry',
  }
  const look = (settings: readonly Setting[], scope: 'global' | 'virtual', path: string): void => {
    for (const { name, shoal } of settings) {
      if (!shoal) continue
      const native = natives[name]
      const row = native === undefined ? undefined : directive(scope, native)
      if (native === undefined || !row) {
        tell(`${path}.shoal.${name}`, 'lvscf-seen-own', 'note', { name })
        continue
      }
      const value = valueIn(settings, native) ?? row.default ?? '0'
      tell(`${path}.shoal.${name}`, 'lvscf-seen-own-instead', 'note', { name, native, value })
    }
  }
  look(draft.settings, 'global', 'global')
  draft.blocks.forEach((block, at) => look(block.settings, 'virtual', `blocks.${at}`))
}

function ofChecks(path: string, has: (name: string) => string | undefined, tell: Tell): void {
  const program = has('send_program')
  const expect = has('expect')
  const regex = has('use_regex') === '1'
  if (program !== undefined && program !== '') {
    tell(`${path}.send_program`, 'lvscf-seen-program-failure', 'warning')
    if (utf8Bytes(program).length > programMaxBytes || program.split(' ').length > commandMaxWords) {
      tell(`${path}.send_program`, 'lvscf-seen-program-long', 'warning', {
        bytes: programMaxBytes,
        words: commandMaxWords,
      })
    }
    if (/["'\\]| {2}/.test(program)) tell(`${path}.send_program`, 'lvscf-seen-program-words', 'warning')
    if (program.split(' ').some((word) => /%[hp]/.test(word) && word.length > 2)) {
      tell(`${path}.send_program`, 'lvscf-seen-program-token', 'warning')
    }
    if (regex || expect === '*') tell(`${path}.expect`, 'lvscf-seen-program-exact', 'warning')
    return
  }
  if (expect === '') tell(`${path}.expect`, 'lvscf-seen-expect-empty', 'note')
  else if (expect !== undefined && expect !== '*' && !regex) tell(`${path}.expect`, 'lvscf-seen-one-read', 'note')
  if (regex && expect !== undefined && utf8Bytes(expect).length > expectMaxBytes) {
    tell(`${path}.expect`, 'lvscf-seen-expect-long', 'warning', { bytes: expectMaxBytes })
  }
}

/** What a visit of the web tool would leave of the file. */
function webToolLosses(text: string, { draft, tree }: Checked): PiranhaView['webTool'] {
  // The tool counts bytes.
  const written = throughWebTool(latin1(utf8Bytes(text)))
  const after = written === undefined ? undefined : decode(written)
  if (after === undefined) return { losses: [problem('lvscf-web-breaks', undefined, undefined, 'note')] }
  if (after === text) return { text: after, losses: [] }
  const losses: Problem[] = []
  const comments = countOf(tree.items, 'comment')
  if (comments > 0) losses.push(problem('lvscf-web-comments', { count: comments }, undefined, 'warning'))
  const now = read(parse(after))
  const tell = (path: string, code: ProblemCode, detail: Readonly<Record<string, string>>): void => {
    losses.push(problem(code, detail, locate(tree, path), 'warning'))
  }
  compare(draft.settings, now.settings, 'global', tell)
  const kinds = ['virtual', 'failover'] as const
  for (const kind of kinds) {
    const before = draft.blocks.map((block, at) => ({ block, at })).filter(({ block }) => block.kind === kind)
    const left = now.blocks.filter((block) => block.kind === kind)
    before.forEach(({ block, at }, index) => {
      const kept = left[index]
      const path = `blocks.${at}`
      if (kept?.name !== block.name) {
        tell(path, 'lvscf-web-block', { kind, name: block.name, after: kept?.name ?? '-' })
        return
      }
      compare(block.settings, kept.settings, path, tell)
      block.servers.forEach((server, serverAt) => {
        const keptServer = kept.servers[serverAt]
        const serverPath = `${path}.servers.${serverAt}`
        if (keptServer?.name !== server.name) {
          tell(serverPath, 'lvscf-web-block', { kind: 'server', name: server.name, after: keptServer?.name ?? '-' })
        } else compare(server.settings, keptServer.settings, serverPath, tell)
      })
    })
    if (left.length > before.length)
      losses.push(problem('lvscf-web-more', { kind, count: left.length - before.length }, undefined, 'warning'))
  }
  const refusal = piranhaRefusal(after)
  if (refusal?.accepts === false && !piranhaRefusal(text)) {
    losses.push(problem('lvscf-web-refused', { line: refusal.line, reason: refusal.reason }, undefined, 'warning'))
  }
  return { text: after, losses: inOrder(losses) }
}

function compare(
  before: readonly Setting[],
  after: readonly Setting[],
  path: string,
  tell: (path: string, code: ProblemCode, detail: Readonly<Record<string, string>>) => void,
): void {
  for (const name of new Set(before.filter((one) => !one.shoal).map((one) => one.name))) {
    const value = valueIn(before, name) ?? ''
    const kept = valueIn(after, name)
    if (kept === undefined) {
      if (value !== '') tell(`${path}.${name}`, 'lvscf-web-loses', { name })
    } else if (kept !== value) tell(`${path}.${name}`, 'lvscf-web-changes', { name, before: value, after: kept })
  }
}

function countOf(items: readonly Item[], kind: Item['kind']): number {
  let count = 0
  for (const item of items) {
    if (item.kind === kind) count++
    if (item.kind === 'block') count += countOf(item.items, kind)
  }
  return count
}
