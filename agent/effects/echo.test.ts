/** A datagram to itself comes back, and nobody else's is taken for one. */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openEcho } from './echo.ts'

/** Local ports of the UDP sockets of this machine that are bound to loopback, and whether they are connected (/proc/net/udp). */
function loopbackPorts(): ReadonlyMap<number, boolean> {
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1)
  const found = lines.flatMap((line): [number, boolean][] => {
    const [, local = '', remote = ''] = line.trim().split(/\s+/)
    const [address, port = ''] = local.split(':')
    return address === '0100007F' ? [[Number.parseInt(port, 16), !remote.startsWith('00000000')]] : []
  })
  return new Map(found)
}

it('comes back with the instant it was sent at; what others send there does not arrive', async () => {
  const before = loopbackPorts()
  const heard: number[] = []
  const said: string[] = []
  const echo = openEcho(
    (sentMs) => heard.push(sentMs),
    (says) => said.push(says),
  )
  onTestFinished(echo.close)
  await expect
    .poll(() => {
      echo.send(1234.5)
      return heard
    })
    .toContain(1234.5)
  const own = [...loopbackPorts()].filter(([port]) => !before.has(port))
  expect(own).toEqual([[expect.any(Number), true]])
  heard.length = 0
  const stranger = createSocket('udp4')
  onTestFinished(() => void stranger.close())
  const datagram = Buffer.alloc(8)
  await new Promise<void>((resolve) => stranger.send(datagram, own[0]?.[0], '127.0.0.1', () => resolve()))
  await delay(50)
  expect(heard.filter((ms) => ms !== 1234.5)).toEqual([])
  expect(said).toEqual([])
})
