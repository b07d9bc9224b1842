/**
 * Connections as bytes, in the protocol by which a kernel's IPVS tells another one's of them (version 1; net/netfilter/ipvs/
 * ip_vs_sync.c, "Sync Connection format"): a header of 8 bytes, then per connection 36 bytes (IPv4) or 72 (IPv6), numbers in network
 * order.
 */
import type { Forwarding } from '../../domain/config.ts'
import type { Connection, Told } from '../../domain/ipvs/connections.ts'

/** Where kernels listen for it. */
export const syncGroup = '224.0.0.81'
export const syncPort = 8_848

const headerBytes = 8
const version = 1
const bytes4 = 36
const bytes6 = 72
/** A message fits one Ethernet frame with any tunnel around it; the receiver's limit is its interface's MTU. */
const messageBytes = 1_400

const protocols = { tcp: 6, udp: 17, ip: 0 } as const
/** IP_VS_CONN_F_… (include/uapi/linux/ip_vs.h). */
const flag = { nat: 0, tunnel: 2, direct: 3, inactive: 0x0100, template: 0x1000 } as const

export type ToldConnection = readonly [connection: Connection, told: Told]

function connectionBytes([c, told]: ToldConnection, forwarding: Forwarding): Buffer {
  const six = c.client.length > 8
  const bytes = Buffer.alloc(six ? bytes6 : bytes4)
  bytes[0] = six ? 1 : 0
  bytes[1] = protocols[c.protocol]
  bytes.writeUInt16BE(bytes.length, 2)
  bytes.writeUInt32BE(flag[forwarding] | (told.template ? flag.template : 0) | (told.active ? 0 : flag.inactive), 4)
  bytes.writeUInt16BE(told.state, 8)
  bytes.writeUInt16BE(c.clientPort, 10)
  bytes.writeUInt16BE(c.virtualPort, 12)
  bytes.writeUInt16BE(c.serverPort, 14)
  bytes.writeUInt32BE(told.mark, 16)
  bytes.writeUInt32BE(c.expiresS, 20)
  let at = 24
  for (const address of [c.client, c.virtual, c.server]) at += bytes.write(address, at, 'hex')
  return bytes
}

/** The messages that tell of these connections, for receivers of a sync id (0-255). */
export function syncMessages(connections: readonly ToldConnection[], forwarding: Forwarding, id: number): Buffer[] {
  const messages: Buffer[] = []
  let parts: Buffer[] = []
  let length = headerBytes
  const close = (): void => {
    if (parts.length === 0) return
    const header = Buffer.alloc(headerBytes)
    header[1] = id
    header.writeUInt16BE(length, 2)
    header[4] = parts.length
    header[5] = version
    messages.push(Buffer.concat([header, ...parts]))
    parts = []
    length = headerBytes
  }
  for (const connection of connections) {
    const bytes = connectionBytes(connection, forwarding)
    if (length + bytes.length > messageBytes) close()
    parts.push(bytes)
    length += bytes.length
  }
  close()
  return messages
}
