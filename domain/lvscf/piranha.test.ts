/** The original's reader, rule by rule. The expectations follow from its grammar, not from this code. */
import { describe, expect, test } from 'vitest'
import { asPiranha, utf8Bytes } from './piranha.ts'
import type { PiranhaBlock, PiranhaReading } from './piranha.ts'

const readText = (text: string): PiranhaReading => asPiranha(utf8Bytes(text))
const readBytes = (bytes: string): PiranhaReading => asPiranha(Uint8Array.from(bytes, (char) => char.charCodeAt(0)))

function global(text: string, key: string): unknown {
  const reading = readText(text)
  return reading.accepts === true ? reading.global[key] : reading
}

function firstBlock(text: string): PiranhaBlock {
  const reading = readText(text)
  const block = reading.accepts === true ? reading.blocks[0] : undefined
  if (!block) throw new Error(JSON.stringify(reading))
  return block
}

const refused = (line: number, reason: string): unknown => ({ accepts: false, line, reason })
const crash = { accepts: null, reason: 'crash' }

describe('the file', () => {
  test.for<[string, unknown]>([
    ['', refused(0, 'Empty configuration')],
    ['x', refused(1, 'unknown command')],
    ['\n\n\nx\n', refused(4, 'unknown command')],
    ['# x\n  # y\n\tx', refused(3, 'unknown command')],
    ['}\n', refused(1, 'unknown command')],
    ['"}"\n', refused(1, 'unknown command')],
    ['server a {\n}\n', refused(1, 'unknown command')],
    ['\u00A0primary = 1.2.3.4\n', refused(1, 'unknown command')],
  ])('%j', ([text, expected]) => {
    expect(readText(text)).toEqual(expected)
  })

  test('a line of blanks, a newline alone and comments are a valid file', () => {
    for (const text of ['\n', ' \t\n', '# c', '#', '\n# c\n\n']) expect(readText(text).accepts).toBe(true)
  })

  test('CR LF hides every line but the first, and what follows the last CR is read again', () => {
    expect(global('keepalive = 7\r\nkeepalive = 8\r\nkeepalive = 9\r\n', 'keepalive')).toBe(7)
    expect(global('keepalive = 7\r\nkeepalive = 8\r\nkeepalive = 9\n', 'keepalive')).toBe(9)
    expect(readText('keepalive = 7\r\nx y\r\nfoo\n')).toEqual(refused(4, 'unknown command'))
  })

  test('CR at the end of line 1 alone is harmless; CR alone ends every line', () => {
    expect(global('keepalive = 7\rdeadtime = 9\nserial_no = 3\n', 'serial_no')).toBe(3)
    expect(global('keepalive = 7\rdeadtime = 9\r', 'deadtime')).toBe(9)
  })

  test('a CR further down joins the lines above it', () => {
    expect(readText('keepalive = 7\ndeadtime = 9\r\n')).toEqual(refused(1, 'unexpected arguments'))
    // Here the joined line begins with a comment, and with a blank line: both are skipped whole.
    expect(global('# c\nkeepalive = 7\r\nserial_no = 4\n', 'keepalive')).toBe(2)
    expect(global('\nkeepalive = 7\r\nserial_no = 4\n', 'keepalive')).toBe(2)
  })

  test('NUL at the start of a line ends the file, elsewhere it crashes', () => {
    expect(global('keepalive = 7\n\0x\n', 'keepalive')).toBe(7)
    for (const text of ['keepalive = 7\0\n', '# c\0\n', ' \0', 'virtual v {\n send = "a\0b"\n}\n']) {
      expect(readText(text)).toEqual(crash)
    }
    expect(global('keepalive = 7\r\0', 'keepalive')).toBe(7)
  })

  test('bytes that are no UTF-8 are read, and shown as replacement characters', () => {
    const reading = readBytes('virtual \xCD\xF8\xD5\xBE {\n}\nvirtual a\xE7\xBDb {\n}\nvirtual \xE7\xBD\x91 {\n}\n')
    if (reading.accepts !== true) throw new Error('refused')
    expect(reading.blocks.map((block) => block.name)).toEqual(['\uFFFD\uFFFD\u057E', 'a\uFFFDb', '网'])
  })
})

