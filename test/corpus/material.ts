/**
 * The published and hand-made lvs.cf files with the original's readings, which lie beside the repository and are never copied into it.
 * Tests that need them are skipped where they are absent, and say so.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../shared/lvs-cf/', import.meta.url))

export interface Sample {
  readonly name: string
  readonly bytes: Uint8Array
  /** The original's answer, as kept. */
  readonly reading: unknown
}

export const materialPresent = existsSync(folder)
if (!materialPresent) process.stderr.write(`SKIPPED: no lvs.cf material at ${folder}; corpus tests did not run.\n`)

function samplesIn(files: string, readings: string): Sample[] {
  if (!materialPresent) return []
  return readdirSync(folder + files)
    .filter((name) => name.endsWith('.cf'))
    .map((name) => ({
      name: `${files}/${name}`,
      bytes: new Uint8Array(readFileSync(`${folder}${files}/${name}`)),
      reading: JSON.parse(readFileSync(`${folder}${readings}/${name.replace(/cf$/, 'json')}`, 'utf8')) as unknown,
    }))
}

/** What the original's web tool wrote after showing a page of a published file. */
export const rewritten: readonly { readonly name: string; readonly before: string; readonly after: string }[] =
  materialPresent
    ? readdirSync(`${folder}gui-rewrite`)
        .filter((name) => existsSync(`${folder}corpus/${name}`))
        .map((name) => ({
          name,
          before: readFileSync(`${folder}corpus/${name}`, 'latin1'),
          after: readFileSync(`${folder}gui-rewrite/${name}`, 'latin1'),
        }))
    : []

export const samples: readonly Sample[] = [
  ...samplesIn('corpus', 'corpus-readings'),
  ...samplesIn('cases', 'cases'),
  ...samplesIn('generated', 'generated'),
]

/** The published files in the layout of the original's web tool. */
export const canonical = ['001', '002', '007', '008', '025', '029', '031'].map((name) => `corpus/${name}.cf`)

export function textOf(sample: Sample): string {
  return Buffer.from(sample.bytes).toString('utf8')
}
