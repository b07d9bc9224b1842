/**
 * The steps that make a host a real server, by forwarding method (see real-server-material.ts for what each method means). Pure.
 *
 * A change of routes is the one step that can cut the connection it came by: it arms a timer on the host that takes it back, and the
 * step after it, which needs the connection to work both ways, disarms the timer.
 */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { FileToWrite, Step } from '../../domain/plan.ts'
import { vipsOf } from '../../domain/virtual-ips.ts'
import { firewallSteps } from './firewall-steps.ts'
import { loadSocketSteps } from './load-socket.ts'
import { networkdFile } from './network-owner.ts'
import {
  networkdRoutes,
  realServerMaterial,
  realServerProgram,
  realServerSysctlPath,
  realServerUnit,
  realServerUnitPath,
  routesByRouter,
  tunnelKeys,
} from './real-server-material.ts'
import type { Material } from './real-server-material.ts'
import {
  arptablesWanted,
  enableParts,
  moduleParts,
  modulesKept,
  packageParts,
  step,
  sysctlParts,
  textFile,
} from './steps.ts'

const tunnelModulesPath = '/etc/modules-load.d/shoal-realserver.conf'
/** Modules that ipip brings along. */
const tunnelBrings = ['tunnel4', 'ip_tunnel']
/** Modules that the older arptables brings along; they go again when nothing else has come to use them. */
const arptablesBrings = ['arpt_mangle', 'arptable_filter', 'arp_tables']
const dispatcherPath = '/etc/NetworkManager/dispatcher.d/50-shoal-realserver'
const unmanagedPath = '/etc/NetworkManager/conf.d/90-shoal.conf'
const ifUpPath = '/etc/network/if-up.d/shoal-realserver'
const guardUnit = 'shoal-guard'
/** A route that cuts the connection is taken back by the host itself after this long. */
const guardSeconds = 90

/** Files by which the network manager of the host keeps, or brings back, what the unit made. */
function ownerFiles(
  draft: ClusterDraft,
  host: HostDraft,
  facts: ReadonlyMap<string, HostFacts>,
): readonly FileToWrite[] {
  const known = facts.get(host.id)
  if (!known) return []
  const { managers, networkdFiles } = known.network
  const files: FileToWrite[] = []
  if (draft.forwarding === 'nat') {
    const own = clusterAddressOf(host)
    const card = known.nics.find(({ addresses }) => addresses.some(({ address }) => address === own))?.name ?? ''
    const networkFile = networkdFiles[card]
    if (networkFile !== undefined) {
      const comment = '# Written by Shoal: the way of the answers through the directors.'
      files.push(textFile(networkdFile(networkFile), '0644', `${comment}\n${networkdRoutes(draft, host, facts)}`))
    }
    const again = `[ "$1" != ${card} ] || ! systemctl is-enabled -q ${realServerUnit} || ${realServerProgram} up`
    if (managers.includes('NetworkManager')) {
      const text = `#!/bin/sh
# Written by Shoal: a card that comes up again has lost the routes by the directors.
[ "\${2:-}" = up ] || [ "\${2:-}" = reapply ] || exit 0
${again}
`
      files.push(textFile(dispatcherPath, '0755', text))
    }
    if (managers.includes('networking')) {
      const text = `#!/bin/sh
# Written by Shoal: a card that comes up again has lost the routes by the directors.
set -- "\${IFACE:-}"
${again}
`
      files.push(textFile(ifUpPath, '0755', text))
    }
  } else if (draft.forwarding === 'tunnel' && managers.includes('NetworkManager')) {
    const text = `# Written by Shoal: tunl0 is looked after by ${realServerUnit}.
[keyfile]
unmanaged-devices+=interface-name:tunl0
`
    files.push(textFile(unmanagedPath, '0644', text))
  }
  return files
}

function ownerStep(draft: ClusterDraft, host: HostDraft, facts: ReadonlyMap<string, HostFacts>): readonly Step[] {
  const files = ownerFiles(draft, host, facts)
  if (files.length === 0) return []
  const reload = files.some(({ path }) => path === unmanagedPath) ? 'nmcli general reload conf' : undefined
  const owner = facts.get(host.id)?.network.managers.join(', ') ?? ''
  return [
    step(host, 'network-owner', {
      detail: { owner },
      files,
      ...(reload === undefined ? {} : { run: reload, settle: reload }),
    }),
  ]
}

/** Script and unit, the same for every method. */
function unitStep(host: HostDraft, material: Material, kind: 'vip-unit' | 'route-unit', vip: string): Step {
  return step(host, kind, {
    ...enableParts(realServerUnit),
    detail: { vip },
    files: [textFile(realServerProgram, '0755', material.program), textFile(realServerUnitPath, '0644', material.unit)],
  })
}

const isUp = `${realServerProgram} check || exit 1
systemctl is-active -q ${realServerUnit}`

