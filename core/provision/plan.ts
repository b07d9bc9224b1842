/**
 * From the draft and the facts to the plan: every step on every host, with its files, its commands, how it is seen to be so already,
 * and how it is taken back. Pure. What is shown is what runs.
 *
 * Order: real servers first, because nothing reaches them before a director serves (silence about the virtual IP before the virtual
 * IP); then one director after the other, on a running cluster the standby before the active one. Taking back goes the other way. What
 * nothing uses yet (copies, and on a director without a running agent everything up to its start) is done ahead, on all hosts at once.
 *
 * On a director:  /opt/shoal/runtime/<sha>/node, /opt/shoal/agent/<id>/, links /opt/shoal/node and /opt/shoal/current,
 *                 /etc/shoal/cluster.key, /etc/sysconfig/ha/lvs.cf, /etc/modules-load.d/shoal.conf, /etc/sysctl.d/99-zz-shoal.conf
 * On a real server: /etc/sysctl.d/99-zz-shoal-realserver.conf and shoal-realserver.service
 */
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { FileToWrite, Finding, Plan, Step, StepKind } from '../../domain/plan.ts'
import { agentCurrentPath, agentUnit, clusterKeyPath, lvscfPath } from './facts.ts'
import { ownSysctlPrefix } from './look.ts'
import { quote } from './shell.ts'

export interface Runtime {
  readonly name: string
  /** Of the unpacked program. */
  readonly sha256: string
  readonly bytes: number
  /** Native parts of the agent for this processor end so. */
  readonly nativeSuffix: string
}

/** What is pushed to a director; `id` names version and content. */
export interface AgentBuild {
  readonly version: string
  readonly id: string
  readonly unit: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[]
  /** By `uname -m`. */
  readonly runtimes: Readonly<Record<string, Runtime>>
}

export interface PlanInput {
  readonly draft: ClusterDraft
  readonly draftRevision: number
  readonly facts: ReadonlyMap<string, HostFacts>
  readonly findings: readonly Finding[]
  readonly lvscf: string
  /** SHA-256 of the lvs.cf as it will stand on the directors; the agents must report it. */
  readonly configDigest: string
  readonly build: AgentBuild
}

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
const realServerSysctlPath = `${ownSysctlPrefix}-realserver.conf`
const realServerUnit = 'shoal-realserver.service'
const realServerUnitPath = `/etc/systemd/system/${realServerUnit}`
/** How long an agent may take to find its role: its start, the wait for the partner, the first checks. */
const readySeconds = 40
const rootOwner = 'root:root'

/** The plan; without facts of every host to be set up it has the findings and no steps. */
export function makePlan(input: PlanInput): Plan {
  const { draft, facts } = input
  const realServers = draft.realServers.filter((server) => server.setUp === 'ssh')
  const known = [...draft.directors, ...realServers].every((host) => facts.has(host.id))
  const directors = directorOrder(draft, facts)
  return {
    draftId: draft.id,
    draftRevision: input.draftRevision,
    lvscf: input.lvscf,
    findings: input.findings,
    order: [realServers.map(({ id }) => id), ...directors.map(({ id }) => [id])].filter((group) => group.length > 0),
    hosts: [
      ...draft.directors.map((host) => ({ ...named(host), role: 'director' as const })),
      ...realServers.map((host) => ({ ...named(host), role: 'real-server' as const })),
    ],
    steps: known
      ? [
          ...directors.flatMap((host) => directorSteps(host, facts.get(host.id), input)),
          ...realServers.flatMap((host) => realServerSteps(host, facts.get(host.id), draft)),
        ]
      : [],
  }
}

function named(host: HostDraft): { readonly hostId: string; readonly name: string; readonly address: string } {
  return { hostId: host.id, name: host.name.trim(), address: host.address.trim() }
}

/**
 * The directors in the order they are done. On a running cluster the standby first, so that the service moves at most once; where no
 * agent runs yet there is nothing to disturb, and the primary first, so that it becomes the active one.
 */
function directorOrder(draft: ClusterDraft, facts: ReadonlyMap<string, HostFacts>): readonly HostDraft[] {
  const [primary, backup] = draft.directors
  const vip = draft.virtualIp.address.trim()
  const running = (host: HostDraft): boolean => facts.get(host.id)?.shoal?.agentRunning ?? false
  const holds = (host: HostDraft): boolean =>
    facts.get(host.id)?.nics.some((nic) => nic.addresses.some(({ address }) => address === vip)) ?? false
  if (!running(primary) && !running(backup)) return [primary, backup]
  return holds(backup) ? [primary, backup] : [backup, primary]
}

