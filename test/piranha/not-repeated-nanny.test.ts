/**
 * What the original's nanny was seen to do, and is not repeated: the same input, as it stands in an lvs.cf, does the sensible thing.
 * Every test reads a file and runs the check it means against a service on the loopback, or a director in the simulator.
 */
import { mkdtemp, writeFile, chmod } from 'node:fs/promises'
import { createSocket } from 'node:dgram'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { closing, serving } from '../../agent/effects/probes/listening.ts'
import { openProbes } from '../../agent/effects/probes/probes.ts'
import type { Outcome } from '../../agent/effects/probes/outcome.ts'
import { tell } from '../../agent/director/story.ts'
import { check } from '../../domain/lvscf/check.ts'
import { pair, web, withWeb } from '../simulator/clusters.ts'
import { running } from '../simulator/running.ts'

const probe = openProbes(null)

function file(lines: readonly string[], port: number): string {
  return `primary = 192.0.2.1
network = direct
virtual web {
 active = 1
 address = 192.0.2.9 eth0:1
 port = ${port}
${lines.map((line) => ` ${line}\n`).join('')} server a {
  address = 127.0.0.1
  active = 1
 }
}
`
}

/** Runs the check of a file once; `timeout` is a second unless the lines say otherwise. */
async function checked(port: number, ...lines: readonly string[]): Promise<Outcome> {
  const text = file(lines.some((line) => line.startsWith('timeout')) ? lines : ['timeout = 1', ...lines], port)
  const { config, problems } = check(text)
  const virtual = config?.virtualServers[0]
  if (!virtual) throw new Error(problems.map(({ code }) => code).join())
  const { address } = virtual.realServers[0] ?? { address: '' }
  const { protocol, check: asked } = virtual
  return probe({ id: 1, service: 's', server: 'r', address, port, protocol, check: asked })
}

const codes = (lines: readonly string[], port = 81): string[] =>
  check(file(lines, port)).problems.map((one) => one.code)

async function program(text: string): Promise<string> {
  const name = path.join(await mkdtemp(path.join(tmpdir(), 'shoal-nanny-')), 'check')
  await writeFile(name, `#!/bin/sh\n${text}\n`)
  await chmod(name, 0o755)
  return name
}

const up = { passed: true }

describe('send and expect', () => {
  it('an unknown escape (`\\.`) is taken literally and said; nanny never came back from it', async () => {
    const heard: string[] = []
    const port = await serving((socket) =>
      socket.on('data', (bytes) => {
        heard.push(bytes.toString())
        socket.end('a\\.b')
      }),
    )
    expect(await checked(port, 'send = "x\\.y"', 'expect = "a\\.b"')).toEqual(up)
    expect(heard).toEqual(['x\\.y'])
    expect(codes(['send = "x\\.y"', 'expect = "z"'])).toContain('lvscf-escape-unknown')
  })

  it('an answer in several packets is one answer; nanny took the first short read for a failure', async () => {
    const port = await serving((socket) => {
      socket.write('HT')
      setTimeout(() => socket.write('TP/1.0 200 OK'), 60)
    })
    expect(await checked(port, 'expect = "HTTP"')).toEqual(up)
  })

  it('an expression sees the answer as far as it comes; nanny looked at one read of 254 bytes', async () => {
    const port = await serving((socket) => {
      socket.write(`${'x'.repeat(1_000)} rea`)
      setTimeout(() => socket.write('dy now'), 60)
    })
    expect(await checked(port, 'expect = "read[y]"', 'use_regex = 1')).toEqual(up)
  })

  it('a broken expression is said when the file is read, and by the check; nanny logged it at every check', async () => {
    const lines = ['expect = "("', 'use_regex = 1']
    expect(codes(lines)).toContain('lvscf-regex-broken')
    expect((await checked(await serving((s) => s.end('x')), ...lines)).says).toContain('cannot be used')
  })

  it('an expression that takes for ever does not', async () => {
    const port = await serving((socket) => socket.write(`${'a'.repeat(20_000)}!`))
    expect(await checked(port, 'expect = "^(a+)+$"', 'use_regex = 1')).toMatchObject({ passed: false })
  })

  it('slashes in send arrive (bug 495102)', async () => {
    const heard: string[] = []
    const port = await serving((socket) =>
      socket.on('data', (bytes) => {
        heard.push(bytes.toString())
        socket.end('HTTP')
      }),
    )
    expect(await checked(port, 'send = "GET /a/b/c HTTP/1.0\\r\\n\\r\\n"', 'expect = "HTTP"')).toEqual(up)
    expect(heard).toEqual(['GET /a/b/c HTTP/1.0\r\n\r\n'])
  })

  it('port 80 with nothing said is asked for a web page (bug 495005)', () => {
    expect(check(file([], 80)).config?.virtualServers[0]?.check).toMatchObject({
      kind: 'send-expect',
      send: 'GET / HTTP/1.0\r\n\r\n',
      expect: 'HTTP',
    })
  })

  it('a refused connection says so; nanny said it only with -v', async () => {
    expect(await checked(1)).toEqual({ passed: false, says: 'connection refused' })
  })

  it('an answer over UDP that nobody expected is fine; nanny died of it', async () => {
    const socket = closing(createSocket('udp4'))
    socket.on('message', (_, from) => socket.send('surprise', from.port, from.address))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    expect(await checked(socket.address().port, 'protocol = udp', 'send = "x"')).toEqual(up)
    expect(await checked(socket.address().port, 'protocol = udp')).toEqual(up)
  })
})

