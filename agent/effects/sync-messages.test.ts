/** Connections as the kernel tells and hears them: lines of its table in, bytes of its sync protocol out. */
import { describe, expect, it } from 'vitest'
import {
  addressHex,
  chooser,
  forgetter,
  givingFor,
  isWorthReading,
  parseConnection,
  type Connection,
} from '../../domain/ipvs/connections.ts'
import { pair, web, withWeb } from '../../test/simulator/clusters.ts'
import { syncMessages, type ToldConnection } from './sync-messages.ts'

/** As a kernel 6.1 printed them in the lab. */
const heading = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData'
const established = 'TCP C0A80201 95E0 C0A8021B 0050 C0A802F3 0050 ESTABLISHED     899'
const six =
  'TCP 2001:0db8:0000:0000:0000:0000:0000:0001 95E0 2001:0db8:0000:0000:0000:0000:0000:0027 0050 2001:0db8:0000:0000:0000:0000:0000:0111 0050 SYN_RECV         59'

function read(line: string): Connection {
  const connection = parseConnection(line)
  if (!connection) throw new Error(`not read: ${line}`)
  return connection
}

const state = (name: string, expires: number): Connection =>
  read(`TCP C0A80201 95E0 C0A8021B 0050 C0A802F3 0050 ${name.padEnd(11)} ${expires}`)

describe('a line of the table of connections', () => {
  it('is read, IPv4 and IPv6', () => {
    expect(read(established)).toEqual({
      protocol: 'tcp',
      client: 'C0A80201',
      clientPort: 38_368,
      virtual: 'C0A8021B',
      virtualPort: 80,
      server: 'C0A802F3',
      serverPort: 80,
      state: 'ESTABLISHED',
      expiresS: 899,
    })
    expect(read(six).virtual).toBe('20010DB8000000000000000000000027')
  })

  it('is none when it is the heading, another protocol, or torn', () => {
    for (const line of [heading, '', established.slice(0, 40), established.replace('TCP', 'SCT')])
      expect(parseConnection(line)).toBeNull()
  })

  it('has its addresses as a configuration means them', () => {
    expect(addressHex('192.168.2.27')).toBe('C0A8021B')
    expect(addressHex('2001:db8::27')).toBe('20010DB8000000000000000000000027')
    expect(addressHex('::1')).toBe('00000000000000000000000000000001')
    expect(addressHex('2001:db8:1:2:3:4:5:6')).toBe('20010DB8000100020003000400050006')
  })
})

describe('given are', () => {
  const choose = chooser(givingFor(pair))

  it('connections that go on, with the number of their state', () => {
    expect(choose(read(established))).toEqual({ template: false, mark: 0, state: 1, active: true })
    expect(choose(state('SYN_RECV', 59))).toMatchObject({ state: 3, active: true })
    expect(choose(state('CLOSE_WAIT', 59))).toMatchObject({ state: 7, active: false })
  })

  it('not those that are over, nor those whose client closed a while ago', () => {
    for (const name of ['TIME_WAIT', 'CLOSE', 'ERR!']) expect(choose(state(name, 100))).toBeNull()
    expect(choose(state('FIN_WAIT', 119))).toMatchObject({ state: 4, active: false })
    expect(choose(state('FIN_WAIT', 105))).toBeNull()
    const patient = { ...pair, timeouts: { tcpS: 0, tcpFinS: 30, udpS: 0 } }
    expect(chooser(givingFor(patient))(state('FIN_WAIT', 29))).not.toBeNull()
  })

  it('found by a first look at the columns, which lets through whatever may be given', () => {
    const giving = givingFor(pair)
    const lines = [
      'ESTABLISHED',
      'FIN_WAIT',
      'TIME_WAIT',
      'CLOSE',
      'CLOSE_WAIT',
      'LAST_ACK',
      'SYN_RECV',
      'NONE',
    ].flatMap((name) =>
      [5, 105, 115, 900].map(
        (s) => `TCP C0A80201 95E0 C0A8021B 0050 C0A802F3 0050 ${name.padEnd(11)} ${`${s}`.padStart(7)}`,
      ),
    )
    for (const line of lines)
      expect(isWorthReading(line, giving), line).toBe(choose(read(line)) !== null || /NONE/.test(line))
    expect(isWorthReading(six, giving)).toBe(true)
  })

  it('not those of services that are not ours', () => {
    expect(choose({ ...read(established), virtualPort: 81 })).toBeNull()
    expect(choose({ ...read(established), virtual: 'C0A80263' })).toBeNull()
    expect(choose({ ...read(established), protocol: 'udp' })).toBeNull()
    expect(chooser(givingFor(withWeb(pair, { port: 0 })))({ ...read(established), virtualPort: 81 })).not.toBeNull()
  })

  it('what binds clients by persistence, of services that are persistent', () => {
    const bound = { ...read(established), clientPort: 0, state: 'NONE', expiresS: 250 }
    expect(choose(bound)).toBeNull()
    expect(chooser(givingFor(withWeb(pair, { persistentS: 300 })))(bound)).toEqual({
      template: true,
      mark: 0,
      state: 0,
      active: true,
    })
  })

  it('those of a firewall mark, with the mark', () => {
    const marked = chooser(givingFor(withWeb(pair, { fwmark: 5, persistentS: 300, markPorts: [{ from: 80, to: 90 }] })))
    expect(marked({ ...read(established), virtualPort: 85 })).toMatchObject({ mark: 5, template: false })
    expect(marked({ ...read(established), virtualPort: 91 })).toBeNull()
    const bound = read('IP  C0A80201 0000 00000005 0000 C0A802F3 0000 NONE            250')
    expect(marked(bound)).toEqual({ template: true, mark: 5, state: 0, active: true })
    expect(choose(bound)).toBeNull()
  })

  it('none of a virtual server that is not active', () => {
    expect(chooser(givingFor({ ...pair, virtualServers: [{ ...web, active: false }] }))(read(established))).toBeNull()
  })
})

