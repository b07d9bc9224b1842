/**
 * A config as the ipvsadm commands that build it in an empty kernel table, in the order of the file: what an administrator would type
 * on a director to get what the agent keeps there while every real server is well.
 */
import type { Config } from '../config.ts'
import { compareService, tableOf } from './table.ts'

/** The command lines without `ipvsadm` itself. Nothing is wiped (`-C`): services of others stay. */
export function ipvsadmPlan(config: Config): readonly string[] {
  const { tcpS, tcpFinS, udpS } = config.timeouts
  const { syncDaemon } = config
  return [
    ...(tcpS + tcpFinS + udpS > 0 ? [`--set ${tcpS} ${tcpFinS} ${udpS}`] : []),
    ...tableOf(config).flatMap((service) => compareService(service, undefined).map((d) => d.command)),
    ...(syncDaemon ? [`--start-daemon master --mcast-interface ${syncDaemon.device} --syncid ${syncDaemon.id}`] : []),
  ]
}
