#!/bin/sh
# Takes down the virtual IPs that an agent which ended has left on this host's interfaces. A shell script, because it must not depend
# on anything of the agent, and because it must be fast. It runs twice over: as `release-held.sh guard`, started by the agent, it waits
# until the agent's end closes its input (also after kill -9) and acts at once, unless that end was a proper one or another agent
# runs by then; and the unit runs it after every end.
# /run/shoal/held: one line "ADDRESS/PREFIX DEVICE" per address that may be there. /run/shoal/run: "running PID" or "ended".
PATH=/usr/sbin:/usr/bin:/sbin:/bin
dir=${SHOAL_RUN:-/run/shoal}
if [ "$1" = guard ]; then
  trap '' TERM INT HUP
  read -r _
  read -r state < "$dir/run"
  [ "$state" = "running $2" ] || exit 0
fi
[ -s "$dir/held" ] || exit 0
while read -r address device; do
  [ -n "$address" ] && [ -n "$device" ] || continue
  ip address del "$address" dev "$device" 2>/dev/null && echo "removed $address from $device"
done < "$dir/held"
exit 0