interface StepParts {
  readonly detail?: Step['detail']
  readonly files?: readonly FileToWrite[]
  readonly validate?: string
  readonly run?: string
  readonly alreadySo?: string
  readonly inverse?: string
  readonly settle?: string
}

function step(host: HostDraft, kind: StepKind, parts: StepParts): Step {
  return {
    id: `${host.id}/${kind}`,
    hostId: host.id,
    kind,
    detail: parts.detail ?? {},
    files: parts.files ?? [],
    ...(parts.validate === undefined ? {} : { validate: parts.validate }),
    run: parts.run ?? '',
    alreadySo: parts.alreadySo ?? '',
    inverse: parts.inverse ?? '',
    ...(parts.settle === undefined ? {} : { settle: parts.settle }),
  }
}

function textFile(path: string, mode: string, text: string, before?: string): FileToWrite {
  return {
    path,
    mode,
    owner: rootOwner,
    content: { kind: 'text', text, ...(before === undefined || before === text ? {} : { before }) },
  }
}

/** Sets kernel values from a file of ours, remembering what they were. */
function sysctlParts(values: Readonly<Record<string, string>>, path: string, comment: string): StepParts {
  const keys = Object.keys(values)
  const text = `# ${comment}\n${keys.map((key) => `${key} = ${values[key] ?? ''}\n`).join('')}`
  return {
    files: [textFile(path, '0644', text)],
    alreadySo: keys.map((key) => `[ "$(sysctl -n ${key})" = ${values[key] ?? ''} ] || exit 1`).join('\n'),
    run: `[ -s "$KEPT/values" ] || sysctl ${keys.join(' ')} >"$KEPT/values"
sysctl -q -p ${path}`,
    inverse: `if [ -s "$KEPT/values" ]; then sysctl -q -p "$KEPT/values"; fi`,
  }
}

/** Installs a package by the host's own means; what came with it is removed again when the step is taken back. */
function packageParts(facts: HostFacts, packageName: string): StepParts {
  const has = (name: string): boolean => facts.commands[name] !== undefined
  const parts = { detail: { packages: packageName }, alreadySo: `command -v ${packageName}` }
  if (has('apt-get')) {
    return {
      ...parts,
      run: `export DEBIAN_FRONTEND=noninteractive
[ -s "$KEPT/packages" ] || dpkg-query -W -f '\${Package}\\n' | sort >"$KEPT/packages"
apt-get install -y -q --no-install-recommends ${packageName} || { apt-get update -q && apt-get install -y -q --no-install-recommends ${packageName}; }`,
      inverse: `export DEBIAN_FRONTEND=noninteractive
if [ -s "$KEPT/packages" ]; then
  dpkg-query -W -f '\${Package}\\n' | sort | comm -13 "$KEPT/packages" - | xargs -r apt-get purge -y -q
fi`,
    }
  }
  const tool = has('dnf') ? 'dnf' : has('yum') ? 'yum' : 'zypper'
  const yes = tool === 'zypper' ? 'zypper -n' : `${tool} -y`
  return {
    ...parts,
    run: `rpm -qa | sort >"$KEPT/packages"
${yes} install ${packageName}`,
    inverse: `if [ -s "$KEPT/packages" ]; then
  rpm -qa | sort | comm -13 "$KEPT/packages" - | xargs -r ${yes} remove
fi`,
  }
}

/** Modules that ip_vs brings along; they go again when nothing else has come to use them. */
const modulesBroughtAlong = ['nf_conntrack', 'nf_defrag_ipv6', 'nf_defrag_ipv4', 'libcrc32c']

