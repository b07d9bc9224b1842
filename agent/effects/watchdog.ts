/**
 * systemd's watchdog (sd_notify(3), WATCHDOG=1 and WATCHDOG_USEC=): an agent that has said nothing for its limit is killed. While it holds
 * a virtual IP the limit is short, because another director may hold it too; else it is long, because a host that was paused or starved for
 * a second is no reason to start anew. The orphan guard is sooner and can tell the two apart: where it notices hanging, this is the second net.
 */

export const watchdogHoldingMs = 900
const watchdogGuardedMs = 2_000
/** As WatchdogSec in the unit, which counts until the first word. */
export const watchdogIdleMs = 10_000

/** What to say each time the program has turned; `tell` answers whether systemd has taken it. */
export function openWatchdog(guarded: boolean, tell: (text: string) => boolean): (holds: boolean) => void {
  let limitMs = watchdogIdleMs
  return (holds) => {
    const wantedMs = !holds ? watchdogIdleMs : guarded ? watchdogGuardedMs : watchdogHoldingMs
    const text = wantedMs === limitMs ? 'WATCHDOG=1' : `WATCHDOG=1\nWATCHDOG_USEC=${wantedMs * 1_000}`
    if (tell(text)) limitMs = wantedMs
  }
}
