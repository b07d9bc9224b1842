/**
 * The faults of drills on real hosts. Each is looked at first and refused with what stands in the way; what is then sent is one command
 * that ends by itself (cut.ts, power-cycle.ts; the agent's own unit starts a killed one again). Every command is given to `logged`.
 */
import { cutLastsMs } from '../../domain/acting.ts'
import type { DrillKind } from '../../domain/acting.ts'
import type { DirectorDraft } from '../../domain/cluster.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { cutCommand, cutFits, cutLook, readCutLook } from './cut.ts'
import { powerCycleCommand, powerCycleLook, readPowerCycleLook } from './power-cycle.ts'

/** A busy host takes its time to start units; a fault that began without its answer still ends by itself. */
const timeoutMs = 30_000
/** `kill -9` of the agent on a director; its unit takes the addresses down and starts it again. */
const killCommand = 'systemctl kill --signal=KILL shoal-agent'

export interface HostFaultPorts {
  readonly hosts: Hosts
  /** Carries out a command and writes down how it went. */
  readonly logged: <T>(command: string, carryOut: () => Promise<Result<T>>) => Promise<Result<T>>
}

/**
 * Looks whether the fault can be made on the host, and answers with what makes it. Problems: those of a session, `drill-no-means`,
 * `drill-filters-there`, `drill-storage-remote`, `drill-deadtime-long`, `drill-agent-not-at-boot`, `drill-host-busy`.
 */
export async function prepareHostFault(
  kind: Exclude<DrillKind, 'planned'>,
  host: DirectorDraft,
  deadtimeMs: number,
  ports: HostFaultPorts,
): Promise<Result<() => Promise<Result<null>>>> {
  const name = host.name.trim()
  /** The standard output; another end than 0 is a problem. */
  const run = (command: string): Promise<Result<string>> =>
    ports.logged(command, async () => {
      const session = await ports.hosts.session(host)
      if (!session.ok) return session
      const ran = await session.value.script(command, { as: 'root', timeoutMs })
      if (!ran.ok) return ran
      if (ran.value.exit === 0) return ok(ran.value.out)
      const reason = ran.value.err.trim().slice(0, 300) || `exit ${ran.value.exit}`
      return failed(
        kind === 'kill'
          ? problem('ssh-failed', { host: host.address, reason }, { kind: 'host', host: host.id })
          : problem('drill-no-means', { host: name, reason }),
      )
    })
  const made = (command: string) => async (): Promise<Result<null>> => {
    const ran = await run(command)
    return ran.ok ? ok(null) : ran
  }

  if (kind === 'kill') return ok(made(killCommand))
  if (kind === 'reboot') {
    const looked = await run(powerCycleLook)
    if (!looked.ok) return looked
    const fits = readPowerCycleLook(name, looked.value)
    return fits.ok ? ok(made(powerCycleCommand)) : fits
  }
  const fits = cutFits(deadtimeMs)
  if (!fits.ok) return fits
  const looked = await run(cutLook)
  if (!looked.ok) return looked
  const seen = readCutLook(name, looked.value)
  return seen.ok ? ok(made(cutCommand(seen.value, cutLastsMs(deadtimeMs)))) : seen
}
