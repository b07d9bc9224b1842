/** Listens to a raw socket while somebody waits for a packet: looks every few milliseconds, and not at all when nobody waits. */

/** How often is looked, and how many packets are taken at one look, so that a flood cannot hold the loop. */
const lookMs = 5
const packetsPerLook = 512

export interface Ear {
  /** Begins to listen; the answer ends it. */
  readonly listen: () => () => void
}

export function openEar(socket: { readonly next: () => Buffer | null }, heard: (packet: Buffer) => void): Ear {
  let listeners = 0
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    for (let n = 0; n < packetsPerLook; n++) {
      const packet = socket.next()
      if (!packet) break
      heard(packet)
    }
    timer = listeners > 0 ? setTimeout(look, lookMs) : undefined
  }
  return {
    listen() {
      listeners++
      timer ??= setTimeout(look, lookMs)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        listeners--
      }
    },
  }
}
