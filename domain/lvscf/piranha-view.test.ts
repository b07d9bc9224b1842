/** What surprises in Piranha's own reading is told at its place, and what its web tool would lose. */
import { describe, expect, test } from 'vitest'
import { piranhaView } from './piranha-view.ts'
import { throughWebTool } from './web-tool.ts'

const head = 'primary = 192.0.2.1\nbackup = 192.0.2.2\nhard_shutdown = 0\nnetwork = direct\n'
const virtual = (lines: string, server = ''): string =>
  `${head}virtual web {\nactive = 1\naddress = 192.0.2.9 eth0:1\n${lines}\nserver a {\naddress = 10.0.0.1\nactive = 1\n${server}}\n}\n`

function seen(text: string): string[] {
  return piranhaView(text).surprises.map((one) => {
    const line = one.where?.kind === 'text' ? one.where.line : 0
    return `${line} ${one.code.replace('lvscf-', '')}`
  })
}

describe('surprises', () => {
  test.for<[what: string, text: string, surprises: string[]]>([
    ['nothing', virtual('port = 25'), ['3 seen-since']],
    ['CR LF', virtual('port = 25').replaceAll('\n', '\r\n'), ['1 crlf', '3 seen-since']],
    ['where the daemons stop', virtual('port = 25 # mail'), ['3 seen-since', '8 piranha-refuses']],
    ['octal', `${virtual('port = 25')}deadtime = 010\n`, ['3 seen-since', '14 octal']],
    ['private', `${virtual('port = 25')}backup_private = 10.1.0.2\n`, ['3 seen-since', '14 private-half']],
    ['repeated', virtual('port = 25\nport = 26'), ['3 seen-since', '9 repeated']],
    ['port order', `${head}virtual v {\nserver s {\n}\nport = 25\n}\n`, ['3 seen-since', '6 port-order']],
    ['escape', virtual('port = 25\nexpect = "a\\.b"'), ['3 seen-since', '9 escape-unknown', '9 seen-one-read']],
    ['single quotes', virtual("port = 25\nsend = 'x'"), ['3 seen-since', '9 single-quotes']],
    ['program', virtual('send_program = "/bin/c %h"\nexpect = "OK"'), ['3 seen-since', '8 seen-program-failure']],
    [
      'program words',
      virtual('send_program = "/bin/c -h%h \'a b\'"\nexpect = "*"'),
      [
        '3 seen-since',
        '8 seen-program-failure',
        '8 seen-program-words',
        '8 seen-program-token',
        '9 seen-program-exact',
      ],
    ],
    [
      'long program',
      virtual(`send_program = "/bin/c ${'x '.repeat(40)}"\nexpect = "OK"`),
      ['3 seen-since', '8 seen-program-failure', '8 seen-program-long'],
    ],
    ['silent', virtual('port = 25\nexpect = ""'), ['3 seen-since', '9 seen-expect-empty']],
    ['timeout', virtual('port = 25\ntimeout = 0'), ['3 seen-since', '9 seen-timeout-zero']],
    ['persistent', virtual('port = 25\npersistent = 1000000000'), ['3 seen-since', '9 seen-persistent']],
    ['sorry', virtual('port = 25\nsorry_server = 10.0.0.9'), ['3 seen-since', '9 seen-sorry']],
    ['ruptime', virtual('port = 25\nload_monitor = ruptime'), ['3 seen-since', '9 seen-ruptime']],
    ['slow start', virtual('port = 25', 'weight = 100\n'), ['3 seen-since', '5 seen-slow-start']],
    ['weight 0', virtual('port = 25', 'weight = 0\n'), ['3 seen-since', '12 weight-zero']],
    ['hard shutdown', virtual('port = 25').replace('hard_shutdown = 0\n', ''), ['1 seen-hard-shutdown']],
    [
      'failback',
      virtual('port = 25').replace('hard_shutdown = 0', 'backup_active = 1\nhard_shutdown = 0'),
      ['3 seen-no-failback', '4 seen-since'],
    ],
    ['commands', `active_cmd = x\n${virtual('port = 25')}`, ['1 seen-command', '4 seen-since']],
    ['busy', `keepalive = 0\n${virtual('port = 25')}`, ['1 seen-keepalive-zero', '4 seen-since']],
    [
      'own',
      `# shoal: keepalive_ms = 200\n# shoal: failback = on\n${virtual('port = 25')}`,
      ['1 seen-own-instead', '2 seen-own', '5 seen-since'],
    ],
    ['udp', virtual('port = 53\nprotocol = udp'), ['3 seen-since', '9 udp-unchecked']],
  ])('%s', ([, text, expected]) => {
    expect(seen(text)).toEqual(expected)
  })
})

describe('the web tool', () => {
  const losses = (text: string): string[] =>
    piranhaView(text).webTool.losses.map((one) => one.code.replace('lvscf-', ''))
  const gui =
    'serial_no = 1\nprimary = 192.0.2.1\nservice = lvs\nvirtual web {\n     active = 0\n     port = 80\n     server a {\n         address = 10.0.0.1\n         active = 1\n     }\n}\n'

  test('keeps a file in its own layout', () => {
    expect(throughWebTool(gui)).toBe(gui)
    expect(losses(gui)).toEqual([])
  })

  test('loses comments, what it does not know, and what it cannot split', () => {
    expect(losses(`# c\n${gui}`)).toEqual(['web-comments'])
    expect(losses(`hard_shutdown = 0\nactive_cmd = "/bin/x"\n${gui}`)).toEqual(['web-loses', 'web-loses'])
    expect(losses(gui.replace('primary = ', 'primary\t= '))).toEqual(['web-loses'])
    expect(losses(gui.replace('primary = 192', 'primary =  192'))).toEqual([])
  })

  test('turns an inactive virtual server on by a blank line behind a real server', () => {
    const text = gui.replace('     }\n}', '     }\n\n}')
    expect(throughWebTool(text)).toContain('virtual web {\n     active = 1\n')
    expect(losses(text)).toEqual(['web-changes'])
  })

  test('makes another virtual server of a blank line behind an opening one', () => {
    expect(losses(gui.replace('web {\n', 'web {\n\n'))).toContain('web-more')
  })

  test('cuts long lines with their end, so that the daemons refuse the file', () => {
    const text = gui.replace('     server a', `     send_program = "/bin/c ${'x'.repeat(300)}"\n     server a`)
    expect(losses(text)).toContain('web-refused')
  })

  test('breaks off at braces in values and leaves the file alone', () => {
    const text = gui.replace('port = 80', 'send = "{ x"')
    expect(throughWebTool(text)).toBeUndefined()
    expect(losses(text)).toEqual(['web-breaks'])
  })
})
