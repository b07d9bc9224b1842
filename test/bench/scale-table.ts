/**
 * A stand-in for the kernel's IPVS table, for a machine whose kernel has none: takes the lines `ipvsadm --restore` takes, with the
 * refusals the kernel has for what contradicts the table, and shows it in the form of /proc/net/ip_vs.
 */

interface Destination {
  readonly method: string
  readonly weight: number
}

interface Service {
  manner: string
  readonly destinations: Map<string, Destination>
}

export interface StandInTable {
  /** Carries out lines of a batch in their order; returns the refusals (ipvsadm goes on after one). */
  readonly restore: (lines: readonly string[]) => string[]
  readonly clear: () => void
  /** As /proc/net/ip_vs prints it. */
  readonly text: () => string
  /** As `ipvsadm -L -n --stats --exact` prints it, all counters 0. */
  readonly stats: () => string
  readonly services: () => number
  readonly destinations: () => number
  /** Weight of a destination (`tcp 10.0.0.1:80`, `10.1.0.1:80`); undefined when it is not there. */
  readonly weight: (service: string, destination: string) => number | undefined
  readonly scheduler: (service: string) => string | undefined
}

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

function hexEndpoint(endpoint: string): string {
  const [address = '', port = ''] = endpoint.split(':')
  return `${address
    .split('.')
    .map((octet) => hex(Number(octet), 2))
    .join('')}:${hex(Number(port), 4)}`
}

const forwardWords: Readonly<Record<string, string>> = { '-g': 'Route', '-m': 'Masq', '-i': 'Tunnel' }

export function standInTable(): StandInTable {
  const table = new Map<string, Service>()

  function one(line: string): string | undefined {
    const words = line.split(/\s+/)
    const [verb, kind, endpoint = ''] = words
    const after = (option: string): string | undefined => {
      const at = words.indexOf(option)
      return at < 0 ? undefined : words[at + 1]
    }
    const key = `${kind === '-u' ? 'udp' : 'tcp'} ${endpoint}`
    const service = table.get(key)
    if ((kind !== '-t' && kind !== '-u') || !/^[\d.]+:\d+$/.test(endpoint)) return `not understood: ${line}`
    switch (verb) {
      case '-A':
        if (service) return 'Service already exists'
        table.set(key, { manner: after('-s') ?? 'wlc', destinations: new Map() })
        return undefined
      case '-E':
        if (!service) return 'No such service'
        service.manner = after('-s') ?? 'wlc'
        return undefined
      case '-D':
        return table.delete(key) ? undefined : 'No such service'
      case '-a':
      case '-e': {
        const to = after('-r') ?? ''
        if (!service) return 'Service not defined'
        if (service.destinations.has(to) !== (verb === '-e'))
          return verb === '-a' ? 'Destination already exists' : 'No such destination'
        const method = words.find((word) => word in forwardWords) ?? '-g'
        service.destinations.set(to, { method, weight: Number(after('-w') ?? 1) })
        return undefined
      }
      case '-d':
        if (!service) return 'Service not defined'
        return service.destinations.delete(after('-r') ?? '') ? undefined : 'No such destination'
      default:
        return `not understood: ${line}`
    }
  }

  return {
    restore: (lines) => lines.flatMap((line) => (line.trim() === '' ? [] : (one(line.trim()) ?? []))),
    clear: () => table.clear(),
    text() {
      const lines = [
        'IP Virtual Server version 1.2.1 (size=4096)',
        'Prot LocalAddress:Port Scheduler Flags',
        '  -> RemoteAddress:Port Forward Weight ActiveConn InActConn',
      ]
      for (const [key, { manner, destinations }] of table) {
        const [protocol = '', endpoint = ''] = key.split(' ')
        lines.push(`${protocol.toUpperCase()}  ${hexEndpoint(endpoint)} ${manner} `)
        for (const [to, { method, weight }] of destinations)
          lines.push(
            `  -> ${hexEndpoint(to)}      ${(forwardWords[method] ?? '').padEnd(7)} ${String(weight).padEnd(6)} 0          0         `,
          )
      }
      return `${lines.join('\n')}\n`
    },
    stats() {
      const lines = [
        'IP Virtual Server version 1.2.1 (size=4096)',
        'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
        '  -> RemoteAddress:Port',
      ]
      for (const [key, { destinations }] of table) {
        const [protocol = '', endpoint = ''] = key.split(' ')
        lines.push(`${protocol.toUpperCase()}  ${endpoint}  0 0 0 0 0`)
        for (const to of destinations.keys()) lines.push(`  -> ${to}  0 0 0 0 0`)
      }
      return `${lines.join('\n')}\n`
    },
    services: () => table.size,
    destinations: () => [...table.values()].reduce((sum, { destinations }) => sum + destinations.size, 0),
    weight: (service, destination) => table.get(service)?.destinations.get(destination)?.weight,
    scheduler: (service) => table.get(service)?.manner,
  }
}
