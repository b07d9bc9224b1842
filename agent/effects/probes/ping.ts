/** Echo requests (ICMP, ICMPv6) over one raw socket per family, opened when first needed. Without the kernel's door, `ping` is run. */
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import type { Kernel, RawSocket } from '../kernel.ts'
import { echoRequest, echoReplyOf } from '../ip-packets.ts'
import { bounded, failure, passed, sentenceOf, type Outcome } from './outcome.ts'
import { openEar, type Ear } from './ear.ts'

/** A request is sent again after this: one lost packet is no failure. */
const againMs = 1_000

export type Ping = (address: string, timeoutMs: number) => Promise<Outcome>

function byProgram(address: string, timeoutMs: number): Promise<Outcome> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1_000))
  return bounded(
    timeoutMs,
    () => `no echo within ${timeoutMs} ms`,
    (end) => {
      const child = execFile('ping', ['-n', '-c', '1', '-w', String(seconds), address], (error) =>
        end(error ? failure(error.code === 1 ? 'no echo' : `ping: ${sentenceOf(error)}`) : passed),
      )
      return () => void child.kill('SIGKILL')
    },
  )
}

/** Opens nothing yet; the sockets live as long as the process. */
export function openPing(kernel: Kernel | null): Ping {
  if (!kernel) return byProgram
  const id = randomInt(0x1_0000)
  let sequence = randomInt(0x1_0000)
  const waiting = new Map<string, () => void>()
  const ears = new Map<'inet' | 'inet6', { readonly socket: RawSocket; readonly ear: Ear }>()

  function earOf(family: 'inet' | 'inet6'): { readonly socket: RawSocket; readonly ear: Ear } | string {
    const known = ears.get(family)
    if (known) return known
    const socket = kernel?.raw(family, family === 'inet' ? 'icmp' : 'icmp6')
    if (socket === undefined || typeof socket === 'string') return socket ?? 'no raw socket'
    const ear = openEar(socket, (packet) => {
      const reply = echoReplyOf(packet, family)
      if (reply?.id === id) waiting.get(`${family} ${reply.sequence}`)?.()
    })
    const opened = { socket, ear }
    ears.set(family, opened)
    return opened
  }

  return (address, timeoutMs) =>
    bounded(
      timeoutMs,
      () => `no echo within ${timeoutMs} ms`,
      (end) => {
        const family = address.includes(':') ? 'inet6' : 'inet'
        const opened = earOf(family)
        if (typeof opened === 'string') {
          end(failure(`raw socket: ${opened}`))
          return () => undefined
        }
        sequence = (sequence + 1) & 0xffff
        const key = `${family} ${sequence}`
        const request = echoRequest(family, id, sequence)
        waiting.set(key, () => end(passed))
        const send = (): void => {
          const failed = opened.socket.send(address, request)
          if (failed !== undefined) end(failure(failed))
        }
        const again = setInterval(send, againMs)
        const release = opened.ear.listen()
        send()
        return () => {
          clearInterval(again)
          waiting.delete(key)
          release()
        }
      },
    )
}
