/**
 * Where things stand in the wizard's picture and which way a packet takes, per forwarding method: the request through the director
 * that holds the virtual IP, the answer as it really goes (NAT through the director, DR and TUN past it). Pure geometry.
 */
import type { ClusterDraft } from '../domain/cluster.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface PacketWay {
  readonly request: string
  readonly spread: readonly string[]
  readonly answer: string
  /** TUN: the stretch that is wrapped. */
  readonly tunnel?: string
}

export const pictureWidth = 360
export const pictureHeight = 400
export const client: Point = { x: 180, y: 34 }
export const activeDirector: Point = { x: 98, y: 172 }
export const standbyDirector: Point = { x: 262, y: 172 }
const serverY = 330
/** More real servers than this are told as a number. */
export const mostServersDrawn = 3

/** Left to right, centred. */
export function serverPlaces(count: number): Point[] {
  const pitch = 112
  const first = pictureWidth / 2 - (pitch * (count - 1)) / 2
  return Array.from({ length: count }, (_, at) => ({ x: first + at * pitch, y: serverY }))
}

export function packetWay(forwarding: ClusterDraft['forwarding'], servers: readonly Point[]): PacketWay {
  const chosen = servers.at(-1) ?? { x: pictureWidth / 2, y: serverY }
  const top = chosen.y - 26
  const toDirector = `M${client.x - 10} 56 C${client.x - 10} 86 ${activeDirector.x} 86 ${activeDirector.x} 118`
  const toServer = `M${activeDirector.x} 202 C${activeDirector.x} 258 ${chosen.x - 8} 248 ${chosen.x - 8} ${top - 3}`
  const spread = servers
    .slice(0, -1)
    .map(({ x }) => `M${activeDirector.x} 202 C${activeDirector.x} 258 ${x} 248 ${x} ${top - 3}`)
  const past = `M${chosen.x + 18} ${top} C${pictureWidth + 14} 268 ${pictureWidth + 14} 92 ${client.x + 60} ${client.y + 4}`
  const through =
    `M${chosen.x + 12} ${top} C${chosen.x + 12} 236 ${activeDirector.x + 26} 258 ${activeDirector.x + 26} 204 ` +
    `M${activeDirector.x + 26} 116 C${activeDirector.x + 26} 92 ${client.x + 10} 92 ${client.x + 10} 59`
  return {
    request: `${toDirector} ${toServer}`,
    spread,
    answer: forwarding === 'nat' ? through : past,
    ...(forwarding === 'tunnel' ? { tunnel: toServer } : {}),
  }
}
