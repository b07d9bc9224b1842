/**
 * lvs.cf to each neighbour and back. What the reports call carried must be the same afterwards; what is not the same must have been
 * named. The same for files people published, and for files that are broken: nothing throws, no line vanishes.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Check, CheckTiming } from '../../domain/checks.ts'
import { isPiranhas, statusText } from '../../domain/checks.ts'
import type { Config, RealServer, VirtualServer } from '../../domain/config.ts'
import { check } from '../../domain/lvscf/check.ts'
import { config } from '../../domain/lvscf/config.ts'
import { newDocument, read, withValue } from '../../domain/lvscf/draft.ts'
import { parse } from '../../domain/lvscf/syntax.ts'
import { chosenKeys, httpOf } from '../../domain/neighbours/checks.ts'
import type { Format } from '../../domain/neighbours/convert.ts'
import { exporters, formats, importers } from '../../domain/neighbours/convert.ts'
import type { Exported } from '../../domain/neighbours/keepalived-export.ts'
import { anyDraft, corpus, expectNoLineVanishes, fixture, sound } from './sources.ts'

const runs = Number(process.env['SHOAL_FUZZ_RUNS'] ?? 60)

/** Lines that are only shape. */
const lvscfShape = /^}/
const shapes: Readonly<Record<Format, RegExp>> = { keepalived: /^[{}\s]+$/, ldirectord: /^$/, ipvsadm: /^$/ }

function serviceKey(virtual: VirtualServer): string {
  return virtual.fwmark === undefined
    ? `${virtual.protocol} ${virtual.vip.address}:${virtual.port}`
    : `mark ${virtual.fwmark}`
}

function meaning(text: string): Config {
  const draft = read(parse(text))
  const known = draft.settings.some(({ name }) => name === 'primary')
  const whole = known ? draft : { ...draft, settings: withValue(draft.settings, 'primary', '127.0.0.1') }
  // A mark has no address in a kernel table.
  const blocks = whole.blocks.map((block) => ({
    ...block,
    settings: block.settings.some(({ name }) => name === 'address')
      ? block.settings
      : [...block.settings, { name: 'address', value: '192.0.2.254 eth0:9' }],
  }))
  const found = config({ ...whole, blocks }).config
  expect(config({ ...whole, blocks }).problems.filter(({ severity }) => severity === 'block')).toEqual([])
  return found as Config
}

/** Expressions for a status line are the same when they accept the same codes. */
function statusCodes(expression: string): string {
  if (!expression.includes('HTTP/1')) return expression
  const accepted = new RegExp(expression)
  return Array.from({ length: 900 }, (_, at) => at + 100)
    .filter((code) => accepted.test(`HTTP/1.1 ${code} `))
    .join()
}

/** What Piranha's own directives ask; an HTTP check is the same in both languages when it asks for the same. */
function asked(check: Check): unknown {
  if (check.kind === 'http') return ['http', check.path, check.host, statusText(check.status)]
  if (!isPiranhas<CheckTiming>(check) || check.kind === 'connect') return check.kind
  const { kind, send, expect: wanted, regex, program } = check
  if (kind === 'program') return [program, wanted]
  const http = httpOf({ ...check, kind })
  if (http?.version === '1.1') return ['http', http.path, http.host, statusText(http.ranges)]
  return [send, wanted === undefined ? wanted : regex ? statusCodes(wanted) : wanted, wanted !== undefined && regex]
}

/** What a chosen check asks; a plain HTTP one may come back as Piranha's request for the same. */
function chosen(check: Check): unknown {
  if (check.kind === 'http') {
    const { path, host, status, method, body, bodyRegex } = check
    return ['http', path, host, statusText(status), method, body ?? bodyRegex]
  }
  const http = check.kind === 'send-expect' ? httpOf({ ...check, kind: 'send-expect' }) : undefined
  if (http) return ['http', http.path, http.host, statusText(http.ranges), 'GET', undefined]
  const { intervalMs: _i, timeoutMs: _t, rise: _r, fall: _f, port: _p, ...question } = check
  return question
}

