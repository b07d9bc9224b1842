/**
 * The settings of one scope of a draft, read value by value as the original reads them; what is wrong is noted at its field while
 * reading goes on with a default.
 */
import type { FloatingAddress, PortRange } from '../config.ts'
import type { Problem, ProblemCode, Severity } from '../problem.ts'
import { problem } from '../problem.ts'
import { directive } from './directives.ts'
import type { Scope } from './directives.ts'
import type { Setting } from './draft.ts'
import { writtenValue } from './draft.ts'
import { tcpServicePort } from './services.ts'
import { cInt, dotted, inetAton, isPlainAddress, prefixOf } from './values.ts'

/** The longest name Linux gives an interface or an alias label. */
export const deviceNameMax = 15
export const portMax = 65_535

export type Detail = Readonly<Record<string, string | number>>

/** The settings of one scope, with the problems found while reading them. */
export class Reader {
  readonly path: string
  private readonly scope: Scope
  private readonly problems: Problem[]
  private readonly values = new Map<string, string>()
  /** Set for what does not run: its problems warn instead of blocking. */
  private lenient = false
  /** Most scopes have nothing broken, and a large file has many thousand scopes. */
  private broken: Set<string> | undefined
  /** Whether reading met something that cannot be used. */
  blocked = false

  constructor(scope: Scope, path: string, settings: readonly Setting[], problems: Problem[]) {
    this.scope = scope
    this.path = path
    this.problems = problems
    for (const setting of settings) {
      const key = setting.shoal ? `#${setting.name}` : setting.name
      const known = directive(scope, setting.name, setting.shoal)
      if (this.values.has(key) && known) this.report('lvscf-repeated', key, 'warning', { name: setting.name })
      this.values.set(key, setting.value)
      if (known && setting.value !== '' && writtenValue(known, setting.value) === undefined) {
        this.report('lvscf-value-unwritable', key, 'block', { name: setting.name })
      }
    }
  }

  /** From here on problems do not block: the block is not in service. */
  relax(): void {
    this.lenient = true
  }

  report(code: ProblemCode, key: string, severity: Severity, detail?: Detail): void {
    if (severity === 'block') {
      this.blocked = true
      this.broken ??= new Set()
      this.broken.add(key)
    }
    const field = key.startsWith('#') ? `shoal.${key.slice(1)}` : key
    const path = field === '' ? this.path : `${this.path}.${field}`
    this.problems.push(
      problem(code, detail, { kind: 'field', path }, severity === 'block' && this.lenient ? 'warning' : severity),
    )
  }

  has(key: string): boolean {
    return this.values.has(key)
  }

  /** Whether a value was replaced by its default, so that comparing it would say nothing. */
  isBroken(...keys: readonly string[]): boolean {
    return keys.some((key) => this.broken?.has(key) === true)
  }

  raw(key: string): string | undefined {
    return this.values.get(key)
  }

  /** A whole number, within bounds. `fallback` is also what a broken value is replaced by, so that reading can go on. */
  int(key: string, fallback: number, min: number, max: number): number {
    const text = this.values.get(key)
    if (text === undefined) return fallback
    const name = key.replace('#', '')
    const read = text === '' ? undefined : cInt(text)
    if (!read) {
      this.report('lvscf-not-a-number', key, 'block', { name, value: text })
      return fallback
    }
    if (read.base === 8) this.report('lvscf-octal', key, 'warning', { name, value: text, meaning: read.value })
    if (read.exact < min || read.exact > max) {
      this.report('lvscf-out-of-range', key, 'block', { name, value: text, min, max })
      return fallback
    }
    return read.exact
  }

  /** Checks values that have no meaning for Shoal; they never block. */
  unused(keys: readonly string[]): void {
    const { lenient, blocked } = this
    this.lenient = true
    for (const key of keys) {
      const known = directive(this.scope, key)
      if (known?.type === 'bool') this.bool(key, false)
      else if (known?.choices) this.choice(key, known.choices, '')
      else if (known?.type === 'host') this.address(key)
    }
    this.lenient = lenient
    this.blocked = blocked
  }

  bool(key: string, fallback: boolean): boolean {
    const text = this.values.get(key)
    if (text === undefined) return fallback
    const read = text === '' ? undefined : cInt(text)
    if (!read || (read.value !== 0 && read.value !== 1)) {
      this.report('lvscf-not-a-switch', key, 'block', { name: key, value: text })
      return fallback
    }
    return read.value === 1
  }

