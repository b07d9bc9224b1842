/**
 * An ipvsadm table made from lvs.cf files, restored on a director with a real IPVS kernel: what ipvsadm-save prints afterwards is what
 * was written, and read back it is the same lvs.cf.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDocument } from '../../domain/lvscf/draft.ts'
import { exporters, importers } from '../../domain/neighbours/convert.ts'
import { corpus } from '../neighbours/sources.ts'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'

const made = `primary = 192.0.2.1
network = tunnel
tcp_timeout = 901
tcpfin_timeout = 121
udp_timeout = 301
virtual tcp {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 443
     persistent = 360
     pmask = 255.255.255.128
     scheduler = sh
     server a {
         address = 10.7.0.1
         active = 1
         weight = 0
     }
     server b {
         address = 10.7.0.2
         active = 1
         weight = 65535
     }
}
virtual udp {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 53
     protocol = udp
     scheduler = lblcr
     send = "x"
     expect = "y"
     server a {
         address = 10.7.0.1
         active = 1
     }
}
virtual mark {
     active = 1
     address = 192.0.2.81 eth0:2
     fwmark = 4294967295
     server a {
         address = 10.7.0.1
         active = 1
         port = 8080
     }
}
`

/** The saved form says the tunnel type, prints high marks as negative numbers, and has an order of its own. */
function services(table: string): string[] {
  const groups: string[] = []
  for (const line of table.split('\n').map((one) =>
    one
      .replace(/ --tun-type ipip$/, '')
      .replace(' -f -1 ', ' -f 4294967295 ')
      .trim(),
  )) {
    if (line.startsWith('-A')) groups.push(line)
    else if (line.startsWith('-a')) groups.push(`${groups.pop() ?? ''}\n${line}`)
  }
  return groups.map((group) => group.split('\n').sort().join('\n')).sort()
}

/** The lvs.cf of a table, line by line; alias labels are numbered in the order of the table. */
function inAnyOrder(table: string): string[] {
  return newDocument(importers.ipvsadm(table).draft)
    .split('\n')
    .map((line) => line.replace(/eth0:\d+$/, 'eth0'))
    .sort()
}

/** A lab of its own: restoring empties the table of the host first. */
const labName = 'neighbours'

describe('an ipvsadm table on a real kernel', () => {
  const director = 'lvs1'
  let lab: Lab

  beforeAll(async () => {
    lab = attach(labName) ?? (await up('dr', { name: labName, realServers: 1 }))
  })
  afterAll(async () => {
    await lab?.down()
  })

  const files = [{ name: 'made', text: made }, ...corpus()]
    .map(({ name, text }) => ({ name, text, table: exporters.ipvsadm(text).files[0]?.text ?? '' }))
    .filter(({ table }) => table !== '')

  test.each(files)('$name is restored as written', async ({ table }) => {
    const { exitCode, stderr } = await lab.ssh(director, 'ipvsadm-restore', { input: table, allowFailure: true })
    expect([exitCode, stderr]).toEqual([0, ''])
    const saved = (await lab.ssh(director, 'ipvsadm-save -n')).stdout
    expect(services(saved)).toEqual(services(table))
    expect(inAnyOrder(saved)).toEqual(inAnyOrder(table.replace(/^--set.*\n/, '')))
  })

  test('timeouts are set with the table', async () => {
    await lab.ssh(director, 'ipvsadm-restore', { input: exporters.ipvsadm(made).files[0]?.text ?? '' })
    expect((await lab.ssh(director, 'ipvsadm -L --timeout')).stdout).toContain('901 121 301')
  })
})