/** Which lines a fact comes from, and how to look at it. */
const virtualFacts: Readonly<Record<string, (virtual: VirtualServer) => unknown>> = {
  scheduler: ({ scheduler }) => scheduler,
  persistent: ({ persistentS }) => persistentS,
  pmask: ({ persistentPrefix }) => persistentPrefix,
  sorry_server: ({ sorryServer }) => sorryServer,
  quiesce_server: ({ quiesce }) => quiesce,
  '#fall': ({ check: { fall } }) => fall,
  '#check_interval_ms timeout': ({ check: { intervalMs } }) => intervalMs,
  '#check_timeout_ms timeout': ({ check: { timeoutMs } }) => timeoutMs,
  'send expect use_regex send_program': ({ check }) => asked(check),
  // The chosen check, where one is chosen, is what is asked; Piranha's own directives are then for Piranha.
  [chosenKeys.filter((key) => key !== '#check_port').join(' ')]: ({ check }) => chosen(check),
  '#check_port': ({ check }) => check.port,
  '#rise reentry': ({ check: { rise } }) => rise,
}
const serverFacts: Readonly<Record<string, (server: RealServer) => unknown>> = {
  weight: ({ weight }) => weight,
  port: ({ port }) => port,
}
const globalFacts: Readonly<Record<string, (whole: Config) => unknown>> = {
  tcp_timeout: ({ timeouts }) => timeouts.tcpS,
  udp_timeout: ({ timeouts }) => timeouts.udpS,
  network: ({ forwarding, virtualServers }) =>
    virtualServers.some(({ active, realServers }) => active && realServers.some((one) => one.active)) && forwarding,
  monitor_links: ({ monitorLinks }) => monitorLinks,
  '#failback': ({ failback }) => failback.auto,
  '#announce_burst': ({ announce }) => announce.burst,
  '#announce_repeat_ms': ({ announce }) => announce.repeatMs,
  'keepalive #keepalive_ms': ({ heartbeat }) => heartbeat.keepaliveMs,
  'syncdaemon syncd_iface syncd_id': ({ syncDaemon }) => syncDaemon,
}

interface Lines {
  readonly at: ReadonlyMap<string, number>
}

