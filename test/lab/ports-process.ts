// A client that uses the same ports again, driven by lines on its standard input; each is answered by one line of JSON.
//   ask     a whole request from each port, one after the other; true when all were answered
//   open    a connection from each port, and half a request on it; true
//   finish  the other half on all of them, and so many ms later what became of each: an answer, an error, or null: nothing yet
// Arguments: address port ms, then the ports. The server closes first, so that no port has to rest here.

import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

const [address = '', port = '', ms = '', ...locals] = process.argv.slice(2)
const halves = ['GET / HTTP/1.0\r\n', '\r\n'] as const

interface Open {
  readonly socket: Socket
  readonly connected: Promise<void>
  readonly ended: Promise<void>
  became: string | null
}

function connect(localPort: number): Open {
  const socket = createConnection({ host: address, port: Number(port), localPort })
  const connected = new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const open: Open = { socket, connected, ended, became: null }
  socket.on('data', (part: Buffer) => (open.became ??= part.toString('latin1').slice(0, 15)))
  socket.on('error', (error: NodeJS.ErrnoException) => (open.became ??= error.code ?? error.message))
  return open
}

async function ask(localPort: number): Promise<boolean> {
  const open = connect(localPort)
  open.socket.write(halves.join(''))
  await open.ended
  return open.became?.startsWith('HTTP/1.') ?? false
}

let opened: Open[] = []

async function answerTo(word: string): Promise<unknown> {
  if (word === 'ask') {
    let all = true
    for (const local of locals) all = (await ask(Number(local))) && all
    return all
  }
  if (word === 'open') {
    for (const local of locals) {
      const open = connect(Number(local))
      await open.connected
      open.socket.write(halves[0])
      opened.push(open)
    }
    return true
  }
  for (const { socket } of opened) socket.write(halves[1])
  await delay(Number(ms))
  const became = opened.map((open) => open.became)
  for (const { socket } of opened) socket.destroy()
  opened = []
  return became
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answerTo(line.trim()))}\n`)
