// A whole host for the plan's steps, under a folder: the paths the steps write to, and the tools they call, played by one script that
// keeps addresses, routes, rules, kernel values, modules, packages, units and firewall chains as plain files. What a step changed and
// did not take back is then a difference between two listings of the folder.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  lstatSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const tools = [
  'sysctl',
  'systemctl',
  'systemd-run',
  'ip',
  'modprobe',
  'rmmod',
  'arptables',
  'iptables',
  'nft',
  'ufw',
  'firewall-cmd',
  'nmcli',
  'apt-get',
  'dpkg-query',
  'getent',
  'groupadd',
  'groupdel',
  'usermod',
  'gpasswd',
  'id',
]

/** Plays every tool by the name it is called by; $ROOT is the host's folder. Unknown words fail, so that nothing is missed. */
const player = String.raw`#!/bin/sh
# $ROOT/state/NAME holds what the tool NAME knows, a line or a file for each thing.
tool=\${0##*/}
state=$ROOT/state
has() { grep -qxF -- "$2" "$state/$1" 2>/dev/null; }
put() { has "$1" "$2" || printf '%s\n' "$2" >>"$state/$1"; }
drop() { has "$1" "$2" || return 1; grep -vxF -- "$2" "$state/$1" >"$state/$1.new" || :; mv "$state/$1.new" "$state/$1"; [ -s "$state/$1" ] || rm "$state/$1"; }
refuse() { echo "$tool: not played: $*" >&2; exit 97; }
key() { cat "$state/sysctl/$1" 2>/dev/null || echo 0; }
setkey() { if [ "$2" = 0 ]; then rm -f "$state/sysctl/$1"; else echo "$2" >"$state/sysctl/$1"; fi; }
here() { case $1 in /*) if [ -e "$1" ]; then echo "$1"; else echo "$ROOT$1"; fi ;; *) echo "$1" ;; esac; }
case $tool in
  sysctl)
    [ "$1" = -q ] && shift
    case $1 in
      -n) key "$2" ;;
      -p) sed -n 's/^-\{0,1\}\(net[^ =]*\) *= *\([^ ]*\).*/\1 \2/p' "$(here "$2")" | while read -r k v; do setkey "$k" "$v"; done ;;
      -w) shift; for pair in "$@"; do setkey "\${pair%%=*}" "\${pair#*=}"; done ;;
      net.*) for k in "$@"; do echo "$k = $(key "$k")"; done ;;
      *) refuse "$@" ;;
    esac ;;
  systemctl)
    verb=$1; shift
    while :; do case \${1:-} in -q | --no-reload | --value) shift ;; *) break ;; esac; done
    units() { for u in "$@"; do case $u in *.*) echo "$u" ;; *) echo "$u.service" ;; esac; done; }
    call() { line=$(sed -n "s/^$2=\(\/usr\/local\/sbin\/shoal-[a-z]* [a-z]*\)$/\1/p" "$ROOT/etc/systemd/system/$1" 2>/dev/null); [ -z "$line" ] || sh "$ROOT\${line%% *}" "\${line##* }"; }
    halt() { if has active "$1"; then call "$1" ExecStop; drop active "$1"; fi; }
    case $verb in
      is-enabled) if has enabled "$(units "$1")"; then echo enabled; else echo disabled; exit 1; fi ;;
      is-active) if has active "$(units "$1")"; then echo active; else echo inactive; exit 3; fi ;;
      enable) put enabled "$(units "$1")" ;;
      disable) drop enabled "$(units "$1")" || : ;;
      start | restart) u=$(units "$1"); halt "$u"; call "$u" ExecStart || exit 1; put active "$u" ;;
      stop) for u in $(units "$@"); do halt "$u"; done ;;
      reset-failed | daemon-reload | reload) : ;;
      show) date ;;
      *) refuse "$verb" "$@" ;;
    esac ;;
  systemd-run) for word in "$@"; do case $word in --unit=*) put active "\${word#--unit=}.timer" ;; esac; done ;;
  ip)
    [ "$1" = -4 ] && shift
    [ "$1" = -o ] && shift
    [ "$1" = -br ] && shift
    verb="$1 $2"; shift 2
    case $verb in
      'address replace') put address "$3 $1" ;;
      'address del') drop address "$3 $1" ;;
      'address show')
        case $1 in
          dev) sed -n "s/^$2 \(.*\)$/9: $2    inet \1 scope global $2/p" "$state/address" 2>/dev/null ;;
          to) sed -n "s/^\([^ ]*\) \(\${2%/*}\/[0-9]*\)$/9: \1    inet \2 scope global \1/p" "$state/address" 2>/dev/null ;;
        esac ;;
      'link set') if [ "$2" = up ]; then put link "$1 up"; else drop link "$1 up" || :; fi ;;
      'link show') has link "$2 up" && echo "9: $2" ;;
      'rule show') sed -n "s/^$2 /$2: /p" "$state/rule" 2>/dev/null ;;
      'rule add') shift; put rule "$*" ;;
      'rule del') line=$(grep "^$2 " "$state/rule" 2>/dev/null | head -n 1); [ -n "$line" ] && drop rule "$line" ;;
      'route show')
        table=main; [ "$1" = table ] && table=$2 && shift 2
        what=\${1:-}; grep "^$table $what" "$state/route" 2>/dev/null | sed "s/^$table //" ; : ;;
      'route replace') table=main; [ "$1" = table ] && table=$2 && shift 2; put route "$table $*" ;;
      'route del') line=$(grep "^main $* " "$state/route" 2>/dev/null | head -n 1); [ -n "$line" ] && drop route "$line" ;;
      'route flush') grep "^$2 " "$state/route" 2>/dev/null | while read -r line; do drop route "$line"; done ;;
      *) refuse "$verb" "$@" ;;
    esac ;;
  modprobe)
    for m in "$@"; do case $m in -r) refuse "$@" ;; -*) ;; *) mkdir -p "$ROOT/sys/module/$m" ;; esac; done ;;
  rmmod) for m in "$@"; do rmdir "$ROOT/sys/module/$m" || exit 1; done ;;
  arptables | iptables)
    if [ "$1" = -V ]; then echo "$tool v1.8 (nf_tables)"; exit; fi
    if [ "$tool" = arptables ]; then mkdir -p "$ROOT/sys/module/arp_tables" "$ROOT/sys/module/arptable_filter"; fi
    [ "$1" = -w ] && shift
    verb=$1; chain=$2; shift 2
    file=$tool.$chain
    case $verb in
      -N) if has "$tool.chains" "$chain"; then exit 1; fi; put "$tool.chains" "$chain" ;;
      -F) case $chain in INPUT | OUTPUT | FORWARD) ;; *) has "$tool.chains" "$chain" || exit 1 ;; esac; rm -f "$state/$file" ;;
      -X) drop "$tool.chains" "$chain" ;;
      -A | -I) put "$file" "$*" ;;
      -D) drop "$file" "$*" ;;
      -C) has "$file" "$*" ;;
      -L) cat "$state/$file" 2>/dev/null; : ;;
      *) refuse "$verb" "$chain" "$@" ;;
    esac ;;
  nft)
    numbered=; [ "$1" = -a ] && numbered=1 && shift
    verb="$1 $2"; chain="nft.$3.$4.$5"; file="$state/$chain"; shift 5
    case $verb in
      'add chain') has nft.chains "$chain" || { put nft.chains "$chain"; : >"$file"; } ;;
      'flush chain') has nft.chains "$chain" && : >"$file" ;;
      'delete chain') drop nft.chains "$chain" && rm -f "$file" ;;
      'add rule') echo "$*" >>"$file" ;;
      'insert rule') cat "$file" >"$file.new" 2>/dev/null; { echo "$*"; cat "$file.new"; } >"$file"; rm -f "$file.new" ;;
      'delete rule') sed -i "$2d" "$file"; [ -s "$file" ] || rm -f "$file" ;;
      'list chain') if [ -n "$numbered" ]; then awk '{ print $0 " # handle " NR }' "$file" 2>/dev/null; else cat "$file" 2>/dev/null; fi ;;
      *) refuse "$verb" "$@" ;;
    esac ;;
  ufw)
    case $1 in
      show) sed 's/^/ufw /' "$state/ufw" 2>/dev/null; : ;;
      delete) shift; drop ufw "$*" ;;
      route) if [ "$2" = delete ]; then shift 2; drop ufw "route $*"; else put ufw "$(echo "$*" | sed 's/ comment .*//')"; fi ;;
      allow) put ufw "$(echo "$*" | sed 's/ comment .*//')" ;;
      *) refuse "$@" ;;
    esac ;;
  firewall-cmd)
    [ "$1" = -q ] && shift
    where=runtime; [ "$1" = --permanent ] && where=permanent && shift
    rule=\${2#--*-rich-rule=}
    case $2 in
      --query-*) has "firewalld.$where" "$1 $rule" ;;
      --add-*) put "firewalld.$where" "$1 $rule" ;;
      --remove-*) drop "firewalld.$where" "$1 $rule" ;;
      *) refuse "$@" ;;
    esac ;;
  nmcli) : ;;
  apt-get)
    verb=$1; shift
    for p in "$@"; do case $p in -*) ;; *) if [ "$verb" = install ]; then put packages "$p"; ln -sf player "$ROOT/bin/$p"; else drop packages "$p"; rm -f "$ROOT/bin/$p"; fi ;; esac; done ;;
  dpkg-query) cat "$state/packages" 2>/dev/null; echo base ;;
  getent) has groups "$2" ;;
  groupadd) put groups "$2" ;;
  groupdel) drop groups "$1"; grep -v " $1$" "$state/members" >"$state/members.new" 2>/dev/null; mv "$state/members.new" "$state/members"; [ -s "$state/members" ] || rm -f "$state/members" ;;
  usermod) put members "$3 $2" ;;
  gpasswd) drop members "$2 $3" ;;
  id) if [ "$1" = -u ]; then echo 0; else sed -n "s/^$2 //p" "$state/members" 2>/dev/null; fi ;;
  *) : ;;
esac
`

