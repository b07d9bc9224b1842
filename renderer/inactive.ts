/** What stands in a cluster's draft and is not active. Pure. */
import type { ClusterDraft, ServiceDraft } from '../domain/cluster.ts'

/** A virtual server (without `server`), or a real server in one, by the names of the draft. */
export interface Inactive {
  readonly service: string
  readonly server?: string
}

const serverName = (draft: Pick<ClusterDraft, 'realServers'>, id: string): string | undefined =>
  draft.realServers.find((server) => server.id === id)?.name.trim()

/** Everything that is not active, virtual servers first. Of a virtual server that is not active its real servers are not told. */
export function inactiveOf(draft: Pick<ClusterDraft, 'services' | 'realServers'>): readonly Inactive[] {
  const off = draft.services.filter(({ active }) => !active).map(({ name }) => ({ service: name.trim() }))
  const servers = draft.services
    .filter(({ active }) => active)
    .flatMap((service) =>
      service.inactiveServers.flatMap((id) => {
        const server = serverName(draft, id)
        return server === undefined ? [] : [{ service: service.name.trim(), server }]
      }),
    )
  return [...off, ...servers]
}

/** A virtual server of a draft by its name. */
export function serviceNamed(draft: Pick<ClusterDraft, 'services'>, name: string): ServiceDraft | undefined {
  return draft.services.find((service) => service.name.trim() === name)
}
