/**
 * What steps are made of: files, kernel values, packages, modules, units. Each part says how it is seen to be so already and how it is
 * taken back; what was before is kept by the step itself under $KEPT. Pure.
 */
import type { HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { FileToWrite, Step, StepKind } from '../../domain/plan.ts'

export const rootOwner = 'root:root'

export interface StepParts {
  readonly detail?: Step['detail']
  readonly files?: readonly FileToWrite[]
  readonly validate?: string
  readonly run?: string
  readonly alreadySo?: string
  readonly inverse?: string
  readonly settle?: string
}

/** A step of a host; `about` tells steps of one kind apart. */
export function step(host: Pick<HostDraft, 'id'>, kind: StepKind, parts: StepParts, about?: string): Step {
  return {
    id: `${host.id}/${kind}${about === undefined ? '' : `-${about}`}`,
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

export function textFile(path: string, mode: string, text: string, before?: string): FileToWrite {
  return {
    path,
    mode,
    owner: rootOwner,
    content: { kind: 'text', text, ...(before === undefined || before === text ? {} : { before }) },
  }
}

/** The name of a card's kernel value; dots of a VLAN's name become slashes (sysctl(8)). */
export function cardKey(device: string, name: string): string {
  return `net.ipv4.conf.${device.replaceAll('.', '/')}.${name}`
}

/** Sets kernel values from a file of ours, in order, remembering what they were. */
export function sysctlParts(values: Readonly<Record<string, string>>, path: string, comment: string): StepParts {
  const keys = Object.keys(values)
  const text = `# ${comment}\n${keys.map((key) => `${key} = ${values[key] ?? ''}\n`).join('')}`
  return {
    detail: { count: keys.length },
    files: [textFile(path, '0644', text)],
    alreadySo: keys.map((key) => `[ "$(sysctl -n ${key})" = ${values[key] ?? ''} ] || exit 1`).join('\n'),
    run: `[ -s "$KEPT/values" ] || sysctl ${keys.join(' ')} >"$KEPT/values"
sysctl -q -p ${path}`,
    inverse: `if [ -s "$KEPT/values" ]; then sysctl -q -p "$KEPT/values"; fi`,
  }
}

/** A program with the package it comes in, by family; a path is looked up by the package manager itself. */
export interface Wanted {
  readonly command: string
  readonly package: Readonly<Record<HostFacts['os']['family'], string>>
}

function same(name: string): Wanted['package'] {
  return { debian: name, rhel: name, suse: name, other: name }
}

export const ipvsadmWanted: Wanted = { command: 'ipvsadm', package: same('ipvsadm') }
export const iptablesWanted: Wanted = {
  command: 'iptables',
  package: { ...same('iptables'), rhel: '/usr/sbin/iptables' },
}
export const arptablesWanted: Wanted = {
  command: 'arptables',
  package: { ...same('arptables'), rhel: '/usr/sbin/arptables' },
}

/** Installs what is missing by the host's own means; what came with it is removed again when the step is taken back. */
export function packageParts(facts: HostFacts, wanted: readonly Wanted[]): StepParts {
  const has = (name: string): boolean => facts.commands[name] !== undefined
  const packages = wanted.map((each) => each.package[facts.os.family]).join(' ')
  const parts = {
    detail: { packages: wanted.map(({ command }) => command).join(', ') },
    alreadySo: wanted.map(({ command }) => `command -v ${command} || exit 1`).join('\n'),
  }
  if (has('apt-get')) {
    return {
      ...parts,
      run: `export DEBIAN_FRONTEND=noninteractive
[ -s "$KEPT/packages" ] || dpkg-query -W -f '\${Package}\\n' | sort >"$KEPT/packages"
apt-get install -y -q --no-install-recommends ${packages} || { apt-get update -q && apt-get install -y -q --no-install-recommends ${packages}; }`,
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
    run: `[ -s "$KEPT/packages" ] || rpm -qa | sort >"$KEPT/packages"
${yes} install ${packages}`,
    inverse: `if [ -s "$KEPT/packages" ]; then
  rpm -qa | sort | comm -13 "$KEPT/packages" - | xargs -r ${yes} remove
fi`,
  }
}

/** How a table that is a module is listed, and what it says of a table nobody has written to. The kernel forgets it with the module. */
const tableModules: Readonly<Record<string, { readonly list: string; readonly empty: string }>> = {
  iptable_mangle: { list: 'iptables -w -t mangle -S', empty: '^-P [A-Z]* ACCEPT$' },
  ip6table_mangle: { list: 'ip6tables -w -t mangle -S', empty: '^-P [A-Z]* ACCEPT$' },
  iptable_filter: { list: 'iptables -w -S', empty: '^-P [A-Z]* ACCEPT$' },
  ip6table_filter: { list: 'ip6tables -w -S', empty: '^-P [A-Z]* ACCEPT$' },
  arptable_filter: { list: 'arptables -L -n', empty: '^Chain [A-Z]* (policy ACCEPT)$\\|^$' },
}

/**
 * Remembers which of these modules are there, before anything loads them, and takes out those that were not, in the order given. By
 * rmmod, one at a time: `modprobe -r` also takes out what a module needed, which may have been there before. A module in use stays, and
 * so does a table that somebody else has written to meanwhile; that is no failure.
 */
export function modulesKept(modules: readonly string[]): { readonly run: string; readonly inverse: string } {
  return {
    run: `if [ ! -e "$KEPT/loaded" ]; then
  for m in ${modules.join(' ')}; do if [ -d /sys/module/$m ]; then echo $m; fi; done >"$KEPT/loaded.new"
  mv "$KEPT/loaded.new" "$KEPT/loaded"
fi`,
    inverse: `if [ -e "$KEPT/loaded" ]; then
  for m in ${modules.join(' ')}; do
    if [ ! -d /sys/module/$m ] || grep -qx $m "$KEPT/loaded"; then continue; fi
${modules
  .flatMap((name) => {
    const table = tableModules[name]
    return table
      ? [`    if [ $m = ${name} ] && ${table.list} 2>/dev/null | grep -qv '${table.empty}'; then continue; fi\n`]
      : []
  })
  .join('')}    rmmod $m 2>/dev/null || true
  done
fi`,
  }
}

/** Loads modules now and at boot; those that came (`broughtAlong` too) go again when nothing else has come to use them. */
export function moduleParts(
  modules: readonly string[],
  path: string,
  comment: string,
  broughtAlong: readonly string[],
): StepParts {
  const kept = modulesKept([...[...modules].reverse(), ...broughtAlong])
  return {
    detail: { modules: modules.join(', ') },
    files: [textFile(path, '0644', `# ${comment}\n${modules.join('\n')}\n`)],
    alreadySo: `for m in ${modules.join(' ')}; do
  [ -d /sys/module/$m ] || grep -qs "/$m\\.ko" "/lib/modules/$(uname -r)/modules.builtin" || exit 1
done`,
    run: `${kept.run}
modprobe -a ${modules.join(' ')}`,
    inverse: kept.inverse,
  }
}

/** Has systemd run a unit at boot; its files and more go with it. */
export function enableParts(unit: string): Pick<StepParts, 'alreadySo' | 'run' | 'inverse' | 'settle'> {
  return {
    alreadySo: `systemctl is-enabled -q ${unit}`,
    run: `if [ ! -e "$KEPT/enabled" ]; then (systemctl is-enabled ${unit} 2>/dev/null || :) >"$KEPT/enabled"; fi
systemctl enable -q --no-reload ${unit}
systemctl daemon-reload`,
    inverse: `if ! grep -qx enabled "$KEPT/enabled"; then systemctl disable -q --no-reload ${unit}; fi`,
    settle: 'systemctl daemon-reload',
  }
}

/** Points a link at a target by rename, keeping what it was; the inverse puts it back. */
export function linkText(
  link: string,
  target: string,
  keep: string,
): { readonly run: string; readonly inverse: string } {
  return {
    run: `if [ ! -e "$KEPT/${keep}" ]; then readlink ${link} >"$KEPT/${keep}" || :; fi
ln -sfn ${target} ${link}.shoal-new
mv -fT ${link}.shoal-new ${link}`,
    inverse: `if [ -s "$KEPT/${keep}" ]; then ln -sfn "$(cat "$KEPT/${keep}")" ${link}.shoal-new && mv -fT ${link}.shoal-new ${link}
elif [ -e "$KEPT/${keep}" ]; then rm -f ${link}; fi`,
  }
}
