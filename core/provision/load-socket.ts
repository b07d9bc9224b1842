/**
 * A real server that tells its load: a socket of systemd that answers the directors, and nobody else, with /proc/loadavg and the number
 * of processors. Nothing runs there between two questions. Made where a service has its weights follow the load (lvs.cf `load_monitor`).
 */
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { Step } from '../../domain/plan.ts'
import { insideAddresses } from './real-server-material.ts'
import { enableParts, step, textFile } from './steps.ts'

/** Where the load is told. */
export const loadPort = 5391
const socketUnit = 'shoal-load.socket'
const socketUnitPath = `/etc/systemd/system/${socketUnit}`
const serviceUnitPath = '/etc/systemd/system/shoal-load@.service'
const programPath = '/usr/local/sbin/shoal-load'
const mostConnections = 16

/** Whether any service has its weights follow the load. */
export function wantsLoad(draft: ClusterDraft): boolean {
  return draft.services.some(({ loadMonitor }) => loadMonitor !== 'none')
}

/** The files of the socket. */
function loadFiles(own: string, directors: readonly string[]) {
  const program = `#!/bin/sh
# Written by Shoal: tells a director the load of this host; whoever else asks gets nothing.
case "\${REMOTE_ADDR:-}" in
  ${directors.join(' | ')})
    cat /proc/loadavg
    getconf _NPROCESSORS_ONLN
    ;;
esac
`
  const socket = `# Written by Shoal: where the directors ask for the load of this host.
[Unit]
Description=Shoal load of this real server

[Socket]
ListenStream=${own}:${loadPort}
# The address may come after the socket at boot.
FreeBind=yes
Accept=yes
MaxConnections=${mostConnections}

[Install]
WantedBy=sockets.target
`
  const service = `# Written by Shoal: one answer of ${socketUnit}.
[Unit]
Description=Shoal load of this real server, asked
CollectMode=inactive-or-failed

[Service]
ExecStart=-${programPath}
StandardInput=socket
StandardOutput=socket
DynamicUser=yes
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
TimeoutStartSec=5
RuntimeMaxSec=5
`
  return [
    textFile(programPath, '0755', program),
    textFile(serviceUnitPath, '0644', service),
    textFile(socketUnitPath, '0644', socket),
  ]
}

/** The step that makes a real server tell its load; none where nobody asks. */
export function loadSocketSteps(
  draft: ClusterDraft,
  host: HostDraft,
  facts: ReadonlyMap<string, HostFacts>,
): readonly Step[] {
  if (!wantsLoad(draft)) return []
  const directors = [
    ...new Set([
      ...draft.directors.map(clusterAddressOf),
      ...(draft.forwarding === 'nat' ? insideAddresses(draft, facts) : []),
    ]),
  ]
  const { alreadySo, run, inverse, settle } = enableParts(socketUnit)
  return [
    step(host, 'load-socket', {
      detail: { port: loadPort },
      files: loadFiles(clusterAddressOf(host), directors),
      alreadySo: `${alreadySo ?? ''} || exit 1
systemctl is-active -q ${socketUnit}`,
      run: `${run ?? ''}
systemctl restart ${socketUnit}`,
      inverse: `systemctl stop ${socketUnit}
${inverse ?? ''}`,
      ...(settle === undefined ? {} : { settle }),
    }),
  ]
}
