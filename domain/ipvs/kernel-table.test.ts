/** What a 6.1 kernel and ipvsadm 1.31 told of a table with marks, persistence and both families. */
import { expect, it } from 'vitest'
import { bareMark6, parseCounters, parseKernelTable, parsePersistent } from './kernel-table.ts'

const proc = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A0A011E:1F40 rr  
  -> 0A080821:1F90      Masq    126    0          0         
  -> 0A080822:1F90      Masq    136    0          8         
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 rr persistent 6000 40000000
FWM  00000005 wlc 
  -> 0A080821:0000      Masq    3      0          0         
FWM  00000005 rr persistent 6000 40000000
  -> [2001:0db8:0000:0000:0000:0000:0000:0005]:0000      Route   1      0          0         
FWM  00000006 rr persistent 6000 80000000
FWM  00000007 rr 
FWM  00000050 wlc persistent 3000 FFFFFFFF
  -> 0A080822:0000      Masq    100    0          0         
`

it('reads services and marks of both families, persistence and real servers', () => {
  const table = parseKernelTable(proc)
  expect([...table.keys()]).toEqual([
    'tcp 10.10.1.30:8000',
    'tcp [2001:db8::1]:80',
    'fwmark 5',
    'fwmark6 5',
    'fwmark6 6',
    'fwmark 7',
    'fwmark 80',
  ])
  expect(table.get('tcp [2001:db8::1]:80')?.persistence).toEqual({ value: 6_000, unit: 'ticks', prefix: 64 })
  expect(table.get('fwmark6 5')?.persistence?.prefix).toBe(64)
  expect([...(table.get('fwmark6 5')?.destinations.keys() ?? [])]).toEqual(['[2001:db8::5]:0'])
  expect(table.get('fwmark6 6')?.persistence?.prefix).toBe(128)
  expect(table.get('fwmark 80')?.persistence?.prefix).toBe(32)
  expect(table.get('tcp 10.10.1.30:8000')?.destinations.get('10.8.8.34:8080')).toEqual({
    forwarding: 'nat',
    weight: 136,
    activeConnections: 0,
    inactiveConnections: 8,
  })
})

it('tells the family of a mark by its real servers where nothing else does', () => {
  const table = parseKernelTable(
    'FWM  00000008 rr \n  -> [2001:0db8:0000:0000:0000:0000:0000:0005]:0000      Route   1      0          0 \n',
  )
  expect([...table.keys()]).toEqual(['fwmark6 8'])
})

it('finds a bare service of an IPv6 mark, which the kernel tells like one of IPv4', () => {
  const table = parseKernelTable(proc)
  expect(bareMark6(table, 'fwmark6 7', new Set())).toBeDefined()
  expect(bareMark6(table, 'fwmark6 7', new Set(['fwmark 7']))).toBeUndefined()
  expect(bareMark6(table, 'fwmark6 80', new Set())).toBeUndefined()
})

it('reads totals and the clients that persistence binds', () => {
  const counters = parseCounters(`Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
FWM  5 IPv6                              0        0        0        0        0
  -> [2001:db8::5]:0                     1        2        3        4        5
FWM  80                                  8       36       16     2304     1468
  -> 10.8.8.34:0                         8       36       16     2304     1468
`)
  expect(counters.get('fwmark6 5 [2001:db8::5]:0')).toEqual({ connections: 1, packetsIn: 2, bytesIn: 4 })
  expect(counters.get('fwmark 80 10.8.8.34:0')).toEqual({ connections: 8, packetsIn: 36, bytesIn: 2_304 })
  const bound = parsePersistent(`Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn 
  -> RemoteAddress:Port
TCP  10.10.1.30:8000 rr
  -> 10.8.8.33:8080               141       0           1          0         
FWM  80 wlc persistent 30
  -> 10.8.8.34:0                  100       1           4          0         
`)
  expect([...bound]).toEqual([
    ['tcp 10.10.1.30:8000 10.8.8.33:8080', 0],
    ['fwmark 80 10.8.8.34:0', 1],
  ])
})
