/**
 * lvs.cf on its way out: what it means (Config) beside where each directive stands, so that an export can settle every line. What an
 * export leaves unsettled is swept: what says no more than its default is carried, the rest is named as lost.
 */
import type { Config, RealServer, VirtualServer } from '../config.ts'
import { isSix } from '../ipv6.ts'
import { check } from '../lvscf/check.ts'
import { config } from '../lvscf/config.ts'
import { nameOver6 } from '../lvscf/ipv6.ts'
import type { Scope } from '../lvscf/directives.ts'
import { directive } from '../lvscf/directives.ts'
import type { Draft } from '../lvscf/draft.ts'
import { withValue } from '../lvscf/draft.ts'
import type { Block, Item, Tree } from '../lvscf/syntax.ts'
import { cInt, dotted, inetAton } from '../lvscf/values.ts'
import type { NeighboursCode } from '../speech/neighbours.ts'
import type { Ledger, Place } from './report.ts'

/** One directive as it stands; `key` has a `#` before Shoal's own. */
export interface SourceLine {
  readonly key: string
  readonly value: string
  readonly at: Place
}

export interface SourceServer {
  readonly name: string
  readonly at: Place
  readonly lines: ReadonlyMap<string, SourceLine>
  /** Absent where it is not active and incomplete. */
  readonly real?: RealServer
}

export interface SourceVirtual {
  readonly name: string
  readonly at: Place
  readonly lines: ReadonlyMap<string, SourceLine>
  readonly virtual?: VirtualServer
  readonly servers: readonly SourceServer[]
}

export interface Source {
  readonly config: Config
  readonly lines: ReadonlyMap<string, SourceLine>
  readonly virtuals: readonly SourceVirtual[]
  /** Settles what the export did not; `format` is the target's name. */
  readonly sweep: (format: string) => void
}

const placeholderPrimary = '127.0.0.1'

/** The meaning of a draft. A file without directors (made from a kernel table, say) has one all the same. */
function meaningOf(text: string, ledger: Ledger): { tree: Tree; draft: Draft; config: Config } | undefined {
  const checked = check(text)
  const { tree, draft } = checked
  if (checked.config) return { tree, draft, config: checked.config }
  const blocking = checked.problems.filter(({ severity }) => severity === 'block')
  if (blocking.every(({ code }) => code === 'lvscf-primary-missing')) {
    const meaning = config({ ...draft, settings: withValue(draft.settings, 'primary', placeholderPrimary) })
    if (meaning.config) {
      const { primary: _, ...rest } = meaning.config
      return { tree, draft, config: rest }
    }
  }
  ledger.say('convert-unreadable-lvscf', undefined, { count: blocking.length })
  ledger.refuse(blocking)
  return undefined
}

/** Reads an lvs.cf for an export; undefined (and said) when its meaning is open. */
export function readSource(text: string, ledger: Ledger): Source | undefined {
  const meaning = meaningOf(text, ledger)
  if (!meaning) return undefined
  const { tree, draft } = meaning
  const served = withoutSix(meaning.config)
  const all: { line: SourceLine; scope: Scope }[] = []
  const openings: Place[] = []
  const onLine = (item: { start: number; contentEnd: number; line: number }): Place => {
    const content = tree.text.slice(item.start, item.contentEnd)
    const first = Math.max(0, content.search(/\S/))
    return { line: item.line, column: first + 1, endLine: item.line, endColumn: content.trimEnd().length + 1 }
  }
  const linesOf = (items: readonly Item[], scope: Scope): Map<string, SourceLine> => {
    const map = new Map<string, SourceLine>()
    for (const item of items) {
      let line: SourceLine | undefined
      if (item.kind === 'statement') {
        line = { key: item.key.text, value: item.value?.text ?? '', at: onLine(item) }
        if (item.restIsComment)
          ledger.say('convert-note-comment', { ...onLine(item), column: (item.rest ?? 0) - item.start + 1 })
      } else if (item.kind === 'comment' && item.note) {
        line = { key: `#${item.note.name.text}`, value: item.note.value.text, at: onLine(item) }
      } else if (item.kind === 'comment') ledger.say('convert-note-comment', onLine(item))
      else if (item.kind === 'junk') ledger.say('convert-lost-line', onLine(item), { format: 'lvs.cf' })
      if (!line) continue
      const before = map.get(line.key)
      if (before) ledger.say('convert-lost-overridden', before.at, { what: line.key.replace('#', '') })
      map.set(line.key, line)
      all.push({ line, scope })
    }
    return map
  }
  const blocks = tree.items.filter((item): item is Block => item.kind === 'block' && item.block !== 'server')
  for (const item of tree.items) {
    if (item.kind === 'block' && item.block === 'server') {
      ledger.say('convert-lost-line', wholeOf(item, onLine(item.open), tree), { format: 'lvs.cf' })
    }
  }
  const virtuals: SourceVirtual[] = []
  const left = [...served.virtualServers]
  blocks.forEach((block, index) => {
    const words = draft.blocks[index]
    const at = onLine(block.open)
    openings.push(at)
    const name = words?.name ?? ''
    if (block.block === 'failover') {
      ledger.say('convert-lost-failover', wholeOf(block, at, tree), { name, format: 'lvs.cf' })
      return
    }
    if (isSixAlone(meaning.config, name)) {
      ledger.say('convert-lost-ipv6', wholeOf(block, at, tree), { what: `virtual ${name}` })
      return
    }
    const lines = linesOf(block.items, 'virtual')
    const virtual = takeMatch(left, name, lines.get('address')?.value)
    const realsLeft = [...(virtual?.realServers ?? [])]
    const servers = block.items
      .filter((item): item is Block => item.kind === 'block' && item.block === 'server')
      .map((server, at): SourceServer => {
        const place = onLine(server.open)
        openings.push(place)
        const inner = linesOf(server.items, 'server')
        const serverName = words?.servers[at]?.name ?? ''
        const real = takeMatch(realsLeft, serverName, inner.get('address')?.value)
        return { name: serverName, at: place, lines: inner, ...(real ? { real } : {}) }
      })
    virtuals.push({ name, at, lines, ...(virtual ? { virtual } : {}), servers })
  })
  const lines = linesOf(
    tree.items.filter((item) => item.kind !== 'block'),
    'global',
  )
  return {
    config: served,
    lines,
    virtuals,
    sweep: (format) => {
      for (const at of openings) if (!ledger.settled(at)) ledger.carried(at)
      for (const { line, scope } of all) if (!ledger.settled(line.at)) sweepLine(line, scope, format, ledger)
    },
  }
}

