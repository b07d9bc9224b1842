#!/bin/bash
# Starts one lab host, and starts it again when it reboots: on a reboot user-mode Linux runs the program it was started as
# anew, with every file still open. The old hold on the taps would make the new start fail, so it is started as this script,
# which lets go of everything but the console.
for open in /proc/self/fd/*; do
  number=${open##*/}
  # 255 is the shell's own hold on this script, which ends with the exec.
  if ((number > 2 && number != 255)); then exec {number}>&-; fi
done 2>/dev/null
PATH=$PATH:/usr/bin
exec -a "$0" linux.uml "$@"
