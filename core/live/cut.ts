/**
 * The drill "pull all cables" on a host: for some seconds it hears and reaches nobody, on any interface but lo, then all is as before.
 *
 *     look (what is there, and a try in a network of its own) ──► guard timer ──► unit: clsact everywhere, 1 s, drop, sleep ──► clsact gone
 *
 * Packets are dropped by traffic control where a frame enters and leaves the kernel (`clsact`, `matchall`): before ARP, IPv6 and any
 * firewall, and without touching addresses, routes, neighbours, the queueing discipline at the root, or rules. A link set down would lose
 * routes; tables of nft or iptables do not see ARP and IPv6 alike, and belong to somebody. The link itself stays up: it is what a cut
 * behind the switch looks like, the harder one to notice.
 *
 * It ends by itself: the unit's end takes the filters out however it ends (tc-matchall(8), systemd.service(5) ExecStopPost: also after
 * SIGKILL), RuntimeMaxSec ends it, a timer of its own takes them out once more should even that be killed, and a reboot has none of it.
 * All of it runs on the host; nothing is waited for from outside.
 */
import { cutLastsMs, longestCutMs } from '../../domain/acting.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'

/** Between the answer that the unit runs and the first packet dropped: the answer has to get out. */
const delayS = 1
/** What the unit may take longer than planned before systemd ends it, and after which the timer looks. */
const spareS = 3
const guardSpareS = 6
/** It exceeds the deadtime by at least so much, or the standby might not take over before the cables are back. */
const leastBeyondMs = 2_000
/** More interfaces than this are more than one command line should name. */
const mostDevices = 256
/** Modules the kernel loads for it by itself, those that need others first. */
const modules = ['act_gact', 'cls_matchall', 'sch_ingress'] as const
/** Names that need no quoting in a shell, in tc and in a unit. */
const plainName = /^[A-Za-z0-9_.:@-]+$/
const networkFileSystems = /^(nfs|nfs4|cifs|smb3|ceph|afs|lustre|glusterfs|beegfs|fuse\.(glusterfs|ceph.*|sshfs))$/
/** Nodes of these fence each other when they do not hear each other. */
const clusterFileSystems = /^(gfs2|ocfs2)$/
const systemPlaces = ['/', '/usr', '/etc', '/var', '/bin', '/sbin', '/lib']

/** One process for all of it: the paths fall silent together, and what a client loses is what the beats lose. */
const byTc = (lines: readonly string[]): string => `(${lines.map((line) => `echo ${line}`).join('; ')}) | tc -batch -`
const drops = (device: string): readonly string[] =>
  ['egress', 'ingress'].map((way) => `filter add dev ${device} ${way} matchall skip_hw action drop`)
const taken = (device: string): string => `qdisc add dev ${device} clsact`
const tried = byTc([taken('lo'), ...drops('lo'), 'qdisc del dev lo clsact'])
/** Others had none when the cut began: one that is left is ours. */
const allGone = 'tc qdisc show | grep -q qdisc && ! tc qdisc show | grep -q clsact'

/**
 * What is there, and whether the means are: the very commands of the cut, by a unit like its own, in a network namespace that ends with
 * them. Nothing of the host is changed; modules that came for it go again.
 */
export const cutLook = `for d in /sys/class/net/*/; do d=\${d%/}; echo "device \${d##*/}"; done
tc qdisc show
while read -r _ place type _; do echo "mount $type $place"; done </proc/mounts
for s in /sys/class/iscsi_session/*/; do if [ -d "$s" ]; then echo "remote iSCSI"; fi; done
for t in /sys/class/nvme/*/transport; do if grep -qsx -e tcp -e rdma "$t"; then echo "remote NVMe over \$(cat "$t")"; fi; done
for b in /sys/block/nbd* /sys/block/rbd*; do if grep -qsv '^0$' "$b/size"; then echo "remote \${b##*/}"; fi; done
new=
for m in ${modules.join(' ')}; do if [ -d /sys/module/$m ]; then echo "module $m"; else new="$m $new"; fi; done
systemd-run --quiet --pipe --wait --collect --unit=shoal-cut-try --property=RuntimeMaxSec=20 --property="ExecStartPre=/bin/sh -c 'exit 0'" --property="ExecStopPost=/bin/sh -c 'exit 0'" unshare --net /bin/sh -c '${tried}'
tried=$?
if [ -n "$new" ]; then sleep 0.3; for m in ${modules.join(' ')}; do case $new in *$m*) rmmod $m 2>/dev/null ;; esac; done; fi
exit $tried`

