/** The stand-in table refuses what the kernel would refuse, and the agent reads of it what was put in. */
import { expect, it } from 'vitest'
import { parseCounters, parseKernelTable } from '../../domain/ipvs/kernel-table.ts'
import { standInTable } from './scale-table.ts'

it('what was put in is what the agent reads', () => {
  const table = standInTable()
  expect(
    table.restore([
      '-A -t 10.0.0.1:80 -s wrr',
      '-a -t 10.0.0.1:80 -r 10.1.255.254:80 -g -w 3',
      '-A -u 10.0.0.2:53 -s rr',
    ]),
  ).toEqual([])
  const read = parseKernelTable(table.text())
  expect([...read.keys()]).toEqual(['tcp 10.0.0.1:80', 'udp 10.0.0.2:53'])
  expect(read.get('tcp 10.0.0.1:80')).toMatchObject({ scheduler: 'wrr' })
  expect(read.get('tcp 10.0.0.1:80')?.destinations.get('10.1.255.254:80')).toEqual({
    forwarding: 'direct',
    weight: 3,
    activeConnections: 0,
    inactiveConnections: 0,
  })
  expect([...parseCounters(table.stats()).keys()]).toEqual(['tcp 10.0.0.1:80 10.1.255.254:80'])
})

it('what contradicts the table is refused, and the rest of the batch is done', () => {
  const table = standInTable()
  expect(
    table.restore([
      '-A -t 10.0.0.1:80 -s rr',
      '-A -t 10.0.0.1:80 -s rr',
      '-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1',
      '-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1',
      '-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1',
      '-D -t 10.0.0.9:80',
      '-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 7',
    ]),
  ).toEqual(['Service already exists', 'No such destination', 'Destination already exists', 'No such service'])
  expect(table.weight('tcp 10.0.0.1:80', '10.1.0.1:80')).toBe(7)
})
