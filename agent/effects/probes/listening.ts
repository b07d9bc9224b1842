/** For tests: services on the loopback, closed when a test ends, and checks run against them. */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import type { Check, CheckPlace, CheckTiming, Question } from '../../../domain/checks.ts'
import type { Outcome } from './outcome.ts'
import { openProbes } from './probes.ts'

const open: { readonly close: () => void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** Closes it when the test ends. */
export function closing<T extends { readonly close: () => void }>(one: T): T {
  open.push(one)
  return one
}

/** The port of a server that listens on the loopback. */
export async function portOf(server: Server): Promise<number> {
  closing(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  return typeof at === 'object' && at ? at.port : 0
}

/** The port of a service that talks TCP. */
export function serving(answer: (socket: Socket) => void): Promise<number> {
  return portOf(
    createServer((socket) => {
      socket.on('error', () => undefined)
      answer(socket)
    }),
  )
}

const run = openProbes(null)
const timing: CheckTiming = { intervalMs: 1_000, timeoutMs: 1_000, rise: 1, fall: 1 }

/** Runs one check against a port of the loopback. */
export function checking(
  port: number,
  question: Question & Partial<CheckTiming & CheckPlace>,
  protocol: 'tcp' | 'udp' = 'tcp',
): Promise<Outcome> {
  const check: Check = { ...timing, ...question }
  return run({ id: 1, service: 's', server: 'r', address: '127.0.0.1', port, protocol, check })
}