/** What stands for the agent's runtime: it answers as a director that has found its role. */
export const playedRuntime = `#!/bin/sh
case "$*" in
  *' status') echo 'lvs1 is standby since now (term 1), config 1 (999999999999)' ;;
esac
`

/** A folder that is a host, with what it had before anybody came. */
export function pretendHost(
  addresses: readonly string[],
  routes: readonly string[],
  missing: readonly string[] = [],
): string {
  const root = mkdtempSync(join(tmpdir(), 'shoal-pretend-'))
  for (const folder of [
    'bin',
    'state/sysctl',
    'etc',
    'opt',
    'run',
    'sys/module',
    'usr/local/sbin',
    'var/lib',
    'lib/modules',
  ]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  writeFileSync(join(root, 'bin/player'), player.replaceAll('\\${', '${'))
  chmodSync(join(root, 'bin/player'), 0o755)
  for (const tool of tools.filter((name) => !missing.includes(name))) symlinkSync('player', join(root, 'bin', tool))
  writeFileSync(join(root, 'state/address'), addresses.map((line) => `${line}\n`).join(''))
  writeFileSync(join(root, 'state/route'), routes.map((line) => `${line}\n`).join(''))
  return root
}

/** A script's paths, moved into the folder. What the files of a step say is left as it is: it is compared by checksum. */
export function moved(script: string, root: string): string {
  const paths = script.replace(
    /(?<![\w./-])\/(etc|opt\/shoal|usr\/local\/sbin|run|var\/lib|sys\/module|lib\/modules)(?=[/\s'";)]|$)/gm,
    `${root}/$1`,
  )
  // The session names the usual folders of programs first thing. Those of the system's own tools are left out: they are played.
  return `export ROOT=${root}\n${paths.replace(/\bPATH=\/\S+/g, `PATH=${root}/bin:/usr/bin:/bin`)}`
}

/** Everything in the folder: path, mode, content or target. Two listings are equal when nothing is left and nothing is gone. */
export function listing(root: string, below = ''): readonly string[] {
  return readdirSync(join(root, below)).flatMap((name) => {
    const path = join(below, name)
    // Steps of one host wait for one another by it; /run is gone with the next boot.
    if (path === 'run/shoal-build.lock') return []
    const stat = lstatSync(join(root, path))
    const mode = (stat.mode & 0o777).toString(8)
    if (stat.isDirectory()) return [`${path}/ ${mode}`, ...listing(root, path)]
    if (stat.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(root, path))}`]
    const content = readFileSync(join(root, path))
    // A timer that was disarmed is not armed again by going back.
    const known = content
      .toString()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('shoal-guard'))
    const said = path.startsWith('state/')
      ? known.sort().join(' | ')
      : createHash('sha256').update(content).digest('hex').slice(0, 12)
    return [`${path} ${mode} ${said}`]
  })
}
