/** What lvs.cf calls the services and real servers that the journal knows by their addresses. */
import type { Config } from '../../../domain/config.ts'
import type { JournalEvent } from '../../../domain/contract/agent.ts'
import { endpoint, kernelPort, serviceKey } from '../../../domain/ipvs/keys.ts'
import { serverNameKey, type NewsNames } from '../../../domain/speech/notify.ts'

/** Names of what an event is about, by the configuration in force; undefined when it is about none. */
export function openConfigNames(config: () => Config | null): (event: JournalEvent) => NewsNames | undefined {
  let of: Config | null = null
  let names = new Map<string, string>()

  function read(): void {
    const now = config()
    if (now === of) return
    of = now
    names = new Map()
    for (const spec of now?.virtualServers ?? []) {
      const service = serviceKey(spec)
      if (names.has(service)) continue
      names.set(service, spec.name)
      for (const server of spec.realServers)
        names.set(
          serverNameKey(service, endpoint(server.address, now ? kernelPort(now, spec, server) : 0)),
          server.name,
        )
    }
  }

  function about(pairs: readonly (readonly [service: string, server: string])[]): NewsNames | undefined {
    read()
    const found: Record<string, string> = {}
    for (const [service, server] of pairs)
      for (const key of [service, serverNameKey(service, server)]) {
        const name = names.get(key)
        if (name !== undefined) found[key] = name
      }
    return found
  }

  return (event) => {
    switch (event.kind) {
      case 'health':
      case 'drained':
        return about([[event.service, event.server]])
      case 'disagreement':
        return about(event.servers.map(({ service, server }) => [service, server] as const))
      case 'order':
        return event.service === undefined || event.server === undefined
          ? undefined
          : about([[event.service, event.server]])
      default:
        return undefined
    }
  }
}
