/**
 * Firewall marks: which packets are marked for which service, so that ports that belong together (80 and 443 of one virtual IP) reach
 * the same real server. A rule is one address, protocol and port (or range); all of them come from lvs.cf.
 */
import type { Config, PortRange, Protocol, VirtualServer } from '../config.ts'

/** Packets to this address and port get this mark. Without ports: to any port. */
export interface MarkRule {
  readonly address: string
  readonly protocol: Protocol
  readonly ports?: PortRange
  readonly mark: number
}

/** A rule as one line, equal lines being equal rules: `192.168.2.27 tcp 80 → 1`. */
export function markLine({ address, protocol, ports, mark }: MarkRule): string {
  const to = !ports ? '*' : ports.from === ports.to ? `${ports.from}` : `${ports.from}-${ports.to}`
  return `${address} ${protocol} ${to} → ${mark}`
}

/** The ports of a virtual server with a mark: those of `mark_ports`, or its own; none listed = every port. */
function portsOf(spec: VirtualServer): readonly (PortRange | undefined)[] {
  if (spec.markPorts) return spec.markPorts
  return spec.port === 0 ? [undefined] : [{ from: spec.port, to: spec.port }]
}

/** The rules of a config, each once, in the order of the file. */
export function markRules(config: Config): readonly MarkRule[] {
  const rules = new Map<string, MarkRule>()
  for (const spec of config.virtualServers) {
    if (!spec.active || !spec.fwmark) continue
    for (const ports of portsOf(spec)) {
      const { fwmark: mark, protocol, vip } = spec
      const rule = { address: vip.address, protocol, ...(ports ? { ports } : {}), mark }
      if (!rules.has(markLine(rule))) rules.set(markLine(rule), rule)
    }
  }
  return [...rules.values()]
}

const groupsOf = new WeakMap<Config, ReadonlySet<number>>()

/**
 * Whether packets to more than one port carry this mark. A real server then has no port of its own in the kernel: with one, a
 * service without persistence would send all of them to that port (ip_vs_core.c, ip_vs_schedule).
 */
export function isPortGroup(config: Config, mark: number): boolean {
  let groups = groupsOf.get(config)
  if (!groups) {
    const ports = new Map<number, Set<string>>()
    for (const rule of markRules(config)) {
      const of = ports.get(rule.mark) ?? new Set()
      of.add(rule.ports ? `${rule.ports.from}-${rule.ports.to}` : '*')
      ports.set(rule.mark, of)
    }
    const wide = (of: ReadonlySet<string>): boolean =>
      of.size > 1 || [...of].some((p) => p === '*' || p.split('-')[0] !== p.split('-')[1])
    groups = new Set([...ports].filter(([, of]) => wide(of)).map(([key]) => key))
    groupsOf.set(config, groups)
  }
  return groups.has(mark)
}
