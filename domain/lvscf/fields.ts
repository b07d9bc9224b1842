/**
 * The form of a node: which directives it asks for, in which groups, and what of the node has no field (unknown directives, shown as
 * they are). From the one table, so that a new directive has its field at once; the groups only arrange them for reading.
 */
import type { Directive, Scope } from './directives.ts'
import { directive, directives } from './directives.ts'
import type { Setting } from './draft.ts'
import { valueIn } from './draft.ts'
import type { NodeKind } from './outline.ts'

const groupNames = [
  'node',
  'directors',
  'heartbeat',
  'forwarding',
  'connections',
  'service',
  'scheduling',
  'check',
  'own',
  'piranha',
] as const
type GroupName = (typeof groupNames)[number]

interface Field {
  readonly directive: Directive
  /** As written; undefined where the file does not say. */
  readonly value: string | undefined
  /** How often it is written; the last one counts. */
  readonly times: number
}

export interface FieldGroup {
  readonly name: GroupName
  readonly fields: readonly Field[]
  /** Shown folded: nothing in it is set and few need it. */
  readonly folded: boolean
}

export interface Form {
  readonly groups: readonly FieldGroup[]
  /** What the table does not know here, or what the daemons refuse: index into the node's settings. */
  readonly raw: readonly { readonly at: number; readonly setting: Setting }[]
}

const groups: Readonly<Record<Scope, Partial<Record<GroupName, readonly string[]>>>> = {
  global: {
    directors: ['primary', 'primary_private', 'backup', 'backup_private', 'backup_active'],
    heartbeat: ['heartbeat_port', 'keepalive', 'deadtime', 'monitor_links'],
    forwarding: ['network', 'nat_router', 'nat_nmask'],
    connections: ['syncdaemon', 'syncd_iface', 'syncd_id', 'tcp_timeout', 'tcpfin_timeout', 'udp_timeout'],
  },
  virtual: {
    service: ['active', 'address', 'vip_nmask', 'port', 'protocol', 'fwmark', 'sorry_server'],
    scheduling: ['scheduler', 'persistent', 'pmask', 'quiesce_server', 'load_monitor'],
    check: ['send', 'expect', 'use_regex', 'send_program', 'timeout', 'reentry'],
  },
  server: { node: ['active', 'address', 'port', 'weight'] },
}

const foldedUnlessSet: ReadonlySet<GroupName> = new Set(['connections', 'own', 'piranha'])

function scopeOf(kind: NodeKind): Scope {
  return kind === 'failover' ? 'virtual' : kind
}

function groupOf(row: Directive): GroupName {
  if (row.shoal) return row.name.startsWith('check') || row.name === 'rise' || row.name === 'fall' ? 'check' : 'own'
  for (const [name, names] of Object.entries(groups[row.scope])) {
    if (names.includes(row.name)) return name as GroupName
  }
  return 'piranha'
}

/** Failover services are started and stopped instead of balanced. */
const failoverFirst: ReadonlySet<string> = new Set(['start_cmd', 'stop_cmd'])

const order = new Map<string, number>()
for (const table of Object.values(groups)) {
  for (const names of Object.values(table)) for (const [at, name] of names.entries()) order.set(name, at)
}

/** The form of a node with these settings. */
export function formOf(kind: NodeKind, settings: readonly Setting[]): Form {
  const scope = scopeOf(kind)
  const made = new Map<GroupName, Field[]>()
  const checkKind = valueIn(settings, 'check', true)
  for (const row of directives) {
    if (row.scope !== scope || row.refused) continue
    const group = kind === 'failover' && failoverFirst.has(row.name) ? 'service' : groupOf(row)
    const written = settings.filter((one) => one.name === row.name && Boolean(one.shoal) === Boolean(row.shoal))
    // What the chosen check does not ask for has no field until it is written.
    if (row.kinds && written.length === 0 && !row.kinds.some((one) => one === checkKind)) continue
    const field: Field = { directive: row, value: written.at(-1)?.value, times: written.length }
    made.set(group, [...(made.get(group) ?? []), field])
  }
  const rank = (field: Field): number => order.get(field.directive.name) ?? order.size
  const raw = settings.flatMap((setting, at) => {
    const known = directive(scope, setting.name, setting.shoal)
    return known && !known.refused ? [] : [{ at, setting }]
  })
  return {
    groups: groupNames.flatMap((name) => {
      const fields = made.get(name)
      if (!fields) return []
      const folded = foldedUnlessSet.has(name) && fields.every((field) => field.value === undefined)
      return [{ name, fields: fields.toSorted((a, b) => rank(a) - rank(b)), folded }]
    }),
    raw,
  }
}
