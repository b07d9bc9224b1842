/** The original's answers: every published, hand-made and generated file is read exactly as the compiled original read it. */
import { describe, expect, test } from 'vitest'
import { check } from '../../domain/lvscf/check.ts'
import { newDocument, read } from '../../domain/lvscf/draft.ts'
import { asPiranha } from '../../domain/lvscf/piranha.ts'
import { parse } from '../../domain/lvscf/syntax.ts'
import { throughWebTool } from '../../domain/lvscf/web-tool.ts'
import { speak } from '../../domain/speech/speech.ts'
import { canonical, materialPresent, rewritten, samples, textOf } from './material.ts'

describe.skipIf(!materialPresent)('with the material beside the repository', () => {
  test('there is material', () => {
    expect(samples.length).toBeGreaterThan(100)
    expect(rewritten.length).toBeGreaterThan(20)
  })

  test.for(samples)('$name is read as the original reads it', ({ bytes, reading }) => {
    expect(asPiranha(bytes)).toEqual(reading)
  })

  test.for(samples.filter((one) => !one.bytes.includes(0)))(
    '$name: what the original refuses is told, and only that',
    (sample) => {
      const accepts = (sample.reading as { accepts: boolean | null }).accepts
      const { problems } = check(textOf(sample))
      const told = problems.filter((one) => one.severity !== 'note' && /refuses|crash/.test(speak(one, 'en').says))
      if (accepts === true) expect(told).toEqual([])
      else expect(problems.some((one) => one.severity !== 'note')).toBe(true)
    },
  )

  test.for(rewritten)('$name comes back from the web tool as it did', ({ before, after }) => {
    expect(throughWebTool(before) ?? before).toBe(after)
  })

  test.for(canonical)('%s comes out byte for byte when it is built from nothing', (name) => {
    const sample = samples.find((one) => one.name === name)
    if (!sample) throw new Error(`${name} is missing`)
    const text = textOf(sample)
    expect(newDocument(read(parse(text)))).toBe(text)
  })
})
