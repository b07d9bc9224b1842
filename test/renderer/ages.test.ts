/** Ages and durations are said with the precision their size deserves. */
import { describe, expect, it } from 'vitest'
import { ageText, clockText, durationText } from '../../renderer/ages.ts'

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [718, '718 ms'],
    [999.4, '999 ms'],
    [1000, '1.0 s'],
    [1999, '1.9 s'],
    [9999, '9.9 s'],
    [12_400, '12 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [3 * 3_600_000, '3 h'],
    [3 * 86_400_000, '3 d'],
    [-5, '0 ms'],
  ])('%d ms is said as %s', (ms, said) => {
    expect(durationText(ms, 'en')).toBe(said)
  })

  it('is never rounded up to an age that was not reached', () => {
    expect(ageText(2999, 'en')).toBe('2 s ago')
    expect(ageText(400, 'en')).toBe('0 s ago')
    expect(ageText(61_000, 'zh-CN')).toBe('61 秒前')
  })

  it('shows seconds in the time of day', () => {
    expect(clockText(new Date(2026, 10, 20, 9, 4, 7).getTime())).toBe('09:04:07')
  })
})