function moduleParts(modules: readonly string[]): StepParts {
  const all = [...modules, ...modulesBroughtAlong]
  const text = `# Written by Shoal: what the director needs of the kernel.\n${modules.join('\n')}\n`
  return {
    detail: { modules: modules.join(', ') },
    files: [textFile(modulesPath, '0644', text)],
    alreadySo: `for m in ${modules.join(' ')}; do
  [ -d /sys/module/$m ] || grep -qs "/$m\\.ko" "/lib/modules/$(uname -r)/modules.builtin" || exit 1
done`,
    run: `if [ ! -e "$KEPT/loaded" ]; then
  for m in ${all.join(' ')}; do if [ -d /sys/module/$m ]; then echo $m; fi; done >"$KEPT/loaded.new"
  mv "$KEPT/loaded.new" "$KEPT/loaded"
fi
modprobe -a ${modules.join(' ')}`,
    // A module in use (another owner's table) stays; that is no failure.
    inverse: `if [ -e "$KEPT/loaded" ]; then
  for m in ${[...modules].reverse().join(' ')} ${modulesBroughtAlong.join(' ')}; do
    if ! grep -qx $m "$KEPT/loaded"; then modprobe -r $m 2>/dev/null || true; fi
  done
fi`,
  }
}

/** Points a link at a target by rename, keeping what it was; the inverse puts it back. */
function linkText(link: string, target: string, keep: string): { readonly run: string; readonly inverse: string } {
  return {
    run: `if [ ! -e "$KEPT/${keep}" ]; then readlink ${link} >"$KEPT/${keep}" || :; fi
ln -sfn ${target} ${link}.shoal-new
mv -fT ${link}.shoal-new ${link}`,
    inverse: `if [ -s "$KEPT/${keep}" ]; then ln -sfn "$(cat "$KEPT/${keep}")" ${link}.shoal-new && mv -fT ${link}.shoal-new ${link}
elif [ -e "$KEPT/${keep}" ]; then rm -f ${link}; fi`,
  }
}

function directorSteps(host: HostDraft, facts: HostFacts | undefined, input: PlanInput): readonly Step[] {
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

  if (facts.commands['ipvsadm'] === undefined) steps.push(step(host, 'packages', packageParts(facts, 'ipvsadm')))

  const schedulers = [...new Set(draft.services.map((service) => service.scheduler))]
  steps.push(step(host, 'modules', moduleParts(['ip_vs', ...schedulers.map((name) => `ip_vs_${name}`)])))

  const persistent = draft.services.some((service) => Number(service.persistentS.trim() || '0') > 0)
  const values = {
    // ipvs-sysctl: without it packets for a server that is gone are dropped in silence until the client gives up.
    'net.ipv4.vs.expire_nodest_conn': '1',
    ...(persistent ? { 'net.ipv4.vs.expire_quiescent_template': '1' } : {}),
    ...(draft.forwarding === 'nat' ? { 'net.ipv4.ip_forward': '1' } : {}),
  }
  const sysctl = sysctlParts(values, directorSysctlPath, 'Written by Shoal: kernel values of a director.')
  steps.push(step(host, 'sysctl', { ...sysctl, detail: { count: Object.keys(values).length } }))

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
    step(host, 'agent-start', {
      alreadySo: `systemctl is-active -q ${agentUnit} || exit 1
started=$(date -d "$(systemctl show -p ExecMainStartTimestamp --value ${agentUnit})" +%s) || exit 1
for f in ${runtimeLink} ${agentCurrentPath} ${unitPath} ${clusterKeyPath}; do
  [ "$(stat -c %Y "$f")" -le "$started" ] || exit 1
done`,
      run: `if systemctl is-active -q ${agentUnit}; then : >"$KEPT/ran-before"; fi
if [ ! -e /var/lib/shoal/journal.jsonl ]; then : >"$KEPT/first"; fi
systemctl reset-failed ${agentUnit} 2>/dev/null || :
systemctl restart ${agentUnit}`,
      // The agent hands over before it ends; what it left of addresses and table entries is taken down after it.
      inverse: `if [ ! -e "$KEPT/ran-before" ]; then
  systemctl stop ${agentUnit}
  ${agent} release
fi
if [ -e "$KEPT/first" ]; then
  find /var/lib/shoal -mindepth 1 -maxdepth 1 ! -name kept -exec rm -rf {} +
  rm -rf /run/shoal
fi`,
    }),
    step(host, 'agent-ready', readyParts(agent, configDigest)),
  )
  const copies: readonly StepKind[] = ['runtime', 'agent']
  const serving: readonly StepKind[] = ['agent-start', 'agent-ready']
  const idle = !facts.shoal?.agentRunning
  return steps.map((each) =>
    copies.includes(each.kind) || (idle && !serving.includes(each.kind)) ? { ...each, ahead: true as const } : each,
  )
}

