/** Writing: the least edits, in the layout of their neighbours, and never what the original would refuse. */
import { describe, expect, test } from 'vitest'
import { directive } from './directives.ts'
import type { BlockDraft, Draft } from './draft.ts'
import { applyEdits, newDocument, read, valueIn, withValue, write, writtenName, writtenValue } from './draft.ts'
import { parse } from './syntax.ts'

const text = `# our site
primary = 192.0.2.1
keepalive = 6

virtual web {
	active = 1
	# the old one
	address = 192.0.2.9 eth0:1
	send = "GET / HTTP/1.0\\r\\n\\r\\n"
	server a {
		address = 10.0.0.1
	}
	server b {
		address = 10.0.0.2
	}
}
`

function edited(change: (draft: Draft) => Draft, of = text): string {
  const tree = parse(of)
  return applyEdits(of, write(tree, change(read(tree))))
}

function global(name: string, value: string | undefined, shoal?: true) {
  return (draft: Draft): Draft => ({ ...draft, settings: withValue(draft.settings, name, value, shoal) })
}

function firstBlock(by: (block: BlockDraft) => BlockDraft) {
  return (draft: Draft): Draft => ({
    ...draft,
    blocks: draft.blocks.map((block, at) => (at === 0 ? by(block) : block)),
  })
}

const replaced = (old: string, fresh: string, of = text): string => {
  expect(of).toContain(old)
  return of.replace(old, () => fresh)
}

describe('one thing changed', () => {
  test('a value goes where the old one stood', () => {
    expect(edited(global('keepalive', '2'))).toBe(replaced('keepalive = 6', 'keepalive = 2'))
    expect(edited(global('keepalive', '2'), 'a = 1\n keepalive  =\t6 \t\n')).toBe('a = 1\n keepalive  =\t2 \t\n')
    expect(edited(global('keepalive', '2'), 'keepalive=6 # x\n')).toBe('keepalive=2 # x\n')
  })

  test('a value that was missing is filled in', () => {
    expect(edited(global('keepalive', '2'), 'keepalive =\n')).toBe('keepalive = 2\n')
    expect(edited(global('keepalive', '2'), 'keepalive')).toBe('keepalive = 2')
  })

  test('the last of repeated keys is the one that is set', () => {
    expect(edited(global('keepalive', '2'), 'keepalive = 6\nkeepalive = 7\n')).toBe('keepalive = 6\nkeepalive = 2\n')
  })

  test('a text keeps its kind of quotes, and a blank behind a quoted word goes', () => {
    expect(edited(firstBlock((block) => ({ ...block, settings: withValue(block.settings, 'send', 'x') })))).toBe(
      replaced('"GET / HTTP/1.0\\r\\n\\r\\n"', '"x"'),
    )
    expect(edited(global('active_cmd', '/b'), "active_cmd = '/a'\n")).toBe("active_cmd = '/b'\n")
    expect(edited(global('active_cmd', '/b'), 'active_cmd = "/a c"  \n')).toBe('active_cmd = "/b"\n')
  })

  test('a new directive comes in canonical order and in the indentation of its neighbours', () => {
    expect(edited(global('deadtime', '18'))).toBe(replaced('keepalive = 6\n', 'keepalive = 6\ndeadtime = 18\n'))
    expect(edited(global('serial_no', '1'))).toBe(replaced('primary =', 'serial_no = 1\nprimary ='))
    expect(edited(firstBlock((block) => ({ ...block, settings: withValue(block.settings, 'port', '443') })))).toBe(
      replaced('eth0:1\n', 'eth0:1\n\tport = 443\n'),
    )
    expect(edited(global('service', 'lvs'), 'virtual v {\n}\n')).toBe('service = lvs\nvirtual v {\n}\n')
  })

  test("Shoal's own directives are comments, behind the others", () => {
    expect(edited(global('keepalive_ms', '200', true))).toBe(
      replaced('keepalive = 6\n', 'keepalive = 6\n# shoal: keepalive_ms = 200\n'),
    )
    const once = edited(global('keepalive_ms', '200', true))
    expect(edited(global('keepalive_ms', '100', true), once)).toBe(once.replace('200', '100'))
    expect(edited(global('keepalive_ms', undefined, true), once)).toBe(text)
  })

  test('a removed directive takes its line with it', () => {
    expect(edited(global('keepalive', undefined))).toBe(replaced('keepalive = 6\n', ''))
    expect(edited(global('keepalive', ''))).toBe(replaced('keepalive = 6\n', ''))
  })

  test('a port is never put behind the real servers, where the original would not see it in time', () => {
    const after = edited(
      firstBlock((block) => ({ ...block, settings: withValue(block.settings, 'port', '443') })),
      'virtual v {\n     server a {\n     }\n     active = 1\n}\n',
    )
    expect(after.indexOf('port')).toBeLessThan(after.indexOf('server'))
  })
})

