/** Asks real servers for their load: connects, reads the few bytes it says (the text of /proc/loadavg), and is gone. Nothing is sent. */
import { connect } from 'node:net'
import { parseLoad } from '../director/load.ts'
import type { LoadAt } from '../director/words.ts'

/** A real server that has not told its load within this has not told it. */
const loadLimitMs = 2_000
const maxLoadBytes = 256

/** The load (one minute, per processor where their number is told), or null. Never throws. */
function askLoad(address: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    let text = ''
    let done = false
    const end = (): void => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.destroy()
      resolve(parseLoad(text))
    }
    const timer = setTimeout(end, loadLimitMs)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length >= maxLoadBytes) end()
    })
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', end)
  })
}

/** The loads of those that told theirs, by `at`. Never throws. */
export async function askLoads(of: readonly LoadAt[]): Promise<ReadonlyMap<string, number>> {
  const loads = new Map<string, number>()
  await Promise.all(
    of.map(async ({ at, address, port }) => {
      const load = await askLoad(address, port)
      if (load !== null) loads.set(at, load)
    }),
  )
  return loads
}