describe('words', () => {
  test.for<[string, unknown]>([
    ['serial_no', refused(1, 'equal (=) expected after command')],
    ['serial_no 7', refused(1, 'equal (=) expected after command')],
    ['serial_no =7', refused(1, 'equal (=) expected after command')],
    ['serial_no= 7', refused(1, 'unknown command')],
    ['serial_no =', refused(1, 'missing arguments')],
    ['serial_no = 7 8', refused(1, 'unexpected arguments')],
    ['serial_no = 7#c', refused(1, 'integer expected')],
    ['active_cmd = "x"junk', refused(1, 'quotation mismatch')],
    ['active_cmd = "x" ', refused(1, 'quotation mismatch')],
    ['active_cmd = "x" # "', refused(1, 'integer expected')],
    ['active_cmd = "a \\"b\\" c"', refused(1, 'unexpected arguments')],
    ['active_cmd = “a b”', refused(1, 'unexpected arguments')],
    ['active_cmd = \'a"', refused(1, 'quotation mismatch')],
    ['"active_cmd" = x', refused(1, 'quotation mismatch')],
    ['active_cmd "=" x', refused(1, 'quotation mismatch')],
  ])('%j', ([text, expected]) => {
    // The one line whose quotes happen to match is read.
    if (text === 'active_cmd = "x" # "') expect(global(text, 'active_cmd')).toBe('x" # ')
    else expect(readText(text)).toEqual(expected)
  })

  test.for<[string, string]>([
    ['"a b"', 'a b'],
    ["'a b'", 'a b'],
    ['"a b" ', 'a b'],
    ['"a # b"', 'a # b'],
    ['"{ }"', '{ }'],
    ['""', ''],
    ['"', ''],
    ["'", ''],
    ['" "', ' '],
    ['"a"b"', 'a"b'],
    ['a"b', 'a"b'],
    ['#x', '#x'],
    ['"a b\' c"', "a b' c"],
  ])('active_cmd = %s is %j', ([value, expected]) => {
    expect(global(`active_cmd = ${value}\n`, 'active_cmd')).toBe(expected)
  })

  test('99 words are kept, the rest is not seen', () => {
    const many = (count: number): string => `dirs = [ ${'a '.repeat(count)}]`
    expect(readText(`virtual v {\n${many(95)}\n}\n`).accepts).toBe(true)
    expect(readText(`virtual v {\n${many(96)}\n}\n`)).toEqual(refused(2, 'list expected'))
    expect(readText(`virtual v {\ndirs = [ ] ${'a '.repeat(200)}\n}\n`).accepts).toBe(true)
  })
})