/** Without what stands in `# shoal: address6` and the like: those lines are said to be lost. */
function withoutSix({ natRouter6: _, ...config }: Config): Config {
  return { ...config, virtualServers: config.virtualServers.filter(({ vip }) => !isSix(vip.address)) }
}

/** A virtual server that has an IPv6 address and no other. */
function isSixAlone({ virtualServers }: Config, name: string): boolean {
  return virtualServers.some((one) => one.name === nameOver6(name)) && !virtualServers.some((one) => one.name === name)
}

/** A whole block as one place. */
function wholeOf(block: Block, at: Place, tree: Tree): Place {
  const lines = tree.text
    .slice(block.start, block.end)
    .replace(/(\r\n|\r|\n)$/, '')
    .split(/\r\n|\r|\n/)
  return { ...at, endLine: at.line + lines.length - 1, endColumn: (lines.at(-1)?.length ?? 0) + 1 }
}

/** The next entry of that name and address; what is incomplete and not in service has none. */
function takeMatch<
  T extends { readonly name: string } & ({ readonly address: string } | { readonly vip: { readonly address: string } }),
>(left: T[], name: string, written: string | undefined): T | undefined {
  const number = inetAton(written?.split(/[ \t]/)[0] ?? '')
  const address = number === undefined ? undefined : dotted(number)
  const [next] = left
  if (!next || next.name !== name) return undefined
  if (('vip' in next ? next.vip.address : next.address) !== address) return undefined
  return left.shift()
}

/** Directives that only say how Piranha itself runs. */
const housekeeping = new Set([
  'serial_no',
  'rsh_command',
  'hard_shutdown',
  'ipvsadm',
  'client_monitor',
  'heartbeat_port',
  'service',
])

function sweepLine(line: SourceLine, scope: Scope, format: string, ledger: Ledger): void {
  const shoal = line.key.startsWith('#')
  const name = line.key.replace('#', '')
  const known = directive(scope, name, shoal || undefined)
  let code: NeighboursCode = 'convert-lost-word'
  if (!known) code = 'convert-lost-unknown'
  else if (known.unused || known.refused) code = 'convert-note-unused'
  else if (housekeeping.has(name)) code = 'convert-note-housekeeping'
  else if (saysNothing(line, known.default)) return ledger.carried(line.at)
  ledger.say(code, line.at, { what: name, format: code === 'convert-lost-unknown' ? 'lvs.cf' : format })
}

/** Whether a value is what is meant when the directive is absent. */
function saysNothing({ key, value }: SourceLine, fallback: string | undefined): boolean {
  if (key === 'load_monitor') return value === 'none' || value === ''
  if (key === 'pmask') return value === '255.255.255.255'
  if (fallback === undefined) return value === ''
  if (value === fallback) return true
  const one = cInt(value)
  const other = cInt(fallback)
  return value !== '' && one !== undefined && other !== undefined && one.value === other.value
}

/** The interface of a device or alias label: `eth0` of `eth0:1`. */
export function interfaceOf(device: string): string {
  return device.split(':')[0] ?? device
}

/** Marks the lines of these keys as carried. */
export function carryLines(lines: ReadonlyMap<string, SourceLine>, keys: readonly string[], ledger: Ledger): void {
  for (const key of keys) {
    const line = lines.get(key)
    if (line && !ledger.settled(line.at)) ledger.carried(line.at)
  }
}

/** Says one thing about each of these lines that is there; without any, about the place given instead. */
export function sayLines(
  lines: ReadonlyMap<string, SourceLine>,
  keys: readonly string[],
  code: NeighboursCode,
  detail: (name: string) => Readonly<Record<string, string | number>>,
  ledger: Ledger,
  otherwise?: Place,
): void {
  let said = false
  for (const key of keys) {
    const line = lines.get(key)
    if (!line) continue
    said = true
    ledger.say(code, line.at, detail(`${key.replace('#', '')} = ${line.value}`))
  }
  if (!said && otherwise) ledger.say(code, otherwise, detail(keys[0] ?? ''))
}

/** The one file an export writes, or one for each director. */
export interface ExportedFile {
  readonly name: string
  readonly director: 'primary' | 'backup' | 'either'
  readonly text: string
}

/** Lines as comments, as what is not active is written. */
export function commentedOut(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '#' : `# ${line}`))
}

/** Settles an inactive block and everything in it. */
export function sayInactive(virtual: SourceVirtual, format: string, ledger: Ledger): void {
  ledger.say('convert-lost-inactive', virtual.lines.get('active')?.at ?? virtual.at, { name: virtual.name, format })
  for (const part of [virtual, ...virtual.servers]) {
    for (const line of part.lines.values()) if (!ledger.settled(line.at)) ledger.carried(line.at)
  }
}
