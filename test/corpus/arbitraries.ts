/** Inputs for the laws: texts that look like lvs.cf, samples with mistakes put in, and drafts with values of the right type. */
import fc from 'fast-check'
import { directives } from '../../domain/lvscf/directives.ts'
import type { Directive, Scope } from '../../domain/lvscf/directives.ts'
import type { BlockDraft, Draft, ServerDraft, Setting } from '../../domain/lvscf/draft.ts'

const fragments = [
  ...[
    '\n',
    '\n',
    '\n',
    '\r\n',
    '\r',
    ' ',
    '  ',
    '\t',
    '=',
    ' = ',
    '{',
    '}',
    ' {\n',
    '}\n',
    '"',
    "'",
    '#',
    '\\',
    '\0',
    '[',
    ']',
  ],
  ...[
    'virtual',
    'failover',
    'server',
    'virtual v {\n',
    'server s {\n',
    '# shoal: ',
    '# shoal: keepalive_ms = 200\n',
    '# c\n',
  ],
  ...[
    'active = 1\n',
    'address = 10.0.0.1 eth0:1\n',
    'address = 10.0.0.2\n',
    'send = "GET / \\r\\n"\n',
    'port = http\n',
  ],
  ...[
    'primary',
    'deadtime',
    'keepalive = 010\n',
    'scheduler = wlc',
    '0',
    '1',
    '7',
    'x',
    '10.0.0.1',
    '网',
    '\uFEFF',
    '\u00A0',
    '\f',
  ],
  ...[
    '"a b"',
    "'a b'",
    '"x"',
    'dirs = [ a:b ]\n',
    'foo',
    'expect = "*" # c\n',
    'a=1',
    '"}"\n',
    '}x\n',
    'weight = -1\n',
  ],
]

/** Text made of pieces that mean something here, so that all of the parser is reached. */
export const likeLvscf = fc.array(fc.constantFrom(...fragments), { maxLength: 60 }).map((pieces) => pieces.join(''))

/** Any text at all. */
export const anyText = fc.string({ unit: 'binary', maxLength: 200 })

/** A sample with pieces cut out, doubled and put in. */
export function damaged(samples: readonly string[]): fc.Arbitrary<string> {
  const cut = fc.record({
    at: fc.nat(),
    length: fc.nat(40),
    insert: fc.constantFrom('', ...fragments),
    twice: fc.boolean(),
  })
  return fc.tuple(fc.constantFrom(...samples), fc.array(cut, { minLength: 1, maxLength: 6 })).map(([sample, cuts]) => {
    let text = sample
    for (const one of cuts) {
      const at = text.length === 0 ? 0 : one.at % (text.length + 1)
      const piece = text.slice(at, at + one.length)
      text = text.slice(0, at) + one.insert + (one.twice ? piece + piece : '') + text.slice(at + one.length)
    }
    return text
  })
}

const wholeLines = [
  ...[
    'active = 1',
    'port = 8080',
    'port = http',
    'address = 10.0.0.1 eth0:1',
    'address = "10.0.0.1"',
    'weight = 0x10',
    '}',
    '',
    '\t',
  ],
  ...[
    '# c',
    '# shoal: rise = 3',
    'primary = 10.1',
    'keepalive = 010',
    'scheduler = sed',
    'send = "a b" ',
    'expect = "x" ',
    'server s {',
  ],
  ...[
    'virtual "a b" {',
    'failover f {',
    'active = 1 "x',
    "expect = 'it\"s'",
    'dirs = [ a ]',
    'pmask = x',
    'debug_level = "a"b"',
  ],
]

/** A sample with lines dropped, doubled, moved and put in: most of these the original still reads. */
export function relined(samples: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({ at: fc.nat(), to: fc.nat(), kind: fc.nat(3), line: fc.constantFrom(...wholeLines) })
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([sample, changes]) => {
      const lines = sample.split('\n')
      for (const { at, to, kind, line } of changes) {
        const from = at % (lines.length + 1)
        if (kind === 0) lines.splice(from, 1)
        else if (kind === 1) lines.splice(from, 0, line)
        else if (kind === 2) lines.splice(from, 0, lines[to % lines.length] ?? '')
        else lines.splice(to % (lines.length + 1), 0, ...lines.splice(from, 1))
      }
      return lines.join('\n')
    })
}

const address = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }))
  .map((parts) => parts.join('.'))
const device = fc
  .tuple(fc.constantFrom('eth0', 'em1', 'bond0', 'br-lan'), fc.nat(99))
  .map(([name, label]) => `${name}:${label}`)