/** The first line of `shoal-agent status` names role and config; see agent/main.ts. */
function readyParts(agent: string, configDigest: string): StepParts {
  const digest = configDigest.slice(0, 12)
  const isReady = (line: string): string =>
    `case "${line}" in *' is active since '*'(${digest})' | *' is standby since '*'(${digest})') exit 0;; esac`
  return {
    detail: { seconds: readySeconds },
    alreadySo: `line=$(${agent} status | head -n 1)
${isReady('$line')}
exit 1`,
    run: `end=$(( $(date +%s) + ${readySeconds} ))
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

/** Kernel values of a real server for direct routing; a stricter value already set is kept. */
function silentValues(facts: HostFacts | undefined): Readonly<Record<string, string>> {
  const ignore = facts?.sysctls['net.ipv4.conf.all.arp_ignore']
  return {
    // On `all`, not on lo: the card that hears the question decides (effective value = the greater of all and the card).
    'net.ipv4.conf.all.arp_ignore': ignore === '2' ? '2' : '1',
    'net.ipv4.conf.all.arp_announce': '2',
  }
}

/** The unit that makes a real server so again at boot: silence first, then the address, whatever manages the network. */
function realServerUnitText(vip: string): string {
  return `# Written by Shoal: this real server accepts ${vip} and keeps silent about it on the network.
[Unit]
Description=Shoal real server (virtual IP ${vip} on lo)
After=network.target
ConditionPathExists=${realServerSysctlPath}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'sysctl -q -p ${realServerSysctlPath}; ip address replace ${vip}/32 dev lo'
ExecStop=/bin/sh -c 'ip address del ${vip}/32 dev lo 2>/dev/null || true'

[Install]
WantedBy=multi-user.target
`
}

function realServerSteps(host: HostDraft, facts: HostFacts | undefined, draft: ClusterDraft): readonly Step[] {
  if (!facts || draft.forwarding !== 'direct') return []
  const vip = draft.virtualIp.address.trim()
  const values = silentValues(facts)
  const silence = sysctlParts(
    values,
    realServerSysctlPath,
    'Written by Shoal: a real server never answers for a virtual IP on lo (ip-sysctl: arp_ignore, arp_announce).',
  )
  const has = `ip -4 -o addr show dev lo | grep -qF ' ${vip}/32 '`
  return [
    step(host, 'arp-silence', silence),
    step(host, 'vip-unit', {
      detail: { vip },
      files: [textFile(realServerUnitPath, '0644', realServerUnitText(vip))],
      alreadySo: `systemctl is-enabled -q ${realServerUnit}`,
      run: `if [ ! -e "$KEPT/enabled" ]; then (systemctl is-enabled ${realServerUnit} 2>/dev/null || :) >"$KEPT/enabled"; fi
systemctl enable -q --no-reload ${realServerUnit}
systemctl daemon-reload`,
      inverse: `if ! grep -qx enabled "$KEPT/enabled"; then systemctl disable -q --no-reload ${realServerUnit}; fi`,
      settle: 'systemctl daemon-reload',
    }),
    step(host, 'vip-up', {
      detail: { vip },
      alreadySo: `${has} || exit 1
systemctl is-active -q ${realServerUnit}`,
      run: `if [ ! -e "$KEPT/looked" ]; then
  if ${has}; then : >"$KEPT/had-vip"; fi
  : >"$KEPT/looked"
fi
systemctl restart ${realServerUnit}
${has}`,
      inverse: `systemctl stop ${realServerUnit}
if [ -e "$KEPT/had-vip" ]; then ip address replace ${vip}/32 dev lo; fi`,
    }),
  ]
}

/** The same for a real server that Shoal cannot log in to: to be run there as root. */
export function realServerScript(draft: ClusterDraft): string {
  const vip = draft.virtualIp.address.trim()
  const values = silentValues(undefined)
  const sysctl = Object.entries(values).map(([key, value]) => `${key} = ${value}`)
  return `#!/bin/sh
# Makes this host a real server of ${vip} by direct routing. Run as root; safe to run again.
set -eu
cat >${realServerSysctlPath} <<'END'
${sysctl.join('\n')}
END
cat >${realServerUnitPath} <<'END'
${realServerUnitText(vip)}END
systemctl daemon-reload
systemctl enable --now ${realServerUnit}
ip -4 -o addr show dev lo
`
}
