/** What only shows when hosts are compared, or when one asks the network about another. Pure. */
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { vipsText, virtualIpsOf } from '../../domain/virtual-ips.ts'
import type { Known, Noting } from './finding.ts'
import { placeOnSegment, tunnelBytes } from './look.ts'

/** What a client's packet is at most on the usual network, and the part of it that is payload. */
const clientPacketBytes = 1500
const tcpHeaderBytes = 40

/** A heartbeat path that loses packets, or is so slow that beats come late, is worth knowing before it decides over a takeover. */
function checkPaths(note: Noting, director: Known, draft: ClusterDraft): void {
  const deadtimeMs = Number(draft.failure.deadtimeMs) || 0
  for (const { local, remote, sent, received, worstMs } of director.look?.paths ?? []) {
    if (received === sent && worstMs < deadtimeMs / 2) continue
    const command = `ping -I ${local} -c ${sent} -i 0.2 ${remote}`
    const detail = { local, remote, sent, lost: sent - received, worstMs, deadtimeMs }
    note(
      director,
      'heartbeat-path',
      command,
      `${received} of ${sent}, ${worstMs} ms`,
      'heartbeat-lossy',
      detail,
      'warning',
    )
  }
}

/** Names by the port a beat is sent to. */
const beatNames: Readonly<Record<number, string>> = { 694: 'heartbeat', 539: 'pulse / Shoal' }

/** Clusters of others on the segment, as they say of themselves. Those that run on the draft's own hosts are rivals (check-director). */
function checkBeats(note: Noting, director: Known, known: readonly Known[], draft: ClusterDraft): void {
  const own = new Set(known.flatMap(({ facts }) => facts.nics.flatMap((nic) => nic.addresses.map((a) => a.address))))
  const strange = (director.look?.beats ?? []).filter(({ from }) => !own.has(from))
  for (const device of new Set(strange.map((beat) => beat.device))) {
    const beats = strange
      .filter((beat) => beat.device === device)
      .map(({ from, port, vrrp }) =>
        vrrp
          ? `VRRP ${vrrp.id} (${from}, priority ${vrrp.priority})`
          : `${beatNames[port ?? 0] ?? 'corosync'} (${from}, udp ${port ?? '?'})`,
      )
      .join(', ')
    const command = `tcpdump -nn -i ${device} 'ip proto 112 or udp port 694 or 539 or 5404-5406'`
    note(director, 'other-beats', command, beats, 'other-beats', { device, beats, vip: vipsText(draft) }, 'warning')
  }
}

/** A request that fills a packet is longer once it is wrapped; what does not fit must be told to the client by ICMP. */
function checkTunnels(note: Noting, director: Known, known: readonly Known[]): void {
  for (const other of known) {
    if (other.role !== 'real-server') continue
    const address = clusterAddressOf(other.host)
    const mtu = director.look?.tunnels[address]
    const needed = clientPacketBytes + tunnelBytes
    if (mtu === undefined || mtu >= needed) continue
    const command = `ping -M do -c 1 -s ${needed - 28} ${address}`
    const detail = { other: other.host.name, mtu, needed, mss: mtu - tunnelBytes - tcpHeaderBytes }
    note(director, 'tunnel-mtu', command, `${mtu} bytes`, 'tunnel-mtu', detail, 'note')
  }
}

/** What only shows when hosts are compared: copies of one another, and whether they are on one segment. */
export function checkBetween(note: Noting, known: readonly Known[], draft: ClusterDraft): void {
  known.forEach((host, at) => {
    for (const other of known.slice(at + 1)) {
      const macs = host.facts.nics.map(({ mac }) => mac).filter((mac) => mac !== '')
      const shared = macs.find((mac) => other.facts.nics.some((nic) => nic.mac === mac))
      const sameId = host.facts.machineId !== '' && host.facts.machineId === other.facts.machineId
      if (shared !== undefined && sameId) {
        note(other, 'same-host', 'cat /etc/machine-id; ip -j link', shared, 'same-host', { other: host.host.name })
      } else if (shared !== undefined) {
        note(other, 'duplicate-mac', 'ip -j link', shared, 'duplicate-mac', { other: host.host.name, mac: shared })
      } else if (sameId) {
        const detail = { other: host.host.name }
        note(
          other,
          'machine-id',
          'cat /etc/machine-id',
          host.facts.machineId,
          'duplicate-machine-id',
          detail,
          'warning',
        )
      }
    }
  })

  const vips = virtualIpsOf(draft)
  const ownMacs = new Map(known.flatMap((host) => host.facts.nics.map((nic) => [nic.mac, host] as const)))
  for (const director of known) {
    if (director.role !== 'director' || !director.look?.asked) continue
    const place = placeOnSegment(director.facts, vips[0]?.address ?? '', vips[0]?.device ?? '')
    if (!place) continue
    checkPaths(note, director, draft)
    checkBeats(note, director, known, draft)
    for (const mac of director.look.routerMacs) {
      if (ownMacs.get(mac)?.role === 'director') continue
      const router = draft.natRouter.address.trim()
      const command = `arping -D -c 2 -I ${draft.natRouter.device} ${router}`
      note(director, 'router-free', command, mac, 'vip-answered', { vip: router, mac })
    }
    if (draft.forwarding === 'tunnel') checkTunnels(note, director, known)
    for (const { address: vip, device } of vips) {
      const there = placeOnSegment(director.facts, vip, device)?.device ?? device
      for (const mac of director.look.vipMacs[vip] ?? []) {
        // An answer from one of our own hosts is judged by what that host says of itself (vip-on-host); a director that belongs to
        // this cluster may well hold it.
        if (ownMacs.get(mac)?.role === 'director') continue
        note(director, 'vip-free', `arping -D -c 2 -I ${there} ${vip}`, mac, 'vip-answered', { vip, mac })
      }
    }
    if (draft.forwarding !== 'direct') continue
    for (const other of known) {
      if (other.hostId === director.hostId) continue
      const address = clusterAddressOf(other.host)
      const answers = director.look.macs[address]
      const command = `arping -b -c 2 -s ${place.address} -I ${place.device} ${address}`
      if (answers === undefined || answers.length === 0) {
        note(director, 'same-segment', command, '', 'other-segment', { other: other.host.name, address })
        continue
      }
      const stranger = answers.find((mac) => !other.facts.nics.some((nic) => nic.mac === mac))
      if (stranger !== undefined) {
        const detail = { other: other.host.name, address, mac: stranger }
        note(director, 'same-segment', command, answers.join(' '), 'segment-through-another', detail)
      }
    }
  }
}
