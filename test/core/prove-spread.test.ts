// Whether the connections a proof made went where the scheduler has to send them, judged from the directors' tables.
import { describe, expect, it } from 'vitest'
import { connAddress, judgeSpread, parseConnections } from '../../core/provision/prove-spread.ts'
import type { Given } from '../../core/provision/prove-spread.ts'

const servers = [
  { name: 'rs1', address: '10.0.0.11', weight: 1 },
  { name: 'rs2', address: '10.0.0.12', weight: 1 },
]
const entry = (weight: number, activeConnections: number, inactiveConnections: number) => ({
  forwarding: 'direct' as const,
  weight,
  activeConnections,
  inactiveConnections,
})
function given(counts: readonly [number, number], rest: Partial<Given> = {}) {
  return judgeSpread({
    scheduler: 'wlc',
    persistent: false,
    servers,
    given: new Map([
      ['10.0.0.11', counts[0]],
      ['10.0.0.12', counts[1]],
    ]),
    others: false,
    table: new Map([
      ['10.0.0.11', entry(1, 0, 3)],
      ['10.0.0.12', entry(1, 0, 3)],
    ]),
    ...rest,
  })
}
const loaded = (first: number, second: number): Given['table'] =>
  new Map([
    ['10.0.0.11', entry(1, 0, first)],
    ['10.0.0.12', entry(1, 0, second)],
  ])

describe('through which real servers it was answered', () => {
  it('all of them', () => {
    expect(given([3, 3])).toEqual({ passed: true, answer: 'rs1: 3, rs2: 3', reached: ['rs1', 'rs2'] })
  })

  it('a newcomer gets all while the others have more connections, by wlc and lc alone', () => {
    const table = loaded(4000, 50)
    const seen = given([0, 6], { table })
    expect(seen).toEqual({
      passed: true,
      answer: 'rs1: 0, rs2: 6; rs1 has 4000 connections, so wlc prefers others',
      reached: ['rs2'],
    })
    expect(given([0, 6], { table, scheduler: 'lc' }).passed).toBe(true)
    expect(given([0, 6], { table, scheduler: 'rr' }).passed).toBe(false)
  })

  it('a real server that has fewer connections and gets none is not explained', () => {
    expect(given([0, 6], { table: loaded(10, 50) }).passed).toBe(false)
  })

  it('wlc weighs the connections, lc does not', () => {
    const table = new Map([
      ['10.0.0.11', entry(10, 0, 60)],
      ['10.0.0.12', entry(1, 0, 50)],
    ])
    expect(given([0, 6], { table }).passed).toBe(false)
    expect(given([0, 6], { table, scheduler: 'lc' }).passed).toBe(true)
  })

  it('one that is not in the kernel, or has no weight there, is not explained by its load', () => {
    expect(given([0, 6], { table: new Map([['10.0.0.12', entry(1, 0, 50)]]) }).passed).toBe(false)
    const none = new Map([
      ['10.0.0.11', entry(0, 0, 4000)],
      ['10.0.0.12', entry(1, 0, 50)],
    ])
    expect(given([0, 6], { table: none }).passed).toBe(false)
  })

  it('a small weight need not show, a whole one has to', () => {
    const table = new Map([
      ['10.0.0.11', entry(1, 0, 0)],
      ['10.0.0.12', entry(99, 0, 60)],
    ])
    const seen = given([0, 60], { scheduler: 'wrr', table })
    expect(seen.passed).toBe(true)
    expect(seen.answer).toContain('the weight of rs1 gives it less than 3 of 60')
    expect(given([0, 60], { scheduler: 'wrr' }).passed).toBe(false)
  })

  it('persistence and hashing take one client to one real server', () => {
    expect(given([6, 0], { persistent: true }).passed).toBe(true)
    expect(given([3, 3], { persistent: true }).passed).toBe(false)
    expect(given([3, 3], { scheduler: 'sh' }).passed).toBe(false)
    // Counters cannot tell this client from others.
    expect(given([30, 31], { persistent: true, others: true }).passed).toBe(true)
  })

  it('none of them is never enough', () => {
    expect(given([0, 0]).passed).toBe(false)
    expect(given([0, 0], { persistent: true, others: true }).passed).toBe(false)
  })
})

describe('/proc/net/ip_vs_conn', () => {
  it('says whom each connection of this machine was given to', () => {
    const text = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0A80201 D431 C0A8021B 0050 C0A802F3 0050 ESTABLISHED     899
TCP C0A80201 D433 C0A8021B 0050 C0A8026F 0050 FIN_WAIT        119
TCP [2001:0db8:0000:0000:0000:0000:0000:0001] D435 [2001:0db8:0000:0000:0000:0000:0000:0002] 0050 [2001:0db8:0000:0000:0000:0000:0000:0003] 0050 FIN_WAIT 119
`
    expect([...parseConnections(text)]).toEqual([
      [0xd431, '192.168.2.243'],
      [0xd433, '192.168.2.111'],
    ])
  })

  it('has addresses in hexadecimal', () => {
    expect(connAddress('192.168.2.1')).toBe('C0A80201')
    expect(connAddress('::ffff:192.168.2.1')).toBe('C0A80201')
    expect(connAddress('2001:db8::1')).toBeUndefined()
  })
})
