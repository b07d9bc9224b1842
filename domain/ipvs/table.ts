/**
 * The IPVS table: what it should be, and the fewest ipvsadm lines from what the kernel has to that. Shared by the agent, which takes
 * the health of the real servers in, and by whoever wants to see what a file means in the kernel.
 */
import type { Config, Forwarding, VirtualServer } from '../config.ts'
import { isSix } from '../ipv6.ts'
import { endpoint, kernelPort, methodOption, serviceKey, serviceOption } from './keys.ts'
import type { KernelService } from './kernel-table.ts'

/** Ticks per second that Linux is built with; the text table gives persistence in ticks. */
const tickRates = [100, 250, 300, 1000]

export interface WantedDestination {
  readonly key: string
  readonly weight: number
  /** Not known yet: neither added nor removed. */
  readonly asFound: boolean
}

export interface WantedService {
  readonly key: string
  readonly forwarding: Forwarding
  readonly scheduler: string
  readonly persistentS: number
  /** Prefix length of persistence; that of a whole address where the file gives none. */
  readonly persistentPrefix: number
  readonly ipv6: boolean
  readonly destinations: readonly WantedDestination[]
  /** The sorry server stands in. */
  readonly sorry: boolean
}

/** The service of a virtual server with these real servers; `sorry` puts its sorry server in as well. */
export function serviceOf(
  forwarding: Forwarding,
  spec: VirtualServer,
  destinations: readonly WantedDestination[],
  sorry: boolean,
): WantedService {
  const ipv6 = isSix(spec.vip.address)
  const all = [...destinations]
  if (sorry && spec.sorryServer !== undefined) {
    const key = endpoint(spec.sorryServer, spec.port)
    const at = all.findIndex((d) => d.key === key)
    // A real server that also is the sorry server, and is quiesced or drained, still says sorry.
    if (at >= 0) all.splice(at, 1)
    all.push({ key, weight: 1, asFound: false })
  }
  return {
    key: serviceKey(spec),
    forwarding,
    scheduler: spec.scheduler,
    persistentS: spec.persistentS ?? 0,
    persistentPrefix: spec.persistentPrefix ?? (ipv6 ? 128 : 32),
    ipv6,
    destinations: all,
    sorry: sorry && spec.sorryServer !== undefined,
  }
}

/** The table of a config while every real server is well: active ones only, each once, the first virtual server of a key. */
export function tableOf(config: Config): readonly WantedService[] {
  const services = new Map<string, WantedService>()
  for (const spec of config.virtualServers) {
    if (!spec.active || services.has(serviceKey(spec))) continue
    const destinations = new Map<string, WantedDestination>()
    for (const server of spec.realServers) {
      const key = endpoint(server.address, kernelPort(config, spec, server))
      if (server.active && !destinations.has(key)) destinations.set(key, { key, weight: server.weight, asFound: false })
    }
    const sorry = destinations.size === 0
    services.set(serviceKey(spec), serviceOf(config.forwarding, spec, [...destinations.values()], sorry))
  }
  return [...services.values()]
}

function maskOf(prefix: number): string {
  return [0, 8, 16, 24].map((from) => (256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - from)))) & 255).join('.')
}

function samePersistence(want: WantedService, have: KernelService): boolean {
  if (want.persistentS === 0) return !have.persistence
  if (!have.persistence || have.persistence.prefix !== want.persistentPrefix) return false
  const { value, unit } = have.persistence
  return unit === 's' ? value === want.persistentS : tickRates.some((rate) => value === want.persistentS * rate)
}

/** Scheduler and persistence as ipvsadm takes them: `-s wlc -p 300 -M 255.255.255.0`. */
function mannerOf(want: WantedService): string {
  const whole = want.ipv6 ? 128 : 32
  return [
    `-s ${want.scheduler}`,
    ...(want.persistentS > 0 ? [`-p ${want.persistentS}`] : []),
    ...(want.persistentS > 0 && want.persistentPrefix !== whole
      ? [`-M ${want.ipv6 ? want.persistentPrefix : maskOf(want.persistentPrefix)}`]
      : []),
  ].join(' ')
}

/** One difference between wanted and observed: the ipvsadm line that removes it, and how it is said. */
export interface Difference {
  readonly command: string
  readonly says: string
}

/** The differences of one service of ours; `have` absent = the kernel does not have it. */
export function compareService(want: WantedService, have: KernelService | undefined): readonly Difference[] {
  const { key } = want
  const option = serviceOption(key)
  const method = methodOption[want.forwarding]
  const out: Difference[] = []
  if (!have) {
    out.push({ command: `-A ${option} ${mannerOf(want)}`, says: `${key} is missing` })
  } else if (have.scheduler !== want.scheduler || !samePersistence(want, have)) {
    const has =
      have.scheduler === want.scheduler
        ? 'another persistence'
        : `the scheduler ${have.scheduler} instead of ${want.scheduler}`
    out.push({ command: `-E ${option} ${mannerOf(want)}`, says: `${key} has ${has}` })
  }
  const kept = new Set<string>()
  for (const destination of want.destinations) {
    kept.add(destination.key)
    const there = have?.destinations.get(destination.key)
    if (!there) {
      if (destination.asFound) continue
      out.push({
        command: `-a ${option} -r ${destination.key} ${method} -w ${destination.weight}`,
        says: `${destination.key} is missing in ${key}`,
      })
    } else if (!destination.asFound) {
      const sameMethod = there.forwarding === 'local' || there.forwarding === want.forwarding
      if (there.weight !== destination.weight || !sameMethod) {
        out.push({
          command: `-e ${option} -r ${destination.key} ${method} -w ${destination.weight}`,
          says: sameMethod
            ? `${destination.key} in ${key} has weight ${there.weight} instead of ${destination.weight}`
            : `${destination.key} in ${key} is forwarded by ${there.forwarding} instead of ${want.forwarding}`,
        })
      }
    }
  }
  for (const found of have?.destinations.keys() ?? []) {
    if (!kept.has(found))
      out.push({ command: `-d ${option} -r ${found}`, says: `${found} is in ${key} and should not be` })
  }
  return out
}

/** A service that was ours and is no longer wanted. */
export function dropService(key: string): Difference {
  return { command: `-D ${serviceOption(key)}`, says: `${key} is there and should not be` }
}

/** Additions first, removals last: no moment in a batch has fewer servers than the worse of both ends. */
export function inOrder(differences: readonly Difference[]): readonly string[] {
  const rank = (command: string): number => ['-A', '-E', '-a', '-e', '-d', '-D'].indexOf(command.slice(0, 2))
  return differences.map((d) => d.command).sort((a, b) => rank(a) - rank(b))
}
