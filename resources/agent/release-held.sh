#!/bin/sh
# Takes down the virtual IPs that an agent which ended has left on this host's interfaces, and tells the other director that it is so. A
# shell script, because it must not depend on anything of the agent, and because it must be fast. It runs twice over: as
# `release-held.sh guard PID`, started by the agent, it waits until the agent's end closes its input (also after kill -9) and acts at once,
# unless that end was a proper one or another agent runs by then; and the unit runs it after every end. An agent that says nothing for
# 0.7 s (it writes a line ten times a second, `holds` or nothing) hangs: when it holds an address the guard stops it, does its work, and ends
# it last. That needs bash, which the agent takes where there is one; without it, and for an agent that holds no address, systemd's watchdog
# does so. What else the agent had started (a check's program) and did not live to end is ended by the unit's run, which leaves a guard to its
# work.
# /run/shoal/held: one line "ADDRESS/PREFIX DEVICE" per address that may be there. /run/shoal/run: "running PID" or "ended".
# /run/shoal/farewell: the datagram that says so, sealed by the agent; /run/shoal/farewell-to: one line "ADDRESS PORT" per path.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
dir=${SHOAL_RUN:-/run/shoal}
state=
hung=
[ -r "$dir/run" ] && read -r state < "$dir/run"
if [ "$1" = guard ]; then
  trap '' TERM INT HUP
  read -r holds
  seen=$?
  silent=0
  while [ $seen = 0 ]; do
    if [ -z "$BASH_VERSION" ]; then
      read -r _
      seen=$?
      continue
    fi
    read -r -t 0.1 says
    seen=$?
    if [ $seen = 0 ]; then
      holds=$says silent=0
    elif [ $seen -gt 128 ]; then
      # Counted in its own waits, not by the clock: where the whole host was paused or starved, both were.
      silent=$((silent + 1))
      # One that holds nothing harms nobody by standing still, and a host too busy for it would have it start again and again.
      [ $silent -ge 7 ] && [ -n "$holds" ] || seen=0
    fi
  done
  read -r state < "$dir/run"
  [ "$state" = "running $2" ] || exit 0
  [ $seen -le 128 ] || { hung=$2 && kill -STOP "$2"; }
fi
end_leftovers() {
  sed -n 's,^0::,/sys/fs/cgroup,p; s,^[0-9]*:name=systemd:,/sys/fs/cgroup/systemd,p' /proc/self/cgroup | while read -r group; do
    case $group in */shoal-agent.service) ;; *) continue ;; esac
    [ -r "$group/cgroup.procs" ] && while read -r pid; do
      parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
      case $(cat "/proc/$pid/cmdline" "/proc/$parent/cmdline" | tr '\0' ' ') in
        *release-held.sh*) ;;
        *) kill -KILL "$pid" && echo "ended process $pid, which the agent had left" ;;
      esac
    done < "$group/cgroup.procs"
  done 2>/dev/null
}
# What a hand-over has put in place (agent/effects/connections.ts) goes once the addresses are gone. /run/shoal/receiving: a word per line.
trap '[ ! -s "$dir/receiving" ] || while read -r what; do
  case $what in
    daemon) ipvsadm --stop-daemon backup ;;
    nft) nft delete table inet shoal_handover ;;
    iptables | ip6tables)
      while $what -w 2 -D OUTPUT -j SHOAL-HANDOVER; do :; done
      $what -w 2 -F SHOAL-HANDOVER
      $what -w 2 -X SHOAL-HANDOVER
      ;;
  esac
done < "$dir/receiving" 2>/dev/null
rm -f "$dir/receiving"
[ -z "$hung" ] || kill -KILL "$hung"
[ "$1" = guard ] || end_leftovers' EXIT
[ -s "$dir/held" ] || exit 0
left=
while read -r address device; do
  [ -n "$address" ] && [ -n "$device" ] || continue
  if ip address del "$address" dev "$device" 2>/dev/null; then
    echo "removed $address from $device"
  elif ip -o address show dev "$device" to "${address%/*}" 2>/dev/null | grep -q .; then
    left=1
  fi
done < "$dir/held"
# An agent that ended properly has said so itself. bash has UDP built in; without it the other director waits for its deadtime.
case $state in running*) ;; *) exit 0 ;; esac
if [ -z "$left" ] && [ -s "$dir/farewell" ] && [ -r "$dir/farewell-to" ] && command -v bash >/dev/null; then
  while read -r address port; do
    if [ -n "$BASH_VERSION" ]; then
      cat "$dir/farewell" > "/dev/udp/$address/$port"
    else
      bash -c 'cat "$1" > "/dev/udp/$2/$3"' farewell "$dir/farewell" "$address" "$port"
    fi 2>/dev/null
  done < "$dir/farewell-to"
fi
exit 0
