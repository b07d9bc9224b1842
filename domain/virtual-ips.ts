/**
 * The virtual IPs of a draft. The first one always is; more are listed beside it. A service names its address by id, the empty id is the
 * first one, so a draft of one address says nothing about any of this. Pure.
 */
import type { ClusterDraft, ServiceDraft } from './cluster.ts'
import { isIpv4, isUnusable, nextIpv4 } from './ipv4.ts'

/** A virtual IP as typed, without surrounding space. */
export interface VirtualIp {
  /** Empty: the first one. */
  readonly id: string
  readonly address: string
  /** Interface or alias label: `eth0`, `eth0:1`. */
  readonly device: string
  readonly prefix: string
  /** Its fields in the draft, dotted. */
  readonly path: string
}

type HasAddresses = Pick<ClusterDraft, 'virtualIp' | 'moreVirtualIps'>

/** More than this many are refused: each is asked for on the wire by every director and real server. */
export const mostVirtualIps = 32

/** Every virtual IP, the first one first. */
export function virtualIpsOf({ virtualIp, moreVirtualIps }: HasAddresses): readonly VirtualIp[] {
  return [{ id: '', ...virtualIp, path: 'virtualIp' }, ...moreVirtualIps.map(named)].map((each) => ({
    id: each.id,
    address: each.address.trim(),
    device: each.device.trim(),
    prefix: each.prefix.trim(),
    path: each.path,
  }))
}

function named<T>(one: T, at: number): T & { readonly path: string } {
  return { ...one, path: `moreVirtualIps.${at}` }
}

/** The addresses alone. */
export function vipsOf(draft: HasAddresses): readonly string[] {
  return virtualIpsOf(draft).map(({ address }) => address)
}

/** The addresses in one text, for sentences and comments. */
export function vipsText(draft: HasAddresses): string {
  return vipsOf(draft).join(', ')
}

/** The address a service is served at; one that names none there is goes by the first. */
export function virtualIpOf(draft: HasAddresses, service: Pick<ServiceDraft, 'virtualIpId'>): VirtualIp {
  const all = virtualIpsOf(draft)
  const found = all.find(({ id }) => id === service.virtualIpId) ?? all[0]
  if (!found) throw new Error('a draft has a first virtual IP')
  return found
}

/** The services of one address. */
export function servicesAt(
  draft: HasAddresses & Pick<ClusterDraft, 'services'>,
  vip: VirtualIp,
): ClusterDraft['services'] {
  return draft.services.filter((service) => virtualIpOf(draft, service).id === vip.id)
}

/**
 * The alias label of each address on its interface, by id: Piranha re-addresses an interface without one, and two addresses of one label
 * are one to it. A label that was typed stays; the others are numbered by their id, so that what stays keeps its label when one goes.
 */
export function aliasLabels(draft: HasAddresses): ReadonlyMap<string, string> {
  const all = virtualIpsOf(draft)
  const taken = new Set(all.map(({ device }) => device).filter((device) => device.includes(':')))
  const labels = new Map<string, string>()
  for (const { id, device } of all) {
    if (device.includes(':') || device === '') {
      labels.set(id, device)
      continue
    }
    let number = numberOf(id)
    while (id !== '' && taken.has(`${device}:${number}`)) number += 1
    taken.add(`${device}:${number}`)
    labels.set(id, `${device}:${number}`)
  }
  return labels
}

function numberOf(id: string): number {
  return id === '' ? 1 : Number(/\d+$/.exec(id)?.[0] ?? '2')
}

/** The draft with one address more, on the interface of the last; its address is a suggestion the operator may type over. */
export function withVirtualIp(draft: ClusterDraft): ClusterDraft {
  const all = virtualIpsOf(draft)
  const last = all.at(-1)
  const id = `vip-${Math.max(...all.map((each) => numberOf(each.id))) + 1}`
  const fresh = {
    id,
    address: suggestedVip(draft) ?? '',
    device: last?.device.split(':')[0] ?? '',
    prefix: last?.prefix ?? '32',
  }
  return { ...draft, moreVirtualIps: [...draft.moreVirtualIps, fresh] }
}

/**
 * The draft without one of its addresses; its services go to the first one left. When the first goes, the next takes its place with the
 * label it had, so that it stays as it is on a running cluster.
 */
export function withoutVirtualIp(draft: ClusterDraft, id: string): ClusterDraft {
  const [heir] = draft.moreVirtualIps
  if (id === '' && !heir) return draft
  const gone = id === '' && heir ? [id, heir.id] : [id]
  const device = heir ? (aliasLabels(draft).get(heir.id) ?? heir.device) : ''
  return {
    ...draft,
    ...(id === '' && heir ? { virtualIp: { address: heir.address, device, prefix: heir.prefix } } : {}),
    moreVirtualIps: draft.moreVirtualIps.filter((each) => !gone.includes(each.id)),
    services: draft.services.map((service) =>
      gone.includes(service.virtualIpId) ? { ...service, virtualIpId: '' } : service,
    ),
  }
}

/** Every address of the draft that somebody has or shall have. */
function taken(draft: ClusterDraft): ReadonlySet<string> {
  const hosts = [...draft.directors, ...draft.realServers].flatMap(({ address, clusterAddress }) => [
    address.trim(),
    clusterAddress.trim(),
  ])
  const floating = draft.forwarding === 'nat' ? [draft.natRouter.address.trim()] : []
  return new Set([
    ...hosts,
    ...floating,
    ...draft.directors.map((each) => each.privateAddress.trim()),
    ...vipsOf(draft),
  ])
}

/**
 * The next address after the last virtual IP, or else after the directors, that nothing in the draft has; whether it is free on the
 * segment is asked there.
 */
export function suggestedVip(draft: ClusterDraft, besides: ReadonlySet<string> = new Set()): string | undefined {
  const used = taken(draft)
  const directors = draft.directors.map(({ address, clusterAddress }) => clusterAddress.trim() || address.trim())
  const last = [...directors, ...vipsOf(draft)].findLast(isIpv4)
  for (let next = last === undefined ? undefined : nextIpv4(last); next !== undefined; next = nextIpv4(next)) {
    const end = Number(next.split('.')[3])
    // The first and the last address of a network of 256 are nobody's; beyond it another network may begin.
    if (end === 0 || end === 255 || isUnusable(next)) return undefined
    if (!used.has(next) && !besides.has(next)) return next
  }
  return undefined
}
