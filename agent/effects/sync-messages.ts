/**
 * Connections as bytes, in the protocol by which a kernel's IPVS tells another one's of them (version 1; net/netfilter/ipvs/
 * ip_vs_sync.c, "Sync Connection format"): a header of 8 bytes, then per connection 36 bytes (IPv4) or 72 (IPv6), numbers in network
 * order.
 */
import type { Forwarding } from '../../domain/config.ts'
import type { Connection, Told } from '../../domain/ipvs/connections.ts'

/** Where kernels listen for it, at `syncPort`. */
export const syncGroup = '224.0.0.81'

const headerBytes = 8
const version = 1
const bytes4 = 36
const bytes6 = 72
/** A message fits one Ethernet frame with any tunnel around it; the receiver's limit is its interface's MTU. */
const messageBytes = 1_400

const protocols = { tcp: 6, udp: 17, ip: 0 } as const
/** IP_VS_CONN_F_… (include/uapi/linux/ip_vs.h). */
const flag = { nat: 0, local: 1, tunnel: 2, direct: 3, inactive: 0x0100, template: 0x1000 } as const

export type ToldConnection = readonly [connection: Connection, told: Told]

/** As so many hexadecimal digits. */
const digits = (value: number, count: number): string => value.toString(16).padStart(count, '0')

/** Written as hexadecimal digits and made bytes per message: in an interpreter many times as fast as byte by byte. */
function connectionHex([c, told]: ToldConnection, forwarding: Forwarding | 'local'): string {
  const six = c.client.length > 8
  const flags = flag[forwarding] | (told.template ? flag.template : 0) | (told.active ? 0 : flag.inactive)
  return (
    digits(six ? 1 : 0, 2) +
    digits(protocols[c.protocol], 2) +
    digits(six ? bytes6 : bytes4, 4) +
    digits(flags, 8) +
    digits(told.state, 4) +
    digits(c.clientPort, 4) +
    digits(c.virtualPort, 4) +
    digits(c.serverPort, 4) +
    digits(told.mark, 8) +
    digits(c.expiresS, 8) +
    c.client +
    c.virtual +
    c.server
  )
}

/** The messages that tell of these connections, for receivers of a sync id (0-255). `local`: they end at the receiver itself. */
export function syncMessages(
  connections: readonly ToldConnection[],
  forwarding: Forwarding | 'local',
  id: number,
): Buffer[] {
  const messages: Buffer[] = []
  let body = ''
  let count = 0
  const close = (): void => {
    if (count === 0) return
    const header = `00${digits(id, 2)}${digits(headerBytes + body.length / 2, 4)}${digits(count, 2)}${digits(version, 2)}0000`
    messages.push(Buffer.from(header + body, 'hex'))
    body = ''
    count = 0
  }
  for (const connection of connections) {
    const hex = connectionHex(connection, forwarding)
    if (headerBytes + (body.length + hex.length) / 2 > messageBytes) close()
    body += hex
    count++
  }
  close()
  return messages
}
