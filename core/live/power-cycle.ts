/**
 * The drill "power cycle" on a host: it restarts at once, without a word to any service, as after a power cut that was over at once.
 *
 * `systemctl reboot --force --force` is a sync and the restart of the kernel, nothing else: no service is stopped, nobody is asked, so
 * the agent has no last word. What differs from a power cut is what makes it safe: what was written is on the disks (sync, and the
 * kernel's own shutdown of its devices empties the caches of the disks), file systems come back by their journals as they do after
 * a power cut. `sysrq b` would leave the devices' shutdown out, from which some controllers do not come back, and in a container it
 * would restart the machine around it.
 */
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'

/** As many seconds pass between the answer that the unit runs and the restart: the answer has to get out. */
const delayS = 1
/** Ended in the middle, these leave a system that may not start. */
const packageManagers = ['dpkg', 'rpm', 'apt', 'apt-get', 'aptitude', 'dnf', 'yum', 'zypper', 'transactional-u']

/** What speaks against it on the host. Reads only. */
export const powerCycleLook = `echo "agent $(systemctl is-enabled shoal-agent 2>/dev/null)"
echo "target $(systemctl get-default 2>/dev/null)"
echo "system $(systemctl is-system-running 2>/dev/null)"
if [ -e /run/systemd/shutdown/scheduled ]; then echo "busy shutdown scheduled"; fi
for c in ${packageManagers.join(' ')}; do if grep -qsx -- $c /proc/[0-9]*/comm; then echo "busy $c"; fi; done
systemd-inhibit --list --no-pager 2>/dev/null | sed 's/^/inhibits /'
command -v systemd-run >/dev/null && [ -d /run/systemd/system ]`

/**
 * Judges what the look has printed. Problems: `drill-agent-not-at-boot` (it would not come back as standby), `drill-host-busy` (packages
 * are being changed, a shutdown is under way or forbidden).
 */
export function readPowerCycleLook(host: string, out: string): Result<null> {
  const told = (what: string): readonly string[] =>
    out.split('\n').flatMap((line) => (line.startsWith(`${what} `) ? [line.slice(what.length + 1).trim()] : []))
  const target = told('target')[0] ?? ''
  if (told('agent')[0] !== 'enabled' || /^(rescue|emergency)\.target$/.test(target))
    return failed(problem('drill-agent-not-at-boot', { host }))
  // WHO UID USER PID COMM WHAT WHY MODE; those in mode "delay" are told and given a moment, which a power cut does not give.
  const inhibits = told('inhibits').filter((line) => /\bshutdown\b/.test(line) && /\sblock(-weak)?$/.test(line))
  const halting = told('system').filter((state) => state === 'stopping' || state === 'maintenance')
  const reasons = [...told('busy'), ...halting, ...inhibits.map((line) => line.replace(/\s+/g, ' '))]
  if (reasons.length > 0) return failed(problem('drill-host-busy', { host, reason: reasons.join(', ') }))
  return ok(null)
}

/** The restart as it is sent: a unit of its own, so that neither the answer nor the login is in its way. */
export const powerCycleCommand = `systemd-run --quiet --collect --unit=shoal-power-cycle /bin/sh -c 'sleep ${delayS}; sync; exec systemctl reboot --force --force'`
