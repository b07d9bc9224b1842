/**
 * Settings of the kernel's IPVS (`/proc/sys/net/ipv4/vs/…`, Documentation/networking/ipvs-sysctl) that a config asks for. What it
 * does not ask for is left as the kernel has it.
 */
import type { Config } from '../config.ts'

/** Value by name. */
export function kernelSettings(config: Config): Readonly<Record<string, string>> {
  // A failed server that is only quiesced would go on getting its persistent clients for as long as their time runs.
  const quiesced = config.virtualServers.some((v) => v.active && v.quiesce && v.persistentS !== undefined)
  const expireQuiescent = config.expireQuiescent ?? (quiesced ? true : undefined)
  return {
    ...(config.expireNodest === undefined ? {} : { expire_nodest_conn: config.expireNodest ? '1' : '0' }),
    ...(expireQuiescent === undefined ? {} : { expire_quiescent_template: expireQuiescent ? '1' : '0' }),
  }
}
