/**
 * The steps that make a host a director. Pure. What runs there:  /opt/shoal/runtime/<sha>/node, /opt/shoal/agent/<id>/, links
 * /opt/shoal/node and /opt/shoal/current, /etc/shoal/cluster.key, /etc/sysconfig/ha/lvs.cf, /etc/modules-load.d/shoal.conf,
 * /etc/sysctl.d/99-zz-shoal.conf, and where needed a drop-in for systemd-networkd and openings in the firewall.
 */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { notifyPath } from '../../domain/notify.ts'
import type { Step, StepKind } from '../../domain/plan.ts'
import { agentCurrentPath, agentUnit, clusterKeyPath, lvscfPath } from './facts.ts'
import { firewallSteps } from './firewall-steps.ts'
import { ownSysctlPrefix } from './look.ts'
import { directorOwnerSteps, floatingCards } from './network-owner.ts'
import type { PlanInput } from './plan.ts'
import { quote } from './shell.ts'
import {
  cardKey,
  ipvsadmWanted,
  iptablesWanted,
  linkText,
  moduleParts,
  modulesKept,
  packageParts,
  rootOwner,
  step,
  sysctlParts,
  textFile,
} from './steps.ts'
import type { StepParts, Wanted } from './steps.ts'

const runtimeLink = '/opt/shoal/node'
const unitPath = `/etc/systemd/system/${agentUnit}`
/** So that an administrator at the console can say `shoal-agent status`. */
const commandPath = '/usr/local/sbin/shoal-agent'
const commandText = `#!/bin/sh
# Written by Shoal.
exec ${runtimeLink} --lite-mode ${agentCurrentPath}/shoal-agent.cjs "$@"
`
const modulesPath = '/etc/modules-load.d/shoal.conf'
const directorSysctlPath = `${ownSysctlPrefix}.conf`
/** How long an agent may take to find its role: its start and the first checks; the wait for the partner, by the deadtime, comes to it. */
const startSeconds = 40
/** Modules that ip_vs brings along; they go again when nothing else has come to use them. */
const modulesBroughtAlong = ['nf_conntrack', 'nf_defrag_ipv6', 'nf_defrag_ipv4', 'libcrc32c']
/**
 * What the older iptables has the kernel load for the agent's rules (marks, and no reset during a hand-over); nf_tables stays: the tables
 * of others would go with it.
 */
const ruleModules = [
  'xt_mark',
  'xt_multiport',
  'xt_tcpudp',
  'iptable_mangle',
  'ip6table_mangle',
  'iptable_filter',
  'ip6table_filter',
  'ip_tables',
  'ip6_tables',
  'bpfilter',
  'x_tables',
]

/** Programs the agent calls: ipvsadm always, iptables where it marks packets. */
function wantedPrograms(draft: ClusterDraft): readonly Wanted[] {
  const marks = draft.services.some(({ fwmark }) => fwmark.trim() !== '')
  return marks ? [ipvsadmWanted, iptablesWanted] : [ipvsadmWanted]
}

/** Kernel values of a director, in the order they are set. */
function directorValues(draft: ClusterDraft): Readonly<Record<string, string>> {
  const persistent = draft.services.some((service) => Number(service.persistentS.trim() || '0') > 0)
  return {
    // ipvs-sysctl: without it packets for a server that is gone are dropped in silence until the client gives up.
    'net.ipv4.vs.expire_nodest_conn': '1',
    ...(persistent ? { 'net.ipv4.vs.expire_quiescent_template': '1' } : {}),
    ...(draft.forwarding === 'nat' ? forwardingValues(draft) : {}),
  }
}

/**
 * A director between real servers and clients forwards, and never tells a neighbour of a shorter way: the way round it is the one whose
 * answers the client does not know. `send_redirects` counts when either `all` or the card has it (ip-sysctl). Setting ip_forward
 * changes accept_redirects (ip-sysctl), which is why it stands here: so that it is put back.
 */
function forwardingValues(draft: ClusterDraft): Readonly<Record<string, string>> {
  return {
    'net.ipv4.ip_forward': '1',
    'net.ipv4.conf.all.accept_redirects': '0',
    'net.ipv4.conf.all.send_redirects': '0',
    ...Object.fromEntries(floatingCards(draft).map((card) => [cardKey(card, 'send_redirects'), '0'])),
  }
}

/** What a rival was named by in the draft's consent: `director-1/keepalived`. */
export function consentName(hostId: string, rival: string): string {
  return `${hostId}/${rival}`
}