interface Seen {
  /** Interfaces other than lo. */
  readonly devices: readonly string[]
  /** Modules of the cut that were not there before. */
  readonly newModules: readonly string[]
}

/**
 * Judges what the look has printed. Problems: `drill-filters-there` (somebody else's filters would be taken out with ours),
 * `drill-storage-remote` (a host whose disks are behind the network could not even end the cut), `drill-no-means`.
 */
export function readCutLook(host: string, out: string): Result<Seen> {
  const lines = out.split('\n').map((line) => line.trim().split(' '))
  const told = (what: string): readonly string[] =>
    lines.flatMap(([first, ...rest]) => (first === what ? [rest.join(' ')] : []))
  const devices = told('device').filter((name) => name !== 'lo')
  const odd = devices.find((name) => !plainName.test(name))
  if (odd !== undefined) return failed(problem('drill-no-means', { host, reason: `interface name "${odd}"` }))
  if (devices.length === 0 || devices.length > mostDevices)
    return failed(problem('drill-no-means', { host, reason: `${devices.length} interfaces` }))
  const filtered = lines.flatMap((words) =>
    words[0] === 'qdisc' && (words[1] === 'clsact' || words[1] === 'ingress')
      ? [words[words.indexOf('dev') + 1] ?? '']
      : [],
  )
  if (filtered.length > 0)
    return failed(problem('drill-filters-there', { host, devices: [...new Set(filtered)].join(', ') }))
  const mounts = told('mount').flatMap((mount) => {
    const [type = '', place = ''] = mount.split(' ')
    const far = clusterFileSystems.test(type) || (networkFileSystems.test(type) && systemPlaces.includes(place))
    return far ? [`${type} ${place}`] : []
  })
  const remote = [...new Set([...told('remote'), ...mounts])]
  if (remote.length > 0) return failed(problem('drill-storage-remote', { host, storage: remote.join(', ') }))
  return ok({ devices, newModules: modules.filter((name) => !told('module').includes(name)) })
}

/** The cut as it is sent. Takes back exactly what it did: its filters, and the modules that came for them. */
export function cutCommand({ devices, newModules }: Seen, lastsMs: number): string {
  const lastsS = Math.ceil(lastsMs / 1000)
  const unloaded = newModules.length > 0 ? `sleep 0.3; rmmod ${newModules.join(' ')} 2>/dev/null; ` : ''
  const undone = `${devices.map((device) => `tc qdisc del dev ${device} clsact 2>/dev/null; `).join('')}${unloaded}`
  const ready = byTc(devices.map(taken))
  const silent = byTc(devices.flatMap(drops))
  const guardS = delayS + lastsS + guardSpareS
  return `systemd-run --quiet --collect --unit=shoal-cut-guard --on-active=${guardS} --timer-property=AccuracySec=100ms /bin/sh -c '${undone}exit 0' &&
{ systemd-run --quiet --collect --unit=shoal-cut --property=RuntimeMaxSec=${delayS + lastsS + spareS} --property="ExecStartPre=/bin/sh -c '${ready}'" --property="ExecStopPost=/bin/sh -c '${undone}${allGone} && systemctl stop --no-block shoal-cut-guard.timer; exit 0'" /bin/sh -c 'sleep ${delayS}; ${silent} && exec sleep ${lastsS}' ||
{ systemctl stop shoal-cut-guard.timer; exit 1; }; }`
}

/** Whether a cut of bounded length says anything at this deadtime: `drill-deadtime-long` where the cables were back too soon. */
export function cutFits(deadtimeMs: number): Result<null> {
  if (cutLastsMs(deadtimeMs) >= deadtimeMs + leastBeyondMs) return ok(null)
  return failed(problem('drill-deadtime-long', { seconds: deadtimeMs / 1000, most: longestCutMs / 1000 }))
}
