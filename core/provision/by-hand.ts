/** What an operator runs on a real server that Shoal cannot log in to: the same files as the plan writes, as one script. Pure. */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { vipsText } from '../../domain/virtual-ips.ts'
import {
  realServerMaterial,
  realServerProgram,
  realServerSysctlPath,
  realServerUnit,
  realServerUnitPath,
} from './real-server-material.ts'

function put(path: string, text: string, mode: string): string {
  return `cat >${path} <<'SHOAL_END'\n${text.replace(/\n?$/, '\n')}SHOAL_END\nchmod ${mode} ${path}`
}

/** The script for one host; `facts` are those of the hosts that can be asked. */
export function realServerScript(
  draft: ClusterDraft,
  host: HostDraft,
  facts: ReadonlyMap<string, HostFacts> = new Map(),
): string {
  const vip = vipsText(draft)
  const { values, modules, program, unit } = realServerMaterial(draft, host, facts)
  const sysctl = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`)
  return `#!/bin/sh
# Makes this host a real server of ${vip}. Run as root; safe to run again.
# Taken back by: systemctl disable --now ${realServerUnit}, then remove the files named here.
set -eu
${[
  ...(sysctl.length === 0 ? [] : [put(realServerSysctlPath, sysctl.join(''), '0644')]),
  ...(modules.length === 0 ? [] : [put('/etc/modules-load.d/shoal-realserver.conf', modules.join('\n'), '0644')]),
  put(realServerProgram, program, '0755'),
  put(realServerUnitPath, unit, '0644'),
].join('\n')}
systemctl daemon-reload
systemctl enable ${realServerUnit}
systemctl restart ${realServerUnit}
${realServerProgram} check && echo 'This host is a real server of ${vip}.'
`
}
