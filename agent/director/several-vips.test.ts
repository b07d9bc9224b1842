/** Several virtual IPs under a virtual clock: they come and go with the configuration beside the one that serves, and move together. */
import { expect, it } from 'vitest'
import { pair, web } from '../../test/simulator/clusters.ts'
import { createWorld } from '../../test/simulator/world.ts'
import type { World } from '../../test/simulator/world.ts'
import type { Config } from '../../domain/config.ts'

const dns = {
  ...web,
  name: 'dns',
  port: 53,
  vip: { address: '192.168.2.28', device: 'eth0:2', prefix: 32 },
  realServers: web.realServers.map((server) => ({ ...server, port: 53 })),
}
const api = { ...web, name: 'api', vip: { address: '192.168.2.29', device: 'eth0:3', prefix: 32 } }
const both: Config = { ...pair, virtualServers: [web, dns] }

function running(config: Config): World {
  const world = createWorld({ config })
  world.boot('lvs1')
  world.boot('lvs2')
  world.run(10_000)
  expect(world.active()).toEqual(['lvs1'])
  expect(world.role('lvs2')).toBe('standby')
  return world
}
const held = (world: World, name: 'lvs1' | 'lvs2'): readonly string[] =>
  world.hosts[name].addresses.map(({ address }) => address)
const services = (world: World): readonly string[] => [...world.hosts.lvs1.table.keys()]

it('one comes and another goes while the first one is served without a gap', () => {
  const world = running(both)
  expect(held(world, 'lvs1')).toEqual(['192.168.2.117', '192.168.2.27', '192.168.2.28'])
  const outages = world.outages.length
  world.configure({ ...pair, virtualServers: [web, dns, api] }, 'lvs2', 'lvs1')
  world.run(3_000)
  expect(held(world, 'lvs1')).toEqual(['192.168.2.117', '192.168.2.27', '192.168.2.28', '192.168.2.29'])
  expect(services(world)).toEqual(['tcp 192.168.2.27:80', 'tcp 192.168.2.28:53', 'tcp 192.168.2.29:80'])
  world.configure({ ...pair, virtualServers: [web, api] }, 'lvs2', 'lvs1')
  world.run(3_000)
  expect(held(world, 'lvs1')).toEqual(['192.168.2.117', '192.168.2.27', '192.168.2.29'])
  expect(held(world, 'lvs2')).toEqual(['192.168.2.15'])
  expect(services(world)).toEqual(['tcp 192.168.2.27:80', 'tcp 192.168.2.29:80'])
  expect(world.outages).toHaveLength(outages)
})

it('both move when the active director dies', () => {
  const world = running(both)
  world.crash('lvs1')
  world.run(5_000)
  expect(world.active()).toEqual(['lvs2'])
  expect(held(world, 'lvs2')).toEqual(['192.168.2.15', '192.168.2.27', '192.168.2.28'])
})