describe('forgotten are', () => {
  const forget = forgetter(givingFor(pair))
  const own = { server: 'C0A8021B', serverPort: 80, expiresS: 1 }
  const closed = { template: false, mark: 0, state: 6, active: true }

  it('connections that are over, as closed ones of this host itself', () => {
    for (const over of [state('TIME_WAIT', 100), state('CLOSE', 5), state('FIN_WAIT', 105)])
      expect(forget(over)).toEqual([{ ...over, ...own }, closed])
  })

  it('all that is not given for being over, and nothing that is given', () => {
    const choose = chooser(givingFor(pair))
    for (const name of ['ESTABLISHED', 'FIN_WAIT', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'SYN_RECV'])
      for (const s of [5, 105, 115, 900]) {
        const connection = state(name, s)
        expect(forget(connection) === null, `${name} ${s}`).toBe(choose(connection) !== null)
      }
  })

  it('not those of services that are not ours, nor what binds clients', () => {
    const over = state('TIME_WAIT', 100)
    for (const not of [{ virtualPort: 81 }, { virtual: 'C0A80263' }, { clientPort: 0 }])
      expect(forget({ ...over, ...not })).toBeNull()
    expect(forget(read('UDP C0A80201 95E0 C0A8021B 0050 C0A802F3 0050 UDP             250'))).toBeNull()
  })

  it('told to the own kernel with the words of a local connection', () => {
    const [message] = syncMessages([forget(state('FIN_WAIT', 20)) ?? [state('NONE', 1), closed]], 'local', 7)
    expect(message?.subarray(8).toString('hex')).toBe(
      [
        '00060024', // IPv4, TCP, version 0, 36 bytes
        '00000001', // local, and not the end of a connection that is known by another real server (ip_vs_proc_conn)
        '000695e000500050', // CLOSE, ports
        '0000000000000001', // no mark, 1 s
        'c0a80201c0a8021bc0a8021b',
      ].join(''),
    )
  })
})

describe('a sync message', () => {
  const told = { template: false, mark: 0, state: 1, active: true }

  it('has the bytes that a kernel reads (ip_vs_sync.c, version 1)', () => {
    const [message] = syncMessages([[read(established), told]], 'direct', 7)
    expect(message?.toString('hex')).toBe(
      [
        '0007002c01010000', // reserved, id 7, 44 bytes, one connection, version 1
        '00060024', // IPv4, TCP, version 0, 36 bytes
        '00000003', // direct routing
        '000195e000500050', // ESTABLISHED, ports
        '0000000000000383', // no mark, 899 s
        'c0a80201c0a8021bc0a802f3',
      ].join(''),
    )
  })

  it('says what a connection is by its flags', () => {
    const flags = (change: Partial<typeof told>, forwarding: 'nat' | 'direct' | 'tunnel'): number | undefined =>
      syncMessages([[read(established), { ...told, ...change }]], forwarding, 0)[0]?.readUInt32BE(12)
    expect(flags({}, 'nat')).toBe(0)
    expect(flags({ active: false }, 'tunnel')).toBe(0x0102)
    expect(flags({ template: true }, 'direct')).toBe(0x1003)
  })

  it('of IPv6 has 72 bytes per connection', () => {
    const [message] = syncMessages([[read(six), { ...told, state: 3 }]], 'nat', 1)
    expect(message?.length).toBe(80)
    expect(message?.subarray(8, 12).toString('hex')).toBe('01060048')
    expect(message?.subarray(-16).toString('hex')).toBe('20010db8000000000000000000000111')
  })

  it('is no longer than a frame holds; many connections take many', () => {
    const many: ToldConnection[] = Array.from({ length: 100 }, (_, n) => [
      { ...read(established), clientPort: n + 1 },
      told,
    ])
    const messages = syncMessages(many, 'direct', 1)
    expect(messages.every((m) => m.length <= 1_472 && m.readUInt16BE(2) === m.length)).toBe(true)
    expect(messages.map((m) => m[4])).toEqual([38, 38, 24])
    expect(syncMessages([], 'direct', 1)).toEqual([])
  })
})
