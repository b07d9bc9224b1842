/**
 * Virtual IPs that come or go with a change of a running cluster, as it goes on the real servers. Pure. Nothing that is served is taken
 * away before the directors serve it no more, and a virtual IP that stays is not off its card for a moment:
 *
 *     before the new lvs.cf   what comes is put beside what is there, what goes still stands (`keptDraft`)
 *     after its confirmation  what goes leaves the real servers (`endingSteps`), and the directors are asked whether it left them
 */
import { clusterAddressOf, interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, ServiceDraft } from '../../domain/cluster.ts'
import type { Plan, Step } from '../../domain/plan.ts'
import { aliasLabels, virtualIpOf, virtualIpsOf, vipsOf } from '../../domain/virtual-ips.ts'
import { realServerProgram, realServerUnit } from '../provision/real-server-material.ts'
import { step } from '../provision/steps.ts'

/** How long a director may take to let a virtual IP go that its lvs.cf does not name any more. */
const goneSeconds = 10

interface VipDifference {
  readonly coming: readonly string[]
  readonly leaving: readonly string[]
}

export function vipDifference(before: ClusterDraft, after: ClusterDraft): VipDifference {
  const had = vipsOf(before)
  const has = vipsOf(after)
  return { coming: has.filter((vip) => !had.includes(vip)), leaving: had.filter((vip) => !has.includes(vip)) }
}

/**
 * Why the virtual IPs cannot become these while they serve, from what to what; undefined when they can. One has to stay, or it would be
 * another cluster, and what stays has to stay where it is.
 */
export function vipFault(
  before: ClusterDraft,
  after: ClusterDraft,
): { readonly from: string; readonly to: string } | undefined {
  const placeOf = (draft: ClusterDraft): ReadonlyMap<string, string> => {
    const labels = aliasLabels(draft)
    return new Map(
      virtualIpsOf(draft).map(({ id, address, prefix }) => [address, `${address}/${prefix} ${labels.get(id) ?? ''}`]),
    )
  }
  const was = placeOf(before)
  const is = placeOf(after)
  const moved = [...is].find(([address, place]) => was.has(address) && was.get(address) !== place)
  if (moved) return { from: was.get(moved[0]) ?? '', to: moved[1] }
  if (![...is.keys()].some((address) => was.has(address))) {
    return { from: before.virtualIp.address, to: after.virtualIp.address }
  }
  const router = ({ natRouter }: ClusterDraft): string => JSON.stringify(natRouter)
  if (router(before) === router(after)) return undefined
  return { from: before.natRouter.address, to: after.natRouter.address }
}

/**
 * The draft with what leaves still in it, its services as well, in the order it was built in: what the hosts are until the change is
 * confirmed. It is `after` itself when nothing leaves.
 */
export function keptDraft(before: ClusterDraft, after: ClusterDraft): ClusterDraft {
  const { coming, leaving } = vipDifference(before, after)
  if (leaving.length === 0) return after
  const fresh = virtualIpsOf(after).filter(({ address }) => coming.includes(address))
  const all = [...virtualIpsOf(before), ...fresh.map((vip, at) => ({ ...vip, id: `coming-${at + 1}` }))]
  const at = (draft: ClusterDraft) => (service: ServiceDraft) => {
    const { address } = virtualIpOf(draft, service)
    return { ...service, virtualIpId: all.find((vip) => vip.address === address)?.id ?? '' }
  }
  return {
    ...after,
    virtualIp: before.virtualIp,
    moreVirtualIps: all.slice(1).map(({ id, address, device, prefix }) => ({ id, address, device, prefix })),
    services: [
      ...after.services.map(at(after)),
      ...before.services.filter((service) => leaving.includes(virtualIpOf(before, service).address)).map(at(before)),
    ],
  }
}

function held(vip: string, device: string): string {
  return `ip -4 -o address show dev ${device} 2>/dev/null | grep -qF ' ${vip}/32 '`
}

/**
 * The real server's script while its chains of ARP rules are made anew: for that moment the kernel itself keeps silent. Where the kernel
 * values keep the silence, they do so all along.
 */
function upInSilence(draft: ClusterDraft): string {
  const up = `${realServerProgram} up`
  if (draft.forwarding !== 'direct' || draft.realServerWay.direct !== 'arptables') return up
  const keys = ['net.ipv4.conf.all.arp_ignore', 'net.ipv4.conf.all.arp_announce']
  return `ignored=$(sysctl -n ${keys[0] ?? ''}) announced=$(sysctl -n ${keys[1] ?? ''})
sysctl -q -w ${keys[0] ?? ''}=1 ${keys[1] ?? ''}=2
failed=0
${up} || failed=1
sysctl -q -w ${keys[0] ?? ''}="$ignored" ${keys[1] ?? ''}="$announced"
[ "$failed" = 0 ]`
}

