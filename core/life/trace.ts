/** Gathers what the packet-path tracer judges (provision/trace.ts): all hosts side by side, then one question for the standby director. */
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { isIpv4 } from '../../domain/ipv4.ts'
import type { Trace } from '../../domain/trace.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import type { Surveyed } from '../provision/finding.ts'
import { survey } from '../provision/survey.ts'
import { takesVipScript, traceOf } from '../provision/trace.ts'
import type { Hosts } from '../ssh/hosts.ts'

/** Real servers that give no facts (set up by hand) are asked by a packet laid on their way, where the standby is on their segment. */
async function askTakesVip(
  draft: ClusterDraft,
  vip: string,
  surveyed: readonly Surveyed[],
  hosts: Hosts,
): Promise<Readonly<Record<string, boolean>>> {
  const unseen = draft.realServers
    .filter(({ id }) => !surveyed.some(({ hostId, facts }) => hostId === id && facts !== undefined))
    .map((server) => ({ id: server.id, address: clusterAddressOf(server) }))
    .filter(({ address }) => isIpv4(address))
  if (draft.forwarding !== 'direct' || unseen.length === 0 || !isIpv4(vip)) return {}
  const standby = surveyed.find(
    ({ role, facts }) =>
      role === 'director' &&
      facts !== undefined &&
      !facts.nics.some((nic) => nic.addresses.some(({ address }) => address === vip)),
  )
  const session = standby ? await hosts.session(standby.host) : undefined
  if (!session?.ok) return {}
  const text = takesVipScript(
    vip,
    unseen.map(({ address }) => address),
  )
  const asked = await session.value.script(text, { as: 'root' })
  if (!asked.ok) return {}
  const said = asked.value.out.split('\n')
  return Object.fromEntries(
    unseen.flatMap(({ id, address }) => {
      const line = said.find((each) => each.startsWith(`takes ${address} `))
      return line === undefined ? [] : [[id, line.endsWith(' yes')] as const]
    }),
  )
}

/** Looks at every hop of every way now; hosts that cannot be asked leave their hops unknown. */
export async function traceCluster(draft: ClusterDraft, hosts: Hosts, now: () => number): Promise<Trace> {
  const surveyed = await survey(draft, hosts, now)
  const takesVip: Record<string, Readonly<Record<string, boolean>>> = {}
  for (const vip of vipsOf(draft)) takesVip[vip] = await askTakesVip(draft, vip, surveyed, hosts)
  return traceOf({ draft, surveyed, takesVip, atMs: now() })
}
