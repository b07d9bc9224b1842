/** Asking real servers for their load, over real sockets on the loopback. */
import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { askLoads } from './load.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function telling(text: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(text)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const at = server.address()
  return typeof at === 'object' && at ? at.port : 0
}

it('takes the first minute, by processor where their number is told; whoever says something else told nothing', async () => {
  const ports = {
    plain: await telling('0.52 0.58 0.59 1/389 12034\n'),
    eight: await telling('4.00 3.00 2.00 5/389 12034\n8\n'),
    web: await telling('HTTP/1.1 400 Bad Request\r\n\r\n'),
    flood: await telling('9'.repeat(1_000_000)),
    nobody: 1,
  }
  const loads = await askLoads(Object.entries(ports).map(([at, port]) => ({ at, address: '127.0.0.1', port })))
  expect(Object.fromEntries(loads)).toEqual({ plain: 0.52, eight: 0.5 })
})
