/**
 * What a 10,000-real-server file costs: read, checked, and its problems placed, in Node; shown, typed into and changed in a real Chromium
 * with the built page (see lvscf-browser.ts). Limits are the product's promise; the run fails beyond them.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { analyse } from '../../domain/lvscf/analysis.ts'
import { hold } from '../../domain/lvscf/document-text.ts'
import { root } from '../e2e/serve.ts'
import { loadNow, quantile } from './figures.ts'
import type { Measured } from './figures.ts'
import { largeFile } from './generated.ts'
import { inChromium } from './lvscf-browser.ts'
import { keep, machine, markdown } from './results.ts'

const analysisMostMs = 150
const rounds = 15

/**
 * By the clock, which is what the promise is about and what a busy machine spoils, and in processor time, all threads of the process
 * together, which other programs do not spoil. The first round runs cold code, as opening a file does.
 */
function inNode(shape: string, text: string): readonly Measured[] {
  const times: number[] = []
  const waits: number[] = []
  let problems = 0
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    const before = process.cpuUsage()
    problems = analyse(hold(text)).problems.length
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1_000)
    waits.push(performance.now() - started)
  }
  if (problems === 0) throw new Error('the file has mistakes, and none was found')
  const what = `${shape}: read, checked, ${problems} problems placed`
  const [first = 0] = waits
  const spread = `median of ${rounds}; first ${first.toFixed(0)}, best ${quantile(waits, 0).toFixed(0)}, worst ${quantile(waits, 1).toFixed(0)} ms`
  return [
    { what: `${what}, by the clock (${spread}; ${loadNow()})`, ms: quantile(waits, 0.5), mostMs: analysisMostMs },
    { what: `${what}, processor time (median of ${rounds})`, ms: quantile(times, 0.5), mostMs: analysisMostMs },
  ]
}

/** All measurements, kept in test/bench/results; those in a browser only where the screen is built. */
export async function measure(): Promise<readonly Measured[]> {
  const found = await measured()
  const rows = found.map(({ what, ms, mostMs }) => [what, ms.toFixed(1), String(mostMs)])
  const table = markdown(['what', 'ms', 'at most'], rows)
  const about =
    'Written by `npm run bench -- lvscf`. Processor time is what other programs on the machine do not spoil.'
  const title = '# A file of 10,000 real servers'
  await keep('lvscf', { machine: machine(), found }, `${title}\n\n${about}\n\n${table}\n`, true)
  return found
}

async function measured(): Promise<readonly Measured[]> {
  const shapes = [
    ['100 × 100', largeFile(100, 100)],
    ['1 × 10,000', largeFile(1, 10_000)],
  ] as const
  const found = shapes.flatMap(([shape, text]) => inNode(shape, text))
  if (!existsSync(path.join(root, 'out/renderer/index.html'))) {
    console.log('!!! No built screen (npm run build): keys are not measured.')
    return found
  }
  const all = [...found]
  for (const [shape, text] of shapes) all.push(...(await inChromium(shape, text)))
  return all
}