describe('blocks', () => {
  test('are renamed in place', () => {
    expect(edited(firstBlock((block) => ({ ...block, name: 'www' })))).toBe(replaced('virtual web', 'virtual www'))
    expect(edited(firstBlock((block) => ({ ...block, name: 'two words' })))).toBe(
      replaced('virtual web', 'virtual "two words"'),
    )
  })

  test('are added behind the one before them, in the layout of the file', () => {
    const server = { name: 'c', settings: [{ name: 'address', value: '10.0.0.3' }] }
    expect(edited(firstBlock((block) => ({ ...block, servers: [...block.servers, server] })))).toBe(
      replaced('10.0.0.2\n\t}\n', '10.0.0.2\n\t}\n\tserver c {\n\t\taddress = 10.0.0.3\n\t}\n'),
    )
    const block: BlockDraft = {
      kind: 'virtual',
      name: 'dns',
      settings: [
        { name: 'protocol', value: 'udp' },
        { name: 'active', value: '0' },
      ],
      servers: [server],
    }
    expect(edited((draft) => ({ ...draft, blocks: [...draft.blocks, block] }))).toBe(
      `${text}virtual dns {\n\tactive = 0\n\tprotocol = udp\n\tserver c {\n\t\taddress = 10.0.0.3\n\t}\n}\n`,
    )
    expect(edited((draft) => ({ ...draft, blocks: [{ ...block, servers: [] }, ...draft.blocks] }))).toBe(
      replaced('virtual web', 'virtual dns {\n\tactive = 0\n\tprotocol = udp\n}\nvirtual web'),
    )
  })

  test('are removed with what is in them', () => {
    expect(edited((draft) => ({ ...draft, blocks: [] }))).toBe(text.slice(0, text.indexOf('virtual')))
    expect(edited(firstBlock((block) => ({ ...block, servers: block.servers.slice(1) })))).toBe(
      replaced('\tserver a {\n\t\taddress = 10.0.0.1\n\t}\n', ''),
    )
  })

  test('of the same name are told apart by what is in them', () => {
    const twins = 'virtual v {\n active = 0\n}\nvirtual v {\n active = 1\n}\n'
    expect(edited((draft) => ({ ...draft, blocks: draft.blocks.slice(1) }), twins)).toBe(
      'virtual v {\n active = 1\n}\n',
    )
  })

  test('change places with the comments in them', () => {
    const two = 'virtual a {\n # of a\n}\nvirtual b {\n # of b\n}\n'
    expect(edited((draft) => ({ ...draft, blocks: draft.blocks.toReversed() }), two)).toBe(
      'virtual b {\n # of b\n}\nvirtual a {\n # of a\n}\n',
    )
  })
})

