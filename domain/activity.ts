/**
 * What of a draft is active (lvs.cf `active = 0|1`): a virtual server that is not stands in the file and is not served, a real server
 * that is not in a service is neither checked nor given connections of it. Pure.
 */
import type { ClusterDraft, RealServerDraft, ServiceDraft } from './cluster.ts'

/** A virtual server (without `server`), or a real server in one, by the names of the draft. */
export interface Activity {
  readonly service: string
  readonly server?: string
}

type Parts = Pick<ClusterDraft, 'services' | 'realServers'>

/** Whether a real server gets connections of a service. */
export function isActiveIn(
  service: Pick<ServiceDraft, 'active' | 'inactiveServers'>,
  server: Pick<RealServerDraft, 'id'>,
): boolean {
  return service.active && !service.inactiveServers.includes(server.id)
}

/** A virtual server of a draft by its name. */
export function serviceNamed(draft: Pick<ClusterDraft, 'services'>, name: string): ServiceDraft | undefined {
  return draft.services.find((service) => service.name.trim() === name)
}

/** Everything that is not active, virtual servers first. Of a virtual server that is not active its real servers are not told. */
export function inactiveOf(draft: Parts): readonly Activity[] {
  const off = draft.services.filter(({ active }) => !active).map(({ name }) => ({ service: name.trim() }))
  const servers = draft.services
    .filter(({ active }) => active)
    .flatMap((service) =>
      draft.realServers
        .filter((server) => !isActiveIn(service, server))
        .map((server) => ({ service: service.name.trim(), server: server.name.trim() })),
    )
  return [...off, ...servers]
}

/** Whether a virtual server is the last active one at its virtual IP: without it nobody would hold the address. */
export function isLastAt(draft: Pick<ClusterDraft, 'services'>, service: ServiceDraft): boolean {
  return !draft.services.some((one) => one !== service && one.active && one.virtualIpId === service.virtualIpId)
}

/** The draft with one thing activated or deactivated; the same draft when there is nothing of that name, or it is so already. */
export function withActivity(draft: ClusterDraft, what: Activity, active: boolean): ClusterDraft {
  const service = serviceNamed(draft, what.service)
  if (!service) return draft
  const put = (changed: ServiceDraft): ClusterDraft => ({
    ...draft,
    services: draft.services.map((one) => (one === service ? changed : one)),
  })
  if (what.server === undefined) return service.active === active ? draft : put({ ...service, active })
  const server = draft.realServers.find(({ name }) => name.trim() === what.server)
  if (!server || !service.inactiveServers.includes(server.id) === active) return draft
  const others = service.inactiveServers.filter((id) => id !== server.id)
  return put({ ...service, inactiveServers: active ? others : [...others, server.id] })
}

/** Real servers that stay in the cluster and lose a service they had: they are drained of it before the change. */
export function restedBy(before: Parts, after: Parts): readonly { readonly id: string; readonly service: string }[] {
  return before.services.flatMap((service) => {
    const next = serviceNamed(after, service.name.trim())
    if (!next?.active) return []
    return before.realServers
      .filter((server) => isActiveIn(service, server))
      .filter(({ id }) => after.realServers.some((one) => one.id === id && !isActiveIn(next, one)))
      .map(({ id }) => ({ id, service: service.name.trim() }))
  })
}
