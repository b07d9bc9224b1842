/**
 * A datagram from this program to itself over loopback, to see whether the kernel hands on what arrives (director/ears.ts). The socket is
 * connected to itself: the kernel gives it nothing of anybody else, nothing listens.
 */
import { createSocket } from 'node:dgram'
import { afterArrivals } from './arrivals.ts'

const loopback = '127.0.0.1'
const bytes = 8

export interface Echo {
  /** Sends one off; it comes back as `heard(sentMs)`, or never. */
  readonly send: (sentMs: number) => void
  readonly close: () => void
}

/** Opens the socket. Where there is no loopback, `trouble` is told and nothing ever comes back. */
export function openEcho(heard: (sentMs: number) => void, trouble: (says: string) => void): Echo {
  const socket = createSocket('udp4')
  let open = false
  socket.on('error', (error) => {
    if (!open) trouble(`No datagram can be sent over loopback (${error.message}).`)
  })
  socket.on('message', (datagram) => {
    if (datagram.length !== bytes) return
    const sentMs = datagram.readDoubleBE(0)
    // What lay in the kernel beside it is taken in first.
    afterArrivals(() => heard(sentMs))
  })
  socket.bind({ address: loopback, port: 0 }, () => {
    socket.connect(socket.address().port, loopback, () => {
      open = true
    })
  })
  return {
    send(sentMs) {
      if (!open) return
      const datagram = Buffer.alloc(bytes)
      datagram.writeDoubleBE(sentMs)
      socket.send(datagram, () => undefined)
    },
    close() {
      open = false
      socket.close()
    },
  }
}
