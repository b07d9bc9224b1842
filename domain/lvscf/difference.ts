/**
 * Two files compared by what they mean: defaults written out or left out, order, comments and layout make no difference. Virtual servers
 * belong together by name, and where a name is gone by the service they are; real servers by name, then by address.
 */
import { sayCheck } from '../checks.ts'
import type { Config, DirectorAddresses, FloatingAddress, RealServer, VirtualServer } from '../config.ts'
import { endpoint } from '../ipvs/keys.ts'

/** One difference. `before` is absent where something is new, `after` where it is gone. */
export interface Difference {
  /** From outside to inside: `['virtual web', 'server a', 'weight']`. */
  readonly path: readonly string[]
  readonly before?: string
  readonly after?: string
}

type Facts = ReadonlyMap<string, string>

/** What differs from `a` to `b`, in the order of the files; empty when they mean the same. */
export function differences(a: Config, b: Config): Difference[] {
  const found = factsDiffer([], factsOf(a), factsOf(b))
  const pairs = paired(a.virtualServers, b.virtualServers, (one) => one.name, serviceOf)
  for (const [before, after] of pairs) {
    const name = `virtual ${after?.name ?? before?.name ?? ''}`
    if (!before || !after) {
      found.push({
        path: [name],
        ...(before ? { before: serviceOf(before) } : {}),
        ...(after ? { after: serviceOf(after) } : {}),
      })
      continue
    }
    found.push(...factsDiffer([name], factsOfVirtual(before), factsOfVirtual(after)))
    const servers = paired(before.realServers, after.realServers, (one) => one.name, placeOf)
    for (const [old, fresh] of servers) {
      const path = [name, `server ${fresh?.name ?? old?.name ?? ''}`]
      if (old && fresh) found.push(...factsDiffer(path, factsOfServer(old), factsOfServer(fresh)))
      else found.push({ path, ...(old ? { before: placeOf(old) } : {}), ...(fresh ? { after: placeOf(fresh) } : {}) })
    }
  }
  return found
}

/** Those that belong together: equal names in order, then of the rest those with an equal key; what is left stands alone. */
function paired<T>(
  before: readonly T[],
  after: readonly T[],
  name: (one: T) => string,
  key: (one: T) => string,
): (readonly [T | undefined, T | undefined])[] {
  const partner = new Map<T, T>()
  const taken = new Set<T>()
  for (const by of [name, key]) {
    const free = new Map<string, T[]>()
    for (const one of before) {
      if (taken.has(one)) continue
      const list = free.get(by(one))
      if (list) list.push(one)
      else free.set(by(one), [one])
    }
    for (const one of after) {
      if (partner.has(one)) continue
      const old = free.get(by(one))?.shift()
      if (old === undefined) continue
      partner.set(one, old)
      taken.add(old)
    }
  }
  return [
    ...before.filter((one) => !taken.has(one)).map((one) => [one, undefined] as const),
    ...after.map((one) => [partner.get(one), one] as const),
  ]
}

function factsDiffer(path: readonly string[], before: Facts, after: Facts): Difference[] {
  const found: Difference[] = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name)
    const fresh = after.get(name)
    if (old === fresh) continue
    found.push({
      path: [...path, name],
      ...(old === undefined ? {} : { before: old }),
      ...(fresh === undefined ? {} : { after: fresh }),
    })
  }
  return found
}

function facts(entries: readonly (readonly [string, string | number | boolean | undefined])[]): Facts {
  return new Map(entries.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]))
}

function director(of: DirectorAddresses | undefined): string | undefined {
  return of && (of.private === undefined ? of.public : `${of.public}, ${of.private}`)
}

function floating(of: FloatingAddress | undefined): string | undefined {
  return of && `${of.address}${of.prefix === undefined ? '' : `/${of.prefix}`} ${of.device}`
}

function factsOf(config: Config): Facts {
  const { heartbeat, timeouts, failback, announce, syncDaemon } = config
  return facts([
    ['primary', director(config.primary)],
    ['backup', director(config.backup)],
    ['backup_active', config.backupActive],
    ['serial_no', config.serialNo],
    ['heartbeat_port', heartbeat.port],
    ['heartbeat_paths', heartbeat.more?.map(({ primary, backup }) => `${primary} ${backup}`).join(', ')],
    ['keepalive', `${heartbeat.keepaliveMs} ms`],
    ['deadtime', `${heartbeat.deadtimeMs} ms`],
    ['network', config.forwarding],
    ['nat_router', floating(config.natRouter)],
    ['nat_router6', floating(config.natRouter6)],
    ['monitor_links', config.monitorLinks],
    ['syncdaemon', syncDaemon && `${syncDaemon.device} ${syncDaemon.id}`],
    ['tcp_timeout', `${timeouts.tcpS} s`],
    ['tcpfin_timeout', `${timeouts.tcpFinS} s`],
    ['udp_timeout', `${timeouts.udpS} s`],
    ['failback', failback.auto ? `after ${failback.delayMs} ms` : 'off'],
    ['announce', `${announce.burst}, again after ${announce.repeatMs.join(', ')} ms, every ${announce.refreshMs} ms`],
  ])
}

function serviceOf(virtual: VirtualServer): string {
  return virtual.fwmark === undefined
    ? `${endpoint(virtual.vip.address, virtual.port)}/${virtual.protocol}`
    : `${virtual.vip.address} mark ${virtual.fwmark}`
}

function factsOfVirtual(virtual: VirtualServer): Facts {
  const { check } = virtual
  return facts([
    ['name', virtual.name],
    ['active', virtual.active],
    ['address', floating(virtual.vip)],
    ['protocol', virtual.protocol],
    ['port', virtual.port],
    ['fwmark', virtual.fwmark],
    ['scheduler', virtual.scheduler],
    ['persistent', virtual.persistentS === undefined ? undefined : `${virtual.persistentS} s`],
    ['pmask', virtual.persistentPrefix === undefined ? undefined : `/${virtual.persistentPrefix}`],
    ['sorry_server', virtual.sorryServer],
    ['quiesce_server', virtual.quiesce],
    ['load_monitor', virtual.loadMonitor],
    ['check', sayCheck(check)],
    ['check interval', `${check.intervalMs} ms`],
    ['check timeout', `${check.timeoutMs} ms`],
    ['rise', check.rise],
    ['fall', check.fall],
  ])
}

function placeOf(server: RealServer): string {
  return endpoint(server.address, server.port)
}

function factsOfServer(server: RealServer): Facts {
  return facts([
    ['name', server.name],
    ['active', server.active],
    ['address', server.address],
    ['port', server.port],
    ['weight', server.weight],
  ])
}
