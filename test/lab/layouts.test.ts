// The address plans contradict nothing: names, addresses, MACs and taps are unique, every host is on its segment, and each
// layout has the shape its way of forwarding needs.

import { parse, parseCIDR } from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { LAYOUT_NAMES, layoutOf, REAL_SERVERS_MOST } from './layouts.ts'
import type { Layout, Nic } from './layouts.ts'

const segmentOf = (layout: Layout, nic: Nic | undefined) => {
  const segment = layout.segments.find((candidate) => candidate.name === nic?.segment)
  if (segment === undefined) throw new Error(`no segment ${nic?.segment}`)
  return segment
}

const sameNet = (a: string, b: string, prefix: number) => parse(a).match(parseCIDR(`${b}/${prefix}`))

describe.each(LAYOUT_NAMES)('the layout %s', (name) => {
  const layout = layoutOf(name, REAL_SERVERS_MOST)
  const nics = layout.hosts.flatMap((host) => host.nics)

  test('gives every host, address, MAC and cable to one only', () => {
    const addresses = [
      layout.vip,
      ...(layout.natRouter === undefined ? [] : [layout.natRouter]),
      ...layout.segments.flatMap((segment) => segment.client ?? []),
      ...nics.map((nic) => nic.address),
    ]
    for (const things of [
      layout.hosts.map((host) => host.name),
      addresses,
      nics.map((nic) => nic.mac),
      nics.map((nic) => nic.tap),
    ])
      expect(new Set(things).size).toBe(things.length)
    for (const device of [...nics.map((nic) => nic.tap), ...layout.segments.map((segment) => segment.bridge)])
      expect(device.length).toBeLessThanOrEqual(15)
    for (const nic of nics) expect(nic.mac).toMatch(/^02(:[0-9a-f]{2}){5}$/)
  })

  test('puts every NIC into the network of its segment', () => {
    for (const segment of layout.segments) {
      const here = nics.filter((nic) => nic.segment === segment.name)
      const one = here[0]?.address ?? ''
      for (const nic of here) expect(sameNet(nic.address, one, segment.prefix)).toBe(true)
      if (segment.client !== undefined) expect(sameNet(segment.client, one, segment.prefix)).toBe(true)
    }
  })

  test('lets the client reach the virtual IP and every host directly', () => {
    const own = layout.segments.find((segment) => segment.client === layout.client)
    expect(own && sameNet(layout.vip, layout.client, own.prefix)).toBe(true)
    for (const host of layout.hosts)
      expect(host.nics.some((nic) => segmentOf(layout, nic).client !== undefined)).toBe(true)
  })

  test('has two directors that share a segment with the virtual IP, and the real servers asked for', () => {
    const directors = layout.hosts.filter((host) => host.role === 'director')
    expect(directors.map((host) => host.name)).toEqual(['lvs1', 'lvs2'])
    for (const { nics } of directors) expect(sameNet(nics[0].address, layout.vip, nics[0].prefix)).toBe(true)
    expect(layoutOf(name, 1).hosts).toHaveLength(3)
    expect(layout.hosts).toHaveLength(2 + REAL_SERVERS_MOST)
  })

  test('gives hosts a gateway on their own segment', () => {
    for (const host of layout.hosts)
      expect(host.nics.some((nic) => sameNet(host.gateway ?? '', nic.address, nic.prefix))).toBe(true)
  })

  test('is one on which its way of forwarding works, and is needed', () => {
    const real = layout.hosts.filter((host) => host.role === 'real')
    const onVipSegment = real.every((host) => sameNet(host.nics[0].address, layout.vip, host.nics[0].prefix))
    if (layout.forwarding === 'dr') expect(onVipSegment).toBe(true)
    else expect(onVipSegment).toBe(false)
    if (layout.forwarding === 'nat') for (const host of real) expect(host.gateway).toBe(layout.natRouter)
    expect(layout.routed).toBe(layout.forwarding === 'tun')
  })
})

test('a layout without real servers, or with more than the machine takes, is refused', () => {
  for (const count of [0, 1.5, REAL_SERVERS_MOST + 1]) expect(() => layoutOf('dr', count)).toThrow(RangeError)
})

test('the directors of dr-private share a segment nobody else is on', () => {
  const layout = layoutOf('dr-private')
  const second = layout.hosts.map((host) => host.nics[1]?.segment)
  expect(second).toEqual(['private', 'private', undefined, undefined])
  expect(layout.segments.find((segment) => segment.name === 'private')?.client).toBeUndefined()
})