const word = fc.stringMatching(/^[A-Za-z0-9/_.%-][A-Za-z0-9/_.%"'\\#={}-]{0,11}$/)
const words = fc
  .array(fc.stringMatching(/^[A-Za-z0-9/_.%\\<>#={}"'[\]-]{1,8}$/), { minLength: 1, maxLength: 4 })
  .map((list) => list.join(' '))
  // Both kinds of quotes after a blank cannot be written.
  .filter((text) => !(text.slice(text.indexOf(' ')).includes('"') && text.slice(text.indexOf(' ')).includes("'")))

/** A value that the directive takes. */
export function valueFor(row: Directive): fc.Arbitrary<string> {
  switch (row.type) {
    case 'int':
      return fc.integer({ min: 0, max: 100_000 }).map(String)
    case 'bool':
      return fc.constantFrom('0', '1')
    case 'port':
      return fc.integer({ min: 1, max: 65_535 }).map(String)
    case 'host':
    case 'ipv4':
      return address
    case 'mask':
      return fc.constantFrom('255.255.255.0', '255.255.0.0', '255.255.255.252')
    case 'word':
      return word
    case 'text':
      return words
    case 'choice':
      return fc.constantFrom(...(row.choices ?? ['x']))
    case 'placed':
      return fc.tuple(address, device).map((parts) => parts.join(' '))
    case 'pairs':
      return fc.constantFrom('[ a:b ]', '[ a:b c:d ]')
    case 'switch':
      return fc.constantFrom('on', 'off')
    case 'ms-list':
      return fc.constantFrom('100', '100,200', '10,20,4000')
    default:
      return fc.integer({ min: 1, max: 60_000 }).map(String)
  }
}

function settingFor(row: Directive): fc.Arbitrary<Setting> {
  return valueFor(row).map((value) => ({ name: row.name, value, ...(row.shoal ? { shoal: true as const } : {}) }))
}

/** Some settings of a scope, each at most once, in any order. */
function settingsFor(scope: Scope): fc.Arbitrary<readonly Setting[]> {
  const own = directives.filter((row) => row.scope === scope && !row.refused)
  return fc.shuffledSubarray(own).chain((picked) => fc.tuple(...picked.map(settingFor)))
}

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_.[\]=-]{1,10}$/),
  fc.constantFrom('a b', 'web server 1', '网站', "o'k"),
)
const server: fc.Arbitrary<ServerDraft> = fc.record({ name, settings: settingsFor('server') })
const block: fc.Arbitrary<BlockDraft> = fc.record({
  kind: fc.constantFrom('virtual' as const, 'failover' as const),
  name,
  settings: settingsFor('virtual'),
  servers: fc.array(server, { maxLength: 3 }),
})

export const drafts: fc.Arbitrary<Draft> = fc.record({
  settings: settingsFor('global'),
  blocks: fc.array(block, { maxLength: 4 }),
})

/** One step an operator takes on a draft. */
export type Step = (draft: Draft) => Draft

const spot = fc.nat(1_000)
const at = <T>(list: readonly T[], index: number): number => (list.length === 0 ? -1 : index % list.length)

function inBlock(index: number, by: (block: BlockDraft) => BlockDraft): Step {
  return (draft) => {
    const where = at(draft.blocks, index)
    const found = draft.blocks[where]
    return found ? { ...draft, blocks: draft.blocks.with(where, by(found)) } : draft
  }
}

function put<T extends { readonly settings: readonly Setting[] }>(part: T, fresh: readonly Setting[]): T {
  const kept = part.settings.filter(
    (one) => !fresh.some((other) => other.name === one.name && other.shoal === one.shoal),
  )
  return { ...part, settings: [...kept, ...fresh] }
}

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    settingsFor('global').map((fresh) => (draft) => put(draft, fresh.slice(0, 3))),
    fc.tuple(spot, settingsFor('virtual')).map(([i, fresh]) => inBlock(i, (one) => put(one, fresh.slice(0, 3)))),
    spot.map((i): Step => (draft) => ({
      ...draft,
      settings: draft.settings.filter((_, j) => j !== at(draft.settings, i)),
    })),
    spot.map((i): Step => (draft) => ({ ...draft, blocks: draft.blocks.filter((_, j) => j !== at(draft.blocks, i)) })),
    fc.tuple(spot, block).map(([i, fresh]): Step => (draft) => ({
      ...draft,
      blocks: draft.blocks.toSpliced(i % (draft.blocks.length + 1), 0, fresh),
    })),
    fc.tuple(spot, name).map(([i, fresh]) => inBlock(i, (one) => ({ ...one, name: fresh }))),
    fc.tuple(spot, spot).map(([i, j]): Step => (draft) => {
      const moved = draft.blocks[at(draft.blocks, i)]
      return moved
        ? { ...draft, blocks: draft.blocks.filter((one) => one !== moved).toSpliced(j % draft.blocks.length, 0, moved) }
        : draft
    }),
    fc
      .tuple(spot, spot, server)
      .map(([i, j, fresh]) =>
        inBlock(i, (one) => ({ ...one, servers: one.servers.toSpliced(j % (one.servers.length + 1), 0, fresh) })),
      ),
    fc
      .tuple(spot, spot)
      .map(([i, j]) =>
        inBlock(i, (one) => ({ ...one, servers: one.servers.filter((_, k) => k !== at(one.servers, j)) })),
      ),
    spot.map((i) => inBlock(i, (one) => ({ ...one, servers: one.servers.toReversed() }))),
    fc.tuple(spot, spot, settingsFor('server')).map(([i, j, fresh]) =>
      inBlock(i, (one) => {
        const where = at(one.servers, j)
        const found = one.servers[where]
        return found ? { ...one, servers: one.servers.with(where, put(found, fresh.slice(0, 2))) } : one
      }),
    ),
  ),
  { minLength: 1, maxLength: 4 },
)
