/**
 * What manages the network of a director, told to leave alone what is not its own. Only systemd-networkd has to be told: when it starts
 * again it removes addresses that no file of its names (systemd.network(5), KeepConfiguration=). NetworkManager and ifupdown leave the
 * addresses of others on a card that is up; should a card be brought up anew, the agent's next look puts the virtual IP back. Pure.
 */
import { interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Step } from '../../domain/plan.ts'
import { virtualIpsOf } from '../../domain/virtual-ips.ts'
import { step, textFile } from './steps.ts'

/** The drop-in of ours beside the file systemd-networkd goes by, wherever that one lies (netplan's is in /run). */
export function networkdFile(networkFile: string): string {
  return `/etc/systemd/network/${networkFile.slice(networkFile.lastIndexOf('/') + 1)}.d/50-shoal.conf`
}

/** The cards of a director that get floating addresses. */
export function floatingCards(draft: ClusterDraft): readonly string[] {
  const cards = virtualIpsOf(draft).map(({ device }) => interfaceOf(device))
  if (draft.forwarding === 'nat') cards.push(interfaceOf(draft.natRouter.device))
  return [...new Set(cards)].filter((card) => card !== '')
}

export function directorOwnerSteps(draft: ClusterDraft, host: HostDraft, facts: HostFacts): readonly Step[] {
  const paths = floatingCards(draft).flatMap((card) => facts.network.networkdFiles[card] ?? [])
  if (paths.length === 0) return []
  const text = `# Written by Shoal: the agent adds and removes the virtual IP; a restart of systemd-networkd leaves it where it is.
[Network]
KeepConfiguration=static
`
  return [
    step(host, 'network-owner', {
      detail: { owner: 'systemd-networkd' },
      files: [...new Set(paths)].map((path) => textFile(networkdFile(path), '0644', text)),
    }),
  ]
}
