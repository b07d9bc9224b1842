#!/bin/sh
# Takes down the virtual IPs that an agent which ended has left on this host's interfaces. Run by the unit after every end, also
# after kill -9; a shell script because it must not depend on anything of the agent, and because it must be fast.
# /run/shoal/held: one line "ADDRESS/PREFIX DEVICE" per address. An address that is not there is no failure.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
held=${SHOAL_RUN:-/run/shoal}/held
[ -s "$held" ] || exit 0
while read -r address device; do
  [ -n "$address" ] && [ -n "$device" ] || continue
  ip address del "$address" dev "$device" 2>/dev/null && echo "removed $address from $device"
done < "$held"
: > "$held"
exit 0
