/** Both-held times from gains and losses. */
import { expect, it } from 'vitest'
import { bothHeldMs } from './failover-held.ts'

const at = (atMs: number, host: string, has: boolean) => ({ atMs, host, has })

it('is the time between the second gain and the first loss', () => {
  expect(bothHeldMs(['lvs1', 'lvs2'], [at(150, 'lvs2', true), at(230, 'lvs1', false)], 100, 1_000)).toBe(80)
})

it('is nothing when the first lets go before the second takes', () => {
  expect(bothHeldMs(['lvs1', 'lvs2'], [at(150, 'lvs1', false), at(230, 'lvs2', true)], 100, 1_000)).toBe(0)
})

it('lasts until the end when nobody lets go, and adds up', () => {
  expect(bothHeldMs(['lvs1', 'lvs2'], [at(400, 'lvs2', true)], 100, 1_000)).toBe(600)
  const twice = [at(200, 'lvs2', true), at(250, 'lvs2', false), at(300, 'lvs2', true), at(310, 'lvs1', false)]
  expect(bothHeldMs(['lvs1', 'lvs2'], twice, 100, 1_000)).toBe(60)
})
