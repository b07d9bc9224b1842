/** Ten thousand checks that fail, of every kind, leave nothing behind: no socket, no timer, no file descriptor, no process. */
import { readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { usualStatus, type Question } from '../../../domain/checks.ts'
import { checking, serving } from './listening.ts'

const total = 10_000
const together = 250
/** A process costs a hundred times what a socket does. */
const programs = 100

const web = { path: '/', method: 'GET', status: usualStatus } as const
const questions: readonly (readonly [Question, 'tcp' | 'udp'])[] = [
  [{ kind: 'connect', regex: false }, 'tcp'],
  [{ kind: 'send-expect', send: 'x', expect: 'never', regex: false }, 'tcp'],
  [{ kind: 'send-expect', send: 'x', expect: '(n+)+ever$', regex: true }, 'tcp'],
  [{ kind: 'http', ...web, body: 'never' }, 'tcp'],
  [{ kind: 'https', ...web, verify: false, certDays: 14 }, 'tcp'],
  [{ kind: 'dns', name: '.', record: 'NS' }, 'tcp'],
  [{ kind: 'dns', name: '.', record: 'NS' }, 'udp'],
  [{ kind: 'udp', send: 'x', expect: 'never', regex: false }, 'udp'],
  [{ kind: 'smtp' }, 'tcp'],
  [{ kind: 'ldap' }, 'tcp'],
  [{ kind: 'redis' }, 'tcp'],
  [{ kind: 'mysql', user: 'shoal' }, 'tcp'],
  [{ kind: 'postgresql', user: 'shoal' }, 'tcp'],
]

const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length

it('ten thousand checks that fail leave nothing open', { timeout: 120_000 }, async () => {
  const babbling = await serving((socket) => socket.resume().write('nnnnnnnnnnnnnnnnnnnnnnnnnn!\r\n'))
  const silent = await serving((socket) => socket.resume())
  const closing = await serving((socket) => socket.resume().end())
  const refusing = 1
  const ports = [babbling, silent, closing, refusing]
  const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate')
  const before = { resources: resources().length, descriptors: await descriptors() }
  let failed = 0
  for (let from = 0; from < total; from += together) {
    const outcomes = await Promise.all(
      Array.from({ length: together }, (_, n) => {
        const at = from + n
        const [question, protocol] = questions[at % questions.length] ?? [{ kind: 'ping' } as const, 'tcp' as const]
        const port = ports[Math.floor(at / questions.length) % ports.length] ?? refusing
        // A connection alone succeeds wherever somebody listens.
        return checking(question.kind === 'connect' ? refusing : port, { ...question, timeoutMs: 40 }, protocol)
      }),
    )
    failed += outcomes.filter(({ passed }) => !passed).length
  }
  for (let n = 0; n < programs; n++) {
    const words = n % 2 === 0 ? ['/bin/false'] : ['/bin/sh', '-c', 'sleep 60 & sleep 60']
    failed += (await checking(1, { kind: 'script', words, timeoutMs: 40 })).passed ? 0 : 1
  }
  expect(failed).toBe(total + programs)
  // What was closed is gone a turn of the loop later.
  for (
    let n = 0;
    n < 100 && ((await descriptors()) > before.descriptors || resources().length > before.resources);
    n++
  ) {
    await pause(20)
  }
  expect(resources().length).toBeLessThanOrEqual(before.resources)
  expect(await descriptors()).toBeLessThanOrEqual(before.descriptors)
})
