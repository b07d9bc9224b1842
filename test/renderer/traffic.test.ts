/** Rates out of counters, and what keeps them honest: counts that are late, counters that start anew, another director that counts. */
import { beforeEach, describe, expect, it } from 'vitest'
import { niceTop, shortNumber } from '../../renderer/chart.ts'
import { createTraffic } from '../../renderer/traffic.ts'
import type { Traffic } from '../../renderer/traffic.ts'
import { fakeStatus, fakeVip } from './fake-core.ts'
import type { ClusterStatus } from '../../domain/status.ts'

const t0 = 1_800_000_000_000
const web = `tcp ${fakeVip}:80`
let traffic: Traffic

/** The cluster at an instant with so many connections counted on each real server. */
function at(ms: number, connections: number, change: (status: ClusterStatus) => ClusterStatus = (one) => one) {
  const status = fakeStatus('shop', 'served', t0 + ms)
  const counted = {
    ...status,
    directors: status.directors.map((director) => ({
      ...director,
      services: director.services.map((service) => ({
        ...service,
        realServers: service.realServers.map((server) => ({
          ...server,
          connections,
          packetsIn: connections * 6,
          bytesIn: connections * 600,
        })),
      })),
    })),
  }
  return traffic.note(change(counted), t0 + ms)
}

beforeEach(() => {
  traffic = createTraffic()
})

describe('rates', () => {
  it('are the difference of two counts by the time between them, over all real servers', () => {
    expect(at(0, 100)).toBe(true)
    expect(traffic.rateOf(web)).toBeUndefined()
    expect(at(2_000, 120)).toBe(true)
    expect(traffic.rateOf(web)).toEqual({ connections: 20, packets: 120, bytes: 12_000 })
    expect(traffic.packetsTo('192.168.2.243')).toBe(120)
  })
  it('wait for a count that is late instead of showing none', () => {
    at(0, 100)
    expect(at(2_000, 100)).toBe(false)
    expect(at(2_500, 125)).toBe(true)
    expect(traffic.rateOf(web)?.connections).toBe(20)
  })
  it('are nought when nothing was counted for a while', () => {
    at(0, 100)
    at(2_000, 120)
    expect(at(7_000, 120)).toBe(true)
    expect(traffic.rateOf(web)?.connections).toBe(0)
  })
  it('a counter that went back counts from zero', () => {
    at(0, 100)
    at(2_000, 10)
    expect(traffic.rateOf(web)?.connections).toBe(10)
  })
  it('are not taken between two directors', () => {
    at(0, 100)
    at(2_000, 500, (status) => ({
      ...status,
      directors: status.directors.map((director) => ({
        ...director,
        ...(director.report
          ? { report: { ...director.report, role: director.name === 'lvs1' ? 'standby' : 'active' } as never }
          : {}),
      })),
    }))
    expect(traffic.rateOf(web)).toBeUndefined()
  })
  it('are kept in a ring of fixed length, in order', () => {
    for (let sample = 0; sample <= 200; sample++) at(sample * 2_000, sample * sample)
    expect(traffic.instants()).toHaveLength(150)
    const rates = traffic.service(web, 'connections')
    expect(rates).toHaveLength(150)
    expect(rates.at(-1)).toBe(200 * 200 - 199 * 199)
    expect([...rates].sort((a, b) => a - b)).toEqual(rates)
  })
  it('of single real servers are kept while their service is looked at', () => {
    at(0, 100)
    traffic.follow(web)
    at(2_000, 140)
    expect(traffic.server(web, '192.168.2.243:80', 'connections').at(-1)).toBe(20)
    traffic.unfollow(web)
    expect(traffic.server(web, '192.168.2.243:80', 'connections').at(-1)).toBeNaN()
    expect(traffic.service(web, 'connections').at(-1)).toBe(40)
  })
})

describe('numbers of a chart', () => {
  it.each([
    [0, 1],
    [0.3, 0.5],
    [7, 10],
    [42, 50],
    [101, 200],
    [5_001, 10_000],
  ])('%d fits under %d', (highest, top) => {
    expect(niceTop(highest)).toBeCloseTo(top)
  })
  it.each([
    [0, '0'],
    [6.94, '6.9'],
    [41.2, '41'],
    [1_240, '1.2k'],
    [88_000_000, '88M'],
  ])('%d is read as %s', (value, text) => {
    expect(shortNumber(value)).toBe(text)
  })
})
