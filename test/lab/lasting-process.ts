// One connection that lasts: a request over the same TCP connection every 50 ms, as soon as the one before has been answered. Closing
// its standard input ends it; then one JSON line says what became of it. Arguments: address port.

import { createConnection } from 'node:net'
import type { Lasted } from './lasting.ts'

const [address = '', port = ''] = process.argv.slice(2)
const everyMs = 50
const request = `GET / HTTP/1.1\r\nHost: ${address}\r\n\r\n`

let answers = 0
let longestMs = 0
let ended: string | undefined
let askedMs: number | null = null
let answer = ''

const socket = createConnection({ host: address, port: Number(port) })
socket.setEncoding('latin1')
socket.on('error', (error: NodeJS.ErrnoException) => (ended ??= error.code ?? error.message))
socket.on('close', () => (ended ??= 'closed'))
socket.on('data', (part: string) => {
  answer += part
  const bodyAt = answer.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(answer)?.[1]
  if (bodyAt < 0 || length === undefined || answer.length < bodyAt + 4 + Number(length)) return
  answer = ''
  answers++
  longestMs = Math.max(longestMs, performance.now() - (askedMs ?? 0))
  askedMs = null
})
const timer = setInterval(() => {
  if (askedMs !== null || ended !== undefined) return
  askedMs = performance.now()
  socket.write(request)
}, everyMs)

process.stdin.on('end', () => {
  clearInterval(timer)
  const waitedMs = askedMs === null ? 0 : performance.now() - askedMs
  const lasted: Lasted = {
    answers,
    longestMs: Math.max(longestMs, waitedMs),
    ...(ended === undefined ? {} : { ended }),
  }
  process.stdout.write(`${JSON.stringify(lasted)}\n`, () => process.exit(0))
})
process.stdin.resume()
