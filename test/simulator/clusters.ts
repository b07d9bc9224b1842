/** Clusters for tests: a plain DR pair with two real servers, and the ways to vary it. */
import type { Config, FloatingAddress, VirtualServer } from '../../domain/config.ts'

export const vip6: FloatingAddress = { address: '2001:db8::27', device: 'eth0', prefix: 64 }

/** The addresses of the lab's `dr` layout. */
export const web: VirtualServer = {
  name: 'web',
  active: true,
  vip: { address: '192.168.2.27', device: 'eth0:1', prefix: 24 },
  protocol: 'tcp',
  port: 80,
  scheduler: 'wlc',
  quiesce: false,
  check: { kind: 'connect', regex: false, intervalMs: 6_000, timeoutMs: 6_000, rise: 2, fall: 1 },
  realServers: [
    { name: 'rs1', active: true, address: '192.168.2.243', port: 80, weight: 1 },
    { name: 'rs2', active: true, address: '192.168.2.111', port: 80, weight: 1 },
  ],
}

/** Two directors with Shoal's default timing. */
export const pair: Config = {
  serialNo: 1,
  primary: { public: '192.168.2.117' },
  backup: { public: '192.168.2.15' },
  backupActive: true,
  heartbeat: { port: 539, keepaliveMs: 200, deadtimeMs: 800 },
  forwarding: 'direct',
  monitorLinks: false,
  timeouts: { tcpS: 0, tcpFinS: 0, udpS: 0 },
  failback: { auto: false, delayMs: 5_000 },
  announce: { burst: 3, repeatMs: [100, 500, 1_000, 2_000], refreshMs: 60_000 },
  virtualServers: [web],
}

/** The same pair with a private heartbeat segment. */
export const pairWithPrivatePath: Config = {
  ...pair,
  primary: { public: '192.168.2.117', private: '10.0.0.1' },
  backup: { public: '192.168.2.15', private: '10.0.0.2' },
}

/** Four heartbeat paths, one of them IPv6. */
export const pairWithFourPaths: Config = {
  ...pairWithPrivatePath,
  heartbeat: {
    ...pair.heartbeat,
    more: [
      { primary: '10.8.0.1', backup: '10.8.0.2' },
      { primary: 'fd00::1', backup: 'fd00::2' },
    ],
  },
}

export function withWeb(config: Config, change: Partial<VirtualServer>): Config {
  return { ...config, virtualServers: [{ ...web, ...change }] }
}

/** The same pair with an IPv6 virtual IP, its directors and real servers known by IPv4 addresses. */
export const pairWithSix: Config = withWeb(pair, { vip: vip6 })
