/**
 * Changing one value by its name in a sentence: `global.deadtime=18`, `virtual web.scheduler=wrr`, `virtual web.server rs1.weight=2`.
 * Shoal's own directives are named with `shoal.` before them (`global.shoal.keepalive_ms=200`) or alone where no other has the name;
 * `name` renames a block. Names with dots that are not unique otherwise can stand in double quotes.
 */
import type { Problem, ProblemCode, Result } from '../problem.ts'
import { failed, ok, problem } from '../problem.ts'
import { config } from './config.ts'
import type { Scope } from './directives.ts'
import { directive, directives } from './directives.ts'
import type { BlockDraft, Draft, ServerDraft, Setting } from './draft.ts'
import { valueIn, withValue } from './draft.ts'

export interface Assigned {
  readonly draft: Draft
  /** The fields that were set, as draft paths. */
  readonly paths: readonly string[]
  /** What is said about these fields now and does not stand in the way. */
  readonly problems: readonly Problem[]
}

/** Values that are wrong wherever they stand, also in what is not in service. */
const invalid = new Set<ProblemCode>([
  'lvscf-address-ipv6',
  'lvscf-device-missing',
  'lvscf-device-name',
  'lvscf-host-name',
  'lvscf-mask-gaps',
  'lvscf-name-missing',
  'lvscf-name-unwritable',
  'lvscf-not-a-choice',
  'lvscf-not-a-mask',
  'lvscf-not-a-number',
  'lvscf-not-a-port',
  'lvscf-not-a-switch',
  'lvscf-not-an-address',
  'lvscf-not-ipv6',
  'lvscf-out-of-range',
  'lvscf-own-value',
  'lvscf-scheduler-unknown',
  'lvscf-value-unwritable',
])

interface Target {
  readonly scope: Scope
  readonly block?: number
  readonly server?: number
  readonly key: string
}

/**
 * The draft with every assignment made, in order. Fails when an assignment has no form or names nothing (or several things), when a value
 * is invalid, or when the whole would have a blocking problem that it did not have before.
 */
export function assign(draft: Draft, assignments: readonly string[]): Result<Assigned> {
  let changed = draft
  const paths: string[] = []
  for (const assignment of assignments) {
    const parts = split(assignment)
    if (!parts) return failed(problem('lvscf-path-malformed', { assignment }))
    const target = resolve(changed, assignment, parts.left)
    if (!target.ok) return target
    const made = set(changed, target.value, parts.value)
    if (!made.ok) return made
    changed = made.value.draft
    paths.push(made.value.path)
  }
  const before = new Set(
    config(draft)
      .problems.filter((one) => one.severity === 'block')
      .map(signature),
  )
  const after = config(changed).problems
  const concerned = after.filter((one) => one.where?.kind === 'field' && paths.includes(one.where.path))
  const wrong = concerned.filter((one) => invalid.has(one.code))
  const blocking = after.filter((one) => one.severity === 'block' && !before.has(signature(one)))
  const refusing = [...new Set([...wrong, ...blocking])]
  if (refusing.length > 0) return failed(...refusing)
  return ok({ draft: changed, paths, problems: concerned })
}

/** The fields that a text does not say as they were assigned, because its line has no place for the value. */
export function unsaid(said: Draft, assigned: Assigned): Problem[] {
  return assigned.paths
    .filter((path) => fieldAt(said, path) !== fieldAt(assigned.draft, path))
    .map((path) => problem('lvscf-value-unwritable', { name: path.split('.').at(-1) ?? path }, { kind: 'field', path }))
}

/** The text of a field by its draft path; undefined when there is none. */
function fieldAt(draft: Draft, path: string): string | undefined {
  const parts = path.split('.')
  let part: { readonly name?: string; readonly settings: readonly Setting[] } | undefined = draft
  if (parts[0] === 'blocks') {
    const block: BlockDraft | undefined = draft.blocks[Number(parts[1])]
    part = parts[2] === 'servers' ? block?.servers[Number(parts[3])] : block
  }
  const name = parts.at(-1) ?? ''
  if (name === 'name' && parts[0] === 'blocks') return part?.name
  return valueIn(part?.settings ?? [], name, parts.at(-2) === 'shoal' ? true : undefined)
}

function signature(one: Problem): string {
  return `${one.code} ${one.where?.kind === 'field' ? one.where.path : ''}`
}

/** Cuts at the first equals sign outside of double quotes. */
function split(assignment: string): { readonly left: string; readonly value: string } | undefined {
  let quoted = false
  for (let at = 0; at < assignment.length; at++) {
    const char = assignment.charAt(at)
    if (char === '"') quoted = !quoted
    if (char === '=' && !quoted) {
      return { left: assignment.slice(0, at).trim(), value: assignment.slice(at + 1).trim() }
    }
  }
  return undefined
}

