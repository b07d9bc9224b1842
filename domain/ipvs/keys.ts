/**
 * How a service and a real server are named: by us (`tcp 192.168.2.27:80`, `fwmark 80`, `fwmark6 80`) and to ipvsadm (`-t …`, `-f 80`).
 * The kernel keeps one service per key; marks of IPv4 and of IPv6 are different services.
 */
import type { Config, Forwarding, RealServer, VirtualServer } from '../config.ts'
import { isSix } from '../ipv6.ts'
import { isPortGroup } from './marks.ts'

/** `address:port`, with brackets around IPv6. */
export function endpoint(address: string, port: number): string {
  return isSix(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** What the kernel knows a virtual server by. */
export function serviceKey(spec: VirtualServer): string {
  if (spec.fwmark) return `${isSix(spec.vip.address) ? 'fwmark6' : 'fwmark'} ${spec.fwmark}`
  return `${spec.protocol} ${endpoint(spec.vip.address, spec.port)}`
}

/**
 * The port of a real server in the kernel's table. Only NAT changes ports; for DR and TUN the kernel wants the virtual port
 * (ipvsadm(8)). With a mark the original gave the real server's port whatever the method, and so do we, but for a group of ports,
 * where 0 keeps the port that the client asked for.
 */
export function kernelPort(config: Config, spec: VirtualServer, server: RealServer): number {
  if (spec.fwmark) return isPortGroup(config, spec.fwmark) && server.port === spec.port ? 0 : server.port
  return config.forwarding === 'nat' ? server.port : spec.port
}

/** The option that names a service to ipvsadm: `-t 192.168.2.27:80`, `-f 80`, `-f 80 -6`. */
export function serviceOption(key: string): string {
  const [kind, what] = key.split(' ') as [string, string]
  if (kind === 'fwmark6') return `-f ${what} -6`
  return kind === 'fwmark' ? `-f ${what}` : `-${kind === 'udp' ? 'u' : 't'} ${what}`
}

/** The option that says how packets reach a real server. */
export const methodOption: Readonly<Record<Forwarding, string>> = { nat: '-m', direct: '-g', tunnel: '-i' }
