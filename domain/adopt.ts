/**
 * A running Piranha or keepalived cluster as a draft of the wizard: what its file says, in the words of the draft. The lvs.cf is the
 * form in between; what the draft cannot hold (an IPv6 address, a check of another kind) is told and not dropped in silence. Pure.
 */
import { draftCheckOf } from './cluster-check.ts'
import type { ClusterDraft, DirectorDraft, ServiceDraft } from './cluster.ts'
import { newClusterDraft, newRealServer, newService } from './cluster-lvscf.ts'
import type { Config, VirtualServer } from './config.ts'
import { isIpv4 } from './ipv4.ts'
import { problem } from './problem.ts'
import type { Problem } from './problem.ts'

export interface Adopted {
  readonly draft: ClusterDraft
  /** What is in the file and not in the draft, each as a warning. */
  readonly left: readonly Problem[]
}

/** Bytes as lvs.cf writes them. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

function checkOf(server: VirtualServer, left: Problem[]): ServiceDraft['check'] {
  const usual = newService(1).check
  const { check } = server
  const timing = {
    intervalS: String(Math.max(1, Math.round(check.intervalMs / 1000))),
    reentryS: usual.reentryS,
  }
  if (check.kind === 'connect') return { ...usual, ...timing, kind: 'connect', send: '', expect: '' }
  if (check.kind === 'send-expect' && !check.regex) {
    return {
      ...usual,
      ...timing,
      kind: 'send-expect',
      send: escaped(check.send ?? ''),
      expect: escaped(check.expect ?? ''),
    }
  }
  const chosen = draftCheckOf(check)
  if (chosen) return { ...usual, ...timing, ...chosen }
  left.push(problem('adopt-check', { service: server.name, kind: check.kind }, undefined, 'warning'))
  return { ...usual, ...timing, kind: 'connect', send: '', expect: '' }
}

/**
 * The draft of a cluster from its configuration and the logins of its two directors. Every virtual IP comes with its services; the
 * directors get the addresses of the file where SSH goes by name.
 */
export function adopt(
  id: string,
  name: string,
  config: Config,
  directors: readonly [DirectorDraft, DirectorDraft],
): Adopted {
  const left: Problem[] = []
  const fresh = newClusterDraft(id)
  const served = config.virtualServers.filter(({ active }) => active)
  for (const { name: service, active } of config.virtualServers) {
    if (!active) left.push(problem('adopt-inactive', { service }, undefined, 'warning'))
  }
  const here = served.filter(({ vip }) => isIpv4(vip.address))
  for (const { name: service, vip } of served) {
    if (!isIpv4(vip.address)) {
      left.push(problem('adopt-other-address', { service, vip: vip.address }, undefined, 'warning'))
    }
  }
  // One address in several services may have labels of its own in each; the first word counts, as it does for the agent.
  const [first, ...more] = here.filter(
    ({ vip }, at) => here.findIndex((other) => other.vip.address === vip.address) === at,
  )
  const placeOf = ({ vip }: VirtualServer): ClusterDraft['virtualIp'] => ({
    address: vip.address,
    device: vip.device,
    prefix: String(vip.prefix ?? 32),
  })
  const moreVirtualIps = more.map((server, at) => ({ id: `vip-${at + 2}`, ...placeOf(server) }))

  const services = here.map((server, at): ServiceDraft => {
    const ports = (server.markPorts ?? []).flatMap(({ from, to }) =>
      to - from < 64 ? Array.from({ length: to - from + 1 }, (_, add) => from + add) : [from],
    )
    const realPort = server.realServers.find(({ port }) => port !== server.port)?.port
    return {
      ...newService(at + 1),
      name: server.name,
      protocol: server.protocol,
      port: String(server.port),
      realPort: config.forwarding === 'nat' && realPort !== undefined ? String(realPort) : '',
      morePorts: ports.filter((port) => port !== server.port).join(' '),
      fwmark: server.fwmark === undefined ? '' : String(server.fwmark),
      virtualIpId: moreVirtualIps.find(({ address }) => address === server.vip.address)?.id ?? '',
      scheduler: server.scheduler,
      persistentS: server.persistentS === undefined ? '' : String(server.persistentS),
      check: checkOf(server, left),
    }
  })

  // The draft has one list of real servers for all services; one that serves only some of them is told.
  const addresses = [...new Set(here.flatMap(({ realServers }) => realServers.map(({ address }) => address)))]
  const realServers = addresses.map((address, at) => {
    const entries = here.flatMap((server) => server.realServers.filter((each) => each.address === address))
    const [entry] = entries
    if (entries.length < here.length) {
      left.push(problem('adopt-not-everywhere', { server: entry?.name ?? address, address }, undefined, 'warning'))
    }
    return {
      ...newRealServer(at + 1),
      name: entry?.name ?? `rs${at + 1}`,
      address,
      login: { ...directors[0].login },
      user: directors[0].user,
      weight: String(entry?.weight ?? 1),
    }
  })

  const publics = [config.primary?.public, config.backup?.public]
  const seats = directors.map((director, at): DirectorDraft => {
    const said =
      [config.primary, config.backup].find((each) => each?.public === director.address.trim()) ??
      (at === 0 ? config.primary : config.backup)
    const byName = !publics.includes(director.address.trim())
    return {
      ...director,
      clusterAddress: director.clusterAddress.trim() === '' && byName ? (said?.public ?? '') : director.clusterAddress,
      privateAddress: said?.private ?? '',
    }
  })
  const [one, other] = seats
  return {
    draft: {
      ...fresh,
      name,
      step: 'review',
      forwarding: config.forwarding,
      directors: [one ?? directors[0], other ?? directors[1]],
      virtualIp: first ? placeOf(first) : { ...fresh.virtualIp, address: '' },
      moreVirtualIps,
      natRouter: config.natRouter
        ? {
            address: config.natRouter.address,
            device: config.natRouter.device,
            prefix: String(config.natRouter.prefix ?? 24),
          }
        : fresh.natRouter,
      services: services.map((service, at) => ({
        ...service,
        inactiveServers: realServers
          .filter(({ address }) => here[at]?.realServers.some((one) => one.address === address && !one.active))
          .map(({ id }) => id),
      })),
      realServers,
      failure: {
        keepaliveMs: String(config.heartbeat.keepaliveMs),
        deadtimeMs: String(config.heartbeat.deadtimeMs),
        failback: config.failback.auto,
      },
    },
    left,
  }
}
