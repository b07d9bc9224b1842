// How a pair of agents stands, as both tell it, and what a client sees of a fault.

import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Snapshot } from '../../domain/contract/agent.ts'
import { directors, type Director } from './agent-hosts.ts'
import type { Lab } from './lab.ts'

const SERVED_IN_A_ROW = 25
const SERVED_LIMIT_MS = 20_000
const LOOK_EVERY_MS = 500

/** What the agent of a host tells; null: it does not answer. */
export async function told(lab: Lab, host: string): Promise<Snapshot | null> {
  const said = await lab.ssh(host, 'shoal-agent status --json', { allowFailure: true, timeoutMs: 20_000 })
  return said.exitCode === 0 ? (JSON.parse(said.stdout) as Snapshot) : null
}

/** Every real server is found up. */
export const isUp = ({ services }: Snapshot): boolean =>
  services.every((s) => s.realServers.every((r) => r.health === 'up'))

/** Every real server is found up and stands in the kernel's table with its weight. */
export const serves = (seen: Snapshot): boolean =>
  isUp(seen) && seen.services.every((s) => s.realServers.every((r) => r.weightKernel === 1))

/** Waits until one director is active, the other a standby, both are heard, and both are well. */
export async function settled(
  lab: Lab,
  isWell: (seen: Snapshot) => boolean = serves,
  limitMs = 60_000,
): Promise<{ active: Director; standby: Director }> {
  const from = performance.now()
  let last: unknown = null
  while (performance.now() - from < limitMs) {
    const both = await Promise.all(directors.map((host) => told(lab, host).catch(() => null)))
    last = both.map((one) => one?.director)
    const roles = both.map((one) => one?.director.role)
    const at = roles.indexOf('active')
    if (at >= 0 && roles.includes('standby') && both.every((one) => one?.director.peer.alive === true && isWell(one)))
      return { active: directors[at] ?? 'lvs1', standby: directors[1 - at] ?? 'lvs2' }
    await delay(LOOK_EVERY_MS)
  }
  throw new Error(`the pair did not settle within ${limitMs} ms: ${JSON.stringify(last)}`)
}

/** Runs a fault under a probe of an address. It must be served before; whether it is again is looked at `quietMs` after the fault. */
export async function under(lab: Lab, address: string, fault: () => Promise<void>, quietMs: number) {
  const probe = await lab.startProbe(address)
  expect(await probe.served(SERVED_IN_A_ROW, SERVED_LIMIT_MS), 'served before the fault').toBe(true)
  probe.markFault()
  await fault()
  await delay(quietMs)
  const again = await probe.served(SERVED_IN_A_ROW, SERVED_LIMIT_MS)
  const report = await probe.stop()
  expect(report.fault?.servedBefore).toBe(true)
  return { again, report, outageMs: report.fault?.outage?.durationMs ?? 0 }
}