/** Line numbers of the directives of one scope. */
function linesOf(text: string, from: number, to: number): Lines {
  const at = new Map<string, number>()
  text.split('\n').forEach((content, index) => {
    if (index < from || index >= to) return
    const [, shoal, name] = /^\s*(# shoal: )?(\w+) = /.exec(content) ?? []
    if (name) at.set(`${shoal ? '#' : ''}${name}`, index + 1)
  })
  return { at }
}

/** Whether every line a fact comes from is there and carried, and so the fact must hold. */
function held(key: string, { at }: Lines, carried: ReadonlySet<number>): boolean {
  const present = key.split(' ').filter((name) => at.has(name))
  return present.length > 0 && present.every((name) => carried.has(at.get(name) ?? 0))
}

function expectCarriedHolds(format: Format, text: string, out: Exported): number {
  const file = out.files[0]
  if (!file) throw new Error('no file')
  const back = importers[format](file.text)
  if (back.report.verdict === 'none') return 0
  const before = meaning(text)
  const after = meaning(newDocument(back.draft))
  const carried = new Set(out.report.carriedLines)
  let held_ = 0
  // The way back may find that Piranha cannot say the check, and then names it.
  const checkNamed = back.report.entries.some(({ problem: { code } }) => /^convert-(?:near|lost)-.*check/.test(code))
  const lines = text.split('\n')
  const compare = <T>(facts: Readonly<Record<string, (one: T) => unknown>>, scope: Lines, a: T, b: T): void => {
    for (const [key, fact] of Object.entries(facts)) {
      if (!held(key, scope, carried) || (checkNamed && key.startsWith('send '))) continue
      held_++
      expect({ format, key, fact: fact(b) }, `${text}\n---\n${file.text}`).toEqual({ format, key, fact: fact(a) })
    }
  }
  const firstBlock = lines.findIndex((content) => content.startsWith('virtual '))
  const globalLines = linesOf(text, 0, firstBlock < 0 ? lines.length : firstBlock)
  if (after.virtualServers.length > 0) compare(globalFacts, globalLines, before, after)
  for (const virtual of before.virtualServers) {
    if (!virtual.active) continue
    const twin = after.virtualServers.find((one) => serviceKey(one) === serviceKey(virtual))
    expect(twin, serviceKey(virtual)).toBeDefined()
    if (!twin) continue
    const start = lines.indexOf(`virtual ${virtual.name} {`)
    const end = lines.indexOf('}', start)
    const inner = lines.findIndex((content, at) => at > start && /^\s+server /.test(content))
    compare(virtualFacts, linesOf(text, start, inner < 0 || inner > end ? end : inner), virtual, twin)
    for (const server of virtual.realServers) {
      const own = twin.realServers.find((one) => one.address === server.address && one.active)
      if (!server.active) {
        expect(own).toBeUndefined()
        continue
      }
      expect(own, server.address).toBeDefined()
      const at = lines.findIndex((content, index) => index > start && content.trim() === `server ${server.name} {`)
      if (own) compare(serverFacts, linesOf(text, at, lines.indexOf('     }', at)), server, own)
    }
  }
  return held_
}

describe.each(formats)('lvs.cf → %s → lvs.cf', (format) => {
  test('what the export calls carried is the same afterwards', () => {
    let facts = 0
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const text = sound(draft)
        fc.pre(text !== undefined)
        if (text !== undefined) facts += expectCarriedHolds(format, text, exporters[format](text))
      }),
      { numRuns: runs },
    )
    // The law is empty when nothing is ever carried.
    expect(facts).toBeGreaterThan(runs)
  })

  test('no line vanishes on the way out or back', () => {
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const text = sound(draft)
        fc.pre(text !== undefined)
        if (text === undefined) return
        const out = exporters[format](text)
        expectNoLineVanishes(text, out.report, lvscfShape)
        for (const file of out.files)
          expectNoLineVanishes(file.text, importers[format](file.text).report, shapes[format])
      }),
      { numRuns: runs },
    )
  })

  test('converting settles: after two trips nothing more changes', () => {
    const trip = (text: string): string | undefined => {
      const file = exporters[format](text).files[0]
      const back = file && importers[format](file.text)
      return back && back.report.verdict !== 'none' ? newDocument(back.draft) : undefined
    }
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const text = sound(draft)
        fc.pre(text !== undefined)
        const second = trip(trip(text ?? '') ?? '')
        const third = second === undefined ? undefined : trip(second)
        if (third !== undefined) expect(third).toBe(second)
      }),
      { numRuns: runs },
    )
  })

  test('published files: no line vanishes, and what comes back has a meaning', () => {
    for (const { name, text } of corpus()) {
      const out = exporters[format](text)
      if (out.files.length === 0) {
        expect(check(text).config, name).toBeUndefined()
        continue
      }
      expectNoLineVanishes(text, out.report, lvscfShape)
      for (const file of out.files) {
        const back = importers[format](file.text)
        expectNoLineVanishes(file.text, back.report, shapes[format])
        if (back.report.verdict !== 'none') meaning(newDocument(back.draft))
      }
    }
  })
})

const samples: Readonly<Record<Format, readonly string[]>> = {
  keepalived: ['keepalived-web.conf', 'keepalived-templates.conf'],
  ldirectord: ['ldirectord-shop.cf'],
  ipvsadm: ['ipvsadm-save.rules', 'ipvsadm.sh'],
}

describe.each(formats)('broken %s', (format) => {
  const texts = samples[format].map(fixture)
  const piece = fc.constantFrom(
    ...texts.flatMap((text) => text.split(/(\s+)/)),
    '{',
    '}',
    '"',
    "'",
    '\\',
    '#',
    '=',
    '\0',
    '\r',
  )
  const mutated = fc
    .tuple(fc.constantFrom(...texts), fc.array(fc.tuple(fc.nat(), fc.nat(30), piece), { maxLength: 8 }))
    .map(([text, edits]) =>
      edits.reduce((now, [at, drop, insert]) => {
        const from = at % (now.length + 1)
        return now.slice(0, from) + insert + now.slice(from + drop)
      }, text),
    )

  test('never throws, names every line, and writes an lvs.cf that can be read', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: 'binary', maxLength: 400 })), (text) => {
        const { draft, report } = importers[format](text)
        expectNoLineVanishes(text.replaceAll('\0', ''), report, /^[{}\s]*$/)
        const written = newDocument(draft)
        expect(parse(written).problems.filter(({ severity }) => severity === 'block')).toEqual([])
      }),
      { numRuns: runs * 3 },
    )
  })

  test('an lvs.cf that is not one has no result and says so', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const { files, report } = exporters[format](text)
        expect(files.length === 0).toBe(report.verdict === 'none')
      }),
      { numRuns: runs },
    )
  })
})