describe('timeout and reentry', () => {
  it('timeout = 0 is refused when the file is read; nanny divided by it', () => {
    expect(codes(['timeout = 0'])).toContain('lvscf-out-of-range')
    expect(check(file(['timeout = 0'], 81)).config).toBeUndefined()
  })

  it('reentry below timeout means the next success', () => {
    expect(check(file(['timeout = 10', 'reentry = 5'], 81)).config?.virtualServers[0]?.check.rise).toBe(1)
  })

  it('a check that takes long does not lengthen the time to the next one; nanny slept after it', () => {
    const world = running(withWeb(pair, { check: { ...web.check, intervalMs: 2_000, timeoutMs: 1_000 } }))
    world.serverHangs('192.168.2.243:80')
    world.run(2_000)
    const checksOf = (at: number): string => world.hosts.lvs1.state?.health.services[0]?.servers[at]?.recent ?? ''
    const [slow, quick] = [checksOf(0).length, checksOf(1).length]
    world.run(40_000)
    expect(checksOf(0).length - slow).toBe(checksOf(1).length - quick)
  })
})

describe('send_program', () => {
  const judged = async (text: string, expected = 'OK', ...more: readonly string[]): Promise<Outcome> =>
    checked(81, `send_program = "${await program(text)} %h %p"`, `expect = "${expected}"`, ...more)

  it.each([
    ['ends with an error', 'exit 3', 'the program ended with 3'],
    ['is killed', 'kill -9 $$', 'the program was ended by SIGKILL'],
  ])('that %s is a failure; for nanny it was up', async (_, text, says) => {
    expect(await judged(text)).toEqual({ passed: false, says })
  })

  it('that is missing is a failure; for nanny it was up', async () => {
    expect(await checked(81, 'send_program = "/no/such/check %h"', 'expect = "OK"')).toEqual({
      passed: false,
      says: '/no/such/check: no such program',
    })
  })

  it.each(['printf OK', 'echo OK', `printf 'OK\\r\\n'`])(
    '%s is OK; nanny cut the last byte off whatever it was',
    async (text) => {
      expect(await judged(text)).toEqual(up)
    },
  )

  it('is ended at the timeout with its children; nanny waited without limit', async () => {
    expect((await judged('sleep 60 & sleep 60')).says).toBe('the program did not end within 1000 ms')
  })

  it('that prints much is read to its end; nanny and program waited for each other', async () => {
    expect(await judged('yes OK | head -c 300000; exit 0', 'OK.*', 'use_regex = 1')).toEqual(up)
  })

  it('is compared with an expression or with `*` where the file says so; nanny ignored both', async () => {
    expect(await judged('echo load 0.42', '^load [0-9.]+$', 'use_regex = 1')).toEqual(up)
    expect(await judged('echo anything', '*')).toEqual(up)
  })

  it('without expect goes by its end; for nanny it was down always', async () => {
    expect(await checked(81, `send_program = "${await program('exit 0')}"`)).toEqual(up)
    expect((await checked(81, `send_program = "${await program('exit 1')}"`)).passed).toBe(false)
  })

  it('gets its words with quotes honoured and %h wherever it stands', async () => {
    const name = await program('[ "$1" = "two words" ] && [ "$2" = "at=127.0.0.1:81" ] && echo OK')
    expect(await checked(81, `send_program = "${name} 'two words' at=%h:%p"`, 'expect = "OK"')).toEqual(up)
  })

  it('inherits nothing of the daemon but a plain environment (bug 243908: nor blocked signals)', async () => {
    process.env['SHOAL_TEST_SECRET'] = 'x'
    try {
      expect(await judged('[ -z "$SHOAL_TEST_SECRET$NOTIFY_SOCKET" ] && kill -TERM $$; exit 0')).toEqual({
        passed: false,
        says: 'the program was ended by SIGTERM',
      })
    } finally {
      delete process.env['SHOAL_TEST_SECRET']
    }
  })
})