describe('values', () => {
  test.for<[string, unknown]>([
    ['010', 8],
    ['0x10', 16],
    ['0X1f', 31],
    ['+5', 5],
    ['-5', -5],
    ['-0x10', -16],
    ['" 7"', 7],
    ['0', 0],
    ['00', 0],
    ['""', 0],
    ['2147483648', -2147483648],
    ['4294967295', -1],
    ['4294967301', 5],
    ['9223372036854775807', -1],
    ['99999999999999999999', -1],
    ['-99999999999999999999', 0],
  ])('keepalive = %s is %d', ([value, expected]) => {
    expect(global(`keepalive = ${value}`, 'keepalive')).toBe(expected)
  })

  test.for(['08', '0x', '7s', '"7 "', '" "', '-', 'x', '1.5', '1e3'])('keepalive = %s is no integer', (value) => {
    expect(readText(`keepalive = ${value}`)).toEqual(refused(1, 'integer expected'))
  })

  test('booleans are the integers 0 and 1', () => {
    expect(global('backup_active = 0x1', 'backup_active')).toBe(1)
    expect(readText('backup_active = 2')).toEqual(refused(1, 'boolean expected'))
    expect(readText('backup_active = yes')).toEqual(refused(1, 'integer expected'))
    expect(global('monitor_links = -3', 'monitor_links')).toBe(-3)
  })

  test.for<[string, unknown]>([
    ['10.1', '10.0.0.1'],
    ['10.1.2', '10.1.0.2'],
    ['3232235777', '192.168.1.1'],
    ['010.0.0.1', '8.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['"10.0.0.1 x"', '10.0.0.1'],
    ['localhost', '127.0.0.1'],
    ['LOCALHOST', '127.0.0.1'],
    ['10.0.0.256', refused(1, 'invalid argument')],
    ['10.0.0.1.', refused(1, 'invalid argument')],
    ['1.2.3.4.5', refused(1, 'invalid argument')],
    ['256.1', refused(1, 'invalid argument')],
    ['10.0.08.1', refused(1, 'invalid argument')],
    ['10.0.0.1/24', refused(1, 'invalid argument')],
    ['::1', refused(1, 'invalid argument')],
    ['""', refused(1, 'invalid argument')],
    ['0', refused(1, 'invalid host name or ip address')],
  ])('primary = %s is %j', ([value, expected]) => {
    expect(global(`primary = ${value}`, 'primary')).toEqual(expected)
  })

  test('backup may be 0.0.0.0, the private addresses may not', () => {
    expect(global('backup = 0.0.0.0', 'backup')).toBe('0.0.0.0')
    expect(readText('backup_private = 0.0.0.0')).toEqual(refused(1, 'invalid host name or ip address'))
  })

  test('a host name can be looked up when its address is given', () => {
    const reading = asPiranha(utf8Bytes('primary = lvs1.example\n'), new Map([['lvs1.example', '192.0.2.7']]))
    expect(reading.accepts === true && reading.global['primary']).toBe('192.0.2.7')
    expect(readText('primary = lvs1.example\n')).toEqual(refused(1, 'invalid argument'))
  })

  test('private addresses are overwritten when primary_private is missing', () => {
    const text = 'primary = 10.0.0.1\nbackup_private = 10.9.0.2\nbackup = 10.0.0.2\n'
    expect(global(text, 'backup_private')).toBe('10.0.0.2')
    expect(global(`${text}primary_private = 10.9.0.1\n`, 'backup_private')).toBe('10.9.0.2')
    expect(global('backup_private = 10.9.0.2\n', 'backup_private')).toBe('10.9.0.2')
  })

  test('ports may be named in the tcp table, except those of real servers', () => {
    expect(firstBlock('virtual v {\nport = www\n}\n')['port']).toBe(80)
    expect(firstBlock('virtual v {\nprotocol = udp\nport = domain\n}\n')['port']).toBe(53)
    expect(readText('virtual v {\nport = tftp\n}\n')).toEqual(refused(2, 'invalid argument'))
    expect(readText('virtual v {\nport = HTTP\n}\n')).toEqual(refused(2, 'invalid argument'))
    expect(readText('virtual v {\nserver s {\nport = http\n}\n}\n')).toEqual(refused(3, 'integer expected'))
    expect(firstBlock('virtual v {\nport = 70000\n}\n')['port']).toBe(70000)
  })

  test('pmask takes what it can and never complains', () => {
    const pmask = (value: string): unknown => firstBlock(`virtual v {\npmask = ${value}\n}\n`)['pmask']
    expect(pmask('255.255.0.0')).toBe('255.255.0.0')
    expect(pmask('255.255.255.255')).toBe('0.0.0.0')
    expect(pmask('0xffffffff')).toBe('255.255.255.255')
    expect(pmask('nonsense')).toBe('0.0.0.0')
    expect(firstBlock('virtual v {\npmask = 255.0.0.0\npmask = x\n}\n')['pmask']).toBe('255.0.0.0')
    expect(readText('virtual v {\npmask =\n}\n')).toEqual(refused(2, 'missing arguments'))
  })

  test('a sorry server is an address, 0.0.0.0 is none', () => {
    expect(firstBlock('virtual v {\nsorry_server = 10.1\n}\n')['sorry_server']).toBe('10.0.0.1')
    expect(firstBlock('virtual v {\nsorry_server = 0.0.0.0\n}\n')['sorry_server']).toBeNull()
    expect(readText('virtual v {\nsorry_server = localhost\n}\n')).toEqual(
      refused(2, 'invalid host name or ip address'),
    )
  })

  test('the mark is unsigned, other numbers are not', () => {
    expect(firstBlock('virtual v {\nfwmark = -1\n}\n')['fwmark']).toBe(4294967295)
    expect(firstBlock('virtual v {\npersistent = -1\n}\n')['persistent']).toBe(-1)
  })

  test('send, expect and the commands keep their quotes', () => {
    const block = firstBlock(
      'virtual v {\nsend = \'GET /\'\nexpect = HTTP\nsend_program = ""\nstart_cmd = "a b"\nload_monitor = "a b"\n}\n',
    )
    expect(block).toMatchObject({
      send: "'GET /'",
      expect: 'HTTP',
      send_program: '""',
      start_cmd: '"a b"',
      load_monitor: 'a b',
    })
  })

  test('a list without any word crashes', () => {
    expect(readText('virtual v {\ndirs =\n}\n')).toEqual(crash)
    expect(readText('virtual v {\ndirs\n}\n')).toEqual(refused(2, 'equal (=) expected after command'))
    expect(readText('virtual v {\ndirs = [ a\n}\n')).toEqual(refused(2, 'list expected'))
  })
})

describe('blocks', () => {
  test.for<[string, unknown]>([
    ['virtual\n', refused(1, 'missing arguments')],
    ['virtual v\n', refused(1, 'missing arguments')],
    ['virtual v x\n', refused(1, 'missing arguments')],
    ['virtual v { x\n', refused(1, 'unexpected arguments')],
    ['virtual v x y\n', refused(1, 'unexpected arguments')],
    ['virtual "v" {\n', refused(1, 'quotation mismatch')],
    ['virtual v {\nvirtual w {\n', refused(2, 'unknown command')],
    ['virtual v {\nserver s {\nserver t {\n', refused(3, 'unknown command')],
    ['virtual v {\nserver s {\nscheduler = rr\n', refused(3, 'unknown command')],
    ['virtual v {\nserver s {\naddress = 1.2.3.4 eth0\n', refused(3, 'unexpected arguments')],
    ['virtual v {\naddress = 1.2.3.4\n', refused(2, 'missing arguments')],
    ['virtual v {\nnmask = 255.0.0.0\n', refused(2, 'unknown command')],
  ])('%j', ([text, expected]) => {
    expect(readText(text)).toEqual(expected)
  })

  test('the end of the file closes what is open, and anything may follow a closing brace', () => {
    const block = firstBlock('virtual v {\nserver s {\naddress = 10.0.0.9\n} # end\n} junk "x\nserial_no = 3\n')
    expect(block.servers).toEqual([{ name: 's', address: '10.0.0.9', active: 0, port: 80, weight: 1 }])
    expect(firstBlock('virtual "two words" {\n').name).toBe('two words')
    expect(firstBlock('virtual v {\n"}"\nserial_no = 3\n').servers).toEqual([])
  })

  test('a server inherits the port known so far', () => {
    const block = firstBlock('virtual v {\nserver a {\n}\nport = 8080\nserver b {\n}\nserver c {\nport = 1\n}\n}\n')
    expect(block.servers.map((server) => server.port)).toEqual([80, 8080, 1])
  })

  test('the last of two equal keys wins, equal names are two blocks', () => {
    expect(global('keepalive = 3\nkeepalive = 4\n', 'keepalive')).toBe(4)
    const reading = readText('virtual a {\n}\nvirtual a {\n}\n')
    expect(reading.accepts === true && reading.blocks.length).toBe(2)
  })

  test('quotes that do not match are misreported inside a virtual block', () => {
    const inside = (line: string): PiranhaReading => readText(`virtual v {\nactive = 1\n${line}\nport = 8080\n}\n`)
    expect(readText('virtual v {\nsend = "x\n}\n')).toEqual(refused(2, 'quotation mismatch'))
    expect(inside('send = "x')).toEqual(refused(3, 'missing arguments'))
    expect(inside('send "x')).toEqual(refused(3, 'equal (=) expected after command'))
    expect(inside('server "x {')).toEqual(refused(3, 'missing arguments'))
    expect(inside('foo = "x')).toEqual(refused(3, 'unknown command'))
    // What stands before the mismatch is enough here, so the line is read without a word.
    expect(inside('active = 0 "x').accepts).toBe(true)
    // Nothing stands before it: the block ends, and the next line is read outside of it.
    expect(inside('"active" = 0')).toEqual(refused(4, 'unknown command'))
    expect(readText('virtual v {\nserver s {\nactive = "1 x\n}\n}\n')).toEqual(refused(3, 'quotation mismatch'))
  })

  test('failover blocks have the same keys', () => {
    expect(firstBlock('failover f {\nport = 8080\nserver s {\n}\n}\n')).toMatchObject({ kind: 'failover', port: 8080 })
  })
})

test('a reading has every directive with its default', () => {
  const reading = readText('virtual v {\n}\n')
  expect(reading).toEqual({
    accepts: true,
    global: {
      active_cmd: null,
      backup: '0.0.0.0',
      backup_active: 0,
      backup_private: '0.0.0.0',
      backup_shared: null,
      deadtime: 5,
      debug_level: 'NONE',
      hard_shutdown: 1,
      heartbeat: 0,
      heartbeat_port: 539,
      inactive_cmd: null,
      ipvsadm: '/sbin/ipvsadm',
      keepalive: 2,
      monitor_links: 0,
      nat_nmask: '0.0.0.0',
      nat_router: null,
      network: 'nat',
      primary: '0.0.0.0',
      primary_private: '0.0.0.0',
      primary_shared: null,
      reservation_conflict_action: null,
      rsh_command: 'rsh',
      serial_no: 0,
      service: 'lvs',
      sync: 0,
      syncd_id: 0,
      syncd_iface: 'eth0',
      syncdaemon: 0,
      tcp_timeout: 0,
      tcpfin_timeout: 0,
      udp_timeout: 0,
    },
    blocks: [
      {
        kind: 'virtual',
        name: 'v',
        active: 0,
        address: { address: '0.0.0.0', device: null },
        client_monitor: '/usr/sbin/nanny',
        expect: null,
        fwmark: 0,
        load_monitor: null,
        persistent: 0,
        pmask: '0.0.0.0',
        port: 80,
        protocol: 'tcp',
        quiesce_server: 0,
        reentry: 180,
        scheduler: 'wlc',
        send: null,
        send_program: null,
        servers: [],
        sorry_server: null,
        start_cmd: null,
        stop_cmd: null,
        timeout: 10,
        use_regex: 0,
        vip_nmask: '0.0.0.0',
      },
    ],
  })
})