function vipSteps(draft: ClusterDraft, host: HostDraft, known: HostFacts, material: Material): readonly Step[] {
  const vips = vipsOf(draft)
  const vip = vips.join(', ')
  const device = material.device ?? 'lo'
  const held = (one: string): string => `ip -4 -o address show dev ${device} 2>/dev/null | grep -qF ' ${one}/32 '`
  // The first one's mark is called as ever: steps of earlier runs are taken back by it.
  const mark = (at: number): string => `"$KEPT/had-vip${at === 0 ? '' : `-${at + 1}`}"`
  // A tunnel that was there before gets its values back.
  const kept = draft.forwarding === 'tunnel' ? tunnelKeys : []
  const arptables = draft.forwarding === 'direct' && draft.realServerWay.direct === 'arptables'
  const brought = arptables ? modulesKept(arptablesBrings) : undefined
  return [
    ...(arptables && known.commands['arptables'] === undefined
      ? [step(host, 'packages', packageParts(known, [arptablesWanted]))]
      : []),
    ...(material.modules.length === 0
      ? []
      : [
          step(
            host,
            'tunnel-module',
            moduleParts(
              material.modules,
              tunnelModulesPath,
              'Written by Shoal: this real server unwraps IP in IP.',
              tunnelBrings,
            ),
          ),
        ]),
    ...(Object.keys(material.values).length === 0
      ? []
      : [
          step(
            host,
            'arp-silence',
            sysctlParts(
              material.values,
              realServerSysctlPath,
              'Written by Shoal: a real server never answers for a virtual IP it has besides (ip-sysctl: arp_ignore, arp_announce).',
            ),
          ),
        ]),
    unitStep(host, material, 'vip-unit', vip),
    step(host, 'vip-up', {
      detail: { vip, device, way: arptables ? 'arptables' : 'sysctl' },
      alreadySo: isUp,
      run: `${brought === undefined ? '' : `${brought.run}\n`}if [ ! -e "$KEPT/looked" ]; then
${[
  ...vips.map((one, at) => `  if ${held(one)}; then : >${mark(at)}; fi`),
  ...(kept.length === 0 ? [] : [`  sysctl ${kept.join(' ')} >"$KEPT/values"`]),
].join('\n')}
  : >"$KEPT/looked"
fi
systemctl restart ${realServerUnit}
${realServerProgram} check`,
      inverse: [
        `systemctl stop ${realServerUnit}`,
        ...vips.map((one, at) => `if [ -e ${mark(at)} ]; then ip address replace ${one}/32 dev ${device}; fi`),
        ...(kept.length === 0 ? [] : ['if [ -s "$KEPT/values" ]; then sysctl -q -p "$KEPT/values"; fi']),
        ...(brought === undefined ? [] : [brought.inverse]),
      ].join('\n'),
    }),
  ]
}

function routeSteps(draft: ClusterDraft, host: HostDraft, material: Material): readonly Step[] {
  const router = draft.natRouter.address.trim()
  const disarm = `systemctl stop ${guardUnit}.timer ${guardUnit}.service 2>/dev/null || true`
  const detail = { router, way: draft.realServerWay.nat, seconds: guardSeconds }
  const armed = `systemctl is-active -q ${guardUnit}.timer`
  return [
    ...(Object.keys(material.values).length === 0
      ? []
      : [
          step(
            host,
            'path-filter',
            sysctlParts(
              material.values,
              realServerSysctlPath,
              'Written by Shoal: requests may come in by another card than answers leave by (ip-sysctl: rp_filter).',
            ),
          ),
        ]),
    unitStep(host, material, 'route-unit', router),
    step(host, 'route-up', {
      detail,
      alreadySo: isUp,
      run: `${disarm}
systemctl reset-failed ${guardUnit}.service 2>/dev/null || true
systemd-run -q --collect --unit=${guardUnit} --on-active=${guardSeconds} systemctl stop ${realServerUnit}
systemctl restart ${realServerUnit}
${realServerProgram} check`,
      inverse: `${disarm}
systemctl stop ${realServerUnit}`,
    }),
    step(host, 'route-kept', {
      detail,
      alreadySo: `if ${armed}; then exit 1; fi
${isUp}`,
      // Whoever reads this has come over the new routes, both ways.
      run: `if ! ${armed}; then echo 'the routes were taken back: no step came through in time' >&2; exit 1; fi
${disarm}
${realServerProgram} check`,
    }),
  ]
}

/** What is done to one real server; empty without its facts. */
export function realServerSteps(
  host: HostDraft,
  draft: ClusterDraft,
  facts: ReadonlyMap<string, HostFacts>,
): readonly Step[] {
  const known = facts.get(host.id)
  if (!known) return []
  const material = realServerMaterial(draft, host, facts)
  const nat = draft.forwarding === 'nat'
  // A host whose own default route is the router address has nothing left to be done.
  const routed = nat && draft.realServerWay.nat === 'default-route' && routesByRouter(draft, known)
  return [
    ...firewallSteps(draft, host, known, 'real-server', facts),
    ...(routed ? [] : ownerStep(draft, host, facts)),
    ...(routed ? [] : nat ? routeSteps(draft, host, material) : vipSteps(draft, host, known, material)),
    ...loadSocketSteps(draft, host, facts),
  ]
}