describe('the file around', () => {
  test('keeps its line ends', () => {
    expect(edited(global('deadtime', '9'), 'keepalive = 2\r\nvirtual v {\r\n}\r\n')).toBe(
      'keepalive = 2\r\ndeadtime = 9\r\nvirtual v {\r\n}\r\n',
    )
    expect(edited(global('deadtime', '9'), 'keepalive = 2')).toBe('keepalive = 2\ndeadtime = 9')
    expect(edited(global('deadtime', '9'), '')).toBe('deadtime = 9\n')
  })

  test('keeps a byte order mark, unknown directives and lines that are none', () => {
    const odd = '\uFEFFkeepalive = 2\nfoo = bar baz\n<% erb %>\nvirtual v {\n ; x\n}\n'
    expect(edited(global('keepalive', '3'), odd)).toBe(odd.replace('2', '3'))
    expect(valueIn(read(parse(odd)).settings, 'foo')).toBe('bar baz')
  })

  test('a block on one line is written anew when it must change', () => {
    expect(
      edited(
        firstBlock((block) => ({ ...block, name: 'w' })),
        'virtual v { active = 1 }\n',
      ),
    ).toBe('virtual w {\n}\n')
  })
})

describe('what can be written', () => {
  const send = directive('virtual', 'send')
  const word = directive('global', 'rsh_command')
  const placed = directive('virtual', 'address')

  test.for<[Parameters<typeof writtenValue>, string | undefined]>([
    [[word, 'ssh'], 'ssh'],
    [[word, 'ssh -q'], '"ssh -q"'],
    [[word, 'a"b'], 'a"b'],
    [[word, '"a'], '""a"'],
    [[word, 'say "x"'], '\'say "x"\''],
    [[word, `a "b' c`], undefined],
    [[word, ''], undefined],
    [[word, 'a\nb'], undefined],
    [[send, ''], '""'],
    [[send, 'a"b'], '"a"b"'],
    [[send, "it's", "'"], "'it's'"],
    [[placed, '10.0.0.1 eth0:1'], '10.0.0.1 eth0:1'],
    [[placed, '10.0.0.1'], '10.0.0.1'],
    [[placed, '10.0.0.1 eth0:1 x'], undefined],
    [[undefined, 'a b'], '"a b"'],
  ])('%j', ([args, expected]) => {
    expect(writtenValue(...args)).toBe(expected)
  })

  test('names', () => {
    expect(writtenName('[server_name]')).toBe('[server_name]')
    expect(writtenName('a b')).toBe('"a b"')
    expect(writtenName('')).toBeUndefined()
    expect(writtenName('"a"')).toBeUndefined()
  })

  test('what cannot be written leaves the file as it is', () => {
    expect(edited(global('keepalive', '2\n3'))).toBe(text)
    expect(edited(firstBlock((block) => ({ ...block, name: '' })))).toBe(text)
  })
})

test('a document from nothing has the layout of the web tool', () => {
  const draft: Draft = {
    settings: [
      { name: 'deadtime_ms', value: '600', shoal: true },
      { name: 'network', value: 'direct' },
      { name: 'primary', value: '192.0.2.1' },
      { name: 'backup_shared', value: '' },
    ],
    blocks: [
      {
        kind: 'virtual',
        name: 'web',
        settings: [
          { name: 'rise', value: '2', shoal: true },
          { name: 'expect', value: 'HTTP' },
          { name: 'address', value: '192.0.2.9 eth0:1' },
          { name: 'active', value: '1' },
        ],
        servers: [
          {
            name: 'a',
            settings: [
              { name: 'weight', value: '1' },
              { name: 'address', value: '10.0.0.1' },
            ],
          },
        ],
      },
      { kind: 'failover', name: 'f', settings: [], servers: [] },
    ],
  }
  expect(newDocument(draft)).toBe(`primary = 192.0.2.1
network = direct
# shoal: deadtime_ms = 600
failover f {
}
virtual web {
     active = 1
     address = 192.0.2.9 eth0:1
     expect = "HTTP"
     # shoal: rise = 2
     server a {
         address = 10.0.0.1
         weight = 1
     }
}
`)
})
