/** What the parser recovers from: one mistake is one problem at its place, and the rest of the file is read as if it were not there. */
import { describe, expect, test } from 'vitest'
import { read, valueIn } from './draft.ts'
import { parse, tokens } from './syntax.ts'

function problemsOf(text: string): string[] {
  return parse(text).problems.map((one) => {
    const where = one.where?.kind === 'text' ? `${one.where.line}:${one.where.column}` : ''
    return `${where} ${one.severity} ${one.code.replace('lvscf-', '')}`
  })
}

const inVirtual = (line: string): string => `virtual v {\n${line}\n}\n`

describe('one mistake is one problem', () => {
  test.for<[text: string, problem: string]>([
    ['serial_no = 7 # x', '1:15 warning trailing-comment'],
    ['serial_no = 7 8', '1:15 warning extra-words'],
    ['serial_no =7', '1:1 warning equals-attached'],
    ['serial_no= 7', '1:1 warning equals-attached'],
    ['serial_no=7', '1:1 warning equals-attached'],
    ['serial_no 7', '1:1 warning equals-missing'],
    ['serial_no =', '1:1 block value-missing'],
    ['"serial_no" = 7', '1:1 warning key-quoted'],
    ['Serial_No = 7', '1:1 block misspelt'],
    ['keepalve = 7', '1:1 block misspelt'],
    ['foo = 7', '1:1 block unknown'],
    ['scheduler = wlc', '1:1 block wrong-place'],
    ['; comment', '1:1 block not-understood'],
    ['}', '1:1 warning brace-surplus'],
    ['\uFEFFserial_no = 7', '1:1 warning bom'],
    ['# shoal: keepalive_ms 200', '1:1 warning own-unreadable'],
    ['# shoal: keepalive = 200', '1:10 warning own-unknown'],
    ['nat_router = 10.0.0.1', '1:14 block device-missing'],
    ['nat_router = "10.0.0.1 eth1:1"', '1:14 warning quoting'],
    ['active_cmd = /bin/x a b', '1:14 warning text-unquoted'],
    ['active_cmd = "/bin/x', '1:14 warning quote-open'],
    ['active_cmd = "/bin/x"y', '1:14 warning quoting'],
    ['active_cmd = "/bin/x" ', '1:14 warning quoting'],
    ['active_cmd = "a \\"b\\" c"', '1:14 warning quoting'],
    ['virtual v{\n}', '1:9 warning brace-attached'],
    ['virtual v\n{\n}', '1:1 warning brace-next-line'],
    ['virtual v\n\n# c\n{\n}', '1:1 warning brace-next-line'],
    ['virtual v\nactive = 0\n}', '1:1 warning brace-missing'],
    ['virtual v { # c\n}', '1:13 warning trailing-comment'],
    ['virtual v { x\n}', '1:13 warning extra-words'],
    ['virtual v { active = 1 }', '1:11 block block-inline'],
    ['virtual {\n}', '1:1 block name-missing'],
    ['virtual a b {\n}', '1:9 warning name-blanks'],
    ['virtual "a" {\n}', '1:9 warning name-quoted'],
    ['virtual v {\n}x', '2:2 warning brace-junk'],
    ['virtual v {\n', '1:1 warning block-unclosed-at-end'],
    ['virtual v {\nvirtual w {\n}\n', '1:1 warning block-unclosed'],
    ['virtual v {\nserver s {\nserver t {\n}\n}\n', '2:1 warning block-unclosed'],
    ['server s {\n}', '1:1 block server-outside'],
    [inVirtual('active = 1 }') + 'serial_no = 1\n', ''],
    [inVirtual("send = 'x y'"), '2:8 warning single-quotes'],
    [inVirtual('expect_program = "x"'), '2:1 warning refused-directive'],
    [inVirtual('dirs = a:b'), '2:8 warning list-brackets'],
    [inVirtual('keepalive = 1'), '2:1 block wrong-place'],
    ['serial_no = 7\r\n# x\r\n', '1:14 warning crlf'],
    ['serial_no = 7\r', '1:14 note cr-only'],
    ['serial_no = 7\r\n# x\n', '1:14 note cr-first-line'],
    ['# x\nserial_no = 7\r\n# x\n', '2:14 warning cr-mixed'],
    ['serial_no = 7\n#\0\n', '2:2 block nul'],
  ])('%j', ([text, problem]) => {
    if (problem === '') expect(problemsOf(text)).toEqual(['2:11 warning brace-same-line', '3:1 warning brace-surplus'])
    else expect(problemsOf(text)).toEqual([problem])
  })

  test.for([
    '# c\n \t\nserial_no = 7\n\tprimary\t=\t10.0.0.1 \n',
    'virtual [server_name] {\n} # anything " may follow\n',
    'virtual "two words" {\n\tserver 网站.1 {\n\t}\n}\n',
    'virtual = {\n}\n',
    'active_cmd = "a"b"\ninactive_cmd = "/bin/x y"  \n',
    'virtual v {\n  send = "a # b"\n  expect = "{ }"\n  dirs = [ a:b c:d ] x\n"}"\n',
    '# shoal: keepalive_ms = 200\n#shoal:deadtime_ms=600\n',
    'debug_level = #x\n',
  ])('%j is what the original reads', (text) => {
    expect(problemsOf(text)).toEqual([])
  })
})

test('what was recovered has the value that was meant', () => {
  const value = (line: string): string | undefined => valueIn(read(parse(line)).settings, line.split(/[ =]/)[0] ?? '')
  expect(value('serial_no=7 # seven')).toBe('7')
  expect(value('serial_no = 7 8')).toBe('7')
  expect(value('active_cmd = /bin/x a b # c')).toBe('/bin/x a b')
  expect(value('active_cmd = "/bin/x a')).toBe('/bin/x a')
  expect(value('active_cmd = "a \\"b\\" c"')).toBe('a \\"b\\" c')
  expect(value('nat_router = "10.0.0.1 eth1:1"')).toBe('10.0.0.1 eth1:1')
  expect(value('primary = 1.2.3.2                    3')).toBe('1.2.3.2')
})

test('the rest of the file is read as if the mistake were not there', () => {
  const draft = read(
    parse('virtual v\n{\n active = 1 # on\n server s{\n  weight=3\n }\n}x\nvirtual w {\nport = 8080\nvirtual x {\n}\n'),
  )
  expect(draft).toEqual({
    settings: [],
    blocks: [
      {
        kind: 'virtual',
        name: 'v',
        settings: [{ name: 'active', value: '1' }],
        servers: [{ name: 's', settings: [{ name: 'weight', value: '3' }] }],
      },
      { kind: 'virtual', name: 'w', settings: [{ name: 'port', value: '8080' }], servers: [] },
      { kind: 'virtual', name: 'x', settings: [], servers: [] },
    ],
  })
})

test('tokens name what is what', () => {
  const text = 'virtual v { # c\n  send = "a b" x\n  # shoal: rise = 2\n}\n'
  expect(
    tokens(parse(text))
      .filter((one) => one.kind !== 'space' && one.kind !== 'newline')
      .map((one) => [one.kind, text.slice(one.start, one.end)]),
  ).toEqual([
    ['key', 'virtual'],
    ['value', 'v'],
    ['open', '{'],
    ['junk', '# c'],
    ['key', 'send'],
    ['equals', '='],
    ['string', '"a b"'],
    ['junk', 'x'],
    ['comment', '# shoal: '],
    ['key', 'rise'],
    ['comment', ' = '],
    ['value', '2'],
    ['close', '}'],
  ])
})
