// The client's side of the probe, a process on the lab's network: a fresh HTTP request over a new TCP connection at every
// tick, whether or not earlier ones are still open. One JSON line per finished request. Closing its standard input stops it:
// requests under way are waited for. Bare sockets, because the hosts need the processor more than the probe does.
// Arguments: address port path everyMs timeoutMs.

import { createConnection } from 'node:net'
import type { NumberedSample } from './probe.ts'

const [address = '', port = '', path = '', every = '', timeout = ''] = process.argv.slice(2)
const everyMs = Number(every)
const timeoutMs = Number(timeout)
const request = `GET ${path} HTTP/1.0\r\nHost: ${address}\r\nConnection: close\r\n\r\n`

/** Milliseconds of CLOCK_MONOTONIC, the same clock in every process of the machine. */
const nowMs = () => Number(process.hrtime.bigint()) / 1e6

let count = 0

function ask(): void {
  const n = count++
  const startMs = nowMs()
  let answer = ''
  let settled = false
  const socket = createConnection({ host: address, port: Number(port) })
  const finish = (outcome: { by: string } | { error: string }) => {
    if (settled) return
    settled = true
    clearTimeout(limit)
    socket.destroy()
    const sample: NumberedSample = { n, startMs, endMs: nowMs(), ...outcome }
    process.stdout.write(`${JSON.stringify(sample)}\n`)
  }
  const limit = setTimeout(() => finish({ error: 'timeout' }), timeoutMs)
  socket.setEncoding('latin1')
  socket.on('connect', () => socket.write(request))
  socket.on('data', (chunk: string) => (answer += chunk))
  socket.on('error', (error: NodeJS.ErrnoException) => finish({ error: error.code ?? error.message }))
  socket.on('end', () => finish(read(answer)))
}

/** The last word of the body names the real server ("rs1", "ok rs1"). */
function read(answer: string): { by: string } | { error: string } {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1]
  if (status === undefined) return { error: 'no HTTP answer' }
  const bodyAt = answer.indexOf('\r\n\r\n')
  if (status !== '200') return { error: `status ${status}` }
  const name = answer
    .slice(bodyAt + 4)
    .trim()
    .split(/\s+/)
    .at(-1)
  return bodyAt === -1 || name === undefined || name === '' ? { error: 'empty answer' } : { by: name.slice(0, 64) }
}

let nextMs = nowMs()
let timer: NodeJS.Timeout
function tick(): void {
  ask()
  // Beats that were missed are not made up for: a burst would measure itself.
  nextMs = Math.max(nextMs + everyMs, nowMs())
  timer = setTimeout(tick, nextMs - nowMs())
}
tick()

process.stdin.on('end', () => clearTimeout(timer))
process.stdin.on('error', () => clearTimeout(timer))
process.stdin.resume()
