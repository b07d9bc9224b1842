import { createSocket } from 'node:dgram'
import { expect, it } from 'vitest'
import { afterArrivals } from './arrivals.ts'

/** A beat arrives and a timer ends while the program is kept from the processor: in which order it then sees the two. */
async function order(due: (run: () => void) => void): Promise<readonly string[]> {
  const seen: string[] = []
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const both = new Promise<void>((resolve) => {
    const see = (what: string): void => {
      if (seen.push(what) === 2) resolve()
    }
    socket.on('message', () => see('beat'))
    setTimeout(() => due(() => see('time')), 10)
  })
  const sender = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    sender.send('beat', socket.address().port, '127.0.0.1', (error) => (error ? reject(error) : resolve()))
    for (const untilMs = performance.now() + 50; performance.now() < untilMs;);
  })
  await both
  sender.close()
  socket.close()
  return seen
}

it('a beat that waits is heard before the time that has passed is judged', async () => {
  expect(await order((run) => void afterArrivals(run))).toEqual(['beat', 'time'])
})

it('otherwise it would not be', async () => {
  expect(await order((run) => run())).toEqual(['time', 'beat'])
})