/** Other owners of virtual IPs, stopped with the operator's word only, as late as can be: what they serve goes on until here. */
function rivalSteps(draft: ClusterDraft, host: HostDraft, facts: HostFacts): readonly Step[] {
  return facts.rivals
    .filter(({ name, unit }) => unit && draft.consent.stop.includes(consentName(host.id, name)))
    .map(({ name }) =>
      step(
        host,
        'stop-rival',
        {
          detail: { rival: name },
          alreadySo: `if systemctl is-active -q ${name}; then exit 1; fi
if systemctl is-enabled -q ${name}; then exit 1; fi`,
          run: `if [ ! -e "$KEPT/enabled" ]; then
  (systemctl is-active ${name} || :) >"$KEPT/active"
  (systemctl is-enabled ${name} 2>/dev/null || :) >"$KEPT/enabled"
fi
systemctl disable -q ${name}
systemctl stop ${name}`,
          inverse: `if grep -qx enabled "$KEPT/enabled"; then systemctl enable -q ${name}; fi
if grep -qx active "$KEPT/active"; then systemctl start ${name}; fi`,
        },
        name,
      ),
    )
}

/** Everything that is done to one director; empty without its facts. */
export function directorSteps(host: HostDraft, facts: HostFacts | undefined, input: PlanInput): readonly Step[] {
  if (!facts) return []
  const { draft, build, lvscf, configDigest } = input
  const runtime = build.runtimes[facts.machine]
  // Without a runtime for this processor preflight blocks; the plan shows the rest.
  const runtimeDirectory = `/opt/shoal/runtime/${runtime?.sha256.slice(0, 12) ?? 'none'}`
  const agentDirectory = `/opt/shoal/agent/${build.id}`
  const agent = `${runtimeDirectory}/node --lite-mode ${agentDirectory}/shoal-agent.cjs`
  const steps: Step[] = []

  if (runtime) {
    steps.push(
      step(host, 'runtime', {
        detail: { megabytes: Math.round(runtime.bytes / 1e6) },
        files: [
          {
            path: `${runtimeDirectory}/node`,
            mode: '0755',
            owner: rootOwner,
            content: { kind: 'binary', name: runtime.name, bytes: runtime.bytes, sha256: runtime.sha256 },
          },
        ],
      }),
    )
  }
  const otherNatives = Object.values(build.runtimes)
    .filter((each) => each !== runtime)
    .map(({ nativeSuffix }) => nativeSuffix)
  steps.push(
    step(host, 'agent', {
      detail: { version: build.version },
      files: build.files
        .filter(({ name }) => !otherNatives.some((suffix) => name.endsWith(suffix)))
        .map(({ name, bytes, sha256 }) => ({
          path: `${agentDirectory}/${name}`,
          mode: name.endsWith('.sh') ? '0755' : '0644',
          owner: rootOwner,
          content: { kind: 'binary', name, bytes, sha256 },
        })),
    }),
  )

  const missing = wantedPrograms(draft).filter(({ command }) => facts.commands[command] === undefined)
  if (missing.length > 0) steps.push(step(host, 'packages', packageParts(facts, missing)))

  const schedulers = [...new Set(draft.services.map((service) => service.scheduler))]
  const modules = ['ip_vs', ...schedulers.map((name) => `ip_vs_${name}`)]
  const comment = 'Written by Shoal: what the director needs of the kernel.'
  steps.push(step(host, 'modules', moduleParts(modules, modulesPath, comment, modulesBroughtAlong)))

  const values = directorValues(draft)
  steps.push(
    step(host, 'sysctl', {
      ...sysctlParts(values, directorSysctlPath, 'Written by Shoal: kernel values of a director.'),
      detail: { count: Object.keys(values).length, forwarding: draft.forwarding },
    }),
    ...directorOwnerSteps(draft, host, facts),
    ...firewallSteps(draft, host, facts, 'director', input.facts),
  )

  const user = host.user.trim()
  if (user !== 'root') steps.push(step(host, 'socket-group', groupParts(user)))

  steps.push(
    step(host, 'cluster-key', {
      files: [
        { path: clusterKeyPath, mode: '0600', owner: rootOwner, content: { kind: 'secret', name: 'cluster-key' } },
      ],
    }),
    step(host, 'lvscf', {
      detail: { path: lvscfPath },
      files: [textFile(lvscfPath, '0644', lvscf, facts.lvscf)],
      validate: `${agent} check-config "$NEW"`,
      run: `if systemctl is-active -q ${agentUnit}; then systemctl reload ${agentUnit}; fi`,
      settle: `if systemctl is-active -q ${agentUnit}; then systemctl reload ${agentUnit}; fi`,
    }),
  )

  const ruled = modulesKept(ruleModules)
  const links = [
    linkText(runtimeLink, `${runtimeDirectory}/node`, 'runtime-link'),
    linkText(agentCurrentPath, agentDirectory, 'agent-link'),
  ]
  steps.push(
    step(host, 'agent-unit', {
      files: [textFile(unitPath, '0644', build.unit), textFile(commandPath, '0755', commandText)],
      alreadySo: `[ "$(readlink ${runtimeLink})" = ${runtimeDirectory}/node ] || exit 1
[ "$(readlink ${agentCurrentPath})" = ${agentDirectory} ] || exit 1
systemctl is-enabled -q ${agentUnit}`,
      run: `if [ ! -e "$KEPT/enabled" ]; then (systemctl is-enabled ${agentUnit} 2>/dev/null || :) >"$KEPT/enabled"; fi
${links.map(({ run }) => run).join('\n')}
systemctl enable -q --no-reload ${agentUnit}
systemctl daemon-reload`,
      inverse: `if ! grep -qx enabled "$KEPT/enabled"; then systemctl disable -q --no-reload ${agentUnit}; fi
${links.map(({ inverse }) => inverse).join('\n')}`,
      // An agent that ran before goes on with its own files.
      settle: `systemctl daemon-reload
if systemctl is-active -q ${agentUnit}; then systemctl restart ${agentUnit}; fi`,
    }),
    ...rivalSteps(draft, host, facts),
    step(host, 'agent-start', {
      alreadySo: `systemctl is-active -q ${agentUnit} || exit 1
started=$(date -d "$(systemctl show -p ExecMainStartTimestamp --value ${agentUnit})" +%s) || exit 1
for f in ${runtimeLink} ${agentCurrentPath} ${unitPath} ${clusterKeyPath}; do
  [ "$(stat -c %Y "$f")" -le "$started" ] || exit 1
done`,
      run: `${ruled.run}
if systemctl is-active -q ${agentUnit}; then : >"$KEPT/ran-before"; fi
if [ ! -e /var/lib/shoal/journal.jsonl ]; then : >"$KEPT/first"; fi
systemctl reset-failed ${agentUnit} 2>/dev/null || :
systemctl restart ${agentUnit}`,
      // The agent hands over before it ends; what it left of addresses and table entries is taken down after it.
      inverse: `if [ ! -e "$KEPT/ran-before" ]; then
  systemctl stop ${agentUnit}
  ${agent} release
fi
${ruled.inverse}
if [ -e "$KEPT/first" ]; then
  find /var/lib/shoal -mindepth 1 -maxdepth 1 ! -name kept -exec rm -rf {} +
  rm -rf /run/shoal
  # What staged and committed changes left beside lvs.cf, and the channels of the notifications.
  rm -f ${lvscfPath}.staged ${lvscfPath}.previous ${lvscfPath}.reverted ${notifyPath}
fi`,
    }),
    step(host, 'agent-ready', readyParts(agent, configDigest, draft)),
  )
  const copies: readonly StepKind[] = ['runtime', 'agent']
  const serving: readonly StepKind[] = ['stop-rival', 'agent-start', 'agent-ready']
  const idle = !facts.shoal?.agentRunning
  return steps.map((each) =>
    copies.includes(each.kind) || (idle && !serving.includes(each.kind)) ? { ...each, ahead: true as const } : each,
  )
}