  port(key: string, fallback: number, zeroIsFine: boolean): number {
    const text = this.values.get(key)
    if (text === undefined) return fallback
    const named = directive(this.scope, key)?.numeric ? undefined : tcpServicePort(text)
    if (named !== undefined) return named
    if (text === '' || !cInt(text)) {
      this.report('lvscf-not-a-port', key, 'block', { name: key, value: text })
      return fallback
    }
    return this.int(key, fallback, zeroIsFine ? 0 : 1, portMax)
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const text = this.values.get(key)
    if (text === undefined) return fallback
    const found = choices.find((choice) => choice === text)
    if (found !== undefined) return found
    const name = key.replace('#', '')
    this.report('lvscf-not-a-choice', key, 'block', { name, value: text, choices: choices.join(', ') })
    return fallback
  }

  /** An IPv4 address as canonical text; undefined when absent, zero or unusable (then reported). */
  address(key: string, text = this.values.get(key)): string | undefined {
    if (text === undefined) return undefined
    const address = inetAton(text)
    if (address === undefined) {
      const code = /^[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$/.test(text)
        ? 'lvscf-address-ipv6'
        : /^[A-Za-z][A-Za-z0-9.-]*$/.test(text)
          ? 'lvscf-host-name'
          : 'lvscf-not-an-address'
      this.report(code, key, 'block', { name: key, value: text })
      return undefined
    }
    if (isPlainAddress(text)) return address === 0 ? undefined : text
    const plain = dotted(address)
    this.report('lvscf-address-form', key, 'warning', { name: key, value: text, meaning: plain })
    return address === 0 ? undefined : plain
  }

  /** The prefix length of a netmask; undefined when absent or 0.0.0.0. */
  prefix(key: string): number | undefined {
    const text = this.values.get(key)
    if (text === undefined) return undefined
    const mask = inetAton(text)
    if (mask === undefined) {
      this.report('lvscf-not-a-mask', key, 'block', { name: key, value: text })
      return undefined
    }
    if (mask === 0) return undefined
    const prefix = prefixOf(mask)
    if (prefix === undefined) this.report('lvscf-mask-gaps', key, 'block', { name: key, value: text })
    return prefix
  }

  /** What is not in service may lack its address: the web tool adds blocks so. */
  zeroAddress(place: string, name: string): void {
    this.blocked = true
    this.report('lvscf-address-zero', place, this.lenient ? 'note' : 'block', { name })
  }

  /** Address and device. `required` reports their absence. */
  placed(key: string, maskKey: string, required: boolean): FloatingAddress | undefined {
    const prefix = this.prefix(maskKey)
    const text = this.values.get(key)
    if (text === undefined || text === '') {
      if (required) this.zeroAddress(text === undefined ? '' : key, key)
      return undefined
    }
    const [host = '', device = ''] = text.split(/[ \t]+/)
    const address = this.address(key, host)
    if (device === '') {
      this.report('lvscf-device-missing', key, 'block', { name: key })
      return undefined
    }
    if (device.length > deviceNameMax || device.includes('/')) {
      this.report('lvscf-device-name', key, 'block', { value: device, max: deviceNameMax })
      return undefined
    }
    if (address === undefined) {
      if (required && inetAton(host) === 0) this.zeroAddress(key, key)
      return undefined
    }
    if (!device.includes(':')) this.report('lvscf-device-without-label', key, 'warning', { name: key, value: device })
    return { address, device, ...(prefix === undefined ? {} : { prefix }) }
  }

  /** Ports and ranges of ports (`80 443 30000-30100`), separated by commas or blanks; undefined when absent or unusable. */
  portRanges(key: string): readonly PortRange[] | undefined {
    const text = this.values.get(key)
    if (text === undefined) return undefined
    const ranges = text
      .trim()
      .split(/[\s,]+/)
      .map((word): PortRange => {
        const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word) ?? []
        return { from: Number(first), to: Number(last) }
      })
    if (ranges.every(({ from, to }) => from >= 1 && from <= to && to <= portMax)) return ranges
    this.report('lvscf-own-value', key, 'block', { name: key.slice(1), value: text })
    return undefined
  }

  /** A list of milliseconds, separated by commas or blanks. */
  milliseconds(key: string, fallback: readonly number[]): readonly number[] {
    const text = this.values.get(key)
    if (text === undefined) return fallback
    if (text === 'none') return []
    const numbers = text.split(/[\s,]+/).map((word) => (/^\d{1,7}$/.test(word) ? Number(word) : -1))
    if (numbers.every((value, at) => value > (numbers[at - 1] ?? 0))) return numbers
    this.report('lvscf-own-value', key, 'block', { name: key.slice(1), value: text })
    return fallback
  }
}