describe('a check that comes to no end', () => {
  it('costs its own server alone; a dead nanny took the whole director down', () => {
    const world = running(withWeb(pair, { check: { ...web.check, intervalMs: 1_000, timeoutMs: 1_000 } }))
    world.serverHangs('192.168.2.243:80')
    world.run(20_000)
    const servers = world.hosts.lvs1.state?.health.services[0]?.servers ?? []
    expect(servers.map(({ health }) => health)).toEqual(['down', 'up'])
    expect(world.active()).toEqual(['lvs1'])
    expect(world.served()).toBe(true)
  })

  it('is given up, said with its age and made again; nobody looked after a server whose nanny had died', () => {
    const world = running(withWeb(pair, { check: { ...web.check, intervalMs: 1_000, timeoutMs: 1_000 } }))
    world.hosts.lvs1.loseProbes = true
    world.run(5_000)
    const stuck = world.hosts.lvs1.state?.health.services[0]?.servers[0]
    expect(stuck?.health).toBe('down')
    expect(stuck?.lastError).toMatch(/^No result of the check after 3\d\d\d ms\.$/)
    world.hosts.lvs1.loseProbes = false
    world.run(10_000)
    expect(world.hosts.lvs1.state?.health.services[0]?.servers[0]?.health).toBe('up')
  })

  it('a pause of the director itself is not held against the real servers', () => {
    const world = running(withWeb(pair, { check: { ...web.check, intervalMs: 500, timeoutMs: 400 } }))
    const before = world.journal.length
    const inFlight = (): boolean =>
      world.hosts.lvs2.state?.health.services[0]?.servers.some(({ probe }) => probe !== null) === true
    for (let ms = 0; !inFlight() && ms < 1_000; ms++) world.run(1)
    expect(inFlight()).toBe(true)
    world.stall('lvs2', 5_000)
    world.run(10_000)
    expect(world.journal.slice(before).filter(({ event }) => event.kind === 'health')).toEqual([])
  })
})

it('a reason of any length comes whole (bug 446802: syslog lines ended after 80 characters)', async () => {
  const { says = '' } = await checked(await serving((s) => s.end('y'.repeat(500))), `expect = "${'x'.repeat(200)}"`)
  expect(says.length).toBeGreaterThan(160)
  expect(tell({ kind: 'health', service: 's', server: 'r', to: 'down', reason: says })).toContain(says)
})