/** The first line of `shoal-agent status` names role and config; see agent/main.ts. */
function readyParts(agent: string, configDigest: string, draft: ClusterDraft): StepParts {
  const seconds = startSeconds + Math.ceil((2 * (Number(draft.failure.deadtimeMs) || 0)) / 1000)
  const digest = configDigest.slice(0, 12)
  const isReady = (line: string): string =>
    `case "${line}" in *' is active since '*'(${digest})' | *' is standby since '*'(${digest})') exit 0;; esac`
  return {
    detail: { seconds },
    alreadySo: `line=$(${agent} status | head -n 1)
${isReady('$line')}
exit 1`,
    run: `end=$(( $(date +%s) + ${seconds} ))
said=
while :; do
  all=$(${agent} status 2>&1) || :
  line=$(printf '%s\\n' "$all" | head -n 1)
  if [ "$line" != "$said" ]; then said=$line; printf '%s\\n' "$all"; fi
  ${isReady('$line')}
  if [ "$(date +%s)" -ge "$end" ]; then printf '%s\\n' "$all" | tail -n 5 >&2; exit 1; fi
  sleep 0.3
done`,
  }
}

/** Lets a login user who is not root open the agent's socket. */
function groupParts(user: string): StepParts {
  const who = quote(user)
  return {
    detail: { who: user },
    alreadySo: `getent group shoal || exit 1
id -nG ${who} | tr ' ' '\\n' | grep -qx shoal`,
    run: `if ! getent group shoal >/dev/null; then groupadd -r shoal; : >"$KEPT/made-group"; fi
if ! id -nG ${who} | tr ' ' '\\n' | grep -qx shoal; then usermod -aG shoal ${who}; : >"$KEPT/added-user"; fi`,
    inverse: `if [ -e "$KEPT/made-group" ]; then groupdel shoal
elif [ -e "$KEPT/added-user" ]; then gpasswd -d ${who} shoal; fi`,
  }
}
