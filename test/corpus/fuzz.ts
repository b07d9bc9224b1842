/**
 * The fuzzer of the lvs.cf language: published and hand-made files with lines moved, pieces cut, doubled and put in, bytes flipped, and
 * text made of the language's own words. Nothing may throw, hang or lose a byte: not the parser, the reader, the checker, the view of
 * the original, nor what the editor shows. `fuzz.test.ts` runs it briefly, `npm run bench -- fuzz` for long.
 */
import fc from 'fast-check'
import { decodeDocument, encodeDocument } from '../../core/document-bytes.ts'
import { analyse } from '../../domain/lvscf/analysis.ts'
import { check } from '../../domain/lvscf/check.ts'
import { hold, release } from '../../domain/lvscf/document-text.ts'
import { read, write } from '../../domain/lvscf/draft.ts'
import { piranhaView } from '../../domain/lvscf/piranha-view.ts'
import { asPiranha } from '../../domain/lvscf/piranha.ts'
import { parse, tokens } from '../../domain/lvscf/syntax.ts'
import { anyText, damaged, likeLvscf, relined } from './arbitraries.ts'
import { samples } from './material.ts'

/** A file of these sizes is read in well under a millisecond; one that takes this long has met a loop that grows. */
const slowMs = 2_000

const own =
  'serial_no = 1\nprimary = 192.0.2.1\nservice = lvs\nvirtual web {\n     active = 1\n     address = 192.0.2.9 eth0:1\n     send = "GET / HTTP/1.0\\r\\n\\r\\n"\n     # shoal: rise = 2\n     server a {\n         address = 10.0.0.1\n         active = 1\n     }\n}\n'

/** Bytes as Latin-1 text, so that what is cut and flipped is a byte. */
const files: readonly string[] = [own, ...samples.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))]

const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 })
const flipped = fc.tuple(fc.constantFrom(...files), flips).map(([file, changes]) => {
  const bytes = Buffer.from(file, 'latin1')
  for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte
  return new Uint8Array(bytes)
})
const asBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'))

/** Half of them are published files with changes, a quarter bytes that mean nothing anywhere. */
const inputs: fc.Arbitrary<Uint8Array> = fc.oneof(
  { arbitrary: relined(files).map(asBytes), weight: 3 },
  { arbitrary: damaged(files).map(asBytes), weight: 3 },
  { arbitrary: flipped, weight: 2 },
  { arbitrary: likeLvscf.map(utf8), weight: 3 },
  { arbitrary: anyText.map(utf8), weight: 1 },
)

export interface Fuzzed {
  readonly inputs: number
  /** How many of them the original would take, and how many mean a whole config here: both must be reached. */
  readonly accepted: number
  readonly configs: number
  readonly slowestMs: number
}

function demand(holds: boolean, law: string): void {
  if (!holds) throw new Error(law)
}

/** One input through everything; what it throws says which law was broken. */
function through(bytes: Uint8Array): { readonly accepted: boolean; readonly isConfig: boolean } {
  const { text, encoding } = decodeDocument(bytes)
  const back = encodeDocument(text, encoding)
  demand(back.ok && Buffer.compare(back.value, bytes) === 0, 'bytes come back from their text')
  demand(release(hold(text)) === text, 'line ends come back from the editor')
  const tree = parse(text)
  let at = 0
  for (const token of tokens(tree)) {
    demand(token.start === at && token.end > at, 'tokens tile the text')
    at = token.end
  }
  demand(at === text.length, 'the tokens reach the end of the text')
  demand(write(tree, read(tree)).length === 0, 'writing what was read changes nothing')
  const { config, problems } = check(text)
  demand(config === undefined || problems.every(({ severity }) => severity !== 'block'), 'a config has no blocks')
  const { length } = hold(text).text
  for (const { from, to } of analyse(hold(text)).problems) {
    demand(from >= 0 && from <= to && to <= length, 'a problem is inside the text')
  }
  piranhaView(text, bytes)
  const accepted = asPiranha(bytes).accepts === true
  return { accepted, isConfig: config !== undefined }
}

/** Runs so many inputs from a seed. Throws, with the smallest input that does it, when a law is broken. */
export function fuzz(count: number, seed: number): Fuzzed {
  let accepted = 0
  let configs = 0
  let slowestMs = 0
  let ran = 0
  fc.assert(
    fc.property(inputs, (bytes) => {
      const started = performance.now()
      const seen = through(bytes)
      const tookMs = performance.now() - started
      ran++
      if (seen.accepted) accepted++
      if (seen.isConfig) configs++
      slowestMs = Math.max(slowestMs, tookMs)
      demand(tookMs < slowMs, `one input took ${tookMs.toFixed(0)} ms`)
    }),
    { numRuns: count, seed },
  )
  return { inputs: ran, accepted, configs, slowestMs }
}
