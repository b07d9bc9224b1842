/**
 * What may be written at a place of an lvs.cf: directives of the scope after the indentation, values of a directive after its equals
 * sign. From the one table; the words around it are the editor's.
 */
import type { Directive, Scope } from './directives.ts'
import { directive, directives } from './directives.ts'
import type { NodeKind } from './outline.ts'

export interface Offer {
  readonly kind: 'directive' | 'value' | 'block'
  readonly label: string
  /** Replaces the text from `from` (a column of the line, from 0) to the cursor; `cursor` is where it then stands. */
  readonly insert: string
  readonly directive?: Directive
  readonly detail?: string
}

export interface Offers {
  readonly from: number
  readonly offers: readonly Offer[]
}

/** Values that are common where the type alone tells nothing. */
const usual: Readonly<Record<string, readonly string[]>> = {
  load_monitor: ['none', 'rup', 'ruptime', 'uptime'],
  rsh_command: ['ssh', 'rsh'],
  debug_level: ['NONE'],
  nat_nmask: ['255.255.255.0', '255.255.255.255', '255.255.0.0', '255.255.255.128'],
  vip_nmask: ['255.255.255.0', '255.255.255.255', '255.255.0.0', '255.255.255.128'],
  pmask: ['255.255.255.0', '255.255.0.0'],
  send: ['"GET / HTTP/1.0\\r\\n\\r\\n"'],
  expect: ['"HTTP"', '"*"', '"220"', '"+OK"'],
  heartbeat_port: ['539'],
  monitor_links: ['0', '1'],
  check_path: ['/', '/health'],
  check_status: ['200-399', '200', '200-299'],
  check_name: ['.'],
  check_cert_days: ['14', '0'],
  check_script: ['/usr/local/bin/check %h %p'],
}

function scopeOf(kind: NodeKind): Scope {
  return kind === 'failover' ? 'virtual' : kind
}

/** The values worth offering for a directive. */
export function usualValues(known: Directive): readonly string[] {
  if (known.choices) return known.choices
  if (known.type === 'bool') return ['0', '1']
  if (known.type === 'switch') return ['on', 'off']
  return usual[known.name] ?? (known.default === undefined || known.shoal === undefined ? [] : [known.default])
}

/** What may stand at `column` (from 0) of a line in a node; `present` are the names the node already has. */
export function offersAt(
  line: string,
  column: number,
  kind: NodeKind,
  present: ReadonlySet<string>,
): Offers | undefined {
  const before = line.slice(0, column)
  const scope = scopeOf(kind)
  const own = /^[ \t]*#[ \t]*shoal[ \t]*:[ \t]*/.exec(before)
  const rest = own ? before.slice(own[0].length) : before
  const base = own ? own[0].length : 0
  const value = /^[ \t]*([A-Za-z_]+)[ \t]*=[ \t]*(\S*)$/.exec(rest)
  if (value) {
    const known = directive(scope, value[1] ?? '', own ? true : undefined)
    if (!known) return undefined
    return {
      from: column - (value[2] ?? '').length,
      offers: usualValues(known).map((label) => ({ kind: 'value', label, insert: label, directive: known })),
    }
  }
  const key = /^[ \t]*([A-Za-z_]*)$/.exec(rest)
  if (!key) return undefined
  const offers: Offer[] = []
  for (const row of directives) {
    if (row.scope !== scope || row.refused || Boolean(row.shoal) !== Boolean(own)) continue
    if (present.has(`${row.shoal ? '#' : ''}${row.name}`)) continue
    offers.push({
      kind: 'directive',
      label: row.name,
      insert: `${row.name} = `,
      directive: row,
      ...(row.unit ? { detail: row.unit } : {}),
    })
  }
  if (!own) {
    const indent = /^[ \t]*/.exec(before)?.[0] ?? ''
    const block = (name: string): Offer => ({ kind: 'block', label: name, insert: `${name} NAME {\n${indent}}` })
    if (kind === 'global') offers.push(block('virtual'), block('failover'))
    else if (kind !== 'server') offers.push(block('server'))
  }
  return { from: base + (rest.length - (key[1] ?? '').length), offers }
}

export interface Explained {
  readonly directive: Directive
  /** Columns of the line, from 0. */
  readonly from: number
  readonly to: number
}

/** The directive whose name or value stands at a column of a line. */
export function explainedAt(line: string, column: number, kind: NodeKind): Explained | undefined {
  const match = /^([ \t]*)(#[ \t]*shoal[ \t]*:[ \t]*)?(["']?)([A-Za-z_]+)\3/.exec(line)
  if (!match) return undefined
  const shoal = match[2] !== undefined
  const known = directive(scopeOf(kind), match[4] ?? '', shoal ? true : undefined)
  if (!known) return undefined
  const from = (match[1] ?? '').length + (match[2] ?? '').length
  const to = line.trimEnd().length
  return column >= from && column <= to ? { directive: known, from, to: from + (match[4] ?? '').length } : undefined
}