const isActive = `systemctl is-active -q ${realServerUnit}`

/**
 * The steps of a plan as they go on real servers that serve: their script puts what is missing beside what is there, and the unit is not
 * stopped for it. Taken back, what came goes and what went comes back by the script that was there before.
 */
export function gentle(
  steps: readonly Step[],
  draft: ClusterDraft,
  { coming, leaving }: VipDifference,
  serving: ReadonlySet<string>,
): readonly Step[] {
  if (draft.forwarding === 'nat' || coming.length + leaving.length === 0) return steps
  const device = draft.forwarding === 'tunnel' ? 'tunl0' : 'lo'
  const up = upInSilence(draft)
  return steps.map((each): Step => {
    if (!serving.has(each.hostId)) return each
    if (each.kind === 'vip-unit') {
      return { ...each, settle: `${each.settle ?? ':'}\nif ${isActive}; then\n${up}\nfi` }
    }
    if (each.kind !== 'vip-up') return each
    return {
      ...each,
      alreadySo: [each.alreadySo, ...leaving.map((vip) => `! ${held(vip, device)} || exit 1`)].join('\n'),
      run: `if [ ! -e "$KEPT/looked" ]; then
${[
  ...coming.map((vip, at) => `  if ${held(vip, device)}; then : >"$KEPT/had-${at}"; fi`),
  `  if ${isActive}; then : >"$KEPT/was-active"; fi`,
].join('\n')}
  : >"$KEPT/looked"
fi
${leaving.map((vip) => `ip address del ${vip}/32 dev ${device} 2>/dev/null || true\n`).join('')}if ${isActive}; then
${up}
else systemctl restart ${realServerUnit}
fi
${realServerProgram} check
${leaving.map((vip) => `if ${held(vip, device)}; then echo '${vip} is still on ${device}' >&2; exit 1; fi\n`).join('')}`.trimEnd(),
      inverse: [
        ...coming.map(
          (vip, at) =>
            `if [ ! -e "$KEPT/had-${at}" ]; then ip address del ${vip}/32 dev ${device} 2>/dev/null || true; fi`,
        ),
        `if [ ! -e "$KEPT/was-active" ]; then systemctl stop ${realServerUnit}; fi`,
      ].join('\n'),
    }
  })
}

/** Real servers that Shoal set up before and that stay, by the id they have in `after`. */
export function servingHosts(before: ClusterDraft, after: ClusterDraft): ReadonlySet<string> {
  const there = new Set(before.realServers.filter(({ setUp }) => setUp === 'ssh').map(clusterAddressOf))
  return new Set(after.realServers.filter((server) => there.has(clusterAddressOf(server))).map(({ id }) => id))
}

/** What is left to do once a change that takes virtual IPs away is confirmed; undefined when none leaves. */
export function endingPlan(before: ClusterDraft, after: ClusterDraft, plan: Plan): Plan | undefined {
  const { leaving } = vipDifference(before, after)
  if (leaving.length === 0) return undefined
  const labels = new Map(virtualIpsOf(before).map(({ address, device }) => [address, interfaceOf(device)]))
  const serving = servingHosts(before, after)
  const directors = after.directors.map(({ id }) => id)
  const gone = after.directors.map((host) => {
    const anyHeld = leaving.map((vip) => `ip -4 -o address show to ${vip}/32 | grep -q .`).join(' || ')
    return step(host, 'vip-gone', {
      detail: { vip: leaving.join(', '), device: [...new Set(leaving.map((vip) => labels.get(vip) ?? ''))].join(', ') },
      alreadySo: `if ${anyHeld}; then exit 1; fi`,
      run: `end=$(( $(date +%s) + ${goneSeconds} ))
while ${anyHeld}; do
  if [ "$(date +%s)" -ge "$end" ]; then ip -4 -br address show >&2; exit 1; fi
  sleep 0.3
done`,
    })
  })
  const kinds: readonly Step['kind'][] = ['vip-unit', 'vip-up', 'firewall']
  const steps = plan.steps.filter(
    ({ hostId, kind }) =>
      kinds.includes(kind) && (serving.has(hostId) || (directors.includes(hostId) && kind === 'firewall')),
  )
  return {
    ...plan,
    // The directors first: what they still hold would be answered by nobody.
    order: [directors, [...serving]].filter((group) => group.length > 0),
    steps: [...gone, ...gentle(steps, after, { coming: [], leaving }, serving)],
  }
}