function resolve(draft: Draft, assignment: string, left: string): Result<Target> {
  const malformed = failed(problem('lvscf-path-malformed', { assignment }))
  if (left.startsWith('global.')) return ok({ scope: 'global', key: left.slice('global.'.length) })
  const kind = /^(virtual|failover)\s+/.exec(left)
  if (!kind) return malformed
  const rest = left.slice(kind[0].length)
  const key = /\.((?:shoal\.)?[A-Za-z_]+)$/.exec(rest)
  if (!key?.[1]) return malformed
  const names = rest.slice(0, -key[0].length)
  const blocks = draft.blocks.map((block, at) => ({ name: block.name, at, kind: block.kind }))
  const candidates = blocks.filter((block) => block.kind === kind[1])
  const kindName = kind[1] ?? ''
  // `NAME.server NAME`: names may contain dots, so every place is tried against the names there are.
  let servedBy: { readonly block: string; readonly server: string } | undefined
  for (let at = names.indexOf('.server '); at >= 0; at = names.indexOf('.server ', at + 1)) {
    const block = unquoted(names.slice(0, at))
    servedBy ??= { block, server: unquoted(names.slice(at + '.server '.length)) }
    if (candidates.some((candidate) => candidate.name === block)) {
      servedBy = { block, server: unquoted(names.slice(at + '.server '.length)) }
      break
    }
  }
  const whole = unquoted(names)
  if (!servedBy || candidates.some((candidate) => candidate.name === whole)) {
    const block = pick(candidates, kindName, whole)
    return block.ok ? ok({ scope: 'virtual', block: block.value, key: key[1] }) : block
  }
  const block = pick(candidates, kindName, servedBy.block)
  if (!block.ok) return block
  const servers = (draft.blocks[block.value]?.servers ?? []).map((server, at) => ({ name: server.name, at }))
  const server = pick(servers, 'server', servedBy.server)
  return server.ok ? ok({ scope: 'server', block: block.value, server: server.value, key: key[1] }) : server
}

function unquoted(name: string): string {
  return /^"[^"]*"$/.test(name) ? name.slice(1, -1) : name
}

function pick(
  candidates: readonly { readonly name: string; readonly at: number }[],
  kind: string,
  name: string,
): Result<number> {
  const found = candidates.filter((candidate) => candidate.name === name)
  const [only] = found
  if (found.length === 1 && only) return ok(only.at)
  if (found.length > 1) return failed(problem('lvscf-path-ambiguous', { kind, name, count: found.length }))
  const namesShown = 20
  const names = candidates.slice(0, namesShown).map((candidate) => candidate.name)
  if (candidates.length > namesShown) names.push('…')
  return failed(problem('lvscf-path-nothing', { kind, name, names: names.join(', ') || '-' }))
}

function set(draft: Draft, target: Target, value: string): Result<{ readonly draft: Draft; readonly path: string }> {
  const own = target.key.startsWith('shoal.')
  const name = own ? target.key.slice('shoal.'.length) : target.key
  const path = [
    ...(target.block === undefined ? ['global'] : ['blocks', target.block]),
    ...(target.server === undefined ? [] : ['servers', target.server]),
  ].join('.')
  if (name === 'name' && !own && target.block !== undefined) {
    return ok({ draft: change(draft, target, (part) => ({ ...part, name: value })), path: `${path}.name` })
  }
  const native = own ? undefined : directive(target.scope, name)
  const shoal = native ? undefined : directive(target.scope, name, true)
  const known = native && !native.refused ? native : shoal
  if (!known) {
    const names = directives
      .filter((row) => row.scope === target.scope && !row.refused)
      .map((row) => (row.shoal ? `shoal.${row.name}` : row.name))
    return failed(problem('lvscf-path-unknown', { name: target.key, scope: target.scope, names: names.join(', ') }))
  }
  if (value === '' && known.type !== 'text') return failed(problem('lvscf-value-missing', { name }))
  const settings = (present: readonly Setting[]): readonly Setting[] =>
    withValue(present, name, value, known.shoal ? true : undefined)
  return ok({
    draft: change(draft, target, (part) => ({ ...part, settings: settings(part.settings) })),
    path: `${path}.${known.shoal ? 'shoal.' : ''}${name}`,
  })
}

interface Named {
  readonly name?: string
  readonly settings: readonly Setting[]
}

/** The draft with one of its parts changed. */
function change(draft: Draft, target: Target, by: <T extends Named>(part: T) => T): Draft {
  if (target.block === undefined) return by(draft)
  const block = draft.blocks[target.block]
  if (!block) return draft
  let changed: BlockDraft
  if (target.server === undefined) changed = by(block)
  else {
    const server = block.servers[target.server]
    if (!server) return draft
    const servers: readonly ServerDraft[] = block.servers.with(target.server, by(server))
    changed = { ...block, servers }
  }
  return { ...draft, blocks: draft.blocks.with(target.block, changed) }
}
