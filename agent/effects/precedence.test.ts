import { expect, it } from 'vitest'
import { openPrecedence } from './precedence.ts'

/** A program that uses a share of the processor in every tenth of a second. */
function program(answer?: string): {
  readonly run: (share: number, forMs: number) => void
  readonly pause: (forMs: number) => void
  readonly said: string[]
} {
  const said: string[] = []
  const tick = openPrecedence(
    (realTime) => {
      said.push(realTime ? 'real-time' : 'ordinary')
      return answer
    },
    (says) => said.push(`refused: ${says}`),
  )
  let ms = 0
  let usedMs = 0
  return {
    said,
    pause(forMs) {
      ms += forMs
      usedMs += forMs
    },
    run(share, forMs) {
      for (const endMs = ms + forMs; ms < endMs;) {
        tick(ms, usedMs)
        ms += 100
        usedMs += 100 * share
      }
    },
  }
}

it('is real-time after two quiet seconds, ordinary while it works without a pause, and real-time again', () => {
  const { run, said } = program()
  run(0.95, 5_000)
  expect(said).toEqual([])
  run(0.1, 3_000)
  expect(said).toEqual(['real-time'])
  run(0.6, 5_000)
  expect(said).toEqual(['real-time'])
  run(1, 700)
  expect(said).toEqual(['real-time', 'ordinary'])
  // A breath between two bursts is not quiet.
  for (let n = 0; n < 5; n++) {
    run(0.2, 1_000)
    run(1, 500)
  }
  expect(said).toEqual(['real-time', 'ordinary'])
  run(0.4, 3_000)
  expect(said).toEqual(['real-time', 'ordinary', 'real-time'])
})

it('stays real-time through a pause of the whole machine, which looks as if it had worked all the time', () => {
  const { run, pause, said } = program()
  run(0.1, 3_000)
  for (let n = 0; n < 5; n++) {
    pause(1_500)
    run(0.1, 400)
  }
  expect(said).toEqual(['real-time'])
  run(1, 1_000)
  expect(said).toEqual(['real-time', 'ordinary'])
})

it('asks once where it is not granted, and says so', () => {
  const { run, said } = program('operation not permitted')
  run(0.1, 10_000)
  expect(said).toEqual(['real-time', 'refused: operation not permitted'])
})
